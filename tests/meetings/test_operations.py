"""Coming, waiting and checking in, on both engines, with everybody at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.consultations import operations as topics
from app.consultations.rules import State
from app.core import clock, jobs
from app.core.actor import VISITOR, Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.meetings import operations, queries
from app.meetings.models import Meeting, Seat
from app.meetings.rules import MeetingState, SeatState
from app.people.models import PersonNotice

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from app.core.actor import Actor
    from tests.support.world import Place, World


def join(actor: Actor, place: Place, meeting: str) -> SeatState:
    return operations.join_meeting(actor, community_id=place.id, meeting_id=meeting)


def leave(actor: Actor, place: Place, meeting: str) -> None:
    operations.leave_meeting(actor, community_id=place.id, meeting_id=meeting)


def test_the_waiting_list_moves_up_in_order_and_tells_who_got_in(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 5)
    meeting = world.meeting(place)
    people = world.voters(place, 5)
    states = [join(person, place, meeting) for person in people]
    assert states == [SeatState.COMING] * 2 + [SeatState.WAITING] * 3
    assert join(people[4], place, meeting) is SeatState.WAITING
    leave(people[3], place, meeting)
    leave(people[0], place, meeting)
    leave(people[0], place, meeting)
    view = queries.meeting(place.id, meeting)
    assert (view.taken, view.waiting, view.free) == (2, 1, 0)
    seat = queries.my_seat(place.id, meeting, people[2].require_person())
    assert seat is not None
    assert seat.state is SeatState.COMING
    db.session.rollback()
    jobs.run_due()
    told = db.session.scalars(select(PersonNotice.person_id)).all()
    assert told == [people[2].person_id]
    db.session.rollback()
    assert join(people[0], place, meeting) is SeatState.WAITING
    leave(people[1], place, meeting)
    leave(people[2], place, meeting)
    leave(people[4], place, meeting)
    assert queries.meeting(place.id, meeting).taken == 1


def test_twenty_four_at_once_for_the_last_place(
    app: Flask, world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 24)
    meeting = world.meeting(place, capacity=2, held=1)
    people = world.voters(place, 24)
    barrier = threading.Barrier(24)

    def tap(actor: Actor) -> SeatState:
        with app.app_context():
            barrier.wait()
            try:
                return join(actor, place, meeting)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(24) as pool:
        states = list(pool.map(tap, people))
    db.session.rollback()
    assert states.count(SeatState.COMING) == 1
    lines = db.session.scalars(select(Seat.line).order_by(Seat.line)).all()
    assert lines == list(range(1, 25))
    row = db.session.execute(select(Meeting.taken, Meeting.capacity, Meeting.held)).one()
    assert row.taken == row.capacity - row.held == 1
    db.session.rollback()
    coming = states.index(SeatState.COMING)
    leave(people[coming], place, meeting)
    first = db.session.scalar(select(Seat.line).where(Seat.state == SeatState.COMING.value))
    waited = sorted(set(range(1, 25)) - {_line_of(people[coming])})
    assert first == waited[0]


def _line_of(actor: Actor) -> int:
    return db.session.scalars(select(Seat.line).where(Seat.person_id == actor.person_id)).one()


def test_one_person_tapping_at_once_has_one_seat(
    app: Flask, world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 1)
    meeting, person = world.meeting(place), world.resident(place)
    barrier = threading.Barrier(8)

    def tap(_number: int) -> SeatState:
        with app.app_context():
            barrier.wait()
            try:
                return join(person, place, meeting)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(tap, range(8))) == {SeatState.COMING}
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Seat)) == 1
    assert db.session.scalar(select(Meeting.taken)) == 1


def test_held_places_are_the_desks(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 1)
    meeting, clerk = world.meeting(place), world.clerk(place)

    def reserve(label: str) -> None:
        operations.reserve_at_desk(clerk, community_id=place.id, meeting_id=meeting, label=label)

    with pytest.raises(RuleBroken, match=r"meeting\.no_label"):
        reserve(" ")
    reserve("3 号楼王阿姨")
    with pytest.raises(RuleBroken, match=r"meeting\.held_full"):
        reserve("李叔")
    (seat,) = queries.seats(place.id, meeting)
    assert (seat.label, seat.channel) == ("3 号楼王阿姨", "desk")


def test_checking_in_by_list_and_door_counts_each_once(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 3)
    topic = world.topic(place)
    meeting, clerk = world.meeting(place, topic), world.clerk(place)
    coming, surprise = world.resident(place, 0), world.resident(place, 1)
    join(coming, place, meeting)
    key = queries.door_key(place.id, meeting)

    def door(actor: Actor, key: str = key, band: str = "to_79") -> bool:
        return operations.check_in_at_door(
            actor, community_id=place.id, meeting_id=meeting, door_key=key, band=band
        )

    with pytest.raises(RuleBroken, match=r"meeting\.doors_closed"):
        door(coming)
    clock.advance(timedelta(days=10))
    with pytest.raises(NotFound):
        door(coming, key="guess")
    with pytest.raises(RuleBroken, match=r"meeting\.band"):
        door(coming, band="72")
    assert door(coming) is True
    assert door(coming) is False
    assert door(surprise) is True
    seat = queries.my_seat(place.id, meeting, coming.require_person())
    assert seat is not None
    again = operations.check_in_seat(
        clerk, community_id=place.id, meeting_id=meeting, seat_id=seat.id, band="unsaid"
    )
    assert again is False
    with pytest.raises(NotFound):
        operations.check_in_seat(
            clerk, community_id=place.id, meeting_id=meeting, seat_id=999_999, band="unsaid"
        )
    operations.walk_in(
        clerk,
        community_id=place.id,
        meeting_id=meeting,
        person=operations.WalkIn("", "from_80"),
    )
    assert queries.meeting(place.id, meeting).present == 3
    with pytest.raises(RuleBroken, match=r"meeting\.wrong_state"):
        leave(coming, place, meeting)


def test_minutes_need_two_people_and_then_stand(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 1)
    topic = world.topic(place)
    meeting, clerk = world.meeting(place, topic), world.clerk(place)
    second = world.staff(place, Role.SUPERVISOR).actor

    def write(text: str = "大家同意。") -> None:
        operations.write_minutes(clerk, community_id=place.id, meeting_id=meeting, text=text)

    def confirm(actor: Actor) -> None:
        operations.confirm_minutes(actor, community_id=place.id, meeting_id=meeting)

    with pytest.raises(RuleBroken, match=r"meeting\.wrong_state"):
        write()
    clock.advance(timedelta(days=10))
    topics.open_session(clerk, community_id=place.id, topic_id=topic)
    with pytest.raises(RuleBroken, match=r"meeting\.minutes_empty"):
        write(" ")
    write()
    with pytest.raises(RuleBroken, match=r"meeting\.wrong_state"):
        confirm(second)
    operations.close_meeting(clerk, community_id=place.id, meeting_id=meeting)
    with pytest.raises(RuleBroken, match=r"meeting\.wrong_state"):
        operations.close_meeting(clerk, community_id=place.id, meeting_id=meeting)
    with pytest.raises(RuleBroken, match=r"meeting\.same_person"):
        confirm(clerk)
    confirm(second)
    for again in (write, lambda: confirm(second)):
        with pytest.raises(RuleBroken, match=r"meeting\.confirmed"):
            again()


def test_a_postponed_meeting_tells_who_wanted_to_come(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 2)
    topic = world.topic(place)
    meeting, person = world.meeting(place, topic), world.resident(place)
    join(person, place, meeting)
    topics.postpone_topic(world.clerk(place), community_id=place.id, topic_id=topic, note="停电")
    jobs.run_due()
    assert told(person) == [(f"meeting:{meeting}", "postponed")]
    assert queries.meeting(place.id, meeting).reason == "停电"
    db.session.rollback()
    for act in (join, leave):
        with pytest.raises(RuleBroken, match=r"meeting\.wrong_state"):
            act(person, place, meeting)
    again = world.meeting(place, topic)
    jobs.run_due()
    assert told(person)[1:] == [(f"meeting:{again}", "anew")]


def told(person: Actor) -> list[tuple[str, str]]:
    """Every line of somebody's inbox: about what, and what happened to it."""
    rows = db.session.execute(
        select(PersonNotice.about, PersonNotice.detail)
        .where(PersonNotice.person_id == person.person_id)
        .order_by(PersonNotice.id)
    ).all()
    db.session.rollback()
    return [(row.about, row.detail) for row in rows]


def test_an_adjourned_meeting_is_over_its_doors_too_and_asks_everybody_anew(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 3)
    topic = world.topic(place)
    meeting, clerk = world.meeting(place, topic), world.clerk(place)
    came, late = world.resident(place, 0), world.resident(place, 1)
    join(came, place, meeting)
    key = queries.door_key(place.id, meeting)

    def door(actor: Actor) -> bool:
        return operations.check_in_at_door(
            actor, community_id=place.id, meeting_id=meeting, door_key=key, band="to_79"
        )

    clock.advance(timedelta(days=10))
    topics.open_session(clerk, community_id=place.id, topic_id=topic)
    door(came)
    topics.move_topic(
        clerk, community_id=place.id, topic_id=topic, to=State.ADJOURNED, note="人太少"
    )
    view = queries.meeting(place.id, meeting)
    assert (view.state, view.reason, view.present) == (MeetingState.ADJOURNED, "人太少", 1)
    assert view.closed_at is not None
    db.session.rollback()
    with pytest.raises(RuleBroken, match=r"meeting\.doors_closed"):
        door(late)
    with pytest.raises(RuleBroken, match=r"meeting\.wrong_state"):
        join(late, place, meeting)
    again = world.meeting(place, topic)
    found = queries.called_anew(place.id, queries.meeting(place.id, meeting))
    assert found is not None
    assert found.public_id == again
    person = came.require_person()
    assert queries.my_seat(place.id, again, person) is None, "who can come then is asked, not taken"
    assert queries.came_before(place.id, found, person)
    assert not queries.came_before(place.id, found, late.require_person())
    db.session.rollback()
    jobs.run_due()
    assert told(came) == [(f"meeting:{meeting}", "adjourned"), (f"meeting:{again}", "anew")]
    assert told(late) == []


def test_the_list_begins_with_whoever_is_still_to_check_in(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    topic = world.topic(place)
    meeting, clerk = world.meeting(place, topic), world.clerk(place)
    first, second = world.voters(place, 2)
    join(first, place, meeting)
    join(second, place, meeting)
    clock.advance(timedelta(days=10))
    seat = queries.seats(place.id, meeting)[0]
    operations.check_in_seat(
        clerk, community_id=place.id, meeting_id=meeting, seat_id=seat.id, band="unsaid"
    )
    order = [one.person_id for one in queries.seats(place.id, meeting)]
    assert order == [second.person_id, first.person_id]


def test_neither_visitors_nor_neighbours_come(world: World, fixed_clock: datetime) -> None:
    place, other = world.community("HXL", 1), world.community("YYL", 1)
    meeting = world.meeting(place)
    for actor in (VISITOR, world.resident(other), world.clerk(place)):
        with pytest.raises(NotAllowed):
            join(actor, place, meeting)
    with pytest.raises(NotFound):
        join(world.resident(other), other, meeting)

"""A clerk acts for somebody present: the same rules as on the phone, and nobody sees it again."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from app.assisting import operations, visits
from app.assisting.operations import Helped
from app.assisting.rules import RECEIPT_WITHIN, VISIT_LASTS, Checked
from app.core import clock
from app.core.actor import SYSTEM, Home, Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.record import RecordEntry, RecordOpening
from app.people import memberships
from app.people.member_queries import members
from app.people.models import HouseholdNotice, Membership, SecurityEvent
from app.people.rules import JoinedBy
from app.voting import operations as voting
from app.voting import queries as polls
from app.voting import tokens
from app.voting.casting import OutcomeKind
from app.voting.models import Ballot, PollVoter

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from app.core.actor import Actor
    from tests.support.world import Place, World


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community("HXL", 6)


@pytest.fixture
def poll(world: World, place: Place) -> str:
    return world.poll(place)


def begin(world: World, place: Place, index: int = 0, clerk: Actor | None = None) -> int:
    return operations.begin_visit(
        clerk or world.clerk(place),
        community_id=place.id,
        household_id=place.households[index],
        checked=Checked.DOCUMENT,
        present=True,
    )


def token(world: World, clerk: Actor, place: Place, visit: int, poll: str) -> str:
    key = world.app.config["SETTINGS"].secret_key
    found = visits.look(clerk, place.id, visit)
    return tokens.issue(key, visits.binding(clerk, found, poll))


def cast(
    world: World, place: Place, visit: int, poll: str, choice: str = "yes", sealed: str = ""
) -> Helped:
    clerk = world.clerk(place)
    return operations.cast_for_present(
        clerk,
        community_id=place.id,
        visit_id=visit,
        public_id=poll,
        choice=[choice],
        token=sealed or token(world, clerk, place, visit, poll),
    )


def told(place: Place, index: int = 0) -> list[str]:
    lines = (
        select(HouseholdNotice.kind)
        .where(HouseholdNotice.household_id == place.households[index])
        .order_by(HouseholdNotice.id)
    )
    return list(db.session.scalars(lines))


def count(model: Any, *conditions: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


def test_somebody_present_votes_and_the_household_is_told(
    world: World, place: Place, poll: str
) -> None:
    visit = begin(world, place)
    done = cast(world, place, visit, poll)
    assert (done.outcome.kind, done.outcome.version) == (OutcomeKind.COUNTED, 1)
    assert done.receipt is not None
    assert done.receipt.choice == "yes"
    assert len(done.receipt.check_code.split("-")) == 4
    assert told(place) == ["voted_at_desk"]
    lines = db.session.scalars(
        select(SecurityEvent).where(SecurityEvent.kind.like("assist.%")).order_by(SecurityEvent.id)
    ).all()
    assert [line.kind for line in lines] == ["assist.begun", "assist.voted"]
    assert {line.person_id for line in lines} == {world.clerk(place).person_id}
    assert {line.facts["household"] for line in lines} == {place.households[0]}
    assert {line.facts["checked"] for line in lines} == {"document"}
    assert "yes" not in str([line.facts for line in lines])


def test_the_record_reads_like_any_ballot_and_commits_to_the_member_not_the_clerk(
    world: World, place: Place, poll: str
) -> None:
    by_phone = world.resident(place, 1)
    world.cast(by_phone, place, poll, "no")
    cast(world, place, begin(world, place), poll)
    entries = db.session.scalars(
        select(RecordEntry.entry).where(RecordEntry.kind == "ballot.cast").order_by(RecordEntry.seq)
    ).all()
    phone, desk = (json.loads(entry) for entry in entries)
    assert phone["actor"] == desk["actor"] == "voter"
    assert set(phone) == set(desk)
    assert set(phone["data"]) == set(desk["data"])
    assert set(phone["private"]) == set(desk["private"]) == {"choice", "channel"}
    opened = {
        row.name: row.value
        for row in db.session.scalars(select(RecordOpening).where(RecordOpening.seq == desk["seq"]))
    }
    assert opened["channel"] == '"phone"'
    assert world.clerk(place).person_ref not in opened["actor_c"]
    seat = visits.look(world.clerk(place), place.id, begin(world, place)).present
    assert seat.person_ref in opened["actor_c"]


def test_the_same_form_is_one_ballot_and_shows_no_choice_later(
    world: World, place: Place, poll: str
) -> None:
    visit = begin(world, place)
    sealed = token(world, world.clerk(place), place, visit, poll)
    cast(world, place, visit, poll, "yes", sealed)
    again = cast(world, place, visit, poll, "no", sealed)
    assert again.outcome.again
    assert again.receipt is not None
    assert again.receipt.choice == "yes"
    assert count(Ballot) == 1
    assert told(place) == ["voted_at_desk"]
    clock.advance(RECEIPT_WITHIN + timedelta(seconds=1))
    later = cast(world, place, visit, poll, "no", sealed)
    assert later.outcome.again
    assert later.receipt is None
    with pytest.raises(RuleBroken, match=r"assist\.no_receipt"):
        operations.print_receipt(
            world.clerk(place), community_id=place.id, visit_id=visit, public_id=poll, token=sealed
        )


def test_a_form_for_one_household_serves_no_other(world: World, place: Place, poll: str) -> None:
    sealed = token(world, world.clerk(place), place, begin(world, place), poll)
    with pytest.raises(RuleBroken, match=r"ballot\.other_session"):
        cast(world, place, begin(world, place, 1), poll, "yes", sealed)
    assert count(Ballot) == 0


def test_whoever_cast_first_may_change_it_on_either_way(
    world: World, place: Place, poll: str
) -> None:
    visit = begin(world, place)
    cast(world, place, visit, poll)
    son = world.resident(place, 0)
    with pytest.raises(RuleBroken, match=r"ballot\.other_member"):
        world.cast(son, place, poll, "no")
    assert cast(world, place, visit, poll, "no").outcome.version == 2
    assert told(place) == ["voted_at_desk", "joined", "vote_changed_at_desk"]

    daughter = world.resident(place, 1)
    world.cast(daughter, place, poll, "yes")
    with pytest.raises(RuleBroken, match=r"ballot\.other_member"):
        cast(world, place, begin(world, place, 1), poll, "no")
    assert count(PollVoter, PollVoter.version > 0) == 2


def hand_on(world: World, place: Place, visit: int, poll: str, member_id: int = 0) -> None:
    operations.hand_on(
        world.clerk(place),
        community_id=place.id,
        visit_id=visit,
        public_id=poll,
        member_id=member_id,
    )


def test_the_desk_hands_the_right_to_change_on_and_the_choice_stays_unseen(
    world: World, place: Place, poll: str
) -> None:
    first = world.resident(place, 0)
    world.cast(first, place, poll, "yes")
    visit = begin(world, place)
    hand_on(world, place, visit, poll)
    hand_on(world, place, visit, poll)
    assert told(place)[-1] == "vote_handed_on"
    assert told(place).count("vote_handed_on") == 1, "the second time there is nothing to hand on"
    seat = visits.look(world.clerk(place), place.id, visit).present
    seen = polls.ballot_view(place.id, poll, seat.homes[0], seat.require_person())
    assert (seen.choice, seen.check_code, seen.version) == (None, "", 1)
    with pytest.raises(RuleBroken, match=r"ballot\.other_member"):
        world.cast(first, place, poll, "no")
    assert cast(world, place, visit, poll, "no").outcome.version == 2


def test_it_can_be_handed_to_a_phone_of_the_household_and_to_no_other(
    world: World, place: Place, poll: str
) -> None:
    world.cast(world.resident(place, 0), place, poll, "yes")
    mother, stranger = world.resident(place, 0), world.resident(place, 1)
    visit = begin(world, place)
    lines = members(place.id, place.households[0])
    hers = next(line.member_id for line in lines if line.person_id == mother.person_id)
    theirs = members(place.id, place.households[1])[0]
    assert theirs.person_id == stranger.person_id
    with pytest.raises(NotFound):
        hand_on(world, place, visit, poll, theirs.member_id)
    hand_on(world, place, visit, poll, hers)
    view = polls.ballot_view(place.id, poll, mother.homes[0], mother.require_person())
    assert not view.other_member
    assert view.choice is None
    assert world.cast(mother, place, poll, "no").version == 2


def test_there_is_nothing_to_hand_on_before_a_ballot_or_after_the_closing(
    world: World, place: Place, poll: str
) -> None:
    visit = begin(world, place)
    with pytest.raises(RuleBroken, match=r"ballot\.nothing_to_hand_on"):
        hand_on(world, place, visit, poll)
    world.cast(world.resident(place, 0), place, poll, "yes")
    clock.advance(timedelta(days=8))
    visit = begin(world, place)
    with pytest.raises(RuleBroken, match=r"ballot\.closed"):
        hand_on(world, place, visit, poll)
    late = cast(world, place, visit, poll)
    assert (late.outcome.kind, late.receipt) == (OutcomeKind.LATE, None)


def test_nothing_is_done_without_the_statement_nor_for_ones_own_household(
    world: World, place: Place, poll: str
) -> None:
    with pytest.raises(RuleBroken, match=r"assist\.not_stated"):
        operations.begin_visit(
            world.clerk(place),
            community_id=place.id,
            household_id=place.households[0],
            checked=Checked.KNOWN,
            present=False,
        )
    lives_here = replace(world.clerk(place), homes=(Home(place.id, place.households[0]),))
    with pytest.raises(RuleBroken, match=r"assist\.own_household"):
        begin(world, place, 0, lives_here)
    assert count(Membership) == 0
    visit = begin(world, place)
    with pytest.raises(RuleBroken, match=r"assist\.own_household"):
        operations.cast_for_present(
            lives_here,
            community_id=place.id,
            visit_id=visit,
            public_id=poll,
            choice=["yes"],
            token="x",
        )


@pytest.mark.parametrize("role", [Role.COMMITTEE, Role.SUPERVISOR, Role.DESIGNER, Role.DISTRICT])
def test_only_a_clerk_acts_for_somebody(world: World, place: Place, role: Role) -> None:
    with pytest.raises(NotAllowed):
        begin(world, place, 0, world.staff(place, role).actor)
    with pytest.raises(NotAllowed):
        begin(world, place, 0, SYSTEM)


def test_a_visit_is_its_clerks_own_and_ends(world: World, place: Place, poll: str) -> None:
    visit = begin(world, place)
    assert begin(world, place) == visit, "asking twice is one visit"
    with pytest.raises(NotFound):
        visits.look(world.staff(place).actor, place.id, visit)
    clock.advance(VISIT_LASTS)
    with pytest.raises(RuleBroken, match=r"assist\.over"):
        cast(world, place, visit, poll)
    anew = begin(world, place)
    assert anew != visit
    operations.end_visit(world.clerk(place), community_id=place.id, visit_id=anew)
    with pytest.raises(RuleBroken, match=r"assist\.over"):
        cast(world, place, anew, poll)
    assert count(Ballot) == 0


def test_a_family_that_does_not_know_the_visit_ends_it_and_votes_itself(
    world: World, place: Place, poll: str
) -> None:
    visit = begin(world, place)
    cast(world, place, visit, poll)
    son = world.resident(place, 0)
    seat = next(
        line
        for line in members(place.id, place.households[0])
        if line.joined_by is JoinedBy.PRESENT
    )
    memberships.contest_member(son, community_id=place.id, member_id=seat.member_id)
    memberships.end_member(
        world.clerk(place),
        community_id=place.id,
        household_id=place.households[0],
        member_id=seat.member_id,
    )
    with pytest.raises(RuleBroken, match=r"assist\.over"):
        cast(world, place, visit, poll, "no")
    assert world.cast(son, place, poll, "no").version == 2


def test_the_desk_takes_none_of_the_eight_places(world: World, place: Place) -> None:
    begin(world, place)
    for _ in range(8):
        world.resident(place, 0)
    assert count(Membership, Membership.ended_at.is_(None)) == 9


def test_desk_and_phone_at_the_same_moment_are_one_ballot(
    app: Flask, world: World, place: Place, poll: str
) -> None:
    son, clerk = world.resident(place, 0), world.clerk(place)
    visit = begin(world, place)
    ours, theirs = token(world, clerk, place, visit, poll), world.token(son, place, poll)
    db.session.remove()
    start, came = threading.Barrier(2), []

    def desk() -> None:
        cast(world, place, visit, poll, "yes", ours)

    def phone() -> None:
        voting.cast_ballot(son, community_id=place.id, public_id=poll, choice=["no"], token=theirs)

    def run(act: Any) -> None:
        with app.app_context():
            start.wait()
            try:
                act()
                came.append("counted")
            except RuleBroken as error:
                came.append(error.code)

    threads = [threading.Thread(target=run, args=(act,)) for act in (desk, phone)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(came) == ["ballot.other_member", "counted"]
    assert count(Ballot) == 1


def test_two_desks_at_the_same_moment_take_one_seat(app: Flask, world: World, place: Place) -> None:
    clerks = [world.staff(place).actor for _ in range(4)]
    db.session.remove()
    start, opened = threading.Barrier(4), []

    def run(clerk: Actor) -> None:
        with app.app_context():
            start.wait()
            opened.append(begin(world, place, 0, clerk))

    threads = [threading.Thread(target=run, args=(clerk,)) for clerk in clerks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(opened)) == 4
    assert count(Membership, Membership.joined_by == "present") == 1

"""Paper, visits at home, and the list of who has not voted: asked, told, kept, and never more."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.assisting import outreach, proxying, reaching_out
from app.assisting.models import HomeVisit, PaperHanded, PaperRequest, TurnoutLook
from app.assisting.reaching_out import Wished
from app.assisting.rules import Asked, LookFor, Outcome, PartOfDay, VisitPurpose
from app.core import clock, erasures
from app.core.actor import STAFF, SYSTEM, Actor, Home, Role
from app.core.db import db, transaction
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.record import RecordEntry
from app.people import memberships
from app.people.member_queries import who_is_in_mark
from app.people.models import HouseholdNotice
from app.voting import operations as voting
from app.voting.proxies import NewProxy
from app.voting.proxy_rules import Seen

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from tests.support.world import Place, World

HELP = Wished(VisitPurpose.VOTE, PartOfDay.MORNING)


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community("HXL", 6)


def ask_paper(
    actor: Actor, place: Place, index: int = 0, poll: str = "", asked: Asked = Asked.DESK
) -> None:
    reaching_out.ask_paper(
        actor,
        community_id=place.id,
        household_id=place.households[index],
        public_id=poll,
        asked=asked,
    )


def ask_visit(actor: Actor, place: Place, index: int = 0, asked: Asked = Asked.DESK) -> int:
    reaching_out.ask_visit(
        actor,
        community_id=place.id,
        household_id=place.households[index],
        wished=HELP,
        asked=asked,
    )
    return outreach.visits_to_come(place.id, place.households[index])[0].id


def look(
    actor: Actor, place: Place, poll: str, part: str = "all", purpose: LookFor = LookFor.PAPER
) -> list[int]:
    homes = reaching_out.look_at_turnout(
        actor, community_id=place.id, public_id=poll, part=part, purpose=purpose
    )
    return [place.households.index(home.household_id) for home in homes]


def told(place: Place, index: int = 0) -> list[str]:
    lines = (
        select(HouseholdNotice.kind)
        .where(HouseholdNotice.household_id == place.households[index])
        .where(HouseholdNotice.kind.not_in(["joined", "voted", "proxy_given", "proxy_voted"]))
        .order_by(HouseholdNotice.id)
    )
    return list(db.session.scalars(lines))


def count(model: Any, *conditions: Any) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


def move_out(world: World, place: Place, index: int) -> None:
    memberships.move_out(
        world.clerk(place),
        community_id=place.id,
        household_id=place.households[index],
        seen=who_is_in_mark(place.id, place.households[index]),
    )


# --- paper ---------------------------------------------------------------------------------------


def test_paper_is_asked_for_at_the_desk_by_phone_and_on_ones_own_page(
    world: World, place: Place
) -> None:
    poll = world.poll(place)
    clerk, own = world.clerk(place), world.resident(place, 2)
    ask_paper(clerk, place, 0)
    ask_paper(clerk, place, 0)
    ask_paper(clerk, place, 1, poll, Asked.PHONE)
    ask_paper(own, place, 2, "", Asked.OWN)
    assert told(place, 0) == told(place, 2) == ["paper_asked"]
    assert [place.households.index(one.household_id) for one in outreach.to_hand(place.id)] == [
        0,
        1,
        2,
    ]
    ask_paper(clerk, place, 0, poll)
    assert len(outreach.to_hand(place.id)) == 3, "from now on and this time is brought once"
    with pytest.raises(NotFound):
        ask_paper(own, place, 3, "", Asked.OWN)
    with pytest.raises(NotAllowed):
        ask_paper(own, place, 2, "", Asked.DESK)
    with pytest.raises(NotFound):
        ask_paper(clerk, place, 0, "no-such-poll")


def test_what_was_brought_is_no_longer_waiting_and_the_next_poll_waits_anew(
    world: World, place: Place
) -> None:
    poll, clerk = world.poll(place), world.clerk(place)
    ask_paper(clerk, place)
    for _ in range(2):
        reaching_out.hand_paper(
            clerk, community_id=place.id, household_id=place.households[0], public_id=poll
        )
    assert told(place) == ["paper_asked", "paper_handed"]
    assert (count(PaperHanded), outreach.to_hand(place.id)) == (1, [])
    second = world.poll(place, ("P02",))
    assert [one.public_id for one in outreach.to_hand(place.id)] == [second]
    clock.advance(timedelta(days=8))
    assert outreach.to_hand(place.id) == [], "nothing is brought after the closing"


def test_a_household_ends_its_own_request_and_no_other(world: World, place: Place) -> None:
    clerk, own = world.clerk(place), world.resident(place, 1)
    ask_paper(clerk, place, 0)
    ask_paper(own, place, 1, "", Asked.OWN)
    theirs, mine = (one.id for one in outreach.wanted(place.id))
    with pytest.raises(NotFound):
        reaching_out.end_paper(own, community_id=place.id, request_id=theirs)
    lives_here = replace(clerk, homes=(Home(place.id, place.households[3]),))
    for _ in range(2):
        reaching_out.end_paper(own, community_id=place.id, request_id=mine)
        reaching_out.end_paper(lives_here, community_id=place.id, request_id=theirs)
    assert told(place, 1) == ["paper_asked", "paper_ended"]
    assert outreach.wanted(place.id) == []
    ask_paper(clerk, place, 0)
    assert len(outreach.wanted(place.id)) == 1


def test_the_next_family_inherits_no_request(world: World, place: Place) -> None:
    world.poll(place)
    clerk = world.clerk(place)
    ask_paper(clerk, place)
    ask_visit(clerk, place)
    clock.advance(timedelta(minutes=1))
    move_out(world, place, 0)
    assert outreach.wanted(place.id) == outreach.to_hand(place.id) == []
    assert outreach.visits_to_come(place.id) == []
    clock.advance(timedelta(minutes=1))
    ask_paper(clerk, place)
    ask_visit(clerk, place)
    assert (len(outreach.wanted(place.id)), len(outreach.visits_to_come(place.id))) == (1, 1)


def test_erasing_who_asked_leaves_the_request(world: World, place: Place) -> None:
    own = world.resident(place)
    ask_paper(own, place, 0, "", Asked.OWN)
    ask_visit(own, place, 0, Asked.OWN)
    with transaction() as session:
        leaver = erasures.Leaver(own.require_person(), own.person_ref)
        erasures.forget_everywhere(session, leaver)
    assert count(PaperRequest, PaperRequest.asked_by.is_(None)) == 1
    assert count(HomeVisit, HomeVisit.asked_by.is_(None)) == 1


# --- visits --------------------------------------------------------------------------------------


def plan(world: World, place: Place, visit: int, two: tuple[int, int], **later: int) -> None:
    reaching_out.plan_visit(
        world.clerk(place),
        community_id=place.id,
        visit_id=visit,
        at=clock.now() + timedelta(**(later or {"hours": 3})),
        two=two,
    )


def pair(world: World, place: Place) -> tuple[int, int]:
    second = world.staff(place, Role.SUPERVISOR).actor
    return world.clerk(place).require_person(), second.require_person()


def finish(world: World, place: Place, visit: int, outcome: Outcome) -> None:
    reaching_out.finish_visit(
        world.clerk(place), community_id=place.id, visit_id=visit, outcome=outcome
    )


def test_a_visit_is_asked_planned_for_two_and_its_outcome_told(world: World, place: Place) -> None:
    own, two = world.resident(place), pair(world, place)
    visit = ask_visit(own, place, 0, Asked.OWN)
    assert ask_visit(world.clerk(place), place) == visit, "one at a time"
    with pytest.raises(RuleBroken, match=r"visit\.not_planned"):
        finish(world, place, visit, Outcome.ASSISTED)
    plan(world, place, visit, two)
    (shown,) = outreach.visits_to_come(place.id)
    assert len(shown.who) == 2
    finish(world, place, visit, Outcome.ASSISTED)
    with pytest.raises(RuleBroken, match=r"visit\.over"):
        finish(world, place, visit, Outcome.HANDED)
    with pytest.raises(RuleBroken, match=r"visit\.over"):
        plan(world, place, visit, two)
    assert told(place) == ["visit_asked", "visit_planned", "visit_done"]
    again = ask_visit(own, place, 0, Asked.OWN)
    plan(world, place, again, two)
    finish(world, place, again, Outcome.NOBODY)
    assert told(place)[-1] == "visit_nobody"


def test_two_people_of_this_community_go_and_in_time(world: World, place: Place) -> None:
    visit, (first, second) = ask_visit(world.clerk(place), place), pair(world, place)
    there = world.community("YYL", 2)
    stranger = world.clerk(there).require_person()
    for two, later, code in (
        ((first, first), {}, "one_alone"),
        ((first, stranger), {}, "not_of_ours"),
        ((first, second), {"hours": -1}, "in_the_past"),
        ((first, second), {"days": 61}, "too_far"),
    ):
        with pytest.raises(RuleBroken, match=rf"visit\.{code}"):
            plan(world, place, visit, two, **later)
    for wrong in ({"first_id": first, "second_id": first}, {"first_id": first}):
        with pytest.raises(IntegrityError), transaction() as session:
            row = session.get(HomeVisit, visit)
            assert row is not None
            row.planned_at = clock.now()
            for name, value in wrong.items():
                setattr(row, name, value)
    with pytest.raises(NotFound):
        plan(world, replace(there), visit, (first, second))


def test_a_household_calls_its_own_visit_off_and_no_other(world: World, place: Place) -> None:
    own, other = world.resident(place, 0), world.resident(place, 1)
    visit = ask_visit(own, place, 0, Asked.OWN)

    def cancel(actor: Actor, outcome: Outcome = Outcome.UNWANTED) -> None:
        reaching_out.finish_visit(actor, community_id=place.id, visit_id=visit, outcome=outcome)

    with pytest.raises(NotFound):
        cancel(other)
    with pytest.raises(NotAllowed):
        cancel(own, Outcome.ASSISTED)
    cancel(own)
    assert told(place) == ["visit_asked", "visit_unwanted"]


# --- who has not voted ---------------------------------------------------------------------------


def test_each_look_is_an_entry_that_names_nobody(world: World, place: Place) -> None:
    poll, clerk = world.poll(place), world.clerk(place)
    world.cast(world.resident(place, 1), place, poll, "yes")
    proxy = proxying.enter_proxy(
        clerk,
        community_id=place.id,
        new=NewProxy(poll, place.households[2], None, "王芳", "s", Seen.PRESENT),
    )
    assert look(clerk, place, poll) == [0, 2, 3, 4, 5], "an authority is no ballot"
    assert proxy
    assert look(clerk, place, poll, f"household-{place.households[1]}") == []
    entries = [
        json.loads(entry)
        for entry in db.session.scalars(
            select(RecordEntry.entry).where(RecordEntry.kind == "turnout.looked")
        )
    ]
    assert len(entries) == count(TurnoutLook) == 2
    assert all(entry["data"] == {"poll": poll, "purpose": "paper"} for entry in entries)
    assert all(set(entry["private"]) == {"part"} for entry in entries)
    assert entries[0]["actor"] == "committee_clerk"
    assert [one.purpose for one in outreach.looks(place.id)] == [LookFor.PAPER] * 2


@pytest.mark.parametrize(
    "role",
    sorted(STAFF - {Role.CLERK}),
)
def test_nobody_but_a_clerk_of_this_community_looks(world: World, place: Place, role: Role) -> None:
    poll = world.poll(place)
    with pytest.raises(NotAllowed):
        look(world.staff(place, role).actor, place, poll)
    assert count(TurnoutLook) == count(RecordEntry, RecordEntry.kind == "turnout.looked") == 0


def test_no_look_at_another_communitys_poll_at_a_closed_one_or_by_a_program(
    world: World, place: Place
) -> None:
    poll, there = world.poll(place), world.community("YYL", 2)
    clerk = world.clerk(place)
    with pytest.raises(NotFound):
        look(clerk, place, world.poll(there, ("Q01",)))
    with pytest.raises(NotFound):
        look(clerk, place, poll, f"household-{there.households[0]}")
    for actor in (world.clerk(there), SYSTEM, world.resident(place, 0)):
        with pytest.raises(NotAllowed):
            look(actor, place, poll)
    clock.advance(timedelta(days=8))
    with pytest.raises(RuleBroken, match=r"turnout\.not_open"):
        look(clerk, place, poll)
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    with pytest.raises(RuleBroken, match=r"turnout\.not_open"):
        look(clerk, place, poll)
    assert count(TurnoutLook) == 0


def test_asking_twice_at_the_same_moment_is_one_request(
    app: Flask, world: World, place: Place
) -> None:
    clerk = world.clerk(place)
    db.session.remove()
    start = threading.Barrier(6)

    def run(act: Any) -> None:
        with app.app_context():
            start.wait()
            act()

    acts = [lambda: ask_paper(clerk, place)] * 3 + [lambda: ask_visit(clerk, place)] * 3
    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (count(PaperRequest), count(HomeVisit)) == (1, 1)
    assert sorted(told(place)) == ["paper_asked", "visit_asked"]

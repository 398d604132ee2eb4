"""Nobody gives themself a role: one proposes, another gives, and an ended role is gone at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.core import clock
from app.core.actor import Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.record import RecordEntry
from app.meetings import operations as meetings
from app.people.models import RoleGrant, SecurityEvent
from app.policy import roles as rules
from app.policy.roles import TERMS, Asked, Holding, Party
from app.roles import operations
from app.roles.operations import Decision
from app.roles.proposing import NewProposal
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from app.core.actor import Actor
    from tests.support.world import Place

MONTH = timedelta(days=30)
GIVE = Decision(give=True)
ROLES = [role for role in Role if role is not Role.SYSTEM]


def propose(
    actor: Actor, place: Place, person: Actor, role: Role = Role.DESIGNER, **more: object
) -> int:
    values: dict[str, object] = {"ends_at": clock.now() + MONTH, "reason": "会上商定"} | more
    new = NewProposal(role, person.require_person(), **values)  # type: ignore[arg-type]
    return operations.propose_role(actor, community_id=place.id, new=new)


def decide(actor: Actor, place: Place, proposal: int, decision: Decision = GIVE) -> None:
    operations.decide_role(actor, community_id=place.id, proposal_id=proposal, decision=decision)


def refused() -> list[object]:
    db.session.rollback()
    kind = SecurityEvent.kind == "role.attempt_refused"
    rows = db.session.scalars(select(SecurityEvent).where(kind).order_by(SecurityEvent.id))
    return [row.facts["why"] for row in rows]


@given(
    mine=st.frozensets(st.sampled_from(ROLES)),
    theirs=st.frozensets(st.sampled_from(ROLES)),
    role=st.sampled_from(list(TERMS)),
    same=st.booleans(),
    stands_in=st.booleans(),
)
def test_no_way_leads_from_one_person_alone_to_a_role(
    mine: frozenset[Role], theirs: frozenset[Role], role: Role, same: bool, stands_in: bool
) -> None:
    now = clock.now()
    proposer = Party(1, tuple(Holding(one) for one in mine))
    decider = Party(1 if same else 2, tuple(Holding(one) for one in theirs), stands_in)
    asked = Asked(role, "", now + MONTH)
    problem = rules.decision_problem(
        decider, proposer, Party(3), asked, seconds=(), proposed_at=now, now=now
    )
    if not problem:
        assert decider.person_id != proposer.person_id
        assert theirs & (TERMS[role].approved_by | rules.STAND_INS)
    for both in (1, decider.person_id):
        itself = rules.proposal_problem(Party(both), Party(both), asked, now)
        assert itself == "self"


@given(days=st.integers(1, 3000), own=st.integers(1, 3000))
def test_nobody_gives_longer_than_their_own_role_lasts(days: int, own: int) -> None:
    now = clock.now()
    clerk = Party(1, (Holding(Role.CLERK, ends_at=now + timedelta(days=own)),))
    asked = Asked(Role.DESIGNER, "", now + timedelta(days=days))
    problem = rules.proposal_problem(clerk, Party(2), asked, now)
    assert (problem == "") == (days <= own and days <= 3 * 365)


@pytest.mark.parametrize(
    ("role", "holds", "lasts", "latest"),
    [
        (Role.CLERK, Role.COMMITTEE_CHAIR, 60, 60),
        (Role.CLERK, Role.COMMITTEE_CHAIR, None, None),
        # Whoever looks from above, and an administrator without an end, give for the term.
        (Role.CLERK, Role.SUBDISTRICT, 60, None),
        (Role.COMMITTEE_CHAIR, Role.ADMINISTRATOR, None, None),
        (Role.COMMITTEE_CHAIR, Role.ADMINISTRATOR, 60, 60),
        # Stand-ins.
        (Role.DESIGNER, Role.SUPERVISOR, 60, 60),
        (Role.DESIGNER, Role.CITY, 60, None),
    ],
)
def test_nobody_agrees_to_more_than_their_own_role_lasts(
    role: Role, holds: Role, lasts: int | None, latest: int | None
) -> None:
    now = clock.now()

    def after(days: int | None) -> datetime | None:
        return None if days is None else now + timedelta(days=days)

    other = Holding(Role.DESIGNER, ends_at=now + timedelta(days=900))
    decider = Party(1, (other, Holding(holds, ends_at=after(lasts))), stands_in=True)
    assert rules.latest_to_give(decider, role, opens=False) == after(latest)


def test_a_chair_agrees_to_no_more_by_being_an_administrator_too() -> None:
    soon = clock.now() + MONTH
    chair = Party(1, (Holding(Role.COMMITTEE_CHAIR, ends_at=soon), Holding(Role.ADMINISTRATOR)))
    assert rules.latest_to_give(chair, Role.CLERK, opens=True) == soon
    assert rules.latest_to_give(chair, Role.CLERK, opens=False) is None


@pytest.mark.parametrize(
    ("problem", "change"),
    [
        ("", {}),
        ("scope", {"scope": "meeting:7"}),
        ("beyond", {"role": Role.CITY}),
        ("past", {"ends_at": timedelta(0)}),
        ("too_long", {"ends_at": timedelta(days=3 * 365 + 1)}),
    ],
)
def test_a_role_is_proposed_for_its_own_scope_and_time_alone(
    problem: str, change: dict[str, object]
) -> None:
    now = clock.now()
    lasts = change.pop("ends_at", MONTH)
    values = {"role": Role.DESIGNER, "scope": "", "ends_at": now + lasts} | change  # type: ignore[operator]
    clerk = Party(1, (Holding(Role.CLERK),))
    assert rules.proposal_problem(clerk, Party(2), Asked(**values), now) == problem  # type: ignore[arg-type]


def test_nobody_holds_the_same_twice_nor_chairs_what_they_write_down() -> None:
    later = clock.now() + MONTH
    chair = Party(2, (Holding(Role.MEETING_CHAIR, "meeting:7"),))
    held = Asked(Role.MEETING_CHAIR, "meeting:7", later)
    assert rules.candidate_problem(chair, held) == "held"
    assert (
        rules.candidate_problem(chair, Asked(Role.MEETING_RECORDER, "meeting:7", later)) == "both"
    )
    assert rules.candidate_problem(chair, Asked(Role.MEETING_RECORDER, "meeting:8", later)) == ""


def test_a_proposal_lapses_after_thirty_days() -> None:
    now = clock.now()
    chair, clerk = Party(1, (Holding(Role.COMMITTEE_CHAIR),)), Party(2, (Holding(Role.CLERK),))

    def problem(age: timedelta) -> str:
        asked = Asked(Role.DESIGNER, "", now + MONTH)
        return rules.decision_problem(
            chair, clerk, Party(3), asked, seconds=(), proposed_at=now - age, now=now
        )

    assert problem(timedelta(days=30)) == ""
    assert problem(timedelta(days=30, seconds=1)) == "lapsed"


@pytest.mark.parametrize(
    ("named", "lasts", "problem"),
    [
        (Party(2, (Holding(Role.SUPERVISOR),)), MONTH, ""),
        (Party(2, (Holding(Role.SUPERVISOR),)), timedelta(days=365), ""),
        (Party(1, (Holding(Role.SUPERVISOR),)), MONTH, "self"),
        (Party(2, (Holding(Role.DESIGNER),)), MONTH, "stand_in_role"),
        (Party(2, (Holding(Role.DISTRICT), Holding(Role.CLERK))), MONTH, "stand_in_role"),
        (Party(2, (Holding(Role.SUPERVISOR),)), timedelta(0), "past"),
        (Party(2, (Holding(Role.SUPERVISOR),)), timedelta(days=365, seconds=1), "too_long"),
    ],
)
def test_a_stand_in_is_no_committee_member_and_named_for_a_year_at_most(
    named: Party, lasts: timedelta, problem: str
) -> None:
    now = clock.now()
    namer = Party(1, (Holding(Role.COMMITTEE_CHAIR),))
    assert rules.stand_in_problem(namer, named, now + lasts, now) == problem


def test_a_groups_scope_names_its_buildings_once_and_in_order() -> None:
    assert rules.group_scope([12, 3, 12]) == "buildings:3,12"
    assert rules.group_of(rules.group_scope([12, 3])) == {3, 12}


@pytest.mark.parametrize(
    ("homes", "others", "problem"),
    [
        ({1: 19}, [], "group_small"),
        ({1: 20}, [], ""),
        ({1: 39}, [{1}], "group_small"),
        ({1: 40}, [{1}], ""),
        ({1: 10, 2: 40}, [{1, 2}], ""),
        ({2: 90}, [], "group"),
    ],
)
def test_a_representative_speaks_for_twenty_households_at_least(
    homes: dict[int, int], others: list[set[int]], problem: str
) -> None:
    there = [frozenset(one) for one in others]
    assert rules.group_problem(frozenset({1}), homes, there) == problem


def test_one_proposes_another_gives_and_the_record_names_nobody(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    clerk, chair = world.clerk(place), world.staff(place, Role.COMMITTEE_CHAIR).actor
    person = world.staff(place, Role.COMMITTEE).actor
    proposal = propose(clerk, place, person)
    with pytest.raises(NotAllowed):
        decide(clerk, place, proposal)
    decide(chair, place, proposal)
    with pytest.raises(RuleBroken, match=r"role\.decided"):
        decide(chair, place, proposal)
    db.session.rollback()
    held = select(func.count(RoleGrant.id)).where(RoleGrant.role == "designer")
    assert db.session.scalar(held) == 1
    (entry,) = db.session.scalars(select(RecordEntry.entry).where(RecordEntry.kind == "role.given"))
    assert '"role":"designer"' in entry
    assert person.display not in entry
    assert person.person_ref not in entry


def test_what_is_tried_in_vain_is_refused_and_noted(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 2)
    clerk, chair = world.clerk(place), world.staff(place, Role.COMMITTEE_CHAIR).actor
    other = world.staff(place, Role.COMMITTEE).actor
    far, gone = clock.now() + timedelta(days=4000), clock.now() - MONTH
    tries = [
        lambda: propose(clerk, place, clerk),
        lambda: propose(clerk, place, other, Role.SUPERVISOR),
        lambda: propose(clerk, place, other, ends_at=far),
        lambda: propose(clerk, place, other, ends_at=gone),
        lambda: propose(chair, place, other, Role.SUPERVISOR),
    ]
    for each in tries:
        with pytest.raises(RuleBroken, match=r"role\."):
            each()
    propose(clerk, place, other)
    with pytest.raises(RuleBroken, match=r"role\.twice"):
        propose(clerk, place, other)
    mine = propose(clerk, place, chair, Role.DESIGNER)
    with pytest.raises(RuleBroken, match=r"role\.self"):
        decide(chair, place, mine)
    assert refused() == ["self", "beyond", "too_long", "past", "apart", "twice", "self"]


def test_an_approver_gives_no_longer_than_their_own_role_lasts(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    clerk, chair = world.clerk(place), world.staff(place, Role.COMMITTEE_CHAIR).actor
    street = world.staff(place, Role.SUBDISTRICT).actor
    other = world.staff(place, Role.COMMITTEE).actor
    for actor in (chair, street):
        lasts_until(actor, clock.now() + MONTH)
    later = clock.now() + MONTH + timedelta(seconds=1)
    beyond = propose(clerk, place, other, ends_at=later)
    with pytest.raises(RuleBroken, match=r"role\.past_decider_end"):
        decide(chair, place, beyond)
    assert refused() == ["past_decider_end"]
    decide(chair, place, beyond, Decision(give=False, word="日子太晚"))
    decide(chair, place, propose(clerk, place, other))
    # Whoever looks from above gives for the term all the same.
    decide(street, place, propose(clerk, place, other, Role.CLERK, ends_at=later))


def lasts_until(actor: Actor, moment: datetime) -> None:
    mine = RoleGrant.person_id == actor.person_id
    db.session.scalars(select(RoleGrant).where(mine)).one().ends_at = moment
    db.session.commit()


def test_a_named_stand_in_gives_only_where_nobody_else_is_left(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    clerk, member = world.clerk(place), world.staff(place, Role.COMMITTEE).actor
    watcher = world.staff(place, Role.SUPERVISOR).actor
    proposal = propose(clerk, place, member)
    with pytest.raises(RuleBroken, match=r"role\.not_yours"):
        decide(watcher, place, proposal)
    operations.name_stand_in(
        member,
        community_id=place.id,
        person_id=watcher.require_person(),
        ends_at=clock.now() + MONTH,
        reason="还没有主任",
    )
    decide(watcher, place, proposal)
    world.staff(place, Role.COMMITTEE_CHAIR)
    again = propose(
        clerk, place, member, Role.MEETING_CHAIR, scope=f"meeting:{world.meeting(place)}"
    )
    with pytest.raises(RuleBroken, match=r"role\.second_there"):
        decide(watcher, place, again)


def test_two_who_decide_at_once_give_one_role(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 2)
    chairs = [world.staff(place, Role.COMMITTEE_CHAIR).actor for _ in range(2)]
    proposal = propose(world.clerk(place), place, world.staff(place, Role.COMMITTEE).actor)
    gate = threading.Barrier(2)

    def one(actor: Actor) -> str:
        with world.app.app_context():
            gate.wait()
            try:
                decide(actor, place, proposal)
            except RuleBroken as error:
                return error.code
            return "given"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, chairs)) == ["given", "role.decided"]
    db.session.rollback()
    held = select(func.count(RoleGrant.id)).where(RoleGrant.role == "designer")
    assert db.session.scalar(held) == 1


def test_a_role_ends_by_who_may_end_it_and_by_who_holds_it(
    world: World, fixed_clock: datetime
) -> None:
    place, other = world.community("HXL", 2), world.community("YYL", 2)
    chair = world.staff(place, Role.COMMITTEE_CHAIR).actor
    watcher = world.staff(place, Role.SUPERVISOR).actor
    mine = select(RoleGrant.id).where(RoleGrant.person_id == watcher.person_id)
    grant = db.session.scalars(mine).one()
    db.session.rollback()

    def end(actor: Actor, where: Place = place) -> None:
        operations.end_given_role(actor, community_id=where.id, grant_id=grant, word="换人")

    with pytest.raises(RuleBroken, match=r"role\.not_yours"):
        end(chair)
    with pytest.raises(NotFound):
        end(chair, other)
    end(watcher)
    with pytest.raises(NotFound):
        end(watcher)


def test_a_changed_role_renews_the_cookie_and_the_old_one_is_worthless(
    client: CheckedClient, web_world: World, web_app: Flask, fixed_clock: datetime
) -> None:
    place = web_world.community("HXL", 25)
    client.enter(web_world, place, 0)
    page = "/c/HXL/my/representative"
    assert client.get(page).status_code == 404
    before = client.raw.get_cookie("linyi")
    assert before is not None
    web_world.give(place, Role.REPRESENTATIVE)
    assert client.get(page).status_code == 200
    after = client.raw.get_cookie("linyi")
    assert after is not None
    assert after.value != before.value
    thief = CheckedClient(web_app)
    thief.raw.set_cookie("linyi", before.value)
    assert thief.raw.get(page).status_code == 303
    assert client.get(page).status_code == 200


def test_a_recorder_runs_one_meeting_until_its_minutes_are_confirmed(
    client: CheckedClient, web_world: World, fixed_clock: datetime
) -> None:
    place = web_world.community("HXL", 25)
    meeting, other = web_world.meeting(place), web_world.meeting(place)
    client.enter(web_world, place, 0)
    web_world.give(place, Role.MEETING_RECORDER, meeting)
    assert client.get(f"/c/HXL/desk/meetings/{meeting}").status_code == 200
    for shut in (f"/c/HXL/desk/meetings/{other}", "/c/HXL/desk/", "/c/HXL/desk/households"):
        assert client.get(shut).status_code == 404
    assert client.post(f"/c/HXL/desk/meetings/{meeting}/close").status_code == 404
    with pytest.raises(NotAllowed):
        meetings.write_minutes(
            web_world.resident(place, 3), community_id=place.id, meeting_id=meeting, text="x"
        )

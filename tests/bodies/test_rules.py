"""Who may act for which body, within what and how long, by cases and for all there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bodies import rules
from app.bodies.rules import Asked, Given, Kind
from app.core.actor import Role
from app.core.errors import RuleBroken
from app.meetings.rules import MeetingState, Presence, answer_problem, seen_problem
from app.policy.roles import COMMITTEE, Holding, Party

NOW = datetime(2026, 5, 20, 2, 3, tzinfo=UTC)
DAY = timedelta(days=1)
ROLES = [role for role in Role if role not in {Role.SYSTEM, Role.BODY}]
held = st.frozensets(st.sampled_from(ROLES))
moments = st.integers(-800, 800).map(lambda hours: NOW + timedelta(hours=hours))


def party(person: int, *roles: Role, ends_at: datetime | None = None) -> Party:
    return Party(person, tuple(Holding(role, ends_at=ends_at) for role in roles))


@pytest.mark.parametrize(
    ("kind", "mine", "theirs", "problem"),
    [
        (Kind.OWNERS_COMMITTEE, Role.CLERK, None, ""),
        (Kind.OWNERS_COMMITTEE, Role.COMMITTEE_CHAIR, None, ""),
        (Kind.OWNERS_COMMITTEE, Role.SUPERVISOR, None, "not_yours"),
        (Kind.OWNERS_COMMITTEE, Role.DESIGNER, None, "not_yours"),
        (Kind.DESIGN_PRACTICE, Role.CLERK, Role.DESIGNER, ""),
        (Kind.SUPERVISION, Role.CLERK, Role.SUPERVISOR, ""),
        (Kind.SUPERVISION, Role.SUPERVISOR, Role.SUPERVISOR, ""),
        (Kind.SUPERVISION, Role.CLERK, Role.COMMITTEE, "not_of_it"),
        (Kind.RESIDENTS_COMMITTEE, Role.CLERK, Role.COMMITTEE, ""),
        (Kind.RESIDENTS_COMMITTEE, Role.CLERK, Role.SUPERVISOR, "not_of_it"),
        (Kind.RESIDENTS_COMMITTEE, Role.CLERK, None, "not_of_it"),
    ],
)
def test_who_lets_whom_act_for_what(
    kind: Kind, mine: Role, theirs: Role | None, problem: str
) -> None:
    candidate = party(2, *([theirs] if theirs else []))
    asked = Asked(kind, "", NOW + 30 * DAY)
    assert rules.giving_problem(party(1, mine), candidate, asked, NOW) == problem


@given(mine=held, kind=st.sampled_from(Kind), days=st.integers(-400, 4000))
def test_nobody_lets_themself_act_for_a_body(mine: frozenset[Role], kind: Kind, days: int) -> None:
    me = party(1, *mine)
    asked = Asked(kind, "", NOW + timedelta(days=days))
    assert rules.giving_problem(me, me, asked, NOW) == "self"


@given(mine=held, theirs=held, kind=st.sampled_from(Kind), days=st.integers(-9, 800))
def test_what_is_given_is_given_by_whom_it_is_for(
    mine: frozenset[Role], theirs: frozenset[Role], kind: Kind, days: int
) -> None:
    asked = Asked(kind, "", NOW + timedelta(days=days))
    if not rules.giving_problem(party(1, *mine), party(2, *theirs), asked, NOW):
        assert mine & rules.given_by(kind)
        assert mine & (COMMITTEE | {Role.SUPERVISOR})
        assert 0 < days <= rules.ACTING_AT_MOST.days
        assert theirs & rules.ACTS_AS.get(kind, theirs or frozenset(Role)) or not theirs


@given(days=st.integers(1, 800), own=st.integers(1, 800))
def test_nobody_gives_longer_than_their_own_role_lasts(days: int, own: int) -> None:
    giver = party(1, Role.CLERK, ends_at=NOW + timedelta(days=own))
    asked = Asked(Kind.AGENCY, "", NOW + timedelta(days=days))
    problem = rules.giving_problem(giver, party(2), asked, NOW)
    assert (problem == "") == (days <= own and days <= 366)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", Kind)
def test_who_ends_it_besides_who_acts(kind: Kind, role: Role) -> None:
    ender = party(1, role)
    may = role is Role.SUPERVISOR if kind is Kind.SUPERVISION else role in COMMITTEE
    assert rules.ending_problem(ender, 2, kind) == ("" if may else "not_yours")
    assert rules.ending_problem(ender, 1, kind) == ""


@pytest.mark.parametrize(
    ("scope", "things", "reaches"),
    [
        ("", ("topic:a",), True),
        ("topic:a", ("topic:a",), True),
        ("topic:a", ("topic:b",), False),
        ("topic:a", ("meeting:m", "topic:a"), True),
        ("meeting:m", ("topic:a",), False),
        ("project:P01", ("design:d", "project:P01"), True),
        ("project:P01", ("design:d", "project:P010"), False),
    ],
)
def test_a_scope_reaches_what_belongs_to_it(
    scope: str, things: tuple[str, ...], reaches: bool
) -> None:
    assert rules.covers(scope, things) is reaches


@given(starts=moments, ends=st.none() | moments, now=moments)
def test_its_last_moment_is_no_longer_in_it(
    starts: datetime, ends: datetime | None, now: datetime
) -> None:
    given_ = Given("", starts, ends)
    problem = rules.acting_problem([given_], ("topic:a",), closed=False, now=now)
    assert problem == ("" if starts <= now and (ends is None or now < ends) else "ended")


def test_why_somebody_cannot_act() -> None:
    open_, over = Given("topic:a", NOW - DAY, NOW + DAY), Given("", NOW - DAY, NOW)
    here = ("topic:a",)
    cases = [
        ([], here, False, "none"),
        ([over], here, False, "ended"),
        ([open_], ("topic:b",), False, "scope"),
        ([open_, over], ("topic:b",), False, "scope"),
        ([open_], here, True, "closed"),
        ([over, open_], here, False, ""),
    ]
    for given_, things, closed, problem in cases:
        found = rules.acting_problem(given_, things, closed=closed, now=NOW)
        assert found == problem, (given_, things)


@pytest.mark.parametrize(
    ("scope", "fine"),
    [("", True), ("topic:a", True), ("project:P01", True), ("meeting:m", True)]
    + [(bad, False) for bad in ("topic", "topic:", ":a", "poll:a", "buildings:1", "body:a")],
)
def test_what_can_be_a_scope(scope: str, fine: bool) -> None:
    assert rules.is_scope(scope) is fine


@pytest.mark.parametrize(
    ("name", "contact", "since", "problem"),
    [
        ("  一区\n业委会 ", " 3 号楼  101 ", NOW, ""),
        (" ", "", NOW, "no_name"),
        ("名" * 81, "", NOW, "name_too_long"),
        ("业委会", "号" * 121, NOW, "contact_too_long"),
        ("业委会", "210102199001011234", NOW, "private_number"),
        ("业委会21010219900101123X", "", NOW, "private_number"),
        ("业委会", "024-12345678", NOW + DAY, "since"),
    ],
)
def test_what_is_said_of_a_body(name: str, contact: str, since: datetime, problem: str) -> None:
    if not problem:
        assert rules.check_body(name, contact, since, NOW) == ("一区 业委会", "3 号楼 101")
        return
    with pytest.raises(RuleBroken, match=f"body.{problem}"):
        rules.check_body(name, contact, since, NOW)


@pytest.mark.parametrize("state", MeetingState)
@pytest.mark.parametrize("before", Presence)
def test_a_body_answers_until_it_was_seen_or_the_meeting_ends(
    state: MeetingState, before: Presence
) -> None:
    open_ = state in {MeetingState.ANNOUNCED, MeetingState.OPEN}
    unseen = before not in {Presence.PRESENT, Presence.ABSENT}
    for said, reason, problem in [
        (Presence.COMING, "", ""),
        (Presence.DECLINED, "开学", ""),
        (Presence.DECLINED, " ", "no_excuse"),
        (Presence.PRESENT, "", "answer"),
        (Presence.DUE, "", "answer"),
    ]:
        expected = problem if open_ and unseen else "too_late"
        assert answer_problem(state, before, said, reason) == expected


@pytest.mark.parametrize(
    ("state", "seen", "reason", "doors", "confirmed", "problem"),
    [
        (MeetingState.ANNOUNCED, Presence.PRESENT, "", False, False, "doors_closed"),
        (MeetingState.ANNOUNCED, Presence.PRESENT, "", True, False, ""),
        (MeetingState.OPEN, Presence.ABSENT, "", True, False, "no_excuse"),
        (MeetingState.OPEN, Presence.ABSENT, "没有说", True, False, ""),
        (MeetingState.CLOSED, Presence.PRESENT, "", False, False, ""),
        (MeetingState.CLOSED, Presence.PRESENT, "", False, True, "confirmed"),
        (MeetingState.OPEN, Presence.COMING, "", True, False, "answer"),
        (MeetingState.POSTPONED, Presence.PRESENT, "", False, False, "doors_closed"),
    ],
)
def test_who_came_is_noted_from_the_doors_to_the_minutes(
    state: MeetingState, seen: Presence, reason: str, doors: bool, confirmed: bool, problem: str
) -> None:
    assert seen_problem(state, seen, reason, doors=doors, confirmed=confirmed) == problem


def test_which_body_a_line_of_a_notice_means() -> None:
    listed = [
        (1, "一区业主委员会", Kind.OWNERS_COMMITTEE),
        (2, "槐香里居务监督委员会", Kind.SUPERVISION),
        (3, "安居物业公司", Kind.PROPERTY_COMPANY),
        (4, "乐居物业公司", Kind.PROPERTY_COMPANY),
    ]
    for line, body in [
        ("一区业主委员会", 1),
        ("业委会", 1),
        ("居务监督委员会", 2),
        ("乐居物业公司", 4),
        # Two of a sort: a line that says no more means neither.
        ("物业公司", None),
        ("居委会", None),
        ("一区业主代表 8 人", None),
    ]:
        assert rules.body_called(line, listed) == body, line

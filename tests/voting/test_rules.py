"""The rules of facility-project polls: drafting, filling in, deadlines, counting."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import RuleBroken
from app.voting import rules as r
from app.voting.rules import Method, Outcome, Phase, PollKind, PollState

THIRD = r.ShareTest("electorate", 1, 3, ">=")
HALF = r.ShareTest("electorate", 1, 2, ">")
MOST_OF_THEM = r.ShareTest("participants", 1, 2, ">")
NINE_O_CLOCK = datetime(2026, 5, 11, 1, tzinfo=UTC)
YES_NO = r.Draft(
    "是否建设助餐点？",
    Method.YES_NO,
    ("P02",),
    r.default_rules(Method.YES_NO),
    NINE_O_CLOCK,
    NINE_O_CLOCK + timedelta(days=9),
)
CHOOSE = replace(
    YES_NO,
    method=Method.CHOOSE,
    options=("P01", "P02", "P03"),
    rules=r.default_rules(Method.CHOOSE, 3),
)


def with_share(test: r.ShareTest) -> r.Draft:
    return replace(YES_NO, rules=replace(YES_NO.rules, participation=(test,)))


def with_agreement(draft: r.Draft, test: r.ShareTest) -> r.Draft:
    return replace(draft, rules=replace(draft.rules, agreement=(test,)))


# --- drafting ------------------------------------------------------------------------------


@pytest.mark.parametrize("draft", [YES_NO, CHOOSE], ids=["yes_no", "choose"])
def test_what_the_drafting_page_offers_can_be_opened(draft: r.Draft) -> None:
    assert r.draft_problems(draft, NINE_O_CLOCK) == []


@pytest.mark.parametrize(
    ("draft", "problem"),
    [
        (replace(YES_NO, kind=PollKind.OWNERS_JOINT_DECISION), "draft.kind_not_offered"),
        (replace(CHOOSE, kind=PollKind.MEETING_RESOLUTION), "draft.kind_not_offered"),
        (replace(YES_NO, kind=PollKind.MEETING_RESOLUTION), "draft.not_the_law"),
        (replace(YES_NO, title="  "), "draft.no_title"),
        (replace(YES_NO, title="字" * 121), "draft.title_long"),
        (replace(YES_NO, options=()), "draft.one_project"),
        (replace(YES_NO, options=("P01", "P02")), "draft.one_project"),
        (replace(YES_NO, rules=r.Rules((THIRD,), ())), "draft.no_agreement"),
        (replace(YES_NO, rules=replace(YES_NO.rules, k=1)), "draft.bad_k"),
        (replace(YES_NO, rules=replace(YES_NO.rules, seats=1)), "draft.bad_seats"),
        (
            replace(YES_NO, closes_at=NINE_O_CLOCK + timedelta(minutes=59, seconds=59)),
            "draft.too_short",
        ),
        (replace(YES_NO, closes_at=NINE_O_CLOCK - timedelta(days=1)), "draft.too_short"),
        (
            replace(YES_NO, closes_at=NINE_O_CLOCK + timedelta(days=60, seconds=1)),
            "draft.too_long",
        ),
        (
            replace(YES_NO, closes_at=YES_NO.closes_at + timedelta(microseconds=1)),
            "draft.closes_uneven",
        ),
        (with_share(r.ShareTest("electorate", 4, 3, ">=")), "draft.bad_share"),
        (with_share(r.ShareTest("electorate", 0, 3, ">=")), "draft.bad_share"),
        (with_share(r.ShareTest("electorate", 1, 1001, ">=")), "draft.bad_share"),
        (with_share(r.ShareTest("electorate", 1, 0, ">=")), "draft.bad_share"),
        (with_share(r.ShareTest("electorate", 1, 3, "=")), "draft.bad_share"),
        (with_share(r.ShareTest("electorate", 3, 3, ">")), "draft.bad_share"),
        (with_share(MOST_OF_THEM), "draft.bad_share"),
        (
            with_agreement(CHOOSE, r.ShareTest("yes_no", 1, 2, ">")),
            "draft.bad_share",
        ),
        (replace(CHOOSE, options=("P01", "P02", "P02")), "draft.option_twice"),
        (replace(CHOOSE, options=("P01", "P02", "none")), "draft.option_reserved"),
        (replace(CHOOSE, options=("P01",)), "draft.options_number"),
        (
            replace(CHOOSE, options=tuple(f"P{i}" for i in range(31))),
            "draft.options_number",
        ),
        (replace(CHOOSE, rules=replace(CHOOSE.rules, k=None)), "draft.bad_k"),
        (replace(CHOOSE, rules=replace(CHOOSE.rules, k=0)), "draft.bad_k"),
        (replace(CHOOSE, rules=replace(CHOOSE.rules, k=4)), "draft.bad_k"),
        (replace(CHOOSE, rules=replace(CHOOSE.rules, seats=None)), "draft.bad_seats"),
        (replace(CHOOSE, rules=replace(CHOOSE.rules, seats=0)), "draft.bad_seats"),
        (replace(CHOOSE, rules=replace(CHOOSE.rules, seats=4)), "draft.bad_seats"),
    ],
)
def test_a_draft_that_cannot_be_opened_says_why(draft: r.Draft, problem: str) -> None:
    assert problem in r.draft_problems(draft)


@pytest.mark.parametrize(
    "draft",
    [
        replace(YES_NO, title="字" * 120),
        replace(YES_NO, closes_at=NINE_O_CLOCK + timedelta(hours=1)),
        replace(YES_NO, closes_at=NINE_O_CLOCK + timedelta(days=60)),
        with_share(r.ShareTest("electorate", 3, 3, ">=")),
        with_share(r.ShareTest("electorate", 1, 1000, ">=")),
        with_agreement(YES_NO, r.ShareTest("yes_no", 1, 2, ">")),
        with_agreement(CHOOSE, r.ShareTest("electorate", 1, 5, ">=")),
        replace(CHOOSE, options=("P01", "P02"), rules=r.Rules((), (), k=2, seats=2)),
        replace(CHOOSE, options=tuple(f"P{i}" for i in range(30))),
    ],
)
def test_a_draft_at_the_edge_of_what_is_allowed_can_be_opened(draft: r.Draft) -> None:
    assert r.draft_problems(draft) == []


def test_a_poll_is_not_opened_at_or_after_its_own_deadline() -> None:
    last_second = YES_NO.closes_at - timedelta(seconds=1)
    assert r.draft_problems(YES_NO, last_second) == []
    assert r.draft_problems(YES_NO, YES_NO.closes_at) == ["draft.over"]


def test_every_problem_of_a_draft_is_named_at_once() -> None:
    bad = replace(CHOOSE, title="", options=("P01",), closes_at=NINE_O_CLOCK)
    assert r.draft_problems(bad) == [
        "draft.no_title",
        "draft.too_short",
        "draft.options_number",
        "draft.bad_k",
    ]


@pytest.mark.parametrize(("options", "k"), [(0, 1), (1, 1), (2, 2), (3, 3), (8, 3)])
def test_the_offered_number_of_choices_fits_the_number_of_projects(options: int, k: int) -> None:
    assert r.default_rules(Method.CHOOSE, options).k == k


# --- rules in the record -------------------------------------------------------------------


def test_rules_stand_in_the_record_with_every_key_of_the_format() -> None:
    rules = r.Rules((THIRD,), (MOST_OF_THEM,))
    assert rules.as_json() == {
        "scope": "community",
        "matter": "facility_project",
        "effect": "advisory",
        "precedence": "first_channel",
        "tie": "declare",
        "silence": "none",
        "participation": [{"unit": "heads", "of": "electorate", "num": 1, "den": 3, "cmp": ">="}],
        "agreement": [{"unit": "heads", "of": "participants", "num": 1, "den": 2, "cmp": ">"}],
    }


def test_how_many_may_be_chosen_and_win_is_told_only_where_options_are_chosen() -> None:
    chosen = r.Rules((), (), k=3, seats=2).as_json()
    assert (chosen["k"], chosen["seats"]) == (3, 2)
    assert {"k", "seats"}.isdisjoint(r.Rules((), ()).as_json())


@pytest.mark.parametrize(
    "rules", [YES_NO.rules, CHOOSE.rules, r.Rules((), (HALF,), 2, 1, "Y1"), r.meeting_rules("x")]
)
def test_rules_come_back_from_the_record_as_they_went_in(rules: r.Rules) -> None:
    assert r.rules_from_json(rules.as_json()) == rules


@pytest.mark.parametrize(
    "change",
    [
        {"silence": "majority"},
        {"tie": "lot"},
        {"effect": "whatever"},
        {"precedence": "last_channel"},
        {"agreement": [{**THIRD.as_json(), "unit": "area"}]},
        {"participation": [{**THIRD.as_json(), "cmp": "<"}]},
    ],
)
def test_rules_that_this_program_does_not_count_by_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot count by"):
        r.rules_from_json({**YES_NO.rules.as_json(), **change})


def test_a_stored_rule_that_is_missing_is_refused() -> None:
    stored = YES_NO.rules.as_json()
    del stored["silence"]
    with pytest.raises(ValueError, match="silence"):
        r.rules_from_json(stored)


# --- shares --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "base", "needed"),
    [
        (THIRD, 1486, 496),  # 1486 / 3 = 495.33
        (THIRD, 1485, 495),  # exactly a third suffices
        (HALF, 1486, 744),  # exactly half, 743, is not more than half
        (HALF, 1487, 744),
        (r.ShareTest("electorate", 2, 3, ">="), 54, 36),
        (r.ShareTest("electorate", 2, 3, ">"), 54, 37),
        (r.ShareTest("electorate", 1, 1, ">="), 8, 8),
        (THIRD, 1, 1),
    ],
)
def test_a_share_is_met_by_the_number_of_households_it_names_and_by_none_below(
    share: r.ShareTest, base: int, needed: int
) -> None:
    assert share.needed(base) == needed
    assert share.holds(needed, base)
    assert not share.holds(needed - 1, base)


@pytest.mark.parametrize("comparison", [">=", ">"])
def test_a_share_of_nothing_is_never_met(comparison: str) -> None:
    assert not r.ShareTest("electorate", 1, 3, comparison).holds(0, 0)


SHARES = st.builds(
    lambda num, den, cmp: r.ShareTest("electorate", min(num, den), max(num, den), cmp),
    st.integers(1, 1000),
    st.integers(1, 1000),
    st.sampled_from([">=", ">"]),
)


@given(SHARES, st.integers(1, 5000))
def test_the_named_number_is_the_smallest_that_meets_the_share(
    share: r.ShareTest, base: int
) -> None:
    def met(count: int) -> bool:
        wanted = Fraction(share.num, share.den)
        has = Fraction(count, base)
        return has >= wanted if share.cmp == ">=" else has > wanted

    needed = share.needed(base)
    assert met(needed)
    assert not met(needed - 1)
    assert share.holds(needed, base)
    assert not share.holds(needed - 1, base)


# --- filling in a ballot -------------------------------------------------------------------

THREE = ("P01", "P02", "P03")


@pytest.mark.parametrize("answer", ["yes", "no", "abstain"])
def test_each_of_the_three_answers_is_a_ballot(answer: str) -> None:
    assert r.check_choice(Method.YES_NO, r.YES_NO_OPTIONS, None, [answer]) == answer


def test_chosen_projects_are_stored_in_one_order_whatever_order_they_were_ticked_in() -> None:
    assert r.check_choice(Method.CHOOSE, THREE, 2, ["P03", "P01"]) == ["P01", "P03"]


def test_none_of_them_is_an_empty_list_and_has_to_be_chosen() -> None:
    assert r.check_choice(Method.CHOOSE, THREE, 2, ["none"]) == []
    with pytest.raises(RuleBroken) as refused:
        r.check_choice(Method.CHOOSE, THREE, 2, [])
    assert refused.value.code == "ballot.nothing_chosen"


@pytest.mark.parametrize(
    ("method", "submitted", "code"),
    [
        (Method.YES_NO, [], "ballot.nothing_chosen"),
        (Method.YES_NO, ["yes", "no"], "ballot.too_many"),
        (Method.YES_NO, ["maybe"], "ballot.unknown_option"),
        (Method.YES_NO, ["none"], "ballot.unknown_option"),
        (Method.CHOOSE, ["P01", "P02", "P03"], "ballot.too_many"),
        (Method.CHOOSE, ["P09"], "ballot.unknown_option"),
        (Method.CHOOSE, ["P01", "P09"], "ballot.unknown_option"),
        (Method.CHOOSE, ["yes"], "ballot.unknown_option"),
        (Method.CHOOSE, [""], "ballot.unknown_option"),
        (Method.CHOOSE, ["P01", "P01"], "ballot.duplicate"),
        (Method.CHOOSE, ["none", "P01"], "ballot.none_and_some"),
        (Method.CHOOSE, ["none", "none"], "ballot.none_and_some"),
    ],
)
def test_a_ballot_that_was_not_offered_is_refused_with_its_reason(
    method: Method, submitted: list[str], code: str
) -> None:
    options = r.ballot_options(method, THREE)
    with pytest.raises(RuleBroken) as refused:
        r.check_choice(method, options, 2, submitted)
    assert refused.value.code == code


def test_too_many_choices_are_told_with_both_numbers() -> None:
    with pytest.raises(RuleBroken) as refused:
        r.check_choice(Method.CHOOSE, THREE, 2, list(THREE))
    assert refused.value.facts == {"k": 2, "chosen": 3}


# --- deadlines -----------------------------------------------------------------------------

CLOSES = datetime(2026, 5, 20, 10, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def test_a_ballot_at_the_closing_moment_is_late_and_one_just_before_is_not() -> None:
    assert r.is_late(CLOSES, CLOSES)
    assert not r.is_late(CLOSES - MOMENT, CLOSES)


def test_a_poll_is_never_shown_open_after_its_time_though_the_worker_is_late() -> None:
    assert r.phase_at(PollState.OPEN, CLOSES, CLOSES - MOMENT) is Phase.OPEN
    assert r.phase_at(PollState.OPEN, CLOSES, CLOSES) is Phase.COUNTING
    assert r.phase_at(PollState.OPEN, CLOSES, CLOSES + timedelta(days=400)) is Phase.COUNTING


@pytest.mark.parametrize("state", [state for state in PollState if state is not PollState.OPEN])
def test_every_other_state_is_shown_as_it_is(state: PollState) -> None:
    assert r.phase_at(state, CLOSES, CLOSES + timedelta(days=1)) == state.value


def test_the_record_tells_only_the_hour_of_a_ballot_and_in_utc() -> None:
    half_hours_off = timezone(timedelta(hours=5, minutes=30))
    cast_at = datetime(2026, 5, 20, 2, 47, 31, 5, tzinfo=UTC)
    assert r.hour_of(cast_at) == datetime(2026, 5, 20, 2, tzinfo=UTC)
    assert r.hour_of(cast_at.astimezone(half_hours_off)) == datetime(2026, 5, 20, 2, tzinfo=UTC)


def test_a_clock_up_to_a_minute_behind_the_log_is_trusted_and_no_more() -> None:
    assert not r.clock_stepped_back(CLOSES, None)
    assert not r.clock_stepped_back(CLOSES - timedelta(seconds=60), CLOSES)
    assert r.clock_stepped_back(CLOSES - timedelta(seconds=60) - MOMENT, CLOSES)


@pytest.mark.parametrize(
    ("published", "until"),
    [
        # 10:00 on 20 May: the fifteenth day after it is 4 June, which ends at 24:00.
        (datetime(2026, 5, 20, 2, tzinfo=UTC), datetime(2026, 6, 4, 16, tzinfo=UTC)),
        # One second into 20 May in China is still 19 May in UTC.
        (datetime(2026, 5, 19, 16, 0, 1, tzinfo=UTC), datetime(2026, 6, 4, 16, tzinfo=UTC)),
        (datetime(2026, 5, 20, 15, 59, 59, tzinfo=UTC), datetime(2026, 6, 4, 16, tzinfo=UTC)),
        (datetime(2026, 12, 20, 2, tzinfo=UTC), datetime(2027, 1, 4, 16, tzinfo=UTC)),
    ],
)
def test_fifteen_days_of_publication_are_fifteen_whole_days_after_the_day_it_began(
    published: datetime, until: datetime
) -> None:
    assert r.publication_until(published, 15) == until


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.integers(1, 60))  # noqa: DTZ001
def test_a_publication_period_is_never_shorter_than_its_days(at: datetime, days: int) -> None:
    published = at.replace(tzinfo=UTC)
    lasts = r.publication_until(published, days) - published
    assert timedelta(days=days) < lasts <= timedelta(days=days + 1)


def test_a_publication_period_of_no_days_is_a_bug() -> None:
    with pytest.raises(ValueError, match="0 days"):
        r.publication_until(CLOSES, 0)


# --- counting: yes or no -------------------------------------------------------------------


def yes_no(yes: int, no: int, abstain: int, heads: int, rules: r.Rules | None = None) -> r.Tally:
    choices = ["yes"] * yes + ["no"] * no + ["abstain"] * abstain
    return r.tally(Method.YES_NO, rules or YES_NO.rules, r.YES_NO_OPTIONS, choices, heads)


@pytest.mark.parametrize(
    ("yes", "no", "abstain", "heads", "outcome"),
    [
        (0, 0, 0, 9, Outcome.NO_QUORUM),
        (2, 0, 0, 9, Outcome.NO_QUORUM),  # 2 of 9 is under a third, though all agree
        (3, 0, 0, 9, Outcome.PASSED),  # exactly a third suffices
        (2, 1, 0, 9, Outcome.PASSED),
        (1, 1, 1, 9, Outcome.REJECTED),  # 1 of 3
        (2, 2, 0, 9, Outcome.REJECTED),  # exactly half is not more than half
        (2, 1, 1, 9, Outcome.REJECTED),  # an abstention takes part and does not agree
        (3, 1, 1, 9, Outcome.PASSED),
        (0, 0, 3, 9, Outcome.REJECTED),
        (248, 248, 0, 1486, Outcome.REJECTED),
        (249, 247, 0, 1486, Outcome.PASSED),  # 496 of 1486 take part, 249 of 496 agree
        (495, 0, 0, 1486, Outcome.NO_QUORUM),
    ],
)
def test_yes_and_no_are_counted(
    yes: int, no: int, abstain: int, heads: int, outcome: Outcome
) -> None:
    assert yes_no(yes, no, abstain, heads).outcome is outcome


def test_a_share_of_yes_and_no_leaves_abstentions_out() -> None:
    rules = r.Rules((THIRD,), (r.ShareTest("yes_no", 1, 2, ">"),))
    assert yes_no(2, 1, 6, 9, rules).outcome is Outcome.PASSED
    assert yes_no(2, 2, 5, 9, rules).outcome is Outcome.REJECTED
    assert yes_no(0, 0, 9, 9, rules).outcome is Outcome.REJECTED  # a share of nothing


def test_a_share_of_the_electorate_counts_those_who_stayed_silent() -> None:
    rules = r.Rules((THIRD,), (HALF,))
    assert yes_no(5, 0, 0, 10, rules).outcome is Outcome.REJECTED
    assert yes_no(6, 0, 0, 10, rules).outcome is Outcome.PASSED


def test_every_test_must_hold_and_each_is_told_in_order() -> None:
    rules = r.Rules((THIRD, HALF), (MOST_OF_THEM, r.ShareTest("electorate", 1, 2, ">=")))
    assert yes_no(4, 0, 0, 10, rules).as_json() == {
        "counts": {"yes": 4, "no": 0, "abstain": 0},
        "tests": [True, False, True, False],
        "outcome": "no_quorum",
    }
    assert yes_no(4, 2, 0, 10, rules).outcome is Outcome.REJECTED
    assert yes_no(5, 2, 0, 10, rules).outcome is Outcome.PASSED


def test_without_a_participation_test_one_household_can_decide() -> None:
    rules = r.Rules((), (MOST_OF_THEM,))
    assert yes_no(1, 0, 0, 10, rules).outcome is Outcome.PASSED
    assert yes_no(0, 0, 0, 10, rules).outcome is Outcome.REJECTED


def test_the_residents_meeting_of_the_law_is_counted_as_the_law_counts() -> None:
    # 1,486 households; more than half present, more than half of those present agree (art. 27).
    rules = r.Rules((HALF,), (MOST_OF_THEM,))
    assert yes_no(400, 344, 0, 1486, rules).outcome is Outcome.PASSED
    assert yes_no(400, 400, 0, 1486, rules).outcome is Outcome.REJECTED
    assert yes_no(743, 0, 0, 1486, rules).outcome is Outcome.NO_QUORUM


# --- counting: up to k of n ----------------------------------------------------------------


def choose(
    choices: list[list[str]],
    heads: int = 9,
    *,
    seats: int = 1,
    agreement: tuple[r.ShareTest, ...] = (),
) -> r.Tally:
    rules = r.Rules((THIRD,), agreement, k=3, seats=seats)
    return r.tally(Method.CHOOSE, rules, ("P01", "P02", "P03", "P04"), choices, heads)


def test_the_most_chosen_project_wins_and_empty_ballots_take_part() -> None:
    assert choose([["P01", "P02"], ["P02"], [], []]).as_json() == {
        "counts": {"P01": 1, "P02": 2, "P03": 0, "P04": 0},
        "tests": [True],
        "outcome": "decided",
        "winners": ["P02"],
        "tied": [],
        "blank": 2,
    }


def test_equal_counts_at_the_last_seat_are_a_tie_and_nobody_is_preferred() -> None:
    result = choose([["P03", "P01"], ["P03", "P01"], ["P02"]])
    assert (result.outcome, result.winners, result.tied) == (Outcome.TIE, (), ("P01", "P03"))


def test_those_above_a_tie_have_won() -> None:
    result = choose([["P04", "P01"], ["P04", "P02"], ["P04", "P03"]], seats=2)
    assert (result.outcome, result.winners) == (Outcome.TIE, ("P04",))
    assert result.tied == ("P01", "P02", "P03")


def test_equal_counts_that_all_find_a_seat_are_no_tie() -> None:
    result = choose([["P01", "P02"], ["P01", "P02"], ["P03"]], seats=2)
    assert (result.outcome, result.winners, result.tied) == (
        Outcome.DECIDED,
        ("P01", "P02"),
        (),
    )


def test_equal_counts_below_the_last_seat_are_no_tie() -> None:
    result = choose([["P01", "P02"], ["P01", "P03"], ["P01"]], seats=1)
    assert (result.outcome, result.winners, result.tied) == (Outcome.DECIDED, ("P01",), ())


def test_a_project_nobody_chose_wins_nothing_though_seats_are_left() -> None:
    result = choose([["P01"], [], []], seats=4)
    assert (result.outcome, result.winners, result.tied) == (Outcome.DECIDED, ("P01",), ())


def test_when_everybody_chooses_none_there_is_no_winner() -> None:
    result = choose([[], [], []])
    assert (result.outcome, result.winners, result.blank) == (Outcome.DECIDED, (), 3)


def test_too_few_households_leave_no_winner_and_no_tie() -> None:
    result = choose([["P01"], ["P02"]])
    assert (result.outcome, result.winners, result.tied) == (Outcome.NO_QUORUM, (), ())
    assert result.counts["P01"] == 1


def test_a_project_below_the_asked_share_neither_wins_nor_ties() -> None:
    half = (MOST_OF_THEM,)
    result = choose([["P01", "P02"], ["P01"], ["P02"], []], agreement=half, seats=2)
    assert (result.outcome, result.winners) == (Outcome.DECIDED, ())  # 2 of 4 is not over half
    result = choose([["P01", "P02"], ["P01", "P03"], ["P01"], []], agreement=half, seats=2)
    assert (result.outcome, result.winners) == (Outcome.DECIDED, ("P01",))


# --- counting: what must stop it -----------------------------------------------------------


def test_more_ballots_than_households_is_a_bug_and_not_a_result() -> None:
    with pytest.raises(ValueError, match="10 ballots for 9"):
        yes_no(10, 0, 0, 9)
    with pytest.raises(ValueError, match="3 ballots for 2"):
        choose([[], [], []], heads=2)


@pytest.mark.parametrize(
    ("method", "choice"),
    [
        (Method.YES_NO, "maybe"),
        (Method.YES_NO, ["yes"]),
        (Method.CHOOSE, "P01"),
        (Method.CHOOSE, ["P09"]),
        (Method.CHOOSE, ["P01", "P01"]),
        (Method.CHOOSE, ["P01", "P02", "P03", "P04"]),
    ],
)
def test_a_stored_ballot_that_no_form_could_give_stops_the_count(
    method: Method, choice: object
) -> None:
    options = r.ballot_options(method, ("P01", "P02", "P03", "P04"))
    rules = r.Rules((), (MOST_OF_THEM,), k=3, seats=1)
    with pytest.raises(ValueError, match="none of those offered"):
        r.tally(method, rules, options, [choice], 9)  # type: ignore[list-item]


# --- counting: whatever the ballots --------------------------------------------------------

PROJECTS = tuple(f"P{i:02}" for i in range(1, 6))
BALLOTS = st.lists(st.lists(st.sampled_from(PROJECTS), max_size=3, unique=True), max_size=40)
ANSWERS = st.lists(st.sampled_from(r.YES_NO_OPTIONS), max_size=40)
BASES = {
    Method.YES_NO: ["electorate", "participants", "yes_no"],
    Method.CHOOSE: ["electorate", "participants"],
}


@st.composite
def some_rules(draw: st.DrawFn, method: Method) -> r.Rules:
    def share(of: str) -> r.ShareTest:
        den = draw(st.integers(1, 12))
        num = draw(st.integers(1, den))
        return r.ShareTest(of, num, den, draw(st.sampled_from([">=", ">"])))

    fewest = 1 if method is Method.YES_NO else 0
    bases = draw(st.lists(st.sampled_from(BASES[method]), min_size=fewest, max_size=2))
    return r.Rules(
        participation=tuple(share("electorate") for _ in range(draw(st.integers(0, 2)))),
        agreement=tuple(map(share, bases)),
        k=None if method is Method.YES_NO else 3,
        seats=None if method is Method.YES_NO else draw(st.integers(1, 5)),
    )


class Counted(NamedTuple):
    """What a tally takes, in its order."""

    method: Method
    rules: r.Rules
    options: tuple[str, ...]
    choices: list[Any]
    heads: int

    def marks(self) -> list[str]:
        """Every mark on every ballot."""
        return [m for c in self.choices for m in ([c] if isinstance(c, str) else c)]


@st.composite
def some_poll(draw: st.DrawFn) -> Counted:
    method = draw(st.sampled_from(sorted(BASES)))
    rules = draw(some_rules(method))
    choices: list[Any] = draw(ANSWERS if method is Method.YES_NO else BALLOTS)
    heads = draw(st.integers(max(1, len(choices)), 60))
    return Counted(method, rules, r.ballot_options(method, PROJECTS), choices, heads)


def met(test: r.ShareTest, votes: int, base: int) -> bool:
    if not base:
        return False
    gap = Fraction(votes, base) - Fraction(test.num, test.den)
    return gap > 0 or (gap == 0 and test.cmp == ">=")


def placed(able: dict[str, int], seats: int) -> tuple[list[str], list[str]]:
    """Each option by its place: how many are better, how many as good."""
    winners, tied = [], []
    for option, votes in able.items():
        better = sum(other > votes for other in able.values())
        as_good = sum(other == votes for other in able.values())
        if better + as_good <= seats:
            winners.append(option)
        elif better < seats:
            tied.append(option)
    return sorted(winners), sorted(tied)


def recount(poll: Counted) -> dict[str, Any]:
    """Count again from the text of the format, with fractions and by places instead of seats."""
    marks, present = poll.marks(), len(poll.choices)
    counts = {option: marks.count(option) for option in poll.options}
    bases = {
        "electorate": poll.heads,
        "participants": present,
        "yes_no": len(marks) - marks.count("abstain"),
    }

    def agreed(option: str) -> list[bool]:
        return [met(t, counts[option], bases[t.of]) for t in poll.rules.agreement]

    tests = [met(t, present, poll.heads) for t in poll.rules.participation]
    quorum = False not in tests
    if poll.method is Method.YES_NO:
        outcome = "passed" if all(agreed("yes")) else "rejected"
        tests += agreed("yes")
        return {"counts": counts, "tests": tests, "outcome": outcome if quorum else "no_quorum"}
    able = {o: n for o, n in counts.items() if quorum and n and all(agreed(o))}
    winners, tied = placed(able, poll.rules.seats or 1)
    outcome = "tie" if tied else "decided"
    return {
        "counts": counts,
        "tests": tests,
        "outcome": outcome if quorum else "no_quorum",
        "winners": winners,
        "tied": tied,
        "blank": poll.choices.count([]),
    }


@given(some_poll())
def test_a_recount_written_differently_agrees(poll: Counted) -> None:
    assert r.tally(*poll).as_json() == recount(poll)


@given(some_poll(), st.randoms(use_true_random=False))
def test_the_order_of_the_ballots_changes_nothing(poll: Counted, random: Random) -> None:
    shuffled = random.sample(poll.choices, len(poll.choices))
    assert r.tally(*poll._replace(choices=shuffled)) == r.tally(*poll)


@given(some_poll())
def test_every_mark_is_counted_once(poll: Counted) -> None:
    result = r.tally(*poll)
    assert sum(result.counts.values()) == len(poll.marks())
    assert result.participants == len(poll.choices)


@given(some_poll())
def test_there_are_never_more_winners_than_seats_and_a_tie_never_fits_into_those_left(
    poll: Counted,
) -> None:
    result, seats = r.tally(*poll), poll.rules.seats or 0
    assert len(result.winners) <= seats
    assert not result.tied or len(result.winners) < seats < len(result.winners) + len(result.tied)
    assert set(result.winners).isdisjoint(result.tied)


@given(some_poll())
def test_one_more_abstention_never_breaks_a_quorum_and_helps_no_project_that_had_failed(
    poll: Counted,
) -> None:
    blank: Any = "abstain" if poll.method is Method.YES_NO else []
    before = r.tally(*poll._replace(heads=61))
    after = r.tally(*poll._replace(heads=61, choices=[*poll.choices, blank]))
    if before.outcome is Outcome.NO_QUORUM:
        return
    assert after.outcome is not Outcome.NO_QUORUM
    assert (before.outcome, after.outcome) != (Outcome.REJECTED, Outcome.PASSED)
    assert {*after.winners, *after.tied} <= {*before.winners, *before.tied}


@given(BALLOTS, some_rules(Method.CHOOSE), st.permutations(PROJECTS))
def test_the_names_of_the_projects_play_no_part(
    choices: list[list[str]], rules: r.Rules, names: list[str]
) -> None:
    renamed = dict(zip(PROJECTS, names, strict=True))
    first = r.tally(Method.CHOOSE, rules, PROJECTS, choices, 60)
    ballots = [[renamed[option] for option in ballot] for ballot in choices]
    second = r.tally(Method.CHOOSE, rules, PROJECTS, ballots, 60)
    assert second.outcome is first.outcome
    assert set(second.winners) == {renamed[option] for option in first.winners}
    assert set(second.tied) == {renamed[option] for option in first.tied}


# --- docs/rules.md -------------------------------------------------------------------------

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("TITLE_LENGTH", f"at most {r.TITLE_LENGTH} characters"),
        ("MOST_OPTIONS", f"at most {r.MOST_OPTIONS} projects"),
        ("SHORTEST", f"at least {r.SHORTEST // timedelta(hours=1)} hour "),
        ("LONGEST", f"at most {r.LONGEST.days} days "),
        ("LARGEST_DENOMINATOR", f"≤ {r.LARGEST_DENOMINATOR} "),
        ("SMALL_CELL", f"below {r.SMALL_CELL};"),
    ],
)
def test_the_page_of_rules_tells_the_numbers_that_are_applied(name: str, said: str) -> None:
    (row,) = (line for line in PAGE.read_text("utf-8").splitlines() if f"| `{name}` |" in line)
    assert said in row


def test_the_page_of_rules_tells_the_values_that_never_vary() -> None:
    page = PAGE.read_text("utf-8")
    assert all(f"| `{rule}` | `{value}` |" in page for rule, value in r.FIXED.items())


# --- turnout -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phone", "paper", "shown"),
    [
        (918, 0, {"paper": 0, "phone": 918}),
        (0, 0, {"paper": 0, "phone": 0}),
        (918, 1, None),
        (918, 19, None),
        (918, 20, {"paper": 20, "phone": 918}),
        (19, 0, None),
        (19, 400, None),
    ],
)
def test_turnout_by_channel_is_not_told_where_a_cell_is_between_one_and_nineteen(
    phone: int, paper: int, shown: dict[str, int] | None
) -> None:
    turnout = r.turnout_json({"paper": paper, "phone": phone})
    assert turnout == {"total": phone + paper, "by_channel": shown}

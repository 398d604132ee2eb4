"""What people read about a poll: its rules, its result, its times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask_babel import Babel, force_locale
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock, times
from app.voting import rules as r
from app.voting import words as w
from app.voting.rules import Method, Outcome, PollKind

if TYPE_CHECKING:
    from collections.abc import Iterator

TITLES = {"P01": "综合服务站", "P02": "助餐点", "P03": "口袋公园"}
MORE_THAN_HALF = r.ShareTest("electorate", 1, 2, ">")
A_THIRD = r.ShareTest("electorate", 1, 3, ">=")


@pytest.fixture(autouse=True)
def _in_may() -> Iterator[None]:
    with clock.set_to(datetime(2026, 5, 17, 2, tzinfo=UTC)):
        yield


def counted(
    method: Method, rules: r.Rules, choices: list[Any], heads: int
) -> tuple[r.Tally, dict[str, Any]]:
    options = r.ballot_options(method, tuple(TITLES))
    result = r.tally(method, rules, options, choices, heads)
    return result, {**result.as_json(), "participants": result.participants}


# --- what kind of poll ---------------------------------------------------------------------


def test_a_preference_poll_says_that_it_binds_nobody_and_is_no_owners_decision() -> None:
    effect = w.legal_effect("preference_poll")
    assert "意愿征集" in effect
    assert "没有法律约束力" in effect
    assert "不是业主共同决定" in effect


@pytest.mark.parametrize("kind", list(PollKind))
def test_every_kind_of_poll_has_a_name_and_says_what_it_is_worth(kind: PollKind) -> None:
    assert w.kind_name(kind)
    assert w.legal_effect(kind).endswith("。")


def test_the_ballot_says_that_a_household_has_one_vote_and_that_it_is_named() -> None:
    assert "记名" in w.who_votes()
    assert "一户一票" in w.who_votes()


# --- shares --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("num", "den", "comparison", "text"),
    [
        (1, 3, ">=", "至少三分之一"),
        (2, 3, ">=", "至少三分之二"),
        (4, 6, ">", "超过三分之二"),
        (1, 2, ">", "过半数"),
        (500, 1000, ">", "过半数"),
        (1, 2, ">=", "至少一半"),
        (3, 4, ">=", "至少四分之三"),
        (1, 1, ">=", "全部"),
        (7, 9, ">", "超过7/9"),
    ],
)
def test_shares_are_said_as_people_say_them(num: int, den: int, comparison: str, text: str) -> None:
    assert w.share_text(r.ShareTest("electorate", num, den, comparison)) == text


@pytest.mark.parametrize(
    ("count", "base", "text"),
    [
        (625, 1000, "62.5%"),
        (2, 3, "66.6%"),  # 66.66… is cut
        (1999, 4000, "49.9%"),  # 49.975 would round up to the half it did not reach
        (9999, 10000, "99.9%"),
        (1, 1, "100.0%"),
        (0, 7, "0.0%"),
        (0, 0, "—"),
    ],
)
def test_shares_in_per_cent_are_cut_and_never_rounded_up(count: int, base: int, text: str) -> None:
    assert w.percent(count, base) == text


@given(st.integers(0, 5000), st.integers(1, 5000))
def test_a_share_in_per_cent_is_never_above_the_true_one_and_less_than_a_tenth_below(
    count: int, base: int
) -> None:
    shown = Fraction(w.percent(count, base).removesuffix("%"))
    assert 0 <= Fraction(100 * count, base) - shown < Fraction(1, 10)


# --- rules ---------------------------------------------------------------------------------


def test_a_third_is_said_with_the_households_it_means() -> None:
    said = w.rules_in_words("yes_no", r.default_rules(Method.YES_NO), 1486)
    assert said[0] == "至少要有三分之一的户参加（1,486 户中的 496 户），结果才算数。"
    assert said[1] == "“同意”的户数要超过参加户数的一半，才算通过。"


def test_while_the_electorate_is_unknown_no_number_is_made_up() -> None:
    said = w.rules_in_words("yes_no", r.default_rules(Method.YES_NO), 0)
    assert said[0] == "至少要有三分之一的户参加，结果才算数。"


def test_more_than_half_of_an_even_number_is_one_more_than_half() -> None:
    rules = r.Rules((MORE_THAN_HALF,), (MORE_THAN_HALF,))
    said = w.rules_in_words("yes_no", rules, 1486)
    assert said[0] == "参加的户要超过一半（1,486 户中至少 744 户），结果才算数。"
    assert said[1] == "“同意”的户数要超过全部户数的一半（1,486 户中至少 744 户），才算通过。"


@pytest.mark.parametrize(
    ("method", "of", "comparison", "sentence"),
    [
        (
            "yes_no",
            "yes_no",
            ">=",
            "“同意”的户数至少要占“同意”加“反对”的户数的三分之二，才算通过。",
        ),
        ("yes_no", "participants", ">", "“同意”的户数要超过参加户数的三分之二，才算通过。"),
        (
            "choose",
            "participants",
            ">=",
            "选一个项目的户数至少要占参加户数的三分之二，它才能胜出。",
        ),
        ("choose", "participants", ">", "选一个项目的户数要超过参加户数的三分之二，它才能胜出。"),
    ],
)
def test_what_is_needed_to_pass_or_to_win_names_its_base(
    method: str, of: str, comparison: str, sentence: str
) -> None:
    rules = r.Rules((), (r.ShareTest(of, 2, 3, comparison),), k=2, seats=1)
    assert sentence in w.rules_in_words(method, rules, 1486)


def test_choosing_is_explained_with_its_limits_and_what_a_tie_means() -> None:
    said = "".join(w.rules_in_words("choose", r.Rules((), (), k=3, seats=2), 0))
    assert "每户最多选 3 项" in said
    assert "均不同意" in said
    assert "得票最多的 2 项胜出" in said
    assert "并列，不抽签，也不由谁指定" in said


@pytest.mark.parametrize("method", list(Method))
def test_every_ballot_says_what_silence_means_that_it_can_be_changed_and_which_way_counts(
    method: Method,
) -> None:
    said = "".join(w.rules_in_words(method, r.default_rules(method, 3), 100))
    assert "没有投票的户不算参加" in said
    assert "截止以前可以改" in said
    assert "先收到的一种算数" in said


# --- choices -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ("yes", "同意"),
        ("no", "反对"),
        ("abstain", "弃权"),
        ([], "均不同意"),
        (["P03", "P01"], "口袋公园、综合服务站"),
    ],
)
def test_a_choice_is_read_back_in_the_words_of_the_ballot(
    choice: str | list[str], text: str
) -> None:
    assert w.choice_text(choice, TITLES) == text


# --- results -------------------------------------------------------------------------------


def test_each_test_of_a_result_stands_with_its_numbers_and_its_verdict() -> None:
    rules = r.Rules((MORE_THAN_HALF,), (r.ShareTest("yes_no", 2, 3, ">="),))
    choices = ["yes"] * 500 + ["no"] * 251 + ["abstain"] * 100
    _, result = counted(Method.YES_NO, rules, choices, 1486)
    lines = w.test_lines("yes_no", rules, result, 1486)
    assert [line.text for line in lines] == [
        "参加 851 户，占全部户数 1,486 户的 57.2%；要求过半数（744 户起）。",
        "同意 500 户，占“同意”加“反对”的户数 751 户的 66.5%；要求至少三分之二（501 户起）。",
    ]
    assert [line.verdict for line in lines] == ["达到要求", "没有达到要求"]


def test_a_share_of_nobody_is_not_put_into_per_cent() -> None:
    rules = r.Rules((), (r.ShareTest("yes_no", 1, 2, ">"),))
    _, result = counted(Method.YES_NO, rules, ["abstain"], 10)
    (line,) = w.test_lines("yes_no", rules, result, 10)
    assert "“同意”加“反对”的户数是 0" in line.text
    assert line.verdict == "没有达到要求"


def test_where_a_share_is_asked_of_each_project_the_result_says_how_many_reached_it() -> None:
    rules = r.Rules((A_THIRD,), (r.ShareTest("participants", 1, 2, ">"),), k=2, seats=1)
    choices = [["P01", "P02"]] * 3 + [["P01"]] * 3
    _, result = counted(Method.CHOOSE, rules, choices, 12)
    lines = w.test_lines("choose", rules, result, 12)
    assert [line.text for line in lines] == [
        "参加 6 户，占全部户数 12 户的 50.0%；要求至少三分之一（4 户起）。",
        "胜出的下限：选它的户数占参加户数 6 户的过半数（4 户起）；3 个项目中有 1 个达到。",
    ]
    assert [line.passed for line in lines] == [True, True]


@given(
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 30),
    st.sampled_from(["participants", "yes_no", "electorate"]),
    st.sampled_from([">=", ">"]),
)
def test_the_lines_of_a_result_say_what_the_count_decided(
    yes: int, no: int, abstain: int, of: str, comparison: str
) -> None:
    rules = r.Rules((A_THIRD, MORE_THAN_HALF), (r.ShareTest(of, 1, 2, comparison),))
    choices = ["yes"] * yes + ["no"] * no + ["abstain"] * abstain
    result, told = counted(Method.YES_NO, rules, choices, 100)
    lines = w.test_lines("yes_no", rules, told, 100)
    assert tuple(line.passed for line in lines) == result.tests


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        (Outcome.NO_QUORUM, "“助餐点”没有结果：参加的户数不够。"),
        (Outcome.PASSED, "“助餐点”通过：同意的户数达到了要求。"),
        (Outcome.REJECTED, "“助餐点”没有通过：同意的户数没有达到要求。"),
    ],
)
def test_the_outcome_on_one_project_names_it(outcome: Outcome, sentence: str) -> None:
    assert w.outcome_sentence(outcome, {}, {}, "助餐点") == sentence


@pytest.mark.parametrize(
    ("choices", "seats", "sentence"),
    [
        ([["P02"]], 1, "参加的户数不够，这次投票没有结果。"),
        ([["P02"]] * 4, 1, "“助餐点”（4 票）胜出。"),
        (
            [["P02", "P03"]] * 3 + [["P03"]],
            2,
            "“口袋公园”（4 票）、“助餐点”（3 票）胜出。",
        ),
        ([[]] * 4, 1, "没有项目胜出：没有一项得到足够的户支持。"),
        (
            [["P01", "P02"]] * 4,
            1,
            "“综合服务站”（4 票）、“助餐点”（4 票）票数相同，并列，没有分出先后。",
        ),
        (
            [["P03", "P01"], ["P03", "P02"]] * 2,
            2,
            (
                "“口袋公园”（4 票）胜出；剩下的名额，“综合服务站”（2 票）、“助餐点”（2 票）"
                "票数相同，并列，没有分出先后。"
            ),
        ),
    ],
)
def test_the_outcome_among_several_projects_names_winners_and_ties_with_their_votes(
    choices: list[list[str]], seats: int, sentence: str
) -> None:
    rules = r.Rules((A_THIRD,), (), k=2, seats=seats)
    result, told = counted(Method.CHOOSE, rules, choices, 12)
    assert w.outcome_sentence(result.outcome, told, TITLES) == sentence


# --- times ---------------------------------------------------------------------------------

CLOSES = datetime(2026, 5, 20, 10, tzinfo=UTC)


def test_times_are_those_of_china_with_their_weekday() -> None:
    assert w.time_text(CLOSES) == "5月20日（周三）18:00"
    assert times.day_text(datetime(2026, 5, 23, 17, tzinfo=UTC)) == "5月24日（周日）"
    assert w.time_text(datetime(2026, 5, 19, 16, 5, tzinfo=UTC)) == "5月20日（周三）00:05"


def test_another_year_is_named() -> None:
    assert w.time_text(datetime(2025, 12, 31, 15, tzinfo=UTC)) == "2025年12月31日（周三）23:00"
    # It is already 2026 in China.
    assert w.time_text(datetime(2025, 12, 31, 17, tzinfo=UTC)) == "1月1日（周四）01:00"


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (timedelta(days=3, hours=5), "还有 3 天，5月20日（周三）18:00 截止"),
        (timedelta(days=1), "还有 1 天，5月20日（周三）18:00 截止"),
        (timedelta(hours=23, minutes=59), "还有 23 小时，5月20日（周三）18:00 截止"),
        (timedelta(hours=1), "还有 1 小时，5月20日（周三）18:00 截止"),
        (timedelta(minutes=59, seconds=59), "还有 59 分钟，5月20日（周三）18:00 截止"),
        (timedelta(seconds=1), "还有 1 分钟，5月20日（周三）18:00 截止"),
        (timedelta(0), "已于 5月20日（周三）18:00 截止"),
        (-timedelta(days=2), "已于 5月20日（周三）18:00 截止"),
    ],
)
def test_the_time_left_is_said_in_words_with_its_end(left: timedelta, text: str) -> None:
    assert w.countdown(CLOSES, CLOSES - left) == text


@pytest.mark.parametrize(
    ("left", "urgent"),
    [
        (timedelta(hours=24), False),
        (timedelta(hours=24, seconds=-1), True),
        (timedelta(seconds=1), True),
        (timedelta(0), False),
    ],
)
def test_the_last_day_is_urgent_and_what_is_over_is_not(left: timedelta, *, urgent: bool) -> None:
    assert w.is_urgent(CLOSES, CLOSES - left) is urgent


@pytest.mark.parametrize(
    ("until", "text"),
    [
        (datetime(2026, 6, 4, 16, tzinfo=UTC), "6月4日（周四）24:00"),
        (datetime(2026, 12, 31, 16, tzinfo=UTC), "12月31日（周四）24:00"),
        (CLOSES, "5月20日（周三）18:00"),
    ],
)
def test_a_period_of_whole_days_ends_at_midnight_of_its_last_day(
    until: datetime, text: str
) -> None:
    assert times.end_text(until) == text


def test_in_english_the_same_moment_is_said_in_english_order() -> None:
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context(), force_locale("en"):
        assert w.time_text(CLOSES) == "Wednesday 20 May, 18:00"
        assert w.time_text(datetime(2025, 5, 20, 10, tzinfo=UTC)) == "Tuesday 20 May 2025, 18:00"
        midnight = datetime(2026, 6, 4, 16, tzinfo=UTC)
        assert times.end_text(midnight) == "the end of Thursday 4 June"
        assert times.full_time_text(CLOSES) == "18:00, Wednesday 20 May 2026"
        assert times.full_end_text(midnight) == "the end of Thursday 4 June 2026"

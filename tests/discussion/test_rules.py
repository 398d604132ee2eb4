"""What is covered, what is refused, and in which order people read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import RuleBroken
from app.discussion import rules
from app.discussion.rules import PostState

NOW = datetime(2026, 5, 20, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("电话13800001111。", "电话138********。"),
        ("座机 024-23456789", "座机 024*********"),
        ("证 110105199003071234 号", "证 110*************** 号"),
        ("证 11010519900307123X 号", "证 110*************** 号"),
        ("预算 400000 元，工期 5 个月", "预算 400000 元，工期 5 个月"),
        ("编号 20260520123456789012", "编号 20260520123456789012"),
    ],
)
def test_numbers_of_persons_are_covered_and_others_are_not(text: str, shown: str) -> None:
    assert rules.mask(text) == shown


@given(st.from_regex(r"1[3-9]\d{9}", fullmatch=True), st.text("，。 来电", max_size=5))
def test_no_mobile_number_comes_through(phone: str, around: str) -> None:
    assert phone not in rules.mask(around + phone + around)
    assert len(rules.mask(phone)) == len(phone)


@pytest.mark.parametrize(
    ("typed", "phrases"),
    [
        ("", ()),
        (" 、；; ", ()),
        ("王工", ("王工",)),
        (" 王工、3-2-501；李 工;王工", ("王工", "3-2-501", "李 工", "王工")),
        ("王工，李工", ("王工，李工",)),
    ],
)
def test_phrases_to_be_covered_are_split_as_typed(typed: str, phrases: tuple[str, ...]) -> None:
    assert rules.phrases(typed) == phrases


def test_a_phrase_is_covered_wherever_it_stands() -> None:
    assert rules.cover("王工说：问王工，不问王", "王工") == "**说：问**，不问王"
    assert rules.cover("没有", "王工") == "没有"


@given(st.text(max_size=1200))
def test_a_text_is_kept_tidy_or_refused(text: str) -> None:
    try:
        tidy = rules.clean(text)
    except RuleBroken as refusal:
        assert refusal.code in {"post.empty", "post.too_long"}
        return
    assert tidy == rules.clean(tidy)
    assert 1 <= len(tidy) <= rules.LONGEST


def test_moderation_moves() -> None:
    rules.check_move(PostState.SUBMITTED, PostState.PUBLISHED)
    for state, to in (
        (PostState.RETURNED, PostState.HIDDEN),
        (PostState.PUBLISHED, PostState.RETURNED),
        (PostState.HIDDEN, PostState.RETURNED),
    ):
        with pytest.raises(RuleBroken, match=r"post\.wrong_state"):
            rules.check_move(state, to)


def test_a_reason_is_one_of_six_and_a_disposition_says_why() -> None:
    assert rules.check_reason("insult", "") is rules.Reason.INSULT
    with pytest.raises(RuleBroken, match=r"post\.no_reason"):
        rules.check_reason("criticises_us", "")
    with pytest.raises(RuleBroken, match=r"post\.note_too_long"):
        rules.check_reason("insult", "长" * 301)
    assert rules.check_disposition("partly", "一半") is rules.Disposition.PARTLY
    for disposition, why, code in (
        ("maybe", "因为", "no_disposition"),
        ("adopted", " ", "why_missing"),
        ("adopted", "长" * 301, "note_too_long"),
    ):
        with pytest.raises(RuleBroken, match=rf"post\.{code}"):
            rules.check_disposition(disposition, why)


def test_forty_eight_hours_are_counted_to_the_second() -> None:
    assert not rules.is_overdue(NOW, NOW + timedelta(hours=48))
    assert rules.is_overdue(NOW, NOW + timedelta(hours=48, seconds=1))


@given(st.lists(st.text("abc123", min_size=8, max_size=8), min_size=2, max_size=20, unique=True))
def test_one_reader_meets_one_order(ids: list[str]) -> None:
    def order(seed: str) -> list[str]:
        return sorted(ids, key=lambda each: rules.place_in_reading(seed, each))

    assert order("a") == order("a")
    assert sorted(order("a")) == sorted(ids)
    assert len({order(str(seed))[0] for seed in range(200)}) > 1

"""Places, notice, agendas, and numbers that show nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import RuleBroken
from app.meetings import rules
from app.meetings.rules import AgeBand, Item, MeetingState

NOW = datetime(2026, 5, 20, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(("capacity", "held"), [(0, 0), (-1, 0), (2001, 0), (3, 4), (3, -1)])
def test_places_that_cannot_be(capacity: int, held: int) -> None:
    with pytest.raises(RuleBroken, match=r"meeting\.(capacity|held)"):
        rules.check_places(capacity, held)


def test_places_that_can_be() -> None:
    for capacity, held in ((1, 0), (1, 1), (2000, 2000)):
        rules.check_places(capacity, held)


def test_notice_is_counted_to_the_second() -> None:
    week = timedelta(days=7)
    rules.check_notice(NOW, NOW + week, 7)
    with pytest.raises(RuleBroken, match=r"meeting\.short_notice"):
        rules.check_notice(NOW, NOW + week - timedelta(seconds=1), 7)
    with pytest.raises(RuleBroken, match=r"meeting\.in_the_past"):
        rules.check_notice(NOW, NOW, 0)


def test_an_agenda_as_people_type_it() -> None:
    text = "说明规则｜主持人｜5\n\n 三个方案 | 设计师 | 15 分钟 \n发言｜｜45分"
    assert rules.items_from(text) == (
        Item("说明规则", "主持人", 5),
        Item("三个方案", "设计师", 15),
        Item("发言", "", 45),
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "meeting.no_agenda"),
        ("只有内容", "meeting.item"),
        ("内容｜谁｜很久", "meeting.item"),
        ("｜谁｜5", "meeting.item"),
        ("内容｜谁｜0", "meeting.item"),
        ("内容｜谁｜481", "meeting.item"),
    ],
)
def test_an_agenda_that_says_nothing(text: str, code: str) -> None:
    with pytest.raises(RuleBroken, match=code.replace(".", r"\.")):
        rules.items_from(text)


def test_doors_open_half_an_hour_early_and_close_with_the_meeting() -> None:
    half = timedelta(minutes=30)
    for state, now, are_open in (
        (MeetingState.ANNOUNCED, NOW - half - timedelta(seconds=1), False),
        (MeetingState.ANNOUNCED, NOW - half, True),
        (MeetingState.OPEN, NOW + timedelta(hours=3), True),
        (MeetingState.CLOSED, NOW, False),
        (MeetingState.POSTPONED, NOW, False),
    ):
        assert rules.doors_are_open(state, NOW, now) is are_open


@given(st.dictionaries(st.sampled_from([b.value for b in AgeBand]), st.integers(0, 30)))
def test_no_small_cell_is_shown_and_none_can_be_had_by_subtraction(counts: dict[str, int]) -> None:
    shown = rules.bands_to_show(counts)
    hidden = [band for band, number in shown.items() if number is None]
    assert all(number is None or number == 0 or number >= 5 for number in shown.values())
    people = [band for band, number in counts.items() if number]
    if len(people) > 1:
        assert len(hidden) != 1
    for band, number in shown.items():
        assert number is None or number == counts.get(band, 0)


def test_quorum() -> None:
    assert rules.quorum_met(3, None) is None
    assert rules.quorum_met(3, 3) is True
    assert rules.quorum_met(2, 3) is False

"""Places, notice, agendas, and numbers that show nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import RuleBroken
from app.meetings import rules, words
from app.meetings.forms import MeetingForm
from app.meetings.rules import AgeBand, Item, MeetingState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

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


BANDS = [band.value for band in AgeBand]


def ways(total: int, cells: int) -> Iterator[tuple[int, ...]]:
    """Every way in which so many people can be spread over so many cells."""
    if cells == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in ways(total - first, cells - 1):
            yield (first, *rest)


Shown = tuple[int | None, ...]


@cache
def readings(total: int) -> dict[Shown, list[set[int]]]:
    """For everything that may be shown of so many people: what each cell could then be.

    It reads as somebody would who knows the total and this very program: nothing but another
    spread of people with the same outcome can save a hidden cell.
    """
    found: dict[Shown, list[set[int]]] = {}
    for spread in ways(total, len(BANDS)):
        shown = rules.bands_to_show(dict(zip(BANDS, spread, strict=True)))
        cells = found.setdefault(tuple(shown.values()), [set() for _ in BANDS])
        for cell, number in zip(cells, spread, strict=True):
            cell.add(number)
    return found


@given(st.integers(0, 26))
@settings(deadline=None, max_examples=27)
def test_no_hidden_cell_can_be_had_by_subtraction_whoever_knows_the_total(total: int) -> None:
    for shown, cells in readings(total).items():
        for number, possible in zip(shown, cells, strict=True):
            if number is None:
                assert len(possible) > 1, shown
            else:
                assert possible == {number}


@given(st.lists(st.integers(0, 60), min_size=5, max_size=5))
def test_no_small_cell_is_shown_and_what_is_shown_is_true(numbers: list[int]) -> None:
    shown = rules.bands_to_show(dict(zip(BANDS, numbers, strict=True)))
    small = [number for number in numbers if 0 < number < 5]
    for number, cell in zip(numbers, shown.values(), strict=True):
        assert cell is None or cell == number
        assert cell is None or cell >= 5 or not small


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0)),
        ((7, 5, 5, 0, 0), (7, 5, 5, 0, 0)),
        ((1, 1, 8, 0, 0), (None, None, 8, None, None)),
        ((3, 0, 0, 0, 0), (None,) * 5),
        ((4, 4, 9, 12, 7), (None, None, 9, 12, None)),
        ((4, 4, 4, 4, 4), (None,) * 5),
        ((30, 30, 4, 50, 60), (None, None, None, 50, 60)),
    ],
)
def test_age_bands_in_a_row(numbers: Shown, shown: Shown) -> None:
    assert tuple(rules.bands_to_show(dict(zip(BANDS, numbers, strict=True))).values()) == shown  # type: ignore[arg-type]


def test_hidden_numbers_are_named_and_one_line_says_when_all_are(web_app: Flask) -> None:
    with web_app.test_request_context():
        some = words.attendance_rows(rules.bands_to_show({"to_35": 1, "to_59": 1, "to_79": 8}))
        assert [number for _band, number in some] == ["不单独公布"] * 2 + ["8"] + ["不单独公布"] * 2
        few = words.attendance_rows(rules.bands_to_show({"to_35": 3}))
        assert few == [("各年龄段", "人少，不公布")]


def test_what_is_typed_wrong_is_told_once_and_in_our_words(web_app: Flask) -> None:
    typed = {"capacity": "很多", "held": "-1", "quorum": "2.5", "title": ""}
    with web_app.test_request_context(method="POST", data=typed):
        form = MeetingForm(meta={"csrf": False})
        assert not form.validate()
        said = {name: [str(error) for error in errors] for name, errors in form.errors.items()}
    assert said["capacity"] == ["请写一个整数，1 到 2,000"]
    assert said["held"] == ["请写一个整数，0 到 2,000"]
    assert said["quorum"] == ["请写一个整数，1 到 2,000"]
    assert said["title"] == ["请写会议名称"]
    assert not [e for errors in said.values() for e in errors if "字段" in e or "有效" in e]


def test_quorum() -> None:
    assert rules.quorum_met(3, None) is None
    assert rules.quorum_met(3, 3) is True
    assert rules.quorum_met(2, 3) is False

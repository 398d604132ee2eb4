"""A poll's workbook says what was asked, who took part, what came of it and when, without names."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

import python_calamine

from app.core import clock
from app.core.actor import SYSTEM
from app.exports import poll_report, workbooks
from app.voting import operations as voting
from app.voting.rules import NONE_OF_THEM, Method, Rules
from tests.support.world import World, third

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.world import Place


def sheets(place: Place, poll: str) -> dict[str, list[list[object]]]:
    """The workbook as Excel would open it."""
    data = workbooks.as_workbook(poll_report.of_poll(place.id, poll))
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def chosen_poll(world: World, place: Place) -> str:
    """Three of thirty households want P02, one of them P01 too; one wants none."""
    rules = Rules((third(),), (), k=2, seats=1)
    poll = world.poll(place, ("P01", "P02"), method=Method.CHOOSE, rules=rules, title="=先办哪件？")
    voters = world.voters(place, 10)
    for voter in voters[:3]:
        world.cast(voter, place, poll, "P02")
    world.cast(voters[3], place, poll, "P01", "P02")
    for voter in voters[4:]:
        world.cast(voter, place, poll, NONE_OF_THEM)
    return poll


def test_an_open_poll_shows_turnout_and_no_votes(world: World, fixed_clock: datetime) -> None:
    place = world.community()
    found = sheets(place, chosen_poll(world, place))
    assert ["应参加", 30.0] in found["参与"]
    assert ["到 2026-05-20 10:03 已参加", 10.0] in found["参与"]
    assert found["计票"][1:] == []
    assert "还没有截止" in str(found["结果"])


def test_a_closed_poll_shows_outcome_tests_winners_and_those_who_wanted_none(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community()
    poll = chosen_poll(world, place)
    with clock.set_to(fixed_clock + timedelta(days=8)):
        voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
        voting.publish_result(SYSTEM, community_id=place.id, public_id=poll)
        found = sheets(place, poll)
    assert ["P01", "项目P01", 1.0, ""] in found["计票"]
    assert ["P02", "项目P02", 4.0, ""] in found["计票"]
    assert ["", "均不同意", 6.0, ""] in found["计票"]
    assert ["胜出", "项目P02"] in found["结果"]
    assert any(row[0] == "达到" and "10" in str(row[1]) for row in found["结果"])
    assert ["P01", "项目P01", "1000.00"] in found["选项"]
    acts = [row[2] for row in found["时间线"][1:]]
    assert acts == ["投票开放，内容、规则和名单不再改动", "投票截止并计票", "结果公示"]
    assert ["题目", "'=先办哪件？"] in found["投票内容"]
    everything = str(found)
    assert "住户HXL" not in everything
    assert "preference_poll" not in everything


def test_groups_under_twenty_households_are_not_told_apart(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community()
    poll = chosen_poll(world, place)
    with clock.set_to(fixed_clock + timedelta(days=8)):
        voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
        found = sheets(place, poll)
    assert ["各种方式的户数", "有一种不足 20 户，不分开公布"] in found["参与"]


def test_the_file_is_chinese_whatever_language_its_reader_uses(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community()
    poll = chosen_poll(world, place)
    with world.app.test_request_context(headers={"Accept-Language": "en"}):
        assert poll_report.of_poll(place.id, poll)[0].title == "投票内容"

"""How a project is built: stages one at a time, planned and real days, reports with photos."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from app.core import clock
from app.core.actor import SYSTEM
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.projects import operations, queries, rules
from app.projects.rules import Stage
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("to", Stage)
def test_stages_go_on_one_at_a_time(stage: Stage, to: Stage) -> None:
    if rules.stage_index(to) - rules.stage_index(stage) == 1:
        rules.check_stage(stage, to)
    else:
        with pytest.raises(RuleBroken, match=r"project\.stage"):
            rules.check_stage(stage, to)


def test_milestones_keep_the_planned_day_beside_the_real_one(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 1)
    code = world.project(place, "P05")
    assert [world.milestone(place, code, title) for title in ("开工", "完工")] == [1, 2]

    def finish(number: int, done_on: datetime) -> None:
        operations.finish_milestone(
            SYSTEM, community_id=place.id, code=code, number=number, done_on=done_on
        )

    with pytest.raises(NotFound):
        finish(3, clock.now())
    with pytest.raises(RuleBroken, match=r"project\.in_the_future"):
        finish(1, clock.now() + timedelta(seconds=1))
    finish(1, clock.now())
    with pytest.raises(RuleBroken, match=r"project\.milestone_done"):
        finish(1, clock.now())
    first, second = queries.works(place.id, code).milestones
    assert first.planned_on == fixed_clock + timedelta(days=7)
    assert first.done_on == fixed_clock
    assert second.done_on is None
    with pytest.raises(RuleBroken, match=r"project\.milestone_empty"):
        operations.plan_milestone(
            SYSTEM, community_id=place.id, code=code, title=" ", planned_on=clock.now()
        )


def test_a_report_sent_twice_is_one(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 1)
    code = world.project(place, "P05")
    for _ in range(2):
        operations.report_progress(
            world.clerk(place),
            community_id=place.id,
            code=code,
            progress=operations.Progress("地面铺好了", "same"),
        )
    assert [report.text for report in queries.works(place.id, code).progress] == ["地面铺好了"]
    for text in (" ", "长" * 1001):
        with pytest.raises(RuleBroken, match=r"project\.progress_empty"):
            operations.report_progress(
                world.clerk(place),
                community_id=place.id,
                code=code,
                progress=operations.Progress(text, "other"),
            )
    with pytest.raises(NotAllowed):
        operations.advance_project(
            world.resident(place), community_id=place.id, code=code, to=Stage.BUILD
        )


def test_the_desk_builds_and_everybody_sees_it(web_app: Flask, fixed_clock: datetime) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    world.project(place, "P05")
    desk = CheckedClient(web_app)
    desk.staff(world.staff(place))
    works = "/c/HXL/desk/projects/P05/works"
    assert desk.get(works).status_code == 200
    steps = (
        ("stage/build_together", {}, 303),
        ("stage/rate_together", {}, 422),
        ("bodies", {"responsible": "北苑街道办事处", "builder": "建工队"}, 303),
        ("milestones", {"title": "地面", "planned_on": "2026-05-30"}, 303),
        ("milestones/1", {"done_on": "2026-05-19"}, 303),
        ("milestones/1", {"done_on": "2026-05-19"}, 422),
        ("progress", {"text": "", "once": "a"}, 422),
        ("progress", {"text": "铺好了", "once": "b", "picture": (_photo(), "a.jpg")}, 303),
        ("progress", {"text": "假图", "once": "c", "picture": (io.BytesIO(b"x"), "a.jpg")}, 422),
    )
    for step, form, status in steps:
        answer = desk.post(f"/c/HXL/desk/projects/P05/{step}", form)
        assert answer.status_code == status, step
    page = CheckedClient(web_app).get("/c/HXL/projects/P05").text
    for words in ("第 2 步：共建", "北苑街道办事处", "建工队", "5月30日", "5月19日", "铺好了"):
        assert words in page, words
    assert "假图" not in page


def _photo() -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "green").save(out, "JPEG")
    out.seek(0)
    return out

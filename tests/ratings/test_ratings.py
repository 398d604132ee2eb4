"""A finished project is rated, repaired, and rated again; small numbers stay hidden."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.communities.queries import community_by_code
from app.core import clock, jobs
from app.core.actor import SYSTEM
from app.core.db import db
from app.core.errors import NotFound, RuleBroken
from app.core.record import RecordEntry
from app.core.times import day_text
from app.exports import verify_record
from app.exports.operations import export_record
from app.people.models import PersonNotice, PersonNoticeKind
from app.projects import operations as projects
from app.projects.rules import Stage
from app.ratings import operations, queries, rules
from app.voting import operations as voting
from app.voting.rules import Method, Tally, check_choice, default_rules, tally
from app.voting.showing import points
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flask import Flask

    from tests.support.world import Place

OPTIONS = ("P.1", "P.2")


def score(choices: list[dict[str, int]], heads: int = 10) -> Tally:
    return tally(Method.SCORE, default_rules(Method.SCORE), OPTIONS, choices, heads)


def test_scores_are_added_up_and_nobody_wins() -> None:
    found = score([{"P.1": 4, "P.2": 0}, {"P.1": 3}, {}]).as_json()
    assert found == {
        "counts": {"P.1": 7, "P.2": 0},
        "raters": {"P.1": 2, "P.2": 1},
        "tests": [],
        "outcome": "decided",
        "winners": [],
        "tied": [],
        "blank": 1,
    }


@pytest.mark.parametrize(
    "choice", [{"P.1": 5}, {"P.1": -1}, {"P.9": 1}, {"P.1": True}, ["P.1"], {"P.1": "4"}]
)
def test_a_stored_choice_no_form_could_give_stops_the_count(choice: object) -> None:
    with pytest.raises(ValueError, match="none of those offered"):
        score([choice])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("submitted", "code"),
    [
        ([], "nothing_chosen"),
        (["P.1=5"], "unknown_option"),
        (["P.1="], "unknown_option"),
        (["P.9=1"], "unknown_option"),
        (["P.1"], "unknown_option"),
        (["P.1=1", "P.1=2"], "duplicate"),
    ],
)
def test_scores_as_submitted(submitted: list[str], code: str) -> None:
    assert check_choice(Method.SCORE, OPTIONS, None, ["P.1=4"]) == {"P.1": 4}
    with pytest.raises(RuleBroken, match=rf"ballot\.{code}"):
        check_choice(Method.SCORE, OPTIONS, None, submitted)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_a_mean_is_exact_to_the_tenth_and_small_groups_stay_hidden(scores: list[int]) -> None:
    shown = points(sum(scores), len(scores))
    if len(scores) < 5:
        assert shown == "不足 5 户"
        assert rules.top_two(scores) is None
        return
    exact = sum(scores) * 25 / len(scores)
    assert abs(float(shown) - exact) <= 0.05 + 1e-9
    assert rules.is_low(sum(scores), len(scores)) == (exact < 60)


def test_questions_have_ids_that_say_whose_they_are() -> None:
    assert rules.question_of(rules.option_id("P05", 9)) == "总体满意度"
    for option in ("P05.0", "P05.10", "P05.x", "P05"):
        with pytest.raises(KeyError):
            rules.question_of(option)


def finished(world: World, place: Place) -> str:
    code = world.project(place, "P05")
    for to in (Stage.BUILD, Stage.MANAGE):
        projects.advance_project(SYSTEM, community_id=place.id, code=code, to=to)
    return code


def rate(world: World, place: Place, poll: str, number: int, value: int) -> None:
    """That many households give every question the same step."""
    for voter in world.voters(place, number):
        world.cast(voter, place, poll, *(f"P05.{n}={value}" for n in range(1, 10)))


def test_only_finished_work_is_rated_one_round_at_a_time(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 3)
    world.project(place, "P05")

    def start(days: int = 7) -> str:
        return operations.start_rating(SYSTEM, community_id=place.id, project_code="P05", days=days)

    with pytest.raises(RuleBroken, match=r"rating\.not_finished"):
        start()
    for to in (Stage.BUILD, Stage.MANAGE):
        projects.advance_project(SYSTEM, community_id=place.id, code="P05", to=to)
    for days in (0, 61):
        with pytest.raises(RuleBroken, match=r"rating\.days"):
            start(days)
    start()
    with pytest.raises(RuleBroken, match=r"rating\.open"):
        start()
    with pytest.raises(NotFound):
        operations.start_rating(SYSTEM, community_id=place.id, project_code="P99", days=7)


def test_a_low_score_is_repaired_and_then_asked_again(
    world: World, fixed_clock: datetime, tmp_path: Path
) -> None:
    place = world.community("HXL", 6)
    finished(world, place)
    poll = operations.start_rating(SYSTEM, community_id=place.id, project_code="P05", days=7)

    def repair(option: str = "P05.2", **changes: object) -> str:
        values: dict[str, object] = {
            "option": option,
            "what": "换掉松动的地砖",
            "owner": "建工队",
            "due": clock.now() + timedelta(days=3),
        }
        new = operations.NewRepair(**(values | changes))  # type: ignore[arg-type]
        return operations.open_repair(SYSTEM, community_id=place.id, poll=poll, repair=new)

    with pytest.raises(RuleBroken, match=r"repair\.no_result"):
        repair()
    rate(world, place, poll, 5, 2)
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    (first,) = queries.rounds(place.id, "P05")
    assert (first.raters, first.invited, first.overall) == (5, 6, "50.0")
    assert all(one.low for one in first.questions)
    db.session.rollback()
    for changes, code in (
        ({"what": " "}, "empty"),
        ({"due": clock.now()}, "past"),
        ({"option": "P05.99"}, "no_result"),
    ):
        with pytest.raises(RuleBroken, match=rf"repair\.{code}"):
            repair(**changes)
    db.session.rollback()
    assert len(queries.unanswered(place.id)["P05"]) == 9
    with pytest.raises(RuleBroken, match=r"rating\.unanswered"):
        operations.start_rating(SYSTEM, community_id=place.id, project_code="P05", days=7)
    task = repair()
    db.session.rollback()
    assert len(queries.unanswered(place.id)["P05"]) == 8
    others = [repair(option=f"P05.{number}") for number in (1, *range(3, 10))]
    db.session.rollback()
    assert queries.unanswered(place.id) == {}
    clock.advance(timedelta(days=4))
    assert [one.overdue for one in queries.open_repairs(place.id)] == [True] * 9
    db.session.rollback()
    for other in others:
        operations.finish_repair(SYSTEM, community_id=place.id, repair_id=other, note="好了")
    db.session.rollback()
    with pytest.raises(RuleBroken, match=r"rating\.repairs_left"):
        operations.start_rating(SYSTEM, community_id=place.id, project_code="P05", days=7)
    for note, code in ((" ", "empty"), ("换好了", ""), ("再来", "done")):
        if not code:
            operations.finish_repair(SYSTEM, community_id=place.id, repair_id=task, note=note)
            continue
        with pytest.raises(RuleBroken, match=rf"repair\.{code}"):
            operations.finish_repair(SYSTEM, community_id=place.id, repair_id=task, note=note)

    poll = operations.start_rating(SYSTEM, community_id=place.id, project_code="P05", days=7)
    jobs.run_due()
    asked = db.session.scalars(
        select(PersonNotice.about).where(PersonNotice.kind == PersonNoticeKind.RATE_AGAIN)
    ).all()
    assert asked == ["rating:P05"] * 5, "whoever filled in the first round is asked in person"
    db.session.rollback()
    rate(world, place, poll, 5, 4)
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    assert [one.overall for one in queries.rounds(place.id, "P05")] == ["50.0", "100.0"]
    db.session.rollback()
    with pytest.raises(RuleBroken, match=r"repair\.not_low"):
        repair()
    kinds = db.session.scalars(select(RecordEntry.kind)).all()
    assert kinds.count("rating.started") == 2
    assert {"repair.opened", "repair.done"} <= set(kinds)
    opened = json.loads(
        db.session.scalars(
            select(RecordEntry.entry).where(RecordEntry.kind == "poll.opened").limit(1)
        ).one()
    )["data"]
    assert opened["projects"] == ["P05"]
    assert (opened["rules"]["min"], opened["rules"]["max"]) == (0, 4)
    db.session.rollback()

    archive = tmp_path / "record.zip"
    with archive.open("wb") as out:
        export_record(SYSTEM, community=community_by_code("HXL"), out=out)
    assert verify_record.main([str(archive)]) == 0


def test_by_the_pages(web_app: Flask, fixed_clock: datetime) -> None:
    world = World(web_app)
    place = world.community("HXL", 6)
    finished(world, place)
    desk = CheckedClient(web_app)
    desk.staff(world.staff(place))
    page = "/c/HXL/projects/P05/rating"
    assert "还没有开始评价" in CheckedClient(web_app).get(page).text
    assert desk.post("/c/HXL/desk/ratings/P05/start", {"days": "0"}).status_code == 422
    assert desk.post("/c/HXL/desk/ratings/P05/start", {"days": "7"}).status_code == 303
    assert desk.raw.get("/c/HXL/desk/ratings/P05/qr.svg").mimetype == "image/svg+xml"
    poll = ""
    for index in range(5):
        resident = CheckedClient(web_app)
        resident.enter(world, place, index)
        link = resident.get(page).text.partition("/c/HXL/votes/")[2]
        poll = link.partition("/")[0]
        ballot = f"/c/HXL/votes/{poll}/ballot"
        assert "总体满意度" in resident.get(ballot).text
        form = resident.fields(ballot, ballot)
        empty = {name: value for name, value in form.items() if not name.startswith("score-")}
        assert resident.post(ballot, empty).status_code == 422
        filled = empty | {f"score-P05.{n}": str(1 if n == 2 else 4) for n in range(1, 9)}
        assert resident.post(ballot, filled).status_code == 303
        assert "施工质量：不满意" in resident.get(f"/c/HXL/votes/{poll}/receipt").text
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    desk.staff(world.staff(place))
    shown = CheckedClient(web_app).get(page).text
    for words in ("第 1 次评价", "25.0", "100.0", "偏低，要返修", "不足 5 户", "请了 6 户"):
        assert words in shown, words
    ended = day_text(queries.rounds(place.id, "P05")[0].closes_at)
    assert shown.count(f"还没有安排返修（评价 {ended}结束）") == 1, "one score is low, no repair"
    db.session.rollback()
    result = CheckedClient(web_app).get(f"/c/HXL/votes/{poll}/result").text
    assert "评价结束" in result
    repair = {"what": "重铺", "owner": "建工队", "due": "2026-06-20"}
    wrong = desk.post("/c/HXL/desk/ratings/P05/repairs/P05.1", repair)
    assert wrong.status_code == 422
    assert desk.post("/c/HXL/desk/ratings/P05/repairs/P05.2", repair).status_code == 303
    arranged = CheckedClient(web_app).get(page).text
    assert "重铺" in arranged
    assert "偏低，要返修" in arranged
    assert "还没有安排返修" not in arranged
    assert desk.get("/c/HXL/desk/ratings").status_code == 200
    db.session.rollback()
    task = queries.open_repairs(place.id)[0].public_id
    db.session.rollback()
    assert desk.post(f"/c/HXL/desk/repairs/{task}", {"note": ""}).status_code == 422
    assert desk.post(f"/c/HXL/desk/repairs/{task}", {"note": "重铺好了"}).status_code == 303
    assert "重铺好了" in CheckedClient(web_app).get(page).text
    assert desk.post("/c/HXL/desk/ratings/P05/start", {"days": "7"}).status_code == 303


def test_fewer_than_five_answers_are_neither_a_score_nor_a_number(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 6)
    finished(world, place)
    poll = operations.start_rating(SYSTEM, community_id=place.id, project_code="P05", days=7)
    rate(world, place, poll, 3, 4)
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    client = CheckedClient(web_app)
    desk = CheckedClient(web_app)
    desk.staff(world.staff(place))
    page = client.get("/c/HXL/projects/P05/rating").text
    assert "不足 5 户作答" in page
    for wrong in ("满分 100", "3 户</td>", "不足 5 户 分"):
        assert wrong not in page, wrong
    assert "不公布分数" in client.get("/c/HXL/projects/P05").text
    assert "不公布分数" in desk.get("/c/HXL/desk/ratings").text
    result = client.get(f"/c/HXL/votes/{poll}/result").text
    assert "参加评价" in result
    for wrong in (">3</td>", "参加投票", "为什么是这个结果", "投票时的说明"):
        assert wrong not in result, wrong

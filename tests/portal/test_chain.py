"""The report of broken chains names what nobody can answer, and is silent where all is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from flask import g
from sqlalchemy import select

from app.communities.queries import community_by_id
from app.consultations import operations as topics
from app.core import clock
from app.core.actor import SYSTEM, Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.record import RecordEntry
from app.portal import chain
from app.portal.demo import small_project
from app.projects import operations as projects
from app.projects.operations import Decision
from app.projects.rules import Stage
from app.ratings import operations as ratings
from app.voting import operations as voting
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from tests.support.world import Place

MEETING = "representatives_meeting"


def project(place: Place, *routes: str, asked_by: str = "摸底", upkeep_by: str = "居委会") -> None:
    text = replace(small_project(), decision_route=routes, asked_by=asked_by, upkeep_by=upkeep_by)
    projects.add_project(SYSTEM, community_id=place.id, code="P01", text=text)


def go_on(place: Place, *stages: Stage) -> None:
    for to in stages:
        projects.advance_project(SYSTEM, community_id=place.id, code="P01", to=to)


def missing(world: World, place: Place) -> list[str]:
    """The questions that the report names, with the answers the page gives to them."""
    with world.app.test_request_context():
        g.place = community_by_id(place.id)
        found = [one for orphan in chain.orphans(place.id) for one in orphan.questions]
        shown = [one for one in chain.chain(place.id, "P01") if one.missing]
    assert found == [one.question for one in shown]
    return [f"{one.question}{one.answer}" for one in shown]


def decision(route: str = MEETING, text: str = "应到 40 人，到 30 人，同意 24 人。") -> Decision:
    return Decision(route, clock.now() - timedelta(days=1), text)


def test_a_new_project_lacks_only_its_source(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 2)
    project(place, MEETING, asked_by="")
    assert missing(world, place) == ["谁提的没有写明"]


def test_work_that_began_without_its_decision_is_named_until_it_is_entered(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    project(place, "preference_poll", MEETING)
    assert missing(world, place) == []
    poll = world.poll(place)
    go_on(place, Stage.BUILD)
    assert missing(world, place) == ["怎么定的还缺：意愿征集、居民代表会议表决"]
    with clock.set_to(fixed_clock + timedelta(days=8)):
        voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
        assert missing(world, place) == ["怎么定的还缺：居民代表会议表决"]
        projects.enter_decision(SYSTEM, community_id=place.id, code="P01", decision=decision())
        assert missing(world, place) == []


def test_finished_work_without_builder_and_shared_work_without_rating_are_named(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    project(place, MEETING, upkeep_by="")
    projects.enter_decision(SYSTEM, community_id=place.id, code="P01", decision=decision())
    assert missing(world, place) == ["谁维护还没定"]
    go_on(place, Stage.BUILD, Stage.MANAGE)
    assert "谁建的没有写明" in missing(world, place)
    go_on(place, Stage.RATE, Stage.SHARE)
    assert "评得怎样还没有评价" in missing(world, place)


def test_a_decision_is_entered_once_and_only_where_it_is_asked_for(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    project(place, "preference_poll", MEETING)

    def enter(new: Decision, code: str = "P01") -> None:
        projects.enter_decision(SYSTEM, community_id=place.id, code=code, decision=new)

    for wrong, code in (
        (decision("owner_vote_major"), "route"),
        (decision("preference_poll"), "route"),
        (decision(text="  "), "decision_empty"),
        (replace(decision(), decided_on=clock.now() + timedelta(days=1)), "decision_ahead"),
    ):
        with pytest.raises(RuleBroken, match=code):
            enter(wrong)
    with pytest.raises(NotFound):
        enter(decision(), "P99")
    enter(decision())
    enter(decision())
    with pytest.raises(RuleBroken, match=r"project\.decided"):
        enter(decision(text="别的数字。"))
    entries = db.session.scalars(
        select(RecordEntry.entry).where(RecordEntry.kind == "project.decided")
    ).all()
    assert len(entries) == 1
    assert "应到" not in entries[0]
    db.session.rollback()
    with pytest.raises(NotAllowed):
        projects.enter_decision(
            world.staff(place, Role.SUPERVISOR).actor,
            community_id=place.id,
            code="P01",
            decision=decision(),
        )


def test_the_desk_enters_a_decision_and_everybody_reads_it(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    project(place, MEETING)
    client.staff(world.staff(place))
    page = "/c/HXL/desk/projects/P01/works"
    form = {"route": MEETING, "decided_on": "2026-05-18", "outcome": "到 30 人，同意 24 人。"}
    assert "登记会议或业主的决定" in client.get(page).text
    later = client.post("/c/HXL/desk/projects/P01/decisions", form | {"decided_on": "2026-05-30"})
    assert (later.status_code, "日子还没有到" in later.text) == (422, True)
    assert client.post("/c/HXL/desk/projects/P01/decisions", form).status_code == 303
    assert "登记会议或业主的决定" not in client.get(page).text
    assert "到 30 人，同意 24 人。" in client.get("/c/HXL/projects/P01").text


def test_a_chain_and_the_report_ask_the_same_however_much_there_is(
    web_app: Flask, fixed_clock: datetime, statements: list[str]
) -> None:
    world = World(web_app)
    place = world.community("HXL", 6)
    desk, voters = CheckedClient(web_app), world.voters(place, 5)
    designer = world.staff(place, Role.DESIGNER).actor
    pages = "/c/HXL/projects/P1", "/c/HXL/desk/chain"

    def talk_and_draw(code: str) -> None:
        topic = world.topic(place, title=f"议题{code}")
        topics.link_project(
            world.clerk(place), community_id=place.id, topic_id=topic, project_code=code
        )
        world.design(place, designer, code)

    def rate(code: str, poll: str) -> None:
        for voter in voters:
            world.cast(voter, place, poll, *(f"{code}.{n}=4" for n in range(1, 10)))
        clock.advance(timedelta(days=11))
        voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)

    def finished(code: str) -> None:
        world.project(place, code)
        talk_and_draw(code)
        world.poll(place, (code,))
        world.poll(place, (code,), title="再问一次")
        rate(code, world.rating(place, code))

    def cost() -> list[int]:
        desk.staff(world.staff(place))
        found = []
        for page in pages:
            desk.get(page)
            statements.clear()
            desk.get(page)
            found.append(len(statements))
        return found

    finished("P1")
    before = cost()
    assert "议题P1" in desk.get(pages[0]).text
    for code in ("P2", "P3", "P4"):
        finished(code)
    talk_and_draw("P1")
    again = ratings.start_rating(SYSTEM, community_id=place.id, project_code="P1", days=10)
    rate("P1", again)
    assert cost() == before
    page = desk.get(pages[0]).text
    said = [f"第 {n} 次，总体满意度 100.0 分（满分 100）" for n in (1, 2)]
    assert "；".join(said) in page
    assert page.count("议题P1") == 2

"""A form that is sent twice is carried out once: the page promises it when the network fails."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.consultations import operations as topics
from app.consultations.models import TopicCorrection
from app.conventions import operations as conventions
from app.conventions.models import Convention
from app.conventions.rules import Article, ArticleClass
from app.core import clock
from app.core.actor import SYSTEM, Role
from app.core.db import db
from app.designs import operations as designs
from app.designs.models import Proposal, Revision
from app.designs.operations import Change, Drawn, NewProposal
from app.designs.rules import Plan
from app.meetings import operations as meetings
from app.meetings.models import Meeting, Seat
from app.projects import operations as projects
from app.projects.models import Milestone
from app.projects.rules import Stage
from app.ratings import operations as ratings
from app.ratings.models import RepairTask
from app.voting import operations as voting
from app.voting.launching import PollDraft
from app.voting.models import Poll
from app.voting.rules import Method, PollKind, default_rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flask import Flask

    from tests.support.world import Place, World

PLANS = (
    Drawn(Plan("环步道", "步道在外圈。", 40_000_000, 2_200_000, "老人慢走", "没有广场")),
    Drawn(Plan("小广场", "西侧留硬地。", 37_200_000, 1_500_000, "集体活动", "沙坑小一半")),
)


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    place = world.community("HXL", 6)
    world.project(place, "P05")
    return place


def at_once(app: Flask, act: Callable[[], object], taps: int = 6) -> None:
    """Do the same in several threads at the same moment; every tap gets the same answer."""
    barrier = threading.Barrier(taps)

    def tap(_number: int) -> object:
        with app.app_context():
            barrier.wait()
            try:
                return act()
            finally:
                db.session.remove()

    with ThreadPoolExecutor(taps) as pool:
        assert len(set(pool.map(tap, range(taps)))) == 1


def rows(model: type) -> int:
    db.session.rollback()
    number = db.session.scalar(select(func.count()).select_from(model)) or 0
    db.session.rollback()
    return number


def test_a_proposal_a_revision_and_a_session(app: Flask, world: World, place: Place) -> None:
    designer, clerk = world.staff(place, Role.DESIGNER).actor, world.clerk(place)
    mine = {"community_id": place.id}

    def post(once: str = "a") -> str:
        new = NewProposal("P05", "口袋公园", PLANS, once)
        return designs.post_proposal(designer, **mine, new=new)

    at_once(app, post)
    assert rows(Proposal) == 1
    design = post()
    assert post("b") != design
    designs.decide_proposal(clerk, **mine, design_id=design, publish=True)
    change = Change("沙坑加盖", "", PLANS, "c")
    at_once(
        app,
        lambda: designs.revise_proposal(designer, **mine, design_id=design, change=change),
    )
    assert rows(Revision) == 3
    meeting = world.new_meeting()
    at_once(app, lambda: designs.call_session(clerk, **mine, design_id=design, meeting=meeting))
    assert rows(Meeting) == 1


def test_a_seat_at_the_desk_and_somebody_who_walks_in(
    app: Flask, world: World, place: Place
) -> None:
    meeting, clerk = world.meeting(place), world.clerk(place)
    mine = {"community_id": place.id, "meeting_id": meeting}
    at_once(app, lambda: meetings.reserve_at_desk(clerk, **mine, label="王阿姨", once="a"))
    assert rows(Seat) == 1
    clock.advance(timedelta(days=10))
    came = meetings.WalkIn("", "from_80", "b")
    at_once(app, lambda: meetings.walk_in(clerk, **mine, person=came))
    assert rows(Seat) == 2
    meetings.walk_in(clerk, **mine, person=meetings.WalkIn("", "from_80", "c"))
    meetings.walk_in(clerk, **mine, person=meetings.WalkIn("", "from_80"))
    meetings.walk_in(clerk, **mine, person=meetings.WalkIn("", "from_80"))
    assert rows(Seat) == 5


def test_a_correction_of_a_topic(app: Flask, world: World, place: Place) -> None:
    topic, clerk = world.topic(place), world.clerk(place)
    mine = {"community_id": place.id, "topic_id": topic}
    at_once(app, lambda: topics.correct_topic(clerk, **mine, text="地点是二楼"))
    assert rows(TopicCorrection) == 1
    topics.correct_topic(clerk, **mine, text="地点是三楼")
    topics.correct_topic(clerk, **mine, text="地点是二楼")
    assert rows(TopicCorrection) == 3


def test_a_draft_of_a_poll(app: Flask, world: World, place: Place) -> None:
    clerk = world.clerk(place)
    begins = clock.now().replace(second=0, microsecond=0)

    def draft(title: str) -> str:
        return voting.draft_poll(
            clerk,
            community_id=place.id,
            draft=PollDraft(
                title=title,
                explanation="",
                method=Method.YES_NO,
                projects=("P05",),
                rules=default_rules(Method.YES_NO, 1),
                opens_at=begins,
                closes_at=begins + timedelta(days=7),
                kind=PollKind.PREFERENCE_POLL,
            ),
        )

    at_once(app, lambda: draft("放长椅吗？"))
    assert rows(Poll) == 1
    first = draft("放长椅吗？")
    assert draft("装路灯吗？") != first
    clock.advance(timedelta(minutes=11))
    assert draft("放长椅吗？") != first, "much later it is meant"


def test_a_draft_of_the_convention_and_a_milestone(app: Flask, world: World, place: Place) -> None:
    clerk = world.clerk(place)
    article = Article(1, next(iter(ArticleClass)), "夜里不吵人。")
    text = conventions.ConventionText("公约", "我们约定：", (article,))
    for _tap in range(2):
        assert conventions.draft_convention(clerk, community_id=place.id, text=text) == 1
    assert rows(Convention) == 1
    day = clock.now() + timedelta(days=7)
    at_once(
        app,
        lambda: projects.plan_milestone(
            clerk, community_id=place.id, code="P05", title="开工", planned_on=day
        ),
    )
    assert rows(Milestone) == 1


def test_a_repair(app: Flask, world: World, place: Place) -> None:
    for to in (Stage.BUILD, Stage.MANAGE):
        projects.advance_project(SYSTEM, community_id=place.id, code="P05", to=to)
    poll = ratings.start_rating(SYSTEM, community_id=place.id, project_code="P05", days=7)
    for voter in world.voters(place, 5):
        world.cast(voter, place, poll, *(f"P05.{n}=1" for n in range(1, 10)))
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    clerk = world.clerk(place)
    due = clock.now() + timedelta(days=3)
    repair = ratings.NewRepair("P05.1", "重铺地砖", "建工队", due)
    at_once(
        app, lambda: ratings.open_repair(clerk, community_id=place.id, poll=poll, repair=repair)
    )
    assert rows(RepairTask) == 1

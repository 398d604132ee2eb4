"""The dossier of a topic in every state: filled from facts, or named missing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from app.consultations import moves
from app.consultations import operations as topics
from app.consultations.models import Topic
from app.consultations.rules import MOVES, UNSEEN, State
from app.core import clock
from app.core.actor import SYSTEM
from app.core.db import transaction
from app.discussion import operations as posts
from app.meetings.resolutions import Body, Resolution
from app.voting import operations as voting
from tests.consultations.test_deciding import Handled
from tests.exports import opened
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from flask import Flask

    from tests.support.world import Place

S = State
TITLE, TEXT, QUESTION = "楼下没有长椅", "老人没有地方坐。", "长椅放在哪里？"


def _proposed(world: World, place: Place, state: State) -> str:
    """A topic that never was handled, a resident's own where it will be withdrawn."""
    resident = world.resident(place)
    topic = topics.propose_topic(
        resident,
        community_id=place.id,
        text=topics.TopicText(TITLE, TEXT, QUESTION),
        proposed_as="居民",
        once="a",
    )
    if state is not S.PROPOSED:
        _move(world, place, topic, S.SCREENING)
    if state is S.WITHDRAWN:
        _move(world, place, topic, S.ACCEPTED)
        post = world.post(place, f"topic:{topic}", text="请放在槐树下。")
        posts.publish_post(world.clerk(place), community_id=place.id, post_id=post)
        topics.withdraw_topic(resident, community_id=place.id, topic_id=topic)
    if state is S.MERGED:
        topics.merge_topic(
            world.clerk(place),
            community_id=place.id,
            topic_id=topic,
            into=world.topic(place),
            note="同一件事",
        )
    if state is S.REJECTED:
        _move(world, place, topic, S.REJECTED)
    return topic


def _move(world: World, place: Place, topic: str, to: State) -> None:
    topics.move_topic(world.clerk(place), community_id=place.id, topic_id=topic, to=to, note="说明")


def _unoffered(world: World, place: Place, state: State) -> str:
    """What the table knows and no page offers yet."""
    topic = world.topic(place, S.SCREENING)
    with transaction() as session:
        if state is S.ESCALATED:
            row = moves.hold(session, place.id, topic)
            moves.move(session, world.clerk(place), row, state, "跨社区")
        else:
            session.execute(update(Topic).values(state=state.value))
    return topic


def _called(world: World, place: Place, state: State) -> str:
    topic = Handled(world, place)
    if state is not S.ACCEPTED:
        world.meeting(place, topic.topic)
    if state is S.POSTPONED:
        topics.postpone_topic(topic.clerk, note="停电", **topic.mine)
    if state in {S.IN_SESSION, S.ADJOURNED}:
        clock.advance(timedelta(days=10))
        topics.open_session(topic.clerk, **topic.mine)
    if state is S.ADJOURNED:
        topic.move(state, "人不够")
    return topic.topic


def _concluded(world: World, place: Place, state: State) -> str:
    topic = Handled(world, place)
    topic.sit(world.meeting(place, topic.topic))
    topics.draft_opinion(topic.clerk, opinion="放树下", dissent="", **topic.mine)
    if state is not S.DRAFTED:
        topics.publish_opinion(topic.clerk, **topic.mine)
    if state is S.OBJECTION_REVIEW:
        topic.move(state)
    return topic.topic


def _voted(world: World, place: Place, state: State) -> str:
    topic = Handled(world, place).to_vote()
    if state is S.NOT_ADOPTED:
        topic.resolve(Resolution(Body.RESIDENTS_MEETING, 10, 8, 2))
    return topic.topic


def _carried_out(world: World, place: Place, state: State) -> str:
    topic = Handled(world, place).published()
    clock.advance(timedelta(days=16))
    path = [S.DECIDED, S.IMPLEMENTING, S.REPORTED, S.RATED, S.ARCHIVED]
    for to in path[: path.index(state) + 1]:
        if to is S.IMPLEMENTING:
            due = clock.now() + timedelta(days=30)
            topics.start_work(topic.clerk, owner="居委会", due=due, **topic.mine)
            continue
        if to is S.RATED:
            _rate(world, place, topic)
        topic.move(to)
    return topic.topic


def _rate(world: World, place: Place, topic: Handled) -> None:
    code = world.project(place, "P05")
    topics.link_project(topic.clerk, project_code=code, **topic.mine)
    poll = world.rating(place, code, days=7)
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)


WAYS: dict[State, Callable[[World, Place, State], str]] = {
    **dict.fromkeys((S.PROPOSED, S.SCREENING, S.WITHDRAWN, S.MERGED, S.REJECTED), _proposed),
    **dict.fromkeys((S.ESCALATED, S.INVALIDATED), _unoffered),
    **dict.fromkeys((S.ACCEPTED, S.ANNOUNCED, S.IN_SESSION, S.ADJOURNED, S.POSTPONED), _called),
    **dict.fromkeys((S.DRAFTED, S.PUBLISHED, S.OBJECTION_REVIEW), _concluded),
    **dict.fromkeys((S.TO_VOTE, S.NOT_ADOPTED), _voted),
    **dict.fromkeys((S.DECIDED, S.IMPLEMENTING, S.REPORTED, S.RATED, S.ARCHIVED), _carried_out),
}


@pytest.mark.parametrize("state", list(State))
def test_in_every_state_a_part_is_filled_or_named_missing(
    web_app: Flask, fixed_clock: datetime, tmp_path: Path, state: State
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    whole = opened.taken(world, WAYS[state](world, place, state))
    told = opened.told(whole)
    assert told["topic"]["state"] == state.value
    parts = opened.parts(whole)
    assert len(parts) == 12
    assert all(any(line.strip() for line in said) for said in parts.values()), "no empty part"
    lacks = [one for said in parts.values() for one in said if one.startswith("缺：")]
    pages = opened.pages(whole, tmp_path).replace("\n", "").replace(" ", "")
    assert all(one.replace(" ", "") in pages for one in lacks)
    assert pages.count("缺：") == len(lacks), "on paper as in Word"
    assert whole.read("opinions.csv").decode("utf-8-sig").startswith("时间,身份,意见")
    if not MOVES[state]:
        assert "还没有这一部分" not in pages, "nothing more is to come"


@pytest.mark.parametrize("state", sorted(UNSEEN | {S.REJECTED, S.MERGED}))
def test_only_what_everybody_may_read_is_in_the_dossier(
    web_app: Flask, fixed_clock: datetime, tmp_path: Path, state: State
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    topic = _proposed(world, place, state)
    whole = opened.taken(world, topic)
    csv = whole.read("opinions.csv").decode()
    texts = (opened.word(whole), opened.pages(whole, tmp_path), whole.read("dossier.json").decode())
    for said in (*texts, csv):
        assert "槐树" not in said
    for said in texts:
        assert (TITLE in said) is (state not in UNSEEN)
        assert (TEXT in said) is (state is S.MERGED)
        assert ("说明" in said) is (state not in UNSEEN), "the reasons are with the topic"
    one = opened.parts(whole)["一、议题"]
    assert one[0] == {
        S.PROPOSED: "缺：议题还没有公布，题目和内容不写在这里。",
        S.SCREENING: "缺：议题还没有公布，题目和内容不写在这里。",
        S.WITHDRAWN: "缺：议题已经撤回，题目和内容不再公开，这里没有。",
        S.REJECTED: "缺：没有立项的议题只公开题目和理由，不公开原文和照片。",
        S.MERGED: "缺：没有定协商形式。",
    }.get(state)


def test_a_withdrawn_topic_says_how_many_opinions_are_not_read_any_more(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    parts = opened.parts(opened.taken(world, _proposed(world, place, S.WITHDRAWN)))
    assert parts["六、居民意见和处理"] == ["缺：议题不公开，1 条意见也不公开，这里没有。"]


def test_a_topic_handled_with_another_says_which(web_app: Flask, fixed_clock: datetime) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    whole = opened.taken(world, _proposed(world, place, S.MERGED))
    into: Any = opened.told(whole)["topic"]["merged_into"]
    assert f"合并到另一个议题（{into}）办理" in opened.parts(whole)["一、议题"]

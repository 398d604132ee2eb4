"""What is not read of a topic: numbers of persons, what moderation covers, what was refused."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from app.consultations import operations, queries
from app.consultations.rules import Form, State
from app.core.db import db
from app.core.errors import NotAllowed, RuleBroken
from app.core.images import repaint
from app.meetings import queries as meetings
from app.meetings.rules import Item
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from tests.support.world import Place

PHONE, CITIZEN = "13812345678", "110105199003071234"


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community("HXL", 2)


def photo(colour: str) -> Any:
    data = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(data, "PNG")
    return repaint(data.getvalue())


def propose(world: World, place: Place, photos: int = 0) -> str:
    return operations.propose_topic(
        world.resident(place),
        community_id=place.id,
        text=operations.TopicText(f"找王工 {PHONE}", f"我的证 {CITIZEN}，王工家在 3-2-501"),
        proposed_as="居民",
        once="a",
        photos=[photo(colour) for colour in ("red", "blue", "green")[:photos]],
    )


def move(world: World, place: Place, topic: str, *path: State) -> None:
    for to in path:
        operations.move_topic(
            world.clerk(place), community_id=place.id, topic_id=topic, to=to, note="说明"
        )


def test_numbers_of_persons_are_covered_wherever_a_topic_is_written(
    world: World, place: Place
) -> None:
    topic, clerk = propose(world, place), world.clerk(place)
    mine: dict[str, Any] = {"community_id": place.id, "topic_id": topic}
    move(world, place, topic, State.SCREENING, State.ACCEPTED)
    text = operations.TopicText("", "", f"问 {PHONE} 行不行？", f"王工 {PHONE}")
    operations.describe_topic(clerk, text=text, **mine)
    meeting = operations.announce_topic(
        clerk,
        form=Form.COUNCIL,
        meeting=world.new_meeting(
            title=f"问 {PHONE}", items=(Item(f"请 {PHONE} 讲", "王工", 5),), materials=(CITIZEN,)
        ),
        question=f"问 {PHONE} 行不行？",
        **mine,
    )
    seen, called = queries.topic(place.id, topic), meetings.meeting(place.id, meeting)
    public = (seen.line.title, seen.background, seen.question, seen.parties, called.title)
    for words in (*public, called.items[0].title, *called.materials):
        assert PHONE not in words
        assert CITIZEN not in words
        assert "***" in words
    assert seen.original_title == f"找王工 {PHONE}", "what was sent is kept"
    db.session.rollback()


def test_moderation_covers_words_and_photos_with_a_reason_and_keeps_the_originals(
    world: World, place: Place
) -> None:
    topic, clerk = propose(world, place, photos=2), world.clerk(place)

    def cover(*phrases: str, photos: tuple[int, ...] = (), reason: str = "personal_data") -> None:
        operations.cover_topic(
            clerk,
            community_id=place.id,
            topic_id=topic,
            cover=operations.Cover(reason, phrases, photos),
        )

    for wrong in (("李工",), ()):
        with pytest.raises(RuleBroken, match=r"topic\.nothing_to_cover"):
            cover(*wrong)
    with pytest.raises(RuleBroken, match=r"topic\.nothing_to_cover"):
        cover(photos=(7,))
    with pytest.raises(RuleBroken, match=r"post\.no_reason"):
        cover("王工", reason="criticises_us")
    with pytest.raises(NotAllowed):
        operations.cover_topic(
            world.resident(place),
            community_id=place.id,
            topic_id=topic,
            cover=operations.Cover("insult", ("王工",)),
        )
    cover("王工", "3-2-501", photos=(1,))
    seen = queries.topic(place.id, topic)
    assert "王工" not in seen.line.title + seen.background
    assert "3-2-501" not in seen.background
    assert (len(seen.photos), seen.photo_positions) == (1, (0,))
    assert "王工" in seen.original_background
    assert seen.cover_reason == "personal_data"
    db.session.rollback()


def test_a_refused_topic_shows_its_title_and_the_reason_and_nothing_else(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    topic = propose(world, place, photos=1)
    picture = queries.topic(place.id, topic).photos[0].public_id
    db.session.rollback()
    address = f"/c/HXL/pictures/{picture}/large.webp"
    visitor, author = CheckedClient(web_app), CheckedClient(web_app)
    assert visitor.raw.get(address).status_code == 200
    move(world, place, topic, State.SCREENING)
    operations.move_topic(
        world.clerk(place),
        community_id=place.id,
        topic_id=topic,
        to=State.REJECTED,
        note="不属于社区职责",
    )
    page = visitor.get(f"/c/HXL/topics/{topic}").text
    assert "找王工 138********" in page
    assert "不属于社区职责" in page
    assert "3-2-501" not in page
    assert picture not in page
    assert visitor.raw.get(address).status_code == 404
    author.enter(world, place, 0)
    assert PHONE not in author.get(f"/c/HXL/topics/{topic}").text


def test_the_desk_covers_a_topic_and_readers_learn_why(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    topic = propose(world, place, photos=1)
    clerk, desk = CheckedClient(web_app), f"/c/HXL/desk/topics/{topic}"
    clerk.staff(world.staff(place))
    assert f"找王工 {PHONE}" in clerk.get(desk).text, "the desk sees what was sent"
    refused = clerk.post(f"{desk}/cover", {"cover": "李工", "reason": "personal_data"})
    assert refused.status_code == 422
    assert "没有找到要遮的字" in refused.text
    done = {"cover": "王工、3-2-501", "photos": "0", "reason": "personal_data"}
    assert clerk.post(f"{desk}/cover", done).status_code == 303
    move(world, place, topic, State.SCREENING, State.ACCEPTED)
    page = CheckedClient(web_app).get(f"/c/HXL/topics/{topic}").text
    assert "居委会遮住了几处，理由：写了别人的姓名、电话或门牌。" in page
    assert "王工" not in page
    assert "/pictures/" not in page

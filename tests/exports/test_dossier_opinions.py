"""Opinions in the dossier: with all that was said of them, and no more than was shown of them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import g
from sqlalchemy import select

from app.communities.queries import community_by_code
from app.core import clock
from app.core.db import transaction
from app.discussion import operations as posts
from app.discussion.models import Post
from tests.consultations.test_deciding import Handled
from tests.exports import opened
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flask import Flask


def test_an_opinion_without_its_answer_is_named_missing(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    topic = Handled(world, place)
    mine: dict[str, Any] = {"community_id": place.id}
    post = world.post(place, f"topic:{topic.topic}", text="请放在槐树下。")
    posts.publish_post(topic.clerk, **mine, post_id=post)
    lack = "缺：有 1 条意见还没有答复。"
    assert opened.parts(opened.taken(world, topic.topic))["六、居民意见和处理"][0] == lack
    posts.dispose(topic.clerk, **mine, post_id=post, disposition="adopted", why="照办")
    assert lack not in opened.parts(opened.taken(world, topic.topic))["六、居民意见和处理"]


def test_what_was_said_of_an_opinion_before_stays_to_be_read(
    web_app: Flask, fixed_clock: datetime, tmp_path: Path
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    topic = Handled(world, place)
    mine: dict[str, Any] = {"community_id": place.id}
    post = mine | {"post_id": world.post(place, f"topic:{topic.topic}", text="请放在槐树下。")}
    posts.publish_post(topic.clerk, **post)
    posts.dispose(topic.clerk, **post, disposition="not_adopted", why="根会坏")
    clock.advance(timedelta(days=1))
    with web_app.test_request_context():
        g.place = community_by_code("HXL")
        posts.dispose(topic.clerk, **post, disposition="adopted", why="绕开根放")
    with transaction() as session:
        row = session.scalars(select(Post)).one()
        appeal = {"kind": "appeal", "at": "", "text": "不该藏起来", "answer": "维持"}
        row.earlier = [appeal, *row.earlier]
    whole = opened.taken(world, topic.topic)
    six = opened.parts(whole)["六、居民意见和处理"]
    assert six[1] == "处理：采纳。绕开根放"
    assert re.fullmatch(r"改过：2026年5月20日.+ 说的是不采纳：根会坏", six[2])
    assert "不该藏起来" not in opened.word(whole), "an appeal is between its author and moderation"
    assert "说的是不采纳：根会坏" in opened.pages(whole, tmp_path)
    assert "说的是不采纳：根会坏" in whole.read("opinions.csv").decode()
    (said,) = opened.told(whole)["opinions"]
    assert (said["earlier"][0]["is"], said["earlier"][0]["why"]) == ("not_adopted", "根会坏")
    assert said["earlier"][0]["at"] == clock.to_record(fixed_clock)

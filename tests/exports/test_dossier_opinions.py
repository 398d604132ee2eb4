"""Opinions in the dossier: with all that was said of them, and no more than was shown of them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import g
from sqlalchemy import select

from app.communities.queries import community_by_code
from app.consultations import operations as topics
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


def test_what_is_covered_or_hidden_is_in_none_of_the_files(
    web_app: Flask, fixed_clock: datetime, tmp_path: Path
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    topic = Handled(world, place)
    mine: dict[str, Any] = {"community_id": place.id}
    subject = f"topic:{topic.topic}"
    cover = topics.Cover("personal_data", ("没有地方坐",))
    topics.cover_topic(topic.clerk, cover=cover, **topic.mine)
    shown = world.post(place, subject, text="王工家门口放一张，电话 13812345678。")
    posts.publish_post(topic.clerk, **mine, post_id=shown, cover="王工")
    posts.dispose(topic.clerk, **mine, post_id=shown, disposition="adopted", why="照办")
    hidden, returned = (world.post(place, subject, text=text) for text in ("卖房广告", "骂人的话"))
    waiting = world.post(place, subject, text="还没有人看过")
    posts.publish_post(topic.clerk, **mine, post_id=hidden)
    posts.hide_post(topic.clerk, **mine, post_id=hidden, reason="off_topic", note="一条广告")
    posts.return_post(topic.clerk, **mine, post_id=returned, reason="insult", note="太难听")
    whole = opened.taken(world, topic.topic)
    files = {
        "dossier.docx": opened.word(whole),
        "dossier.pdf": opened.pages(whole, tmp_path),
        "dossier.json": whole.read("dossier.json").decode(),
        "opinions.csv": whole.read("opinions.csv").decode(),
    }
    assert set(files) | {"manifest.json"} == set(whole.namelist())
    secret = ("王工", "13812345678", "没有地方坐", "卖房", "广告", "骂人", "没有人看过", "太难听")
    for name, text in files.items():
        flat = text.replace("\n", "").replace(" ", "")
        assert "家门口放一张" in flat, name
        assert [one for one in secret if one in flat] == [], name
    listed = [one["id"] for one in opened.told(whole)["opinions"]]
    assert listed == [shown], "neither what is hidden or returned, nor what waits"
    assert waiting

"""The dossier opened in every form: everything that was, and what is missing named as missing."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import time
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING

from docx import Document
from sqlalchemy import insert, select

from app.communities.queries import community_by_code
from app.consultations import operations as topics
from app.consultations.rules import State
from app.core import clock
from app.core.db import db, transaction
from app.discussion.models import Post
from app.exports import dossier
from app.meetings.resolutions import Body, Resolution
from app.people.models import Person
from tests.consultations.test_deciding import Handled
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flask import Flask


def test_the_desk_takes_a_dossier_away(
    web_app: Flask, fixed_clock: datetime, tmp_path: Path
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    topic = world.topic(place)
    world.meeting(place, topic)
    client = CheckedClient(web_app)
    client.staff(world.staff(place))
    answer = client.raw.get(f"/c/HXL/desk/topics/{topic}/dossier.zip")
    assert answer.status_code == 200
    assert client.raw.get("/c/HXL/desk/topics/nothing/dossier.zip").status_code == 404
    whole = zipfile.ZipFile(io.BytesIO(answer.data))
    hashes = json.loads(whole.read("manifest.json"))["files"]
    assert set(hashes) == {"dossier.docx", "dossier.pdf", "dossier.json", "opinions.csv"}
    for name, sha in hashes.items():
        assert hashlib.sha256(whole.read(name)).hexdigest() == sha

    sections = {s["title"]: s["lines"] for s in json.loads(whole.read("dossier.json"))["sections"]}
    assert len(sections) == 12
    assert any("大家发言" in line for line in sections["三、议程"])
    assert sections["八、会议纪要"] == []
    words = "\n".join(p.text for p in Document(io.BytesIO(whole.read("dossier.docx"))).paragraphs)
    (tmp_path / "d.pdf").write_bytes(whole.read("dossier.pdf"))
    done = subprocess.run(
        ["pdftotext", "d.pdf", "-"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    for text in (words, done.stdout):
        assert "楼下没有长椅" in text
        assert "缺：还没有这一部分。" in text
        assert "topic.moved" in text


def test_two_thousand_opinions_take_less_than_ten_seconds(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    topic = world.topic(place)
    world.resident(place)
    person = db.session.scalars(select(Person.id).limit(1)).one()
    db.session.rollback()
    rows = [
        {
            "community_id": place.id,
            "public_id": f"p{number}",
            "subject": f"topic:{topic}",
            "person_id": person,
            "role": "resident",
            "once": f"o{number}",
            "original": "长椅放在树下，老人歇脚方便。" * 3,
            "text": f"={number} 长椅放在树下，老人歇脚方便。" * 3,
            "state": "published",
            "submitted_at": clock.now() + timedelta(seconds=number),
            **dict.fromkeys(("reason", "note", "appeal", "appeal_answer"), ""),
            **{key: [] for key in ("answers", "earlier", "overruled")},
            "disposition": "adopted",
            "disposition_why": "好",
        }
        for number in range(2000)
    ]
    with transaction() as session:
        session.execute(insert(Post), rows)
    with web_app.test_request_context():
        begun = time.perf_counter()
        made = dossier.archive(community_by_code("HXL"), topic)
        took = time.perf_counter() - begun
    assert took < 10
    table = zipfile.ZipFile(io.BytesIO(made)).read("opinions.csv").decode("utf-8-sig")
    assert table.count("采纳") == 2000
    assert "\n=" not in table
    assert ",=" not in table, "no cell begins a formula"


def test_of_a_refused_topic_the_dossier_tells_no_more_than_its_page(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    topic = world.topic(place, State.SCREENING)
    topics.move_topic(
        world.clerk(place),
        community_id=place.id,
        topic_id=topic,
        to=State.REJECTED,
        note="不属于社区职责",
    )
    with web_app.test_request_context():
        whole = dossier.as_json(dossier.dossier_of(community_by_code("HXL"), topic)).decode()
    assert "楼下没有长椅" in whole
    assert "不属于社区职责" in whole
    assert "老人没有地方坐" not in whole


def test_the_dossier_tells_how_it_was_voted_and_what_was_put_off(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 3)
    topic = Handled(world, place)
    world.meeting(place, topic.topic)
    topics.postpone_topic(topic.clerk, note="停电", **topic.mine)
    topic.to_vote()
    topic.resolve(Resolution(Body.RESIDENTS_MEETING, 10, 8, 7))
    with web_app.test_request_context():
        made = dossier.dossier_of(community_by_code("HXL"), topic.topic)
    lines = {section.title: section.lines for section in made.sections}
    assert "延期，不按下面的时间开：停电" in lines["二、公告"][0]
    assert "应到 10，到会 8，同意 7，通过。" in lines["七、投票"][0]

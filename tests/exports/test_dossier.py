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
from app.core import clock
from app.core.db import db, transaction
from app.discussion.models import Post
from app.exports import dossier
from app.people.models import Person
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
            **dict.fromkeys(
                ("reason", "note", "appeal", "appeal_answer", "reply", "replied_as"), ""
            ),
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

"""The dossier opened in every form: everything that was, and what is missing named as missing."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import time
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from docx import Document
from sqlalchemy import insert, select

from app.communities.queries import community_by_code
from app.consultations import operations as topics
from app.consultations.rules import State
from app.core import clock
from app.core.actor import SYSTEM
from app.core.db import db, transaction
from app.core.record import KINDS, RecordEntry
from app.discussion import operations as posts
from app.discussion.models import Post
from app.exports import dossier, record_words
from app.meetings import operations as meetings
from app.meetings.resolutions import Body, Resolution
from app.people.models import Person
from app.voting import operations as voting
from tests.consultations.test_deciding import Handled
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flask import Flask

    from tests.support.world import Place


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

    told = json.loads(whole.read("dossier.json"))
    assert told["meetings"][0]["agenda"][1] == {
        "number": 2,
        "title": "大家发言",
        "speaker": "全体",
        "minutes": 50,
    }
    assert told["meetings"][0]["minutes"] is None
    assert "八、会议纪要" in told["missing"]
    for text in (_word(whole), _pages(whole, tmp_path)):
        assert "楼下没有长椅" in text
        assert "缺：还没有这一部分。" in text
        assert "议题转为“已立项”" in text
        assert "topic.moved" not in text


def _word(whole: zipfile.ZipFile) -> str:
    document = Document(io.BytesIO(whole.read("dossier.docx")))
    return "\n".join(paragraph.text for paragraph in document.paragraphs)


def _pages(whole: zipfile.ZipFile, folder: Path) -> str:
    (folder / "d.pdf").write_bytes(whole.read("dossier.pdf"))
    done = subprocess.run(
        ["pdftotext", "-raw", "d.pdf", "-"], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def _taken(world: World, topic: str) -> zipfile.ZipFile:
    with world.app.test_request_context():
        made = dossier.archive(community_by_code("HXL"), topic)
    db.session.rollback()
    return zipfile.ZipFile(io.BytesIO(made))


def _whole_life(world: World, place: Place) -> tuple[str, str, str]:
    """A topic with an answered opinion, a hidden one, confirmed minutes, a poll, and work done."""
    clerk, second = world.clerk(place), world.staff(place).actor
    topic = world.topic(place)
    mine: dict[str, Any] = {"community_id": place.id}
    opinion = world.post(place, f"topic:{topic}", text="请放在槐树下。")
    posts.publish_post(clerk, **mine, post_id=opinion)
    posts.dispose(clerk, **mine, post_id=opinion, disposition="partly", why="树下放一张")
    posts.reply(clerk, **mine, post_id=opinion, text="另一张放在门口。")
    hidden = world.post(place, f"topic:{topic}", text="广告")
    posts.publish_post(clerk, **mine, post_id=hidden)
    posts.hide_post(clerk, **mine, post_id=hidden, reason="off_topic")
    poll = world.poll(place, ("P01",))
    topics.link_project(clerk, **mine, topic_id=topic, project_code="P01")
    for voter in world.voters(place, 2):
        world.cast(voter, place, poll, "yes")
    meeting = world.meeting(place, topic)
    clock.advance(timedelta(days=10))
    topics.open_session(clerk, **mine, topic_id=topic)
    meetings.write_minutes(clerk, **mine, meeting_id=meeting, text="一致同意。\n先放两张。")
    meetings.close_meeting(clerk, **mine, meeting_id=meeting)
    meetings.confirm_minutes(second, **mine, meeting_id=meeting)
    voting.close_poll(SYSTEM, **mine, public_id=poll)
    topics.draft_opinion(clerk, **mine, topic_id=topic, opinion="放两张长椅。", dissent="")
    topics.publish_opinion(clerk, **mine, topic_id=topic)
    topics.correct_topic(clerk, **mine, topic_id=topic, text="位置是 3 号楼。")
    clock.advance(timedelta(days=16))
    topics.move_topic(clerk, **mine, topic_id=topic, to=State.DECIDED, note="没有异议")
    due = clock.now() + timedelta(days=30)
    topics.start_work(clerk, **mine, topic_id=topic, owner="居委会", due=due)
    return topic, opinion, poll


def test_a_dossier_carries_years_replies_and_every_act(
    web_app: Flask, fixed_clock: datetime, tmp_path: Path
) -> None:
    world = World(web_app)
    place = world.community("HXL", 3)
    topic, opinion, _poll = _whole_life(world, place)
    whole = _taken(world, topic)
    for text in (_word(whole), _pages(whole, tmp_path).replace(" ", "")):
        days = re.findall(r".{5}\d{1,2}月\d{1,2}日（周", text.replace(" ", ""))
        assert len(days) > 20
        assert [day for day in days if "2026年" not in day] == []
        for said in (
            "处理：部分采纳。树下放一张",
            "回应（居委会）：另一张放在门口。",
            "隐藏一条意见",
        ):
            assert said in text.replace("\n", "")
        assert "投票截止并计票" in text
        assert not re.search(r"[a-z]+\.[a-z]+(?<!dossier\.json)\b", text), "no codes for people"
    parts = _word(whole).split("\n")
    note = next(n for n, line in enumerate(parts) if line.endswith("已立项：可以办"))
    assert parts.index("一、议题") < note < parts.index("二、公告"), "screening is with the topic"
    agreed = next(n for n, line in enumerate(parts) if line.endswith("已确定：没有异议"))
    assert parts.index("十、公示和更正") < agreed < parts.index("十一、落实和评价")
    assert "另一张放在门口" in whole.read("opinions.csv").decode()
    assert opinion


def test_programs_read_the_same_as_structure(web_app: Flask, fixed_clock: datetime) -> None:
    world = World(web_app)
    place = world.community("HXL", 3)
    topic, opinion, poll = _whole_life(world, place)
    told = json.loads(_taken(world, topic).read("dossier.json"))
    assert told["format"] == "linyi-dossier/1"
    assert told["missing"] == []
    assert told["topic"]["moves"][1]["to"] == "accepted"
    (said,) = told["opinions"]
    assert said["id"] == opinion
    assert said["disposition"] == {"is": "partly", "why": "树下放一张"}
    assert [(one["role"], one["text"]) for one in said["replies"]] == [
        ("committee_clerk", "另一张放在门口。")
    ]
    (meeting,) = told["meetings"]
    assert meeting["minutes"]["text"] == "一致同意。\n先放两张。"
    assert meeting["attendance"]["present"] == 0
    (vote,) = told["votes"]
    assert (vote["id"], vote["households"], vote["result"]["turnout"]) == (poll, 3, 2)
    assert {row["id"]: row["votes"] for row in vote["result"]["options"]}["yes"] == 2
    assert told["conclusion"]["opinion"] == "放两张长椅。"
    assert told["corrections"][0]["text"] == "位置是 3 号楼。"
    assert told["follow_up"]["owner"] == "居委会"
    assert told["follow_up"]["projects"][0]["code"] == "P01"
    moments = [told["made_at"], told["publication"]["from"], *(e["at"] for e in told["entries"])]
    assert all(re.fullmatch(r"2026-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment) for moment in moments)
    entries = [entry["seq"] for entry in told["entries"]]
    assert entries == sorted(set(entries))
    kinds = {entry["kind"] for entry in told["entries"]}
    assert {"topic.moved", "post.hidden", "opinion.disposed", "poll.closed"} <= kinds
    assert not kinds & {"ballot.cast", "ballot.logged"}, "single ballots would point at households"
    leaves = dict(db.session.execute(select(RecordEntry.seq, RecordEntry.leaf)).all())  # type: ignore[arg-type]
    assert all(leaves[entry["seq"]] == entry["leaf"] for entry in told["entries"])


def test_every_kind_a_dossier_may_list_has_words(web_app: Flask) -> None:
    rooms = ("topic.", "meeting.", "minutes.", "post.", "appeal.", "opinion.", "poll.", "result.")
    with web_app.test_request_context():
        known = set(record_words.plain_words()) | set(record_words.SPOKEN)
    assert {name for name in KINDS if name.startswith(rooms)} <= known


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

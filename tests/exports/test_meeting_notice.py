"""The notice of a meeting as it hangs at the gate: opened, read, and its QR read back."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import zxingcpp
from PIL import Image

from app.consultations import operations as topics
from app.core import clock
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flask import Flask


def test_the_notice_says_everything_and_its_code_leads_to_the_meeting(
    web_app: Flask, fixed_clock: datetime, tmp_path: Path
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    meeting = world.meeting(place, quorum=2)
    answer = CheckedClient(web_app).raw.get(f"/c/HXL/meetings/{meeting}/notice.pdf")
    assert answer.mimetype == "application/pdf"
    (tmp_path / "n.pdf").write_bytes(answer.data)
    text = subprocess.run(
        ["pdftotext", "-layout", "n.pdf", "-"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for words in (
        "长椅放哪里",
        "圆桌会公告",
        "综合服务站",
        "大家发言",
        "50 分钟",
        "平面图",
        "这个会至少要有 2 人到场。",
        "10000000001",
    ):
        assert words in text, words
    assert text.count("\f") == 1, "one page"
    subprocess.run(["pdftoppm", "-r", "150", "-png", "n.pdf", "n"], cwd=tmp_path, check=True)
    (code,) = zxingcpp.read_barcodes(Image.open(next(tmp_path.glob("n*.png"))))
    assert code.text == f"http://localhost:8000/c/HXL/meetings/{meeting}"


def test_what_was_corrected_about_a_topic_stands_on_its_meeting_and_the_notice(
    web_app: Flask, fixed_clock: datetime, tmp_path: Path
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    topic, clerk = world.topic(place), world.clerk(place)
    topics.correct_topic(clerk, community_id=place.id, topic_id=topic, text="上次写错的")
    clock.advance(timedelta(minutes=1))
    meeting = world.meeting(place, topic)
    reader, address = CheckedClient(web_app), f"/c/HXL/meetings/{meeting}"
    assert "更正" not in reader.get(address).text, "the notice knew of what was corrected before"
    clock.advance(timedelta(minutes=1))
    for text in ("长椅是四张，\n不是三张。", "<b>地点</b>以公告为准。"):
        topics.correct_topic(clerk, community_id=place.id, topic_id=topic, text=text)
    page = reader.get(address).text
    assert page.index("长椅是四张，") < page.index("&lt;b&gt;地点") < page.index("议程")
    assert page.count("更正（5月20日（周三）10:05）") == 2
    (tmp_path / "n.pdf").write_bytes(reader.raw.get(f"{address}/notice.pdf").data)
    text = subprocess.run(
        ["pdftotext", "-layout", "n.pdf", "-"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    first, second = (text.index(words) for words in ("：长椅是四张，", "：<b>地点</b>以公告为准。"))
    assert text.index("更正（5 月 20 日（周三）10:05）") < first < second < text.index("说明情况")
    assert text.count("\f") == 1, "one page"
    topics.correct_topic(clerk, community_id=place.id, topic_id=topic, text="长" * 3000)
    assert "长" * 3000 in reader.get(address).text
    (tmp_path / "n.pdf").write_bytes(reader.raw.get(f"{address}/notice.pdf").data)
    text = subprocess.run(
        ["pdftotext", "n.pdf", "-"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert "全文见网页" in text
    assert text.count("\f") == 1, "one page"


def test_the_notice_of_a_meeting_put_off_says_so_first_and_why(
    web_app: Flask, fixed_clock: datetime, tmp_path: Path
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    topic = world.topic(place)
    meeting = world.meeting(place, topic)
    topics.postpone_topic(
        world.clerk(place), community_id=place.id, topic_id=topic, note="停电两天"
    )
    answer = CheckedClient(web_app).raw.get(f"/c/HXL/meetings/{meeting}/notice.pdf")
    (tmp_path / "n.pdf").write_bytes(answer.data)
    text = subprocess.run(
        ["pdftotext", "n.pdf", "-"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert text.index("延期，不按下面的时间开") < text.index("长椅放哪里")
    assert "停电两天" in text
    assert "看材料" not in text, "materials are names alone"
    assert text.count("\f") == 1, "one page"

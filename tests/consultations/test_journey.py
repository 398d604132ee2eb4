"""A topic from a resident's need to the archive, by the pages that people use."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.core import clock, jobs, links
from app.core.actor import SYSTEM, Role
from app.core.db import db
from app.core.record import RecordEntry
from app.discussion import operations as opinions
from app.voting import operations as voting
from tests.consultations.test_deciding import Handled
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

AGENDA = "说明议事规则｜主持人｜5\n三个方案讲解｜设计师｜15 分钟\n大家发言|全体|45"


def agenda_form(**changes: str) -> dict[str, str]:
    """A sound agenda, twelve days ahead of 20 May 2026."""
    return {
        "title": "车位怎么划",
        "question": "车位怎么划？",
        "form": "round_table",
        "starts_at": "2026-06-01T19:00",
        "place": "综合服务站",
        "capacity": "30",
        "held": "6",
        "quorum": "",
        "chair": "主持人",
        "recorder": "记录人",
        "agenda": AGENDA,
        "materials": "夜间停车实测图",
    } | changes


def kinds() -> list[str]:
    """Kinds of all entries, in order."""
    rows = db.session.scalars(select(RecordEntry.kind).order_by(RecordEntry.seq)).all()
    db.session.rollback()
    return list(rows)


def test_a_topic_goes_from_a_need_to_the_archive(web_app: Flask, fixed_clock: datetime) -> None:
    world = World(web_app)
    place = world.community("HXL", 6)
    world.project(place, "P08")
    resident, clerk, second = (CheckedClient(web_app) for _ in range(3))
    resident.enter(world, place, 0)
    clerk.staff(world.staff(place))
    second.staff(world.staff(place, Role.COMMITTEE))

    proposal = {
        "title": "消防通道被堵住",
        "background": "消防车转不过弯，电话 13800001111",
        "once": "a",
    }
    first = resident.post("/c/HXL/propose", proposal)
    assert first.status_code == 303
    again = resident.post("/c/HXL/propose", proposal)
    assert again.headers["Location"] == first.headers["Location"]
    address = first.headers["Location"]
    topic = address.rpartition("/")[2]
    assert "消防通道" in resident.get(address).text
    assert second.raw.get(address).status_code == 404, "nobody else reads it before screening"
    assert "消防通道" in clerk.get("/c/HXL/desk/topics").text

    desk = f"/c/HXL/desk/topics/{topic}"
    assert clerk.post(f"{desk}/move/screening", {"note": ""}).status_code == 303
    assert clerk.post(f"{desk}/move/rejected", {"note": ""}).status_code == 422
    assert clerk.post(f"{desk}/move/decided", {"note": "抢先"}).status_code == 422
    unsaid = clerk.post(f"{desk}/move/accepted", {"note": ""})
    assert (unsaid.status_code, "请写上理由" in unsaid.text) == (422, True)
    why = {"note": "多位居民反映，涉及消防安全"}
    assert clerk.post(f"{desk}/move/accepted", why).status_code == 303
    assert why["note"] in CheckedClient(web_app).get(address).text
    described = {"question": "车位怎么划？", "parties": "业主代表", "legal_note": ""}
    assert clerk.post(f"{desk}/describe", described).status_code == 303

    said = resident.post(
        f"/c/HXL/say?about=topic:{topic}", {"text": "先保通道，王工 13912345678", "once": "b"}
    )
    post = said.headers["Location"].rpartition("/")[2]
    assert "13912345678" not in resident.get(address).text
    queue = clerk.get("/c/HXL/desk/posts").text
    assert "先保通道" in queue
    assert clerk.post(f"/c/HXL/desk/posts/{post}/publish", {"cover": "王工"}).status_code == 303
    page = CheckedClient(web_app).get(address).text
    assert "先保通道，** 139********" in page

    early = clerk.post(f"{desk}/agenda", agenda_form(starts_at="2026-05-22T19:00"))
    assert early.status_code == 422
    assert "至少要提前 7 天" in early.text
    assert clerk.post(f"{desk}/agenda", agenda_form()).status_code == 303
    meeting = _meeting_of(clerk, desk)
    notice = CheckedClient(web_app).get(f"/c/HXL/meetings/{meeting}")
    assert "三个方案讲解" in notice.text
    ics = CheckedClient(web_app).raw.get(f"/c/HXL/meetings/{meeting}.ics")
    assert b"DTSTART:20260601T110000Z\r\n" in ics.data
    assert resident.post(f"/c/HXL/meetings/{meeting}/join").status_code == 303
    assert "您已报名" in resident.get(f"/c/HXL/meetings/{meeting}").text

    assert clerk.post(f"{desk}/open", {}).status_code == 422, "twelve days too early"
    clock.advance(timedelta(days=12, hours=9))
    assert clerk.raw.get("/c/HXL/desk/").status_code == 303, "idle for days: signed out"
    clerk.staff(world.staff(place))
    second.staff(world.staff(place, Role.COMMITTEE))
    assert clerk.post(f"{desk}/open", {}).status_code == 303
    desk_meeting = f"/c/HXL/desk/meetings/{meeting}"
    assert (
        clerk.post(f"{desk_meeting}/walk-in", {"label": "王阿姨", "band": "to_79"}).status_code
        == 303
    )
    door = _door_of(clerk, desk_meeting)
    assert resident.get(door).status_code == 200
    assert resident.post(door, {"band": "from_80"}).status_code == 303
    assert "已经签过到" in resident.get(door).text
    assert clerk.post(f"{desk_meeting}/minutes", {"text": "大家同意先保通道。"}).status_code == 303
    assert clerk.post(f"{desk}/opinion", {"opinion": "先保通道"}).status_code == 422
    assert clerk.post(f"{desk_meeting}/close").status_code == 303
    own = clerk.raw.post(f"{desk_meeting}/confirm", data=_token(clerk))
    assert own.status_code == 409
    assert "纪要是您写的，不能由您自己确认" in own.text
    assert second.post(f"{desk_meeting}/confirm").status_code == 303
    shown = CheckedClient(web_app).get(f"/c/HXL/meetings/{meeting}").text
    assert "大家同意先保通道" in shown
    assert "到场 2 人" in shown
    assert "人少，不公布" in shown

    opinion = {"opinion": "先保通道，再划线", "dissent": "有人要固定车位"}
    assert clerk.post(f"{desk}/opinion", opinion).status_code == 303
    refused = clerk.post(f"{desk}/publish", {})
    assert refused.status_code == 422
    assert "还有 1 条居民意见" in refused.text
    disposed = {"disposition": "partly", "why": "通道优先，车位另议"}
    assert clerk.post(f"/c/HXL/desk/posts/{post}/dispose", disposed).status_code == 303
    assert clerk.post(f"{desk}/publish", {}).status_code == 303
    assert clerk.post(f"{desk}/opinion", opinion).status_code == 422, "nothing edited any more"
    too_soon = clerk.post(f"{desk}/move/decided", {"note": ""})
    assert too_soon.status_code == 422
    assert "公示到 6月16日（周二）24:00" in too_soon.text
    waits = clerk.get(desk).text
    assert "等公示期满，到 6月16日（周二）24:00" in waits
    assert "move/decided" not in waits
    assert clerk.post(f"{desk}/correct", {"note": "开会地点应为二楼"}).status_code == 303
    assert "开会地点应为二楼" in resident.get(address).text

    clock.advance(timedelta(days=16))
    clerk.staff(world.staff(place))
    for step, form in (
        ("move/decided", {"note": ""}),
        ("link", {"project": "P08"}),  # once: afterwards it is offered no more
        ("work", {"owner": "物业公司", "due": "2026-07-01"}),
        ("move/reported", {"note": "线已划好"}),
    ):
        assert clerk.post(f"{desk}/{step}", form).status_code == 303, step
    assert 'name="project"' not in clerk.get(desk).text
    unrated = clerk.post(f"{desk}/move/rated", {"note": ""})
    assert unrated.status_code == 422
    assert "居民还没有评过" in unrated.text
    poll = world.rating(place, "P08")
    clock.advance(timedelta(days=11))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    clerk.staff(world.staff(place))
    for step, form in (
        ("move/rated", {"note": ""}),
        ("move/archived", {"note": ""}),
    ):
        assert clerk.post(f"{desk}/{step}", form).status_code == 303, step
    final = resident.get(address).text
    for words in (
        "协商意见",
        "先保通道，再划线",
        "有人要固定车位",
        "部分采纳",
        "物业公司",
        "项目P08",
        "已归档",
    ):
        assert words in final, words
    jobs.run_due()
    inbox = resident.get("/c/HXL/inbox").text
    for state in ("正在审核", "已立项", "已公告，等开会", "协商结果公示中", "已确定", "已归档"):
        assert inbox.count(f"您提的“消防通道被堵住”：{state}<") == 1
    assert "您的意见已公布" in inbox
    assert resident.post("/c/HXL/inbox").status_code == 303
    assert "未读" not in resident.get("/c/HXL/inbox").text

    told = kinds()
    assert told.count("topic.moved") == 11
    for kind in (
        "topic.proposed",
        "post.published",
        "meeting.announced",
        "minutes.confirmed",
        "topic.opinion",
        "opinion.disposed",
        "topic.corrected",
        "topic.linked",
    ):
        assert kind in told
    texts = "".join(db.session.scalars(select(RecordEntry.entry)))
    assert "通道" not in texts, "free text never enters the record in clear"
    assert "王" not in texts


def _meeting_of(client: CheckedClient, desk: str) -> str:
    text = client.get(desk).text
    return text.partition("/desk/meetings/")[2].partition('"')[0]


def _door_of(client: CheckedClient, desk_meeting: str) -> str:
    assert client.raw.get(f"{desk_meeting}/door.svg").mimetype == "image/svg+xml"
    from app.meetings.queries import door_key

    meeting = desk_meeting.rpartition("/")[2]
    from app.communities.queries import community_by_code

    key = door_key(community_by_code("HXL").id, meeting)
    db.session.rollback()
    return f"/c/HXL/meetings/{meeting}/door/{key}"


def _token(client: CheckedClient) -> dict[str, str]:
    return {"csrf_token": client.token()}


@pytest.mark.parametrize("to", ["rejected", "merged"])
def test_side_exits_say_why(web_app: Flask, fixed_clock: datetime, to: str) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    other = world.topic(place, title="旧议题")
    topic = world.topic(place, world_state("screening"), title="新议题")
    turned_away = world.topic(place, world_state("screening"), title="不办的事")
    clerk = CheckedClient(web_app)
    clerk.staff(world.staff(place))
    desk = f"/c/HXL/desk/topics/{topic}"
    if to == "rejected":
        answer = clerk.post(f"{desk}/move/rejected", {"note": "不属于社区职责"})
    else:
        away = {"note": "不属于社区职责"}
        clerk.post(f"/c/HXL/desk/topics/{turned_away}/move/rejected", away)
        offered = re.findall(r'name="into"[^>]* value="([^"]+)"', clerk.get(desk).text)
        assert offered == [other]
        for into in (topic, turned_away):
            refused = clerk.post(f"{desk}/merge", {"into": into, "note": "一件事"})
            assert refused.status_code == 422, into
        answer = clerk.post(f"{desk}/merge", {"into": other, "note": "和旧议题是一件事"})
    assert answer.status_code == 303
    page = CheckedClient(web_app).get(f"/c/HXL/topics/{topic}").text
    assert ("不属于社区职责" if to == "rejected" else "和旧议题是一件事") in page
    if to == "rejected":
        return
    db.session.rollback()
    assert f'<a href="/c/HXL/topics/{other}">去看合并后的议题</a>' in page
    assert links.edges_of(place.id, f"topic:{topic}") == [
        links.Edge(f"topic:{topic}", "merged_into", f"topic:{other}")
    ]
    db.session.rollback()
    ended = CheckedClient(web_app).get("/c/HXL/topics/").text.partition("已经办结的")[2]
    assert "新议题" in ended
    resident = CheckedClient(web_app)
    resident.enter(world, place, 0)
    closed = resident.get(f"/c/HXL/say?about=topic:{topic}").text
    assert "这件事现在不收意见了" in closed


def world_state(name: str) -> object:
    from app.consultations.rules import State

    return State(name)


def test_a_resident_takes_a_proposal_back_and_nobody_elses(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 3)
    mine, neighbour = CheckedClient(web_app), CheckedClient(web_app)
    mine.enter(world, place, 0)
    neighbour.enter(world, place, 1)
    where = mine.post("/c/HXL/propose", {"title": "装路灯", "background": "太黑", "once": "x"})
    topic = where.headers["Location"].rpartition("/")[2]
    assert neighbour.post(f"/c/HXL/topics/{topic}/withdraw").status_code == 404
    assert mine.post(f"/c/HXL/topics/{topic}/withdraw").status_code == 303
    entries = [json.loads(text) for text in db.session.scalars(select(RecordEntry.entry))]
    assert entries[-1]["data"]["to"] == "withdrawn"
    assert entries[-1]["actor"] == "resident"


def test_a_file_that_is_no_photo_is_refused_and_the_words_are_kept(
    web_app: Flask, fixed_clock: datetime
) -> None:
    import io

    world = World(web_app)
    place = world.community("HXL", 1)
    client = CheckedClient(web_app)
    client.enter(world, place, 0)
    form = {
        "title": "装路灯",
        "background": "晚上太黑",
        "once": "x",
        "photos": (io.BytesIO(b"MZ not a picture"), "photo.jpg"),
    }
    answer = client.post("/c/HXL/propose", form)
    assert answer.status_code == 422
    assert "晚上太黑" in answer.text
    assert kinds() == []


def test_the_list_says_in_words_where_each_topic_stands(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    topic = world.topic(place)
    meeting = world.meeting(place, topic)
    client = CheckedClient(web_app)
    assert "已公告，等开会</span>" in client.get("/c/HXL/topics/").text
    assert "已公告，等开会</span>" in client.get(f"/c/HXL/topics/{topic}").text
    assert "已公告</span>" in client.get(f"/c/HXL/meetings/{meeting}").text


def test_two_readers_meet_two_orders_each_the_same_for_the_visit_and_newest_when_asked(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    topic = world.topic(place)
    author = world.resident(place)
    texts = [f"第{number}条意见" for number in range(12)]
    for text in texts:
        post = world.post(place, f"topic:{topic}", author, text)
        opinions.publish_post(world.clerk(place), community_id=place.id, post_id=post)
        clock.advance(timedelta(minutes=1))

    def order(reader: CheckedClient, query: str = "") -> list[str]:
        page = reader.get(f"/c/HXL/topics/{topic}{query}").text
        return re.findall("第\\d+条意见", page)

    readers = [CheckedClient(web_app) for _ in range(3)]
    orders = [order(reader) for reader in readers]
    for reader, first in zip(readers, orders, strict=True):
        assert order(reader) == first, "fixed for the visit"
        assert sorted(first) == sorted(texts)
        assert order(reader, "?order=newest") == texts[::-1]
        assert order(reader) == first, "and again after a look at the newest"
    assert len({tuple(one) for one in orders}) > 1


def test_a_vote_is_entered_by_its_numbers_and_shown_to_everybody(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 3)
    topic = Handled(world, place).to_vote().topic
    clerk, desk = CheckedClient(web_app), f"/c/HXL/desk/topics/{topic}"
    clerk.staff(world.staff(place))
    page = clerk.get(desk).text
    assert "下一步：记入表决结果" in page
    assert "move/" not in page
    numbers = {"body": "residents_meeting", "held_on": "2026-06-15", "base": "1486"}
    wrong = clerk.post(f"{desk}/resolution", numbers | {"present": "1500", "in_favour": "400"})
    assert wrong.status_code == 422
    assert "人数对不上" in wrong.text
    owned = {"matter": "major", "day": "2026-06-15", "total_area": "很大", "total_heads": "10"}
    owned |= {"part_area": "8", "part_heads": "8", "favour_area": "7", "favour_heads": "7"}
    unread = clerk.post(f"{desk}/owners", owned)
    assert unread.status_code == 422
    assert "面积看不明白" in unread.text
    held = numbers | {"present": "800", "in_favour": "400"}
    assert clerk.post(f"{desk}/resolution", held).status_code == 303
    shown = CheckedClient(web_app).get(f"/c/HXL/topics/{topic}").text
    assert "居民会议（6月15日（周一））：应到 1,486，到会 800，同意 400，没有通过。" in shown
    assert "未通过" in shown
    again = clerk.post(f"{desk}/propose-again")
    assert again.status_code == 303
    assert "议题征集" in clerk.get(again.headers["Location"]).text


def test_an_objection_is_answered_in_public_or_leads_to_another_meeting(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 3)
    topic = Handled(world, place).published().topic
    clerk, desk = CheckedClient(web_app), f"/c/HXL/desk/topics/{topic}"
    clerk.staff(world.staff(place))
    assert clerk.post(f"{desk}/move/objection_review", {"note": "蚊子多"}).status_code == 303
    page = clerk.get(desk).text
    assert "下一步：答复异议" in page
    assert "期满的日子不变" in page
    public = CheckedClient(web_app).get(f"/c/HXL/topics/{topic}").text
    assert "三天内公开答复，答复以前不会确定。公示到 6月14日（周日）24:00" in public
    assert clerk.post(f"{desk}/objection", {"note": ""}).status_code == 422
    assert clerk.post(f"{desk}/objection", {"note": "装驱蚊灯"}).status_code == 303
    assert "装驱蚊灯" in CheckedClient(web_app).get(f"/c/HXL/topics/{topic}").text
    assert clerk.post(f"{desk}/move/objection_review", {"note": "还是多"}).status_code == 303
    later = agenda_form(starts_at="2026-06-20T19:00", reason="异议有道理")
    assert clerk.get(f"{desk}/again").status_code == 200
    assert clerk.post(f"{desk}/again", later | {"reason": ""}).status_code == 422
    assert clerk.post(f"{desk}/again", later).status_code == 303
    page = clerk.get(desk).text
    assert "开始开会" in page
    assert "原来公示的协商意见" in CheckedClient(web_app).get(f"/c/HXL/topics/{topic}").text
    clock.advance(timedelta(days=21, hours=9))
    clerk.staff(world.staff(place))
    assert clerk.post(f"{desk}/open", {}).status_code == 303
    assert "现在：签到、写纪要" in clerk.get(desk).text


def test_a_postponed_meeting_says_so_on_top_and_why(web_app: Flask, fixed_clock: datetime) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    topic = world.topic(place)
    meeting = world.meeting(place, topic)
    resident, clerk = CheckedClient(web_app), CheckedClient(web_app)
    resident.enter(world, place, 0)
    clerk.staff(world.staff(place))
    assert resident.post(f"/c/HXL/meetings/{meeting}/join").status_code == 303
    desk = f"/c/HXL/desk/topics/{topic}"
    assert clerk.post(f"{desk}/postpone", {"note": "停电"}).status_code == 303
    page = resident.get(f"/c/HXL/meetings/{meeting}").text
    assert "延期，不按下面的时间开" in page
    assert "原因：停电" in page
    assert "您已报名" not in page
    assert "请照下面的名单打电话" in clerk.get(f"/c/HXL/desk/meetings/{meeting}").text
    later = agenda_form(starts_at="2026-06-20T19:00", question="")
    assert clerk.post(f"{desk}/agenda", later).status_code == 303
    again = resident.get(f"/c/HXL/meetings/{meeting}").text.partition("新的时间")[0]
    new = re.findall("/c/HXL/meetings/([0-9a-z]+)", again)[-1]
    assert "上次您报过名，这次要再报一次" in resident.get(f"/c/HXL/meetings/{new}").text
    db.session.rollback()
    jobs.run_due()
    inbox = resident.get("/c/HXL/inbox").text
    assert "您报名的“长椅放哪里”延期了：停电" in inbox
    assert "“车位怎么划”重新定了时间：6月20日（周六）19:00。要来请再报一次名" in inbox


def test_the_desk_says_when_somebody_was_in_already_and_when_too_few_came(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    topic = world.topic(place)
    meeting = world.meeting(place, topic, quorum=2)
    resident, clerk = CheckedClient(web_app), CheckedClient(web_app)
    resident.enter(world, place, 0)
    resident.post(f"/c/HXL/meetings/{meeting}/join")
    needed, visitor = "这个会至少要有 2 人到场。", CheckedClient(web_app)
    assert needed in visitor.get(f"/c/HXL/meetings/{meeting}").text
    clock.advance(timedelta(days=10))
    clerk.staff(world.staff(place))
    clerk.post(f"/c/HXL/desk/topics/{topic}/open", {})
    assert needed in visitor.get(f"/c/HXL/meetings/{meeting}").text
    desk = f"/c/HXL/desk/meetings/{meeting}"
    seat = re.findall("/seats/(\\d+)", clerk.get(desk).text)[0]
    for _ in range(2):
        assert clerk.post(f"{desk}/seats/{seat}", {"band": "to_79"}).status_code == 303
    assert "这位已经签过到了" in clerk.get(desk).text
    refused = clerk.post(f"{desk}/close")
    assert refused.status_code == 422
    assert "到场 1 人，公告要求至少 2 人，没有结束" in refused.text
    assert clerk.post(f"{desk}/close", {"without_quorum": "y"}).status_code == 303
    assert "人数不够，这个会不作决定" in clerk.get(desk).text

"""The dossier opened in every form: everything that was, and what is missing named as missing."""

from __future__ import annotations

import hashlib
import io
import json
import re
import time
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from app.communities.queries import community_by_code
from app.consultations import deciding
from app.consultations import operations as topics
from app.consultations.rules import Form, State
from app.core import clock
from app.core.actor import SYSTEM
from app.core.db import db, transaction
from app.core.record import RecordEntry
from app.discussion import operations as posts
from app.discussion.models import Post
from app.exports import dossier, dossier_facts, dossier_words
from app.meetings import operations as meetings
from app.meetings.resolutions import Body, Resolution
from app.people.models import Person
from app.ratings import operations as ratings
from app.voting import operations as voting
from app.voting import queries as voting_queries
from tests.consultations.test_deciding import Handled, call_again
from tests.exports import opened
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
    for text in (opened.word(whole), opened.pages(whole, tmp_path)):
        assert "楼下没有长椅" in text
        assert "缺：还没有这一部分。" in text
        assert "议题转为“已立项”" in text
        assert "topic.moved" not in text


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
    topics.move_topic(clerk, **mine, topic_id=topic, to=State.REPORTED, note="放好了")
    return topic, opinion, poll


def test_a_dossier_carries_years_replies_and_every_act(
    web_app: Flask, fixed_clock: datetime, tmp_path: Path
) -> None:
    world = World(web_app)
    place = world.community("HXL", 3)
    topic, opinion, _poll = _whole_life(world, place)
    whole = opened.taken(world, topic)
    for text in (opened.word(whole), opened.pages(whole, tmp_path).replace(" ", "")):
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
    parts = opened.word(whole).split("\n")
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
    told = json.loads(opened.taken(world, topic).read("dossier.json"))
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
    whole = opened.taken(world, topic)
    for said in (whole.read("dossier.json").decode(), opened.word(whole)):
        assert "楼下没有长椅" in said
        assert "不属于社区职责" in said
        assert "老人没有地方坐" not in said


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
        facts = dossier_facts.gather(community_by_code("HXL"), topic.topic)
        made = dossier_words.in_words(facts)
        told = dossier_facts.as_data(facts, [])
    lines = {section.title: section.lines for section in made.sections}
    assert "延期，不按下面的时间开：停电" in lines["二、公告"][0]
    assert "（2026年" in lines["七、投票"][0]
    assert "应到 10，到会 8，同意 7，通过。" in lines["七、投票"][0]
    assert told["meetings"][0]["reason"] == "停电"
    assert (told["outcome"]["present"], told["outcome"]["in_favour"]) == (8, 7)


def test_after_another_call_the_publication_is_missing_and_the_objection_is_told(
    web_app: Flask, fixed_clock: datetime, tmp_path: Path
) -> None:
    world = World(web_app)
    topic = Handled(world, world.community("HXL", 1)).published()
    topic.move(State.OBJECTION_REVIEW, "树下蚊子多")
    meeting = call_again(topic)
    whole = opened.taken(world, topic.topic)
    parts, pages = opened.parts(whole), opened.pages(whole, tmp_path).replace("\n", "")
    ten = parts["十、公示和更正"]
    assert ten[0] == "缺：原来的公示已经停止，重新协商以后还没有公示。"
    assert "协商结果公示中" in ten[1]
    assert ten[2].endswith("正在处理异议：树下蚊子多")
    assert "原来公示的协商意见：放树下" in ten[3]
    nine = parts["九、协商意见"]
    assert nine[0].startswith("缺：2026年")
    assert nine[0].endswith("起重新协商，还没有新的协商意见。")
    assert nine[1:3] == ["下面是重新协商以前的协商意见，已经不作数，留着备查。", "放树下"]
    for said in (ten[0], "正在处理异议：树下蚊子多", nine[0], nine[1]):
        assert said.replace(" ", "") in pages.replace(" ", "")
    told = opened.told(whole)
    assert (told["publication"], told["conclusion"]) == (None, None)
    assert told["superseded"]["opinion"] == "放树下"

    topic.sit(meeting)
    topic.publish("放门口")
    again = opened.parts(whole := opened.taken(world, topic.topic))
    assert again["九、协商意见"][0] == "放门口"
    assert again["十、公示和更正"][0].endswith("24:00")
    assert any(one.endswith("树下蚊子多") for one in again["十、公示和更正"])
    told = opened.told(whole)
    assert (told["conclusion"]["opinion"], told["superseded"]) == ("放门口", None)


def test_a_correction_does_not_hide_that_nothing_was_published(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    topic = Handled(world, place)
    topics.correct_topic(topic.clerk, text="是 3 号楼。", **topic.mine)
    early = opened.parts(opened.taken(world, topic.topic))
    assert early["一、议题"][0] == "缺：还没有定协商形式。"
    assert early["九、协商意见"] == ["缺：还没有这一部分。"]
    topic.sit(world.meeting(place, topic.topic))
    topics.draft_opinion(topic.clerk, opinion="放树下", dissent="", **topic.mine)
    drafted = opened.parts(whole := opened.taken(world, topic.topic))
    nine = drafted["九、协商意见"]
    assert nine[0] == "缺：协商意见还没有公示，不写在这里。", "a correction supersedes nothing"
    assert "放树下" not in "".join(nine)
    assert drafted["十、公示和更正"][0] == "缺：还没有公示。"
    assert drafted["十、公示和更正"][1].endswith("是 3 号楼。")
    told = opened.told(whole)
    assert (told["conclusion"], told["superseded"]) == (None, None)
    assert "放树下" not in whole.read("dossier.json").decode()


def test_every_meeting_that_is_over_answers_for_its_numbers_and_minutes(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    topic = Handled(world, place)
    topic.sit(world.meeting(place, topic.topic, title="第一次"))
    topics.draft_opinion(topic.clerk, opinion="放树下", dissent="", **topic.mine)
    second = topics.call_again(
        topic.clerk,
        form=Form.ROUND_TABLE,
        meeting=world.new_meeting(title="第二次"),
        reason="再商量",
        **topic.mine,
    )
    parts = opened.parts(opened.taken(world, topic.topic))
    assert not any("第二次" in one for one in parts["五、到场"] + parts["八、会议纪要"])

    clock.advance(timedelta(days=11))
    parts = opened.parts(opened.taken(world, topic.topic))
    five, eight = parts["五、到场"], parts["八、会议纪要"]
    assert re.fullmatch(r"缺：“第二次”（2026年.+）没有到场人数。", five[0])
    assert five[1].startswith("第一次：到场 0 人")
    assert re.fullmatch(r"缺：“第二次”（2026年.+）没有会议纪要。", eight[0])
    assert eight[1].startswith("第一次（")

    sitting: dict[str, Any] = {"community_id": place.id, "meeting_id": second}
    topics.open_session(topic.clerk, **topic.mine)
    meetings.write_minutes(topic.clerk, text="放门口。", **sitting)
    meetings.close_meeting(topic.clerk, **sitting)
    parts = opened.parts(whole := opened.taken(world, topic.topic))
    assert parts["五、到场"][1].startswith("第二次：到场 0 人")
    assert parts["八、会议纪要"][0].endswith("的纪要还没有由第二人确认。")
    assert "放门口。" not in parts["八、会议纪要"]
    assert [one["minutes"] is None for one in opened.told(whole)["meetings"]] == [False, True]


def test_a_meeting_that_was_put_off_owes_no_minutes(web_app: Flask, fixed_clock: datetime) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    topic = Handled(world, place)
    world.meeting(place, topic.topic, title="第一次")
    topics.postpone_topic(topic.clerk, note="停电", **topic.mine)
    topic.sit(world.meeting(place, topic.topic, title="第二次"))
    parts = opened.parts(opened.taken(world, topic.topic))
    assert not any("第一次" in one for one in parts["五、到场"] + parts["八、会议纪要"])


def test_agenda_and_materials_say_of_which_meeting_they_are(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    topic = Handled(world, place)
    world.meeting(place, topic.topic, title="第一次", materials=())
    bare = opened.parts(opened.taken(world, topic.topic))
    assert bare["四、会议材料"] == ["缺：还没有这一部分。"]
    topics.postpone_topic(topic.clerk, note="停电", **topic.mine)
    clock.advance(timedelta(days=1))
    world.meeting(place, topic.topic, title="第二次", materials=("平面图", "报价单"))
    parts = opened.parts(whole := opened.taken(world, topic.topic))
    three, (lack, four) = parts["三、议程"], parts["四、会议材料"]
    heads = [n for n, one in enumerate(three) if one.endswith("）的议程：")]
    assert [three[n][:8] for n in heads] == ["“第一次”（20", "“第二次”（20"]
    assert heads == [0, 3]
    assert [three[n + 1][:2] for n in heads] == ["1.", "1."]
    assert re.fullmatch(r"缺：“第一次”（2026年.+）没有材料。", lack)
    assert re.fullmatch(r"“第二次”（2026年.+）的材料：平面图；报价单", four)
    assert [one["materials"] for one in opened.told(whole)["meetings"]] == [
        [],
        ["平面图", "报价单"],
    ]


def test_a_linked_project_is_no_follow_up_and_its_repairs_are_told(
    web_app: Flask, fixed_clock: datetime, tmp_path: Path
) -> None:
    world = World(web_app)
    place = world.community("HXL", 6)
    topic, mine = Handled(world, place), {"community_id": place.id}
    topics.link_project(topic.clerk, project_code=world.project(place, "P05"), **topic.mine)
    lack = "缺：还没有登记由谁落实、什么时候办完。"
    eleven = opened.parts(opened.taken(world, topic.topic))["十一、落实和评价"]
    assert (eleven[0], len(eleven)) == (lack, 2)

    poll = world.rating(place, "P05", days=7)
    for voter in world.voters(place, 5):
        world.cast(voter, place, poll, *(f"P05.{n}=2" for n in range(1, 10)))
    unrated = "缺：项目 P05 已经建成，还没有居民评价的结果。"
    assert unrated in opened.parts(opened.taken(world, topic.topic))["十一、落实和评价"]
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, **mine, public_id=poll)
    due = clock.now() + timedelta(days=3)
    tasks = [
        ratings.open_repair(
            SYSTEM, **mine, poll=poll, repair=ratings.NewRepair(f"P05.{n}", what, "建工队", due)
        )
        for n, what in ((2, "换掉松动的地砖"), (7, "加一道扶手"))
    ]
    clock.advance(timedelta(days=1))
    ratings.finish_repair(SYSTEM, **mine, repair_id=tasks[0], note="换好了")
    eleven = opened.parts(opened.taken(world, topic.topic))["十一、落实和评价"]
    assert eleven[-1].endswith("还没有办完。")
    assert "逾期" not in eleven[-1]
    assert [one for one in eleven if one.startswith("缺：")] == [lack], "rated, nothing late"
    assert "第 1 次评价，请了 6 户，5 户参加，总体满意度 50.0 分" in eleven[1]
    clock.advance(timedelta(days=3))
    parts = opened.parts(whole := opened.taken(world, topic.topic))
    eleven = parts["十一、落实和评价"]
    assert eleven[0] == lack, "what others judged does not say who carries the opinion out"
    assert eleven[1] == "缺：项目 P05 的返修“加一道扶手”逾期没有办完。"
    assert not eleven[2].startswith("缺：")
    assert eleven[-2].startswith("返修：换掉松动的地砖（“施工质量”分数偏低）。建工队负责，2026年")
    assert eleven[-2].endswith("已经办完：换好了")
    assert eleven[-1].startswith("返修：加一道扶手")
    assert eleven[-1].endswith("前办完，已经逾期，还没有办完。")
    assert "加一道扶手" in opened.pages(whole, tmp_path)
    assert sum("安排返修" in one for one in parts["十二、公开记录"]) == 2
    first, second = opened.told(whole)["follow_up"]["projects"][0]["repairs"]
    assert (first["id"], first["owner"], first["note"]) == (tasks[0], "建工队", "换好了")
    assert first["done_at"] > fixed_clock.isoformat()[:10]
    assert (second["done_at"], second["note"]) == (None, None)


def test_work_somebody_was_named_for_is_follow_up(web_app: Flask, fixed_clock: datetime) -> None:
    world = World(web_app)
    topic = Handled(world, world.community("HXL", 1)).to_vote()
    topic.resolve(Resolution(Body.RESIDENTS_MEETING, 10, 8, 7))
    assert opened.parts(opened.taken(world, topic.topic))["十一、落实和评价"][0].startswith("缺：")
    due = clock.now() + timedelta(days=30)
    topics.start_work(topic.clerk, owner="居委会", due=due, **topic.mine)
    eleven = opened.parts(opened.taken(world, topic.topic))["十一、落实和评价"]
    assert eleven[0] == "缺：还没有公开落实情况。"
    assert eleven[1].startswith("居委会落实，2026年")
    clock.advance(timedelta(days=31))
    eleven = opened.parts(opened.taken(world, topic.topic))["十一、落实和评价"]
    assert re.fullmatch(r"缺：应当在2026年.+前办完，已经逾期，还没有公开落实情况。", eleven[0])
    topic.move(State.REPORTED, "放好了")
    whole = opened.taken(world, topic.topic)
    assert opened.parts(whole)["十一、落实和评价"][0].startswith("居委会落实，2026年")
    assert opened.told(whole)["missing"] == ["六、居民意见和处理"]
    due = clock.now() + timedelta(days=30)
    topics.start_work(topic.clerk, owner="居委会", due=due, **topic.mine)
    eleven = opened.parts(opened.taken(world, topic.topic))["十一、落实和评价"]
    assert eleven[0] == "缺：还没有公开落实情况。", (
        "a report tells nothing of what was begun after it"
    )


def test_a_dossier_is_honest_from_state_to_state(web_app: Flask, fixed_clock: datetime) -> None:
    world = World(web_app)
    place = world.community("HXL", 3)
    proposed = opened.parts(opened.taken(world, world.topic(place, State.PROPOSED)))
    assert [one for one, said in proposed.items() if said[0][:2] != "缺："] == ["十二、公开记录"]

    topic = Handled(world, place).published()
    topics.link_project(topic.clerk, project_code=world.project(place, "P05"), **topic.mine)
    poll = world.poll(place, ("P05",))
    title = voting_queries.poll_view(place.id, poll).title
    db.session.rollback()
    seven = opened.parts(opened.taken(world, topic.topic))["七、投票"]
    assert f"缺：“{title}”还没有结果。" in seven
    topic.move(State.OBJECTION_REVIEW, "树下蚊子多")
    asked = opened.parts(opened.taken(world, topic.topic))["十、公示和更正"]
    assert asked[0] == "缺：异议还没有答复。"
    deciding.answer_objection(topic.clerk, answer="装驱蚊灯", **topic.mine)
    answered = opened.parts(opened.taken(world, topic.topic))["十、公示和更正"]
    assert not any(one.startswith("缺：") for one in answered)
    clock.advance(timedelta(days=16))
    topic.move(State.TO_VOTE)
    lack = "缺：已经提交表决，还没有表决结果。"
    assert opened.parts(opened.taken(world, topic.topic))["七、投票"][0] == lack
    topic.resolve(Resolution(Body.RESIDENTS_MEETING, 10, 8, 2))
    ended = opened.parts(opened.taken(world, topic.topic))
    assert lack not in ended["七、投票"]
    assert ended["十一、落实和评价"][0] == "表决没有通过，没有要落实的事。"
    topic.move(State.ARCHIVED)
    assert "十一、落实和评价" not in opened.told(opened.taken(world, topic.topic))["missing"]

"""The demo's topics: one long archived, one in session today, one that nobody has screened."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from app.config import ROOT
from app.consultations import operations as topics
from app.consultations.proposing import TopicText
from app.consultations.queries import all_topics
from app.consultations.rules import Form
from app.consultations.rules import State as TopicState
from app.core import clock
from app.core.actor import Actor, Role
from app.core.db import db
from app.discussion import operations as opinions
from app.meetings import operations as meetings
from app.meetings.queries import door_key, meetings_about
from app.meetings.rules import Item
from app.meetings.steps import NewMeeting
from app.portal.demo_bodies import note_who_came, speak_for_owners
from app.portal.demo_stage import Stagehand

SAMPLE = ROOT / "sample_data"
# Both topics are about this estate.
HERE = "槐香里一区"


def acts(stage: Stagehand) -> Iterator[tuple[datetime, Callable[[], object]]]:
    """Two topics: one has led to the lamps and is archived, one is in session today."""
    lamps = _Lamps(stage)
    yield from lamps.acts()
    yield stage.at(30), lambda: _parking_topic(stage)


class _Lamps:
    """The topic that led to the lamps, from somebody's fall to the archive."""

    def __init__(self, stage: Stagehand) -> None:
        self.stage = stage
        self.topic = self.meeting = ""

    def acts(self) -> Iterator[tuple[datetime, Callable[[], object]]]:
        """Everything that happened to it, each thing on its day."""
        at = self.stage.at
        yield at(149, 12), self._propose
        yield at(148, 14), self._announce
        yield at(141, 15), self._hold
        yield at(141, 18), self._publish
        yield at(124), self._move(TopicState.DECIDED, "公示期满，没有异议。")
        yield at(104, 15), self._work
        yield at(93), self._move(TopicState.REPORTED, "18 盏灯已经装好。")
        yield at(33), self._move(TopicState.RATED, "两次评价，第二次 70 分以上。")
        yield at(32), self._move(TopicState.ARCHIVED, "")

    @property
    def mine(self) -> dict[str, Any]:
        """What every operation on it is given."""
        return {"community_id": self.stage.community_id, "topic_id": self.topic}

    @property
    def clerk(self) -> Actor:
        """Who handles it."""
        return self.stage.staff("gongzuo", Role.CLERK)

    def _move(self, to: TopicState, note: str) -> Callable[[], None]:
        return lambda: topics.move_topic(self.clerk, to=to, note=note, **self.mine)

    def _propose(self) -> None:
        (proposer,) = self.stage.neighbours(1, HERE)
        self.topic = topics.propose_topic(
            proposer,
            community_id=self.stage.community_id,
            text=TopicText("楼前太黑，老人摔了跤", "一区 3、5、9 号楼前没有路灯，台阶看不清。"),
            proposed_as="居民",
            once="demo-lamps",
        )
        self._move(TopicState.SCREENING, "")()
        self._move(TopicState.ACCEPTED, "情况属实，请大家来商量装在哪里。")()
        topics.link_project(self.clerk, project_code="P10", **self.mine)

    def _announce(self) -> None:
        meeting = NewMeeting(
            subject="",
            title="路灯装在哪里",
            form="小区协商",
            place="社区综合服务站议事厅",
            starts_at=self.stage.at(141, 15),
            capacity=20,
            held=4,
            chair="居委会委员",
            recorder="社区工作人员",
            items=(Item("看现场照片", "居委会", 10), Item("逐处商量", "全体", 40)),
            parties=("社区党支部", "居委会", "业委会", "物业服务企业", "一区居民代表 3 人"),
        )
        self.meeting = topics.announce_topic(
            self.clerk,
            form=Form.OWNERS_TALK,
            meeting=meeting,
            question="灯装在哪几处、装多亮，既照得见台阶又不照窗户？",
            **self.mine,
        )

    def _hold(self) -> None:
        mine = {"community_id": self.stage.community_id, "meeting_id": self.meeting}
        topics.open_session(self.clerk, **self.mine)
        for band in ("to_79",) * 7 + ("to_59",) * 5 + ("from_80",) * 5:
            meetings.walk_in(self.clerk, person=meetings.WalkIn("", band), **mine)  # type: ignore[arg-type]
        away = {"青禾安居物业服务公司": "当天抢修水管，会后单独听了意见。"}
        note_who_came(self.stage, self.clerk, self.meeting, away)
        text = "三栋楼前和二区西侧都装，灯头朝下，不照窗户。一位居民担心晃眼，安装后复看。"
        meetings.write_minutes(self.clerk, text=text, **mine)  # type: ignore[arg-type]
        meetings.close_meeting(self.clerk, **mine)  # type: ignore[arg-type]
        second = self.stage.staff("weiyuan", Role.COMMITTEE)
        meetings.confirm_minutes(second, **mine)  # type: ignore[arg-type]

    def _publish(self) -> None:
        topics.draft_opinion(
            self.clerk,
            opinion="补装 18 盏太阳能路灯，灯头朝下；台阶贴反光条。",
            dissent="一位居民担心灯光晃眼，要求装好后复看。",
            **self.mine,
        )
        topics.publish_opinion(self.clerk, **self.mine)

    def _work(self) -> None:
        topics.start_work(
            self.clerk, owner="居委会和路灯管理所", due=self.stage.at(90), **self.mine
        )


def _parking_topic(stage: Stagehand) -> None:
    read = tomllib.loads((SAMPLE / "topics.toml").read_text(encoding="utf-8"))["topic"][0]
    clerk = stage.staff("gongzuo", Role.CLERK)
    people = stage.neighbours(12, HERE)
    topic = topics.propose_topic(
        people[0],
        community_id=stage.community_id,
        text=TopicText(read["title"], read["background"]),
        proposed_as=read["proposer"],
        once="demo-parking",
    )
    mine: dict[str, Any] = {"community_id": stage.community_id, "topic_id": topic}
    with clock.set_to(stage.at(29)):
        topics.move_topic(clerk, to=TopicState.SCREENING, **mine)
    with clock.set_to(stage.at(28)):
        topics.move_topic(clerk, to=TopicState.ACCEPTED, note="属于居民反映强烈的问题。", **mine)
        described = TopicText(
            read["title"],
            read["background"],
            read["question"],
            "\n".join(read["parties"]),
            read["legal_note"],
        )
        topics.describe_topic(clerk, text=described, **mine)
        topics.link_project(clerk, project_code="P08", **mine)
    _write_opinions(stage, clerk, people, topic)
    with clock.set_to(stage.at(21, 19)):
        speak_for_owners(
            stage, clerk, topic, "消防通道要先让出来。划线以后由业委会和物业一起看管，不收停车费。"
        )
    with clock.set_to(stage.at(17)):
        topics.announce_topic(clerk, form=Form.ROUND_TABLE, meeting=_meeting(stage, read), **mine)


def _meeting(stage: Stagehand, read: dict[str, Any]) -> NewMeeting:
    """The round table began half an hour ago, whenever the demo is made."""
    soon = stage.made_at - timedelta(minutes=20)
    starts = soon.replace(minute=soon.minute // 30 * 30, second=0, microsecond=0)
    return NewMeeting(
        subject="",
        title="车位重划与消防通道圆桌会",
        form="圆桌会",
        place="社区综合服务站议事厅",
        starts_at=starts,
        capacity=30,
        held=6,
        chair="社区党组织委派的主持人",
        recorder="居委会委员",
        items=tuple(
            Item(item["title"], item["speaker"], item["minutes"]) for item in read["agenda"]
        ),
        materials=tuple(read["materials"]),
        quorum=8,
    )


def _write_opinions(stage: Stagehand, clerk: Actor, people: list[Actor], topic: str) -> None:
    said = (
        ("先把消防通道让出来，车位再慢慢划。", "adopted", "列入方案第一条。"),
        ("固定车位会吵架，先到先停公平。", "partly", "老年人家庭保留 6 个固定车位，其余先到先停。"),
        ("把花坛改成停车位。", "not_adopted", "会减少活动场地，和议题的前提不符。"),
        ("外来车晚上九点以后不让进。", "", ""),
    )
    for number, (text, disposition, why) in enumerate(said):
        with clock.set_to(stage.at(26 - number, 20)):
            post = opinions.write_post(
                people[number + 1],
                community_id=stage.community_id,
                subject=f"topic:{topic}",
                text=text,
                once=f"demo-{number}",
            )
        mine = {"community_id": stage.community_id, "post_id": post}
        with clock.set_to(stage.at(25 - number, 9)):
            opinions.publish_post(clerk, **mine)  # type: ignore[arg-type]
            if disposition:
                opinions.dispose(
                    clerk,
                    disposition=disposition,
                    why=why,
                    **mine,  # type: ignore[arg-type]
                )


def open_today(stage: Stagehand) -> None:
    clerk = stage.staff("gongzuo", Role.CLERK)
    people = stage.neighbours(13, HERE)
    parking = next(
        line for line in _topic_lines(stage.community_id) if line.state is TopicState.ANNOUNCED
    )
    meeting = _meeting_of(stage.community_id, parking.public_id)
    mine: dict[str, Any] = {"community_id": stage.community_id, "meeting_id": meeting}
    for actor in people[:10]:
        meetings.join_meeting(actor, **mine)
    meetings.reserve_at_desk(clerk, label="3 号楼王阿姨", **mine)
    topics.open_session(clerk, community_id=stage.community_id, topic_id=parking.public_id)
    key = _door_key(stage.community_id, meeting)
    bands = ("to_79", "to_79", "to_59", "from_80", "to_35", "to_79", "to_59")
    for actor, band in zip(people, bands, strict=False):
        meetings.check_in_at_door(actor, door_key=key, band=band, **mine)
    with clock.set_to(stage.made_at - timedelta(hours=20)):
        opinions.write_post(
            people[12],
            community_id=stage.community_id,
            subject="convention:2/4",
            text="高考期间九点安静很好，能不能装修也停几天？",
            once="demo-waiting",
        )
        (across,) = stage.neighbours(1, "槐香里二区")
        topics.propose_topic(
            across,
            community_id=stage.community_id,
            text=TopicText("二区门口的斑马线看不清", "孩子上学过马路不安全，请商量一下。"),
            proposed_as="居民",
            once="demo-crossing",
        )


def _topic_lines(community_id: int) -> list[Any]:
    return list(all_topics(community_id))


def _meeting_of(community_id: int, topic_id: str) -> str:
    found = meetings_about(community_id, f"topic:{topic_id}")[-1].public_id
    db.session.rollback()
    return found


def _door_key(community_id: int, meeting_id: str) -> str:
    key = door_key(community_id, meeting_id)
    db.session.rollback()
    return key

"""The demo's lifted topics: one that two communities share, one that waits for the subdistrict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from app.communities.queries import community_by_code, community_by_id
from app.consultations import operations as topics
from app.consultations.proposing import TopicText
from app.consultations.rules import State as TopicState
from app.core.actor import Actor, Role
from app.core.db import db
from app.discussion.rules import PostState
from app.portal.demo_stage import Stagehand
from app.sharing import operations as sharing
from app.sharing import queries, saying

NEIGHBOURS = "YYL"
TITLE = "铁路桥洞积水、没有灯"
WHY = "桥洞在两个社区中间，归铁路和市政管，社区自己办不了。"
ONCE = "demo-lifted"
# (which of the two communities, text, what became of it, why; empty: nobody has answered yet)
SAID = (
    (0, "先装灯。晚上孩子补课回来要走桥洞，看不见脚下。", "adopted", "和供电公司说好，先装六盏。"),
    (1, "雨天水没过脚面，能不能先清一清排水沟？", "adopted", "街道已请市政清淤，装泵另外报批。"),
    (1, "桥洞里电动车开得太快，请装减速带。", "", ""),
)
UNREAD = (0, "桥洞北口的台阶没有坡道，推婴儿车要抬上去。")


def acts(stage: Stagehand) -> Iterator[tuple[datetime, Callable[[], object]]]:
    """What two communities lifted, what was said of it, and a topic nobody has decided on."""
    tunnel = _Tunnel(stage)
    yield stage.at(23), lambda: tunnel.lift(0, TITLE, "雨天积水，晚上没有灯，两个社区的人都要走。")
    yield stage.at(22), lambda: tunnel.lift(1, "桥洞下雨过不去", "老人买菜要绕路二十分钟。")
    yield stage.at(20, 14), tunnel.share
    for number, said in enumerate(SAID):
        yield stage.at(18 - number, 20), tunnel.write(number, said[0], said[1])
        yield stage.at(17 - number, 9), tunnel.moderate(*said[2:])
    yield stage.at(1, 19), tunnel.write(len(SAID), *UNREAD)
    yield stage.at(4), lambda: tunnel.lift(0, "校车停在路口太挤", "校车停靠点要公安和教育部门定。")


class _Tunnel:
    """The railway tunnel between two communities."""

    def __init__(self, stage: Stagehand) -> None:
        self.stage = stage
        self.shared = ""

    @property
    def street(self) -> int:
        """The subdistrict above both."""
        return community_by_id(self.stage.community_id).jurisdiction_ids[0]

    @property
    def officer(self) -> Actor:
        """Who handles lifted topics."""
        return self.stage.officer("jiedao", Role.SUBDISTRICT, self.street)

    def place(self, which: int) -> int:
        """The first or the second community."""
        return community_by_code(NEIGHBOURS).id if which else self.stage.community_id

    def lift(self, which: int, title: str, background: str) -> None:
        """Propose a topic and lift it, as the community's clerk."""
        here = self.place(which)
        clerk = self.stage.staff("linju" if which else "gongzuo", Role.CLERK, here)
        mine: dict[str, Any] = {"community_id": here}
        mine["topic_id"] = topics.propose_topic(
            clerk,
            community_id=here,
            text=TopicText(title, background, "先办什么，谁来办？"),
            proposed_as="居民委员会",
            once=f"demo-lift-{title}",
        )
        topics.move_topic(clerk, to=TopicState.SCREENING, note="", **mine)
        sharing.lift_topic(clerk, reason=WHY, **mine)

    def share(self) -> None:
        """Take both up as one."""
        lifts = queries.waiting_lifts(self.street)
        db.session.rollback()
        new = sharing.NewShared(
            lifts=tuple(one.public_id for one in lifts),
            communities=("HXL", NEIGHBOURS),
            title=TITLE,
            background="铁路桥洞连着槐香里和榆荫里。雨天积水，晚上没有灯，去年有人滑倒。",
            question="先排水还是先装灯？钱从哪里出，以后谁来管？",
        )
        self.shared = sharing.share_topic(self.officer, jurisdiction_id=self.street, new=new)

    def write(self, number: int, which: int, text: str) -> Callable[[], None]:
        """Let a resident say something."""

        def act() -> None:
            here = self.place(which)
            person = self.stage.neighbours(20 + number, community_id=here)[-1]
            saying.write_opinion(
                person, community_id=here, shared_id=self.shared, text=text, once=ONCE
            )

        return act

    def moderate(self, disposition: str, why: str) -> Callable[[], None]:
        """Publish what waits, and answer it where there is an answer."""

        def act() -> None:
            street, officer = self.street, self.officer
            topic = queries.shared_topic(street, self.shared)
            (one,) = queries.opinions(topic.id, PostState.SUBMITTED)
            db.session.rollback()
            mine: dict[str, Any] = {"jurisdiction_id": street, "opinion_id": one.public_id}
            sharing.publish_opinion(officer, cover="", **mine)
            if disposition:
                sharing.dispose_opinion(officer, disposition=disposition, why=why, **mine)

        return act

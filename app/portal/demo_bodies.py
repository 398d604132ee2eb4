"""The demo's bodies: who takes part besides residents, who acts for them, what they said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from app.bodies import operations as bodies
from app.bodies.queries import acts_now
from app.bodies.rules import Kind
from app.core import clock
from app.core.actor import Actor, Role
from app.core.db import db
from app.discussion import operations as opinions
from app.meetings import parties as attending
from app.meetings.queries import parties
from app.portal.demo_stage import Stagehand

LISTED = (
    (Kind.PARTY_BRANCH, "槐香里社区党支部", ""),
    (Kind.RESIDENTS_COMMITTEE, "槐香里社区居民委员会", "综合服务站一层，周一至周六"),
    (Kind.SUPERVISION, "槐香里社区居务监督委员会", "综合服务站二层，每月 15 日接待"),
    (Kind.OWNERS_COMMITTEE, "槐香里一区业主委员会", "一区 3 号楼东侧，周三下午"),
    (Kind.PROPERTY_COMPANY, "青禾安居物业服务公司", "一区门口物业服务站"),
    (Kind.DESIGN_PRACTICE, "青禾市社区规划设计所", ""),
    (Kind.RESIDENT_ORGANISATION, "北苑小学", ""),
    (Kind.RESIDENT_ORGANISATION, "北苑社区卫生服务站", "一区南门对面"),
    (Kind.CONTRACTOR, "云台区第一建筑公司", ""),
)
OWNERS, WATCHERS, PRACTICE = LISTED[3][1], LISTED[2][1], LISTED[5][1]


def acts(stage: Stagehand) -> Iterator[tuple[datetime, Callable[[], object]]]:
    """The list is begun first, so that whoever is due at a meeting is one of it."""
    cast = _Bodies(stage)
    yield stage.at(150), cast.list_them
    yield stage.at(150, 11), cast.ask_people


class _Bodies:
    """What the demo's bodies are called in addresses, and who acts for them."""

    def __init__(self, stage: Stagehand) -> None:
        self.stage = stage
        self.ids: dict[str, str] = {}

    @property
    def clerk(self) -> Actor:
        """Who keeps the list."""
        return self.stage.staff("gongzuo", Role.CLERK)

    def list_them(self) -> None:
        for kind, name, contact in LISTED:
            text = bodies.BodyText(kind, name, self.stage.at(150, 0), contact)
            self.ids[name] = bodies.add_body(
                self.clerk, community_id=self.stage.community_id, text=text
            )

    def ask_people(self) -> None:
        (owner,) = owner_of(self.stage)
        watcher = self.stage.staff("jiandu", Role.SUPERVISOR)
        designer = self.stage.staff("sheji", Role.DESIGNER)
        self._give(OWNERS, owner, "业委会会议定的，有来函。", "3 号楼业委会委员")
        self._give(WATCHERS, watcher, "监督委员会推选。")
        self._give(PRACTICE, designer, "设计所来函。")

    def _give(self, name: str, person: Actor, ground: str, called: str = "") -> None:
        until = self.stage.at(150, 0) + timedelta(days=365)
        bodies.give_acting(
            self.clerk,
            community_id=self.stage.community_id,
            body_id=self.ids[name],
            new=bodies.NewActing(person.require_person(), until, ground, called=called),
        )


def owner_of(stage: Stagehand) -> list[Actor]:
    """The resident who acts for the owners' committee."""
    return stage.neighbours(14, "槐香里一区")[-1:]


def speak_for_owners(stage: Stagehand, clerk: Actor, topic: str, text: str) -> None:
    """Let the owners' committee say something about a topic, and the desk publish it."""
    (owner,) = owner_of(stage)
    (one,) = acts_now(stage.community_id, owner.person_id)
    db.session.rollback()
    post = opinions.write_post(
        owner,
        community_id=stage.community_id,
        subject=f"topic:{topic}",
        text=text,
        once="demo-owners",
        body=one.body_id,
    )
    with clock.set_to(clock.now() + timedelta(hours=14)):
        opinions.publish_post(clerk, community_id=stage.community_id, post_id=post)


def note_who_came(stage: Stagehand, actor: Actor, meeting: str, away: dict[str, str]) -> None:
    """Note of everybody who is due whether they came; `away` says who did not, and why."""
    found = parties(stage.community_id, meeting)
    db.session.rollback()
    for one in found:
        reason = away.get(one.name, "")
        attending.note_presence(
            actor,
            community_id=stage.community_id,
            meeting_id=meeting,
            party_id=one.id,
            seen="absent" if reason else "present",
            reason=reason,
        )

"""Plain builders with typed arguments. Everything goes through the portal's own operations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

import pyotp
from flask import g
from sqlalchemy import select

from app.bodies import operations as bodies
from app.bodies.rules import Kind
from app.communities import operations as communities
from app.communities import queries as places
from app.consultations import operations as topics
from app.consultations.rules import Form, State
from app.core import clock
from app.core.actor import SYSTEM, Actor, Home, Role, owner_scope
from app.core.db import transaction
from app.designs import operations as designs
from app.designs.rules import Plan
from app.discussion import operations as opinions
from app.meetings.rules import Item
from app.meetings.steps import NewMeeting
from app.people import browser
from app.people import operations as people
from app.people import queries as persons
from app.people.models import Membership
from app.people.steps import GivenRole, give_role
from app.projects import operations as projects
from app.projects.rules import Line, Stage
from app.ratings import operations as ratings
from app.voting import operations as voting
from app.voting import steps as ballot_cards
from app.voting import tokens
from app.voting.launching import PollDraft
from app.voting.rules import Method, PollKind, Rules, ShareTest, default_rules, meeting_rules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from flask import Flask

    from app.voting.casting import CastOutcome

PASSWORD = "a-long-enough-staff-phrase"


@dataclass(frozen=True)
class Place:
    """A community with its roll."""

    id: int
    code: str
    households: tuple[int, ...]
    district_id: int
    street_id: int = 0
    city_id: int = 0


@dataclass(frozen=True)
class Staff:
    """An account with what it needs to sign in."""

    name: str
    secret: str
    actor: Actor


class World:
    """Makes what a test needs, and nothing it does not name."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.numbers = count(1)
        self.clerks: dict[int, Actor] = {}

    def community(
        self, code: str = "HXL", households: int = 30, *, demo: bool = False, phones: str = "1000"
    ) -> Place:
        """A community of one building; the n-th household's phone ends in its number."""
        city = communities.add_jurisdiction(
            SYSTEM, level="city", code=f"C{code}", name="栖河市", parent_id=None
        )
        district = communities.add_jurisdiction(
            SYSTEM, level="district", code=f"D{code}", name="云台区", parent_id=city
        )
        street = communities.add_jurisdiction(
            SYSTEM, level="subdistrict", code=f"S{code}", name="北苑街道", parent_id=district
        )
        community_id = communities.add_community(
            SYSTEM,
            communities.NewCommunity(
                code=code,
                name=f"{code}社区",
                jurisdiction_id=street,
                desk_phone="10000000001",
                office="3 号楼东侧",
                hours="周一至周五 8:30–17:00",
                intro="测试社区。",
                demo=demo,
            ),
        )
        lines = ["小区,楼栋,单元,房号,户主,联系电话"]
        lines += [f"一区,1,1,{n},住户{code}{n},{phones}{n:07d}" for n in range(1, households + 1)]
        communities.import_roll(
            SYSTEM,
            community_id=community_id,
            data="\n".join(lines).encode(),
            file_name="roll.csv",
        )
        ids = tuple(a.household_id for a in places.households_for_letters(community_id))
        return Place(community_id, code, ids, district, street, city)

    def code(self, place: Place, index: int = 0) -> str:
        """A fresh code of the n-th household."""
        household = place.households[index]
        (issued,) = people.issue_codes(SYSTEM, community_id=place.id, household_ids=[household])
        return issued.code

    def fact(self, index: int = 0) -> str:
        """The second fact of the n-th household."""
        return f"{index + 1:04d}"

    def resident(self, place: Place, index: int = 0) -> Actor:
        """A member of the n-th household who came in by its letter."""
        return self.signed_in(place, index)[0]

    def signed_in(self, place: Place, index: int = 0) -> tuple[Actor, str]:
        """The same with the cookie's id."""
        enrolled = people.enrol(
            Actor(),
            code=self.code(place, index),
            second_fact=self.fact(index),
            adult=True,
            shared_phone=False,
        )
        found = persons.session_by_hash(browser.hash_of(enrolled.cookie_id))
        assert found is not None, enrolled
        return found.actor, enrolled.cookie_id

    def staff(self, place: Place, role: Role = Role.CLERK) -> Staff:
        """An account with one role in the community, or in the place above of the role's level."""
        name = f"staff{next(self.numbers)}"
        above = {
            Role.SUBDISTRICT: place.street_id,
            Role.DISTRICT: place.district_id,
            Role.CITY: place.city_id,
            Role.ADMINISTRATOR: place.district_id,
        }.get(role)
        secret = people.add_staff(
            SYSTEM,
            sign_in_name=name,
            display=f"工作人员{name}",
            password=PASSWORD,
            role=role,
            community_id=None if above else place.id,
            jurisdiction_id=above,
        )
        cookie = people.staff_sign_in(
            Actor(), sign_in_name=name, password=PASSWORD, totp=pyotp.TOTP(secret).at(clock.now())
        )
        found = persons.session_by_hash(browser.hash_of(cookie))
        assert found is not None
        return Staff(name, secret, found.actor)

    def give(self, place: Place, role: Role, meeting: str = "") -> None:
        """Let the newest member of the community hold a role of residents for a month."""
        with transaction() as session:
            newest = select(Membership).where(Membership.community_id == place.id)
            member = session.scalars(newest.order_by(Membership.id.desc()).limit(1)).one()
            person = member.person_id
            scope = {
                Role.REPRESENTATIVE: "buildings:1",
                Role.BODY: "body:none",
                Role.OWNER: owner_scope(member.household_id),
            }.get(role, f"meeting:{meeting}")
            until = clock.now() + timedelta(days=30)
            give_role(session, person, place.id, GivenRole(role, scope, until))

    def body(
        self, place: Place, kind: Kind = Kind.OWNERS_COMMITTEE, name: str = "一区业主委员会"
    ) -> str:
        """A body that takes part."""
        text = bodies.BodyText(kind, name, clock.now() - timedelta(days=1))
        return bodies.add_body(self.clerk(place), community_id=place.id, text=text)

    def acting(
        self, place: Place, body: str, person: Actor, scope: str = "", days: int = 30
    ) -> int:
        """Somebody acts for a body, by a clerk's hand, for so many days."""
        until = clock.now() + timedelta(days=days)
        new = bodies.NewActing(person.require_person(), until, "有来函", scope, "3 号楼王阿姨")
        return bodies.give_acting(self.clerk(place), community_id=place.id, body_id=body, new=new)

    def project(self, place: Place, code: str, title: str = "") -> str:
        """A project whose lines add up."""
        projects.add_project(
            SYSTEM,
            community_id=place.id,
            code=code,
            text=projects.ProjectText(
                title=title or f"项目{code}",
                location="一区",
                problem="没有地方坐。",
                proposal="放长椅。",
                supply_mode="build",
                budget_fen=100_000,
                decision_route=("preference_poll",),
                scope="一区",
                build_months=1,
                upkeep_fen_per_year=1_000,
                upkeep_by="居委会",
                risk="",
                costs=(Line("长椅", 100_000),),
                funds=(Line("公益金", 100_000),),
            ),
        )
        return code

    def topic(
        self, place: Place, state: State = State.ACCEPTED, title: str = "楼下没有长椅"
    ) -> str:
        """A topic on its way, by the committee's hands, in an early state."""
        topic_id = topics.propose_topic(
            self.clerk(place),
            community_id=place.id,
            text=topics.TopicText(title, "老人没有地方坐。", "长椅放在哪里？"),
            proposed_as="居民",
            once=f"once{next(self.numbers)}",
        )
        path = {
            State.PROPOSED: (),
            State.SCREENING: (State.SCREENING,),
        }.get(state, (State.SCREENING, State.ACCEPTED))
        for to in path:
            topics.move_topic(
                self.clerk(place), community_id=place.id, topic_id=topic_id, to=to, note="可以办"
            )
        return topic_id

    def clerk(self, place: Place) -> Actor:
        """A clerk of the community, the same for the whole test."""
        if place.id not in self.clerks:
            self.clerks[place.id] = self.staff(place).actor
        return self.clerks[place.id]

    def new_meeting(self, **changes: object) -> NewMeeting:
        """A meeting in ten days with three places, one of them held."""
        values: dict[str, object] = {
            "subject": "",
            "title": "长椅放哪里",
            "form": "圆桌会",
            "place": "综合服务站",
            "starts_at": clock.now() + timedelta(days=10),
            "capacity": 3,
            "held": 1,
            "chair": "主持人",
            "recorder": "记录人",
            "items": (Item("说明情况", "居委会", 10), Item("大家发言", "全体", 50)),
            "materials": ("平面图",),
        }
        return NewMeeting(**(values | changes))  # type: ignore[arg-type]

    def meeting(self, place: Place, topic_id: str = "", **changes: object) -> str:
        """An announced meeting about a topic, which is made when none is named."""
        return topics.announce_topic(
            self.clerk(place),
            community_id=place.id,
            topic_id=topic_id or self.topic(place),
            form=Form.ROUND_TABLE,
            meeting=self.new_meeting(**changes),
        )

    def post(
        self,
        place: Place,
        about: str,
        author: Actor | None = None,
        text: str = "",
        body: str = "",
    ) -> str:
        """An opinion that waits for moderation; with a body it is said in its name."""
        with self.app.test_request_context():
            g.place = places.community_by_code(place.code)
            return opinions.write_post(
                author or self.resident(place),
                community_id=place.id,
                subject=about,
                text=text or "请放在树下。",
                once=f"once{next(self.numbers)}",
                body=body,
            )

    def design(self, place: Place, designer: Actor, code: str) -> str:
        """A published proposal of two alternatives."""
        plans = [
            designs.Drawn(Plan(name, "大白话。", 100_000, 1_000, "老人", "一棵树"))
            for name in ("直坡", "折坡")
        ]
        design_id = designs.post_proposal(
            designer,
            community_id=place.id,
            new=designs.NewProposal(code, "两种坡道", tuple(plans)),
        )
        designs.decide_proposal(
            self.clerk(place), community_id=place.id, design_id=design_id, publish=True
        )
        return design_id

    def rating(self, place: Place, code: str, days: int = 10) -> str:
        """A rating of a finished project, open for so many days."""
        for to in (Stage.BUILD, Stage.MANAGE):
            projects.advance_project(SYSTEM, community_id=place.id, code=code, to=to)
        return ratings.start_rating(SYSTEM, community_id=place.id, project_code=code, days=days)

    def milestone(self, place: Place, code: str, title: str = "开工") -> int:
        """A step of the building, planned for next week."""
        return projects.plan_milestone(
            SYSTEM,
            community_id=place.id,
            code=code,
            title=title,
            planned_on=clock.now() + timedelta(days=7),
        )

    def draft(  # a draft is these facts
        self,
        place: Place,
        codes: Sequence[str] = ("P01",),
        *,
        method: Method = Method.YES_NO,
        rules: Rules | None = None,
        opens_at: datetime | None = None,
        lasts: timedelta = timedelta(days=7),
        title: str = "您同意吗？",
    ) -> str:
        """A draft on projects that are made when they are missing."""
        known = {card.option for card in ballot_cards.cards(place.id)}
        for code in codes:
            if code not in known:
                self.project(place, code)
        begins = (opens_at or clock.now()).replace(second=0, microsecond=0)
        return voting.draft_poll(
            SYSTEM,
            community_id=place.id,
            draft=PollDraft(
                title=title,
                explanation="",
                method=method,
                projects=tuple(codes),
                rules=rules or default_rules(method, len(codes)),
                opens_at=begins,
                closes_at=begins + lasts,
                kind=PollKind.PREFERENCE_POLL,
            ),
        )

    def poll(self, place: Place, codes: Sequence[str] = ("P01",), **kwargs: object) -> str:
        """An open poll."""
        public_id = self.draft(place, codes, **kwargs)  # type: ignore[arg-type]
        voting.open_poll(SYSTEM, community_id=place.id, public_id=public_id)
        return public_id

    def text_draft(self, place: Place, about: str, **changes: object) -> str:
        """A draft of a residents' meeting by household on a text, such as `convention:1`."""
        begins = clock.now().replace(second=0, microsecond=0)
        asked = PollDraft(
            title="您同意通过这份公约吗？",
            explanation="",
            method=Method.YES_NO,
            projects=(about,),
            rules=meeting_rules("convention"),
            opens_at=begins,
            closes_at=begins + timedelta(days=7),
            kind=PollKind.MEETING_RESOLUTION,
        )
        draft = replace(asked, **changes)  # type: ignore[arg-type]
        return voting.draft_poll(SYSTEM, community_id=place.id, draft=draft)

    def text_poll(self, place: Place, about: str, **changes: object) -> str:
        """The same, open."""
        public_id = self.text_draft(place, about, **changes)
        voting.open_poll(SYSTEM, community_id=place.id, public_id=public_id)
        return public_id

    def decide(self, place: Place, poll: str, *choices: str, publish: bool = True) -> None:
        """Let one household after the other vote, the poll close, and its result be published."""
        for voter, choice in zip(self.voters(place, len(choices)), choices, strict=True):
            self.cast(voter, place, poll, choice)
        clock.advance(timedelta(days=8))
        voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
        if publish:
            voting.publish_result(SYSTEM, community_id=place.id, public_id=poll)

    def token(self, actor: Actor, place: Place, public_id: str) -> str:
        """A submit token as the ballot form would carry it."""
        key = self.app.config["SETTINGS"].secret_key
        # Somebody of another community has a form of no household here.
        home = next((one.household_id for one in actor.homes_in(place.id)), 0)
        return tokens.issue(key, tokens.Binding(actor.session_id or 0, place.id, public_id, home))

    def cast(self, actor: Actor, place: Place, public_id: str, *choice: str) -> CastOutcome:
        """Cast a ballot with a fresh token."""
        return voting.cast_ballot(
            actor,
            community_id=place.id,
            public_id=public_id,
            choice=list(choice),
            token=self.token(actor, place, public_id),
        )

    def voters(self, place: Place, number: int, start: int = 0) -> list[Actor]:
        """Members of that many households."""
        return [self.resident(place, index) for index in range(start, start + number)]


def third() -> ShareTest:
    """At least a third of the electorate."""
    return ShareTest("electorate", 1, 3, ">=")


__all__ = ["PASSWORD", "Home", "Place", "Staff", "World", "third"]

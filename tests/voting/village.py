"""A small community to vote in: sixty households, three projects, one clerk. Builders only."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask
from sqlalchemy import select

from app.communities.models import Building, Community, Estate, Household, Jurisdiction, Level
from app.core import clock
from app.core.actor import SYSTEM, Actor, Grant, Home, Role
from app.core.db import db, transaction
from app.core.record import open_log
from app.people.models import LoginSession, Membership, Person, RoleGrant
from app.projects import operations as projects
from app.projects.rules import Line
from app.voting import operations, tokens
from app.voting.operations import PollDraft
from app.voting.rules import Method, Rules, ShareTest, default_rules
from tests.support.checked_client import FreshClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.testing import FlaskClient

    from app.voting.casting import CastOutcome

MONDAY = clock.at_local(2027, 5, 10, 9, 30)
PROJECTS = ("P01", "P02", "P03")
TITLES = {"P01": "老年助餐点", "P02": "楼道照明", "P03": "口袋公园"}


@dataclass
class Village:
    """One community, with what tests ask of it."""

    app: Flask
    code: str
    community_id: int
    households: list[int]
    clerk: Actor
    cookies: dict[int, str] = field(default_factory=dict)

    def member(self, household: int = 0) -> Actor:
        """Somebody who has joined the household with this number, signed in."""
        home = Home(self.community_id, self.households[household])
        with transaction() as session:
            person = Person(ref=secrets.token_hex(11), created_at=clock.now())
            session.add(person)
            session.flush()
            session.add(
                Membership(
                    community_id=self.community_id,
                    household_id=home.household_id,
                    person_id=person.id,
                    joined_at=clock.now(),
                )
            )
            session_id = self._sign_in(session, person.id, staff=False)
            return Actor(person.id, person.ref, session_id=session_id, homes=(home,))

    def staff(self, role: Role) -> Actor:
        """Somebody who works here in another role, signed in."""
        with transaction() as session:
            person = Person(ref=secrets.token_hex(11), display="工作人员", created_at=clock.now())
            session.add(person)
            session.flush()
            session.add(
                RoleGrant(
                    person_id=person.id,
                    role=role,
                    community_id=self.community_id,
                    starts_at=MONDAY - timedelta(days=3000),
                )
            )
            session_id = self._sign_in(session, person.id, staff=True)
            grants = (Grant(role, self.community_id),)
            return Actor(person.id, person.ref, session_id=session_id, grants=grants)

    def _sign_in(self, session: Any, person_id: int, *, staff: bool) -> int:
        cookie = secrets.token_urlsafe(24)
        row = LoginSession(
            id_hash=hashlib.sha256(cookie.encode()).hexdigest(),
            person_id=person_id,
            staff=staff,
            shared_phone=False,
            created_at=clock.now(),
            last_seen_at=clock.now(),
            expires_at=clock.now() + timedelta(days=300),
        )
        session.add(row)
        session.flush()
        self.cookies[person_id] = cookie
        return int(row.id)

    def browser(self, actor: Actor | None = None) -> FlaskClient:
        """A browser, signed in as somebody or nobody."""
        client = FreshClient(self.app)
        if actor is not None and actor.person_id is not None:
            if actor.is_staff:
                # Staff who sat idle are asked to sign in again; here they just did.
                with transaction() as session:
                    self._sign_in(session, actor.person_id, staff=True)
            with client.session_transaction() as cookie:
                cookie["_user_id"] = self.cookies[actor.person_id]
                cookie["_fresh"] = True
        return client

    def draft(self, **changes: Any) -> str:
        """A draft of a poll: up to two of three projects, closing in three days."""
        return operations.draft_poll(
            self.clerk, community_id=self.community_id, draft=choose_draft(**changes)
        )

    def open(self, **changes: Any) -> str:
        """An open poll."""
        poll = self.draft(**changes)
        operations.open_poll(self.clerk, community_id=self.community_id, public_id=poll)
        return poll

    def open_yes_no(self) -> str:
        """An open poll on one project."""
        return self.open(
            method=Method.YES_NO,
            projects=("P01",),
            rules=default_rules(Method.YES_NO),
            title="建不建老年助餐点？",
        )

    def token(self, actor: Actor, poll: str) -> str:
        """The token of a newly shown form."""
        key = self.app.config["SETTINGS"].secret_key
        home = actor.homes[0].household_id if actor.homes else 0
        binding = tokens.Binding(actor.session_id or 0, self.community_id, poll, home)
        return tokens.issue(key, binding)

    def cast(self, actor: Actor, poll: str, choice: Sequence[str], token: str = "") -> CastOutcome:
        """Cast a ballot with this token, or with a new one."""
        return operations.cast_ballot(
            actor,
            community_id=self.community_id,
            public_id=poll,
            choice=list(choice),
            token=token or self.token(actor, poll),
        )

    def close(self, poll: str) -> None:
        """Close the poll as the job does."""
        operations.close_poll(SYSTEM, community_id=self.community_id, public_id=poll)


def choose_draft(**changes: Any) -> PollDraft:
    """A draft as the desk would write it, with changes."""
    now = clock.now()
    values: dict[str, Any] = {
        "title": "今年先办哪两件？",
        "explanation": "钱只够办两件。",
        "method": Method.CHOOSE,
        "projects": PROJECTS,
        "rules": Rules((ShareTest("electorate", 1, 3, ">="),), (), k=2, seats=1),
        "opens_at": now + timedelta(hours=1),
        "closes_at": now.replace(second=0, microsecond=0) + timedelta(days=3),
    }
    return PollDraft(**(values | changes))


def found_village(app: Flask, code: str = "HXL", homes: int = 60) -> Village:
    """Make a community with a roll, a ledger and a clerk."""
    with transaction() as session:
        district = session.scalar(select(Jurisdiction))
        if district is None:
            district = Jurisdiction(level=Level.DISTRICT, code="D1", name="河东区")
            session.add(district)
            session.flush()
        community = Community(
            code=code,
            name=f"{code} 社区",
            jurisdiction_id=district.id,
            desk_phone="10000000001",
            office="3 号楼一层",
        )
        session.add(community)
        session.flush()
        open_log(session, community.id, code)
        households = _roll(session, community.id, homes)
        clerk = Person(ref=secrets.token_hex(11), display="办事员", created_at=clock.now())
        session.add(clerk)
        session.flush()
        session.add(
            RoleGrant(
                person_id=clerk.id,
                role=Role.CLERK,
                community_id=community.id,
                starts_at=MONDAY - timedelta(days=3000),
            )
        )
        grants = (Grant(Role.CLERK, community.id),)
        actor = Actor(clerk.id, clerk.ref, "办事员", grants=grants)
        village = Village(app, code, community.id, households, actor)
        village._sign_in(session, clerk.id, staff=True)
    for project in PROJECTS:
        projects.add_project(
            SYSTEM, community_id=village.community_id, code=project, text=project_text(project)
        )
    return village


def _roll(session: Any, community_id: int, homes: int) -> list[int]:
    estate = Estate(community_id=community_id, name="一区")
    session.add(estate)
    session.flush()
    building = Building(community_id=community_id, estate_id=estate.id, name="3")
    session.add(building)
    session.flush()
    rows = [
        Household(
            community_id=community_id,
            building_id=building.id,
            stairwell="1",
            room=str(101 + number),
        )
        for number in range(homes)
    ]
    shop = Household(
        community_id=community_id,
        building_id=building.id,
        stairwell="",
        room="底商1",
        unit_type="shop",
    )
    session.add_all([*rows, shop])
    session.flush()
    return [row.id for row in rows] + [shop.id]


def project_text(code: str) -> projects.ProjectText:
    """A project as the desk would type it."""
    return projects.ProjectText(
        title=TITLES[code],
        location="一区",
        problem="现在没有。",
        proposal="建一个。",
        supply_mode="build",
        budget_fen=269_000_00,
        decision_route=("preference_poll",),
        scope="全社区",
        build_months=3,
        upkeep_fen_per_year=30_000_00,
        upkeep_by="居委会",
        risk="",
        costs=(Line("设备", 269_000_00),),
        funds=(Line("区级配套", 269_000_00),),
    )


def later(**by: float) -> datetime:
    """A moment after the village's Monday morning."""
    return MONDAY + timedelta(**by)


def count_rows(model: Any) -> int:
    """How many rows a table has."""
    return len(db.session.scalars(select(model.id)).all())

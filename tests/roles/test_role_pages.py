"""Roles over the pages: proposed by one, given by another, refused and noted where they must be."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.communities.queries import community_by_id
from app.consultations import operations as topics
from app.core import clock
from app.core.actor import Role
from app.core.db import db, transaction
from app.core.errors import RuleBroken
from app.meetings import operations as meetings
from app.meetings import queries as meeting_queries
from app.people.models import RoleGrant, SecurityEvent
from app.policy.roles import PROPOSAL_LASTS
from app.roles import queries
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from tests.support.world import Place, Staff, World

DESK = "/c/HXL/desk/roles"


class Desk:
    """A community with its people, each in a browser of their own."""

    def __init__(self, app: Flask, world: World) -> None:
        self.app, self.world = app, world
        self.place: Place = world.community("HXL", 25)
        self.people: dict[Role, Staff] = {}
        self.browsers: dict[Role, CheckedClient] = {}

    def __getitem__(self, role: Role) -> CheckedClient:
        if role not in self.browsers:
            self.browsers[role] = CheckedClient(self.app)
            self.browsers[role].staff(self.person(role))
        return self.browsers[role]

    def person(self, role: Role) -> Staff:
        if role not in self.people:
            self.people[role] = self.world.staff(self.place, role)
        return self.people[role]

    def id_of(self, role: Role) -> int:
        return self.person(role).actor.require_person()

    def refused(self) -> list[tuple[str, str]]:
        db.session.rollback()
        kind = SecurityEvent.kind == "role.attempt_refused"
        rows = db.session.scalars(select(SecurityEvent).where(kind).order_by(SecurityEvent.id))
        return [(str(row.facts["role"]), str(row.facts["why"])) for row in rows]

    def holds(self, role: Role) -> int:
        db.session.rollback()
        now = clock.now()
        mine = RoleGrant.role == role.value, RoleGrant.community_id == self.place.id
        living = RoleGrant.ends_at.is_(None) | (RoleGrant.ends_at > now)
        return len(db.session.scalars(select(RoleGrant.id).where(*mine, living)).all())


@pytest.fixture
def desk(web_app: Flask, web_world: World, fixed_clock: datetime) -> Desk:
    return Desk(web_app, web_world)


def day(days: int) -> str:
    return f"{clock.local(clock.now() + timedelta(days=days)):%Y-%m-%d}"


def form(person: int, days: int = 60, **more: str) -> dict[str, str]:
    return {"person": str(person), "until": day(days), "reason": "会上商定"} | more


def test_a_role_from_its_proposal_to_its_end(desk: Desk) -> None:
    clerk, chair = desk[Role.CLERK], desk[Role.COMMITTEE_CHAIR]
    member, address = desk.id_of(Role.COMMITTEE), f"{DESK}/propose/designer"
    assert clerk.post(address, form(member) | {"reason": " "}).status_code == 422
    assert clerk.post(address, form(member)).status_code == 303
    assert "等别人定" in clerk.get(DESK).text
    assert "定一份提名" not in clerk.get("/c/HXL/desk/").text
    due = chair.get("/c/HXL/desk/").text
    assert "定一份提名：HXL社区的设计师" in due
    db.session.rollback()
    (waiting,) = queries.to_decide(desk.id_of(Role.COMMITTEE_CHAIR), [desk.place.id])
    page = f"{DESK}/proposals/{waiting.proposal.id}"
    assert page in due
    assert "交上决定" not in clerk.get(page).text
    assert clerk.post(page, {"verdict": "give", "word": ""}).status_code == 404
    assert chair.post(page, {"verdict": "refuse", "word": ""}).status_code == 422
    assert chair.post(page, {"verdict": "give", "word": ""}).status_code == 303
    assert chair.post(page, {"verdict": "give", "word": ""}).status_code == 422
    assert desk.holds(Role.DESIGNER) == 1
    assert "定一份提名" not in chair.get("/c/HXL/desk/").text
    db.session.rollback()
    (grant,) = db.session.scalars(select(RoleGrant.id).where(RoleGrant.role == Role.DESIGNER.value))
    end = f"{DESK}/{grant}/end"
    assert desk[Role.SUPERVISOR].get(end).status_code == 404
    assert chair.post(end, {"word": ""}).status_code == 422
    assert chair.post(end, {"word": "项目做完了"}).status_code == 303
    assert desk.holds(Role.DESIGNER) == 0
    assert chair.post(end, {"word": "再来"}).status_code == 404


def test_oneself_beyond_and_past_ones_end_are_refused_and_noted(desk: Desk) -> None:
    chair, clerk = desk[Role.COMMITTEE_CHAIR], desk[Role.CLERK]
    own, member = desk.id_of(Role.COMMITTEE_CHAIR), desk.id_of(Role.COMMITTEE)
    meeting = {"meeting": f"meeting:{desk.world.meeting(desk.place)}"}
    elsewhere = desk.world.staff(desk.world.community("YYL", 1)).actor.require_person()
    tries = (
        (chair, "meeting_chair", form(own) | meeting, "self"),
        (clerk, "affairs_supervisor", form(member), "beyond"),
        (clerk, "designer", form(member, -2), "past"),
        (clerk, "designer", form(member, 4000), "too_long"),
        (clerk, "designer", form(elsewhere), "no_account"),
        (clerk, "meeting_chair", form(member) | {"meeting": "meeting:nosuch"}, "meeting_over"),
    )
    for client, role, said, _why in tries:
        answer = client.post(f"{DESK}/propose/{role}", said)
        assert answer.status_code == 422, role
        assert "没有保存" in answer.text, role
    assert desk.refused() == [(role, why) for _client, role, _said, why in tries]
    for role in ("city", "administrator", "resident", "nothing"):
        assert clerk.post(f"{DESK}/propose/{role}", form(member)).status_code == 404
    assert desk[Role.SUPERVISOR].post(f"{DESK}/propose/designer", form(member)).status_code == 404
    assert desk.refused()[len(tries) :] == [
        ("city", "beyond"),
        ("administrator", "beyond"),
        ("resident", "beyond"),
        ("", "no_permission"),
    ]
    db.session.rollback()
    assert queries.to_decide(own) == []


def test_who_may_not_decide_or_is_of_another_community_is_noted(desk: Desk) -> None:
    clerk, member = desk[Role.CLERK], desk.id_of(Role.COMMITTEE)
    assert clerk.post(f"{DESK}/propose/designer", form(member)).status_code == 303
    db.session.rollback()
    (waiting,) = queries.waiting(community_by_id(desk.place.id).place)
    address = f"{DESK}/proposals/{waiting.id}"
    assert clerk.post(address, {"verdict": "give", "word": ""}).status_code == 404
    neighbour = CheckedClient(desk.app)
    neighbour.staff(desk.world.staff(desk.world.community("YYL", 1), Role.COMMITTEE_CHAIR))
    for there in (address, f"{DESK}/propose/designer", f"{DESK}/stand-in"):
        assert neighbour.get(there).status_code == 404
        assert neighbour.post(there, form(member) | {"verdict": "give"}).status_code == 404
    assert desk.refused() == [("designer", "no_permission"), *[("", "no_permission")] * 3]
    assert desk.holds(Role.DESIGNER) == 0


def test_nobody_gives_for_longer_than_their_own_role_lasts(desk: Desk) -> None:
    clerk = desk[Role.CLERK]
    with transaction() as session:
        mine = RoleGrant.person_id == desk.id_of(Role.CLERK)
        session.scalars(select(RoleGrant).where(mine)).one().ends_at = clock.now() + timedelta(30)
    member = desk.id_of(Role.COMMITTEE)
    assert clerk.post(f"{DESK}/propose/designer", form(member, 31)).status_code == 422
    assert desk.refused() == [("designer", "past_own_end")]
    assert clerk.post(f"{DESK}/propose/designer", form(member, 20)).status_code == 303


def test_whoever_agrees_reads_until_when_they_can(desk: Desk) -> None:
    clerk, chair = desk[Role.CLERK], desk[Role.COMMITTEE_CHAIR]
    with transaction() as session:
        mine = RoleGrant.person_id == desk.id_of(Role.COMMITTEE_CHAIR)
        until = clock.bounds_of_day(clock.day_of(clock.now()) + timedelta(30))[1]
        session.scalars(select(RoleGrant).where(mine)).one().ends_at = until
    member = desk.id_of(Role.COMMITTEE)
    assert clerk.post(f"{DESK}/propose/designer", form(member, 31)).status_code == 303
    (address,) = set(re.findall(rf"{DESK}/proposals/\d+", chair.get(DESK).text))
    assert "您自己的角色到6月19日（周五）24:00为止" in chair.get(address).text
    answer = chair.post(address, {"verdict": "give", "word": ""})
    assert (answer.status_code, "到期的日子比您自己的角色还晚" in answer.text) == (422, True)
    assert (desk.holds(Role.DESIGNER), desk.refused()) == (0, [("designer", "past_decider_end")])
    assert chair.post(address, {"verdict": "refuse", "word": "改早一些"}).status_code == 303
    assert clerk.post(f"{DESK}/propose/designer", form(member, 30)).status_code == 303
    (address,) = set(re.findall(rf"{DESK}/proposals/\d+", chair.get(DESK).text)) - {address}
    assert "您自己的角色到" not in chair.get(address).text
    assert chair.post(address, {"verdict": "give", "word": ""}).status_code == 303
    assert desk.holds(Role.DESIGNER) == 1


def test_what_nobody_decided_in_time_lapses_and_can_be_proposed_anew(desk: Desk) -> None:
    member, address = desk.id_of(Role.COMMITTEE), f"{DESK}/propose/designer"
    assert desk[Role.CLERK].post(address, form(member)).status_code == 303
    assert desk[Role.CLERK].post(address, form(member)).status_code == 422
    db.session.rollback()
    (one,) = queries.waiting(community_by_id(desk.place.id).place)
    clock.advance(PROPOSAL_LASTS + timedelta(minutes=1))
    desk.browsers.clear()
    late = desk[Role.COMMITTEE_CHAIR].post(
        f"{DESK}/proposals/{one.id}", {"verdict": "give", "word": ""}
    )
    assert late.status_code == 422
    assert desk.refused() == [("designer", "twice"), ("designer", "lapsed")]
    assert desk[Role.CLERK].post(address, form(member)).status_code == 303
    assert desk.holds(Role.DESIGNER) == 0


def test_a_stand_in_over_the_pages(desk: Desk) -> None:
    member, watcher = desk[Role.COMMITTEE], desk[Role.SUPERVISOR]
    own, address = desk.id_of(Role.COMMITTEE), f"{DESK}/stand-in"
    assert member.post(address, form(own)).status_code == 422
    assert member.post(address, form(desk.id_of(Role.CLERK))).status_code == 422
    assert member.post(address, form(desk.id_of(Role.SUPERVISOR), 400)).status_code == 422
    assert desk.refused() == [("", "self"), ("", "stand_in_role"), ("", "too_long")]
    assert member.post(address, form(desk.id_of(Role.SUPERVISOR))).status_code == 303
    assert watcher.get(address).status_code == 404
    assert desk.person(Role.SUPERVISOR).actor.display in member.get(DESK).text
    assert desk[Role.CLERK].post(f"{DESK}/propose/designer", form(own)).status_code == 303
    assert "定一份提名" in watcher.get("/c/HXL/desk/").text
    # With a chair there is a second person again, and nothing is left for the stand-in.
    desk.person(Role.COMMITTEE_CHAIR)
    assert "定一份提名" not in watcher.get("/c/HXL/desk/").text
    db.session.rollback()
    (one,) = queries.waiting(community_by_id(desk.place.id).place)
    page = f"{DESK}/proposals/{one.id}"
    assert watcher.post(page, {"verdict": "give", "word": ""}).status_code == 422
    assert desk.refused()[-1] == ("designer", "second_there")


def test_who_is_above_and_the_administrator_find_what_waits_for_them(desk: Desk) -> None:
    asked = form(desk.id_of(Role.COMMITTEE))
    assert desk[Role.CLERK].post(f"{DESK}/propose/committee_chair", asked).status_code == 303
    homes = {
        Role.SUBDISTRICT: "/d/SHXL/",
        Role.DISTRICT: "/d/DHXL/",
        Role.CITY: "/d/CHXL/",
        Role.ADMINISTRATOR: "/system/",
    }
    for role, home in homes.items():
        page = desk[role].get(home).text
        assert "定一份提名：HXL社区的居委会主任" in page, role
    other = desk.world.community("YYL", 1)
    stranger = CheckedClient(desk.app)
    stranger.staff(desk.world.staff(other, Role.SUBDISTRICT))
    assert "定一份提名" not in stranger.get("/d/SYYL/").text
    db.session.rollback()
    (one,) = queries.waiting(community_by_id(desk.place.id).place)
    page = f"{DESK}/proposals/{one.id}"
    assert stranger.post(page, {"verdict": "give", "word": ""}).status_code == 404
    assert desk[Role.DISTRICT].post(page, {"verdict": "give", "word": ""}).status_code == 303
    assert desk.holds(Role.COMMITTEE_CHAIR) == 1


def test_chair_and_representative_confirm_minutes_that_another_wrote(
    desk: Desk, client: CheckedClient
) -> None:
    place, clerk = desk.place, desk.world.clerk(desk.place)
    held = [desk.world.topic(place, title=title) for title in ("长椅", "路灯")]
    written = [desk.world.meeting(place, topic) for topic in held]
    clock.advance(timedelta(days=10))
    for topic, meeting in zip(held, written, strict=True):
        topics.open_session(clerk, community_id=place.id, topic_id=topic)
        meetings.write_minutes(clerk, community_id=place.id, meeting_id=meeting, text="大家同意。")
        meetings.close_meeting(clerk, community_id=place.id, meeting_id=meeting)
    client.enter(desk.world, place, 0)
    address = f"/c/HXL/desk/meetings/{written[0]}"
    assert client.post(f"{address}/confirm").status_code == 404
    desk.world.give(place, Role.REPRESENTATIVE)
    assert client.get("/c/HXL/my/representative").status_code == 200
    assert client.post(f"{address}/confirm").status_code == 303
    chair = desk[Role.COMMITTEE_CHAIR]
    assert chair.post(f"/c/HXL/desk/meetings/{written[1]}/confirm").status_code == 303
    db.session.rollback()
    for meeting in written:
        assert meeting_queries.meeting(place.id, meeting).confirmed_at is not None
    # Whoever wrote them is not the second person, whatever else they hold.
    with pytest.raises(RuleBroken, match=r"meeting\."):
        meetings.confirm_minutes(clerk, community_id=place.id, meeting_id=written[0])

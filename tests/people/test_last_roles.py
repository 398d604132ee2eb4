"""Whose last role has ended is led to the door and told so, and nobody else is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from app.core import clock
from app.core.actor import Role
from app.core.db import transaction
from app.people import browser, queries
from app.people.last_roles import last_role
from app.people.models import LoginSession, RoleGrant
from app.people.steps import end_roles
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from tests.support.world import Place, Staff, World

OVER = "结束了，已经退出"
COOKIE = "linyi"


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community("HXL", 2)


def runs_out(staff: Staff, minutes: int = 10, *roles: Role) -> None:
    """Let somebody's roles end by their time."""
    mine = [RoleGrant.person_id == staff.actor.person_id]
    if roles:
        mine.append(RoleGrant.role.in_(roles))
    with transaction() as session:
        until = clock.now() + timedelta(minutes=minutes)
        session.execute(update(RoleGrant).where(*mine).values(ends_at=until))


def cookie_of(client: CheckedClient) -> str:
    found = client.raw.get_cookie(COOKIE)
    assert found is not None
    return found.value


@pytest.mark.parametrize(
    ("role", "address", "whom"),
    [
        (Role.CLERK, "/staff/account", "请居委会再提一次"),
        (Role.COMMITTEE_CHAIR, "/c/HXL/desk/", "请居委会再提一次"),
        (Role.DESIGNER, "/c/HXL/inbox", "请居委会再提一次"),
        (Role.SUBDISTRICT, "/d/SHXL/", "请找系统管理员"),
        (Role.CITY, "/staff/", "请找系统管理员"),
        (Role.ADMINISTRATOR, "/system/", "请找系统管理员"),
    ],
)
def test_a_role_that_runs_out_leads_to_the_door_and_says_so_once(
    client: CheckedClient, web_world: World, place: Place, role: Role, address: str, whom: str
) -> None:
    staff = web_world.staff(place, role)
    client.staff(staff)
    assert client.get("/staff/account").status_code == 200
    runs_out(staff)
    clock.advance(timedelta(minutes=9, seconds=59))
    assert client.get("/staff/account").status_code == 200
    clock.advance(timedelta(seconds=1))
    away = client.raw.get(address)
    assert (away.status_code, "/staff/sign-in" in away.headers["Location"]) == (303, True)
    door = client.raw.get(away.headers["Location"]).text
    assert OVER in door
    assert "到5月20日（周三）10:13结束了" in door
    assert whom in door
    assert "没有保存" not in door, "nothing was sent"
    again = client.raw.get(address, follow_redirects=True).text
    assert OVER not in again, "told once"


def test_what_was_sent_is_said_not_to_be_saved(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    staff = web_world.staff(place)
    client.staff(staff)
    fields = client.fields("/c/HXL/desk/bodies/new", "/c/HXL/desk/bodies/new")
    runs_out(staff)
    clock.advance(timedelta(minutes=10))
    typed = fields | {"kind": "agency", "name": "住建局", "since": "2026-05-01"}
    away = client.raw.post("/c/HXL/desk/bodies/new", data=typed)
    assert away.status_code == 303
    door = client.raw.get(away.headers["Location"]).text
    assert OVER in door
    assert "刚才交的没有保存" in door
    assert "（30 分钟不操作会自动退出）" not in door, "that was not why"
    assert "住建局" not in client.raw.get("/c/HXL/bodies").text


def test_one_ended_by_hand_is_told_in_the_same_words(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    staff = web_world.staff(place)
    client.staff(staff)
    with transaction() as session:
        end_roles(session, clock.now(), RoleGrant.person_id == staff.actor.person_id)
    away = client.raw.get("/staff/", follow_redirects=True)
    assert OVER in away.text


def test_whoever_holds_another_role_stays(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    staff = web_world.staff(place)
    client.staff(staff)
    web_world.acting(place, web_world.body(place), staff.actor)
    runs_out(staff, 10, Role.CLERK)
    clock.advance(timedelta(minutes=10))
    assert client.get("/c/HXL/my/bodies").status_code == 200


def test_strangers_and_who_had_left_before_are_told_nothing(
    client: CheckedClient, web_app: Flask, web_world: World, place: Place
) -> None:
    staff, left, rested = web_world.staff(place), CheckedClient(web_app), CheckedClient(web_app)
    client.staff(staff)
    clock.advance(timedelta(minutes=1))
    left.staff(staff)
    cookie = cookie_of(left)
    left.post("/sign-out")
    runs_out(staff)
    clock.advance(timedelta(minutes=11))
    left.raw.set_cookie(COOKIE, cookie)
    for stranger in (CheckedClient(web_app), left):
        assert OVER not in stranger.raw.get("/staff/account", follow_redirects=True).text
    assert OVER in client.raw.get("/staff/account", follow_redirects=True).text
    # Whoever was only idle, and works here still, is told what is told to all.
    other = web_world.staff(place, Role.COMMITTEE)
    rested.staff(other)
    clock.advance(timedelta(minutes=31))
    assert OVER not in rested.raw.get("/staff/account", follow_redirects=True).text


def test_a_resident_without_a_role_is_no_such_session(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    client.enter(web_world, place, 0)
    web_world.give(place, Role.REPRESENTATIVE)
    clock.advance(timedelta(days=31))
    assert client.get("/c/HXL/mine").status_code == 200


def test_a_page_that_asks_by_itself_does_not_use_the_words_up(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    staff = web_world.staff(place)
    client.staff(staff)
    runs_out(staff)
    clock.advance(timedelta(minutes=10))
    assert client.raw.get("/staff/stay", follow_redirects=True).status_code == 200
    assert OVER in client.raw.get("/staff/", follow_redirects=True).text


def test_the_last_role_of_a_session_on_either_engine(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 1)
    staff = world.staff(place)
    runs_out(staff)
    with transaction() as session:
        mine = LoginSession.person_id == staff.actor.person_id
        known = session.query(LoginSession.id_hash).filter(mine).scalar()
    assert last_role(known) is None
    assert last_role(browser.hash_of("nobody")) is None
    clock.advance(timedelta(minutes=10))
    found = last_role(known)
    assert found is not None
    assert (found.role, found.above, found.ended_at) == ("committee_clerk", False, clock.now())
    assert queries.session_by_hash(known) is None

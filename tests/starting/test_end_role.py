"""Somebody who no longer works for a community can do nothing there from the next request on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from sqlalchemy import select

from app.core import clock
from app.core.actor import SYSTEM, Actor, Role
from app.core.db import db, transaction
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.people import accounts, browser, operations
from app.people import queries as people
from app.people.models import RoleGrant, SecurityEvent
from app.starting import queries
from tests.support.checked_client import CheckedClient
from tests.support.world import PASSWORD, Staff, World

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flask import Flask

    from tests.support.world import Place


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community("HXL", 1)


def end(place: Place, actor: Actor, person: Actor, role: Role = Role.CLERK) -> None:
    accounts.end_role(actor, community_id=place.id, person_id=person.require_person(), role=role)


def test_an_ended_role_is_gone_and_the_sessions_of_who_has_no_other_are(
    world: World, place: Place
) -> None:
    admin, clerk = world.staff(place, Role.ADMINISTRATOR).actor, world.staff(place).actor
    stays = world.staff(place)
    end(place, admin, clerk)
    assert [line.sign_in_name for line in queries.staff_of(place.id)] == [stays.name]
    db.session.rollback()
    (event,) = db.session.scalars(select(SecurityEvent).where(SecurityEvent.kind == "role.ended"))
    assert event.person_id == clerk.person_id
    assert event.facts == {"role": "committee_clerk", "by": admin.person_id}
    db.session.rollback()
    with pytest.raises(NotFound):
        end(place, admin, clerk)
    with pytest.raises(NotFound):
        end(place, admin, stays.actor, Role.DESIGNER)


def test_who_has_another_role_keeps_the_session_and_that_role(world: World, place: Place) -> None:
    other = world.community("YYL", 1)
    admin, clerk = world.staff(place, Role.ADMINISTRATOR).actor, world.staff(place).actor
    with transaction() as session:
        session.add(
            RoleGrant(
                person_id=clerk.require_person(),
                role=Role.COMMITTEE,
                community_id=other.id,
                starts_at=clock.now(),
            )
        )
    end(place, admin, clerk)
    with pytest.raises(NotFound):
        end(other, admin, clerk)
    db.session.rollback()
    assert [line.role for line in queries.staff_of(other.id)] == [Role.COMMITTEE]


def test_nobody_but_an_administrator_ends_a_role(world: World, place: Place) -> None:
    clerk = world.staff(place).actor
    for role in (Role.CLERK, Role.COMMITTEE, Role.SUPERVISOR, Role.DESIGNER, Role.DISTRICT):
        with pytest.raises(NotAllowed):
            end(place, world.staff(place, role).actor, clerk)
    with pytest.raises(NotAllowed):
        end(place, Actor(), clerk)


def test_by_the_pages_it_holds_from_the_next_request_on(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    admin, clerk = CheckedClient(web_app), CheckedClient(web_app)
    admin.staff(world.staff(place, Role.ADMINISTRATOR))
    staff = world.staff(place)
    world.staff(place, Role.COMMITTEE)
    clerk.staff(staff)
    assert clerk.get("/c/HXL/desk/").status_code == 200
    cookie = clerk.raw.get_cookie("linyi")
    assert cookie is not None

    start = admin.get("/system/communities/HXL/").text
    person = staff.actor.person_id
    address = f"/system/communities/HXL/people/{person}/end/committee_clerk"
    assert address in start
    asked = admin.get(address).text
    assert "本社区只有这一位社区工作人员" in asked
    assert admin.raw.get(address.replace("committee_clerk", "designer")).status_code == 404
    assert (
        admin.raw.post(
            address.replace("committee_clerk", "king"), data={"csrf_token": admin.token()}
        ).status_code
        == 404
    )
    press = {"csrf_token": admin.token()}
    for _again in range(2):
        assert admin.raw.post(address, data=press).status_code == 303
    assert admin.raw.get(address).status_code == 404

    after = clerk.raw.get("/c/HXL/desk/")
    assert after.status_code == 303
    assert "/staff/sign-in" in after.headers["Location"]
    assert people.session_by_hash(browser.hash_of(cookie.value)) is None
    clock.advance(timedelta(minutes=2))
    typed = {"name": staff.name, "password": PASSWORD}
    now = pyotp.TOTP(staff.secret).at(clock.now())
    wrong = clerk.raw.post(
        "/staff/sign-in", data=typed | {"csrf_token": clerk.token(), "totp": "000000"}
    )
    assert "停用" not in wrong.text, "it is told to whoever has both alone"
    told = clerk.raw.post("/staff/sign-in", data=typed | {"csrf_token": clerk.token(), "totp": now})
    assert (told.status_code, "这个账号已经停用，没有登录" in told.text) == (422, True)
    db.session.rollback()
    kinds = db.session.scalars(select(SecurityEvent.kind).order_by(SecurityEvent.id)).all()
    assert kinds[-1] == "staff.ended_refused"
    db.session.rollback()
    assert (
        "谁来做社区工作人员？"
        in admin.raw.get("/system/communities/HXL/", follow_redirects=True).text
    )


def test_a_role_given_until_a_day_ends_with_that_day_by_itself(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    admin = CheckedClient(web_app)
    admin.staff(world.staff(place, Role.ADMINISTRATOR))
    world.staff(place)
    world.staff(place, Role.COMMITTEE)
    address = "/system/communities/HXL/people/designer"
    typed = {"display": "设计师丁", "sign_in_name": "dingsheji"}
    for wrong in ("2026-05-20", "2026-05-01", "2029-05-21", "9999-12-31", "明年"):
        refused = admin.post(address, typed | {"until": wrong})
        assert refused.status_code == 422, wrong
    slip = admin.post(address, typed | {"until": "2026-06-30"})
    assert slip.status_code == 200
    assert "到6月30日（周二）为止" in admin.get("/system/communities/HXL/").text
    db.session.rollback()
    (line,) = queries.staff_of(place.id, (Role.DESIGNER,))
    assert line.last_day is not None

    given: dict[str, Any] = {"role": Role.DESIGNER, "community_id": place.id, "password": PASSWORD}
    secret = operations.add_staff(
        SYSTEM,
        sign_in_name="wusheji",
        display="设计师戊",
        ends_at=line.last_day + timedelta(minutes=1),
        **given,
    )
    clock.advance(clock.at_local(2026, 6, 30, 23, 50) - clock.now())
    designer = CheckedClient(web_app)
    designer.staff(Staff("wusheji", secret, Actor()))
    assert designer.get("/c/HXL/designer").status_code == 200
    clock.advance(timedelta(minutes=10))
    assert designer.raw.get("/c/HXL/designer").status_code == 303
    db.session.rollback()
    assert queries.staff_of(place.id, (Role.DESIGNER,)) == []
    with pytest.raises(RuleBroken, match=r"staff\.ends_too_soon"):
        operations.add_staff(
            SYSTEM, sign_in_name="someone", display="某人", ends_at=clock.now(), **given
        )


def test_a_slip_that_got_lost_on_its_way_is_told_of(web_app: Flask, fixed_clock: datetime) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    admin = CheckedClient(web_app)
    admin.staff(world.staff(place, Role.ADMINISTRATOR))
    world.staff(place)
    world.staff(place, Role.COMMITTEE)
    press = {"csrf_token": admin.token(), "display": "设计师丁", "sign_in_name": "dingsheji"}
    address = "/system/communities/HXL/people/designer"
    assert admin.raw.post(address, data=press).status_code == 200
    again = admin.raw.post(address, data=press)
    assert again.status_code == 303
    assert "纸条没有送到您这里" in admin.get(again.headers["Location"]).text
    db.session.rollback()
    assert len(queries.staff_of(place.id, (Role.DESIGNER,))) == 1


def test_a_role_without_a_day_ends_when_its_term_does(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    admin = CheckedClient(web_app)
    admin.staff(world.staff(place, Role.ADMINISTRATOR))
    for step, name, days in (("clerk", "jia", 1827), ("designer", "yi", 1095)):
        address = f"/system/communities/HXL/people/{step}"
        slip = admin.post(address, {"display": name, "sign_in_name": f"someone{name}"})
        assert slip.status_code == 200
        db.session.rollback()
        newest = select(RoleGrant.ends_at).order_by(RoleGrant.id.desc()).limit(1)
        ends = db.session.scalars(newest).one()
        assert ends - clock.now() == timedelta(days=days)


def test_who_works_above_communities_is_ended_from_the_command_line(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    officer = world.staff(place, Role.SUBDISTRICT)
    client = CheckedClient(web_app)
    client.staff(officer)
    assert client.get("/d/SHXL/settings").status_code == 200
    run = web_app.test_cli_runner().invoke
    assert run(args=["community", "end-above", "DHXL", officer.name]).exit_code == 1
    done = run(args=["community", "end-above", "SHXL", officer.name])
    assert (done.exit_code, "ended=1" in done.output) == (0, True), done.output
    assert client.raw.get("/d/SHXL/settings").status_code == 303, "signed out, to the door"
    assert run(args=["community", "end-above", "SHXL", officer.name]).exit_code == 1
    (event,) = db.session.scalars(select(SecurityEvent).where(SecurityEvent.kind == "role.ended"))
    assert (event.person_id, event.facts["role"]) == (officer.actor.person_id, "subdistrict")


def test_an_account_above_communities_ends_by_itself(
    web_app: Flask, fixed_clock: datetime, tmp_path: Path
) -> None:
    World(web_app).community("HXL", 1)
    asked = ["community", "staff-above", "SHXL", "--person"]
    run = web_app.test_cli_runner().invoke
    for name, more in (("one", ["--until", "2026-12-31"]), ("two", [])):
        slip = str(tmp_path / name)
        assert run(args=[*asked, name, "某人", "--slip", slip, *more]).exit_code == 0
    ends = db.session.scalars(select(RoleGrant.ends_at).order_by(RoleGrant.id)).all()
    first, last = clock.day_of(ends[0]), ends[1] - clock.now()
    assert (first.isoformat(), timedelta(days=1826) < last < timedelta(days=1829)) == (
        "2027-01-01",
        True,
    )


def test_the_last_administrator_stays(world: World, place: Place) -> None:
    city = world.staff(place, Role.ADMINISTRATOR), world.staff(place, Role.ADMINISTRATOR)
    (at,) = set(
        db.session.scalars(
            select(RoleGrant.jurisdiction_id).where(RoleGrant.role == Role.ADMINISTRATOR.value)
        )
    )
    db.session.rollback()
    ended = accounts.end_roles_above(SYSTEM, jurisdiction_id=at, sign_in_name=city[0].name)
    assert ended == 1
    with pytest.raises(RuleBroken, match="last_administrator"):
        accounts.end_roles_above(SYSTEM, jurisdiction_id=at, sign_in_name=city[1].name)
    with pytest.raises(NotAllowed):
        accounts.end_roles_above(
            world.staff(place, Role.CITY).actor, jurisdiction_id=at, sign_in_name=city[1].name
        )

"""Somebody who no longer works for a community can do nothing there from the next request on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.actor import Actor, Role
from app.core.db import db, transaction
from app.core.errors import NotAllowed, NotFound
from app.people import accounts, browser
from app.people import queries as people
from app.people.models import RoleGrant, SecurityEvent
from app.starting import queries
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

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
    assert (
        "谁来做社区工作人员？"
        in admin.raw.get("/system/communities/HXL/", follow_redirects=True).text
    )

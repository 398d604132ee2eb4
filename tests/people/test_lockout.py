"""Whoever knows a sign-in name keeps nobody out of it. On both engines."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest
from sqlalchemy import select

from app.core import clock
from app.core.actor import Actor
from app.core.db import db
from app.people import accounts, credentials, operations, own_browsers, queries
from app.people.models import StaffAccount
from tests.support.checked_client import CheckedClient
from tests.support.world import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.world import Place, Staff, World

WRONG = "wrong password here"
NEW = "绿皮火车开过三号楼的早晨 7 点"
OWN = "linyi-own"


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community(households=1)


@pytest.fixture
def staff(world: World, place: Place) -> Staff:
    return world.staff(place)


def come(staff: Staff, password: str = PASSWORD, passes: Sequence[str] = ()) -> bool:
    clock.advance(timedelta(seconds=30))
    totp = pyotp.TOTP(staff.secret).at(clock.now())
    who = {"sign_in_name": staff.name, "password": password, "totp": totp}
    return bool(operations.staff_sign_in(Actor(), **who, passes=passes))


def passes_of(staff: Staff) -> list[str]:
    return own_browsers.with_pass(staff.actor.require_person(), [])


def test_a_browser_of_ones_own_comes_in_while_strangers_are_wrong(staff: Staff) -> None:
    own = passes_of(staff)
    for _ in range(10):
        assert not come(staff, WRONG)
    assert not come(staff), "a browser that nobody knows waits"
    assert come(staff, passes=own)
    assert come(staff), "and whoever came in has ended the wait"


def test_a_browser_of_ones_own_is_judged_by_its_own_mistakes(staff: Staff) -> None:
    own, another = passes_of(staff), passes_of(staff)
    for _ in range(10):
        assert not come(staff, WRONG, own)
    assert not come(staff, passes=own)
    assert come(staff, passes=another)
    clock.advance(timedelta(minutes=16))
    assert come(staff, passes=own)


def test_a_pass_is_for_one_account_and_one_password(
    world: World, place: Place, staff: Staff
) -> None:
    other, own = world.staff(place), passes_of(staff)
    forged = [f"{own[0].partition('.')[0]}.{'0' * 64}", "", ".", "x", own[0] + "0"]
    for _ in range(10):
        come(staff, WRONG)
    assert not come(staff, passes=passes_of(other))
    assert not come(staff, passes=forged)
    assert not come(staff, passes=[*forged, *own]), "no more than five are looked at"
    assert not come(staff, WRONG, own)
    assert credentials.change_password(_proved(staff), old=PASSWORD, new=NEW)
    assert not come(staff, NEW, own)
    assert come(staff, NEW, passes_of(staff))


def _proved(staff: Staff) -> Actor:
    clock.advance(timedelta(seconds=30))
    assert accounts.prove(staff.actor, typed=pyotp.TOTP(staff.secret).at(clock.now()))
    for _ in range(10):
        come(staff, WRONG)
    return staff.actor


def test_a_computer_that_is_shared_keeps_the_passes_of_five(world: World, place: Place) -> None:
    passes: list[str] = []
    people = [world.staff(place).actor.require_person() for _ in range(6)]
    for person in people:
        passes = own_browsers.with_pass(person, passes)
        assert own_browsers.with_pass(person, passes) == passes
    accounts_of = {row.person_id: row for row in db.session.scalars(select(StaffAccount)).all()}
    found = [
        bool(own_browsers.mark(accounts_of[one].id, accounts_of[one].password_hash, passes))
        for one in people
    ]
    assert found == [False, *[True] * 5]


def test_strangers_at_the_door_stop_no_step_inside(staff: Staff) -> None:
    clock.advance(timedelta(minutes=11))
    for _ in range(10):
        come(staff, WRONG)
    assert not come(staff)
    clock.advance(timedelta(seconds=30))
    typed = pyotp.TOTP(staff.secret).at(clock.now())
    assert accounts.prove(staff.actor, typed=typed)


def test_ten_wrong_first_numbers_of_a_new_phone_rest_this_session(staff: Staff) -> None:
    secret = credentials.start_new_phone(staff.actor, password=PASSWORD)
    for _ in range(10):
        assert not credentials.confirm_new_phone(staff.actor, typed="000000")
    assert not credentials.confirm_new_phone(staff.actor, typed=pyotp.TOTP(secret).at(clock.now()))
    clock.advance(timedelta(minutes=16))
    assert credentials.confirm_new_phone(staff.actor, typed=pyotp.TOTP(secret).at(clock.now()))


def test_the_pass_outlives_signing_out_and_opens_nothing(
    client: CheckedClient, web_world: World, fixed_clock: datetime
) -> None:
    clerk = web_world.staff(web_world.community("HXL", 1))
    client.staff(clerk)
    kept = client.raw.get_cookie(OWN)
    assert kept is not None
    assert (kept.http_only, kept.same_site, kept.path) == (True, "Strict", "/")
    client.post("/sign-out")
    after = client.raw.get_cookie(OWN)
    assert after is not None
    assert after.value == kept.value
    client.signed_in = False
    assert client.get("/staff/account").status_code == 303
    for _ in range(10):
        come(clerk, WRONG)
    assert not come(clerk)
    client.staff(clerk)
    assert client.get("/staff/account").status_code == 200
    assert len(queries.own_sessions(clerk.actor)) == 2

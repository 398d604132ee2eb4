"""Invitations by link, and a way back that takes two. On both engines."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest
from sqlalchemy import select

from app.core import clock
from app.core.actor import Actor, Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.people import (
    account_links,
    accounts,
    credentials,
    link_queries,
    operations,
    passkey_operations,
    queries,
    secrets_box,
)
from app.people.account_links import LinkKey
from app.people.credential_steps import NewAccount
from app.people.models import AccountLink, StaffAccount
from tests.people.test_own_account import session_of, sign_in
from tests.support.checked_client import CheckedClient
from tests.support.world import PASSWORD

if TYPE_CHECKING:
    from tests.support.world import Place, Staff, World

OWN = "绿皮火车开过三号楼的早晨 7 点"
VISITOR = Actor()


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community(households=1)


@pytest.fixture
def admin(world: World, place: Place) -> Staff:
    return world.staff(place, Role.ADMINISTRATOR)


def key_of(token: str) -> LinkKey:
    return LinkKey(secrets_box.hash_link(token))


def invite(admin: Staff, place: Place, name: str = "liming") -> tuple[LinkKey, int]:
    new = NewAccount(name, "李明", Role.CLERK, place.id)
    token = account_links.invite(admin.actor, new=new)
    kept = db.session.scalars(select(AccountLink.token_hash)).all()
    assert token not in str(kept)
    person = db.session.scalars(
        select(StaffAccount.person_id).where(StaffAccount.sign_in_name == name)
    ).one()
    return key_of(token), person


def secret_at(key: LinkKey) -> str:
    found = link_queries.open_link(key)
    assert found is not None
    return found.secret


def comes_in(name: str, secret: str, password: str = OWN) -> bool:
    clock.advance(timedelta(minutes=1))
    totp = pyotp.TOTP(secret).at(clock.now())
    return bool(operations.staff_sign_in(VISITOR, sign_in_name=name, password=password, totp=totp))


def finish(key: LinkKey) -> tuple[str, list[str]]:
    account_links.set_password(VISITOR, key=key, password=OWN)
    secret = secret_at(key)
    codes = account_links.confirm_totp(VISITOR, key=key, typed=pyotp.TOTP(secret).at(clock.now()))
    return secret, codes


def test_the_invited_set_up_their_own_account_in_steps_that_are_kept(
    admin: Staff, place: Place
) -> None:
    key, person = invite(admin, place)
    assert not comes_in("liming", pyotp.random_base32(), "")
    account_links.set_password(VISITOR, key=key, password=OWN)
    secret = secret_at(key)
    assert not comes_in("liming", secret), "half a set-up lets nobody in"
    clock.advance(timedelta(days=6))
    assert secret_at(key) == secret, "continued with the same link"
    assert account_links.confirm_totp(VISITOR, key=key, typed="000000") == []
    codes = account_links.confirm_totp(VISITOR, key=key, typed=pyotp.TOTP(secret).at(clock.now()))
    assert len(codes) == 10
    assert comes_in("liming", secret)
    assert link_queries.open_link(key) is None
    for act in (
        lambda: account_links.set_password(VISITOR, key=key, password=OWN),
        lambda: account_links.confirm_totp(VISITOR, key=key, typed="000000"),
        lambda: account_links.give_number(VISITOR, key=key, number="000000"),
    ):
        with pytest.raises(RuleBroken, match=r"link\.dead"):
            act()
    with pytest.raises(RuleBroken, match=r"staff\.in_use"):
        account_links.renew_invitation(admin.actor, community_id=place.id, person_id=person)


def test_expired_void_renewed_and_of_an_ended_role_a_link_is_dead(
    admin: Staff, place: Place
) -> None:
    where = {"community_id": place.id}
    old, person = invite(admin, place)
    key = key_of(account_links.renew_invitation(admin.actor, **where, person_id=person))
    assert link_queries.open_link(old) is None
    account_links.void_invitation(admin.actor, **where, person_id=person)
    assert link_queries.open_link(key) is None
    with pytest.raises(NotFound):
        account_links.void_invitation(admin.actor, **where, person_id=person)
    late = key_of(account_links.renew_invitation(admin.actor, **where, person_id=person))
    clock.advance(timedelta(days=7))
    over = key_of(account_links.renew_invitation(admin.actor, **where, person_id=person))
    accounts.end_role(admin.actor, **where, person_id=person, role=Role.CLERK)
    for dead in (old, key, late, over, key_of("0" * 24), LinkKey("")):
        assert link_queries.open_link(dead) is None
        with pytest.raises(RuleBroken, match=r"link\.dead"):
            account_links.set_password(VISITOR, key=dead, password=OWN)


def test_after_seven_days_no_step_of_a_set_up_is_taken(admin: Staff, place: Place) -> None:
    key, _person = invite(admin, place)
    account_links.set_password(VISITOR, key=key, password=OWN)
    totp = pyotp.TOTP(secret_at(key))
    clock.advance(timedelta(days=7))
    assert link_queries.open_link(key) is None
    for act in (
        lambda: account_links.set_password(VISITOR, key=key, password=OWN),
        lambda: account_links.confirm_totp(VISITOR, key=key, typed=totp.at(clock.now())),
        lambda: account_links.confirm_passkey(VISITOR, key=key, name="x", answer="{}"),
    ):
        with pytest.raises(RuleBroken, match=r"link\.dead"):
            act()
    with pytest.raises(NotFound):
        passkey_operations.ask_to_set_up(VISITOR, key=key)


def test_nobody_but_an_administrator_invites(world: World, place: Place) -> None:
    new = NewAccount("liming", "李明", Role.CLERK, place.id)
    for actor in (world.staff(place).actor, world.resident(place), VISITOR):
        with pytest.raises(NotAllowed):
            account_links.invite(actor, new=new)


def test_neither_half_alone_takes_an_account_over(world: World, admin: Staff, place: Place) -> None:
    clerk, other = world.staff(place), world.staff(world.community("LNJ", households=1))
    clock.advance(timedelta(days=30))
    member = world.staff(place, Role.COMMITTEE)
    person = member.actor.require_person()
    key = key_of(account_links.ask_regain(admin.actor, community_id=place.id, person_id=person))
    with pytest.raises(RuleBroken, match=r"link\.dead"):
        account_links.set_password(VISITOR, key=key, password=OWN)
    (waiting,) = link_queries.waiting_for(clerk.actor)
    assert link_queries.waiting_for(admin.actor) == []
    stranger = other.actor
    assert link_queries.waiting_for(stranger) == []
    supervisor = world.staff(place, Role.SUPERVISOR).actor
    for actor in (admin.actor, member.actor, supervisor, stranger):
        with pytest.raises((NotFound, NotAllowed)):
            account_links.vouch(actor, link_id=waiting.link_id)
    number = account_links.vouch(clerk.actor, link_id=waiting.link_id)
    with pytest.raises(RuleBroken, match=r"link\.dead"):
        account_links.set_password(VISITOR, key=key, password=OWN)
    assert account_links.give_number(VISITOR, key=key, number="x") is None
    whole = account_links.give_number(VISITOR, key=key, number=number)
    assert whole is not None
    assert credentials.start_new_phone(member.actor, password=PASSWORD)
    account_links.set_password(VISITOR, key=whole, password=OWN)
    assert queries.own_sessions(member.actor), "until the last step the old account goes on"
    secret = secret_at(whole)
    assert account_links.confirm_totp(VISITOR, key=whole, typed=pyotp.TOTP(secret).at(clock.now()))
    assert queries.own_sessions(member.actor) == []
    assert queries.own_account(person).new_phone_at is None, "what was begun before is void"
    clock.advance(timedelta(minutes=1))
    assert sign_in(member, pyotp.TOTP(member.secret).at(clock.now())) == ""
    assert comes_in(member.name, secret)


def test_a_clerk_whom_the_maker_has_just_made_is_no_second_person(
    world: World, admin: Staff, place: Place
) -> None:
    """An administrator who makes a clerk, or makes one's slip anew, could be both people."""
    member, old = world.staff(place, Role.COMMITTEE), world.staff(place)
    person, where = member.actor.require_person(), {"community_id": place.id}
    new = NewAccount("unused", "无人", Role.CLERK, place.id)
    account_links.invite(admin.actor, new=new)
    unused = select(StaffAccount.person_id).where(StaffAccount.sign_in_name == "unused")
    unused_id = db.session.scalars(unused).one()
    clock.advance(timedelta(days=30))
    made = world.staff(place)
    again = key_of(account_links.renew_invitation(admin.actor, **where, person_id=unused_id))
    secret, _codes = finish(again)
    clock.advance(timedelta(minutes=1))
    cookie = operations.staff_sign_in(
        VISITOR,
        sign_in_name="unused",
        password=OWN,
        totp=pyotp.TOTP(secret).at(clock.now()),
    )
    account_links.ask_regain(admin.actor, **where, person_id=person)
    (waiting,) = link_queries.waiting_for(old.actor)
    for clerk in (made.actor, session_of(cookie).actor):
        assert link_queries.waiting_for(clerk) == []
        with pytest.raises(NotFound):
            account_links.vouch(clerk, link_id=waiting.link_id)
    assert account_links.vouch(old.actor, link_id=waiting.link_id)
    with pytest.raises(NotFound):
        account_links.vouch(world.staff(place, Role.ADMINISTRATOR).actor, link_id=waiting.link_id)


def test_nobody_vouches_for_themselves_and_nobody_twice(
    world: World, admin: Staff, place: Place
) -> None:
    clerk, where = world.staff(place), {"community_id": place.id}
    clock.advance(timedelta(days=30))
    person = clerk.actor.require_person()
    account_links.ask_regain(admin.actor, **where, person_id=person)
    second = world.staff(place, Role.ADMINISTRATOR).actor
    (waiting,) = link_queries.waiting_for(second)
    with pytest.raises(NotFound):
        account_links.vouch(clerk.actor, link_id=waiting.link_id)
    account_links.vouch(second, link_id=waiting.link_id)
    with pytest.raises(NotFound):
        account_links.vouch(world.staff(place, Role.ADMINISTRATOR).actor, link_id=waiting.link_id)


def test_only_who_works_here_now_is_invited_anew_or_brought_back(
    world: World, admin: Staff, place: Place
) -> None:
    """Neither somebody of another community, nor somebody whose role is over."""
    _key, person = invite(admin, place)
    used = world.staff(place, Role.DESIGNER).actor.require_person()
    there = {"community_id": world.community("LNJ", households=1).id}
    for somebody, act in (
        (person, account_links.renew_invitation),
        (person, account_links.void_invitation),
        (used, account_links.ask_regain),
    ):
        with pytest.raises(NotFound):
            act(admin.actor, **there, person_id=somebody)
    where = {"community_id": place.id}
    accounts.end_role(admin.actor, **where, person_id=person, role=Role.CLERK)
    accounts.end_role(admin.actor, **where, person_id=used, role=Role.DESIGNER)
    with pytest.raises(NotFound):
        account_links.renew_invitation(admin.actor, **where, person_id=person)
    with pytest.raises(NotFound):
        account_links.ask_regain(admin.actor, **where, person_id=used)


def test_ten_wrong_numbers_end_the_link_and_the_holder_can_refuse_it(
    world: World, admin: Staff, place: Place
) -> None:
    member = world.staff(place, Role.COMMITTEE)
    person = member.actor.require_person()
    key = key_of(account_links.ask_regain(admin.actor, community_id=place.id, person_id=person))
    for _ in range(10):
        assert account_links.give_number(VISITOR, key=key, number="000000") is None
    assert link_queries.open_link(key) is None
    key = key_of(account_links.ask_regain(admin.actor, community_id=place.id, person_id=person))
    assert link_queries.own_regain_since(person) is not None
    account_links.refuse_regain(member.actor)
    assert link_queries.open_link(key) is None
    with pytest.raises(RuleBroken, match=r"link\.own"):
        clerk = world.staff(place, Role.ADMINISTRATOR)
        accounts_place = place.id
        db.session.rollback()
        _own_role(clerk, accounts_place)
        account_links.ask_regain(
            clerk.actor, community_id=place.id, person_id=clerk.actor.require_person()
        )


def _own_role(staff: Staff, community_id: int) -> None:
    from app.core.db import transaction
    from app.people.models import RoleGrant

    with transaction() as session:
        session.add(
            RoleGrant(
                person_id=staff.actor.require_person(),
                role=Role.CLERK,
                community_id=community_id,
                starts_at=clock.now(),
            )
        )


# --- pages ---------------------------------------------------------------------------------


def test_from_the_invitation_to_the_door_by_pages_alone(
    client: CheckedClient, web_world: World, fixed_clock: datetime
) -> None:
    place = web_world.community("HXL", 1)
    for role in (Role.CLERK, Role.COMMITTEE):
        web_world.staff(place, role)
    admin = web_world.staff(place, Role.ADMINISTRATOR)
    operations.sign_out(admin.actor)
    client.staff(admin)
    page = "/system/communities/HXL/people/clerk"
    answer = client.post(page, {"display": "李明", "sign_in_name": "liming", "how": "link"})
    found = re.search(r"/i#([0-9A-Z]{24})<", answer.text)
    assert found, answer.text
    token = found[1]
    invited = CheckedClient(client.app)
    dead = invited.post("/i", {"code": "0" * 24})
    assert "这个链接不能用" in dead.text
    assert invited.post("/i", {"code": f"http://x/i#{token}"}).headers["Location"] == "/i/set-up"
    shown = invited.get("/i/set-up")
    assert "定密码" in shown.text
    assert invited.post("/i/password", {"new": "short", "again": "short"}).status_code == 422
    assert invited.post("/i/password", {"new": OWN, "again": OWN}).status_code == 303
    other = CheckedClient(client.app)
    other.post("/i", {"code": token.lower()})
    shown = other.get("/i/set-up")
    assert shown.headers["Cache-Control"] == "no-store"
    groups = re.search(r'手动输入密钥”</dt><dd class="code-line">(.*?)</dd>', shown.text)
    assert groups
    secret = re.sub(r"<[^>]*>|-", "", groups[1])
    assert other.post("/i/phone", {"totp": "000000"}).status_code == 422
    done = other.post("/i/phone", {"totp": pyotp.TOTP(secret).at(clock.now())})
    assert "账号设好了" in done.text
    assert "这个链接不能用" in invited.get("/i/set-up").text
    used = CheckedClient(client.app).post("/i", {"code": token})
    assert re.sub(r'value="[^"]*"', "", used.text) == re.sub(r'value="[^"]*"', "", dead.text)
    assert comes_in("liming", secret)

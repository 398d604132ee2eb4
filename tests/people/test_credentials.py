"""A password of one's own, and the six digits on a new phone. On both engines."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound, RuleBroken
from app.people import accounts, browser, credentials, operations, queries
from app.people.models import SecurityEvent
from tests.people.test_own_account import another_session, sign_in
from tests.support.checked_client import CheckedClient
from tests.support.world import PASSWORD

if TYPE_CHECKING:
    from tests.support.world import Staff, World

NEW = "绿皮火车开过三号楼的早晨 7 点"
ACCOUNT = "/staff/account"


def now_on(secret: str) -> str:
    return pyotp.TOTP(secret).at(clock.now())


def kinds() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(SecurityEvent.kind).order_by(SecurityEvent.id)))


def is_living(cookie: str) -> bool:
    return queries.session_by_hash(browser.hash_of(cookie)) is not None


@pytest.fixture
def staff(world: World, fixed_clock: datetime) -> Staff:
    return world.staff(world.community(households=1))


def test_a_changed_password_ends_all_other_sessions_and_the_old_one_opens_nothing(
    staff: Staff,
) -> None:
    cookie, _other = another_session(staff)
    assert credentials.change_password(staff.actor, old=PASSWORD, new=NEW)
    assert not is_living(cookie)
    assert len(queries.own_sessions(staff.actor)) == 1, "the one it was changed in"
    clock.advance(timedelta(minutes=1))
    assert sign_in(staff, now_on(staff.secret)) == ""
    clock.advance(timedelta(minutes=1))
    assert sign_in(staff, now_on(staff.secret), NEW) != ""
    assert kinds().count("staff.password_changed") == 1
    assert queries.own_account(staff.actor.require_person()).password_set_at is not None
    facts = db.session.scalars(select(SecurityEvent.facts)).all()
    assert not [one for one in facts if NEW in str(one) or PASSWORD in str(one)]


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (PASSWORD, "account.same_password"),
        ("short", "staff.password_short"),
        ("HXL社区HXL社区HXL社区", "staff.password_common"),
        ("staff1 is my name here", "staff.password_name"),
    ],
)
def test_a_weak_new_password_changes_nothing(staff: Staff, new: str, code: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        credentials.change_password(staff.actor, old=PASSWORD, new=new)
    assert refused.value.code == code
    clock.advance(timedelta(minutes=1))
    assert sign_in(staff, now_on(staff.secret)) != ""


def test_ten_wrong_old_passwords_rest_the_account(staff: Staff) -> None:
    for _ in range(10):
        assert not credentials.change_password(staff.actor, old="wrong phrase here", new=NEW)
    assert not credentials.change_password(staff.actor, old=PASSWORD, new=NEW)
    clock.advance(timedelta(minutes=16))
    with pytest.raises(RuleBroken, match=r"account\.not_proved"):
        credentials.change_password(staff.actor, old=PASSWORD, new=NEW)
    assert accounts.prove(staff.actor, typed=now_on(staff.secret))
    assert credentials.change_password(staff.actor, old=PASSWORD, new=NEW)


def test_a_proof_in_one_session_is_none_in_another(staff: Staff) -> None:
    _cookie, other = another_session(staff)
    clock.advance(timedelta(minutes=11))
    assert accounts.prove(staff.actor, typed=now_on(staff.secret))
    for act in (
        lambda: credentials.change_password(other.actor, old=PASSWORD, new=NEW),
        lambda: credentials.start_new_phone(other.actor, password=PASSWORD),
    ):
        with pytest.raises(RuleBroken, match=r"account\.not_proved"):
            act()
    assert credentials.change_password(staff.actor, old=PASSWORD, new=NEW)


def test_the_old_phone_serves_until_the_new_one_has_spoken(staff: Staff) -> None:
    cookie, _other = another_session(staff)
    secret = credentials.start_new_phone(staff.actor, password=PASSWORD)
    clock.advance(timedelta(minutes=1))
    assert sign_in(staff, now_on(secret)) == "", "not confirmed"
    assert sign_in(staff, now_on(staff.secret)) != ""
    assert not credentials.confirm_new_phone(staff.actor, typed="000000")
    assert is_living(cookie)
    clock.advance(timedelta(minutes=1))
    first = now_on(secret)
    assert credentials.confirm_new_phone(staff.actor, typed=first)
    assert not is_living(cookie)
    assert sign_in(staff, first) == "", "used up"
    clock.advance(timedelta(minutes=1))
    assert sign_in(staff, now_on(staff.secret)) == ""
    assert sign_in(staff, now_on(secret)) != ""
    assert "staff.new_phone" in kinds()


def test_a_new_phone_can_be_given_up_or_begun_anew_and_waits_a_day(staff: Staff) -> None:
    first = credentials.start_new_phone(staff.actor, password=PASSWORD)
    second = credentials.start_new_phone(staff.actor, password=PASSWORD)
    assert not credentials.confirm_new_phone(staff.actor, typed=now_on(first))
    credentials.drop_new_phone(staff.actor)
    for act in ("dropped", "too late"):
        with pytest.raises(RuleBroken, match=r"account\.no_new_phone"):
            credentials.confirm_new_phone(staff.actor, typed=now_on(second))
        if act == "dropped":
            second = credentials.start_new_phone(staff.actor, password=PASSWORD)
            clock.advance(timedelta(days=1, seconds=1))
    assert queries.own_account(staff.actor.require_person()).new_phone_at is None
    assert sign_in(staff, now_on(staff.secret)) != ""


def test_a_new_phone_asks_for_the_password_and_a_proof(staff: Staff, world: World) -> None:
    assert credentials.start_new_phone(staff.actor, password="wrong phrase here") == ""
    clock.advance(timedelta(minutes=11))
    with pytest.raises(RuleBroken, match=r"account\.not_proved"):
        credentials.start_new_phone(staff.actor, password=PASSWORD)
    resident = world.resident(world.community("LNJ", households=1))
    for act in (
        lambda: credentials.start_new_phone(resident, password=PASSWORD),
        lambda: credentials.change_password(resident, old=PASSWORD, new=NEW),
        lambda: credentials.confirm_new_phone(resident, typed="000000"),
        lambda: credentials.drop_new_phone(resident),
    ):
        with pytest.raises(NotFound):
            act()


# --- pages ---------------------------------------------------------------------------------


@pytest.fixture
def clerk(client: CheckedClient, web_world: World, fixed_clock: datetime) -> Staff:
    clerk = web_world.staff(web_world.community("HXL", 1))
    operations.sign_out(clerk.actor)
    client.staff(clerk)
    return clerk


def test_whoever_changes_their_password_is_told_what_happened(
    client: CheckedClient, clerk: Staff
) -> None:
    assert "没有改过" in client.get(ACCOUNT).text
    page = f"{ACCOUNT}/password"
    fields = client.fields(page, page)
    new = {"old": PASSWORD, "new": NEW, "again": NEW}
    for wrong, said in (
        ({"again": NEW + "x"}, "两次输的不一样"),
        ({"old": "wrong phrase here"}, "现在的密码不对，没有改动"),
        ({"new": "password12345678", "again": "password12345678"}, "容易被猜到"),
    ):
        answer = client.post(page, {**fields, **new, **wrong})
        assert (answer.status_code, said in answer.text) == (422, True), answer.text
    for _time in ("first", "sent again because its answer was lost"):
        answer = client.check(client.raw.post(page, data={**fields, **new}))
        assert answer.headers["Location"] == ACCOUNT
    assert "上次改密码：" in client.get(ACCOUNT).text
    clock.advance(timedelta(minutes=11))
    for address in (page, f"{ACCOUNT}/phone"):
        assert client.get(address).headers["Location"] == f"/staff/prove?next={address}"


def test_a_new_phones_code_is_shown_once_and_half_of_it_can_be_continued(
    client: CheckedClient, clerk: Staff
) -> None:
    page = f"{ACCOUNT}/phone"
    assert client.post(page, {"password": "wrong phrase here"}).status_code == 422
    shown = client.post(page, {"password": PASSWORD}).text
    assert "只显示这一次" in shown
    found = re.search(r'手动输入密钥”</dt><dd class="code-line">(.*?)</dd>', shown)
    assert found
    secret = re.sub(r"<[^>]*>|-", "", found[1])
    account = client.get(ACCOUNT).text
    assert "换手机办了一半" in account
    assert secret[:4] not in account + client.get(f"{page}/confirm").text
    assert client.post(f"{page}/confirm", {"totp": "000000"}).status_code == 422
    clock.advance(timedelta(minutes=2))
    assert client.post(f"{page}/confirm", {"totp": now_on(secret)}).status_code == 303
    assert "换好了" in client.get(ACCOUNT).text
    assert client.get(f"{page}/confirm").status_code == 409
    client.post(page, {"password": PASSWORD})
    client.post(f"{page}/drop")
    assert "换手机办了一半" not in client.get(ACCOUNT).text

"""Passkeys: added, used, refused in every way that an answer can be wrong. On both engines."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from fido2.utils import websafe_encode
from flask import current_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select

from app.core import clock, erasures
from app.core.actor import SYSTEM, VISITOR
from app.core.db import db, transaction
from app.core.errors import NotFound, RuleBroken
from app.people import (
    account_links,
    accounts,
    credentials,
    operations,
    passkey_operations,
    passkeys,
    queries,
    secrets_box,
)
from app.people.account_links import LinkKey
from app.people.models import (
    AccountLink,
    LinkKind,
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
    SecurityEvent,
    StaffAccount,
)
from app.people.passkeys import Answer, Purpose
from tests.people.test_own_account import session_of, sign_in
from tests.support.authenticator import PRESENT, VERIFIED, Device
from tests.support.world import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask

    from tests.support.checked_client import CheckedClient
    from tests.support.world import Staff, World

ACCOUNT = "/staff/account"
OWN = "绿皮火车开过三号楼的早晨 7 点"


@pytest.fixture
def staff(world: World, fixed_clock: datetime) -> Staff:
    return world.staff(world.community(households=1))


def add(staff: Staff, device: Device, name: str = "办公室电脑") -> bool:
    options = passkey_operations.ask_to_add(staff.actor)
    return passkey_operations.add_passkey(staff.actor, name=name, answer=device.make(options))


@pytest.fixture
def device(staff: Staff) -> Device:
    device = Device()
    assert add(staff, device)
    return device


def asked(holder: str = "door", purpose: Purpose = Purpose.SIGN_IN) -> dict[str, Any]:
    return passkey_operations.ask(VISITOR, purpose=purpose, holder=holder)


def come_in(
    staff: Staff, text: str, *, holder: str = "door", password: str = PASSWORD, name: str = ""
) -> str:
    return operations.staff_sign_in(
        VISITOR,
        sign_in_name=name or staff.name,
        password=password,
        passkey=Answer(text, holder),
    )


def lines(kind: str) -> int:
    db.session.rollback()
    count = select(func.count(SecurityEvent.id)).where(SecurityEvent.kind == kind)
    return db.session.scalar(count) or 0


def wrong_count(staff: Staff) -> int:
    db.session.rollback()
    mine = StaffAccount.person_id == staff.actor.person_id
    return db.session.scalars(select(StaffAccount.wrong_count).where(mine)).one()


# --- what it is for ------------------------------------------------------------------------


def test_a_passkey_stands_in_for_the_six_digits_again_and_again(
    staff: Staff, device: Device
) -> None:
    for _time in range(3):
        assert come_in(staff, device.answer(asked())) != ""
    assert lines("staff.signed_in") >= 3
    (one,) = queries.own_passkeys(staff.actor.require_person())
    assert (one.name, one.used_at) == ("办公室电脑", clock.now())
    clock.advance(timedelta(minutes=1))
    assert sign_in(staff, pyotp.TOTP(staff.secret).at(clock.now())) != "", "digits serve as well"


def test_a_device_that_does_not_count_is_taken_as_well(staff: Staff) -> None:
    device = Device(counts=False)
    assert add(staff, device)
    for _time in range(2):
        assert come_in(staff, device.answer(asked())) != ""


def test_a_passkey_alone_opens_nothing(staff: Staff, device: Device) -> None:
    assert come_in(staff, device.answer(asked()), password="wrong phrase here") == ""
    assert come_in(staff, device.answer(asked()), name="nobody") == ""
    assert wrong_count(staff) == 1


def test_what_is_asked_names_no_key_and_wants_the_user_verified(
    staff: Staff, device: Device
) -> None:
    options = asked()
    assert not options.get("allowCredentials")
    assert (options["rpId"], options["userVerification"]) == ("localhost", "required")
    made = passkey_operations.ask_to_add(staff.actor)
    chosen = made["authenticatorSelection"]
    assert (chosen["userVerification"], chosen["residentKey"]) == ("required", "required")
    assert [one["id"] for one in made["excludeCredentials"]] == [
        websafe_encode(device.credential_id)
    ]
    assert staff.name not in json.dumps(made["user"]["id"])


# --- in every way that an answer can be wrong --------------------------------------------------


def _other_key(device: Device) -> None:
    device.key = Device().key


WRONG: dict[str, Callable[[Device], object]] = {
    "another origin": lambda d: setattr(d, "origin", "https://localhost.evil.example"),
    "another port": lambda d: setattr(d, "origin", "http://localhost:8001"),
    "another scheme": lambda d: setattr(d, "origin", "https://localhost:8000"),
    "another site": lambda d: setattr(d, "site", "evil.example"),
    "inside another page": lambda d: setattr(d, "cross_origin", True),
    "nobody verified": lambda d: setattr(d, "flags", PRESENT),
    "nobody present": lambda d: setattr(d, "flags", VERIFIED),
    "another key": _other_key,
    "an unknown credential": lambda d: setattr(d, "credential_id", b"x" * 32),
    "another account's handle": lambda d: setattr(d, "handle", b"y" * 32),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_answer_opens_nothing_counts_and_uses_the_question_up(
    staff: Staff, device: Device, what: str
) -> None:
    kept = dict(vars(device))
    options = asked()
    WRONG[what](device)
    assert come_in(staff, device.answer(options)) == ""
    assert wrong_count(staff) == 1
    vars(device).update({**kept, "count": device.count})
    assert come_in(staff, device.answer(options)) == "", "asked once, answered once"
    assert come_in(staff, device.answer(asked())) != ""


@pytest.mark.parametrize("what", list(WRONG)[:7])
def test_a_key_that_was_made_wrongly_is_not_kept(staff: Staff, what: str) -> None:
    device = Device()
    WRONG[what](device)
    assert not add(staff, device)
    assert queries.own_passkeys(staff.actor.require_person()) == []
    assert lines("staff.passkey_refused") == 1


def test_an_answer_sent_twice_opens_once(staff: Staff, device: Device) -> None:
    text = device.answer(asked())
    assert come_in(staff, text) != ""
    assert come_in(staff, text) == ""


def test_a_question_of_ones_own_making_is_no_question(staff: Staff, device: Device) -> None:
    assert come_in(staff, device.answer({"challenge": websafe_encode(b"z" * 32)})) == ""


def test_an_answer_serves_only_where_it_was_asked_and_what_for(
    staff: Staff, device: Device
) -> None:
    assert come_in(staff, device.answer(asked("another browser"))) == ""
    assert come_in(staff, device.answer(asked(purpose=Purpose.PROVE))) == ""
    here = passkeys.from_this_browser(staff.actor.session_id)
    assert not accounts.prove(staff.actor, passkey=device.answer(asked(here)))
    assert accounts.prove(staff.actor, passkey=device.answer(asked(here, Purpose.PROVE)))


def test_an_answer_after_five_minutes_is_too_late(staff: Staff, device: Device) -> None:
    text = device.answer(asked())
    clock.advance(timedelta(minutes=5))
    assert come_in(staff, text) == ""


def test_a_signature_for_making_is_none_for_answering(staff: Staff, device: Device) -> None:
    assert come_in(staff, device.answer(asked(), "webauthn.create")) == ""
    options = passkey_operations.ask_to_add(staff.actor)
    answer = Device().make(options, "webauthn.get")
    assert not passkey_operations.add_passkey(staff.actor, name="x", answer=answer)


def test_a_count_that_goes_back_or_stands_still_tells_a_copy(staff: Staff, device: Device) -> None:
    device.counts = False
    for count, good in ((41, True), (41, False), (40, False), (0, False), (42, True)):
        device.count = count
        assert bool(come_in(staff, device.answer(asked()))) is good, count


def test_another_accounts_passkey_opens_that_account_alone(
    staff: Staff, device: Device, world: World
) -> None:
    other = world.staff(world.community("LNJ", households=1))
    assert come_in(other, device.answer(asked())) == ""
    device.handle = None
    assert come_in(other, device.answer(asked())) == "", "nor without saying whose it is"
    with pytest.raises(RuleBroken, match=r"passkey\.known"):
        add(other, device)


def test_ten_wrong_answers_rest_the_account(staff: Staff, device: Device) -> None:
    right, device.key = device.key, Device().key
    for _time in range(10):
        assert come_in(staff, device.answer(asked())) == ""
    device.key = right
    assert come_in(staff, device.answer(asked())) == ""
    clock.advance(timedelta(minutes=16))
    assert come_in(staff, device.answer(asked())) != ""


def test_of_the_same_answer_sent_ten_times_at_once_one_opens(
    app: Flask, staff: Staff, device: Device
) -> None:
    text = device.answer(asked())

    def attempt(_number: int) -> str:
        with app.app_context():
            try:
                return come_in(staff, text)
            finally:
                db.session.remove()

    db.session.remove()
    with ThreadPoolExecutor(10) as pool:
        opened = [one for one in pool.map(attempt, range(10)) if one]
    assert len(opened) == 1


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=30),
            lambda each: (
                st.lists(each)
                | st.dictionaries(
                    st.sampled_from(
                        ["id", "rawId", "response", "type", "clientDataJSON", "signature"]
                    )
                    | st.text(max_size=8),
                    each,
                )
            ),
        ).map(json.dumps),
    )
)
def test_no_text_whatever_is_an_answer(app: Flask, text: str) -> None:
    with transaction() as session:
        answer = Answer(text, "door")
        assert not passkeys.proves(session, 1, Purpose.SIGN_IN, answer, clock.now())
        assert passkeys.made(session, Purpose.ADD, answer, clock.now()) is None
        assert passkeys.named(text) == "" or '"rawId"' in text


@pytest.mark.parametrize("part", ["clientDataJSON", "attestationObject"])
def test_a_broken_part_of_an_answer_is_refused(staff: Staff, part: str) -> None:
    whole = json.loads(Device().make(passkey_operations.ask_to_add(staff.actor)))
    for broken in ("", "AA", "e30", "oA", websafe_encode(b'{"type":1}'), None, 7):
        answer = json.dumps({**whole, "response": {**whole["response"], part: broken}})
        assert not passkey_operations.add_passkey(staff.actor, name="x", answer=answer)


# --- adding and letting go ---------------------------------------------------------------------


def test_adding_and_removing_want_a_proof_of_the_last_ten_minutes(
    staff: Staff, device: Device
) -> None:
    options = passkey_operations.ask_to_add(staff.actor)
    (one,) = queries.own_passkeys(staff.actor.require_person())
    clock.advance(timedelta(minutes=11))
    for act in (
        lambda: passkey_operations.ask_to_add(staff.actor),
        lambda: passkey_operations.add_passkey(
            staff.actor, name="x", answer=Device().make(options)
        ),
        lambda: passkey_operations.remove_passkey(staff.actor, passkey_id=one.passkey_id),
    ):
        with pytest.raises(RuleBroken, match=r"account\.not_proved"):
            act()
    here = passkeys.from_this_browser(staff.actor.session_id)
    assert accounts.prove(staff.actor, passkey=device.answer(asked(here, Purpose.PROVE)))
    passkey_operations.remove_passkey(staff.actor, passkey_id=one.passkey_id)
    assert come_in(staff, device.answer(asked())) == ""


def test_the_same_form_sent_again_adds_once(staff: Staff) -> None:
    answer = Device().make(passkey_operations.ask_to_add(staff.actor))
    for _time in range(2):
        assert passkey_operations.add_passkey(staff.actor, name="x", answer=answer)
    assert len(queries.own_passkeys(staff.actor.require_person())) == 1


def test_there_are_at_most_ten(staff: Staff) -> None:
    for number in range(10):
        assert add(staff, Device(), f"第 {number} 个")
    with pytest.raises(RuleBroken, match=r"passkey\.too_many"):
        add(staff, Device())


def test_removing_ends_what_is_signed_in_elsewhere(staff: Staff, device: Device) -> None:
    cookie = come_in(staff, device.answer(asked()))
    (one,) = queries.own_passkeys(staff.actor.require_person())
    passkey_operations.remove_passkey(staff.actor, passkey_id=one.passkey_id)
    with pytest.raises(AssertionError):
        session_of(cookie)
    assert lines("staff.passkey_removed") == 1
    with pytest.raises(NotFound):
        passkey_operations.remove_passkey(staff.actor, passkey_id=one.passkey_id)


def test_nobody_removes_somebody_elses(staff: Staff, device: Device, world: World) -> None:
    (one,) = queries.own_passkeys(staff.actor.require_person())
    other = world.staff(world.community("LNJ", households=1))
    with pytest.raises(NotFound):
        passkey_operations.remove_passkey(other.actor, passkey_id=one.passkey_id)
    resident = world.resident(world.community("XYZ", households=1))
    with pytest.raises(NotFound):
        passkey_operations.ask_to_add(resident)


def test_the_last_factor_is_never_removed(staff: Staff, device: Device) -> None:
    with transaction() as session:
        mine = StaffAccount.person_id == staff.actor.person_id
        session.scalars(select(StaffAccount).where(mine)).one().totp_secret = ""
    (one,) = queries.own_passkeys(staff.actor.require_person())
    with pytest.raises(RuleBroken, match=r"passkey\.last"):
        passkey_operations.remove_passkey(staff.actor, passkey_id=one.passkey_id)
    assert add(staff, Device())
    passkey_operations.remove_passkey(staff.actor, passkey_id=one.passkey_id)


def test_questions_do_not_pile_up(staff: Staff) -> None:
    for number in range(5):
        asked()
        asked(f"browser {number}")
    db.session.rollback()
    assert db.session.scalar(select(func.count(PasskeyChallenge.id))) == 6
    clock.advance(timedelta(minutes=6))
    asked()
    db.session.rollback()
    assert db.session.scalar(select(func.count(PasskeyChallenge.id))) == 1


# --- set up by a link --------------------------------------------------------------------------


def opened(token: str) -> LinkKey:
    return LinkKey(secrets_box.hash_link(token))


def test_an_account_can_be_set_up_with_a_passkey_instead_of_the_digits(
    staff: Staff, world: World
) -> None:
    place = world.community("LNJ", households=1)
    invited = world.staff(place)
    with transaction() as session:
        mine = StaffAccount.person_id == invited.actor.person_id
        account = session.scalars(select(StaffAccount).where(mine)).one()
        account.last_totp_step = 0
    token = account_links.renew_invitation(
        SYSTEM, community_id=place.id, person_id=invited.actor.require_person()
    )
    key, device = opened(token), Device()
    with pytest.raises(NotFound):
        passkey_operations.ask_to_set_up(VISITOR, key=key)
    account_links.set_password(VISITOR, key=key, password=OWN)
    options = passkey_operations.ask_to_set_up(VISITOR, key=key)
    wrong = Device(origin="https://evil.example").make(options)
    assert account_links.confirm_passkey(VISITOR, key=key, name="x", answer=wrong) == []
    options = passkey_operations.ask_to_set_up(VISITOR, key=key)
    answer = device.make(options)
    codes = account_links.confirm_passkey(VISITOR, key=key, name="我的手机", answer=answer)
    assert len(codes) == 10
    with pytest.raises(RuleBroken, match=r"link\.dead"):
        account_links.confirm_passkey(VISITOR, key=key, name="我的手机", answer=answer)
    assert come_in(invited, device.answer(asked()), password=OWN) != ""
    clock.advance(timedelta(minutes=1))
    assert sign_in(invited, pyotp.TOTP(invited.secret).at(clock.now()), OWN) == ""
    assert sign_in(invited, codes[0], OWN) != ""
    account_page = queries.own_account(invited.actor.require_person())
    assert not account_page.has_totp


def test_who_is_brought_back_by_two_people_has_no_old_passkey(
    staff: Staff, device: Device, world: World
) -> None:
    with transaction() as session:
        mine = StaffAccount.person_id == staff.actor.person_id
        account = session.scalars(select(StaffAccount).where(mine)).one()
        link = AccountLink(
            account_id=account.id,
            community_id=None,
            kind=LinkKind.REGAIN,
            number_hash="n",
            token_hash=secrets_box.hash_link("t"),
            made_by=None,
            made_at=clock.now(),
            expires_at=clock.now() + timedelta(days=1),
        )
        session.add(link)
    key = LinkKey(secrets_box.hash_link("t"), "n")
    account_links.set_password(VISITOR, key=key, password=OWN)
    answer = Device().make(passkey_operations.ask_to_set_up(VISITOR, key=key))
    assert account_links.confirm_passkey(VISITOR, key=key, name="新", answer=answer)
    assert come_in(staff, device.answer(asked()), password=OWN) == ""
    assert [one.name for one in queries.own_passkeys(staff.actor.require_person())] == ["新"]


def test_a_new_phone_leaves_passkeys_alone(staff: Staff, device: Device) -> None:
    secret = credentials.start_new_phone(staff.actor, password=PASSWORD)
    assert credentials.confirm_new_phone(staff.actor, typed=pyotp.TOTP(secret).at(clock.now()))
    assert come_in(staff, device.answer(asked())) != ""


# --- a backup that was brought back --------------------------------------------------------------


def test_what_was_used_or_let_go_since_a_backup_serves_no_more_after_it(
    staff: Staff, device: Device
) -> None:
    codes = accounts.make_recovery_codes(staff.actor)
    tables = (RecoveryCode, Passkey)
    with transaction() as session:
        backup = {t: session.execute(select(t.__table__)).mappings().all() for t in tables}
    assert sign_in(staff, codes[0]) != ""
    (one,) = queries.own_passkeys(staff.actor.require_person())
    passkey_operations.remove_passkey(staff.actor, passkey_id=one.passkey_id)
    with transaction() as session:
        for table in tables:
            session.execute(delete(table))
            session.execute(insert(table), [dict(row) for row in backup[table]])
    for _restore in range(2):
        erasures.replay()
        assert sign_in(staff, codes[0]) == ""
        assert come_in(staff, device.answer(asked())) == ""
    assert sign_in(staff, codes[1]) != "", "one that was not used"
    assert not any(code in erasures_file() for code in codes)


def erasures_file() -> str:
    folder: Path = current_app.config["SETTINGS"].data_dir
    return (folder / erasures.FILE).read_text()


# --- pages ---------------------------------------------------------------------------------


@pytest.fixture
def clerk(client: CheckedClient, web_world: World, fixed_clock: datetime) -> Staff:
    clerk = web_world.staff(web_world.community("HXL", 1))
    operations.sign_out(clerk.actor)
    client.staff(clerk)
    return clerk


def added(client: CheckedClient, device: Device, name: str = "我的<b>手机") -> None:
    options = client.post(f"{ACCOUNT}/passkeys/ask").get_json()
    answer = device.make(options)
    page = client.post(f"{ACCOUNT}/passkeys/new", {"name": name, "passkey": answer})
    assert page.headers["Location"] == ACCOUNT


def test_a_passkey_is_named_listed_used_and_removed(client: CheckedClient, clerk: Staff) -> None:
    device = Device()
    assert "用不了通行密钥" in client.get(f"{ACCOUNT}/passkeys/new").text, "without a script"
    empty = client.post(f"{ACCOUNT}/passkeys/new", {"name": "x", "passkey": ""})
    assert (empty.status_code, "没有加" in empty.text) == (422, True)
    added(client, device)
    page = client.get(ACCOUNT).text
    assert "我的&lt;b&gt;手机" in page
    assert "还没有用过" in page
    client.post("/sign-out")
    client.signed_in = False
    options = client.post("/staff/sign-in/passkey").get_json()
    sent = {"name": clerk.name, "password": PASSWORD}
    bad = client.post("/staff/sign-in", {**sent, "passkey": "{}"})
    assert "登录名、密码或通行密钥不对，没有登录" in bad.text
    answer = device.answer(options)
    assert client.post("/staff/sign-in", {**sent, "passkey": answer}).status_code == 303
    client.signed_in = True
    clock.advance(timedelta(minutes=11))
    found = re.search(r'href="(/staff/account/passkeys/\d+/remove)"', client.get(ACCOUNT).text)
    assert found
    away = client.get(found[1])
    assert away.headers["Location"] == f"/staff/prove?next={found[1]}"
    answer = device.answer(client.post("/staff/prove/passkey").get_json())
    back = client.post("/staff/prove", {"passkey": answer, "next": found[1]})
    assert back.headers["Location"] == found[1]
    assert "马上不能用来登录" in client.get(found[1]).text
    assert client.post(found[1]).status_code == 303
    assert "我的&lt;b&gt;手机" not in client.get(ACCOUNT).text
    assert client.get(found[1]).status_code == 404


def test_a_question_at_the_door_is_for_the_browser_that_asked(
    client: CheckedClient, clerk: Staff, web_app: Flask
) -> None:
    device = Device()
    added(client, device)
    client.post("/sign-out")
    client.signed_in = False
    options = client.post("/staff/sign-in/passkey").get_json()
    other = type(client)(web_app)
    sent = {"name": clerk.name, "password": PASSWORD, "passkey": device.answer(options)}
    assert other.post("/staff/sign-in", sent).status_code == 422


def test_the_site_is_the_one_that_is_set_whatever_the_request_says(
    client: CheckedClient, clerk: Staff
) -> None:
    token = client.token()
    for host in ("evil.example", "localhost:9999"):
        answer = client.raw.post(
            "/staff/sign-in/passkey",
            data={"csrf_token": token},
            headers={"Host": host, "X-Forwarded-Host": host},
        )
        if answer.is_json:
            assert answer.get_json()["rpId"] == "localhost"
        page = client.raw.get("/staff/sign-in", headers={"Host": host}).text
        assert 'data-origin="http://localhost:8000"' in page


def test_who_has_neither_digits_nor_passkey_is_told(client: CheckedClient, clerk: Staff) -> None:
    answer = client.post("/staff/sign-in", {"name": clerk.name, "password": PASSWORD})
    assert (answer.status_code, "请输六位动态码或备用码" in answer.text) == (422, True)
    assert "通行密钥没有对上" in client.post("/staff/prove", {"passkey": "nonsense"}).text

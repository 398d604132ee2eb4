"""What somebody who works here does about their own account. On both engines."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.core import clock
from app.core.actor import Actor
from app.core.db import db
from app.core.errors import NotAllowed, NotFound
from app.people import accounts, browser, operations, queries, rules, words
from app.people.models import LoginSession, RecoveryCode, SecurityEvent
from tests.support.world import PASSWORD

if TYPE_CHECKING:
    from app.people.queries import SignedIn
    from tests.support.world import Place, Staff, World


@pytest.fixture
def place(world: World) -> Place:
    return world.community(households=2)


def sign_in(staff: Staff, second: str, password: str = PASSWORD, kind: str = "") -> str:
    return operations.staff_sign_in(
        Actor(), sign_in_name=staff.name, password=password, totp=second, kind=kind
    )


def session_of(cookie: str) -> SignedIn:
    found = queries.session_by_hash(browser.hash_of(cookie))
    assert found is not None
    return found


def another_session(staff: Staff, kind: str = "phone.wechat") -> tuple[str, SignedIn]:
    """The same person comes in on another browser, with the number of a minute later."""
    clock.advance(timedelta(minutes=1))
    cookie = sign_in(staff, pyotp.TOTP(staff.secret).at(clock.now()), kind=kind)
    return cookie, session_of(cookie)


def events(kind: str) -> list[SecurityEvent]:
    return list(db.session.scalars(select(SecurityEvent).where(SecurityEvent.kind == kind)))


# --- sessions ------------------------------------------------------------------------------


def test_ones_own_sessions_are_listed_this_browser_first_and_nobody_elses(
    world: World, place: Place
) -> None:
    with clock.set_to(clock.now()):
        staff, other = world.staff(place), world.staff(place)
        another_session(other)
        _cookie, phone = another_session(staff)
        shown = queries.own_sessions(staff.actor)
        assert [one.session_id for one in shown] == [staff.actor.session_id, phone.session_id]
        assert [one.here for one in shown] == [True, False]
        assert shown[1].browser == "phone.wechat"
        assert shown[1].since == clock.now()


def test_sessions_that_are_over_are_not_listed(world: World, place: Place) -> None:
    with clock.set_to(clock.now()):
        staff = world.staff(place)
        _cookie, out = another_session(staff)
        operations.sign_out(out.actor)
        clock.advance(timedelta(minutes=25))
        _cookie, here = another_session(staff)
        clock.advance(timedelta(minutes=10))
        assert [one.session_id for one in queries.own_sessions(here.actor)] == [here.session_id]


def test_an_ended_session_is_dead_and_the_log_says_who_ended_it(world: World, place: Place) -> None:
    with clock.set_to(clock.now()):
        staff = world.staff(place)
        cookie, phone = another_session(staff)
        accounts.end_session(staff.actor, session_id=phone.session_id)
        assert queries.session_by_hash(browser.hash_of(cookie)) is None
        assert len(queries.own_sessions(staff.actor)) == 1
        (line,) = events("session.ended_from_elsewhere")
        assert line.person_id == staff.actor.person_id
        assert line.facts == {"ended": phone.session_id, "by": staff.actor.session_id}


def test_nobody_ends_somebody_elses_session_nor_the_one_in_use(world: World, place: Place) -> None:
    with clock.set_to(clock.now()):
        staff, other = world.staff(place), world.staff(place)
        resident, _cookie = world.signed_in(place)
        for target in (other.actor.session_id, resident.session_id, staff.actor.session_id, 99_999):
            assert target is not None
            with pytest.raises(NotFound):
                accounts.end_session(staff.actor, session_id=target)
        assert len(queries.own_sessions(other.actor)) == 1
        with pytest.raises(NotAllowed):
            accounts.end_session(Actor(), session_id=1)
        assert events("session.ended_from_elsewhere") == []


def test_all_others_end_at_once_and_nobody_elses(world: World, place: Place) -> None:
    with clock.set_to(clock.now()):
        staff, other = world.staff(place), world.staff(place)
        cookies = [another_session(staff)[0] for _ in range(3)]
        assert accounts.end_other_sessions(staff.actor) == 3
        assert [queries.session_by_hash(browser.hash_of(one)) for one in cookies] == [None] * 3
        assert len(queries.own_sessions(staff.actor)) == 1
        assert len(queries.own_sessions(other.actor)) == 1
        assert accounts.end_other_sessions(staff.actor) == 0
        assert [line.facts["number"] for line in events("session.others_ended")] == [3, 0]


def test_staying_counts_from_the_tap(world: World, place: Place) -> None:
    with clock.set_to(clock.now()):
        staff = world.staff(place)
        cookie, mine = another_session(staff)
        # Less than five minutes after the last note: a mere look would not be written down.
        clock.advance(timedelta(minutes=4))
        operations.touch_session(mine.actor)
        clock.advance(timedelta(minutes=29, seconds=59))
        assert queries.session_by_hash(browser.hash_of(cookie)) is not None
        clock.advance(timedelta(seconds=1))
        assert queries.session_by_hash(browser.hash_of(cookie)) is None


# --- recovery codes ------------------------------------------------------------------------


def test_ten_codes_are_made_and_only_their_hashes_are_kept(world: World, place: Place) -> None:
    staff = world.staff(place)
    codes = accounts.make_recovery_codes(staff.actor)
    assert len(set(codes)) == 10
    assert {len(rules.clean_code(code)) for code in codes} == {10}
    kept = " ".join(db.session.scalars(select(RecoveryCode.code_hash)))
    told = " ".join(str(line.facts) for line in events("staff.recovery_made"))
    assert not [code for code in codes if code in kept + told]
    assert queries.own_account(staff.actor.require_person()).codes_left == 10


def test_a_code_stands_in_for_the_six_digits_once(world: World, place: Place) -> None:
    staff = world.staff(place)
    first, second = accounts.make_recovery_codes(staff.actor)[:2]
    typed = "-".join(rules.code_groups(first)).lower()
    session_of(sign_in(staff, typed))
    assert sign_in(staff, first) == ""
    assert queries.own_account(staff.actor.require_person()).codes_left == 9
    assert sign_in(staff, second) != ""
    assert [line.person_id for line in events("staff.recovery_used")] == [staff.actor.person_id] * 2


def test_the_six_digits_go_on_and_still_serve_once_after_a_code(world: World, place: Place) -> None:
    with clock.set_to(clock.now()):
        staff = world.staff(place)
        code = accounts.make_recovery_codes(staff.actor)[0]
        used = pyotp.TOTP(staff.secret).at(clock.now())
        assert sign_in(staff, code) != ""
        assert sign_in(staff, used) == "", "the number world.staff came in with"
        another_session(staff)


def test_new_codes_void_the_old(world: World, place: Place) -> None:
    staff = world.staff(place)
    old = accounts.make_recovery_codes(staff.actor)
    new = accounts.make_recovery_codes(staff.actor)
    assert sign_in(staff, old[0]) == ""
    assert sign_in(staff, new[0]) != ""
    assert db.session.scalar(select(func.count(RecoveryCode.id))) == 10


def test_a_code_serves_its_own_account_alone(world: World, place: Place) -> None:
    staff, other = world.staff(place), world.staff(place)
    code = accounts.make_recovery_codes(other.actor)[0]
    assert sign_in(staff, code) == ""
    assert sign_in(other, code) != ""


def test_a_try_that_fails_uses_no_code_up_and_is_counted(world: World, place: Place) -> None:
    with clock.set_to(clock.now()):
        staff = world.staff(place)
        code = accounts.make_recovery_codes(staff.actor)[0]
        assert sign_in(staff, code, "wrong password here") == ""
        for _ in range(9):
            assert sign_in(staff, "0000000000") == ""
        # The tenth wrong second factor rests the account, and a code does not wake it.
        assert sign_in(staff, code) == ""
        assert queries.own_account(staff.actor.require_person()).codes_left == 10
        clock.advance(timedelta(minutes=16))
        assert sign_in(staff, code) != ""


def test_of_eight_who_use_one_code_at_the_same_moment_one_comes_in(
    world: World, place: Place
) -> None:
    staff = world.staff(place)
    taps = 8
    for code in accounts.make_recovery_codes(staff.actor)[:3]:
        barrier = threading.Barrier(taps)

        def tap(_number: int, code: str = code, barrier: threading.Barrier = barrier) -> str:
            with world.app.app_context():
                barrier.wait()
                try:
                    return sign_in(staff, code)
                finally:
                    db.session.remove()

        with ThreadPoolExecutor(taps) as pool:
            assert sum(1 for cookie in pool.map(tap, range(taps)) if cookie) == 1


def test_only_who_has_an_account_makes_codes(world: World, place: Place) -> None:
    resident, _cookie = world.signed_in(place)
    with pytest.raises(NotFound):
        accounts.make_recovery_codes(resident)
    with pytest.raises(NotFound):
        queries.own_account(resident.require_person())


# --- proving it again ----------------------------------------------------------------------


def digits(staff: Staff) -> str:
    clock.advance(timedelta(minutes=1))
    return pyotp.TOTP(staff.secret).at(clock.now())


def proved_at(staff: Staff) -> datetime | None:
    db.session.rollback()
    return db.session.scalar(
        select(LoginSession.proved_at).where(LoginSession.id == staff.actor.session_id)
    )


def test_a_second_factor_proves_it_again_once_and_for_this_session_alone(
    world: World, place: Place
) -> None:
    with clock.set_to(clock.now()):
        staff = world.staff(place)
        _cookie, phone = another_session(staff)
        code = accounts.make_recovery_codes(staff.actor)[0]
        for make in (lambda: digits(staff), lambda: code):
            clock.advance(timedelta(minutes=5))
            typed = make()
            assert accounts.prove(staff.actor, typed=typed)
            assert proved_at(staff) == clock.now()
            assert not accounts.prove(staff.actor, typed=typed), "nothing serves twice"
        assert phone.proved_at < clock.now() - timedelta(minutes=9)
        (here, there) = queries.own_sessions(staff.actor)
        assert here.last_seen_at == clock.now() > there.last_seen_at


def test_ten_wrong_proofs_rest_the_account_and_prove_nothing(world: World, place: Place) -> None:
    with clock.set_to(clock.now()):
        staff = world.staff(place)
        code = accounts.make_recovery_codes(staff.actor)[0]
        for _ in range(10):
            assert not accounts.prove(staff.actor, typed="000000")
        assert not accounts.prove(staff.actor, typed=digits(staff))
        assert not accounts.prove(staff.actor, typed=code)
        assert proved_at(staff) is None
        assert len(events("staff.proof_refused")) == 12
        clock.advance(timedelta(minutes=16))
        assert accounts.prove(staff.actor, typed=code)
        assert len(events("staff.proved")) == 1


def test_who_has_no_account_proves_nothing(world: World, place: Place) -> None:
    resident, _cookie = world.signed_in(place)
    with pytest.raises(NotFound):
        accounts.prove(resident, typed="000000")


# --- rules ---------------------------------------------------------------------------------

ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = "Chrome/120.0.0.0"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (f"{ANDROID} {CHROME} Mobile Safari/537.36 MicroMessenger/8.0.42", "手机 · 微信"),
        (f"{ANDROID} {CHROME} Mobile Safari/537.36", "手机 · Chrome"),
        (f"{ANDROID} {CHROME} Safari/537.36", "平板 · Chrome"),
        (f"{ANDROID} {CHROME} HuaweiBrowser/14.0 Mobile Safari/537.36", "手机 · 华为浏览器"),
        (f"{ANDROID} {CHROME} MQQBrowser/6.2 Mobile Safari/537.36", "手机 · QQ 浏览器"),
        (f"{IPHONE} Version/17.0 Mobile/15E148 Safari/604.1", "手机 · Safari"),
        (f"{IPHONE} CriOS/120.0 Mobile/15E148 Safari/604.1", "手机 · Chrome"),
        (f"{IPHONE} AliApp(DingTalk/7.0) Mobile", "手机 · 钉钉"),
        ("Mozilla/5.0 (iPad; CPU OS 16_0) FxiOS/120 Mobile Safari/605", "平板 · Firefox"),
        (f"{WINDOWS} {CHROME} Safari/537.36", "电脑 · Chrome"),
        (f"{WINDOWS} {CHROME} Safari/537.36 Edg/120.0", "电脑 · Edge"),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
            "电脑 · Firefox",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) Version/17.0 Safari/605.1", "电脑 · Safari"),
        ("Mozilla/5.0 (Windows NT 10.0) SomethingNew/1.0", "电脑"),
        ("curl/8.0", "认不出的设备"),
        ("", "认不出的设备"),
    ],
)
def test_a_browser_is_named_as_people_call_it(world: World, user_agent: str, name: str) -> None:
    with world.app.test_request_context():
        assert words.browser_name(rules.browser_kind(user_agent)) == name


@given(st.text(max_size=300) | st.sampled_from([ANDROID, IPHONE, WINDOWS, CHROME]))
def test_nothing_of_what_a_browser_says_about_itself_is_kept(user_agent: str) -> None:
    kind = rules.browser_kind(user_agent)
    device, _dot, name = kind.partition(".")
    assert device in {"", "phone", "tablet", "computer"}
    assert name in {"", *(name for _mark, name in rules.BROWSER_MARKS)}
    assert len(kind) <= 20


START = datetime(2026, 5, 20, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=13))


@given(seen=MOMENTS, now=MOMENTS)
def test_what_is_left_is_never_more_than_there_is(seen: timedelta, now: timedelta) -> None:
    ends = START + rules.STAFF_SESSION
    left = rules.session_left(last_seen_at=START + seen, expires_at=ends, now=START + now)
    assert left.idle >= 0
    assert left.longest >= 0
    if left.idle:
        assert START + now + timedelta(seconds=left.idle) <= START + seen + rules.STAFF_IDLE
    if left.longest:
        assert START + now + timedelta(seconds=left.longest) <= ends


@pytest.mark.parametrize(
    ("since", "noted"),
    [(timedelta(0), False), (timedelta(minutes=5), False), (timedelta(minutes=5, seconds=1), True)],
)
def test_a_look_is_noted_at_most_every_five_minutes(since: timedelta, noted: bool) -> None:
    assert rules.is_use_noted(START, START + since) is noted


@pytest.mark.parametrize(
    ("since", "fresh"), [(timedelta(minutes=10), True), (timedelta(minutes=10, seconds=1), False)]
)
def test_a_proof_lasts_ten_minutes(since: timedelta, fresh: bool) -> None:
    assert rules.is_proof_fresh(START, START + since) is fresh

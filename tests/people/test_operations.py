"""Getting in: both facts, the lock, the household's own eyes. On both engines."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from sqlalchemy import func, select, update

from app.core import clock
from app.core.actor import SYSTEM, Actor, Role
from app.core.db import db, transaction
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.people import browser, operations, queries, secrets_box
from app.people.models import HouseholdCode, HouseholdNotice, Membership, SecurityEvent
from app.people.operations import Enrolled, Entry
from tests.support.checked_client import FreshClient

if TYPE_CHECKING:
    from flask import Flask

    from tests.support.world import Place, World


def enrol(code: str, fact: str, actor: Actor | None = None) -> Enrolled:
    return operations.enrol(
        actor or Actor(), code=code, second_fact=fact, adult=True, shared_phone=False
    )


@pytest.fixture
def place(world: World) -> Place:
    return world.community(households=4)


def test_code_and_second_fact_open_a_session_and_tell_the_household(
    world: World, place: Place
) -> None:
    enrolled = enrol(world.code(place).lower(), world.fact())
    assert enrolled.entry is Entry.WELCOME
    found = queries.session_by_hash(browser.hash_of(enrolled.cookie_id))
    assert found is not None
    assert found.actor.home_in(place.id) is not None
    lines = queries.household_notices(place.id, place.households[0], 9, reader=None)
    assert [line.text.split("，")[1] for line in lines] == ["有人用本户的编码进入了"]


def test_a_ballot_is_told_however_many_have_come_in_since(world: World, place: Place) -> None:
    poll = world.poll(place)
    voter = world.resident(place)
    code = world.code(place)
    world.cast(voter, place, poll, "yes")
    for _ in range(3):
        assert enrol(code, world.fact()).joined
    told = [
        line.text.split("，")[1]
        for line in queries.recent_notices(
            place.id, place.households[0], 2, reader=None, without_newest=True
        )
    ]
    assert told == ["有人用本户的编码进入了"] * 2 + ["本户已投票（您同意吗？）"]


def test_who_comes_in_again_on_the_same_phone_has_not_joined_and_is_told_all(
    world: World, place: Place
) -> None:
    poll = world.poll(place)
    voter, other = world.resident(place), world.resident(place)
    code = world.code(place)
    world.cast(voter, place, poll, "yes")
    again = enrol(code, world.fact(), other)
    assert (again.entry, again.joined) == (Entry.WELCOME, False)
    told = queries.recent_notices(
        place.id, place.households[0], 2, reader=None, without_newest=again.joined
    )
    assert "本户已投票" in told[0].text


def test_unknown_wrong_and_locked_end_alike(world: World, place: Place) -> None:
    code = world.code(place)
    ends = [enrol("0000000000", "0001"), enrol(code, "9999")]
    ends += [enrol(code, "9999") for _ in range(12)]
    ends.append(enrol(code, world.fact()))
    assert set(ends) == {Enrolled(Entry.REFUSED)}


def test_ten_wrong_facts_lock_and_the_desk_unlocks(world: World, place: Place) -> None:
    code, clerk = world.code(place), world.staff(place)
    for _ in range(9):
        enrol(code, "9999")
    # Somebody of the household coming in does not give a guesser ten more tries.
    assert enrol(code, world.fact()).entry is Entry.WELCOME
    enrol(code, "9999")
    assert enrol(code, world.fact()).entry is Entry.REFUSED
    operations.unlock_code(clerk.actor, community_id=place.id, household_id=place.households[0])
    assert enrol(code, world.fact()).entry is Entry.WELCOME


def test_24_wrong_guesses_at_once_are_all_counted(world: World, place: Place) -> None:
    code = world.code(place)
    barrier = threading.Barrier(24)

    def guess() -> None:
        with world.app.app_context():
            barrier.wait()
            enrol(code, "9999")
            db.session.remove()

    threads = [threading.Thread(target=guess) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = db.session.execute(select(HouseholdCode.wrong_count, HouseholdCode.locked_at)).one()
    assert row.wrong_count == 24
    assert row.locked_at is not None


def test_revoked_and_expired_are_told_only_after_both_facts(world: World, place: Place) -> None:
    old = world.code(place)
    world.code(place)
    assert enrol(old, "9999").entry is Entry.REFUSED
    assert enrol(old, world.fact()).entry is Entry.REVOKED
    new = world.code(place)
    with clock.set_to(clock.now() + timedelta(days=400)):
        assert enrol(new, "9999").entry is Entry.REFUSED
        assert enrol(new, world.fact()).entry is Entry.EXPIRED


def test_a_household_is_told_of_a_new_letter_and_not_of_its_first(
    world: World, place: Place
) -> None:
    world.code(place)
    assert queries.household_notices(place.id, place.households[0], 9, reader=None) == []
    world.code(place)
    (line,) = queries.household_notices(place.id, place.households[0], 9, reader=None)
    assert "本户换了新的信" in line.text


def test_the_same_browser_entering_again_stays_one_member(world: World, place: Place) -> None:
    actor = world.resident(place)
    enrol(world.code(place), world.fact(), actor)
    assert db.session.scalar(select(func.count(Membership.id))) == 1


def test_the_ninth_phone_of_a_household_is_kindly_refused(world: World, place: Place) -> None:
    code = world.code(place)
    ends = [enrol(code, world.fact()).entry for _ in range(9)]
    assert ends == [Entry.WELCOME] * 8 + [Entry.FULL]


def test_a_number_from_the_desk_serves_once_and_for_ten_minutes(world: World, place: Place) -> None:
    clerk, code = world.staff(place), world.code(place)
    where = {"community_id": place.id, "household_id": place.households[0]}
    number = operations.confirm_present(clerk.actor, **where)
    assert enrol(code, number).entry is Entry.WELCOME
    assert enrol(code, number).entry is Entry.REFUSED
    number = operations.confirm_present(clerk.actor, **where)
    with clock.set_to(clock.now() + timedelta(minutes=11)):
        assert enrol(code, number).entry is Entry.REFUSED
    other = world.code(place, 1)
    number = operations.confirm_present(clerk.actor, **where)
    assert enrol(other, number).entry is Entry.REFUSED


def test_a_number_from_the_desk_is_not_lost_by_a_try_that_leads_nowhere(
    world: World, place: Place
) -> None:
    """The desk unlocks, prints anew or puts a phone out, and the same number is typed again."""
    clerk, code = world.staff(place), world.code(place)
    where = {"community_id": place.id, "household_id": place.households[0]}
    for _ in range(10):
        enrol(code, "9999")
    number = operations.confirm_present(clerk.actor, **where)
    assert enrol(code, number).entry is Entry.REFUSED
    operations.unlock_code(clerk.actor, **where)
    assert enrol(code, number).entry is Entry.WELCOME
    assert enrol(code, number).entry is Entry.REFUSED, "and it serves once all the same"

    number = operations.confirm_present(clerk.actor, **where)
    anew = world.code(place)
    assert enrol(code, number).entry is Entry.REVOKED
    for _ in range(7):
        assert enrol(anew, world.fact()).entry is Entry.WELCOME
    assert enrol(anew, number).entry is Entry.FULL
    phone = db.session.scalars(select(Membership.id).order_by(Membership.id)).first()
    db.session.rollback()
    with transaction() as session:
        session.execute(
            update(Membership).where(Membership.id == phone).values(ended_at=clock.now())
        )
    assert enrol(anew, number).entry is Entry.WELCOME


def test_of_eight_at_once_one_comes_in_by_a_number(world: World, place: Place) -> None:
    clerk, code = world.staff(place), world.code(place)
    number = operations.confirm_present(
        clerk.actor, community_id=place.id, household_id=place.households[0]
    )
    barrier, ends = threading.Barrier(8), []

    def come_in() -> None:
        with world.app.app_context():
            barrier.wait()
            ends.append(enrol(code, number).entry)
            db.session.remove()

    threads = [threading.Thread(target=come_in) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == sorted([Entry.WELCOME] + [Entry.REFUSED] * 7)


def test_nobody_enters_without_saying_they_are_of_age(world: World, place: Place) -> None:
    with pytest.raises(RuleBroken, match="not_adult"):
        operations.enrol(
            Actor(), code=world.code(place), second_fact="0001", adult=False, shared_phone=False
        )


def test_a_signed_out_session_is_dead(world: World, place: Place) -> None:
    actor, cookie = world.signed_in(place)
    operations.sign_out(actor)
    assert queries.session_by_hash(browser.hash_of(cookie)) is None


def test_whoever_comes_in_on_the_same_phone_ends_the_session_before(
    world: World, place: Place
) -> None:
    for index in (0, 1):
        actor, cookie = world.signed_in(place)
        assert enrol(world.code(place, index), world.fact(index), actor).entry is Entry.WELCOME
        assert queries.session_by_hash(browser.hash_of(cookie)) is None


def test_a_shared_phones_session_ends_after_two_hours(world: World, place: Place) -> None:
    enrolled = operations.enrol(
        Actor(), code=world.code(place), second_fact="0001", adult=True, shared_phone=True
    )
    with clock.set_to(clock.now() + timedelta(hours=2, seconds=1)):
        assert queries.session_by_hash(browser.hash_of(enrolled.cookie_id)) is None


def test_staff_sign_in_needs_both_and_takes_no_number_twice(world: World, place: Place) -> None:
    import pyotp

    from tests.support.world import PASSWORD

    staff = world.staff(place)

    def sign_in(password: str, totp: str) -> str:
        return operations.staff_sign_in(
            Actor(), sign_in_name=staff.name, password=password, totp=totp
        )

    used = pyotp.TOTP(staff.secret).at(clock.now())
    assert sign_in(PASSWORD, used) == ""
    with clock.set_to(clock.now() + timedelta(minutes=2)):
        fresh = pyotp.TOTP(staff.secret).at(clock.now())
        assert sign_in("wrong password here", fresh) == ""
        assert sign_in(PASSWORD, "000000") == ""
        assert sign_in(PASSWORD, fresh) != ""


def test_ten_wrong_staff_tries_rest_the_account_for_a_quarter_of_an_hour(
    world: World, place: Place
) -> None:
    import pyotp

    from tests.support.world import PASSWORD

    staff = world.staff(place)

    def sign_in(password: str) -> str:
        return operations.staff_sign_in(
            Actor(),
            sign_in_name=staff.name,
            password=password,
            totp=pyotp.TOTP(staff.secret).at(clock.now()),
        )

    with clock.set_to(clock.now() + timedelta(minutes=2)):
        for _ in range(10):
            sign_in("wrong password here")
        assert sign_in(PASSWORD) == ""
        clock.advance(timedelta(minutes=16))
        assert sign_in(PASSWORD) != ""


def test_every_password_is_worked_at_whoever_it_is_for(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown, invited and known take as long: an Argon2 each (threats.md, 30)."""
    right = "绿皮火车开过三号楼的早晨 7 点"
    kept, worked = secrets_box.hash_password(right), list[int]()

    class Counting(PasswordHasher):
        def hash(self, *given: Any, **more: Any) -> str:
            worked.append(1)
            return super().hash(*given, **more)

        def verify(self, *given: Any, **more: Any) -> Any:
            found = super().verify(*given, **more)
            worked.append(1)
            return found

    monkeypatch.setattr(secrets_box, "_hasher", lambda: Counting.from_parameters(CHEAPEST))
    for stored, fits in ((None, False), ("", False), (kept, True)):
        worked.clear()
        assert secrets_box.password_fits(right, stored) is fits
        assert worked == [1], stored


def test_an_idle_staff_session_ends_after_half_an_hour(world: World, place: Place) -> None:
    import pyotp

    from tests.support.world import PASSWORD

    staff = world.staff(place)
    with clock.set_to(clock.now() + timedelta(minutes=2)):
        cookie = operations.staff_sign_in(
            Actor(),
            sign_in_name=staff.name,
            password=PASSWORD,
            totp=pyotp.TOTP(staff.secret).at(clock.now()),
        )
        clock.advance(timedelta(minutes=31))
        assert queries.session_by_hash(browser.hash_of(cookie)) is None


@pytest.mark.parametrize("role", [Role.COMMITTEE, Role.SUPERVISOR, Role.DESIGNER])
def test_only_clerks_work_with_codes(world: World, place: Place, role: Role) -> None:
    actor = world.staff(place, role).actor
    household = place.households[0]
    with pytest.raises(NotAllowed):
        operations.unlock_code(actor, community_id=place.id, household_id=household)
    with pytest.raises(NotAllowed):
        operations.revoke_code(actor, community_id=place.id, household_id=household)
    with pytest.raises(NotAllowed):
        operations.confirm_present(actor, community_id=place.id, household_id=household)
    with pytest.raises(NotAllowed):
        operations.issue_codes(actor, community_id=place.id, household_ids=[household])


def test_a_neighbours_household_is_not_found(world: World, place: Place) -> None:
    clerk, other = world.staff(place).actor, world.community("YYL", 2)
    with pytest.raises(NotFound):
        operations.revoke_code(clerk, community_id=place.id, household_id=other.households[0])
    with pytest.raises(NotFound):
        operations.issue_codes(clerk, community_id=place.id, household_ids=[other.households[0]])


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password_short"),
        ("password-password-1", "password_common"),
        ("aaaaaaaaaaaaaaaaaaa", "password_common"),
        ("zhanghui has a phrase", "password_name"),
    ],
)
def test_weak_staff_passwords_are_refused(
    world: World, place: Place, password: str, code: str
) -> None:
    with pytest.raises(RuleBroken, match=code):
        operations.add_staff(
            SYSTEM,
            sign_in_name="zhanghui",
            display="张",
            password=password,
            role=Role.CLERK,
            community_id=place.id,
        )


def test_a_sign_in_name_serves_one_person(world: World, place: Place) -> None:
    staff = world.staff(place)
    with pytest.raises(RuleBroken, match="name_taken"):
        operations.add_staff(
            SYSTEM,
            sign_in_name=staff.name,
            display="乙",
            password="another long phrase 9",
            role=Role.CLERK,
            community_id=place.id,
        )


def test_security_log_and_notices_hold_no_secret(world: World, place: Place) -> None:
    code = world.code(place)
    enrol(code, world.fact())
    enrol(code, "9999")
    facts = " ".join(map(str, db.session.execute(select(SecurityEvent.facts)).scalars()))
    notices = " ".join(db.session.scalars(select(HouseholdNotice.about)))
    assert code not in facts + notices
    stored = db.session.scalars(select(HouseholdCode.code_hash)).all()
    assert all(code not in value for value in stored)


def test_using_a_session_keeps_it_awake(world: World, place: Place) -> None:
    actor, cookie = world.signed_in(place)
    with clock.set_to(clock.now() + timedelta(minutes=6)):
        operations.touch_session(actor)
        found = queries.session_by_hash(browser.hash_of(cookie))
        assert found is not None
        assert found.last_seen_at == clock.now()


def test_a_session_begun_while_the_clock_was_ahead_holds_when_it_is_set_right(
    web_app: Flask, web_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = web_world.community(households=1)
    _actor, cookie_id = web_world.signed_in(place)
    phone = FreshClient(web_app)
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr("itsdangerous.timed.time.time", lambda: now + 24 * 3600)
        with phone.session_transaction() as cookie:
            cookie["_user_id"] = cookie_id
    assert phone.get(f"/c/{place.code}/mine").status_code == 200
    # A cookie that somebody changed is still nobody's.
    found = phone.get_cookie("linyi")
    assert found is not None
    phone.set_cookie("linyi", found.value[:-2] + "xx")
    assert phone.get(f"/c/{place.code}/mine").status_code == 303

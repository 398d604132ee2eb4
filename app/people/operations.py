"""Getting in, getting out, and what the desk does for a household's code.

All of it is access: it goes to the security log and to the household, never into the record.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pyotp
from sqlalchemy import func, insert, select, update

from app.communities.models import Community, Household
from app.communities.queries import residences
from app.communities.settings import number_of
from app.core import clock
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.people import (
    browser,
    codes,
    passwords,
    queries,
    rules,
    second_factor,
    secrets_box,
)
from app.people.credential_steps import NewAccount, new_account
from app.people.models import (
    DeskConfirmation,
    HouseholdCode,
    HouseholdNoticeKind,
    LoginSession,
    Membership,
    Person,
    StaffAccount,
)
from app.people.passkeys import Purpose
from app.people.rules import CodeState, JoinedBy
from app.people.steps import security, tell_household, tell_households, works_somewhere
from app.policy.roles import set_up_roles
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor, Role
    from app.people.codes import DrawnCode
    from app.people.passkeys import Answer


class Entry(StrEnum):
    """How an attempt to get in ended. Only the first opened a session."""

    WELCOME = "welcome"
    REFUSED = "refused"
    EXPIRED = "expired"
    REVOKED = "revoked"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The end of an enrolment: how it ended, and for a welcome the session and the place."""

    entry: Entry
    cookie_id: str = ""
    community_id: int = 0
    household_id: int = 0
    # False for who was a member on this browser already.
    joined: bool = False


def enrol(
    actor: Actor, *, code: str, second_fact: str, adult: bool, shared_phone: bool
) -> Enrolled:
    """Join a household by its code and a second fact, and open a session.

    A wrong try is an outcome, not an exception: its count must be kept. Whoever is a living member
    of that household on this browser already stays the same person. Raises: RuleBroken
    enrol.not_adult. Source: docs/rules.md, "Getting in".
    """
    if not adult:
        raise RuleBroken("enrol.not_adult")
    with transaction() as session:
        found = _code_row(session, rules.clean_code(code))
        entry, joined_by = _judge(session, found, rules.clean_digits(second_fact))
        if entry is not Entry.WELCOME or found is None:
            security(session, "enrol.refused", community_id=_community_of(found))
            return Enrolled(entry)
        person_id = _member(session, actor, found, joined_by)
        if person_id is None:
            return Enrolled(Entry.FULL)
        cookie_id = _open_session(session, person_id, staff=False, shared_phone=shared_phone)
        security(
            session,
            "enrol.joined",
            community_id=found.community_id,
            person_id=person_id,
        )
        joined = person_id != actor.person_id
        return Enrolled(entry, cookie_id, found.community_id, found.household_id, joined)


def _community_of(found: Any) -> int | None:
    return found.community_id if found is not None else None


def _code_row(session: Session, code: str) -> Any:
    return session.execute(
        select(
            HouseholdCode.id,
            HouseholdCode.community_id,
            HouseholdCode.household_id,
            HouseholdCode.revoked_at,
            HouseholdCode.locked_at,
            HouseholdCode.expires_at,
            Household.phones,
        )
        .join(Household, Household.id == HouseholdCode.household_id)
        .where(HouseholdCode.code_hash == secrets_box.hash_code(code))
        .with_for_update(of=HouseholdCode)
    ).first()


def _judge(session: Session, found: Any, digits: str) -> tuple[Entry, JoinedBy | None]:
    """Unknown, wrong and locked do the same work and end alike; the rest needs both facts."""
    now = clock.now()
    fact = _second_fact(session, found, digits, now)
    right = fact is not None
    state = CodeState.NONE if found is None else _state(found, now)
    code_id = found.id if found is not None else 0
    wrong = state in {CodeState.NONE, CodeState.LOCKED} or not right
    _count_wrong(session, code_id, now, counts=wrong and not right)
    if wrong:
        return Entry.REFUSED, None
    if state is CodeState.VALID:
        return Entry.WELCOME, fact
    return (Entry.EXPIRED if state is CodeState.EXPIRED else Entry.REVOKED), None


def _state(found: Any, now: datetime) -> CodeState:
    return rules.code_state(
        revoked_at=found.revoked_at,
        locked_at=found.locked_at,
        expires_at=found.expires_at,
        now=now,
    )


def _second_fact(session: Session, found: Any, digits: str, now: datetime) -> JoinedBy | None:
    """Which second fact fits, if any. Both are looked at whichever it is."""
    community_id, household_id, phones = (
        (found.community_id, found.household_id, found.phones) if found is not None else (0, 0, "")
    )
    number = secrets_box.hash_number(community_id, household_id, digits)
    used = session.execute(
        update(DeskConfirmation)
        .where(
            DeskConfirmation.community_id == community_id,
            DeskConfirmation.household_id == household_id,
            DeskConfirmation.number_hash == number,
            DeskConfirmation.used_at.is_(None),
            DeskConfirmation.expires_at > now,
        )
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    at_desk = used.rowcount == 1  # type: ignore[attr-defined]
    if rules.is_phone_ending(digits, phones):
        return JoinedBy.LETTER
    return JoinedBy.DESK if at_desk else None


def _count_wrong(session: Session, code_id: int, now: datetime, *, counts: bool) -> None:
    """One statement for every try, so that a known code takes no longer than an unknown one."""
    step = 1 if counts else 0
    session.execute(
        update(HouseholdCode)
        .where(HouseholdCode.id == code_id)
        .values(wrong_count=HouseholdCode.wrong_count + step)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(HouseholdCode)
        .where(
            HouseholdCode.id == code_id,
            HouseholdCode.locked_at.is_(None),
            HouseholdCode.wrong_count >= rules.WRONG_FACTS_TO_LOCK,
        )
        .values(locked_at=now)
        .execution_options(synchronize_session=False)
    )


def _member(session: Session, actor: Actor, found: Any, joined_by: JoinedBy | None) -> int | None:
    """The person who joins: this browser's, else a new one; None when all places are taken."""
    living = (
        Membership.community_id == found.community_id,
        Membership.household_id == found.household_id,
        Membership.ended_at.is_(None),
    )
    if actor.person_id is not None and session.scalar(
        select(Membership.id).where(*living, Membership.person_id == actor.person_id)
    ):
        return actor.person_id
    # Whoever comes to the desk without a phone takes none of the places of phones.
    phones = Membership.joined_by != JoinedBy.PRESENT
    count = session.scalar(select(func.count(Membership.id)).where(*living, phones)) or 0
    if count >= number_of(found.community_id, "members_per_household"):
        return None
    now = clock.now()
    person = Person(ref=secrets.token_urlsafe(16), created_at=now, adult_declared_at=now)
    session.add(person)
    session.flush()
    session.execute(
        insert(Membership).values(
            community_id=found.community_id,
            household_id=found.household_id,
            person_id=person.id,
            joined_at=now,
            joined_by=joined_by,
        )
    )
    tell_household(session, found.community_id, found.household_id, HouseholdNoticeKind.JOINED)
    return person.id


def _open_session(
    session: Session, person_id: int, *, staff: bool, shared_phone: bool, kind: str = ""
) -> str:
    cookie_id, now = browser.new_cookie_id(), clock.now()
    times = rules.session_times(staff=staff, shared_phone=shared_phone)
    session.flush()
    held = queries.grants_of(person_id, now, staff=staff)
    session.execute(
        insert(LoginSession).values(
            id_hash=browser.hash_of(cookie_id),
            person_id=person_id,
            staff=staff,
            shared_phone=shared_phone,
            created_at=now,
            last_seen_at=now,
            expires_at=now + times.lasts,
            browser=kind,
            roles_mark=rules.roles_mark(grant.id for grant in held),
        )
    )
    return cookie_id


def renew_session(actor: Actor, *, cookie_id: str, roles_mark: str) -> str:
    """Give a session whose roles changed a new cookie's id; the old cookie opens nothing any more.

    Empty when the session has ended or another request was first. Source: ASVS 7.2.4.
    """
    fresh = browser.new_cookie_id()
    with transaction(small=True) as session:
        renewed = session.execute(
            update(LoginSession)
            .where(
                LoginSession.id == actor.session_id,
                LoginSession.id_hash == browser.hash_of(cookie_id),
                LoginSession.ended_at.is_(None),
            )
            .values(id_hash=browser.hash_of(fresh), roles_mark=roles_mark)
        )
        if renewed.rowcount == 0:  # type: ignore[attr-defined]
            return ""
        security(session, "session.renewed", person_id=actor.person_id, renewed=actor.session_id)
    return fresh


def sign_out(actor: Actor) -> None:
    """End the actor's session at once; a cookie kept from it opens nothing."""
    with transaction(small=True) as session:
        session.execute(
            update(LoginSession)
            .where(LoginSession.id == actor.session_id, LoginSession.ended_at.is_(None))
            .values(ended_at=clock.now())
        )
        security(session, "session.ended", person_id=actor.person_id)


def touch_session(actor: Actor) -> None:
    """Note that a session is in use. Called at most every five minutes."""
    with transaction(small=True) as session:
        session.execute(
            update(LoginSession)
            .where(LoginSession.id == actor.session_id)
            .values(last_seen_at=clock.now())
        )


# --- staff ---------------------------------------------------------------------------------


def add_staff(  # noqa: PLR0913 -- an account is these facts
    actor: Actor,
    *,
    sign_in_name: str,
    display: str,
    password: str,
    role: Role,
    community_id: int | None = None,
    jurisdiction_id: int | None = None,
    ends_at: datetime | None = None,
) -> str:
    """Give a person an account and a role in one place; gives the second factor's secret.

    The role ends by itself at `ends_at`, if there is one. Raises: RuleBroken staff.password_*,
    staff.name_taken, staff.ends_too_soon, staff.role_is_proposed for a role that takes two people.
    """
    if community_id is not None and role not in set_up_roles():
        raise RuleBroken("staff.role_is_proposed")
    problem = passwords.problem(password, sign_in_name)
    if problem:
        raise RuleBroken(f"staff.password_{problem}")
    secret = pyotp.random_base32()
    with transaction() as session:
        require(actor, Permission.STAFF_SET_UP, Place(community_id))
        new = NewAccount(sign_in_name, display, role, community_id, jurisdiction_id, ends_at)
        account = new_account(session, actor, new)
        account.password_hash = secrets_box.hash_password(password)
        account.totp_secret = secrets_box.seal(secret)
    return secret


def staff_sign_in(
    actor: Actor,
    *,
    sign_in_name: str,
    password: str,
    totp: str = "",
    passkey: Answer | None = None,
    kind: str = "",
) -> str:
    """Open a staff session by password and a second factor; gives the cookie's id, or empty.

    The second factor is the six-digit number, a recovery code or the answer of a passkey, each
    once; `kind` is that of the browser. Unknown name, wrong password, wrong or used second factor
    and a locked account end alike, and no code is used up by a try that fails. Raises: RuleBroken
    staff.ended, for whoever has both and no role any more.
    """
    with transaction(small=True) as session:
        account = session.scalar(
            select(StaffAccount).where(StaffAccount.sign_in_name == sign_in_name).with_for_update()
        )
        now = clock.now()
        fits = secrets_box.password_fits(password, account.password_hash if account else None)
        free = account is not None and not second_factor.is_resting(account, now)
        found = second_factor.look(
            session,
            account,
            second_factor.Shown(totp, passkey),
            now,
            purpose=Purpose.SIGN_IN,
            allowed=fits and free,
        )
        if account is None:
            security(session, "staff.refused")
            return ""
        if not (fits and free and found.fits):
            second_factor.count_wrong(account, now)
            security(session, "staff.refused", person_id=account.person_id)
            return ""
        second_factor.welcome(account, found.step)
        if found.spent:
            security(session, "staff.recovery_used", person_id=account.person_id)
        if works_somewhere(session, account.person_id, now):
            # This browser carries the new session from now on; nobody else goes on with the old.
            session.execute(
                update(LoginSession)
                .where(
                    LoginSession.id == actor.session_id,
                    LoginSession.staff,
                    LoginSession.ended_at.is_(None),
                )
                .values(ended_at=now)
                .execution_options(synchronize_session=False)
            )
            cookie_id = _open_session(
                session, account.person_id, staff=True, shared_phone=False, kind=kind
            )
            security(
                session,
                "staff.signed_in",
                person_id=account.person_id,
                before=actor.session_id,
                passkey=found.keyed,
            )
            return cookie_id
        security(session, "staff.ended_refused", person_id=account.person_id)
    # Told only to whoever has both: for everybody else it was one more wrong try.
    raise RuleBroken("staff.ended")


# --- household codes -----------------------------------------------------------------------


def issue_codes(
    actor: Actor, *, community_id: int, household_ids: Sequence[int] | None
) -> list[DrawnCode]:
    """Make new codes for letters and void the old ones; None means every residence.

    In a demo city codes are worked out, so that they can be shown again. Raises: NotFound for a
    household of another community.
    """
    with transaction() as session:
        require(actor, Permission.LETTERS_PRINT, Place(community_id))
        demo = session.scalar(select(Community.demo).where(Community.id == community_id))
        wanted = _wanted(session, community_id, household_ids)
        now = codes.codes_now(session, community_id)
        drawn = codes.draw(community_id, wanted, now, demo=bool(demo))
        codes.put_in_force(session, community_id, drawn)
        security(
            session,
            "codes.issued",
            community_id=community_id,
            person_id=actor.person_id,
            number=len(drawn),
        )
        return drawn


def _wanted(session: Session, community_id: int, household_ids: Sequence[int] | None) -> list[int]:
    query = select(Household.id).where(*residences(community_id))
    if household_ids is None:
        return list(session.scalars(query.order_by(Household.id)))
    known = set(session.scalars(query))
    if set(household_ids) - known:
        raise NotFound("household")
    return list(household_ids)


def unlock_code(actor: Actor, *, community_id: int, household_id: int) -> None:
    """Let a household's code be tried again. Raises: NotFound."""
    with transaction() as session:
        require(actor, Permission.CODE_MANAGE, Place(community_id))
        _change_code(
            session,
            (community_id, household_id),
            {"locked_at": None, "wrong_count": 0},
            HouseholdNoticeKind.CODE_UNLOCKED,
        )
        security(
            session,
            "code.unlocked",
            community_id=community_id,
            person_id=actor.person_id,
        )


def revoke_code(actor: Actor, *, community_id: int, household_id: int) -> None:
    """Make a household's code worth nothing; who has joined stays. Raises: NotFound."""
    with transaction() as session:
        require(actor, Permission.CODE_MANAGE, Place(community_id))
        _change_code(
            session,
            (community_id, household_id),
            {"revoked_at": clock.now()},
            HouseholdNoticeKind.CODE_REVOKED,
        )
        security(
            session,
            "code.revoked",
            community_id=community_id,
            person_id=actor.person_id,
        )


def revoke_codes(
    actor: Actor, *, community_id: int, household_ids: Sequence[int], expected: int, part: str
) -> int:
    """Make the codes of many households worth nothing, such as a building's; gives how many.

    `expected` is the number the clerk was shown, `part` the key of what they chose. Raises:
    RuleBroken codes.changed when the number is another by now; NotFound for a household of another
    community.
    """
    with transaction() as session:
        require(actor, Permission.CODE_MANAGE, Place(community_id))
        now = codes.locked_codes(session, community_id)
        wanted = _wanted(session, community_id, household_ids)
        living = [each for each in wanted if now.get(each, codes.NO_CODE).living]
        if len(living) != expected:
            raise RuleBroken("codes.changed")
        codes.void(session, community_id, living, clock.now())
        tell_households(session, community_id, living, HouseholdNoticeKind.CODE_REVOKED)
        security(
            session,
            "codes.revoked",
            community_id=community_id,
            person_id=actor.person_id,
            number=len(living),
            part=part,
        )
        return len(living)


def _change_code(
    session: Session,
    where: tuple[int, int],
    values: dict[str, object],
    told: HouseholdNoticeKind,
) -> None:
    community_id, household_id = where
    changed = session.execute(
        update(HouseholdCode)
        .where(
            HouseholdCode.community_id == community_id,
            HouseholdCode.household_id == household_id,
            HouseholdCode.revoked_at.is_(None),
        )
        .values(**values)
    )
    if changed.rowcount == 0:  # type: ignore[attr-defined]
        raise NotFound("code")
    tell_household(session, community_id, household_id, told)


def confirm_present(actor: Actor, *, community_id: int, household_id: int) -> str:
    """Give a person at the desk a number for ten minutes, in place of the second fact.

    A newer number voids the older. Raises: NotFound.
    """
    number = f"{secrets.randbelow(1_000_000):06d}"
    with transaction() as session:
        require(actor, Permission.CODE_MANAGE, Place(community_id))
        _wanted(session, community_id, [household_id])
        now = clock.now()
        codes.void_desk_numbers(session, community_id, household_id, now)
        session.execute(
            insert(DeskConfirmation).values(
                community_id=community_id,
                household_id=household_id,
                number_hash=secrets_box.hash_number(community_id, household_id, number),
                given_at=now,
                expires_at=now + rules.DESK_NUMBER_VALID,
            )
        )
        tell_household(session, community_id, household_id, HouseholdNoticeKind.CONFIRMED_AT_DESK)
        security(
            session,
            "desk.confirmed",
            community_id=community_id,
            person_id=actor.person_id,
        )
    return number

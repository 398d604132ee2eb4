"""Getting in, getting out, and what the desk does for a household's code.

All of it is access: it goes to the security log and to the household, never into the record.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyotp
from sqlalchemy import insert, select, update

from app.communities.models import Community, Household
from app.communities.queries import residences
from app.core import clock
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.people import (
    browser,
    codes,
    door,
    joining,
    own_browsers,
    passwords,
    queries,
    rules,
    second_factor,
    secrets_box,
)
from app.people.credential_steps import NewAccount, new_account
from app.people.door import Entry
from app.people.models import (
    DeskConfirmation,
    HouseholdCode,
    HouseholdNoticeKind,
    LoginSession,
    RoleGrant,
    StaffAccount,
)
from app.people.passkeys import Purpose
from app.people.rules import Younger
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


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The end of an enrolment: how it ended, and for a welcome the session and the place."""

    entry: Entry
    cookie_id: str = ""
    community_id: int = 0
    household_id: int = 0
    # False for who was a member on this browser already.
    joined: bool = False
    # The household was added to those of whoever was signed in; the session goes on.
    added: bool = False


def enrol(  # noqa: PLR0913 -- what the door asks
    actor: Actor,
    *,
    code: str,
    second_fact: str,
    adult: bool,
    shared_phone: bool,
    younger: Younger | None = None,
    same_person: bool = False,
) -> Enrolled:
    """Join a household by its code and a second fact, and open a session.

    A wrong try is an outcome, not an exception: its count must be kept. Whoever is a living member
    of that household on this browser already stays the same person; so does, with `same_person`,
    whoever has a household already and adds this one. Raises: RuleBroken enrol.not_adult,
    enrol.two_ages, enrol.child (nothing is kept of a child). Source: docs/rules.md, "Getting in".
    """
    rules.check_age(adult=adult, younger=younger)
    comer = joining.Comer(minor=not adult, same_person=same_person and bool(actor.homes))
    with transaction() as session:
        found = door.code_row(session, rules.clean_code(code))
        digits = rules.clean_digits(second_fact)
        entry, joined_by = door.judge(session, found, digits)
        if entry is not Entry.WELCOME or found is None:
            security(session, "enrol.refused", community_id=_community_of(found))
            return Enrolled(entry)
        entry, person_id = joining.member(session, actor, found, joined_by, comer)
        if entry is not Entry.WELCOME:
            return Enrolled(entry)
        door.use_up(session, found, digits)
        cookie_id = ""
        if not comer.same_person:
            _end_former(session, actor, clock.now())
            cookie_id = _open_session(session, person_id, staff=False, shared_phone=shared_phone)
        security(
            session,
            "enrol.added" if comer.same_person else "enrol.joined",
            community_id=found.community_id,
            person_id=person_id,
        )
        joined = person_id != actor.person_id
        home = found.community_id, found.household_id
        return Enrolled(entry, cookie_id, *home, joined, comer.same_person)


def _community_of(found: Any) -> int | None:
    return found.community_id if found is not None else None


def _end_former(session: Session, actor: Actor, now: datetime) -> None:
    """End the session this browser had: it carries the new one from now on."""
    if actor.session_id is None:
        return
    session.execute(
        update(LoginSession)
        .where(LoginSession.id == actor.session_id, LoginSession.ended_at.is_(None))
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )


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


def note_refused(actor: Actor, *, community_id: int | None) -> None:
    """Note that somebody tried to give a role in a place where they have none to give."""
    with transaction() as session:
        security(
            session,
            "role.attempt_refused",
            community_id=community_id,
            person_id=actor.person_id,
            role="",
            why="no_permission",
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
    reason: str = "",
) -> str:
    """Give a person an account and a role in one place; gives the second factor's secret.

    The role ends by itself at `ends_at`, if there is one. Where the committee works it is proposed,
    with `reason`, and another person gives it. Raises: RuleBroken staff.password_*,
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
        new = NewAccount(
            sign_in_name, display, role, community_id, jurisdiction_id, ends_at, reason
        )
        account = new_account(session, actor, new)
        account.password_hash = secrets_box.hash_password(password)
        account.totp_secret = secrets_box.seal(secret)
    return secret


def staff_sign_in(  # noqa: PLR0913 -- what the door asks
    actor: Actor,
    *,
    sign_in_name: str,
    password: str,
    totp: str = "",
    passkey: Answer | None = None,
    kind: str = "",
    passes: Sequence[str] = (),
) -> str:
    """Open a staff session by password and a second factor; gives the cookie's id, or empty.

    The second factor is the six-digit number, a recovery code or the answer of a passkey, each
    once; `kind` is that of the browser, and `passes` are what it has of own_browsers. Unknown name,
    wrong password, wrong or used second factor and a locked account end alike, and no code is used
    up by a try that fails. Raises: RuleBroken staff.ended, for whoever has both and no role any
    more, and staff.not_agreed for whoever never had one.
    """
    with transaction(small=True) as session:
        account = session.scalar(
            select(StaffAccount).where(StaffAccount.sign_in_name == sign_in_name).with_for_update()
        )
        now = clock.now()
        fits = secrets_box.password_fits(password, account.password_hash if account else None)
        own = own_browsers.mark(account.id, account.password_hash, passes) if account else ""
        free = account is not None and not _is_resting(session, account, own, now)
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
            _note_wrong(session, account, own)
            return ""
        second_factor.welcome(account, found.step)
        if found.spent:
            security(session, "staff.recovery_used", person_id=account.person_id)
        if works_somewhere(session, account.person_id, now):
            _end_former(session, actor, now)
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
        worked = select(RoleGrant.id).where(RoleGrant.person_id == account.person_id)
        had_a_role = session.scalar(worked.limit(1)) is not None
    # Told only to whoever has both: for everybody else it was one more wrong try.
    raise RuleBroken("staff.ended" if had_a_role else "staff.not_agreed")


def _is_resting(session: Session, account: StaffAccount, own: str, now: datetime) -> bool:
    if own:
        return second_factor.is_browser_resting(session, account, own)
    return second_factor.is_resting(account, now)


def _note_wrong(session: Session, account: StaffAccount, own: str) -> None:
    if own:
        kind = second_factor.WRONG_IN_OWN_BROWSER
        security(session, kind, person_id=account.person_id, browser=own)
    else:
        security(session, "staff.refused", person_id=account.person_id)


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

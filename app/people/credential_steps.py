"""What several changes of accounts share, inside the transaction of whoever makes them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.communities.models import Community
from app.core import clock
from app.core.actor import Actor, Role
from app.core.errors import RuleBroken
from app.people import passkeys, passwords, rules
from app.people.models import AccountLink, Person, RoleGrant, SecurityEvent, StaffAccount
from app.people.steps import security

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

# After each of these somebody else has had an account's factors, or a link to them, in hand.
GIVEN_OUT = ("staff.added", "staff.renewed", "staff.invited", "staff.regained")


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Somebody who will work with the portal, and the one role they begin with.

    `reason` is for whoever has to agree, where another person has to.
    """

    sign_in_name: str
    display: str
    role: Role
    community_id: int | None = None
    jurisdiction_id: int | None = None
    ends_at: datetime | None = None
    reason: str = ""


Proposer = Callable[[Session, Actor, int, NewAccount], None]
_proposers: list[Proposer] = []


def register_proposer(proposer: Proposer) -> Proposer:
    """Make known who writes that an account's role is proposed, for another person to give."""
    _proposers.append(proposer)
    return proposer


def is_running(session: Session, community_id: int | None) -> bool:
    """Whether a community's committee works: a chair of it has come in with their account.

    A chair who is gone counts too. Else an administrator could end the chair's role, and would be
    back where the first people are given theirs by one alone.
    """
    chair = (
        select(RoleGrant.id)
        .join(StaffAccount, StaffAccount.person_id == RoleGrant.person_id)
        .where(
            RoleGrant.community_id == community_id,
            RoleGrant.role == Role.COMMITTEE_CHAIR.value,
            used(),
        )
    )
    return community_id is not None and session.scalar(chair.limit(1)) is not None


def used() -> ColumnElement[bool]:
    """The same as `is_in_use`, as a condition on the account's row."""
    return (StaffAccount.last_totp_step > 0) | StaffAccount.password_set_at.is_not(None)


def new_account(session: Session, actor: Actor, new: NewAccount) -> StaffAccount:
    """Write person, account and role. Nobody can sign in before both factors are there.

    Where the committee works the role is only proposed: without one the account opens nothing.
    Raises: RuleBroken staff.name_taken, staff.ends_too_soon, role.* of what cannot be proposed.
    """
    now = clock.now()
    if new.ends_at is not None and new.ends_at <= now:
        raise RuleBroken("staff.ends_too_soon")
    person = Person(ref=secrets.token_urlsafe(16), display=new.display, created_at=now)
    session.add(person)
    session.flush()
    account = StaffAccount(
        person_id=person.id, sign_in_name=new.sign_in_name, password_hash="", totp_secret=""
    )
    session.add(account)
    try:
        session.flush()
    except IntegrityError as error:
        raise RuleBroken("staff.name_taken") from error
    security(
        session,
        "staff.added",
        community_id=new.community_id,
        person_id=person.id,
        role=new.role.value,
        by=actor.person_id,
    )
    # Whoever has the server itself asks nobody: the only way on where nobody is left to agree.
    if not actor.is_system and is_running(session, new.community_id):
        _proposers[-1](session, actor, person.id, new)
        return account
    session.add(
        RoleGrant(
            person_id=person.id,
            role=new.role,
            community_id=new.community_id,
            jurisdiction_id=new.jurisdiction_id,
            starts_at=now,
            ends_at=new.ends_at,
        )
    )
    return account


def take_away(session: Session, person_id: int) -> None:
    """Leave nothing of an account that could open anything: it was not agreed to."""
    account = session.scalar(
        select(StaffAccount).where(StaffAccount.person_id == person_id).with_for_update()
    )
    if account is not None:
        void_links(session, account.id)
        passkeys.void_all(session, account.id)
        account.password_hash = account.totp_secret = ""


def is_in_use(account: StaffAccount) -> bool:
    """Whether an account is its holder's own: they have come in, or set it up themselves."""
    return bool(account.last_totp_step or account.password_set_at)


def is_second_person(session: Session, actor: Actor, made_at: datetime) -> bool:
    """Whether somebody was there well before a link was made, so that they are not its maker.

    An administrator can make a clerk's account and hold it themselves; of administrators nobody
    makes another by a page.
    """
    if any(grant.role is Role.ADMINISTRATOR for grant in actor.grants):
        return True
    given_out = select(SecurityEvent.id).where(
        SecurityEvent.person_id == actor.person_id,
        SecurityEvent.kind.in_(GIVEN_OUT),
        SecurityEvent.at > made_at - rules.VOUCHES_AFTER,
    )
    return session.scalar(given_out.limit(1)) is None


def void_links(session: Session, account_id: int) -> int:
    """Make every one-time link of an account worth nothing; gives how many there were."""
    voided = session.execute(
        update(AccountLink)
        .where(AccountLink.account_id == account_id, AccountLink.ended_at.is_(None))
        .values(ended_at=clock.now(), password_hash="", totp_secret="")
        .execution_options(synchronize_session=False)
    )
    number: int = voided.rowcount  # type: ignore[attr-defined]
    return number


def refuse_weak(session: Session, account: StaffAccount, password: str) -> None:
    """Refuse a password that is easily guessed for this account. Raises: RuleBroken staff.*."""
    person_id = account.person_id
    display = session.scalars(select(Person.display).where(Person.id == person_id))
    places = session.execute(
        select(Community.name, Community.code)
        .join(RoleGrant, RoleGrant.community_id == Community.id)
        .where(RoleGrant.person_id == person_id)
    )
    around = [*display, *(word for row in places for word in (*row, row.name.removesuffix("社区")))]
    problem = passwords.problem(password, account.sign_in_name, around)
    if problem:
        raise RuleBroken(f"staff.password_{problem}")

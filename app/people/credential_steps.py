"""What several changes of accounts share, inside the transaction of whoever makes them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.communities.models import Community
from app.core import clock
from app.core.actor import Role
from app.core.errors import RuleBroken
from app.people import passwords, rules
from app.people.models import AccountLink, Person, RoleGrant, SecurityEvent, StaffAccount
from app.people.steps import security

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor

# After each of these somebody else has had an account's factors, or a link to them, in hand.
GIVEN_OUT = ("staff.added", "staff.renewed", "staff.invited", "staff.regained")


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Somebody who will work with the portal, and the one role they begin with."""

    sign_in_name: str
    display: str
    role: Role
    community_id: int | None = None
    jurisdiction_id: int | None = None
    ends_at: datetime | None = None


def new_account(session: Session, actor: Actor, new: NewAccount) -> StaffAccount:
    """Write person, account and role. Nobody can sign in before both factors are there.

    Raises: RuleBroken staff.name_taken, staff.ends_too_soon.
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
    security(
        session,
        "staff.added",
        community_id=new.community_id,
        person_id=person.id,
        role=new.role.value,
        by=actor.person_id,
    )
    return account


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

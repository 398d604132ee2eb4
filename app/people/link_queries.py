"""Where one-time links stand, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.communities.models import Community
from app.core import clock
from app.core.db import db
from app.people import secrets_box
from app.people.credential_steps import is_second_person
from app.people.models import AccountLink, LinkKind, Person, RoleGrant, StaffAccount
from app.people.steps import role_is_living
from app.policy.table import Permission, Place, allowed

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from app.core.actor import Actor
    from app.people.account_links import LinkKey


@dataclass(frozen=True, slots=True)
class OpenLink:
    """What whoever has a link is shown. `secret` is there once the password is set."""

    display: str
    place: str
    sign_in_name: str
    expires_at: datetime
    needs_number: bool
    has_password: bool
    secret: str


def _living() -> tuple[ColumnElement[bool], ...]:
    return AccountLink.ended_at.is_(None), AccountLink.expires_at > clock.now()


def open_link(key: LinkKey) -> OpenLink | None:
    """The link behind a key; None for unknown, used, void, expired, and for whose role is over."""
    row = db.session.execute(
        select(
            Person.display,
            Community.name,
            StaffAccount.sign_in_name,
            AccountLink.expires_at,
            AccountLink.kind,
            AccountLink.number_hash,
            AccountLink.password_hash,
            AccountLink.totp_secret,
        )
        .join(StaffAccount, StaffAccount.id == AccountLink.account_id)
        .join(Person, Person.id == StaffAccount.person_id)
        .outerjoin(Community, Community.id == AccountLink.community_id)
        .where(
            AccountLink.token_hash == key.token_hash,
            *_living(),
            select(RoleGrant.id)
            .where(RoleGrant.person_id == Person.id, role_is_living(clock.now()))
            .exists(),
        )
    ).first()
    if row is None:
        return None
    half = row.kind == LinkKind.REGAIN and (
        not row.number_hash or row.number_hash != key.number_hash
    )
    has_password = bool(row.password_hash) and not half
    return OpenLink(
        display=row.display,
        place=row.name or "",
        sign_in_name=row.sign_in_name,
        expires_at=row.expires_at,
        needs_number=half,
        has_password=has_password,
        secret=secrets_box.unseal(row.totp_secret) if has_password else "",
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who has lost everything, for whom a second person is wanted."""

    link_id: int
    display: str
    place: str
    asked_by: str
    asked_at: datetime


def waiting_for(actor: Actor) -> list[Waiting]:
    """The links that the actor may vouch for, the oldest first."""
    asker = Person.__table__.alias("asker")
    rows = db.session.execute(
        select(
            AccountLink.id,
            AccountLink.community_id,
            AccountLink.made_at,
            Person.display,
            Community.name,
            asker.c.display.label("asked_by"),
        )
        .join(StaffAccount, StaffAccount.id == AccountLink.account_id)
        .join(Person, Person.id == StaffAccount.person_id)
        .join(asker, asker.c.id == AccountLink.made_by)
        .join(Community, Community.id == AccountLink.community_id)
        .where(
            AccountLink.kind == LinkKind.REGAIN,
            AccountLink.vouched_by.is_(None),
            AccountLink.made_by != actor.require_person(),
            StaffAccount.person_id != actor.require_person(),
            *_living(),
        )
        .order_by(AccountLink.id)
    )
    return [
        Waiting(row.id, row.display, row.name, row.asked_by, row.made_at)
        for row in rows
        if allowed(actor, Permission.ACCOUNT_VOUCH, Place(row.community_id))
        and is_second_person(db.session(), actor, row.made_at)
    ]


def own_regain_since(person_id: int) -> datetime | None:
    """Since when somebody is on the way to set one's own account up anew; None when nobody is."""
    return db.session.scalar(
        select(AccountLink.made_at)
        .join(StaffAccount, StaffAccount.id == AccountLink.account_id)
        .where(
            StaffAccount.person_id == person_id,
            AccountLink.kind == LinkKind.REGAIN,
            *_living(),
        )
        .limit(1)
    )


def invited(community_id: int) -> dict[int, datetime]:
    """Until when the invitations of a community are good, by person."""
    rows = db.session.execute(
        select(StaffAccount.person_id, AccountLink.expires_at)
        .join(StaffAccount, StaffAccount.id == AccountLink.account_id)
        .where(
            AccountLink.community_id == community_id,
            AccountLink.kind == LinkKind.INVITE,
            *_living(),
        )
    )
    return {row.person_id: row.expires_at for row in rows}

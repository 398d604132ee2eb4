"""What this room keeps about one person, for that person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core import clock
from app.core.actor import OWNED, Role
from app.core.db import db
from app.people.models import (
    LoginSession,
    Membership,
    Person,
    PersonNotice,
    PersonNoticeKind,
    RoleGrant,
)

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Joined:
    """A household the person came into by its code."""

    household_id: int
    joined_at: datetime
    ended_at: datetime | None
    age_confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Visit:
    """A browser that was signed in. The cookie itself is kept nowhere."""

    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    shared_phone: bool


def declared_adult_at(person_id: int) -> datetime | None:
    """When somebody said that they are of age."""
    return db.session.scalar(select(Person.adult_declared_at).where(Person.id == person_id))


def declared_minor_at(person_id: int) -> datetime | None:
    """When somebody said that they are 14 to 17; None once the desk has seen that they are 18."""
    return db.session.scalar(select(Person.minor_declared_at).where(Person.id == person_id))


def joined(community_id: int, person_id: int) -> list[Joined]:
    """The households of this community that somebody came into, the earliest first."""
    rows = db.session.execute(
        select(
            Membership.household_id,
            Membership.joined_at,
            Membership.ended_at,
            Membership.age_confirmed_at,
        )
        .where(Membership.community_id == community_id, Membership.person_id == person_id)
        .order_by(Membership.id)
    )
    return [Joined(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Owned:
    """A home that the desk has seen somebody to be an owner of, and for how long it holds."""

    household_id: int
    starts_at: datetime
    ends_at: datetime


def owned(community_id: int, person_id: int) -> list[Owned]:
    """The homes of this community that somebody was confirmed to own, the earliest first."""
    rows = db.session.execute(
        select(RoleGrant.scope, RoleGrant.starts_at, RoleGrant.ends_at)
        .where(
            RoleGrant.person_id == person_id,
            RoleGrant.community_id == community_id,
            RoleGrant.role == Role.OWNER,
        )
        .order_by(RoleGrant.id)
    )
    return [Owned(int(row.scope.removeprefix(OWNED)), row.starts_at, row.ends_at) for row in rows]


def owner_until(community_id: int, person_id: int, household_id: int) -> datetime | None:
    """Until when somebody counts as an owner of a home; None for whoever does not."""
    now = clock.now()
    ends = [
        one.ends_at
        for one in owned(community_id, person_id)
        if one.household_id == household_id and one.ends_at > now
    ]
    return max(ends, default=None)


def visits(person_id: int) -> list[Visit]:
    """The browsers in which somebody was signed in, the newest first."""
    rows = db.session.execute(
        select(
            LoginSession.created_at,
            LoginSession.last_seen_at,
            LoginSession.expires_at,
            LoginSession.ended_at,
            LoginSession.shared_phone,
        )
        .where(LoginSession.person_id == person_id)
        .order_by(LoginSession.id.desc())
    )
    return [Visit(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Told:
    """A line of the inbox by its kind; `about` is a thing such as `topic:abc`."""

    kind: PersonNoticeKind
    about: str
    at: datetime
    read_at: datetime | None


def told(community_id: int, person_id: int) -> list[Told]:
    """Every line in somebody's inbox here, the newest first."""
    rows = db.session.execute(
        select(PersonNotice.kind, PersonNotice.about, PersonNotice.at, PersonNotice.read_at)
        .where(PersonNotice.community_id == community_id, PersonNotice.person_id == person_id)
        .order_by(PersonNotice.id.desc())
    )
    return [Told(PersonNoticeKind(row.kind), row.about, row.at, row.read_at) for row in rows]

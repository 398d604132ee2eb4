"""Reads of people, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core import clock
from app.core.actor import Actor, Grant, Home
from app.core.db import db
from app.people.models import LoginSession, Membership, Person, RoleGrant

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A living session and who it belongs to."""

    session_id: int
    actor: Actor
    staff: bool
    shared_phone: bool
    last_seen_at: datetime
    expires_at: datetime


def session_by_hash(id_hash: str) -> SignedIn | None:
    """The living session behind a cookie: one statement for residents, two for staff."""
    now = clock.now()
    rows = db.session.execute(
        select(
            LoginSession.id,
            LoginSession.staff,
            LoginSession.shared_phone,
            LoginSession.last_seen_at,
            LoginSession.expires_at,
            Person.id.label("person_id"),
            Person.ref,
            Person.display,
            Membership.community_id,
            Membership.household_id,
        )
        .join(Person, Person.id == LoginSession.person_id)
        .outerjoin(
            Membership,
            (Membership.person_id == Person.id) & Membership.ended_at.is_(None),
        )
        .where(
            LoginSession.id_hash == id_hash,
            LoginSession.ended_at.is_(None),
            LoginSession.expires_at > now,
        )
        .order_by(Membership.id)
    ).all()
    if not rows:
        return None
    first = rows[0]
    homes = tuple(
        Home(r.community_id, r.household_id) for r in rows if r.household_id is not None
    )
    grants = _grants(first.person_id, now) if first.staff else ()
    actor = Actor(first.person_id, first.ref, first.display, first.id, grants, homes)
    return SignedIn(
        first.id,
        actor,
        first.staff,
        first.shared_phone,
        first.last_seen_at,
        first.expires_at,
    )


def _grants(person_id: int, now: datetime) -> tuple[Grant, ...]:
    in_time = (RoleGrant.starts_at <= now) & (
        RoleGrant.ends_at.is_(None) | (RoleGrant.ends_at > now)
    )
    rows = db.session.execute(
        select(RoleGrant.role, RoleGrant.community_id, RoleGrant.jurisdiction_id)
        .where(RoleGrant.person_id == person_id, in_time)
        .order_by(RoleGrant.id)
    )
    return tuple(Grant(row.role, row.community_id, row.jurisdiction_id) for row in rows)

"""The one member of a household that stands for whoever of it is present at the desk.

Such a member has no phone and no session: only a clerk acts for it, with somebody present. It can
be contested and ended like any other, and ends with the household's moving out (docs/adr/0031).
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from app.core.actor import Actor, Home
from app.core.db import db
from app.people.models import Membership, Person
from app.people.rules import JoinedBy

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def living_seat(session: Session, community_id: int, household_id: int) -> Actor | None:
    """Whoever is present for a household, as an actor; None when nobody ever was, or it ended."""
    row = session.execute(
        select(Person.id, Person.ref)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.community_id == community_id,
            Membership.household_id == household_id,
            Membership.joined_by == JoinedBy.PRESENT,
            Membership.ended_at.is_(None),
        )
    ).first()
    return row and Actor(row.id, row.ref, homes=(Home(community_id, household_id),))


def take_seat(session: Session, community_id: int, household_id: int, now: datetime) -> Actor:
    """The same, and made when there is none; the unique key decides between two desks."""
    known = living_seat(session, community_id, household_id)
    if known is not None:
        return known
    person = Person(ref=secrets.token_urlsafe(16), created_at=now, adult_declared_at=now)
    session.add(person)
    session.flush()
    engine = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    taken = session.execute(
        engine.insert(Membership)
        .values(
            community_id=community_id,
            household_id=household_id,
            person_id=person.id,
            joined_at=now,
            joined_by=JoinedBy.PRESENT,
            ended_why="",
        )
        .on_conflict_do_nothing(
            index_elements=["community_id", "household_id"],
            index_where=(Membership.joined_by == "present") & Membership.ended_at.is_(None),
        )
        .returning(Membership.id)
    ).first()
    if taken is not None:
        return Actor(person.id, person.ref, homes=(Home(community_id, household_id),))
    session.execute(delete(Person).where(Person.id == person.id))
    known = living_seat(session, community_id, household_id)
    if known is None:
        raise RuntimeError("somebody else's seat ended while this one was taken")
    return known

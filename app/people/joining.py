"""Who joins a household: this browser's person, a new one, or somebody who has another home too.

Every function works inside the caller's transaction, under the lock of the household's code.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from app.communities.settings import number_of
from app.core import clock
from app.core.errors import NotFound
from app.people import rules
from app.people.door import Entry
from app.people.models import HouseholdNoticeKind, Membership, Person
from app.people.rules import JoinedBy
from app.people.steps import tell_household

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor


@dataclass(frozen=True, slots=True)
class Comer:
    """Whoever is at the door: 14 to 17, and whether they stay the person they are signed in as."""

    minor: bool
    same_person: bool = False


def member(
    session: Session, actor: Actor, found: Any, joined_by: JoinedBy | None, comer: Comer
) -> tuple[Entry, int]:
    """How a right code ends, and the person who is in then; 0 when nobody came in."""
    here = (
        Membership.community_id == found.community_id,
        Membership.household_id == found.household_id,
    )
    living = (*here, Membership.ended_at.is_(None))
    if actor.person_id is not None and session.scalar(
        select(Membership.id).where(*living, Membership.person_id == actor.person_id)
    ):
        choose(session, actor.person_id, found.community_id, found.household_id)
        return Entry.WELCOME, actor.person_id
    # Whoever comes to the desk without a phone takes none of the places of phones.
    phones = Membership.joined_by != JoinedBy.PRESENT
    count = session.scalar(select(func.count(Membership.id)).where(*living, phones)) or 0
    if count >= number_of(found.community_id, "members_per_household"):
        return Entry.FULL, 0
    now = clock.now()
    if comer.same_person:
        person_id = actor.require_person()
        if not _has_room(session, person_id):
            return Entry.TOO_MANY, 0
    else:
        person_id = _new_person(session, comer, now)
    _come_in(session, here, found, person_id, joined_by, now)
    tell_household(session, found.community_id, found.household_id, HouseholdNoticeKind.JOINED)
    if comer.same_person:
        choose(session, person_id, found.community_id, found.household_id)
    return Entry.WELCOME, person_id


def _new_person(session: Session, comer: Comer, now: datetime) -> int:
    person = Person(
        ref=secrets.token_urlsafe(16),
        created_at=now,
        adult_declared_at=None if comer.minor else now,
        minor_declared_at=now if comer.minor else None,
    )
    session.add(person)
    session.flush()
    return person.id


def _has_room(session: Session, person_id: int) -> bool:
    """Whether one more household may be added to a person, who is held meanwhile.

    Raises: NotFound for somebody who was erased a moment ago.
    """
    held = select(Person.id).where(Person.id == person_id).with_for_update()
    if session.scalar(held) is None:
        raise NotFound("person")
    homes = session.scalar(
        select(func.count(Membership.id)).where(
            Membership.person_id == person_id, Membership.ended_at.is_(None)
        )
    )
    return (homes or 0) < rules.MOST_HOMES


def _come_in(
    session: Session,
    here: tuple[Any, ...],
    found: Any,
    person_id: int,
    joined_by: JoinedBy | None,
    now: datetime,
) -> None:
    """Begin a membership; one that ended earlier begins anew, for each person has one line."""
    begun = {"joined_at": now, "joined_by": joined_by}
    again = session.execute(
        update(Membership)
        .where(*here, Membership.person_id == person_id)
        .values(
            **begun,
            contested_at=None,
            contested_by=None,
            ended_at=None,
            ended_why="",
            age_confirmed_at=None,
        )
        .execution_options(synchronize_session=False)
    )
    if again.rowcount == 0:  # type: ignore[attr-defined]
        session.execute(
            insert(Membership).values(
                community_id=found.community_id,
                household_id=found.household_id,
                person_id=person_id,
                **begun,
            )
        )


def choose(session: Session, person_id: int, community_id: int, household_id: int) -> bool:
    """Let somebody act for this one of their households in its community; whether it is theirs."""
    mine = (
        Membership.person_id == person_id,
        Membership.community_id == community_id,
        Membership.ended_at.is_(None),
    )
    chosen = session.execute(
        update(Membership)
        .where(*mine, Membership.household_id == household_id)
        .values(chosen_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    if chosen.rowcount == 0:  # type: ignore[attr-defined]
        return False
    session.execute(
        update(Membership)
        .where(*mine, Membership.household_id != household_id, Membership.chosen_at.is_not(None))
        .values(chosen_at=None)
        .execution_options(synchronize_session=False)
    )
    return True

"""The visit somebody acts in, found and held inside the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.assisting import rules
from app.assisting.models import DeskVisit
from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.people.seats import living_seat, take_seat
from app.people.steps import security
from app.policy.table import Permission, Place, require
from app.voting import tokens
from app.voting.casting import Attempt

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.assisting.rules import Checked
    from app.core.actor import Actor


@dataclass(frozen=True, slots=True)
class HeldVisit:
    """A visit that goes on: the household, and whoever is present as the one who acts."""

    id: int
    community_id: int
    household_id: int
    checked: Checked
    until: datetime
    present: Actor


def check_may_act(actor: Actor, community_id: int, household_id: int, *, present: bool) -> None:
    """Raise NotAllowed; RuleBroken assist.own_household, assist.not_stated."""
    require(actor, Permission.ASSIST, Place(community_id))
    own = actor.lives_in(community_id, household_id)
    rules.check_statement(present=present, own_household=own)


def begin(
    session: Session, actor: Actor, community_id: int, household_id: int, checked: Checked
) -> int:
    """Open a visit, or find the one this clerk has open; the unique key decides."""
    now = clock.now()
    mine = (
        DeskVisit.community_id == community_id,
        DeskVisit.household_id == household_id,
        DeskVisit.clerk_id == actor.require_person(),
        DeskVisit.ended_at.is_(None),
    )
    seat = take_seat(session, community_id, household_id, now)
    # Whoever was present when the family that moved out was here is no longer this household's.
    stale = (DeskVisit.until <= now) | (DeskVisit.seat_id != seat.person_id)
    session.execute(
        update(DeskVisit)
        .where(*mine, stale)
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )
    engine = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    opened = session.scalar(
        engine.insert(DeskVisit)
        .values(
            community_id=community_id,
            household_id=household_id,
            seat_id=seat.person_id,
            clerk_id=actor.person_id,
            checked=checked,
            began_at=now,
            until=now + rules.VISIT_LASTS,
        )
        .on_conflict_do_nothing(
            index_elements=["community_id", "household_id", "clerk_id"],
            index_where=DeskVisit.ended_at.is_(None),
        )
        .returning(DeskVisit.id)
    )
    if opened is not None:
        return opened
    return session.scalars(select(DeskVisit.id).where(*mine)).one()


def hold(session: Session, actor: Actor, community_id: int, visit_id: int) -> HeldVisit:
    """The clerk's own visit, while it goes on and somebody still stands for the household.

    Raises: NotFound, also for another clerk's; NotAllowed; RuleBroken assist.over,
    assist.own_household.
    """
    visit = session.scalar(_mine(actor, community_id, visit_id).with_for_update())
    return _going_on(session, actor, visit)


def look(actor: Actor, community_id: int, visit_id: int) -> HeldVisit:
    """The same without holding it, for pages. Raises as `hold`."""
    session = db.session()
    return _going_on(session, actor, session.scalar(_mine(actor, community_id, visit_id)))


def _mine(actor: Actor, community_id: int, visit_id: int) -> Select[DeskVisit]:
    return select(DeskVisit).where(
        DeskVisit.community_id == community_id,
        DeskVisit.id == visit_id,
        DeskVisit.clerk_id == actor.person_id,
    )


def _going_on(session: Session, actor: Actor, visit: DeskVisit | None) -> HeldVisit:
    if visit is None:
        raise NotFound("visit")
    check_may_act(actor, visit.community_id, visit.household_id, present=True)
    seat = living_seat(session, visit.community_id, visit.household_id)
    over = visit.ended_at is not None or seat is None or seat.person_id != visit.seat_id
    rules.check_going_on(ended=over, until=visit.until, now=clock.now())
    if seat is None:
        raise NotFound("seat")
    return HeldVisit(
        visit.id, visit.community_id, visit.household_id, visit.checked, visit.until, seat
    )


def end(session: Session, visit: HeldVisit) -> None:
    """Close a visit that is held."""
    session.execute(update(DeskVisit).where(DeskVisit.id == visit.id).values(ended_at=clock.now()))


def binding(actor: Actor, visit: HeldVisit, public_id: str) -> tokens.Binding:
    """What a form shown at the desk serves: this clerk's session, this poll, this household."""
    return tokens.Binding(actor.session_id or 0, visit.community_id, public_id, visit.household_id)


def attempt(actor: Actor, visit: HeldVisit, public_id: str, token: str) -> Attempt:
    """Which ballot comes in by which form. Raises: RuleBroken ballot.other_session."""
    key = current_app.config["SETTINGS"].secret_key
    nonce = tokens.nonce_of(key, binding(actor, visit, public_id), token)
    person_id = visit.present.require_person()
    return Attempt(visit.community_id, public_id, visit.household_id, person_id, nonce)


def note_access(session: Session, actor: Actor, visit: HeldVisit, kind: str, **about: str) -> None:
    """Keep that a clerk acted, for which household, and how they knew who was there."""
    security(
        session,
        kind,
        community_id=visit.community_id,
        person_id=actor.person_id,
        household=visit.household_id,
        visit=visit.id,
        checked=str(visit.checked),
        **about,
    )

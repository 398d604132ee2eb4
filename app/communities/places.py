"""Changes to places that a set-up makes step by step, each of which may be sent twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from app.communities.models import (
    ROLL_CONFIRMED,
    Community,
    CommunitySetting,
    Jurisdiction,
    Level,
)
from app.communities.steps import note_access
from app.core import clock
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.record import Above, open_log
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def ensure_subdistrict(
    actor: Actor, *, city_id: int | None, district: str, subdistrict: str
) -> str:
    """Find a subdistrict by its name and its district's, or set up what is missing; gives its code.

    The same names again lead to the same place. Raises: RuleBroken place.no_name.
    """
    if not (district and subdistrict):
        raise RuleBroken("place.no_name")
    with transaction() as session:
        require(actor, Permission.PLACES_SET_UP, Place())
        # Whoever adds below a city waits for its row: the same names never make two places.
        session.execute(
            select(Jurisdiction.id).where(Jurisdiction.id == city_id).with_for_update()
        ).first()
        upper = _child(session, actor, city_id, Level.DISTRICT, district)
        return _child(session, actor, upper.id, Level.SUBDISTRICT, subdistrict).code


def _child(
    session: Session, actor: Actor, parent_id: int | None, level: Level, name: str
) -> Jurisdiction:
    known = session.scalar(
        select(Jurisdiction).where(
            Jurisdiction.parent_id == parent_id
            if parent_id is not None
            else Jurisdiction.parent_id.is_(None),
            Jurisdiction.level == level.value,
            Jurisdiction.name == name,
        )
    )
    if known is not None:
        return known
    code = _free_code(session, parent_id, level)
    row = Jurisdiction(level=level, code=code, name=name, parent_id=parent_id)
    session.add(row)
    session.flush()
    open_log(session, Above(row.id), code)
    note_access(session, "place.added", None, actor, code=code)
    return row


def _free_code(session: Session, parent_id: int | None, level: Level) -> str:
    """The parent's code with the next free number: nobody has to think one up."""
    taken = set(session.scalars(select(Jurisdiction.code)))
    upper = session.scalar(select(Jurisdiction.code).where(Jurisdiction.id == parent_id))
    stem = upper or level.value[0].upper()
    return next(code for n in range(1, len(taken) + 2) if (code := f"{stem[:34]}-{n}") not in taken)


def change_community(
    actor: Actor, *, community_id: int, name: str, desk_phone: str, office: str, hours: str
) -> None:
    """Correct what letters and pages say of a community; its code stays. Raises: NotFound."""
    with transaction() as session:
        require(actor, Permission.PLACES_SET_UP, Place())
        changed = session.execute(
            update(Community)
            .where(Community.id == community_id)
            .values(name=name, desk_phone=desk_phone, office=office, hours=hours)
        )
        if changed.rowcount == 0:  # type: ignore[attr-defined]
            raise NotFound("community")
        note_access(session, "place.changed", community_id, actor)


def confirm_roll(actor: Actor, *, community_id: int) -> None:
    """Keep that somebody of the committee has looked at the roll and found it right.

    Said again, it stays as it was first said.
    """
    with transaction() as session:
        require(actor, Permission.ROLL_IMPORT, Place(community_id))
        session.execute(
            select(Community.id).where(Community.id == community_id).with_for_update()
        ).one()
        mine = (
            CommunitySetting.community_id == community_id,
            CommunitySetting.key == ROLL_CONFIRMED,
        )
        if session.scalar(select(CommunitySetting.id).where(*mine)) is None:
            session.execute(
                insert(CommunitySetting).values(
                    community_id=community_id,
                    key=ROLL_CONFIRMED,
                    value=clock.to_record(clock.now()),
                )
            )
        note_access(session, "roll.confirmed", community_id, actor)

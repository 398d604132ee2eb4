"""Changes of one entry of the roll, offered to the rooms above inside their transactions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from app.communities.addresses import address_text
from app.communities.models import Building, Estate, Household, OwnerSet, OwnerSetUnit
from app.core.db import db
from app.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.communities.row_rules import RowChange


@dataclass(frozen=True, slots=True)
class RowView:
    """What the roll holds of one household. Areas in 0.01 m²."""

    address: str
    household_head: str
    owner_name: str
    phones: tuple[str, ...]
    area_registered_c: int | None
    owner_changed_at: datetime | None
    # Whether a clerk has confirmed that the owners have other units here, too.
    in_owner_set: bool


def row_of(community_id: int, household_id: int) -> RowView:
    """One entry of the roll. Raises: NotFound."""
    row = db.session.execute(
        select(
            Estate.name.label("estate"),
            Building.name.label("building"),
            Household.stairwell,
            Household.room,
            Household.household_head,
            Household.owner_name,
            Household.phones,
            Household.area_registered_c,
            Household.owner_changed_at,
            OwnerSetUnit.id.label("owner_set_unit"),
        )
        .join(Building, Building.id == Household.building_id)
        .join(Estate, Estate.id == Building.estate_id)
        .outerjoin(
            OwnerSetUnit,
            (OwnerSetUnit.community_id == Household.community_id)
            & (OwnerSetUnit.household_id == Household.id),
        )
        .where(Household.community_id == community_id, Household.id == household_id)
    ).first()
    if row is None:
        raise NotFound("household")
    return RowView(
        address_text(row.estate, row.building, row.stairwell, row.room),
        row.household_head,
        row.owner_name,
        tuple(row.phones.split()),
        row.area_registered_c,
        row.owner_changed_at,
        row.owner_set_unit is not None,
    )


def hold_row(session: Session, community_id: int, household_id: int) -> Household:
    """One entry of the roll, held until the end. Ballots go on meanwhile. Raises: NotFound."""
    mine = Household.community_id == community_id, Household.id == household_id
    found = session.scalar(select(Household).where(*mine).with_for_update(key_share=True))
    if found is None:
        raise NotFound("household")
    return found


def put_right(row: Household, change: RowChange) -> tuple[str, ...]:
    """Change an entry that is held; gives the names of the fields that were others before."""
    differing = {
        name: value for name, value in change.fields().items() if getattr(row, name) != value
    }
    for name, value in differing.items():
        setattr(row, name, value)
    return tuple(differing)


def hand_over(session: Session, row: Household, change: RowChange, now: datetime) -> int:
    """Let an entry that is held belong to other owners, and to no set of the former ones.

    The other units of a set stay together: they are still the former owner's. Gives how many.
    """
    put_right(row, change)
    row.title_hash, row.tenure, row.tenant = "", "", ""
    row.owner_changed_at = row.moved_out_at = now
    _forget_rejected(session, row)
    unit = session.scalar(
        select(OwnerSetUnit)
        .where(OwnerSetUnit.community_id == row.community_id, OwnerSetUnit.household_id == row.id)
        .with_for_update()
    )
    if unit is None:
        return 0
    return _without(session, row, unit.owner_set_id, now)


def _forget_rejected(session: Session, row: Household) -> None:
    """That units are not one owner's was said of the former owners: it may be asked anew."""
    rejected = session.scalars(
        select(OwnerSet).where(
            OwnerSet.community_id == row.community_id, OwnerSet.confirmed.is_(False)
        )
    ).all()
    for one in rejected:
        if row.id in one.units:
            session.delete(one)


def _without(session: Session, row: Household, set_id: int, now: datetime) -> int:
    mine = OwnerSetUnit.community_id == row.community_id, OwnerSetUnit.owner_set_id == set_id
    left = [
        unit
        for unit in session.scalars(
            select(OwnerSetUnit.household_id).where(*mine).order_by(OwnerSetUnit.household_id)
        )
        if unit != row.id
    ]
    old = session.scalars(
        select(OwnerSet).where(OwnerSet.community_id == row.community_id, OwnerSet.id == set_id)
    ).one()
    session.execute(delete(OwnerSetUnit).where(*mine, OwnerSetUnit.household_id.not_in(left)))
    # What was decided of exactly these units is over; a later file may propose them again.
    if len(left) > 1:
        smaller = _set_of(session, old, left, now)
        session.execute(update(OwnerSetUnit).where(*mine).values(owner_set_id=smaller.id))
    else:
        session.execute(delete(OwnerSetUnit).where(*mine))
    session.flush()
    session.delete(old)
    return len(left)


def _set_of(session: Session, old: OwnerSet, units: Sequence[int], now: datetime) -> OwnerSet:
    """The confirmed set of these units, which were confirmed within a larger one."""
    units_hash = hashlib.sha256(",".join(map(str, units)).encode()).hexdigest()
    found = session.scalar(
        select(OwnerSet).where(
            OwnerSet.community_id == old.community_id, OwnerSet.units_hash == units_hash
        )
    )
    if found is None:
        found = OwnerSet(
            community_id=old.community_id,
            units_hash=units_hash,
            units=list(units),
            confirmed=True,
            decided_at=now,
            decided_by=old.decided_by,
        )
        session.add(found)
        session.flush()
    found.confirmed = True
    return found

"""Changes to places and to the roll. The roll is access data: it goes to the security log."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.communities import queries, rules
from app.communities.models import (
    Building,
    Community,
    Estate,
    Household,
    Jurisdiction,
    Level,
    RollUpload,
)
from app.communities.roll_reading import read_roll
from app.communities.steps import note_access
from app.core import clock
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.record import open_log
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from app.communities.roll_reading import RollFile
    from app.communities.rules import RollRow
    from app.core.actor import Actor

UPLOAD_KEPT = timedelta(days=1)
# Every column an import may write; a row that says nothing about one leaves it as it is.
COLUMNS = (
    "unit_type",
    "household_head",
    "phones",
    "owner_name",
    "area_registered_c",
    "area_surveyed_c",
    "area_contract_c",
    "tenure",
    "delivery",
    "residence",
    "tenant",
    "persons",
    "persons_60_plus",
    "grid",
    "resident_group",
)


@dataclass(frozen=True, slots=True)
class NewCommunity:
    """What a community begins with."""

    code: str
    name: str
    jurisdiction_id: int
    desk_phone: str
    office: str
    hours: str
    intro: str
    demo: bool


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, in rows."""

    new: int
    changed: int
    unchanged: int
    refused: int
    dropped_columns: tuple[str, ...]


def add_jurisdiction(
    actor: Actor, *, level: str, code: str, name: str, parent_id: int | None
) -> int:
    """Set up a city, district or subdistrict. Raises: RuleBroken place.code_taken."""
    with transaction() as session:
        require(actor, Permission.PLACES_SET_UP, Place())
        row = Jurisdiction(level=Level(level), code=code, name=name, parent_id=parent_id)
        session.add(row)
        _flush_new(session, code)
        note_access(session, "place.added", None, actor, code=code)
        return row.id


def add_community(actor: Actor, new: NewCommunity) -> int:
    """Set up a community and begin its record. Raises: RuleBroken place.code_*."""
    if not new.code or rules.community_code(new.code) != new.code:
        raise RuleBroken("place.code_shape")
    with transaction() as session:
        require(actor, Permission.PLACES_SET_UP, Place())
        row = Community(
            code=new.code,
            name=new.name,
            jurisdiction_id=new.jurisdiction_id,
            desk_phone=new.desk_phone,
            office=new.office,
            hours=new.hours,
            intro=new.intro,
            demo=new.demo,
        )
        session.add(row)
        _flush_new(session, new.code)
        open_log(session, row.id, new.code)
        note_access(session, "place.added", row.id, actor, code=new.code)
        return row.id


def _flush_new(session: Session, code: str) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise RuleBroken("place.code_taken", taken=code) from error


def upload_roll(actor: Actor, *, community_id: int, data: bytes, file_name: str) -> str:
    """Read a file and keep its rows until the clerk has seen the preview; gives its public id.

    Nothing of the roll changes yet. Raises: RuleBroken roll.*.
    """
    file = read_roll(data, file_name)
    with transaction() as session:
        require(actor, Permission.ROLL_IMPORT, Place(community_id))
        now = clock.now()
        session.execute(
            delete(RollUpload).where(
                RollUpload.community_id == community_id,
                RollUpload.uploaded_at < now - UPLOAD_KEPT,
            )
        )
        upload = RollUpload(
            community_id=community_id,
            public_id=secrets.token_urlsafe(12),
            file_name=file_name[:200],
            uploaded_by=actor.person_id,
            uploaded_at=now,
            rows=[[row.number, list(row.key), row.values] for row in file.reading.rows],
            notes=_notes(file),
        )
        session.add(upload)
        note_access(session, "roll.uploaded", community_id, actor, rows=len(upload.rows))
        return upload.public_id


def _notes(file: RollFile) -> dict[str, Any]:
    return {
        "refused": [[r.number, r.code, r.shown, r.other] for r in file.reading.refused],
        "warnings": dict(file.reading.warnings),
        "totals": file.reading.totals_skipped,
        "dropped": list(file.dropped_columns),
        "unknown": list(file.unknown_columns),
        "missing": list(file.missing_columns),
    }


def apply_roll(actor: Actor, *, community_id: int, public_id: str) -> Imported:
    """Bring an uploaded file into the roll, all of it or nothing. Doing it again changes nothing.

    Households the file leaves out stay. Raises: NotFound.
    """
    with transaction() as session:
        require(actor, Permission.ROLL_IMPORT, Place(community_id))
        upload = session.scalar(
            select(RollUpload)
            .where(
                RollUpload.community_id == community_id,
                RollUpload.public_id == public_id,
            )
            .with_for_update()
        )
        if upload is None:
            raise NotFound("upload")
        rows = queries.upload_rows(upload.rows)
        counts = _apply(session, community_id, rows)
        upload.applied_at = clock.now()
        note_access(
            session,
            "roll.imported",
            community_id,
            actor,
            new=counts[0],
            changed=counts[1],
        )
        return Imported(*counts, len(upload.notes["refused"]), tuple(upload.notes["dropped"]))


def import_roll(actor: Actor, *, community_id: int, data: bytes, file_name: str) -> Imported:
    """Read a file and bring it into the roll at once, for the command line. Raises: RuleBroken."""
    file = read_roll(data, file_name)
    with transaction() as session:
        require(actor, Permission.ROLL_IMPORT, Place(community_id))
        counts = _apply(session, community_id, file.reading.rows)
        note_access(
            session,
            "roll.imported",
            community_id,
            actor,
            new=counts[0],
            changed=counts[1],
        )
    return Imported(*counts, len(file.reading.refused), file.dropped_columns)


def _apply(session: Session, community_id: int, rows: Sequence[RollRow]) -> tuple[int, int, int]:
    session.execute(
        select(Community.id).where(Community.id == community_id).with_for_update()
    ).one()
    preview = rules.compare(queries.roll_values(community_id), rows)
    buildings = _places_for(session, community_id, rows)
    if preview.new:
        session.execute(
            insert(Household),
            [_new_values(community_id, buildings, row) for row in preview.new],
        )
    changed = [_changed_values(community_id, buildings, row) for row, _fields in preview.changed]
    if changed:
        _update_households(session, changed)
    return len(preview.new), len(preview.changed), preview.unchanged


def _places_for(
    session: Session, community_id: int, rows: Sequence[RollRow]
) -> Mapping[tuple[str, str], int]:
    """Building ids by (estate, building); what is missing is added."""
    estates = {
        row.name: row.id
        for row in session.execute(
            select(Estate.id, Estate.name).where(Estate.community_id == community_id)
        )
    }
    for name in dict.fromkeys(row.key[0] for row in rows):
        if name not in estates:
            estate = Estate(community_id=community_id, name=name)
            session.add(estate)
            session.flush()
            estates[name] = estate.id
    known = {
        (row.estate_id, row.name): row.id
        for row in session.execute(
            select(Building.id, Building.estate_id, Building.name).where(
                Building.community_id == community_id
            )
        )
    }
    found: dict[tuple[str, str], int] = {}
    for estate_name, name in dict.fromkeys(row.key[:2] for row in rows):
        place = (estates[estate_name], name)
        if place not in known:
            building = Building(community_id=community_id, estate_id=place[0], name=name)
            session.add(building)
            session.flush()
            known[place] = building.id
        found[estate_name, name] = known[place]
    return found


def _new_values(
    community_id: int, buildings: Mapping[tuple[str, str], int], row: RollRow
) -> dict[str, Any]:
    empty = {name: None if name in _NUMBERS else "" for name in COLUMNS} | {
        "unit_type": "residence"
    }
    return (
        empty
        | {name: value for name, value in row.values.items() if name in COLUMNS}
        | {
            "community_id": community_id,
            "building_id": buildings[row.key[0], row.key[1]],
            "stairwell": row.key[2],
            "room": row.key[3],
            "title_hash": "",
        }
    )


_NUMBERS = (
    "area_registered_c",
    "area_surveyed_c",
    "area_contract_c",
    "persons",
    "persons_60_plus",
)


def _changed_values(
    community_id: int, buildings: Mapping[tuple[str, str], int], row: RollRow
) -> dict[str, Any]:
    values = {f"b_{name}": value for name, value in row.values.items() if name in COLUMNS}
    return values | {
        "b_community": community_id,
        "b_building": buildings[row.key[0], row.key[1]],
        "b_stairwell": row.key[2],
        "b_room": row.key[3],
    }


def _update_households(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """One prepared statement for all rows; every row of a file names the same columns."""
    named = [name for name in COLUMNS if f"b_{name}" in rows[0]]
    table: Any = Household.__table__
    statement = (
        update(table)
        .where(
            table.c.community_id == bindparam("b_community"),
            table.c.building_id == bindparam("b_building"),
            table.c.stairwell == bindparam("b_stairwell"),
            table.c.room == bindparam("b_room"),
        )
        .values({name: bindparam(f"b_{name}") for name in named})
    )
    session.connection().execute(statement, list(rows))

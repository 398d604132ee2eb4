"""The last stage of an import: what was judged and decided goes into the roll."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, insert, literal, select, update

from app.communities import rules
from app.communities.models import Building, Decision, Estate, LineState, UploadState
from app.communities.staging import (
    ABSENCE,
    COLUMNS,
    HOME,
    HOMES,
    LINE,
    compare,
    count,
    count_rows,
    fields_of,
    hold,
    of_upload,
    said,
)
from app.communities.steps import owners_changed

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.communities.models import RollUpload


def bring_in(session: Session, upload: RollUpload, now: datetime) -> None:
    """Bring the rows into the roll, all or none; the roll may have changed since the preview."""
    count_rows(session, upload)
    compare(session, upload)
    _move(session, upload)
    _add_places(session, upload)
    compare(session, upload)
    hold(session, upload)
    upload.counts = count(session, upload)
    mine = of_upload(LINE.c, upload)
    fields = fields_of(upload)
    leaving = select(ABSENCE.c.household_id).where(
        *of_upload(ABSENCE.c, upload), ABSENCE.c.decision == Decision.REMOVE
    )
    session.execute(
        update(HOMES)
        .where(HOMES.c.community_id == upload.community_id, HOMES.c.id.in_(leaving))
        .values(left_roll_at=now)
    )
    owners_changed(session, upload.community_id, _with_other_owners(session, upload))
    session.execute(
        update(HOMES)
        .where(
            HOMES.c.community_id == upload.community_id,
            HOMES.c.id == LINE.c.household_id,
            *mine,
            LINE.c.state == LineState.CHANGED,
        )
        .values({name: _brought(name) for name in fields} | {"left_roll_at": None})
    )
    names = ("community_id", "building_id", "stairwell", "room", "title_hash", *COLUMNS)
    new = (
        select(
            LINE.c.community_id,
            LINE.c.building_id,
            LINE.c.stairwell,
            LINE.c.room,
            literal(""),
            *(_first(name) for name in COLUMNS),
        )
        .where(*mine, LINE.c.state == LineState.NEW)
        .order_by(LINE.c.number)
    )
    session.execute(insert(HOMES).from_select(names, new))
    upload.state, upload.applied_at = UploadState.APPLIED, now


def _with_other_owners(session: Session, upload: RollUpload) -> list[int]:
    """The households for which the file names other owners; the same in another order are none."""
    if "owner_name" not in fields_of(upload):
        return []
    rows = session.execute(
        select(HOMES.c.id, HOMES.c.owner_name, said("owner_name").label("said"))
        .join(LINE, LINE.c.household_id == HOMES.c.id)
        .where(
            HOMES.c.community_id == upload.community_id,
            *of_upload(LINE.c, upload),
            LINE.c.state == LineState.CHANGED,
            HOMES.c.owner_name != said("owner_name"),
        )
    )
    return [
        row.id
        for row in rows
        if set(rules.owner_names(row.owner_name)) != set(rules.owner_names(row.said))
    ]


def _move(session: Session, upload: RollUpload) -> None:
    """Give households the address that the file writes for them."""
    rows = session.execute(
        select(ABSENCE.c.line, ABSENCE.c.household_id, LINE.c.stairwell, LINE.c.room)
        .join(LINE, and_(*of_upload(LINE.c, upload), LINE.c.number == ABSENCE.c.line))
        .where(*of_upload(ABSENCE.c, upload), ABSENCE.c.decision == Decision.MOVE)
        .where(LINE.c.household_id.is_(None))
    ).all()
    for _line, household_id, stairwell, room in {row.line: row for row in rows}.values():
        session.execute(
            update(HOMES)
            .where(HOMES.c.community_id == upload.community_id, HOMES.c.id == household_id)
            .values(stairwell=stairwell, room=room)
        )


def _add_places(session: Session, upload: RollUpload) -> None:
    """Add the estates and buildings that new rows name."""
    wanted = session.execute(
        select(LINE.c.estate, LINE.c.building)
        .where(*of_upload(LINE.c, upload), LINE.c.state == LineState.NEW)
        .where(LINE.c.building_id.is_(None))
        .group_by(LINE.c.estate, LINE.c.building)
        .order_by(func.min(LINE.c.number))
    ).all()
    estates = {
        row.name: row.id
        for row in session.execute(
            select(Estate.id, Estate.name).where(Estate.community_id == upload.community_id)
        )
    }
    known = {
        (row.estate_id, row.name)
        for row in session.execute(
            select(Building.estate_id, Building.name).where(
                Building.community_id == upload.community_id
            )
        )
    }
    for estate_name, name in wanted:
        if estate_name not in estates:
            estate = Estate(community_id=upload.community_id, name=estate_name)
            session.add(estate)
            session.flush()
            estates[estate_name] = estate.id
        if (estates[estate_name], name) not in known:
            session.add(
                Building(
                    community_id=upload.community_id, estate_id=estates[estate_name], name=name
                )
            )
    session.flush()


def _brought(name: str) -> Any:
    """What is brought in of a column: a home that stays on the roll stays a home."""
    if name != "unit_type":
        return said(name)
    # Whoever is to go was taken off the roll a moment ago, and comes back as the file says.
    stays = and_(HOMES.c.unit_type == HOME, HOMES.c.left_roll_at.is_(None))
    return case((stays, HOME), else_=said(name))


def _first(name: str) -> Any:
    """What a new entry of the roll begins with."""
    if name in rules.NUMBERS:
        return func.nullif(LINE.c[name], rules.UNREADABLE)
    return func.coalesce(LINE.c[name], HOME if name == "unit_type" else "")

"""Changes to places and to the roll. The roll is access data: it goes to the security log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.communities import rules, staging
from app.communities.bringing_in import bring_in
from app.communities.models import (
    Community,
    Decision,
    Household,
    Jurisdiction,
    Level,
    OwnerSet,
    OwnerSetUnit,
    RollAbsence,
    RollColumn,
    RollLine,
    RollUpload,
    UploadState,
)
from app.communities.roll_reading import lacking, pick, plan, read_file
from app.communities.steps import note_access
from app.core import clock, jobs
from app.core.db import db, transaction
from app.core.errors import NotFound, RuleBroken
from app.core.record import Above, open_log
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from app.core.actor import Actor

UPLOAD_KEPT = timedelta(days=1)


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
    """What an import did, in rows; `removed` and `kept` count households the file left out."""

    new: int
    changed: int
    unchanged: int
    refused: int
    dropped_columns: tuple[str, ...]
    removed: int = 0
    kept: int = 0


def add_jurisdiction(
    actor: Actor, *, level: str, code: str, name: str, parent_id: int | None
) -> int:
    """Set up a city, district or subdistrict. Raises: RuleBroken place.code_taken."""
    with transaction() as session:
        require(actor, Permission.PLACES_SET_UP, Place())
        row = Jurisdiction(level=Level(level), code=code, name=name, parent_id=parent_id)
        session.add(row)
        _flush_new(session, code)
        open_log(session, Above(row.id), code)
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


def upload_roll(
    actor: Actor,
    *,
    community_id: int,
    data: bytes,
    file_name: str,
    sheet: str = "",
) -> str:
    """Read a file and keep its rows until the clerk has seen the preview; gives its public id.

    Nothing of the roll changes. A short file is judged at once, a long one by the worker. `sheet`
    names the sheet to read. Raises: RuleBroken roll.*.
    """
    require(actor, Permission.ROLL_IMPORT, Place(community_id))
    sheets = read_file(data, file_name, staging.remembered(db.session(), community_id))
    chosen = pick(sheets, sheet)
    with transaction() as session:
        require(actor, Permission.ROLL_IMPORT, Place(community_id))
        now = clock.now()
        upload = staging.new_upload(community_id, file_name, actor.person_id, now)
        staging.begin(session, upload, sheets)
        rows = sum(sheet.rows for sheet in sheets)
        note_access(session, "roll.uploaded", community_id, actor, rows=rows)
        key = _key(upload)
        jobs.enqueue(session, "roll.forget", key, now + UPLOAD_KEPT, **_payload(upload))
        if chosen is not None:
            staging.start(session, upload, chosen)
            _go_on(session, upload)
        return upload.public_id


def choose_sheet(actor: Actor, *, community_id: int, public_id: str, sheet: int) -> None:
    """Say which sheet of an upload is the roll; it is judged anew. Raises: RuleBroken roll.*."""
    with transaction() as session:
        upload = _upload(session, actor, community_id, public_id)
        _not_yet_applied(upload)
        staging.start(session, upload, sheet)
        note_access(session, "roll.sheet_chosen", community_id, actor, sheet=sheet)
        _go_on(session, upload)


def map_columns(
    actor: Actor, *, community_id: int, public_id: str, fields: Mapping[str, str], estate: str = ""
) -> None:
    """Say what columns hold, by their headers, for this upload and all later ones.

    An empty field means the column is not used. `estate` is where every row of this file is, when
    no column says it. Raises: RuleBroken roll.mapped_twice,
    roll.columns_missing.
    """
    with transaction() as session:
        upload = _upload(session, actor, community_id, public_id)
        _not_yet_applied(upload)
        estate = rules.estate_name(estate)
        _check_mapping(upload, {**staging.remembered(session, community_id), **fields}, estate)
        for header, field in fields.items():
            session.execute(
                delete(RollColumn).where(
                    RollColumn.community_id == community_id, RollColumn.header == header
                )
            )
            session.add(RollColumn(community_id=community_id, header=header, field=field))
        session.flush()
        staging.start(session, upload, _sheet_of(upload), estate)
        note_access(session, "roll.columns_mapped", community_id, actor, number=len(fields))
        _go_on(session, upload)


def _check_mapping(upload: RollUpload, remembered: Mapping[str, str], estate: str) -> None:
    columns = plan(upload.sheets[_sheet_of(upload)]["header"], remembered)
    clash = [column.text for column in columns if column.origin == "double"]
    clash = [text for text in clash if remembered.get(text)]
    if clash:
        raise RuleBroken("roll.mapped_twice", header=clash[0])
    missing = lacking(columns, estate)
    if missing:
        raise RuleBroken("roll.columns_missing", missing=",".join(missing))


def _sheet_of(upload: RollUpload) -> int:
    if upload.sheet is None:
        raise RuleBroken("roll.not_ready")
    return upload.sheet


def _not_yet_applied(upload: RollUpload) -> None:
    if upload.state in {UploadState.APPLYING, UploadState.APPLIED}:
        raise RuleBroken("roll.already_applied")


def _go_on(session: Session, upload: RollUpload) -> None:
    """Judge a short file at once, leave a long one to the worker."""
    if upload.state == UploadState.READING and upload.total <= staging.AT_ONCE:
        staging.judge_all(session, upload)
    elif upload.state == UploadState.READING:
        jobs.enqueue(session, "roll.read", _key(upload), clock.now(), **_payload(upload))


def _key(upload: RollUpload) -> str:
    return f"{upload.community_id}:{upload.public_id}"


def _payload(upload: RollUpload) -> dict[str, Any]:
    return {"community_id": upload.community_id, "public_id": upload.public_id}


def read_on(actor: Actor, *, community_id: int, public_id: str) -> bool:
    """Judge the next piece of an upload; says whether there is more. Raises: NotFound.

    Every piece is a transaction of its own, so that the page sees how far it is and a stop loses
    nothing.
    """
    with transaction() as session:
        upload = _upload(session, actor, community_id, public_id)
        more = upload.state == UploadState.READING and staging.judge_next(session, upload)
        if upload.counts and not more:
            refused = upload.counts["refused"]
            note_access(session, "roll.read", community_id, actor, refused=refused)
        return more


def decide_absences(
    actor: Actor, *, community_id: int, public_id: str, decisions: Mapping[int, str]
) -> None:
    """Say what is to become of households that an upload leaves out: household id -> decision.

    Nothing happens before the upload is brought in. Raises: RuleBroken roll.moved_twice.
    """
    with transaction() as session:
        upload = _upload(session, actor, community_id, public_id)
        _ready(upload)
        absences = session.scalars(
            select(RollAbsence).where(
                RollAbsence.community_id == community_id,
                RollAbsence.upload_id == upload.id,
                RollAbsence.household_id.in_(list(decisions)),
            )
        ).all()
        for absence in absences:
            decision = Decision(decisions[absence.household_id])
            alone = absence.line == 0 and decision in {Decision.MOVE, Decision.BOTH}
            absence.decision = Decision.KEEP if alone else decision
        session.flush()
        _refuse_two_moves(session, upload)
        staging.hold(session, upload)
        upload.counts = staging.count(session, upload)
        note_access(session, "roll.absences_decided", community_id, actor, number=len(absences))


def decide_all_absences(actor: Actor, *, community_id: int, public_id: str, remove: bool) -> None:
    """Keep all households that an upload leaves out, or take all of them off the roll with it.

    Those that may be a row written otherwise, and homes that a row writes as something else, keep
    what was decided for them.
    """
    with transaction() as session:
        upload = _upload(session, actor, community_id, public_id)
        _ready(upload)
        has_row = exists().where(
            RollLine.community_id == community_id,
            RollLine.upload_id == upload.id,
            RollLine.household_id == RollAbsence.household_id,
        )
        session.execute(
            update(RollAbsence)
            .where(
                RollAbsence.community_id == community_id,
                RollAbsence.upload_id == upload.id,
                RollAbsence.line == 0,
                ~has_row,
            )
            .values(decision=Decision.REMOVE if remove else Decision.KEEP)
        )
        upload.counts = staging.count(session, upload)
        note_access(session, "roll.absences_decided", community_id, actor, remove=int(remove))


def _ready(upload: RollUpload) -> None:
    _not_yet_applied(upload)
    if upload.state != UploadState.READY:
        raise RuleBroken("roll.not_ready")


def _refuse_two_moves(session: Session, upload: RollUpload) -> None:
    lines = session.scalars(
        select(RollAbsence.line).where(
            RollAbsence.community_id == upload.community_id,
            RollAbsence.upload_id == upload.id,
            RollAbsence.decision == Decision.MOVE,
        )
    ).all()
    if len(set(lines)) < len(lines):
        raise RuleBroken("roll.moved_twice")


def start_applying(actor: Actor, *, community_id: int, public_id: str) -> None:
    """Let the worker bring a long upload into the roll. Doing it again changes nothing."""
    with transaction() as session:
        upload = _upload(session, actor, community_id, public_id)
        if upload.state not in {UploadState.APPLYING, UploadState.APPLIED}:
            _ready(upload)
            upload.state, upload.asked_by = UploadState.APPLYING, actor.person_id
            jobs.enqueue(session, "roll.apply", _key(upload), clock.now(), **_payload(upload))
            note_access(session, "roll.import_asked", community_id, actor, rows=upload.total)


def apply_roll(actor: Actor, *, community_id: int, public_id: str) -> Imported:
    """Bring an uploaded file into the roll, all of it or nothing; again, it gives the same outcome.

    Households the file leaves out stay unless their removal was decided. Raises: NotFound,
    RuleBroken roll.not_ready.
    """
    with transaction() as session:
        upload = _upload(session, actor, community_id, public_id)
        if upload.state != UploadState.APPLIED:
            if upload.state != UploadState.APPLYING:
                _ready(upload)
            _apply(session, actor, upload)
        return _imported(upload)


def _apply(session: Session, actor: Actor, upload: RollUpload) -> None:
    session.execute(
        select(Community.id).where(Community.id == upload.community_id).with_for_update()
    ).one()
    bring_in(session, upload, clock.now())
    done = _imported(upload)
    note_access(
        session,
        "roll.imported",
        upload.community_id,
        actor,
        new=done.new,
        changed=done.changed,
        removed=done.removed,
        asked_by=upload.asked_by,
    )


def _imported(upload: RollUpload) -> Imported:
    counts = upload.counts
    return Imported(
        new=counts["new"],
        changed=counts["changed"],
        unchanged=counts["same"],
        refused=counts["refused"] + counts["held"],
        dropped_columns=tuple(upload.sheets[_sheet_of(upload)]["dropped"]),
        removed=counts["remove"],
        kept=counts["keep"] + counts["both"],
    )


def forget_upload(actor: Actor, *, community_id: int, public_id: str) -> None:
    """Delete an upload with its rows; the roll stays as it is. Doing it again changes nothing."""
    with transaction() as session:
        require(actor, Permission.ROLL_IMPORT, Place(community_id))
        upload = _stored(session, community_id, public_id)
        if upload is not None:
            rows = upload.total
            staging.forget(session, upload)
            note_access(session, "roll.forgotten", community_id, actor, rows=rows)


def import_roll(
    actor: Actor, *, community_id: int, data: bytes, file_name: str, sheet: str = ""
) -> Imported:
    """Read a file and bring it into the roll at once, for programs. Raises: RuleBroken roll.*."""
    sheets = read_file(data, file_name, staging.remembered(db.session(), community_id))
    chosen = pick(sheets, sheet)
    if chosen is None:
        raise RuleBroken("roll.which_sheet", sheets="、".join(each.name for each in sheets))
    with transaction() as session:
        require(actor, Permission.ROLL_IMPORT, Place(community_id))
        upload = staging.new_upload(community_id, file_name, actor.person_id, clock.now())
        staging.begin(session, upload, sheets)
        staging.start(session, upload, chosen)
        if upload.state == UploadState.ASKING_COLUMNS:
            missing = lacking(staging.columns_of(upload))
            raise RuleBroken("roll.columns_missing", missing=",".join(missing))
        staging.judge_all(session, upload)
        _apply(session, actor, upload)
        done = _imported(upload)
        staging.forget(session, upload)
        return done


def _stored(session: Session, community_id: int, public_id: str) -> RollUpload | None:
    return session.scalar(
        select(RollUpload)
        .where(RollUpload.community_id == community_id, RollUpload.public_id == public_id)
        .with_for_update()
    )


def _upload(session: Session, actor: Actor, community_id: int, public_id: str) -> RollUpload:
    require(actor, Permission.ROLL_IMPORT, Place(community_id))
    upload = _stored(session, community_id, public_id)
    if upload is None:
        raise NotFound("upload")
    return upload


def decide_owner_set(
    actor: Actor, *, community_id: int, household_ids: Sequence[int], confirmed: bool
) -> None:
    """Say that units have the same owners, or that they have not; the newest word counts.

    A unit that was in another confirmed set moves to this one. Raises: NotFound, RuleBroken
    owner_set.one_unit. Source: docs/rules.md, "Owner sets".
    """
    units = sorted(set(household_ids))
    if len(units) < 2:  # noqa: PLR2004
        raise RuleBroken("owner_set.one_unit")
    with transaction() as session:
        require(actor, Permission.OWNER_SET_DECIDE, Place(community_id))
        _all_here(session, community_id, units)
        found = _owner_set(session, community_id, units)
        found.confirmed, found.decided_at = confirmed, clock.now()
        found.decided_by = actor.person_id
        mine = OwnerSetUnit.community_id == community_id
        if confirmed:
            session.execute(delete(OwnerSetUnit).where(mine, OwnerSetUnit.household_id.in_(units)))
            rows = [
                {"community_id": community_id, "owner_set_id": found.id, "household_id": unit}
                for unit in units
            ]
            session.execute(insert(OwnerSetUnit), rows)
        else:
            session.execute(delete(OwnerSetUnit).where(mine, OwnerSetUnit.owner_set_id == found.id))
        kind = "owner_set.confirmed" if confirmed else "owner_set.rejected"
        note_access(session, kind, community_id, actor, units=len(units))


def _all_here(session: Session, community_id: int, units: Sequence[int]) -> None:
    known = session.scalars(
        select(Household.id)
        .where(Household.community_id == community_id, Household.id.in_(units))
        .with_for_update()
    ).all()
    if len(known) < len(units):
        raise NotFound("household")


def _owner_set(session: Session, community_id: int, units: Sequence[int]) -> OwnerSet:
    """The set of exactly these units, as it was decided before, else a new one."""
    units_hash = hashlib.sha256(",".join(map(str, units)).encode()).hexdigest()
    found = session.scalar(
        select(OwnerSet).where(
            OwnerSet.community_id == community_id, OwnerSet.units_hash == units_hash
        )
    )
    if found is None:
        found = OwnerSet(
            community_id=community_id,
            units_hash=units_hash,
            units=list(units),
            confirmed=False,
            decided_at=clock.now(),
            decided_by=None,
        )
        session.add(found)
        session.flush()
    return found

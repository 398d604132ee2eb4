"""The stages of an import, inside the caller's transaction: kept, judged, compared, brought in.

The rows lie in the database, not in memory: a district's roll is compared and brought in by a
handful of statements, and reading it can stop and go on anywhere. docs/adr/0010 says why.
"""

from __future__ import annotations

import json
import secrets
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)

from app.communities import roll_reading, rules
from app.communities.models import (
    Building,
    Decision,
    Estate,
    Household,
    LineState,
    RollAbsence,
    RollColumn,
    RollLine,
    RollPiece,
    RollUpload,
    UploadState,
)
from app.core.errors import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.communities.roll_reading import Column, ReadSheet
    from app.communities.rules import Judged

# Every column an import may write; what a file has no column for stays as it is.
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
GOOD = (LineState.NEW, LineState.CHANGED, LineState.SAME, LineState.HELD)
# So many rows are judged while the clerk's browser waits; more are left to the worker.
AT_ONCE = 5000
# With so few rows any plan of the database's is quick.
FEW = 500
HOME = "residence"
# How many homes of the roll the file writes as something else.
TAKEN = "taken"
LINE: Any = RollLine.__table__
HOMES: Any = Household.__table__
ABSENCE: Any = RollAbsence.__table__
_KEY = (LINE.c.estate, LINE.c.building, LINE.c.stairwell, LINE.c.room)


def remembered(session: Session, community_id: int) -> dict[str, str]:
    """The field of each header that somebody mapped by hand; empty for one that is not used."""
    rows = session.execute(
        select(RollColumn.header, RollColumn.field).where(RollColumn.community_id == community_id)
    )
    return {row.header: row.field for row in rows}


def begin(session: Session, upload: RollUpload, sheets: Sequence[ReadSheet]) -> None:
    """Keep a file's rows as they were written."""
    upload.sheets = [
        {
            "name": sheet.name[:80],
            "hidden": sheet.hidden,
            "rows": sheet.rows,
            "totals": sheet.totals,
            "header": sheet.header,
            "dropped": sheet.dropped,
            "pieces": len(sheet.pieces),
            "id_numbers": sheet.with_id_numbers,
            "corrects": sheet.corrects,
        }
        for sheet in sheets
    ]
    session.add(upload)
    session.flush()
    rows = [
        {
            "community_id": upload.community_id,
            "upload_id": upload.id,
            "sheet": number,
            "position": position,
            "rows": piece,
        }
        for number, sheet in enumerate(sheets)
        for position, piece in enumerate(sheet.pieces)
    ]
    if rows:
        session.execute(insert(RollPiece), rows)


def new_upload(
    community_id: int, file_name: str, person_id: int | None, now: datetime
) -> RollUpload:
    """An upload with nothing in it yet."""
    return RollUpload(
        community_id=community_id,
        public_id=secrets.token_urlsafe(12),
        file_name=file_name[:200],
        uploaded_by=person_id,
        uploaded_at=now,
        state=UploadState.ASKING_SHEET,
        sheets=[],
        notes={},
        counts={},
    )


def start(session: Session, upload: RollUpload, sheet: int, estate: str = "") -> None:
    """Begin to judge a sheet from its first row; without a column for it, all is in `estate`.

    Raises: RuleBroken roll.no_such_sheet.
    """
    if not 0 <= sheet < len(upload.sheets) or not upload.sheets[sheet]["header"]:
        raise RuleBroken(
            "roll.no_such_sheet", sheets="、".join(told["name"] for told in upload.sheets)
        )
    told = upload.sheets[sheet]
    columns = roll_reading.plan(told["header"], remembered(session, upload.community_id))
    for table in (RollLine, RollAbsence):
        session.execute(delete(table).where(*of_upload(table, upload)))
    upload.sheet, upload.pieces, upload.done, upload.total = sheet, 0, 0, told["rows"]
    upload.notes = {
        "columns": [[column.text, column.field, column.origin] for column in columns],
        "warnings": {},
        "uses": [],
        "estate": estate if "estate" in roll_reading.lacking(columns) else "",
    }
    upload.counts = {}
    missing = roll_reading.lacking(columns, estate)
    upload.state = UploadState.ASKING_COLUMNS if missing else UploadState.READING


def of_upload(table: Any, upload: RollUpload) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """That a row is one of this upload's, as conditions."""
    return table.community_id == upload.community_id, table.upload_id == upload.id


def columns_of(upload: RollUpload) -> tuple[Column, ...]:
    """What the columns of the chosen sheet hold."""
    return tuple(roll_reading.Column(*told) for told in upload.notes.get("columns", ()))


def estate_of(upload: RollUpload) -> str:
    """The estate that somebody named for every row; empty where a column says it."""
    return str(upload.notes.get("estate", ""))


def fields_of(upload: RollUpload) -> list[str]:
    """The columns of the roll that the file says something about."""
    held = {"phones" if c.field == "phone" else c.field for c in columns_of(upload)}
    return [name for name in COLUMNS if name in held]


def judge_all(session: Session, upload: RollUpload) -> None:
    """Judge whatever is left of a sheet."""
    while judge_next(session, upload):
        pass


def judge_next(session: Session, upload: RollUpload) -> bool:
    """Judge the next piece of the sheet; after the last one hold the whole against the roll.

    Says whether there is more to do.
    """
    stored = session.scalar(
        select(RollPiece.rows).where(
            *of_upload(RollPiece, upload),
            RollPiece.sheet == upload.sheet,
            RollPiece.position == upload.pieces,
        )
    )
    if stored is None:
        count_rows(session, upload)
        _settle(session, upload)
        compare(session, upload)
        _find_absences(session, upload)
        upload.counts = count(session, upload)
        upload.state = UploadState.READY
        return False
    columns, warnings = columns_of(upload), dict(upload.notes["warnings"])
    uses = list(upload.notes.get("uses", ()))
    everywhere = {"estate": estate} if (estate := estate_of(upload)) else {}
    lines = []
    for number, *cells in json.loads(stored):
        said = everywhere | roll_reading.cells_of(columns, cells)
        judged = rules.judge(said)
        lines.append(_line(upload, number, judged))
        for code in judged.warnings:
            warnings[code] = warnings.get(code, 0) + 1
        if "use_unknown" in judged.warnings:
            uses.append(rules.plain(said["unit_type"])[: rules.LONGEST_USE])
    session.connection().execute(insert(LINE), lines)
    upload.pieces += 1
    upload.done += len(lines)
    shown = list(dict.fromkeys(uses))[: rules.USES_SHOWN]
    upload.notes = upload.notes | {"warnings": warnings, "uses": shown}
    return True


_BLANK: dict[str, Any] = dict.fromkeys(COLUMNS)


def _line(upload: RollUpload, number: int, judged: Judged) -> dict[str, Any]:
    key = {
        name: text[: rules.LENGTHS[name]]
        for name, text in zip(rules.ADDRESS, judged.key, strict=True)
    }
    return {
        **_BLANK,
        **judged.values,
        **key,
        "community_id": upload.community_id,
        "upload_id": upload.id,
        "number": number,
        "state": LineState.REFUSED if judged.problem else LineState.NEW,
        "problem": judged.problem,
        "what": judged.what,
        "other": 0,
    }


def count_rows(session: Session, upload: RollUpload) -> None:
    """Let PostgreSQL count a long upload's rows, and the roll, before it plans about them.

    It plans by what it counted last; thinking the table empty, it would hold every household
    against every row.
    """
    if upload.total > FEW and session.get_bind().dialect.name == "postgresql":
        session.execute(text("ANALYZE roll_line, household"))


def _settle(session: Session, upload: RollUpload) -> None:
    """Rows of one address: all alike are one, others are refused, each naming another."""
    mine = (*of_upload(LINE.c, upload), LINE.c.state == LineState.NEW)
    several = select(*_KEY).where(*mine).group_by(*_KEY).having(func.count() > 1).subquery()
    joined = and_(*(column == several.c[column.name] for column in _KEY))
    fields = fields_of(upload)
    rows = session.execute(
        select(LINE.c.number, *_KEY, *(LINE.c[name] for name in fields))
        .join(several, joined)
        .where(*mine)
        .order_by(*_KEY, LINE.c.number)
        .execution_options(yield_per=1000)
    )
    verdicts = []
    for _key, group in groupby(rows, key=lambda row: tuple(row[1:5])):
        alike = [(row[0], dict(zip(fields, row[5:], strict=True))) for row in group]
        verdicts += [v for v in rules.settle(alike) if v.state != "kept"]
    _write_verdicts(session, upload, verdicts)


def _write_verdicts(
    session: Session, upload: RollUpload, verdicts: Iterable[rules.Verdict]
) -> None:
    rows = [
        {
            "b_number": verdict.number,
            "b_state": LineState.TWICE if verdict.state == "twice" else LineState.REFUSED,
            "b_problem": "" if verdict.state == "twice" else verdict.state,
            "b_other": verdict.other,
            "b_what": ",".join(verdict.what)[:400],
        }
        for verdict in verdicts
    ]
    if rows:
        _each_line(
            session,
            upload,
            rows,
            state=bindparam("b_state"),
            problem=bindparam("b_problem"),
            other=bindparam("b_other"),
            what=bindparam("b_what"),
        )


def _each_line(
    session: Session, upload: RollUpload, rows: Sequence[Mapping[str, Any]], **values: Any
) -> None:
    statement = update(LINE).where(
        *of_upload(LINE.c, upload), LINE.c.number == bindparam("b_number")
    )
    session.connection().execute(statement.values(values), list(rows))


def compare(session: Session, upload: RollUpload) -> None:
    """Find each row's entry of the roll, and say whether it is new, changed or the same.

    An entry that was taken off the roll and is in the file again comes back: that is a change.
    """
    mine = of_upload(LINE.c, upload)
    # Each statement writes only where something is otherwise than before: comparing again is cheap.
    session.execute(
        update(LINE)
        .where(
            *mine,
            Estate.community_id == upload.community_id,
            Estate.name == LINE.c.estate,
            Building.community_id == upload.community_id,
            Building.estate_id == Estate.id,
            Building.name == LINE.c.building,
            LINE.c.building_id.is_distinct_from(Building.id),
        )
        .values(building_id=Building.id)
    )
    there = (
        HOMES.c.community_id == upload.community_id,
        HOMES.c.building_id == LINE.c.building_id,
        HOMES.c.stairwell == LINE.c.stairwell,
        HOMES.c.room == LINE.c.room,
    )
    moved_away = ~select(literal(1)).where(HOMES.c.id == LINE.c.household_id, *there).exists()
    session.execute(
        update(LINE)
        .where(*mine, LINE.c.household_id.is_not(None), moved_away)
        .values(household_id=None)
    )
    session.execute(
        update(LINE)
        .where(*mine, *there, LINE.c.household_id.is_distinct_from(HOMES.c.id))
        .values(household_id=HOMES.c.id)
    )
    differs = [HOMES.c[name].is_distinct_from(said(name)) for name in fields_of(upload)]
    changed = (
        select(literal(1))
        .where(HOMES.c.id == LINE.c.household_id, or_(HOMES.c.left_roll_at.is_not(None), *differs))
        .exists()
    )
    state = case(
        (LINE.c.household_id.is_(None), LineState.NEW.value),
        (changed, LineState.CHANGED.value),
        else_=LineState.SAME.value,
    )
    session.execute(
        update(LINE).where(*mine, LINE.c.state.in_(GOOD), LINE.c.state != state).values(state=state)
    )


def said(name: str) -> Any:
    """What a row says of a column; where it cannot be read, what the roll has."""
    line, home = LINE.c[name], HOMES.c[name]
    if name in rules.NUMBERS:
        return case((line == rules.UNREADABLE, home), else_=line)
    return func.coalesce(line, home)


def _find_absences(session: Session, upload: RollUpload) -> None:
    """Households in the buildings the file names that the file leaves out; each stays for now.

    Refused rows that were corrected are a part of a roll: what they leave out means nothing.
    """
    named = (
        select(LINE.c.building_id)
        .where(*of_upload(LINE.c, upload), LINE.c.building_id.is_not(None), LINE.c.state.in_(GOOD))
        .distinct()
    )
    there = and_(*of_upload(LINE.c, upload), LINE.c.household_id == HOMES.c.id)
    left_out = HOMES.outerjoin(LINE, there)
    _ask(session, upload, left_out, HOMES.c.building_id.in_(named), LINE.c.id.is_(None))
    _find_other_spellings(session, upload)
    if upload.sheet is not None and upload.sheets[upload.sheet]["corrects"]:
        session.execute(delete(ABSENCE).where(*of_upload(ABSENCE.c, upload), ABSENCE.c.line == 0))
    _find_homes_taken(session, upload)
    hold(session, upload)


def _find_homes_taken(session: Session, upload: RollUpload) -> None:
    """Homes that the file writes as something else; each stays a home for now.

    A shop or a parking space has no ballot, no letter and no page at the desk.
    """
    if "unit_type" not in fields_of(upload):
        return
    _ask(
        session,
        upload,
        HOMES.join(LINE, LINE.c.household_id == HOMES.c.id),
        *of_upload(LINE.c, upload),
        LINE.c.state == LineState.CHANGED,
        HOMES.c.unit_type == HOME,
        said("unit_type") != HOME,
    )


def _ask(session: Session, upload: RollUpload, source: Any, *which: ColumnElement[bool]) -> None:
    """Keep that these households of the roll are asked about; without a word they stay."""
    asked = (
        select(
            literal(upload.community_id),
            literal(upload.id),
            HOMES.c.id,
            literal(0),
            literal(Decision.KEEP.value),
        )
        .select_from(source)
        .where(HOMES.c.community_id == upload.community_id, HOMES.c.left_roll_at.is_(None), *which)
    )
    names = ("community_id", "upload_id", "household_id", "line", "decision")
    session.execute(insert(ABSENCE).from_select(names, asked))


def _find_other_spellings(session: Session, upload: RollUpload) -> None:
    """A household left out and a new row may be one home written in two ways."""
    absent = session.execute(
        select(ABSENCE.c.id, HOMES.c.building_id, HOMES.c.stairwell, HOMES.c.room)
        .join(HOMES, HOMES.c.id == ABSENCE.c.household_id)
        .where(*of_upload(ABSENCE.c, upload))
        .order_by(ABSENCE.c.household_id)
    ).all()
    if not absent:
        return
    new: dict[tuple[int, str], list[Any]] = {}
    for row in session.execute(
        select(LINE.c.number, LINE.c.building_id, LINE.c.stairwell, LINE.c.room)
        .where(*of_upload(LINE.c, upload), LINE.c.state == LineState.NEW)
        .where(LINE.c.building_id.is_not(None))
        .order_by(LINE.c.number)
    ):
        new.setdefault((row.building_id, row.room), []).append(row)
    found = []
    for home in absent:
        alike = [
            row.number
            for row in new.get((home.building_id, rules.room_name(home.room)), ())
            if rules.same_home((home.stairwell, home.room), (row.stairwell, row.room))
        ]
        found += [{"b_id": home.id, "b_line": alike[0]}] if len(alike) == 1 else []
    if found:
        statement = update(ABSENCE).where(ABSENCE.c.id == bindparam("b_id"))
        session.connection().execute(statement.values(line=bindparam("b_line")), found)


def hold(session: Session, upload: RollUpload) -> None:
    """Hold back new rows that may be a household of the roll, until somebody says otherwise."""
    mine = of_upload(LINE.c, upload)
    waiting = select(ABSENCE.c.line).where(
        *of_upload(ABSENCE.c, upload), ABSENCE.c.line > 0, ABSENCE.c.decision == Decision.KEEP
    )
    session.execute(
        update(LINE)
        .where(*mine, LINE.c.state == LineState.HELD)
        .values(state=LineState.NEW, problem="")
    )
    session.execute(
        update(LINE)
        .where(*mine, LINE.c.state == LineState.NEW, LINE.c.number.in_(waiting))
        .values(state=LineState.HELD, problem="looks_like")
    )


def count(session: Session, upload: RollUpload) -> dict[str, int]:
    """Rows by state, and households by what is to become of them."""
    lines = session.execute(
        select(LINE.c.state, func.count()).where(*of_upload(LINE.c, upload)).group_by(LINE.c.state)
    )
    absences = session.execute(
        select(ABSENCE.c.decision, func.count())
        .where(*of_upload(ABSENCE.c, upload))
        .group_by(ABSENCE.c.decision)
    )
    taken = session.scalar(
        select(func.count())
        .select_from(ABSENCE.join(LINE, LINE.c.household_id == ABSENCE.c.household_id))
        .where(*of_upload(ABSENCE.c, upload), ABSENCE.c.line == 0)
        .where(*of_upload(LINE.c, upload), LINE.c.state.in_(GOOD))
    )
    found = dict.fromkeys((*map(str, LineState), *map(str, Decision)), 0)
    counted = {str(row[0]): row[1] for row in (*lines, *absences)}
    return found | counted | {TAKEN: taken or 0}


def forget(session: Session, upload: RollUpload) -> None:
    """Delete an upload with all its rows."""
    for table in (RollAbsence, RollLine, RollPiece):
        session.execute(delete(table).where(*of_upload(table, upload)))
    session.execute(delete(RollUpload).where(RollUpload.id == upload.id))
    session.expunge(upload)

"""A roll's file: checked before it is opened, then read into rows of known columns.

Raises only RuleBroken roll.*: a file from outside may be anything.
"""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import python_calamine

from app.communities import rules
from app.core.errors import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_BYTES = 30 * 1024 * 1024
MAX_UNPACKED = 300 * 1024 * 1024
MAX_RATIO = 200
MAX_MEMBERS = 500
MAX_ROWS = 200_000
MAX_COLUMNS = 200
HEADER_WITHIN = 20
REQUIRED = ("estate", "building", "room")
DROPPED = ("id_number", "remark")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True, slots=True)
class RollFile:
    """A file that was read: its rows, and what was not taken from it."""

    reading: rules.Reading
    dropped_columns: tuple[str, ...]
    unknown_columns: tuple[str, ...]
    missing_columns: tuple[str, ...]


def read_roll(data: bytes, file_name: str) -> RollFile:
    """Read .xlsx or .csv (UTF-8 or GBK). Raises: RuleBroken roll.*."""
    if not data:
        raise RuleBroken("roll.empty")
    if len(data) > MAX_BYTES:
        raise RuleBroken("roll.too_large")
    if data.startswith(OLE):
        raise RuleBroken("roll.old_xls" if file_name.lower().endswith(".xls") else "roll.locked")
    if data.startswith(b"PK"):
        return _from_table(_workbook_rows(data))
    return _from_table(_csv_rows(data))


def _workbook_rows(data: bytes) -> Iterator[Sequence[object]]:
    _check_zip(data)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = [s.name for s in book.sheets_metadata if "isible" in str(s.visible)]
        sheet = book.get_sheet_by_name((names or book.sheet_names)[0])
        _check_extent(sheet.total_height, sheet.total_width)
        yield from sheet.to_python(skip_empty_area=False)
    except RuleBroken:
        raise
    except Exception as error:
        # The reader is another's code over anybody's bytes: whatever it says, this is no roll.
        raise RuleBroken("roll.not_a_workbook") from error


def _check_extent(rows: int, columns: int) -> None:
    if rows > MAX_ROWS or columns > MAX_COLUMNS:
        raise RuleBroken("roll.too_large")


def _check_zip(data: bytes) -> None:
    """Refuse a bomb by what its directory declares; the reader stops at declared sizes."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            members = packed.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise RuleBroken("roll.not_a_workbook") from error
    unpacked = sum(member.file_size for member in members)
    heavy = any(
        member.file_size > 1024 * 1024 and member.file_size > MAX_RATIO * member.compress_size
        for member in members
    )
    strange = any(name.filename.startswith(("/", "..")) for name in members)
    if len(members) > MAX_MEMBERS or unpacked > MAX_UNPACKED or heavy or strange:
        raise RuleBroken("roll.bomb")
    if "xl/workbook.xml" not in {member.filename for member in members}:
        raise RuleBroken("roll.not_a_workbook")


def _csv_rows(data: bytes) -> Iterator[Sequence[object]]:
    text = _decoded(data)
    delimiter = "\t" if text.count("\t") > text.count(",") else ","
    try:
        for number, row in enumerate(
            csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        ):
            if number >= MAX_ROWS or len(row) > MAX_COLUMNS:
                raise RuleBroken("roll.too_large")
            yield row
    except csv.Error as error:
        raise RuleBroken("roll.not_a_workbook") from error


def _decoded(data: bytes) -> str:
    if b"\0" in data:
        raise RuleBroken("roll.not_a_workbook")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise RuleBroken("roll.not_a_workbook")


@cache
def aliases() -> dict[str, str]:
    """Header text → field, from the table of columns; 备注 becomes `remark`."""
    table: dict[str, str] = {}
    path = Path(__file__).with_name("data") / "roll_columns.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            field = "remark" if row["header_zh"] == "备注" else row["field"]
            field = field if row["type"] != "drop" else "id_number"
            for name in (row["header_zh"], *row["aliases"].split(";")):
                table[_header(name)] = field
    return table


def _header(cell: object) -> str:
    return "".join(rules.plain(cell).split()).strip("*＊:：")


def _from_table(rows: Iterator[Sequence[object]]) -> RollFile:
    table = enumerate(rows, start=1)
    header, best = _find_header(table)
    if header is None:
        raise RuleBroken("roll.empty" if best is None else "roll.columns_missing", missing=best)
    fields = [aliases().get(_header(cell)) for cell in header]
    texts = [_header(cell) for cell in header]
    kept = {
        position: field
        for position, field in enumerate(fields)
        if field is not None and field not in DROPPED and field not in fields[:position]
    }
    reading = rules.read_rows(
        (number, {field: _cell(row, position) for position, field in kept.items()})
        for number, row in table
    )
    return RollFile(
        reading=_without_secrets(reading),
        dropped_columns=tuple(t for t, f in zip(texts, fields, strict=True) if f in DROPPED),
        unknown_columns=tuple(t for t, f in zip(texts, fields, strict=True) if f is None and t),
        missing_columns=tuple(f for f in ("household_head", "phone") if f not in fields),
    )


def _find_header(
    table: enumerate[Sequence[object]],
) -> tuple[Sequence[object] | None, str | None]:
    """The first row near the top that names the required columns; else what the best one lacks."""
    lacking: list[str] | None = None
    for number, row in table:
        found = {aliases().get(_header(cell)) for cell in row}
        missing = [name for name in REQUIRED if name not in found]
        if not missing:
            return row, ""
        if any(rules.plain(cell) for cell in row) and (
            lacking is None or len(missing) < len(lacking)
        ):
            lacking = missing
        if number >= HEADER_WITHIN:
            break
    return None, None if lacking is None else ",".join(lacking)


def _cell(row: Sequence[object], position: int) -> str:
    return rules.plain(row[position]) if position < len(row) else ""


def _without_secrets(reading: rules.Reading) -> rules.Reading:
    """Title numbers are personal and only needed to tell units apart: they are not kept yet."""
    for row in reading.rows:
        row.values.pop("title_no", None)
    return reading

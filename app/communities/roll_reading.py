"""A roll's file: checked before it is opened, then read into rows of text, sheet by sheet.

Raises only RuleBroken roll.*: a file from outside may be anything. Columns that are never kept
(ID number, remark, title number) and whatever looks like an ID number do not leave this module.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import python_calamine
from python_calamine import SheetVisibleEnum

from app.communities import headers, rules
from app.communities.headers import header_text
from app.communities.sheets import Marks, marks
from app.core.errors import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MAX_BYTES = 30 * 1024 * 1024
MAX_UNPACKED = 300 * 1024 * 1024
MAX_RATIO = 200
MAX_MEMBERS = 500
MAX_ROWS = 200_000
MAX_COLUMNS = 200
MAX_SHEETS = 50
HEADER_WITHIN = 20
PIECE = 500
REQUIRED = ("estate", "building", "room")
# What an import never keeps: two for good, the title number until units need telling apart by it.
DROPPED = ("id_number", "remark", "title_no")
REASON = "原因"
ESTATE = "小区"
IGNORED = frozenset(("序号", "编号", "行号", "序", "No.", "NO.", REASON))
# What a header may say in brackets without meaning another thing.
ASIDES = frozenset(("m2", "平方米", "平米", "平", "人", "必填", "选填", "可不填"))
# A merged cell says the same of all its rows; of sizes and heads it would count them twice.
NOT_CARRIED = frozenset(rules.NUMBERS)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
LOCKED = "EncryptedPackage".encode("utf-16-le")

Row = list[str]
_Carried = tuple[Row, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: its header, and the field it holds.

    `origin` is known, mapped (by hand, now or before), unused (so said by hand), unknown or double
    (another column holds that field); `field` is empty but for the first two.
    """

    text: str
    field: str
    origin: str


@dataclass
class ReadSheet:
    """A sheet as it was read. `pieces` hold its rows as JSON: [[row in the file, cell, …], …].

    Without a header that could be a roll's, `header` is empty and no row was kept. One that
    `corrects` was given back by us with reasons.
    """

    name: str
    hidden: bool
    header: list[str] = field(default_factory=list)
    rows: int = 0
    totals: int = 0
    dropped: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    with_id_numbers: list[str] = field(default_factory=list)
    corrects: bool = False

    @property
    def is_roll(self) -> bool:
        """Whether it has a header that could be a roll's."""
        return bool(self.header)


def read_file(data: bytes, file_name: str, remembered: Mapping[str, str]) -> list[ReadSheet]:
    """Read .xlsx, .xls, .ods or .csv (UTF-8 or GBK): every sheet that holds anything.

    `remembered` gives the field of headers that somebody mapped by hand. Raises: RuleBroken roll.*.
    """
    if not data:
        raise RuleBroken("roll.empty")
    if len(data) > MAX_BYTES:
        raise RuleBroken("roll.too_large")
    if data.startswith((b"PK", OLE)):
        found = list(_book(data, remembered))
    else:
        found = [_read(ReadSheet(file_name, hidden=False), _csv_rows(data), Marks(), remembered)]
    found = [sheet for sheet in found if sheet.rows or sheet.is_roll]
    if not found:
        raise RuleBroken("roll.empty")
    return found


def _book(data: bytes, remembered: Mapping[str, str]) -> Iterator[ReadSheet]:
    try:
        found = _marks(data)
        with python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            for told in book.sheets_metadata[:MAX_SHEETS]:
                sheet = ReadSheet(told.name, hidden=told.visible != SheetVisibleEnum.Visible)
                yield _sheet(book, sheet, found.get(told.name, Marks()), remembered)
    except RuleBroken:
        raise
    except python_calamine.PasswordError as error:
        raise RuleBroken("roll.locked") from error
    except Exception as error:
        # The reader is another's code over anybody's bytes: whatever it says, this is no roll.
        raise RuleBroken("roll.not_a_workbook") from error


def _marks(data: bytes) -> dict[str, Marks]:
    if data.startswith(b"PK"):
        _check_zip(data)
        return marks(data)
    if LOCKED in data:
        raise RuleBroken("roll.locked")
    return {}


def _sheet(
    book: python_calamine.CalamineWorkbook,
    sheet: ReadSheet,
    found: Marks,
    remembered: Mapping[str, str],
) -> ReadSheet:
    """One sheet; the reader gives rows from the first but columns from where the cells begin."""
    table = book.get_sheet_by_name(sheet.name)
    _check_extent(table.total_height, table.total_width)
    if table.start is None:
        return sheet
    left = table.start[1]
    if table.merged_cell_ranges:
        found.merged = [(*first, *last) for first, last in table.merged_cell_ranges]
    rows = ([*[""] * left, *row] for row in table.iter_rows())
    return _read(sheet, rows, found, remembered)


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
    if not {"xl/workbook.xml", "content.xml"} & {member.filename for member in members}:
        raise RuleBroken("roll.not_a_workbook")


def _csv_rows(data: bytes) -> Iterator[Sequence[object]]:
    text = _decoded(data)
    head = text[:10_000]
    delimiter = max(",\t;", key=head.count)
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
            field_name = "remark" if row["header_zh"] == "备注" else row["field"]
            field_name = field_name if row["type"] != "drop" else "id_number"
            for name in (row["header_zh"], *row["aliases"].split(";")):
                table[header_text(name)] = field_name
    return table


def _field(text: str, remembered: Mapping[str, str]) -> str | None:
    held = aliases().get(text) or remembered.get(text)
    if held or text in remembered or not text.endswith(")"):
        return held
    # 建筑面积(平方米) is the area, 身份证号(后四位) is never kept; what 电话(租户) is, stays open.
    bare, _bracket, aside = text[:-1].partition("(")
    held = aliases().get(bare)
    return held if aside in ASIDES or held in DROPPED else None


def plan(header: Iterable[str], remembered: Mapping[str, str]) -> tuple[Column, ...]:
    """What each kept column holds. Several columns of phones are read together."""
    found: list[Column] = []
    taken: set[str] = set()
    for text in header:
        field_name = _field(text, remembered)
        if not field_name:
            found.append(Column(text, "", "unused" if text in remembered else "unknown"))
        elif field_name in taken and field_name != "phone":
            found.append(Column(text, "", "double"))
        else:
            by_hand = text in remembered and text not in aliases()
            found.append(Column(text, field_name, "mapped" if by_hand else "known"))
            taken.add(field_name)
    return tuple(found)


def lacking(columns: Iterable[Column], estate: str = "") -> list[str]:
    """The required fields that no column holds; a named `estate` is that of every row."""
    held = {column.field for column in columns} | ({"estate"} if estate else set())
    return [name for name in REQUIRED if name not in held]


def cells_of(columns: Sequence[Column], row: Sequence[str]) -> dict[str, str]:
    """A row's texts by field."""
    cells: dict[str, str] = {}
    for column, text in zip(columns, row, strict=True):
        if not column.field:
            continue
        before = cells.get(column.field)
        cells[column.field] = f"{before}、{text}" if before and text else before or text
    return cells


def _read(
    sheet: ReadSheet,
    rows: Iterable[Sequence[object]],
    found: Marks,
    remembered: Mapping[str, str],
) -> ReadSheet:
    """Find the header near the top and keep what stands below it."""
    table = _carried(rows, found)
    top = [next(table, None) for _ in range(HEADER_WITHIN)]
    near = [row for row in top if row is not None]
    header = headers.find(
        [row for row, _filled in near], lambda text: _field(text, remembered), REQUIRED
    )
    if header is None:
        sheet.rows = sum(any(row) for row, _filled in (*near, *table))
        return sheet
    repeated = [_drawn(*row) for row in near[header.begins : header.begins + header.rows]]
    below = _numbered(near, header.begins + header.rows, table)
    _keep(sheet, header.texts, repeated, below, remembered)
    return sheet


def _drawn(row: Row, filled: frozenset[int]) -> Row:
    """A header as it looks, so that it is known again on another page, merged cells or not."""
    return ["" if column in filled else header_text(cell) for column, cell in enumerate(row)]


def _numbered(
    near: list[_Carried], begins: int, table: Iterator[_Carried]
) -> Iterator[tuple[int, _Carried]]:
    yield from enumerate(near[begins:], start=begins + 1)
    yield from enumerate(table, start=len(near) + 1)


@dataclass
class _Merged:
    """Fills merged cells downwards as the rows go by; remembers in `filled` what it filled."""

    starts: dict[tuple[int, int], int]
    open: dict[int, tuple[int, str]] = field(default_factory=dict)

    def fill(self, number: int, row: Row) -> frozenset[int]:
        """Fill one row; gives the columns that were empty."""
        filled = []
        for column, (until, text) in list(self.open.items()):
            if number > until:
                del self.open[column]
            elif column < len(row) and not row[column]:
                row[column] = text
                filled.append(column)
        for column, text in enumerate(row):
            if (number, column) in self.starts:
                self.open[column] = self.starts[number, column], text
        return frozenset(filled)


def _carried(
    rows: Iterable[Sequence[object]], found: Marks
) -> Iterator[tuple[Row, frozenset[int]]]:
    """Every row as text, cells without a result marked, merged cells filled; and which were."""
    merged = _Merged({(top, left): end for top, left, end, _right in found.merged if end > top})
    for number, cells in enumerate(rows):
        row = [rules.as_written(cell) for cell in cells]
        for column in range(len(row)) if found.empty else ():
            if (number, column) in found.empty:
                row[column] = found.empty[number, column] or rules.NOT_CALCULATED
        yield row, merged.fill(number, row) if merged.starts else _NOTHING


_NOTHING: frozenset[int] = frozenset()


def _keep(
    sheet: ReadSheet,
    texts: Row,
    repeated: list[Row],
    rows: Iterator[tuple[int, _Carried]],
    remembered: Mapping[str, str],
) -> None:
    """Keep the rows below a header; `repeated` is how it looks at the top of another page."""
    fields = [_field(text, remembered) for text in texts]
    kept = [
        position
        for position, text in enumerate(texts)
        if text and text not in IGNORED and fields[position] not in DROPPED
    ]
    sheet.header = [texts[position] for position in kept]
    sheet.corrects = REASON in texts
    sheet.dropped = [text for text, held in zip(texts, fields, strict=True) if held in DROPPED]
    once = frozenset(n for n, held in enumerate(fields) if held in NOT_CARRIED)
    places = [n for n, held in enumerate(fields) if held in rules.ADDRESS]
    suspect: set[int] = set()
    piece: list[list[object]] = []
    for number, (row, filled) in rows:
        for position in filled & once:
            row[position] = ""
        if rules.is_total(row, places) or _drawn(row[: len(texts)], filled) in repeated:
            sheet.totals += 1
            continue
        cells = [row[position] if position < len(row) else "" for position in kept]
        piece += [[number, *_clean(cells, suspect)]] if any(cells) else []
        if len(piece) == PIECE:
            _put(sheet, piece)
            piece = []
    _put(sheet, piece)
    sheet.with_id_numbers = [sheet.header[position] for position in sorted(suspect)]


def _clean(cells: list[str], suspect: set[int]) -> list[str]:
    clean = [rules.without_id_numbers(text) for text in cells]
    if clean != cells:
        suspect.update(n for n, text in enumerate(cells) if clean[n] != text)
    return clean


def _put(sheet: ReadSheet, piece: list[list[object]]) -> None:
    if not piece:
        return
    sheet.rows += len(piece)
    sheet.pieces.append(json.dumps(piece, ensure_ascii=False, separators=(",", ":")))


def pick(sheets: Sequence[ReadSheet], wanted: str = "") -> int | None:
    """Which sheet is read: the one named, else the only one there can be, else None: ask.

    A hidden sheet is never taken without a word. Raises: RuleBroken roll.no_such_sheet,
    roll.columns_missing.
    """
    names = [sheet.name for sheet in sheets]
    if wanted:
        if wanted not in names:
            raise RuleBroken("roll.no_such_sheet", sheets="、".join(names))
        chosen: int | None = names.index(wanted)
    elif len(sheets) == 1:
        chosen = None if sheets[0].hidden else 0
    else:
        chosen = _the_only_one(sheets)
    if not any(sheet.is_roll for sheet in sheets) or (
        chosen is not None and not sheets[chosen].is_roll
    ):
        raise RuleBroken("roll.columns_missing", missing=",".join(REQUIRED))
    return chosen


def _the_only_one(sheets: Sequence[ReadSheet]) -> int | None:
    visible = [position for position, sheet in enumerate(sheets) if not sheet.hidden]
    hidden_rolls = any(sheet.hidden and sheet.is_roll for sheet in sheets)
    return visible[0] if len(visible) == 1 and not hidden_rolls else None

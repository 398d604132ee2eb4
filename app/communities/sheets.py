"""What the workbook reader does not tell: merged cells of .ods, cells without a result.

A formula that nobody calculated and a cell that shows an error reach us as empty cells. An empty
cell means "nothing known", so such a row would be taken with something missing: they are looked
for in the file itself.
"""

from __future__ import annotations

import html
import io
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

PIECE = 1024 * 1024
MOST_COLUMNS = 1024
MOST_ROWS = 1_100_000
# No part may run across the next "<": so the search takes time in proportion to the text alone.
_CELL = re.compile(
    rb'<c\s(?=[^<>]*\br="([A-Z]{1,3})(\d{1,7})")([^<>]*)>\s*'
    rb"(<f\b(?:[^<>]*/>|[^<>]*>[^<]*</f>))?\s*(?:<v>([^<]*)</v>|<v\s*/>)?"
)
_SHEET = re.compile(r"<(?:\w+:)?sheet\s([^>]*)>")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\s([^>]*)>")
_ATTRIBUTE = re.compile(r'([\w:]+)="([^"]*)"')
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
Range = tuple[int, int, int, int]


@dataclass
class Marks:
    """Of one sheet, by (row, column) from 0: `empty` cells that only look so, merged ranges.

    A range is first row, first column, last row, last column.
    """

    empty: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[Range] = field(default_factory=list)


def marks(data: bytes) -> dict[str, Marks]:
    """The marks of every sheet of an .xlsx or .ods, by the sheet's name."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        if "content.xml" not in packed.namelist():
            return {name: _xlsx(packed, path) for name, path in _sheet_paths(packed)}
        with packed.open("content.xml") as content:
            # Spreadsheets declare no entities; whoever does wants them to grow.
            if b"<!DOCTYPE" in content.read(PIECE):
                raise ValueError("a spreadsheet with a document type")
        with packed.open("content.xml") as content:
            return _ods(content)


def _sheet_paths(packed: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    book = packed.read("xl/workbook.xml").decode("utf-8", "replace")
    names = set(packed.namelist())
    relations = "xl/_rels/workbook.xml.rels"
    if relations not in names:
        return
    targets = {
        found["Id"]: found["Target"]
        for text in _RELATION.findall(packed.read(relations).decode("utf-8", "replace"))
        if {"Id", "Target"} <= set(found := dict(_ATTRIBUTE.findall(text)))
    }
    for text in _SHEET.findall(book):
        found = dict(_ATTRIBUTE.findall(text))
        target = targets.get(found.get("r:id", ""), "")
        path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        if path in names:
            yield html.unescape(found.get("name", "")), path


def _xlsx(packed: zipfile.ZipFile, path: str) -> Marks:
    """Cells with an error, or with a formula and no value.

    A writer that leaves the calculating to the reader says so and writes 0 for every formula.
    """
    later = b'fullCalcOnLoad="1"' in packed.read("xl/workbook.xml")
    found, rest = Marks(), b""
    with packed.open(path) as sheet:
        while piece := sheet.read(PIECE):
            text = rest + piece
            end = text.rfind(b"<c ")
            whole, rest = (text[:end], text[end:]) if end > 0 else (text, b"")
            _look(found, whole, later=later)
    _look(found, rest, later=later)
    return found


def _look(found: Marks, text: bytes, *, later: bool) -> None:
    if b"<f" not in text and b't="e"' not in text:
        return
    for letters, row, attributes, formula, value in _CELL.findall(text):
        place = int(row) - 1, _column(letters)
        if b't="e"' in attributes:
            found.empty[place] = html.unescape(value.decode("utf-8", "replace")) or "#N/A"
        elif formula and (not value or (later and value == b"0")):
            found.empty[place] = ""


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1


def _ods(content: IO[bytes]) -> dict[str, Marks]:
    found: dict[str, Marks] = {}
    here, row = Marks(), 0
    for event, node in ET.iterparse(content, ("start", "end")):  # noqa: S314
        if event == "start" and node.tag == f"{TABLE}table":
            here, row = found.setdefault(node.get(f"{TABLE}name", ""), Marks()), 0
        elif event == "end" and node.tag == f"{TABLE}table-row":
            _ods_row(here, row, node)
            row = min(row + _times(node, "rows"), MOST_ROWS)
            node.clear()
    return found


def _times(node: ET.Element, what: str) -> int:
    text = node.get(f"{TABLE}number-{what}-repeated", "1")
    return int(text) if text.isdecimal() and len(text) <= 7 else 1  # noqa: PLR2004


def _ods_row(here: Marks, row: int, node: ET.Element) -> None:
    column = 0
    for cell in node:
        if not cell.tag.endswith("table-cell"):
            continue
        spans = [
            int(text) if (text := cell.get(f"{TABLE}number-{what}-spanned", "1")).isdecimal() else 1
            for what in ("rows", "columns")
        ]
        if max(spans) > 1:
            here.merged.append((row, column, row + spans[0] - 1, column + spans[1] - 1))
        if cell.get(f"{TABLE}formula") and cell.get(f"{OFFICE}value-type") is None:
            here.empty[row, column] = ""
        column += min(_times(cell, "columns"), MOST_COLUMNS)

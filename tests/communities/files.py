"""Rolls as files of every kind that committees send, made for tests."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import xlsxwriter
import xlwt

if TYPE_CHECKING:
    from collections.abc import Sequence

Rows = "Sequence[Sequence[object]]"
Span = tuple[int, int, int, int]
NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "table", "text", "style")
)


class Formula(str):
    """A formula that nobody has calculated."""

    __slots__ = ()


def xlsx(
    sheets: dict[str, Rows], hidden: tuple[str, ...] = (), merged: Sequence[Span] = ()
) -> bytes:
    """A workbook; ranges of its first sheet may be merged (row, column, row, column)."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"default_date_format": "m-d"}) as book:
        for position, (name, rows) in enumerate(sheets.items()):
            sheet = book.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            else:
                # Whoever hides the first sheet must show another.
                sheet.activate()
                sheet.set_first_sheet()
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if isinstance(cell, Formula):
                        sheet.write_formula(number, column, cell)
                    else:
                        sheet.write(number, column, cell)
            for top, left, bottom, right in merged if position == 0 else ():
                sheet.merge_range(top, left, bottom, right, rows[top][left])
    return out.getvalue()


def xls(
    sheets: dict[str, Rows], hidden: tuple[str, ...] = (), merged: Sequence[Span] = ()
) -> bytes:
    """The same in the format of 1997, which many committees still keep."""
    book = xlwt.Workbook(encoding="utf-8")
    for position, (name, rows) in enumerate(sheets.items()):
        sheet = book.add_sheet(name, cell_overwrite_ok=True)
        sheet.visibility = 1 if name in hidden else 0
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if cell != "":
                    sheet.write(number, column, cell)
        for top, left, bottom, right in merged if position == 0 else ():
            sheet.merge(top, bottom, left, right)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def ods(
    sheets: dict[str, Rows], hidden: tuple[str, ...] = (), merged: Sequence[Span] = ()
) -> bytes:
    """The same as LibreOffice keeps it."""
    tables = "".join(
        f'<table:table table:name="{escape(name)}" '
        f'table:style-name="{"ta2" if name in hidden else "ta1"}">'
        + "".join(_ods_row(n, row, merged if p == 0 else ()) for n, row in enumerate(rows))
        + "</table:table>"
        for p, (name, rows) in enumerate(sheets.items())
    )
    styles = "".join(
        f'<style:style style:name="{name}" style:family="table">'
        f'<style:table-properties table:display="{shown}"/></style:style>'
        for name, shown in (("ta1", "true"), ("ta2", "false"))
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {NAMES} '
        f'office:version="1.2"><office:automatic-styles>{styles}</office:automatic-styles>'
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<?xml version="1.0"?><manifest:manifest '
        'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
        "</manifest:manifest>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("mimetype", kind, zipfile.ZIP_STORED)
        packed.writestr("META-INF/manifest.xml", manifest)
        packed.writestr("content.xml", content)
    return out.getvalue()


def _ods_row(number: int, row: Sequence[object], merged: Sequence[Span]) -> str:
    spans = {(top, left): bottom - top + 1 for top, left, bottom, _right in merged}
    cells = []
    for column, cell in enumerate(row):
        more = ""
        if (number, column) in spans:
            rows = spans[number, column]
            more = f' table:number-rows-spanned="{rows}" table:number-columns-spanned="1"'
        if isinstance(cell, Formula):
            cells.append(f'<table:table-cell table:formula="of:{escape(cell)}"{more}/>')
        elif isinstance(cell, (int, float)):
            cells.append(
                f'<table:table-cell office:value-type="float" office:value="{cell}"{more}>'
                f"<text:p>{cell}</text:p></table:table-cell>"
            )
        elif cell == "":
            cells.append(f"<table:table-cell{more}/>")
        else:
            cells.append(
                f'<table:table-cell office:value-type="string"{more}>'
                f"<text:p>{escape(str(cell))}</text:p></table:table-cell>"
            )
    return f"<table:table-row>{''.join(cells)}</table:table-row>"


MAKERS = {"xlsx": xlsx, "xls": xls, "ods": ods}

"""Tables as a workbook and as CSV. Text never becomes a formula."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import xlsxwriter

from app.exports.cells import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.exports.poll_report import Table


def as_workbook(tables: Iterable[Table]) -> bytes:
    """The tables as .xlsx, one sheet each."""
    out = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True, "bottom": 1})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        for table in tables:
            sheet = book.add_worksheet(table.title)
            sheet.set_column(0, 0, 18)
            sheet.set_column(1, 1, 64)
            sheet.set_column(2, len(table.header), 24)
            sheet.write_row(0, 0, table.header, bold)
            for number, row in enumerate(table.rows, start=1):
                sheet.write_row(number, 0, [plain(cell) for cell in row], wrapped)
    return out.getvalue()


def as_csv(tables: Iterable[Table]) -> bytes:
    """The tables one below the other as CSV in UTF-8 with a mark that Excel knows."""
    out = io.StringIO()
    writer = csv.writer(out)
    for table in tables:
        writer.writerow([table.title])
        writer.writerow(table.header)
        writer.writerows([[plain(cell) for cell in row] for row in table.rows])
        writer.writerow([])
    return b"\xef\xbb\xbf" + out.getvalue().encode()

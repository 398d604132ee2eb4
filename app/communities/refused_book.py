"""Refused rows as a workbook: the columns as they came, and why each row was not taken.

Whoever corrects it sends it in again as it is: the column of reasons is known and passed over.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import xlsxwriter
from flask_babel import gettext as _

from app.communities import roll_queries, words
from app.communities.roll_reading import REASON
from app.core.cells import plain

if TYPE_CHECKING:
    from app.communities.roll_queries import UploadView

LIMIT = 32_000


def workbook(view: UploadView, community_id: int) -> bytes:
    """All rows that are not brought in, as .xlsx. Every cell is text and none begins a formula."""
    out = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True, "bottom": 1})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        sheet = book.add_worksheet(_("不能导入的行"))
        sheet.set_column(0, 0, 48, wrapped)
        sheet.set_column(1, 30, 14)
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, [REASON, *roll_queries.refused_header(view)], bold)
        for number, row in enumerate(roll_queries.refused_rows(view, community_id), start=1):
            cells = [words.refused_row(row.line), *row.cells]
            sheet.write_row(number, 0, [str(plain(cell))[:LIMIT] for cell in cells])
    return out.getvalue()

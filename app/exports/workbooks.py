"""One poll's record as a workbook and as CSV: definition, electorate, turnout, tallies, timeline.

No names: what is here may hang on the notice board.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import xlsxwriter
from flask_babel import gettext as _

from app.exports.archive import tally_rows
from app.exports.cells import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.exports.queries import PollInRecord

Table = tuple[str, "Sequence[str]", "Iterable[Sequence[object]]"]


def poll_tables(poll: PollInRecord, timeline: Iterable[Sequence[object]]) -> list[Table]:
    """The five tables of a poll's record, in the order people read them."""
    return [
        (_("投票内容"), [_("项目"), _("内容")], _definition_rows(poll)),
        (_("选项"), [_("编号"), _("选项"), _("造价（分）")], _option_rows(poll)),
        (_("参与"), [_("项目"), _("户数")], _turnout_rows(poll)),
        (
            _("计票"),
            [_("投票编号"), _("选项编号"), _("选项"), _("票数")],
            tally_rows(poll),
        ),
        (
            _("时间线"),
            [_("序号"), _("时间（UTC）"), _("事项"), _("对象"), _("身份")],
            timeline,
        ),
    ]


def _definition_rows(poll: PollInRecord) -> list[list[object]]:
    shown = ("poll", "title", "kind", "method", "secrecy", "opens_at", "closes_at")
    rows: list[list[object]] = [[key, poll.definition[key]] for key in shown]
    rows.append(["rules", json.dumps(poll.definition["rules"], ensure_ascii=False)])
    rows.append(["voters_root", poll.definition["electorate"]["voters_root"]])
    return rows


def _option_rows(poll: PollInRecord) -> list[list[object]]:
    return [
        [option["id"], option["title"], option.get("cost_fen")]
        for option in poll.definition["options"]
    ]


def _turnout_rows(poll: PollInRecord) -> list[list[object]]:
    rows: list[list[object]] = [[_("应参加户数"), poll.definition["electorate"]["heads"]]]
    if poll.closed is None:
        return rows
    turnout = poll.closed["turnout"]
    rows.append([_("参加户数"), turnout["total"]])
    # A cell that could point at single households is not published.
    for channel, count in (turnout["by_channel"] or {}).items():
        rows.append([_("其中") + channel, count])
    return rows


def as_workbook(tables: Iterable[Table]) -> bytes:
    """The tables as .xlsx, one sheet each; text never becomes a formula."""
    out = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True, "bottom": 1})
        for title, header, rows in tables:
            sheet = book.add_worksheet(title)
            sheet.set_column(0, 0, 18)
            sheet.set_column(1, len(header), 36)
            sheet.write_row(0, 0, header, bold)
            for number, row in enumerate(rows, start=1):
                sheet.write_row(number, 0, [plain(cell) for cell in row])
    return out.getvalue()


def as_csv(tables: Iterable[Table]) -> bytes:
    """The tables one below the other as CSV in UTF-8 with a mark that Excel knows."""
    out = io.StringIO()
    writer = csv.writer(out)
    for title, header, rows in tables:
        writer.writerow([title])
        writer.writerow(header)
        writer.writerows([[plain(cell) for cell in row] for row in rows])
        writer.writerow([])
    return b"\xef\xbb\xbf" + out.getvalue().encode()

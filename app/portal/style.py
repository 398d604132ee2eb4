"""Samples for the page that shows every part of the design."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from flask_babel import gettext as _

from app.core import times
from app.core.charts import bar_chart

OPENED = datetime(2026, 5, 6, 1, tzinfo=UTC)
CLOSED = datetime(2026, 5, 20, 10, tzinfo=UTC)
ICONS = (
    *("home", "vote", "project", "me", "households", "roll", "record", "letter"),
    *("clock", "back", "print", "download", "done", "wait", "stop", "info", "open"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a timeline."""

    at_text: str
    title: str
    text: str
    done: bool


def samples() -> dict[str, object]:
    """Give each part something to show."""
    rows = [
        (_("老年助餐点"), 558, _("558 户"), True),
        (_("口袋公园"), 516, _("516 户"), False),
    ]
    return {
        "chart": bar_chart(_("各项票数"), rows, 918, (496, _("至少 496 户"))),
        "steps": [
            Step(times.time_text(OPENED), _("开放"), "", done=True),
            Step(times.time_text(CLOSED), _("截止"), _("自动计票"), done=False),
        ],
        "icons": ICONS,
    }

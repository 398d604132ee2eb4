"""When a written authority (委托书) holds, and for whom its holder counts as the same. Pure.

Source: docs/rules.md, "Without a phone"; docs/adr/0032.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from enum import StrEnum

from app.core.errors import RuleBroken

# How many households one holder of written authorities stands for in one poll.
PROXIES_PER_HOLDER = 3
HOLDER_NAME, SHEET = 40, 40


class Seen(StrEnum):
    """How the desk knows that the household itself gives the authority."""

    PRESENT = "present"
    PHONED = "phoned"
    VISITED = "visited"


def check_proxy(*, is_open: bool, to_itself: bool, names_holder: bool, sheet: str) -> None:
    """Raise RuleBroken proxy.not_open, proxy.to_itself, proxy.no_holder, proxy.no_sheet."""
    if not is_open:
        raise RuleBroken("proxy.not_open")
    if to_itself:
        raise RuleBroken("proxy.to_itself")
    if not names_holder:
        raise RuleBroken("proxy.no_holder")
    if not sheet:
        raise RuleBroken("proxy.no_sheet")


def proxy_until(wanted: datetime | None, closes_at: datetime, now: datetime) -> datetime:
    """When an authority ends: at the closing, or on the day its sheet names if that is earlier.

    Raises: RuleBroken proxy.until when that is over already.
    """
    until = closes_at if wanted is None else min(wanted, closes_at)
    if until <= now:
        raise RuleBroken("proxy.until")
    return until


def holder_key(household_id: int | None, name: str) -> str:
    """The same for the same holder of authorities: a household, or a name however it is typed."""
    if household_id is not None:
        return f"household:{household_id}"
    # Brackets and letters come full-width or not; a fourth principal must not slip in by that.
    alike = unicodedata.normalize("NFKC", name)
    return f"name:{''.join(alike.split()).casefold()}"

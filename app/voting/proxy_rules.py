"""When a written authority (委托书) holds, and for whom its holder counts as the same. Pure.

Source: docs/rules.md, "Without a phone"; docs/adr/0032.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.communities.rules import owner_names
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


@dataclass(frozen=True, slots=True)
class Taken:
    """A place that some holder has in a poll; for a household with whom the roll names."""

    holder_key: str
    head: str = ""
    owners: str = ""


def check_same_holder(new: Taken, taken: Sequence[Taken]) -> None:
    """A household and somebody whom the roll names there are one holder of authorities.

    Otherwise whoever was written down once as a household and once by name stood for six. Two
    people of one name are told apart on the sheet, and are two from then on.
    Raises: RuleBroken proxy.three_by_name.
    """
    homes = [new] if _names(new) else [one for one in taken if new.holder_key in _names(one)]
    for home in homes:
        same = {home.holder_key} | _names(home)
        found = [one.holder_key for one in taken if one.holder_key in same]
        # Those of one and the same kind are refused by the unique key, whoever comes at once.
        if len(found) >= PROXIES_PER_HOLDER and set(found) != {new.holder_key}:
            raise RuleBroken("proxy.three_by_name")


def _names(place: Taken) -> set[str]:
    return {holder_key(None, name) for name in (place.head, *owner_names(place.owners)) if name}

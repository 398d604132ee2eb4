"""A header that stands in one row, or in two: a group above and its parts below. Pure.

Committees often write 房屋信息 above 建筑面积 and 用途. Read by its upper row alone, a roll would
come in without its areas and phones, and a column of ID numbers would go unnoticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.communities import rules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LONGEST = 80
# Whose phone stands below these is the household's own: a resident gets in with it.
OWN_PHONE = ("产权", "业主", "房主", "户主", "住户", "居民", "联系", "基本")


@dataclass(frozen=True, slots=True)
class Header:
    """Where a header stands, counted from 0, in how many `rows`, and its texts by column."""

    begins: int
    rows: int
    texts: list[str]


def header_text(cell: object) -> str:
    """A header as it is compared and remembered."""
    return "".join(rules.plain(cell).split()).strip("*:")[:LONGEST]


def find(
    near: Sequence[Sequence[str]],
    field_of: Callable[[str], str | None],
    required: Sequence[str],
) -> Header | None:
    """The header among a sheet's first rows: what names all `required` fields, else most of any.

    A row that names only one field is no header: a title may contain the word. Of two rows that
    name as much, the upper one is it.
    """
    rows = [[header_text(cell) for cell in row] for row in near]
    found: list[tuple[Header, set[str]]] = []
    for position, texts in enumerate(rows):
        below = rows[position + 1] if position + 1 < len(rows) else []
        both = _together(texts, below, field_of)
        # A title above a header adds nothing to it: two rows must say more than either.
        alone = max(len(_fields(row, field_of)) for row in (texts, below))
        two = len(_fields(both, field_of)) > alone
        header = Header(position, 2, both) if two else Header(position, 1, texts)
        found.append((header, _fields(header.texts, field_of)))
    for header, fields in found:
        if fields.issuperset(required):
            return header
    best = max(found, key=lambda one: len(one[1]), default=None)
    return best[0] if best is not None and len(best[1]) > 1 else None


def _fields(texts: Sequence[str], field_of: Callable[[str], str | None]) -> set[str]:
    return {field for text in texts if (field := field_of(text))}


def _together(
    upper: Sequence[str], lower: Sequence[str], field_of: Callable[[str], str | None]
) -> list[str]:
    """The header of two rows; empty where the lower row is one of the table's own.

    A row of the table says its room below the header of rooms; the lower row of a header says
    nothing there, the same again (a merged cell), or itself what the column is.
    """
    size = max(len(upper), len(lower))
    above = [*upper, *[""] * (size - len(upper))]
    below = [*lower, *[""] * (size - len(lower))]
    groups = _groups(above, below)
    texts = [
        _one(group, high, low, field_of)
        for group, high, low in zip(groups, above, below, strict=True)
    ]
    rooms = [n for n, text in enumerate(texts) if field_of(text) == "room"]
    header = rooms and all(below[n] in {"", above[n], texts[n]} for n in rooms)
    return texts if header else []


def _groups(above: Sequence[str], below: Sequence[str]) -> list[str]:
    """The group each column stands under: an empty cell above a part belongs to the one before."""
    found: list[str] = []
    for high, low in zip(above, below, strict=True):
        found.append(high or (found[-1] if low and found else ""))
    return found


def _one(group: str, high: str, low: str, field_of: Callable[[str], str | None]) -> str:
    if not low or low == high:
        return high
    joined = f"{group}{low}"[:LONGEST]
    if field_of(joined):
        return joined
    held = field_of(low)
    if held == "phone" and group and not any(word in group for word in OWN_PHONE):
        # A tenant's or a grid worker's phone must not become what the household gets in with.
        return joined
    if held:
        return low
    return high if field_of(high) else joined

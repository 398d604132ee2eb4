"""Numbers and lists as people read them: money without floats, counts, enumerations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from flask_babel import ngettext

if TYPE_CHECKING:
    from collections.abc import Iterable


def counted(message: str, number: int, **values: Any) -> str:
    """A sentence with a number in it, where English asks whether it is one or several.

    Chinese writes both alike, so one text is enough. Babel knows this function as a keyword.
    """
    return ngettext(message, message, number, **values)


def listed(names: Iterable[object]) -> str:
    """Several names in a row, with the comma of the reader's language."""
    return _("、").join(map(str, names))


def yuan(fen: int) -> str:
    """Money in 元 with thousands separators; fen only where there are any."""
    whole, rest = divmod(abs(fen), 100)
    sign = "-" if fen < 0 else ""
    return f"{sign}{whole:,}" + (f".{rest:02d}" if rest else "")


def fen_from(text: str) -> int | None:
    """What somebody typed as 元, in fen; None when it is no amount."""
    clean = text.strip().replace(",", "").replace("\uff0c", "").removesuffix("元").strip()
    whole, dot, rest = clean.partition(".")
    if not whole.isascii() or not whole.isdigit() or (dot and not rest.isdigit()):
        return None
    if len(rest) > 2 or len(whole) > 12:  # noqa: PLR2004 -- fen are the smallest unit
        return None
    return int(whole) * 100 + int(rest.ljust(2, "0") or "0")

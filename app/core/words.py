"""Numbers as people read them: money, without floats."""

from __future__ import annotations


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

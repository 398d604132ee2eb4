"""Cells of exported tables: never a formula, whatever somebody wrote."""

from __future__ import annotations

# Spreadsheets run a cell that begins so; the full-width sign becomes a plain one on import.
DANGEROUS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\0",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)


def plain(value: object) -> str | int:
    """The value as a cell that stays text; integers stay numbers, None is empty."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(DANGEROUS) else text

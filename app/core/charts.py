"""Geometry of bar charts in whole pixels, so that templates only print numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROW = 62
LONGEST = 320


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with its label above it and its value at its end."""

    label: str
    value_text: str
    width: int
    y: int
    label_y: int
    value_y: int
    won: bool


@dataclass(frozen=True, slots=True)
class Threshold:
    """A labelled line that a bar must reach."""

    x: int
    text_x: int
    text_y: int
    bottom: int
    anchor: str
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole chart; `label` says in words what it shows."""

    label: str
    bars: tuple[Bar, ...]
    height: int
    threshold: Threshold | None = None


def bar_chart(
    label: str,
    rows: Sequence[tuple[str, int, str, bool]],
    longest: int,
    threshold: tuple[int, str] | None = None,
) -> Chart:
    """Bars for rows of (label, value, value text, won); `longest` is the value of a full bar."""
    whole = max(longest, 1)
    bars = tuple(
        Bar(
            label=name,
            value_text=text,
            width=min(max(value, 0) * LONGEST // whole, LONGEST),
            y=position * ROW + 26,
            label_y=position * ROW + 18,
            value_y=position * ROW + 43,
            won=won,
        )
        for position, (name, value, text, won) in enumerate(rows)
    )
    bottom = len(rows) * ROW
    mark = _threshold(threshold, whole, bottom) if threshold else None
    return Chart(label, bars, bottom + (28 if mark else 4), mark)


def _threshold(threshold: tuple[int, str], whole: int, bottom: int) -> Threshold:
    value, label = threshold
    x = min(value * LONGEST // whole, LONGEST)
    left = x > LONGEST // 2
    return Threshold(
        x=x,
        text_x=x - 6 if left else x + 6,
        text_y=bottom + 18,
        bottom=bottom + 22,
        anchor="end" if left else "start",
        label=label,
    )

"""The only clock. Times are aware and in UTC inside; Asia/Shanghai where people read them."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL = ZoneInfo("Asia/Shanghai")
_set_to: datetime | None = None


def now() -> datetime:
    """The time in UTC, or the time a test or the demo's history has set."""
    return _set_to if _set_to is not None else datetime.now(UTC)


def local(moment: datetime) -> datetime:
    """The same moment as people in China read it."""
    return moment.astimezone(LOCAL)


def day_of(moment: datetime) -> date:
    """The day a moment falls on in China, which before eight in the morning is not UTC's."""
    return local(moment).date()


def bounds_of_day(day: date) -> tuple[datetime, datetime]:
    """When a day begins in China and when the next one does, in UTC: for asking a table."""
    begins = datetime(day.year, day.month, day.day, tzinfo=LOCAL)
    return begins.astimezone(UTC), (begins + timedelta(days=1)).astimezone(UTC)


def end_after(lasts: timedelta) -> datetime:
    """When the last day is over of what begins now and lasts so long."""
    return bounds_of_day(day_of(now() + lasts))[1]


def at_local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment given as people in China say it, in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=LOCAL).astimezone(UTC)


def to_record(moment: datetime) -> str:
    """The form the record knows: `YYYY-MM-DDTHH:MM:SSZ`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_record(text: str) -> datetime:
    """The moment a record's text stands for."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


@contextmanager
def set_to(moment: datetime) -> Iterator[None]:
    """Let the clock stand at `moment`: for tests, and for the demo's past, written oldest first."""
    global _set_to  # noqa: PLW0603 -- one clock is the point
    before, _set_to = _set_to, moment
    try:
        yield
    finally:
        _set_to = before


def advance(by: timedelta) -> None:
    """Move a clock that stands."""
    global _set_to  # noqa: PLW0603 -- one clock is the point
    if _set_to is None:
        raise RuntimeError("the clock runs by itself")
    _set_to += by

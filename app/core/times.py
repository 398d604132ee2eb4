"""Times as people read them: with the weekday, in Asia/Shanghai."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import get_locale

from app.core import clock


def _chinese() -> bool:
    locale = get_locale()
    return locale is None or locale.language == "zh"


def day_text(moment: datetime) -> str:
    """A day with its weekday: 5月20日（周三）."""
    shown = clock.local(moment)
    if _chinese():
        return f"{shown.month}月{shown.day}日（周{'一二三四五六日'[shown.weekday()]}）"
    return f"{shown:%A} {shown.day} {shown:%B}"


def time_text(moment: datetime) -> str:
    """A moment with its weekday: 5月20日（周三）18:00; another year is named."""
    shown = clock.local(moment)
    year = str(shown.year) if shown.year != clock.local(clock.now()).year else ""
    if _chinese():
        return (
            f"{year}年{day_text(moment)}{shown:%H:%M}"
            if year
            else f"{day_text(moment)}{shown:%H:%M}"
        )
    return f"{shown:%H:%M}, {day_text(moment)} {year}".rstrip()


def end_text(moment: datetime) -> str:
    """The end of a period of whole days: 6月4日（周四）24:00 rather than 6月5日 00:00."""
    shown = clock.local(moment)
    if (shown.hour, shown.minute) != (0, 0):
        return time_text(moment)
    # The last minute of the day carries the right day, weekday and year.
    return time_text(moment - timedelta(minutes=1)).replace("23:59", "24:00")


def full_time_text(moment: datetime) -> str:
    """A moment with its year, whatever year it is: for papers that are kept for decades.

    2026年5月20日（周三）18:00.
    """
    shown = clock.local(moment)
    if _chinese():
        return f"{shown.year}年{day_text(moment)}{shown:%H:%M}"
    return f"{shown:%H:%M}, {day_text(moment)} {shown.year}"


def full_end_text(moment: datetime) -> str:
    """The end of a period of whole days with its year: 2026年6月4日（周四）24:00."""
    shown = clock.local(moment)
    if (shown.hour, shown.minute) != (0, 0):
        return full_time_text(moment)
    return full_time_text(moment - timedelta(minutes=1)).replace("23:59", "24:00")

"""Times as people read them: with the weekday, in Asia/Shanghai."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from flask_babel import force_locale, get_locale

from app.core import clock

LANGUAGE_OF_RECORD = "zh_Hans_CN"


def in_record_language() -> AbstractContextManager[None]:
    """Words that are kept, printed or filed are Chinese, whoever's browser asked for them."""
    return force_locale(LANGUAGE_OF_RECORD)


def is_chinese() -> bool:
    """Whether the reader of this page reads Chinese; true outside any page."""
    locale = get_locale()
    return locale is None or locale.language == "zh"


def day_text(moment: datetime) -> str:
    """A day with its weekday: 5月20日（周三）, Wednesday 20 May."""
    shown = clock.local(moment)
    if is_chinese():
        return f"{shown.month}月{shown.day}日（周{'一二三四五六日'[shown.weekday()]}）"
    return f"{shown:%A} {shown.day} {shown:%B}"


def date_text(moment: datetime) -> str:
    """A day with its weekday; another year is named: 5月20日（周三）, 2025年12月3日（周三）."""
    year = clock.local(moment).year
    if year == clock.local(clock.now()).year:
        return day_text(moment)
    return f"{year}年{day_text(moment)}" if is_chinese() else f"{day_text(moment)} {year}"


def time_text(moment: datetime) -> str:
    """A moment with its weekday: 5月20日（周三）18:00; another year is named."""
    shown = clock.local(moment)
    year = str(shown.year) if shown.year != clock.local(clock.now()).year else ""
    if is_chinese():
        return (
            f"{year}年{day_text(moment)}{shown:%H:%M}"
            if year
            else f"{day_text(moment)}{shown:%H:%M}"
        )
    return f"{day_text(moment)} {year}".rstrip() + f", {shown:%H:%M}"


def end_text(moment: datetime) -> str:
    """The end of a period of whole days: 6月4日（周四）24:00 rather than 6月5日 00:00.

    English readers do not know which night "24:00" or "midnight" means: the end of Thursday 4 June.
    """
    shown = clock.local(moment)
    if (shown.hour, shown.minute) != (0, 0):
        return time_text(moment)
    # The last minute of the day carries the right day, weekday and year.
    last = time_text(moment - timedelta(minutes=1))
    if is_chinese():
        return last.replace("23:59", "24:00")
    return f"the end of {last.removesuffix(', 23:59')}"


def full_time_text(moment: datetime) -> str:
    """A moment with its year, whatever year it is: for papers that are kept for decades.

    2026年5月20日（周三）18:00.
    """
    shown = clock.local(moment)
    if is_chinese():
        return f"{shown.year}年{day_text(moment)}{shown:%H:%M}"
    return f"{shown:%H:%M}, {day_text(moment)} {shown.year}"


def full_day_text(moment: datetime) -> str:
    """A day with its year, for the same papers: 2026年5月20日（周三）, Wednesday 20 May 2026."""
    day, year = day_text(moment), clock.local(moment).year
    return f"{year}年{day}" if is_chinese() else f"{day} {year}"


def full_end_text(moment: datetime) -> str:
    """The end of a period of whole days with its year: 2026年6月4日（周四）24:00."""
    shown = clock.local(moment)
    if (shown.hour, shown.minute) != (0, 0):
        return full_time_text(moment)
    last = full_time_text(moment - timedelta(minutes=1))
    if is_chinese():
        return last.replace("23:59", "24:00")
    return f"the end of {last.removeprefix('23:59, ')}"

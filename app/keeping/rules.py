"""What is kept and for how long, when the next backup is due, what a drill has to find. Pure.

Sources: trust.md section 7 as told in docs/backup.md; docs/settings.md for periods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from app.core import clock
from app.core.errors import RuleBroken
from app.core.status import State

DAY = timedelta(days=1)
# A backup is taken every day, a drill every week; a few hours late is no news.
BACKUP_FRESH, BACKUP_OLD = timedelta(hours=26), timedelta(days=3)
DRILL_FRESH, DRILL_OLD = timedelta(days=8), timedelta(days=35)
DRILL_AFTER = timedelta(hours=1)
RETENTION_AFTER = timedelta(minutes=40)
SUNDAY = 6


# --- what a database holds -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is compared: engine, migration, rows of each table, size and head of each log."""

    engine: str
    migration: str
    counts: Mapping[str, int]
    logs: Mapping[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not what the manifest says."""

    what: str
    name: str
    expected: str
    found: str


def differences(expected: Inventory, found: Inventory) -> list[Difference]:
    """Everything in which a restored database is not the one that was backed up."""
    wrong = []
    if expected.migration != found.migration:
        wrong.append(Difference("migration", "", expected.migration, found.migration))
    for table in sorted({*expected.counts, *found.counts}):
        counted = expected.counts.get(table), found.counts.get(table)
        if counted[0] != counted[1]:
            wrong.append(Difference("count", table, str(counted[0]), str(counted[1])))
    for log in sorted({*expected.logs, *found.logs}):
        heads = expected.logs.get(log), found.logs.get(log)
        if heads[0] != heads[1]:
            wrong.append(Difference("head", log, str(heads[0]), str(heads[1])))
    return wrong


# --- which backups stay --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Keep:
    """How many days, weeks and months have a backup kept for them."""

    daily: int = 7
    weekly: int = 4
    monthly: int = 12


def keep_from(text: str) -> Keep:
    """Read `7/4/12`. Raises: RuleBroken keeping.bad_keep."""
    parts = text.split("/")
    if len(parts) != 3 or not all(part.isdecimal() and int(part) for part in parts):  # noqa: PLR2004
        raise RuleBroken("keeping.bad_keep", text=text)
    return Keep(*(int(part) for part in parts))


def longest_days(keep: Keep) -> int:
    """For how many days at most a backup lies where backups are kept."""
    return max(keep.daily, keep.weekly * 7, keep.monthly * 31)


def to_delete(taken: Iterable[datetime], keep: Keep) -> set[datetime]:
    """The backups that nobody keeps for a day, a week or a month; the newest always stays."""
    newest_first = sorted(taken, reverse=True)
    kept = set(newest_first[:1])
    periods: tuple[tuple[Callable[[date], object], int], ...] = (
        (lambda day: day, keep.daily),
        (lambda day: day.isocalendar()[:2], keep.weekly),
        (lambda day: (day.year, day.month), keep.monthly),
    )
    for period_of, number in periods:
        newest: dict[object, datetime] = {}
        for moment in newest_first:
            newest.setdefault(period_of(clock.day_of(moment)), moment)
        kept.update(list(newest.values())[:number])
    return set(newest_first) - kept


# --- when ----------------------------------------------------------------------------------------


def time_from(text: str) -> time:
    """Read `03:10`, as people in China say it. Raises: RuleBroken keeping.bad_time."""
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 -- a time of day has no zone
    except ValueError as error:
        raise RuleBroken("keeping.bad_time", text=text) from error


def next_daily(now: datetime, at: time, later: timedelta = timedelta()) -> datetime:
    """The next moment after `now` that is `later` after this time of day."""
    today = clock.local(now).replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    planned = today + later - DAY
    while planned <= now:
        planned += DAY
    return planned.astimezone(now.tzinfo)


def next_weekly(now: datetime, at: time) -> datetime:
    """The next drill: on a Sunday, an hour after the backup."""
    planned = next_daily(now, at, DRILL_AFTER)
    while clock.local(planned).weekday() != SUNDAY:
        planned += DAY
    return planned


# --- how it stands -------------------------------------------------------------------------------


def state_of_age(
    now: datetime, good: datetime | None, *, last_ok: bool, fresh: timedelta, old: timedelta
) -> State:
    """How bad it is that the last good one was then, and that the last try went well or not."""
    if good is None or now - good > old:
        return State.BAD
    if now - good > fresh or not last_ok:
        return State.ATTENTION
    return State.OK


# --- how long things are kept --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Period:
    """A field, how many days it is kept after its end, the fewest the law allows, and why."""

    name: str
    days: int
    minimum: int
    source: str


HALF_YEAR = 183
PIPL_19 = "个人信息保护法第十九条：保存期限为实现处理目的所必要的最短时间"
PERIODS = (
    Period("sessions", 30, 1, PIPL_19),
    Period("desk_numbers", 1, 1, PIPL_19),
    Period("desk_visits", 366, HALF_YEAR, PIPL_19),
    Period("body_acting", 366, 30, PIPL_19),
    Period("owner_roles", 366, 30, PIPL_19),
    Period("proxies", 366, HALF_YEAR, PIPL_19),
    Period("outreach", 366, 30, PIPL_19),
    Period("corrections", 366, 30, PIPL_19),
    Period("codes", 366, 30, PIPL_19),
    Period("roll_uploads", 30, 1, PIPL_19),
    Period("inbox", 366, 30, PIPL_19),
    Period("role_proposals", 366, HALF_YEAR, PIPL_19),
    Period("jobs", 30, 7, PIPL_19),
    Period("sent_forms", 2, 1, PIPL_19),
    Period(
        "security_log", 366, HALF_YEAR, "网络安全法：网络日志留存不少于六个月；GB/T 22239 安全审计"
    ),
    Period("openings", 1826, 366, "民法典第二百八十条：业主撤销权一年；居务档案建议五年"),
)


def periods(chosen: Mapping[str, str]) -> dict[str, int]:
    """The days of each field, as set or by default.

    Raises: RuleBroken keeping.bad_period for an unknown field, no number, or less than is allowed.
    """
    known = {period.name: period for period in PERIODS}
    days = {name: period.days for name, period in known.items()}
    for name, text in chosen.items():
        if name not in known or not text.isdecimal() or int(text) < known[name].minimum:
            minimum = known[name].minimum if name in known else 0
            raise RuleBroken("keeping.bad_period", name=name, text=text, minimum=minimum)
        days[name] = int(text)
    return days


def cutoffs(now: datetime, days: Mapping[str, int]) -> dict[str, datetime]:
    """Whatever ended before this moment has had its time."""
    return {name: now - timedelta(days=number) for name, number in days.items()}

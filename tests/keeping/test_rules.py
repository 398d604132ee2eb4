"""Which backups stay, when the next is due, how it stands, and how long things are kept."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock
from app.core.errors import RuleBroken
from app.core.status import State
from app.keeping import rules
from app.keeping.fields import FIELDS

DAILY = [datetime(2026, 1, 1, 19, 10, tzinfo=UTC) + timedelta(days=n) for n in range(500)]
MOMENTS = st.integers(0, 3 * 365 * 24).map(lambda hours: DAILY[0] + timedelta(hours=hours))


def test_a_year_of_daily_backups_leaves_seven_days_four_weeks_twelve_months() -> None:
    keep = rules.Keep()
    there: list[datetime] = []
    for moment in DAILY:
        there.append(moment)
        there = sorted(set(there) - rules.to_delete(there, keep))
    newest = there[-1]
    assert newest == DAILY[-1]
    days = [clock.local(m).date() for m in there]
    assert days[-7:] == [days[-1] - timedelta(days=n) for n in reversed(range(7))]
    assert len({(d.year, d.month) for d in days}) == 12
    assert len({d.isocalendar()[:2] for d in days if days[-1] - d < timedelta(days=28)}) == 4
    assert len(there) <= 7 + 4 + 12


@given(st.lists(MOMENTS, max_size=60, unique=True))
def test_the_newest_is_never_deleted_and_no_day_is_left_without(taken: list[datetime]) -> None:
    gone = rules.to_delete(taken, rules.Keep())
    left = set(taken) - gone
    assert gone <= set(taken)
    if taken:
        assert max(taken) in left
    newest_days = sorted({clock.local(m).date() for m in taken}, reverse=True)[:7]
    assert {clock.local(m).date() for m in left} >= set(newest_days)


@pytest.mark.parametrize("text", ["", "7", "7/4", "7/4/12/1", "a/b/c", "0/4/12", "-1/4/12"])
def test_a_keeping_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(RuleBroken, match="bad_keep"):
        rules.keep_from(text)


def test_a_keeping_is_read() -> None:
    assert rules.keep_from("1/2/3") == rules.Keep(1, 2, 3)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (clock.at_local(2026, 5, 20, 3, 9), clock.at_local(2026, 5, 20, 3, 10)),
        (clock.at_local(2026, 5, 20, 3, 10), clock.at_local(2026, 5, 21, 3, 10)),
        (clock.at_local(2026, 5, 20, 23, 59), clock.at_local(2026, 5, 21, 3, 10)),
        (clock.at_local(2026, 12, 31, 12), clock.at_local(2027, 1, 1, 3, 10)),
    ],
)
def test_the_next_backup_is_at_its_time_in_china(now: datetime, expected: datetime) -> None:
    assert rules.next_daily(now, time(3, 10)) == expected


def test_what_comes_later_than_midnight_is_not_missed() -> None:
    now = clock.at_local(2026, 5, 20, 0, 15)
    later = rules.next_daily(now, time(23, 40), timedelta(minutes=40))
    assert later == clock.at_local(2026, 5, 20, 0, 20)


def test_the_drill_is_on_sunday_an_hour_after_the_backup() -> None:
    drill = rules.next_weekly(clock.at_local(2026, 5, 20, 10), time(3, 10))
    assert drill == clock.at_local(2026, 5, 24, 4, 10)
    assert rules.next_weekly(drill, time(3, 10)) == clock.at_local(2026, 5, 31, 4, 10)


@pytest.mark.parametrize("text", ["", "3", "25:00", "03:10:00", "night"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(RuleBroken, match="bad_time"):
        rules.time_from(text)


@pytest.mark.parametrize(
    ("hours", "last_ok", "expected"),
    [
        (None, True, State.BAD),
        (1, True, State.OK),
        (26, True, State.OK),
        (27, True, State.ATTENTION),
        (1, False, State.ATTENTION),
        (72, True, State.ATTENTION),
        (73, True, State.BAD),
        (73, False, State.BAD),
    ],
)
def test_an_old_backup_is_worse_than_a_young_one(
    hours: int | None, last_ok: bool, expected: State
) -> None:
    now = datetime(2026, 5, 20, tzinfo=UTC)
    good = None if hours is None else now - timedelta(hours=hours)
    state = rules.state_of_age(
        now, good, last_ok=last_ok, fresh=rules.BACKUP_FRESH, old=rules.BACKUP_OLD
    )
    assert state is expected


def test_every_field_has_a_period_a_source_and_something_to_erase() -> None:
    assert {period.name for period in rules.PERIODS} == {*FIELDS, "openings"}
    for period in rules.PERIODS:
        assert period.days >= period.minimum > 0
        assert period.source
    days = rules.periods({})
    assert (days["security_log"], days["openings"], days["codes"]) == (366, 1826, 366)


def test_the_security_log_is_never_kept_less_than_half_a_year() -> None:
    assert rules.periods({"security_log": "183"})["security_log"] == 183
    for name, text in (
        ("security_log", "182"),
        ("openings", "365"),
        ("sessions", "0"),
        ("sessions", "-3"),
        ("sessions", "many"),
        ("unknown", "30"),
    ):
        with pytest.raises(RuleBroken, match="bad_period"):
            rules.periods({name: text})


def test_whatever_differs_is_named() -> None:
    one = rules.Inventory("sqlite", "a", {"ballot": 3, "poll": 1}, {"HXL": (5, "ab")})
    assert rules.differences(one, one) == []
    other = rules.Inventory("postgresql", "b", {"ballot": 2, "extra": 1}, {"YYL": (1, "c")})
    assert [(d.what, d.name) for d in rules.differences(one, other)] == [
        ("migration", ""),
        ("count", "ballot"),
        ("count", "extra"),
        ("count", "poll"),
        ("head", "HXL"),
        ("head", "YYL"),
    ]


def test_cutoffs_are_days_before_now() -> None:
    now = datetime(2026, 5, 20, tzinfo=UTC)
    assert rules.cutoffs(now, {"codes": 366}) == {"codes": now - timedelta(days=366)}

"""What keeping does by itself: a backup every night, a drill every week, retention every night."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from app.config import Settings
from app.core.actor import SYSTEM
from app.core.jobs import handles, recurs
from app.keeping import backup, packing, retention
from app.keeping.rules import RETENTION_AFTER, next_daily, next_weekly, time_from

# A large city takes its time; nobody else may begin the same meanwhile.
LONG = timedelta(hours=2)


@handles("backup.daily", LONG)
def daily(_payload: dict[str, Any]) -> None:
    """Take the night's backup; a second one harms nobody."""
    if backup.settings_now().backup_dir is not None:
        backup.take_scheduled(SYSTEM)


@handles("backup.drill", LONG)
def weekly(_payload: dict[str, Any]) -> None:
    """Restore the newest backup beside the present data and look whether it is good."""
    settings = backup.settings_now()
    if settings.backup_dir is not None:
        backup.drill(SYSTEM, path=packing.newest_in(settings.backup_dir))


@handles("retention.nightly", LONG)
def nightly(_payload: dict[str, Any]) -> None:
    """Erase what has been kept long enough."""
    retention.run(SYSTEM)


def _when_backup(now: datetime, settings: Settings) -> datetime | None:
    at = time_from(settings.backup_at)
    return next_daily(now, at) if settings.backup_dir is not None else None


def _when_drill(now: datetime, settings: Settings) -> datetime | None:
    at = time_from(settings.backup_at)
    return next_weekly(now, at) if settings.backup_dir is not None else None


def _when_retention(now: datetime, settings: Settings) -> datetime | None:
    return next_daily(now, time_from(settings.backup_at), RETENTION_AFTER)


recurs("backup.daily", _when_backup)
recurs("backup.drill", _when_drill)
recurs("retention.nightly", _when_retention)

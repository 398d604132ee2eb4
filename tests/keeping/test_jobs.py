"""Backups and drills come by themselves, and the system home says how they went."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app import config
from app.core import clock, jobs, status
from app.core.actor import SYSTEM, Role
from app.core.db import db
from app.core.jobs import Job
from app.core.record import SystemValue
from app.core.status import State
from app.keeping import backup, packing, queries, words
from app.people.models import SecurityEvent
from tests.keeping.helpers import lived_in, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from app.config import Settings
    from tests.support.checked_client import CheckedClient
    from tests.support.world import World


def waiting() -> dict[str, datetime]:
    rows = db.session.execute(select(Job.kind, Job.due_at).where(Job.done_at.is_(None)))
    found = {row.kind: row.due_at for row in rows}
    db.session.rollback()
    return {kind: at for kind, at in found.items() if kind.split(".")[0] in {"backup", "retention"}}


def line(key: str) -> status.Line:
    (found,) = [one for one in status.lines() if one.key == key]
    return found


def test_a_week_of_nights(app: Flask, world: World, kept: Settings, fixed_clock: datetime) -> None:
    lived_in(world, kept, votes=1)
    folder = kept.backup_dir
    assert folder is not None
    assert line("backup").state is State.BAD
    jobs.plan_recurring()
    jobs.plan_recurring()
    assert waiting() == {
        "backup.daily": clock.at_local(2026, 5, 21, 3, 10),
        "backup.drill": clock.at_local(2026, 5, 24, 4, 10),
        "retention.nightly": clock.at_local(2026, 5, 21, 3, 50),
    }
    for _ in range(11):
        clock.advance(timedelta(days=1))
        jobs.run_due()
        jobs.plan_recurring()
    names = sorted(path.name for path in folder.iterdir())
    # Seven days, and the Sunday before them that stands for its week.
    assert len(names) == 8
    assert queries.last("backup").ok
    assert queries.last("drill").ok
    assert (line("backup").state, line("drill").state) == (State.OK, State.OK)
    stored = {
        key: value.value
        for key in ("last_backup_at", "last_backup_ok", "last_drill_at", "last_drill_ok")
        if (value := db.session.get(SystemValue, key)) is not None
    }
    assert stored["last_backup_ok"] == stored["last_drill_ok"] == "1"
    assert clock.from_record(stored["last_backup_at"]) == clock.now().replace(microsecond=0)
    assert float(getattr(db.session.get(SystemValue, "last_drill_seconds"), "value", "")) > 0


def test_a_failing_backup_is_seen_and_tried_again(
    app: Flask,
    world: World,
    kept: Settings,
    fixed_clock: datetime,
    with_settings: Callable[..., Settings],
) -> None:
    lived_in(world, kept, votes=1)
    backup.take_scheduled(SYSTEM)
    with_settings(backup_key_file=kept.data_dir / "nowhere")
    jobs.plan_recurring()
    clock.advance(timedelta(hours=18))
    jobs.run_due()
    assert waiting()["backup.daily"] < clock.now()
    assert (line("backup").state, "没有成功" in line("backup").advice) == (State.ATTENTION, True)
    kinds = select(func.count()).where(SecurityEvent.kind == "backup.failed")
    assert db.session.scalar(kinds) == 1
    clock.advance(timedelta(days=3))
    assert line("backup").state is State.BAD
    # The operator puts the key back: the same job is still there, and all is well.
    with_settings(backup_key_file=kept.backup_key_file)
    jobs.run_due()
    assert line("backup").state is State.OK


def test_a_bad_drill_is_seen(
    app: Flask, world: World, kept: Settings, fixed_clock: datetime
) -> None:
    lived_in(world, kept, votes=1)
    packed = backup.take(SYSTEM, folder=kept.backup_dir)  # type: ignore[arg-type]
    packed.path.write_bytes(packed.path.read_bytes()[:-5])
    jobs.plan_recurring()
    clock.advance(timedelta(days=5))
    packed.path.rename(packed.path.with_name("linyi-20300101-000000.backup"))
    jobs.run_due()
    assert line("drill").state is State.BAD
    assert "没有成功" in line("drill").advice
    assert queries.last("drill").error == "keeping.damaged"


def test_twice_at_once_harms_nobody(
    app: Flask, world: World, kept: Settings, fixed_clock: datetime
) -> None:
    lived_in(world, kept, votes=1)
    folder = kept.backup_dir
    assert folder is not None
    for _ in range(2):
        backup.take_scheduled(SYSTEM)
    (path,) = folder.iterdir()
    assert run(app, "restore", str(path), "--drill")[0] == 0
    assert packing.newest_in(folder) == path


def test_without_a_folder_nothing_is_planned_and_what_was_planned_does_nothing(
    app: Flask,
    world: World,
    kept: Settings,
    fixed_clock: datetime,
    with_settings: Callable[..., Settings],
) -> None:
    jobs.plan_recurring()
    with_settings(backup_dir=None)
    clock.advance(timedelta(days=8))
    assert jobs.run_due() == 3
    jobs.plan_recurring()
    assert set(waiting()) == {"retention.nightly"}
    assert line("backup").state is State.ATTENTION
    with_settings(mode="production")
    assert line("backup").state is State.BAD


def test_where_backups_go_is_said(
    app: Flask, kept: Settings, with_settings: Callable[..., Settings]
) -> None:
    folder = kept.backup_dir
    assert folder is not None
    assert "还没有" in line("backup_where").advice
    folder.mkdir()
    assert "同一块盘" in line("backup_where").advice
    assert line("backup_where").value == str(folder)


@pytest.mark.parametrize(
    ("size", "text"),
    [(12, "12 字节"), (1536, "1.5 KB"), (5 * 2**20, "5.0 MB"), (3 * 2**30, "3.0 GB")],
)
def test_sizes_are_read_by_people(app: Flask, size: int, text: str) -> None:
    assert words.size_text(size) == text


def test_an_administrator_sees_it(client: CheckedClient, web_world: World) -> None:
    place = web_world.community(households=1)
    client.staff(web_world.staff(place, Role.ADMINISTRATOR))
    page = client.get("/system/").get_data(as_text=True)
    assert "没有设定时备份" in page


def test_production_does_not_start_with_unsafe_backups(tmp_path: object) -> None:
    env = {
        "LINYI_MODE": "production",
        "LINYI_DATA_DIR": str(tmp_path),
        "LINYI_BASE_URL": "https://linyi.example.cn",
        "LINYI_SECRET_KEY": "x" * 40,
        "LINYI_LOG_HOST": "linyi.example.cn",
        "LINYI_COMPLAINT_PHONE": "1",
        "LINYI_RECORD_KEY_FILE": "/srv/keys/record.key",
    }
    assert config.from_environment(env).backup_dir is None
    with pytest.raises(config.UnsafeSettings, match="LINYI_BACKUP_KEY_FILE"):
        config.from_environment(env | {"LINYI_BACKUP_DIR": "/backups"})
    with pytest.raises(config.UnsafeSettings, match="数据目录以外"):
        config.from_environment(env | {"LINYI_BACKUP_KEY_FILE": f"{tmp_path}/backup.key"})
    good = env | {"LINYI_BACKUP_DIR": "/backups", "LINYI_BACKUP_KEY_FILE": "/srv/keys/b.key"}
    assert config.from_environment(good).backup_at == "03:10"

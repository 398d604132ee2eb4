"""On a bad day: the backup is put in place, nothing is lost that was there, and what was erased
stays erased."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.engine import make_url

from app.core import erasures
from app.core.actor import SYSTEM, Role
from app.core.db import db
from app.core.errors import RuleBroken
from app.core.record import RecordEntry, RecordOpening, SystemValue
from app.keeping import backup, engines, queries, restoring
from app.people.models import LoginSession
from app.voting import operations as voting
from app.voting.models import Ballot
from tests.keeping.helpers import databases, heads, lived_in, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask

    from app.config import Settings
    from tests.support.world import World


# Rolls, topics' votes and conventions have changed since.
OLDER = "9c1d5be3a0f2"


def ballots() -> int:
    number = db.session.scalar(select(func.count()).select_from(Ballot)) or 0
    db.session.rollback()
    return number


def let_go() -> None:
    """As when the portal is stopped: nobody has the database open."""
    db.session.remove()
    db.engine.dispose()


def taken(settings: Settings) -> Path:
    assert settings.backup_dir is not None
    return backup.take(SYSTEM, folder=settings.backup_dir).path


def old_database(settings: Settings) -> str:
    """The address of what was moved aside."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        (aside,) = settings.data_dir.glob("aside-*")
        return f"sqlite:///{aside / engines.sqlite_path(settings.database_url).name}"
    (name,) = [n for n in databases() if n.startswith(f"{url.database}_aside_")]
    return url.set(database=name).render_as_string(hide_password=False)


def test_a_bad_day_ends_with_the_backup_in_place_and_the_old_data_aside(
    app: Flask, world: World, kept: Settings
) -> None:
    place, poll = lived_in(world, kept)
    world.staff(place, Role.CLERK)
    picture = kept.data_dir / "pictures" / str(place.id) / "a.large.webp"
    shown = picture.read_bytes()
    late = world.resident(place, 5)
    path = taken(kept)
    before = heads()
    world.cast(late, place, poll, "no")
    picture.write_bytes(b"spoilt")
    let_go()

    status, said = run(app, "restore", str(path))
    assert (status, "--replace" in said, ballots()) == (1, True, 4)
    let_go()
    status, said = run(app, "restore", str(path), "--replace")
    assert status == 0, said
    for words in ("已经恢复到", "公开说明", "原来的数据没有删", "核对程序重新数过"):
        assert words in said
    assert said.splitlines()[-1].startswith("ok=yes seconds=")
    assert (ballots(), heads(), picture.read_bytes()) == (3, before, shown)
    assert (kept.data_dir / "secret.key").stat().st_mode & 0o777 == 0o600
    # Whoever works here signs in anew: a session that was ended since would be open again.
    open_ones = select(func.count()).where(LoginSession.staff, LoginSession.ended_at.is_(None))
    assert db.session.scalar(open_ones) == 0
    # No backup can hold its own outcome; that it was restored says that it is good.
    assert (queries.last("backup").ok, queries.last("drill").ok) == (True, True)
    # What was there is there still, aside.
    engine = create_engine(old_database(kept))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ballot")) == 4
    engine.dispose()
    (aside,) = kept.data_dir.glob("aside-*")
    assert (aside / "pictures" / str(place.id) / "a.large.webp").read_bytes() == b"spoilt"
    # The city goes on: the household whose vote was lost casts it again.
    assert world.cast(late, place, poll, "no").version == 1
    assert run(app, "record", "verify", "HXL")[1].splitlines()[-1] == "verified=good"


def test_a_backup_from_before_an_update_is_good_and_is_brought_up_to_the_present(
    app: Flask, world: World, kept: Settings
) -> None:
    place, poll = lived_in(world, kept)
    late = world.resident(place, 5)
    let_go()
    downgrade(restoring.MIGRATIONS, OLDER)
    path = taken(kept)
    let_go()
    upgrade(restoring.MIGRATIONS)
    world.cast(late, place, poll, "no")
    let_go()
    status, said = run(app, "restore", str(path), "--drill")
    assert (status, said.splitlines()[-1][:6]) == (0, "ok=yes")
    assert ballots() == 4
    let_go()
    status, said = run(app, "restore", str(path), "--replace")
    assert status == 0, said
    (now,) = db.session.scalars(text("SELECT version_num FROM alembic_version"))
    assert now == ScriptDirectory(restoring.MIGRATIONS).get_current_head()
    assert ballots() == 3
    assert world.cast(late, place, poll, "no").version == 1
    assert run(app, "record", "verify", "HXL")[1].splitlines()[-1] == "verified=good"


def test_an_empty_installation_takes_a_backup_in(
    app: Flask, world: World, kept: Settings, tmp_path: Path, with_settings: Callable[..., Settings]
) -> None:
    """Another machine: no database, no data folder but an empty one, the key and nothing else."""
    lived_in(world, kept)
    path, before = taken(kept), heads()
    url = make_url(kept.database_url)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    elsewhere = (
        f"sqlite:///{fresh}/linyi.sqlite3"
        if url.get_backend_name() == "sqlite"
        else url.set(database=f"{url.database}_fresh").render_as_string(hide_password=False)
    )
    let_go()
    from app import create_app

    settings = with_settings(
        data_dir=fresh, database_url=elsewhere, record_key_file=tmp_path / "lost" / "record.key"
    )
    other = create_app(settings)
    with other.app_context():
        status, said = run(other, "restore", str(path))
        assert status == 0, said
        # The key that signs is not in any backup; the operator is told to bring it.
        assert ("签名密钥从不进备份" in said, heads()) == (True, before)
        assert not list(fresh.glob("aside-*"))
        let_go()


def test_what_was_erased_after_the_backup_is_erased_again(
    app: Flask, world: World, kept: Settings, fixed_clock: object
) -> None:
    from datetime import timedelta

    from app.core import clock

    place, poll = lived_in(world, kept)
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    path = taken(kept)
    assert openings() > 0
    assert voting.erase_openings(SYSTEM, community_id=place.id, public_id=poll) == 9
    assert openings() == 0
    let_go()
    status, said = run(app, "restore", str(path), "--replace")
    assert (status, "删除过的 1 项" in said) == (0, True), said
    assert openings() == 0
    assert db.session.scalars(select(Ballot.choice)).all() == ["null"] * 3
    kinds = db.session.scalars(select(RecordEntry.kind).order_by(RecordEntry.seq)).all()
    assert kinds[-1] == "openings.erased"
    assert run(app, "record", "verify", "HXL")[0] == 0
    # The file stays where it is, so that the next restore knows too.
    lines = (kept.data_dir / erasures.FILE).read_text(encoding="utf-8").splitlines()
    assert {(json.loads(line)["what"], json.loads(line)["poll"]) for line in lines} == {
        ("openings", poll)
    }


def test_another_machine_forgets_too(
    app: Flask, world: World, kept: Settings, fixed_clock: object
) -> None:
    """The newest notes lie beside the backups: an old backup on a new machine forgets as well."""
    from datetime import timedelta

    from app.core import clock

    place, poll = lived_in(world, kept)
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    old = taken(kept)
    voting.erase_openings(SYSTEM, community_id=place.id, public_id=poll)
    clock.advance(timedelta(days=1))
    taken(kept)
    (kept.data_dir / erasures.FILE).unlink()
    let_go()
    assert run(app, "restore", str(old), "--replace")[0] == 0
    assert openings() == 0
    assert (kept.data_dir / erasures.FILE).exists()
    erasures.take_over(old.parent)
    noted = (kept.data_dir / erasures.FILE).read_text(encoding="utf-8").splitlines()
    assert len(noted) == 2


def openings() -> int:
    number = (
        db.session.scalar(
            select(func.count())
            .select_from(RecordOpening)
            .join(
                RecordEntry,
                (RecordEntry.community_id == RecordOpening.community_id)
                & (RecordEntry.seq == RecordOpening.seq),
            )
            .where(RecordEntry.kind == "ballot.cast")
        )
        or 0
    )
    db.session.rollback()
    return number


def test_erasures_that_make_no_sense_any_more_harm_nobody(app: Flask, kept: Settings) -> None:
    path = kept.data_dir / erasures.FILE
    assert erasures.replay() == 0
    erasures.note("openings", community="77", poll="nobody-knows-it")
    with path.open("a", encoding="utf-8") as file:
        file.write('{"what": "open')
    assert erasures.replay() == 1
    path.write_text('{"at": "x", "what": "unheard-of"}\n', encoding="utf-8")
    with pytest.raises(KeyError):
        erasures.replay()


def test_a_restore_that_cannot_forget_says_so(app: Flask, world: World, kept: Settings) -> None:
    lived_in(world, kept, votes=1)
    path = taken(kept)
    (kept.data_dir / erasures.FILE).write_text('{"what": "unheard-of"}\n', encoding="utf-8")
    let_go()
    status, said = run(app, "restore", str(path), "--replace")
    assert (status, "没有能再删一遍" in said, "--replay" in said) == (1, True, True)
    (kept.data_dir / erasures.FILE).unlink()
    assert run(app, "retention", "run", "--replay")[0] == 0


def test_a_portal_that_still_runs_is_not_pulled_from_under(
    app: Flask, world: World, kept: Settings
) -> None:
    """Somebody else has the database open: nothing changes."""
    lived_in(world, kept, votes=1)
    path = taken(kept)
    let_go()
    engine = create_engine(kept.database_url)
    with engine.connect() as connection:
        connection.execute(text("SELECT count(*) FROM ballot"))
        connection.rollback()
        status, said = run(app, "restore", str(path), "--replace")
        assert (status, "还有程序在用数据库" in said) == (1, True), said
    engine.dispose()
    assert ballots() == 1
    assert not list(kept.data_dir.glob("aside-*"))
    assert (kept.data_dir / "pictures").is_dir()
    assert (kept.data_dir / "secret.key").exists()


def test_a_backup_that_does_not_verify_is_not_put_in_place(
    app: Flask, world: World, kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived_in(world, kept, votes=1)
    path = taken(kept)
    monkeypatch.setattr(restoring, "_missing_pictures", lambda: 3)
    let_go()
    status, said = run(app, "restore", str(path), "--replace")
    assert (status, "没有恢复" in said, "缺 3 个照片文件" in said) == (1, True, True)
    assert not list(kept.data_dir.glob("aside-*"))


def test_a_swap_that_breaks_off_puts_everything_back(
    app: Flask, world: World, kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived_in(world, kept, votes=1)
    path = taken(kept)
    seen = sorted(p.name for p in kept.data_dir.iterdir())
    let_go()

    def no_luck(*_args: object) -> None:
        raise OSError("no luck")

    monkeypatch.setattr(restoring, "_put_in_place", no_luck)
    with pytest.raises(RuleBroken, match="not_swapped"):
        restoring.restore(kept, path, replace=True)
    assert ballots() == 1
    assert sorted(p.name for p in kept.data_dir.iterdir()) == seen


def test_a_backup_of_the_other_engine_is_refused(
    app: Flask, world: World, kept: Settings, postgres: Callable[[str], str], tmp_path: Path
) -> None:
    if db.engine.dialect.name == "postgresql":
        return
    lived_in(world, kept, votes=0)
    path = taken(kept)
    from dataclasses import replace

    from app import create_app

    other = create_app(replace(kept, database_url=postgres("other_engine")))
    with other.app_context():
        status, said = run(other, "restore", str(path), "--drill")
        assert (status, "这份备份来自 SQLite" in said) == (2, True)
        let_go()


def test_another_secret_in_the_environment_is_told(
    app: Flask, world: World, kept: Settings, with_settings: Callable[..., Settings]
) -> None:
    lived_in(world, kept, votes=0)
    path = taken(kept)
    with_settings(secret_key="set-in-the-environment-" + "y" * 20)
    let_go()
    status, said = run(app, "restore", str(path), "--replace")
    assert (status, "LINYI_SECRET_KEY" in said) == (0, True)
    assert (kept.data_dir / "secret.key").read_text(encoding="ascii") == kept.secret_key
    assert db.session.get(SystemValue, "last_restore_at") is not None


def test_a_restore_that_was_killed_in_the_middle_begins_anew(
    app: Flask, world: World, kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In between there is no database, so nothing half-done can be served."""
    lived_in(world, kept, votes=1)
    path, before = taken(kept), heads()
    let_go()

    def killed(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(restoring, "_put_in_place", killed)
        restoring.restore(kept, path, replace=True)
    assert not restoring._holds_data(kept)
    status, said = run(app, "restore", str(path))
    assert (status, heads()) == (0, before), said
    assert list(kept.data_dir.glob("aside-*"))

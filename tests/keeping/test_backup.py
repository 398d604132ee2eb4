"""A backup holds all of it but the signing key, opens again, and is what it was."""

from __future__ import annotations

import json
import resource
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.core.actor import SYSTEM
from app.core.db import db, transaction
from app.core.errors import RuleBroken
from app.core.record import RecordEntry, RecordLog, signing_key
from app.keeping import backup, engines, packing, queries, restoring, sealing
from app.people.models import SecurityEvent
from app.voting.models import Ballot
from tests.keeping.helpers import databases, heads, lived_in, plain, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask

    from app.config import Settings
    from tests.support.world import World


def test_a_backup_holds_everything_but_the_key_that_signs(
    app: Flask, world: World, kept: Settings
) -> None:
    place, _poll = lived_in(world, kept)
    signing_key(kept.record_key_path)
    raw_key = kept.record_key_path.read_bytes()
    # Even a copy that somebody left among the pictures stays behind.
    (kept.data_dir / "pictures" / "copy.key").write_bytes(raw_key)
    status, said = run(app, "backup")
    assert status == 0, said
    (path,) = (kept.backup_dir or kept.data_dir).iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    files = plain(path, kept)
    manifest = json.loads(files["manifest.json"])
    assert files["secret.key"].decode() == kept.secret_key
    assert f"files/pictures/{place.id}/a.large.webp" in files
    assert not [name for name, data in files.items() if raw_key in data]
    assert manifest["engine"] == db.engine.dialect.name
    assert manifest["counts"]["ballot"] == 3
    of_place = RecordLog.community_id == place.id
    head = db.session.execute(select(RecordLog.size, RecordLog.head).where(of_place)).one()
    assert manifest["logs"]["HXL"] == list(head)
    assert set(manifest["logs"]) == {"HXL", "d-CHXL", "d-DHXL", "d-SHXL"}
    assert said.splitlines()[-1].startswith(f"bytes={path.stat().st_size} files=3 logs=4 seconds=")
    assert kept.secret_key.encode() not in path.read_bytes()
    assert not list(kept.data_dir.glob("work-*"))


def test_a_drill_says_in_words_what_it_looked_at(app: Flask, world: World, kept: Settings) -> None:
    lived_in(world, kept)
    packed = backup.take(SYSTEM, folder=kept.backup_dir)  # type: ignore[arg-type]
    before = db.session.scalar(select(func.count()).select_from(Ballot))
    status, said = run(app, "restore", str(packed.path), "--drill")
    assert status == 0, said
    for words in ("文件完整", "张表共", "HXL 的协商记录", "核对程序重新数过", "照片齐全"):
        assert words in said
    assert said.splitlines()[-1].startswith("ok=yes seconds=")
    assert db.session.scalar(select(func.count()).select_from(Ballot)) == before
    assert not list(kept.data_dir.glob("work-*"))
    assert not [n for n in databases() if n.startswith("linyi_drill")]
    assert queries.last("drill").ok
    assert queries.last("backup").ok


def taken(settings: Settings) -> Path:
    assert settings.backup_dir is not None
    return backup.take(SYSTEM, folder=settings.backup_dir).path


def left_over(settings: Settings) -> list[str]:
    """What must not be there after anything that failed."""
    assert settings.backup_dir is not None
    parts = [p.name for p in settings.backup_dir.glob("*.part")]
    works = [p.name for p in settings.data_dir.glob("work-*")]
    return parts + works + [name for name in databases() if name.startswith("linyi_drill")]


def test_casts_go_on_during_a_backup_and_it_restores_consistently(
    app: Flask, world: World, kept: Settings
) -> None:
    place, poll = lived_in(world, kept, votes=0)
    voters, stop, faults = world.voters(place, 8), threading.Event(), []

    def vote() -> None:
        with app.app_context():
            turn = 0
            while not stop.is_set():
                try:
                    world.cast(voters[turn % 8], place, poll, ("yes", "no")[turn % 2])
                except Exception as error:  # noqa: BLE001 -- nothing may go wrong here
                    faults.append(error)
                turn += 1
            db.session.remove()

    thread = threading.Thread(target=vote)
    thread.start()
    try:
        paths = []
        for _ in range(2):
            size = sum(size for _code, size, _head in heads())
            db.session.rollback()
            while sum(size for _code, size, _head in heads()) < size + 3:
                db.session.rollback()
            paths.append(backup.take(SYSTEM, folder=kept.data_dir.parent / str(len(paths))).path)
    finally:
        stop.set()
        thread.join()
    assert faults == []
    sizes = []
    for path in paths:
        checked = restoring.drill(kept, path)
        assert checked.ok, checked.wrong
        logs = json.loads(plain(path, kept)["manifest.json"])["logs"]
        sizes.append(logs["HXL"][0])
    # The votes of the meantime are in the log, and each backup is of one moment.
    assert sizes[0] < sizes[1] < db.session.scalar(select(func.max(RecordLog.size))) + 1


def test_a_changed_row_is_found_by_the_drill(
    app: Flask, world: World, kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody changed a ballot's entry before the backup: counts agree, the verifier does not."""
    lived_in(world, kept)
    with transaction() as session:
        row = session.scalars(select(RecordEntry).order_by(RecordEntry.seq)).first()
        assert row is not None
        row.entry = row.entry.replace("您同意吗", "您反对吗")
    status, said = run(app, "restore", str(taken(kept)), "--drill")
    assert (status, "没有通过核对" in said, "ok=no" in said) == (1, True, True)
    assert not queries.last("drill").ok
    assert queries.last("drill").error == "keeping.drill_wrong"


def test_a_lost_row_and_a_lost_picture_are_found_by_the_drill(
    app: Flask, world: World, kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.attachments.models import Attachment

    place, _poll = lived_in(world, kept)
    with transaction() as session:
        session.add(
            Attachment(
                community_id=place.id,
                public_id="gone",
                alt="",
                width=1,
                height=1,
                size_bytes=1,
                sha256="0" * 64,
                added_by=None,
                added_at=clock.now(),
            )
        )
    status, said = run(app, "restore", str(taken(kept)), "--drill")
    assert (status, "缺 2 个照片文件" in said) == (1, True)
    real = engines.dump

    def one_more(settings: Settings, out: Path) -> object:
        found = real(settings, out)
        counts = dict(found.counts) | {"ballot": 4}
        return type(found)(found.engine, found.migration, counts, found.logs)

    monkeypatch.setattr(engines, "dump", one_more)
    status, said = run(app, "restore", str(taken(kept)), "--drill")
    assert (status, "表 ballot 的行数不一致：应是 4，实际是 3" in said) == (1, True)
    assert left_over(kept) == []


@pytest.mark.parametrize("harm", ["truncated", "flipped", "empty", "other_key", "newer", "missing"])
def test_a_file_that_cannot_be_used_ends_in_one_sentence(
    app: Flask, world: World, kept: Settings, harm: str, with_settings: Callable[..., Settings]
) -> None:
    lived_in(world, kept, votes=1)
    path = taken(kept)
    data = bytearray(path.read_bytes())
    if harm == "truncated":
        del data[-1000:]
    elif harm == "flipped":
        data[len(data) // 2] ^= 1
    elif harm == "empty":
        data.clear()
    path.write_bytes(bytes(data))
    if harm == "other_key":
        sealing.make_key(kept.data_dir.parent / "other.key")
        with_settings(backup_key_file=kept.data_dir.parent / "other.key")
    elif harm == "missing":
        path.unlink()
    elif harm == "newer":
        newer_migration(kept, path)
    words = {
        "truncated": "不完整或被改过",
        "flipped": "不完整或被改过",
        "empty": "不是邻议的备份",
        "other_key": "另一把密钥",
        "newer": "更新的版本",
        "missing": "打不开文件",
    }
    status, said = run(app, "restore", str(path), "--drill")
    assert (status, words[harm] in said) == (2, True), said
    # A damaged backup is seen on the system home; a mistyped name is not taken for one.
    assert (queries.last("drill").at is None) == (harm == "missing")
    status, said = run(app, "restore", str(path), "--replace")
    assert (status, words[harm] in said, said.count("refused")) == (1, True, 1), said
    # The present data is as it was, and nothing lies about.
    assert db.session.scalar(select(func.count()).select_from(Ballot)) == 1
    assert left_over(kept) == []
    assert not list(kept.data_dir.glob("aside-*"))


def newer_migration(settings: Settings, path: Path) -> None:
    """The same backup as a program of next year would write it."""
    key = sealing.read_key(settings.backup_key_file)
    files = plain(path, settings)
    manifest = json.loads(files["manifest.json"]) | {"migration": "feedbeef0000"}
    import gzip
    import io
    import tarfile

    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w") as tar:
        for name, data in (files | {"manifest.json": json.dumps(manifest).encode()}).items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    with path.open("wb") as raw:
        sealer = sealing.Sealer(raw, key, "9.0.0", "2030-01-01T00:00:00Z")
        sealer.write(gzip.compress(inner.getvalue()))
        sealer.finish()


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """As on a disk that is full: no file grows beyond this."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_no_half_backup_and_is_seen(
    app: Flask, world: World, kept: Settings
) -> None:
    lived_in(world, kept)
    (kept.data_dir / "pictures" / "big").write_bytes(b"x" * 10 + bytes(range(256)) * 8000)
    folder = kept.backup_dir
    assert folder is not None
    good = taken(kept)
    sealed = good.stat().st_size
    for limit in (sealed - 10_000, 40_000, 0):
        with no_file_above(limit), pytest.raises(RuleBroken, match=r"keeping\.") as refused:
            packing.pack(kept, folder)
        assert refused.value.code in {"keeping.not_written", "keeping.pg_failed"}
        assert [p.name for p in folder.iterdir()] == [good.name]
        assert left_over(kept) == []
    assert restoring.drill(kept, good).ok


def test_a_folder_that_cannot_be_written_is_told_and_noted(
    app: Flask, world: World, kept: Settings
) -> None:
    lived_in(world, kept, votes=1)
    in_the_way = kept.data_dir.parent / "a-file"
    in_the_way.write_text("x", encoding="ascii")
    status, said = run(app, "backup", "-o", str(in_the_way / "below"))
    assert (status, "没有写成" in said) == (1, True)
    found = queries.last("backup")
    assert (found.ok, found.good_at, found.error) == (False, None, "keeping.not_written")
    assert db.session.scalar(
        select(func.count()).select_from(SecurityEvent).where(SecurityEvent.kind == "backup.failed")
    )


def test_without_settings_it_says_what_to_set(
    app: Flask, world: World, kept: Settings, with_settings: Callable[..., Settings]
) -> None:
    with_settings(backup_dir=None)
    status, said = run(app, "backup")
    assert (status, "LINYI_BACKUP_DIR" in said) == (1, True)
    with_settings(backup_key_file=None)
    for words in (("backup", "-o", str(kept.backup_dir)), ("backup", "--new-key")):
        status, said = run(app, *words)
        assert (status, "LINYI_BACKUP_KEY_FILE" in said) == (1, True)
    with_settings(backup_key_file=kept.data_dir.parent / "new" / "k")
    status, said = run(app, "backup", "--new-key")
    assert (status, "抄在纸上" in said) == (0, True)
    assert run(app, "backup", "--new-key")[0] == 1


def test_missing_programs_of_postgres_are_named(
    postgres: Callable[[str], str], tmp_path: Path
) -> None:
    from app import create_app
    from tests.conftest import settings_for
    from tests.keeping.conftest import pg_programs

    sealing.make_key(tmp_path / "k")
    settings = settings_for(
        postgres("tools"),
        tmp_path,
        backup_key_file=tmp_path / "k",
        pg_bin=tmp_path,
        record_key_file=tmp_path / "safe" / "record.key",
    )
    app = create_app(settings)
    with app.app_context():
        status, said = run(app, "backup", "-o", str(tmp_path / "b"))
        assert (status, "找不到 pg_dump（要 18 以上的版本）" in said) == (1, True)
        # One that is too old for the server is passed over as well.
        old = tmp_path / "pg_dump"
        old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 15.1'\n", encoding="ascii")
        old.chmod(0o755)
        assert run(app, "backup", "-o", str(tmp_path / "b"))[0] == 1
        # One that fails is quoted.
        old.write_text(
            "#!/bin/sh\n[ $1 = --version ] && echo 'pg_dump 19' && exit\n"
            "echo 'pg_dump: error: no luck' >&2; exit 1\n",
            encoding="ascii",
        )
        status, said = run(app, "backup", "-o", str(tmp_path / "b"))
        assert (status, "no luck" in said) == (1, True)
        assert not list((tmp_path / "b").glob("*"))
        assert pg_programs().is_dir()
        db.session.remove()
        db.engine.dispose()


def test_a_broken_sqlite_file_is_not_backed_up_as_if_it_were_good(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "x.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a TEXT, b TEXT)")
        connection.execute("CREATE INDEX i ON t (a)")
        connection.executemany(
            "INSERT INTO t VALUES (?, ?)", [(str(n), "x" * 90) for n in range(999)]
        )
    data = bytearray(path.read_bytes())
    # Somewhere in the middle, where neither header nor free space is.
    half = len(data) // 2 // 4096 * 4096
    data[half : half + 64] = bytes(64)
    path.write_bytes(bytes(data))
    with pytest.raises(RuleBroken, match="broken_database"):
        engines.copy_sqlite(path, tmp_path / "copy")
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(RuleBroken, match="broken_database"):
        engines.copy_sqlite(path, tmp_path / "copy2")
    assert engines.sound_sqlite(path) != "ok"


def test_leftovers_of_killed_runs_go_and_running_ones_stay(
    app: Flask, world: World, kept: Settings
) -> None:
    import os

    lived_in(world, kept, votes=0)
    folder = kept.backup_dir
    assert folder is not None
    folder.mkdir()
    old, young = folder / "linyi-1.backup.aa.part", folder / "linyi-2.backup.bb.part"
    gone, going = kept.data_dir / "work-old", kept.data_dir / "work-new"
    for path in (old, young):
        path.write_bytes(b"half")
    for path in (gone, going):
        path.mkdir()
    long_ago = (clock.now() - timedelta(days=2)).timestamp()
    for path in (old, gone):
        os.utime(path, (long_ago, long_ago))
    backup.take_scheduled(SYSTEM)
    assert (old.exists(), gone.exists(), young.exists(), going.exists()) == (
        False,
        False,
        True,
        True,
    )

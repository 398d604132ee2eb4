"""The doctor on real installations, most of them ill; and what watching programs are told."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from app import create_app
from app.config import ROOT
from app.core import clock, jobs, space
from app.core.actor import Role
from app.core.db import db, transaction
from app.core.jobs import Job
from app.core.record import RecordLog, SystemValue
from app.core.space import Room
from app.operating import looking
from app.people.models import SecurityEvent
from tests.conftest import settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from tests.support.checked_client import CheckedClient
    from tests.support.world import World


def doctor(app: Flask, *words: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["doctor", *words])
    return done.exit_code, done.output


def states(app: Flask) -> dict[str, str]:
    """Each check's code, as programs read it."""
    _status, said = doctor(app, "--json")
    return {line["check"]: line["code"] for line in json.loads(said)["checks"]}


def healthy(app: Flask) -> None:
    """Make a test installation one in which nothing is bad."""
    folder = app.config["SETTINGS"].data_dir
    folder.chmod(0o700)
    (folder / "secret.key").touch(0o600)
    space.watch().measure = lambda _folder: Room(100, 50)
    jobs.beat()
    with transaction() as session:
        for key in ("last_backup", "last_drill"):
            for when in ("at", "good_at"):
                value = clock.to_record(clock.now())
                session.merge(SystemValue(key=f"{key}_{when}", value=value))
            session.merge(SystemValue(key=f"{key}_ok", value="1"))


def test_a_sound_installation_gets_a_line_for_each_check_and_a_zero(app: Flask) -> None:
    healthy(app)
    status, said = doctor(app)
    assert status == 0, said
    lines = said.splitlines()
    assert len(lines) == len(states(app)) + 1
    assert all(line.startswith(("[正常]", "[注意]")) for line in lines[:-1])
    assert "0 项不行" in lines[-1]


def test_a_secret_that_was_lost_and_made_anew_is_seen_until_the_old_one_is_back(app: Flask) -> None:
    healthy(app)
    settings = app.config["SETTINGS"]
    assert states(app)["secret_key"] == "ok"
    app.config["SETTINGS"] = replace(settings, secret_key="another-" + "y" * 32)
    with clock.set_to(clock.now() + timedelta(minutes=1)):
        jobs.beat()
    status, said = doctor(app)
    assert status == 1
    assert "不是这个数据库原来的那把" in said
    assert "不要重新印信" in said
    app.config["SETTINGS"] = settings
    assert states(app)["secret_key"] == "ok"


def test_a_secret_that_is_lost_for_good_is_accepted_by_one_command(app: Flask) -> None:
    healthy(app)
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(settings, secret_key="another-" + "y" * 32)
    done = app.test_cli_runner().invoke(args=["accept-secret"])
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "secret=accepted")
    assert states(app)["secret_key"] == "ok"
    kinds = db.session.scalars(select(SecurityEvent.kind)).all()
    assert "secret.accepted" in kinds


def test_looking_changes_nothing(web_app: Flask, tmp_path: Path) -> None:
    healthy(web_app)
    before = db.session.scalar(text("PRAGMA data_version"))
    files = sorted(p.name for p in tmp_path.iterdir())
    doctor(web_app)
    assert db.session.scalar(text("PRAGMA data_version")) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == files


def test_what_is_wrong_is_said_with_what_to_do(app: Flask, world: World) -> None:
    healthy(app)
    world.community("HXL", 1)
    later = clock.now() + timedelta(minutes=10)
    with transaction() as session:
        session.merge(SystemValue(key="last_backup_ok", value="0"))
        session.merge(SystemValue(key="last_drill_good_at", value="2026-01-01T00:00:00Z"))
        session.query(RecordLog).update({"last_at": later})
        session.add(Job(kind="x.fails", key="1", payload={}, due_at=clock.now(), attempts=5))
        session.add(
            Job(kind="x.late", key="1", payload={}, due_at=clock.now() - timedelta(minutes=3))
        )
    status, said = doctor(app)
    assert status == 1
    for words in ("最近一次备份失败了", "timedatectl", "x.fails", "晚了 3 分钟"):
        assert words in said
    assert {k: v for k, v in states(app).items() if k in {"clock", "jobs", "worker"}} == {
        "clock": "behind",
        "jobs": "failed",
        "worker": "late",
    }


def test_a_job_in_hand_is_not_late(app: Flask) -> None:
    healthy(app)
    now = clock.now()
    with transaction() as session:
        session.add(
            Job(
                kind="x",
                key="1",
                payload={},
                due_at=now - timedelta(hours=1),
                lease_until=now + timedelta(minutes=1),
            )
        )
    assert states(app)["worker"] == "ok"


def test_a_job_held_from_a_clock_that_was_ahead_is_late(app: Flask) -> None:
    healthy(app)
    now = clock.now()
    with transaction() as session:
        lease = now + 2 * jobs.LONGEST_WAIT
        due = now - timedelta(hours=1)
        session.add(Job(kind="x", key="1", payload={}, due_at=due, lease_until=lease))
    assert states(app)["worker"] == "late"


def test_a_missing_database_is_named_and_not_made(web_app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "gone" / "linyi.sqlite3"
    web_app.config["SETTINGS"] = replace(
        web_app.config["SETTINGS"], database_url=f"sqlite:///{path}"
    )
    found = states(web_app)
    assert (found["database"], found["migrations"], found["backup"]) == (
        "missing",
        "unseen",
        "unseen",
    )
    assert doctor(web_app)[0] == 1
    assert not path.exists()


def test_a_file_that_is_no_database_is_closed(web_app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite3"
    path.write_bytes(b"this is no database, it only looks like one in the folder" * 30)
    web_app.config["SETTINGS"] = replace(
        web_app.config["SETTINGS"], database_url=f"sqlite:///{path}"
    )
    assert states(web_app)["database"] == "closed"


ANOTHER_PROGRAM = """
import sqlite3, sys
one = sqlite3.connect(sys.argv[1])
print(one.execute("SELECT count(*) FROM ballot").fetchone()[0])
one.close()
"""


def test_a_look_from_inside_the_portal_leaves_its_log_where_it_is(tmp_path: Path) -> None:
    """A lock let go of here lets the next command that ends remove the log and what it holds."""
    path = tmp_path / "portal.sqlite3"
    portal = sqlite3.connect(path, isolation_level=None)
    portal.execute("PRAGMA journal_mode=WAL")
    portal.execute("CREATE TABLE ballot (choice TEXT)")

    def seen_from_outside() -> str:
        words = [sys.executable, "-c", ANOTHER_PROGRAM, str(path)]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()

    seen = looking.database(f"sqlite:///{path}")
    assert (seen.reachable, seen.facts["wal"]) == (True, True)
    assert seen_from_outside() == "0"
    assert Path(f"{path}-wal").exists()
    portal.execute("INSERT INTO ballot VALUES ('yes')")
    assert seen_from_outside() == "1"
    portal.close()


def test_an_empty_database_has_no_tables_yet(web_app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "empty.sqlite3"
    sqlite3.connect(path).execute("PRAGMA journal_mode=WAL").connection.close()
    web_app.config["SETTINGS"] = replace(
        web_app.config["SETTINGS"], database_url=f"sqlite:///{path}"
    )
    found = states(web_app)
    assert (found["database"], found["migrations"], found["worker"]) == ("ok", "none", "unseen")


def test_an_older_and_a_newer_database_are_told_apart(app: Flask) -> None:
    healthy(app)
    _heads, known = looking.revisions()
    for revision, code in ((known[-1], "behind"), ("ffffffffffff", "ahead")):
        with transaction() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
        assert states(app)["migrations"] == code
        assert app.test_client().get("/ready").status_code == 503


def test_a_database_of_the_first_tables_alone_is_looked_at(tmp_path: Path) -> None:
    """An update that was begun and not ended is when the doctor is called."""
    from flask_migrate import upgrade

    app = create_app(settings_for(f"sqlite:///{tmp_path}/old.sqlite3", tmp_path))
    with app.app_context():
        _heads, known = looking.revisions()
        upgrade(str(ROOT / "migrations"), revision=known[-1])
        db.session.remove()
        db.engine.dispose()
    found = states(app)
    assert (found["database"], found["migrations"], found["jobs"]) == ("ok", "behind", "ok")


def test_a_server_that_is_down_is_said_to_be_closed(web_app: Flask) -> None:
    web_app.config["SETTINGS"] = replace(
        web_app.config["SETTINGS"],
        database_url="postgresql+psycopg://nobody:geheim@127.0.0.1:9/none",
    )
    status, said = doctor(web_app)
    assert status == 1
    assert "PostgreSQL 打不开" in said
    assert "geheim" not in said


def test_unsafe_settings_stop_the_look_with_their_sentences(tmp_path: Path) -> None:
    environment = os.environ | {"LINYI_DATA_DIR": str(tmp_path), "LINYI_MODE": "production"}
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "doctor"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "LINYI_BASE_URL 必须以 https:// 开头" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_look_that_fails_ends_with_2(web_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "pinned", lambda: 1 / 0)
    assert doctor(web_app)[0] == 2


@contextmanager
def as_nobody() -> Iterator[None]:
    """Files are read with an ordinary user's rights, where the test runs with more."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_database_nobody_may_write_is_still_looked_at(sqlite_template: Path) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        path = folder / "linyi.sqlite3"
        path.write_bytes(sqlite_template.read_bytes())
        app = create_app(settings_for(f"sqlite:///{path}", folder))
        path.chmod(0o444)
        folder.chmod(0o555)
        with as_nobody():
            found = states(app)
        folder.chmod(0o700)
    assert (found["data"], found["database"], found["migrations"]) == (
        "not_writable",
        "read_only",
        "ok",
    )


def test_the_file_system_under_a_path_is_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("a / ext4 rw 0 0\nb /srv nfs4 rw 0 0\nc /srv/linyi xfs rw 0 0\n")
    assert looking.file_system(Path("/srv/linyi/x"), str(mounts)) == "xfs"
    assert looking.file_system(Path("/srv/other"), str(mounts)) == "nfs4"
    assert looking.file_system(Path("/srv"), str(tmp_path / "none")) == ""


def test_the_pins_are_those_of_the_file() -> None:
    pins = looking.pinned()
    assert pins["flask"] == "3.1.3"
    assert pins["psycopg"]
    assert looking.installed(pins | {"no-such-library": "1"}) == pins


def test_an_administrator_sees_the_same_on_the_system_home(
    web_app: Flask, web_world: World, client: CheckedClient
) -> None:
    healthy(web_app)
    place = web_world.community("HXL", 1)
    slips = web_app.config["SETTINGS"].data_dir / "administrators.txt"
    slips.touch()
    client.staff(web_world.staff(place, Role.ADMINISTRATOR))
    page = client.get("/system/").text
    _status, said = doctor(web_app, "--json")
    for line in json.loads(said)["checks"]:
        # Of backups the room that keeps them says more on the same page.
        assert line["name"] in page or line["check"] in {"backup", "drill"}
    assert "备份" in page
    assert "再删掉这个文件" in page
    slips.unlink()
    assert "再删掉这个文件" not in client.get("/system/").text


# --- for programs that watch -------------------------------------------------------------------


def test_health_asks_nothing_of_the_database(client: CheckedClient, statements: list[str]) -> None:
    answer = client.get("/health", headers={"Cookie": "linyi=nonsense"})
    assert (answer.status_code, answer.json) == (200, {"ok": True})
    assert answer.headers["Cache-Control"] == "no-store"
    assert statements == []


def test_ready_says_what_is_not(app: Flask) -> None:
    def ask() -> tuple[int, Any]:
        answer = app.test_client().get("/ready")
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status_code, answer.json

    fine = {"ready": True, "database": True, "migrations": True, "worker": True, "writes": True}
    assert ask() == (503, fine | {"ready": False, "worker": False})
    jobs.beat()
    assert ask() == (200, fine)
    with clock.set_to(clock.now() + timedelta(minutes=6)):
        assert ask() == (503, fine | {"ready": False, "worker": False})


def test_ready_answers_when_the_database_does_not(tmp_path: Path) -> None:
    url = "postgresql+psycopg://nobody:geheim@127.0.0.1:9/none"
    app = create_app(settings_for(url, tmp_path))
    answer = app.test_client().get("/ready")
    assert (answer.status_code, answer.json["database"]) == (503, False)
    assert "geheim" not in answer.text
    assert app.test_client().get("/health").status_code == 200


def test_an_unknown_host_gets_a_plain_refusal_that_repeats_nothing(tmp_path: Path) -> None:
    hosts = ("linyi.example.cn",)
    app = create_app(settings_for(f"sqlite:///{tmp_path}/x.sqlite3", tmp_path, trusted_hosts=hosts))
    forged = ("evil.example", "linyi.example.cn.evil.example", "127.0.0.1", "[::1]", "x@y")
    for host in forged:
        answer = app.test_client().get("/e", headers={"Host": host})
        assert answer.status_code == 400, host
        assert host not in answer.text + str(answer.headers)
        assert "这不是本站的地址" in answer.text
        assert answer.headers["Content-Security-Policy"]


def test_a_page_says_so_when_the_database_does_not_answer(tmp_path: Path) -> None:
    url = "postgresql+psycopg://nobody:geheim@127.0.0.1:9/none"
    app = create_app(settings_for(url, tmp_path))
    answer = app.test_client().get("/c/HXL/")
    assert answer.status_code == 503
    assert "数据库一时连不上" in answer.text
    assert "请把这个编号告诉服务台" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"]

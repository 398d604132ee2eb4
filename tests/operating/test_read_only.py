"""A nearly full disk: nothing is written, all can be read, and it ends by itself."""

from __future__ import annotations

import ast
import io
import shutil
import subprocess
from contextlib import suppress
from datetime import timedelta
from secrets import token_hex
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pyotp
import pytest
from sqlalchemy import func, select, text

from app import create_app
from app.communities.queries import community_by_id
from app.config import ROOT
from app.core import clock, guard, jobs, space
from app.core.actor import SYSTEM, Actor
from app.core.db import db, transaction
from app.core.errors import NotSaved, ReadOnly
from app.core.jobs import Job
from app.core.space import Room
from app.exports.operations import export_record
from app.people import operations as people
from app.people.models import LoginSession, Membership
from app.people.rules import LAST_SEEN_EVERY
from tests.conftest import START, settings_for
from tests.support.checked_client import CheckedClient
from tests.support.world import PASSWORD, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask

# Small on purpose, and named: whoever signs in or exports while the disk is nearly full.
SMALL = {
    "sign_out",
    "touch_session",
    "end_session",
    "end_other_sessions",
    "renew_session",
    "drop_new_phone",
    "prove",
    "staff_sign_in",
    "export_record",
    "export_area_record",
    "export_dossier",
    "note_outcome",
    # The question that a passkey answers at the door.
    "ask",
}


def leave_free(app: Flask, permille: int) -> None:
    """Let the disk look as if so many thousandths were free, from the next look on."""
    watch = app.extensions["space"]
    watch.percent, watch.every = 5, 0.0
    watch.measure = lambda _folder: Room(1000, permille)


def job(session: object, key: str = "1") -> None:
    jobs.enqueue(session, "test.space", key, clock.now())  # type: ignore[arg-type]


def test_every_change_is_refused_before_it_begins(app: Flask, world: World) -> None:
    place = world.community("HXL", 2)
    code = world.code(place)
    leave_free(app, 49)
    begun = False
    with pytest.raises(ReadOnly), transaction():
        begun = True
    assert not begun
    with pytest.raises(ReadOnly):
        people.enrol(Actor(), code=code, second_fact=world.fact(), adult=True, shared_phone=False)
    assert db.session.scalar(select(func.count(Membership.id))) == 0
    leave_free(app, 60)
    assert world.resident(place, 1).homes


def test_staff_come_in_and_take_the_record_out_while_only_the_reserve_is_left(
    app: Flask, world: World
) -> None:
    place = world.community("HXL", 2)
    staff = world.staff(place)
    leave_free(app, 10)
    later = pyotp.TOTP(staff.secret).at(clock.now() + timedelta(seconds=30))
    assert people.staff_sign_in(Actor(), sign_in_name=staff.name, password=PASSWORD, totp=later)
    out = io.BytesIO()
    export_record(SYSTEM, community=community_by_id(place.id), out=out)
    assert out.getvalue()[:2] == b"PK"
    people.sign_out(staff.actor)
    leave_free(app, 9)
    with pytest.raises(ReadOnly):
        people.staff_sign_in(Actor(), sign_in_name=staff.name, password=PASSWORD, totp=later)


def test_only_the_named_changes_use_the_reserve() -> None:
    found = set()
    for path in (ROOT / "app").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
            for call in (n for n in ast.walk(function) if isinstance(n, ast.Call)):
                if getattr(call.func, "id", "") == "transaction" and call.keywords:
                    found.add(function.name)
    assert found == SMALL


def test_the_disk_is_looked_at_every_few_seconds_and_not_at_each_change(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[object] = []
    now = [100.0]
    monkeypatch.setattr(space.time, "monotonic", lambda: now[0])
    watch = space.Watch((app.config["SETTINGS"].data_dir,), 5)
    watch.measure = lambda folder: looks.append(folder) or Room(100, 50)  # type: ignore[func-returns-value]
    for _ in range(50):
        assert not watch.full()
        watch.refuse(small=False)
    assert len(looks) == 1
    now[0] += 3.0
    assert not watch.full()
    assert len(looks) == 2


def test_what_a_disk_keeps_back_for_its_administrator_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 100 blocks 60 are kept back and 32 used: 8 of 40 are free, not 8 of 100."""
    disk = SimpleNamespace(f_frsize=4096, f_blocks=100, f_bfree=68, f_bavail=8)
    monkeypatch.setattr(space.os, "statvfs", lambda _folder: disk)
    assert space.measure(tmp_path) == Room(40 * 4096, 8 * 4096)
    assert space.measure(tmp_path).percent == 20


def test_a_folder_that_cannot_be_measured_stops_nobody(app: Flask, tmp_path: Path) -> None:
    watch = space.Watch((tmp_path / "gone",), 5)
    assert watch.rooms() == []
    assert not watch.full()
    assert 0 <= space.measure(tmp_path).percent <= 100
    assert Room(0, 0).percent == 100


# --- the worker --------------------------------------------------------------------------------


def test_the_worker_waits_for_room_and_loses_nothing(app: Flask) -> None:
    done: list[object] = []
    jobs.handles("test.space")(done.append)
    with transaction() as session:
        job(session)
    leave_free(app, 49)
    assert jobs.run_due() == 0
    row = db.session.scalars(select(Job).where(Job.kind == "test.space")).one()
    assert (row.done_at, row.attempts, row.lease_until) == (None, 0, None)
    leave_free(app, 60)
    assert jobs.run_due() == 1
    assert len(done) == 1


def test_a_job_that_meets_a_full_disk_is_taken_again_when_its_lease_is_over(app: Flask) -> None:
    done: list[object] = []

    def fills_up(payload: dict[str, object]) -> None:
        if not done:
            leave_free(app, 49)
            done.append("full")
            with transaction():
                pass
        done.append(payload)

    jobs.handles("test.space")(fills_up)
    with transaction() as session:
        job(session)
    assert jobs.run_due() == 0
    leave_free(app, 60)
    assert jobs.run_due() == 0
    with clock.set_to(clock.now() + jobs.LEASE + timedelta(seconds=1)):
        assert jobs.run_due() == 1
    row = db.session.scalars(select(Job).where(Job.kind == "test.space")).one()
    assert row.done_at is not None
    assert row.last_error == ""


# --- pages -------------------------------------------------------------------------------------


def test_every_page_says_it_and_shows_what_it_always_shows(
    web_app: Flask, web_world: World, client: CheckedClient
) -> None:
    place = web_world.community("HXL", 2)
    client.enter(web_world, place)
    pages = ("/", "/c/HXL/", "/c/HXL/mine", "/c/HXL/record", "/complaints", "/none")
    before = {page: client.get(page, follow_redirects=True).status_code for page in pages}
    assert "现在只能看" not in client.get("/c/HXL/").text
    leave_free(web_app, 49)
    for page in pages:
        answer = client.get(page, follow_redirects=True)
        assert answer.status_code == before[page]
        assert "现在只能看" in answer.text, page
        assert "清出空间以后" not in answer.text
    leave_free(web_app, 60)
    assert "现在只能看" not in client.get("/c/HXL/").text


def test_a_clerk_is_told_whom_to_tell(
    web_app: Flask, web_world: World, client: CheckedClient
) -> None:
    place = web_world.community("HXL", 2)
    leave_free(web_app, 60)
    staff = web_world.staff(place)
    leave_free(web_app, 49)
    client.staff(staff)
    assert "请告诉系统管理员" in client.get("/c/HXL/desk/").text


def test_a_form_is_refused_with_a_sentence_and_a_time(
    web_app: Flask, web_world: World, client: CheckedClient
) -> None:
    place = web_world.community("HXL", 2)
    code = web_world.code(place)
    leave_free(web_app, 49)
    form = {"csrf_token": client.token(), "code": code, "second_fact": "0001", "adult": "y"}
    answer = client.raw.post("/e", data=form)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"
    for words in ("没有保存", "以前交上来的都在", "还在上一页", "过半小时再交一次"):
        assert words in answer.text
    assert db.session.scalar(select(func.count(LoginSession.id))) == 0
    leave_free(web_app, 60)
    assert client.raw.post("/e", data=form).status_code == 303


def test_reading_goes_on_when_the_last_visit_cannot_be_noted(
    web_app: Flask, web_world: World, client: CheckedClient
) -> None:
    place = web_world.community("HXL", 2)
    client.enter(web_world, place)
    leave_free(web_app, 0)
    with clock.set_to(clock.now() + LAST_SEEN_EVERY + timedelta(seconds=1)):
        assert client.get("/c/HXL/mine").status_code == 200
    ready = web_app.test_client().get("/ready")
    assert (ready.status_code, ready.json["writes"]) == (503, False)


# --- faults of the real disk -------------------------------------------------------------------


def test_a_database_that_runs_full_in_the_middle_says_that_nothing_was_saved(
    web_app: Flask,
) -> None:
    """SQLite's own SQLITE_FULL, by a limit on the pages of its file."""

    def save() -> str:
        with transaction() as session:
            session.connection().exec_driver_sql("PRAGMA max_page_count = 1")
            session.add(Job(kind="x", key=token_hex(8), payload={"x": "y" * 3000}, due_at=START))
        return "saved"

    web_app.add_url_rule("/save", "save", guard.public(save))
    answers = [web_app.test_client().get("/save") for _ in range(20)]
    saved = sum(answer.text == "saved" for answer in answers)
    assert saved < 20
    assert db.session.scalar(select(func.count(Job.id))) == saved
    assert answers[-1].status_code == 503
    assert "这次没有存上" in answers[-1].text
    assert answers[-1].headers["Retry-After"] == "60"


@pytest.mark.parametrize("code", ["53100", "58030", "57P01"])
def test_faults_of_postgresql_before_the_commit_save_nothing(
    postgres: Callable[[str], str], tmp_path: Path, code: str
) -> None:
    """Disk full, I/O error, administrator's shutdown: raised by the real server."""
    app = create_app(settings_for(postgres(f"fault{code.lower()}"), tmp_path))
    with app.app_context():
        with pytest.raises(NotSaved), transaction() as session:
            job(session)
            session.flush()
            session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$"))
        assert db.session.scalar(select(func.count(Job.id))) == 0
        with transaction() as session:
            job(session, "after")
        db.session.remove()
        db.engine.dispose()


def test_a_connection_that_dies_in_the_middle_saves_nothing_and_the_next_one_works(
    postgres: Callable[[str], str], tmp_path: Path
) -> None:
    app = create_app(settings_for(postgres("dies"), tmp_path))
    with app.app_context():
        with pytest.raises(NotSaved), transaction() as session:
            job(session)
            session.flush()
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        with transaction() as session:
            job(session)
        assert db.session.scalar(select(func.count(Job.id))) == 1
        db.session.remove()
        db.engine.dispose()


DISK_BYTES = 24 * 1024 * 1024


def of_files(folder: Path) -> Room:
    """The room of a disk that is only imagined: what its files leave of it."""
    used = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    return Room(DISK_BYTES, max(0, DISK_BYTES - used))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, Callable[[Path], Room]]]:
    """A disk of 24 MB: a real one where mounting is allowed, else one that is counted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    yield folder, space.measure if mounted else of_files
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(ballast: Path, folder: Path, measure: Callable[[Path], Room]) -> None:
    """Write until nothing more goes on the disk."""
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while measure(folder).free:
            file.write(b"x" * 4096)


def test_a_small_disk_fills_up_and_is_cleared(
    disk: tuple[Path, Callable[[Path], Room]], sqlite_template: Path
) -> None:
    folder, measure = disk
    shutil.copy(sqlite_template, folder / "linyi.sqlite3")
    app = create_app(settings_for(f"sqlite:///{folder}/linyi.sqlite3", folder))
    watch = app.extensions["space"]
    watch.percent, watch.every, watch.measure = 5, 0.0, measure
    with app.app_context():
        world = World(app)
        place = world.community("HXL", 3)
        codes = [world.code(place, n) for n in range(3)]
        client = CheckedClient(app)

        def enter(n: int) -> int:
            form = {"csrf_token": client.token(), "code": codes[n], "adult": "y"}
            answer = client.raw.post("/e", data=form | {"second_fact": world.fact(n)})
            return answer.status_code

        assert enter(0) == 303
        ballast = folder / "ballast"
        ballast.write_bytes(b"x" * (watch.rooms()[0].free - DISK_BYTES * 4 // 100))
        assert enter(1) == 503
        assert "现在只能看" in client.get("/c/HXL/").text
        ballast.unlink()
        assert enter(1) == 303
        assert "现在只能看" not in client.get("/c/HXL/").text
        # Without the guard, the disk itself: whatever is answered is true.
        watch.percent = 0
        fill(ballast, folder, measure)
        status = enter(2)
        members = db.session.scalar(select(func.count(Membership.id)))
        assert (status, members) in {(303, 3), (503, 2)}
        ballast.unlink()
        assert enter(2) == 303
        db.session.rollback()
        assert db.session.scalar(select(func.count(Membership.id))) in {3, 4}
        assert db.session.scalar(text("PRAGMA integrity_check")) == "ok"
        db.session.remove()
        db.engine.dispose()

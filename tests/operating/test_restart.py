"""A restart while people read and send forms: nothing is lost, nothing is half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.config import ROOT
from app.core import clock, jobs
from app.core.db import db, transaction
from app.core.jobs import Job
from tests.operating.installation import Crowd, Installation, form_of, installed

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask


SILENT_SECONDS = 0.05


def environment(app: Flask) -> dict[str, str]:
    settings = app.config["SETTINGS"]
    return {
        "LINYI_DATA_DIR": str(settings.data_dir),
        "LINYI_DATABASE_URL": settings.database_url,
        "LINYI_SECRET_KEY": settings.secret_key,
        "LINYI_LOG_HOST": settings.log_host,
        "LINYI_WORKER_THREAD": "1",
        "LINYI_READ_ONLY_PERCENT": "0",
    }


def restarted(portal: Installation, rounds: int) -> Crowd:
    """Reload and restart in turn under load; gives what became of the visits.

    Nearly always somebody's connection stands and nothing has been said on it yet.
    """
    status, cookie, page = portal.ask("GET", "/complaints")
    assert status == 200
    form = form_of(page)

    def visit() -> tuple[int, int]:
        read = portal.ask("GET", "/", silent=SILENT_SECONDS)
        sent = portal.ask("POST", "/view", form, cookie, silent=SILENT_SECONDS)
        return read[0], sent[0]

    with Crowd(4, visit) as crowd:
        crowd.wait_for(20)
        for number in range(rounds):
            (portal.restart if number % 2 else portal.reload)()
            crowd.wait_for(40)
    return crowd


def test_a_reload_and_a_restart_lose_no_request(web_app: Flask, tmp_path: Path) -> None:
    with installed(tmp_path, environment(web_app)) as portal:
        crowd = restarted(portal, 2)
    assert crowd.lost == []
    assert crowd.good >= 100
    assert "Traceback" not in (tmp_path / "server.log").read_text()


@pytest.mark.soak
def test_twenty_reloads_and_restarts_lose_no_request(web_app: Flask, tmp_path: Path) -> None:
    with installed(tmp_path, environment(web_app)) as portal:
        crowd = restarted(portal, 20)
    assert crowd.lost == []


SLOW_JOB = """
import signal, sys, threading
from app.core import jobs
from wsgi import app
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
@jobs.handles("test.slow")
def slow(payload):
    print("begun", flush=True)
    threading.Event().wait(1.5)
jobs.start_thread(app)
stop.wait(60)
"""


def test_a_job_in_hand_is_finished_before_the_process_ends(web_app: Flask, tmp_path: Path) -> None:
    with transaction() as session:
        jobs.enqueue(session, "test.slow", "1", clock.now())
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_JOB],
        cwd=ROOT,
        env=os.environ | environment(web_app) | {"LINYI_WORKER_THREAD": "0"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    row = db.session.scalars(select(Job).where(Job.kind == "test.slow")).one()
    assert row.done_at is not None
    assert row.attempts == 1


def test_the_worker_command_stops_when_asked_and_says_so_by_zero(
    web_app: Flask, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
        cwd=ROOT,
        env=os.environ | environment(web_app),
    )
    looks = 0
    while jobs.SEEN_KEY not in seen() and looks < 600:
        looks += 1
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def seen() -> set[str]:
    """The values an installation keeps, as another process has written them."""
    import threading

    from app.core.record import SystemValue

    threading.Event().wait(0.1)
    db.session.rollback()
    return set(db.session.scalars(select(SystemValue.key)))

"""The server dies in mid-rush: whatever it acknowledged is there once, and the record verifies."""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from app.communities.queries import community_by_id
from app.config import ROOT
from app.core import clock
from app.core.actor import SYSTEM
from app.core.db import db
from app.core.record import RecordEntry
from app.exports.operations import export_record
from app.voting import queries
from app.voting.models import Ballot, PollVoter
from tests.voting.village import PROJECTS, Village, found_village

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from app.core.actor import Actor

CLIENTS = 6
HOMES = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(app: Flask, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The real server over the same database, in a process group of its own."""
    settings = app.config["SETTINGS"]
    environment = os.environ | {
        "LINYI_DATA_DIR": str(settings.data_dir),
        "LINYI_DATABASE_URL": settings.database_url,
        "LINYI_SECRET_KEY": settings.secret_key,
        "LINYI_LOG_HOST": settings.log_host,
        "LINYI_WORKER_THREAD": "0",
    }
    command = [sys.executable, "-m", "app.serve", "--port", str(port), "--address", "127.0.0.1"]
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_up(port)
        yield server
    finally:
        kill(server)


def wait_until_up(port: int) -> None:
    for _ in range(400):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            threading.Event().wait(0.05)
    raise AssertionError("the server did not come up")


def kill(server: subprocess.Popen[bytes]) -> None:
    """kill -9 for the server and its workers, which this test has started."""
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


class Phone:
    """A resident's phone: one cookie jar, one open ballot."""

    def __init__(self, village: Village, member: Actor, port: int, poll: str) -> None:
        self.port, self.address = port, f"/c/{village.code}/votes/{poll}/ballot"
        browser = village.browser(member)
        cookie = browser.get_cookie("linyi")
        assert cookie is not None
        self.cookie = cookie.value
        self.household = member.homes[0].household_id
        self.form: dict[str, str] = {}

    def ask(self, method: str, body: str = "") -> tuple[int, str, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Cookie": f"linyi={self.cookie}"}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, self.address, body or None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        for header in answer.msg.get_all("Set-Cookie") or []:
            found = re.match(r"linyi=([^;]+)", header)
            self.cookie = found[1] if found else self.cookie
        connection.close()
        return answer.status, answer.getheader("Location") or "", text

    def open_ballot(self) -> None:
        status, _location, page = self.ask("GET")
        assert status == 200, page[:500]
        for name in ("csrf_token", "token"):
            self.form[name] = re.findall(rf'name="{name}" value="([^"]+)"', page)[-1]

    def cast(self, choice: str) -> tuple[int, str]:
        status, location, _page = self.ask("POST", urlencode(self.form | {"choice": choice}))
        return status, location


def rush(phones: list[Phone], server: subprocess.Popen[bytes], after: int) -> dict[int, str]:
    """Cast from many phones at once, kill the server after so many answers, give the answers."""
    acknowledged: dict[int, str] = {}
    enough = threading.Event()

    def use(share: list[Phone]) -> None:
        for number, phone in enumerate(share):
            choice = PROJECTS[(phone.household + number) % 3]
            try:
                status, location = phone.cast(choice)
            except (OSError, http.client.HTTPException):
                return
            assert (status, location.endswith("/receipt")) == (303, True)
            acknowledged[phone.household] = choice
            if len(acknowledged) >= after:
                enough.set()

    with ThreadPoolExecutor(CLIENTS) as pool:
        busy = [pool.submit(use, phones[start::CLIENTS]) for start in range(CLIENTS)]
        assert enough.wait(60)
        kill(server)
        for share in busy:
            share.result()
    return acknowledged


def stored() -> dict[int, list[str]]:
    """Every stored ballot by household."""
    db.session.rollback()
    rows = db.session.execute(
        select(PollVoter.household_id, Ballot.choice).join(
            PollVoter, PollVoter.id == Ballot.voter_id
        )
    )
    found: dict[int, list[str]] = {}
    for row in rows:
        found.setdefault(row.household_id, []).append(json.loads(row.choice)[0])
    return found


def verify(village: Village, tmp_path: Path) -> None:
    """Export the record and check it with the program that strangers get."""
    out = io.BytesIO()
    export_record(SYSTEM, community=community_by_id(village.community_id), out=out)
    archive = tmp_path / "record.zip"
    archive.write_bytes(out.getvalue())
    program = ROOT / "app" / "exports" / "verify_record.py"
    checked = subprocess.run(
        [sys.executable, str(program), str(archive)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def killed_in_mid_rush(web_app: Flask, tmp_path: Path, after: int) -> None:
    village = found_village(web_app, homes=HOMES)
    poll = village.open()
    port = free_port()
    members = [village.member(number) for number in range(HOMES)]
    phones = [Phone(village, member, port, poll) for member in members]
    with serving(web_app, port) as server:
        for phone in phones:
            phone.open_ballot()
        acknowledged = rush(phones, server, after)
    found = stored()
    assert after <= len(acknowledged) < HOMES
    for household, choice in acknowledged.items():
        assert found[household] == [choice]
    verify(village, tmp_path)
    # Everybody presses again after the restart: nobody has two ballots, nobody has lost one.
    with serving(web_app, port):
        for phone in phones:
            status, _location = phone.cast(PROJECTS[0])
            assert status == 303
    after_all = stored()
    assert len(after_all) == HOMES
    assert all(len(ballots) == 1 for ballots in after_all.values())
    assert {household: after_all[household] for household in found} == found
    entries = db.session.scalars(select(RecordEntry.kind)).all()
    assert Counter(entries) == {"poll.opened": 1, "ballot.cast": HOMES}
    with clock.set_to(clock.now() + timedelta(days=4)):
        village.close(poll)
        assert queries.result_view(village.community_id, poll).turnout == HOMES
        verify(village, tmp_path)


def test_a_server_killed_in_mid_rush_loses_no_acknowledged_ballot(
    web_app: Flask, tmp_path: Path
) -> None:
    killed_in_mid_rush(web_app, tmp_path, after=25)


@pytest.mark.soak
@pytest.mark.parametrize("after", [*range(1, 58)])
def test_the_same_at_every_moment(web_app: Flask, tmp_path: Path, after: int) -> None:
    killed_in_mid_rush(web_app, tmp_path, after)

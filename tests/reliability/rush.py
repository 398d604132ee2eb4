"""Residents who write all the time, and what they were told: the hard tests' common tools.

A phone does one thing after another and remembers the form it sent last. When no answer came, or
one that says that nobody knows, it sends the very same form again later, as a person would; when
the portal says "not saved" it believes that and begins anew. So when the rush is over, exactly
what the portal said "saved" to must be there, once: one row more is a "not saved" that was a lie.
"""

from __future__ import annotations

import http.client
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sqlalchemy import func, select

from app.config import ROOT
from app.conventions.models import Signature
from app.core.db import db
from app.discussion.models import Post
from app.meetings.models import Seat
from app.voting.models import Ballot, PollVoter
from tests.conventions.test_journey import in_force
from tests.support.checked_client import FreshClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from app.core.actor import Actor
    from tests.support.world import Place, World

REDIRECT = 303
ACTS = ("ballot", "ballot", "ballot", "opinion", "seat", "pledge")
UNKNOWN, NOT_SAVED = "不知道有没有存上", ("没有存上", "没有保存")
CHOICES = ("yes", "no", "abstain")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(app: Flask, **more: str) -> dict[str, str]:
    """Settings that let a server of its own work on the app's database."""
    settings = app.config["SETTINGS"]
    return os.environ | {
        "LINYI_DATA_DIR": str(settings.data_dir),
        "LINYI_DATABASE_URL": settings.database_url,
        "LINYI_SECRET_KEY": settings.secret_key,
        "LINYI_LOG_HOST": settings.log_host,
        "LINYI_WORKER_THREAD": "0",
        **more,
    }


@contextmanager
def serving(app: Flask, port: int, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """The real server over the app's database, in a process group of its own."""
    command = [sys.executable, "-m", "app.serve", "--port", str(port), "--address", "127.0.0.1"]
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(app, **more),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_up(port)
        yield server
    finally:
        kill(server)


def wait_until_up(port: int, path: str = "/health") -> None:
    for _ in range(800):
        with suppress(OSError, http.client.HTTPException):
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            link.request("GET", path)
            if link.getresponse().status == 200:
                return
        threading.Event().wait(0.05)
    raise AssertionError("the server did not come up")


def kill(server: subprocess.Popen[bytes]) -> None:
    """kill -9 for the server and its workers, which this test has started."""
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


@dataclass
class Form:
    """A form that was filled in, and how often it must be found in the end."""

    act: str
    path: str
    fields: dict[str, str]


@dataclass
class Town:
    """One community with everything that residents write in at once."""

    place: Place
    poll: str
    topic: str
    meeting: str
    members: list[Actor]
    cookies: list[str]


def found_town(world: World, homes: int) -> Town:
    """A community whose households are all in, an open poll, a meeting, a convention in force."""
    place = world.community("HXL", homes)
    poll = world.poll(place)
    topic = world.topic(place)
    meeting = world.meeting(place, topic, capacity=max(2, homes // 3), held=0)
    in_force(world, place)
    signed_in = [world.signed_in(place, number) for number in range(homes)]
    cookies = [_cookie(world.app, cookie_id) for _actor, cookie_id in signed_in]
    return Town(place, poll, topic, meeting, [actor for actor, _id in signed_in], cookies)


def _cookie(app: Flask, cookie_id: str) -> str:
    client = FreshClient(app)
    with client.session_transaction() as cookie:
        cookie["_user_id"] = cookie_id
        cookie["_fresh"] = True
    found = client.get_cookie("linyi")
    assert found is not None
    return found.value


@dataclass
class Phone:
    """A resident's phone: one cookie, one thing at a time, and what it has written so far."""

    town: Town
    number: int
    port: int
    sent: Counter[str] = field(default_factory=Counter)
    open_form: Form | None = None
    joined: bool = False
    signed: bool = False
    said: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cookie = self.town.cookies[self.number]
        self.dice = random.Random(self.number)  # the same rush every time

    def ask(self, method: str, path: str, body: str = "") -> tuple[int, str, str]:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Cookie": f"linyi={self.cookie}"}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            link.request(method, path, body or None, headers)
            answer = link.getresponse()
            text = answer.read().decode()
        finally:
            link.close()
        for header in answer.msg.get_all("Set-Cookie") or []:
            found = re.match(r"linyi=([^;]+)", header)
            self.cookie = found[1] if found else self.cookie
        return answer.status, answer.getheader("Location") or "", text

    def write(self) -> None:
        """Open a form, fill it in, send it. A form whose answer never came is sent first."""
        if self.open_form is None:
            self.open_form = self.filled_in(self.dice.choice(ACTS))
        form = self.open_form
        if form is not None and self.send(form):
            self.sent[form.act] += 1
            self.open_form = None

    def send(self, form: Form) -> bool:
        """Whether the portal said that it has it; a form it says it did not save is given up."""
        status, to, text = self.ask("POST", form.path, urlencode(form.fields))
        if status == REDIRECT and "/sign-in" not in to and not to.startswith("/e"):
            self.said["saved"] += 1
            return True
        if UNKNOWN in text:
            self.said["unknown"] += 1
        elif status >= 500 and any(words in text for words in NOT_SAVED):
            self.said["not saved"] += 1
            self.give_up(form)
        else:
            self.wrong.append(f"{form.act} {status} {to} {_heading(text)}")
        return False

    def give_up(self, form: Form) -> None:
        self.open_form = None
        if form.act == "seat":
            self.joined = not self.joined
        if form.act == "pledge":
            self.signed = False

    def filled_in(self, act: str) -> Form | None:
        code, town = self.town.place.code, self.town
        if act == "ballot":
            path = f"/c/{code}/votes/{town.poll}/ballot"
            fields = self.fields(path, "csrf_token", "token")
            return fields and Form(act, path, fields | {"choice": self.dice.choice(CHOICES)})
        if act == "opinion":
            path = f"/c/{code}/say?about=topic:{town.topic}"
            fields = self.fields(path, "csrf_token", "once")
            text = f"长椅放在 {self.number} 号门前，第 {self.sent['opinion']} 次说"
            return fields and Form(act, path, fields | {"text": text})
        if act == "seat":
            page = f"/c/{code}/meetings/{town.meeting}"
            fields = self.fields(page, "csrf_token")
            self.joined = not self.joined
            return fields and Form(act, f"{page}/{'join' if self.joined else 'leave'}", fields)
        if self.signed:
            return None
        path = f"/c/{code}/convention/1/sign"
        fields = self.fields(path, "csrf_token", "text_sha256")
        self.signed = bool(fields)
        return fields and Form(act, path, fields | {"drawing": ""})

    def fields(self, path: str, *names: str) -> dict[str, str]:
        """Hidden fields of a page; nothing when the page did not come."""
        status, _to, page = self.ask("GET", path)
        if status != 200:
            if status < 500:
                self.wrong.append(f"GET {path} {status}")
            return {}
        return {name: re.findall(rf'name="{name}"[^>]*value="([^"]+)"', page)[-1] for name in names}


def _heading(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page)
    return found[1] if found else page[:80]


def rush(phones: list[Phone], stop: threading.Event, threads: int = 6) -> list[threading.Thread]:
    """Let every phone write, each in one thread's hands, until told to stop."""

    def use(share: list[Phone]) -> None:
        while not stop.is_set():
            for phone in share:
                if stop.is_set():
                    return
                try:
                    phone.write()
                except (OSError, http.client.HTTPException):
                    time.sleep(0.01)

    hands = [
        threading.Thread(target=use, args=(phones[start::threads],)) for start in range(threads)
    ]
    for hand in hands:
        hand.start()
    return hands


def wait_for(phones: list[Phone], more: int, seconds: float = 20) -> None:
    """Until the portal has said "saved" so many times more; a slow machine gets its time."""
    wanted = more + sum(phone.sent.total() for phone in phones)
    patience = time.monotonic() + seconds
    while sum(phone.sent.total() for phone in phones) < wanted:
        assert time.monotonic() < patience, [phone.said for phone in phones][:6]
        time.sleep(0.005)


def settle(phones: list[Phone]) -> None:
    """Send what is still open until the portal has it; it must take it now that all is well."""
    for phone in phones:
        for _ in range(5):
            if phone.open_form is None:
                break
            phone.write()
        assert phone.open_form is None, (phone.open_form, phone.said, phone.wrong[-3:])


def check(town: Town, phones: list[Phone]) -> int:
    """Compare what is stored with what was sent, person by person; gives how much was sent."""
    db.session.rollback()
    place_id = town.place.id
    ballots = _count(
        select(PollVoter.household_id, func.count())
        .join(Ballot, Ballot.voter_id == PollVoter.id)
        .where(PollVoter.community_id == place_id)
        .group_by(PollVoter.household_id)
    )
    versions = _count(
        select(PollVoter.household_id, PollVoter.version).where(PollVoter.community_id == place_id)
    )
    posts = _count(select(Post.person_id, func.count()).group_by(Post.person_id))
    pledges = _count(
        select(Signature.person_id, func.count())
        .where(Signature.withdrawn_at.is_(None))
        .group_by(Signature.person_id)
    )
    seats = _count(
        select(Seat.person_id, func.count())
        .where(Seat.state.in_(("coming", "waiting")))
        .group_by(Seat.person_id)
    )
    for phone in phones:
        member = town.members[phone.number]
        home = member.homes[0].household_id
        assert not phone.wrong, phone.wrong[:5]
        assert ballots.get(home, 0) == phone.sent["ballot"], ("ballot", phone.number)
        assert versions[home] == phone.sent["ballot"], ("version", phone.number)
        assert posts.get(member.person_id, 0) == phone.sent["opinion"], ("opinion", phone.number)
        assert pledges.get(member.person_id, 0) == phone.sent["pledge"], ("pledge", phone.number)
        assert seats.get(member.person_id, 0) == int(phone.joined), ("seat", phone.number)
    return sum(phone.sent.total() for phone in phones)


def _count(statement: object) -> dict[int, int]:
    return {row[0]: row[1] for row in db.session.execute(statement)}  # type: ignore[call-overload]


def said(phones: list[Phone]) -> dict[str, int]:
    """How often the portal said what."""
    return dict(sum((phone.said for phone in phones), Counter()))


def verify_record(app: Flask, town: Town, folder: Path) -> None:
    """Export the record and check it with the program that strangers get."""
    archive = folder / "record.zip"
    runner = app.test_cli_runner()
    done = runner.invoke(args=["record", "export", town.place.code, "-o", str(archive)])
    assert done.exit_code == 0, done.output
    program = ROOT / "app" / "exports" / "verify_record.py"
    checked = subprocess.run(
        [sys.executable, str(program), str(archive)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr

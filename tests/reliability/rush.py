"""Residents who write all the time, and what they were told: the hard tests' common tools.

A phone does one thing after another and remembers the form it sent last. When no answer came, or
one that says that nobody knows, it sends the very same form again later, as a person would; when
the portal says "not saved" it believes that and begins anew, unless an earlier try of that very
form is still in doubt: then it goes on sending it. So when the rush is over, exactly what the
portal said "saved" to must be there, once: one row more is a "not saved" that was a lie.
"""

from __future__ import annotations

import http.client
import random
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sqlalchemy import func, select

from app.config import ROOT
from app.conventions.models import Signature
from app.core.db import db
from app.discussion.models import Post
from app.meetings.models import Seat
from app.voting.models import Ballot, Poll, PollVoter
from tests.conventions.test_journey import in_force
from tests.support.checked_client import FreshClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from app.core.actor import Actor
    from tests.support.world import Place, World

REDIRECT, UNAVAILABLE = 303, 503
ACTS = ("ballot", "ballot", "ballot", "opinion", "seat", "pledge")
UNKNOWN, NOT_SAVED = "不知道有没有存上", ("没有存上", "没有保存")
CHOICES = ("yes", "no", "abstain")


@dataclass
class Form:
    """A form that was filled in, and how often it must be found in the end."""

    act: str
    path: str
    fields: dict[str, str]
    # An earlier try had no answer, or one that says that nobody knows: it may be stored.
    doubtful: bool = False


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
    cookies = [cookie_of(world.app, cookie_id) for _actor, cookie_id in signed_in]
    return Town(place, poll, topic, meeting, [actor for actor, _id in signed_in], cookies)


def cookie_of(app: Flask, cookie_id: str) -> str:
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
    acts: tuple[str, ...] = ACTS
    loses_answers: bool = False
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cookie = self.town.cookies[self.number]
        self.dice = random.Random(self.number)  # the same rush every time

    def ask(self, method: str, path: str, body: str = "") -> tuple[int, str, str]:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
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
            self.open_form = self.filled_in(self.dice.choice(self.acts))
        form = self.open_form
        if form is not None and self.send(form):
            self.sent[form.act] += 1
            self.open_form = None

    def send(self, form: Form) -> bool:
        """Whether the portal said that it has it; a form it says it did not save is given up.

        "Not saved" is said of one try. Where an earlier try of the same form is in doubt, the
        person does what both pages ask for: goes back and sends that form again.
        """
        if self.loses_answers:
            self.hang_up(form)
        earlier, form.doubtful = form.doubtful, True
        begun = time.monotonic()
        status, to, text = self.ask("POST", form.path, urlencode(form.fields))
        self.seconds.append(time.monotonic() - begun)
        if status == REDIRECT and "/sign-in" not in to and not to.startswith("/e"):
            self.said["saved"] += 1
            return True
        if UNKNOWN in text:
            self.said["unknown"] += 1
        elif status == UNAVAILABLE and any(words in text for words in NOT_SAVED):
            self.said["not saved"] += 1
            form.doubtful = earlier
            if not earlier:
                self.give_up(form)
        else:
            self.wrong.append(f"{form.act} {status} {to} {_heading(text)}")
        return False

    def hang_up(self, form: Form) -> None:
        """Send a form and break the connection before the answer: at once, or a moment later."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {
            "Cookie": f"linyi={self.cookie}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        link.request("POST", form.path, urlencode(form.fields), headers)
        time.sleep(self.dice.choice((0, 0, 0.002, 0.01)))
        assert link.sock is not None
        if self.dice.random() < 0.5:
            # Not the polite way of closing: the network is gone, what is under way is dropped.
            link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        link.close()
        form.doubtful = True
        self.said["lost"] += 1

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
            return _form(act, path, fields, choice=self.dice.choice(CHOICES))
        if act == "opinion":
            path = f"/c/{code}/say?about=topic:{town.topic}"
            fields = self.fields(path, "csrf_token", "once")
            text = f"长椅放在 {self.number} 号门前，第 {self.sent['opinion']} 次说"
            return _form(act, path, fields, text=text)
        if act == "seat":
            page = f"/c/{code}/meetings/{town.meeting}"
            fields = self.fields(page, "csrf_token")
            self.joined = self.joined != bool(fields)
            return _form(act, f"{page}/{'join' if self.joined else 'leave'}", fields)
        if self.signed:
            return None
        path = f"/c/{code}/convention/1/sign"
        fields = self.fields(path, "csrf_token", "text_sha256")
        self.signed = bool(fields)
        return _form(act, path, fields, drawing="")

    def fields(self, path: str, *names: str) -> dict[str, str]:
        """Hidden fields of a page; nothing when the page did not come."""
        status, _to, page = self.ask("GET", path)
        if status != 200:
            self.said["away"] += 1
            true = UNKNOWN in page or any(words in page for words in NOT_SAVED)
            if status != UNAVAILABLE or not true:
                self.wrong.append(f"GET {path} {status} {_heading(page)}")
            return {}
        return {name: re.findall(rf'name="{name}"[^>]*value="([^"]+)"', page)[-1] for name in names}


def _form(act: str, path: str, hidden: dict[str, str], **typed: str) -> Form | None:
    """A form that was opened and filled in; none when its page did not come."""
    return Form(act, path, hidden | typed) if hidden else None


def _heading(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page)
    return found[1] if found else page[:80]


@contextmanager
def rushing(phones: list[Phone], threads: int = 6) -> Iterator[None]:
    """Let every phone write, each in one thread's hands, until the end of the block."""
    stop = threading.Event()

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
    try:
        yield
    finally:
        stop.set()
        for hand in hands:
            hand.join()


def wait_for(phones: list[Phone], more: int, seconds: float = 120) -> None:
    """Until the portal has said "saved" so many times more; a slow machine gets its time."""
    wanted = more + sum(phone.sent.total() for phone in phones)
    patience = time.monotonic() + seconds
    while sum(phone.sent.total() for phone in phones) < wanted:
        assert time.monotonic() < patience, [phone.said for phone in phones][:6]
        time.sleep(0.005)


def wait_to_hear(phones: list[Phone], times: int, seconds: float = 120) -> None:
    """Until the portal has said so often more that it cannot save or show, or does not know."""
    kinds = ("not saved", "unknown", "away")
    wanted = times + sum(phone.said[kind] for phone in phones for kind in kinds)
    patience = time.monotonic() + seconds
    while sum(phone.said[kind] for phone in phones for kind in kinds) < wanted:
        assert time.monotonic() < patience, (said(phones), [phone.wrong for phone in phones][:4])
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
    found = stored(town)
    for phone in phones:
        assert not phone.wrong, phone.wrong[:5]
        told = {act: phone.sent[act] for act in ("ballot", "opinion", "pledge")}
        told |= {"version": phone.sent["ballot"], "seat": int(phone.joined)}
        assert found[phone.number] == told, (phone.number, phone.said)
    return sum(phone.sent.total() for phone in phones)


def stored(town: Town) -> list[dict[str, int]]:
    """What the database at hand holds of each member, in their order."""
    place_id = town.place.id
    ballots = _count(
        select(PollVoter.household_id, func.count())
        .join(Ballot, Ballot.voter_id == PollVoter.id)
        .where(PollVoter.community_id == place_id)
        .group_by(PollVoter.household_id)
    )
    versions = _count(
        select(PollVoter.household_id, PollVoter.version)
        .join(Poll, Poll.id == PollVoter.poll_id)
        .where(Poll.community_id == place_id, Poll.public_id == town.poll)
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
    return [
        {
            "ballot": ballots.get(member.homes[0].household_id, 0),
            "version": versions[member.homes[0].household_id],
            "opinion": posts.get(member.require_person(), 0),
            "pledge": pledges.get(member.require_person(), 0),
            "seat": seats.get(member.require_person(), 0),
        }
        for member in town.members
    ]


def _count(statement: object) -> dict[int, int]:
    return {row[0]: row[1] for row in db.session.execute(statement)}  # type: ignore[call-overload]


def said(phones: list[Phone]) -> dict[str, int]:
    """How often the portal said what."""
    return dict(sum((phone.said for phone in phones), Counter()))


def verify_record(app: Flask, place: Place, folder: Path) -> None:
    """Export the record and check it with the program that strangers get."""
    archive = folder / "record.zip"
    runner = app.test_cli_runner()
    done = runner.invoke(args=["record", "export", place.code, "-o", str(archive)])
    assert done.exit_code == 0, done.output
    program = ROOT / "app" / "exports" / "verify_record.py"
    checked = subprocess.run(
        [sys.executable, str(program), str(archive)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr

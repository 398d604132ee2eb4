"""The server's clock is moved around a deadline: no ballot ends up on the wrong side of it."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.jobs import Job
from app.core.record import RecordEntry
from app.voting.models import Ballot, Poll, PollVoter
from tests.reliability import figures, rush
from tests.reliability.servers import serving
from tests.support.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from app.core.actor import Actor
    from tests.reliability.moved_clock import MovedClock
    from tests.reliability.servers import Servers
    from tests.support.world import Place

SECOND = timedelta(seconds=1)
STEPS = [
    sign * timedelta(seconds=size) for size in (2, 61, 2 * 3600, 24 * 3600) for sign in (1, -1)
]
# A whole hour, and a deadline within one: the record tells hours of ballots alone.
MINUTES = (0, 30)


@dataclass
class Voting:
    """A poll with a deadline, its households, and what each of them was told."""

    app: Flask
    place: Place
    poll: str
    closes_at: datetime
    members: list[Actor]
    phones: list[rush.Phone]
    told: list[Counter[str]] = field(default_factory=list)
    lies: list[str] = field(default_factory=list)

    def cast(self, number: int, expected: str = "") -> str:
        """Send one household's ballot, read on as a person would; what the portal says of it.

        The form was opened long before: whoever is in time by the clock on the wall has it.
        """
        phone, address = self.phones[number], f"/c/{self.place.code}/votes/{self.poll}"
        token = World(self.app).token(self.members[number], self.place, self.poll)
        fields = {"csrf_token": self.csrf[number], "token": token, "choice": "yes"}
        status, to, text = phone.ask("POST", f"{address}/ballot", urlencode(fields))
        if status == rush.REDIRECT and to.endswith("/receipt"):
            _status, _to, text = phone.ask("GET", f"{address}/receipt")
        told = said_of(text)
        self.told[number][told] += 1
        if not told or (expected and told != expected):
            self.lies.append(f"{number}: {told or text[:2000]} instead of {expected}")
        return told

    def open_forms(self) -> None:
        """Every phone opens the ballot while it can."""
        path = f"/c/{self.place.code}/votes/{self.poll}/ballot"
        self.csrf = [phone.fields(path, "csrf_token")["csrf_token"] for phone in self.phones]
        assert not [phone.wrong for phone in self.phones if phone.wrong]

    def cast_in_its_own_context(self, number: int) -> str:
        """The same from a thread."""
        with self.app.app_context():
            return self.cast(number)

    def move_to(self, port: int) -> None:
        """Let every phone ask another server."""
        for phone in self.phones:
            phone.port = port

    def state(self) -> str:
        db.session.rollback()
        found = db.session.scalar(select(Poll.state).where(Poll.public_id == self.poll))
        db.session.rollback()
        return str(found)

    def wait_until(self, state: str, seconds: float = 120) -> None:
        patience = time.monotonic() + seconds
        while self.state() != state:
            assert time.monotonic() < patience, (self.state(), failed_jobs())
            time.sleep(0.05)

    def check(self, folder: Path) -> int:
        """Compare what everybody was told with what is stored; gives the number of ballots."""
        db.session.rollback()
        rows = db.session.execute(
            select(PollVoter.household_id, Ballot.cast_at, Ballot.entry_seq)
            .join(Ballot, Ballot.voter_id == PollVoter.id)
            .where(PollVoter.community_id == self.place.id)
        ).all()
        entries = [
            json.loads(text)
            for text in db.session.scalars(
                select(RecordEntry.entry).where(RecordEntry.community_id == self.place.id)
            )
        ]
        at = {entry["seq"]: entry["at"] for entry in entries}
        mine = [entry for entry in entries if entry["data"].get("poll") == self.poll]
        (opened,) = (e["seq"] for e in mine if e["kind"] == "poll.opened")
        (closed,) = (e["seq"] for e in mine if e["kind"] == "poll.closed")
        late = [e["data"]["voter"] for e in entries if e["kind"] == "ballot.logged"]
        # The right side of the deadline, by the ballot's own time, by the record's, by its order.
        assert [row for row in rows if row.cast_at >= self.closes_at] == []
        deadline = clock.to_record(self.closes_at)
        assert [row for row in rows if at[row.entry_seq] >= deadline] == []
        assert [row for row in rows if not opened < row.entry_seq < closed] == []
        assert len(late) == len(set(late))
        counted = Counter(row.household_id for row in rows)
        logged = set(
            db.session.scalars(
                select(PollVoter.household_id).where(
                    PollVoter.community_id == self.place.id, PollVoter.late_logged
                )
            )
        )
        db.session.rollback()
        assert len(logged) == len(late)
        for number, told in enumerate(self.told):
            household = self.place.households[number]
            assert counted[household] == told["counted"], (number, told)
            assert (household in logged) == (told["late"] > 0), (number, told)
        assert self.lies == []
        with clock.set_to(self.closes_at + timedelta(days=3)):
            rush.verify_record(self.app, self.place, folder)
        return len(rows)


def said_of(page: str) -> str:
    """What a page says of the ballot just sent; nothing when it says nothing that we know."""
    known = {
        "late": "到得太晚，没有计入",
        "counted": "已收到",
        "clock": "服务器的时钟比最近一条记录还早",
        "closed": "投票已经截止，选票没有存上，也不会计票",
    }
    return next((name for name, words in known.items() if words in page), "")


def failed_jobs() -> list[str]:
    found = db.session.scalars(select(Job.last_error).where(Job.last_error != "")).all()
    db.session.rollback()
    return list(found)


def deadline_at(minute: int) -> datetime:
    """A deadline somewhere in the next two hours; the server's clock is set to be near it."""
    now = datetime.now(UTC)
    return now.replace(minute=minute, second=0, microsecond=0) + timedelta(hours=1)


def found_voting(app: Flask, code: str, homes: int, closes_at: datetime, port: int) -> Voting:
    """A poll that has been open for two hours by its deadline, with everybody's phones."""
    world = World(app)
    with clock.set_to(closes_at - timedelta(hours=2)):
        place = world.community(code, homes)
        signed_in = [world.signed_in(place, number) for number in range(homes)]
        poll = world.poll(place, lasts=timedelta(hours=2))
    members = [actor for actor, _cookie in signed_in]
    cookies = [rush.cookie_of(app, cookie) for _actor, cookie in signed_in]
    town = rush.Town(place, poll, "", "", members, cookies)
    phones = [rush.Phone(town, number, port) for number in range(homes)]
    return Voting(app, place, poll, closes_at, members, phones, [Counter() for _ in range(homes)])


def step_around(
    server: Servers, moved: MovedClock, there: Voting, step: timedelta, *, restart: bool
) -> None:
    """Cast before, while the clock is wrong, through the deadline, after it, and after a step back.

    Six households each time; with `restart` the server starts anew at every step.
    """
    homes = iter(range(len(there.phones)))

    def go_to(moment: datetime) -> None:
        if restart:
            server.kill()
        moved.set_to(moment)
        if restart:
            server.start()

    def cast(number: int, expected: str = "") -> set[str]:
        return {there.cast(next(homes), expected) for _ in range(number)}

    closes_at = there.closes_at
    go_to(closes_at - 40 * SECOND)
    there.open_forms()
    cast(3, "counted")
    wrong = closes_at - 20 * SECOND + step
    go_to(wrong)
    if wrong >= closes_at:
        cast(3, "late")
        there.wait_until("closed")
    elif abs(step) < timedelta(hours=2):
        cast(3, "counted")
    else:
        # Hardly open yet, or not yet: only what the record could not tell in order is refused.
        assert cast(3) <= {"counted", "clock"}
    go_to(closes_at - SECOND)
    if there.state() == "closed":
        cast(6)
    else:
        patience = time.monotonic() + 1.5
        while time.monotonic() < patience:
            cast(1)
            time.sleep(0.15)
    go_to(closes_at + 5 * SECOND)
    cast(3, "late")
    there.wait_until("closed")
    go_to(closes_at + 5 * SECOND - abs(step))
    assert cast(3) <= {"late", "closed", "clock"}
    assert there.state() == "closed"
    go_to(closes_at + timedelta(hours=25))
    cast(1, "late")


HOMES_OF_A_STEP = 26


def sweep(
    app: Flask, moved: MovedClock, folder: Path, steps: list[timedelta], *, restart: bool
) -> tuple[int, Counter[str]]:
    """Each step around a deadline of its own; gives how many ballots counted, and what was told."""
    counted, told = 0, Counter[str]()
    moved.set_to(datetime.now(UTC))
    with serving(app, LINYI_WORKER_THREAD="1", **moved.settings) as server:
        for number, step in enumerate(steps):
            closes_at = deadline_at(MINUTES[number // 2 % 2])
            # The step before left the clock a day ahead: the worker would close this poll at once.
            moved.set_to(closes_at - timedelta(hours=1))
            there = found_voting(app, f"K{number}", HOMES_OF_A_STEP, closes_at, server.port)
            step_around(server, moved, there, step, restart=restart)
            counted += there.check(folder)
            told.update(sum(there.told, Counter()))
    return counted, told


def test_no_ballot_is_on_the_wrong_side_when_the_clock_steps_around_the_deadline(
    web_app: Flask, moved_clock: MovedClock, tmp_path: Path
) -> None:
    counted, told = sweep(web_app, moved_clock, tmp_path, STEPS[4:6], restart=False)
    assert counted == told["counted"] >= 6
    assert told["late"] >= 8


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_the_whole_sweep(
    app: Flask,
    moved_clock: MovedClock,
    tmp_path: Path,
    restart: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    counted, told = sweep(app, moved_clock, tmp_path, STEPS, restart=restart)
    with capsys.disabled():
        how = "server restarted at each step" if restart else "while the server runs"
        figures.note(
            f"clock moved by ±2 s, ±61 s, ±2 h, ±24 h around a deadline, {how}, "
            f"{figures.engine(app)}",
            len(STEPS),
            len(STEPS),
            f"{counted} counted, {told['late']} told that they came too late, "
            f"{told['closed'] + told['clock']} refused",
            wrong_side=0,
            contradicted=0,
        )

"""What is answered "saved" has reached the disk before, also where the disk is slow or fails."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.reliability import figures, rush
from tests.reliability.servers import serving
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

HOMES = 32
FULL_FAULTS, FULL_BALLOTS, FULL_WATCHED = 200, 1000, 200
# Failures of a thousand writes and syncs, and how many milliseconds longer each sync takes.
SLOW_AND_FAILING, SLOW = "100 5", "0 5"


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def rush_over_a_slow_disk(
    app: Flask, folder: Path, library: Path, faults: int, ballots: int
) -> tuple[list[float], float]:
    """Write over a slow disk that fails, then ballots alone over a slow one, 32 phones at once.

    Gives how many seconds each of those ballots took, and how many syncs one cost.
    """
    town = rush.found_town(World(app), HOMES)
    control = folder / "disk"
    counted, synced = control.with_suffix(".count"), control.with_suffix(".syncs")
    with serving(app, LD_PRELOAD=str(library), FAULTY_DISK=str(control)) as server:
        phones = [rush.Phone(town, number, server.port) for number in range(HOMES)]
        control.write_text(SLOW_AND_FAILING, encoding="ascii")
        with rush.rushing(phones):
            while size_of(counted) < faults:
                rush.wait_for(phones, 1)
        control.write_text(SLOW, encoding="ascii")
        rush.settle(phones)
        before = sum(phone.sent["ballot"] for phone in phones), size_of(synced)
        for phone in phones:
            phone.acts, phone.seconds = ("ballot",), []
        with rush.rushing(phones, threads=HOMES):
            rush.wait_for(phones, ballots)
        rush.settle(phones)
        cast = sum(phone.sent["ballot"] for phone in phones) - before[0]
        syncs = size_of(synced) - before[1]
    rush.check(town, phones)
    rush.verify_record(app, town.place, folder)
    return sorted(second for phone in phones for second in phone.seconds), syncs / cast


def test_a_slow_disk_that_fails_makes_no_answer_a_lie_and_each_ballot_is_synced(
    web_app: Flask, tmp_path: Path, faulty_disk: Path
) -> None:
    _seconds, syncs = rush_over_a_slow_disk(web_app, tmp_path, faulty_disk, faults=10, ballots=20)
    # Each ballot is committed by itself. Who commits several together will lower this.
    assert 0.9 < syncs < 3


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_thousand_ballots_over_a_slow_disk(
    web_app: Flask, tmp_path: Path, faulty_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faults, ballots = figures.part_of(FULL_FAULTS), figures.part_of(FULL_BALLOTS)
    seconds, syncs = rush_over_a_slow_disk(web_app, tmp_path, faulty_disk, faults, ballots)
    with capsys.disabled():
        figures.note(
            "ballots cast by 32 phones at once, each sync 5 ms slower, SQLite",
            ballots,
            FULL_BALLOTS,
            f"p50 {1000 * seconds[len(seconds) // 2]:.0f} ms, "
            f"p99 {1000 * seconds[len(seconds) * 99 // 100]:.0f} ms, "
            f"{syncs:.2f} syncs for each accepted ballot (before that, {faults} failed writes "
            "and syncs of the same slow disk)",
            lost=0,
            doubled=0,
            contradicted=0,
        )


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_no_answer_leaves_before_the_ballot_is_on_the_disk(
    web_app: Flask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strace = shutil.which("strace")
    assert strace, "strace is missing: `tools/setup.sh soak` installs it, or your package manager"
    ballots = figures.part_of(FULL_WATCHED)
    town = rush.found_town(World(web_app), 4)
    trace = tmp_path / "trace"
    with serving(web_app) as server:
        phones = [rush.Phone(town, number, server.port, acts=("ballot",)) for number in range(4)]
        command = [strace, "-f", "-y", "-s", "24", "-o", str(trace)]
        command += ["-e", "trace=fsync,fdatasync,write,writev,pwrite64,sendto,sendmsg"]
        for process in server.processes():
            command += ["-p", str(process)]
        watcher = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            wait_until_it_watches(trace, phones[0])
            for number in range(ballots):
                phones[number % 4].write()
        finally:
            watcher.send_signal(signal.SIGINT)
            watcher.wait()
    rush.check(town, phones)
    answers, too_early = 0, []
    for answer, on_disk in answers_in(trace.read_text(encoding="utf-8", errors="replace")):
        answers += 1
        too_early += [] if on_disk else [answer]
    assert too_early == []
    assert answers == sum(phone.sent["ballot"] for phone in phones) >= ballots
    with capsys.disabled():
        figures.note(
            "answers that left the server, seen by strace, SQLite",
            ballots,
            FULL_WATCHED,
            f"{answers} answers, each after the sync of what it tells of",
            before_the_sync=0,
        )


def wait_until_it_watches(trace: Path, phone: rush.Phone) -> None:
    """Until the trace shows a request."""
    patience = time.monotonic() + 60
    while size_of(trace) == 0:
        assert time.monotonic() < patience, "strace may not watch processes here"
        phone.ask("GET", "/health")
    time.sleep(0.5)


DONE = re.compile(r"^\d+ +(?:<\.\.\. )?(fsync|fdatasync)\b.*= 0$")
WAL = re.compile(r"^\d+ +(?:pwrite64|write)\(\d+<[^>]*-wal>")
ANSWER = re.compile(r'^\d+ +(?:write|writev|sendto|sendmsg)\(.*"HTTP/1\.1 303')


def answers_in(trace: str) -> Iterator[tuple[str, bool]]:
    """Each redirect that went out, and whether a write to the log was synced and nothing since."""
    wrote, on_disk = False, False
    for line in trace.splitlines():
        if WAL.match(line):
            wrote, on_disk = True, False
        elif wrote and DONE.match(line):
            on_disk = True
        elif ANSWER.match(line):
            yield line, on_disk
            wrote, on_disk = False, False

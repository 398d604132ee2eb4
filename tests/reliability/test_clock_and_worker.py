"""A worker that comes late, a clock that went back, and a deadline that many ballots cross."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.core import clock
from app.core.actor import SYSTEM
from app.core.db import db
from app.voting import operations as voting
from tests.reliability import figures
from tests.reliability.servers import servers, serving
from tests.reliability.test_clock import (
    SECOND,
    Voting,
    deadline_at,
    failed_jobs,
    found_voting,
)
from tests.support.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from tests.reliability.moved_clock import MovedClock

HOUR = timedelta(hours=1)
CLIENTS = 6
HOMES_OF_A_CROSSING = 30
FULL = 50


def test_what_the_clock_forbids_now_is_done_by_itself_when_the_clock_has_come_round(
    web_app: Flask, moved_clock: MovedClock, tmp_path: Path
) -> None:
    moved, closes_at = moved_clock, deadline_at(0)
    moved.set_to(closes_at - 60 * SECOND)
    with servers(web_app, **moved.settings, LINYI_WORKER_THREAD="0") as idle:
        there = found_voting(web_app, "HXL", 4, closes_at, idle.port)
        planned = planned_poll(there, closes_at + 10 * SECOND)
        idle.start()
        there.open_forms()
        there.cast(0, "counted")
        # Nobody works when the clock is two hours ahead, so the log alone has seen that time.
        moved.set_to(closes_at + 2 * HOUR)
        there.cast(1, "late")
    assert there.state() == "open"
    moved.set_to(closes_at + 20 * SECOND)
    with serving(web_app, **moved.settings, LINYI_WORKER_THREAD="1") as working:
        there.move_to(working.port)
        wait_for_refusals(2)
        assert (there.state(), planned.state()) == ("open", "scheduled")
        there.cast(2, "late")
        moved.set_to(closes_at + 2 * HOUR)
        there.wait_until("closed")
        planned.wait_until("open")
        there.cast(3, "late")
    assert there.check(tmp_path) == 1


def planned_poll(there: Voting, begins: datetime) -> Voting:
    """Another poll of the same community, which the worker has to open at its time."""
    world = World(there.app)
    with clock.set_to(there.closes_at - HOUR):
        poll = world.draft(there.place, opens_at=begins, title="到时候再开放")
        voting.schedule_poll(SYSTEM, community_id=there.place.id, public_id=poll, opens_at=begins)
    return Voting(there.app, there.place, poll, begins, [], [])


def wait_for_refusals(jobs: int) -> None:
    """Until so many jobs have been refused because the clock stands behind the record."""
    patience = time.monotonic() + 120
    while len([error for error in failed_jobs() if "clock.stepped_back" in error]) < jobs:
        assert time.monotonic() < patience, failed_jobs()
        time.sleep(0.05)


def crossed(app: Flask, moved: MovedClock, folder: Path, crossings: int) -> tuple[int, int]:
    """Let households cast through a deadline as fast as they can; gives counted and late ones."""
    counted, late = 0, 0
    moved.set_to(datetime.now(UTC))
    with serving(app, LINYI_WORKER_THREAD="1", **moved.settings) as server:
        for number in range(crossings):
            closes_at = deadline_at(0)
            there = found_voting(app, f"U{number}", HOMES_OF_A_CROSSING, closes_at, server.port)
            moved.set_to(closes_at - 60 * SECOND)
            there.open_forms()
            moved.set_to(closes_at - SECOND * 0.25)
            with ThreadPoolExecutor(CLIENTS) as pool:
                list(pool.map(there.cast_in_its_own_context, range(HOMES_OF_A_CROSSING)))
            moved.set_to(closes_at + 5 * SECOND)
            there.wait_until("closed")
            counted += there.check(folder)
            late += sum(told["late"] for told in there.told)
            db.session.rollback()
    return counted, late


def test_ballots_cast_through_the_deadline_fall_on_the_side_that_each_was_told(
    web_app: Flask, moved_clock: MovedClock, tmp_path: Path
) -> None:
    counted, late = crossed(web_app, moved_clock, tmp_path, crossings=2)
    assert counted + late == 2 * HOMES_OF_A_CROSSING


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_fifty_deadlines_crossed(
    app: Flask, moved_clock: MovedClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crossings = figures.part_of(FULL)
    counted, late = crossed(app, moved_clock, tmp_path, crossings)
    assert counted + late == crossings * HOMES_OF_A_CROSSING
    with capsys.disabled():
        figures.note(
            f"deadline crossed by households casting at once, {figures.engine(app)}",
            crossings,
            FULL,
            f"{counted} counted, {late} told that they came too late",
            wrong_side=0,
            contradicted=0,
        )

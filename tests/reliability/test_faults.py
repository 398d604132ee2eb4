"""A disk that fails: what the portal says of each form is true, and nothing is stored twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.core.db import db
from app.voting.models import Ballot
from tests.reliability import figures, rush
from tests.reliability.servers import servers, serving
from tests.support.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

HOMES = 24
ONE_IN_TEN, EVERY_SYNC = "100", "0 0 1000"
FULL = 1000


def rush_over_a_failing_disk(
    app: Flask, folder: Path, library: Path, least: int
) -> tuple[int, int, dict[str, int]]:
    """Write until so many writes have failed; gives failures, what was written, what was said."""
    town = rush.found_town(World(app), HOMES)
    control, count = folder / "faults", folder / "faults.count"
    with serving(app, LD_PRELOAD=str(library), FAULTY_DISK=str(control)) as server:
        phones = [rush.Phone(town, number, server.port) for number in range(HOMES)]
        with rush.rushing(phones):
            rush.wait_for(phones, HOMES)
            control.write_text(ONE_IN_TEN, encoding="ascii")
            while not count.exists() or count.stat().st_size < least:
                rush.wait_for(phones, 1, seconds=60)
            control.unlink()
        rush.settle(phones)
    written = rush.check(town, phones)
    rush.verify_record(app, town.place, folder)
    return count.stat().st_size, written, rush.said(phones)


def test_one_write_in_ten_fails_and_no_answer_is_a_lie(
    web_app: Flask, tmp_path: Path, faulty_disk: Path
) -> None:
    _failed, _written, said = rush_over_a_failing_disk(web_app, tmp_path, faulty_disk, least=60)
    assert said.get("unknown", 0) + said.get("not saved", 0) > 0, said


def test_a_ballot_whose_sync_failed_is_called_unknown_since_a_new_start_may_bring_it_back(
    web_app: Flask, tmp_path: Path, faulty_disk: Path
) -> None:
    town = rush.found_town(World(web_app), 3)
    control, came_back = tmp_path / "faults", 0
    with servers(web_app, LD_PRELOAD=str(faulty_disk), FAULTY_DISK=str(control)) as server:
        phones = [rush.Phone(town, number, server.port, acts=("ballot",)) for number in range(3)]
        server.start()
        for number, phone in enumerate(phones):
            phone.open_form = phone.filled_in("ballot")
            control.write_text(EVERY_SYNC, encoding="ascii")
            phone.write()
            # Whoever still held the file open would keep the new start from looking at the log.
            db.session.remove()
            db.engine.dispose()
            server.kill()
            control.unlink()
            server.start()
            came_back += db.session.scalar(select(func.count(Ballot.id))) - number
            phone.write()
    assert came_back > 0
    rush.check(town, phones)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_thousand_faults(
    web_app: Flask, tmp_path: Path, faulty_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    least = figures.part_of(FULL)
    failed, written, said = rush_over_a_failing_disk(web_app, tmp_path, faulty_disk, least)
    with capsys.disabled():
        figures.note(
            "one in ten of the database's writes and syncs fails, SQLite",
            failed,
            FULL,
            f"{written:,} acknowledged, {said.get('not saved', 0)} told that nothing was saved, "
            f"{said.get('unknown', 0)} told that it is not known",
            lost=0,
            doubled=0,
            contradicted=0,
        )

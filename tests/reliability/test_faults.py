"""A disk that fails: what the portal says of each form is true, and nothing is stored twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reliability import figures, rush
from tests.reliability.servers import serving
from tests.support.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

HOMES = 24
ONE_IN_TEN = "100"
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

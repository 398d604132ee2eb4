"""kill -9 during mixed writing: what was acknowledged is there once, and the record verifies."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.reliability import figures, rush
from tests.reliability.servers import servers
from tests.support.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

HOMES = 36
# On each engine: five hundred in all.
FULL = 250


def killed_again_and_again(app: Flask, tmp_path: Path, kills: int) -> int:
    """Write, kill, start again, send what had no answer, compare; so many times."""
    town = rush.found_town(World(app), HOMES)
    dice = random.Random(kills)
    with servers(app) as server:
        phones = [rush.Phone(town, number, server.port) for number in range(HOMES)]
        for _ in range(kills):
            server.start()
            with rush.rushing(phones):
                rush.wait_for(phones, dice.randrange(1, 40))
                server.kill()
        server.start()
        rush.settle(phones)
    written = rush.check(town, phones)
    rush.verify_record(app, town.place, tmp_path)
    return written


def test_a_server_killed_while_all_sorts_are_written_loses_and_doubles_nothing(
    app: Flask, tmp_path: Path
) -> None:
    assert killed_again_and_again(app, tmp_path, kills=3) > HOMES


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_five_hundred_kills(app: Flask, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kills = figures.part_of(FULL)
    written = killed_again_and_again(app, tmp_path, kills)
    with capsys.disabled():
        figures.note(
            f"kill -9 while everything is written, {figures.engine(app)}",
            kills,
            FULL,
            f"{written:,} forms acknowledged",
            lost=0,
            doubled=0,
            contradicted=0,
        )

"""kill -9 during mixed writing: what was acknowledged is there once, and the record verifies."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import pytest

from tests.reliability import rush
from tests.support.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

HOMES = 36


def killed_again_and_again(app: Flask, tmp_path: Path, kills: int) -> int:
    """Write, kill, start again, send what had no answer, compare; so many times."""
    town = rush.found_town(World(app), HOMES)
    port = rush.free_port()
    phones = [rush.Phone(town, number, port) for number in range(HOMES)]
    dice = random.Random(kills)
    for _ in range(kills):
        stop = threading.Event()
        with rush.serving(app, port) as server:
            hands = rush.rush(phones, stop)
            rush.wait_for(phones, dice.randrange(1, 40))
            rush.kill(server)
            stop.set()
            for hand in hands:
                hand.join()
    with rush.serving(app, port):
        rush.settle(phones)
    written = rush.check(town, phones)
    rush.verify_record(app, town, tmp_path)
    return written


def test_a_server_killed_while_all_sorts_are_written_loses_and_doubles_nothing(
    app: Flask, tmp_path: Path
) -> None:
    assert killed_again_and_again(app, tmp_path, kills=4) > HOMES


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_five_hundred_kills(app: Flask, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = killed_again_and_again(app, tmp_path, kills=250)
    with capsys.disabled():
        print(
            f"\nkills 250 ({app.config['SETTINGS'].database_url.split(':')[0]}): {written} written"
        )

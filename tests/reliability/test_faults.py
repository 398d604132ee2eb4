"""A disk that fails: what the portal says of each form is true, and nothing is stored twice."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.reliability import rush
from tests.support.world import World

if TYPE_CHECKING:
    from flask import Flask

HOMES = 24
SOURCE = Path(__file__).with_name("faulty_disk.c")
ONE_IN_TEN = "100"


@pytest.fixture(scope="session")
def faulty_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes writes and syncs of SQLite's files fail."""
    compiler = shutil.which("cc")
    assert compiler, "the fault tests need a C compiler: tools/setup.sh installs one"
    library = tmp_path_factory.mktemp("faults") / "faulty_disk.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return library


def rush_over_a_failing_disk(
    app: Flask, folder: Path, library: Path, least: int
) -> tuple[int, int, dict[str, int]]:
    """Write until so many writes have failed; gives failures, what was written, what was said."""
    town = rush.found_town(World(app), HOMES)
    port, control = rush.free_port(), folder / "faults"
    phones = [rush.Phone(town, number, port) for number in range(HOMES)]
    count, stop = folder / "faults.count", threading.Event()
    with rush.serving(app, port, LD_PRELOAD=str(library), FAULTY_DISK=str(control)):
        hands = rush.rush(phones, stop)
        rush.wait_for(phones, HOMES)
        control.write_text(ONE_IN_TEN, encoding="ascii")
        while not count.exists() or count.stat().st_size < least:
            rush.wait_for(phones, 1, seconds=60)
        control.unlink()
        stop.set()
        for hand in hands:
            hand.join()
        rush.settle(phones)
    written = rush.check(town, phones)
    rush.verify_record(app, town, folder)
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
    failed, written, said = rush_over_a_failing_disk(web_app, tmp_path, faulty_disk, least=1000)
    with capsys.disabled():
        print(f"\nfailed writes and syncs {failed}, written {written}, said {said}")

"""The disk fills up while everybody writes: true answers until there is room again, then on."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from app import create_app
from app.core.db import db
from tests.conftest import settings_for
from tests.reliability import figures, rush
from tests.reliability.servers import Servers, serving
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

HOMES = 24
DISK_BYTES = 24 * 1024 * 1024
FULL = 20


class SmallDisk:
    """A folder on a disk of its own that can be filled to the last block."""

    how = "a tmpfs of 24 MB"

    def __init__(self, folder: Path) -> None:
        self.folder, self.filler = folder, folder / "something-else"

    def fill(self, _server: Servers) -> None:
        with self.filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    def make_room(self, _server: Servers) -> None:
        self.filler.unlink()


class SmallFiles:
    """The nearest thing where mounting is not allowed: no file may grow beyond what it is."""

    how = "RLIMIT_FSIZE, since mounting is not allowed here"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, server: Servers) -> None:
        wal = next(self.folder.glob("*.sqlite3-wal"))
        self._limit(server, wal.stat().st_size)

    def make_room(self, server: Servers) -> None:
        self._limit(server, resource.RLIM_INFINITY)

    def _limit(self, server: Servers, most: int) -> None:
        for process in server.processes():
            resource.prlimit(process, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk | SmallFiles]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if os.geteuid() == 0 and subprocess.run(command, check=False).returncode == 0:
        try:
            yield SmallDisk(folder)
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
    else:
        yield SmallFiles(folder)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk | SmallFiles]:
    with small_disk(tmp_path / "disk") as found:
        yield found


@pytest.fixture
def app_on_small_disk(disk: SmallDisk | SmallFiles, sqlite_template: Path) -> Iterator[Flask]:
    path = disk.folder / "linyi.sqlite3"
    shutil.copy(sqlite_template, path)
    app = create_app(settings_for(f"sqlite:///{path}", disk.folder))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def filled_again_and_again(
    app: Flask, disk: SmallDisk | SmallFiles, folder: Path, times: int
) -> tuple[int, dict[str, int]]:
    """Write, fill the disk, hear that nothing can be saved, make room, go on; so many times."""
    town = rush.found_town(World(app), HOMES)
    # A reader that stays, even this test, would keep the log of writes from ever being put away.
    db.session.rollback()
    # The portal may stop by itself before a disk is full. Here it has to run into it.
    with serving(app, LINYI_READ_ONLY_PERCENT="0") as server:
        phones = [rush.Phone(town, number, server.port) for number in range(HOMES)]
        for _ in range(times):
            with rush.rushing(phones):
                rush.wait_for(phones, HOMES)
                disk.fill(server)
                rush.wait_to_hear(phones, 24)
                disk.make_room(server)
                rush.wait_for(phones, HOMES)
        rush.settle(phones)
    written = rush.check(town, phones)
    rush.verify_record(app, town.place, folder)
    return written, rush.said(phones)


def test_a_full_disk_makes_no_answer_a_lie_and_all_goes_on_when_there_is_room(
    app_on_small_disk: Flask, disk: SmallDisk | SmallFiles, tmp_path: Path
) -> None:
    _written, said = filled_again_and_again(app_on_small_disk, disk, tmp_path, times=1)
    assert said.get("not saved", 0) + said.get("unknown", 0) > 0


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_twenty_full_disks(
    app_on_small_disk: Flask,
    disk: SmallDisk | SmallFiles,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    times = figures.part_of(FULL)
    written, said = filled_again_and_again(app_on_small_disk, disk, tmp_path, times)
    with capsys.disabled():
        figures.note(
            f"disk full while everything is written ({disk.how}), SQLite",
            times,
            FULL,
            f"{written:,} acknowledged, {said.get('not saved', 0):,} told that nothing was saved, "
            f"{said.get('unknown', 0)} told that it is not known",
            lost=0,
            doubled=0,
            contradicted=0,
        )

"""Backups taken in the rush, each restored and compared with what had been acknowledged before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from app.core.actor import SYSTEM
from app.core.db import db, let_go
from app.keeping import backup, engines, packing, restoring, sealing
from tests.keeping.conftest import pg_programs
from tests.reliability import figures, rush
from tests.reliability.servers import serving
from tests.support.world import World

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from flask import Flask

    from app.config import Settings

HOMES = 24
# On each engine.
FULL = 20
# What a person only ever has more of; places and signatures are compared at the end of the rush.
GROWING = ("ballot", "opinion")


@pytest.fixture
def backed_up(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation on each engine with a key for backups and a folder that takes them."""
    safe, backups = tmp_path_factory.mktemp("safe"), tmp_path_factory.mktemp("backups")
    sealing.make_key(safe / "backup.key")
    settings: Settings = replace(
        app.config["SETTINGS"],
        backup_dir=backups,
        backup_key_file=safe / "backup.key",
        record_key_file=safe / "record.key",
        pg_bin=pg_programs(),
    )
    app.config["SETTINGS"] = settings
    return settings


@dataclass
class Taken:
    """A backup, and what each phone had been told before it began and after it was finished."""

    path: Path
    before: list[Counter[str]]
    after: list[Counter[str]]


def taken_in_the_rush(phones: list[rush.Phone], folder: Path) -> Taken:
    before = [phone.sent.copy() for phone in phones]
    path = backup.take(SYSTEM, folder=folder).path
    return Taken(path, before, [phone.sent.copy() for phone in phones])


def looked_into(settings: Settings, town: rush.Town, path: Path) -> list[dict[str, int]]:
    """What a restored copy of a backup holds of each member."""
    with packing.workplace(settings) as work:
        unpacked = restoring._opened(settings, path, work)
        with (
            restoring._staged(settings, unpacked) as staged,
            engines.beside(
                settings,
                database_url=staged.address,
                data_dir=unpacked.files,
                record_key_file=work / "drill.key",
            ),
        ):
            return rush.stored(town)


def lacking_and_doubled(found: list[dict[str, int]], taken: Taken) -> tuple[int, int]:
    """Forms acknowledged before the backup that its copy lacks, and forms nobody had sent by then.

    One form of each phone may have been stored and its answer still be on the way.
    """
    lacking = doubled = 0
    for held, before, after in zip(found, taken.before, taken.after, strict=True):
        for act in GROWING:
            lacking += max(0, before[act] - held[act])
            doubled += max(0, held[act] - after[act] - 1)
        doubled += abs(held["ballot"] - held["version"])
    return lacking, doubled


def drilled_again_and_again(
    app: Flask, settings: Settings, folder: Path, drills: int
) -> tuple[int, int, int, int]:
    """Write, take a backup meanwhile, restore it, compare; gives sent, compared, lost, doubled."""
    town = rush.found_town(World(app), HOMES)
    assert settings.backup_dir is not None
    compared = lost = doubled = 0
    with serving(app) as server:
        phones = [rush.Phone(town, number, server.port) for number in range(HOMES)]
        for number in range(drills):
            with rush.rushing(phones):
                rush.wait_for(phones, 20)
                taken = taken_in_the_rush(phones, settings.backup_dir / str(number))
                rush.wait_for(phones, 5)
                let_go()
                checked = restoring.drill(settings, taken.path)
                found = looked_into(settings, town, taken.path)
            assert checked.ok, checked.wrong
            lacks, twice = lacking_and_doubled(found, taken)
            compared += sum(told[act] for told in taken.before for act in GROWING)
            lost, doubled = lost + lacks, doubled + twice
            taken.path.unlink()
        rush.settle(phones)
    db.session.rollback()
    sent = rush.check(town, phones)
    rush.verify_record(app, town.place, folder)
    return sent, compared, lost, doubled


def test_a_backup_taken_while_everybody_writes_holds_all_that_was_acknowledged_before(
    app: Flask, backed_up: Settings, tmp_path: Path
) -> None:
    sent, compared, lost, doubled = drilled_again_and_again(app, backed_up, tmp_path, 2)
    assert (lost, doubled) == (0, 0)
    assert sent > compared / 2 > 0


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_twenty_drills(
    app: Flask, backed_up: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drills = figures.part_of(FULL)
    sent, compared, lost, doubled = drilled_again_and_again(app, backed_up, tmp_path, drills)
    with capsys.disabled():
        figures.note(
            "backup taken while everything is written, restored and looked through, "
            f"{figures.engine(app)}",
            drills,
            FULL,
            f"{sent:,} forms acknowledged, {compared:,} times one of them was looked for in a copy",
            lost=lost,
            doubled=doubled,
        )
    assert (lost, doubled) == (0, 0)

"""Room on the disks: with little left nothing is written any more, and everything can be read.

A database that runs into a full disk answers people with faults in the middle of what they do.
Stopping before that is kinder: the sentence is clear, and the operator still has room to work in.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flask import current_app

from app.core.errors import ReadOnly

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from app.config import Settings

log = logging.getLogger("linyi.space")

LOOK_EVERY_SECONDS = 3.0
# Of the share that stops ordinary writing, this part is kept for signing in and for exports.
RESERVE_PARTS = 5


@dataclass(frozen=True, slots=True)
class Room:
    """What a disk gives to a program without special rights, used and free. Units: bytes."""

    total: int
    free: int

    @property
    def percent(self) -> int:
        """Whole percents that are free, rounded down."""
        return self.free * 100 // self.total if self.total else 100


def measure(folder: Path) -> Room:
    """The room on the disk of a folder, counted as `df` does.

    What the disk keeps back for its administrator is neither used nor free: counted as a part of
    the whole it would make a disk look full that has plenty.
    """
    found = os.statvfs(folder)
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    free = found.f_bavail * found.f_frsize
    return Room(used + free, free)


def is_full(room: Room, percent: int, *, was_full: bool) -> bool:
    """Whether less than `percent` is free; once full, one percent more is asked to end it.

    Without that step a disk at the edge would take one form and refuse the next.
    Source: docs/rules.md, "Keeping it".
    """
    if percent == 0:
        return False
    wanted = percent + 1 if was_full else percent
    return room.free * 100 < room.total * wanted


def is_empty_of_reserve(room: Room, percent: int) -> bool:
    """Whether even the part kept for signing in and exports is used up."""
    return room.free * 100 * RESERVE_PARTS < room.total * percent


class Watch:
    """Looks at the disks at most every few seconds; between two looks it costs a comparison."""

    def __init__(self, folders: tuple[Path, ...], percent: int) -> None:
        self.folders, self.percent = folders, percent
        self.measure: Callable[[Path], Room] = measure
        self.every = LOOK_EVERY_SECONDS
        self._looked = float("-inf")
        self._full = False
        self._reserve_gone = False

    def full(self) -> bool:
        """Whether ordinary writing has to wait."""
        self._look()
        return self._full

    def refuse(self, *, small: bool) -> None:
        """Stop a change before it begins. `small` ones may use the reserve. Raises: ReadOnly."""
        self._look()
        if self._reserve_gone or (self._full and not small):
            raise ReadOnly

    def rooms(self) -> list[Room]:
        """Every disk that can be looked at."""
        found = []
        for folder in self.folders:
            try:
                found.append(self.measure(folder))
            except OSError:
                # What cannot be measured cannot be judged; a real write will say what is wrong.
                log.warning("a folder could not be measured")
        return found

    def _look(self) -> None:
        if time.monotonic() - self._looked < self.every:
            return
        rooms = self.rooms()
        full = any(is_full(room, self.percent, was_full=self._full) for room in rooms)
        if full != self._full:
            log.warning(
                "disk nearly full, writing stops" if full else "room again, writing goes on"
            )
        self._full = full
        self._reserve_gone = full and any(is_empty_of_reserve(r, self.percent) for r in rooms)
        self._looked = time.monotonic()


def init(app: Flask, settings: Settings) -> None:
    """Watch the disks of an installation."""
    folders = (settings.data_dir, *settings.disk_dirs)
    app.extensions["space"] = Watch(folders, settings.read_only_percent)


def watch() -> Watch:
    """The watch of this app."""
    found: Watch = current_app.extensions["space"]
    return found

"""What was erased, noted outside the database: a restored backup must forget it again.

A line is written to `erasures.jsonl` in the data folder before the erasing transaction commits:
an erasure noted twice harms nobody, one that is not noted would come back with the next restore.
The lines hold internal ids alone. The file is never part of a backup, for a backup is too old to
know; a copy lies beside the backups, and no restore moves it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import current_app

from app.core import clock
from app.core.errors import NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

FILE = "erasures.jsonl"
Again = Callable[[dict[str, str]], None]
_again: dict[str, Again] = {}


@dataclass(frozen=True, slots=True)
class Leaver:
    """Somebody who is being erased; with `texts` what they published is taken down, too."""

    person_id: int
    ref: str
    texts: bool = False


Forget = Callable[["Session", Leaver], None]
_rooms: list[Forget] = []
_told: set[str] = set()


def forgets(*columns: str) -> Callable[[Forget], Forget]:
    """Register the function by which a room forgets a person, in the caller's transaction.

    `columns`, such as `post.person_id`, are what it empties or deletes: nothing may point at
    somebody who is erased, and the database refuses to let them go while something does.
    """

    def register(forget: Forget) -> Forget:
        _rooms.append(forget)
        _told.update(columns)
        return forget

    return register


def forget_everywhere(session: Session, leaver: Leaver) -> None:
    """Let every room forget a person."""
    for forget in _rooms:
        forget(session, leaver)


def columns_told() -> frozenset[str]:
    """Every column that erasing a person is told of."""
    return frozenset(_told)


def erases(what: str) -> Callable[[Again], Again]:
    """Register the function that erases such a thing again. It may run twice without harm."""

    def register(again: Again) -> Again:
        _again[what] = again
        return again

    return register


def note(what: str, **ids: str) -> None:
    """Write down that something is being erased. Raises: OSError; then nothing may be erased."""
    _append(json.dumps({"at": clock.to_record(clock.now()), "what": what, **ids}) + "\n")


def _append(line: str) -> None:
    descriptor = os.open(_path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def copy_to(folder: Path) -> None:
    """Lay the present notes beside the backups, for a machine that has never seen this one.

    Raises: OSError.
    """
    path = _path()
    if path.exists():
        part = folder / f"{FILE}.part"
        part.write_bytes(path.read_bytes())
        part.replace(folder / FILE)


def take_over(folder: Path) -> None:
    """Add the notes that lie beside a backup to this installation's own. Raises: OSError."""
    other = folder / FILE
    if not other.exists() or other == _path():
        return
    known = {_same(line) for line in _lines(_path())}
    for line in _lines(other):
        if _same(line) not in known:
            _append(json.dumps(line) + "\n")


def replay() -> int:
    """Erase again whatever was ever erased here; gives how many things that are.

    What the restored database does not know is passed over. Raises: KeyError for a kind of
    erasure that this program does not know.
    """
    wanted = _noted()
    for line in wanted:
        ids = dict(line)
        ids.pop("at", "")
        try:
            _again[ids.pop("what")](ids)
        except NotFound:
            continue
    return len(wanted)


def _noted() -> list[dict[str, str]]:
    """Each erasure once, oldest first."""
    seen: dict[str, dict[str, str]] = {}
    for line in _lines(_path()):
        seen.setdefault(_same(line), line)
    return list(seen.values())


def _lines(path: Path) -> list[dict[str, str]]:
    """What stands in a file; half a last line was never followed by an erasure."""
    found = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        with suppress(ValueError):
            found.append(json.loads(text))
    return found


def _same(line: dict[str, str]) -> str:
    """What makes two lines the same erasure, whenever it was."""
    return json.dumps({key: value for key, value in line.items() if key != "at"}, sort_keys=True)


def _path() -> Path:
    folder: Path = current_app.config["SETTINGS"].data_dir
    return folder / FILE

"""What was erased, noted outside the database: a restored backup must forget it again.

A line is written to `erasures.jsonl` in the data folder before the erasing transaction commits:
an erasure noted twice harms nobody, one that is not noted would come back with the next restore.
The lines hold internal ids alone. The file is never part of a backup and never moved by a restore.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import current_app

from app.core import clock
from app.core.errors import NotFound

if TYPE_CHECKING:
    from pathlib import Path

FILE = "erasures.jsonl"
Again = Callable[[dict[str, str]], None]
_again: dict[str, Again] = {}


def erases(what: str) -> Callable[[Again], Again]:
    """Register the function that erases such a thing again. It may run twice without harm."""

    def register(again: Again) -> Again:
        _again[what] = again
        return again

    return register


def note(what: str, **ids: str) -> None:
    """Write down that something is being erased. Raises: OSError; then nothing may be erased."""
    line = json.dumps({"at": clock.to_record(clock.now()), "what": what, **ids}) + "\n"
    descriptor = os.open(_path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
    """Each erasure once, oldest first; half a last line was never followed by an erasure."""
    path = _path()
    if not path.exists():
        return []
    seen: dict[str, dict[str, str]] = {}
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        same = json.dumps({k: v for k, v in line.items() if k != "at"}, sort_keys=True)
        seen.setdefault(same, line)
    return list(seen.values())


def _path() -> Path:
    folder: Path = current_app.config["SETTINGS"].data_dir
    return folder / FILE

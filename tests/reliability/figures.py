"""What the hard tests saw, kept for docs/reliability.md.

`LINYI_FIGURES` names the file that gets a line for each figure (`make soak` sets it);
`LINYI_SOAK_PART`, between 0 and 1, runs that part of each full count, where there is less time.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def engine(app: Flask) -> str:
    """The database of an app, as people call it."""
    url = app.config["SETTINGS"].database_url
    return "SQLite" if url.startswith("sqlite") else "PostgreSQL"


def part_of(full: int) -> int:
    """How many of a full count this run does: all of them unless told otherwise."""
    return max(1, round(full * float(os.environ.get("LINYI_SOAK_PART", "1"))))


def note(what: str, done: int, full: int, seen: str, **zeros: int) -> None:
    """Keep a figure: what was done, how often of how many, what was seen; what must be 0."""
    wrong = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in zeros.items())
    line = {
        "what": what,
        "done": done,
        "full": full,
        "seen": seen,
        "wrong": wrong,
        # The day it was seen: the portal's own clock may stand somewhere else in a test.
        "at": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        # Above the number of cores somebody else was busy too, and no time is a measure.
        "load": round(os.getloadavg()[1]),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9),
        "test": os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0],
    }
    print(f"\n{what}: {done} of {full}; {seen}; {wrong}", flush=True)
    kept = os.environ.get("LINYI_FIGURES")
    if kept:
        with Path(kept).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

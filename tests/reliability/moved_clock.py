"""The clock of a server that runs, moved from outside."""

from __future__ import annotations

import mmap
import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NANOSECONDS = 1_000_000_000


class MovedClock:
    """What a server started with `settings` takes for the time; ours goes on unmoved."""

    def __init__(self, library: Path, folder: Path) -> None:
        path = folder / "clock"
        path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self.map = mmap.mmap(file.fileno(), 8)
        self.settings = {"LD_PRELOAD": str(library), "MOVED_CLOCK": str(path)}

    def set_to(self, moment: datetime) -> None:
        """Let the server's clock stand at `moment` now and run on from there."""
        ahead = moment - datetime.now(UTC)
        # One aligned word: whoever looks at the clock sees it before or after, never half-way.
        self.map[0:8] = struct.pack("=q", round(ahead.total_seconds() * NANOSECONDS))

"""Serve the portal: `python -m app.serve`. Granian in one process with threads on SQLite.

One process keeps one writer queue and exact limits; docs/adr says which figures decided it.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys

from granian import Granian
from granian.constants import Interfaces

THREADS = 16


def lan_address() -> str:
    """This machine's address in its own network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def main(arguments: list[str] | None = None) -> int:
    """Start the server and stay until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--address", default="0.0.0.0")  # noqa: S104 -- phones in the same network
    parser.add_argument("--workers", type=int, default=1)
    chosen = parser.parse_args(arguments)
    os.environ.setdefault("LINYI_BASE_URL", f"http://localhost:{chosen.port}")
    os.environ.setdefault("LINYI_WORKER_THREAD", "1")
    Granian(
        "wsgi:app",
        address=chosen.address,
        port=chosen.port,
        interface=Interfaces.WSGI,
        workers=chosen.workers,
        blocking_threads=THREADS,
        log_access=False,
    ).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())

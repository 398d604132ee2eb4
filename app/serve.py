"""Serve the portal: `python -m app.serve`. One process with threads on SQLite.

One process keeps one writer queue and exact limits; docs/adr says which figures decided it.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

THREADS = 4


def lan_address() -> str:
    """Give the machine's address in its own network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # A documentation address: choosing a route sends no packet.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def prepare(*, demo: bool) -> None:
    """Bring the tables up to date; with `demo`, make the demo city and print how to get in."""
    from flask_migrate import upgrade

    from app import create_app
    from app.config import ROOT, from_environment
    from app.core.db import db
    from app.portal import demo as demo_city
    from app.portal import demo_sign_in

    settings = from_environment()
    app = create_app(settings)
    with app.app_context():
        upgrade(str(ROOT / "migrations"))
        if demo and not demo_sign_in.exists() and not settings.production:
            print("正在准备演示城市，大约十几秒……", flush=True)
            demo_city.build()
        if demo:
            print("\n".join(demo_sign_in.lines(settings.base_url)), flush=True)
        db.session.remove()
        db.engine.dispose()


def main(arguments: list[str] | None = None) -> int:
    """Start the server and stay until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--address", default="0.0.0.0")  # noqa: S104 -- phones in the same network
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--demo", action="store_true", help="set up first, with the demo city")
    chosen = parser.parse_args(arguments)
    os.environ.setdefault("LINYI_BASE_URL", f"http://localhost:{chosen.port}")
    if chosen.demo:
        prepare(demo=True)
        phone = lan_address()
        print(f"\n打开 http://localhost:{chosen.port}/", flush=True)
        if phone:
            print(f"同一网络里的手机打开 http://{phone}:{chosen.port}/", flush=True)
    os.environ.setdefault("LINYI_WORKER_THREAD", "1")
    Granian(
        "wsgi:app",
        address=chosen.address,
        port=chosen.port,
        interface=Interfaces.WSGI,
        workers=chosen.workers,
        blocking_threads=chosen.threads,
        log_access=False,
        log_level=LogLevels.warning,
    ).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())

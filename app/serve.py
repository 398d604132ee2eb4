"""Serve the portal: `python -m app.serve`. One process with threads on SQLite.

One process keeps one writer queue and exact limits; docs/adr says which figures decided it.

There is one listening socket: systemd's, handed over, or one made here. All worker processes take
from its queue, old ones and new ones, so SIGHUP (new code) loses no request. With systemd's the
queue outlives even a restart of the whole service. SIGTERM finishes what is being answered.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys

from granian import Granian
from granian._granian import SocketHolder
from granian.constants import Interfaces
from granian.log import LogLevels

THREADS = 4
BACKLOG = 1024
# Answers that take longer than this when the service stops are cut off.
LAST_ANSWERS_SECONDS = 60
# The first descriptor that systemd hands over: sd_listen_fds(3).
FIRST_HANDED_OVER = 3


class OneSocket(Granian):  # type: ignore[misc,valid-type]
    """A server whose workers share one listening socket made by somebody else.

    By itself it lets each worker open a socket of its own; when one ends, connections waiting in
    its queue are reset. Reaches into granian (the version is pinned); tests restart it for real.
    """

    listening: socket.socket

    def _init_shared_socket(self) -> None:
        is_unix = self.listening.family == socket.AF_UNIX
        self._ssp = None
        self._sfd = self.listening.fileno()
        self._shd = SocketHolder(self._sfd, is_unix, BACKLOG)  # type: ignore[call-arg]
        self._sso = self.listening
        self._sso.set_inheritable(True)


def listening_socket(address: str, port: int) -> socket.socket:
    """The socket that systemd hands over to this process, else a new one."""
    handed_over = os.environ.get("LISTEN_PID") == str(os.getpid())
    if handed_over and os.environ.get("LISTEN_FDS") == "1":
        found = socket.socket(fileno=FIRST_HANDED_OVER)
    else:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        found = socket.create_server((address, port), family=family, backlog=BACKLOG)
    if found.family != socket.AF_UNIX:
        # Connections inherit it: without it short answers wait 40 ms for the other side's receipt.
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found


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
            demo_sign_in.remember_address(settings.base_url)
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
    server = OneSocket(
        "wsgi:app",
        interface=Interfaces.WSGI,
        workers=chosen.workers,
        blocking_threads=chosen.threads,
        log_access=False,
        log_level=LogLevels.warning,
        workers_kill_timeout=LAST_ANSWERS_SECONDS,
    )
    server.listening = listening_socket(chosen.address, chosen.port)
    server.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())

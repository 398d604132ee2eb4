"""Serve the portal: `python -m app.serve`. One process with threads on SQLite.

One process keeps one writer queue and exact limits; docs/adr says which figures decided it.

There is one listening socket: systemd's, handed over, or one made here. All worker processes take
from its queue, old ones and new ones, so SIGHUP (new code) loses no request. With systemd's the
queue outlives even a restart of the whole service. SIGTERM finishes what is being answered, and
what was let in but has not spoken yet.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from granian import Granian, _signals
from granian._granian import SocketHolder, WorkerSignal
from granian.constants import Interfaces
from granian.log import LogLevels

from app.config import ROOT, Settings, UnsafeSettings, from_environment

THREADS = 4
BACKLOG = 1024
# Answers that take longer than this when the service stops are cut off.
LAST_ANSWERS_SECONDS = 60
# Whoever was let in a moment before the stop still has so long to begin to speak.
LISTEN_ON_SECONDS = 1.0
# The first descriptor that systemd hands over: sd_listen_fds(3).
FIRST_HANDED_OVER = 3


class OneSocket(Granian):  # type: ignore[misc,valid-type]
    """A server whose workers share one listening socket made by somebody else.

    By itself it lets each worker open a socket of its own; when one ends, connections waiting in
    its queue are reset. Reaches into granian (the version is pinned); tests restart it for real.
    """

    listening: socket.socket

    @staticmethod
    def _spawn_wsgi_worker(*given: Any) -> None:
        """What each worker process runs: granian's own, with a stop that hears everybody out."""
        _signals.set_sync_signals = _stop_that_hears_everybody_out
        Granian._spawn_wsgi_worker(*given)  # noqa: SLF001 -- as the class says

    def _init_shared_socket(self) -> None:
        is_unix = self.listening.family == socket.AF_UNIX
        self._ssp = None
        self._sfd = self.listening.fileno()
        self._shd = SocketHolder(self._sfd, is_unix, BACKLOG)  # type: ignore[call-arg]
        self._sso = self.listening
        self._sso.set_inheritable(True)


def _stop_that_hears_everybody_out() -> WorkerSignal:
    """Take nobody new, listen on for a moment to whoever is in, then stop.

    Without the moment a connection that was taken from the queue and whose request is still on its
    way would be closed: nginx, held up between the two, could only answer 502.
    """
    stopping = WorkerSignal()
    asked: list[int] = []

    def stop(number: int, _frame: object) -> None:
        asked.append(number)
        if len(asked) == 1:
            # A system that does not let us stops as granian does: sooner, and less patient.
            with suppress(OSError):
                _leave_the_queue()
            time.sleep(LISTEN_ON_SECONDS)
            stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopping


def _leave_the_queue() -> None:
    """Put an empty queue in the place of each listening socket; nobody ever comes to that one.

    The others go on with the real queue: it belongs to the process above, and to systemd.
    """
    for descriptor in _listening_here():
        with socket.socket(fileno=os.dup(descriptor)) as real:
            empty = socket.socket(real.family)
        empty.settimeout(0)
        # Nobody knows the address: the kernel chooses it.
        empty.bind("" if empty.family == socket.AF_UNIX else _own_address(empty.family))
        empty.listen(1)
        os.dup2(empty.fileno(), descriptor)
        empty.close()


def _own_address(family: int) -> tuple[str, int]:
    return ("::1" if family == socket.AF_INET6 else "127.0.0.1"), 0


def _listening_here() -> list[int]:
    """The descriptors of this process that are listening sockets."""
    found = []
    for descriptor in [int(path.name) for path in Path("/dev/fd").iterdir()]:
        try:
            with socket.socket(fileno=os.dup(descriptor)) as looked_at:
                if looked_at.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    found.append(descriptor)
        except OSError:
            # No socket, or the descriptor of this very look.
            continue
    return found


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


def prepare(settings: Settings) -> None:
    """Bring the tables up to date, make the demo city and print how to get in."""
    from flask_migrate import upgrade

    from app import create_app
    from app.core.db import db
    from app.portal import demo as demo_city
    from app.portal import demo_sign_in

    # A worker would write while the tables are made.
    app = create_app(replace(settings, worker_thread=False))
    with app.app_context():
        upgrade(str(ROOT / "migrations"))
        if not demo_sign_in.exists() and not settings.production:
            print("正在准备演示城市，大约十几秒……", flush=True)
            demo_city.build()
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
    try:
        settings = from_environment()
        listening = listening_socket(chosen.address, chosen.port)
    except UnsafeSettings as error:
        print(error.message, file=sys.stderr)
        return error.exit_code
    except OSError as error:
        # Before anything is set up, and before another portal's address is forgotten.
        print(f"打不开端口 {chosen.port}：{error.strerror}。请换一个端口。", file=sys.stderr)
        return 2
    if chosen.demo:
        prepare(settings)
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
    server.listening = listening
    server.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())

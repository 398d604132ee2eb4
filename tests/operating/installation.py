"""The portal as an installation runs it: a socket that somebody else holds, restarted at will."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

from app.config import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What systemd does between fork and exec: it names the process that the socket is meant for.
HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, "-m", "app.serve"])
"""


class UnixConnection(http.client.HTTPConnection):
    """A connection to the portal's Unix socket, as nginx makes one for each request."""

    def __init__(self, path: Path) -> None:
        super().__init__("linyi.example.cn", timeout=60)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(str(self.path))


@dataclass
class Installation:
    """The listening socket, as systemd keeps it, and the server that has it now."""

    path: Path
    environment: dict[str, str]
    log: Path
    listening: socket.socket = field(init=False)
    server: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(self.path))
        self.listening.listen(1024)

    def start(self) -> None:
        held = self.listening.fileno()
        with self.log.open("ab") as log:
            self.server = subprocess.Popen(
                [sys.executable, "-c", HAND_OVER, str(held)],
                cwd=ROOT,
                env=os.environ | self.environment | {"LISTEN_FDS": "1"},
                pass_fds=(held,),
                stdout=log,
                stderr=log,
            )

    def workers(self) -> set[str]:
        """The processes that answer."""
        assert self.server is not None
        pid = self.server.pid
        return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    def reload(self) -> None:
        """New code, `systemctl reload`: until the old processes are gone."""
        assert self.server is not None
        old = self.workers()
        self.server.send_signal(signal.SIGHUP)
        for _ in range(1200):
            if self.workers() - old and not self.workers() & old:
                return
            threading.Event().wait(0.05)
        raise AssertionError("the old processes did not go")

    def stop(self) -> int:
        assert self.server is not None
        self.server.terminate()
        return self.server.wait(90)

    def restart(self) -> None:
        """`systemctl restart`: systemd goes on listening."""
        assert self.stop() == 0
        self.start()

    def ask(
        self,
        method: str,
        address: str,
        body: str = "",
        cookie: str = "",
        *,
        host: str = "",
        silent: float = 0,
    ) -> tuple[int, str, str]:
        """One request on a connection of its own; status, cookie and text.

        `silent` is how many seconds the connection stands before the request is sent, as behind a
        proxy that is held up.
        """
        connection = UnixConnection(self.path)
        connection.connect()
        threading.Event().wait(silent)
        headers = {"Cookie": cookie, "X-Forwarded-Proto": "https", "Connection": "close"}
        if host:
            headers["Host"] = host
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Referer"] = f"https://linyi.example.cn{address}"
        connection.request(method, address, body or None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        given = (answer.msg.get_all("Set-Cookie") or [""])[-1].partition(";")[0]
        connection.close()
        return answer.status, given, text


@contextmanager
def installed(folder: Path, environment: dict[str, str]) -> Iterator[Installation]:
    """A running installation, stopped at the end by its own process id."""
    made = Installation(folder / "linyi.sock", environment, folder / "server.log")
    made.start()
    try:
        yield made
    finally:
        if made.server is not None and made.server.poll() is None:
            made.server.terminate()
            made.server.wait(90)
        made.listening.close()


# What a visit brings when nothing is wrong: a page, and the way on after a form.
GOOD = repr((200, 303))


class Crowd:
    """People who read and send forms all the time, each noting what else came back.

    A visit gives the status of a page and that of a form.
    """

    def __init__(self, people: int, visit: Callable[[], tuple[int, int]]) -> None:
        self.visit, self.done = visit, threading.Event()
        self.good = 0
        self.lost: list[str] = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._live) for _ in range(people)]

    def _live(self) -> None:
        while not self.done.is_set():
            try:
                came = repr(self.visit())
            except (OSError, http.client.HTTPException) as error:
                came = repr(error)
            with self.lock:
                if came == GOOD:
                    self.good += 1
                else:
                    self.lost.append(came)

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        for thread in self.threads:
            thread.join(120)

    def wait_for(self, more: int) -> None:
        """Until so many more visits came back."""
        wanted = self.good + more
        pause = threading.Event()
        for _ in range(2400):
            if self.good >= wanted or self.lost:
                return
            pause.wait(0.05)
        raise AssertionError("nothing comes back")


def form_of(page: str) -> str:
    """The form that changes the view, filled in."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page[:500]
    return urlencode({"csrf_token": found[1], "view": "elder", "next": "/"})

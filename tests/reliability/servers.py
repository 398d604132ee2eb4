"""Starting the real server over a test's database, and killing it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.config import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

WARM = ROOT / "tests" / "reliability" / "warm.py"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a new server could listen; the last threads of a killed one may hold on briefly."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def environment(app: Flask, **more: str) -> dict[str, str]:
    """Settings that let a server of its own work on the app's database."""
    settings = app.config["SETTINGS"]
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "LINYI_DATA_DIR": str(settings.data_dir),
        "LINYI_DATABASE_URL": settings.database_url,
        "LINYI_SECRET_KEY": settings.secret_key,
        "LINYI_LOG_HOST": settings.log_host,
        "LINYI_WORKER_THREAD": "0",
        **more,
    }


class Servers:
    """The real server, one at a time, on one port; the second start costs no import any more."""

    def __init__(self, app: Flask, **more: str) -> None:
        self.port, self.leader = free_port(), 0
        # Not in the data folder: there are tests that fill it.
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by end()
        self.warm = subprocess.Popen(
            [sys.executable, str(WARM)],
            cwd=ROOT,
            env=environment(app, **more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        assert self._answer() == "ready"

    def _answer(self) -> str:
        assert self.warm.stdout is not None
        return self.warm.stdout.readline().strip()

    def start(self) -> None:
        assert self.warm.stdin is not None
        arguments = ["--port", str(self.port), "--address", "127.0.0.1"]
        self.warm.stdin.write(json.dumps(arguments) + "\n")
        self.warm.stdin.flush()
        self.leader = int(self._answer())
        try:
            wait_until_up(self.port)
        except AssertionError:
            raise AssertionError(self.said()) from None

    def said(self) -> str:
        """The end of what the server logged."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-5000:]

    def processes(self) -> list[int]:
        """Everything that runs in the server's group."""
        return list(_living(self.leader))

    def kill(self) -> None:
        """kill -9 for the server and its workers, which this test has started."""
        if not self.leader:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.leader, signal.SIGKILL)
        leader, self.leader = self.leader, 0
        for _ in range(2000):
            if not any(_living(leader)) and is_free(self.port):
                return
            threading.Event().wait(0.005)
        raise AssertionError("a killed server still runs")

    def end(self) -> None:
        self.kill()
        self.warm.kill()
        self.warm.wait()
        for pipe in (self.warm.stdin, self.warm.stdout):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()
        self.log.close()


def _living(group: int) -> Iterator[int]:
    """Processes of a group that still run; one that only waits to be buried does not."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2]
            state, _parent, belongs_to = fields.split()[:3]
            if int(belongs_to) == group and state not in {"Z", "X"}:
                yield int(entry.name)


@contextmanager
def servers(app: Flask, **more: str) -> Iterator[Servers]:
    """Servers for a test, gone at its end."""
    made = Servers(app, **more)
    try:
        yield made
    finally:
        made.end()


@contextmanager
def serving(app: Flask, **more: str) -> Iterator[Servers]:
    """One server that runs already."""
    with servers(app, **more) as made:
        made.start()
        yield made


def wait_until_up(port: int, path: str = "/health") -> None:
    for _ in range(2000):
        with suppress(OSError, http.client.HTTPException):
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            link.request("GET", path)
            if link.getresponse().status == 200:
                return
        threading.Event().wait(0.02)
    raise AssertionError("the server did not come up")

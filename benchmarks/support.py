"""What every part of the bench needs: a server, a client, and a place for the figures."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PY = str(ROOT / ".venv" / "bin" / "python")
FLASK = str(ROOT / ".venv" / "bin" / "flask")
PORT = 8791
FIGURES: list[dict[str, Any]] = []


def figure(name: str, value: float, unit: str, target: str = "") -> None:
    """Print and keep one figure."""
    FIGURES.append({"name": name, "value": round(value, 3), "unit": unit, "target": target})
    print(f"{name:<58} {value:>10,.1f} {unit:<8} {target}", flush=True)


def environment(folder: Path, url: str = "") -> dict[str, str]:
    """Settings of a bench installation."""
    more = {"LINYI_DATA_DIR": str(folder), "LINYI_BASE_URL": f"http://localhost:{PORT}"}
    if url:
        more["LINYI_DATABASE_URL"] = url
    return os.environ | more


def flask(env: dict[str, str], *words: str) -> str:
    """Run one command of the portal."""
    program = [FLASK, "--app", "wsgi", *words]
    return subprocess.run(
        program, cwd=ROOT, env=env, check=True, capture_output=True, text=True
    ).stdout


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and its children so far."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(entry.name) == pid or int(fields[1]) == pid:
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(int(child) for child in children)]


def memory_mb(pid: int) -> float:
    """Proportional set size of a process and its children: shared pages are counted once."""
    total = 0
    for one in family(pid):
        lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


@contextmanager
def server(command: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A server on PORT until the end of the block."""
    with tempfile.TemporaryFile() as log:
        running = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        try:
            for _ in range(300):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=2).read()
                    break
                except OSError:
                    time.sleep(0.1)
            yield running
        finally:
            running.terminate()
            running.wait(20)


def client(**job: object) -> dict[str, Any]:
    """Run the load client as a process of its own."""
    done = subprocess.run(
        [PY, "benchmarks/client.py", json.dumps(job)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def portal(workers: int = 1) -> list[str]:
    """The server as `make run` starts it."""
    return [
        PY,
        "-m",
        "app.serve",
        "--port",
        str(PORT),
        "--address",
        "127.0.0.1",
        "--workers",
        str(workers),
    ]


def codes(env: dict[str, str], folder: Path, communities: list[str], number: int) -> Path:
    """Letters of that many households, spread evenly over the communities."""
    rows: list[str] = []
    for code in communities:
        path = folder / f"{code}.csv"
        flask(env, "demo", "codes", code, "-n", str(number // len(communities)), "-o", str(path))
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [*(rows or lines[:1]), *lines[1:]]
    out = folder / "people.csv"
    out.write_text("\n".join(rows), encoding="utf-8")
    return out


def fetch(path: str) -> bytes:
    """One file from the running server."""
    data: bytes = urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=10).read()
    return data

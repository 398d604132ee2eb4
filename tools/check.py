"""Run every check, one line a stage; the last one is pytest's own closing line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"

LINT = (
    ("format", ["ruff", "format", "--check", "-q", "."]),
    ("lint", ["ruff", "check", "-q", "."]),
    ("types", ["mypy"]),
    ("floors", ["lint-imports"]),
    ("spelling", ["codespell", "app", "docs", "templates", "tests", "README.md"]),
    ("vendor", ["python", "tools/vendor.py", "--check"]),
    ("words", ["python", "tools/words.py", "--check"]),
)
UNIT = (
    "unit",
    [
        *("python", "-m", "slipcover", "--json", "--out", ".coverage.json"),
        *("-m", "pytest", "-q", "-n", "2", "-m", "not soak"),
        *("tests", "--ignore=tests/browser"),
    ],
)
# A file of journeys has one demo city; two files go on beside each other, each with its own.
BROWSER = (
    "browser",
    [
        *("python", "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile"),
        *("-m", "not soak", "tests/browser"),
    ],
)
# A thousand small databases wait mostly for the disk; `make soak` is what tries the disk itself.
MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 6 * 1024**3


def scratch() -> AbstractContextManager[str | None]:
    """A folder for the tests' databases: in memory where there is plenty, else pytest's own."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_NEEDED:
        return tempfile.TemporaryDirectory(prefix="linyi-", dir=MEMORY)
    return nullcontext(None)


def stage(name: str, command: list[str], *, loud: bool = False) -> bool:
    """Run one stage; a failing one shows everything it said."""
    start = time.monotonic()
    program = [str(BIN / command[0]), *command[1:]]
    with scratch() as folder:
        more = {"PYTEST_DEBUG_TEMPROOT": folder} if folder else {}
        done = subprocess.run(
            program,
            cwd=ROOT,
            capture_output=not loud,
            text=True,
            check=False,
            env=os.environ | more,
        )
    verdict = "ok  " if done.returncode == 0 else "FAIL"
    print(f"{verdict} {name:<10} {time.monotonic() - start:6.1f} s", flush=True)
    if done.returncode and not loud:
        print(done.stdout[-8000:], done.stderr[-4000:], flush=True)
    return done.returncode == 0


def main(wanted: list[str]) -> int:
    """Run the named parts, or all; stops at the first part that fails."""
    parts = wanted or ["lint", "unit", "coverage", "browser"]
    if "lint" in parts and [name for name, command in LINT if not stage(name, command)]:
        return 1
    if "unit" in parts and not stage(*UNIT, loud=True):
        return 1
    if "coverage" in parts and not stage("coverage", ["python", "tools/coverage_gate.py"]):
        return 1
    if "browser" in parts and not stage(*BROWSER, loud=True):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Libraries loaded before libc into a server: a disk that fails and dawdles, a clock that moves."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.reliability.moved_clock import MovedClock

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def preload(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Compile one of the libraries here."""
    folder = tmp_path_factory.mktemp("preload")

    def compiled(name: str) -> Path:
        compiler = shutil.which("cc")
        assert compiler, "these tests need a C compiler: tools/setup.sh test installs one"
        library = folder / f"{name}.so"
        command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-o", str(library)]
        subprocess.run([*command, str(HERE / f"{name}.c"), "-ldl"], check=True)
        return library

    return compiled


@pytest.fixture(scope="session")
def faulty_disk(preload: Callable[[str], Path]) -> Path:
    """The library that makes writes and syncs of SQLite's files fail, or syncs take longer."""
    return preload("faulty_disk")


@pytest.fixture
def moved_clock(preload: Callable[[str], Path], tmp_path: Path) -> MovedClock:
    """A clock for one server, which this test moves."""
    return MovedClock(preload("moved_clock"), tmp_path)

"""What stops a start is said in a sentence, before anything is set up."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from app.config import ROOT, UnsafeSettings, from_environment

if TYPE_CHECKING:
    from pathlib import Path


def start(folder: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    """Start the server as the service does, where it is expected to end at once."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("LINYI_")}
    done = subprocess.run(
        [sys.executable, "-m", "app.serve", *words],
        cwd=ROOT,
        env=clean | {"LINYI_DATA_DIR": str(folder)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("demo", [(), ("--demo",)], ids=["served", "demo"])
def test_unsafe_values_stop_the_server_with_sentences_alone(
    tmp_path: Path, demo: tuple[str, ...]
) -> None:
    status, said, wrong = start(tmp_path, "--port", "0", *demo, LINYI_MODE="production")
    assert (status, said) == (2, "")
    assert "LINYI_BASE_URL" in wrong
    assert "Traceback" not in wrong


def test_a_port_in_use_is_said_before_the_demo_is_touched(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as other:
        port = str(other.getsockname()[1])
        status, said, wrong = start(tmp_path, "--port", port, "--demo")
    assert (status, said) == (2, "")
    assert port in wrong
    assert "Traceback" not in wrong
    assert not (tmp_path / "linyi.sqlite3").exists()


def test_a_number_of_proxies_that_is_none_is_refused(tmp_path: Path) -> None:
    env = {"LINYI_DATA_DIR": str(tmp_path), "LINYI_TRUSTED_PROXIES": "abc"}
    with pytest.raises(UnsafeSettings, match="LINYI_TRUSTED_PROXIES"):
        from_environment(env)

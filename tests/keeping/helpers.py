"""What the tests of this room share: a community that has voted, and the command line."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from typing import TYPE_CHECKING

from sqlalchemy import select, text

from app.core.db import db
from app.core.record import RecordLog
from app.keeping import sealing

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from app.config import Settings
    from tests.support.world import Place, World


def run(app: Flask, *words: str) -> tuple[int, str]:
    """One command: its exit code and all it said."""
    done = app.test_cli_runner().invoke(args=list(words), catch_exceptions=False)
    return done.exit_code, done.output


def lived_in(world: World, settings: Settings, votes: int = 3) -> tuple[Place, str]:
    """A community that has voted, and a picture in the data folder."""
    place = world.community(households=8)
    poll = world.poll(place)
    for actor in world.voters(place, votes):
        world.cast(actor, place, poll, "yes")
    pictures = settings.data_dir / "pictures" / str(place.id)
    pictures.mkdir(parents=True)
    (pictures / "a.large.webp").write_bytes(os.urandom(300_000))
    return place, poll


def plain(path: Path, settings: Settings) -> dict[str, bytes]:
    """What lies in a backup, by name."""
    key = sealing.read_key(settings.backup_key_file)
    with path.open("rb") as raw:
        data = gzip.decompress(sealing.Opener(raw, key).read())
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]


def databases() -> list[str]:
    """The databases of the server, none on SQLite."""
    if db.engine.dialect.name == "sqlite":
        return []
    return list(db.session.scalars(text("SELECT datname FROM pg_database")))


def heads() -> list[tuple[str, int, str]]:
    """Every log's code, size and head."""
    rows = db.session.execute(select(RecordLog.code, RecordLog.size, RecordLog.head))
    return [tuple(row) for row in rows]  # type: ignore[misc]

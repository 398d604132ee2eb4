"""Looking at the machine and the database without changing either, whatever state they are in.

Nothing here uses the portal's own engine: it would create a missing database file, and it cannot
open one that is read-only. Each fact is looked at by itself, since old tables lack some of them.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pylopdf_fonts_zh_cn
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from app.config import ROOT
from app.core import clock
from app.core.jobs import MARK_KEY, SEEN_KEY, Job, in_nobodys_hand
from app.core.record import RecordCheckpoint, RecordLog, SystemValue
from app.operating.rules import TRIES, Address, Folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Engine, Select
    from sqlalchemy.orm import Session

    from app.config import Settings

FONT_ENDINGS = {".ttf", ".otf", ".ttc"}
KEPT = [f"last_{name}_{key}" for name in ("backup", "drill") for key in ("at", "ok", "good_at")]
KEYS = (SEEN_KEY, MARK_KEY, *KEPT)
CONNECT_SECONDS = 5
SQLITE = "SQLite"
KINDS = {"sqlite": SQLITE, "postgresql": "PostgreSQL"}
# The version of the write format, https://www.sqlite.org/fileformat.html section 1.3.3.
WAL_AT, WAL = 18, b"\x02"


# --- the machine -------------------------------------------------------------------------------


def folder(path: Path) -> Folder:
    """A file or folder as the system sees it."""
    try:
        found = path.stat()
    except OSError:
        return Folder(str(path), exists=False)
    mine = found.st_uid == os.geteuid()
    return Folder(str(path), True, _writable(path), found.st_mode & 0o777, mine)  # noqa: FBT003


def _writable(path: Path) -> bool:
    """Whether the user this runs as may write there, which may not be who started it."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def address(settings: Settings) -> Address:
    """The base URL, taken apart."""
    parts = urlsplit(settings.base_url)
    return Address(
        settings.base_url,
        parts.scheme == "https",
        parts.hostname or "",
        parts.path,
        settings.answered_hosts,
    )


def file_system(path: Path, mounts: str = "/proc/mounts") -> str:
    """The kind of file system a path lies on; empty where the system does not tell."""
    best, kind = "", ""
    with suppress(OSError):
        for line in Path(mounts).read_text(encoding="utf-8").splitlines():
            point, found = line.split()[1:3]
            if path.is_relative_to(point) and len(point) >= len(best):
                best, kind = point, found
    return kind


def fonts(settings: Settings) -> tuple[int, str]:
    """How many font files there are for PDFs, and where."""
    place = settings.font_dir or Path(pylopdf_fonts_zh_cn.__file__).parent
    found = [p for p in place.rglob("*") if p.suffix.lower() in FONT_ENDINGS]
    return len(found), str(place)


def python_version() -> tuple[int, int]:
    """Major and minor."""
    return sys.version_info[:2]


def pinned(file: Path = ROOT / "requirements.txt") -> dict[str, str]:
    """The libraries the portal was tried with: name in lower case to version."""
    found = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        name, equals, rest = line.partition("#")[0].partition("==")
        version, _semicolon, condition = rest.partition(";")
        if equals and "win32" not in condition:
            found[name.partition("[")[0].strip().lower()] = version.strip()
    return found


def installed(names: Mapping[str, str]) -> dict[str, str]:
    """Those of them that are there, with their versions."""
    found = {}
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


@cache
def revisions() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The newest revision of the tables, and all that this program knows."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    script = ScriptDirectory.from_config(config)
    return tuple(script.get_heads()), tuple(r.revision for r in script.walk_revisions())


# --- the database ------------------------------------------------------------------------------


@dataclass(slots=True)
class Database:
    """What a look at the database gave. None: that part could not be looked at."""

    kind: str
    exists: bool = True
    reachable: bool = False
    writable: bool | None = None
    revision: str | None = None
    now: datetime | None = None
    latest: datetime | None = None
    signed: bool | None = None
    oldest_due: datetime | None = None
    failed: dict[str, int] = field(default_factory=dict)
    values: dict[str, str] | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def time(self, key: str) -> datetime | None:
        """A moment kept under a key; None where there is none that can be read."""
        with suppress(KeyError, ValueError):
            return clock.from_record((self.values or {})[key])
        return None

    def went_well(self, key: str) -> bool:
        """Whether the value under a key says so."""
        return (self.values or {}).get(key) == "1"


def database(url: str) -> Database:
    """Look at the database behind an address, read-only."""
    parts = make_url(url)
    seen = Database(kind=KINDS[parts.get_backend_name()])
    path = Path(parts.database or "")
    if seen.kind == SQLITE and not path.is_file():
        seen.exists = False
        return seen
    for engine in _ways_in(url, path, seen.kind):
        with suppress(SQLAlchemyError), engine.connect() as connection:
            # A statement that fails must not spoil those after it.
            connection.execution_options(isolation_level="AUTOCOMMIT")
            _look(connection, seen)
            if seen.kind == SQLITE and _writable(path.parent):
                mode = connection.scalar(text("PRAGMA journal_mode"))
                seen.facts["wal"] = mode == "wal"
            seen.reachable = True
            break
    if seen.kind == SQLITE:
        seen.writable = _writable(path) and _writable(path.parent)
        seen.facts.setdefault("wal", _is_wal(path))
        seen.facts["file_system"] = file_system(path)
    return seen


def _is_wal(path: Path) -> bool:
    """Whether a SQLite file says in its head that it is written through a log of its own.

    For a file that SQLite cannot say it of: where the portal writes, this must never open it. To
    close a file lets go of every lock that the process holds on it; the next command that ends
    would take itself for the last one and remove the log under the portal, with all that was saved.
    """
    if _writable(path.parent):
        return False
    with suppress(OSError), path.open("rb") as file:
        return file.read(WAL_AT + 1)[WAL_AT:] == WAL
    return False


def _ways_in(url: str, path: Path, kind: str) -> Iterator[Engine]:
    if kind != SQLITE:
        wait = {"connect_timeout": CONNECT_SECONDS}
        yield create_engine(url, poolclass=NullPool, connect_args=wait, hide_parameters=True)
        return
    # Where nobody may write beside the file, SQLite reads it only when told that nobody does. It
    # takes no locks then, and lets go of the portal's: nothing for where the portal writes.
    for how in ("mode=ro",) if _writable(path.parent) else ("mode=ro", "immutable=1"):
        address = f"file:{quote(str(path))}?{how}"
        yield create_engine(
            "sqlite://",
            poolclass=NullPool,
            creator=lambda address=address: sqlite3.connect(address, uri=True, timeout=5),
        )


def _look(connection: Connection, seen: Database) -> None:
    # The file is opened only now; one that is no database fails here and is not reachable.
    connection.execute(text("SELECT 1" if seen.kind != SQLITE else "PRAGMA schema_version"))
    seen.revision = _revision(connection)
    with _each():
        rows = connection.execute(select(SystemValue.key, SystemValue.value))
        seen.values = {row.key: row.value for row in rows if row.key in KEYS}
    with _each():
        seen.latest = connection.scalar(select(func.max(RecordLog.last_at)))
    with _each():
        seen.signed = connection.scalar(select(RecordCheckpoint.id).limit(1)) is not None
    with _each():
        seen.oldest_due = connection.scalar(_oldest_due(clock.now()))
    with _each():
        seen.failed = _failed(connection)
    with _each():
        if seen.kind != SQLITE:
            _postgresql(connection, seen)


@contextmanager
def _each() -> Iterator[None]:
    """One fact: older tables may lack it, and the next one is looked at all the same."""
    with suppress(SQLAlchemyError):
        yield


def _revision(connection: Connection) -> str:
    try:
        return str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")
    except SQLAlchemyError:
        return ""


def _oldest_due(now: datetime) -> Select[datetime]:
    """The oldest job that nobody has in hand; those that failed often are told by themselves."""
    waiting = select(func.min(Job.due_at)).where(Job.done_at.is_(None), Job.attempts < TRIES)
    return waiting.where(in_nobodys_hand(now))


def _failed(connection: Connection) -> dict[str, int]:
    counted = (
        select(Job.kind, func.count().label("number"))
        .where(Job.done_at.is_(None), Job.attempts >= TRIES)
        .group_by(Job.kind)
    )
    return {row.kind: row.number for row in connection.execute(counted)}


def _postgresql(connection: Connection, seen: Database) -> None:
    for name in ("fsync", "synchronous_commit", "server_version_num"):
        seen.facts[name] = connection.scalar(text(f"SHOW {name}"))
    seen.now = connection.scalar(select(func.clock_timestamp()))
    seen.writable = connection.scalar(text("SHOW transaction_read_only")) == "off"


def portal_synchronous(engine: Callable[[], Engine]) -> int:
    """How the portal's own connections sync on SQLite; 2 is FULL. 0 where none opens."""
    with suppress(SQLAlchemyError), engine().connect() as connection:
        return int(connection.exec_driver_sql("PRAGMA synchronous").scalar() or 0)
    return 0


def pulse(session: Session) -> tuple[str | None, datetime | None]:
    """The revision of the tables (None: no database answers) and when the worker was last seen."""
    try:
        revision = _revision(session.connection())
        found = session.scalar(select(SystemValue.value).where(SystemValue.key == SEEN_KEY))
    except SQLAlchemyError:
        return None, None
    finally:
        session.rollback()
    seen = Database("", values={SEEN_KEY: found} if found else {})
    return revision, seen.time(SEEN_KEY)

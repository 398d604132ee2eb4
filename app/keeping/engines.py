"""What differs between SQLite and PostgreSQL when a whole database is copied, counted or put back.

Copies are made by the engine itself: SQLite's backup API in one go (a stepped one begins anew with
every write and may never end), `pg_dump` on PostgreSQL, both from one snapshot while people vote.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app
from flask_migrate import Migrate
from sqlalchemy import create_engine, func, inspect, select, table, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from app.config import ROOT
from app.core import space
from app.core.db import db, prepare_engine
from app.core.errors import RuleBroken
from app.core.record import RecordLog
from app.keeping.rules import Inventory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine

    from app.config import Settings

SQLITE, POSTGRESQL = "sqlite", "postgresql"
MAINTENANCE = "postgres"
_NUMBER = re.compile(r"(\d+)")


def engine_of(url: str) -> str:
    """`sqlite` or `postgresql`."""
    return make_url(url).get_backend_name()


def sqlite_path(url: str) -> Path:
    """The file of a SQLite database."""
    return Path(make_url(url).database or "")


@contextmanager
def beside(settings: Settings, **changes: Any) -> Iterator[Flask]:
    """Another database for a while: an app without pages, whose session is `db.session`."""
    other = replace(settings, worker_thread=False, **changes)
    app = Flask("linyi-beside")
    app.config.update(
        SETTINGS=other,
        SQLALCHEMY_DATABASE_URI=other.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={"poolclass": NullPool},
    )
    # Sentences are in the same language as without.
    app.extensions["babel"] = current_app.extensions["babel"]
    space.init(app, other)
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    with app.app_context():
        prepare_engine(db.engine)
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


# --- counting ------------------------------------------------------------------------------------


def inventory(connection: Connection) -> Inventory:
    """Migration, rows of every table, size and head of every log, as this connection sees them."""
    names = sorted(inspect(connection).get_table_names())
    counts = {
        name: connection.scalar(select(func.count()).select_from(table(name))) or 0
        for name in names
        if name != "alembic_version"
    }
    migration = ""
    if "alembic_version" in names:
        migration = connection.scalar(text("SELECT version_num FROM alembic_version")) or ""
    logs: dict[str, tuple[int, str]] = {}
    if "record_log" in names:
        rows = connection.execute(select(RecordLog.code, RecordLog.size, RecordLog.head))
        logs = {row.code: (row.size, row.head) for row in rows}
    return Inventory(connection.dialect.name, migration, counts, logs)


def inventory_of(url: str) -> Inventory:
    """The same of a whole other database. Raises: RuleBroken keeping.no_database."""
    with _engine(url) as engine:
        try:
            with engine.connect() as connection:
                return inventory(connection)
        except DBAPIError as error:
            raise RuleBroken("keeping.no_database", why=_last_line(str(error.orig))) from error


@contextmanager
def _engine(url: str | URL, **options: Any) -> Iterator[Engine]:
    engine = create_engine(url, poolclass=NullPool, **options)
    try:
        yield engine
    finally:
        engine.dispose()


def rows_in(found: Inventory) -> int:
    """How many rows there are, but for what an installation notes about itself."""
    return sum(n for name, n in found.counts.items() if name not in {"system_value", "job"})


# --- copying -------------------------------------------------------------------------------------


def dump(settings: Settings, out: Path) -> Inventory:
    """Write the whole database of this app to `out`, and count what went in.

    Raises: RuleBroken keeping.broken_database, keeping.no_pg_tool, keeping.pg_failed; OSError.
    """
    if engine_of(settings.database_url) == SQLITE:
        copy_sqlite(sqlite_path(settings.database_url), out)
        return inventory_of(f"sqlite:///{out}")
    # Who counts and who dumps look at the same snapshot, whatever is written meanwhile.
    connection = db.engine.connect().execution_options(isolation_level="REPEATABLE READ")
    with connection:
        snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
        found = inventory(connection)
        _pg(
            settings,
            "pg_dump",
            make_url(settings.database_url),
            *("-Fc", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={out}"),
        )
    return found


def copy_sqlite(source: Path, out: Path) -> None:
    """Copy a SQLite database in one go and look whether the copy is sound.

    Raises: RuleBroken keeping.broken_database; OSError.
    """
    try:
        with closing(_reading(source)) as old, closing(sqlite3.connect(out)) as new:
            old.backup(new)
            # One file, without a log beside it, and without the remains of what was deleted.
            new.execute("PRAGMA journal_mode=DELETE")
            new.execute("VACUUM")
            found = new.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        if "full" in str(error) or "disk I/O" in str(error):
            raise OSError(str(error)) from error
        raise RuleBroken("keeping.broken_database", why=str(error)) from error
    if found != "ok":
        raise RuleBroken("keeping.broken_database", why=str(found)[:200])


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)


def sound_sqlite(path: Path) -> str:
    """What SQLite says of a file: `ok`, or what is wrong."""
    try:
        with closing(_reading(path)) as connection:
            return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    except sqlite3.DatabaseError as error:
        return str(error)


@contextmanager
def alone_with(path: Path) -> Iterator[sqlite3.Connection]:
    """A SQLite database that nobody else has open, held until the end.

    Raises: RuleBroken keeping.in_use.
    """
    connection = sqlite3.connect(path, timeout=0.2, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise RuleBroken("keeping.in_use") from error
    try:
        yield connection
    finally:
        connection.rollback()
        connection.close()


# --- PostgreSQL's own programs ------------------------------------------------------------------


def pg_restore(settings: Settings, url: URL, dumped: Path) -> None:
    """Bring a dump into an empty database, all of it or nothing.

    Raises: RuleBroken keeping.no_pg_tool, keeping.pg_failed.
    """
    options = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
    _pg(settings, "pg_restore", url, *options, str(dumped))


def _pg(settings: Settings, tool: str, url: URL, *options: str) -> None:
    program = _pg_tool(settings, tool, _server_major(url))
    # A password on the command line could be read by every program on the machine.
    environment = os.environ | ({"PGPASSWORD": url.password} if url.password else {})
    plain = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    done = subprocess.run(  # noqa: S603 -- our own program, our own words
        [program, f"--dbname={plain}", *options],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuleBroken("keeping.pg_failed", tool=tool, why=_last_line(done.stderr))


def _server_major(url: URL) -> int:
    with maintenance(url) as connection:
        return int(connection.scalar(text("SHOW server_version_num"))) // 10_000


def _pg_tool(settings: Settings, tool: str, major: int) -> str:
    """The first such program that is not older than the server. Raises: RuleBroken."""
    folders = [str(settings.pg_bin)] if settings.pg_bin else os.environ.get("PATH", "").split(":")
    for folder in folders:
        found = shutil.which(tool, path=folder)
        if found is not None and _tool_major(found) >= major:
            return found
    raise RuleBroken("keeping.no_pg_tool", tool=tool, major=major)


def _tool_major(program: str) -> int:
    said = subprocess.run(  # noqa: S603 -- asked for its version
        [program, "--version"], capture_output=True, text=True, check=False
    ).stdout
    number = _NUMBER.search(said)
    return int(number[1]) if number else 0


def _last_line(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else ""


@contextmanager
def maintenance(url: URL) -> Iterator[Connection]:
    """A connection to the server's own database, where databases are made and renamed.

    Raises: RuleBroken keeping.no_database.
    """
    # A server set up without a language would otherwise answer in bytes.
    server = url.set(database=MAINTENANCE).update_query_dict({"client_encoding": "utf8"})
    with _engine(server, isolation_level="AUTOCOMMIT") as engine:
        try:
            connection = engine.connect()
        except DBAPIError as error:
            raise RuleBroken("keeping.no_database", why=_last_line(str(error.orig))) from error
        with connection:
            yield connection


def create_database(url: URL, name: str) -> URL:
    """Make an empty database on the same server. Raises: RuleBroken keeping.may_not_create."""
    with maintenance(url) as connection:
        try:
            # Chinese text needs this, whatever language the server was set up with.
            how = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
            connection.execute(text(f'CREATE DATABASE "{name}" {how}'))
        except DBAPIError as error:
            raise RuleBroken("keeping.may_not_create", why=_last_line(str(error.orig))) from error
    return url.set(database=name)


def drop_database(url: URL) -> None:
    """Throw away a database that this program has made for itself."""
    with maintenance(url) as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)'))


def database_exists(connection: Connection, name: str) -> bool:
    """Whether the server has a database of that name."""
    known = text("SELECT 1 FROM pg_database WHERE datname = :name")
    return connection.scalar(known, {"name": name}) is not None


def others_in(connection: Connection, name: str) -> int:
    """How many sessions a database has."""
    sessions = text("SELECT count(*) FROM pg_stat_activity WHERE datname = :name")
    return connection.scalar(sessions, {"name": name}) or 0

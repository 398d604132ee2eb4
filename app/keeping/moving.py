"""From SQLite to PostgreSQL in one go: all of it is there and the same, or nothing was done."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask_migrate import upgrade
from sqlalchemy import create_engine, func, insert, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import StaticPool

from app.core.db import Base, db, transaction
from app.core.errors import RuleBroken
from app.core.record import public_key
from app.keeping import engines, packing, words
from app.keeping.restoring import MIGRATIONS, Checked, verify_logs
from app.keeping.rules import Inventory, differences

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from sqlalchemy import Table
    from sqlalchemy.engine import URL, Connection

    from app.config import Settings

BATCH = 2000


@dataclass(frozen=True, slots=True)
class Moved:
    """A move that was done, with its figures."""

    rows: int
    tables: int
    logs: int
    address: str
    checked: Checked

    def summary(self) -> str:
        """The one line that the command line ends with."""
        return (
            f"rows={self.rows} tables={self.tables} logs={self.logs} seconds={self.checked.seconds}"
        )


def move(settings: Settings, to: str) -> Moved:
    """Copy this SQLite database into an empty PostgreSQL one; nothing changes here.

    Raises: RuleBroken keeping.move_from, keeping.move_to, keeping.in_use, keeping.not_at_head,
    keeping.target_not_empty, keeping.move_failed, keeping.no_database; the target is then empty.
    """
    started = time.monotonic()
    target = _target(settings, to)
    signing = public_key()
    db.session.remove()
    db.engine.dispose()
    checked = Checked()
    with (
        engines.alone_with(engines.sqlite_path(settings.database_url)) as raw,
        packing.workplace(settings) as work,
        _source(raw).connect() as source,
    ):
        found = engines.inventory(source)
        address = target.render_as_string(hide_password=False)
        with engines.beside(settings, database_url=address, record_key_file=work / "drill.key"):
            _prepare(found, address)
            _copy_all(source, found)
            checked.said.append(words.same(found))
            verify_logs(work, [signing], checked)
    checked.seconds = packing.elapsed(started)
    counts = found.counts
    shown = target.render_as_string(hide_password=True)
    return Moved(sum(counts.values()), len(counts), len(found.logs), shown, checked)


def _target(settings: Settings, to: str) -> URL:
    if engines.engine_of(settings.database_url) != engines.SQLITE:
        raise RuleBroken("keeping.move_from")
    try:
        url = make_url(to)
    except ArgumentError as error:
        raise RuleBroken("keeping.move_to") from error
    if url.get_backend_name() != engines.POSTGRESQL or not url.database:
        raise RuleBroken("keeping.move_to")
    return url


def _source(raw: sqlite3.Connection) -> Any:
    """An engine over the one connection that holds the file; whoever opened it closes it."""
    return create_engine(
        "sqlite://", creator=lambda: raw, poolclass=StaticPool, pool_reset_on_return=None
    )


def _prepare(found: Inventory, address: str) -> None:
    """Make the tables where there are none. Raises: RuleBroken."""
    there = engines.inventory_of(address)
    if there.counts and (there.migration != found.migration or any(there.counts.values())):
        raise RuleBroken("keeping.target_not_empty")
    upgrade(MIGRATIONS)
    if engines.inventory_of(address).migration != found.migration:
        raise RuleBroken("keeping.not_at_head")


def _copy_all(source: Connection, found: Inventory) -> None:
    """Copy every table in one transaction, and compare before it is kept."""
    tables = Base.metadata.sorted_tables
    with transaction() as session:
        target = session.connection()
        own = _own_keys(target, tables)
        for name, key in own:
            _alter(target, name, key, "DEFERRABLE INITIALLY DEFERRED")
        for table in tables:
            _copy(source, target, table)
        target.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        for name, key in own:
            _alter(target, name, key, "NOT DEFERRABLE")
        wrong = differences(found, engines.inventory(target))
        if wrong:
            why = "；".join(words.difference(one) for one in wrong)
            raise RuleBroken("keeping.move_failed", table="", why=why)


def _own_keys(target: Connection, tables: Iterable[Table]) -> list[tuple[str, str]]:
    """Foreign keys of a table to itself, whose rows come in no particular order."""
    known = inspect(target)
    return [
        (table.name, str(key["name"]))
        for table in tables
        for key in known.get_foreign_keys(table.name)
        if key["referred_table"] == table.name
    ]


def _alter(target: Connection, table: str, key: str, how: str) -> None:
    target.execute(text(f'ALTER TABLE "{table}" ALTER CONSTRAINT "{key}" {how}'))


def _copy(source: Connection, target: Connection, table: Table) -> None:
    rows = source.execution_options(yield_per=BATCH).execute(
        select(table).order_by(*table.primary_key.columns)
    )
    try:
        for batch in rows.mappings().partitions(BATCH):
            target.execute(insert(table), [dict(row) for row in batch])
    except (DBAPIError, ValueError) as error:
        said = str(getattr(error, "orig", error)).splitlines()
        raise RuleBroken("keeping.move_failed", table=table.name, why=said[0][:200]) from error
    if "id" in table.columns:
        _set_sequence(target, table)


def _set_sequence(target: Connection, table: Table) -> None:
    """The next row's number is above all that were copied."""
    highest = target.scalar(select(func.max(table.columns.id)))
    target.execute(
        text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :value, :used)"),
        {"name": table.name, "value": highest or 1, "used": highest is not None},
    )

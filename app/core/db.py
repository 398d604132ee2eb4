"""The database: base class, types, and `transaction()`, which holds the only commit."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, DateTime, MetaData, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass, Session
from sqlalchemy.types import TypeDecorator

from app.core import space
from app.core.errors import NotSaved, SaveUnknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection, Dialect, Engine

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """Aware UTC on both engines; SQLite would give back naive times."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse naive times: they would be read as another zone's."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a naive time has no place in the database")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give UTC back to what SQLite stored without a zone."""
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC)


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """Every table. Typed constructors: the type checker finds a ballot with no voter."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UTCDateTime, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


# Tables derive from Base itself, which type checkers understand; the extension lends the session.
db = SQLAlchemy(metadata=Base.metadata)

_at_the_end: list[Callable[[Session], None]] = []


def before_commit(hook: Callable[[Session], None]) -> Callable[[Session], None]:
    """Let something be written at the end of each transaction, in that transaction."""
    _at_the_end.append(hook)
    return hook


# SQLite has one writer at a time. Queueing here is fair and quick; its own busy wait is neither.
_sqlite_writer = threading.Lock()


@contextmanager
def transaction(*, small: bool = False) -> Iterator[Session]:
    """One change: everything in it is saved together, or nothing is.

    On SQLite it begins with BEGIN IMMEDIATE, so what is read inside is what is written on.
    `small` changes may use the room kept on a nearly full disk: signing in and exports.
    Raises: RuntimeError when nested; ReadOnly when the disk is nearly full; NotSaved when the
    database fails before the commit; SaveUnknown when the commit itself fails.
    """
    session = _fresh_session()
    space.watch().refuse(small=small)
    is_sqlite = db.engine.dialect.name == "sqlite"
    if is_sqlite:
        _sqlite_writer.acquire()
    session.info["in_transaction"] = True
    try:
        with _before_the_commit():
            session.connection(execution_options={"linyi_write": True})
            yield session
            session.flush()
            for hook in _at_the_end:
                hook(session)
        _commit(session)
        # That somebody was seen, or signed in, is not what they came to save.
        session.info["saved"] = session.info.get("saved", False) or not small
    except BaseException:
        _roll_back(session)
        raise
    finally:
        session.info["in_transaction"] = False
        if is_sqlite:
            _sqlite_writer.release()


def _fresh_session() -> Session:
    session = db.session()
    if session.info.get("in_transaction"):
        raise RuntimeError("one operation is one transaction: do not nest")
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("something was changed outside a transaction")
    session.rollback()
    return session


@contextmanager
def _before_the_commit() -> Iterator[None]:
    """A full disk, a broken one or a database that went away: nothing of the change is kept."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise NotSaved from error


def _roll_back(session: Session) -> None:
    try:
        session.rollback()
    except DBAPIError:
        # The connection is of no use any more; the database drops what it held by itself.
        session.invalidate()


def _commit(session: Session) -> None:
    try:
        session.commit()
    except DBAPIError as error:
        raise SaveUnknown from error


def overwrite_deleted(session: Session) -> None:
    """Let SQLite overwrite what this connection deletes from now on, rather than only unlink it."""
    if session.get_bind().dialect.name == "sqlite":
        session.connection().exec_driver_sql("PRAGMA secure_delete=ON")


def compact() -> bool:
    """Rewrite what is stored so that no remains of erased rows are left; gives whether it is done.

    SQLite leaves old bytes where pages were split, whatever is overwritten later; on PostgreSQL
    dead rows are let go. Not for the inside of a transaction.
    """
    db.session.rollback()
    engine = db.engine
    if engine.dialect.name != "sqlite":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM")
        return True
    with _sqlite_writer:
        raw = engine.raw_connection()
        try:
            cursor = raw.cursor()
            cursor.execute("VACUUM")
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            cursor.close()
        finally:
            raw.close()
    return not busy


def let_go() -> bool:
    """End what was being read when a fault came; gives whether this request had saved something."""
    session = db.session()
    _roll_back(session)
    return bool(session.info.get("saved"))


def begin_request() -> None:
    """What earlier requests saved is not this one's; a context may outlive a request in tests."""
    db.session().info.pop("saved", None)


def end_reading(_error: BaseException | None) -> None:
    """Let go when a request ends; a database that left meanwhile must not spoil its answer."""
    let_go()


def prepare_engine(engine: Engine) -> None:
    """Give an engine the settings that make an acknowledged change survive a power cut."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "busy_timeout=10000",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("linyi_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

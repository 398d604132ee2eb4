"""Run migrations with the app's engine; on SQLite foreign keys rest meanwhile.

A batch migration drops and rebuilds a table. With foreign keys on, that would delete what refers
to it, so they are off during the run and every reference is checked afterwards.
"""

from alembic import context
from flask import current_app
from sqlalchemy import DateTime, text
from sqlalchemy.engine import Connection

database = current_app.extensions["migrate"].db


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """Write our own time type as the plain one, so that migrations need nothing of the app."""
    if kind == "type" and type(item).__name__ == "UTCDateTime":
        return "sa.DateTime(timezone=True)"
    return False


def compare_type(
    _context: object, _column: object, _meta: object, found: object, wanted: object
) -> bool | None:
    """Our time type is a DateTime to the database."""
    if type(wanted).__name__ == "UTCDateTime":
        return not isinstance(found, DateTime) and "TIMESTAMP" not in str(found).upper()
    return None


def run(connection: Connection) -> None:
    """Upgrade or downgrade in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=database.metadata,
        render_as_batch=True,
        render_item=render_item,
        compare_type=compare_type,
    )
    with context.begin_transaction():
        context.run_migrations()


with database.engine.connect() as connection:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        raw = connection.connection.dbapi_connection
        raw.execute("PRAGMA foreign_keys=OFF")
    run(connection)
    connection.commit()
    if sqlite:
        broken = connection.execute(text("PRAGMA foreign_key_check")).all()
        connection.rollback()
        raw.execute("PRAGMA foreign_keys=ON")
        if broken:
            raise RuntimeError(f"references without a target: {broken[:5]}")

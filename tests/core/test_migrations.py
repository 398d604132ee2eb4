"""Up, down and up again with data in the tables; and nothing of the models is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text

from app.config import ROOT
from app.core.db import Base, db
from tests.support.world import World

if TYPE_CHECKING:
    from flask import Flask

FOLDER = str(ROOT / "migrations")


def test_up_down_up_with_data_in_the_tables(app: Flask) -> None:
    world = World(app)
    place = world.community(households=3)
    poll = world.poll(place)
    world.cast(world.resident(place), place, poll, "yes")
    db.session.remove()
    upgrade(FOLDER)
    with db.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM ballot")).scalar() == 1
    downgrade(FOLDER, revision="base")
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
    upgrade(FOLDER)
    assert set(Base.metadata.tables) <= set(inspect(db.engine).get_table_names())


def test_the_models_and_the_migrations_agree(app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []

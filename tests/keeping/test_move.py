"""From SQLite to PostgreSQL by one command: the city goes on there as if nothing had happened."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, func, select, text

from app import create_app
from app.communities import operations as communities
from app.communities.models import Jurisdiction
from app.core.actor import SYSTEM
from app.core.db import db, transaction
from app.core.errors import RuleBroken
from app.core.record import SystemValue, signing_key
from app.keeping import engines, moving
from app.people.models import Person, SecurityEvent
from app.voting.models import Ballot
from tests.conftest import settings_for
from tests.keeping.helpers import heads, lived_in, run
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask

    from app.config import Settings


@pytest.fixture
def here(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    """A SQLite installation whose signing key lies apart."""
    settings = settings_for(sqlite_url, tmp_path, record_key_file=tmp_path / "safe" / "record.key")
    app = create_app(settings)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def settings_of(app: Flask) -> Settings:
    settings: Settings = app.config["SETTINGS"]
    return settings


def let_go() -> None:
    db.session.remove()
    db.engine.dispose()


def content(path: Path) -> str:
    let_go()
    return hashlib.sha256(path.read_bytes()).hexdigest()


def empty(postgres: Callable[[str], str], name: str) -> str:
    """A database without any table."""
    address = postgres(f"{name}_full")
    with engines.maintenance(engines.make_url(address)) as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return engines.make_url(address).set(database=name).render_as_string(hide_password=False)


def test_a_moved_city_votes_on_and_its_record_verifies(
    here: Flask, postgres: Callable[[str], str], tmp_path: Path
) -> None:
    world = World(here)
    place, poll = lived_in(world, settings_of(here))
    voter = world.resident(place, 4)
    people = db.session.scalar(select(func.max(Person.id)))
    # A district whose city was written after it: references within a table go along in any order.
    city = communities.add_jurisdiction(
        SYSTEM, level="city", code="C", name="清河市", parent_id=None
    )
    with transaction() as session:
        session.get_one(Jurisdiction, place.district_id).parent_id = city
    before, database = heads(), engines.sqlite_path(settings_of(here).database_url)
    whole = content(database)
    address = empty(postgres, "moved")

    status, said = run(here, "move", "--to", address)
    assert status == 0, said
    for words in ("都与清单一致", "HXL 的协商记录", "LINYI_DATABASE_URL=", "没有动"):
        assert words in said
    assert said.splitlines()[-1].startswith("rows=")
    assert "logs=5" in said
    assert content(database) == whole
    assert ballots(here) == 3

    there = create_app(replace(settings_of(here), database_url=address))
    with there.app_context():
        assert (ballots(there), heads()) == (3, before)
        new_world = World(there)
        assert new_world.cast(voter, place, poll, "no").version == 1
        # New rows get numbers above the old ones.
        new_world.resident(place, 6)
        assert (db.session.scalar(select(func.max(Person.id))) or 0) > (people or 0)
        assert run(there, "record", "verify", "HXL")[1].splitlines()[-1] == "verified=good"
        kinds = db.session.scalars(select(SecurityEvent.kind)).all()
        assert "database.moved" in kinds
        let_go()
    # Moving again would double everything: the target is not empty any more.
    status, said = run(here, "move", "--to", address)
    assert (status, "目标库不是空的" in said) == (1, True)


def ballots(app: Flask) -> int:
    number = db.session.scalar(select(func.count()).select_from(Ballot)) or 0
    db.session.rollback()
    return number


def test_a_migrated_and_empty_target_will_do(
    here: Flask, postgres: Callable[[str], str], tmp_path: Path
) -> None:
    lived_in(World(here), settings_of(here), votes=1)
    assert run(here, "move", "--to", postgres("moved_ready"))[0] == 0


def test_what_cannot_be_moved_is_refused_and_nothing_is_there_afterwards(
    here: Flask, postgres: Callable[[str], str], tmp_path: Path
) -> None:
    lived_in(World(here), settings_of(here), votes=1)
    with transaction() as session:
        # SQLite does not mind; PostgreSQL does.
        session.execute(text("UPDATE community SET desk_phone = :long"), {"long": "1" * 60})
    let_go()
    address = empty(postgres, "moved_not")
    status, said = run(here, "move", "--to", address)
    assert (status, "搬到表 community 时没有成功" in said) == (1, True), said
    engine = create_engine(address)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM jurisdiction")) == 0
        assert connection.scalar(text("SELECT count(*) FROM person")) == 0
    engine.dispose()
    with transaction() as session:
        session.execute(text("UPDATE community SET desk_phone = '1'"))
    let_go()
    # And after the mistake is mended, the same target serves.
    assert run(here, "move", "--to", address)[0] == 0


def test_moving_refuses_politely(
    here: Flask, postgres: Callable[[str], str], tmp_path: Path
) -> None:
    lived_in(World(here), settings_of(here), votes=1)
    let_go()
    for to, words in (
        ("nonsense", "--to 要写成"),
        ("sqlite:///elsewhere", "--to 要写成"),
        ("postgresql://nobody@localhost:1/none", "连不上数据库"),
    ):
        status, said = run(here, "move", "--to", to)
        assert (status, words in said, said.count("refused")) == (1, True, 1), said
    engine = create_engine(settings_of(here).database_url)
    with engine.connect() as connection:
        connection.execute(text("SELECT count(*) FROM ballot"))
        status, said = run(here, "move", "--to", postgres("moved_busy"))
        assert (status, "还有程序在用数据库" in said) == (1, True)
    engine.dispose()
    there = create_app(replace(settings_of(here), database_url=postgres("moved_from")))
    with there.app_context():
        status, said = run(there, "move", "--to", "postgresql:///x")
        assert (status, "现在用的不是 SQLite" in said) == (1, True)
        let_go()


def test_an_older_installation_is_brought_up_first(
    here: Flask, postgres: Callable[[str], str], tmp_path: Path
) -> None:
    with transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '4b14c7baca70_'"))
    let_go()
    with pytest.raises(RuleBroken, match="not_at_head"):
        moving.move(settings_of(here), empty(postgres, "moved_older"))


def test_a_copy_that_counts_otherwise_is_not_kept(
    here: Flask, postgres: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(here)
    lived_in(world, settings_of(here), votes=1)
    signing_key(settings_of(here).record_key_path)
    real = moving._copy

    def forgetful(source: object, target: object, table: object) -> None:
        if table.name != "household_notice":  # type: ignore[attr-defined]
            real(source, target, table)  # type: ignore[arg-type]

    monkeypatch.setattr(moving, "_copy", forgetful)
    address = empty(postgres, "moved_less")
    let_go()
    status, said = run(here, "move", "--to", address)
    assert (status, "household_notice" in said) == (1, True)
    with engines.beside(settings_of(here), database_url=address):
        assert db.session.get(SystemValue, "log_host") is None

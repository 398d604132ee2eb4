"""Hostile texts, ten at a time in every text that is kept, on every page of every role.

In every round each column has ten others, so that after all rounds every column has had each. They
stand behind one another: one that got out would be seen, whatever it swallows of those behind it,
and in the next column the same ten begin with another. The browser is told to leave our
Content-Security-Policy aside: what is counted is what the pages themselves let run, not what the
policy would still have stopped.
"""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error
from sqlalchemy import JSON, String
from werkzeug.serving import make_server

from app import create_app
from app.core import clock
from app.core.db import Base, db
from tests.browser.conftest import DESK
from tests.browser.test_journeys import enter, staff
from tests.browser.test_markup import ID, MACHINE, NO_PAGE
from tests.conftest import settings_for
from tests.reliability import figures
from tests.support.hostile_texts import TEXTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page, StorageState

    from tests.browser.conftest import City

STARTS = {
    "": ("/", "/c/HXL/", "/c/HXL/board"),
    "resident": ("/c/HXL/", "/c/HXL/mine", "/c/HXL/inbox", "/c/HXL/convention/1/sign"),
    "gongzuo": ("/c/HXL/desk/", "/staff/account"),
    "sheji": ("/c/HXL/designer",),
    "jiandu": ("/c/HXL/desk/", "/c/HXL/desk/posts"),
    "jiedao": ("/staff/",),
    "quji": ("/staff/",),
    "guanli": ("/staff/",),
}
TOGETHER = 10
LINKS = """() => Array.from(document.querySelectorAll("a[href]")).map(e => e.href)"""
# Elements, handlers and addresses that only a text can have brought in.
FOUND = """() => Array.from(document.querySelectorAll("*")).filter(e =>
    /evil/i.test(e.localName)
    || Array.from(e.attributes).some(a =>
      /^(on|hx-on|srcdoc|formaction)/i.test(a.name)
      || (a.name === "style" && /evil/.test(a.value))
      || (/^(data-)?hx-/.test(a.name) && /evil/.test(a.value))
      || (/^(src|href|action|data|xlink:href)$/i.test(a.name)
          && (/^[^a-z\\/#?]*(javascript|vbscript|data|x):/i.test(a.value)
            || /^\\s*[\\/\\\\]{2}|^\\/evil/i.test(a.value)))
      || (a.name === "class" && /evil/.test(a.value)))
  ).map(e => e.outerHTML.slice(0, 200))"""


def texts() -> list[tuple[str, str]]:
    """Every column that holds what people write."""
    return [
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, String)
        and not isinstance(column.type, JSON)
        and column.name not in MACHINE.get(table.name, set())
    ]


def put(file: Path, number: int) -> int:
    """Round `number`: its texts in each column. What is no prose keeps its beginning."""
    connection = sqlite3.connect(file)
    columns = texts()
    for position, (table, column) in enumerate(columns):
        here = TEXTS[number * TOGETHER : (number + 1) * TOGETHER]
        turn = position % len(here)
        text = " ".join(here[turn:] + here[:turn])
        prose = f"CASE WHEN {column} GLOB '*[一-龥]*' THEN ? ELSE {column} || ? END"
        where = f"WHERE {column} <> ''"
        try:
            connection.execute(f"UPDATE {table} SET {column} = {prose} {where}", (text, text))
        except sqlite3.IntegrityError:
            # Names that may not be the same twice.
            connection.execute(f"UPDATE {table} SET {column} = {column} || ? {where}", (text,))
    # However long the rounds take, whoever is signed in stays so.
    now = clock.now().strftime("%Y-%m-%d %H:%M:%S.%f")
    connection.execute("UPDATE login_session SET last_seen_at = ?, proved_at = ?", (now, now))
    connection.commit()
    connection.close()
    return len(columns)


def _note(wrong: list[str], url: str) -> None:
    """Keep that something was fetched which only a text can have named."""
    if "evil" in urlsplit(url).path:
        wrong.append(f"fetched {url}")


class Round:
    """The demo city with the texts of one round, behind an address of its own."""

    def __init__(self, city: City, folder: Path, number: int) -> None:
        file = folder / f"round{number}.sqlite3"
        source = sqlite3.connect(city.file)
        source.execute("VACUUM INTO ?", (str(file),))
        source.close()
        self.columns = put(file, number)
        self.app = create_app(
            settings_for(f"sqlite:///{file}", city.app.config["SETTINGS"].data_dir)
        )
        self.server = make_server("localhost", 0, self.app, threaded=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://localhost:{self.server.server_port}"

    def end(self) -> None:
        """Stop it, and let its file go."""
        self.server.shutdown()
        with self.app.app_context():
            db.engine.dispose()


class Reader:
    """Somebody of one role, who opens every page there is for them."""

    def __init__(self, browser: Browser, city: City, role: str, most: int = 1000) -> None:
        """Sign in, and walk up to so many pages."""
        self.browser, self.role = browser, role
        context = self._context(city.address, None)
        page = context.new_page()
        page.goto(city.address)
        if role == "resident":
            enter(page, city)
        elif role:
            staff(page, city, role)
        self.state: StorageState = context.storage_state()
        self.pages = self._walk(page, city.address, most)
        context.close()

    def _context(self, address: str, state: StorageState | None) -> BrowserContext:
        return self.browser.new_context(
            viewport={"width": DESK[0], "height": DESK[1]},
            locale="zh-CN",
            base_url=address,
            storage_state=state,
            bypass_csp=True,
        )

    def _walk(self, page: Page, address: str, most: int) -> list[str]:
        waiting = [address + start for start in STARTS[self.role]]
        kinds: set[str] = set()
        found: list[str] = []
        while waiting and len(found) < most:
            link = waiting.pop(0).partition("#")[0]
            parts = urlsplit(link)
            kind = ID.sub("*", parts.path)
            if not link.startswith(address) or kind in kinds or NO_PAGE.search(parts.path):
                continue
            if parts.path.startswith("/static"):
                continue
            kinds.add(kind)
            page.goto(link)
            found.append(parts._replace(scheme="", netloc="").geturl())
            waiting += page.evaluate(LINKS)
        return found

    def read(self, here: Round) -> tuple[int, list[str]]:
        """Open the pages; gives how many were, and everything that ran or became an element."""
        context, wrong = self._context(here.address, self.state), list[str]()
        page = context.new_page()
        page.expose_function("ran", lambda _one: wrong.append(f"{page.url}: ran"))
        page.on("request", lambda asked: _note(wrong, asked.url))
        page.on("dialog", lambda dialog: dialog.dismiss())
        for path in self.pages:
            try:
                answer = page.goto(here.address + path)
            except Error as error:
                wrong.append(f"{path}: {error.message[:200]}")
                continue
            if answer is None or answer.status >= 500:
                wrong.append(f"{path}: {answer and answer.status}")
            wrong += [f"{path}: {one}" for one in page.evaluate(FOUND)]
            if "1337" in page.inner_text("body"):
                wrong.append(f"{path}: a template was run")
        context.close()
        return len(self.pages), wrong


def rounds(
    city: City, readers: list[Reader], numbers: Sequence[int], folder: Path
) -> tuple[int, int, list[str]]:
    """Run these rounds; gives the columns, the pages opened, and what went wrong."""
    opened, wrong, columns = 0, [], 0
    for number in numbers:
        here = Round(city, folder, number)
        columns = here.columns
        for reader in readers:
            pages, problems = reader.read(here)
            opened += pages
            wrong += [f"{number} {reader.role}: {one}" for one in problems]
        here.end()
    return columns, opened, wrong


def test_there_are_more_than_sixty_texts_and_each_is_another() -> None:
    assert len(TEXTS) == len(set(TEXTS)) >= 60
    assert all("evil" in text or "ran(1)" in text or "191" in text for text in TEXTS)


def test_the_browser_would_see_what_runs(browser: Browser) -> None:
    """The detector itself: read as HTML, most of these texts run or become what is looked for."""
    context = browser.new_context(bypass_csp=True)
    page, ran = context.new_page(), []
    page.expose_function("ran", lambda _one: ran.append(1))
    page.route("**/*", lambda route: route.fulfill(status=404, body=""))
    seen = 0
    for text in TEXTS[:30]:
        ran.clear()
        page.set_content(f"<!doctype html><body>{text}", wait_until="load")
        page.wait_for_timeout(30)
        seen += bool(ran or page.evaluate(FOUND))
    context.close()
    assert seen >= 25


def test_a_few_hostile_texts_are_text(city: City, browser: Browser, tmp_path: Path) -> None:
    readers = [Reader(browser, city, role, 7) for role in STARTS]
    columns, opened, wrong = rounds(city, readers, [0], tmp_path)
    assert wrong == []
    assert (columns > 60, opened > 30) == (True, True)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_every_hostile_text_in_every_column(
    city: City, browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full, readers = -(-len(TEXTS) // TOGETHER), [Reader(browser, city, role) for role in STARTS]
    done = figures.part_of(full)
    # A part of the rounds is spread over all kinds of texts.
    numbers = [step * full // done for step in range(done)]
    columns, opened, wrong = rounds(city, readers, numbers, tmp_path)
    with capsys.disabled():
        figures.note(
            f"rounds of {TOGETHER} of {len(TEXTS)} hostile texts in each of {columns} text "
            "columns, in Chromium without our policy",
            done,
            full,
            f"{opened} pages of {len(STARTS)} roles",
            executions=len(wrong),
        )
    assert wrong == []

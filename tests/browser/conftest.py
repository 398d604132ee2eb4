"""A real server on the demo city, and a real Chromium in front of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select
from werkzeug.serving import make_server

from app import create_app
from app.core import clock
from app.core.db import db, transaction
from app.people import secrets_box
from app.people.models import StaffAccount
from app.portal import demo, demo_sign_in
from tests.conftest import migrated, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

LEVELS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESK, SMALL = (390, 844), (1280, 800), (320, 640)


class City:
    """The demo city behind an address, in its database file."""

    def __init__(self, app: Flask, address: str, file: Path) -> None:
        self.app, self.address, self.file = app, address, file
        with app.app_context():
            self.homes = demo_sign_in.codes("HXL", 120)
            db.session.remove()
        self.used = 0

    def letter(self) -> tuple[str, str]:
        """The code and second fact of a household nobody has used."""
        code, fact, _home = self.homes[self.used]
        self.used += 1
        return code, fact

    def digits(self, name: str) -> str:
        """The present second factor; that it was used before is forgotten for the test."""
        with self.app.app_context():
            with transaction() as session:
                account = session.scalars(
                    select(StaffAccount).where(StaffAccount.sign_in_name == name)
                ).one()
                account.last_totp_step = 0
                secret = secrets_box.unseal(account.totp_secret)
            db.session.remove()
        return pyotp.TOTP(secret).at(clock.now())


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo city that nobody has touched, with its pictures."""
    folder: Path = tmp_path_factory.mktemp("city")
    app = create_app(settings_for(f"sqlite:///{folder}/built.sqlite3", folder))
    migrated(app)
    with app.app_context():
        demo.build()
        db.session.remove()
        db.engine.dispose()
    source = sqlite3.connect(folder / "built.sqlite3")
    source.execute("VACUUM INTO ?", (str(folder / "untouched.sqlite3"),))
    source.close()
    return folder


@pytest.fixture(scope="module")
def city(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The demo city, served by threads from a copy of the database for each file of journeys."""
    file: Path = tmp_path_factory.mktemp("copy") / "city.sqlite3"
    shutil.copy(built / "untouched.sqlite3", file)
    app = create_app(settings_for(f"sqlite:///{file}", built))
    server = make_server("localhost", 0, app, threaded=True)
    address = f"http://localhost:{server.server_port}"
    # Passkeys are for the address that is set, and for no other.
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], base_url=address)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield City(app, address, file)
    server.shutdown()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all journeys."""
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield program
        program.close()


@pytest.fixture
def open_page(browser: Browser, city: City) -> Iterator[Callable[..., Page]]:
    """A new browser context: `open_page(size, javascript=…, elder=…)`; nothing may break CSP."""
    contexts = []
    complaints: list[str] = []

    def make(
        size: tuple[int, int] = PHONE, *, javascript: bool = True, elder: bool = False
    ) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=javascript,
            locale="zh-CN",
            has_touch=size is not DESK,
            base_url=city.address,
        )
        if elder:
            context.add_cookies([{"name": "linyi_view", "value": "22.", "url": city.address}])
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console", lambda m: complaints.append(m.text) if "Content Security" in m.text else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert not complaints


def settled(page: Page) -> Page:
    """The page, once all of it has come.

    A press returns as soon as the next page has begun, when that may not have a root element yet;
    whatever reads the page itself, instead of waiting for something on it, asks for this first.
    """
    page.wait_for_load_state()
    return page


def fits(page: Page) -> None:
    """Nothing is wider than the screen."""
    wide = settled(page).evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide"


@pytest.fixture
def accessible() -> Callable[[Page], None]:
    """axe finds nothing, and nothing is wider than the screen."""
    axe = Axe()

    def check(page: Page) -> None:
        found = axe.run(settled(page), options={"runOnly": LEVELS})
        problems = [
            (v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found.response["violations"]
        ]
        assert not problems, f"{page.url}: {problems}"
        fits(page)

    return check


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keep a picture of a page where LINYI_PICTURES says."""

    def keep(page: Page, name: str) -> None:
        if folder := os.environ.get("LINYI_PICTURES"):
            settled(page).screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)

    return keep

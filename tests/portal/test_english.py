"""English whole: every page of the demo city in every role has no Chinese of the portal's own.

What people wrote is Chinese and stays so. To tell the two apart, the texts in the demo city's
tables are put into another script first: whatever Chinese a page still shows is the portal's, and
must stand in an element that says so (lang="zh-Hans"), such as the five seals or an address.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import html5lib
import pyotp
import pytest
from jinja2 import ChoiceLoader, DictLoader
from sqlalchemy import JSON, String, select

from app import create_app
from app.core import clock
from app.core.db import Base, db
from app.people import secrets_box
from app.people.models import StaffAccount
from app.portal import demo_sign_in
from app.portal.demo import PASSWORD
from tests.conftest import settings_for
from tests.support.checked_client import CheckedClient, _Page
from tests.support.neighbours import DATABASE, address_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from flask import Flask
    from werkzeug.test import TestResponse

CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
# Chinese words that the portal itself reads: changing them would break it.
READ_BY_CODE = {("convention_article", "kind")}
KEPT = {("topic", "proposed_as"): {"居民", "居委会"}}
# The record is Chinese for good and shown as it is.
RECORD = {"record_entry", "record_checkpoint", "record_log", "record_opening"}
SHOWN = ("alt", "title", "aria-label", "placeholder", "data-label", "label")
FILE = re.compile(r"\.(pdf|svg|ics|zip|xlsx|csv|docx|json|py|webp)$|/(poster|notice|dossier)\b")
# Without a digit it may as well be a section, such as "settings".
ID = re.compile(r"(?<=/)(?:(?=[a-z]*[0-9])[0-9a-z]{8,}|[0-9]+|P[0-9]+)(?=/|$)")
EACH_KIND = 3
# Forms that end the reader's own session or role; the pages behind them are read elsewhere.
LEAVES = re.compile(r"/(sign-out|leave|erase|view|sign-in|roles/\d+/end)$")
ROLES = {
    "visitor": ("/", "/c/HXL/", "/e", "/staff/sign-in", "/styleguide", "/privacy", "/nowhere"),
    "resident": ("/c/HXL/", "/c/HXL/mine", "/c/HXL/inbox", "/c/HXL/convention/1/sign"),
    "gongzuo": ("/c/HXL/desk/", "/c/HXL/desk/chain"),
    "weiyuan": ("/c/HXL/desk/",),
    "jiandu": ("/c/HXL/desk/",),
    "sheji": ("/c/HXL/designer",),
    "jiedao": ("/staff/",),
    "quji": ("/staff/",),
    "shiji": ("/staff/",),
    "zhuren": ("/c/HXL/desk/roles",),
    "guanli": ("/system/",),
}
FEWEST = {"visitor": 15, "resident": 25, "gongzuo": 40, "sheji": 15}


def other_script(value: Any) -> Any:
    """The same text or JSON with every Chinese character replaced by a Korean one."""
    if isinstance(value, str):
        return CHINESE.sub(lambda m: chr(0xAC00 + ord(m[0]) % 11172), value)
    if isinstance(value, list):
        return [other_script(each) for each in value]
    if isinstance(value, dict):
        return {key: other_script(each) for key, each in value.items()}
    return value


def rewrite(file: Path) -> int:
    """Put every text of a database into the other script; gives how many values changed."""
    connection = sqlite3.connect(file)
    changed = 0
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if (table.name, column.name) in READ_BY_CODE or table.name in RECORD:
                continue
            if not isinstance(column.type, (String, JSON)):
                continue
            is_json = isinstance(column.type, JSON)
            rows = connection.execute(f'SELECT rowid, "{column.name}" FROM "{table.name}"')
            for row_id, text in rows.fetchall():
                if not isinstance(text, str) or text in KEPT.get((table.name, column.name), ()):
                    continue
                new = json.dumps(other_script(json.loads(text))) if is_json else other_script(text)
                if new != text:
                    changed += 1
                    connection.execute(
                        f'UPDATE "{table.name}" SET "{column.name}" = ? WHERE rowid = ?',
                        (new, row_id),
                    )
    connection.commit()
    connection.close()
    return changed


def own_chinese(text: str) -> list[str]:
    """Every Chinese text of a page outside elements that are marked as Chinese."""
    found: list[str] = []

    def walk(element: Element, marked: bool) -> None:
        if element.tag in {"script", "style"} or not isinstance(element.tag, str):
            return
        here = marked or element.get("lang", "").startswith("zh")
        texts = [element.text or "", *(element.get(name, "") for name in SHOWN)]
        if not here:
            found.extend(each for each in texts if CHINESE.search(each))
        for child in element:
            walk(child, here)
            if not here and CHINESE.search(child.tail or ""):
                found.append(child.tail or "")

    walk(html5lib.parse(text, namespaceHTMLElements=False), marked=False)
    return [" ".join(each.split()) for each in found]


@pytest.fixture(scope="module")
def built(demo_city: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo city whose people write in another script."""
    folder: Path = tmp_path_factory.mktemp("english")
    shutil.copytree(demo_city, folder, dirs_exist_ok=True)
    app = create_app(settings_for(address_in(folder), folder))
    with app.app_context():
        codes = demo_sign_in.codes("HXL", 3)
        db.session.remove()
        db.engine.dispose()
    (folder / "codes.json").write_text(json.dumps(codes))
    source = sqlite3.connect(folder / DATABASE)
    source.execute("VACUUM INTO ?", (str(folder / "other.sqlite3"),))
    source.close()
    assert rewrite(folder / "other.sqlite3") > 1000
    return folder


@pytest.fixture
def app(built: Path, tmp_path: Path) -> Iterator[Flask]:
    """The portal on a copy of that city."""
    shutil.copy(built / "other.sqlite3", tmp_path / "city.sqlite3")
    portal = create_app(settings_for(f"sqlite:///{tmp_path}/city.sqlite3", built))
    yield portal
    with portal.app_context():
        db.session.remove()
        db.engine.dispose()


class Reader:
    """One person with an English phone, who opens everything and presses every button."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.app, self.folder = app, folder
        self.client = CheckedClient(app)
        self.client.raw.set_cookie("linyi_view", "0.en")
        self.wrong: list[str] = []
        self.opened: Counter[str] = Counter()
        self.forms: dict[str, tuple[str, dict[str, str]]] = {}

    def arrive(self, role: str) -> None:
        """Come in as one of the demo city's people."""
        if role == "resident":
            code, fact, _home = json.loads((self.folder / "codes.json").read_text())[0]
            self._come_in("/e", {"code": code, "second_fact": fact, "adult": "y"})
        elif role != "visitor":
            digits = pyotp.TOTP(self._secret(role)).at(clock.now() + timedelta(seconds=30))
            self._come_in("/staff/sign-in", {"name": role, "password": PASSWORD, "totp": digits})

    def _come_in(self, address: str, data: dict[str, str]) -> None:
        answer = self.client.post(address, data)
        assert answer.status_code == 303, answer.text[:2000]
        self.client.signed_in = True

    def _secret(self, name: str) -> str:
        with self.app.app_context():
            account = db.session.scalars(
                select(StaffAccount).where(StaffAccount.sign_in_name == name)
            ).one()
            secret = secrets_box.unseal(account.totp_secret)
            db.session.remove()
        return secret

    def read(self, *starts: str) -> None:
        """Open everything that can be reached, a few pages of each kind."""
        waiting, seen = list(starts), set(starts)
        while waiting:
            address = waiting.pop(0)
            kind = ID.sub("*", urlsplit(address).path)
            if self.opened[kind] >= EACH_KIND:
                continue
            self.opened[kind] += 1
            for link in self._links(self.look(address)):
                if link not in seen:
                    seen.add(link)
                    waiting.append(link)

    def press(self) -> None:
        """Send every form that was met with its boxes empty, and read what comes back."""
        for action, fields in list(self.forms.values()):
            answer = self.client.post(action, fields)
            self._note(answer)
            if answer.status_code in {302, 303}:
                self.look(answer.headers["Location"])

    def look(self, address: str) -> TestResponse:
        """Open one page, as far as its redirects lead."""
        answer = self.client.get(address)
        self._note(answer)
        if answer.status_code in {302, 303}:
            return self.look(answer.headers["Location"])
        return answer

    def _note(self, answer: TestResponse) -> None:
        if answer.mimetype != "text/html" or answer.status_code in {302, 303}:
            return
        assert '<html lang="en"' in answer.text, answer.request.path
        for text in own_chinese(answer.text):
            self.wrong.append(f"{answer.request.path}: {text}")

    def _links(self, answer: TestResponse) -> list[str]:
        if answer.mimetype != "text/html":
            return []
        page = _Page()
        page.feed(answer.text)
        for form in page.forms:
            action = str(form["action"])
            if form["method"] == "post" and not LEAVES.search(action):
                self.forms.setdefault(ID.sub("*", action), (action, form["fields"]))
        links = [attrs.get("href") or "" for tag, attrs in page.tags if tag == "a"]
        return [
            link.partition("#")[0]
            for link in links
            if link.startswith("/") and not link.startswith("/static") and not FILE.search(link)
        ]


@pytest.mark.parametrize("role", list(ROLES))
def test_no_page_in_english_has_chinese_of_the_portals_own(
    app: Flask, built: Path, role: str
) -> None:
    reader = Reader(app, built)
    reader.arrive(role)
    reader.read(*ROLES[role])
    assert sum(reader.opened.values()) >= FEWEST.get(role, 1), reader.opened
    assert not reader.wrong, "\n".join(sorted(set(reader.wrong)))
    reader.press()
    assert not reader.wrong, "\n".join(sorted(set(reader.wrong)))


@pytest.mark.parametrize(
    "planted",
    [
        "<p>忘了包起来</p>",
        '<p>Cost: 5 <span title="五元">yuan</span></p>',
        "<p>{{ ['a', 'b']|join('、') }}</p>",
        "<p>{{ 'Note' ~ '：' }}</p>",
    ],
)
def test_a_text_that_nobody_wrapped_is_found(app: Flask, built: Path, planted: str) -> None:
    template = (
        '{% extends "base.html" %}{% block title %}t{% endblock %}'
        "{% block main %}<h1>t</h1>" + planted + "{% endblock %}"
    )
    assert app.jinja_loader is not None
    app.jinja_env.loader = ChoiceLoader(
        [DictLoader({"portal/complaints.html": template}), app.jinja_loader]
    )
    reader = Reader(app, built)
    reader.look("/complaints")
    assert len(reader.wrong) == 1

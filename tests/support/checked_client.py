"""A browser without JavaScript that refuses pages a person should never be given."""

from __future__ import annotations

import re
from contextvars import Context
from datetime import timedelta
from functools import lru_cache
from html.parser import HTMLParser
from itertools import count
from typing import TYPE_CHECKING, Any

import html5lib
import pyotp
from flask.testing import FlaskClient
from html5lib.constants import E as PARSE_ERRORS

from app.core import clock
from app.core.web import HEADERS
from tests.support.world import PASSWORD

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.support.world import Place, Staff, World

UNLABELLED = {"hidden", "submit", "button"}
# What differs between two answers that are the same page: what its forms bring along unseen.
UNSEEN = re.compile(r'(?<= value=")[\w./?=-]+(?=">)')


class _Page(HTMLParser):
    """What the checks look at."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.forms: list[dict[str, Any]] = []
        self.labels: set[str] = set()
        self.ids: list[str] = []
        self.in_label = 0
        self.wrapped: set[int] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "label":
            self.in_label += 1
            self.labels.add(found.get("for") or "")
        if tag == "form":
            self.forms.append(
                {
                    "method": (found.get("method") or "get").lower(),
                    "action": found.get("action"),
                    "fields": {},
                }
            )
        if tag in {"input", "select", "textarea"}:
            if self.in_label:
                self.wrapped.add(len(self.tags) - 1)
            if self.forms and found.get("name"):
                self.forms[-1]["fields"][found["name"]] = found.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self.in_label -= 1


def page_problems(text: str) -> list[str]:
    """Everything wrong with a page's HTML, in words.

    Thousands of answers of one run are the same page but for tokens; one of them is read.
    """
    return list(_problems_of(UNSEEN.sub("x", text)))


@lru_cache(maxsize=512)
def _problems_of(text: str) -> tuple[str, ...]:
    problems = []
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(text)
    problems += [
        f"{PARSE_ERRORS.get(code, code)} at {where} {data}" for where, code, data in parser.errors
    ]
    page = _Page()
    page.feed(text)
    names = [tag for tag, _attrs in page.tags]
    checks = {
        "one h1": names.count("h1") == 1,
        "a title": "title" in names,
        "a language": any(tag == "html" and attrs.get("lang") for tag, attrs in page.tags),
        "no style": "style" not in names and not any("style" in attrs for _t, attrs in page.tags),
        "no inline script": not re.search(r"<script(?![^>]*\ssrc=)", text),
        "no handlers": not any(
            name.startswith(("on", "hx-on")) for _t, attrs in page.tags for name in attrs
        ),
        "no id twice": len(page.ids) == len(set(page.ids)),
        "pictures described": all("alt" in attrs for tag, attrs in page.tags if tag == "img"),
        "forms protected": all(
            "csrf_token" in form["fields"] for form in page.forms if form["method"] == "post"
        ),
        "forms addressed": all(form["action"] for form in page.forms),
    }
    problems += [f"missing: {name}" for name, fine in checks.items() if not fine]
    for position, (tag, attrs) in enumerate(page.tags):
        if tag in {"input", "select", "textarea"} and attrs.get("type") not in UNLABELLED:
            named = (
                attrs.get("id") in page.labels
                or position in page.wrapped
                or attrs.get("aria-label")
            )
            if not named:
                problems.append(f"no label: {attrs.get('name')}")
    return tuple(problems)


class FreshClient(FlaskClient):
    """A browser whose every request begins without the test's own app context.

    Flask would lend that context to the request, and with it whoever was signed in before.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return Context().run(super().open, *args, **kwargs)


class CheckedClient:
    """Fetches, checks, and fills in forms by what the page offers."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        app.test_client_class = FreshClient
        self.raw: FlaskClient = app.test_client()
        self.signed_in = False
        self.pages = count()
        self.opened_with: str | None = None
        self.known_token = ""

    def check(self, answer: TestResponse) -> TestResponse:
        """Refuse a bad answer."""
        assert answer.status_code < 500, answer.text[:2000]
        for name, value in HEADERS.items():
            if name == "Content-Security-Policy" and answer.mimetype == "image/webp":
                continue
            assert answer.headers.get(name) == value, f"{answer.request.path}: {name}"
        if self.signed_in and answer.mimetype == "text/html":
            assert "no-store" in answer.headers.get("Cache-Control", ""), answer.request.path
        if answer.mimetype == "text/html" and answer.data and "<html" in answer.text:
            problems = page_problems(answer.text)
            assert not problems, f"{answer.request.path}: {problems}"
        return answer

    def get(self, address: str, **kwargs: Any) -> TestResponse:
        """Fetch a page and check it."""
        return self.check(self.raw.get(address, **kwargs))

    def post(self, address: str, data: dict[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        """Send a form with a valid CSRF token, from a page opened just now.

        A person needs more than the second that tokens tell apart; here a number stands for it.
        """
        page = {"csrf_token": self.token(), "opened": str(next(self.pages))}
        return self.check(self.raw.post(address, data={**page, **(data or {})}, **kwargs))

    def token(self) -> str:
        """A CSRF token of this browser, from a page that is opened anew when its cookie changed."""
        kept = self.cookie()
        if kept is None or kept != self.opened_with:
            page = self.raw.get("/complaints").text
            found = re.search(r'name="csrf_token" value="([^"]+)"', page)
            assert found
            self.opened_with, self.known_token = self.cookie(), found[1]
        return self.known_token

    def cookie(self) -> str | None:
        """The cookie by which the server knows this browser."""
        found = self.raw.get_cookie(self.app.config["SESSION_COOKIE_NAME"])
        return found.value if found else None

    def fields(self, address: str, action: str) -> dict[str, str]:
        """The hidden and filled fields of the form on a page that posts to `action`."""
        page = _Page()
        page.feed(self.get(address).text)
        for form in page.forms:
            if form["action"] == action and form["method"] == "post":
                return dict(form["fields"])
        raise AssertionError(f"{address} has no form for {action}")

    def enter(self, world: World, place: Place, index: int = 0, **more: str) -> TestResponse:
        """Come in as the n-th household by its letter."""
        code = world.code(place, index)
        answer = self.post(
            "/e", {"code": code, "second_fact": world.fact(index), "adult": "y", **more}
        )
        assert answer.status_code == 303, answer.text[:3000]
        self.signed_in = True
        return answer

    def staff(self, staff: Staff) -> TestResponse:
        """Come in as staff, with the number after the one already used."""
        later = pyotp.TOTP(staff.secret).at(clock.now() + timedelta(seconds=30))
        answer = self.post(
            "/staff/sign-in", {"name": staff.name, "password": PASSWORD, "totp": later}
        )
        assert answer.status_code == 303, answer.text[:3000]
        self.signed_in = True
        return answer

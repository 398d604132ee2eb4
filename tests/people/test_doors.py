"""What every door has in common: where it leads, how often it is tried, what the browser keeps."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest
from limits import RateLimitItemPerSecond

from app.core import clock, web
from app.core.actor import Actor
from app.people import operations
from app.people.views import AT_THE_DOOR, AT_THE_STAFF_DOOR
from tests.support.checked_client import CheckedClient
from tests.support.world import PASSWORD

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from tests.support.world import Place, World

# Each leads off this site in some browser, or is no address at all (threats.md, 44).
ELSEWHERE = (
    *("//evil.com", "///evil.com", "////evil.com", "//evil.com/c/HXL/", "//evil.com@localhost/"),
    *("/\\evil.com", "/\\/evil.com", "\\\\evil.com", "\\/evil.com", "/x\\..\\\\evil.com"),
    *(
        "http://evil.com",
        "https://evil.com",
        "HTTPS://evil.com",
        "http:evil.com",
        "https:/evil.com",
    ),
    *("http:///evil.com", "https:\\\\evil.com", "ftp://evil.com", "evil.com", "evil.com/c/HXL"),
    *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "blob:x"),
    *("/\t/evil.com", "/\n/evil.com", "/\r/evil.com", "\t//evil.com", " //evil.com", "/ /evil.com"),
    *("\x00//evil.com", "/\x0b/evil.com", "/c\r\nLocation: http://evil.com", "?next=//evil.com"),
    *("@evil.com", ":evil.com", ".evil.com", "#//evil.com", "", "c/HXL/"),
)
HERE = ("/", "/c/HXL/", "/c/HXL/votes/?page=2", "/staff/account", "/c/HXL/x?back=//evil.com")
OFTEN = 3


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community("HXL", 2)


def test_an_address_that_is_not_ours_becomes_the_fallback() -> None:
    assert len(ELSEWHERE) >= 40
    assert [web.local_path(one, "/home") for one in ELSEWHERE] == ["/home"] * len(ELSEWHERE)
    assert [web.local_path(one, "/home") for one in HERE] == list(HERE)
    assert web.local_path(None, "/home") == "/home"


def test_no_door_leads_off_this_site(client: CheckedClient, web_world: World, place: Place) -> None:
    clerk = web_world.staff(place)
    client.staff(clerk)
    for wanted in ELSEWHERE:
        answer = client.post("/staff/stay", {"next": wanted})
        if answer.status_code == 303:
            assert answer.headers["Location"] == "/staff/", wanted
    clock.advance(timedelta(minutes=2))
    typed = pyotp.TOTP(clerk.secret).at(clock.now())
    answer = client.post("/staff/prove", {"totp": typed, "next": "///evil.com"})
    assert answer.headers["Location"] == "/staff/"
    clock.advance(timedelta(minutes=2))
    form = {"name": clerk.name, "password": PASSWORD, "next": "//evil.com"}
    form["totp"] = pyotp.TOTP(clerk.secret).at(clock.now())
    assert client.post("/staff/sign-in", form).headers["Location"] == "/staff/"
    resident = CheckedClient(client.app)
    form = {"code": web_world.code(place), "second_fact": web_world.fact(), "adult": "y"}
    answer = resident.post("/e", form | {"next": "//evil.com/c/HXL/"})
    assert answer.headers["Location"].startswith("/c/HXL/")


@pytest.mark.parametrize("secure", [False, True])
def test_what_the_browser_keeps_is_for_this_site_and_no_script(
    web_app: Flask, web_world: World, place: Place, *, secure: bool
) -> None:
    """With no domain and for all paths, as `__Host-` wants it behind HTTPS."""
    assert web_app.config["SESSION_COOKIE_NAME"] == "linyi"
    web_app.config["SESSION_COOKIE_SECURE"] = secure
    clerk, browser = web_world.staff(place), CheckedClient(web_app)
    answer = browser.staff(clerk)
    given = answer.headers.getlist("Set-Cookie")
    assert len(given) == 2
    for cookie in given:
        parts = {part.strip() for part in cookie.split(";")[1:]}
        assert {"HttpOnly", "Path=/"} <= parts
        assert parts & {"SameSite=Lax", "SameSite=Strict"}
        assert ("Secure" in parts) is secure
        assert not [part for part in parts if part.startswith("Domain")]


def test_who_signs_out_leaves_nothing_in_the_browser(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    client.enter(web_world, place)
    answer = client.post("/sign-out")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert answer.headers["Cache-Control"] == "no-store"


def test_each_door_has_its_ceiling_which_no_written_address_lifts(
    web_app: Flask, web_world: World, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ceiling in (AT_THE_DOOR, AT_THE_STAFF_DOOR):
        monkeypatch.setattr(ceiling, "item", RateLimitItemPerSecond(OFTEN, 600))
    browser, clerk = CheckedClient(web_app), web_world.staff(place)
    token = browser.token()
    home = {"code": web_world.code(place), "second_fact": web_world.fact(), "adult": "y"}
    work = {"name": clerk.name, "password": PASSWORD, "totp": "000000"}

    def ask(address: str, form: dict[str, str], seen_as: str = "10.0.0.1") -> int:
        return browser.raw.post(
            address,
            data={"csrf_token": token} | form,
            environ_base={"REMOTE_ADDR": seen_as},
            headers={"X-Forwarded-For": f"9.9.9.{len(form)}", "X-Real-IP": "9.9.9.9"},
        ).status_code

    wrong = home | {"second_fact": "9999"}
    assert [ask("/e", wrong) for _ in range(OFTEN)] == [422] * OFTEN
    assert ask("/e", home) == 429
    assert ask("/staff/sign-in", work) == 422, "the doors are counted apart"
    assert ask("/i", {"code": "0" * 24}) == 422
    assert ask("/staff/sign-in/passkey", {}) == 200
    for address, form in (
        ("/staff/sign-in", work),
        ("/i", {"code": "0" * 24}),
        ("/staff/sign-in/passkey", {}),
        ("/i/passkey/ask", {}),
    ):
        assert ask(address, form) == 429, address
    assert ask("/e", home, "10.0.0.2") == 303
    assert web_app.config["SETTINGS"].trusted_proxies == 0


@pytest.mark.parametrize(
    ("seconds", "fits"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_six_digits_serve_one_step_before_and_after_their_own(
    web_world: World, place: Place, seconds: int, *, fits: bool
) -> None:
    clerk = web_world.staff(place)
    clock.advance(timedelta(minutes=5))
    totp = pyotp.TOTP(clerk.secret).at(clock.now() + timedelta(seconds=seconds))
    came = operations.staff_sign_in(Actor(), sign_in_name=clerk.name, password=PASSWORD, totp=totp)
    assert bool(came) is fits

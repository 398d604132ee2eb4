"""English on a phone: the switch without JavaScript, and pages that fit 320 px in English."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

    from tests.browser.conftest import City

PAGES = (
    "/",
    "/e",
    "/privacy",
    "/c/HXL/",
    "/c/HXL/votes/",
    "/c/HXL/topics/",
    "/c/HXL/projects/",
    "/c/HXL/projects/P03",
    "/c/HXL/projects/P06/rating",
    "/c/HXL/convention",
    "/c/HXL/convention/2",
    "/c/HXL/board",
    "/c/HXL/record",
    "/c/HXL/mine",
    "/c/HXL/inbox",
    "/c/HXL/propose",
)
KINDS = (r"/votes/\w+$", r"/votes/\w+/result$", r"/topics/\w+$", r"/meetings/\w+$")


def enter_in_english(page: Page, city: City) -> None:
    code, fact = city.letter()
    page.goto("/e")
    page.get_by_label("Code from your letter").fill(code)
    page.get_by_label("Last four digits").fill(fact)
    page.get_by_label("I am 18 or over").check()
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/ballot$"))


@pytest.mark.parametrize("javascript", [True, False], ids=["scripted", "plain"])
def test_one_tap_changes_the_language_and_back(
    open_page: Callable[..., Page], javascript: bool
) -> None:
    page = open_page(PHONE, javascript=javascript)
    page.goto("/c/HXL/board?section=vote")
    page.get_by_role("button", name="English").click()
    expect(page).to_have_url(re.compile(r"/c/HXL/board\?section=vote$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Notice board")
    page.goto("/c/HXL/projects/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Facility projects")
    page.get_by_role("button", name="Large text").click()
    html = page.locator("html")
    expect(html).to_have_attribute("data-view", "elder")
    expect(html).to_have_attribute("lang", "en")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("设施项目")
    expect(html).to_have_attribute("data-view", "elder")


def test_a_residents_pages_in_english_fit_the_smallest_phone(
    city: City, browser: Browser, accessible: Callable[[Page], None]
) -> None:
    context = browser.new_context(
        viewport={"width": SMALL[0], "height": SMALL[1]}, locale="en-GB", base_url=city.address
    )
    page = context.new_page()
    enter_in_english(page, city)
    accessible(page)
    page.get_by_role("radio", name="In favour").check()
    page.get_by_role("main").get_by_role("button", name="Send my ballot").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Received")
    waiting, seen = list(PAGES), set(PAGES)
    while waiting:
        answer = page.goto(waiting.pop(0))
        assert answer is not None
        assert answer.ok, page.url
        assert page.evaluate("document.documentElement.lang") == "en"
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{page.url} is {wide} px too wide"
        links = page.evaluate("Array.from(document.links).map(a => a.getAttribute('href'))")
        for kind in KINDS:
            found = sorted(link for link in links if re.search(kind, link) and link not in seen)
            waiting += found[:1]
            seen |= set(found[:1])
    accessible(page)
    context.close()

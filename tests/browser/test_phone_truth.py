"""Phones as they are: a thin line, large type, lying on their side, read aloud, seven years old."""

from __future__ import annotations

import io
import re
import time
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import expect

from app.config import ROOT
from tests.browser import phones
from tests.browser.conftest import DESK, PHONE, SMALL
from tests.browser.test_journeys import enter, main_button, staff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route

    from tests.browser.conftest import City

CSS = "**/static/css/app.css*"
# What a reader's own style sheet may ask for (WCAG 1.4.12).
SPACED = """* { line-height: 1.5 !important; letter-spacing: .12em !important;
  word-spacing: .16em !important } p { margin-bottom: 2em !important }"""


def with_style(context: BrowserContext, style: str) -> None:
    """Serve the portal's style with something added or taken away."""
    css = (ROOT / "static/css/app.css").read_text() + style
    context.route(CSS, lambda route: route.fulfill(body=css, content_type="text/css"))


@pytest.fixture
def phone(browser: Browser, city: City) -> Iterator[Callable[..., Page]]:
    """A phone whose owner came in by letter: `phone(size, view=…)`."""
    contexts: list[BrowserContext] = []

    def make(size: tuple[int, int] = PHONE, *, view: str = "", inside: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale="zh-CN",
            has_touch=True,
            is_mobile=True,
            base_url=city.address,
        )
        contexts.append(context)
        if view:
            context.add_cookies([{"name": "linyi_view", "value": view, "url": city.address}])
        page = context.new_page()
        if inside:
            enter(page, city)
        return page

    yield make
    for context in contexts:
        context.close()


def all_pages(page: Page) -> Iterator[str]:
    """Open one page after the other; starts on the ballot."""
    for address in phones.pages(page, page.url):
        page.goto(address)
        yield address


# --- large type --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL, PHONE], ids=["320", "390"])
def test_text_at_200_percent_is_neither_cut_nor_covered(
    phone: Callable[..., Page], size: tuple[int, int]
) -> None:
    page = phone(size)
    fonts = page.context.new_cdp_session(page)
    fonts.send("Page.enable")
    fonts.send("Page.setFontSizes", {"fontSizes": {"standard": 32}})
    for address in all_pages(page):
        base = page.evaluate("getComputedStyle(document.documentElement).fontSize")
        assert base == "36px", "the page ignores the reader's own text size"
        assert page.evaluate(phones.FIT) == [], address


def test_the_largest_text_of_wechat_is_neither_cut_nor_covered(
    phone: Callable[..., Page],
) -> None:
    """On iPhones the setting puts `-webkit-text-size-adjust` onto the body; 150 % is the most."""
    page = phone(SMALL)
    for address in all_pages(page):
        page.evaluate("document.body.style.webkitTextSizeAdjust = '150%'")
        assert page.evaluate("getComputedStyle(document.body).webkitTextSizeAdjust") == "150%"
        assert page.evaluate(phones.FIT) == [], address


@pytest.mark.parametrize("view", ["", "30."], ids=["normal", "elder"])
def test_text_set_apart_by_its_reader_still_fits(phone: Callable[..., Page], view: str) -> None:
    page = phone(SMALL, view=view)
    with_style(page.context, SPACED)
    for address in all_pages(page):
        assert page.evaluate(phones.FIT) == [], address


# --- held in one hand, or lying on its side ----------------------------------------------------


@pytest.mark.parametrize(
    ("size", "view", "least"),
    [(PHONE, "", 44), ((844, 390), "", 44), (SMALL, "30.", 60), (PHONE, "22.", 60)],
    ids=["normal", "landscape", "elder-30", "elder-22"],
)
def test_everything_that_is_pressed_is_large_enough_and_fits(
    phone: Callable[..., Page], size: tuple[int, int], view: str, least: int
) -> None:
    page = phone(size, view=view)
    for address in all_pages(page):
        assert page.evaluate(phones.SMALL_TARGETS, least) == [], address
        assert page.evaluate(phones.FIT) == [], address


def test_the_main_button_is_as_wide_as_the_thumb_needs(phone: Callable[..., Page]) -> None:
    page = phone(PHONE)
    for address in (page.url, "/e", "/c/HXL/propose", "/c/HXL/say?about=convention:2/1"):
        page.goto(address)
        box = page.locator("main form .btn").last.bounding_box()
        assert box is not None
        assert box["width"] >= 0.8 * PHONE[0], address


FOCUS = """() => {
  const e = document.activeElement, b = e.getBoundingClientRect(), s = getComputedStyle(e);
  const at = document.elementFromPoint(b.left + b.width / 2, b.top + Math.min(b.height, 40) / 2);
  const labels = e.labels ? [...e.labels] : [];
  const shown = at && (e.contains(at) || at.contains(e) || labels.some(l => l.contains(at)));
  const ring = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2;
  return { ring: ring, shown: !!shown,
    name: e.name || '', word: (e.textContent || '').trim().slice(0, 20) }; }"""


def tab_to(page: Page, wanted: Callable[[dict[str, str]], bool]) -> None:
    """Press Tab until there; on the way the focus is always to be seen."""
    for _press in range(60):
        page.keyboard.press("Tab")
        here = page.evaluate(FOCUS)
        assert here["ring"], here
        assert here["shown"], f"something covers {here}"
        if wanted(here):
            return
    raise AssertionError("the keyboard does not get there")


@pytest.mark.parametrize("size", [PHONE, (640, 320)], ids=["upright", "landscape"])
def test_a_vote_by_the_keyboard_alone(
    city: City, phone: Callable[..., Page], size: tuple[int, int]
) -> None:
    page = phone(size, inside=False)
    code, fact = city.letter()
    page.goto("/e")
    tab_to(page, lambda here: here["name"] == "code")
    page.keyboard.type(code)
    tab_to(page, lambda here: here["name"] == "second_fact")
    page.keyboard.type(fact)
    tab_to(page, lambda here: here["name"] == "adult")
    page.keyboard.press("Space")
    tab_to(page, lambda here: here["word"] == "进入")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/ballot$"))
    tab_to(page, lambda here: here["name"] == "choice")
    page.keyboard.press("Space")
    tab_to(page, lambda here: here["word"] == "提交选票")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("已收到")


# --- read aloud --------------------------------------------------------------------------------


def test_everything_has_a_name_of_its_own_and_is_read_in_the_order_it_is_seen(
    phone: Callable[..., Page],
) -> None:
    page = phone(PHONE)
    for address in all_pages(page):
        assert phones.names_missing(page) == [], address
        assert page.evaluate(phones.SPOKEN) == [], address


def test_the_desk_can_be_read_aloud_too(city: City, open_page: Callable[..., Page]) -> None:
    page = open_page(DESK)
    staff(page, city, "gongzuo")
    for name in ("", "votes", "households", "topics", "posts", "meetings", "roll", "letters"):
        page.goto(f"/c/HXL/desk/{name}")
        assert phones.names_missing(page) == [], name


# --- a thin line -------------------------------------------------------------------------------


def test_a_ballot_at_2_kilobytes_a_second_is_usable_within_ten_seconds(
    phone: Callable[..., Page],
) -> None:
    page = phone(PHONE)
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    came: list[float] = []
    line.on("Network.loadingFinished", lambda event: came.append(event["encodedDataLength"]))
    thin = {"offline": False, "latency": 400, "downloadThroughput": 2048, "uploadThroughput": 2048}
    line.send("Network.emulateNetworkConditions", thin)
    asked = time.perf_counter()
    page.goto(page.url, wait_until="commit")
    button = page.get_by_role("button", name="提交选票")
    button.wait_for(timeout=10_000)
    page.get_by_role("radio", name="同意", exact=True).check()
    assert time.perf_counter() - asked <= 10
    assert sum(came) <= 150 * 1024


def test_a_ballot_is_filled_in_and_sent_before_scripts_and_pictures_arrive(
    phone: Callable[..., Page],
) -> None:
    page = phone(PHONE)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile(r"\.js|/pictures?/|/img/|attachments"), hold)
    page.goto(page.url, wait_until="commit")
    page.get_by_role("radio", name="同意", exact=True).check()
    page.get_by_role("main").get_by_role("button", name="提交选票").click(no_wait_after=True)
    expect(page.get_by_role("heading", level=1)).to_contain_text("已收到")
    assert held


# --- old browsers, other colours ---------------------------------------------------------------


@pytest.mark.parametrize("broken", ["missing", "unreadable"])
def test_nothing_depends_on_scripts_that_an_old_browser_cannot_read(
    phone: Callable[..., Page], broken: str
) -> None:
    page = phone(PHONE)
    page.context.route(
        re.compile("/static/vendor/"),
        lambda route: (
            route.abort()
            if broken == "missing"
            else route.fulfill(body="var a = b ??= ;", content_type="text/javascript")
        ),
    )
    page.reload()
    page.get_by_role("radio", name="同意", exact=True).check()
    main_button(page, "提交选票")
    expect(page.get_by_role("heading", level=1)).to_contain_text("已收到")
    page.goto("/c/HXL/convention/1/sign")
    expect(page.locator("#canvas")).to_be_hidden()
    main_button(page, "我愿意遵守，签署")
    expect(page.get_by_role("heading", level=1)).to_contain_text("已签署")


def css_of_2019(css: str) -> str:
    """The style as a browser reads it that knows neither :has nor gaps between flexible boxes."""
    css = re.sub(r"^[^{}\n]*:has\([^{}]*\{[^}]*\}\n", "", css, flags=re.MULTILINE)
    css = re.sub(r"(?<=[ ;{])gap:[^;}]*;?", "", css)
    return css.replace("@supports not (inset: 0)", "@supports (display: block)")


def grey(card: Locator) -> Image.Image:
    """The card as somebody sees it who tells no colours apart."""
    return Image.open(io.BytesIO(card.screenshot())).convert("L")


@pytest.mark.parametrize("old", [False, True], ids=["today", "2019"])
def test_chosen_and_unchosen_differ_without_colour(phone: Callable[..., Page], old: bool) -> None:
    page = phone(PHONE)
    if old:
        style = css_of_2019((ROOT / "static/css/app.css").read_text())
        page.context.route(CSS, lambda route: route.fulfill(body=style, content_type="text/css"))
        page.goto(page.url)
    card = page.locator(".choice-card").first
    before = grey(card)
    card.get_by_role("radio").check()
    page.locator("h1").click()
    difference = ImageChops.difference(before, grey(card).resize(before.size))
    changed = sum(difference.histogram()[60:])
    # Beside the dot itself today's browsers also draw a bar along the card.
    assert changed >= (60 if old else 300), changed


def test_a_browser_of_2019_keeps_words_apart_from_boxes(phone: Callable[..., Page]) -> None:
    page = phone(PHONE)
    style = css_of_2019((ROOT / "static/css/app.css").read_text())
    page.context.route(CSS, lambda route: route.fulfill(body=style, content_type="text/css"))
    for address in (page.url, "/e", "/c/HXL/", "/c/HXL/votes/", "/c/HXL/convention/1/sign"):
        page.goto(address)
        close = page.evaluate(
            """() => Array.from(document.querySelectorAll('.tick, .choice, .badge')).filter(e => {
              const [a, b] = e.children.length > 1 ? e.children : [e.firstElementChild, null];
              return b && b.getBoundingClientRect().left - a.getBoundingClientRect().right < 6;
            }).map(e => e.textContent.trim().slice(0, 20))"""
        )
        assert close == [], address
        assert page.evaluate(phones.FIT) == [], address


def test_a_browser_that_darkens_pages_leaves_paper_and_ink(phone: Callable[..., Page]) -> None:
    page = phone(PHONE)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    dark = page.context.new_cdp_session(page)
    dark.send("Emulation.setAutoDarkModeOverride", {"enabled": True})
    page.reload()
    picture = Image.open(io.BytesIO(page.screenshot())).convert("L")
    assert picture.getpixel((3, 400)) > 230

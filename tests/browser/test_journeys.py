"""What people do, in a real browser: with JavaScript and without, normal and elder view."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from app.portal.demo import PASSWORD
from tests.browser.conftest import DESK, PHONE, SMALL, fits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.browser.conftest import City

BOTH = pytest.mark.parametrize("javascript", [True, False], ids=["scripted", "plain"])


def main_button(page: Page, words: str) -> None:
    page.get_by_role("main").get_by_role("button", name=words).click()
    answered(page)


def answered(page: Page) -> None:
    """Wait for the answer to a form, which a script sends behind its page."""
    expect(page.locator("form[data-sent]")).to_have_count(0, timeout=30_000)
    page.wait_for_load_state()


@BOTH
@pytest.mark.parametrize("elder", [False, True], ids=["normal", "elder"])
def test_from_the_letter_to_the_receipt_in_three_screens(
    city: City,
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    picture: Callable[[Page, str], None],
    javascript: bool,
    elder: bool,
) -> None:
    code, fact = city.letter()
    page = open_page(PHONE, javascript=javascript, elder=elder)
    page.goto(f"/e#{code}")
    if javascript:
        expect(page.get_by_text("已读出信上的编码")).to_be_visible()
        assert "#" not in page.url
    else:
        page.get_by_label("信上的编码").fill(code.lower())
    page.get_by_label("手机号后四位").fill(fact)
    page.get_by_label("我已满 18 周岁").check()
    picture(page, f"enter-{javascript}-{elder}")
    if javascript:
        accessible(page)
    main_button(page, "进入")
    expect(page).to_have_url(re.compile("/ballot$"))
    if javascript:
        accessible(page)
    page.get_by_role("radio", name="同意", exact=True).check()
    picture(page, f"ballot-{javascript}-{elder}")
    main_button(page, "提交选票")
    expect(page).to_have_url(re.compile("/receipt"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("已收到")
    picture(page, f"receipt-{javascript}-{elder}")
    if javascript:
        accessible(page)
    page.goto("/c/HXL/mine")
    expect(page.get_by_text(re.compile("本户已投票"))).to_be_visible()


def test_another_letter_scanned_into_the_same_page_is_read(
    city: City, open_page: Callable[..., Page]
) -> None:
    page = open_page(PHONE)
    page.goto("/e")
    first, second = city.letter(), city.letter()
    for code, _fact in (first, second):
        page.goto(f"/e#{code}")
        expect(page.get_by_text("已读出信上的编码")).to_be_visible()
        expect(page).to_have_url(re.compile("/e$"))
    page.get_by_label("手机号后四位").fill(second[1])
    page.get_by_label("我已满 18 周岁").check()
    main_button(page, "进入")
    answered(page)
    page.goto("/c/HXL/mine")
    home = city.homes[city.used - 1][2]
    room = home.rsplit("-", 1)[1]
    expect(page.get_by_role("heading", level=1)).to_contain_text(room)


def enter(page: Page, city: City) -> None:
    code, fact = city.letter()
    page.goto("/e")
    page.get_by_label("信上的编码").fill(code)
    page.get_by_label("手机号后四位").fill(fact)
    page.get_by_label("我已满 18 周岁").check()
    main_button(page, "进入")


@BOTH
def test_back_and_a_second_submit_lead_to_the_same_receipt(
    city: City, open_page: Callable[..., Page], javascript: bool
) -> None:
    page = open_page(PHONE, javascript=javascript)
    enter(page, city)
    page.get_by_role("radio", name="反对", exact=True).check()
    main_button(page, "提交选票")
    expect(page.get_by_role("heading", level=1)).to_contain_text("已收到")
    page.go_back()
    if javascript:
        # A page from memory asks the server again, and shows what is true now.
        page.wait_for_load_state()
    page.get_by_role("radio", name="弃权", exact=True).check()
    main_button(page, "提交选票")
    expect(page).to_have_url(re.compile("/receipt"))
    page.goto("/c/HXL/mine")
    voted = page.get_by_text(re.compile("本户已投票"))
    expect(voted).to_have_count(1)


def test_a_double_tap_is_one_ballot(city: City, open_page: Callable[..., Page]) -> None:
    page = open_page(PHONE)
    enter(page, city)
    page.get_by_role("radio", name="同意", exact=True).check()
    page.get_by_role("main").get_by_role("button", name="提交选票").dblclick()
    expect(page).to_have_url(re.compile("/receipt"))
    page.goto("/c/HXL/mine")
    expect(page.get_by_text(re.compile("本户已投票"))).to_have_count(1)
    expect(page.get_by_text(re.compile("本户改过选票"))).to_have_count(0)


PUBLIC = (
    "/",
    "/e",
    "/staff/sign-in",
    "/complaints",
    "/help",
    "/privacy",
    "/c/HXL/",
    "/c/HXL/votes/",
    "/c/HXL/projects/",
    "/c/HXL/projects/P05",
    "/c/HXL/projects/P10",
    "/c/HXL/projects/P10/rating",
    "/c/HXL/topics/",
    "/c/HXL/meetings/",
    "/c/HXL/convention",
    "/c/HXL/convention/2",
    "/c/HXL/convention/2/4",
    "/c/HXL/record",
    "/c/HXL/board",
    "/c/HXL/board?section=works",
    "/nowhere",
    "/styleguide",
)


@pytest.mark.parametrize("elder", [False, True], ids=["normal", "elder"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["390", "1280"])
def test_every_public_page_is_accessible_and_fits(
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    picture: Callable[[Page, str], None],
    size: tuple[int, int],
    elder: bool,
) -> None:
    page = open_page(size, elder=elder)
    for name in public_pages(page):
        accessible(page)
        picture(page, f"{size[0]}-{elder}-{name}")


@pytest.mark.parametrize("elder", [False, True], ids=["normal", "elder"])
def test_every_public_page_fits_the_smallest_phone(
    open_page: Callable[..., Page], picture: Callable[[Page, str], None], elder: bool
) -> None:
    page = open_page(SMALL, elder=elder)
    for name in public_pages(page):
        fits(page)
        picture(page, f"320-{elder}-{name}")


def public_pages(page: Page) -> Iterator[str]:
    """Open one public page after another; gives a name for each."""
    for address in PUBLIC:
        page.goto(address)
        yield address.strip("/").replace("/", "-") or "front"
    page.goto("/c/HXL/projects/P05")
    page.get_by_role("link", name=re.compile("两种做法")).click()
    yield "design"
    for start, name in (("topics", "一区车位重划"), ("meetings", "圆桌会")):
        page.goto(f"/c/HXL/{start}/")
        page.get_by_role("main").get_by_role("link", name=re.compile(name)).first.click()
        yield f"{start}-one"
    for name in ("2026 年先办哪两件", "去看看"):
        page.goto("/c/HXL/votes/")
        page.get_by_role("link", name=re.compile(name)).first.click()
        yield "result" if "2026" in name else "poll"


def staff(page: Page, city: City, name: str) -> None:
    page.goto("/staff/sign-in")
    page.get_by_label("登录名").fill(name)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_label("六位动态码").fill(city.digits(name))
    main_button(page, "登录")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "390"])
def test_the_desk_is_accessible_and_fits(
    city: City,
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    picture: Callable[[Page, str], None],
    size: tuple[int, int],
) -> None:
    page = open_page(size)
    staff(page, city, "gongzuo")
    expect(page.get_by_role("heading", level=1)).to_have_text("今天要办")
    pages = (
        "",
        "votes",
        "votes/new",
        "projects",
        "projects/new",
        "projects/P05",
        "households",
        "households/1",
        "households/1/revoke",
        "roll",
        "records",
        "letters",
        "topics",
        "posts",
        "meetings",
        "ratings",
        "ratings/P10",
        "convention",
        "convention/2",
        "convention/2/edit",
        "projects/P03/works",
        "chain",
    )
    for name in pages:
        page.goto(f"/c/HXL/desk/{name}")
        accessible(page)
        picture(page, f"desk-{size[0]}-{name.replace('/', '-') or 'home'}")
    for name, row in (("topics", "车位重划"), ("meetings", "圆桌会"), ("posts", "高考期间")):
        page.goto(f"/c/HXL/desk/{name}")
        page.get_by_role("main").get_by_role("link", name=re.compile(row)).first.click()
        accessible(page)
        picture(page, f"desk-{size[0]}-{name}-one")


INSIDE = {
    "": (
        "",
        "propose",
        "inbox",
        "mine",
        "opinions/",
        "convention/1/sign",
        "say?about=convention:2/1",
    ),
    "sheji": ("designer", "designer/new", "inbox", ""),
    "quji": ("/d/YT/", ""),
}


@pytest.mark.parametrize("elder", [False, True], ids=["normal", "elder"])
@pytest.mark.parametrize("name", INSIDE)
def test_pages_of_those_who_are_in_are_accessible_and_fit(
    city: City,
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    name: str,
    elder: bool,
) -> None:
    page = open_page(PHONE, elder=elder)
    if name:
        staff(page, city, name)
    else:
        enter(page, city)
    accessible(page)
    for address in INSIDE[name]:
        answer = page.goto(address if address.startswith("/") else f"/c/HXL/{address}")
        assert answer is not None
        assert answer.ok, address
        accessible(page)


def test_the_demo_has_no_broken_chain(city: City, open_page: Callable[..., Page]) -> None:
    page = open_page(DESK)
    staff(page, city, "jiandu")
    page.goto("/c/HXL/desk/chain")
    expect(page.get_by_role("main")).to_contain_text("记录都齐")
    page.goto("/c/HXL/projects/")
    for stage in ("P05", "P03", "P04", "P09", "P10"):
        page.goto(f"/c/HXL/projects/{stage}")
        expect(page.get_by_text("谁提的")).to_be_visible()


def test_targets_are_large_enough_for_a_thumb(city: City, open_page: Callable[..., Page]) -> None:
    script = """least => Array.from(document.querySelectorAll(
        'a.btn,button,.bar-nav a,summary,label.choice,label.tick,' +
        'input:not([type=hidden]):not([type=radio]):not([type=checkbox])'))
        .map(e => [e.textContent.trim().slice(0, 20), e.getBoundingClientRect()])
        .filter(([t, b]) => b.width > 0 && (b.height < least || b.width < 44))
        .map(([t, b]) => t + ' ' + b.width + 'x' + b.height)"""
    for elder, least in ((False, 44), (True, 60)):
        page = open_page(PHONE, elder=elder)
        enter(page, city)
        for address in (page.url, "/e", "/c/HXL/", "/c/HXL/mine"):
            page.goto(address)
            assert page.evaluate(script, least) == [], f"{address} elder={elder}"


@BOTH
def test_a_resident_signs_the_convention_and_takes_it_back(
    city: City,
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    picture: Callable[[Page, str], None],
    javascript: bool,
) -> None:
    page = open_page(PHONE, javascript=javascript)
    enter(page, city)
    page.goto("/c/HXL/convention/1/sign")
    if javascript:
        pad = page.locator("#canvas")
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 30, box["y"] + 40)
        page.mouse.down()
        for step in range(30):
            page.mouse.move(box["x"] + 30 + step * 5, box["y"] + 40 + (step % 7) * 9)
        page.mouse.up()
        accessible(page)
    picture(page, f"sign-{javascript}")
    main_button(page, "我愿意遵守，签署")
    expect(page.get_by_role("heading", level=1)).to_contain_text("已签署")
    picture(page, f"signed-{javascript}")
    main_button(page, "撤回签署")
    expect(page.get_by_role("main")).to_contain_text("已撤回签署")


@BOTH
def test_a_need_is_proposed_screened_and_talked_over(
    city: City,
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    javascript: bool,
) -> None:
    page, desk = open_page(PHONE, javascript=javascript), open_page(DESK, javascript=javascript)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("dialog", lambda dialog: requested.append("dialog"))
    enter(page, city)
    page.goto("/c/HXL/topics/")
    page.get_by_role("link", name="提一个议题").click()
    title = f"门口装把手 {javascript} <img src=/evil onerror=alert(1)>"
    page.get_by_label("想商量什么事").fill(title)
    page.get_by_label("说说情况").fill('<div hx-get="/evil" hx-trigger="load">台阶滑</div>')
    main_button(page, "提交议题")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    address = page.url
    staff(desk, city, "weiyuan")
    desk.goto("/c/HXL/desk/topics")
    desk.get_by_role("link", name=title).click()
    main_button(desk, "开始审核")
    desk.get_by_label("为什么立项（公开）").fill("多位居民反映，可以商量")
    main_button(desk, "立项")
    page.goto(address)
    page.get_by_role("link", name="写意见").click()
    page.get_by_label("您的意见").fill(f"<script>alert(2)</script>两边都要装 {javascript}")
    main_button(page, "提交意见")
    expect(page.get_by_role("main")).to_contain_text("已收到")
    desk.goto("/c/HXL/desk/posts")
    desk.get_by_role("link", name=re.compile(f"两边都要装 {javascript}")).click()
    main_button(desk, "公布")
    page.goto(address)
    expect(page.locator("#opinions")).to_contain_text("<script>alert(2)</script>两边都要装")
    if javascript:
        accessible(page)
    assert not [url for url in requested if "evil" in url or url == "dialog"]

"""Half an hour without a click, ten minutes without a proof: what staff are told, how to go on."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from app.core import clock
from tests.browser.conftest import DESK, PHONE, SMALL
from tests.browser.test_journeys import main_button, staff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.browser.conftest import City

FORM = "/c/HXL/desk/projects/new"
TYPED = "写了很长一段，还没有交。"


@pytest.fixture(autouse=True)
def _standing_clock() -> Iterator[None]:
    with clock.set_to(clock.now()):
        yield


def writing(
    city: City,
    open_page: Callable[..., Page],
    size: tuple[int, int] = DESK,
    *,
    elder: bool = False,
) -> Page:
    """A page on which somebody has come in just now and begun to write."""
    page = open_page(size, elder=elder)
    page.clock.install()
    staff(page, city, "gongzuo")
    page.goto(FORM)
    page.get_by_label("要解决什么问题").fill(TYPED)
    return page


def pass_time(page: Page, *others: Page, minutes: int, seconds: int = 0) -> None:
    """Time goes by at the server and in the browser, by the same."""
    by = timedelta(minutes=minutes, seconds=seconds)
    clock.advance(by)
    for each in (page, *others):
        each.clock.fast_forward(int(by.total_seconds()) * 1000)


def left_at_the_server(page: Page) -> int:
    answer = page.request.get("/staff/stay", max_redirects=0)
    return int(answer.json()["idle"]) if answer.ok else 0


def warns(page: Page, text: str) -> None:
    """The warning with these words, within the browser's next look or two."""
    for _look in range(2):
        page.clock.run_for(10_000)
    expect(page.locator("#idle")).to_be_visible()
    expect(page.locator("#idle p:visible")).to_have_text(re.compile(text))


def is_silent(page: Page) -> None:
    """No warning, though the browser has looked, and asked if it had to."""
    page.clock.run_for(10_000)
    page.wait_for_load_state("networkidle")
    expect(page.locator("#idle")).to_be_hidden()


@pytest.mark.parametrize(
    ("size", "elder"), [(DESK, False), (PHONE, False), (PHONE, True), (SMALL, True)]
)
def test_five_minutes_before_the_end_one_tap_goes_on_with_what_is_being_written(
    city: City,
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    size: tuple[int, int],
    elder: bool,
) -> None:
    page = writing(city, open_page, size, elder=elder)
    pass_time(page, minutes=24, seconds=30)
    is_silent(page)
    pass_time(page, minutes=0, seconds=30)
    warns(page, "^再过 5 分钟没有操作会自动退出，写了一半的会丢。$")
    assert 0 < left_at_the_server(page) <= 300
    accessible(page)
    page.get_by_label("要解决什么问题").focus()
    page.get_by_role("button", name="继续用").click()
    expect(page.locator("#idle")).to_be_hidden()
    assert left_at_the_server(page) == 1800
    field = page.get_by_label("要解决什么问题")
    expect(field).to_have_value(TYPED)
    expect(field).to_be_focused()
    assert page.url.endswith(FORM)
    pass_time(page, minutes=26)
    warns(page, "^再过 [45] 分钟没有操作")
    pass_time(page, minutes=2)
    warns(page, "^再过 [12] 分钟没有操作")


def test_whoever_goes_on_in_another_window_is_not_warned_in_this_one(
    city: City, open_page: Callable[..., Page]
) -> None:
    page = writing(city, open_page)
    pass_time(page, minutes=20)
    other = page.context.new_page()
    other.goto("/c/HXL/desk/")
    pass_time(page, minutes=6)
    is_silent(page)
    pass_time(page, minutes=20)
    warns(page, "^再过 [45] 分钟没有操作")
    # The warning stands in this window while the other goes on: it is taken back.
    other.goto("/c/HXL/desk/")
    pass_time(page, minutes=5)
    is_silent(page)


def test_after_the_end_the_page_says_so_and_so_does_the_door(
    city: City, open_page: Callable[..., Page], accessible: Callable[[Page], None]
) -> None:
    page = writing(city, open_page, PHONE)
    pass_time(page, minutes=30)
    warns(page, "^已经自动退出了")
    assert left_at_the_server(page) == 0
    expect(page.get_by_role("button", name="继续用")).to_be_hidden()
    expect(page.get_by_role("link", name="在新窗口重新登录")).to_be_visible()
    accessible(page)
    expect(page.get_by_label("要解决什么问题")).to_have_value(TYPED)
    page.evaluate("HTMLFormElement.prototype.submit.call(document.querySelector('main form'))")
    expect(page.get_by_role("heading", level=1)).to_have_text("工作人员登录")
    expect(page.get_by_role("main")).to_contain_text("刚才交的没有保存")


def test_a_tap_after_the_end_says_that_it_came_too_late(
    city: City, open_page: Callable[..., Page]
) -> None:
    page = writing(city, open_page)
    pass_time(page, minutes=26)
    warns(page, "没有操作")
    # The browser's clock stood still, as on a phone that slept.
    clock.advance(timedelta(minutes=5))
    page.get_by_role("button", name="继续用").click()
    expect(page.locator("#idle p:visible")).to_have_text(re.compile("^已经自动退出了"))
    expect(page.get_by_label("要解决什么问题")).to_have_value(TYPED)


def test_a_tap_without_a_net_says_that_nothing_was_gained_and_may_be_repeated(
    city: City, open_page: Callable[..., Page]
) -> None:
    page = writing(city, open_page, PHONE)
    pass_time(page, minutes=26)
    warns(page, "没有操作")
    page.context.set_offline(True)
    page.get_by_role("button", name="继续用").click()
    expect(page.locator("#idle p:visible")).to_have_text(re.compile("^没有连上，时间没有延长"))
    expect(page.get_by_role("button", name="继续用")).to_be_visible(timeout=2_000)
    page.context.set_offline(False)
    assert left_at_the_server(page) < 300
    page.get_by_role("button", name="继续用").click()
    expect(page.locator("#idle")).to_be_hidden()
    assert left_at_the_server(page) == 1800
    expect(page.get_by_label("要解决什么问题")).to_have_value(TYPED)


def test_the_warning_comes_without_a_net_too(city: City, open_page: Callable[..., Page]) -> None:
    page = writing(city, open_page, PHONE)
    page.context.set_offline(True)
    pass_time(page, minutes=26)
    warns(page, "^再过 [45] 分钟没有操作")


def test_the_end_of_twelve_hours_is_told_without_a_button_that_could_not_help(
    city: City, open_page: Callable[..., Page]
) -> None:
    page = writing(city, open_page)
    for _tap in range(28):
        pass_time(page, minutes=25)
        page.request.get("/c/HXL/desk/")
    page.goto(FORM)
    pass_time(page, minutes=16)
    warns(page, "^再过 [34] 分钟就满 12 小时，一定会退出")
    expect(page.get_by_role("button", name="继续用")).to_be_hidden()


def test_residents_and_pages_without_scripts_show_no_warning(
    city: City, open_page: Callable[..., Page]
) -> None:
    page = open_page(DESK, javascript=False)
    staff(page, city, "gongzuo")
    expect(page.locator("#idle")).to_be_hidden()
    page.get_by_role("link", name="我的账号").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("我的账号")
    page.get_by_role("link", name="做一份备用码").click()
    main_button(page, "做备用码")
    expect(page.locator(".codes li")).to_have_count(10)
    visitor = open_page(PHONE)
    visitor.goto("/c/HXL/")
    expect(visitor.locator("#idle")).to_have_count(0)


def test_an_export_after_a_while_asks_once_more_who_it_is_and_goes_on(
    city: City, open_page: Callable[..., Page], accessible: Callable[[Page], None]
) -> None:
    page = open_page(PHONE)
    staff(page, city, "gongzuo")
    page.goto("/c/HXL/desk/records")
    clock.advance(timedelta(minutes=11))
    page.get_by_role("button", name="导出存档").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("再确认一次是您本人")
    accessible(page)
    page.get_by_label("六位动态码").fill("000000")
    main_button(page, "确认")
    expect(page.locator("#error-summary")).to_contain_text("没有确认，还没有办")
    page.get_by_label("六位动态码").fill(city.digits("gongzuo"))
    main_button(page, "确认")
    expect(page.get_by_role("heading", level=1)).to_have_text("记录和导出")
    with page.expect_download() as begun:
        page.get_by_role("button", name="导出存档").click()
    assert begun.value.suggested_filename.endswith(".zip")


@pytest.mark.parametrize("javascript", [True, False], ids=["scripted", "plain"])
def test_a_form_sent_too_late_goes_on_with_the_proof(
    city: City,
    open_page: Callable[..., Page],
    picture: Callable[[Page, str], None],
    javascript: bool,
) -> None:
    page = open_page(PHONE, javascript=javascript)
    staff(page, city, "jiandu")
    page.goto("/staff/account/recovery")
    clock.advance(timedelta(minutes=11))
    main_button(page, "做备用码")
    expect(page.get_by_role("heading", level=1)).to_have_text("再确认一次是您本人")
    expect(page.get_by_role("main")).to_contain_text("您刚才填的都还在")
    picture(page, "prove-along")
    page.get_by_label("六位动态码").fill("000000")
    main_button(page, "确认，接着办")
    expect(page.locator("#error-summary")).to_contain_text("您填的都还在")
    page.get_by_label("六位动态码").fill(city.digits("jiandu"))
    main_button(page, "确认，接着办")
    expect(page.locator(".codes li")).to_have_count(10)

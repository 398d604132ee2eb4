"""An old lady without a phone comes to the desk and votes with help; no JavaScript anywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE, fits
from tests.browser.test_journeys import main_button, staff

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import City


def test_an_old_lady_votes_with_help(
    city: City,
    open_page: Callable[..., Page],
    picture: Callable[[Page, str], None],
) -> None:
    page = open_page(DESK, javascript=False)
    staff(page, city, "gongzuo")
    _code, _fact, home = city.homes[-1]
    page.goto(f"/c/HXL/desk/households?{urlencode({'search': home.rpartition(' ')[2]})}")
    page.get_by_role("main").locator("a[href*='/desk/households/']").first.click()
    page.get_by_role("link", name="现场代办", exact=True).click()
    picture(page, "assist-begin")
    fits(page)
    main_button(page, "开始代办")
    expect(page.get_by_role("heading", name=re.compile("现场代办"))).to_be_visible()
    page.get_by_label("看过证件").check()
    page.get_by_label(re.compile("就在我面前")).check()
    main_button(page, "开始代办")
    picture(page, "assist-visit")
    fits(page)
    page.get_by_role("main").get_by_role("link", name="去投票", exact=True).first.click()
    picture(page, "assist-ballot")
    fits(page)
    page.get_by_role("group").get_by_role("radio").or_(page.get_by_role("checkbox")).first.check()
    main_button(page, "提交选票")
    expect(page.get_by_role("heading", level=1)).to_contain_text("已收到")
    expect(page.locator(".code-line")).to_contain_text("-")
    picture(page, "assist-receipt")
    fits(page)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    fits(page)
    picture(page, "assist-receipt-390")
    page.get_by_role("link", name="办下一件").click()
    expect(page.get_by_text("本户已在").first).to_be_visible()
    fits(page)
    page.get_by_role("main").get_by_role("link", name="改选票").first.click()
    expect(page.get_by_text("那一票选了什么，这里看不到")).to_be_visible()
    expect(page.locator("input:checked")).to_have_count(0)
    picture(page, "assist-change-390")
    fits(page)
    page.go_back()
    main_button(page, "办完了")
    expect(page.get_by_text("这一次现场代办已结束")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "plain"])
def test_a_proxy_is_entered_used_and_the_page_fits(
    city: City,
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    javascript: bool,
) -> None:
    page = open_page(DESK, javascript=javascript)
    staff(page, city, "gongzuo")
    _code, _fact, home = city.homes[-2 if javascript else -3]
    page.goto(f"/c/HXL/desk/households?{urlencode({'search': home.rpartition(' ')[2]})}")
    page.get_by_role("main").locator("a[href*='/desk/households/']").first.click()
    page.get_by_role("link", name="登记委托书", exact=True).click()
    check = accessible if javascript else fits
    check(page)
    page.get_by_role("radio").first.check()
    page.get_by_label(re.compile("受托人不住本社区的")).fill("王芳（长女）")
    page.get_by_label(re.compile("委托书编号")).fill(f"WT-{home}")
    page.get_by_label("打委托户登记的电话核实过").check()
    page.get_by_label(re.compile("委托书是书面的")).check()
    main_button(page, "登记这份委托书")
    expect(page.get_by_text("委托书登记好了")).to_be_visible()
    check(page)
    page.get_by_role("link", name="受托人来了，投票").first.click()
    check(page)
    page.get_by_label("看过证件").check()
    page.get_by_label(re.compile("受托人就在我面前")).check()
    choices = page.locator(".choice input")
    choices.first.check()
    main_button(page, "提交选票")
    expect(page.get_by_role("heading", level=1)).to_contain_text("已收到")
    check(page)
    page.goto("/c/HXL/desk/outreach")
    check(page)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    fits(page)


@pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "plain"])
def test_the_list_of_who_has_not_voted_is_printed_by_one_look(
    city: City, open_page: Callable[..., Page], javascript: bool
) -> None:
    page = open_page(DESK, javascript=javascript)
    staff(page, city, "gongzuo")
    page.goto("/c/HXL/desk/outreach")
    page.get_by_role("link", name="看名单", exact=True).first.click()
    page.get_by_role("radio").first.check()
    page.get_by_label(re.compile("只用来送材料")).check()
    looks: list[str] = []
    page.on("request", lambda asked: looks.append(asked.method) if asked.method == "POST" else None)
    with page.expect_download() as coming:
        main_button(page, "印清单（PDF）")
    assert coming.value.suggested_filename == "HXL-rounds.pdf"
    assert looks == ["POST"]

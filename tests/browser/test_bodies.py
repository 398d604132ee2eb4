"""A designer speaks for their practice, and the desk asks for more, with and without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, City
from tests.browser.test_journeys import staff

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "plain"])
def test_a_practice_says_something_by_its_designer(
    city: City, browser: Browser, javascript: bool
) -> None:
    context = browser.new_context(
        viewport={"width": DESK[0], "height": DESK[1]},
        locale="zh-CN",
        base_url=city.address,
        java_script_enabled=javascript,
    )
    page = context.new_page()
    staff(page, city, "sheji")
    page.goto("/c/HXL/designer")
    page.get_by_role("link", name="我代表的单位").click()
    page.get_by_role("link", name="车位重划与消防通道整治").first.click()
    page.get_by_role("link", name="写意见").click()
    expect(page.get_by_role("radio", name="青禾市社区规划设计所")).to_be_checked()
    page.get_by_label("您的意见").fill("转弯半径按九米画。")
    page.get_by_role("button", name="提交意见").click()
    expect(page.get_by_text("已收到")).to_be_visible()
    expect(page.get_by_text("转弯半径按九米画。")).to_be_visible()
    context.close()

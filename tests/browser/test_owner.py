"""A clerk confirms an owner at the desk, who then reads what counts for the home."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE
from tests.browser.test_journeys import enter, main_button, staff

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import City


@pytest.mark.parametrize("elder", [False, True], ids=["normal", "elder"])
def test_an_owner_is_confirmed_and_reads_the_entry(
    city: City,
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    picture: Callable[[Page, str], None],
    elder: bool,
) -> None:
    owner, clerk = open_page(PHONE, elder=elder), open_page(DESK, elder=elder)
    enter(owner, city)
    owner.goto("/c/HXL/mine")
    expect(owner.get_by_role("link", name="我是这套房的业主")).to_have_count(0)
    address = owner.get_by_role("heading", level=1).inner_text()
    staff(clerk, city, "gongzuo")
    clerk.goto("/c/HXL/desk/households")
    clerk.get_by_label("找住户").fill(address)
    main_button(clerk, "查找")
    clerk.get_by_role("main").locator("a[href*='/desk/households/']").first.click()
    clerk.get_by_role("link", name=re.compile("核对业主")).click()
    expect(clerk.get_by_role("heading", level=1)).to_have_text("这一位是这套房的业主吗？")
    accessible(clerk)
    picture(clerk, f"owner-confirm-{elder}")
    main_button(clerk, "看过了，是业主")
    expect(clerk.get_by_text("服务台看过证件，是业主，有效到")).to_be_visible()
    accessible(clerk)
    picture(clerk, f"owner-desk-{elder}")
    owner.reload()
    owner.get_by_role("link", name="我是这套房的业主").click()
    expect(owner.get_by_role("heading", level=1)).to_have_text("本户的产权登记")
    expect(owner.get_by_role("main")).to_contain_text("算 1 位业主")
    accessible(owner)
    picture(owner, f"owner-title-{elder}")
    clerk.get_by_role("link", name=re.compile("不再是业主")).click()
    accessible(clerk)
    picture(clerk, f"owner-end-{elder}")
    main_button(clerk, "取消业主")
    owner.reload()
    expect(owner.get_by_role("heading", level=1)).not_to_have_text("本户的产权登记")

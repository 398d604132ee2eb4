"""One phone for two homes: added by the letter, switched in two taps, each with its own ballot."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, fits
from tests.browser.test_journeys import answered, enter, main_button

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import City


@pytest.mark.parametrize("javascript", [True, False], ids=["scripted", "plain"])
@pytest.mark.parametrize("elder", [False, True], ids=["normal", "elder"])
def test_two_homes_vote_from_one_phone(
    city: City,
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    javascript: bool,
    elder: bool,
) -> None:
    page = open_page(PHONE, javascript=javascript, elder=elder)
    enter(page, city)
    expect(page).to_have_url(re.compile("/ballot$"))
    ballot = page.url
    code, fact = city.letter()
    page.goto("/c/HXL/mine/homes")
    page.get_by_role("link", name="用另一户的信，再加一户").click()
    page.get_by_label("信上的编码").fill(code)
    page.get_by_label("手机号后四位").fill(fact)
    page.get_by_label("我已满 18 周岁").check()
    fits(page)
    main_button(page, "加上这一户")
    expect(page).to_have_url(re.compile("/mine/homes$"))
    fits(page)
    if javascript:
        accessible(page)

    # Two tabs: the first still shows the ballot of the second home.
    page.goto(ballot)
    other = page.context.new_page()
    other.goto(ballot)
    other.get_by_role("link", name="换一户").click()
    main_button(other, "换到这一户")
    answered(other)
    expect(other).to_have_url(ballot)
    page.get_by_role("radio", name="同意", exact=True).check()
    main_button(page, "提交选票")
    expect(page.get_by_text("替您的另一户打开的")).to_be_visible()
    expect(page.get_by_role("radio", checked=True)).to_have_count(0)

    # Each home votes for itself.
    page.get_by_role("radio", name="反对", exact=True).check()
    main_button(page, "提交选票")
    expect(page).to_have_url(re.compile("/receipt"))
    page.goto("/c/HXL/mine/homes")
    main_button(page, "换到这一户")
    page.goto(ballot)
    page.get_by_role("radio", name="同意", exact=True).check()
    main_button(page, "提交选票")
    expect(page).to_have_url(re.compile("/receipt"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("已收到")

"""A topic that goes up to the subdistrict and is talked over by two communities, in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK
from tests.browser.test_journeys import enter, main_button, staff

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import City


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "plain"])
def test_a_topic_is_lifted_shared_talked_over_and_published(
    city: City,
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    javascript: bool,
) -> None:
    title = "幸福路的路面坏了" + ("" if javascript else "（二）")
    clerk = open_page(DESK, javascript=javascript)
    staff(clerk, city, "gongzuo")
    clerk.goto("/c/HXL/propose")
    clerk.fill("#title", title)
    clerk.fill("#background", "两个社区的人天天走，哪一家都修不起。")
    main_button(clerk, "提交")
    expect(clerk.locator("h1")).to_have_text(title)
    topic = clerk.url.rpartition("/")[2]
    clerk.goto(f"/c/HXL/desk/topics/{topic}")
    main_button(clerk, "开始审核")
    expect(clerk.locator("main")).to_contain_text("提到街道（提级）")
    clerk.locator("summary", has_text="提到街道").click()
    clerk.fill("#lift-reason", "路是两个社区共用的。")
    accessible(clerk) if javascript else None
    main_button(clerk, "提到街道")
    expect(clerk.locator("main")).to_contain_text("等街道答复")

    street = open_page(DESK, javascript=javascript)
    staff(street, city, "jiedao")
    street.get_by_role("link", name="提级议题").click()
    street.get_by_role("link", name=title).click()
    street.fill("#question", "路面怎么修？")
    street.get_by_label("榆荫里社区").check()
    accessible(street) if javascript else None
    main_button(street, "接下并公开")
    street.get_by_role("link", name=title).click()
    expect(street.locator("main")).to_contain_text("看大家看到的页面")
    shared = street.url.rpartition("/")[2]

    home = open_page(javascript=javascript, elder=True)
    enter(home, city)
    home.goto("/c/HXL/topics/")
    home.get_by_role("link", name=title).first.click()
    home.fill("#text", "修宽一点，让轮椅能过。")
    accessible(home) if javascript else None
    main_button(home, "提交意见")
    expect(home.locator("main")).to_contain_text("等待审核")

    street.reload()
    street.get_by_role("link", name="修宽一点").click()
    main_button(street, "公布这条意见")
    street.get_by_role("link", name="修宽一点").click()
    street.get_by_label("采纳", exact=True).check()
    street.fill("#why", "按无障碍的宽度修。")
    main_button(street, "公布处理意见")
    street.fill("#text", "两个社区各出一半。")
    main_button(street, "公布结果")
    expect(street.locator("main")).to_contain_text("结果公示到")

    stranger = open_page(javascript=javascript)
    for code in ("HXL", "YYL"):
        stranger.goto(f"/c/{code}/topics/")
        stranger.locator(f"a[href='/d/BY/topics/{shared}']").click()
        expect(stranger.locator("main")).to_contain_text("两个社区各出一半。")
    accessible(stranger) if javascript else None
    stranger.goto(f"/c/HXL/topics/{topic}")
    expect(stranger.locator(f"a[href='/d/BY/topics/{shared}']")).to_be_visible()

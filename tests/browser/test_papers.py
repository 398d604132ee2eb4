"""Making letters in a real browser, and printing a receipt from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE
from tests.browser.test_journeys import BOTH, enter, main_button, staff
from tests.exports.papers import codes_on, sizes_of, words_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import City


@BOTH
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "390"])
def test_a_clerk_chooses_sees_and_gets_the_letters_of_one_stairwell(
    city: City,
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    javascript: bool,
    size: tuple[int, int],
) -> None:
    page = open_page(size, javascript=javascript)
    staff(page, city, "gongzuo")
    page.goto("/c/HXL/desk/letters")
    expect(page.get_by_text("1,486 户已经有能用的信，这次不印")).to_be_visible()
    page.get_by_label("给哪里的住户").select_option("供电家属院 4号楼 2单元（6 户）")
    page.get_by_label("照原样再印一份").check()
    main_button(page, "看看要印多少")
    expect(page.get_by_role("heading", name="印 6 封（共 6 户）")).to_be_visible()
    if javascript:
        accessible(page)
    with page.expect_download() as coming:
        main_button(page, "生成 6 封信")
    letters = Path(coming.value.path()).read_bytes()
    assert len(codes_on(letters)) == 6
    if javascript:
        expect(page.get_by_role("status")).to_contain_text("文件生成好了")
        expect(page.get_by_role("button", name="生成 6 封信")).to_be_hidden()
    with page.expect_download() as coming:
        page.get_by_role("link", name="送达清单").click()
    assert words_of(Path(coming.value.path()).read_bytes()).count("□") == 6
    page.get_by_role("link", name="只作废编码").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("作废一栋楼或一个单元的编码")
    expect(page.get_by_text("不能恢复")).to_be_visible()
    if javascript:
        accessible(page)


def test_a_receipt_page_prints_on_one_sheet_without_buttons(
    city: City, open_page: Callable[..., Page]
) -> None:
    page = open_page(PHONE)
    enter(page, city)
    page.locator("[name=choice]").first.check()
    main_button(page, "提交选票")
    expect(page).to_have_url(re.compile("receipt"))
    paper = page.pdf(format="A4")
    assert len(sizes_of(paper)) == 1
    words = words_of(paper)
    assert "已收到" in words
    for screen_only in ("回到首页", "修改选票", "存一份收据", "投诉与建议"):
        assert screen_only not in words

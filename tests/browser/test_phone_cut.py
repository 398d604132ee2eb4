"""The line breaks in the middle of a form: nothing typed is lost, nothing is stored twice."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import func, select

from app.consultations.models import Topic
from app.conventions.models import Signature
from app.core.db import db
from app.discussion.models import Post
from app.meetings.models import Seat
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_journeys import enter, main_button, staff

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page, Route
    from sqlalchemy import Select

    from tests.browser.conftest import City

SAVED_NOT = re.compile("没有存上。您写的还在这里")
UNSURE = re.compile("不知道存上没有。您写的还在这里。请再点一次，不会重复")


def count(city: City, what: Select[tuple[int]]) -> int:
    with city.app.app_context():
        number = db.session.scalar(what) or 0
        db.session.remove()
    return number


def cut_twice(page: Page, press: Callable[[], None], kept: Callable[[], None]) -> None:
    """Press without a net, then with a net that breaks after the server has stored; then go on."""
    address, requested = page.url, []
    page.context.set_offline(offline=True)
    press()
    expect(page.get_by_role("alert")).to_have_text(SAVED_NOT)
    kept()
    page.context.set_offline(offline=False)

    def break_the_answer(route: Route) -> None:
        if route.request.method == "POST":
            # The answer is lost whole, with the cookie it would have brought.
            cookies = page.context.cookies()
            requested.append(route.fetch(max_redirects=0).status)
            page.context.clear_cookies()
            page.context.add_cookies(cookies)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/*", break_the_answer)
    press()
    expect(page.get_by_role("alert")).to_have_text(UNSURE)
    assert requested == [204]
    assert page.url == address
    kept()
    page.unroute("**/*")
    press()


def nothing_left(page: Page) -> None:
    """The browser keeps nothing that the next person at this phone could read."""
    assert page.evaluate("[sessionStorage.length, localStorage.length]") == [0, 0]


def test_coming_in(city: City, open_page: Callable[..., Page]) -> None:
    page = open_page(PHONE)
    code, fact = city.letter()
    page.goto("/e")
    page.get_by_label("信上的编码").fill(code)
    page.get_by_label("手机号后四位").fill(fact)
    page.get_by_label("我已满 18 周岁").check()

    def kept() -> None:
        expect(page.get_by_label("信上的编码")).to_have_value(code)
        expect(page.get_by_label("手机号后四位")).to_have_value(fact)
        expect(page.get_by_label("我已满 18 周岁")).to_be_checked()

    cut_twice(page, lambda: main_button(page, "进入"), kept)
    expect(page).to_have_url(re.compile("/ballot$"))
    nothing_left(page)


def test_a_ballot(city: City, open_page: Callable[..., Page]) -> None:
    page = open_page(PHONE)
    enter(page, city)
    choice = page.get_by_role("radio", name="反对", exact=True)
    choice.check()
    cut_twice(page, lambda: main_button(page, "提交选票"), lambda: expect(choice).to_be_checked())
    expect(page).to_have_url(re.compile("/receipt"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("已收到")
    page.goto("/c/HXL/mine")
    expect(page.get_by_text(re.compile("本户已投票"))).to_have_count(1)
    expect(page.get_by_text(re.compile("本户改过选票"))).to_have_count(0)
    main_button(page, "退出这部手机")
    expect(page).not_to_have_url(re.compile("mine"))
    nothing_left(page)


def test_an_opinion_its_refusal_and_an_appeal(city: City, open_page: Callable[..., Page]) -> None:
    page, desk = open_page(PHONE), open_page(DESK)
    enter(page, city)
    page.goto("/c/HXL/say?about=convention:2/1")
    words = "第一条要写得再清楚一点。\n网断过两回。"
    page.get_by_label("您的意见").fill(words)
    cut_twice(
        page,
        lambda: main_button(page, "提交意见"),
        lambda: expect(page.get_by_label("您的意见")).to_have_value(words),
    )
    expect(page.get_by_role("main")).to_contain_text("已收到")
    assert count(city, select(func.count(Post.id)).where(Post.text.contains("网断过两回"))) == 1
    own = page.url
    staff(desk, city, "weiyuan")
    desk.goto("/c/HXL/desk/posts")
    desk.get_by_role("link", name=re.compile("网断过两回")).click()
    desk.get_by_text("不能公布，退回").click()
    desk.get_by_role("radio").first.check()
    main_button(desk, "退回，说明理由")
    page.goto(own)
    page.get_by_text("觉得不该这样处理？").click()
    appeal = page.get_by_label("为什么应当公布")
    appeal.fill("我写的是条文，没有骂人。")
    cut_twice(
        page,
        lambda: main_button(page, "提交申诉"),
        lambda: expect(appeal).to_have_value("我写的是条文，没有骂人。"),
    )
    page.goto(own)
    expect(page.get_by_role("main")).to_contain_text("我写的是条文，没有骂人。")
    nothing_left(page)


def test_a_proposal_with_a_photo(city: City, open_page: Callable[..., Page]) -> None:
    page = open_page(PHONE)
    enter(page, city)
    page.goto("/c/HXL/propose")
    picture = io.BytesIO()
    Image.new("RGB", (640, 480), "#8fb3a3").save(picture, "JPEG")
    page.get_by_label("想商量什么事").fill("断网时提的议题")
    page.get_by_label("说说情况").fill("写了很长一段。")
    page.locator("input[type=file]").set_input_files(
        {"name": "one.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()}
    )

    def kept() -> None:
        expect(page.get_by_label("想商量什么事")).to_have_value("断网时提的议题")
        expect(page.get_by_label("说说情况")).to_have_value("写了很长一段。")
        assert page.evaluate("document.querySelector('input[type=file]').files.length") == 1

    cut_twice(page, lambda: main_button(page, "提交议题"), kept)
    expect(page.get_by_role("heading", level=1)).to_have_text("断网时提的议题")
    expect(page.get_by_role("img", name="提议时附的照片")).to_have_count(1)
    assert count(city, select(func.count(Topic.id)).where(Topic.title == "断网时提的议题")) == 1


def test_a_place_at_a_meeting_and_a_signature(city: City, open_page: Callable[..., Page]) -> None:
    page = open_page(PHONE)
    enter(page, city)
    page.goto("/c/HXL/meetings/")
    page.get_by_role("main").get_by_role("link", name=re.compile("圆桌会")).first.click()
    seats = select(func.count(Seat.id))
    before = count(city, seats)
    cut_twice(page, lambda: main_button(page, "报名参加"), lambda: None)
    expect(page.get_by_role("main")).to_contain_text("您已报名")
    assert count(city, seats) == before + 1
    page.goto("/c/HXL/convention/1/sign")
    page.locator("#canvas").scroll_into_view_if_needed()
    box = page.locator("#canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.down()
    for step in range(30):
        page.mouse.move(box["x"] + 30 + step * 5, box["y"] + 40 + (step % 7) * 9)
    page.mouse.up()
    signed = select(func.count(Signature.id))
    before = count(city, signed)
    cut_twice(page, lambda: main_button(page, "我愿意遵守，签署"), lambda: None)
    expect(page.get_by_role("heading", level=1)).to_contain_text("已签署")
    assert count(city, signed) == before + 1


def test_a_refusal_of_the_server_leaves_what_was_typed(
    city: City, open_page: Callable[..., Page]
) -> None:
    page = open_page(PHONE)
    enter(page, city)
    page.goto("/c/HXL/say?about=convention:2/1")
    page.get_by_label("您的意见").fill("写了半天的意见")
    page.evaluate("document.querySelector('main [name=csrf_token]').value = 'too old'")
    main_button(page, "提交意见")
    expect(page.get_by_role("alert")).to_contain_text("这张表放得太久了")
    expect(page.get_by_label("您的意见")).to_have_value("写了半天的意见")
    page.get_by_label("您的意见").fill(" ")
    page.reload()
    page.get_by_label("您的意见").fill("   ")
    main_button(page, "提交意见")
    expect(page.locator("#error-summary")).to_be_focused()


def test_without_scripts_asking_again_sends_what_was_typed(
    city: City, open_page: Callable[..., Page]
) -> None:
    """Chromium puts its error page in the form's place and sends the same again when reloaded."""
    page = open_page(PHONE, javascript=False)
    enter(page, city)
    page.goto("/c/HXL/say?about=convention:2/1")
    page.get_by_label("您的意见").fill("没有脚本的时候写的")
    page.context.set_offline(offline=True)
    with page.expect_event("requestfailed"):
        page.get_by_role("main").get_by_role("button", name="提交意见").click(no_wait_after=True)
    expect(page.get_by_label("您的意见")).to_have_count(0)
    page.context.set_offline(offline=False)
    page.reload()
    expect(page.get_by_role("main")).to_contain_text("没有脚本的时候写的")
    assert count(city, select(func.count(Post.id)).where(Post.text == "没有脚本的时候写的")) == 1

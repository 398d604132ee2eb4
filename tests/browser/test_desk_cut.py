"""The line breaks in the middle of the desk's forms: nothing typed is lost, nothing counts twice.

Each form is sent three times: without a net; with a net that breaks once the server has stored it;
and once more, as the page asks. The third time has to look as the first would have.
"""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import func, select

from app.consultations.models import Topic, TopicMove
from app.core import clock
from app.designs.models import Proposal
from app.discussion.models import Post
from app.meetings.models import Meeting, Seat
from app.projects.models import Milestone, ProgressPost, Project
from app.voting.models import Poll
from tests.browser.conftest import DESK
from tests.browser.test_journeys import enter, main_button, staff
from tests.browser.test_phone_cut import count, cut_twice

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from tests.browser.conftest import City

# What stands in the fields of a page, but for the marks that forms carry.
TYPED = """() => [...document.querySelectorAll(
  'main input:not([type=hidden]):not([type=file]), main textarea, main select')]
  .map(e => [e.name, /radio|checkbox/.test(e.type) ? e.checked : e.value])"""


def sent_in_spite_of_cuts(page: Page, button: str | Locator) -> None:
    """Send a form through two breaks of the line."""
    typed = page.evaluate(TYPED)

    def press() -> None:
        if isinstance(button, str):
            main_button(page, button)
        else:
            button.click()
            expect(page.locator("form[data-sent]")).to_have_count(0, timeout=30_000)
            page.wait_for_load_state()

    def kept() -> None:
        assert page.evaluate(TYPED) == typed

    cut_twice(page, press, kept)
    expect(page.locator("main [role=alert]")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).not_to_have_text("这一步没有办成")


@pytest.fixture
def desk(city: City, open_page: Callable[..., Page]) -> Page:
    page = open_page(DESK)
    staff(page, city, "weiyuan")
    return page


def picture() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (640, 480), "#8fb3a3").save(data, "JPEG")
    return data.getvalue()


def test_a_topic_from_screening_to_its_notice(
    city: City, open_page: Callable[..., Page], desk: Page
) -> None:
    resident = open_page(DESK)
    enter(resident, city)
    resident.goto("/c/HXL/propose")
    resident.get_by_label("想商量什么事").fill("线断了也要审的议题")
    resident.get_by_label("说说情况").fill("写了很长一段。")
    main_button(resident, "提交议题")
    topic = resident.url.rpartition("/")[2]
    address = f"/c/HXL/desk/topics/{topic}"
    moves = (
        select(func.count(TopicMove.id))
        .join(Topic, Topic.id == TopicMove.topic_id)
        .where(Topic.public_id == topic)
    )
    before = count(city, moves)
    desk.goto(address)
    sent_in_spite_of_cuts(desk, "开始审核")
    desk.get_by_label("为什么立项（公开）").fill("多位居民反映，\n可以商量。")
    sent_in_spite_of_cuts(desk, "立项")
    expect(desk.get_by_role("main")).to_contain_text("已立项")
    desk.get_by_text("公告以前写清楚").scroll_into_view_if_needed()
    desk.get_by_label("要商量的问题").fill("怎么办？")
    sent_in_spite_of_cuts(desk, "保存")
    assert count(city, moves) == before + 2
    desk.goto(f"{address}/agenda")
    starts = clock.local(clock.now() + timedelta(days=9))
    desk.get_by_label("开会时间").fill(f"{starts:%Y-%m-%dT19:00}")
    desk.get_by_label("主持人").fill("主持人")
    desk.get_by_label("记录人").fill("记录人")
    sent_in_spite_of_cuts(desk, "发布公告")
    called = select(func.count(Meeting.id)).where(Meeting.subject == f"topic:{topic}")
    assert count(city, called) == 1
    assert count(city, moves) == before + 3
    desk.goto(address)
    desk.get_by_role("link", name="名单、签到、纪要").click()
    seats = select(func.count(Seat.id))
    taken = count(city, seats)
    desk.get_by_text("替没有手机的居民登记座位").click()
    desk.get_by_label("怎么称呼", exact=True).fill("三号楼王阿姨")
    sent_in_spite_of_cuts(desk, "登记")
    assert count(city, seats) == taken + 1
    desk.goto(address)
    desk.get_by_text("发布更正").click()
    desk.get_by_label("哪里错了，正确的是什么（公开）").fill("是下午，不是上午。")
    sent_in_spite_of_cuts(desk, "公布更正")
    desk.goto(f"/c/HXL/topics/{topic}")
    expect(desk.get_by_text("是下午，不是上午。")).to_have_count(1)
    desk.goto(address)
    desk.get_by_text("不能按时开，延期").click()
    desk.get_by_label("为什么延期（公开）").fill("停电。")
    sent_in_spite_of_cuts(desk, "公布延期")
    assert count(city, moves) == before + 4


def test_an_opinion_is_covered_published_and_answered(
    city: City, open_page: Callable[..., Page], desk: Page
) -> None:
    resident = open_page(DESK)
    enter(resident, city)
    resident.goto("/c/HXL/say?about=convention:2/2")
    resident.get_by_label("您的意见").fill("王小明家楼上断线的时候也吵。")
    main_button(resident, "提交意见")
    desk.goto("/c/HXL/desk/posts")
    desk.get_by_role("link", name=re.compile("断线的时候也吵")).click()
    desk.get_by_label(re.compile("遮住|遮")).first.fill("王小明")
    sent_in_spite_of_cuts(desk, "公布")
    covered = select(func.count(Post.id)).where(
        Post.text.contains("断线的时候也吵"), Post.text.contains("*"), Post.state == "published"
    )
    assert count(city, covered) == 1
    desk.goto("/c/HXL/desk/posts")
    desk.get_by_role("link", name=re.compile("断线的时候也吵")).click()
    desk.get_by_role("radio", name="部分采纳", exact=True).check()
    desk.get_by_label("理由", exact=True).first.fill("写进第二条，时间再商量。")
    sent_in_spite_of_cuts(desk, "公布处理结果")
    disposed = select(func.count(Post.id)).where(Post.disposition_why.contains("时间再商量"))
    assert count(city, disposed) == 1


def test_a_sitting_from_the_door_to_its_end(city: City, desk: Page) -> None:
    desk.goto("/c/HXL/desk/meetings")
    desk.get_by_role("main").get_by_role("link", name=re.compile("圆桌会|车位")).first.click()
    seats = select(func.count(Seat.id))
    before = count(city, seats)
    desk.get_by_text("没报名、直接来的，在这里签到").click()
    desk.get_by_label("怎么称呼（可以不填）").fill("断线时来的人")
    sent_in_spite_of_cuts(desk, "签到一位")
    assert count(city, seats) == before + 1
    desk.get_by_label("会议纪要").fill("线断了两回，\n纪要还在。")
    sent_in_spite_of_cuts(desk, "保存纪要")
    expect(desk.get_by_label("会议纪要")).to_have_value("线断了两回，\n纪要还在。")
    sent_in_spite_of_cuts(desk, "结束会议")
    closed = select(func.count(Meeting.id)).where(
        Meeting.minutes_text.contains("线断了两回"), Meeting.closed_at.is_not(None)
    )
    assert count(city, closed) == 1


def test_a_project_is_entered_built_and_reported_on(city: City, desk: Page) -> None:
    projects, posts, steps = (
        select(func.count(table.id)) for table in (Project, ProgressPost, Milestone)
    )
    before = [count(city, what) for what in (projects, posts, steps)]
    desk.goto("/c/HXL/desk/projects/new")
    for name, words in {
        "code": "P77",
        "title": "断线的时候登记的长廊",
        "problem": "没有地方坐。",
        "budget": "1000",
        "costs": "木料 1000",
        "funds": "公益金 1000",
        "upkeep_by": "居委会",
    }.items():
        desk.locator(f"main [name={name}]").fill(words)
    desk.locator("main [name=supply_mode]").first.check()
    sent_in_spite_of_cuts(desk, "保存项目")
    assert count(city, projects) == before[0] + 1
    desk.goto("/c/HXL/desk/projects/P05/works")
    desk.get_by_label("进展", exact=True).fill("断线的时候写的进展。")
    desk.locator("input[type=file]").first.set_input_files(
        {"name": "one.jpg", "mimeType": "image/jpeg", "buffer": picture()}
    )
    sent_in_spite_of_cuts(desk, "公布进展")
    assert count(city, posts) == before[1] + 1
    desk.get_by_text("加一个节点").click()
    desk.locator("[name=title]").fill("断线的节点")
    desk.locator("[name=planned_on]").fill("2030-05-01")
    sent_in_spite_of_cuts(desk, "加上")
    assert count(city, steps) == before[2] + 1
    sent_in_spite_of_cuts(desk, desk.get_by_role("button", name=re.compile("^进入共")))


def test_a_poll_is_drafted_and_opened(city: City, desk: Page) -> None:
    polls = select(func.count(Poll.id))
    before = count(city, polls)
    desk.goto("/c/HXL/desk/votes/new/yes_no")
    desk.get_by_role("textbox").first.fill("断线的时候起草的投票，您同意吗？")
    desk.get_by_role("radio").first.check()
    sent_in_spite_of_cuts(desk, desk.get_by_role("main").get_by_role("button").last)
    assert count(city, polls) == before + 1
    desk.get_by_role("link", name="没问题，去开放").click()
    sent_in_spite_of_cuts(desk, desk.get_by_role("main").get_by_role("button").first)
    expect(desk).to_have_url(re.compile("/desk/votes/[0-9a-z]+$"))
    opened = select(func.count(Poll.id)).where(
        Poll.title.contains("断线的时候"), Poll.opened_at.is_not(None)
    )
    assert count(city, opened) == 1


def test_a_proposal_of_a_designer(city: City, open_page: Callable[..., Page]) -> None:
    page = open_page(DESK)
    staff(page, city, "sheji")
    proposals = select(func.count(Proposal.id))
    before = count(city, proposals)
    page.goto("/c/HXL/designer/new")
    page.get_by_label("方案名称").fill("断线的时候画的方案")
    page.get_by_role("radio").first.check()
    for letter in "AB":
        plan = page.get_by_role("group", name=f"方案 {letter}")
        for label, words in {
            "名称": f"做法{letter}",
            "怎么做，用大白话": "坡度一比十二。",
            "造价（元）": "176000",
            "每年维护（元）": "3000",
            "适合谁": "轮椅",
            "放弃什么": "两个车位",
        }.items():
            plan.get_by_label(label).fill(words)
    sent_in_spite_of_cuts(page, "提交方案")
    assert count(city, proposals) == before + 1

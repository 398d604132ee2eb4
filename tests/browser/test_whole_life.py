"""One project's whole life in a browser: a need, a session, a vote, works, a rating, a repair.

These run after all other journeys. A second open poll changes what a resident is met with, the
clock goes months ahead, and a log does not go back.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import current_app
from playwright.sync_api import expect
from sqlalchemy import select

from app.communities.models import Household
from app.communities.queries import community_by_code
from app.core import clock, jobs
from app.core.db import db
from app.portal.demo import _resident
from app.voting import operations as voting
from app.voting import tokens
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_journeys import answered, enter, main_button, staff

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import City

# The number of the question about the quality of the work: what is rated low is repaired.
QUALITY = 2


def date_in(days: int) -> str:
    """A day so many days ahead, as a date field takes it."""
    return f"{clock.local(clock.now() + timedelta(days=days)):%Y-%m-%d}"


def run_worker(city: City) -> None:
    """What the worker would have done by now."""
    with city.app.app_context():
        jobs.run_due()
        db.session.remove()


def rate_as_neighbours(city: City, poll: str, step: int) -> None:
    """Eight more households like everything; the quality of the work gets this step."""
    with city.app.app_context():
        community_id = community_by_code("HXL").id
        homes = db.session.scalars(
            select(Household.id)
            .where(Household.community_id == community_id, Household.unit_type == "residence")
            .order_by(Household.id.desc())
            .offset(300)
            .limit(8)
        ).all()
        for home in homes:
            actor = _resident(community_id, home)
            key = current_app.config["SETTINGS"].secret_key
            token = tokens.issue(key, tokens.Binding(0, community_id, poll, home))
            voting.cast_ballot(
                actor,
                community_id=community_id,
                public_id=poll,
                choice=[
                    f"P06.{number}={step if number == QUALITY else 4}" for number in range(1, 10)
                ],
                token=token,
            )
        db.session.remove()


def agree_as_neighbours(city: City, poll: str, number: int) -> None:
    """So many more households say yes."""
    with city.app.app_context():
        community_id = community_by_code("HXL").id
        homes = db.session.scalars(
            select(Household.id)
            .where(Household.community_id == community_id, Household.unit_type == "residence")
            .order_by(Household.id.desc())
            .limit(number)
        ).all()
        key = current_app.config["SETTINGS"].secret_key
        for home in homes:
            voting.cast_ballot(
                _resident(community_id, home),
                community_id=community_id,
                public_id=poll,
                choice=["yes"],
                token=tokens.issue(key, tokens.Binding(0, community_id, poll, home)),
            )
        db.session.remove()


def test_the_committee_drafts_a_poll_sees_it_and_opens_it(
    city: City,
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    picture: Callable[[Page, str], None],
) -> None:
    page = open_page(DESK)
    staff(page, city, "weiyuan")
    page.goto("/c/HXL/desk/votes/new")
    page.get_by_role("main").get_by_role("link").filter(
        has_text=re.compile("几|多|选")
    ).last.click()
    expect(page).to_have_url(re.compile("/desk/votes/new/"))
    accessible(page)
    picture(page, "desk-draft")
    page.get_by_role("textbox").first.fill("明年先办哪一件？")
    boxes = page.get_by_role("checkbox")
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.get_by_role("main").get_by_role("button").last.click()
    answered(page)
    expect(page).to_have_url(re.compile("/desk/votes/[0-9a-z]+/preview$"))
    accessible(page)
    picture(page, "desk-preview")
    page.get_by_role("link", name="没问题，去开放").click()
    accessible(page)
    picture(page, "desk-open")
    page.get_by_role("main").get_by_role("button").first.click()
    answered(page)
    expect(page).to_have_url(re.compile("/desk/votes/[0-9a-z]+$"))
    accessible(page)
    picture(page, "desk-opened")
    resident = open_page(PHONE)
    resident.goto("/c/HXL/votes/")
    expect(resident.get_by_text("明年先办哪一件？")).to_be_visible()


def test_a_project_from_a_need_to_its_second_rating(
    city: City,
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    picture: Callable[[Page, str], None],
) -> None:
    scripted, plain = open_page(PHONE), open_page(PHONE, javascript=False)
    clerk, second, designer = open_page(DESK), open_page(DESK), open_page(DESK)
    enter(scripted, city)
    enter(plain, city)
    with clock.set_to(clock.now()):
        topic = _talk_over(city, scripted, plain, clerk, second)
        _design(city, scripted, clerk, designer)
        _redesign(city, plain, scripted, clerk, designer)
        _decide(city, scripted, plain, second, clerk, topic)
        _build(city, clerk, topic)
        _ask_for_ratings(city, clerk)
        scripted.goto("/c/HXL/projects/P06/rating")
        poll = _rate(scripted, step="不满意")
        _end_rating(city, poll, neighbours=1)
        _repair(city, clerk)
        _ask_for_ratings(city, clerk)
        _follow_the_line(scripted, "返修完了，请您再评一次")
        assert _rate(scripted, step="非常满意") != poll
        plain.goto("/c/HXL/projects/P06/rating")
        _end_rating(city, _rate(plain, step="非常满意"), neighbours=4)
        _put_away(city, clerk, topic)
        plain.goto("/c/HXL/projects/P06")
        whole = plain.get_by_role("main")
        for words in ("坡道太陡", "两种坡道", "先修坡道，您同意吗", "坡道施工队", "第 2 次"):
            expect(whole).to_contain_text(words)
        scripted.goto("/c/HXL/projects/P06")
        accessible(scripted)
        picture(scripted, "whole-life")


def _talk_over(city: City, resident: Page, plain: Page, clerk: Page, second: Page) -> str:
    """Give the topic's page at the desk, once its opinion is published."""
    resident.goto("/c/HXL/propose")
    resident.get_by_label("想商量什么事").fill("单元门口坡道太陡")
    resident.get_by_label("说说情况").fill("轮椅上不去。")
    main_button(resident, "提交议题")
    address = resident.url
    desk = f"/c/HXL/desk/topics/{address.rpartition('/')[2]}"
    staff(clerk, city, "gongzuo")
    clerk.goto(desk)
    main_button(clerk, "开始审核")
    clerk.get_by_label("为什么立项（公开）").fill("多位居民反映，可以商量")
    main_button(clerk, "立项")
    plain.goto(address)
    plain.get_by_role("link", name="写意见").click()
    plain.get_by_label("您的意见").fill("扶手也要装")
    main_button(plain, "提交意见")
    clerk.goto("/c/HXL/desk/posts")
    clerk.get_by_role("link", name="扶手也要装").click()
    main_button(clerk, "公布")
    clerk.goto(f"{desk}/agenda")
    starts = clock.local(clock.now() + timedelta(days=8)).replace(hour=19, minute=0)
    clerk.get_by_label("开会时间").fill(f"{starts:%Y-%m-%dT%H:%M}")
    clerk.get_by_label("要商量的问题").fill("坡道怎么改，轮椅上得去？")
    clerk.get_by_label("主持人").fill("主持人")
    clerk.get_by_label("记录人").fill("记录人")
    main_button(clerk, "发布公告")
    for page in (resident, plain):
        page.goto(address)
        page.get_by_role("link", name="看议程、报名").click()
        main_button(page, "报名参加")
        expect(page.get_by_role("main")).to_contain_text("您已报名")

    clock.advance(starts - clock.now())
    staff(clerk, city, "gongzuo")
    clerk.goto(desk)
    main_button(clerk, "开始开会")
    clerk.get_by_role("link", name="去签到和写纪要").click()
    meeting = clerk.url
    for _each in (resident, plain):
        clerk.get_by_role("main").get_by_role("button", name="签到").first.click()
        answered(clerk)
    expect(clerk.get_by_text("已签到", exact=True)).to_have_count(2)
    clerk.get_by_label("会议纪要").fill("坡道改缓，两边装扶手。")
    main_button(clerk, "保存纪要")
    main_button(clerk, "结束会议")
    staff(second, city, "weiyuan")
    second.goto(meeting)
    main_button(second, "确认纪要")
    clerk.goto("/c/HXL/desk/posts")
    clerk.get_by_role("link", name="扶手也要装").click()
    clerk.get_by_role("radio", name="采纳", exact=True).check()
    clerk.get_by_label("理由", exact=True).first.fill("两边都装")
    main_button(clerk, "公布处理结果")
    clerk.goto(desk)
    clerk.get_by_label("协商意见").fill("坡道改缓，两边装扶手。")
    main_button(clerk, "保存协商意见")
    main_button(clerk, "公示")
    clerk.get_by_text("关联到台账里的项目").click()
    clerk.get_by_role("radio", name=re.compile("坡道与扶手")).check()
    main_button(clerk, "关联")
    expect(clerk.get_by_role("main")).to_contain_text("等公示期满")
    return desk


def _design(city: City, resident: Page, clerk: Page, designer: Page) -> None:
    staff(designer, city, "sheji")
    designer.goto("/c/HXL/designer/new")
    designer.get_by_label("方案名称").fill("两种坡道")
    designer.get_by_role("radio", name=re.compile("坡道与扶手")).check()
    for number, title in enumerate(("直坡", "折坡")):
        plan: dict[str, Any] = {
            "名称": title,
            "怎么做，用大白话": "坡度一比十二。",
            "造价（元）": "176000",
            "每年维护（元）": "3000",
            "适合谁": "轮椅和婴儿车",
            "放弃什么": "门口少两个车位",
        }
        for label, words in plan.items():
            designer.get_by_role("group", name=f"方案 {'AB'[number]}").get_by_label(label).fill(
                words
            )
    main_button(designer, "提交方案")
    clerk.goto(designer.url)
    main_button(clerk, "公布方案")
    resident.goto(designer.url)
    expect(resident.get_by_role("main")).to_contain_text("方案 B：折坡")


def _redesign(city: City, plain: Page, scripted: Page, clerk: Page, designer: Page) -> None:
    """Somebody comments on a drawing, the designer answers, and a revision says because of whom."""
    address, said = designer.url, "折坡的转弯处轮椅转不过来"
    plain.goto(address)
    plain.get_by_role("link", name="写意见").click()
    plain.get_by_label("您的意见").fill(said)
    main_button(plain, "提交意见")
    clerk.goto("/c/HXL/desk/posts")
    clerk.get_by_role("link", name=said).click()
    main_button(clerk, "公布")
    designer.goto("/c/HXL/designer")
    asked = designer.get_by_role("main").locator(".card.now").filter(has_text="两种坡道")
    expect(asked).to_contain_text("1 条意见等您回应")
    asked.get_by_role("link", name="去回应").click()
    designer.get_by_role("link", name="回应这一条").click()
    designer.get_by_role("textbox").fill("转弯处放宽到一米五。")
    main_button(designer, "公布回应")
    designer.goto(address)
    designer.get_by_role("link", name="出新的一版").click()
    designer.get_by_label("这一版改了什么").fill("转弯处加宽")
    designer.get_by_role("radio", name=said).check()
    main_button(designer, "提交方案")
    expect(designer).to_have_url(re.compile(re.escape(address) + "$"))
    for page in (plain, scripted):
        page.goto(address)
        shown = page.get_by_role("main")
        for words in ("第 2 版", "转弯处加宽", f"根据一条意见改的：{said}"):
            expect(shown).to_contain_text(words)
        opinion = page.locator("#opinions li").filter(has_text=said)
        expect(opinion).to_contain_text("设计师回应")
        expect(opinion).to_contain_text("转弯处放宽到一米五。")
    run_worker(city)
    plain.goto("/c/HXL/inbox")
    for told in ("设计师回应了您的意见", "您提过意见的方案有了新版"):
        expect(plain.get_by_role("main")).to_contain_text(told)


def _decide(city: City, resident: Page, plain: Page, second: Page, clerk: Page, topic: str) -> None:
    clock.advance(timedelta(days=16))
    staff(clerk, city, "gongzuo")
    clerk.goto(topic)
    clerk.get_by_role("main").get_by_text("提交表决").first.click()
    main_button(clerk, "提交表决")
    staff(second, city, "weiyuan")
    second.goto("/c/HXL/desk/votes/new/yes_no")
    second.get_by_role("textbox").first.fill("先修坡道，您同意吗？")
    second.get_by_role("radio", name=re.compile("坡道与扶手")).check()
    second.get_by_role("main").get_by_role("button").last.click()
    answered(second)
    second.get_by_role("link", name="没问题，去开放").click()
    second.get_by_role("main").get_by_role("button").first.click()
    answered(second)
    expect(second).to_have_url(re.compile("/desk/votes/[0-9a-z]+$"))
    poll = second.url.rpartition("/")[2]
    for page in (resident, plain):
        page.goto(f"/c/HXL/votes/{poll}/ballot")
        page.get_by_role("radio", name="同意", exact=True).check()
        main_button(page, "提交选票")
        expect(page).to_have_url(re.compile("/receipt"))
    agree_as_neighbours(city, poll, 500)
    clock.advance(timedelta(days=61))
    run_worker(city)
    staff(clerk, city, "gongzuo")
    clerk.goto(f"/c/HXL/desk/votes/{poll}/publish")
    clerk.get_by_role("main").get_by_role("button").first.click()
    answered(clerk)
    clerk.goto(topic)
    clerk.get_by_role("radio", name="先修坡道，您同意吗？").check()
    main_button(clerk, "用这项投票的结果")
    expect(clerk.get_by_role("main")).to_contain_text("已确定")


def _build(city: City, clerk: Page, topic: str) -> None:
    staff(clerk, city, "gongzuo")
    clerk.goto(topic)
    clerk.get_by_label("谁来办").fill("坡道施工队")
    clerk.get_by_label("哪天办完").fill(date_in(30))
    main_button(clerk, "开始落实")
    clerk.get_by_label("做到了哪一步（公开）").fill("十六个单元都做好了。")
    main_button(clerk, "公开落实情况")
    clerk.goto("/c/HXL/desk/projects/P06/works")
    main_button(clerk, "进入共建")
    clerk.get_by_label("责任单位").fill("居委会")
    clerk.get_by_label("施工单位").fill("坡道施工队")
    main_button(clerk, "保存")
    clerk.get_by_label("进展", exact=True).fill("十六个单元都做好了。")
    main_button(clerk, "公布进展")
    main_button(clerk, "进入共管")


def _put_away(city: City, clerk: Page, topic: str) -> None:
    staff(clerk, city, "gongzuo")
    clerk.goto(topic)
    main_button(clerk, "完成评议")
    main_button(clerk, "归档")
    expect(clerk.get_by_role("main")).to_contain_text("已归档")


def _ask_for_ratings(city: City, clerk: Page) -> None:
    staff(clerk, city, "gongzuo")
    clerk.goto("/c/HXL/desk/ratings/P06")
    main_button(clerk, "开放评价")
    run_worker(city)


def _follow_the_line(resident: Page, words: str) -> None:
    """Go where the newest line of the inbox with these words leads."""
    resident.goto("/c/HXL/inbox")
    line = resident.get_by_role("main").get_by_role("listitem").filter(has_text=words).first
    line.get_by_role("link").click()


def _rate(resident: Page, *, step: str) -> str:
    """Rate from the page one is on; gives the poll."""
    resident.get_by_role("link", name="去评价").click()
    poll = resident.url.split("/votes/")[1].partition("/")[0]
    for number in range(1, 10):
        group = resident.locator(f"[name='score-P06.{number}']").locator("xpath=..")
        group.get_by_text(step if number == QUALITY else "非常满意", exact=True).click()
    main_button(resident, "提交选票")
    expect(resident).to_have_url(re.compile("/receipt"))
    return poll


def _end_rating(city: City, poll: str, *, neighbours: int) -> None:
    """Eight neighbours rate, too, and the days go by."""
    rate_as_neighbours(city, poll, neighbours)
    clock.advance(timedelta(days=15))
    run_worker(city)


def _repair(city: City, clerk: Page) -> None:
    staff(clerk, city, "gongzuo")
    clerk.goto("/c/HXL/desk/ratings/P06")
    clerk.get_by_text(re.compile("^施工质量：")).click()
    clerk.get_by_label("修什么").first.fill("扶手松动，重新固定")
    clerk.get_by_label("谁来修").first.fill("坡道施工队")
    clerk.get_by_label("哪天修好").first.fill(date_in(5))
    main_button(clerk, "开返修任务")
    clerk.get_by_label("修得怎样").fill("都固定好了")
    main_button(clerk, "修好了")

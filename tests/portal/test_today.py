"""The committee's home names what is due and late, each line with the page where it is done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest

from app.consultations import operations as topics
from app.consultations.rules import State
from app.core import clock
from app.core.actor import SYSTEM, Role
from app.designs import operations as designs
from app.designs.rules import Plan
from app.discussion import operations as opinions
from app.meetings import operations as meetings
from app.people import member_queries, memberships
from app.projects import operations as projects
from app.ratings import operations as ratings
from app.voting import operations as voting
from tests.consultations.test_deciding import Handled
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.actor import Actor
    from tests.support.world import Place, World

DESK = "/c/HXL/desk"


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community("HXL", 6)


@dataclass(frozen=True)
class Line:
    """A line of the list as somebody reads it."""

    title: str
    text: str
    url: str
    late: bool


@dataclass
class Desk:
    """The committee's home, read anew each time: sessions end while a test's clock goes on."""

    world: World
    place: Place

    def page(self, role: Role = Role.CLERK) -> str:
        self.client = CheckedClient(self.world.app)
        self.client.staff(self.world.staff(self.place, role))
        return self.client.get(f"/c/{self.place.code}/desk/").text

    def lines(self, role: Role = Role.CLERK) -> list[Line]:
        found = re.findall(
            r'<li><div class="grow"><b>(.*?)</b>(.*?)<br><span class="soft">(.*?)</span></div>'
            r'<a class="btn[^"]*" href="([^"]*)">',
            self.page(role),
            re.DOTALL,
        )
        return [
            Line(unescape(title), unescape(text), url, "已逾期" in badge)
            for title, badge, text, url in found
        ]

    def line(self, title: str) -> Line:
        """The one line with this title, whose page is there."""
        (found,) = [line for line in self.lines() if line.title == title]
        assert self.client.get(found.url.partition("#")[0]).status_code == 200
        return found

    def titles(self, role: Role = Role.CLERK) -> list[str]:
        return [line.title for line in self.lines(role)]


@pytest.fixture
def desk(web_world: World, place: Place) -> Desk:
    return Desk(web_world, place)


# --- topics ------------------------------------------------------------------------------------


def test_an_accepted_topic_asks_for_its_notice_on_the_page_where_it_is_written(
    desk: Desk, web_world: World, place: Place
) -> None:
    topic = web_world.topic(place)
    line = desk.line("发协商公告：楼下没有长椅")
    assert line == Line(
        line.title, "5月20日（周三）立项，还没有公告开会。", f"{DESK}/topics/{topic}/agenda", False
    )


def test_an_opinion_is_asked_for_once_the_minutes_stand_and_then_its_publication(
    desk: Desk, web_world: World, place: Place
) -> None:
    handled = Handled(web_world, place)
    meeting = web_world.meeting(place, handled.topic)
    assert not [title for title in desk.titles() if "楼下没有长椅" in title]
    handled.sit(meeting)
    page = f"{DESK}/topics/{handled.topic}"
    line = desk.line("写协商意见：楼下没有长椅")
    assert (line.text, line.url) == (
        "纪要5月30日（周六）由第二人确认，协商意见还没有写。",
        page,
    )
    clock.advance(timedelta(days=1))
    topics.draft_opinion(handled.clerk, opinion="放树下", dissent="", **handled.mine)
    line = desk.line("公示协商意见：楼下没有长椅")
    assert (line.text, line.url) == ("协商意见5月31日（周日）写好，还没有公示。", page)
    topics.publish_opinion(handled.clerk, **handled.mine)
    assert not desk.lines(), "while it is published nothing is due"
    clock.advance(timedelta(days=16))
    assert desk.line("公示期满：楼下没有长椅").text.startswith("公示到 6月15日（周一）24:00")


def test_a_meeting_with_too_few_people_asks_for_an_adjournment_and_then_for_a_new_notice(
    desk: Desk, web_world: World, place: Place
) -> None:
    handled = Handled(web_world, place)
    meeting = web_world.meeting(place, handled.topic, quorum=20)
    clock.advance(timedelta(days=10))
    topics.open_session(handled.clerk, **handled.mine)
    meetings.close_meeting(
        handled.clerk, community_id=place.id, meeting_id=meeting, without_quorum=True
    )
    assert "到场人数不够" in desk.line("宣布休会：楼下没有长椅").text
    handled.move(State.ADJOURNED)
    line = desk.line("重新公告开会：楼下没有长椅")
    assert line.text == "5月30日（周六）休会，新的时间还没有公告。"
    assert line.url == f"{DESK}/topics/{handled.topic}/agenda"


def test_a_meeting_put_off_asks_for_a_new_notice(
    desk: Desk, web_world: World, place: Place
) -> None:
    handled = Handled(web_world, place)
    web_world.meeting(place, handled.topic)
    topics.postpone_topic(handled.clerk, note="下雨", **handled.mine)
    line = desk.line("重新公告开会：楼下没有长椅")
    assert line.text == "5月20日（周三）延期，新的时间还没有公告。"
    assert line.url == f"{DESK}/topics/{handled.topic}/agenda"


def test_an_objection_is_answered_within_three_days_or_it_is_late(
    desk: Desk, web_world: World, place: Place
) -> None:
    handled = Handled(web_world, place).published()
    handled.move(State.OBJECTION_REVIEW, "树下蚊子多")
    clock.advance(timedelta(days=3))
    line = desk.line("答复异议：楼下没有长椅")
    assert line.text == "异议5月30日（周六）登记，6月2日（周二）10:03以前答复。"
    assert (line.late, line.url) == (False, f"{DESK}/topics/{handled.topic}")
    clock.advance(timedelta(seconds=1))
    assert desk.line("答复异议：楼下没有长椅").late
    assert "已逾期，1 件" in desk.page()


def test_a_topic_at_the_vote_asks_for_its_result(
    desk: Desk, web_world: World, place: Place
) -> None:
    handled = Handled(web_world, place).to_vote()
    line = desk.line("记入表决结果：楼下没有长椅")
    assert line.text == "6月15日（周一）提交表决，结果还没有记入。"
    assert line.url == f"{DESK}/topics/{handled.topic}"


def test_work_is_named_a_week_before_its_day_and_is_late_after_it(
    desk: Desk, web_world: World, place: Place
) -> None:
    handled = Handled(web_world, place).published()
    clock.advance(timedelta(days=16))
    handled.move(State.DECIDED)
    assert desk.line("交给谁去办：楼下没有长椅").url == f"{DESK}/topics/{handled.topic}"
    due = clock.now() + timedelta(days=10)
    topics.start_work(handled.clerk, owner="物业公司", due=due, **handled.mine)
    assert not desk.lines()
    clock.advance(timedelta(days=3))
    line = desk.line("落实快到期：楼下没有长椅")
    said = "物业公司办，应在 6月25日（周四）10:03 以前办完。"
    assert (line.text, line.late) == (said, False)
    assert "七天内到期，1 件" in desk.page()
    clock.advance(timedelta(days=8))
    line = desk.line("落实到期了：楼下没有长椅")
    assert (line.text, line.late) == (said, True)
    assert line.url == f"{DESK}/topics/{handled.topic}"


# --- who is in ---------------------------------------------------------------------------------


def test_a_doubted_phone_is_looked_into_within_a_week_or_it_is_late(
    desk: Desk, web_world: World, place: Place
) -> None:
    first, second, third = (web_world.resident(place) for _ in range(3))
    lines = member_queries.members(place.id, place.households[0])
    for by, number in ((first, 1), (second, 2)):
        memberships.contest_member(by, community_id=place.id, member_id=lines[number].member_id)
        clock.advance(timedelta(hours=1))
    line = desk.line("核实谁进来过：一区 1-1-1")
    assert line.text == (
        "5月20日（周三）10:03起有家人说手机不认识或者不用了，共 2 部。"
        "请在 5月27日（周三）10:03 以前当面核实。"
    )
    assert line.url == f"{DESK}/households/{place.households[0]}#members"
    assert not line.late
    assert not desk.lines(Role.COMMITTEE), "only whoever may look into it is asked to"
    clock.advance(timedelta(days=7))
    assert desk.line(line.title).late
    for number in (1, 2):
        memberships.end_member(
            web_world.clerk(place),
            community_id=place.id,
            household_id=place.households[0],
            member_id=lines[number].member_id,
        )
    assert not desk.lines()
    assert third.person_id


# --- meetings ----------------------------------------------------------------------------------


def test_a_meeting_that_nobody_opened_is_late_once_it_should_be_over(
    desk: Desk, web_world: World, place: Place
) -> None:
    topic = web_world.topic(place)
    web_world.meeting(place, topic)
    clock.advance(timedelta(days=10))
    assert desk.line("今天开会：长椅放哪里").text == "5月30日（周六）10:03，综合服务站"
    clock.advance(timedelta(hours=1))
    assert desk.titles() == ["今天开会：长椅放哪里"]
    clock.advance(timedelta(seconds=1))
    line = desk.line("过了时间没有开会：长椅放哪里")
    said = "定在 5月30日（周六）10:03。要开就点“开始开会”，不开就公布延期。"
    assert (line.text, line.late, line.url) == (said, True, f"{DESK}/topics/{topic}")
    assert "今天开会" not in desk.page()


def test_a_meeting_that_nobody_closed_is_late_the_day_after(
    desk: Desk, web_world: World, place: Place
) -> None:
    handled = Handled(web_world, place)
    meeting = web_world.meeting(place, handled.topic)
    clock.advance(timedelta(days=10))
    topics.open_session(handled.clerk, **handled.mine)
    clock.advance(timedelta(hours=5))
    assert desk.titles() == ["今天开会：长椅放哪里"], "meetings run over their time"
    clock.advance(timedelta(days=1))
    line = desk.line("还没有散会：长椅放哪里")
    assert (line.late, line.url) == (True, f"{DESK}/meetings/{meeting}")


def test_minutes_are_written_and_then_confirmed_by_somebody_else(
    desk: Desk, web_world: World, place: Place
) -> None:
    handled = Handled(web_world, place)
    meeting = web_world.meeting(place, handled.topic)
    sitting = {"community_id": place.id, "meeting_id": meeting}
    clock.advance(timedelta(days=10))
    topics.open_session(handled.clerk, **handled.mine)
    meetings.close_meeting(handled.clerk, **sitting)  # type: ignore[arg-type]
    line = desk.line("写纪要：长椅放哪里")
    assert line.text == "5月30日（周六）10:03散会，还没有纪要。"
    assert line.url == f"{DESK}/meetings/{meeting}#minutes"
    writer = web_world.staff(place)
    meetings.write_minutes(writer.actor, text="大家同意。", **sitting)  # type: ignore[arg-type]
    line = desk.line("纪要等第二人确认：长椅放哪里")
    assert line.url == f"{DESK}/meetings/{meeting}"
    assert desk.titles(Role.SUPERVISOR) == [line.title], "the supervision may confirm, too"
    own = CheckedClient(web_world.app)
    own.staff(writer)
    assert "纪要等第二人确认" not in own.get(f"{DESK}/").text
    meetings.confirm_minutes(handled.second, **sitting)  # type: ignore[arg-type]
    assert "纪要" not in " ".join(desk.titles())


# --- buildings and ratings ----------------------------------------------------------------------


def test_a_step_of_a_building_is_late_from_the_day_after_the_planned_one(
    desk: Desk, web_world: World, place: Place
) -> None:
    web_world.project(place, "P05", "小花园")
    projects.plan_milestone(
        SYSTEM,
        community_id=place.id,
        code="P05",
        title="铺地",
        planned_on=clock.at_local(2026, 5, 21),
    )
    with clock.set_to(clock.at_local(2026, 5, 21, 23, 59)):
        assert not desk.lines()
    with clock.set_to(clock.at_local(2026, 5, 22, 0, 1)):
        line = desk.line("节点没有完成：铺地")
        assert line.text == "小花园，计划 5月21日（周四）完成。"
        assert (line.late, line.url) == (True, f"{DESK}/projects/P05/works")
        projects.finish_milestone(
            SYSTEM, community_id=place.id, code="P05", number=1, done_on=clock.now()
        )
        assert not desk.lines()


def low_rated(
    world: World, place: Place, code: str = "P05", voters: list[Actor] | None = None
) -> str:
    """A finished project of which one question was rated low; its result is published."""
    world.project(place, code, "小花园")
    poll = world.rating(place, code, days=7)
    for voter in voters or world.voters(place, 5):
        marks = {number: 1 if number == 2 else 4 for number in range(1, 10)}
        world.cast(voter, place, poll, *(f"{code}.{n}={mark}" for n, mark in marks.items()))
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    voting.publish_result(SYSTEM, community_id=place.id, public_id=poll)
    return poll


def open_repair(place: Place, poll: str, code: str = "P05", what: str = "换地砖") -> str:
    due = clock.now() + timedelta(days=10)
    new = ratings.NewRepair(f"{code}.2", what, "建工队", due)
    return ratings.open_repair(SYSTEM, community_id=place.id, poll=poll, repair=new)


def test_a_low_score_leads_to_a_repair_and_the_repair_to_another_rating(
    desk: Desk, web_world: World, place: Place
) -> None:
    poll = low_rated(web_world, place)
    page = f"{DESK}/ratings/P05"
    assert desk.line("分数偏低：小花园").url == page
    repair = open_repair(place, poll)
    assert not desk.lines(), "ten days are far"
    clock.advance(timedelta(days=3))
    line = desk.line("返修快到期：换地砖")
    said = "小花园，建工队修，应在 6月7日（周日）10:03 以前办完。"
    assert (line.text, line.late, line.url) == (said, False, page)
    clock.advance(timedelta(days=8))
    line = desk.line("返修逾期：换地砖")
    assert (line.text, line.late, line.url) == (said, True, page)
    ratings.finish_repair(SYSTEM, community_id=place.id, repair_id=repair, note="换好了")
    line = desk.line("返修都办完了，请大家再评一次：小花园")
    assert (line.text, line.url) == ("最后一项 6月8日（周一）办完。", page)
    ratings.start_rating(SYSTEM, community_id=place.id, project_code="P05", days=7)
    assert "再评一次" not in desk.page()


def test_nobody_is_asked_again_while_a_repair_is_left_or_where_none_was_needed(
    desk: Desk, web_world: World, place: Place
) -> None:
    poll = low_rated(web_world, place)
    first, _left = open_repair(place, poll), open_repair(place, poll, what="刷漆")
    ratings.finish_repair(SYSTEM, community_id=place.id, repair_id=first, note="换好了")
    assert "再评一次" not in desk.page()
    web_world.project(place, "P06", "坡道")
    well = web_world.rating(place, "P06", days=7)
    for voter in web_world.voters(place, 5):
        web_world.cast(voter, place, well, *(f"P06.{n}=4" for n in range(1, 10)))
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=well)
    assert "再评一次" not in desk.page()


# --- the list as a whole ------------------------------------------------------------------------


def test_what_is_late_stands_first_and_many_lines_of_a_kind_fold(
    desk: Desk, web_world: World, place: Place
) -> None:
    for number in range(12):
        web_world.topic(place, title=f"第 {number} 件")
        clock.advance(timedelta(minutes=1))
    web_world.project(place, "P05", "小花园")
    web_world.milestone(place, "P05", "铺地")
    clock.advance(timedelta(days=9))
    page = desk.page()
    assert (
        page.index("已逾期，1 件") < page.index("节点没有完成：铺地") < page.index("等您办，12 件")
    )
    shown = page.partition("<details")[0]
    oldest = [f"发协商公告：第 {number} 件" for number in range(3)]
    assert re.findall(r"<b>(发协商公告：.*?)</b>", shown) == oldest
    assert "<summary>还有 9 件：要往下走的议题</summary>" in page
    assert len(desk.lines()) == 13, "nothing is lost in a fold"


def test_whoever_may_only_look_is_offered_nothing(
    desk: Desk, web_world: World, place: Place
) -> None:
    web_world.topic(place)
    open_repair(place, low_rated(web_world, place))
    web_world.milestone(place, "P05")
    web_world.meeting(place)
    clock.advance(timedelta(days=20))
    assert len(desk.lines(Role.COMMITTEE)) == 4
    assert desk.lines(Role.SUPERVISOR) == []


def test_the_neighbours_things_are_never_shown(desk: Desk, web_world: World, place: Place) -> None:
    other = web_world.community("YYL", 6)
    web_world.topic(other, title="邻居的议题")
    web_world.meeting(other, title="邻居的会")
    open_repair(other, low_rated(web_world, other))
    web_world.milestone(other, "P05", "邻居的节点")
    clock.advance(timedelta(days=20))
    assert desk.lines() == []
    assert len(Desk(web_world, other).lines()) == 4


def test_the_list_asks_the_same_however_much_is_due(
    desk: Desk, web_world: World, place: Place, statements: list[str]
) -> None:
    designer = web_world.staff(place, Role.DESIGNER).actor
    voters = web_world.voters(place, 5)

    def more(code: str) -> None:
        web_world.topic(place, State.PROPOSED)
        web_world.topic(place)
        web_world.meeting(place, starts_at=clock.now() + timedelta(days=8))
        web_world.post(place, f"topic:{web_world.topic(place)}", voters[0])
        open_repair(place, low_rated(web_world, place, code, voters), code)
        web_world.milestone(place, code)
        low_rated(web_world, place, f"{code}L", voters)
        plan = designs.Drawn(Plan("直坡", "大白话。", 100_000, 1_000, "老人", "一棵树"))
        new = designs.NewProposal(code, "两种坡道", (plan, plan))
        designs.post_proposal(designer, community_id=place.id, new=new)
        again = low_rated(web_world, place, f"{code}A", voters)
        repair = open_repair(place, again, f"{code}A")
        ratings.finish_repair(SYSTEM, community_id=place.id, repair_id=repair, note="换好了")

    def cost() -> int:
        clock.advance(timedelta(days=20))
        desk.page()
        statements.clear()
        desk.client.get(f"{DESK}/")
        return len(statements)

    more("P1")
    before, lines = cost(), len(desk.lines())
    for code in ("P2", "P3"):
        more(code)
    assert cost() == before
    assert len(desk.lines()) > 2 * lines - 4


# --- a resident's home ---------------------------------------------------------------------------


def test_a_returned_opinion_waits_for_its_author_alone(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    author = web_world.resident(place)
    about = f"topic:{web_world.topic(place)}"
    post = web_world.post(place, about, author, "王某某不像话")
    opinions.return_post(
        web_world.clerk(place),
        community_id=place.id,
        post_id=post,
        reason="insult",
        note="请就事论事",
    )
    clock.advance(timedelta(hours=1))
    client.enter(web_world, place, 0)
    home = "/c/HXL/"
    assert "退回来了" not in client.get(home).text, (
        "another member of the household did not write it"
    )


def test_a_resident_is_shown_what_came_back_and_where_to_go_today(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    client.enter(web_world, place, 1)
    home, topic = "/c/HXL/", web_world.topic(place)
    assert "没有要办的事" in client.get(home).text
    posts = []
    for number in (1, 2):
        sent = {"text": f"第 {number} 条意见", "once": f"o{number}"}
        answer = client.post(f"/c/HXL/say?about=topic:{topic}", sent)
        posts.append(answer.headers["Location"].rpartition("/")[2])
        opinions.return_post(
            web_world.clerk(place),
            community_id=place.id,
            post_id=posts[-1],
            reason="unclear",
            note="请写清楚",
        )
        page = client.get(home).text
        assert f"{number} 条意见退回来了，请改一改再交" in page
        assert f"5月20日（周三）10:03退回：“第 {number} 条意见”" in page
        assert "没有要办的事" not in page
        own = f"/c/HXL/opinions/{posts[0]}" if number == 1 else "/c/HXL/opinions/"
        assert f'href="{own}"' in page
    for post in posts:
        client.post(f"/c/HXL/opinions/{post}/rewrite", {"text": "写清楚了"})
    assert "退回来了" not in client.get(home).text


def test_whoever_has_a_place_today_is_told_when_and_where(web_world: World, place: Place) -> None:
    meeting = web_world.meeting(place, capacity=2, held=1, topic_id=web_world.topic(place))
    people = [CheckedClient(web_world.app) for _ in range(2)]

    def homes() -> list[bool]:
        found = []
        for number, person in enumerate(people):
            person.enter(web_world, place, number)
            page = person.get("/c/HXL/").text
            found.append("今天开会，您有座位：5月30日（周六）10:03，综合服务站" in page)
            assert (f'class="btn" href="/c/HXL/meetings/{meeting}"' in page) == found[-1]
        return found

    assert homes() == [False, False]
    for person in people:
        assert person.post(f"/c/HXL/meetings/{meeting}/join").status_code == 303
    assert homes() == [False, False], "it is not today"
    clock.advance(timedelta(days=9, hours=13))
    assert homes() == [False, False], "an hour before midnight it is still tomorrow"
    clock.advance(timedelta(hours=1))
    assert sorted(homes()) == [False, True], "who waits for a place has none"
    clock.advance(timedelta(hours=11, minutes=1))
    assert homes() == [False, False], "it is over"

"""Who is in a household, as a family and the desk read it and act on it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import quote

import pyotp
import pytest

from app.communities.models import Household
from app.communities.queries import address_of
from app.core import clock
from app.core.db import db, transaction
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime

    from werkzeug.test import TestResponse

    from tests.support.world import Place, World

MINE = "/c/HXL/mine"


class Phone:
    """A browser that came in by the first household's letter."""

    def __init__(self, home: Home, fact: str = "") -> None:
        self.client = CheckedClient(home.world.app)
        answer = self.client.post(
            "/e", {"code": home.code, "second_fact": fact or home.world.fact(), "adult": "y"}
        )
        assert answer.status_code == 303
        self.client.signed_in = True

    def is_turned_away(self) -> bool:
        """Whether its session is worth nothing, so that it is led to the door."""
        self.client.signed_in = False
        answer = self.client.get(MINE)
        return (answer.headers.get("Location") or "").startswith("/e?next=")

    def mine(self) -> str:
        return text(self.client.get(MINE))

    def lines(self) -> list[str]:
        """The lines of who is in, without the buttons."""
        page = self.client.get(MINE).text.partition("谁进来过</h2>")[2].partition("</ul>")[0]
        return [plain(line) for line in page.split("<li>")[1:]]

    def doubt(self) -> str:
        """The page that the first button leads to."""
        (found, *_more) = re.findall(r'href="(/c/HXL/mine/members/\d+/contest)"', self.page)
        return str(found)

    @property
    def page(self) -> str:
        return self.client.get(MINE).text


class Home:
    """The first household of a community, and the desk."""

    def __init__(self, world: World, place: Place) -> None:
        self.world, self.place = world, place
        self.code = world.code(place)
        self.page = f"/c/HXL/desk/households/{place.households[0]}"
        self.sign_in()

    def sign_in(self) -> None:
        """The desk begins to work: a session of staff rests for half an hour at most."""
        self.desk = CheckedClient(self.world.app)
        self.clerk = self.world.staff(self.place)
        self.desk.staff(self.clerk)

    def link(self, word: str) -> str:
        """The address behind a button of the household's page at the desk."""
        page = self.desk.get(self.page).text
        (found,) = re.findall(rf'<a class="btn[^"]*" href="([^"]+)">{word}</a>', page)
        return str(found)


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip()


def text(answer: TestResponse) -> str:
    assert answer.status_code == 200, answer.status_code
    return plain(answer.text)


@pytest.fixture
def home(web_world: World, fixed_clock: datetime) -> Home:
    return Home(web_world, web_world.community("HXL", 3))


def test_a_family_sees_a_line_for_each_phone_and_which_one_is_theirs(home: Home) -> None:
    old = Phone(home)
    clock.advance(timedelta(minutes=5))
    number = re.search(r"code-line\">(\d{6})", home.desk.post(home.page + "/present").text)
    assert number
    new = Phone(home, number[1])
    came = "5月20日（周三）10:08，用服务台给的六位数进来"
    assert old.lines() == [
        "5月20日（周三）10:03，用信上的编码进来 这部手机 最近一次来：今天",
        f"{came} 最近一次来：今天 不认识 ：{came}",
    ]
    assert "本户现在有 2 位家人（或手机），最多 8 位" in old.mine()
    assert "这部手机" in new.lines()[1]
    assert "住户HXL1" not in old.mine(), "lines carry no name"


def test_a_doubt_goes_from_the_family_to_the_desk_and_ends_the_strangers_session(
    home: Home,
) -> None:
    mother, stranger = Phone(home), Phone(home)
    clock.advance(timedelta(hours=1))
    home.sign_in()
    page = mother.doubt()
    said = text(mother.client.get(page))
    assert "核实以前什么都不变，对方也不会收到通知" in said
    answer = mother.client.post(page)
    assert answer.headers["Location"] == MINE
    assert "等服务台核实 5月20日（周三）11:03有家人说不认识" in mother.lines()[1]
    assert "不认识一部进来过的手机" in mother.mine()
    assert "核实" not in " ".join(stranger.lines())
    assert "不认识一部进来过的手机" not in stranger.mine()
    assert "不认识一部进来过的手机" not in text(stranger.client.get("/c/HXL/"))
    end = home.link("不是，请出本户")
    shown = text(home.desk.get(end))
    assert "提出的人：5月20日（周三）10:03进来的那一部手机" in shown
    done = home.desk.post(end)
    assert done.headers["Location"] == f"{home.page}#members"
    assert "请给这一户重新印一封" in text(home.desk.get(home.page))
    assert stranger.is_turned_away()
    assert "已请出本户" in mother.mine()
    assert len(mother.lines()) == 1


def test_a_doubt_raised_again_after_the_desk_ended_it_is_answered_as_the_first_time(
    home: Home,
) -> None:
    mother, _stranger = Phone(home), Phone(home)
    page = mother.doubt()
    form = {"csrf_token": mother.client.token(), "opened": "1"}
    assert mother.client.post(page, form).status_code == 303
    end = home.link("不是，请出本户")
    sent = {"csrf_token": home.desk.token(), "opened": "1"}
    assert home.desk.post(end, sent).status_code == 303
    assert home.desk.post(end, sent).status_code == 303, "its answer was lost"
    assert mother.client.post(page, form).status_code == 303
    assert home.desk.post(end).status_code == 404, "another form is not this one"
    assert home.desk.get(end).status_code == 404


def test_one_s_own_line_and_a_neighbours_cannot_be_doubted(home: Home, web_world: World) -> None:
    mother, other = Phone(home), CheckedClient(web_world.app)
    theirs = Phone(home).doubt()
    other.enter(web_world, home.place, 1)
    assert other.get(theirs).status_code == other.post(theirs).status_code == 404
    assert mother.client.get(theirs).status_code == 404, "it is their own"
    answer = mother.client.post(theirs)
    assert answer.status_code == 409
    assert "这是您自己的这部手机" in plain(answer.text)


def test_the_desk_keeps_a_member_with_a_word_that_the_family_reads(home: Home) -> None:
    mother, daughter = Phone(home), Phone(home)
    mother.client.post(mother.doubt())
    keep = home.link("是自家人，留下")
    empty = home.desk.post(keep, {"why": "  "})
    assert empty.status_code == 422
    assert "请写一句，家里人好放心" in plain(empty.text)
    done = home.desk.post(keep, {"why": "是女儿的新手机<b>"})
    assert done.status_code == 303
    assert "留在本户（是女儿的新手机<b>）" in mother.mine()
    assert "留在本户" in daughter.mine()
    assert "不认识" in mother.lines()[1], "the question is closed, the button is back"
    late = home.desk.post(keep, {"why": "再来一次"})
    assert late.status_code in {404, 422}


def test_the_desk_has_no_button_for_a_line_that_nobody_doubts(home: Home) -> None:
    Phone(home)
    page = home.desk.get(home.page).text
    assert "请出本户" not in page
    assert "用信上的编码进来" in page


def test_leaving_the_household_is_not_signing_out(home: Home) -> None:
    father, mother = Phone(home), Phone(home)
    page = father.client.get(f"{MINE}/leave")
    assert "您替这一户投过的票照样算" in text(page)
    assert 'action="/sign-out"' in page.text
    father.client.signed_in = False
    left = father.client.post(f"{MINE}/leave")
    assert left.headers["Location"] == "/c/HXL/"
    assert "您已退出这一户" in text(father.client.get("/c/HXL/"))
    assert father.is_turned_away()
    assert len(mother.lines()) == 1
    assert "有一部手机自己退出了本户" in mother.mine()
    again = Phone(home)
    assert len(again.lines()) == 2


def test_a_family_moves_out_and_the_next_one_begins_afresh(home: Home, web_world: World) -> None:
    old = Phone(home)
    poll = web_world.poll(home.place)
    ballot = f"/c/HXL/votes/{poll}/ballot"
    form = old.client.fields(ballot, ballot)
    assert old.client.post(ballot, form | {"choice": "yes"}).status_code == 303
    clock.advance(timedelta(days=1))
    home.sign_in()
    moved = home.link("这一户搬走了")
    said = text(home.desk.get(moved))
    assert "现在进来的有 1 位" in said
    assert "这一户投过的照样算，一户还是一票；新住户进来以后可以重新投" in said
    shown = home.desk.fields(moved, moved)
    late = Phone(home)
    refused = home.desk.post(moved, shown)
    assert refused.status_code == 409
    assert "刚才又有人进来" in plain(refused.text)
    assert late.client.get(MINE).status_code == 200
    shown = home.desk.fields(moved, moved) | {"opened": "1"}
    assert home.desk.post(moved, shown).status_code == 303
    assert home.desk.post(moved, shown).status_code == 303, "its answer was lost"
    assert old.is_turned_away()
    assert late.is_turned_away()
    page = text(home.desk.get(home.page))
    assert "还没有人进来" in page
    assert "已作废" in page
    clock.advance(timedelta(minutes=20))
    home.code = web_world.code(home.place)
    new = Phone(home)
    assert len(new.lines()) == 1
    told = new.mine()
    assert "搬走" not in told.partition("谁进来过")[0]
    assert "本户已投票" not in told
    page = text(new.client.get(ballot))
    assert "投的人退出了这一户" in page
    assert "您在" not in page.partition("提交选票")[0], "nor what was chosen"
    form = new.client.fields(ballot, ballot)
    assert new.client.post(ballot, form | {"choice": "no"}).status_code == 303
    assert "本户改过选票" in new.mine()
    proof = {"proof_totp": pyotp.TOTP(home.clerk.secret).at(clock.now())}
    assert home.desk.post(moved, shown | proof).status_code == 303
    assert new.client.get(MINE).status_code == 200, "the old form moves nobody who came later"


def test_a_clerk_finds_a_home_by_the_address_as_a_phone_shows_it(
    client: CheckedClient, web_world: World, fixed_clock: datetime
) -> None:
    place = web_world.community(households=12)
    with transaction() as session:
        block = session.get(Household, place.households[4])
        assert block is not None
        block.stairwell = ""
    client.staff(web_world.staff(place))
    for index in (1, 4):
        text = address_of(place.id, place.households[index]).text
        db.session.rollback()
        shown = client.get(f"/c/{place.code}/desk/households?search={quote(text)}").text
        assert f"/desk/households/{place.households[index]}" in shown, text
        assert shown.count('class="title grow"') == 1, text

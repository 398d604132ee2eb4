"""An old lady at the desk: what the clerk's pages offer, show once, and never show again."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from app.assisting.rules import RECEIPT_WITHIN
from app.communities.queries import community_by_code
from app.consultations.models import Topic
from app.conventions import queries as conventions
from app.core import clock
from app.core.actor import SYSTEM
from app.core.db import db
from app.discussion.models import Post
from app.exports import verify_record
from app.exports.operations import export_record
from app.meetings.models import Seat
from app.people.models import SecurityEvent
from app.voting import operations as voting
from tests.conventions.test_journey import in_force
from tests.exports.papers import words_of
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.world import Place, World

STATED = {"checked": "document", "present": "y"}


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community("HXL", 4)


@pytest.fixture
def desk(client: CheckedClient, web_world: World, place: Place) -> CheckedClient:
    client.staff(web_world.staff(place))
    return client


def count(model: Any) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def begin(desk: CheckedClient, place: Place, index: int = 0) -> str:
    address = f"/c/HXL/desk/households/{place.households[index]}/assist"
    answer = desk.post(address, STATED)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def filled(desk: CheckedClient, visit: str, poll: str, choice: str) -> dict[str, str]:
    address = f"{visit}/votes/{poll}"
    return desk.fields(address, address) | {"choice": choice}


def test_a_ballot_is_cast_with_help_and_its_choice_shown_this_once(
    desk: CheckedClient, web_world: World, place: Place
) -> None:
    poll = web_world.poll(place)
    home = f"/c/HXL/desk/households/{place.households[0]}"
    assert f'href="{home}/assist"' in desk.get(home).text
    assert desk.post(f"{home}/assist", {"checked": "known"}).status_code == 422, "no statement"
    visit = begin(desk, place)
    assert "您同意吗" in desk.get(visit).text
    assert 'data-view="elder"' in desk.get(f"{visit}/votes/{poll}").text, "in large type"
    form = filled(desk, visit, poll, "yes")
    wrong = desk.post(f"{visit}/votes/{poll}", {"token": form["token"]})
    assert wrong.status_code == 422
    assert "您还没有选" in wrong.text

    answer = desk.post(f"{visit}/votes/{poll}", form)
    assert answer.status_code == 200
    assert "核对码" in answer.text
    assert "<b>同意</b>" in answer.text
    paper = desk.post(f"{visit}/votes/{poll}/receipt.pdf", {"token": form["token"]})
    printed = words_of(paper.data)
    assert "由工作人员代为操作" in printed
    assert "再来服务台" in printed
    assert "回到选票" not in printed, "they have no phone"
    again = desk.post(f"{visit}/votes/{poll}", form | {"choice": "no"})
    assert "没有重复计票" in again.text
    assert "<b>同意</b>" in again.text, "the first answer, whatever came with it"

    clock.advance(RECEIPT_WITHIN + timedelta(minutes=1))
    assert "<b>同意</b>" not in desk.post(f"{visit}/votes/{poll}", form).text
    late = desk.post(f"{visit}/votes/{poll}/receipt.pdf", {"token": form["token"]})
    assert late.status_code == 409
    for page in (home, visit, f"{visit}/votes/{poll}", "/c/HXL/desk/", f"/c/HXL/desk/votes/{poll}"):
        text = desk.get(page).text
        assert " checked" not in text, page
        assert "您的选择" not in text, page
    assert "现场投了票" not in desk.get(home).text, "who has voted is on no page of the desk"
    family = CheckedClient(desk.app)
    family.enter(web_world, place, 0)
    mine = family.get("/c/HXL/mine").text
    assert "现场投了票，由工作人员代为操作" in mine
    assert "不是您家的人办的" in mine
    assert "服务台现场代办" in mine


def test_the_right_to_change_is_handed_on_at_the_desk(
    desk: CheckedClient, web_world: World, place: Place
) -> None:
    poll = web_world.poll(place)
    web_world.cast(web_world.resident(place, 0), place, poll, "yes")
    visit = begin(desk, place)
    page = desk.get(f"{visit}/votes/{poll}").text
    assert f'href="{visit}/votes/{poll}/hand-on"' in page
    assert 'name="choice"' not in page
    assert desk.post(f"{visit}/votes/{poll}/hand-on", {}).status_code == 422
    assert desk.post(f"{visit}/votes/{poll}/hand-on", {"member": "0"}).status_code == 303
    done = desk.post(f"{visit}/votes/{poll}", filled(desk, visit, poll, "no"))
    assert "<b>反对</b>" in done.text


def test_a_visit_that_is_over_leads_back_and_saves_nothing(
    desk: CheckedClient, web_world: World, place: Place
) -> None:
    poll = web_world.poll(place)
    visit = begin(desk, place)
    form = filled(desk, visit, poll, "yes")
    assert desk.post(f"{visit}/end").status_code == 303
    answer = desk.post(f"{visit}/votes/{poll}", form)
    assert answer.status_code == 303
    assert "没有保存" in desk.get(answer.location).text


def test_the_convention_is_signed_once_and_taken_back_with_help(
    desk: CheckedClient, web_world: World, place: Place
) -> None:
    number = in_force(web_world, place)
    visit = begin(desk, place)
    page = f"{visit}/convention"
    assert "晚上十点以后轻声" in desk.get(page).text
    form = desk.fields(page, page)
    assert desk.post(page, form | {"text_sha256": "0" * 64}).status_code == 422
    for _ in range(2):
        assert desk.post(page, form).status_code == 303
        assert conventions.version(place.id, number).signatures == 1
    family = CheckedClient(desk.app)
    family.enter(web_world, place, 0)
    mine = family.get("/c/HXL/mine").text
    lines = re.findall(r"<li>[^<]*现场签了居民公约[^<]*</li>", mine)
    assert len(lines) == 1, lines
    home = desk.get(f"/c/HXL/desk/households/{place.households[0]}").text
    assert "签了居民公约" not in home
    assert desk.post(f"{page}/withdraw").status_code == 303
    assert "撤回了" in desk.get(visit).text
    assert conventions.version(place.id, number).signatures == 0
    assert "现场撤回了公约的签署" in family.get("/c/HXL/mine").text
    desk.post(f"{page}/withdraw")
    assert "没有签过" in desk.get(visit).text


def test_another_clerk_does_not_act_in_it(
    desk: CheckedClient, web_world: World, place: Place
) -> None:
    visit = begin(desk, place)
    other = CheckedClient(desk.app)
    other.staff(web_world.staff(place))
    assert other.get(visit).status_code == 404


def test_the_verifier_accepts_ballots_cast_with_help(
    desk: CheckedClient, web_world: World, place: Place, tmp_path: Path
) -> None:
    poll = web_world.poll(place)
    web_world.cast(web_world.resident(place, 1), place, poll, "yes")
    for index, choice in ((0, "yes"), (0, "no"), (2, "abstain")):
        visit = begin(desk, place, index)
        desk.post(f"{visit}/votes/{poll}", filled(desk, visit, poll, choice))
    visit = begin(desk, place, 1)
    desk.post(f"{visit}/votes/{poll}/hand-on", {"member": "0"})
    desk.post(f"{visit}/votes/{poll}", filled(desk, visit, poll, "no"))
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    archive = tmp_path / "record.zip"
    with archive.open("wb") as out:
        export_record(SYSTEM, community=community_by_code("HXL"), out=out)
    assert verify_record.main([str(archive)]) == 0


def test_an_opinion_a_topic_and_a_place_are_taken_with_help_and_told(
    desk: CheckedClient, web_world: World, place: Place
) -> None:
    topic = web_world.topic(place, title="楼下没有长椅")
    meeting = web_world.meeting(place, topic, title="长椅放哪里")
    visit = begin(desk, place)
    page = desk.get(visit).text
    say, propose = f"{visit}/topics/{topic}/say", f"{visit}/propose"
    assert f'href="{say}"' in page
    assert f'href="{propose}"' in page
    assert desk.post(say, desk.fields(say, say) | {"text": " "}).status_code == 422
    written = desk.fields(say, say) | {"text": "放在树下，13912345678"}
    proposed = desk.fields(propose, propose) | {"title": "门口的坡道", "background": "轮椅上不去"}
    assert desk.post(propose, proposed | {"title": ""}).status_code == 422
    for _ in range(2):
        assert desk.post(say, written).status_code == 303
        assert desk.post(propose, proposed).status_code == 303
        assert desk.post(f"{visit}/meetings/{meeting}/join").status_code == 303
    assert "报上名了" in desk.get(visit).text
    for model in (Post, Seat):
        assert count(model) == 1
    assert count(Topic) == 2
    (post,) = db.session.scalars(select(Post))
    assert (post.role, "13912345678" in post.text) == ("resident", False)
    proposal = db.session.scalars(select(Topic).where(Topic.title == "门口的坡道")).one()
    assert proposal.proposed_as == "居民"
    family = CheckedClient(desk.app)
    family.enter(web_world, place, 0)
    mine = family.get("/c/HXL/mine").text
    for words in ("现场提了一条意见", "现场提了一个议题", "现场报名参加会议"):
        assert len(re.findall(rf"<li>[^<]*{words}[^<]*</li>", mine)) == 1, words
    home = desk.get(f"/c/HXL/desk/households/{place.households[0]}").text
    assert "提了一条意见" not in home, "opinions are moderated without a name"
    kinds = set(db.session.scalars(select(SecurityEvent.kind)))
    assert {"assist.wrote", "assist.proposed", "assist.joined"} <= kinds


def test_nothing_is_said_about_what_is_not_open_or_after_the_visit(
    desk: CheckedClient, web_world: World, place: Place
) -> None:
    topic = web_world.topic(place)
    visit = begin(desk, place)
    say = f"{visit}/topics/{topic}/say"
    form = desk.fields(say, say) | {"text": "放在树下"}
    assert desk.get(f"{visit}/topics/nothing/say").status_code == 404
    assert desk.post(f"{visit}/meetings/nothing/join").status_code == 404
    there = web_world.community("YYL", 2)
    theirs = web_world.topic(there)
    assert desk.get(f"{visit}/topics/{theirs}/say").status_code == 404
    assert desk.post(f"{visit}/topics/{theirs}/say", form).status_code == 404
    desk.post(f"{visit}/end")
    assert desk.post(say, form).status_code == 303
    assert desk.post(f"{visit}/propose", {"title": "x", "background": "y", "once": "z"}).location
    assert (count(Post), count(Topic)) == (0, 2)


def test_a_household_full_of_old_phones_gets_in_again_at_the_desk(
    desk: CheckedClient, web_world: World, place: Place
) -> None:
    home = f"/c/HXL/desk/households/{place.households[0]}"
    for _ in range(8):
        clock.advance(timedelta(minutes=1))
        CheckedClient(desk.app).enter(web_world, place, 0)
    new = CheckedClient(desk.app)
    assert "手机已经满了" in new.raw.post("/e", data=door(new, web_world, place)).text
    visit = begin(desk, place)
    asked = re.findall(r'action="([^"]*/contest)"', desk.get(visit).text)
    assert len(asked) == 8
    for _tap in range(2):
        assert desk.post(asked[0]).headers["Location"] == f"{home}#members"
    told = desk.get(home).text
    assert "不认识一部进来过的手机" in told
    assert "提出的人：本人到服务台，当面提出的。" in told, "who is present has no phone"
    (out,) = re.findall(r'href="([^"]*/members/[0-9]+/end)"', desk.get(home).text)
    assert desk.post(out).status_code == 303
    assert new.raw.post("/e", data=door(new, web_world, place)).status_code == 303
    other = f"/c/HXL/desk/visits/999/members/{asked[1].split('/')[-2]}/contest"
    assert desk.post(other).status_code == 404


def test_a_phone_that_is_used_no_more_is_not_called_unknown(
    desk: CheckedClient, web_world: World, place: Place
) -> None:
    home = f"/c/HXL/desk/households/{place.households[0]}"
    old, stays = CheckedClient(desk.app), CheckedClient(desk.app)
    for phone in (old, stays):
        phone.enter(web_world, place, 0)
        clock.advance(timedelta(minutes=1))
    visit = begin(desk, place)
    first, second = re.findall(r'action="([^"]*/unused)"', desk.get(visit).text)
    desk.post(first)
    assert "一部手机不用了" not in old.get("/c/HXL/mine").text, "a thief is not warned"
    for page in (stays.get("/c/HXL/mine").text, desk.get(home).text):
        assert "家里有人到服务台说，一部手机不用了" in page
        assert "有家人说，这部手机不用了" in page
        assert "不认识。" not in page
    (out,) = re.findall(r'href="([^"]*/members/[0-9]+/end)"', desk.get(home).text)
    shown = desk.get(out).text
    assert "一部不用了的手机已请出本户" in shown
    assert "重新印一封" not in shown, "the letter is with the family"
    desk.post(out)
    for page in (stays.get("/c/HXL/mine").text, desk.get(home).text):
        assert "服务台核实过，一部不用了的手机已请出本户" in page
        assert "不认识的手机" not in page
    old.signed_in = False
    assert "说这部手机不用了" in old.raw.get("/c/HXL/mine", follow_redirects=True).text
    desk.post(second)
    (keep,) = re.findall(r'href="([^"]*/members/[0-9]+/keep)"', desk.get(home).text)
    assert "还在用，留下" in desk.get(keep).text


def door(client: CheckedClient, world: World, place: Place) -> dict[str, str]:
    facts = {"code": world.code(place), "second_fact": world.fact(), "adult": "y"}
    return facts | {"csrf_token": client.token()}

"""Who does without a phone: the desk's page and lists, the household's own page."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pikepdf
import pytest
from sqlalchemy import func, select

from app.assisting.models import TurnoutLook
from app.core import clock
from app.core.actor import Role
from app.core.db import db
from app.core.record import RecordEntry
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.world import Place, World


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community("HXL", 4)


@pytest.fixture
def desk(client: CheckedClient, web_world: World, place: Place) -> CheckedClient:
    client.staff(web_world.staff(place))
    return client


def looked() -> tuple[int, int]:
    db.session.rollback()
    entries = select(func.count()).where(RecordEntry.kind == "turnout.looked")
    return (
        db.session.scalar(select(func.count()).select_from(TurnoutLook)) or 0,
        db.session.scalar(entries) or 0,
    )


def test_paper_is_noted_brought_and_told(
    desk: CheckedClient, web_world: World, place: Place
) -> None:
    poll = web_world.poll(place)
    home = f"/c/HXL/desk/households/{place.households[0]}"
    assert f'href="{home}/paper"' in desk.get(home).text
    assert desk.post(f"{home}/paper", {"scope": "all"}).status_code == 422
    assert desk.post(f"{home}/paper", {"scope": "none", "asked": "desk"}).status_code == 422
    assert desk.post(f"{home}/paper", {"scope": "all", "asked": "phone"}).status_code == 303
    assert "以后每次都要" in desk.get(f"{home}/paper").text
    page = desk.get("/c/HXL/desk/outreach").text
    assert "一区 1-1-1" in page
    today = desk.get("/c/HXL/desk/").text
    assert "1 份纸质材料要送" in today
    for _ in range(2):
        assert desk.post(f"{home}/paper/{poll}/handed").status_code == 303
    assert "没有要送的" in desk.get("/c/HXL/desk/outreach").text
    family = CheckedClient(desk.app)
    family.enter(web_world, place, 0)
    assert "纸质材料送到了本户" in family.get("/c/HXL/mine").text
    assert "以后每次都要" in family.get("/c/HXL/mine/paper").text
    assert family.post("/c/HXL/mine/paper/1/end").status_code == 303
    assert "不要了" not in family.get("/c/HXL/mine/paper").text
    desk.post("/c/HXL/desk/paper/1/end")


def test_a_household_asks_for_paper_and_a_visit_by_itself(
    desk: CheckedClient, web_world: World, place: Place
) -> None:
    poll = web_world.poll(place)
    family = CheckedClient(desk.app)
    family.enter(web_world, place, 1)
    assert 'href="/c/HXL/mine/paper"' in family.get("/c/HXL/mine").text
    assert family.post("/c/HXL/mine/paper", {}).status_code == 422
    assert family.post("/c/HXL/mine/paper", {"scope": poll}).status_code == 303
    assert family.post("/c/HXL/mine/home-visit", {"purpose": "vote"}).status_code == 422
    asked = {"purpose": "vote", "wished": "morning"}
    assert family.post("/c/HXL/mine/home-visit", asked).status_code == 303
    assert "1 户请人上门，还没约" in desk.get("/c/HXL/desk/").text
    second = web_world.staff(place, Role.SUPERVISOR).actor
    page = "/c/HXL/desk/home-visits/1/plan"
    when = (clock.local(clock.now()) + timedelta(hours=4)).strftime("%Y-%m-%dT%H:%M")
    goers = desk.fields(page, page)
    two = {"at": when, "first": "1", "second": str(second.person_id)}
    assert desk.post(page, goers | two | {"first": str(second.person_id)}).status_code == 422
    assert desk.post(page, goers | two | {"first": "999"}).status_code == 422
    assert desk.post(page, goers | two | {"at": "x"}).status_code == 422
    first = web_world.clerk(place).person_id
    assert desk.post(page, goers | two | {"first": str(first)}).status_code == 303
    mine = family.get("/c/HXL/mine/paper").text
    assert second.display in mine
    assert "约好了上门" in family.get("/c/HXL/mine").text
    assert "上门：" in desk.get("/c/HXL/desk/").text
    done = "/c/HXL/desk/home-visits/1/done"
    assert "现场代办" in desk.get(done).text
    assert desk.post(done, {}).status_code == 422
    for _ in range(2):
        assert desk.post(done, {"outcome": "assisted"}).status_code == 303
    assert desk.get(done).status_code == 404
    assert "上门来过" in family.get("/c/HXL/mine").text
    assert family.post("/c/HXL/mine/home-visit/1/cancel").status_code == 303
    assert "已经办完或者取消了" in family.get("/c/HXL/mine/paper").text
    family.post("/c/HXL/mine/home-visit", asked)
    for _ in range(2):
        family.post("/c/HXL/mine/home-visit/2/cancel")
    assert "还没约" not in family.get("/c/HXL/mine/paper").text


def test_lists_for_the_doors_have_rooms_and_boxes_and_neither_names_nor_phones(
    desk: CheckedClient, web_world: World, place: Place
) -> None:
    for what in ("letter", "notice"):
        answer = desk.get(f"/c/HXL/desk/rounds.pdf?what={what}&part=all")
        assert answer.data[:4] == b"%PDF"
    assert desk.get("/c/HXL/desk/rounds.pdf?what=paper&part=all").status_code == 303
    assert "没有清单可印" in desk.get("/c/HXL/desk/outreach").text
    web_world.poll(place)
    home = f"/c/HXL/desk/households/{place.households[0]}"
    desk.post(f"{home}/paper", {"scope": "all", "asked": "phone"})
    paper = desk.get("/c/HXL/desk/rounds.pdf?what=paper&part=all").data
    with pikepdf.open(io.BytesIO(paper)) as pdf:
        assert len(pdf.pages) == 1
    for wrong in ("what=x&part=all", "what=letter&part=building-999", "what=letter&part=x"):
        assert desk.get(f"/c/HXL/desk/rounds.pdf?{wrong}").status_code == 404


def test_every_look_at_who_has_not_voted_is_an_entry_and_told(
    desk: CheckedClient, web_world: World, place: Place
) -> None:
    poll = web_world.poll(place)
    web_world.cast(web_world.resident(place, 1), place, poll, "yes")
    page = f"/c/HXL/desk/votes/{poll}/not-voted"
    shown = desk.get(page).text
    assert "1-1-1" not in shown.split("<form")[0]
    stated = {"part": "all", "purpose": "remind", "only": "y"}
    for lacking in ("purpose", "only"):
        wrong = {name: value for name, value in stated.items() if name != lacking}
        answer = desk.post(page, wrong)
        assert answer.status_code == 422
        assert "<li>一区 1-1-1</li>" not in answer.text
    assert looked() == (0, 0)
    answer = desk.post(page, stated)
    assert "3 户还没有投票" in answer.text
    assert "<li>一区 1-1-1</li>" in answer.text
    assert "<li>一区 1-1-2</li>" not in answer.text
    assert looked() == (1, 1)
    printed = desk.post(page, stated | {"print": "1"})
    assert printed.data[:4] == b"%PDF"
    assert looked() == (2, 2)
    family = CheckedClient(desk.app)
    family.enter(web_world, place, 0)
    assert family.get("/c/HXL/mine/paper").text.count("快截止了，上门提醒") == 2
    assert family.get(page).status_code == 404
    for role in (Role.COMMITTEE, Role.SUPERVISOR, Role.SUBDISTRICT, Role.DISTRICT):
        other = CheckedClient(desk.app)
        other.staff(web_world.staff(place, role))
        assert other.post(page, stated).status_code == 404
    clock.advance(timedelta(minutes=11))
    assert desk.get(page).status_code == 303, "proves once more who they are"
    assert looked() == (2, 2)


def test_no_list_once_a_poll_is_over(desk: CheckedClient, web_world: World, place: Place) -> None:
    poll = web_world.poll(place)
    clock.advance(timedelta(days=8))
    desk.staff(web_world.staff(place))
    answer = desk.get(f"/c/HXL/desk/votes/{poll}/not-voted")
    assert answer.status_code == 409
    assert "不能看没有投票的住户名单" in answer.text
    assert looked() == (0, 0)

"""A resident has their data erased by a page without scripts, and so does the desk for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.core.db import db
from app.people.models import Membership, Person
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from tests.support.world import Place, World

PAGE = "/c/HXL/mine/data/erase"


@pytest.fixture
def place(web_world: World) -> Place:
    return web_world.community("HXL", 4)


def people() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).where(Person.adult_declared_at.is_not(None))) or 0


def test_a_resident_reads_first_ticks_and_is_out(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    client.enter(web_world, place, 1)
    assert f'href="{PAGE}"' in client.get("/c/HXL/mine/data").text
    page = client.get(PAGE).text
    for words in ("会删掉", "会留下", "不能恢复", "372 天"):
        assert words in page, words
    refused = client.post(PAGE, {})
    assert (refused.status_code, "什么都没有删" in refused.text) == (422, True)
    assert people() == 1
    answer = client.post(PAGE, {"sure": "y"})
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert people() == 0
    client.signed_in = False
    assert "您的资料已经删除" in client.get("/c/HXL/").text
    assert client.raw.get("/c/HXL/mine").status_code == 303


def test_an_answer_that_got_lost_is_not_called_unsaved(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    """The browser still has the old cookie and sends the very same form once more."""
    client.enter(web_world, place, 1)
    fields = client.fields(PAGE, PAGE) | {"sure": "y"}
    fields.pop("texts", "")
    name = client.app.config["SESSION_COOKIE_NAME"]
    before = client.raw.get_cookie(name)
    assert before is not None
    client.raw.post(PAGE, data=fields)
    client.raw.set_cookie(name, before.value)
    answer = client.raw.post(PAGE, data=fields, follow_redirects=True)
    assert "没有保存" not in answer.text
    assert "已经办好了" in answer.text


def test_a_second_tab_finds_it_done(client: CheckedClient, web_world: World, place: Place) -> None:
    client.enter(web_world, place, 1)
    for page in (PAGE, "/c/HXL/mine/leave"):
        first, second = (client.fields(page, page) | {"sure": "y"} for _tab in range(2))
        for tab in (first, second):
            tab.pop("texts", "")
        assert client.raw.post(page, data=first).status_code == 303
        answer = client.raw.post(page, data=second)
        assert (answer.status_code, "已经办好了" in answer.text) == (200, True)
        assert "放得太久" not in answer.text
        client.enter(web_world, place, 1)
        assert "放得太久" in client.raw.post(page, data=second).text, "of a session that is over"


def test_a_second_tab_at_the_desk_finds_it_done(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    web_world.resident(place, 1)
    (line,) = db.session.scalars(select(Membership.id))
    client.staff(web_world.staff(place))
    home = f"/c/HXL/desk/households/{place.households[1]}"
    page = f"{home}/members/{line}/erase"
    for _tab in range(2):
        assert client.post(page, {"sure": "y"}).location == home
    assert "不用再办一次" in client.get(home).text


def test_the_desk_does_it_for_whoever_is_present(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    web_world.resident(place, 1)
    (line,) = db.session.scalars(select(Membership.id))
    client.staff(web_world.staff(place))
    home = f"/c/HXL/desk/households/{place.households[1]}"
    page = f"{home}/members/{line}/erase"
    assert f'href="{page}"' in client.get(home).text
    assert "念给本人听" in client.get(page).text
    assert client.post(page, {}).status_code == 422
    assert people() == 1
    client.post(page, {"sure": "y"})
    assert people() == 0
    assert "有一位删除了自己的资料" in client.get(home).text

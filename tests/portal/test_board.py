"""The public notice board says what the rooms did, to everybody, and nothing that is not public."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.communities import operations as communities
from app.communities import queries as places
from app.consultations.rules import State
from app.conventions import operations as conventions
from app.conventions.rules import Article, ArticleClass
from app.conventions.rules import State as ConventionState
from app.core import clock
from app.core.actor import SYSTEM, Role
from app.projects import operations as projects
from app.projects.rules import Stage
from app.ratings import operations as ratings
from app.voting import operations as voting
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.world import Place, World


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community(households=6)


def titles(client: CheckedClient, address: str) -> list[str]:
    page = client.get(address)
    assert page.status_code == 200
    return re.findall(r'<a class="title" href="[^"]*">([^<]*)</a>', page.text)


def test_an_empty_board_says_so(client: CheckedClient, place: Place) -> None:
    assert "还没有公告" in client.get("/c/HXL/board").text


def test_what_is_told_stands_there_the_newest_first_and_leads_to_its_page(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    web_world.topic(place, State.SCREENING, "还没有审核的")
    topic = web_world.topic(place, State.ACCEPTED, "楼下没有长椅")
    clock.advance(timedelta(hours=1))
    meeting = web_world.meeting(place, topic)
    clock.advance(timedelta(hours=1))
    web_world.draft(place, ("P02",), title="还是草稿")
    poll = web_world.poll(place, ("P01",), title="放长椅吗？")
    board = "/c/HXL/board"
    found = titles(client, board)
    assert found[0] == "放长椅吗？"
    assert found.index("长椅放哪里") < len(found) - 1 - found[::-1].index("楼下没有长椅")
    assert not {"还是草稿", "还没有审核的"} & set(found)
    page = client.get(board).text
    for address in (f"votes/{poll}", f"topics/{topic}", f"meetings/{meeting}"):
        assert f'href="/c/HXL/{address}"' in page
    assert titles(client, f"{board}?section=vote") == ["放长椅吗？"]
    assert set(titles(client, f"{board}?section=topic")) == {"楼下没有长椅"}
    assert titles(client, f"{board}?section=convention") == []
    for nonsense in ("section=x", "page=0", "page=-3", "page=x", "page=999999999"):
        assert client.get(f"{board}?{nonsense}").status_code == 200


def test_what_may_be_objected_to_comes_first_with_its_last_day(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    poll = web_world.poll(place, ("P01",), title="放长椅吗？")
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    assert "正在公示" not in client.get("/c/HXL/board").text
    voting.publish_result(SYSTEM, community_id=place.id, public_id=poll)
    page = client.get("/c/HXL/board").text
    assert "正在公示，可以提异议" in page
    assert "24:00" in page
    clock.advance(timedelta(days=20))
    voting.finalise_result(SYSTEM, community_id=place.id, public_id=poll)
    page = client.get("/c/HXL/board").text
    assert "正在公示，可以提异议" not in page
    assert "公示期满，结果确定" in page


def test_convention_works_and_repairs_are_told_too(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    text = conventions.ConventionText(
        "槐香里公约", "我们约定：", (Article(1, next(iter(ArticleClass)), "夜里不吵人。"),)
    )
    number = conventions.draft_convention(SYSTEM, community_id=place.id, text=text)
    assert titles(client, "/c/HXL/board") == []
    conventions.move_convention(
        SYSTEM, community_id=place.id, number=number, to=ConventionState.CONSULTING
    )
    assert titles(client, "/c/HXL/board?section=convention") == ["《槐香里公约》第 1 版"]
    web_world.project(place, "P05", "小花园")
    for to in (Stage.BUILD, Stage.MANAGE):
        projects.advance_project(SYSTEM, community_id=place.id, code="P05", to=to)
    poll = ratings.start_rating(SYSTEM, community_id=place.id, project_code="P05", days=7)
    for voter in web_world.voters(place, 5):
        web_world.cast(voter, place, poll, *(f"P05.{n}=1" for n in range(1, 10)))
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    new = ratings.NewRepair("P05.1", "重铺地砖", "建工队", clock.now() + timedelta(days=3))
    ratings.open_repair(SYSTEM, community_id=place.id, poll=poll, repair=new)
    page = client.get("/c/HXL/board").text
    assert "请大家评一评" in page
    assert "要返修：重铺地砖" in page


def test_a_long_board_goes_on_page_by_page_and_loses_nothing(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    told = {f"第{n}件事" for n in range(35)}
    for title in sorted(told):
        web_world.topic(place, State.ACCEPTED, title)
    first = titles(client, "/c/HXL/board")
    assert len(first) == 30
    assert "page=2" in client.get("/c/HXL/board").text
    second = titles(client, "/c/HXL/board?page=2")
    assert set(first) | set(second) == told
    assert len(second) == 5
    assert "page=3" not in client.get("/c/HXL/board?page=2").text


def test_another_communitys_notices_are_not_on_it(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    web_world.community("YYL", 2)
    web_world.topic(place)
    assert titles(client, "/c/YYL/board") == []


def test_board_and_district_ask_the_same_however_much_there_is(
    client: CheckedClient,
    web_world: World,
    place: Place,
    statements: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(places, "KEPT_SECONDS", 600.0)
    client.staff(web_world.staff(place, Role.DISTRICT))
    more = communities.NewCommunity(
        code="M0",
        name="又一个社区",
        jurisdiction_id=place.district_id,
        desk_phone="10000000001",
        office="东侧",
        hours="周一至周五",
        intro="",
        demo=False,
    )

    def cost(address: str) -> int:
        statements.clear()
        assert client.raw.get(address).status_code == 200
        return len(statements)

    web_world.topic(place)
    cost("/c/HXL/board"), cost("/d/DHXL/")
    before = cost("/c/HXL/board"), cost("/d/DHXL/")
    for number in range(12):
        web_world.topic(place, State.ACCEPTED, f"第{number}件事")
        communities.add_community(SYSTEM, replace(more, code=f"M{number}", name=f"社区{number}"))
    assert (cost("/c/HXL/board"), cost("/d/DHXL/")) == before

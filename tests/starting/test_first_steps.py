"""With nothing there yet, every list says what to do first, or who does it."""

from __future__ import annotations

import gzip
import re
from itertools import chain
from typing import TYPE_CHECKING

import html5lib
import pytest

from app.communities import operations as communities
from app.config import ROOT
from app.core.actor import SYSTEM, Role
from app.portal import help as glossary
from app.voting.rules import Method
from tests.support.checked_client import CheckedClient
from tests.support.world import Place, World

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from flask import Flask

NS = "{http://www.w3.org/1999/xhtml}"
WHO = re.compile("居委会|社区工作人员|居民|管理员|设计师|您|社区")
DESK_LISTS = (
    *("topics", "meetings", "posts", "votes", "projects", "ratings", "convention"),
    *("records", "chain"),
)
PUBLIC_LISTS = ("", "topics/", "meetings/", "votes/", "projects/", "convention", "board")
# What each role meets with nothing there, and whether the page offers them something to press.
EMPTY = {
    Role.CLERK: {
        **{f"desk/{name}": name != "posts" for name in DESK_LISTS},
        "desk/households": True,
        "desk/letters": True,
        "desk/votes/new": True,
        "inbox": True,
    },
    Role.COMMITTEE: {
        **{f"desk/{name}": name != "posts" for name in DESK_LISTS},
        "desk/households": True,
    },
    Role.SUPERVISOR: {f"desk/{name}": False for name in DESK_LISTS},
    Role.DESIGNER: {"designer": True, "inbox": True},
    Role.RESIDENT: {
        **dict.fromkeys(PUBLIC_LISTS, False),
        "": True,
        "topics/": True,
        "opinions/": True,
        "inbox": True,
    },
    None: {**dict.fromkeys(PUBLIC_LISTS, False), "": True, "topics/": True},
}


def bare_community(world: World) -> Place:
    """A community of today: no roll, no project, nothing."""
    district = communities.add_jurisdiction(
        SYSTEM, level="district", code="YT", name="云台区", parent_id=None
    )
    community_id = communities.add_community(
        SYSTEM,
        communities.NewCommunity(
            "NEW", "新社区", district, "10000000001", "1 号楼", "周一至周五", "", demo=False
        ),
    )
    del world
    return Place(community_id, "NEW", (), district)


def come_in(client: CheckedClient, world: World, role: Role | None) -> Place:
    if role is Role.RESIDENT:
        place = world.community("NEW", 1)
        client.enter(world, place)
        return place
    place = bare_community(world)
    if role is not None:
        client.staff(world.staff(place, role))
    return place


def words(element: Element) -> str:
    return "".join(element.itertext())


def empties(page: str) -> list[Element]:
    tree = html5lib.parse(page)
    return [one for one in tree.iter(f"{NS}div") if "empty" in (one.get("class") or "").split()]


def buttons(element: Element) -> list[Element]:
    return [one for one in element.iter(f"{NS}a") if "btn" in (one.get("class") or "").split()]


@pytest.mark.parametrize("role", EMPTY, ids=lambda role: role.value if role else "visitor")
def test_an_empty_list_says_what_to_do_first_or_who_does_it(
    web_app: Flask, client: CheckedClient, role: Role | None
) -> None:
    world = World(web_app)
    place = come_in(client, world, role)
    for path, presses in EMPTY[role].items():
        address = f"/c/{place.code}/{path}"
        answer = client.get(address, follow_redirects=True)
        assert answer.status_code == 200, address
        found = empties(answer.text)
        assert found, f"{address} says nothing about being empty"
        for block in found:
            assert buttons(block) or WHO.search(words(block)), f"{address}: {words(block)}"
        assert any(map(buttons, found)) is presses, address
        for button in chain.from_iterable(map(buttons, found)):
            there = client.get(button.get("href", ""), follow_redirects=True)
            assert there.status_code == 200, f"{address} offers {button.get('href')}"
            assert there.request.path not in {"/e", "/staff/sign-in"} or role is None


@pytest.mark.parametrize(
    "role", [*EMPTY, Role.DISTRICT, Role.ADMINISTRATOR], ids=lambda r: r.value if r else "visitor"
)
def test_whoever_walks_through_an_empty_community_meets_no_dead_end(
    web_app: Flask, client: CheckedClient, role: Role | None
) -> None:
    place = come_in(client, World(web_app), role)
    waiting, seen = (
        [f"/c/{place.code}/", "/staff/" if role not in {None, Role.RESIDENT} else "/"],
        set(),
    )
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = client.get(address, follow_redirects=True)
        if answer.mimetype != "text/html":
            continue
        assert answer.status_code == 200, address
        assert "暂无" not in answer.text
        for block in empties(answer.text):
            assert buttons(block) or WHO.search(words(block)), f"{address}: {words(block)}"
        links = {a.get("href", "") for a in html5lib.parse(answer.text).iter(f"{NS}a")}
        waiting += [link.partition("#")[0] for link in links if link.startswith("/")]
    assert len(seen) > 8


def test_a_district_without_communities_says_who_makes_them(
    web_app: Flask, client: CheckedClient
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    empty = communities.add_jurisdiction(
        SYSTEM, level="district", code="LEER", name="空区", parent_id=None
    )
    client.staff(world.staff(Place(place.id, place.code, (), empty), Role.DISTRICT))
    assert "系统管理员建好社区以后" in client.get("/d/LEER/").text


# --- hard words --------------------------------------------------------------------------------

EXPLAINED = {
    "公示": "publicity",
    "弃权": "abstain",
    "从多": "follow_majority",
    "专有部分面积": "exclusive_area",
    "到会人数": "quorum",
    "应参加户数": "electorate",
    "意愿征集": "preference_poll",
    "居民代表会议": "representatives_meeting",
    "业主共同决定": "owners_joint",
    "核对码": "check_code",
    "记名": "named",
    "均不同意": "none_of_these",
    "户底册": "roll",
    "户主": "head",
    "产权人": "owner",
    "表决门槛": "threshold",
}


def test_the_page_of_words_explains_every_hard_word_and_names_its_source(
    client: CheckedClient,
) -> None:
    page = client.get("/help").text
    for word, key in EXPLAINED.items():
        assert f'<dt id="{key}">{word}</dt>' in page
    for word in ("部分采纳", "备案", "第三十四条", "第二百七十八条"):
        assert word in page


def test_a_word_nobody_explains_is_a_mistake(web_app: Flask) -> None:
    with web_app.test_request_context(), pytest.raises(KeyError):
        glossary.terms("abstain", "no-such-word")


def test_explanations_leave_the_ballot_light(web_app: Flask, client: CheckedClient) -> None:
    world = World(web_app)
    place = world.community("HXL", 3)
    codes = ("P01", "P02", "P03", "P04", "P05", "P06")
    poll = world.poll(place, codes, method=Method.CHOOSE)
    client.enter(world, place)
    page = client.get(f"/c/HXL/votes/{poll}/ballot").data
    needed = [
        page,
        *((ROOT / "static" / name).read_bytes() for name in ("css/app.css", "js/app.js")),
    ]
    assert sum(len(gzip.compress(one)) for one in needed) <= 14 * 1024


def test_words_are_explained_where_they_first_matter(web_app: Flask, client: CheckedClient) -> None:
    world = World(web_app)
    place = world.community("HXL", 3)
    poll = world.poll(place)
    voter, clerk = CheckedClient(web_app), client
    voter.enter(world, place)
    clerk.staff(world.staff(place))
    where = {
        f"/c/HXL/votes/{poll}/ballot": (voter, "弃权"),
        f"/c/HXL/votes/{poll}": (voter, "应参加户数"),
        "/c/HXL/projects/P01": (voter, "业主共同决定"),
        "/c/HXL/desk/roll": (clerk, "专有部分面积"),
        "/c/HXL/desk/votes/new/yes_no": (clerk, "从多"),
        "/c/HXL/desk/projects/new": (clerk, "居民代表会议"),
        "/c/HXL/record": (voter, "核对码"),
    }
    for address, (reader, word) in where.items():
        page = reader.get(address, follow_redirects=True).text
        folds = re.findall(r'<details class="term">.*?</details>', page, re.DOTALL)
        assert any(f"<dt>{word}</dt>" in fold for fold in folds), address

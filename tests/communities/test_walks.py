"""The order of the envelopes, and the parts of a community that somebody can name."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.communities import operations, walks
from app.communities.addresses import address_text, looked_for, natural_key, walking_key
from app.core.actor import SYSTEM
from app.core.errors import NotFound, RuleBroken
from tests.support.world import Place, World

ROLL = """小区,楼栋,单元,房号,房屋用途,60岁以上人数
二区,1,1,101,住宅,
一区,12甲,1,1001,住宅,0
一区,12甲,1,门市3号,住宅,0
一区,12甲,1,201,住宅,2
一区,12甲,1,102,住宅,1
一区,12甲,1,101,住宅,
一区,12甲,2,101,住宅,0
一区,12甲,1,103,商业,
一区,12乙,,2,住宅,
一区,12,10,101,住宅,
一区,12,2,101,住宅,
一区,13,,901,住宅,
一区,2,1,101,住宅,
三区,1,1,101,住宅,
"""
WALK = [
    "一区 2-1-101",
    "一区 12-2-101",
    "一区 12-10-101",
    "一区 12甲-1-101",
    "一区 12甲-1-102",
    "一区 12甲-1-201",
    "一区 12甲-1-1001",
    "一区 12甲-1-门市3号",
    "一区 12甲-2-101",
    "一区 12乙-2",
    "一区 13-901",
    "二区 1-1-101",
    "三区 1-1-101",
]


@pytest.fixture
def place(world: World) -> Place:
    place = world.community("HXL", 0)
    data = ROLL.encode()
    operations.import_roll(SYSTEM, community_id=place.id, data=data, file_name="roll.csv")
    return place


def shorts(homes: list[walks.Home]) -> list[str]:
    return [home.address.short for home in homes]


def test_homes_stand_as_a_deliverer_walks_and_are_numbered_by_building(place: Place) -> None:
    walk = walks.homes(place.id)
    assert shorts(walk) == WALK, "shops are no homes"
    in_12a = [(home.number, home.of) for home in walk if home.address.building == "12甲"]
    assert in_12a == [(1, 6), (2, 6), (3, 6), (4, 6), (5, 6), (6, 6)]
    assert [home.elderly for home in walk[3:7]] == [None, True, True, False]


def test_a_part_keeps_the_order_and_the_numbers_of_the_whole_building(place: Place) -> None:
    walk = walks.homes(place.id)
    building = walk[3].address.building_id
    assert shorts(walks.chosen(walk, "all")) == WALK
    assert shorts(walks.chosen(walk, f"estate-{walk[0].estate_id}")) == WALK[:11]
    assert shorts(walks.chosen(walk, f"building-{building}")) == WALK[3:9]
    upstairs = walks.chosen(walk, f"stairwell-{building}-2")
    assert (shorts(upstairs), upstairs[0].number, upstairs[0].of) == (WALK[8:9], 6, 6)
    one = walks.chosen(walk, f"household-{walk[4].household_id}")
    assert (shorts(one), one[0].number) == (WALK[4:5], 2)


@pytest.mark.parametrize(
    "key", ["", "all-1", "estate-999", "building-x", "stairwell-1", "household--1", "street-1"]
)
def test_what_names_nothing_here_is_not_found(place: Place, key: str) -> None:
    with pytest.raises(NotFound):
        walks.chosen(walks.homes(place.id), key)


def test_a_neighbours_building_is_not_found(world: World, place: Place) -> None:
    theirs = walks.homes(world.community("YYL", 2).id)
    for key in (
        f"building-{theirs[0].address.building_id}",
        f"estate-{theirs[0].estate_id}",
        f"household-{theirs[0].household_id}",
    ):
        with pytest.raises(NotFound):
            walks.chosen(walks.homes(place.id), key)


def test_an_empty_roll_has_nobody_to_choose(world: World) -> None:
    walk = walks.homes(world.community("LEER", 0).id)
    assert walks.chosen(walk, "all") == []
    assert [part.homes for _group, parts in walks.parts(walk, "全社区") for part in parts] == [0]


def test_what_is_offered_adds_up_and_says_no_stairwell_twice(place: Place) -> None:
    walk = walks.homes(place.id)
    groups = walks.parts(walk, "全社区")
    assert [name for name, _parts in groups] == ["全社区", "一区", "二区", "三区"]
    for _name, parts in groups:
        for part in parts:
            inside = walks.chosen(walk, part.key)
            assert len(inside) == part.homes
            assert walks.part_name(inside, part.key, "全社区") == part.name
    names = [part.name for part in groups[1][1]]
    assert "一区 12甲号楼 2单元" in names
    assert "一区 13号楼" in names
    assert not [name for name in names if name.startswith("一区 2号楼 ")], "one stairwell only"


@pytest.mark.parametrize(
    ("words", "homes"),
    [
        ({}, WALK),
        ({"estate": "二区"}, WALK[11:12]),
        ({"building": "12甲号楼"}, WALK[3:9]),
        ({"building": "12甲", "stairwell": "一单元"}, WALK[3:8]),
        ({"estate": "三区", "building": "1"}, WALK[12:]),
        ({"household": "12甲-1-102"}, WALK[4:5]),
        ({"household": "二区 1-1-101"}, WALK[11:12]),
        ({"household": "12甲号楼-一单元-0102室"}, WALK[4:5]),
        ({"household": "二区 1#-1-0101"}, WALK[11:12]),
        ({"household": "一区 12甲 号楼 1 单元 102 室"}, WALK[4:5]),
    ],
)
def test_words_of_the_command_line_name_a_part(
    place: Place, words: dict[str, str], homes: list[str]
) -> None:
    walk = walks.homes(place.id)
    empty = dict.fromkeys(("estate", "building", "stairwell", "household"), "")
    assert shorts(walks.chosen(walk, walks.named(walk, **(empty | words)))) == homes


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"building": "1"}, "part.several"),
        ({"household": "1-1-101"}, "part.several"),
        ({"building": "99"}, "part.unknown"),
        ({"household": "9-9-999"}, "part.unknown"),
    ],
)
def test_words_that_fit_nothing_or_too_much_are_refused(
    place: Place, words: dict[str, str], code: str
) -> None:
    walk = walks.homes(place.id)
    empty = dict.fromkeys(("estate", "building", "stairwell", "household"), "")
    with pytest.raises(RuleBroken, match=code):
        walks.named(walk, **(empty | words))


@given(st.lists(st.integers(1, 3300), min_size=1, unique=True))
def test_floors_come_one_after_the_other(rooms: list[int]) -> None:
    shuffled = [str(room) for room in rooms]
    random.Random(1).shuffle(shuffled)
    walked = sorted(shuffled, key=lambda room: walking_key("一区", "1", "1", room))
    floors = [int(room) // 100 for room in walked]
    assert floors == sorted(floors)
    assert list(map(int, walked)) == sorted(rooms)


@given(st.lists(st.text("0123456789甲乙一二号-A", max_size=8)))
def test_any_texts_can_be_put_in_order(texts: list[str]) -> None:
    walked = sorted(texts, key=natural_key)
    assert sorted(walked) == sorted(texts)
    assert all(natural_key(one) <= natural_key(other) for one, other in pairwise(walked))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (address_text("槐香里一区", "3", "2", "501"), ["槐香里一区", "3-2-501"]),
        ("槐香里一区3号楼2单元501室", ["槐香里一区", "3-2-501"]),
        ("3栋 2单元 501", ["3-2-501"]),
        ("３－２－５０１", ["3-2-501"]),
        ("12甲号楼", ["12甲-"]),
        ("二区12己号楼1单元101室", ["二区", "12己-1-101"]),
        (address_text("二区", "7", "", "302"), ["二区", "7-302"]),
        ("一区 张三", ["一区", "张三"]),
        ("门市3号", ["门市3号"]),
        ("教室", ["教室"]),
        ("", []),
    ],
)
def test_an_address_is_looked_for_as_people_say_it(said: str, words: list[str]) -> None:
    assert looked_for(said) == words

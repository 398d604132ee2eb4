"""Figures of the complete community: the standard's, or the nearest place's that set some."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from app.communities import setting_operations as operations
from app.communities import setting_rules as rules
from app.communities import settings
from app.communities import standard_words as words
from app.communities.setting_rules import CATALOGUE, Law
from app.communities.standards import FIGURES, GROUPS, Measure, figures_of, items_of
from app.core import clock
from app.core.actor import Role
from app.core.errors import RuleBroken
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from tests.support.world import Place

PLAN = "2022 年试点方案：不少于 400 平方米"
OTHER = "用的是“宜”字：建议这样，不强求"


def city_sets(world: World, place: Place, value: str | None, key: str = "station_area") -> None:
    operations.change_area_setting(
        world.staff(place, Role.CITY).actor,
        jurisdiction_id=place.city_id,
        key=key,
        value=value,
        seen="",
        reason=PLAN,
    )


def community_sets(world: World, place: Place, value: str, key: str = "station_area") -> None:
    operations.change_community_setting(
        world.clerk(place), community_id=place.id, key=key, value=value, seen="", reason=PLAN
    )


def item(page: str, name: str) -> str:
    """What the page says about one item, as a reader sees it."""
    (found,) = re.findall(rf"<h3>{name}</h3>(.*?)</li>", page, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found))


# --- rules -----------------------------------------------------------------------------------


def test_six_groups_have_twenty_items_and_figures_belong_to_them(app: Flask) -> None:
    items = [each for group in GROUPS for each in items_of(group)]
    assert len(items) == 20
    assert {one.item for one in FIGURES.values()} <= set(items)
    assert sum(len(figures_of(each)) for each in items) == len(FIGURES)
    with app.test_request_context():
        assert all(words.item_name(each) and words.item_about(each) for each in items)
        assert all(words.group_name(group) for group in GROUPS)
        assert all(words.figure_name(key) for key in FIGURES)


def test_the_standards_own_figures() -> None:
    assert {key: one.number for key, one in FIGURES.items()} == {
        "station_area": 800,
        "kindergarten_classes": 6,
        "kindergarten_area": 2200,
        "kindergarten_land": 3500,
        "nursery_area": 200,
        "day_care_area": 350,
        "health_station_area": 120,
        "supermarket_area": 300,
        "parcel_station_area": 15,
        "parking_per_100_households": 100,
        "charging_share": 100,
        "minutes_to_bus_stop": 10,
        "waste_station_land": 120,
        "public_toilet_area": 30,
        "activity_ground_land": 150,
        "sports_ground_land": 800,
        "park_land": 4000,
        "management_room_area": 50,
    }


@pytest.mark.parametrize("key", sorted(FIGURES))
def test_each_figure_is_a_setting_within_its_bounds(key: str) -> None:
    one, setting = FIGURES[key], CATALOGUE[key]
    assert (setting.default, setting.source) == (str(one.number), Law.STANDARD)
    assert not setting.lawful_least, "the standard advises"
    assert one.least <= one.number <= one.most
    for number in (one.least, one.number, one.most):
        assert rules.checked(key, str(number)) == str(number)
    with pytest.raises(RuleBroken, match="too_low"):
        rules.checked(key, str(one.least - 1))
    with pytest.raises(RuleBroken, match="too_high"):
        rules.checked(key, str(one.most + 1))


@pytest.mark.parametrize("typed", ["400.5", "四百", "-400", "400 m2", ""])
def test_what_is_no_whole_number_is_refused(typed: str) -> None:
    with pytest.raises(RuleBroken):
        rules.checked("station_area", typed)


def test_minutes_are_asked_for_the_other_way_round(app: Flask) -> None:
    with app.test_request_context():
        for one in FIGURES.values():
            most = words.bound_text(one, one.number).startswith("不超过")
            assert most == (one.measure is Measure.MINUTES)


# --- operations --------------------------------------------------------------------------------


def test_a_figure_is_inherited_and_the_nearest_place_wins(app: Flask) -> None:
    world = World(app)
    place, other = world.community("HXL", 1), world.community("YYL", 1)
    city_sets(world, place, "400")
    assert settings.number_of(place.id, "station_area") == 400
    community_sets(world, place, "600")
    assert settings.number_of(place.id, "station_area") == 600
    assert settings.number_of(other.id, "station_area") == 800, "another city's is not ours"


# --- the page ----------------------------------------------------------------------------------


def test_everybody_reads_the_items_and_that_the_standard_is_on_trial(
    client: CheckedClient, web_app: Flask
) -> None:
    World(web_app).community("HXL", 1)
    page = client.get("/c/HXL/standard").text
    assert page.count("<h3>") == 20
    assert "《完整居住社区建设标准（试行）》" in page
    assert "这是试行的标准，是建议" in page
    station = item(page, "社区综合服务站")
    assert "至少 800 平方米" in station
    assert f"国家试行标准，{OTHER}。" in station
    assert "不超过 10 分钟" in item(page, "走路和骑车的道路")
    assert "只对新建的社区" in item(page, "公共绿地")
    assert "/c/HXL/standard" in client.get("/c/HXL/projects/").text
    assert "/c/HXL/standard" in client.get("/c/HXL/").text
    assert "/desk/settings" not in page, "who may not change has no door"
    assert client.get("/c/NONE/standard").status_code == 404


def test_the_page_says_who_set_a_figure_and_what_the_standard_says(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    world.community("YYL", 1)
    today = clock.day_of(clock.now()).isoformat()
    city_sets(world, place, "400")
    assert "设置“综合服务站的建筑面积”：改为400 平方米" in client.get("/d/CHXL/record").text
    station = item(client.get("/c/HXL/standard").text, "社区综合服务站")
    assert "至少 400 平方米" in station
    assert f"栖河市 {today} 定的。国家试行标准写的是至少 800 平方米，{OTHER}。" in station
    community_sets(world, place, "600")
    community_sets(world, place, "200", "nursery_area")
    page = client.get("/c/HXL/standard").text
    station = item(page, "社区综合服务站")
    assert "至少 600 平方米" in station
    assert "400" not in station
    assert f"HXL社区 {today} 定的。国家试行标准写的是至少 800 平方米" in station
    assert f"HXL社区 {today} 定的，和国家试行标准一样。" in item(page, "托儿所")
    assert PLAN not in page, "a reason is for whoever may open the record"
    neighbour = item(client.get("/c/YYL/standard").text, "社区综合服务站")
    assert "至少 800 平方米" in neighbour
    assert "600" not in neighbour


def test_in_english(client: CheckedClient, web_app: Flask, fixed_clock: datetime) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    city_sets(world, place, "400")
    city_sets(world, place, "1", "kindergarten_classes")
    client.raw.set_cookie("linyi_view", "0.en")
    page = client.get("/c/HXL/standard").text
    station = item(page, "Community service station")
    assert "at least 400 m²" in station
    assert "The national trial standard says at least 800 m², as advice" in station
    assert "at least 1 class " in item(page, "Kindergarten")


def test_a_clerk_changes_a_figure_from_the_settings(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    client.staff(world.staff(place, Role.CLERK))
    assert "/c/HXL/desk/settings" in client.get("/c/HXL/standard").text
    listed = client.get("/c/HXL/desk/settings").text
    assert "完整社区的数字" in listed
    assert all(f"/desk/settings/{key}" in listed for key in FIGURES)
    here = "/c/HXL/desk/settings/station_area"
    assert "试行标准写的是至少 800 平方米" in client.get(here).text
    high = client.post(here, client.fields(here, here) | {"value": "80000", "reason": PLAN})
    assert high.status_code == 422
    assert "最多 5000 平方米" in high.text
    done = client.post(here, client.fields(here, here) | {"value": "600", "reason": PLAN})
    assert done.status_code == 303
    assert "至少 600 平方米" in item(client.get("/c/HXL/standard").text, "社区综合服务站")


def test_the_page_of_a_place_above_lists_the_figures_apart(
    client: CheckedClient, web_app: Flask
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    client.staff(world.staff(place, Role.CITY))
    page = client.get("/d/CHXL/settings").text
    cards, figures = page.split('id="standard"')
    assert "综合服务站的建筑面积" not in cards
    assert "综合服务站的建筑面积" in figures
    assert "/d/CHXL/settings/station_area" in figures

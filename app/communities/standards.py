"""What a whole community has (完整社区): six groups, 20 items, and their figures. Pure.

Source of groups, items and figures: 《完整居住社区建设标准（试行）》, annex to
建科规〔2020〕7号. It is a trial standard that gives advice: a province, a city or a community may
go by other figures, so each whole number a resident can understand is a setting of places
(`setting_rules`). Our sentences about them are in `standard_words`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Measure(StrEnum):
    """What a figure counts; each has a sentence and a unit of its own."""

    BUILDING = "building"
    LAND = "land"
    CLASSES = "classes"
    MINUTES = "minutes"
    SPACES = "spaces"
    SHARE = "share"


UNITS = {
    Measure.BUILDING: "square_metre",
    Measure.LAND: "square_metre",
    Measure.CLASSES: "class",
    Measure.MINUTES: "minute",
    Measure.SPACES: "space",
    Measure.SHARE: "percent",
}


class Only(StrEnum):
    """Whom a figure is for, wherever its number comes from."""

    ALL = "all"
    NEW = "new"
    WHERE_POSSIBLE = "where_possible"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of the standard, and between which numbers a place may set its own.

    The bounds only catch slips of the hand: no law binds these numbers. `advisable` is the
    standard's own word "宜": it asks for its number without insisting.
    """

    key: str
    item: str
    measure: Measure
    number: int
    least: int
    most: int
    only: Only = Only.ALL
    advisable: bool = False


FIGURES: dict[str, Figure] = {
    one.key: one
    for one in (
        Figure("station_area", "1-1", Measure.BUILDING, 800, 50, 5_000, advisable=True),
        Figure("kindergarten_classes", "1-2", Measure.CLASSES, 6, 1, 30),
        Figure("kindergarten_area", "1-2", Measure.BUILDING, 2_200, 200, 20_000),
        Figure("kindergarten_land", "1-2", Measure.LAND, 3_500, 300, 30_000),
        Figure("nursery_area", "1-3", Measure.BUILDING, 200, 30, 5_000),
        Figure("day_care_area", "1-4", Measure.BUILDING, 350, 30, 5_000, Only.WHERE_POSSIBLE),
        Figure("health_station_area", "1-5", Measure.BUILDING, 120, 30, 5_000),
        Figure("supermarket_area", "2-1", Measure.BUILDING, 300, 30, 10_000),
        Figure("parcel_station_area", "2-2", Measure.BUILDING, 15, 5, 500, Only.NEW),
        Figure("parking_per_100_households", "3-2", Measure.SPACES, 100, 10, 300, Only.NEW),
        Figure("charging_share", "3-2", Measure.SHARE, 100, 1, 100, Only.NEW),
        Figure("minutes_to_bus_stop", "3-3", Measure.MINUTES, 10, 3, 30),
        Figure("waste_station_land", "3-5", Measure.LAND, 120, 20, 2_000, Only.NEW, advisable=True),
        Figure("public_toilet_area", "3-5", Measure.BUILDING, 30, 10, 500),
        Figure("activity_ground_land", "4-1", Measure.LAND, 150, 30, 5_000),
        Figure("sports_ground_land", "4-1", Measure.LAND, 800, 100, 20_000, Only.NEW),
        Figure("park_land", "4-2", Measure.LAND, 4_000, 300, 100_000, Only.NEW),
        Figure("management_room_area", "5-1", Measure.BUILDING, 50, 10, 2_000, Only.NEW),
    )
}

# The number of a group, and how many items it has: 20 in all.
GROUPS = {"1": 5, "2": 3, "3": 5, "4": 2, "5": 2, "6": 3}


def items_of(group: str) -> tuple[str, ...]:
    """The items of a group in the standard's order, as `1-1`."""
    return tuple(f"{group}-{number}" for number in range(1, GROUPS[group] + 1))


def figures_of(item: str) -> tuple[Figure, ...]:
    """The figures of an item, some of which have none."""
    return tuple(one for one in FIGURES.values() if one.item == item)

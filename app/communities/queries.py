"""Reads of places, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, fields
from time import monotonic
from typing import TYPE_CHECKING, Any

from flask import current_app
from sqlalchemy import bindparam, func, select

from app.communities import addresses
from app.communities.models import (
    ROLL_CONFIRMED,
    Building,
    Community,
    CommunitySetting,
    Estate,
    Household,
    Jurisdiction,
    Level,
)
from app.core.db import db
from app.core.errors import NotFound
from app.policy.table import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select


@dataclass(frozen=True, slots=True)
class CommunityView:
    """A community as every page needs it."""

    id: int
    code: str
    name: str
    desk_phone: str
    office: str
    hours: str
    intro: str
    demo: bool
    households: int
    jurisdiction_ids: tuple[int, ...]

    @property
    def place(self) -> Place:
        """The place that permissions are asked for."""
        return Place(self.id, self.jurisdiction_ids)


@dataclass(frozen=True, slots=True)
class AreaView:
    """A city, district or subdistrict; `jurisdiction_ids` begin with its own and go upwards."""

    id: int
    code: str
    name: str
    level: Level
    jurisdiction_ids: tuple[int, ...]

    @property
    def place(self) -> Place:
        """The place that permissions are asked for."""
        return Place(jurisdiction_ids=self.jurisdiction_ids)


_NAMES = [field.name for field in fields(CommunityView)]
_COLUMNS = (
    Community.id,
    Community.code,
    Community.name,
    Community.desk_phone,
    Community.office,
    Community.hours,
    Community.intro,
    Community.demo,
    Community.households,
)


KEPT_SECONDS = 2.0
_KEPT = "linyi_places"


def community_by_code(code: str) -> CommunityView:
    """The community with this code and the jurisdictions above it. Raises: NotFound.

    Every request asks, and the answer hardly ever changes: it is kept for two seconds, so that a
    changed phone number is seen at once and a rush of ballots does not ask a thousand times.
    """
    kept: dict[str, tuple[float, CommunityView]] = current_app.extensions.setdefault(_KEPT, {})
    good_until, view = kept.get(code, (0.0, None))
    now = monotonic()
    if view is None or good_until < now:
        view = _one(_BY_CODE, code)
        kept[code] = now + KEPT_SECONDS, view
    return view


def community_by_id(community_id: int) -> CommunityView:
    """The community with this id. Raises: NotFound."""
    return _one(_BY_ID, community_id)


def area_by_code(code: str) -> AreaView:
    """The city, district or subdistrict with this code. Raises: NotFound."""
    return _area(Jurisdiction.code == code)


def area_by_id(jurisdiction_id: int) -> AreaView:
    """The city, district or subdistrict with this id. Raises: NotFound."""
    return _area(Jurisdiction.id == jurisdiction_id)


def city() -> AreaView | None:
    """The installation's city, the oldest where a demo left another; None before the start."""
    first = select(func.min(Jurisdiction.id)).where(Jurisdiction.level == Level.CITY.value)
    found = db.session.scalar(first)
    return area_by_id(found) if found is not None else None


def _area(condition: ColumnElement[bool]) -> AreaView:
    row = db.session.execute(
        select(
            Jurisdiction.id,
            Jurisdiction.code,
            Jurisdiction.name,
            Jurisdiction.level,
            Jurisdiction.parent_id,
            _HIGHER.c.parent_id,
        )
        .outerjoin(_HIGHER, _HIGHER.c.id == Jurisdiction.parent_id)
        .where(condition)
    ).first()
    if row is None:
        raise NotFound("jurisdiction")
    chain = tuple(one for one in (row[0], row[4], row[5]) if one is not None)
    return AreaView(row[0], row[1], row[2], Level(row[3]), chain)


_ABOVE = Jurisdiction.__table__.alias("above")
_HIGHER = Jurisdiction.__table__.alias("higher")
# Every request asks this; putting the statement together would cost more than running it.
_WITH_PLACES = (
    select(*_COLUMNS, _ABOVE.c.id, _ABOVE.c.parent_id, _HIGHER.c.parent_id)
    .join(_ABOVE, _ABOVE.c.id == Community.jurisdiction_id)
    .outerjoin(_HIGHER, _HIGHER.c.id == _ABOVE.c.parent_id)
)
_BY_CODE = _WITH_PLACES.where(Community.code == bindparam("wanted"))
_BY_ID = _WITH_PLACES.where(Community.id == bindparam("wanted"))


def _one(statement: Select[*tuple[Any, ...]], wanted: str | int) -> CommunityView:
    row = db.session.execute(statement, {"wanted": wanted}).first()
    if row is None:
        raise NotFound("community")
    return _view(tuple(row))


def _view(values: tuple[Any, ...]) -> CommunityView:
    above_ids = tuple(value for value in values[9:] if value is not None)
    return CommunityView(**dict(zip(_NAMES, (*values[:9], above_ids), strict=True)))


def any_demo() -> bool:
    """Whether this installation is a demo city."""
    return db.session.scalar(select(Community.id).where(Community.demo).limit(1)) is not None


# More desks than this are no help to somebody who looks for one.
SHOWN_DESKS = 3


def few_desks(most: int) -> list[CommunityView]:
    """Every community with its desk where there are few; none where a list would help nobody."""
    rows = db.session.execute(_WITH_PLACES.order_by(Community.name).limit(most + 1)).all()
    return [_view(tuple(row)) for row in rows] if len(rows) <= most else []


def communities_below(jurisdiction_id: int) -> list[CommunityView]:
    """All communities of a city, district or subdistrict, by name."""
    below = {jurisdiction_id}
    while True:
        children = set(
            db.session.scalars(select(Jurisdiction.id).where(Jurisdiction.parent_id.in_(below)))
        )
        if children <= below:
            break
        below |= children
    rows = db.session.execute(
        _WITH_PLACES.where(Community.jurisdiction_id.in_(below)).order_by(Community.name)
    )
    return [_view(tuple(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class HouseholdAddress:
    """Where a household lives, as people write it."""

    household_id: int
    building_id: int
    estate: str
    building: str
    stairwell: str
    room: str
    on_roll: bool = True

    @property
    def text(self) -> str:
        """The address in full, for letters."""
        return addresses.address_text(self.estate, self.building, self.stairwell, self.room)

    @property
    def short(self) -> str:
        """The address in one short line, for greetings and lists."""
        return addresses.address_short(self.estate, self.building, self.stairwell, self.room)


_ADDRESS = (
    Household.id,
    Household.building_id,
    Estate.name,
    Building.name,
    Household.stairwell,
    Household.room,
    Household.left_roll_at.is_(None),
)


def _addresses(community_id: int) -> Select[int, int, str, str, str, str, bool]:
    return (
        select(*_ADDRESS)
        .join(Building, Building.id == Household.building_id)
        .join(Estate, Estate.id == Building.estate_id)
        .where(Household.community_id == community_id)
    )


def address_of(community_id: int, household_id: int) -> HouseholdAddress:
    """The address of one household of this community. Raises: NotFound."""
    row = db.session.execute(_addresses(community_id).where(Household.id == household_id)).first()
    if row is None:
        raise NotFound("household")
    return HouseholdAddress(*row)


def addresses_of(community_id: int, household_ids: Sequence[int]) -> dict[int, HouseholdAddress]:
    """The addresses of these households of this community, by their ids."""
    rows = db.session.execute(_addresses(community_id).where(Household.id.in_(household_ids)))
    return {row[0]: HouseholdAddress(*row) for row in rows}


def residences(community_id: int) -> tuple[ColumnElement[bool], ...]:
    """What makes a household one that is asked, counted and written to: a home, on the roll."""
    return (
        Household.community_id == community_id,
        Household.unit_type == "residence",
        Household.left_roll_at.is_(None),
    )


def households_for_letters(community_id: int) -> list[HouseholdAddress]:
    """Residential households in walking order: estate, building, stairwell, floor, room."""
    wanted = _addresses(community_id).where(*residences(community_id))
    found = [HouseholdAddress(*row) for row in db.session.execute(wanted)]
    return sorted(found, key=walking_order)


def walking_order(address: HouseholdAddress) -> addresses.WalkingKey:
    """Sorts addresses as a deliverer walks."""
    parts = (address.estate, address.building, address.stairwell, address.room)
    return addresses.walking_key(*parts)


@dataclass(frozen=True, slots=True)
class BuildingView:
    """A building in a list to choose from."""

    id: int
    estate: str
    name: str
    households: int


def buildings(community_id: int) -> list[BuildingView]:
    """All buildings with how many households of the roll each holds, in walking order."""
    rows = db.session.execute(
        select(Building.id, Estate.name, Building.name, func.count(Household.id))
        .join(Estate, Estate.id == Building.estate_id)
        .outerjoin(
            Household,
            (Household.community_id == Building.community_id)
            & (Household.building_id == Building.id)
            & Household.left_roll_at.is_(None),
        )
        .where(Building.community_id == community_id)
        .group_by(Building.id, Estate.name, Building.name)
    )
    found = [BuildingView(*row) for row in rows]
    return sorted(found, key=lambda one: addresses.walking_key(one.estate, one.name, "", ""))


def roll_confirmed(community_id: int) -> bool:
    """Whether somebody of the committee has looked at the roll and found it right."""
    kept = select(CommunitySetting.id).where(
        CommunitySetting.community_id == community_id, CommunitySetting.key == ROLL_CONFIRMED
    )
    return db.session.scalar(kept) is not None

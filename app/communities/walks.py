"""Homes in the order in which letters are carried, and the parts of a community one can name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.communities import addresses, rules
from app.communities.models import Building, Estate, Household
from app.communities.queries import HouseholdAddress, residences, walking_order
from app.core.db import db
from app.core.errors import NotFound, RuleBroken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EVERYBODY = "all"


@dataclass(frozen=True, slots=True)
class Home:
    """A residence in its building's walk: the `number`-th of `of`.

    `elderly` tells whether the roll counts somebody of 60 or more there; None when it says nothing.
    The number is that of the whole building, whatever part is printed, so that a letter printed
    again still matches the delivery list.
    """

    address: HouseholdAddress
    estate_id: int
    number: int
    of: int
    elderly: bool | None

    @property
    def household_id(self) -> int:
        """The household's id."""
        return self.address.household_id


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a community that can be chosen: `key` goes into addresses.

    One of "all", "estate-3", "building-12", "stairwell-12-2", "household-77".
    """

    key: str
    name: str
    homes: int


def homes(community_id: int) -> list[Home]:
    """All residences of a community as a deliverer walks, numbered within their building."""
    rows = db.session.execute(
        select(
            Household.id,
            Household.building_id,
            Estate.name,
            Building.name,
            Household.stairwell,
            Household.room,
            Building.estate_id,
            Household.persons_60_plus,
        )
        .join(Building, Building.id == Household.building_id)
        .join(Estate, Estate.id == Building.estate_id)
        .where(*residences(community_id))
    ).all()
    found = sorted(
        ((HouseholdAddress(*row[:6]), row[6], row[7]) for row in rows),
        key=lambda one: walking_order(one[0]),
    )
    total = Counter(address.building_id for address, _estate, _old in found)
    seen: Counter[int] = Counter()
    walk = []
    for address, estate_id, old in found:
        building = address.building_id
        seen[building] += 1
        elderly = None if old is None else old > 0
        walk.append(Home(address, estate_id, seen[building], total[building], elderly))
    return walk


def chosen(walk: Sequence[Home], key: str) -> list[Home]:
    """The homes of one part, in order.

    Raises: NotFound when the key names nothing of this community.
    """
    kind, _dash, rest = key.partition("-")
    tests: dict[str, Callable[[Home], bool]] = {
        EVERYBODY: lambda _home: not rest,
        "estate": lambda home: str(home.estate_id) == rest,
        "building": lambda home: str(home.address.building_id) == rest,
        "stairwell": lambda home: f"{home.address.building_id}-{home.address.stairwell}" == rest,
        "household": lambda home: str(home.household_id) == rest,
    }
    found = [home for home in walk if tests[kind](home)] if kind in tests else []
    if not found and (walk or key != EVERYBODY):
        raise NotFound("part")
    return found


def part_name(part: Sequence[Home], key: str, everybody: str) -> str:
    """A part in words, by its homes: 槐香里一区 12甲号楼 2单元."""
    if key == EVERYBODY or not part:
        return everybody
    address = part[0].address
    depth = {"estate": 1, "building": 2, "stairwell": 3, "household": 4}[key.partition("-")[0]]
    if depth == 4:  # noqa: PLR2004 -- the depth of a home
        return address.text
    words = (
        address.estate,
        addresses.building_text(address.building),
        addresses.stairwell_text(address.stairwell),
    )
    return " ".join(word for word in words[:depth] if word)


def parts(walk: Sequence[Home], everybody: str) -> list[tuple[str, list[Part]]]:
    """What one can choose, by estate: the estate, its buildings, the stairwells of each.

    A building of one stairwell is not offered twice.
    """
    groups: list[tuple[str, list[Part]]] = [
        (everybody, [Part(EVERYBODY, everybody, len(walk))]),
    ]
    for estate, key, in_estate in _split(walk, lambda home: f"estate-{home.estate_id}"):
        offered = [_part(key, in_estate)]
        for _name, building, inside in _split(
            in_estate, lambda home: f"building-{home.address.building_id}"
        ):
            offered.append(_part(building, inside))
            stairs = _split(inside, _stairwell_key)
            offered += [_part(key, some) for _n, key, some in stairs] if len(stairs) > 1 else []
        groups.append((estate, offered))
    return groups


def _stairwell_key(home: Home) -> str:
    return f"stairwell-{home.address.building_id}-{home.address.stairwell}"


def _split(
    walk: Sequence[Home], key_of: Callable[[Home], str]
) -> list[tuple[str, str, list[Home]]]:
    """Homes by a key, in walking order: the estate's name, the key, the homes."""
    groups: dict[str, list[Home]] = {}
    for home in walk:
        groups.setdefault(key_of(home), []).append(home)
    return [(some[0].address.estate, key, some) for key, some in groups.items()]


def _part(key: str, inside: Sequence[Home]) -> Part:
    return Part(key, part_name(inside, key, ""), len(inside))


def named(
    walk: Sequence[Home], *, estate: str, building: str, stairwell: str, household: str
) -> str:
    """The key of the part that somebody names in words, as on the command line.

    A household is named as pages name it, 槐香里一区 3-2-501, or without its estate, and its parts
    as a roll may write them: 3#-2-0501. Raises:
    RuleBroken part.unknown; part.several when the words fit buildings of more than one estate.
    """
    wanted = (estate, rules.building_name(building), rules.stairwell_name(stairwell))
    fitting = [home for home in walk if _fits(home.address, wanted, household)]
    if not fitting:
        raise RuleBroken("part.unknown")
    first = fitting[0]
    if household:
        key, unlike = f"household-{first.household_id}", len(fitting) > 1
    elif building:
        one = first.address.building_id
        key = f"building-{one}" if not stairwell else _stairwell_key(first)
        unlike = any(home.address.building_id != one for home in fitting)
    else:
        key, unlike = (f"estate-{first.estate_id}", False) if estate else (EVERYBODY, False)
    if unlike:
        places = "、".join(dict.fromkeys(home.address.estate for home in fitting))
        raise RuleBroken("part.several", places=places)
    return key


def _fits(address: HouseholdAddress, wanted: tuple[str, str, str], household: str) -> bool:
    have = (address.estate, address.building, address.stairwell)
    if any(asked and asked != got for asked, got in zip(wanted, have, strict=True)):
        return False
    bare = address.short.removeprefix(address.estate).strip()
    return not household or not {household, _tidied(household)}.isdisjoint(
        {address.short, address.text, bare}
    )


def _tidied(household: str) -> str:
    """A home's short address with its parts as the roll keeps them: 3#-2-0501 is 3-2-501."""
    estate, _space, short = household.rpartition(" ")
    parts = short.split("-", 2)
    if len(parts) < 3:  # noqa: PLR2004 -- building, stairwell, room
        return household
    clean = (
        rules.building_name(parts[0]),
        rules.stairwell_name(parts[1]),
        rules.room_name(parts[2]),
    )
    return f"{estate} {'-'.join(clean)}".strip()

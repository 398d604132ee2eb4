"""A whole city of demo communities, made to measure an installation by: not to be looked at.

Every community goes through the operations that a real one uses: roll, codes, a project, an open
poll in which some households have voted.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app

from app.communities import operations as communities
from app.core import clock
from app.core.actor import SYSTEM, Role
from app.core.errors import RuleBroken
from app.people import operations as people
from app.portal import demo
from app.projects import operations as projects
from app.voting.launching import PollDraft
from app.voting.rules import Method, default_rules

DISTRICTS = 10
SUBDISTRICTS_EACH = 4
ROOMS_PER_STAIRWELL = 12
STAIRWELLS_PER_BUILDING = 4
OPEN_FOR = timedelta(days=14)
SEED = 20260101


@dataclass(frozen=True, slots=True)
class Size:
    """How large a city: communities, households in all, and ballots cast in each community."""

    communities: int
    households: int
    ballots: int


def build(size: Size, tell: Callable[[str], None]) -> None:
    """Make the city; `tell` hears of each community. Raises: RuleBroken demo.*, place.*."""
    if current_app.config["SETTINGS"].production:
        raise RuleBroken("demo.production")
    streets = _streets()
    for number in range(size.communities):
        homes = _share(size.households, size.communities, number)
        code = f"S{number + 1:03d}"
        _community(code, streets[number % len(streets)], homes, min(size.ballots, homes))
        tell(f"{code} households={homes}")


def _share(whole: int, parts: int, number: int) -> int:
    """The number-th of so many equal shares; the first ones take what does not divide."""
    return whole // parts + (number < whole % parts)


def _streets() -> list[int]:
    """The subdistricts of a city of its own, and an officer who sees the first district."""
    city = communities.add_jurisdiction(
        SYSTEM, level="city", code="SCALE", name="量测市", parent_id=None
    )
    streets = []
    for number in range(DISTRICTS):
        district = communities.add_jurisdiction(
            SYSTEM,
            level="district",
            code=f"SD{number + 1:02d}",
            name=f"量测{number + 1}区",
            parent_id=city,
        )
        streets += [
            communities.add_jurisdiction(
                SYSTEM,
                level="subdistrict",
                code=f"SD{number + 1:02d}{street + 1:02d}",
                name=f"{number + 1}区{street + 1}街道",
                parent_id=district,
            )
            for street in range(SUBDISTRICTS_EACH)
        ]
    people.add_staff(
        SYSTEM,
        sign_in_name="shiji",
        display="量测市住建局",
        password=demo.PASSWORD,
        role=Role.DISTRICT,
        jurisdiction_id=city,
    )
    return streets


def _community(code: str, street: int, homes: int, ballots: int) -> None:
    community_id = communities.add_community(
        SYSTEM,
        communities.NewCommunity(
            code=code,
            name=f"量测社区{code[1:]}",
            jurisdiction_id=street,
            desk_phone="10000000000",
            office="1 号楼一层",
            hours="周一至周五 8:30–17:00",
            intro="为量测而造，不是真的社区。",
            demo=True,
        ),
    )
    communities.import_roll(
        SYSTEM, community_id=community_id, data=_roll(code, homes), file_name=f"{code}.csv"
    )
    people.issue_codes(SYSTEM, community_id=community_id, household_ids=None)
    projects.add_project(
        SYSTEM, community_id=community_id, code="L01", text=demo.small_project(), picture=None
    )
    _poll(community_id, ballots)


def _roll(code: str, homes: int) -> bytes:
    lines = ["小区,楼栋,单元,房号,户主,联系电话,建筑面积", *_rows(code, homes)]
    return "\n".join(lines).encode()


def _rows(code: str, homes: int) -> Iterator[str]:
    for number in range(homes):
        stairwell, room = divmod(number, ROOMS_PER_STAIRWELL)
        building, stairwell = divmod(stairwell, STAIRWELLS_PER_BUILDING)
        name = f"{room // 2 + 1}0{room % 2 + 1}"
        phone = f"100{int(code[1:]):04d}{number:05d}"[:12]
        yield f"量测里,{building + 1},{stairwell + 1},{name},住户{number + 1},{phone},62.10"


def _poll(community_id: int, ballots: int) -> None:
    """An open poll; its ballots were cast between its opening an hour ago and now."""
    now = clock.now()
    opened = now - timedelta(hours=1)
    draft = PollDraft(
        title="院里添一组晾衣架和长椅，您同意吗？",
        explanation="",
        method=Method.YES_NO,
        projects=("L01",),
        rules=default_rules(Method.YES_NO),
        opens_at=opened,
        closes_at=demo.hour_of_day(now + OPEN_FOR, 18),
    )
    with clock.set_to(opened):
        poll = demo.open_at_once(community_id, draft)
    dice = random.Random(SEED + community_id)  # noqa: S311 -- the same city every time

    def answer() -> list[str]:
        return dice.choices(["yes", "no", "abstain"], [72, 20, 8])

    demo.cast_many(community_id, poll, ballots, (opened, now), answer, dice, first_home=0)

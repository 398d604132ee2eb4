"""A whole phone number is shown to the clerk alone, for a reason, once; the household is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from app.communities.models import Household
from app.core.actor import SYSTEM, WITHOUT_ACCOUNT, Actor, Role
from app.core.db import db, transaction
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.people import queries
from app.people.models import SecurityEvent
from app.people.revealing import reveal_phones
from app.people.rules import RevealReason
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from tests.support.world import Place


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community("HXL", 3)


def looks() -> list[dict[str, object]]:
    """What the security log tells of looks at whole numbers."""
    db.session.rollback()
    rows = db.session.scalars(
        select(SecurityEvent.facts).where(SecurityEvent.kind == "phone.revealed")
    )
    return list(rows)


def test_each_look_is_a_line_in_the_log_and_one_for_the_household(
    world: World, place: Place
) -> None:
    clerk, household = world.clerk(place), place.households[0]
    (phone,) = reveal_phones(
        clerk, community_id=place.id, household_id=household, reason=RevealReason.LETTER
    )
    assert phone.endswith(world.fact())
    assert queries.masked_phones(place.id, household) != [phone]
    reveal_phones(clerk, community_id=place.id, household_id=household, reason=RevealReason.NEWS)
    assert looks() == [
        {"household_id": household, "reason": "letter"},
        {"household_id": household, "reason": "news"},
    ]
    told = [line.text for line in queries.notices_for_desk(place.id, household, 9)]
    assert told == [
        "5月20日（周三）10:03，服务台看过本户登记的完整电话（有变动，要打电话通知住户）",
        "5月20日（周三）10:03，服务台看过本户登记的完整电话（信或通知没有送到）",
    ]
    assert queries.notices_for_desk(place.id, place.households[1], 9) == []


def test_nobody_but_a_clerk_of_this_community_sees_one(world: World, place: Place) -> None:
    other = world.community("YYL", 1)
    actors: list[Actor] = [world.staff(place, role).actor for role in Role if is_staff(role)]
    actors += [world.resident(place), world.clerk(other), SYSTEM, Actor()]
    for actor in actors:
        with pytest.raises(NotAllowed):
            look(place, actor, place.households[0])
    with pytest.raises(NotFound):
        look(place, world.clerk(place), other.households[0])
    assert looks() == []


def is_staff(role: Role) -> bool:
    return role not in {Role.CLERK, Role.RESIDENT, Role.SYSTEM} | WITHOUT_ACCOUNT


def look(place: Place, actor: Actor, household: int) -> list[str]:
    return reveal_phones(
        actor, community_id=place.id, household_id=household, reason=RevealReason.ASKED
    )


def test_the_page_asks_for_a_reason_and_shows_the_number_once(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 3)
    clerk = CheckedClient(web_app)
    clerk.staff(world.staff(place))
    address = f"/c/HXL/desk/households/{place.households[0]}"
    page = clerk.get(address).text
    assert "看完整号码" in page
    (masked,) = queries.masked_phones(place.id, place.households[0])
    assert masked in page

    unsaid = clerk.post(f"{address}/phones", {})
    assert (unsaid.status_code, "请选一个理由" in unsaid.text) == (422, True)
    assert clerk.post(f"{address}/phones", {"reason": "curious"}).status_code == 422
    assert looks() == []

    shown = clerk.post(f"{address}/phones", {"reason": "identity"})
    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    (whole,) = look(place, world.clerk(place), place.households[0])
    assert whole in shown.text
    again = clerk.get(address).text
    assert whole not in again
    assert "服务台看过本户登记的完整电话（当面核对身份）" in again

    member = CheckedClient(web_app)
    member.staff(world.staff(place, Role.COMMITTEE))
    assert member.post(f"{address}/phones", {"reason": "identity"}).status_code == 404


def test_a_household_without_a_phone_has_none_to_show(world: World, place: Place) -> None:
    clerk, household = world.clerk(place), place.households[0]
    with transaction() as session:
        session.execute(update(Household).where(Household.id == household).values(phones=""))
    with pytest.raises(RuleBroken, match=r"phones\.none"):
        look(place, clerk, household)
    assert looks() == []
    assert queries.notices_for_desk(place.id, household, 9) == []

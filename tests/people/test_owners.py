"""An owner is confirmed at the desk, reads what counts, and is none once the names change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from app.communities import operations as communities
from app.communities.models import Household
from app.communities.row_rules import RowChange, new_owner
from app.communities.titles import title_of
from app.core import clock
from app.core.actor import SYSTEM, Actor, Role
from app.core.db import db, transaction
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.correcting import operations as correcting
from app.people import browser, member_queries, memberships, owners, queries
from app.people import operations as people
from app.people.models import HouseholdNotice, HouseholdNoticeKind, Person, SecurityEvent
from app.people.rules import OWNER_LASTS
from app.policy.table import Place as Where
from app.roles import queries as roles
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from tests.support.world import Place, World

HEAD = "小区,楼栋,单元,房号,房屋用途,产权人,建筑面积,联系电话"
ROLL = (
    "一区,1,1,101,住宅,张三、李四,89.04,10000000001",
    "一区,1,1,102,住宅,张三、李四,60.5,10000000001",
    "一区,地下,,B1,车位,张三、李四,12,10000000001",
    "一区,1,1,103,住宅,王五,70,10000000004",
    "一区,1,1,104,住宅,,50,10000000005",
)


def filled(world: World, *lines: str) -> Place:
    """A community whose roll names owners."""
    place = world.community(households=1)
    bring(place, *lines)
    ids = tuple(db.session.scalars(select(Household.id).order_by(Household.id)))
    db.session.rollback()
    return replace(place, households=ids)


def bring(place: Place, *lines: str) -> None:
    communities.import_roll(
        SYSTEM,
        community_id=place.id,
        data="\n".join((HEAD, *lines)).encode(),
        file_name="roll.csv",
    )


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return filled(world, *ROLL)


def home(place: Place, room: str = "101") -> int:
    found = db.session.scalars(
        select(Household.id).where(Household.community_id == place.id, Household.room == room)
    ).one()
    db.session.rollback()
    return found


def comes_in(world: World, place: Place, room: str = "101", fact: str = "0001") -> tuple[int, str]:
    """Somebody comes in by the letter of a home; gives their line and their cookie."""
    (issued,) = people.issue_codes(SYSTEM, community_id=place.id, household_ids=[home(place, room)])
    came = people.enrol(Actor(), code=issued.code, second_fact=fact, adult=True, shared_phone=False)
    actor = actor_of(came.cookie_id)
    lines = member_queries.members(place.id, home(place, room))
    (mine,) = [line.member_id for line in lines if line.person_id == actor.person_id]
    db.session.rollback()
    return mine, came.cookie_id


def actor_of(cookie: str) -> Actor:
    found = queries.session_by_hash(browser.hash_of(cookie))
    db.session.rollback()
    assert found is not None
    return found.actor


def confirm(world: World, place: Place, member: int, room: str = "101") -> None:
    owners.confirm_owner(
        world.clerk(place), community_id=place.id, household_id=home(place, room), member_id=member
    )


def told(place: Place, room: str = "101") -> list[str]:
    kinds = db.session.scalars(
        select(HouseholdNotice.kind)
        .where(HouseholdNotice.household_id == home(place, room))
        .order_by(HouseholdNotice.id)
    )
    return [kind for kind in kinds if "owner" in kind]


def test_an_owner_is_one_of_just_this_home_for_three_years(world: World, place: Place) -> None:
    member, cookie = comes_in(world, place)
    assert not actor_of(cookie).owns(place.id, home(place))
    confirm(world, place, member)
    assert actor_of(cookie).owns(place.id, home(place))
    assert not actor_of(cookie).owns(place.id, home(place, "102"))
    assert told(place) == [HouseholdNoticeKind.OWNER_CONFIRMED]
    with clock.set_to(clock.now() + OWNER_LASTS - timedelta(seconds=1)):
        (line,) = member_queries.members(place.id, home(place))
        assert line.owner_until is not None
    with clock.set_to(clock.now() + OWNER_LASTS):
        (line,) = member_queries.members(place.id, home(place))
        assert line.owner_until is None


def test_who_cannot_be_confirmed_and_by_whom(world: World, place: Place) -> None:
    member, _cookie = comes_in(world, place)
    confirm(world, place, member)
    with pytest.raises(RuleBroken, match=r"owner\.known"):
        confirm(world, place, member)
    tenant, _cookie = comes_in(world, place, "104", "0005")
    with pytest.raises(RuleBroken, match=r"owner\.nobody"):
        confirm(world, place, tenant, "104")
    with pytest.raises(NotFound):
        confirm(world, place, member, "103")
    minor, cookie = comes_in(world, place, "103", "0004")
    with transaction() as session:
        young = {"minor_declared_at": clock.now(), "adult_declared_at": None}
        whose = Person.id == actor_of(cookie).person_id
        session.execute(update(Person).where(whose).values(young))
    with pytest.raises(RuleBroken, match=r"owner\.minor"):
        confirm(world, place, minor, "103")
    for role in (Role.COMMITTEE, Role.COMMITTEE_CHAIR, Role.SUPERVISOR, Role.DISTRICT):
        with pytest.raises(NotAllowed):
            owners.confirm_owner(
                world.staff(place, role).actor,
                community_id=place.id,
                household_id=home(place),
                member_id=member,
            )


def test_a_member_whom_the_family_does_not_know_is_asked_about_first(
    world: World, place: Place
) -> None:
    _member, cookie = comes_in(world, place)
    stranger, _other = comes_in(world, place)
    memberships.contest_member(actor_of(cookie), community_id=place.id, member_id=stranger)
    with pytest.raises(RuleBroken, match=r"owner\.contested"):
        confirm(world, place, stranger)


def test_no_clerk_confirms_in_their_own_home(world: World, place: Place) -> None:
    member, cookie = comes_in(world, place)
    clerk, resident = world.clerk(place), actor_of(cookie)
    both = replace(clerk, homes=resident.homes)
    with pytest.raises(RuleBroken, match="own_household"):
        owners.confirm_owner(
            both, community_id=place.id, household_id=home(place), member_id=member
        )
    with pytest.raises(RuleBroken, match="own_household"):
        owners.end_owner(both, community_id=place.id, household_id=home(place), member_id=member)


def test_the_desk_takes_it_back_at_once(world: World, place: Place) -> None:
    member, cookie = comes_in(world, place)
    with pytest.raises(NotFound):
        owners.end_owner(
            world.clerk(place), community_id=place.id, household_id=home(place), member_id=member
        )
    confirm(world, place, member)
    owners.end_owner(
        world.clerk(place), community_id=place.id, household_id=home(place), member_id=member
    )
    assert not actor_of(cookie).owns(place.id, home(place))
    assert told(place) == [HouseholdNoticeKind.OWNER_CONFIRMED, HouseholdNoticeKind.OWNER_ENDED]
    confirm(world, place, member)
    assert actor_of(cookie).owns(place.id, home(place)), "papers were seen again"


@pytest.mark.parametrize(
    ("names", "stays"),
    [("李四/张三", True), ("张三", False), ("赵六", False), ("张三、李四、赵六", False)],
    ids=["turned round", "one fewer", "another", "one more"],
)
def test_an_import_that_names_other_owners_ends_it(
    world: World, place: Place, names: str, stays: bool
) -> None:
    member, cookie = comes_in(world, place)
    beside, other = comes_in(world, place, "103", "0004")
    confirm(world, place, member)
    confirm(world, place, beside, "103")
    bring(place, f"一区,1,1,101,住宅,{names},89.04,10000000001", *ROLL[1:])
    assert actor_of(cookie).owns(place.id, home(place)) is stays
    assert told(place)[1:] == ([] if stays else [HouseholdNoticeKind.OWNER_ENDED])
    assert actor_of(other).owns(place.id, home(place, "103")), "nobody named others there"
    seen = db.session.scalars(select(SecurityEvent.kind)).all()
    assert ("owner.ended_by_roll" in seen) is not stays


def test_a_correction_of_the_names_ends_it_and_one_of_the_phone_does_not(
    world: World, place: Place
) -> None:
    member, cookie = comes_in(world, place)
    confirm(world, place, member)

    def correct(change: RowChange) -> None:
        correcting.correct_roll(
            world.clerk(place), community_id=place.id, household_id=home(place), change=change
        )

    correct(RowChange(phones="13900000000"))
    assert actor_of(cookie).owns(place.id, home(place))
    correct(RowChange(owner_name="张三"))
    assert not actor_of(cookie).owns(place.id, home(place))


@pytest.mark.parametrize("how", ["left", "moved", "sold"])
def test_whoever_is_out_is_no_owner_when_they_come_back(
    world: World, place: Place, how: str
) -> None:
    member, cookie = comes_in(world, place)
    confirm(world, place, member)
    seen = member_queries.who_is_in_mark(place.id, home(place))
    here = {"community_id": place.id, "household_id": home(place)}
    if how == "left":
        memberships.leave_household(actor_of(cookie), **here)
    elif how == "moved":
        memberships.move_out(world.clerk(place), **here, seen=seen)
    else:
        change = new_owner(owner="赵六", phones="10000000001")
        memberships.change_owner(world.clerk(place), **here, change=change, seen=seen)
    comes_in(world, place)
    (line,) = member_queries.members(place.id, home(place))
    assert line.owner_until is None


def test_a_second_home_stays_owned_when_the_first_is_left(world: World, place: Place) -> None:
    member, cookie = comes_in(world, place)
    confirm(world, place, member)
    (issued,) = people.issue_codes(
        SYSTEM, community_id=place.id, household_ids=[home(place, "102")]
    )
    people.enrol(
        actor_of(cookie),
        code=issued.code,
        second_fact="0001",
        adult=True,
        shared_phone=False,
        same_person=True,
    )
    (second,) = member_queries.members(place.id, home(place, "102"))
    db.session.rollback()
    confirm(world, place, second.member_id, "102")
    memberships.leave_household(actor_of(cookie), community_id=place.id, household_id=home(place))
    assert not actor_of(cookie).owns(place.id, home(place))
    assert actor_of(cookie).owns(place.id, home(place, "102"))


def test_the_same_owners_units_count_as_one_head_and_parking_has_no_area(
    world: World, place: Place
) -> None:
    held = title_of(place.id, home(place))
    assert (held.counted.heads, held.counted.area_c, len(held.units)) == (1, 8904, 1)
    db.session.rollback()
    communities.decide_owner_set(
        world.clerk(place),
        community_id=place.id,
        household_ids=sorted(home(place, room) for room in ("101", "102", "B1")),
        confirmed=True,
    )
    held = title_of(place.id, home(place, "102"))
    assert (held.counted.heads, held.counted.area_c) == (1, 14954)
    assert (held.units[0].area_c, held.units[0].basis) == (6050, "registered")
    assert len(held.units) == 3
    assert title_of(place.id, home(place, "103")).counted.area_c == 7000


def test_nobody_in_office_is_shown_as_one_for_owning(world: World, place: Place) -> None:
    member, _cookie = comes_in(world, place)
    confirm(world, place, member)
    assert {one.role for one in roles.living(Where(place.id))} == {Role.CLERK}
    assert roles.ended(Where(place.id)) == []


def test_an_owner_reads_names_in_full_and_whoever_lives_there_does_not(
    client: CheckedClient, web_app: Flask, web_world: World, fixed_clock: datetime
) -> None:
    place = filled(web_world, *ROLL)
    tenant, clerk = CheckedClient(web_app), CheckedClient(web_app)
    for visitor in (client, tenant):
        (issued,) = issue(place)
        answer = visitor.post("/e", {"code": issued, "second_fact": "0001", "adult": "y"})
        assert answer.status_code == 303
        visitor.signed_in = True
        assert visitor.get(f"/c/{place.code}/mine/title").status_code == 404
        assert "我是这套房的业主" not in visitor.get(f"/c/{place.code}/mine").text
    clerk.staff(web_world.staff(place))
    first = member_queries.members(place.id, home(place))[0].member_id
    db.session.rollback()
    desk = f"/c/{place.code}/desk/households/{home(place)}"
    assert f'href="{desk}/members/{first}/owner"' in clerk.get(desk).text
    asked = clerk.get(f"{desk}/members/{first}/owner").text
    assert "张三、李四" in asked
    assert clerk.post(f"{desk}/members/{first}/owner").status_code == 303
    assert "有效到 2029年5月19日" in clerk.get(desk).text
    assert "我是这套房的业主" in client.get(f"/c/{place.code}/mine").text
    shown = client.get(f"/c/{place.code}/mine/title").text
    for word in ("张三、李四", "10000000001", "89.04 平方米", "算 1 位业主", "2029年5月19日"):
        assert word in shown, word
    assert tenant.get(f"/c/{place.code}/mine/title").status_code == 404
    assert "服务台看过证件，家里有一位是业主" in tenant.get(f"/c/{place.code}/mine").text
    assert "服务台看过证件，是业主" in client.get(f"/c/{place.code}/mine/data").text
    # Twice is told calmly, and taking it back closes the page on the next request.
    again = clerk.post(f"{desk}/members/{first}/owner")
    assert "已经核对过是业主了" in clerk.get(again.location).text
    assert clerk.get(f"{desk}/members/{first}/owner/end").status_code == 200
    assert clerk.post(f"{desk}/members/{first}/owner/end").status_code == 303
    assert client.get(f"/c/{place.code}/mine/title").status_code == 404


def issue(place: Place) -> list[str]:
    issued = people.issue_codes(SYSTEM, community_id=place.id, household_ids=[home(place)])
    return [one.code for one in issued]


def test_an_owner_of_another_home_than_the_one_acted_for_meets_no_page(
    client: CheckedClient, web_world: World, fixed_clock: datetime
) -> None:
    place = filled(web_world, *ROLL)
    (code,) = issue(place)
    client.post("/e", {"code": code, "second_fact": "0001", "adult": "y"})
    client.signed_in = True
    web_world.give(place, Role.OWNER)
    assert client.get(f"/c/{place.code}/mine/title").status_code == 200
    second = home(place, "102")
    (issued,) = people.issue_codes(SYSTEM, community_id=place.id, household_ids=[second])
    more = {"code": issued.code, "second_fact": "0001", "adult": "y", "add": "y"}
    assert client.post("/e", more).status_code == 303
    assert client.post(f"/c/{place.code}/mine/homes/{second}").status_code == 303
    assert client.get(f"/c/{place.code}/mine/title").status_code == 404
    assert client.post(f"/c/{place.code}/mine/homes/{home(place)}").status_code == 303
    assert client.get(f"/c/{place.code}/mine/title").status_code == 200

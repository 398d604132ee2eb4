"""A home is sold: nothing of the former owners is left for the next, and sets of owners follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.communities import operations as communities
from app.communities import roll_queries
from app.communities.models import Household, OwnerSet, OwnerSetUnit
from app.communities.row_rules import new_owner
from app.core.actor import Actor, Role
from app.core.db import db, let_go, transaction
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.people import browser, member_queries, memberships, operations, queries
from app.people.door import Entry
from app.people.models import Membership, SecurityEvent
from app.voting.models import Poll, PollVoter
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.world import Place, World


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    found = world.community(households=5)
    with transaction() as session:
        for home in found.households[:3]:
            row = session.get(Household, home)
            assert row is not None
            row.owner_name, row.tenant, row.title_hash = "张三", "租客", "f" * 64
            row.area_registered_c = 5630
    return found


def sell(
    world: World, place: Place, index: int = 0, *, actor: Actor | None = None, seen: str = ""
) -> int:
    home = place.households[index]
    mark = seen or member_queries.who_is_in_mark(place.id, home)
    db.session.rollback()
    return memberships.change_owner(
        actor or world.clerk(place),
        community_id=place.id,
        household_id=home,
        change=new_owner(owner="李四 王五", phones="13900008888"),
        seen=mark,
    )


def join_as_one(world: World, place: Place, *numbers: int, confirmed: bool = True) -> None:
    communities.decide_owner_set(
        world.clerk(place),
        community_id=place.id,
        household_ids=[place.households[number] for number in numbers],
        confirmed=confirmed,
    )


def row(place: Place, index: int = 0) -> Household:
    db.session.rollback()
    found = db.session.get(Household, place.households[index])
    assert found is not None
    return found


def test_the_next_owner_finds_nothing_of_the_last(world: World, place: Place) -> None:
    code = world.code(place)
    former, cookie = world.signed_in(place, 0)
    poll = world.poll(place)
    world.cast(former, place, poll, "yes")
    assert sell(world, place) == 1
    assert queries.session_by_hash(browser.hash_of(cookie)) is None
    db.session.rollback()
    sold = row(place)
    assert (sold.owner_name, sold.phones) == ("李四、王五", "13900008888")
    assert (sold.household_head, sold.tenant, sold.title_hash) == ("", "", "")
    assert sold.area_registered_c == 5630
    for fact in (world.fact(), "8888"):
        came = operations.enrol(
            Actor(), code=code, second_fact=fact, adult=True, shared_phone=False
        )
        assert came.entry is not Entry.WELCOME, "the old letter opens nothing"
    came = operations.enrol(
        Actor(), code=world.code(place), second_fact="8888", adult=True, shared_phone=False
    )
    assert came.entry is Entry.WELCOME
    found = queries.session_by_hash(browser.hash_of(came.cookie_id))
    assert found is not None
    newcomer = found.actor
    lines = queries.household_notices(place.id, place.households[0], 50, reader=newcomer.person_id)
    assert not any("投票" in line.text for line in lines)
    db.session.rollback()
    # The electorate was frozen at the opening, and the household has one ballot as before.
    assert world.cast(newcomer, place, poll, "no").version == 2
    heads = db.session.scalar(select(Poll.heads))
    assert heads == db.session.query(PollVoter).count() == 5


def test_a_set_of_owners_lets_the_sold_unit_go_and_keeps_the_rest(
    world: World, place: Place
) -> None:
    join_as_one(world, place, 0, 1, 2)
    assert roll_queries.count_owners(place.id, parking=False).heads == 3
    db.session.rollback()
    sell(world, place)
    db.session.rollback()
    sets = roll_queries.confirmed_sets(place.id)
    assert set(sets) == {place.households[1], place.households[2]}
    assert len(set(sets.values())) == 1
    # 李四 and 王五, 张三 with two units, and two others.
    assert roll_queries.count_owners(place.id, parking=False).heads == 4
    assert roll_queries.owner_page(place.id, 1).confirmed[0].household_ids == place.households[1:3]


def test_of_two_units_one_sold_leaves_no_set(world: World, place: Place) -> None:
    join_as_one(world, place, 0, 1)
    sell(world, place)
    db.session.rollback()
    assert db.session.scalars(select(OwnerSetUnit)).all() == []
    assert db.session.scalars(select(OwnerSet)).all() == []


def test_what_was_said_of_the_former_owner_may_be_asked_anew(world: World, place: Place) -> None:
    join_as_one(world, place, 0, 1, confirmed=False)
    join_as_one(world, place, 3, 4, confirmed=False)
    sell(world, place)
    db.session.rollback()
    left = db.session.scalars(select(OwnerSet.units)).all()
    assert [tuple(units) for units in left] == [place.households[3:5]]


def test_who_may_not_and_what_is_refused(world: World, place: Place) -> None:
    from dataclasses import replace

    for role in (Role.COMMITTEE, Role.SUPERVISOR, Role.COMMITTEE_CHAIR, Role.ADMINISTRATOR):
        with pytest.raises(NotAllowed):
            sell(world, place, actor=world.staff(place, role).actor)
    other = world.community("YYL", 2)
    with pytest.raises(NotFound):
        memberships.change_owner(
            world.clerk(other),
            community_id=other.id,
            household_id=place.households[0],
            change=new_owner(owner="李四", phones=""),
            seen="0-0-0",
        )
    resident = world.resident(place, 0)
    with pytest.raises(RuleBroken, match=r"member\.changed"):
        sell(world, place, seen="0-0-0")
    let_go()
    own = replace(world.clerk(place), homes=resident.homes)
    with pytest.raises(RuleBroken, match="own_household"):
        sell(world, place, actor=own)
    let_go()
    assert row(place).owner_name == "张三"
    assert db.session.scalars(select(Membership.ended_at)).all() == [None]


def test_the_log_names_no_owner(world: World, place: Place) -> None:
    sell(world, place)
    line = db.session.scalars(select(SecurityEvent).order_by(SecurityEvent.id.desc())).first()
    assert line is not None
    assert line.kind == "household.owner_changed"
    assert "李四" not in str(line.facts)


def test_the_page_says_what_follows(
    client: CheckedClient, web_world: World, fixed_clock: datetime
) -> None:
    place = web_world.community("HXL", 3)
    join_as_one(web_world, place, 0, 1)
    phone = CheckedClient(web_world.app)
    phone.enter(web_world, place, 0)
    client.staff(web_world.staff(place))
    home = f"/c/HXL/desk/households/{place.households[0]}"
    page = f"{home}/owner"
    assert f'href="{page}"' in client.get(home).text
    shown = client.get(page).text
    for words in ("参加名单在开放时已经定下", "按新房主算", "和别的房子算作同一个业主"):
        assert words in shown, words
    fields = client.fields(page, page)
    fields.pop("checked")
    assert client.post(page, fields | {"owner": "李四"}).status_code == 422, "the tick is missing"
    sure = fields | {"owner": "李四", "checked": "y"}
    bad = client.post(page, sure | {"phones": "没有"})
    assert (bad.status_code, "电话写得不对" in bad.text) == (422, True)
    assert client.post(page, sure).status_code == 303
    assert "换了房主" in client.get(home).text or "办了换房主" in client.get(home).text
    phone.signed_in = False
    door = phone.get(phone.get("/c/HXL/mine").headers["Location"]).text
    assert "这一户换了房主" in door

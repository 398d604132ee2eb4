"""Under 14 nobody comes in, under 18 nobody votes or signs, and the desk confirms who is of age."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.communities import setting_operations
from app.core.actor import SYSTEM, Actor, Role
from app.core.db import db, let_go
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.people import ages, browser, member_queries, memberships, operations, queries
from app.people.models import HouseholdNotice, Person, SecurityEvent
from app.people.rules import Younger, check_age
from app.voting.models import Ballot
from tests.conventions.test_vote import handed_in
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.world import Place, World


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community(households=3)


def come_in(world: World, place: Place, younger: Younger | None, *, adult: bool = False) -> str:
    enrolled = operations.enrol(
        Actor(),
        code=world.code(place),
        second_fact=world.fact(),
        adult=adult,
        shared_phone=False,
        younger=younger,
    )
    return enrolled.cookie_id


def actor_of(cookie: str) -> Actor:
    found = queries.session_by_hash(browser.hash_of(cookie))
    db.session.rollback()
    assert found is not None
    return found.actor


@pytest.mark.parametrize(
    ("adult", "younger", "code"),
    [
        (False, None, "enrol.not_adult"),
        (True, Younger.MINOR, "enrol.two_ages"),
        (True, Younger.CHILD, "enrol.child"),
        (False, Younger.CHILD, "enrol.child"),
    ],
)
def test_what_somebody_says_of_their_age(adult: bool, younger: Younger | None, code: str) -> None:
    with pytest.raises(RuleBroken) as refusal:
        check_age(adult=adult, younger=younger)
    assert refusal.value.code == code


def test_of_a_child_nothing_is_kept(world: World, place: Place) -> None:
    code = world.code(place)
    before = db.session.scalar(select(func.count(SecurityEvent.id)))
    db.session.rollback()
    with pytest.raises(RuleBroken, match="child"):
        operations.enrol(
            Actor(),
            code=code,
            second_fact=world.fact(),
            adult=False,
            shared_phone=False,
            younger=Younger.CHILD,
        )
    let_go()
    assert db.session.scalar(select(func.count(Person.id))) == 0
    assert db.session.scalar(select(func.count(SecurityEvent.id))) == before


def test_a_minor_writes_but_neither_votes_nor_signs(world: World, place: Place) -> None:
    minor = actor_of(come_in(world, place, Younger.MINOR))
    assert not minor.adult
    poll, topic = world.poll(place), world.topic(place)
    with pytest.raises(RuleBroken, match=r"age\.minor"):
        world.cast(minor, place, poll, "yes")
    let_go()
    assert db.session.scalar(select(func.count(Ballot.id))) == 0
    assert world.post(place, f"topic:{topic}", minor)


def test_the_desk_confirms_and_then_they_vote(world: World, place: Place) -> None:
    cookie = come_in(world, place, Younger.MINOR)
    poll = world.poll(place)
    (line,) = member_queries.members(place.id, place.households[0])
    assert (line.minor, line.age_confirmed) == (True, False)
    known = {"household_id": place.households[0], "member_id": line.member_id}
    for role in (Role.COMMITTEE, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.DISTRICT):
        with pytest.raises(NotAllowed):
            memberships.confirm_age(
                world.staff(place, role).actor,
                community_id=place.id,
                **known,
            )
    other = world.community("YYL", 2)
    with pytest.raises(NotFound):
        memberships.confirm_age(world.clerk(other), community_id=other.id, **known)
    memberships.confirm_age(world.clerk(place), community_id=place.id, **known)
    with pytest.raises(RuleBroken, match=r"age\.known"):
        memberships.confirm_age(world.clerk(place), community_id=place.id, **known)
    assert world.cast(actor_of(cookie), place, poll, "yes").version == 1
    told = db.session.scalars(select(HouseholdNotice.kind)).all()
    assert "age_confirmed" in told


def test_a_ballot_is_not_handed_on_to_a_minor(world: World, place: Place) -> None:
    minor = actor_of(come_in(world, place, Younger.MINOR))
    assert ages.is_minor(db.session(), minor.require_person())
    adult = world.resident(place, 1)
    assert not ages.is_minor(db.session(), adult.require_person())


def test_where_asked_a_residents_decision_needs_the_desks_word(world: World, place: Place) -> None:
    """By default one's own word counts; a community may ask that papers were seen."""
    voter = world.resident(place, 0)
    home = place.id, place.households[0]
    ages.check_confirmed(db.session(), *home, voter.require_person())
    let_go()
    setting_operations.change_community_setting(
        SYSTEM, community_id=place.id, key="age_at_desk", value="yes", seen="", reason="表决慎重"
    )
    with pytest.raises(RuleBroken, match=r"age\.not_confirmed"):
        ages.check_confirmed(db.session(), *home, voter.require_person())
    let_go()
    # A survey of wishes is no residents' decision.
    assert world.cast(voter, place, world.poll(place), "yes").version == 1
    (line,) = member_queries.members(*home)
    let_go()
    memberships.confirm_age(
        world.clerk(place), community_id=place.id, household_id=home[1], member_id=line.member_id
    )
    ages.check_confirmed(db.session(), *home, voter.require_person())


def test_the_residents_ballot_itself_is_held_to_it(world: World, place: Place) -> None:
    """A vote of the residents' meeting on a convention, where the community asks for papers."""
    handed_in(place)
    poll = world.text_poll(place, "convention:1")
    voter = world.resident(place, 0)
    setting_operations.change_community_setting(
        SYSTEM, community_id=place.id, key="age_at_desk", value="yes", seen="", reason="表决慎重"
    )
    with pytest.raises(RuleBroken, match=r"age\.not_confirmed"):
        world.cast(voter, place, poll, "yes")
    let_go()
    assert db.session.scalar(select(func.count(Ballot.id))) == 0
    (line,) = member_queries.members(place.id, place.households[0])
    let_go()
    memberships.confirm_age(
        world.clerk(place),
        community_id=place.id,
        household_id=place.households[0],
        member_id=line.member_id,
    )
    assert world.cast(voter, place, poll, "yes").version == 1


def test_the_door_and_the_pages_say_what_to_do(client: CheckedClient, web_world: World) -> None:
    place = web_world.community("HXL", 3)
    poll = web_world.poll(place)
    typed = {"code": web_world.code(place), "second_fact": web_world.fact()}
    child = client.post("/e", typed | {"younger": "child"})
    assert (child.status_code, "什么都没有记下" in child.text) == (422, True)
    unsaid = client.post("/e", typed)
    assert (unsaid.status_code, "还没有说年龄" in unsaid.text) == (422, True)
    assert client.post("/e", typed | {"younger": "minor"}).headers["Location"] == "/c/HXL/"
    client.signed_in = True
    assert "票由家里的大人投" in client.get(f"/c/HXL/votes/{poll}/ballot").text
    assert "自己说 14 到 17 周岁" in client.get("/c/HXL/mine").text
    desk = CheckedClient(web_world.app)
    desk.staff(web_world.staff(place))
    (line,) = member_queries.members(place.id, place.households[0])
    db.session.rollback()
    home = f"/c/HXL/desk/households/{place.households[0]}"
    page = f"{home}/members/{line.member_id}/age"
    assert f'href="{page}"' in desk.get(home).text
    assert "号码和照片都不记" in desk.get(page).text
    assert desk.post(page).status_code == 303
    assert "满 18 周岁" in desk.get(home).text
    assert "您同意吗" in client.get(f"/c/HXL/votes/{poll}/ballot").text

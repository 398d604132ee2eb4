"""Whoever left or has another phone takes a copy along from the desk, which reads none of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.actor import Actor, Home, Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.correcting import operations as corrections
from app.correcting.rules import What
from app.keeping import persons
from app.people import memberships
from app.people import operations as people
from app.people.member_queries import who_is_in_mark
from app.people.models import HouseholdNotice, Membership, SecurityEvent
from app.portal.own_data import kept_about, kept_at_desk
from tests.exports.papers import words_of

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.checked_client import CheckedClient
    from tests.support.world import Place, World


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community("HXL", 4)


def lived_here(world: World, place: Place) -> tuple[Actor, str]:
    """Somebody who wrote, voted twice and left; what they wrote nobody else has seen."""
    actor = world.resident(place, 1)
    poll = world.poll(place, title="建不建*长椅*？")
    world.cast(actor, place, poll, "no")
    clock.advance(timedelta(minutes=7))
    world.cast(actor, place, poll, "yes")
    world.post(place, f"topic:{world.topic(place)}", actor, "树#荫道*太暗")
    clock.advance(timedelta(hours=1))
    memberships.leave_household(actor, community_id=place.id, household_id=place.households[1])
    (line,) = db.session.scalars(select(Membership.id))
    db.session.rollback()
    return actor, f"/c/HXL/desk/households/{place.households[1]}/members/{line}/copy"


def copied() -> list[dict[str, Any]]:
    db.session.rollback()
    kind = SecurityEvent.kind == "person.copied"
    return list(db.session.scalars(select(SecurityEvent.facts).where(kind)))


def test_the_desk_hands_out_a_file_and_shows_nothing_of_it(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    _actor, page = lived_here(web_world, place)
    client.staff(web_world.staff(place))
    home = f"/c/HXL/desk/households/{place.households[1]}"
    assert f'href="{page}"' in client.get(home).text
    shown = client.get(page).text
    assert "请不要打开看" in shown
    for content in ("树#荫道", "长椅"):
        assert content not in shown, "the clerk needs no content to hand it out"
    assert client.post(page, {"how": "file"}).status_code == 422
    assert copied() == [], "nobody was said to be present"

    answer = client.post(page, {"how": "file", "sure": "y"})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="HXL-copy.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    kept = json.loads(answer.data)["kept"]
    assert [one["written"] for one in kept["opinions"]["items"]] == ["树#荫道*太暗"]
    (ballot,) = kept["ballots"]["items"]
    assert (ballot["title"], ballot["counted"]) == ("建不建*长椅*？", True)
    assert ballot.keys() == {"poll_id", "title", "counted", "day"}
    (visit,) = kept["sign_ins"]["items"]
    assert visit["last_seen_at"] == ballot["day"] == "2026-05-20", "the day, never the moment"

    paper = words_of(client.post(page, {"how": "paper", "sure": "y"}).data)
    assert "树#荫道*太暗" in paper
    assert "您投过的票" in paper
    for choice in ("反对", "同意", "弃权", "第2次"):
        assert choice not in paper
    assert [(one["how"], one["household"]) for one in copied()] == [
        ("file", place.households[1]),
        ("paper", place.households[1]),
    ]
    told = client.get(home).text
    assert told.count("家里有一位在服务台当面要了一份自己的资料") == 2
    assert "树#荫道" not in told


def test_without_a_fresh_proof_nothing_is_handed_out(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    _actor, page = lived_here(web_world, place)
    client.staff(web_world.staff(place))
    clock.advance(timedelta(minutes=11))
    answer = client.post(page, {"how": "file", "sure": "y"})
    assert (answer.status_code, "/prove" in answer.headers["Location"]) == (303, True)
    assert "/prove" in client.get(page).headers["Location"]
    assert copied() == []


def test_only_a_clerk_of_the_place_and_not_for_the_own_home(world: World) -> None:
    place, other = world.community("HXL", 3), world.community("YYL", 1)
    world.resident(place, 1)
    (line,) = db.session.scalars(select(Membership))
    known: dict[str, Any] = {
        "household_id": place.households[1],
        "member_id": line.id,
        "how": "file",
    }
    person_id = line.person_id
    db.session.rollback()
    for role in (Role.COMMITTEE, Role.SUPERVISOR, Role.DISTRICT, Role.ADMINISTRATOR):
        with pytest.raises(NotAllowed):
            persons.copy_present(world.staff(place, role).actor, community_id=place.id, **known)
    with pytest.raises(NotFound):
        persons.copy_present(world.clerk(other), community_id=other.id, **known)
    clerk = world.clerk(place)
    elsewhere = known | {"household_id": place.households[0]}
    with pytest.raises(NotFound):
        persons.copy_present(clerk, community_id=place.id, **elsewhere)
    neighbour = Actor(
        clerk.person_id,
        clerk.person_ref,
        homes=(Home(place.id, place.households[1]),),
        grants=clerk.grants,
    )
    with pytest.raises(RuleBroken, match="own_household"):
        persons.copy_present(neighbour, community_id=place.id, **known)
    assert copied() == []
    assert persons.copy_present(clerk, community_id=place.id, **known) == person_id


def test_whoever_lives_there_since_is_not_told(world: World) -> None:
    place = world.community("HXL", 2)
    world.resident(place, 0)
    (line,) = db.session.scalars(select(Membership.id))
    home, clerk = place.households[0], world.clerk(place)
    seen = who_is_in_mark(place.id, home)
    db.session.rollback()
    memberships.move_out(clerk, community_id=place.id, household_id=home, seen=seen)
    persons.copy_present(
        clerk, community_id=place.id, household_id=home, member_id=line, how="paper"
    )
    assert len(copied()) == 1
    kinds = list(db.session.scalars(select(HouseholdNotice.kind)))
    assert "member_copied" not in kinds


def test_another_home_of_theirs_is_not_in_it(world: World) -> None:
    place = world.community("HXL", 3)
    actor = world.resident(place, 0)
    people.enrol(
        actor,
        code=world.code(place, 1),
        second_fact=world.fact(1),
        adult=True,
        shared_phone=False,
        same_person=True,
    )
    here, there = place.households[:2]
    both = Actor(
        actor.person_id,
        actor.person_ref,
        homes=(Home(place.id, there),),
        session_id=actor.session_id,
    )
    poll = world.poll(place)
    world.cast(both, place, poll, "yes")
    corrections.ask_correction(
        both, community_id=place.id, household_id=there, what=What.OTHER, text="电话错了", once="1"
    )
    whole = {one.name: one for one in kept_about(place.id, actor.require_person())}
    assert (len(whole["households"].facts), len(whole["ballots"].facts)) == (2, 1)
    for home, ballots in ((here, 0), (there, 1)):
        desk = {one.name: one for one in kept_at_desk(place.id, actor.require_person(), home)}
        assert desk.keys() == whole.keys(), "no sort of thing is left out"
        assert [one["household_id"] for one in desk["households"].facts] == [home]
        assert len(desk["ballots"].facts) == len(desk["corrections"].facts) == ballots
    db.session.rollback()

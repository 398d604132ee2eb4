"""What the desk may print of a household's ballots: that there was one, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.communities import queries as places
from app.core.actor import Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound
from app.exports.operations import print_took_part
from app.people.models import SecurityEvent
from app.people.queries import household_notices
from tests.exports.papers import A4_POINTS, sizes_of, words_of
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask


def test_it_names_the_polls_and_no_choice_and_the_household_is_told(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 3)
    poll = world.poll(place, title="建不建*长椅*？")
    world.poll(place, title="没投的那一项？")
    world.cast(world.resident(place, 0), place, poll, "no")
    world.cast(world.resident(place, 1), place, poll, "yes")
    view, clerk = places.community_by_id(place.id), world.clerk(place)
    papers = [
        print_took_part(clerk, community=view, household_id=household)
        for household in place.households
    ]
    against, in_favour, absent = map(words_of, papers)
    for words in (against, in_favour):
        assert "建不建*长椅*？意愿征集5月20日（周三）" in words
        assert "没投的那一项" not in words
        for choice in ("反对", "同意", "弃权"):
            assert choice not in words, "the desk never learns a choice"
    assert against.replace("1室", "2室") == in_favour, "the papers differ by the address alone"
    assert "还没有参加过投票" in absent
    assert sizes_of(papers[0]) == [A4_POINTS]
    (line, *_rest) = household_notices(place.id, place.households[2], 5, reader=None)
    assert "服务台给本户打印了参加证明" in line.text
    events = select(SecurityEvent.person_id).where(SecurityEvent.kind == "took_part.printed")
    assert list(db.session.scalars(events)) == [clerk.person_id] * 3
    db.session.rollback()


def test_only_a_clerk_of_the_community_prints_it(world: World, fixed_clock: datetime) -> None:
    place, other = world.community("HXL", 1), world.community("YYL", 1)
    view, (home,) = places.community_by_id(place.id), place.households
    for role in (Role.COMMITTEE, Role.SUPERVISOR, Role.DISTRICT):
        with pytest.raises(NotAllowed):
            print_took_part(world.staff(place, role).actor, community=view, household_id=home)
    with pytest.raises(NotAllowed):
        print_took_part(world.resident(place), community=view, household_id=home)
    with pytest.raises(NotFound):
        print_took_part(world.clerk(place), community=view, household_id=other.households[0])
    db.session.rollback()
    assert not list(
        db.session.scalars(
            select(SecurityEvent.id).where(SecurityEvent.kind == "took_part.printed")
        )
    )


def test_the_desk_prints_it_from_the_households_page(
    web_app: Flask, web_world: World, fixed_clock: datetime
) -> None:
    place = web_world.community("HXL", 2)
    client = CheckedClient(web_app)
    client.staff(web_world.staff(place))
    page = f"/c/HXL/desk/households/{place.households[0]}"
    answer = client.post(f"{page}/took-part.pdf", client.fields(page, f"{page}/took-part.pdf"))
    assert "参加证明" in words_of(answer.data)
    assert "服务台给本户打印了参加证明" in client.get(page).text

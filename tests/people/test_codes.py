"""Codes by the building: issued once the paper is made, revoked together, each household told."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.communities import queries as places
from app.communities import walks
from app.core.actor import SYSTEM, Actor, Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.exports import operations as exports
from app.exports.operations import LettersWanted
from app.exports.rules import HaveLetter
from app.people import member_queries, operations
from app.people.models import HouseholdNotice, HouseholdNoticeKind, SecurityEvent
from app.people.operations import Entry
from app.people.queries import letters_issued, living_codes
from tests.exports.papers import codes_on
from tests.support.world import Place, World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community("HXL", 4)


def enter(code: str, fact: str) -> Entry:
    return operations.enrol(
        Actor(), code=code, second_fact=fact, adult=True, shared_phone=False
    ).entry


def print_(
    place: Place,
    have: HaveLetter,
    part: str = "all",
    actor: Actor = SYSTEM,
    stamp: int | None = None,
) -> tuple[exports.PrintedLetters, list[str]]:
    out = io.BytesIO()
    view = places.community_by_id(place.id)
    done = exports.print_letters(
        actor, community=view, wanted=LettersWanted(part, have, stamp), out=out
    )
    return done, codes_on(out.getvalue())


def events(kind: str) -> list[dict[str, object]]:
    found = db.session.scalars(select(SecurityEvent.facts).where(SecurityEvent.kind == kind)).all()
    db.session.rollback()
    return list(found)


def told(kind: HouseholdNoticeKind) -> list[int]:
    rows = db.session.scalars(
        select(HouseholdNotice.household_id).where(HouseholdNotice.kind == kind)
    ).all()
    db.session.rollback()
    return sorted(rows)


def test_letters_open_the_door_and_are_noted_without_a_code(world: World, place: Place) -> None:
    clerk = world.clerk(place)
    done, codes = print_(place, HaveLetter.SKIP, actor=clerk)
    assert (done.letters, done.pages, done.voided) == (4, 4, 0)
    assert [enter(code, world.fact(n)) for n, code in enumerate(codes)] == [Entry.WELCOME] * 4
    (facts,) = events("letters.printed")
    assert facts == {"part": "all", "number": 4, "voided": 0}
    assert told(HouseholdNoticeKind.CODE_REISSUED) == []
    assert sorted(letters_issued(place.id)) == sorted(place.households)


def test_a_letter_printed_again_voids_the_old_one_and_its_household_is_told(
    world: World, place: Place
) -> None:
    _done, before = print_(place, HaveLetter.SKIP)
    one = f"household-{place.households[1]}"
    done, (after,) = print_(place, HaveLetter.REISSUE, one)
    assert (done.letters, done.voided) == (1, 1)
    assert enter(before[1], world.fact(1)) is Entry.REVOKED
    assert enter(after, world.fact(1)) is Entry.WELCOME
    assert enter(before[0], world.fact(0)) is Entry.WELCOME
    assert told(HouseholdNoticeKind.CODE_REISSUED) == [place.households[1]]


def test_a_printing_that_breaks_off_voids_nothing(world: World, place: Place) -> None:
    _done, before = print_(place, HaveLetter.SKIP)
    view, wanted = places.community_by_id(place.id), LettersWanted("all", HaveLetter.REISSUE)
    # A disk that is full, as the system has one ready.
    with pytest.raises(OSError, match="No space"), Path("/dev/full").open("r+b") as full:
        exports.print_letters(SYSTEM, community=view, wanted=wanted, out=full)
    assert enter(before[0], world.fact(0)) is Entry.WELCOME
    assert len(events("letters.printed")) == 1


def test_the_same_form_sent_twice_prints_once(world: World, place: Place) -> None:
    print_(place, HaveLetter.SKIP)
    _done, codes = print_(place, HaveLetter.REISSUE, stamp=4)
    with pytest.raises(RuleBroken, match=r"letters\.changed"):
        print_(place, HaveLetter.REISSUE, stamp=4)
    assert enter(codes[0], world.fact(0)) is Entry.WELCOME


def test_whoever_is_done_second_with_the_same_homes_is_refused(world: World, place: Place) -> None:
    view, wanted = places.community_by_id(place.id), LettersWanted("all", HaveLetter.SKIP)
    quicker: list[str] = []

    def meanwhile(_laid_out: int) -> None:
        quicker.extend(print_(place, HaveLetter.SKIP)[1])

    with pytest.raises(RuleBroken, match=r"codes\.changed"):
        exports.print_letters(
            SYSTEM, community=view, wanted=wanted, out=io.BytesIO(), told=meanwhile
        )
    assert enter(quicker[0], world.fact(0)) is Entry.WELCOME


def test_there_is_nothing_to_print_when_everybody_has_a_letter(place: Place) -> None:
    print_(place, HaveLetter.SKIP)
    with pytest.raises(RuleBroken, match=r"letters\.none"):
        print_(place, HaveLetter.SKIP)


def test_a_demo_prints_the_same_codes_again(world: World, place: Place) -> None:
    demo = world.community("DEMO", 3, demo=True)
    _done, before = print_(demo, HaveLetter.SKIP)
    done, again = print_(demo, HaveLetter.AGAIN)
    assert (again, done.voided) == (before, 0)
    done, new = print_(demo, HaveLetter.REISSUE)
    assert (set(new) & set(before), done.voided) == (set(), 3)
    with pytest.raises(RuleBroken, match="demo_only"):
        print_(place, HaveLetter.AGAIN)


def test_only_clerks_print_and_only_their_own_homes(world: World, place: Place) -> None:
    other = world.community("YYL", 2)
    for role in (Role.COMMITTEE, Role.SUPERVISOR, Role.DESIGNER):
        with pytest.raises(NotAllowed):
            print_(place, HaveLetter.SKIP, actor=world.staff(place, role).actor)
    with pytest.raises(NotAllowed):
        print_(other, HaveLetter.SKIP, actor=world.clerk(place))
    with pytest.raises(NotFound):
        print_(place, HaveLetter.SKIP, f"household-{other.households[0]}")


def test_a_buildings_codes_are_revoked_together(world: World, place: Place) -> None:
    _done, codes = print_(place, HaveLetter.SKIP)
    neighbours = world.community("YYL", 1)
    _done, theirs = print_(neighbours, HaveLetter.SKIP)
    enter(codes[0], world.fact(0))
    walk = walks.homes(place.id)
    ids = [home.household_id for home in walk]
    operations.revoke_code(world.clerk(place), community_id=place.id, household_id=ids[3])
    assert living_codes(place.id, ids) == 3
    revoke = {
        "community_id": place.id,
        "household_ids": ids,
        "part": f"building-{walk[0].address.building_id}",
    }
    with pytest.raises(RuleBroken, match=r"codes\.changed"):
        operations.revoke_codes(world.clerk(place), expected=4, **revoke)
    assert operations.revoke_codes(world.clerk(place), expected=3, **revoke) == 3
    assert [enter(code, world.fact(n)) for n, code in enumerate(codes)] == [Entry.REVOKED] * 4
    assert enter(codes[0], "9999") is Entry.REFUSED, "said only after both facts were right"
    assert enter(theirs[0], world.fact(0)) is Entry.WELCOME
    assert told(HouseholdNoticeKind.CODE_REVOKED) == sorted(ids), "the single one too, each once"
    assert events("codes.revoked") == [{"number": 3, "part": revoke["part"]}]
    assert len(member_queries.members(place.id, ids[0])) == 1, "who is in stays in"
    assert letters_issued(place.id) == {}


def test_only_clerks_revoke_and_only_their_own_homes(world: World, place: Place) -> None:
    other = world.community("YYL", 2)
    part = {"part": "all", "expected": 0}
    with pytest.raises(NotAllowed):
        operations.revoke_codes(
            world.staff(place, Role.COMMITTEE).actor,
            community_id=place.id,
            household_ids=place.households,
            **part,  # type: ignore[arg-type]
        )
    with pytest.raises(NotFound):
        operations.revoke_codes(
            world.clerk(place),
            community_id=place.id,
            household_ids=other.households,
            **part,  # type: ignore[arg-type]
        )


def test_two_thousand_homes_are_issued_and_revoked_in_slices(world: World) -> None:
    place = world.community("BIG", 1201)
    issued = operations.issue_codes(SYSTEM, community_id=place.id, household_ids=None)
    assert len({one.code for one in issued}) == 1201
    operations.issue_codes(SYSTEM, community_id=place.id, household_ids=None)
    assert living_codes(place.id, place.households) == 1201
    done = operations.revoke_codes(
        SYSTEM, community_id=place.id, household_ids=place.households, expected=1201, part="all"
    )
    assert done == 1201


def test_an_operator_revokes_a_homes_or_a_buildings_codes_by_one_line(
    app: Flask, place: Place
) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = app.test_cli_runner().invoke(args=["codes", "revoke", place.code, *words])
        return done.exit_code, done.output

    def living() -> int:
        db.session.rollback()
        return living_codes(place.id, place.households)

    letters = LettersWanted("all", HaveLetter.SKIP)
    view = places.community_by_code(place.code)
    exports.print_letters(SYSTEM, community=view, wanted=letters, out=io.BytesIO())
    assert run()[0] == 2, "nobody revokes a whole community by leaving out a word"
    assert run("--all", "--building", "1")[0] == 2
    assert run("--building", "99")[0] == 1
    assert run("--all", "--dry-run") == (0, "homes=4 revoked=4\n")
    assert living() == 4
    assert run("--household", "1#-1-01") == (0, "homes=1 revoked=1\n")
    assert run("--building", "1号楼") == (0, "homes=4 revoked=3\n")
    assert living() == 0
    told = db.session.scalars(select(HouseholdNotice.kind)).all()
    assert told.count(HouseholdNoticeKind.CODE_REVOKED) == 4
    words = ["codes", "revoke", "NONE", "--all"]
    assert app.test_cli_runner().invoke(args=words).exit_code == 1

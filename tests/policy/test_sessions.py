"""A cookie that is over opens nothing, whoever it was of; and who is told apart gets a new one.

As in test_matrix.py the views are taken out: what is left is the way to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from app.core import clock
from app.core.actor import WITHOUT_ACCOUNT, Role
from app.core.db import db, transaction
from app.keeping import persons
from app.people import queries
from app.people.models import LoginSession, RoleGrant
from app.people.steps import end_roles
from tests.policy.test_matrix import MORE, THROUGH, TO_THE_DOOR, cells, expected, without_views
from tests.support.checked_client import CheckedClient
from tests.support.neighbours import AREAS, ROLES, sign_in
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from app.people.queries import SignedIn
    from tests.support.neighbours import Neighbours

COOKIE = "linyi"
SIGNED = [role for role in ROLES if role is not None]
RESIDENTS = [role for role in SIGNED if role is Role.RESIDENT or role in WITHOUT_ACCOUNT]
each_role = pytest.mark.parametrize("role", SIGNED, ids=lambda role: role.value)
Doors = set[tuple[str, str]]
Door = tuple[str, str, str, bool]


class House:
    """Somebody of one role, signed in, before every closed door of their own community."""

    def __init__(self, app: Flask, neighbours: Neighbours, role: Role) -> None:
        self.app, self.role = app, role
        self.world, ours, _theirs = neighbours.world(app)
        self.values = MORE | ours
        self.values["jurisdiction"] = f"{AREAS.get(role, 'S')}HXL"
        self.client = CheckedClient(app)
        self.visitor = self._cookie_after_a_look()
        sign_in(self.client, self.world, self.values, role)
        self.token = self.client.token()
        self.cookie = self.cookie_now()
        leave = app.view_functions["people.sign_out"]
        without_views(app)
        app.view_functions["people.sign_out"] = leave
        self.doors = [door for door in cells(app, self.values) if door[1] != "/sign-out"]

    def _cookie_after_a_look(self) -> str:
        self.client.token()
        return self.cookie_now()

    def cookie_now(self) -> str:
        """What the browser carries."""
        found = self.client.raw.get_cookie(COOKIE)
        assert found is not None
        return found.value

    def is_over(self, cookie: str) -> bool:
        """Whether a cookie opens no door of any kind.

        Whoever it was of, the guard meets a stranger; a visitor before every door is in the matrix.
        """
        kinds = {(door[0], door[2]): door for door in self.doors}
        return self.opened(cookie, list(kinds.values())) == set()

    def opened(self, cookie: str, doors: list[Door] | None = None) -> Doors:
        """The doors, of these or of all, that a cookie opens in a browser with nothing else."""
        other, found = CheckedClient(self.app), set()
        for method, address, _access, _place in self.doors if doors is None else doors:
            # Each time as it was at first: an answer may have brought a new one.
            other.raw.set_cookie(COOKIE, cookie)
            answer = other.raw.open(address, method=method, data={"csrf_token": self.token})
            assert answer.status_code in {THROUGH, TO_THE_DOOR, 404, 400}, answer.status_code
            if answer.status_code == THROUGH:
                found.add((method, address))
        return found

    def meant_for(self, role: Role) -> Doors:
        """The doors that the file opens for a role here."""
        return {
            (method, address)
            for method, address, access, _place in self.doors
            if expected(role, access, ours=True) == THROUGH
        }

    def give_another(self) -> None:
        """Give whoever is signed in one role more."""
        place = self.values["place"]
        if self.role in RESIDENTS:
            chair, group = Role.MEETING_CHAIR, Role.REPRESENTATIVE
            other = chair if self.role is group else group
            self.world.give(place, other, str(self.values["meeting_id"]))  # type: ignore[arg-type]
            return
        with transaction() as session:
            session.add(
                RoleGrant(
                    person_id=self.person_id(),
                    role=Role.CLERK if self.role is Role.SUPERVISOR else Role.SUPERVISOR,
                    community_id=place.id,  # type: ignore[attr-defined]
                    starts_at=clock.now(),
                )
            )

    def look(self) -> None:
        """Open one of the doors, as the browser that is signed in."""
        role = Role.RESIDENT if self.role in RESIDENTS else self.role
        method, address = min(self.meant_for(role))
        answer = self.client.raw.open(address, method=method, data={"csrf_token": self.token})
        assert answer.status_code == THROUGH

    def person_id(self) -> int:
        """Who is signed in."""
        db.session.rollback()
        newest = select(LoginSession.person_id).order_by(LoginSession.id.desc()).limit(1)
        return db.session.scalars(newest).one()

    def session(self) -> SignedIn | None:
        """Their living session, if there is one."""
        db.session.rollback()
        newest = select(LoginSession.id_hash).order_by(LoginSession.id.desc()).limit(1)
        return queries.session_by_hash(db.session.scalars(newest).one())


@each_role
def test_a_cookie_from_before_signing_in_or_after_signing_out_opens_nothing(
    web_app: Flask, fixed_clock: datetime, neighbours: Neighbours, role: Role
) -> None:
    house = House(web_app, neighbours, role)
    assert house.opened(house.cookie) == house.meant_for(role)
    assert house.visitor != house.cookie
    assert house.is_over(house.visitor)
    answer = house.client.raw.post("/sign-out", data={"csrf_token": house.token})
    assert answer.status_code == 303
    assert house.is_over(house.cookie)
    assert house.session() is None


@each_role
def test_roles_that_come_or_end_bring_another_cookie_and_the_old_one_opens_nothing(
    web_app: Flask, fixed_clock: datetime, neighbours: Neighbours, role: Role
) -> None:
    house = House(web_app, neighbours, role)
    house.give_another()
    house.look()
    second = house.cookie_now()
    assert second != house.cookie
    assert house.is_over(house.cookie)
    assert house.opened(second) >= house.meant_for(role)

    with transaction() as session:
        end_roles(session, clock.now(), RoleGrant.person_id == house.person_id())
    if role not in RESIDENTS:
        assert house.is_over(second)
        return
    house.look()
    third = house.cookie_now()
    assert house.is_over(second)
    assert house.opened(third) == house.meant_for(Role.RESIDENT)
    signed_in = house.session()
    assert signed_in is not None
    place = house.values["place"]
    persons.erase_own(signed_in.actor, community_id=place.id, texts=False)  # type: ignore[attr-defined]
    assert house.is_over(third), "erased"


def test_signing_in_again_ends_what_this_browser_was_before(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    client = CheckedClient(web_app)
    client.staff(world.staff(place))
    before = client.raw.get_cookie(COOKIE)
    client.staff(world.staff(place, Role.SUPERVISOR))
    assert before is not None
    other = CheckedClient(web_app)
    other.raw.set_cookie(COOKIE, before.value)
    assert other.raw.get("/staff/account").status_code == TO_THE_DOOR


def test_a_cookie_that_somebody_made_up_opens_nothing(
    web_app: Flask, fixed_clock: datetime, neighbours: Neighbours
) -> None:
    house = House(web_app, neighbours, Role.CLERK)
    head, _dot, tail = house.cookie.rpartition(".")
    for forged in (head, f"{head}.{tail[::-1]}", "x", house.cookie + "x"):
        assert house.is_over(forged)
    with transaction() as session:
        session.execute(update(LoginSession).values(expires_at=clock.now()))
    assert house.is_over(house.cookie)

"""Another community's things are not there: every route, every role, ids swapped both ways."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from flask import current_app
from sqlalchemy import or_, select

from app.core import guard
from app.core.actor import Role
from app.core.db import Base, db
from app.people.models import Membership, Person, RoleGrant, StaffAccount
from app.voting.models import Poll
from tests.support.neighbours import NAMES, PHONES, RATERS, ROLES, sign_in
from tests.support.reading import found_in, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from flask import Flask

    from tests.support.checked_client import CheckedClient
    from tests.support.neighbours import Neighbours
    from tests.support.world import Place, World


# An administrator approves a chair and ends a role wherever the installation is.
OF_THE_INSTALLATION = {"roles.desk", "roles.proposal", "roles.end"}


def addresses(app: Flask, values: dict[str, object]) -> list[tuple[str, str, str]]:
    """(endpoint, method, address) of every route that names a community."""
    found = []
    for rule in app.url_map.iter_rules():
        if not {"code", "jurisdiction"} & rule.arguments:
            continue
        built = rule.build({name: values[name] for name in rule.arguments}, append_unknown=False)
        assert built is not None
        methods = {"GET", "POST"} & (rule.methods or set())
        found += [(rule.endpoint, method, built[1]) for method in sorted(methods)]
    return found


def ask(client: CheckedClient, method: str, address: str) -> int:
    return (client.get if method == "GET" else client.post)(address).status_code


@pytest.mark.parametrize("role", ROLES, ids=lambda r: r.value if r else "visitor")
def test_every_route_of_a_neighbour_is_closed(
    client: CheckedClient,
    web_app: Flask,
    fixed_clock: datetime,
    neighbours: Neighbours,
    role: Role | None,
) -> None:
    world, ours, theirs = neighbours.world(web_app)
    sign_in(client, world, ours, role)
    cells = 0
    for endpoint, method, address in addresses(web_app, theirs):
        if guard.access_of(web_app, endpoint) is guard.Open.PUBLIC:
            continue
        if role is Role.ADMINISTRATOR and endpoint in OF_THE_INSTALLATION:
            continue
        status = ask(client, method, address)
        assert status == (303 if role is None else 404), f"{role} {method} {address}: {status}"
        cells += 1
    assert cells > 30


@pytest.mark.parametrize("role", ROLES, ids=lambda r: r.value if r else "visitor")
def test_a_neighbours_ids_under_our_address_are_not_found(
    client: CheckedClient,
    web_app: Flask,
    fixed_clock: datetime,
    neighbours: Neighbours,
    role: Role | None,
) -> None:
    world, ours, theirs = neighbours.world(web_app)
    sign_in(client, world, ours, role)
    mixed = ours | {name: theirs[name] for name in NAMES}
    cells = 0
    for endpoint, method, address in addresses(web_app, mixed):
        rule = next(r for r in web_app.url_map.iter_rules() if r.endpoint == endpoint)
        if not set(rule.arguments) & set(NAMES):
            continue
        status = ask(client, method, address)
        public = guard.access_of(web_app, endpoint) is guard.Open.PUBLIC
        expected = {404} if public or role is not None else {303}
        assert status in expected, f"{role} {method} {address}: {status}"
        cells += 1
    assert cells > 15


def kept_of(place: Place) -> set[str]:
    """Every text that the portal keeps of a community and of who is there, roles and all."""
    kept: set[str] = set()
    for table in Base.metadata.sorted_tables:
        if "community_id" in table.columns:
            rows = db.session.execute(select(table).where(table.c.community_id == place.id))
            kept.update(each for row in rows for each in row if isinstance(each, str))
    people = [
        select(model.person_id).where(model.community_id == place.id)
        for model in (RoleGrant, Membership)
    ]
    query = select(Person.display, StaffAccount.sign_in_name).outerjoin(
        StaffAccount, StaffAccount.person_id == Person.id
    )
    named = db.session.execute(query.where(or_(*[Person.id.in_(each) for each in people])))
    kept.update(each for row in named for each in row if each)
    return kept


def alone(one: Place, other: Place) -> frozenset[str]:
    """Every text kept of one community and in none of another's; the shortest stand by chance."""
    found, elsewhere = kept_of(one), kept_of(other)
    db.session.rollback()
    # What is the beginning of something there would be found in its place.
    whole = "\n".join(elsewhere)
    return frozenset(each for each in found if len(each) >= FEWEST_LETTERS and each not in whole)


def telling(world: World, theirs: Place, ours: Place) -> frozenset[str]:
    """What nobody of ours may read: all that is kept of the neighbour alone, and its roll."""
    numbers = range(1, RATERS + 1)
    found = {world.code(theirs)}
    found |= {f"{PHONES[theirs.code]}{n:07d}" for n in numbers}
    found |= {f"住户{theirs.code}{n}" for n in numbers}
    return frozenset(found) | alone(theirs, ours)


def without_place(values: dict[str, object], person: int) -> Iterator[tuple[str, str, str]]:
    """The pages whose addresses name no place of ours, or name it as something to be set up."""
    more = {"community": values["code"], "under": values["jurisdiction"], "step": "clerk"}
    more |= {"person_id": person, "passkey_id": 1}
    for rule in current_app.url_map.iter_rules():
        ours = bool({"code", "jurisdiction"} & rule.arguments) or rule.endpoint == "static"
        if not ours and "GET" in (rule.methods or set()):
            given = {name: (values | more)[name] for name in rule.arguments}
            built = rule.build(given, append_unknown=False)
            assert built is not None
            yield rule.endpoint, "GET", built[1]


# What is shorter stands in many a text by chance.
FEWEST_LETTERS = 5
# Some of what has to be among it, lest nothing at all be looked for.
SOME = {"YYL的议题", "YYL业主委员会", "YYL王奶奶", "YYL的路修宽一点", "住户YYL1", "19990000001"}
STAFF_OF_THEIRS = "工作人员staff"
# How many pages and files somebody reads there at least; residents of every sort read 60.
LEAST = {
    None: 45,
    Role.CLERK: 140,
    Role.COMMITTEE: 110,
    Role.COMMITTEE_CHAIR: 110,
    Role.SUPERVISOR: 85,
}
FILES = {"text/html", "text/csv", "text/calendar", "pdf", "zip"}


@pytest.mark.parametrize("role", ROLES, ids=lambda r: r.value if r else "visitor")
def test_nothing_of_ours_tells_of_a_neighbour(
    client: CheckedClient,
    web_app: Flask,
    fixed_clock: datetime,
    neighbours: Neighbours,
    role: Role | None,
) -> None:
    world, ours, theirs = neighbours.world(web_app)
    sign_in(client, world, ours, role)
    here, there = place_of(ours), place_of(theirs)
    secret, own = telling(world, there, here), alone(here, there)
    assert secret >= SOME
    assert any(each.startswith(STAFF_OF_THEIRS) for each in secret)
    read: Counter[str] = Counter()
    told: list[str] = []
    seen: set[str] = set()
    for endpoint, address in pages_of(web_app, ours):
        answer = client.raw.get(address)
        assert answer.status_code < 500 or endpoint == "operating.ready", address
        read[kind_of(answer)] += answer.status_code == 200
        told += [f"{endpoint} {address}: {each}" for each in found_in(answer, secret)]
        if kind_of(answer) not in seen and found_in(answer, own):
            seen.add(kind_of(answer))
    if role is Role.ADMINISTRATOR:
        # Who proposed what an administrator decides on, wherever the installation is.
        told = [each for each in told if not ("system_home" in each and "staff" in each)]
    assert told == []
    assert read.total() >= LEAST.get(role, 55), dict(read)
    # What is ours is found by the same eyes in every sort of file.
    assert role is not Role.CLERK or seen >= FILES


def place_of(values: dict[str, object]) -> Place:
    """The community of one's things."""
    place: Place = values["place"]  # type: ignore[assignment]
    return place


def pages_of(app: Flask, ours: dict[str, object]) -> list[tuple[str, str]]:
    """(endpoint, address) of all that can be read of ours, of each poll, and without a place."""
    designer = select(RoleGrant.person_id).where(RoleGrant.id == ours["grant_id"])
    polls = select(Poll.public_id).where(Poll.community_id == place_of(ours).id)
    found = set(without_place(ours, db.session.scalars(designer).one()))
    for poll in db.session.scalars(polls):
        for area in "SDC":
            found |= set(addresses(app, ours | {"poll_id": poll, "jurisdiction": f"{area}HXL"}))
    db.session.rollback()
    return sorted((endpoint, address) for endpoint, method, address in found if method == "GET")


def test_letters_of_ours_tell_of_no_neighbour(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime, neighbours: Neighbours
) -> None:
    world, ours, theirs = neighbours.world(web_app)
    sign_in(client, world, ours, Role.CLERK)
    shown = client.fields("/c/HXL/desk/letters?part=all&have=reissue", "/c/HXL/desk/letters")
    letters = client.post("/c/HXL/desk/letters", shown)
    assert kind_of(letters) == "pdf"
    assert found_in(letters, telling(world, place_of(theirs), place_of(ours))) == []
    assert found_in(letters, frozenset({"HXL社区", "YYL"})) == ["HXL社区"]

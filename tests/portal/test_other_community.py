"""Another community's things are not there: every route, every role, ids swapped both ways."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from app.core import guard
from app.core.actor import Role
from tests.support.checked_client import CheckedClient
from tests.support.neighbours import NAMES, ROLES, sign_in, things
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from tests.support.neighbours import Neighbours


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


def test_no_page_of_ours_names_a_neighbour(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    ours = things(world, "HXL")
    theirs = things(world, "CANARY")
    sign_in(client, world, ours, Role.CLERK)
    for _endpoint, method, address in addresses(web_app, ours):
        if method == "GET":
            answer = client.get(address)
            assert "CANARY" not in answer.text if answer.mimetype == "text/html" else True, address
    shown = client.fields("/c/HXL/desk/letters?part=all&have=reissue", "/c/HXL/desk/letters")
    letters = client.post("/c/HXL/desk/letters", shown)
    assert letters.mimetype == "application/pdf"
    assert theirs["code"] == "CANARY"
    assert io.BytesIO(letters.data).read(4) == b"%PDF"

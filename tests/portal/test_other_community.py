"""Another community's things are not there: every route, every role, ids swapped both ways."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from app.communities import operations as communities
from app.core import guard
from app.core.actor import SYSTEM, Role
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

ROLES = (
    None,
    Role.RESIDENT,
    Role.CLERK,
    Role.COMMITTEE,
    Role.SUPERVISOR,
    Role.DESIGNER,
    Role.DISTRICT,
    Role.ADMINISTRATOR,
)
NAMES = (
    "poll_id",
    "household_id",
    "upload_id",
    "project_code",
    "public_id",
    "topic_id",
    "meeting_id",
    "post_id",
)


def things(world: World, code: str) -> dict[str, object]:
    """One thing of every sort in a community, by the name that addresses give it."""
    place = world.community(code, 3)
    project = world.project(place, f"P{code}")
    topic = world.topic(place, title=f"{code}的议题")
    meeting = world.meeting(place, topic)
    return {
        "code": code,
        "topic_id": topic,
        "meeting_id": meeting,
        "post_id": world.post(place, f"topic:{topic}"),
        "door_key": "no-key",
        "seat_id": 1,
        "to": "archived",
        "number": world.milestone(place, project),
        "article": 1,
        "option": f"{project}.1",
        "repair_id": "no-repair",
        "design_id": "no-design",
        "verdict": "publish",
        "poll_id": world.poll(place, (project,)),
        "household_id": place.households[0],
        "upload_id": communities.upload_roll(
            SYSTEM,
            community_id=place.id,
            data="小区,楼栋,房号\n一,1,1\n".encode(),
            file_name="a.csv",
        ),
        "project_code": project,
        "public_id": "no-picture",
        "size": "large",
        "method": "yes_no",
        "place": place,
    }


def addresses(app: Flask, values: dict[str, object]) -> list[tuple[str, str, str]]:
    """(endpoint, method, address) of every route that names a community."""
    found = []
    for rule in app.url_map.iter_rules():
        if "code" not in rule.arguments:
            continue
        built = rule.build({name: values[name] for name in rule.arguments}, append_unknown=False)
        assert built is not None
        method = "GET" if "GET" in (rule.methods or set()) else "POST"
        found.append((rule.endpoint, method, built[1]))
    return found


def sign_in(
    client: CheckedClient, world: World, values: dict[str, object], role: Role | None
) -> None:
    place = values["place"]
    if role is Role.RESIDENT:
        client.enter(world, place, 0)  # type: ignore[arg-type]
    elif role is not None:
        client.staff(world.staff(place, role))  # type: ignore[arg-type]


def ask(client: CheckedClient, method: str, address: str) -> int:
    return (client.get if method == "GET" else client.post)(address).status_code


@pytest.mark.parametrize("role", ROLES, ids=lambda r: r.value if r else "visitor")
def test_every_route_of_a_neighbour_is_closed(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime, role: Role | None
) -> None:
    world = World(web_app)
    ours, theirs = things(world, "HXL"), things(world, "YYL")
    sign_in(client, world, ours, role)
    cells = 0
    for endpoint, method, address in addresses(web_app, theirs):
        if guard.access_of(web_app, endpoint) is guard.Open.PUBLIC:
            continue
        status = ask(client, method, address)
        assert status == (303 if role is None else 404), f"{role} {method} {address}: {status}"
        cells += 1
    assert cells > 30


@pytest.mark.parametrize("role", ROLES, ids=lambda r: r.value if r else "visitor")
def test_a_neighbours_ids_under_our_address_are_not_found(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime, role: Role | None
) -> None:
    world = World(web_app)
    ours, theirs = things(world, "HXL"), things(world, "YYL")
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
    letters = client.post("/c/HXL/desk/letters", {"scope": "all", "building": ""})
    assert letters.mimetype == "application/pdf"
    assert theirs["code"] == "CANARY"
    assert io.BytesIO(letters.data).read(4) == b"%PDF"

"""Every route × every role × two communities: what is met is what docs/permissions.md says.

The views are taken out and answer nothing, so that whoever gets through changes nothing and every
cell can be tried: what is left is the way to them. That views open no other community's things when
ids are swapped is tried with the real ones in tests/portal/test_other_community.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.core import guard
from app.core.actor import WITHOUT_ACCOUNT, Role
from tests.support.checked_client import CheckedClient
from tests.support.neighbours import AREAS, ROLES, sign_in
from tools import permissions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from flask import Flask

    from tests.support.neighbours import Neighbours

THROUGH, NOT_HERE, TO_THE_DOOR = 204, 404, 303
# What has no community in its address and is not the installation's is asked in vain elsewhere.
MORE: dict[str, object] = {
    "community": "HXL",
    "person_id": 1,
    "under": "HXLQ",
    "step": "staff",
    "name": "x",
    "filename": "app.css",
    "log": "HXL",
    "session_id": 1,
    "link_id": 1,
    "passkey_id": 1,
}


def without_views(app: Flask) -> None:
    """Let every view answer nothing, and declare what it declared."""

    def standing_for(access: object) -> Any:
        def view(**_values: object) -> tuple[str, int]:
            return "", THROUGH

        view.access = access  # type: ignore[attr-defined]
        return view

    for endpoint in app.view_functions:
        access = guard.access_of(app, endpoint)
        if access is not None:
            app.view_functions[endpoint] = standing_for(access)


def cells(app: Flask, values: dict[str, object]) -> Iterator[tuple[str, str, str, bool]]:
    """(method, address, what it needs, whether it names a place) of every closed route."""
    for rule in app.url_map.iter_rules():
        access = guard.access_of(app, rule.endpoint)
        if access in {None, guard.Open.PUBLIC}:
            continue
        assert access is not None
        built = rule.build({name: values[name] for name in rule.arguments}, append_unknown=False)
        assert built is not None
        for method in sorted({"GET", "POST"} & (rule.methods or set())):
            yield method, built[1], str(access.value), _in_place(rule.arguments)


def _in_place(arguments: set[str]) -> bool:
    """Whether an address names a community, or a place above communities."""
    return bool({"code", "jurisdiction"} & arguments)


def expected(role: Role | None, access: str, *, ours: bool) -> int:
    """What the file says that somebody meets; `ours` is whether the place is their own."""
    if role is None:
        return TO_THE_DOOR
    if access == guard.Open.SIGNED_IN.value:
        return THROUGH
    if access == guard.Open.STAFF.value:
        return NOT_HERE if role is Role.RESIDENT or role in WITHOUT_ACCOUNT else THROUGH
    # A resident who holds a role besides meets what either is granted.
    if role in WITHOUT_ACCOUNT and ours and Role.RESIDENT.value in permissions.granted()[access]:
        return THROUGH
    is_theirs = ours or role is Role.ADMINISTRATOR
    return THROUGH if is_theirs and role.value in permissions.granted()[access] else NOT_HERE


@pytest.mark.parametrize("role", ROLES, ids=lambda r: r.value if r else "visitor")
def test_every_route_meets_every_role_as_the_file_says(
    web_app: Flask, fixed_clock: datetime, neighbours: Neighbours, role: Role | None
) -> None:
    world, ours, theirs = neighbours.world(web_app)
    client = CheckedClient(web_app)
    sign_in(client, world, ours, role)
    token = client.token()
    without_views(web_app)
    mismatches, tried = [], 0
    area = AREAS.get(role, "S") if role else "S"
    ours["jurisdiction"], theirs["jurisdiction"] = f"{area}HXL", f"{area}YYL"
    swapped = ours | {"code": "YYL", "jurisdiction": f"{area}YYL"}
    for values, own in ((ours, True), (theirs, False), (swapped, False)):
        for method, address, access, in_community in cells(web_app, MORE | values):
            if not (own or in_community):
                continue
            answer = client.raw.open(address, method=method, data={"csrf_token": token})
            wanted = expected(role, access, ours=own)
            tried += 1
            if answer.status_code != wanted:
                mismatches.append((method, address, access, answer.status_code, wanted))
    assert mismatches == []
    assert tried > 300


def test_the_file_is_what_the_table_and_the_routes_say(web_app: Flask) -> None:
    assert permissions.FILE.read_text(encoding="utf-8") == permissions.text(web_app), (
        "make permissions"
    )

"""Who may do what, written out of the policy table into docs/permissions.md.

`make permissions` writes the file; a test compares it with what this would write, and another walks
every route as every role and compares what it meets with the file. So a change of who may do what
shows in a reader's diff, or fails.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from app import create_app
from app.config import from_environment
from app.core import guard
from app.core.actor import (
    LEVELS,
    OF_A_MEETING,
    SYSTEM,
    VISITOR,
    Actor,
    Grant,
    Home,
    Role,
    owner_scope,
)
from app.policy.table import Permission, Place, allowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docs" / "permissions.md"
YES = "yes"
COMMUNITY, JURISDICTION = 1, 1
MEETING = "m"
HERE = Place(COMMUNITY, (JURISDICTION,), MEETING)
AREA = Place(jurisdiction_ids=(JURISDICTION,))
HEAD = """# Who may do what

Written by `make permissions` out of `app/policy/table.py` and the routes; do not edit. A role is
one in the community that an address names (the roles of a meeting: in just that meeting; they, a
representative and a body's delegate are residents besides, and so is an owner, of just the home
they act for); a subdistrict's, a district's and a
city's is in a jurisdiction above it, or in the one that the address names, and what begins with
`area.` is for exactly that one. An administrator's is for the installation. What is not granted
here answers 404, as another community's things do; whoever has not signed in is led to the door.
`system` is the worker and the command line. A visitor has none of these permissions.

## Permissions

"""
ROUTES = """
## Routes

`public` is for everybody, `signed_in` for anybody with a session, `staff` for whoever works with
the portal; the last two show each only what is theirs.

| address | methods | who |
|---|---|---|
"""


def actor_of(role: Role | None) -> Actor:
    """Somebody with one role in the community and jurisdiction of `HERE`; None is a visitor."""
    if role is None:
        return VISITOR
    if role is Role.SYSTEM:
        return SYSTEM
    if role in {*LEVELS, Role.ADMINISTRATOR}:
        return Actor(person_id=1, grants=(Grant(role, jurisdiction_id=JURISDICTION),))
    home = Home(COMMUNITY, 1)
    homes = (home,) if role in {Role.RESIDENT, Role.OWNER} else ()
    scope = f"meeting:{MEETING}" if role in OF_A_MEETING else ""
    if role is Role.OWNER:
        scope = owner_scope(home.household_id)
    grants = () if role is Role.RESIDENT else (Grant(role, COMMUNITY, scope=scope),)
    return Actor(person_id=1, grants=grants, homes=homes)


def matrix() -> Iterator[str]:
    """The table of permissions, line by line."""
    yield "| permission | " + " | ".join(role.value for role in Role) + " |"
    yield "|---|" + "---|" * len(Role)
    for permission in Permission:
        cells = [YES if _granted(role, permission) else "" for role in Role]
        yield f"| `{permission.value}` | " + " | ".join(cells) + " |"


def _granted(role: Role, permission: Permission) -> bool:
    """Whether somebody has it in their own community, or in the place above that is theirs."""
    actor = actor_of(role)
    return allowed(actor, permission, HERE) or allowed(actor, permission, AREA)


def routes(app: Flask) -> Iterator[str]:
    """The table of routes, line by line, by address."""
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))
    for rule in rules:
        access = guard.access_of(app, rule.endpoint)
        if access is not None:
            methods = " ".join(sorted({"GET", "POST"} & (rule.methods or set())))
            yield f"| `{rule.rule}` | {methods} | `{access.value}` |"


def text(app: Flask) -> str:
    """The whole file."""
    return HEAD + "\n".join(matrix()) + "\n" + ROUTES + "\n".join(routes(app)) + "\n"


def granted() -> dict[str, set[str]]:
    """The roles that each permission is granted to, as the file says."""
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    roles = [cell.strip() for cell in lines[0].split("|")[2:-1]]
    found = {}
    for line in lines:
        name = re.match(r"\| `([a-z_]+\.[a-z_]+)` \|", line)
        if name is not None:
            cells = [cell.strip() for cell in line.split("|")[2:-1]]
            found[name[1]] = {role for role, cell in zip(roles, cells, strict=True) if cell == YES}
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        FILE.write_text(text(create_app(from_environment({"LINYI_DATA_DIR": folder}))), "utf-8")

"""How the operations of this room name what they make."""

from __future__ import annotations

import secrets

from app.communities.queries import area_by_id
from app.core import canonical as c

ID_BYTES = 5


def shared_thing(jurisdiction_id: int, shared_id: str) -> str:
    """What edges and inboxes call a shared topic: the place's code says where it is."""
    return f"shared:{area_by_id(jurisdiction_id).code}/{shared_id}"


def new_id() -> str:
    """A public id for a thing of this room."""
    return c.crockford(secrets.token_bytes(ID_BYTES)).lower()

"""What the worker does for long rolls: reading, bringing in, forgetting after a day."""

from __future__ import annotations

from typing import Any

from app.communities import operations
from app.core.actor import SYSTEM
from app.core.errors import NotFound
from app.core.jobs import handles


def _of(payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "community_id": int(payload["community_id"]),
        "public_id": str(payload["public_id"]),
    }


@handles("roll.read")
def read(payload: dict[str, Any]) -> None:
    """Judge an upload piece by piece; after a stop it goes on where it was."""
    try:
        while operations.read_on(SYSTEM, **_of(payload)):
            pass
    except NotFound:
        # Its day is over: there is nothing left to read.
        return


@handles("roll.apply")
def bring_in(payload: dict[str, Any]) -> None:
    """Bring an upload into the roll."""
    try:
        operations.apply_roll(SYSTEM, **_of(payload))
    except NotFound:
        return


@handles("roll.forget")
def forget(payload: dict[str, Any]) -> None:
    """Delete an upload with its rows."""
    operations.forget_upload(SYSTEM, **_of(payload))

"""What polls do by time. Every job may run twice without harm."""

from __future__ import annotations

import logging
from typing import Any

from app.core import clock
from app.core.actor import SYSTEM
from app.core.errors import NotFound, RuleBroken
from app.core.jobs import handles
from app.voting import operations, queries

log = logging.getLogger("linyi.voting")


@handles("poll.open")
def open_scheduled(payload: dict[str, Any]) -> None:
    """Open a poll whose time has come, unless the desk took it back or moved it.

    What can no longer be opened (a project that left the ledger, a closing that has passed) goes
    back to the desk as a draft; a clock that went back is waited for.
    """
    community_id, public_id = int(payload["community_id"]), str(payload["poll"])
    planned = clock.from_record(str(payload["opens_at"]))
    if not queries.waits_for(community_id, public_id, planned):
        return
    try:
        operations.open_poll(SYSTEM, community_id=community_id, public_id=public_id)
    except (NotFound, RuleBroken) as refusal:
        if isinstance(refusal, RuleBroken) and refusal.code == "clock.stepped_back":
            raise
        log.warning("a scheduled poll could not be opened: %s", refusal)
        operations.unschedule_poll(SYSTEM, community_id=community_id, public_id=public_id)


@handles("poll.close")
def close_due(payload: dict[str, Any]) -> None:
    """Close a poll at its time."""
    operations.close_poll(
        SYSTEM,
        community_id=int(payload["community_id"]),
        public_id=str(payload["poll"]),
    )


@handles("result.finalise")
def finalise_due(payload: dict[str, Any]) -> None:
    """End a publication period at its time."""
    operations.finalise_result(
        SYSTEM,
        community_id=int(payload["community_id"]),
        public_id=str(payload["poll"]),
    )


@handles("record.checkpoint")
def sign_due(payload: dict[str, Any]) -> None:
    """Sign the log hourly while a poll is open."""
    operations.sign_hourly(
        SYSTEM,
        community_id=int(payload["community_id"]),
        due_at=clock.from_record(str(payload["hour"])),
    )

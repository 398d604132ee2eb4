"""What the worker does for people: putting lines into inboxes."""

from __future__ import annotations

from typing import Any

from app.core import clock
from app.core.actor import SYSTEM
from app.core.jobs import handles
from app.people import inboxes
from app.people.models import PersonNoticeKind


@handles("notice.deliver")
def deliver(payload: dict[str, Any]) -> None:
    """Put one line into the inboxes named; a line that is there already stays as it is."""
    inboxes.deliver_notice(
        SYSTEM,
        community_id=int(payload["community_id"]),
        person_ids=[int(each) for each in payload["person_ids"]],
        notice=inboxes.NewNotice(
            key=str(payload["key_of_notice"]),
            kind=PersonNoticeKind(payload["notice"]),
            about=str(payload["about"]),
            at=clock.from_record(str(payload["at"])),
            # A job written by the version before says nothing more.
            detail=str(payload.get("detail", "")),
        ),
    )

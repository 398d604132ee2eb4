"""How keeping stands: the last backup and drill, and what retention would erase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.core import clock
from app.core.db import db
from app.core.record import RecordEntry, SystemValue
from app.keeping.fields import FIELDS
from app.voting.models import Poll
from app.voting.rules import PollKind

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Last:
    """The last try of a backup or drill, and the last one that went well."""

    at: datetime | None
    ok: bool
    good_at: datetime | None
    seconds: str
    size: int
    error: str
    why: str


# A rating's choices are kept: the same people are asked again.
KEPT_FOR_A_TIME = (PollKind.PREFERENCE_POLL.value, PollKind.MEETING_RESOLUTION.value)


@dataclass(frozen=True, slots=True)
class PollOver:
    """A poll whose choices have been kept long enough."""

    community_id: int
    public_id: str


def last(name: str) -> Last:
    """How the last `backup` or `drill` went."""
    prefix = f"last_{name}_"
    rows = db.session.execute(
        select(SystemValue.key, SystemValue.value).where(SystemValue.key.startswith(prefix))
    )
    found = {row.key.removeprefix(prefix): row.value for row in rows}
    return Last(
        at=_moment(found.get("at", "")),
        ok=found.get("ok") == "1",
        good_at=_moment(found.get("good_at", "")),
        seconds=found.get("seconds", ""),
        size=int(found.get("bytes", "0")),
        error=found.get("error", ""),
        why=found.get("why", ""),
    )


def _moment(text: str) -> datetime | None:
    return clock.from_record(text) if text else None


def rows_over(field: str, before: datetime) -> int:
    """How many rows of a field a retention run would erase."""
    return sum(
        db.session.scalar(select(func.count()).select_from(model).where(over(before))) or 0
        for model, over in FIELDS[field]
    )


def polls_over(before: datetime) -> list[PollOver]:
    """The polls closed before then whose choices are still kept; ratings are not among them."""
    erased = select(RecordEntry.id).where(
        RecordEntry.community_id == Poll.community_id,
        RecordEntry.subject == "poll:" + Poll.public_id,
        RecordEntry.kind == "openings.erased",
    )
    rows = db.session.execute(
        select(Poll.community_id, Poll.public_id)
        .where(
            Poll.kind.in_(KEPT_FOR_A_TIME),
            Poll.closed_at < before,
            ~erased.exists(),
        )
        .order_by(Poll.closed_at, Poll.id)
    )
    return [PollOver(row.community_id, row.public_id) for row in rows]

"""How keeping stands: the last backup and drill, and what retention would erase."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.communities.setting_rules import CATALOGUE
from app.communities.settings import said_number
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
    """The polls whose choices have been kept long enough; ratings are not among them.

    That is, closed before then; where a community or a place above it says how many days its
    choices are kept, closed so many days ago.
    """
    erased = select(RecordEntry.id).where(
        RecordEntry.community_id == Poll.community_id,
        RecordEntry.subject == "poll:" + Poll.public_id,
        RecordEntry.kind == "openings.erased",
    )
    earliest = clock.now() - timedelta(days=CATALOGUE["keep_choices_days"].least)
    rows = db.session.execute(
        select(Poll.community_id, Poll.public_id, Poll.closed_at)
        .where(
            Poll.kind.in_(KEPT_FOR_A_TIME),
            Poll.closed_at < max(before, earliest),
            ~erased.exists(),
        )
        .order_by(Poll.closed_at, Poll.id)
    )
    found = rows.all()
    ends = {one: _choices_end(one, before) for one in {row.community_id for row in found}}
    return [
        PollOver(row.community_id, row.public_id)
        for row in found
        if row.closed_at is not None and row.closed_at < ends[row.community_id]
    ]


def _choices_end(community_id: int, before: datetime) -> datetime:
    """Polls of this community closed before then have no choices kept any more."""
    days = said_number(community_id, "keep_choices_days")
    return before if days is None else clock.now() - timedelta(days=days)

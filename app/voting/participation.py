"""In which polls a household took part: for the paper that it asks the desk for, and no page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from app.communities.models import Household
from app.core.db import db
from app.voting import words
from app.voting.models import Poll, PollVoter

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class TookPart:
    """That a household took part in a poll, and when; never what it chose."""

    title: str
    kind_name: str
    cast_at: datetime


def took_part(community_id: int, household_id: int) -> list[TookPart]:
    """The polls in which a household has a ballot that counts, the latest first.

    No page shows this: it goes on the paper that a household asks the desk for.
    """
    rows = db.session.execute(
        select(Poll.title, Poll.kind, PollVoter.cast_at)
        .join(PollVoter, PollVoter.poll_id == Poll.id)
        .join(
            Household,
            (Household.community_id == PollVoter.community_id)
            & (Household.id == PollVoter.household_id),
        )
        .where(
            Poll.community_id == community_id,
            PollVoter.community_id == community_id,
            PollVoter.household_id == household_id,
            PollVoter.version > 0,
            # What the last family took part in is not the next one's to have printed.
            or_(Household.moved_out_at.is_(None), PollVoter.cast_at > Household.moved_out_at),
        )
        .order_by(PollVoter.cast_at.desc())
    )
    return [TookPart(row.title, words.kind_name(row.kind), row.cast_at) for row in rows]

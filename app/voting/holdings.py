"""What this room keeps about one person, for that person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core.db import db
from app.voting.models import Ballot, LateToken, Poll, PollVoter

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class OwnBallot:
    """That somebody cast a ballot, and which version; 0 is one that came too late.

    What it says stands on its receipt.
    """

    poll_id: str
    title: str
    version: int
    at: datetime


def ballots_of(
    community_id: int, person_id: int, household_id: int | None = None
) -> list[OwnBallot]:
    """Every ballot one person cast here, the newest first; never the choice.

    With a household those that came too late and those that were cast for it.
    """
    for_it = (
        select(PollVoter.id)
        .where(
            PollVoter.community_id == Ballot.community_id,
            PollVoter.id == Ballot.voter_id,
            PollVoter.household_id == household_id,
        )
        .exists()
    )
    cast = db.session.execute(
        select(Poll.public_id, Poll.title, Ballot.version, Ballot.cast_at)
        .join(Poll, (Poll.community_id == Ballot.community_id) & (Poll.id == Ballot.poll_id))
        .where(
            Ballot.community_id == community_id,
            Ballot.person_id == person_id,
            *(() if household_id is None else (for_it,)),
        )
    )
    late = db.session.execute(
        select(Poll.public_id, Poll.title, LateToken.at)
        .join(Poll, (Poll.community_id == LateToken.community_id) & (Poll.id == LateToken.poll_id))
        .where(LateToken.community_id == community_id, LateToken.person_id == person_id)
    )
    found = [OwnBallot(*row) for row in cast]
    found += [OwnBallot(row.public_id, row.title, 0, row.at) for row in late]
    return sorted(found, key=lambda ballot: ballot.at, reverse=True)

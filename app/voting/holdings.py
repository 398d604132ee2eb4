"""What this room keeps about one person, for that person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core.db import db
from app.voting.models import Ballot, LateToken, Poll

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


def ballots_of(community_id: int, person_id: int) -> list[OwnBallot]:
    """Every ballot one person cast here, the newest first; never the choice."""
    cast = db.session.execute(
        select(Poll.public_id, Poll.title, Ballot.version, Ballot.cast_at)
        .join(Poll, (Poll.community_id == Ballot.community_id) & (Poll.id == Ballot.poll_id))
        .where(Ballot.community_id == community_id, Ballot.person_id == person_id)
    )
    late = db.session.execute(
        select(Poll.public_id, Poll.title, LateToken.at)
        .join(Poll, (Poll.community_id == LateToken.community_id) & (Poll.id == LateToken.poll_id))
        .where(LateToken.community_id == community_id, LateToken.person_id == person_id)
    )
    found = [OwnBallot(*row) for row in cast]
    found += [OwnBallot(row.public_id, row.title, 0, row.at) for row in late]
    return sorted(found, key=lambda ballot: ballot.at, reverse=True)

"""The statements of one cast, as Core: an ORM object here would cost as much as the disk.

Every function works inside the caller's transaction. Locks are always taken in the same order:
the poll, the voter, the log, the poll's counter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Table, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.core import canonical as c
from app.core.db import db
from app.core.errors import NotFound, RuleBroken
from app.voting.models import Ballot, Poll, PollVoter, SpentToken

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.record import Written

_POLL = cast(Table, Poll.__table__)
_VOTER = cast(Table, PollVoter.__table__)
_BALLOT = cast(Table, Ballot.__table__)
_TOKEN = cast(Table, SpentToken.__table__)


class OutcomeKind(StrEnum):
    """What became of a submitted ballot."""

    COUNTED = "counted"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class CastOutcome:
    """What a submit token led to. `again` when the same token had led there before.

    `version` counts the household's ballots in this poll, 0 when nothing was counted.
    """

    kind: OutcomeKind
    version: int
    at: datetime
    again: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who submits which form: the voter's household, the member, the spent half of the token."""

    community_id: int
    public_id: str
    household_id: int
    person_id: int
    nonce: str


@dataclass(frozen=True, slots=True)
class LockedPoll:
    """The poll as it stands while no closing can pass."""

    id: int
    title: str
    state: str
    opens_at: datetime
    closes_at: datetime
    opened_at: datetime | None
    definition: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class CountedVoter:
    """The voter's row after its version was raised."""

    id: int
    ref: str
    version: int


def lock_poll(session: Session, community_id: int, public_id: str) -> LockedPoll:
    """Hold the poll against closing, and not against other ballots. Raises: NotFound.

    FOR KEY SHARE rather than FOR SHARE: it stops FOR UPDATE (a closing) and lets the counter of
    the same row be raised by several ballots in turn; FOR SHARE would end those in a deadlock.
    """
    columns = [_POLL.c[name] for name in LockedPoll.__dataclass_fields__]
    row = session.execute(
        select(*columns)
        .where(_POLL.c.community_id == community_id, _POLL.c.public_id == public_id)
        .with_for_update(read=True, key_share=True)
    ).first()
    if row is None or row.state == "draft":
        raise NotFound("poll")
    return LockedPoll(*row)


def raise_version(session: Session, attempt: Attempt, poll_id: int, now: datetime) -> CountedVoter:
    """Take the household's next version for this member.

    Raises: RuleBroken ballot.not_in_electorate; ballot.other_member when another member of the
    household cast first.
    """
    mine = or_(_VOTER.c.cast_by.is_(None), _VOTER.c.cast_by == attempt.person_id)
    row = session.execute(
        update(_VOTER)
        .where(*_voter(attempt, poll_id), mine)
        .values(version=_VOTER.c.version + 1, cast_by=attempt.person_id, cast_at=now)
        .returning(_VOTER.c.id, _VOTER.c.ref, _VOTER.c.version)
    ).first()
    if row is None:
        raise _why_not(session, attempt, poll_id)
    return CountedVoter(*row)


def _voter(attempt: Attempt, poll_id: int) -> tuple[Any, ...]:
    return (
        _VOTER.c.community_id == attempt.community_id,
        _VOTER.c.poll_id == poll_id,
        _VOTER.c.household_id == attempt.household_id,
    )


def _why_not(session: Session, attempt: Attempt, poll_id: int) -> RuleBroken:
    at = session.execute(select(_VOTER.c.cast_at).where(*_voter(attempt, poll_id))).first()
    if at is None:
        return RuleBroken("ballot.not_in_electorate")
    return RuleBroken("ballot.other_member", at=at.cast_at)


def spend(session: Session, attempt: Attempt, poll_id: int, outcome: CastOutcome) -> None:
    """Spend the token on this outcome; the unique key decides, and nothing is poisoned by it.

    Raises: RuleBroken ballot.token_spent.
    """
    values = {
        "community_id": attempt.community_id,
        "poll_id": poll_id,
        "token": attempt.nonce,
        "person_id": attempt.person_id,
        "outcome": outcome.kind.value,
        "version": outcome.version,
        "at": outcome.at,
    }
    engine = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    taken = session.execute(
        engine.insert(_TOKEN)
        .values(values)
        .on_conflict_do_nothing(index_elements=["community_id", "token"])
        .returning(_TOKEN.c.id)
    ).first()
    if taken is None:
        raise RuleBroken("ballot.token_spent")


def stored_outcome(attempt: Attempt) -> CastOutcome | None:
    """What this token led to before, if it was spent by this person."""
    row = db.session.execute(
        select(_TOKEN.c.outcome, _TOKEN.c.version, _TOKEN.c.at).where(
            _TOKEN.c.community_id == attempt.community_id,
            _TOKEN.c.token == attempt.nonce,
            _TOKEN.c.person_id == attempt.person_id,
        )
    ).first()
    if row is None:
        return None
    return CastOutcome(OutcomeKind(row.outcome), row.version, row.at, again=True)


def store(
    session: Session,
    attempt: Attempt,
    poll_id: int,
    voter: CountedVoter,
    choice: object,
    written: Written,
) -> None:
    """Write this version of the ballot, and count the household once."""
    session.execute(
        insert(_BALLOT).values(
            community_id=attempt.community_id,
            poll_id=poll_id,
            voter_id=voter.id,
            version=voter.version,
            choice=c.canonical(choice).decode(),
            person_id=attempt.person_id,
            cast_at=written.at,
            entry_seq=written.seq,
            leaf=written.leaf,
        )
    )
    if voter.version == 1:
        session.execute(
            update(_POLL)
            .where(_POLL.c.community_id == attempt.community_id, _POLL.c.id == poll_id)
            .values(turnout_phone=_POLL.c.turnout_phone + 1)
        )


def mark_late(session: Session, attempt: Attempt, poll_id: int) -> str | None:
    """Note that the household came too late; its reference the first time, None after that.

    Raises: RuleBroken ballot.not_in_electorate.
    """
    ref = session.scalar(
        update(_VOTER)
        .where(*_voter(attempt, poll_id), _VOTER.c.late_logged.is_(False))
        .values(late_logged=True)
        .returning(_VOTER.c.ref)
    )
    if ref is None and session.scalar(select(_VOTER.c.id).where(*_voter(attempt, poll_id))) is None:
        raise RuleBroken("ballot.not_in_electorate")
    return ref

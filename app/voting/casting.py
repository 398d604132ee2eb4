"""The statements of one cast, as Core: an ORM object here would cost as much as the disk.

Every function works inside the caller's transaction. Locks are always taken in the same order:
the poll, the log, the voter. Ballots of one community come one after another anyway, since each is
an entry of one chained log; so the log is held from the start, and one look at the clock suffices.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Table, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.communities.models import Household
from app.core import canonical as c
from app.core.db import db, overwrite_deleted
from app.core.errors import NotFound, RuleBroken
from app.core.record import HeldLog, RecordEntry, RecordLog, RecordOpening
from app.people.models import Membership
from app.voting.models import Ballot, LateToken, Poll, PollVoter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.record import Written

_POLL = cast(Table, Poll.__table__)
_VOTER = cast(Table, PollVoter.__table__)
_BALLOT = cast(Table, Ballot.__table__)
_LATE = cast(Table, LateToken.__table__)
_LOG = cast(Table, RecordLog.__table__)


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
    """Who submits which form: the voter's household, the member, the spent half of the token.

    `by_proxy` is a holder of the household's authority, who is not of it.
    """

    community_id: int
    public_id: str
    household_id: int
    person_id: int
    nonce: str
    by_proxy: bool = False


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


_POLL_COLUMNS = [_POLL.c[name] for name in LockedPoll.__dataclass_fields__]
_LOG_COLUMNS = [_LOG.c[name] for name in HeldLog.__dataclass_fields__]
# Putting the statement together would cost more than running it.
_HOLD = (
    select(*_POLL_COLUMNS, *_LOG_COLUMNS)
    .select_from(_POLL)
    .join(_LOG, _LOG.c.community_id == _POLL.c.community_id)
    .where(
        _POLL.c.community_id == bindparam("community_id"),
        _POLL.c.public_id == bindparam("public_id"),
    )
    .with_for_update()
)


def hold(session: Session, community_id: int, public_id: str) -> tuple[LockedPoll, HeldLog]:
    """Hold the poll against closing and the log against other entries, in that order.

    Raises: NotFound.
    """
    wanted = {"community_id": community_id, "public_id": public_id}
    row = session.execute(_HOLD, wanted).first()
    if row is None or row.state == "draft":
        raise NotFound("poll")
    first_of_log = len(_POLL_COLUMNS)
    return LockedPoll(*row[:first_of_log]), HeldLog(*row[first_of_log:])


def raise_version(session: Session, attempt: Attempt, poll_id: int, now: datetime) -> CountedVoter:
    """Take the household's next version for this member.

    Whoever cast first and is out of the household by now holds nobody up; a holder of its authority
    never was in it, and is held to be until the family moves out. Raises: RuleBroken
    ballot.not_in_electorate; ballot.other_member when another member of the household cast first,
    ballot.by_proxy when a holder of its authority did, ballot.own_first when the household did.
    """
    turn = _VOTER.c.version == 0 if attempt.by_proxy else _nobody_holds_up(attempt)
    row = session.execute(
        update(_VOTER)
        .where(*_voter(attempt, poll_id), or_(turn, _VOTER.c.cast_by == attempt.person_id))
        .values(
            version=_VOTER.c.version + 1,
            cast_by=attempt.person_id,
            cast_at=now,
            by_proxy=attempt.by_proxy,
        )
        .returning(_VOTER.c.id, _VOTER.c.ref, _VOTER.c.version)
    ).first()
    if row is None:
        raise _why_not(session, attempt, poll_id)
    return CountedVoter(*row)


def _nobody_holds_up(attempt: Attempt) -> Any:
    """Nobody of the household has cast, or whoever did is no longer there."""
    is_in = exists().where(
        Membership.community_id == attempt.community_id,
        Membership.household_id == attempt.household_id,
        Membership.person_id == _VOTER.c.cast_by,
        Membership.ended_at.is_(None),
    )
    moved_out_since = exists().where(
        Household.community_id == attempt.community_id,
        Household.id == attempt.household_id,
        Household.moved_out_at > _VOTER.c.cast_at,
    )
    stands = _VOTER.c.by_proxy & ~moved_out_since
    return or_(_VOTER.c.cast_by.is_(None), ~is_in & ~stands)


def _voter(attempt: Attempt, poll_id: int) -> tuple[Any, ...]:
    return (
        _VOTER.c.community_id == attempt.community_id,
        _VOTER.c.poll_id == poll_id,
        _VOTER.c.household_id == attempt.household_id,
    )


def _why_not(session: Session, attempt: Attempt, poll_id: int) -> RuleBroken:
    wanted = select(_VOTER.c.cast_at, _VOTER.c.by_proxy).where(*_voter(attempt, poll_id))
    row = session.execute(wanted).first()
    if row is None:
        return RuleBroken("ballot.not_in_electorate")
    if row.by_proxy:
        return RuleBroken("ballot.by_proxy", at=row.cast_at)
    why = "ballot.own_first" if attempt.by_proxy else "ballot.other_member"
    return RuleBroken(why, at=row.cast_at)


def spend_late(session: Session, attempt: Attempt, poll_id: int, at: datetime) -> None:
    """Spend the token of a ballot that does not count. Raises: RuleBroken ballot.token_spent."""
    values = {
        "community_id": attempt.community_id,
        "poll_id": poll_id,
        "token": attempt.nonce,
        "person_id": attempt.person_id,
        "at": at,
    }
    _insert_once(session, _LATE, values)


def _insert_once(session: Session, table: Table, values: dict[str, Any]) -> None:
    """Write a row unless its token is spent; the unique key decides, and nothing is poisoned."""
    engine = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    written = session.execute(
        engine.insert(table)
        .values(values)
        .on_conflict_do_nothing(index_elements=["community_id", "token"])
        .returning(table.c.id)
    ).first()
    if written is None:
        raise RuleBroken("ballot.token_spent")


def stored_outcome(attempt: Attempt) -> CastOutcome | None:
    """What this token led to before, if it was spent by this person."""
    counted = db.session.execute(
        select(_BALLOT.c.version, _BALLOT.c.cast_at).where(*_spent(_BALLOT, attempt))
    ).first()
    if counted is not None:
        return CastOutcome(OutcomeKind.COUNTED, counted.version, counted.cast_at, again=True)
    late = db.session.execute(select(_LATE.c.at).where(*_spent(_LATE, attempt))).first()
    return CastOutcome(OutcomeKind.LATE, 0, late.at, again=True) if late is not None else None


def _spent(table: Table, attempt: Attempt) -> tuple[Any, ...]:
    return (
        table.c.community_id == attempt.community_id,
        table.c.token == attempt.nonce,
        table.c.person_id == attempt.person_id,
    )


def store(
    session: Session,
    attempt: Attempt,
    poll_id: int,
    voter: CountedVoter,
    choice: object,
    written: Written,
) -> None:
    """Write this version of the ballot, which spends its token.

    Raises: RuleBroken ballot.token_spent.
    """
    values = {
        "community_id": attempt.community_id,
        "poll_id": poll_id,
        "voter_id": voter.id,
        "version": voter.version,
        "token": attempt.nonce,
        "choice": c.canonical(choice).decode(),
        "person_id": attempt.person_id,
        "cast_at": written.at,
        "entry_seq": written.seq,
        "leaf": written.leaf,
    }
    _insert_once(session, _BALLOT, values)


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


def has_erased(session: Session, community_id: int, subject: str) -> bool:
    """Whether the record already says that a poll's openings are erased."""
    known = session.scalar(
        select(RecordEntry.seq).where(
            RecordEntry.community_id == community_id,
            RecordEntry.subject == subject,
            RecordEntry.kind == "openings.erased",
        )
    )
    return known is not None


def erase(session: Session, community_id: int, poll_id: int, subject: str) -> int:
    """Erase who chose what: the openings of a poll's ballots, and the choices beside them."""
    ballots = select(RecordEntry.seq).where(
        RecordEntry.community_id == community_id,
        RecordEntry.subject == subject,
        RecordEntry.kind.in_(["ballot.cast", "ballot.logged"]),
    )
    mine = RecordOpening.community_id == community_id, RecordOpening.seq.in_(ballots)
    overwrite_deleted(session)
    erased = session.scalar(select(func.count()).select_from(RecordOpening).where(*mine)) or 0
    session.execute(delete(RecordOpening).where(*mine))
    session.execute(
        update(Ballot)
        .where(Ballot.community_id == community_id, Ballot.poll_id == poll_id)
        .values(choice="null")
    )
    return erased

"""What this room forgets of a person who is erased, inside that transaction.

Source: trust.md section 3, as told in docs/record-format.md: a ballot cast before still counts; the
row that ties a voter's reference to the roll is removed. A poll that is open needs that row until
it closes, for the household may vote on by another member.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from app.core.erasures import forgets
from app.people.models import HouseholdNotice
from app.people.queries import ABOUT_BALLOTS
from app.voting.models import Ballot, LateToken, Poll, PollProxy, PollVoter
from app.voting.rules import hour_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.core.erasures import Leaver


@forgets("ballot.person_id", "late_token.person_id", "poll_voter.cast_by", "poll_proxy.holder_id")
def forget(session: Session, leaver: Leaver) -> None:
    """Let ballots go on without whoever cast them, and without their household where it is over."""
    mine = PollVoter.cast_by == leaver.person_id
    over = select(Poll.id).where(Poll.closed_at.is_not(None))
    untie(session, mine, PollVoter.poll_id.in_(over))
    _set(session, PollVoter, {"cast_by": None, "untie": True, "by_proxy": False}, mine)
    session.execute(delete(PollProxy).where(PollProxy.holder_id == leaver.person_id))
    for ballot in session.scalars(select(Ballot).where(Ballot.person_id == leaver.person_id)).all():
        ballot.person_id, ballot.cast_at = None, hour_of(ballot.cast_at)
    session.execute(delete(LateToken).where(LateToken.person_id == leaver.person_id))
    session.flush()


def untie_after_closing(session: Session, poll: Poll) -> None:
    """Take the household from the ballots of a poll whose caster was erased while it was open.

    Where another member has voted since, the ballot is that member's.
    """
    mine = PollVoter.community_id == poll.community_id, PollVoter.poll_id == poll.id
    untie(session, *mine, PollVoter.untie.is_(True), PollVoter.cast_by.is_(None))


def untie(session: Session, *conditions: ColumnElement[bool]) -> None:
    """Take the household from these references, and the lines that could tell which it was.

    Such a line has the title of the poll and the moment of the ballot.
    """
    rows = session.execute(
        select(PollVoter.id, PollVoter.community_id, PollVoter.household_id)
        .add_columns(PollVoter.poll_id, PollVoter.cast_at, Poll.title)
        .join(
            Poll,
            (Poll.community_id == PollVoter.community_id) & (Poll.id == PollVoter.poll_id),
        )
        .where(*conditions)
    ).all()
    for row in rows:
        session.execute(
            delete(HouseholdNotice).where(
                HouseholdNotice.community_id == row.community_id,
                HouseholdNotice.household_id == row.household_id,
                HouseholdNotice.kind.in_(ABOUT_BALLOTS),
                HouseholdNotice.about == row.title[:200],
            )
        )
        # An authority says the moment at which a ballot was cast by it.
        session.execute(
            delete(PollProxy).where(
                PollProxy.community_id == row.community_id,
                PollProxy.poll_id == row.poll_id,
                PollProxy.household_id == row.household_id,
            )
        )
        hour = hour_of(row.cast_at) if row.cast_at is not None else None
        values = {"household_id": None, "cast_by": None, "cast_at": hour, "untie": False}
        _set(session, PollVoter, values, PollVoter.id == row.id)


def _set(
    session: Session, model: Any, values: dict[str, Any], *conditions: ColumnElement[bool]
) -> None:
    session.execute(
        update(model)
        .where(*conditions)
        .values(**values)
        .execution_options(synchronize_session=False)
    )

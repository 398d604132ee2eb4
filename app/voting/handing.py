"""Who of a household may change its ballot, when the desk hands that on to somebody present."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update

from app.core import clock
from app.core.errors import NotFound, RuleBroken
from app.people.ages import is_minor
from app.people.models import Membership
from app.voting import casting, proxies, rules
from app.voting.models import PollVoter
from app.voting.rules import PollState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def hand_on(
    session: Session, community_id: int, public_id: str, household_id: int, person_id: int
) -> str:
    """Let a living member change the ballot that another cast; the ballot stays as it is.

    Gives the poll's title, or nothing when it was theirs already. Raises: NotFound; RuleBroken
    ballot.closed, ballot.not_in_electorate, ballot.nothing_to_hand_on.
    """
    poll, _log = casting.hold(session, community_id, public_id)
    if poll.state != PollState.OPEN or rules.is_late(clock.now(), poll.closes_at):
        raise RuleBroken("ballot.closed", closes_at=poll.closes_at)
    is_in = session.scalar(
        select(Membership.id)
        .where(
            Membership.community_id == community_id,
            Membership.household_id == household_id,
            Membership.person_id == person_id,
            Membership.ended_at.is_(None),
        )
        .with_for_update()
    )
    if is_in is None or is_minor(session, person_id):
        raise NotFound("member")
    mine = (
        PollVoter.community_id == community_id,
        PollVoter.poll_id == poll.id,
        PollVoter.household_id == household_id,
    )
    changed = session.scalar(
        update(PollVoter)
        .where(
            *mine,
            PollVoter.version > 0,
            or_(PollVoter.cast_by.is_(None), PollVoter.cast_by != person_id),
        )
        .values(cast_by=person_id, by_proxy=False)
        .returning(PollVoter.id)
        .execution_options(synchronize_session=False)
    )
    if changed is None:
        _refuse_unless_theirs(session.scalar(select(PollVoter.version).where(*mine)))
        return ""
    # Whoever held the household's authority cast by it; from here on it is the household's again.
    proxies.end_any(session, community_id, poll.id, household_id)
    return poll.title


def _refuse_unless_theirs(version: int | None) -> None:
    if version is None:
        raise RuleBroken("ballot.not_in_electorate")
    if version == 0:
        raise RuleBroken("ballot.nothing_to_hand_on")

"""What becomes of a ballot that comes in, inside the caller's transaction, whoever typed it.

A member on their phone, a clerk with somebody present: the same rules, the same entry. Who cast it
is the `actor`, and no entry tells one way from another (docs/adr/0031).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core import clock
from app.core import record as records
from app.core.errors import RuleBroken
from app.core.record import Act, record
from app.people import ages
from app.people.models import HouseholdNoticeKind
from app.people.steps import tell_household
from app.voting import casting, launching, rules
from app.voting.casting import CastOutcome, LockedPoll, OutcomeKind
from app.voting.rules import Method, PollKind, PollState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.voting.casting import Attempt

CAST = records.register(
    "ballot.cast",
    {"poll", "voter", "version"},
    {"choice", "channel"},
    "one version of one voter's ballot",
)
LOGGED = records.register(
    "ballot.logged",
    {"poll", "voter", "reason"},
    meaning="a ballot that does not count, with its reason",
)


@dataclass(frozen=True, slots=True)
class Told:
    """What the household is told of its first ballot, and of each later one."""

    first: HouseholdNoticeKind
    changed: HouseholdNoticeKind


BY_PHONE = Told(HouseholdNoticeKind.VOTED, HouseholdNoticeKind.VOTE_CHANGED)
AT_DESK = Told(HouseholdNoticeKind.VOTED_AT_DESK, HouseholdNoticeKind.VOTE_CHANGED_AT_DESK)
BY_PROXY = Told(HouseholdNoticeKind.PROXY_VOTED, HouseholdNoticeKind.PROXY_CHANGED_VOTE)


def receive(
    session: Session,
    actor: Actor,
    attempt: Attempt,
    submitted: Sequence[str],
    told: Told = BY_PHONE,
) -> CastOutcome:
    """Count a ballot, or note that it came too late.

    Raises: NotFound; RuleBroken ballot.* (nothing was saved, and the token is still good).
    """
    poll, log = casting.hold(session, attempt.community_id, attempt.public_id)
    now = clock.now()
    if _is_over(poll, now):
        return _log_late(session, actor, attempt, poll, now)
    choice = rules.check_choice(*_form_of(poll), submitted)
    # A clerk who acts for somebody present has seen that they are of age.
    if told is BY_PHONE and (poll.definition or {}).get("kind") == PollKind.MEETING_RESOLUTION:
        home = attempt.community_id, attempt.household_id
        ages.check_confirmed(session, *home, attempt.person_id)
    voter = casting.raise_version(session, attempt, poll.id, now)
    data = {"poll": attempt.public_id, "voter": voter.ref, "version": voter.version}
    private = {"choice": choice, "channel": "phone"}
    act = Act(CAST, launching.subject_of(attempt.public_id), data, private, acted_as="voter")
    written = record(session, actor, act, attempt.community_id, log, now)
    casting.store(session, attempt, poll.id, voter, choice, written)
    kind = told.first if voter.version == 1 else told.changed
    tell_household(session, attempt.community_id, attempt.household_id, kind, poll.title)
    return CastOutcome(OutcomeKind.COUNTED, voter.version, written.at)


def _is_over(poll: LockedPoll, now: datetime) -> bool:
    """Whether a ballot at `now` comes too late. Raises: RuleBroken for one that comes too early."""
    if poll.state in {"draft", "scheduled"}:
        raise RuleBroken("ballot.not_open_yet", opens_at=poll.opens_at)
    if poll.opened_at is not None and rules.hour_of(now) < rules.hour_of(poll.opened_at):
        raise RuleBroken("clock.stepped_back", last_at=poll.opened_at)
    return poll.state != PollState.OPEN or rules.is_late(now, poll.closes_at)


def _form_of(poll: LockedPoll) -> tuple[Method, list[str], int | None]:
    definition = poll.definition or {}
    options = [option["id"] for option in definition["options"]]
    return Method(definition["method"]), options, definition["rules"].get("k")


def _log_late(
    session: Session, actor: Actor, attempt: Attempt, poll: LockedPoll, now: datetime
) -> CastOutcome:
    """Note a late ballot once for each household; its choice is kept nowhere."""
    if rules.hour_of(now) < rules.hour_of(poll.closes_at):
        # The poll is closed and the clock went back: the record could not tell why it was late.
        raise RuleBroken("ballot.closed", closes_at=poll.closes_at)
    if casting.stored_outcome(attempt) is not None:
        raise RuleBroken("ballot.token_spent")
    ref = casting.mark_late(session, attempt, poll.id)
    casting.spend_late(session, attempt, poll.id, now)
    if ref is not None:
        data = {"poll": attempt.public_id, "voter": ref, "reason": "late"}
        act = Act(LOGGED, launching.subject_of(attempt.public_id), data, acted_as="voter")
        record(session, actor, act, attempt.community_id, at=now)
    return CastOutcome(OutcomeKind.LATE, 0, now)

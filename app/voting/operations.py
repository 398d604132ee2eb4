"""Everything that happens to a poll. One verb = one transaction = one line in a log.

A draft is nobody's business but the desk's: it goes to the security log. From the opening on every
act is an entry of the record, in the same transaction as the change.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import current_app
from sqlalchemy import delete, select

from app.communities.models import Community
from app.communities.settings import publication_days
from app.core import clock, erasures, jobs
from app.core import record as records
from app.core.actor import SYSTEM
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.record import Act, checkpoint, record
from app.people.ages import check_of_age
from app.people.steps import security
from app.policy.table import Permission, Place, require
from app.voting import casting, forgetting, launching, receiving, rules, tokens
from app.voting.casting import Attempt, CastOutcome
from app.voting.launching import HOUR, PollDraft
from app.voting.models import Ballot, Poll, PollOption, PollVoter
from app.voting.rules import Method, PollState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.orm import Session

    from app.core.actor import Actor

CLOSED = records.register(
    "poll.closed",
    {"poll", "turnout", "result"},
    meaning="the result, to be recomputed by anyone",
)
PUBLISHED = records.register(
    "result.published",
    {"poll", "until"},
    meaning="the publication period begins and lasts until then",
)
ERASED = records.register(
    "openings.erased",
    {"poll"},
    meaning="the period is over in which the choices of a poll were kept; they are erased",
)
FINAL = records.register("result.final", {"poll"}, meaning="the publication period is over")

# Whoever sends the very same draft again within this time has pressed twice.
SENT_TWICE = timedelta(minutes=10)

# --- drafts ------------------------------------------------------------------------------------


def draft_poll(actor: Actor, *, community_id: int, draft: PollDraft) -> str:
    """Write a draft; gives the poll's public id. A form sent twice is one draft.

    Raises: RuleBroken draft.*, NotFound.
    """
    with transaction() as session:
        require(actor, Permission.POLL_DRAFT, Place(community_id))
        before = _drafted_before(session, actor, community_id, draft)
        if before is not None:
            return before
        poll = launching.new_poll(session, actor, community_id, draft)
        _note(session, actor, poll, "poll.drafted")
        return poll.public_id


def _drafted_before(
    session: Session, actor: Actor, community_id: int, draft: PollDraft
) -> str | None:
    """The same draft by the same person a moment ago; drafts of a community queue up here."""
    if actor.person_id is None:
        return None
    session.execute(select(Community.id).where(Community.id == community_id).with_for_update())
    recent = session.scalars(
        select(Poll).where(
            Poll.community_id == community_id,
            Poll.drafted_by == actor.person_id,
            Poll.drafted_at > clock.now() - SENT_TWICE,
            Poll.state == "draft",
        )
    )
    same = (poll.public_id for poll in recent if launching.draft_of(session, poll) == draft)
    return next(same, None)


def edit_draft(actor: Actor, *, community_id: int, public_id: str, draft: PollDraft) -> None:
    """Change a draft. Raises: NotFound, RuleBroken poll.frozen, draft.*."""
    with transaction() as session:
        require(actor, Permission.POLL_DRAFT, Place(community_id))
        poll = _lock(session, community_id, public_id)
        _refuse_unless(poll, "draft")
        launching.check(community_id, draft)
        launching.write(session, poll, draft)
        _note(session, actor, poll, "poll.draft_edited")


def discard_draft(actor: Actor, *, community_id: int, public_id: str) -> None:
    """Throw a draft away. Raises: NotFound, RuleBroken poll.frozen."""
    with transaction() as session:
        require(actor, Permission.POLL_DRAFT, Place(community_id))
        poll = _lock(session, community_id, public_id)
        _refuse_unless(poll, "draft")
        session.execute(delete(PollOption).where(*launching.options_of(poll)))
        _note(session, actor, poll, "poll.draft_discarded")
        session.delete(poll)


def schedule_poll(actor: Actor, *, community_id: int, public_id: str, opens_at: datetime) -> None:
    """Let a draft open by itself. It stays a draft in all but name until then.

    Raises: NotFound; RuleBroken poll.frozen, poll.opens_in_the_past, draft.*.
    """
    with transaction() as session:
        require(actor, Permission.POLL_OPEN, Place(community_id))
        poll = _lock(session, community_id, public_id)
        _refuse_unless(poll, "draft")
        if opens_at <= clock.now():
            raise RuleBroken("poll.opens_in_the_past")
        # The record knows whole seconds.
        poll.opens_at = opens_at.replace(microsecond=0)
        launching.check(community_id, launching.draft_of(session, poll))
        poll.state = "scheduled"
        poll.version += 1
        jobs.enqueue(
            session,
            "poll.open",
            f"{poll.id}:{clock.to_record(opens_at)}",
            poll.opens_at,
            community_id=community_id,
            poll=public_id,
            opens_at=clock.to_record(opens_at),
        )
        _note(session, actor, poll, "poll.scheduled")


def unschedule_poll(actor: Actor, *, community_id: int, public_id: str) -> None:
    """Make a poll that waits for its time a plain draft again. Raises: NotFound, RuleBroken."""
    with transaction() as session:
        require(actor, Permission.POLL_OPEN, Place(community_id))
        poll = _lock(session, community_id, public_id)
        _refuse_unless(poll, "scheduled")
        poll.state = "draft"
        poll.version += 1
        _note(session, actor, poll, "poll.unscheduled")


def _note(session: Session, actor: Actor, poll: Poll, kind: str) -> None:
    """Drafts nobody has seen are no entries of the record."""
    security(
        session,
        kind,
        community_id=poll.community_id,
        person_id=actor.person_id,
        poll=poll.public_id,
    )


def _lock(session: Session, community_id: int, public_id: str) -> Poll:
    mine = Poll.community_id == community_id, Poll.public_id == public_id
    poll = session.scalar(select(Poll).where(*mine).with_for_update())
    if poll is None:
        raise NotFound("poll")
    return poll


def _refuse_unless(poll: Poll, *states: str) -> None:
    if poll.state not in states:
        raise RuleBroken("poll.frozen", state=poll.state)


# --- opening -----------------------------------------------------------------------------------


def open_poll(actor: Actor, *, community_id: int, public_id: str) -> None:
    """Open a poll and freeze it: options, rules, electorate, times, and every word of the ballot.

    A person opens at once; the job opens what is scheduled at its time, and finds a poll that is
    already open without harm. Raises: NotFound; RuleBroken poll.frozen, poll.not_yet,
    poll.no_electorate, draft.*, clock.stepped_back.
    """
    with transaction() as session:
        require(actor, Permission.POLL_OPEN, Place(community_id))
        poll = _lock(session, community_id, public_id)
        if actor.is_system and poll.opened_at is not None:
            return
        _refuse_unless(poll, "draft", "scheduled")
        now = launching.trusted_now(session, community_id)
        _set_opening_time(actor, poll, now)
        launching.open_now(session, actor, poll, now)


def _set_opening_time(actor: Actor, poll: Poll, now: datetime) -> None:
    if actor.is_system and poll.state == PollState.SCHEDULED:
        if now < poll.opens_at:
            raise RuleBroken("poll.not_yet", opens_at=poll.opens_at)
        return
    # The record knows whole seconds; rounded down, so that the entry is never before it.
    poll.opens_at = now.replace(microsecond=0)


def sign_hourly(actor: Actor, *, community_id: int, due_at: datetime) -> None:
    """Sign the log while a poll is open, and plan the next time. Safe to run twice."""
    with transaction() as session:
        require(actor, Permission.RECORD_CHECKPOINT, Place(community_id))
        going_on = session.scalar(
            select(Poll.id)
            .where(Poll.community_id == community_id, Poll.state == PollState.OPEN.value)
            .limit(1)
        )
        if going_on is None:
            return
        checkpoint(session, community_id)
        next_at = max(rules.hour_of(clock.now()), due_at) + HOUR
        launching.enqueue_checkpoint(session, community_id, next_at)


# --- ballots -----------------------------------------------------------------------------------


def cast_ballot(
    actor: Actor,
    *,
    community_id: int,
    public_id: str,
    choice: Sequence[str],
    token: str,
) -> CastOutcome:
    """Cast or change the household's ballot; the same token leads to the same outcome again.

    `choice` holds option ids as submitted, or "none" for 均不同意. A ballot after the closing is an
    outcome too: it is logged once, and does not count. Raises: NotFound; NotAllowed; RuleBroken
    ballot.*, age.* (nothing was saved, and the token is still good).
    """
    require(actor, Permission.BALLOT_CAST, Place(community_id))
    check_of_age(actor)
    attempt = _attempt(actor, community_id, public_id, token)
    try:
        return _cast(actor, attempt, choice)
    except RuleBroken:
        # Whatever came with a spent token, it leads to what it led to before.
        stored = casting.stored_outcome(attempt)
        if stored is None:
            raise
        return stored


def _attempt(actor: Actor, community_id: int, public_id: str, token: str) -> Attempt:
    """Who submits which form, for the household they act for.

    Raises: RuleBroken ballot.other_session; ballot.other_home when the form was opened for another
    household of the same person, who has chosen this one since.
    """
    key = current_app.config["SETTINGS"].secret_key
    homes = [home.household_id for home in actor.homes_in(community_id)]
    bindings = [
        tokens.Binding(actor.session_id or 0, community_id, public_id, home) for home in homes
    ]
    if any(tokens.fits(key, other, token) for other in bindings[1:]):
        raise RuleBroken("ballot.other_home")
    nonce = tokens.nonce_of(key, bindings[0], token)
    return Attempt(community_id, public_id, homes[0], actor.require_person(), nonce)


def _cast(actor: Actor, attempt: Attempt, submitted: Sequence[str]) -> CastOutcome:
    with transaction() as session:
        return receiving.receive(session, actor, attempt, submitted)


# --- closing, publishing -----------------------------------------------------------------------


def close_poll(actor: Actor, *, community_id: int, public_id: str) -> None:
    """Close a poll whose time is over, count it, and make the preliminary result public.

    A checkpoint that covers the opening and not the closing is written first. Safe to run twice.
    Raises: NotFound; RuleBroken poll.not_yet, clock.stepped_back.
    """
    with transaction() as session:
        require(actor, Permission.POLL_CLOSE, Place(community_id))
        poll = _lock(session, community_id, public_id)
        if poll.state != PollState.OPEN:
            return
        now = launching.trusted_now(session, community_id)
        if now < poll.closes_at:
            raise RuleBroken("poll.not_yet", closes_at=poll.closes_at)
        checkpoint(session, community_id)
        tally = _count(session, poll)
        poll.result = tally.as_json()
        poll.turnout = rules.turnout_json({"paper": 0, "phone": tally.participants})
        poll.state, poll.closed_at = PollState.CLOSED.value, now
        poll.version += 1
        data = {"poll": public_id, "turnout": poll.turnout, "result": poll.result}
        act = Act(CLOSED, launching.subject_of(public_id), data)
        record(session, actor, act, community_id, at=now)
        checkpoint(session, community_id)
        forgetting.untie_after_closing(session, poll)


def _count(session: Session, poll: Poll) -> rules.Tally:
    """Count each voter's highest version, in one read."""
    choices = session.scalars(
        select(Ballot.choice)
        .join(
            PollVoter,
            (PollVoter.id == Ballot.voter_id) & (PollVoter.version == Ballot.version),
        )
        .where(Ballot.community_id == poll.community_id, Ballot.poll_id == poll.id)
    )
    definition: dict[str, Any] = poll.definition or {}
    return rules.tally(
        Method(poll.method),
        rules.rules_from_json(definition["rules"]),
        [option["id"] for option in definition["options"]],
        _read(choices),
        poll.heads,
    )


def _read(choices: Iterable[str]) -> Iterator[rules.Choice]:
    return (json.loads(choice) for choice in choices)


def publish_result(actor: Actor, *, community_id: int, public_id: str) -> None:
    """Begin the publication period; a job ends it. Raises: NotFound, RuleBroken poll.not_closed."""
    with transaction() as session:
        require(actor, Permission.RESULT_PUBLISH, Place(community_id))
        poll = _lock(session, community_id, public_id)
        if poll.state != PollState.CLOSED:
            raise RuleBroken("poll.not_closed", state=poll.state)
        now = clock.now().replace(microsecond=0)
        until = rules.publication_until(now, publication_days(community_id))
        poll.state = PollState.PUBLISHED.value
        poll.published_at, poll.publication_until = now, until
        poll.version += 1
        data = {"poll": public_id, "until": clock.to_record(until)}
        record(session, actor, Act(PUBLISHED, launching.subject_of(public_id), data), community_id)
        jobs.enqueue(
            session,
            "result.finalise",
            str(poll.id),
            until,
            community_id=community_id,
            poll=public_id,
        )


def finalise_result(actor: Actor, *, community_id: int, public_id: str) -> None:
    """End the publication period at its time. Safe to run twice.

    Raises: NotFound; RuleBroken poll.not_yet.
    """
    with transaction() as session:
        require(actor, Permission.RESULT_FINALISE, Place(community_id))
        poll = _lock(session, community_id, public_id)
        if poll.state != PollState.PUBLISHED or poll.publication_until is None:
            return
        now = clock.now()
        if now < poll.publication_until:
            raise RuleBroken("poll.not_yet", until=poll.publication_until)
        poll.state, poll.final_at = PollState.FINAL.value, now
        poll.version += 1
        record(
            session,
            actor,
            Act(FINAL, launching.subject_of(public_id), {"poll": public_id}),
            community_id,
        )


# --- the end of the period in which choices are kept ---------------------------------------------


def erase_openings(actor: Actor, *, community_id: int, public_id: str) -> int:
    """Erase the choices of a poll that is over; the counts stay. Gives how many openings went.

    The entry comes first, so that whoever verifies knows why they are missing. Safe to run twice.
    Raises: NotFound; RuleBroken poll.not_closed.
    """
    with transaction() as session:
        require(actor, Permission.OPENINGS_ERASE, Place(community_id))
        poll = _lock(session, community_id, public_id)
        if poll.closed_at is None:
            raise RuleBroken("poll.not_closed", state=poll.state)
        subject = launching.subject_of(public_id)
        if not casting.has_erased(session, community_id, subject):
            record(session, actor, Act(ERASED, subject, {"poll": public_id}), community_id)
        erased = casting.erase(session, community_id, poll.id, subject)
        erasures.note("openings", community=str(community_id), poll=public_id)
        return erased


@erasures.erases("openings")
def _erase_again(ids: dict[str, str]) -> None:
    erase_openings(SYSTEM, community_id=int(ids["community"]), public_id=ids["poll"])

"""What a topic is decided by after its publication: objections answered, a vote entered."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.consultations import queries, rules
from app.consultations.models import Topic, TopicOutcome
from app.consultations.moves import PROPOSED, hold, move, subject_of
from app.consultations.rules import State
from app.core import canonical as c
from app.core import clock
from app.core import record as records
from app.core.db import transaction
from app.core.errors import RuleBroken
from app.core.links import Edge, connect
from app.core.record import Act, record
from app.meetings.resolutions import (
    MEETINGS,
    Body,
    OwnersVote,
    Resolution,
    Verdict,
    verdict_of,
    verdict_of_owners,
)
from app.policy.table import Permission, Place, require
from app.voting.published import Unfit, published_result
from app.voting.rules import PollKind

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.voting.queries import ResultView

VOTED = records.register(
    "topic.voted",
    {"topic", "body", "base", "present", "in_favour", "poll", "matter", "areas_c", "verdict"},
    meaning="what a vote on a topic came to: a meeting's numbers, a published poll, or the owners'",
)
ID_BYTES = 5


def answer_objection(actor: Actor, *, community_id: int, topic_id: str, answer: str) -> None:
    """Answer the objection in public and go on with the publication, whose end stays as it was.

    Whoever changes the opinion because of it calls another meeting instead, and publishes anew.
    Raises: NotFound; RuleBroken topic.wrong_state, topic.empty.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = hold(session, community_id, topic_id)
        if topic.state != State.OBJECTION_REVIEW:
            raise RuleBroken("topic.wrong_state", state=topic.state)
        move(session, actor, topic, State.PUBLISHED, rules.check_text(answer))


def enter_resolution(
    actor: Actor, *, community_id: int, topic_id: str, resolution: Resolution, held_on: datetime
) -> Verdict:
    """Enter what a residents' or representatives' meeting resolved about a topic put to its vote.

    Whether it passed follows from the numbers. Raises: NotFound; RuleBroken topic.wrong_state,
    topic.held_when, topic.still_published, resolution.numbers, resolution.composition.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = _hold_for_vote(session, community_id, topic_id)
        if resolution.body not in MEETINGS:
            raise RuleBroken("resolution.numbers")
        _check_day(topic, held_on)
        verdict = verdict_of(resolution)
        _settle(session, actor, topic, _outcome(topic, resolution, verdict, held_on))
        return verdict


def enter_owners_vote(
    actor: Actor, *, community_id: int, topic_id: str, vote: OwnersVote, held_on: datetime
) -> Verdict:
    """Enter the result of the owners' joint decision, which is held outside the portal.

    Whether it passed follows from areas and heads. Raises: NotFound; RuleBroken topic.wrong_state,
    topic.held_when, topic.still_published, resolution.owners.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = _hold_for_vote(session, community_id, topic_id)
        _check_day(topic, held_on)
        verdict = verdict_of_owners(vote)
        heads = vote.total.heads, vote.took_part.heads, vote.in_favour.heads
        outcome = _outcome(topic, Resolution(Body.OWNERS, *heads), verdict, held_on)
        outcome.matter = vote.matter.value
        outcome.areas_c = [vote.total.area_c, vote.took_part.area_c, vote.in_favour.area_c]
        _settle(session, actor, topic, outcome)
        return verdict


def _check_day(topic: Topic, held_on: datetime) -> None:
    days = held_on, topic.moved_at, clock.now()
    rules.check_held(*(clock.day_of(moment) for moment in days))


def take_poll(actor: Actor, *, community_id: int, topic_id: str, poll: str) -> Verdict:
    """Take a published poll on one of the topic's projects, opened after it was put to the vote.

    Raises: NotFound; RuleBroken topic.wrong_state, topic.no_poll, topic.poll_before,
    topic.poll_tied, topic.still_published.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = _hold_for_vote(session, community_id, topic_id)
        codes = queries.linked_projects(community_id, subject_of(topic))
        result = _published(community_id, poll, topic.moved_at)
        about = {card.subject.partition(":")[2] for card in result.poll.cards} & set(codes)
        if not about:
            raise RuleBroken("topic.no_poll")
        rows = [row for row in result.rows if row.option in about]
        verdict = rules.verdict_of_poll(
            result.outcome, won=any(row.won for row in rows), tied=any(row.tied for row in rows)
        )
        votes = [row.votes for row in result.rows if row.option in about | {"yes"}]
        told = Resolution(Body.POLL, result.poll.heads, result.turnout, max(votes, default=0))
        outcome = _outcome(topic, told, verdict, result.poll.closes_at)
        outcome.poll = poll
        connect(session, community_id, Edge(f"poll:{poll}", "decides", subject_of(topic)))
        _settle(session, actor, topic, outcome)
        return verdict


def _hold_for_vote(session: Session, community_id: int, topic_id: str) -> Topic:
    topic = hold(session, community_id, topic_id)
    if topic.state != State.TO_VOTE:
        raise RuleBroken("topic.wrong_state", state=topic.state)
    rules.check_published(topic.publication_until, clock.now())
    return topic


def _published(community_id: int, poll: str, submitted_at: datetime) -> ResultView:
    """A published result of a facility poll that was opened after the topic was put to the vote."""
    result = published_result(community_id, poll, PollKind.PREFERENCE_POLL, submitted_at)
    if isinstance(result, Unfit):
        raise RuleBroken(f"topic.{result}")
    return result


def _outcome(topic: Topic, told: Resolution, verdict: Verdict, held_on: datetime) -> TopicOutcome:
    return TopicOutcome(
        community_id=topic.community_id,
        topic_id=topic.id,
        body=told.body.value,
        verdict=verdict.value,
        base=told.base,
        representatives=told.representatives,
        present=told.present,
        in_favour=told.in_favour,
        poll="",
        matter="",
        areas_c=[],
        held_on=held_on,
        at=clock.now(),
    )


def _settle(session: Session, actor: Actor, topic: Topic, outcome: TopicOutcome) -> None:
    """Keep the outcome, say it in the record, and move the topic to where it leads."""
    session.add(outcome)
    data = {
        "topic": topic.public_id,
        "body": outcome.body,
        "base": outcome.base,
        "present": outcome.present,
        "in_favour": outcome.in_favour,
        "poll": outcome.poll,
        "matter": outcome.matter,
        "areas_c": outcome.areas_c or None,
        "verdict": outcome.verdict,
    }
    record(session, actor, Act(VOTED, subject_of(topic), data), topic.community_id)
    passed = outcome.verdict == Verdict.PASSED
    move(session, actor, topic, State.DECIDED if passed else State.NOT_ADOPTED, "")


def propose_again(actor: Actor, *, community_id: int, topic_id: str) -> str:
    """Propose what was not adopted once more, as a topic of its own; gives its public id.

    What was voted upon stays with its result; an edge leads from the new topic to it. Asked twice
    it is one topic. Raises: NotFound; RuleBroken topic.wrong_state.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        before = hold(session, community_id, topic_id)
        if before.state != State.NOT_ADOPTED:
            raise RuleBroken("topic.wrong_state", state=before.state)
        found = _again(session, before)
        if found is not None:
            return found
        topic = _copy(before)
        session.add(topic)
        connect(session, community_id, Edge(subject_of(topic), "continues", subject_of(before)))
        act = Act(
            PROPOSED,
            subject_of(topic),
            {"topic": topic.public_id},
            {"title": topic.title, "text": topic.background},
        )
        record(session, actor, act, community_id)
        return topic.public_id


def _again(session: Session, before: Topic) -> str | None:
    """The topic that was made of this one already."""
    return session.scalar(
        select(Topic.public_id).where(
            Topic.community_id == before.community_id, Topic.once == _mark(before)
        )
    )


def _mark(before: Topic) -> str:
    return f"again:{before.public_id}"


def _copy(before: Topic) -> Topic:
    now = clock.now()
    return Topic(
        community_id=before.community_id,
        public_id=c.crockford(secrets.token_bytes(ID_BYTES)).lower(),
        person_id=before.person_id,
        proposed_as=before.proposed_as,
        once=_mark(before),
        title=before.title,
        background=before.background,
        original_title=before.original_title,
        original_background=before.original_background,
        question=before.question,
        parties=before.parties,
        legal_note=before.legal_note,
        state=State.PROPOSED.value,
        created_at=now,
        moved_at=now,
    )

"""Everything that happens to a topic. Every move is an entry of the record."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.attachments.steps import keep_picture
from app.communities.settings import publication_days
from app.consultations import rules
from app.consultations.models import Topic, TopicCorrection, TopicMove, TopicPhoto
from app.consultations.rules import State
from app.core import canonical as c
from app.core import clock
from app.core import record as records
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.links import Edge, connect
from app.core.record import Act, record
from app.discussion.queries import undisposed_about
from app.meetings import steps as meetings
from app.people.models import PersonNoticeKind
from app.people.steps import tell_person
from app.policy.table import Permission, Place, require
from app.projects.queries import project
from app.voting.rules import publication_until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.core.images import Picture
    from app.meetings.steps import NewMeeting

MOVED = records.register(
    "topic.moved",
    {"topic", "from", "to"},
    {"note"},
    "a topic goes from one state of consultation to another",
)
PROPOSED = records.register(
    "topic.proposed", {"topic"}, {"title", "text"}, "somebody proposes a topic"
)
OPINION = records.register(
    "topic.opinion",
    {"topic", "text_sha256", "until"},
    meaning="the opinion a consultation came to is published until then",
)
CORRECTED = records.register(
    "topic.corrected", {"topic"}, {"text"}, "something published is corrected, and both stay"
)
LINKED = records.register(
    "topic.linked", {"topic", "project"}, meaning="a topic leads to a project of the ledger"
)
ID_BYTES = 5


@dataclass(frozen=True, slots=True)
class TopicText:
    """What a proposal says; the committee adds question, parties and legal note when it accepts."""

    title: str
    background: str
    question: str = ""
    parties: str = ""
    legal_note: str = ""


def propose_topic(
    actor: Actor,
    *,
    community_id: int,
    text: TopicText,
    proposed_as: str,
    once: str,
    photos: Sequence[Picture] = (),
) -> str:
    """Propose a topic; gives its public id. The same form twice is one proposal.

    Raises: RuleBroken topic.*.
    """
    try:
        with transaction() as session:
            require(actor, Permission.TOPIC_PROPOSE, Place(community_id))
            if len(photos) > rules.MOST_PHOTOS:
                raise RuleBroken("topic.too_many_photos", most=rules.MOST_PHOTOS)
            topic = _new_topic(actor, community_id, text, proposed_as, once)
            session.add(topic)
            session.flush()
            for position, picture in enumerate(photos):
                _keep_photo(session, actor, topic, position, picture)
            act = Act(
                PROPOSED,
                _subject(topic),
                {"topic": topic.public_id},
                {"title": topic.title, "text": topic.background},
                acted_as=_acted_as(actor, community_id),
            )
            record(session, actor, act, community_id)
            return topic.public_id
    except IntegrityError:
        return _proposed_before(actor, community_id, once)


def _new_topic(
    actor: Actor, community_id: int, text: TopicText, proposed_as: str, once: str
) -> Topic:
    now = clock.now()
    return Topic(
        community_id=community_id,
        public_id=c.crockford(secrets.token_bytes(ID_BYTES)).lower(),
        person_id=actor.person_id,
        proposed_as=proposed_as,
        once=once,
        title=rules.check_text(text.title)[:120],
        background=rules.check_text(text.background),
        question=text.question.strip(),
        parties=text.parties.strip(),
        legal_note=text.legal_note.strip(),
        state=State.PROPOSED.value,
        created_at=now,
        moved_at=now,
    )


def _keep_photo(
    session: Session, actor: Actor, topic: Topic, position: int, picture: Picture
) -> None:
    kept = keep_picture(session, actor, topic.community_id, picture, topic.title)
    session.add(
        TopicPhoto(
            community_id=topic.community_id,
            topic_id=topic.id,
            position=position,
            attachment_id=kept.id,
        )
    )


def _acted_as(actor: Actor, community_id: int) -> str:
    return "resident" if actor.home_in(community_id) is not None else ""


def _proposed_before(actor: Actor, community_id: int, once: str) -> str:
    with transaction() as session:
        public_id = session.scalar(
            select(Topic.public_id).where(
                Topic.community_id == community_id,
                Topic.person_id == actor.person_id,
                Topic.once == once,
            )
        )
    if public_id is None:
        raise NotFound("topic")
    return public_id


def withdraw_topic(actor: Actor, *, community_id: int, topic_id: str) -> None:
    """Take one's own proposal back, before it is announced. Raises: NotFound, RuleBroken."""
    with transaction() as session:
        require(actor, Permission.TOPIC_PROPOSE, Place(community_id))
        topic = _lock(session, community_id, topic_id)
        if topic.person_id != actor.require_person():
            raise NotFound("topic")
        _move(session, actor, topic, State.WITHDRAWN, "")


def move_topic(
    actor: Actor, *, community_id: int, topic_id: str, to: State, note: str = ""
) -> None:
    """Make one of the moves that need no more than a word of explanation.

    Raises: NotFound; RuleBroken topic.wrong_state, topic.no_reason, topic.still_published.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = _lock(session, community_id, topic_id)
        if to not in rules.PLAIN_MOVES:
            raise RuleBroken("topic.wrong_state", state=topic.state, to=to.value)
        if to is State.DECIDED and topic.state == State.PUBLISHED:
            rules.check_decision(topic.publication_until, clock.now())
        _move(session, actor, topic, to, note)


def describe_topic(actor: Actor, *, community_id: int, topic_id: str, text: TopicText) -> None:
    """Put question, parties and legal note to a topic before it is announced.

    The proposer's own words stay as they are. Raises: NotFound, RuleBroken topic.fixed.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = _lock(session, community_id, topic_id)
        if State(topic.state) not in {State.SCREENING, State.ACCEPTED}:
            raise RuleBroken("topic.fixed")
        topic.question = rules.check_text(text.question)
        topic.parties, topic.legal_note = text.parties.strip(), text.legal_note.strip()
        act = Act(CORRECTED, _subject(topic), {"topic": topic_id}, {"text": topic.question})
        record(session, actor, act, community_id)


def merge_topic(actor: Actor, *, community_id: int, topic_id: str, into: str, note: str) -> None:
    """Handle a topic together with another. Raises: NotFound; RuleBroken topic.*."""
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = _lock(session, community_id, topic_id)
        parent = session.scalar(
            select(Topic).where(Topic.community_id == community_id, Topic.public_id == into)
        )
        if parent is None or State(parent.state) in rules.UNSEEN or parent.id == topic.id:
            raise RuleBroken("topic.no_parent")
        topic.merged_into = parent.public_id
        edge = Edge(_subject(topic), "merged_into", _subject(parent))
        connect(session, community_id, edge)
        _move(session, actor, topic, State.MERGED, note)


def announce_topic(
    actor: Actor, *, community_id: int, topic_id: str, form: rules.Form, meeting: NewMeeting
) -> str:
    """Publish the agenda and call the meeting; gives the meeting's public id.

    From accepted, adjourned or postponed. Raises: NotFound; RuleBroken topic.*, meeting.*.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = _lock(session, community_id, topic_id)
        topic.form = form.value
        called = replace(meeting, subject=_subject(topic), notice_days=rules.notice_days(form))
        made = meetings.announce(session, actor, community_id, called)
        edge = Edge(f"meeting:{made.public_id}", "discusses", _subject(topic))
        connect(session, community_id, edge)
        _move(session, actor, topic, State.ANNOUNCED, "")
        return made.public_id


def postpone_topic(actor: Actor, *, community_id: int, topic_id: str, note: str) -> None:
    """Put the announced meeting off; everybody who wanted to come is told.

    Raises: NotFound; RuleBroken topic.*, meeting.*.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = _lock(session, community_id, topic_id)
        reason = rules.check_reason(State.POSTPONED, note)
        _move(session, actor, topic, State.POSTPONED, reason)
        meeting = meetings.newest_about(session, community_id, _subject(topic))
        meetings.put_off(session, actor, meeting, reason)


def open_session(actor: Actor, *, community_id: int, topic_id: str) -> None:
    """Open the meeting the topic was announced for. Raises: NotFound; RuleBroken."""
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = _lock(session, community_id, topic_id)
        meeting = meetings.newest_about(session, community_id, _subject(topic))
        _move(session, actor, topic, State.IN_SESSION, "")
        meetings.begin(session, actor, meeting)


def draft_opinion(
    actor: Actor, *, community_id: int, topic_id: str, opinion: str, dissent: str
) -> None:
    """Write the opinion the session came to, and what some held against it.

    Possible once the minutes are confirmed; again until it is published. Raises: NotFound;
    RuleBroken topic.no_minutes, topic.*.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = _lock(session, community_id, topic_id)
        meeting = meetings.newest_about(session, community_id, _subject(topic))
        if meeting.confirmed_at is None:
            raise RuleBroken("topic.no_minutes")
        topic.opinion = rules.check_text(opinion)
        topic.dissent = rules.check_reason(State.DRAFTED, dissent)
        if topic.state == State.DRAFTED:
            act = Act(CORRECTED, _subject(topic), {"topic": topic_id}, {"text": topic.opinion})
            record(session, actor, act, community_id)
        else:
            _move(session, actor, topic, State.DRAFTED, "")


def publish_opinion(actor: Actor, *, community_id: int, topic_id: str) -> None:
    """Publish the opinion for at least 15 days; nothing of it is edited afterwards.

    Every published opinion of a resident must have its disposition first.
    Raises: NotFound; RuleBroken topic.undisposed, topic.wrong_state.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = _lock(session, community_id, topic_id)
        if left := undisposed_about(session, community_id, _subject(topic)):
            raise RuleBroken("topic.undisposed", number=left)
        _move(session, actor, topic, State.PUBLISHED, "")
        now = clock.now()
        until = publication_until(now, publication_days(community_id))
        topic.published_at, topic.publication_until = now, until
        text = {"opinion": topic.opinion, "dissent": topic.dissent}
        data = {
            "topic": topic_id,
            "text_sha256": hashlib.sha256(c.canonical(text)).hexdigest(),
            "until": clock.to_record(until),
        }
        record(session, actor, Act(OPINION, _subject(topic), data), community_id)


def start_work(
    actor: Actor, *, community_id: int, topic_id: str, owner: str, due: datetime
) -> None:
    """Carry out what was decided: who, until when. Raises: NotFound; RuleBroken topic.*."""
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = _lock(session, community_id, topic_id)
        topic.task_owner, topic.task_due = rules.check_text(owner)[:120], due
        _move(session, actor, topic, State.IMPLEMENTING, topic.task_owner)


def correct_topic(actor: Actor, *, community_id: int, topic_id: str, text: str) -> None:
    """Correct something published; what was published stays beside it.

    Raises: NotFound; RuleBroken topic.not_published, topic.empty.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = _lock(session, community_id, topic_id)
        if State(topic.state) in rules.UNSEEN:
            raise RuleBroken("topic.not_published")
        tidy = rules.check_text(text)
        session.add(
            TopicCorrection(community_id=community_id, topic_id=topic.id, text=tidy, at=clock.now())
        )
        act = Act(CORRECTED, _subject(topic), {"topic": topic_id}, {"text": tidy})
        record(session, actor, act, community_id)


def link_project(actor: Actor, *, community_id: int, topic_id: str, project_code: str) -> None:
    """Say which project of the ledger a topic led to. Raises: NotFound; RuleBroken topic.linked."""
    try:
        with transaction() as session:
            require(actor, Permission.TOPIC_HANDLE, Place(community_id))
            topic = _lock(session, community_id, topic_id)
            found = project(community_id, project_code)
            edge = Edge(_subject(topic), "leads_to", f"project:{found.code}")
            connect(session, community_id, edge)
            session.flush()
            data = {"topic": topic_id, "project": found.code}
            record(session, actor, Act(LINKED, _subject(topic), data), community_id)
    except IntegrityError as error:
        raise RuleBroken("topic.linked") from error


def _move(session: Session, actor: Actor, topic: Topic, to: State, note: str) -> None:
    """Make a move of the table, and leave its words, its entry and a line for the proposer."""
    rules.check_move(State(topic.state), to)
    tidy = rules.check_reason(to, note)
    before, topic.state, topic.moved_at = topic.state, to.value, clock.now()
    session.add(
        TopicMove(
            community_id=topic.community_id,
            topic_id=topic.id,
            from_state=before,
            to_state=to.value,
            note=tidy,
            at=topic.moved_at,
        )
    )
    data = {"topic": topic.public_id, "from": before, "to": to.value}
    acted_as = _acted_as(actor, topic.community_id)
    act = Act(MOVED, _subject(topic), data, {"note": tidy} if tidy else {}, acted_as)
    record(session, actor, act, topic.community_id)
    if topic.person_id is not None and topic.person_id != actor.person_id:
        kind = PersonNoticeKind.TOPIC_MOVED
        tell_person(session, topic.community_id, topic.person_id, kind, _subject(topic))


def _subject(topic: Topic) -> str:
    return f"topic:{topic.public_id}"


def _lock(session: Session, community_id: int, topic_id: str) -> Topic:
    mine = Topic.community_id == community_id, Topic.public_id == topic_id
    topic = session.scalar(select(Topic).where(*mine).with_for_update())
    if topic is None:
        raise NotFound("topic")
    return topic

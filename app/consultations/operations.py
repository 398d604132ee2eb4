"""Everything that happens to a topic. Every move is an entry of the record."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.attachments.steps import keep_picture, withhold
from app.communities.settings import number_of, publication_days
from app.consultations import proposing, queries, rules
from app.consultations.models import Topic, TopicCorrection, TopicPhoto
from app.consultations.moves import (
    hold,
    hold_still,
    hold_two,
    move,
    subject_of,
)
from app.consultations.proposing import TopicText
from app.consultations.rules import State
from app.core import canonical as c
from app.core import clock
from app.core import record as records
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.links import Edge, connect
from app.core.record import Act, record
from app.discussion.queries import undisposed_about, waiting_about
from app.discussion.rules import check_reason as check_moderation
from app.discussion.rules import cover as cover_phrase
from app.discussion.rules import mask
from app.discussion.steps import register_holder
from app.meetings import steps as meetings
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

OPINION = records.register(
    "topic.opinion",
    {"topic", "text_sha256", "until"},
    meaning="the opinion a consultation came to is published until then",
)
CORRECTED = records.register(
    "topic.corrected", {"topic"}, {"text"}, "something published is corrected, and both stay"
)
COVERED = records.register(
    "topic.covered",
    {"topic", "reason"},
    meaning="moderation masks words or hides photos of a topic; the originals are kept",
)
LINKED = records.register(
    "topic.linked", {"topic", "project"}, meaning="a topic leads to a project of the ledger"
)
ID_BYTES = 5
register_holder("topic", hold_still)


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
            if len(photos) > rules.MOST_PHOTOS:
                raise RuleBroken("topic.too_many_photos", most=rules.MOST_PHOTOS)
            topic = proposing.propose(session, actor, community_id, text, (proposed_as, once))
            for position, picture in enumerate(photos):
                _keep_photo(session, actor, topic, position, picture)
            return topic.public_id
    except IntegrityError:
        return _proposed_before(actor, community_id, once)


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
        topic = hold(session, community_id, topic_id)
        if topic.person_id != actor.require_person():
            raise NotFound("topic")
        move(session, actor, topic, State.WITHDRAWN, "")


def move_topic(
    actor: Actor, *, community_id: int, topic_id: str, to: State, note: str = ""
) -> None:
    """Make one of the moves that need no more than a word of explanation.

    To be decided or to go to a vote, the opinion must have been published for its whole period; to
    be rated, the residents must have rated. An adjournment ends the meeting too. What is turned
    away keeps its title and the reason public, and nothing else. Raises: NotFound; RuleBroken
    topic.wrong_state, topic.no_reason, topic.still_published, topic.unrated.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = hold(session, community_id, topic_id)
        if to not in rules.plain_moves(State(topic.state)):
            raise RuleBroken("topic.wrong_state", state=topic.state, to=to.value)
        if to in {State.DECIDED, State.TO_VOTE}:
            rules.check_published(topic.publication_until, clock.now())
        if to is State.RATED and not queries.was_rated(community_id, subject_of(topic)):
            raise RuleBroken("topic.unrated")
        move(session, actor, topic, to, note)
        if to is State.ADJOURNED:
            meeting = meetings.newest_about(session, community_id, subject_of(topic))
            meetings.break_off(session, actor, meeting, rules.check_reason(to, note))
        if to is State.REJECTED:
            withhold(session, community_id, _photo_ids(session, topic))


def _photo_ids(session: Session, topic: Topic) -> list[int]:
    photos = TopicPhoto.community_id == topic.community_id, TopicPhoto.topic_id == topic.id
    return list(session.scalars(select(TopicPhoto.attachment_id).where(*photos)))


def describe_topic(actor: Actor, *, community_id: int, topic_id: str, text: TopicText) -> None:
    """Put question, parties and legal note to a topic before it is announced.

    The proposer's own words stay as they are. Raises: NotFound, RuleBroken topic.fixed.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = hold(session, community_id, topic_id)
        if State(topic.state) not in {State.SCREENING, State.ACCEPTED}:
            raise RuleBroken("topic.fixed")
        topic.question = mask(rules.check_text(text.question))
        topic.parties, topic.legal_note = mask(text.parties.strip()), text.legal_note.strip()
        act = Act(CORRECTED, subject_of(topic), {"topic": topic_id}, {"text": topic.question})
        record(session, actor, act, community_id)


@dataclass(frozen=True, slots=True)
class Cover:
    """What moderation takes out of sight in a topic: phrases as written, photos by position."""

    reason: str
    phrases: tuple[str, ...] = ()
    photos: tuple[int, ...] = ()


def cover_topic(actor: Actor, *, community_id: int, topic_id: str, cover: Cover) -> None:
    """Mask phrases and hide photos of a topic, with a reason that is public; originals are kept.

    Possible at any time: what must not be read is no edit of what was decided. Raises: NotFound;
    RuleBroken post.no_reason, topic.nothing_to_cover.
    """
    with transaction() as session:
        require(actor, Permission.POST_MODERATE, Place(community_id))
        topic = hold(session, community_id, topic_id)
        topic.cover_reason = check_moderation(cover.reason, "").value
        if not cover.phrases and not cover.photos:
            raise RuleBroken("topic.nothing_to_cover")
        for phrase in cover.phrases:
            _mask_phrase(topic, phrase)
        _hide_photos(session, topic, cover.photos)
        data = {"topic": topic_id, "reason": topic.cover_reason}
        record(session, actor, Act(COVERED, subject_of(topic), data), community_id)


COVERABLE = ("title", "background", "question", "parties", "legal_note")


def _mask_phrase(topic: Topic, phrase: str) -> None:
    if not any(phrase in getattr(topic, name) for name in COVERABLE):
        raise RuleBroken("topic.nothing_to_cover")
    for name in COVERABLE:
        setattr(topic, name, cover_phrase(getattr(topic, name), phrase))


def _hide_photos(session: Session, topic: Topic, positions: Sequence[int]) -> None:
    photos = session.scalars(
        select(TopicPhoto).where(
            TopicPhoto.community_id == topic.community_id,
            TopicPhoto.topic_id == topic.id,
            TopicPhoto.position.in_(positions),
        )
    ).all()
    if len(photos) != len(set(positions)):
        raise RuleBroken("topic.nothing_to_cover")
    for photo in photos:
        photo.hidden = True
    withhold(session, topic.community_id, [photo.attachment_id for photo in photos])


def merge_topic(actor: Actor, *, community_id: int, topic_id: str, into: str, note: str) -> None:
    """Handle a topic together with another that goes on. Raises: NotFound; RuleBroken topic.*."""
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic, *others = hold_two(session, community_id, topic_id, into)
        if not others:
            raise RuleBroken("topic.no_parent")
        parent = others[0]
        rules.check_parent(State(parent.state))
        topic.merged_into = parent.public_id
        edge = Edge(subject_of(topic), "merged_into", subject_of(parent))
        connect(session, community_id, edge)
        move(session, actor, topic, State.MERGED, note)


def announce_topic(
    actor: Actor,
    *,
    community_id: int,
    topic_id: str,
    form: rules.Form,
    meeting: NewMeeting,
    question: str = "",
) -> str:
    """Publish the agenda and call the meeting; gives the meeting's public id.

    From accepted, adjourned or postponed. A first notice may bring its `question`; without one
    nobody knows what to come for. Raises: NotFound; RuleBroken topic.no_question,
    topic.no_number, topic.*, meeting.*.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = hold(session, community_id, topic_id)
        if question.strip() and topic.state == State.ACCEPTED:
            topic.question = mask(rules.check_text(question))
        if not topic.question:
            raise RuleBroken("topic.no_question")
        meeting_id = _call(session, actor, topic, form, meeting)
        move(session, actor, topic, State.ANNOUNCED, "")
        return meeting_id


def _call(
    session: Session, actor: Actor, topic: Topic, form: rules.Form, meeting: NewMeeting
) -> str:
    """Announce a meeting about a topic, with the notice its form asks for."""
    if rules.needs_quorum(form) and meeting.quorum is None:
        raise RuleBroken("topic.no_number")
    topic.form = form.value
    called = replace(
        meeting,
        subject=subject_of(topic),
        notice_days=rules.notice_days(form, number_of(topic.community_id, "notice_days")),
        title=mask(meeting.title),
        items=tuple(replace(item, title=mask(item.title)) for item in meeting.items),
        materials=tuple(mask(name) for name in meeting.materials),
        parties=(*topic.parties.splitlines(), *meeting.parties),
    )
    made = meetings.announce(session, actor, topic.community_id, called)
    edge = Edge(f"meeting:{made.public_id}", "discusses", subject_of(topic))
    connect(session, topic.community_id, edge)
    return made.public_id


def call_again(
    actor: Actor,
    *,
    community_id: int,
    topic_id: str,
    form: rules.Form,
    meeting: NewMeeting,
    reason: str,
) -> str:
    """Call another meeting about a drafted or contested opinion; gives the meeting's public id.

    The topic is in session again. An opinion that was published stays to be read as what it was,
    and the next one is published anew for its whole period. Raises: NotFound; RuleBroken
    topic.wrong_state, topic.empty, topic.*, meeting.*.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = hold(session, community_id, topic_id)
        if State(topic.state) not in rules.CALL_AGAIN:
            raise RuleBroken("topic.wrong_state", state=topic.state)
        why = rules.check_text(reason)
        # First, for the new notice is to know of it: it is no correction of that notice.
        if topic.published_at is not None:
            _keep_published(session, actor, topic)
        meeting_id = _call(session, actor, topic, form, meeting)
        move(session, actor, topic, State.IN_SESSION, why)
        return meeting_id


def _keep_published(session: Session, actor: Actor, topic: Topic) -> None:
    """Let what was published stand beside what will be, and take it out of publication."""
    dissent = f"\n保留意见：{topic.dissent}" if topic.dissent else ""
    text = f"因异议重新协商。原来公示的协商意见：{topic.opinion}{dissent}"
    _correct(session, actor, topic, text)
    topic.published_at = topic.publication_until = None


def postpone_topic(actor: Actor, *, community_id: int, topic_id: str, note: str) -> None:
    """Put the announced meeting off; everybody who wanted to come is told.

    Raises: NotFound; RuleBroken topic.*, meeting.*.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = hold(session, community_id, topic_id)
        reason = rules.check_reason(State.POSTPONED, note)
        move(session, actor, topic, State.POSTPONED, reason)
        meeting = meetings.newest_about(session, community_id, subject_of(topic))
        meetings.put_off(session, actor, meeting, reason)


def open_session(actor: Actor, *, community_id: int, topic_id: str) -> None:
    """Open the meeting the topic was announced for, the first or another.

    Raises: NotFound; RuleBroken topic.wrong_state, meeting.*.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = hold(session, community_id, topic_id)
        meeting = meetings.newest_about(session, community_id, subject_of(topic))
        if topic.state != State.IN_SESSION:
            move(session, actor, topic, State.IN_SESSION, "")
        meetings.begin(session, actor, meeting)


def draft_opinion(
    actor: Actor, *, community_id: int, topic_id: str, opinion: str, dissent: str
) -> None:
    """Write the opinion the session came to, and what some held against it.

    Possible once the minutes are confirmed, of a meeting to which enough people came; again until
    it is published. Raises: NotFound; RuleBroken topic.no_minutes, topic.inquorate, topic.*.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = hold(session, community_id, topic_id)
        meeting = meetings.newest_about(session, community_id, subject_of(topic))
        if meeting.confirmed_at is None:
            raise RuleBroken("topic.no_minutes")
        if not meetings.is_quorate(session, meeting):
            raise RuleBroken("topic.inquorate")
        topic.opinion = rules.check_text(opinion)
        topic.dissent = rules.check_reason(State.DRAFTED, dissent)
        if topic.state == State.DRAFTED:
            act = Act(CORRECTED, subject_of(topic), {"topic": topic_id}, {"text": topic.opinion})
            record(session, actor, act, community_id)
        else:
            move(session, actor, topic, State.DRAFTED, "")


def publish_opinion(actor: Actor, *, community_id: int, topic_id: str) -> None:
    """Publish the opinion for at least 15 days; nothing of it is edited afterwards.

    No opinion of a resident may wait for moderation any more, for after this none can be taken up;
    and every published one must have its disposition.
    Raises: NotFound; RuleBroken topic.unmoderated, topic.undisposed, topic.wrong_state.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = hold(session, community_id, topic_id)
        if topic.state != State.DRAFTED:
            raise RuleBroken("topic.wrong_state", state=topic.state)
        if left := waiting_about(session, community_id, subject_of(topic)):
            raise RuleBroken("topic.unmoderated", number=left)
        if left := undisposed_about(session, community_id, subject_of(topic)):
            raise RuleBroken("topic.undisposed", number=left)
        move(session, actor, topic, State.PUBLISHED, "")
        now = clock.now()
        until = publication_until(now, publication_days(community_id))
        topic.published_at, topic.publication_until = now, until
        text = {"opinion": topic.opinion, "dissent": topic.dissent}
        data = {
            "topic": topic_id,
            "text_sha256": hashlib.sha256(c.canonical(text)).hexdigest(),
            "until": clock.to_record(until),
        }
        record(session, actor, Act(OPINION, subject_of(topic), data), community_id)


def start_work(
    actor: Actor, *, community_id: int, topic_id: str, owner: str, due: datetime
) -> None:
    """Carry out what was decided: who, until when.

    Raises: NotFound; RuleBroken topic.due_past, topic.*.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = hold(session, community_id, topic_id)
        rules.check_due(due, clock.now())
        topic.task_owner, topic.task_due = rules.check_text(owner)[:120], due
        move(session, actor, topic, State.IMPLEMENTING, topic.task_owner)


def correct_topic(actor: Actor, *, community_id: int, topic_id: str, text: str) -> None:
    """Correct something published; what was published stays beside it.

    The words of the latest correction again are that one, sent twice over a line that broke.
    Raises: NotFound; RuleBroken topic.not_published, topic.empty.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = hold(session, community_id, topic_id)
        if State(topic.state) in rules.UNSEEN:
            raise RuleBroken("topic.not_published")
        words, mine = rules.check_text(text), TopicCorrection.topic_id == topic.id
        latest = select(TopicCorrection.text).where(mine).order_by(TopicCorrection.id.desc())
        if session.scalar(latest.limit(1)) != words:
            _correct(session, actor, topic, words)


def _correct(session: Session, actor: Actor, topic: Topic, text: str) -> None:
    session.add(
        TopicCorrection(
            community_id=topic.community_id, topic_id=topic.id, text=text, at=clock.now()
        )
    )
    act = Act(CORRECTED, subject_of(topic), {"topic": topic.public_id}, {"text": text})
    record(session, actor, act, topic.community_id)


def link_project(actor: Actor, *, community_id: int, topic_id: str, project_code: str) -> None:
    """Say which project of the ledger a topic led to. Raises: NotFound; RuleBroken topic.linked."""
    try:
        with transaction() as session:
            require(actor, Permission.TOPIC_HANDLE, Place(community_id))
            topic = hold(session, community_id, topic_id)
            found = project(community_id, project_code)
            edge = Edge(subject_of(topic), "leads_to", f"project:{found.code}")
            connect(session, community_id, edge)
            session.flush()
            data = {"topic": topic_id, "project": found.code}
            record(session, actor, Act(LINKED, subject_of(topic), data), community_id)
    except IntegrityError as error:
        raise RuleBroken("topic.linked") from error

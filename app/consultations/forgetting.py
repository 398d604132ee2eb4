"""What this room forgets of a person who is erased, inside that transaction.

A proposal that nobody but the committee has seen goes as a whole. What the community talks over
stays as it was shown, without its proposer; what was turned away keeps its title and the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, or_, select

from app.attachments.steps import discard
from app.consultations.models import Topic, TopicCorrection, TopicMove, TopicOutcome, TopicPhoto
from app.consultations.moves import subject_of
from app.consultations.rules import UNSEEN, State
from app.core.erasures import forgets
from app.core.links import Link
from app.core.record import forget_openings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.erasures import Leaver


@forgets("topic.person_id")
def forget(session: Session, leaver: Leaver) -> None:
    """Let go of everything a person proposed, or of who proposed it."""
    for topic in session.scalars(select(Topic).where(Topic.person_id == leaver.person_id)).all():
        state = State(topic.state)
        if state in UNSEEN:
            _drop(session, topic)
            continue
        if state is State.REJECTED:
            _drop_photos(session, topic)
            topic.background = ""
        topic.person_id, topic.once = None, ""
        topic.original_title, topic.original_background = topic.title, topic.background
        if state is State.REJECTED:
            forget_openings(session, topic.community_id, subject_of(topic))
    session.flush()


def _drop(session: Session, topic: Topic) -> None:
    subject = subject_of(topic)
    forget_openings(session, topic.community_id, subject)
    _drop_photos(session, topic)
    for model in (TopicMove, TopicCorrection, TopicOutcome):
        session.execute(
            delete(model).where(
                model.community_id == topic.community_id, model.topic_id == topic.id
            )
        )
    ends = or_(Link.source == subject, Link.target == subject)
    session.execute(delete(Link).where(Link.community_id == topic.community_id, ends))
    session.delete(topic)
    session.flush()


def _drop_photos(session: Session, topic: Topic) -> None:
    mine = TopicPhoto.community_id == topic.community_id, TopicPhoto.topic_id == topic.id
    ids = list(session.scalars(select(TopicPhoto.attachment_id).where(*mine)))
    session.execute(delete(TopicPhoto).where(*mine))
    discard(session, topic.community_id, ids)

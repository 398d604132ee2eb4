"""What becomes of a topic that is proposed, inside the caller's transaction, whoever typed it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.consultations import rules
from app.consultations.models import Topic
from app.consultations.moves import PROPOSED, acted_as, subject_of
from app.consultations.rules import State
from app.core import canonical as c
from app.core import clock
from app.core.record import Act, record
from app.discussion.rules import mask
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

ID_BYTES = 5


@dataclass(frozen=True, slots=True)
class TopicText:
    """What a proposal says; the committee adds question, parties and legal note when it accepts."""

    title: str
    background: str
    question: str = ""
    parties: str = ""
    legal_note: str = ""


def propose(
    session: Session,
    actor: Actor,
    community_id: int,
    text: TopicText,
    sent: tuple[str, str],
) -> Topic:
    """Propose a topic. `sent` says in what capacity, and the mark of the form it came by.

    Raises: NotAllowed; RuleBroken topic.*; IntegrityError for a form that came before.
    """
    require(actor, Permission.TOPIC_PROPOSE, Place(community_id))
    topic = _new_topic(actor, community_id, text, *sent)
    session.add(topic)
    session.flush()
    act = Act(
        PROPOSED,
        subject_of(topic),
        {"topic": topic.public_id},
        {"title": topic.title, "text": topic.background},
        acted_as=acted_as(actor, community_id),
    )
    record(session, actor, act, community_id)
    return topic


def _new_topic(
    actor: Actor, community_id: int, text: TopicText, proposed_as: str, once: str
) -> Topic:
    now = clock.now()
    title, background = rules.check_text(text.title)[:120], rules.check_text(text.background)
    return Topic(
        community_id=community_id,
        public_id=c.crockford(secrets.token_bytes(ID_BYTES)).lower(),
        person_id=actor.person_id,
        proposed_as=proposed_as,
        once=once,
        title=mask(title),
        background=mask(background),
        original_title=title,
        original_background=background,
        question=mask(text.question.strip()),
        parties=mask(text.parties.strip()),
        legal_note=text.legal_note.strip(),
        state=State.PROPOSED.value,
        created_at=now,
        moved_at=now,
    )

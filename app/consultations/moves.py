"""What every operation on a topic does: hold it, move it, and say so in the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.consultations import rules
from app.consultations.models import Topic, TopicMove
from app.consultations.rules import State
from app.core import clock
from app.core import record as records
from app.core.errors import NotFound
from app.core.record import Act, record
from app.people.models import PersonNoticeKind
from app.people.steps import tell_person

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

MOVED = records.register(
    "topic.moved",
    {"topic", "from", "to"},
    {"note"},
    "a topic goes from one state of consultation to another",
)
PROPOSED = records.register(
    "topic.proposed", {"topic"}, {"title", "text"}, "somebody proposes a topic"
)


def move(
    session: Session, actor: Actor, topic: Topic, to: State, note: str, as_role: str = ""
) -> None:
    """Make a move of the table, and leave its words, its entry and a line for the proposer.

    `as_role` is for who acts from a place above, and so has no role in the topic's community.
    Raises: RuleBroken topic.wrong_state, topic.no_reason, topic.too_long.
    """
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
    as_role = as_role or acted_as(actor, topic.community_id)
    act = Act(MOVED, subject_of(topic), data, {"note": tidy} if tidy else {}, as_role)
    record(session, actor, act, topic.community_id)
    if topic.person_id is not None and topic.person_id != actor.person_id:
        kind, about = PersonNoticeKind.TOPIC_MOVED, subject_of(topic)
        tell_person(session, topic.community_id, topic.person_id, kind, about, to.value)


def acted_as(actor: Actor, community_id: int) -> str:
    """The capacity somebody acts in: at home as a resident, else by their role."""
    return "resident" if actor.home_in(community_id) is not None else ""


def subject_of(topic: Topic) -> str:
    """What opinions, meetings and edges call a topic."""
    return f"topic:{topic.public_id}"


def hold(session: Session, community_id: int, topic_id: str) -> Topic:
    """Lock a topic for a change. Raises: NotFound."""
    mine = Topic.community_id == community_id, Topic.public_id == topic_id
    topic = session.scalar(select(Topic).where(*mine).with_for_update())
    if topic is None:
        raise NotFound("topic")
    return topic


def hold_two(session: Session, community_id: int, topic_id: str, other_id: str) -> list[Topic]:
    """Lock two topics, always in the same order: two merges that cross must not wait in a ring.

    Gives as many as there are, the first one first. Raises: NotFound when it is not there.
    """
    both = Topic.public_id.in_([topic_id, other_id])
    asked = select(Topic).where(Topic.community_id == community_id, both)
    found = {t.public_id: t for t in session.scalars(asked.order_by(Topic.id).with_for_update())}
    if topic_id not in found:
        raise NotFound("topic")
    return [found[one] for one in dict.fromkeys((topic_id, other_id)) if one in found]


def hold_still(session: Session, community_id: int, topic_id: str) -> None:
    """Let a topic be read and talked about, but not moved, until the transaction ends."""
    mine = Topic.community_id == community_id, Topic.public_id == topic_id
    session.execute(select(Topic.id).where(*mine).with_for_update(read=True)).all()

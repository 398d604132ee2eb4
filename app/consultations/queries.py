"""Reads of topics, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from sqlalchemy import select

from app.attachments.queries import PictureView, pictures
from app.consultations.models import Topic, TopicCorrection, TopicMove, TopicOutcome, TopicPhoto
from app.consultations.rules import NO_PARENT, UNSEEN, State, stage_index
from app.core.db import db
from app.core.errors import NotFound
from app.core.links import edges_of
from app.people.steps import Correction
from app.projects.queries import polls_about
from app.voting.queries import poll_view

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True)
class TopicLine:
    """A topic in a list."""

    public_id: str
    title: str
    proposed_as: str
    state: State
    created_at: datetime
    moved_at: datetime
    publication_until: datetime | None
    task_due: datetime | None
    task_owner: str
    person_id: int | None

    @property
    def proposer(self) -> str:
        """In what capacity it was proposed, in the reader's language where that is ours to say."""
        return {"居民": _("居民"), "居委会": _("居委会")}.get(self.proposed_as, self.proposed_as)

    @property
    def stage_index(self) -> int:
        """Which of the five seals is now."""
        return stage_index(self.state)


@dataclass(frozen=True, slots=True)
class MoveView:
    """One move of a topic, with the words that explain it."""

    to: State
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """What a vote came to, with its numbers; `poll` is empty for a meeting."""

    body: str
    verdict: str
    base: int
    present: int
    in_favour: int
    poll: str
    matter: str
    areas_c: list[int]
    held_on: datetime


@dataclass(frozen=True, slots=True)
class TopicView:
    """A topic with everything its page shows."""

    line: TopicLine
    background: str
    question: str
    parties: str
    legal_note: str
    form: str
    merged_into: str
    opinion: str
    dissent: str
    published_at: datetime | None
    task_owner: str
    photos: tuple[PictureView, ...]
    photo_positions: tuple[int, ...]
    original_title: str
    original_background: str
    cover_reason: str
    outcome: OutcomeView | None
    moves: tuple[MoveView, ...]
    corrections: tuple[Correction, ...]

    @property
    def subject(self) -> str:
        """What opinions, meetings and edges call this topic."""
        return f"topic:{self.line.public_id}"

    @property
    def covered(self) -> bool:
        """Whether readers see less than was written."""
        sent = self.original_title, self.original_background
        return sent != (self.line.title, self.background)


_LINE = (
    Topic.public_id,
    Topic.title,
    Topic.proposed_as,
    Topic.state,
    Topic.created_at,
    Topic.moved_at,
    Topic.publication_until,
    Topic.task_due,
    Topic.task_owner,
    Topic.person_id,
)


def public_topics(community_id: int) -> list[TopicLine]:
    """Every topic the committee has looked at, the latest move first."""
    unseen = [state.value for state in UNSEEN]
    return _lines(Topic.community_id == community_id, Topic.state.not_in(unseen))


def all_topics(community_id: int) -> list[TopicLine]:
    """Every topic, for the desk, the latest move first."""
    return _lines(Topic.community_id == community_id)


def parents_for(community_id: int, topic_id: str) -> list[TopicLine]:
    """The topics another can be merged into: those that go on in the open, without itself."""
    ended = [state.value for state in NO_PARENT]
    others = Topic.public_id != topic_id, Topic.state.not_in(ended)
    return _lines(Topic.community_id == community_id, *others)


def topics_of(community_id: int, person_id: int) -> list[TopicLine]:
    """What one person proposed, the latest move first."""
    return _lines(Topic.community_id == community_id, Topic.person_id == person_id)


def lines_by_id(community_id: int, ids: Iterable[str]) -> dict[str, TopicLine]:
    """The named topics, by id; those that are not there are left out."""
    wanted = Topic.public_id.in_(list(ids))
    found = _lines(Topic.community_id == community_id, wanted)
    return {line.public_id: line for line in found}


def _lines(*conditions: ColumnElement[bool]) -> list[TopicLine]:
    rows = db.session.execute(
        select(*_LINE).where(*conditions).order_by(Topic.moved_at.desc(), Topic.id.desc())
    )
    return [_line(row) for row in rows]


def _line(row: Any) -> TopicLine:
    values = {column.key: getattr(row, column.key) for column in _LINE}
    return TopicLine(**values | {"state": State(row.state)})


def topic(community_id: int, topic_id: str) -> TopicView:
    """One topic, in whatever state. Raises: NotFound."""
    row = db.session.scalar(
        select(Topic).where(Topic.community_id == community_id, Topic.public_id == topic_id)
    )
    if row is None:
        raise NotFound("topic")
    shown = _photos(community_id, row.id)
    return TopicView(
        line=_line(row),
        background=row.background,
        question=row.question,
        parties=row.parties,
        legal_note=row.legal_note,
        form=row.form,
        merged_into=row.merged_into,
        opinion=row.opinion,
        dissent=row.dissent,
        published_at=row.published_at,
        task_owner=row.task_owner,
        photos=tuple(picture for _position, picture in shown),
        photo_positions=tuple(position for position, _picture in shown),
        original_title=row.original_title,
        original_background=row.original_background,
        cover_reason=row.cover_reason,
        outcome=_outcome(community_id, row.id),
        moves=_moves(row.id),
        corrections=_corrections(Topic.id == row.id),
    )


def _photos(community_id: int, topic_pk: int) -> list[tuple[int, PictureView]]:
    """The photos that were not hidden, each with its place in the proposal."""
    rows = db.session.execute(
        select(TopicPhoto.position, TopicPhoto.attachment_id)
        .where(
            TopicPhoto.community_id == community_id,
            TopicPhoto.topic_id == topic_pk,
            TopicPhoto.hidden.is_(False),
        )
        .order_by(TopicPhoto.position)
    ).all()
    found = pictures(community_id, [row.attachment_id for row in rows]) if rows else {}
    return [(row.position, found[row.attachment_id]) for row in rows]


def _outcome(community_id: int, topic_pk: int) -> OutcomeView | None:
    row = db.session.execute(
        select(
            TopicOutcome.body,
            TopicOutcome.verdict,
            TopicOutcome.base,
            TopicOutcome.present,
            TopicOutcome.in_favour,
            TopicOutcome.poll,
            TopicOutcome.matter,
            TopicOutcome.areas_c,
            TopicOutcome.held_on,
        ).where(TopicOutcome.community_id == community_id, TopicOutcome.topic_id == topic_pk)
    ).first()
    return None if row is None else OutcomeView(*row)


def linked_projects(community_id: int, subject: str) -> list[str]:
    """The codes of the projects a topic led to."""
    edges = edges_of(community_id, subject)
    return [e.target.partition(":")[2] for e in edges if e.relation == "leads_to"]


def was_rated(community_id: int, subject: str) -> bool:
    """Whether residents have rated one of the topic's projects, and the rating is closed."""
    polls = [
        edge.source.partition(":")[2]
        for code in linked_projects(community_id, subject)
        for edge in edges_of(community_id, f"project:{code}")
        if edge.relation == "rates"
    ]
    return any(poll_view(community_id, poll).decided for poll in polls)


def polls_to_take(community_id: int, topic: TopicView) -> list[tuple[str, str]]:
    """Published polls on the topic's projects since it was put to the vote: id and title."""
    found: dict[str, str] = {}
    for code in linked_projects(community_id, topic.subject):
        for about in polls_about(community_id, code):
            poll = poll_view(community_id, about.public_id)
            since = poll.opened_at is not None and poll.opened_at >= topic.line.moved_at
            if since and poll.published_at is not None:
                found[poll.public_id] = poll.title
    return list(found.items())


def _moves(topic_pk: int) -> tuple[MoveView, ...]:
    rows = db.session.execute(
        select(TopicMove.to_state, TopicMove.note, TopicMove.at)
        .where(TopicMove.topic_id == topic_pk)
        .order_by(TopicMove.id)
    )
    return tuple(MoveView(State(row.to_state), row.note, row.at) for row in rows)


def corrections(community_id: int, topic_id: str) -> tuple[Correction, ...]:
    """What was corrected about a topic, the earliest first; none where there is no such topic."""
    return _corrections(Topic.community_id == community_id, Topic.public_id == topic_id)


def _corrections(*of_topic: ColumnElement[bool]) -> tuple[Correction, ...]:
    rows = db.session.execute(
        select(TopicCorrection.text, TopicCorrection.at)
        .join(Topic, Topic.id == TopicCorrection.topic_id)
        .where(*of_topic)
        .order_by(TopicCorrection.id)
    )
    return tuple(Correction(row.text, row.at) for row in rows)

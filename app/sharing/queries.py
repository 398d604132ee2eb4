"""Reads of lifted and shared topics, as frozen values. Nobody's name is among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, select

from app.bodies.models import Body
from app.communities.models import Community, Jurisdiction
from app.consultations.models import Topic
from app.core.db import db
from app.core.errors import NotFound
from app.core.links import edges_of
from app.discussion.rules import PostState
from app.sharing import rules
from app.sharing.models import LiftedTopic, SharedIn, SharedOpinion, SharedTopic
from app.sharing.rules import LiftState, SharedState

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class LiftView:
    """A topic that waits for the subdistrict, as readers of its community see it."""

    public_id: str
    community: str
    code: str
    title: str
    background: str
    question: str
    reason: str
    lifted_at: datetime


@dataclass(frozen=True, slots=True)
class SharedLine:
    """A shared topic in a list. `waiting` counts what the subdistrict has not finished."""

    public_id: str
    title: str
    area: str
    state: SharedState
    opened_at: datetime
    publication_until: datetime | None
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class SharedView:
    """A shared topic with everything its page shows."""

    id: int
    public_id: str
    title: str
    background: str
    question: str
    state: SharedState
    opened_at: datetime
    outcome: str
    published_at: datetime | None
    publication_until: datetime | None
    communities: tuple[tuple[int, str, str], ...]

    @property
    def is_open(self) -> bool:
        """Whether opinions are taken."""
        return self.state is SharedState.OPEN


@dataclass(frozen=True, slots=True)
class OpinionView:
    """An opinion. `text` is what readers see; `original` and `person_id` are not for them.

    `body`, its kind and its community's name are those in whose name it was said, or empty.
    """

    public_id: str
    original: str
    text: str
    state: PostState
    submitted_at: datetime
    reason: str
    note: str
    disposition: str
    why: str
    appeal: str = ""
    appealed_at: datetime | None = None
    appeal_answer: str = ""
    appeal_answered_at: datetime | None = None
    body: str = ""
    body_kind: str = ""
    community: str = ""
    person_id: int | None = None

    @property
    def may_appeal(self) -> bool:
        """Whether its author may ask somebody else to look again."""
        return rules.may_appeal(self.state.value, self.appealed_at is not None)

    @property
    def may_hide(self) -> bool:
        """Whether the subdistrict may hide it: not what an appeal brought back."""
        return self.state is PostState.PUBLISHED and self.appeal_answered_at is None


def waiting_lifts(jurisdiction_id: int) -> list[LiftView]:
    """What was lifted to a place and nobody has decided on, the oldest first."""
    waits = LiftedTopic.state == LiftState.WAITING.value
    return _lifts(LiftedTopic.jurisdiction_id == jurisdiction_id, waits)


def waiting_lift(jurisdiction_id: int, lift_id: str) -> LiftView:
    """One of them. Raises: NotFound."""
    for one in waiting_lifts(jurisdiction_id):
        if one.public_id == lift_id:
            return one
    raise NotFound("lift")


def _lifts(*conditions: Any) -> list[LiftView]:
    rows = db.session.execute(
        select(
            LiftedTopic.public_id,
            Community.name,
            Community.code,
            Topic.title,
            Topic.background,
            Topic.question,
            LiftedTopic.reason,
            LiftedTopic.lifted_at,
        )
        .join(Community, Community.id == LiftedTopic.community_id)
        .join(
            Topic,
            (Topic.community_id == LiftedTopic.community_id) & (Topic.id == LiftedTopic.topic_id),
        )
        .where(*conditions)
        .order_by(LiftedTopic.id)
    )
    return [LiftView(*row) for row in rows]


_OPEN_WORK = (
    select(func.count(SharedOpinion.id))
    .where(
        SharedOpinion.shared_id == SharedTopic.id,
        (SharedOpinion.state == PostState.SUBMITTED.value)
        | ((SharedOpinion.state == PostState.PUBLISHED.value) & (SharedOpinion.disposition == "")),
    )
    .correlate(SharedTopic)
    .scalar_subquery()
)
_LINE = (
    SharedTopic.public_id,
    SharedTopic.title,
    Jurisdiction.code,
    SharedTopic.state,
    SharedTopic.opened_at,
    SharedTopic.publication_until,
)


def shared_of_area(jurisdiction_id: int) -> list[SharedLine]:
    """Every shared topic of a place, the newest first, with what waits for its staff."""
    rows = db.session.execute(
        select(*_LINE, _OPEN_WORK.label("waiting"))
        .join(Jurisdiction, Jurisdiction.id == SharedTopic.jurisdiction_id)
        .where(SharedTopic.jurisdiction_id == jurisdiction_id)
        .order_by(SharedTopic.id.desc())
    )
    return [_line(row, row.waiting) for row in rows]


def _line(row: Any, waiting: int = 0) -> SharedLine:
    return SharedLine(
        public_id=row.public_id,
        title=row.title,
        area=row.code,
        state=SharedState(row.state),
        opened_at=row.opened_at,
        publication_until=row.publication_until,
        waiting=waiting,
    )


def shared_in(community_id: int) -> list[SharedLine]:
    """What a community shares, the newest first."""
    rows = db.session.execute(
        select(*_LINE)
        .join(Jurisdiction, Jurisdiction.id == SharedTopic.jurisdiction_id)
        .join(SharedIn, SharedIn.shared_id == SharedTopic.id)
        .where(SharedIn.community_id == community_id)
        .order_by(SharedTopic.id.desc())
    )
    return [_line(row) for row in rows]


def lifted_to(community_id: int, subject: str) -> tuple[str, str] | None:
    """The place's code and the id of the shared topic that a topic became; None before that."""
    for edge in edges_of(community_id, subject):
        if edge.relation == "lifted_to" and edge.source == subject:
            area, _slash, shared_id = edge.target.partition(":")[2].partition("/")
            return area, shared_id
    return None


def shared_topic(jurisdiction_id: int, shared_id: str) -> SharedView:
    """One shared topic. Raises: NotFound."""
    mine = SharedTopic.jurisdiction_id == jurisdiction_id, SharedTopic.public_id == shared_id
    return _view(*mine)


def shared_here(community_id: int, shared_id: str) -> SharedView:
    """A topic that this community shares. Raises: NotFound, also for another community's."""
    here = select(SharedIn.shared_id).where(SharedIn.community_id == community_id)
    return _view(SharedTopic.public_id == shared_id, SharedTopic.id.in_(here))


def _view(*conditions: Any) -> SharedView:
    row = db.session.scalar(select(SharedTopic).where(*conditions))
    if row is None:
        raise NotFound("shared")
    shares = db.session.execute(
        select(Community.id, Community.code, Community.name)
        .join(SharedIn, SharedIn.community_id == Community.id)
        .where(SharedIn.shared_id == row.id)
        .order_by(Community.name)
    )
    return SharedView(
        id=row.id,
        public_id=row.public_id,
        title=row.title,
        background=row.background,
        question=row.question,
        state=SharedState(row.state),
        opened_at=row.opened_at,
        outcome=row.outcome,
        published_at=row.published_at,
        publication_until=row.publication_until,
        communities=tuple((one.id, one.code, one.name) for one in shares),
    )


def area_of(community_id: int, shared_id: str) -> str:
    """The code of the place that a shared topic of this community belongs to. Raises: NotFound."""
    for line in shared_in(community_id):
        if line.public_id == shared_id:
            return line.area
    raise NotFound("shared")


def topics_within(community_id: int) -> dict[str, tuple[str, ...]]:
    """The topics of a community that each topic it shares was made of, by that one's public id."""
    rows = db.session.execute(
        select(SharedTopic.public_id, Topic.public_id)
        .join(LiftedTopic, LiftedTopic.shared_id == SharedTopic.id)
        .join(
            Topic,
            (Topic.community_id == LiftedTopic.community_id) & (Topic.id == LiftedTopic.topic_id),
        )
        .where(LiftedTopic.community_id == community_id)
        .order_by(LiftedTopic.id)
    )
    found: dict[str, tuple[str, ...]] = {}
    for shared_id, topic_id in rows:
        found[shared_id] = (*found.get(shared_id, ()), f"topic:{topic_id}")
    return found


def opinions(shared_pk: int, *states: PostState) -> list[OpinionView]:
    """What was written on a shared topic in these states, in the order it came."""
    among = SharedOpinion.state.in_([state.value for state in states])
    return _opinions(SharedOpinion.shared_id == shared_pk, among)


def own_opinions(community_id: int, person_id: int, shared_pk: int = 0) -> list[OpinionView]:
    """What one person wrote, on one shared topic or on all."""
    conditions = [
        SharedOpinion.community_id == community_id,
        SharedOpinion.person_id == person_id,
    ]
    if shared_pk:
        conditions.append(SharedOpinion.shared_id == shared_pk)
    return _opinions(*conditions)


def own_opinion(community_id: int, person_id: int, opinion_id: str) -> tuple[OpinionView, str]:
    """One's own opinion, with the public id of its topic. Raises: NotFound, for another's too."""
    mine = (
        SharedOpinion.community_id == community_id,
        SharedOpinion.person_id == person_id,
        SharedOpinion.public_id == opinion_id,
    )
    return _with_topic(SharedTopic.public_id, *mine)


def opinion(jurisdiction_id: int, opinion_id: str) -> tuple[OpinionView, str]:
    """An opinion on one of a place's topics, with the topic's id. Raises: NotFound."""
    topics = select(SharedTopic.id).where(SharedTopic.jurisdiction_id == jurisdiction_id)
    mine = SharedOpinion.public_id == opinion_id, SharedOpinion.shared_id.in_(topics)
    return _with_topic(SharedTopic.public_id, *mine)


def appeals(jurisdiction_id: int) -> list[OpinionView]:
    """Appeals without an answer against places right below this one, the oldest first."""
    found = _opinions(
        _below(jurisdiction_id),
        SharedOpinion.appealed_at.is_not(None),
        SharedOpinion.appeal_answered_at.is_(None),
    )
    return sorted(found, key=lambda one: (one.appealed_at or one.submitted_at, one.public_id))


def appealed(jurisdiction_id: int, opinion_id: str) -> tuple[OpinionView, str]:
    """An opinion its author appealed about, with its topic's title. Raises: NotFound."""
    mine = (
        _below(jurisdiction_id),
        SharedOpinion.public_id == opinion_id,
        SharedOpinion.appealed_at.is_not(None),
    )
    return _with_topic(SharedTopic.title, *mine)


def _below(jurisdiction_id: int) -> Any:
    """That an opinion is on a topic of a place right below this one."""
    topics = (
        select(SharedTopic.id)
        .join(Jurisdiction, Jurisdiction.id == SharedTopic.jurisdiction_id)
        .where(Jurisdiction.parent_id == jurisdiction_id)
    )
    return SharedOpinion.shared_id.in_(topics)


def _opinions(*conditions: Any) -> list[OpinionView]:
    rows = db.session.execute(
        select(
            SharedOpinion.public_id,
            SharedOpinion.original,
            SharedOpinion.text,
            SharedOpinion.state,
            SharedOpinion.submitted_at,
            SharedOpinion.reason,
            SharedOpinion.note,
            SharedOpinion.disposition,
            SharedOpinion.disposition_why,
            SharedOpinion.appeal,
            SharedOpinion.appealed_at,
            SharedOpinion.appeal_answer,
            SharedOpinion.appeal_answered_at,
            func.coalesce(Body.name, "").label("body"),
            func.coalesce(Body.kind, "").label("body_kind"),
            SharedOpinion.person_id,
            case((Body.id.is_not(None), Community.name), else_="").label("community"),
        )
        .join(Community, Community.id == SharedOpinion.community_id)
        .outerjoin(
            Body,
            (Body.community_id == SharedOpinion.community_id) & (Body.id == SharedOpinion.body_id),
        )
        .where(*conditions)
        .order_by(SharedOpinion.id)
    )
    return [_opinion(row) for row in rows]


def _opinion(row: Any) -> OpinionView:
    return OpinionView(
        public_id=row.public_id,
        original=row.original,
        text=row.text,
        state=PostState(row.state),
        submitted_at=row.submitted_at,
        reason=row.reason,
        note=row.note,
        disposition=row.disposition,
        why=row.disposition_why,
        appeal=row.appeal,
        appealed_at=row.appealed_at,
        appeal_answer=row.appeal_answer,
        appeal_answered_at=row.appeal_answered_at,
        body=row.body,
        body_kind=row.body_kind,
        community=row.community,
        person_id=row.person_id,
    )


def _with_topic(told: Any, *mine: Any) -> tuple[OpinionView, str]:
    """The opinion that these conditions find, with this column of its topic. Raises: NotFound."""
    found = _opinions(*mine)
    if not found:
        raise NotFound("opinion")
    topic = (
        select(told)
        .select_from(SharedTopic)
        .join(SharedOpinion, SharedOpinion.shared_id == SharedTopic.id)
        .where(*mine)
    )
    return found[0], db.session.scalars(topic).first() or ""

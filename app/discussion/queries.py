"""Reads of what people wrote, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.bodies.models import Body
from app.core.db import db
from app.core.errors import NotFound
from app.discussion.models import Post
from app.discussion.rules import ASK_TO_REWORD, PostState, is_overdue, place_in_reading

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class PostView:
    """A post. `original`, `appeal` and `person_id` are for its author and for moderation alone.

    `body` and its kind are those in whose name it was said, or empty.
    """

    public_id: str
    subject: str
    person_id: int | None
    role: str
    original: str
    text: str
    state: PostState
    submitted_at: datetime
    moderated_at: datetime | None
    reason: str
    note: str
    appeal: str
    appealed_at: datetime | None
    appeal_answer: str
    appeal_answered_at: datetime | None
    disposition: str
    disposition_why: str
    disposed_at: datetime | None
    answers: list[dict[str, str]]
    earlier: list[dict[str, str]]
    overruled: list[int]
    body: str
    body_kind: str

    def answered_by(self, role: str) -> bool:
        """Whether somebody has answered in this capacity."""
        return any(answer["role"] == role for answer in self.answers)

    @property
    def may_appeal(self) -> bool:
        """Whether its author can ask somebody else to look again."""
        return self.state in {PostState.RETURNED, PostState.HIDDEN} and self.appealed_at is None

    @property
    def covered(self) -> bool:
        """Whether readers see less than was written."""
        return self.original != self.text


_NAMES = [field.name for field in fields(PostView)]
_OF_BODY = {
    "body": func.coalesce(Body.name, "").label("body"),
    "body_kind": func.coalesce(Body.kind, "").label("body_kind"),
}
_COLUMNS = [_OF_BODY[name] if name in _OF_BODY else getattr(Post, name) for name in _NAMES]


@dataclass(frozen=True, slots=True)
class Thread:
    """The published opinions on a subject in the order this reader meets them."""

    posts: tuple[PostView, ...]
    hidden: int
    waiting: int


def thread(community_id: int, subject: str, seed: str, *, newest: bool = False) -> Thread:
    """What everybody may read about a subject.

    The order is random for each reader, so that nobody gains by being first; newest on request.
    """
    about = Post.community_id == community_id, Post.subject == subject
    posts = _posts(*about, Post.state == PostState.PUBLISHED.value)
    if newest:
        posts.sort(key=lambda post: post.submitted_at, reverse=True)
    else:
        posts.sort(key=lambda post: place_in_reading(seed, post.public_id))
    counts = _counts(*about)
    return Thread(
        tuple(posts),
        counts.get(PostState.HIDDEN.value, 0),
        counts.get(PostState.SUBMITTED.value, 0),
    )


def opinions(community_id: int, subject: str) -> list[PostView]:
    """Every published opinion on a subject, oldest first: for dossiers."""
    about = Post.community_id == community_id, Post.subject == subject
    return _posts(*about, Post.state == PostState.PUBLISHED.value)


def opinions_by_subject(community_id: int, subjects: Collection[str]) -> dict[str, list[PostView]]:
    """Every published opinion on each of these subjects, oldest first."""
    about = Post.community_id == community_id, Post.subject.in_(subjects)
    found: dict[str, list[PostView]] = {}
    for one in _posts(*about, Post.state == PostState.PUBLISHED.value):
        found.setdefault(one.subject, []).append(one)
    return found


def queue(community_id: int) -> list[PostView]:
    """What waits for moderation, oldest first."""
    mine = Post.community_id == community_id
    return _posts(mine, Post.state == PostState.SUBMITTED.value)


def appeals(community_id: int) -> list[PostView]:
    """Appeals without an answer, oldest first."""
    open_appeal = Post.appealed_at.is_not(None), Post.appeal_answered_at.is_(None)
    return _posts(Post.community_id == community_id, *open_appeal)


def without_disposition(community_id: int) -> list[PostView]:
    """Published opinions nobody has answered with 采纳、部分采纳 or 不采纳 yet, oldest first."""
    mine = Post.community_id == community_id, Post.state == PostState.PUBLISHED.value
    return _posts(*mine, Post.disposition == "")


def mine(community_id: int, person_id: int) -> list[PostView]:
    """What one person wrote, the newest first."""
    found = _posts(Post.community_id == community_id, Post.person_id == person_id)
    return found[::-1]


def post(community_id: int, post_id: str) -> PostView:
    """One post, in whatever state. Raises: NotFound."""
    found = _posts(Post.community_id == community_id, Post.public_id == post_id)
    if not found:
        raise NotFound("post")
    return found[0]


@dataclass(frozen=True, slots=True)
class Work:
    """How much waits for moderation, how much of it for longer than 48 hours, and since when."""

    waiting: int
    overdue: int
    since: datetime | None
    appeals: int
    appealed_since: datetime | None
    undisposed: int
    undisposed_since: datetime | None


def work(community_id: int, now: datetime) -> Work:
    """What moderation has before it."""
    mine = Post.community_id == community_id
    waiting = db.session.scalars(
        select(Post.submitted_at)
        .where(mine, Post.state == PostState.SUBMITTED.value)
        .order_by(Post.submitted_at)
    ).all()
    appealed = db.session.execute(
        select(func.count(), func.min(Post.appealed_at).label("since")).where(
            mine, Post.appealed_at.is_not(None), Post.appeal_answered_at.is_(None)
        )
    ).one()
    undisposed = db.session.execute(
        select(func.count(), func.min(Post.moderated_at).label("since")).where(
            mine, Post.state == PostState.PUBLISHED.value, Post.disposition == ""
        )
    ).one()
    return Work(
        len(waiting),
        sum(is_overdue(at, now) for at in waiting),
        waiting[0] if waiting else None,
        appealed[0],
        appealed.since,
        undisposed[0],
        undisposed.since,
    )


@dataclass(frozen=True, slots=True)
class Returned:
    """Something its author was asked to word anew."""

    public_id: str
    text: str
    at: datetime


def returned(community_id: int, person_id: int, now: datetime) -> list[Returned]:
    """What one person wrote and got back within the month, the latest first.

    While an appeal against it waits, nothing is theirs to do.
    """
    rows = db.session.execute(
        select(Post.public_id, Post.original, Post.moderated_at)
        .where(
            Post.community_id == community_id,
            Post.person_id == person_id,
            Post.state == PostState.RETURNED.value,
            Post.moderated_at > now - ASK_TO_REWORD,
            Post.appealed_at.is_(None) | Post.appeal_answered_at.is_not(None),
        )
        .order_by(Post.moderated_at.desc(), Post.id.desc())
    )
    return [Returned(*row) for row in rows]  # type: ignore[arg-type]  # it has a moment by now


def _posts(*conditions: ColumnElement[bool]) -> list[PostView]:
    rows = db.session.execute(
        select(*_COLUMNS)
        .outerjoin(Body, (Body.community_id == Post.community_id) & (Body.id == Post.body_id))
        .where(*conditions)
        .order_by(Post.submitted_at, Post.id)
    )
    return [
        PostView(**dict(zip(_NAMES, row, strict=True)) | {"state": PostState(row.state)})
        for row in rows
    ]


def _counts(*conditions: ColumnElement[bool]) -> dict[str, int]:
    rows = db.session.execute(
        select(Post.state, func.count()).where(*conditions).group_by(Post.state)
    )
    return {state: number for state, number in rows}  # noqa: C416 -- rows are no pairs to mypy


def unfinished(community_id: int, subject: str) -> list[PostView]:
    """Opinions on a subject that wait for moderation, then published ones without a disposition."""
    about = Post.community_id == community_id, Post.subject == subject
    waiting = _posts(*about, Post.state == PostState.SUBMITTED.value)
    shown = Post.state == PostState.PUBLISHED.value, Post.disposition == ""
    return waiting + _posts(*about, *shown)


def waiting_about(session: Session, community_id: int, subject: str) -> int:
    """How many opinions on a subject wait for moderation, in the caller's transaction."""
    return _number(session, community_id, subject, Post.state == PostState.SUBMITTED.value)


def undisposed_about(session: Session, community_id: int, subject: str) -> int:
    """How many published opinions on a subject have no disposition, in the caller's transaction."""
    shown = Post.state == PostState.PUBLISHED.value, Post.disposition == ""
    return _number(session, community_id, subject, *shown)


def _number(
    session: Session, community_id: int, subject: str, *conditions: ColumnElement[bool]
) -> int:
    about = Post.community_id == community_id, Post.subject == subject, *conditions
    return session.scalar(select(func.count()).select_from(Post).where(*about)) or 0


def author_in(session: Session, community_id: int, subject: str, post_id: str) -> int | None:
    """Who wrote a published opinion on this subject, in the caller's transaction.

    Nobody when its author was erased. Raises: NotFound when there is no such opinion.
    """
    row = session.execute(
        select(Post.person_id).where(
            Post.community_id == community_id,
            Post.subject == subject,
            Post.public_id == post_id,
            Post.state == PostState.PUBLISHED.value,
        )
    ).first()
    if row is None:
        raise NotFound("post")
    return row.person_id

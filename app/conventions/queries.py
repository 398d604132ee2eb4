"""Reads of the convention, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.conventions.models import Convention, ConventionArticle, Signature
from app.conventions.rules import Article, ArticleClass, Piece, State, compare, subject_of
from app.core import canonical as c
from app.core.db import db
from app.core.errors import NotFound, RuleBroken
from app.discussion.models import Post
from app.discussion.rules import PostState
from app.voting import published
from app.voting.rules import Outcome, Phase, PollKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from app.voting.queries import PollCard, ResultView


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version with its articles. `signatures` counts pledges that were not taken back."""

    number: int
    title: str
    preamble: str
    state: State
    text_sha256: str
    revision: int
    created_at: datetime
    adopted_at: datetime | None
    body: str
    base: int
    present: int
    in_favour: int
    poll: str
    filed_with: str
    filing_number: str
    published_at: datetime | None
    submitted_at: datetime | None
    articles: tuple[Article, ...]
    signatures: int

    @property
    def classes(self) -> list[tuple[str, list[Article]]]:
        """The articles under the headings of their classes, in order."""
        found: dict[str, list[Article]] = {}
        for article in self.articles:
            found.setdefault(article.kind.value, []).append(article)
        return list(found.items())


def versions(community_id: int) -> list[VersionView]:
    """Every version, drafts too, the newest first."""
    return _views(Convention.community_id == community_id)


def version(community_id: int, number: int) -> VersionView:
    """One version. Raises: NotFound."""
    found = _views(Convention.community_id == community_id, Convention.number == number)
    if not found:
        raise NotFound("convention")
    return found[0]


def in_force(community_id: int) -> VersionView | None:
    """The newest published version."""
    published = Convention.state == State.PUBLISHED.value
    found = _views(Convention.community_id == community_id, published)
    return found[0] if found else None


def proposed(community_id: int) -> VersionView | None:
    """The version people may talk about or wait for, if there is one after the one in force."""
    newest = _views(Convention.community_id == community_id)[:1]
    shown = {State.CONSULTING, State.SUBMITTED, State.ADOPTED}
    return newest[0] if newest and newest[0].state in shown else None


def _said(version: VersionView, regrouped: set[int]) -> dict[int, str]:
    """What a version says under each number; with its class where that is no longer the same."""
    said = {
        one.number: f"【{one.kind.value}】{one.text}" if one.number in regrouped else one.text
        for one in version.articles
    }
    return {0: f"《{version.title}》{version.preamble}"} | said


def replaced_by(community_id: int, number: int) -> int | None:
    """The version in force, where it took the place of this one that was in force before."""
    newest = in_force(community_id)
    return newest.number if newest is not None and newest.number > number else None


@dataclass(frozen=True, slots=True)
class ArticleChange:
    """What became of an article: `added`, `removed`, `changed`; its pieces in order of reading.

    Number 0 is what stands before the articles.
    """

    number: int
    kind: str
    pieces: tuple[Piece, ...]


def changes(before: VersionView, after: VersionView) -> list[ArticleChange]:
    """What a new version changes, article by article; what stayed is left out.

    Everything that a signature is bound to counts: name, preamble, and an article's class too.
    """
    classes = [{one.number: one.kind for one in version.articles} for version in (before, after)]
    regrouped = {
        number
        for number, kind in classes[0].items()
        if number in classes[1] and classes[1][number] is not kind
    }
    old, new = _said(before, regrouped), _said(after, regrouped)
    found = []
    for number in sorted(old.keys() | new.keys()):
        if old.get(number) == new.get(number):
            continue
        kind = "added" if number not in old else "removed" if number not in new else "changed"
        pieces = compare(old.get(number, ""), new.get(number, ""))
        found.append(ArticleChange(number, kind, pieces))
    return found


@dataclass(frozen=True, slots=True)
class MySignature:
    """The reader's own pledge."""

    number: int
    signed_at: datetime
    check_code: str


def my_signature(community_id: int, number: int, person_id: int) -> MySignature | None:
    """The reader's living pledge to a version, if any."""
    row = db.session.execute(
        select(Convention.number, Signature.signed_at, Signature.leaf)
        .join(Convention, Convention.id == Signature.convention_id)
        .where(
            Signature.community_id == community_id,
            Convention.number == number,
            Signature.person_id == person_id,
            Signature.withdrawn_at.is_(None),
        )
    ).first()
    if row is None:
        return None
    return MySignature(row.number, row.signed_at, c.check_code(bytes.fromhex(row.leaf)))


@dataclass(frozen=True, slots=True)
class OwnPledge:
    """A pledge as its signer sees it; `strokes` is how many lines the drawn name has."""

    number: int
    signed_at: datetime
    withdrawn_at: datetime | None
    strokes: int


def pledges_of(community_id: int, person_id: int) -> list[OwnPledge]:
    """Every pledge of one person here, taken back or not, the newest first."""
    rows = db.session.execute(
        select(Convention.number, Signature.signed_at, Signature.withdrawn_at, Signature.drawing)
        .join(Convention, Convention.id == Signature.convention_id)
        .where(Signature.community_id == community_id, Signature.person_id == person_id)
        .order_by(Signature.id.desc())
    )
    return [
        OwnPledge(row.number, row.signed_at, row.withdrawn_at, len(row.drawing)) for row in rows
    ]


def signed_before(community_id: int, number: int, person_id: int) -> int | None:
    """The newest earlier version that somebody signed and did not take back."""
    return db.session.scalar(
        select(func.max(Convention.number))
        .join(Signature, Signature.convention_id == Convention.id)
        .where(
            Signature.community_id == community_id,
            Convention.number < number,
            Signature.person_id == person_id,
            Signature.withdrawn_at.is_(None),
        )
    )


@dataclass(frozen=True, slots=True)
class Step:
    """From the version somebody signed to a newer one: what changed in between."""

    signed: int
    number: int
    changes: tuple[ArticleChange, ...]


def since_signed(community_id: int, after: VersionView, person_id: int) -> Step | None:
    """What changed since the version somebody signed; None for who signed none before."""
    signed = signed_before(community_id, after.number, person_id)
    if signed is None:
        return None
    before = version(community_id, signed)
    return Step(signed, after.number, tuple(changes(before, after)))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A published opinion on an article that nobody has answered with a disposition."""

    post_id: str
    article: int
    text: str


def waiting_opinions(community_id: int, number: int) -> list[Waiting]:
    """The opinions on a version's articles without a disposition, in order of the articles.

    Also those on an article that was struck out meanwhile: the answer was promised to them too.
    """
    rows = db.session.execute(
        select(Post.public_id, Post.subject, Post.text).where(
            Post.community_id == community_id,
            Post.subject.startswith(f"convention:{number}/", autoescape=True),
            Post.state == PostState.PUBLISHED.value,
            Post.disposition == "",
        )
    )
    found = [Waiting(row.public_id, int(row.subject.partition("/")[2]), row.text) for row in rows]
    return sorted(found, key=lambda one: (one.article, one.post_id))


def polls_on(community_id: int, number: int) -> list[PollCard]:
    """Every poll on a version, drafts too, the latest first."""
    kind = PollKind.MEETING_RESOLUTION
    return published.polls_asking(community_id, kind, subject_of(number))


def vote_runs(polls: Iterable[PollCard]) -> bool:
    """Whether one of a version's polls takes ballots or is being counted."""
    return any(card.phase in {Phase.OPEN, Phase.COUNTING} for card in polls)


def adopting_result(community_id: int, version: VersionView, poll: str) -> ResultView:
    """The published result by which a poll adopts this very text.

    Raises: RuleBroken convention.no_poll, convention.poll_before, convention.poll_other,
    convention.poll_not_passed.
    """
    kind = PollKind.MEETING_RESOLUTION
    result = published.published_result(community_id, poll, kind, version.submitted_at)
    if isinstance(result, published.Unfit):
        raise RuleBroken(f"convention.{result}")
    asked = {(card.subject, card.text_sha256) for card in result.poll.cards}
    if asked != {(subject_of(version.number), version.text_sha256)}:
        raise RuleBroken("convention.poll_other")
    if result.outcome != Outcome.PASSED:
        raise RuleBroken("convention.poll_not_passed")
    return result


def adopting_polls(community_id: int, version: VersionView) -> list[PollCard]:
    """The polls that may adopt a version now, judged as the adoption judges them."""
    return [
        card
        for card in polls_on(community_id, version.number)
        if _adopts(community_id, version, card.public_id)
    ]


def _adopts(community_id: int, version: VersionView, poll: str) -> bool:
    try:
        adopting_result(community_id, version, poll)
    except RuleBroken:
        return False
    return True


_SAME = (
    *("number", "title", "preamble", "text_sha256", "revision", "created_at", "adopted_at"),
    *("body", "base", "present", "in_favour", "poll", "filed_with", "filing_number"),
    "published_at",
    "submitted_at",
)


def _views(*conditions: ColumnElement[bool]) -> list[VersionView]:
    rows = db.session.scalars(
        select(Convention).where(*conditions).order_by(Convention.number.desc())
    ).all()
    ids = [row.id for row in rows]
    articles: dict[int, tuple[Article, ...]] = {}
    for row in db.session.scalars(
        select(ConventionArticle)
        .where(ConventionArticle.convention_id.in_(ids))
        .order_by(ConventionArticle.number)
    ):
        article = Article(row.number, ArticleClass(row.kind), row.text)
        articles[row.convention_id] = (*articles.get(row.convention_id, ()), article)
    counts = db.session.execute(
        select(Signature.convention_id, func.count())
        .where(Signature.convention_id.in_(ids), Signature.withdrawn_at.is_(None))
        .group_by(Signature.convention_id)
    )
    signed = {convention_id: int(number) for convention_id, number in counts}
    return [
        VersionView(
            **{name: getattr(row, name) for name in _SAME},
            state=State(row.state),
            articles=articles.get(row.id, ()),
            signatures=signed.get(row.id, 0),
        )
        for row in rows
    ]

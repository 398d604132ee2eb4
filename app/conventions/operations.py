"""Drafting, adopting, publishing and signing. Every step is an entry; signing names nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from app.conventions import queries, rules, steps
from app.conventions.models import Convention, ConventionArticle, Signature
from app.conventions.rules import Article, Body, State
from app.conventions.steps import Signed, signature_of, version_of
from app.core import canonical as c
from app.core import clock
from app.core import record as records
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.links import Edge, connect
from app.core.record import Act, record
from app.meetings.resolutions import MEETINGS
from app.people.ages import check_of_age
from app.people.models import PersonNoticeKind
from app.people.steps import security, tell_people
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.conventions.rules import Resolution
    from app.core.actor import Actor

MOVED = records.register(
    "convention.moved",
    {"version", "text_sha256", "from", "to"},
    meaning="a version of the convention goes on to the next step",
)
CHANGED = records.register(
    "convention.changed",
    {"version", "text_sha256", "revision"},
    meaning="the text changes while it is talked over",
)
ADOPTED = records.register(
    "convention.adopted",
    {"version", "text_sha256", "body", "base", "present", "in_favour", "poll"},
    meaning="a meeting's resolution, or a poll, adopts the text",
)
PUBLISHED = records.register(
    "convention.published",
    {"version", "text_sha256", "filing_number"},
    meaning="the text was filed and is in force",
)


@dataclass(frozen=True, slots=True)
class ConventionText:
    """Everything one reads."""

    title: str
    preamble: str
    articles: tuple[Article, ...]

    @property
    def sha256(self) -> str:
        """What binds it."""
        return rules.text_hash(self.title, self.preamble, self.articles)


def draft_convention(actor: Actor, *, community_id: int, text: ConventionText) -> int:
    """Begin the next version; gives its number. Raises: RuleBroken convention.*."""
    with transaction() as session:
        require(actor, Permission.CONVENTION_DRAFT, Place(community_id))
        rules.check_articles(text.articles)
        newest = _newest(session, community_id)
        if newest is not None and newest.state == State.DRAFT and _is_same(newest, text):
            return newest.number
        if newest is not None and newest.state != State.PUBLISHED:
            raise RuleBroken("convention.unfinished", number=newest.number)
        number = newest.number + 1 if newest is not None else 1
        made = Convention(
            community_id=community_id,
            number=number,
            title=text.title,
            preamble=text.preamble,
            state=State.DRAFT.value,
            text_sha256=text.sha256,
            created_at=clock.now(),
        )
        session.add(made)
        session.flush()
        _write_articles(session, made, text.articles)
        security(
            session,
            "convention.drafted",
            community_id=community_id,
            person_id=actor.person_id,
            version=number,
        )
        return number


def _is_same(newest: Convention, text: ConventionText) -> bool:
    """Whether the newest draft is this text as it was first sent: the form was sent twice."""
    return newest.revision == 1 and newest.text_sha256 == text.sha256


def edit_convention(actor: Actor, *, community_id: int, number: int, text: ConventionText) -> None:
    """Change the text while it is drafted or talked over. Raises: NotFound, RuleBroken."""
    with transaction() as session:
        require(actor, Permission.CONVENTION_DRAFT, Place(community_id))
        version = _lock(session, community_id, number)
        if not rules.may_edit(State(version.state)):
            raise RuleBroken("convention.frozen")
        rules.check_articles(text.articles)
        version.title, version.preamble = text.title, text.preamble
        version.text_sha256 = text.sha256
        version.revision += 1
        mine = ConventionArticle.convention_id == version.id
        session.execute(delete(ConventionArticle).where(mine))
        _write_articles(session, version, text.articles)
        _note_change(session, actor, version)


def _note_change(session: Session, actor: Actor, version: Convention) -> None:
    """A draft nobody has seen goes to the security log; what is talked over to the record."""
    if version.state == State.DRAFT:
        security(
            session,
            "convention.edited",
            community_id=version.community_id,
            person_id=actor.person_id,
            version=version.number,
        )
        return
    _write(session, actor, version, Act(CHANGED, "", {"revision": version.revision}))


def move_convention(actor: Actor, *, community_id: int, number: int, to: State) -> None:
    """Open a draft for opinions, or hand it in for review.

    Everybody who said something of an article was promised an answer: before the text is handed
    in, each published opinion has its disposition. Raises: NotFound; RuleBroken
    convention.wrong_state, convention.waiting.
    """
    with transaction() as session:
        require(actor, Permission.CONVENTION_DRAFT, Place(community_id))
        version = _lock(session, community_id, number)
        if to not in {State.CONSULTING, State.SUBMITTED}:
            raise RuleBroken("convention.wrong_state", state=version.state)
        rules.check_move(State(version.state), to)
        if to is State.SUBMITTED:
            _refuse_waiting(version)
        before, version.state = version.state, to.value
        if to is State.CONSULTING:
            version.consulted_at = clock.now()
        else:
            version.submitted_at = clock.now()
        _write(session, actor, version, Act(MOVED, "", {"from": before, "to": to.value}))


def _refuse_waiting(version: Convention) -> None:
    """Raise RuleBroken convention.waiting while an opinion on an article has no disposition."""
    left = queries.waiting_opinions(version.community_id, version.number)
    if left:
        raise RuleBroken("convention.waiting", number=len(left))


def adopt_by_meeting(
    actor: Actor, *, community_id: int, number: int, resolution: Resolution
) -> None:
    """Enter a meeting's resolution. Raises: NotFound; RuleBroken convention.*, resolution.*."""
    with transaction() as session:
        require(actor, Permission.CONVENTION_ADOPT, Place(community_id))
        version = _lock(session, community_id, number)
        if resolution.body not in MEETINGS:
            raise RuleBroken("resolution.numbers")
        rules.check_resolution(resolution)
        _adopt(session, actor, version, resolution, "")


def adopt_by_poll(actor: Actor, *, community_id: int, number: int, poll: str) -> None:
    """Take the published result of a poll on this very text as the adoption.

    It was opened after the text was handed in, and asked about nothing else. Raises: NotFound;
    RuleBroken convention.wrong_state, convention.no_poll, convention.poll_before,
    convention.poll_other, convention.poll_not_passed, convention.waiting.
    """
    with transaction() as session:
        require(actor, Permission.CONVENTION_ADOPT, Place(community_id))
        version = _lock(session, community_id, number)
        rules.check_move(State(version.state), State.ADOPTED)
        asked = queries.version(community_id, number)
        result = queries.adopting_result(community_id, asked, poll)
        counts = {row.option: row.votes for row in result.rows}
        heads = result.poll.heads
        told = rules.Resolution(Body.POLL, heads, result.turnout, counts.get("yes", 0))
        _adopt(session, actor, version, told, poll)
        edge = Edge(f"poll:{poll}", "adopts", rules.subject_of(number))
        connect(session, community_id, edge)


def _adopt(
    session: Session, actor: Actor, version: Convention, told: Resolution, poll: str
) -> None:
    rules.check_move(State(version.state), State.ADOPTED)
    # One may have waited for moderation when the text was handed in.
    _refuse_waiting(version)
    version.state, version.adopted_at = State.ADOPTED.value, clock.now()
    version.body, version.poll = told.body.value, poll
    version.base, version.present, version.in_favour = told.base, told.present, told.in_favour
    data = {
        "body": told.body.value,
        "base": told.base,
        "present": told.present,
        "in_favour": told.in_favour,
        "poll": poll,
    }
    _write(session, actor, version, Act(ADOPTED, "", data))


def publish_convention(
    actor: Actor, *, community_id: int, number: int, filed_with: str, filing_number: str
) -> None:
    """Publish an adopted and filed version; from now on it is in force.

    Whoever signed an earlier one and did not take it back is told.
    Raises: NotFound; RuleBroken convention.no_filing, convention.wrong_state.
    """
    with transaction() as session:
        require(actor, Permission.CONVENTION_ADOPT, Place(community_id))
        version = _lock(session, community_id, number)
        if not filed_with.strip() or not filing_number.strip():
            raise RuleBroken("convention.no_filing")
        rules.check_move(State(version.state), State.PUBLISHED)
        version.state, version.published_at = State.PUBLISHED.value, clock.now()
        version.filed_with = filed_with.strip()
        version.filing_number = filing_number.strip()
        _write(
            session, actor, version, Act(PUBLISHED, "", {"filing_number": version.filing_number})
        )
        _tell_signers(session, version)


def _tell_signers(session: Session, version: Convention) -> None:
    """Tell whoever signed an earlier version that there is a new text to read."""
    signed = session.scalars(
        select(Signature.person_id)
        .join(Convention, Convention.id == Signature.convention_id)
        .where(
            Signature.community_id == version.community_id,
            Convention.number < version.number,
            Signature.withdrawn_at.is_(None),
            Signature.person_id.is_not(None),
        )
        .distinct()
    ).all()
    if signed:
        about = rules.subject_of(version.number)
        kind = PersonNoticeKind.CONVENTION_RENEWED
        told = sorted(person for person in signed if person is not None)
        tell_people(session, version.community_id, told, kind, about)


def sign_convention(
    actor: Actor, *, community_id: int, number: int, text_sha256: str, drawing: str = ""
) -> Signed:
    """Pledge to keep the version one has read; once for each person, the unique key decides.

    Raises: NotFound; RuleBroken convention.not_in_force, convention.text_changed,
    convention.no_drawing, age.minor.
    """
    try:
        with transaction() as session:
            require(actor, Permission.CONVENTION_SIGN, Place(community_id))
            check_of_age(actor)
            return steps.sign(session, actor, community_id, number, text_sha256, drawing)
    except IntegrityError:
        return _signed_before(actor, community_id, number)


def _signed_before(actor: Actor, community_id: int, number: int) -> Signed:
    with transaction() as session:
        version = session.scalars(version_of(community_id, number)).one()
        known = signature_of(session, version, actor.require_person())
        if known is None:
            raise NotFound("signature")
        return Signed(c.check_code(bytes.fromhex(known.leaf)), again=True)


def withdraw_signature(actor: Actor, *, community_id: int, number: int) -> None:
    """Take a pledge back; the drawn name is forgotten. Raises: NotFound."""
    with transaction() as session:
        require(actor, Permission.CONVENTION_SIGN, Place(community_id))
        steps.withdraw(session, actor, community_id, number)


def _write(session: Session, actor: Actor, version: Convention, act: Act) -> records.Written:
    """Write an entry with what every entry about a version carries."""
    data = {"version": version.number, "text_sha256": version.text_sha256} | dict(act.data)
    whole = Act(act.kind, rules.subject_of(version.number), data, act.private, act.acted_as)
    return record(session, actor, whole, version.community_id)


def _write_articles(session: Session, version: Convention, articles: Sequence[Article]) -> None:
    session.add_all(
        ConventionArticle(
            community_id=version.community_id,
            convention_id=version.id,
            number=article.number,
            kind=article.kind.value,
            text=article.text,
        )
        for article in articles
    )


def _newest(session: Session, community_id: int) -> Convention | None:
    return session.scalar(
        select(Convention)
        .where(Convention.community_id == community_id)
        .order_by(Convention.number.desc())
        .limit(1)
        .with_for_update()
    )


def _lock(session: Session, community_id: int, number: int) -> Convention:
    version = session.scalar(version_of(community_id, number).with_for_update())
    if version is None:
        raise NotFound("convention")
    return version

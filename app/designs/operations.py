"""Posting, publishing and revising proposals, and calling a session about one."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.attachments.steps import keep_picture
from app.communities.settings import number_of
from app.core import canonical as c
from app.core import clock
from app.core import record as records
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.links import Edge, connect
from app.core.record import Act, record
from app.designs import rules
from app.designs.models import Alternative, Proposal, Revision
from app.designs.rules import Plan, State
from app.discussion.queries import author_in
from app.meetings import steps as meetings
from app.people.models import Person, PersonNoticeKind
from app.people.steps import security, tell_person
from app.policy.table import Permission, Place, require
from app.projects.queries import project

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.core.images import Picture
    from app.meetings.steps import NewMeeting

PUBLISHED = records.register(
    "design.published",
    {"design", "project", "revision", "text_sha256"},
    meaning="a designer's proposal is shown to everybody",
)
REVISED = records.register(
    "design.revised",
    {"design", "project", "revision", "text_sha256", "because"},
    meaning="a proposal changes, perhaps because of an opinion (its post's id)",
)
ID_BYTES = 5


@dataclass(frozen=True, slots=True)
class Drawn:
    """An alternative with its drawing.

    Without one a revision keeps the drawing of the alternative it was `before`: its place in the
    revision that is changed, None for what is new.
    """

    plan: Plan
    picture: Picture | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class NewProposal:
    """What a designer hands in; `once` is the form's own mark, so that two taps are one."""

    project_code: str
    title: str
    drawn: tuple[Drawn, ...]
    once: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A revision: what changed, the post it answers ("" for none), and the form's own mark."""

    what: str
    because: str
    drawn: tuple[Drawn, ...]
    once: str | None = None


def post_proposal(actor: Actor, *, community_id: int, new: NewProposal) -> str:
    """Hand in a proposal for the committee's look; gives its id. Raises: NotFound, RuleBroken."""
    with transaction() as session:
        require(actor, Permission.DESIGN_POST, Place(community_id))
        rules.check_plans([one.plan for one in new.drawn])
        if not new.title.strip():
            raise RuleBroken("design.no_title")
        found = project(community_id, new.project_code)
        before = _sent_before(session, actor, community_id, new.once)
        if before is not None:
            return before.public_id
        proposal = Proposal(
            community_id=community_id,
            public_id=c.crockford(secrets.token_bytes(ID_BYTES)).lower(),
            project_code=found.code,
            person_id=actor.require_person(),
            title=new.title.strip()[:120],
            state=State.SUBMITTED.value,
            revision=1,
            created_at=clock.now(),
        )
        session.add(proposal)
        session.flush()
        _write(session, actor, proposal, Change("", "", new.drawn, new.once))
        _note(session, actor, proposal, "design.submitted")
        return proposal.public_id


def _sent_before(
    session: Session, actor: Actor, community_id: int, once: str | None
) -> Proposal | None:
    """The designer's proposal that this very form made; two taps queue up at their account."""
    person_id = actor.require_person()
    session.execute(select(Person.id).where(Person.id == person_id).with_for_update())
    return session.scalar(
        select(Proposal)
        .join(Revision, Revision.proposal_id == Proposal.id)
        .where(
            Proposal.community_id == community_id,
            Proposal.person_id == person_id,
            Revision.once == once,
            Revision.once.is_not(None),
        )
    )


def decide_proposal(
    actor: Actor, *, community_id: int, design_id: str, publish: bool, note: str = ""
) -> None:
    """Show a proposal to everybody, or return it with a reason; its designer is told.

    Raises: NotFound; RuleBroken design.wrong_state, design.no_reason.
    """
    with transaction() as session:
        require(actor, Permission.POST_MODERATE, Place(community_id))
        proposal = _lock(session, community_id, design_id)
        if proposal.state != State.SUBMITTED:
            raise RuleBroken("design.wrong_state", state=proposal.state)
        if not publish:
            if not note.strip():
                raise RuleBroken("design.no_reason")
            proposal.state, proposal.note = State.RETURNED.value, note.strip()[:300]
            _tell_designer(session, proposal, PersonNoticeKind.DESIGN_RETURNED)
            _note(session, actor, proposal, "design.returned")
            return
        proposal.state = State.PUBLISHED.value
        edge = Edge(_subject(proposal), "designs", f"project:{proposal.project_code}")
        connect(session, community_id, edge)
        data = _facts(session, proposal)
        record(session, actor, Act(PUBLISHED, _subject(proposal), data), community_id)
        _tell_designer(session, proposal, PersonNoticeKind.DESIGN_PUBLISHED)


def revise_proposal(actor: Actor, *, community_id: int, design_id: str, change: Change) -> int:
    """Change one's own proposal; gives the number of the newest revision.

    A published proposal stays public and its change is an entry; whoever wrote the opinion is
    told. A returned one is handed in again. Raises: NotFound; RuleBroken design.*.
    """
    with transaction() as session:
        require(actor, Permission.DESIGN_POST, Place(community_id))
        proposal = _lock(session, community_id, design_id)
        if proposal.person_id != actor.person_id:
            raise NotFound("design")
        rules.check_plans([one.plan for one in change.drawn])
        change = replace(change, what=rules.check_change(change.what))
        author = _author(session, proposal, change.because)
        if _sent_before(session, actor, community_id, change.once) is not None:
            return proposal.revision
        proposal.revision += 1
        _write(session, actor, proposal, change)
        if proposal.state != State.PUBLISHED:
            proposal.state = State.SUBMITTED.value
            _note(session, actor, proposal, "design.revised")
            return proposal.revision
        data = _facts(session, proposal) | {"because": change.because}
        record(session, actor, Act(REVISED, _subject(proposal), data), community_id)
        if author is not None:
            kind = PersonNoticeKind.REVISED
            tell_person(session, community_id, author, kind, _subject(proposal))
        return proposal.revision


def _author(session: Session, proposal: Proposal, because: str) -> int | None:
    if not because:
        return None
    try:
        return author_in(session, proposal.community_id, _subject(proposal), because)
    except NotFound as error:
        raise RuleBroken("design.no_opinion") from error


def call_session(actor: Actor, *, community_id: int, design_id: str, meeting: NewMeeting) -> str:
    """Call residents, and the designer, to a session about a published proposal.

    Raises: NotFound; RuleBroken design.wrong_state, meeting.*.
    """
    with transaction() as session:
        require(actor, Permission.MEETING_RUN, Place(community_id))
        proposal = _lock(session, community_id, design_id)
        if proposal.state != State.PUBLISHED:
            raise RuleBroken("design.wrong_state", state=proposal.state)
        days = number_of(community_id, "notice_days")
        called = replace(meeting, subject=_subject(proposal), notice_days=days)
        before = meetings.announced_before(session, community_id, called)
        if before is not None:
            return before
        made = meetings.announce(session, actor, community_id, called)
        edge = Edge(f"meeting:{made.public_id}", "discusses", _subject(proposal))
        connect(session, community_id, edge)
        # The meeting's own entry tells the act.
        _note(session, actor, proposal, "design.session")
        about = f"meeting:{made.public_id}"
        _tell_designer(session, proposal, PersonNoticeKind.SESSION_CALLED, about)
        return made.public_id


def postpone_session(actor: Actor, *, community_id: int, meeting_id: str, reason: str) -> str:
    """Put an announced session off; gives the id of the proposal it was about.

    Everybody who wanted to come and the designer are told; another one is called by a new notice.
    Raises: NotFound; RuleBroken design.no_postponement, meeting.wrong_state.
    """
    with transaction() as session:
        require(actor, Permission.MEETING_RUN, Place(community_id))
        meeting = meetings.hold(session, community_id, meeting_id)
        prefix, _colon, design_id = meeting.subject.partition(":")
        if prefix != "design":
            raise NotFound("meeting")
        meetings.put_off(session, actor, meeting, rules.check_postponement(reason))
        proposal = _lock(session, community_id, design_id)
        _note(session, actor, proposal, "design.session_postponed")
        about = f"meeting:{meeting_id}"
        _tell_designer(session, proposal, PersonNoticeKind.SESSION_POSTPONED, about)
        return design_id


def open_designer_session(actor: Actor, *, community_id: int, meeting_id: str) -> None:
    """Begin a session about a proposal. Raises: NotFound; RuleBroken meeting.*."""
    with transaction() as session:
        require(actor, Permission.MEETING_RUN, Place(community_id))
        meeting = meetings.hold(session, community_id, meeting_id)
        if not meeting.subject.startswith("design:"):
            raise NotFound("meeting")
        meetings.begin(session, actor, meeting)
        security(
            session,
            "design.session_opened",
            community_id=community_id,
            person_id=actor.person_id,
            meeting=meeting_id,
        )


def _write(session: Session, actor: Actor, proposal: Proposal, change: Change) -> None:
    before = _pictures_before(session, proposal)
    session.add(
        Revision(
            community_id=proposal.community_id,
            proposal_id=proposal.id,
            number=proposal.revision,
            what=change.what,
            because=change.because,
            at=clock.now(),
            once=change.once,
        )
    )
    for position, one in enumerate(change.drawn):
        picture_id = None if one.before is None else before.get(one.before)
        if one.picture is not None:
            alt = one.plan.title
            kept = keep_picture(session, actor, proposal.community_id, one.picture, alt)
            picture_id = kept.id
        session.add(
            Alternative(
                community_id=proposal.community_id,
                proposal_id=proposal.id,
                number=proposal.revision,
                position=position,
                title=one.plan.title.strip()[:120],
                summary=one.plan.summary.strip(),
                cost_fen=one.plan.cost_fen,
                upkeep_fen=one.plan.upkeep_fen,
                serves=one.plan.serves.strip(),
                gives_up=one.plan.gives_up.strip(),
                picture_id=picture_id,
            )
        )
    session.flush()


def _pictures_before(session: Session, proposal: Proposal) -> dict[int, int | None]:
    rows = session.execute(
        select(Alternative.position, Alternative.picture_id).where(
            Alternative.community_id == proposal.community_id,
            Alternative.proposal_id == proposal.id,
            Alternative.number == proposal.revision - 1,
        )
    )
    return {row.position: row.picture_id for row in rows}


def _facts(session: Session, proposal: Proposal) -> dict[str, object]:
    rows = session.execute(
        select(
            Alternative.title,
            Alternative.summary,
            Alternative.cost_fen,
            Alternative.upkeep_fen,
            Alternative.serves,
            Alternative.gives_up,
        )
        .where(
            Alternative.community_id == proposal.community_id,
            Alternative.proposal_id == proposal.id,
            Alternative.number == proposal.revision,
        )
        .order_by(Alternative.position)
    )
    text = [list(row) for row in rows]
    return {
        "design": proposal.public_id,
        "project": proposal.project_code,
        "revision": proposal.revision,
        "text_sha256": hashlib.sha256(c.canonical(text)).hexdigest(),
    }


def _tell_designer(
    session: Session, proposal: Proposal, kind: PersonNoticeKind, about: str = ""
) -> None:
    """Leave a line for whoever made the proposal, about it or about a meeting."""
    thing = about or _subject(proposal)
    tell_person(session, proposal.community_id, proposal.person_id, kind, thing)


def _subject(proposal: Proposal) -> str:
    return f"design:{proposal.public_id}"


def _note(session: Session, actor: Actor, proposal: Proposal, kind: str) -> None:
    security(
        session,
        kind,
        community_id=proposal.community_id,
        person_id=actor.person_id,
        design=proposal.public_id,
    )


def _lock(session: Session, community_id: int, design_id: str) -> Proposal:
    mine = Proposal.community_id == community_id, Proposal.public_id == design_id
    proposal = session.scalar(select(Proposal).where(*mine).with_for_update())
    if proposal is None:
        raise NotFound("design")
    return proposal

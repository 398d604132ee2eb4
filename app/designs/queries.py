"""Reads of proposals, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.attachments.queries import PictureView, pictures
from app.core.db import db
from app.core.errors import NotFound
from app.designs.models import Alternative, Proposal, Revision
from app.designs.rules import Plan, State, letter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True)
class AlternativeView:
    """One alternative with its letter and drawing."""

    letter: str
    plan: Plan
    picture: PictureView | None


@dataclass(frozen=True, slots=True)
class RevisionView:
    """What changed when, and because of which post."""

    number: int
    what: str
    because: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A proposal as it stands now."""

    public_id: str
    project_code: str
    person_id: int
    title: str
    state: State
    revision: int
    created_at: datetime
    note: str
    alternatives: tuple[AlternativeView, ...]
    revisions: tuple[RevisionView, ...]

    @property
    def subject(self) -> str:
        """What opinions, meetings and edges call this proposal."""
        return f"design:{self.public_id}"


def proposal(community_id: int, design_id: str) -> ProposalView:
    """One proposal, in whatever state. Raises: NotFound."""
    found = _views(Proposal.community_id == community_id, Proposal.public_id == design_id)
    if not found:
        raise NotFound("design")
    return found[0]


def published_for(community_id: int, project_code: str) -> list[ProposalView]:
    """The published proposals for a project, the newest first."""
    mine = Proposal.community_id == community_id, Proposal.project_code == project_code
    return _views(*mine, Proposal.state == State.PUBLISHED.value)


def published_by_project(community_id: int, codes: Iterable[str]) -> dict[str, list[ProposalView]]:
    """The published proposals for each of these projects, the newest first."""
    mine = Proposal.community_id == community_id, Proposal.project_code.in_(list(codes))
    found: dict[str, list[ProposalView]] = {}
    for one in _views(*mine, Proposal.state == State.PUBLISHED.value):
        found.setdefault(one.project_code, []).append(one)
    return found


def waiting(community_id: int) -> list[ProposalView]:
    """Proposals the committee has not looked at, the newest first."""
    mine = Proposal.community_id == community_id
    return _views(mine, Proposal.state == State.SUBMITTED.value)


def of_designer(community_id: int, person_id: int) -> list[ProposalView]:
    """What one designer proposed, the newest first."""
    return _views(Proposal.community_id == community_id, Proposal.person_id == person_id)


def _views(*conditions: ColumnElement[bool]) -> list[ProposalView]:
    rows = db.session.scalars(
        select(Proposal).where(*conditions).order_by(Proposal.id.desc())
    ).all()
    if not rows:
        return []
    plans, revisions = _alternatives(rows), _revisions(rows)
    return [_view(row, plans.get(row.id, ()), revisions.get(row.id, ())) for row in rows]


def _alternatives(rows: Sequence[Proposal]) -> dict[int, tuple[AlternativeView, ...]]:
    """The alternatives of each proposal's newest revision, in two statements for all of them."""
    newest = {row.id: row.revision for row in rows}
    places = {row.community_id for row in rows}
    kept = [
        one
        for one in db.session.scalars(
            select(Alternative)
            .where(Alternative.community_id.in_(places), Alternative.proposal_id.in_(newest))
            .order_by(Alternative.position)
        )
        if one.number == newest[one.proposal_id]
    ]
    ids = [one.picture_id for one in kept if one.picture_id is not None]
    shown = pictures(rows[0].community_id, ids) if ids else {}
    found: dict[int, tuple[AlternativeView, ...]] = {}
    for one in kept:
        picture = shown.get(one.picture_id) if one.picture_id is not None else None
        words = one.title, one.summary, one.cost_fen, one.upkeep_fen, one.serves, one.gives_up
        view = AlternativeView(letter(one.position), Plan(*words), picture)
        found[one.proposal_id] = (*found.get(one.proposal_id, ()), view)
    return found


def _revisions(rows: Sequence[Proposal]) -> dict[int, tuple[RevisionView, ...]]:
    """What changed in each proposal, the newest first."""
    said = db.session.execute(
        select(Revision.proposal_id, Revision.number, Revision.what, Revision.because, Revision.at)
        .where(
            Revision.community_id.in_({row.community_id for row in rows}),
            Revision.proposal_id.in_([row.id for row in rows]),
        )
        .order_by(Revision.number.desc())
    )
    found: dict[int, tuple[RevisionView, ...]] = {}
    for row in said:
        view = RevisionView(row.number, row.what, row.because, row.at)
        found[row.proposal_id] = (*found.get(row.proposal_id, ()), view)
    return found


def _view(
    row: Proposal,
    alternatives: tuple[AlternativeView, ...],
    revisions: tuple[RevisionView, ...],
) -> ProposalView:
    return ProposalView(
        public_id=row.public_id,
        project_code=row.project_code,
        person_id=row.person_id,
        title=row.title,
        state=State(row.state),
        revision=row.revision,
        created_at=row.created_at,
        note=row.note,
        alternatives=alternatives,
        revisions=revisions,
    )

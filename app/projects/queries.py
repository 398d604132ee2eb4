"""Reads of the ledger, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.attachments.queries import PictureView, pictures
from app.core.db import db
from app.core.errors import NotFound
from app.projects.models import Milestone, ProgressPost, Project, ProjectDecision
from app.projects.rules import Line, Stage, stage_index
from app.voting.models import Poll, PollOption

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project as pages and ballots show it; money in fen."""

    code: str
    title: str
    location: str
    problem: str
    proposal: str
    supply_mode: str
    budget_fen: int
    decision_route: tuple[str, ...]
    scope: str
    build_months: int | None
    upkeep_fen_per_year: int
    upkeep_by: str
    risk: str
    responsible: str
    builder: str
    stage: Stage
    costs: tuple[Line, ...]
    funds: tuple[Line, ...]
    picture: PictureView | None
    version: int
    asked_by: str

    @property
    def stage_index(self) -> int:
        """Which of the five seals is now."""
        return stage_index(self.stage)


def all_projects(community_id: int) -> list[ProjectView]:
    """The whole ledger by code, in three statements."""
    return _views(community_id, None)


def projects_by_code(community_id: int, codes: Sequence[str]) -> list[ProjectView]:
    """The named projects in the order named. Raises: NotFound for one that is not there."""
    found = {view.code: view for view in _views(community_id, codes)}
    if missing := set(codes) - set(found):
        raise NotFound(f"project {min(missing)}")
    return [found[code] for code in codes]


def project(community_id: int, code: str) -> ProjectView:
    """One project. Raises: NotFound."""
    return projects_by_code(community_id, [code])[0]


@dataclass(frozen=True, slots=True)
class PollAbout:
    """An opened poll that names a project."""

    public_id: str
    title: str


def titles(community_id: int) -> dict[str, str]:
    """What every project of the ledger is called, by code."""
    rows = db.session.execute(
        select(Project.code, Project.title).where(Project.community_id == community_id)
    )
    return {row.code: row.title for row in rows}


@dataclass(frozen=True, slots=True)
class OpenMilestone:
    """A step of some project's building that nobody has reported as done."""

    project_code: str
    project_title: str
    title: str
    planned_on: datetime


def open_milestones(community_id: int, before: datetime) -> list[OpenMilestone]:
    """Every step planned for a day before this moment and not done, the longest overdue first."""
    rows = db.session.execute(
        select(Project.code, Project.title, Milestone.title, Milestone.planned_on)
        .join(
            Milestone,
            (Milestone.community_id == Project.community_id) & (Milestone.project_id == Project.id),
        )
        .where(
            Project.community_id == community_id,
            Milestone.done_on.is_(None),
            Milestone.planned_on < before,
        )
        .order_by(Milestone.planned_on, Milestone.id)
    )
    return [OpenMilestone(*row) for row in rows]


def polls_about(community_id: int, code: str) -> list[PollAbout]:
    """Every opened poll with this project among its options, oldest first."""
    rows = db.session.execute(
        select(Poll.public_id, Poll.title)
        .join(PollOption, (PollOption.poll_id == Poll.id))
        .where(
            Poll.community_id == community_id,
            PollOption.option == code,
            Poll.opened_at.is_not(None),
        )
        .order_by(Poll.opens_at)
    )
    return [PollAbout(*row) for row in rows]


def _views(community_id: int, codes: Sequence[str] | None) -> list[ProjectView]:
    wanted = (
        select(Project)
        .where(Project.community_id == community_id)
        .options(selectinload(Project.lines))
        .order_by(Project.code)
    )
    if codes is not None:
        wanted = wanted.where(Project.code.in_(codes))
    rows = db.session.scalars(wanted).all()
    shown = pictures(community_id, [row.picture_id for row in rows if row.picture_id is not None])
    return [_view(row, shown) for row in rows]


def _view(row: Project, shown: dict[int, PictureView]) -> ProjectView:
    return ProjectView(
        code=row.code,
        title=row.title,
        location=row.location,
        problem=row.problem,
        proposal=row.proposal,
        supply_mode=row.supply_mode,
        budget_fen=row.budget_fen,
        decision_route=tuple(row.decision_route),
        scope=row.scope,
        build_months=row.build_months,
        upkeep_fen_per_year=row.upkeep_fen_per_year,
        upkeep_by=row.upkeep_by,
        risk=row.risk,
        responsible=row.responsible,
        builder=row.builder,
        stage=Stage(row.stage),
        costs=_side(row, "cost"),
        funds=_side(row, "fund"),
        picture=shown.get(row.picture_id) if row.picture_id is not None else None,
        version=row.version,
        asked_by=row.asked_by,
    )


def _side(row: Project, side: str) -> tuple[Line, ...]:
    return tuple(Line(line.name, line.amount_fen) for line in row.lines if line.side == side)


@dataclass(frozen=True, slots=True)
class DecisionView:
    """What a meeting or the owners decided on a project."""

    route: str
    decided_on: datetime
    text: str


def decisions(community_id: int, code: str) -> list[DecisionView]:
    """What was entered about a project's legal acts, oldest first."""
    return decisions_by_project(community_id, [code]).get(code, [])


def decisions_by_project(community_id: int, codes: Sequence[str]) -> dict[str, list[DecisionView]]:
    """The same of many projects, in one statement."""
    rows = db.session.execute(
        select(
            Project.code, ProjectDecision.route, ProjectDecision.decided_on, ProjectDecision.text
        )
        .join(
            Project,
            (Project.community_id == ProjectDecision.community_id)
            & (Project.id == ProjectDecision.project_id),
        )
        .where(Project.community_id == community_id, Project.code.in_(codes))
        .order_by(ProjectDecision.decided_on, ProjectDecision.id)
    )
    found: dict[str, list[DecisionView]] = {}
    for row in rows:
        view = DecisionView(row.route, row.decided_on, row.text)
        found.setdefault(row.code, []).append(view)
    return found


@dataclass(frozen=True, slots=True)
class MilestoneView:
    """A step of the building: planned, and done where it is."""

    number: int
    title: str
    planned_on: datetime
    done_on: datetime | None


@dataclass(frozen=True, slots=True)
class ProgressView:
    """A report about the building."""

    text: str
    at: datetime
    picture: PictureView | None


@dataclass(frozen=True, slots=True)
class Works:
    """Everything about how a project is built."""

    milestones: tuple[MilestoneView, ...]
    progress: tuple[ProgressView, ...]


def works(community_id: int, code: str) -> Works:
    """The milestones in order and the reports, the newest first."""
    mine = Project.community_id == community_id, Project.code == code
    milestones = db.session.execute(
        select(Milestone.position, Milestone.title, Milestone.planned_on, Milestone.done_on)
        .join(Project, Project.id == Milestone.project_id)
        .where(*mine)
        .order_by(Milestone.position)
    )
    reports = db.session.execute(
        select(ProgressPost.text, ProgressPost.at, ProgressPost.picture_id)
        .join(Project, Project.id == ProgressPost.project_id)
        .where(*mine)
        .order_by(ProgressPost.id.desc())
    ).all()
    ids = [row.picture_id for row in reports if row.picture_id is not None]
    shown = pictures(community_id, ids) if ids else {}
    return Works(
        tuple(MilestoneView(*row) for row in milestones),
        tuple(ProgressView(row.text, row.at, shown.get(row.picture_id)) for row in reports),
    )

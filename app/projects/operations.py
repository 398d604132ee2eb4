"""Writing the ledger. Until a project stands in an open poll it is a draft like any other text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.attachments.steps import keep_picture
from app.core import clock
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.people.steps import security
from app.policy.table import Permission, Place, require
from app.projects import rules
from app.projects.models import Project, ProjectLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.core.images import Picture
    from app.projects.rules import Line


@dataclass(frozen=True, slots=True)
class ProjectText:
    """Everything about a project that people write; money in fen."""

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
    costs: tuple[Line, ...]
    funds: tuple[Line, ...]


def add_project(
    actor: Actor,
    *,
    community_id: int,
    code: str,
    text: ProjectText,
    picture: Picture | None = None,
) -> str:
    """Put a project on the ledger; gives its code. Raises: RuleBroken project.*."""
    with transaction() as session:
        require(actor, Permission.PROJECT_EDIT, Place(community_id))
        rules.check_lines(text.budget_fen, text.costs, text.funds)
        project = Project(
            community_id=community_id,
            code=code,
            title=text.title,
            budget_fen=text.budget_fen,
            decision_route=[],
            created_at=clock.now(),
        )
        session.add(project)
        try:
            session.flush()
        except IntegrityError as error:
            raise RuleBroken("project.code_taken", taken=code) from error
        _write(session, actor, project, text, picture)
        security(
            session,
            "project.added",
            community_id=community_id,
            person_id=actor.person_id,
            project=code,
        )
        return code


def change_project(
    actor: Actor,
    *,
    community_id: int,
    code: str,
    text: ProjectText,
    picture: Picture | None = None,
) -> None:
    """Change a project's text. An open poll is not touched: it shows what was frozen."""
    with transaction() as session:
        require(actor, Permission.PROJECT_EDIT, Place(community_id))
        mine = Project.community_id == community_id, Project.code == code
        project = session.scalar(select(Project).where(*mine).with_for_update())
        if project is None:
            raise NotFound("project")
        rules.check_lines(text.budget_fen, text.costs, text.funds)
        project.version += 1
        _write(session, actor, project, text, picture)
        security(
            session,
            "project.changed",
            community_id=community_id,
            person_id=actor.person_id,
            project=code,
        )


def _write(
    session: Session,
    actor: Actor,
    project: Project,
    text: ProjectText,
    picture: Picture | None,
) -> None:
    project.title, project.location = text.title, text.location
    project.problem, project.proposal, project.risk = (
        text.problem,
        text.proposal,
        text.risk,
    )
    project.supply_mode, project.scope = text.supply_mode, text.scope
    project.budget_fen, project.build_months = text.budget_fen, text.build_months
    project.upkeep_fen_per_year, project.upkeep_by = (
        text.upkeep_fen_per_year,
        text.upkeep_by,
    )
    project.decision_route = list(text.decision_route)
    project.lines.clear()
    session.flush()
    project.lines.extend(_lines(project, "cost", text.costs))
    project.lines.extend(_lines(project, "fund", text.funds))
    if picture is not None:
        kept = keep_picture(session, actor, project.community_id, picture, text.title)
        project.picture_id = kept.id


def _lines(project: Project, side: str, lines: Sequence[Line]) -> list[ProjectLine]:
    return [
        ProjectLine(
            community_id=project.community_id,
            side=side,
            position=position,
            name=line.name,
            amount_fen=line.amount_fen,
        )
        for position, line in enumerate(lines)
    ]

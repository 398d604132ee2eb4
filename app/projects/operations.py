"""Writing the ledger. Until a project stands in an open poll it is a draft like any other text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.attachments.steps import keep_picture
from app.core import clock
from app.core import record as records
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.record import Act, record
from app.people.steps import security
from app.policy.table import Permission, Place, require
from app.projects import rules
from app.projects.models import (
    Milestone,
    ProgressPost,
    Project,
    ProjectDecision,
    ProjectLine,
)
from app.projects.rules import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.core.images import Picture
    from app.projects.rules import Line


DECIDED = records.register(
    "project.decided",
    {"project", "route", "decided_on", "text_sha256"},
    meaning="what a meeting or the owners decided on a project is entered",
)
STAGED = records.register(
    "project.stage",
    {"project", "from", "to"},
    meaning="a project goes on to the next of the five stages",
)
PLANNED = records.register(
    "project.milestone",
    {"project", "number", "planned", "done"},
    meaning="a milestone is planned, or done on a day; done is null until then",
)
PROGRESS = records.register(
    "project.progress",
    {"project", "text_sha256"},
    meaning="what was reported about the building",
)


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
    asked_by: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one of a project's legal acts came to: which, on which day, with which numbers."""

    route: str
    decided_on: datetime
    text: str


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
        project = _lock(session, community_id, code)
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
    project.asked_by = text.asked_by
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


# --- building ----------------------------------------------------------------------------------


def advance_project(actor: Actor, *, community_id: int, code: str, to: Stage) -> None:
    """Take a project on to the next stage. Raises: NotFound; RuleBroken project.stage."""
    with transaction() as session:
        require(actor, Permission.PROJECT_PROGRESS, Place(community_id))
        project = _lock(session, community_id, code)
        rules.check_stage(Stage(project.stage), to)
        before, project.stage = project.stage, to.value
        project.version += 1
        data = {"project": code, "from": before, "to": to.value}
        record(session, actor, Act(STAGED, f"project:{code}", data), community_id)


def enter_decision(actor: Actor, *, community_id: int, code: str, decision: Decision) -> None:
    """Enter what a meeting or the owners decided; the same words again change nothing.

    Raises: NotFound; RuleBroken project.route, project.decision_empty, project.decision_ahead,
    project.decided.
    """
    with transaction() as session:
        require(actor, Permission.PROJECT_PROGRESS, Place(community_id))
        project = _lock(session, community_id, code)
        rules.check_decision(
            decision.route, project.decision_route, decision.decided_on, clock.now()
        )
        if not decision.text.strip():
            raise RuleBroken("project.decision_empty")
        mine = (
            ProjectDecision.community_id == community_id,
            ProjectDecision.project_id == project.id,
            ProjectDecision.route == decision.route,
        )
        before = session.scalar(select(ProjectDecision).where(*mine))
        if before is not None:
            if before.text != decision.text.strip():
                raise RuleBroken("project.decided")
            return
        session.add(_decision_row(project, decision))
        project.version += 1
        data = {
            "project": code,
            "route": decision.route,
            "decided_on": clock.to_record(decision.decided_on),
            "text_sha256": hashlib.sha256(decision.text.strip().encode()).hexdigest(),
        }
        record(session, actor, Act(DECIDED, f"project:{code}", data), community_id)


def _decision_row(project: Project, decision: Decision) -> ProjectDecision:
    return ProjectDecision(
        community_id=project.community_id,
        project_id=project.id,
        route=decision.route,
        decided_on=decision.decided_on,
        text=decision.text.strip(),
    )


def name_bodies(
    actor: Actor, *, community_id: int, code: str, responsible: str, builder: str
) -> None:
    """Say who answers for a project and who builds it. Raises: NotFound."""
    with transaction() as session:
        require(actor, Permission.PROJECT_PROGRESS, Place(community_id))
        project = _lock(session, community_id, code)
        project.responsible, project.builder = responsible.strip(), builder.strip()
        project.version += 1
        security(
            session,
            "project.bodies",
            community_id=community_id,
            person_id=actor.person_id,
            project=code,
        )


def plan_milestone(
    actor: Actor, *, community_id: int, code: str, title: str, planned_on: datetime
) -> int:
    """Plan a step of the building; gives its number. Raises: NotFound; RuleBroken project.*."""
    with transaction() as session:
        require(actor, Permission.PROJECT_PROGRESS, Place(community_id))
        project = _lock(session, community_id, code)
        if not title.strip():
            raise RuleBroken("project.milestone_empty")
        planned = _milestones(session, project)
        for step in planned:
            # The same step on the same day is a form sent twice.
            if (step.title, step.planned_on) == (title.strip()[:120], planned_on):
                return step.position
        number = 1 + len(planned)
        milestone = Milestone(
            community_id=community_id,
            project_id=project.id,
            position=number,
            title=title.strip()[:120],
            planned_on=planned_on,
        )
        session.add(milestone)
        _record_milestone(session, actor, code, milestone)
        return number


def finish_milestone(
    actor: Actor, *, community_id: int, code: str, number: int, done_on: datetime
) -> None:
    """Say on which day a step was done; the planned day stays beside it.

    Raises: NotFound; RuleBroken project.milestone_done, project.in_the_future.
    """
    with transaction() as session:
        require(actor, Permission.PROJECT_PROGRESS, Place(community_id))
        project = _lock(session, community_id, code)
        found = [m for m in _milestones(session, project) if m.position == number]
        if not found:
            raise NotFound("milestone")
        if found[0].done_on is not None:
            raise RuleBroken("project.milestone_done")
        if done_on > clock.now():
            raise RuleBroken("project.in_the_future")
        found[0].done_on = done_on
        _record_milestone(session, actor, code, found[0])


def _milestones(session: Session, project: Project) -> Sequence[Milestone]:
    return session.scalars(
        select(Milestone)
        .where(Milestone.community_id == project.community_id, Milestone.project_id == project.id)
        .order_by(Milestone.position)
    ).all()


def _record_milestone(session: Session, actor: Actor, code: str, milestone: Milestone) -> None:
    done = milestone.done_on
    data = {
        "project": code,
        "number": milestone.position,
        "planned": clock.to_record(milestone.planned_on),
        "done": clock.to_record(done) if done is not None else None,
    }
    act = Act(PLANNED, f"project:{code}", data)
    record(session, actor, act, milestone.community_id)


@dataclass(frozen=True, slots=True)
class Progress:
    """A report; `once` is the form's own mark, so that a double tap is one report."""

    text: str
    once: str
    picture: Picture | None = None


def report_progress(actor: Actor, *, community_id: int, code: str, progress: Progress) -> None:
    """Report on the building, with a photo if there is one. Raises: NotFound; RuleBroken."""
    with transaction() as session:
        require(actor, Permission.PROJECT_PROGRESS, Place(community_id))
        project = _lock(session, community_id, code)
        text = rules.check_progress(progress.text)
        sent_before = session.scalar(
            select(ProgressPost.id).where(
                ProgressPost.community_id == community_id,
                ProgressPost.project_id == project.id,
                ProgressPost.once == progress.once,
            )
        )
        if sent_before is not None:
            return
        picture = progress.picture
        kept = keep_picture(session, actor, community_id, picture, text[:80]) if picture else None
        session.add(
            ProgressPost(
                community_id=community_id,
                project_id=project.id,
                once=progress.once,
                text=text,
                picture_id=kept.id if kept else None,
                at=clock.now(),
            )
        )
        data = {"project": code, "text_sha256": hashlib.sha256(text.encode()).hexdigest()}
        record(session, actor, Act(PROGRESS, f"project:{code}", data), community_id)


def _lock(session: Session, community_id: int, code: str) -> Project:
    mine = Project.community_id == community_id, Project.code == code
    project = session.scalar(select(Project).where(*mine).with_for_update())
    if project is None:
        raise NotFound("project")
    return project

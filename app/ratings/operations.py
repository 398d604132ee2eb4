"""Asking for a rating, opening repairs, and saying that they are done."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.core import canonical as c
from app.core import clock
from app.core import record as records
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.links import Edge, connect
from app.core.record import Act, record
from app.people.models import PersonNoticeKind
from app.people.steps import tell_people
from app.policy.table import Permission, Place, require
from app.projects.models import Project
from app.projects.rules import Stage
from app.ratings import queries, rules
from app.ratings.models import Rating, RepairTask
from app.voting import launching
from app.voting.models import Poll, PollVoter
from app.voting.rules import Method, PollKind, PollState, default_rules

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

STARTED = records.register(
    "rating.started",
    {"project", "round", "poll"},
    meaning="all households are asked to rate a finished project",
)
OPENED = records.register(
    "repair.opened",
    {"repair", "project", "poll", "option", "due"},
    {"what"},
    "a low score leads to a repair, to be done until then",
)
DONE = records.register(
    "repair.done", {"repair", "project"}, {"note"}, "a repair is reported as done"
)
ID_BYTES = 5


def start_rating(actor: Actor, *, community_id: int, project_code: str, days: int) -> str:
    """Ask all households to rate a finished project; gives the poll's public id.

    Raises: NotFound; RuleBroken rating.*, poll.no_electorate, clock.stepped_back.
    """
    with transaction() as session:
        require(actor, Permission.RATING_RUN, Place(community_id))
        project = _lock_project(session, community_id, project_code)
        lasts = rules.check_days(days)
        rules.check_start(
            Stage(project.stage),
            is_open=_is_open(session, community_id, project_code),
            unanswered=len(queries.unanswered(community_id, project_code).get(project_code, ())),
            repairs_left=_repairs_left(session, community_id, project_code),
        )
        number = 1 + _rounds(session, community_id, project_code)
        opens = clock.now().replace(microsecond=0)
        options = [rules.option_id(project_code, n) for n in range(1, len(rules.QUESTIONS) + 1)]
        draft = launching.PollDraft(
            title=_title(project.title, number),
            explanation="",
            method=Method.SCORE,
            projects=tuple(options),
            rules=default_rules(Method.SCORE),
            opens_at=opens,
            closes_at=opens + lasts,
            kind=PollKind.SATISFACTION_RATING,
        )
        poll = launching.launch(session, actor, community_id, draft)
        session.add(
            Rating(
                community_id=community_id,
                project_code=project_code,
                round=number,
                poll=poll,
                started_at=opens,
            )
        )
        edge = Edge(f"poll:{poll}", "rates", f"project:{project_code}")
        connect(session, community_id, edge)
        _ask_again(session, community_id, project_code, number - 1)
        data = {"project": project_code, "round": number, "poll": poll}
        record(session, actor, Act(STARTED, f"project:{project_code}", data), community_id)
        return poll


def _title(project_title: str, number: int) -> str:
    """The poll's name, frozen with it; from the second round on it says which one it is."""
    again = f"（第 {number} 次）" if number > 1 else ""
    return f"评一评：{project_title[:100]}{again}"


def _ask_again(session: Session, community_id: int, project_code: str, before: int) -> None:
    """Tell whoever filled in the round before; everybody else meets the poll on their home."""
    people = session.scalars(
        select(PollVoter.cast_by)
        .join(Poll, Poll.id == PollVoter.poll_id)
        .join(
            Rating,
            (Rating.poll == Poll.public_id) & (Rating.community_id == Poll.community_id),
        )
        .where(
            Rating.community_id == community_id,
            Rating.project_code == project_code,
            Rating.round == before,
            PollVoter.cast_by.is_not(None),
        )
    ).all()
    asked = sorted({person for person in people if person is not None})
    if asked:
        about = f"rating:{project_code}"
        tell_people(session, community_id, asked, PersonNoticeKind.RATE_AGAIN, about)


def _lock_project(session: Session, community_id: int, project_code: str) -> Project:
    mine = Project.community_id == community_id, Project.code == project_code
    project = session.scalar(select(Project).where(*mine).with_for_update())
    if project is None:
        raise NotFound("project")
    return project


def _is_open(session: Session, community_id: int, project_code: str) -> bool:
    found = session.scalar(
        select(Poll.id)
        .join(
            Rating,
            (Rating.poll == Poll.public_id) & (Rating.community_id == Poll.community_id),
        )
        .where(
            Rating.community_id == community_id,
            Rating.project_code == project_code,
            Poll.state == PollState.OPEN.value,
        )
        .limit(1)
    )
    return found is not None


def _repairs_left(session: Session, community_id: int, project_code: str) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(RepairTask)
            .where(
                RepairTask.community_id == community_id,
                RepairTask.project_code == project_code,
                RepairTask.done_at.is_(None),
            )
        )
        or 0
    )


def _rounds(session: Session, community_id: int, project_code: str) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(Rating)
            .where(Rating.community_id == community_id, Rating.project_code == project_code)
        )
        or 0
    )


@dataclass(frozen=True, slots=True)
class NewRepair:
    """What is put right because of which question, by whom, until when."""

    option: str
    what: str
    owner: str
    due: datetime


def open_repair(actor: Actor, *, community_id: int, poll: str, repair: NewRepair) -> str:
    """Answer a low score with a repair; gives its public id.

    Raises: NotFound; RuleBroken repair.*.
    """
    with transaction() as session:
        require(actor, Permission.RATING_RUN, Place(community_id))
        rating = session.scalar(
            select(Rating)
            .where(Rating.community_id == community_id, Rating.poll == poll)
            .with_for_update()
        )
        if rating is None:
            raise NotFound("rating")
        _refuse_unless_low(session, community_id, poll, repair.option)
        text, by = rules.check_repair(repair.what, repair.owner, repair.due, clock.now())
        before = _opened_before(session, rating, repair.option, text)
        if before is not None:
            return before
        task = RepairTask(
            community_id=community_id,
            public_id=c.crockford(secrets.token_bytes(ID_BYTES)).lower(),
            project_code=rating.project_code,
            poll=poll,
            option=repair.option,
            what=text,
            owner=by,
            due=repair.due,
            opened_at=clock.now(),
        )
        session.add(task)
        subject = f"repair:{task.public_id}"
        connect(session, community_id, Edge(subject, "follows", f"poll:{poll}"))
        data = {
            "repair": task.public_id,
            "project": rating.project_code,
            "poll": poll,
            "option": repair.option,
            "due": clock.to_record(repair.due),
        }
        record(session, actor, Act(OPENED, subject, data, {"what": text}), community_id)
        return task.public_id


def _opened_before(session: Session, rating: Rating, option: str, text: str) -> str | None:
    """The same repair, still to be done: the form was sent twice."""
    return session.scalar(
        select(RepairTask.public_id).where(
            RepairTask.community_id == rating.community_id,
            RepairTask.poll == rating.poll,
            RepairTask.option == option,
            RepairTask.what == text,
            RepairTask.done_at.is_(None),
        )
    )


def _refuse_unless_low(session: Session, community_id: int, poll: str, option: str) -> None:
    result = session.scalar(
        select(Poll.result).where(Poll.community_id == community_id, Poll.public_id == poll)
    )
    if result is None or option not in result["counts"]:
        raise RuleBroken("repair.no_result")
    if not rules.is_low(result["counts"][option], result["raters"][option]):
        raise RuleBroken("repair.not_low")


def finish_repair(actor: Actor, *, community_id: int, repair_id: str, note: str) -> None:
    """Report a repair as done. Raises: NotFound; RuleBroken repair.empty, repair.done."""
    with transaction() as session:
        require(actor, Permission.RATING_RUN, Place(community_id))
        mine = RepairTask.community_id == community_id, RepairTask.public_id == repair_id
        task = session.scalar(select(RepairTask).where(*mine).with_for_update())
        if task is None:
            raise NotFound("repair")
        if task.done_at is not None:
            raise RuleBroken("repair.done")
        if not note.strip():
            raise RuleBroken("repair.empty")
        task.done_at, task.done_note = clock.now(), note.strip()[:500]
        data = {"repair": repair_id, "project": task.project_code}
        act = Act(DONE, f"repair:{repair_id}", data, {"note": task.done_note})
        record(session, actor, act, community_id)

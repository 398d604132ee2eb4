"""Reads of ratings and repairs, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.ratings import rules, words
from app.ratings.models import Rating, RepairTask
from app.voting import queries as voting
from app.voting.models import Poll
from app.voting.rules import Phase, PollState, phase_at
from app.voting.showing import points

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """One question of a round: mean as shown, share of the upper two steps, how many answered."""

    option: str
    question: str
    points: str
    top_two: str
    raters: int
    low: bool

    @property
    def raters_text(self) -> str:
        """How many answered; a number below five would point at households."""
        return words.raters_text(self.raters if self.raters >= rules.FEWEST_RATERS else None)


@dataclass(frozen=True, slots=True)
class Round:
    """One round: open, or with its result. `invited` and `raters` are households."""

    number: int
    poll: str
    phase: Phase
    closes_at: datetime
    invited: int
    raters: int
    questions: tuple[QuestionResult, ...]

    @property
    def is_open(self) -> bool:
        """Whether ballots are taken now."""
        return self.phase is Phase.OPEN

    @property
    def invited_text(self) -> str:
        """How many households were asked, with thousands separators."""
        return f"{self.invited:,}"

    @property
    def overall(self) -> str:
        """The mean of the last question, 总体满意度; empty before the result."""
        return self.questions[-1].points if self.questions else ""

    @property
    def overall_points(self) -> str | None:
        """The same as a number of a hundred; None where too few answered to publish one."""
        few = not self.questions or self.questions[-1].raters < rules.FEWEST_RATERS
        return None if few else self.overall

    @property
    def overall_text(self) -> str:
        """The same as a sentence's end: 总体 88.3 分, or why there is none."""
        return words.overall_text(self.overall_points) if self.questions else ""


@dataclass(frozen=True, slots=True)
class Repair:
    """A repair; overdue ones are told to everybody."""

    public_id: str
    project_code: str
    question: str
    what: str
    owner: str
    due: datetime
    done_at: datetime | None
    done_note: str
    overdue: bool


def rounds(community_id: int, project_code: str) -> list[Round]:
    """Every round of a project, the first first."""
    rows = db.session.execute(
        select(Rating.round, Poll.public_id, Poll.state, Poll.closes_at, Poll.heads, Poll.result)
        .join(Poll, (Poll.public_id == Rating.poll) & (Poll.community_id == Rating.community_id))
        .where(Rating.community_id == community_id, Rating.project_code == project_code)
        .order_by(Rating.round)
    ).all()
    return [_round(community_id, row) for row in rows]


@dataclass(frozen=True, slots=True)
class Overall:
    """What a closed round came to in one line: 总体 88.3 分, or why there is none."""

    number: int
    text: str


def overalls(community_id: int, codes: Iterable[str]) -> dict[str, list[Overall]]:
    """The closed rounds of these projects, the first first; one statement, no ballot is read."""
    rows = db.session.execute(
        select(Rating.project_code, Rating.round, Poll.result)
        .join(Poll, (Poll.public_id == Rating.poll) & (Poll.community_id == Rating.community_id))
        .where(
            Rating.community_id == community_id,
            Rating.project_code.in_(list(codes)),
            Poll.result.is_not(None),
        )
        .order_by(Rating.round)
    )
    found: dict[str, list[Overall]] = {}
    for row in rows:
        said = Overall(row.round, _overall_text(row.result))
        found.setdefault(row.project_code, []).append(said)
    return found


def _overall_text(result: dict[str, Any]) -> str:
    last = _in_order(result)[-1]
    total, raters = result["counts"][last], result["raters"][last]
    few = raters < rules.FEWEST_RATERS
    return words.overall_text(None if few else points(total, raters))


def _in_order(result: dict[str, Any]) -> list[str]:
    """The options of a result: they end in their number, and that is the questions' order."""
    return sorted(result["counts"], key=lambda option: int(option.rpartition(".")[2]))


def _round(community_id: int, row: Any) -> Round:
    choices: list[Any] = []
    if row.result is not None:
        choices = voting.counted_choices(community_id, row.public_id)
    return Round(
        number=row.round,
        poll=row.public_id,
        phase=phase_at(PollState(row.state), row.closes_at, clock.now()),
        closes_at=row.closes_at,
        invited=row.heads,
        raters=len(choices),
        questions=_questions(row.result, choices) if row.result is not None else (),
    )


def _questions(result: dict[str, Any], choices: list[Any]) -> tuple[QuestionResult, ...]:
    return tuple(_question(option, result, choices) for option in _in_order(result))


def _question(option: str, result: dict[str, Any], choices: list[Any]) -> QuestionResult:
    total, raters = result["counts"][option], result["raters"][option]
    top = rules.top_two([choice[option] for choice in choices if option in choice])
    return QuestionResult(
        option=option,
        question=words.question(option),
        points=points(total, raters),
        top_two="" if top is None else f"{top}%",
        raters=raters,
        low=rules.is_low(total, raters),
    )


def repairs(community_id: int, project_code: str) -> list[Repair]:
    """Every repair of a project, the earliest due first."""
    mine = RepairTask.community_id == community_id
    return _repairs(mine, RepairTask.project_code == project_code)


def open_repairs(community_id: int) -> list[Repair]:
    """Every repair that is not done, the earliest due first."""
    return _repairs(RepairTask.community_id == community_id, RepairTask.done_at.is_(None))


def unanswered(community_id: int, project_code: str | None = None) -> dict[str, list[str]]:
    """Low scores of each project's last closed round that led to no repair yet, by project."""
    wanted = [Rating.community_id == community_id, Poll.result.is_not(None)]
    if project_code is not None:
        wanted.append(Rating.project_code == project_code)
    rows = db.session.execute(
        select(Rating.project_code, Rating.poll, Poll.result)
        .join(Poll, (Poll.public_id == Rating.poll) & (Poll.community_id == Rating.community_id))
        .where(*wanted)
        .order_by(Rating.round)
    )
    # The later round of a project takes the place of the earlier one.
    last = {row.project_code: row for row in rows}
    tasks = db.session.execute(
        select(RepairTask.poll, RepairTask.option).where(RepairTask.community_id == community_id)
    )
    repaired = {tuple(task) for task in tasks}
    found = {
        code: [one for one in rules.low_options(row.result) if (row.poll, one) not in repaired]
        for code, row in last.items()
    }
    return {code: options for code, options in found.items() if options}


def to_rate_again(community_id: int) -> dict[str, datetime]:
    """Projects whose low scores all led to repairs that are all done, and not rated since.

    By project, with the moment the last repair was reported as done.
    """
    rows = db.session.execute(
        select(Rating.project_code, Rating.poll, Poll.result)
        .join(Poll, (Poll.public_id == Rating.poll) & (Poll.community_id == Rating.community_id))
        .where(Rating.community_id == community_id)
        .order_by(Rating.round)
    )
    # A later round stands for its project even while it is open: then nobody has to ask again.
    last = {row.project_code: row for row in rows}
    tasks: dict[str, list[Any]] = {}
    for task in db.session.execute(
        select(
            RepairTask.project_code, RepairTask.poll, RepairTask.option, RepairTask.done_at
        ).where(RepairTask.community_id == community_id)
    ):
        tasks.setdefault(task.project_code, []).append(task)
    return {
        code: max(task.done_at for task in tasks[code])
        for code, row in last.items()
        if row.result is not None and _all_repaired(row, tasks.get(code, []))
    }


def _all_repaired(row: Any, tasks: list[Any]) -> bool:
    """Whether a closed round had low scores, each led to a repair, and none is left to do."""
    low = rules.low_options(row.result)
    repaired = {(task.poll, task.option) for task in tasks}
    all_done = all(task.done_at is not None for task in tasks)
    return bool(low) and all_done and all((row.poll, option) in repaired for option in low)


def repair_project(community_id: int, repair_id: str) -> str:
    """The project a repair belongs to. Raises: NotFound."""
    code = db.session.scalar(
        select(RepairTask.project_code).where(
            RepairTask.community_id == community_id, RepairTask.public_id == repair_id
        )
    )
    if code is None:
        raise NotFound("repair")
    return code


def project_of(community_id: int, poll: str) -> str:
    """The project a round is about. Raises: NotFound."""
    code = db.session.scalar(
        select(Rating.project_code).where(Rating.community_id == community_id, Rating.poll == poll)
    )
    if code is None:
        raise NotFound("rating")
    return code


def _repairs(*conditions: ColumnElement[bool]) -> list[Repair]:
    now = clock.now()
    rows = db.session.scalars(
        select(RepairTask).where(*conditions).order_by(RepairTask.due, RepairTask.id)
    )
    return [
        Repair(
            row.public_id,
            row.project_code,
            words.question(row.option),
            row.what,
            row.owner,
            row.due,
            row.done_at,
            row.done_note,
            row.done_at is None and row.due < now,
        )
        for row in rows
    ]

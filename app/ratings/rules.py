"""The rules of rating finished work. Pure; sources in docs/rules.md, "Ratings"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.core.errors import RuleBroken
from app.projects.rules import Stage, stage_index
from app.voting.rules import HIGHEST

FEWEST_RATERS = 5
# A mean below 60 of 100 asks for a repair: our choice, the usual pass mark of such surveys.
LOW = 60
LONGEST_DAYS = 60
QUESTIONS = (
    "改造内容是否解决了原来的问题",
    "施工质量",
    "施工期间的安全、噪声和通行",
    "事前征求意见和公示",
    "意见是否得到回应",
    "资金公开",
    "老人、孩子和残疾人使用是否方便",
    "交付后的维护管理",
    "总体满意度",
)


def option_id(project_code: str, number: int) -> str:
    """The id of a question in the record: the project's code and the question's number."""
    return f"{project_code}.{number}"


def question_of(option: str) -> str:
    """The question behind an option's id. Raises: KeyError for what is none."""
    number = option.rpartition(".")[2]
    if not number.isdecimal() or not 1 <= int(number) <= len(QUESTIONS):
        raise KeyError(option)
    return QUESTIONS[int(number) - 1]


def is_low(total: int, raters: int) -> bool:
    """Whether a question's mean asks for a repair; fewer than five raters say nothing."""
    return raters >= FEWEST_RATERS and 100 * total < LOW * HIGHEST * raters


def low_options(result: Mapping[str, Any]) -> list[str]:
    """The questions of a closed round whose mean asks for a repair."""
    counts, raters = result["counts"], result["raters"]
    return [option for option in counts if is_low(counts[option], raters[option])]


def top_two(scores: list[int]) -> int | None:
    """How many in a hundred chose one of the two upper steps, rounded down; None under five."""
    if len(scores) < FEWEST_RATERS:
        return None
    return 100 * sum(score >= HIGHEST - 1 for score in scores) // len(scores)


def check_start(stage: Stage, *, is_open: bool, unanswered: int, repairs_left: int) -> None:
    """A finished facility is rated, one round after the other, and again after its repairs.

    `unanswered` counts low scores of the round before without any repair. Raises: RuleBroken
    rating.not_finished, rating.open, rating.unanswered, rating.repairs_left.
    """
    if stage_index(stage) < stage_index(Stage.MANAGE):
        raise RuleBroken("rating.not_finished")
    if is_open:
        raise RuleBroken("rating.open")
    if unanswered:
        raise RuleBroken("rating.unanswered", number=unanswered)
    if repairs_left:
        raise RuleBroken("rating.repairs_left", number=repairs_left)


def check_days(days: int) -> timedelta:
    """How long a rating lasts. Raises: RuleBroken rating.days."""
    if not 1 <= days <= LONGEST_DAYS:
        raise RuleBroken("rating.days", most=LONGEST_DAYS)
    return timedelta(days=days)


def check_repair(what: str, owner: str, due: datetime, now: datetime) -> tuple[str, str]:
    """A repair says what, who and until when. Raises: RuleBroken repair.empty, repair.past."""
    if not what.strip() or not owner.strip():
        raise RuleBroken("repair.empty")
    if due <= now:
        raise RuleBroken("repair.past")
    return what.strip()[:300], owner.strip()[:120]

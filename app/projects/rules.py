"""The rules of the project ledger. Pure; money in fen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.errors import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


LONGEST_PROGRESS = 1000


class SupplyMode(StrEnum):
    """The plan's five ways to fill a gap (补建、购置、置换、租赁、改造)."""

    BUILD = "build"
    BUY = "buy"
    SWAP = "swap"
    RENT = "rent"
    CONVERT = "convert"


class Route(StrEnum):
    """The legal acts a project must pass. Source: docs/rules.md, "Legal routes"."""

    PREFERENCE_POLL = "preference_poll"
    CONSULTATION = "consultation"
    REPRESENTATIVES_MEETING = "representatives_meeting"
    OWNERS_SIMPLE = "owner_vote_simple"
    OWNERS_MAJOR = "owner_vote_major"


# What the portal itself keeps; the rest is held elsewhere and entered.
KEPT_HERE = frozenset({Route.PREFERENCE_POLL})


def check_decision(route: str, routes: Sequence[str], decided_on: datetime, now: datetime) -> None:
    """Refuse a decision that the project does not ask for, or that lies ahead.

    Raises: RuleBroken project.route, project.decision_ahead.
    """
    if route not in routes or route in KEPT_HERE:
        raise RuleBroken("project.route")
    if decided_on > now:
        raise RuleBroken("project.decision_ahead")


class Stage(StrEnum):
    """The five stages of co-creation, in order."""

    PLAN = "plan_together"
    BUILD = "build_together"
    MANAGE = "manage_together"
    RATE = "rate_together"
    SHARE = "share_together"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of cost or of funding."""

    name: str
    amount_fen: int


def check_lines(budget_fen: int, costs: Sequence[Line], funds: Sequence[Line]) -> None:
    """Costs add up to the budget, and so does the money that pays for them.

    Raises: RuleBroken project.budget, project.costs_do_not_add_up, project.funds_do_not_add_up.
    """
    if budget_fen <= 0:
        raise RuleBroken("project.budget")
    for side, lines in (("costs", costs), ("funds", funds)):
        total = sum(line.amount_fen for line in lines)
        if total != budget_fen:
            raise RuleBroken(
                f"project.{side}_do_not_add_up", total_fen=total, budget_fen=budget_fen
            )


def stage_index(stage: Stage) -> int:
    """Which of the five seals is now: 0 for 谋 to 4 for 享."""
    return list(Stage).index(stage)


def check_stage(stage: Stage, to: Stage) -> None:
    """A project goes on one stage at a time, and never back. Raises: RuleBroken project.stage."""
    if stage_index(to) != stage_index(stage) + 1:
        raise RuleBroken("project.stage", stage=stage.value, to=to.value)


def check_progress(text: str) -> str:
    """What is reported, tidied. Raises: RuleBroken project.progress_empty."""
    tidy = text.replace("\r", "").strip()
    if not tidy or len(tidy) > LONGEST_PROGRESS:
        raise RuleBroken("project.progress_empty", most=LONGEST_PROGRESS)
    return tidy

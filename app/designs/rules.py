"""The rules of designers' proposals. Pure; sources in docs/rules.md, "Proposals"."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.errors import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST, MOST = 2, 4
LONGEST = 1000


class State(StrEnum):
    """A proposal waits for the committee's look before residents see it."""

    SUBMITTED = "submitted"
    PUBLISHED = "published"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Plan:
    """One alternative; money in fen."""

    title: str
    summary: str
    cost_fen: int
    upkeep_fen: int
    serves: str
    gives_up: str


def check_plans(plans: Sequence[Plan]) -> None:
    """At least two alternatives, and each says what it costs, whom it serves, what it gives up.

    Raises: RuleBroken design.number, design.plan with the alternative's letter.
    """
    if not FEWEST <= len(plans) <= MOST:
        raise RuleBroken("design.number", fewest=FEWEST, most=MOST)
    for number, plan in enumerate(plans):
        words = (plan.title, plan.summary, plan.serves, plan.gives_up)
        if not all(0 < len(text.strip()) <= LONGEST for text in words):
            raise RuleBroken("design.plan", letter=letter(number))
        if plan.cost_fen <= 0 or plan.upkeep_fen < 0:
            raise RuleBroken("design.plan", letter=letter(number))


def letter(number: int) -> str:
    """The letter of the n-th alternative: A, B, C, D."""
    return "ABCD"[number]


def check_change(what: str) -> str:
    """What a revision changed, tidied. Raises: RuleBroken design.no_change."""
    tidy = what.replace("\r", "").strip()
    if not tidy or len(tidy) > LONGEST:
        raise RuleBroken("design.no_change")
    return tidy


def check_postponement(reason: str) -> str:
    """Why a session is put off, tidied. Raises: RuleBroken design.no_postponement."""
    tidy = reason.replace("\r", "").strip()
    if not tidy or len(tidy) > LONGEST:
        raise RuleBroken("design.no_postponement", most=LONGEST)
    return tidy

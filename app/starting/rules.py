"""The steps of a guided start. Pure: where a set-up stands follows from what exists."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.actor import Role


class Step(StrEnum):
    """The pages of setting a community up, in order."""

    ABOVE = "above"
    CARD = "card"
    CLERK = "clerk"
    MEMBER = "member"
    HAND_OVER = "hand_over"


STEPS = tuple(Step)
FIRST_PEOPLE = {Step.CLERK: Role.CLERK, Step.MEMBER: Role.COMMITTEE}
# Whoever else works with one community; nobody waits for them.
OTHERS = (Role.COMMITTEE_CHAIR, Role.SUPERVISOR, Role.DESIGNER)


def number(step: Step) -> int:
    """The step's number as people count: from 1."""
    return STEPS.index(step) + 1


def next_step(roles: frozenset[Role]) -> Step:
    """Where a community's set-up goes on, by the roles that somebody holds there."""
    missing = (step for step, role in FIRST_PEOPLE.items() if role not in roles)
    return next(missing, Step.HAND_OVER)


class Task(StrEnum):
    """What a clerk does first, in order."""

    ROLL = "roll"
    LOOK = "look"
    LETTERS = "letters"
    PROJECT = "project"
    POLL = "poll"


@dataclass(frozen=True, slots=True)
class Exists:
    """What a community already has. Counts are of households with a home, codes, projects."""

    households: int
    confirmed: bool
    with_code: int
    projects: int
    opened_polls: int


def tasks_done(there: Exists) -> dict[Task, bool]:
    """Which of the first tasks are done, by what is there and by nothing else.

    Whoever has printed letters has accepted the roll: then looking at it is no longer asked for.
    """
    return {
        Task.ROLL: there.households > 0,
        Task.LOOK: there.households > 0 and (there.confirmed or there.with_code > 0),
        Task.LETTERS: there.with_code > 0,
        Task.PROJECT: there.projects > 0 or there.opened_polls > 0,
        Task.POLL: there.opened_polls > 0,
    }

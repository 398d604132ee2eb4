"""What a resident may have put right, how often, and by when the desk answers. Pure.

Sources: Personal Information Protection Law art. 46 (whoever finds something wrong about them may
have it corrected, after it was checked); docs/adr/0030.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from app.core.errors import RuleBroken

# The law says in time; the national standard says 30 days at most (GB/T 35273, 8.7).
ANSWERED_WITHIN = timedelta(days=15)
MOST_WAITING = 3
MOST_OF_ONE = 5
COUNTED_FOR = timedelta(days=30)
LONGEST_TEXT = 300


class What(StrEnum):
    """What of the roll is wrong."""

    PHONE = "phone"
    HEAD = "head"
    OWNER = "owner"
    AREA = "area"
    OTHER = "other"


class State(StrEnum):
    """How far a request is: it waits, the roll was changed, or the desk said why not."""

    WAITING = "waiting"
    CORRECTED = "corrected"
    ANSWERED = "answered"


def check_request(*, text: str, waiting: int, lately: int) -> str:
    """The words of a request, where one more may be made.

    `waiting` are those of the household that nobody has answered, `lately` those of this person
    within `COUNTED_FOR`. Raises: RuleBroken correction.no_text, correction.too_long,
    correction.enough_waiting, correction.enough_lately.
    """
    tidy = text.replace("\r", "").strip()
    if not tidy:
        raise RuleBroken("correction.no_text")
    if len(tidy) > LONGEST_TEXT:
        raise RuleBroken("correction.too_long", most=LONGEST_TEXT)
    if waiting >= MOST_WAITING:
        raise RuleBroken("correction.enough_waiting", most=MOST_WAITING)
    if lately >= MOST_OF_ONE:
        raise RuleBroken("correction.enough_lately", most=MOST_OF_ONE)
    return tidy


def check_answer(*, state: State, answer: str) -> str:
    """The desk's word on a request that waits.

    Raises: RuleBroken correction.answered_already, correction.no_answer, correction.too_long.
    """
    check_waits(state)
    tidy = answer.replace("\r", "").strip()
    if not tidy:
        raise RuleBroken("correction.no_answer")
    if len(tidy) > LONGEST_TEXT:
        raise RuleBroken("correction.too_long", most=LONGEST_TEXT)
    return tidy


def check_waits(state: State) -> None:
    """Raise RuleBroken correction.answered_already for a request that is done."""
    if state is not State.WAITING:
        raise RuleBroken("correction.answered_already")


def masked_name(name: str) -> str:
    """A name as the household's members see it: a tenant need not learn the owner's."""
    return f"{name[:1]}**" if name else ""

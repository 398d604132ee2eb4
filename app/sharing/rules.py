"""The rules of topics that a community lifts to its subdistrict (提级). Pure; docs/rules.md."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.errors import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

LONGEST_TITLE = 120
LONGEST_TEXT = 3000


class LiftState(StrEnum):
    """What a subdistrict did with a topic that was lifted to it."""

    WAITING = "waiting"
    RETURNED = "returned"
    SHARED = "shared"


class SharedState(StrEnum):
    """Where a shared topic stands: talked over, or its outcome published."""

    OPEN = "open"
    PUBLISHED = "published"


def check_text(text: str, most: int = LONGEST_TEXT) -> str:
    """A text that has to be there, tidied. Raises: RuleBroken shared.empty, shared.too_long."""
    tidy = text.replace("\r", "").strip()
    if not tidy:
        raise RuleBroken("shared.empty")
    if len(tidy) > most:
        raise RuleBroken("shared.too_long", most=most)
    return tidy


def check_waiting(states: AbstractSet[str]) -> None:
    """Raise RuleBroken shared.decided_before unless nobody has decided on any of these yet."""
    if states != {LiftState.WAITING.value}:
        raise RuleBroken("shared.decided_before")


def check_communities(
    chosen: AbstractSet[str], area: AbstractSet[str], origins: AbstractSet[str]
) -> None:
    """A topic is shared by communities of the area, and by all that it comes from; by their codes.

    Raises: RuleBroken shared.outside, shared.origin_missing.
    """
    if chosen - area:
        raise RuleBroken("shared.outside")
    if origins - chosen:
        raise RuleBroken("shared.origin_missing")


def check_open(state: str) -> None:
    """Raise RuleBroken shared.closed once the outcome is published."""
    if state != SharedState.OPEN:
        raise RuleBroken("shared.closed")


def check_finished(waiting: int, undisposed: int) -> None:
    """Every opinion is moderated and answered before the outcome is published.

    Raises: RuleBroken shared.unmoderated, shared.undisposed.
    """
    if waiting:
        raise RuleBroken("shared.unmoderated", number=waiting)
    if undisposed:
        raise RuleBroken("shared.undisposed", number=undisposed)

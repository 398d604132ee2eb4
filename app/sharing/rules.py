"""The rules of topics that a community lifts to its subdistrict (提级). Pure; docs/rules.md."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.errors import RuleBroken
from app.discussion.rules import PostState

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


def may_appeal(state: str, appealed: bool) -> bool:  # noqa: FBT001 -- reads as a sentence
    """Whether its author may still ask somebody else to look at what was returned or hidden."""
    return state in {PostState.RETURNED.value, PostState.HIDDEN.value} and not appealed


def check_hides(state: str, brought_back: bool) -> None:  # noqa: FBT001 -- as above
    """What is published can be hidden, but not what an appeal to the place above brought back.

    Raises: RuleBroken post.wrong_state, shared.brought_back.
    """
    if state != PostState.PUBLISHED:
        raise RuleBroken("post.wrong_state", state=state)
    if brought_back:
        raise RuleBroken("shared.brought_back")


def check_finished(waiting: int, undisposed: int, appeals: int) -> None:
    """Every opinion is moderated and answered, and every appeal, before the outcome is published.

    Raises: RuleBroken shared.unmoderated, shared.undisposed, shared.appeals_open.
    """
    if appeals:
        raise RuleBroken("shared.appeals_open", number=appeals)
    if waiting:
        raise RuleBroken("shared.unmoderated", number=waiting)
    if undisposed:
        raise RuleBroken("shared.undisposed", number=undisposed)

"""When a clerk may act for somebody present, and for how long. Pure.

Source: docs/rules.md (the desk acts for someone present); docs/adr/0031.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from app.core.errors import RuleBroken

# Long enough to read a ballot aloud twice; then the clerk states anew who is there.
VISIT_LASTS = timedelta(minutes=60)
# A receipt is for taking along at once; later no page of staff shows a choice.
RECEIPT_WITHIN = timedelta(minutes=10)
# Whoever asked still knows then what for.
PLANNED_AHEAD = timedelta(days=60)


class Checked(StrEnum):
    """How the clerk knows that whoever is present is of the household."""

    KNOWN = "known"
    DOCUMENT = "document"
    PHONED = "phoned"


class Asked(StrEnum):
    """How a household asked: at the desk, by a call that a clerk noted, or on its own page."""

    DESK = "desk"
    PHONE = "phone"
    OWN = "own"


class LookFor(StrEnum):
    """What a list of households that have not voted is looked at for: following deliveries up."""

    PAPER = "paper"
    REMIND = "remind"
    UNDELIVERED = "returned"


class VisitPurpose(StrEnum):
    """What somebody wants to be visited for."""

    VOTE = "vote"
    PAPER = "paper"
    ENTER = "enter"
    EXPLAIN = "explain"


class PartOfDay(StrEnum):
    """When it suits whoever asked."""

    ANY = "any"
    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


class Outcome(StrEnum):
    """What came of a visit."""

    ASSISTED = "assisted"
    HANDED = "handed"
    TAKEN = "taken"
    NOBODY = "nobody"
    UNWANTED = "unwanted"


def check_visit_plan(planned_at: datetime, first: int, second: int, now: datetime) -> None:
    """Raise RuleBroken visit.one_alone, visit.in_the_past, visit.too_far."""
    if first == second:
        raise RuleBroken("visit.one_alone")
    if planned_at <= now:
        raise RuleBroken("visit.in_the_past")
    if planned_at > now + PLANNED_AHEAD:
        raise RuleBroken("visit.too_far")


def check_statement(*, present: bool, own_household: bool) -> None:
    """Raise RuleBroken assist.not_stated, assist.own_household."""
    if own_household:
        raise RuleBroken("assist.own_household")
    if not present:
        raise RuleBroken("assist.not_stated")


def check_going_on(*, ended: bool, until: datetime, now: datetime) -> None:
    """Raise RuleBroken assist.over once the clerk said so, or time is up."""
    if ended or until <= now:
        raise RuleBroken("assist.over")


def shows_receipt(cast_at: datetime, now: datetime) -> bool:
    """Whether the receipt of a ballot cast then may still be shown and printed."""
    return now - cast_at <= RECEIPT_WITHIN

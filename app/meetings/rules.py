"""The rules of gatherings. Pure; sources in docs/rules.md, "Meetings"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.errors import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SMALL_CELL = 5
MOST_PLACES = 2000
LONGEST_MINUTES = 20_000
# Doors open half an hour before the time: people of 72 come early.
# How a meeting's form is kept, in the language of the record.
REPRESENTATIVES_MEETING = "居民代表会议"
DOORS_BEFORE = timedelta(minutes=30)


class MeetingState(StrEnum):
    """Where a meeting stands."""

    ANNOUNCED = "announced"
    OPEN = "open"
    CLOSED = "closed"
    POSTPONED = "postponed"
    ADJOURNED = "adjourned"


# People can still say that they come, or not.
OPEN_STATES = (MeetingState.ANNOUNCED.value, MeetingState.OPEN.value)


# A meeting that has ended, with a result or without.
OVER = frozenset({MeetingState.CLOSED, MeetingState.ADJOURNED})
HAVE_MINUTES = OVER | {MeetingState.OPEN}
# A meeting that is not held as its notice says.
NOT_AS_ANNOUNCED = frozenset({MeetingState.POSTPONED, MeetingState.ADJOURNED})


class Change(StrEnum):
    """What those who wanted to come are told."""

    POSTPONED = "postponed"
    ADJOURNED = "adjourned"
    ANEW = "anew"


class SeatState(StrEnum):
    """Whether somebody comes."""

    COMING = "coming"
    WAITING = "waiting"
    CANCELLED = "cancelled"


class AgeBand(StrEnum):
    """Age as far as a meeting's numbers tell it."""

    TO_35 = "to_35"
    TO_59 = "to_59"
    TO_79 = "to_79"
    FROM_80 = "from_80"
    UNSAID = "unsaid"


class Presence(StrEnum):
    """Whether a party that is due comes: nothing said, its own answer, or what was seen."""

    DUE = "due"
    COMING = "coming"
    DECLINED = "declined"
    PRESENT = "present"
    ABSENT = "absent"


# What a body says of itself, and what whoever holds the meeting sees.
ANSWERS = frozenset({Presence.COMING, Presence.DECLINED})
SEEN = frozenset({Presence.PRESENT, Presence.ABSENT})
LONGEST_PARTY = 200
LONGEST_EXCUSE = 200


@dataclass(frozen=True, slots=True)
class Item:
    """One item of an agenda; minutes as planned."""

    title: str
    speaker: str
    minutes: int


def check_places(capacity: int, held: int) -> None:
    """A meeting has at least one place, and holds some of them at most.

    Raises: RuleBroken meeting.capacity, meeting.held.
    """
    if not 1 <= capacity <= MOST_PLACES:
        raise RuleBroken("meeting.capacity", most=MOST_PLACES)
    if not 0 <= held <= capacity:
        raise RuleBroken("meeting.held", capacity=capacity)


def check_notice(announced_at: datetime, starts_at: datetime, days: int) -> None:
    """At least so many whole days lie between the notice and the meeting.

    Raises: RuleBroken meeting.in_the_past, meeting.short_notice.
    """
    if starts_at <= announced_at:
        raise RuleBroken("meeting.in_the_past")
    if starts_at - announced_at < timedelta(days=days):
        raise RuleBroken("meeting.short_notice", days=days)


def check_items(items: Iterable[Item]) -> None:
    """An agenda says something. Raises: RuleBroken meeting.no_agenda, meeting.item."""
    count = 0
    for item in items:
        count += 1
        if not item.title or not 1 <= item.minutes <= 480:  # noqa: PLR2004 -- a working day
            raise RuleBroken("meeting.item", number=count)
    if not count:
        raise RuleBroken("meeting.no_agenda")


def items_from(text: str) -> tuple[Item, ...]:
    """An agenda as typed: a line each, `title｜speaker｜minutes`.

    Raises: RuleBroken meeting.item with the line's number.
    """
    items = []
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines, start=1):
        parts = [part.strip() for part in re.split(r"[|｜]", line)]
        minutes = re.fullmatch(r"(\d{1,3})(?:\s*分钟?)?", parts[-1])
        if len(parts) != 3 or minutes is None:  # noqa: PLR2004 -- three columns
            raise RuleBroken("meeting.item", number=number)
        items.append(Item(parts[0], parts[1], int(minutes[1])))
    check_items(items)
    return tuple(items)


def ends_at(starts_at: datetime, minutes: int) -> datetime:
    """When a meeting of so many minutes by its agenda ends."""
    return starts_at + timedelta(minutes=minutes)


def doors_are_open(state: MeetingState, starts_at: datetime, now: datetime) -> bool:
    """Whether people may check in: half an hour before the time, or once it was opened."""
    if state is MeetingState.OPEN:
        return True
    return state is MeetingState.ANNOUNCED and now >= starts_at - DOORS_BEFORE


def bands_to_show(counts: Mapping[str, int]) -> dict[str, int | None]:
    """Numbers by age with cells under 5 hidden, so that none can be had from the total either.

    Where nobody stands in a cell under 5, everything is shown, zeros too. Else every cell under 5
    is hidden, the empty ones with them, or their absence would tell the others. What is hidden
    could then be had in two cases only: when it is one cell alone, or when all of them are as full
    as a small cell can be. Then the smallest cells shown go too. Hidden cells that differ can
    always be exchanged, and equal ones below 4 shifted by one, so each keeps two possible values.
    """
    numbers = {band.value: counts.get(band.value, 0) for band in AgeBand}
    small = {band for band, number in numbers.items() if number < SMALL_CELL}
    if not any(numbers[band] for band in small):
        return dict(numbers)
    fullest = SMALL_CELL - 1
    # Four in every band is the one case that would show itself by its total: nobody of so many
    # is told by age, then, however old they are.
    if sum(numbers.values()) == fullest * len(numbers):
        return dict.fromkeys(numbers)
    if len(small) == 1 or all(numbers[band] == fullest for band in small):
        next_up = min(number for band, number in numbers.items() if band not in small)
        small |= {band for band, number in numbers.items() if number == next_up}
    return {band: None if band in small else number for band, number in numbers.items()}


def quorum_met(present: int, needed: int | None) -> bool | None:
    """Whether enough people came; None where nothing is required."""
    return None if needed is None else present >= needed


def answer_problem(state: MeetingState, before: Presence, answer: Presence, reason: str) -> str:
    """Why a body cannot say so whether it comes; empty when it can.

    Until the meeting ends, and until somebody has seen whether it came. Who does not come says why.
    """
    if state.value not in OPEN_STATES or before in SEEN:
        return "too_late"
    if answer not in ANSWERS:
        return "answer"
    return "no_excuse" if answer is Presence.DECLINED and not reason.strip() else ""


def seen_problem(
    state: MeetingState, seen: Presence, reason: str, *, doors: bool, confirmed: bool
) -> str:
    """Why it cannot be noted so whether a party came; empty when it can.

    From when the doors open until the minutes are confirmed. Who did not come did so for a reason,
    be it that none is known.
    """
    if confirmed:
        return "confirmed"
    if seen not in SEEN:
        return "answer"
    if not doors and state not in OVER:
        return "doors_closed"
    return "no_excuse" if seen is Presence.ABSENT and not reason.strip() else ""

"""How an installation is doing: rooms register what they watch, the system home shows it.

What is watched says what it is, how it stands, and what to do where something is to be done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a thing stands, from best to worst."""

    OK = "ok"
    ATTENTION = "attention"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is watched, in words. `advice` is empty where there is nothing to do."""

    key: str
    name: str
    value: str
    state: State = State.OK
    advice: str = ""


Watch = Callable[[], Sequence[Line]]
_watches: list[tuple[int, Watch]] = []
_ORDER = (State.BAD, State.ATTENTION, State.OK)


def watch(place: int) -> Callable[[Watch], Watch]:
    """Register a function that looks at something; `place` is where its lines stand."""

    def register(look: Watch) -> Watch:
        _watches.append((place, look))
        return look

    return register


def lines() -> list[Line]:
    """Everything that is watched: what is bad first, what needs attention next."""
    found = [line for _place, look in sorted(_watches, key=lambda w: w[0]) for line in look()]
    return sorted(found, key=lambda line: _ORDER.index(line.state))


def worst(found: Sequence[Line]) -> State:
    """The worst state among the lines; good when there are none."""
    return min((line.state for line in found), key=_ORDER.index, default=State.OK)

"""A retention run: what has been kept long enough goes, in batches, and each run leaves a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import current_app

from app.core import clock
from app.keeping import operations, queries
from app.keeping.fields import FIELDS
from app.keeping.rules import cutoffs, periods
from app.voting import operations as voting

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.actor import Actor

BATCH = 2000


@dataclass(frozen=True, slots=True)
class Erased:
    """A field, the moment before which things are over, and how many are or were erased."""

    field: str
    before: datetime
    number: int


def look() -> list[Erased]:
    """What a run would erase now; for openings, of how many polls. Nothing changes."""
    return [
        Erased(
            name,
            before,
            queries.rows_over(name, before) if name in FIELDS else len(queries.polls_over(before)),
        )
        for name, before in _cutoffs().items()
    ]


def run(actor: Actor) -> list[Erased]:
    """Erase what is over, field by field. Safe to run twice, and to be broken off."""
    erased = [
        Erased(name, before, _erase(actor, name, before)) for name, before in _cutoffs().items()
    ]
    operations.note_retention(actor, erased={one.field: one.number for one in erased})
    return erased


def _cutoffs() -> dict[str, datetime]:
    chosen = dict(current_app.config["SETTINGS"].retention)
    return cutoffs(clock.now(), periods(chosen))


def _erase(actor: Actor, field: str, before: datetime) -> int:
    if field not in FIELDS:
        return _erase_openings(actor, before)
    total = 0
    while erased := operations.erase_batch(actor, field=field, before=before, most=BATCH):
        total += erased
    return total


def _erase_openings(actor: Actor, before: datetime) -> int:
    polls = queries.polls_over(before)
    for poll in polls:
        voting.erase_openings(actor, community_id=poll.community_id, public_id=poll.public_id)
    return len(polls)


def summary(erased: list[Erased]) -> str:
    """The one line that the command line ends with."""
    return " ".join(f"{one.field}={one.number}" for one in erased)

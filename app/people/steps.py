"""What other rooms write about access, inside their own transactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from sqlalchemy import insert

from app.communities.steps import register_keeper
from app.core import clock
from app.people.models import HouseholdNotice, HouseholdNoticeKind, SecurityEvent

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.orm import Session


# Written with every ballot: plain rows, no objects.
_EVENT = cast("Table", SecurityEvent.__table__)
_NOTICE = cast("Table", HouseholdNotice.__table__)


@register_keeper
def security(
    session: Session,
    kind: str,
    *,
    community_id: int | None = None,
    person_id: int | None = None,
    **facts: str | int | None,
) -> None:
    """Note an act of access. Never a code, a phone, a token or a name."""
    session.execute(
        insert(_EVENT).values(
            at=clock.now(),
            kind=kind,
            community_id=community_id,
            person_id=person_id,
            facts=facts,
        )
    )


def tell_household(
    session: Session,
    community_id: int,
    household_id: int,
    kind: HouseholdNoticeKind,
    about: str = "",
) -> None:
    """Leave a line that every member of the household sees on entering."""
    session.execute(
        insert(_NOTICE).values(
            community_id=community_id,
            household_id=household_id,
            kind=kind,
            at=clock.now(),
            about=about[:200],
        )
    )


Errands = Callable[[int, int], list[str]]
_errands: list[Errands] = []


def register_errands(provider: Errands) -> Errands:
    """Make known who can say what waits for a household, as local addresses to go to."""
    _errands.append(provider)
    return provider


def errands(community_id: int, household_id: int) -> list[str]:
    """What waits for a household right now; empty when nothing does."""
    return _errands[-1](community_id, household_id) if _errands else []

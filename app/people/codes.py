"""Household codes on their way to letters: drawn first, in force only once the paper is made.

A code that was drawn and never put in force opens nothing, and the letter it was to replace stays
good: if the printing breaks off, nobody has lost anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import func, insert, select, update

from app.communities.models import Community
from app.communities.settings import number_of
from app.core import clock
from app.core.errors import RuleBroken
from app.people import secrets_box
from app.people.models import DeskConfirmation, HouseholdCode, HouseholdNoticeKind
from app.people.steps import tell_households

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

Item = TypeVar("Item")

# Far below what any database takes in one list of values.
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class CodeNow:
    """How a household's codes stand: how many it ever had, and whether the newest still works."""

    generation: int
    living: bool


@dataclass(frozen=True, slots=True)
class DrawnCode:
    """A code on its way to a letter. Nowhere else does it exist in clear.

    `shown_again` is a code of a demo city that is in force already.
    """

    household_id: int
    code: str
    generation: int
    shown_again: bool = False


NO_CODE = CodeNow(0, living=False)


def codes_now(session: Session, community_id: int) -> dict[int, CodeNow]:
    """How the codes of every household that ever had one stand now. A locked one still counts."""
    newest = (
        select(HouseholdCode.household_id, func.max(HouseholdCode.generation).label("generation"))
        .where(HouseholdCode.community_id == community_id)
        .group_by(HouseholdCode.household_id)
        .subquery()
    )
    rows = session.execute(
        select(
            HouseholdCode.household_id,
            HouseholdCode.generation,
            HouseholdCode.revoked_at,
            HouseholdCode.expires_at,
        )
        .join(
            newest,
            (newest.c.household_id == HouseholdCode.household_id)
            & (newest.c.generation == HouseholdCode.generation),
        )
        .where(HouseholdCode.community_id == community_id)
    )
    now = clock.now()
    return {
        row.household_id: CodeNow(row.generation, row.revoked_at is None and row.expires_at > now)
        for row in rows
    }


def locked_codes(session: Session, community_id: int) -> dict[int, CodeNow]:
    """The same, while nobody else issues or revokes codes of this community.

    Ballots go on: they only refer to the community, which this lock leaves alone.
    """
    session.execute(
        select(Community.id).where(Community.id == community_id).with_for_update(key_share=True)
    )
    return codes_now(session, community_id)


def draw(
    community_id: int, wanted: Iterable[int], now: Mapping[int, CodeNow], *, demo: bool
) -> list[DrawnCode]:
    """Codes for new letters, written nowhere yet."""
    drawn = []
    for household_id in wanted:
        generation = now.get(household_id, NO_CODE).generation + 1
        code = (
            secrets_box.demo_code(community_id, household_id, generation)
            if demo
            else secrets_box.new_code()
        )
        drawn.append(DrawnCode(household_id, code, generation))
    return drawn


def show_again(
    community_id: int, wanted: Iterable[int], now: Mapping[int, CodeNow]
) -> list[DrawnCode]:
    """The codes that demo households have already, worked out again."""
    return [
        DrawnCode(
            household_id,
            secrets_box.demo_code(community_id, household_id, now[household_id].generation),
            now[household_id].generation,
            shown_again=True,
        )
        for household_id in wanted
    ]


def put_in_force(session: Session, community_id: int, drawn: Sequence[DrawnCode]) -> int:
    """Make drawn codes the ones that count and tell whoever had one; gives how many were voided.

    Raises: RuleBroken codes.changed when somebody else made letters for one of them meanwhile.
    """
    before = locked_codes(session, community_id)
    fresh = [one for one in drawn if not one.shown_again]
    for one in drawn:
        known = before.get(one.household_id, NO_CODE).generation
        if one.generation != known + (not one.shown_again):
            raise RuleBroken("codes.changed")
    now = clock.now()
    lasts = timedelta(days=number_of(community_id, "code_valid_days"))
    had = [one.household_id for one in fresh if one.generation > 1]
    void(session, community_id, had, now)
    for some in _slices(fresh):
        session.execute(
            insert(HouseholdCode), [_values(community_id, one, now, lasts) for one in some]
        )
    tell_households(session, community_id, had, HouseholdNoticeKind.CODE_REISSUED)
    return sum(before.get(household_id, NO_CODE).living for household_id in had)


def _values(
    community_id: int, one: DrawnCode, now: datetime, lasts: timedelta
) -> dict[str, object]:
    return {
        "community_id": community_id,
        "household_id": one.household_id,
        "code_hash": secrets_box.hash_code(one.code),
        "generation": one.generation,
        "issued_at": now,
        "expires_at": now + lasts,
        "wrong_count": 0,
    }


def void(session: Session, community_id: int, household_ids: Sequence[int], now: datetime) -> None:
    """Make the codes of these households worth nothing."""
    for some in _slices(household_ids):
        session.execute(
            update(HouseholdCode)
            .where(
                HouseholdCode.community_id == community_id,
                HouseholdCode.household_id.in_(some),
                HouseholdCode.revoked_at.is_(None),
            )
            .values(revoked_at=now)
            .execution_options(synchronize_session=False)
        )


def _slices(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))


def void_desk_numbers(
    session: Session, community_id: int, household_id: int, now: datetime
) -> None:
    """Let no number serve any more that the desk gave to somebody of a household."""
    session.execute(
        update(DeskConfirmation)
        .where(
            DeskConfirmation.community_id == community_id,
            DeskConfirmation.household_id == household_id,
            DeskConfirmation.used_at.is_(None),
        )
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )

"""A letter's code and a second fact, judged: the same work and words for whatever is wrong.

Every function works inside the caller's transaction. Source: docs/rules.md, "Getting in".
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from app.communities.models import Household
from app.core import clock
from app.people import rules, secrets_box
from app.people.models import DeskConfirmation, HouseholdCode
from app.people.rules import CodeState, JoinedBy

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


class Entry(StrEnum):
    """How an attempt to get in ended. Only the first opens anything."""

    WELCOME = "welcome"
    REFUSED = "refused"
    EXPIRED = "expired"
    REVOKED = "revoked"
    FULL = "full"
    TOO_MANY = "too_many"


def code_row(session: Session, code: str) -> Any:
    return session.execute(
        select(
            HouseholdCode.id,
            HouseholdCode.community_id,
            HouseholdCode.household_id,
            HouseholdCode.revoked_at,
            HouseholdCode.locked_at,
            HouseholdCode.expires_at,
            Household.phones,
        )
        .join(Household, Household.id == HouseholdCode.household_id)
        .where(HouseholdCode.code_hash == secrets_box.hash_code(code))
        .with_for_update(of=HouseholdCode)
    ).first()


def judge(session: Session, found: Any, digits: str) -> tuple[Entry, JoinedBy | None]:
    """Unknown, wrong and locked do the same work and end alike; the rest needs both facts."""
    now = clock.now()
    fact = _second_fact(session, found, digits, now)
    right = fact is not None
    state = CodeState.NONE if found is None else _state(found, now)
    code_id = found.id if found is not None else 0
    wrong = state in {CodeState.NONE, CodeState.LOCKED} or not right
    _count_wrong(session, code_id, now, counts=wrong and not right)
    if wrong:
        return Entry.REFUSED, None
    if state is CodeState.VALID:
        return Entry.WELCOME, fact
    return (Entry.EXPIRED if state is CodeState.EXPIRED else Entry.REVOKED), None


def _state(found: Any, now: datetime) -> CodeState:
    return rules.code_state(
        revoked_at=found.revoked_at,
        locked_at=found.locked_at,
        expires_at=found.expires_at,
        now=now,
    )


def _second_fact(session: Session, found: Any, digits: str, now: datetime) -> JoinedBy | None:
    """Which second fact fits, if any. Both are looked at whichever it is."""
    community_id, household_id, phones = (
        (found.community_id, found.household_id, found.phones) if found is not None else (0, 0, "")
    )
    given = _given(community_id, household_id, digits, now)
    at_desk = session.scalar(select(DeskConfirmation.id).where(*given).with_for_update())
    if rules.is_phone_ending(digits, phones):
        return JoinedBy.LETTER
    return JoinedBy.DESK if at_desk is not None else None


def _given(community_id: int, household_id: int, digits: str, now: datetime) -> tuple[Any, ...]:
    """A number that the desk gave somebody of a household, and that still serves."""
    return (
        DeskConfirmation.community_id == community_id,
        DeskConfirmation.household_id == household_id,
        DeskConfirmation.number_hash == secrets_box.hash_number(community_id, household_id, digits),
        DeskConfirmation.used_at.is_(None),
        DeskConfirmation.expires_at > now,
    )


def use_up(session: Session, found: Any, digits: str) -> None:
    """Let the number that somebody just came in by serve no more.

    A try that leads nowhere uses none up: for a locked code or a full household the desk helps at
    once, and the number it gave is typed again. `judge` holds it, so of two at once one comes in.
    """
    now = clock.now()
    session.execute(
        update(DeskConfirmation)
        .where(*_given(found.community_id, found.household_id, digits, now))
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )


def _count_wrong(session: Session, code_id: int, now: datetime, *, counts: bool) -> None:
    """One statement for every try, so that a known code takes no longer than an unknown one."""
    step = 1 if counts else 0
    session.execute(
        update(HouseholdCode)
        .where(HouseholdCode.id == code_id)
        .values(wrong_count=HouseholdCode.wrong_count + step)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(HouseholdCode)
        .where(
            HouseholdCode.id == code_id,
            HouseholdCode.locked_at.is_(None),
            HouseholdCode.wrong_count >= rules.WRONG_FACTS_TO_LOCK,
        )
        .values(locked_at=now)
        .execution_options(synchronize_session=False)
    )

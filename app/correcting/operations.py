"""Asking for a correction, answering it, and putting an entry of the roll right.

Access and personal data: all of it goes to the security log and to the household, never into the
record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.communities.rows import hold_row, put_right
from app.communities.steps import owners_changed
from app.core import clock
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.times import in_record_language
from app.correcting import rules, words
from app.correcting.models import CorrectionRequest
from app.correcting.rules import State, What
from app.people.models import HouseholdNoticeKind, Membership
from app.people.steps import security, tell_household
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.communities.row_rules import RowChange
    from app.core.actor import Actor


def ask_correction(
    actor: Actor, *, community_id: int, household_id: int, what: What, text: str, once: str
) -> None:
    """Ask the desk to put right what the roll has wrong of one's household; it is told of it.

    The same form again asks once. Raises: NotFound for a household that is not the actor's;
    RuleBroken correction.*.
    """
    with transaction() as session:
        require(actor, Permission.CORRECTION_ASK, Place(community_id))
        if not actor.lives_in(community_id, household_id):
            raise NotFound("household")
        # Requests of one household are counted one after the other.
        hold_row(session, community_id, household_id)
        here = CorrectionRequest.community_id == community_id
        before = select(CorrectionRequest.id).where(here, CorrectionRequest.once == once)
        if session.scalar(before) is not None:
            return
        tidy = rules.check_request(
            text=text,
            waiting=_count(session, community_id, household_id),
            lately=_lately(session, actor.require_person()),
        )
        now = clock.now()
        session.add(
            CorrectionRequest(
                community_id=community_id,
                household_id=household_id,
                person_id=actor.require_person(),
                once=once,
                what=what,
                text=tidy,
                asked_at=now,
            )
        )
        told = HouseholdNoticeKind.CORRECTION_ASKED
        tell_household(session, community_id, household_id, told, _what(what), now)
        security(
            session,
            "correction.asked",
            community_id=community_id,
            person_id=actor.person_id,
            household=household_id,
            what=what.value,
        )


def _count(session: Session, community_id: int, household_id: int) -> int:
    waiting = select(func.count(CorrectionRequest.id)).where(
        CorrectionRequest.community_id == community_id,
        CorrectionRequest.household_id == household_id,
        CorrectionRequest.state == State.WAITING,
    )
    return session.scalar(waiting) or 0


def _lately(session: Session, person_id: int) -> int:
    mine = select(func.count(CorrectionRequest.id)).where(
        CorrectionRequest.person_id == person_id,
        CorrectionRequest.asked_at > clock.now() - rules.COUNTED_FOR,
    )
    return session.scalar(mine) or 0


def answer_correction(actor: Actor, *, community_id: int, correction_id: int, answer: str) -> None:
    """Say why the roll stays as it is; the household is told.

    Raises: NotFound; RuleBroken correction.*.
    """
    with transaction() as session:
        require(actor, Permission.ROLL_CORRECT, Place(community_id))
        asked = _held(session, community_id, correction_id)
        tidy = rules.check_answer(state=State(asked.state), answer=answer)
        _settle(session, asked, State.ANSWERED, tidy)
        _tell(session, asked, HouseholdNoticeKind.CORRECTION_ANSWERED)
        security(
            session,
            "correction.answered",
            community_id=community_id,
            person_id=actor.person_id,
            household=asked.household_id,
            correction=asked.id,
        )


def correct_roll(
    actor: Actor,
    *,
    community_id: int,
    household_id: int,
    change: RowChange,
    correction_id: int | None = None,
) -> None:
    """Put right what the roll has of a household, asked for or seen at the desk; it is told.

    The log names the fields, never a value. Raises: NotFound; RuleBroken row.same where the roll
    says so already, row.own_household, correction.answered_already.
    """
    with transaction() as session:
        require(actor, Permission.ROLL_CORRECT, Place(community_id))
        if actor.lives_in(community_id, household_id):
            raise RuleBroken("row.own_household")
        row = hold_row(session, community_id, household_id)
        asked = None
        if correction_id is not None:
            asked = _held(session, community_id, correction_id)
            if asked.household_id != household_id:
                raise NotFound("correction")
            rules.check_waits(State(asked.state))
        fields = put_right(row, change)
        if not fields:
            raise RuleBroken("row.same")
        if asked is not None:
            _settle(session, asked, State.CORRECTED, "")
        renamed = [household_id] if "owner_name" in fields else []
        owners_changed(session, community_id, renamed)
        with in_record_language():
            about = words.fields_text(fields)
        told = HouseholdNoticeKind.ROLL_CORRECTED
        tell_household(session, community_id, household_id, told, about)
        security(
            session,
            "roll.corrected",
            community_id=community_id,
            person_id=actor.person_id,
            household=household_id,
            fields=",".join(fields),
            correction=correction_id,
        )


def _held(session: Session, community_id: int, correction_id: int) -> CorrectionRequest:
    found = session.scalar(
        select(CorrectionRequest)
        .where(
            CorrectionRequest.community_id == community_id, CorrectionRequest.id == correction_id
        )
        .with_for_update()
    )
    if found is None:
        raise NotFound("correction")
    return found


def _settle(session: Session, asked: CorrectionRequest, state: State, answer: str) -> None:
    asked.state, asked.answer, asked.answered_at = state, answer, clock.now()
    session.flush()


def _tell(session: Session, asked: CorrectionRequest, kind: HouseholdNoticeKind) -> None:
    """Tell the household, unless whoever asked is of it no more: then it is another family's."""
    still_in = session.scalar(
        select(Membership.id).where(
            Membership.community_id == asked.community_id,
            Membership.household_id == asked.household_id,
            Membership.person_id == asked.person_id,
            Membership.ended_at.is_(None),
        )
    )
    if still_in is not None:
        about = _what(What(asked.what))
        tell_household(session, asked.community_id, asked.household_id, kind, about)


def _what(what: What) -> str:
    with in_record_language():
        return words.what_text(what)

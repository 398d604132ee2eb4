"""What this room forgets of a person who is erased, inside that transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core.erasures import forgets
from app.meetings.models import Meeting, Seat
from app.meetings.rules import OPEN_STATES, SeatState
from app.meetings.steps import hand_on

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.erasures import Leaver


@forgets("seat.person_id")
def forget(session: Session, leaver: Leaver) -> None:
    """Give back places still to come; that somebody came stays counted, without a person."""
    held = (
        select(Seat, Meeting)
        .join(
            Meeting, (Meeting.community_id == Seat.community_id) & (Meeting.id == Seat.meeting_id)
        )
        .where(Seat.person_id == leaver.person_id)
        .order_by(Meeting.id)
        .with_for_update()
    )
    for seat, meeting in session.execute(held).all():
        if seat.checked_in_at is not None:
            seat.person_id, seat.label = None, ""
            continue
        was_coming = seat.state == SeatState.COMING
        session.delete(seat)
        session.flush()
        if was_coming and meeting.state in OPEN_STATES:
            hand_on(session, meeting)
    session.flush()

"""Taking a place in a meeting, inside the caller's transaction, whoever typed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from app.core import clock
from app.core.errors import RuleBroken
from app.meetings import steps
from app.meetings.models import Meeting, Seat
from app.meetings.rules import OPEN_STATES, SeatState
from app.people.steps import security
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


@dataclass(frozen=True, slots=True)
class Joined:
    """The place somebody has; `again` when they had it before."""

    state: SeatState
    again: bool = False


def join(session: Session, actor: Actor, community_id: int, meeting_id: str) -> Joined:
    """Take a place, or one in the waiting list; asking again changes nothing.

    Raises: NotFound; NotAllowed; RuleBroken meeting.wrong_state; IntegrityError when the same
    person takes one at the same moment.
    """
    require(actor, Permission.MEETING_JOIN, Place(community_id))
    meeting = steps.hold(session, community_id, meeting_id)
    if meeting.state not in OPEN_STATES:
        raise RuleBroken("meeting.wrong_state", state=meeting.state)
    seat = seat_of(session, meeting, actor.require_person())
    if seat is not None and seat.state != SeatState.CANCELLED:
        return Joined(SeatState(seat.state), again=True)
    state = SeatState.COMING if take_place(session, meeting) else SeatState.WAITING
    line = next_in_line(session, meeting)
    if seat is None:
        session.add(new_seat(meeting, actor.require_person(), state, line))
    else:
        seat.state, seat.line, seat.asked_at = state.value, line, clock.now()
    security(
        session,
        "meeting.joined",
        community_id=community_id,
        person_id=actor.person_id,
        meeting=meeting.public_id,
    )
    return Joined(state)


def seat_of(session: Session, meeting: Meeting, person_id: int) -> Seat | None:
    """The place that somebody has or had in a meeting."""
    return session.scalar(
        select(Seat).where(
            Seat.community_id == meeting.community_id,
            Seat.meeting_id == meeting.id,
            Seat.person_id == person_id,
        )
    )


def take_place(session: Session, meeting: Meeting) -> bool:
    """Take one of the places if any is left; the condition decides, not what was read before."""
    taken = session.execute(
        update(Meeting)
        .where(Meeting.id == meeting.id, Meeting.taken < Meeting.capacity - Meeting.held)
        .values(taken=Meeting.taken + 1)
        .returning(Meeting.id)
        .execution_options(synchronize_session=False)
    ).first()
    return taken is not None


def next_in_line(session: Session, meeting: Meeting) -> int:
    """The next number in the order in which people asked."""
    row = session.execute(
        update(Meeting)
        .where(Meeting.id == meeting.id)
        .values(queue=Meeting.queue + 1)
        .returning(Meeting.queue)
        .execution_options(synchronize_session=False)
    ).one()
    return int(row.queue)


def new_seat(meeting: Meeting, person_id: int, state: SeatState, line: int) -> Seat:
    """A place as it is when somebody asks for it."""
    return Seat(
        community_id=meeting.community_id,
        meeting_id=meeting.id,
        person_id=person_id,
        label="",
        channel="phone",
        state=state.value,
        line=line,
        asked_at=clock.now(),
    )

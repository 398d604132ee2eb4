"""Coming, waiting, checking in, closing, minutes. Who comes is nobody's business but the desk's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core import record as records
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.record import Act, record
from app.meetings import joining, rules, steps
from app.meetings.models import Meeting, Seat
from app.meetings.rules import OPEN_STATES, AgeBand, MeetingState, SeatState
from app.people.steps import end_roles_of_meeting, security
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

CLOSED = records.register(
    "meeting.closed",
    {"meeting", "about", "present", "by_age"},
    meaning="how many people came; cells that would show somebody are null",
)
INQUORATE = records.register(
    "meeting.inquorate",
    {"meeting", "about", "present", "quorum"},
    meaning="a meeting ended with fewer people than its notice asked for: it decides nothing",
)
WRITTEN = records.register(
    "minutes.written", {"meeting", "about", "text_sha256"}, meaning="the minutes as written"
)
CONFIRMED = records.register(
    "minutes.confirmed",
    {"meeting", "about", "text_sha256"},
    meaning="a second person confirms the minutes",
)


def join_meeting(actor: Actor, *, community_id: int, meeting_id: str) -> SeatState:
    """Take a place, or one in the waiting list; asking again changes nothing.

    Raises: NotFound; RuleBroken meeting.wrong_state.
    """
    try:
        with transaction() as session:
            return joining.join(session, actor, community_id, meeting_id).state
    except IntegrityError:
        return _joined_before(actor, community_id, meeting_id)


def _meeting(session: Session, community_id: int, meeting_id: str) -> Meeting:
    return steps.hold(session, community_id, meeting_id)


def _joined_before(actor: Actor, community_id: int, meeting_id: str) -> SeatState:
    with transaction() as session:
        seat = joining.seat_of(
            session, _meeting(session, community_id, meeting_id), actor.require_person()
        )
        if seat is None:
            raise NotFound("seat")
        return SeatState(seat.state)


def leave_meeting(actor: Actor, *, community_id: int, meeting_id: str) -> None:
    """Give a place back; whoever has waited longest takes it at once and is told.

    Raises: NotFound; RuleBroken meeting.wrong_state once somebody was checked in.
    """
    with transaction() as session:
        require(actor, Permission.MEETING_JOIN, Place(community_id))
        meeting = _meeting(session, community_id, meeting_id)
        seat = joining.seat_of(session, meeting, actor.require_person())
        if seat is None or seat.state == SeatState.CANCELLED:
            return
        if seat.checked_in_at is not None or meeting.state not in OPEN_STATES:
            raise RuleBroken("meeting.wrong_state", state=meeting.state)
        was_coming = seat.state == SeatState.COMING
        seat.state = SeatState.CANCELLED.value
        if was_coming:
            steps.hand_on(session, meeting)
        _note(session, actor, meeting, "meeting.left")


def reserve_at_desk(
    actor: Actor, *, community_id: int, meeting_id: str, label: str, once: str | None = None
) -> None:
    """Give one of the held places to somebody without a phone; a form sent twice is one person.

    Raises: NotFound; RuleBroken meeting.no_label, meeting.held_full, meeting.wrong_state.
    """
    with transaction() as session:
        require(actor, Permission.MEETING_HOLD, Place(community_id, meeting=meeting_id))
        meeting = _meeting(session, community_id, meeting_id)
        if meeting.state not in OPEN_STATES:
            raise RuleBroken("meeting.wrong_state", state=meeting.state)
        if not label.strip():
            raise RuleBroken("meeting.no_label")
        if _entered_before(session, meeting, once):
            return
        taken = session.execute(
            update(Meeting)
            .where(Meeting.id == meeting.id, Meeting.held_taken < Meeting.held)
            .values(held_taken=Meeting.held_taken + 1)
            .returning(Meeting.id)
            .execution_options(synchronize_session=False)
        ).first()
        if taken is None:
            raise RuleBroken("meeting.held_full")
        seat = _desk_seat(meeting, label, joining.next_in_line(session, meeting))
        seat.once = once
        session.add(seat)
        _note(session, actor, meeting, "meeting.reserved")


def _entered_before(session: Session, meeting: Meeting, once: str | None) -> bool:
    """Whether the desk's form was already sent; two taps queue up at the meeting's row."""
    session.execute(select(Meeting.id).where(Meeting.id == meeting.id).with_for_update())
    found = session.scalar(
        select(Seat.id).where(
            Seat.community_id == meeting.community_id,
            Seat.meeting_id == meeting.id,
            Seat.once == once,
            Seat.once.is_not(None),
        )
    )
    return found is not None


def _desk_seat(meeting: Meeting, label: str, line: int) -> Seat:
    return Seat(
        community_id=meeting.community_id,
        meeting_id=meeting.id,
        person_id=None,
        label=label.strip()[:40],
        channel="desk",
        state=SeatState.COMING.value,
        line=line,
        asked_at=clock.now(),
    )


def check_in_at_door(
    actor: Actor, *, community_id: int, meeting_id: str, door_key: str, band: str
) -> bool:
    """Check oneself in by the QR at the door; False when one was in already.

    Who had no place comes in as a walk-in: the chair sees the room. Raises: NotFound also for a
    wrong key; RuleBroken meeting.doors_closed, meeting.band.
    """
    with transaction() as session:
        require(actor, Permission.MEETING_JOIN, Place(community_id))
        meeting = _meeting(session, community_id, meeting_id)
        if meeting.door_key != door_key:
            raise NotFound("meeting")
        _refuse_closed_doors(meeting)
        seat = joining.seat_of(session, meeting, actor.require_person())
        if seat is None:
            line = joining.next_in_line(session, meeting)
            seat = joining.new_seat(meeting, actor.require_person(), SeatState.COMING, line)
            seat.channel = "walk_in"
            session.add(seat)
        first_time = _check_in(seat, band)
        _note(session, actor, meeting, "meeting.checked_in")
        return first_time


def check_in_seat(
    actor: Actor, *, community_id: int, meeting_id: str, seat_id: int, band: str
) -> bool:
    """Check in somebody from the desk's list; False when they were in already.

    Raises: NotFound; RuleBroken meeting.doors_closed, meeting.band.
    """
    with transaction() as session:
        require(actor, Permission.MEETING_HOLD, Place(community_id, meeting=meeting_id))
        meeting = _meeting(session, community_id, meeting_id)
        _refuse_closed_doors(meeting)
        seat = session.scalar(
            select(Seat).where(
                Seat.community_id == community_id,
                Seat.meeting_id == meeting.id,
                Seat.id == seat_id,
            )
        )
        if seat is None:
            raise NotFound("seat")
        first_time = _check_in(seat, band)
        _note(session, actor, meeting, "meeting.checked_in_by_desk")
        return first_time


@dataclass(frozen=True, slots=True)
class WalkIn:
    """Somebody who simply came; `once` is the form's own mark."""

    label: str
    band: str
    once: str | None = None


def walk_in(actor: Actor, *, community_id: int, meeting_id: str, person: WalkIn) -> None:
    """Check in somebody who simply came. Raises: NotFound; RuleBroken meeting.*."""
    with transaction() as session:
        require(actor, Permission.MEETING_HOLD, Place(community_id, meeting=meeting_id))
        meeting = _meeting(session, community_id, meeting_id)
        _refuse_closed_doors(meeting)
        if _entered_before(session, meeting, person.once):
            return
        seat = _desk_seat(meeting, person.label, joining.next_in_line(session, meeting))
        seat.channel, seat.once = "walk_in", person.once
        session.add(seat)
        _check_in(seat, person.band)
        _note(session, actor, meeting, "meeting.walked_in")


def _refuse_closed_doors(meeting: Meeting) -> None:
    if not rules.doors_are_open(MeetingState(meeting.state), meeting.starts_at, clock.now()):
        raise RuleBroken("meeting.doors_closed", starts_at=meeting.starts_at)


def _check_in(seat: Seat, band: str) -> bool:
    if band not in set(AgeBand):
        raise RuleBroken("meeting.band")
    if seat.checked_in_at is not None:
        return False
    seat.checked_in_at, seat.band = clock.now(), band
    seat.state = SeatState.COMING.value
    return True


def close_meeting(
    actor: Actor, *, community_id: int, meeting_id: str, without_quorum: bool = False
) -> None:
    """End a meeting: how many came, by age, becomes an entry.

    With fewer people than its notice asked for it can end only as one that decides nothing, and
    `without_quorum` says that whoever ends it knows. Raises: NotFound; RuleBroken
    meeting.no_quorum, meeting.wrong_state.
    """
    with transaction() as session:
        require(actor, Permission.MEETING_END, Place(community_id, meeting=meeting_id))
        meeting = _meeting(session, community_id, meeting_id)
        if meeting.state != MeetingState.OPEN:
            raise RuleBroken("meeting.wrong_state", state=meeting.state)
        counts = _present_by_band(session, meeting)
        present = sum(counts.values())
        quorate = rules.quorum_met(present, meeting.quorum) is not False
        if not quorate and not without_quorum:
            raise RuleBroken("meeting.no_quorum", present=present, quorum=meeting.quorum)
        meeting.state, meeting.closed_at = MeetingState.CLOSED.value, clock.now()
        data = {
            "meeting": meeting.public_id,
            "about": meeting.subject,
            "present": present,
            "by_age": rules.bands_to_show(counts),
        }
        act = Act(CLOSED, f"meeting:{meeting.public_id}", data, acted_as=_acted_as(actor, meeting))
        record(session, actor, act, community_id)
        if not quorate:
            short = {key: data[key] for key in ("meeting", "about", "present")}
            short["quorum"] = meeting.quorum
            act = Act(INQUORATE, act.subject, short, acted_as=act.acted_as)
            record(session, actor, act, community_id)


def _present_by_band(session: Session, meeting: Meeting) -> dict[str, int]:
    rows = session.execute(
        select(Seat.band, func.count())
        .where(
            Seat.community_id == meeting.community_id,
            Seat.meeting_id == meeting.id,
            Seat.checked_in_at.is_not(None),
        )
        .group_by(Seat.band)
    )
    return {band: int(number) for band, number in rows}


def write_minutes(actor: Actor, *, community_id: int, meeting_id: str, text: str) -> None:
    """Write the minutes, during the meeting or after; each saving is an entry.

    Raises: NotFound; RuleBroken meeting.wrong_state, meeting.minutes_empty, meeting.confirmed.
    """
    with transaction() as session:
        require(actor, Permission.MINUTES_WRITE, Place(community_id, meeting=meeting_id))
        meeting = _meeting(session, community_id, meeting_id)
        if MeetingState(meeting.state) not in rules.HAVE_MINUTES:
            raise RuleBroken("meeting.wrong_state", state=meeting.state)
        if meeting.confirmed_at is not None:
            raise RuleBroken("meeting.confirmed")
        tidy = text.replace("\r", "").strip()
        if not tidy or len(tidy) > rules.LONGEST_MINUTES:
            raise RuleBroken("meeting.minutes_empty", most=rules.LONGEST_MINUTES)
        meeting.minutes_text, meeting.minutes_at = tidy, clock.now()
        meeting.minutes_by = actor.person_id
        _record_minutes(session, actor, meeting, WRITTEN)


def confirm_minutes(actor: Actor, *, community_id: int, meeting_id: str) -> None:
    """Confirm the minutes, as somebody other than who wrote them.

    Raises: NotFound; RuleBroken meeting.same_person for the writer, meeting.*.
    """
    with transaction() as session:
        require(actor, Permission.MINUTES_CONFIRM, Place(community_id, meeting=meeting_id))
        meeting = _meeting(session, community_id, meeting_id)
        if meeting.state not in rules.OVER or not meeting.minutes_text:
            raise RuleBroken("meeting.wrong_state", state=meeting.state)
        if meeting.confirmed_at is not None:
            raise RuleBroken("meeting.confirmed")
        if meeting.minutes_by == actor.person_id:
            raise RuleBroken("meeting.same_person")
        meeting.confirmed_by, meeting.confirmed_at = actor.person_id, clock.now()
        _record_minutes(session, actor, meeting, CONFIRMED)
        # Chair and recorder were for this meeting; it is over now.
        end_roles_of_meeting(session, community_id, meeting_id)


def _record_minutes(session: Session, actor: Actor, meeting: Meeting, kind: records.Kind) -> None:
    data = {
        "meeting": meeting.public_id,
        "about": meeting.subject,
        "text_sha256": hashlib.sha256(meeting.minutes_text.encode()).hexdigest(),
    }
    act = Act(kind, f"meeting:{meeting.public_id}", data, acted_as=_acted_as(actor, meeting))
    record(session, actor, act, meeting.community_id)


def _acted_as(actor: Actor, meeting: Meeting) -> str:
    """The capacity somebody acts in at a meeting: its chair's, its recorder's, or a wider one."""
    return actor.role_in(meeting.community_id, f"meeting:{meeting.public_id}").value


def _note(session: Session, actor: Actor, meeting: Meeting, kind: str) -> None:
    security(
        session,
        kind,
        community_id=meeting.community_id,
        person_id=actor.person_id,
        meeting=meeting.public_id,
    )

"""What meetings offer the rooms above, inside their transactions: to announce, open and put off."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from app.bodies.rules import body_called
from app.bodies.steps import listed
from app.core import canonical as c
from app.core import clock
from app.core import record as records
from app.core.errors import NotFound, RuleBroken
from app.core.record import Act, record
from app.meetings import rules
from app.meetings.models import AgendaItem, Meeting, MeetingParty, Seat
from app.meetings.rules import Change, MeetingState, Presence, SeatState
from app.people.models import PersonNoticeKind
from app.people.steps import end_roles_of_meeting, tell_people, tell_person

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.meetings.rules import Item

ANNOUNCED = records.register(
    "meeting.announced",
    {"meeting", "about", "starts_at", "agenda_sha256"},
    meaning="time, place and agenda of a meeting are published",
)
OPENED = records.register(
    "meeting.opened", {"meeting", "about"}, meaning="a meeting begins and people are checked in"
)
POSTPONED = records.register(
    "meeting.postponed",
    {"meeting", "about"},
    {"reason"},
    "a meeting cannot be held as announced",
)
ADJOURNED = records.register(
    "meeting.adjourned",
    {"meeting", "about", "present"},
    {"reason"},
    "a meeting that had begun is broken off; it is called again by a new notice",
)
ID_BYTES = 5


@dataclass(frozen=True, slots=True)
class NewMeeting:
    """Everything a notice says. A party that a listed body is called is that body."""

    subject: str
    title: str
    form: str
    place: str
    starts_at: datetime
    capacity: int
    held: int
    chair: str
    recorder: str
    items: tuple[Item, ...]
    materials: tuple[str, ...] = ()
    quorum: int | None = None
    notice_days: int = 0
    parties: tuple[str, ...] = ()


def announce(session: Session, actor: Actor, community_id: int, new: NewMeeting) -> Meeting:
    """Publish a meeting and its agenda. Raises: RuleBroken meeting.*."""
    now = clock.now()
    rules.check_places(new.capacity, new.held)
    rules.check_items(new.items)
    rules.check_notice(now, new.starts_at, new.notice_days)
    meeting = Meeting(
        community_id=community_id,
        public_id=c.crockford(secrets.token_bytes(ID_BYTES)).lower(),
        subject=new.subject,
        title=new.title,
        form=new.form,
        place=new.place,
        starts_at=new.starts_at.replace(microsecond=0),
        minutes=sum(item.minutes for item in new.items),
        capacity=new.capacity,
        held=new.held,
        quorum=new.quorum,
        chair=new.chair,
        recorder=new.recorder,
        materials=list(new.materials),
        door_key=secrets.token_hex(8),
        state=MeetingState.ANNOUNCED.value,
        announced_at=now,
    )
    session.add(meeting)
    session.flush()
    session.add_all(
        AgendaItem(
            community_id=community_id,
            meeting_id=meeting.id,
            position=position,
            title=item.title,
            speaker=item.speaker,
            minutes=item.minutes,
        )
        for position, item in enumerate(new.items)
    )
    _call_parties(session, meeting, new.parties)
    data = {
        "meeting": meeting.public_id,
        "about": meeting.subject,
        "starts_at": clock.to_record(meeting.starts_at),
        "agenda_sha256": agenda_hash(new),
    }
    record(session, actor, Act(ANNOUNCED, f"meeting:{meeting.public_id}", data), community_id)
    _ask_again(session, meeting)
    return meeting


def _call_parties(session: Session, meeting: Meeting, names: tuple[str, ...]) -> None:
    """Note who is due: each body that lines mean once, every other line as it stands."""
    lines = [line.strip()[: rules.LONGEST_PARTY] for line in names if line.strip()]
    known = listed(session, meeting.community_id) if lines else []
    meant = [(body_called(line, known), line) for line in lines]
    parties = dict.fromkeys((body, None if body else line) for body, line in meant)
    session.add_all(
        MeetingParty(
            community_id=meeting.community_id,
            meeting_id=meeting.id,
            body_id=body,
            label=label,
            presence=Presence.DUE.value,
        )
        for body, label in parties
    )


def _ask_again(session: Session, meeting: Meeting) -> None:
    """Tell who had a place in the meeting that was put off: a new date asks everybody anew."""
    before = session.scalar(
        select(Meeting)
        .where(
            Meeting.community_id == meeting.community_id,
            Meeting.subject == meeting.subject,
            Meeting.id < meeting.id,
        )
        .order_by(Meeting.id.desc())
        .limit(1)
    )
    if before is not None and before.state in {MeetingState.POSTPONED, MeetingState.ADJOURNED}:
        _tell(session, before, f"meeting:{meeting.public_id}", Change.ANEW)


def agenda_hash(new: NewMeeting) -> str:
    """What binds the published agenda: SHA-256 of the canonical JSON of what the notice says."""
    said = {
        "title": new.title,
        "place": new.place,
        "items": [[item.title, item.speaker, item.minutes] for item in new.items],
        "materials": list(new.materials),
    }
    return hashlib.sha256(c.canonical(said)).hexdigest()


def hold(session: Session, community_id: int, meeting_id: str) -> Meeting:
    """Lock a meeting for a change. Raises: NotFound."""
    mine = Meeting.community_id == community_id, Meeting.public_id == meeting_id
    meeting = session.scalar(select(Meeting).where(*mine).with_for_update())
    if meeting is None:
        raise NotFound("meeting")
    return meeting


def announced_before(session: Session, community_id: int, new: NewMeeting) -> str | None:
    """A meeting about the same thing at the same time, which a form sent twice would double.

    The caller holds a lock on what the meeting is about.
    """
    return session.scalar(
        select(Meeting.public_id).where(
            Meeting.community_id == community_id,
            Meeting.subject == new.subject,
            Meeting.starts_at == new.starts_at.replace(microsecond=0),
            Meeting.state == MeetingState.ANNOUNCED.value,
        )
    )


def newest_about(session: Session, community_id: int, subject: str) -> Meeting:
    """The latest meeting about a subject, locked. Raises: NotFound."""
    found = session.scalar(
        select(Meeting)
        .where(Meeting.community_id == community_id, Meeting.subject == subject)
        .order_by(Meeting.id.desc())
        .limit(1)
        .with_for_update()
    )
    if found is None:
        raise NotFound("meeting")
    return found


def begin(session: Session, actor: Actor, meeting: Meeting) -> None:
    """Open a meeting. Raises: RuleBroken meeting.wrong_state, meeting.too_early."""
    now = clock.now()
    if meeting.state != MeetingState.ANNOUNCED:
        raise RuleBroken("meeting.wrong_state", state=meeting.state)
    if not rules.doors_are_open(MeetingState(meeting.state), meeting.starts_at, now):
        raise RuleBroken("meeting.too_early", starts_at=meeting.starts_at)
    meeting.state, meeting.opened_at = MeetingState.OPEN.value, now
    data = {"meeting": meeting.public_id, "about": meeting.subject}
    act = Act(OPENED, f"meeting:{meeting.public_id}", data)
    record(session, actor, act, meeting.community_id)


def put_off(session: Session, actor: Actor, meeting: Meeting, reason: str) -> None:
    """Say that a meeting is not held as announced; everybody who wanted to come is told.

    Raises: RuleBroken meeting.wrong_state.
    """
    if meeting.state != MeetingState.ANNOUNCED:
        raise RuleBroken("meeting.wrong_state", state=meeting.state)
    meeting.state, meeting.reason = MeetingState.POSTPONED.value, reason
    data = {"meeting": meeting.public_id, "about": meeting.subject}
    act = Act(POSTPONED, f"meeting:{meeting.public_id}", data, {"reason": reason})
    record(session, actor, act, meeting.community_id)
    # It is called anew by another notice, and whoever chairs that one is asked anew.
    end_roles_of_meeting(session, meeting.community_id, meeting.public_id)
    _tell(session, meeting, f"meeting:{meeting.public_id}", Change.POSTPONED)


def break_off(session: Session, actor: Actor, meeting: Meeting, reason: str) -> None:
    """End a meeting without a result, whether it sits or is still to come; its doors close.

    One that has ended already stays as it is. Everybody with a place is told.
    """
    if meeting.state == MeetingState.ANNOUNCED:
        put_off(session, actor, meeting, reason)
        return
    if meeting.state != MeetingState.OPEN:
        return
    meeting.state, meeting.reason = MeetingState.ADJOURNED.value, reason
    meeting.closed_at = clock.now()
    about = f"meeting:{meeting.public_id}"
    data = {
        "meeting": meeting.public_id,
        "about": meeting.subject,
        "present": _present(session, meeting),
    }
    record(session, actor, Act(ADJOURNED, about, data, {"reason": reason}), meeting.community_id)
    _tell(session, meeting, about, Change.ADJOURNED)


def _present(session: Session, meeting: Meeting) -> int:
    mine = Seat.community_id == meeting.community_id, Seat.meeting_id == meeting.id
    came = select(func.count()).select_from(Seat).where(*mine, Seat.checked_in_at.is_not(None))
    return session.scalar(came) or 0


def hand_on(session: Session, meeting: Meeting) -> None:
    """Give a freed place to the first in line, or back to the meeting."""
    first = session.scalar(
        select(Seat)
        .where(
            Seat.community_id == meeting.community_id,
            Seat.meeting_id == meeting.id,
            Seat.state == SeatState.WAITING.value,
        )
        .order_by(Seat.line)
        .limit(1)
    )
    if first is None:
        session.execute(
            update(Meeting)
            .where(Meeting.id == meeting.id)
            .values(taken=Meeting.taken - 1)
            .execution_options(synchronize_session=False)
        )
        return
    first.state = SeatState.COMING.value
    if first.person_id is not None:
        about = f"meeting:{meeting.public_id}"
        kind = PersonNoticeKind.MEETING_PLACE
        tell_person(session, meeting.community_id, first.person_id, kind, about)


def is_quorate(session: Session, meeting: Meeting) -> bool:
    """Whether as many came as the notice asked for; so it is where it asked for nobody."""
    return rules.quorum_met(_present(session, meeting), meeting.quorum) is not False


def _tell(session: Session, meeting: Meeting, about: str, change: Change) -> None:
    """Tell everybody with a place in a meeting what changed."""
    people = session.scalars(
        select(Seat.person_id).where(
            Seat.community_id == meeting.community_id,
            Seat.meeting_id == meeting.id,
            Seat.state != SeatState.CANCELLED.value,
            Seat.person_id.is_not(None),
        )
    ).all()
    told = sorted({person for person in people if person is not None})
    if told:
        kind = PersonNoticeKind.MEETING_CHANGED
        tell_people(session, meeting.community_id, told, kind, about, change.value)

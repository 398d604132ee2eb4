"""Reads of meetings, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.bodies.models import Body
from app.core import clock
from app.core.actor import Role
from app.core.db import db
from app.core.errors import NotFound
from app.meetings.models import AgendaItem, Meeting, MeetingParty, Seat
from app.meetings.rules import (
    REPRESENTATIVES_MEETING,
    Item,
    MeetingState,
    Presence,
    SeatState,
    bands_to_show,
    ends_at,
    quorum_met,
)
from app.people.models import RoleGrant
from app.people.steps import Correction, corrections_of_thing, role_is_living

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True)
class MeetingView:
    """A meeting as pages show it. `minutes_text` is public once it is confirmed."""

    public_id: str
    subject: str
    title: str
    form: str
    place: str
    starts_at: datetime
    minutes: int
    capacity: int
    held: int
    taken: int
    held_taken: int
    waiting: int
    present: int
    quorum: int | None
    chair: str
    recorder: str
    materials: tuple[str, ...]
    items: tuple[Item, ...]
    state: MeetingState
    announced_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None
    minutes_text: str
    minutes_at: datetime | None
    minutes_by: int | None
    confirmed_at: datetime | None
    reason: str

    @property
    def free(self) -> int:
        """Places that can still be had by phone."""
        return self.capacity - self.held - self.taken

    @property
    def ends_at(self) -> datetime:
        """When it ends by its agenda."""
        return ends_at(self.starts_at, self.minutes)

    @property
    def quorum_met(self) -> bool | None:
        """Whether enough people are here; None where nothing is required."""
        return quorum_met(self.present, self.quorum)


@dataclass(frozen=True, slots=True)
class SeatLine:
    """A line of the desk's list."""

    id: int
    label: str
    channel: str
    state: SeatState
    line: int
    checked_in_at: datetime | None
    person_id: int | None


def meeting(community_id: int, meeting_id: str) -> MeetingView:
    """One meeting. Raises: NotFound."""
    found = _views(Meeting.community_id == community_id, Meeting.public_id == meeting_id)
    if not found:
        raise NotFound("meeting")
    return found[0]


def meetings_about(community_id: int, subject: str) -> list[MeetingView]:
    """Every meeting about a subject, the earliest first."""
    return _views(Meeting.community_id == community_id, Meeting.subject == subject)


def coming_about(community_id: int, subjects: Collection[str]) -> dict[str, MeetingView]:
    """The next meeting announced about each of these subjects; one going on now counts."""
    coming = [MeetingState.ANNOUNCED.value, MeetingState.OPEN.value]
    mine = Meeting.community_id == community_id, Meeting.subject.in_(subjects)
    found: dict[str, MeetingView] = {}
    now = clock.now()
    for one in _views(*mine, Meeting.state.in_(coming)):
        # One that nobody opened on its day is not to come any more.
        if one.state is MeetingState.OPEN or one.ends_at > now:
            found.setdefault(one.subject, one)
    return found


def corrected(community_id: int, meeting: MeetingView) -> list[Correction]:
    """What was corrected about a meeting's subject since its notice; that one knew the rest."""
    found = corrections_of_thing(community_id, meeting.subject)
    return [one for one in found if one.at > meeting.announced_at]


def called_anew(community_id: int, before: MeetingView) -> MeetingView | None:
    """The meeting that was called in the place of one put off or broken off; None until it is."""
    mine = Meeting.community_id == community_id, Meeting.public_id == before.public_id
    this = select(Meeting.id).where(*mine).scalar_subquery()
    later = Meeting.subject == before.subject, Meeting.id > this
    found = _views(Meeting.community_id == community_id, *later)
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class OwnSeat:
    """A place somebody asked for, as that person sees it."""

    meeting_id: str
    title: str
    starts_at: datetime
    state: SeatState
    asked_at: datetime
    checked_in_at: datetime | None
    band: str


def seats_of(community_id: int, person_id: int) -> list[OwnSeat]:
    """Every place one person asked for here, the newest first."""
    rows = db.session.execute(
        select(
            Meeting.public_id,
            Meeting.title,
            Meeting.starts_at,
            Seat.state,
            Seat.asked_at,
            Seat.checked_in_at,
            Seat.band,
        )
        .join(
            Meeting,
            (Meeting.community_id == Seat.community_id) & (Meeting.id == Seat.meeting_id),
        )
        .where(Seat.community_id == community_id, Seat.person_id == person_id)
        .order_by(Seat.id.desc())
    )
    return [
        OwnSeat(*row[:3], SeatState(row.state), row.asked_at, row.checked_in_at, row.band)
        for row in rows
    ]


def came_before(community_id: int, meeting: MeetingView, person_id: int) -> bool:
    """Whether somebody had a place in an earlier meeting about the same, put off or broken off."""
    over = [MeetingState.POSTPONED.value, MeetingState.ADJOURNED.value]
    mine = Meeting.community_id == community_id, Meeting.public_id == meeting.public_id
    this = select(Meeting.id).where(*mine).scalar_subquery()
    found = db.session.scalar(
        select(Seat.id)
        .join(Meeting, Meeting.id == Seat.meeting_id)
        .where(
            Seat.community_id == community_id,
            Seat.person_id == person_id,
            Seat.state != SeatState.CANCELLED.value,
            Meeting.subject == meeting.subject,
            Meeting.id < this,
            Meeting.state.in_(over),
        )
        .limit(1)
    )
    return found is not None


def meetings_of(community_id: int) -> list[MeetingView]:
    """Every meeting of a community, the earliest first."""
    return _views(Meeting.community_id == community_id)


def my_seat(community_id: int, meeting_id: str, person_id: int) -> SeatLine | None:
    """The reader's own seat, if they asked for one."""
    row = db.session.scalar(
        select(Seat)
        .join(Meeting, Meeting.id == Seat.meeting_id)
        .where(
            Seat.community_id == community_id,
            Meeting.public_id == meeting_id,
            Seat.person_id == person_id,
        )
    )
    return _line(row) if row is not None else None


@dataclass(frozen=True, slots=True)
class MySitting:
    """A meeting at which somebody has a place."""

    public_id: str
    title: str
    place: str
    starts_at: datetime


def my_meetings(community_id: int, person_id: int, now: datetime) -> list[MySitting]:
    """Today's meetings at which a person has a place, until they are over, the earliest first."""
    begins, ends = clock.bounds_of_day(clock.day_of(now))
    rows = db.session.execute(
        select(
            Meeting.public_id,
            Meeting.title,
            Meeting.place,
            Meeting.starts_at,
            Meeting.minutes,
            Meeting.state,
        )
        .join(Seat, (Seat.community_id == Meeting.community_id) & (Seat.meeting_id == Meeting.id))
        .where(
            Meeting.community_id == community_id,
            Meeting.state.in_([MeetingState.ANNOUNCED.value, MeetingState.OPEN.value]),
            Meeting.starts_at >= begins,
            Meeting.starts_at < ends,
            Seat.person_id == person_id,
            Seat.state == SeatState.COMING.value,
        )
        .order_by(Meeting.starts_at, Meeting.id)
    )
    return [
        MySitting(row.public_id, row.title, row.place, row.starts_at)
        for row in rows
        if row.state == MeetingState.OPEN or now < ends_at(row.starts_at, row.minutes)
    ]


def place_in_line(community_id: int, meeting_id: str, line: int) -> int:
    """How many wait up to and with this number of the line."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Seat)
            .join(Meeting, Meeting.id == Seat.meeting_id)
            .where(
                Seat.community_id == community_id,
                Meeting.public_id == meeting_id,
                Seat.state == SeatState.WAITING.value,
                Seat.line <= line,
            )
        )
        or 0
    )


def seats(community_id: int, meeting_id: str) -> list[SeatLine]:
    """Everybody who comes or waits, for the desk: who is still to check in first, as they asked."""
    rows = db.session.scalars(
        select(Seat)
        .join(Meeting, Meeting.id == Seat.meeting_id)
        .where(
            Seat.community_id == community_id,
            Meeting.public_id == meeting_id,
            Seat.state != SeatState.CANCELLED.value,
        )
        .order_by(Seat.checked_in_at.is_not(None), Seat.line)
    )
    return [_line(row) for row in rows]


@dataclass(frozen=True, slots=True)
class RepresentativesDue:
    """How many representatives are to come to their meeting, and how many of them came."""

    due: int
    present: int


def representatives_due(community_id: int, meeting: MeetingView) -> RepresentativesDue | None:
    """The representatives of whom a meeting is; None for a meeting of anybody else's.

    Due is whoever is one when it begins, and until then whoever is one now.
    """
    if meeting.form != REPRESENTATIVES_MEETING:
        return None
    moment = min(clock.now(), meeting.starts_at)
    due = set(
        db.session.scalars(
            select(RoleGrant.person_id).where(
                RoleGrant.community_id == community_id,
                RoleGrant.role == Role.REPRESENTATIVE.value,
                role_is_living(moment),
            )
        )
    )
    came = select(func.count(Seat.id)).join(Meeting, Meeting.id == Seat.meeting_id)
    mine = (
        Seat.community_id == community_id,
        Meeting.public_id == meeting.public_id,
        Seat.checked_in_at.is_not(None),
        Seat.person_id.in_(due),
    )
    return RepresentativesDue(len(due), db.session.scalar(came.where(*mine)) or 0)


def meetings_of_representatives(community_id: int) -> list[MeetingView]:
    """Every meeting of the representatives, the newest first."""
    mine = Meeting.community_id == community_id, Meeting.form == REPRESENTATIVES_MEETING
    return _views(*mine)[::-1]


@dataclass(frozen=True, slots=True)
class PartyView:
    """A party that is due, by the body's name or as the notice names it; `kind` is a body's."""

    id: int
    name: str
    body_id: str
    kind: str
    presence: Presence
    reason: str


def parties(community_id: int, meeting_id: str) -> list[PartyView]:
    """Who is due at a meeting, as they were called."""
    rows = db.session.execute(
        select(MeetingParty, Body)
        .join(
            Meeting,
            (Meeting.community_id == MeetingParty.community_id)
            & (Meeting.id == MeetingParty.meeting_id),
        )
        .outerjoin(
            Body,
            (Body.community_id == MeetingParty.community_id) & (Body.id == MeetingParty.body_id),
        )
        .where(MeetingParty.community_id == community_id, Meeting.public_id == meeting_id)
        .order_by(MeetingParty.id)
    )
    return [
        PartyView(
            party.id,
            body.name if body else party.label or "",
            body.public_id if body else "",
            body.kind if body else "",
            Presence(party.presence),
            party.reason,
        )
        for party, body in rows
    ]


def attendance(community_id: int, meeting_id: str) -> dict[str, int | None]:
    """How many came, by age band; cells that would show somebody are None."""
    rows = db.session.execute(
        select(Seat.band, func.count())
        .join(Meeting, Meeting.id == Seat.meeting_id)
        .where(
            Seat.community_id == community_id,
            Meeting.public_id == meeting_id,
            Seat.checked_in_at.is_not(None),
        )
        .group_by(Seat.band)
    )
    return bands_to_show({band: int(number) for band, number in rows})


def door_key(community_id: int, meeting_id: str) -> str:
    """What the QR at the door carries: for the desk. Raises: NotFound."""
    key = db.session.scalar(
        select(Meeting.door_key).where(
            Meeting.community_id == community_id, Meeting.public_id == meeting_id
        )
    )
    if key is None:
        raise NotFound("meeting")
    return key


def _line(row: Seat) -> SeatLine:
    return SeatLine(
        row.id,
        row.label,
        row.channel,
        SeatState(row.state),
        row.line,
        row.checked_in_at,
        row.person_id,
    )


def _views(*conditions: ColumnElement[bool]) -> list[MeetingView]:
    rows = db.session.scalars(
        select(Meeting).where(*conditions).order_by(Meeting.starts_at, Meeting.id)
    ).all()
    if not rows:
        return []
    # Keys begin with the community: without it, these would read every community's seats.
    places, ids = {row.community_id for row in rows}, [row.id for row in rows]
    items = _items(AgendaItem.community_id.in_(places), AgendaItem.meeting_id.in_(ids))
    seats = Seat.community_id.in_(places), Seat.meeting_id.in_(ids)
    waiting = _counts(*seats, Seat.state == SeatState.WAITING.value)
    present = _counts(*seats, Seat.checked_in_at.is_not(None))
    return [
        _view(row, items.get(row.id, ()), waiting.get(row.id, 0), present.get(row.id, 0))
        for row in rows
    ]


def _items(*conditions: ColumnElement[bool]) -> dict[int, tuple[Item, ...]]:
    rows = db.session.scalars(select(AgendaItem).where(*conditions).order_by(AgendaItem.position))
    found: dict[int, tuple[Item, ...]] = {}
    for row in rows:
        item = Item(row.title, row.speaker, row.minutes)
        found[row.meeting_id] = (*found.get(row.meeting_id, ()), item)
    return found


def _counts(*conditions: ColumnElement[bool]) -> dict[int, int]:
    rows = db.session.execute(
        select(Seat.meeting_id, func.count()).where(*conditions).group_by(Seat.meeting_id)
    )
    return {meeting_id: int(number) for meeting_id, number in rows}


_SAME = (
    *("public_id", "subject", "title", "form", "place", "starts_at", "minutes", "capacity", "held"),
    *("taken", "held_taken", "quorum", "chair", "recorder", "announced_at", "opened_at"),
    *("closed_at", "minutes_text", "minutes_at", "minutes_by", "confirmed_at", "reason"),
)


def _view(row: Meeting, items: tuple[Item, ...], waiting: int, present: int) -> MeetingView:
    return MeetingView(
        **{name: getattr(row, name) for name in _SAME},
        materials=tuple(row.materials),
        items=items,
        waiting=waiting,
        present=present,
        state=MeetingState(row.state),
    )

"""Meetings, their agendas, and the people who come."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Meeting(Base):
    """A gathering about a subject. `held` of the places are the desk's, for people without a phone.

    `taken` and `held_taken` count places given; the checks keep them from ever passing what there
    is, whatever Python believes. `door_key` is what the QR at the door carries.
    `reason` is why it was put off or broken off.
    """

    __tablename__ = "meeting"
    __table_args__ = (
        UniqueConstraint("community_id", "public_id"),
        UniqueConstraint("community_id", "id"),
        Index("ix_meeting_subject", "community_id", "subject"),
        CheckConstraint("taken >= 0 AND taken <= capacity - held", name="never_oversold"),
        CheckConstraint("held_taken >= 0 AND held_taken <= held", name="held_never_oversold"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    public_id: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(String(200))
    form: Mapped[str] = mapped_column(String(40))
    place: Mapped[str] = mapped_column(String(200))
    starts_at: Mapped[datetime]
    minutes: Mapped[int]
    capacity: Mapped[int]
    held: Mapped[int]
    quorum: Mapped[int | None]
    chair: Mapped[str] = mapped_column(String(80))
    recorder: Mapped[str] = mapped_column(String(80))
    materials: Mapped[list[Any]]
    door_key: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(20))
    announced_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text, default="")
    taken: Mapped[int] = mapped_column(default=0)
    held_taken: Mapped[int] = mapped_column(default=0)
    queue: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime | None] = mapped_column(default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    minutes_text: Mapped[str] = mapped_column(Text, default="")
    minutes_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)
    minutes_at: Mapped[datetime | None] = mapped_column(default=None)
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None)


class AgendaItem(Base):
    """One item of a meeting's agenda."""

    __tablename__ = "agenda_item"
    __table_args__ = (
        UniqueConstraint("community_id", "meeting_id", "position"),
        ForeignKeyConstraint(
            ["community_id", "meeting_id"],
            ["meeting.community_id", "meeting.id"],
            name="fk_agenda_item_meeting",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    meeting_id: Mapped[int]
    position: Mapped[int]
    title: Mapped[str] = mapped_column(String(200))
    speaker: Mapped[str] = mapped_column(String(80))
    minutes: Mapped[int]


class MeetingParty(Base):
    """A party that is due at a meeting: a body, or by its `label` persons as a notice names them.

    `reason` is why it does not come, or did not; it is public.
    """

    __tablename__ = "meeting_party"
    __table_args__ = (
        UniqueConstraint("community_id", "meeting_id", "body_id"),
        UniqueConstraint("community_id", "meeting_id", "label"),
        CheckConstraint("(body_id IS NULL) <> (label IS NULL)", name="body_or_label"),
        ForeignKeyConstraint(
            ["community_id", "meeting_id"],
            ["meeting.community_id", "meeting.id"],
            name="fk_meeting_party_meeting",
        ),
        ForeignKeyConstraint(
            ["community_id", "body_id"],
            ["body.community_id", "body.id"],
            name="fk_meeting_party_body",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    meeting_id: Mapped[int]
    body_id: Mapped[int | None]
    label: Mapped[str | None] = mapped_column(String(200))
    presence: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(Text, default="")
    said_at: Mapped[datetime | None] = mapped_column(default=None)


class Seat(Base):
    """Somebody who comes, waits, or came. Without a person: somebody the desk entered.

    `label` is what the desk calls them; nobody else sees it. `line` is the order of asking. `once`
    is the desk's form's own mark, so that a double tap is one person.
    """

    __tablename__ = "seat"
    __table_args__ = (
        UniqueConstraint("community_id", "meeting_id", "person_id"),
        Index("ix_seat_line", "community_id", "meeting_id", "state", "line"),
        Index("ix_seat_once", "community_id", "meeting_id", "once", unique=True),
        ForeignKeyConstraint(
            ["community_id", "meeting_id"],
            ["meeting.community_id", "meeting.id"],
            name="fk_seat_meeting",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    meeting_id: Mapped[int]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    label: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(20))
    line: Mapped[int]
    asked_at: Mapped[datetime]
    checked_in_at: Mapped[datetime | None] = mapped_column(default=None)
    band: Mapped[str] = mapped_column(String(10), default="")
    once: Mapped[str | None] = mapped_column(String(40), default=None)

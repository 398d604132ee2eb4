"""Topics, their photos, their moves, and what was corrected."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Topic(Base):
    """Something to be talked over, from the proposal to the archive.

    The originals are what was sent; `title` and `background` are what readers see: numbers of
    persons are covered, and what screening covered by hand.
    """

    __tablename__ = "topic"
    __table_args__ = (
        UniqueConstraint("community_id", "public_id"),
        UniqueConstraint("community_id", "id"),
        UniqueConstraint("community_id", "person_id", "once"),
        Index("ix_topic_state", "community_id", "state"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    public_id: Mapped[str] = mapped_column(String(20))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    proposed_as: Mapped[str] = mapped_column(String(80))
    once: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(120))
    background: Mapped[str] = mapped_column(Text)
    original_title: Mapped[str] = mapped_column(String(120), default="")
    original_background: Mapped[str] = mapped_column(Text, default="")
    question: Mapped[str] = mapped_column(Text, default="")
    parties: Mapped[str] = mapped_column(Text, default="")
    legal_note: Mapped[str] = mapped_column(Text, default="")
    form: Mapped[str] = mapped_column(String(40), default="")
    state: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    moved_at: Mapped[datetime]
    merged_into: Mapped[str] = mapped_column(String(20), default="")
    opinion: Mapped[str] = mapped_column(Text, default="")
    dissent: Mapped[str] = mapped_column(Text, default="")
    published_at: Mapped[datetime | None] = mapped_column(default=None)
    publication_until: Mapped[datetime | None] = mapped_column(default=None)
    task_owner: Mapped[str] = mapped_column(String(120), default="")
    cover_reason: Mapped[str] = mapped_column(String(30), default="")
    task_due: Mapped[datetime | None] = mapped_column(default=None)


class TopicPhoto(Base):
    """A photo that came with a proposal."""

    __tablename__ = "topic_photo"
    __table_args__ = (
        UniqueConstraint("community_id", "topic_id", "position"),
        ForeignKeyConstraint(
            ["community_id", "topic_id"],
            ["topic.community_id", "topic.id"],
            name="fk_topic_photo_topic",
        ),
        ForeignKeyConstraint(
            ["community_id", "attachment_id"],
            ["attachment.community_id", "attachment.id"],
            name="fk_topic_photo_attachment",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    topic_id: Mapped[int]
    position: Mapped[int]
    attachment_id: Mapped[int]
    hidden: Mapped[bool] = mapped_column(default=False)


class TopicOutcome(Base):
    """What a vote on a topic came to: a meeting's numbers, or a poll; never changed.

    Of a meeting `base` is who was due, `held_on` its day; of a poll `base` is the electorate. Of
    the owners the numbers are heads, and `areas_c` the same three in 0.01 m².
    """

    __tablename__ = "topic_outcome"
    __table_args__ = (
        ForeignKeyConstraint(
            ["community_id", "topic_id"],
            ["topic.community_id", "topic.id"],
            name="fk_topic_outcome_topic",
        ),
        UniqueConstraint("community_id", "topic_id"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    topic_id: Mapped[int]
    body: Mapped[str] = mapped_column(String(30))
    verdict: Mapped[str] = mapped_column(String(20))
    base: Mapped[int]
    representatives: Mapped[int]
    present: Mapped[int]
    in_favour: Mapped[int]
    poll: Mapped[str] = mapped_column(String(80))
    matter: Mapped[str] = mapped_column(String(10))
    areas_c: Mapped[list[Any]]
    held_on: Mapped[datetime]
    at: Mapped[datetime]


class TopicMove(Base):
    """One move of a topic, with the words that explain it; never changed."""

    __tablename__ = "topic_move"
    __table_args__ = (
        ForeignKeyConstraint(
            ["community_id", "topic_id"],
            ["topic.community_id", "topic.id"],
            name="fk_topic_move_topic",
        ),
        Index("ix_topic_move_topic", "community_id", "topic_id"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    topic_id: Mapped[int]
    from_state: Mapped[str] = mapped_column(String(20))
    to_state: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class TopicCorrection(Base):
    """What was wrong in something published, and what is right; both stay to be seen."""

    __tablename__ = "topic_correction"
    __table_args__ = (
        ForeignKeyConstraint(
            ["community_id", "topic_id"],
            ["topic.community_id", "topic.id"],
            name="fk_topic_correction_topic",
        ),
        Index("ix_topic_correction_topic", "community_id", "topic_id"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    topic_id: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]

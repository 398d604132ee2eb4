"""Topics lifted to a subdistrict, shared by several communities, and what residents write there."""

from datetime import datetime

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


class SharedTopic(Base):
    """A topic of a subdistrict; it belongs to the place above, not to any community."""

    __tablename__ = "shared_topic"
    __table_args__ = (UniqueConstraint("jurisdiction_id", "public_id"),)

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.id"))
    public_id: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(120))
    background: Mapped[str] = mapped_column(Text)
    question: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    opened_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(Text, default="")
    published_at: Mapped[datetime | None] = mapped_column(default=None)
    publication_until: Mapped[datetime | None] = mapped_column(default=None)


class SharedIn(Base):
    """A community that shares a topic. Without this row nobody there can write on it."""

    __tablename__ = "shared_in"
    __table_args__ = (UniqueConstraint("community_id", "shared_id"),)

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    shared_id: Mapped[int] = mapped_column(ForeignKey("shared_topic.id"), index=True)


class LiftedTopic(Base):
    """A community's topic that was lifted, once; and what the subdistrict did with it."""

    __tablename__ = "lifted_topic"
    __table_args__ = (
        UniqueConstraint("community_id", "topic_id"),
        UniqueConstraint("community_id", "public_id"),
        ForeignKeyConstraint(
            ["community_id", "topic_id"],
            ["topic.community_id", "topic.id"],
            name="fk_lifted_topic_topic",
        ),
        ForeignKeyConstraint(
            ["community_id", "shared_id"],
            ["shared_in.community_id", "shared_in.shared_id"],
            name="fk_lifted_topic_shared_in",
        ),
        CheckConstraint("(state = 'shared') = (shared_id IS NOT NULL)", name="shared_when"),
        Index("ix_lifted_topic_area", "jurisdiction_id", "state"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.id"))
    public_id: Mapped[str] = mapped_column(String(20))
    topic_id: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    lifted_at: Mapped[datetime]
    shared_id: Mapped[int | None] = mapped_column(default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)


class SharedOpinion(Base):
    """What a resident of a sharing community wrote. `text` is what readers see, never a name.

    With `body_id` it was said in the name of that body of the same community.
    """

    __tablename__ = "shared_opinion"
    __table_args__ = (
        UniqueConstraint("community_id", "public_id"),
        UniqueConstraint("community_id", "person_id", "once"),
        ForeignKeyConstraint(
            ["community_id", "shared_id"],
            ["shared_in.community_id", "shared_in.shared_id"],
            name="fk_shared_opinion_shared_in",
        ),
        ForeignKeyConstraint(
            ["community_id", "body_id"],
            ["body.community_id", "body.id"],
            name="fk_shared_opinion_body",
        ),
        Index("ix_shared_opinion_shared", "shared_id", "state"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    shared_id: Mapped[int]
    public_id: Mapped[str] = mapped_column(String(20))
    # Empty once its author was erased.
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    once: Mapped[str] = mapped_column(String(40))
    original: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    submitted_at: Mapped[datetime]
    moderated_at: Mapped[datetime | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(String(30), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    disposition: Mapped[str] = mapped_column(String(20), default="")
    disposition_why: Mapped[str] = mapped_column(Text, default="")
    disposed_at: Mapped[datetime | None] = mapped_column(default=None)
    moderated_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)
    appeal: Mapped[str] = mapped_column(Text, default="")
    appealed_at: Mapped[datetime | None] = mapped_column(default=None)
    appeal_answer: Mapped[str] = mapped_column(Text, default="")
    appeal_answered_at: Mapped[datetime | None] = mapped_column(default=None)
    body_id: Mapped[int | None] = mapped_column(default=None)

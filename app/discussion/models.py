"""What people wrote, and everything that moderation did with it."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Post(Base):
    """Something written about a subject (`topic:…`, `design:…`, `convention:2/7`).

    `original` is what was sent, `text` what readers see: numbers of persons are covered. `once` is
    the form's own mark, so that a double tap is one post.

    `answers` stand beside each other, `{role, text, at}`. `earlier` is what was said of the post
    before something else was said: dispositions that changed, appeals that were answered.
    `overruled` are the people whose decision on it an appeal set aside. Whoever wrote a post and
    was erased leaves it without a person. With `body_id` it was said in the name of that body.
    """

    __tablename__ = "post"
    __table_args__ = (
        UniqueConstraint("community_id", "public_id"),
        UniqueConstraint("community_id", "person_id", "once"),
        Index("ix_post_subject", "community_id", "subject", "state"),
        Index("ix_post_queue", "community_id", "state", "submitted_at"),
        ForeignKeyConstraint(
            ["community_id", "body_id"],
            ["body.community_id", "body.id"],
            name="fk_post_body",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    public_id: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(100))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str] = mapped_column(String(30))
    once: Mapped[str] = mapped_column(String(40))
    original: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    submitted_at: Mapped[datetime]
    moderated_at: Mapped[datetime | None] = mapped_column(default=None)
    moderated_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)
    reason: Mapped[str] = mapped_column(String(30), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    appeal: Mapped[str] = mapped_column(Text, default="")
    appealed_at: Mapped[datetime | None] = mapped_column(default=None)
    appeal_answer: Mapped[str] = mapped_column(Text, default="")
    appeal_answered_at: Mapped[datetime | None] = mapped_column(default=None)
    disposition: Mapped[str] = mapped_column(String(20), default="")
    disposition_why: Mapped[str] = mapped_column(Text, default="")
    disposed_at: Mapped[datetime | None] = mapped_column(default=None)
    answers: Mapped[list[Any]] = mapped_column(default_factory=list)
    earlier: Mapped[list[Any]] = mapped_column(default_factory=list)
    overruled: Mapped[list[Any]] = mapped_column(default_factory=list)
    body_id: Mapped[int | None] = mapped_column(default=None)

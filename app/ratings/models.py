"""Rounds of rating and the repairs that follow from them."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Rating(Base):
    """One round: a poll about one finished project."""

    __tablename__ = "rating"
    __table_args__ = (
        UniqueConstraint("community_id", "project_code", "round"),
        UniqueConstraint("community_id", "poll"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    project_code: Mapped[str] = mapped_column(String(20))
    round: Mapped[int]
    poll: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[datetime]


class RepairTask(Base):
    """What a low score leads to: what is put right, by whom, until when."""

    __tablename__ = "repair_task"
    __table_args__ = (
        UniqueConstraint("community_id", "public_id"),
        Index("ix_repair_task_project", "community_id", "project_code"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    public_id: Mapped[str] = mapped_column(String(20))
    project_code: Mapped[str] = mapped_column(String(20))
    poll: Mapped[str] = mapped_column(String(80))
    option: Mapped[str] = mapped_column(String(40))
    what: Mapped[str] = mapped_column(Text)
    owner: Mapped[str] = mapped_column(String(120))
    due: Mapped[datetime]
    opened_at: Mapped[datetime]
    done_at: Mapped[datetime | None] = mapped_column(default=None)
    done_note: Mapped[str] = mapped_column(Text, default="")

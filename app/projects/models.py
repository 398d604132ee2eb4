"""The ledger of facility projects: what, where, why, for how much, from whom, and who keeps it."""

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
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base


class Project(Base):
    """A facility project. Money in fen; cost and fund lines each add up to `budget_fen`."""

    __tablename__ = "project"
    __table_args__ = (
        UniqueConstraint("community_id", "code"),
        UniqueConstraint("community_id", "id"),
        CheckConstraint("budget_fen >= 0", name="budget_not_negative"),
        ForeignKeyConstraint(
            ["community_id", "picture_id"],
            ["attachment.community_id", "attachment.id"],
            name="fk_project_picture",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    code: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(120))
    location: Mapped[str] = mapped_column(String(200), default="")
    problem: Mapped[str] = mapped_column(Text, default="")
    proposal: Mapped[str] = mapped_column(Text, default="")
    supply_mode: Mapped[str] = mapped_column(String(20), default="")
    budget_fen: Mapped[int]
    decision_route: Mapped[list[Any]]
    scope: Mapped[str] = mapped_column(String(200), default="")
    build_months: Mapped[int | None] = mapped_column(default=None)
    upkeep_fen_per_year: Mapped[int] = mapped_column(default=0)
    upkeep_by: Mapped[str] = mapped_column(String(200), default="")
    responsible: Mapped[str] = mapped_column(String(120), default="")
    builder: Mapped[str] = mapped_column(String(120), default="")
    risk: Mapped[str] = mapped_column(Text, default="")
    # Who named the need where no topic of residents did; empty when nobody wrote it down.
    asked_by: Mapped[str] = mapped_column(String(200), default="", server_default="")
    stage: Mapped[str] = mapped_column(String(20), default="plan_together")
    picture_id: Mapped[int | None] = mapped_column(default=None)
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)
    lines: Mapped[list["ProjectLine"]] = relationship(
        init=False, order_by="ProjectLine.position", cascade="all, delete-orphan"
    )


class ProjectLine(Base):
    """One line of what a project costs (`cost`) or where the money comes from (`fund`)."""

    __tablename__ = "project_line"
    __table_args__ = (
        UniqueConstraint("community_id", "project_id", "side", "position"),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("side IN ('cost', 'fund')", name="side_known"),
        ForeignKeyConstraint(
            ["community_id", "project_id"],
            ["project.community_id", "project.id"],
            name="fk_project_line_project",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    project_id: Mapped[int] = mapped_column(init=False)
    side: Mapped[str] = mapped_column(String(4))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(120))
    amount_fen: Mapped[int]


class ProjectDecision(Base):
    """What a meeting or the owners decided on a project, once for each of its legal acts.

    The committee enters it: the portal does not hold such votes itself.
    """

    __tablename__ = "project_decision"
    __table_args__ = (
        UniqueConstraint("community_id", "project_id", "route"),
        ForeignKeyConstraint(
            ["community_id", "project_id"],
            ["project.community_id", "project.id"],
            name="fk_project_decision_project",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    project_id: Mapped[int]
    route: Mapped[str] = mapped_column(String(40))
    decided_on: Mapped[datetime]
    text: Mapped[str] = mapped_column(Text)


class Milestone(Base):
    """A step of the building, with the day it was planned for and the day it was done."""

    __tablename__ = "milestone"
    __table_args__ = (
        UniqueConstraint("community_id", "project_id", "position"),
        ForeignKeyConstraint(
            ["community_id", "project_id"],
            ["project.community_id", "project.id"],
            name="fk_milestone_project",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    project_id: Mapped[int]
    position: Mapped[int]
    title: Mapped[str] = mapped_column(String(120))
    planned_on: Mapped[datetime]
    done_on: Mapped[datetime | None] = mapped_column(default=None)


class ProgressPost(Base):
    """What was reported about the building, with at most one photo; never edited."""

    __tablename__ = "progress_post"
    __table_args__ = (
        UniqueConstraint("community_id", "project_id", "once"),
        Index("ix_progress_post_project", "community_id", "project_id"),
        ForeignKeyConstraint(
            ["community_id", "project_id"],
            ["project.community_id", "project.id"],
            name="fk_progress_post_project",
        ),
        ForeignKeyConstraint(
            ["community_id", "picture_id"],
            ["attachment.community_id", "attachment.id"],
            name="fk_progress_post_picture",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    project_id: Mapped[int]
    once: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)
    picture_id: Mapped[int | None]
    at: Mapped[datetime]

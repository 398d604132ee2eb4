"""Designers' proposals, their revisions, and the alternatives of each."""

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


class Proposal(Base):
    """What a designer proposes for a project. `revision` is the newest one's number."""

    __tablename__ = "proposal"
    __table_args__ = (
        UniqueConstraint("community_id", "public_id"),
        UniqueConstraint("community_id", "id"),
        Index("ix_proposal_project", "community_id", "project_code"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    public_id: Mapped[str] = mapped_column(String(20))
    project_code: Mapped[str] = mapped_column(String(20))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    title: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(20))
    revision: Mapped[int]
    created_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text, default="")


class Revision(Base):
    """One revision: what changed, and because of which opinion. `once` is the form's own mark."""

    __tablename__ = "proposal_revision"
    __table_args__ = (
        UniqueConstraint("community_id", "proposal_id", "number"),
        ForeignKeyConstraint(
            ["community_id", "proposal_id"],
            ["proposal.community_id", "proposal.id"],
            name="fk_proposal_revision_proposal",
        ),
        Index("ix_proposal_revision_once", "community_id", "proposal_id", "once", unique=True),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    proposal_id: Mapped[int]
    number: Mapped[int]
    what: Mapped[str] = mapped_column(Text)
    because: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]
    once: Mapped[str | None] = mapped_column(String(40), default=None)


class Alternative(Base):
    """One alternative of one revision, with its drawing where there is one; money in fen."""

    __tablename__ = "proposal_alternative"
    __table_args__ = (
        UniqueConstraint("community_id", "proposal_id", "number", "position"),
        CheckConstraint("cost_fen > 0 AND upkeep_fen >= 0", name="money_sound"),
        ForeignKeyConstraint(
            ["community_id", "proposal_id"],
            ["proposal.community_id", "proposal.id"],
            name="fk_proposal_alternative_proposal",
        ),
        ForeignKeyConstraint(
            ["community_id", "picture_id"],
            ["attachment.community_id", "attachment.id"],
            name="fk_proposal_alternative_picture",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    proposal_id: Mapped[int]
    number: Mapped[int]
    position: Mapped[int]
    title: Mapped[str] = mapped_column(String(120))
    summary: Mapped[str] = mapped_column(Text)
    cost_fen: Mapped[int]
    upkeep_fen: Mapped[int]
    serves: Mapped[str] = mapped_column(Text)
    gives_up: Mapped[str] = mapped_column(Text)
    picture_id: Mapped[int | None]

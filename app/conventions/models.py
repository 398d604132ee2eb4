"""Versions of the convention, their articles, and who signed them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Convention(Base):
    """One version. `text_sha256` binds the text that is read, adopted and signed."""

    __tablename__ = "convention"
    __table_args__ = (
        UniqueConstraint("community_id", "number"),
        UniqueConstraint("community_id", "id"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    number: Mapped[int]
    title: Mapped[str] = mapped_column(String(120))
    preamble: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    text_sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1)
    adopted_at: Mapped[datetime | None] = mapped_column(default=None)
    body: Mapped[str] = mapped_column(String(40), default="")
    base: Mapped[int] = mapped_column(default=0)
    present: Mapped[int] = mapped_column(default=0)
    in_favour: Mapped[int] = mapped_column(default=0)
    poll: Mapped[str] = mapped_column(String(80), default="")
    filed_with: Mapped[str] = mapped_column(String(120), default="")
    filing_number: Mapped[str] = mapped_column(String(80), default="")
    published_at: Mapped[datetime | None] = mapped_column(default=None)
    consulted_at: Mapped[datetime | None] = mapped_column(default=None)
    submitted_at: Mapped[datetime | None] = mapped_column(default=None)


class ConventionArticle(Base):
    """One article of one version."""

    __tablename__ = "convention_article"
    __table_args__ = (
        UniqueConstraint("community_id", "convention_id", "number"),
        ForeignKeyConstraint(
            ["community_id", "convention_id"],
            ["convention.community_id", "convention.id"],
            name="fk_convention_article_convention",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    convention_id: Mapped[int]
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text)


class Signature(Base):
    """A voluntary pledge to one version. Who signed is told to nobody; only the total is.

    That of somebody who was erased counts on, without a person and without the drawn name.
    """

    __tablename__ = "convention_signature"
    __table_args__ = (
        UniqueConstraint("community_id", "convention_id", "person_id"),
        Index("ix_convention_signature_living", "community_id", "convention_id", "withdrawn_at"),
        ForeignKeyConstraint(
            ["community_id", "convention_id"],
            ["convention.community_id", "convention.id"],
            name="fk_convention_signature_convention",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    convention_id: Mapped[int]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    text_sha256: Mapped[str] = mapped_column(String(64))
    drawing: Mapped[list[Any]]
    signed_at: Mapped[datetime]
    leaf: Mapped[str] = mapped_column(String(64))
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)

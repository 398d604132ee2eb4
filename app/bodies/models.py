"""Bodies of a community, and the persons who act for them."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base

_LISTED = text("closed_at IS NULL")
_OPEN = text("ended_at IS NULL")


class Body(Base):
    """A body that takes part. Its name is public, and so is the `contact` that it gave for that.

    `since` is the day from which it takes part. It is listed under its name until it is closed.
    """

    __tablename__ = "body"
    __table_args__ = (
        UniqueConstraint("community_id", "public_id"),
        UniqueConstraint("community_id", "id"),
        Index(
            "ix_body_listed",
            "community_id",
            "name",
            unique=True,
            sqlite_where=_LISTED,
            postgresql_where=_LISTED,
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    public_id: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(80))
    contact: Mapped[str] = mapped_column(String(120))
    since: Mapped[datetime]
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(Text, default="")


class Acting(Base):
    """That a person acts for a body: what for, on what ground, given by whom.

    How long is the grant's to say, by which every session knows it. An empty `scope` is the whole
    community, else it is a thing such as `topic:abc`. `called` is how the desk calls a resident,
    who has no name here. `ended_at` only makes room for the next one.
    """

    __tablename__ = "body_acting"
    __table_args__ = (
        UniqueConstraint("community_id", "grant_id"),
        Index(
            "ix_body_acting_open",
            "community_id",
            "body_id",
            "person_id",
            "scope",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        ForeignKeyConstraint(
            ["community_id", "body_id"],
            ["body.community_id", "body.id"],
            name="fk_body_acting_body",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    body_id: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("role_grant.id"))
    scope: Mapped[str] = mapped_column(String(100))
    called: Mapped[str] = mapped_column(String(40))
    ground: Mapped[str] = mapped_column(Text)
    given_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    given_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)

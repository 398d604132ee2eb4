"""Proposals of roles, and who stands in where a committee has no second person."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.actor import Role
from app.core.db import Base

_OPEN = text("outcome = ''")


class RoleProposal(Base):
    """A role that one person proposes and another gives or refuses.

    `called` is how the desk calls a resident, who has no name here. `outcome` is `given` or
    `refused`, and empty while nobody has decided. `grant_id` is the role as it was given.
    """

    __tablename__ = "role_proposal"
    __table_args__ = (
        Index(
            "ix_role_proposal_open",
            "community_id",
            "person_id",
            "role",
            "scope",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    role: Mapped[Role] = mapped_column(String(30))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    called: Mapped[str] = mapped_column(String(40))
    scope: Mapped[str] = mapped_column(String(200))
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    proposed_as: Mapped[Role] = mapped_column(String(30))
    proposed_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(10), default="")
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)
    decided_as: Mapped[str] = mapped_column(String(30), default="")
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    word: Mapped[str] = mapped_column(Text, default="")
    grant_id: Mapped[int | None] = mapped_column(ForeignKey("role_grant.id"), default=None)


class RoleStandIn(Base):
    """Who approves in the place of a second person of the committee, named before it is needed.

    The newest that has not ended is in force.
    """

    __tablename__ = "role_stand_in"
    __table_args__ = (Index("ix_role_stand_in_community", "community_id", "id"),)

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    named_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    named_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)

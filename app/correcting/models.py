"""What residents ask the desk to put right in the roll."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.correcting.rules import LONGEST_TEXT, State, What

_WAITING = text("state = 'waiting'")


class CorrectionRequest(Base):
    """Somebody says what the roll has wrong of their household. Who answered stands in the log.

    `once` is the mark of the form, by which a double tap is known. The words go with the person.
    """

    __tablename__ = "correction_request"
    __table_args__ = (
        UniqueConstraint("community_id", "once"),
        ForeignKeyConstraint(
            ["community_id", "household_id"],
            ["household.community_id", "household.id"],
            name="fk_correction_request_household",
        ),
        CheckConstraint("(state = 'waiting') = (answered_at IS NULL)", name="answered_when_done"),
        Index(
            "ix_correction_request_waiting",
            "community_id",
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
        Index("ix_correction_request_household", "community_id", "household_id"),
        Index("ix_correction_request_person", "person_id"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    household_id: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    once: Mapped[str] = mapped_column(String(32))
    what: Mapped[What] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    asked_at: Mapped[datetime]
    state: Mapped[State] = mapped_column(String(10), default=State.WAITING)
    answer: Mapped[str] = mapped_column(String(LONGEST_TEXT), default="")
    answered_at: Mapped[datetime | None] = mapped_column(default=None)

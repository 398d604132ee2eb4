"""When a clerk acted for whom of the households, and how they knew who was there."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.assisting.rules import Checked
from app.core.db import Base

_GOING_ON = text("ended_at IS NULL")


class DeskVisit(Base):
    """A clerk's statement that somebody of a household is present, and until when it serves.

    `seat_id` is the household's member that stands for whoever is present.
    """

    __tablename__ = "desk_visit"
    __table_args__ = (
        ForeignKeyConstraint(
            ["community_id", "household_id"],
            ["household.community_id", "household.id"],
            name="fk_desk_visit_household",
        ),
        Index(
            "uq_desk_visit_going_on",
            "community_id",
            "household_id",
            "clerk_id",
            unique=True,
            sqlite_where=_GOING_ON,
            postgresql_where=_GOING_ON,
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    household_id: Mapped[int]
    seat_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    clerk_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    checked: Mapped[Checked] = mapped_column(String(10))
    began_at: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)

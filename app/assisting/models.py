"""When a clerk acted for whom and how they knew; who asked for paper and for a visit at home."""

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

from app.assisting.rules import Asked, Checked, LookFor, Outcome, PartOfDay, VisitPurpose
from app.core.db import Base

_GOING_ON = text("ended_at IS NULL")
_FROM_NOW_ON = text("ended_at IS NULL AND poll_id IS NULL")
_FOR_ONE_POLL = text("ended_at IS NULL AND poll_id IS NOT NULL")
_TO_COME = text("done_at IS NULL")


def _of_household(table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["community_id", "household_id"],
        ["household.community_id", "household.id"],
        name=f"fk_{table}_household",
    )


def _of_poll(table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["community_id", "poll_id"], ["poll.community_id", "poll.id"], name=f"fk_{table}_poll"
    )


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


class PaperRequest(Base):
    """That a household wants paper: from now on, or in one poll."""

    __tablename__ = "paper_request"
    __table_args__ = (
        _of_household("paper_request"),
        _of_poll("paper_request"),
        Index(
            "uq_paper_request_from_now_on",
            "community_id",
            "household_id",
            unique=True,
            sqlite_where=_FROM_NOW_ON,
            postgresql_where=_FROM_NOW_ON,
        ),
        Index(
            "uq_paper_request_one_poll",
            "community_id",
            "poll_id",
            "household_id",
            unique=True,
            sqlite_where=_FOR_ONE_POLL,
            postgresql_where=_FOR_ONE_POLL,
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    household_id: Mapped[int]
    poll_id: Mapped[int | None]
    asked: Mapped[Asked] = mapped_column(String(10))
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


class PaperHanded(Base):
    """That a household has got the paper of a poll; never what became of it."""

    __tablename__ = "paper_handed"
    __table_args__ = (
        UniqueConstraint("community_id", "poll_id", "household_id"),
        _of_household("paper_handed"),
        _of_poll("paper_handed"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    household_id: Mapped[int]
    poll_id: Mapped[int]
    noted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    handed_at: Mapped[datetime]


class TurnoutLook(Base):
    """That a list of households that have not voted was looked at; the record has it too.

    Here it can be read quickly, by the households as well. Who was on the list is kept nowhere.
    """

    __tablename__ = "turnout_look"
    __table_args__ = (
        _of_poll("turnout_look"),
        Index("ix_turnout_look_poll", "community_id", "poll_id"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    poll_id: Mapped[int]
    purpose: Mapped[LookFor] = mapped_column(String(10))
    part: Mapped[str] = mapped_column(String(80))
    looked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    looked_at: Mapped[datetime]


class HomeVisit(Base):
    """That somebody asked to be visited at home, who goes when, and what came of it.

    Two people go, and the database knows that they are two.
    """

    __tablename__ = "home_visit"
    __table_args__ = (
        CheckConstraint("first_id <> second_id", name="two_people_go"),
        CheckConstraint(
            "(planned_at IS NULL) = (first_id IS NULL) AND (planned_at IS NULL) = "
            "(second_id IS NULL)",
            name="planned_with_both",
        ),
        CheckConstraint("(done_at IS NULL) = (outcome = '')", name="done_with_outcome"),
        _of_household("home_visit"),
        Index(
            "uq_home_visit_to_come",
            "community_id",
            "household_id",
            unique=True,
            sqlite_where=_TO_COME,
            postgresql_where=_TO_COME,
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    household_id: Mapped[int]
    purpose: Mapped[VisitPurpose] = mapped_column(String(10))
    wished: Mapped[PartOfDay] = mapped_column(String(10))
    asked: Mapped[Asked] = mapped_column(String(10))
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    planned_at: Mapped[datetime | None] = mapped_column(default=None)
    first_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)
    outcome: Mapped[Outcome | str] = mapped_column(String(10), default="")
    done_at: Mapped[datetime | None] = mapped_column(default=None)

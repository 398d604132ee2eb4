"""Polls, their electorates and ballots, each with the submit token it spent.

The unique constraints, not Python, are what stops a second ballot.
"""

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
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Poll(Base):
    """One question put to one community.

    `rules` and `options` are the draft's until opening; `definition` (the data of `poll.opened`)
    and `ballot_text` (all that the ballot shows) are what was frozen then. `version` grows with
    every visible change, for ETags.
    """

    __tablename__ = "poll"
    __table_args__ = (
        UniqueConstraint("community_id", "public_id"),
        UniqueConstraint("community_id", "id"),
        CheckConstraint("opens_at < closes_at", name="opens_before_closes"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    public_id: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(30))
    method: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(120))
    explanation: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(20))
    rules: Mapped[dict[str, Any]]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    drafted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    drafted_at: Mapped[datetime]
    definition: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    ballot_text: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    heads: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime | None] = mapped_column(default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    result: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    turnout: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    published_at: Mapped[datetime | None] = mapped_column(default=None)
    publication_until: Mapped[datetime | None] = mapped_column(default=None)
    final_at: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(default=1)


class PollOption(Base):
    """An option of a poll: a project, by its code."""

    __tablename__ = "poll_option"
    __table_args__ = (
        UniqueConstraint("community_id", "poll_id", "option"),
        ForeignKeyConstraint(
            ["community_id", "poll_id"],
            ["poll.community_id", "poll.id"],
            name="fk_poll_option_poll",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    poll_id: Mapped[int]
    option: Mapped[str] = mapped_column(String(40))
    position: Mapped[int]


class PollVoter(Base):
    """An entry of the electorate: a household, under a reference that no other poll knows.

    `cast_by` is the member who cast first and alone may change while they are in the household;
    `version` counts the ballots. When that member was erased, the reference loses its household:
    at once in a poll that is over, else at its closing, for which `untie` is kept.
    """

    __tablename__ = "poll_voter"
    __table_args__ = (
        UniqueConstraint("community_id", "poll_id", "household_id"),
        UniqueConstraint("community_id", "ref"),
        UniqueConstraint("community_id", "id"),
        ForeignKeyConstraint(
            ["community_id", "poll_id"],
            ["poll.community_id", "poll.id"],
            name="fk_poll_voter_poll",
        ),
        ForeignKeyConstraint(
            ["community_id", "household_id"],
            ["household.community_id", "household.id"],
            name="fk_poll_voter_household",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    poll_id: Mapped[int]
    household_id: Mapped[int | None]
    ref: Mapped[str] = mapped_column(String(22))
    version: Mapped[int] = mapped_column(default=0)
    cast_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)
    cast_at: Mapped[datetime | None] = mapped_column(default=None)
    late_logged: Mapped[bool] = mapped_column(default=False)
    untie: Mapped[bool] = mapped_column(default=False, server_default=false())


class Ballot(Base):
    """One version of a voter's choice; the highest version counts. A token buys one version.

    A ballot of somebody who was erased counts on, without a person.
    """

    __tablename__ = "ballot"
    __table_args__ = (
        UniqueConstraint("community_id", "poll_id", "voter_id", "version"),
        UniqueConstraint("community_id", "token"),
        ForeignKeyConstraint(
            ["community_id", "voter_id"],
            ["poll_voter.community_id", "poll_voter.id"],
            name="fk_ballot_voter",
        ),
        ForeignKeyConstraint(
            ["community_id", "poll_id"],
            ["poll.community_id", "poll.id"],
            name="fk_ballot_poll",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    poll_id: Mapped[int]
    voter_id: Mapped[int]
    version: Mapped[int]
    token: Mapped[str] = mapped_column(String(64))
    choice: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    cast_at: Mapped[datetime]
    entry_seq: Mapped[int]
    leaf: Mapped[str] = mapped_column(String(64))


class LateToken(Base):
    """The submit token of a ballot that came too late. The same token leads to that again."""

    __tablename__ = "late_token"
    __table_args__ = (
        UniqueConstraint("community_id", "token"),
        Index("ix_late_token_poll", "community_id", "poll_id"),
        ForeignKeyConstraint(
            ["community_id", "poll_id"],
            ["poll.community_id", "poll.id"],
            name="fk_late_token_poll",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    poll_id: Mapped[int]
    token: Mapped[str] = mapped_column(String(64))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]

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
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.voting.proxy_rules import Seen

# One living authority of each household in a poll.
_LIVING = text("ended_at IS NULL")
# A place is taken while the authority lives, and for good once a ballot was cast by it.
_COUNTS = text("ended_at IS NULL OR cast_at IS NOT NULL")
_SLOTS = "slot BETWEEN 1 AND 3"


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
    `version` counts the ballots, and `by_proxy` says that whoever cast is not of the household but
    holds its written authority. When that member was erased, the reference loses its household:
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
    by_proxy: Mapped[bool] = mapped_column(default=False, server_default=false())


class PollProxy(Base):
    """A household's written authority (委托书) to somebody else to cast its ballot in one poll.

    The holder is a household of the community, or a person named on the sheet; `holder_key` is the
    same for the same holder, `slot` is one of the three places a holder has in a poll, and the
    unique keys are what refuses a fourth. `holder_id` stands for a named person. `sheet` is the
    number printed on the sheet, and where it is filed. `seen` tells how the desk knew that the
    household wants it.
    """

    __tablename__ = "poll_proxy"
    __table_args__ = (
        CheckConstraint(_SLOTS, name="three_places"),
        CheckConstraint(
            "holder_household_id IS NULL OR holder_household_id <> household_id",
            name="to_somebody_else",
        ),
        CheckConstraint(
            "(holder_household_id IS NULL) <> (holder_id IS NULL)", name="exactly_one_holder"
        ),
        UniqueConstraint("community_id", "sheet"),
        Index(
            "uq_poll_proxy_principal",
            "community_id",
            "poll_id",
            "household_id",
            unique=True,
            sqlite_where=_LIVING,
            postgresql_where=_LIVING,
        ),
        Index(
            "uq_poll_proxy_place",
            "community_id",
            "poll_id",
            "holder_key",
            "slot",
            unique=True,
            sqlite_where=_COUNTS,
            postgresql_where=_COUNTS,
        ),
        ForeignKeyConstraint(
            ["community_id", "poll_id"],
            ["poll.community_id", "poll.id"],
            name="fk_poll_proxy_poll",
        ),
        ForeignKeyConstraint(
            ["community_id", "household_id"],
            ["household.community_id", "household.id"],
            name="fk_poll_proxy_household",
        ),
        ForeignKeyConstraint(
            ["community_id", "holder_household_id"],
            ["household.community_id", "household.id"],
            name="fk_poll_proxy_holder_household",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    poll_id: Mapped[int]
    household_id: Mapped[int]
    holder_key: Mapped[str] = mapped_column(String(80))
    holder_household_id: Mapped[int | None]
    holder_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    holder_name: Mapped[str] = mapped_column(String(40))
    slot: Mapped[int]
    sheet: Mapped[str] = mapped_column(String(40))
    seen: Mapped[Seen] = mapped_column(String(10))
    entered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    given_at: Mapped[datetime]
    until: Mapped[datetime]
    cast_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


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

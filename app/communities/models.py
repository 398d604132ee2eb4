"""Places: city > district > subdistrict > community > estate > building > household (the roll)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base

# Kept beside a community's settings: when the committee found the imported roll right.
ROLL_CONFIRMED = "roll_confirmed_at"


class Level(StrEnum):
    """The levels above a community."""

    CITY = "city"
    DISTRICT = "district"
    SUBDISTRICT = "subdistrict"


class Jurisdiction(Base):
    """A city, district or subdistrict."""

    __tablename__ = "jurisdiction"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    level: Mapped[Level] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("jurisdiction.id"), default=None)


class Community(Base):
    """The tenant: the area of one residents' committee."""

    __tablename__ = "community"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.id"), index=True)
    desk_phone: Mapped[str] = mapped_column(String(40), default="")
    office: Mapped[str] = mapped_column(String(200), default="")
    hours: Mapped[str] = mapped_column(String(200), default="")
    intro: Mapped[str] = mapped_column(Text, default="")
    demo: Mapped[bool] = mapped_column(default=False)
    households: Mapped[int] = mapped_column(default=0)


class CommunitySetting(Base):
    """A value that differs from the default of `communities.settings`."""

    __tablename__ = "community_setting"
    __table_args__ = (UniqueConstraint("community_id", "key"),)

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    key: Mapped[str] = mapped_column(String(40))
    value: Mapped[str] = mapped_column(Text)


class Estate(Base):
    """A housing estate (小区)."""

    __tablename__ = "estate"
    __table_args__ = (
        UniqueConstraint("community_id", "name"),
        UniqueConstraint("community_id", "id"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    name: Mapped[str] = mapped_column(String(80))


class Building(Base):
    """A building of an estate; `name` is normalised, such as 12甲."""

    __tablename__ = "building"
    __table_args__ = (
        UniqueConstraint("community_id", "estate_id", "name"),
        UniqueConstraint("community_id", "id"),
        ForeignKeyConstraint(
            ["community_id", "estate_id"],
            ["estate.community_id", "estate.id"],
            name="fk_building_estate",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    estate_id: Mapped[int]
    name: Mapped[str] = mapped_column(String(40))


class Household(Base):
    """One entry of the roll: an address, and what the committee keeps about it.

    Areas are integers in 0.01 m². `phones` are digits, separated by a space.
    """

    __tablename__ = "household"
    __table_args__ = (
        UniqueConstraint("community_id", "building_id", "stairwell", "room"),
        UniqueConstraint("community_id", "id"),
        ForeignKeyConstraint(
            ["community_id", "building_id"],
            ["building.community_id", "building.id"],
            name="fk_household_building",
        ),
        CheckConstraint("area_registered_c >= 0", name="area_not_negative"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    building_id: Mapped[int]
    stairwell: Mapped[str] = mapped_column(String(20))
    room: Mapped[str] = mapped_column(String(40))
    unit_type: Mapped[str] = mapped_column(String(20), default="residence")
    household_head: Mapped[str] = mapped_column(String(80), default="")
    phones: Mapped[str] = mapped_column(String(120), default="")
    owner_name: Mapped[str] = mapped_column(String(200), default="")
    title_hash: Mapped[str] = mapped_column(String(64), default="")
    area_registered_c: Mapped[int | None] = mapped_column(default=None)
    area_surveyed_c: Mapped[int | None] = mapped_column(default=None)
    area_contract_c: Mapped[int | None] = mapped_column(default=None)
    tenure: Mapped[str] = mapped_column(String(20), default="")
    delivery: Mapped[str] = mapped_column(String(20), default="")
    residence: Mapped[str] = mapped_column(String(20), default="")
    tenant: Mapped[str] = mapped_column(String(80), default="")
    persons: Mapped[int | None] = mapped_column(default=None)
    persons_60_plus: Mapped[int | None] = mapped_column(default=None)
    grid: Mapped[str] = mapped_column(String(40), default="")
    resident_group: Mapped[str] = mapped_column(String(40), default="")


class RollUpload(Base):
    """A workbook that was read and waits for the clerk's word. Rows are kept until then."""

    __tablename__ = "roll_upload"
    __table_args__ = (UniqueConstraint("community_id", "public_id"),)

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    public_id: Mapped[str] = mapped_column(String(40))
    file_name: Mapped[str] = mapped_column(String(200))
    uploaded_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    uploaded_at: Mapped[datetime]
    rows: Mapped[list[Any]]
    notes: Mapped[dict[str, Any]]
    applied_at: Mapped[datetime | None] = mapped_column(default=None)

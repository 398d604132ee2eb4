"""Places: city > district > subdistrict > community > estate > building > household (the roll)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

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

# Kept beside a community's settings: when the committee found the imported roll right.
ROLL_CONFIRMED = "roll_confirmed_at"


class Level(StrEnum):
    """The levels above a community."""

    CITY = "city"
    DISTRICT = "district"
    SUBDISTRICT = "subdistrict"


class UploadState(StrEnum):
    """How far an uploaded roll has come."""

    ASKING_SHEET = "asking_sheet"
    ASKING_COLUMNS = "asking_columns"
    READING = "reading"
    READY = "ready"
    APPLYING = "applying"
    APPLIED = "applied"


class LineState(StrEnum):
    """What bringing an upload in does with a row.

    `held` waits for the clerk's word, `twice` repeats another row. A good row is `new`
    until it has been compared with the roll.
    """

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    TWICE = "twice"
    REFUSED = "refused"
    HELD = "held"


class Decision(StrEnum):
    """What is to become of a household that a file leaves out, and of the row that resembles it."""

    KEEP = "keep"
    REMOVE = "remove"
    MOVE = "move"
    BOTH = "both"


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
    set_at: Mapped[datetime | None] = mapped_column(default=None)


class JurisdictionSetting(Base):
    """A value that a city, district or subdistrict set for itself and all below it."""

    __tablename__ = "jurisdiction_setting"
    __table_args__ = (UniqueConstraint("jurisdiction_id", "key"),)

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdiction.id"))
    key: Mapped[str] = mapped_column(String(40))
    value: Mapped[str] = mapped_column(Text)
    set_at: Mapped[datetime | None] = mapped_column(default=None)


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
    # Set when a clerk took the entry off the roll; its history stays where it is.
    left_roll_at: Mapped[datetime | None] = mapped_column(default=None)
    # When the last family moved out: what was told before is not the next one's to read.
    moved_out_at: Mapped[datetime | None] = mapped_column(default=None)
    # When the desk last noted other owners.
    owner_changed_at: Mapped[datetime | None] = mapped_column(default=None)


class RollUpload(Base):
    """A file that was read and waits for the clerk's word; with its rows it is forgotten in a day.

    `sheets` describe what the file holds, `sheet` is the one chosen. `done` of `total` rows are
    judged. `notes` and `counts` are what the preview tells.
    """

    __tablename__ = "roll_upload"
    __table_args__ = (
        UniqueConstraint("community_id", "public_id"),
        UniqueConstraint("community_id", "id"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    public_id: Mapped[str] = mapped_column(String(40))
    file_name: Mapped[str] = mapped_column(String(200))
    uploaded_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    uploaded_at: Mapped[datetime]
    state: Mapped[UploadState] = mapped_column(String(20))
    sheets: Mapped[list[Any]]
    notes: Mapped[dict[str, Any]]
    counts: Mapped[dict[str, Any]]
    sheet: Mapped[int | None] = mapped_column(default=None)
    pieces: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)
    applied_at: Mapped[datetime | None] = mapped_column(default=None)


def _of_upload(name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["community_id", "upload_id"],
        ["roll_upload.community_id", "roll_upload.id"],
        name=f"fk_{name}_upload",
        ondelete="CASCADE",
    )


class RollPiece(Base):
    """Some hundred rows of an uploaded sheet as they were written, as JSON.

    They are given back with what is refused; columns that are never kept are not among them.
    """

    __tablename__ = "roll_piece"
    __table_args__ = (
        UniqueConstraint("community_id", "upload_id", "sheet", "position"),
        _of_upload("roll_piece"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    upload_id: Mapped[int]
    sheet: Mapped[int]
    position: Mapped[int]
    rows: Mapped[str] = mapped_column(Text)


class RollLine(Base):
    """A row of an upload once it was judged: what it means, and what would become of it.

    `household_id` is the entry of the roll at that address, `other` the row it collides with,
    `what` the fields concerned. Columns the file has not are null.
    """

    __tablename__ = "roll_line"
    __table_args__ = (
        UniqueConstraint("community_id", "upload_id", "number"),
        Index(
            "ix_roll_line_address",
            "community_id",
            "upload_id",
            "estate",
            "building",
            "stairwell",
            "room",
        ),
        # Without it, what a file leaves out would be sought row by row in every row.
        Index("ix_roll_line_household", "community_id", "upload_id", "household_id"),
        _of_upload("roll_line"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    upload_id: Mapped[int]
    number: Mapped[int]
    state: Mapped[LineState] = mapped_column(String(20))
    problem: Mapped[str] = mapped_column(String(20))
    what: Mapped[str] = mapped_column(String(400))
    other: Mapped[int]
    estate: Mapped[str] = mapped_column(Text)
    building: Mapped[str] = mapped_column(Text)
    stairwell: Mapped[str] = mapped_column(Text)
    room: Mapped[str] = mapped_column(Text)
    building_id: Mapped[int | None] = mapped_column(default=None)
    household_id: Mapped[int | None] = mapped_column(default=None)
    unit_type: Mapped[str | None] = mapped_column(String(20), default=None)
    household_head: Mapped[str | None] = mapped_column(String(80), default=None)
    phones: Mapped[str | None] = mapped_column(String(120), default=None)
    owner_name: Mapped[str | None] = mapped_column(String(200), default=None)
    area_registered_c: Mapped[int | None] = mapped_column(default=None)
    area_surveyed_c: Mapped[int | None] = mapped_column(default=None)
    area_contract_c: Mapped[int | None] = mapped_column(default=None)
    tenure: Mapped[str | None] = mapped_column(String(20), default=None)
    delivery: Mapped[str | None] = mapped_column(String(20), default=None)
    residence: Mapped[str | None] = mapped_column(String(20), default=None)
    tenant: Mapped[str | None] = mapped_column(String(80), default=None)
    persons: Mapped[int | None] = mapped_column(default=None)
    persons_60_plus: Mapped[int | None] = mapped_column(default=None)
    grid: Mapped[str | None] = mapped_column(String(40), default=None)
    resident_group: Mapped[str | None] = mapped_column(String(40), default=None)


class RollAbsence(Base):
    """A household of the roll that an upload leaves out although it names the building.

    `line` is the number of a row that may be the same home written otherwise, else 0. Nothing
    happens to the household unless the clerk decides so.
    """

    __tablename__ = "roll_absence"
    __table_args__ = (
        UniqueConstraint("community_id", "upload_id", "household_id"),
        _of_upload("roll_absence"),
        ForeignKeyConstraint(
            ["community_id", "household_id"],
            ["household.community_id", "household.id"],
            name="fk_roll_absence_household",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    upload_id: Mapped[int]
    household_id: Mapped[int]
    line: Mapped[int]
    decision: Mapped[Decision] = mapped_column(String(20))


class RollColumn(Base):
    """What a clerk said a column of this community's files holds; an empty field is not used."""

    __tablename__ = "roll_column"
    __table_args__ = (UniqueConstraint("community_id", "header"),)

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    header: Mapped[str] = mapped_column(String(80))
    field: Mapped[str] = mapped_column(String(40))


class OwnerSet(Base):
    """Units that a clerk looked at: the same owners, or not. `units` are household ids, rising."""

    __tablename__ = "owner_set"
    __table_args__ = (
        UniqueConstraint("community_id", "units_hash"),
        UniqueConstraint("community_id", "id"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    units_hash: Mapped[str] = mapped_column(String(64))
    units: Mapped[list[Any]]
    confirmed: Mapped[bool]
    decided_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class OwnerSetUnit(Base):
    """A unit of a confirmed owner set; a unit is in one set at most."""

    __tablename__ = "owner_set_unit"
    __table_args__ = (
        UniqueConstraint("community_id", "household_id"),
        ForeignKeyConstraint(
            ["community_id", "owner_set_id"],
            ["owner_set.community_id", "owner_set.id"],
            name="fk_owner_set_unit_set",
        ),
        ForeignKeyConstraint(
            ["community_id", "household_id"],
            ["household.community_id", "household.id"],
            name="fk_owner_set_unit_household",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    owner_set_id: Mapped[int]
    household_id: Mapped[int]

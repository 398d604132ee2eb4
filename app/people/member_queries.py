"""Who is in a household, line by line: never a name, always enough to know one's own family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased

from app.communities.addresses import address_short
from app.communities.models import Building, Estate, Household
from app.communities.queries import addresses_of
from app.core import clock
from app.core.actor import Role, owner_scope
from app.core.db import db
from app.core.errors import NotFound
from app.people.models import (
    HouseholdNotice,
    HouseholdNoticeKind,
    LoginSession,
    Membership,
    Person,
    RoleGrant,
)
from app.people.rules import JoinedBy
from app.people.steps import role_is_living

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True)
class MemberLine:
    """A living member: when and how they came in, and when a browser of theirs was last seen.

    `contested_at` is since when somebody of the household says they do not know this one, or with
    `unused` that the phone is used no more; of that somebody the desk sees when they came in,
    whether they are still in, and whether they said it at the desk.
    """

    member_id: int
    person_id: int
    joined_at: datetime
    joined_by: JoinedBy | None
    seen_at: datetime | None
    contested_at: datetime | None
    contester_joined_at: datetime | None
    contester_is_in: bool
    minor: bool = False
    age_confirmed: bool = False
    # Until when the desk has confirmed them as an owner of this home.
    owner_until: datetime | None = None
    # Since when a former member is out; None for a living one.
    ended_at: datetime | None = None
    unused: bool = False
    contester_at_desk: bool = False


def members(community_id: int, household_id: int) -> list[MemberLine]:
    """The living members of a household, the earliest first."""
    return _lines(community_id, household_id, Membership.ended_at.is_(None))


def former_members(community_id: int, household_id: int) -> list[MemberLine]:
    """Who left a household or was put out and is not erased yet, for the desk alone."""
    return _lines(community_id, household_id, Membership.ended_at.is_not(None))


def said_unused() -> ColumnElement[bool]:
    """Whether a contested line is of a phone that is used no more: the household was told so.

    The line that told it and the doubt share their moment.
    """
    return exists().where(
        HouseholdNotice.community_id == Membership.community_id,
        HouseholdNotice.household_id == Membership.household_id,
        HouseholdNotice.kind == HouseholdNoticeKind.MEMBER_UNUSED,
        HouseholdNotice.at == Membership.contested_at,
    )


def _lines(community_id: int, household_id: int, which: ColumnElement[bool]) -> list[MemberLine]:
    contester = aliased(Membership)
    seen = (
        select(func.max(LoginSession.last_seen_at))
        .where(LoginSession.person_id == Membership.person_id)
        .correlate(Membership)
        .scalar_subquery()
    )
    owner = (
        select(func.max(RoleGrant.ends_at))
        .where(
            RoleGrant.person_id == Membership.person_id,
            RoleGrant.role == Role.OWNER,
            RoleGrant.community_id == community_id,
            RoleGrant.scope == owner_scope(household_id),
            role_is_living(clock.now()),
        )
        .correlate(Membership)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(
            Membership.id,
            Membership.person_id,
            Membership.joined_at,
            Membership.joined_by,
            Membership.contested_at,
            Membership.ended_at,
            Membership.age_confirmed_at,
            Person.minor_declared_at,
            seen.label("seen_at"),
            owner.label("owner_until"),
            contester.joined_at.label("contester_joined_at"),
            contester.ended_at.label("contester_ended_at"),
            contester.joined_by.label("contester_joined_by"),
            said_unused().label("unused"),
        )
        .join(Person, Person.id == Membership.person_id)
        .outerjoin(
            contester,
            (contester.community_id == Membership.community_id)
            & (contester.household_id == Membership.household_id)
            & (contester.person_id == Membership.contested_by),
        )
        .where(
            Membership.community_id == community_id,
            Membership.household_id == household_id,
            which,
        )
        .order_by(Membership.id)
    )
    return [_line(row) for row in rows]


def _line(row: Any) -> MemberLine:
    return MemberLine(
        row.id,
        row.person_id,
        row.joined_at,
        JoinedBy(row.joined_by) if row.joined_by else None,
        row.seen_at,
        row.contested_at,
        row.contester_joined_at,
        row.contester_joined_at is not None and row.contester_ended_at is None,
        row.minor_declared_at is not None,
        row.age_confirmed_at is not None,
        row.owner_until,
        row.ended_at,
        bool(row.unused),
        row.contester_joined_by == JoinedBy.PRESENT,
    )


def member(community_id: int, household_id: int, member_id: int) -> MemberLine:
    """One living member of a household. Raises: NotFound."""
    for line in members(community_id, household_id):
        if line.member_id == member_id:
            return line
    raise NotFound("member")


def member_or_former(community_id: int, household_id: int, member_id: int) -> MemberLine:
    """One line of a household, living or not, for the desk. Raises: NotFound."""
    found = [
        *members(community_id, household_id),
        *former_members(community_id, household_id),
    ]
    for line in found:
        if line.member_id == member_id:
            return line
    raise NotFound("member")


@dataclass(frozen=True, slots=True)
class ContestedHome:
    """A household that does not know somebody who came in: how many, and since when."""

    household_id: int
    address: str
    number: int
    since: datetime


def contested_homes(community_id: int) -> list[ContestedHome]:
    """The households of a community with an open question of who is in, the oldest first."""
    since = func.min(Membership.contested_at)
    rows = db.session.execute(
        select(
            Household.id,
            Estate.name.label("estate"),
            Building.name.label("building"),
            Household.stairwell,
            Household.room,
            func.count(Membership.id).label("number"),
            since.label("since"),
        )
        .join(
            Membership,
            (Membership.community_id == Household.community_id)
            & (Membership.household_id == Household.id),
        )
        .join(Building, Building.id == Household.building_id)
        .join(Estate, Estate.id == Building.estate_id)
        .where(
            Membership.community_id == community_id,
            Membership.contested_at.is_not(None),
            Membership.ended_at.is_(None),
        )
        .group_by(Household.id, Estate.name, Building.name, Household.stairwell, Household.room)
        .order_by(since, Household.id)
    )
    return [
        ContestedHome(
            row.id,
            address_short(row.estate, row.building, row.stairwell, row.room),
            row.number,
            row.since,
        )
        for row in rows
    ]


def who_is_in_mark(community_id: int, household_id: int) -> str:
    """What changes whenever somebody came in or the household moved out since it was shown."""
    newest, came = db.session.execute(
        select(func.max(Membership.id), func.max(Membership.joined_at)).where(
            Membership.community_id == community_id, Membership.household_id == household_id
        )
    ).one()
    moved_out_at = db.session.scalar(
        select(Household.moved_out_at).where(
            Household.community_id == community_id, Household.id == household_id
        )
    )
    moved = int(moved_out_at.timestamp()) if moved_out_at is not None else 0
    # Whoever comes in again has their old line, with a new moment.
    since = int(came.timestamp() * 1000) if came is not None else 0
    return f"{newest or 0}-{since}-{moved}"


def homes_text_of(community_id: int, person_ids: Sequence[int]) -> dict[int, str]:
    """The short addresses of the households each of these people is a living member of."""
    rows = db.session.execute(
        select(Membership.person_id, Membership.household_id)
        .where(
            Membership.community_id == community_id,
            Membership.person_id.in_(person_ids),
            Membership.ended_at.is_(None),
        )
        .order_by(Membership.id)
    ).all()
    where = addresses_of(community_id, [row.household_id for row in rows])
    found: dict[int, list[str]] = {}
    for row in rows:
        found.setdefault(row.person_id, []).append(where[row.household_id].short)
    return {person: "、".join(homes) for person, homes in found.items()}

"""Where a community's start stands, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.communities.models import (
    ROLL_CONFIRMED,
    Community,
    CommunitySetting,
    Jurisdiction,
    Level,
)
from app.core import clock
from app.core.actor import Role
from app.core.db import db
from app.core.errors import NotFound
from app.people.credential_steps import is_running, used
from app.people.models import Person, RoleGrant, StaffAccount
from app.people.steps import role_is_living
from app.policy.roles import set_up_roles
from app.projects.models import Project
from app.starting.rules import FIRST_PEOPLE, Exists, Step, next_step
from app.voting.models import Poll

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Above:
    """A place that a community can belong to, with the place above it in words."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class StaffLine:
    """Somebody who works for a community. `used` says whether they ever signed in.

    `last_day` is some moment of the last day of a role that ends by itself.
    """

    person_id: int
    display: str
    sign_in_name: str
    role: Role
    used: bool
    last_day: datetime | None


@dataclass(frozen=True, slots=True)
class SetUp:
    """A community in the administrators' list, and where its set-up goes on."""

    code: str
    name: str
    step: Step

    @property
    def finished(self) -> bool:
        """Whether everybody is there whom the committee needs to begin."""
        return self.step is Step.HAND_OVER


def places_above() -> list[Above]:
    """Every subdistrict with its district, by name."""
    lower, upper = Jurisdiction.__table__.alias("lower"), Jurisdiction.__table__.alias("upper")
    rows = db.session.execute(
        select(lower.c.code, upper.c.name, lower.c.name)
        .outerjoin(upper, upper.c.id == lower.c.parent_id)
        .where(lower.c.level == Level.SUBDISTRICT.value)
        .order_by(upper.c.name, lower.c.name)
    )
    return [
        Above(code, " · ".join(filter(None, (district, name)))) for code, district, name in rows
    ]


def above(code: str) -> tuple[int, Above]:
    """The id of a subdistrict with its words. Raises: NotFound."""
    wanted = db.session.scalar(
        select(Jurisdiction.id).where(
            Jurisdiction.code == code, Jurisdiction.level == Level.SUBDISTRICT.value
        )
    )
    if wanted is None:
        raise NotFound("jurisdiction")
    return wanted, next(one for one in places_above() if one.code == code)


def districts() -> list[str]:
    """The names of districts there are, for whoever types one."""
    return list(
        db.session.scalars(
            select(Jurisdiction.name)
            .where(Jurisdiction.level == Level.DISTRICT.value)
            .order_by(Jurisdiction.name)
        )
    )


def city_id() -> int | None:
    """The installation's city; the oldest where a demo left another."""
    return db.session.scalar(
        select(Jurisdiction.id)
        .where(Jurisdiction.level == Level.CITY.value)
        .order_by(Jurisdiction.id)
        .limit(1)
    )


def same_community(code: str, name: str) -> bool:
    """Whether exactly this community is there already: the form was sent twice."""
    return (
        db.session.scalar(
            select(Community.id).where(Community.code == code, Community.name == name)
        )
        is not None
    )


def staff_of(community_id: int, roles: tuple[Role, ...] = tuple(Role)) -> list[StaffLine]:
    """Who has an account for a community by a role of the set-up, in the order they were added."""
    wanted = set_up_roles() & set(roles)
    rows = db.session.execute(
        select(
            Person.id,
            Person.display,
            StaffAccount.sign_in_name,
            RoleGrant.role,
            used(),
            RoleGrant.ends_at,
        )
        .join(StaffAccount, StaffAccount.person_id == Person.id)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(
            RoleGrant.community_id == community_id,
            RoleGrant.role.in_([role.value for role in wanted]),
            role_is_living(clock.now()),
        )
        .order_by(Person.id)
    )
    return [
        StaffLine(*row[:3], Role(row.role), bool(row[4]), _last_day(row.ends_at)) for row in rows
    ]


def waits_for_another(community_id: int) -> bool:
    """Whether a new account here works only once another person has agreed."""
    return is_running(db.session(), community_id)


def _last_day(ends_at: datetime | None) -> datetime | None:
    """The day that ends with a role."""
    return ends_at - timedelta(minutes=1) if ends_at is not None else None


def set_ups() -> list[SetUp]:
    """Every community with where its set-up goes on, by name."""
    held: dict[int | None, set[Role]] = {}
    first = [role.value for role in FIRST_PEOPLE.values()]
    for community_id, role in db.session.execute(
        select(RoleGrant.community_id, RoleGrant.role).where(
            RoleGrant.role.in_(first), role_is_living(clock.now())
        )
    ):
        held.setdefault(community_id, set()).add(Role(role))
    rows = db.session.execute(
        select(Community.id, Community.code, Community.name).order_by(Community.name)
    )
    return [
        SetUp(code, name, next_step(frozenset(held.get(place_id, ()))))
        for place_id, code, name in rows
    ]


def what_exists(community_id: int, *, households: int, with_code: int) -> Exists:
    """What a community has of a first start; the caller has counted households and codes."""
    confirmed = select(func.count(CommunitySetting.id)).where(
        CommunitySetting.community_id == community_id, CommunitySetting.key == ROLL_CONFIRMED
    )
    projects = select(func.count(Project.id)).where(Project.community_id == community_id)
    polls = select(func.count(Poll.id)).where(
        Poll.community_id == community_id, Poll.opened_at.is_not(None)
    )
    row = db.session.execute(
        select(confirmed.scalar_subquery(), projects.scalar_subquery(), polls.scalar_subquery())
    ).one()
    return Exists(
        households=households,
        confirmed=bool(row[0]),
        with_code=with_code,
        projects=row[1],
        opened_polls=row[2],
    )

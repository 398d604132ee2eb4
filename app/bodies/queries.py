"""Which bodies take part, and who acts for them, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.bodies import rules, steps
from app.bodies.models import Acting, Body
from app.bodies.rules import Kind
from app.communities import queries as communities
from app.core import clock
from app.core.actor import NO_OFFICE
from app.core.db import db
from app.core.errors import NotFound
from app.people.member_queries import homes_text_of
from app.people.models import Membership, Person, RoleGrant, StaffAccount
from app.people.steps import role_is_living

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

ENDED_SHOWN = 50
_ORDER = {kind.value: position for position, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class BodyView:
    """A body as everybody sees it; `acted_for` says that somebody acts for it now."""

    public_id: str
    kind: Kind
    name: str
    contact: str
    since: datetime
    closed_at: datetime | None
    acted_for: bool


def bodies(community_id: int) -> list[BodyView]:
    """Every body of a community, in the order of their kinds; the longest there first."""
    return _views(community_id)


def body(community_id: int, body_id: str) -> BodyView:
    """One body. Raises: NotFound."""
    found = _views(community_id, Body.public_id == body_id)
    if not found:
        raise NotFound("body")
    return found[0]


def _views(community_id: int, *conditions: Any) -> list[BodyView]:
    rows = db.session.scalars(
        select(Body).where(Body.community_id == community_id, *conditions).order_by(Body.id)
    ).all()
    acted = set(
        db.session.scalars(
            select(Acting.body_id)
            .join(RoleGrant, RoleGrant.id == Acting.grant_id)
            .where(Acting.community_id == community_id, role_is_living(clock.now()))
        )
    )
    views = [
        BodyView(
            row.public_id,
            Kind(row.kind),
            row.name,
            row.contact,
            row.since,
            row.closed_at,
            row.id in acted and row.closed_at is None,
        )
        for row in rows
    ]
    return sorted(views, key=lambda one: (_ORDER[one.kind], one.since))


@dataclass(frozen=True, slots=True)
class ActingView:
    """That somebody acts, or acted, for a body. `called` is how the desk knows them."""

    id: int
    body_id: str
    body: str
    kind: Kind
    person_id: int
    called: str
    address: str
    scope: str
    ground: str
    starts_at: datetime
    ends_at: datetime | None


def acting_now(community_id: int) -> list[ActingView]:
    """Everybody who acts for a body here now, the bodies in their order."""
    found = _acting(community_id, role_is_living(clock.now()))
    return sorted(found, key=lambda one: (_ORDER[one.kind], one.body, one.id))


def acting_ended(community_id: int) -> list[ActingView]:
    """Those who do so no longer, the latest first."""
    return _acting(community_id, RoleGrant.ends_at <= clock.now())[:ENDED_SHOWN]


def acting(community_id: int, acting_id: int) -> ActingView:
    """One who acts for a body now. Raises: NotFound."""
    found = _acting(community_id, Acting.id == acting_id, role_is_living(clock.now()))
    if not found:
        raise NotFound("acting")
    return found[0]


def acting_of(community_id: int, person_id: int) -> list[ActingView]:
    """Every body one person acts or acted for here, the latest first."""
    return _acting(community_id, Acting.person_id == person_id)


def acts_now(community_id: int, person_id: int | None) -> list[ActingView]:
    """The bodies one person acts for here now."""
    return _acting(community_id, Acting.person_id == person_id, role_is_living(clock.now()))


def speaks_for(
    community_id: int, person_id: int | None, things: Collection[str]
) -> list[ActingView]:
    """The bodies in whose name one person can speak of these things now, each once."""
    mine = {
        one.body_id: one
        for one in acts_now(community_id, person_id)
        if rules.covers(one.scope, things)
    }
    return list(mine.values())


def _acting(community_id: int, *conditions: Any) -> list[ActingView]:
    rows = db.session.execute(
        select(Acting, Body, Person.display, RoleGrant.starts_at, RoleGrant.ends_at)
        .join(Body, (Body.community_id == Acting.community_id) & (Body.id == Acting.body_id))
        .join(RoleGrant, RoleGrant.id == Acting.grant_id)
        .join(Person, Person.id == Acting.person_id)
        .where(Acting.community_id == community_id, *conditions)
        .order_by(RoleGrant.ends_at.desc(), Acting.id.desc())
    ).all()
    homes = homes_text_of(community_id, [row.Acting.person_id for row in rows])
    return [
        ActingView(
            row.Acting.id,
            row.Body.public_id,
            row.Body.name,
            Kind(row.Body.kind),
            row.Acting.person_id,
            row.display or row.Acting.called,
            homes.get(row.Acting.person_id, ""),
            row.Acting.scope,
            row.Acting.ground,
            row.starts_at,
            row.ends_at,
        )
        for row in rows
    ]


def acted_for_at(community_id: int, person_id: int, thing: str, moment: datetime) -> list[str]:
    """The design practices for which one person acted in a thing at a moment, by name."""
    return [
        one.body
        for one in _acting(
            community_id,
            Acting.person_id == person_id,
            Acting.scope.in_(["", thing]),
            Body.kind == Kind.DESIGN_PRACTICE.value,
            role_is_living(moment),
        )
    ]


def at_work_on(community_id: int, thing: str, builder: str) -> list[str]:
    """The listed contractors of a thing, by name: who builds it, or had somebody for just this."""
    sent = select(Acting.body_id).where(Acting.community_id == community_id, Acting.scope == thing)
    rows = db.session.scalars(
        select(Body.name)
        .where(
            Body.community_id == community_id,
            Body.kind == Kind.CONTRACTOR.value,
            (Body.name == builder) | Body.id.in_(sent),
        )
        .order_by(Body.id)
    )
    return list(dict.fromkeys(rows))


def scope_words(community_id: int, scopes: Collection[str]) -> dict[str, str]:
    """What each of these scopes is by name; the whole community is left out."""
    if not any(scopes):
        return {}
    return {one.thing: one.title for one in steps.scopes(community_id) if one.thing in scopes}


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who can be asked to act for a body."""

    person_id: int
    called: str


def candidates(community_id: int, kind: Kind, without: int | None) -> list[Candidate]:
    """Whoever works here with an account, and for some bodies has one of its roles."""
    needs = [role.value for role in rules.ACTS_AS.get(kind, ())]
    query = (
        select(Person.id, Person.display)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .join(StaffAccount, StaffAccount.person_id == Person.id)
        .where(
            RoleGrant.community_id == community_id,
            RoleGrant.role.not_in(NO_OFFICE),
            role_is_living(clock.now()),
        )
        .order_by(Person.id)
        .distinct()
    )
    rows = db.session.execute(query.where(RoleGrant.role.in_(needs)) if needs else query)
    return [Candidate(*row) for row in rows if row.id != without]


def resident(community_id: int, member_id: int) -> Candidate:
    """A living member of a household, by where they live.

    Raises: NotFound, for one whom the household does not know too.
    """
    row = db.session.execute(
        select(Membership.person_id, Membership.household_id).where(
            Membership.community_id == community_id,
            Membership.id == member_id,
            Membership.ended_at.is_(None),
            Membership.contested_at.is_(None),
        )
    ).first()
    if row is None:
        raise NotFound("member")
    return Candidate(row.person_id, communities.address_of(community_id, row.household_id).short)

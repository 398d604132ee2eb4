"""Who holds what, read inside a transaction and under the community's lock for role acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from app.communities.models import Community, Jurisdiction
from app.core.actor import NO_OFFICE, Role
from app.core.errors import NotFound
from app.people.models import RoleGrant
from app.people.steps import role_is_living
from app.policy import roles as rules
from app.policy.roles import Holding, Party
from app.policy.table import Place
from app.roles.models import RoleStandIn

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session


def hold(session: Session, community_id: int) -> Place:
    """Let role acts of a community follow one another, and give it with what is above it.

    Raises: NotFound.
    """
    parent = session.scalar(
        select(Community.jurisdiction_id)
        .where(Community.id == community_id)
        .with_for_update(key_share=True)
    )
    if parent is None:
        raise NotFound("community")
    return Place(community_id, above(session, parent))


def above(session: Session, jurisdiction_id: int | None) -> tuple[int, ...]:
    """A jurisdiction and all above it."""
    found: list[int] = []
    while jurisdiction_id is not None:
        found.append(jurisdiction_id)
        jurisdiction_id = session.scalar(
            select(Jurisdiction.parent_id).where(Jurisdiction.id == jurisdiction_id)
        )
    return tuple(found)


def in_place(place: Place) -> ColumnElement[bool]:
    """That a role is of this community, of what is above it, or of the installation."""
    return or_(
        RoleGrant.community_id == place.community_id,
        RoleGrant.jurisdiction_id.in_(place.jurisdiction_ids),
        RoleGrant.role == Role.ADMINISTRATOR.value,
    )


def party(session: Session, place: Place, person_id: int, now: datetime) -> Party:
    """Somebody with what they hold here or above, and whether they stand in for a second."""
    rows = session.execute(
        select(RoleGrant.role, RoleGrant.scope, RoleGrant.ends_at).where(
            RoleGrant.person_id == person_id,
            # Whom somebody acts for, and what they own, counts neither for nor against them.
            RoleGrant.role.not_in(NO_OFFICE),
            in_place(place),
            role_is_living(now),
        )
    )
    held = tuple(Holding(Role(row.role), row.scope, row.ends_at) for row in rows)
    return Party(person_id, held, stand_in(session, place, now) == person_id)


def stand_in(session: Session, place: Place, now: datetime) -> int | None:
    """Who is named as stand-in now."""
    return session.scalar(
        select(RoleStandIn.person_id).where(
            RoleStandIn.community_id == place.community_id,
            RoleStandIn.ended_at.is_(None),
            RoleStandIn.ends_at > now,
        )
    )


def holders(session: Session, place: Place, roles: Iterable[Role], now: datetime) -> set[int]:
    """Everybody who holds one of these roles here or above."""
    wanted = [role.value for role in roles]
    rows = session.scalars(
        select(RoleGrant.person_id).where(
            in_place(place), RoleGrant.role.in_(wanted), role_is_living(now)
        )
    )
    return set(rows)


def latest_end(
    session: Session, place: Place, proposer: Party, role: Role, now: datetime
) -> datetime:
    """Until when a role is proposed with a new account where no day is named."""
    able = holders(session, place, rules.approvers(role, opens=True), now) - {proposer.person_id}
    deciders = [party(session, place, each, now) for each in sorted(able)]
    return rules.latest_end(proposer, deciders, role, now)


def groups(session: Session, place: Place, now: datetime) -> list[str]:
    """The scopes of the representatives there are."""
    rows = session.scalars(
        select(RoleGrant.scope).where(
            RoleGrant.community_id == place.community_id,
            RoleGrant.role == Role.REPRESENTATIVE.value,
            role_is_living(now),
        )
    )
    return list(rows)

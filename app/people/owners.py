"""Who is an owner of a home: seen at the desk by papers, until the roll names others.

It is access to what the roll holds of that home, and no office: nobody else gives their word, and
no entry of the public record tells what somebody owns. Source: docs/adr/0037.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.communities.rows import hold_row
from app.communities.steps import register_owners_changed
from app.core import clock
from app.core.actor import Role, owner_scope
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.times import in_record_language
from app.people import words
from app.people.ages import is_minor
from app.people.models import HouseholdNoticeKind, Membership, RoleGrant
from app.people.rules import OWNER_LASTS, JoinedBy
from app.people.steps import (
    GivenRole,
    end_roles,
    give_role,
    role_is_living,
    security,
    tell_household,
)
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def confirm_owner(actor: Actor, *, community_id: int, household_id: int, member_id: int) -> None:
    """The desk has seen by title and identity papers that a member, who is present, is an owner.

    It holds for `OWNER_LASTS`, for this home alone. Raises: NotFound; RuleBroken
    member.own_household, owner.nobody, owner.contested, owner.minor, owner.known.
    """
    with transaction() as session:
        require(actor, Permission.OWNER_CONFIRM, Place(community_id))
        if actor.lives_in(community_id, household_id):
            raise RuleBroken("member.own_household")
        # Held until the end, so that the roll names no other owners meanwhile.
        row = hold_row(session, community_id, household_id)
        member, now = _member(session, community_id, household_id, member_id), clock.now()
        problem = _problem(session, row.owner_name, member, household_id, now)
        if problem:
            raise RuleBroken(problem)
        given = GivenRole(Role.OWNER, owner_scope(household_id), now + OWNER_LASTS)
        give_role(session, member.person_id, community_id, given)
        _tell(session, actor, member, HouseholdNoticeKind.OWNER_CONFIRMED)


def end_owner(actor: Actor, *, community_id: int, household_id: int, member_id: int) -> None:
    """Take it back, at once: a slip of the desk, or somebody who owns the home no more.

    Raises: NotFound when they are none; RuleBroken member.own_household.
    """
    with transaction() as session:
        require(actor, Permission.OWNER_CONFIRM, Place(community_id))
        if actor.lives_in(community_id, household_id):
            raise RuleBroken("member.own_household")
        hold_row(session, community_id, household_id)
        member = _member(session, community_id, household_id, member_id)
        mine = RoleGrant.person_id == member.person_id
        if not end_roles(session, clock.now(), mine, *_of(community_id, [household_id])):
            raise NotFound("owner")
        _tell(session, actor, member, HouseholdNoticeKind.OWNER_ENDED)


@register_owners_changed
def end_owners(session: Session, community_id: int, household_ids: Sequence[int]) -> None:
    """Let nobody be an owner of these homes by what the desk saw before; each home is told."""
    now = clock.now()
    for household_id in household_ids:
        ended = end_roles(session, now, *_of(community_id, [household_id]))
        if ended:
            told = HouseholdNoticeKind.OWNER_ENDED
            tell_household(session, community_id, household_id, told, at=now)
            security(
                session,
                "owner.ended_by_roll",
                community_id=community_id,
                household=household_id,
                people=len(ended),
            )


def _of(community_id: int, household_ids: Sequence[int]) -> tuple[Any, ...]:
    scopes = [owner_scope(each) for each in household_ids]
    return (
        RoleGrant.role == Role.OWNER,
        RoleGrant.community_id == community_id,
        RoleGrant.scope.in_(scopes),
    )


def _member(session: Session, community_id: int, household_id: int, member_id: int) -> Any:
    """A living member with a phone of their own, held until the end. Raises: NotFound."""
    found = session.execute(
        select(
            Membership.id,
            Membership.community_id,
            Membership.household_id,
            Membership.person_id,
            Membership.joined_at,
            Membership.contested_at,
        )
        .where(
            Membership.id == member_id,
            Membership.community_id == community_id,
            Membership.household_id == household_id,
            Membership.ended_at.is_(None),
            Membership.joined_by != JoinedBy.PRESENT,
        )
        .with_for_update()
    ).first()
    if found is None:
        raise NotFound("member")
    return found


def _problem(session: Session, names: str, member: Any, household_id: int, now: datetime) -> str:
    if not names:
        return "owner.nobody"
    if member.contested_at is not None:
        return "owner.contested"
    if is_minor(session, member.person_id):
        return "owner.minor"
    held = select(RoleGrant.id).where(
        RoleGrant.person_id == member.person_id,
        *_of(member.community_id, [household_id]),
        role_is_living(now),
    )
    return "owner.known" if session.scalar(held.limit(1)) is not None else ""


def _tell(session: Session, actor: Actor, member: Any, kind: HouseholdNoticeKind) -> None:
    with in_record_language():
        about = words.came_in(member.joined_at)
    tell_household(session, member.community_id, member.household_id, kind, about)
    security(
        session,
        f"owner.{kind.value.removeprefix('owner_')}",
        community_id=member.community_id,
        person_id=actor.person_id,
        member=member.id,
    )

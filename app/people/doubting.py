"""A doubt about somebody who came into a household, inside the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from app.core import clock
from app.core.errors import NotFound, RuleBroken
from app.core.times import in_record_language
from app.people import words
from app.people.models import HouseholdNoticeKind, Membership
from app.people.steps import tell_household

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def doubt(
    session: Session,
    community_id: int,
    household_id: int,
    member_id: int,
    by: int,
    *,
    unused: bool = False,
) -> bool:
    """Let the person `by` doubt another member; whether that is new.

    `unused` says that the phone is known and used no more; the line that tells it keeps that.

    Nothing else changes until the desk has looked into it. Raises: NotFound when that member is
    out by now; RuleBroken member.own.
    """
    there = (
        Membership.community_id == community_id,
        Membership.household_id == household_id,
        Membership.id == member_id,
        Membership.ended_at.is_(None),
    )
    found = session.execute(
        select(Membership.person_id, Membership.joined_at, Membership.contested_at)
        .where(*there)
        .with_for_update()
    ).first()
    if found is None:
        raise NotFound("member")
    if found.person_id == by:
        raise RuleBroken("member.own")
    if found.contested_at is not None:
        return False
    now = clock.now()
    session.execute(update(Membership).where(*there).values(contested_at=now, contested_by=by))
    told = HouseholdNoticeKind.MEMBER_UNUSED if unused else HouseholdNoticeKind.MEMBER_CONTESTED
    tell_household(session, community_id, household_id, told, came_in(found.joined_at), now)
    return True


def came_in(joined_at: datetime) -> str:
    """What a kept line says of a member: when they came in, in the language things are kept in."""
    with in_record_language():
        return words.came_in(joined_at)

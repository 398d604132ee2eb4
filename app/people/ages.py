"""Whether somebody is old enough for an act, by what they said and what the desk has seen.

Sources: Civil Code art. 17 (of age at 18); Committee Law, residents' meetings (18 and over);
Personal Information Protection Law art. 31 (under 14). See docs/adr/0030.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.communities.setting_rules import YES
from app.communities.settings import value_of
from app.core.errors import RuleBroken
from app.people.models import Membership, Person

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def check_of_age(actor: Actor) -> None:
    """Raise RuleBroken age.minor for whoever said to be 14 to 17: they neither vote nor sign."""
    if not actor.adult:
        raise RuleBroken("age.minor")


def is_minor(session: Session, person_id: int) -> bool:
    """Whether somebody said to be under 18 and the desk has not seen otherwise since."""
    said = select(Person.minor_declared_at).where(Person.id == person_id)
    return session.scalar(said) is not None


def check_confirmed(session: Session, community_id: int, household_id: int, person_id: int) -> None:
    """Where the community asks it: whoever decides with the residents was seen to be 18 or over.

    Raises: RuleBroken age.not_confirmed.
    """
    if value_of(community_id, "age_at_desk") != YES:
        return
    confirmed = session.scalar(
        select(Membership.age_confirmed_at).where(
            Membership.community_id == community_id,
            Membership.household_id == household_id,
            Membership.person_id == person_id,
            Membership.ended_at.is_(None),
        )
    )
    if confirmed is None:
        raise RuleBroken("age.not_confirmed")

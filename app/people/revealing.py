"""A masked phone shown in full: to the clerk alone, for a reason, and the household is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.communities.models import Household
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.people.models import HouseholdNoticeKind
from app.people.rules import RevealReason
from app.people.steps import security, tell_household
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from app.core.actor import Actor


def reveal_phones(
    actor: Actor, *, community_id: int, household_id: int, reason: RevealReason
) -> list[str]:
    """The phones of a household in full; each look is a line in the security log.

    Raises: NotFound; RuleBroken phones.none where the roll has none.
    Source: 个人信息保护法第六条 (no more than the purpose needs), docs/rules.md, "Getting in".
    """
    with transaction() as session:
        require(actor, Permission.PHONE_REVEAL, Place(community_id))
        found = session.execute(
            select(Household.phones).where(
                Household.community_id == community_id, Household.id == household_id
            )
        ).first()
        if found is None:
            raise NotFound("household")
        phones = found.phones.split()
        if not phones:
            raise RuleBroken("phones.none")
        kind = HouseholdNoticeKind.PHONE_SEEN
        tell_household(session, community_id, household_id, kind, reason.value)
        security(
            session,
            "phone.revealed",
            community_id=community_id,
            person_id=actor.person_id,
            household_id=household_id,
            reason=reason.value,
        )
    return phones

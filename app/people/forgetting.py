"""What this room forgets of a person who is erased, inside that transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from app.core import clock
from app.core.erasures import forgets
from app.core.jobs import Job
from app.people.models import (
    HouseholdNoticeKind,
    LoginSession,
    Membership,
    PersonNotice,
    RoleGrant,
    SecurityEvent,
)
from app.people.steps import tell_household

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.erasures import Leaver


@forgets(
    "membership.person_id",
    "membership.contested_by",
    "login_session.person_id",
    "person_notice.person_id",
    "role_grant.person_id",
    "security_event.person_id",
)
def forget(session: Session, leaver: Leaver) -> None:
    """Let go of sessions, memberships and the inbox; lines of the log lose who it was."""
    person_id = leaver.person_id
    _tell_households(session, person_id)
    session.execute(
        update(Membership).where(Membership.contested_by == person_id).values(contested_by=None)
    )
    for model in (Membership, LoginSession, PersonNotice, RoleGrant):
        session.execute(delete(model).where(model.person_id == person_id))
    # The law wants the lines for six months; whom they were about is not needed for that.
    session.execute(
        update(SecurityEvent).where(SecurityEvent.person_id == person_id).values(person_id=None)
    )
    _strike_from_news(session, person_id)


def _tell_households(session: Session, person_id: int) -> None:
    """Whoever lives there sees that one line fewer is in."""
    homes = session.execute(
        select(Membership.community_id, Membership.household_id).where(
            Membership.person_id == person_id, Membership.ended_at.is_(None)
        )
    )
    now = clock.now()
    for home in homes.all():
        told = HouseholdNoticeKind.MEMBER_ERASED
        tell_household(session, home.community_id, home.household_id, told, at=now)


def _strike_from_news(session: Session, person_id: int) -> None:
    """News on their way name the people they are for; done ones are kept for a while, too."""
    for job in session.scalars(select(Job).where(Job.kind == "notice.deliver")):
        named = job.payload.get("person_ids", [])
        if person_id in named:
            left = [each for each in named if each != person_id]
            job.payload = job.payload | {"person_ids": left}

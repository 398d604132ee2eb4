"""What this room forgets of a person who is erased, inside that transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.bodies.models import Acting, Body
from app.bodies.operations import ENDED
from app.core import clock
from app.core.actor import SYSTEM
from app.core.erasures import forgets
from app.core.record import Act, forget_openings, record
from app.people.models import RoleGrant

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.erasures import Leaver


@forgets("body_acting.person_id")
def forget(session: Session, leaver: Leaver) -> None:
    """Let go of whom they act or acted for; that a body has one person fewer is told.

    What they said in a body's name is the body's: it stays, as everything published does.
    """
    now = clock.now()
    rows = session.execute(
        select(Acting, Body.public_id, RoleGrant.ends_at)
        .join(Body, (Body.community_id == Acting.community_id) & (Body.id == Acting.body_id))
        .join(RoleGrant, RoleGrant.id == Acting.grant_id)
        .where(Acting.person_id == leaver.person_id)
    )
    for acting, body_id, ends_at in rows.all():
        subject = f"acting:{acting.id}"
        forget_openings(session, acting.community_id, subject)
        if ends_at is None or ends_at > now:
            data = {"body": body_id, "scope": acting.scope or "community", "by_holder": True}
            record(session, SYSTEM, Act(ENDED, subject, data), acting.community_id)
        session.delete(acting)
    session.flush()

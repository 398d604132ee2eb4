"""What this room forgets of a person who is erased, inside that transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete

from app.core.erasures import forgets
from app.roles.models import RoleProposal

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.erasures import Leaver


@forgets("role_proposal.person_id")
def forget(session: Session, leaver: Leaver) -> None:
    """Let go of what was proposed for them; who holds a role now is not erased before it ends."""
    session.execute(delete(RoleProposal).where(RoleProposal.person_id == leaver.person_id))

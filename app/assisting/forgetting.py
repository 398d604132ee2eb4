"""What this room forgets of a person who is erased, inside that transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete

from app.assisting.models import DeskVisit
from app.core.erasures import forgets

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.erasures import Leaver


@forgets("desk_visit.seat_id")
def forget(session: Session, leaver: Leaver) -> None:
    """Let go of the visits of whoever came to the desk without a phone."""
    session.execute(delete(DeskVisit).where(DeskVisit.seat_id == leaver.person_id))

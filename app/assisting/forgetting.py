"""What this room forgets of a person who is erased, inside that transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, update

from app.assisting.models import DeskVisit, HomeVisit, PaperRequest
from app.core.erasures import forgets

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.erasures import Leaver


@forgets("desk_visit.seat_id", "paper_request.asked_by", "home_visit.asked_by")
def forget(session: Session, leaver: Leaver) -> None:
    """Let go of the visits of whoever came to the desk without a phone, and of who asked.

    What was asked is the household's, which goes on.
    """
    session.execute(delete(DeskVisit).where(DeskVisit.seat_id == leaver.person_id))
    for model in (PaperRequest, HomeVisit):
        mine = update(model).where(model.asked_by == leaver.person_id)
        session.execute(mine.values(asked_by=None).execution_options(synchronize_session=False))

"""What this room forgets of a person who is erased, inside that transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete

from app.core.erasures import forgets
from app.correcting.models import CorrectionRequest

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.erasures import Leaver


@forgets("correction_request.person_id")
def forget(session: Session, leaver: Leaver) -> None:
    """Delete their requests; what was put right in the roll is the household's and stays right."""
    session.execute(
        delete(CorrectionRequest).where(CorrectionRequest.person_id == leaver.person_id)
    )

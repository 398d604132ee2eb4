"""What this room forgets of a person who is erased, inside that transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from app.conventions.models import Signature
from app.core.erasures import forgets

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.erasures import Leaver


@forgets("convention_signature.person_id")
def forget(session: Session, leaver: Leaver) -> None:
    """Let go of the drawn name; that somebody signed stays counted."""
    session.execute(
        update(Signature)
        .where(Signature.person_id == leaver.person_id)
        .values(person_id=None, drawing=[])
        .execution_options(synchronize_session=False)
    )

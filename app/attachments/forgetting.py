"""What this room forgets of a person who is erased, inside that transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from app.attachments.models import Attachment
from app.core.erasures import forgets

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.erasures import Leaver


@forgets("attachment.added_by")
def forget(session: Session, leaver: Leaver) -> None:
    """Let go of who added what everybody may still see."""
    session.execute(
        update(Attachment)
        .where(Attachment.added_by == leaver.person_id)
        .values(added_by=None)
        .execution_options(synchronize_session=False)
    )

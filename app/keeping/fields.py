"""Which rows are over, field by field: what a retention run erases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.assisting.models import DeskVisit
from app.communities.models import RollAbsence, RollLine, RollPiece, RollUpload
from app.core.jobs import Job
from app.core.sent import SentForm
from app.correcting.models import CorrectionRequest
from app.people.models import (
    DeskConfirmation,
    HouseholdCode,
    HouseholdNotice,
    LoginSession,
    PersonNotice,
    SecurityEvent,
)

Over = Callable[[datetime], Any]


def _session_over(before: datetime) -> Any:
    return (LoginSession.ended_at < before) | (LoginSession.expires_at < before)


def _number_over(before: datetime) -> Any:
    return (DeskConfirmation.used_at < before) | (DeskConfirmation.expires_at < before)


def _of_uploads(part: Any) -> Over:
    """Parts of uploads that are over."""

    def over(before: datetime) -> Any:
        return part.upload_id.in_(select(RollUpload.id).where(RollUpload.uploaded_at < before))

    return over


def _code_over(before: datetime) -> Any:
    return (HouseholdCode.revoked_at < before) | (HouseholdCode.expires_at < before)


# By the names of `rules.PERIODS`; openings are erased poll by poll, with an entry in the record.
FIELDS: dict[str, tuple[tuple[Any, Over], ...]] = {
    "sessions": ((LoginSession, _session_over),),
    "desk_numbers": ((DeskConfirmation, _number_over),),
    "desk_visits": ((DeskVisit, lambda before: DeskVisit.until < before),),
    "corrections": ((CorrectionRequest, lambda before: CorrectionRequest.answered_at < before),),
    "codes": ((HouseholdCode, _code_over),),
    # What an upload holds goes before the upload itself.
    "roll_uploads": (
        (RollAbsence, _of_uploads(RollAbsence)),
        (RollLine, _of_uploads(RollLine)),
        (RollPiece, _of_uploads(RollPiece)),
        (RollUpload, lambda before: RollUpload.uploaded_at < before),
    ),
    "inbox": (
        (PersonNotice, lambda before: PersonNotice.at < before),
        (HouseholdNotice, lambda before: HouseholdNotice.at < before),
    ),
    "jobs": ((Job, lambda before: Job.done_at < before),),
    "sent_forms": ((SentForm, lambda before: SentForm.at < before),),
    "security_log": ((SecurityEvent, lambda before: SecurityEvent.at < before),),
}

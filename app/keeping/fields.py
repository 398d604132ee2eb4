"""Which rows are over, field by field: what a retention run erases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.assisting.models import DeskVisit, HomeVisit, PaperHanded, PaperRequest, TurnoutLook
from app.communities.models import RollAbsence, RollLine, RollPiece, RollUpload
from app.core.jobs import Job
from app.core.sent import SentForm
from app.people.models import (
    DeskConfirmation,
    HouseholdCode,
    HouseholdNotice,
    LoginSession,
    PersonNotice,
    SecurityEvent,
)
from app.voting.models import Poll, PollProxy

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


def _proxy_over(before: datetime) -> Any:
    """Authorities in polls that have been closed so long."""
    return PollProxy.poll_id.in_(select(Poll.id).where(Poll.closed_at < before))


def _code_over(before: datetime) -> Any:
    return (HouseholdCode.revoked_at < before) | (HouseholdCode.expires_at < before)


# By the names of `rules.PERIODS`; openings are erased poll by poll, with an entry in the record.
FIELDS: dict[str, tuple[tuple[Any, Over], ...]] = {
    "sessions": ((LoginSession, _session_over),),
    "desk_numbers": ((DeskConfirmation, _number_over),),
    "desk_visits": ((DeskVisit, lambda before: DeskVisit.until < before),),
    "proxies": ((PollProxy, _proxy_over),),
    "outreach": (
        (PaperRequest, lambda before: PaperRequest.ended_at < before),
        (PaperHanded, lambda before: PaperHanded.handed_at < before),
        (TurnoutLook, lambda before: TurnoutLook.looked_at < before),
        (HomeVisit, lambda before: HomeVisit.done_at < before),
    ),
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

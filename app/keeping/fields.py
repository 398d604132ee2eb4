"""Which rows are over, field by field: what a retention run erases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.assisting.models import DeskVisit, HomeVisit, PaperHanded, PaperRequest, TurnoutLook
from app.bodies.models import Acting
from app.communities.models import RollAbsence, RollLine, RollPiece, RollUpload
from app.core.actor import Role
from app.core.jobs import Job
from app.core.sent import SentForm
from app.correcting.models import CorrectionRequest
from app.people.models import (
    DeskConfirmation,
    HouseholdCode,
    HouseholdNotice,
    LoginSession,
    PasskeyChallenge,
    PersonNotice,
    RoleGrant,
    SecurityEvent,
)
from app.policy.roles import PROPOSAL_LASTS
from app.roles.models import RoleProposal, RoleStandIn
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


def _role_over(role: Role) -> Over:
    """Grants of one role that are over."""
    return lambda before: (RoleGrant.role == role.value) & (RoleGrant.ends_at < before)


_delegate_over = _role_over(Role.BODY)


def _acting_over(before: datetime) -> Any:
    return Acting.grant_id.in_(select(RoleGrant.id).where(_delegate_over(before)))


def _proxy_over(before: datetime) -> Any:
    """Authorities in polls that have been closed so long."""
    return PollProxy.poll_id.in_(select(Poll.id).where(Poll.closed_at < before))


def _code_over(before: datetime) -> Any:
    return (HouseholdCode.revoked_at < before) | (HouseholdCode.expires_at < before)


def _proposal_over(before: datetime) -> Any:
    """A proposal that came to nothing, or whose role has ended.

    While somebody holds the role, their desk still has to know how they are called.
    """
    ended = select(RoleGrant.id).where(RoleGrant.ends_at < before)
    lapsed = RoleProposal.proposed_at < before - PROPOSAL_LASTS
    return (
        ((RoleProposal.decided_at < before) & RoleProposal.grant_id.is_(None))
        | (RoleProposal.grant_id.in_(ended))
        | (RoleProposal.decided_at.is_(None) & lapsed)
    )


def _stand_in_over(before: datetime) -> Any:
    return (RoleStandIn.ended_at < before) | (RoleStandIn.ends_at < before)


# By the names of `rules.PERIODS`; openings are erased poll by poll, with an entry in the record.
FIELDS: dict[str, tuple[tuple[Any, Over], ...]] = {
    "sessions": (
        (LoginSession, _session_over),
        (PasskeyChallenge, lambda before: PasskeyChallenge.expires_at < before),
    ),
    "desk_numbers": ((DeskConfirmation, _number_over),),
    "desk_visits": ((DeskVisit, lambda before: DeskVisit.until < before),),
    # Who acted for a body, and then the grant by which sessions knew it.
    "body_acting": ((Acting, _acting_over), (RoleGrant, _delegate_over)),
    "owner_roles": ((RoleGrant, _role_over(Role.OWNER)),),
    "proxies": ((PollProxy, _proxy_over),),
    "outreach": (
        (PaperRequest, lambda before: PaperRequest.ended_at < before),
        (PaperHanded, lambda before: PaperHanded.handed_at < before),
        (TurnoutLook, lambda before: TurnoutLook.looked_at < before),
        (HomeVisit, lambda before: HomeVisit.done_at < before),
    ),
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
    "role_proposals": ((RoleProposal, _proposal_over), (RoleStandIn, _stand_in_over)),
    "jobs": ((Job, lambda before: Job.done_at < before),),
    "sent_forms": ((SentForm, lambda before: SentForm.at < before),),
    "security_log": ((SecurityEvent, lambda before: SecurityEvent.at < before),),
}

"""Reads of requests for a correction, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.communities.addresses import address_short
from app.communities.models import Building, Estate, Household
from app.core.db import db
from app.core.errors import NotFound
from app.correcting.models import CorrectionRequest
from app.correcting.rules import State, What
from app.people.models import Membership

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

SHOWN = 50


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request; `is_in` is whether whoever asked is still a member of the household."""

    id: int
    household_id: int
    address: str
    what: What
    text: str
    asked_at: datetime
    state: State
    answer: str
    answered_at: datetime | None
    is_in: bool


_REQUEST = (
    select(
        CorrectionRequest,
        Estate.name.label("estate"),
        Building.name.label("building"),
        Household.stairwell,
        Household.room,
        Membership.id.label("membership"),
    )
    .join(
        Household,
        (Household.community_id == CorrectionRequest.community_id)
        & (Household.id == CorrectionRequest.household_id),
    )
    .join(Building, Building.id == Household.building_id)
    .join(Estate, Estate.id == Building.estate_id)
    .outerjoin(
        Membership,
        (Membership.community_id == CorrectionRequest.community_id)
        & (Membership.household_id == CorrectionRequest.household_id)
        & (Membership.person_id == CorrectionRequest.person_id)
        & Membership.ended_at.is_(None),
    )
)


def _view(row: Any) -> RequestView:
    asked = row.CorrectionRequest
    return RequestView(
        asked.id,
        asked.household_id,
        address_short(row.estate, row.building, row.stairwell, row.room),
        What(asked.what),
        asked.text,
        asked.asked_at,
        State(asked.state),
        asked.answer,
        asked.answered_at,
        row.membership is not None,
    )


def _requests(*conditions: ColumnElement[bool], newest: bool = False) -> list[RequestView]:
    order = CorrectionRequest.id.desc() if newest else CorrectionRequest.id.asc()
    rows = db.session.execute(_REQUEST.where(*conditions).order_by(order).limit(SHOWN))
    return [_view(row) for row in rows]


def own(community_id: int, person_id: int) -> list[RequestView]:
    """What somebody asked for here, the newest first."""
    return _requests(
        CorrectionRequest.community_id == community_id,
        CorrectionRequest.person_id == person_id,
        newest=True,
    )


def waiting(community_id: int) -> list[RequestView]:
    """What nobody has answered, the oldest first."""
    return _requests(
        CorrectionRequest.community_id == community_id, CorrectionRequest.state == State.WAITING
    )


def done(community_id: int) -> list[RequestView]:
    """What was answered, the newest first."""
    return _requests(
        CorrectionRequest.community_id == community_id,
        CorrectionRequest.state != State.WAITING,
        newest=True,
    )


def request_of(community_id: int, correction_id: int) -> RequestView:
    """One request. Raises: NotFound."""
    found = _requests(
        CorrectionRequest.community_id == community_id, CorrectionRequest.id == correction_id
    )
    if not found:
        raise NotFound("correction")
    return found[0]

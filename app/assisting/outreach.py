"""Reads of who wants paper and visits, who goes, and who has not voted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from app.assisting.models import HomeVisit, PaperHanded, PaperRequest, TurnoutLook
from app.assisting.rules import LookFor, PartOfDay, VisitPurpose
from app.communities.models import Household
from app.core import clock
from app.core.actor import STAFF
from app.core.db import db
from app.core.errors import NotFound
from app.people.models import Person, RoleGrant
from app.people.steps import role_is_living
from app.voting.models import Poll, PollVoter
from app.voting.rules import PollState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

LOOKS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Goer:
    """Somebody who works here and can go on a visit."""

    person_id: int
    display: str


def staff_who_go(community_id: int) -> list[Goer]:
    """Everybody with a role of this community's own staff that has not ended."""
    rows = db.session.execute(
        select(Person.id, Person.display)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(
            RoleGrant.community_id == community_id,
            RoleGrant.role.in_([role.value for role in STAFF]),
            role_is_living(clock.now()),
        )
        .distinct()
        .order_by(Person.id)
    )
    return [Goer(*row) for row in rows]


def has_not_voted(session: Session, community_id: int, poll_id: int) -> set[int]:
    """The households that were asked and have no ballot; for an operation that leaves its entry."""
    return {
        household
        for household in session.scalars(
            select(PollVoter.household_id).where(
                PollVoter.community_id == community_id,
                PollVoter.poll_id == poll_id,
                PollVoter.version == 0,
            )
        )
        if household is not None
    }


def _lives_there(model: Any) -> tuple[Any, ...]:
    """What the family asked that lives there now."""
    return (
        Household.community_id == model.community_id,
        Household.id == model.household_id,
        or_(Household.moved_out_at.is_(None), Household.moved_out_at < model.asked_at),
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request for paper that holds: in one poll, or from now on when `public_id` is empty."""

    id: int
    household_id: int
    public_id: str
    title: str
    asked_at: datetime


def wanted(community_id: int, household_id: int | None = None) -> list[Wanted]:
    """Requests for paper that hold, the oldest first; none for polls that are over."""
    mine = [PaperRequest.household_id == household_id] if household_id is not None else []
    rows = db.session.execute(
        select(
            PaperRequest.id,
            PaperRequest.household_id,
            Poll.public_id,
            Poll.title,
            PaperRequest.asked_at,
        )
        .outerjoin(
            Poll,
            (Poll.community_id == PaperRequest.community_id) & (Poll.id == PaperRequest.poll_id),
        )
        .join(Household, Household.id == PaperRequest.household_id)
        .where(
            PaperRequest.community_id == community_id,
            PaperRequest.ended_at.is_(None),
            *_lives_there(PaperRequest),
            or_(
                PaperRequest.poll_id.is_(None),
                Poll.state.in_([PollState.OPEN.value, PollState.SCHEDULED.value]),
            ),
            *mine,
        )
        .order_by(PaperRequest.id)
    )
    return [
        Wanted(row.id, row.household_id, row.public_id or "", row.title or "", row.asked_at)
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class ToHand:
    """Paper of an open poll that a household asked for and has not got."""

    household_id: int
    public_id: str
    title: str
    since: datetime


def to_hand(community_id: int) -> list[ToHand]:
    """What is still to be brought, the oldest request first."""
    rows = db.session.execute(
        select(PaperRequest.household_id, Poll.public_id, Poll.title, PaperRequest.asked_at)
        .join(
            Poll,
            (Poll.community_id == PaperRequest.community_id)
            & or_(PaperRequest.poll_id.is_(None), PaperRequest.poll_id == Poll.id),
        )
        .join(Household, Household.id == PaperRequest.household_id)
        .outerjoin(
            PaperHanded,
            (PaperHanded.community_id == Poll.community_id)
            & (PaperHanded.poll_id == Poll.id)
            & (PaperHanded.household_id == PaperRequest.household_id),
        )
        .where(
            PaperRequest.community_id == community_id,
            PaperRequest.ended_at.is_(None),
            *_lives_there(PaperRequest),
            Poll.state == PollState.OPEN.value,
            Poll.closes_at > clock.now(),
            Household.left_roll_at.is_(None),
            PaperHanded.id.is_(None),
        )
        .order_by(PaperRequest.id, Poll.id)
    )
    found: dict[tuple[int, str], ToHand] = {}
    for row in rows:
        # Asked for this poll and from now on, it is brought once.
        found.setdefault((row.household_id, row.public_id), ToHand(*row))
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit to come: who asked, what for, when it suits; and once planned, when and who goes."""

    id: int
    household_id: int
    purpose: VisitPurpose
    wished: PartOfDay
    asked_at: datetime
    planned_at: datetime | None
    who: tuple[str, ...]


def visits_to_come(community_id: int, household_id: int | None = None) -> list[Visit]:
    """Visits that are not done, those without a day first, then by day."""
    mine = [HomeVisit.household_id == household_id] if household_id is not None else []
    rows = db.session.scalars(
        select(HomeVisit)
        .join(Household, Household.id == HomeVisit.household_id)
        .where(
            HomeVisit.community_id == community_id,
            HomeVisit.done_at.is_(None),
            *_lives_there(HomeVisit),
            *mine,
        )
        .order_by(HomeVisit.planned_at.is_not(None), HomeVisit.planned_at, HomeVisit.id)
    ).all()
    going = {row.first_id for row in rows} | {row.second_id for row in rows}
    asked = select(Person.id, Person.display).where(Person.id.in_(going - {None}))
    names = {row.id: row.display for row in db.session.execute(asked)}
    return [
        Visit(
            row.id,
            row.household_id,
            VisitPurpose(row.purpose),
            PartOfDay(row.wished),
            row.asked_at,
            row.planned_at,
            tuple(names[one] for one in (row.first_id, row.second_id) if one is not None),
        )
        for row in rows
    ]


def visit_to_come(community_id: int, visit_id: int) -> Visit:
    """One of them. Raises: NotFound, also once it is done."""
    for visit in visits_to_come(community_id):
        if visit.id == visit_id:
            return visit
    raise NotFound("visit")


def is_known(community_id: int, visit_id: int) -> bool:
    """Whether there ever was such a visit here."""
    mine = HomeVisit.community_id == community_id, HomeVisit.id == visit_id
    return db.session.scalar(select(HomeVisit.id).where(*mine)) is not None


@dataclass(frozen=True, slots=True)
class Look:
    """That a list of households that have not voted was looked at, and what for."""

    title: str
    purpose: LookFor
    at: datetime


def looks(community_id: int) -> list[Look]:
    """The newest looks at such lists."""
    rows = db.session.execute(
        select(Poll.title, TurnoutLook.purpose, TurnoutLook.looked_at)
        .join(
            Poll, (Poll.community_id == TurnoutLook.community_id) & (Poll.id == TurnoutLook.poll_id)
        )
        .where(TurnoutLook.community_id == community_id)
        .order_by(TurnoutLook.id.desc())
        .limit(LOOKS_SHOWN)
    )
    return [Look(row.title, LookFor(row.purpose), row.looked_at) for row in rows]

"""Reads over all rooms for the homes, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from app.communities.models import Community, Household, Jurisdiction
from app.communities.queries import communities_below, community_by_id, residences
from app.consultations.models import Topic
from app.consultations.rules import ENDED, UNSEEN
from app.core import clock
from app.core.actor import Home
from app.core.db import db
from app.core.errors import NotFound
from app.core.times import end_text, time_text
from app.people.models import HouseholdCode, Membership
from app.people.rules import JoinedBy
from app.people.steps import register_errands
from app.projects.models import Project
from app.projects.queries import ProjectView, all_projects
from app.ratings.models import Rating, RepairTask
from app.voting.models import Poll, PollVoter
from app.voting.queries import TURNOUT
from app.voting.rules import PollKind, PollState
from app.voting.words import countdown, is_urgent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement

SHORT_KEY = 6


# In by a code of theirs; whom a clerk helped at the desk has used none.
_BY_CODE = Membership.ended_at.is_(None), Membership.joined_by != JoinedBy.PRESENT


@dataclass(frozen=True, slots=True)
class CommunityLine:
    """A community in a list to choose from."""

    code: str
    name: str
    demo: bool


@dataclass(frozen=True, slots=True)
class PollLine:
    """A poll on a home page. `phase` is what it is now, even when a worker is late."""

    public_id: str
    title: str
    kind: str
    phase: str
    opens_at: datetime
    closes_at: datetime
    publication_until: datetime | None
    heads: int
    turnout: int
    may_vote: bool
    voted_at: datetime | None
    until: str
    urgent: bool

    @property
    def rates(self) -> bool:
        """Whether it asks how finished work is liked."""
        return self.kind == PollKind.SATISFACTION_RATING


@dataclass(frozen=True, slots=True)
class HomePolls:
    """The polls of a home page, by what they ask of the reader."""

    waiting: tuple[PollLine, ...]
    going_on: tuple[PollLine, ...]
    decided: tuple[PollLine, ...]

    @property
    def seen(self) -> bool:
        """Whether there is any poll to show."""
        return bool(self.waiting or self.going_on or self.decided)


@dataclass(frozen=True, slots=True)
class DeskHome:
    """What the desk has before it today. Counts are of households."""

    households: int
    with_code: int
    locked: int
    joined: int
    drafts: tuple[PollLine, ...]
    open: tuple[PollLine, ...]
    to_publish: tuple[PollLine, ...]
    in_publication: tuple[PollLine, ...]
    has_polls: bool

    @property
    def households_text(self) -> str:
        """The number of residences with thousands separators."""
        return f"{self.households:,}"

    @property
    def with_code_text(self) -> str:
        """The number of residences with a living code."""
        return f"{self.with_code:,}"

    @property
    def joined_text(self) -> str:
        """The number of residences with a member."""
        return f"{self.joined:,}"


@dataclass(frozen=True, slots=True)
class DistrictRow:
    """One community in a district's overview: facts, no ranking."""

    code: str
    name: str
    households: int
    joined: int
    topics: int
    topics_ended: int
    open_polls: int
    decided_polls: int
    projects: int
    rated: int
    overdue_repairs: int

    @property
    def cells(self) -> tuple[str, ...]:
        """The row's numbers in the order of the table."""
        numbers = (
            self.households,
            self.joined,
            self.topics,
            self.topics_ended,
            self.open_polls,
            self.decided_polls,
            self.projects,
            self.rated,
            self.overdue_repairs,
        )
        return tuple(f"{number:,}" for number in numbers)


@dataclass(frozen=True, slots=True)
class PollAddress:
    """Where a poll's public page is."""

    code: str
    poll_id: str


def all_communities() -> list[CommunityLine]:
    """Every community, by name."""
    rows = db.session.execute(
        select(Community.code, Community.name, Community.demo).order_by(Community.name)
    )
    return [CommunityLine(*row) for row in rows]


def communities_by_street() -> list[tuple[str, list[CommunityLine]]]:
    """Every community under the name of what it lies in directly, both in the order of names."""
    rows = db.session.execute(
        select(
            Jurisdiction.id,
            Jurisdiction.name.label("street"),
            Community.code,
            Community.name,
            Community.demo,
        )
        .join(Community, Community.jurisdiction_id == Jurisdiction.id)
        .order_by(Jurisdiction.name, Jurisdiction.id, Community.name)
    )
    found: dict[int, tuple[str, list[CommunityLine]]] = {}
    for row in rows:
        line = CommunityLine(row.code, row.name, row.demo)
        found.setdefault(row.id, (row.street, []))[1].append(line)
    return list(found.values())


def poll_by_short_key(key: str) -> PollAddress:
    """The poll a poster's short address means. Raises: NotFound."""
    row = db.session.execute(
        select(Community.code, Poll.public_id)
        .join(Community, Community.id == Poll.community_id)
        .where(Poll.public_id == key, Poll.opened_at.is_not(None))
    ).first()
    if row is None:
        raise NotFound("poll")
    return PollAddress(*row)


def home_polls(community_id: int, home: Home | None) -> HomePolls:
    """Polls as this reader meets them: waiting for their household, going on, decided."""
    lines = _poll_lines(community_id, home)
    seen = [line for line in lines if line.phase not in {"draft", "scheduled"}]
    waiting = [
        line for line in seen if line.phase == "open" and line.may_vote and not line.voted_at
    ]
    going_on = [line for line in seen if line.phase in {"open", "counting"} and line not in waiting]
    decided = [line for line in seen if line.phase in {"closed", "published", "final"}]
    return HomePolls(tuple(waiting), tuple(going_on), tuple(decided))


def desk_home(community_id: int) -> DeskHome:
    """What is due at the desk, and how far the letters have come."""
    lines = _poll_lines(community_id, None)
    living = (
        HouseholdCode.community_id == community_id,
        HouseholdCode.revoked_at.is_(None),
        HouseholdCode.expires_at > clock.now(),
        HouseholdCode.household_id.in_(select(Household.id).where(*residences(community_id))),
    )
    return DeskHome(
        households=_count(select(func.count(Household.id)).where(*residences(community_id))),
        with_code=_count(select(func.count(HouseholdCode.id)).where(*living)),
        locked=_count(
            select(func.count(HouseholdCode.id)).where(
                *living, HouseholdCode.locked_at.is_not(None)
            )
        ),
        joined=_joined(community_id),
        drafts=_in(lines, "draft", "scheduled"),
        open=_in(lines, "open", "counting"),
        to_publish=_in(lines, "closed"),
        in_publication=_in(lines, "published"),
        has_polls=any(line.phase not in {"draft", "scheduled"} for line in lines),
    )


def designer_projects(community_id: int) -> list[ProjectView]:
    """The projects a designer of this community works on."""
    return all_projects(community_id)


def district_rows(jurisdiction_id: int) -> list[DistrictRow]:
    """All communities below a jurisdiction in the order of their names."""
    places = communities_below(jurisdiction_id)
    ids = [place.id for place in places]
    unseen, ended = [state.value for state in UNSEEN], [state.value for state in ENDED]
    talked = Topic.state.not_in(unseen)
    decided = [PollState.CLOSED.value, PollState.PUBLISHED.value, PollState.FINAL.value]
    on_the_roll = Household.unit_type == "residence", Household.left_roll_at.is_(None)
    overdue = RepairTask.done_at.is_(None), RepairTask.due < clock.now()
    counts = {
        "households": _per_place(ids, Household, *on_the_roll),
        "joined": _per_place(ids, Membership, *_BY_CODE, each=Membership.household_id),
        "topics": _per_place(ids, Topic, talked, Topic.state.not_in(ended)),
        "topics_ended": _per_place(ids, Topic, talked, Topic.state.in_(ended)),
        "open_polls": _per_place(ids, Poll, Poll.state == PollState.OPEN.value),
        "decided_polls": _per_place(ids, Poll, Poll.state.in_(decided)),
        "projects": _per_place(ids, Project),
        "rated": _per_place(ids, Rating, each=Rating.project_code),
        "overdue_repairs": _per_place(ids, RepairTask, *overdue),
    }
    return [
        DistrictRow(place.code, place.name, **{k: n.get(place.id, 0) for k, n in counts.items()})
        for place in places
    ]


def _per_place(
    ids: Sequence[int], model: Any, *conditions: ColumnElement[bool], each: Any = None
) -> dict[int, int]:
    """How many rows, or how many different values of `each`, every community has."""
    number = func.count() if each is None else func.count(func.distinct(each))
    rows = db.session.execute(
        select(model.community_id, number)
        .where(model.community_id.in_(ids), *conditions)
        .group_by(model.community_id)
    )
    return {row[0]: row[1] for row in rows}


def _joined(community_id: int) -> int:
    return _count(
        select(func.count(func.distinct(Membership.household_id))).where(
            Membership.community_id == community_id,
            *_BY_CODE,
            Membership.household_id.in_(select(Household.id).where(*residences(community_id))),
        )
    )


def _count(statement: object) -> int:
    return db.session.scalar(statement) or 0  # type: ignore[call-overload]


def _in(lines: Sequence[PollLine], *phases: str) -> tuple[PollLine, ...]:
    return tuple(line for line in lines if line.phase in phases)


def _poll_lines(community_id: int, home: Home | None) -> list[PollLine]:
    household_id = home.household_id if home else None
    rows = db.session.execute(
        select(
            Poll.public_id,
            Poll.title,
            Poll.kind,
            Poll.state,
            Poll.opens_at,
            Poll.closes_at,
            Poll.publication_until,
            Poll.heads,
            TURNOUT,
            PollVoter.id.label("voter_id"),
            PollVoter.cast_at,
        )
        .outerjoin(
            PollVoter,
            (PollVoter.community_id == Poll.community_id)
            & (PollVoter.poll_id == Poll.id)
            & (PollVoter.household_id == household_id),
        )
        .where(Poll.community_id == community_id)
        .order_by(Poll.closes_at.desc())
    )
    now = clock.now()
    return [
        PollLine(
            public_id=row.public_id,
            title=row.title,
            kind=row.kind,
            phase="counting" if row.state == "open" and now >= row.closes_at else row.state,
            opens_at=row.opens_at,
            closes_at=row.closes_at,
            publication_until=row.publication_until,
            heads=row.heads,
            turnout=row.live_turnout,
            may_vote=row.voter_id is not None,
            voted_at=row.cast_at,
            until=_until(row, now),
            urgent=is_urgent(row.closes_at, now),
        )
        for row in rows
    ]


def _until(row: Any, now: datetime) -> str:
    """When the poll's present phase ends, in words."""
    if row.state == "draft":
        return _("草稿，还没有开放")
    if row.state == "scheduled":
        return _("%(at)s 自动开放", at=time_text(row.opens_at))
    if row.state == "published" and row.publication_until is not None:
        return _("公示到 %(until)s", until=end_text(row.publication_until))
    return countdown(row.closes_at, now)


@register_errands
def waiting_ballots(community_id: int, household_id: int) -> list[str]:
    """The ballots that wait for a household, as addresses."""
    lines = home_polls(community_id, Home(community_id, household_id)).waiting
    code = community_by_id(community_id).code
    return [url_for("voting.ballot", code=code, poll_id=line.public_id) for line in lines]

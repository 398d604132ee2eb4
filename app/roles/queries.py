"""Who holds which role here, what is proposed, and whom a role can be proposed for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from sqlalchemy import and_, select

from app.communities import queries as communities
from app.core import clock
from app.core.actor import NO_OFFICE, OF_A_MEETING, Role
from app.core.db import db
from app.core.errors import NotFound
from app.core.words import listed
from app.meetings import queries as meetings
from app.meetings.rules import MeetingState
from app.people.member_queries import homes_text_of
from app.people.models import Membership, Person, RoleGrant, StaffAccount
from app.people.steps import role_is_living
from app.policy import roles as rules
from app.policy.roles import TERMS, Party, Scope
from app.policy.table import Place
from app.roles import steps
from app.roles.models import RoleProposal, RoleStandIn

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime


ENDED_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Held:
    """A role that is held, or was. `called` is how the desk knows who holds it."""

    grant_id: int
    person_id: int
    role: Role
    scope: str
    called: str
    address: str
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal, with everybody it is about as the desk knows them."""

    id: int
    role: Role
    scope: str
    person_id: int
    called: str
    address: str
    ends_at: datetime
    reason: str
    proposed_by: int
    proposed_by_name: str
    proposed_as: Role
    proposed_at: datetime
    outcome: str
    word: str
    decided_at: datetime | None

    @property
    def opens(self) -> bool:
        """Whether an administrator proposed it together with a new account."""
        return self.proposed_as in rules.OPENERS


@dataclass(frozen=True, slots=True)
class StandIn:
    """Who stands in for a second person now."""

    person_id: int
    display: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody whom a role can be proposed for."""

    person_id: int
    called: str


def living(place: Place) -> list[Held]:
    """Every role held in a community now, in the table's order; the longest held first."""
    now = clock.now()
    found = _held(place, role_is_living(now), None)
    order = list(TERMS)
    return sorted(found, key=lambda one: (order.index(one.role), one.starts_at, one.grant_id))


def ended(place: Place) -> list[Held]:
    """The roles that ended, the latest first."""
    return _held(place, RoleGrant.ends_at <= clock.now(), ENDED_SHOWN)


def of_person(community_id: int, person_id: int) -> list[Held]:
    """Every role one person holds or held here, the latest first."""
    place = Place(community_id)
    return _held(place, RoleGrant.person_id == person_id, None)


def held(place: Place, grant_id: int) -> Held:
    """One living role of a community. Raises: NotFound."""
    found = _held(place, and_(RoleGrant.id == grant_id, role_is_living(clock.now())), 1)
    if not found:
        raise NotFound("role")
    return found[0]


def _held(place: Place, condition: Any, most: int | None) -> list[Held]:
    rows = db.session.execute(
        select(
            RoleGrant.id,
            RoleGrant.person_id,
            RoleGrant.role,
            RoleGrant.scope,
            RoleGrant.starts_at,
            RoleGrant.ends_at,
            Person.display,
            RoleProposal.called,
        )
        .join(Person, Person.id == RoleGrant.person_id)
        .outerjoin(
            RoleProposal,
            (RoleProposal.community_id == RoleGrant.community_id)
            & (RoleProposal.grant_id == RoleGrant.id),
        )
        .where(
            RoleGrant.community_id == place.community_id,
            RoleGrant.role.not_in(NO_OFFICE),
            condition,
        )
        .order_by(RoleGrant.ends_at.desc(), RoleGrant.id.desc())
        .limit(most)
    ).all()
    homes = _homes(place, [row.person_id for row in rows])
    return [
        Held(
            row.id,
            row.person_id,
            Role(row.role),
            row.scope,
            row.display or row.called or "",
            homes.get(row.person_id, ""),
            row.starts_at,
            row.ends_at,
        )
        for row in rows
        if Role(row.role) in TERMS
    ]


def _homes(place: Place, person_ids: Sequence[int]) -> dict[int, str]:
    return homes_text_of(place.community_id or 0, person_ids)


def waiting(place: Place) -> list[Proposed]:
    """Proposals on which nobody has decided, the oldest first; what lapsed is left out."""
    since = clock.now() - rules.PROPOSAL_LASTS
    return _proposals(place, RoleProposal.outcome == "", RoleProposal.proposed_at >= since)


def refused(place: Place) -> list[Proposed]:
    """Proposals that were refused, the latest first."""
    return _proposals(place, RoleProposal.outcome == "refused")[::-1][:ENDED_SHOWN]


def proposal(place: Place, proposal_id: int) -> Proposed:
    """One proposal. Raises: NotFound."""
    found = _proposals(place, RoleProposal.id == proposal_id)
    if not found:
        raise NotFound("proposal")
    return found[0]


def about_person(community_id: int, person_id: int) -> list[Proposed]:
    """Every proposal of a role for one person, the oldest first."""
    return _proposals(Place(community_id), RoleProposal.person_id == person_id)


def _proposals(place: Place, *conditions: Any) -> list[Proposed]:
    proposer, candidate = Person.__table__.alias("proposer"), Person.__table__.alias("candidate")
    rows = db.session.execute(
        select(
            RoleProposal,
            proposer.c.display.label("by_name"),
            candidate.c.display.label("name"),
        )
        .join(proposer, proposer.c.id == RoleProposal.proposed_by)
        .join(candidate, candidate.c.id == RoleProposal.person_id)
        .where(RoleProposal.community_id == place.community_id, *conditions)
        .order_by(RoleProposal.id)
    ).all()
    homes = _homes(place, [row.RoleProposal.person_id for row in rows])
    return [_proposed(row.RoleProposal, row.name, row.by_name, homes) for row in rows]


def _proposed(row: RoleProposal, name: str, by_name: str, homes: dict[int, str]) -> Proposed:
    return Proposed(
        row.id,
        Role(row.role),
        row.scope,
        row.person_id,
        name or row.called,
        homes.get(row.person_id, ""),
        row.ends_at,
        row.reason,
        row.proposed_by,
        by_name,
        Role(row.proposed_as),
        row.proposed_at,
        row.outcome,
        row.word,
        row.decided_at,
    )


def stand_in(place: Place) -> StandIn | None:
    """Who stands in now, if anybody is named."""
    row = db.session.execute(
        select(Person.id, Person.display, RoleStandIn.ends_at)
        .join(Person, Person.id == RoleStandIn.person_id)
        .where(
            RoleStandIn.community_id == place.community_id,
            RoleStandIn.ended_at.is_(None),
            RoleStandIn.ends_at > clock.now(),
        )
    ).first()
    return StandIn(*row) if row is not None else None


def party(place: Place, person_id: int) -> Party:
    """Somebody with what they hold here and above."""
    return steps.party(db.session(), place, person_id, clock.now())


def may_decide(place: Place, one: Proposed, reader: Party) -> str:
    """Why a reader cannot decide on a proposal; empty when they can."""
    now, session = clock.now(), db.session()
    if one.outcome:
        return "decided"
    return rules.decision_problem(
        reader,
        party(place, one.proposed_by),
        party(place, one.person_id),
        rules.Asked(one.role, one.scope, one.ends_at),
        seconds=steps.holders(session, place, rules.approvers(one.role, opens=one.opens), now),
        proposed_at=one.proposed_at,
        now=now,
        opens=one.opens,
    )


def deciders(place: Place, role: Role, proposer_id: int) -> list[tuple[Role, str]]:
    """Who could give a role that is proposed with a new account, by the role they decide by."""
    wanted = [one.value for one in rules.approvers(role, opens=True)]
    rows = db.session.execute(
        select(RoleGrant.role, Person.display)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(
            steps.in_place(place),
            RoleGrant.role.in_(wanted),
            RoleGrant.person_id != proposer_id,
            role_is_living(clock.now()),
        )
        .order_by(RoleGrant.id)
    )
    found = [(Role(row.role), row.display) for row in rows]
    standing = stand_in(place)
    if found or standing is None or not TERMS[role].second:
        return found
    held = party(place, standing.person_id).roles() & rules.STAND_INS
    return [(role, standing.display) for role in sorted(held)[:1]]


def latest_end(place: Place, role: Role, proposer_id: int) -> datetime:
    """Until when a role is proposed with a new account where no day is named."""
    proposer = party(place, proposer_id)
    return steps.latest_end(db.session(), place, proposer, role, clock.now())


def opened(place: Place) -> list[Proposed]:
    """The accounts that wait for another person's word, the oldest first."""
    return [one for one in waiting(place) if one.opens]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A proposal that waits for its reader's word, and in which community."""

    code: str
    community: str
    proposal: Proposed


# Whoever is above a whole city is shown so many; the rest comes up when these are decided.
SHOWN_WAITING = 20


def to_decide(reader_id: int, community_ids: Collection[int] | None = None) -> list[Waiting]:
    """Proposals that somebody may decide on now, the oldest first; everywhere without ids."""
    since = clock.now() - rules.PROPOSAL_LASTS
    query = select(RoleProposal.id, RoleProposal.community_id).where(
        RoleProposal.outcome == "",
        RoleProposal.proposed_at >= since,
        RoleProposal.proposed_by != reader_id,
        RoleProposal.person_id != reader_id,
    )
    if community_ids is not None:
        query = query.where(RoleProposal.community_id.in_(community_ids))
    rows = db.session.execute(query.order_by(RoleProposal.id)).all()
    found: list[Waiting] = []
    parties: dict[int, tuple[communities.CommunityView, Party]] = {}
    for row in rows:
        if row.community_id not in parties:
            here = communities.community_by_id(row.community_id)
            parties[row.community_id] = here, party(here.place, reader_id)
        here, reader = parties[row.community_id]
        if len(found) < SHOWN_WAITING and reader.holdings:
            one = proposal(here.place, row.id)
            if not may_decide(here.place, one, reader):
                found.append(Waiting(here.code, here.name, one))
    return found


def candidates(place: Place, role: Role, without: int | None) -> list[Candidate]:
    """Whom the desk knows: those with an account here, and representatives for a meeting."""
    now = clock.now()
    query = (
        select(Person.id, Person.display, StaffAccount.id.label("account"))
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .outerjoin(StaffAccount, StaffAccount.person_id == Person.id)
        .where(
            RoleGrant.community_id == place.community_id,
            RoleGrant.role.not_in(NO_OFFICE),
            role_is_living(now),
        )
        .order_by(Person.id)
        .distinct()
    )
    if role is Role.REPRESENTATIVE:
        return []
    rows = db.session.execute(query).all()
    called = {one.person_id: one.called or one.address for one in living(place)}
    return [
        Candidate(row.id, row.display or called.get(row.id, ""))
        for row in rows
        if row.id != without and (row.account is not None or role in OF_A_MEETING)
    ]


def stand_in_candidates(place: Place) -> list[Candidate]:
    """Whoever can be named to stand in: of another role than the committee's."""
    session, now = db.session(), clock.now()
    found = steps.holders(session, place, rules.STAND_INS, now)
    found -= steps.holders(session, Place(place.community_id), rules.COMMITTEE, now)
    rows = session.execute(
        select(Person.id, Person.display).where(Person.id.in_(found)).order_by(Person.id)
    )
    return [Candidate(*row) for row in rows]


def resident(place: Place, member_id: int) -> Candidate:
    """A living member of a household, by where they live.

    Raises: NotFound, for one whom the household does not know too.
    """
    row = db.session.execute(
        select(Membership.person_id, Membership.household_id).where(
            Membership.community_id == place.community_id,
            Membership.id == member_id,
            Membership.ended_at.is_(None),
            Membership.contested_at.is_(None),
        )
    ).first()
    if row is None:
        raise NotFound("member")
    address = communities.address_of(place.community_id or 0, row.household_id)
    return Candidate(row.person_id, address.short)


def coming_meetings(community_id: int) -> list[tuple[str, str, datetime]]:
    """Meetings that have not ended: their scope, their title, when they begin."""
    coming = {MeetingState.ANNOUNCED, MeetingState.OPEN}
    return [
        (f"meeting:{one.public_id}", one.title, one.starts_at)
        for one in meetings.meetings_of(community_id)
        if one.state in coming
    ]


def _group_words(group: Sequence[communities.BuildingView]) -> str:
    """The buildings of a group, estate by estate, in the reader's language."""
    estates = dict.fromkeys(one.estate for one in group)
    parts = []
    for estate in estates:
        names = [_("%(name)s 号楼", name=one.name) for one in group if one.estate == estate]
        parts.append(f"{estate} {listed(names)}")
    return " · ".join(parts)


def scope_words(community_id: int, scopes: Collection[str]) -> dict[str, str]:
    """What each of these scopes is for, by name; the whole community is left out."""
    kinds = {scope: rules.scope_kind(scope) for scope in scopes}
    named: dict[str, str] = {}
    if Scope.GROUP in kinds.values():
        there = communities.buildings(community_id)
        for scope in scopes:
            group = rules.group_of(scope)
            if group:
                named[scope] = _group_words([one for one in there if one.id in group])
    if Scope.MEETING in kinds.values():
        titles = {f"meeting:{m.public_id}": m.title for m in meetings.meetings_of(community_id)}
        named |= {scope: titles[scope] for scope in scopes if scope in titles}
    return named

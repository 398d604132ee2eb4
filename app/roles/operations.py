"""Proposing, giving, refusing and ending roles, and naming who stands in for a second person.

What was given, refused or ended is a public act, and its person a commitment: the record says
which role, not who. What was tried in vain is access, and goes to the security log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.communities.queries import buildings
from app.core import clock
from app.core import record as records
from app.core.actor import Role
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.record import Act, record
from app.meetings.models import Meeting
from app.meetings.rules import MeetingState
from app.people.ages import is_minor
from app.people.credential_steps import take_away
from app.people.models import Membership, Person, RoleGrant, StaffAccount
from app.people.steps import GivenRole, end_roles, give_role, role_is_living, security
from app.policy import roles as rules
from app.policy.roles import TERMS, Asked, Party, Scope
from app.policy.table import Permission, Place, allowed, require
from app.roles import steps
from app.roles.models import RoleProposal, RoleStandIn
from app.roles.proposing import NewProposal, propose

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor

GIVEN = records.register(
    "role.given",
    {"role", "scope", "ends_at", "proposed_as"},
    {"person", "proposer", "reason"},
    "a role proposed by one is given by another; who holds it is committed to, not named",
)
REFUSED = records.register(
    "role.refused",
    {"role", "scope", "proposed_as"},
    {"person", "proposer", "word"},
    "a proposed role is not given",
)
ENDED = records.register(
    "role.ended",
    {"role", "scope", "by_holder"},
    {"person", "word"},
    "a role ends before its day, by the holder's own word or by who may end it",
)
STAND_IN = records.register(
    "stand_in.named",
    {"ends_at", "as_role"},
    {"person", "reason"},
    "somebody of another role is named who approves where the committee has no second person",
)


def propose_role(actor: Actor, *, community_id: int, new: NewProposal) -> int:
    """Propose a role for somebody; gives the proposal's id.

    What the rules refuse is noted in the security log. Raises: NotFound; RuleBroken role.*.
    """
    try:
        with transaction() as session:
            require(actor, Permission.ROLE_PROPOSE, Place(community_id))
            place, now = steps.hold(session, community_id), clock.now()
            proposer = steps.party(session, place, actor.require_person(), now)
            candidate = steps.party(session, place, new.person_id, now)
            problem = (
                ("" if new.reason.strip() else "no_reason")
                or rules.proposal_problem(proposer, candidate, new.asked, now)
                or _person_problem(session, community_id, new)
                or _scope_problem(session, place, new.asked, now)
            )
            if not problem:
                return propose(session, proposer, community_id, new)
            _refuse(session, actor, community_id, new.role, problem)
    except IntegrityError:
        problem = "twice"
        with transaction() as session:
            _refuse(session, actor, community_id, new.role, problem)
    raise RuleBroken(f"role.{problem}")


def note_beyond(actor: Actor, *, community_id: int, role: Role) -> None:
    """Note that somebody asked for a role that nobody in a community can propose."""
    with transaction() as session:
        require(actor, Permission.ROLE_PROPOSE, Place(community_id))
        _refuse(session, actor, community_id, role, "beyond")


def _refuse(
    session: Session, actor: Actor, community_id: int, role: Role | None, problem: str
) -> None:
    security(
        session,
        "role.attempt_refused",
        community_id=community_id,
        person_id=actor.person_id,
        role=role.value if role is not None else "",
        why=problem,
    )


def _account_problem(session: Session, person_id: int) -> str:
    """Whoever an account was opened for has it still."""
    account = select(StaffAccount.id).where(StaffAccount.person_id == person_id)
    return "" if session.scalar(account.limit(1)) is not None else "no_account"


def _person_problem(session: Session, community_id: int, new: NewProposal) -> str:
    """A role at the desk needs a second factor and a role here; a representative lives here."""
    works = (
        select(StaffAccount.id)
        .join(RoleGrant, RoleGrant.person_id == StaffAccount.person_id)
        .where(
            StaffAccount.person_id == new.person_id,
            RoleGrant.community_id == community_id,
            role_is_living(clock.now()),
        )
    )
    works_here = session.scalar(works.limit(1)) is not None
    if TERMS[new.role].account:
        return "" if works_here else "no_account"
    lives_here = session.scalar(
        select(Membership.id)
        .where(
            Membership.community_id == community_id,
            Membership.person_id == new.person_id,
            Membership.ended_at.is_(None),
            Membership.contested_at.is_(None),
        )
        .limit(1)
    )
    if new.role is Role.REPRESENTATIVE:
        of_age = not is_minor(session, new.person_id)
        return "" if lives_here is not None and of_age else "no_resident"
    return "" if lives_here is not None or works_here else "no_person"


def _scope_problem(session: Session, place: Place, asked: Asked, now: datetime) -> str:
    """Whether the meeting is still to come, or the group is large enough for one more."""
    kind = TERMS[asked.role].scope
    if kind is Scope.MEETING:
        state = session.scalar(
            select(Meeting.state).where(
                Meeting.community_id == place.community_id,
                Meeting.public_id == asked.scope.partition(":")[2],
            )
        )
        coming = {MeetingState.ANNOUNCED.value, MeetingState.OPEN.value}
        return "" if state in coming else "meeting_over"
    if kind is Scope.GROUP:
        households = {one.id: one.households for one in buildings(place.community_id or 0)}
        others = [rules.group_of(scope) for scope in steps.groups(session, place, now)]
        return rules.group_problem(rules.group_of(asked.scope), households, others)
    return ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a second person says to a proposal."""

    give: bool
    word: str = ""


def decide_role(actor: Actor, *, community_id: int, proposal_id: int, decision: Decision) -> None:
    """Give or refuse a proposed role, as another person than who proposed it and whom it is for.

    Raises: NotFound; RuleBroken role.*, role.decided when somebody was first.
    """
    with transaction() as session:
        place = steps.hold(session, community_id)
        proposal, now = _proposal(session, community_id, proposal_id), clock.now()
        decider = steps.party(session, place, actor.require_person(), now)
        may = allowed(actor, Permission.ROLE_DECIDE, place)
        problem = (
            _decision_problem(session, place, decider, proposal, decision)
            if may
            else "no_permission"
        )
        if not problem:
            _decide(session, actor, decider, proposal, decision)
            return
        _refuse(session, actor, community_id, Role(proposal.role), problem)
    # Noted first: who proposes and may not decide could try to give it all the same.
    require(actor, Permission.ROLE_DECIDE, place)
    raise RuleBroken(f"role.{problem}")


def _proposal(session: Session, community_id: int, proposal_id: int) -> RoleProposal:
    found = session.scalar(
        select(RoleProposal)
        .where(RoleProposal.community_id == community_id, RoleProposal.id == proposal_id)
        .with_for_update()
    )
    if found is None:
        raise NotFound("proposal")
    return found


def _decision_problem(
    session: Session,
    place: Place,
    decider: Party,
    proposal: RoleProposal,
    decision: Decision,
) -> str:
    if proposal.outcome:
        return "decided"
    now, role, opens = clock.now(), Role(proposal.role), _opens(proposal)
    asked = Asked(role, proposal.scope, proposal.ends_at)
    proposer = steps.party(session, place, proposal.proposed_by, now)
    candidate = steps.party(session, place, proposal.person_id, now)
    problem = rules.decision_problem(
        decider,
        proposer,
        candidate,
        asked,
        seconds=steps.holders(session, place, rules.approvers(role, opens=opens), now),
        proposed_at=proposal.proposed_at,
        now=now,
        opens=opens,
    )
    if problem or not decision.give:
        return problem or ("" if decision.word.strip() else "no_word")
    latest = rules.latest_to_give(decider, role, opens=opens)
    if latest is not None and latest < proposal.ends_at:
        return "past_decider_end"
    # What was sound when it was proposed may not be so any more.
    new = NewProposal(role, proposal.person_id, proposal.ends_at, "", proposal.scope)
    return (
        rules.proposal_problem(proposer, candidate, asked, now, opens=opens)
        or (
            _account_problem(session, new.person_id)
            if opens
            else _person_problem(session, place.community_id or 0, new)
        )
        or _scope_problem(session, place, asked, now)
    )


def _opens(proposal: RoleProposal) -> bool:
    """Whether an administrator proposed it with a new account; nothing else do they propose."""
    return Role(proposal.proposed_as) in rules.OPENERS


def _decide(
    session: Session, actor: Actor, decider: Party, proposal: RoleProposal, decision: Decision
) -> None:
    as_role = _decides_as(decider, Role(proposal.role), opens=_opens(proposal))
    proposal.outcome = "given" if decision.give else "refused"
    proposal.decided_by, proposal.decided_at = decider.person_id, clock.now()
    proposal.decided_as = as_role.value
    proposal.word = decision.word.strip()[: rules.LONGEST_WORD]
    data: dict[str, object] = {
        "role": proposal.role,
        "scope": _public_scope(proposal.scope),
        "proposed_as": proposal.proposed_as,
    }
    private: dict[str, object] = {
        "person": _person(session, proposal.person_id),
        "proposer": _person(session, proposal.proposed_by),
    }
    if decision.give:
        given = GivenRole(Role(proposal.role), proposal.scope, proposal.ends_at)
        grant = give_role(session, proposal.person_id, proposal.community_id, given)
        proposal.grant_id = grant.id
        data["ends_at"] = clock.to_record(proposal.ends_at)
        private["reason"] = proposal.reason
    else:
        private["word"] = proposal.word
        if _opens(proposal):
            take_away(session, proposal.person_id)
    kind = GIVEN if decision.give else REFUSED
    subject = f"role:{proposal.id}"
    act = Act(kind, subject, data, private, acted_as=as_role.value)
    record(session, actor, act, proposal.community_id)


def _decides_as(decider: Party, role: Role, *, opens: bool) -> Role:
    """The role by which somebody decides: one that approves, else a stand-in's own."""
    approving = rules.approvers(role, opens=opens)
    held = [one.role for one in decider.holdings]
    standing = [one for one in held if one in rules.STAND_INS]
    return next((one for one in held if one in approving), None) or standing[0]


def _person(session: Session, person_id: int) -> dict[str, str | None]:
    """What a commitment to somebody is made of."""
    return {"person": session.scalar(select(Person.ref).where(Person.id == person_id))}


def _public_scope(scope: str) -> str:
    """What the record says a role is for: a meeting by its id, a group without its addresses."""
    kind = rules.scope_kind(scope)
    return scope if kind is Scope.MEETING else kind.value


def end_given_role(actor: Actor, *, community_id: int, grant_id: int, word: str) -> None:
    """End a role, at once and in every session: as who may end it, or as who holds it.

    Raises: NotFound; RuleBroken role.not_yours, role.no_word.
    """
    with transaction() as session:
        place, now = steps.hold(session, community_id), clock.now()
        grant = session.scalar(
            select(RoleGrant).where(
                RoleGrant.id == grant_id,
                RoleGrant.community_id == community_id,
                role_is_living(now),
            )
        )
        if grant is None:
            raise NotFound("role")
        role, own = Role(grant.role), grant.person_id == actor.require_person()
        if not own:
            require(actor, Permission.ROLE_END, place)
        ender = steps.party(session, place, actor.require_person(), now)
        problem = rules.end_problem(ender, grant.person_id, role)
        if not problem and not own and not word.strip():
            problem = "no_word"
        if not problem:
            _end(session, actor, ender, grant, word)
            return
        _refuse(session, actor, community_id, role, problem)
    raise RuleBroken(f"role.{problem}")


def _end(session: Session, actor: Actor, ender: Party, grant: RoleGrant, word: str) -> None:
    role, own = Role(grant.role), grant.person_id == ender.person_id
    end_roles(session, clock.now(), RoleGrant.id == grant.id)
    held = [one.role for one in ender.holdings]
    as_role = role if own else next(one for one in held if one in TERMS[role].ended_by)
    data = {"role": role.value, "scope": _public_scope(grant.scope), "by_holder": own}
    private: dict[str, object] = {"person": _person(session, grant.person_id)}
    if word.strip():
        private["word"] = word.strip()[: rules.LONGEST_WORD]
    act = Act(ENDED, f"grant:{grant.id}", data, private, acted_as=as_role.value)
    record(session, actor, act, grant.community_id or 0)


def name_stand_in(
    actor: Actor, *, community_id: int, person_id: int, ends_at: datetime, reason: str
) -> None:
    """Name who approves where the committee has no second person; a newer one ends the older.

    Raises: RuleBroken role.*.
    """
    with transaction() as session:
        place, now = steps.hold(session, community_id), clock.now()
        require(actor, Permission.STAND_IN_NAME, place)
        namer = steps.party(session, place, actor.require_person(), now)
        named = steps.party(session, place, person_id, now)
        problem = rules.stand_in_problem(namer, named, ends_at, now)
        problem = problem or ("" if reason.strip() else "no_reason")
        if not problem:
            _name(
                session,
                actor,
                named,
                RoleStandIn(
                    community_id=community_id,
                    person_id=person_id,
                    named_by=namer.person_id,
                    named_at=now,
                    ends_at=ends_at,
                    reason=reason.strip()[: rules.LONGEST_WORD],
                ),
            )
            return
        _refuse(session, actor, community_id, None, problem)
    raise RuleBroken(f"role.{problem}")


def _name(session: Session, actor: Actor, named: Party, row: RoleStandIn) -> None:
    session.execute(
        update(RoleStandIn)
        .where(RoleStandIn.community_id == row.community_id, RoleStandIn.ended_at.is_(None))
        .values(ended_at=row.named_at)
    )
    session.add(row)
    session.flush()
    as_role = next(one.role for one in named.holdings if one.role in rules.STAND_INS)
    data = {"ends_at": clock.to_record(row.ends_at), "as_role": as_role.value}
    private: dict[str, object] = {"person": _person(session, named.person_id), "reason": row.reason}
    act = Act(STAND_IN, f"stand_in:{row.id}", data, private)
    record(session, actor, act, row.community_id)

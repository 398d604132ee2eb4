"""How a role in a community is given: who proposes, who approves, for what and how long. Pure.

Sources: docs/rules.md, "Roles"; docs/adr/0027.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.actor import LEVELS, OF_A_MEETING, Role

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

YEAR = timedelta(days=365)
# A committee's term is five years; whoever is chosen again is proposed again.
TERM = timedelta(days=5 * 365 + 2)
MEETING_AT_MOST = timedelta(days=90)
STAND_IN_AT_MOST = YEAR
PROPOSAL_LASTS = timedelta(days=30)
# One representative for 20 to 50 households: Committee Law, representatives' meeting.
FEWEST_PER_REPRESENTATIVE = 20
MOST_PER_REPRESENTATIVE = 50
LONGEST_WORD = 500


class Scope(StrEnum):
    """What a role is for."""

    COMMUNITY = "community"
    GROUP = "group"
    MEETING = "meeting"


@dataclass(frozen=True, slots=True)
class Terms:
    """How one role is given and ended. `second` says that a named stand-in may approve it.

    With `set_up` an administrator may give it together with a new account, or propose it so where
    the committee works; with `account` only whoever signs in by password and second factor can
    hold it.
    """

    proposed_by: frozenset[Role]
    approved_by: frozenset[Role]
    ended_by: frozenset[Role]
    scope: Scope
    longest: timedelta
    second: bool = False
    account: bool = True
    set_up: bool = False


CHAIR = frozenset({Role.COMMITTEE_CHAIR})
BELOW_CHAIR = frozenset({Role.CLERK, Role.COMMITTEE})
COMMITTEE = BELOW_CHAIR | CHAIR
# Whoever looks at the community from above, and whoever keeps the installation.
ABOVE = LEVELS
OUTSIDE = ABOVE | {Role.ADMINISTRATOR}
STAND_INS = ABOVE | {Role.SUPERVISOR}
# Whoever opens accounts.
OPENERS = frozenset({Role.ADMINISTRATOR})

TERMS: dict[Role, Terms] = {
    # Elected by residents: who works for the committee proposes, who does not approves.
    Role.COMMITTEE_CHAIR: Terms(BELOW_CHAIR, OUTSIDE, OUTSIDE, Scope.COMMUNITY, TERM, set_up=True),
    Role.COMMITTEE: Terms(COMMITTEE, OUTSIDE, OUTSIDE, Scope.COMMUNITY, TERM, set_up=True),
    # They watch the committee: it may name them, and can neither approve nor end them.
    Role.SUPERVISOR: Terms(CHAIR, OUTSIDE, OUTSIDE, Scope.COMMUNITY, TERM, set_up=True),
    Role.CLERK: Terms(
        BELOW_CHAIR,
        CHAIR | OUTSIDE,
        CHAIR | OUTSIDE,
        Scope.COMMUNITY,
        TERM,
        second=True,
        set_up=True,
    ),
    Role.DESIGNER: Terms(
        BELOW_CHAIR,
        CHAIR,
        CHAIR | {Role.ADMINISTRATOR},
        Scope.COMMUNITY,
        3 * YEAR,
        second=True,
        set_up=True,
    ),
    Role.REPRESENTATIVE: Terms(
        BELOW_CHAIR, CHAIR, CHAIR | ABOVE, Scope.GROUP, TERM, second=True, account=False
    ),
    Role.MEETING_CHAIR: Terms(
        COMMITTEE, CHAIR, CHAIR, Scope.MEETING, MEETING_AT_MOST, second=True, account=False
    ),
    Role.MEETING_RECORDER: Terms(
        COMMITTEE, CHAIR, CHAIR, Scope.MEETING, MEETING_AT_MOST, second=True, account=False
    ),
}
# Who supervises the committee does none of its work. Source: Committee Law, art. 36.
APART = {Role.SUPERVISOR: COMMITTEE | {Role.DESIGNER}}


@dataclass(frozen=True, slots=True)
class Holding:
    """A role somebody holds now, here or above."""

    role: Role
    scope: str = ""
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody with the roles that they hold now."""

    person_id: int
    holdings: tuple[Holding, ...] = ()
    stands_in: bool = False

    def has(self, role: Role, scope: str = "") -> bool:
        """Whether they hold just this."""
        return any(one.role is role and one.scope == scope for one in self.holdings)

    def roles(self) -> frozenset[Role]:
        """The roles they hold, whatever for."""
        return frozenset(one.role for one in self.holdings)


@dataclass(frozen=True, slots=True)
class Asked:
    """A role as proposed."""

    role: Role
    scope: str
    ends_at: datetime


def set_up_roles() -> frozenset[Role]:
    """The roles in a community that an administrator may give with a new account, and end."""
    return frozenset(role for role, terms in TERMS.items() if terms.set_up)


def approvers(role: Role, *, opens: bool) -> frozenset[Role]:
    """The roles that approve this one; `opens` says that it is proposed with a new account.

    What a chair decides on administrators do not settle among themselves.
    """
    approved_by = TERMS[role].approved_by
    return approved_by - OPENERS if opens and approved_by & CHAIR else approved_by


def may_be_proposed(roles: Collection[Role]) -> list[Role]:
    """The roles that whoever holds these may propose, in the table's order."""
    return [role for role, terms in TERMS.items() if terms.proposed_by & set(roles)]


def scope_kind(scope: str) -> Scope:
    """What a scope as it is kept is for."""
    prefix = scope.partition(":")[0]
    return {"buildings": Scope.GROUP, "meeting": Scope.MEETING}.get(prefix, Scope.COMMUNITY)


def proposal_problem(
    proposer: Party, candidate: Party, asked: Asked, now: datetime, *, opens: bool = False
) -> str:
    """Why a role cannot be proposed so; empty when it can.

    Nobody proposes themself, proposes what is not theirs to propose, or gives longer than their
    own role lasts. With `opens` an administrator proposes a role of the set-up together with a new
    account, whose holder has no other role here or above.
    """
    terms = TERMS.get(asked.role)
    if proposer.person_id == candidate.person_id:
        return "self"
    if terms is None or (opens and (candidate.holdings or not terms.set_up)):
        return "beyond"
    proposed_by = OPENERS if opens else terms.proposed_by
    if not proposed_by & proposer.roles():
        return "beyond"
    if scope_kind(asked.scope) is not terms.scope:
        return "scope"
    return _time_problem(proposer, proposed_by, asked, now) or candidate_problem(candidate, asked)


def _time_problem(
    proposer: Party, proposed_by: frozenset[Role], asked: Asked, now: datetime
) -> str:
    if asked.ends_at <= now:
        return "past"
    if asked.ends_at - now > TERMS[asked.role].longest:
        return "too_long"
    return "" if _covers(proposer, proposed_by, asked.ends_at) else "past_own_end"


def latest_end(proposer: Party, deciders: Iterable[Party], role: Role, now: datetime) -> datetime:
    """Until when an administrator proposes a role where no day was named.

    As long as it lasts, but no longer than the administrator's own role, and than everybody may
    give it who could agree: else the chair could only refuse.
    """
    longest = now + TERMS[role].longest
    own = [one.ends_at for one in proposer.holdings if one.role in OPENERS]
    bounds = [latest_to_give(decider, role, opens=True) for decider in deciders]
    bounds.append(max((end or longest for end in own), default=longest))
    return min(longest, *(bound for bound in bounds if bound is not None))


def _covers(party: Party, roles: frozenset[Role], ends_at: datetime) -> bool:
    """Whether one of these roles of theirs lasts at least as long."""
    return any(
        one.role in roles and (one.ends_at is None or one.ends_at >= ends_at)
        for one in party.holdings
    )


def candidate_problem(candidate: Party, asked: Asked) -> str:
    """Why somebody cannot hold a role beside what they hold; empty when they can."""
    if candidate.has(asked.role, asked.scope):
        return "held"
    for role, others in APART.items():
        pair = (asked.role is role and candidate.roles() & others) or (
            asked.role in others and role in candidate.roles()
        )
        if pair:
            return "apart"
    if asked.role in OF_A_MEETING and any(one.scope == asked.scope for one in candidate.holdings):
        return "both"
    return ""


def decision_problem(  # noqa: PLR0913 -- a decision looks at three people and a moment
    decider: Party,
    proposer: Party,
    candidate: Party,
    asked: Asked,
    *,
    seconds: Collection[int],
    proposed_at: datetime,
    now: datetime,
    opens: bool = False,
) -> str:
    """Why somebody cannot decide on a proposal; empty when they can.

    `seconds` are the people who hold a role that approves this one. A named stand-in comes in only
    where none of them is left besides the two whom it is about.
    """
    terms = TERMS[asked.role]
    if decider.person_id == proposer.person_id:
        return "own_proposal"
    if decider.person_id == candidate.person_id:
        return "self"
    regular = bool(approvers(asked.role, opens=opens) & decider.roles())
    if not regular and not (terms.second and decider.stands_in and decider.roles() & STAND_INS):
        return "not_yours"
    if not regular and set(seconds) - {proposer.person_id, candidate.person_id}:
        return "second_there"
    if now - proposed_at > PROPOSAL_LASTS:
        return "lapsed"
    return ""


def latest_to_give(decider: Party, role: Role, *, opens: bool) -> datetime | None:
    """Until when somebody may let a proposed role last at most; None when nothing bounds it.

    Nobody gives longer than their own role lasts; whoever looks from above gives for the term.
    """
    by = approvers(role, opens=opens) & decider.roles() or STAND_INS
    ends = [one.ends_at for one in decider.holdings if one.role in by - ABOVE]
    bounded = [end for end in ends if end is not None]
    unbound = len(bounded) < len(ends) or by & ABOVE & decider.roles()
    return None if unbound else max(bounded, default=None)


def end_problem(ender: Party, holder_id: int, role: Role) -> str:
    """Why somebody cannot end a role; empty when they can. Everybody may lay down their own."""
    if ender.person_id == holder_id:
        return ""
    terms = TERMS.get(role)
    return "" if terms is not None and terms.ended_by & ender.roles() else "not_yours"


def stand_in_problem(namer: Party, named: Party, ends_at: datetime, now: datetime) -> str:
    """Why somebody cannot be named as stand-in; empty when they can.

    It is somebody of another role than the committee's, for a year at most.
    """
    if namer.person_id == named.person_id:
        return "self"
    if not named.roles() & STAND_INS or named.roles() & COMMITTEE:
        return "stand_in_role"
    if ends_at <= now:
        return "past"
    if ends_at - now > STAND_IN_AT_MOST:
        return "too_long"
    return ""


def group_problem(
    group: frozenset[int],
    households: Mapping[int, int],
    others: Iterable[frozenset[int]],
) -> str:
    """Why a residents' group cannot have one more representative; empty when it can.

    `households` are those of each building; `others` the groups of the representatives there are.
    Groups that share a building are counted together.
    """
    if not group or not group <= set(households):
        return "group"
    sharing = [other for other in others if other & group]
    whole = group.union(*sharing)
    total = sum(households.get(building, 0) for building in whole)
    return "group_small" if total < FEWEST_PER_REPRESENTATIVE * (len(sharing) + 1) else ""


def representatives_needed(households: int) -> tuple[int, int]:
    """How few and how many representatives so many households have."""
    return -(-households // MOST_PER_REPRESENTATIVE), households // FEWEST_PER_REPRESENTATIVE


def group_of(scope: str) -> frozenset[int]:
    """The buildings of a residents' group as its scope names them; none for another scope."""
    prefix, _colon, ids = scope.partition(":")
    return frozenset(map(int, ids.split(","))) if prefix == "buildings" and ids else frozenset()


def group_scope(buildings: Iterable[int]) -> str:
    """The scope of a residents' group."""
    return "buildings:" + ",".join(map(str, sorted(set(buildings))))

"""Writing a proposal of a role, for an operation here and for accounts that are opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import update

from app.core import clock
from app.core.errors import RuleBroken
from app.people.credential_steps import register_proposer
from app.people.steps import security
from app.policy import roles as rules
from app.policy.roles import TERMS, Asked, Party
from app.roles import steps
from app.roles.models import RoleProposal

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor, Role
    from app.people.credential_steps import NewAccount


@dataclass(frozen=True, slots=True)
class NewProposal:
    """A role as a form asks for it. `called` names a resident for the desk."""

    role: Role
    person_id: int
    ends_at: datetime
    reason: str
    scope: str = ""
    called: str = ""

    @property
    def asked(self) -> Asked:
        """What the rules look at."""
        return Asked(self.role, self.scope, self.ends_at)


def propose(
    session: Session,
    proposer: Party,
    community_id: int,
    new: NewProposal,
    proposed_by: frozenset[Role] = frozenset(),
) -> int:
    """Write a proposal that the rules agreed to, inside the caller's transaction; gives its id."""
    now, may = clock.now(), proposed_by or TERMS[new.role].proposed_by
    proposed_as = next(one for one in proposer.holdings if one.role in may).role
    proposal = RoleProposal(
        community_id=community_id,
        role=new.role,
        person_id=new.person_id,
        called=new.called.strip()[:40],
        scope=new.scope,
        ends_at=new.ends_at,
        reason=new.reason.strip()[: rules.LONGEST_WORD],
        proposed_by=proposer.person_id,
        proposed_as=proposed_as,
        proposed_at=now,
    )
    _close_lapsed(session, new, community_id, now)
    session.add(proposal)
    session.flush()
    security(
        session,
        "role.proposed",
        community_id=community_id,
        person_id=new.person_id,
        role=new.role.value,
        by=proposer.person_id,
    )
    return proposal.id


def _close_lapsed(session: Session, new: NewProposal, community_id: int, now: datetime) -> None:
    """Let a proposal that nobody decided on in time make room for a new one."""
    session.execute(
        update(RoleProposal)
        .where(
            RoleProposal.community_id == community_id,
            RoleProposal.person_id == new.person_id,
            RoleProposal.role == new.role,
            RoleProposal.scope == new.scope,
            RoleProposal.outcome == "",
            RoleProposal.proposed_at < now - rules.PROPOSAL_LASTS,
        )
        .values(outcome="lapsed")
    )


@register_proposer
def propose_with_account(
    session: Session, actor: Actor, person_id: int, opened: NewAccount
) -> None:
    """Propose the role of an account that an administrator opens where the committee works.

    Inside the transaction that makes the account, so that neither is there without the other.
    Raises: RuleBroken role.*.
    """
    community_id, now = opened.community_id or 0, clock.now()
    place = steps.hold(session, community_id)
    proposer = steps.party(session, place, actor.require_person(), now)
    candidate = steps.party(session, place, person_id, now)
    ends_at = opened.ends_at or steps.latest_end(session, place, proposer, opened.role, now)
    new = NewProposal(opened.role, person_id, ends_at, opened.reason)
    problem = ("" if new.reason.strip() else "no_reason") or rules.proposal_problem(
        proposer, candidate, new.asked, now, opens=True
    )
    if problem:
        raise RuleBroken(f"role.{problem}")
    propose(session, proposer, community_id, new, rules.OPENERS)

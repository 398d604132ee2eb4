"""Changes to staff accounts: unused slips, roles that end, and what is everybody's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyotp
from sqlalchemy import select, update

from app.core import clock
from app.core.actor import Role
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.people import passkeys, passwords, recovery, rules, second_factor, secrets_box
from app.people.credential_steps import is_in_use, void_links
from app.people.models import LoginSession, RoleGrant, StaffAccount
from app.people.second_factor import Shown
from app.people.steps import end_roles, role_is_living, security
from app.policy.roles import set_up_roles
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy.orm import Session

    from app.core.actor import Actor


@dataclass(frozen=True, slots=True)
class Renewed:
    """An account whose slip was made anew."""

    sign_in_name: str
    secret: str


def renew_slip(actor: Actor, *, community_id: int, person_id: int, password: str) -> Renewed:
    """Give an account that nobody has signed in with a new password and second factor.

    The lost slip is worth nothing from now on. An account in use belongs to whoever uses it: an
    administrator cannot take it over by this. Raises: NotFound, RuleBroken staff.*.
    """
    secret = pyotp.random_base32()
    with transaction() as session:
        require(actor, Permission.STAFF_SET_UP, Place(community_id))
        account = session.scalar(
            select(StaffAccount)
            .where(
                StaffAccount.person_id == person_id,
                select(RoleGrant.id)
                .where(RoleGrant.person_id == person_id, RoleGrant.community_id == community_id)
                .exists(),
            )
            .with_for_update()
        )
        if account is None:
            raise NotFound("account")
        if is_in_use(account):
            raise RuleBroken("staff.in_use")
        void_links(session, account.id)
        passkeys.void_all(session, account.id)
        problem = passwords.problem(password, account.sign_in_name)
        if problem:
            raise RuleBroken(f"staff.password_{problem}")
        account.password_hash = secrets_box.hash_password(password)
        account.totp_secret = secrets_box.seal(secret)
        account.wrong_count, account.locked_until = 0, None
        security(
            session,
            "staff.renewed",
            community_id=community_id,
            person_id=person_id,
            by=actor.person_id,
        )
        return Renewed(account.sign_in_name, secret)


def end_role(actor: Actor, *, community_id: int, person_id: int, role: Role) -> None:
    """End somebody's role in a community: from their very next request on they have it no more.

    Who has no role left anywhere is signed out wherever they are. What they did stays theirs in
    the record. Raises: NotFound.
    """
    now = clock.now()
    with transaction() as session:
        require(actor, Permission.STAFF_SET_UP, Place(community_id))
        # Who is chosen by the committee's proposal is ended where that was approved.
        if role not in set_up_roles():
            raise NotFound("role")
        mine = (
            RoleGrant.person_id == person_id,
            RoleGrant.community_id == community_id,
            RoleGrant.role == role,
        )
        if not end_roles(session, now, *mine):
            raise NotFound("role")
        security(
            session,
            "role.ended",
            community_id=community_id,
            person_id=person_id,
            role=role.value,
            by=actor.person_id,
        )


def end_roles_above(actor: Actor, *, jurisdiction_id: int, sign_in_name: str) -> int:
    """End what somebody is at a place above communities, an administrator too; gives how many.

    It holds from their very next request on. The last administrator stays: nobody could let the
    next one in. Raises: NotFound; RuleBroken staff.last_administrator.
    """
    now = clock.now()
    with transaction() as session:
        require(actor, Permission.STAFF_SET_UP, Place())
        here = RoleGrant.jurisdiction_id == jurisdiction_id, role_is_living(now)
        person_id = session.scalar(
            select(StaffAccount.person_id).where(StaffAccount.sign_in_name == sign_in_name)
        )
        mine = session.scalars(
            select(RoleGrant).where(*here, RoleGrant.person_id == person_id).with_for_update()
        ).all()
        if not mine:
            raise NotFound("role")
        if any(one.role == Role.ADMINISTRATOR for one in mine) and _is_last_administrator(
            session, mine[0].person_id
        ):
            raise RuleBroken("staff.last_administrator")
        end_roles(session, now, RoleGrant.id.in_([one.id for one in mine]))
        for one in mine:
            security(
                session,
                "role.ended",
                person_id=one.person_id,
                role=str(one.role),
                by=actor.person_id,
            )
        return len(mine)


def _is_last_administrator(session: Session, person_id: int) -> bool:
    """Whether no other administrator has a role, looked at while all of these are held."""
    others = session.scalars(
        select(RoleGrant.person_id)
        .where(RoleGrant.role == Role.ADMINISTRATOR.value, role_is_living(clock.now()))
        .order_by(RoleGrant.id)
        .with_for_update()
    ).all()
    return set(others) <= {person_id}


def end_session(actor: Actor, *, session_id: int) -> None:
    """End another of one's own staff sessions; its cookie is worth nothing from the next request.

    The present one ends by signing out. Raises: NotFound, for somebody else's session too.
    """
    with transaction(small=True) as session:
        ended = session.execute(
            update(LoginSession)
            .where(*_others(actor), LoginSession.id == session_id)
            .values(ended_at=clock.now())
        )
        if ended.rowcount == 0:  # type: ignore[attr-defined]
            raise NotFound("session")
        security(
            session,
            "session.ended_from_elsewhere",
            person_id=actor.person_id,
            ended=session_id,
            by=actor.session_id,
        )


def end_other_sessions(actor: Actor) -> int:
    """End all of one's own staff sessions but the present one; gives how many."""
    with transaction(small=True) as session:
        ended = session.execute(
            update(LoginSession).where(*_others(actor)).values(ended_at=clock.now())
        )
        number: int = ended.rowcount  # type: ignore[attr-defined]
        security(
            session,
            "session.others_ended",
            person_id=actor.person_id,
            number=number,
            by=actor.session_id,
        )
        return number


def _others(actor: Actor) -> tuple[Any, ...]:
    """One's own staff sessions that are not over, without the present one."""
    now = clock.now()
    return (
        LoginSession.person_id == actor.require_person(),
        LoginSession.staff,
        LoginSession.id != actor.session_id,
        LoginSession.ended_at.is_(None),
        LoginSession.expires_at > now,
        LoginSession.last_seen_at > now - rules.STAFF_IDLE,
    )


def prove(actor: Actor, *, typed: str = "", passkey: str = "") -> bool:
    """Take a second factor once more, typed or a passkey's answer; gives whether it fits.

    A wrong one is counted like a wrong one at the door, so it is an outcome, not an exception.
    Raises: NotFound for whoever has no account.
    """
    with transaction(small=True) as session:
        account = second_factor.own_account(session, actor)
        now = clock.now()
        holder = passkeys.from_this_browser(actor.session_id)
        answer = passkeys.Answer(passkey, holder) if passkey else None
        proved = second_factor.proves(session, account, actor, Shown(typed, answer))
        if proved:
            session.execute(
                update(LoginSession)
                .where(LoginSession.id == actor.session_id)
                .values(proved_at=now, last_seen_at=now)
            )
        security(
            session,
            "staff.proved" if proved else "staff.proof_refused",
            person_id=actor.person_id,
            by=actor.session_id,
        )
        return proved


def make_recovery_codes(actor: Actor) -> list[str]:
    """Give one's own account new codes that stand in for the six digits, and void the old.

    They are in clear here and never again. Raises: NotFound for whoever has no account.
    """
    with transaction() as session:
        account = second_factor.own_account(session, actor)
        codes = recovery.replace(session, account.id, clock.now())
        security(session, "staff.recovery_made", person_id=actor.person_id, number=len(codes))
        return codes

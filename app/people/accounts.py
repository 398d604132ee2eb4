"""Changes to staff accounts: a lost slip made anew, a role that ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyotp
from sqlalchemy import select, update

from app.core import clock
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.people import rules, secrets_box
from app.people.models import LoginSession, RoleGrant, StaffAccount
from app.people.steps import security
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from app.core.actor import Actor, Role


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
        if account.last_totp_step:
            raise RuleBroken("staff.in_use")
        problem = rules.password_problem(password, account.sign_in_name)
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
        living = RoleGrant.ends_at.is_(None) | (RoleGrant.ends_at > now)
        ended = session.scalars(
            update(RoleGrant)
            .where(
                RoleGrant.person_id == person_id,
                RoleGrant.community_id == community_id,
                RoleGrant.role == role,
                living,
            )
            .values(ends_at=now)
            .returning(RoleGrant.id)
        ).all()
        if not ended:
            raise NotFound("role")
        left = select(RoleGrant.id).where(RoleGrant.person_id == person_id, living)
        if session.scalar(left.limit(1)) is None:
            session.execute(
                update(LoginSession)
                .where(LoginSession.person_id == person_id, LoginSession.ended_at.is_(None))
                .values(ended_at=now)
            )
        security(
            session,
            "role.ended",
            community_id=community_id,
            person_id=person_id,
            role=role.value,
            by=actor.person_id,
        )

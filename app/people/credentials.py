"""Changes of one's own password and of the phone with the six digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyotp

from app.core import clock
from app.core.db import transaction
from app.core.errors import RuleBroken
from app.people import rules, second_factor, secrets_box
from app.people.credential_steps import refuse_weak
from app.people.steps import security

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.people.models import StaffAccount


def change_password(actor: Actor, *, old: str, new: str) -> bool:
    """Change one's own password; gives whether the old one was right.

    A wrong one is counted like one at the door, so it is an outcome, not an exception. All other
    sessions end. Raises: NotFound; RuleBroken staff.password_*, account.not_proved,
    account.same_password.
    """
    with transaction() as session:
        account = second_factor.own_account(session, actor)
        now = clock.now()
        second_factor.require_proof(session, actor, now)
        refuse_weak(session, account, new)
        if old == new:
            raise RuleBroken("account.same_password")
        if account.password_set_at and secrets_box.password_fits(new, account.password_hash):
            # The form came again because its answer was lost; or the new one is the old one.
            return True
        if not _knows_password(session, actor, account, old):
            return False
        account.password_hash = secrets_box.hash_password(new)
        account.password_set_at = now
        number = second_factor.end_other_sessions(session, account, actor.session_id)
        security(
            session,
            "staff.password_changed",
            person_id=account.person_id,
            others_ended=number,
            by=actor.session_id,
        )
        return True


def _knows_password(session: Session, actor: Actor, account: StaffAccount, typed: str) -> bool:
    now = clock.now()
    resting = second_factor.is_session_resting(session, account, actor)
    if secrets_box.password_fits(typed, account.password_hash) and not resting:
        return True
    second_factor.count_wrong(account, now)
    security(session, "staff.password_refused", person_id=account.person_id, by=actor.session_id)
    return False


def start_new_phone(actor: Actor, *, password: str) -> str:
    """Begin with a new phone for the six digits; gives its secret, once, or empty.

    Empty says that the password was wrong, which is counted. Until the new phone's first number
    the old one goes on; beginning anew voids what was begun. Raises: NotFound; RuleBroken
    account.not_proved.
    """
    with transaction() as session:
        account = second_factor.own_account(session, actor)
        now = clock.now()
        second_factor.require_proof(session, actor, now)
        if not _knows_password(session, actor, account, password):
            return ""
        secret = pyotp.random_base32()
        account.next_totp, account.next_totp_at = secrets_box.seal(secret), now
        security(session, "staff.new_phone_begun", person_id=account.person_id, by=actor.session_id)
        return secret


def confirm_new_phone(actor: Actor, *, typed: str) -> bool:
    """Take the first number of a new phone: from now on it alone counts; gives whether it fits.

    All other sessions end. Raises: NotFound; RuleBroken account.no_new_phone.
    """
    with transaction() as session:
        account = second_factor.own_account(session, actor)
        now = clock.now()
        begun = account.next_totp_at
        if not account.next_totp or begun is None or now - begun > rules.NEXT_TOTP_WAITS:
            raise RuleBroken("account.no_new_phone")
        resting = second_factor.is_session_resting(session, account, actor)
        step = second_factor.step_of(account.next_totp, typed, now)
        if resting or not step:
            second_factor.count_wrong(account, now)
            security(
                session, "staff.new_phone_refused", person_id=account.person_id, by=actor.session_id
            )
            return False
        account.totp_secret, account.next_totp, account.next_totp_at = account.next_totp, "", None
        second_factor.welcome(account, step)
        number = second_factor.end_other_sessions(session, account, actor.session_id)
        security(
            session,
            "staff.new_phone",
            person_id=account.person_id,
            others_ended=number,
            by=actor.session_id,
        )
        return True


def drop_new_phone(actor: Actor) -> None:
    """Give up a new phone that was begun with; the old one goes on. Raises: NotFound."""
    with transaction(small=True) as session:
        account = second_factor.own_account(session, actor)
        account.next_totp, account.next_totp_at = "", None
        security(
            session, "staff.new_phone_dropped", person_id=account.person_id, by=actor.session_id
        )

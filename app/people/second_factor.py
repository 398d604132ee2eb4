"""What somebody who works here has besides the password: six digits, or a recovery code, once."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import pyotp

from app.people import recovery, rules, secrets_box

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.people.models import StaffAccount

TOTP_STEP_SECONDS = 30


def is_resting(account: StaffAccount, now: datetime) -> bool:
    """Whether the account takes nothing for a while, after too many mistakes."""
    return account.locked_until is not None and account.locked_until > now


def totp_step(account: StaffAccount, totp: str, now: datetime) -> int:
    """The time step a number belongs to, one step either way; 0 when wrong or already used."""
    secret = pyotp.TOTP(secrets_box.unseal(account.totp_secret))
    current = int(now.timestamp()) // TOTP_STEP_SECONDS
    for step in (current, current - 1, current + 1):
        fits = hmac.compare_digest(secret.generate_otp(step), rules.clean_digits(totp))
        if fits and step > account.last_totp_step:
            return step
    return 0


def proves(session: Session, account: StaffAccount, typed: str, now: datetime) -> bool:
    """Whether what was typed proves who it is, now; it is used up by that, or counted as wrong."""
    resting = is_resting(account, now)
    step = totp_step(account, typed, now)
    known = recovery.NO_ACCOUNT if resting or step else account.id
    spent = recovery.spend(session, known, typed, now)
    if resting or not (step or spent):
        count_wrong(account, now)
        return False
    welcome(account, step)
    return True


def welcome(account: StaffAccount, step: int) -> None:
    """Forget earlier mistakes, and never take this number again."""
    account.last_totp_step = step or account.last_totp_step
    account.wrong_count, account.locked_until = 0, None


def count_wrong(account: StaffAccount, now: datetime) -> None:
    """Count a mistake; too many in a row let the account rest."""
    account.wrong_count += 1
    if account.wrong_count >= rules.STAFF_WRONG_TO_LOCK:
        account.locked_until, account.wrong_count = now + rules.STAFF_LOCKED_FOR, 0

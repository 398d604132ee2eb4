"""What somebody who works here has besides the password: six digits, a passkey, or a code, once."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyotp
from sqlalchemy import func, select, update

from app.core import clock
from app.core.errors import NotFound, RuleBroken
from app.people import passkeys, recovery, rules, secrets_box
from app.people.models import LoginSession, SecurityEvent, StaffAccount

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.people.passkeys import Answer, Purpose

TOTP_STEP_SECONDS = 30
# How a mistake is noted that was made inside a session, with the session as `by`.
WRONG_INSIDE = ("staff.proof_refused", "staff.password_refused", "staff.new_phone_refused")
# How one at the door is noted that was made in a browser of the account's, with it as `browser`.
WRONG_IN_OWN_BROWSER = "staff.refused_in_own"


def is_resting(account: StaffAccount, now: datetime) -> bool:
    """Whether the account takes nothing from strangers for a while, after too many mistakes."""
    return account.locked_until is not None and account.locked_until > now


def is_session_resting(session: Session, account: StaffAccount, actor: Actor) -> bool:
    """The same for whoever is signed in: only what was wrong in their own session counts.

    Otherwise whoever knows a sign-in name could keep somebody at work from every step of weight.
    """
    mine = SecurityEvent.facts["by"].as_integer() == actor.session_id
    return _too_many(session, account, SecurityEvent.kind.in_(WRONG_INSIDE), mine)


def is_browser_resting(session: Session, account: StaffAccount, browser: str) -> bool:
    """The same at the door for a browser in which somebody has come in to this account before."""
    mine = SecurityEvent.facts["browser"].as_string() == browser
    return _too_many(session, account, SecurityEvent.kind == WRONG_IN_OWN_BROWSER, mine)


def _too_many(session: Session, account: StaffAccount, *which: ColumnElement[bool]) -> bool:
    """Inside the lock on the account, which every try holds until it is noted."""
    number = select(func.count(SecurityEvent.id)).where(
        SecurityEvent.person_id == account.person_id,
        SecurityEvent.at > clock.now() - rules.STAFF_LOCKED_FOR,
        *which,
    )
    return (session.scalar(number) or 0) >= rules.STAFF_WRONG_TO_LOCK


def totp_step(account: StaffAccount, totp: str, now: datetime) -> int:
    """The time step a number belongs to, one step either way; 0 when wrong or already used."""
    return step_of(account.totp_secret, totp, now, after=account.last_totp_step)


def step_of(sealed: str, totp: str, now: datetime, *, after: int = 0) -> int:
    """The same for a sealed secret; without one no number fits, though as much work is done."""
    secret = pyotp.TOTP(secrets_box.unseal(sealed) if sealed else pyotp.random_base32())
    current = int(now.timestamp()) // TOTP_STEP_SECONDS
    for step in (current, current - 1, current + 1):
        fits = hmac.compare_digest(secret.generate_otp(step), rules.clean_digits(totp))
        if sealed and fits and step > after:
            return step
    return 0


def own_account(session: Session, actor: Actor) -> StaffAccount:
    """One's own account, locked. Raises: NotFound for whoever has none."""
    mine = StaffAccount.person_id == actor.require_person()
    account = session.scalar(select(StaffAccount).where(mine).with_for_update())
    if account is None:
        raise NotFound("account")
    return account


def require_proof(session: Session, actor: Actor, now: datetime) -> None:
    """Refuse a step of weight without a proof of the last minutes in this very session.

    The page has asked for it already; the change itself does not rely on that. Raises: RuleBroken
    account.not_proved.
    """
    mine = LoginSession.id == actor.session_id, LoginSession.person_id == actor.person_id
    row = session.execute(
        select(LoginSession.proved_at, LoginSession.created_at).where(*mine)
    ).first()
    if row is None or not rules.is_proof_fresh(row.proved_at or row.created_at, now):
        raise RuleBroken("account.not_proved")


def end_other_sessions(session: Session, account: StaffAccount, keep: int | None) -> int:
    """Sign somebody out everywhere but in the session `keep`; gives in how many places."""
    ended = session.execute(
        update(LoginSession)
        .where(
            LoginSession.person_id == account.person_id,
            LoginSession.staff,
            LoginSession.id != (keep or 0),
            LoginSession.ended_at.is_(None),
        )
        .values(ended_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    number: int = ended.rowcount  # type: ignore[attr-defined]
    return number


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody shows besides the password: typed digits or a code, or a passkey's answer."""

    typed: str = ""
    passkey: Answer | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What of it fits: the time step of the six digits, a recovery code, or a passkey."""

    step: int = 0
    spent: bool = False
    keyed: bool = False

    @property
    def fits(self) -> bool:
        """Whether any of them does."""
        return bool(self.step or self.spent or self.keyed)


def look(
    session: Session,
    account: StaffAccount | None,
    shown: Shown,
    now: datetime,
    *,
    purpose: Purpose,
    allowed: bool,
) -> Found:
    """Look at what is shown. Where it is not `allowed` to count, nothing of an account is used up.

    A passkey's question is used up in any case: it was asked for this one answer.
    """
    if shown.passkey is not None:
        known = account.id if account is not None and allowed else recovery.NO_ACCOUNT
        return Found(keyed=passkeys.proves(session, known, purpose, shown.passkey, now))
    step = totp_step(account, shown.typed, now) if account is not None else 0
    known = account.id if account is not None and allowed and not step else recovery.NO_ACCOUNT
    return Found(step, recovery.spend(session, known, shown.typed, now))


def proves(session: Session, account: StaffAccount, actor: Actor, shown: Shown) -> bool:
    """Whether what is shown proves who it is, now; it is used up by that, or counted as wrong."""
    now = clock.now()
    free = not is_session_resting(session, account, actor)
    found = look(session, account, shown, now, purpose=passkeys.Purpose.PROVE, allowed=free)
    if not (free and found.fits):
        count_wrong(account, now)
        return False
    welcome(account, found.step)
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

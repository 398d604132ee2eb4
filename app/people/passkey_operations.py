"""Passkeys of one's own: asking for one, adding one, letting one go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.core import clock
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.people import passkey_steps, passkeys, restored, rules, second_factor
from app.people.models import AccountLink, Passkey, StaffAccount
from app.people.passkeys import Answer, Purpose
from app.people.steps import security

if TYPE_CHECKING:
    from app.core.actor import Actor
    from app.people.account_links import LinkKey


def ask(actor: Actor, *, purpose: Purpose, holder: str) -> dict[str, Any]:  # noqa: ARG001 -- a visitor asks, too
    """Give a browser a question that any passkey of this site can answer, once."""
    with transaction(small=True) as session:
        challenge = passkeys.new_challenge(session, purpose, holder, clock.now())
        return passkeys.to_answer(challenge)


def ask_to_add(actor: Actor) -> dict[str, Any]:
    """Give one's own browser what it needs to make a passkey. Raises: NotFound; RuleBroken."""
    with transaction() as session:
        account = second_factor.own_account(session, actor)
        now = clock.now()
        second_factor.require_proof(session, actor, now)
        holder = passkeys.from_this_browser(actor.session_id)
        challenge = passkeys.new_challenge(session, Purpose.ADD, holder, now)
        return passkeys.to_make(session, account.id, account.sign_in_name, challenge)


def ask_to_set_up(actor: Actor, *, key: LinkKey) -> dict[str, Any]:  # noqa: ARG001 -- has no account yet
    """The same for whoever sets an account up by its one-time link. Raises: NotFound."""
    now = clock.now()
    with transaction() as session:
        account = session.execute(
            select(StaffAccount.id, StaffAccount.sign_in_name)
            .join(AccountLink, AccountLink.account_id == StaffAccount.id)
            .where(
                AccountLink.token_hash == key.token_hash,
                AccountLink.password_hash != "",
                AccountLink.ended_at.is_(None),
                AccountLink.expires_at > now,
            )
        ).first()
        if account is None:
            raise NotFound("link")
        challenge = passkeys.new_challenge(session, Purpose.SET_UP, key.token_hash, now)
        return passkeys.to_make(session, account.id, account.sign_in_name, challenge)


def add_passkey(actor: Actor, *, name: str, answer: str) -> bool:
    """Keep a passkey that one's own device has just made; gives whether its answer fits.

    An answer that does not fit has used its question up, so it is an outcome, not an exception.
    Raises: NotFound; RuleBroken account.not_proved, passkey.too_many, passkey.known.
    """
    with transaction() as session:
        account = second_factor.own_account(session, actor)
        now = clock.now()
        second_factor.require_proof(session, actor, now)
        mine = Passkey.account_id == account.id, Passkey.credential_id == passkeys.named(answer)
        if session.scalar(select(Passkey.id).where(*mine)) is not None:
            # The form came again because its answer was lost.
            return True
        if passkeys.number_of(session, account.id) >= rules.PASSKEYS_MOST:
            raise RuleBroken("passkey.too_many")
        given = Answer(answer, passkeys.from_this_browser(actor.session_id))
        new = passkeys.made(session, Purpose.ADD, given, now)
        if new is None:
            security(
                session,
                "staff.passkey_refused",
                person_id=account.person_id,
                by=actor.session_id,
            )
            return False
        passkey_steps.keep(session, account, new, name)
        return True


def remove_passkey(actor: Actor, *, passkey_id: int) -> None:
    """Let go of one of one's own passkeys: from now on it opens nothing; other sessions end.

    Raises: NotFound, for somebody else's too; RuleBroken account.not_proved, passkey.last.
    """
    with transaction() as session:
        account = second_factor.own_account(session, actor)
        second_factor.require_proof(session, actor, clock.now())
        key = session.scalar(
            select(Passkey).where(Passkey.id == passkey_id, Passkey.account_id == account.id)
        )
        if key is None:
            raise NotFound("passkey")
        if not account.totp_secret and passkeys.number_of(session, account.id) == 1:
            raise RuleBroken("passkey.last")
        restored.note_passkey(key.credential_id)
        session.delete(key)
        number = second_factor.end_other_sessions(session, account, actor.session_id)
        security(
            session,
            "staff.passkey_removed",
            person_id=account.person_id,
            others_ended=number,
            by=actor.session_id,
        )

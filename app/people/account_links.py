"""One-time links: an invitation to work here, and a way back for who has lost everything.

Whoever has the link sets their own password and second factor; nobody else ever knows them. What
is done of it waits at the link until the last step, so it can be continued with the same link.
docs/adr/0033 says why an account in use needs two people and two halves.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyotp
from sqlalchemy import select

from app.core import clock
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.people import passkey_steps, passkeys, recovery, rules, second_factor, secrets_box
from app.people.credential_steps import (
    is_in_use,
    is_second_person,
    new_account,
    refuse_weak,
    void_links,
)
from app.people.models import AccountLink, LinkKind, RoleGrant, StaffAccount
from app.people.steps import role_is_living, security, works_somewhere
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.people.credential_steps import NewAccount


@dataclass(frozen=True, slots=True)
class LinkKey:
    """What a browser that opened a link keeps of it: hashes, never the link."""

    token_hash: str
    number_hash: str = ""


# --- whoever makes them --------------------------------------------------------------------


def invite(actor: Actor, *, new: NewAccount) -> str:
    """Make an account without factors and a link to set it up; gives the link's secret, once.

    Raises: RuleBroken staff.name_taken, staff.ends_too_soon.
    """
    with transaction() as session:
        require(actor, Permission.STAFF_SET_UP, Place(new.community_id))
        account = new_account(session, actor, new)
        return _new_link(session, actor, account, LinkKind.INVITE, new.community_id)


def renew_invitation(actor: Actor, *, community_id: int, person_id: int) -> str:
    """Make a new link for an account nobody uses yet; slips and links before are void.

    Raises: NotFound; RuleBroken staff.in_use.
    """
    with transaction() as session:
        require(actor, Permission.STAFF_SET_UP, Place(community_id))
        account = _account_here(session, community_id, person_id)
        if is_in_use(account):
            raise RuleBroken("staff.in_use")
        passkeys.void_all(session, account.id)
        account.password_hash = account.totp_secret = ""
        return _new_link(session, actor, account, LinkKind.INVITE, community_id)


def void_invitation(actor: Actor, *, community_id: int, person_id: int) -> None:
    """Make somebody's link worth nothing at once; the account stays. Raises: NotFound."""
    with transaction() as session:
        require(actor, Permission.STAFF_SET_UP, Place(community_id))
        account = _account_here(session, community_id, person_id)
        if not void_links(session, account.id):
            raise NotFound("link")
        security(
            session,
            "staff.link_voided",
            community_id=community_id,
            person_id=person_id,
            by=actor.person_id,
        )


def ask_regain(actor: Actor, *, community_id: int, person_id: int) -> str:
    """Make a link for who has lost everything; without a second person it opens nothing.

    The account goes on as it is until the last step. Raises: NotFound; RuleBroken
    link.not_in_use, link.own.
    """
    with transaction() as session:
        require(actor, Permission.STAFF_SET_UP, Place(community_id))
        account = _account_here(session, community_id, person_id)
        if account.person_id == actor.person_id:
            raise RuleBroken("link.own")
        if not is_in_use(account):
            raise RuleBroken("link.not_in_use")
        return _new_link(session, actor, account, LinkKind.REGAIN, community_id)


def vouch(actor: Actor, *, link_id: int) -> str:
    """Be the second person who knows that the right one asks; gives the number for them, once.

    Raises: NotFound for a link of another place, one's own, or one that one has made oneself, and
    for a clerk whose account was made or made anew in the 30 days before it.
    """
    with transaction() as session:
        found = session.get(AccountLink, link_id, with_for_update=True)
        now = clock.now()
        if found is None or not _is_living(found, now) or found.kind != LinkKind.REGAIN:
            raise NotFound("link")
        require(actor, Permission.ACCOUNT_VOUCH, Place(found.community_id))
        account = session.get_one(StaffAccount, found.account_id)
        if actor.person_id in {found.made_by, account.person_id} or found.vouched_by is not None:
            raise NotFound("link")
        if not is_second_person(session, actor, found.made_at):
            raise NotFound("link")
        number = f"{secrets.randbelow(1_000_000):06d}"
        found.vouched_by, found.number_given_at = actor.require_person(), now
        found.number_hash = secrets_box.hash_link_number(found.token_hash, number)
        security(
            session,
            "staff.regain_vouched",
            community_id=found.community_id,
            person_id=account.person_id,
            by=actor.person_id,
        )
        return number


def refuse_regain(actor: Actor) -> None:
    """Say that it was not oneself who asked: every link to one's own account is void."""
    with transaction() as session:
        account = second_factor.own_account(session, actor)
        number = void_links(session, account.id)
        security(session, "staff.regain_refused", person_id=account.person_id, number=number)


def _account_here(session: Session, community_id: int, person_id: int) -> StaffAccount:
    """The account of somebody with a living role in a community, locked. Raises: NotFound."""
    account = session.scalar(
        select(StaffAccount)
        .where(
            StaffAccount.person_id == person_id,
            select(RoleGrant.id)
            .where(
                RoleGrant.person_id == person_id,
                RoleGrant.community_id == community_id,
                role_is_living(clock.now()),
            )
            .exists(),
        )
        .with_for_update()
    )
    if account is None:
        raise NotFound("account")
    return account


def _new_link(
    session: Session,
    actor: Actor,
    account: StaffAccount,
    kind: LinkKind,
    community_id: int | None,
) -> str:
    void_links(session, account.id)
    token, now = secrets_box.new_link_token(), clock.now()
    session.add(
        AccountLink(
            account_id=account.id,
            community_id=community_id,
            kind=kind,
            token_hash=secrets_box.hash_link(token),
            made_by=actor.person_id,
            made_at=now,
            expires_at=now + rules.LINK_VALID,
        )
    )
    security(
        session,
        "staff.invited" if kind is LinkKind.INVITE else "staff.regain_asked",
        community_id=community_id,
        person_id=account.person_id,
        by=actor.person_id,
    )
    return token


# --- whoever has one -----------------------------------------------------------------------


def give_number(actor: Actor, *, key: LinkKey, number: str) -> LinkKey | None:
    """Take the second person's number; gives what opens the next step, or None when it is wrong.

    Ten wrong ones make the link worth nothing. Raises: RuleBroken link.dead.
    """
    with transaction() as session:
        account, link = _held(session, key, numbered=False)
        typed = secrets_box.hash_link_number(link.token_hash, rules.clean_digits(number))
        if link.number_hash and link.number_hash == typed:
            security(session, "staff.regain_number", person_id=account.person_id)
            return LinkKey(key.token_hash, typed)
        link.wrong_count += 1
        if link.wrong_count >= rules.WRONG_NUMBERS_TO_END:
            link.ended_at = clock.now()
        security(
            session, "staff.regain_number_refused", person_id=account.person_id, by=actor.person_id
        )
        return None


def set_password(actor: Actor, *, key: LinkKey, password: str) -> None:
    """Set one's own first password; the next step is the second factor.

    Raises: RuleBroken link.dead, staff.password_*.
    """
    with transaction() as session:
        account, link = _held(session, key)
        refuse_weak(session, account, password)
        link.password_hash = secrets_box.hash_password(password)
        link.totp_secret = link.totp_secret or secrets_box.seal(pyotp.random_base32())
        security(session, "staff.set_up_begun", person_id=account.person_id, by=actor.person_id)


def confirm_totp(actor: Actor, *, key: LinkKey, typed: str) -> list[str]:
    """Take the phone's first number: the account is set up; gives its recovery codes.

    Empty when the number is wrong, which ends nothing: the secret is the link holder's own.
    Raises: RuleBroken link.dead.
    """
    with transaction() as session:
        account, link = _held(session, key)
        step = second_factor.step_of(link.totp_secret, typed, clock.now())
        if not (link.password_hash and step):
            security(
                session, "staff.set_up_refused", person_id=account.person_id, by=actor.person_id
            )
            return []
        account.totp_secret = link.totp_secret
        second_factor.welcome(account, step)
        return _finish(session, account, link)


def confirm_passkey(actor: Actor, *, key: LinkKey, name: str, answer: str) -> list[str]:
    """Take a passkey in place of the six digits: the account is set up; gives its recovery codes.

    Empty when the answer does not fit, which ends nothing. Six digits that the account had before
    are worth nothing from now on. Raises: RuleBroken link.dead, passkey.known.
    """
    with transaction() as session:
        account, link = _held(session, key)
        now = clock.now()
        given = passkeys.Answer(answer, link.token_hash)
        new = passkeys.made(session, passkeys.Purpose.SET_UP, given, now)
        if new is None or not link.password_hash:
            security(
                session, "staff.set_up_refused", person_id=account.person_id, by=actor.person_id
            )
            return []
        account.totp_secret = ""
        codes = _finish(session, account, link)
        passkey_steps.keep(session, account, new, name)
        return codes


def _finish(session: Session, account: StaffAccount, link: AccountLink) -> list[str]:
    """Let the account be what was set up at the link; the link is worth nothing from now on.

    Inside the transaction of whoever takes the last step, who has set the second factor before.
    """
    now = clock.now()
    account.password_hash, account.password_set_at = link.password_hash, now
    account.next_totp, account.next_totp_at = "", None
    account.wrong_count, account.locked_until = 0, None
    passkeys.void_all(session, account.id)
    second_factor.end_other_sessions(session, account, None)
    void_links(session, account.id)
    security(
        session,
        "staff.set_up" if link.kind == LinkKind.INVITE else "staff.regained",
        community_id=link.community_id,
        person_id=account.person_id,
    )
    return recovery.replace(session, account.id, now)


def _held(
    session: Session, key: LinkKey, *, numbered: bool = True
) -> tuple[StaffAccount, AccountLink]:
    which = AccountLink.token_hash == key.token_hash
    account_id = session.scalar(select(AccountLink.account_id).where(which))
    # The account first, in the order of whoever makes links for it.
    account = session.get(StaffAccount, account_id or 0, with_for_update=True)
    link = session.scalar(select(AccountLink).where(which).with_for_update())
    now = clock.now()
    if account is None or link is None or not _is_living(link, now):
        raise RuleBroken("link.dead")
    if not works_somewhere(session, account.person_id, now):
        raise RuleBroken("link.dead")
    is_half = link.kind == LinkKind.REGAIN and (
        not link.number_hash or link.number_hash != key.number_hash
    )
    if numbered and is_half:
        raise RuleBroken("link.dead")
    return account, link


def _is_living(link: AccountLink, now: datetime) -> bool:
    return link.ended_at is None and link.expires_at > now

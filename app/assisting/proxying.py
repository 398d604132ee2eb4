"""Written authorities at the desk and on the holder's phone: entered, taken back, used.

Nothing of an authority stands in the record: a ballot cast by one reads like any other, with the
voter reference of the household it is for (docs/adr/0032).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app
from sqlalchemy import select

from app.assisting import holders, rules
from app.communities.queries import address_of
from app.core import clock
from app.core.actor import Actor
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.people.models import HouseholdNoticeKind, Person
from app.people.seats import take_seat
from app.people.steps import security, tell_household
from app.policy.table import Permission, Place, require
from app.voting import casting, proxies, receiving, tokens
from app.voting.casting import Attempt, OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.assisting.rules import Checked
    from app.voting.casting import CastOutcome
    from app.voting.proxies import Ended, Held, NewProxy


def enter_proxy(actor: Actor, *, community_id: int, new: NewProxy) -> int:
    """Enter a sheet that a household signed; both households are told.

    Raises: NotFound; NotAllowed; RuleBroken proxy.*, assist.own_household.
    """
    require(actor, Permission.PROXY_ENTER, Place(community_id))
    address_of(community_id, new.household_id)
    _refuse_own(actor, community_id, new.household_id, new.holder_household_id)
    with transaction() as session:
        proxy_id, title = proxies.enter(session, community_id, new, actor.person_id)
        kind = HouseholdNoticeKind.PROXY_GIVEN
        tell_household(session, community_id, new.household_id, kind, title)
        if new.holder_household_id is not None:
            kind = HouseholdNoticeKind.PROXY_HELD
            tell_household(session, community_id, new.holder_household_id, kind, title)
        security(
            session,
            "proxy.entered",
            community_id=community_id,
            person_id=actor.person_id,
            household=new.household_id,
            proxy=proxy_id,
            poll=new.public_id,
            seen=str(new.seen),
        )
        return proxy_id


def end_proxy(actor: Actor, *, community_id: int, proxy_id: int) -> bool:
    """Take an authority back for the household, at the desk; gives whether that was in time.

    That it was too late tells that a ballot was cast, so this leaves its line as well.
    Raises: NotFound; NotAllowed; RuleBroken proxy.over.
    """
    with transaction() as session:
        require(actor, Permission.PROXY_ENTER, Place(community_id))
        proxy = proxies.look(community_id, proxy_id)
        try:
            ended = proxies.end(session, community_id, proxy_id, None)
        except RuleBroken as error:
            if error.code != "proxy.cast_already":
                raise
            _note(session, actor, proxy, "proxy.end_too_late")
            return False
        _tell_ended(session, community_id, ended)
        _note(session, actor, proxy, "proxy.ended")
        return True


def revoke_proxy(actor: Actor, *, community_id: int, proxy_id: int) -> None:
    """Take back an authority that one's own household gave.

    Raises: NotFound for another household's; NotAllowed; RuleBroken proxy.cast_already, proxy.over.
    """
    with transaction() as session:
        require(actor, Permission.HOUSEHOLD_VIEW, Place(community_id))
        home = actor.home_in(community_id)
        if home is None:
            raise NotFound("household")
        ended = proxies.end(session, community_id, proxy_id, home.household_id)
        _tell_ended(session, community_id, ended)
        _note(session, actor, proxies.look(community_id, proxy_id), "proxy.revoked")


def cast_held(
    actor: Actor, *, community_id: int, proxy_id: int, choice: Sequence[str], token: str
) -> CastOutcome:
    """Cast the ballot of a household by its authority, on the holder's own phone.

    Raises: NotFound, also when one's household does not hold it; NotAllowed; RuleBroken proxy.over,
    ballot.* (nothing was saved, and the token is still good).
    """
    require(actor, Permission.BALLOT_CAST, Place(community_id))
    proxy = holders.held_by_reader(actor, community_id, proxy_id)
    attempt = _attempt(actor, proxy, actor.require_person(), token)
    try:
        with transaction() as session:
            outcome = _receive(session, actor, proxy, attempt, choice)
            _note(session, actor, proxy, "proxy.voted")
            return outcome
    except RuleBroken:
        stored = casting.stored_outcome(attempt)
        if stored is None:
            raise
        return stored


def cast_for_holder(
    actor: Actor,
    *,
    community_id: int,
    proxy_id: int,
    stated: Checked | None,
    choice: Sequence[str],
    token: str,
) -> tuple[CastOutcome | None, int]:
    """Cast it at the desk with the holder present; gives the outcome, and who cast.

    `stated` says how the clerk knows who is there; without it nobody was said to be.

    There is none where the household has voted itself: the desk learns that, so it leaves its line.
    Raises: NotFound; NotAllowed; RuleBroken assist.not_stated, assist.own_household, proxy.over,
    ballot.*.
    """
    require(actor, Permission.ASSIST, Place(community_id))
    proxy = proxies.look(community_id, proxy_id)
    rules.check_statement(present=stated is not None, own_household=False)
    _refuse_own(actor, community_id, proxy.household_id, proxy.holder_household_id)
    tried: list[Attempt] = []
    try:
        with transaction() as session:
            holder = _holder(session, proxy)
            tried.append(_attempt(actor, proxy, holder.require_person(), token))
            outcome = _receive_unless_own(session, holder, proxy, tried[0], choice)
            kind = "proxy.own_first" if outcome is None else "proxy.voted_at_desk"
            _note(session, actor, proxy, kind, checked=str(stated))
    except RuleBroken:
        stored = casting.stored_outcome(tried[0]) if tried else None
        if stored is None:
            raise
        outcome = stored
    return outcome, tried[0].person_id


def _attempt(actor: Actor, proxy: Held, person_id: int, token: str) -> Attempt:
    key = current_app.config["SETTINGS"].secret_key
    nonce = tokens.nonce_of(key, holders.binding(actor, proxy), token)
    return Attempt(
        proxy.community_id,
        proxy.public_id,
        proxy.household_id,
        person_id,
        nonce,
        by_proxy=True,
    )


def _receive(
    session: Session, holder: Actor, proxy: Held, attempt: Attempt, choice: Sequence[str]
) -> CastOutcome:
    """Count it and note the use together; one that was taken back meanwhile saves nothing."""
    casting.hold(session, proxy.community_id, proxy.public_id)
    outcome = receiving.receive(session, holder, attempt, choice, receiving.BY_PROXY)
    if outcome.kind is OutcomeKind.COUNTED:
        proxies.use(session, proxies.held(session, proxy.community_id, proxy.id))
    return outcome


def _receive_unless_own(
    session: Session, holder: Actor, proxy: Held, attempt: Attempt, choice: Sequence[str]
) -> CastOutcome | None:
    try:
        return _receive(session, holder, proxy, attempt, choice)
    except RuleBroken as error:
        # Refused before anything was written, so that the line about it can be.
        if error.code != "ballot.own_first" or casting.stored_outcome(attempt) is not None:
            raise
        return None


def _holder(session: Session, proxy: Held) -> Actor:
    """Whoever holds it, as the one who acts: the person named, or whoever of the household came."""
    if proxy.holder_household_id is not None:
        return take_seat(session, proxy.community_id, proxy.holder_household_id, clock.now())
    person = session.scalars(select(Person).where(Person.id == proxy.holder_id)).one()
    return Actor(person.id, person.ref)


def _refuse_own(actor: Actor, community_id: int, *household_ids: int | None) -> None:
    """A clerk neither enters nor uses an authority by or for their own household."""
    home = actor.home_in(community_id)
    if home is not None and home.household_id in household_ids:
        raise RuleBroken("assist.own_household")


def _tell_ended(session: Session, community_id: int, ended: Ended) -> None:
    kind = HouseholdNoticeKind.PROXY_ENDED
    tell_household(session, community_id, ended.household_id, kind, ended.title)
    if ended.holder_household_id is not None:
        kind = HouseholdNoticeKind.PROXY_NO_LONGER_HELD
        tell_household(session, community_id, ended.holder_household_id, kind, ended.title)


def _note(session: Session, actor: Actor, proxy: Held, kind: str, **more: str) -> None:
    security(
        session,
        kind,
        community_id=proxy.community_id,
        person_id=actor.person_id,
        household=proxy.household_id,
        proxy=proxy.id,
        poll=proxy.public_id,
        **more,
    )

"""Listing, correcting and closing bodies; letting somebody act for one, and ending it.

All of it are public acts. A body's name is public; who acts for it is a commitment.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError

from app.bodies import rules, steps
from app.bodies.models import Acting, Body
from app.bodies.rules import Asked, Kind
from app.core import canonical as c
from app.core import clock
from app.core import record as records
from app.core.actor import NO_OFFICE, Role
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.record import Act, record
from app.people.models import Membership, Person, PersonNoticeKind, RoleGrant, StaffAccount
from app.people.steps import (
    GivenRole,
    end_roles,
    give_role,
    role_is_living,
    tell_people,
    tell_person,
)
from app.policy.roles import Holding, Party
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor

LISTED = records.register(
    "body.listed",
    {"body", "kind", "name", "since"},
    {"contact"},
    "a body takes part in the community: a company, a committee, an agency; no person",
)
CHANGED = records.register(
    "body.changed",
    {"body", "kind", "name", "since"},
    {"contact"},
    "what is said of a body is corrected; this is how it reads from now on",
)
CLOSED = records.register(
    "body.closed",
    {"body", "ended"},
    {"reason"},
    "a body takes part no longer; `ended` is how many persons acted for it until then",
)
GIVEN = records.register(
    "body.acting_given",
    {"body", "scope", "ends_at"},
    {"person", "ground"},
    "a person acts for a body within a scope until a moment; who it is is committed to, not named",
)
ENDED = records.register(
    "body.acting_ended",
    {"body", "scope", "by_holder"},
    {"person", "word"},
    "a person acts for a body no longer, before the day that was said",
)
ID_BYTES = 5


@dataclass(frozen=True, slots=True)
class BodyText:
    """A body as a form tells it."""

    kind: Kind
    name: str
    since: datetime
    contact: str = ""


@dataclass(frozen=True, slots=True)
class NewActing:
    """Who is to act for a body, as a form asks for it. `called` names a resident for the desk."""

    person_id: int
    ends_at: datetime
    ground: str
    scope: str = ""
    called: str = ""


def add_body(actor: Actor, *, community_id: int, text: BodyText) -> str:
    """List a body that takes part; gives its public id. Raises: RuleBroken body.*."""
    try:
        with transaction() as session:
            require(actor, Permission.BODY_MANAGE, Place(community_id))
            name, contact = rules.check_body(text.name, text.contact, text.since, clock.now())
            body = Body(
                community_id=community_id,
                public_id=c.crockford(secrets.token_bytes(ID_BYTES)).lower(),
                kind=text.kind.value,
                name=name,
                contact=contact,
                since=text.since,
            )
            session.add(body)
            session.flush()
            _tell(session, actor, LISTED, body)
            return body.public_id
    except IntegrityError as error:
        raise RuleBroken("body.twice") from error


def correct_body(actor: Actor, *, community_id: int, body_id: str, text: BodyText) -> None:
    """Correct what is said of a body. Raises: NotFound; RuleBroken body.*."""
    try:
        with transaction() as session:
            require(actor, Permission.BODY_MANAGE, Place(community_id))
            body = _open(session, community_id, body_id)
            name, contact = rules.check_body(text.name, text.contact, text.since, clock.now())
            said = (text.kind.value, name, contact, text.since)
            if said == (body.kind, body.name, body.contact, body.since):
                raise RuleBroken("body.same")
            if text.kind.value != body.kind and _acting_now(session, body):
                raise RuleBroken("body.kind_in_use")
            body.kind, body.name, body.contact, body.since = said
            session.flush()
            _tell(session, actor, CHANGED, body)
    except IntegrityError as error:
        raise RuleBroken("body.twice") from error


def close_body(actor: Actor, *, community_id: int, body_id: str, reason: str) -> None:
    """Say that a body takes part no longer; whoever acted for it does so no more, at once.

    Raises: NotFound; RuleBroken body.closed, body.no_word.
    """
    with transaction() as session:
        require(actor, Permission.BODY_MANAGE, Place(community_id))
        body = _open(session, community_id, body_id)
        if not reason.strip():
            raise RuleBroken("body.no_word")
        now = clock.now()
        grants = _acting_now(session, body)
        told = end_roles(session, now, RoleGrant.id.in_(grants))
        _make_room(session, body, now)
        body.closed_at, body.reason = now, reason.strip()[: rules.LONGEST_WORD]
        data = {"body": body.public_id, "ended": len(grants)}
        act = Act(CLOSED, f"body:{body.public_id}", data, {"reason": body.reason})
        record(session, actor, act, community_id)
        if told:
            kind = PersonNoticeKind.ACTING_ENDED
            tell_people(session, community_id, told, kind, f"body:{body.public_id}")


def _open(session: Session, community_id: int, body_id: str) -> Body:
    body = steps.hold(session, community_id, body_id)
    if body.closed_at is not None:
        raise RuleBroken("body.closed")
    return body


def _acting_now(session: Session, body: Body) -> list[int]:
    """The grants of those who act for a body."""
    return list(
        session.scalars(
            select(Acting.grant_id)
            .join(RoleGrant, RoleGrant.id == Acting.grant_id)
            .where(
                Acting.community_id == body.community_id,
                Acting.body_id == body.id,
                role_is_living(clock.now()),
            )
        )
    )


def _tell(session: Session, actor: Actor, kind: records.Kind, body: Body) -> None:
    data = {
        "body": body.public_id,
        "kind": body.kind,
        "name": body.name,
        "since": clock.to_record(body.since),
    }
    private = {"contact": body.contact} if body.contact else {}
    record(session, actor, Act(kind, f"body:{body.public_id}", data, private), body.community_id)


def give_acting(actor: Actor, *, community_id: int, body_id: str, new: NewActing) -> int:
    """Let somebody act for a body from now on; gives the id of that.

    What the rules refuse is noted in the security log. Raises: NotFound; RuleBroken body.*.
    """
    try:
        with transaction() as session:
            require(actor, Permission.BODY_GIVE, Place(community_id))
            body, now = steps.hold(session, community_id, body_id), clock.now()
            problem = _giving_problem(session, actor, body, new, now)
            if not problem:
                return _give(session, actor, body, new, now)
            steps.note_refusal(session, actor, community_id, body_id, problem)
    except IntegrityError:
        problem = "acts_already"
        with transaction() as session:
            steps.note_refusal(session, actor, community_id, body_id, problem)
    raise RuleBroken(f"body.{problem}")


def _giving_problem(
    session: Session, actor: Actor, body: Body, new: NewActing, now: datetime
) -> str:
    if body.closed_at is not None:
        return "closed"
    if not new.ground.strip():
        return "no_ground"
    giver = _party(session, body.community_id, actor.require_person(), now)
    candidate = _party(session, body.community_id, new.person_id, now)
    problem = rules.giving_problem(
        giver, candidate, Asked(Kind(body.kind), new.scope, new.ends_at), now
    )
    if problem:
        return problem
    if not _is_known_here(session, body.community_id, candidate):
        return "no_person"
    return "" if steps.scope_goes_on(body.community_id, new.scope) else "no_scope"


def _party(session: Session, community_id: int, person_id: int, now: datetime) -> Party:
    """Somebody with the roles they hold in this community."""
    rows = session.execute(
        select(RoleGrant.role, RoleGrant.scope, RoleGrant.ends_at).where(
            RoleGrant.person_id == person_id,
            RoleGrant.community_id == community_id,
            RoleGrant.role.not_in(NO_OFFICE),
            role_is_living(now),
        )
    )
    held = tuple(Holding(Role(row.role), row.scope, row.ends_at) for row in rows)
    return Party(person_id, held)


def _is_known_here(session: Session, community_id: int, candidate: Party) -> bool:
    """Whether somebody works here with an account, or lives here and nobody doubts it."""
    works = select(StaffAccount.id).where(StaffAccount.person_id == candidate.person_id)
    if candidate.holdings and session.scalar(works) is not None:
        return True
    lives = select(Membership.id).where(
        Membership.community_id == community_id,
        Membership.person_id == candidate.person_id,
        Membership.ended_at.is_(None),
        Membership.contested_at.is_(None),
    )
    return session.scalar(lives.limit(1)) is not None


def _give(session: Session, actor: Actor, body: Body, new: NewActing, now: datetime) -> int:
    _make_room(session, body, now)
    given = GivenRole(Role.BODY, rules.grant_scope(body.public_id), new.ends_at)
    grant = give_role(session, new.person_id, body.community_id, given)
    acting = Acting(
        community_id=body.community_id,
        body_id=body.id,
        person_id=new.person_id,
        grant_id=grant.id,
        scope=new.scope,
        called=new.called.strip()[:40],
        ground=new.ground.strip()[: rules.LONGEST_WORD],
        given_by=actor.require_person(),
        given_at=now,
    )
    session.add(acting)
    session.flush()
    data = {
        "body": body.public_id,
        "scope": new.scope or "community",
        "ends_at": clock.to_record(new.ends_at),
    }
    private = {"person": _person(session, new.person_id), "ground": acting.ground}
    act = Act(GIVEN, f"acting:{acting.id}", data, private)
    record(session, actor, act, body.community_id)
    _tell_person(session, body, acting, PersonNoticeKind.ACTING_GIVEN)
    return acting.id


def _make_room(session: Session, body: Body, now: datetime) -> None:
    """Let what has ended, by its time or otherwise, stand in nobody's way."""
    over = select(RoleGrant.id).where(or_(RoleGrant.ends_at <= now, RoleGrant.starts_at > now))
    session.execute(
        update(Acting)
        .where(
            Acting.community_id == body.community_id,
            Acting.body_id == body.id,
            Acting.ended_at.is_(None),
            Acting.grant_id.in_(over),
        )
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )


def _person(session: Session, person_id: int) -> dict[str, str | None]:
    """What a commitment to somebody is made of."""
    return {"person": session.scalar(select(Person.ref).where(Person.id == person_id))}


def end_acting(actor: Actor, *, community_id: int, acting_id: int, word: str) -> None:
    """End that somebody acts for a body, at once and in every session: theirs, or another's.

    Raises: NotFound; RuleBroken body.not_yours, body.no_word.
    """
    with transaction() as session:
        acting, body = _living(session, community_id, acting_id)
        own = acting.person_id == actor.require_person()
        if not own:
            require(actor, Permission.BODY_GIVE, Place(community_id))
        ender = _party(session, community_id, actor.require_person(), clock.now())
        problem = rules.ending_problem(ender, acting.person_id, Kind(body.kind))
        if not problem and not own and not word.strip():
            problem = "no_word"
        if not problem:
            _end(session, actor, acting, body, word)
            return
        steps.note_refusal(session, actor, community_id, body.public_id, problem)
    raise RuleBroken(f"body.{problem}")


def _living(session: Session, community_id: int, acting_id: int) -> tuple[Acting, Body]:
    """One who acts for a body now, and the body, held. Raises: NotFound."""
    body_id = session.scalar(
        select(Body.public_id)
        .join(Acting, (Acting.community_id == Body.community_id) & (Acting.body_id == Body.id))
        .where(Acting.community_id == community_id, Acting.id == acting_id)
    )
    if body_id is None:
        raise NotFound("acting")
    body = steps.hold(session, community_id, body_id)
    acting = session.scalar(
        select(Acting)
        .join(RoleGrant, RoleGrant.id == Acting.grant_id)
        .where(
            Acting.community_id == community_id,
            Acting.id == acting_id,
            role_is_living(clock.now()),
        )
    )
    if acting is None:
        raise NotFound("acting")
    return acting, body


def _end(session: Session, actor: Actor, acting: Acting, body: Body, word: str) -> None:
    now, own = clock.now(), acting.person_id == actor.person_id
    end_roles(session, now, RoleGrant.id == acting.grant_id)
    acting.ended_at = now
    data = {"body": body.public_id, "scope": acting.scope or "community", "by_holder": own}
    private: dict[str, object] = {"person": _person(session, acting.person_id)}
    if word.strip():
        private["word"] = word.strip()[: rules.LONGEST_WORD]
    acted_as = Role.BODY.value if own else ""
    act = Act(ENDED, f"acting:{acting.id}", data, private, acted_as=acted_as)
    record(session, actor, act, acting.community_id)
    if not own:
        _tell_person(session, body, acting, PersonNoticeKind.ACTING_ENDED)


def _tell_person(session: Session, body: Body, acting: Acting, kind: PersonNoticeKind) -> None:
    about = f"body:{body.public_id}"
    tell_person(session, body.community_id, acting.person_id, kind, about)

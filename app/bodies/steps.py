"""What bodies offer the rooms above inside their transactions, and what they ask: the scopes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.bodies import rules
from app.bodies.models import Acting, Body
from app.bodies.rules import Given, Kind
from app.core import clock
from app.core.errors import NotFound
from app.people.models import RoleGrant
from app.people.steps import security

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from app.core.actor import Actor


@dataclass(frozen=True, slots=True)
class Scoped:
    """A thing that somebody can act for a body in: a topic here or shared, a project, a meeting.

    `within` is what it belongs to, as far as a scope can name that; `note` says what whoever acts
    in it has to know of it.
    """

    thing: str
    title: str
    goes_on: bool
    within: tuple[str, ...] = ()
    note: str = ""


Lister = Callable[[int], list[Scoped]]
_listers: dict[str, Lister] = {}


def register_scopes(prefix: str, lister: Lister) -> None:
    """Make known who can list the things that begin with `prefix:`, by a community's id."""
    _listers[prefix] = lister


def scopes(community_id: int) -> list[Scoped]:
    """Everything in a community that a scope can name, those too that are over."""
    return [one for prefix in rules.SCOPES for one in _of(prefix, community_id)]


def _of(prefix: str, community_id: int) -> list[Scoped]:
    lister = _listers.get(prefix)
    return lister(community_id) if lister is not None else []


def scope_goes_on(community_id: int, scope: str) -> bool:
    """Whether a scope is the whole community, or a thing there that is not over."""
    if not rules.is_scope(scope):
        return False
    things = _of(scope.partition(":")[0], community_id)
    return not scope or any(one.thing == scope and one.goes_on for one in things)


def hold(session: Session, community_id: int, body_id: str) -> Body:
    """Lock a body for a change. Raises: NotFound."""
    return _body(session, community_id, body_id, read=False)


def _body(session: Session, community_id: int, body_id: str, *, read: bool) -> Body:
    mine = Body.community_id == community_id, Body.public_id == body_id
    body = session.scalar(select(Body).where(*mine).with_for_update(read=read))
    if body is None:
        raise NotFound("body")
    return body


@dataclass(frozen=True, slots=True)
class Named:
    """A body with why the actor cannot act for it; empty when they can."""

    id: int
    public_id: str
    problem: str


def acts_for(
    session: Session, actor: Actor, community_id: int, body_id: str, things: Collection[str]
) -> Named:
    """Whether somebody acts for a body in what they are about to do.

    It is read under the body's lock: what was ended a moment ago is over. A refusal is a line of
    the security log, so the caller lets the transaction end before raising it. Raises: NotFound.
    """
    body = _body(session, community_id, body_id, read=True)
    rows = session.execute(
        select(Acting.scope, RoleGrant.starts_at, RoleGrant.ends_at)
        .join(RoleGrant, RoleGrant.id == Acting.grant_id)
        .where(
            Acting.community_id == community_id,
            Acting.body_id == body.id,
            Acting.person_id == actor.person_id,
        )
    )
    given = [Given(*row) for row in rows]
    closed = body.closed_at is not None
    problem = rules.acting_problem(given, things, closed=closed, now=clock.now())
    if problem:
        note_refusal(session, actor, community_id, body.public_id, problem)
    return Named(body.id, body.public_id, problem)


def note_refusal(
    session: Session, actor: Actor, community_id: int, body_id: str, problem: str
) -> None:
    """Leave a line of what was tried in vain."""
    security(
        session,
        "acting.attempt_refused",
        community_id=community_id,
        person_id=actor.person_id,
        body=body_id,
        why=problem,
    )


def public_id_of(session: Session, community_id: int, body_id: int) -> str:
    """What addresses call a body."""
    mine = Body.community_id == community_id, Body.id == body_id
    return session.scalars(select(Body.public_id).where(*mine)).one()


def listed(session: Session, community_id: int) -> list[tuple[int, str, Kind]]:
    """The bodies that take part now, by id, name and kind."""
    rows = session.execute(
        select(Body.id, Body.name, Body.kind)
        .where(Body.community_id == community_id, Body.closed_at.is_(None))
        .order_by(Body.id)
    )
    return [(row.id, row.name, Kind(row.kind)) for row in rows]

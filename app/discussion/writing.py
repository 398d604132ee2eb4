"""What becomes of an opinion that comes in, inside the caller's transaction, whoever typed it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core import canonical as c
from app.core import clock
from app.core.actor import Role
from app.core.errors import RuleBroken
from app.discussion import rules, steps
from app.discussion.models import Post
from app.discussion.rules import PostState
from app.people.steps import security
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.bodies.steps import Named
    from app.core.actor import Actor

ID_BYTES = 5


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, and the mark of the form it came by: the same form twice is one post."""

    text: str
    once: str


def write(
    session: Session,
    actor: Actor,
    community_id: int,
    subject: str,
    written: Written,
    named: Named | None = None,
) -> str:
    """Send an opinion to moderation, in a body's name where it is said; gives its public id.

    Raises: NotFound; NotAllowed; RuleBroken post.*; IntegrityError for a form that came before.
    """
    require(actor, Permission.OPINION_WRITE, Place(community_id))
    steps.hold(session, community_id, subject)
    if not steps.subject_of(community_id, subject).open:
        raise RuleBroken("post.closed")
    original = rules.clean(written.text)
    post = Post(
        community_id=community_id,
        public_id=c.crockford(secrets.token_bytes(ID_BYTES)).lower(),
        subject=subject,
        person_id=actor.require_person(),
        role=Role.BODY.value if named else role_of(actor, community_id),
        once=written.once,
        original=original,
        text=rules.mask(original),
        state=PostState.SUBMITTED.value,
        submitted_at=clock.now(),
        body_id=named.id if named else None,
    )
    session.add(post)
    session.flush()
    security(
        session,
        "post.submitted",
        community_id=community_id,
        person_id=actor.person_id,
        post=post.public_id,
    )
    return post.public_id


def role_of(actor: Actor, community_id: int) -> str:
    """The capacity somebody writes in: at home as a resident, else by their role."""
    if actor.home_in(community_id) is not None:
        return "resident"
    return actor.role_in(community_id).value

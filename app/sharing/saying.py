"""What is written on shared topics and appealed about, by residents and in the names of bodies.

None of it is an entry yet: it goes to the security log, as everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.bodies import steps as bodies
from app.communities.models import Jurisdiction
from app.core import clock
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.discussion import rules as opinions
from app.discussion.rules import PostState, mask
from app.discussion.writing import Written
from app.people.steps import security
from app.policy.table import Permission, Place, require
from app.sharing import rules
from app.sharing.models import SharedIn, SharedOpinion, SharedTopic
from app.sharing.queries import topics_within
from app.sharing.steps import new_id, shared_thing

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def write_opinion(
    actor: Actor, *, community_id: int, shared_id: str, text: str, once: str, body: str = ""
) -> None:
    """Send an opinion on a shared topic to the subdistrict. The same form twice is one opinion.

    With a `body` it is said in that body's name, by whoever acts for it in this; an attempt in
    vain is noted in the security log. Raises: NotFound where the community does not share it;
    RuleBroken shared.closed, post.*, body.*.
    """
    try:
        with transaction() as session:
            require(actor, Permission.SHARED_WRITE, Place(community_id))
            shared = _shared_here(session, community_id, shared_id)
            rules.check_open(shared.state)
            named = _named(session, actor, community_id, shared, body)
            if named is None or not named.problem:
                _send(session, actor, (community_id, shared.id), Written(text, once), named)
                return
    except IntegrityError:
        _sent_before(actor, community_id, once)
        return
    raise RuleBroken(f"body.{named.problem}")


def _named(
    session: Session, actor: Actor, community_id: int, shared: SharedTopic, body: str
) -> bodies.Named | None:
    """The body in whose name something is said; None where a resident speaks for themself.

    Raises: NotFound; RuleBroken body.only_for_it.
    """
    if body:
        things = _things(community_id, shared)
        return bodies.acts_for(session, actor, community_id, body, things)
    if actor.home_in(community_id) is None:
        raise RuleBroken("body.only_for_it")
    return None


def _things(community_id: int, shared: SharedTopic) -> set[str]:
    """A shared topic, with the topics of this community that it was made of."""
    made_of = topics_within(community_id).get(shared.public_id, ())
    return {shared_thing(shared.jurisdiction_id, shared.public_id), *made_of}


def _send(
    session: Session,
    actor: Actor,
    where: tuple[int, int],
    written: Written,
    named: bodies.Named | None,
) -> None:
    """Keep what was written in a community on a topic, and leave a line of it."""
    community_id, shared_pk = where
    original = opinions.clean(written.text)
    opinion = SharedOpinion(
        community_id=community_id,
        shared_id=shared_pk,
        public_id=new_id(),
        person_id=actor.require_person(),
        once=written.once,
        original=original,
        text=mask(original),
        state=PostState.SUBMITTED.value,
        submitted_at=clock.now(),
        body_id=named.id if named else None,
    )
    session.add(opinion)
    session.flush()
    security(
        session,
        "shared.submitted",
        community_id=community_id,
        person_id=actor.person_id,
        post=opinion.public_id,
    )


def _sent_before(actor: Actor, community_id: int, once: str) -> None:
    with transaction() as session:
        mine = SharedOpinion.community_id == community_id, SharedOpinion.once == once
        own = SharedOpinion.person_id == actor.require_person()
        if session.scalar(select(SharedOpinion.id).where(*mine, own)) is None:
            raise NotFound("opinion")


def appeal_opinion(actor: Actor, *, community_id: int, opinion_id: str, text: str) -> None:
    """Ask the place above the subdistrict to look again, once.

    For a body whoever acts for it still. Raises: NotFound for another's; RuleBroken
    post.wrong_state, shared.no_higher, post.*, body.*.
    """
    with transaction() as session:
        require(actor, Permission.SHARED_WRITE, Place(community_id))
        mine = (
            SharedOpinion.community_id == community_id,
            SharedOpinion.public_id == opinion_id,
            SharedOpinion.person_id == actor.require_person(),
        )
        opinion = session.scalar(select(SharedOpinion).where(*mine).with_for_update())
        if opinion is None:
            raise NotFound("opinion")
        if not rules.may_appeal(opinion.state, opinion.appealed_at is not None):
            raise RuleBroken("post.wrong_state", state=opinion.state)
        if _higher(session, opinion.shared_id) is None:
            raise RuleBroken("shared.no_higher")
        appeal, problem = opinions.clean(text), _speaks_no_more(session, actor, opinion)
        if not problem:
            opinion.appeal, opinion.appealed_at = appeal, clock.now()
            security(
                session,
                "shared.appealed",
                community_id=community_id,
                person_id=actor.person_id,
                post=opinion_id,
            )
            return
    raise RuleBroken(f"body.{problem}")


def _speaks_no_more(session: Session, actor: Actor, opinion: SharedOpinion) -> str:
    """Why whoever wrote in a body's name speaks for it no more; empty when they do."""
    if opinion.body_id is None:
        return ""
    shared = session.get_one(SharedTopic, opinion.shared_id)
    body = bodies.public_id_of(session, opinion.community_id, opinion.body_id)
    things = _things(opinion.community_id, shared)
    return bodies.acts_for(session, actor, opinion.community_id, body, things).problem


def _higher(session: Session, shared_id: int) -> int | None:
    """The place above the one that a shared topic belongs to."""
    of_topic = select(SharedTopic.jurisdiction_id).where(SharedTopic.id == shared_id)
    return session.scalar(select(Jurisdiction.parent_id).where(Jurisdiction.id.in_(of_topic)))


def _shared_here(session: Session, community_id: int, shared_id: str) -> SharedTopic:
    """A topic that this community shares, kept as it is until the transaction ends."""
    here = select(SharedIn.shared_id).where(SharedIn.community_id == community_id)
    mine = SharedTopic.public_id == shared_id, SharedTopic.id.in_(here)
    shared = session.scalar(select(SharedTopic).where(*mine).with_for_update(read=True))
    if shared is None:
        raise NotFound("shared")
    return shared

"""Lifting a topic, returning it or sharing it, and talking it over between communities.

Acts of a subdistrict are entries of its own log; what happens to a community's topic is told in
the community's. What residents and bodies write is in `saying`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from app.bodies import steps as bodies
from app.communities.models import Jurisdiction, Level
from app.communities.queries import area_by_id, communities_below, community_by_id
from app.communities.settings import number_above
from app.consultations.models import Topic
from app.consultations.moves import hold as hold_topic
from app.consultations.moves import move, subject_of
from app.consultations.rules import State
from app.core import canonical as c
from app.core import clock
from app.core import record as records
from app.core.db import transaction
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.links import Edge, connect
from app.core.record import Above, Act, checkpoint, record
from app.discussion import rules as opinions
from app.discussion.rules import PostState, mask
from app.people.models import PersonNoticeKind
from app.people.steps import tell_person
from app.policy.table import Permission, Place, require
from app.sharing import rules
from app.sharing.models import LiftedTopic, SharedIn, SharedOpinion, SharedTopic
from app.sharing.rules import LiftState, SharedState
from app.sharing.steps import new_id, shared_thing
from app.voting.rules import publication_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.core.record import Kind

LIFTED = records.register(
    "topic.lifted",
    {"community", "topic", "lift"},
    {"reason"},
    "a community lifts a topic to its subdistrict; an entry of the subdistrict's log",
)
GIVEN_BACK = records.register(
    "lift.returned",
    {"community", "topic", "lift"},
    {"reason"},
    "a subdistrict gives a lifted topic back to its community",
)
SHARED = records.register(
    "shared.opened",
    {"shared", "communities", "lifts", "text_sha256"},
    meaning="a subdistrict takes lifted topics up as one, shared by these communities",
)
PUBLISHED = records.register(
    "shared.post_published",
    {"shared", "post"},
    {"text"},
    "an opinion on a shared topic is shown to everybody",
)
PUBLISHED_FOR = records.register(
    "shared.post_published_for",
    {"shared", "post", "community", "body"},
    {"text"},
    "what somebody who acts for a community's body wrote in its name is shown to everybody",
)
RETURNED = records.register(
    "shared.post_returned",
    {"shared", "post", "reason"},
    {"note"},
    "an opinion on a shared topic goes back with a reason",
)
HIDDEN = records.register(
    "shared.post_hidden",
    {"shared", "post", "reason"},
    {"note"},
    "a published opinion on a shared topic is hidden with a reason",
)
APPEAL_ANSWERED = records.register(
    "shared.appeal_answered",
    {"shared", "post", "upheld"},
    {"answer", "text"},
    "the place above the subdistrict answers an appeal; `no` shows the opinion after all",
)
DISPOSED = records.register(
    "shared.disposed",
    {"shared", "post", "disposition"},
    {"why"},
    "what became of an opinion on a shared topic: adopted, partly, not_adopted",
)
OUTCOME = records.register(
    "shared.outcome",
    {"shared", "text_sha256", "until"},
    meaning="what a shared topic came to is published until then",
)


@dataclass(frozen=True, slots=True)
class NewShared:
    """What a subdistrict makes of lifted topics: `lifts` by public id, `communities` by code."""

    lifts: tuple[str, ...]
    communities: tuple[str, ...]
    title: str
    background: str
    question: str


def lift_topic(actor: Actor, *, community_id: int, topic_id: str, reason: str) -> None:
    """Lift a topic that is being screened to the community's subdistrict, with a reason.

    Raises: NotFound; RuleBroken shared.no_subdistrict, topic.wrong_state, topic.no_reason.
    """
    with transaction() as session:
        require(actor, Permission.TOPIC_HANDLE, Place(community_id))
        topic = hold_topic(session, community_id, topic_id)
        place = community_by_id(community_id)
        area = area_by_id(place.jurisdiction_ids[0])
        if area.level is not Level.SUBDISTRICT:
            raise RuleBroken("shared.no_subdistrict")
        move(session, actor, topic, State.ESCALATED, reason)
        lift = LiftedTopic(
            community_id=community_id,
            jurisdiction_id=area.id,
            public_id=new_id(),
            topic_id=topic.id,
            reason=reason.replace("\r", "").strip(),
            state=LiftState.WAITING.value,
            lifted_at=clock.now(),
        )
        session.add(lift)
        session.flush()
        data = {"community": place.code, "topic": topic_id, "lift": lift.public_id}
        role = actor.role_in(community_id).value
        act = Act(LIFTED, f"lift:{lift.public_id}", data, {"reason": lift.reason}, role)
        _write(session, actor, act, area.id)


def return_topic(actor: Actor, *, jurisdiction_id: int, lift_id: str, reason: str) -> None:
    """Give a lifted topic back: its community handles it itself, and the reason is public.

    Raises: NotFound; RuleBroken shared.decided_before, topic.no_reason.
    """
    with transaction() as session:
        role = _handles(actor, jurisdiction_id)
        (lift,) = _hold_lifts(session, jurisdiction_id, [lift_id])
        topic = _topic_of(session, lift)
        move(session, actor, topic, State.ACCEPTED, reason, role)
        lift.state, lift.decided_at = LiftState.RETURNED.value, clock.now()
        code = community_by_id(lift.community_id).code
        data = {"community": code, "topic": topic.public_id, "lift": lift_id}
        private = {"reason": reason.strip()}
        _write(session, actor, Act(GIVEN_BACK, f"lift:{lift_id}", data, private), jurisdiction_id)


def share_topic(actor: Actor, *, jurisdiction_id: int, new: NewShared) -> str:
    """Take lifted topics up as one that communities of the area share; gives its public id.

    Nothing else of a community is opened to another. Raises: NotFound; RuleBroken shared.outside,
    shared.origin_missing, shared.decided_before, shared.empty, shared.too_long.
    """
    with transaction() as session:
        _handles(actor, jurisdiction_id)
        lifts = _hold_lifts(session, jurisdiction_id, new.lifts)
        area = {place.code: place.id for place in communities_below(jurisdiction_id)}
        code_of = {community_id: code for code, community_id in area.items()}
        origins = {code_of[lift.community_id] for lift in lifts}
        rules.check_communities(set(new.communities), set(area), origins)
        shared = _new_shared(jurisdiction_id, new)
        session.add(shared)
        session.flush()
        codes = sorted(set(new.communities))
        rows = [{"community_id": area[code], "shared_id": shared.id} for code in codes]
        session.execute(insert(SharedIn), rows)
        subject = shared_thing(jurisdiction_id, shared.public_id)
        for lift in lifts:
            lift.state, lift.shared_id = LiftState.SHARED.value, shared.id
            lift.decided_at = shared.opened_at
            topic = subject_of(_topic_of(session, lift))
            connect(session, lift.community_id, Edge(topic, "lifted_to", subject))
        data = {
            "shared": shared.public_id,
            "communities": codes,
            "lifts": sorted(lift.public_id for lift in lifts),
            "text_sha256": _sha256([shared.title, shared.background, shared.question]),
        }
        act = Act(SHARED, f"shared:{shared.public_id}", data)
        _write(session, actor, act, jurisdiction_id)
        return shared.public_id


def _new_shared(jurisdiction_id: int, new: NewShared) -> SharedTopic:
    return SharedTopic(
        jurisdiction_id=jurisdiction_id,
        public_id=new_id(),
        title=mask(rules.check_text(new.title, rules.LONGEST_TITLE)),
        background=mask(rules.check_text(new.background)),
        question=mask(rules.check_text(new.question)),
        state=SharedState.OPEN.value,
        opened_at=clock.now(),
    )


def publish_opinion(actor: Actor, *, jurisdiction_id: int, opinion_id: str, cover: str) -> None:
    """Show an opinion to everybody; `cover` names phrases to be masked, as with other opinions.

    Raises: NotFound; RuleBroken post.wrong_state, post.nothing_to_cover.
    """
    with transaction() as session:
        _handles(actor, jurisdiction_id)
        opinion, shared = _hold_opinion(session, jurisdiction_id, opinion_id)
        opinions.refuse_own(opinion.person_id, actor.person_id)
        _check_submitted(opinion)
        for phrase in opinions.phrases(cover):
            if phrase not in opinion.text:
                raise RuleBroken("post.nothing_to_cover")
            opinion.text = opinions.cover(opinion.text, phrase)
        opinion.state, opinion.moderated_at = PostState.PUBLISHED.value, clock.now()
        opinion.moderated_by = actor.person_id
        if opinion.body_id is None:
            data = {"shared": shared.public_id, "post": opinion_id}
            act = Act(PUBLISHED, f"post:{opinion_id}", data, {"text": opinion.text})
            _write(session, actor, act, jurisdiction_id)
        else:
            _publish_for(session, actor, opinion, opinion.body_id, shared)
        _tell(session, opinion, shared, PersonNoticeKind.POST_PUBLISHED, "")


def _publish_for(
    session: Session,
    actor: Actor,
    opinion: SharedOpinion,
    body_pk: int,
    shared: SharedTopic,
    role: str = "",
) -> None:
    """Tell that a body's opinion is shown; its id holds in its community alone, so that is told."""
    data = {
        "shared": shared.public_id,
        "post": opinion.public_id,
        "community": community_by_id(opinion.community_id).code,
        "body": bodies.public_id_of(session, opinion.community_id, body_pk),
    }
    subject = f"post:{opinion.public_id}"
    act = Act(PUBLISHED_FOR, subject, data, {"text": opinion.text}, role)
    _write(session, actor, act, shared.jurisdiction_id)


def return_opinion(
    actor: Actor, *, jurisdiction_id: int, opinion_id: str, reason: str, note: str = ""
) -> None:
    """Give an opinion back to its author with one of the six reasons. Raises: as publishing."""
    with transaction() as session:
        _handles(actor, jurisdiction_id)
        opinion, shared = _hold_opinion(session, jurisdiction_id, opinion_id)
        opinions.refuse_own(opinion.person_id, actor.person_id)
        _check_submitted(opinion)
        opinion.state = PostState.RETURNED.value
        _refuse(session, actor, opinion, shared, (RETURNED, reason, note))
        _tell(session, opinion, shared, PersonNoticeKind.POST_RETURNED, opinion.reason)


def hide_opinion(
    actor: Actor, *, jurisdiction_id: int, opinion_id: str, reason: str, note: str = ""
) -> None:
    """Hide a published opinion with one of the six reasons; its author may appeal.

    Raises: NotFound; RuleBroken post.wrong_state, post.no_reason, shared.brought_back for what an
    appeal has brought back.
    """
    with transaction() as session:
        _handles(actor, jurisdiction_id)
        opinion, shared = _hold_opinion(session, jurisdiction_id, opinion_id)
        rules.check_hides(opinion.state, opinion.appeal_answered_at is not None)
        opinion.state = PostState.HIDDEN.value
        _refuse(session, actor, opinion, shared, (HIDDEN, reason, note))
        _tell(session, opinion, shared, PersonNoticeKind.POST_HIDDEN, opinion.reason)


def _refuse(
    session: Session,
    actor: Actor,
    opinion: SharedOpinion,
    shared: SharedTopic,
    why: tuple[Kind, str, str],
) -> None:
    """Note who gave an opinion back or hid it, and the reason: kind, reason, note."""
    kind, reason, note = why
    opinion.reason = opinions.check_reason(reason, note).value
    opinion.note, opinion.moderated_at = note.strip(), clock.now()
    opinion.moderated_by = actor.person_id
    data = {"shared": shared.public_id, "post": opinion.public_id, "reason": opinion.reason}
    act = Act(kind, f"post:{opinion.public_id}", data, {"note": opinion.note})
    _write(session, actor, act, shared.jurisdiction_id)


def answer_shared_appeal(
    actor: Actor, *, jurisdiction_id: int, opinion_id: str, upheld: bool, answer: str
) -> None:
    """Answer an appeal as the place above who moderated, and as another person than that.

    `upheld` leaves it as it was; otherwise the opinion is shown. The entry is one of the
    subdistrict's log. Raises: NotFound; NotAllowed; RuleBroken post.wrong_state, post.*.
    """
    with transaction() as session:
        require(actor, Permission.AREA_APPEALS, Place(jurisdiction_ids=(jurisdiction_id,)))
        opinion, shared = _hold_appeal(session, jurisdiction_id, opinion_id)
        opinions.refuse_own(opinion.person_id, actor.person_id)
        if opinion.appealed_at is None or opinion.appeal_answered_at is not None:
            raise RuleBroken("post.wrong_state", state=opinion.state)
        if opinion.moderated_by == actor.require_person():
            raise NotAllowed(Permission.AREA_APPEALS)
        opinion.appeal_answer, opinion.appeal_answered_at = opinions.clean(answer), clock.now()
        data = {
            "shared": shared.public_id,
            "post": opinion_id,
            "upheld": "yes" if upheld else "no",
        }
        private = {"answer": opinion.appeal_answer}
        kind, detail = PersonNoticeKind.APPEAL_ANSWERED, "kept"
        if not upheld:
            opinion.state, opinion.reason, opinion.note = PostState.PUBLISHED.value, "", ""
            private["text"] = opinion.text
            kind, detail = PersonNoticeKind.POST_PUBLISHED, "appealed"
        role = actor.role_above(jurisdiction_id).value
        act = Act(APPEAL_ANSWERED, f"post:{opinion_id}", data, private, role)
        _write(session, actor, act, shared.jurisdiction_id)
        if not upheld and opinion.body_id is not None:
            _publish_for(session, actor, opinion, opinion.body_id, shared, role)
        _tell(session, opinion, shared, kind, detail)


def _hold_appeal(
    session: Session, jurisdiction_id: int, opinion_id: str
) -> tuple[SharedOpinion, SharedTopic]:
    """Lock an opinion on a topic of a place right below this one. Raises: NotFound."""
    owner = session.scalar(
        select(Jurisdiction.id)
        .join(SharedTopic, SharedTopic.jurisdiction_id == Jurisdiction.id)
        .join(SharedOpinion, SharedOpinion.shared_id == SharedTopic.id)
        .where(
            Jurisdiction.parent_id == jurisdiction_id,
            SharedOpinion.public_id == opinion_id,
        )
    )
    if owner is None:
        raise NotFound("opinion")
    return _hold_opinion(session, owner, opinion_id)


def dispose_opinion(
    actor: Actor, *, jurisdiction_id: int, opinion_id: str, disposition: str, why: str
) -> None:
    """Say what became of a published opinion, with the reason; until the outcome is published.

    Raises: NotFound; RuleBroken shared.closed, post.wrong_state, post.*.
    """
    with transaction() as session:
        _handles(actor, jurisdiction_id)
        opinion, shared = _hold_opinion(session, jurisdiction_id, opinion_id)
        opinions.refuse_own(opinion.person_id, actor.person_id)
        # What an appeal brought back after the outcome is still answered, once.
        if opinion.disposition or opinion.appeal_answered_at is None:
            rules.check_open(shared.state)
        if opinion.state != PostState.PUBLISHED:
            raise RuleBroken("post.wrong_state", state=opinion.state)
        opinion.disposition = opinions.check_disposition(disposition, why).value
        opinion.disposition_why, opinion.disposed_at = why.strip(), clock.now()
        data = {
            "shared": shared.public_id,
            "post": opinion_id,
            "disposition": opinion.disposition,
        }
        act = Act(DISPOSED, f"post:{opinion_id}", data, {"why": opinion.disposition_why})
        _write(session, actor, act, jurisdiction_id)
        _tell(session, opinion, shared, PersonNoticeKind.POST_DISPOSED, opinion.disposition)


def publish_outcome(actor: Actor, *, jurisdiction_id: int, shared_id: str, text: str) -> None:
    """Publish what a shared topic came to, and archive the topics it was made of.

    Every opinion is moderated and answered first. Raises: NotFound; RuleBroken shared.closed,
    shared.unmoderated, shared.undisposed, shared.appeals_open, shared.empty.
    """
    with transaction() as session:
        role = _handles(actor, jurisdiction_id)
        shared = _hold_shared(session, jurisdiction_id, shared_id)
        rules.check_open(shared.state)
        rules.check_finished(*_unfinished(session, shared.id))
        shared.outcome, now = mask(rules.check_text(text)), clock.now()
        days = number_above(jurisdiction_id, "publication_days")
        shared.state, shared.published_at = SharedState.PUBLISHED.value, now
        shared.publication_until = publication_until(now, days)
        _archive_origins(session, actor, shared, role)
        data = {
            "shared": shared_id,
            "text_sha256": _sha256([shared.outcome]),
            "until": clock.to_record(shared.publication_until),
        }
        _write(session, actor, Act(OUTCOME, f"shared:{shared_id}", data), jurisdiction_id)


def _archive_origins(session: Session, actor: Actor, shared: SharedTopic, role: str) -> None:
    lifts = session.scalars(
        select(LiftedTopic)
        .where(LiftedTopic.shared_id == shared.id)
        .order_by(LiftedTopic.community_id, LiftedTopic.id)
    ).all()
    for lift in lifts:
        move(session, actor, _topic_of(session, lift), State.ARCHIVED, shared.title, role)


def _unfinished(session: Session, shared_id: int) -> tuple[int, int, int]:
    """How many opinions nobody has moderated, how many are not answered, how many appeals."""
    of_it = SharedOpinion.shared_id == shared_id
    waiting = SharedOpinion.state == PostState.SUBMITTED.value
    silent = (SharedOpinion.state == PostState.PUBLISHED.value) & (SharedOpinion.disposition == "")
    appealed = SharedOpinion.appealed_at.is_not(None) & SharedOpinion.appeal_answered_at.is_(None)
    one, two, three = (
        session.scalar(select(func.count(SharedOpinion.id)).where(of_it, condition)) or 0
        for condition in (waiting, silent, appealed)
    )
    return one, two, three


def _handles(actor: Actor, jurisdiction_id: int) -> str:
    """The role of whoever may handle lifted topics here. Raises: NotAllowed."""
    require(actor, Permission.AREA_TOPICS, Place(jurisdiction_ids=(jurisdiction_id,)))
    return actor.role_above(jurisdiction_id).value


def _hold_lifts(
    session: Session, jurisdiction_id: int, lift_ids: Sequence[str]
) -> list[LiftedTopic]:
    """Lock lifted topics that wait here, always in one order."""
    found = session.scalars(
        select(LiftedTopic)
        .where(LiftedTopic.jurisdiction_id == jurisdiction_id, LiftedTopic.public_id.in_(lift_ids))
        .order_by(LiftedTopic.community_id, LiftedTopic.id)
        .with_for_update()
    ).all()
    if not found or {lift.public_id for lift in found} != set(lift_ids):
        raise NotFound("lift")
    rules.check_waiting({lift.state for lift in found})
    return list(found)


def _topic_of(session: Session, lift: LiftedTopic) -> Topic:
    mine = Topic.community_id == lift.community_id, Topic.id == lift.topic_id
    return session.scalars(select(Topic).where(*mine).with_for_update()).one()


def _hold_shared(session: Session, jurisdiction_id: int, shared_id: str) -> SharedTopic:
    mine = SharedTopic.jurisdiction_id == jurisdiction_id, SharedTopic.public_id == shared_id
    shared = session.scalar(select(SharedTopic).where(*mine).with_for_update())
    if shared is None:
        raise NotFound("shared")
    return shared


def _hold_opinion(
    session: Session, jurisdiction_id: int, opinion_id: str
) -> tuple[SharedOpinion, SharedTopic]:
    """Lock an opinion on one of this place's topics, after the topic itself."""
    of_place = SharedTopic.jurisdiction_id == jurisdiction_id
    asked = (
        select(SharedOpinion.id, SharedTopic.public_id)
        .join(SharedTopic, SharedTopic.id == SharedOpinion.shared_id)
        .where(of_place, SharedOpinion.public_id == opinion_id)
    )
    found = session.execute(asked).first()
    if found is None:
        raise NotFound("opinion")
    shared = _hold_shared(session, jurisdiction_id, found.public_id)
    held = select(SharedOpinion).where(SharedOpinion.id == found.id).with_for_update()
    return session.scalars(held.execution_options(populate_existing=True)).one(), shared


def _check_submitted(opinion: SharedOpinion) -> None:
    if opinion.state != PostState.SUBMITTED:
        raise RuleBroken("post.wrong_state", state=opinion.state)


def _write(session: Session, actor: Actor, act: Act, jurisdiction_id: int) -> None:
    record(session, actor, act, Above(jurisdiction_id))
    checkpoint(session, Above(jurisdiction_id))


def _tell(
    session: Session,
    opinion: SharedOpinion,
    shared: SharedTopic,
    kind: PersonNoticeKind,
    detail: str,
) -> None:
    # Whose author was erased has nobody to be told.
    if opinion.person_id is not None:
        about = shared_thing(shared.jurisdiction_id, shared.public_id)
        tell_person(session, opinion.community_id, opinion.person_id, kind, about, detail)


def _sha256(texts: list[str]) -> str:
    return hashlib.sha256(c.canonical(texts)).hexdigest()

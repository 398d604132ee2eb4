"""Writing, moderating and answering. Publishing and hiding are public acts; writing is not yet.

Of some subjects nothing is told in the record: the answers to a rating's open question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.bodies import steps as bodies
from app.core import clock
from app.core import record as records
from app.core.actor import Role
from app.core.db import transaction
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.record import Act, record
from app.discussion import rules, steps, writing
from app.discussion.models import Post
from app.discussion.rules import PostState
from app.discussion.writing import Written, role_of
from app.people.models import PersonNoticeKind
from app.people.steps import security, tell_person
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.core.record import Kind

PUBLISHED = records.register(
    "post.published",
    {"post", "about"},
    {"text"},
    "what somebody wrote about a subject is shown to everybody",
)
PUBLISHED_FOR = records.register(
    "post.published_for",
    {"post", "about", "body"},
    {"text"},
    "what somebody who acts for a body wrote in its name is shown to everybody",
)
RETURNED = records.register(
    "post.returned",
    {"post", "about", "reason"},
    {"note"},
    "what somebody wrote goes back to them with a reason",
)
HIDDEN = records.register(
    "post.hidden", {"post", "about", "reason"}, {"note"}, "a published post is hidden"
)
APPEAL_ANSWERED = records.register(
    "appeal.answered",
    {"post", "about", "upheld"},
    {"answer"},
    "somebody else looked again at what was returned or hidden",
)
DISPOSED = records.register(
    "opinion.disposed",
    {"post", "about", "disposition"},
    {"why"},
    "what became of an opinion: adopted, partly, not_adopted",
)
REPLIED = records.register(
    "post.answered", {"post", "about"}, {"reply"}, "the designer or the committee answers"
)


def write_post(
    actor: Actor, *, community_id: int, subject: str, text: str, once: str, body: str = ""
) -> str:
    """Send an opinion to moderation; gives its public id. The same form twice is one post.

    With a `body` it is said in that body's name, by whoever acts for it in this; an attempt in
    vain is noted in the security log. Raises: NotFound; RuleBroken post.*, body.*.
    """
    try:
        with transaction() as session:
            require(actor, Permission.OPINION_WRITE, Place(community_id))
            steps.hold(session, community_id, subject)
            named = _named(session, actor, community_id, subject, body)
            if named is None or not named.problem:
                written = Written(text, once)
                return writing.write(session, actor, community_id, subject, written, named)
    except IntegrityError:
        return _sent_before(actor, community_id, once)
    raise RuleBroken(f"body.{named.problem}")


def _named(
    session: Session, actor: Actor, community_id: int, subject: str, body: str
) -> bodies.Named | None:
    """The body in whose name something is said; None where somebody speaks for themself.

    That is for residents alone, and where nothing is told in the record no body speaks. Raises:
    NotFound; RuleBroken body.only_for_it, post.closed.
    """
    if not body:
        if actor.home_in(community_id) is None:
            raise RuleBroken("body.only_for_it")
        return None
    if not steps.is_recorded(subject):
        raise RuleBroken("post.closed")
    things = steps.things_of(community_id, subject)
    return bodies.acts_for(session, actor, community_id, body, things)


def _sent_before(actor: Actor, community_id: int, once: str) -> str:
    with transaction() as session:
        public_id = session.scalar(
            select(Post.public_id).where(
                Post.community_id == community_id,
                Post.person_id == actor.require_person(),
                Post.once == once,
            )
        )
    if public_id is None:
        raise NotFound("post")
    return public_id


def rewrite_post(actor: Actor, *, community_id: int, post_id: str, text: str) -> None:
    """Send a returned post again in other words. Raises: NotFound, RuleBroken post.*, body.*."""
    with transaction() as session:
        require(actor, Permission.OPINION_WRITE, Place(community_id))
        post = _lock(session, community_id, post_id)
        if post.person_id != actor.person_id:
            raise NotFound("post")
        if post.state != PostState.RETURNED:
            raise RuleBroken("post.wrong_state", state=post.state)
        original = rules.clean(text)
        problem = _speaks_no_more(session, actor, post)
        if not problem:
            post.original, post.text = original, rules.mask(original)
            post.state, post.submitted_at = PostState.SUBMITTED.value, clock.now()
            post.reason = post.note = ""
            _note(session, actor, post, "post.rewritten")
            return
    raise RuleBroken(f"body.{problem}")


def _speaks_no_more(session: Session, actor: Actor, post: Post) -> str:
    """Why whoever wrote in a body's name speaks for it no more; empty when they do."""
    if post.body_id is None:
        return ""
    body = bodies.public_id_of(session, post.community_id, post.body_id)
    things = steps.things_of(post.community_id, post.subject)
    return bodies.acts_for(session, actor, post.community_id, body, things).problem


def publish_post(actor: Actor, *, community_id: int, post_id: str, cover: str = "") -> None:
    """Show a post to everybody; `cover` names the phrases to be masked, split by 、 or a semicolon.

    Raises: NotFound, RuleBroken post.own, post.wrong_state, post.nothing_to_cover.
    """
    with transaction() as session:
        require(actor, Permission.POST_MODERATE, Place(community_id))
        post = _lock(session, community_id, post_id)
        rules.refuse_own(post.person_id, actor.person_id)
        rules.check_move(PostState(post.state), PostState.PUBLISHED)
        if post.state != PostState.SUBMITTED:
            raise RuleBroken("post.wrong_state", state=post.state)
        for phrase in rules.phrases(cover):
            if phrase not in post.text:
                raise RuleBroken("post.nothing_to_cover")
            post.text = rules.cover(post.text, phrase)
        _publish(session, actor, post)


def _publish(session: Session, actor: Actor, post: Post, because: str = "") -> None:
    _moderate(post, actor, PostState.PUBLISHED)
    if post.body_id is None:
        _write(session, actor, PUBLISHED, post, private={"text": post.text})
    else:
        said_for = {"body": bodies.public_id_of(session, post.community_id, post.body_id)}
        _write(session, actor, PUBLISHED_FOR, post, said_for, {"text": post.text})
    _tell(session, post, PersonNoticeKind.POST_PUBLISHED, because)


def return_post(
    actor: Actor, *, community_id: int, post_id: str, reason: str, note: str = ""
) -> None:
    """Give a post back with a reason. Raises: NotFound, RuleBroken post.*."""
    with transaction() as session:
        require(actor, Permission.POST_MODERATE, Place(community_id))
        post = _lock(session, community_id, post_id)
        rules.refuse_own(post.person_id, actor.person_id)
        rules.check_move(PostState(post.state), PostState.RETURNED)
        _refuse(session, actor, post, RETURNED, (reason, note))
        _tell(session, post, PersonNoticeKind.POST_RETURNED, post.reason)


def hide_post(
    actor: Actor, *, community_id: int, post_id: str, reason: str, note: str = ""
) -> None:
    """Take a published post out of sight; the original is kept.

    Where an appeal brought it back, another person than before must do it, and its author may
    appeal anew. Raises: NotFound; RuleBroken post.overruled, post.wrong_state, post.no_reason.
    """
    with transaction() as session:
        require(actor, Permission.POST_MODERATE, Place(community_id))
        post = _lock(session, community_id, post_id)
        rules.check_move(PostState(post.state), PostState.HIDDEN)
        if actor.person_id in post.overruled:
            raise RuleBroken("post.overruled")
        if post.overruled and post.appealed_at is not None:
            _reopen_appeal(post)
        _refuse(session, actor, post, HIDDEN, (reason, note))
        _tell(session, post, PersonNoticeKind.POST_HIDDEN, post.reason)


def _reopen_appeal(post: Post) -> None:
    """Put an answered appeal away among what was earlier, so that there can be another."""
    said = {
        "kind": "appeal",
        "at": clock.to_record(post.appealed_at or clock.now()),
        "text": post.appeal,
        "answer": post.appeal_answer,
    }
    post.earlier = [*post.earlier, said]
    post.appeal = post.appeal_answer = ""
    post.appealed_at = post.appeal_answered_at = None


def _refuse(session: Session, actor: Actor, post: Post, kind: Kind, why: tuple[str, str]) -> None:
    given = rules.check_reason(*why)
    state = PostState.HIDDEN if kind is HIDDEN else PostState.RETURNED
    _moderate(post, actor, state)
    post.reason, post.note = given.value, why[1].strip()
    _write(session, actor, kind, post, {"reason": given.value}, {"note": post.note})


def appeal_post(actor: Actor, *, community_id: int, post_id: str, text: str) -> None:
    """Ask somebody else to look again, once. Raises: NotFound, RuleBroken post.*, body.*."""
    with transaction() as session:
        require(actor, Permission.OPINION_WRITE, Place(community_id))
        post = _lock(session, community_id, post_id)
        if post.person_id != actor.person_id:
            raise NotFound("post")
        if post.state not in {PostState.RETURNED, PostState.HIDDEN}:
            raise RuleBroken("post.wrong_state", state=post.state)
        if post.appealed_at is not None:
            raise RuleBroken("post.appealed_before")
        appeal = rules.clean(text)
        problem = _speaks_no_more(session, actor, post)
        if not problem:
            post.appeal, post.appealed_at = appeal, clock.now()
            _note(session, actor, post, "post.appealed")
            return
    raise RuleBroken(f"body.{problem}")


def answer_appeal(
    actor: Actor, *, community_id: int, post_id: str, upheld: bool, answer: str
) -> None:
    """Look again, as somebody other than who moderated: uphold the decision, or publish after all.

    Raises: NotFound; NotAllowed for who moderated; RuleBroken post.*.
    """
    with transaction() as session:
        require(actor, Permission.APPEAL_ANSWER, Place(community_id))
        post = _lock(session, community_id, post_id)
        rules.refuse_own(post.person_id, actor.person_id)
        if post.appealed_at is None or post.appeal_answered_at is not None:
            raise RuleBroken("post.wrong_state", state=post.state)
        if post.moderated_by == actor.person_id:
            raise NotAllowed(Permission.APPEAL_ANSWER)
        post.appeal_answer, post.appeal_answered_at = rules.clean(answer), clock.now()
        facts = {"upheld": "yes" if upheld else "no"}
        private = {"answer": post.appeal_answer}
        _write(session, actor, APPEAL_ANSWERED, post, facts, private)
        if upheld:
            _tell(session, post, PersonNoticeKind.APPEAL_ANSWERED, "kept")
        else:
            post.reason = post.note = ""
            post.overruled = [*post.overruled, post.moderated_by]
            _publish(session, actor, post, "appealed")


def dispose(actor: Actor, *, community_id: int, post_id: str, disposition: str, why: str) -> None:
    """Say what became of a published opinion, with the reason.

    What was said before stays to be read beside it; once the thing it is about is fixed, nothing
    else is said any more. Raises: NotFound; RuleBroken post.fixed, post.wrong_state, post.*.
    """
    with transaction() as session:
        require(actor, Permission.OPINION_DISPOSE, Place(community_id))
        post = _lock(session, community_id, post_id)
        if post.state != PostState.PUBLISHED:
            raise RuleBroken("post.wrong_state", state=post.state)
        rules.refuse_own(post.person_id, actor.person_id)
        said = rules.check_disposition(disposition, why).value, why.strip()
        if said == (post.disposition, post.disposition_why):
            return
        if post.disposition:
            _keep_disposition(community_id, post)
        (post.disposition, post.disposition_why), post.disposed_at = said, clock.now()
        facts, private = {"disposition": post.disposition}, {"why": post.disposition_why}
        _write(session, actor, DISPOSED, post, facts, private)
        _tell(session, post, PersonNoticeKind.POST_DISPOSED, post.disposition)


def _keep_disposition(community_id: int, post: Post) -> None:
    """Put a disposition away among what was earlier. Raises: RuleBroken post.fixed."""
    if steps.subject_of(community_id, post.subject).fixed:
        raise RuleBroken("post.fixed")
    said = {
        "kind": "disposition",
        "at": clock.to_record(post.disposed_at or clock.now()),
        "disposition": post.disposition,
        "text": post.disposition_why,
    }
    post.earlier = [*post.earlier, said]


def reply(actor: Actor, *, community_id: int, post_id: str, text: str) -> None:
    """Answer a published opinion, as the designer or the committee.

    Every answer stands with the capacity it was given in; the same one twice is one. A designer
    answers about designs alone. Raises: NotFound; RuleBroken post.not_yours, post.*.
    """
    with transaction() as session:
        require(actor, Permission.OPINION_ANSWER, Place(community_id))
        post = _lock(session, community_id, post_id)
        if post.state != PostState.PUBLISHED:
            raise RuleBroken("post.wrong_state", state=post.state)
        role, said = role_of(actor, community_id), rules.clean(text)
        if role == Role.DESIGNER and not steps.subject_of(community_id, post.subject).designers:
            raise RuleBroken("post.not_yours")
        if any((one["role"], one["text"]) == (role, said) for one in post.answers):
            return
        answer = {"role": role, "text": said, "at": clock.to_record(clock.now())}
        post.answers = [*post.answers, answer]
        _write(session, actor, REPLIED, post, private={"reply": said})
        _tell(session, post, PersonNoticeKind.POST_ANSWERED, role)


def _moderate(post: Post, actor: Actor, state: PostState) -> None:
    post.state = state.value
    post.moderated_at, post.moderated_by = clock.now(), actor.person_id


def _write(
    session: Session,
    actor: Actor,
    kind: Kind,
    post: Post,
    facts: dict[str, str] | None = None,
    private: dict[str, str] | None = None,
) -> None:
    """Tell a public act in the record, or in the security log where its subject stays outside."""
    if not steps.is_recorded(post.subject):
        _note(session, actor, post, kind.name, about=post.subject, **(facts or {}))
        return
    data = {"post": post.public_id, "about": post.subject} | (facts or {})
    act = Act(kind, f"post:{post.public_id}", data, private or {})
    record(session, actor, act, post.community_id)


def _note(session: Session, actor: Actor, post: Post, kind: str, **facts: str) -> None:
    """Leave a line that is no entry of the record: what nobody else has seen yet is none."""
    security(
        session,
        kind,
        community_id=post.community_id,
        person_id=actor.person_id,
        post=post.public_id,
        **facts,
    )


def _tell(session: Session, post: Post, kind: PersonNoticeKind, detail: str = "") -> None:
    about = f"post:{post.public_id}"
    # Whoever was erased is told nothing any more.
    if post.person_id is None:
        return
    tell_person(session, post.community_id, post.person_id, kind, about, detail)


def _lock(session: Session, community_id: int, post_id: str) -> Post:
    mine = Post.community_id == community_id, Post.public_id == post_id
    post = session.scalar(select(Post).where(*mine).with_for_update())
    if post is None:
        raise NotFound("post")
    return post

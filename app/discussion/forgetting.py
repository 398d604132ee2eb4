"""What this room forgets of a person who is erased, inside that transaction.

What nobody else has read goes. What was published stays to be read without its author, unless they
asked for it to be taken down: then its place stays, hidden, so that what was said about it holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core.actor import SYSTEM
from app.core.erasures import forgets
from app.core.record import Act, forget_openings, record
from app.discussion import steps
from app.discussion.models import Post
from app.discussion.operations import HIDDEN
from app.discussion.rules import AUTHOR_LEFT, PostState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.erasures import Leaver


@forgets("post.person_id")
def forget(session: Session, leaver: Leaver) -> None:
    """Let go of everything a person wrote, or of who wrote it."""
    for post in session.scalars(select(Post).where(Post.person_id == leaver.person_id)).all():
        state = PostState(post.state)
        if state in {PostState.SUBMITTED, PostState.RETURNED}:
            forget_openings(session, post.community_id, f"post:{post.public_id}")
            session.delete(post)
            continue
        # What was published in a body's name is the body's, and stays whatever they asked for.
        if state is PostState.PUBLISHED and leaver.texts and post.body_id is None:
            _take_down(session, post)
        _let_go_of_author(post)
        if post.state == PostState.HIDDEN:
            forget_openings(session, post.community_id, f"post:{post.public_id}")
            post.text = post.original = ""
    session.flush()


def _take_down(session: Session, post: Post) -> None:
    post.state, post.reason, post.note = PostState.HIDDEN.value, AUTHOR_LEFT, ""
    if steps.is_recorded(post.subject):
        data = {"post": post.public_id, "about": post.subject, "reason": AUTHOR_LEFT}
        act = Act(HIDDEN, f"post:{post.public_id}", data)
        record(session, SYSTEM, act, post.community_id)


def _let_go_of_author(post: Post) -> None:
    """Keep what readers see; what was sent, and every appeal, was its author's alone."""
    post.person_id, post.once = None, ""
    post.original = post.text
    post.appeal = post.appeal_answer = ""
    post.appealed_at = post.appeal_answered_at = None
    post.earlier = [said for said in post.earlier if said["kind"] != "appeal"]

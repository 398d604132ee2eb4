"""What this room forgets of a person who is erased, inside that transaction.

As with opinions of a community: what nobody else has read goes; what was published stays to be
read without its author, or empty where they asked for that. What they published in a body's name
is the body's, and stays whatever they asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core.erasures import forgets
from app.core.record import Above, forget_openings
from app.discussion.rules import AUTHOR_LEFT, PostState
from app.sharing.models import SharedOpinion, SharedTopic

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.erasures import Leaver


@forgets("shared_opinion.person_id")
def forget(session: Session, leaver: Leaver) -> None:
    """Let go of everything a person wrote on shared topics, or of who wrote it."""
    rows = session.execute(
        select(SharedOpinion, SharedTopic.jurisdiction_id)
        .join(SharedTopic, SharedTopic.id == SharedOpinion.shared_id)
        .where(SharedOpinion.person_id == leaver.person_id)
    )
    for opinion, jurisdiction_id in rows.all():
        theirs = opinion.body_id is None
        if opinion.state == PostState.PUBLISHED and not (leaver.texts and theirs):
            opinion.person_id, opinion.once, opinion.original = None, "", opinion.text
            _forget_appeal(opinion)
            continue
        forget_openings(session, Above(jurisdiction_id), f"post:{opinion.public_id}")
        if opinion.state == PostState.PUBLISHED:
            opinion.person_id, opinion.once = None, ""
            opinion.state, opinion.reason = PostState.HIDDEN.value, AUTHOR_LEFT
            opinion.text = opinion.original = opinion.note = ""
            _forget_appeal(opinion)
        else:
            session.delete(opinion)
    session.flush()


def _forget_appeal(opinion: SharedOpinion) -> None:
    """An appeal and its answer were its author's alone."""
    opinion.appeal = opinion.appeal_answer = ""
    opinion.appealed_at = opinion.appeal_answered_at = None

"""What a room above may take as decided: a published poll that came after its question.

One rule for all of them: a topic that was put to the vote, a text that was handed in.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core.db import db
from app.core.errors import NotFound
from app.voting.models import Poll, PollOption
from app.voting.queries import poll_cards, result_view

if TYPE_CHECKING:
    from datetime import datetime

    from app.voting.queries import PollCard, ResultView
    from app.voting.rules import PollKind


class Unfit(StrEnum):
    """Why a poll decides nothing here: each room has a sentence under this name."""

    NO_POLL = "no_poll"
    BEFORE = "poll_before"


def published_result(
    community_id: int, public_id: str, kind: PollKind, since: datetime | None
) -> ResultView | Unfit:
    """The published result of a poll of this kind that was opened since its question was put.

    A vote held before would decide about something else that looked alike.
    """
    try:
        result = result_view(community_id, public_id)
    except NotFound:
        return Unfit.NO_POLL
    poll = result.poll
    if poll.kind != kind or poll.published_at is None:
        return Unfit.NO_POLL
    if since is None or poll.opened_at is None or poll.opened_at < since:
        return Unfit.BEFORE
    return result


def polls_asking(community_id: int, kind: PollKind, option: str) -> list[PollCard]:
    """Every poll of this kind that asks about this option, drafts too, the latest first."""
    asking = select(PollOption.id).where(
        PollOption.community_id == Poll.community_id,
        PollOption.poll_id == Poll.id,
        PollOption.option == option,
    )
    wanted = set(
        db.session.scalars(
            select(Poll.public_id).where(
                Poll.community_id == community_id, Poll.kind == kind.value, asking.exists()
            )
        )
    )
    if not wanted:
        return []
    return [card for card in poll_cards(community_id) if card.public_id in wanted]

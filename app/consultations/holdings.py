"""What this room keeps about one person, for that person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.consultations.models import Topic, TopicPhoto
from app.consultations.rules import State
from app.core.db import db

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class OwnTopic:
    """A topic as its proposer wrote it, whatever was covered since; hidden photos count, too."""

    topic: str
    title: str
    text: str
    state: State
    at: datetime
    photos: int


def proposed_by(community_id: int, person_id: int) -> list[OwnTopic]:
    """Every topic one person proposed here, the newest first, in one statement."""
    photos = (
        select(func.count(TopicPhoto.id))
        .where(TopicPhoto.community_id == Topic.community_id, TopicPhoto.topic_id == Topic.id)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(
            Topic.public_id,
            func.coalesce(func.nullif(Topic.original_title, ""), Topic.title).label("title"),
            func.coalesce(func.nullif(Topic.original_background, ""), Topic.background).label(
                "text"
            ),
            Topic.state,
            Topic.created_at,
            photos.label("photos"),
        )
        .where(Topic.community_id == community_id, Topic.person_id == person_id)
        .order_by(Topic.id.desc())
    )
    return [
        OwnTopic(row.public_id, row.title, row.text, State(row.state), row.created_at, row.photos)
        for row in rows
    ]

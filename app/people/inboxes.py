"""Inboxes: what one person is told about things they took part in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from app.core import clock
from app.core.db import transaction
from app.people.models import PersonNotice, PersonNoticeKind
from app.people.steps import security
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.core.actor import Actor


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A line on its way into inboxes."""

    key: str
    kind: PersonNoticeKind
    about: str
    at: datetime
    detail: str = ""


def deliver_notice(
    actor: Actor, *, community_id: int, person_ids: Sequence[int], notice: NewNotice
) -> None:
    """Put a line into each of these inboxes, once however often it is asked."""
    with transaction() as session:
        require(actor, Permission.NOTICE_DELIVER, Place(community_id))
        there = session.scalars(
            select(PersonNotice.person_id).where(
                PersonNotice.community_id == community_id, PersonNotice.key == notice.key
            )
        )
        missing = sorted(set(person_ids) - set(there))
        if not missing:
            return
        lines = [
            {
                "community_id": community_id,
                "person_id": person_id,
                "key": notice.key,
                "kind": notice.kind,
                "about": notice.about,
                "detail": notice.detail,
                "at": notice.at,
            }
            for person_id in missing
        ]
        session.execute(insert(PersonNotice), lines)
        security(
            session,
            "notice.delivered",
            community_id=community_id,
            notice=notice.kind.value,
            people=len(missing),
        )


def read_inbox(actor: Actor, *, community_id: int) -> None:
    """Mark everything in one's own inbox as read."""
    with transaction() as session:
        session.execute(
            update(PersonNotice)
            .where(
                PersonNotice.community_id == community_id,
                PersonNotice.person_id == actor.require_person(),
                PersonNotice.read_at.is_(None),
            )
            .values(read_at=clock.now())
        )
        security(session, "inbox.read", community_id=community_id, person_id=actor.person_id)

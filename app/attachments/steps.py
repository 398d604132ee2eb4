"""Keeping a picture inside the caller's transaction: first the files, then the row."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import current_app
from sqlalchemy import delete, select, update

from app.attachments.models import Attachment
from app.core import clock, jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.core.images import Picture

SIZES = ("large", "thumb")


def keep_picture(
    session: Session, actor: Actor, community_id: int, picture: Picture, alt: str
) -> Attachment:
    """Store a repainted picture under a random name.

    The files are written before the row: a file without a row harms nobody, the reverse would.
    """
    public_id = secrets.token_urlsafe(16)
    for size, data in (("large", picture.large), ("thumb", picture.thumb)):
        path = path_of(community_id, public_id, size)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    row = Attachment(
        community_id=community_id,
        public_id=public_id,
        alt=alt,
        width=picture.width,
        height=picture.height,
        size_bytes=len(picture.large),
        sha256=hashlib.sha256(picture.large).hexdigest(),
        added_by=actor.person_id,
        added_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def withhold(session: Session, community_id: int, ids: Sequence[int]) -> None:
    """Show these pictures to nobody any more; they stay stored."""
    session.execute(
        update(Attachment)
        .where(Attachment.community_id == community_id, Attachment.id.in_(ids))
        .values(withheld=True)
        .execution_options(synchronize_session=False)
    )


def discard(session: Session, community_id: int, ids: Sequence[int]) -> None:
    """Let these pictures go, row and file; the worker takes the files away after the commit."""
    mine = Attachment.community_id == community_id, Attachment.id.in_(ids)
    names = list(session.scalars(select(Attachment.public_id).where(*mine)))
    session.execute(delete(Attachment).where(*mine).execution_options(synchronize_session=False))
    for name in names:
        jobs.enqueue(
            session, "picture.remove", name, clock.now(), community_id=community_id, picture=name
        )


@jobs.handles("picture.remove")
def remove_files(payload: dict[str, Any]) -> None:
    """Take the files of a picture away that has no row any more."""
    for size in SIZES:
        path_of(int(payload["community_id"]), str(payload["picture"]), size).unlink(missing_ok=True)


def path_of(community_id: int, public_id: str, size: str) -> Path:
    """Where a stored picture lies. `public_id` comes from our own rows, never from an address."""
    folder = Path(current_app.config["SETTINGS"].data_dir) / "pictures" / str(community_id)
    return folder / f"{public_id}.{size}.webp"

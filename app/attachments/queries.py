"""Reads of pictures, as frozen values."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.attachments.models import Attachment
from app.attachments.steps import path_of
from app.core.db import db
from app.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

log = logging.getLogger("linyi.attachments")


@dataclass(frozen=True, slots=True)
class PictureView:
    """A picture as templates show it."""

    public_id: str
    alt: str
    width: int
    height: int
    sha256: str


def pictures(community_id: int, ids: Iterable[int]) -> dict[int, PictureView]:
    """Pictures by their row id, of this community alone."""
    rows = db.session.scalars(
        select(Attachment).where(
            Attachment.community_id == community_id, Attachment.id.in_(list(ids))
        )
    )
    return {
        row.id: PictureView(row.public_id, row.alt, row.width, row.height, row.sha256)
        for row in rows
    }


def picture_bytes(community_id: int, public_id: str, size: str) -> bytes:
    """The stored WebP. Raises: NotFound, also when it is withheld, or another community's.

    A file that is gone though its row is there is a fault of the disk or of a restore: whoever
    looks at the page can do nothing about it, whoever reads the log can.
    """
    known = db.session.scalar(
        select(Attachment.public_id).where(
            Attachment.community_id == community_id,
            Attachment.public_id == public_id,
            Attachment.withheld.is_(False),
        )
    )
    if known is None:
        raise NotFound("picture")
    try:
        return path_of(community_id, known, size).read_bytes()
    except FileNotFoundError as error:
        log.exception("a picture's file is missing")
        raise NotFound("picture") from error

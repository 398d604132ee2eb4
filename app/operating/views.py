"""For programs that watch the portal: whether it answers, and whether it can be used."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from flask import Blueprint

from app.core import guard
from app.operating import checks

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("operating", __name__)

NOT_KEPT = {"Cache-Control": "no-store"}


@bp.get("/health")
@guard.public
def health() -> ResponseReturnValue:
    """Answer that the process is alive; asks nothing of the database or the disk."""
    return {"ok": True}, 200, NOT_KEPT


@bp.get("/ready")
@guard.public
def ready() -> ResponseReturnValue:
    """Say whether forms can be taken: database, tables, worker, room on the disk."""
    found = checks.readiness()
    return {"ready": found.ready, **asdict(found)}, 200 if found.ready else 503, NOT_KEPT

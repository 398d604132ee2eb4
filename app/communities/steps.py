"""Notes on access, written by a room below the one that keeps them.

The security log belongs to people, a floor above; it registers itself here when it is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.core.actor import Actor

Keeper = Callable[..., None]
_keepers: list[Keeper] = []


def register_keeper(keeper: Keeper) -> Keeper:
    """Make known who keeps the security log."""
    _keepers.append(keeper)
    return keeper


OwnersChanged = Callable[["Session", int, "Sequence[int]"], None]
_told: list[OwnersChanged] = []


def register_owners_changed(listener: OwnersChanged) -> OwnersChanged:
    """Make known who is told, in the same transaction, of homes whose owners the roll changes."""
    _told.append(listener)
    return listener


def owners_changed(session: Session, community_id: int, household_ids: Sequence[int]) -> None:
    """Tell whoever answers for a person's being an owner that these homes have other names."""
    for listener in _told if household_ids else ():
        listener(session, community_id, household_ids)


def note_access(
    session: Session, kind: str, community_id: int | None, actor: Actor, **facts: Any
) -> None:
    """Note an act on places or the roll in the caller's transaction. Raises: RuntimeError."""
    if not _keepers:
        raise RuntimeError("nobody keeps the security log")
    _keepers[-1](session, kind, community_id=community_id, person_id=actor.person_id, **facts)

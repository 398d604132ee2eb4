"""What topics show of the room above them: what a subdistrict talks over with this community."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A topic that this community shares with others: its title, page, and whether it goes on."""

    title: str
    url: str
    where: str
    goes_on: bool


_shared: list[Callable[[int], list[Elsewhere]]] = []
_lifted: list[Callable[[int, str], Elsewhere | None]] = []


def register_shared(
    provider: Callable[[int], list[Elsewhere]],
) -> Callable[[int], list[Elsewhere]]:
    """Make known who can say what a community shares, by its id."""
    _shared.append(provider)
    return provider


def register_lifted(
    provider: Callable[[int, str], Elsewhere | None],
) -> Callable[[int, str], Elsewhere | None]:
    """Make known who can say where a community's topic was lifted to, by the topic's subject."""
    _lifted.append(provider)
    return provider


def shared_in(community_id: int) -> list[Elsewhere]:
    """The topics that a community shares, the newest first."""
    return _shared[-1](community_id) if _shared else []


def lifted_to(community_id: int, subject: str) -> Elsewhere | None:
    """What a topic was lifted to; None while nobody has taken it up."""
    return _lifted[-1](community_id, subject) if _lifted else None

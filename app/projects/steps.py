"""What the ledger asks of the rooms above it: the rest of a project's chain, for its page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One answer on a project's page: the question, the answer in words, and where it is shown.

    `missing` says that the chain breaks here although it should not.
    """

    question: str
    answer: str
    url: str = ""
    missing: bool = False


ChainProvider = Callable[[int, str], list[ChainLink]]
_providers: list[ChainProvider] = []


def register_chain(provider: ChainProvider) -> ChainProvider:
    """Make known who can answer from need to rating; the last one to register is asked."""
    _providers.append(provider)
    return provider


def chain_of(community_id: int, code: str) -> list[ChainLink]:
    """Who asked, how it was decided, what it cost, who built, who maintains, how it was rated."""
    return _providers[-1](community_id, code) if _providers else []

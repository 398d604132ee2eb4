"""What discussion asks of the rooms above it: what can be talked about, and what it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.core.errors import NotFound


@dataclass(frozen=True, slots=True)
class Subject:
    """A thing that can be talked about: its title, its page, and whether opinions are open.

    What became of opinions on a `fixed` thing stands as it was when it was fixed. A designer
    answers only where the thing is theirs to explain (`designers`).
    """

    title: str
    url: str
    open: bool
    fixed: bool = False
    designers: bool = False


Provider = Callable[[int, str], Subject]
_providers: dict[str, Provider] = {}


def register_subjects(prefix: str, provider: Provider) -> None:
    """Make known who owns subjects that begin with `prefix:`.

    The provider is given a community's id and what follows the prefix; it raises NotFound for
    what is not there or not public.
    """
    _providers[prefix] = provider


def subject_of(community_id: int, subject: str) -> Subject:
    """The thing behind a subject. Raises: NotFound."""
    prefix, _colon, rest = subject.partition(":")
    provider = _providers.get(prefix)
    if provider is None or not rest:
        raise NotFound("subject")
    return provider(community_id, rest)

"""What discussion asks of the rooms above it: what can be talked about, and what it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.errors import NotFound

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Subject:
    """A thing that can be talked about: its title, its page, and whether opinions are open.

    What became of opinions on a `fixed` thing stands as it was when it was fixed. A designer
    answers only where the thing is theirs to explain (`designers`). It is `within` wider things:
    who acts for a body in those may speak here, too.
    """

    title: str
    url: str
    open: bool
    fixed: bool = False
    designers: bool = False
    within: tuple[str, ...] = ()


Provider = Callable[[int, str], Subject]
Holder = Callable[["Session", int, str], None]
_providers: dict[str, Provider] = {}
_holders: dict[str, Holder] = {}
_unrecorded: set[str] = set()


def register_subjects(prefix: str, provider: Provider, *, recorded: bool = True) -> None:
    """Make known who owns subjects that begin with `prefix:`.

    The provider is given a community's id and what follows the prefix; it raises NotFound for
    what is not there or not public. What becomes of opinions is told in the record, or in the
    security log alone where they are not `recorded`.
    """
    _providers[prefix] = provider
    if not recorded:
        _unrecorded.add(prefix)


def register_holder(prefix: str, holder: Holder) -> None:
    """Make known how things that begin with `prefix:` are kept from being closed meanwhile."""
    _holders[prefix] = holder


def hold(session: Session, community_id: int, subject: str) -> None:
    """Keep a thing as it is until the transaction ends, so that no opinion slips in behind it."""
    prefix, _colon, rest = subject.partition(":")
    if holder := _holders.get(prefix):
        holder(session, community_id, rest)


def is_recorded(subject: str) -> bool:
    """Whether what becomes of opinions on a subject is told in the record.

    The kind of subject decides, so that this can also be said of what is gone or not public.
    """
    return subject.partition(":")[0] not in _unrecorded


def things_of(community_id: int, subject: str) -> tuple[str, ...]:
    """A subject with the wider things it belongs to: `design:a` with `project:P01`."""
    return (subject, *subject_of(community_id, subject).within)


def subject_of(community_id: int, subject: str) -> Subject:
    """The thing behind a subject. Raises: NotFound."""
    prefix, _colon, rest = subject.partition(":")
    provider = _providers.get(prefix)
    if provider is None or not rest:
        raise NotFound("subject")
    return provider(community_id, rest)

"""What other rooms write about access, inside their own transactions."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sqlalchemy import insert, select, update

from app.communities.steps import register_keeper
from app.core import clock, jobs
from app.core.errors import NotFound
from app.people.models import (
    HouseholdNotice,
    HouseholdNoticeKind,
    LoginSession,
    PersonNoticeKind,
    RoleGrant,
    SecurityEvent,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.orm import Session

    from app.core.actor import Role


# Written with every ballot: plain rows, no objects.
_EVENT = cast("Table", SecurityEvent.__table__)
_NOTICE = cast("Table", HouseholdNotice.__table__)


@register_keeper
def security(
    session: Session,
    kind: str,
    *,
    community_id: int | None = None,
    person_id: int | None = None,
    **facts: str | int | None,
) -> None:
    """Note an act of access. Never a code, a phone, a token or a name."""
    session.execute(
        insert(_EVENT).values(
            at=clock.now(),
            kind=kind,
            community_id=community_id,
            person_id=person_id,
            facts=facts,
        )
    )


@dataclass(frozen=True, slots=True)
class GivenRole:
    """A role with what it is for and when it ends."""

    role: Role
    scope: str
    ends_at: datetime


def role_is_living(now: datetime) -> ColumnElement[bool]:
    """That a role has begun and has not ended, as a condition on its row."""
    return (RoleGrant.starts_at <= now) & (RoleGrant.ends_at.is_(None) | (RoleGrant.ends_at > now))


def works_somewhere(session: Session, person_id: int, now: datetime) -> bool:
    """Whether somebody has a role anywhere that has not ended."""
    mine = select(RoleGrant.id).where(RoleGrant.person_id == person_id, role_is_living(now))
    return session.scalar(mine.limit(1)) is not None


def give_role(session: Session, person_id: int, place: int, given: GivenRole) -> RoleGrant:
    """Let somebody hold a role in a community from now on; the caller has judged under its lock."""
    grant = RoleGrant(
        person_id=person_id,
        role=given.role,
        community_id=place,
        starts_at=clock.now(),
        ends_at=given.ends_at,
        scope=given.scope,
    )
    session.add(grant)
    session.flush()
    return grant


def end_roles(session: Session, now: datetime, *which: ColumnElement[bool]) -> list[int]:
    """End the living roles that meet these conditions, at once and in every session.

    Whoever has no role left is signed out wherever they came in as staff. Gives the people.
    """
    living = role_is_living(now)
    ended = set(
        session.scalars(
            update(RoleGrant)
            .where(living, *which)
            .values(ends_at=now)
            .returning(RoleGrant.person_id)
            .execution_options(synchronize_session=False)
        )
    )
    if ended:
        left = select(RoleGrant.person_id).where(RoleGrant.person_id.in_(ended), living)
        session.execute(
            update(LoginSession)
            .where(
                LoginSession.person_id.in_(ended - set(session.scalars(left))),
                LoginSession.staff,
                LoginSession.ended_at.is_(None),
            )
            .values(ended_at=now)
            .execution_options(synchronize_session=False)
        )
    return sorted(ended)


def end_roles_of_meeting(session: Session, community_id: int, meeting_id: str) -> None:
    """End the roles that were given for one meeting: it is over."""
    scope = f"meeting:{meeting_id}"
    mine = RoleGrant.community_id == community_id, RoleGrant.scope == scope
    end_roles(session, clock.now(), *mine)


def tell_household(
    session: Session,
    community_id: int,
    household_id: int,
    kind: HouseholdNoticeKind,
    about: str = "",
    at: datetime | None = None,
) -> None:
    """Leave a line that every member of the household sees on entering.

    `at` is the moment of a change that keeps the very same one, so that both can be put together.
    """
    session.execute(
        insert(_NOTICE).values(
            community_id=community_id,
            household_id=household_id,
            kind=kind,
            at=at or clock.now(),
            about=about[:200],
        )
    )


def tell_households(
    session: Session, community_id: int, household_ids: Sequence[int], kind: HouseholdNoticeKind
) -> None:
    """Leave the same line for many households at once."""
    at = clock.now()
    lines = [
        {
            "community_id": community_id,
            "household_id": household_id,
            "kind": kind,
            "at": at,
            "about": "",
        }
        for household_id in household_ids
    ]
    if lines:
        session.execute(insert(_NOTICE), lines)


def tell_person(
    session: Session,
    community_id: int,
    person_id: int,
    kind: PersonNoticeKind,
    about: str,
    detail: str = "",
) -> None:
    """Let the worker put a line into somebody's inbox; `about` is a thing such as `topic:abc`.

    `detail` says what happened to it, in a word of its room's own (a state, a disposition).
    """
    tell_people(session, community_id, [person_id], kind, about, detail)


def tell_people(
    session: Session,
    community_id: int,
    person_ids: Sequence[int],
    kind: PersonNoticeKind,
    about: str,
    detail: str = "",
) -> None:
    """Let the worker put the same line into several inboxes, by one job."""
    now = clock.now()
    key = secrets.token_hex(8)
    jobs.enqueue(
        session,
        "notice.deliver",
        key,
        now,
        community_id=community_id,
        person_ids=list(person_ids),
        notice=kind.value,
        about=about,
        detail=detail,
        key_of_notice=key,
        at=clock.to_record(now),
    )


AddressOf = Callable[[int, str], tuple[str, str]]
_addresses: dict[str, AddressOf] = {}


def register_address(prefix: str, address_of: AddressOf) -> None:
    """Make known who can say where `prefix:…` is.

    The function is given a community's id and what follows the prefix, and gives the thing's title
    and its address; it raises NotFound for what is no longer there.
    """
    _addresses[prefix] = address_of


def address_of_thing(community_id: int, about: str) -> tuple[str, str]:
    """The title and the address of a thing. Raises: NotFound."""
    prefix, _colon, rest = about.partition(":")
    if prefix not in _addresses:
        raise NotFound("thing")
    return _addresses[prefix](community_id, rest)


@dataclass(frozen=True, slots=True)
class Correction:
    """What was wrong in something published, and what is right, told to everybody at a moment."""

    text: str
    at: datetime


CorrectionsOf = Callable[[int, str], Sequence[Correction]]
_corrections: dict[str, CorrectionsOf] = {}


def register_corrections(prefix: str, corrections_of: CorrectionsOf) -> None:
    """Make known who can say what was corrected about `prefix:…`, the earliest first."""
    _corrections[prefix] = corrections_of


def corrections_of_thing(community_id: int, about: str) -> Sequence[Correction]:
    """What was corrected about a thing; a thing whose room corrects nothing has none."""
    prefix, _colon, rest = about.partition(":")
    found = _corrections.get(prefix)
    return found(community_id, rest) if found is not None else ()


@dataclass(frozen=True, slots=True)
class News:
    """A line of an inbox before it is put into words: what happened to `prefix:<rest>`."""

    rest: str
    kind: PersonNoticeKind
    detail: str


NewsWords = Callable[[int, News], str]
_news: dict[str, NewsWords] = {}


def register_news(prefix: str, words: NewsWords) -> None:
    """Make known who can say what happened to `prefix:…`: topics, meetings, posts.

    The function is given a community's id and the news, and gives a sentence without a full stop,
    or an empty text where it knows no better than the kind of the line says.
    """
    _news[prefix] = words


def news_of_thing(community_id: int, about: str, kind: PersonNoticeKind, detail: str) -> str:
    """What happened, in the words of the room it happened in; empty when that room has none."""
    prefix, _colon, rest = about.partition(":")
    words = _news.get(prefix)
    return words(community_id, News(rest, kind, detail)) if words is not None else ""


Errands = Callable[[int, int], list[str]]
_errands: list[Errands] = []


def register_errands(provider: Errands) -> Errands:
    """Make known who can say what waits for a household, as local addresses to go to."""
    _errands.append(provider)
    return provider


def errands(community_id: int, household_id: int) -> list[str]:
    """What waits for a household right now; empty when nothing does."""
    return _errands[-1](community_id, household_id) if _errands else []

"""Written authorities (委托书): who may cast a ballot for a household that is not theirs.

Every function works inside the caller's transaction, which holds the poll. The unique keys refuse a
fourth principal and a second authority, whoever comes at the same moment (docs/adr/0032).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.communities.models import Household
from app.core import clock
from app.core.db import db
from app.core.errors import NotFound, RuleBroken
from app.people.models import Person
from app.voting import casting, proxy_rules, rules
from app.voting.models import Poll, PollProxy, PollVoter
from app.voting.proxy_rules import PROXIES_PER_HOLDER, Seen
from app.voting.rules import PollState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class NewProxy:
    """What stands on the sheet: for which poll, by whom, to whom; and how the desk knew.

    The holder is a household of the community, or else the person named. `until` is the day the
    sheet ends; the poll's closing ends it anyway.
    """

    public_id: str
    household_id: int
    holder_household_id: int | None
    holder_name: str
    sheet: str
    seen: Seen
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """An authority that serves now. `holder_id` is there for a named person alone."""

    id: int
    community_id: int
    poll_id: int
    public_id: str
    title: str
    household_id: int
    holder_household_id: int | None
    holder_id: int | None
    holder_name: str


def enter(
    session: Session, community_id: int, new: NewProxy, entered_by: int | None
) -> tuple[int, str]:
    """Keep an authority; gives its id and the poll's title.

    Whether the household has voted is neither asked nor told here: its own ballot goes first
    anyway. Raises: NotFound; RuleBroken proxy.not_open, proxy.to_itself, proxy.no_holder,
    proxy.no_sheet, proxy.until, proxy.not_in_electorate, proxy.given_before, proxy.sheet_used,
    proxy.three_already, proxy.three_by_name.
    """
    poll, _log = casting.hold(session, community_id, new.public_id)
    now = clock.now()
    proxy_rules.check_proxy(
        is_open=poll.state == PollState.OPEN and not rules.is_late(now, poll.closes_at),
        to_itself=new.holder_household_id == new.household_id,
        names_holder=bool(new.holder_household_id or new.holder_name),
        sheet=new.sheet,
    )
    until = proxy_rules.proxy_until(new.until, poll.closes_at, now)
    _check_households(session, community_id, poll.id, new)
    name = "" if new.holder_household_id else new.holder_name[: proxy_rules.HOLDER_NAME]
    key = proxy_rules.holder_key(new.holder_household_id, name)
    _check_same_holder(session, community_id, poll.id, key, new.holder_household_id)
    values = {
        "community_id": community_id,
        "poll_id": poll.id,
        "household_id": new.household_id,
        "holder_key": key,
        "holder_household_id": new.holder_household_id,
        "holder_id": None
        if new.holder_household_id
        else _person(session, community_id, poll.id, key, now),
        "holder_name": name,
        "sheet": new.sheet[: proxy_rules.SHEET],
        "seen": new.seen,
        "entered_by": entered_by,
        "given_at": now,
        "until": until,
    }
    for slot in range(1, PROXIES_PER_HOLDER + 1):
        kept = _insert(session, values | {"slot": slot})
        if kept is not None:
            return kept, poll.title
    raise _why_not(session, community_id, poll.id, new)


def _check_households(session: Session, community_id: int, poll_id: int, new: NewProxy) -> None:
    """Both are of this community, and the one that gives it has a ballot in this poll."""
    voter = select(PollVoter.id).where(
        PollVoter.community_id == community_id,
        PollVoter.poll_id == poll_id,
        PollVoter.household_id == new.household_id,
    )
    if session.scalar(voter) is None:
        raise RuleBroken("proxy.not_in_electorate")
    if new.holder_household_id is None:
        return
    there = Household.community_id == community_id, Household.id == new.holder_household_id
    if session.scalar(select(Household.id).where(*there)) is None:
        raise NotFound("household")


def _check_same_holder(
    session: Session, community_id: int, poll_id: int, key: str, household_id: int | None
) -> None:
    """Count what a household holds and what was given by name to somebody of it as one.

    The poll's log is held, so nobody else enters a sheet meanwhile.
    """
    named = Household.household_head, Household.owner_name
    there = Household.community_id == community_id
    rows = session.execute(
        select(PollProxy.holder_key, *named)
        .outerjoin(Household, there & (Household.id == PollProxy.holder_household_id))
        .where(
            PollProxy.community_id == community_id,
            PollProxy.poll_id == poll_id,
            or_(PollProxy.ended_at.is_(None), PollProxy.cast_at.is_not(None)),
        )
    )
    taken = [proxy_rules.Taken(row[0], row[1] or "", row[2] or "") for row in rows]
    home = session.execute(select(*named).where(there, Household.id == household_id)).first()
    head, owners = home if home is not None else ("", "")
    proxy_rules.check_same_holder(proxy_rules.Taken(key, head, owners), taken)


def _person(session: Session, community_id: int, poll_id: int, key: str, now: datetime) -> int:
    """The one who stands in the record for a named holder: the same for all sheets in a poll."""
    known = session.scalar(
        select(PollProxy.holder_id)
        .where(
            PollProxy.community_id == community_id,
            PollProxy.poll_id == poll_id,
            PollProxy.holder_key == key,
        )
        .limit(1)
    )
    if known is not None:
        return known
    person = Person(ref=secrets.token_urlsafe(16), created_at=now)
    session.add(person)
    session.flush()
    return person.id


def _insert(session: Session, values: dict[str, Any]) -> int | None:
    engine = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    return session.scalar(
        engine.insert(PollProxy).values(values).on_conflict_do_nothing().returning(PollProxy.id)
    )


def _why_not(session: Session, community_id: int, poll_id: int, new: NewProxy) -> RuleBroken:
    given = select(PollProxy.id).where(
        PollProxy.community_id == community_id,
        PollProxy.poll_id == poll_id,
        PollProxy.household_id == new.household_id,
        PollProxy.ended_at.is_(None),
    )
    if session.scalar(given) is not None:
        return RuleBroken("proxy.given_before")
    used = PollProxy.community_id == community_id, PollProxy.sheet == new.sheet
    if session.scalar(select(PollProxy.id).where(*used)) is not None:
        return RuleBroken("proxy.sheet_used")
    return RuleBroken("proxy.three_already")


def _kept(community_id: int) -> Any:
    return (
        select(
            PollProxy.id,
            PollProxy.community_id,
            PollProxy.poll_id,
            Poll.public_id,
            Poll.title,
            PollProxy.household_id,
            PollProxy.holder_household_id,
            PollProxy.holder_id,
            PollProxy.holder_name,
        )
        .join(Poll, (Poll.community_id == PollProxy.community_id) & (Poll.id == PollProxy.poll_id))
        .where(PollProxy.community_id == community_id)
    )


def _living(community_id: int) -> Any:
    """The authorities that serve now: not ended, in time, by the family that still lives there."""
    moved_out_since = exists().where(
        Household.community_id == community_id,
        Household.id == PollProxy.household_id,
        Household.moved_out_at >= PollProxy.given_at,
    )
    return _kept(community_id).where(
        PollProxy.ended_at.is_(None), PollProxy.until > clock.now(), ~moved_out_since
    )


def look(community_id: int, proxy_id: int) -> Held:
    """An authority, whether or not it still serves. Raises: NotFound."""
    row = db.session.execute(_kept(community_id).where(PollProxy.id == proxy_id)).first()
    if row is None:
        raise NotFound("proxy")
    return Held(*row)


def held(session: Session, community_id: int, proxy_id: int) -> Held:
    """An authority that serves now. Raises: NotFound; RuleBroken proxy.over."""
    row = session.execute(_living(community_id).where(PollProxy.id == proxy_id)).first()
    if row is None:
        look(community_id, proxy_id)
        raise RuleBroken("proxy.over")
    return Held(*row)


def use(session: Session, proxy: Held) -> None:
    """Note that a ballot was cast by it. Raises: RuleBroken proxy.over when it was ended meanwhile.

    From now on its holder keeps the place in the poll, and nobody can take it back.
    """
    now = clock.now()
    used = session.scalar(
        update(PollProxy)
        .where(
            PollProxy.community_id == proxy.community_id,
            PollProxy.id == proxy.id,
            PollProxy.ended_at.is_(None),
            PollProxy.until > now,
        )
        .values(cast_at=now)
        .returning(PollProxy.id)
        .execution_options(synchronize_session=False)
    )
    if used is None:
        raise RuleBroken("proxy.over")


@dataclass(frozen=True, slots=True)
class Ended:
    """An authority that was taken back."""

    household_id: int
    holder_household_id: int | None
    public_id: str
    title: str


def end(session: Session, community_id: int, proxy_id: int, household_id: int | None) -> Ended:
    """Take an authority back before its ballot; with a household only its own.

    Raises: NotFound; RuleBroken proxy.cast_already, proxy.over.
    """
    mine = [PollProxy.community_id == community_id, PollProxy.id == proxy_id]
    if household_id is not None:
        mine.append(PollProxy.household_id == household_id)
    row = session.execute(
        select(
            PollProxy.household_id,
            PollProxy.holder_household_id,
            Poll.public_id,
            Poll.title,
        )
        .join(Poll, (Poll.community_id == PollProxy.community_id) & (Poll.id == PollProxy.poll_id))
        .where(*mine)
    ).first()
    if row is None:
        raise NotFound("proxy")
    ended = session.scalar(
        update(PollProxy)
        .where(*mine, PollProxy.ended_at.is_(None), PollProxy.cast_at.is_(None))
        .values(ended_at=clock.now())
        .returning(PollProxy.id)
        .execution_options(synchronize_session=False)
    )
    if ended is None:
        is_cast = session.scalar(select(PollProxy.cast_at).where(*mine)) is not None
        raise RuleBroken("proxy.cast_already" if is_cast else "proxy.over")
    return Ended(*row)


def stands(row: Any) -> bool:
    """Whether a voter's ballot is of a holder of its authority, and of the family that lives there.

    `row` has by_proxy, cast_by and cast_at of the voter, and the household's moved_out_at.
    """
    moved_out = row.moved_out_at is not None and row.moved_out_at > row.cast_at
    return bool(row.by_proxy and row.cast_by is not None and not moved_out)


def end_any(session: Session, community_id: int, poll_id: int, household_id: int) -> None:
    """End the authority of a household that takes its ballot back at the desk."""
    session.execute(
        update(PollProxy)
        .where(
            PollProxy.community_id == community_id,
            PollProxy.poll_id == poll_id,
            PollProxy.household_id == household_id,
            PollProxy.ended_at.is_(None),
        )
        .values(ended_at=clock.now())
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True, slots=True)
class ProxyLine:
    """An authority in a list. `used` is known to the household and the holder, and to no desk."""

    id: int
    public_id: str
    title: str
    household_id: int
    holder_household_id: int | None
    holder_name: str
    sheet: str
    given_at: datetime
    until: datetime
    closes_at: datetime
    ended_at: datetime | None
    used: bool
    over: bool


def lines(
    community_id: int, *, given_by: int | None = None, held_by: int | None = None
) -> list[ProxyLine]:
    """Authorities, the newest first: of a household, to one, or all in polls that are open."""
    wanted: list[Any] = [PollProxy.community_id == community_id]
    if given_by is held_by is None:
        wanted.append(Poll.state == PollState.OPEN.value)
    if given_by is not None:
        wanted.append(PollProxy.household_id == given_by)
    if held_by is not None:
        wanted.append(PollProxy.holder_household_id == held_by)
    household = (Household.community_id == PollProxy.community_id) & (
        Household.id == PollProxy.household_id
    )
    rows = db.session.execute(
        select(PollProxy, Poll.public_id, Poll.title, Poll.closes_at, Household.moved_out_at)
        .join(Poll, (Poll.community_id == PollProxy.community_id) & (Poll.id == PollProxy.poll_id))
        .join(Household, household)
        .where(*wanted)
        .order_by(PollProxy.id.desc())
    ).all()
    now = clock.now()
    found = []
    for proxy, public_id, title, closes_at, moved_out_at in rows:
        moved = moved_out_at is not None and moved_out_at >= proxy.given_at
        found.append(
            ProxyLine(
                id=proxy.id,
                public_id=public_id,
                title=title,
                household_id=proxy.household_id,
                holder_household_id=proxy.holder_household_id,
                holder_name=proxy.holder_name,
                sheet=proxy.sheet,
                given_at=proxy.given_at,
                until=proxy.until,
                closes_at=closes_at,
                ended_at=proxy.ended_at,
                used=proxy.cast_at is not None,
                over=proxy.ended_at is not None or moved or proxy.until <= now,
            )
        )
    return found

"""Who is in a household: doubted, kept or ended by the desk, leaving, and a family that moves out.

A ballot belongs to the household, never to a member: nothing here touches one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import String, cast, exists, func, literal, select, update

from app.communities.models import Household
from app.communities.rows import hand_over, hold_row
from app.core import clock
from app.core.actor import OWNED, Role
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.people import codes, joining
from app.people.doubting import came_in, doubt
from app.people.member_queries import said_unused, who_is_in_mark
from app.people.models import (
    HouseholdNoticeKind,
    LoginSession,
    Membership,
    Person,
    RoleGrant,
    StaffAccount,
)
from app.people.rules import EndedWhy
from app.people.steps import end_roles, security, tell_household
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.communities.row_rules import RowChange
    from app.core.actor import Actor


def contest_member(actor: Actor, *, community_id: int, member_id: int) -> None:
    """Say that one does not know somebody who came into one's household; the desk looks into it.

    Until it has, nothing changes. A line that is contested already stays contested once. Raises:
    NotFound for a member of another household, or when either of the two is out by now; RuleBroken
    member.own.
    """
    with transaction() as session:
        require(actor, Permission.HOUSEHOLD_VIEW, Place(community_id))
        household_id = _home_with(session, actor, community_id, member_id)
        mine = _own(_held(session, community_id, household_id), actor)
        if doubt(session, community_id, household_id, member_id, mine.person_id):
            _note(session, "member.contested", community_id, actor, member_id)


def choose_household(actor: Actor, *, community_id: int, household_id: int) -> None:
    """Act for this one of one's several households from now on. Raises: NotFound."""
    with transaction() as session:
        require(actor, Permission.HOUSEHOLD_VIEW, Place(community_id))
        if not joining.choose(session, actor.require_person(), community_id, household_id):
            raise NotFound("household")
        security(session, "home.chosen", community_id=community_id, person_id=actor.person_id)


def leave_household(actor: Actor, *, community_id: int, household_id: int) -> None:
    """End one's own membership; whoever else is in stays in, and one's other homes stay one's own.

    Raises: NotFound when it is over.
    """
    with transaction() as session:
        require(actor, Permission.HOUSEHOLD_VIEW, Place(community_id))
        mine = _own(_held(session, community_id, household_id), actor)
        _end(session, [mine], EndedWhy.LEFT, clock.now())
        told = HouseholdNoticeKind.MEMBER_LEFT
        tell_household(session, community_id, household_id, told, came_in(mine.joined_at))
        _note(session, "member.left", community_id, actor, mine.id)


def end_member(actor: Actor, *, community_id: int, household_id: int, member_id: int) -> None:
    """End a contested membership, in every session at once.

    Raises: NotFound; RuleBroken member.not_contested: the desk puts nobody out unasked.
    """
    with transaction() as session:
        require(actor, Permission.CODE_MANAGE, Place(community_id))
        doubted = _doubted(_held(session, community_id, household_id), member_id)
        why = EndedWhy.UNUSED if doubted.unused else EndedWhy.CONTESTED
        _end(session, [doubted], why, clock.now())
        kinds = HouseholdNoticeKind
        told = kinds.MEMBER_RETIRED if doubted.unused else kinds.MEMBER_ENDED
        tell_household(session, community_id, household_id, told, came_in(doubted.joined_at))
        _note(session, "member.ended", community_id, actor, doubted.id)


def keep_member(
    actor: Actor, *, community_id: int, household_id: int, member_id: int, why: str
) -> None:
    """Let a contested member stay, with a word for the household.

    Raises as `end_member`; RuleBroken member.no_word.
    """
    if not why.strip():
        raise RuleBroken("member.no_word")
    with transaction() as session:
        require(actor, Permission.CODE_MANAGE, Place(community_id))
        doubted = _doubted(_held(session, community_id, household_id), member_id)
        _change(session, doubted.id, {"contested_at": None, "contested_by": None})
        told = HouseholdNoticeKind.MEMBER_KEPT
        tell_household(session, community_id, household_id, told, why.strip())
        _note(session, "member.kept", community_id, actor, doubted.id)


def confirm_age(actor: Actor, *, community_id: int, household_id: int, member_id: int) -> None:
    """The desk has seen that a member, who is present, is 18 or over; no number is kept.

    Whoever came in as younger votes from now on. Raises: NotFound; RuleBroken age.known.
    """
    with transaction() as session:
        require(actor, Permission.CODE_MANAGE, Place(community_id))
        seen = _one(_held(session, community_id, household_id), member_id)
        if seen.age_confirmed_at is not None:
            raise RuleBroken("age.known")
        now = clock.now()
        _change(session, seen.id, {"age_confirmed_at": now})
        said = func.coalesce(Person.adult_declared_at, now)
        session.execute(
            update(Person)
            .where(Person.id == seen.person_id)
            .values(minor_declared_at=None, adult_declared_at=said)
            .execution_options(synchronize_session=False)
        )
        told = HouseholdNoticeKind.AGE_CONFIRMED
        tell_household(session, community_id, household_id, told, came_in(seen.joined_at))
        _note(session, "member.age_confirmed", community_id, actor, seen.id)


def move_out(actor: Actor, *, community_id: int, household_id: int, seen: str) -> int:
    """A family has moved out: nobody is in any more, and its letter opens nothing. Gives how many.

    `seen` is the mark of who was in when the clerk was asked (`who_is_in_mark`). What the
    household was told until now is not told to whoever comes next. Raises: NotFound; RuleBroken
    member.changed when somebody came in meanwhile.
    """
    with transaction() as session:
        require(actor, Permission.CODE_MANAGE, Place(community_id))
        now = clock.now()
        home = Household.community_id == community_id, Household.id == household_id
        # Ballots go on: they only refer to the household, which this lock leaves alone.
        held = select(Household.id).where(*home).with_for_update(key_share=True)
        if session.scalar(held) is None:
            raise NotFound("household")
        # The code first: whoever is just coming in by it holds it, and is in or out after this.
        codes.void(session, community_id, [household_id], now)
        codes.void_desk_numbers(session, community_id, household_id, now)
        living = _held(session, community_id, household_id)
        if who_is_in_mark(community_id, household_id) != seen:
            raise RuleBroken("member.changed")
        _end(session, living, EndedWhy.MOVED, now)
        session.execute(update(Household).where(*home).values(moved_out_at=now))
        told = HouseholdNoticeKind.MOVED_OUT
        tell_household(session, community_id, household_id, told, at=now)
        security(
            session,
            "household.moved_out",
            community_id=community_id,
            person_id=actor.person_id,
            household=household_id,
            members=len(living),
        )
        return len(living)


def change_owner(
    actor: Actor, *, community_id: int, household_id: int, change: RowChange, seen: str
) -> int:
    """A household has other owners: the roll names them, and nothing of the former ones is left.

    Nobody is in any more and the letter opens nothing, as when a family moves out: which phone is
    the former owner's nobody knows. Polls that are open keep the electorate they froze. `seen` and
    the rest as in `move_out`; RuleBroken member.own_household for a clerk's own home. Gives how
    many were in. Source: docs/adr/0030.
    """
    with transaction() as session:
        require(actor, Permission.CODE_MANAGE, Place(community_id))
        if actor.lives_in(community_id, household_id):
            raise RuleBroken("member.own_household")
        row = hold_row(session, community_id, household_id)
        now = clock.now()
        codes.void(session, community_id, [household_id], now)
        codes.void_desk_numbers(session, community_id, household_id, now)
        living = _held(session, community_id, household_id)
        if who_is_in_mark(community_id, household_id) != seen:
            raise RuleBroken("member.changed")
        _end(session, living, EndedWhy.OWNER, now)
        others = hand_over(session, row, change, now)
        told = HouseholdNoticeKind.OWNER_CHANGED
        tell_household(session, community_id, household_id, told, at=now)
        security(
            session,
            "household.owner_changed",
            community_id=community_id,
            person_id=actor.person_id,
            household=household_id,
            members=len(living),
            other_units=others,
        )
        return len(living)


def _home_with(session: Session, actor: Actor, community_id: int, member_id: int) -> int:
    """The household of the actor's that a line belongs to, whichever they act for. NotFound."""
    home = session.scalar(
        select(Membership.household_id).where(
            Membership.community_id == community_id, Membership.id == member_id
        )
    )
    if home is None or not actor.lives_in(community_id, home):
        raise NotFound("member")
    return home


def _held(session: Session, community_id: int, household_id: int) -> Sequence[Any]:
    """The living members, held in one order: two who contest each other do not wait in a ring."""
    return session.execute(
        select(
            Membership.id,
            Membership.person_id,
            Membership.joined_at,
            Membership.contested_at,
            Membership.age_confirmed_at,
            said_unused().label("unused"),
        )
        .where(
            Membership.community_id == community_id,
            Membership.household_id == household_id,
            Membership.ended_at.is_(None),
        )
        .order_by(Membership.id)
        .with_for_update()
    ).all()


def _one(living: Sequence[Any], member_id: int) -> Any:
    for row in living:
        if row.id == member_id:
            return row
    raise NotFound("member")


def _own(living: Sequence[Any], actor: Actor) -> Any:
    """The actor's own line. Who was put out a moment ago has none, whatever their page says."""
    for row in living:
        if row.person_id == actor.person_id:
            return row
    raise NotFound("member")


def _doubted(living: Sequence[Any], member_id: int) -> Any:
    found = _one(living, member_id)
    if found.contested_at is None:
        raise RuleBroken("member.not_contested")
    return found


def _change(session: Session, member_id: int, values: dict[str, object]) -> None:
    session.execute(update(Membership).where(Membership.id == member_id).values(**values))


def _end(session: Session, members: Sequence[Any], why: EndedWhy, now: datetime) -> None:
    """End memberships, and the sessions of whoever has no household left."""
    session.execute(
        update(Membership)
        .where(Membership.id.in_([row.id for row in members]))
        .values(ended_at=now, ended_why=why)
        .execution_options(synchronize_session=False)
    )
    elsewhere = exists().where(
        Membership.person_id == LoginSession.person_id, Membership.ended_at.is_(None)
    )
    session.execute(
        update(LoginSession)
        .where(
            LoginSession.person_id.in_([row.person_id for row in members]),
            LoginSession.ended_at.is_(None),
            LoginSession.staff.is_(False),
            ~elsewhere,
        )
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )
    # Who does not live here any more speaks for no group of neighbours; and for no body either who
    # came in by a letter alone.
    lives_here = exists().where(
        Membership.person_id == RoleGrant.person_id,
        Membership.community_id == RoleGrant.community_id,
        Membership.ended_at.is_(None),
    )
    owned = literal(OWNED) + cast(Membership.household_id, String)
    lives_there = exists().where(
        Membership.person_id == RoleGrant.person_id,
        Membership.community_id == RoleGrant.community_id,
        Membership.ended_at.is_(None),
        RoleGrant.scope == owned,
    )
    gone = RoleGrant.person_id.in_([row.person_id for row in members])
    end_roles(session, now, gone, RoleGrant.role == Role.OWNER, ~lives_there)
    has_account = exists().where(StaffAccount.person_id == RoleGrant.person_id)
    end_roles(
        session,
        now,
        gone,
        (RoleGrant.role == Role.REPRESENTATIVE) | ((RoleGrant.role == Role.BODY) & ~has_account),
        ~lives_here,
    )


def _note(session: Session, kind: str, community_id: int, actor: Actor, member_id: int) -> None:
    security(session, kind, community_id=community_id, person_id=actor.person_id, member=member_id)

"""Erasing one person from everything that is kept, at their own word; and a copy at the desk.

Sources: docs/adr/0029; 个人信息保护法第四十五条、第四十七条. Every room forgets in one
transaction, and the database itself lets nobody go while a row still points at them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from app.communities.models import Household
from app.core import clock, erasures, jobs
from app.core.actor import NO_OFFICE, SYSTEM
from app.core.db import compact, overwrite_deleted, transaction
from app.core.erasures import Leaver
from app.core.errors import NotFound, RuleBroken
from app.core.record import RecordLog, forget_actor
from app.people.doubting import came_in
from app.people.models import HouseholdNoticeKind, Membership, Person, RoleGrant, StaffAccount
from app.people.steps import role_is_living, security, tell_household
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

# The file is rewritten at most once in so many seconds, however many people leave.
COMPACT = "database.compact"


def erase_own(actor: Actor, *, community_id: int, texts: bool) -> None:
    """Erase everything that is the actor's, in every community, and sign them out everywhere.

    With `texts` their published opinions are taken down, too. Raises: NotFound when they are
    erased already; RuleBroken erase.works_here.
    """
    with transaction() as session:
        require(actor, Permission.OWN_DATA_ERASE, Place(community_id))
        _erase(session, community_id, Person.id == actor.require_person(), texts=texts)


def erase_present(
    actor: Actor, *, community_id: int, household_id: int, member_id: int, texts: bool
) -> None:
    """The same for somebody who stands at the desk and shows which line of a household they are.

    Whoever is in no household any more has no phone to do it with, so a line that ended serves too.

    Raises: NotFound; RuleBroken erase.works_here, and erase.lives_elsewhere for whoever has a home
    in another community, of which this desk knows nothing.
    """
    with transaction() as session:
        require(actor, Permission.PERSON_ERASE, Place(community_id))
        person_id = session.scalar(
            select(Membership.person_id).where(
                Membership.community_id == community_id,
                Membership.household_id == household_id,
                Membership.id == member_id,
            )
        )
        if person_id is None:
            raise NotFound("member")
        elsewhere = session.scalar(
            select(Membership.id)
            .where(
                Membership.person_id == person_id,
                Membership.community_id != community_id,
                Membership.ended_at.is_(None),
            )
            .limit(1)
        )
        if elsewhere is not None:
            raise RuleBroken("erase.lives_elsewhere")
        _erase(session, community_id, Person.id == person_id, texts=texts)


def copy_present(
    actor: Actor, *, community_id: int, household_id: int, member_id: int, how: str
) -> int:
    """Note that somebody present takes a copy of what is kept about them; gives who they are.

    Whoever left, or has another phone, is a new person to the portal and sees nothing of the former
    one (个人信息保护法第四十五条). The household is told, unless another family lives there since.
    Raises: NotFound; RuleBroken member.own_household for the clerk's own home or own line.
    """
    with transaction() as session:
        require(actor, Permission.PERSON_COPY, Place(community_id))
        line = session.execute(
            select(Membership.person_id, Membership.joined_at, Household.moved_out_at)
            .join(
                Household,
                (Household.community_id == Membership.community_id)
                & (Household.id == Membership.household_id),
            )
            .where(
                Membership.community_id == community_id,
                Membership.household_id == household_id,
                Membership.id == member_id,
            )
        ).first()
        if line is None:
            raise NotFound("member")
        if actor.lives_in(community_id, household_id) or line.person_id == actor.person_id:
            raise RuleBroken("member.own_household")
        if line.moved_out_at is None or line.moved_out_at < line.joined_at:
            told = HouseholdNoticeKind.MEMBER_COPIED
            tell_household(session, community_id, household_id, told, came_in(line.joined_at))
        security(
            session,
            "person.copied",
            community_id=community_id,
            person_id=actor.person_id,
            household=household_id,
            member=member_id,
            how=how,
        )
        return int(line.person_id)


def erase_known(actor: Actor, *, ref: str, texts: bool) -> None:
    """Erase somebody again whom a restored backup has brought back. Raises: NotFound."""
    with transaction() as session:
        require(actor, Permission.PERSON_ERASE, Place())
        _erase(session, None, Person.ref == ref, texts=texts)


@erasures.erases("person")
def _erase_again(ids: dict[str, str]) -> None:
    erase_known(SYSTEM, ref=ids["ref"], texts=ids["texts"] == "yes")


@jobs.handles(COMPACT)
def _compact(_payload: dict[str, Any]) -> None:
    if not compact():
        raise RuntimeError("somebody is still reading; the file is rewritten a little later")


def _erase(session: Session, community_id: int | None, who: Any, *, texts: bool) -> None:
    """Let every room forget, then the person go.

    The logs are held first, as whoever casts a ballot holds them: neither waits for the other in a
    ring. The person is held next, so that nothing new points at them meanwhile.
    """
    found = session.execute(select(Person.id, Person.ref).where(who)).first()
    if found is None:
        raise NotFound("person")
    leaver = Leaver(found.id, found.ref, texts)
    _hold(session, leaver)
    _refuse_staff(session, leaver)
    overwrite_deleted(session)
    erasures.note("person", ref=leaver.ref, texts="yes" if texts else "no")
    erasures.forget_everywhere(session, leaver)
    forget_actor(session, leaver.ref)
    try:
        session.execute(delete(Person).where(Person.id == leaver.person_id))
    except IntegrityError as error:
        raise RuleBroken("erase.works_here") from error
    security(session, "person.erased", community_id=community_id)
    jobs.enqueue(session, COMPACT, "erasures", clock.now())


def _hold(session: Session, leaver: Leaver) -> None:
    homes = select(Membership.community_id).where(Membership.person_id == leaver.person_id)
    session.execute(
        select(RecordLog.id)
        .where(RecordLog.community_id.in_(homes))
        .order_by(RecordLog.id)
        .with_for_update()
    )
    held = select(Person.id).where(Person.id == leaver.person_id).with_for_update()
    if session.scalar(held) is None:
        raise NotFound("person")


def _refuse_staff(session: Session, leaver: Leaver) -> None:
    """Whoever works here is named by what they did in office; their roles end first."""
    account = select(StaffAccount.id).where(StaffAccount.person_id == leaver.person_id)
    # Whom somebody acts for, or what they own, is no office: it ends with them, as the rooms say.
    role = select(RoleGrant.id).where(
        RoleGrant.person_id == leaver.person_id,
        RoleGrant.role.not_in(NO_OFFICE),
        role_is_living(clock.now()),
    )
    if session.scalar(account) is not None or session.scalar(role.limit(1)) is not None:
        raise RuleBroken("erase.works_here")

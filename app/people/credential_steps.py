"""What changes of a password share, inside the transaction of whoever changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.communities.models import Community
from app.core.errors import RuleBroken
from app.people import passwords
from app.people.models import Person, RoleGrant

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.people.models import StaffAccount


def refuse_weak(session: Session, account: StaffAccount, password: str) -> None:
    """Refuse a password that is easily guessed for this account. Raises: RuleBroken staff.*."""
    person_id = account.person_id
    display = session.scalars(select(Person.display).where(Person.id == person_id))
    places = session.execute(
        select(Community.name, Community.code)
        .join(RoleGrant, RoleGrant.community_id == Community.id)
        .where(RoleGrant.person_id == person_id)
    )
    around = [*display, *(word for row in places for word in (*row, row.name.removesuffix("社区")))]
    problem = passwords.problem(password, account.sign_in_name, around)
    if problem:
        raise RuleBroken(f"staff.password_{problem}")

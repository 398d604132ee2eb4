"""Who acts in the demo's past, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from app.communities.models import Building, Estate, Household
from app.communities.queries import residences
from app.core import clock
from app.core.actor import Actor, Grant, Role
from app.core.db import db
from app.people.models import Person, StaffAccount


@dataclass(frozen=True, slots=True)
class Stagehand:
    """What the demo's own module lends: the day it was made, members, and many ballots at once."""

    community_id: int
    made_at: datetime
    resident: Callable[[int, int], Actor]
    cast_many: Callable[..., None]

    def at(self, days: int, hour: int = 10) -> datetime:
        """An hour of the day so many days before the demo was made."""
        day = clock.local(self.made_at - timedelta(days=days))
        return clock.at_local(day.year, day.month, day.day, hour)

    def neighbours(
        self, number: int, estate: str = "", community_id: int | None = None
    ) -> list[Actor]:
        """Members of households that no visitor of the demo uses, the last on the roll first.

        With `estate` they live there: what is about one estate is talked over by those at home.
        """
        here = community_id or self.community_id
        wanted = (
            select(Household.id)
            .join(Building, Building.id == Household.building_id)
            .join(Estate, Estate.id == Building.estate_id)
            .where(*residences(here))
            .order_by(Household.id.desc())
            .limit(number)
        )
        ids = db.session.scalars(wanted.where(Estate.name == estate) if estate else wanted).all()
        return [self.resident(here, household_id) for household_id in ids]

    def staff(self, name: str, role: Role, community_id: int | None = None) -> Actor:
        """A member of the staff, as if signed in; here unless another community is named."""
        return self._signed_in(name, Grant(role, community_id or self.community_id))

    def officer(self, name: str, role: Role, jurisdiction_id: int) -> Actor:
        """Somebody who works for a place above, as if signed in."""
        return self._signed_in(name, Grant(role, jurisdiction_id=jurisdiction_id))

    def _signed_in(self, name: str, grant: Grant) -> Actor:
        row = db.session.execute(
            select(Person.id, Person.ref, Person.display)
            .join(StaffAccount, StaffAccount.person_id == Person.id)
            .where(StaffAccount.sign_in_name == name)
        ).one()
        return Actor(row.id, row.ref, row.display, grants=(grant,))

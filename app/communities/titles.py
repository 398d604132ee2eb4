"""What the roll holds of a home for its owners, and how it counts in their decisions."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from app.communities import rules
from app.communities.models import Household
from app.communities.queries import addresses_of
from app.communities.roll_queries import UNIT, confirmed_sets
from app.communities.rows import RowView, row_of
from app.core.db import db


@dataclass(frozen=True, slots=True)
class OwnUnit:
    """A unit of the same owners; `basis` is `registered`, `surveyed`, `contract` or empty."""

    address: str
    unit_type: str
    area_c: int | None
    basis: str


@dataclass(frozen=True, slots=True)
class TitleView:
    """A home with the units that a clerk confirmed as the same owners', itself first."""

    row: RowView
    units: tuple[OwnUnit, ...]
    counted: rules.Counted


def title_of(community_id: int, household_id: int) -> TitleView:
    """What the roll holds of a home and how it counts. Raises: NotFound.

    Parking is shown and not counted, as in every decision that does not say otherwise.
    """
    row = row_of(community_id, household_id)
    sets = confirmed_sets(community_id)
    mine = sets.get(household_id)
    same = {unit for unit, owner_set in sets.items() if owner_set == mine} | {household_id}
    found = db.session.execute(
        select(*UNIT)
        .where(
            Household.community_id == community_id,
            Household.id.in_(same),
            Household.left_roll_at.is_(None),
        )
        .order_by(Household.id != household_id, Household.id)
    )
    units = [rules.Unit(*each) for each in found]
    addresses = addresses_of(community_id, [unit.id for unit in units])
    return TitleView(
        row,
        tuple(
            OwnUnit(addresses[unit.id].short, unit.unit_type, unit.area_c, unit.area_basis)
            for unit in units
        ),
        rules.count_owners(units, sets, parking=False),
    )

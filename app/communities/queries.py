"""Reads of places, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from app.communities.models import Community, Jurisdiction
from app.core.db import db
from app.core.errors import NotFound
from app.policy.table import Place


@dataclass(frozen=True, slots=True)
class CommunityView:
    """A community as every page needs it."""

    id: int
    code: str
    name: str
    desk_phone: str
    office: str
    hours: str
    intro: str
    demo: bool
    households: int
    jurisdiction_ids: tuple[int, ...]

    @property
    def place(self) -> Place:
        """The place that permissions are asked for."""
        return Place(self.id, self.jurisdiction_ids)


_COLUMNS = (
    Community.id,
    Community.code,
    Community.name,
    Community.desk_phone,
    Community.office,
    Community.hours,
    Community.intro,
    Community.demo,
    Community.households,
)


def community_by_code(code: str) -> CommunityView:
    """The community with this code and the jurisdictions above it, in one statement.

    Raises: NotFound.
    """
    return _one(Community.code == code)


def community_by_id(community_id: int) -> CommunityView:
    """The community with this id. Raises: NotFound."""
    return _one(Community.id == community_id)


def _one(condition: object) -> CommunityView:
    above, higher = (
        Jurisdiction.__table__.alias("above"),
        Jurisdiction.__table__.alias("higher"),
    )
    row = db.session.execute(
        select(*_COLUMNS, above.c.id, above.c.parent_id, higher.c.parent_id)
        .join(above, above.c.id == Community.jurisdiction_id)
        .outerjoin(higher, higher.c.id == above.c.parent_id)
        .where(condition)  # type: ignore[arg-type]
    ).first()
    if row is None:
        raise NotFound("community")
    values = tuple(row)
    return CommunityView(*values[:9], tuple(i for i in values[9:] if i is not None))


def communities_below(jurisdiction_id: int) -> list[CommunityView]:
    """All communities of a city, district or subdistrict, by name."""
    below = {jurisdiction_id}
    while True:
        children = set(
            db.session.scalars(
                select(Jurisdiction.id).where(Jurisdiction.parent_id.in_(below))
            )
        )
        if children <= below:
            break
        below |= children
    ids = db.session.scalars(
        select(Community.id)
        .where(Community.jurisdiction_id.in_(below))
        .order_by(Community.name)
    ).all()
    return [community_by_id(community_id) for community_id in ids]

"""Typed edges between things, so that the chain from a need to its rating never breaks."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.db import Base, db


class Link(Base):
    """One edge: this thing stands in that relation to another, in one community."""

    __tablename__ = "link"
    __table_args__ = (UniqueConstraint("community_id", "source", "relation", "target"),)

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    source: Mapped[str] = mapped_column(String(100))
    relation: Mapped[str] = mapped_column(String(40))
    target: Mapped[str] = mapped_column(String(100), index=True)


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge as pages read it; ends are public ids such as `poll:abc`."""

    source: str
    relation: str
    target: str


def connect(session: Session, community_id: int, edge: Edge) -> None:
    """Draw an edge inside the caller's transaction."""
    session.add(
        Link(
            community_id=community_id,
            source=edge.source,
            relation=edge.relation,
            target=edge.target,
        )
    )


def edges_of(community_id: int, thing: str) -> list[Edge]:
    """All edges that begin or end at a thing."""
    touches = (Link.source == thing) | (Link.target == thing)
    rows = db.session.execute(
        select(Link.source, Link.relation, Link.target)
        .where(Link.community_id == community_id, touches)
        .order_by(Link.id)
    )
    return [Edge(row.source, row.relation, row.target) for row in rows]


def edges_to(community_id: int, things: Iterable[str]) -> list[Edge]:
    """All edges that end at one of these things, in one statement."""
    rows = db.session.execute(
        select(Link.source, Link.relation, Link.target)
        .where(Link.community_id == community_id, Link.target.in_(list(things)))
        .order_by(Link.id)
    )
    return [Edge(row.source, row.relation, row.target) for row in rows]

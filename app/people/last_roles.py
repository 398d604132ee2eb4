"""Whether a session of staff is over because its holder's last role has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.people.models import LoginSession, RoleGrant
from app.people.steps import role_is_living

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class LastRole:
    """The role that ended last; `above` says that it was no community's."""

    role: str
    above: bool
    ended_at: datetime


def last_role(id_hash: str) -> LastRole | None:
    """The role with whose end a session was over, by its time or by hand; None for all others.

    Whoever had left, or stayed in too long, before that is told nothing here.
    """
    known = select(LoginSession.person_id, LoginSession.ended_at, LoginSession.expires_at)
    found = db.session.execute(known.where(LoginSession.id_hash == id_hash, LoginSession.staff))
    signed_in = found.first()
    if signed_in is None:
        return None
    now, mine = clock.now(), RoleGrant.person_id == signed_in.person_id
    if db.session.scalar(select(RoleGrant.id).where(mine, role_is_living(now)).limit(1)):
        return None
    ended = select(RoleGrant.role, RoleGrant.community_id, RoleGrant.ends_at).where(
        mine, RoleGrant.ends_at <= now
    )
    last = db.session.execute(ended.order_by(RoleGrant.ends_at.desc()).limit(1)).first()
    if last is None or last.ends_at > (signed_in.ended_at or signed_in.expires_at):
        return None
    return LastRole(last.role, last.community_id is None, last.ends_at)

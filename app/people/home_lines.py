"""The households of one person: which they have, which they act for, and which ended and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import url_for
from sqlalchemy import select

from app.communities import queries as communities
from app.core import clock
from app.core.db import db
from app.people import words
from app.people.models import LoginSession, Membership
from app.people.rules import EndedWhy

if TYPE_CHECKING:
    from app.core.actor import Actor

# For so long whoever was put out is told why, where they look for their households.
TOLD_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class OwnHome:
    """One household of a person. `acting` is the one they act for in its community.

    `choose_url` makes it that one; `leave_url` is where its membership is ended.
    """

    household_id: int
    address: str
    community: str
    here: bool
    acting: bool
    choose_url: str


def own_homes(actor: Actor, community_id: int, onward: str = "") -> list[OwnHome]:
    """The households of the actor, those of this community first; `onward` is where to go then."""
    found = []
    for home in sorted(actor.homes, key=lambda home: home.community_id != community_id):
        place = communities.community_by_id(home.community_id)
        here = home.community_id == community_id
        found.append(
            OwnHome(
                home.household_id,
                communities.address_of(home.community_id, home.household_id).text,
                place.name,
                here,
                actor.home_in(home.community_id) == home,
                url_for(
                    "people.choose_home",
                    code=place.code,
                    household_id=home.household_id,
                    next=onward if onward and here else None,
                ),
            )
        )
    return found


def ended_homes(person_id: int) -> list[str]:
    """Why somebody is not in a household any more that they did not leave themself."""
    rows = db.session.execute(
        select(
            Membership.community_id,
            Membership.household_id,
            Membership.ended_at,
            Membership.ended_why,
        )
        .where(
            Membership.person_id == person_id,
            Membership.ended_at > clock.now() - TOLD_FOR,
            Membership.ended_why != EndedWhy.LEFT,
        )
        .order_by(Membership.ended_at.desc())
    ).all()
    return [
        words.put_out(
            row.ended_why,
            row.ended_at,
            communities.address_of(row.community_id, row.household_id).short,
        )
        for row in rows
    ]


def why_signed_out(id_hash: str) -> str:
    """Why a session is over that ended with somebody's last household; empty for any other.

    The sentence names no address: whoever has the phone by now may be somebody else.
    """
    row = db.session.execute(
        select(Membership.ended_at, Membership.ended_why)
        .join(LoginSession, LoginSession.person_id == Membership.person_id)
        .where(
            LoginSession.id_hash == id_hash,
            # Both end in one transaction, at one moment.
            Membership.ended_at == LoginSession.ended_at,
            Membership.ended_why != EndedWhy.LEFT,
        )
        .limit(1)
    ).first()
    return words.put_out(row.ended_why, row.ended_at, "") if row is not None else ""

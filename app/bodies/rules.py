"""Which bodies there are, who may act for them, and within what. Pure.

Sources: docs/rules.md, "Bodies"; docs/adr/0028.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.actor import Role
from app.core.errors import RuleBroken
from app.policy.roles import COMMITTEE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from app.policy.roles import Party

LONGEST_NAME = 80
LONGEST_CONTACT = 120
LONGEST_WORD = 500
# A body says anew each year who acts for it.
ACTING_AT_MOST = timedelta(days=366)
# What a scope can name besides the whole community.
SCOPES = ("topic", "project", "meeting", "shared")
_CITIZEN = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")


class Kind(StrEnum):
    """What sort of body it is, by the terms of the glossary."""

    PARTY_BRANCH = "party_branch"
    RESIDENTS_COMMITTEE = "residents_committee"
    SUPERVISION = "affairs_supervision_committee"
    OWNERS_COMMITTEE = "owners_committee"
    PROPERTY_COMMITTEE = "property_management_committee"
    PROPERTY_COMPANY = "property_service_company"
    DESIGN_PRACTICE = "design_practice"
    RESIDENT_ORGANISATION = "resident_organisation"
    AGENCY = "agency"
    CONTRACTOR = "contractor"


# What a notice calls them where a community has one of the sort, in the language of the record.
CALLED = {
    "社区党组织": Kind.PARTY_BRANCH,
    "社区党支部": Kind.PARTY_BRANCH,
    "居民委员会": Kind.RESIDENTS_COMMITTEE,
    "居委会": Kind.RESIDENTS_COMMITTEE,
    "居务监督委员会": Kind.SUPERVISION,
    "业主委员会": Kind.OWNERS_COMMITTEE,
    "业委会": Kind.OWNERS_COMMITTEE,
    "物业管理委员会": Kind.PROPERTY_COMMITTEE,
    "物业服务企业": Kind.PROPERTY_COMPANY,
    "物业公司": Kind.PROPERTY_COMPANY,
    "设计单位": Kind.DESIGN_PRACTICE,
    "施工单位": Kind.CONTRACTOR,
}
# Who works for the committee says which of its people speaks for it, and nobody else can be named;
# the same for those who watch it.
ACTS_AS = {Kind.RESIDENTS_COMMITTEE: COMMITTEE, Kind.SUPERVISION: frozenset({Role.SUPERVISOR})}
_WATCHERS = frozenset({Role.SUPERVISOR})


def given_by(kind: Kind) -> frozenset[Role]:
    """Whoever may say that a person acts for such a body."""
    return COMMITTEE | _WATCHERS if kind is Kind.SUPERVISION else COMMITTEE


def ended_by(kind: Kind) -> frozenset[Role]:
    """Whoever may end it, besides who acts: the committee does not silence those who watch it."""
    return _WATCHERS if kind is Kind.SUPERVISION else COMMITTEE


def check_body(name: str, contact: str, since: datetime, now: datetime) -> tuple[str, str]:
    """A body has a name, gives no citizen's number as its contact, and takes part already.

    Gives name and contact without blanks around them. Raises: RuleBroken body.no_name,
    body.name_too_long, body.contact_too_long, body.private_number, body.since.
    """
    name, contact = " ".join(name.split()), " ".join(contact.split())
    if not name:
        raise RuleBroken("body.no_name")
    if len(name) > LONGEST_NAME:
        raise RuleBroken("body.name_too_long", most=LONGEST_NAME)
    if len(contact) > LONGEST_CONTACT:
        raise RuleBroken("body.contact_too_long", most=LONGEST_CONTACT)
    if _CITIZEN.search(name) or _CITIZEN.search(contact):
        raise RuleBroken("body.private_number")
    if since > now:
        raise RuleBroken("body.since")
    return name, contact


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody is to act for: a kind of body, within a scope, until a moment."""

    kind: Kind
    scope: str
    ends_at: datetime


def giving_problem(giver: Party, candidate: Party, asked: Asked, now: datetime) -> str:
    """Why somebody cannot let another act for a body; empty when they can.

    Nobody gives it to themself, nor for longer than the role by which they give it lasts.
    """
    if giver.person_id == candidate.person_id:
        return "self"
    mine = [one for one in giver.holdings if one.role in given_by(asked.kind)]
    if not mine:
        return "not_yours"
    needs = ACTS_AS.get(asked.kind)
    if needs is not None and not needs & candidate.roles():
        return "not_of_it"
    if asked.ends_at <= now:
        return "past"
    if asked.ends_at - now > ACTING_AT_MOST:
        return "too_long"
    lasts = any(one.ends_at is None or one.ends_at >= asked.ends_at for one in mine)
    return "" if lasts else "past_own_end"


def ending_problem(ender: Party, holder_id: int, kind: Kind) -> str:
    """Why somebody cannot end it; empty when they can. Everybody may lay down their own."""
    if ender.person_id == holder_id or ended_by(kind) & ender.roles():
        return ""
    return "not_yours"


@dataclass(frozen=True, slots=True)
class Given:
    """That somebody acts for one body: within a scope, from one moment to another."""

    scope: str
    starts_at: datetime
    ends_at: datetime | None

    def lives(self, now: datetime) -> bool:
        """Whether it has begun and has not ended; its last moment is no longer in it."""
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)


def covers(scope: str, things: Collection[str]) -> bool:
    """Whether a scope reaches what is done.

    `things` are what it is done about and what that belongs to, such as `design:a` and
    `project:P01`.
    """
    return not scope or scope in things


def acting_problem(
    given: Iterable[Given], things: Collection[str], *, closed: bool, now: datetime
) -> str:
    """Why somebody cannot act for a body here and now; empty when they can."""
    known = list(given)
    if not known:
        return "none"
    if closed:
        return "closed"
    living = [one for one in known if one.lives(now)]
    if not living:
        return "ended"
    return "" if any(covers(one.scope, things) for one in living) else "scope"


def grant_scope(body: str) -> str:
    """How a grant says for which body it is."""
    return f"body:{body}"


def is_scope(scope: str) -> bool:
    """Whether a text is a scope at all: nothing for the whole community, or a thing."""
    prefix, colon, rest = scope.partition(":")
    return not scope or bool(prefix in SCOPES and colon and rest)


def body_called(line: str, listed: Collection[tuple[int, str, Kind]]) -> int | None:
    """Which of the listed bodies, by id, name and kind, a line of a notice means; None for none.

    One by its name; one by what its sort is called where there is no other of that sort.
    """
    for body, name, _kind in listed:
        if name == line:
            return body
    of_kind = [body for body, _name, kind in listed if CALLED.get(line) is kind]
    return of_kind[0] if len(of_kind) == 1 else None

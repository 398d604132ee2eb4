"""Who asks, as a plain value: no request, no database row."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.errors import NotAllowed


class Role(StrEnum):
    """The capacities a person can act in. `SYSTEM` is the job worker, never a person.

    An `ADMINISTRATOR` sets the installation up and keeps it going; of what a community decides
    they can do nothing.
    """

    RESIDENT = "resident"
    CLERK = "committee_clerk"
    COMMITTEE = "committee_member"
    SUPERVISOR = "affairs_supervisor"
    DESIGNER = "designer"
    COMMITTEE_CHAIR = "committee_chair"
    OWNER = "owner"
    REPRESENTATIVE = "residents_representative"
    MEETING_CHAIR = "meeting_chair"
    MEETING_RECORDER = "meeting_recorder"
    BODY = "body_delegate"
    SUBDISTRICT = "subdistrict"
    DISTRICT = "district"
    CITY = "city"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"


STAFF = frozenset(
    {
        Role.CLERK,
        Role.COMMITTEE,
        Role.SUPERVISOR,
        Role.DESIGNER,
        Role.SUBDISTRICT,
        Role.COMMITTEE_CHAIR,
        Role.DISTRICT,
        Role.CITY,
        Role.ADMINISTRATOR,
    }
)
# Whoever works for a place above communities.
LEVELS = frozenset({Role.SUBDISTRICT, Role.DISTRICT, Role.CITY})


# Of one meeting alone; who holds one has no other way to the desk by it.
OF_A_MEETING = frozenset({Role.MEETING_CHAIR, Role.MEETING_RECORDER})
# What no two people of the committee give: whom somebody acts for, and what somebody owns.
NO_OFFICE = frozenset({Role.BODY, Role.OWNER})
# What is for less than a community: nobody acts by it in anything else.
NARROW = OF_A_MEETING | NO_OFFICE
# What a resident may hold who comes in by a letter; all else needs a second factor.
WITHOUT_ACCOUNT = NARROW | {Role.REPRESENTATIVE}


# Before the id of the home that an owner's role is for.
OWNED = "household:"


def owner_scope(household_id: int) -> str:
    """What an owner's role is for: this home."""
    return f"{OWNED}{household_id}"


@dataclass(frozen=True, slots=True)
class Grant:
    """One role in one place: a community, or a jurisdiction with all communities below it.

    `scope` narrows it: `meeting:<id>`, a residents' group as `buildings:<ids>`, whom a delegate
    acts for as `body:<id>`, or an owner's home as `household:<id>`.
    """

    role: Role
    community_id: int | None = None
    jurisdiction_id: int | None = None
    scope: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Home:
    """A household the person belongs to."""

    community_id: int
    household_id: int


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody (or nobody) asking. `person_ref` is the random id that commitments carry."""

    person_id: int | None = None
    person_ref: str = ""
    display: str = ""
    session_id: int | None = None
    grants: tuple[Grant, ...] = ()
    # The household chosen last comes first: the actor acts for the first in each community.
    homes: tuple[Home, ...] = ()
    # Whether the actor said to be 18 or over; younger ones read and say what they think.
    adult: bool = True

    def has(self, role: Role, community_id: int) -> bool:
        """Whether the actor holds `role` in this community itself."""
        if role is Role.RESIDENT:
            return self.home_in(community_id) is not None
        return any(g.role is role and g.community_id == community_id for g in self.grants)

    def home_in(self, community_id: int) -> Home | None:
        """The household the actor acts for there, if any."""
        return next((home for home in self.homes if home.community_id == community_id), None)

    def homes_in(self, community_id: int) -> tuple[Home, ...]:
        """Every household of the actor there; the one they act for first."""
        return tuple(home for home in self.homes if home.community_id == community_id)

    def lives_in(self, community_id: int, household_id: int) -> bool:
        """Whether a household is the actor's, whichever of several they act for now."""
        return Home(community_id, household_id) in self.homes

    def owns(self, community_id: int, household_id: int) -> bool:
        """Whether the desk has seen that the actor is one of a home's owners."""
        mine = Role.OWNER, community_id, owner_scope(household_id)
        return any((g.role, g.community_id, g.scope) == mine for g in self.grants)

    def role_in(self, community_id: int, scope: str = "") -> Role:
        """The role the actor acts in there; `NotAllowed` without one.

        Within a `scope` such as `meeting:<id>` it is the role given for just that, if there is one.
        """
        here = [
            grant
            for grant in self.grants
            if grant.role is Role.SYSTEM or grant.community_id == community_id
        ]
        own = [grant for grant in here if scope and grant.scope == scope]
        wide = [grant for grant in here if grant.role not in NARROW]
        for grant in (*own, *wide):
            return grant.role
        raise NotAllowed("role")

    def role_above(self, jurisdiction_id: int) -> Role:
        """The role the actor acts in for a place above communities; `NotAllowed` without one."""
        for grant in self.grants:
            acts = grant.role in LEVELS and grant.jurisdiction_id == jurisdiction_id
            if acts or grant.role is Role.SYSTEM:
                return grant.role
        raise NotAllowed("role")

    @property
    def is_staff(self) -> bool:
        """Whether any of the actor's roles is a staff role."""
        return any(grant.role in STAFF for grant in self.grants)

    @property
    def is_system(self) -> bool:
        """Whether the job worker or the command line asks."""
        return any(grant.role is Role.SYSTEM for grant in self.grants)

    def require_person(self) -> int:
        """The person's id; `NotAllowed` for a visitor or the system."""
        if self.person_id is None:
            raise NotAllowed("person")
        return self.person_id


VISITOR = Actor()
SYSTEM = Actor(grants=(Grant(Role.SYSTEM),))

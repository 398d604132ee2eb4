"""Who may do what: permission -> tests, any one of which suffices. Pure; no dates, no queries."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.actor import LEVELS, OF_A_MEETING, Actor, Role
from app.core.errors import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Callable


class Permission(StrEnum):
    """Everything that somebody may or may not do."""

    HOUSEHOLD_VIEW = "household.view"
    OWN_DATA_ERASE = "own_data.erase"
    PERSON_ERASE = "person.erase"
    PERSON_COPY = "person.copy"
    CORRECTION_ASK = "correction.ask"
    OWNER_CONFIRM = "owner.confirm"
    TITLE_VIEW = "title.view"
    ROLL_CORRECT = "roll.correct"
    BALLOT_CAST = "ballot.cast"
    DESK_VIEW = "desk.view"
    ROLL_VIEW = "roll.view"
    ROLL_IMPORT = "roll.import"
    OWNER_SET_DECIDE = "owner_set.decide"
    CODE_MANAGE = "code.manage"
    PHONE_REVEAL = "phone.reveal"
    ASSIST = "assist.act"
    PROXY_ENTER = "proxy.enter"
    OUTREACH = "outreach.run"
    TURNOUT_LIST = "turnout.list"
    LETTERS_PRINT = "letters.print"
    PROJECT_EDIT = "project.edit"
    POLL_DRAFT = "poll.draft"
    POLL_OPEN = "poll.open"
    POLL_CLOSE = "poll.close"
    POLL_WATCH = "poll.watch"
    RESULT_PUBLISH = "result.publish"
    RESULT_FINALISE = "result.finalise"
    RECORD_EXPORT = "record.export"
    RECORD_CHECKPOINT = "record.checkpoint"
    PICTURE_ADD = "picture.add"
    DESIGNER_HOME = "designer.home"
    DISTRICT_VIEW = "district.view"
    SETTINGS_VIEW = "settings.view"
    SETTINGS_CHANGE = "settings.change"
    AREA_SETTINGS = "area.settings"
    AREA_RECORD_EXPORT = "area.record_export"
    AREA_TOPICS = "area.topics"
    AREA_APPEALS = "area.appeals"
    SHARED_WRITE = "shared.write"
    INBOX_READ = "inbox.read"
    NOTICE_DELIVER = "notice.deliver"
    OPINION_WRITE = "opinion.write"
    OPINION_DISPOSE = "opinion.dispose"
    OPINION_ANSWER = "opinion.answer"
    POST_MODERATE = "post.moderate"
    APPEAL_ANSWER = "appeal.answer"
    TOPIC_PROPOSE = "topic.propose"
    TOPIC_HANDLE = "topic.handle"
    MEETING_JOIN = "meeting.join"
    MEETING_RUN = "meeting.run"
    MEETING_SEE = "meeting.see"
    MEETING_HOLD = "meeting.hold"
    MEETING_END = "meeting.end"
    MINUTES_WRITE = "minutes.write"
    MINUTES_CONFIRM = "minutes.confirm"
    DESIGN_POST = "design.post"
    CONVENTION_DRAFT = "convention.draft"
    CONVENTION_ADOPT = "convention.adopt"
    CONVENTION_SIGN = "convention.sign"
    RATING_RUN = "rating.run"
    PROJECT_PROGRESS = "project.progress"
    PLACES_SET_UP = "places.set_up"
    STAFF_SET_UP = "staff.set_up"
    ROLE_VIEW = "role.view"
    ROLE_PROPOSE = "role.propose"
    ROLE_DECIDE = "role.decide"
    ROLE_END = "role.end"
    STAND_IN_NAME = "stand_in.name"
    REPRESENTATIVE_HOME = "representative.home"
    BODY_MANAGE = "body.manage"
    BODY_GIVE = "body.give"
    BODY_ACT = "body.act"
    ACCOUNT_VOUCH = "account.vouch"
    SYSTEM_VIEW = "system.view"
    OPENINGS_ERASE = "openings.erase"
    BACKUP_RUN = "backup.run"
    RETENTION_RUN = "retention.run"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: a community and the jurisdictions above it, or a jurisdiction.

    The jurisdictions go upwards; without a community the first is the place itself. `meeting`
    narrows a community to one of its meetings.
    """

    community_id: int | None = None
    jurisdiction_ids: tuple[int, ...] = ()
    meeting: str = ""


def _in_community(*roles: Role) -> Callable[[Actor, Place], bool]:
    def holds(actor: Actor, place: Place) -> bool:
        community = place.community_id
        return community is not None and any(actor.has(role, community) for role in roles)

    return holds


def _above(actor: Actor, place: Place) -> bool:
    """Somebody of any place above: they see what their level covers."""
    return any(
        grant.role in LEVELS and grant.jurisdiction_id in place.jurisdiction_ids
        for grant in actor.grants
    )


def _owner(actor: Actor, place: Place) -> bool:
    """An owner of just the home they act for here; another home's is none."""
    home = actor.home_in(place.community_id) if place.community_id is not None else None
    return home is not None and actor.owns(home.community_id, home.household_id)


def _of_meeting(*roles: Role) -> Callable[[Actor, Place], bool]:
    """A role of just the meeting that an address names; another meeting's is none."""

    def holds(actor: Actor, place: Place) -> bool:
        return bool(place.meeting) and any(
            grant.role in roles
            and grant.community_id == place.community_id
            and grant.scope == f"meeting:{place.meeting}"
            for grant in actor.grants
        )

    return holds


def _of_area(actor: Actor, place: Place) -> bool:
    """Somebody of exactly this place: nobody acts for the places below or above their own."""
    return place.community_id is None and any(
        grant.role in LEVELS and grant.jurisdiction_id in place.jurisdiction_ids[:1]
        for grant in actor.grants
    )


def _administrator(actor: Actor, _place: Place) -> bool:
    # The installation is one place; an administrator of it is one everywhere.
    return any(grant.role is Role.ADMINISTRATOR for grant in actor.grants)


def _is_system(actor: Actor, _place: Place) -> bool:
    return actor.is_system


_resident = _in_community(Role.RESIDENT)
_clerk = _in_community(Role.CLERK)
_chair = _in_community(Role.COMMITTEE_CHAIR)
_supervisor = _in_community(Role.SUPERVISOR)
_committee = _in_community(Role.CLERK, Role.COMMITTEE, Role.COMMITTEE_CHAIR)
_desk = _in_community(Role.CLERK, Role.COMMITTEE, Role.COMMITTEE_CHAIR, Role.SUPERVISOR)
_designer = _in_community(Role.DESIGNER)
_representative = _in_community(Role.REPRESENTATIVE)
# Somebody who acts for a body; for which, and in what, the room of bodies says.
_delegate = _in_community(Role.BODY)
_at_this_meeting = _of_meeting(*OF_A_MEETING)

TABLE: dict[Permission, tuple[Callable[[Actor, Place], bool], ...]] = {
    Permission.HOUSEHOLD_VIEW: (_resident,),
    Permission.OWN_DATA_ERASE: (_resident,),
    Permission.CORRECTION_ASK: (_resident,),
    # Papers that a person at the desk has seen; they open the home's entry to just its owner.
    Permission.OWNER_CONFIRM: (_clerk,),
    Permission.TITLE_VIEW: (_owner,),
    # Whose phone opens a letter, and whose names and areas count: a clerk who has checked it.
    Permission.ROLL_CORRECT: (_clerk,),
    # For somebody who stands at the desk; and again after an old backup was put in place.
    Permission.PERSON_ERASE: (_clerk, _is_system),
    # A copy for whoever is present and shows papers; nobody else has anything to do with it.
    Permission.PERSON_COPY: (_clerk,),
    # Whoever works at the desk and is no resident has no ballot; no administrator has one either.
    Permission.BALLOT_CAST: (_resident,),
    Permission.DESK_VIEW: (_desk,),
    Permission.ROLL_VIEW: (_committee, _is_system),
    Permission.ROLL_IMPORT: (_committee, _is_system),
    # Who is one owner changes how heads are counted: the clerk's word, never a guess.
    Permission.OWNER_SET_DECIDE: (_clerk, _is_system),
    Permission.CODE_MANAGE: (_clerk, _is_system),
    # A person who has to answer for it; no program and nobody above needs anybody's number.
    Permission.PHONE_REVEAL: (_clerk,),
    # With somebody present, for whom it is stated and told; no program ever has anybody present.
    Permission.ASSIST: (_clerk,),
    # A sheet that a household signed, for whose entry a person answers.
    Permission.PROXY_ENTER: (_clerk,),
    # Who asked for paper or for a visit, and the lists for going from door to door.
    Permission.OUTREACH: (_clerk,),
    # Which households have not voted, to follow deliveries up: nobody above, and each look is told.
    Permission.TURNOUT_LIST: (_clerk,),
    Permission.LETTERS_PRINT: (_clerk, _is_system),
    Permission.PROJECT_EDIT: (_committee, _is_system),
    Permission.POLL_DRAFT: (_committee, _is_system),
    Permission.POLL_OPEN: (_committee, _is_system),
    # A poll closes by itself at its time; nobody at the desk can hasten or delay it.
    Permission.POLL_CLOSE: (_is_system,),
    Permission.POLL_WATCH: (_desk,),
    Permission.RESULT_PUBLISH: (_clerk, _is_system),
    Permission.RESULT_FINALISE: (_is_system,),
    Permission.RECORD_EXPORT: (_desk, _above, _is_system),
    Permission.RECORD_CHECKPOINT: (_is_system,),
    Permission.PICTURE_ADD: (_committee, _is_system),
    Permission.DESIGNER_HOME: (_designer,),
    Permission.DISTRICT_VIEW: (_above,),
    Permission.SETTINGS_VIEW: (_desk,),
    Permission.SETTINGS_CHANGE: (_clerk, _is_system),
    # An administrator runs the installation; what holds in a city is the city's to say.
    Permission.AREA_SETTINGS: (_of_area, _is_system),
    Permission.AREA_RECORD_EXPORT: (_of_area, _is_system),
    Permission.AREA_TOPICS: (_of_area,),
    # Asked of the place above the one that moderated: an appeal never comes back to it.
    Permission.AREA_APPEALS: (_of_area,),
    # As with opinions at home: a delegate writes in the name of their body alone.
    Permission.SHARED_WRITE: (_resident, _delegate),
    Permission.INBOX_READ: (_resident, _desk, _designer),
    Permission.NOTICE_DELIVER: (_is_system,),
    # A delegate writes in the name of their body alone; the operation looks at that.
    Permission.OPINION_WRITE: (_resident, _delegate),
    Permission.OPINION_DISPOSE: (_committee,),
    Permission.OPINION_ANSWER: (_committee, _designer),
    Permission.POST_MODERATE: (_committee,),
    # An appeal goes to the affairs supervision, never back to who moderated.
    Permission.APPEAL_ANSWER: (_supervisor,),
    Permission.TOPIC_PROPOSE: (_resident, _committee),
    Permission.TOPIC_HANDLE: (_committee,),
    Permission.MEETING_JOIN: (_resident,),
    Permission.MEETING_RUN: (_committee,),
    # Its minutes and how it stands; the list of who comes is for who holds it.
    Permission.MEETING_SEE: (_desk, _representative, _at_this_meeting),
    Permission.MEETING_HOLD: (_committee, _at_this_meeting),
    Permission.MEETING_END: (_committee, _of_meeting(Role.MEETING_CHAIR)),
    Permission.MINUTES_WRITE: (_committee, _of_meeting(Role.MEETING_RECORDER)),
    # Whoever wrote them cannot; the operation looks at that.
    Permission.MINUTES_CONFIRM: (_desk, _representative, _of_meeting(Role.MEETING_CHAIR)),
    Permission.DESIGN_POST: (_designer,),
    Permission.CONVENTION_DRAFT: (_committee, _is_system),
    Permission.CONVENTION_ADOPT: (_committee, _is_system),
    # A pledge is a resident's own; nobody at the desk signs for anybody.
    Permission.CONVENTION_SIGN: (_resident,),
    Permission.RATING_RUN: (_committee, _is_system),
    Permission.PROJECT_PROGRESS: (_committee, _is_system),
    Permission.PLACES_SET_UP: (_administrator, _is_system),
    Permission.STAFF_SET_UP: (_administrator, _is_system),
    # Which role who may propose, approve and end: `policy/roles.py`; these lead to the pages.
    Permission.ROLE_VIEW: (_desk, _above, _administrator),
    Permission.ROLE_PROPOSE: (_committee,),
    Permission.ROLE_DECIDE: (_chair, _supervisor, _above, _administrator),
    Permission.ROLE_END: (_chair, _above, _administrator),
    Permission.STAND_IN_NAME: (_in_community(Role.COMMITTEE, Role.COMMITTEE_CHAIR),),
    Permission.REPRESENTATIVE_HOME: (_representative,),
    Permission.BODY_MANAGE: (_committee,),
    # For which body who gives and ends it: `bodies/rules.py`.
    Permission.BODY_GIVE: (_desk,),
    Permission.BODY_ACT: (_delegate,),
    # The second of two when somebody has lost everything; the operation asks for another person.
    Permission.ACCOUNT_VOUCH: (_administrator, _clerk),
    Permission.SYSTEM_VIEW: (_administrator, _is_system),
    # What is erased, and what is carried away, is nobody's whim: the command line and the worker.
    Permission.OPENINGS_ERASE: (_is_system,),
    Permission.BACKUP_RUN: (_is_system,),
    Permission.RETENTION_RUN: (_is_system,),
}


def allowed(actor: Actor, permission: Permission, place: Place) -> bool:
    """Whether the table grants `permission` at `place`."""
    return any(test(actor, place) for test in TABLE[permission])


def is_for_residents(permission: Permission) -> bool:
    """Whether a resident may have it in their own community."""
    return _resident in TABLE[permission]


def require(actor: Actor, permission: Permission, place: Place) -> None:
    """Raise NotAllowed unless the table grants `permission` at `place`."""
    if not allowed(actor, permission, place):
        raise NotAllowed(permission)

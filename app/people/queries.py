"""Reads of people, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, exists, func, or_, select

from app.communities.addresses import address_short, looked_for
from app.communities.models import Building, Estate, Household
from app.core import clock
from app.core.actor import WITHOUT_ACCOUNT, Actor, Grant, Home, Role
from app.core.db import UTCDateTime, db
from app.core.errors import NotFound
from app.people import secrets_box, words
from app.people.codes import NO_CODE, codes_now
from app.people.models import (
    HouseholdCode,
    HouseholdNotice,
    HouseholdNoticeKind,
    LoginSession,
    Membership,
    Passkey,
    Person,
    PersonNotice,
    PersonNoticeKind,
    RecoveryCode,
    RoleGrant,
    StaffAccount,
)
from app.people.rules import (
    NEXT_TOTP_WAITS,
    STAFF_IDLE,
    CodeState,
    code_state,
    mask_phone,
    roles_mark,
)
from app.people.steps import address_of_thing, news_of_thing, role_is_living

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A living session and who it belongs to.

    `roles_mark` is that of the roles it has now; `roles_changed` says that they are others than
    when its cookie was made, which is to be renewed then.
    """

    session_id: int
    actor: Actor
    staff: bool
    shared_phone: bool
    last_seen_at: datetime
    expires_at: datetime
    unread: int
    proved_at: datetime
    roles_mark: str = ""
    roles_changed: bool = False


def session_by_hash(id_hash: str) -> SignedIn | None:
    """The living session behind a cookie: one statement, and one more where there are roles."""
    now = clock.now()
    known = {"id_hash": id_hash, "now": now, "rested": now - STAFF_IDLE}
    rows = db.session.execute(_LIVING_SESSION, known).all()
    if not rows:
        return None
    first = rows[0]
    homes = tuple(Home(r.community_id, r.household_id) for r in rows if r.household_id is not None)
    asks = first.staff or first.has_roles
    grants = grants_of(first.person_id, now, staff=first.staff) if asks else ()
    if first.staff and not grants:
        # Whose last role ran out by its time is signed out, as one whose role was ended is.
        return None
    mark = roles_mark(grant.id for grant in grants)
    adult = first.minor_declared_at is None
    actor = Actor(first.person_id, first.ref, first.display, first.id, grants, homes, adult)
    return SignedIn(
        first.id,
        actor,
        first.staff,
        first.shared_phone,
        first.last_seen_at,
        first.expires_at,
        first.unread,
        first.proved_at or first.created_at,
        mark,
        mark != first.roles_mark,
    )


_UNREAD = (
    select(func.count())
    .where(PersonNotice.person_id == LoginSession.person_id, PersonNotice.read_at.is_(None))
    .correlate(LoginSession)
    .scalar_subquery()
    .label("unread")
)
_HAS_ROLES = (
    select(RoleGrant.id)
    .where(RoleGrant.person_id == LoginSession.person_id)
    .correlate(LoginSession)
    .exists()
    .label("has_roles")
)
# Every request asks this; putting the statement together would cost more than running it.
_LIVING_SESSION = (
    select(
        LoginSession.id,
        LoginSession.staff,
        LoginSession.shared_phone,
        LoginSession.last_seen_at,
        LoginSession.expires_at,
        LoginSession.created_at,
        LoginSession.proved_at,
        LoginSession.roles_mark,
        Person.id.label("person_id"),
        Person.ref,
        Person.display,
        Person.minor_declared_at,
        Membership.community_id,
        Membership.household_id,
        _UNREAD,
        _HAS_ROLES,
    )
    .join(Person, Person.id == LoginSession.person_id)
    .outerjoin(
        Membership,
        (Membership.person_id == Person.id) & Membership.ended_at.is_(None),
    )
    .where(
        LoginSession.id_hash == bindparam("id_hash"),
        LoginSession.ended_at.is_(None),
        LoginSession.expires_at > bindparam("now", type_=UTCDateTime),
        or_(
            LoginSession.staff.is_(False),
            LoginSession.last_seen_at > bindparam("rested", type_=UTCDateTime),
        ),
    )
    # Whoever has several households acts for the one chosen last; see Actor.home_in.
    .order_by(Membership.chosen_at.desc().nulls_last(), Membership.id)
)


def grants_of(person_id: int, now: datetime, *, staff: bool) -> tuple[Grant, ...]:
    """The living roles that a session has: one without a second factor has a resident's alone."""
    rows = db.session.execute(
        select(
            RoleGrant.role,
            RoleGrant.community_id,
            RoleGrant.jurisdiction_id,
            RoleGrant.scope,
            RoleGrant.id,
        )
        .where(RoleGrant.person_id == person_id, role_is_living(now))
        .order_by(RoleGrant.id)
    )
    grants = (Grant(Role(row.role), *row[1:]) for row in rows)
    return tuple(grant for grant in grants if staff or grant.role in WITHOUT_ACCOUNT)


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """A line a household is told, in words."""

    at: datetime
    text: str


ABOUT_BALLOTS = (
    HouseholdNoticeKind.VOTED,
    HouseholdNoticeKind.VOTE_CHANGED,
    HouseholdNoticeKind.VOTED_AT_DESK,
    HouseholdNoticeKind.VOTE_CHANGED_AT_DESK,
    HouseholdNoticeKind.VOTE_HANDED_ON,
    HouseholdNoticeKind.PROXY_VOTED,
    HouseholdNoticeKind.PROXY_CHANGED_VOTE,
)
# Hidden from whom they are about, until the desk has looked into it.
DOUBTS = (HouseholdNoticeKind.MEMBER_CONTESTED, HouseholdNoticeKind.MEMBER_UNUSED)
# Whether a household voted or signed is nobody's business at the desk once it is done.
UNSEEN_AT_DESK = (
    *ABOUT_BALLOTS,
    HouseholdNoticeKind.SIGNED_AT_DESK,
    HouseholdNoticeKind.UNSIGNED_AT_DESK,
    # Opinions are moderated without a name.
    HouseholdNoticeKind.WROTE_AT_DESK,
    HouseholdNoticeKind.PROPOSED_AT_DESK,
)


def household_notices(
    community_id: int, household_id: int, limit: int, *, reader: int | None
) -> list[NoticeLine]:
    """What a household was told, newest first, as the person `reader` of the household sees it."""
    rows = db.session.execute(
        select(HouseholdNotice.at, HouseholdNotice.kind, HouseholdNotice.about)
        .where(*_told(community_id, household_id, reader))
        .order_by(HouseholdNotice.id.desc())
        .limit(limit)
    )
    return [_notice_line(row) for row in rows]


def notices_for_desk(community_id: int, household_id: int, limit: int) -> list[NoticeLine]:
    """The same for the desk: all of it but ballots.

    Whether a household has voted is nobody else's business.
    """
    rows = db.session.execute(
        select(HouseholdNotice.at, HouseholdNotice.kind, HouseholdNotice.about)
        .where(
            HouseholdNotice.community_id == community_id,
            HouseholdNotice.household_id == household_id,
            HouseholdNotice.kind.not_in(UNSEEN_AT_DESK),
        )
        .order_by(HouseholdNotice.id.desc())
        .limit(limit)
    )
    return [_notice_line(row) for row in rows]


def _told(
    community_id: int, household_id: int, reader: int | None
) -> tuple[ColumnElement[bool], ...]:
    """The lines for one member: what is the last family's, and who doubts them, is left out.

    A member learns that they were contested once the desk has looked into it.
    """
    moved_since = exists().where(
        Household.id == HouseholdNotice.household_id,
        Household.moved_out_at >= HouseholdNotice.at,
    )
    about_reader = exists().where(
        Membership.community_id == HouseholdNotice.community_id,
        Membership.household_id == HouseholdNotice.household_id,
        Membership.person_id == reader,
        Membership.contested_at == HouseholdNotice.at,
    )
    return (
        HouseholdNotice.community_id == community_id,
        HouseholdNotice.household_id == household_id,
        ~moved_since,
        HouseholdNotice.kind.not_in(DOUBTS) | ~about_reader,
    )


def recent_notices(
    community_id: int,
    household_id: int,
    number: int,
    *,
    reader: int | None,
    without_newest: bool = False,
) -> list[NoticeLine]:
    """The newest lines, and the newest about a ballot however many have joined since."""
    told = (
        select(HouseholdNotice.id, HouseholdNotice.at, HouseholdNotice.kind, HouseholdNotice.about)
        .where(*_told(community_id, household_id, reader))
        .order_by(HouseholdNotice.id.desc())
    )
    skipped = int(without_newest)
    rows = list(db.session.execute(told.limit(number + skipped)))[skipped:]
    ballots = told.where(HouseholdNotice.kind.in_(ABOUT_BALLOTS)).limit(1)
    shown = {row.id for row in rows}
    rows += [row for row in db.session.execute(ballots) if row.id not in shown]
    return [_notice_line(row) for row in rows]


def _notice_line(row: Any) -> NoticeLine:
    return NoticeLine(row.at, words.notice(row.kind, row.at, row.about))


@dataclass(frozen=True, slots=True)
class InboxLine:
    """A line of an inbox: what happened to which thing, and where that is."""

    text: str
    title: str
    url: str
    unread: bool


def inbox(community_id: int, person_id: int, limit: int = 100) -> list[InboxLine]:
    """What one person was told, the newest first."""
    rows = db.session.execute(
        select(
            PersonNotice.at,
            PersonNotice.kind,
            PersonNotice.about,
            PersonNotice.detail,
            PersonNotice.read_at,
        )
        .where(PersonNotice.community_id == community_id, PersonNotice.person_id == person_id)
        .order_by(PersonNotice.id.desc())
        .limit(limit)
    ).all()
    return [_inbox_line(community_id, row) for row in rows]


def _inbox_line(community_id: int, row: Any) -> InboxLine:
    kind, news = PersonNoticeKind(row.kind), ""
    try:
        title, url = address_of_thing(community_id, row.about)
        news = news_of_thing(community_id, row.about, kind, row.detail)
    except NotFound:
        title, url = "", ""
    return InboxLine(words.person_notice(kind, row.at, news), title, url, row.read_at is None)


@dataclass(frozen=True, slots=True)
class CodeView:
    """A household's newest code as the desk sees it: its state, never the code."""

    state: CodeState
    issued_at: datetime | None
    expires_at: datetime | None
    generation: int


def code_view(community_id: int, household_id: int) -> CodeView:
    """The newest code of a household."""
    row = db.session.execute(
        select(
            HouseholdCode.issued_at,
            HouseholdCode.expires_at,
            HouseholdCode.revoked_at,
            HouseholdCode.locked_at,
            HouseholdCode.generation,
        )
        .where(
            HouseholdCode.community_id == community_id,
            HouseholdCode.household_id == household_id,
        )
        .order_by(HouseholdCode.generation.desc())
        .limit(1)
    ).first()
    if row is None:
        return CodeView(CodeState.NONE, None, None, 0)
    state = code_state(
        revoked_at=row.revoked_at,
        locked_at=row.locked_at,
        expires_at=row.expires_at,
        now=clock.now(),
    )
    return CodeView(state, row.issued_at, row.expires_at, row.generation)


def demo_code(community_id: int, household_id: int) -> str:
    """The newest code of a demo household, worked out again; empty when it has none."""
    view = code_view(community_id, household_id)
    if view.generation == 0:
        return ""
    return secrets_box.demo_code(community_id, household_id, view.generation)


@dataclass(frozen=True, slots=True)
class DeskRow:
    """A household in the desk's list."""

    household_id: int
    address: str
    state: CodeState


@dataclass(frozen=True, slots=True)
class DeskPage:
    """A page of the desk's list, and whether there is one after it."""

    rows: tuple[DeskRow, ...]
    page: int
    more: bool


PAGE = 50
# Chosen in place of a code's state: households that a clerk took off the roll.
LEFT = "left"


def desk_page(
    community_id: int, *, search: str, building_id: int | None, state: str, page: int
) -> DeskPage:
    """Households by building, by words of their address or last digits, by the code's state."""
    newest = (
        select(
            HouseholdCode.household_id,
            func.max(HouseholdCode.generation).label("generation"),
        )
        .where(HouseholdCode.community_id == community_id)
        .group_by(HouseholdCode.household_id)
        .subquery()
    )
    rows = (
        select(
            Household.id,
            Estate.name.label("estate"),
            Building.name.label("building"),
            Household.stairwell,
            Household.room,
            HouseholdCode.revoked_at,
            HouseholdCode.locked_at,
            HouseholdCode.expires_at,
        )
        .join(Building, Building.id == Household.building_id)
        .join(Estate, Estate.id == Building.estate_id)
        .outerjoin(newest, newest.c.household_id == Household.id)
        .outerjoin(
            HouseholdCode,
            (HouseholdCode.community_id == Household.community_id)
            & (HouseholdCode.household_id == Household.id)
            & (HouseholdCode.generation == newest.c.generation),
        )
        .where(Household.community_id == community_id, Household.unit_type == "residence")
        .where(
            Household.left_roll_at.is_not(None)
            if state == LEFT
            else Household.left_roll_at.is_(None)
        )
        .order_by(Household.id)
    )
    conditions = [*_searched(search), *_in_state(state)]
    if building_id is not None:
        conditions.append(Household.building_id == building_id)
    wanted = rows.where(*conditions).offset((page - 1) * PAGE).limit(PAGE + 1)
    found = db.session.execute(wanted).all()
    return DeskPage(tuple(map(_desk_row, found[:PAGE])), page, len(found) > PAGE)


def _searched(search: str) -> list[ColumnElement[bool]]:
    """Every word must occur in the address or in the head's name, or end a phone."""
    building = Estate.name + " " + Building.name + "-"
    whole = building + Household.stairwell + "-" + Household.room
    block = (building + Household.room).contains
    return [
        whole.contains(word, autoescape=True)
        | ((Household.stairwell == "") & block(word, autoescape=True))
        | (Household.room == word)
        | Household.household_head.contains(word, autoescape=True)
        | Household.phones.endswith(word, autoescape=True)
        for word in looked_for(search)[:6]
    ]


def _in_state(state: str) -> list[ColumnElement[bool]]:
    now = clock.now()
    living = HouseholdCode.revoked_at.is_(None) & (HouseholdCode.expires_at > now)
    conditions: dict[CodeState, ColumnElement[bool]] = {
        CodeState.NONE: HouseholdCode.id.is_(None),
        CodeState.VALID: living & HouseholdCode.locked_at.is_(None),
        CodeState.LOCKED: living & HouseholdCode.locked_at.is_not(None),
        CodeState.REVOKED: HouseholdCode.revoked_at.is_not(None),
        CodeState.EXPIRED: HouseholdCode.revoked_at.is_(None) & (HouseholdCode.expires_at <= now),
    }
    return [conditions[CodeState(state)]] if state in set(CodeState) else []


def _desk_row(row: Any) -> DeskRow:
    state = (
        CodeState.NONE
        if row.expires_at is None
        else code_state(
            revoked_at=row.revoked_at,
            locked_at=row.locked_at,
            expires_at=row.expires_at,
            now=clock.now(),
        )
    )
    address = address_short(row.estate, row.building, row.stairwell, row.room)
    return DeskRow(row.id, address, state)


def masked_phones(community_id: int, household_id: int) -> list[str]:
    """The phones of a household with their middle hidden."""
    phones = db.session.scalar(
        select(Household.phones).where(
            Household.community_id == community_id, Household.id == household_id
        )
    )
    return [mask_phone(phone) for phone in (phones or "").split()]


def living_codes(community_id: int, household_ids: Sequence[int]) -> int:
    """How many of these households have a code that is not revoked and not expired."""
    now = codes_now(db.session(), community_id)
    return sum(now.get(each, NO_CODE).living for each in household_ids)


def letters_issued(community_id: int) -> dict[int, datetime]:
    """When each household got the letter that is still good."""
    rows = db.session.execute(
        select(HouseholdCode.household_id, HouseholdCode.issued_at).where(
            HouseholdCode.community_id == community_id,
            HouseholdCode.revoked_at.is_(None),
            HouseholdCode.expires_at > clock.now(),
        )
    )
    return {row.household_id: row.issued_at for row in rows}


@dataclass(frozen=True, slots=True)
class OwnSession:
    """A place where somebody who works here is signed in; `here` is the browser that asks."""

    session_id: int
    browser: str
    since: datetime
    last_seen_at: datetime
    here: bool


def own_sessions(actor: Actor) -> list[OwnSession]:
    """Where the actor is signed in as staff now: this browser first, then the newest."""
    now = clock.now()
    rows = db.session.execute(
        select(
            LoginSession.id,
            LoginSession.browser,
            LoginSession.created_at,
            LoginSession.last_seen_at,
        )
        .where(
            LoginSession.person_id == actor.require_person(),
            LoginSession.staff,
            LoginSession.ended_at.is_(None),
            LoginSession.expires_at > now,
            LoginSession.last_seen_at > now - STAFF_IDLE,
        )
        .order_by((LoginSession.id == actor.session_id).desc(), LoginSession.id.desc())
    )
    return [
        OwnSession(
            row.id, row.browser, row.created_at, row.last_seen_at, row.id == actor.session_id
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class OwnPasskey:
    """A passkey on its owner's page."""

    passkey_id: int
    name: str
    made_at: datetime
    used_at: datetime | None


def own_passkeys(person_id: int) -> list[OwnPasskey]:
    """The passkeys of somebody who works here, the oldest first."""
    rows = db.session.execute(
        select(Passkey.id, Passkey.name, Passkey.made_at, Passkey.used_at)
        .join(StaffAccount, StaffAccount.id == Passkey.account_id)
        .where(StaffAccount.person_id == person_id)
        .order_by(Passkey.id)
    )
    return [OwnPasskey(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """What an account's own page says: the name to sign in with, and its recovery codes.

    `password_set_at` is empty while the password is the one of the slip; `new_phone_at` says since
    when a new phone waits for its first number.
    """

    account_id: int
    sign_in_name: str
    codes_left: int
    codes_made_at: datetime | None
    password_set_at: datetime | None
    has_totp: bool
    new_phone_at: datetime | None


def own_account(person_id: int) -> OwnAccount:
    """The account of somebody who works here. Raises: NotFound."""
    row = db.session.execute(
        select(
            StaffAccount.id,
            StaffAccount.sign_in_name,
            StaffAccount.password_set_at,
            StaffAccount.totp_secret,
            StaffAccount.next_totp_at,
            func.count(RecoveryCode.id).filter(RecoveryCode.used_at.is_(None)).label("unused"),
            func.max(RecoveryCode.made_at).label("made_at"),
        )
        .outerjoin(RecoveryCode, RecoveryCode.account_id == StaffAccount.id)
        .where(StaffAccount.person_id == person_id)
        .group_by(StaffAccount.id)
    ).first()
    if row is None:
        raise NotFound("account")
    begun = row.next_totp_at
    waits = begun is not None and clock.now() - begun <= NEXT_TOTP_WAITS
    return OwnAccount(
        account_id=row.id,
        sign_in_name=row.sign_in_name,
        codes_left=row.unused,
        codes_made_at=row.made_at,
        password_set_at=row.password_set_at,
        has_totp=bool(row.totp_secret),
        new_phone_at=begun if waits else None,
    )

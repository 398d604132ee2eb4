"""Accounts, household codes, sessions, roles, and what a household is told."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.actor import Role
from app.core.db import Base
from app.people.rules import EndedWhy, JoinedBy

_CONTESTED = text("contested_at IS NOT NULL AND ended_at IS NULL")
_PRESENT = text("joined_by = 'present' AND ended_at IS NULL")


class Person(Base):
    """Somebody who can act. `ref` is random and is what commitments in the record carry."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    ref: Mapped[str] = mapped_column(String(22), unique=True)
    display: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime]
    adult_declared_at: Mapped[datetime | None] = mapped_column(default=None)
    # When somebody said to be 14 to 17; the desk empties it once they are of age.
    minor_declared_at: Mapped[datetime | None] = mapped_column(default=None)


class StaffAccount(Base):
    """Password and second factor of a person who works with the portal.

    Both are empty until whoever was invited by link has set them up. `next_totp` is that of a new
    phone until its first number confirms it: the old one serves until then.
    """

    __tablename__ = "staff_account"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), unique=True)
    sign_in_name: Mapped[str] = mapped_column(String(80), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    totp_secret: Mapped[str] = mapped_column(String(300))
    last_totp_step: Mapped[int] = mapped_column(default=0)
    wrong_count: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(default=None)
    # Empty while the password is still the one of the slip.
    password_set_at: Mapped[datetime | None] = mapped_column(default=None)
    next_totp: Mapped[str] = mapped_column(String(300), default="", server_default="")
    next_totp_at: Mapped[datetime | None] = mapped_column(default=None)


class LinkKind(StrEnum):
    """What a one-time link is for: a first set-up, or one for who has lost everything."""

    INVITE = "invite"
    REGAIN = "regain"


class AccountLink(Base):
    """A one-time link by which somebody sets their own account up. Only a keyed hash is kept.

    What was set up on the way waits here and goes into the account with the last step. A link to
    regain an account in use is worth nothing before a second person has given a number for it.
    """

    __tablename__ = "account_link"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("staff_account.id"), index=True)
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"))
    kind: Mapped[LinkKind] = mapped_column(String(10))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    vouched_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)
    number_hash: Mapped[str] = mapped_column(String(64), default="")
    number_given_at: Mapped[datetime | None] = mapped_column(default=None)
    wrong_count: Mapped[int] = mapped_column(default=0)
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    totp_secret: Mapped[str] = mapped_column(String(300), default="")
    # When it was used to the end, or made void.
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


class RecoveryCode(Base):
    """A one-time code in place of a staff member's six digits. Only a keyed hash of it is kept.

    A used one stays until new ones are made, and all go with the account.
    """

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("staff_account.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class Passkey(Base):
    """A passkey of a staff member: what their phone, computer or security key proves itself by.

    Of the pair of keys only the public one is here. `sign_count` never goes back: a copy would be
    noticed by it, on devices that count.
    """

    __tablename__ = "passkey"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("staff_account.id"), index=True)
    credential_id: Mapped[str] = mapped_column(String(1400), unique=True)
    public_key: Mapped[str] = mapped_column(String(2000))
    name: Mapped[str] = mapped_column(String(40))
    made_at: Mapped[datetime]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class PasskeyChallenge(Base):
    """A question that a passkey is to answer, once, within minutes, in the browser that asked.

    Only hashes are kept. `holder` is what that browser is known by: its session, its one-time
    link, or at the door a random number in its cookie.
    """

    __tablename__ = "passkey_challenge"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    challenge_hash: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[str] = mapped_column(String(10))
    holder: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class RoleGrant(Base):
    """A role given to a person in one community or one jurisdiction, for a time.

    `scope` narrows it to one meeting, a residents' group, a body or an owner's home; empty is the
    whole place.
    """

    __tablename__ = "role_grant"
    __table_args__ = (
        CheckConstraint(
            "(community_id IS NULL) <> (jurisdiction_id IS NULL)",
            name="exactly_one_place",
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[Role] = mapped_column(String(30))
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"), default=None)
    jurisdiction_id: Mapped[int | None] = mapped_column(ForeignKey("jurisdiction.id"), default=None)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None] = mapped_column(default=None)
    scope: Mapped[str] = mapped_column(String(200), default="", server_default="")


class HouseholdCode(Base):
    """The code on a household's letter. Only a keyed hash of it is kept."""

    __tablename__ = "household_code"
    __table_args__ = (
        ForeignKeyConstraint(
            ["community_id", "household_id"],
            ["household.community_id", "household.id"],
            name="fk_household_code_household",
        ),
        Index("ix_household_code_household", "community_id", "household_id"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    household_id: Mapped[int]
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    generation: Mapped[int]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    wrong_count: Mapped[int] = mapped_column(default=0)
    locked_at: Mapped[datetime | None] = mapped_column(default=None)


class DeskConfirmation(Base):
    """A one-time number given at the desk to a person present, in place of the second fact."""

    __tablename__ = "desk_confirmation"
    __table_args__ = (
        ForeignKeyConstraint(
            ["community_id", "household_id"],
            ["household.community_id", "household.id"],
            name="fk_desk_confirmation_household",
        ),
        Index("ix_desk_confirmation_household", "community_id", "household_id"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    household_id: Mapped[int]
    number_hash: Mapped[str] = mapped_column(String(64))
    given_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class Membership(Base):
    """A person (or device) that joined a household by its code.

    `contested_at` and `contested_by` say that somebody of the household does not know this line;
    a word of the desk to keep it empties them again. `joined_by` is empty for those who came in
    before it was kept. `chosen_at` is when somebody with several households last chose this one.
    `age_confirmed_at` is when the desk saw that the member is 18 or over.
    """

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("community_id", "household_id", "person_id"),
        ForeignKeyConstraint(
            ["community_id", "household_id"],
            ["household.community_id", "household.id"],
            name="fk_membership_household",
        ),
        Index("ix_membership_person", "person_id"),
        Index(
            "ix_membership_contested",
            "community_id",
            sqlite_where=_CONTESTED,
            postgresql_where=_CONTESTED,
        ),
        # Whoever is present at the desk acts as one and the same member of the household.
        Index(
            "uq_membership_present",
            "community_id",
            "household_id",
            unique=True,
            sqlite_where=_PRESENT,
            postgresql_where=_PRESENT,
        ),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    household_id: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    joined_at: Mapped[datetime]
    joined_by: Mapped[JoinedBy | str] = mapped_column(String(10), default="")
    contested_at: Mapped[datetime | None] = mapped_column(default=None)
    contested_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_why: Mapped[EndedWhy | str] = mapped_column(String(10), default="")
    chosen_at: Mapped[datetime | None] = mapped_column(default=None)
    age_confirmed_at: Mapped[datetime | None] = mapped_column(default=None)


class HouseholdNoticeKind(StrEnum):
    """What a household is told about itself."""

    JOINED = "joined"
    VOTED = "voted"
    VOTE_CHANGED = "vote_changed"
    VOTED_AT_DESK = "voted_at_desk"
    VOTE_CHANGED_AT_DESK = "vote_changed_at_desk"
    VOTE_HANDED_ON = "vote_handed_on"
    PROXY_GIVEN = "proxy_given"
    PROXY_HELD = "proxy_held"
    PROXY_ENDED = "proxy_ended"
    PROXY_NO_LONGER_HELD = "proxy_no_longer_held"
    PROXY_VOTED = "proxy_voted"
    PROXY_CHANGED_VOTE = "proxy_changed_vote"
    PAPER_ASKED = "paper_asked"
    PAPER_ENDED = "paper_ended"
    PAPER_HANDED = "paper_handed"
    VISIT_ASKED = "visit_asked"
    VISIT_PLANNED = "visit_planned"
    VISIT_DONE = "visit_done"
    VISIT_NOBODY = "visit_nobody"
    VISIT_UNWANTED = "visit_unwanted"
    SIGNED_AT_DESK = "signed_at_desk"
    UNSIGNED_AT_DESK = "unsigned_at_desk"
    WROTE_AT_DESK = "wrote_at_desk"
    PROPOSED_AT_DESK = "proposed_at_desk"
    JOINED_AT_DESK = "joined_at_desk"
    CODE_REISSUED = "code_reissued"
    CODE_UNLOCKED = "code_unlocked"
    CODE_REVOKED = "code_revoked"
    TOOK_PART_PRINTED = "took_part_printed"
    CONFIRMED_AT_DESK = "confirmed_at_desk"
    PHONE_SEEN = "phone_seen"
    MEMBER_CONTESTED = "member_contested"
    MEMBER_UNUSED = "member_unused"
    MEMBER_RETIRED = "member_retired"
    MEMBER_ENDED = "member_ended"
    MEMBER_KEPT = "member_kept"
    MEMBER_LEFT = "member_left"
    MOVED_OUT = "moved_out"
    MEMBER_ERASED = "member_erased"
    MEMBER_COPIED = "member_copied"
    AGE_CONFIRMED = "age_confirmed"
    CORRECTION_ASKED = "correction_asked"
    CORRECTION_ANSWERED = "correction_answered"
    ROLL_CORRECTED = "roll_corrected"
    OWNER_CHANGED = "owner_changed"
    OWNER_CONFIRMED = "owner_confirmed"
    OWNER_ENDED = "owner_ended"


class HouseholdNotice(Base):
    """A line every member sees on entering: a joining, a ballot (never the choice), a new code."""

    __tablename__ = "household_notice"
    __table_args__ = (
        ForeignKeyConstraint(
            ["community_id", "household_id"],
            ["household.community_id", "household.id"],
            name="fk_household_notice_household",
        ),
        Index("ix_household_notice_household", "community_id", "household_id", "id"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    household_id: Mapped[int]
    kind: Mapped[HouseholdNoticeKind] = mapped_column(String(30))
    at: Mapped[datetime]
    about: Mapped[str] = mapped_column(String(200), default="")


class PersonNoticeKind(StrEnum):
    """What one person is told about things they took part in."""

    POST_PUBLISHED = "post_published"
    POST_RETURNED = "post_returned"
    POST_HIDDEN = "post_hidden"
    POST_ANSWERED = "post_answered"
    POST_DISPOSED = "post_disposed"
    APPEAL_ANSWERED = "appeal_answered"
    TOPIC_MOVED = "topic_moved"
    MEETING_PLACE = "meeting_place"
    MEETING_CHANGED = "meeting_changed"
    REVISED = "revised"
    RATE_AGAIN = "rate_again"
    CONVENTION_RENEWED = "convention_renewed"
    DESIGN_PUBLISHED = "design_published"
    DESIGN_RETURNED = "design_returned"
    SESSION_CALLED = "session_called"
    SESSION_POSTPONED = "session_postponed"
    ACTING_GIVEN = "acting_given"
    ACTING_ENDED = "acting_ended"


class PersonNotice(Base):
    """A line in somebody's inbox. `key` lets the worker deliver twice without harm."""

    __tablename__ = "person_notice"
    __table_args__ = (
        UniqueConstraint("community_id", "person_id", "key"),
        Index("ix_person_notice_unread", "person_id", "read_at"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    key: Mapped[str] = mapped_column(String(40))
    kind: Mapped[PersonNoticeKind] = mapped_column(String(30))
    about: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]
    detail: Mapped[str] = mapped_column(String(40), default="")
    read_at: Mapped[datetime | None] = mapped_column(default=None)


class LoginSession(Base):
    """A signed-in browser. The cookie holds a random id, this row only its hash."""

    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    id_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    staff: Mapped[bool]
    shared_phone: Mapped[bool]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    # A kind such as `phone.wechat` for sessions of staff, never what the browser calls itself.
    browser: Mapped[str] = mapped_column(String(20), default="", server_default="")
    # When staff proved once more who they are; nothing since they came in when empty.
    proved_at: Mapped[datetime | None] = mapped_column(default=None)
    # Which roles the session had when its cookie was made; other ones ask for a new cookie.
    roles_mark: Mapped[str] = mapped_column(String(64), default="", server_default="")


class SecurityEvent(Base):
    """Access, as opposed to public acts: enrolments, sign-ins, codes. Never exported."""

    __tablename__ = "security_event"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(40))
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"), default=None)
    person_id: Mapped[int | None] = mapped_column(default=None)
    facts: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)

"""The rules of getting in. Pure. Source: docs/rules.md, "Getting in"."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.core.canonical import crockford_clean
from app.core.errors import RuleBroken

CODE_LENGTH = 10
WRONG_FACTS_TO_LOCK = 10
DESK_NUMBER_VALID = timedelta(minutes=10)
OWN_PHONE_SESSION = timedelta(days=366)
SHARED_PHONE_SESSION = timedelta(hours=2)
STAFF_SESSION = timedelta(hours=12)
STAFF_IDLE = timedelta(minutes=30)
STAFF_WARNED = timedelta(minutes=5)
LAST_SEEN_EVERY = timedelta(minutes=5)
CONTEST_ANSWERED_WITHIN = timedelta(days=7)
STAFF_WRONG_TO_LOCK = 10
STAFF_LOCKED_FOR = timedelta(minutes=15)
PROOF_LASTS = timedelta(minutes=10)
RECOVERY_CODES = 10
PASSKEYS_MOST = 10
# How long a device is waited for, and how long what it is known by may be (CTAP: 1023 bytes).
PASSKEY_WAITS = timedelta(minutes=5)
PASSKEY_ID_MOST = 1400
PASSKEY_MOST = 2000
MOST_HOMES = 10
LINK_VALID = timedelta(days=7)
LINK_LENGTH = 24
WRONG_NUMBERS_TO_END = 10
# Whose own account is newer than this is no second person: whoever made it could be both.
VOUCHES_AFTER = timedelta(days=30)
# A new phone is confirmed within a day, or the old one simply goes on.
NEXT_TOTP_WAITS = timedelta(days=1)

# The narrower first: nearly every browser also calls itself Chrome and Safari.
BROWSER_MARKS = (
    ("micromessenger", "wechat"),
    ("dingtalk", "dingtalk"),
    ("qqbrowser", "qq"),
    ("huaweibrowser", "huawei"),
    ("edg", "edge"),
    ("firefox", "firefox"),
    ("fxios", "firefox"),
    ("crios", "chrome"),
    ("chrome", "chrome"),
    ("safari", "safari"),
)


class CodeState(StrEnum):
    """What a household's newest code is worth now."""

    NONE = "none"
    VALID = "valid"
    LOCKED = "locked"
    REVOKED = "revoked"
    EXPIRED = "expired"


class RevealReason(StrEnum):
    """Why a clerk looks at a whole phone number; nothing else is a reason."""

    NEWS = "news"
    LETTER = "letter"
    IDENTITY = "identity"
    ASKED = "asked"
    DANGER = "danger"


# Whether somebody still is an owner the desk sees anew after so long, or when the roll changes.
OWNER_LASTS = timedelta(days=3 * 365)


class JoinedBy(StrEnum):
    """What a member showed in place of a name: a phone on the roll, or themselves at the desk.

    `PRESENT` has no phone at all: it stands for whoever of the household is present while a clerk
    acts for them.
    """

    LETTER = "letter"
    DESK = "desk"
    PRESENT = "present"


class EndedWhy(StrEnum):
    """Why a membership is over."""

    LEFT = "left"
    CONTESTED = "contested"
    UNUSED = "unused"
    MOVED = "moved"
    OWNER = "owner"


class Younger(StrEnum):
    """What somebody says who is not of age: 14 to 17, or younger."""

    MINOR = "minor"
    CHILD = "child"


def check_age(*, adult: bool, younger: Younger | None) -> None:
    """Refuse whoever does not say, says two things, or is under 14.

    Raises: RuleBroken enrol.not_adult, enrol.two_ages, enrol.child. Sources: Personal Information
    Protection Law art. 31 (under 14); Civil Code art. 17 (18 and over are of age).
    """
    if younger is Younger.CHILD:
        raise RuleBroken("enrol.child")
    if adult and younger is not None:
        raise RuleBroken("enrol.two_ages")
    if not adult and younger is None:
        raise RuleBroken("enrol.not_adult")


def clean_code(typed: str) -> str:
    """The code as the alphabet knows it; empty when it is none."""
    code = crockford_clean(typed)
    return code if len(code) == CODE_LENGTH else ""


def clean_link(typed: str) -> str:
    """A one-time link's secret out of what was pasted: bare, in groups, or a whole address."""
    token = crockford_clean(typed.rpartition("#")[2])
    return token if len(token) == LINK_LENGTH else ""


def clean_digits(typed: str) -> str:
    """The digits of what was typed, full-width ones included."""
    return "".join(str(int(c)) for c in typed if c.isdecimal())


def code_groups(code: str) -> tuple[str, str, str]:
    """A code in the three groups that letters and forms show."""
    return code[:3], code[3:6], code[6:]


def is_phone_ending(digits: str, phones: str) -> bool:
    """Whether four digits end one of the phones on the roll."""
    return len(digits) == 4 and any(phone.endswith(digits) for phone in phones.split())  # noqa: PLR2004


def code_state(
    *,
    revoked_at: datetime | None,
    locked_at: datetime | None,
    expires_at: datetime,
    now: datetime,
) -> CodeState:
    """The state of a code; a revoked one stays revoked whatever else it is."""
    if revoked_at is not None:
        return CodeState.REVOKED
    if now >= expires_at:
        return CodeState.EXPIRED
    return CodeState.LOCKED if locked_at is not None else CodeState.VALID


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """How long a session lasts, and how long it may rest."""

    lasts: timedelta
    idle: timedelta | None


def session_times(*, staff: bool, shared_phone: bool) -> SessionTimes:
    """Long on one's own phone, short on another's, a working day for staff."""
    if staff:
        return SessionTimes(STAFF_SESSION, STAFF_IDLE)
    return SessionTimes(SHARED_PHONE_SESSION if shared_phone else OWN_PHONE_SESSION, None)


@dataclass(frozen=True, slots=True)
class SessionLeft:
    """How many whole seconds a staff session still has: left alone, and whatever is done."""

    idle: int
    longest: int


def session_left(*, last_seen_at: datetime, expires_at: datetime, now: datetime) -> SessionLeft:
    """What is left of a staff session, never more than there is, never less than nothing."""
    second = timedelta(seconds=1)
    idle, longest = last_seen_at + STAFF_IDLE - now, expires_at - now
    return SessionLeft(max(idle // second, 0), max(longest // second, 0))


def is_proof_fresh(proved_at: datetime, now: datetime) -> bool:
    """Whether the last second factor is recent enough for a step that cannot be taken back."""
    return now - proved_at <= PROOF_LASTS


def roles_mark(grants: Iterable[int]) -> str:
    """What a session keeps of the roles it has, to notice others; empty without any."""
    text = ",".join(map(str, sorted(grants)))
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def is_use_noted(last_seen_at: datetime, now: datetime) -> bool:
    """Whether a look at a page is written down as use: at most every five minutes."""
    return now - last_seen_at > LAST_SEEN_EVERY


def browser_kind(user_agent: str) -> str:
    """What a browser is, in two words of our own: `phone.wechat`, `computer.chrome`.

    A word is left out where it is not known; nothing else of the text is kept.
    """
    low = user_agent.lower()
    name = next((name for mark, name in BROWSER_MARKS if mark in low), "")
    kind = f"{_device(low)}.{name}"
    return kind if kind != "." else ""


def _device(low: str) -> str:
    if "ipad" in low or "tablet" in low or ("android" in low and "mobi" not in low):
        return "tablet"
    if any(mark in low for mark in ("mobi", "iphone", "android")):
        return "phone"
    return "computer" if any(mark in low for mark in ("windows", "mac", "linux", "x11")) else ""


def mask_phone(phone: str) -> str:
    """A phone as the desk sees it: the middle is hidden."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) > 7 else f"****{phone[-2:]}"  # noqa: PLR2004

"""The rules of what people write. Pure; sources in docs/rules.md, "Opinions and moderation"."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from enum import StrEnum

from app.core.errors import RuleBroken

LONGEST = 1000
LONGEST_REASON = 300
ANSWER_WITHIN = timedelta(hours=48)
# For so long a home asks its author to word anew what was returned; their own list keeps it.
ASK_TO_REWORD = timedelta(days=30)

# A mainland phone number, a landline with its area code, or a long service number.
_PHONE = re.compile(r"(?<!\d)(?:1\d{10}|0\d{2,3}[-\s]?\d{7,8})(?!\d)")
# A citizen's number: 17 digits and a check digit or X.
_CITIZEN = re.compile(r"(?<!\d)\d{6}(?:19|20)\d{9}[\dXx](?!\d)")


class PostState(StrEnum):
    """Where a post is on its way to the readers."""

    SUBMITTED = "submitted"
    PUBLISHED = "published"
    RETURNED = "returned"
    HIDDEN = "hidden"


class Reason(StrEnum):
    """Why something is returned or hidden. Lawful criticism is none of these."""

    PERSONAL_DATA = "personal_data"
    INSULT = "insult"
    OFF_TOPIC = "off_topic"
    UNLAWFUL = "unlawful"
    DUPLICATE = "duplicate"
    UNCLEAR = "unclear"


# Whoever wrote it had it taken down with everything that was theirs: no reason of moderation's.
AUTHOR_LEFT = "author_left"


class Disposition(StrEnum):
    """What became of an opinion (采纳、部分采纳、不采纳)."""

    ADOPTED = "adopted"
    PARTLY = "partly"
    NOT_ADOPTED = "not_adopted"


# What moderation may do next; everything else is refused.
MOVES: dict[PostState, frozenset[PostState]] = {
    PostState.SUBMITTED: frozenset({PostState.PUBLISHED, PostState.RETURNED}),
    PostState.RETURNED: frozenset({PostState.PUBLISHED}),
    PostState.PUBLISHED: frozenset({PostState.HIDDEN}),
    PostState.HIDDEN: frozenset({PostState.PUBLISHED}),
}


def clean(text: str) -> str:
    """A text as it is kept: line ends and spaces tidied, nothing else.

    Raises: RuleBroken post.empty, post.too_long.
    """
    lines = [line.strip() for line in text.replace("\r", "").split("\n")]
    tidy = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not tidy:
        raise RuleBroken("post.empty")
    if len(tidy) > LONGEST:
        raise RuleBroken("post.too_long", most=LONGEST)
    return tidy


def mask(text: str) -> str:
    """The text with phone and citizen numbers covered; their last digits stay hidden too."""
    covered = _CITIZEN.sub(lambda found: found[0][:3] + "*" * (len(found[0]) - 3), text)
    return _PHONE.sub(lambda found: found[0][:3] + "*" * (len(found[0]) - 3), covered)


def phrases(typed: str) -> tuple[str, ...]:
    """The phrases somebody typed to be covered, split by 、 or a semicolon."""
    return tuple(part.strip() for part in re.split("[、；;]", typed) if part.strip())


def cover(text: str, phrase: str) -> str:
    """The text with a phrase covered wherever it stands, as long as it was."""
    return text.replace(phrase, "*" * len(phrase))


def check_move(state: PostState, to: PostState) -> None:
    """Raise RuleBroken post.wrong_state unless moderation may go from one to the other."""
    if to not in MOVES[state]:
        raise RuleBroken("post.wrong_state", state=state.value)


def is_own(author: int | None, reader: int | None) -> bool:
    """Whether somebody wrote a thing, in whatever name; whose author was erased is nobody's."""
    return author is not None and author == reader


def refuse_own(author: int | None, decider: int | None) -> None:
    """Raise RuleBroken post.own where whoever decides on something wrote it."""
    if is_own(author, decider):
        raise RuleBroken("post.own")


def check_reason(reason: str, note: str) -> Reason:
    """The reason given, one of ours. Raises: RuleBroken post.no_reason, post.note_too_long."""
    if reason not in set(Reason):
        raise RuleBroken("post.no_reason")
    if len(note) > LONGEST_REASON:
        raise RuleBroken("post.note_too_long", most=LONGEST_REASON)
    return Reason(reason)


def check_disposition(disposition: str, why: str) -> Disposition:
    """What became of an opinion, with a reason in words always.

    Raises: RuleBroken post.no_disposition, post.why_missing, post.note_too_long.
    """
    if disposition not in set(Disposition):
        raise RuleBroken("post.no_disposition")
    if not why.strip():
        raise RuleBroken("post.why_missing")
    if len(why) > LONGEST_REASON:
        raise RuleBroken("post.note_too_long", most=LONGEST_REASON)
    return Disposition(disposition)


def is_overdue(submitted_at: datetime, now: datetime) -> bool:
    """Whether somebody has waited for longer than the 48 hours we aim at."""
    return now - submitted_at > ANSWER_WITHIN


def place_in_reading(seed: str, public_id: str) -> str:
    """Where a post stands for one reader: random over readers, the same for the whole visit."""
    return hashlib.sha256(f"{seed}:{public_id}".encode()).hexdigest()

"""The states of a consultation and what moves them. Pure; the table is docs/rules.md, "Topics"."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum

from app.core.errors import RuleBroken
from app.meetings.resolutions import Verdict

LONGEST_TEXT = 3000
MOST_PHOTOS = 3
# Organic Law of Urban Residents Committees (2025 revision), art. 26: ten days for a 居民会议.
RESIDENTS_MEETING_DAYS = 10
# An objection is answered within three days: practice of 四议两公开.
OBJECTION_WITHIN = timedelta(days=3)


class State(StrEnum):
    """Where a consultation stands. Source: consultation_states, docs/rules.md."""

    PROPOSED = "proposed"
    SCREENING = "screening"
    ACCEPTED = "accepted"
    ANNOUNCED = "announced"
    IN_SESSION = "in_session"
    DRAFTED = "drafted"
    PUBLISHED = "published"
    OBJECTION_REVIEW = "objection_review"
    TO_VOTE = "to_vote"
    DECIDED = "decided"
    IMPLEMENTING = "implementing"
    REPORTED = "reported"
    RATED = "rated"
    ARCHIVED = "archived"
    REJECTED = "rejected"
    MERGED = "merged"
    ESCALATED = "escalated"
    WITHDRAWN = "withdrawn"
    NOT_ADOPTED = "not_adopted"
    ADJOURNED = "adjourned"
    POSTPONED = "postponed"
    INVALIDATED = "invalidated"


S = State
# The whole table, also what no page offers yet (invalidated).
MOVES: dict[State, frozenset[State]] = {
    S.PROPOSED: frozenset({S.SCREENING, S.WITHDRAWN}),
    S.SCREENING: frozenset({S.ACCEPTED, S.MERGED, S.REJECTED, S.ESCALATED, S.WITHDRAWN}),
    S.ACCEPTED: frozenset({S.ANNOUNCED, S.WITHDRAWN}),
    S.ANNOUNCED: frozenset({S.IN_SESSION, S.POSTPONED}),
    S.IN_SESSION: frozenset({S.DRAFTED, S.ADJOURNED}),
    S.DRAFTED: frozenset({S.PUBLISHED, S.IN_SESSION}),
    S.PUBLISHED: frozenset({S.OBJECTION_REVIEW, S.DECIDED, S.TO_VOTE}),
    S.OBJECTION_REVIEW: frozenset({S.PUBLISHED, S.IN_SESSION}),
    S.TO_VOTE: frozenset({S.DECIDED, S.NOT_ADOPTED}),
    S.DECIDED: frozenset({S.IMPLEMENTING}),
    S.IMPLEMENTING: frozenset({S.REPORTED}),
    S.REPORTED: frozenset({S.RATED, S.IMPLEMENTING}),
    S.RATED: frozenset({S.ARCHIVED, S.IMPLEMENTING}),
    S.ARCHIVED: frozenset(),
    S.REJECTED: frozenset(),
    S.MERGED: frozenset(),
    S.ESCALATED: frozenset({S.ACCEPTED, S.ARCHIVED}),
    S.WITHDRAWN: frozenset(),
    S.NOT_ADOPTED: frozenset({S.ARCHIVED}),
    S.ADJOURNED: frozenset({S.ANNOUNCED}),
    S.POSTPONED: frozenset({S.ANNOUNCED}),
    S.INVALIDATED: frozenset({S.ARCHIVED}),
}
# What a committee member does by a word of explanation alone, on one page.
PLAIN_MOVES = frozenset(
    {
        S.SCREENING,
        S.ACCEPTED,
        S.REJECTED,
        S.ADJOURNED,
        S.TO_VOTE,
        S.OBJECTION_REVIEW,
        S.DECIDED,
        S.REPORTED,
        S.RATED,
        S.ARCHIVED,
    }
)
# A word of explanation is owed to whoever asked.
NEEDS_REASON = frozenset(
    {
        S.ACCEPTED,
        S.REJECTED,
        S.MERGED,
        S.ESCALATED,
        S.ADJOURNED,
        S.POSTPONED,
        S.OBJECTION_REVIEW,
        S.REPORTED,
    }
)
# Out of a vote only its numbers lead; what is lifted is the subdistrict's to decide.
NOT_BY_WORD = frozenset({S.TO_VOTE, S.ESCALATED})
# Before the committee has looked, only the proposer and the committee may read it.
UNSEEN = frozenset({S.PROPOSED, S.SCREENING, S.WITHDRAWN})
# Nothing more comes of it.
ENDED = frozenset({S.ARCHIVED, S.REJECTED, S.MERGED, S.NOT_ADOPTED})
# No other topic is handled together with one that is not public or goes on no more.
NO_PARENT = UNSEEN | ENDED | {S.INVALIDATED}
OPEN_TO_OPINIONS = frozenset(
    {S.ACCEPTED, S.ANNOUNCED, S.IN_SESSION, S.DRAFTED, S.ADJOURNED, S.POSTPONED}
)
# From here on nothing is edited; what was wrong is corrected visibly.
FIXED_FROM = frozenset(
    {
        S.PUBLISHED,
        S.OBJECTION_REVIEW,
        S.TO_VOTE,
        S.DECIDED,
        S.IMPLEMENTING,
        S.REPORTED,
        S.RATED,
        S.ARCHIVED,
        S.NOT_ADOPTED,
    }
)


# From these another meeting can be called: opinions are contested before or after publication.
CALL_AGAIN = frozenset({S.DRAFTED, S.OBJECTION_REVIEW})


class Form(StrEnum):
    """How people sit together. Source: 2015 guidance on consultation; Organic Law, art. 32."""

    ROUND_TABLE = "round_table"
    COUNCIL = "council"
    HEARING = "hearing"
    OWNERS_TALK = "owners_talk"
    RESIDENTS_MEETING = "residents_meeting"
    REPRESENTATIVES_MEETING = "representatives_meeting"


def notice_days(form: Form, chosen: int) -> int:
    """How many days before the meeting its notice is published; `chosen` is the place's setting.

    For every form but a residents' meeting the law says no more than "beforehand".
    """
    return max(RESIDENTS_MEETING_DAYS, chosen) if form is Form.RESIDENTS_MEETING else chosen


def check_move(state: State, to: State) -> None:
    """Raise RuleBroken topic.wrong_state unless the table leads from one to the other."""
    if to not in MOVES[state]:
        raise RuleBroken("topic.wrong_state", state=state.value, to=to.value)


def check_reason(to: State, note: str) -> str:
    """The explanation, tidied. Raises: RuleBroken topic.no_reason where one is owed."""
    tidy = note.replace("\r", "").strip()
    if to in NEEDS_REASON and not tidy:
        raise RuleBroken("topic.no_reason")
    if len(tidy) > LONGEST_TEXT:
        raise RuleBroken("topic.too_long", most=LONGEST_TEXT)
    return tidy


def check_text(text: str) -> str:
    """A text that has to be there. Raises: RuleBroken topic.empty, topic.too_long."""
    tidy = text.replace("\r", "").strip()
    if not tidy:
        raise RuleBroken("topic.empty")
    if len(tidy) > LONGEST_TEXT:
        raise RuleBroken("topic.too_long", most=LONGEST_TEXT)
    return tidy


def plain_moves(state: State) -> frozenset[State]:
    """Where a word of explanation alone leads from a state.

    Out of a vote nothing does: what it came to follows from its numbers. Nor does anything for the
    committee once a topic is lifted.
    """
    return frozenset() if state in NOT_BY_WORD else MOVES[state] & PLAIN_MOVES


def check_parent(parent: State) -> None:
    """Raise RuleBroken topic.no_parent unless a topic may be merged into one in this state."""
    if parent in NO_PARENT:
        raise RuleBroken("topic.no_parent")


def needs_quorum(form: Form) -> bool:
    """Whether the law asks for a number of people: of meetings that resolve (art. 27 and 29)."""
    return form in {Form.RESIDENTS_MEETING, Form.REPRESENTATIVES_MEETING}


def check_published(until: datetime | None, now: datetime) -> None:
    """An opinion stands, or goes to a vote, only after its publication period.

    Source: Organic Law (2025 revision), art. 34. Raises: RuleBroken topic.still_published.
    """
    if until is None or now < until:
        raise RuleBroken("topic.still_published", until=until)


def check_due(due: datetime, now: datetime) -> None:
    """Work is done in days to come. Raises: RuleBroken topic.due_past."""
    if due <= now:
        raise RuleBroken("topic.due_past")


def check_held(held_on: date, submitted_on: date, today: date) -> None:
    """A vote is held after the topic was submitted to it, and before it is entered; by days.

    Raises: RuleBroken topic.held_when.
    """
    if not submitted_on <= held_on <= today:
        raise RuleBroken("topic.held_when")


def verdict_of_poll(outcome: str, *, won: bool, tied: bool) -> Verdict:
    """What a published poll says about a topic whose project `won` in it, or stands `tied`.

    Raises: RuleBroken topic.poll_tied: a tie decides nothing.
    """
    if outcome == "no_quorum":
        return Verdict.NO_QUORUM
    if tied:
        raise RuleBroken("topic.poll_tied")
    return Verdict.PASSED if outcome == "passed" or won else Verdict.NOT_PASSED


def stage_index(state: State) -> int:
    """Which of the five seals a topic stands at: 谋 until decided, 建 while it is carried out."""
    if state in {S.IMPLEMENTING, S.REPORTED}:
        return 1
    if state in {S.RATED, S.ARCHIVED}:
        return 3
    return 0

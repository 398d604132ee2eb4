"""From a draft to an open poll, inside the caller's transaction: also for rooms above that ask.

Everything freezes here: options, rules, electorate, times, and every word of the ballot.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from app.communities.models import Household
from app.communities.queries import residences as on_the_roll
from app.core import canonical as c
from app.core import clock, jobs
from app.core import record as records
from app.core.errors import RuleBroken
from app.core.links import Edge, connect
from app.core.record import Act, checkpoint, record
from app.core.times import in_record_language
from app.voting import opening, rules, steps
from app.voting.models import Poll, PollOption, PollVoter
from app.voting.rules import Draft, Method, PollKind, PollState, Rules

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

OPENED = records.register(
    "poll.opened",
    {
        "poll",
        "kind",
        "method",
        "secrecy",
        "title",
        "projects",
        "options",
        "rules",
        "opens_at",
        "closes_at",
        "electorate",
        "text_sha256",
    },
    meaning="a poll's question, options, rules, times and electorate, frozen",
)
PUBLIC_ID_BYTES = 5
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PollDraft:
    """What the desk writes before a poll is opened; `projects` are the ledger's codes, in order."""

    title: str
    explanation: str
    method: Method
    projects: tuple[str, ...]
    rules: Rules
    opens_at: datetime
    closes_at: datetime
    kind: PollKind = PollKind.PREFERENCE_POLL

    def for_rules(self) -> Draft:
        """Give the draft as far as rules look at it."""
        return Draft(
            self.title,
            self.method,
            self.projects,
            self.rules,
            self.opens_at,
            self.closes_at,
            self.kind,
        )


def new_poll(session: Session, actor: Actor, community_id: int, draft: PollDraft) -> Poll:
    """Write a draft's row and options. Raises: RuleBroken draft.*, NotFound."""
    check(community_id, draft)
    poll = Poll(
        community_id=community_id,
        public_id=c.crockford(secrets.token_bytes(PUBLIC_ID_BYTES)).lower(),
        kind=draft.kind,
        method=draft.method,
        title=draft.title,
        state="draft",
        rules=draft.rules.as_json(),
        opens_at=draft.opens_at,
        closes_at=draft.closes_at,
        drafted_by=actor.person_id,
        drafted_at=clock.now(),
    )
    session.add(poll)
    session.flush()
    write(session, poll, draft)
    return poll


def launch(session: Session, actor: Actor, community_id: int, draft: PollDraft) -> str:
    """Draft a poll and open it at once, for a room above; gives its public id.

    Raises: NotFound; RuleBroken poll.no_electorate, draft.*, clock.stepped_back.
    """
    poll = new_poll(session, actor, community_id, draft)
    now = trusted_now(session, community_id)
    poll.opens_at = now.replace(microsecond=0)
    open_now(session, actor, poll, now)
    return poll.public_id


def open_now(session: Session, actor: Actor, poll: Poll, now: datetime) -> None:
    """Freeze a poll, open it, and plan its closing. Raises: NotFound; RuleBroken."""
    draft = draft_of(session, poll)
    cards = freeze(session, poll, draft)
    poll.state, poll.opened_at = PollState.OPEN.value, now
    poll.version += 1
    definition: dict[str, Any] = poll.definition or {}
    act = Act(OPENED, subject_of(poll.public_id), definition)
    record(session, actor, act, poll.community_id, at=now)
    checkpoint(session, poll.community_id)
    enqueue_due(session, poll, now)
    for thing in sorted({card.subject for card in cards}):
        edge = Edge(subject_of(poll.public_id), "asks_about", thing)
        connect(session, poll.community_id, edge)


def write(session: Session, poll: Poll, draft: PollDraft) -> None:
    poll.kind, poll.method = draft.kind, draft.method
    poll.title, poll.explanation = draft.title, draft.explanation
    poll.rules = draft.rules.as_json()
    poll.opens_at, poll.closes_at = draft.opens_at, draft.closes_at
    poll.version += 1
    session.execute(delete(PollOption).where(*options_of(poll)))
    session.add_all(
        PollOption(
            community_id=poll.community_id,
            poll_id=poll.id,
            option=code,
            position=position,
        )
        for position, code in enumerate(draft.projects)
    )


def options_of(poll: Poll) -> tuple[Any, ...]:
    return PollOption.community_id == poll.community_id, PollOption.poll_id == poll.id


def draft_of(session: Session, poll: Poll) -> PollDraft:
    codes = session.scalars(
        select(PollOption.option).where(*options_of(poll)).order_by(PollOption.position)
    )
    return PollDraft(
        title=poll.title,
        explanation=poll.explanation,
        method=Method(poll.method),
        projects=tuple(codes),
        rules=rules.rules_from_json(poll.rules),
        opens_at=poll.opens_at,
        closes_at=poll.closes_at,
        kind=PollKind(poll.kind),
    )


def check(community_id: int, draft: PollDraft) -> list[steps.OptionCard]:
    """The cards of a sound draft.

    Raises: RuleBroken draft.*, with all problems; NotFound; RuleBroken of the room whose thing it
    is, when that cannot be voted on now.
    """
    problems = rules.draft_problems(draft.for_rules(), clock.now())
    if problems:
        raise RuleBroken(problems[0], problems=tuple(problems))
    found = steps.cards(community_id, draft.projects, draft.kind)
    steps.check_votable(community_id, draft.projects, draft.kind)
    return found


def trusted_now(session: Session, community_id: int) -> datetime:
    """The time, read after the log is held. Raises: RuleBroken clock.stepped_back."""
    last_at = session.scalar(
        select(records.RecordLog.last_at)
        .where(records.RecordLog.community_id == community_id)
        .with_for_update()
    )
    now = clock.now()
    if rules.clock_stepped_back(now, last_at):
        raise RuleBroken("clock.stepped_back", last_at=last_at)
    return now


def freeze(session: Session, poll: Poll, draft: PollDraft) -> list[steps.OptionCard]:
    """Fix everything, in the language of the record whoever's browser asks for it."""
    electorate = _take_electorate(session, poll)
    question = opening.Question(
        public_id=poll.public_id,
        kind=poll.kind,
        method=poll.method,
        title=poll.title,
        rules=poll.rules,
        opens_at=poll.opens_at,
        closes_at=poll.closes_at,
    )
    with in_record_language():
        cards = check(poll.community_id, draft)
        options = opening.options_json(draft.method, cards)
        text = opening.ballot_text(question, draft.explanation, cards, electorate.heads)
    poll.heads, poll.ballot_text = electorate.heads, text
    poll.definition = opening.definition(question, options, cards, electorate, text)
    return cards


def _take_electorate(session: Session, poll: Poll) -> opening.Electorate:
    """Every residential household of the roll as it stands, each under a new reference."""
    households = session.scalars(select(Household.id).where(*on_the_roll(poll.community_id))).all()
    if not households:
        raise RuleBroken("poll.no_electorate")
    rows = [
        {
            "community_id": poll.community_id,
            "poll_id": poll.id,
            "household_id": household_id,
            "ref": opening.new_reference(),
            "version": 0,
            "late_logged": False,
        }
        for household_id in households
    ]
    session.execute(insert(PollVoter), rows)
    return opening.electorate_of(str(row["ref"]) for row in rows)


def enqueue_due(session: Session, poll: Poll, now: datetime) -> None:
    """Let the poll close at its time, and be signed hourly until then."""
    jobs.enqueue(
        session,
        "poll.close",
        str(poll.id),
        poll.closes_at,
        community_id=poll.community_id,
        poll=poll.public_id,
    )
    enqueue_checkpoint(session, poll.community_id, rules.hour_of(now) + HOUR)


def enqueue_checkpoint(session: Session, community_id: int, due_at: datetime) -> None:
    """One job for each hour: a job that replaced itself would be marked as done."""
    key = f"{community_id}:{clock.to_record(due_at)}"
    jobs.enqueue(
        session,
        "record.checkpoint",
        key,
        due_at,
        community_id=community_id,
        hour=clock.to_record(due_at),
    )


def subject_of(public_id: str) -> str:
    return f"poll:{public_id}"

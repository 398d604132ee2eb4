"""Reads for exports, in batches: nothing here holds a whole log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from app.core import canonical as c
from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.record import (
    Above,
    RecordCheckpoint,
    RecordEntry,
    RecordLog,
    RecordOpening,
    Tenant,
    of_tenant,
)
from app.discussion.models import Post
from app.exports.rules import plan_letters
from app.people.codes import codes_now
from app.voting.models import Ballot, Poll, PollVoter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from app.communities.queries import CommunityView
    from app.communities.walks import Home
    from app.exports.rules import HaveLetter, LetterPlan
    from app.people.codes import CodeNow

BATCH = 2000
SUBJECTS = 500
PAGE = 50
BALLOTS = ("ballot.cast", "ballot.logged")
# The kinds of entry whose receipts print a check code.
WITH_RECEIPT = ("ballot.cast", "convention.signed")


@dataclass(frozen=True, slots=True)
class PollInRecord:
    """A poll as the record tells it: the data of its opening and of its closing."""

    id: int
    public_id: str
    definition: dict[str, Any]
    closed: dict[str, Any] | None
    ballot_text: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LogView:
    """How far a log has come."""

    code: str
    size: int
    head: str


@dataclass(frozen=True, slots=True)
class FoundEntry:
    """An entry found by its check code, with the way to the newest checkpoint."""

    seq: int
    kind: str
    at: str
    subject: str
    entry: str
    leaf: str
    proof: tuple[str, ...]
    checkpoint: str
    checkpoint_size: int
    replaced: bool
    choice: Any
    poll_title: str


def letter_plan(
    community: CommunityView, homes: Sequence[Home], have_letter: HaveLetter
) -> LetterPlan:
    """What printing letters for these homes would do as things stand."""
    now = codes_now(db.session(), community.id)
    ids = [home.household_id for home in homes]
    return plan_letters(ids, standing(now), have_letter, demo=community.demo)


def standing(now: Mapping[int, CodeNow]) -> dict[int, tuple[int, bool]]:
    """How many codes each household had and whether the newest works, for the rules."""
    return {home: (code.generation, code.living) for home, code in now.items()}


def log_of(tenant: Tenant) -> LogView:
    """A tenant's log. Raises: NotFound."""
    row = db.session.execute(
        select(RecordLog.code, RecordLog.size, RecordLog.head).where(of_tenant(RecordLog, tenant))
    ).first()
    if row is None:
        raise NotFound("record")
    return LogView(*row)


def entry_lines(tenant: Tenant, size: int) -> Iterator[bytes]:
    """The canonical bytes of the first `size` entries, in order."""
    for batch in _batches(tenant, size):
        for row in batch:
            yield row.entry.encode()


@dataclass(frozen=True, slots=True)
class EntryAbout:
    """An entry of the record about one thing: its facts in clear and its leaf's hash."""

    seq: int
    at: datetime
    kind: str
    subject: str
    data: dict[str, Any]
    leaf: str


@dataclass(frozen=True, slots=True)
class EntryLine:
    """An entry of a log as its page lists it."""

    seq: int
    at: datetime
    kind: str
    actor: str
    data: dict[str, Any]


def entries_about(community_id: int, subjects: Sequence[str]) -> list[EntryAbout]:
    """Every act on these things, in order; ballots are counted elsewhere, not listed one by one."""
    found = []
    # A statement takes a limited number of values, and a topic may have thousands of opinions.
    for start in range(0, len(subjects), SUBJECTS):
        rows = db.session.execute(
            select(RecordEntry.entry, RecordEntry.leaf).where(
                RecordEntry.community_id == community_id,
                RecordEntry.subject.in_(subjects[start : start + SUBJECTS]),
                RecordEntry.kind.not_in(BALLOTS),
            )
        )
        found += [(json.loads(row.entry), row.leaf) for row in rows]
    return [
        EntryAbout(
            entry["seq"],
            clock.from_record(entry["at"]),
            entry["kind"],
            entry["subject"],
            entry["data"],
            leaf,
        )
        for entry, leaf in sorted(found, key=lambda pair: pair[0]["seq"])
    ]


def latest_entries(tenant: Tenant, page: int) -> list[EntryLine]:
    """One page of a log, the newest first; not for a log with ballots."""
    rows = db.session.scalars(
        select(RecordEntry.entry)
        .where(of_tenant(RecordEntry, tenant))
        .order_by(RecordEntry.seq.desc())
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    return [
        EntryLine(e["seq"], clock.from_record(e["at"]), e["kind"], e["actor"], e["data"])
        for e in map(json.loads, rows)
    ]


def posts_about(community_id: int, subject: str) -> list[str]:
    """The ids of everything written about a subject, what was returned or hidden too."""
    mine = Post.community_id == community_id, Post.subject == subject
    return list(db.session.scalars(select(Post.public_id).where(*mine).order_by(Post.id)))


def timeline_rows(tenant: Tenant, size: int) -> Iterator[list[object]]:
    """Number, time, kind, subject and role of the first `size` entries."""
    for batch in _batches(tenant, size):
        for row in batch:
            entry = json.loads(row.entry)
            yield [entry[key] for key in ("seq", "at", "kind", "subject", "actor")]


def _batches(tenant: Tenant, size: int) -> Iterator[list[Any]]:
    for start in range(0, size, BATCH):
        yield list(
            db.session.execute(
                select(RecordEntry.seq, RecordEntry.entry)
                .where(
                    of_tenant(RecordEntry, tenant),
                    RecordEntry.seq >= start,
                    RecordEntry.seq < min(start + BATCH, size),
                )
                .order_by(RecordEntry.seq)
            )
        )


def checkpoints(tenant: Tenant, size: int) -> Iterator[tuple[int, str]]:
    """Every signed note up to `size`, smallest first."""
    rows = db.session.execute(
        select(RecordCheckpoint.size, RecordCheckpoint.note)
        .where(of_tenant(RecordCheckpoint, tenant), RecordCheckpoint.size <= size)
        .order_by(RecordCheckpoint.size)
    )
    yield from ((row.size, row.note) for row in rows)


def newest_checkpoint(tenant: Tenant) -> int:
    """The size of the newest signed note; 0 before the first."""
    newest = select(func.max(RecordCheckpoint.size)).where(of_tenant(RecordCheckpoint, tenant))
    return db.session.scalar(newest) or 0


def opening_lines(tenant: Tenant, size: int) -> Iterator[bytes]:
    """What the public may open: the choice of every voter's last ballot in closed polls."""
    after = -1
    while batch := _openings(tenant, size, after):
        for row in batch:
            yield c.canonical(
                {
                    "seq": row.seq,
                    "name": row.name,
                    "salt": row.salt,
                    "value": json.loads(row.value),
                }
            )
        after = batch[-1].seq


def _openings(tenant: Tenant, size: int, after: int) -> list[Any]:
    closed = (
        select(RecordEntry.subject)
        .where(
            of_tenant(RecordEntry, tenant),
            RecordEntry.kind == "poll.closed",
            RecordEntry.seq < size,
        )
        .scalar_subquery()
    )
    return list(
        db.session.execute(
            select(
                RecordOpening.seq,
                RecordOpening.name,
                RecordOpening.salt,
                RecordOpening.value,
            )
            .join(
                Ballot,
                (Ballot.community_id == RecordOpening.community_id)
                & (Ballot.entry_seq == RecordOpening.seq),
            )
            .join(
                PollVoter,
                (PollVoter.id == Ballot.voter_id) & (PollVoter.version == Ballot.version),
            )
            .join(Poll, Poll.id == Ballot.poll_id)
            .where(
                of_tenant(RecordOpening, tenant),
                RecordOpening.name == "choice",
                RecordOpening.seq > after,
                RecordOpening.seq < size,
                ("poll:" + Poll.public_id).in_(closed),
            )
            .order_by(RecordOpening.seq)
            .limit(BATCH)
        )
    )


def polls_in_record(tenant: Tenant, size: int) -> list[PollInRecord]:
    """Every poll whose opening lies in the first `size` entries, in order of opening."""
    if isinstance(tenant, Above):
        # Nothing is voted on above a community.
        return []
    rows = db.session.execute(
        select(RecordEntry.kind, RecordEntry.entry)
        .where(
            of_tenant(RecordEntry, tenant),
            RecordEntry.seq < size,
            RecordEntry.kind.in_(["poll.opened", "poll.closed"]),
        )
        .order_by(RecordEntry.seq)
    )
    opened: dict[str, dict[str, Any]] = {}
    closed: dict[str, dict[str, Any]] = {}
    for row in rows:
        data = json.loads(row.entry)["data"]
        (opened if row.kind == "poll.opened" else closed)[data["poll"]] = data
    polls = db.session.execute(
        select(Poll.id, Poll.public_id, Poll.ballot_text).where(Poll.community_id == tenant)
    )
    known = {row.public_id: row for row in polls}
    return [
        PollInRecord(
            known[name].id,
            name,
            definition,
            closed.get(name),
            known[name].ballot_text or {},
        )
        for name, definition in opened.items()
    ]


def voter_lines(community_id: int, poll_id: int) -> list[bytes]:
    """The electorate's leaves, sorted by their bytes: references, no names."""
    refs = db.session.scalars(
        select(PollVoter.ref).where(
            PollVoter.community_id == community_id, PollVoter.poll_id == poll_id
        )
    )
    return sorted(c.canonical({"voter": ref, "weight": None}) for ref in refs)


def entry_by_check_code(community_id: int, typed: str) -> FoundEntry | None:
    """The ballot or pledge a check code belongs to, with its proof; None when there is none.

    The proof leads to the newest checkpoint that covers the entry; it is empty before that.
    """
    prefix = _leaf_prefix(typed)
    if prefix is None:
        return None
    row = db.session.execute(
        select(RecordEntry.seq, RecordEntry.kind, RecordEntry.entry, RecordEntry.leaf).where(
            RecordEntry.community_id == community_id,
            RecordEntry.leaf.startswith(prefix),
            RecordEntry.kind.in_(WITH_RECEIPT),
        )
    ).first()
    return None if row is None else _found(community_id, row)


def _leaf_prefix(typed: str) -> str | None:
    clean = c.crockford_clean(typed)
    if len(clean) != 16:  # noqa: PLR2004 -- a check code is 16 characters
        return None
    number = 0
    for character in clean:
        number = number * 32 + c.CROCKFORD.index(character)
    return f"{number:020x}"


def _found(community_id: int, row: Any) -> FoundEntry:
    entry = json.loads(row.entry)
    newest = db.session.execute(
        select(RecordCheckpoint.size, RecordCheckpoint.note)
        .where(RecordCheckpoint.community_id == community_id)
        .order_by(RecordCheckpoint.size.desc())
        .limit(1)
    ).first()
    size, note = (newest.size, newest.note) if newest is not None else (0, "")
    replaced, choice, title = _of_ballot(community_id, row.seq, row.kind)
    return FoundEntry(
        seq=row.seq,
        kind=row.kind,
        at=entry["at"],
        subject=entry["subject"],
        entry=row.entry,
        leaf=row.leaf,
        proof=_proof(community_id, row.seq, size) if row.seq < size else (),
        checkpoint=note if row.seq < size else "",
        checkpoint_size=size,
        replaced=replaced,
        choice=choice,
        poll_title=title,
    )


def _of_ballot(community_id: int, seq: int, kind: str) -> tuple[bool, Any, str]:
    """Whether a ballot was replaced, its choice once that is public, and its poll's title."""
    if kind != "ballot.cast":
        return False, None, ""
    ballot = db.session.execute(
        select(
            Poll.title,
            Poll.state,
            Ballot.version,
            PollVoter.version.label("last"),
            Ballot.choice,
        )
        .join(PollVoter, PollVoter.id == Ballot.voter_id)
        .join(Poll, Poll.id == Ballot.poll_id)
        .where(Ballot.community_id == community_id, Ballot.entry_seq == seq)
    ).one()
    replaced = ballot.version != ballot.last
    over = ballot.state in {"closed", "published", "final"}
    return replaced, json.loads(ballot.choice) if over and not replaced else None, ballot.title


def _proof(community_id: int, seq: int, size: int) -> tuple[str, ...]:
    leaves = db.session.scalars(
        select(RecordEntry.leaf)
        .where(RecordEntry.community_id == community_id, RecordEntry.seq < size)
        .order_by(RecordEntry.seq)
    )
    path = c.inclusion_proof([bytes.fromhex(leaf) for leaf in leaves], seq)
    return tuple(node.hex() for node in path)


def poll_in_record(community_id: int, public_id: str) -> PollInRecord:
    """One opened poll as the record tells it. Raises: NotFound."""
    size = log_of(community_id).size
    for poll in polls_in_record(community_id, size):
        if poll.public_id == public_id:
            return poll
    raise NotFound("poll")


@dataclass(frozen=True, slots=True)
class Act:
    """An entry of the record as far as a report names it."""

    seq: int
    at: datetime
    kind: str
    role: str


def poll_acts(community_id: int, public_id: str) -> list[Act]:
    """The acts on one poll; ballots are counted elsewhere and would only point at households."""
    rows = db.session.scalars(
        select(RecordEntry.entry)
        .where(
            RecordEntry.community_id == community_id,
            RecordEntry.subject == f"poll:{public_id}",
            RecordEntry.kind.not_in(BALLOTS),
        )
        .order_by(RecordEntry.seq)
    )
    entries = [json.loads(row) for row in rows]
    return [Act(e["seq"], clock.from_record(e["at"]), e["kind"], e["actor"]) for e in entries]


def fingerprints(community_id: int, public_id: str) -> dict[str, str]:
    """What the record keeps of an opened poll's question and electorate. Raises: NotFound."""
    definition = poll_in_record(community_id, public_id).definition
    return {
        "text_sha256": definition["text_sha256"],
        "voters_root": definition["electorate"]["voters_root"],
    }

"""Many at once: the unique keys decide, not the order in which Python happens to run."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import RuleBroken
from app.core.record import RecordEntry, RecordLog
from app.voting import operations, queries
from app.voting.casting import CastOutcome, OutcomeKind
from app.voting.models import Ballot, Poll, PollVoter
from app.voting.queries import TURNOUT
from tests.voting.village import count_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Flask

    from app.core.actor import Actor
    from tests.voting.village import Village

CLIENTS = 24
Answer = CastOutcome | RuleBroken


def at_once(app: Flask, acts: Sequence[Callable[[], CastOutcome]]) -> list[Answer]:
    """Do all of this at the same moment, each in a thread of its own."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], CastOutcome]) -> Answer:
        with app.app_context():
            barrier.wait()
            try:
                return act()
            except RuleBroken as refusal:
                return refusal
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def record_of(poll: str) -> list[tuple[str, dict[str, object]]]:
    """Kind and data of every entry about a poll."""
    rows = db.session.scalars(
        select(RecordEntry.entry)
        .where(RecordEntry.subject == f"poll:{poll}")
        .order_by(RecordEntry.seq)
    )
    return [(entry["kind"], entry["data"]) for entry in map(json.loads, rows)]


def rounds_of_one_household(app: Flask, village: Village, rounds: int) -> None:
    """One household, all its members at once, again and again."""
    for number in range(rounds):
        poll = village.open()
        members = [village.member(number % 60) for _ in range(6)]
        acts = [
            _casting(village, members[client % 6], poll, ("P01", "P02", "P03")[client % 3])
            for client in range(CLIENTS)
        ]
        answers = at_once(app, acts)
        counted = [answer for answer in answers if isinstance(answer, CastOutcome)]
        refused = [answer.code for answer in answers if isinstance(answer, RuleBroken)]
        ballots = db.session.execute(
            select(Ballot.version, Ballot.person_id)
            .join(Poll, Poll.id == Ballot.poll_id)
            .where(Poll.public_id == poll)
            .order_by(Ballot.version)
        ).all()
        # One member, four clients of theirs: versions 1 to 4; everybody else is told kindly.
        assert [ballot.version for ballot in ballots] == [1, 2, 3, 4]
        assert len({ballot.person_id for ballot in ballots}) == 1
        assert sorted(answer.version for answer in counted) == [1, 2, 3, 4]
        assert refused == ["ballot.other_member"] * 20
        cast = [data["version"] for kind, data in record_of(poll) if kind == "ballot.cast"]
        assert cast == [1, 2, 3, 4]
        turnout = select(TURNOUT).where(Poll.public_id == poll)
        assert db.session.scalar(turnout) == 1
        db.session.rollback()


def _casting(
    village: Village, member: Actor, poll: str, choice: str, token: str = ""
) -> Callable[[], CastOutcome]:
    return lambda: village.cast(member, poll, [choice], token)


def test_twenty_four_clients_on_one_household_leave_one_chain_of_versions(
    app: Flask, village: Village
) -> None:
    rounds_of_one_household(app, village, rounds=5)


@pytest.mark.soak
def test_the_same_two_hundred_times(app: Flask, village: Village) -> None:
    rounds_of_one_household(app, village, rounds=200)


def test_one_token_submitted_by_twenty_four_taps_is_one_ballot(
    app: Flask, village: Village
) -> None:
    for number in range(4):
        poll, member = village.open(), village.member(number)
        token = village.token(member, poll)
        acts = [
            _casting(village, member, poll, ("P01", "P02")[tap % 2], token)
            for tap in range(CLIENTS)
        ]
        answers = at_once(app, acts)
        outcomes = [answer for answer in answers if isinstance(answer, CastOutcome)]
        assert len(outcomes) == CLIENTS
        assert {outcome.version for outcome in outcomes} == {1}
        assert [outcome.again for outcome in outcomes].count(False) == 1
        assert [kind for kind, _data in record_of(poll)] == ["poll.opened", "ballot.cast"]
    assert count_rows(Ballot) == 4


def test_households_that_cast_at_once_are_all_counted_and_none_waits_for_ever(
    app: Flask, village: Village
) -> None:
    poll = village.open()
    acts = [_casting(village, village.member(number), poll, "P01") for number in range(CLIENTS)]
    answers = at_once(app, acts)
    assert all(isinstance(answer, CastOutcome) for answer in answers)
    assert db.session.scalar(select(TURNOUT).select_from(Poll)) == CLIENTS
    db.session.rollback()
    clock.advance(timedelta(days=3))
    village.close(poll)
    assert queries.result_view(village.community_id, poll).turnout == CLIENTS


def test_a_late_household_is_logged_once_however_often_it_taps(
    app: Flask, village: Village
) -> None:
    poll, member = village.open(), village.member()
    clock.advance(timedelta(days=3))
    answers = at_once(app, [_casting(village, member, poll, "P01") for _ in range(CLIENTS)])
    assert all(
        isinstance(answer, CastOutcome) and answer.kind is OutcomeKind.LATE for answer in answers
    )
    assert [kind for kind, _data in record_of(poll)] == ["poll.opened", "ballot.logged"]


def test_no_counted_ballot_stands_behind_the_closing(app: Flask, village: Village) -> None:
    for number in range(4):
        closes = clock.now().replace(second=0) + timedelta(hours=2)
        poll = village.open(closes_at=closes)
        members = [village.member(number * 12 + each) for each in range(12)]
        clock.advance(closes - clock.now() - timedelta(seconds=1))
        barrier = threading.Barrier(13)

        def time_runs_out(poll: str = poll, barrier: threading.Barrier = barrier) -> None:
            with app.app_context():
                barrier.wait()
                clock.advance(timedelta(seconds=1))
                village.close(poll)
                db.session.remove()

        def vote(
            member: Actor, poll: str = poll, barrier: threading.Barrier = barrier
        ) -> CastOutcome:
            with app.app_context():
                barrier.wait()
                outcome = village.cast(member, poll, ["P01"])
                db.session.remove()
                return outcome

        with ThreadPoolExecutor(13) as pool:
            closing = pool.submit(time_runs_out)
            outcomes = list(pool.map(vote, members))
            closing.result()
        counted = [outcome for outcome in outcomes if outcome.kind is OutcomeKind.COUNTED]
        kinds = [kind for kind, _data in record_of(poll)]
        assert kinds.count("ballot.cast") == len(counted)
        assert "ballot.cast" not in kinds[kinds.index("poll.closed") :]
        assert kinds.count("ballot.logged") == 12 - len(counted)
        result = queries.result_view(village.community_id, poll)
        assert result.turnout == len(counted)
        db.session.rollback()


def test_a_ballot_that_waits_for_the_log_past_the_deadline_is_late(
    app: Flask, village: Village
) -> None:
    """PostgreSQL alone lets a ballot wait between its two looks at the clock."""
    if db.engine.dialect.name == "sqlite":
        return
    closes = clock.now().replace(second=0) + timedelta(hours=2)
    poll, member = village.open(closes_at=closes), village.member()
    clock.advance(closes - clock.now() - timedelta(seconds=1))
    token = village.token(member, poll)
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            session.execute(select(RecordLog.id).with_for_update())

            def vote() -> CastOutcome:
                with app.app_context():
                    outcome = village.cast(member, poll, ["P01"], token)
                    db.session.remove()
                    return outcome

            waiting = pool.submit(vote)
            _until_somebody_waits(session)
            clock.advance(timedelta(seconds=1))
        assert waiting.result(timeout=30).kind is OutcomeKind.LATE
    assert count_rows(Ballot) == 0
    assert db.session.scalar(select(PollVoter.version).where(PollVoter.late_logged)) == 0


def _until_somebody_waits(session: object) -> None:
    from sqlalchemy import text
    from sqlalchemy.orm import Session

    assert isinstance(session, Session)
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while not session.scalar(waiting):
        pass


def test_opening_twice_at_once_is_one_opening(app: Flask, village: Village) -> None:
    poll = village.draft()

    def act() -> CastOutcome:
        operations.open_poll(village.clerk, community_id=village.community_id, public_id=poll)
        return CastOutcome(OutcomeKind.COUNTED, 0, clock.now())

    answers = at_once(app, [act] * 8)
    refused = [answer for answer in answers if isinstance(answer, RuleBroken)]
    assert [refusal.code for refusal in refused] == ["poll.frozen"] * 7
    assert [kind for kind, _data in record_of(poll)] == ["poll.opened"]
    assert count_rows(PollVoter) == 60

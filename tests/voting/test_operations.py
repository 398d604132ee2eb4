"""What happens to a poll, on both engines."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.core import clock, jobs
from app.core.actor import SYSTEM, VISITOR, Actor, Home
from app.core.canonical import canonical, leaf_hash, tree_root
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.links import edges_of
from app.core.record import RecordCheckpoint, RecordEntry, RecordOpening
from app.people.models import HouseholdNotice, SecurityEvent
from app.projects import operations as projects
from app.voting import operations, queries
from app.voting.casting import OutcomeKind
from app.voting.models import Ballot, Poll, PollVoter
from app.voting.queries import TURNOUT
from app.voting.rules import Rules, ShareTest
from tests.voting.village import (
    PROJECTS,
    choose_draft,
    count_rows,
    found_village,
    later,
    project_text,
)

if TYPE_CHECKING:
    from flask import Flask

    from tests.voting.village import Village


def entries() -> list[dict[str, Any]]:
    """The record so far."""
    rows = db.session.scalars(select(RecordEntry.entry).order_by(RecordEntry.seq))
    return [json.loads(row) for row in rows]


def kinds() -> list[str]:
    """The kinds of entry so far."""
    return [entry["kind"] for entry in entries()]


# --- drafts ------------------------------------------------------------------------------------


def test_a_draft_is_no_entry_of_the_record(village: Village) -> None:
    poll = village.draft()
    operations.edit_draft(
        village.clerk,
        community_id=village.community_id,
        public_id=poll,
        draft=choose_draft(title="换个问法？"),
    )
    assert entries() == []
    found = db.session.scalars(select(SecurityEvent.kind).where(SecurityEvent.kind.like("poll.%")))
    assert list(found) == ["poll.drafted", "poll.draft_edited"]
    assert queries.draft_view(village.community_id, poll).title == "换个问法？"


def test_a_discarded_draft_is_gone(village: Village) -> None:
    poll = village.draft()
    operations.discard_draft(village.clerk, community_id=village.community_id, public_id=poll)
    assert count_rows(Poll) == 0


def test_a_draft_with_problems_names_them_all(village: Village) -> None:
    with pytest.raises(RuleBroken) as refusal:
        village.draft(title=" ", projects=("P01",), closes_at=later(minutes=-5))
    problems = refusal.value.facts["problems"]
    assert isinstance(problems, tuple)
    assert {"draft.no_title", "draft.options_number", "draft.over"} <= set(problems)
    assert count_rows(Poll) == 0


def test_a_draft_of_a_project_that_is_not_on_the_ledger_is_not_found(village: Village) -> None:
    with pytest.raises(NotFound):
        village.draft(projects=("P01", "P99"))


def test_residents_draft_nothing(village: Village) -> None:
    with pytest.raises(NotAllowed):
        operations.draft_poll(
            village.member(), community_id=village.community_id, draft=choose_draft()
        )


# --- opening -----------------------------------------------------------------------------------


def test_opening_freezes_the_question_the_electorate_and_every_word(village: Village) -> None:
    poll = village.open()
    [opened] = entries()
    data = opened["data"]
    assert opened["kind"] == "poll.opened"
    assert opened["subject"] == f"poll:{poll}"
    assert opened["actor"] == "committee_clerk"
    assert data["projects"] == list(PROJECTS)
    assert [option["id"] for option in data["options"]] == list(PROJECTS)
    assert data["opens_at"] == opened["at"]
    refs = db.session.scalars(select(PollVoter.ref)).all()
    leaves = sorted(canonical({"voter": ref, "weight": None}) for ref in refs)
    # The shop is no residence and has no ballot.
    assert data["electorate"]["heads"] == len(refs) == 60
    assert data["electorate"]["voters_root"] == tree_root(map(leaf_hash, leaves)).hex()
    assert {len(ref) for ref in refs} == {22}
    text = db.session.scalar(select(Poll.ballot_text))
    assert text is not None
    assert text["cards"][0]["title"] == "老年助餐点"


def test_what_changes_on_the_ledger_after_the_opening_does_not_reach_the_ballot(
    village: Village,
) -> None:
    poll = village.open()
    before = queries.poll_view(village.community_id, poll)
    projects.change_project(
        SYSTEM,
        community_id=village.community_id,
        code="P01",
        text=replace(project_text("P01"), title="改名了"),
    )
    assert queries.poll_view(village.community_id, poll) == before


@pytest.mark.parametrize("state", ["open", "closed"])
def test_an_opened_poll_is_neither_edited_nor_discarded_nor_opened_again(
    village: Village, state: str
) -> None:
    poll = village.open()
    if state == "closed":
        clock.advance(timedelta(days=4))
        village.close(poll)
    where = {"community_id": village.community_id, "public_id": poll}
    closes = clock.now().replace(second=0) + timedelta(days=2)
    for act in (
        lambda: operations.edit_draft(village.clerk, draft=choose_draft(closes_at=closes), **where),
        lambda: operations.discard_draft(village.clerk, **where),
        lambda: operations.open_poll(village.clerk, **where),
        lambda: operations.schedule_poll(
            village.clerk, opens_at=clock.now() + timedelta(hours=1), **where
        ),
        lambda: operations.unschedule_poll(village.clerk, **where),
    ):
        with pytest.raises(RuleBroken, match=r"poll\.frozen"):
            act()


def test_opening_ties_the_poll_to_its_projects(village: Village) -> None:
    poll = village.open()
    edges = edges_of(village.community_id, "project:P02")
    assert [(edge.source, edge.relation) for edge in edges] == [(f"poll:{poll}", "asks_about")]


def test_a_checkpoint_covers_the_opening(village: Village) -> None:
    village.open()
    assert list(db.session.scalars(select(RecordCheckpoint.size))) == [1]


def test_a_scheduled_poll_opens_by_itself_at_its_time(village: Village) -> None:
    poll = village.draft()
    opens = later(hours=2)
    operations.schedule_poll(
        village.clerk, community_id=village.community_id, public_id=poll, opens_at=opens
    )
    clock.advance(timedelta(minutes=119))
    assert jobs.run_due() == 0
    assert kinds() == []
    clock.advance(timedelta(minutes=2))
    jobs.run_due()
    [opened] = entries()
    assert (opened["actor"], opened["actor_c"]) == ("system", None)
    assert opened["data"]["opens_at"] == clock.to_record(opens) <= opened["at"]


def test_the_system_opens_no_scheduled_poll_before_its_time(village: Village) -> None:
    poll = village.draft()
    where = {"community_id": village.community_id, "public_id": poll}
    operations.schedule_poll(village.clerk, opens_at=later(hours=2), **where)
    with pytest.raises(RuleBroken, match=r"poll\.not_yet"):
        operations.open_poll(SYSTEM, **where)


def test_opening_twice_by_the_job_is_one_opening(village: Village) -> None:
    poll = village.open()
    operations.open_poll(SYSTEM, community_id=village.community_id, public_id=poll)
    assert kinds() == ["poll.opened"]


def test_a_poll_taken_back_does_not_open(village: Village) -> None:
    poll = village.draft()
    where = {"community_id": village.community_id, "public_id": poll}
    operations.schedule_poll(village.clerk, opens_at=later(hours=2), **where)
    operations.unschedule_poll(village.clerk, **where)
    clock.advance(timedelta(hours=3))
    jobs.run_due()
    assert kinds() == []


def test_a_poll_whose_closing_passed_before_the_worker_came_goes_back_to_the_desk(
    village: Village,
) -> None:
    poll = village.draft()
    where = {"community_id": village.community_id, "public_id": poll}
    operations.schedule_poll(village.clerk, opens_at=later(hours=2), **where)
    clock.advance(timedelta(days=5))
    jobs.run_due()
    assert kinds() == []
    assert queries.draft_view(village.community_id, poll).state == "draft"


def test_a_scheduled_poll_waits_while_the_clock_is_behind(village: Village) -> None:
    poll = village.draft()
    where = {"community_id": village.community_id, "public_id": poll}
    clock.advance(timedelta(hours=5))
    village.open(closes_at=clock.now().replace(second=0) + timedelta(days=1))
    clock.advance(timedelta(hours=-4))
    opens = clock.now() + timedelta(minutes=5)
    operations.schedule_poll(village.clerk, opens_at=opens, **where)
    clock.advance(timedelta(minutes=10))
    jobs.run_due()
    assert queries.draft_view(village.community_id, poll).state == "scheduled"
    clock.advance(timedelta(hours=5))
    jobs.run_due()
    assert queries.draft_view(village.community_id, poll).state == "open"


def test_nothing_is_scheduled_into_the_past(village: Village) -> None:
    poll = village.draft()
    with pytest.raises(RuleBroken, match=r"poll\.opens_in_the_past"):
        operations.schedule_poll(
            village.clerk,
            community_id=village.community_id,
            public_id=poll,
            opens_at=later(minutes=-1),
        )


def test_without_residences_there_is_no_electorate(app: Flask, monday: None) -> None:
    empty = found_village(app, "EMP", homes=0)
    poll = empty.draft()
    with pytest.raises(RuleBroken, match=r"poll\.no_electorate"):
        operations.open_poll(empty.clerk, community_id=empty.community_id, public_id=poll)
    assert count_rows(PollVoter) == 0


def test_a_clock_that_went_back_opens_and_closes_nothing(village: Village) -> None:
    running, draft = village.open(), village.draft()
    clock.advance(timedelta(days=4))
    village.close(running)
    other = village.open()
    clock.advance(timedelta(seconds=-61))
    closes = {"closes_at": clock.now().replace(second=0) + timedelta(days=1)}
    operations.edit_draft(
        village.clerk,
        community_id=village.community_id,
        public_id=draft,
        draft=choose_draft(**closes),
    )
    with pytest.raises(RuleBroken, match=r"clock\.stepped_back"):
        operations.open_poll(village.clerk, community_id=village.community_id, public_id=draft)
    clock.advance(timedelta(seconds=2))
    operations.open_poll(village.clerk, community_id=village.community_id, public_id=draft)
    clock.advance(timedelta(days=9))
    village.close(draft)
    clock.advance(timedelta(seconds=-61))
    with pytest.raises(RuleBroken, match=r"clock\.stepped_back"):
        village.close(other)


# --- casting -----------------------------------------------------------------------------------


def test_a_ballot_is_counted_recorded_and_told_to_the_household(village: Village) -> None:
    poll, member = village.open(), village.member()
    outcome = village.cast(member, poll, ["P02", "P01"])
    assert (outcome.kind, outcome.version, outcome.again) == (OutcomeKind.COUNTED, 1, False)
    cast = entries()[-1]
    ref = db.session.scalar(select(PollVoter.ref).where(PollVoter.version == 1))
    assert cast["kind"] == "ballot.cast"
    assert cast["actor"] == "voter"
    assert cast["data"] == {"poll": poll, "voter": ref, "version": 1}
    assert set(cast["private"]) == {"choice", "channel"}
    # The hour alone: 09:30 in China is 01:30 in UTC.
    assert cast["at"] == "2027-05-10T01:00:00Z"
    rows = db.session.execute(
        select(RecordOpening.name, RecordOpening.value).where(RecordOpening.seq == cast["seq"])
    )
    opened = {row.name: row.value for row in rows}
    assert json.loads(opened["choice"]) == ["P01", "P02"]
    assert json.loads(opened["channel"]) == "phone"
    assert json.loads(opened["actor_c"]) == {"person": member.person_ref}
    assert db.session.scalar(select(TURNOUT).select_from(Poll)) == 1
    notices = db.session.execute(select(HouseholdNotice.kind, HouseholdNotice.about)).all()
    assert [tuple(notice) for notice in notices] == [("voted", "今年先办哪两件？")]


def test_changing_a_ballot_adds_a_version_and_counts_the_household_once(village: Village) -> None:
    poll, member = village.open(), village.member()
    village.cast(member, poll, ["P01"])
    clock.advance(timedelta(hours=5))
    assert village.cast(member, poll, ["none"]).version == 2
    assert db.session.scalar(select(TURNOUT).select_from(Poll)) == 1
    view = queries.ballot_view(village.community_id, poll, member.homes[0], member.require_person())
    assert (view.choice, view.version) == ([], 2)
    told = db.session.scalars(select(HouseholdNotice.kind).order_by(HouseholdNotice.id)).all()
    assert told == ["voted", "vote_changed"]


def test_a_spent_token_leads_to_its_outcome_whatever_comes_with_it(village: Village) -> None:
    poll, member = village.open(), village.member()
    token = village.token(member, poll)
    first = village.cast(member, poll, ["P01"], token)
    for choice in (["P01"], ["P02"], [], ["P01", "P02", "P03"], ["nonsense"]):
        again = village.cast(member, poll, choice, token)
        assert (again.again, again.version, again.at) == (True, 1, first.at)
    clock.advance(timedelta(days=9))
    assert village.cast(member, poll, ["P02"], token).kind is OutcomeKind.COUNTED
    assert count_rows(Ballot) == 1
    assert kinds() == ["poll.opened", "ballot.cast"]


def test_another_member_of_the_household_is_told_who_may_change(village: Village) -> None:
    poll, first, second = village.open(), village.member(), village.member()
    at = village.cast(first, poll, ["P01"]).at
    clock.advance(timedelta(hours=1))
    with pytest.raises(RuleBroken, match=r"ballot\.other_member") as refusal:
        village.cast(second, poll, ["P02"])
    assert refusal.value.facts["at"] == at
    view = queries.ballot_view(village.community_id, poll, second.homes[0], second.require_person())
    assert view.other_member
    assert view.choice is None
    assert view.check_code == ""
    assert count_rows(Ballot) == 1


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ([], "ballot.nothing_chosen"),
        (["P01", "P02", "P03"], "ballot.too_many"),
        (["P01", "P01"], "ballot.duplicate"),
        (["P01", "none"], "ballot.none_and_some"),
        (["P99"], "ballot.unknown_option"),
    ],
)
def test_a_ballot_no_form_could_give_saves_nothing_and_spends_nothing(
    village: Village, choice: list[str], code: str
) -> None:
    poll, member = village.open(), village.member()
    token = village.token(member, poll)
    with pytest.raises(RuleBroken, match=code.replace(".", r"\.")):
        village.cast(member, poll, choice, token)
    assert count_rows(Ballot) == 0
    assert village.cast(member, poll, ["P01"], token).version == 1


def test_a_token_of_another_session_poll_or_nobody_is_refused(village: Village) -> None:
    poll, other, member = village.open(), village.open(), village.member()
    elsewhere = Actor(member.person_id, member.person_ref, session_id=999_999, homes=member.homes)
    for token in (
        village.token(elsewhere, poll),
        village.token(member, other),
        "0" * 32 + "." + "0" * 32,
        "选票",
        "x",
    ):
        with pytest.raises(RuleBroken, match=r"ballot\.other_session"):
            village.cast(member, poll, ["P01"], token)
    assert count_rows(Ballot) == 0


def test_a_household_outside_the_electorate_has_no_ballot(village: Village) -> None:
    poll = village.open()
    shop = village.member(60)
    with pytest.raises(RuleBroken, match=r"ballot\.not_in_electorate"):
        village.cast(shop, poll, ["P01"])
    clock.advance(timedelta(days=9))
    with pytest.raises(RuleBroken, match=r"ballot\.not_in_electorate"):
        village.cast(shop, poll, ["P01"])
    assert kinds() == ["poll.opened"]


def test_a_draft_is_not_found_and_a_scheduled_poll_is_not_open_yet(village: Village) -> None:
    poll, member = village.draft(), village.member()
    with pytest.raises(NotFound):
        village.cast(member, poll, ["P01"])
    operations.schedule_poll(
        village.clerk,
        community_id=village.community_id,
        public_id=poll,
        opens_at=later(hours=2),
    )
    with pytest.raises(RuleBroken, match=r"ballot\.not_open_yet"):
        village.cast(member, poll, ["P01"])


def test_another_communitys_poll_is_not_found(app: Flask, village: Village) -> None:
    other = found_village(app, "WTD")
    poll, stranger = village.open(), other.member()
    with pytest.raises(NotFound):
        other.cast(stranger, poll, ["P01"])
    with pytest.raises(NotAllowed):
        village.cast(stranger, poll, ["P01"])


def test_neither_visitors_nor_staff_nor_the_system_cast(village: Village) -> None:
    poll = village.open()
    for actor in (VISITOR, village.clerk, SYSTEM):
        with pytest.raises(NotAllowed):
            village.cast(actor, poll, ["P01"])


def test_the_closing_moment_itself_is_late(village: Village) -> None:
    closes = later(hours=2)
    poll, early, late = village.open(closes_at=closes), village.member(0), village.member(1)
    clock.advance(closes - clock.now() - timedelta(microseconds=1))
    assert village.cast(early, poll, ["P01"]).kind is OutcomeKind.COUNTED
    clock.advance(timedelta(microseconds=1))
    assert village.cast(late, poll, ["P01"]).kind is OutcomeKind.LATE


@pytest.mark.parametrize("looks", range(6))
def test_a_ballot_in_time_is_in_time_everywhere_though_the_clock_runs_on_meanwhile(
    village: Village, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    closes = (later(hours=2) + timedelta(minutes=30)).replace(minute=0)
    poll, member = village.open(closes_at=closes), village.member()

    def run_on() -> datetime:
        clock.advance(timedelta(seconds=1))
        found = clock._set_to
        assert found is not None
        return found

    token = village.token(member, poll)
    clock.advance(closes - clock.now() - timedelta(seconds=looks, milliseconds=500))
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", run_on)
        outcome = village.cast(member, poll, ["P01"], token)
    counted = db.session.scalars(select(Ballot.cast_at)).all()
    told = [entry["at"] for entry in entries() if entry["kind"] == "ballot.cast"]
    assert len(counted) == len(told) == (outcome.kind is OutcomeKind.COUNTED)
    assert all(at < closes for at in counted)
    assert all(at < clock.to_record(closes) for at in told)


def test_a_late_ballot_is_logged_once_for_each_household_and_keeps_no_choice(
    village: Village,
) -> None:
    poll, member, family = village.open(), village.member(), village.member()
    clock.advance(timedelta(days=3))
    token = village.token(member, poll)
    assert village.cast(member, poll, ["P01"], token).kind is OutcomeKind.LATE
    assert village.cast(member, poll, ["P02"], token).again
    village.close(poll)
    assert village.cast(member, poll, ["P01"]).kind is OutcomeKind.LATE
    assert village.cast(family, poll, ["P01"]).kind is OutcomeKind.LATE
    assert kinds() == ["poll.opened", "ballot.logged", "poll.closed"]
    logged = entries()[1]
    assert logged["data"]["reason"] == "late"
    assert logged["private"] == {}
    assert logged["actor"] == "voter"
    names = db.session.scalars(select(RecordOpening.name).where(RecordOpening.seq == 1)).all()
    assert names == ["actor_c"]
    assert count_rows(Ballot) == 0


def test_a_clock_that_went_back_after_the_closing_logs_nothing_the_record_could_not_explain(
    village: Village,
) -> None:
    poll, member = village.open(), village.member()
    clock.advance(timedelta(days=3))
    village.close(poll)
    clock.advance(timedelta(hours=-5))
    with pytest.raises(RuleBroken, match=r"ballot\.closed"):
        village.cast(member, poll, ["P01"])
    assert kinds() == ["poll.opened", "poll.closed"]


def test_a_clock_that_went_back_before_the_opening_takes_no_ballot(village: Village) -> None:
    poll, member = village.open(), village.member()
    clock.advance(timedelta(hours=-1))
    with pytest.raises(RuleBroken, match=r"clock\.stepped_back"):
        village.cast(member, poll, ["P01"])


# --- closing and publishing --------------------------------------------------------------------


def test_a_poll_closes_by_itself_and_its_result_is_public(village: Village) -> None:
    poll = village.open(rules=Rules((ShareTest("electorate", 1, 20, ">="),), (), k=2, seats=1))
    for number in range(4):
        village.cast(village.member(number), poll, ["P01"] if number else ["none"])
    clock.advance(timedelta(days=3))
    jobs.run_due()
    closed = entries()[-1]
    assert closed["kind"] == "poll.closed"
    assert closed["actor"] == "system"
    assert closed["data"]["turnout"] == {"total": 4, "by_channel": None}
    assert closed["data"]["result"] == {
        "counts": {"P01": 3, "P02": 0, "P03": 0},
        "tests": [True],
        "outcome": "decided",
        "winners": ["P01"],
        "tied": [],
        "blank": 1,
    }
    view = queries.result_view(village.community_id, poll)
    assert "老年助餐点" in view.sentence
    assert [row.won for row in view.rows] == [True, False, False]


def test_turnout_by_channel_is_told_from_twenty_households_upwards(village: Village) -> None:
    poll = village.open()
    for number in range(20):
        village.cast(village.member(number), poll, ["P01"])
    clock.advance(timedelta(days=3))
    village.close(poll)
    assert entries()[-1]["data"]["turnout"] == {
        "total": 20,
        "by_channel": {"paper": 0, "phone": 20},
    }


def test_one_checkpoint_covers_the_opening_and_not_the_closing_and_one_covers_all(
    village: Village,
) -> None:
    poll = village.open()
    village.cast(village.member(), poll, ["P01"])
    clock.advance(timedelta(days=3))
    village.close(poll)
    sizes = list(db.session.scalars(select(RecordCheckpoint.size).order_by(RecordCheckpoint.size)))
    assert sizes == [1, 2, 3]


def test_closing_publishing_and_ending_twice_is_once(village: Village) -> None:
    poll = village.open()
    clock.advance(timedelta(days=3))
    where = {"community_id": village.community_id, "public_id": poll}
    village.close(poll)
    village.close(poll)
    operations.publish_result(village.clerk, **where)
    with pytest.raises(RuleBroken, match=r"poll\.not_closed"):
        operations.publish_result(village.clerk, **where)
    clock.advance(timedelta(days=17))
    operations.finalise_result(SYSTEM, **where)
    operations.finalise_result(SYSTEM, **where)
    assert kinds() == ["poll.opened", "poll.closed", "result.published", "result.final"]


def test_the_publication_period_ends_by_itself_after_fifteen_whole_days(village: Village) -> None:
    poll = village.open()
    clock.advance(timedelta(days=3))
    jobs.run_due()
    operations.publish_result(village.clerk, community_id=village.community_id, public_id=poll)
    published = entries()[-1]
    # Published on 13 May: the 28th is the fifteenth day after it, and counts to midnight.
    assert published["data"]["until"] == clock.to_record(clock.at_local(2027, 5, 29))
    clock.advance(clock.at_local(2027, 5, 28, 23, 59) - clock.now())
    jobs.run_due()
    assert kinds()[-1] == "result.published"
    clock.advance(timedelta(minutes=1))
    jobs.run_due()
    final = entries()[-1]
    assert (final["kind"], final["data"]) == ("result.final", {"poll": poll})


def test_nothing_ends_before_its_time_and_nobody_hastens_it(village: Village) -> None:
    poll = village.open()
    where = {"community_id": village.community_id, "public_id": poll}
    with pytest.raises(RuleBroken, match=r"poll\.not_yet"):
        village.close(poll)
    with pytest.raises(NotAllowed):
        operations.close_poll(village.clerk, **where)
    with pytest.raises(RuleBroken, match=r"poll\.not_closed"):
        operations.publish_result(village.clerk, **where)
    clock.advance(timedelta(days=3))
    village.close(poll)
    operations.publish_result(village.clerk, **where)
    with pytest.raises(RuleBroken, match=r"poll\.not_yet"):
        operations.finalise_result(SYSTEM, **where)


def test_the_log_is_signed_hourly_while_a_poll_is_open_and_not_after(village: Village) -> None:
    poll, member = village.open(), village.member()
    for hour in range(3):
        village.cast(member, poll, ["P01"])
        clock.advance(timedelta(hours=1))
        jobs.run_due()
        signed = db.session.scalars(select(RecordCheckpoint.size)).all()
        assert max(signed) == hour + 2
    clock.advance(timedelta(days=4))
    for _ in range(3):
        jobs.run_due()
        clock.advance(timedelta(hours=2))
    assert db.session.scalar(select(jobs.Job.id).where(jobs.Job.done_at.is_(None))) is None


def test_an_unpublished_poll_is_never_shown_as_open_after_its_time(village: Village) -> None:
    poll = village.open()
    clock.advance(timedelta(days=3))
    assert queries.poll_view(village.community_id, poll).phase == "counting"
    assert [card.phase for card in queries.poll_cards(village.community_id)] == ["counting"]


@pytest.mark.parametrize("seed", range(3))
def test_the_count_equals_a_naive_count_of_everybodys_last_word(
    village: Village, seed: int
) -> None:
    dice = random.Random(seed)
    poll = village.open()
    last: dict[int, list[str]] = {}
    members = {number: village.member(number) for number in range(25)}
    for _ in range(60):
        number = dice.randrange(25)
        choice = dice.sample(PROJECTS, dice.randrange(3)) or ["none"]
        village.cast(members[number], poll, choice)
        last[number] = choice
    clock.advance(timedelta(days=3))
    village.close(poll)
    naive = Counter(option for choice in last.values() for option in choice if option != "none")
    result = queries.result_view(village.community_id, poll)
    assert {row.option: row.votes for row in result.rows} == {p: naive[p] for p in PROJECTS}
    assert result.blank == sum(choice == ["none"] for choice in last.values())
    assert result.turnout == len(last) == result.poll.turnout


def test_yes_and_no_are_counted_against_the_threshold(village: Village) -> None:
    poll = village.open_yes_no()
    answers = ["yes"] * 12 + ["no"] * 6 + ["abstain"] * 3
    for number, answer in enumerate(answers):
        village.cast(village.member(number), poll, [answer])
    clock.advance(timedelta(days=3))
    village.close(poll)
    data = entries()[-1]["data"]
    assert data["result"] == {
        "counts": {"yes": 12, "no": 6, "abstain": 3},
        "tests": [True, True],
        "outcome": "passed",
    }
    view = queries.result_view(village.community_id, poll)
    assert [row.option for row in view.rows] == ["yes", "no", "abstain"]
    assert view.needed == 11


def test_another_communitys_poll_is_not_found_by_any_read_or_verb(
    app: Flask, village: Village
) -> None:
    poll, other = village.open(), found_village(app, "WTD")
    for read in (queries.poll_view, queries.desk_view, queries.draft_view, queries.result_view):
        with pytest.raises(NotFound):
            read(other.community_id, poll)
    home = Home(other.community_id, other.households[0])
    with pytest.raises(NotFound):
        queries.ballot_view(other.community_id, poll, home, 1)
    for verb in (operations.open_poll, operations.discard_draft, operations.unschedule_poll):
        with pytest.raises(NotFound):
            verb(other.clerk, community_id=other.community_id, public_id=poll)

"""Objections, votes and what follows from them, on both engines."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.consultations import deciding, operations, queries
from app.consultations.rules import Form, State
from app.consultations.words import outcome_sentence
from app.core import clock, links
from app.core.actor import SYSTEM, Role
from app.core.db import db
from app.core.errors import NotFound, RuleBroken
from app.core.record import RecordEntry
from app.discussion import operations as posts
from app.discussion import queries as opinions
from app.meetings import operations as meetings
from app.meetings.resolutions import (
    Body,
    Matter,
    OwnersVote,
    Resolution,
    Share,
    Verdict,
    verdict_of_owners,
)
from app.voting import operations as voting
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from app.core.actor import Actor
    from tests.support.world import Place

HOUSEHOLDS, REPRESENTATIVES = Body.RESIDENTS_MEETING, Body.REPRESENTATIVES_MEETING


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community("HXL", 3)


def state_of(place: Place, topic: str) -> State:
    state = queries.topic(place.id, topic).line.state
    db.session.rollback()
    return state


class Handled:
    """A topic with its clerk, brought along the lawful way."""

    def __init__(self, world: World, place: Place) -> None:
        self.world, self.place, self.clerk = world, place, world.clerk(place)
        self.topic = world.topic(place)
        self.mine: dict[str, Any] = {"community_id": place.id, "topic_id": self.topic}
        self.second: Actor = world.staff(place, Role.COMMITTEE).actor

    def sit(self, meeting: str) -> None:
        sitting: dict[str, Any] = {"community_id": self.place.id, "meeting_id": meeting}
        clock.advance(timedelta(days=10))
        operations.open_session(self.clerk, **self.mine)
        meetings.write_minutes(self.clerk, text="大家同意。", **sitting)
        meetings.close_meeting(self.clerk, **sitting)
        meetings.confirm_minutes(self.second, **sitting)

    def publish(self, opinion: str = "放树下") -> None:
        operations.draft_opinion(self.clerk, opinion=opinion, dissent="有人要放门口", **self.mine)
        operations.publish_opinion(self.clerk, **self.mine)

    def published(self) -> Handled:
        self.sit(self.world.meeting(self.place, self.topic))
        self.publish()
        return self

    def to_vote(self) -> Handled:
        self.published()
        clock.advance(timedelta(days=16))
        self.move(State.TO_VOTE)
        return self

    def move(self, to: State, note: str = "说明") -> None:
        operations.move_topic(self.clerk, to=to, note=note, **self.mine)

    def resolve(self, resolution: Resolution, days_ago: int = 0) -> Verdict:
        held_on = clock.now() - timedelta(days=days_ago)
        return deciding.enter_resolution(
            self.clerk, resolution=resolution, held_on=held_on, **self.mine
        )

    def until(self) -> datetime | None:
        until = queries.topic(self.place.id, self.topic).line.publication_until
        db.session.rollback()
        return until


def test_neither_a_decision_nor_a_vote_comes_before_the_period_is_over(
    world: World, place: Place
) -> None:
    topic = Handled(world, place).published()
    for to in (State.DECIDED, State.TO_VOTE):
        with pytest.raises(RuleBroken, match=r"topic\.still_published"):
            topic.move(to)
    clock.advance(timedelta(days=16))
    topic.move(State.TO_VOTE)
    for to in (State.DECIDED, State.NOT_ADOPTED):
        with pytest.raises(RuleBroken, match=r"topic\.wrong_state"):
            topic.move(to)


def test_an_objection_answered_leaves_the_end_of_the_publication_where_it_was(
    world: World, place: Place
) -> None:
    topic = Handled(world, place).published()
    until = topic.until()
    clock.advance(timedelta(days=5))
    with pytest.raises(RuleBroken, match=r"topic\.no_reason"):
        topic.move(State.OBJECTION_REVIEW, "")
    topic.move(State.OBJECTION_REVIEW, "树下蚊子多")
    with pytest.raises(RuleBroken, match=r"topic\.wrong_state"):
        operations.publish_opinion(topic.clerk, **topic.mine)
    clock.advance(timedelta(days=14))
    with pytest.raises(RuleBroken, match=r"topic\.wrong_state"):
        topic.move(State.DECIDED)
    with pytest.raises(RuleBroken, match=r"topic\.empty"):
        deciding.answer_objection(topic.clerk, answer=" ", **topic.mine)
    deciding.answer_objection(topic.clerk, answer="装驱蚊灯", **topic.mine)
    assert topic.until() == until
    topic.move(State.DECIDED)
    with pytest.raises(RuleBroken, match=r"topic\.wrong_state"):
        deciding.answer_objection(topic.clerk, answer="再答", **topic.mine)


def test_an_opinion_that_changes_is_talked_over_and_published_anew(
    world: World, place: Place
) -> None:
    topic = Handled(world, place).published()
    with pytest.raises(RuleBroken, match=r"topic\.wrong_state"):
        call_again(topic)
    topic.move(State.OBJECTION_REVIEW, "树下蚊子多")
    first = topic.until()
    meeting = call_again(topic)
    view = queries.topic(place.id, topic.topic)
    assert view.line.state is State.IN_SESSION
    assert view.published_at is None
    assert "原来公示的协商意见：放树下" in view.corrections[0].text
    assert "有人要放门口" in view.corrections[0].text
    db.session.rollback()
    with pytest.raises(RuleBroken, match=r"topic\.no_minutes"):
        topic.publish("放门口")
    topic.sit(meeting)
    topic.publish("放门口")
    again = topic.until()
    assert first is not None
    assert again is not None
    assert again >= first + timedelta(days=10)
    with pytest.raises(RuleBroken, match=r"topic\.still_published"):
        topic.move(State.DECIDED)


def call_again(topic: Handled, form: Form = Form.ROUND_TABLE) -> str:
    return operations.call_again(
        topic.clerk,
        form=form,
        meeting=topic.world.new_meeting(),
        reason="异议有道理",
        **topic.mine,
    )


def test_no_opinion_is_published_over_one_that_still_waits_to_be_read(
    world: World, place: Place
) -> None:
    topic = Handled(world, place)
    elsewhere = world.post(place, f"topic:{world.topic(place)}")
    waiting, refused = (world.post(place, f"topic:{topic.topic}") for _ in range(2))
    topic.sit(world.meeting(place, topic.topic))
    with pytest.raises(RuleBroken, match=r"topic\.unmoderated") as broken:
        topic.publish()
    assert broken.value.facts["number"] == 2
    posts.return_post(
        topic.clerk, community_id=place.id, post_id=refused, reason="unclear", note="哪里？"
    )
    posts.publish_post(topic.clerk, community_id=place.id, post_id=waiting)
    with pytest.raises(RuleBroken, match=r"topic\.undisposed"):
        topic.publish()
    assert state_of(place, topic.topic) is State.DRAFTED
    posts.dispose(
        topic.clerk, community_id=place.id, post_id=waiting, disposition="adopted", why="照办"
    )
    topic.publish()
    assert [post.public_id for post in opinions.queue(place.id)] == [elsewhere]


def test_the_desk_is_shown_which_opinions_keep_it_from_publishing(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 3)
    topic = Handled(world, place)
    about, mine = f"topic:{topic.topic}", {"community_id": place.id}
    answered, unanswered = (world.post(place, about, text=text) for text in ("放门口", "放树下"))
    waiting = world.post(place, about, text="放两张")
    for post in (answered, unanswered):
        posts.publish_post(topic.clerk, **mine, post_id=post)
    posts.dispose(topic.clerk, **mine, post_id=answered, disposition="adopted", why="照办")
    topic.sit(world.meeting(place, topic.topic))
    operations.draft_opinion(topic.clerk, opinion="放树下", dissent="", **topic.mine)
    clerk, desk = CheckedClient(web_app), f"/c/HXL/desk/topics/{topic.topic}"
    clerk.staff(world.staff(place))
    refused = clerk.post(f"{desk}/publish", {})
    assert refused.status_code == 422
    assert "还有 1 条居民意见等着审核，没有公示。请先到“意见审核”办完。" in refused.text
    page = clerk.get(desk).text
    assert "还有 2 条没有办完。" in page
    assert '<a class="btn" href="/c/HXL/desk/posts">去意见审核</a>' in page
    for post in (waiting, unanswered):
        assert f'href="/c/HXL/desk/posts/{post}"' in page
    assert f"/desk/posts/{answered}" not in page
    assert f'action="{desk}/publish"' not in page
    clerk.post(f"/c/HXL/desk/posts/{waiting}/return", {"reason": "duplicate", "note": ""})
    disposed = {"disposition": "adopted", "why": "照办"}
    clerk.post(f"/c/HXL/desk/posts/{unanswered}/dispose", disposed)
    assert f'action="{desk}/publish"' in clerk.get(desk).text
    assert clerk.post(f"{desk}/publish", {}).status_code == 303


def test_a_drafted_opinion_can_go_back_to_the_table(world: World, place: Place) -> None:
    topic = Handled(world, place)
    topic.sit(world.meeting(place, topic.topic))
    operations.draft_opinion(topic.clerk, opinion="放树下", dissent="", **topic.mine)
    call_again(topic)
    assert state_of(place, topic.topic) is State.IN_SESSION
    topic.move(State.ADJOURNED, "来的人太少")
    world.meeting(place, topic.topic)
    assert state_of(place, topic.topic) is State.ANNOUNCED


@pytest.mark.parametrize(
    ("resolution", "verdict", "state"),
    [
        (Resolution(HOUSEHOLDS, 1486, 744, 400), Verdict.PASSED, State.DECIDED),
        (Resolution(HOUSEHOLDS, 1486, 743, 743), Verdict.NO_QUORUM, State.NOT_ADOPTED),
        (Resolution(HOUSEHOLDS, 1486, 800, 400), Verdict.NOT_PASSED, State.NOT_ADOPTED),
        (Resolution(REPRESENTATIVES, 54, 36, 19, 46), Verdict.PASSED, State.DECIDED),
        (Resolution(REPRESENTATIVES, 54, 40, 20, 46), Verdict.NOT_PASSED, State.NOT_ADOPTED),
    ],
)
def test_what_a_meeting_resolved_follows_from_its_numbers(
    world: World, place: Place, resolution: Resolution, verdict: Verdict, state: State
) -> None:
    topic = Handled(world, place).to_vote()
    clock.advance(timedelta(days=12))
    assert topic.resolve(resolution, days_ago=1) is verdict
    view = queries.topic(place.id, topic.topic)
    assert view.line.state is state
    assert view.outcome is not None
    assert (view.outcome.present, view.outcome.verdict) == (resolution.present, verdict.value)
    db.session.rollback()
    kinds = db.session.scalars(select(RecordEntry.kind).order_by(RecordEntry.seq)).all()
    assert list(kinds)[-2:] == ["topic.voted", "topic.moved"]
    db.session.rollback()
    with pytest.raises(RuleBroken, match=r"topic\.wrong_state"):
        topic.resolve(resolution)


def test_numbers_that_cannot_be_and_days_that_cannot_be_decide_nothing(
    world: World, place: Place
) -> None:
    topic = Handled(world, place).to_vote()
    clock.advance(timedelta(days=2))
    passed = Resolution(HOUSEHOLDS, 1486, 744, 400)
    for resolution, code in (
        (Resolution(HOUSEHOLDS, 10, 11, 6), "resolution.numbers"),
        (Resolution(Body.POLL, 10, 8, 6), "resolution.numbers"),
        (Resolution(REPRESENTATIVES, 50, 34, 18, 39), "resolution.composition"),
    ):
        with pytest.raises(RuleBroken, match=code.replace(".", r"\.")):
            topic.resolve(resolution)
    for days_ago in (3, -1):
        with pytest.raises(RuleBroken, match=r"topic\.held_when"):
            topic.resolve(passed, days_ago)
    assert state_of(place, topic.topic) is State.TO_VOTE
    topic.resolve(passed, 2)


def hold_poll(world: World, place: Place, choice: str, *, code: str = "P01") -> str:
    poll = world.poll(place, (code,), lasts=timedelta(days=1))
    for voter in world.voters(place, 3) if choice else []:
        world.cast(voter, place, poll, choice)
    clock.advance(timedelta(days=1, minutes=1))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    return poll


def take(topic: Handled, poll: str) -> Verdict:
    return deciding.take_poll(topic.clerk, poll=poll, **topic.mine)


@pytest.mark.parametrize(
    ("choice", "verdict"),
    [
        ("yes", Verdict.PASSED),
        ("no", Verdict.NOT_PASSED),
        ("", Verdict.NO_QUORUM),
    ],
)
def test_a_published_poll_on_its_project_decides_a_topic(
    world: World, place: Place, choice: str, verdict: Verdict
) -> None:
    world.project(place, "P01")
    topic = Handled(world, place)
    operations.link_project(topic.clerk, project_code="P01", **topic.mine)
    topic.to_vote()
    poll = hold_poll(world, place, choice)
    with pytest.raises(RuleBroken, match=r"topic\.no_poll"):
        take(topic, poll)
    voting.publish_result(SYSTEM, community_id=place.id, public_id=poll)
    assert queries.polls_to_take(place.id, queries.topic(place.id, topic.topic)) == [
        (poll, "您同意吗？")
    ]
    db.session.rollback()
    assert take(topic, poll) is verdict
    expected = State.DECIDED if verdict is Verdict.PASSED else State.NOT_ADOPTED
    assert state_of(place, topic.topic) is expected
    edges = links.edges_of(place.id, f"topic:{topic.topic}")
    assert f"poll:{poll}" in {e.source for e in edges if e.relation == "decides"}


def test_a_poll_about_something_else_or_from_before_decides_nothing(
    world: World, place: Place
) -> None:
    for code in ("P01", "P02"):
        world.project(place, code)
    topic = Handled(world, place)
    operations.link_project(topic.clerk, project_code="P01", **topic.mine)
    topic.published()
    before = hold_poll(world, place, "yes")
    voting.publish_result(SYSTEM, community_id=place.id, public_id=before)
    clock.advance(timedelta(days=16))
    topic.move(State.TO_VOTE)
    other = hold_poll(world, place, "yes", code="P02")
    voting.publish_result(SYSTEM, community_id=place.id, public_id=other)
    for poll, code in ((before, "poll_before"), (other, "no_poll"), ("nothing", "no_poll")):
        with pytest.raises(RuleBroken, match=rf"topic\.{code}"):
            take(topic, poll)
    assert state_of(place, topic.topic) is State.TO_VOTE


def test_what_was_not_adopted_is_proposed_again_as_a_topic_of_its_own(
    world: World, place: Place
) -> None:
    topic = Handled(world, place).to_vote()
    with pytest.raises(RuleBroken, match=r"topic\.wrong_state"):
        deciding.propose_again(topic.clerk, **topic.mine)
    topic.resolve(Resolution(HOUSEHOLDS, 10, 8, 2))
    made = deciding.propose_again(topic.clerk, **topic.mine)
    assert deciding.propose_again(topic.clerk, **topic.mine) == made
    again, before = queries.topic(place.id, made), queries.topic(place.id, topic.topic)
    assert again.line.state is State.PROPOSED
    assert again.background == before.background
    assert again.outcome is None
    assert before.line.state is State.NOT_ADOPTED
    db.session.rollback()
    edges = links.edges_of(place.id, f"topic:{made}")
    assert [(e.relation, e.target) for e in edges] == [("continues", f"topic:{topic.topic}")]
    topic.move(State.ARCHIVED)


def test_another_community_decides_nothing_here(world: World, place: Place) -> None:
    topic = Handled(world, place).to_vote()
    other = world.community("YYL", 1)
    with pytest.raises(NotFound):
        deciding.enter_resolution(
            world.clerk(other),
            community_id=other.id,
            topic_id=topic.topic,
            resolution=Resolution(HOUSEHOLDS, 10, 8, 7),
            held_on=clock.now(),
        )


def test_a_meeting_too_few_came_to_ends_as_such_and_drafts_nothing(
    world: World, place: Place
) -> None:
    topic = Handled(world, place)
    meeting = world.meeting(place, topic.topic, quorum=2)
    sitting: dict[str, Any] = {"community_id": place.id, "meeting_id": meeting}
    clock.advance(timedelta(days=10))
    operations.open_session(topic.clerk, **topic.mine)
    meetings.walk_in(topic.clerk, person=meetings.WalkIn("", "to_79"), **sitting)
    meetings.write_minutes(topic.clerk, text="人不够。", **sitting)
    with pytest.raises(RuleBroken, match=r"meeting\.no_quorum"):
        meetings.close_meeting(topic.clerk, **sitting)
    meetings.close_meeting(topic.clerk, without_quorum=True, **sitting)
    meetings.confirm_minutes(topic.second, **sitting)
    with pytest.raises(RuleBroken, match=r"topic\.inquorate"):
        operations.draft_opinion(topic.clerk, opinion="放树下", dissent="", **topic.mine)
    kinds = db.session.scalars(select(RecordEntry.kind)).all()
    assert "meeting.inquorate" in kinds
    db.session.rollback()
    topic.move(State.ADJOURNED, "人不够")
    world.meeting(place, topic.topic)


def test_meetings_that_resolve_have_a_quorum_in_their_notice(world: World, place: Place) -> None:
    topic = Handled(world, place)
    for form in (Form.RESIDENTS_MEETING, Form.REPRESENTATIVES_MEETING):
        with pytest.raises(RuleBroken, match=r"topic\.no_number"):
            operations.announce_topic(
                topic.clerk, form=form, meeting=world.new_meeting(), **topic.mine
            )
    operations.announce_topic(
        topic.clerk,
        form=Form.REPRESENTATIVES_MEETING,
        meeting=world.new_meeting(quorum=2),
        **topic.mine,
    )


def test_work_is_due_in_days_to_come_and_rated_by_residents(world: World, place: Place) -> None:
    world.project(place, "P01")
    topic = Handled(world, place).published()
    clock.advance(timedelta(days=16))
    topic.move(State.DECIDED)
    due = {"owner": "居委会", **topic.mine}
    for days in (-400, 0):
        with pytest.raises(RuleBroken, match=r"topic\.due_past"):
            operations.start_work(topic.clerk, due=clock.now() + timedelta(days=days), **due)
    operations.start_work(topic.clerk, due=clock.now() + timedelta(days=9), **due)
    topic.move(State.REPORTED, "装好了")
    with pytest.raises(RuleBroken, match=r"topic\.unrated"):
        topic.move(State.RATED)
    operations.link_project(topic.clerk, project_code="P01", **topic.mine)
    with pytest.raises(RuleBroken, match=r"topic\.unrated"):
        topic.move(State.RATED)
    poll = world.rating(place, "P01")
    with pytest.raises(RuleBroken, match=r"topic\.unrated"):
        topic.move(State.RATED)
    clock.advance(timedelta(days=11))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    topic.move(State.RATED)
    topic.move(State.ARCHIVED)


# Worked cases A01 to B05 and C01 of the design's owner vote vectors.
@pytest.mark.parametrize(
    ("matter", "total", "part", "favour", "verdict"),
    [
        ("simple", (10_000_000, 1000), (7_500_000, 750), (6_000_000, 600), Verdict.PASSED),
        ("major", (10_000_000, 1000), (8_000_000, 800), (6_400_000, 640), Verdict.PASSED),
        ("simple", (9_000_000, 900), (6_000_000, 600), (4_000_000, 400), Verdict.PASSED),
        ("simple", (9_000_000, 900), (5_990_000, 599), (5_990_000, 599), Verdict.NO_QUORUM),
        ("major", (10_000_000, 1000), (8_000_000, 800), (5_000_000, 500), Verdict.NOT_PASSED),
        ("simple", (10_000_000, 1000), (8_000_000, 800), (5_000_000, 500), Verdict.PASSED),
        ("simple", (10_000_000, 1000), (7_000_000, 500), (7_000_000, 500), Verdict.NO_QUORUM),
        ("simple", (10_000_000, 1000), (8_000_000, 740), (5_000_000, 340), Verdict.NOT_PASSED),
        ("major", (10_000_000, 1000), (8_000_000, 740), (6_600_000, 520), Verdict.NOT_PASSED),
        ("simple", (9_000_000, 900), (6_000_000, 600), (3_000_000, 300), Verdict.NOT_PASSED),
    ],
)
def test_owners_decide_by_area_and_by_heads(
    matter: str,
    total: tuple[int, int],
    part: tuple[int, int],
    favour: tuple[int, int],
    verdict: Verdict,
) -> None:
    vote = OwnersVote(Matter(matter), Share(*total), Share(*part), Share(*favour))
    assert verdict_of_owners(vote) is verdict


def test_what_the_owners_decided_is_entered_with_its_areas(world: World, place: Place) -> None:
    topic = Handled(world, place).to_vote()

    def enter(favour: int = 640) -> Verdict:
        vote = OwnersVote(
            Matter.MAJOR, Share(10_000_000, 1000), Share(8_000_000, 800), Share(6_400_000, favour)
        )
        return deciding.enter_owners_vote(topic.clerk, vote=vote, held_on=clock.now(), **topic.mine)

    with pytest.raises(RuleBroken, match=r"resolution\.owners"):
        enter(801)
    assert enter() is Verdict.PASSED
    outcome = queries.topic(place.id, topic.topic).outcome
    assert outcome is not None
    assert outcome_sentence(outcome).endswith(
        "专有面积 100,000 平方米，参加 80,000，同意 64,000；"
        "业主 1,000 人，参加 800，同意 640，通过。"
    )
    assert state_of(place, topic.topic) is State.DECIDED

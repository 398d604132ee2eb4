"""Whatever is tried on a topic in whatever order: nothing is decided unlawfully."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from app.consultations import deciding, operations, queries
from app.consultations.models import Topic, TopicMove, TopicOutcome
from app.consultations.rules import Form, State
from app.core import clock
from app.core.actor import SYSTEM, Role
from app.core.db import db
from app.core.errors import NotFound, RuleBroken
from app.meetings import operations as meetings
from app.meetings import queries as meeting_queries
from app.meetings.resolutions import Body, Resolution, check_resolution
from app.voting import operations as voting

if TYPE_CHECKING:
    from flask import Flask

    from tests.support.world import World

PERIOD = timedelta(days=15)


class Desk(RuleBasedStateMachine):
    """A clerk who tries everything, now the lawful next step and now whatever comes to mind."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        world = self.world
        self.place = world.place  # type: ignore[attr-defined]
        self.clerk = world.clerk(self.place)
        self.second = world.second  # type: ignore[attr-defined]
        self.topic = world.topic(self.place)
        self.mine: dict[str, Any] = {"community_id": self.place.id, "topic_id": self.topic}
        operations.link_project(self.clerk, project_code="P01", **self.mine)
        self.early_poll = ""

    def state(self) -> State:
        state = queries.topic(self.place.id, self.topic).line.state
        db.session.rollback()
        return state

    def attempt(self, act: Any, *args: Any, **kwargs: Any) -> bool:
        try:
            act(*args, **kwargs)
        except (RuleBroken, NotFound):
            return False
        return True

    @initialize(depth=st.sampled_from([0, 2, 3, 3, 4, 5, 6]))
    def begin_somewhere(self, depth: int) -> None:
        """Begin anywhere on the lawful way, or the walks would all end early."""
        for step in (self.announce, self.hold, self.publish)[:depth]:
            step()
        if depth == 4:
            self.move(State.OBJECTION_REVIEW)
        elif depth > 4:
            clock.advance(PERIOD + timedelta(days=1))
            self.move(State.TO_VOTE)

    @rule()
    def go_on(self) -> None:
        """Take the lawful next step, with all it needs."""
        {
            State.ACCEPTED: self.announce,
            State.ADJOURNED: self.announce,
            State.POSTPONED: self.announce,
            State.ANNOUNCED: self.hold,
            State.IN_SESSION: self.hold,
            State.DRAFTED: self.publish,
            State.PUBLISHED: self.wait_and_decide,
            State.OBJECTION_REVIEW: self.answer,
        }.get(self.state(), lambda: None)()

    def announce(self) -> None:
        self.attempt(
            operations.announce_topic,
            self.clerk,
            form=Form.ROUND_TABLE,
            meeting=self.world.new_meeting(),
            **self.mine,
        )

    def hold(self) -> None:
        held = meeting_queries.meetings_about(self.place.id, f"topic:{self.topic}")[-1]
        db.session.rollback()
        sitting: dict[str, Any] = {"community_id": self.place.id, "meeting_id": held.public_id}
        clock.advance(max(held.starts_at - clock.now(), timedelta()))
        self.attempt(operations.open_session, self.clerk, **self.mine)
        self.attempt(meetings.write_minutes, self.clerk, text="大家同意。", **sitting)
        self.attempt(meetings.close_meeting, self.clerk, **sitting)
        self.attempt(meetings.confirm_minutes, self.second, **sitting)
        self.attempt(
            operations.draft_opinion, self.clerk, opinion="放树下", dissent="", **self.mine
        )

    def publish(self) -> None:
        self.attempt(operations.publish_opinion, self.clerk, **self.mine)

    def answer(self) -> None:
        self.attempt(deciding.answer_objection, self.clerk, answer="已说明", **self.mine)

    def wait_and_decide(self) -> None:
        clock.advance(PERIOD + timedelta(days=1))
        self.move(State.DECIDED)

    @rule(agree=st.booleans())
    def contest(self, agree: bool) -> None:
        """Somebody objects; it is answered, or leads back to the table."""
        self.move(State.OBJECTION_REVIEW)
        if agree:
            self.answer()
        else:
            self.sit_again()

    @rule(to=st.sampled_from([State.DECIDED, State.TO_VOTE, State.NOT_ADOPTED]))
    def hurry(self, to: State) -> None:
        self.move(to)

    @rule(to=st.sampled_from(State))
    def move(self, to: State) -> None:
        self.attempt(operations.move_topic, self.clerk, to=to, note="说明", **self.mine)

    @rule(days=st.sampled_from([0, 1, 14, 16]))
    def wait(self, days: int) -> None:
        clock.advance(timedelta(days=days, minutes=1))

    @rule()
    def publish_whatever(self) -> None:
        self.publish()

    @rule()
    def answer_whatever(self) -> None:
        self.answer()

    @rule()
    def sit_again(self) -> None:
        self.attempt(
            operations.call_again,
            self.clerk,
            form=Form.ROUND_TABLE,
            meeting=self.world.new_meeting(),
            reason="还没谈拢",
            **self.mine,
        )

    @rule(present=st.integers(0, 12), favour=st.integers(0, 12), ago=st.sampled_from([0, 40]))
    def resolve(self, present: int, favour: int, ago: int) -> None:
        self.attempt(
            deciding.enter_resolution,
            self.clerk,
            resolution=Resolution(Body.RESIDENTS_MEETING, 10, present, favour),
            held_on=clock.now() - timedelta(days=ago),
            **self.mine,
        )

    @rule(choice=st.sampled_from(["yes", "no", ""]), published=st.booleans())
    def vote(self, choice: str, published: bool) -> None:
        """A poll on the topic's project is held; perhaps it is published, and taken as the vote."""
        poll = self.poll(choice)
        if published:
            voting.publish_result(SYSTEM, community_id=self.place.id, public_id=poll)
        self.attempt(deciding.take_poll, self.clerk, poll=poll, **self.mine)
        self.early_poll = poll

    @rule()
    def take_an_older_poll(self) -> None:
        self.attempt(deciding.take_poll, self.clerk, poll=self.early_poll or "none", **self.mine)

    def poll(self, choice: str) -> str:
        poll = self.world.poll(self.place, ("P01",), lasts=timedelta(days=1))
        if choice:
            for voter in self.world.voters_here:  # type: ignore[attr-defined]
                self.world.cast(voter, self.place, poll, choice)
        clock.advance(timedelta(days=1, minutes=1))
        voting.close_poll(SYSTEM, community_id=self.place.id, public_id=poll)
        return poll

    @invariant()
    def nothing_is_decided_without_publication_and_outcome(self) -> None:
        moves = db.session.execute(
            select(TopicMove.from_state, TopicMove.to_state, TopicMove.at)
            .join(Topic, Topic.id == TopicMove.topic_id)
            .where(Topic.public_id == self.topic)
            .order_by(TopicMove.id)
        ).all()
        outcome = db.session.execute(
            select(TopicOutcome)
            .join(Topic, Topic.id == TopicOutcome.topic_id)
            .where(Topic.public_id == self.topic)
        ).scalar_one_or_none()
        published: datetime | None = None
        for move in moves:
            if (move.from_state, move.to_state) == (State.DRAFTED, State.PUBLISHED):
                published = move.at
            if move.to_state == State.IN_SESSION:
                published = None
            if move.to_state in {State.DECIDED, State.TO_VOTE}:
                assert published is not None
                assert move.at >= published + PERIOD
            if move.from_state == State.TO_VOTE:
                assert outcome is not None
                self.outcome_is_real(outcome, move.to_state)
        db.session.rollback()

    def outcome_is_real(self, outcome: TopicOutcome, to: str) -> None:
        assert to == (State.DECIDED if outcome.verdict == "passed" else State.NOT_ADOPTED)
        if not outcome.poll:
            told = Resolution(Body(outcome.body), outcome.base, outcome.present, outcome.in_favour)
            if to == State.DECIDED:
                check_resolution(told)
            return
        assert outcome.present <= outcome.base
        assert to == State.NOT_ADOPTED or outcome.in_favour > 0


def test_no_order_of_doing_things_leads_round_publication_and_vote(
    web_app: Flask, fixed_clock: datetime
) -> None:
    from tests.support.world import World

    world = World(web_app)
    place = world.community("HXL", 3)
    world.project(place, "P01")
    world.place, world.second = place, world.staff(place, Role.COMMITTEE).actor  # type: ignore[attr-defined]
    world.voters_here = world.voters(place, 3)  # type: ignore[attr-defined]
    Desk.world = world
    reached: set[str] = set()

    class Watched(Desk):
        def teardown(self) -> None:
            rows = db.session.execute(
                select(TopicMove.from_state, TopicMove.to_state)
                .join(Topic, Topic.id == TopicMove.topic_id)
                .where(Topic.public_id == self.topic)
            )
            reached.update(f"{row.from_state}>{row.to_state}" for row in rows)
            db.session.rollback()

    run_state_machine_as_test(
        Watched,
        settings=settings(
            max_examples=50,
            stateful_step_count=8,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
    # The machine must really have come so far, or it has shown nothing; which of the ways out it
    # finds is its own business, test_deciding walks each of them.
    assert "drafted>published" in reached
    assert reached & {"published>decided", "published>to_vote"}

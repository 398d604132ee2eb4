"""What a topic's operations refuse, on both engines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from flask import g
from sqlalchemy import update

from app.consultations import operations, queries
from app.consultations.models import Topic
from app.consultations.moves import hold, hold_two
from app.consultations.rules import Form, State
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.images import Picture
from app.core.links import edges_of
from app.discussion.operations import write_post
from app.discussion.queries import waiting_about

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flask import Flask

    from app.core.actor import Actor
    from tests.support.world import Place, World

# Where something comes yet of what is asked for.
GOING_ON = {
    State.ACCEPTED,
    State.ANNOUNCED,
    State.IN_SESSION,
    State.DRAFTED,
    State.PUBLISHED,
    State.OBJECTION_REVIEW,
    State.TO_VOTE,
    State.DECIDED,
    State.IMPLEMENTING,
    State.REPORTED,
    State.RATED,
    State.ESCALATED,
    State.ADJOURNED,
    State.POSTPONED,
}
TEXT = operations.TopicText("装长椅", "没处坐", "放哪里？")


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community("HXL", 2)


def propose(actor: Actor, place: Place, once: str = "same", photos: int = 0) -> str:
    picture = Picture(large=b"x", thumb=b"x", width=1, height=1)
    return operations.propose_topic(
        actor,
        community_id=place.id,
        text=TEXT,
        proposed_as="居民",
        once=once,
        photos=[picture] * photos,
    )


def test_the_same_form_is_one_proposal_with_its_photos(world: World, place: Place) -> None:
    person = world.resident(place)
    assert propose(person, place, photos=3) == propose(person, place, photos=3)
    (line,) = queries.topics_of(place.id, person.require_person())
    assert len(queries.topic(place.id, line.public_id).photos) == 3
    db.session.rollback()
    with pytest.raises(RuleBroken, match=r"topic\.too_many_photos"):
        propose(person, place, "other", photos=4)


def test_another_community_finds_nothing(world: World, place: Place) -> None:
    topic = world.topic(place)
    other = world.community("YYL", 1)
    clerk = world.clerk(other)
    with pytest.raises(NotFound):
        operations.move_topic(
            clerk, community_id=other.id, topic_id=topic, to=State.ADJOURNED, note="x"
        )
    with pytest.raises(NotAllowed):
        operations.move_topic(clerk, community_id=place.id, topic_id=topic, to=State.ADJOURNED)


def test_moves_that_need_more_than_a_word_are_refused(world: World, place: Place) -> None:
    topic = world.topic(place)
    for to in (State.ANNOUNCED, State.PUBLISHED, State.IMPLEMENTING, State.MERGED):
        with pytest.raises(RuleBroken, match=r"topic\.wrong_state"):
            operations.move_topic(
                world.clerk(place), community_id=place.id, topic_id=topic, to=to, note="x"
            )


@pytest.mark.parametrize("state", list(State))
def test_a_topic_is_merged_only_into_one_that_goes_on(
    world: World, place: Place, state: State
) -> None:
    topic, parent = world.topic(place, State.SCREENING), world.topic(place)
    with transaction() as session:
        session.execute(update(Topic).where(Topic.public_id == parent).values(state=state.value))
    merge = partial(
        operations.merge_topic,
        world.clerk(place),
        community_id=place.id,
        topic_id=topic,
        note="一件事",
    )
    for into in (topic, "nothing"):
        with pytest.raises(RuleBroken, match=r"topic\.no_parent"):
            merge(into=into)
    offered = [other.public_id for other in queries.parents_for(place.id, topic)]
    db.session.rollback()
    if state in GOING_ON:
        assert offered == [parent]
        merge(into=parent)
        assert queries.topic(place.id, topic).merged_into == parent
        return
    assert offered == []
    with pytest.raises(RuleBroken, match=r"topic\.no_parent"):
        merge(into=parent)
    after = queries.topic(place.id, topic)
    assert (after.line.state, after.merged_into) == (State.SCREENING, "")
    assert edges_of(place.id, f"topic:{topic}") == []


def test_texts_are_fixed_once_announced_and_corrected_in_the_open(
    world: World, place: Place
) -> None:
    clerk, topic = world.clerk(place), world.topic(place)
    mine = {"community_id": place.id, "topic_id": topic}
    operations.describe_topic(clerk, text=TEXT, **mine)  # type: ignore[arg-type]
    meeting = world.meeting(place, topic)
    with pytest.raises(RuleBroken, match=r"topic\.fixed"):
        operations.describe_topic(clerk, text=TEXT, **mine)  # type: ignore[arg-type]
    operations.correct_topic(clerk, text="地点是二楼", **mine)  # type: ignore[arg-type]
    assert [it.text for it in queries.topic(place.id, topic).corrections] == ["地点是二楼"]
    db.session.rollback()
    unseen = world.topic(place, State.PROPOSED)
    with pytest.raises(RuleBroken, match=r"topic\.not_published"):
        operations.correct_topic(clerk, community_id=place.id, topic_id=unseen, text="x")
    with pytest.raises(RuleBroken, match=r"topic\.no_minutes"):
        operations.draft_opinion(clerk, opinion="放树下", dissent="", **mine)  # type: ignore[arg-type]
    clock.advance(timedelta(days=10))
    operations.open_session(clerk, **mine)  # type: ignore[arg-type]
    with pytest.raises(RuleBroken, match=r"topic\.no_reason"):
        operations.move_topic(clerk, to=State.ADJOURNED, **mine)  # type: ignore[arg-type]
    operations.move_topic(clerk, to=State.ADJOURNED, note="人数不够", **mine)  # type: ignore[arg-type]
    again = operations.announce_topic(
        clerk,
        form=Form.COUNCIL,
        meeting=world.new_meeting(),
        **mine,  # type: ignore[arg-type]
    )
    assert again != meeting


def test_a_topic_leads_to_a_project_once(world: World, place: Place) -> None:
    topic, clerk = world.topic(place), world.clerk(place)
    world.project(place, "P05")

    def link(code: str) -> None:
        operations.link_project(clerk, community_id=place.id, topic_id=topic, project_code=code)

    with pytest.raises(NotFound):
        link("P99")
    link("P05")
    with pytest.raises(RuleBroken, match=r"topic\.linked"):
        link("P05")


def test_an_opinion_can_be_reworded_until_it_is_published(world: World, place: Place) -> None:
    from app.core.actor import Role
    from app.meetings import operations as meetings

    clerk, topic = world.clerk(place), world.topic(place)
    meeting = world.meeting(place, topic)
    mine = {"community_id": place.id, "topic_id": topic}
    sitting = {"community_id": place.id, "meeting_id": meeting}
    clock.advance(timedelta(days=10))
    operations.open_session(clerk, **mine)  # type: ignore[arg-type]
    meetings.write_minutes(clerk, text="同意", **sitting)  # type: ignore[arg-type]
    meetings.close_meeting(clerk, **sitting)  # type: ignore[arg-type]
    second = world.staff(place, Role.COMMITTEE).actor
    meetings.confirm_minutes(second, **sitting)  # type: ignore[arg-type]
    for opinion in ("放树下", "放树下，两条"):
        operations.draft_opinion(clerk, opinion=opinion, dissent="", **mine)  # type: ignore[arg-type]
    assert queries.topic(place.id, topic).opinion == "放树下，两条"
    db.session.rollback()
    operations.publish_opinion(clerk, **mine)  # type: ignore[arg-type]


def test_an_opinion_sent_while_the_result_is_published_is_told_that_it_is_too_late(
    app: Flask, world: World, place: Place
) -> None:
    topic, resident = world.topic(place, State.DRAFTED), world.resident(place)
    subject = f"topic:{topic}"
    write = partial(
        write_post, resident, community_id=place.id, subject=subject, text="放树下", once="1"
    )
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            held = hold(session, place.id, topic)
            sent = pool.submit(elsewhere, app, place, write)
            assert not wait([sent], timeout=0.3).done
            held.state = State.PUBLISHED.value
        with pytest.raises(RuleBroken, match=r"post\.closed"):
            sent.result(30)
    assert waiting_about(db.session(), place.id, subject) == 0


def test_two_topics_are_not_merged_into_each_other(app: Flask, world: World, place: Place) -> None:
    one, other = world.topic(place, State.SCREENING), world.topic(place, State.SCREENING)
    clerk = world.clerk(place)
    # Both go on, so that either may take the other in: the second merge meets the first one's end.
    with transaction() as session:
        session.execute(update(Topic).values(state=State.ACCEPTED.value))
    back = partial(
        operations.merge_topic, clerk, community_id=place.id, topic_id=other, into=one, note="一"
    )
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            first, _second = hold_two(session, place.id, one, other)
            crossing = pool.submit(elsewhere, app, place, back)
            assert not wait([crossing], timeout=0.3).done
            first.state, first.merged_into = State.MERGED.value, other
        with pytest.raises(RuleBroken, match=r"topic\.no_parent"):
            crossing.result(30)


def elsewhere(app: Flask, place: Place, act: Callable[[], object]) -> object:
    """Do something as another request would, beside the test's own transaction."""
    with app.test_request_context():
        g.place = place
        try:
            return act()
        finally:
            db.session.remove()

"""Writing, publishing, returning, hiding, appealing and disposing, on both engines."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from flask import g
from sqlalchemy import func, select

from app.communities.queries import community_by_code
from app.consultations import operations as topics
from app.consultations.rules import State
from app.core import clock, jobs
from app.core.actor import VISITOR, Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.record import RecordEntry
from app.discussion import operations, queries
from app.discussion.models import Post
from app.discussion.rules import PostState
from app.people.models import PersonNotice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from app.core.actor import Actor
    from tests.support.world import Place, World


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Iterator[Place]:
    """A community, with the request that addresses need."""
    made = world.community("HXL", 3)
    with world.app.test_request_context():
        g.place = community_by_code("HXL")
        yield made


@pytest.fixture
def about(world: World, place: Place) -> str:
    return f"topic:{world.topic(place)}"


def kinds() -> list[str]:
    found = db.session.scalars(
        select(RecordEntry.kind).where(RecordEntry.subject.like("post:%")).order_by(RecordEntry.seq)
    ).all()
    db.session.rollback()
    return list(found)


def state_of(place: Place, post: str) -> PostState:
    found = queries.post(place.id, post).state
    db.session.rollback()
    return found


def test_what_is_sent_twice_is_one_post_and_waits(world: World, place: Place, about: str) -> None:
    author = world.resident(place)
    ids = {
        operations.write_post(
            author, community_id=place.id, subject=about, text="放树下", once="same"
        )
        for _ in range(3)
    }
    assert len(ids) == 1
    assert db.session.scalar(select(func.count()).select_from(Post)) == 1
    assert queries.thread(place.id, about, "seed").posts == ()
    assert kinds() == []


def test_publishing_covers_numbers_and_what_the_committee_names(
    world: World, place: Place, about: str
) -> None:
    post = world.post(place, about, text="问王工 13800001111")
    with pytest.raises(RuleBroken, match=r"post\.nothing_to_cover"):
        operations.publish_post(
            world.clerk(place), community_id=place.id, post_id=post, cover="李工"
        )
    operations.publish_post(world.clerk(place), community_id=place.id, post_id=post, cover="王工")
    (shown,) = queries.thread(place.id, about, "seed").posts
    assert shown.text == "问** 138********"
    assert shown.original == "问王工 13800001111"
    db.session.rollback()
    with pytest.raises(RuleBroken, match=r"post\.wrong_state"):
        operations.publish_post(world.clerk(place), community_id=place.id, post_id=post)
    assert kinds() == ["post.published"]


def test_returned_rewritten_published_hidden(world: World, place: Place, about: str) -> None:
    author, clerk = world.resident(place), world.clerk(place)
    post = world.post(place, about, author)
    operations.return_post(
        clerk, community_id=place.id, post_id=post, reason="unclear", note="哪一棵树？"
    )
    with pytest.raises(NotFound):
        operations.rewrite_post(
            world.resident(place, 1), community_id=place.id, post_id=post, text="我改"
        )
    operations.rewrite_post(author, community_id=place.id, post_id=post, text="东边那棵")
    with pytest.raises(RuleBroken, match=r"post\.wrong_state"):
        operations.rewrite_post(author, community_id=place.id, post_id=post, text="再改")
    operations.publish_post(clerk, community_id=place.id, post_id=post)
    operations.hide_post(clerk, community_id=place.id, post_id=post, reason="insult")
    assert state_of(place, post) is PostState.HIDDEN
    found = queries.thread(place.id, about, "seed")
    assert (found.posts, found.hidden) == ((), 1)
    db.session.rollback()
    assert kinds() == ["post.returned", "post.published", "post.hidden"]
    jobs.run_due()
    told = db.session.scalars(select(PersonNotice.kind).order_by(PersonNotice.id)).all()
    assert told == ["post_returned", "post_published", "post_hidden"]


@pytest.mark.parametrize("upheld", [True, False])
def test_an_appeal_goes_to_somebody_else_once(
    world: World, place: Place, about: str, upheld: bool
) -> None:
    author, clerk = world.resident(place), world.clerk(place)
    supervisor = world.staff(place, Role.SUPERVISOR).actor
    post = world.post(place, about, author)

    def appeal(actor: Actor = author) -> None:
        operations.appeal_post(
            actor, community_id=place.id, post_id=post, text="这是批评，不是辱骂"
        )

    def hear(actor: Actor = supervisor) -> None:
        operations.answer_appeal(
            actor, community_id=place.id, post_id=post, upheld=upheld, answer="看过了"
        )

    with pytest.raises(RuleBroken, match=r"post\.wrong_state"):
        appeal()
    operations.return_post(clerk, community_id=place.id, post_id=post, reason="insult")
    with pytest.raises(RuleBroken, match=r"post\.wrong_state"):
        hear()
    with pytest.raises(NotFound):
        appeal(world.resident(place, 1))
    appeal()
    with pytest.raises(RuleBroken, match=r"post\.appealed_before"):
        appeal()
    assert len(queries.appeals(place.id)) == 1
    db.session.rollback()
    with pytest.raises(NotAllowed):
        hear(clerk)
    hear()
    expected = PostState.RETURNED if upheld else PostState.PUBLISHED
    assert state_of(place, post) is expected
    last = json.loads(
        db.session.scalars(
            select(RecordEntry.entry).where(RecordEntry.kind == "appeal.answered")
        ).one()
    )
    assert last["data"]["upheld"] == ("yes" if upheld else "no")
    assert last["actor"] == "affairs_supervisor"


def test_every_opinion_gets_its_disposition_and_perhaps_an_answer(
    world: World, place: Place, about: str
) -> None:
    clerk, designer = world.clerk(place), world.staff(place, Role.DESIGNER).actor
    post = world.post(place, about)

    def dispose(disposition: str = "partly", why: str = "放一条") -> None:
        operations.dispose(
            clerk, community_id=place.id, post_id=post, disposition=disposition, why=why
        )

    def answer() -> None:
        operations.reply(designer, community_id=place.id, post_id=post, text="树下有管线")

    for act in (dispose, answer):
        with pytest.raises(RuleBroken, match=r"post\.wrong_state"):
            act()
    operations.publish_post(clerk, community_id=place.id, post_id=post)
    assert queries.work(place.id, clock.now()).undisposed == 1
    db.session.rollback()
    answer()
    dispose()
    (shown,) = queries.opinions(place.id, about)
    assert (shown.disposition, shown.disposition_why) == ("partly", "放一条")
    assert (shown.reply, shown.replied_as) == ("树下有管线", "designer")
    db.session.rollback()
    assert kinds() == ["post.published", "post.answered", "opinion.disposed"]


def test_the_queue_is_oldest_first_and_knows_what_is_late(
    world: World, place: Place, about: str
) -> None:
    first = world.post(place, about)
    clock.advance(timedelta(hours=47))
    second = world.post(place, about, world.resident(place, 1))
    assert [post.public_id for post in queries.queue(place.id)] == [first, second]
    db.session.rollback()
    clock.advance(timedelta(hours=2))
    work = queries.work(place.id, clock.now())
    assert (work.waiting, work.overdue) == (2, 1)


def test_nobody_writes_who_does_not_live_here_or_when_it_is_over(
    world: World, place: Place, about: str
) -> None:
    stranger = world.resident(world.community("YYL", 1))
    for actor in (VISITOR, stranger, world.clerk(place)):
        with pytest.raises(NotAllowed):
            operations.write_post(
                actor, community_id=place.id, subject=about, text="我说", once="x"
            )
    with pytest.raises(NotFound):
        world.post(place, "topic:unknown")
    with pytest.raises(NotFound):
        world.post(place, "nothing")
    closed = world.topic(place, State.SCREENING)
    topics.move_topic(
        world.clerk(place),
        community_id=place.id,
        topic_id=closed,
        to=State.REJECTED,
        note="不归社区管",
    )
    with pytest.raises(RuleBroken, match=r"post\.closed"):
        world.post(place, f"topic:{closed}")

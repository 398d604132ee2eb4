"""Writing, publishing, returning, hiding, appealing and disposing, on both engines."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

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
from app.people import queries as people
from app.people.models import PersonNotice, SecurityEvent
from tests.consultations.test_deciding import Handled

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


def test_what_an_appeal_brought_back_is_not_hidden_again_by_the_same_person(
    world: World, place: Place, about: str
) -> None:
    author, clerk = world.resident(place), world.clerk(place)
    other = world.staff(place, Role.COMMITTEE).actor
    supervisor = world.staff(place, Role.SUPERVISOR).actor
    post = world.post(place, about, author)
    mine: dict[str, Any] = {"community_id": place.id, "post_id": post}

    def appeal() -> None:
        operations.appeal_post(author, text="这是批评，不是辱骂", **mine)

    operations.publish_post(clerk, **mine)
    operations.hide_post(clerk, reason="insult", **mine)
    appeal()
    operations.answer_appeal(supervisor, upheld=False, answer="批评不是辱骂", **mine)
    with pytest.raises(RuleBroken, match=r"post\.overruled"):
        operations.hide_post(clerk, reason="off_topic", **mine)
    assert state_of(place, post) is PostState.PUBLISHED
    operations.hide_post(other, reason="off_topic", **mine)
    seen = queries.post(place.id, post)
    assert seen.may_appeal, "another decision, another appeal"
    assert seen.earlier[0]["answer"] == "批评不是辱骂"
    db.session.rollback()
    appeal()
    operations.answer_appeal(supervisor, upheld=True, answer="确实无关", **mine)
    assert not queries.post(place.id, post).may_appeal
    db.session.rollback()
    jobs.run_due()
    lines = [
        line.text.partition("，")[2] for line in people.inbox(place.id, author.require_person())
    ]
    assert lines == [
        "您的申诉有了答复：维持原来的处理",
        "您的意见被隐藏了，理由：和这件事无关",
        "您的申诉成立，意见重新公布了",
        "您的意见被隐藏了，理由：有辱骂或人身攻击",
        "您的意见已公布",
    ]


def test_an_inbox_offers_an_appeal_only_while_there_is_one(
    world: World, place: Place, about: str
) -> None:
    author, clerk = world.resident(place), world.clerk(place)
    post = world.post(place, about, author)
    mine: dict[str, Any] = {"community_id": place.id, "post_id": post}
    operations.return_post(clerk, reason="unclear", **mine)
    jobs.run_due()

    def line() -> str:
        found = people.inbox(place.id, author.require_person())[0].text
        db.session.rollback()
        return found

    assert "可以申诉" in line()
    operations.appeal_post(author, text="写得很清楚", **mine)
    assert "可以申诉" not in line()


def test_every_opinion_gets_its_disposition_and_answers_beside_each_other(
    world: World, place: Place
) -> None:
    clerk, designer = world.clerk(place), world.staff(place, Role.DESIGNER).actor
    world.project(place, "P05")
    about = f"design:{world.design(place, designer, 'P05')}"
    post = world.post(place, about)

    def dispose(disposition: str = "partly", why: str = "放一条") -> None:
        operations.dispose(
            clerk, community_id=place.id, post_id=post, disposition=disposition, why=why
        )

    def answer(actor: Actor = designer, text: str = "树下有管线") -> None:
        operations.reply(actor, community_id=place.id, post_id=post, text=text)

    for act in (dispose, answer):
        with pytest.raises(RuleBroken, match=r"post\.wrong_state"):
            act()
    operations.publish_post(clerk, community_id=place.id, post_id=post)
    assert queries.work(place.id, clock.now()).undisposed == 1
    db.session.rollback()
    answer()
    answer(clerk, "已请设计师改")
    answer(clerk, "已请设计师改")
    dispose()
    dispose()
    dispose("adopted", "两条都放")
    (shown,) = queries.opinions(place.id, about)
    assert (shown.disposition, shown.disposition_why) == ("adopted", "两条都放")
    assert [one["disposition"] for one in shown.earlier] == ["partly"]
    said = [(one["role"], one["text"]) for one in shown.answers]
    assert said == [("designer", "树下有管线"), ("committee_clerk", "已请设计师改")]
    assert shown.answered_by("designer")
    db.session.rollback()
    assert kinds() == ["post.published", *["post.answered"] * 2, *["opinion.disposed"] * 2]


def test_a_designer_answers_about_designs_alone(world: World, place: Place, about: str) -> None:
    designer = world.staff(place, Role.DESIGNER).actor
    post = world.post(place, about)
    operations.publish_post(world.clerk(place), community_id=place.id, post_id=post)
    with pytest.raises(RuleBroken, match=r"post\.not_yours"):
        operations.reply(designer, community_id=place.id, post_id=post, text="我来答")
    assert kinds() == ["post.published"]


def test_a_disposition_stands_once_the_result_is_published(world: World, place: Place) -> None:
    topic = Handled(world, place)
    clerk, about = topic.clerk, f"topic:{topic.topic}"
    post = world.post(place, about)
    mine: dict[str, Any] = {"community_id": place.id, "post_id": post}
    operations.publish_post(clerk, **mine)
    operations.dispose(clerk, disposition="adopted", why="放树下", **mine)
    topic.published()
    with pytest.raises(RuleBroken, match=r"post\.fixed"):
        operations.dispose(clerk, disposition="not_adopted", why="改主意了", **mine)
    (shown,) = queries.opinions(place.id, about)
    assert (shown.disposition, shown.earlier) == ("adopted", [])


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


def test_what_answers_a_ratings_open_question_stays_outside_the_record(
    world: World, place: Place
) -> None:
    world.project(place, "P01")
    world.rating(place, "P01")
    author, clerk = world.resident(place), world.clerk(place)
    supervisor = world.staff(place, Role.SUPERVISOR).actor
    shown, refused = (world.post(place, "rating:P01", author, text) for text in ("好", "不好"))
    mine: dict[str, Any] = {"community_id": place.id, "post_id": shown}
    operations.publish_post(clerk, **mine)
    operations.dispose(clerk, disposition="adopted", why="照办", **mine)
    operations.reply(clerk, text="谢谢", **mine)
    operations.hide_post(clerk, reason="insult", note="骂人", **mine)
    theirs: dict[str, Any] = {"community_id": place.id, "post_id": refused}
    operations.return_post(clerk, reason="unclear", note="哪里？", **theirs)
    operations.appeal_post(author, text="写清楚了", **theirs)
    operations.answer_appeal(supervisor, upheld=False, answer="公布", **theirs)
    assert kinds() == []
    lines = db.session.execute(
        select(SecurityEvent.kind, SecurityEvent.facts)
        .where(SecurityEvent.facts["about"].as_string() == "rating:P01")
        .order_by(SecurityEvent.id)
    ).all()
    about = {"about": "rating:P01"}
    first, second = about | {"post": shown}, about | {"post": refused}
    assert [(kind, facts) for kind, facts in lines] == [
        ("post.published", first),
        ("opinion.disposed", first | {"disposition": "adopted"}),
        ("post.answered", first),
        ("post.hidden", first | {"reason": "insult"}),
        ("post.returned", second | {"reason": "unclear"}),
        ("appeal.answered", second | {"upheld": "no"}),
        ("post.published", second),
    ]

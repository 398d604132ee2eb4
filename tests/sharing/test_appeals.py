"""What a subdistrict returned or hid is looked at again by the place above it, once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.core import jobs
from app.core.actor import Role
from app.core.db import db, transaction
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.record import Above
from app.discussion.rules import PostState
from app.people.models import PersonNotice, SecurityEvent
from app.sharing import operations, queries, saying
from app.sharing.models import SharedOpinion
from tests.sharing.test_sharing import lift, log_of, neighbour, officer, share, waiting_ids, write
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from flask import Flask

    from app.core.actor import Actor

WORDS = "CANARY 桥洞该早点修"


class Talk:
    """A shared topic with one published opinion, and who has to do with it."""

    def __init__(self, world: World) -> None:
        self.place = world.community("HXL", 2)
        lift(world, self.place)
        self.shared = share(world, self.place, "HXL")
        self.author = world.resident(self.place)
        self.street = officer(world, self.place)
        self.district = officer(world, self.place, Role.DISTRICT)
        write(self.author, self.place, self.shared, WORDS)
        (self.opinion,) = waiting_ids()
        operations.publish_opinion(self.street, cover="", **self.here)

    @property
    def here(self) -> dict[str, object]:
        return {"jurisdiction_id": self.place.street_id, "opinion_id": self.opinion}

    def hide(self, actor: Actor | None = None) -> None:
        operations.hide_opinion(actor or self.street, reason="insult", note="请改一改", **self.here)

    def appeal(self, author: Actor | None = None) -> None:
        saying.appeal_opinion(
            author or self.author,
            community_id=self.place.id,
            opinion_id=self.opinion,
            text="这不是骂人",
        )

    def answer(self, actor: Actor, *, upheld: bool = False, area: int = 0) -> None:
        operations.answer_shared_appeal(
            actor,
            jurisdiction_id=area or self.place.district_id,
            opinion_id=self.opinion,
            upheld=upheld,
            answer="批评不是骂人",
        )

    def outcome(self) -> None:
        operations.publish_outcome(
            self.street,
            jurisdiction_id=self.place.street_id,
            shared_id=self.shared,
            text="先装灯。",
        )

    def state(self) -> str:
        db.session.rollback()
        (row,) = db.session.scalars(select(SharedOpinion.state))
        db.session.rollback()
        return str(row)


def test_what_was_hidden_is_shown_again_by_the_place_above(world: World) -> None:
    talk = Talk(world)
    talk.hide()
    assert talk.state() == PostState.HIDDEN
    talk.appeal()
    with pytest.raises(RuleBroken, match="appeals_open"):
        talk.outcome()
    assert [one.appeal for one in queries.appeals(talk.place.district_id)] == ["这不是骂人"]
    talk.answer(talk.district)
    assert talk.state() == PostState.PUBLISHED
    with pytest.raises(RuleBroken, match="brought_back"):
        talk.hide()
    with pytest.raises(RuleBroken, match="undisposed"):
        talk.outcome()
    log = log_of(Above(talk.place.street_id))
    assert [entry["kind"] for entry in log][-2:] == ["shared.post_hidden", "shared.appeal_answered"]
    assert (log[-1]["actor"], log[-1]["data"]["upheld"]) == ("district", "no")  # type: ignore[index]
    assert not any(words in str(log) for words in (WORDS, "骂人", "请改一改"))
    db.session.rollback()
    jobs.run_due()
    kinds = db.session.scalars(select(PersonNotice.kind).order_by(PersonNotice.id)).all()
    assert kinds == ["post_published", "post_hidden", "post_published"]
    noted = select(SecurityEvent.id).where(SecurityEvent.kind == "shared.appealed")
    assert len(db.session.scalars(noted).all()) == 1


def test_an_appeal_is_made_once_by_who_wrote_it_and_answered_once(world: World) -> None:
    talk = Talk(world)
    with pytest.raises(RuleBroken, match="wrong_state"):
        talk.appeal()
    talk.hide()
    with pytest.raises(NotFound):
        talk.appeal(world.resident(talk.place, 1))
    with pytest.raises(RuleBroken, match="wrong_state"):
        talk.answer(talk.district)
    talk.appeal()
    with pytest.raises(RuleBroken, match="wrong_state"):
        talk.appeal()
    talk.answer(talk.district, upheld=True)
    assert talk.state() == PostState.HIDDEN
    with pytest.raises(RuleBroken, match="wrong_state"):
        talk.answer(talk.district)
    talk.outcome()


def test_an_appeal_never_comes_back_to_where_it_was_decided(world: World) -> None:
    talk, other = Talk(world), world.community("YYL", 1)
    talk.hide()
    talk.appeal()
    for actor, area in (
        (talk.street, talk.place.street_id),
        (talk.street, talk.place.district_id),
        (officer(world, talk.place, Role.CITY), talk.place.city_id),
        (officer(world, other, Role.DISTRICT), other.district_id),
        (world.clerk(talk.place), talk.place.district_id),
    ):
        with pytest.raises((NotAllowed, NotFound)):
            talk.answer(actor, area=area)
    for area in (talk.place.street_id, talk.place.city_id, other.district_id):
        assert queries.appeals(area) == []
    # Whoever moderated and works for the district since is the same person still.
    db.session.rollback()
    with transaction() as session:
        row = session.scalars(select(SharedOpinion)).one()
        row.moderated_by = talk.district.require_person()
    with pytest.raises(NotAllowed):
        talk.answer(talk.district)


def test_two_answers_at_once_are_one(app: Flask, world: World) -> None:
    talk = Talk(world)
    talk.hide()
    talk.appeal()
    both = [talk.district, officer(world, talk.place, Role.DISTRICT)]
    ready = threading.Barrier(2)

    def act(actor: Actor) -> str:
        with app.app_context():
            ready.wait()
            try:
                talk.answer(actor)
            except RuleBroken as error:
                return error.code
            finally:
                db.session.remove()
            return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(act, both)) == ["done", "post.wrong_state"]


def test_an_appeal_over_the_pages(
    client: CheckedClient, web_app: Flask, fixed_clock: object
) -> None:
    world = World(web_app)
    first = world.community("HXL", 2)
    second = neighbour(world, first)
    lift(world, first)
    shared = share(world, first, "HXL", "BYL")
    client.enter(world, second, 0)
    page = f"/d/SHXL/topics/{shared}"
    form = client.fields(page, f"/c/BYL/shared/{shared}")
    assert client.post(f"/c/BYL/shared/{shared}", form | {"text": WORDS}).status_code == 303
    db.session.rollback()
    (opinion,) = waiting_ids()
    street, district = CheckedClient(web_app), CheckedClient(web_app)
    street.staff(world.staff(first, Role.SUBDISTRICT))
    district.staff(world.staff(first, Role.DISTRICT))
    about = f"/d/SHXL/desk/opinions/{opinion}"
    assert street.post(f"{about}/publish", {"cover": ""}).status_code == 303
    assert "隐藏这条意见" in street.get(about).text
    assert street.post(f"{about}/hide", {"reason": ""}).status_code == 422
    assert street.post(f"{about}/hide", {"reason": "insult", "note": ""}).status_code == 303
    visitor = CheckedClient(web_app).get(page).text
    assert "CANARY" not in visitor
    assert "1 条公布后被隐藏" in visitor

    own = f"/c/BYL/shared/opinions/{opinion}/appeal"
    assert own in client.get(page).text
    stranger = CheckedClient(web_app)
    stranger.enter(world, first, 0)
    assert stranger.get(own.replace("BYL", "HXL")).status_code == 404
    assert stranger.get(own).status_code == 404
    assert client.post(own, {"text": " "}).status_code == 422
    assert client.post(own, {"text": "这不是骂人"}).status_code == 303
    assert client.post(own, {"text": "再说一次"}).status_code == 422
    assert "等上一级答复" in client.get(page).text
    assert "这不是骂人" in client.get("/c/BYL/mine/data").text

    assert "1 条申诉等您复核" in district.get("/d/DHXL/").text
    assert street.get("/d/DHXL/desk/appeals").status_code == 404
    answer = f"/d/DHXL/desk/appeals/{opinion}"
    assert answer in district.get("/d/DHXL/desk/appeals").text
    assert "CANARY" in district.get(answer).text
    assert district.post(answer, {"outcome": "publish", "text": ""}).status_code == 422
    said = {"outcome": "publish", "text": "批评不是骂人"}
    assert district.post(answer, said).status_code == 303
    assert district.post(answer, said).status_code == 422
    assert "CANARY" in CheckedClient(web_app).get(page).text
    assert "批评不是骂人" in client.get(page).text
    db.session.rollback()
    jobs.run_due()
    assert "申诉成立" in client.get("/c/BYL/inbox").text
    assert street.post(f"{about}/hide", {"reason": "insult", "note": ""}).status_code == 422

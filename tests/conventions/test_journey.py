"""A convention from the draft to signatures under its second version, on pages and both engines."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.conventions import operations, queries
from app.conventions.operations import ConventionText, Signed
from app.conventions.rules import Article, ArticleClass, Body, Resolution, State
from app.core import clock, jobs
from app.core.actor import SYSTEM
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.record import RecordEntry, RecordOpening
from app.discussion import operations as posts
from app.people.models import PersonNotice, PersonNoticeKind
from app.voting import operations as voting
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from app.core.actor import Actor
    from tests.support.world import Place

TEXT = ConventionText(
    "一区公约",
    "商量着办。",
    (
        Article(1, ArticleClass.GENERAL, "大家的事大家商量。"),
        Article(2, ArticleClass.CONDUCT, "晚上十点以后轻声。"),
    ),
)
PASSED = Resolution(Body.REPRESENTATIVES_MEETING, 54, 36, 19, 46)


def in_force(world: World, place: Place, text: ConventionText = TEXT) -> int:
    number = operations.draft_convention(SYSTEM, community_id=place.id, text=text)
    for to in (State.CONSULTING, State.SUBMITTED):
        operations.move_convention(SYSTEM, community_id=place.id, number=number, to=to)
    operations.adopt_by_meeting(SYSTEM, community_id=place.id, number=number, resolution=PASSED)
    operations.publish_convention(
        SYSTEM, community_id=place.id, number=number, filed_with="街道", filing_number="备1"
    )
    return number


def sign(actor: Actor, place: Place, number: int, sha: str = TEXT.sha256) -> Signed:
    return operations.sign_convention(actor, community_id=place.id, number=number, text_sha256=sha)


def test_signing_once_withdrawing_and_signing_again(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 2)
    number, person = in_force(world, place), world.resident(place)
    first = sign(person, place, number)
    assert (first.again, sign(person, place, number)) == (False, Signed(first.check_code, True))
    assert queries.version(place.id, number).signatures == 1
    db.session.rollback()
    operations.withdraw_signature(person, community_id=place.id, number=number)
    assert queries.version(place.id, number).signatures == 0
    db.session.rollback()
    with pytest.raises(NotFound):
        operations.withdraw_signature(person, community_id=place.id, number=number)
    assert sign(person, place, number).check_code != first.check_code
    entries = [json.loads(text) for text in db.session.scalars(select(RecordEntry.entry))]
    signed = [entry for entry in entries if entry["kind"] == "convention.signed"]
    assert signed[0]["at"] == "2026-05-20T02:00:00Z", "the hour alone"
    assert signed[0]["data"] == {"version": 1, "text_sha256": TEXT.sha256}
    assert signed[0]["actor"] == "resident"
    assert set(db.session.scalars(select(RecordOpening.name))) == {"actor_c"}


def test_a_text_that_changed_or_is_not_in_force_is_not_signed(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 1)
    number, person = in_force(world, place), world.resident(place)
    with pytest.raises(RuleBroken, match=r"convention\.text_changed"):
        sign(person, place, number, "0" * 64)
    draft = operations.draft_convention(SYSTEM, community_id=place.id, text=TEXT)
    with pytest.raises(NotFound):
        sign(person, place, draft)
    operations.move_convention(SYSTEM, community_id=place.id, number=draft, to=State.CONSULTING)
    with pytest.raises(RuleBroken, match=r"convention\.not_in_force"):
        sign(person, place, draft)
    with pytest.raises(RuleBroken, match=r"convention\.unfinished"):
        operations.draft_convention(SYSTEM, community_id=place.id, text=TEXT)
    for actor in (world.clerk(place), world.resident(world.community("YYL", 1))):
        with pytest.raises(NotAllowed):
            sign(actor, place, number)


def test_twenty_four_taps_are_one_signature(
    app: Flask, world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 1)
    number, person = in_force(world, place), world.resident(place)
    barrier = threading.Barrier(24)

    def tap(_number: int) -> Signed:
        with app.app_context():
            barrier.wait()
            try:
                return sign(person, place, number)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(tap, range(24)))
    db.session.rollback()
    assert len({answer.check_code for answer in answers}) == 1
    assert [answer.again for answer in answers].count(False) == 1
    assert queries.version(place.id, number).signatures == 1
    kinds = db.session.scalars(select(RecordEntry.kind)).all()
    assert kinds.count("convention.signed") == 1


def test_what_is_handed_in_stands_and_what_is_talked_over_leaves_a_trace(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 1)
    number = operations.draft_convention(SYSTEM, community_id=place.id, text=TEXT)

    def edit() -> None:
        operations.edit_convention(SYSTEM, community_id=place.id, number=number, text=TEXT)

    edit()
    operations.move_convention(SYSTEM, community_id=place.id, number=number, to=State.CONSULTING)
    edit()
    assert queries.version(place.id, number).revision == 3
    db.session.rollback()
    operations.move_convention(SYSTEM, community_id=place.id, number=number, to=State.SUBMITTED)
    with pytest.raises(RuleBroken, match=r"convention\.frozen"):
        edit()
    with pytest.raises(RuleBroken, match=r"convention\.wrong_state"):
        operations.move_convention(SYSTEM, community_id=place.id, number=number, to=State.ADOPTED)
    with pytest.raises(RuleBroken, match=r"resolution\.numbers"):
        operations.adopt_by_meeting(
            SYSTEM,
            community_id=place.id,
            number=number,
            resolution=Resolution(Body.POLL, 3, 3, 3),
        )
    with pytest.raises(RuleBroken, match=r"convention\.no_filing"):
        operations.publish_convention(
            SYSTEM, community_id=place.id, number=number, filed_with="街道", filing_number=" "
        )
    kinds = db.session.scalars(select(RecordEntry.kind)).all()
    assert kinds == ["convention.moved", "convention.changed", "convention.moved"]


def published_opinion(world: World, place: Place, about: str) -> str:
    post = world.post(place, about)
    posts.publish_post(world.clerk(place), community_id=place.id, post_id=post)
    return post


def test_a_text_waits_until_every_opinion_on_it_is_answered(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    number = operations.draft_convention(SYSTEM, community_id=place.id, text=TEXT)

    def move(to: State) -> None:
        operations.move_convention(SYSTEM, community_id=place.id, number=number, to=to)

    def adopt() -> None:
        operations.adopt_by_meeting(SYSTEM, community_id=place.id, number=number, resolution=PASSED)

    def answer(post: str) -> None:
        posts.dispose(
            world.clerk(place),
            community_id=place.id,
            post_id=post,
            disposition="not_adopted",
            why="已经写了",
        )

    move(State.CONSULTING)
    first = published_opinion(world, place, "convention:1/2")
    late = world.post(place, "convention:1/1", world.resident(place, 1))
    with pytest.raises(RuleBroken, match=r"convention\.waiting") as refused:
        move(State.SUBMITTED)
    assert refused.value.facts["number"] == 1
    answer(first)
    move(State.SUBMITTED)
    posts.publish_post(world.clerk(place), community_id=place.id, post_id=late)
    with pytest.raises(RuleBroken, match=r"convention\.waiting"):
        adopt()
    answer(late)
    adopt()


def test_whoever_signed_an_earlier_version_is_told_of_the_new_one(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 3)
    number = in_force(world, place)
    signer, gone, never = world.voters(place, 3)
    sign(signer, place, number)
    sign(gone, place, number)
    operations.withdraw_signature(gone, community_id=place.id, number=number)
    jobs.run_due()
    told = select(PersonNotice.person_id, PersonNotice.about).where(
        PersonNotice.kind == PersonNoticeKind.CONVENTION_RENEWED
    )
    assert db.session.execute(told).all() == [], "the first version renews nothing"
    db.session.rollback()
    changed = replace(TEXT, preamble="商量着办，签了就守。", articles=TEXT.articles[:1])
    second = in_force(world, place, changed)
    jobs.run_due()
    assert [tuple(row) for row in db.session.execute(told)] == [(signer.person_id, "convention:2")]
    view = queries.version(place.id, second)
    step = queries.since_signed(place.id, view, signer.person_id or 0)
    assert step is not None
    assert (step.signed, step.number) == (1, 2)
    assert [(one.number, one.kind) for one in step.changes] == [(0, "changed"), (2, "removed")]
    for other in (gone, never):
        assert queries.since_signed(place.id, view, other.person_id or 0) is None


def test_a_new_name_and_another_class_are_changes_too(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 1)
    first, second = (Article(n, ArticleClass.CONDUCT, f"第{n}条。") for n in (1, 2))
    in_force(world, place, replace(TEXT, articles=(first, second)))
    moved = replace(second, kind=ArticleClass.ORDER)
    in_force(world, place, replace(TEXT, title="一区新公约", articles=(first, moved)))
    changes = queries.changes(queries.version(place.id, 1), queries.version(place.id, 2))
    assert [one.number for one in changes] == [0, 2]
    assert [piece.text for piece in changes[0].pieces if piece.kind == "new"] == ["新"]
    assert ArticleClass.ORDER.value in "".join(piece.text for piece in changes[1].pieces)


def test_a_new_version_shows_who_signed_before_what_changed(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    in_force(world, place)
    signer, newcomer, desk = (CheckedClient(web_app) for _ in range(3))
    signer.enter(world, place, 0)
    newcomer.enter(world, place, 1)
    desk.staff(world.staff(place))
    page = "/c/HXL/convention/1/sign"
    assert signer.post(page, signer.fields(page, page)).status_code == 303
    changed = replace(
        TEXT, articles=(TEXT.articles[0], Article(2, ArticleClass.CONDUCT, "晚上九点以后轻声。"))
    )
    in_force(world, place, changed)
    jobs.run_due()
    home = signer.get("/c/HXL/").text
    assert "您签过第 1 版，第 2 版改了 1 处" in home
    assert "您签过" not in newcomer.get("/c/HXL/").text
    page = signer.get("/c/HXL/convention/2/sign").text
    assert "<del>十</del><ins>九</ins>" in page
    assert "您签过第 1 版" in page
    assert "<ins>" not in newcomer.get("/c/HXL/convention/2/sign").text
    inbox = signer.get("/c/HXL/inbox").text
    assert "您签过的公约有了新的一版" in inbox
    assert "/c/HXL/convention/2" in inbox
    for shown in (newcomer.get("/c/HXL/convention/1"), desk.get("/c/HXL/desk/convention/1")):
        assert "已被第 2 版代替" in shown.text
        assert "已公布施行" not in shown.text
    assert "已被第 2 版代替" in desk.get("/c/HXL/desk/convention").text


def test_the_desk_is_led_to_opinions_that_wait_and_chooses_a_poll(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 3)
    facility = world.poll(place, title="同意这个项目吗？")
    number = operations.draft_convention(SYSTEM, community_id=place.id, text=TEXT)
    operations.move_convention(SYSTEM, community_id=place.id, number=number, to=State.CONSULTING)
    post = published_opinion(world, place, "convention:1/2")
    desk = CheckedClient(web_app)
    desk.staff(world.staff(place))
    page = "/c/HXL/desk/convention/1"
    shown = desk.get(page).text
    assert "还有 1 条意见等您答复" in shown
    assert f"/c/HXL/desk/posts/{post}" in shown
    refused = desk.post(f"{page}/move/submitted")
    assert refused.status_code == 422
    assert "还有 1 条居民意见没有答复采纳不采纳" in refused.text
    said = {"disposition": "adopted", "why": "写进去了"}
    assert desk.post(f"/c/HXL/desk/posts/{post}/dispose", said).status_code == 303
    assert desk.post(f"{page}/move/submitted").status_code == 303
    poll = world.text_poll(place, "convention:1", title="同意这份公约吗？")
    for voter in world.voters(place, 3):
        for asked in (facility, poll):
            world.cast(voter, place, asked, "yes")
    choice = f'value="{poll}"'
    assert choice not in desk.get(page).text, "it is still open"
    clock.advance(timedelta(days=8))
    for closed in (facility, poll):
        voting.close_poll(SYSTEM, community_id=place.id, public_id=closed)
        voting.publish_result(SYSTEM, community_id=place.id, public_id=closed)
    desk.staff(world.staff(place))
    shown = desk.get(page).text
    assert choice in shown
    assert "同意这个项目吗" not in shown, "it asked about a project"
    assert desk.post(f"{page}/adopt-by-poll", {"poll": facility}).status_code == 422
    nothing = desk.post(f"{page}/adopt-by-poll", {})
    assert nothing.status_code == 422
    assert "请选一项投票" in nothing.text
    assert desk.post(f"{page}/adopt-by-poll", {"poll": poll}).status_code == 303
    assert "居民投票通过" in desk.get(page).text


def test_by_the_pages_from_draft_to_the_second_version(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    desk, resident = CheckedClient(web_app), CheckedClient(web_app)
    desk.staff(world.staff(place))
    resident.enter(world, place, 0)
    assert "还没有公约" in resident.get("/c/HXL/convention").text
    text = {"title": "一区公约", "preamble": "商量着办。", "articles": "总则｜大家商量。"}
    assert desk.post("/c/HXL/desk/convention/new", text | {"articles": "x"}).status_code == 422
    assert desk.post("/c/HXL/desk/convention/new", text).status_code == 303
    one = "/c/HXL/desk/convention/1"
    assert resident.raw.get("/c/HXL/convention/1").status_code == 404
    assert desk.post(f"{one}/edit", text | {"articles": "总则｜乱停车罚款。"}).status_code == 303
    assert "请法律顾问看：罚款" in desk.get(one).text
    assert desk.post(f"{one}/edit", text).status_code == 303
    assert desk.post(f"{one}/move/consulting").status_code == 303
    article = resident.get("/c/HXL/convention/1/1").text
    assert "写意见" in article
    said = resident.post("/c/HXL/say?about=convention:1/1", {"text": "再具体一点", "once": "a"})
    assert said.status_code == 303
    assert resident.raw.get("/c/HXL/say?about=convention:1/9").status_code == 404
    assert desk.post(f"{one}/move/submitted").status_code == 303
    numbers = {"body": "residents_meeting", "base": "1486", "present": "743", "in_favour": "700"}
    refused = desk.post(f"{one}/adopt", numbers)
    assert refused.status_code == 422
    assert "没有达到法定人数" in refused.text
    assert desk.post(f"{one}/adopt-by-poll", {"poll": "nothing"}).status_code == 422
    assert desk.post(f"{one}/adopt", numbers | {"present": "744"}).status_code == 303
    filing = {"filed_with": "北苑街道办事处", "filing_number": "北备〔2026〕3 号"}
    assert desk.post(f"{one}/publish", filing).status_code == 303

    page = resident.get("/c/HXL/convention").text
    assert "北备〔2026〕3 号" in page
    form = resident.fields("/c/HXL/convention/1/sign", "/c/HXL/convention/1/sign")
    dot = form | {"drawing": "[[[1,1]]]"}
    assert resident.post("/c/HXL/convention/1/sign", dot).status_code == 422
    assert resident.post("/c/HXL/convention/1/sign", form).status_code == 303
    receipt = resident.get("/c/HXL/convention/1/signed").text
    assert "核对码" in receipt
    assert "已签署" in resident.get("/c/HXL/convention").text

    changed = text | {"articles": "总则｜大家一起商量。\n附则｜通过后施行。"}
    assert desk.post("/c/HXL/desk/convention/new", changed).status_code == 303
    assert desk.post("/c/HXL/desk/convention/2/move/consulting").status_code == 303
    both = resident.get("/c/HXL/convention/2").text
    assert "<ins>一起</ins>" in both
    assert "新增" in both
    assert "第 2 版正在征求意见" in resident.get("/c/HXL/convention").text
    assert resident.post("/c/HXL/convention/1/withdraw").status_code == 303
    assert resident.raw.get("/c/HXL/convention/1/signed").status_code == 404

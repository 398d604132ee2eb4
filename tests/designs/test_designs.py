"""A designer's alternatives, from handing in to the revision that an opinion led to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.core import clock, jobs
from app.core.actor import Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.images import Picture
from app.core.record import RecordEntry
from app.designs import operations, queries, rules
from app.designs.forms import PlanForm
from app.designs.operations import Change, Drawn, NewProposal
from app.designs.rules import Plan, State
from app.discussion.models import Post
from app.meetings import operations as meetings
from app.meetings import queries as meeting_queries
from app.people.models import PersonNotice, PersonNoticeKind
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from app.core.actor import Actor
    from tests.support.world import Place

A = Plan("环步道", "步道在外圈。", 40_000_000, 2_200_000, "老人慢走", "没有广场")
B = Plan("小广场", "西侧留硬地。", 37_200_000, 1_500_000, "集体活动", "沙坑小一半")


@pytest.mark.parametrize(
    ("plans", "code"),
    [
        ((A,), "number"),
        ((A,) * 5, "number"),
        ((A, Plan("", "s", 1, 0, "s", "g")), "plan"),
        ((A, Plan("t", "s", 0, 0, "s", "g")), "plan"),
        ((A, Plan("t", "s", 1, -1, "s", "g")), "plan"),
        ((A, Plan("t", "s", 1, 0, " ", "g")), "plan"),
        ((A, Plan("t", "长" * 1001, 1, 0, "s", "g")), "plan"),
    ],
)
def test_alternatives_that_cannot_be_compared(plans: tuple[Plan, ...], code: str) -> None:
    rules.check_plans((A, B))
    with pytest.raises(RuleBroken, match=rf"design\.{code}"):
        rules.check_plans(plans)


def posted(world: World, place: Place, designer: Actor) -> str:
    world.project(place, "P05")
    return operations.post_proposal(
        designer,
        community_id=place.id,
        new=NewProposal("P05", "口袋公园怎么做", (Drawn(A), Drawn(B))),
    )


def test_a_proposal_is_looked_at_shown_and_revised(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 2)
    designer, clerk = world.staff(place, Role.DESIGNER).actor, world.clerk(place)
    design = posted(world, place, designer)

    def decide(publish: bool, note: str = "") -> None:
        operations.decide_proposal(
            clerk, community_id=place.id, design_id=design, publish=publish, note=note
        )

    def revise(actor: Actor = designer, what: str = "沙坑加盖", because: str = "") -> int:
        return operations.revise_proposal(
            actor,
            community_id=place.id,
            design_id=design,
            change=Change(what, because, (Drawn(A), Drawn(B))),
        )

    with pytest.raises(RuleBroken, match=r"design\.no_reason"):
        decide(publish=False)
    decide(publish=False, note="造价没有写明细")
    with pytest.raises(RuleBroken, match=r"design\.wrong_state"):
        decide(publish=True)
    assert revise() == 2
    assert queries.waiting(place.id)[0].public_id == design
    db.session.rollback()
    decide(publish=True)
    for what, because, code in ((" ", "", "no_change"), ("改", "nothing", "no_opinion")):
        with pytest.raises(RuleBroken, match=rf"design\.{code}"):
            revise(what=what, because=because)
    with pytest.raises(NotFound):
        revise(world.staff(place, Role.DESIGNER).actor)
    with pytest.raises(NotAllowed):
        revise(clerk)
    post = world.post(place, f"design:{design}")
    from app.discussion import operations as opinions

    opinions.publish_post(clerk, community_id=place.id, post_id=post)
    assert revise(what="沙坑一半改弹性地面", because=post) == 3
    jobs.run_due()
    (view,) = queries.published_for(place.id, "P05")
    assert view.state is State.PUBLISHED
    assert [one.number for one in view.revisions] == [3, 2, 1]
    assert view.revisions[0].because == post
    kinds = db.session.scalars(select(RecordEntry.kind).order_by(RecordEntry.seq)).all()
    assert kinds == ["design.published", "post.published", "design.revised"]
    (author,) = db.session.scalars(select(Post.person_id).where(Post.public_id == post))
    assert told(PersonNoticeKind.REVISED) == [(author, f"design:{design}")]
    assert told(PersonNoticeKind.DESIGN_RETURNED) == [(designer.person_id, f"design:{design}")]
    assert told(PersonNoticeKind.DESIGN_PUBLISHED) == [(designer.person_id, f"design:{design}")]


def told(kind: PersonNoticeKind) -> list[tuple[int, str]]:
    """Who was told of this by the worker, and about what."""
    lines = select(PersonNotice.person_id, PersonNotice.about).where(PersonNotice.kind == kind)
    return [(person, about) for person, about in db.session.execute(lines)]


def test_a_drawing_stays_when_a_revision_brings_none(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 1)
    designer = world.staff(place, Role.DESIGNER).actor
    world.project(place, "P05")
    drawing = Picture(large=b"x", thumb=b"x", width=4, height=3)

    def post(title: str) -> str:
        return operations.post_proposal(
            designer,
            community_id=place.id,
            new=NewProposal("P05", title, (Drawn(A, drawing), Drawn(B))),
        )

    with pytest.raises(RuleBroken, match=r"design\.no_title"):
        post(" ")
    design = post("口袋公园")
    first = queries.proposal(place.id, design).alternatives[0].picture
    db.session.rollback()
    operations.revise_proposal(
        designer,
        community_id=place.id,
        design_id=design,
        change=Change("只改文字", "", (Drawn(A, before=0), Drawn(B, before=1))),
    )
    kept, none = queries.proposal(place.id, design).alternatives
    assert kept.picture == first is not None
    assert none.picture is None
    db.session.rollback()
    operations.revise_proposal(
        designer,
        community_id=place.id,
        design_id=design,
        change=Change("换了次序，加了一套", "", (Drawn(B, before=1), Drawn(A, before=0), Drawn(A))),
    )
    pictures = [one.picture for one in queries.proposal(place.id, design).alternatives]
    assert pictures == [None, first, None]
    db.session.rollback()
    for call in (
        lambda: operations.decide_proposal(
            world.clerk(place), community_id=place.id, design_id="nothing", publish=True
        ),
        lambda: queries.proposal(place.id, "nothing"),
    ):
        with pytest.raises(NotFound):
            call()


def test_a_session_is_called_a_week_ahead_and_begins(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 1)
    designer, clerk = world.staff(place, Role.DESIGNER).actor, world.clerk(place)
    design = posted(world, place, designer)

    def call(**changes: object) -> str:
        return operations.call_session(
            clerk,
            community_id=place.id,
            design_id=design,
            meeting=world.new_meeting(**changes),
        )

    with pytest.raises(RuleBroken, match=r"design\.wrong_state"):
        call()
    operations.decide_proposal(clerk, community_id=place.id, design_id=design, publish=True)
    with pytest.raises(RuleBroken, match=r"meeting\.short_notice"):
        call(starts_at=clock.now() + timedelta(days=6))
    meeting = call()
    with pytest.raises(RuleBroken, match=r"meeting\.too_early"):
        operations.open_designer_session(clerk, community_id=place.id, meeting_id=meeting)
    clock.advance(timedelta(days=10))
    operations.open_designer_session(clerk, community_id=place.id, meeting_id=meeting)
    topic_meeting = world.meeting(place)
    with pytest.raises(NotFound):
        operations.open_designer_session(clerk, community_id=place.id, meeting_id=topic_meeting)


def test_a_session_is_put_off_with_a_reason_and_whoever_would_come_is_told(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    designer, clerk = world.staff(place, Role.DESIGNER).actor, world.clerk(place)
    design = posted(world, place, designer)
    operations.decide_proposal(clerk, community_id=place.id, design_id=design, publish=True)
    meeting = operations.call_session(
        clerk, community_id=place.id, design_id=design, meeting=world.new_meeting()
    )
    coming = world.resident(place)
    meetings.join_meeting(coming, community_id=place.id, meeting_id=meeting)
    topic_meeting = world.meeting(place)

    def put_off(actor: Actor = clerk, reason: str = "设计师生病了", about: str = meeting) -> str:
        return operations.postpone_session(
            actor, community_id=place.id, meeting_id=about, reason=reason
        )

    for reason in (" ", "长" * 1001):
        with pytest.raises(RuleBroken, match=r"design\.no_postponement"):
            put_off(reason=reason)
    for about in (topic_meeting, "nothing"):
        with pytest.raises(NotFound):
            put_off(about=about)
    for actor in (designer, coming):
        with pytest.raises(NotAllowed):
            put_off(actor)
    assert put_off() == design
    with pytest.raises(RuleBroken, match=r"meeting\.wrong_state"):
        put_off()
    jobs.run_due()
    about = f"meeting:{meeting}"
    assert told(PersonNoticeKind.MEETING_CHANGED) == [(coming.person_id, about)]
    assert told(PersonNoticeKind.SESSION_CALLED) == [(designer.person_id, about)]
    assert told(PersonNoticeKind.SESSION_POSTPONED) == [(designer.person_id, about)]
    db.session.rollback()
    clock.advance(timedelta(days=10))
    with pytest.raises(RuleBroken, match=r"meeting\.wrong_state"):
        operations.open_designer_session(clerk, community_id=place.id, meeting_id=meeting)
    again = operations.call_session(
        clerk, community_id=place.id, design_id=design, meeting=world.new_meeting()
    )
    assert again != meeting


def form(**changes: str) -> dict[str, str]:
    """Two alternatives as typed."""
    typed = {"title": "口袋公园怎么做", "project": "P05"}
    for letter, title, cost in (("a", "环步道", "400,000"), ("b", "小广场", "372000")):
        typed |= {
            f"{letter}-title": title,
            f"{letter}-summary": "大白话",
            f"{letter}-cost": cost,
            f"{letter}-upkeep": "15000",
            f"{letter}-serves": "老人",
            f"{letter}-gives_up": "没有广场",
        }
    return typed | changes


def test_by_the_pages(web_app: Flask, fixed_clock: datetime) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    world.project(place, "P05")
    designer, clerk, resident = (CheckedClient(web_app) for _ in range(3))
    designer.staff(world.staff(place, Role.DESIGNER))
    clerk.staff(world.staff(place))
    resident.enter(world, place, 0)
    assert designer.get("/c/HXL/designer/new").status_code == 200
    wrong = designer.post("/c/HXL/designer/new", form(**{"b-cost": "很多"}))
    assert wrong.status_code == 422
    assert "方案 B 没有写全" in wrong.text
    where = designer.post("/c/HXL/designer/new", form()).headers["Location"]
    design = where.rpartition("/")[2]
    assert resident.raw.get(where).status_code == 404
    assert "设计方案等审核" in clerk.get("/c/HXL/desk/").text
    assert clerk.post(f"/c/HXL/desk/designs/{design}/return", {"note": ""}).status_code == 303
    assert "等居委会审核" in clerk.get(where).text
    assert clerk.post(f"/c/HXL/desk/designs/{design}/publish").status_code == 303
    shown = resident.get(where).text
    for words in ("方案 A：环步道", "400,000", "放弃什么", "写意见"):
        assert words in shown, words
    said = resident.post(f"/c/HXL/say?about=design:{design}", {"text": "沙坑脏", "once": "a"})
    post = said.headers["Location"].rpartition("/")[2]
    assert clerk.post(f"/c/HXL/desk/posts/{post}/publish").status_code == 303
    assert "1 条意见等您回应" in designer.get("/c/HXL/designer").text
    answer = designer.post(f"/c/HXL/posts/{post}/answer", {"text": "一半加盖", "outcome": "uphold"})
    assert answer.status_code == 303
    revise = f"/c/HXL/designer/{design}/revise"
    assert "沙坑脏" in designer.get(revise).text
    changed = form() | {"what": "沙坑一半加盖", "because": post}
    assert designer.post(revise, changed).status_code == 303
    shown = resident.get(where).text
    for words in ("第 2 版", "沙坑一半加盖", "根据一条意见改的：沙坑脏", "设计师回应"):
        assert words in shown, words
    session = {
        "title": "第二场",
        "starts_at": "2026-06-01T09:00",
        "place": "空地",
        "capacity": "30",
        "held": "6",
        "quorum": "",
        "chair": "设计师",
        "recorder": "居委会",
        "agenda": "踏勘｜设计师｜30",
        "materials": "",
    }
    call = f"/c/HXL/desk/designs/{design}/session"
    assert clerk.get(call).status_code == 200
    assert clerk.post(call, session | {"agenda": "?"}).status_code == 422
    assert clerk.post(call, session).status_code == 303
    assert "第二场" in resident.get(where).text
    assert "put-off" not in resident.get(where).text
    meeting = meeting_queries.meetings_of(place.id)[0].public_id
    db.session.rollback()
    put_off = f"/c/HXL/desk/meetings/{meeting}/put-off"
    assert clerk.post(put_off, {"note": " "}).status_code == 303
    assert "请写明为什么延期" in clerk.get(where).text
    assert clerk.post(put_off, {"note": "下雨"}).status_code == 303
    shown = resident.get(where).text
    assert "延期" in shown
    assert "put-off" not in clerk.get(where).text, "it cannot be put off twice"
    jobs.run_due()
    inbox = designer.get("/c/HXL/inbox").text
    for words in ("您的设计方案已公布", "请您来设计师进社区的会", "的会延期了"):
        assert words in inbox, words
    assert "口袋公园怎么做（2 套方案）" in resident.get("/c/HXL/projects/P05").text


def test_a_drawing_goes_with_its_alternative_when_another_is_taken_out(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    world.project(place, "P05")
    account = world.staff(place, Role.DESIGNER)
    drawings = [Picture(large=mark, thumb=mark, width=4, height=3) for mark in (b"a", b"b", b"c")]
    design = operations.post_proposal(
        account.actor,
        community_id=place.id,
        new=NewProposal("P05", "口袋公园", tuple(Drawn(A, drawing) for drawing in drawings)),
    )
    before = [one.picture for one in queries.proposal(place.id, design).alternatives]
    db.session.rollback()
    designer = CheckedClient(web_app)
    designer.staff(account)
    typed = {name.replace("a-", "c-"): text for name, text in form(what="去掉第一套").items()}
    assert designer.post(f"/c/HXL/designer/{design}/revise", typed).status_code == 303
    kept = [one.picture for one in queries.proposal(place.id, design).alternatives]
    assert kept == before[1:]


@pytest.mark.parametrize("upkeep", ["", " ", "不多", "约15000", "-5", "1.234"])
def test_upkeep_that_cannot_be_read_is_refused_at_its_field(
    web_app: Flask, fixed_clock: datetime, upkeep: str
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    world.project(place, "P05")
    designer = CheckedClient(web_app)
    designer.staff(world.staff(place, Role.DESIGNER))
    refused = designer.post("/c/HXL/designer/new", form(**{"b-upkeep": upkeep}))
    assert refused.status_code == 422
    said = "请写每年维护要花多少元，只写数字；不用花钱的，写 0。"
    assert f'id="b-upkeep-error-1">{said}' in refused.text
    assert f'<a href="#b-upkeep">方案 B · 每年维护（元）：{said}</a>' in refused.text
    assert refused.text.count(said) == 2, "nothing is said of the alternative left empty"
    written = designer.post("/c/HXL/designer/new", form(**{"b-upkeep": "0"}))
    design = written.headers["Location"].rpartition("/")[2]
    db.session.rollback()
    costs = [one.plan.upkeep_fen for one in queries.proposal(place.id, design).alternatives]
    assert costs == [1_500_000, 0]


def test_an_alternative_of_upkeep_alone_is_not_dropped_unread() -> None:
    typed = {"c-upkeep": "不多"}
    assert not PlanForm(MultiDict(typed), prefix="c").is_empty()


def test_a_drawing_opens_on_a_page_with_a_way_back(web_app: Flask, fixed_clock: datetime) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    designer, clerk = world.staff(place, Role.DESIGNER).actor, world.clerk(place)
    world.project(place, "P05")
    design = operations.post_proposal(
        designer,
        community_id=place.id,
        new=NewProposal(
            "P05",
            "口袋公园",
            (Drawn(A, Picture(large=b"x", thumb=b"x", width=4, height=3)), Drawn(B)),
        ),
    )
    client, page = CheckedClient(web_app), f"/c/HXL/designs/{design}/A"
    assert client.raw.get(page).status_code == 404, "nobody has looked at it yet"
    operations.decide_proposal(clerk, community_id=place.id, design_id=design, publish=True)
    assert f'href="{page}"' in client.get(f"/c/HXL/designs/{design}").text
    shown = client.get(page).text
    assert "/large.webp" in shown
    assert shown.count(f'href="/c/HXL/designs/{design}"') == 2, "above and below the drawing"
    for nothing in ("B", "C", "x"):
        assert client.raw.get(f"/c/HXL/designs/{design}/{nothing}").status_code == 404

"""Pages of bodies without scripts: the public list, the desk, acting, speaking, answering."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.bodies.models import Body
from app.bodies.rules import Kind
from app.core import clock, jobs
from app.core.actor import Role
from app.core.db import db
from app.discussion import operations as opinions
from app.exports import dossier_facts
from app.exports.dossier_words import in_words
from app.meetings import parties, queries
from app.people import member_queries
from app.people.models import SecurityEvent
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from app.core.actor import Actor
    from tests.support.world import Place, World

DESK = "/c/HXL/desk/bodies"


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community("HXL", 4)


def body_fields(name: str, /, **changes: str) -> dict[str, str]:
    return {
        "kind": "property_service_company",
        "name": name,
        "contact": "物业服务站，一区门口",
        "since": "2026-05-01",
    } | changes


def listed() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Body.id))) or 0


def newest(place: Place) -> Actor:
    """Whoever came into the second household, as the operations know them."""
    from app.core.actor import Actor

    (line,) = member_queries.members(place.id, place.households[1])
    return Actor(person_id=line.person_id)


def test_a_visitor_reads_who_takes_part(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    assert "还没有登记单位" in client.get("/c/HXL/bodies").text
    client.staff(web_world.staff(place))
    page = client.get(f"{DESK}/new").text
    assert 'value="2026-05-20"' in page
    answer = client.post(f"{DESK}/new", body_fields("安居物业公司"))
    assert answer.status_code == 303
    assert "已加到名册，并记入公开记录。" in client.get(DESK).text
    again = client.post(f"{DESK}/new", body_fields("安居物业公司"))
    assert (again.status_code, "没有再加一个" in again.text) == (422, True)
    client.post("/sign-out")
    client.signed_in = False
    page = client.get("/c/HXL/bodies").text
    for words in ("安居物业公司", "物业服务企业", "物业服务站，一区门口", "5月1日"):
        assert words in page, words
    assert "管理名册" not in page
    assert 'href="/c/HXL/bodies"' in client.get("/c/HXL/").text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "请写名称"),
        ({"name": "名" * 81}, "80"),
        ({"kind": ""}, "请选一类"),
        ({"kind": "club"}, "请看看这里"),
        ({"since": "2027-01-01"}, "开始参加的日子还没有到"),
        ({"since": "nonsense"}, "请看看这里"),
        ({"contact": "210102199001011234"}, "像是有身份证号"),
    ],
)
def test_what_is_typed_wrong_is_said_and_nothing_is_kept(
    client: CheckedClient, web_world: World, place: Place, changes: dict[str, str], words: str
) -> None:
    client.staff(web_world.staff(place))
    answer = client.post(f"{DESK}/new", body_fields("安居物业公司", **changes))
    assert (answer.status_code, words in answer.text) == (422, True), answer.text
    assert listed() == 0


def test_two_taps_are_one_body(client: CheckedClient, web_world: World, place: Place) -> None:
    client.staff(web_world.staff(place))
    fields = client.fields(f"{DESK}/new", f"{DESK}/new") | body_fields("安居物业公司")
    for _tap in range(2):
        assert client.raw.post(f"{DESK}/new", data=fields).status_code == 303
    assert listed() == 1


def test_the_desk_corrects_and_closes_a_body(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    body = web_world.body(place)
    web_world.acting(place, body, web_world.resident(place))
    client.staff(web_world.staff(place))
    page = client.get(f"{DESK}/{body}").text
    assert 'value="一区业主委员会"' in page
    changed = body_fields("槐香里一区业主委员会", kind="owners_committee")
    assert client.post(f"{DESK}/{body}", changed).status_code == 303
    same = client.post(f"{DESK}/{body}", changed)
    assert (same.status_code, "和原来一样" in same.text) == (422, True)
    other = client.post(f"{DESK}/{body}", changed | {"kind": "agency"})
    assert "现在有人代表它" in other.text
    assert "现在代表它的 1 人从现在起不再代表" in client.get(f"{DESK}/{body}/close").text
    assert client.post(f"{DESK}/{body}/close", {"word": ""}).status_code == 422
    assert client.post(f"{DESK}/{body}/close", {"word": "撤销了"}).status_code == 303
    assert "以前参加过的" in client.get("/c/HXL/bodies").text
    assert client.post(f"{DESK}/{body}", changed).status_code == 422
    assert "已经不参加了" in client.get(f"{DESK}/{body}/close").text


def test_a_resident_is_asked_from_their_household_and_speaks_for_a_body(
    client: CheckedClient, web_app: Flask, web_world: World, place: Place
) -> None:
    resident = CheckedClient(web_app)
    resident.enter(web_world, place, 1)
    body = web_world.body(place)
    topic, other = web_world.topic(place), web_world.topic(place, title="车位不够")
    client.staff(web_world.staff(place))
    (line,) = member_queries.members(place.id, place.households[1])
    home = client.get(f"/c/HXL/desk/households/{place.households[1]}").text
    assert f'href="{DESK}?member={line.member_id}"' in home
    assert "请选这位居民代表哪个单位" in client.get(f"{DESK}?member={line.member_id}").text
    give = f"{DESK}/{body}/acting?member={line.member_id}"
    fields = client.fields(give, give) | {
        "called": "2 室老李",
        "scope": f"topic:{topic}",
        "until": "2026-06-30",
        "ground": "业委会 5 月 8 日会议定的",
    }
    assert "楼下没有长椅" in client.get(give).text
    unchosen = client.post(give, fields | {"scope": ""})
    assert (unchosen.status_code, "请选代表它办什么" in unchosen.text) == (422, True)
    missing = client.post(give, fields | {"ground": ""})
    assert (missing.status_code, "请写单位是怎么定的" in missing.text) == (422, True)
    assert client.post(give, fields).status_code == 303
    assert "2 室老李" in client.get(DESK).text

    db.session.rollback()
    jobs.run_due()
    assert "您可以代表这个单位了" in resident.get("/c/HXL/inbox").text
    # The cookie was renewed by that page; now they speak.
    mine = resident.get("/c/HXL/my/bodies").text
    assert "楼下没有长椅" in mine
    assert "车位不够" not in mine
    assert "/c/HXL/my/bodies" in resident.get("/c/HXL/mine").text
    say = f"/c/HXL/say?about=topic:{topic}"
    page = resident.get(say).text
    for words in ("以谁的名义说", "我自己（居民）", "一区业主委员会"):
        assert words in page, words
    assert "以谁的名义说" not in resident.get(f"/c/HXL/say?about=topic:{other}").text
    answer = resident.post(say, {"text": "我们管后面的维修。", "once": "a", "body": body})
    assert answer.status_code == 303
    beyond = resident.post(
        f"/c/HXL/say?about=topic:{other}", {"text": "我们也管。", "once": "b", "body": body}
    )
    assert (beyond.status_code, "不是在这件事上" in beyond.text) == (422, True)
    unknown = resident.post(say, {"text": "我们也管。", "once": "c", "body": "nobody"})
    assert unknown.status_code == 404
    post = answer.headers["Location"].rsplit("/", 1)[1]
    assert "一区业主委员会" in client.get(f"/c/HXL/desk/posts/{post}").text
    opinions.publish_post(web_world.clerk(place), community_id=place.id, post_id=post)
    public = CheckedClient(web_app).get(f"/c/HXL/topics/{topic}").text
    assert "一区业主委员会" in public
    assert "老李" not in public

    acting = client.get(DESK).text.split("/acting/")[1].split("/")[0]
    end = f"{DESK}/acting/{acting}/end"
    assert client.post(end, {"word": ""}).status_code == 422
    assert client.post(end, {"word": "换人了"}).status_code == 303
    assert resident.get("/c/HXL/my/bodies").status_code == 404
    db.session.rollback()
    jobs.run_due()
    assert "您不再代表这个单位" in resident.get("/c/HXL/inbox").text
    late = resident.post(say, {"text": "再说一句。", "once": "d", "body": body})
    assert "您代表这个单位的日子已经到了" in late.text
    kept = resident.get("/c/HXL/mine/data").text
    assert "您代表过的单位" in kept
    assert "2 室老李" in kept


def test_what_is_given_to_oneself_or_to_a_neighbour_by_hand_is_refused_and_noted(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    clerk = web_world.staff(place)
    client.staff(clerk)
    give = f"{DESK}/{web_world.body(place)}/acting"
    fields = {"scope": "community", "until": "2026-06-30", "ground": "有来函", "called": ""}
    elsewhere = web_world.staff(web_world.community("YYL", 1)).actor
    for who, words in ((clerk.actor, "不能让自己代表"), (elsewhere, "请选一位在本社区")):
        answer = client.post(give, fields | {"person": str(who.person_id)})
        assert (answer.status_code, words in answer.text) == (422, True)
    db.session.rollback()
    kind = SecurityEvent.kind == "acting.attempt_refused"
    rows = db.session.scalars(select(SecurityEvent).where(kind).order_by(SecurityEvent.id))
    assert [row.facts["why"] for row in rows] == ["self", "no_person"]


def test_somebody_lays_it_down_themself(
    client: CheckedClient, web_app: Flask, web_world: World, place: Place
) -> None:
    client.enter(web_world, place, 1)
    neighbour = CheckedClient(web_app)
    neighbour.enter(web_world, place, 2)
    acting = web_world.acting(place, web_world.body(place), newest(place))
    end = f"{DESK}/acting/{acting}/end"
    assert neighbour.get(end).status_code == 404
    assert neighbour.post(end, {"word": "不许"}).status_code == 404
    assert "您不再代表它" in client.get(end).text
    assert client.post(end, {"word": ""}).status_code == 303
    assert client.get(end).status_code == 404


def test_a_designers_practice_stands_beside_the_proposal(
    client: CheckedClient, web_app: Flask, web_world: World, place: Place
) -> None:
    designer = web_world.staff(place, Role.DESIGNER)
    code = web_world.project(place, "P01")
    design = web_world.design(place, designer.actor, code)
    client.staff(designer)
    page = f"/c/HXL/designs/{design}"
    assert "写意见" not in client.get(page).text
    body = web_world.body(place, Kind.DESIGN_PRACTICE, "栖河规划设计所")
    web_world.acting(place, body, designer.actor, f"project:{code}")
    builder = web_world.body(place, Kind.CONTRACTOR, "云台建筑公司")
    web_world.acting(place, builder, web_world.resident(place), f"project:{code}")
    shown = client.get(page).text
    assert "栖河规划设计所" in shown
    assert "写意见" in shown
    say = f"/c/HXL/say?about=design:{design}"
    assert "我自己（居民）" not in client.get(say).text
    alone = client.post(say, {"text": "坡道改缓了。", "once": "a", "body": ""})
    assert (alone.status_code, "只能以单位的名义说" in alone.text) == (422, True)
    sent = client.post(say, {"text": "坡道改缓了。", "once": "a", "body": body})
    assert sent.status_code == 303
    assert "坡道改缓了" in client.get(sent.headers["Location"]).text
    assert "坡道改缓了" in client.get("/c/HXL/opinions/").text
    public = CheckedClient(web_app)
    assert "栖河规划设计所" in public.get(page).text
    assert "施工单位：云台建筑公司" in public.get(f"/c/HXL/projects/{code}").text


def test_a_meeting_shows_who_was_due_and_who_came(
    client: CheckedClient, web_app: Flask, web_world: World, place: Place
) -> None:
    resident = CheckedClient(web_app)
    resident.enter(web_world, place, 1)
    owners = web_world.body(place)
    school = web_world.body(place, Kind.RESIDENT_ORGANISATION, "北苑小学")
    topic = web_world.topic(place)
    meeting = web_world.meeting(place, topic, parties=("一区业主委员会", "一区居民 5 人"))
    web_world.acting(place, owners, newest(place), f"topic:{topic}")
    client.staff(web_world.staff(place))
    desk, page = f"/c/HXL/desk/meetings/{meeting}", f"/c/HXL/meetings/{meeting}"
    assert "再请一个单位来" in client.get(desk).text
    assert client.post(f"{desk}/parties", {"body": school}).status_code == 303
    assert client.post(f"{desk}/parties", {"body": school}).status_code == 422
    assert client.post(f"{desk}/parties", {"body": "nobody"}).status_code == 422

    assert "一区业主委员会：来不来" in resident.get(page).text
    answer = f"{page}/parties/{owners}"
    empty = resident.post(answer, {"said": "declined", "reason": ""})
    assert (empty.status_code, "请写一句为什么" in empty.text) == (422, True)
    assert resident.post(answer, {"said": "coming"}).status_code == 303
    beyond = resident.post(f"{page}/parties/{school}", {"said": "coming"})
    assert (beyond.status_code, "您没有代表这个单位" in beyond.text) == (422, True)
    public = CheckedClient(web_app).get(page).text
    assert "说了来" in public
    assert "来不来" not in public

    clock.advance(timedelta(days=10))
    client = CheckedClient(web_app)
    client.staff(web_world.staff(place))
    first, second, third = (one.id for one in queries.parties(place.id, meeting))
    for party in (first, second):
        assert client.post(f"{desk}/parties/{party}", {"said": "present"}).status_code == 303
    silent = client.post(f"{desk}/parties/{third}", {"said": "absent"})
    assert (silent.status_code, "请写一句为什么" in silent.text) == (422, True)
    away = {"said": "absent", "reason": "放假"}
    assert client.post(f"{desk}/parties/{third}", away).status_code == 303
    public = CheckedClient(web_app).get(page).text
    for words in ("应到各方", "北苑小学（驻社区单位）", "放假", "没有到"):
        assert words in public, words


def test_the_dossier_says_who_was_due_who_came_and_who_spoke(
    web_world: World, web_app: Flask, place: Place
) -> None:
    from app.communities.queries import community_by_code
    from app.consultations import operations as topics
    from app.meetings import operations as meetings

    clerk, person = web_world.clerk(place), web_world.resident(place)
    owners = web_world.body(place)
    web_world.body(place, Kind.RESIDENT_ORGANISATION, "北苑小学")
    topic = web_world.topic(place)
    meeting = web_world.meeting(place, topic, parties=("一区业主委员会", "北苑小学"))
    web_world.acting(place, owners, person)
    post = web_world.post(place, f"topic:{topic}", person, "我们管后面的维修。", owners)
    opinions.publish_post(clerk, community_id=place.id, post_id=post)
    clock.advance(timedelta(days=10))
    mine = {"community_id": place.id, "meeting_id": meeting}
    topics.open_session(clerk, community_id=place.id, topic_id=topic)
    first, second = (one.id for one in queries.parties(place.id, meeting))
    parties.note_presence(clerk, party_id=first, seen="present", **mine)
    parties.note_presence(clerk, party_id=second, seen="absent", reason="放假", **mine)
    meetings.close_meeting(clerk, **mine)
    view = community_by_code("HXL")
    assert view is not None
    facts = dossier_facts.gather(view, topic)
    with web_app.test_request_context():
        text = "\n".join(line for section in in_words(facts).sections for line in section.lines)
    for words in (
        "应到各方：一区业主委员会、北苑小学（驻社区单位）",
        "到场：一区业主委员会",
        "没有到：北苑小学（驻社区单位）（放假）",
        "1. 一区业主委员会，",
    ):
        assert words in text, text
    told = dossier_facts.as_data(facts, [])
    assert told["opinions"][0]["body"] == "一区业主委员会"
    assert told["meetings"][0]["parties"][1] == {
        "name": "北苑小学",
        "kind": "resident_organisation",
        "presence": "absent",
        "reason": "放假",
    }

"""A community is set up step by step, goes on where it was left, and hands itself over."""

from __future__ import annotations

import re
import stat
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pyotp
import pytest
import zxingcpp
from sqlalchemy import func, select

from app.communities import operations as communities
from app.communities import places
from app.communities import queries as community_queries
from app.communities.models import Community, Jurisdiction
from app.core import clock, qr
from app.core.actor import SYSTEM, Actor, Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.people import accounts
from app.people import operations as people
from app.people.models import SecurityEvent, StaffAccount
from app.people.slips import Slip, new_password
from app.starting import queries
from app.starting.adding import ensure_community
from app.starting.rules import Exists, Step, Task, next_step, tasks_done
from tests.portal.test_cli import run
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from werkzeug.test import TestResponse

CARD = {
    "name": "槐香里社区",
    "code": "hxl",
    "desk_phone": "024-1000001",
    "office": "3 号楼东侧",
    "hours": "周一至周五 8:30–17:00",
}


def administrator(app: Flask, client: CheckedClient) -> None:
    """An empty installation, and its first administrator in front of it."""
    city = communities.add_jurisdiction(
        SYSTEM, level="city", code="QH", name="清河市", parent_id=None
    )
    world = World(app)
    password = new_password("lin")
    secret = people.add_staff(
        SYSTEM,
        sign_in_name="lin",
        display="林管理员",
        password=password,
        role=Role.ADMINISTRATOR,
        jurisdiction_id=city,
    )
    sign_in(client, "lin", password, secret)
    del world


def sign_in(client: CheckedClient, name: str, password: str, secret: str) -> TestResponse:
    totp = pyotp.TOTP(secret).at(clock.now())
    answer = client.post("/staff/sign-in", {"name": name, "password": password, "totp": totp})
    assert answer.status_code == 303, answer.text[:3000]
    client.signed_in = True
    return answer


def slip_on(page: str) -> tuple[str, str]:
    """The password and the secret on a slip's page, as a person reads them."""
    words = re.sub(r"</span><wbr><span[^>]*>|<[^>]+>", "", page)
    password = re.search(r"[0-9a-z]{4}(?:-[0-9a-z]{4}){5}", words)
    secret = re.search(r"[A-Z2-7]{4}(?:-[A-Z2-7]{4}){7}", words)
    assert password is not None
    assert secret is not None
    return password[0], secret[0].replace("-", "")


def test_from_an_empty_installation_to_a_clerk_at_the_desk(
    web_app: Flask, client: CheckedClient
) -> None:
    administrator(web_app, client)
    assert "新建社区" in client.get("/system/").text
    first = client.get("/system/communities/new").text
    assert "第 1 步，共 5 步" in first
    answer = client.post(
        "/system/communities/new", {"district": "云台区", "subdistrict": "北苑街道"}
    )
    assert answer.location == "/system/communities/new/QH-1-1"
    assert "云台区 · 北苑街道" in client.get(answer.location).text
    answer = client.post(answer.location, CARD)
    assert answer.location == "/system/communities/HXL/people/clerk"
    assert "没建完" in client.get("/system/").text
    slip = client.post(answer.location, {"display": "王芳", "sign_in_name": "wangfang"})
    assert slip.headers["Cache-Control"] == "no-store"
    password, secret = slip_on(slip.text)
    # Left and come back to: the set-up goes on where it was.
    answer = client.get("/system/communities/HXL/")
    assert answer.location == "/system/communities/HXL/people/member"
    assert "第 4 步，共 5 步" in client.get(answer.location).text
    client.post(answer.location, {"display": "赵敏", "sign_in_name": "zhaomin"})
    done = client.get("/system/communities/HXL/").text
    assert "第 5 步，共 5 步" in done
    assert "王芳" in done
    assert password not in done
    assert "已交给社区" in client.get("/system/").text

    clerk = CheckedClient(web_app)
    sign_in(clerk, "wangfang", password, secret)
    desk = clerk.get("/c/HXL/desk/").text
    assert "开始使用" in desk
    assert desk.count('aria-current="step"') == 1
    # What a community does stays closed to whoever set it up.
    for closed in ("desk/", "desk/roll", "desk/households", "desk/votes/", "desk/letters"):
        assert client.get(f"/c/HXL/{closed}").status_code == 404


def test_a_step_sent_twice_makes_one_place_and_one_community(
    web_app: Flask, client: CheckedClient
) -> None:
    administrator(web_app, client)
    new = {"district": "云台区", "subdistrict": "北苑街道"}
    addresses = {client.post("/system/communities/new", new).location for _twice in range(2)}
    assert len(addresses) == 1
    (address,) = addresses
    assert [client.post(address, CARD).status_code for _twice in range(2)] == [303, 303]
    assert db.session.scalar(select(func.count(Community.id))) == 1
    assert db.session.scalar(select(func.count(Jurisdiction.id))) == 3
    # Another community under the same code is told so in a sentence, with what was typed kept.
    other = client.post(address, CARD | {"name": "别的社区"})
    assert other.status_code == 422
    assert "编号 HXL 已经有社区" in other.text
    assert "别的社区" in other.text


def test_only_a_code_that_is_taken_by_the_same_community_is_no_mistake(world: World) -> None:
    place = world.community("HXL", 1)
    admin = world.staff(place, Role.ADMINISTRATOR).actor
    known = db.session.get_one(Community, place.id)
    new = communities.NewCommunity(
        code="HXL",
        name=known.name,
        jurisdiction_id=known.jurisdiction_id,
        desk_phone="024-1",
        office="别处",
        hours="每天",
        intro="",
        demo=False,
    )
    db.session.rollback()
    assert ensure_community(admin, new) == place.id
    assert community_queries.community_by_code("HXL").office != "别处"
    db.session.rollback()
    with pytest.raises(RuleBroken, match=r"place\.code_taken"):
        ensure_community(admin, replace(new, name="别的社区"))
    with pytest.raises(RuleBroken, match=r"place\.code_shape"):
        ensure_community(admin, replace(new, code="hxl "))
    with pytest.raises(NotAllowed):
        ensure_community(world.clerk(place), new)


def test_a_slip_that_was_lost_is_made_anew_until_somebody_has_signed_in(
    web_app: Flask, client: CheckedClient
) -> None:
    administrator(web_app, client)
    client.post("/system/communities/new", {"district": "云台区", "subdistrict": "北苑街道"})
    client.post("/system/communities/new/QH-1-1", CARD)
    step = "/system/communities/HXL/people/clerk"
    wang = {"display": "王芳", "sign_in_name": "wangfang"}
    first = slip_on(client.post(step, wang).text)
    # A second tap: the account is there, its slip gone; the page offers another.
    again = client.post(step, wang)
    assert (again.status_code, "已经有人用了" in again.text) == (422, True)
    renew = re.search(r'action="(/system/communities/HXL/people/\d+/slip)"', again.text)
    assert renew is not None
    second = slip_on(client.post(renew[1]).text)
    assert first[0] != second[0]
    assert first[1] != second[1]
    lost = CheckedClient(web_app)
    refused = lost.post(
        "/staff/sign-in",
        {"name": "wangfang", "password": first[0], "totp": pyotp.TOTP(first[1]).at(clock.now())},
    )
    assert refused.status_code == 422
    sign_in(CheckedClient(web_app), "wangfang", *second)
    late = client.post(renew[1])
    assert late.status_code == 409
    assert "已经有人用这个账号登录过" in late.text
    assert "重新出一张" not in client.get(step).text


def test_what_is_typed_wrong_is_said_beside_its_field(
    web_app: Flask, client: CheckedClient
) -> None:
    administrator(web_app, client)
    answer = client.post("/system/communities/new", {"district": "", "subdistrict": "北苑街道"})
    assert (answer.status_code, "请写区（县）的名字" in answer.text) == (422, True)
    client.post("/system/communities/new", {"district": "云台区", "subdistrict": "北苑街道"})
    # The place that is there needs no typing.
    page = client.get("/system/communities/new").text
    assert "云台区 · 北苑街道" in page
    answer = client.post("/system/communities/new", {"where": "QH-1-1"})
    assert answer.location.endswith("/QH-1-1")
    # Typing a new one while the old one is still marked means the new one.
    both = {"where": "QH-1-1", "district": "云台区", "subdistrict": "南湖街道"}
    assert client.post("/system/communities/new", both).location.endswith("/QH-1-2")
    bad = client.post("/system/communities/new/QH-1-1", CARD | {"code": "槐香里"})
    assert (bad.status_code, "只用字母、数字和短横" in bad.text) == (422, True)
    client.post("/system/communities/new/QH-1-1", CARD)
    bad = client.post(
        "/system/communities/HXL/people/clerk", {"display": "王芳", "sign_in_name": "王"}
    )
    assert (bad.status_code, "小写字母或数字" in bad.text) == (422, True)
    for nowhere in ("new/XX", "HXL/people/mayor", "NONE/"):
        assert client.get(f"/system/communities/{nowhere}").status_code == 404


def test_a_wrong_phone_number_can_be_corrected_before_it_is_printed(
    web_app: Flask, client: CheckedClient
) -> None:
    administrator(web_app, client)
    client.post("/system/communities/new", {"district": "云台区", "subdistrict": "北苑街道"})
    client.post("/system/communities/new/QH-1-1", CARD)
    for step, name in (("clerk", "wangfang"), ("member", "zhaomin")):
        client.post(
            f"/system/communities/HXL/people/{step}", {"display": "某人", "sign_in_name": name}
        )
    client.post(
        "/system/communities/HXL/people/affairs_supervisor",
        {"display": "孙监督", "sign_in_name": "sunjd"},
    )
    assert "024-1000001" in client.get("/system/communities/HXL/card").text
    changed = {key: value for key, value in CARD.items() if key != "code"}
    answer = client.post("/system/communities/HXL/card", changed | {"desk_phone": "024-2000002"})
    assert answer.status_code == 303
    page = client.get("/system/communities/HXL/").text
    assert "孙监督" in page
    assert client.post("/system/communities/HXL/card", {"name": ""}).status_code == 422
    assert community_queries.community_by_id(1).desk_phone == "024-2000002"


@pytest.mark.parametrize("role", [Role.CLERK, Role.COMMITTEE, Role.SUPERVISOR, Role.DISTRICT])
def test_only_administrators_set_communities_up(
    web_app: Flask, client: CheckedClient, role: Role
) -> None:
    world = World(web_app)
    client.staff(world.staff(world.community(), role))
    for address in ("new", "new/SHXL", "HXL/", "HXL/card", "HXL/people/clerk"):
        assert client.get(f"/system/communities/{address}").status_code == 404
    assert client.post("/system/communities/HXL/people/1/slip").status_code == 404


# --- operations, on both engines -------------------------------------------------------------


def kinds() -> list[str]:
    return list(db.session.scalars(select(SecurityEvent.kind).order_by(SecurityEvent.id)))


def test_places_are_made_once_and_noted(world: World) -> None:
    city = communities.add_jurisdiction(
        SYSTEM, level="city", code="QH", name="清河市", parent_id=None
    )

    def make(subdistrict: str) -> str:
        return places.ensure_subdistrict(
            SYSTEM, city_id=city, district="云台区", subdistrict=subdistrict
        )

    assert [make("北苑街道"), make("北苑街道"), make("南湖街道")] == ["QH-1-1", "QH-1-1", "QH-1-2"]
    assert kinds() == ["place.added"] * 4
    with pytest.raises(RuleBroken, match=r"place\.no_name"):
        make("")
    with pytest.raises(NotAllowed):
        places.ensure_subdistrict(Actor(), city_id=city, district="甲", subdistrict="乙")
    # Without a city above, as in an installation of one district.
    alone = places.ensure_subdistrict(SYSTEM, city_id=None, district="新区", subdistrict="一街道")
    assert alone == "D-1-1"
    assert queries.above(alone)[1].name == "新区 · 一街道"
    del world


def test_the_same_subdistrict_sent_by_six_at_once_is_made_once(app: Flask) -> None:
    city = communities.add_jurisdiction(
        SYSTEM, level="city", code="QH", name="清河市", parent_id=None
    )
    codes: list[str] = []

    def send() -> None:
        with app.app_context():
            codes.append(
                places.ensure_subdistrict(
                    SYSTEM, city_id=city, district="云台区", subdistrict="北苑街道"
                )
            )
            db.session.remove()

    threads = [threading.Thread(target=send) for _one in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert codes == ["QH-1-1"] * 6
    assert db.session.scalar(select(func.count(Jurisdiction.id))) == 3


def test_a_community_is_corrected_and_its_roll_confirmed_once(world: World) -> None:
    place = world.community("HXL", 3)
    clerk, administrator_ = world.staff(place), world.staff(place, Role.ADMINISTRATOR)
    places.change_community(
        administrator_.actor,
        community_id=place.id,
        name="槐香里",
        desk_phone="1",
        office="2",
        hours="3",
    )
    with pytest.raises(NotFound):
        places.change_community(
            SYSTEM, community_id=999, name="无", desk_phone="", office="", hours=""
        )
    with pytest.raises(NotAllowed):
        places.change_community(
            clerk.actor, community_id=place.id, name="", desk_phone="", office="", hours=""
        )
    assert not community_queries.roll_confirmed(place.id)
    for _twice in range(2):
        places.confirm_roll(clerk.actor, community_id=place.id)
    assert community_queries.roll_confirmed(place.id)
    with pytest.raises(NotAllowed):
        places.confirm_roll(administrator_.actor, community_id=place.id)
    assert kinds()[-3:] == ["place.changed", "roll.confirmed", "roll.confirmed"]


def test_a_slip_is_renewed_for_an_unused_account_of_this_community_alone(world: World) -> None:
    place, other = world.community("HXL", 1), world.community("YYL", 1)
    admin = world.staff(place, Role.ADMINISTRATOR).actor
    used = world.staff(place, Role.CLERK)
    people.add_staff(
        admin,
        sign_in_name="zhaomin",
        display="赵敏",
        password=new_password("zhaomin"),
        role=Role.COMMITTEE,
        community_id=place.id,
    )
    unused = queries.staff_of(place.id, (Role.COMMITTEE,))[0].person_id
    password = new_password("zhaomin")
    done = accounts.renew_slip(admin, community_id=place.id, person_id=unused, password=password)
    assert people.staff_sign_in(
        Actor(),
        sign_in_name="zhaomin",
        password=password,
        totp=pyotp.TOTP(done.secret).at(clock.now()),
    )
    event = db.session.scalars(select(SecurityEvent).where(SecurityEvent.kind == "staff.renewed"))
    assert event.one().facts == {"by": admin.person_id}
    in_use = used.actor.require_person()
    with pytest.raises(RuleBroken, match=r"staff\.in_use"):
        accounts.renew_slip(admin, community_id=place.id, person_id=in_use, password=password)
    with pytest.raises(NotFound):
        accounts.renew_slip(admin, community_id=other.id, person_id=in_use, password=password)
    with pytest.raises(NotAllowed):
        accounts.renew_slip(used.actor, community_id=place.id, person_id=in_use, password=password)


def test_a_weak_password_is_no_new_slip(world: World) -> None:
    place = world.community("HXL", 1)
    people.add_staff(
        SYSTEM,
        sign_in_name="zhaomin",
        display="赵敏",
        password=new_password("zhaomin"),
        role=Role.COMMITTEE,
        community_id=place.id,
    )
    (line,) = queries.staff_of(place.id)
    before = db.session.scalar(select(StaffAccount.password_hash))
    with pytest.raises(RuleBroken, match=r"staff\.password_short"):
        accounts.renew_slip(
            SYSTEM, community_id=place.id, person_id=line.person_id, password="short"
        )
    assert db.session.scalar(select(StaffAccount.password_hash)) == before


@pytest.mark.parametrize("code", ["hxl", "", "槐香里", "H L", "-HX", "H" * 21, "HX/L"])
def test_a_code_that_cannot_stand_in_an_address_is_refused(world: World, code: str) -> None:
    world.community("YYL", 1)
    with pytest.raises(RuleBroken, match=r"place\.code_shape"):
        communities.add_community(
            SYSTEM, communities.NewCommunity(code, "某社区", 1, "1", "2", "3", "", demo=False)
        )


# --- rules -------------------------------------------------------------------------------------


def test_the_set_up_goes_on_at_the_first_role_nobody_holds() -> None:
    assert next_step(frozenset()) is Step.CLERK
    assert next_step(frozenset({Role.COMMITTEE})) is Step.CLERK
    assert next_step(frozenset({Role.CLERK, Role.DESIGNER})) is Step.MEMBER
    assert next_step(frozenset({Role.CLERK, Role.COMMITTEE})) is Step.HAND_OVER


@pytest.mark.parametrize(
    ("there", "done"),
    [
        (Exists(0, False, 0, 0, 0), set()),
        (Exists(200, False, 0, 0, 0), {Task.ROLL}),
        (Exists(200, True, 0, 0, 0), {Task.ROLL, Task.LOOK}),
        (Exists(200, False, 3, 0, 0), {Task.ROLL, Task.LOOK, Task.LETTERS}),
        (Exists(200, True, 200, 1, 0), {Task.ROLL, Task.LOOK, Task.LETTERS, Task.PROJECT}),
        (Exists(200, True, 200, 0, 1), set(Task)),
        (Exists(0, True, 0, 1, 0), {Task.PROJECT}),
    ],
)
def test_first_tasks_are_ticked_by_what_is_there(there: Exists, done: set[Task]) -> None:
    assert {task for task, ticked in tasks_done(there).items() if ticked} == done


def test_a_password_never_holds_the_name_it_is_for() -> None:
    drawn = [new_password("he") for _one in range(300)]
    assert not [one for one in drawn if "he" in one]
    assert len(set(drawn)) == 300
    assert {len(one) for one in drawn} == {29}


def test_the_code_on_a_slip_is_read_by_an_authenticator() -> None:
    secret = pyotp.random_base32()
    slip = Slip("槐香里社区", "社区工作人员", "王芳", "wangfang", "x", secret, "http://x")
    (read,) = zxingcpp.read_barcodes(bitmap_of(qr.drawn(slip.otpauth)))
    parsed = pyotp.parse_uri(read.text)
    assert isinstance(parsed, pyotp.TOTP)
    assert (parsed.secret, parsed.name, parsed.issuer) == (secret, "wangfang", "邻议 槐香里社区")


def bitmap_of(code: qr.Drawn) -> object:
    """The outline as a picture, four pixels for a module."""
    from PIL import Image

    picture = Image.new("L", (code.size * 4, code.size * 4), 255)
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1", code.path):
        box = [int(x) * 4, int(y) * 4, (int(x) + int(width)) * 4, (int(y) + 1) * 4]
        picture.paste(0, tuple(box))  # type: ignore[arg-type]
    return picture


# --- the command line -------------------------------------------------------------------------

NEW = (
    *("community", "new", "--name", "槐香里社区", "--code", "hxl"),
    *("--district", "云台区", "--subdistrict", "北苑街道", "--phone", "024-1000001"),
    *("--office", "3 号楼东侧", "--hours", "周一至周五 8:30–17:00"),
    *("--clerk", "wangfang", "王芳", "--member", "zhaomin", "赵敏"),
)


def test_a_script_makes_the_same_community_and_says_so_in_one_line(
    web_app: Flask, tmp_path: Path
) -> None:
    slips = tmp_path / "slips.txt"
    done = run(web_app, *NEW, "--slips", str(slips))
    assert done == (0, f"community=HXL under=D-1-1 accounts=2 slips={slips}\n")
    assert stat.S_IMODE(slips.stat().st_mode) == 0o600
    text = slips.read_text(encoding="utf-8")
    found = re.search(r"登录名 wangfang\n密码 (\S+)\n验证器密钥 (\S+)", text)
    assert found is not None
    answer = sign_in(CheckedClient(web_app), "wangfang", found[1], found[2])
    assert answer.location == "/staff/"
    # Called again it finds everything there; another name under the code is refused.
    assert run(web_app, *NEW) == (0, "community=HXL under=D-1-1 accounts=0 slips=-\n")
    other = ["别的社区" if word == "槐香里社区" else word for word in NEW]
    status, said = run(web_app, *other)
    assert (status, "编号 HXL 已经有社区" in said) == (1, True)


def test_a_script_that_broke_off_is_completed(web_app: Flask, tmp_path: Path) -> None:
    slips = tmp_path / "slips.txt"
    slips.write_text("keep me", encoding="utf-8")
    status, said = run(web_app, *NEW, "--slips", str(slips))
    assert (status, "不会覆盖" in said) == (1, True)
    assert run(web_app, *NEW, "--slips", str(tmp_path / "two")) == (
        0,
        f"community=HXL under=D-1-1 accounts=2 slips={tmp_path / 'two'}\n",
    )
    same_name = [*NEW[:-3], "--member", "wangfang", "王芳"]
    status, said = run(web_app, *same_name, "--slips", str(tmp_path / "three"))
    assert (status, "登录名已经有人用了" in said) == (1, True)


# --- the checklist ------------------------------------------------------------------------------


def test_the_checklist_ticks_itself_and_goes_when_the_first_poll_is_open(
    web_app: Flask, client: CheckedClient
) -> None:
    world = World(web_app)
    place = world.community("HXL", 4)
    client.staff(world.staff(place))

    def done() -> int:
        return client.get("/c/HXL/desk/").text.count("，做好了")

    assert done() == 1
    assert "户数对" in client.get("/c/HXL/desk/roll").text
    assert client.post("/c/HXL/desk/roll/confirm").location == "/c/HXL/desk/"
    assert "户数对" not in client.get("/c/HXL/desk/roll").text.split("</h2>")[-1]
    assert done() == 2
    world.code(place)
    assert done() == 3
    world.project(place, "P01")
    assert done() == 4
    world.poll(place)
    assert "开始使用" not in client.get("/c/HXL/desk/").text


def test_the_checklist_names_who_acts_where_the_reader_may_not(
    web_app: Flask, client: CheckedClient
) -> None:
    world = World(web_app)
    place = world.community("HXL", 4)
    member, supervisor = CheckedClient(web_app), client
    member.staff(world.staff(place, Role.COMMITTEE))
    supervisor.staff(world.staff(place, Role.SUPERVISOR))
    page = member.get("/c/HXL/desk/").text
    assert "由社区工作人员办" in page
    assert "/c/HXL/desk/projects/new" in page
    assert "没有要您办的" not in page
    page = supervisor.get("/c/HXL/desk/").text
    assert page.count("由社区工作人员或居委会委员办") == 3
    assert "没有要您办的" in page
    assert "/c/HXL/desk/projects/new" not in page

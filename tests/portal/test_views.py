"""Pages of every role, by a browser without JavaScript that checks all it fetches."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import zxingcpp
from PIL import Image
from werkzeug.routing import IntegerConverter

from app.consultations import operations as topics
from app.consultations.rules import State
from app.core import clock
from app.core.actor import SYSTEM, Role
from app.people import operations as people
from app.voting import operations as voting
from tests.support.checked_client import CheckedClient
from tests.support.world import PASSWORD, World

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flask import Flask

    from tests.support.world import Place


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community(households=24)


def visitor_pages(place: Place) -> list[str]:
    base = f"/c/{place.code}"
    return [
        "/",
        "/e",
        "/complaints",
        "/privacy",
        "/staff/sign-in",
        "/styleguide",
        f"{base}/",
        f"{base}/projects/",
        f"{base}/votes/",
        f"{base}/record",
        f"{base}/board",
    ]


@pytest.mark.parametrize("view", ["", "22.", "30.en", ".en"])
def test_a_visitor_reads_every_public_page(client: CheckedClient, place: Place, view: str) -> None:
    client.raw.set_cookie("linyi_view", view)
    for address in visitor_pages(place):
        assert client.get(address).status_code == 200, address


def test_a_script_that_sends_a_form_is_told_where_the_answer_is(client: CheckedClient) -> None:
    answer = client.post("/view", {"view": "elder", "next": "/privacy"}, headers={"X-Stay": "1"})
    assert (answer.status_code, answer.text) == (204, "")
    assert "Location" not in answer.headers
    assert answer.headers["X-Go-To"] == "/privacy"
    assert 'data-view="elder"' in client.get("/").text
    plain = client.post("/view", {"view": "normal", "next": "/privacy"})
    assert (plain.status_code, plain.headers["Location"]) == (303, "/privacy")
    assert "X-Go-To" not in plain.headers


def test_the_view_for_elders_is_one_tap_and_remembered(client: CheckedClient, place: Place) -> None:
    assert 'data-view="elder"' not in client.get("/").text
    client.post("/view", {"view": "elder", "next": "/privacy"})
    assert 'data-view="elder" data-text="22"' in client.get("/").text
    client.post("/view", {"text": "26"})
    assert 'data-text="26"' in client.get(f"/c/{place.code}/").text
    client.post("/view", {"view": "normal"})
    assert 'data-view="elder"' not in client.get("/").text


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:x",
        "/\t/evil.example",
    ],
)
def test_no_redirect_leads_off_the_site(
    client: CheckedClient, web_world: World, place: Place, target: str
) -> None:
    assert client.post("/view", {"view": "elder", "next": target}).headers["Location"] == "/"
    answer = client.enter(web_world, place, 0, next=target)
    assert answer.headers["Location"].startswith(f"/c/{place.code}/")


def test_a_letter_leads_straight_to_the_only_ballot(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    poll = web_world.poll(place)
    answer = client.enter(web_world, place)
    assert answer.headers["Location"] == f"/c/{place.code}/votes/{poll}/ballot"
    assert client.get(f"/c/{place.code}/").status_code == 200
    mine = client.get(f"/c/{place.code}/mine").text
    assert "5月20日（周三）10:03，有人用本户的编码进入了" in mine


def test_wrong_locked_and_unknown_get_the_same_page(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    code = web_world.code(place)

    def said(typed: str, fact: str) -> tuple[int, str]:
        answer = client.post("/e", {"code": typed, "second_fact": fact, "adult": "y"})
        text = re.sub(r'value="[^"]*"', "", answer.text)
        return answer.status_code, text

    unknown, wrong = said("0000000000", "9999"), said(code, "9999")
    for _ in range(10):
        said(code, "9999")
    locked = said(code, web_world.fact())
    assert unknown == wrong == locked
    assert unknown[0] == 422
    assert "服务台" in unknown[1]


def test_a_cookie_from_before_signing_out_opens_nothing(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    client.enter(web_world, place)
    kept = client.raw.get_cookie("linyi")
    assert kept is not None
    client.post("/sign-out")
    client.signed_in = False
    client.raw.set_cookie("linyi", kept.value)
    answer = client.get(f"/c/{place.code}/mine")
    assert answer.status_code == 303
    assert "/e?next=" in answer.headers["Location"]


def test_every_form_without_its_token_is_refused(
    client: CheckedClient, web_world: World, place: Place, web_app: Flask
) -> None:
    client.staff(web_world.staff(place))
    known = {"option": "P01.1", "code": place.code, "what": "yes_no"}
    for rule in web_app.url_map.iter_rules():
        if "POST" in (rule.methods or set()):
            numbers = {
                name for name, c in rule._converters.items() if isinstance(c, IntegerConverter)
            }
            values = {
                name: known.get(name, 1 if name in numbers else "x") for name in rule.arguments
            }
            with web_app.test_request_context():
                address = rule.build(values, append_unknown=False)
            assert address
            assert client.raw.post(address[1]).status_code == 400, rule.rule


def test_the_desk_sees_its_pages_and_the_neighbours_desk_is_not_there(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    other = web_world.community("YYL", 2)
    web_world.poll(place)
    client.staff(web_world.staff(place))
    pages = (
        "",
        "votes",
        "projects",
        "households",
        "roll",
        "records",
        "letters",
        f"households/{place.households[0]}",
        "projects/new",
        "projects/P01",
    )
    for page in pages:
        assert client.get(f"/c/{place.code}/desk/{page}").status_code == 200, page
        assert client.get(f"/c/{other.code}/desk/{page}").status_code == 404, page
    swapped = client.get(f"/c/{place.code}/desk/households/{other.households[0]}")
    assert swapped.status_code == 404


@pytest.mark.parametrize("role", [Role.COMMITTEE, Role.SUPERVISOR, Role.DESIGNER, Role.DISTRICT])
def test_each_role_comes_home_and_not_into_the_clerks_drawer(
    client: CheckedClient, web_world: World, place: Place, role: Role
) -> None:
    client.staff(web_world.staff(place, role))
    home = client.get("/staff/").headers["Location"]
    assert client.get(home).status_code == 200
    assert client.get(f"/c/{place.code}/desk/letters").status_code == 404
    assert client.get(f"/c/{place.code}/desk/households/{place.households[0]}").status_code == 404


def test_a_resident_has_no_desk(client: CheckedClient, web_world: World, place: Place) -> None:
    client.enter(web_world, place)
    for page in ("", "households", "votes", "records", "letters", "roll"):
        assert client.get(f"/c/{place.code}/desk/{page}").status_code == 404


def test_the_desk_is_not_told_who_has_voted(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    poll = web_world.poll(place)
    web_world.cast(web_world.resident(place), place, poll, "yes")
    client.staff(web_world.staff(place))
    page = client.get(f"/c/{place.code}/desk/households/{place.households[0]}").text
    assert "有人用本户的编码进入了" in page
    assert "已投票" not in page


def test_the_desk_unlocks_revokes_and_confirms(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    code = web_world.code(place)
    for _ in range(10):
        people.enrol(SYSTEM, code=code, second_fact="9999", adult=True, shared_phone=False)
    client.staff(web_world.staff(place))
    page = f"/c/{place.code}/desk/households/{place.households[0]}"
    assert "锁住了" in client.get(page).text
    assert "住" in client.get(f"/c/{place.code}/desk/households?state=locked&search=101").text
    client.post(f"{page}/unlock")
    assert "有效" in client.get(page).text
    number = re.search(r"code-line\">(\d{6})<", client.post(f"{page}/present").text)
    assert number
    assert "不能恢复" in client.get(f"{page}/revoke").text
    client.post(f"{page}/revoke")
    assert "已作废" in client.get(page).text


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def upload(client: CheckedClient, place: Place, data: bytes, name: str) -> object:
    return client.post(
        f"/c/{place.code}/desk/roll",
        {"file": (io.BytesIO(data), name)},
        content_type="multipart/form-data",
    )


def test_a_roll_is_previewed_and_brought_in_twice_without_harm(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    client.staff(web_world.staff(place))
    lines = (
        "小区,楼栋,单元,房号,户主,身份证号,备注",
        "一区,1号楼,一,1,新户主,1,病",
        "一区,2#,1,0502,甲,1,",
        "一区,2,1,502,乙,1,",
        "一区,3,1,1,丁,1,",
        "一区,,1,9,丙,1,",
        "合计,,,,,,",
    )
    text = "\n".join(lines)
    answer = upload(client, place, text.encode("gb18030"), "roll.csv")
    assert answer.status_code == 303  # type: ignore[attr-defined]
    preview = answer.headers["Location"]  # type: ignore[attr-defined]
    page = client.get(preview).text
    for words in (
        "身份证号、备注",
        "和原表第 4 行是同一户，但户主不一样",
        "和原表第 3 行是同一户，但户主不一样",
        "没有写楼栋",
        "跳过了 1 行合计",
    ):
        assert words in page
    for _twice in range(2):
        client.post(preview)
        assert "新增 1 户，更新 1 户，没有变化 0 户" in client.get(preview).text


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "a.xlsx", "是空的"),
        (b"%PDF-1.7 not a workbook \0\0", "a.xlsx", "不是能打开的"),
        (b"PK\x03\x04 broken", "a.xlsx", "不是能打开的"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "a.xlsx", "加了密码"),
        (OLE + b"x" * 600, "a.xls", "不是能打开的"),
        ("甲,乙\n1,2\n".encode(), "a.csv", "没有找到这些栏"),
    ],
)
def test_what_is_no_roll_is_refused_in_a_sentence(
    client: CheckedClient, web_world: World, place: Place, data: bytes, name: str, words: str
) -> None:
    client.staff(web_world.staff(place))
    answer = upload(client, place, data, name)
    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert words in answer.text  # type: ignore[attr-defined]
    assert (name == "a.xlsx" and not data) or "什么都没有保存" in answer.text  # type: ignore[attr-defined]


def test_a_workbook_bomb_is_not_opened(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/workbook.xml", b"<x/>")
        bomb.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)
    client.staff(web_world.staff(place))
    answer = upload(client, place, packed.getvalue(), "a.xlsx")
    assert "大得不正常" in answer.text  # type: ignore[attr-defined]


def a_picture(size: tuple[int, int] = (60, 40)) -> bytes:
    out = io.BytesIO()
    image = Image.new("RGB", size, "green")
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (41.0, 0.0, 0.0)}
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


PROJECT = {
    "code": "P09",
    "title": "长椅<script>alert(1)</script>",
    "problem": "没地方坐",
    "supply_mode": "build",
    "budget": "1,000.50",
    "costs": "长椅 800.50\n安装 200",
    "funds": "公益金，1000.5",
    "upkeep_by": "居委会",
    "upkeep": "50",
    "decision_route": "preference_poll",
}


def test_a_project_is_put_on_the_ledger_with_its_picture_painted_anew(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    client.staff(web_world.staff(place))
    form = PROJECT | {"picture": (io.BytesIO(a_picture()), "x.jpg")}
    answer = client.post(
        f"/c/{place.code}/desk/projects/new", form, content_type="multipart/form-data"
    )
    assert answer.headers["Location"] == f"/c/{place.code}/projects/P09"
    page = client.get(answer.headers["Location"]).text
    assert "1,000.50" in page
    assert "<script>alert" not in page
    source = re.search(r'src="(/c/HXL/pictures/[^"]+)"', page)
    assert source
    picture = client.get(source[1])
    assert picture.mimetype == "image/webp"
    assert not Image.open(io.BytesIO(picture.data)).getexif()
    assert client.get(source[1].replace("HXL", "YYL")).status_code == 404
    edit = f"/c/{place.code}/desk/projects/P09"
    assert "长椅 800.50" in client.get(edit).text
    client.post(edit, PROJECT | {"title": "新长椅", "code": "P77"})
    assert "新长椅" in client.get(f"/c/{place.code}/projects/P09").text
    assert client.get(f"/c/{place.code}/projects/P77").status_code == 404


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"funds": "公益金 900"}, "不相等"),
        ({"costs": "长椅 900\n安装 200"}, "不相等"),
        ({"budget": "十块"}, "请只写数字"),
        ({"costs": "没有金额"}, "看不懂"),
        ({"upkeep_by": ""}, "没人管的设施等于没建"),
        ({"code": "P01"}, "已经用过"),
        ({"picture": (io.BytesIO(b"no picture"), "x.jpg")}, "不是能打开的图片"),
    ],
)
def test_a_project_that_does_not_add_up_stays_in_the_form(
    client: CheckedClient, web_world: World, place: Place, change: dict[str, object], words: str
) -> None:
    web_world.project(place, "P01")
    client.staff(web_world.staff(place))
    answer = client.post(
        f"/c/{place.code}/desk/projects/new", PROJECT | change, content_type="multipart/form-data"
    )
    assert answer.status_code == 422
    assert words in answer.text
    assert "没地方坐" in answer.text


def pdf_pages(data: bytes, tmp_path: Path) -> list[Image.Image]:
    import subprocess

    source = tmp_path / "x.pdf"
    source.write_bytes(data)
    subprocess.run(
        ["pdftoppm", "-r", "100", "-png", str(source), str(tmp_path / "page")], check=True
    )
    return [Image.open(path) for path in sorted(tmp_path.glob("page*.png"))]


def pdf_text(data: bytes, tmp_path: Path) -> str:
    import subprocess

    source = tmp_path / "t.pdf"
    source.write_bytes(data)
    return "".join(
        subprocess.run(
            ["pdftotext", str(source), "-"], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_letters_carry_a_code_that_opens_the_door(
    client: CheckedClient, web_world: World, place: Place, web_app: Flask, tmp_path: Path
) -> None:
    web_world.poll(place, title="建不建*长椅*，#您$同意吗？")
    client.staff(web_world.staff(place))
    desk = f"/c/{place.code}/desk/letters"
    answer = client.post(desk, client.fields(desk, desk))
    assert answer.mimetype == "application/pdf", answer.text[:900]
    pages = pdf_pages(answer.data, tmp_path)
    assert len(pages) == 24
    read = [zxingcpp.read_barcodes(page)[0] for page in pages]
    assert len({code.text for code in read}) == 24
    corners = read[0].position
    assert (corners.top_right.x - corners.top_left.x) / 100 * 25.4 >= 30
    text = pdf_text(answer.data, tmp_path)
    assert "建不建*长椅*，#您$同意吗？" in text
    assert "演示" in text
    address, _hash, code = read[0].text.partition("#")
    assert address == "http://localhost:8000/e"
    neighbour = CheckedClient(web_app)
    entered = neighbour.post("/e", {"code": code, "second_fact": "0001", "adult": "y"})
    assert entered.status_code == 303
    assert "已经有能用的信，这次不印" in client.get(desk).text
    shown = client.fields(f"{desk}?part=household-{place.households[0]}&have=reissue", desk)
    one = client.post(desk, shown)
    assert len(pdf_pages(one.data, tmp_path / "..")) >= 1
    assert (
        neighbour.post("/e", {"code": code, "second_fact": "0001", "adult": "y"}).status_code == 422
    )


def test_a_poster_leads_through_the_door_to_the_ballot(
    client: CheckedClient, web_world: World, place: Place, tmp_path: Path
) -> None:
    poll = web_world.poll(place)
    web_world.poll(place, title="另一个？")
    page = pdf_pages(client.get(f"/c/{place.code}/votes/{poll}/poster.pdf").data, tmp_path)[0]
    code = zxingcpp.read_barcodes(page)[0]
    assert code.text == f"http://localhost:8000/q/{poll}"
    shown = client.get(f"/q/{poll}").headers["Location"]
    assert shown == f"/c/{place.code}/votes/{poll}"
    assert client.get(shown).status_code == 200
    door = client.get(f"{shown}/ballot").headers["Location"]
    wanted = client.fields(door, "/e")["next"]
    assert client.enter(web_world, place, 0, next=wanted).headers["Location"] == f"{shown}/ballot"


def closed(web_world: World, place: Place) -> str:
    poll = web_world.poll(place)
    for voter in web_world.voters(place, 10):
        web_world.cast(voter, place, poll, "yes")
    with clock.set_to(clock.now() + timedelta(days=7, minutes=1)):
        voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
        voting.publish_result(SYSTEM, community_id=place.id, public_id=poll)
    return poll


def test_a_result_is_printed_exported_and_found_by_its_check_code(
    client: CheckedClient, web_world: World, place: Place, tmp_path: Path
) -> None:
    poll = closed(web_world, place)
    assert "“项目P01”通过" in pdf_text(
        client.get(f"/c/{place.code}/votes/{poll}/notice.pdf").data, tmp_path
    )
    from sqlalchemy import select

    from app.core.canonical import check_code
    from app.core.db import db
    from app.core.record import RecordEntry

    leaf = db.session.scalars(
        select(RecordEntry.leaf).where(RecordEntry.kind == "ballot.cast")
    ).first()
    assert leaf
    code = check_code(bytes.fromhex(leaf))
    page = f"/c/{place.code}/record"
    found = client.post(page, {"code": code.lower()}).text
    assert "找到了" in found
    assert "<b>同意</b>" in found
    assert "没有找到" in client.post(page, {"code": "0000"}).text
    assert "请输核对码" in client.post(page, {"code": ""}).text
    client.staff(web_world.staff(place))
    workbook = client.get(f"/c/{place.code}/desk/records/{poll}.xlsx")
    assert workbook.data[:2] == b"PK"
    table = client.get(f"/c/{place.code}/desk/records/{poll}.csv").data.decode("utf-8-sig")
    assert "HXL1" not in table
    archive = client.post(f"/c/{place.code}/desk/records/archive")
    assert archive.mimetype == "application/zip"
    assert client.get(f"/c/{place.code}/desk/records/nonsense.csv").status_code == 404


def test_a_district_sees_facts_and_no_ranking(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    web_world.community("YYL", 2)
    client.staff(web_world.staff(place, Role.DISTRICT))
    page = client.get("/d/DHXL/").text
    assert "HXL社区" in page
    assert "YYL社区" not in page
    assert client.get("/d/DYYL/").status_code == 404


def test_a_districts_numbers_are_those_of_the_rooms(
    client: CheckedClient, web_world: World, place: Place, fixed_clock: datetime
) -> None:
    web_world.topic(place)
    web_world.topic(place, State.SCREENING, "还没有审核的")
    rejected = web_world.topic(place, State.SCREENING, "不予立项的")
    topics.move_topic(
        web_world.clerk(place),
        community_id=place.id,
        topic_id=rejected,
        to=State.REJECTED,
        note="不在本社区",
    )
    web_world.poll(place)
    web_world.draft(place)
    web_world.voters(place, 2)
    client.staff(web_world.staff(place, Role.DISTRICT))
    shown = re.findall(
        r'<td class="num" data-label="([^"]+)">(\d+)</td>', client.get("/d/DHXL/").text
    )
    assert dict(shown) == {
        "住宅户数": "24",
        "进入过的户": "2",
        "正在商量的议题": "1",
        "办结的议题": "1",
        "正在投票": "1",
        "有结果的投票": "0",
        "项目": "1",
        "评过的项目": "0",
        "逾期返修": "0",
    }


def test_everybody_who_works_here_finds_the_way_back_from_a_communitys_page(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    client.staff(web_world.staff(place, Role.DISTRICT))
    assert 'href="/staff/"' in client.get("/c/HXL/").text
    client.staff(web_world.staff(place, Role.DESIGNER))
    page = client.get("/c/HXL/").text
    assert 'href="/c/HXL/designer"' in page
    assert 'href="/c/HXL/mine"' not in page


@pytest.mark.parametrize(
    ("page", "door"),
    [
        ("propose", "/e"),
        ("say?about=project:P01", "/e"),
        ("inbox", "/e"),
        ("mine", "/e"),
        ("convention/1/sign", "/e"),
        ("desk/", "/staff/sign-in"),
        ("designer", "/staff/sign-in"),
    ],
)
def test_whoever_is_not_in_yet_comes_to_the_right_door_and_back(
    client: CheckedClient, place: Place, page: str, door: str
) -> None:
    where = client.get(f"/c/{place.code}/{page}").headers["Location"]
    assert where.partition("?")[0] == door
    assert f"/c/{place.code}/{page.partition('?')[0]}" in where


def test_staff_sign_in_says_one_thing_for_every_mistake(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    staff = web_world.staff(place)
    tries = (
        {"name": "nobody", "password": PASSWORD},
        {"name": staff.name, "password": "wrong phrase here"},
        {"name": staff.name, "password": PASSWORD},
    )
    answers = [client.post("/staff/sign-in", one | {"totp": "000000"}) for one in tries]
    assert {answer.status_code for answer in answers} == {422}
    assert len({re.sub(r'value="[^"]*"', "", answer.text) for answer in answers}) == 1


def test_forged_hosts_are_not_reflected(client: CheckedClient, place: Place) -> None:
    answer = client.raw.get("/e", headers={"Host": "evil.example"})
    assert "evil.example" not in answer.text


def test_an_address_that_leads_nowhere_says_so_kindly(client: CheckedClient) -> None:
    for address in ("/nowhere", "/c/NONE/", "/q/nothing", "/d/none/"):
        answer = client.get(address)
        assert answer.status_code in {303, 404}
        if answer.status_code == 404:
            assert "没有您要找的" in answer.text


def test_a_visitor_finds_one_of_many_communities_under_its_street(
    client: CheckedClient, web_app: Flask
) -> None:
    world = World(web_app)
    for number in range(12):
        world.community(f"A{number}", 1)
    assert client.get("/").text.count("<details") == 0
    world.community("B", 1)
    page = client.get("/").text
    assert page.count("<summary>北苑街道</summary>") == 13
    assert page.count("社区</a>") == 13


def test_the_desk_shows_everybody_only_what_they_can_do(
    client: CheckedClient, web_world: World, place: Place, fixed_clock: datetime
) -> None:
    topic = web_world.topic(place, State.PROPOSED)
    meeting = web_world.meeting(place, starts_at=clock.now() + timedelta(days=8, hours=2))
    post = web_world.post(place, f"topic:{web_world.topic(place)}")
    client.staff(web_world.staff(place, Role.SUPERVISOR))
    shown = client.get(f"/c/{place.code}/desk/").text
    for words in ("等审核", "去公布", "今天开会"):
        assert words not in shown
    assert "没有要您办的" in shown
    desk = CheckedClient(client.app)
    desk.staff(web_world.staff(place, Role.CLERK))
    shown = desk.get(f"/c/{place.code}/desk/").text
    assert "1 个议题等审核" in shown
    assert "1 条意见等审核" in shown
    with clock.set_to(fixed_clock + timedelta(days=3)):
        again = CheckedClient(client.app)
        again.staff(web_world.staff(place, Role.CLERK))
        assert "1 条超过 48 小时" in again.get(f"/c/{place.code}/desk/").text
    with clock.set_to(fixed_clock + timedelta(days=8)):
        today = CheckedClient(client.app)
        today.staff(web_world.staff(place, Role.COMMITTEE))
        assert "今天开会" in today.get(f"/c/{place.code}/desk/").text
    assert (topic, meeting, post) != ("", "", "")

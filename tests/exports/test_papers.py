"""Papers as they come out of the printer: opened, measured, read, and their codes scanned."""

from __future__ import annotations

import io
import stat
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pikepdf
import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import update

from app.communities import operations as communities
from app.communities import queries as places
from app.communities import walks
from app.core import clock, qr
from app.core.actor import SYSTEM, Role
from app.core.db import db, transaction
from app.exports import operations as exports
from app.exports import papers, printing
from app.exports.operations import LettersWanted
from app.exports.rules import HaveLetter
from app.people.models import HouseholdCode
from app.people.queries import living_codes
from app.projects.models import Project
from app.ratings import operations as ratings
from app.voting import operations as voting
from app.voting import queries as voting_queries
from tests.exports.papers import (
    A3_POINTS,
    A4_POINTS,
    codes_on,
    pages_of,
    sizes_of,
    symbol_mm,
    text_of,
    words_of,
)
from tests.ratings.test_ratings import finished, rate
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.support.world import Place

HOSTILE = "建不建*长椅*，#您$同意<b>吗</b>？[x](y) _z_ \\n = 1 @a"
RARE = "䶮㛃𠅤"


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community(households=30)


def print_letters(place: Place, part: str = "all", have: HaveLetter = HaveLetter.SKIP) -> bytes:
    out = io.BytesIO()
    view = places.community_by_id(place.id)
    exports.print_letters(SYSTEM, community=view, wanted=LettersWanted(part, have), out=out)
    return out.getvalue()


def roll(place: Place, *lines: str) -> None:
    data = "\n".join(["小区,楼栋,单元,房号,户主,联系电话,60岁以上人数", *lines]).encode()
    communities.import_roll(SYSTEM, community_id=place.id, data=data, file_name="r.csv")


def closed(world: World, place: Place, title: str = "您同意吗？", voters: int = 12) -> str:
    poll = world.poll(place, title=title)
    for number, voter in enumerate(world.voters(place, voters)):
        world.cast(voter, place, poll, "yes" if number else "no")
    with clock.set_to(clock.now() + timedelta(days=7, minutes=1)):
        voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
        voting.publish_result(SYSTEM, community_id=place.id, public_id=poll)
    return poll


# --- letters -----------------------------------------------------------------------------------


def test_letters_are_one_sheet_each_in_the_order_of_the_envelopes(
    web_world: World, place: Place
) -> None:
    roll(
        place,
        "一区,12甲,1,1001,甲,,",
        "一区,12甲,1,201,乙,,",
        "一区,2,,3,丙,,",
        "一区,2,,门市1,丁,,",
    )
    data = print_letters(place)
    pages = text_of(data).split("\f")[:-1]
    assert len(pages) == 34
    tops = [page.split("各位家人")[0].replace(" ", "") for page in pages]
    expected = [f"一区1号楼1单元{room}室" for room in range(1, 31)]
    expected += [
        "一区2号楼3室",
        "一区2号楼门市1",
        "一区12甲号楼1单元201室",
        "一区12甲号楼1单元1001室",
    ]
    for top, address in zip(tops, expected, strict=True):
        assert address in "".join(top.split()), top
    assert "12甲号楼" in pages[33].replace(" ", "")
    assert "第2封/共2封" in "".join(pages[33].split())
    assert "第30封/共30封" in "".join(pages[29].split())
    assert set(sizes_of(data)) == {A4_POINTS}
    with pikepdf.open(io.BytesIO(data)) as paper:
        assert paper.Root.ViewerPreferences.Duplex == pikepdf.Name.Simplex


@pytest.mark.parametrize("dpi", [150, 100])
def test_every_letters_code_is_read_from_a_grey_copy(
    web_world: World, place: Place, dpi: int
) -> None:
    web_world.poll(place, title=HOSTILE)
    data = print_letters(place, f"household-{place.households[0]}")
    (page,) = pages_of(data, dpi)
    (code,) = zxingcpp.read_barcodes(page)
    door, _hash, secret = code.text.partition("#")
    assert (door, len(secret)) == ("http://localhost:8000/e", 10)
    assert symbol_mm(code, dpi) >= 30
    printed = "".join(text_of(data).split())
    assert f"{secret[:3]}-{secret[3:6]}-{secret[6:]}" in printed
    assert "".join(HOSTILE.split()) in printed


def test_a_code_has_white_around_it_and_survives_being_made_smaller(place: Place) -> None:
    (page,) = pages_of(print_letters(place, f"household-{place.households[0]}"), 300)
    (code,) = zxingcpp.read_barcodes(page)
    corners = code.position
    left, top, right = corners.top_left.x, corners.top_left.y, corners.top_right.x
    # A module is at most a 29th of the symbol; the quiet zone is four of them.
    quiet = (right - left) // 33 * 4 - 6
    around = page.crop((left - quiet, top - quiet, right + quiet, top - 3))
    assert around.getextrema()[0] > 200
    small = page.resize((page.width // 3, page.height // 3), Image.Resampling.BILINEAR)
    assert zxingcpp.read_barcodes(small)[0].text == code.text


def test_the_longest_names_and_rare_characters_stay_on_their_one_sheet(
    web_world: World, place: Place
) -> None:
    for number in range(5):
        web_world.poll(place, title=f"{number}{RARE}" + "很长的题目" * 20 + "？")
    estate, room = "槐香里" * 26 + RARE[:2], RARE[:2] * 20
    roll(place, f"{estate},{'12甲' * 13},{'东' * 20},{room},甲,,")
    (home,) = [home for home in walks.homes(place.id) if home.address.estate == estate]
    data = print_letters(place, f"household-{home.household_id}")
    (page,) = text_of(data).split("\f")[:-1]
    printed = "".join(page.split())
    assert f"{RARE}很长的题目" in printed
    assert room[:8] in printed
    assert estate[:20] in printed
    assert "另外还有2项投票" in printed
    assert "10000000001" in printed, "the desk's phone at the foot"
    assert "这封信只用来核对是哪一户" in printed
    (code,) = zxingcpp.read_barcodes(pages_of(data)[0])
    assert symbol_mm(code, 150) >= 30


def test_a_long_printing_is_one_file_with_every_letter_once(web_world: World) -> None:
    many = web_world.community("BIG", 130)
    data = print_letters(many)
    pages = text_of(data).split("\f")[:-1]
    assert len(pages) == 130
    numbers = ["".join(page.split()).split("第")[1].split("封")[0] for page in pages]
    assert numbers == [str(number) for number in range(1, 131)]


# --- the desk's page ---------------------------------------------------------------------------


def made(client: CheckedClient, desk: str, query: str) -> TestResponse:
    return client.post(desk, client.fields(f"{desk}{query}", desk))


def test_the_clerk_sees_what_happens_before_it_does(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    client.staff(web_world.staff(place))
    desk = f"/c/{place.code}/desk/letters"
    assert "30 户现在没有能用的信" in client.get(desk).text
    answer = made(client, desk, "")
    assert (answer.mimetype, len(sizes_of(answer.data))) == ("application/pdf", 30)
    page = client.get(f"{desk}?part=all&have=reissue").text
    assert "30 户换新编码：旧信马上作废" in page
    db.session.rollback()
    before = living_codes(place.id, place.households)
    assert (before, "生成 30 封信" in page) == (30, True), "looking changed nothing"
    shown = client.fields(f"{desk}?part=all&have=reissue", desk)
    unsure = client.post(desk, {name: value for name, value in shown.items() if name != "sure"})
    assert (unsure.status_code, "请先在下面打勾" in unsure.text) == (422, True)
    first = client.post(desk, shown)
    assert first.mimetype == "application/pdf"
    twice = client.post(desk, shown)
    assert (twice.status_code, "刚刚印过了" in twice.text) == (422, True)
    assert "没有存" not in twice.text
    unseen = client.post(desk, {})
    assert (unseen.status_code, "请先看清楚" in unseen.text) == (422, True)


def test_a_download_tells_the_page_that_it_has_come(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    client.staff(web_world.staff(place))
    desk = f"/c/{place.code}/desk/letters"
    answer = client.post(desk, client.fields(desk, desk) | {"ticket": "abc123"})
    assert "linyi_done=abc123" in "".join(answer.headers.getlist("Set-Cookie"))
    shown = client.fields(f"{desk}?have=reissue", desk)
    assert client.post(desk, shown | {"ticket": "<script>"}).status_code == 422


def test_a_neighbours_parts_are_not_there(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    other = web_world.community("YYL", 2)
    theirs = walks.homes(other.id)[0]
    client.staff(web_world.staff(place))
    desk = f"/c/{place.code}/desk"
    for part in (
        f"household-{theirs.household_id}",
        f"building-{theirs.address.building_id}",
        f"estate-{theirs.estate_id}",
        f"stairwell-{theirs.address.building_id}-1",
    ):
        for page in ("letters", "letters/delivery.pdf", "codes/revoke"):
            assert client.get(f"{desk}/{page}?part={part}").status_code == 404, page
        send = {"part": part, "have": "skip", "stamp": "0", "expected": "1"}
        assert client.post(f"{desk}/letters", send).status_code == 404
        assert client.post(f"{desk}/codes/revoke", send).status_code == 404
    assert client.get(f"/c/{other.code}/desk/letters").status_code == 404
    assert db.session.query(HouseholdCode).count() == 0


def test_a_demo_offers_the_same_letters_again(client: CheckedClient, web_world: World) -> None:
    demo = web_world.community("DEMO", 3, demo=True)
    real = web_world.community("REAL", 3)
    client.staff(web_world.staff(demo))
    desk = "/c/DEMO/desk/letters"
    before = made(client, desk, "").data
    again = made(client, desk, "?part=all&have=again").data
    assert codes_on(before) == codes_on(again)
    other = CheckedClient(client.app)
    other.staff(web_world.staff(real))
    assert "照原样再印" not in other.get("/c/REAL/desk/letters?have=again").text


# --- revoking by the building --------------------------------------------------------------------


def test_revoked_letters_are_refused_with_the_right_words(
    client: CheckedClient, web_world: World, place: Place, web_app: Flask
) -> None:
    (code,) = codes_on(print_letters(place, f"household-{place.households[0]}"))
    print_letters(place)
    building = walks.homes(place.id)[0].address.building_id
    client.staff(web_world.staff(place))
    page = f"/c/{place.code}/desk/codes/revoke"
    part = f"?part=building-{building}"
    shown = client.get(page + part).text
    assert "30 户的信现在能用" in shown
    assert "不能恢复" in shown
    door = CheckedClient(web_app)
    entry = {"code": code, "second_fact": "0001", "adult": "y"}
    assert door.post("/e", entry).status_code == 303, "asking changes nothing"
    stale = client.fields(page + part, page)
    answer = client.post(page, stale)
    assert answer.status_code == 303
    refused = CheckedClient(web_app).post("/e", entry)
    assert (refused.status_code, "这封信已经作废" in refused.text) == (422, True)
    assert "没有能用的编码" in client.get(page + part).text
    again = client.post(page, stale)
    assert (again.status_code, "户数和您看到的不一样" in again.text) == (422, True)
    told = client.get(f"/c/{place.code}/desk/households/{place.households[0]}").text
    assert "服务台作废了本户的编码" in told
    assert "请先选好" in client.post(page, {}).text


def test_the_revoking_page_begins_with_a_choice(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    client.staff(web_world.staff(place))
    page = client.get(f"/c/{place.code}/desk/codes/revoke").text
    assert "一区 1号楼（30 户）" in page
    assert "不能恢复" not in page
    committee = CheckedClient(client.app)
    committee.staff(web_world.staff(place, Role.COMMITTEE))
    assert committee.get(f"/c/{place.code}/desk/codes/revoke").status_code == 404


# --- delivery lists ------------------------------------------------------------------------------


def test_a_delivery_list_has_one_box_for_each_home_and_says_no_more_than_it_must(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    roll(
        place,
        "一区,12甲,1,1001,钱老太,13900001111,2",
        "一区,12甲,1,201,孙先生,13900002222,0",
        "一区,2,,3,李女士,13900003333,",
    )
    codes = codes_on(print_letters(place, f"household-{place.households[0]}"))
    client.staff(web_world.staff(place))
    answer = client.get(f"/c/{place.code}/desk/letters/delivery.pdf")
    assert answer.mimetype == "application/pdf"
    pages = ["".join(page.split()) for page in text_of(answer.data).split("\f")[:-1]]
    whole = "".join(pages)
    assert whole.count("□") == 33
    assert [page.count("□") for page in pages[-2:]] == [1, 2]
    assert set(sizes_of(answer.data)) == {A4_POINTS}
    assert "共2户，其中1户有60岁以上的老人" in pages[-1]
    assert "共1户" in pages[-2]
    assert "老人" not in pages[-2], "the roll says nothing"
    assert pages[-1].index("201室") < pages[-1].index("1001室")
    assert "11单元1室5月20日" in pages[0], "the number, the place, the day of the letter"
    assert "还没印" in pages[-1]
    for words in ("送信人", "签名", "送达日期", "送到"):
        assert words in pages[-1]
    for secret in ("钱老太", "孙先生", "13900", "1111", "住户HXL", codes[0], codes[0][:3] + "-"):
        assert secret not in whole


def test_a_list_of_nobody_is_not_there(client: CheckedClient, web_world: World) -> None:
    empty = web_world.community("LEER", 0)
    client.staff(web_world.staff(empty))
    assert client.get("/c/LEER/desk/letters/delivery.pdf").status_code == 404
    assert "先导入户底册，才知道给谁印信" in client.get("/c/LEER/desk/letters").text


# --- posters, notices, forms ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "title",
    [
        "建吗？",
        "建铁路绿带口袋公园，您同意吗？",
        "很长的题目" * 7,
        "很长的题目" * 15,
        "很长的题目" * 24,
    ],
)
def test_a_poster_is_one_sheet_whose_code_can_be_scanned_from_a_metre(
    client: CheckedClient, web_world: World, place: Place, title: str
) -> None:
    poll = web_world.poll(place, title=title)
    for query, points, least in (("", A4_POINTS, 100), ("?size=a3", A3_POINTS, 141)):
        data = client.get(f"/c/{place.code}/votes/{poll}/poster.pdf{query}").data
        assert sizes_of(data) == [points]
        (code,) = zxingcpp.read_barcodes(pages_of(data)[0])
        assert code.text == f"http://localhost:8000/q/{poll}"
        assert symbol_mm(code, 150) >= least
        words = words_of(data)
        assert title in words
        assert "10000000001" in words
        assert "一户一票" in words
    assert client.get(f"/c/{place.code}/votes/{poll}/poster.pdf?size=a5").status_code == 404


@pytest.mark.parametrize("title", ["长椅", HOSTILE + RARE, "很长的题目" * 24])
def test_the_sheet_at_a_finished_facility_is_one_page_that_leads_to_its_rating(
    web_app: Flask, web_world: World, place: Place, title: str
) -> None:
    web_world.project(place, "P08", title=title)
    with transaction() as session:
        longest = 10 if len(title) > 60 else 1
        session.execute(update(Project).values(upkeep_by="业委会和物业共同负责" * longest))
    desk = CheckedClient(web_app)
    desk.staff(web_world.staff(place))
    address = f"/c/{place.code}/desk/ratings/P08"
    assert f"{address}/sheet.pdf" in desk.get(address).text
    data = desk.get(f"{address}/sheet.pdf").data
    assert sizes_of(data) == [A4_POINTS]
    (code,) = zxingcpp.read_barcodes(pages_of(data)[0])
    assert code.text == f"http://localhost:8000/c/{place.code}/projects/P08/rating"
    assert symbol_mm(code, 150) >= (90 if len(title) > 60 else 100)
    words = words_of(data)
    assert "".join(title.split()) in words
    assert "请您评一评" in words
    assert "10000000001" in words
    assert desk.raw.get(f"/c/{place.code}/desk/ratings/P99/sheet.pdf").status_code == 404
    visitor = CheckedClient(web_app).raw.get(f"{address}/sheet.pdf")
    assert visitor.status_code == 303
    svg = desk.get(f"{address}/qr.svg").data
    assert svg == qr.svg(code.text.replace(":8000", "")).encode(), "a trial: as it was opened"
    settings = web_app.config["SETTINGS"]
    web_app.config["SETTINGS"] = replace(settings, base_url="https://linyi.example.cn")
    svg = desk.get(f"{address}/qr.svg").data
    assert svg == qr.svg(f"https://linyi.example.cn/c/{place.code}/projects/P08/rating").encode()


def test_markup_in_a_title_is_printed_as_it_stands(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    poll = closed(web_world, place, HOSTILE + RARE)
    wanted = "".join((HOSTILE + RARE).split())
    for paper in ("poster.pdf", "poster.pdf?size=a3", "notice.pdf", "result.pdf"):
        assert wanted in words_of(client.get(f"/c/{place.code}/votes/{poll}/{paper}").data), paper


def test_rare_characters_have_shapes_of_their_own(web_world: World, place: Place) -> None:
    """A font without them would draw the same empty box for each."""
    shapes = set()
    for character in (*RARE, "口"):
        with clock.set_to(clock.now() + timedelta(days=30)):
            roll(place, f"{character}区,1,1,1,甲,,")
        (home,) = [h for h in walks.homes(place.id) if h.address.estate == f"{character}区"]
        (page,) = pages_of(print_letters(place, f"household-{home.household_id}"), 100)
        shapes.add(page.crop((70, 150, 115, 260)).tobytes())
    assert len(shapes) == 4


def test_the_result_form_has_every_figure(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    waiting = web_world.poll(place, title="还没截止")
    poll = closed(web_world, place, voters=24)
    answer = client.get(f"/c/{place.code}/votes/{poll}/result.pdf")
    assert sizes_of(answer.data) == [A4_POINTS], "with its signatures on one sheet"
    words = words_of(answer.data)
    for figure in (
        "投票结果表",
        "“项目P01”通过",
        "应参加30户",
        "实际参加24户（80.0%）",
        "手机投票24户",
        "同意2395.8%",
        "反对14.1%",
        "弃权00.0%",
        "✓达到",
        "投票开放5月20日",
        "截止以前可以改",
        "没有法律约束力",
        "制表",
        "监督",
        "localhost:8000/c/HXL/record",
    ):
        assert figure in words, figure
    assert client.get(f"/c/{place.code}/votes/{waiting}/result.pdf").status_code == 404


def test_few_voters_by_one_way_are_not_told_apart(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    poll = closed(web_world, place, voters=12)
    words = words_of(client.get(f"/c/{place.code}/votes/{poll}/result.pdf").data)
    assert "不分开公布" in words
    assert "手机投票" not in words


def test_a_rating_is_printed_as_points_and_not_as_votes(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("RATE", 12)
    finished(world, place)
    poll = ratings.start_rating(SYSTEM, community_id=place.id, project_code="P05", days=7)
    rate(world, place, poll, 6, 3)
    with clock.set_to(clock.now() + timedelta(days=8)):
        voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    for paper in ("notice.pdf", "result.pdf"):
        words = words_of(client.get(f"/c/RATE/votes/{poll}/{paper}").data)
        assert "平均分（满分100）" in words
        assert "75.0" in words
        assert "票数" not in words


# --- receipts ------------------------------------------------------------------------------------


def test_a_receipt_is_printed_by_whoever_cast_and_by_nobody_else(
    client: CheckedClient, web_world: World, place: Place, web_app: Flask
) -> None:
    poll = web_world.poll(place, title=HOSTILE)
    client.enter(web_world, place, 0)
    base = f"/c/{place.code}/votes/{poll}"
    assert client.get(f"{base}/receipt.pdf").status_code == 404, "nothing was cast"
    client.post(
        f"{base}/ballot", client.fields(f"{base}/ballot", f"{base}/ballot") | {"choice": "no"}
    )
    page = client.get(f"{base}/receipt").text
    assert f"{base}/receipt.pdf" in page
    answer = client.get(f"{base}/receipt.pdf")
    assert sizes_of(answer.data) == [A4_POINTS]
    words = words_of(answer.data)
    for said in ("已收到", "您的选择反对", "核对码", "10000000001", "".join(HOSTILE.split())):
        assert said in words, said
    assert answer.headers["Cache-Control"] == "no-store"
    family = CheckedClient(web_app)
    family.enter(web_world, place, 0)
    assert family.get(f"{base}/receipt.pdf").status_code == 404
    for role in (Role.CLERK, Role.COMMITTEE, Role.SUPERVISOR, Role.DISTRICT):
        staff = CheckedClient(web_app)
        staff.staff(web_world.staff(place, role))
        assert staff.get(f"{base}/receipt.pdf").status_code == 404, role
    assert CheckedClient(web_app).get(f"{base}/receipt.pdf").status_code == 303


# --- language ------------------------------------------------------------------------------------


def test_paper_speaks_chinese_to_a_clerk_who_reads_english(
    web_world: World, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.portal import chrome

    monkeypatch.setattr(chrome, "ENGLISH", True)
    poll = closed(web_world, place)
    client = CheckedClient(web_world.app)
    client.raw.set_cookie("linyi_view", ".en")
    base = f"/c/{place.code}/votes/{poll}"
    for paper in ("poster.pdf", "notice.pdf", "result.pdf"):
        words = words_of(client.get(f"{base}/{paper}").data)
        assert "5月" in words, "days are named in Chinese"
        assert "May" not in words, paper
    client.staff(web_world.staff(place))
    desk = f"/c/{place.code}/desk/letters"
    words = words_of(made(client, desk, "").data)
    assert "5月20日（周三）印" in words
    assert "Wednesday" not in words


# --- the command line ----------------------------------------------------------------------------


def command(app: Flask, *words: str) -> tuple[int, str, str]:
    done = app.test_cli_runner().invoke(args=list(words))
    return done.exit_code, done.stdout, done.stderr


def test_letters_come_by_one_line_and_are_not_voided_by_accident(
    web_app: Flask, web_world: World, place: Place, tmp_path: Path
) -> None:
    out = tmp_path / "letters.pdf"
    status, said, _error = command(web_app, "letters", place.code, "-o", str(out))
    assert status == 0
    size = out.stat().st_size
    assert said == f"letters=30 pages=30 bytes={size} voided=0\n"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600, "codes are for nobody else on the machine"
    before = codes_on(out.read_bytes())
    kept = out.read_bytes()
    status, said, error = command(web_app, "letters", place.code, "-o", str(out))
    assert (status, said) == (1, "")
    assert "30 of 30 homes have a letter that still works" in error
    assert "--reissue" in error
    assert len(error.splitlines()) == 1
    assert out.read_bytes() == kept
    assert not list(tmp_path.glob("*.part"))
    assert command(web_app, "letters", place.code, "-o", str(out), "--missing")[0] == 1
    one = str(tmp_path / "one.pdf")
    home = ("letters", place.code, "-o", one, "--household", "1-1-7")
    assert command(web_app, *home)[0] == 1
    assert command(web_app, *home, "--reissue")[1].endswith(" voided=1\n")
    new = codes_on((tmp_path / "one.pdf").read_bytes())
    assert len(new) == 1
    assert new != before[6:7]
    building = ("letters", place.code, "-o", one, "--building", "1号楼", "--stairwell", "1")
    assert command(web_app, *building, "--reissue")[1].startswith("letters=30 pages=30 bytes=")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("NONE",), "no community NONE"),
        (("HXL", "--building", "99"), "no such building or home"),
        (("HXL", "--building", "1"), "一区、二区 have such a place"),
        (("HXL", "--missing", "--reissue"), "the opposite"),
    ],
)
def test_a_refused_printing_says_why_and_leaves_no_file(
    web_app: Flask, place: Place, tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    roll(place, "二区,1,1,1,甲,,")
    status, said, error = command(web_app, "letters", *words, "-o", str(tmp_path / "x.pdf"))
    assert (status != 0, said, why in error) == (True, "", True), error
    assert not [*tmp_path.glob("*.part"), *tmp_path.glob("*.pdf")]


def test_a_demo_city_prints_again_without_a_word(
    web_app: Flask, web_world: World, tmp_path: Path
) -> None:
    web_world.community("DEMO", 3, demo=True)
    first, again = tmp_path / "1.pdf", tmp_path / "2.pdf"
    assert command(web_app, "letters", "DEMO", "-o", str(first))[0] == 0
    assert command(web_app, "letters", "DEMO", "-o", str(again))[0] == 0
    assert codes_on(first.read_bytes()) == codes_on(again.read_bytes())


def test_a_poster_comes_by_one_line(
    web_app: Flask, web_world: World, place: Place, tmp_path: Path
) -> None:
    poll, out = web_world.poll(place), tmp_path / "p.pdf"
    status, said, _error = command(
        web_app, "poster", place.code, poll, "-o", str(out), "--size", "A3"
    )
    assert (status, said) == (0, f"posters=1 pages=1 bytes={out.stat().st_size}\n")
    assert sizes_of(out.read_bytes()) == [A3_POINTS]
    status, said, error = command(web_app, "poster", place.code, "nothing", "-o", str(out))
    assert (status, said, "refused: no open or decided poll nothing" in error) == (1, "", True)


@pytest.mark.usefixtures("demo_city", "web_app")
def test_the_demos_own_notices_and_posters_are_one_sheet_each() -> None:
    place = places.community_by_code("HXL")
    cards = [card for card in voting_queries.poll_cards(place.id) if card.phase.value != "draft"]
    assert len(cards) > 4
    for card in cards:
        poll = voting_queries.poll_view(place.id, card.public_id)
        for size in printing.POSTER_SIZES:
            sheet = printing.poster_pdf(papers.sender(place), papers.poster(poll, size))
            assert len(sizes_of(sheet)) == 1, poll.title
            words = "看结果" if poll.decided else "评一评" if poll.rates else "投一票"
            assert words in text_of(sheet)
        if poll.decided:
            notice = papers.result_notice(
                place, voting_queries.result_view(place.id, card.public_id)
            )
            sheet = printing.result_notice_pdf(papers.sender(place), notice)
            assert len(sizes_of(sheet)) == 1, poll.title

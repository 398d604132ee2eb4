"""The desk's pages for a roll, as a clerk without JavaScript walks them."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.communities import operations, queries, staging
from app.communities.models import Household
from app.core import jobs
from app.core.actor import SYSTEM, Role
from app.core.db import db
from tests.communities import files
from tests.communities.test_roll_import import cells

if TYPE_CHECKING:
    from tests.support.checked_client import CheckedClient
    from tests.support.world import Place, World

HEADER = "小区,楼栋,单元,房号,户主,联系电话"


@pytest.fixture
def place(web_world: World, client: CheckedClient) -> Place:
    place = web_world.community("HXL", 3)
    client.staff(web_world.staff(place))
    return place


def send(client: CheckedClient, data: bytes, name: str = "底册.csv") -> str:
    answer = client.post(
        "/c/HXL/desk/roll",
        {"file": (io.BytesIO(data), name)},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def homes(place: Place) -> list[tuple[str, str]]:
    """Stairwell and room of every home on the roll, as a new reader sees them."""
    db.session.rollback()
    return [(a.stairwell, a.room) for a in queries.households_for_letters(place.id)]


def work() -> None:
    """Let the worker do what is due."""
    db.session.rollback()
    jobs.run_due()


def lines(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join((header, *rows)).encode()


def test_the_clerk_is_asked_which_sheet_and_can_read_another(
    client: CheckedClient, place: Place
) -> None:
    def one(room: int) -> list[list[object]]:
        return [["小区", "楼栋", "单元", "房号"], ["一区", 1, 1, room]]

    notes: list[list[object]] = [["填表说明"]]
    data = files.xlsx({"去年": one(1), "今年": one(7), "说明": notes}, ("去年",))
    page = send(client, data, "几张表.xlsx")
    asked = client.get(page).text
    for words in ("读哪一张表", "去年（1 行），隐藏的表", "今年（1 行）", "说明（1 行）"):
        assert words in asked
    nothing = client.post(f"{page}/sheet", {})
    assert (nothing.status_code, "请选一张表" in nothing.text) == (422, True)
    assert client.post(f"{page}/sheet", {"sheet": "2"}).status_code == 422
    assert client.post(f"{page}/sheet", {"sheet": "0"}).status_code == 303
    preview = client.get(page).text
    assert "读的是“去年”。文件里还有这些表，没有读：今年、说明" in preview
    assert "读哪一张表" in client.get(f"{page}?sheet=ask").text
    client.post(f"{page}/sheet", {"sheet": "1"})
    assert "新增" in client.get(page).text
    client.post(page)
    assert {room for _stairwell, room in homes(place)} == {"1", "2", "3", "7"}


def test_a_column_nobody_knows_is_mapped_once_and_known_the_next_time(
    client: CheckedClient, place: Place
) -> None:
    header = "小区,楼栋,单元,几室,当家的,喜好"
    page = send(client, lines("一区,1,1,9,甲,棋", header=header))
    asked = client.get(page).text
    assert "还缺：房号" in asked
    assert ">几室</label>" in asked
    wrong = client.post(f"{page}/columns", {"column-1": "tenant", "column-2": "tenant"})
    assert wrong.status_code == 422
    assert "还没有保存" in wrong.text
    assert re.search(r'value="tenant" selected', wrong.text)
    fields = {"column-0": "room", "column-1": "tenant", "column-2": "no-such-field"}
    assert client.post(f"{page}/columns", fields).status_code == 303
    preview = client.get(page).text
    assert "“几室”是房号，“当家的”是租户" in preview
    assert "这些栏没有用：喜好" in preview
    assert 'value="room" selected' in client.get(f"{page}/columns").text
    again = client.get(send(client, lines("一区,1,1,8,甲,棋", header=header))).text
    assert "按您以前的选择" in again


def test_refused_rows_are_downloaded_corrected_and_sent_in_again(
    client: CheckedClient, place: Place
) -> None:
    page = send(
        client, lines("一区,1,1,9,甲,", "一区,,1,8,乙,", "一区,1,1,7,丙,", "一区,1,1,7,丁,")
    )
    preview = client.get(page).text
    for words in ("3 行不能导入", "没有写楼栋", "和原表第 5 行是同一户，但户主不一样"):
        assert words in preview
    answer = client.get(f"{page}/refused.xlsx")
    assert "attachment" in answer.headers["Content-Disposition"]
    table = cells(answer.data)
    assert table[0] == ["原因", "小区", "楼栋", "单元", "房号", "户主", "联系电话"]
    table[1][2], table[3][4] = "1", "6"
    again = send(client, files.xlsx({"改好": table}), "改好.xlsx")
    seen = client.get(again).text
    assert "没有写" not in seen
    assert "不能导入的行" not in seen
    client.post(page)
    client.post(again)
    rooms = {room for _stairwell, room in homes(place)}
    assert rooms == {"1", "2", "3", "6", "7", "8", "9"}


def test_households_left_out_are_shown_and_go_only_when_the_clerk_says_so(
    client: CheckedClient, place: Place
) -> None:
    page = send(client, lines("一区,1,1,1,住户HXL1,10000000001", "一区,1,,3,丙,"))
    preview = client.get(page).text
    assert "底册里有 2 户，这份文件里没有" in preview
    assert "确认导入，一户也不移出" in preview
    shown = client.get(f"{page}/absent").text
    assert "一区 1-1-2" in shown
    assert "像是文件第 3 行的 一区 1-3" in shown
    assert client.post(f"{page}/absent", {"all": "remove"}).status_code == 303
    assert "确认导入，移出 1 户" in client.get(page).text
    client.post(f"{page}/absent", {"all": "keep"})
    decided = {f"home-{place.households[1]}": "remove", f"home-{place.households[2]}": "move"}
    assert (
        client.post(
            f"{page}/absent", {**decided, "home-x": "remove", f"home-{'9' * 40}": "remove"}
        ).status_code
        == 303
    )
    client.post(page)
    after = client.get(page).text
    assert "留着 1 户，移出 1 户" in after
    assert homes(place) == [("", "3"), ("1", "1")]
    gone = client.get(f"/c/HXL/desk/households/{place.households[1]}").text
    assert "这一户已移出底册" in gone
    assert "重新印一封信" not in gone
    assert "一区 1-1-2" in client.get("/c/HXL/desk/households?state=left").text
    refused = client.post(f"{page}/absent", decided)
    assert (refused.status_code, "已经导入" in refused.text) == (422, True)


def test_new_rows_whose_use_nobody_knows_are_named_before_they_are_no_homes(
    client: CheckedClient, place: Place
) -> None:
    uses = ("公寓楼", "公寓楼", "一般", "其他", "商铺", "住宅", "")
    rows = [f"一区,9,1,{n},丁{n},10000000009,{use}" for n, use in enumerate(uses, 101)]
    page = send(client, lines(*rows, header=f"{HEADER},房屋用途"))
    for _before_and_after in range(2):
        preview = client.get(page).text
        assert "3 行的房屋用途看不懂（公寓楼、一般），不算住宅" in preview
        client.post(page)
    db.session.rollback()
    kinds = select(Household.unit_type).where(Household.room.like("10_")).order_by(Household.room)
    found = list(db.session.scalars(kinds))
    assert found == ["other"] * 4 + ["commercial", "residence", "residence"]
    known = send(client, lines(rows[4], rows[5], header=f"{HEADER},房屋用途"))
    assert "看不懂" not in client.get(known).text


def test_a_row_that_makes_a_home_something_else_asks_first(
    client: CheckedClient, place: Place
) -> None:
    rows = [f"一区,1,1,{n},丙{n},10000000009,商铺" for n in (1, 2)]
    data = "\n".join(("小区,楼栋,单元,房号,户主,联系电话,房屋用途", *rows)).encode()
    page = send(client, data)
    preview = client.get(page).text
    assert "文件把 2 户写成了别的用途" in preview
    assert "确认导入，一户也不移出" in preview
    shown = client.get(f"{page}/absent").text
    assert "文件第 2 行把它写成了别的用途" in shown
    assert "还是住户，留着" in shown
    # What is said of all that the file leaves out says nothing of them.
    client.post(f"{page}/absent", {"all": "remove"})
    client.post(f"{page}/absent", {f"home-{place.households[1]}": "remove"})
    client.post(page)
    assert "更新 2 户" in client.get(page).text
    db.session.rollback()
    first, second = (db.session.get_one(Household, number) for number in place.households[:2])
    assert (first.unit_type, first.household_head) == ("residence", "丙1")
    assert (second.unit_type, second.left_roll_at) == ("commercial", None)


def test_a_home_that_the_file_writes_twice_as_something_else_is_asked_about_once(
    client: CheckedClient, place: Place
) -> None:
    row = "一区,1,1,1,丙1,10000000009,商铺"
    page = send(client, lines(row, row, header=f"{HEADER},房屋用途"))
    preview = client.get(page).text
    assert "文件把 1 户写成了别的用途" in preview
    assert "底册里有 2 户，这份文件里没有" in preview
    assert client.get(f"{page}/absent").text.count(f'id="home-{place.households[0]}"') == 1


def test_two_homes_cannot_both_take_one_rows_address(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    send_in = lines("一区,2,1,5,甲,", "一区,2,2,5,乙,")
    operations.import_roll(SYSTEM, community_id=place.id, data=send_in, file_name="a.csv")
    page = send(client, lines("一区,2,,5,甲,"))
    names = re.findall(r'name="(home-\d+)"', client.get(f"{page}/absent").text)
    answer = client.post(f"{page}/absent", dict.fromkeys(names, "move"))
    assert (answer.status_code, "请只留一户" in answer.text) == (422, True)


def test_a_long_file_shows_how_far_it_is_and_lists_are_paged(
    client: CheckedClient, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "AT_ONCE", 100)
    rows = [f"一区,1,1,{n},甲,\n一区,,1,{n},甲," for n in range(100, 360)]
    page = send(client, lines(*rows))
    waiting = client.get(page)
    assert waiting.headers["Refresh"] == "2"
    assert "正在读" in waiting.text
    assert "共 520 行" in waiting.text
    early = client.post(page)
    assert (early.status_code, "还没有读完" in early.text) == (409, True)
    work()
    preview = client.get(page)
    assert "Refresh" not in preview.headers
    assert preview.text.count("没有写楼栋") == 50
    last = client.get(f"{page}?show=refused&page=6").text
    assert last.count("没有写楼栋") == 10
    assert "第 6 页，共 6 页" in last
    for odd in ("show=nonsense&page=-4", f"page={'9' * 40}", "page=x"):
        assert client.get(f"{page}?{odd}").status_code == 200
    client.post(page)
    assert "正在导入" in client.get(page).text
    work()
    assert "已经导入" in client.get(page).text
    assert len(homes(place)) == 263


def test_what_would_change_is_named_row_by_row(client: CheckedClient, place: Place) -> None:
    page = send(client, lines("一区,1,1,1,新户主,10000000009", "一区,1,1,,甲,"))
    assert "户主、联系电话" in client.get(f"{page}?show=changed").text


def test_same_owners_are_proposed_confirmed_and_taken_back(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    rows = lines(
        "一区,3,1,1,张三,10000000005,60",
        "一区,3,1,2,张三,10000000005,40.5",
        header="小区,楼栋,单元,房号,产权人,联系电话,建筑面积",
    )
    operations.import_roll(SYSTEM, community_id=place.id, data=rows, file_name="a.csv")
    address = "/c/HXL/desk/roll/owners"
    page = client.get(address).text
    for words in ("等您决定的（1 组）", "张三", "一区 3-1-2", "尾号：0005", "5 个业主，5 套"):
        assert words in page
    assert "10000000005" not in page
    units = re.findall(r'name="unit" value="(\d+)"', page)[:2]

    def decide(same: str) -> Any:
        return client.post(address, {"unit": units, "same": same})

    assert decide("yes").status_code == 303
    page = client.get(address).text
    assert "4 个业主，5 套" in page
    assert "已定为同一业主" in page
    assert "100.50 平方米" in page
    assert "产权人变了" not in page
    sold = rows.replace("2,张三".encode(), "2,李四".encode())
    operations.import_roll(SYSTEM, community_id=place.id, data=sold, file_name="a.csv")
    assert "产权人变了" in client.get(address).text
    operations.import_roll(SYSTEM, community_id=place.id, data=rows, file_name="a.csv")
    decide("no")
    page = client.get(address).text
    assert "5 个业主，5 套" in page
    assert "已定为不是" in page
    assert client.post(address, {"unit": ["9" * 40, units[0]], "same": "yes"}).status_code == 404
    alone = client.post(address, {"unit": units[:1], "same": "yes"})
    assert (alone.status_code, "至少要两套" in alone.text) == (422, True)


def test_only_a_clerk_decides_who_is_one_owner(
    client: CheckedClient, web_world: World, web_app: Any
) -> None:
    place = web_world.community("YYL", 1)
    client.staff(web_world.staff(place, Role.COMMITTEE))
    assert client.get("/c/YYL/desk/roll").status_code == 200
    assert "同一业主的几套房" not in client.get("/c/YYL/desk/roll").text
    assert client.get("/c/YYL/desk/roll/owners").status_code in {403, 404}


def test_a_table_of_one_estate_needs_no_column_for_it(client: CheckedClient, place: Place) -> None:
    header = "楼栋,单元,房号,户主"
    page = send(client, lines("1,1,9,甲", "1,1,,乙", header=header))
    asked = client.get(page).text
    assert "还缺：小区" in asked
    assert "请补上再传" not in asked, "there is a field for it on this page"
    assert 'value="一区"' in asked, "the only estate of the roll is suggested"
    assert client.post(f"{page}/columns", {"estate": " "}).status_code == 422
    assert client.post(f"{page}/columns", {"estate": "字" * 81}).status_code == 422
    assert client.post(f"{page}/columns", {"estate": "一 区"}).status_code == 303
    assert "整份表都算在“一区”" in client.get(page).text
    table = cells(client.get(f"{page}/refused.xlsx").data)
    assert [row[1:] for row in table] == [
        ["小区", "楼栋", "单元", "房号", "户主"],
        ["一区", "1", "1", "", "乙"],
    ]
    client.post(page)
    assert ("1", "9") in homes(place)
    table[1][4] = "8"
    again = send(client, files.xlsx({"改好": table}), "改好.xlsx")
    client.post(again)
    assert ("1", "8") in homes(place)
    assert len(homes(place)) == 5

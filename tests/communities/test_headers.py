"""Headers of one row and of two, as committees draw them."""

from __future__ import annotations

import pytest

from app.communities.roll_reading import plan
from tests.communities import files
from tests.communities.test_roll import REMEMBERED, judged, read_file

TWO_ROWS: list[list[object]] = [
    ["槐香里一区住户清册", *[""] * 9],
    ["制表：居委会", *[""] * 9],
    ["序号", "小区", "房屋坐落", "", "", "房屋信息", "", "业主", "", ""],
    ["", "", "楼栋", "单元", "房号", "建筑面积", "用途", "姓名", "电话", "身份证号"],
    [1, "一区", "12号楼", "一单元", "0502", "62,10", "住宅", "甲、乙", 13800001111.0, "4101"],
    ["序号", "小区", "房屋坐落", "", "", "房屋信息", "", "业主", "", ""],
    ["", "", "楼栋", "单元", "房号", "建筑面积", "用途", "姓名", "电话", "身份证号"],
    [2, "一区", "12#", 1, 503, "56.30㎡", "住宅", "丙", "138-0000-2222", "4102"],
]
MERGED = [(2, 0, 3, 0), (2, 1, 3, 1), (2, 2, 2, 4), (2, 5, 2, 6), (2, 7, 2, 9)]


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
@pytest.mark.parametrize("merged", [[], MERGED])
def test_a_header_of_two_rows_is_read_whole_on_every_page_of_the_table(
    kind: str, merged: list[files.Span]
) -> None:
    data = files.MAKERS[kind]({"住户": TWO_ROWS}, (), merged)
    (sheet,) = read_file(data, f"a.{kind}", REMEMBERED)
    found = judged(sheet)
    assert not found.refused
    assert {number: (row.key, row.values) for number, row in found.rows.items()} == {
        5: (
            ("一区", "12", "1", "502"),
            {
                "area_registered_c": 6210,
                "unit_type": "residence",
                "owner_name": "甲、乙",
                "phones": "13800001111",
            },
        ),
        8: (
            ("一区", "12", "1", "503"),
            {
                "area_registered_c": 5630,
                "unit_type": "residence",
                "owner_name": "丙",
                "phones": "13800002222",
            },
        ),
    }
    assert sheet.dropped == ["业主身份证号"]
    assert sheet.totals == 2


def test_a_tenants_phone_is_not_taken_for_the_one_a_household_gets_in_with() -> None:
    rows: list[list[object]] = [
        ["小区", "楼栋", "房号", "户主", "", "租户", ""],
        ["", "", "", "姓名", "电话", "姓名", "电话"],
        ["一区", 1, 101, "甲", "13800001111", "乙", "13900002222"],
    ]
    (sheet,) = read_file(files.xlsx({"住户": rows}), "a.xlsx", REMEMBERED)
    assert judged(sheet).rows[3].values == {
        "household_head": "甲",
        "phones": "13800001111",
        "tenant": "乙",
    }
    assert sheet.header[-1] == "租户电话"


def test_a_first_home_whose_cells_look_like_a_header_is_no_header() -> None:
    rows: list[list[object]] = [
        ["小区", "楼栋", "房号", "产权人", "与产权人的关系"],
        ["一区", 1, 101, "甲", "户主"],
        ["一区", 1, 102, "乙", "租户"],
    ]
    (sheet,) = read_file(files.xlsx({"住户": rows}), "a.xlsx", REMEMBERED)
    assert [row.key[3] for row in judged(sheet).rows.values()] == ["101", "102"]


def test_parts_of_a_name_in_two_rows_are_one_name() -> None:
    rows: list[list[object]] = [
        ["", "", "", "建筑", "联系"],
        ["小区", "楼栋", "房号", "面积", "电话"],
        ["一区", 1, 101, 56.3, "13800001111"],
    ]
    (sheet,) = read_file(files.xlsx({"住户": rows}), "a.xlsx", REMEMBERED)
    assert judged(sheet).rows[3].values == {"area_registered_c": 5630, "phones": "13800001111"}


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ("楼栋号", "building"),
        ("房间号", "room"),
        ("手机号码", "phone"),
        ("建筑面积（平方米）", "area_registered_c"),
        ("建筑面积(㎡)", "area_registered_c"),
        ("家庭人数（人）", "persons"),
        ("联系电话（租户）", None),
        ("亲属电话", None),
    ],
)
def test_a_column_is_known_by_what_committees_call_it(written: str, field: str | None) -> None:
    rows: list[list[object]] = [["小区", "单元", written], ["一区", 1, "1"]]
    (sheet,) = read_file(files.xlsx({"住户": rows}), "a.xlsx", REMEMBERED)
    assert plan(sheet.header, REMEMBERED)[-1].field == (field or "")


def test_an_id_number_is_left_out_however_its_column_is_called() -> None:
    names = ["身份证号码", "身份证号（后四位）", "公民身份号码", "业主身份证号"]
    rows: list[list[object]] = [["小区", "楼栋", "房号", *names], ["一区", 1, 101, *"1234"]]
    (sheet,) = read_file(files.xlsx({"住户": rows}), "a.xlsx", REMEMBERED)
    assert sheet.dropped == ["身份证号码", "身份证号(后四位)", "公民身份号码", "业主身份证号"]


def test_a_column_that_somebody_said_is_not_used_stays_so() -> None:
    rows: list[list[object]] = [["小区", "楼栋", "房号", "建筑面积(平米)"], ["一区", 1, 101, 5]]
    (sheet,) = read_file(files.xlsx({"住户": rows}), "a.xlsx", {"建筑面积(平米)": ""})
    assert [column.origin for column in plan(sheet.header, {"建筑面积(平米)": ""})][-1] == "unused"


def test_a_remark_that_speaks_of_a_sum_is_no_row_of_totals() -> None:
    rows: list[list[object]] = [
        ["小区", "楼栋", "房号", "户主", "家庭情况", "备注"],
        ["一区", 1, 101, "甲", "共计三人", "合计两套"],
        ["一区", 1, 102, "乙", "", "小计"],
        ["1号楼小计：", "", "", "", 2, ""],
        ["", "合 计", "", "", 2, ""],
        ["", "", "", "总计", 2, ""],
    ]
    (sheet,) = read_file(files.xlsx({"住户": rows}), "a.xlsx", REMEMBERED)
    assert [row.key[3] for row in judged(sheet).rows.values()] == ["101", "102"]
    assert (sheet.rows, sheet.totals) == (2, 3)

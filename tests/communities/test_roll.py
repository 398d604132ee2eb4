"""Reading a committee's roll: what cells mean, what is refused, what an import changes."""

from __future__ import annotations

import io
import json
import random
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from time import process_time

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from app.communities import rules
from app.communities.roll_reading import MAX_BYTES, OLE, ReadSheet, cells_of, plan, read_file
from app.communities.sheets import _CELL
from app.config import ROOT
from app.core.errors import RuleBroken
from tests.communities import files

FIELDS = (
    "estate",
    "building",
    "stairwell",
    "room",
    "owner_name",
    "household_head",
    "phone",
    "grid",
)

HEADER = "小区,楼栋,单元,房号,房屋用途,建筑面积,产权人,联系电话,备注"
REMEMBERED: dict[str, str] = {}


@dataclass(frozen=True)
class Read:
    """What a sheet came to: its rows judged, by their number in the file."""

    sheet: ReadSheet
    rows: dict[int, rules.Judged]

    @property
    def refused(self) -> dict[int, tuple[str, str]]:
        return {n: (row.problem, row.what) for n, row in self.rows.items() if row.problem}

    @property
    def rooms(self) -> list[str]:
        return [row.key[3] for row in self.rows.values() if not row.problem]


def judged(sheet: ReadSheet) -> Read:
    columns = plan(sheet.header, REMEMBERED)
    rows = [row for piece in sheet.pieces for row in json.loads(piece)]
    return Read(sheet, {n: rules.judge(cells_of(columns, cells)) for n, *cells in rows})


def read(*lines: str, header: str = HEADER) -> Read:
    (sheet,) = read_file("\n".join((header, *lines)).encode(), "a.csv", REMEMBERED)
    return judged(sheet)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("12号楼", "12"),
        ("12#", "12"),
        ("12 号楼", "12"),
        ("１２栋", "12"),
        ("12幢", "12"),
        ("12甲", "12甲"),
        ("十二号楼", "12"),
        ("012", "12"),
        ("B1", "B1"),
        ("号", ""),
    ],
)
def test_a_building_has_one_name(typed: str, name: str) -> None:
    assert rules.building_name(rules.plain(typed)) == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [("一单元", "1"), ("1 单元", "1"), ("１", "1"), ("二十三", "23"), ("十", "10"), ("", "")],
)
def test_a_stairwell_has_one_name(typed: str, name: str) -> None:
    assert rules.stairwell_name(rules.plain(typed)) == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("0502", "502"),
        (502.0, "502"),
        ("502室", "502"),
        ("3-1", "3-1"),
        ("门市3号", "门市3号"),
        ("000", "000"),
    ],
)
def test_a_room_has_one_name(typed: object, name: str) -> None:
    assert rules.room_name(rules.plain(typed)) == name


@pytest.mark.parametrize(
    ("typed", "area"),
    [
        ("56.30㎡", 5630),
        ("62,10", 6210),
        ("５６．３０", 5630),
        ("48.75 平", 4875),
        ("1,234.5", 123450),
        ("89.56平方米", 8956),
        ("大", None),
        ("-5", None),
        ("1e9", None),
        ("0.285", 28),
    ],
)
def test_an_area_is_whole_hundredths(typed: str, area: int | None) -> None:
    assert rules.area_c(rules.plain(typed)) == area


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("10069016964", ("10069016964",)),
        (10069016964.0, ("10069016964",)),
        ("1.0069016964E+10", ("10069016964",)),
        ("138-0000-1111", ("13800001111",)),
        ("+86 138 0000 1111", ("13800001111",)),
        ("13800001111、0410-7654321", ("13800001111", "04107654321")),
        ("１３８００００１１１１", ("13800001111",)),
        ("无", ()),
        ("123456", ()),
    ],
)
def test_phones_are_seven_to_twelve_digits(typed: object, found: tuple[str, ...]) -> None:
    assert rules.phones(rules.plain(typed)) == found


def test_untidy_rows_are_understood_and_refused_with_a_reason() -> None:
    found = read(
        "槐香里一区,1号楼,1,101,住宅,56.30㎡,甲一,10000000001,体弱",
        "槐香里一区,12甲,2,0502,住宅,48.75 平,甲五,,",
        "槐香里二区,3,,门市3号,商业,很大,乙三商店,,",
        "阳光新城,B1,,车位087,车位,13.25,丁一,,",
        ",3,1,302,住宅,,乙二,,",
        "阳光新城,,1,1,住宅,,乙二,,",
        "阳光新城,1,1,,住宅,,乙二,,",
        "阳光新城,1,1," + "9" * 50 + ",住宅,,乙二,,",
        "阳光新城,1,1,3,住宅,=A1*2,乙二,,",
        "阳光新城,1,1,2026-03-01,住宅,,乙二,,",
        "阳光新城,1,1,5,住宅,#REF!,乙二,,",
        "合 计,,,,,999,,,",
        "注：以上为暂定,,,,,,,,",
        HEADER,
        ",,,,,,,,",
        "阳光新城,9,2,2601",
    )
    assert found.refused == {
        6: ("no_estate", "estate"),
        7: ("no_building", "building"),
        8: ("no_room", "room"),
        9: ("too_long", "room"),
        10: ("formula", "area_registered_c"),
        11: ("date", "room"),
        12: ("error", "area_registered_c"),
    }
    assert found.rooms == ["101", "502", "门市3号", "车位087", "2601"]
    kinds = [row.values["unit_type"] for row in found.rows.values() if not row.problem]
    assert kinds == ["residence", "residence", "commercial", "parking", "residence"]
    assert found.sheet.totals == 3
    assert found.rows[4].warnings == ("area_unreadable", "no_phone")
    assert found.rows[4].values["area_registered_c"] == rules.UNREADABLE
    assert "体弱" not in "".join(found.sheet.pieces)


def test_the_whole_roll_of_the_demo_is_read() -> None:
    data = (ROOT / "sample_data" / "huaixiangli.xlsx").read_bytes()
    (sheet,) = read_file(data, "x.xlsx", REMEMBERED)
    found = judged(sheet)
    assert len(found.rows) == 1486
    assert found.refused == {}
    assert len({row.key for row in found.rows.values()}) == 1486


def workbook(rows: list[list[object]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet("底册")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return out.getvalue()


def test_a_workbook_with_titles_above_its_header_is_read() -> None:
    rows = [
        ["2026 年住户底册"],
        [],
        ["小区名称", "楼号", "单元号", "门牌号", "手机", "身份证号", "爱好"],
        ["一区", 1, 1, 101, 10069016964, "2", "棋"],
    ]
    (sheet,) = read_file(workbook(rows), "a.xlsx", REMEMBERED)
    found = judged(sheet)
    assert {n: (row.key, row.values) for n, row in found.rows.items()} == {
        4: (("一区", "1", "1", "101"), {"phones": "10069016964"})
    }
    assert sheet.dropped == ["身份证号"]
    assert sheet.header[-1] == "爱好"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
@pytest.mark.parametrize("comma", [",", "\t", ";"])
def test_csv_of_every_encoding_is_read(encoding: str, comma: str) -> None:
    text = "小区,楼栋,房号\n一区,1,101\n".replace(",", comma)
    (sheet,) = read_file(text.encode(encoding), "a.csv", REMEMBERED)
    assert judged(sheet).rows[2].key == ("一区", "1", "", "101")


TABLE: list[list[object]] = [
    ["2026 年住户底册", "", "", "", "", ""],
    ["序号", "小区", "楼栋", "单元", "房号", "联系电话"],
    [1, "一区", "12号楼", "一单元", "0502", 13800001111.0],
    [2, "", "", "二单元", 503, "138-0000-2222"],
    [3, "", "12#", 2, "３－１", "1.3800003333E+10"],
    ["合计", "", "", "", 3, ""],
]
MERGED = [(2, 1, 4, 1), (2, 2, 3, 2)]


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
def test_merged_cells_titles_totals_and_numbers_are_understood_in_every_format(kind: str) -> None:
    data = files.MAKERS[kind]({"底册": TABLE}, (), MERGED)
    (sheet,) = read_file(data, f"a.{kind}", REMEMBERED)
    found = judged(sheet)
    assert [row.key for row in found.rows.values()] == [
        ("一区", "12", "1", "502"),
        ("一区", "12", "2", "503"),
        ("一区", "12", "2", "3-1"),
    ]
    assert [row.values["phones"] for row in found.rows.values()] == [
        "13800001111",
        "13800002222",
        "13800003333",
    ]
    assert sheet.header == ["小区", "楼栋", "单元", "房号", "联系电话"]
    assert (sheet.rows, sheet.totals) == (3, 1)


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
def test_every_sheet_is_told_with_its_rows_and_whether_it_is_hidden(kind: str) -> None:
    notes: list[list[object]] = [["填表说明"], ["请用黑笔"]]
    data = files.MAKERS[kind]({"旧表": TABLE, "底册": TABLE, "说明": notes, "空": []}, ("旧表",))
    told = [(s.name, s.hidden, s.rows, s.is_roll) for s in read_file(data, "a", REMEMBERED)]
    # Without their merged cells two rows have no estate, and are rows nonetheless.
    assert told == [("旧表", True, 3, True), ("底册", False, 3, True), ("说明", False, 2, False)]


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_a_formula_that_nobody_calculated_refuses_its_row(kind: str) -> None:
    rows: list[list[object]] = [
        ["小区", "楼栋", "房号", "建筑面积"],
        ["一区", 1, 101, files.Formula("=1+1")],
        ["一区", 1, 102, 60],
    ]
    (sheet,) = read_file(files.MAKERS[kind]({"底册": rows}), "a", REMEMBERED)
    assert judged(sheet).refused == {2: ("formula", "area_registered_c")}


def test_a_calculated_formula_is_its_value_and_an_error_refuses_its_row() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["小区", "楼栋", "房号", "建筑面积"])
        for row, value in ((1, 62.5), (2, "#REF!")):
            sheet.write_row(row, 0, ["一区", 1, row])
            sheet.write_formula(row, 3, "=50*1.25", None, value)
    (read_sheet,) = read_file(out.getvalue(), "a.xlsx", REMEMBERED)
    found = judged(read_sheet)
    assert found.rows[2].values["area_registered_c"] == 6250
    assert found.refused == {3: ("error", "area_registered_c")}


def test_a_room_that_became_a_date_is_refused() -> None:
    day = datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None)
    rows: list[list[object]] = [["小区", "楼栋", "房号"], ["一区", 1, day]]
    (sheet,) = read_file(files.xlsx({"底册": rows}), "a.xlsx", REMEMBERED)
    assert judged(sheet).refused == {2: ("date", "room")}


def test_what_looks_like_an_id_number_never_leaves_the_reader() -> None:
    secret = "21120219900101123X"
    lines = f"小区,楼栋,房号,证号,户主\n一区,1,1,{secret},甲 {secret}\n一区,1,2,,乙\n"
    (sheet,) = read_file(lines.encode(), "a.csv", REMEMBERED)
    assert secret not in "".join(sheet.pieces)
    assert sheet.with_id_numbers == ["证号", "户主"]
    assert judged(sheet).rows[2].values["household_head"] == "甲"


def test_several_columns_of_phones_are_read_together() -> None:
    found = read("一区,1,1,10000000001,10000000002", header="小区,楼栋,房号,联系电话,手机")
    assert found.rows[2].values["phones"] == "10000000001 10000000002"


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("住户甲三、住户甲四", ("住户甲三", "住户甲四")),
        ("张三，李四", ("张三", "李四")),
        ("张三/李四；王五", ("张三", "李四", "王五")),
        ("张三 李四", ("张三", "李四")),
        ("张 三", ("张三",)),
        ("John Smith", ("John Smith",)),
        ("张三、张三", ("张三",)),
        ("", ()),
    ],
)
def test_co_owners_are_told_apart_where_it_is_safe(typed: str, names: tuple[str, ...]) -> None:
    assert rules.owner_names(rules.plain(typed)) == names


def test_a_number_that_the_spreadsheet_rounded_is_no_phone() -> None:
    found = read("一区,1,,1,,,,1.38E+10,")
    assert found.rows[2].values["phones"] is None
    assert found.rows[2].warnings == ("phone_rounded",)


def test_rows_of_one_address_are_one_or_all_refused() -> None:
    same = rules.settle([(2, {"tenant": "甲"}), (5, {"tenant": "甲"})])
    assert [(v.number, v.state, v.other) for v in same] == [(2, "kept", 0), (5, "twice", 2)]
    unlike = rules.settle([(2, {"tenant": "甲"}), (5, {"tenant": "甲"}), (9, {"tenant": "乙"})])
    assert [(v.number, v.state, v.other, v.what) for v in unlike] == [
        (2, "contradiction", 9, ("tenant",)),
        (5, "contradiction", 9, ("tenant",)),
        (9, "contradiction", 2, ("tenant",)),
    ]


def bomb(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members:
            packed.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"x" * (MAX_BYTES + 1), "roll.too_large"),
        (b"\xff\xfe\x00\x01", "roll.not_a_workbook"),
        (b"\n\n\n", "roll.empty"),
        (OLE + b"x" * 600, "roll.not_a_workbook"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "roll.locked"),
        (workbook([]), "roll.empty"),
        (bomb(("xl/workbook.xml", b"<x/>"), ("a.xml", b"0" * 9_000_000)), "roll.bomb"),
        (bomb(("xl/workbook.xml", b"<x/>"), ("../../etc/passwd", b"x")), "roll.bomb"),
        (bomb(("word/document.xml", b"<x/>")), "roll.not_a_workbook"),
        (
            bomb(
                (
                    "xl/workbook.xml",
                    b"<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><x>&y;</x>",
                )
            ),
            "roll.not_a_workbook",
        ),
        (("小区,楼栋,房号\n" + ",".join(["1"] * 300)).encode(), "roll.too_large"),
    ],
)
def test_what_is_no_roll_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(RuleBroken, match=code):
        read_file(data, "a.xlsx", REMEMBERED)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", b"\xef\xbb\xbf", OLE]))
def test_anybodys_bytes_are_read_or_refused(data: bytes, begin: bytes) -> None:
    try:
        read_file(begin + data, "a.xlsx", REMEMBERED)
    except RuleBroken as error:
        assert error.code.startswith("roll.")


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
def test_a_damaged_workbook_is_read_or_refused(kind: str) -> None:
    rows: list[list[object]] = [["小区", "楼栋", "房号"], ["一区", 1, 2]]
    whole, dice = files.MAKERS[kind]({"底册": rows}), random.Random(3)
    for _ in range(100):
        data = bytearray(whole)
        for _change in range(4):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            read_file(bytes(data), f"a.{kind}", REMEMBERED)
        except RuleBroken as error:
            assert error.code.startswith("roll.")


CELLS = st.text(max_size=20) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()


@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, CELLS)))
def test_what_was_understood_once_is_understood_the_same_again(cells: dict[str, object]) -> None:
    once = rules.judge({name: rules.as_written(cell) for name, cell in cells.items()})
    if once.problem:
        return
    said = dict(zip(rules.ADDRESS, once.key, strict=True))
    for name in ("owner_name", "household_head", "phone", "grid"):
        said[name] = str(once.values["phones" if name == "phone" else name] or "")
    again = rules.judge(said | {"phone": said["phone"].replace(" ", "、")})
    assert again.key == once.key
    for name, value in again.values.items():
        assert value == (once.values[name] or "")


@given(st.text(max_size=30))
def test_names_are_settled_after_one_cleaning(typed: str) -> None:
    for clean in (rules.building_name, rules.stairwell_name, rules.room_name):
        once = clean(rules.plain(typed))
        assert clean(rules.plain(once)) == once


def ods_with(content: bytes) -> bytes:
    kind = b"application/vnd.oasis.opendocument.spreadsheet"
    return bomb(("mimetype", kind), ("content.xml", content))


def test_entities_of_an_ods_are_not_unfolded() -> None:
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    with pytest.raises(RuleBroken, match=r"roll\.not_a_workbook"):
        read_file(ods_with(laughs), "a.ods", REMEMBERED)


@pytest.mark.parametrize(
    "part", [b"<c ", b'<c r="A1" ', b'<c r="A1"><f>x', b'<c r="A1">' + b" " * 90]
)
def test_looking_for_formulas_takes_time_in_proportion_to_the_sheet(part: bytes) -> None:
    def seconds(times: int) -> float:
        begun = process_time()
        _CELL.findall(part * times)
        return process_time() - begun

    seconds(1000)
    assert seconds(20_000) < 1.0


def test_a_row_without_a_head_of_household_comes_in_with_a_warning() -> None:
    found = read("一区,1,1,", "一区,1,2,张三", header="小区,楼栋,房号,户主")
    assert [found.rows[number].warnings for number in sorted(found.rows)] == [("no_head",), ()]
    assert not found.refused

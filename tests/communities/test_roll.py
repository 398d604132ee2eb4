"""Reading a committee's roll: what cells mean, what is refused, what an import changes."""

from __future__ import annotations

import io
import random
import zipfile
from typing import TYPE_CHECKING

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from app.communities import operations, queries, rules
from app.communities.roll_reading import MAX_BYTES, read_roll
from app.config import ROOT
from app.core.actor import SYSTEM, Role
from app.core.errors import NotAllowed, NotFound, RuleBroken

if TYPE_CHECKING:
    from tests.support.world import World

HEADER = "小区,楼栋,单元,房号,房屋用途,建筑面积,产权人,联系电话,备注"


def read(*lines: str, header: str = HEADER) -> rules.Reading:
    return read_roll("\n".join((header, *lines)).encode(), "a.csv").reading


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
    reading = read(
        "槐香里一区,1号楼,1,101,住宅,56.30㎡,甲一,10000000001,体弱",
        "槐香里一区,12甲,2,0502,住宅,48.75 平,甲五,,",
        "槐香里一区,12甲,2,502,住宅,48.75,甲五,,",
        "槐香里二区,3,,门市3号,商业,很大,乙三商店,,",
        "阳光新城,B1,,车位087,车位,13.25,丁一,,",
        ",3,1,302,住宅,,乙二,,",
        "阳光新城,,1,1,住宅,,乙二,,",
        "阳光新城,1,1,,住宅,,乙二,,",
        "阳光新城,1,1," + "9" * 50 + ",住宅,,乙二,,",
        "合计,,,,,999,,,",
        ",,,,,,,,",
        "阳光新城,9,2,2601",
    )
    assert [(r.number, r.code, r.other) for r in reading.refused] == [
        (4, "twice", 3),
        (7, "no_estate", 0),
        (8, "no_building", 0),
        (9, "no_room", 0),
        (10, "too_long", 0),
    ]
    assert [row.key[3] for row in reading.rows] == ["101", "502", "门市3号", "车位087", "2601"]
    assert [row.values["unit_type"] for row in reading.rows] == [
        "residence",
        "residence",
        "commercial",
        "parking",
        "residence",
    ]
    assert reading.totals_skipped == 1
    assert reading.warnings == {"no_phone": 4, "area_unreadable": 1}
    assert all("体弱" not in str(row.values) for row in reading.rows)


def test_the_whole_roll_of_the_demo_is_read() -> None:
    file = read_roll((ROOT / "sample_data" / "huaixiangli.xlsx").read_bytes(), "x.xlsx")
    assert len(file.reading.rows) == 1486
    assert file.reading.refused == ()
    assert len({row.key for row in file.reading.rows}) == 1486
    assert file.missing_columns == ("household_head",)


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
    file = read_roll(workbook(rows), "a.xlsx")
    (row,) = file.reading.rows
    assert row.key == ("一区", "1", "1", "101")
    assert row.number == 4
    assert row.values == {"phones": "10069016964"}
    assert file.dropped_columns == ("身份证号",)
    assert file.unknown_columns == ("爱好",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_csv_of_every_encoding_is_read(encoding: str) -> None:
    data = "小区,楼栋,房号\n一区,1,101\n".encode(encoding)
    assert read_roll(data, "a.csv").reading.rows[0].key == ("一区", "1", "", "101")


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
        (workbook([["甲", "乙"], [1, 2]]), "roll.columns_missing"),
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
        read_roll(data, "a.xlsx")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", b"\xef\xbb\xbf"]))
def test_anybodys_bytes_are_read_or_refused(data: bytes, begin: bytes) -> None:
    try:
        read_roll(begin + data, "a.xlsx")
    except RuleBroken as error:
        assert error.code.startswith("roll.")


def test_a_damaged_workbook_is_read_or_refused() -> None:
    whole, dice = workbook([["小区", "楼栋", "房号"], ["一区", 1, 2]]), random.Random(3)
    for _ in range(150):
        data = bytearray(whole)
        for _change in range(4):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            read_roll(bytes(data), "a.xlsx")
        except RuleBroken as error:
            assert error.code.startswith("roll.")


@given(st.text(max_size=30))
def test_names_are_settled_after_one_cleaning(typed: str) -> None:
    for clean in (rules.building_name, rules.stairwell_name, rules.room_name):
        once = clean(rules.plain(typed))
        assert clean(rules.plain(once)) == once


def test_importing_twice_changes_nothing_and_less_takes_nothing_away(world: World) -> None:
    place = world.community(households=0)

    def bring_in(*lines: str) -> operations.Imported:
        data = "\n".join(("小区,楼栋,单元,房号,户主,联系电话", *lines)).encode()
        return operations.import_roll(SYSTEM, community_id=place.id, data=data, file_name="a.csv")

    rows = ("一区,1,1,101,甲,10000000001", "一区,2,1,101,乙,10000000002")
    first, second = bring_in(*rows), bring_in(*rows)
    assert (first.new, first.changed, first.unchanged) == (2, 0, 0)
    assert (second.new, second.changed, second.unchanged) == (0, 0, 2)
    third = bring_in("一区,1号楼,一,0101,丙,10000000001", "一区,1,1,102,丁,")
    assert (third.new, third.changed, third.unchanged) == (1, 1, 0)
    assert len(queries.roll_values(place.id)) == 3
    values = queries.roll_values(place.id)["一区", "1", "1", "101"]
    assert values["household_head"] == "丙"
    assert len(queries.buildings(place.id)) == 2


def test_an_upload_waits_for_a_word_and_belongs_to_its_community(world: World) -> None:
    place, other = world.community(households=0), world.community("YYL", 0)
    clerk = world.staff(place).actor
    data = "小区,楼栋,房号\n一区,1,101\n".encode()
    upload = operations.upload_roll(clerk, community_id=place.id, data=data, file_name="a.csv")
    assert queries.roll_values(place.id) == {}
    assert len(queries.upload_view(place.id, upload).preview.new) == 1
    with pytest.raises(NotFound):
        queries.upload_view(other.id, upload)
    with pytest.raises(NotFound):
        operations.apply_roll(SYSTEM, community_id=other.id, public_id=upload)
    assert operations.apply_roll(clerk, community_id=place.id, public_id=upload).new == 1
    with pytest.raises(NotAllowed):
        operations.upload_roll(
            world.staff(place, Role.SUPERVISOR).actor,
            community_id=place.id,
            data=data,
            file_name="a",
        )


def test_a_code_names_one_place(world: World) -> None:
    world.community("HXL", 0)
    with pytest.raises(RuleBroken, match="code_taken"):
        operations.add_jurisdiction(SYSTEM, level="district", code="DHXL", name="x", parent_id=None)

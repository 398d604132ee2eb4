"""Bringing a roll in: previews, columns mapped by hand, households left out, refused rows."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from app.communities import operations, queries, refused_book, roll_queries, rules, staging
from app.communities.models import (
    Decision,
    Household,
    OwnerSet,
    OwnerSetUnit,
    RollLine,
    RollPiece,
    RollUpload,
    UploadState,
)
from app.config import ROOT
from app.core import clock, jobs
from app.core.actor import SYSTEM, Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.people.models import LoginSession, Membership, SecurityEvent
from app.people.queries import LEFT, desk_page
from app.voting.queries import residences
from tests.communities import files
from tests.communities.test_roll import REMEMBERED, judged, read_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.communities.roll_queries import UploadView
    from tests.support.world import Place, World

HEADER = "小区,楼栋,单元,房号,户主,联系电话"


def csv_of(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join((header, *lines)).encode()


def bring_in(place: Place, *lines: str, header: str = HEADER) -> tuple[int, int, int, int]:
    data = csv_of(*lines, header=header)
    done = operations.import_roll(SYSTEM, community_id=place.id, data=data, file_name="a.csv")
    return done.new, done.changed, done.unchanged, done.refused


def upload(place: Place, data: bytes, **more: Any) -> dict[str, Any]:
    public_id = operations.upload_roll(
        SYSTEM, community_id=place.id, data=data, file_name="a", **more
    )
    return {"community_id": place.id, "public_id": public_id}


def roll(place: Place) -> dict[str, Household]:
    rows = db.session.scalars(select(Household).where(Household.community_id == place.id))
    ids = {home.id: home for home in rows}
    found = queries.addresses_of(place.id, list(ids))
    return {found[number].short: home for number, home in ids.items()}


def events(kind: str) -> list[dict[str, Any]]:
    return list(db.session.scalars(select(SecurityEvent.facts).where(SecurityEvent.kind == kind)))


def test_the_messy_sample_comes_in_whole_and_a_second_time_changes_nothing(world: World) -> None:
    place = world.community(households=0)
    data = (ROOT / "sample_data" / "roll_messy.csv").read_bytes()
    done = operations.import_roll(SYSTEM, community_id=place.id, data=data, file_name="m.csv")
    assert (done.new, done.changed, done.unchanged, done.refused) == (13, 0, 0, 0)
    assert done.dropped_columns == ("备注",)
    again = operations.import_roll(SYSTEM, community_id=place.id, data=data, file_name="m.csv")
    assert (again.new, again.changed, again.unchanged, again.refused) == (0, 0, 13, 0)
    known = roll(place)
    areas = {address: home.area_registered_c for address, home in known.items()}
    assert areas["槐香里一区 1-1-201"] == 5630
    assert areas["供电家属院 2-1-401"] == 6210
    assert areas["槐香里一区 12甲-2-502"] == 4875
    assert areas["槐香里二区 3-3-302"] is None
    assert known["槐香里一区 1-1-201"].owner_name == "住户甲三、住户甲四"
    assert known["阳光新城 9-2-2601"].delivery == ""
    assert known["阳光新城 B1-车位087"].unit_type == "parking"


def test_importing_twice_changes_nothing_and_less_takes_nothing_away(world: World) -> None:
    place = world.community(households=0)
    rows = ("一区,1,1,101,甲,10000000001", "一区,2,1,101,乙,10000000002")
    assert bring_in(place, *rows) == (2, 0, 0, 0)
    assert bring_in(place, *rows) == (0, 0, 2, 0)
    assert bring_in(place, "一区,1号楼,一,0101,丙,10000000001", "一区,1,1,102,丁,") == (1, 1, 0, 0)
    known = roll(place)
    assert len(known) == 3
    assert known["一区 1-1-101"].household_head == "丙"
    assert all(home.left_roll_at is None for home in known.values())
    assert len(queries.buildings(place.id)) == 2


def test_what_cannot_be_read_leaves_what_the_roll_has_and_an_empty_cell_clears_it(
    world: World,
) -> None:
    place = world.community(households=0)
    header = "小区,楼栋,房号,联系电话,建筑面积,产权性质"
    good = "一区,1,101,10000000001,56.3,私产"
    assert bring_in(place, good, header=header) == (1, 0, 0, 0)
    assert bring_in(place, "一区,1,101,1.38E+10,很大,不清楚", header=header) == (0, 0, 1, 0)
    home = roll(place)["一区 1-101"]
    assert (home.phones, home.area_registered_c, home.tenure) == ("10000000001", 5630, "private")
    assert bring_in(place, "一区,1,101,,,", header=header) == (0, 1, 0, 0)
    home = roll(place)["一区 1-101"]
    assert (home.phones, home.area_registered_c, home.tenure) == ("", None, "")
    assert bring_in(place, "一区,1,102,1.38E+10,很大,不清楚", header=header) == (1, 0, 0, 0)
    home = roll(place)["一区 1-102"]
    assert (home.phones, home.area_registered_c, home.tenure) == ("", None, "")


def test_an_upload_waits_for_a_word_and_belongs_to_its_community(world: World) -> None:
    place, other = world.community(households=0), world.community("YYL", 0)
    clerk = world.staff(place).actor
    data = "小区,楼栋,房号\n一区,1,101\n".encode()
    public_id = operations.upload_roll(clerk, community_id=place.id, data=data, file_name="a.csv")
    assert roll(place) == {}
    assert roll_queries.upload_view(place.id, public_id).counts["new"] == 1
    with pytest.raises(NotFound):
        roll_queries.upload_view(other.id, public_id)
    with pytest.raises(NotFound):
        operations.apply_roll(SYSTEM, community_id=other.id, public_id=public_id)
    done = operations.apply_roll(clerk, community_id=place.id, public_id=public_id)
    again = operations.apply_roll(clerk, community_id=place.id, public_id=public_id)
    assert (done.new, again) == (1, done)
    assert [event["new"] for event in events("roll.imported")] == [0, 0, 1]
    with pytest.raises(NotAllowed):
        operations.upload_roll(
            world.staff(place, Role.SUPERVISOR).actor,
            community_id=place.id,
            data=data,
            file_name="a",
        )


def test_an_upload_with_its_rows_is_forgotten_after_a_day(world: World, fixed_clock: Any) -> None:
    place = world.community(households=0)
    upload(place, csv_of("一区,1,1,101,甲,"))
    jobs.run_due()
    assert db.session.scalar(select(func.count(RollPiece.id))) == 1
    clock.advance(operations.UPLOAD_KEPT)
    jobs.run_due()
    for table in (RollUpload, RollPiece, RollLine):
        assert db.session.scalar(select(func.count(table.id))) == 0


def test_a_long_file_is_read_and_brought_in_by_the_worker_and_a_stop_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = world.community(households=0)
    monkeypatch.setattr(staging, "AT_ONCE", 100)
    here = upload(place, csv_of(*(f"一区,{n // 50},1,{n % 50},户{n}," for n in range(1200))))
    view = roll_queries.upload_view(**here)
    assert (view.state, view.done, view.total) == (UploadState.READING, 0, 1200)
    with pytest.raises(RuleBroken, match="not_ready"):
        operations.apply_roll(SYSTEM, **here)
    assert operations.read_on(SYSTEM, **here)
    assert roll_queries.upload_view(**here).done == 500
    jobs.run_due()
    view = roll_queries.upload_view(**here)
    assert (view.state, view.done, view.counts["new"]) == (UploadState.READY, 1200, 1200)
    operations.start_applying(world.clerk(place), **here)
    operations.start_applying(world.clerk(place), **here)
    assert roll_queries.upload_view(**here).state is UploadState.APPLYING
    jobs.run_due()
    assert roll_queries.upload_view(**here).state is UploadState.APPLIED
    assert len(roll(place)) == 1200
    assert [event["new"] for event in events("roll.imported")] == [0, 1200]


def test_a_job_for_a_forgotten_upload_does_nothing(world: World) -> None:
    place = world.community(households=0)
    here = upload(place, csv_of("一区,1,1,101,甲,"))
    operations.forget_upload(SYSTEM, **here)
    operations.forget_upload(SYSTEM, **here)
    from app.communities import jobs as roll_jobs

    roll_jobs.read(here)
    roll_jobs.bring_in(here)
    roll_jobs.forget(here)
    assert roll(place) == {}


def test_rows_that_contradict_each_other_are_both_refused_and_those_alike_are_one(
    world: World,
) -> None:
    place = world.community(households=0)
    here = upload(
        place,
        csv_of(
            "一区,1,1,101,甲,10000000001",
            "一区,1#,一,0101,乙,10000000001",
            "一区,1,1,102,丙,",
            "一区,1,1,102室,丙,",
        ),
    )
    view = roll_queries.upload_view(**here)
    assert (view.counts["new"], view.counts["twice"], view.counts["refused"]) == (1, 1, 2)
    assert [
        (line.number, line.problem, line.other, line.what)
        for line in roll_queries.lines(view, place.id, "refused", 1)
    ] == [
        (2, "contradiction", 3, ("household_head",)),
        (3, "contradiction", 2, ("household_head",)),
    ]


def test_a_mapping_is_used_at_once_remembered_and_stays_in_its_community(world: World) -> None:
    place, other = world.community(households=0), world.community("YYL", 0)
    header = "小区,楼栋,几室,当家的,喜好,户主"
    data = csv_of("一区,1,101,甲,棋,乙", header=header)
    here = upload(place, data)
    view = roll_queries.upload_view(**here)
    assert (view.state, view.lacking) == (UploadState.ASKING_COLUMNS, ("room",))
    with pytest.raises(RuleBroken, match="not_ready"):
        operations.apply_roll(SYSTEM, **here)
    with pytest.raises(RuleBroken, match="columns_missing"):
        operations.map_columns(SYSTEM, **here, fields={"几室": "", "当家的": "", "喜好": ""})
    both = {"几室": "room", "当家的": "tenant", "喜好": "tenant"}
    with pytest.raises(RuleBroken, match="mapped_twice"):
        operations.map_columns(SYSTEM, **here, fields=both)
    operations.map_columns(SYSTEM, **here, fields={"几室": "room", "当家的": "tenant", "喜好": ""})
    assert operations.apply_roll(SYSTEM, **here).new == 1
    assert roll(place)["一区 1-101"].tenant == "甲"
    with pytest.raises(RuleBroken, match="already_applied"):
        operations.map_columns(SYSTEM, **here, fields={})
    later = csv_of("一区,1,102,丙,棋,丁", header=header)
    done = operations.import_roll(SYSTEM, community_id=place.id, data=later, file_name="a.csv")
    assert (done.new, roll(place)["一区 1-102"].tenant) == (1, "丙")
    with pytest.raises(RuleBroken, match="columns_missing"):
        operations.import_roll(SYSTEM, community_id=other.id, data=later, file_name="a.csv")


def two_sheets(*hidden: str) -> bytes:
    def one(room: int) -> list[list[object]]:
        return [["小区", "楼栋", "房号"], ["一区", 1, room]]

    return files.xlsx({"去年": one(1), "今年": one(2), "说明": [["请核对"]]}, hidden)


def test_several_sheets_are_asked_about_and_a_hidden_roll_is_never_read_unasked(
    world: World,
) -> None:
    place = world.community(households=0)
    for hidden in ((), ("去年",)):
        here = upload(place, two_sheets(*hidden))
        view = roll_queries.upload_view(**here)
        assert view.state is UploadState.ASKING_SHEET
        assert [(s.name, s.rows, s.readable) for s in view.sheets] == [
            ("去年", 1, True),
            ("今年", 1, True),
            ("说明", 1, False),
        ]
        with pytest.raises(RuleBroken, match="no_such_sheet"):
            operations.choose_sheet(SYSTEM, **here, sheet=2)
        operations.choose_sheet(SYSTEM, **here, sheet=0)
        operations.choose_sheet(SYSTEM, **here, sheet=1)
        assert roll_queries.upload_view(**here).counts["new"] == 1
    operations.apply_roll(SYSTEM, **here)
    assert list(roll(place)) == ["一区 1-2"]
    with pytest.raises(RuleBroken, match="which_sheet"):
        operations.import_roll(SYSTEM, community_id=place.id, data=two_sheets(), file_name="a.xlsx")
    with pytest.raises(RuleBroken, match="no_such_sheet"):
        upload(place, two_sheets(), sheet="后年")
    with pytest.raises(RuleBroken, match="columns_missing"):
        upload(place, two_sheets(), sheet="说明")


def test_one_visible_roll_beside_a_hidden_list_of_words_is_read_without_asking(
    world: World,
) -> None:
    place = world.community(households=0)
    words: list[list[object]] = [["住宅"], ["商业"]]
    rows: list[list[object]] = [["小区", "楼栋", "房号"], ["一区", 1, 5]]
    here = upload(place, files.xlsx({"底册": rows, "字典": words}, ("字典",)))
    view = roll_queries.upload_view(**here)
    assert (view.state, view.sheet.name if view.sheet else "") == (UploadState.READY, "底册")
    hidden_alone = files.ods({"底册": rows}, ("底册",))
    assert roll_queries.upload_view(**upload(place, hidden_alone)).state is UploadState.ASKING_SHEET


def absent(view: UploadView, place: Place) -> list[tuple[str, int, Decision]]:
    found = roll_queries.absences(view, place.id, 1)
    return [(home.address, home.line, home.decision) for home in found]


def test_households_a_file_leaves_out_stay_unless_somebody_says_otherwise(world: World) -> None:
    place = world.community(households=4)
    bring_in(place, "一区,2,1,1,别楼,")
    here = upload(place, csv_of("一区,1,1,1,甲,10000000001", "一区,1,1,,乙,"))
    view = roll_queries.upload_view(**here)
    # Another building's household is none of this file's business.
    assert absent(view, place) == [(f"一区 1-1-{n}", 0, Decision.KEEP) for n in (2, 3, 4)]
    assert operations.apply_roll(SYSTEM, **here).kept == 3
    assert all(home.left_roll_at is None for home in roll(place).values())


def test_a_household_off_the_roll_keeps_its_history_and_its_running_ballot_and_can_come_back(
    world: World,
) -> None:
    place = world.community(households=3)
    member = world.resident(place, 1)
    poll = world.poll(place)
    here = upload(place, csv_of("一区,1,1,1,住户HXL1,10000000001"))
    operations.decide_all_absences(SYSTEM, **here, remove=True)
    operations.decide_absences(
        SYSTEM, **here, decisions={place.households[2]: Decision.KEEP, 999: Decision.REMOVE}
    )
    done = operations.apply_roll(world.clerk(place), **here)
    assert (done.removed, done.kept) == (1, 1)
    assert events("roll.imported")[-1]["removed"] == 1
    gone = roll(place)["一区 1-1-2"]
    assert (gone.id, gone.left_roll_at is None) == (place.households[1], False)
    # Its ballot in the poll that was open already counts; the next poll is without it.
    assert world.cast(member, place, poll, "yes").version == 1
    assert residences(place.id) == 2
    assert [a.household_id for a in queries.households_for_letters(place.id)] == [
        place.households[0],
        place.households[2],
    ]
    assert not queries.address_of(place.id, gone.id).on_roll
    assert queries.buildings(place.id)[0].households == 2
    with pytest.raises(NotFound):
        world.code(place, 1)
    shown = {
        state: [
            row.household_id
            for row in desk_page(place.id, search="", building_id=None, state=state, page=1).rows
        ]
        for state in ("", LEFT)
    }
    assert shown == {"": [place.households[0], place.households[2]], LEFT: [gone.id]}
    assert bring_in(place, "一区,1,1,2,住户HXL2,10000000002") == (0, 1, 0, 0)
    assert roll(place)["一区 1-1-2"].left_roll_at is None


def test_one_home_written_in_two_ways_is_asked_about_and_not_doubled(world: World) -> None:
    place = world.community(households=0)
    bring_in(place, "一区,1,,101,甲,", "一区,1,,102,乙,", "一区,1,,103,丙,", "一区,1,2,104,丁,")
    before = {address: home.id for address, home in roll(place).items()}
    data = csv_of("一区,1,1,101,甲,", "一区,1,1,102,乙新,", "一区,1,1,103,戊,", "一区,1,,104,丁,")
    here = upload(place, data)
    view = roll_queries.upload_view(**here)
    assert absent(view, place) == [
        ("一区 1-101", 2, Decision.KEEP),
        ("一区 1-102", 3, Decision.KEEP),
        ("一区 1-103", 4, Decision.KEEP),
        ("一区 1-2-104", 5, Decision.KEEP),
    ]
    assert (view.counts["new"], view.held_back) == (0, 4)
    assert roll_queries.lines(view, place.id, "refused", 1)[0].resembles == "一区 1-101"
    operations.decide_absences(
        SYSTEM,
        **here,
        decisions={
            before["一区 1-102"]: Decision.MOVE,
            before["一区 1-103"]: Decision.BOTH,
            before["一区 1-2-104"]: Decision.REMOVE,
        },
    )
    done = operations.apply_roll(SYSTEM, **here)
    assert (done.new, done.changed, done.refused, done.removed) == (2, 1, 1, 1)
    known = roll(place)
    assert known["一区 1-1-102"].id == before["一区 1-102"]
    assert known["一区 1-1-102"].household_head == "乙新"
    assert {"一区 1-101", "一区 1-103", "一区 1-1-103", "一区 1-104"} <= set(known)
    assert "一区 1-1-101" not in known
    assert known["一区 1-2-104"].left_roll_at is not None


def test_two_households_are_never_made_one_by_both_taking_a_rows_address(world: World) -> None:
    place = world.community(households=0)
    bring_in(place, "一区,1,1,101,甲,", "一区,1,2,101,乙,")
    here = upload(place, csv_of("一区,1,,101,甲,"))
    ids = [
        home.household_id
        for home in roll_queries.absences(roll_queries.upload_view(**here), place.id, 1)
    ]
    assert len(ids) == 2
    with pytest.raises(RuleBroken, match="moved_twice"):
        operations.decide_absences(SYSTEM, **here, decisions=dict.fromkeys(ids, Decision.MOVE))
    operations.decide_absences(
        SYSTEM, **here, decisions={ids[0]: Decision.MOVE, ids[1]: Decision.REMOVE}
    )
    operations.apply_roll(SYSTEM, **here)
    known = roll(place)
    assert known["一区 1-101"].id == ids[0]
    assert known["一区 1-2-101"].left_roll_at is not None


def test_a_decision_that_only_a_resembling_row_allows_is_kept_otherwise(world: World) -> None:
    place = world.community(households=2)
    here = upload(place, csv_of("一区,1,1,1,甲,"))
    operations.decide_absences(SYSTEM, **here, decisions={place.households[1]: Decision.MOVE})
    assert absent(roll_queries.upload_view(**here), place) == [("一区 1-1-2", 0, Decision.KEEP)]


def refused_workbook(here: dict[str, Any], world: World) -> bytes:
    with world.app.test_request_context():
        return refused_book.workbook(roll_queries.upload_view(**here), here["community_id"])


def cells(data: bytes) -> list[list[str]]:
    import python_calamine

    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    return [[str(cell) for cell in row] for row in book.get_sheet_by_index(0).to_python()]


def test_refused_rows_come_back_with_reasons_and_without_what_is_never_kept(world: World) -> None:
    place = world.community(households=1)
    header = "序号,小区,楼栋,房号,户主,身份证号,备注,爱好"
    here = upload(
        place,
        csv_of(
            "1,一区,1,101,甲,21120219900101123X,病,棋",
            "2,一区,,102,=cmd(),1,病,@x",
            "3,一区,2,,-1,1,病,棋",
            header=header,
        ),
    )
    book = cells(refused_workbook(here, world))
    assert book[0] == ["原因", "小区", "楼栋", "房号", "户主", "爱好"]
    assert book[1][1:] == ["一区", "", "102", "'=cmd()", "'@x"]
    assert "公式" in book[1][0]
    assert book[2][0] == "没有写房号"
    assert "病" not in str(book)
    assert len(book) == 3


PARTS = st.sampled_from(["", "1", "2号楼", "=A1", "#REF!", "2026-03-01", "１", "九" * 50])


def test_refused_rows_once_corrected_come_in_without_a_refusal(world: World) -> None:
    place = world.community(households=0)

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.tuples(PARTS, PARTS, PARTS, PARTS), min_size=1, max_size=8))
    def once_corrected(rows: list[tuple[str, str, str, str]]) -> None:
        lines = (",".join((*row, row[0])) for row in rows)
        here = upload(place, csv_of(*lines, header="小区,楼栋,单元,房号,建筑面积"))
        view = roll_queries.upload_view(**here)
        if not view.held_back:
            return
        table = cells(refused_workbook(here, world))
        assert len(table) == view.held_back + 1
        for number, row in enumerate(table[1:]):
            row[1:] = ["一区", "1", "1", str(number), "50"]
        again = upload(place, files.xlsx({"改好": table}))
        assert roll_queries.upload_view(**again).held_back == 0

    once_corrected()


def test_corrected_rows_say_nothing_about_households_they_leave_out(world: World) -> None:
    place = world.community(households=3)
    here = upload(place, csv_of("一区,1,1,,甲,", "一区,1,1,1,甲,"))
    book = cells(refused_workbook(here, world))
    book[1][book[0].index("房号")] = "9"
    again = upload(place, files.xlsx({"改好": book}))
    view = roll_queries.upload_view(**again)
    assert (view.counts["new"], view.held_back, view.absent) == (1, 0, 0)


def owner_case(place: Place, case: str) -> None:
    """Import a case's units; equal owner keys become equal names with one phone."""
    path = ROOT / "tests" / "communities" / "owner_vote_roll_cases.csv"
    lines = []
    delivery = {"developer_unsold": "未售"}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["case_id"] != case:
                continue
            building, _dash, room = row["unit_code"].partition("-")
            areas = [
                "" if not row[name] else f"{int(row[name]) / 100:.2f}"
                for name in ("area_registered_c", "area_surveyed_c", "area_contract_c")
            ]
            key = row["owner_key"]
            phone = 10_000_000_000 + sum(map(ord, key))
            kind = "车位" if row["unit_type"] == "parking" else "住宅"
            owner = key.replace("+", "、")
            sold = delivery.get(row["holder"], "")
            lines.append(f"一区,{building},{room},{kind},{','.join(areas)},{owner},{phone},{sold}")
    header = "小区,楼栋,房号,房屋用途,建筑面积,实测面积,合同面积,产权人,联系电话,交付状态"
    bring_in(place, *lines, header=header)


@pytest.mark.parametrize(
    ("case", "parking", "before", "after", "area_c"),
    [
        ("R01", False, 10, 8, 98_000),
        ("R02", False, 4, 4, 35_000),
        ("R04", True, 8, 5, 45_300),
        ("R04", False, 4, 4, 40_000),
    ],
)
def test_an_owner_of_several_units_is_one_head_once_a_clerk_has_confirmed_it(
    world: World, case: str, parking: bool, before: int, after: int, area_c: int
) -> None:
    place = world.community(households=0)
    owner_case(place, case)
    counted = roll_queries.count_owners(place.id, parking=parking)
    assert (counted.heads, counted.area_c) == (before, area_c)
    for units in roll_queries.proposed_sets(place.id):
        operations.decide_owner_set(
            world.clerk(place), community_id=place.id, household_ids=units, confirmed=True
        )
    counted = roll_queries.count_owners(place.id, parking=parking)
    assert (counted.heads, counted.area_c) == (after, area_c)
    assert roll_queries.proposed_sets(place.id) == []


def test_owner_sets_are_proposed_by_name_and_phone_and_never_by_name_alone(world: World) -> None:
    place = world.community(households=0)
    bring_in(
        place,
        "一区,1,1,甲,10000000001",
        "一区,1,2,甲,10000000002",
        "一区,1,3,甲,10000000002 ",
        "一区,1,4,乙,10000000002",
        "一区,1,5,甲、乙,10000000007",
        "一区,1,6,乙，甲,10000000007",
        "一区,1,7,甲,",
        "一区,1,8,,10000000001",
        "一区,1,9,,10000000001",
        header="小区,楼栋,房号,产权人,联系电话",
    )
    ids = {address.split("-")[1]: home.id for address, home in roll(place).items()}
    assert roll_queries.proposed_sets(place.id) == [
        (ids["2"], ids["3"]),
        (ids["5"], ids["6"]),
    ]


def test_a_decision_on_owners_is_a_clerks_is_logged_and_can_be_taken_back(world: World) -> None:
    place, other = world.community(households=3), world.community("YYL", 1)
    clerk, units = world.clerk(place), list(place.households)

    def decide(ids: Sequence[int], *, confirmed: bool) -> None:
        operations.decide_owner_set(
            clerk, community_id=place.id, household_ids=ids, confirmed=confirmed
        )

    with pytest.raises(NotAllowed):
        operations.decide_owner_set(
            world.staff(place, Role.COMMITTEE).actor,
            community_id=place.id,
            household_ids=units,
            confirmed=True,
        )
    with pytest.raises(RuleBroken, match="one_unit"):
        decide(units[:1] * 2, confirmed=True)
    with pytest.raises(NotFound):
        decide([units[0], other.households[0]], confirmed=True)
    decide(units[:2], confirmed=True)
    assert roll_queries.count_owners(place.id, parking=False).heads == 2
    decide(units, confirmed=True)
    assert roll_queries.count_owners(place.id, parking=False).heads == 1
    page = roll_queries.owner_page(place.id, 1)
    assert [item.household_ids for item in page.confirmed] == [tuple(units)]
    decide(units, confirmed=False)
    assert roll_queries.count_owners(place.id, parking=False).heads == 3
    assert db.session.scalar(select(func.count(OwnerSetUnit.id))) == 0
    assert db.session.scalar(select(func.count(OwnerSet.id))) == 2
    assert [len(events(f"owner_set.{word}")) for word in ("confirmed", "rejected")] == [2, 1]
    assert roll_queries.owner_page(place.id, 1).rejected[0].household_ids == tuple(units)


def test_an_unknown_share_of_areas_is_said(world: World) -> None:
    place = world.community(households=3)
    db.session.execute(
        update(Household).values(area_surveyed_c=5000).where(Household.id == place.households[0])
    )
    counted = rules.count_owners(
        [rules.Unit(1, "", "", area_contract_c=1), rules.Unit(2, "", "")], {}, parking=False
    )
    assert (counted.units, counted.without_area, counted.area_c) == (2, 1, 1)
    db.session.rollback()


def test_every_kind_of_file_brings_the_same_roll(world: World, tmp_path: Path) -> None:
    place = world.community(households=0)
    rows: list[list[object]] = [
        ["小区", "楼栋", "单元", "房号"],
        ["一区", "12甲", "一单元", "0502"],
        ["一区", 3, "", "门市3号"],
    ]
    for kind, make in files.MAKERS.items():
        data = make({"底册": rows})
        (sheet,) = read_file(data, f"a.{kind}", REMEMBERED)
        assert len(judged(sheet).rows) == 2
        operations.import_roll(SYSTEM, community_id=place.id, data=data, file_name=f"a.{kind}")
    assert set(roll(place)) == {"一区 12甲-1-502", "一区 3-门市3号"}


def test_an_estate_named_once_holds_for_every_row_of_a_file_and_of_no_other(world: World) -> None:
    place = world.community(households=0)
    header = "楼栋,房号,户主,面积"
    here = upload(place, csv_of("1#,0101,甲,56.3", "1号楼,102,乙,", header=header))
    assert roll_queries.upload_view(**here).lacking == ("estate",)
    operations.map_columns(SYSTEM, **here, fields={}, estate=" 一 区")
    operations.apply_roll(SYSTEM, **here)
    assert {a: home.area_registered_c for a, home in roll(place).items()} == {
        "一区 1-101": 5630,
        "一区 1-102": None,
    }
    another = upload(place, csv_of("1,103,丙,", header=header))
    assert roll_queries.upload_view(**another).state is UploadState.ASKING_COLUMNS
    with_column = upload(place, csv_of("二区,1,103,丙,", header=f"何处,{header}"))
    operations.map_columns(SYSTEM, **with_column, fields={"何处": "estate"}, estate="一区")
    operations.apply_roll(SYSTEM, **with_column)
    assert "二区 1-103" in roll(place)


def test_no_row_takes_a_home_from_those_who_live_in_it(world: World) -> None:
    """Another head, another phone, or no row at all: who is in stays in, and may vote."""
    place = world.community(households=3)
    family = [world.resident(place, 0), world.resident(place, 0), world.resident(place, 1)]
    poll = world.poll(place)
    here = upload(place, csv_of("一区,1,1,1,别家人,19900000000", "一区,1,1,3,住户HXL3,10000000003"))
    # Nobody has said anything yet: the household that is left out is only asked about.
    assert absent(roll_queries.upload_view(**here), place) == [("一区 1-1-2", 0, Decision.KEEP)]
    operations.decide_all_absences(SYSTEM, **here, remove=True)
    operations.apply_roll(world.clerk(place), **here)
    assert roll(place)["一区 1-1-1"].household_head == "别家人"
    living = db.session.execute(
        select(Membership.household_id, Membership.person_id)
        .where(Membership.ended_at.is_(None))
        .order_by(Membership.id)
    ).all()
    assert [tuple(row) for row in living] == [
        (place.households[0], family[0].person_id),
        (place.households[0], family[1].person_id),
        (place.households[1], family[2].person_id),
    ]
    assert db.session.scalar(
        select(func.count()).where(LoginSession.ended_at.is_(None), LoginSession.staff.is_(False))
    ) == len(family)
    assert world.cast(family[0], place, poll, "yes").version == 1
    assert world.cast(family[2], place, poll, "yes").version == 1

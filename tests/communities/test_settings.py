"""Values that hold at a place: inherited downwards, never below the law, told in its log."""

from __future__ import annotations

import io
import json
import re
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.communities import queries as places
from app.communities import setting_operations as operations
from app.communities import setting_rules as rules
from app.communities import settings
from app.communities.models import CommunitySetting, Jurisdiction, JurisdictionSetting
from app.communities.setting_rules import CATALOGUE, Said
from app.core import clock
from app.core.actor import SYSTEM, Role
from app.core.db import db
from app.core.errors import NotAllowed, RuleBroken
from app.core.record import Above, RecordEntry, RecordLog, RecordOpening, latest_checkpoint
from app.exports import archive
from app.exports import operations as exports
from app.keeping import queries as keeping
from app.people.models import HouseholdCode
from app.projects.models import Project
from app.voting.models import Poll
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flask import Flask

    from tests.support.world import Place

WHY = "全市统一"


def set_area(
    world: World, place: Place, role: Role, key: str, value: str | None, seen: str = ""
) -> None:
    area = {Role.SUBDISTRICT: place.street_id, Role.DISTRICT: place.district_id}
    operations.change_area_setting(
        world.staff(place, role).actor,
        jurisdiction_id=area.get(role, place.city_id),
        key=key,
        value=value,
        seen=seen,
        reason=WHY,
    )


def set_here(
    world: World, place: Place, value: str | None, seen: str = "", key: str = "publication_days"
) -> None:
    operations.change_community_setting(
        world.clerk(place), community_id=place.id, key=key, value=value, seen=seen, reason=WHY
    )


def days(place: Place) -> int:
    return settings.publication_days(place.id)


# --- rules -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "typed", "code"),
    [
        ("publication_days", "14", "setting.too_low"),
        ("publication_days", "61", "setting.too_high"),
        ("publication_days", "15.5", "setting.not_a_number"),
        ("publication_days", "-15", "setting.not_a_number"),
        ("publication_days", "十五", "setting.not_a_number"),
        ("publication_days", "²0", "setting.not_a_number"),
        ("publication_days", " ", "setting.empty"),
        ("keep_choices_days", "365", "setting.too_low"),
        ("owners_advisory", "maybe", "setting.empty"),
        ("icp", "<b>", "setting.shape"),
        ("complaint_phone", "请打电话", "setting.shape"),
        ("operator", "长" * 121, "setting.too_long"),
        ("password", "x", "setting.unknown"),
    ],
)
def test_what_cannot_be_set(key: str, typed: str, code: str) -> None:
    with pytest.raises(RuleBroken) as error:
        rules.checked(key, typed)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("key", "typed", "kept"),
    [
        ("publication_days", " 015 ", "15"),
        ("owners_advisory", "yes", "yes"),
        ("icp", "辽ICP备12345678号-1", "辽ICP备12345678号-1"),
        ("complaint_phone", "024-1234 5678", "024-1234 5678"),
    ],
)
def test_what_is_kept(key: str, typed: str, kept: str) -> None:
    assert rules.checked(key, typed) == kept


def test_every_default_can_be_set_and_the_laws_bound_is_the_laws() -> None:
    for key, one in CATALOGUE.items():
        if one.default:
            assert rules.checked(key, one.default) == one.default
    assert CATALOGUE["publication_days"].least == 15
    assert CATALOGUE["publication_days"].lawful_least


@given(st.lists(st.one_of(st.none(), st.integers(0, 80)), min_size=1, max_size=4))
def test_the_nearest_lawful_value_holds(numbers: list[int | None]) -> None:
    said = {
        (place, "publication_days"): Said("publication_days", str(number), place, None)
        for place, number in enumerate(numbers)
        if number is not None
    }
    held = rules.held("publication_days", range(len(numbers)), said, "15")
    lawful = [n for n in numbers if n is not None and 15 <= n <= 60]
    assert held.value == str(lawful[0] if lawful else 15)


# --- operations --------------------------------------------------------------------------------


def test_values_are_inherited_and_the_nearest_wins(app: Flask, fixed_clock: datetime) -> None:
    world = World(app)
    place, other = world.community("HXL", 1), world.community("YYL", 1)
    assert days(place) == 15
    set_area(world, place, Role.CITY, "publication_days", "20")
    assert (days(place), days(other)) == (20, 15), "another city's is not ours"
    set_area(world, place, Role.DISTRICT, "publication_days", "22")
    set_area(world, place, Role.SUBDISTRICT, "publication_days", "25")
    set_here(world, place, "30")
    assert days(place) == 30
    set_here(world, place, None, seen="30")
    assert days(place) == 25
    set_area(world, place, Role.SUBDISTRICT, "publication_days", None, seen="25")
    assert days(place) == 22
    (one,) = [
        each
        for each in settings.shown(places.community_by_id(place.id))
        if each.setting.key == "publication_days"
    ]
    assert (one.held.value, one.place, one.own, one.place_above) == ("22", "云台区", "", "云台区")


def test_a_value_that_a_law_no_longer_allows_does_not_hold(app: Flask) -> None:
    world = World(app)
    place = world.community("HXL", 1)
    set_here(world, place, "20")
    db.session.execute(update(CommunitySetting).values(value="10"))
    db.session.commit()
    assert days(place) == 15


@pytest.mark.parametrize("value", ["14", "0"])
def test_nobody_goes_below_the_law(app: Flask, value: str) -> None:
    world = World(app)
    place = world.community("HXL", 1)
    for change in (
        lambda: set_area(world, place, Role.CITY, "publication_days", value),
        lambda: set_here(world, place, value),
    ):
        with pytest.raises(RuleBroken, match="too_low"):
            change()
    assert days(place) == 15
    assert db.session.scalars(select(JurisdictionSetting.id)).all() == []


def test_each_level_changes_its_own_alone(app: Flask) -> None:
    world = World(app)
    place, other = world.community("HXL", 1), world.community("YYL", 1)
    for role in (Role.CITY, Role.DISTRICT, Role.SUBDISTRICT):
        own = {Role.CITY: place.city_id, Role.DISTRICT: place.district_id}.get(
            role, place.street_id
        )
        actor = world.staff(place, role).actor
        for area in {place.city_id, place.district_id, place.street_id, other.street_id} - {own}:
            with pytest.raises(NotAllowed):
                operations.change_area_setting(
                    actor,
                    jurisdiction_id=area,
                    key="publication_days",
                    value="20",
                    seen="",
                    reason=WHY,
                )
    for role in (Role.COMMITTEE, Role.SUPERVISOR, Role.SUBDISTRICT, Role.ADMINISTRATOR):
        with pytest.raises(NotAllowed):
            operations.change_community_setting(
                world.staff(place, role).actor,
                community_id=place.id,
                key="publication_days",
                value="20",
                seen="",
                reason=WHY,
            )


def test_a_change_is_an_entry_of_the_places_log_and_of_no_other(
    app: Flask, fixed_clock: datetime
) -> None:
    world = World(app)
    place = world.community("HXL", 1)
    set_area(world, place, Role.CITY, "publication_days", "20")
    set_area(world, place, Role.CITY, "complaint_phone", "024-12345")
    set_area(world, place, Role.CITY, "publication_days", None, seen="20")
    rows = db.session.execute(
        select(RecordEntry.community_id, RecordEntry.jurisdiction_id, RecordEntry.entry)
    ).all()
    assert {tuple(row)[:2] for row in rows} == {(None, place.city_id)}
    entries = [json.loads(row.entry) for row in rows]
    assert [entry["log"] for entry in entries] == ["d-CHXL"] * 3
    assert [entry["seq"] for entry in entries] == [0, 1, 2]
    assert [entry["actor"] for entry in entries] == ["city"] * 3
    assert [entry["data"] for entry in entries] == [
        {"key": "publication_days", "from": "", "to": "20"},
        {"key": "complaint_phone", "from": "", "to": "set"},
        {"key": "publication_days", "from": "20", "to": ""},
    ]
    assert not any(WHY in row.entry or "024-12345" in row.entry for row in rows)
    opened = db.session.scalars(
        select(RecordOpening.value).where(RecordOpening.jurisdiction_id == place.city_id)
    ).all()
    assert {f'"{WHY}"', '"024-12345"'} <= set(opened)


def test_a_reason_is_owed_and_an_unknown_key_is_none(app: Flask) -> None:
    world = World(app)
    place = world.community("HXL", 1)
    here = {"community_id": place.id, "value": "20", "seen": ""}
    for key, reason, code in (
        ("publication_days", " \n", "setting.no_reason"),
        ("publication_days", "长" * 301, "setting.too_long"),
        ("roll_confirmed_at", WHY, "setting.unknown"),
    ):
        with pytest.raises(RuleBroken, match=re.escape(code)):
            operations.change_community_setting(world.clerk(place), key=key, reason=reason, **here)
    with pytest.raises(RuleBroken, match="unknown"):
        set_here(world, place, None, key="roll_confirmed_at")


def test_who_decided_on_another_value_is_told_and_the_same_twice_is_one(app: Flask) -> None:
    world = World(app)
    place = world.community("HXL", 1)
    set_here(world, place, "20")
    set_here(world, place, "20")
    with pytest.raises(RuleBroken, match="changed_meanwhile"):
        set_here(world, place, "25")
    assert days(place) == 20
    assert len(db.session.scalars(select(RecordEntry.id)).all()) == 1


def test_of_two_officers_at_once_one_is_told(app: Flask) -> None:
    world = World(app)
    place = world.community("HXL", 1)
    officers = [world.staff(place, Role.CITY).actor for _ in range(2)]
    ready, said = threading.Barrier(2), []

    def change(number: int) -> None:
        with app.app_context():
            ready.wait()
            try:
                operations.change_area_setting(
                    officers[number],
                    jurisdiction_id=place.city_id,
                    key="publication_days",
                    value=str(20 + number),
                    seen="",
                    reason=WHY,
                )
                said.append("done")
            except RuleBroken as error:
                said.append(error.code)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=change, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["done", "setting.changed_meanwhile"]
    db.session.rollback()
    assert len(db.session.scalars(select(RecordEntry.id)).all()) == 1


def test_what_is_published_keeps_its_end(app: Flask, fixed_clock: datetime) -> None:
    world = World(app)
    place = world.community("HXL", 3)
    first = world.poll(place)
    world.decide(place, first, "yes")
    until = db.session.scalar(select(Poll.publication_until))
    set_here(world, place, "30")
    assert db.session.scalar(select(Poll.publication_until)) == until
    second = world.poll(place, title="再问一次？")
    world.decide(place, second, "yes")
    longer = db.session.scalar(select(Poll.publication_until).where(Poll.public_id == second))
    assert longer is not None
    assert until is not None
    assert clock.day_of(longer) - clock.day_of(clock.now()) == timedelta(days=31)


def test_codes_and_places_in_a_household_follow_the_setting(
    app: Flask, fixed_clock: datetime
) -> None:
    world = World(app)
    place = world.community("HXL", 2)
    world.code(place, 0)
    before = db.session.scalar(select(HouseholdCode.expires_at))
    set_here(world, place, "100", key="code_valid_days")
    world.code(place, 1)
    ends = db.session.scalars(select(HouseholdCode.expires_at).order_by(HouseholdCode.id)).all()
    assert ends[0] == before
    assert ends[1] == clock.now() + timedelta(days=100)
    set_here(world, place, "1", key="members_per_household")
    world.resident(place)
    with pytest.raises(AssertionError, match="full"):
        world.resident(place)


def test_choices_are_kept_as_long_as_the_place_says(app: Flask, fixed_clock: datetime) -> None:
    world = World(app)
    place, other = world.community("HXL", 2), world.community("YYL", 2)
    for one in (place, other):
        world.decide(one, world.poll(one), "yes", publish=False)
    set_area(world, place, Role.CITY, "keep_choices_days", "400")
    clock.advance(timedelta(days=401))
    before = clock.now() - timedelta(days=1826)
    assert [one.community_id for one in keeping.polls_over(before)] == [place.id]
    clock.advance(timedelta(days=1500))
    assert len(keeping.polls_over(clock.now() - timedelta(days=1826))) == 2


# --- the log of a place above ------------------------------------------------------------------


def test_new_places_have_a_log_that_no_community_can_take(app: Flask) -> None:
    world = World(app)
    world.community("HXL", 1)
    codes = db.session.scalars(select(RecordLog.code).order_by(RecordLog.id)).all()
    assert codes == ["d-CHXL", "d-DHXL", "d-SHXL", "HXL"]


def test_the_archive_of_a_place_above_is_verified(
    app: Flask, tmp_path: Path, fixed_clock: datetime
) -> None:
    world = World(app)
    place = world.community("HXL", 1)
    for seen, value in (("", "20"), ("20", "25")):
        set_area(world, place, Role.SUBDISTRICT, "publication_days", value, seen)
    note = latest_checkpoint(Above(place.street_id))
    assert note is not None
    assert note.splitlines()[1] == "2", "each act is signed"
    area = places.area_by_id(place.street_id)
    out = io.BytesIO()
    done = exports.export_area_record(SYSTEM, area=area, out=out)
    assert (done.name, done.size) == ("record-d-SHXL-2.zip", 2)
    path = tmp_path / done.name
    path.write_bytes(out.getvalue())
    verdict = archive.verdict(path)
    assert verdict.exit_code == 0, verdict.lines
    spoilt = tmp_path / "spoilt.zip"
    db.session.execute(
        update(RecordEntry)
        .where(RecordEntry.seq == 0)
        .values(entry=select(RecordEntry.entry).where(RecordEntry.seq == 1).scalar_subquery())
    )
    with spoilt.open("wb") as file:
        archive.write_archive(file, Above(place.street_id), "d-SHXL", 2)
    assert archive.verdict(spoilt).exit_code == 1


def test_another_places_staff_do_not_export_it(app: Flask) -> None:
    world = World(app)
    place = world.community("HXL", 1)
    area = places.area_by_id(place.street_id)
    for role in (Role.CITY, Role.DISTRICT, Role.CLERK, Role.ADMINISTRATOR):
        with pytest.raises(NotAllowed):
            exports.export_area_record(world.staff(place, role).actor, area=area, out=io.BytesIO())


# --- pages -------------------------------------------------------------------------------------


def test_the_foot_of_a_communitys_pages_says_what_its_places_set(
    client: CheckedClient, web_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "KEPT_SECONDS", 0.0)
    world = World(web_app)
    place, other = world.community("HXL", 1), world.community("YYL", 1)
    assert "10000000009" in client.get("/c/HXL/").text, "the installation's"
    set_area(world, place, Role.CITY, "complaint_phone", "024-12345")
    set_area(world, place, Role.CITY, "icp", "辽ICP备12345678号")
    set_here(world, place, "槐香里社区居委会和物业", key="operator")
    page = client.get("/c/HXL/").text
    assert "024-12345" in page
    assert "辽ICP备12345678号" in page
    assert "槐香里社区居委会和物业" in page
    assert "10000000009" not in page
    assert "024-12345" in client.get("/d/DHXL/record").text
    assert "024-12345" not in client.get(f"/c/{other.code}/").text


def test_an_officer_sets_a_value_and_gives_it_back(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    client.staff(world.staff(place, Role.CITY))
    assert (
        "《城市居民委员会组织法》（2025 年修订）第三十四条" in client.get("/d/CHXL/settings").text
    )
    here = "/d/CHXL/settings/publication_days"
    low = client.post(here, client.fields(here, here) | {"value": "14", "reason": WHY})
    assert low.status_code == 422
    assert "不能少于 15 天" in low.text
    done = client.post(here, client.fields(here, here) | {"value": "20", "reason": WHY})
    assert done.status_code == 303
    today = clock.day_of(clock.now()).isoformat()
    assert f"这里自己定的，{today}" in client.get("/d/CHXL/settings").text
    lower = CheckedClient(web_app)
    lower.staff(world.staff(place, Role.COMMITTEE))
    page = lower.get("/c/HXL/desk/settings").text
    assert f"栖河市 {today} 定的" in page
    assert "/desk/settings/publication_days" not in page, "who may not change has no door"
    back = client.fields(here, here) | {"how": "inherit", "reason": "按默认"}
    assert client.post(here, back).status_code == 303
    db.session.rollback()
    assert days(place) == 15
    log = client.get("/d/CHXL/record").text
    assert "设置“结果公示几天”：改为20 天" in log
    assert "设置“结果公示几天”：恢复为上级的值" in log
    assert WHY not in log


def test_pages_of_places_that_are_not_ones_own_are_not_there(
    client: CheckedClient, web_app: Flask
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    world.community("YYL", 1)
    client.staff(world.staff(place, Role.SUBDISTRICT))
    assert client.get("/d/SHXL/").status_code == 200
    assert client.get("/d/SHXL/settings").status_code == 200
    for address in (
        "/d/DHXL/settings",
        "/d/CHXL/",
        "/d/SYYL/settings",
        "/d/SYYL/",
        "/d/NONE/settings",
        "/d/SHXL/settings/nothing",
        "/d/DHXL/settings/publication_days",
    ):
        assert client.get(address).status_code == 404, address
    city = CheckedClient(web_app)
    city.staff(world.staff(place, Role.CITY))
    assert city.get("/d/SHXL/settings").status_code == 200, "a level sees what it covers"
    assert city.get("/d/SHXL/settings/publication_days").status_code == 404


def test_pages_of_no_place_say_what_the_city_says(client: CheckedClient, web_app: Flask) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    client.get("/")
    for key, value in (
        ("icp", "辽ICP备12345678号"),
        ("complaint_phone", "024-1000009"),
        ("operator", "青禾市住建局"),
    ):
        set_area(world, place, Role.CITY, key, value)
    settings.forget("CHXL")
    for address in ("/", "/e", "/privacy", "/complaints", "/staff/sign-in"):
        foot = client.get(address).text.partition("<footer")[2]
        assert all(one in foot for one in ("辽ICP备12345678号", "024-1000009", "住建局")), address


def test_the_public_record_of_a_place_above_can_be_taken_away(
    client: CheckedClient, web_app: Flask
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    assert "还没有记录" in client.get("/d/SHXL/record").text
    assert client.get("/d/SHXL/record.zip").status_code == 404
    set_area(world, place, Role.SUBDISTRICT, "publication_days", "20")
    assert client.get("/d/SHXL/record.zip").mimetype == "application/zip"
    assert b"d-SHXL" in client.get("/d/SHXL/keys.json").data
    assert client.get("/d/SHXL/record?page=99").status_code == 200
    client.staff(world.staff(place, Role.SUBDISTRICT))
    assert client.post("/d/SHXL/record/archive").mimetype == "application/zip"


def test_where_owners_only_advise_the_page_of_a_project_says_so(
    client: CheckedClient, web_app: Flask
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    world.project(place, "P01")
    db.session.execute(update(Project).values(decision_route=["owner_vote_simple"]))
    db.session.commit()
    words = "业主表决的结果只作参考"
    assert words not in client.get("/c/HXL/projects/P01").text
    set_here(world, place, "yes", key="owners_advisory")
    settings.forget("HXL")
    assert words in client.get("/c/HXL/projects/P01").text


def test_jurisdictions_are_named(app: Flask) -> None:
    world = World(app)
    place = world.community("HXL", 1)
    assert places.area_by_code("SHXL").jurisdiction_ids == (
        place.street_id,
        place.district_id,
        place.city_id,
    )
    assert db.session.scalar(select(Jurisdiction.id).where(Jurisdiction.code == "SHXL"))


def test_staff_of_a_place_above_and_its_log_from_the_command_line(
    web_app: Flask, tmp_path: Path
) -> None:
    world = World(web_app)
    place = world.community("HXL", 1)
    run = web_app.test_cli_runner().invoke
    slip = tmp_path / "slip.txt"
    asked = ["community", "staff-above", "SHXL", "--person", "jiedao", "街道甲"]
    made = run(args=[*asked, "--slip", str(slip)])
    assert made.exit_code == 0, made.output
    assert "role=subdistrict" in made.output
    assert "jiedao" in slip.read_text(encoding="utf-8")
    assert slip.stat().st_mode & 0o777 == 0o600
    again = run(args=[*asked, "--slip", str(tmp_path / "two.txt")])
    assert again.exit_code == 1, "the name is taken"
    assert not (tmp_path / "two.txt").exists()
    assert run(args=["community", "staff-above", "HXL", *asked[3:]]).exit_code == 1
    set_area(world, place, Role.SUBDISTRICT, "publication_days", "20")
    db.session.remove()
    assert "verified=good" in run(args=["record", "verify", "d-SHXL"]).output
    out = tmp_path / "record.zip"
    assert "entries=1" in run(args=["record", "export", "d-SHXL", "-o", str(out)]).output
    assert run(args=["record", "verify", "d-NONE"]).exit_code == 2

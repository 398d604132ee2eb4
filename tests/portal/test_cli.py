"""The command line, and the demo city that it makes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyotp
import pytest
from sqlalchemy import func, select

from app import create_app
from app.communities import cli, staging
from app.communities import queries as places
from app.communities.models import (
    Building,
    Community,
    Estate,
    Household,
    RollLine,
    RollPiece,
    RollUpload,
)
from app.config import ROOT
from app.consultations import queries as topics
from app.consultations.rules import State
from app.conventions import queries as conventions
from app.core import clock
from app.core.db import db
from app.core.errors import RuleBroken
from app.exports import verify_record
from app.meetings.models import Seat
from app.people.models import Membership
from app.portal import chain, demo, demo_sign_in
from app.projects import queries as ledger
from app.projects.rules import Stage
from app.ratings import queries as ratings
from app.voting.models import Poll, PollVoter
from tests.communities import files
from tests.conftest import settings_for
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask


def run(app: Flask, *words: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=list(words))
    return done.exit_code, done.output


def printed(app: Flask, *words: str) -> tuple[int, str]:
    """What a script would read: warnings go elsewhere."""
    done = app.test_cli_runner().invoke(args=list(words))
    return done.exit_code, done.stdout


def test_the_demo_city_is_alive_and_its_record_verifies(web_app: Flask, tmp_path: Path) -> None:
    assert run(web_app, "demo", "init") == (0, "demo city: made\n")
    assert run(web_app, "demo", "init") == (0, "demo city: already there\n")
    demo_sign_in.remember_address("http://localhost:8123")
    status, said = run(web_app, "demo", "signin")
    assert (status, "http://localhost:8123/e" in said) == (0, True)
    assert "打开 http://localhost:8123/\n" in said
    for words in ("槐香里一区 1-1-101", "gongzuo", "weiyuan", "jiandu", "sheji", "quji", "动态码"):
        assert words in said
    out = tmp_path / "codes.csv"
    assert run(web_app, "demo", "codes", "HXL", "-n", "5", "-o", str(out)) == (0, "codes=5\n")
    assert len(out.read_text(encoding="utf-8").splitlines()) == 6
    assert not voted_already(demo_sign_in.codes("HXL", 1_000))
    archive = tmp_path / "record.zip"
    status, said = run(web_app, "record", "export", "HXL", "-o", str(archive))
    assert (status, said[:8]) == (0, "entries=")
    assert verify_record.main([str(archive)]) == 0
    assert run(web_app, "record", "export", "NONE", "-o", str(archive))[0] == 1
    nowhere = str(tmp_path / "none" / "record.zip")
    assert "there is no folder" in run(web_app, "record", "export", "HXL", "-o", nowhere)[1]
    assert "no community" in run(web_app, "demo", "codes", "NONE", "-n", "1", "-o", str(out))[1]
    assert run(web_app, "worker", "--once")[0] == 0
    at_home = set(
        db.session.scalars(
            select(Estate.name)
            .join(Building, Building.estate_id == Estate.id)
            .join(Household, Household.building_id == Building.id)
            .join(Membership, Membership.household_id == Household.id)
            .join(Seat, Seat.person_id == Membership.person_id)
        )
    )
    assert at_home == {"槐香里一区"}, "its parking is talked over by who lives there"
    shows_the_whole_circle()
    with web_app.test_request_context():
        assert chain.orphans(places.community_by_code("HXL").id) == []


def shows_the_whole_circle() -> None:
    """A project in each stage, one rated twice, a talk going on, a convention about to change."""
    here = places.community_by_code("HXL").id
    projects = ledger.all_projects(here)
    assert {project.stage for project in projects} == set(Stage)
    rounds = {project.code: ratings.rounds(here, project.code) for project in projects}
    twice = [code for code, found in rounds.items() if len(found) == 2]
    (shared,) = (project for project in projects if project.code in twice)
    assert shared.stage is Stage.SHARE
    assert all(one.questions and not one.is_open for one in rounds[shared.code])
    assert ratings.repairs(here, shared.code), "what the first round found low was mended"
    going_on = [line.title for line in topics.all_topics(here) if line.state is State.IN_SESSION]
    assert going_on == ["槐香里一区车位重划与消防通道整治"], "T01"
    current, proposed = conventions.in_force(here), conventions.proposed(here)
    assert current is not None
    assert proposed is not None
    assert proposed.number > current.number
    assert conventions.changes(current, proposed)


def voted_already(rows: list[tuple[str, str, str]]) -> set[str]:
    """Those of the codes whose household has a ballot in an open poll."""
    voted = db.session.execute(
        select(PollVoter.community_id, PollVoter.household_id)
        .join(Poll, Poll.id == PollVoter.poll_id)
        .where(Poll.closed_at.is_(None), PollVoter.version > 0)
    ).all()
    assert voted, "the demo's open poll has ballots"
    homes = {places.address_of(row.community_id, row.household_id).short for row in voted}
    return {home for _code, _fact, home in rows} & homes


def test_signing_in_before_anything_is_set_up_is_said_in_a_sentence(tmp_path: Path) -> None:
    empty = create_app(settings_for(f"sqlite:///{tmp_path}/none.sqlite3", tmp_path))
    assert run(empty, "demo", "signin") == (0, "这里没有演示城市。\n")


def test_a_real_community_shows_no_codes(web_app: Flask, tmp_path: Path) -> None:
    World(web_app).community("REAL", 2)
    status, said = run(web_app, "demo", "codes", "REAL", "-n", "1", "-o", str(tmp_path / "x"))
    assert (status, "demo.only" in said) == (1, True)
    assert demo_sign_in.lines("http://localhost") == ["这里没有演示城市。"]


def test_production_gets_no_demo(web_app: Flask) -> None:
    web_app.config["SETTINGS"] = replace(web_app.config["SETTINGS"], mode="production")
    with pytest.raises(RuleBroken, match="production"):
        demo.build()
    assert run(web_app, "demo", "init")[0] == 1


def test_a_roll_comes_in_by_one_line(web_app: Flask, tmp_path: Path) -> None:
    World(web_app).community("HXL", 0)
    roll = str(ROOT / "sample_data" / "huaixiangli.xlsx")
    assert printed(web_app, "roll", "import", "HXL", roll) == (
        0,
        "new=1486 changed=0 unchanged=0 refused=0 dropped_columns=\n",
    )
    assert "unchanged=1486" in run(web_app, "roll", "import", "HXL", roll)[1]
    assert run(web_app, "roll", "import", "NONE", roll)[0] == 1
    bad = tmp_path / "bad.xlsx"
    bad.write_bytes(b"PK\x03\x04")
    status, said = run(web_app, "roll", "import", "HXL", str(bad))
    assert (status, "nothing was saved" in said) == (1, True)


def test_a_city_to_measure_by_is_as_large_as_asked(web_app: Flask) -> None:
    words = ("demo", "scale", "--communities", "3", "--households", "100", "--ballots", "5")
    status, said = run(web_app, *words)
    assert (status, said.splitlines()[-1]) == (0, "communities=3 households=100")
    counted = db.session.execute(
        select(Community.code, func.count(Household.id))
        .join(Household, Household.community_id == Community.id)
        .group_by(Community.code)
        .order_by(Community.code)
    ).all()
    assert [tuple(row) for row in counted] == [("S001", 34), ("S002", 33), ("S003", 33)]
    voted = select(func.count()).select_from(PollVoter).where(PollVoter.version > 0)
    assert db.session.scalar(voted) == 15
    assert run(web_app, *words)[0] == 1
    password, secret = run(web_app, "demo", "staff", "shiji")[1].split()
    client = CheckedClient(web_app)
    digits = pyotp.TOTP(secret).at(clock.now())
    form = {"name": "shiji", "password": password, "totp": digits}
    overview = client.post("/staff/sign-in", form, follow_redirects=True)
    assert overview.text.count("量测社区") == 3


def test_a_real_accounts_secret_is_never_printed(web_app: Flask) -> None:
    world = World(web_app)
    real = world.staff(world.community("REAL", 1))
    status, said = run(web_app, "demo", "staff", real.name)
    assert (status, real.secret in said) == (1, False)
    demo.build()
    assert real.secret not in run(web_app, "demo", "signin")[1]


def test_production_gets_no_city_to_measure_by(web_app: Flask) -> None:
    web_app.config["SETTINGS"] = replace(web_app.config["SETTINGS"], mode="production")
    assert run(web_app, "demo", "scale")[0] == 1


def test_a_dry_run_says_what_would_change_and_saves_nothing(web_app: Flask, tmp_path: Path) -> None:
    place = World(web_app).community("HXL", 1)
    roll, refused = tmp_path / "a.csv", tmp_path / "out.xlsx"
    roll.write_text("小区,楼栋,单元,房号\n一区,1,1,1\n一区,1,1,2\n一区,1,1,\n", encoding="utf-8")
    words = ("roll", "import", "HXL", str(roll), "--dry-run", "--refused", str(refused))
    assert printed(web_app, *words) == (
        0,
        "new=1 changed=0 unchanged=1 refused=1 dropped_columns=\n",
    )
    assert refused.read_bytes().startswith(b"PK")
    assert refused.stat().st_mode & 0o777 == 0o600, "it holds names and phones"
    assert list(tmp_path.glob("*.part")) == []
    nowhere = run(web_app, *words[:-1], str(tmp_path / "no" / "out.xlsx"))
    assert (nowhere[0], "there is no folder" in nowhere[1]) == (1, True)
    with web_app.app_context():
        assert len(places.households_for_letters(place.id)) == 1
        for table in (RollUpload, RollPiece, RollLine):
            assert db.session.scalar(select(func.count(table.id))) == 0
    again = ("roll", "import", "HXL", str(refused))
    assert printed(web_app, *again)[1].startswith("new=0 changed=0 unchanged=0 refused=1 ")


def test_a_file_of_several_sheets_needs_the_name_of_one(web_app: Flask, tmp_path: Path) -> None:
    World(web_app).community("HXL", 0)
    path = tmp_path / "a.xlsx"
    rows: list[list[object]] = [["小区", "楼栋", "房号"], ["一区", 1, 1]]
    path.write_bytes(files.xlsx({"去年": rows, "今年": rows}))
    status, said = run(web_app, "roll", "import", "HXL", str(path))
    assert (status, "去年、今年" in said, "nothing was saved" in said) == (1, True, True)
    status, said = run(web_app, "roll", "import", "HXL", str(path), "--sheet", "后年")
    assert (status, "去年、今年" in said) == (1, True)
    status, said = printed(web_app, "roll", "import", "HXL", str(path), "--sheet", "今年")
    assert (status, said) == (0, "new=1 changed=0 unchanged=0 refused=0 dropped_columns=\n")


def test_progress_and_what_is_worth_a_look_are_told_beside_the_summary(
    web_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    World(web_app).community("HXL", 2)
    monkeypatch.setattr(staging, "AT_ONCE", 100)
    monkeypatch.setattr(cli, "TOLD_EVERY", 500)
    path = tmp_path / "a.csv"
    lines = [f"一区,1,1,9{n},,棋,21120219900101123X" for n in range(1200)]
    path.write_text("\n".join(["小区,楼栋,单元,房号,联系电话,爱好,证号", *lines]), encoding="utf-8")
    done = web_app.test_cli_runner().invoke(args=["roll", "import", "HXL", str(path)])
    assert done.stdout == "new=1200 changed=0 unchanged=0 refused=0 dropped_columns=\n"
    for words in ("read 500 of 1,200 rows", "1200 行没有能用的电话", "爱好", "证号", "kept: 2"):
        assert words in done.stderr
    path.write_text("小区,楼栋,爱好\n一区,1,棋\n", encoding="utf-8")
    status, said = run(web_app, "roll", "import", "HXL", str(path))
    assert (status, "房号" in said) == (1, True)


def test_the_command_line_names_the_estate_that_no_column_says(
    web_world: World, web_app: Flask, tmp_path: Path
) -> None:
    web_world.community("HXL", 0)
    path = tmp_path / "roll.csv"
    path.write_text("楼栋,房号\n1,101\n", encoding="utf-8")
    status, said = run(web_app, "roll", "import", "HXL", str(path))
    assert (status, "--estate" in said) == (1, True)
    status, said = printed(web_app, "roll", "import", "HXL", str(path), "--estate", "一区")
    assert (status, said.splitlines()[-1][:5]) == (0, "new=1")
    path.write_text("楼栋,几室\n1,101\n", encoding="utf-8")
    status, said = run(web_app, "roll", "import", "HXL", str(path), "--estate", "一区")
    assert (status, "房号" in said) == (1, True)


def test_a_file_that_cannot_be_written_ends_in_a_sentence(web_app: Flask, tmp_path: Path) -> None:
    (tmp_path / "taken.pdf.part").mkdir()
    for out, why in (
        (tmp_path / "no" / "guide.pdf", "there is no folder"),
        (tmp_path / "taken.pdf", "Is a directory"),
    ):
        status, said = run(web_app, "guide", "resident", "-o", str(out))
        assert (status, why in said, "nothing was written" in said) == (1, True, True)

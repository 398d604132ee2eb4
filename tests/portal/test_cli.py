"""The command line, and the demo city that it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.config import ROOT
from app.core.errors import RuleBroken
from app.exports import verify_record
from app.portal import demo, demo_sign_in
from tests.support.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask


def run(app: Flask, *words: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=list(words))
    return done.exit_code, done.output


def test_the_demo_city_is_alive_and_its_record_verifies(web_app: Flask, tmp_path: Path) -> None:
    assert run(web_app, "demo", "init") == (0, "demo city: made\n")
    assert run(web_app, "demo", "init") == (0, "demo city: already there\n")
    status, said = run(web_app, "demo", "signin")
    assert status == 0
    for words in ("槐香里一区 1-1-101", "gongzuo", "weiyuan", "jiandu", "sheji", "quji", "动态码"):
        assert words in said
    out = tmp_path / "codes.csv"
    assert run(web_app, "demo", "codes", "HXL", "-n", "5", "-o", str(out)) == (0, "codes=5\n")
    assert len(out.read_text(encoding="utf-8").splitlines()) == 6
    archive = tmp_path / "record.zip"
    status, said = run(web_app, "record", "export", "HXL", "-o", str(archive))
    assert (status, said[:8]) == (0, "entries=")
    assert verify_record.main([str(archive)]) == 0
    assert run(web_app, "record", "export", "NONE", "-o", str(archive))[0] == 1
    assert run(web_app, "worker", "--once")[0] == 0


def test_a_real_community_shows_no_codes(web_app: Flask, tmp_path: Path) -> None:
    World(web_app).community("REAL", 2)
    status, said = run(web_app, "demo", "codes", "REAL", "-n", "1", "-o", str(tmp_path / "x"))
    assert (status, "demo.only" in said) == (1, True)
    assert demo_sign_in.lines("http://localhost") == ["这里没有演示城市。"]


def test_production_gets_no_demo(web_app: Flask) -> None:
    from dataclasses import replace

    web_app.config["SETTINGS"] = replace(web_app.config["SETTINGS"], mode="production")
    with pytest.raises(RuleBroken, match="production"):
        demo.build()
    assert run(web_app, "demo", "init")[0] == 1


def test_a_roll_comes_in_by_one_line(web_app: Flask, tmp_path: Path) -> None:
    World(web_app).community("HXL", 0)
    roll = str(ROOT / "sample_data" / "huaixiangli.xlsx")
    assert run(web_app, "roll", "import", "HXL", roll) == (
        0,
        "new=1486 changed=0 unchanged=0 refused=0 dropped_columns=\n",
    )
    assert "unchanged=1486" in run(web_app, "roll", "import", "HXL", roll)[1]
    assert run(web_app, "roll", "import", "NONE", roll)[0] == 1
    bad = tmp_path / "bad.xlsx"
    bad.write_bytes(b"PK\x03\x04")
    status, said = run(web_app, "roll", "import", "HXL", str(bad))
    assert (status, "nothing was saved" in said) == (1, True)

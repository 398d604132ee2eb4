"""An empty installation gets its city and two administrators, who come in and see how it is."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

import pyotp
import pytest

from app.core import clock, status
from app.core.actor import Role
from tests.portal.test_cli import run
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

WORDS = ("init", "--city", "清河市", "--city-code", "QH", "--first", "lin", "--second", "he")


def slip_of(text: str, name: str) -> tuple[str, str]:
    """The password and the second factor's secret of one slip."""
    found = re.search(rf"登录名 {name}\n密码 (\S+)\n验证器密钥 (\S+)", text)
    assert found is not None
    return found[1], found[2]


def test_two_administrators_come_in_with_their_slips(web_app: Flask, tmp_path: Path) -> None:
    slips = tmp_path / "slips.txt"
    done, said = run(web_app, *WORDS, "--slips", str(slips))
    assert (done, said) == (0, f"tables=ready administrators=2 slips={slips}\n")
    assert stat.S_IMODE(slips.stat().st_mode) == 0o600
    text = slips.read_text(encoding="utf-8")
    for name in ("lin", "he"):
        password, secret = slip_of(text, name)
        assert password not in said
        client = CheckedClient(web_app)
        answer = client.post(
            "/staff/sign-in",
            {"name": name, "password": password, "totp": pyotp.TOTP(secret).at(clock.now())},
            follow_redirects=True,
        )
        assert answer.request.path == "/system/"
        assert "还没有社区" in answer.text


def test_a_second_start_changes_nothing(web_app: Flask, tmp_path: Path) -> None:
    assert run(web_app, *WORDS, "--slips", str(tmp_path / "one"))[0] == 0
    done, said = run(web_app, *WORDS, "--slips", str(tmp_path / "two"))
    assert (done, "已经有两位管理员" in said) == (1, True)
    assert not (tmp_path / "two").exists()


def test_who_follows_an_administrator_whose_role_ended(web_app: Flask, tmp_path: Path) -> None:
    assert run(web_app, *WORDS, "--slips", str(tmp_path / "one"))[0] == 0
    ended = web_app.test_cli_runner().invoke(args=["community", "end-above", "QH", WORDS[-1]])
    assert ended.exit_code == 0, ended.output
    done, said = run(web_app, *WORDS[:-1], "next", "--slips", str(tmp_path / "two"))
    assert (done, "administrators=1" in said) == (0, True), said


def test_a_start_that_broke_off_is_completed(web_app: Flask, tmp_path: Path) -> None:
    World(web_app).staff(World(web_app).community("HXL", 1), Role.CLERK)
    broken = [*WORDS[:-1], "staff1"]
    assert run(web_app, *broken, "--slips", str(tmp_path / "one"))[0] == 1
    done, said = run(web_app, *WORDS, "--slips", str(tmp_path / "two"))
    assert (done, "administrators=1" in said) == (0, True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([*WORDS[:-1], "lin"], "两个登录名"),
        ([*WORDS, "--slips", "/proc/none/slips"], "写不进去"),
    ],
)
def test_what_cannot_begin_says_why(web_app: Flask, words: list[str], sentence: str) -> None:
    done, said = run(web_app, *words)
    assert (done, sentence in said) == (1, True)


def test_slips_are_never_written_over(web_app: Flask, tmp_path: Path) -> None:
    slips = tmp_path / "slips.txt"
    slips.write_text("keep me", encoding="utf-8")
    done, said = run(web_app, *WORDS, "--slips", str(slips))
    assert (done, "不会覆盖" in said) == (1, True)
    assert slips.read_text(encoding="utf-8") == "keep me"


@pytest.mark.parametrize("role", [Role.CLERK, Role.SUPERVISOR, Role.DISTRICT])
def test_only_administrators_see_the_system(
    web_app: Flask, client: CheckedClient, role: Role
) -> None:
    world = World(web_app)
    client.staff(world.staff(world.community(), role))
    assert client.get("/system/").status_code == 404


def test_what_is_bad_stands_first() -> None:
    ok, bad = status.Line("a", "甲", "好"), status.Line("b", "乙", "坏", status.State.BAD, "修")
    assert status.worst([ok, bad]) is status.State.BAD
    assert status.worst([]) is status.State.OK

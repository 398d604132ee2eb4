"""Records from the command line: the same files as the pages, one summary line each."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from python_calamine import CalamineWorkbook
from sqlalchemy import select

from app.core.db import db, transaction
from app.core.record import RecordEntry
from app.people.models import SecurityEvent

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from tests.support.world import World


def run(app: Flask, *words: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=list(words), catch_exceptions=False)
    return done.exit_code, done.output


def test_a_polls_record_is_written_as_workbook_and_as_csv(
    app: Flask, world: World, tmp_path: Path
) -> None:
    place = world.community(households=3)
    poll = world.poll(place)
    book, sheet = tmp_path / "p.xlsx", tmp_path / "p.csv"
    status, said = run(app, "poll", "export", "HXL", poll, "-o", str(book))
    assert (status, said) == (0, f"poll={poll} bytes={book.stat().st_size}\n")
    assert CalamineWorkbook.from_path(str(book)).sheet_names == [
        "投票内容",
        "选项",
        "结果",
        "参与",
        "计票",
        "时间线",
    ]
    assert run(app, "poll", "export", "HXL", poll, "-o", str(sheet))[0] == 0
    assert "您同意吗" in sheet.read_text(encoding="utf-8-sig")
    noted = db.session.scalars(
        select(SecurityEvent).where(SecurityEvent.kind == "poll.exported")
    ).all()
    assert [event.facts["poll"] for event in noted] == [poll, poll]


def test_what_cannot_be_exported_is_refused_and_leaves_no_file(
    app: Flask, world: World, tmp_path: Path
) -> None:
    place = world.community(households=3)
    out = tmp_path / "p.xlsx"
    draft = world.draft(place)
    for words in (
        ("NONE", draft, "-o", str(out)),
        ("HXL", draft, "-o", str(out)),
        ("HXL", "unknown", "-o", str(out)),
        ("HXL", draft, "-o", str(tmp_path / "p.pdf")),
    ):
        status, said = run(app, "poll", "export", *words)
        assert (status, "refused" in said) == (1, True)
    assert not list(tmp_path.glob("p.*"))


def test_a_record_is_verified_fresh_or_from_a_file(
    app: Flask, world: World, tmp_path: Path
) -> None:
    place = world.community(households=3)
    poll = world.poll(place)
    world.cast(world.resident(place), place, poll, "yes")
    status, said = run(app, "record", "verify", "HXL")
    assert (status, said.splitlines()[-1]) == (0, "verified=good")
    path = tmp_path / "record.zip"
    assert run(app, "record", "export", "HXL", "-o", str(path))[0] == 0
    assert run(app, "record", "verify", str(path))[1].splitlines()[-1] == "verified=good"
    with zipfile.ZipFile(path) as archive:
        (tmp_path / "keys.json").write_bytes(archive.read("keys.json"))
    assert run(app, "record", "verify", str(path), "--keys", str(tmp_path / "keys.json"))[0] == 0
    for nothing in ("NONE", str(tmp_path / "gone.zip")):
        status, said = run(app, "record", "verify", nothing)
        assert (status, f"neither a file nor a community: {nothing}" in said) == (2, True)
    (tmp_path / "not.zip").write_bytes(b"nothing")
    status, said = run(app, "record", "verify", str(tmp_path / "not.zip"))
    assert (status, said.splitlines()[-1]) == (2, "verified=not_checked")


def test_a_changed_record_does_not_verify(app: Flask, world: World) -> None:
    place = world.community(households=3)
    world.poll(place)
    with transaction() as session:
        entry = session.scalars(select(RecordEntry).order_by(RecordEntry.seq)).first()
        assert entry is not None
        entry.entry = entry.entry.replace("您同意吗", "您反对吗")
    status, said = run(app, "record", "verify", "HXL")
    assert (status, said.splitlines()[-1]) == (1, "verified=wrong")

"""Anybody can take the record home, with the key beside it, and find their own entry in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.core.db import db
from app.core.record import RecordCheckpoint, RecordEntry
from app.exports import verify_record
from app.exports.views import ARCHIVES
from tests.conventions.test_journey import in_force, sign
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flask import Flask


def test_a_stranger_takes_archive_and_key_home_and_both_fit(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime, tmp_path: Path
) -> None:
    world = World(web_app)
    place = world.community()
    assert client.get("/c/HXL/record.zip").status_code == 404
    assert "下载记录存档" not in client.get("/c/HXL/record").text
    poll = world.poll(place)
    world.cast(world.resident(place), place, poll, "yes")
    before = db.session.scalar(select(func.count(RecordCheckpoint.id)))
    page = client.get("/c/HXL/record").text
    assert "下载记录存档" in page
    archive, key = tmp_path / "record.zip", tmp_path / "keys.json"
    archive.write_bytes(client.get("/c/HXL/record.zip").data)
    key.write_bytes(client.get("/c/HXL/keys.json").data)
    assert verify_record.main([str(archive), "--keys", str(key)]) == 0
    assert db.session.scalar(select(func.count(RecordCheckpoint.id))) == before
    other = World(web_app).community("YYL", 2)
    world.poll(other)
    key.write_bytes(
        b'[{"name":"test.example/HXL","algorithm":"ed25519","key":"%s"}]' % (b"A" * 43 + b"=")
    )
    assert verify_record.main([str(archive), "--keys", str(key)]) == 1


def test_one_address_cannot_keep_the_portal_busy_with_archives(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    world.poll(world.community("HXL", 2))
    ARCHIVES.forget()
    seen = [client.raw.get("/c/HXL/record.zip").status_code for _ in range(61)]
    ARCHIVES.forget()
    assert (set(seen[:60]), seen[60]) == ({200}, 429)


def test_a_pledge_is_found_by_the_code_on_its_receipt(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 3)
    signed = sign(world.resident(place), place, in_force(world, place))
    found = client.post("/c/HXL/record", {"code": signed.check_code}).text
    assert "这是一次公约签署" in found
    entry = db.session.scalar(
        select(RecordEntry.seq).where(RecordEntry.kind == "convention.signed")
    )
    assert f"第 {entry} 条记录" in found

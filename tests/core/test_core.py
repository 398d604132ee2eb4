"""Transactions, jobs, the record, settings, pictures: on both engines where a database is."""

from __future__ import annotations

import io
import json
import logging
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from app import config
from app.core import cells, clock, images, jobs, logs, qr, record, web
from app.core import db as database
from app.core.actor import SYSTEM, Actor, Role
from app.core.db import db, transaction
from app.core.errors import NotAllowed, RuleBroken, SaveUnknown
from app.core.jobs import Job
from app.core.links import Edge, connect, edges_of
from app.core.words import fen_from, yuan

if TYPE_CHECKING:
    from flask import Flask

    from tests.support.world import World

NOTE = record.register("test.noted", {"what"}, {"who"})


def note(community_id: int, what: str) -> record.Written:
    with transaction() as session:
        act = record.Act(NOTE, "test:1", {"what": what}, {"who": "某人"}, "system")
        return record.record(session, SYSTEM, act, community_id)


def test_nothing_of_a_failed_operation_stays(world: World) -> None:
    place = world.community(households=1)
    with pytest.raises(ValueError, match="stop"), transaction() as session:
        jobs.enqueue(session, "x", "1", clock.now())
        session.flush()
        raise ValueError("stop")
    assert db.session.scalar(select(func.count(Job.id))) == 0
    assert note(place.id, "after").seq == 0


def test_transactions_do_not_nest(app: Flask) -> None:
    with transaction(), pytest.raises(RuntimeError, match="nest"), transaction():
        pass


def test_a_change_outside_a_transaction_is_found(app: Flask) -> None:
    db.session.add(Job(kind="x", key="1", payload={}, due_at=clock.now()))
    with pytest.raises(RuntimeError, match="outside"), transaction():
        pass
    db.session.rollback()


def test_a_failing_commit_is_said_to_be_unknown(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: object) -> None:
        raise OperationalError("COMMIT", {}, OSError("disk"))

    with pytest.raises(SaveUnknown), transaction() as session:
        monkeypatch.setattr(session, "commit", lambda: broken(session))
    monkeypatch.undo()


def test_naive_times_are_refused(app: Flask) -> None:
    from datetime import datetime

    with pytest.raises(Exception, match="naive"), transaction() as session:
        session.add(Job(kind="x", key="1", payload={}, due_at=datetime(2026, 1, 1)))  # noqa: DTZ001
        session.flush()


def test_sqlite_writes_reach_the_disk(sqlite_url: str, web_app: Flask) -> None:
    with db.engine.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_24_writers_at_once_number_the_log_without_gaps(world: World) -> None:
    place = world.community(households=1)
    barrier = threading.Barrier(24)

    def write(number: int) -> None:
        with world.app.app_context():
            barrier.wait()
            note(place.id, str(number))
            db.session.remove()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A read that began before sees what was there then.
    db.session.rollback()
    rows = db.session.execute(
        select(record.RecordEntry.seq, record.RecordEntry.entry, record.RecordEntry.leaf)
        .where(record.RecordEntry.community_id == place.id)
        .order_by(record.RecordEntry.seq)
    ).all()
    assert [row.seq for row in rows] == list(range(24))
    entries = [json.loads(row.entry) for row in rows]
    assert [e["prev"] for e in entries[1:]] == [row.leaf for row in rows[:-1]]


def test_a_record_entry_needs_its_facts(world: World) -> None:
    place = world.community(households=1)
    for data in ({}, {"what": 1, "more": 2}):
        with pytest.raises(ValueError, match="carries"), transaction() as session:
            record.record(session, SYSTEM, record.Act(NOTE, "x", data), place.id)
    with pytest.raises(ValueError, match="twice"):
        record.register("test.noted", set())
    stranger = record.Kind("test.strange", frozenset())
    with pytest.raises(ValueError, match="not registered"), transaction() as session:
        record.record(session, SYSTEM, record.Act(stranger, "x", {}), place.id)


def test_the_same_size_is_signed_once_and_the_host_is_kept(world: World) -> None:
    place = world.community(households=1)
    note(place.id, "a")
    with transaction() as session:
        first = record.checkpoint(session, place.id)
        assert record.checkpoint(session, place.id) == first
    assert first.startswith("test.example/HXL\n1\n")
    assert record.latest_checkpoint(place.id) == first
    key = world.app.config["SETTINGS"].record_key_path
    assert key.stat().st_mode & 0o077 == 0


def test_due_jobs_are_done_once_and_failed_ones_again_later(app: Flask) -> None:
    done: list[int] = []
    faults = [1]

    @jobs.handles("test.job")
    def handle(payload: dict[str, int]) -> None:
        if faults:
            faults.pop()
            raise RuleBroken("not.yet")
        done.append(payload["n"])

    with transaction() as session:
        jobs.enqueue(session, "test.job", "a", clock.now(), n=1)
        jobs.enqueue(session, "test.job", "later", clock.now() + timedelta(hours=1), n=2)
        jobs.enqueue(session, "test.job", "a", clock.now(), n=3)
    assert jobs.run_due() == 0
    with clock.set_to(clock.now() + timedelta(seconds=5)):
        assert jobs.run_due() == 1
        assert jobs.run_due() == 0
    assert done == [3]


def test_a_job_taken_or_put_off_while_the_clock_was_ahead_does_not_wait_for_that_time(
    app: Flask,
) -> None:
    faults, done = [1], []

    @jobs.handles("test.ahead")
    def handle(_payload: dict[str, int]) -> None:
        if faults:
            faults.pop()
            raise RuleBroken("not.yet")
        done.append(1)

    with transaction() as session:
        jobs.enqueue(session, "test.ahead", "put off", clock.now())
        jobs.enqueue(session, "test.ahead", "taken by a worker that was killed", clock.now())
    with clock.set_to(clock.now() + timedelta(hours=24)):
        assert jobs._do(*jobs._take()) == 0
        assert jobs._take() is not None
    assert jobs.run_due() == 2
    assert len(done) == 2


def test_a_job_with_a_fault_nobody_thought_of_waits_longer_each_time_and_holds_up_no_other(
    app: Flask,
) -> None:
    done = []

    @jobs.handles("test.fault")
    def handle(payload: dict[str, int]) -> None:
        done.append(payload["n"] + 1)

    with transaction() as session:
        jobs.enqueue(session, "test.fault", "a", clock.now(), n=None)
        jobs.enqueue(session, "test.fault", "b", clock.now(), n=1)
    hand: jobs.Hand = {}
    assert jobs.run_due(hand) == 1
    assert (done, hand) == ([2], {})
    late = db.session.scalars(select(Job).where(Job.key == "a")).one()
    assert late.last_error.startswith("TypeError")
    assert late.lease_until is not None
    assert late.lease_until <= clock.now() + timedelta(seconds=2)


def test_a_worker_gives_back_what_it_holds_and_nothing_that_another_has_taken_since(
    app: Flask,
) -> None:
    jobs.handles("test.held")(lambda _payload: None)
    with transaction() as session:
        jobs.enqueue(session, "test.held", "a", clock.now())
    hand: jobs.Hand = {}
    assert jobs._take(hand) is not None
    assert jobs._take() is None
    before = dict(hand)
    jobs.give_back(hand)
    assert hand == {}
    with clock.set_to(clock.now() + timedelta(minutes=1)):
        assert jobs._take() is not None  # by another worker
        jobs.give_back(before)
        assert jobs._take() is None


def test_the_worker_outlives_any_fault(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, rounds = threading.Event(), []

    def fault(_hand: object) -> int:
        rounds.append(1)
        if len(rounds) == 2:
            stop.set()
        raise MemoryError

    monkeypatch.setattr(jobs, "run_due", fault)
    monkeypatch.setattr(jobs, "PAUSE_SECONDS", 0.01)
    jobs.work(app, stop)
    assert len(rounds) == 2


def test_edges_are_read_from_both_ends(world: World) -> None:
    place, other = world.community(households=1), world.community("YYL", 1)
    with transaction() as session:
        connect(session, place.id, Edge("poll:a", "decides", "project:P01"))
    assert edges_of(place.id, "project:P01") == edges_of(place.id, "poll:a")
    assert edges_of(other.id, "poll:a") == []


def test_the_clock_stands_only_when_told() -> None:
    with pytest.raises(RuntimeError):
        clock.advance(timedelta(1))
    moment = clock.at_local(2026, 5, 20, 18)
    assert clock.to_record(moment) == "2026-05-20T10:00:00Z"
    assert clock.from_record("2026-05-20T10:00:00Z") == moment


def test_a_visitor_is_nobody() -> None:
    with pytest.raises(NotAllowed):
        Actor().require_person()
    with pytest.raises(NotAllowed):
        Actor().role_in(1)
    assert SYSTEM.role_in(1) is Role.SYSTEM


PRODUCTION = {
    "LINYI_MODE": "production",
    "LINYI_BASE_URL": "https://linyi.example.cn",
    "LINYI_SECRET_KEY": "x" * 40,
    "LINYI_LOG_HOST": "linyi.example.cn",
    "LINYI_COMPLAINT_PHONE": "10000000001",
    "LINYI_RECORD_KEY_FILE": "/etc/linyi/record.key",
}


def test_production_starts_with_safe_values_alone(tmp_path: Path) -> None:
    env = PRODUCTION | {"LINYI_DATA_DIR": str(tmp_path)}
    settings = config.from_environment(env)
    assert settings.secure
    assert settings.host == "linyi.example.cn"
    for name in ("LINYI_LOG_HOST", "LINYI_COMPLAINT_PHONE", "LINYI_RECORD_KEY_FILE"):
        with pytest.raises(config.UnsafeSettings, match=name):
            config.from_environment(env | {name: ""})
    with pytest.raises(config.UnsafeSettings, match="https"):
        config.from_environment(env | {"LINYI_BASE_URL": "http://linyi.example.cn"})
    with pytest.raises(config.UnsafeSettings, match="SECRET"):
        config.from_environment(env | {"LINYI_SECRET_KEY": "short"})
    with pytest.raises(config.UnsafeSettings, match="MODE"):
        config.from_environment(env | {"LINYI_MODE": "prod"})


def test_the_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    env = {"LINYI_DATA_DIR": str(tmp_path), "LINYI_FONT_DIR": str(tmp_path)}
    first, second = config.from_environment(env), config.from_environment(env)
    assert first.secret_key == second.secret_key
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0
    assert "secret" not in repr(first).lower() or first.secret_key not in repr(first)


def picture(mode: str, size: tuple[int, int], kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind)
    return out.getvalue()


def test_pictures_of_every_kind_are_painted_anew() -> None:
    for mode, kind in (("RGBA", "PNG"), ("P", "PNG"), ("L", "JPEG"), ("RGB", "WEBP")):
        painted = images.repaint(picture(mode, (3000, 1000), kind))
        assert (painted.width, painted.height) == (1600, 533)
        assert Image.open(io.BytesIO(painted.thumb)).size == (400, 133)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"GIF89a", "picture.not_one"),
        (picture("1", (9000, 9000)), "picture.too_many_pixels"),
        (b"x" * (images.MAX_BYTES + 1), "picture.too_large"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "picture.not_one"),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(RuleBroken, match=code):
        images.repaint(data)


def test_money_is_read_and_written_without_floats() -> None:
    assert [yuan(n) for n in (0, 5, 100, 123456789, -150)] == [
        "0",
        "0.05",
        "1",
        "1,234,567.89",
        "-1.50",
    ]
    typed = {
        "1,000": 100000,
        "１２.5元": None,
        "12.5元": 1250,
        "0.05": 5,
        "1.234": None,
        "-3": None,
        "": None,
        "9" * 13: None,
        "1.x": None,
    }
    for words, fen in typed.items():
        assert fen_from(words) == fen, words


def test_log_lines_cannot_be_split_and_carry_allowed_fields_alone() -> None:
    line = logging.LogRecord("linyi", logging.ERROR, "", 0, "a\nb", None, None)
    line.phone, line.job = "13800001111", 7
    written = logs.JsonLines().format(line)
    assert "\n" not in written
    assert "13800001111" not in written
    assert json.loads(written)["job"] == 7


def test_both_encoders_say_the_same() -> None:
    import zxingcpp

    address = "https://linyi.example.cn/e#ABCDE12345"
    for drawn in (qr.svg(address), qr.fast_svg(address, "Q")):
        size = int(drawn.split('viewBox="0 0 ')[1].split()[0])
        pixels = Image.new("L", (size * 4, size * 4), 255)
        for run in drawn.split(' d="')[1].split('"')[0].split("z")[:-1]:
            x, rest = run[1:].split(" ")
            y, width = rest.split("h")[0], rest.split("h")[1].split("v")[0]
            box = (int(x) * 4, int(y) * 4, (int(x) + int(width)) * 4 - 1, int(y) * 4 + 3)
            pixels.paste(0, (box[0], box[1], box[2] + 1, box[3] + 1))
        assert zxingcpp.read_barcodes(pixels)[0].text == address


def test_a_broken_rule_without_words_still_gets_a_sentence(web_app: Flask) -> None:
    with web_app.test_request_context():
        assert "没有保存" in web.sentence(RuleBroken("nobody.knows"))


def test_the_engine_is_left_alone_where_it_is_not_sqlite() -> None:
    assert database.NAMING["pk"] == "pk_%(table_name)s"


def test_what_comes_again_is_planned_once_and_leased_for_as_long_as_it_takes(
    app: Flask, fixed_clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[datetime] = []
    monkeypatch.setattr(jobs, "_planners", {})
    jobs.handles("test.again", timedelta(hours=2))(lambda _payload: done.append(clock.now()))
    jobs.recurs("test.again", lambda now, _settings: now + timedelta(hours=1))
    jobs.recurs("test.never", lambda _now, _settings: None)
    jobs.plan_recurring()
    jobs.plan_recurring()
    clock.advance(timedelta(hours=1))
    taken = jobs._take()
    assert taken is not None
    clock.advance(timedelta(minutes=119))
    assert jobs._take() is None
    clock.advance(timedelta(minutes=2))
    assert jobs.run_due() == 1
    jobs.plan_recurring()
    # Two workers that plan at the same time make one job.
    jobs._plan("test.again", clock.now() + timedelta(hours=1))
    kinds = select(Job.done_at).where(Job.kind == "test.again")
    assert len([at for at in db.session.scalars(kinds) if at is None]) == 1
    assert len(done) == 1


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (12, 12),
        (True, "True"),
        ("坡道", "坡道"),
        ("=1+1", "'=1+1"),
        ("\uff1dHYPERLINK()", "'\uff1dHYPERLINK()"),
        ("\t=1", "'\t=1"),
        ("-5", "'-5"),
    ],
)
def test_a_cell_of_a_table_is_never_a_formula(value: object, cell: str | int) -> None:
    written = cells.plain(value)
    assert written == cell
    assert type(written) is type(cell)


@pytest.mark.parametrize(
    ("moment", "day"), [("2026-05-19T15:59:59Z", 19), ("2026-05-19T16:00:00Z", 20)]
)
def test_a_day_begins_at_midnight_in_china(moment: str, day: int) -> None:
    at = clock.from_record(moment)
    found = clock.day_of(at)
    assert (found.month, found.day) == (5, day)
    begins, ends = clock.bounds_of_day(found)
    assert begins <= at < ends
    assert ends - begins == timedelta(days=1)
    assert clock.to_record(begins).endswith("T16:00:00Z")

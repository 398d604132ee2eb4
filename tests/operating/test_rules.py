"""Judging an installation from its numbers, at every edge."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from inspect import getsource
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.core.space import Room, is_empty_of_reserve, is_full
from app.core.status import State
from app.operating import rules, words
from app.operating.rules import Address, Check, Finding, Folder

NOW = datetime(2026, 5, 20, 2, 3, tzinfo=UTC)
DAY, MINUTE, SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)
OK, ATTENTION, BAD = State.OK, State.ATTENTION, State.BAD


def folder(
    mode: int = 0o700, *, exists: bool = True, writable: bool = True, mine: bool = True
) -> Folder:
    return Folder("/srv/linyi", exists, writable, mode, mine)


@pytest.mark.parametrize(
    ("found", "production", "state", "code"),
    [
        (folder(), True, OK, "ok"),
        (folder(0o750), True, OK, "ok"),
        (folder(0o755), True, BAD, "open"),
        (folder(0o755), False, ATTENTION, "open"),
        (folder(0o701), True, BAD, "open"),
        (folder(writable=False), False, BAD, "not_writable"),
        (folder(exists=False), False, BAD, "missing"),
    ],
)
def test_data_are_writable_and_closed_to_others(
    found: Folder, production: bool, state: State, code: str
) -> None:
    finding = rules.data_folder(found, production=production)
    assert (finding.state, finding.code) == (state, code)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (folder(0o600), "ok"),
        (folder(0o400), "ok"),
        (folder(0o640), "open"),
        (folder(0o604), "open"),
        (folder(0o600, mine=False), "not_mine"),
        (folder(exists=False), "missing"),
    ],
)
def test_a_key_is_there_closed_and_ones_own(found: Folder, code: str) -> None:
    assert rules.secret_key(found, in_environment=False, fits=True).code == code
    assert rules.secret_key(found, in_environment=True, fits=True).state is OK
    for anywhere in (True, False):
        other = rules.secret_key(found, in_environment=anywhere, fits=False)
        assert (other.state, other.code) == (BAD, "other")
    signing = rules.record_key(found, signed=True, inside_data=False, production=True)
    assert signing.code == code
    assert signing.state is (OK if code == "ok" else BAD)


def test_a_signing_key_is_missed_only_once_it_has_signed() -> None:
    gone = folder(exists=False)
    key = folder(0o600)
    assert (
        rules.record_key(gone, signed=False, inside_data=True, production=False).state is ATTENTION
    )
    assert (
        rules.record_key(gone, signed=None, inside_data=True, production=False).state is ATTENTION
    )
    assert rules.record_key(key, signed=True, inside_data=True, production=False).state is OK
    kept_together = rules.record_key(key, signed=True, inside_data=True, production=True)
    assert (kept_together.state, kept_together.code) == (BAD, "inside_data")


@pytest.mark.parametrize(
    ("percents", "read_only", "state", "code"),
    [
        ([100], False, OK, "ok"),
        ([15], False, OK, "ok"),
        ([14], False, ATTENTION, "low"),
        ([5], False, ATTENTION, "low"),
        ([4], False, BAD, "full"),
        ([90, 4], False, BAD, "full"),
        ([5], True, BAD, "read_only"),
        ([], False, ATTENTION, "unseen"),
    ],
)
def test_the_fullest_disk_counts(
    percents: list[int], read_only: bool, state: State, code: str
) -> None:
    finding = rules.disk(percents, read_only=read_only)
    assert (finding.state, finding.code) == (state, code)


@pytest.mark.parametrize(
    ("free", "was_full", "full"),
    [(49, False, True), (50, False, False), (50, True, True), (59, True, True), (60, True, False)],
)
def test_writing_stops_below_5_percent_and_goes_on_from_6(
    free: int, was_full: bool, full: bool
) -> None:
    assert is_full(Room(1000, free), 5, was_full=was_full) is full


def test_a_share_of_zero_never_stops_writing() -> None:
    assert is_full(Room(1000, 0), 0, was_full=False) is False
    assert is_empty_of_reserve(Room(1000, 0), 0) is False


@given(st.integers(1, 10**15), st.integers(0, 10**15), st.integers(1, 50))
def test_the_reserve_is_gone_only_when_the_disk_is_full(
    total: int, free: int, percent: int
) -> None:
    room = Room(total, free)
    if is_empty_of_reserve(room, percent):
        assert is_full(room, percent, was_full=False)
    if is_full(room, percent, was_full=False):
        assert is_full(room, percent, was_full=True)


@pytest.mark.parametrize(
    ("latest", "database", "state", "code"),
    [
        (None, None, OK, "ok"),
        (NOW - DAY, NOW, OK, "ok"),
        (NOW + 60 * SECOND, None, OK, "ok"),
        (NOW + 61 * SECOND, None, BAD, "behind"),
        (None, NOW + 5 * SECOND, OK, "ok"),
        (None, NOW - 6 * SECOND, ATTENTION, "apart"),
        (None, NOW + 61 * SECOND, BAD, "apart"),
    ],
)
def test_a_clock_neither_steps_back_nor_differs_from_the_databases(
    latest: datetime | None, database: datetime | None, state: State, code: str
) -> None:
    finding = rules.machine_clock(NOW, latest, database)
    assert (finding.state, finding.code) == (state, code)


def at(url: str, *trusted: str) -> Address:
    scheme, _sep, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return Address(url, scheme == "https", host.partition(":")[0], slash + path, trusted)


@pytest.mark.parametrize(
    ("base", "production", "state", "code"),
    [
        (at("https://linyi.example.cn", "linyi.example.cn"), True, OK, "ok"),
        (at("https://linyi.example.cn", ".example.cn"), True, OK, "ok"),
        (at("https://example.cn", ".example.cn"), True, OK, "ok"),
        (at("https://badexample.cn", ".example.cn"), True, BAD, "not_trusted"),
        (at("https://linyi.example.cn", "other.cn"), True, BAD, "not_trusted"),
        (at("https://linyi.example.cn"), False, OK, "ok"),
        (at("http://linyi.example.cn", "linyi.example.cn"), True, BAD, "plain"),
        (at("https://localhost", "localhost"), True, BAD, "loopback"),
        (at("http://localhost:8000"), False, ATTENTION, "loopback"),
        (at("https://linyi.example.cn/portal"), False, BAD, "path"),
        (at("https://" + "a" * 52), False, OK, "ok"),
        (at("https://" + "a" * 53), False, BAD, "long"),
    ],
)
def test_the_address_on_the_letters_leads_here(
    base: Address, production: bool, state: State, code: str
) -> None:
    finding = rules.address(base, production=production)
    assert (finding.state, finding.code) == (state, code)


@pytest.mark.parametrize(
    ("hops", "production", "code"),
    [(0, False, "direct"), (1, False, "ok"), (1, True, "ok"), (0, True, "none")],
)
def test_production_names_its_proxies(hops: int, production: bool, code: str) -> None:
    assert rules.proxy(hops, production=production).code == code


@pytest.mark.parametrize(
    ("exists", "reachable", "writable", "code"),
    [
        (False, False, None, "missing"),
        (True, False, None, "closed"),
        (True, True, False, "read_only"),
        (True, True, True, "ok"),
        (True, True, None, "ok"),
    ],
)
def test_a_database_is_there_opens_and_takes_changes(
    exists: bool, reachable: bool, writable: bool | None, code: str
) -> None:
    finding = rules.database(reachable=reachable, exists=exists, writable=writable, kind="SQLite")
    assert finding.code == code


@pytest.mark.parametrize(
    ("current", "code"),
    [(None, "unseen"), ("", "none"), ("b", "ok"), ("a", "behind"), ("z", "ahead")],
)
def test_tables_are_those_of_the_program(current: str | None, code: str) -> None:
    assert rules.migrations(current, ["b"], ["b", "a"]).code == code


@pytest.mark.parametrize(
    ("wal", "synchronous", "file_system", "code"),
    [
        (True, 2, "ext4", "sqlite_ok"),
        (True, 3, "", "sqlite_ok"),
        (True, 1, "ext4", "sqlite"),
        (False, 2, "ext4", "sqlite"),
        (True, 2, "nfs4", "remote"),
    ],
)
def test_sqlite_survives_a_power_cut(
    wal: bool, synchronous: int, file_system: str, code: str
) -> None:
    found = rules.sqlite_durability(wal=wal, synchronous=synchronous, file_system=file_system)
    assert found.code == code


@pytest.mark.parametrize(
    ("fsync", "commit", "version", "code"),
    [
        ("on", "on", 15, "postgresql_ok"),
        ("on", "remote_apply", 18, "postgresql_ok"),
        ("off", "on", 15, "postgresql"),
        ("on", "off", 15, "postgresql"),
        ("on", "on", 13, "postgresql_old"),
    ],
)
def test_postgresql_survives_a_power_cut(fsync: str, commit: str, version: int, code: str) -> None:
    found = rules.postgresql_durability(fsync=fsync, synchronous_commit=commit, version=version)
    assert found.code == code


@pytest.mark.parametrize(
    ("seen", "oldest_due", "read_only", "code"),
    [
        (NOW, None, False, "ok"),
        (NOW, NOW - 2 * MINUTE, False, "ok"),
        (NOW, NOW - 2 * MINUTE - SECOND, False, "late"),
        (NOW - 2 * MINUTE - SECOND, None, False, "quiet"),
        (NOW - 5 * MINUTE, None, False, "quiet"),
        (NOW - 5 * MINUTE - SECOND, None, False, "gone"),
        (None, None, False, "never"),
        (None, NOW - DAY, True, "waits_for_room"),
        (NOW + DAY, None, False, "ok"),
    ],
)
def test_somebody_does_what_is_due(
    seen: datetime | None, oldest_due: datetime | None, read_only: bool, code: str
) -> None:
    assert rules.worker(NOW, seen, oldest_due, read_only=read_only).code == code


def test_jobs_that_fail_again_and_again_are_counted() -> None:
    assert rules.failed_jobs({}).state is OK
    found = rules.failed_jobs({"poll.close": 2, "notice": 1})
    assert (found.state, found.facts["number"]) == (BAD, 3)


@pytest.mark.parametrize(
    ("age", "last_ok", "production", "state", "code"),
    [
        (None, False, False, ATTENTION, "never"),
        (None, False, True, BAD, "never"),
        (timedelta(hours=26), True, True, OK, "ok"),
        (timedelta(hours=26) + SECOND, True, True, ATTENTION, "old"),
        (timedelta(hours=26), False, True, ATTENTION, "failed"),
        (3 * DAY + SECOND, True, True, BAD, "old"),
        (3 * DAY + SECOND, False, True, BAD, "failed"),
    ],
)
def test_a_backup_is_fresh(
    age: timedelta | None, last_ok: bool, production: bool, state: State, code: str
) -> None:
    found = rules.backup(NOW, kept(age, last_ok=last_ok), production=production)
    assert (found.state, found.code) == (state, code)


@pytest.mark.parametrize(
    ("age", "last_ok", "production", "state", "code"),
    [
        (None, False, False, ATTENTION, "never"),
        (None, False, True, BAD, "never"),
        (DAY, False, True, ATTENTION, "failed"),
        (8 * DAY, True, True, OK, "ok"),
        (8 * DAY + SECOND, True, True, ATTENTION, "old"),
        (35 * DAY + SECOND, True, True, BAD, "old"),
    ],
)
def test_a_backup_was_restored_for_trial(
    age: timedelta | None, last_ok: bool, production: bool, state: State, code: str
) -> None:
    found = rules.drill(NOW, kept(age, last_ok=last_ok), production=production)
    assert (found.state, found.code) == (state, code)


@pytest.mark.parametrize("judge", [rules.backup, rules.drill])
def test_what_was_tried_and_never_went_well_is_bad_anywhere(judge: Any) -> None:
    found = judge(NOW, rules.Kept(NOW - DAY, ok=False, good=None), production=False)
    assert (found.state, found.code) == (BAD, "failing")


def kept(age: timedelta | None, *, last_ok: bool) -> rules.Kept:
    """Tried just now, or never; the last good one is so old."""
    if age is None:
        return rules.Kept(None, ok=False, good=None)
    return rules.Kept(NOW, ok=last_ok, good=NOW - age)


def test_fonts_python_and_libraries_are_those_that_were_tried() -> None:
    assert rules.fonts(2, "/fonts").state is OK
    assert rules.fonts(0, "/fonts").state is BAD
    assert rules.python((3, 11)).state is OK
    assert rules.python((3, 10)).state is BAD
    pins = {"flask": "3.1.3", "click": "8"}
    assert rules.packages(pins, dict(pins)).state is OK
    assert rules.packages(pins, pins | {"click": "7"}).code == "other"
    assert rules.packages(pins, {"click": "7"}).code == "missing"
    assert rules.messages().state is OK
    assert rules.slips(folder(exists=False)).state is OK
    assert rules.slips(folder(0o600)).state is ATTENTION


def test_the_worst_finding_decides() -> None:
    assert rules.worst([]) is OK
    assert (
        rules.worst(
            [rules.messages(), rules.drill(NOW, kept(None, last_ok=False), production=False)]
        )
        is ATTENTION
    )
    assert rules.worst([rules.fonts(0, "x"), rules.messages()]) is BAD


@pytest.mark.parametrize(
    ("migrated", "seen", "read_only", "ready"),
    [
        (True, NOW, False, True),
        (True, NOW - 5 * MINUTE, False, True),
        (True, NOW - 5 * MINUTE - SECOND, False, False),
        (True, None, False, False),
        (True, NOW, True, False),
        (False, NOW, False, False),
        (None, None, False, False),
    ],
)
def test_the_portal_is_ready_only_when_forms_are_taken_and_done(
    migrated: bool | None, seen: datetime | None, read_only: bool, ready: bool
) -> None:
    found = rules.readiness(NOW, migrated=migrated, seen=seen, read_only=read_only)
    assert found.ready is ready
    assert found.database is (migrated is not None)


def test_every_outcome_has_its_sentence_and_every_bad_one_says_what_to_do(web_app: Flask) -> None:
    source = getsource(rules)
    codes = set(re.findall(r'"([a-z_]+)"', source))
    said = {code for _check, code in words.SENTENCES}
    assert said <= codes | {"ok"}
    for check in Check:
        assert str(words.NAMES[check])
    names = set(re.findall(r"%\((\w+)\)s", getsource(words)))
    facts = dict.fromkeys(names, "x")
    for check, code in words.SENTENCES:
        text = words.sentence(Finding(check, State.BAD, code, facts))
        assert text.endswith("。")
        assert "%(" not in text
        if code in {"missing", "open", "never", "old", "failed", "gone", "late", "behind"}:
            assert re.search("请|chmod|设成", text), (check, code, text)

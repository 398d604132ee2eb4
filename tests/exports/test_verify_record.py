"""One changed byte in an archive, and the verifier says where."""

from __future__ import annotations

import hashlib
import json
import random
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.communities.queries import community_by_id
from app.core import clock
from app.core.actor import SYSTEM
from app.exports import operations, verify_record
from app.voting import operations as voting
from app.voting.rules import Method, Rules
from tests.support.world import World, third

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flask import Flask

Files = dict[str, bytes]


@pytest.fixture
def archive(web_app: Flask, fixed_clock: datetime, tmp_path: Path) -> Path:
    """A closed poll of each method, with changed ballots, and one still open."""
    world = World(web_app)
    place = world.community(households=24)
    first = world.poll(place, ("P01",))
    second = world.poll(
        place,
        ("P01", "P02", "P03"),
        method=Method.CHOOSE,
        rules=Rules((third(),), (), k=2, seats=1),
    )
    voters = world.voters(place, 12)
    for number, voter in enumerate(voters):
        world.cast(voter, place, first, ("yes", "no", "abstain")[number % 3])
        world.cast(voter, place, second, *(("P01", "P02"), ("P03",), ("none",))[number % 3])
    world.cast(voters[0], place, first, "no")
    with clock.set_to(voting.clock.now() + verify_record.timedelta(days=7, minutes=1)):
        for poll in (first, second):
            voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
            voting.publish_result(SYSTEM, community_id=place.id, public_id=poll)
        still_open = world.poll(place, ("P02",), title="还开着的？")
        world.cast(voters[1], place, still_open, "yes")
        path = tmp_path / "record.zip"
        with path.open("wb") as out:
            operations.export_record(SYSTEM, community=community_by_id(place.id), out=out)
    return path


def unpack(path: Path) -> Files:
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def pack(files: Files, path: Path, *, honest: bool = False) -> Path:
    """Zip files again; `honest` gives them a manifest that fits, as a forger would."""
    if honest:
        manifest = json.loads(files["manifest.json"])
        manifest["files"] = {
            n: hashlib.sha256(d).hexdigest() for n, d in files.items() if n != "manifest.json"
        }
        files = files | {"manifest.json": json.dumps(manifest).encode()}
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return path


def problems(path: Path) -> str:
    return "\n".join(verify_record.verify(path).problems)


def test_an_honest_archive_is_found_good(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_record.main([str(archive)]) == 0
    said = capsys.readouterr().out
    assert said.count("重数一致") == 2
    assert "still open" in said


def test_nothing_in_an_archive_names_a_household(archive: Path) -> None:
    whole = b"".join(data for name, data in unpack(archive).items() if name != "verify_record.py")
    assert b"HXL1" not in whole
    assert b"10000000002" not in whole


def test_choices_of_a_running_poll_stay_closed(archive: Path) -> None:
    files = unpack(archive)
    entries = [json.loads(line) for line in files["entries.jsonl"].splitlines()]
    running = {e["data"]["poll"] for e in entries if e["kind"] == "poll.opened"} - {
        e["data"]["poll"] for e in entries if e["kind"] == "poll.closed"
    }
    hidden = {
        e["seq"] for e in entries if e["kind"] == "ballot.cast" and e["data"]["poll"] in running
    }
    opened = {json.loads(line)["seq"] for line in files["openings.jsonl"].splitlines()}
    assert hidden
    assert not hidden & opened


def test_every_changed_byte_is_noticed(archive: Path, tmp_path: Path) -> None:
    files, dice = unpack(archive), random.Random(7)
    for name in files:
        if not files[name]:
            continue
        for _ in range(3):
            data = bytearray(files[name])
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            assert problems(pack(files | {name: bytes(data)}, tmp_path / "bad.zip")), name


LINES = {
    "drop": lambda lines, n: lines[:n] + lines[n + 1 :],
    "twice": lambda lines, n: [*lines[: n + 1], *lines[n:]],
    "swap": lambda lines, n: [*lines[:n], lines[n + 1], lines[n], *lines[n + 2 :]],
}


@pytest.mark.parametrize("how", LINES)
@pytest.mark.parametrize("kind", ["entries.jsonl", "openings.jsonl", "voters.jsonl"])
def test_a_forger_who_mends_the_manifest_is_found_by_the_chain(
    archive: Path, tmp_path: Path, how: str, kind: str
) -> None:
    files, dice = unpack(archive), random.Random(11)
    for name in [n for n in files if n.endswith(kind)]:
        lines = files[name].splitlines(keepends=True)
        for _ in range(6):
            changed = LINES[how](lines, dice.randrange(len(lines) - 1))
            path = pack(files | {name: b"".join(changed)}, tmp_path / "bad.zip", honest=True)
            assert problems(path), f"{name} {how}"


def rewritten(files: Files, change: Callable[[list[dict[str, object]]], None]) -> Files:
    """A log chained anew after a change: all that somebody without the key can do."""
    entries = [json.loads(line) for line in files["entries.jsonl"].splitlines()]
    change(entries)
    previous, lines = "0" * 64, []
    for seq, entry in enumerate(entries):
        entry |= {"seq": seq, "prev": previous}
        line = verify_record.canonical(entry).encode()
        previous = hashlib.sha256(b"\x00" + line).hexdigest()
        lines.append(line + b"\n")
    return files | {"entries.jsonl": b"".join(lines)}


def test_a_log_chained_anew_breaks_the_signed_checkpoints(archive: Path, tmp_path: Path) -> None:
    def one_more_vote(entries: list[dict[str, object]]) -> None:
        last = next(e for e in reversed(entries) if e["kind"] == "poll.closed")
        last["data"]["turnout"]["total"] += 1  # type: ignore[index]

    path = pack(rewritten(unpack(archive), one_more_vote), tmp_path / "bad.zip", honest=True)
    said = problems(path)
    assert "不是" in said or "签过名的不一致" in said
    assert "turnout is 12, stated 13" in said


def test_another_key_is_not_believed(archive: Path, tmp_path: Path) -> None:
    keys = json.loads(unpack(archive)["keys.json"])
    keys[0]["key"] = "A" * 43 + "="
    stranger = tmp_path / "keys.json"
    stranger.write_text(json.dumps(keys), encoding="utf-8")
    assert verify_record.main([str(archive), "--keys", str(stranger)]) == 1


def test_an_older_checkpoint_must_fit(archive: Path, tmp_path: Path) -> None:
    files = unpack(archive)
    notes = sorted(name for name in files if name.startswith("checkpoints/"))
    older = tmp_path / "older.txt"
    older.write_bytes(files[notes[0]])
    assert verify_record.main([str(archive), "--checkpoint", str(older)]) == 0
    text = files[notes[0]].decode().split("\n")
    text[2] = "A" * 43 + "="
    older.write_text("\n".join(text), encoding="utf-8")
    assert verify_record.main([str(archive), "--checkpoint", str(older)]) == 1


def test_what_is_no_archive_cannot_be_checked(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(b"no zip")
    assert verify_record.main([str(path)]) == 2
    assert verify_record.main([str(tmp_path / "missing.zip")]) == 2
    assert verify_record.main([str(pack({"a": b"b"}, path))]) == 1


def test_without_cryptography_it_says_so(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_record, "Ed25519PublicKey", None)
    assert verify_record.main([str(archive)]) == 2
    assert verify_record.main([str(archive), "--without-signatures"]) == 0


def test_exporting_is_for_the_desk_and_the_district(web_world: World) -> None:
    import io

    from app.core.actor import Role
    from app.core.errors import NotAllowed

    place, other = web_world.community(), web_world.community("YYL")
    for role in (Role.CLERK, Role.SUPERVISOR, Role.DISTRICT):
        actor = web_world.staff(place, role).actor
        operations.export_record(actor, community=community_by_id(place.id), out=io.BytesIO())
        with pytest.raises(NotAllowed):
            operations.export_record(actor, community=community_by_id(other.id), out=io.BytesIO())
    with pytest.raises(NotAllowed):
        operations.export_record(
            web_world.resident(place), community=community_by_id(place.id), out=io.BytesIO()
        )

"""The verifiable archive of a tenant's record, written as it is read: memory stays flat.

Source: docs/record-format.md, "Export".
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from app.core import canonical as c
from app.core.errors import NotFound
from app.core.record import Above, latest_checkpoint, public_keys
from app.exports import queries, verify_record
from app.exports.cells import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from app.core.record import Tenant

VERIFIER = Path(__file__).with_name("verify_record.py")
# A fixed date: two exports of the same size are the same bytes.
ZIP_DATE = (2020, 1, 1, 0, 0, 0)

READ_ME = """这是 {log} 的协商记录存档，共 {size} 条。

怎样核对：不要解压。装有 Python 3.9 以上的电脑上运行
    python verify_record.py record-{log}-{size}.zip --keys keys.json
它会逐条核对链条、签名，并把每一次投票重新数一遍。
verify_record.py 和 keys.json 请另外从公开记录页或您信得过的人那里取：存档里附的这两份，
改存档的人也换得掉。结果公告上印的校验点（--checkpoint）请一起用上。
存档里没有姓名、电话，也没有谁投了什么；选票开封后只有编号和选择。

This is the consultation record of {log}, {size} entries. Run the verifier above (Python 3.9 or
newer) to check the chain and the signatures and to recount every poll. Take the verifier, the key
and an older checkpoint from elsewhere (--keys, --checkpoint): what lies in an archive cannot vouch
for itself.
"""


@dataclass
class _Writer:
    """A zip that remembers the hash of every file, for the manifest."""

    zip: zipfile.ZipFile
    hashes: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def file(self, name: str) -> Iterator[_Hashed]:
        info = zipfile.ZipInfo(name, ZIP_DATE)
        info.compress_type = zipfile.ZIP_DEFLATED
        with self.zip.open(info, "w", force_zip64=True) as raw:
            hashed = _Hashed(raw)
            yield hashed
        self.hashes[name] = hashed.digest.hexdigest()

    def whole(self, name: str, data: bytes) -> None:
        with self.file(name) as out:
            out.write(data)

    def lines(self, name: str, lines: Iterable[bytes]) -> None:
        with self.file(name) as out:
            for line in lines:
                out.write(line + b"\n")

    def table(self, name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        with self.file(name) as out:
            out.write(b"\xef\xbb\xbf")
            for row in (header, *rows) if isinstance(rows, list) else _chain(header, rows):
                out.write(_csv_line(row))


class _Hashed:
    """A file in the zip whose bytes are hashed as they pass."""

    def __init__(self, raw: IO[bytes]) -> None:
        self.raw = raw
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.raw.write(data)
        self.digest.update(data)


def _chain(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[Sequence[object]]:
    yield header
    yield from rows


def _csv_line(row: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([plain(cell) for cell in row])
    return text.getvalue().encode()


def write_public(out: IO[bytes], tenant: Tenant) -> str:
    """The archive as far as it is signed already, for anyone: it writes nothing; gives its name.

    Raises: NotFound before the first checkpoint.
    """
    log = queries.log_of(tenant)
    size = queries.newest_checkpoint(tenant)
    if not size:
        raise NotFound("checkpoint")
    write_archive(out, tenant, log.code, size)
    return f"record-{log.code}-{size}.zip"


def write_archive(
    out: IO[bytes],
    tenant: Tenant,
    log: str,
    size: int,
    more_keys: Sequence[bytes] = (),
) -> None:
    """Write `record-<log>-<size>.zip` with everything a stranger needs to recount.

    `size` is the number of entries a checkpoint already covers; `more_keys` are public keys of
    checkpoints that this installation's own key has not signed.
    """
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as raw:
        writer = _Writer(raw)
        writer.lines("entries.jsonl", queries.entry_lines(tenant, size))
        _write_checkpoints(writer, tenant, size, more_keys)
        writer.lines("openings.jsonl", queries.opening_lines(tenant, size))
        polls = queries.polls_in_record(tenant, size)
        if not isinstance(tenant, Above):
            for poll in polls:
                _write_poll(writer, tenant, poll)
        _write_tables(writer, tenant, size, polls)
        writer.whole("README.txt", READ_ME.format(log=log, size=size).encode())
        writer.whole("verify_record.py", VERIFIER.read_bytes())
        manifest = {
            "log": log,
            "size": size,
            "files": dict(sorted(writer.hashes.items())),
        }
        writer.whole("manifest.json", c.canonical(manifest))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the verifier says: 0 good, 1 wrong, 2 not checked, and its report in both languages."""

    exit_code: int
    lines: list[str]


def verdict(path: Path, keys: str | None = None, checkpoint: str | None = None) -> Verdict:
    """Run the verifier, as strangers do, over an archive."""
    report = verify_record.verify(str(path), keys, checkpoint)  # type: ignore[no-untyped-call]
    return Verdict(report.exit_code, list(report.lines()))


def _write_checkpoints(
    writer: _Writer, tenant: Tenant, size: int, more_keys: Sequence[bytes]
) -> None:
    for covered, note in queries.checkpoints(tenant, size):
        writer.whole(f"checkpoints/{covered:010d}.txt", note.encode())
    writer.whole("keys.json", keys_json(tenant, more_keys))


def keys_json(tenant: Tenant, more_keys: Sequence[bytes] = ()) -> bytes:
    """The public key under the name this tenant's log signs with, and others where given."""
    newest = latest_checkpoint(tenant)
    origins = [newest.split("\n", 1)[0]] if newest else []
    return json.dumps(public_keys(origins, more_keys)).encode()


def _write_poll(writer: _Writer, community_id: int, poll: queries.PollInRecord) -> None:
    whole = {"definition": poll.definition, "result": poll.closed}
    writer.whole(f"polls/{poll.public_id}.json", c.canonical(whole))
    writer.whole(f"polls/{poll.public_id}.text.json", c.canonical(poll.ballot_text))
    writer.lines(
        f"polls/{poll.public_id}.voters.jsonl",
        queries.voter_lines(community_id, poll.id),
    )


def _write_tables(
    writer: _Writer, tenant: Tenant, size: int, polls: Sequence[queries.PollInRecord]
) -> None:
    writer.table(
        "tables/polls.csv",
        [
            "poll",
            "title",
            "kind",
            "method",
            "opens_at",
            "closes_at",
            "heads",
            "turnout",
            "outcome",
        ],
        [_poll_row(poll) for poll in polls],
    )
    writer.table(
        "tables/tallies.csv",
        ["poll", "option", "title", "votes"],
        [row for poll in polls for row in tally_rows(poll)],
    )
    writer.table(
        "tables/timeline.csv",
        ["seq", "at", "kind", "subject", "actor"],
        queries.timeline_rows(tenant, size),
    )


def _poll_row(poll: queries.PollInRecord) -> list[object]:
    d: dict[str, Any] = poll.definition
    closed = poll.closed
    return [
        d["poll"],
        d["title"],
        d["kind"],
        d["method"],
        d["opens_at"],
        d["closes_at"],
        d["electorate"]["heads"],
        closed["turnout"]["total"] if closed else "",
        closed["result"]["outcome"] if closed else "",
    ]


def tally_rows(poll: queries.PollInRecord) -> list[list[object]]:
    """One row per option of a closed poll, as counted; empty before closing."""
    if poll.closed is None:
        return []
    titles = {option["id"]: option["title"] for option in poll.definition["options"]}
    counts: dict[str, int] = poll.closed["result"]["counts"]
    return [[poll.public_id, key, titles[key], votes] for key, votes in counts.items()]

"""Makes archives of the record from scratch, from the text of the format and nothing else.

It shares no code with the portal and none with the verifier, so that the three can disagree. A
`Builder` keeps entries as plain dicts until `files()` numbers, chains and signs them: a test may
change anything before that, as somebody who holds the true key could.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import zipfile
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Json = Any
Files = dict[str, bytes]
DAY = "2026-05-%02dT%02d:%02d:%02dZ"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"


def canon(value: Json) -> bytes:
    """RFC 8785 for the keys that occur here, which are all ASCII."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def root(leaves: list[bytes]) -> bytes:
    """The Merkle tree hash exactly as RFC 6962, section 2.1 defines it: by recursion."""
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha(b"\x01" + root(leaves[:split]) + root(leaves[split:]))


def at(day: int, hour: int = 9, minute: int = 0, second: int = 0) -> str:
    return DAY % (day, hour, minute, second)


def rule(
    of: str = "electorate", num: int = 1, den: int = 2, cmp: str = ">", unit: str = "heads"
) -> Json:
    return {"unit": unit, "of": of, "num": num, "den": den, "cmp": cmp}


@dataclass
class Poll:
    ident: str
    voters: list[str]
    opened: Json
    leaves: list[Json]
    weights: list[tuple[str, int]] | None = None  # salt and value, in the order of `voters`
    total_area: tuple[str, int] | None = None
    last: dict[str, Json] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    box: list[Json] | None = None
    text: Json = None


class Builder:
    """An archive in the making. Entries carry `_open`: name → [salt, value, is it exported]."""

    def __init__(self, log: str = "HXL", seed: int = 1) -> None:
        self.log, self.host = log, "record.example"
        self.dice = random.Random(seed)
        self.key = Ed25519PrivateKey.from_private_bytes(self.dice.randbytes(32))
        self.entries: list[Json] = []
        self.polls: dict[str, Poll] = {}
        self.extra: Files = {"README.txt": "说明\n".encode(), "tables/polls.csv": b"a,b\n"}
        self.more_sizes: set[int] = set()
        self.without_sizes: set[int] = set()
        self.extensions: dict[int, str] = {}

    # --- small things ---

    def commit(self, value: Json) -> tuple[str, str]:
        salt = self.dice.randbytes(32)
        return salt.hex(), sha(b"\x02" + salt + canon(value)).hex()

    def reference(self) -> str:
        return "".join(self.dice.choice(LETTERS) for _ in range(22))

    @property
    def origin(self) -> str:
        return f"{self.host}/{self.log}"

    # --- entries ---

    def entry(
        self,
        kind: str,
        data: Json,
        when: str,
        *,
        actor: str = "system",
        person: bool = False,
        private: dict[str, Json] | None = None,
        subject: str | None = None,
    ) -> Json:
        opens: dict[str, list[Json]] = {}
        commitments = {}
        for name, value in (private or {}).items():
            salt, commitments[name] = self.commit(value)
            opens[name] = [salt, value, False]
        actor_c = None
        if person:
            value = {"person": self.reference()}
            salt, actor_c = self.commit(value)
            opens["actor_c"] = [salt, value, False]
        entry = {
            "v": 1,
            "log": self.log,
            "at": when,
            "kind": kind,
            "subject": subject or "poll:" + str(data.get("poll")),
            "actor": actor,
            "actor_c": actor_c,
            "data": data,
            "private": commitments,
            "_open": opens,
        }
        self.entries.append(entry)
        return entry

    def open(  # noqa: PLR0917
        self,
        method: str = "yes_no",
        ident: str = "poll1",
        options: tuple[str, ...] = ("yes", "no", "abstain"),
        heads: int = 24,
        when: str | None = None,
        opens_at: str | None = None,
        closes_at: str | None = None,
        secrecy: str = "named",
        costs: tuple[int, ...] | None = None,
        areas: list[int] | None = None,
        show_areas: bool = False,
        **rules: Json,
    ) -> Poll:
        opens_at, closes_at = opens_at or at(1, 8), closes_at or at(8, 18)
        voters = [self.reference() for _ in range(heads)]
        poll = Poll(ident, voters, None, [])
        self.make_electorate(poll, areas)
        poll.text = {"intro": f"关于{ident}，您怎么看？", "pages": [1, 2]}
        whole: Json = {
            "scope": "community",
            "matter": "facility_project",
            "effect": "advisory",
            "precedence": "first_channel",
            "tie": "declare",
            "silence": "none",
            "participation": [rule(num=1, den=4, cmp=">=")],
            "agreement": [rule("yes_no")] if method == "yes_no" else [],
        }
        listed: list[Json] = [{"id": name, "title": f"选项{name}"} for name in options]
        for option, cost in zip(listed, costs or (), strict=False):
            option["cost_fen"] = cost
        data = {
            "poll": ident,
            "kind": "owners_joint_decision" if areas else "preference_poll",
            "method": method,
            "secrecy": secrecy,
            "title": f"投票{ident}？",
            "projects": ["P01", "P02"],
            "options": listed,
            "rules": whole | rules,
            "opens_at": opens_at,
            "closes_at": closes_at,
            "electorate": {
                "basis": "owner_set" if areas else "household",
                "heads": heads,
                "area_c": None,
                "voters_root": self.voters_root(poll),
            },
            "text_sha256": sha(canon(poll.text)).hex(),
        }
        poll.opened = self.entry("poll.opened", data, when or opens_at)
        if areas:
            salt, data["electorate"]["area_c"] = self.commit(sum(areas))
            poll.opened["_open"]["area_c"] = [salt, sum(areas), show_areas]
            if not show_areas:
                poll.weights = None
        self.polls[ident] = poll
        return poll

    def make_electorate(self, poll: Poll, areas: list[int] | None) -> None:
        poll.weights = [] if areas else None
        for number, voter in enumerate(poll.voters):
            weight = None
            if areas and poll.weights is not None:
                salt, weight = self.commit(areas[number])
                poll.weights.append((salt, areas[number]))
            poll.leaves.append({"voter": voter, "weight": weight})

    @staticmethod
    def voter_lines(poll: Poll) -> list[bytes]:
        return sorted(canon(leaf) for leaf in poll.leaves)

    def voters_root(self, poll: Poll) -> str:
        return root([sha(b"\x00" + line) for line in self.voter_lines(poll)]).hex()

    def cast(
        self,
        poll: Poll,
        voter: int,
        choice: Json,
        when: str | None = None,
        channel: str = "phone",
        show_channel: bool = False,
    ) -> Json:
        reference = poll.voters[voter]
        version = poll.versions[reference] = poll.versions.get(reference, 0) + 1
        entry = self.entry(
            "ballot.cast",
            {"poll": poll.ident, "voter": reference, "version": version},
            when or at(2, 10),
            actor="voter",
            person=True,
            private={"choice": choice, "channel": channel},
        )
        entry["_open"]["channel"][2] = show_channel
        poll.last[reference] = entry
        return entry

    def logged(self, poll: Poll, voter: int | None, reason: str, when: str | None = None) -> Json:
        reference = None if voter is None else poll.voters[voter]
        data = {"poll": poll.ident, "voter": reference, "reason": reason}
        return self.entry("ballot.logged", data, when or at(2, 10), actor="voter", person=True)

    def batch(
        self,
        poll: Poll,
        choices: list[Json],
        paper: Json = None,
        when: str | None = None,
    ) -> Json:
        opened = [(*self.commit(choice), choice) for choice in choices]
        number = len(choices) + (paper["ballots"] if paper else 0)
        data = {
            "poll": poll.ident,
            "commitments": sorted(c for _, c, _ in opened),
            "voters": sorted(poll.voters[:number]),
            "paper": paper,
        }
        poll.box = [{"salt": salt, "value": choice} for salt, _, choice in opened]
        self.dice.shuffle(poll.box)
        return self.entry("ballot.batch", data, when or at(8, 18))

    def two(self, kind: str, poll: Poll, when: str, **data: Json) -> Json:
        """An act that takes a reason and two persons."""
        data = {"poll": poll.ident, "reason": "low_turnout", "second": "supervisor"} | data
        private = {"second": {"person": self.reference()}}
        return self.entry(kind, data, when, actor="clerk", person=True, private=private)

    def close(  # noqa: PLR0917
        self,
        poll: Poll,
        result: Json,
        when: str | None = None,
        total: int | None = None,
        by_channel: Json = None,
        silent: list[int] | None = None,
        show: bool = True,
    ) -> Json:
        if total is None:
            total = len(poll.last)
        turnout = {"total": total, "by_channel": by_channel}
        data = {"poll": poll.ident, "turnout": turnout, "result": result}
        if silent is not None:
            data["silent"] = sorted(poll.voters[number] for number in silent)
        for entry in poll.last.values():
            entry["_open"]["choice"][2] = show
        return self.entry("poll.closed", data, when or at(8, 18, 0, 5))

    def publish(self, poll: Poll, when: str | None = None, **more: Json) -> None:
        self.entry("result.published", {"poll": poll.ident} | more, when or at(9))
        self.entry("result.final", {"poll": poll.ident} | more, when or at(24))

    # --- the files ---

    def chained(self) -> list[bytes]:
        prev, lines = "0" * 64, []
        for seq, entry in enumerate(self.entries):
            whole = {k: v for k, v in entry.items() if k != "_open"}
            whole = {"seq": seq, "prev": prev} | whole
            lines.append(canon(whole))
            prev = sha(b"\x00" + lines[-1]).hex()
        return lines

    def note(self, size: int, tree_root: bytes) -> bytes:
        text = f"{self.origin}\n{size}\n{base64.b64encode(tree_root).decode()}\n"
        text += self.extensions.get(size, "")
        public = self.key.public_key().public_bytes_raw()
        ident = sha(self.origin.encode() + b"\x0a\x01" + public)[:4]
        signature = base64.b64encode(ident + self.key.sign(text.encode())).decode()
        return f"{text}\n— {self.origin} {signature}\n".encode()

    def sizes(self) -> set[int]:
        """Checkpoints right after every opening, right before every closing, and at the end."""
        sizes = {len(self.entries)} | self.more_sizes
        for seq, entry in enumerate(self.entries):
            if entry.get("kind") == "poll.opened":
                sizes.add(seq + 1)
            if entry.get("kind") == "poll.closed":
                sizes.add(seq)
        return sizes - self.without_sizes

    def openings(self) -> list[Json]:
        return [
            {"seq": seq, "name": name, "salt": opened[0], "value": opened[1]}
            for seq, entry in enumerate(self.entries)
            for name, opened in sorted(entry["_open"].items())
            if opened[2]
        ]

    def poll_files(self, poll: Poll) -> Files:
        closed = [
            e["data"]
            for e in self.entries
            if e.get("kind") == "poll.closed" and e["data"].get("poll") == poll.ident
        ]
        whole = {"definition": poll.opened["data"], "result": closed[0] if closed else None}
        path = f"polls/{poll.ident}."
        files = {
            path + "json": canon(whole),
            path + "text.json": canon(poll.text),
            path + "voters.jsonl": lines_of(self.voter_lines(poll)),
        }
        if poll.weights is not None:
            pairs = zip(poll.voters, poll.weights, strict=True)
            files[path + "weights.jsonl"] = lines_of(
                [canon({"voter": v, "salt": w[0], "value": w[1]}) for v, w in pairs]
            )
        if poll.box is not None and closed:
            files[path + "box.jsonl"] = lines_of([canon(line) for line in poll.box])
        return files

    def keys(self) -> bytes:
        public = self.key.public_key().public_bytes_raw()
        key = base64.b64encode(public).decode()
        return canon([{"name": self.origin, "algorithm": "ed25519", "key": key}])

    def files(self) -> Files:
        lines = self.chained()
        leaves = [sha(b"\x00" + line) for line in lines]
        files = {
            "entries.jsonl": lines_of(lines),
            "keys.json": self.keys(),
            "openings.jsonl": lines_of([canon(line) for line in self.openings()]),
        }
        for size in self.sizes():
            files[f"checkpoints/{size:010d}.txt"] = self.note(size, root(leaves[:size]))
        for poll in self.polls.values():
            files |= self.poll_files(poll)
        return with_manifest(files | self.extra, self.log, len(lines))


def lines_of(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def with_manifest(files: Files, log: str = "HXL", size: int = 0) -> Files:
    """Give the files with a manifest that fits them."""
    hashes = {n: sha(data).hex() for n, data in files.items() if n != "manifest.json"}
    return files | {"manifest.json": canon({"log": log, "size": size, "files": hashes})}


def mended(files: Files) -> Files:
    """Give changed files a manifest that fits again, as any forger would."""
    old = json.loads(files["manifest.json"])
    return with_manifest(files, old["log"], old["size"])


def packed(files: Files) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in files.items():
            zipped.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    out.seek(0)
    return out

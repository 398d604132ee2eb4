#!/usr/bin/env python3
"""核对协商记录存档。Check the archive of a consultation record, format 1.

    python verify_record.py record-HXL-123.zip [--keys F] [--checkpoint F] [--without-signatures]

Exit 0: everything that can be checked is right. 1: something is wrong (the report says where).
2: it could not be checked. Needs the standard library alone; signatures need `cryptography`.

What an archive holds: `entries.jsonl` (one entry a line, in canonical JSON; each names the hash of
the one before), `checkpoints/*.txt` (signed notes over the tree of all entries up to a size),
`openings.jsonl` (salts and values behind commitments), `polls/*` (what the ballot showed, who could
vote, under references without names) and `manifest.json` (a hash for every file).
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
import zipfile
from datetime import datetime, timedelta, timezone

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None
    InvalidSignature = ValueError

LARGEST = 2**53 - 1
ZEROS = "0" * 64
HEX = re.compile(r"[0-9a-f]{64}")
POLL_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
VOTER = re.compile(r"[A-Za-z0-9_-]{22}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
KEYS = {"v", "log", "seq", "at", "kind", "subject", "actor", "actor_c", "data", "private", "prev"}
HOURLY = ("ballot.", "checkin.")
LARGEST_MEMBER = 4 * 1024**3
MOST_MEMBERS = 200_000


class Unreadable(Exception):
    """The archive could not be checked at all."""


# --- canonical JSON and hashes ------------------------------------------------------------------


def canonical(value):
    """RFC 8785 for objects, arrays, strings, integers, booleans and null."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if abs(value) > LARGEST:
            raise ValueError("integer beyond 2^53-1")
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return (
            "{"
            + ",".join(json.dumps(k, ensure_ascii=False) + ":" + canonical(value[k]) for k in keys)
            + "}"
        )
    raise ValueError(f"{type(value).__name__} has no place in a record")


def _no_float(text):
    raise ValueError(f"{text} is not an integer")


def _object(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def parse(data):
    """JSON without floats and without keys that occur twice."""
    return json.loads(
        data.decode("utf-8"),
        object_pairs_hook=_object,
        parse_float=_no_float,
        parse_constant=_no_float,
    )


def sha(data):
    return hashlib.sha256(data).digest()


def commitment(salt, value):
    return sha(b"\x02" + bytes.fromhex(salt) + canonical(value).encode()).hex()


class Tree:
    """The RFC 6962 root of a growing list of leaf hashes, in memory of its logarithm."""

    def __init__(self):
        self.tops = []
        self.size = 0

    def add(self, leaf):
        carry = leaf
        self.size += 1
        for height, top in enumerate(self.tops):
            if top is None:
                self.tops[height] = carry
                return
            carry, self.tops[height] = sha(b"\x01" + top + carry), None
        self.tops.append(carry)

    def root(self):
        root = None
        for top in self.tops:
            if top is not None:
                root = top if root is None else sha(b"\x01" + top + root)
        return sha(b"") if root is None else root


def moment(text):
    if not isinstance(text, str) or not TIME.fullmatch(text):
        raise ValueError(f"{text!r} is not a time")
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def hour(when):
    return when.replace(minute=0, second=0)


# --- the report -----------------------------------------------------------------------------------


class Report:
    """What was found wrong, what was checked, what was not."""

    def __init__(self):
        self.problems = []
        self.checked = []
        self.unchecked = []
        self.cannot = []

    def wrong(self, where, zh, en):
        if len(self.problems) < 200:
            self.problems.append(f"{where}：{zh} / {en}")

    def exit_code(self):
        if self.problems:
            return 1
        return 2 if self.cannot else 0

    def lines(self):
        verdict = {
            0: "结论：核对无误 / RESULT: good",
            1: "结论：有错 / RESULT: WRONG",
            2: "结论：没能全部核对 / RESULT: could not check everything",
        }[self.exit_code()]
        return [
            *(f"错误 wrong: {line}" for line in self.problems),
            *(f"已核对 checked: {line}" for line in self.checked),
            *(f"未核对 not checked: {line}" for line in self.unchecked),
            *(f"不能核对 cannot check: {line}" for line in self.cannot),
            "说明 limits: 只凭存档，看不出掌握密钥的人有没有替没投票的户补票；请用外面抄下的校验点（--checkpoint）和公钥（--keys）核对。"
            " / From an archive alone nobody can tell whether whoever holds the key added ballots for the silent.",
            verdict,
        ]


# --- notes ------------------------------------------------------------------------------------------


class Note:
    """A signed checkpoint."""

    def __init__(self, text):
        body, gap, marks = text.partition("\n\n")
        self.body = (body + "\n").encode()
        lines = body.split("\n")
        if not gap or len(lines) < 3 or not lines[0] or not re.fullmatch(r"0|[1-9]\d*", lines[1]):
            raise ValueError("not a checkpoint")
        self.origin, self.size = lines[0], int(lines[1])
        self.root = base64.b64decode(lines[2], validate=True)
        if len(self.root) != 32:
            raise ValueError("the root has not 32 bytes")
        self.marks = []
        for line in marks.split("\n"):
            found = re.fullmatch("\u2014 (\\S+) (\\S+)", line)
            if found:
                self.marks.append((found[1], base64.b64decode(found[2], validate=True)))
            elif line:
                raise ValueError("a line that is no signature")
        if not text.endswith("\n") or not self.marks:
            raise ValueError("no signature")

    def signed_by(self, keys):
        for name, mark in self.marks:
            for raw in keys.get(name, ()):
                if mark[:4] == sha(name.encode() + b"\n\x01" + raw)[:4] and len(mark) == 68:
                    try:
                        Ed25519PublicKey.from_public_bytes(raw).verify(mark[4:], self.body)
                    except (InvalidSignature, ValueError):
                        continue
                    return True
        return False


def read_keys(data):
    keys = {}
    for row in parse(data):
        raw = base64.b64decode(row["key"], validate=True)
        if row["algorithm"] != "ed25519" or len(raw) != 32:
            raise ValueError("not an ed25519 key")
        keys.setdefault(row["name"], []).append(raw)
    return keys


# --- polls -----------------------------------------------------------------------------------------


class Poll:
    """A poll as its entries tell it, recounted at the end."""

    def __init__(self, seq, entry):
        self.seq = seq
        self.data = entry["data"]
        self.id = self.data["poll"]
        self.where = f"poll {self.id}"
        self.opened_at = moment(entry["at"])
        self.closes_at = moment(self.data["closes_at"])
        self.closed = None
        self.closed_seq = None
        self.annulled = False
        self.erased_at = None
        self.versions = {}
        self.voter_of = {}
        self.version_of = {}
        self.late = set()
        self.choices = {}
        self.channels = {}
        self.batch = None
        self.voters = None
        self.checkpoint_inside = False

    @property
    def options(self):
        return [option["id"] for option in self.data["options"]]

    @property
    def method(self):
        return self.data["method"]

    @property
    def rules(self):
        return self.data["rules"]


def share_holds(test, count, base):
    if base == 0:
        return False
    left, right = count * test["den"], test["num"] * base
    return left >= right if test["cmp"] == ">=" else left > right


def valid_choice(poll, choice):
    """Whether a choice is one that the ballot allowed."""
    rules, options = poll.rules, set(poll.options)
    if poll.method in {"yes_no", "single"}:
        return isinstance(choice, str) and choice in options
    if poll.method == "score":
        return (
            isinstance(choice, dict)
            and set(choice) <= options
            and all(type(v) is int and rules["min"] <= v <= rules["max"] for v in choice.values())
        )
    if not (isinstance(choice, list) and all(isinstance(o, str) for o in choice)):
        return False
    if (
        len(set(choice)) != len(choice)
        or not set(choice) <= options
        or len(choice) > rules.get("k", len(options))
    ):
        return False
    if poll.method == "budget" and rules.get("ballot_within_budget"):
        costs = {o["id"]: o.get("cost_fen", 0) for o in poll.data["options"]}
        return sum(costs[o] for o in choice) <= rules["budget_fen"]
    return True


def seat(counts, able, seats):
    order = sorted(able, key=lambda o: (-counts[o], o))
    if len(order) <= seats:
        return sorted(order), []
    edge = counts[order[seats - 1]]
    if counts[order[seats]] != edge:
        return sorted(order[:seats]), []
    return sorted(o for o in order if counts[o] > edge), sorted(
        o for o in order if counts[o] == edge
    )


def fund(poll, counts, able):
    costs = {o["id"]: o.get("cost_fen", 0) for o in poll.data["options"]}
    left, winners = poll.rules["budget_fen"], []
    for votes in sorted({counts[o] for o in able}, reverse=True):
        group = [o for o in able if counts[o] == votes and costs[o] <= left]
        if sum(costs[o] for o in group) > left:
            return sorted(winners), sorted(group)
        winners += group
        left -= sum(costs[o] for o in group)
    return sorted(winners), []


def recount(poll, choices, stated, silent):
    """The result from the choices that count; areas are taken as stated."""
    rules, heads = poll.rules, poll.data["electorate"]["heads"]
    counts = dict.fromkeys(poll.options, 0)
    raters = dict.fromkeys(poll.options, 0)
    for choice in choices:
        if isinstance(choice, str):
            counts[choice] += 1
        elif isinstance(choice, dict):
            for option, points in choice.items():
                counts[option] += points
                raters[option] += 1
        else:
            for option in choice:
                counts[option] += 1
    total = len(choices)
    joined = total
    area = stated.get("area") if isinstance(stated, dict) else None
    if poll.method == "yes_no":
        yes, no = counts["yes"], counts["no"]
        if rules["silence"] == "majority":
            joined += len(silent)
            if yes > no:
                yes += len(silent)
            elif no > yes:
                no += len(silent)
            counts = counts | {"yes": yes, "no": no}
        bases = {"heads": {"electorate": heads, "participants": joined, "yes_no": yes + no}}
        values = {"heads": (joined, yes)}
        if area:
            part = area["yes"] + area["no"] + area["abstain"]
            bases["area"] = {
                "electorate": area["electorate"],
                "participants": part,
                "yes_no": area["yes"] + area["no"],
            }
            values["area"] = (part, area["yes"])
        took = [
            share_holds(t, values[t["unit"]][0], bases[t["unit"]][t["of"]])
            for t in rules["participation"]
        ]
        agreed = [
            share_holds(t, values[t["unit"]][1], bases[t["unit"]][t["of"]])
            for t in rules["agreement"]
        ]
        outcome = "no_quorum" if not all(took) else "passed" if all(agreed) else "rejected"
        result = {"counts": counts, "tests": took + agreed, "outcome": outcome}
        return result | ({"area": area} if area else {})
    bases = {"electorate": heads, "participants": total}
    took = [share_holds(t, total, bases[t["of"]]) for t in rules["participation"]]
    able = [
        o
        for o in counts
        if counts[o] > 0
        and all(share_holds(t, counts[o], bases[t["of"]]) for t in rules["agreement"])
    ]
    if not all(took):
        winners, tied, outcome = [], [], "no_quorum"
    else:
        if poll.method == "budget":
            winners, tied = fund(poll, counts, able)
        elif poll.method == "score" and "seats" not in rules:
            winners, tied = [], []
        else:
            winners, tied = seat(counts, able, rules.get("seats", 1))
        outcome = "tie" if tied else "decided"
    result = {"counts": counts, "tests": took, "outcome": outcome, "winners": winners, "tied": tied}
    if poll.method != "single":
        result["blank"] = sum(1 for choice in choices if not choice)
    if poll.method == "score":
        result["raters"] = raters
    return result


# --- the archive -------------------------------------------------------------------------------------


class Archive:
    """One run over one archive."""

    def __init__(self, packed, report):
        self.zip = packed
        self.report = report
        self.names = [info.filename for info in packed.infolist()]
        self.polls = {}
        self.voter_poll = {}
        self.commitments = {}
        self.log = None
        self.size = 0
        self.roots = {}
        self.latest = None

    def read(self, name):
        return self.zip.read(name)

    def lines(self, name):
        """The lines of a file, without their ends; a last line without an end is wrong."""
        if name not in self.names:
            self.report.wrong(name, "缺这个文件", "the file is missing")
            return
        with self.zip.open(name) as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    self.report.wrong(
                        f"{name} line {number}", "最后一行没有换行", "the line has no end"
                    )
                yield number, line.rstrip(b"\n")

    # -- files

    def check_manifest(self):
        manifest = parse(self.read("manifest.json"))
        listed = manifest["files"]
        if len(set(self.names)) != len(self.names):
            self.report.wrong("zip", "有重名的文件", "two files of one name")
        for name in self.names:
            if name.startswith("/") or ".." in name.split("/"):
                self.report.wrong(name, "文件名不正常", "a hostile file name")
        for name in sorted(set(self.names) - {"manifest.json"} - set(listed)):
            self.report.wrong(name, "清单里没有这个文件", "the file is not in the manifest")
        for name, expected in sorted(listed.items()):
            if name not in self.names:
                self.report.wrong(
                    name, "清单里有，存档里没有", "in the manifest, not in the archive"
                )
                continue
            digest = hashlib.sha256()
            with self.zip.open(name) as file:
                while block := file.read(1 << 20):
                    digest.update(block)
            if digest.hexdigest() != expected:
                self.report.wrong(
                    name, "内容和清单的校验值不符", "the content differs from the manifest's hash"
                )
        self.log, self.size = manifest["log"], manifest["size"]

    # -- the chain

    def check_entries(self, sizes):
        tree, previous, number = Tree(), ZEROS, 0
        if 0 in sizes:
            self.roots[0] = tree.root()
        for number, line in self.lines("entries.jsonl"):
            where = f"entries.jsonl line {number} (seq {number - 1})"
            try:
                entry = parse(line)
                if canonical(entry).encode() != line:
                    self.report.wrong(where, "不是规范写法", "not canonical")
                self.check_shape(where, entry, number - 1, previous)
                self.take(where, entry, number - 1)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self.report.wrong(where, f"读不懂：{error}", f"cannot be read: {error!r}")
            leaf = sha(b"\x00" + line)
            previous = leaf.hex()
            tree.add(leaf)
            if tree.size in sizes:
                self.roots[tree.size] = tree.root()
        if number != self.size:
            self.report.wrong(
                "entries.jsonl",
                f"应有 {self.size} 条，实有 {number} 条",
                f"{number} entries, the manifest says {self.size}",
            )
        self.report.checked.append(
            f"{number} 条记录的顺序、链条和写法 / order, chain and form of {number} entries"
        )

    def check_shape(self, where, entry, seq, previous):
        wrong = self.report.wrong
        if not set(entry) >= KEYS:
            raise ValueError(f"missing {sorted(KEYS - set(entry))}")
        if entry["v"] != 1 or isinstance(entry["v"], bool):
            wrong(where, "版本不是 1", "v is not 1")
        if entry["log"] != self.log:
            wrong(where, "是别的社区的记录", "belongs to another log")
        if entry["seq"] != seq:
            wrong(where, "序号不连续", f"seq is {entry['seq']}, expected {seq}")
        if entry["prev"] != previous:
            wrong(
                where,
                "接不上前一条：前一条或这一条被改过",
                "prev does not match: this entry or the one before was changed",
            )
        at = moment(entry["at"])
        if entry["kind"].startswith(HOURLY) and at != hour(at):
            wrong(where, "选票时间应取整到小时", "the time is not rounded to the hour")
        for name, value in [*entry["private"].items(), ("actor_c", entry["actor_c"])]:
            if value is None and name == "actor_c":
                continue
            if not isinstance(value, str) or not HEX.fullmatch(value):
                raise ValueError(f"{name} is no commitment")
            if entry["kind"] in {"ballot.cast", "poll.opened"} or name in {"second"}:
                self.commitments[seq, name] = value

    def take(self, where, entry, seq):
        kind, data = entry["kind"], entry["data"]
        if not kind.startswith(("poll.", "ballot.", "result.", "tie.", "openings.")):
            self.latest = max(self.latest or moment(entry["at"]), moment(entry["at"]))
            return
        if kind == "poll.opened":
            self.take_opened(where, entry, seq)
        else:
            poll = self.polls.get(data.get("poll"))
            if poll is None:
                self.report.wrong(
                    where, "说的是没有开放过的投票", "speaks of a poll that was never opened"
                )
                return
            if entry["subject"] != f"poll:{poll.id}":
                self.report.wrong(
                    where, "对象和内容不一致", "subject and data name different polls"
                )
            handler = getattr(self, "take_" + kind.replace(".", "_"), None)
            if handler:
                handler(where, entry, seq, poll)
        self.latest = max(self.latest or moment(entry["at"]), moment(entry["at"]))

    def check_order(self, where, at):
        if self.latest and at < self.latest - timedelta(seconds=60):
            self.report.wrong(
                where, "时间比前面的记录早了一分钟以上", "more than 60 s behind an earlier entry"
            )

    def take_opened(self, where, entry, seq):
        data, wrong = entry["data"], self.report.wrong
        if not POLL_ID.fullmatch(data["poll"]) or entry["subject"] != f"poll:{data['poll']}":
            raise ValueError("bad poll id")
        if data["poll"] in self.polls:
            wrong(where, "同一个投票开放了两次", "the poll is opened twice")
            return
        poll = Poll(seq, entry)
        at = poll.opened_at
        self.check_order(where, at)
        if at < moment(data["opens_at"]):
            wrong(where, "没到时间就开放了", "opened before opens_at")
        if at >= poll.closes_at:
            wrong(where, "过了截止时间才开放", "opened at or after closes_at")
        if data["projects"] != sorted(data["projects"], key=lambda text: text.encode()):
            wrong(where, "项目没有按顺序排", "projects are not sorted")
        options = poll.options
        if len(set(options)) != len(options) or not options:
            wrong(where, "选项重复或没有选项", "options are missing or occur twice")
        if poll.method == "yes_no" and (
            set(options) != {"yes", "no", "abstain"} or not poll.rules["agreement"]
        ):
            wrong(
                where,
                "同意反对的投票缺选项或门槛",
                "a yes_no poll lacks an option or a test of agreement",
            )
        for key in (
            "scope",
            "matter",
            "effect",
            "precedence",
            "tie",
            "silence",
            "participation",
            "agreement",
        ):
            if key not in poll.rules:
                wrong(where, f"规则里缺 {key}", f"rules lack {key}")
        self.polls[poll.id] = poll

    def take_ballot_cast(self, where, entry, seq, poll):
        wrong, data = self.report.wrong, entry["data"]
        voter, version, at = data["voter"], data["version"], moment(entry["at"])
        if poll.closed_seq is not None or poll.annulled:
            wrong(where, "截止或作废以后还有计数的选票", "a counted ballot after the closing")
        if poll.data["secrecy"] != "named":
            wrong(where, "无记名投票里不该有单张选票", "a single ballot in a secret poll")
        if version != poll.versions.get(voter, 0) + 1 or isinstance(version, bool):
            wrong(
                where,
                "同一户的选票版本不连续",
                f"version {version} after {poll.versions.get(voter, 0)}",
            )
        if set(entry["private"]) != {"choice", "channel"}:
            wrong(where, "选票应有 choice 和 channel 两项", "private is not choice and channel")
        if entry["actor"] != "voter":
            wrong(where, "选票的身份应是 voter", "actor is not voter")
        if at < hour(poll.opened_at):
            wrong(where, "选票早于开放", "the ballot is earlier than the opening")
        if at >= poll.closes_at and "paper" not in poll.channels.get(seq, ""):
            poll.late.add(seq)
        if poll.voters is not None and voter not in poll.voters:
            wrong(where, "这一户不在名册里", "the voter is not in the electorate")
        poll.versions[voter] = version
        poll.voter_of[seq], poll.version_of[seq] = voter, version

    def take_ballot_logged(self, where, entry, _seq, poll):
        data = entry["data"]
        if entry["actor"] != "voter" or data["reason"] not in {"late", "second_channel", "invalid"}:
            self.report.wrong(
                where, "不计数选票的身份或原因不对", "actor or reason of a logged ballot is wrong"
            )
        if data["reason"] == "late" and moment(entry["at"]) < hour(poll.closes_at):
            self.report.wrong(
                where, "没到截止的钟点却记为迟到", "logged as late before the hour of the closing"
            )
        if data["reason"] == "second_channel" and data["voter"] not in poll.versions:
            self.report.wrong(
                where, "没有先到的选票却记为第二种方式", "second channel without a counted ballot"
            )

    def take_ballot_batch(self, where, entry, _seq, poll):
        data = entry["data"]
        paper = data["paper"]["ballots"] if data["paper"] else 0
        if (
            poll.batch is not None
            or poll.closed_seq is not None
            or poll.data["secrecy"] != "secret"
        ):
            self.report.wrong(where, "无记名选票只能在截止前一次写入", "a batch out of place")
        if data["commitments"] != sorted(data["commitments"]) or data["voters"] != sorted(
            data["voters"], key=lambda v: v.encode()
        ):
            self.report.wrong(where, "没有按顺序排", "not sorted")
        if (
            len(set(data["voters"])) != len(data["voters"])
            or len(data["voters"]) != len(data["commitments"]) + paper
        ):
            self.report.wrong(where, "人数和选票数不等", "voters and ballots differ in number")
        poll.batch = data

    def take_poll_extended(self, where, entry, _seq, poll):
        at, new = moment(entry["at"]), moment(entry["data"]["closes_at"])
        if (
            at >= poll.closes_at
            or new <= poll.closes_at
            or entry["data"]["second"] == entry["actor"]
        ):
            self.report.wrong(where, "延期不合规则", "the extension breaks the rules")
        poll.closes_at = new

    def take_poll_ended_early(self, where, entry, _seq, poll):
        at, new = moment(entry["at"]), moment(entry["data"]["closes_at"])
        if new >= poll.closes_at or new < at or entry["data"]["second"] == entry["actor"]:
            self.report.wrong(where, "提前结束不合规则", "the early end breaks the rules")
        poll.closes_at = new

    def take_poll_annulled(self, where, entry, _seq, poll):
        if entry["data"]["second"] == entry["actor"]:
            self.report.wrong(where, "作废要两种身份的人", "annulled by one role alone")
        poll.annulled = True

    def take_poll_closed(self, where, entry, seq, poll):
        at = moment(entry["at"])
        self.check_order(where, at)
        if poll.closed_seq is not None or poll.annulled:
            self.report.wrong(
                where, "截止了两次，或作废后又截止", "closed twice, or after it was annulled"
            )
        if at < poll.closes_at:
            self.report.wrong(where, "没到时间就截止了", "closed before closes_at")
        poll.closed, poll.closed_seq = entry["data"], seq

    def take_tie_resolved(self, where, entry, _seq, poll):
        data, rules = entry["data"], poll.rules
        result = poll.closed["result"] if poll.closed else {}
        left = rules.get("seats", 1) - len(result.get("winners", []))
        if (
            data["rule"] != rules["tie"]
            or data["rule"] == "declare"
            or not set(data["winners"]) < set(result.get("tied", []))
            or len(data["winners"]) != left
        ):
            self.report.wrong(
                where,
                "并列的处理不合事先公布的规则",
                "the tie was not resolved by the announced rule",
            )

    def take_result_published(self, where, entry, _seq, poll):
        self.check_result_entry(where, entry, poll)

    def take_result_final(self, where, entry, _seq, poll):
        self.check_result_entry(where, entry, poll)

    def check_result_entry(self, where, entry, poll):
        if poll.closed is None:
            self.report.wrong(where, "没有截止就公布结果", "a result before the closing")
        elif "result" in entry["data"] and entry["data"]["result"] != poll.closed["result"]:
            self.report.wrong(
                where, "公布的结果和计票不一致", "the published result differs from the count"
            )

    def take_openings_erased(self, _where, _entry, seq, poll):
        poll.erased_at = seq

    # -- polls/*

    def read_electorates(self):
        """Before the entries: who could vote in which poll, so that strangers are found at once."""
        self.electorates = {}
        for name in self.names:
            found = re.fullmatch(r"polls/([A-Za-z0-9_-]{1,80})\.voters\.jsonl", name)
            if found:
                self.electorates[found[1]] = self.read_voters(name, found[1])

    def read_voters(self, name, poll_id):
        tree, voters, previous = Tree(), set(), b""
        for number, line in self.lines(name):
            where = f"{name} line {number}"
            try:
                leaf = parse(line)
                if canonical(leaf).encode() != line or set(leaf) != {"voter", "weight"}:
                    raise ValueError("not a voter")
                if not VOTER.fullmatch(leaf["voter"]):
                    raise ValueError("not a reference")
            except (ValueError, TypeError, AttributeError) as error:
                self.report.wrong(where, f"读不懂：{error}", f"cannot be read: {error}")
                continue
            if line <= previous:
                self.report.wrong(where, "没有按顺序排，或重复", "not sorted, or twice")
            if self.voter_poll.setdefault(leaf["voter"], poll_id) != poll_id:
                self.report.wrong(
                    where, "同一个编号出现在两次投票里", "the reference occurs in two polls"
                )
            previous = line
            voters.add(leaf["voter"])
            tree.add(sha(b"\x00" + line))
        return voters, tree.root().hex(), tree.size

    def check_polls(self):
        for poll_id, poll in self.polls.items():
            self.check_poll_files(poll_id, poll)
            if not poll.checkpoint_inside:
                self.report.wrong(
                    poll.where,
                    "没有一个校验点在开放之后、截止之前",
                    "no checkpoint covers the opening and not the closing",
                )
            if poll_id not in self.electorates:
                self.report.wrong(
                    f"polls/{poll_id}.voters.jsonl", "缺名册", "the electorate is missing"
                )
                continue
            voters, root, heads = self.electorates[poll_id]
            stated = poll.data["electorate"]
            if root != stated["voters_root"] or heads != stated["heads"]:
                self.report.wrong(
                    f"polls/{poll_id}.voters.jsonl",
                    "名册和开放时定下的不一致",
                    "the electorate differs from the one frozen at the opening",
                )
            for seq, voter in poll.voter_of.items():
                if voter not in voters:
                    self.report.wrong(
                        f"seq {seq}",
                        "这张选票的户不在名册里",
                        "a ballot from outside the electorate",
                    )
        for poll_id in self.electorates:
            if poll_id not in self.polls:
                self.report.wrong(
                    f"polls/{poll_id}.voters.jsonl", "记录里没有这个投票", "no such poll in the log"
                )

    def check_poll_files(self, poll_id, poll):
        name = f"polls/{poll_id}.json"
        if name not in self.names:
            self.report.wrong(name, "缺这个文件", "the file is missing")
        elif parse(self.read(name)) != {"definition": poll.data, "result": poll.closed}:
            self.report.wrong(name, "和记录里的不一致", "differs from the log")
        name = f"polls/{poll_id}.text.json"
        if name not in self.names:
            self.report.wrong(name, "缺选票上的文字", "the ballot's text is missing")
        elif sha(canonical(parse(self.read(name))).encode()).hex() != poll.data["text_sha256"]:
            self.report.wrong(
                name, "和开放时定下的文字不一致", "differs from the text frozen at the opening"
            )

    # -- openings and the recount

    def check_openings(self):
        by_seq = {seq: poll for poll in self.polls.values() for seq in poll.voter_of}
        previous = (-1, "")
        for number, line in self.lines("openings.jsonl"):
            where = f"openings.jsonl line {number}"
            try:
                row = parse(line)
                place = (row["seq"], row["name"])
                if place <= previous:
                    self.report.wrong(where, "没有按顺序排，或重复", "not ordered, or twice")
                previous = place
                if self.commitments.get(place) != commitment(
                    row["salt"], row["value"]
                ) or not HEX.fullmatch(row["salt"]):
                    self.report.wrong(
                        f"{where} (seq {row['seq']})",
                        "打开的内容和当时封存的不一致",
                        "the opening does not match its commitment",
                    )
                self.take_opening(where, row, by_seq.get(row["seq"]))
            except (ValueError, KeyError, TypeError) as error:
                self.report.wrong(where, f"读不懂：{error}", f"cannot be read: {error!r}")

    def take_opening(self, where, row, poll):
        if row["name"] == "actor_c":
            self.report.wrong(where, "不该公开是谁办的", "who acted must not be opened")
        if poll is None:
            return
        if row["name"] == "channel":
            poll.channels[row["seq"]] = row["value"]
            return
        if row["name"] != "choice":
            return
        if poll.closed is None:
            self.report.wrong(where, "截止以前不该公开选择", "a choice opened before the closing")
        if not valid_choice(poll, row["value"]):
            self.report.wrong(
                f"{where} (seq {row['seq']})",
                "选择不在选票允许的范围里",
                "the choice is not one the ballot allowed",
            )
            return
        if poll.version_of[row["seq"]] == poll.versions[poll.voter_of[row["seq"]]]:
            poll.choices[row["seq"]] = row["value"]

    def check_box(self, poll):
        name = f"polls/{poll.id}.box.jsonl"
        found = []
        for number, line in self.lines(name):
            row = parse(line)
            if set(row) != {"salt", "value"}:
                self.report.wrong(
                    f"{name} line {number}",
                    "票箱里只该有 salt 和 value",
                    "a box line holds more than salt and value",
                )
            found.append(commitment(row["salt"], row["value"]))
            if valid_choice(poll, row["value"]):
                poll.choices[number] = row["value"]
        if poll.batch is None or sorted(found) != poll.batch["commitments"]:
            self.report.wrong(name, "票箱和封存的选票不一致", "the box differs from the batch")

    def recount_all(self):
        for poll in self.polls.values():
            if poll.closed is None:
                state = "已作废 annulled" if poll.annulled else "还没有截止 still open"
                self.report.unchecked.append(f"{poll.where} {state}")
                continue
            self.recount_one(poll)

    def recount_one(self, poll):
        stated, where = poll.closed["result"], poll.where
        if poll.data["secrecy"] == "secret":
            self.check_box(poll)
            counted = len(poll.batch["voters"]) if poll.batch else 0
            if poll.batch and poll.batch["paper"]:
                self.report.unchecked.append(f"{where} 纸票只有合计数 / paper ballots are totals")
        else:
            newest = {
                seq
                for seq, voter in poll.voter_of.items()
                if poll.version_of[seq] == poll.versions[voter]
            }
            late = {seq for seq in poll.late if poll.channels.get(seq) == "phone"}
            if poll.late and not late:
                self.report.unchecked.append(
                    f"{where} 有选票的钟点不早于截止，方式没有公开 / ballots not before the closing hour, channel not opened"
                )
            missing = newest - set(poll.choices)
            if missing and poll.erased_at is None:
                self.report.wrong(
                    where,
                    f"有 {len(missing)} 张选票没有打开，比如第 {min(missing)} 条",
                    f"{len(missing)} counted ballots are not opened, such as seq {min(missing)}",
                )
            if missing and poll.erased_at is not None:
                self.report.unchecked.append(
                    f"{where} 保存期满，选票已清除，不能重数 / openings were erased"
                )
                return
            for seq in late:
                poll.choices.pop(seq, None)
            counted = len(newest - late)
        if counted != poll.closed["turnout"]["total"]:
            self.report.wrong(
                where,
                f"参加户数应是 {counted}，写的是 {poll.closed['turnout']['total']}",
                f"turnout is {counted}, stated {poll.closed['turnout']['total']}",
            )
        channels = poll.closed["turnout"]["by_channel"]
        if channels is not None and (
            sum(channels.values()) != counted or any(0 < n < 20 for n in channels.values())
        ):
            self.report.wrong(
                where,
                "各方式的户数不对，或少于 20 户不该写出",
                "channels do not add up, or a small cell is shown",
            )
        paper = poll.batch["paper"]["totals"] if poll.batch and poll.batch["paper"] else {}
        result = recount(poll, list(poll.choices.values()), stated, poll.closed.get("silent", []))
        if paper:
            return
        if result != stated:
            self.report.wrong(
                where,
                f"重数的结果是 {canonical(result)}，写的是 {canonical(stated)}",
                "the recount differs from the stated result",
            )
        else:
            self.report.checked.append(
                f"{where} 重数一致 recount agrees: {poll.data['title']} → {stated['outcome']} {canonical(stated['counts'])}"
            )
        if any(t["unit"] == "area" for t in poll.rules["participation"] + poll.rules["agreement"]):
            self.report.unchecked.append(
                f"{where} 面积按写出的合计核对 / areas were taken as stated"
            )

    # -- checkpoints

    def read_notes(self):
        notes = {}
        for name in self.names:
            if not name.startswith("checkpoints/"):
                continue
            try:
                note = Note(self.read(name).decode("utf-8"))
                if name != f"checkpoints/{note.size:010d}.txt":
                    self.report.wrong(name, "文件名和大小不一致", "the name does not tell the size")
                notes[name] = note
            except (ValueError, binascii.Error) as error:
                self.report.wrong(name, f"不是校验点：{error}", f"not a checkpoint: {error}")
        return notes

    def check_notes(self, notes, keys, older, signatures):
        if not notes or max(note.size for note in notes.values()) != self.size:
            self.report.wrong(
                "checkpoints", "没有覆盖全部记录的校验点", "no checkpoint covers all entries"
            )
        if len({note.origin for note in [*notes.values(), *older.values()]}) > 1:
            self.report.wrong(
                "checkpoints", "校验点的出具者前后不一", "checkpoints name different origins"
            )
        for name, note in [*notes.items(), *older.items()]:
            if not note.origin.endswith(f"/{self.log}"):
                self.report.wrong(name, "是别的社区的校验点", "a checkpoint of another log")
            if note.size > self.size:
                self.report.wrong(
                    name, "比存档还长：存档少了记录", "longer than the archive: entries are missing"
                )
            elif self.roots.get(note.size) != note.root:
                self.report.wrong(
                    name,
                    f"前 {note.size} 条记录和签过名的不一致",
                    f"the first {note.size} entries are not those that were signed",
                )
            if signatures and not note.signed_by(keys):
                self.report.wrong(
                    name, "签名不对，或不认识签名的密钥", "no valid signature by a known key"
                )
            for poll in self.polls.values():
                last = poll.closed_seq if poll.closed_seq is not None else self.size
                if poll.seq < note.size <= last:
                    poll.checkpoint_inside = True
        what = (
            "校验点和签名 / checkpoints and signatures"
            if signatures
            else "校验点（不含签名）/ checkpoints without signatures"
        )
        self.report.checked.append(f"{len(notes)} 个{what}")


def verify(path, keys_file=None, checkpoint_file=None, *, without_signatures=False):
    """Check an archive; gives the report. Raises Unreadable when it is no archive."""
    report = Report()
    try:
        packed = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise Unreadable(f"打不开这个存档 / not a readable archive: {error}") from error
    with packed:
        infos = packed.infolist()
        if len(infos) > MOST_MEMBERS or any(
            i.file_size > LARGEST_MEMBER or i.flag_bits & 1 for i in infos
        ):
            raise Unreadable("存档大得不正常，或加了密 / too large, or encrypted")
        try:
            _run(Archive(packed, report), keys_file, checkpoint_file, without_signatures)
        except (zipfile.BadZipFile, EOFError, OSError) as error:
            report.wrong("zip", f"压缩包坏了：{error}", "the archive is damaged")
        except (
            KeyError,
            ValueError,
            TypeError,
            AttributeError,
            RecursionError,
            binascii.Error,
        ) as error:
            report.wrong(
                "archive",
                f"缺少文件，或内容读不懂：{error!r}",
                "a file is missing or cannot be read",
            )
    return report


def _run(archive, keys_file, checkpoint_file, without_signatures):
    report = archive.report
    archive.check_manifest()
    signatures = not without_signatures
    if signatures and Ed25519PublicKey is None:
        signatures = False
        report.cannot.append(
            "没有安装 cryptography，签名没有核对 / signatures were not checked: install cryptography"
        )
    elif without_signatures:
        report.unchecked.append("按您的要求没有核对签名 / signatures were left out as asked")
    if keys_file:
        with open(keys_file, "rb") as file:
            keys = read_keys(file.read())
    else:
        keys = read_keys(archive.read("keys.json"))
        report.unchecked.append(
            "公钥来自存档本身，不能证明是谁签的（--keys）/ the key came from the archive itself"
        )
    older = {}
    if checkpoint_file:
        with open(checkpoint_file, encoding="utf-8", newline="") as file:
            older[str(checkpoint_file)] = Note(file.read())
    else:
        report.unchecked.append(
            "没有从外面带来的校验点（--checkpoint）/ no checkpoint from outside"
        )
    notes = archive.read_notes()
    archive.read_electorates()
    archive.check_entries({note.size for note in [*notes.values(), *older.values()]})
    archive.check_notes(notes, keys, older, signatures)
    archive.check_openings()
    archive.check_polls()
    archive.recount_all()


def main(argv=None):
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("zip")
    parser.add_argument("--keys")
    parser.add_argument("--checkpoint")
    parser.add_argument("--without-signatures", action="store_true")
    chosen = parser.parse_args(argv)
    try:
        report = verify(
            chosen.zip, chosen.keys, chosen.checkpoint, without_signatures=chosen.without_signatures
        )
    except (Unreadable, OSError, ValueError, KeyError, TypeError) as error:
        print(f"不能核对 cannot check: {error}")
        return 2
    print("\n".join(report.lines()))
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())

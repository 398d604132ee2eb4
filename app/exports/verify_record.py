#!/usr/bin/env python3
"""Check an archive of the consultation record (format 1), without trusting who made it.

    python verify_record.py ZIP [--keys F] [--checkpoint F] [--without-signatures]

Exit code 0: everything that can be checked is good. 1: something is wrong, and the report says
where. 2: it could not be checked (no archive, unreadable, no library for signatures).

This file needs Python 3.9 or newer and nothing else; signatures are checked where the package
`cryptography` is installed. It shares no code with the portal and never unpacks anything to disk.

The format in short
-------------------
`entries.jsonl` is an append-only log: one JSON object per line in RFC 8785 canonical form, numbered
by `seq` from 0, each carrying in `prev` the leaf hash of the line before (64 zeros for the first).

    commitment = SHA-256(0x02 | 32-byte salt | canonical JSON of a value)
    leaf       = SHA-256(0x00 | canonical entry)
    node       = SHA-256(0x01 | left | right)            (a tree as in RFC 6962, section 2.1)

`checkpoints/<size>.txt` are signed notes (C2SP tlog-checkpoint, Ed25519) about the root of the
first <size> entries. `openings.jsonl` holds `{seq,name,salt,value}`: what lies behind some of the
commitments, ordered by (seq, name). `polls/<id>.*` repeat what a poll is (`.json`), what its ballot
showed (`.text.json`), who may vote under random names (`.voters.jsonl`), and the opened box of a
secret poll (`.box.jsonl`). `manifest.json` has the SHA-256 of every other file.

A poll lives between `poll.opened` and `poll.closed`; the order in the log decides. This program
reads the log once from top to bottom, with the openings beside it, and counts every poll again.

How to read this file: 1. words of the report; 2. canonical JSON; 3. hashes and the tree; 4. the
zip; 5. keys and checkpoints; 6. openings; 7. what a poll must say; 8. counting methods; 9. one
poll from opening to end; 10. the log; 11. the command.
"""

# ruff: noqa: ARG002, B905, RUF007, RUF012, UP031 - for Python 3.9; % keeps both languages in line.
from __future__ import annotations

import argparse
import base64
import binascii
import functools
import hashlib
import io
import json
import re
import struct
import sys
import zipfile
import zlib
from datetime import datetime, timedelta, timezone

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:  # Signatures then stay unchecked, and the exit code says so.
    InvalidSignature = None
    Ed25519PublicKey = None

GOOD, WRONG, NOT_CHECKED = 0, 1, 2

MAX_INT = 2**53 - 1
MAX_LINE = 64 * 1024 * 1024
MAX_SMALL_FILE = 64 * 1024 * 1024
MAX_TOTAL = 16 * 1024**3
MAX_RATIO = 300
MAX_PROBLEMS = 300
FIRST_PREV = "0" * 64

# =============================================================================================
# 1. Words of the report
# =============================================================================================


class Wrong(Exception):
    """Something in the archive breaks a rule; the reader of the file adds where."""

    def __init__(self, zh, en):
        super().__init__(en)
        self.zh, self.en = zh, en


class CannotCheck(Exception):
    """The check cannot go on: unreadable input, not a wrong archive."""

    def __init__(self, zh, en):
        super().__init__(en)
        self.zh, self.en = zh, en


def shown(value):
    """Show any value from the archive in a report: short, and without control characters."""
    try:
        text = value if isinstance(value, str) else canonical(value)
    except (Wrong, RecursionError):
        text = "<%s>" % type(value).__name__
    text = "".join(c if c.isprintable() else "\\u%04x" % ord(c) for c in text[:200])
    return text if len(text) <= 90 else text[:87] + "..."


class Report:
    """What was found. `problems` make the archive wrong, `unchecked` make it not checked."""

    def __init__(self, path=""):
        self.path = path
        self.problems = []
        self.unchecked = []
        self.checked = []
        self.limits = []
        self.polls = []
        self.more_problems = 0

    def wrong(self, where, zh, en):
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append("%s: %s / %s" % (where, zh, en))
        else:
            self.more_problems += 1

    def cannot(self, where, zh, en):
        self.unchecked.append("%s: %s / %s" % (where, zh, en))

    def did(self, zh, en):
        self.checked.append("%s / %s" % (zh, en))

    def limit(self, zh, en):
        line = "%s / %s" % (zh, en)
        if line not in self.limits:
            self.limits.append(line)

    @property
    def exit_code(self):
        if self.problems:
            return WRONG
        return NOT_CHECKED if self.unchecked else GOOD

    def lines(self):
        """Give the whole report, Chinese and English, problems first."""
        yield "核对 / Checking: %s" % shown(str(self.path))
        if self.problems:
            yield ""
            yield "发现的问题 / Problems (%d):" % (len(self.problems) + self.more_problems)
            for line in self.problems:
                yield "  ✗ " + line
            if self.more_problems:
                yield "  … 另有 %d 处 / and %d more" % (self.more_problems, self.more_problems)
        for title, lines in (
            ("未能核对 / Could not be checked", self.unchecked),
            ("投票 / Polls", self.polls),
            ("核对过的 / Checked", self.checked),
            ("没有核对的 / Not checked, and limits", self.limits),
        ):
            if lines:
                yield ""
                yield title + ":"
                for line in lines:
                    yield "  " + line
        yield ""
        yield {
            GOOD: "结论：核对无误。 / Result: everything checked is good.",
            WRONG: "结论：有问题，见上。 / Result: something is wrong, see above.",
            NOT_CHECKED: "结论：没有核对完，见上。 / Result: could not be checked, see above.",
        }[self.exit_code]


# =============================================================================================
# 2. Canonical JSON (RFC 8785, without floats)
# =============================================================================================


quoted = json.encoder.encode_basestring  # escapes exactly what RFC 8785 escapes


def canonical(value):
    """Give the RFC 8785 text of strings, integers, booleans, null, arrays and objects."""
    if isinstance(value, str):
        return quoted(value)
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        if abs(value) > MAX_INT:
            raise Wrong("整数超出 ±(2^53−1)", "an integer is beyond ±(2^53−1)")
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join([canonical(item) for item in value]) + "]"
    if isinstance(value, dict):
        # Keys are ordered by UTF-16 code units, which differs from Python's order for emoji.
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join([quoted(key) + ":" + canonical(value[key]) for key in keys]) + "}"
    raise Wrong("出现了格式不允许的值", "a value of a type the format does not have")


def canonical_bytes(value):
    try:
        return canonical(value).encode("utf-8")
    except UnicodeEncodeError:
        raise Wrong("字符串里有半个字符", "a string holds half a character") from None
    except RecursionError:
        raise Wrong("JSON 嵌套太深", "JSON is nested too deeply") from None


def no_key_twice(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Wrong("JSON 里同一个键出现两次", "a JSON object has a key twice")
    return found


def no_float(text):
    raise Wrong("JSON 里有小数 %s" % shown(text), "JSON holds a float, %s" % shown(text))


def exact_int(text):
    if len(text) > 17 or abs(int(text)) > MAX_INT:
        raise Wrong("整数超出 ±(2^53−1)", "an integer is beyond ±(2^53−1)")
    return int(text)


DECODER = json.JSONDecoder(
    object_pairs_hook=no_key_twice,
    parse_float=no_float,
    parse_constant=no_float,
    parse_int=exact_int,
)


def parse(raw):
    """Read JSON strictly: UTF-8, no floats, no key twice, integers within ±(2^53−1)."""
    try:
        return DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise Wrong("不是 UTF-8 文字", "not UTF-8 text") from None
    except RecursionError:
        raise Wrong("JSON 嵌套太深", "JSON is nested too deeply") from None
    except ValueError:
        raise Wrong("不是 JSON", "not JSON") from None


def parse_canonical(raw):
    """Read JSON and insist that the bytes are exactly the canonical ones."""
    value = parse(raw)
    if canonical_bytes(value) != raw:
        raise Wrong(
            "不是 RFC 8785 规范写法", "the bytes are not the canonical (RFC 8785) form of the JSON"
        )
    return value


def same(one, other):
    """Compare two JSON values exactly; in Python alone, True would equal 1."""
    return canonical_bytes(one) == canonical_bytes(other)


# =============================================================================================
# 3. Hashes, the tree, and small tests of values
# =============================================================================================

HEX64 = re.compile(r"[0-9a-f]{64}")
POLL_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
VOTER = re.compile(r"[A-Za-z0-9_-]{22}")
TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")
SECOND = timedelta(seconds=1)
HOUR = 3600


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf_hash(raw):
    return sha256(b"\x00" + raw)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


class Tree:
    """An RFC 6962 tree that grows leaf by leaf and keeps only its perfect subtrees."""

    def __init__(self):
        self.size = 0
        self.peaks = []

    def add(self, leaf):
        size, node = self.size, leaf
        while size & 1:
            node = node_hash(self.peaks.pop(), node)
            size >>= 1
        self.peaks.append(node)
        self.size += 1

    def root(self):
        if not self.peaks:
            return sha256(b"")
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def is_hex(value):
    return isinstance(value, str) and HEX64.fullmatch(value) is not None


def is_int(value, low=-MAX_INT, high=MAX_INT):
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def is_name(value):
    return isinstance(value, str) and value != ""


def is_poll_id(value):
    return isinstance(value, str) and POLL_ID.fullmatch(value) is not None


def is_voter(value):
    return isinstance(value, str) and VOTER.fullmatch(value) is not None


def by_bytes(text):
    return text.encode("utf-8", "surrogatepass")


def is_sorted_set(value, test):
    """Tell whether this is a list of such strings, sorted by UTF-8 bytes, none twice."""
    if not isinstance(value, list) or not all(test(item) for item in value):
        return False
    keys = [by_bytes(item) for item in value]
    return all(one < other for one, other in zip(keys, keys[1:]))


@functools.lru_cache(maxsize=4096)
def seconds(text):
    """Seconds since 1970 of `YYYY-MM-DDTHH:MM:SSZ`, or None."""
    match = TIME.fullmatch(text)
    if not match:
        return None
    try:
        moment = datetime(*[int(part) for part in match.groups()], tzinfo=timezone.utc)
    except ValueError:
        return None
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // SECOND


def time_of(value, name):
    moment = seconds(value) if isinstance(value, str) else None
    if moment is None:
        raise Wrong(
            "%s 不是 YYYY-MM-DDTHH:MM:SSZ 时间" % name,
            "%s is not a time YYYY-MM-DDTHH:MM:SSZ: %s" % (name, shown(value)),
        )
    return moment


def need(condition, zh, en):
    if not condition:
        raise Wrong(zh, en)


def need_field(condition, name, value):
    if not condition:
        raise Wrong(
            "%s 的值不对：%s" % (name, shown(value)), "%s is not valid: %s" % (name, shown(value))
        )


def commitment(salt, value):
    return hashlib.sha256(b"\x02" + bytes.fromhex(salt) + canonical_bytes(value)).hexdigest()


def from_base64(text, length):
    """Decode standard padded base64 of so many bytes, written in the one exact way."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(data) != length or base64.b64encode(data).decode("ascii") != text:
        return None
    return data


# =============================================================================================
# 4. The zip
# =============================================================================================

POLL_FILE = re.compile(
    r"polls/([A-Za-z0-9_-]{1,80})\.(json|text\.json|voters\.jsonl|box\.jsonl|weights\.jsonl)"
)
BAD_ZIP = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError)


def is_hostile(info):
    """Tell whether a file name could leave the folder it is unpacked into, or hide itself."""
    name = info.filename
    original = getattr(info, "orig_filename", name)
    return (
        original != name
        or "\\" in name
        or ":" in name
        or not name.isprintable()
        or any(part in {"", ".", ".."} for part in name.split("/"))
    )


class Archive:
    """The files of a zip by name, read as streams and never unpacked."""

    def __init__(self, path, report):
        self.report = report
        try:
            self.zip = zipfile.ZipFile(path)
            infos = self.zip.infolist()
        except (*BAD_ZIP, NotImplementedError) as problem:
            raise CannotCheck(
                "打不开，或者不是 zip 文件",
                "cannot be opened as a zip file (%s)" % shown(str(problem)),
            ) from None
        self.files = {}
        for info in infos:
            self.take(info)
        self.refuse_bombs(infos)

    def take(self, info):
        where = shown(info.filename)
        if is_hostile(info):
            self.report.wrong(where, "文件名不安全", "the file name is not safe")
        elif info.filename in self.files:
            self.report.wrong(where, "压缩包里有两个同名文件", "two files have this same name")
        else:
            self.files[info.filename] = info

    def refuse_bombs(self, infos):
        total = sum(info.file_size for info in infos)
        if total > MAX_TOTAL:
            raise CannotCheck(
                "解开后超过 %d GB，不继续" % (MAX_TOTAL >> 30),
                "would unpack to more than %d GiB, refused" % (MAX_TOTAL >> 30),
            )
        for info in infos:
            if info.file_size > 1 << 20 and info.file_size > MAX_RATIO * max(1, info.compress_size):
                raise CannotCheck(
                    "%s 压缩得不正常，像是压缩炸弹，不继续" % shown(info.filename),
                    "%s is packed like a zip bomb, refused" % shown(info.filename),
                )

    def open(self, name):
        info = self.files.get(name)
        if info is None:
            raise Wrong("缺少这个文件", "this file is missing")
        need(not info.flag_bits & 1, "文件加了密", "the file is encrypted")
        need(
            info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED),
            "压缩方法不常见",
            "an unusual compression method",
        )
        try:
            return io.BufferedReader(self.zip.open(info), 1 << 16)
        except (*BAD_ZIP, NotImplementedError, RuntimeError) as problem:
            raise damaged(problem) from None

    def digest(self, name):
        summed = hashlib.sha256()
        try:
            with self.open(name) as stream:
                for block in iter(lambda: stream.read(1 << 20), b""):
                    summed.update(block)
        except BAD_ZIP as problem:
            raise damaged(problem) from None
        return summed.hexdigest()

    def small(self, name):
        """Read a whole file that has no reason to be large."""
        try:
            with self.open(name) as stream:
                data = stream.read(MAX_SMALL_FILE + 1)
        except BAD_ZIP as problem:
            raise damaged(problem) from None
        need(len(data) <= MAX_SMALL_FILE, "文件大得不正常", "the file is unreasonably large")
        return data

    def lines(self, name):
        """Give (line number from 1, bytes without the line end), one line at a time."""
        try:
            with self.open(name) as stream:
                number = 0
                for raw in iter(lambda: stream.readline(MAX_LINE), b""):
                    number += 1
                    if not raw.endswith(b"\n"):
                        raise Wrong(
                            "第 %d 行没有以换行结束" % number,
                            "line %d does not end in a line end" % number,
                        )
                    yield number, raw[:-1]
        except BAD_ZIP as problem:
            raise damaged(problem) from None


def damaged(problem):
    return Wrong(
        "压缩包里的这个文件已损坏", "this file is damaged in the zip (%s)" % shown(str(problem))
    )


class Manifest:
    """`manifest.json`: the log, its size, and the SHA-256 of every other file."""

    def __init__(self, archive, report):
        value = parse(archive.small("manifest.json"))
        need(isinstance(value, dict), "不是 JSON 对象", "is not a JSON object")
        self.log, self.size, self.files = value.get("log"), value.get("size"), value.get("files")
        need_field(is_name(self.log), "log", self.log)
        need_field(is_int(self.size, 0), "size", self.size)
        need_field(isinstance(self.files, dict), "files", type(self.files).__name__)
        for name in sorted(set(self.files) - set(archive.files), key=by_bytes):
            report.wrong(
                shown(name), "清单里有，压缩包里没有", "listed in manifest.json but not in the zip"
            )
        for name in archive.files:
            self.check(archive, name, report)

    def check(self, archive, name, report):
        if name == "manifest.json":
            if name in self.files:
                report.wrong(name, "清单不应列出自己", "manifest.json must not list itself")
            return
        if name not in self.files:
            report.wrong(shown(name), "清单里没有这个文件", "not listed in manifest.json")
            return
        try:
            if archive.digest(name) != self.files[name]:
                report.wrong(
                    shown(name),
                    "内容与清单里的 SHA-256 不符",
                    "the content does not have the SHA-256 of manifest.json",
                )
        except Wrong as problem:
            report.wrong(shown(name), problem.zh, problem.en)


# =============================================================================================
# 5. Keys and checkpoints
# =============================================================================================


class Key:
    def __init__(self, name, raw):
        self.name, self.raw = name, raw
        self.id = sha256(name.encode("utf-8") + b"\x0a\x01" + raw)[:4]

    def signed(self, text, signature):
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


def read_keys(raw):
    """Read `keys.json`; keys of algorithms other than ed25519 are passed over."""
    value = parse(raw)
    need(isinstance(value, list), "不是一个列表", "is not a list")
    keys = []
    for item in value:
        need_field(isinstance(item, dict) and is_name(item.get("algorithm")), "key", item)
        if item["algorithm"] != "ed25519":
            continue
        name, text = item.get("name"), item.get("key")
        good = is_name(name) and not re.search(r"[\s+]", name)
        need_field(good and canonical_bytes(name), "name", name)
        data = from_base64(text, 32) if isinstance(text, str) else None
        need_field(data is not None, "key", text)
        keys.append(Key(name, data))
    need(keys, "没有 ed25519 公钥", "has no ed25519 key")
    return keys


class Note:
    """One checkpoint: origin, size, root, and its signatures."""

    def __init__(self, raw):
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Wrong("不是 UTF-8 文字", "not UTF-8 text") from None
        need(
            not any((c < " " and c != "\n") or c == "\x7f" for c in text),
            "校验点里有控制字符",
            "the checkpoint holds control characters",
        )
        body, gap, tail = text.partition("\n\n")
        lines = body.split("\n")
        need(
            gap and tail.endswith("\n") and len(lines) >= 3 and all(lines),
            "校验点的格式不对",
            "the checkpoint does not have the form of a signed note",
        )
        self.signed_text = (body + "\n").encode("utf-8")
        self.origin = lines[0]
        need_field(re.fullmatch(r"0|[1-9][0-9]{0,15}", lines[1]), "size", lines[1])
        self.size = int(lines[1])
        self.root = from_base64(lines[2], 32)
        need_field(self.root is not None, "root", lines[2])
        self.signatures = [self.signature(line) for line in tail[:-1].split("\n")]

    @staticmethod
    def signature(line):
        match = re.fullmatch(r"\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})", line)
        need(match, "签名行的格式不对", "a signature line does not have the form of a signed note")
        try:
            return match.group(1), base64.b64decode(match.group(2), validate=True)
        except (binascii.Error, ValueError):
            raise Wrong("签名不是 base64", "a signature is not base64") from None

    def check_signature(self, keys, with_cryptography):
        """Insist on one valid signature by a known key; other signatures are ignored."""
        candidates = [
            (key, data[4:])
            for name, data in self.signatures
            for key in keys
            if key.name == name and data[:4] == key.id and len(data) == 68
        ]
        need(
            candidates,
            "没有已知公钥的签名",
            "has no signature by a known key (name and key id must both match)",
        )
        if with_cryptography:
            good = any(key.signed(self.signed_text, signature) for key, signature in candidates)
            need(good, "签名无效", "the signature is not valid")


class Checkpoints:
    """All checkpoints of an archive, and the one brought from outside."""

    def __init__(self, archive, report, keys, log, with_cryptography):
        self.report, self.log = report, log
        self.keys, self.with_cryptography = keys, with_cryptography
        self.origin = None
        self.roots = {}
        self.signatures = 0
        self.outside = None
        for name in sorted(n for n in archive.files if n.startswith("checkpoints/")):
            try:
                self.take(name, archive.small(name))
            except Wrong as problem:
                report.wrong(shown(name), problem.zh, problem.en)

    def check(self, note):
        host = note.origin[: -len(self.log) - 1]
        need(
            note.origin == "%s/%s" % (host, self.log) and host != "",
            "来源行不是 <主机>/%s" % self.log,
            "the origin is not <host>/%s: %s" % (shown(self.log), shown(note.origin)),
        )
        if self.origin is None:
            self.origin = note.origin
        need(
            note.origin == self.origin,
            "来源行与其他校验点不同",
            "the origin differs from that of the other checkpoints: %s" % shown(note.origin),
        )
        if self.keys is not None:
            note.check_signature(self.keys, self.with_cryptography)
            self.signatures += 1

    def take(self, name, raw):
        note = Note(raw)
        need(
            name == "checkpoints/%010d.txt" % note.size,
            "文件名与校验点里的条数 %d 不符" % note.size,
            "the file name does not fit the size %d inside" % note.size,
        )
        # The root is compared even where the signature is bad: the reader learns both.
        self.roots[note.size] = (name, note.root)
        self.check(note)

    def take_outside(self, path):
        raw = read_outside(path)
        try:
            self.outside = Note(raw)
        except Wrong as problem:
            raise CannotCheck(
                "--checkpoint 的文件不是校验点：%s" % problem.zh,
                "the file of --checkpoint is no checkpoint: %s" % problem.en,
            ) from None
        try:
            self.check(self.outside)
        except Wrong as problem:
            self.report.wrong("--checkpoint", problem.zh, problem.en)

    def compare(self, tree):
        """Compare every root that is stated for the present size of the tree."""
        stated = self.roots.get(tree.size)
        if stated and stated[1] != tree.root():
            self.report.wrong(
                stated[0],
                "前 %d 条记录的树根与签过名的不一致" % tree.size,
                "the root of the first %d entries is not the signed one" % tree.size,
            )
        if self.outside and self.outside.size == tree.size and self.outside.root != tree.root():
            self.report.wrong(
                "--checkpoint",
                "您手里的校验点与这份档案不一致：前 %d 条记录被改过，或者不是同一本记录"
                % tree.size,
                "your checkpoint does not fit this archive: its first %d entries differ"
                % tree.size,
            )

    def finish(self, size):
        if size not in self.roots:
            self.report.wrong(
                "checkpoints/",
                "没有覆盖全部 %d 条记录的校验点" % size,
                "no checkpoint covers all %d entries" % size,
            )
        for stated in sorted(self.roots):
            if stated > size:
                self.report.wrong(
                    self.roots[stated][0],
                    "校验点说有 %d 条，记录只有 %d 条" % (stated, size),
                    "the checkpoint is about %d entries, the log has %d" % (stated, size),
                )
        if self.outside and self.outside.size > size:
            self.report.cannot(
                "--checkpoint",
                "您的校验点有 %d 条，这份档案只有 %d 条：请下载更新的档案"
                % (self.outside.size, size),
                "your checkpoint is about %d entries, this archive ends at %d: get a newer archive"
                % (self.outside.size, size),
            )


def read_outside(path):
    """Read a small file that the person checking brought along."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(MAX_SMALL_FILE)
    except (OSError, ValueError):
        raise CannotCheck("读不了文件 %s" % shown(path), "cannot read %s" % shown(path)) from None
    return data


# =============================================================================================
# 6. Openings
# =============================================================================================


class Opening:
    __slots__ = ("line", "name", "salt", "seq", "value")

    def __init__(self, line, value):
        need(isinstance(value, dict), "不是 JSON 对象", "is not a JSON object")
        self.line = line
        self.seq, self.name = value.get("seq"), value.get("name")
        self.salt = value.get("salt")
        need_field(is_int(self.seq, 0), "seq", self.seq)
        need_field(is_name(self.name), "name", self.name)
        need_field(is_hex(self.salt), "salt", self.salt)
        need("value" in value, "缺少 value", "value is missing")
        self.value = value["value"]

    def opens(self, commitment_):
        return commitment(self.salt, self.value) == commitment_


class Openings:
    """`openings.jsonl`, read beside the log since both are ordered by `seq`."""

    FILE = "openings.jsonl"

    def __init__(self, archive, report):
        self.report = report
        self.count = 0
        self.last = (-1, b"")
        self.lines = self.read(archive)
        self.next = next(self.lines, None)

    def read(self, archive):
        try:
            for number, raw in archive.lines(self.FILE):
                opening = self.one(number, raw)
                if opening:
                    yield opening
        except Wrong as problem:
            self.report.wrong(self.FILE, problem.zh, problem.en)

    def one(self, number, raw):
        where = "%s 第 %d 行 / line %d" % (self.FILE, number, number)
        try:
            opening = Opening(number, parse(raw))
            place = (opening.seq, by_bytes(opening.name))
            need(
                place > self.last,
                "没有按 (seq, name) 排序，或重复",
                "not ordered by (seq, name), or there twice",
            )
        except Wrong as problem:
            self.report.wrong(where, problem.zh, problem.en)
            return None
        self.last = place
        self.count += 1
        return opening

    def of(self, seq):
        """Take the openings of one entry; the log asks for every seq in turn."""
        found = []
        while self.next and self.next.seq <= seq:
            found.append(self.next)
            self.next = next(self.lines, None)
        return found

    def finish(self):
        while self.next:
            self.wrong(self.next, "记录里没有这个 seq", "the log has no entry of this seq")
            self.next = next(self.lines, None)

    def wrong(self, opening, zh, en):
        where = "%s 第 %d 行 / line %d (seq %d, %s)" % (
            self.FILE,
            opening.line,
            opening.line,
            opening.seq,
            shown(opening.name),
        )
        self.report.wrong(where, zh, en)


# =============================================================================================
# 7. What a poll must say when it opens
# =============================================================================================

KINDS = ("preference_poll", "meeting_resolution", "owners_joint_decision", "satisfaction_rating")
BASES = ("household", "person", "representative", "owner_set")
SECRET_FROM = 20
SMALL_CELL = range(1, 20)


def check_test(test, method, bases):
    """One test of the rules: x·den cmp num·base."""
    need_field(isinstance(test, dict), "rules test", test)
    need_field(test.get("unit") in ("heads", "area"), "unit", test.get("unit"))
    need_field(test.get("of") in bases, "of", test.get("of"))
    need_field(is_int(test.get("num"), 0), "num", test.get("num"))
    need_field(is_int(test.get("den"), 1), "den", test.get("den"))
    need_field(test.get("cmp") in (">=", ">"), "cmp", test.get("cmp"))
    need(
        test["unit"] == "heads" or method == "yes_no",
        "按面积的条件只能用于 yes_no",
        "a test by area is only for yes_no",
    )


def check_rules(rules, method):
    """The rules that every method has."""
    need_field(isinstance(rules, dict), "rules", rules)
    for name in ("scope", "matter", "tie"):
        need_field(is_name(rules.get(name)), "rules." + name, rules.get(name))
    for name, allowed in (
        ("effect", ("advisory", "binding")),
        ("precedence", ("first_channel",)),
        ("silence", ("none", "majority")),
    ):
        need_field(rules.get(name) in allowed, "rules." + name, rules.get(name))
    need(
        rules["silence"] == "none" or method == "yes_no",
        "从多只能用于 yes_no",
        "silence: majority is only for yes_no",
    )
    agreement = ("electorate", "participants") + (("yes_no",) if method == "yes_no" else ())
    for name, bases in (("participation", ("electorate",)), ("agreement", agreement)):
        need_field(isinstance(rules.get(name), list), "rules." + name, rules.get(name))
        for test in rules[name]:
            check_test(test, method, bases)


def check_options(options):
    need_field(isinstance(options, list) and options, "options", options)
    for option in options:
        need_field(isinstance(option, dict), "option", option)
        need_field(is_name(option.get("id")), "option id", option.get("id"))
        need_field(is_name(option.get("title")), "option title", option.get("title"))
        cost = option.get("cost_fen", 0)
        need_field(is_int(cost, 0), "cost_fen", cost)
    ids = [option["id"] for option in options]
    need(len(set(ids)) == len(ids), "两个选项编号相同", "two options have the same id")


def check_electorate(electorate, by_area):
    need_field(isinstance(electorate, dict), "electorate", electorate)
    need_field(electorate.get("basis") in BASES, "basis", electorate.get("basis"))
    need_field(is_int(electorate.get("heads"), 0), "heads", electorate.get("heads"))
    need_field(is_hex(electorate.get("voters_root")), "voters_root", electorate.get("voters_root"))
    area = electorate.get("area_c", "")
    need_field(is_hex(area) if by_area else area is None, "area_c", area)


def tests_of(rules):
    return rules["participation"] + rules["agreement"]


def check_definition(data):
    """Everything `poll.opened` must carry; raises Wrong at the first thing that is amiss."""
    need_field(data.get("kind") in KINDS, "kind", data.get("kind"))
    need_field(is_name(data.get("method")), "method", data.get("method"))
    need_field(data.get("secrecy") in ("named", "secret"), "secrecy", data.get("secrecy"))
    need_field(is_name(data.get("title")), "title", data.get("title"))
    need_field(is_sorted_set(data.get("projects"), is_name), "projects", data.get("projects"))
    need_field(is_hex(data.get("text_sha256")), "text_sha256", data.get("text_sha256"))
    time_of(data.get("opens_at"), "opens_at")
    time_of(data.get("closes_at"), "closes_at")
    check_options(data.get("options"))
    check_rules(data.get("rules"), data["method"])
    by_area = any(test["unit"] == "area" for test in tests_of(data["rules"]))
    check_electorate(data.get("electorate"), by_area)
    need(
        data["secrecy"] == "named" or data["electorate"]["heads"] >= SECRET_FROM,
        "不到 %d 个表决人不能无记名" % SECRET_FROM,
        "a secret poll needs at least %d voters" % SECRET_FROM,
    )


# =============================================================================================
# 8. Counting methods
# =============================================================================================


class Electors:
    """Who takes part: what the tests of the rules compare with."""

    def __init__(self, heads, ballots):
        self.heads = heads
        self.ballots = ballots
        self.participants = ballots


def passes(test, x, base):
    left, right = x * test["den"], test["num"] * base
    return base > 0 and (left >= right if test["cmp"] == ">=" else left > right)


class Method:
    """What all counting methods share; `definition` is the data of `poll.opened`, checked."""

    keys = ("winners", "tied", "blank")
    empty = None

    def __init__(self, definition):
        self.rules = definition["rules"]
        self.ids = [option["id"] for option in definition["options"]]
        self.costs = {o["id"]: o.get("cost_fen") for o in definition["options"]}
        self.counts = dict.fromkeys(self.ids, 0)
        self.blank = 0
        self.check_own_rules()

    def check_own_rules(self):
        """Check the rules that only this method has."""

    def need_rule(self, name, low, *, optional=False):
        value = self.rules.get(name)
        absent = optional and name not in self.rules
        need_field(absent or is_int(value, low), "rules." + name, value)

    def seats(self):
        return self.rules.get("seats", 0)

    # --- ballots ---

    def check_choice(self, choice):
        raise NotImplementedError

    def need_ids(self, choice):
        good = isinstance(choice, list) and all(isinstance(item, str) for item in choice)
        good = good and len(set(choice)) == len(choice) and set(choice) <= set(self.ids)
        need_field(good, "choice", choice)

    def add(self, choice):
        if choice == self.empty:
            self.blank += 1
        for option in [choice] if isinstance(choice, str) else choice:
            self.counts[option] += 1

    def add_paper(self, paper):
        """Add the totals of an opened box of paper ballots (secret polls)."""
        self.blank += paper["blank"]
        for option, number in paper["totals"].items():
            self.counts[option] += number

    def check_paper(self, filled, totals):
        """Check what `filled` paper ballots, blanks apart, can add up to; one choice each here."""
        need(
            sum(totals.values()) == filled,
            "纸质票合计对不上",
            "the paper totals do not add up to the paper ballots",
        )

    def take_stated(self, result):
        """Start from the stated counts where the ballots may no longer be opened."""
        counts = result.get("counts")
        good = isinstance(counts, dict) and set(counts) == set(self.ids)
        need_field(good and all(is_int(n) for n in counts.values()), "counts", counts)
        self.counts = dict(counts)
        if "blank" in self.keys:
            need_field(is_int(result.get("blank"), 0), "blank", result.get("blank"))
            self.blank = result["blank"]

    def check_stated(self, ballots):
        """Check that stated counts are possible at all for so many ballots."""
        good = all(0 <= n <= ballots - self.blank for n in self.counts.values())
        need(good, "声明的票数不可能", "the stated counts are impossible for so many ballots")

    # --- result ---

    def supporters(self, option):
        """Count the heads in favour of an option, which agreement tests compare."""
        return self.counts[option]

    def agreed(self, option, electors):
        if self.counts[option] <= 0:
            return False
        base = {"electorate": electors.heads, "participants": electors.participants}
        tests = self.rules["agreement"]
        return all(passes(test, self.supporters(option), base[test["of"]]) for test in tests)

    def winners(self, eligible):
        """Give winners and tied: the most votes take the seats, a tie at the last is declared."""
        seats = self.seats()
        ranked = sorted(eligible, key=lambda option: -self.counts[option])
        if len(ranked) <= seats:
            return ranked, []
        last = self.counts[ranked[seats]]
        above = [option for option in ranked if self.counts[option] > last]
        if len(above) == seats:
            return above, []
        return above, [option for option in ranked if self.counts[option] == last]

    def participation(self, electors):
        tests = self.rules["participation"]
        return [passes(test, electors.participants, electors.heads) for test in tests]

    def result(self, electors, stated):
        """Compute what `poll.closed` must state; `stated` serves for areas alone."""
        tests = self.participation(electors)
        found, tied = [], []
        if all(tests) and self.seats():
            found, tied = self.winners([o for o in self.ids if self.agreed(o, electors)])
        outcome = "tie" if tied else "decided"
        result = {
            "counts": self.counts,
            "tests": tests,
            "outcome": outcome if all(tests) else "no_quorum",
            "winners": sorted(found, key=by_bytes),
            "tied": sorted(tied, key=by_bytes),
        }
        if "blank" in self.keys:
            result["blank"] = self.blank
        return result

    def check_resolution(self, result, winners):
        """Check that the winners of a resolved tie fill exactly the seats left."""
        need(
            len(winners) == self.seats() - len(result["winners"]),
            "tie.resolved 没有正好补满空缺",
            "tie.resolved does not fill exactly the seats left",
        )


class YesNo(Method):
    """同意 / 反对 / 弃权: a threshold, by heads, by area, or both."""

    keys = ("area",)

    def __init__(self, definition):
        super().__init__(definition)
        self.by_area = any(test["unit"] == "area" for test in tests_of(self.rules))
        self.area = None  # sums by choice, where the weights are open
        self.electorate_area = None
        self.silent = 0
        self.side = None

    def check_own_rules(self):
        need(
            set(self.ids) == {"yes", "no", "abstain"},
            "选项必须是 yes、no、abstain",
            "the options must be yes, no and abstain",
        )
        need(self.rules["agreement"], "没有同意的条件", "needs at least one agreement test")

    def check_choice(self, choice):
        need_field(isinstance(choice, str) and choice in self.counts, "choice", choice)

    def open_areas(self, total):
        self.area = {"yes": 0, "no": 0, "abstain": 0, "silent": 0}
        self.electorate_area = total

    def add_area(self, choice, area):
        self.area[choice] += area

    def check_stated(self, ballots):
        total = sum(self.counts.values()) - (self.silent if self.side else 0)
        good = total == ballots and all(n >= 0 for n in self.counts.values())
        if self.side:
            other = "no" if self.side == "yes" else "yes"
            good = good and self.counts[self.side] - self.silent > self.counts[other]
        need(good, "声明的票数不可能", "the stated counts are impossible for so many ballots")

    def join_silent(self, silent, *, counted):
        """从多: the silent join whichever of yes and no has more heads before; if equal, neither.

        `counted` tells whether `counts` are our own, before joining, or the stated ones, after.
        """
        self.silent = silent
        yes, no = self.counts["yes"], self.counts["no"]
        if counted:
            self.side = "yes" if yes > no else "no" if no > yes else None
            if self.side:
                self.counts[self.side] += silent
                if self.area:
                    self.area[self.side] += self.area.pop("silent")
        else:
            # Stated counts have the silent in them already, on the larger side.
            self.side = None if yes == no else "yes" if yes > no else "no"

    def areas(self, stated):
        """Give the area sums: our own where weights are open, else the stated ones, looked over."""
        if self.area is not None:
            sums = {name: self.area[name] for name in ("yes", "no", "abstain")}
            return dict(sums, electorate=self.electorate_area)
        area = stated.get("area")
        names = ("electorate", "yes", "no", "abstain")
        good = isinstance(area, dict) and all(is_int(area.get(name), 0) for name in names)
        need_field(good, "area", area)
        sums = {name: area[name] for name in names}
        need(
            sums["yes"] + sums["no"] + sums["abstain"] <= sums["electorate"],
            "面积合计超过总面积",
            "the areas add up to more than that of the electorate",
        )
        need(
            all(sums[name] == 0 for name in self.ids if self.counts[name] == 0),
            "没有票的选项却有面积",
            "an option without votes has an area",
        )
        return sums

    def participating_area(self, areas):
        """Sum up the participants' area; None where silent ones joined neither side unseen."""
        total = areas["yes"] + areas["no"] + areas["abstain"]
        if not self.silent or self.side:
            return total
        return None if self.area is None else total + self.area["silent"]

    def bases(self, electors, areas):
        heads = {
            "x": self.counts["yes"],
            "electorate": electors.heads,
            "participants": electors.participants,
            "yes_no": self.counts["yes"] + self.counts["no"],
        }
        if areas is None:
            return {"heads": heads}
        area = {
            "x": areas["yes"],
            "electorate": areas["electorate"],
            "participants": self.participating_area(areas),
            "yes_no": areas["yes"] + areas["no"],
        }
        return {"heads": heads, "area": area}

    def result(self, electors, stated):
        areas = self.areas(stated) if self.by_area else None
        bases = self.bases(electors, areas)
        tests = []
        for test in self.rules["participation"]:
            base = bases[test["unit"]]
            tests.append(self.one(test, base["participants"], base["electorate"], stated, tests))
        quorum = all(tests)
        for test in self.rules["agreement"]:
            base = bases[test["unit"]]
            tests.append(self.one(test, base["x"], base[test["of"]], stated, tests))
        outcome = "passed" if all(tests) else "rejected"
        result = {
            "counts": self.counts,
            "tests": tests,
            "outcome": outcome if quorum else "no_quorum",
        }
        return dict(result, area=areas) if self.by_area else result

    @staticmethod
    def one(test, x, base, stated, before):
        """Do one test; take its stated outcome where an area is not to be known from outside."""
        if x is not None and base is not None:
            return passes(test, x, base)
        tests = stated.get("tests")
        good = isinstance(tests, list) and len(tests) > len(before)
        return good and tests[len(before)] is True


class Single(Method):
    """One option per ballot."""

    keys = ("winners", "tied")

    def check_own_rules(self):
        self.need_rule("seats", 1, optional=True)

    def seats(self):
        return self.rules.get("seats", 1)

    def check_choice(self, choice):
        need_field(isinstance(choice, str) and choice in self.counts, "choice", choice)

    def check_stated(self, ballots):
        good = sum(self.counts.values()) == ballots and min(self.counts.values()) >= 0
        need(good, "声明的票数不可能", "the stated counts are impossible for so many ballots")


class Choose(Method):
    """Up to k options per ballot; the empty list is 均不同意."""

    empty = []

    def check_own_rules(self):
        self.need_rule("k", 1)
        self.need_rule("seats", 1)

    def check_choice(self, choice):
        self.need_ids(choice)
        limit = self.rules.get("k", len(self.ids))
        need(
            len(choice) <= limit,
            "选了 %d 项，最多 %d 项" % (len(choice), limit),
            "%d options chosen, at most %d allowed" % (len(choice), limit),
        )

    def check_paper(self, filled, totals):
        limit = min(self.rules.get("k", len(self.ids)), len(self.ids))
        total = sum(totals.values())
        good = filled <= total <= limit * filled and all(n <= filled for n in totals.values())
        need(good, "纸质票合计不可能", "the paper totals are impossible for so many ballots")


class Score(Method):
    """A number for each option; ids may be left out."""

    keys = ("winners", "tied", "blank", "raters")
    empty = {}

    def __init__(self, definition):
        super().__init__(definition)
        self.raters = dict.fromkeys(self.ids, 0)
        self.paper_filled = 0

    def check_own_rules(self):
        self.need_rule("min", -MAX_INT)
        self.need_rule("max", self.rules["min"])
        self.need_rule("seats", 1, optional=True)

    def check_choice(self, choice):
        low, high = self.rules["min"], self.rules["max"]
        good = isinstance(choice, dict) and set(choice) <= set(self.ids)
        need_field(good and all(is_int(n, low, high) for n in choice.values()), "choice", choice)

    def add(self, choice):
        if not choice:
            self.blank += 1
        for option, points in choice.items():
            self.counts[option] += points
            self.raters[option] += 1

    def add_paper(self, paper):
        super().add_paper(paper)
        self.paper_filled = paper["ballots"] - paper["blank"]

    def check_paper(self, filled, totals):
        low, high = min(0, self.rules["min"]), max(0, self.rules["max"])
        good = all(low * filled <= n <= high * filled for n in totals.values())
        need(good, "纸质票合计不可能", "the paper totals are impossible for so many ballots")

    def take_stated(self, result):
        super().take_stated(result)
        self.raters = dict.fromkeys(self.ids, 0)
        self.paper_filled = MAX_INT

    def check_stated(self, ballots):
        low, high = self.rules["min"], self.rules["max"]
        good = all(
            0 <= self.raters[o] <= ballots - self.blank
            and low * self.raters[o] <= self.counts[o] <= high * self.raters[o]
            for o in self.ids
        )
        need(good, "声明的票数不可能", "the stated counts are impossible for so many ballots")

    def take_raters(self, stated):
        """Paper totals do not tell how many rated: then the stated figure counts, within bounds."""
        raters = stated.get("raters")
        good = isinstance(raters, dict) and set(raters) == set(self.ids)
        good = good and all(
            is_int(raters[o], self.raters[o], self.raters[o] + self.paper_filled) for o in self.ids
        )
        need_field(good, "raters", raters)
        self.raters = dict(raters)

    def supporters(self, option):
        return self.raters[option]

    def result(self, electors, stated):
        if self.paper_filled:
            self.take_raters(stated)
        return dict(super().result(electors, stated), raters=self.raters)


class Budget(Choose):
    """Options with costs share a budget, by votes downwards."""

    def check_own_rules(self):
        self.need_rule("budget_fen", 0)
        self.need_rule("k", 1, optional=True)
        within = self.rules.get("ballot_within_budget", False)
        need_field(isinstance(within, bool), "rules.ballot_within_budget", within)
        for option in self.ids:
            need_field(is_int(self.costs[option], 0), "cost_fen (%s)" % option, self.costs[option])

    def cost(self, options):
        return sum(self.costs[option] for option in options)

    def seats(self):
        return 1  # There are no seats; 1 only says that there are winners.

    def check_choice(self, choice):
        super().check_choice(choice)
        if self.rules.get("ballot_within_budget"):
            need(
                self.cost(choice) <= self.rules["budget_fen"],
                "所选项目超过总预算",
                "the chosen options cost more than the budget",
            )

    def winners(self, eligible):
        left, found = self.rules["budget_fen"], []
        for votes in sorted({self.counts[option] for option in eligible}, reverse=True):
            group = [o for o in eligible if self.counts[o] == votes and self.costs[o] <= left]
            if self.cost(group) > left:
                return found, group
            found += group
            left -= self.cost(group)
        return found, []

    def check_resolution(self, result, winners):
        left = self.rules["budget_fen"] - self.cost(result["winners"]) - self.cost(winners)
        others = set(result["tied"]) - set(winners)
        need(
            winners and left >= 0 and all(self.costs[o] > left for o in others),
            "tie.resolved 与剩下的预算不符",
            "tie.resolved does not fit the budget that was left",
        )


METHODS = {"yes_no": YesNo, "single": Single, "choose": Choose, "score": Score, "budget": Budget}
OWN_KEYS = ("area", "winners", "tied", "blank", "raters")


# =============================================================================================
# 9. One poll, from its opening to its end
# =============================================================================================

NOTHING = object()
REASONS = ("late", "second_channel", "invalid")


class Ballot:
    """One version of a voter's ballot."""

    __slots__ = ("channel", "choice", "hour", "line", "seq")

    def __init__(self, seq, hour):
        self.seq, self.hour = seq, hour
        self.choice = self.channel = NOTHING


class Poll:
    """A poll as the log tells it; each `on_…` takes one entry and raises Wrong."""

    def __init__(self, ident, entry, record):
        self.id, self.seq = ident, entry["seq"]
        self.record, self.report, self.archive = record, record.report, record.archive
        self.data = entry["data"]
        self.opened_at = record.at
        self.closed = self.closed_seq = None
        self.annulled = self.erased = False
        self.usable = False
        self.method = None
        self.ballots = {}
        self.counted = None
        self.logged = set()
        self.batch = None
        self.first_choice_opened = None
        self.resolved = None
        self.weight_commitments = None
        self.weights = None
        self.area_opening = None
        self.expected = None
        self.missing = []
        self.partly_opened = 0
        self.silent = None
        self.unproved_second = []
        self.verdict = None

    # --- opening ---

    def on_opened(self):
        data = self.data
        check_definition(data)
        self.closes_at = time_of(data["closes_at"], "closes_at")
        need(
            time_of(data["opens_at"], "opens_at") <= self.opened_at,
            "开启早于 opens_at",
            "poll.opened stands before opens_at",
        )
        need(
            self.opened_at < self.closes_at,
            "开启不早于 closes_at",
            "poll.opened does not lie before closes_at",
        )
        self.rules = data["rules"]
        self.heads = data["electorate"]["heads"]
        self.by_area = data["electorate"]["area_c"] is not None
        self.secret = data["secrecy"] == "secret"
        if data["method"] in METHODS:
            self.method = METHODS[data["method"]](data)
        else:
            self.report.cannot(
                self.where(),
                "不会重数这种计票方法 %s" % shown(data["method"]),
                "this verifier cannot count the method %s" % shown(data["method"]),
            )
        self.usable = True

    def where(self, seq=None):
        return "entries.jsonl seq %d (poll:%s)" % (self.seq if seq is None else seq, self.id)

    def file(self, kind):
        return "polls/%s.%s" % (self.id, kind)

    def read_files(self):
        """Read what lies beside the log: ballot text, electorate, weights."""
        for kind, read in (
            ("text.json", self.read_text),
            ("voters.jsonl", self.read_voters),
            ("weights.jsonl", self.read_weights),
        ):
            try:
                read(self.file(kind))
            except Wrong as problem:
                self.report.wrong(self.file(kind), problem.zh, problem.en)

    def read_text(self, name):
        text = canonical_bytes(parse(self.archive.small(name)))
        need(
            sha256(text).hex() == self.data["text_sha256"],
            "与记录里的 text_sha256 不符",
            "does not have the text_sha256 of poll.opened",
        )

    def read_voters(self, name):
        tree, last = Tree(), b""
        keep = self.by_area and self.file("weights.jsonl") in self.archive.files
        self.weight_commitments = {} if keep else None
        for number, raw in self.archive.lines(name):
            try:
                leaf = parse_canonical(raw)
                self.take_voter(leaf)
                need(raw > last, "没有排序，或重复", "not sorted, or there twice")
            except Wrong as problem:
                zh, en = "第 %d 行：%s" % (number, problem.zh), "line %d: %s" % (number, problem.en)
                self.report.wrong(name, zh, en)
            last = raw
            tree.add(leaf_hash(raw))
        need(
            tree.size == self.heads,
            "有 %d 人，记录里写的是 %d" % (tree.size, self.heads),
            "has %d voters, poll.opened says %d" % (tree.size, self.heads),
        )
        need(
            tree.root().hex() == self.data["electorate"]["voters_root"],
            "名册的树根与记录不符",
            "does not have the voters_root of poll.opened",
        )

    def take_voter(self, leaf):
        need(
            isinstance(leaf, dict) and set(leaf) == {"voter", "weight"},
            "不是 {voter, weight}",
            "is not exactly {voter, weight}",
        )
        voter, weight = leaf["voter"], leaf["weight"]
        need_field(is_voter(voter), "voter", voter)
        need_field(is_hex(weight) if self.by_area else weight is None, "weight", weight)
        other = self.record.voters.setdefault(voter, self.id)
        need(
            other == self.id,
            "这个代号在投票 %s 里也出现" % other,
            "this voter reference occurs in poll %s too" % other,
        )
        if self.weight_commitments is not None:
            self.weight_commitments[voter] = weight

    def read_weights(self, name):
        if name not in self.archive.files:
            return
        need(self.by_area, "没有按面积的条件，不应有此文件", "no test is by area, so no such file")
        weights = {}
        for number, raw in self.archive.lines(name):
            try:
                self.take_weight(parse(raw), weights)
            except Wrong as problem:
                raise Wrong(
                    "第 %d 行：%s" % (number, problem.zh), "line %d: %s" % (number, problem.en)
                ) from None
        need(
            len(weights) == self.heads,
            "有 %d 人，应为 %d" % (len(weights), self.heads),
            "has %d voters instead of %d" % (len(weights), self.heads),
        )
        self.weights = weights

    def take_weight(self, line, weights):
        need(isinstance(line, dict), "不是 JSON 对象", "is not a JSON object")
        voter, salt, value = line.get("voter"), line.get("salt"), line.get("value")
        need_field(is_voter(voter) and voter in self.weight_commitments, "voter", voter)
        need_field(voter not in weights, "voter", voter)
        need_field(is_hex(salt), "salt", salt)
        need_field(is_int(value, 0), "value", value)
        need(
            commitment(salt, value) == self.weight_commitments[voter],
            "与名册里的承诺不符",
            "does not open the commitment in the electorate",
        )
        weights[voter] = value

    def need_voter(self, voter):
        need(
            is_voter(voter) and self.record.voters.get(voter) == self.id,
            "代号 %s 不在本次投票的名册里" % shown(voter),
            "voter %s is not in the electorate of this poll" % shown(voter),
        )

    # --- while it runs ---

    def need_running(self):
        need(not self.annulled, "投票已作废", "the poll was annulled before")
        need(self.closed is None, "投票已关闭", "the poll was closed before")

    def need_hour(self):
        need(
            self.record.at >= self.opened_at - self.opened_at % HOUR,
            "选票的时间早于开启",
            "the ballot's hour lies before that of poll.opened",
        )

    def on_cast(self, entry):
        self.need_running()
        need(not self.secret, "无记名投票里不应有这样的记录", "no such entry in a secret poll")
        data = entry["data"]
        need(entry["actor"] == "voter", "actor 应为 voter", "actor must be voter")
        need(entry["actor_c"] is not None, "缺少 actor_c", "actor_c is missing")
        for name in ("choice", "channel"):
            need(name in entry["private"], "private 缺少 %s" % name, "private lacks %s" % name)
        self.need_voter(data.get("voter"))
        self.need_hour()
        versions = self.ballots.setdefault(data["voter"], [])
        versions.append(Ballot(entry["seq"], self.record.at))
        version = data.get("version")
        need(
            is_int(version) and version == len(versions),
            "版本号是 %s，应为 %d" % (shown(version), len(versions)),
            "version is %s, must be %d" % (shown(version), len(versions)),
        )

    def on_logged(self, entry):
        need(not self.annulled, "投票已作废", "the poll was annulled before")
        data = entry["data"]
        voter, reason = data.get("voter", NOTHING), data.get("reason")
        need(entry["actor"] == "voter", "actor 应为 voter", "actor must be voter")
        need(entry["private"] == {}, "private 应为空", "private must be empty")
        need_field(reason in REASONS, "reason", reason)
        self.need_hour()
        if voter is not None:
            self.need_voter(voter)
            need(
                (voter, reason) not in self.logged,
                "同一人同一原因记了两次",
                "this voter and reason are there already",
            )
            self.logged.add((voter, reason))
        if reason == "late":
            hour = self.closes_at - self.closes_at % HOUR
            need(self.record.at >= hour, "并未晚于截止的钟点", "late, but before the closing hour")
        if reason == "second_channel":
            self.need_ballot(voter, entry["seq"])

    def need_ballot(self, voter, seq):
        """A second channel needs a first: in a secret poll only the closing shows it."""
        if self.secret and self.counted is None and voter is not None:
            self.unproved_second.append((voter, seq))
            return
        having = self.ballots if self.counted is None else self.counted
        need(voter in having, "此人没有有效选票", "this voter has no counted ballot")

    def on_batch(self, entry):
        self.need_running()
        need(self.secret, "记名投票里不应有这样的记录", "no such entry in a named poll")
        need(self.batch is None, "第二次出现", "is there a second time")
        self.need_hour()
        data = entry["data"]
        commitments, voters = data.get("commitments"), data.get("voters")
        paper = data.get("paper", NOTHING)
        need_field(is_sorted_set(commitments, is_hex), "commitments", type(commitments).__name__)
        need_field(is_sorted_set(voters, is_voter), "voters", type(voters).__name__)
        for voter in voters:
            self.need_voter(voter)
        self.check_paper(paper)
        ballots = len(commitments) + (paper["ballots"] if paper else 0)
        need(
            len(voters) == ballots,
            "%d 人投票，却有 %d 张票" % (len(voters), ballots),
            "%d voters but %d ballots" % (len(voters), ballots),
        )
        self.batch = {"commitments": commitments, "voters": frozenset(voters), "paper": paper}

    def check_paper(self, paper):
        if paper is None:
            return
        need_field(isinstance(paper, dict), "paper", type(paper).__name__)
        ballots, blank, totals = paper.get("ballots"), paper.get("blank"), paper.get("totals")
        need_field(is_int(ballots, 0), "paper.ballots", ballots)
        need_field(is_int(blank, 0, ballots), "paper.blank", blank)
        ids = {option["id"] for option in self.data["options"]}
        good = isinstance(totals, dict) and set(totals) <= ids
        need_field(good and all(is_int(n) for n in totals.values()), "paper.totals", totals)
        if self.data["method"] != "score":
            need_field(all(n >= 0 for n in totals.values()), "paper.totals", totals)
        if self.method:
            self.method.check_paper(ballots - blank, totals)

    def check_second(self, entry):
        """Extending, ending early and annulling take a reason and two persons, in two roles."""
        data = entry["data"]
        need_field(is_name(data.get("reason")), "reason", data.get("reason"))
        need_field(is_name(data.get("second")), "second", data.get("second"))
        need(
            data["second"] != entry["actor"],
            "两个人的角色相同",
            "the second person has the same role as the first",
        )
        need("second" in entry["private"], "缺少第二人的承诺", "private lacks second")
        need(entry["actor_c"] is not None, "缺少 actor_c", "actor_c is missing")

    def on_extended(self, entry):
        self.need_running()
        self.check_second(entry)
        later = time_of(entry["data"].get("closes_at"), "closes_at")
        need(later > self.closes_at, "没有比原截止时间晚", "is not later than the old closes_at")
        need(
            self.record.at < self.closes_at,
            "延长时已过原截止时间",
            "stands after the old closes_at",
        )
        self.closes_at = later

    def on_ended_early(self, entry):
        self.need_running()
        self.check_second(entry)
        earlier = time_of(entry["data"].get("closes_at"), "closes_at")
        need(
            earlier < self.closes_at, "没有比原截止时间早", "is not earlier than the old closes_at"
        )
        need(
            earlier >= self.record.at,
            "新的截止时间在这条记录之前",
            "the new closes_at lies before this entry",
        )
        self.closes_at = earlier

    def on_annulled(self, entry):
        need(not self.annulled, "已经作废过", "was annulled before")
        self.check_second(entry)
        self.annulled = True

    # --- closing: turnout, silent, result ---

    def on_closed(self, entry):
        self.need_running()
        data = self.closed = entry["data"]
        self.closed_seq = entry["seq"]
        need(
            self.record.at >= self.closes_at, "早于截止时间", "poll.closed stands before closes_at"
        )
        need(
            not self.secret or self.batch is not None,
            "无记名投票没有 ballot.batch",
            "a secret poll is closed without ballot.batch",
        )
        need_field(isinstance(data.get("result"), dict), "result", data.get("result"))
        # Openings were read beside the ballots, so that everything is at hand; after this
        # only who has a counted ballot is kept.
        counting = self.counting()
        self.counted = self.batch["voters"] if self.secret else frozenset(counting)
        for voter, seq in self.unproved_second:
            if voter not in self.counted:
                zh = "此人没有有效选票"
                self.report.wrong(self.where(seq), zh, "this voter has no counted ballot")
        self.stated_ballots(counting)
        self.check_turnout(data, counting)
        silent = self.check_silent(data)
        if self.method:
            self.count(counting, silent)

    def counting(self):
        """Pick the version that counts of every voter: the highest, late phone ballots apart."""
        found, unknown = {}, 0
        for voter, versions in self.ballots.items():
            for ballot in versions:
                late = ballot.hour >= self.closes_at
                unknown += late and ballot.channel is NOTHING
                if not (late and ballot.channel == "phone"):
                    found[voter] = ballot
        if unknown:
            self.report.limit(
                "投票 %s：%d 张票的钟点不早于截止时间；没有公开渠道，不能核对是不是手机票"
                % (self.id, unknown),
                "poll %s: %d ballots have an hour not before closes_at; their channel is not"
                " opened, so it cannot be checked that none is a phone ballot" % (self.id, unknown),
            )
        return found

    def stated_ballots(self, counting):
        """Check which choices are open: the highest version of everyone, and no other."""
        opened = 0
        for voter, versions in self.ballots.items():
            last, counts = versions[-1], counting.get(voter)
            for ballot in versions:
                if ballot.choice is NOTHING:
                    if ballot is last or ballot is counts:
                        self.missing.append(ballot.seq)
                elif ballot is not last and ballot is not counts:
                    self.report.wrong(
                        self.where(ballot.seq),
                        "公开了已被替换的选票",
                        "the choice of a replaced version is opened",
                    )
            opened += last.channel is not NOTHING
        if opened:
            self.record.restricted = True
        self.partly_opened = opened if 0 < opened < len(self.ballots) else 0

    def channels(self, counting):
        """Count ballots by channel where that can be known, else None."""
        if self.secret:
            paper = self.batch["paper"]
            number = paper["ballots"] if paper else 0
            return {"paper": number, "phone": len(self.batch["commitments"])}
        found = {"paper": 0, "phone": 0}
        for ballot in counting.values():
            if ballot.channel is NOTHING:
                return None
            found[ballot.channel] += 1
        return found

    def check_turnout(self, data, counting):
        turnout = data.get("turnout")
        need_field(isinstance(turnout, dict), "turnout", turnout)
        total = turnout.get("total")
        self.total = len(self.counted)
        if not (is_int(total) and total == self.total):
            self.report.wrong(
                self.where(self.closed_seq),
                "重数参加 %d，声明 %s" % (self.total, shown(total)),
                "turnout is %d, stated %s" % (self.total, shown(total)),
            )
        self.check_channels(turnout.get("by_channel", NOTHING), self.channels(counting))

    def check_channels(self, stated, found):
        small = found is not None and any(n in SMALL_CELL for n in found.values())
        where = self.where(self.closed_seq)
        if stated is None:
            if found is not None and self.total and not small:
                self.report.wrong(where, "by_channel 应当写出", "by_channel must be stated")
            return
        good = isinstance(stated, dict) and all(
            is_int(stated.get(name), 0) for name in ("paper", "phone")
        )
        if not good:
            self.report.wrong(where, "by_channel 的值不对", "by_channel is not valid")
            return
        cells = {name: stated[name] for name in ("paper", "phone")}
        if any(n in SMALL_CELL for n in cells.values()):
            zh, en = "by_channel 有小于 20 的格，应为 null", "by_channel has a cell of 1 to 19"
            self.report.wrong(where, zh, en)
        if sum(cells.values()) != self.total or found not in (None, cells):
            zh = "by_channel 与重数不符"
            self.report.wrong(where, zh, "by_channel is not what the recount gives")

    def check_silent(self, data):
        """Look over the list of those who were served and silent; None where it is wrong."""
        if self.rules["silence"] != "majority":
            need("silent" not in data, "规则没有从多，不应有 silent", "no silence rule, yet silent")
            return []
        silent = data.get("silent")
        need_field(is_sorted_set(silent, is_voter), "silent", type(silent).__name__)
        for voter in silent:
            self.need_voter(voter)
            need(
                voter not in self.counted,
                "silent 里的 %s 投了票" % voter,
                "%s is listed as silent but has a ballot" % voter,
            )
        return silent

    def add_ballots(self, counting):
        """Add every opened choice that counts; an invalid one is a problem, not a vote."""
        for voter, ballot in counting.items():
            if ballot.choice is NOTHING:
                continue
            try:
                self.method.check_choice(ballot.choice)
            except Wrong as problem:
                self.report.wrong(self.where(ballot.seq), problem.zh, problem.en)
                continue
            self.method.add(ballot.choice)
            if self.areas_open():
                self.method.add_area(ballot.choice, self.weights[voter])

    def areas_open(self):
        return self.by_area and not self.secret and self.weights is not None

    def count(self, counting, silent):
        if self.areas_open():
            self.method.open_areas(sum(self.weights.values()))
            self.method.area["silent"] += sum(self.weights[voter] for voter in silent)
        if self.secret:
            self.count_box()
        else:
            self.add_ballots(counting)
        self.silent = silent

    def count_box(self):
        """Count the opened box: its commitments are exactly those of `ballot.batch`."""
        name = self.file("box.jsonl")
        closed = set(self.batch["commitments"])
        if name in self.archive.files:
            for number, raw in self.archive.lines(name):
                try:
                    self.take_from_box(parse(raw), closed)
                except Wrong as problem:
                    zh = "第 %d 行：%s" % (number, problem.zh)
                    self.report.wrong(name, zh, "line %d: %s" % (number, problem.en))
        self.missing = ["box"] * len(closed)
        if self.batch["paper"]:
            self.method.add_paper(self.batch["paper"])

    def take_from_box(self, line, closed):
        need(
            isinstance(line, dict) and "value" in line, "不是 {salt, value}", "is not {salt, value}"
        )
        need_field(is_hex(line.get("salt")), "salt", line.get("salt"))
        secret = {"id", "row", "row_id", "voter", "seq"} & set(line)
        need(
            not secret, "带有能认出选票的编号", "carries a reference that shows whose ballot it is"
        )
        found = commitment(line["salt"], line["value"])
        need(
            found in closed,
            "不在 ballot.batch 的承诺里，或重复",
            "opens no commitment of ballot.batch, or does so twice",
        )
        closed.remove(found)
        self.method.check_choice(line["value"])
        self.method.add(line["value"])

    # --- after closing ---

    def need_closed(self):
        need(self.closed is not None, "投票还没有关闭", "the poll is not closed yet")

    def on_resolved(self, entry):
        self.need_closed()
        data, result = entry["data"], self.closed["result"]
        rule, winners = data.get("rule"), data.get("winners")
        need(self.resolved is None, "第二次出现", "is there a second time")
        need(
            rule == self.rules["tie"] and rule != "declare",
            "不是事先公布的规则",
            "the rule is not the one announced in rules.tie",
        )
        need_field(is_sorted_set(winners, is_name), "winners", winners)
        tied, before = result.get("tied"), result.get("winners")
        need(
            is_sorted_set(tied, is_name) and tied and is_sorted_set(before, is_name),
            "没有并列，不需要决定",
            "there was no tie to resolve",
        )
        ids = {option["id"] for option in self.data["options"]}
        need_field(set(tied) <= ids and set(before) <= ids, "tied", tied)
        need(set(winners) < set(tied), "winners 不在并列的选项里", "winners are not among the tied")
        self.resolved = winners
        if self.method:
            self.method.check_resolution(result, winners)

    def on_result(self, entry):
        self.need_closed()
        data = entry["data"]
        if "result" in data:
            need(
                same(data["result"], self.closed.get("result")),
                "重复的结果与 poll.closed 不同",
                "the result it repeats is not that of poll.closed",
            )

    def on_erased(self, _entry):
        need(
            self.closed is not None or self.annulled,
            "投票没有结束，不能销毁",
            "openings are erased before the poll has ended",
        )
        self.erased = True

    # --- openings of this poll's entries ---

    def take_choice(self, voter, opening):
        if self.first_choice_opened is None:
            self.first_choice_opened = opening
        self.ballots[voter][-1].choice = opening.value

    def take_channel(self, voter, opening):
        need_field(opening.value in ("phone", "paper"), "channel", opening.value)
        self.ballots[voter][-1].channel = opening.value
        self.record.restricted = True

    def take_area(self, opening):
        need(self.by_area, "没有按面积的条件", "no test is by area")
        need_field(is_int(opening.value, 0), "area_c", opening.value)
        self.area_opening = opening.value
        self.record.restricted = True

    # --- the end of the archive ---

    def finish(self):
        """Compare everything that only the whole log decides."""
        for check in (
            self.check_poll_file,
            self.check_openings,
            self.check_weights,
            self.check_checkpoint,
            self.recount,
        ):
            try:
                check()
            except Wrong as problem:
                self.report.wrong(self.where(self.closed_seq), problem.zh, problem.en)
        self.report.polls.extend(self.summary())

    def check_poll_file(self):
        name = self.file("json")
        try:
            value = parse(self.archive.small(name))
            need(isinstance(value, dict), "不是 JSON 对象", "is not a JSON object")
            for part, entry in (("definition", self.data), ("result", self.closed)):
                need(
                    part in value and same(value[part], entry),
                    "%s 与记录不符" % part,
                    "%s is not what the log says" % part,
                )
        except Wrong as problem:
            self.report.wrong(name, problem.zh, problem.en)

    def check_openings(self):
        opening = self.first_choice_opened
        if self.closed is None and opening is not None:
            self.record.openings.wrong(
                opening,
                "投票没有关闭，选择不应公开",
                "a choice is opened in a poll that is not closed",
            )
        box = self.file("box.jsonl")
        if box in self.archive.files and not (self.usable and self.secret and self.closed):
            zh = "只有关闭了的无记名投票才有这个文件"
            self.report.wrong(box, zh, "only a closed secret poll has this file")
        if self.usable and self.missing and not self.erased:
            named = self.missing[0] != "box"
            first = "seq %d" % self.missing[0] if named else box
            raise Wrong(
                "%d 张有效选票没有公开选择（首先是 %s）" % (len(self.missing), first),
                "%d counted ballots are not opened (first: %s)" % (len(self.missing), first),
            )
        if self.closed is not None and self.usable and self.partly_opened and not self.erased:
            raise Wrong(
                "只公开了一部分选票的渠道（%d）" % self.partly_opened,
                "the channel of only some ballots (%d) is opened" % self.partly_opened,
            )

    def check_weights(self):
        if not self.usable or not self.by_area:
            return
        if self.weights is not None and self.area_opening is not None:
            total = sum(self.weights.values())
            need(
                total == self.area_opening,
                "面积合计 %d，area_c 是 %d" % (total, self.area_opening),
                "the weights add up to %d, area_c opens to %d" % (total, self.area_opening),
            )
        elif not self.erased:
            need(
                self.weights is None and self.area_opening is None,
                "weights.jsonl 和 area_c 只公开了一样",
                "only one of weights.jsonl and the opening of area_c is there",
            )

    def check_checkpoint(self):
        end = self.record.count if self.closed_seq is None else self.closed_seq
        need(
            any(self.seq < size <= end for size in self.record.checkpoints.roots),
            "没有一个校验点落在开启之后、关闭之前",
            "no checkpoint covers the opening and not the closing",
        )

    def recount(self):
        """Count again and compare with what `poll.closed` states."""
        if self.method is None or self.counted is None or self.silent is None:
            return
        method, stated = self.method, self.closed["result"]
        if self.missing and not self.erased:
            return
        if self.missing:
            method.take_stated(stated)
        electors = Electors(self.heads, self.total)
        if self.rules["silence"] == "majority":
            electors.participants += len(self.silent)
            method.join_silent(len(self.silent), counted=not self.missing)
        self.expected = method.result(electors, stated)
        if self.missing:
            method.check_stated(self.total)
        self.compare(stated)
        if self.by_area and method.area is None:
            self.report.limit(
                "投票 %s：面积没有公开，面积条件按声明的合计核对" % self.id,
                "poll %s: areas are not open; tests by area were done on the stated sums" % self.id,
            )

    def compare(self, stated):
        good = True
        for key, value in self.expected.items():
            if key == "area" and isinstance(stated.get(key), dict):
                found = {name: stated[key].get(name) for name in value}
            else:
                found = stated.get(key, NOTHING)
            if found is NOTHING or not same(found, value):
                good = False
                said = "-" if found is NOTHING else canonical(found)
                self.report.wrong(
                    self.where(self.closed_seq),
                    "%s 重数是 %s，声明是 %s" % (key, shown(canonical(value)), shown(said)),
                    "%s is %s, stated %s" % (key, shown(canonical(value)), shown(said)),
                )
        for key in OWN_KEYS:
            if key in stated and key not in self.expected:
                good = False
                self.report.wrong(
                    self.where(self.closed_seq),
                    "这种方法的结果里不应有 %s" % key,
                    "a result of this method has no %s" % key,
                )
        self.verdict = good

    # --- what the report says ---

    def state(self):
        if self.annulled:
            return "已作废 annulled"
        return "进行中 still open" if self.closed is None else "已关闭 closed"

    def summary(self):
        title, method = shown(self.data.get("title")), shown(self.data.get("method"))
        yield "%s 《%s》 %s · %s" % (self.id, title, method, self.state())
        if self.closed is None:
            if self.usable:
                yield "    已投 so far: %d / %d" % (len(self.ballots), self.heads)
            return
        result = self.closed.get("result")
        turnout = self.closed.get("turnout")
        result = result if isinstance(result, dict) else {}
        total = turnout.get("total") if isinstance(turnout, dict) else None
        if self.expected is None:
            yield "    没有重数 / not recounted；声明 stated: %s" % shown(canonical(result))
            return
        yield "    参加 turnout: 重数 recounted %d · 声明 stated %s" % (self.total, shown(total))
        for key in self.expected:
            said = result.get(key, NOTHING)
            yield "    %s: 重数 recounted %s · 声明 stated %s" % (
                key,
                shown(canonical(self.expected[key])),
                "-" if said is NOTHING else shown(canonical(said)),
            )
        yield "    " + self.verdict_words()
        if self.resolved is not None:
            yield "    并列已按规则决定 / tie resolved: %s" % shown(canonical(self.resolved))

    def verdict_words(self):
        if not self.verdict:
            return "重数不一致 / the recount does not agree"
        if self.missing:
            return (
                "选票保存期已满、已销毁，只能由声明的票数推算，推算一致 / ballots erased after their"
                " retention period: only derived from the stated counts, which agree"
            )
        return "重数一致 / the recount agrees"


# =============================================================================================
# 10. The log, from top to bottom
# =============================================================================================

ENTRY_KEYS = (
    "v",
    "log",
    "seq",
    "at",
    "kind",
    "subject",
    "actor",
    "actor_c",
    "data",
    "private",
    "prev",
)
NEVER_OPENED = ("actor_c", "second")
NOT_BEHIND = ("poll.opened", "poll.closed")
ROUNDED = ("ballot.", "checkin.")
MINUTE = 60
RESULTS = ("result.published", "result.final")

POLL_ACTS = {
    "ballot.cast": Poll.on_cast,
    "ballot.logged": Poll.on_logged,
    "ballot.batch": Poll.on_batch,
    "poll.extended": Poll.on_extended,
    "poll.ended_early": Poll.on_ended_early,
    "poll.annulled": Poll.on_annulled,
    "poll.closed": Poll.on_closed,
    "tie.resolved": Poll.on_resolved,
    "openings.erased": Poll.on_erased,
}


class Record:
    """`entries.jsonl`, read once; holds the polls and who may vote in which."""

    FILE = "entries.jsonl"

    def __init__(self, archive, report, log, checkpoints, openings):
        self.archive, self.report, self.log = archive, report, log
        self.checkpoints, self.openings = checkpoints, openings
        self.tree = Tree()
        self.polls = {}
        self.voters = {}
        self.count = 0
        self.ballots = 0
        self.at = 0
        self.latest = None
        self.restricted = False

    def read(self):
        prev = FIRST_PREV
        self.checkpoints.compare(self.tree)
        try:
            for _number, raw in self.archive.lines(self.FILE):
                openings = self.openings.of(self.count)
                self.one(raw, prev, openings)
                leaf = leaf_hash(raw)
                prev = leaf.hex()
                self.tree.add(leaf)
                self.count += 1
                self.checkpoints.compare(self.tree)
        except Wrong as problem:
            self.report.wrong(self.FILE, problem.zh, problem.en)
        self.openings.finish()
        self.checkpoints.finish(self.count)
        for poll in self.polls.values():
            poll.finish()

    def one(self, raw, prev, openings):
        """Check one line: its form, its place in the chain, what it does, what opens it."""
        line = self.count + 1
        where = "%s 第 %d 行 / line %d (seq %d)" % (self.FILE, line, line, self.count)
        entry = None
        try:
            found = parse_canonical(raw)
            self.check_form(found)
            entry = found
            need(
                entry["prev"] == prev,
                "prev 不是上一条的哈希，链断在这里",
                "prev is not the leaf hash of the entry before: the chain breaks here",
            )
        except Wrong as problem:
            self.report.wrong(where, problem.zh, problem.en)
        if entry is None:
            for opening in openings:
                self.openings.wrong(opening, "对应的记录读不了", "its entry cannot be read")
            return
        poll = None
        try:
            poll = self.act(entry)
        except Wrong as problem:
            words = "%s：%s" % (shown(entry["kind"]), problem.zh)
            self.report.wrong(where, words, "%s: %s" % (shown(entry["kind"]), problem.en))
        if self.latest is None or self.at > self.latest:
            self.latest = self.at
        for opening in openings:
            try:
                self.open(entry, poll, opening)
            except Wrong as problem:
                self.openings.wrong(opening, problem.zh, problem.en)

    def check_form(self, entry):
        need(isinstance(entry, dict), "不是 JSON 对象", "is not a JSON object")
        for key in ENTRY_KEYS:
            need(key in entry, "缺少 %s" % key, "lacks %s" % key)
        need_field(is_int(entry["v"]) and entry["v"] == 1, "v", entry["v"])
        need(
            entry["log"] == self.log,
            "log 是 %s，清单里是 %s" % (shown(entry["log"]), shown(self.log)),
            "log is %s, manifest.json says %s" % (shown(entry["log"]), shown(self.log)),
        )
        need(
            is_int(entry["seq"]) and entry["seq"] == self.count,
            "seq 是 %s，应为 %d" % (shown(entry["seq"]), self.count),
            "seq is %s, must be %d" % (shown(entry["seq"]), self.count),
        )
        for key in ("kind", "subject", "actor"):
            need_field(is_name(entry[key]), key, entry[key])
        actor_c, private = entry["actor_c"], entry["private"]
        need_field(actor_c is None or is_hex(actor_c), "actor_c", actor_c)
        need_field(isinstance(entry["data"], dict), "data", entry["data"])
        good = isinstance(private, dict) and all(is_hex(value) for value in private.values())
        need_field(good, "private", private)
        need_field(is_hex(entry["prev"]), "prev", entry["prev"])
        self.at = time_of(entry["at"], "at")
        if entry["kind"].startswith(ROUNDED):
            need(
                self.at % HOUR == 0,
                "时间没有取整到小时",
                "at is not rounded down to the hour: %s" % entry["at"],
            )

    def act(self, entry):
        """Do what an entry does to its poll, and give that poll, or None."""
        kind = entry["kind"]
        if kind in NOT_BEHIND and self.latest is not None:
            need(
                self.at >= self.latest - MINUTE,
                "比前面的时间倒退了超过 60 秒",
                "is more than 60 s behind the latest time before it",
            )
        if kind == "poll.opened":
            return self.open_poll(entry)
        if kind in POLL_ACTS:
            poll = self.poll_of(entry)
            self.ballots += kind == "ballot.cast"
            if poll.usable:
                POLL_ACTS[kind](poll, entry)
                return poll
        elif kind in RESULTS or (kind.startswith("result.") and self.is_about_poll(entry)):
            poll = self.poll_of(entry)
            if poll.usable:
                poll.on_result(entry)
        return None

    def is_about_poll(self, entry):
        ident = entry["data"].get("poll")
        return isinstance(ident, str) and ident in self.polls

    def poll_of(self, entry):
        ident = entry["data"].get("poll")
        need_field(is_poll_id(ident), "data.poll", ident)
        need(
            entry["subject"] == "poll:" + ident,
            "subject 应为 poll:%s" % ident,
            "subject must be poll:%s" % ident,
        )
        need(ident in self.polls, "投票 %s 没有开启过" % ident, "poll %s was never opened" % ident)
        return self.polls[ident]

    def open_poll(self, entry):
        ident = entry["data"].get("poll")
        need_field(is_poll_id(ident), "data.poll", ident)
        need(
            ident not in self.polls,
            "投票 %s 已经开启过" % ident,
            "poll %s was opened before" % ident,
        )
        poll = self.polls[ident] = Poll(ident, entry, self)
        need(
            entry["subject"] == "poll:" + ident,
            "subject 应为 poll:%s" % ident,
            "subject must be poll:%s" % ident,
        )
        poll.on_opened()
        poll.read_files()
        return poll

    def open(self, entry, poll, opening):
        """Match one opening with the commitment it claims to open."""
        name = opening.name
        need(opening.seq == entry["seq"], "没有按 seq 排序", "not ordered by seq")
        need(
            name not in NEVER_OPENED,
            "%s 涉及个人，永不公开" % name,
            "%s is about a person and must never be opened" % name,
        )
        area = entry["kind"] == "poll.opened" and name == "area_c"
        if area:
            electorate = entry["data"].get("electorate")
            stated = electorate.get("area_c") if isinstance(electorate, dict) else None
        else:
            stated = entry["private"].get(name)
        need(stated is not None, "这条记录没有这个承诺", "the entry has no such commitment")
        need(
            opening.opens(stated),
            "盐和值与承诺不符",
            "salt and value do not give the commitment in the log",
        )
        self.use(entry, poll, opening, area)

    @staticmethod
    def use(entry, poll, opening, area):
        if poll is None:
            return
        if area:
            poll.take_area(opening)
        elif entry["kind"] == "ballot.cast":
            voter = entry["data"]["voter"]
            if opening.name == "choice":
                poll.take_choice(voter, opening)
            elif opening.name == "channel":
                poll.take_channel(voter, opening)


# =============================================================================================
# 11. The command
# =============================================================================================


def check_stray_files(archive, record):
    """Refuse files that look like a poll's but belong to none, and oddly named checkpoints."""
    for name in archive.files:
        match = POLL_FILE.fullmatch(name)
        if match and match.group(1) not in record.polls:
            record.report.wrong(name, "记录里没有这个投票", "the log has no such poll")
        elif match and match.group(2) == "weights.jsonl":
            record.restricted = True


def say_limits(report, *, record, outside_keys, outside_checkpoint, signatures):
    """Say what an archive that passes still does not prove."""
    if not signatures:
        zh = "没有核对签名：谁都可以另造一份前后一致的档案"
        report.limit(zh, "signatures were not checked: anybody could make a consistent archive")
    if not outside_keys:
        zh = "公钥取自档案本身，不能证明是谁签的；请从别处取得公钥，用 --keys 核对"
        en = "the key came from the archive itself and proves nothing; get it elsewhere (--keys)"
        report.limit(zh, en)
    if not outside_checkpoint:
        zh = (
            "没有用外面的校验点：掌握数据库和真钥匙的人可以替沉默的住户补一票；"
            "请用公告、收据上的校验点核对（--checkpoint）"
        )
        en = (
            "no checkpoint from outside: whoever holds the database and the true key can add a"
            " ballot for someone who was silent; use one from a notice or receipt (--checkpoint)"
        )
        report.limit(zh, en)
    if record.restricted:
        zh = "这是受限档案（含渠道或面积），请勿公开"
        report.limit(zh, "this is a restricted export (channels or areas are open): keep it so")
    else:
        zh = "渠道没有公开，按渠道的分计没有重数"
        report.limit(zh, "channels are not opened, so turnout by channel was not recounted")
    zh = "代号背后是哪一户、纸质票何时交来、谁在场，档案里没有，不能核对"
    en = "who stands behind a voter reference and when paper was handed in are not in the archive"
    report.limit(zh, en)
    zh = "tables/ 和说明文件只核对了哈希，没有核对内容；档案里的核对程序不要用，请另取"
    en = (
        "tables and readable files: only their hashes were checked; do not use a verifier that"
        " came inside the archive"
    )
    report.limit(zh, en)


def load_keys(archive, report, path):
    """Take the keys from outside if given, else from the archive; None where unreadable."""
    inside = None
    try:
        inside = read_keys(archive.small("keys.json"))
    except Wrong as problem:
        report.wrong("keys.json", problem.zh, problem.en)
    if path is None:
        return inside
    try:
        keys = read_keys(read_outside(path))
    except Wrong as problem:
        raise CannotCheck(
            "--keys 的文件不对：%s" % problem.zh, "the file of --keys is not valid: %s" % problem.en
        ) from None
    known = {(key.name, key.raw) for key in keys}
    if inside and not known & {(key.name, key.raw) for key in inside}:
        zh = "档案里的公钥与您给的不同"
        report.limit("keys.json: " + zh, "the archive's keys are not the ones you gave")
    return keys


def check_archive(report, path, keys_path, checkpoint_path, signatures):
    archive = Archive(path, report)
    try:
        manifest = Manifest(archive, report)
    except Wrong as problem:
        report.wrong("manifest.json", problem.zh, problem.en)
        report.cannot(
            "manifest.json", "没有清单，不继续", "without a manifest the check stops here"
        )
        return
    keys = load_keys(archive, report, keys_path)
    with_cryptography = signatures and Ed25519PublicKey is not None
    if signatures and not with_cryptography:
        zh = "没有安装 cryptography，签名未核对（或加 --without-signatures）"
        en = "cryptography is not installed, so no signature was checked (--without-signatures)"
        report.cannot("checkpoints/", zh, en)
    checkpoints = Checkpoints(archive, report, keys, manifest.log, with_cryptography)
    if checkpoint_path is not None:
        checkpoints.take_outside(checkpoint_path)
    openings = Openings(archive, report)
    record = Record(archive, report, manifest.log, checkpoints, openings)
    record.read()
    if manifest.size != record.count:
        zh = "size 是 %d，记录有 %d 条" % (manifest.size, record.count)
        en = "size is %d, the log has %d entries" % (manifest.size, record.count)
        report.wrong("manifest.json", zh, en)
    check_stray_files(archive, record)
    say_what_was_done(report, archive, record, with_cryptography)
    say_limits(
        report,
        record=record,
        outside_keys=keys_path is not None,
        outside_checkpoint=checkpoint_path is not None,
        signatures=with_cryptography,
    )


def say_what_was_done(report, archive, record, with_cryptography):
    checkpoints = record.checkpoints
    report.did(
        "%d 个文件的 SHA-256" % (len(archive.files) - 1),
        "SHA-256 of %d files" % (len(archive.files) - 1),
    )
    report.did(
        "%d 条记录：写法、编号、哈希链；树根 %s" % (record.count, record.tree.root().hex()),
        "%d entries: form, numbers, hash chain, root" % record.count,
    )
    report.did(
        "%d 个校验点，来源 %s" % (len(checkpoints.roots), shown(checkpoints.origin)),
        "%d checkpoints and their consistency" % len(checkpoints.roots),
    )
    if with_cryptography:
        number = checkpoints.signatures
        report.did("%d 个签名" % number, "%d signatures" % number)
    report.did(
        "%d 个投票，%d 次投票记录，%d 个公开的承诺"
        % (len(record.polls), record.ballots, record.openings.count),
        "%d polls, %d ballot entries, %d openings"
        % (len(record.polls), record.ballots, record.openings.count),
    )


def verify(path, keys=None, checkpoint=None, *, signatures=True):
    """Check an archive and give a Report; never raises on what an archive may hold."""
    report = Report(path)
    try:
        check_archive(report, path, keys, checkpoint, signatures)
    except CannotCheck as problem:
        report.cannot(shown(str(path)), problem.zh, problem.en)
    except MemoryError:
        report.cannot(shown(str(path)), "内存不够", "not enough memory")
    except Exception as problem:  # A hostile archive must end in a sentence, not in a traceback.
        name = type(problem).__name__
        zh = "核对程序没料到的内容（%s）" % name
        report.cannot(shown(str(path)), zh, "content this verifier did not expect (%s)" % name)
    return report


class Parser(argparse.ArgumentParser):
    """Argument mistakes are 'could not check', with the usage in both languages."""

    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(NOT_CHECKED, "参数不对 / wrong arguments: %s\n" % message)


def main(argv=None):
    """Run the command; gives the exit code."""
    parser = Parser(description="核对共商记录档案 / Check an archive of the consultation record")
    parser.add_argument("zip", metavar="ZIP", help="record-<log>-<size>.zip")
    parser.add_argument("--keys", metavar="F", help="另外取得的公钥 / keys.json from elsewhere")
    parser.add_argument("--checkpoint", metavar="F", help="手里的旧校验点 / a checkpoint you hold")
    parser.add_argument(
        "--without-signatures", action="store_true", help="不核对签名 / leave signatures unchecked"
    )
    try:
        given = parser.parse_args(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else NOT_CHECKED
    report = verify(
        given.zip, given.keys, given.checkpoint, signatures=not given.without_signatures
    )
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # A console that lacks a character gets a "?".
            stream.reconfigure(errors="replace")
    for line in report.lines():
        print(line)
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())

"""A stream of bytes, encrypted in pieces, so that nothing of it can be lost, swapped or changed.

Source: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-
Encryption and its Nonce-Reuse Misuse-Resistance, 2015) as the `age` format uses it: pieces of
64 KiB, ChaCha20-Poly1305, a nonce of an 11-byte counter and one byte that is 1 for the last piece
alone. Each file has a key of its own, derived from the key file and from the whole clear header,
so that a header that was touched opens nothing.
"""

from __future__ import annotations

import base64
import io
import json
import os
import secrets
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.canonical import CROCKFORD, crockford_clean
from app.core.errors import RuleBroken

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Buffer

MAGIC = b"linyi-backup\n"
FORMAT = 1
CHUNK = 64 * 1024
TAG = 16
KEY_BYTES = 32
HEADER_MOST = 4096
# 52 characters of 5 bits hold the 256 bits of a key, with four to spare.
KEY_CHARACTERS = 52
GROUP = 4


@dataclass(frozen=True, slots=True)
class Header:
    """What stands in clear at the head of a file. `key_id` tells keys apart and gives none away."""

    version: str
    created_at: str
    key_id: str
    salt: str
    format: int = FORMAT


# --- keys ----------------------------------------------------------------------------------------


def make_key(path: Path) -> None:
    """Write a new key to a file of the caller's alone, in letters that can be copied by hand.

    Raises: RuleBroken keeping.key_exists, keeping.key_unwritable.
    """
    text = key_text(secrets.token_bytes(KEY_BYTES))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise RuleBroken("keeping.key_exists", path=str(path)) from error
    except OSError as error:
        raise RuleBroken("keeping.key_unwritable", path=str(path)) from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")


def key_text(key: bytes) -> str:
    """A key as people write it down: groups of four characters that cannot be mistaken."""
    number = int.from_bytes(key, "big")
    letters = "".join(CROCKFORD[(number >> (5 * at)) & 31] for at in reversed(range(52)))
    return "-".join(letters[at : at + GROUP] for at in range(0, KEY_CHARACTERS, GROUP))


def key_from_text(text: str) -> bytes | None:
    """The key that somebody typed; None when it is none."""
    clean = crockford_clean(text)
    if len(clean) != KEY_CHARACTERS:
        return None
    number = 0
    for character in clean:
        number = number * 32 + CROCKFORD.index(character)
    return None if number >> (8 * KEY_BYTES) else number.to_bytes(KEY_BYTES, "big")


def read_key(path: Path | None) -> bytes:
    """The key of an installation's backups.

    Raises: RuleBroken keeping.no_key_setting, keeping.no_key, keeping.bad_key.
    """
    if path is None:
        raise RuleBroken("keeping.no_key_setting")
    try:
        key = key_from_text(path.read_text(encoding="ascii", errors="replace"))
    except OSError as error:
        raise RuleBroken("keeping.no_key", path=str(path)) from error
    if key is None:
        raise RuleBroken("keeping.bad_key", path=str(path))
    return key


def key_id(key: bytes) -> str:
    """Sixteen hex digits that name a key."""
    return _derived(key, None, b"linyi-backup key id")[:8].hex()


def _derived(key: bytes, salt: bytes | None, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(key)


def _nonce(counter: int, *, last: bool) -> bytes:
    return counter.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


# --- writing -------------------------------------------------------------------------------------


class Sealer(io.RawIOBase):
    """Encrypts what is written to it. Only `finish` makes the file whole."""

    def __init__(self, raw: IO[bytes], key: bytes, version: str, created_at: str) -> None:
        super().__init__()
        salt = secrets.token_bytes(KEY_BYTES)
        header = {
            "format": FORMAT,
            "version": version,
            "created_at": created_at,
            "key_id": key_id(key),
            "salt": base64.b64encode(salt).decode(),
        }
        clear = MAGIC + json.dumps(header).encode() + b"\n"
        raw.write(clear)
        self._raw = raw
        self._cipher = ChaCha20Poly1305(_derived(key, salt, clear))
        self._held = bytearray()
        self._counter = 0

    def writable(self) -> bool:
        """It is for writing alone."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Take more of the plain bytes; whole pieces go out, the last one waits."""
        piece = bytes(data)
        self._held += piece
        # One piece is always held back: only `finish` knows which one is the last.
        while len(self._held) > CHUNK:
            self._put(bytes(self._held[:CHUNK]), last=False)
            del self._held[:CHUNK]
        return len(piece)

    def finish(self) -> None:
        """Write the last piece, marked as such."""
        self._put(bytes(self._held), last=True)
        self._held.clear()

    def _put(self, piece: bytes, *, last: bool) -> None:
        self._raw.write(self._cipher.encrypt(_nonce(self._counter, last=last), piece, None))
        self._counter += 1


# --- reading -------------------------------------------------------------------------------------


class Opener(io.RawIOBase):
    """Decrypts a file piece by piece. No byte comes out that was not found whole.

    Raises: RuleBroken keeping.not_a_backup, keeping.newer_format, keeping.other_key; and, while
    reading, keeping.damaged.
    """

    def __init__(self, raw: IO[bytes], key: bytes) -> None:
        super().__init__()
        self.header, clear = read_header(raw)
        if self.header.key_id != key_id(key):
            raise RuleBroken("keeping.other_key", created_at=self.header.created_at)
        salt = base64.b64decode(self.header.salt)
        self._raw = raw
        self._cipher = ChaCha20Poly1305(_derived(key, salt, clear))
        self._next = raw.read(CHUNK + TAG)
        self._plain = b""
        self._counter = 0
        self._ended = False

    def readable(self) -> bool:
        """It is for reading alone."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Give the next plain bytes; 0 at the marked end, and never before it."""
        while not self._plain and not self._ended:
            self._plain = self._piece()
        view = memoryview(buffer).cast("B")
        given = self._plain[: len(view)]
        view[: len(given)] = given
        self._plain = self._plain[len(given) :]
        return len(given)

    def _piece(self) -> bytes:
        sealed, self._next = self._next, self._raw.read(CHUNK + TAG)
        self._ended = not self._next
        nonce = _nonce(self._counter, last=self._ended)
        self._counter += 1
        try:
            return self._cipher.decrypt(nonce, sealed, None)
        except (InvalidTag, ValueError) as error:
            raise RuleBroken("keeping.damaged", piece=self._counter) from error


def read_header(raw: IO[bytes]) -> tuple[Header, bytes]:
    """The clear header and its very bytes.

    Raises: RuleBroken keeping.not_a_backup, keeping.newer_format.
    """
    magic, line = raw.read(len(MAGIC)), raw.readline(HEADER_MOST)
    try:
        if magic != MAGIC or not line.endswith(b"\n"):
            raise ValueError("no header")  # noqa: TRY301 -- one way out for all that is no header
        found = json.loads(line)
        if int(found["format"]) > FORMAT:
            raise RuleBroken("keeping.newer_format", version=str(found.get("version", "")))
        header = Header(**{name: found[name] for name in Header.__dataclass_fields__})
        base64.b64decode(header.salt, validate=True)
    except (ValueError, TypeError, KeyError) as error:
        raise RuleBroken("keeping.not_a_backup") from error
    return header, magic + line

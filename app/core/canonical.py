"""The record's arithmetic: canonical JSON, commitments, leaves, trees, signed notes. Pure.

Source: RFC 8785 (canonical JSON), RFC 6962 section 2.1 (trees), C2SP tlog-checkpoint and
signed-note; `docs/record-format.md` says exactly which parts format 1 uses.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NO_HASH = "0" * 64
LARGEST = 2**53 - 1


def canonical(value: object) -> bytes:
    """RFC 8785 bytes of a value made of objects, arrays, strings, integers, booleans and null.

    Raises: ValueError for floats and for integers beyond ±(2^53 - 1).
    """
    return _text(value).encode()


def _text(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, dict):
        return _object(value)
    raise ValueError(f"the record knows no {type(value).__name__}")


def _integer(value: int) -> str:
    if abs(value) > LARGEST:
        raise ValueError("integer beyond the record's range")
    return str(value)


def _object(value: Mapping[str, object]) -> str:
    # RFC 8785 sorts keys by UTF-16 code units, which differs from code points beyond the BMP.
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return (
        "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{_text(value[k])}" for k in keys) + "}"
    )


def commitment(salt: bytes, value: object) -> str:
    """Hex SHA-256(0x02 ‖ salt ‖ canonical value)."""
    return hashlib.sha256(b"\x02" + salt + canonical(value)).hexdigest()


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ canonical entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def push(frontier: list[bytes | None], leaf: bytes) -> list[bytes | None]:
    """The tops of the complete subtrees after one more leaf; position = height, None = absent."""
    grown = list(frontier)
    carry = leaf
    for height, top in enumerate(grown):
        if top is None:
            grown[height] = carry
            return grown
        carry, grown[height] = node_hash(top, carry), None
    grown.append(carry)
    return grown


def root_of(frontier: Sequence[bytes | None]) -> bytes:
    """The RFC 6962 root over all leaves that were pushed."""
    root: bytes | None = None
    for top in frontier:
        if top is not None:
            root = top if root is None else node_hash(top, root)
    return hashlib.sha256(b"").digest() if root is None else root


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """The RFC 6962 root over leaf hashes in order."""
    frontier: list[bytes | None] = []
    for leaf in leaves:
        frontier = push(frontier, leaf)
    return root_of(frontier)


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of leaf `index` in the tree over `leaves` (RFC 6962 section 2.1.1)."""
    if not 0 <= index < len(leaves):
        raise ValueError("no such leaf")
    if len(leaves) == 1:
        return []
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return [*inclusion_proof(leaves[:split], index), tree_root(leaves[split:])]
    return [*inclusion_proof(leaves[split:], index - split), tree_root(leaves[:split])]


def note_body(origin: str, size: int, root: bytes) -> str:
    """The text of a checkpoint that its signature covers."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def key_id(name: str, public_key: bytes) -> bytes:
    """First four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)."""
    return hashlib.sha256(name.encode() + b"\n\x01" + public_key).digest()[:4]


def signed_note(body: str, name: str, public_key: bytes, signature: bytes) -> str:
    """A note with its one signature line."""
    mark = base64.b64encode(key_id(name, public_key) + signature).decode()
    return f"{body}\n\u2014 {name} {mark}\n"


CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def crockford(data: bytes) -> str:
    """Crockford base32 of bytes whose number of bits is a multiple of five."""
    number = int.from_bytes(data, "big")
    length = len(data) * 8 // 5
    return "".join(CROCKFORD[(number >> (5 * place)) & 31] for place in reversed(range(length)))


def check_code(leaf: bytes) -> str:
    """The receipt's check code: the leaf's first 80 bits, 16 characters in four groups."""
    plain = crockford(leaf[:10])
    return "-".join(plain[start : start + 4] for start in range(0, 16, 4))


def crockford_clean(text: str) -> str:
    """What people type, as the alphabet knows it: upper case, O is 0, I and L are 1."""
    kept = text.upper().translate(str.maketrans("OIL", "011"))
    return "".join(character for character in kept if character in CROCKFORD)

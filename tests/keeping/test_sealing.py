"""A sealed file opens whole or not at all."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import RuleBroken
from app.keeping import sealing

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))
PIECE = sealing.CHUNK + sealing.TAG
SIZES = st.one_of(
    st.integers(0, 300),
    st.sampled_from([sealing.CHUNK * n + d for n in (1, 2, 3) for d in (-1, 0, 1)]),
)


def sealed(plain: bytes, key: bytes = KEY) -> bytes:
    out = io.BytesIO()
    sealer = sealing.Sealer(out, key, "0.1.0", "2026-05-20T02:03:00Z")
    for at in range(0, len(plain), 50_000):
        sealer.write(plain[at : at + 50_000])
    sealer.finish()
    return out.getvalue()


def opened(data: bytes, key: bytes = KEY) -> bytes:
    return sealing.Opener(io.BytesIO(data), key).read()


def pattern(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def start_of(data: bytes) -> int:
    """Where the clear header ends."""
    return data.index(b"\n", len(sealing.MAGIC)) + 1


@given(SIZES)
@settings(max_examples=60, deadline=None)
def test_what_is_sealed_opens_as_it_was(size: int) -> None:
    assert opened(sealed(pattern(size))) == pattern(size)


@given(SIZES, st.data())
@settings(max_examples=150, deadline=None)
def test_a_truncated_file_is_found_out(size: int, data: st.DataObject) -> None:
    whole = sealed(pattern(size))
    boundaries = [at for at in range(start_of(whole), len(whole), PIECE) if at]
    cut = data.draw(
        st.one_of(st.integers(0, len(whole) - 1), st.sampled_from([*boundaries, len(whole) - 1]))
    )
    with pytest.raises(RuleBroken):
        opened(whole[:cut])


@given(SIZES, st.data())
@settings(max_examples=150, deadline=None)
def test_one_flipped_bit_is_found_out(size: int, data: st.DataObject) -> None:
    whole = bytearray(sealed(pattern(size)))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(RuleBroken):
        opened(bytes(whole))


@given(st.permutations(range(4)))
@settings(max_examples=30, deadline=None)
def test_swapped_repeated_or_left_out_pieces_are_found_out(order: list[int]) -> None:
    plain = pattern(sealing.CHUNK * 4)
    whole = sealed(plain)
    head = start_of(whole)
    pieces = [whole[at : at + PIECE] for at in range(head, len(whole), PIECE)]
    assert len(pieces) == 4
    mixed = whole[:head] + b"".join(pieces[at] for at in order)
    if order == [0, 1, 2, 3]:
        assert opened(mixed) == plain
    else:
        with pytest.raises(RuleBroken):
            opened(mixed)
    for wrong in (pieces[:2] + pieces[3:], [pieces[0], *pieces], [*pieces, pieces[3]]):
        with pytest.raises(RuleBroken):
            opened(whole[:head] + b"".join(wrong))


def test_pieces_of_another_file_do_not_fit() -> None:
    plain = pattern(sealing.CHUNK * 2)
    one, two = sealed(plain), sealed(plain)
    assert one != two
    head = start_of(one)
    with pytest.raises(RuleBroken, match="damaged"):
        opened(one[: head + PIECE] + two[head + PIECE :])


def test_a_changed_header_opens_nothing() -> None:
    whole = sealed(b"x" * 100)
    with pytest.raises(RuleBroken, match="damaged"):
        opened(whole.replace(b"2026-05-20", b"2027-05-20"))
    with pytest.raises(RuleBroken, match="newer_format"):
        opened(whole.replace(b'"format": 1', b'"format": 2'))
    for nonsense in (b"", b"PK\x03\x04", sealing.MAGIC, sealing.MAGIC + b"[]\n", whole[:-1] + b"!"):
        with pytest.raises(RuleBroken):
            opened(nonsense)


def test_another_key_is_told_from_a_damaged_file() -> None:
    with pytest.raises(RuleBroken, match="other_key"):
        opened(sealed(b"x"), bytes(32))


@given(st.binary(min_size=32, max_size=32))
def test_a_key_can_be_copied_by_hand(key: bytes) -> None:
    text = sealing.key_text(key)
    assert sealing.key_from_text(text) == key
    assert sealing.key_from_text(text.lower().replace("-", " ").replace("0", "o")) == key


def test_a_key_file_is_its_owners_alone_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "safe" / "backup.key"
    sealing.make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(sealing.read_key(path)) == 32
    before = path.read_bytes()
    with pytest.raises(RuleBroken, match="key_exists"):
        sealing.make_key(path)
    assert path.read_bytes() == before
    with pytest.raises(RuleBroken, match="key_unwritable"):
        sealing.make_key(path / "below" / "a-file")


def test_what_is_no_key_is_said(tmp_path: Path) -> None:
    with pytest.raises(RuleBroken, match="no_key_setting"):
        sealing.read_key(None)
    with pytest.raises(RuleBroken, match="no_key"):
        sealing.read_key(tmp_path / "missing")
    bad = tmp_path / "bad"
    bad.write_text("Z" * 52, encoding="ascii")
    with pytest.raises(RuleBroken, match="bad_key"):
        sealing.read_key(bad)
    bad.write_text("short", encoding="ascii")
    with pytest.raises(RuleBroken, match="bad_key"):
        sealing.read_key(bad)


def test_memory_stays_flat() -> None:
    import tracemalloc

    class Nowhere(io.RawIOBase):
        def write(self, data: object) -> int:
            return len(data)  # type: ignore[arg-type]

    sealer = sealing.Sealer(Nowhere(), KEY, "0.1.0", "2026-05-20T02:03:00Z")  # type: ignore[arg-type]
    tracemalloc.start()
    for _ in range(256):
        sealer.write(bytes(128 * 1024))
    sealer.finish()
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()

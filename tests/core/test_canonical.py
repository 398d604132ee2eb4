"""The record's arithmetic against known values and against a second way of computing them."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import canonical as c
from app.exports import verify_record

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-c.LARGEST, c.LARGEST) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_both_programs_write_the_same_bytes(value: object) -> None:
    assert c.canonical(value).decode("utf-8", "surrogatepass") == verify_record.canonical(value)
    assert json.loads(c.canonical(value)) == value


def test_keys_are_sorted_by_utf16_code_units() -> None:
    # U+10000 is written with surrogates, which come before U+FFFD.
    assert (
        c.canonical({"\ufffd": 1, "\U00010000": 2, "a": 3}).decode()
        == '{"a":3,"\U00010000":2,"\ufffd":1}'
    )


@pytest.mark.parametrize("value", [1.5, float("nan"), 2**53, -(2**53), {1}, b"x"])
def test_the_record_knows_no_floats_and_no_large_numbers(value: object) -> None:
    with pytest.raises(ValueError):
        c.canonical(value)


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return c.node_hash(naive_root(leaves[:split]), naive_root(leaves[split:]))


@given(st.integers(0, 70))
def test_the_growing_root_is_the_root_of_the_rfc(size: int) -> None:
    leaves = [c.leaf_hash(bytes([n])) for n in range(size)]
    assert c.tree_root(leaves) == naive_root(leaves)


@given(st.integers(1, 60), st.data())
def test_an_inclusion_proof_leads_to_the_root(size: int, data: st.DataObject) -> None:
    leaves = [c.leaf_hash(bytes([n])) for n in range(size)]
    index = data.draw(st.integers(0, size - 1))
    path = c.inclusion_proof(leaves, index)
    # RFC 9162, section 2.1.3.2.
    node, last, found = index, size - 1, leaves[index]
    for step in path:
        if node % 2 or node == last:
            found = c.node_hash(step, found)
            while not node % 2 and node:
                node, last = node >> 1, last >> 1
        else:
            found = c.node_hash(found, step)
        node, last = node >> 1, last >> 1
    assert last == 0
    assert found == naive_root(leaves)


def test_there_is_no_proof_of_what_is_not_there() -> None:
    with pytest.raises(ValueError):
        c.inclusion_proof([b"x" * 32], 1)


def test_a_check_code_is_eighty_bits_in_four_groups() -> None:
    code = c.check_code(bytes(range(32)))
    assert code == "000G-40R4-0M30-E209"
    assert c.crockford_clean(code.lower().replace("0", "o")) == code.replace("-", "")

"""Ids: equality of spellings, and preservation of the original spelling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.building import build, ids, span
from tests.support.strategies import unhurried
from tracetui.model.ids import GOLDEN_RATIO, canonical_trace_id, is_hex, span_key, span_keys, span_text
from tracetui.model.span import Flag

usual_ids = st.integers(0, 2**64 - 1).map("{:016x}".format)
any_ids = st.one_of(usual_ids, st.text("0123456789abcdefABCDEF", max_size=18), st.text(max_size=20))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1a2b", "0000000000000000000000000000" + "1a2b"),
        ("1A2B", "1a2b"),
        ("5af7183fb1d4cf5f", "00000000000000005af7183fb1d4cf5f"),
        ("00a", "A"),
    ],
)
def test_spellings_of_one_trace_id_are_equal(one: str, other: str) -> None:
    assert canonical_trace_id(one) == canonical_trace_id(other)
    assert len(canonical_trace_id(one)) == 32


@pytest.mark.parametrize("text", ["", "trace-1", "Trace-1", " 1a", "1a ", "g", "a" * 33, "0x1a", "\u0661", "\ud800"])
def test_other_trace_ids_are_opaque(text: str) -> None:
    assert canonical_trace_id(text) == text


@pytest.mark.parametrize(("one", "other"), [("1", "0000000000000001"), ("AB", "00000000000000ab"), ("0", "")])
def test_spellings_of_one_span_id_are_equal(one: str, other: str) -> None:
    assert span_key(one) == span_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("000000ab00000004", "000000cd00000004"),
        ("span-1", "SPAN-1"),
        (" 1", "1"),
        ("00000000000000001", "1"),
        ("\ud800", "\udc00"),
    ],
)
def test_different_span_ids_differ(one: str, other: str) -> None:
    assert span_key(one) != span_key(other)


@unhurried
@given(st.integers(0, 2**64 - 1))
def test_key_of_a_hex_span_id_is_its_number(number: int) -> None:
    assert span_key(f"{number:x}") == span_key(f"{number:016X}") == number
    assert span_text(number) == f"{number:016x}"


@unhurried
@given(st.one_of(st.lists(any_ids), st.lists(usual_ids), st.lists(st.one_of(usual_ids, st.just("")))))
@example(["00000000 0000001", "00000000000000001"])
@example(["0000000000000001", "000000000000000A"])
def test_many_ids_are_read_like_single_ones(texts: list[str]) -> None:
    keys, odd = span_keys(texts)
    assert keys.dtype == np.uint64
    assert keys.tolist() == [span_key(text) for text in texts]
    # the spelling of every id can be restored
    assert [odd.get(i, span_text(key) if key else "") for i, key in enumerate(keys.tolist())] == [
        "" if text == "0" * 16 else text for text in texts
    ]


@pytest.mark.parametrize(
    ("text", "expected"), [("0aF9", True), ("", False), ("0x1", False), ("１", False), ("a b", False)]
)
def test_is_hex(text: str, expected: bool) -> None:
    assert is_hex(text) is expected


def test_spellings_of_an_id_match_and_are_preserved() -> None:
    traces = build(
        span("AB", 0, 9, trace="00000000000000005AF7183FB1D4CF5F"),
        span("0000000000000001", 1, 2, trace="5af7183fb1d4cf5f", parent="00000000000000ab"),
        span("odd id", 3, 4, trace="5AF7183FB1D4CF5F", parent="ab"),
        span("2", 5, 6, trace="5af7183fb1d4cf5f", parent="odd id"),
    )
    assert traces.trace_ids == ["00000000000000005AF7183FB1D4CF5F"]
    assert ids(traces, range(4)) == ["AB", "0000000000000001", "odd id", "2"]
    assert [traces.parent_id(i) for i in range(4)] == [None, "AB", "AB", "odd id"]
    assert traces.find_trace("5af7183fb1d4cf5f") == 0
    assert traces.find_trace("5af7183fb1d4cf50") is None


def test_ids_that_differ_only_in_high_bits_are_distinct() -> None:
    # many traces leave few bits for ids when both are mixed into one number
    spans = [span(f"{high:08x}00000001", 0, 9, trace=f"{number:x}") for number in range(300) for high in (1, 2)]
    spans += [span("c", 1, 2, trace=f"{number:x}", parent="0000000200000001") for number in range(300)]
    traces = build(*spans)
    assert not traces.flags.any()
    parents = {traces.parent_id(i) for i in range(len(traces)) if traces.span_id(i) == "c"}
    assert parents == {"0000000200000001"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_ids_that_collide_when_hashed_with_their_trace_are_distinct(order: tuple[int, int]) -> None:
    # of the product of an id and the multiplier, a set of one trace drops the lowest bit
    inverse = pow(int(GOLDEN_RATIO), -1, 1 << 64)
    colliding = [f"{product * inverse % (1 << 64):016x}" for product in (8, 9)]
    spans = [span(colliding[i], 10 * i, 90 + i) for i in order]
    traces = build(*spans, span("c", 20, 30, parent=colliding[0]), span("d", 20, 30, parent=colliding[1]), spans[0])
    assert [traces.parent_id(i) for i in range(len(traces)) if traces.parent[i] >= 0] == colliding
    assert (traces.duplicates, traces.flags.tolist()) == ({0: 1}, [Flag.NONE] * 4)

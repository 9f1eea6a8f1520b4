"""Ids: what makes two spellings one id, and that every spelling comes back as it was written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.strategies import unhurried
from tracetui.model.ids import canonical_trace_id, is_hex, span_key, span_keys, span_text

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
def test_spellings_of_one_trace_id_meet(one: str, other: str) -> None:
    assert canonical_trace_id(one) == canonical_trace_id(other)
    assert len(canonical_trace_id(one)) == 32


@pytest.mark.parametrize("text", ["", "trace-1", "Trace-1", " 1a", "1a ", "g", "a" * 33, "0x1a", "\u0661", "\ud800"])
def test_any_other_trace_id_is_an_opaque_text(text: str) -> None:
    assert canonical_trace_id(text) == text


@pytest.mark.parametrize(("one", "other"), [("1", "0000000000000001"), ("AB", "00000000000000ab"), ("0", "")])
def test_spellings_of_one_span_id_meet(one: str, other: str) -> None:
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
def test_different_span_ids_do_not(one: str, other: str) -> None:
    assert span_key(one) != span_key(other)


@unhurried
@given(st.integers(0, 2**64 - 1))
def test_a_hex_span_id_is_its_number(number: int) -> None:
    assert span_key(f"{number:x}") == span_key(f"{number:016X}") == number
    assert span_text(number) == f"{number:016x}"


@unhurried
@given(st.one_of(st.lists(any_ids), st.lists(usual_ids), st.lists(st.one_of(usual_ids, st.just("")))))
@example(["00000000 0000001", "00000000000000001"])
@example(["0000000000000001", "000000000000000A"])
def test_many_ids_are_read_as_each_alone(texts: list[str]) -> None:
    keys, odd = span_keys(texts)
    assert keys.dtype == np.uint64
    assert keys.tolist() == [span_key(text) for text in texts]
    # the spelling of every id can be told again
    assert [odd.get(i, span_text(key) if key else "") for i, key in enumerate(keys.tolist())] == [
        "" if text == "0" * 16 else text for text in texts
    ]


@pytest.mark.parametrize(
    ("text", "expected"), [("0aF9", True), ("", False), ("0x1", False), ("１", False), ("a b", False)]
)
def test_is_hex(text: str, expected: bool) -> None:
    assert is_hex(text) is expected

"""Surplus members of JSON lists and objects are dropped, and nothing else."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.ingest import json_member_limit
from tracetui.ingest.json_member_limit import MAX_MEMBERS, without_surplus

FEW = 3
TEXTS = st.text(st.sampled_from('",[]{}\\:aé'), max_size=6)
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=60
)


def shortened(value: object, window: int) -> Any:
    """Return the value without surplus members, with other limits."""
    text = json.dumps(value, ensure_ascii=False).encode()
    limits: dict[str, Any] = {
        "MAX_MEMBERS": FEW,
        "_MIN_BYTES": 0,
        "_WINDOW": window,
        "_may_have_surplus": lambda _: True,
    }
    with patch.multiple(json_member_limit, **limits):
        surplus = without_surplus(text)
    return value if surplus is None else json.loads(surplus.text)


@given(VALUES)
def test_lists_and_objects_keep_their_first_members(value: object) -> None:
    assert shortened(value, 1) == _first_members(value)


def _first_members(value: object) -> object:
    """Return the value with at most FEW + 1 members of each list and object."""
    if isinstance(value, list):
        return [_first_members(item) for item in value[: FEW + 1]]
    if isinstance(value, dict):
        return {key: _first_members(value[key]) for key in list(value)[: FEW + 1]}
    return value


@given(VALUES, st.integers(2, 64))
def test_windows_of_any_size_drop_only_last_members(value: object, window: int) -> None:
    _assert_shortened(value, shortened(value, window))


def _assert_shortened(before: object, after: object) -> None:
    """Compare a value with one that may have fewer members, but more than FEW."""
    assert type(before) is type(after)
    if isinstance(before, list) and isinstance(after, list):
        assert len(after) == len(before) or FEW < len(after) < len(before)
        for one, other in zip(before, after, strict=False):
            _assert_shortened(one, other)
    elif isinstance(before, dict) and isinstance(after, dict):
        assert list(after) == list(before)[: len(after)]
        _assert_shortened(list(before.values()), list(after.values()))
    else:
        assert before == after


KEYS = b",".join(b'"k%d":%d' % (i, i) for i in range(2 * MAX_MEMBERS))


def test_members_of_other_lists_and_objects_stay() -> None:
    surplus = without_surplus(b'{"a":[1,2],"b":{%b},"c":{"d":[3]},"e":[{%b},4]}' % (KEYS, KEYS))
    assert surplus is not None
    value = json.loads(surplus.text)
    assert (value["a"], value["c"], value["e"][1]) == ([1, 2], {"d": [3]}, 4)
    for crowded in (value["b"], value["e"][0]):
        assert MAX_MEMBERS <= len(crowded) < 1.2 * MAX_MEMBERS


@pytest.mark.parametrize(
    "text",
    [
        b"[%b]" % b",".join([b'{"traceId":"%032x","id":"%016x","name":"a","timestamp":1}' % (1, 1)] * 2 * MAX_MEMBERS),
        b'["%b"]' % (b"1,2,[3,{4," * MAX_MEMBERS),
        b'["%b"]' % (b'\\",' * 2 * MAX_MEMBERS),
        b"[%b]" % b",".join([b"[%b]" % b",".join([b"1"] * 50_000)] * 20),
    ],
    ids=["spans", "text", "quotes in a text", "lists"],
)
def test_other_values_are_left_alone(text: bytes) -> None:
    assert without_surplus(text) is None


def test_end_of_a_damaged_value_is_dropped() -> None:
    begins = b'[{"traceId":"1","id":"2"},{'
    surplus = without_surplus(begins + KEYS)
    assert surplus is not None
    assert surplus.text.startswith(begins)
    assert surplus.first + surplus.size == len(begins + KEYS)

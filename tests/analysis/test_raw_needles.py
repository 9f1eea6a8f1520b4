"""Bytes that raw attributes contain if they contain a word."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import build, span
from tracetui.analysis.raw_needles import needles, raw_test
from tracetui.analysis.span_search import WordSearch
from tracetui.model.span import Attributes

_CASED = "éÉßẞſKİıςΣσǅǆΩΩ"
_TEXTS = st.text(alphabet=_CASED + "abik 🙂支払い…", min_size=1, max_size=6)


@given(text=_TEXTS, around=_TEXTS, start=st.integers(0, 5), stop=st.integers(1, 6), escaped=st.booleans())
def test_raw_json_passes_if_it_contains_the_word(text: str, around: str, start: int, stop: int, escaped: bool) -> None:
    whole = around + text + around
    word = whole.lower()[start : start + stop]
    raw = json.dumps({"key": whole}, ensure_ascii=escaped).encode()
    assert raw_test(word)(raw)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("支払い", ["支払い".encode(), rb"\u652f\u6255\u3044"]),
        ("a🙂", ["🙂".encode(), rb"\ud83d\ude42"]),
        ("café", ["é".encode(), rb"\u00e9", "É".encode(), rb"\u00c9".lower()]),
        ("select", [b"select"]),
        ("tru", []),
        ("\ufffd", []),
        ('""', []),
        ("…日本", ["日本".encode(), rb"\u65e5\u672c"]),
        ("id=1234", [b"1234"]),
        ("count=200.0", [b"count"]),
        ("ok=true", [b"ok"]),
        ("1e+30", []),
    ],
)
def test_needles_of_a_word(word: str, expected: list[bytes]) -> None:
    assert needles(word) == expected


def test_few_spans_are_decoded_for_a_word_beyond_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {5: "ÉTÉ", 9: "été 支払い"}
    traces = build(*(span(f"{i:x}", i, 1, attributes={"note": texts.get(i, "plain")}) for i in range(50)))
    decoded: list[int] = []
    read = type(traces).attributes

    def counted(self: object, number: int) -> Attributes:
        decoded.append(number)
        return read(traces, number)

    monkeypatch.setattr(type(traces), "attributes", counted)
    assert WordSearch(traces, "été").matches(np.arange(50)).nonzero()[0].tolist() == [5, 9]
    assert decoded == [5, 9]

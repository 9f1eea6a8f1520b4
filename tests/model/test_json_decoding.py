"""JSON between parts of the program, which preserves any text."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.model.json_decoding import MalformedError, decode_any, encode_any


class _Inner(msgspec.Struct, tag="inner"):
    names: dict[str, list[str]]
    number: int
    share: float


_DECODER = msgspec.json.Decoder(_Inner | None)
_ANY_TEXT = st.text(st.characters())


@given(st.dictionaries(_ANY_TEXT, st.lists(_ANY_TEXT)), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
def test_encoded_values_are_decoded_unchanged(names: dict[str, list[str]], number: int, share: float) -> None:
    value = _Inner(names, number, share)
    data = encode_any(value)
    assert b"\n" not in data
    assert decode_any(_DECODER, data) == value


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b'"\\udcff"', b'{"type":"inner","names":{},"number":"\\ud800","share":0}', b"[" * 9_000 + b'"\\ud800"'],
)
def test_other_bytes_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_any(_DECODER, data)

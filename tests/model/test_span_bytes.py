"""Reading and searching the raw bytes of many spans in any number of pieces."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tracetui.model import span_bytes as span_bytes_module
from tracetui.model.span_bytes import SpanBytes

_TEXTS = st.lists(st.binary(max_size=6) | st.lists(st.sampled_from([b"a", b"ab", b"b"]), max_size=4).map(b"".join))


@given(
    pieces=st.lists(_TEXTS, min_size=1, max_size=4),
    viewed=st.booleans(),
    needle=st.sampled_from([b"a", b"ab", b"aab", b"ba"]),
    sizes=st.tuples(st.sampled_from([1, 4, 1 << 12]), st.sampled_from([1, 100])),
    chosen=st.randoms(use_true_random=False),
)
def test_single_and_joint_reads_of_stretches_are_equal(
    pieces: list[list[bytes]], viewed: bool, needle: bytes, sizes: tuple[int, int], chosen: random.Random
) -> None:
    wrap: Callable[[bytes], bytes | memoryview] = memoryview if viewed else bytes
    span_bytes = SpanBytes([wrap(b"".join(texts)) for texts in pieces])
    texts = [text for part in pieces for text in part]
    lengths = np.array([len(text) for text in texts], np.int64)
    at = np.cumsum(lengths) - lengths
    rows = [row for row in range(len(texts)) if chosen.random() < 0.7]
    chosen.shuffle(rows)
    before = {
        name: getattr(span_bytes_module, name) for name in ("_WINDOW_BYTES", "_SPARSE", "_NEAR_BYTES", "_BEHIND_BYTES")
    }
    try:
        span_bytes_module._WINDOW_BYTES = span_bytes_module._NEAR_BYTES = sizes[0]
        span_bytes_module._BEHIND_BYTES, span_bytes_module._SPARSE = sizes[0] // 2, sizes[1]
        held = span_bytes.holding(needle, at[rows], lengths[rows])
        read = list(span_bytes.read_each(at[rows], lengths[rows]))
    finally:
        for name, value in before.items():
            setattr(span_bytes_module, name, value)
    assert held.tolist() == [needle in texts[row] for row in rows]
    assert read == [texts[row] for row in rows]

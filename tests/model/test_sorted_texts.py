"""Texts are sorted as Python sorts them."""

from __future__ import annotations

import sys

from hypothesis import example, given
from hypothesis import strategies as st

from tracetui.model.sorted_texts import sorted_texts

CHARACTERS = st.sampled_from(
    ["\0", "\1", "a", "b", "\x7f", "\x80", "\ud7ff", "\ud800", "\udfff", "\ue000", chr(sys.maxunicode)]
)


@given(texts=st.lists(st.text(CHARACTERS, max_size=5)))
@example(texts=[])
@example(texts=["b", "a" * 1_000, "", "a", "c"])
@example(texts=["a\0", "a", "a\0"])
def test_texts_are_sorted_by_characters_and_position(texts: list[str]) -> None:
    found, position = sorted_texts(texts)
    assert found == sorted(texts)
    order = sorted(range(len(texts)), key=texts.__getitem__)
    assert [order.index(at) for at in range(len(texts))] == position.tolist()

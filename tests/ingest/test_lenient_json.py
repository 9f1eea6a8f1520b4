"""JSON that strict decoders reject."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.strategies import unhurried
from tracetui.ingest.json_repair.lenient_json import without_lone_surrogates

PIECES = [
    *("\\", "\\\\", "\\u", "\\ud800", "\\uDBff", "\\udc00", "\\udfFF", "\\ud8", "\\u0041"),
    *("\\n", '\\"', "u", "d800", "a", "\n", "é"),
]


def sequentially_replaced(text: str) -> str:
    """Process the text from left to right, one escape after the other."""
    done, at = "", 0
    while at < len(text):
        pair = re.match(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}", text[at:])
        lone = re.match(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", text[at:])
        taken = pair[0] if pair else lone[0] if lone else text[at : at + (2 if text[at] == "\\" else 1)]
        done += "\\ufffd" if lone and not pair else taken
        at += len(taken)
    return done


@unhurried
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example("\\\\ud800")
@example("\\ud800\\ud800\\udc00")
@example("\\ud83\\udc00")
def test_only_lone_surrogates_are_replaced(text: str) -> None:
    assert without_lone_surrogates(text.encode()).decode() == sequentially_replaced(text)

"""Tokens of query texts, whole or being written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.query.lexer import in_quotes, quoted, tokens, unquoted

TEXTS = st.text(alphabet=st.sampled_from("sedu rvic=><!~(){}\"'`.&|\\ANDattr.") | st.characters(), max_size=40)


@given(TEXTS)
def test_tokens_cover_all_but_blanks(text: str) -> None:
    at = 0
    for token in tokens(text):
        assert text[token.start : token.stop] == token.text
        assert not text[at : token.start].strip()
        at = token.stop
    assert not text[at:].strip()


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("service = api AND NOT error", "FIELD OPERATOR WORD AND NOT FIELD"),
        ("a.b=~x~y||!c", "FIELD OPERATOR WORD OR NOT FIELD"),
        ("x~y", "FIELD OTHER FIELD"),
        ("android not10 or", "FIELD FIELD OR"),
        ("{error} >> {b > 1}", "OPEN FIELD CLOSE BELOW OPEN FIELD OPERATOR WORD CLOSE"),
        ('attr."a b" = "c d"', "FIELD OPERATOR QUOTED"),
        ("event.`a b` != 'c'", "FIELD OPERATOR QUOTED"),
        ("exists a.b AND exists", "EXISTS FIELD AND FIELD"),
        ("word exists a.b", "FIELD FIELD FIELD"),
        ('service = "api', "FIELD OPERATOR UNCLOSED"),
        ("attr.'a b = 1", "UNCLOSED"),
        ("a & b", "FIELD OTHER FIELD"),
    ],
)
def test_kinds_of_tokens(text: str, kinds: str) -> None:
    assert [token.kind for token in tokens(text)] == kinds.split()


@given(st.text())
def test_quotes_are_undone(text: str) -> None:
    assert unquoted(in_quotes(text)) == text
    assert unquoted(quoted(text)) == text

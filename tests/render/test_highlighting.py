"""SQL, JSON and stack traces: line breaks, roles, own frames."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.stack_traces import STACKS
from tracetui.render.text.highlighting import TextLanguage, formatted, language_of, parts, value_lines
from tracetui.render.text.line import Role
from tracetui.render.text.stack_trace import read_stack_trace


@pytest.mark.parametrize(
    ("language", "own", "library_lines"),
    [
        ("python", ["charge  /app/shop/pay.py:7", "handle  /app/shop/api.py:10"], [3, 4]),
        ("java", ["com.shop.Pay.charge  Pay.java:12", "com.shop.Http.send  Http.java:3"], [2, 3]),
        ("javascript", ["charge  /app/src/pay.js:12", "async /app/src/api.js:3"], [2, 4]),
        ("net", ["Shop.Pay.Charge(Order order)  /src/Pay.cs:12"], [2, 3]),
        ("go", ["main.charge  /app/pay.go:12"], [3, 4]),
        ("ruby", ["charge  /app/pay.rb:12"], [1]),
    ],
)
def test_own_frames_of_a_stack_trace(language: str, own: list[str], library_lines: list[int]) -> None:
    found = read_stack_trace(STACKS[language])
    assert found is not None
    assert [str(frame) for frame in found.own] == own
    assert sorted(found.library_lines) == library_lines


@pytest.mark.parametrize("text", ["at frame 1\nat frame 2", "", "see Pay.java:12", STACKS["ruby"].splitlines()[0]])
def test_other_text_is_no_stack_trace(text: str) -> None:
    assert read_stack_trace(text) is None


def test_a_stack_of_libraries_alone_is_not_dimmed() -> None:
    text = "\tat java.lang.A.b(A.java:1)\n\tat java.lang.C.d(C.java:2)"
    found = read_stack_trace(text)
    assert found is not None
    assert (found.own, found.library_lines) == ((), frozenset())


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "SELECT a FROM users u LEFT JOIN orders o ON o.id = u.id WHERE a BETWEEN 1 AND 3 OR b = 'it''s FROM' "
            "ORDER BY b LIMIT 3",
            "SELECT a\nFROM users u\nLEFT JOIN orders o ON o.id = u.id\nWHERE a BETWEEN 1 AND 3\n  OR b = 'it''s FROM'"
            "\nORDER BY b\nLIMIT 3",
        ),
        ("SELECT a  FROM t WHERE EXTRACT(YEAR FROM d) = 3", "SELECT a\nFROM t\nWHERE EXTRACT(YEAR FROM d) = 3"),
        (
            "select a from t where b in (select c from d where e and f)",
            "select a\nfrom t\nwhere b in (\n  select c\n  from d\n  where e\n    and f\n)",
        ),
        ("INSERT INTO t (a) VALUES (1) RETURNING id", "INSERT INTO t (a)\nVALUES (1)\nRETURNING id"),
        ("DELETE FROM t WHERE a IS DISTINCT FROM b", "DELETE FROM t\nWHERE a IS DISTINCT FROM b"),
        ("SELECT a\nFROM t WHERE b", "SELECT a\nFROM t WHERE b"),
        ("Select a user from the list", "Select a user from the list"),
        ("with regards from me", "with regards from me"),
    ],
)
def test_statements_are_broken_before_clauses(statement: str, expected: str) -> None:
    assert formatted(statement) == expected


def test_deep_subqueries_are_not_indented_without_end() -> None:
    assert max(map(len, formatted("select a from b where c in (" + "select (" * 10_000).split("\n"))) < 100


@given(st.lists(st.sampled_from(["SELECT", "FROM", "(", ")", "'a b'", "--", "/*", "AND", " ", '"', "1.5", "x", "\n"])))
def test_formatting_loses_no_text(words: list[str]) -> None:
    text = "SELECT a FROM b " + " ".join(words)
    if "'" not in text and '"' not in text:
        assert "".join(formatted(text).split()) == "".join(text.split())
    for line in formatted(text).split("\n"):
        for language in (*TextLanguage, None):
            assert "".join(part for part, _ in parts(line, language)) == line


def test_roles_of_sql_and_json() -> None:
    line = "SELECT a, 'FROM' FROM t1 WHERE b = 12 -- x"
    assert [part for part in parts(line, language_of(line)) if part[1]] == [
        ("SELECT", Role.KEYWORD),
        ("'FROM'", Role.LITERAL),
        ("FROM", Role.KEYWORD),
        ("WHERE", Role.KEYWORD),
        ("12", Role.LITERAL),
        ("-- x", Role.DIM),
    ]
    text = json.dumps({"a": ['x"y', 1.5, None]})
    assert [part for part in parts(text, language_of(text)) if part[1]] == [
        ('"a":', Role.KEYWORD),
        (r'"x\"y"', Role.LITERAL),
        ("1.5", Role.LITERAL),
        ("null", Role.LITERAL),
    ]


def test_wrapped_values_keep_their_roles() -> None:
    lines = value_lines({"key": "a long text " * 3}, 16, 12)
    assert lines is not None
    assert [run.role for run in lines[1].runs if run.text.strip()] == [Role.KEYWORD, Role.LITERAL]
    assert {run.role for run in lines[2].runs} == {Role.LITERAL}

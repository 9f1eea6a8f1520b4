"""SQL statements without their values: equal for different values and lengths of lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import unhurried
from tracetui.model.sql import is_sql, normalised, verb_and_table

NORMALISED = {
    "SELECT name FROM items WHERE id IN (100, 101, 102)": "SELECT name FROM items WHERE id IN (?)",
    "SELECT name FROM items WHERE id IN ($1,$2)": "SELECT name FROM items WHERE id IN (?)",
    "SELECT name FROM items WHERE id IN (%s, %s, %s)": "SELECT name FROM items WHERE id IN (?)",
    "SELECT name FROM items WHERE id IN (:id_1, :id_2)": "SELECT name FROM items WHERE id IN (?)",
    "SELECT name FROM items WHERE id IN ('a', 'it''s', 'b\\'c')": "SELECT name FROM items WHERE id IN (?)",
    'SELECT name FROM items WHERE id IN ("a", "b")': "SELECT name FROM items WHERE id IN (?)",
    "SELECT name FROM items WHERE id IN (100, 101, 1...": "SELECT name FROM items WHERE id IN (?)",
    "SELECT name FROM items WHERE id IN (100, 101, ": "SELECT name FROM items WHERE id IN (?)",
    "SELECT name FROM items WHERE id IN ('abc', 'de": "SELECT name FROM items WHERE id IN (?)",
    "SELECT name FROM items WHERE id = ANY(ARRAY[1, 2])": "SELECT name FROM items WHERE id = ANY(ARRAY[?])",
    "SELECT a FROM b WHERE (c, d) IN ((1, 2), (3, 4))": "SELECT a FROM b WHERE (c, d) IN ((?))",
    "INSERT INTO items (a, b) VALUES (1, 'x'), (2, NULL)": "INSERT INTO items (a, b) VALUES (?)",
    "INSERT INTO items VALUES ($1, now()), ($2, now())": "INSERT INTO items VALUES (?, now())",
    "SELECT * FROM t1 WHERE a = -1.5e3 LIMIT 10": "SELECT * FROM t1 WHERE a = ? LIMIT ?",
    'SELECT "a"."b" FROM a WHERE c = "x" AND "d" = "e"."f"': 'SELECT "a"."b" FROM a WHERE c = ? AND "d" = "e"."f"',
    "SELECT a::text -- note 5\n  FROM\tb /* traceparent=00-ab */ WHERE c = 0x1f": "SELECT a::text FROM b WHERE c = ?",
    "SELECT name FROM items": "SELECT name FROM items",
}


@pytest.mark.parametrize("statement", NORMALISED)
def test_statements_without_values(statement: str) -> None:
    assert normalised(statement) == NORMALISED[statement]


_VALUES = st.one_of(
    st.integers(-(10**12), 10**12).map(str),
    st.floats(0, 1e6, allow_nan=False).map(str),
    st.text("abc 'é?(),;\"").map(lambda text: "'" + text.replace("'", "''") + "'"),
    st.sampled_from(["?", "$1", ":name", "%s", "NULL", "true"]),
)


@unhurried
@given(st.lists(_VALUES.filter(lambda value: value not in ("NULL", "true")), min_size=1, max_size=30))
def test_lists_of_any_length_are_equal(values: list[str]) -> None:
    statement = f"SELECT name FROM items WHERE id IN ({', '.join(values)}) ORDER BY name"
    assert normalised(statement) == "SELECT name FROM items WHERE id IN (?) ORDER BY name"


@unhurried
@given(st.lists(st.lists(_VALUES, min_size=3, max_size=3), min_size=1, max_size=10))
def test_any_number_of_rows_is_equal(rows: list[list[str]]) -> None:
    written = ", ".join(f"({', '.join(row)})" for row in rows)
    assert normalised(f"INSERT INTO items (a, b, c) VALUES {written}") == "INSERT INTO items (a, b, c) VALUES (?)"


def test_list_of_thousands_equals_a_short_one() -> None:
    listed = ", ".join(map(str, range(100_000)))
    assert normalised(f"SELECT a FROM b WHERE c IN ({listed})") == "SELECT a FROM b WHERE c IN (?)"


@unhurried
@given(st.text("SELECT FROM()[]'\"?,$1 -/*\n"))
def test_any_text_is_accepted(text: str) -> None:
    assert normalised(normalised(text)) is not None
    verb_and_table(f"SELECT {text}")


def test_detection_of_sql() -> None:
    assert all(map(is_sql, ("SELECT 1", "  insert into a", "/* a */ UPDATE a SET", "WITH a AS (SELECT 1)")))
    assert not any(map(is_sql, ("GET user:1", "SELECTED a", '{"find": "a"}', "HGETALL a", "")))


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("SELECT a FROM b WHERE c = 1", "SELECT b"),
        ("UPDATE ONLY b SET c = 'd'", "UPDATE b"),
        ("MERGE INTO a.b USING c ON d = 1", "MERGE a.b"),
        ("SELECT a FROM b WHERE c = ?", ""),
        ("SELECT 1", ""),
        ("Select seat 5 From plan", ""),
        ("delete row 5 FROM plan", ""),
        ("GET a FROM b 5", ""),
    ],
)
def test_verb_and_table_of_statements_with_values(statement: str, found: str) -> None:
    assert verb_and_table(statement) == found

"""Completion of queries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import build, span
from tests.support.strategies import unhurried
from tracetui.model.traces import TraceSet
from tracetui.query import parse
from tracetui.query.complete import (
    Vocabulary,
    attribute_field,
    complete,
    rounded_duration,
    sample,
    value_texts,
    vocabulary,
)
from tracetui.query.fields import ALIASES, FIELDS, RESERVED, SCOPES, Attribute, attribute_named, field_named
from tracetui.query.lexer import quoted, tokens


def data() -> TraceSet:
    return build(
        span("1", 0, 100, service="api-gateway", name="GET /cart", attributes={"user.id": "u 1", "plain": 7}),
        span("2", 0, 50, parent="1", service="db", name="query", attributes={"db.statement": "SELECT", "ok": True}),
        span("3", 0, 50, parent="1", service="db", name="query", error=True, message="no rows"),
        span("4", 0, 900, trace="2", service="api-gateway", name="GET /cart", resource={"host.name": "a"}),
    )


KNOWN = vocabulary(data())


def offered_texts(text: str, known: Vocabulary = KNOWN, cursor: int | None = None) -> list[str]:
    return [c.insert for c in complete(text, len(text) if cursor is None else cursor, known).candidates]


def test_vocabulary_of_the_data() -> None:
    assert KNOWN.services == ("api-gateway", "db")
    assert KNOWN.operations == ("GET /cart", "query")
    assert KNOWN.trace_names == ("api-gateway GET /cart",)
    assert KNOWN.messages == ("no rows",)
    assert KNOWN.attributes["user.id"] == ("u 1",)
    assert KNOWN.attributes["host.name"] == ("a",)
    assert KNOWN.attributes["ok"] == ("true",)
    assert len(sample(data(), 1)) == 1
    assert vocabulary(build()) == Vocabulary()


def test_fields_come_before_attributes_and_words() -> None:
    found = offered_texts("")
    assert found[:2] == ["duration", "service"]
    assert found.index("error") < found.index("user.id") < found.index("NOT")
    assert offered_texts("serv")[0] == "service"
    assert "attr.plain" in offered_texts("pla")
    assert offered_texts("error AND NOT op")[0] == "operation"
    assert offered_texts("{ ser")[0] == "service"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("service ", ["=", "!=", "=~", "!~"]),
        ("duration ", [">", ">=", "<", "<=", "=", "!="]),
        ("error ", ["AND", "OR", "=", "!="]),
        ("service = ", ["api-gateway", "db"]),
        ("service =", [" api-gateway", " db"]),
        ("service = D", ["db"]),
        ("service =~ ", [r"api\-gateway", "db"]),
        ("operation = g", ['"GET /cart"']),
        ("root.service = ", ["api-gateway"]),
        ("user.id = ", ['"u 1"']),
        ("attr.plain = ", ["7"]),
        ('attr."plain" = ', ["7"]),
        ("resource.host.name = ", ["a"]),
        ("kind = ser", ["server"]),
        ("error = ", ["true", "false"]),
        ("service = db ", ["AND", "OR"]),
        ("(service = db ", ["AND", "OR", ")"]),
        ("{ service = db ", ["AND", "OR", "}"]),
        ("service = db A", ["AND"]),
        ("nothing.known = ", []),
    ],
)
def test_candidates_at_each_position(text: str, expected: list[str]) -> None:
    assert offered_texts(text) == expected


def test_durations_are_those_of_the_data() -> None:
    assert offered_texts("duration > ") == [rounded_duration(500_000), "860us", "892us"]
    assert offered_texts("{ duration > ") == []


def test_candidate_replaces_the_whole_word() -> None:
    text = "serv = db"
    completion = complete(text, 2, KNOWN)
    assert completion.applied(text, completion.candidates[0]) == ("service = db", 8)
    text = "error AND "
    completion = complete(text, len(text), KNOWN)
    assert completion.applied(text, completion.candidates[0]) == ("error AND duration ", 19)


def test_values_are_quoted_for_a_query() -> None:
    assert value_texts(True) == ["true"]
    assert value_texts(1.5) == ["1.5"]
    assert value_texts(["a", 2, ["b"]]) == ["a", "2"]
    assert value_texts({"a": 1}) == value_texts(None) == value_texts(b"x") == value_texts("x" * 300) == []


@unhurried
@given(st.text())
def test_query_for_any_value_is_valid(value: str) -> None:
    if value:
        traces = build(span("1", 0, 10, service=value), span("2", 0, 10, trace="2", service=f"not {value}"))
        assert parse(f"service = {quoted(value)}").matches(traces).tolist() == [True, False]


@unhurried
@given(st.text(min_size=1))
def test_query_for_any_key_is_valid(key: str) -> None:
    traces = build(span("1", 0, 10, attributes={key: 1}), span("2", 0, 10, trace="2"))
    assert parse(f"{attribute_field(key)} = 1").matches(traces).tolist() == [True, False]


@unhurried
@given(st.sampled_from((*SCOPES, *RESERVED, *ALIASES, *FIELDS, "")), st.text("aB._- `\"'\\", min_size=1))
def test_field_of_any_key_is_an_attribute_of_any_scope(prefix: str, key: str) -> None:
    for name in (prefix + key, prefix or key):
        written = attribute_field(name)
        assert field_named(written, True) is None
        assert attribute_named(written) == Attribute(name)
        assert [token.kind for token in tokens(f"{written} = 1")] == ["FIELD", "OPERATOR", "WORD"]


@unhurried
@given(st.text(alphabet=st.sampled_from("sedu rvic=><!~(){}\"'`.&|\\AND") | st.characters(), max_size=40), st.data())
def test_any_text_can_be_completed(text: str, more: st.DataObject) -> None:
    cursor = more.draw(st.integers(0, len(text)))
    completion = complete(text, cursor, KNOWN)
    assert 0 <= completion.start <= cursor <= completion.stop <= len(text)
    for candidate in completion.candidates[:5]:
        applied, at = completion.applied(text, candidate)
        assert candidate.insert in applied
        assert 0 <= at <= len(applied)
    assert "".join(token.text for token in tokens(text)) == "".join(
        text[token.start : token.stop] for token in tokens(text)
    )

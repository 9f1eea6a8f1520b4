"""Part of a trace in which a word was found."""

from __future__ import annotations

import pytest

from tests.support.building import build, span
from tracetui.analysis.span_search import find_match

TRACES = build(
    span("a1", 0, 100, trace="1", service="web", name="GET /orders"),
    span(
        "b2c3d4e5f6a7b8c9",
        10,
        90,
        parent="a1",
        trace="1",
        service="stock",
        name="reserve",
        error=True,
        message="row is locked",
        attributes={"region": "eu", "ids": [17, {"deep": "within"}], "nothing": []},
        resource={"host.name": "stock-0"},
        events=[(20, "retry", {"attempt": "second"})],
        links=[("abcdef0123456789abcdef0123456789", "feed5eed", "", {"why": "batch"})],
    ),
    span("a1", 0, 100, trace="2222222222222222", service="web", name="GET /"),
)


@pytest.mark.parametrize(
    ("word", "field", "value"),
    [
        ("STOCK", "service", "stock"),
        ("orders", "operation", "GET /orders"),
        ("locked", "status message", "row is locked"),
        ("eu", "region", "eu"),
        ("region=eu", "region", "eu"),
        ("region", "region", "eu"),
        ("nothing", "nothing", ""),
        ("17", "ids", "17"),
        ("within", "ids", "within"),
        ("stock-0", "host.name", "stock-0"),
        ("retr", "event", "retry"),
        ("second", "attempt", "second"),
        ("batch", "why", "batch"),
        ("abcdef0123", "link", "abcdef0123456789abcdef0123456789"),
        ("b2c3d4e5", "span id", "b2c3d4e5f6a7b8c9"),
    ],
)
def test_field_and_value_are_named(word: str, field: str, value: str) -> None:
    found = find_match(TRACES, 0, word)
    assert found is not None
    assert (found.field, found.value) == (field, value)
    assert found.span == (0 if field == "operation" else 1)


def test_trace_id_is_named() -> None:
    found = find_match(TRACES, 1, "222222")
    assert found == ("trace id", "2222222222222222", 2)


def test_nothing_is_named_if_nothing_matches() -> None:
    assert find_match(TRACES, 1, "locked") is None

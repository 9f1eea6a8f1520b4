"""One value of an attribute for each trace."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from tests.support.building import GivenSpan, build, span
from tests.support.strategies import span_sets
from tracetui.model.traces import TraceSet
from tracetui.query.attribute_column import attribute_column
from tracetui.query.complete import value_texts


def values(traces: TraceSet, key: str) -> list[str]:
    column = attribute_column(traces, key)
    return [column.texts[code] if code >= 0 else "" for code in column.code.tolist()]


def test_the_main_root_comes_before_other_spans() -> None:
    traces = build(
        span("a", 0, 10, attributes={"tier": "gold"}),
        span("b", 1, 5, parent="a", attributes={"tier": "free"}),
        span("c", 0, 10, trace="2"),
        span("d", 1, 5, parent="c", trace="2", attributes={"tier": "free"}),
        span("e", 2, 5, parent="c", trace="2", attributes={"tier": "gold"}),
        span("f", 0, 10, trace="3"),
    )
    assert values(traces, "tier") == ["gold", "free", ""]


def test_resources_have_values_too() -> None:
    traces = build(
        span("a", 0, 10, resource={"zone": "eu"}),
        span("b", 0, 10, trace="2"),
        span("c", 1, 5, parent="b", trace="2", service="db", resource={"zone": "us"}),
    )
    assert values(traces, "zone") == ["eu", "us"]


def test_numbers_are_sorted_as_numbers_and_missing_values_first() -> None:
    found: list[object] = [10, 9, None, "x", 100]
    traces = build(
        *(
            span(f"a{i}", i, i + 1, trace=str(i + 1), attributes={} if v is None else {"n": v})
            for i, v in enumerate(found)
        )
    )
    column = attribute_column(traces, "n")
    assert np.argsort(column.ranks).tolist() == [2, 1, 0, 4, 3]


@given(span_sets())
def test_every_value_is_one_of_the_trace(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    keys = {key for i in range(len(traces)) for key in (*traces.attributes(i), *traces.resource_attributes(i))}
    for key in [*sorted(keys)[:3], "missing"]:
        for trace, text in enumerate(values(traces, key)):
            present = [
                one
                for i in traces.spans_of(trace)
                for one in (
                    *value_texts(traces.attributes(i).get(key))[:1],
                    *value_texts(traces.resource_attributes(i).get(key))[:1],
                )
            ]
            assert text in present if present else text == ""

"""Queries of the services view for the traces of a service."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import build, span
from tests.support.paths import SAMPLES
from tracetui.analysis.service_table import ServiceTable
from tracetui.model.span import Value
from tracetui.query import parse
from tracetui.render.services.table import ServiceListColumns
from tracetui.render.text.glyphs import UNICODE
from tracetui.session import Session
from tracetui.tui.views.services.modes import SLOW, Mode, mode_columns
from tracetui.tui.views.services.queries import Queries, peer_query, service_query

SHOP = SAMPLES / "shop"


@given(st.text(st.characters(codec=None, categories=None), max_size=12))
def test_any_service_name_can_be_queried(name: str) -> None:
    name = name or "x"
    traces = build(span("1", 0, 9, service=name, trace="1"), span("2", 0, 9, service=name + "'\\\"", trace="2"))
    assert parse(service_query(traces.services[0])).matches(traces).tolist() == [True, False]


@pytest.mark.parametrize(
    ("peer", "attributes", "query"),
    [
        ("redis", {"db.system": "redis", "other": "x"}, '{ db.system = "redis" }'),
        ("pg:shop", {"db.system": "pg", "db.name": "shop"}, '{ db.system = "pg" AND db.name = "shop" }'),
        ("queue", {"odd key": "queue"}, '{ attr."odd key" = "queue" }'),
        ("example.org", {"url.full": "http://example.org/x"}, ""),
        ("a", {"kind": "a", "span.x": "a"}, '{ attr.kind = "a" }'),
        ("a", {"span.peer": "a"}, '{ attr.span.peer = "a" }'),
        ("a", {"event.peer": "a"}, '{ attr.event.peer = "a" }'),
    ],
)
def test_query_for_a_peer_uses_the_attributes_that_name_it(peer: str, attributes: dict[str, Value], query: str) -> None:
    assert peer_query(peer, attributes) == query
    if query:
        found = build(span("1", 0, 9, attributes=attributes))
        assert parse(query).matches(found).tolist() == [True]


def test_rows_of_a_blast_radius_open_the_traces_that_they_count() -> None:
    session = Session.open([str(SHOP)])
    analysis = session.analysis
    table = ServiceTable(analysis)
    queries, traces = Queries(table), analysis.traces
    for name in analysis.graph.names:
        found = mode_columns(ServiceListColumns(table), analysis, Mode(SLOW), name, UNICODE)
        assert found.blast is not None
        assert found.right is not None
        impacts = {(one.service, ""): one.impact for one in found.blast.services}
        impacts |= {(one.service, one.operation): one.impact for one in found.blast.entries}
        for column in (found.left, found.right):
            for row in range(len(column)):
                subject = column.subject(row)
                if subject is not None and subject.below[0]:
                    impact = impacts[subject.service, subject.operation]
                    selected = int(parse(queries.of(subject)).matches(traces).sum())
                    assert selected == round(impact.exposure * impact.trace_count / 100), (name, subject)

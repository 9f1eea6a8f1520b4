"""Entry points: figures of requests and of asynchronous work by the operation with which they begin."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from tests.support.building import GivenSpan, build, span
from tests.support.strategies import service_sets, unhurried
from tracetui.analysis.entry_points import find_entry_points
from tracetui.analysis.requests import failed_requests
from tracetui.model.span import Flag, Kind
from tracetui.model.traces import TraceSet
from tracetui.render.text.glyphs import ASCII, UNICODE
from tracetui.render.traces.columns import SortKey, trace_columns
from tracetui.render.traces.entry_groups import EntryTable, traces_by_entry_point

MINUTE = 60_000_000


def shop() -> TraceSet:
    """Ten requests of two operations in nine minutes; the last one of `pay` fails, each sends a mail."""
    spans = []
    for number in range(10):
        start, trace = number * MINUTE, str(number)
        name = "GET /orders/1234567" if number % 2 else "pay"
        fails = number == 8
        spans.append(
            span(f"a{number}", start, start + 1000 + number, trace=trace, kind=Kind.SERVER, name=name, error=fails)
        )
        if name == "pay":
            spans.append(span(f"b{number}", start, start + 1, trace=trace, parent=f"a{number}", kind=Kind.PRODUCER))
            spans.append(
                span(
                    f"c{number}", start + 5, start + 95, trace=trace, parent=f"b{number}", kind=Kind.CONSUMER,
                    service="mail", name="send",
                )
            )  # fmt: skip
    return build(*spans)


def test_figures_of_requests_and_asynchronous_work() -> None:
    pay, orders, mail = find_entry_points(shop(), buckets=3)
    assert (pay.service, pay.name, pay.count, pay.failed_count, pay.failed_share) == ("api", "pay", 5, 1, 100.0)
    assert pay.failed_rate == 20.0
    assert pay.per_minute is not None
    assert round(pay.per_minute, 3) == round(5 / 9, 3)
    assert pay.latency.p50_ns == 1_004_000
    assert (pay.trend.sum(), pay.traces.tolist()) == (5, [0, 2, 4, 6, 8])
    assert (orders.name, orders.failed_count, orders.failed_share) == ("GET /orders/{id}", 0, 0.0)
    assert (mail.service, mail.is_async, mail.count, mail.latency.p50_ns) == ("mail", True, 5, 90_000)


def test_only_selected_traces_count() -> None:
    pay, mail = find_entry_points(shop(), np.array([0, 2]))
    assert (pay.count, pay.failed_count, mail.count) == (2, 0, 2)
    assert find_entry_points(shop(), np.zeros(0, np.int64)) == []


def test_operation_with_most_failures_is_first() -> None:
    requests = [("often", False)] * 3 + [("fails", True)]
    spans = [
        span("1", 0, 10, trace=str(number + 1), name=name, error=fails) for number, (name, fails) in enumerate(requests)
    ]
    found = find_entry_points(build(*spans))
    assert [(entry.name, entry.count, entry.failed_count) for entry in found] == [("fails", 1, 1), ("often", 3, 0)]


def test_asynchronous_work_has_times_and_failures_of_its_own() -> None:
    sent = span("1", 0, 10, name="pay"), span("2", 1, 2, parent="1", kind=Kind.PRODUCER, name="publish")
    work = span("3", 5, 95, parent="2", kind=Kind.CONSUMER, service="mail", name="send", error=True)
    lost = span("4", 6, 6, parent="2", kind=Kind.CONSUMER, service="mail", name="send", flags=Flag.NO_DURATION)
    request, mail = find_entry_points(build(*sent, work, lost))
    # the request does not wait for the mail
    assert (request.latency.p50_ns, request.failed_count) == (10_000, 0)
    assert (mail.count, mail.failed_count, mail.failed_share) == (2, 1, 0.0)
    assert (mail.latency.count, mail.latency.p50_ns) == (1, 90_000)


def test_single_moment_has_no_rate() -> None:
    (entry,) = find_entry_points(build(span("a", 0, 5)))
    assert (entry.per_minute, entry.trend.sum()) == (None, 1)


@unhurried
@given(service_sets())
def test_every_request_counts_once(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    entries = [entry for entry in find_entry_points(traces) if not entry.is_async]
    assert sum(entry.count for entry in entries) == traces.trace_count
    assert sum(entry.failed_count for entry in entries) == int(failed_requests(traces).sum())
    assert sorted(trace for entry in entries for trace in entry.traces.tolist()) == list(range(traces.trace_count))
    for entry in entries:
        assert entry.trend.sum() == entry.count
        assert {traces.operation_label(int(traces.operation[traces.main_root[t]])) for t in entry.traces.tolist()} == {
            (entry.service, entry.name)
        }


def test_groups_are_folded_until_opened() -> None:
    traces = shop()
    entries = find_entry_points(traces)
    columns = trace_columns(traces)
    for glyphs in (UNICODE, ASCII):
        table = EntryTable(columns, entries, glyphs)
        groups = traces_by_entry_point(columns, entries, table, SortKey.DURATION, True, set())
        assert [group.folded for group in groups] == [True] * 3
        text = groups[0].heading(120).text
        assert text.isascii() or glyphs is UNICODE
        assert " 0.6 " in text
        assert "20 %" in text
        assert text.rstrip().endswith("100 %")
        assert table.heading(120).text.split()[2:] == [
            "traces",
            "/min",
            "failed",
            "p50",
            "p95",
            "when",
            "of",
            "failures",
        ]
        for width in range(1, 140):
            assert table.heading(width).width <= width
            assert all(group.heading(width).width <= width for group in groups)
            # durations are there on any screen that is wide enough for a name beside them
            assert "p95" in table.heading(width).text or width < 50
        assert "1.00 ms" in text
    table = EntryTable(columns, entries, UNICODE)
    (pay, *_) = traces_by_entry_point(columns, entries, table, SortKey.DURATION, True, {groups[0].key})
    assert (pay.folded, pay.traces.tolist()) == (False, [8, 6, 4, 2, 0])

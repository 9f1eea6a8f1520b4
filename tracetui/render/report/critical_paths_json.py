"""Critical paths of all traces as JSON, some traces at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from tracetui.analysis.async_work import AsyncUnit, AsyncWork
from tracetui.analysis.critical_path import CriticalPaths
from tracetui.model.traces import TraceSet
from tracetui.render.report.json_values import all_in_ms, in_ms

_SECTIONS = 1 << 11
"""Sections in a batch, more if a single trace has more; few, so that a batch stays in the processor's cache."""


def critical_paths_json(paths: CriticalPaths, work: AsyncWork) -> Iterator[list[dict[str, Any]]]:
    """Yield batches of entries, one per trace, longest response time first.

    Boundaries are rounded down to microseconds, so that adjacent sections still meet.
    """
    traces = paths.traces
    order = np.lexsort((np.arange(traces.trace_count), -traces.response_time))
    # a trace without sections counts as one
    total = np.cumsum(np.maximum(paths.section_counts[order], 1))
    # numpy looks up many texts at random several times faster than a loop over a list
    labels = np.array(traces.services, object), np.array(traces.names, object)
    begin = 0
    while begin < len(order):
        done = int(total[begin - 1]) if begin else 0
        end = max(int(np.searchsorted(total, done + _SECTIONS, "right")), begin + 1)
        yield _entries(paths, work, order[begin:end], labels)
        begin = end


def _entries(
    paths: CriticalPaths, work: AsyncWork, some: np.ndarray, labels: tuple[np.ndarray, np.ndarray]
) -> list[dict[str, Any]]:
    """Return the entries of these traces. some: int64[m]; labels: texts of all services and names"""
    traces = paths.traces
    spans, starts, ends, first = paths.sections_of_each(some)
    entry = np.repeat(np.arange(len(some)), np.diff(first))
    # a span may have several sections; list it at the first one
    _, at, of_section = np.unique(spans, return_index=True, return_inverse=True)
    in_order = np.argsort(at)
    listed = spans[at[in_order]]
    label = np.empty(len(listed), np.int64)
    label[in_order] = np.arange(len(listed))
    ids = traces.span_ids(listed)
    services = labels[0][traces.service[listed]].tolist()
    names = labels[1][traces.name[listed]].tolist()
    rows = zip(
        ids,
        services,
        names,
        (traces.duration[listed] / 1e6).tolist(),
        (paths.critical[listed] / 1e6).tolist(),
        strict=True,
    )
    span_entries = [
        {"span_id": span, "service": service, "operation": name, "duration_ms": duration, "critical_ms": critical}
        for span, service, name, duration, critical in rows
    ]
    shown = np.flatnonzero(starts // 1000 < ends // 1000)
    sections = [
        {
            "span_id": ids[span],
            "service": services[span],
            "operation": names[span],
            "start_us": start,
            "end_us": end,
        }
        for span, start, end in zip(
            label[of_section[shown]].tolist(),
            (starts[shown] // 1000).tolist(),
            (ends[shown] // 1000).tolist(),
            strict=True,
        )
    ]
    bounds = np.arange(len(some) + 1)
    time = np.concatenate(([0], np.cumsum(ends - starts)))[first]
    columns = zip(
        some.tolist(),
        all_in_ms(traces.trace_duration[some]),
        all_in_ms(traces.response_time[some]),
        traces.root_missing[some].tolist(),
        all_in_ms(np.diff(time)),
        pairwise(np.searchsorted(entry[at[in_order]], bounds).tolist()),
        pairwise(np.searchsorted(entry[shown], bounds).tolist()),
        strict=True,
    )
    return [
        {
            "trace_id": traces.trace_ids[trace],
            "total_duration_ms": total,
            "response_time_ms": response,
            "root_missing": root_missing,
            "critical_path_duration_ms": on_path,
            "spans": span_entries[slice(*of_spans)],
            "sections": sections[slice(*of_sections)],
            "async_work": [_unit_json(unit, traces) for unit in work.units_of(trace)],
        }
        for trace, total, response, root_missing, on_path, of_spans, of_sections in columns
    ]


def _unit_json(unit: AsyncUnit, traces: TraceSet) -> dict[str, Any]:
    """Return asynchronous work of a trace, with its own critical path."""
    sections = zip(unit.spans.tolist(), (unit.starts // 1000).tolist(), (unit.ends // 1000).tolist(), strict=True)
    return {
        **_labels(unit.root, traces),
        "duration_ms": in_ms(int(traces.reached_end[unit.root] - traces.start[unit.root])),
        "sections": [
            {**_labels(span, traces), "start_us": start, "end_us": end} for span, start, end in sections if start < end
        ],
    }


def _labels(span: int, traces: TraceSet) -> dict[str, str]:
    return {
        "span_id": traces.span_id(span),
        "service": traces.service_name(span),
        "operation": traces.operation_name(span),
    }

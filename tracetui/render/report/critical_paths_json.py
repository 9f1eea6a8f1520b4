"""Critical paths of all traces as JSON, some traces at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tracetui.analysis.async_work import AsyncUnit, AsyncWork
from tracetui.analysis.critical_path import CriticalPaths
from tracetui.model.traces import TraceSet
from tracetui.render.report.json_columns import ObjectRows, span_id_texts, texts_of, texts_of_numbers
from tracetui.render.report.json_stream import list_text
from tracetui.render.report.json_values import all_in_ms, in_ms

_KEYS = (
    "trace_id",
    "total_duration_ms",
    "response_time_ms",
    "root_missing",
    "critical_path_duration_ms",
    "spans",
    "sections",
    "async_work",
)
_SPAN_KEYS = ("span_id", "service", "operation", "duration_ms", "critical_ms")
_SECTION_KEYS = ("span_id", "service", "operation", "start_us", "end_us")
_SECTIONS = 1 << 12
"""Sections in a batch, more if a single trace has more; few, so that a batch stays in the processor's cache."""


def critical_paths_json(paths: CriticalPaths, work: AsyncWork, depth: int) -> Iterator[bytes]:
    """Yield the texts of entries, one per trace, longest response time first.

    Boundaries are rounded down to microseconds, so that adjacent sections still meet.
    """
    traces = paths.traces
    order = np.lexsort((np.arange(traces.trace_count), -traces.response_time))
    # a trace without sections counts as one
    total = np.cumsum(np.maximum(paths.section_counts[order], 1))
    entries = _EntryWriter(paths, work, depth)
    begin = 0
    while begin < len(order):
        done = int(total[begin - 1]) if begin else 0
        end = max(int(np.searchsorted(total, done + _SECTIONS, "right")), begin + 1)
        yield entries.text(order[begin:end])
        begin = end


class _EntryWriter:
    """Writes the entries of traces, items of a list at a depth, as text."""

    def __init__(self, paths: CriticalPaths, work: AsyncWork, depth: int) -> None:
        self._paths = paths
        self._work = work
        self._has_units = np.zeros(paths.traces.trace_count, bool)
        self._has_units[paths.traces.trace[work.roots]] = True
        self._depth = depth
        self._objects = ObjectRows(_KEYS, depth)
        self._span_objects = ObjectRows(_SPAN_KEYS, depth + 2)
        self._section_objects = ObjectRows(_SECTION_KEYS, depth + 2)
        # numpy looks up many texts at random several times faster than a loop over a list
        self._services = np.array(texts_of(paths.traces.services), object)
        self._names = np.array(texts_of(paths.traces.names), object)

    def text(self, some: np.ndarray) -> bytes:
        """Return the text of the entries of these traces, at least one. some: int64[m]"""
        paths, traces = self._paths, self._paths.traces
        spans, starts, ends, first = paths.sections_of_each(some)
        entry = np.repeat(np.arange(len(some)), np.diff(first))
        # a span may have several sections; list it at the first one
        _, at, of_section = np.unique(spans, return_index=True, return_inverse=True)
        in_order = np.argsort(at)
        listed = spans[at[in_order]]
        label = np.empty(len(listed), np.int64)
        label[in_order] = np.arange(len(listed))
        ids = np.array(span_id_texts(traces, listed), object)
        services, names = self._services[traces.service[listed]], self._names[traces.name[listed]]
        bounds = np.arange(len(some) + 1)
        span_lists = self._span_objects.lists(
            [
                ids.tolist(),
                services.tolist(),
                names.tolist(),
                texts_of_numbers(traces.duration[listed] / 1e6),
                texts_of_numbers(paths.critical[listed] / 1e6),
            ],
            np.searchsorted(entry[at[in_order]], bounds).tolist(),
        )
        shown = np.flatnonzero(starts // 1000 < ends // 1000)
        labels = label[of_section[shown]]
        section_lists = self._section_objects.lists(
            [
                ids[labels].tolist(),
                services[labels].tolist(),
                names[labels].tolist(),
                texts_of_numbers(starts[shown] // 1000),
                texts_of_numbers(ends[shown] // 1000),
            ],
            np.searchsorted(entry[shown], bounds).tolist(),
        )
        time = np.concatenate(([0], np.cumsum(ends - starts)))[first]
        return self._objects.text(
            [
                texts_of([traces.trace_ids[trace] for trace in some.tolist()]),
                texts_of_numbers(all_in_ms(traces.trace_duration[some])),
                texts_of_numbers(all_in_ms(traces.response_time[some])),
                texts_of_numbers(traces.root_missing[some]),
                texts_of_numbers(all_in_ms(np.diff(time))),
                span_lists,
                section_lists,
                self._unit_lists(some),
            ]
        )

    def _unit_lists(self, some: np.ndarray) -> list[bytes]:
        lists = [b"[]"] * len(some)
        for at in np.flatnonzero(self._has_units[some]).tolist():
            units = [_unit_json(unit, self._paths.traces) for unit in self._work.units_of(int(some[at]))]
            lists[at] = list_text(units, self._depth + 2)
        return lists


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

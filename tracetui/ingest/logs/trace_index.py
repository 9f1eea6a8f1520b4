"""Look up the trace and the span of a log record, for ids in any form."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Final

import numpy as np

from tracetui.model.ids import SPAN_DIGITS, TRACE_DIGITS, canonical_trace_id, is_hex
from tracetui.model.traces import TraceSet

_MAX_REMEMBERED: Final = 100_000
_NO_HALF: Final = "0" * SPAN_DIGITS
_AMBIGUOUS: Final = -1
_NOT_FOUND: Final = -1


class TraceIndex:
    """Finds traces by id. A 64-bit id matches the lower half of a 128-bit one, and the reverse: Zipkin, B3 and Datadog
    truncate ids, so the log and the trace may have different lengths.
    """

    def __init__(self, traces: TraceSet) -> None:
        self._traces = traces
        self._found: dict[str, int] = {}

    def find(self, readings: Iterable[str]) -> int:
        """Find the trace with one of these ids; -1 for none."""
        for text in readings:
            trace = self._found.get(text)
            if trace is None:
                if len(self._found) > _MAX_REMEMBERED:
                    self._found.clear()
                trace = self._found[text] = self._find(text)
            if trace >= 0:
                return trace
        return _NOT_FOUND

    def _find(self, text: str) -> int:
        trace = self._traces.find_trace(text)
        if trace is not None:
            return trace
        whole = canonical_trace_id(text)
        if len(whole) != TRACE_DIGITS or not is_hex(whole):
            return _NOT_FOUND
        half = whole[SPAN_DIGITS:]
        if half == _NO_HALF:
            return _NOT_FOUND
        if whole.startswith(_NO_HALF):
            return self._halves.get(half, _NOT_FOUND)
        short = self._traces.find_trace(half)
        return _NOT_FOUND if short is None else short

    @cached_property
    def _halves(self) -> dict[str, int]:
        """Map the lower half of each 128-bit id to its trace; -1 if two traces share it."""
        found: dict[str, int] = {}
        for trace, text in enumerate(self._traces.trace_ids):
            whole = canonical_trace_id(text)
            if len(whole) == TRACE_DIGITS and not whole.startswith(_NO_HALF):
                half = whole[SPAN_DIGITS:]
                found[half] = _AMBIGUOUS if half in found else trace
        return found


def match_spans(traces: TraceSet, trace: np.ndarray, row: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Find the spans that records name.

    trace: int64[n], the trace of each record. row, key: int64[m], uint64[m], a record and a possible key of its span;
    the keys of a record are in order of likelihood. -> int64[n], the span, -1 if no key matches one of the trace. If
    several spans share the id, it is the first.
    """
    spans = np.full(len(trace), _NOT_FOUND)
    if not len(row):
        return spans
    logged = np.unique(trace[row])
    candidates = _positions(traces, logged)
    keys, number = np.unique(traces.key[candidates], return_inverse=True)
    # key numbers are small enough to combine with the trace in 64 bits
    known = traces.trace[candidates].astype(np.int64) * len(keys) + number
    order = np.argsort(known, kind="stable")
    known = known[order]
    position = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    is_known = keys[position] == key
    wanted = trace[row] * len(keys) + position
    found = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    is_known &= known[found] == wanted
    # in reverse order, so that the most likely key of each record is written last and stays
    hits = np.flatnonzero(is_known)[::-1]
    spans[row[hits]] = candidates[order[found[hits]]]
    return spans


def _positions(traces: TraceSet, some: np.ndarray) -> np.ndarray:
    """List the positions of the spans of some traces: int64[m]."""
    begins, ends = traces.first[some], traces.first[some + 1]
    sizes = ends - begins
    shift = np.repeat(begins - np.concatenate(([0], np.cumsum(sizes)[:-1])), sizes)
    positions: np.ndarray = np.arange(int(sizes.sum())) + shift
    return positions


def running_spans(traces: TraceSet, trace: int, times: np.ndarray) -> np.ndarray:
    """Find the deepest running span of a trace at each time (of several the latest to start), else the main root.

    times: int64[n]. -> int64[n]
    """
    own = traces.spans_of(trace)
    within = slice(own.start, own.stop)
    order = np.lexsort((traces.start[within], traces.depth[within]))[::-1]
    by_time = np.argsort(times, kind="stable")
    sorted_times = times[by_time]
    low = np.searchsorted(sorted_times, traces.start[within][order], "left")
    high = np.searchsorted(sorted_times, traces.end[within][order], "right")
    some = np.flatnonzero(high > low)
    found = [int(traces.main_root[trace])] * len(times)
    # the next free position from each one on: every position is filled once
    free = list(range(len(times) + 1))
    for span, at, end in zip((order[some] + own.start).tolist(), low[some].tolist(), high[some].tolist(), strict=True):
        position = _first_free(free, at)
        while position < end:
            found[position] = span
            free[position] = position + 1
            position = _first_free(free, position + 1)
    spans = np.empty(len(times), np.int64)
    spans[by_time] = found
    return spans


def _first_free(free: list[int], at: int) -> int:
    root = at
    while free[root] != root:
        root = free[root]
    while free[at] != root:
        free[at], at = root, free[at]
    return root

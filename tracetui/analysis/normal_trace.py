"""Compare a trace with a normal one: the median trace of its entry point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.requests import failed_requests
from tracetui.analysis.trace_difference import TraceDifference, compare_within
from tracetui.model.traces import TraceSet


@dataclass(frozen=True, slots=True, eq=False)
class NormalTraces:
    """Traces to compare a trace with: the others of its entry point, without those that failed if any did not."""

    ranked: np.ndarray
    """int64[n], traces by response time."""
    nearest: np.ndarray
    """int64[n], the same, the median first and then by the distance of the response time from it."""
    are_successful: bool
    """True if others failed and are left out."""

    @property
    def median(self) -> int:
        """Return the median trace; of an even number the shorter one of the middle."""
        return int(self.nearest[0])

    def percentile(self, trace: int) -> int | None:
        """Return the percentile, 1 to 100, of a trace by nearest rank; None if it is not one of these.

        Among fewer than 100 traces several percentiles are the same trace: the nearest to 50 is returned.
        """
        at = np.flatnonzero(self.ranked == trace)
        if not len(at):
            return None
        below, upto = 100 * int(at[0]), 100 * (int(at[0]) + 1)
        count = len(self.ranked)
        if below < 50 * count <= upto:
            return 50
        return below // count + 1 if below >= 50 * count else max(upto // count, 1)

    def longer(self, trace: int) -> int:
        """Count those with a longer response time than one of these."""
        return len(self.ranked) - 1 - int(np.flatnonzero(self.ranked == trace)[0])


@dataclass(frozen=True, slots=True)
class NormalComparison:
    """Trace compared with a normal one of its entry point, by default the median."""

    trace: int
    normal: int
    normals: NormalTraces
    population: int
    """Number of traces of the entry point."""
    rank: int
    """Number of these with a shorter response time."""
    difference_ns: int
    """Response time here minus that of the normal trace."""
    difference: TraceDifference
    """From the normal trace to the trace itself."""


def find_normals(traces: TraceSet, trace: int) -> NormalTraces | None:
    """Find the other traces of the entry point of a trace; None if there are none."""
    entry = traces.operation[traces.main_root]
    others = np.flatnonzero(entry == entry[trace])
    others = others[others != trace]
    if not len(others):
        return None
    succeeded = others[~failed_requests(traces)[others]]
    candidates = succeeded if len(succeeded) else others
    times = traces.response_time[candidates]
    order = np.lexsort((candidates, times))
    ranked, times = candidates[order], times[order]
    middle = (len(order) - 1) // 2
    distance = np.abs(times - times[middle])
    # of several as long as the median, the one in the middle comes first
    distance[middle] = -1
    nearest = ranked[np.argsort(distance, kind="stable")]
    return NormalTraces(ranked, nearest, 0 < len(succeeded) < len(others))


def compare_with_normal(traces: TraceSet, trace: int, normal: int | None = None) -> NormalComparison | None:
    """Compare a trace with `normal`, by default the median trace of its entry point; None if it has no other trace."""
    normals = find_normals(traces, trace)
    if normals is None or normal == trace:
        return None
    other = normals.median if normal is None else normal
    entry = traces.operation[traces.main_root]
    everyone = np.flatnonzero(entry == entry[trace])
    return NormalComparison(
        trace=trace,
        normal=other,
        normals=normals,
        population=len(everyone),
        rank=int((traces.response_time[everyone] < traces.response_time[trace]).sum()),
        difference_ns=int(traces.response_time[trace] - traces.response_time[other]),
        difference=compare_within(traces, other, trace),
    )

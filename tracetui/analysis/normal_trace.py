"""Compare a trace with a normal one: the median trace of its entry point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.compare_traces import CallPath, compare_traces
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.network import MOSTLY_PERCENT
from tracetui.analysis.requests import failed_requests
from tracetui.model.traces import TraceSet

_MIN_PERCENT: Final = 1.0
"""Smallest share of the difference, in percent, of a call path that is listed."""
_MAX_ATTRIBUTES: Final = 5


@dataclass(frozen=True, slots=True)
class AttributeDifference:
    """Attribute with another value in the normal trace."""

    service: str
    key: str
    normal: str
    here: str


@dataclass(frozen=True, slots=True)
class PathDifference:
    """Call path, with its part in the difference of the critical paths. Times are nanoseconds."""

    path: CallPath
    """The normal trace is before, the trace itself after."""
    added_ns: int
    """Critical time here minus that of the normal trace."""
    share: float
    """Part in the whole difference, in percent; 0 without a difference."""
    spans: tuple[int, int]
    """First span in the normal trace and here, as positions in the whole set; -1 for none."""

    @property
    def network_added_ns(self) -> int:
        """Return the part of the added time that is network time."""
        network = self.path.network
        return network.critical_ns[1] - network.critical_ns[0] if network else 0

    @property
    def is_called_more(self) -> bool:
        """True if most of the difference is due to the number of calls, not to slower calls."""
        normal, here = self.path.counts
        times = self.path.critical_ns
        if not normal or not here or normal == here:
            return False
        per_call = times[0] / normal
        return abs((here - normal) * per_call) >= abs(self.added_ns) / 2


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
    paths: tuple[PathDifference, ...]
    """All call paths, in tree order."""
    attributes: tuple[AttributeDifference, ...]
    """Attributes of resources and of the main root that differ."""

    @property
    def added_ns(self) -> int:
        """Return the critical time here minus that of the normal trace."""
        return sum(one.added_ns for one in self.paths)

    def share_of(self, ns: int) -> float:
        """Return a time as a part of the whole difference, in percent; 0 without a difference."""
        return 100 * ns / self.added_ns if self.added_ns else 0.0

    def has_network(self, one: PathDifference) -> bool:
        """Test whether the network has a part in the difference of a call path that is listed."""
        return abs(self.share_of(one.network_added_ns)) >= _MIN_PERCENT

    @property
    def slow_network(self) -> PathDifference | None:
        """Call path whose network time is most of the difference; None if something else is."""
        most = max(self.paths, key=lambda one: one.network_added_ns, default=None)
        is_most = most is not None and self.added_ns > 0
        return most if most and is_most and self.share_of(most.network_added_ns) >= MOSTLY_PERCENT else None

    @property
    def listed(self) -> tuple[PathDifference, ...]:
        """Call paths with a part in the difference, and those that are only in one of the traces."""
        return tuple(one for one in self.paths if abs(one.share) >= _MIN_PERCENT or not all(one.path.counts))


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
    both = sorted((trace, other))
    pair = traces.select(np.array(both))
    paths = critical_paths(pair)
    found = compare_traces(paths, both.index(other), paths, both.index(trace))
    added = [one.critical_ns[1] - one.critical_ns[0] for one in found]
    whole = sum(added)
    entry = traces.operation[traces.main_root]
    others = np.flatnonzero(entry == entry[trace])
    return NormalComparison(
        trace=trace,
        normal=other,
        normals=normals,
        population=len(others),
        rank=int((traces.response_time[others] < traces.response_time[trace]).sum()),
        difference_ns=int(traces.response_time[trace] - traces.response_time[other]),
        paths=tuple(
            PathDifference(
                one,
                ns,
                100 * ns / whole if whole else 0.0,
                (
                    _in_set(one.spans[0], pair, both.index(other), traces, other),
                    _in_set(one.spans[1], pair, both.index(trace), traces, trace),
                ),
            )
            for one, ns in zip(found, added, strict=True)
        ),
        attributes=tuple(_attribute_differences(traces, other, trace)),
    )


def _in_set(span: int, pair: TraceSet, at: int, traces: TraceSet, trace: int) -> int:
    """Convert the position of a span in the set of two traces to that in the whole set."""
    return span - int(pair.first[at]) + int(traces.first[trace]) if span >= 0 else -1


def _attribute_differences(traces: TraceSet, normal: int, here: int) -> list[AttributeDifference]:
    """List the attributes of the main roots and of resources that differ, rarely unique ones first."""
    found = []
    root_service = traces.service_name(int(traces.main_root[here]))
    sides = [_attributes(traces, trace) for trace in (normal, here)]
    for (service, key), value in sides[1].items():
        other = sides[0].get((service, key))
        if other is not None and other != value:
            found.append(AttributeDifference(service, key, other, value))
    # those of few values say more than ids
    found.sort(key=lambda one: (_has_digits(one.here), one.service != root_service, len(one.here)))
    return found[:_MAX_ATTRIBUTES]


def _attributes(traces: TraceSet, trace: int) -> dict[tuple[str, str], str]:
    """Texts of the attributes of the main root, and of the resource of each service, by service and key."""
    found: dict[tuple[str, str], str] = {}
    root = int(traces.main_root[trace])
    for span in (root, *traces.spans_of(trace)):
        service = traces.service_name(span)
        attributes = traces.resource_attributes(span)
        if span == root:
            attributes = {**attributes, **traces.attributes(span)}
        for key, value in attributes.items():
            if isinstance(value, (str, bool, int, float)):
                found.setdefault((service, key), str(value).lower() if isinstance(value, bool) else str(value))
    return found


def _has_digits(text: str) -> bool:
    return any(letter.isdigit() for letter in text)

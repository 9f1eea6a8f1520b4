"""Difference of two traces: where the critical path of the second one is longer or shorter, by call path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from tracetui.analysis.compare_traces import CallPath, PathChange, compare_traces
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.network import MOSTLY_PERCENT
from tracetui.model.traces import TraceSet

_MIN_PERCENT: Final = 1.0
"""Smallest part of all differences, in percent, of a call path that is listed."""
_MIN_NET: Final = 0.1
"""Whole difference from which on parts of it are meaningful, as a part of the sum of all differences."""
_MAX_ATTRIBUTES: Final = 5


@dataclass(frozen=True, slots=True)
class AttributeDifference:
    """Attribute with two values."""

    service: str
    key: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PathDifference:
    """Call path, with its part in the difference of the critical paths. Times are nanoseconds."""

    path: CallPath
    added_ns: int
    """Critical time in the second trace minus that in the first."""
    share: float
    """Part in the whole difference, in percent; 0 without a difference."""
    spans: tuple[int, int]
    """First span in each trace, as positions in the whole set; -1 for none."""

    @property
    def network_added_ns(self) -> int:
        """Return the part of the added time that is network time."""
        network = self.path.network
        return network.critical_ns[1] - network.critical_ns[0] if network else 0

    @property
    def is_called_more(self) -> bool:
        """True if most of the difference is due to the number of calls, not to slower calls."""
        before, after = self.path.counts
        times = self.path.critical_ns
        if not before or not after or before == after:
            return False
        per_call = times[0] / before
        return abs((after - before) * per_call) >= abs(self.added_ns) / 2

    @property
    def is_notable(self) -> bool:
        """True for a call path of only one of the traces, and for one with other errors or another queue time."""
        counts, origins = self.path.counts, self.path.origins
        return not all(counts) or self.has_other_queue_time or bool(origins[0]) != bool(origins[1])

    @property
    def has_other_queue_time(self) -> bool:
        """True if messages waited longer or shorter than in the other trace."""
        return self.path.network is not None and self.path.network.queue_change is not PathChange.SAME


@dataclass(frozen=True, slots=True)
class TraceDifference:
    """Call paths of two traces, and attributes that differ."""

    paths: tuple[PathDifference, ...]
    """All call paths, in tree order."""
    added_ns: int
    """Critical time of the second trace minus that of the first."""
    gross_ns: int
    """Sum of the differences of all call paths, longer and shorter ones."""
    attributes: tuple[AttributeDifference, ...] = ()
    """Attributes of resources and of the main root."""

    @property
    def has_shares(self) -> bool:
        """True if parts of the whole difference are meaningful: longer and shorter call paths do not cancel out."""
        return abs(self.added_ns) >= _MIN_NET * self.gross_ns > 0

    def share_of(self, ns: int) -> float:
        """Return a time as a part of the whole difference, in percent; 0 without a difference."""
        return 100 * ns / self.added_ns if self.added_ns else 0.0

    def is_large(self, ns: int) -> bool:
        """Test whether a difference is large enough to be shown."""
        return abs(ns) * 100 >= _MIN_PERCENT * self.gross_ns and ns != 0

    @property
    def slow_network(self) -> PathDifference | None:
        """Call path whose network time is most of the difference; None if something else is."""
        most = max(self.paths, key=lambda one: one.network_added_ns, default=None)
        is_most = most is not None and self.added_ns > 0
        return most if most and is_most and self.share_of(most.network_added_ns) >= MOSTLY_PERCENT else None

    @property
    def listed(self) -> tuple[PathDifference, ...]:
        """Call paths with a part in the difference, those that are notable without, and the callers of both."""
        kept: list[PathDifference] = []
        caller_depths: set[int] = set()
        for one in reversed(self.paths):
            depth = one.path.depth
            if depth in caller_depths or self.is_large(one.added_ns) or one.is_notable:
                kept.append(one)
                caller_depths.discard(depth)
                caller_depths.add(depth - 1)
        return tuple(reversed(kept))


def trace_difference(call_paths: Sequence[CallPath], attributes: Sequence[AttributeDifference] = ()) -> TraceDifference:
    """Calculate the parts of call paths in the difference of two traces."""
    added = [one.critical_ns[1] - one.critical_ns[0] for one in call_paths]
    whole = sum(added)
    paths = (
        PathDifference(one, ns, 100 * ns / whole if whole else 0.0, one.spans)
        for one, ns in zip(call_paths, added, strict=True)
    )
    return TraceDifference(tuple(paths), whole, sum(map(abs, added)), tuple(attributes))


def compare_within(traces: TraceSet, before: int, after: int) -> TraceDifference:
    """Compare two traces of one set; the spans of the result are positions in it."""
    both = sorted((before, after))
    pair = traces.select(np.array(both))
    paths = critical_paths(pair)
    first, second = both.index(before), both.index(after)
    found = trace_difference(compare_traces(paths, first, paths, second), _attribute_differences(traces, before, after))
    return replace(
        found,
        paths=tuple(
            replace(
                one,
                spans=(
                    _in_set(one.path.spans[0], pair, first, traces, before),
                    _in_set(one.path.spans[1], pair, second, traces, after),
                ),
            )
            for one in found.paths
        ),
    )


def _in_set(span: int, pair: TraceSet, at: int, traces: TraceSet, trace: int) -> int:
    """Convert the position of a span in the set of two traces to that in the whole set."""
    return span - int(pair.first[at]) + int(traces.first[trace]) if span >= 0 else -1


def _attribute_differences(traces: TraceSet, before: int, after: int) -> list[AttributeDifference]:
    """List the attributes of the main roots and of resources that differ, rarely unique ones first."""
    found = []
    root_service = traces.service_name(int(traces.main_root[after]))
    sides = [_attributes(traces, trace) for trace in (before, after)]
    for (service, key), value in sides[1].items():
        other = sides[0].get((service, key))
        if other is not None and other != value:
            found.append(AttributeDifference(service, key, other, value))
    # those of few values say more than ids
    found.sort(key=lambda one: (_has_digits(one.after), one.service != root_service, len(one.after)))
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

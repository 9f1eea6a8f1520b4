"""Suggestions for slow traces: waiting time that another way of calling would save.

Only the critical path is searched: spans off it save nothing. Parallel work may delay the rest of the path: savings are
limited accordingly (`analysis.saving_bound`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.calls import Calls
from tracetui.analysis.critical_path import CriticalPaths
from tracetui.analysis.suggestions import gap, identical_calls, n_plus_one, parallel_calls, retries, timeouts
from tracetui.analysis.suggestions.kind import SuggestionKind
from tracetui.analysis.suggestions.siblings import Siblings, run_starts

KINDS: Final[tuple[SuggestionKind, ...]] = (
    n_plus_one.KIND,
    parallel_calls.KIND,
    gap.KIND,
    retries.KIND,
    identical_calls.KIND,
    timeouts.KIND,
)

MIN_SHARE = 1.0
"""Smallest saving that is reported, in percent of the path time of the traces in which the suggestion applies."""
_MAX_NAMED = 6


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Change that would save time, over all traces in which it applies. Times are nanoseconds."""

    kind: SuggestionKind
    parent: tuple[str, str]
    """Service and operation that make the calls."""
    calls: tuple[tuple[str, str], ...]
    """Called services and operations, in order; for a gap those before and after it. At most a few."""
    more_calls: int
    """Number of callees beyond those in `calls`."""
    saving_ns: float
    """Saving in all traces together, never more than their critical paths."""
    mean_saving_ns: float
    """Mean per trace in which it occurs."""
    mean_time_ns: float
    """Mean time that a trace waits for these calls today; for a gap, its length."""
    share_percent: float
    """Saving as a share of the path time of the traces in which it applies."""
    trace_count: int
    most_calls: int
    """Largest number under one parent: of N+1 calls, of failed attempts; of calls for other kinds."""
    example_trace: int
    """Trace with the largest saving."""
    example_span: int
    """The first of the calls there; for a gap, the call after it."""


def find_suggestions(paths: CriticalPaths, calls: Calls) -> list[Suggestion]:
    """Find suggestions of all kinds, the largest total saving first."""
    siblings = Siblings(paths, calls)
    found = [suggestion for kind in KINDS for suggestion in _suggestions(siblings, kind)]
    return sorted(found, key=lambda one: (-one.saving_ns, one.kind.name, one.parent, one.calls))


def _suggestions(siblings: Siblings, kind: SuggestionKind) -> list[Suggestion]:
    """Make the suggestions of one kind: one for each group of instances that saves enough."""
    found, paths = kind.find(siblings), siblings.paths
    traces = paths.traces
    saves = np.flatnonzero(found.saving > 0)
    rows = saves[np.lexsort((traces.trace[found.span[saves]], found.group[saves]))]
    if not len(rows):
        return []
    trace, group = traces.trace[found.span[rows]], found.group[rows]
    # starts of the rows of each trace within a group, and of each group
    at_trace = run_starts(group, trace)
    at_group = run_starts(group[at_trace])
    # only part of a root counts if others overlap it: a trace never saves more than its critical path
    times = paths.trace_critical[trace[at_trace]].astype(np.float64)
    saving = np.minimum(np.add.reduceat(found.saving[rows], at_trace, dtype=np.float64), times)
    whole, total = np.add.reduceat(times, at_group), np.add.reduceat(saving, at_group)
    touched = np.diff(np.append(at_group, len(at_trace)))
    share = np.divide(100 * total, whole, out=np.zeros(len(whole)), where=whole > 0)
    best = _first_greatest(saving, at_group)
    example = found.span[rows[_first_greatest(found.saving[rows], at_trace)[best]]]
    begins = at_trace[at_group]
    time = np.add.reduceat(found.time[rows], begins, dtype=np.float64)
    most = np.maximum.reduceat(found.count[rows], begins)
    kept = np.flatnonzero(share >= MIN_SHARE)
    members, bounds = found.members.of(group[begins[kept]])
    names = siblings.labels(members)
    columns = (total, total / touched, time / touched, share, touched, most, trace[at_trace[best]], example)
    parents = traces.operation[traces.parent[example[kept]]].tolist()
    suggestions = []
    for begin, end, parent, saved, mean, mean_time, part, count, calls, best_trace, span in zip(
        bounds[:-1], bounds[1:], parents, *(column[kept].tolist() for column in columns), strict=True
    ):
        called = names[begin:end]
        if not kind.keeps_order:
            called = list(dict.fromkeys(called))
        suggestions.append(
            Suggestion(
                kind=kind,
                parent=traces.operation_label(parent),
                calls=tuple(called[:_MAX_NAMED]),
                more_calls=max(len(called) - _MAX_NAMED, 0),
                saving_ns=saved,
                mean_saving_ns=mean,
                mean_time_ns=mean_time,
                share_percent=part,
                trace_count=count,
                most_calls=calls,
                example_trace=best_trace,
                example_span=span,
            )
        )
    return suggestions


def _first_greatest(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return int64[groups], the position of the greatest value of each group, the first of equal ones.

    Group g is `first[g]:first[g + 1]`, the last one extends to the end; none is empty.
    """
    sizes = np.diff(np.append(first, len(values)))
    group = np.repeat(np.arange(len(first)), sizes)
    greatest = np.flatnonzero(values == np.maximum.reduceat(values, first)[group])
    found: np.ndarray = greatest[run_starts(group[greatest])]
    return found

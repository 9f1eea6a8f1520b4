"""Comparison of two trace sets, before and after a change: regressions and improvements.

A change is reported only if it is large enough and unlikely to be chance (see `analysis.stats.bootstrap`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.bottlenecks import BOTTLENECK_PERCENT, critical_operations
from tracetui.analysis.compare_traces import CallPath, compare_traces
from tracetui.analysis.errors import ErrorPattern
from tracetui.analysis.grouped_changes import GroupChange, GroupedFigures, compared_groups
from tracetui.analysis.name_matching import align_case
from tracetui.analysis.network import network_by_call
from tracetui.analysis.self_time import self_times
from tracetui.analysis.stats.bootstrap import level_for
from tracetui.analysis.stats.change import FAILED_REQUEST_RATE, RATES, Change, ChangeClassifier, Verdict
from tracetui.analysis.stats.groups import group_positions
from tracetui.model.traces import TraceSet

DEFAULT_THRESHOLD = 10.0
"""Smallest change of a figure that is reported, in percent."""
_OVERALL, _PER_OPERATION, _PER_EDGE = 5, 6, 5
"""Numbers of figures that are compared."""
REPORTED = (Verdict.WORSE, Verdict.BETTER, Verdict.NEW, Verdict.GONE)
"""Verdicts on changes that are beyond chance."""


@dataclass(frozen=True, slots=True)
class PatternChange:
    """Error pattern in either set. Shares are of traces, in percent."""

    service: str
    message: str
    counts: tuple[int, int]
    traces: tuple[int, int]
    shares: tuple[float, float]
    verdict: Verdict
    is_worse: bool
    """True if it occurs in more traces after, beyond chance."""


@dataclass(frozen=True, slots=True)
class BottleneckChange:
    """Operation that is a bottleneck in either set; None in a set where it does not occur."""

    service: str
    operation: str
    mean_critical_ns: tuple[float | None, float | None]
    """Mean per trace in which it occurs."""
    shares: tuple[float | None, float | None]
    """Shares of the critical path time of those traces, in percent."""
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences between two trace sets."""

    before: Analysis
    after: Analysis
    threshold: float
    overall: tuple[Change, ...]
    """Changes of whole traces: mean, p50, p95 and p99 of the response time, and the rates of traces with errors and of
    failed requests.
    """
    bottlenecks: tuple[BottleneckChange, ...]
    operations: tuple[GroupChange, ...]
    """Changes of operations, the largest change of total time first."""
    edges: tuple[GroupChange, ...]
    patterns: tuple[PatternChange, ...]

    @property
    def distinct(self) -> tuple[Change, ...]:
        """Changes of whole traces, without the rate of failed requests if it equals that of traces with errors."""
        rates = [change for change in self.overall if change.figure in RATES]
        same = len({(change.before, change.after) for change in rates}) < len(rates)
        return tuple(change for change in self.overall if not (same and change.figure == FAILED_REQUEST_RATE))

    @property
    def has_common(self) -> bool:
        """True if the sets share an operation; otherwise they are of different systems and nothing can be compared."""
        return any(all(one.counts) for one in self.operations)

    @property
    def has_common_requests(self) -> bool:
        """True if the sets share an entry point; otherwise figures of whole traces cannot be compared."""
        before, after = (
            {traces.operation_label(number) for number in np.unique(traces.operation[traces.main_root]).tolist()}
            for traces in (self.before.traces, self.after.traces)
        )
        return bool(before & after)

    @property
    def call_paths(self) -> list[CallPath]:
        """Changes by call path, if each set is one trace; else empty."""
        if not self.before.traces.trace_count == self.after.traces.trace_count == 1:
            return []
        return compare_traces(self.before.paths, 0, self.after.paths, 0)

    @property
    def undecided(self) -> int:
        """Number of figures with a large change but too few samples."""
        changes = [*self.distinct, *(change for one in (*self.operations, *self.edges) for change in one.changes)]
        return sum(change.verdict is Verdict.FEW for change in changes)

    @property
    def has_changes(self) -> bool:
        """True if a figure became better or worse, or something is new or gone."""
        verdicts = [change.verdict for change in self.distinct]
        verdicts += [
            one.verdict for group in (self.bottlenecks, self.operations, self.edges, self.patterns) for one in group
        ]
        return any(verdict in REPORTED for verdict in verdicts)

    @property
    def regressions(self) -> list[str]:
        """Describe the regressions: figures of whole traces, operations and calls, and new error patterns."""
        return [*_regressions(self)]


def compare(before: Analysis, after: Analysis, threshold: float = DEFAULT_THRESHOLD) -> Comparison:
    """Compare two sets. `threshold`: smallest change of a figure that is reported, in percent.

    Services and operations that differ only in case are the same.
    """
    before, after = _with_case_of(before, after.traces), _with_case_of(after, before.traces)
    sides = [one.traces.response_time for one in (before, after)]
    means = [float(durations.mean()) for durations in sides if len(durations)]
    trace_classifier, span_classifier = _classifiers(
        threshold, min(means, default=0.0), (len(sides[0]), len(sides[1])), before, after
    )
    return Comparison(
        before,
        after,
        threshold,
        overall=tuple(_overall(before, after, trace_classifier)),
        bottlenecks=tuple(_bottlenecks(before, after, trace_classifier)),
        operations=tuple(_operations(before, after, span_classifier)),
        edges=tuple(_edges(before, after, span_classifier)),
        patterns=tuple(_patterns(before, after, trace_classifier)),
    )


def _with_case_of(analysis: Analysis, other: TraceSet) -> Analysis:
    """Spell services and operations that differ from those of another set only in case as that set does."""
    traces = align_case(analysis.traces, other)
    return analysis if traces is analysis.traces else Analysis(traces)


def _classifiers(
    threshold: float, trace_ns: float, counts: tuple[int, int], before: Analysis, after: Analysis
) -> tuple[ChangeClassifier, ChangeClassifier]:
    """Build classifiers for the figures of whole traces and for those of operations and calls. Each has a significance
    level that covers all of its comparisons together.
    """
    operations = [_labels(analysis) for analysis in (before, after)]
    columns = [one.dependencies.edge_columns for one in (before, after)]
    edges = [one.keys() for one in columns]
    patterns = [_by_template(one.errors.patterns) for one in (before, after)]
    rates = [(one.summary.error_trace_count, one.summary.failed_request_count) for one in (before, after)]
    trace_figures = (
        _OVERALL + any(errors != failed for errors, failed in rates) + 2 + len(patterns[0].keys() | patterns[1].keys())
    )
    span_figures = _PER_OPERATION * len(operations[0] & operations[1]) + _PER_EDGE * len(edges[0] & edges[1])
    return (
        ChangeClassifier(threshold, trace_ns, counts, level_for(trace_figures)),
        ChangeClassifier(threshold, trace_ns, counts, level_for(span_figures)),
    )


def _overall(before: Analysis, after: Analysis, classifier: ChangeClassifier) -> Iterator[Change]:
    durations = [analysis.traces.response_time for analysis in (before, after)]
    yield from classifier.times(("mean", "p50", "p95", "p99"), *durations)
    summaries = [one.summary for one in (before, after)]
    with_errors, failed = (
        [(getattr(one, name), one.trace_count) for one in summaries]
        for name in ("error_trace_count", "failed_request_count")
    )
    yield classifier.rate(with_errors[0], with_errors[1])
    yield classifier.rate(failed[0], failed[1], FAILED_REQUEST_RATE)


def _labels(analysis: Analysis) -> set[tuple[str, str]]:
    traces = analysis.traces
    return {traces.operation_label(number) for number in np.unique(traces.operation).tolist()}


def _operations(before: Analysis, after: Analysis, classifier: ChangeClassifier) -> list[GroupChange]:
    sides = []
    for analysis in (before, after):
        traces = analysis.traces
        groups = group_positions(traces.operation)
        names = list(map(traces.operation_label, groups.distinct.tolist()))
        has_end = ~traces.no_duration
        times = {
            "": (traces.duration, has_end),
            "self": (self_times(traces), has_end),
            "critical": (analysis.paths.critical, np.ones(len(traces), bool)),
        }
        sides.append(GroupedFigures(groups, names, traces.error, times))
    return sorted(compared_groups(sides[0], sides[1], classifier), key=_by_weight)


def _by_weight(one: GroupChange) -> tuple[bool, float, tuple[str, ...]]:
    """Sort key: critical time gained or lost per call, times the calls."""
    critical = one.changes[-1]
    change = abs((critical.after or 0.0) - (critical.before or 0.0)) * max(one.counts)
    return one.verdict not in (Verdict.WORSE, Verdict.BETTER, Verdict.NEW, Verdict.GONE), -change, one.name


def _edges(before: Analysis, after: Analysis, classifier: ChangeClassifier) -> list[GroupChange]:
    sides = []
    for analysis in (before, after):
        calls = analysis.calls
        nodes = calls.nodes
        groups = group_positions((calls.caller.astype(np.int64) * len(nodes) + calls.callee) * 2 + calls.is_async)
        names: list[tuple[str, ...]] = []
        for number in groups.distinct.tolist():
            pair, is_async = divmod(number, 2)
            caller, callee = divmod(pair, len(nodes))
            names.append((nodes[caller], nodes[callee], "async" if is_async else ""))
        traces = analysis.traces
        times = {
            "": (traces.duration[calls.span], ~traces.no_duration[calls.span]),
            "network": network_by_call(calls, analysis.network),
        }
        sides.append(GroupedFigures(groups, names, calls.error, times))
    found = compared_groups(sides[0], sides[1], classifier)
    weight = {one.name: abs((one.changes[0].after or 0.0) - (one.changes[0].before or 0.0)) for one in found}
    return sorted(found, key=lambda one: (-weight[one.name] * max(one.counts), one.name))


def _bottlenecks(before: Analysis, after: Analysis, classifier: ChangeClassifier) -> list[BottleneckChange]:
    sides, spans = [], []
    for analysis in (before, after):
        traces = analysis.traces
        spans.append(group_positions(traces.operation))
        sides.append(
            {
                traces.operation_label(number): (number, critical / occurs, share)
                for number, critical, share, _, occurs in critical_operations(analysis.paths)
            }
        )
    found = []
    for name in dict.fromkeys(
        name for side in sides for name, (_, _, share) in side.items() if share > BOTTLENECK_PERCENT
    ):
        critical = [
            _critical_per_trace(analysis, groups.of(side[name][0])) if name in side else np.zeros(0)
            for analysis, side, groups in zip((before, after), sides, spans, strict=True)
        ]
        change = classifier.times(("mean",), *critical)[0]
        found.append(
            BottleneckChange(
                *name,
                mean_critical_ns=(change.before, change.after),
                shares=(sides[0].get(name, (0, 0, None))[2], sides[1].get(name, (0, 0, None))[2]),
                verdict=change.verdict,
            )
        )
    return found


def _critical_per_trace(analysis: Analysis, spans: np.ndarray) -> np.ndarray:
    """Compute the critical time in ns of an operation per trace in which it occurs. spans: int64, its spans."""
    distinct, number = np.unique(analysis.traces.trace[spans], return_inverse=True)
    critical: np.ndarray = np.bincount(number, weights=analysis.paths.critical[spans], minlength=len(distinct))
    return critical


def _patterns(before: Analysis, after: Analysis, classifier: ChangeClassifier) -> list[PatternChange]:
    sides = [_by_template(analysis.errors.patterns) for analysis in (before, after)]
    trace_counts = [analysis.traces.trace_count for analysis in (before, after)]
    found = []
    for key in dict.fromkeys((*sides[0], *sides[1])):
        pair = [side.get(key) for side in sides]
        some = pair[1] or pair[0]
        assert some is not None
        traces = [one.trace_count if one else 0 for one in pair]
        change = classifier.rate((traces[0], trace_counts[0]), (traces[1], trace_counts[1]))
        verdict = Verdict.NEW if pair[0] is None else Verdict.GONE if pair[1] is None else change.verdict
        found.append(
            PatternChange(
                some.service,
                some.message,
                counts=(pair[0].count if pair[0] else 0, pair[1].count if pair[1] else 0),
                traces=(traces[0], traces[1]),
                shares=(change.before or 0.0, change.after or 0.0),
                verdict=verdict,
                is_worse=change.verdict is Verdict.WORSE,
            )
        )
    return sorted(found, key=lambda one: (-abs(one.shares[1] - one.shares[0]), one.service, one.message))


def _by_template(patterns: Sequence[ErrorPattern]) -> dict[tuple[str, str], ErrorPattern]:
    return {(pattern.service, pattern.template): pattern for pattern in patterns}


def _regressions(found: Comparison) -> Iterator[str]:
    for change in found.distinct:
        if change.verdict is Verdict.WORSE:
            yield f"{change.figure} of traces"
    for one in found.bottlenecks:
        if one.verdict is Verdict.WORSE:
            yield f"critical time of {one.service} {one.operation}"
    for compared in found.operations:
        for change in compared.changes:
            if change.verdict is Verdict.WORSE:
                yield f"{change.figure} of {' '.join(compared.name)}"
    for compared in found.edges:
        for change in compared.changes:
            if change.verdict is Verdict.WORSE:
                yield f"{change.figure} of calls {compared.name[0]} to {compared.name[1]}"
    for pattern in found.patterns:
        if pattern.is_worse:
            yield f"errors of {pattern.service}: {pattern.message}"

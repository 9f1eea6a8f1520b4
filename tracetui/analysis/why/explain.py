"""Find the causes of what is worse in one trace set than in another."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

import numpy as np

from tracetui.analysis.why.cause import AffectedEntryPoint, Cause, Finding, Why
from tracetui.analysis.why.confidence import confidence, what_is_missing
from tracetui.analysis.why.evidence import Evidence, EvidenceKind, together
from tracetui.analysis.why.failures import error_origins, of_failures
from tracetui.analysis.why.hosts import host_of
from tracetui.analysis.why.more_calls import count_calls, of_calls
from tracetui.analysis.why.observations import Numbered, Observations
from tracetui.analysis.why.odd_steps import differing_steps
from tracetui.analysis.why.ranking import Ranked, rank
from tracetui.analysis.why.shifts import find_shifts, of_time, slow_share
from tracetui.analysis.why.statements import number_statements
from tracetui.analysis.why.steps import find_steps, of_steps
from tracetui.analysis.why.ways import way_to
from tracetui.model.traces import TraceSet

MOST_CAUSES: Final = 10
_MOST_FINDINGS: Final = 5
_MOST_EXAMPLES: Final = 3
_MOST_ENTRY_POINTS: Final = 3
_LEAST_CHARGE: Final = 0.02
"""Least weight of a piece of evidence that is shown."""


def explain(before: TraceSet, after: TraceSet) -> Why:
    """Rank the causes of what is worse after than before."""
    return _Explanation(before, after).why()


class _Explanation:
    def __init__(self, before: TraceSet, after: TraceSet) -> None:
        self.both = both = Observations(before, after)
        statements, seen = Numbered[str](), dict[str, int]()
        lines = [number_statements(side, statements, seen) for side in (before, after)]
        self.has_lines = bool(len(lines[0]) and len(lines[1]))
        if not self.has_lines:
            # lines of one side only would make every span look different
            lines = [np.zeros(0, np.int64)] * 2
        self.origins = error_origins(before), error_origins(after)
        self.shifts = find_shifts(both)
        self.steps = find_steps(both, statements, (lines[0], lines[1]), self.origins[1])
        self.counts = count_calls(both)
        self.evidence: Evidence = together(
            [
                of_time(both, self.shifts),
                of_steps(both, self.steps),
                of_failures(both, *self.origins),
                of_calls(both, self.counts),
            ]
        )
        self.ranked: Ranked = rank(self.evidence, slow_share(both, self.shifts))

    def why(self) -> Why:
        count = min(len(self.ranked.services), MOST_CAUSES)
        causes = tuple(self._cause(place) for place in range(count))
        before, after = self.both.before.traces, self.both.after.traces
        missing = what_is_missing(before, after, causes, has_lines=self.has_lines)
        return Why(causes, after.trace_count, before.trace_count, missing)

    def _cause(self, place: int) -> Cause:
        service = int(self.ranked.services[place])
        charged = np.where(self.evidence.service == service, self.ranked.charged[:, 0], 0.0)
        charged = charged + np.where(self.evidence.other == service, self.ranked.charged[:, 1], 0.0)
        rows = np.argsort(-charged, kind="stable")[:_MOST_FINDINGS]
        shown = [row for row in rows.tolist() if charged[row] >= _LEAST_CHARGE] or rows[:1].tolist()
        spans = [self._spans(row) for row in shown]
        traces = self.both.after.traces
        found = np.unique(np.concatenate(spans)) if spans else np.zeros(0, np.int64)
        examples = list(dict.fromkeys(traces.trace[np.concatenate(spans)].tolist()))[:_MOST_EXAMPLES]
        first = int(spans[0][0])
        finding = self._finding(shown[0], float(charged[shown[0]]))
        return Cause(
            place + 1,
            self.both.service_name(service),
            host_of(traces, self._of_service(found, service)),
            self.both.is_peer(service),
            finding.operation,
            finding.kind,
            confidence(float(self.ranked.scores[place]), float(self.ranked.weights[place])),
            float(self.ranked.scores[place]),
            (finding, *(self._finding(row, float(charged[row])) for row in shown[1:])),
            tuple(traces.trace_ids[trace] for trace in examples),
            way_to(traces, first, self.both.service_name(service)),
            self._entry_points(found),
        )

    def _spans(self, row: int) -> np.ndarray:
        """Select the spans that show a piece of evidence, the clearest first: int64[k]."""
        kind, key = EvidenceKind(int(self.evidence.kind[row])), int(self.evidence.key[row])
        after = self.both.after
        if kind in (EvidenceKind.SELF_TIME, EvidenceKind.NETWORK, EvidenceKind.DEPENDENCY):
            spans = np.flatnonzero(self.shifts.of_after == key)
            # halfway on the scale of factors, as on one slow instance of two
            usual, slow = (float(means[key]) for means in self.shifts.means)
            slower = spans[after.self_time[spans] > math.sqrt(usual * slow)]
            spans = slower if len(slower) else spans
            return spans[np.argsort(-after.self_time[spans], kind="stable")]
        if kind is EvidenceKind.STEPS:
            spans = np.flatnonzero(self.steps.origin & (after.operation == key))
            return spans[np.argsort(-self.steps.surprise[spans], kind="stable")]
        if kind is EvidenceKind.ERRORS:
            return np.flatnonzero(self.origins[1] & (after.operation == key))
        parent, child = divmod(int(self.counts.pair[key]), len(self.both.operations))
        called = np.flatnonzero((after.operation == child) & (after.traces.parent >= 0))
        callers = after.traces.parent[called]
        callers, numbers = np.unique(callers[after.operation[callers] == parent], return_counts=True)
        return np.asarray(callers[np.argsort(-numbers, kind="stable")], np.int64)

    def _finding(self, row: int, weight: float) -> Finding:
        kind, key = EvidenceKind(int(self.evidence.kind[row])), int(self.evidence.key[row])
        both = self.both
        if kind in (EvidenceKind.SELF_TIME, EvidenceKind.NETWORK, EvidenceKind.DEPENDENCY):
            shifts = self.shifts
            service, operation = both.operation_name(int(shifts.operation[key]))
            target = int(shifts.target[key])
            name = both.service_name(target) if target >= 0 else ""
            times = float(shifts.means[0][key]), float(shifts.means[1][key])
            return Finding(kind, service, operation, name, *times, int(shifts.counts[1][key]), weight)
        if kind is EvidenceKind.MORE_CALLS:
            parent, child = divmod(int(self.counts.pair[key]), len(both.operations))
            service, operation = both.operation_name(parent)
            called = " ".join(both.operation_name(child))
            means = float(self.counts.means[0][key]), float(self.counts.means[1][key])
            return Finding(kind, service, operation, called, *means, int(self.counts.spans[1][key]), weight)
        service, operation = both.operation_name(key)
        is_of = [side.operation == key for side in (both.before, both.after)]
        numbers = [max(int(some.sum()), 1) for some in is_of]
        if kind is EvidenceKind.ERRORS:
            rates = [
                float((some & origin).sum()) / of for some, origin, of in zip(is_of, self.origins, numbers, strict=True)
            ]
            return Finding(kind, service, operation, "", rates[0], rates[1], numbers[1], weight)
        odd = np.flatnonzero(self.steps.origin & is_of[1])
        missing, new = differing_steps(both, self.steps, key, odd)
        return Finding(kind, service, operation, "", None, len(odd) / numbers[1], numbers[1], weight, missing, new)

    def _of_service(self, spans: np.ndarray, service: int) -> np.ndarray:
        """Replace spans that call the service by those that answer, and keep only its own: int64[k]."""
        after = self.both.after
        is_caller = (after.service[spans] != service) & (after.answered[spans] >= 0)
        moved = np.where(is_caller, spans + 1, spans)
        own: np.ndarray = moved[after.service[moved] == service]
        return own

    def _entry_points(self, spans: np.ndarray) -> tuple[AffectedEntryPoint, ...]:
        traces = self.both.after.traces
        roots = traces.main_root[np.unique(traces.trace[spans])]
        counts = Counter(traces.operation[roots].tolist()).most_common(_MOST_ENTRY_POINTS)
        return tuple(AffectedEntryPoint(*traces.operation_label(operation), number) for operation, number in counts)

"""Rank the root causes of what is worse in an incident than in a baseline."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Final

import numpy as np

from tracetui.analysis.root_causes.affected_instance import affected_instance
from tracetui.analysis.root_causes.aligned_trace_sets import AlignedSets, Numbering
from tracetui.analysis.root_causes.call_count_evidence import call_count_evidence, count_calls
from tracetui.analysis.root_causes.code_path_differences import missing_and_new_steps
from tracetui.analysis.root_causes.code_path_evidence import find_step_changes, step_evidence
from tracetui.analysis.root_causes.confidence import confidence, missing_data, without_problem
from tracetui.analysis.root_causes.error_evidence import error_evidence, error_origins
from tracetui.analysis.root_causes.evidence import LATENCY_KINDS, Evidence, EvidenceKind, concatenate
from tracetui.analysis.root_causes.example_spans import MAX_EXAMPLES, example_spans
from tracetui.analysis.root_causes.interrupted_calls import find_interruptions, interruption_evidence
from tracetui.analysis.root_causes.latency_evidence import compare_latency, latency_evidence, slow_call_share
from tracetui.analysis.root_causes.log_statements import number_log_statements
from tracetui.analysis.root_causes.propagation_path import propagation_path
from tracetui.analysis.root_causes.ranking import ServiceRanking, rank_services
from tracetui.analysis.root_causes.results import (
    AffectedEntryPoint,
    Cause,
    EvidenceDetail,
    ExampleSpan,
    RootCauses,
)
from tracetui.analysis.root_causes.symptoms import find_symptoms
from tracetui.model.traces import TraceSet

MAX_CAUSES: Final = 10
MAX_ENTRY_POINTS: Final = 3
_MAX_DETAILS: Final = 5
_MIN_WEIGHT: Final = 0.02
"""Smallest weight of a piece of evidence that is reported."""


def find_root_causes(baseline: TraceSet, incident: TraceSet) -> RootCauses:
    """Rank the causes of what is worse in the incident than in the baseline."""
    return _RootCauseAnalysis(baseline, incident).result()


class _RootCauseAnalysis:
    def __init__(self, baseline: TraceSet, incident: TraceSet) -> None:
        self.sets = sets = AlignedSets(baseline, incident)
        self.symptoms = find_symptoms(baseline, incident)
        self._fails_more = self.symptoms is not None and self.symptoms.fails_more
        statements, cache = Numbering[str](), dict[str, int]()
        lines = [number_log_statements(traces, statements, cache) for traces in (baseline, incident)]
        self.has_logs = bool(len(lines[0]) and len(lines[1]))
        if not self.has_logs:
            # with log lines in one set only, every span would look different
            lines = [np.zeros(0, np.int64)] * 2
        self.origins = error_origins(baseline), error_origins(incident)
        self.latency = compare_latency(sets)
        self.steps = find_step_changes(sets, statements, (lines[0], lines[1]), self.origins[1])
        self.interruptions = find_interruptions(sets, self.steps)
        self.counts = count_calls(sets)
        self.evidence: Evidence = concatenate(
            [
                latency_evidence(sets, self.latency),
                step_evidence(sets, self.steps),
                interruption_evidence(sets, self.interruptions),
                error_evidence(sets, *self.origins),
                call_count_evidence(sets, self.counts),
            ]
        )
        self.ranking: ServiceRanking = rank_services(self.evidence, slow_call_share(sets, self.latency))

    def result(self) -> RootCauses:
        count = min(len(self.ranking.services), MAX_CAUSES)
        causes = without_problem([self._cause(index) for index in range(count)], self.symptoms)
        baseline, incident = self.sets.baseline.traces, self.sets.incident.traces
        missing = missing_data(baseline, incident, causes, has_logs=self.has_logs)
        return RootCauses(causes, incident.trace_count, baseline.trace_count, missing, self.symptoms)

    def _cause(self, index: int) -> Cause:
        """Describe the service at an index of the ranking."""
        service = int(self.ranking.services[index])
        traces, name = self.sets.incident.traces, self.sets.service_name(service)
        weights = np.where(self.evidence.service == service, self.ranking.attributed[:, 0], 0.0)
        weights = weights + np.where(self.evidence.caller == service, self.ranking.attributed[:, 1], 0.0)
        # rare failures weigh little next to a general slowness, but are a problem of their own
        is_failure = self._fails_more & (self.evidence.kind == EvidenceKind.ERRORS) & (weights > 0)
        rows = np.argsort(-weights, kind="stable")
        strong = rows[(weights[rows] >= _MIN_WEIGHT) & ~is_failure[rows]][:_MAX_DETAILS]
        reported = [*strong.tolist(), *rows[is_failure[rows]][:_MAX_DETAILS].tolist()] or rows[:1].tolist()
        reported.sort(key=lambda row: -float(weights[row]))
        abnormal = [self._abnormal_spans(row) for row in reported]
        details = tuple(
            replace(self._detail(row, float(weights[row])), examples=self._examples(row, of_row))
            for row, of_row in zip(reported, abnormal, strict=True)
        )
        spans = np.concatenate(abnormal)
        distinct = np.unique(spans)
        examples = list(dict.fromkeys(traces.trace[spans].tolist()))[:MAX_EXAMPLES]
        return Cause(
            rank=index + 1,
            service=name,
            host=affected_instance(traces, self._spans_of_service(distinct, service)),
            is_external=self.sets.is_external(service),
            operation=details[0].operation,
            kind=details[0].kind,
            confidence=confidence(float(self.ranking.scores[index]), float(self.ranking.weights[index])),
            score=float(self.ranking.scores[index]),
            evidence=details,
            example_trace_ids=tuple(traces.trace_ids[trace] for trace in examples),
            propagation_path=propagation_path(traces, int(spans[0]), name),
            entry_points=self._entry_points(distinct),
        )

    def _abnormal_spans(self, row: int) -> np.ndarray:
        """Select the spans behind a piece of evidence, the most abnormal first: int64[k]."""
        kind, key = EvidenceKind(int(self.evidence.kind[row])), int(self.evidence.key[row])
        incident = self.sets.incident
        if kind in LATENCY_KINDS:
            spans = np.flatnonzero(self.latency.measure == key)
            # the geometric mean separates them, as if one of two instances is slow
            before, after = (float(means[key]) for means in self.latency.means)
            slow = spans[incident.self_time[spans] > math.sqrt(before * after)]
            spans = slow if len(slow) else spans
            return spans[np.argsort(-incident.self_time[spans], kind="stable")]
        if kind is EvidenceKind.STEPS:
            spans = np.flatnonzero(self.steps.is_origin & (incident.operation == key))
            return spans[np.argsort(-self.steps.log_likelihood[spans], kind="stable")]
        if kind is EvidenceKind.INTERRUPTED:
            spans = np.asarray(self.interruptions.span[self.interruptions.row == key])
            return spans[np.argsort(-self.steps.log_likelihood[spans], kind="stable")]
        if kind is EvidenceKind.ERRORS:
            return np.flatnonzero(self.origins[1] & (incident.operation == key))
        parent, child = divmod(int(self.counts.pair[key]), len(self.sets.operations))
        called = np.flatnonzero((incident.operation == child) & (incident.traces.parent >= 0))
        callers = incident.traces.parent[called]
        callers, numbers = np.unique(callers[incident.operation[callers] == parent], return_counts=True)
        return np.asarray(callers[np.argsort(-numbers, kind="stable")], np.int64)

    def _examples(self, row: int, spans: np.ndarray) -> tuple[ExampleSpan, ...]:
        kind, incident = EvidenceKind(int(self.evidence.kind[row])), self.sets.incident
        if kind in LATENCY_KINDS:
            return example_spans(incident.traces, spans, incident.self_time[spans])
        if kind is EvidenceKind.MORE_CALLS:
            child = int(self.counts.pair[int(self.evidence.key[row])]) % len(self.sets.operations)
            called = np.flatnonzero((incident.operation == child) & (incident.traces.parent >= 0))
            numbers = np.bincount(incident.traces.parent[called], minlength=len(incident))
            return example_spans(incident.traces, spans, numbers[spans])
        return example_spans(incident.traces, spans)

    def _detail(self, row: int, weight: float) -> EvidenceDetail:
        """Look up names and figures of a piece of evidence."""
        kind, key = EvidenceKind(int(self.evidence.kind[row])), int(self.evidence.key[row])
        sets = self.sets
        if kind in LATENCY_KINDS:
            return self._time_detail(kind, key, weight)
        if kind is EvidenceKind.MORE_CALLS:
            parent, child = divmod(int(self.counts.pair[key]), len(sets.operations))
            service, operation = sets.operation_name(parent)
            callee = " ".join(sets.operation_name(child))
            means = float(self.counts.means[0][key]), float(self.counts.means[1][key])
            return EvidenceDetail(kind, service, operation, callee, *means, int(self.counts.spans[1][key]), weight)
        if kind is EvidenceKind.INTERRUPTED:
            return self._interruption(key, weight)
        service, operation = sets.operation_name(key)
        is_same = [side.operation == key for side in (sets.baseline, sets.incident)]
        counts = [max(int(same.sum()), 1) for same in is_same]
        if kind is EvidenceKind.ERRORS:
            before, after = (
                float((same & origin).sum()) / count
                for same, origin, count in zip(is_same, self.origins, counts, strict=True)
            )
            return EvidenceDetail(kind, service, operation, "", before, after, counts[1], weight)
        abnormal = np.flatnonzero(self.steps.is_origin & is_same[1])
        missing, new = missing_and_new_steps(sets, self.steps, key, abnormal)
        share = len(abnormal) / counts[1]
        return EvidenceDetail(kind, service, operation, "", None, share, counts[1], weight, missing, new)

    def _time_detail(self, kind: EvidenceKind, measure: int, weight: float) -> EvidenceDetail:
        changes, sets = self.latency, self.sets
        service, operation = sets.operation_name(int(changes.operation[measure]))
        target = int(changes.target[measure])
        name = sets.service_name(target) if target >= 0 else ""
        means = float(changes.means[0][measure]), float(changes.means[1][measure])
        return EvidenceDetail(kind, service, operation, name, *means, int(changes.counts[1][measure]), weight)

    def _interruption(self, row: int, weight: float) -> EvidenceDetail:
        found, sets = self.interruptions, self.sets
        operation, target = int(found.operation[row]), sets.service_name(int(found.service[row]))
        span_count = int((sets.incident.operation == operation).sum())
        share = int(found.counts[row]) / max(span_count, 1)
        return EvidenceDetail(
            EvidenceKind.INTERRUPTED, *sets.operation_name(operation), target, None, share, span_count, weight
        )

    def _spans_of_service(self, spans: np.ndarray, service: int) -> np.ndarray:
        """Replace call spans by the callee's spans, and keep the spans of the service: int64[k]."""
        incident = self.sets.incident
        is_call = (incident.service[spans] != service) & (incident.callee[spans] >= 0)
        # the callee's span is the only child, so it is the next one
        callee = np.where(is_call, spans + 1, spans)
        own: np.ndarray = callee[incident.service[callee] == service]
        return own

    def _entry_points(self, spans: np.ndarray) -> tuple[AffectedEntryPoint, ...]:
        traces = self.sets.incident.traces
        roots = traces.main_root[np.unique(traces.trace[spans])]
        counts = Counter(traces.operation[roots].tolist()).most_common(MAX_ENTRY_POINTS)
        return tuple(AffectedEntryPoint(*traces.operation_label(operation), number) for operation, number in counts)

"""Rank causes in a few traces without a baseline: by the origins of errors, and by self time on the critical path."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

import numpy as np

from tracetui.analysis.calls import find_calls
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.requests import failed_requests
from tracetui.analysis.root_causes.affected_instance import affected_instance
from tracetui.analysis.root_causes.aligned_trace_sets import call_spans
from tracetui.analysis.root_causes.confidence import NO_BASELINE
from tracetui.analysis.root_causes.error_evidence import error_origins
from tracetui.analysis.root_causes.evidence import EvidenceKind
from tracetui.analysis.root_causes.example_spans import MAX_EXAMPLES, example_spans
from tracetui.analysis.root_causes.propagation_path import propagation_path
from tracetui.analysis.root_causes.results import AffectedEntryPoint, Cause, EvidenceDetail, RootCauses
from tracetui.analysis.root_causes.with_baseline import MAX_CAUSES, MAX_ENTRY_POINTS
from tracetui.model.traces import TraceSet

_ERROR_CONFIDENCE: Final = 0.8
"""Confidence in a service in which all errors originate."""
_TIME_CONFIDENCE: Final = 0.8
"""Confidence in a service that has the whole critical path, as it may always be this slow."""
_MIN_SHARE: Final = 0.001


def find_causes_without_baseline(traces: TraceSet) -> RootCauses:
    """Rank the services of a trace set that has no baseline.

    Services in which the errors of failed requests originate come first. The others follow by their share of the
    critical path.
    """
    origins = np.flatnonzero(error_origins(traces) & failed_requests(traces)[traces.trace])
    causes = _causes_by_errors(traces, origins)
    named = {cause.service for cause in causes}
    causes += [cause for cause in causes_by_time(traces) if cause.service not in named]
    ranked = tuple(replace(cause, rank=rank) for rank, cause in enumerate(causes[:MAX_CAUSES], 1))
    return RootCauses(ranked, traces.trace_count, 0, (NO_BASELINE,))


def _causes_by_errors(traces: TraceSet, origins: np.ndarray) -> list[Cause]:
    """Rank services by the number of their origins, at most `MAX_CAUSES`."""
    found = []
    for service, number in Counter(traces.service[origins].tolist()).most_common(MAX_CAUSES):
        spans = origins[traces.service[origins] == service]
        is_same = traces.operation == traces.operation[spans[0]]
        rate, span_count, share = float(is_same[spans].sum() / is_same.sum()), int(is_same.sum()), number / len(origins)
        detail = EvidenceDetail(
            EvidenceKind.ERRORS,
            *_label(traces, spans),
            "",
            None,
            rate,
            span_count,
            share,
            (),
            (),
            example_spans(traces, spans),
        )
        found.append(_cause(traces, detail.service, spans, detail, share * _ERROR_CONFIDENCE, share))
    return found


def causes_by_time(traces: TraceSet, *, shares_calls: bool = False) -> list[Cause]:
    """Rank services by the time that their spans are on the critical path without callees, which have spans; at most
    `MAX_CAUSES`.

    shares_calls: count half of the time between the two spans of a call for the callee. Over many traces, a service
    whose network is slow stands out by all its calls.
    """
    critical = critical_paths(traces).critical
    calls = find_calls(traces)
    callee, target = call_spans(traces, calls, traces.operation)
    is_answered = callee >= 0
    is_shared = is_answered if shares_calls else np.zeros(len(traces), bool)
    shared = np.flatnonzero(is_shared)
    span = np.concatenate((np.arange(len(traces)), shared))
    service = np.concatenate((traces.service, target[shared]))
    time = critical[span] * np.where(is_shared[span], 0.5, 1.0)
    times = np.bincount(service, time, len(traces.services))
    total = float(times.sum()) or 1.0
    found = []
    for suspect in np.argsort(-times, kind="stable")[:MAX_CAUSES].tolist():
        share = float(times[suspect] / total)
        if share < _MIN_SHARE:
            break
        spans = span[np.flatnonzero((service == suspect) & (time > 0))]
        spans = spans[np.argsort(-critical[spans], kind="stable")]
        first = int(spans[0])
        same = spans[(traces.operation[spans] == traces.operation[first]) & (target[spans] == target[first])]
        kind = EvidenceKind.NETWORK if is_shared[first] else EvidenceKind.SELF_TIME
        if target[first] >= 0 and not is_answered[first]:
            # a target without spans may be slow, or slow to be reached; only the call is seen
            kind = EvidenceKind.DEPENDENCY
        name = calls.nodes[int(target[first])] if kind is not EvidenceKind.SELF_TIME else ""
        figures = critical[same]
        examples = example_spans(traces, same, figures)
        detail = EvidenceDetail(
            kind, *_label(traces, spans), name, None, float(figures.mean()), len(same), share, (), (), examples
        )
        found.append(_cause(traces, traces.services[suspect], spans, detail, share * _TIME_CONFIDENCE, share))
    return found


def _label(traces: TraceSet, spans: np.ndarray) -> tuple[str, str]:
    """Return service and operation of the first span."""
    return traces.service_name(int(spans[0])), traces.shape_name(int(spans[0]))


def _cause(
    traces: TraceSet, name: str, spans: np.ndarray, detail: EvidenceDetail, confidence: float, score: float
) -> Cause:
    """Describe a service as a cause by its spans and calls of it, the most relevant first."""
    own = spans[traces.service[spans] == traces.services.index(name)]
    roots = traces.main_root[np.unique(traces.trace[spans])]
    entry_points = Counter(traces.operation[roots].tolist()).most_common(MAX_ENTRY_POINTS)
    examples = list(dict.fromkeys(traces.trace[spans].tolist()))[:MAX_EXAMPLES]
    return Cause(
        rank=0,
        service=name,
        host=affected_instance(traces, own),
        is_external=False,
        operation=detail.operation,
        kind=detail.kind,
        confidence=confidence,
        score=score,
        evidence=(detail,),
        example_trace_ids=tuple(traces.trace_ids[trace] for trace in examples),
        propagation_path=propagation_path(traces, int(spans[0]), name),
        entry_points=tuple(
            AffectedEntryPoint(*traces.operation_label(operation), number) for operation, number in entry_points
        ),
    )

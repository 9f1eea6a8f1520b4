"""Causes in a few traces without a baseline: the errors that began there, and the self time on the critical path."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

import numpy as np

from tracetui.analysis.calls import find_calls
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.requests import failed_requests
from tracetui.analysis.why.cause import AffectedEntryPoint, Cause, Finding, Why
from tracetui.analysis.why.confidence import NO_BASELINE
from tracetui.analysis.why.evidence import EvidenceKind
from tracetui.analysis.why.explain import MOST_CAUSES
from tracetui.analysis.why.failures import error_origins
from tracetui.analysis.why.hosts import host_of
from tracetui.analysis.why.ways import way_to
from tracetui.model.traces import TraceSet

_ERROR_CONFIDENCE: Final = 0.8
_TIME_CONFIDENCE: Final = 0.8
"""Confidence in a service that has the whole critical path: without a baseline it may be as slow as ever."""
_LEAST_SHARE: Final = 0.001


def explain_alone(traces: TraceSet) -> Why:
    """Rank the services of traces without a baseline.

    If requests failed, the services in which their errors began come first. The others follow by their share of the
    critical path.
    """
    origins = np.flatnonzero(error_origins(traces) & failed_requests(traces)[traces.trace])
    causes = [*_by_errors(traces, origins)]
    named = {cause.service for cause in causes}
    causes += [cause for cause in _by_time(traces) if cause.service not in named]
    ranked = tuple(_with_rank(cause, place) for place, cause in enumerate(causes[:MOST_CAUSES], 1))
    return Why(ranked, traces.trace_count, 0, (NO_BASELINE,))


def _by_errors(traces: TraceSet, origins: np.ndarray) -> list[Cause]:
    counts = Counter(traces.service[origins].tolist()).most_common()
    found = []
    for service, number in counts:
        spans = origins[traces.service[origins] == service]
        is_same = traces.operation == traces.operation[spans[0]]
        shown = float(is_same[spans].sum() / is_same.sum()), int(is_same.sum())
        name, share = traces.services[service], number / len(origins)
        found.append(_cause(traces, name, spans, EvidenceKind.ERRORS, share * _ERROR_CONFIDENCE, share, shown))
    return found


def _by_time(traces: TraceSet) -> list[Cause]:
    critical = critical_paths(traces).critical
    calls = find_calls(traces)
    node = traces.service.astype(np.int64)
    outward = np.flatnonzero(calls.outward & ~calls.is_async)
    node[calls.span[outward]] = calls.callee[outward]
    times = np.bincount(node, critical, len(calls.nodes))
    total = float(times.sum()) or 1.0
    found = []
    for one in np.argsort(-times, kind="stable").tolist():
        if times[one] / total < _LEAST_SHARE:
            break
        spans = np.flatnonzero((node == one) & (critical > 0))
        spans = spans[np.argsort(-critical[spans], kind="stable")]
        kind = EvidenceKind.DEPENDENCY if one >= calls.first_peer else EvidenceKind.SELF_TIME
        same = spans[traces.operation[spans] == traces.operation[spans[0]]]
        shown = float(critical[same].mean()), len(same)
        share = float(times[one] / total)
        found.append(_cause(traces, calls.nodes[one], spans, kind, share * _TIME_CONFIDENCE, share, shown))
    return found


def _cause(
    traces: TraceSet,
    name: str,
    spans: np.ndarray,
    kind: EvidenceKind,
    confidence: float,
    score: float,
    shown: tuple[float, int],
) -> Cause:
    """Describe a cause by its spans, the clearest first. shown: figure of their operation, and its number of spans."""
    first = int(spans[0])
    target = name if kind is EvidenceKind.DEPENDENCY else ""
    finding = Finding(kind, traces.service_name(first), traces.shape_name(first), target, None, *shown, score)
    roots = traces.main_root[np.unique(traces.trace[spans])]
    entries = Counter(traces.operation[roots].tolist()).most_common(3)
    return Cause(
        0,
        name,
        "" if target else host_of(traces, spans),
        bool(target),
        traces.shape_name(first),
        kind,
        confidence,
        score,
        (finding,),
        tuple(traces.trace_ids[trace] for trace in list(dict.fromkeys(traces.trace[spans].tolist()))[:3]),
        way_to(traces, first, name),
        tuple(AffectedEntryPoint(*traces.operation_label(operation), number) for operation, number in entries),
    )


def _with_rank(cause: Cause, rank: int) -> Cause:
    return replace(cause, rank=rank)

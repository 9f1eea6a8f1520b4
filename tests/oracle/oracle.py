"""Expected figures of a trace set, from its documents."""

from __future__ import annotations

from typing import Any

from tests.oracle import assembly, calls, errors, operations, times
from tests.oracle.read import records

Span = dict[str, Any]


def expected_figures(documents: list[Any]) -> Span:
    """Compute the figures that the program must return for these documents."""
    found = list(assembly.traces(records(documents)).values())
    for trace in found:
        for span in trace["spans"]:
            span["operation"] = operations.operation(span)
        errors.classify_errors(trace)
        trace["duration"], trace["response"] = times.durations(trace)
        trace["sections"] = times.sections(trace)
        for span in trace["spans"]:
            span["self"] = times.self_time(span)
        trace["units"] = times.units_of_work(trace)
    service_calls = calls.calls(found)
    spans = [span for trace in found for span in trace["spans"]]
    roles = [span["role"] for span in spans if "role" in span]
    return {
        "traces": {trace["id"]: trace for trace in found},
        "summary": {
            "trace_count": len(found),
            "span_count": len(spans),
            "duplicate_span_count": sum(trace["duplicates"] for trace in found),
            "orphan_span_count": sum(span["orphan"] for span in spans),
            "error_trace_count": sum(any(s["status"] == "error" for s in t["spans"]) for t in found),
            "failed_request_count": sum(bool(trace["failures"]) for trace in found),
        },
        "cancelled_count": roles.count("cancelled"),
        "durations": sorted(trace["duration"] for trace in found),
        "responses": sorted(trace["response"] for trace in found),
        "bottlenecks": times.bottlenecks(found),
        "patterns": errors.patterns(found),
        "edges": calls.edges(service_calls),
        "services": calls.services(found, service_calls),
    }


def quantile(ordered: list[int], q: float) -> float:
    """Interpolate linearly, as numpy.quantile does by default."""
    place = q * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)

"""Report as JSON, stable for other programs.

Keys may be added, never renamed. `_ms` are milliseconds, `_us` microseconds since the epoch, rates and `percent` are
of 100, times are ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.async_work import AsyncEntry
from tracetui.analysis.bottlenecks import Bottleneck, BottleneckColumns
from tracetui.analysis.calls import is_named
from tracetui.analysis.errors import ErrorPattern, Errors
from tracetui.analysis.suggestions.registry import Suggestion
from tracetui.analysis.summary import DurationStats, Summary
from tracetui.analysis.verdict import FailingVerdict
from tracetui.model.skewed_spans import SKEW_WARNING
from tracetui.model.traces import TraceSet
from tracetui.render.report.critical_paths_json import critical_paths_json
from tracetui.render.report.dependencies_json import dependencies_json
from tracetui.render.report.json_columns import ObjectRows, texts_of, texts_of_numbers
from tracetui.render.report.json_stream import BATCH, Batches, json_pieces
from tracetui.render.report.json_values import all_in_ms, in_ms, in_percent, iso_time, percentages, warnings_json
from tracetui.render.text import numbers

SECTIONS = ("bottlenecks", "critical_paths", "errors", "dependencies")
_BOTTLENECK_KEYS = (
    "service",
    "operation",
    "mean_critical_ms",
    "share_percent",
    "total_share_percent",
    "occurrences",
    "trace_count",
    "span_count",
    "pattern",
    "network_ms",
    "network_to",
)


def report_json(analysis: Analysis, sections: Collection[str] = SECTIONS) -> Iterator[bytes]:
    """Serialise summary, named sections and warnings as indented JSON with a trailing newline.

    All results are computed at once; the pieces of JSON are made as they are asked for.
    """
    traces = analysis.traces
    parts: dict[str, Any] = {"summary": summary_json(analysis.summary), "verdict": verdict_json(analysis, sections)}
    if "bottlenecks" in sections:
        parts["bottlenecks"] = Batches(partial(_bottlenecks, analysis.bottleneck_columns))
        parts["findings"] = [suggestion_json(found, traces) for found in analysis.suggestions]
        parts["async_work"] = [async_entry_json(found, traces) for found in analysis.async_work.entries()]
    if "critical_paths" in sections:
        parts["critical_paths"] = Batches(partial(critical_paths_json, analysis.paths, analysis.async_work))
    if "errors" in sections:
        parts["errors"] = errors_json(analysis.errors, traces)
    if "dependencies" in sections:
        parts["dependencies"] = dependencies_json(analysis.dependencies)
    parts["warning_kinds"] = [
        {
            "kind": count.kind.name,
            "description": count.kind.title,
            "span_count": count.spans,
            "trace_count": count.traces,
        }
        for count in analysis.warning_counts
    ]
    parts["warnings"] = warnings_json(traces.load_warnings) + skew_warnings_json(traces) + nameless_json(traces)
    return json_pieces(parts)


def summary_json(summary: Summary) -> dict[str, Any]:
    return {
        "trace_count": summary.trace_count,
        "span_count": summary.span_count,
        "duplicate_span_count": summary.duplicate_span_count,
        "service_count": summary.service_count,
        "error_trace_count": summary.error_trace_count,
        "error_rate": in_percent(summary.error_rate),
        "failed_request_count": summary.failed_request_count,
        "failed_request_rate": in_percent(summary.failed_request_rate),
        "orphan_span_count": summary.orphan_span_count,
        "warning_count": summary.warning_count,
        "start": None if summary.start_ns is None else iso_time(summary.start_ns),
        "end": None if summary.end_ns is None else iso_time(summary.end_ns),
        "skewed_trace_count": summary.skewed_trace_count,
        "root_missing_count": summary.root_missing_count,
        "nameless_span_count": summary.nameless_span_count,
        "duration_stats": stats_json(summary.durations),
        "response_time_stats": stats_json(summary.response_times),
    }


def stats_json(stats: DurationStats) -> dict[str, float | None]:
    """Return duration statistics in milliseconds; all null without samples."""
    names = ("min", "mean", "p50", "p90", "p95", "p99", "max")
    return {f"{name}_ms": in_ms(getattr(stats, f"{name}_ns")) if stats.count else None for name in names}


def verdict_json(analysis: Analysis, sections: Collection[str]) -> dict[str, Any]:
    """Return the verdict, as far as it concerns the sections."""
    verdict: dict[str, Any] = {}
    if "errors" in sections:
        failing = analysis.failing
        verdict["failing"] = None if failing is None else _failing_json(failing, analysis.traces)
    if "bottlenecks" in sections:
        slow = analysis.slow
        verdict["slow"] = None if slow is None else bottleneck_json(slow)
    return verdict


def _failing_json(failing: FailingVerdict, traces: TraceSet) -> dict[str, Any]:
    pattern, common = failing.pattern, failing.common
    return {
        "service": pattern.service,
        "message": pattern.message,
        "error_count": pattern.count,
        "failed_request_count": pattern.failed_request_count,
        "failed_request_rate": in_percent(failing.errors.failed_request_rate),
        "error_rate": in_percent(failing.errors.error_rate),
        "since": None if failing.since_ns is None else iso_time(failing.since_ns),
        "common": None
        if common is None
        else {
            "key": common.key,
            "value": common.value,
            "selected_percent": in_percent(common.selected_percent),
            "rest_percent": in_percent(common.rest_percent),
        },
        "example_trace": traces.trace_ids[pattern.example_traces[0]],
    }


def bottleneck_json(found: Bottleneck) -> dict[str, Any]:
    values = (
        found.service,
        found.operation,
        in_ms(found.mean_critical_ns),
        in_percent(found.share_percent),
        in_percent(found.total_share_percent),
        found.occurrences,
        found.trace_count,
        found.span_count,
        found.pattern,
        in_ms(found.network_ns),
        found.network_to or None,
    )
    return dict(zip(_BOTTLENECK_KEYS, values, strict=True))


def _bottlenecks(found: BottleneckColumns, depth: int) -> Iterator[bytes]:
    """Yield `bottleneck_json` of all rows."""
    objects = ObjectRows(_BOTTLENECK_KEYS, depth)
    # read together, in the order of their bytes
    patterns, span_count = found.patterns(np.arange(len(found))), found.span_count
    for begin in range(0, len(found), BATCH):
        part = slice(begin, begin + BATCH)
        rows = np.arange(len(found))[part]
        services, operations = found.names(rows)
        yield objects.text(
            [
                texts_of(services),
                texts_of(operations),
                texts_of_numbers(all_in_ms(found.mean_critical_ns[part])),
                texts_of_numbers(percentages(found.share_percent[part])),
                texts_of_numbers(percentages(found.total_share_percent[part])),
                texts_of_numbers(found.occurrences[part]),
                repeat(b"%d" % found.traces.trace_count),
                texts_of_numbers(span_count[part]),
                texts_of(patterns[part]),
                texts_of_numbers(all_in_ms(found.network_ns[part])),
                texts_of(found.networks(rows)),
            ]
        )


def suggestion_json(found: Suggestion, traces: TraceSet) -> dict[str, Any]:
    service, operation = found.parent
    return {
        "advice": found.kind.name,
        "service": service,
        "operation": operation,
        "calls": [{"service": callee, "operation": name} for callee, name in found.calls],
        "more_calls": found.more_calls,
        "saving_ms": in_ms(found.saving_ns),
        "mean_saving_ms": in_ms(found.mean_saving_ns),
        "mean_waited_ms": in_ms(found.mean_time_ns),
        "share_percent": in_percent(found.share_percent),
        "trace_count": found.trace_count,
        "most_calls": found.most_calls,
        "example_trace_id": traces.trace_ids[found.example_trace],
        "example_span_id": traces.span_id(found.example_span),
    }


def async_entry_json(found: AsyncEntry, traces: TraceSet) -> dict[str, Any]:
    """Return an entry point of asynchronous work. Occurrences of its bottlenecks are counted in units."""
    bottlenecks = [bottleneck_json(one) for one in found.bottlenecks]
    for one in bottlenecks:
        one["unit_count"] = one.pop("trace_count")
    return {
        "service": found.service,
        "operation": found.operation,
        "unit_count": found.unit_count,
        "trace_count": found.trace_count,
        "duration_stats": stats_json(found.durations),
        "bottlenecks": bottlenecks,
        "example_trace_ids": list(dict.fromkeys(traces.trace_ids[trace] for trace, _ in found.slowest)),
    }


def errors_json(errors: Errors, traces: TraceSet) -> dict[str, Any]:
    return {
        "error_rate": in_percent(errors.error_rate),
        "error_trace_count": errors.error_trace_count,
        "trace_count": errors.trace_count,
        "failed_request_count": errors.failed_request_count,
        "failed_request_rate": in_percent(errors.failed_request_rate),
        "cancelled_count": errors.cancelled_count,
        "patterns": [_pattern_json(pattern, traces) for pattern in errors.patterns],
        "by_service": {
            name: {
                "error_count": sum(pattern.count for pattern in patterns),
                "patterns": [
                    {
                        "message": pattern.message,
                        "count": pattern.count,
                        "percent": in_percent(100 * pattern.count / sum(one.count for one in patterns)),
                        "example_trace_ids": _examples(pattern, traces),
                    }
                    for pattern in patterns
                ],
            }
            for name, patterns in errors.by_service().items()
        },
    }


def _examples(pattern: ErrorPattern, traces: TraceSet) -> list[str]:
    return [traces.trace_ids[trace] for trace in pattern.example_traces]


def _pattern_json(pattern: ErrorPattern, traces: TraceSet) -> dict[str, Any]:
    return {
        "service": pattern.service,
        "message": pattern.message,
        "template": pattern.template,
        "operations": list(pattern.operations),
        "count": pattern.count,
        "percent": in_percent(pattern.percent),
        "propagated_count": pattern.propagated_count,
        "propagated_to": dict(pattern.propagated_to),
        "failed_request_count": pattern.failed_request_count,
        "unknown_count": pattern.unknown_count,
        "background_count": pattern.background_count,
        "swallowed_count": pattern.swallowed_count,
        "retried_count": pattern.retried_count,
        "trace_count": pattern.trace_count,
        "first_seen": iso_time(pattern.first_seen),
        "last_seen": iso_time(pattern.last_seen),
        "example_trace_ids": _examples(pattern, traces),
    }


def nameless_json(traces: TraceSet) -> list[dict[str, str]]:
    """Return a warning if spans lack a service name."""
    count = int((~is_named(traces)).sum())
    message = f"{numbers.counted(count, 'span')} without a service name, counted with the service above"
    return [{"file": "", "position": "", "message": message}] if count else []


def skew_warnings_json(traces: TraceSet) -> list[dict[str, str]]:
    """Return a warning for each trace with clock skew."""
    return [
        {"file": "", "position": f"trace {traces.trace_ids[trace]}", "message": SKEW_WARNING}
        for trace in np.flatnonzero(traces.skewed).tolist()
    ]

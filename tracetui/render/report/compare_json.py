"""Comparison of two trace sets as JSON, stable for other programs. Keys may be added, never renamed."""

from __future__ import annotations

from typing import Any

import orjson

from tracetui.analysis.compare import Comparison
from tracetui.analysis.compare_traces import CallNetwork
from tracetui.analysis.grouped_changes import GroupChange
from tracetui.analysis.normal_trace import NormalComparison
from tracetui.analysis.stats.change import RATES, Change
from tracetui.analysis.trace_difference import PathDifference
from tracetui.model.traces import TraceSet
from tracetui.render.report.json import summary_json
from tracetui.render.report.json_values import in_ms, in_percent, warnings_json


def normal_json(found: NormalComparison, traces: TraceSet) -> bytes:
    """Serialise the comparison of a trace with a normal one as indented JSON with a trailing newline."""
    return orjson.dumps(
        {
            "trace": traces.trace_ids[found.trace],
            "normal": traces.trace_ids[found.normal],
            "normal_percentile": found.normals.percentile(found.normal),
            "normal_population": len(found.normals.ranked),
            "population": found.population,
            "faster_count": found.rank,
            "response_time_ms": in_ms(int(traces.response_time[found.trace])),
            "normal_response_time_ms": in_ms(int(traces.response_time[found.normal])),
            "difference_ms": in_ms(found.difference_ns),
            "call_paths": [
                {
                    "depth": one.path.depth,
                    "service": one.path.service,
                    "operation": one.path.operation,
                    "count": one.path.counts[1],
                    "normal_count": one.path.counts[0],
                    "critical_ms": in_ms(one.path.critical_ns[1]),
                    "normal_critical_ms": in_ms(one.path.critical_ns[0]),
                    "added_ms": in_ms(one.added_ns),
                    "share_percent": in_percent(one.share),
                    "called_more": one.is_called_more,
                    **_network(one),
                }
                for one in found.difference.paths
            ],
            "attributes": [
                {"service": one.service, "key": one.key, "value": one.after, "normal": one.before}
                for one in found.difference.attributes
            ],
        },
        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
    )


def _network(one: PathDifference) -> dict[str, Any]:
    """Return the network time of a call path, and the queue time of its messages; nothing if it calls no service."""
    network = one.path.network
    if network is None:
        return {}
    queue = {"queue_ms": in_ms(network.queue_ns[1]), "normal_queue_ms": in_ms(network.queue_ns[0])}
    return {
        "network_to": network.callee,
        "network_ms": in_ms(network.total_ns[1]),
        "normal_network_ms": in_ms(network.total_ns[0]),
        "network_added_ms": in_ms(one.network_added_ns),
        **(queue if any(network.queue_ns) else {}),
    }


def compare_json(found: Comparison) -> bytes:
    """Serialise the comparison as indented JSON with a trailing newline. Changes of rates are in percentage points."""
    return orjson.dumps(
        {
            "before": summary_json(found.before.summary),
            "after": summary_json(found.after.summary),
            "threshold_percent": found.threshold,
            "comparable": found.has_common,
            "same_requests": found.has_common_requests,
            "changes": _changes(found.overall),
            "bottlenecks": [
                {
                    "service": one.service,
                    "operation": one.operation,
                    **_sides("mean_critical_ms", [None if ns is None else in_ms(ns) for ns in one.mean_critical_ns]),
                    **_sides("share_percent", [None if share is None else in_percent(share) for share in one.shares]),
                    "verdict": one.verdict.value,
                }
                for one in found.bottlenecks
            ],
            "errors": [
                {
                    "service": one.service,
                    "message": one.message,
                    **_sides("count", one.counts),
                    **_sides("trace_count", one.traces),
                    **_sides("trace_percent", [in_percent(share) for share in one.shares]),
                    "verdict": one.verdict.value,
                    "worse": one.is_worse,
                }
                for one in found.patterns
            ],
            "operations": [
                {"service": one.name[0], "operation": one.name[1], **_compared(one)} for one in found.operations
            ],
            "edges": [
                {"caller": one.name[0], "callee": one.name[1], "async": bool(one.name[2]), **_compared(one)}
                for one in found.edges
            ],
            "call_paths": _call_paths(found),
            "regressions": found.regressions,
            "warnings": warnings_json([*found.before.traces.load_warnings, *found.after.traces.load_warnings]),
        },
        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
    )


def _call_paths(found: Comparison) -> list[dict[str, Any]]:
    """Return changes by call path between one trace before and one after, in tree order; empty for more traces."""
    return [
        {
            "depth": one.depth,
            "service": one.service,
            "operation": one.operation,
            "change": one.change.value,
            "own_change": one.own_change.value,
            **_sides("count", one.counts),
            **_sides("error_count", one.errors),
            **_sides("total_ms", map(in_ms, one.total_ns)),
            **_sides("self_ms", map(in_ms, one.self_ns)),
            **_sides("critical_ms", map(in_ms, one.critical_ns)),
            **_network_sides(one.network),
        }
        for one in found.call_paths
    ]


def _network_sides(network: CallNetwork | None) -> dict[str, Any]:
    """Return network times, and queue times of messages; nothing for a call path that calls no service."""
    if network is None:
        return {}
    queue = _sides("queue_ms", map(in_ms, network.queue_ns)) if any(network.queue_ns) else {}
    return {**_sides("network_ms", map(in_ms, network.total_ns)), **queue}


def _sides(name: str, values: Any) -> dict[str, Any]:
    before, after = values
    return {f"before_{name}": before, f"after_{name}": after}


def _compared(one: GroupChange) -> dict[str, Any]:
    return {**_sides("count", one.counts), "verdict": one.verdict.value, "changes": _changes(one.changes)}


def _changes(changes: tuple[Change, ...]) -> dict[str, Any]:
    return {(one.figure if one.figure in RATES else f"{one.figure}_ms"): _change(one) for one in changes}


def _change(one: Change) -> dict[str, Any]:
    convert = in_percent if one.figure in RATES else in_ms
    difference, percent = one.difference, one.percent
    return {
        "before": None if one.before is None else convert(one.before),
        "after": None if one.after is None else convert(one.after),
        "difference": None if difference is None else convert(difference),
        "percent": None if percent is None else in_percent(percent),
        "interval": None if one.interval is None else [convert(value) for value in one.interval],
        "verdict": one.verdict.value,
    }

"""Answers of `graph` as JSON, one object per question.

Keys may be added, never renamed. `_ms` are milliseconds, null if unknown; rates and `percent` are of 100, `hops` are
calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from tracetui.render.report.json_values import in_ms, in_percent

if TYPE_CHECKING:
    # networkx is imported only when a graph is queried
    from tracetui.analysis.blast_radius import BlastRadius, Impact
    from tracetui.analysis.call_chains import CallChains
    from tracetui.analysis.criticality import Criticality
    from tracetui.analysis.dependencies import ServiceFigures
    from tracetui.analysis.edge_changes import EdgeChange
    from tracetui.analysis.service_graph import ServiceGraph, Target
    from tracetui.analysis.service_overview import ServiceOverview
    from tracetui.analysis.service_questions import (
        CallerDifference,
        FoundService,
        Neighbour,
        SharedDependency,
        TypedPeer,
    )
    from tracetui.model.peers import PeerType
    from tracetui.render.graph.diagram import Diagram


def answer_json(answer: dict[str, Any]) -> bytes:
    """Serialise an answer as indented JSON with a trailing newline."""
    return orjson.dumps(answer, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def map_json(diagram: Diagram) -> dict[str, Any]:
    return {
        "services": [
            {"service": node.name, "type": node.peer_type, "is_focus": node.is_focus} for node in diagram.nodes
        ],
        "edges": [
            {
                "caller": arrow.caller,
                "callee": arrow.callee,
                "async": arrow.is_async,
                "call_count": arrow.call_count,
                "error_rate": in_percent(arrow.error_rate),
                **({"change": _change(arrow.change)} if diagram.is_comparison else {}),
            }
            for arrow in diagram.arrows
        ],
    }


def _change(change: EdgeChange | None) -> dict[str, Any] | None:
    if change is None:
        return None
    status = "new" if change.is_new else "gone" if change.is_gone else None
    return {"status": status, "worse": list(change.worse), "better": list(change.better)}


def overview_json(found: ServiceOverview) -> dict[str, Any]:
    figures = found.figures
    return {
        "service": figures.service,
        "inferred": figures.inferred,
        "type": figures.peer_type,
        "call_count": figures.call_count,
        "error_rate": in_percent(figures.error_rate),
        "p95_ms": in_ms(figures.latency.p95_ns),
        "trace_count": found.trace_count,
        "trace_share_percent": in_percent(found.trace_share),
        "direct_callers": _direct(found.callers),
        "indirect_callers": _indirect(found.callers),
        "direct_callees": _direct(found.callees),
        "indirect_callees": _indirect(found.callees),
        "self_call_count": found.self_call_count,
        "operations": [
            {
                "operation": one.operation,
                "call_count": one.call_count,
                "error_rate": in_percent(one.error_rate),
                "p95_ms": in_ms(one.latency.p95_ns),
            }
            for one in found.operations
        ],
    }


def services_json(graph: ServiceGraph, services: Iterable[ServiceFigures]) -> dict[str, Any]:
    return {
        "services": [
            {
                "service": figures.service,
                "call_count": figures.call_count,
                "error_rate": in_percent(figures.error_rate),
                "p50_ms": in_ms(figures.latency.p50_ns),
                "p95_ms": in_ms(figures.latency.p95_ns),
                "callers": callers,
                "callees": callees,
                "inferred": figures.inferred,
                "type": figures.peer_type,
            }
            for figures in services
            for callers, callees in (graph.direct_counts(figures.service),)
        ],
        "cycles": [list(cycle) for cycle in graph.cycles],
        "groups": [list(group) for group in graph.communities],
        "left_out": list(graph.left_out),
    }


def neighbours_json(target: Target, found: Sequence[Neighbour]) -> dict[str, Any]:
    return {
        "name": target.name,
        "direct": _direct(found),
        "indirect": _indirect(found),
        "services": [
            {
                "service": one.service,
                "hops": one.distance.hops,
                "calls": one.calls,
                "error_rate": in_percent(one.error_rate),
                "p95_ms": in_ms(one.latency.p95_ns),
                "network_p50_ms": in_ms(one.network.p50_ns) if one.network else None,
                "network_p95_ms": in_ms(one.network.p95_ns) if one.network else None,
                "network_share_percent": in_percent(one.network.share_percent) if one.network else None,
                "async": one.is_async,
                "inferred": one.inferred,
                "type": one.peer_type,
            }
            for one in found
        ],
    }


def peers_json(type_: PeerType, service: str | None, found: Sequence[TypedPeer]) -> dict[str, Any]:
    return {
        "type": type_,
        "name": service,
        "services": [
            {
                "service": one.service,
                "type": one.type,
                "hops": one.hops,
                "calls": one.calls,
                "error_rate": in_percent(one.error_rate),
                "p95_ms": in_ms(one.latency.p95_ns),
                "callers": list(one.callers),
            }
            for one in found
        ],
    }


def blast_radius_json(found: BlastRadius) -> dict[str, Any]:
    return {
        "name": found.target.name,
        "trace_count": found.trace_count,
        "trace_share_percent": in_percent(found.trace_share),
        "services": [
            {
                "service": one.service,
                "hops": one.distance.hops,
                **_impact_figures(one.impact),
                "sync": one.distance.is_sync,
            }
            for one in found.services
        ],
        "entries": [
            {"service": one.service, "operation": one.operation, **_impact_figures(one.impact)} for one in found.entries
        ],
        "downstream": [
            {"service": name, "hops": distance.hops, "sync": distance.is_sync} for name, distance in found.downstream
        ],
    }


def _impact_figures(impact: Impact) -> dict[str, Any]:
    return {
        "exposure_percent": in_percent(impact.exposure),
        "failing_percent": in_percent(impact.failing),
        "handled_percent": in_percent(impact.handled),
        "latency_share_percent": in_percent(impact.latency),
        "trace_count": impact.trace_count,
    }


def path_json(found: CallChains) -> dict[str, Any]:
    return {
        "from": found.begin,
        "to": found.end,
        "observed": [
            {
                "services": list(chain.services),
                "trace_count": chain.trace_count,
                "call_count": chain.call_count,
                "p50_ms": in_ms(chain.p50_ns),
            }
            for chain in found.observed
        ],
        "possible": [{"services": list(chain.services)} for chain in found.possible],
    }


def shared_json(names: Sequence[str], found: Sequence[SharedDependency]) -> dict[str, Any]:
    return {
        "names": list(names),
        "shared": [{"service": one.service, "hops": dict(zip(names, one.hops, strict=True))} for one in found],
    }


def diff_callers_json(a: str, b: str, found: CallerDifference) -> dict[str, Any]:
    return {
        "a": a,
        "b": b,
        "only_a": list(found.only_a),
        "both": list(found.both),
        "only_b": list(found.only_b),
        "indirect_only_a": list(found.indirect_only_a),
        "indirect_both": list(found.indirect_both),
        "indirect_only_b": list(found.indirect_only_b),
    }


def critical_json(found: Sequence[Criticality], left_out: Sequence[str] = ()) -> dict[str, Any]:
    """`indirect_callers` is null if there are too many to count; `left_out` explains it."""
    return {
        "services": [
            {
                "service": one.service,
                "rank": one.rank,
                "trace_count": one.trace_count,
                "trace_share_percent": in_percent(one.trace_share),
                "direct_callers": one.direct_callers,
                "indirect_callers": one.indirect_callers,
                "entry_operations": list(one.entry_operations),
                "betweenness": round(one.betweenness, 6),
                "single_point": one.single_point,
                "inferred": one.inferred,
            }
            for one in found
        ],
        "left_out": list(left_out),
    }


def find_json(word: str, found: Sequence[FoundService]) -> dict[str, Any]:
    return {
        # command line arguments may contain bytes that are not UTF-8
        "word": word.encode("utf-8", "replace").decode(),
        "services": [
            {
                "service": one.service,
                "matched": [{"what": m.what, "value": m.value, "count": m.count} for m in one.matched],
            }
            for one in found
        ],
    }


def _direct(found: Iterable[Neighbour]) -> list[str]:
    return sorted(one.service for one in found if one.distance.hops == 1)


def _indirect(found: Iterable[Neighbour]) -> list[str]:
    return sorted(one.service for one in found if one.distance.hops > 1)

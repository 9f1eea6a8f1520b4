"""Facts of a report."""

from __future__ import annotations

from typing import Any


def report_facts(report: Any) -> dict[str, Any]:
    """Collect the facts that the cases state."""
    summary, dependencies = report["summary"], report["dependencies"]
    return {
        "traces": summary["trace_count"],
        "spans": summary["span_count"],
        "failed": summary["error_trace_count"],
        "orphans": summary["orphan_span_count"],
        "start": summary["start"],
        "max_ms": summary["duration_stats"]["max_ms"],
        "services": sorted(name for name, one in dependencies["services"].items() if not one["inferred"]),
        "edges": [
            f"{edge['caller']} → {edge['callee']}, {edge['call_count']}, {edge['error_count']}"
            for edge in dependencies["edges"]
        ],
        "patterns": [f"{one['service']} {one['message']}" for one in report["errors"]["patterns"]],
        "bottlenecks": [f"{one['service']} {one['operation']} {one['share_percent']}" for one in report["bottlenecks"]],
        "warnings": [one["message"] for one in report["warnings"]],
    }

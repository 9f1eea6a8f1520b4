"""Root causes as JSON, stable for other programs. Keys may be added, never renamed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from tracetui.analysis.why.cause import Cause, Finding, Why
from tracetui.analysis.why.evidence import EvidenceKind
from tracetui.model.errors import LoadWarning
from tracetui.render.report.json import in_ms, in_percent, warnings_json

KINDS: Final = {
    EvidenceKind.SELF_TIME: "self_time",
    EvidenceKind.NETWORK: "network",
    EvidenceKind.DEPENDENCY: "dependency",
    EvidenceKind.ERRORS: "errors",
    EvidenceKind.MORE_CALLS: "more_calls",
    EvidenceKind.STEPS: "steps",
}
"""Names of the kinds of evidence."""
_TIMES: Final = (EvidenceKind.SELF_TIME, EvidenceKind.NETWORK, EvidenceKind.DEPENDENCY)


def why_json(found: Why, baseline: str, warnings: Sequence[LoadWarning]) -> bytes:
    """Serialise the causes as indented JSON with a trailing newline. baseline: its description, '' for none."""
    # a file name may contain bytes that are not UTF-8
    name = baseline.encode("utf-8", "replace").decode()
    return orjson.dumps(
        {
            "trace_count": found.trace_count,
            "baseline": {"description": name, "trace_count": found.baseline_count} if baseline else None,
            "sure": found.is_sure,
            "missing": list(found.missing),
            "causes": [_cause(cause) for cause in found.causes],
            "warnings": warnings_json(warnings),
        },
        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
    )


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "rank": cause.rank,
        "service": cause.service,
        "host": cause.host or None,
        "external": cause.is_external,
        "operation": cause.operation,
        "kind": KINDS[cause.kind],
        "confidence": round(cause.confidence, 4),
        "share_percent": in_percent(100 * cause.score),
        "evidence": [_finding(one) for one in cause.findings],
        "example_trace_ids": list(cause.example_trace_ids),
        "way": list(cause.way),
        "entry_points": [
            {"service": one.service, "operation": one.operation, "trace_count": one.trace_count}
            for one in cause.entry_points
        ],
    }


def _finding(one: Finding) -> dict[str, Any]:
    """Serialise evidence: its figures are named by their unit."""
    figures: dict[str, Any]
    if one.kind in _TIMES:
        figures = {"before_ms": in_ms(one.before), "after_ms": in_ms(one.after)}
    elif one.kind is EvidenceKind.MORE_CALLS:
        before = None if one.before is None else round(one.before, 4)
        figures = {"before_calls": before, "after_calls": round(one.after, 4)}
    else:
        before = None if one.before is None else in_percent(100 * one.before)
        figures = {"before_percent": before, "after_percent": in_percent(100 * one.after)}
    return {
        "kind": KINDS[one.kind],
        "service": one.service,
        "operation": one.operation,
        "target": one.target or None,
        **figures,
        "span_count": one.span_count,
        "weight": round(one.weight, 4),
        "missing_steps": list(one.missing),
        "new_steps": list(one.new),
    }

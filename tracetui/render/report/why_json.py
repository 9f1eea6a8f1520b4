"""Root causes as JSON, stable for other programs. Keys may be added, never renamed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from tracetui.analysis.root_causes.evidence import LATENCY_KINDS, EvidenceKind
from tracetui.analysis.root_causes.results import Cause, EvidenceDetail, ExampleSpan
from tracetui.analysis.root_causes.symptoms import EntryPointChange, Symptoms
from tracetui.analysis.root_causes.within_set import CausesAndBaseline
from tracetui.model.errors import LoadWarning
from tracetui.render.report.json_values import in_ms, in_percent, warnings_json

KINDS: Final = {
    EvidenceKind.SELF_TIME: "self_time",
    EvidenceKind.NETWORK: "network",
    EvidenceKind.DEPENDENCY: "dependency",
    EvidenceKind.ERRORS: "errors",
    EvidenceKind.MORE_CALLS: "more_calls",
    EvidenceKind.STEPS: "steps",
    EvidenceKind.INTERRUPTED: "interrupted_calls",
}
"""Names of the kinds of evidence."""


def why_json(causes: CausesAndBaseline, warnings: Sequence[LoadWarning]) -> bytes:
    """Serialise the causes as indented JSON with a trailing newline."""
    found = causes.found
    # a file name may contain bytes that are not UTF-8
    name = causes.baseline.encode("utf-8", "replace").decode()
    return orjson.dumps(
        {
            "trace_count": found.trace_count,
            "baseline": {"description": name, "trace_count": found.baseline_count} if name else None,
            "symptoms": None if found.symptoms is None else _symptoms(found.symptoms),
            "sure": found.is_confident,
            "missing": list(found.missing_data),
            "causes": [_cause(cause) for cause in found.causes],
            "warnings": warnings_json(warnings),
        },
        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
    )


def _symptoms(symptoms: Symptoms) -> dict[str, Any]:
    return {
        "worse": symptoms.is_worse,
        "faster": symptoms.is_faster,
        "requests": _change(symptoms.overall),
        "entry_points": [
            {"service": one.service, "operation": one.operation, **_change(one)} for one in symptoms.worse
        ],
    }


def _change(one: EntryPointChange) -> dict[str, Any]:
    sides = zip(("before", "after"), one.counts, one.medians, one.failed, strict=True)
    figures = {
        side: {"trace_count": count, "p50_ms": in_ms(median), "failed_request_count": failed}
        for side, count, median, failed in sides
    }
    return {**figures, "slower": one.is_slower, "fails_more": one.fails_more}


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
        "evidence": [_evidence(detail) for detail in cause.evidence],
        "example_trace_ids": list(cause.example_trace_ids),
        "way": list(cause.propagation_path),
        "entry_points": [
            {"service": one.service, "operation": one.operation, "trace_count": one.trace_count}
            for one in cause.entry_points
        ],
    }


def _evidence(detail: EvidenceDetail) -> dict[str, Any]:
    """Serialise a piece of evidence; the names of its figures contain the unit."""
    figures: dict[str, Any]
    if detail.kind in LATENCY_KINDS:
        figures = {"before_ms": in_ms(detail.before), "after_ms": in_ms(detail.after)}
    elif detail.kind is EvidenceKind.MORE_CALLS:
        before = None if detail.before is None else round(detail.before, 4)
        figures = {"before_calls": before, "after_calls": round(detail.after, 4)}
    else:
        before = None if detail.before is None else in_percent(100 * detail.before)
        figures = {"before_percent": before, "after_percent": in_percent(100 * detail.after)}
    return {
        "kind": KINDS[detail.kind],
        "service": detail.service,
        "operation": detail.operation,
        "target": detail.target or None,
        **figures,
        "span_count": detail.span_count,
        "weight": round(detail.weight, 4),
        "missing_steps": list(detail.missing_steps),
        "new_steps": list(detail.new_steps),
        "example_spans": [_example(detail.kind, example) for example in detail.examples],
    }


def _example(kind: EvidenceKind, example: ExampleSpan) -> dict[str, Any]:
    figure: dict[str, Any] = {}
    if example.figure is not None:
        figure = {"ms": in_ms(example.figure)} if kind in LATENCY_KINDS else {"calls": round(example.figure)}
    return {"trace_id": example.trace_id, "span_id": example.span_id, **figure}

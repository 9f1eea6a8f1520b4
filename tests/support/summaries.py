"""Trace summaries as Jaeger and Tempo send them."""

from __future__ import annotations

from tests.support.documents import Document, Json
from tests.support.traceql import matching, named_attributes


def _counts(document: Document) -> dict[str, tuple[int, int]]:
    """Count spans and failed spans of each service."""
    services = sorted({span.service for span in document.spans})
    of_each = {name: [span for span in document.spans if span.service == name] for name in services}
    return {name: (len(spans), sum(span.status == "error" for span in spans)) for name, spans in of_each.items()}


def _without_zeros(written: dict[str, Json]) -> dict[str, Json]:
    """Drop zeros, which protobuf does not write."""
    return {key: value for key, value in written.items() if value not in (0, None, "")}


def jaeger_summary(document: Document) -> Json:
    counts = _counts(document)
    root = document.root
    known = {span.id for span in document.spans}
    return _without_zeros(
        {
            "traceId": document.id,
            "rootServiceName": root and root.service,
            "rootOperationName": root and root.name,
            "minStartTimeUnixNano": str(document.start_ns),
            "maxEndTimeUnixNano": str(document.end_ns),
            "spanCount": len(document.spans),
            "errorSpanCount": sum(errors for _, errors in counts.values()),
            "orphanSpanCount": sum(bool(span.parent_id) and span.parent_id not in known for span in document.spans),
            "services": [
                _without_zeros({"name": name, "spanCount": spans, "errorSpanCount": errors})
                for name, (spans, errors) in counts.items()
            ],
        }
    )


def tempo_summary(document: Document, question: str, shown: int) -> Json:
    root = document.root
    found = matching(question, document)
    names = named_attributes(question)
    spans = [
        {
            "spanID": span.id,
            "startTimeUnixNano": str(span.start_ns),
            "durationNanos": str(span.duration_ns),
            "attributes": [
                {"key": key, "value": {"stringValue": value}}
                for key in names
                if (value := span.status if key == "status" else span.tags.get(key)) is not None
            ],
        }
        for span in reversed(found[:shown])
    ]
    return _without_zeros(
        {
            "traceID": document.id.lstrip("0"),
            "rootServiceName": root and root.service,
            "rootTraceName": root and root.name,
            "startTimeUnixNano": str(document.start_ns),
            "durationMs": (document.end_ns - document.start_ns) // 1_000_000,
            "spanSet": {"spans": spans, "matched": len(found)},
            "spanSets": [{"spans": spans, "matched": len(found)}],
            "serviceStats": {
                name: _without_zeros({"spanCount": count, "errorCount": errors})
                for name, (count, errors) in _counts(document).items()
            },
        }
    )

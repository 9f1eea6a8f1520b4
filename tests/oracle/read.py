"""Records of spans as plain dicts, from documents of OTLP JSON and of Jaeger's UI JSON.

A record is one exporter's version of a span, before the records of one span are merged:

    trace, id      str, lower case and padded
    parent         str, or None
    follows        True if the parent is a FOLLOWS_FROM reference
    service, name  str, "" if missing
    kind           "SERVER", "CLIENT", "PRODUCER", "CONSUMER", "INTERNAL", or None if missing
    start, end     int nanoseconds, or None if missing
    duration       int nanoseconds, or None if missing
    attrs          span attributes, key -> value
    host           host.name of the resource, else the service
    events         [(name, attrs)]
    links          [(trace, id)]
    code           "ok", "error" or None: the OTLP status code
    message        the OTLP status message, or ""
    grid           resolution of the source's times in nanoseconds: 1 for OTLP, 1000 for Jaeger
    order          position in the input
    source         number of the document
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

KINDS = [None, "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
CODES = [None, "ok", "error"]

Record = dict[str, Any]


def records_of_files(paths: list[Path]) -> list[Record]:
    return records([json.loads(path.read_text()) for path in paths])


def records(documents: list[Any]) -> list[Record]:
    found: list[Record] = []
    for source, document in enumerate(documents):
        part = otlp(document) if "resourceSpans" in document else jaeger(document)
        found += [{**record, "source": source} for record in part]
    for order, record in enumerate(found):
        record["order"] = order
    return found


def otlp(document: Any) -> list[Record]:
    found = []
    for group in document["resourceSpans"]:
        resource = values(group.get("resource", {}).get("attributes", []))
        for scope in group["scopeSpans"]:
            for span in scope["spans"]:
                start, end = moment(span.get("startTimeUnixNano")), moment(span.get("endTimeUnixNano"))
                status = span.get("status", {})
                found.append(
                    {
                        "trace": trace_id(span["traceId"]),
                        "id": span_id(span["spanId"]),
                        "parent": span_id(span.get("parentSpanId", "")),
                        "follows": False,
                        "service": resource.get("service.name", ""),
                        "name": span.get("name", ""),
                        "kind": KINDS[span.get("kind", 0)],
                        "start": start,
                        "end": end,
                        "duration": end - start if start is not None and end is not None else None,
                        "attrs": values(span.get("attributes", [])),
                        "host": resource.get("host.name") or resource.get("service.name", ""),
                        "events": [
                            (e.get("name", ""), values(e.get("attributes", []))) for e in span.get("events", [])
                        ],
                        "links": [
                            (trace_id(link["traceId"]), span_id(link["spanId"])) for link in span.get("links", [])
                        ],
                        "code": CODES[status.get("code", 0)],
                        "message": status.get("message", ""),
                        "grid": 1,
                    }
                )
    return found


def jaeger(document: Any) -> list[Record]:
    found = []
    for trace in document["data"]:
        for span in trace["spans"]:
            process = trace["processes"][span["processID"]]
            resource = {tag["key"]: tag["value"] for tag in process.get("tags", [])}
            attrs = {tag["key"]: tag["value"] for tag in span.get("tags", [])}
            parent, follows, links = parent_of(span)
            start, duration = span.get("startTime"), span.get("duration")
            start = start * 1000 if start is not None and start >= 0 else None  # 0 is a valid time here
            duration = duration * 1000 if duration is not None else None
            kind = str(attrs.get("span.kind", "")).upper()
            found.append(
                {
                    "trace": trace_id(span["traceID"]),
                    "id": span_id(span["spanID"]),
                    "parent": parent,
                    "follows": follows,
                    "service": process["serviceName"],
                    "name": span["operationName"],
                    "kind": kind if kind in KINDS else None,
                    "start": start,
                    "end": start + duration if start is not None and duration is not None else None,
                    "duration": duration,
                    "attrs": attrs,
                    "host": resource.get("host.name") or process["serviceName"],
                    "events": [log_event(log) for log in span.get("logs", [])],
                    "links": links,
                    "code": None,
                    "message": "",
                    "grid": 1000,
                }
            )
    return found


def parent_of(span: Any) -> tuple[str | None, bool, list[tuple[str, str | None]]]:
    """Return the parent, whether it is a FOLLOWS_FROM reference, and the other references."""
    own = trace_id(span["traceID"])
    references = [(r["refType"], trace_id(r["traceID"]), span_id(r["spanID"])) for r in span.get("references", [])]
    here = [r for r in references if r[1] == own]
    first = next((r for r in here if r[0] == "CHILD_OF"), None) or next(iter(here), None)
    links = [(trace, span) for r in references if r is not first for _, trace, span in [r]]
    if first is None:
        return None, False, links
    return first[2], first[0] == "FOLLOWS_FROM", links


def log_event(log: Any) -> tuple[str, dict[str, Any]]:
    fields = {field["key"]: field["value"] for field in log["fields"]}
    return str(fields.get("event") or fields.get("message") or "log"), fields


def values(attributes: Any) -> dict[str, Any]:
    found = {}
    for item in attributes:
        value = item["value"]
        (kind, raw), *_ = value.items()
        found[item["key"]] = int(raw) if kind == "intValue" else raw
    return found


def moment(text: Any) -> int | None:
    """Read a time of OTLP; 0 and less mean a missing one."""
    number = int(text or 0)
    return number if number > 0 else None


def trace_id(text: str) -> str:
    """Convert a hex id to lower case and 32 digits."""
    return text.lower().rjust(32, "0")


def span_id(text: str | None) -> str | None:
    """Convert an id to lower case and 16 digits; None for all zeros."""
    padded = (text or "").lower().rjust(16, "0")
    return padded if padded.strip("0") else None

"""Traces as servers store them, one document each, and the facts about spans that searches use."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.recordings import Recording, original_traces

Json = Any
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
TEMPO_LONGEST = 2048
"""Number of bytes to which Tempo truncates an attribute."""


@dataclass
class SpanFacts:
    service: str
    name: str
    kind: str
    start_ns: int
    duration_ns: int
    id: str = ""
    parent_id: str = ""
    status: str = "unset"
    tags: dict[str, str] = field(default_factory=dict)
    remote: str = ""
    annotations: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Document:
    """A whole trace in the JSON of one server; `broken` if that server fails to encode it."""

    body: Json
    facts: Callable[[Json], Iterable[SpanFacts]]
    broken: bool = False

    @functools.cached_property
    def spans(self) -> list[SpanFacts]:
        return sorted(self.facts(self.body), key=lambda span: span.start_ns)

    @functools.cached_property
    def id(self) -> str:
        return padded(next(values_of(self.body, "traceId", "traceID")))

    @functools.cached_property
    def text(self) -> bytes:
        return dumped(self.body)

    @property
    def start_ns(self) -> int:
        return self.spans[0].start_ns

    @property
    def last_start_ns(self) -> int:
        """The start of the newest span."""
        return self.spans[-1].start_ns

    @property
    def end_ns(self) -> int:
        return max(span.start_ns + span.duration_ns for span in self.spans)

    @property
    def root(self) -> SpanFacts | None:
        return next((span for span in self.spans if not span.parent_id), None)

    def copy_with(self, trace_id: str, by_ns: int = 0) -> Json:
        """Return a copy of the trace with another id and shifted times."""
        given = next(values_of(self.body, "traceId", "traceID"))
        return shifted(json.loads(self.text.replace(given.encode(), trace_id.encode())), by_ns)


def padded(trace_id: str) -> str:
    return trace_id.lower().rjust(32, "0")


def dumped(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def values_of(node: Json, *keys: str) -> Iterator[Any]:
    """Yield the values of these keys at any depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in keys:
                yield value
            yield from values_of(value, *keys)
    elif isinstance(node, list):
        for item in node:
            yield from values_of(item, *keys)


def shifted(node: Json, by_ns: int) -> Json:
    """Return a copy with all times shifted, in any of the formats."""
    if isinstance(node, list):
        return [shifted(item, by_ns) for item in node]
    if not isinstance(node, dict):
        return node
    moved: dict[str, Json] = {}
    for key, value in node.items():
        if key in ("startTime", "timestamp") and isinstance(value, int):
            moved[key] = value + by_ns // 1000
        elif key.endswith("UnixNano"):
            moved[key] = str(int(value) + by_ns)
        else:
            moved[key] = shifted(value, by_ns)
    return moved


# facts for searches, by format


def jaeger_v1_facts(trace: Json) -> Iterator[SpanFacts]:
    for span in trace["spans"]:
        process = trace["processes"][span["processID"]]
        fields = [item for log in span["logs"] or () for item in log["fields"]]
        tags = {tag["key"]: _text(tag["value"]) for tag in [*fields, *(process["tags"] or ()), *(span["tags"] or ())]}
        yield SpanFacts(
            service=process["serviceName"],
            name=span["operationName"],
            kind=tags.get("span.kind", ""),
            start_ns=span["startTime"] * 1000,
            duration_ns=span["duration"] * 1000,
            id=span["spanID"],
            parent_id=next((ref["spanID"] for ref in span["references"] or ()), ""),
            status="error" if tags.get("error") == "true" else "unset",
            tags=tags,
        )


def otlp_facts(trace: Json) -> Iterator[SpanFacts]:
    for resource, span in otlp_spans(trace):
        status = STATUSES[span.get("status", {}).get("code", 0)]
        tags = _otlp_tags(resource) | _otlp_tags(span) | ({"error": "true"} if status == "error" else {})
        start = int(span["startTimeUnixNano"])
        yield SpanFacts(
            service=tags.get("service.name", ""),
            name=span["name"],
            kind=KINDS[span.get("kind", 0)],
            start_ns=start,
            duration_ns=int(span["endTimeUnixNano"]) - start,
            id=span["spanId"],
            parent_id=span.get("parentSpanId", ""),
            status=status,
            tags=tags,
        )


def zipkin_facts(trace: Json) -> Iterator[SpanFacts]:
    for span in trace:
        yield SpanFacts(
            service=span.get("localEndpoint", {}).get("serviceName", ""),
            name=span.get("name", ""),
            kind=span.get("kind", "").lower(),
            start_ns=span.get("timestamp", 0) * 1000,
            duration_ns=span.get("duration", 0) * 1000,
            id=span["id"],
            parent_id=span.get("parentId", ""),
            tags=span.get("tags", {}),
            remote=span.get("remoteEndpoint", {}).get("serviceName", ""),
            annotations=[note["value"] for note in span.get("annotations", ())],
        )


def otlp_spans(message: Json) -> Iterator[tuple[Json, Json]]:
    for group in message["resourceSpans"]:
        for scope in group["scopeSpans"]:
            for span in scope["spans"]:
                yield group["resource"], span


def _otlp_tags(holder: Json) -> dict[str, str]:
    return {item["key"]: _text(next(iter(item["value"].values()), "")) for item in holder.get("attributes", ())}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


# documents from recorded responses


def jaeger_v1_documents(recording: Recording) -> Iterator[Document]:
    for body in _bodies(recording):
        for trace in body.get("data") or () if isinstance(body, dict) else ():
            if isinstance(trace, dict) and "spans" in trace:
                yield Document(trace, jaeger_v1_facts)
    # traces that make this API fail are missing in its recorded responses
    yield from (
        Document(body, otlp_facts, broken=True)
        for body in split_by_trace(original_traces())
        if b'"NaN"' in dumped(body)
    )


def jaeger_v3_documents(recording: Recording) -> Iterator[Document]:
    """Return the traces of recorded responses, then the other recorded traces, which differ in the order of
    keys only.
    """
    answers = [body["result"] for body in _bodies(recording) if isinstance(body, dict) and "result" in body]
    for answer in answers:
        yield from (Document(body, otlp_facts) for body in split_by_trace([answer]))
    yield from otlp_documents(recording)


def otlp_documents(_recording: Recording) -> Iterator[Document]:
    return (Document(body, otlp_facts) for body in split_by_trace(original_traces()))


def zipkin_documents(recording: Recording) -> Iterator[Document]:
    for body in _bodies(recording):
        if isinstance(body, list):
            traces = body if body and isinstance(body[0], list) else [body]
            yield from (
                Document(trace, zipkin_facts)
                for trace in traces
                if trace and isinstance(trace[0], dict) and "traceId" in trace[0]
            )


def _bodies(recording: Recording) -> Iterator[Json]:
    for answer in recording.answers.values():
        # `raw` responses lack warnings that the server adds to all others
        if (
            answer.status == 200
            and answer.name != "search-raw"
            and answer.headers.get("content-type") == "application/json"
        ):
            yield json.loads(answer.body)


def split_by_trace(messages: Iterable[Json]) -> Iterator[Json]:
    """Divide OTLP messages into one for each trace."""
    traces: dict[str, dict[bytes, Json]] = {}
    for message in messages:
        for group in message["resourceSpans"]:
            for scope in group["scopeSpans"]:
                for span in scope["spans"]:
                    groups = traces.setdefault(span["traceId"], {})
                    source = dumped([group["resource"], scope["scope"]])
                    held = groups.setdefault(
                        source,
                        {"resource": group["resource"], "scopeSpans": [{"scope": scope["scope"], "spans": []}]},
                    )
                    held["scopeSpans"][0]["spans"].append(span)
    yield from ({"resourceSpans": list(groups.values())} for groups in traces.values())


# Tempo's own JSON


def to_tempo_json(trace: Json) -> list[Json]:
    """Convert the `resourceSpans` of an OTLP message to Tempo's form: ids in base64, enumerations by name."""
    return [_tempo_node(group) for group in trace["resourceSpans"]]


def _tempo_node(node: Json) -> Json:
    if isinstance(node, list):
        return [_tempo_node(item) for item in node]
    if not isinstance(node, dict):
        return node
    written: dict[str, Json] = {}
    for key, value in node.items():
        if key in ("traceId", "spanId", "parentSpanId"):
            written[key] = base64.b64encode(bytes.fromhex(value)).decode()
        elif key == "kind":
            written[key] = f"SPAN_KIND_{KINDS[value].upper()}"
        elif key == "code":
            written[key] = f"STATUS_CODE_{STATUSES[value].upper()}"
        elif key == "stringValue":
            written[key] = value.encode()[:TEMPO_LONGEST].decode(errors="ignore")
        elif key == "spans":
            written[key] = _tempo_node(sorted(value, key=lambda span: int(span["startTimeUnixNano"])))
        elif key == "resource":
            ordered = sorted(value["attributes"], key=lambda item: (item["key"] == "service.name", item["key"]))
            written[key] = {"attributes": _tempo_node(ordered)}
        elif key != "flags":
            written[key] = _tempo_node(value)
    return written

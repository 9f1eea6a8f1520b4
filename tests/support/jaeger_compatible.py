"""Stand-ins for VictoriaTraces, Quickwit and GreptimeDB, which implement Jaeger's API with deviations.

Written after their request handlers, which `tracetui.ingest.servers.jaeger_dialects` names.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.support.backends import PLAIN, JaegerV1, JaegerV3
from tests.support.documents import Document, Json, SpanFacts, dumped, jaeger_v3_documents, otlp_facts, otlp_spans
from tests.support.loopback import Request, Response
from tests.support.recordings import Query, Recording, camel, window
from tests.support.traceql import nanoseconds

MOST = 1000
"""Largest number of traces that VictoriaTraces sends at once."""
MS, SECOND = 1_000_000, 1_000_000_000
STATUS_CODES = {"unset": "unset", "error": "true", "ok": "false"}


def _json(value: Json, status: int = 200) -> Response:
    return Response((dumped(value),), status)


def _first(query: Query, key: str) -> str:
    return query[key][0] if key in query else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _tags(tags: Sequence[Json] | None) -> dict[str, str]:
    return {tag["key"]: _text(tag["value"]) for tag in tags or ()}


def _status(span: Json) -> str:
    tags = _tags(span["tags"])
    if tags.get("error") == "true":
        return "error"
    return "ok" if tags.get("otel.status_code") == "OK" else "unset"


class _JaegerCompatible(JaegerV1, ABC):
    """Server that keeps attributes of spans and of resources separate. It responds to every request itself."""

    def answer(self, request: Request) -> Response:
        return super().answer(request) or self.unknown(request)

    @abstractmethod
    def unknown(self, request: Request) -> Response:
        """Respond to a request that Jaeger does not have."""

    def parts(self, document: Document) -> Iterator[tuple[Json, Json, SpanFacts]]:
        """Yield each span of a trace, its process, and its facts."""
        facts = {span.id: span for span in document.spans}
        for span in document.body["spans"]:
            yield span, document.body["processes"][span["processID"]], facts[span["spanID"]]

    def with_a_span(self, query: Query, matches: Any) -> list[Document]:
        """Find the newest traces with a matching span in the window."""
        since, until = window(query) or (0, 1 << 63)
        return [
            document
            for document in self.visible()
            if not document.broken
            and any(since <= facts.start_ns <= until and matches(*part, facts) for *part, facts in self.parts(document))
        ]


class VictoriaTraces(_JaegerCompatible):
    """Version 0.4: attributes are texts, every span has a status, processes come first."""

    routes = {  # noqa: RUF012 - never changed
        "/api/services": "services",
        "/api/services/(.+)/operations": "operations_of",
        "/api/dependencies": "dependencies",
        "/api/traces": "search",
        "/api/traces/([^/]+)": "trace",
    }

    def unknown(self, request: Request) -> Response:
        return _bad_request(f'unsupported path requested: "/select/jaeger{request.path}"')

    def dependencies(self, query: Query) -> Response:
        return _bad_request("/api/dependencies API is not supported yet.")

    def search(self, query: Query) -> Response:
        if not _first(query, "service"):
            return _bad_request("incorrect trace query params: service name is required")
        limit = int(_first(query, "limit") or 20)
        if limit > MOST:
            return _bad_request(f"incorrect trace query params: limit should be not higher than {MOST}")
        found = self.with_a_span(query, self._matcher(query))
        return self._response(found[:limit])

    def _matcher(self, query: Query) -> Any:
        wanted = json.loads(_first(query, "tags") or "{}")
        shortest, longest = (nanoseconds(_first(query, key) or "0s") for key in ("minDuration", "maxDuration"))

        def matches(span: Json, process: Json, facts: SpanFacts) -> bool:
            attributes = {f"resource_attr:{key}": value for key, value in _tags(process["tags"]).items()}
            attributes |= {key: value for key, value in _tags(span["tags"]).items() if key != "otel.status_code"}
            attributes["error"] = STATUS_CODES[_status(span)]
            return (
                facts.service == _first(query, "service")
                and _first(query, "operation") in ("", facts.name)
                and (not shortest or facts.duration_ns > shortest)
                and (not longest or facts.duration_ns < longest)
                and all(_is_like(attributes.get(key), value) for key, value in wanted.items())
            )

        return matches

    def trace(self, query: Query, trace_id: str) -> Response:
        # ids are compared as text, and an unknown one gives a trace without spans
        document = self.documents.get(trace_id)
        return self._response([document] if document and document.id not in self.hidden else [])

    def _response(self, found: Sequence[Document]) -> Response:
        traces = [dumped(self._body(document)) for document in found]
        end = b'],"errors":null,"limit":0,"offset":0,"total":%d}' % max(len(found), 1)
        return Response((b'{"data":[' + b",".join(traces) + end,))

    def _body(self, document: Document) -> Json:
        processes = {
            name: {"serviceName": process["serviceName"], "tags": _as_texts(_tags(process["tags"]))}
            for name, process in document.body["processes"].items()
        }
        spans = []
        for span, _, _ in self.parts(document):
            tags = {key: value for key, value in _tags(span["tags"]).items() if key != "otel.status_code"}
            tags["error"] = STATUS_CODES[_status(span)]
            logs = [
                {"timestamp": log["timestamp"], "fields": _as_texts(_tags(log["fields"]))} for log in span["logs"] or ()
            ]
            spans.append(
                {
                    "duration": span["duration"],
                    "logs": logs,
                    "operationName": span["operationName"],
                    "processID": span["processID"],
                    "references": _padded_references(span["references"]),
                    "spanID": span["spanID"],
                    "startTime": span["startTime"],
                    "tags": _as_texts(tags),
                    "traceID": document.id,
                    "warnings": None,
                }
            )
        return {"processes": processes, "spans": spans, "traceID": document.id, "warnings": None}

    def _listed(self, names: list[Any]) -> Response:
        return _json({"data": names, "errors": None, "limit": 0, "offset": 0, "total": len(names)})


def _bad_request(text: str) -> Response:
    return Response((text.encode() + b"\n",), 400, PLAIN)


def _is_like(value: str | None, wanted: str) -> bool:
    if wanted.startswith("~"):
        return value is not None and re.search(wanted[1:], value) is not None
    return value == wanted


def _as_texts(tags: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "type": "string", "value": value} for key, value in tags.items()]


def _padded_references(references: Sequence[Json] | None) -> list[Json]:
    return [{**reference, "traceID": reference["traceID"].rjust(32, "0")} for reference in references or ()]


class Quickwit(_JaegerCompatible):
    """Version 0.9: search sends only the root span of each trace, and responses contain only data."""

    routes = {  # noqa: RUF012 - never changed
        "/api/services": "services",
        "/api/services/(.+)/operations": "operations_of",
        "/api/traces": "search",
        "/api/traces/([^/]+)": "trace",
    }
    params = frozenset(
        ("service", "operation", "start", "end", "tags", "minDuration", "maxDuration", "lookback", "limit")
    )
    forgotten: frozenset[str] = frozenset()
    """Ids of traces that are too old to be fetched, although their spans are found."""

    def unknown(self, request: Request) -> Response:
        return _json({"message": "Route not found"}, 404)

    def search(self, query: Query) -> Response:
        if set(query) - self.params:
            return _json({"message": "Invalid query string"}, 400)
        wanted = json.loads(_first(query, "tags") or "{}")
        millis = [nanoseconds(_first(query, key) or "0s") // MS for key in ("minDuration", "maxDuration")]
        # the end of the window is truncated to whole seconds
        end = int(_first(query, "end")) // 1_000_000 * 1_000_000
        shortest, longest = millis

        def matches(span: Json, process: Json, facts: SpanFacts) -> bool:
            duration_ms = facts.duration_ns // MS
            return (
                _first(query, "service") in ("", facts.service)
                and _first(query, "operation") in ("", facts.name)
                and (not shortest or duration_ms >= shortest)
                and (not longest or duration_ms <= longest)
                and all(facts.tags.get(key) == value for key, value in wanted.items())
            )

        found = self.with_a_span({**query, "end": [str(end)]}, matches)[: int(_first(query, "limit") or 20)]
        return _json({"data": [self._body(document, roots_alone=True) for document in found]})

    def trace(self, query: Query, trace_id: str) -> Response:
        if not re.fullmatch("[0-9a-f]{32}", trace_id):
            return _json({"status": 500, "message": "failed to decode trace id"}, 500)
        document = self.documents.get(trace_id)
        is_found = document and document.id not in self.hidden | self.forgotten
        return _json({"data": [self._body(document)] if document and is_found else []})

    def _body(self, document: Document, *, roots_alone: bool = False) -> Json:
        body = {**document.body, "traceID": document.id, "warnings": []}
        spans = [
            {**span, "traceID": document.id, "references": _padded_references(span["references"])}
            for span in body["spans"]
        ]
        body["spans"] = [span for span in spans if not (roots_alone and span["references"])]
        return body

    def _listed(self, names: list[Any]) -> Response:
        return _json({"data": names})


class GreptimeDBv1(_JaegerCompatible):
    """Version 0.15, with the v1 API only: it sends arbitrary traces, not the newest, and not all of them."""

    def unknown(self, request: Request) -> Response:
        return Response((b"",), 404)

    def operations(self, query: Query) -> Response:
        names = sorted({span.name for span in self.spans() if span.service == _first(query, "service")})
        return self._listed([{"name": name, "spanKind": "server"} for name in names])

    def search(self, query: Query) -> Response:
        if not _first(query, "service"):
            return self._enveloped(None, [{"code": 1003, "msg": "service_name is required"}], 400)
        wanted = json.loads(_first(query, "tags") or "{}")
        shortest = nanoseconds(_first(query, "minDuration") or "0s")
        longest = nanoseconds(_first(query, "maxDuration") or "10000h")

        def matches(span: Json, process: Json, facts: SpanFacts) -> bool:
            return (
                facts.service == _first(query, "service")
                and _first(query, "operation") in ("", facts.name)
                and shortest <= facts.duration_ns <= longest
                and all(facts.tags.get(key) == value for key, value in wanted.items())
            )

        found = sorted(self.with_a_span(query, matches), key=lambda document: document.id)
        return self._response(found[: int(_first(query, "limit") or 2000)], *(window(query) or (0, 1 << 63)))

    def trace(self, query: Query, trace_id: str) -> Response:
        document = self.documents.get(trace_id)
        return self._response([document] if document and document.id not in self.hidden else [])

    def _response(self, found: Sequence[Document], since: int = 0, until: int = 1 << 63) -> Response:
        described: set[str] = set()
        return self._enveloped([self._body(document, since, until, described) for document in found])

    def _body(self, document: Document, since: int, until: int, described: set[str]) -> Json:
        processes = {}
        for name, process in document.body["processes"].items():
            service = process["serviceName"]
            tags = [] if service in described else [_written_tag(tag) for tag in process["tags"] or ()]
            described.add(service)
            processes[name] = {"serviceName": service, "tags": tags}
        spans = []
        for span, _, facts in self.parts(document):
            if not since <= facts.start_ns <= until:
                continue
            parents = [one for one in _padded_references(span["references"]) if one["refType"] == "CHILD_OF"]
            logs = [
                {"timestamp": log["timestamp"], "fields": [_written_tag(tag) for tag in log["fields"]]}
                for log in span["logs"] or ()
            ]
            tags = [_written_tag(tag) for tag in span["tags"] or ()]
            spans.append({**span, "traceID": document.id, "references": parents, "tags": tags, "logs": logs})
        return {"traceID": document.id, "spans": spans, "processes": processes}

    def _enveloped(self, data: Json, errors: Sequence[Json] = (), status: int = 200) -> Response:
        return _json({"data": data, "total": 0, "limit": 0, "offset": 0, "errors": list(errors)}, status)

    def _listed(self, names: list[Any]) -> Response:
        return self._enveloped(names)


def _written_tag(tag: Json) -> Json:
    value = tag["value"]
    if isinstance(value, bool):
        return {**tag, "type": "boolean"}
    if isinstance(value, int | float):
        return {**tag, "type": "int64", "value": value if isinstance(value, int) else 0}
    return tag


class GreptimeDBv3(JaegerV3):
    """Version 1.2: v3 with summaries; it sends arbitrary traces, not the newest."""

    def visible(self) -> list[Document]:
        return sorted(super().visible(), key=lambda document: document.id)


def _separated_facts(trace: Json) -> Iterator[SpanFacts]:
    """Yield the facts of spans, with the attributes of resources under separate names."""
    for facts, (resource, span) in zip(otlp_facts(trace), otlp_spans(trace), strict=True):
        of_resource = {item["key"] for item in resource.get("attributes", ())}
        of_resource -= {item["key"] for item in span.get("attributes", ())}
        facts.tags = {f"resource_attr:{k}" if k in of_resource else k: value for k, value in facts.tags.items()}
        yield facts


def _separated_documents(recording: Recording) -> Iterator[Document]:
    return (Document(document.body, _separated_facts) for document in jaeger_v3_documents(recording))


class VictoriaTracesV3(JaegerV3):
    """Version 0.6: v3 with summaries, of one service at a time."""

    cut, facts = staticmethod(_separated_documents), staticmethod(_separated_facts)

    def search(self, query: Query) -> Response:
        return self._rejection(query) or super().search(query)

    def summaries(self, query: Query) -> Response:
        return self._rejection(query) or super().summaries(query)

    def _rejection(self, given: Query) -> Response | None:
        query = {camel(key).removeprefix("query."): values[0] for key, values in given.items()}
        depth = int(query.get("searchDepth", 100))
        text = ""
        if not query.get("serviceName"):
            text = "query.serviceName is required"
        elif depth > MOST:
            text = f"query.searchDepth {depth} out of range [0, {MOST}]"
        if not text:
            return None
        return _json({"error": {"httpCode": 400, "message": f"incorrect trace query params: {text}"}}, 400)


JAEGER_COMPATIBLE: Mapping[str, tuple[type[JaegerV1 | JaegerV3], str, str]] = {
    "victoriatraces": (VictoriaTraces, "jaeger-2.20-v1", "/select/jaeger"),
    "victoriatraces-v3": (VictoriaTracesV3, "jaeger-main-v3", "/select/jaeger"),
    "quickwit": (Quickwit, "jaeger-2.20-v1", "/api/v1/otel-traces-v0_9/jaeger"),
    "greptimedb": (GreptimeDBv1, "jaeger-2.20-v1", "/v1/jaeger"),
    "greptimedb-v3": (GreptimeDBv3, "jaeger-main-v3", "/v1/jaeger"),
}
"""By kind: the API, the recording with its traces, and the base path."""

"""Stand-ins for VictoriaTraces, Quickwit and GreptimeDB, which answer Jaeger's API each in its own way.

Written by their request handlers; `tracetui.ingest.servers.jaeger_dialects` says where these are.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.support.backends import PLAIN, JaegerV1, JaegerV3
from tests.support.documents import Document, Json, SpanFacts, dumped, jaeger_v3_documents, otlp_facts, otlp_spans
from tests.support.loopback import Answer, Request
from tests.support.recorded import Query, Recording, camel, window
from tests.support.traceql import nanoseconds

MOST = 1000
"""Traces that VictoriaTraces sends at once."""
MS, SECOND = 1_000_000, 1_000_000_000
STATUS_CODES = {"unset": "unset", "error": "true", "ok": "false"}


def _json(value: Json, status: int = 200) -> Answer:
    return Answer((dumped(value),), status)


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


class _Alike(JaegerV1, ABC):
    """One that keeps attributes of spans and of resources apart. It answers every request itself."""

    def answer(self, request: Request) -> Answer:
        return super().answer(request) or self.unknown(request)

    @abstractmethod
    def unknown(self, request: Request) -> Answer:
        """Answer a request that Jaeger does not know."""

    def parts(self, document: Document) -> Iterator[tuple[Json, Json, SpanFacts]]:
        """Each span of a trace, the process it is of, and its facts."""
        facts = {span.id: span for span in document.spans}
        for span in document.body["spans"]:
            yield span, document.body["processes"][span["processID"]], facts[span["spanID"]]

    def with_a_span(self, query: Query, matches: Any) -> list[Document]:
        """The newest traces of which a span in the window matches."""
        since, until = window(query) or (0, 1 << 63)
        return [
            document
            for document in self.visible()
            if not document.broken
            and any(since <= facts.start_ns <= until and matches(*part, facts) for *part, facts in self.parts(document))
        ]


class VictoriaTraces(_Alike):
    """Version 0.4: attributes are texts, a status is always told, processes are written first."""

    routes = {  # noqa: RUF012 - never changed
        "/api/services": "services",
        "/api/services/(.+)/operations": "operations_of",
        "/api/dependencies": "dependencies",
        "/api/traces": "search",
        "/api/traces/([^/]+)": "trace",
    }

    def unknown(self, request: Request) -> Answer:
        return _refused(f'unsupported path requested: "/select/jaeger{request.path}"')

    def dependencies(self, query: Query) -> Answer:
        return _refused("/api/dependencies API is not supported yet.")

    def search(self, query: Query) -> Answer:
        if not _first(query, "service"):
            return _refused("incorrect trace query params: service name is required")
        limit = int(_first(query, "limit") or 20)
        if limit > MOST:
            return _refused(f"incorrect trace query params: limit should be not higher than {MOST}")
        found = self.with_a_span(query, self._matcher(query))
        return self._written(found[:limit])

    def _matcher(self, query: Query) -> Any:
        wanted = json.loads(_first(query, "tags") or "{}")
        least, most = (nanoseconds(_first(query, key) or "0s") for key in ("minDuration", "maxDuration"))

        def matches(span: Json, process: Json, facts: SpanFacts) -> bool:
            held = {f"resource_attr:{key}": value for key, value in _tags(process["tags"]).items()}
            held |= {key: value for key, value in _tags(span["tags"]).items() if key != "otel.status_code"}
            held["error"] = STATUS_CODES[_status(span)]
            return (
                facts.service == _first(query, "service")
                and _first(query, "operation") in ("", facts.name)
                and (not least or facts.duration_ns > least)
                and (not most or facts.duration_ns < most)
                and all(_is_like(held.get(key), value) for key, value in wanted.items())
            )

        return matches

    def trace(self, query: Query, trace_id: str) -> Answer:
        # it compares texts, and one that is not there is a trace without spans
        document = self.documents.get(trace_id)
        return self._written([document] if document and document.id not in self.hidden else [])

    def _written(self, found: Sequence[Document]) -> Answer:
        traces = [dumped(self._form(document)) for document in found]
        end = b'],"errors":null,"limit":0,"offset":0,"total":%d}' % max(len(found), 1)
        return Answer((b'{"data":[' + b",".join(traces) + end,))

    def _form(self, document: Document) -> Json:
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
                    "references": _in_full(span["references"]),
                    "spanID": span["spanID"],
                    "startTime": span["startTime"],
                    "tags": _as_texts(tags),
                    "traceID": document.id,
                    "warnings": None,
                }
            )
        return {"processes": processes, "spans": spans, "traceID": document.id, "warnings": None}

    def _listed(self, names: list[Any]) -> Answer:
        return _json({"data": names, "errors": None, "limit": 0, "offset": 0, "total": len(names)})


def _refused(text: str) -> Answer:
    return Answer((text.encode() + b"\n",), 400, PLAIN)


def _is_like(value: str | None, wanted: str) -> bool:
    if wanted.startswith("~"):
        return value is not None and re.search(wanted[1:], value) is not None
    return value == wanted


def _as_texts(tags: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "type": "string", "value": value} for key, value in tags.items()]


def _in_full(references: Sequence[Json] | None) -> list[Json]:
    return [{**reference, "traceID": reference["traceID"].rjust(32, "0")} for reference in references or ()]


class Quickwit(_Alike):
    """Version 0.9: search sends the root span of each trace alone, and nothing but data is written around it."""

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
    """Ids of traces that are too old to be fetched, though their spans are found."""

    def unknown(self, request: Request) -> Answer:
        return _json({"message": "Route not found"}, 404)

    def search(self, query: Query) -> Answer:
        if set(query) - self.params:
            return _json({"message": "Invalid query string"}, 400)
        wanted = json.loads(_first(query, "tags") or "{}")
        millis = [nanoseconds(_first(query, key) or "0s") // MS for key in ("minDuration", "maxDuration")]
        # the end of the window is cut to whole seconds
        end = int(_first(query, "end")) // 1_000_000 * 1_000_000
        least, most = millis

        def matches(span: Json, process: Json, facts: SpanFacts) -> bool:
            took = facts.duration_ns // MS
            return (
                _first(query, "service") in ("", facts.service)
                and _first(query, "operation") in ("", facts.name)
                and (not least or took >= least)
                and (not most or took <= most)
                and all(facts.tags.get(key) == value for key, value in wanted.items())
            )

        found = self.with_a_span({**query, "end": [str(end)]}, matches)[: int(_first(query, "limit") or 20)]
        return _json({"data": [self._form(document, roots_alone=True) for document in found]})

    def trace(self, query: Query, trace_id: str) -> Answer:
        if not re.fullmatch("[0-9a-f]{32}", trace_id):
            return _json({"status": 500, "message": "failed to decode trace id"}, 500)
        document = self.documents.get(trace_id)
        is_there = document and document.id not in self.hidden | self.forgotten
        return _json({"data": [self._form(document)] if document and is_there else []})

    def _form(self, document: Document, *, roots_alone: bool = False) -> Json:
        body = {**document.body, "traceID": document.id, "warnings": []}
        spans = [{**span, "traceID": document.id, "references": _in_full(span["references"])} for span in body["spans"]]
        body["spans"] = [span for span in spans if not (roots_alone and span["references"])]
        return body

    def _listed(self, names: list[Any]) -> Answer:
        return _json({"data": names})


class GreptimeDBv1(_Alike):
    """Version 0.15, which has the v1 API alone: any traces come, not the newest, and not all of them."""

    def unknown(self, request: Request) -> Answer:
        return Answer((b"",), 404)

    def operations(self, query: Query) -> Answer:
        names = sorted({span.name for span in self.spans() if span.service == _first(query, "service")})
        return self._listed([{"name": name, "spanKind": "server"} for name in names])

    def search(self, query: Query) -> Answer:
        if not _first(query, "service"):
            return self._enveloped(None, [{"code": 1003, "msg": "service_name is required"}], 400)
        wanted = json.loads(_first(query, "tags") or "{}")
        least = nanoseconds(_first(query, "minDuration") or "0s")
        most = nanoseconds(_first(query, "maxDuration") or "10000h")

        def matches(span: Json, process: Json, facts: SpanFacts) -> bool:
            return (
                facts.service == _first(query, "service")
                and _first(query, "operation") in ("", facts.name)
                and least <= facts.duration_ns <= most
                and all(facts.tags.get(key) == value for key, value in wanted.items())
            )

        found = sorted(self.with_a_span(query, matches), key=lambda document: document.id)
        return self._written(found[: int(_first(query, "limit") or 2000)], *(window(query) or (0, 1 << 63)))

    def trace(self, query: Query, trace_id: str) -> Answer:
        document = self.documents.get(trace_id)
        return self._written([document] if document and document.id not in self.hidden else [])

    def _written(self, found: Sequence[Document], since: int = 0, until: int = 1 << 63) -> Answer:
        described: set[str] = set()
        return self._enveloped([self._form(document, since, until, described) for document in found])

    def _form(self, document: Document, since: int, until: int, described: set[str]) -> Json:
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
            parents = [one for one in _in_full(span["references"]) if one["refType"] == "CHILD_OF"]
            logs = [
                {"timestamp": log["timestamp"], "fields": [_written_tag(tag) for tag in log["fields"]]}
                for log in span["logs"] or ()
            ]
            tags = [_written_tag(tag) for tag in span["tags"] or ()]
            spans.append({**span, "traceID": document.id, "references": parents, "tags": tags, "logs": logs})
        return {"traceID": document.id, "spans": spans, "processes": processes}

    def _enveloped(self, data: Json, errors: Sequence[Json] = (), status: int = 200) -> Answer:
        return _json({"data": data, "total": 0, "limit": 0, "offset": 0, "errors": list(errors)}, status)

    def _listed(self, names: list[Any]) -> Answer:
        return self._enveloped(names)


def _written_tag(tag: Json) -> Json:
    value = tag["value"]
    if isinstance(value, bool):
        return {**tag, "type": "boolean"}
    if isinstance(value, int | float):
        return {**tag, "type": "int64", "value": value if isinstance(value, int) else 0}
    return tag


class GreptimeDBv3(JaegerV3):
    """Version 1.2: v3 with summaries; any traces come, not the newest."""

    def visible(self) -> list[Document]:
        return sorted(super().visible(), key=lambda document: document.id)


def _kept_apart(trace: Json) -> Iterator[SpanFacts]:
    """The facts of spans, with the attributes of resources under names of their own."""
    for facts, (resource, span) in zip(otlp_facts(trace), otlp_spans(trace), strict=True):
        of_resource = {item["key"] for item in resource.get("attributes", ())}
        of_resource -= {item["key"] for item in span.get("attributes", ())}
        facts.tags = {f"resource_attr:{k}" if k in of_resource else k: value for k, value in facts.tags.items()}
        yield facts


def _kept_apart_documents(recording: Recording) -> Iterator[Document]:
    return (Document(document.body, _kept_apart) for document in jaeger_v3_documents(recording))


class VictoriaTracesV3(JaegerV3):
    """Version 0.6: v3 with summaries, of one service at a time."""

    cut, facts = staticmethod(_kept_apart_documents), staticmethod(_kept_apart)

    def search(self, query: Query) -> Answer:
        return self._wrong(query) or super().search(query)

    def summaries(self, query: Query) -> Answer:
        return self._wrong(query) or super().summaries(query)

    def _wrong(self, given: Query) -> Answer | None:
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


ALIKES: Mapping[str, tuple[type[JaegerV1 | JaegerV3], str, str]] = {
    "victoriatraces": (VictoriaTraces, "jaeger-2.20-v1", "/select/jaeger"),
    "victoriatraces-v3": (VictoriaTracesV3, "jaeger-main-v3", "/select/jaeger"),
    "quickwit": (Quickwit, "jaeger-2.20-v1", "/api/v1/otel-traces-v0_9/jaeger"),
    "greptimedb": (GreptimeDBv1, "jaeger-2.20-v1", "/v1/jaeger"),
    "greptimedb-v3": (GreptimeDBv3, "jaeger-main-v3", "/v1/jaeger"),
}
"""By kind: the API, the recording whose traces it holds, and the path below which it answers."""

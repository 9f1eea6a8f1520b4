"""The APIs of Jaeger, Zipkin and Tempo over a number of traces, as far as clients use them."""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.support.documents import (
    Document,
    Json,
    SpanFacts,
    dumped,
    jaeger_v1_documents,
    jaeger_v1_facts,
    jaeger_v3_documents,
    otlp_documents,
    otlp_facts,
    padded,
    to_tempo_json,
    zipkin_documents,
    zipkin_facts,
)
from tests.support.loopback import Request, Response
from tests.support.recordings import Query, Recording, camel, size, window
from tests.support.summaries import jaeger_summary, tempo_summary
from tests.support.traceql import NotUnderstoodError, matching, nanoseconds

Matcher = Callable[[SpanFacts], bool]

PLAIN = {"content-type": "text/plain; charset=utf-8"}
TEXT = {"content-type": "text/*"}


class Backend:
    """One API over a number of traces. `answer` returns None for other requests."""

    cut: Callable[[Recording], Iterable[Document]]
    facts: Callable[[Json], Iterator[SpanFacts]]
    default_size = 100
    orders_by_arrival = False
    """True if the traces that were added last are the newest."""
    routes: Mapping[str, str] = {}
    """Name of the method for each pattern of paths."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        # mypy does not know that classes can be hashed
        api: Any = type(self)
        self.documents = _documents(api, recording).copy()
        self.hidden: set[str] = set()

    def answer(self, request: Request) -> Response | None:
        for pattern, method in self.routes.items():
            if found := re.fullmatch(pattern, request.path):
                answer: Response = getattr(self, method)(request.query, *found.groups())
                return answer
        return None

    def visible(self) -> list[Document]:
        """List the visible traces, newest first."""
        shown = [document for key, document in list(self.documents.items()) if key not in self.hidden]
        if self.orders_by_arrival:
            return shown[::-1]
        return sorted(shown, key=self.age_key, reverse=True)

    @staticmethod
    def age_key(document: Document) -> int:
        """The time by which traces are the newest: stores find them by their spans."""
        return document.last_start_ns

    def spans(self) -> Iterator[SpanFacts]:
        return (span for document in self.visible() for span in document.spans)

    def names_of_services(self) -> list[str]:
        return sorted({span.service for span in self.spans()})

    def by_id(self, trace_id: str) -> Document | None:
        document = self.documents.get(padded(trace_id))
        return document if document and document.id not in self.hidden else None

    def matching(self, query: Query, matches: Matcher) -> list[Document]:
        """Find the newest traces with a single span in the window that matches."""
        since, until = window(query) or (0, 1 << 63)
        found = (
            document
            for document in self.visible()
            if any(since <= span.start_ns <= until and matches(span) for span in document.spans)
        )
        # most requests are for a few of many traces
        return list(itertools.islice(found, self.limit(query)))

    def limit(self, query: Query) -> int:
        """Return the requested number of traces. Raises ValueError."""
        given = size(query)
        return self.default_size if given is None else given


@functools.cache
def _documents(api: type[Backend], recording: Recording) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for document in api.cut(recording):
        found.setdefault(document.id, document)
    return found


class JaegerV1(Backend):
    cut, facts = staticmethod(jaeger_v1_documents), staticmethod(jaeger_v1_facts)
    routes = {  # noqa: RUF012 - never changed
        "/api/services": "services",
        "/api/services/(.+)/operations": "operations_of",
        "/api/operations": "operations",
        "/api/traces": "search",
        "/api/traces/([^/]+)": "trace",
    }

    def services(self, query: Query) -> Response:
        return self._listed(self.names_of_services())

    def operations_of(self, query: Query, service: str) -> Response:
        return self._listed(sorted({span.name for span in self.spans() if span.service == service}))

    def operations(self, query: Query) -> Response:
        if "service" not in query:
            return self.recording["operations-missing-service"]
        return self._listed(_operations(self, query["service"][0], _first(query, "spanKind")))

    def search(self, query: Query) -> Response:
        if "traceID" in query:
            found = [self.by_id(trace_id) for trace_id in query["traceID"]]
            missing = [i for i, document in zip(query["traceID"], found, strict=True) if not document]
            return self._traces([document for document in found if document], missing)
        if "service" not in query:
            return self.recording["search-no-service"]
        if wrong := self._rejection(query):
            return self.recording[wrong]
        tags: list[Any] = [tuple(tag.split(":", 1)) for tag in query.get("tag", ())]
        for more in query.get("tags", ()):
            tags += json.loads(more).items()
        matches = _matches(
            query["service"][0],
            _first(query, "operation"),
            tags,
            *_duration_limits(query, "minDuration", "maxDuration"),
        )
        return self._traces(self.matching(query, matches))

    def trace(self, query: Query, trace_id: str) -> Response:
        if not re.fullmatch("[0-9a-fA-F]{1,32}", trace_id):
            return self.recording["trace-bad-id"]
        document = self.by_id(trace_id)
        return self._traces([document]) if document else self.recording["trace-missing"]

    def _rejection(self, query: Query) -> str:
        try:
            if not 0 < (limit := self.limit(query)) <= 100_000:
                return "search-limit-too-high" if limit > 0 else "search-limit-zero"
            _duration_limits(query, "minDuration", "maxDuration")
        except ValueError:
            return "search-bad-duration"
        if any(":" not in tag for tag in query.get("tag", ())):
            return "search-bad-tag"
        values = [value for more in query.get("tags", ()) for value in json.loads(more).values()]
        return "" if all(isinstance(value, str) for value in values) else "search-bad-tags"

    def _traces(self, documents: Sequence[Document], missing: Sequence[str] = ()) -> Response:
        if any(document.broken for document in documents):
            return self.recording["search-poisoned"]
        errors = [{"msg": "trace not found", "traceID": trace_id} for trace_id in missing] or None
        end = b'],"total":0,"limit":0,"offset":0,"errors":%b}' % dumped(errors)
        return Response(_joined(b'{"data":[', [document.text for document in documents], end))

    def _listed(self, names: list[Any]) -> Response:
        return _json({"data": names, "total": len(names), "limit": 0, "offset": 0, "errors": None})


class JaegerV3(Backend):
    cut, facts = staticmethod(jaeger_v3_documents), staticmethod(otlp_facts)
    routes = {  # noqa: RUF012 - never changed
        "/api/v3/services": "services",
        "/api/v3/operations": "operations",
        "/api/v3/traces": "search",
        "/api/v3/trace-summaries": "summaries",
        "/api/v3/traces/([^/]+)": "trace",
    }

    def services(self, query: Query) -> Response:
        return _json({"services": self.names_of_services()})

    def operations(self, query: Query) -> Response:
        found = _operations(self, _first(query, "service"), _first(query, "spanKind", "span_kind"))
        return _json({"operations": found})

    def search(self, query: Query) -> Response:
        found = self._found(query)
        if isinstance(found, str):
            return self.recording[found]
        return self._traces(found) if found else self.recording["search-none"]

    def summaries(self, query: Query) -> Response:
        found = self._found(query)
        if isinstance(found, str):
            return self.recording[found]
        return Response(_joined(b'{"summaries":[', [dumped(jaeger_summary(document)) for document in found], b"]}"))

    def trace(self, query: Query, trace_id: str) -> Response:
        if not re.fullmatch("[0-9a-fA-F]{1,32}", trace_id):
            return self.recording["trace-bad-id"]
        document = self.by_id(trace_id)
        return self._traces([document]) if document else self.recording["trace-missing"]

    def _found(self, given: Query) -> list[Document] | str:
        """Find the traces. -> these, or the name of the recorded response that rejects the query"""
        query = {camel(key).removeprefix("query."): values for key, values in given.items()}
        if "startTimeMin" not in query or "startTimeMax" not in query:
            return "search-no-times"
        try:
            since, until = window(given) or (0, 0)
        except ValueError:
            return "search-bad-time"
        if since >= until:
            return "search-times-turned-round"
        if not 0 < self.limit(given) <= 100_000:
            return "search-depth-too-high"
        tags = [pair for text in query.get("attributes", ()) for pair in json.loads(text).items()]
        duration_limits = _duration_limits(query, "durationMin", "durationMax")
        return self.matching(
            given, _matches(_first(query, "serviceName"), _first(query, "operationName"), tags, *duration_limits)
        )

    def _traces(self, documents: Sequence[Document]) -> Response:
        # all traces of a response share one list of resources
        groups = [dumped(document.body["resourceSpans"])[1:-1] for document in documents]
        return Response(_joined(b'{"result":{"resourceSpans":[', groups, b"]}}"))


class Zipkin(Backend):
    cut, facts = staticmethod(zipkin_documents), staticmethod(zipkin_facts)
    default_size = 10
    routes = {  # noqa: RUF012 - never changed
        "(?:/zipkin)?/api/v2/services": "services",
        "(?:/zipkin)?/api/v2/spans": "names",
        "(?:/zipkin)?/api/v2/remoteServices": "remote_services",
        "(?:/zipkin)?/api/v2/traces": "search",
        "(?:/zipkin)?/api/v2/trace/([^/]+)": "trace",
        "(?:/zipkin)?/api/v2/traceMany": "traces",
    }

    def services(self, query: Query) -> Response:
        return _json(self.names_of_services())

    def names(self, query: Query) -> Response:
        if "serviceName" not in query:
            return self.recording["spans-missing"]
        return _json(sorted({span.name for span in self.spans() if span.service == query["serviceName"][0].lower()}))

    def remote_services(self, query: Query) -> Response:
        service_spans = [span for span in self.spans() if span.service == _first(query, "serviceName").lower()]
        return _json(sorted({span.remote for span in service_spans if span.remote}))

    def search(self, query: Query) -> Response:
        try:
            self.limit(query)
        except ValueError:
            return Response((f'For input string: "{_first(query, "limit")}"'.encode(),), 400, TEXT)
        if "maxDuration" in query and "minDuration" not in query:
            return self.recording["search-max-without-min"]
        limits = [
            int(_first(query, key) or most) * 1000 for key, most in (("minDuration", 0), ("maxDuration", 1 << 60))
        ]
        tags = [part.partition("=") for part in _first(query, "annotationQuery").split(" and ") if part]
        remote = _first(query, "remoteServiceName").lower()
        matches = _matches(_first(query, "serviceName").lower(), _first(query, "spanName").lower(), (), *limits)

        def matches_all(span: SpanFacts) -> bool:
            return matches(span) and remote in ("", span.remote) and all(_has_annotation(span, *tag) for tag in tags)

        return Response(_joined(b"[", [document.text for document in self.matching(query, matches_all)], b"]"))

    def trace(self, query: Query, trace_id: str) -> Response:
        if not re.fullmatch("[0-9a-f]{1,32}", trace_id):
            return Response((f"{trace_id} should be lower-hex encoded with no prefix".encode(),), 400, TEXT)
        document = self.by_id(trace_id)
        return Response((document.text,)) if document else Response((f"{trace_id} not found".encode(),), 404, TEXT)

    def traces(self, query: Query) -> Response:
        found = [self.by_id(trace_id) for trace_id in _first(query, "traceIds").split(",")]
        return Response(_joined(b"[", [document.text for document in found if document], b"]"))


class Tempo(Backend):
    cut, facts = staticmethod(otlp_documents), staticmethod(otlp_facts)
    default_size = 20
    routes = {  # noqa: RUF012 - never changed
        "/api/search": "search",
        "/api(/v2)?/traces/([^/]+)": "trace",
        "/api(/v2)?/search/tag/(.+)/values": "values",
    }

    @staticmethod
    def age_key(document: Document) -> int:
        return document.start_ns

    def search(self, query: Query) -> Response:
        question, hint, _ = (_first(query, "q") or _as_traceql(query)).partition(" with (most_recent=true)")
        try:
            if self.limit(query) < 1:
                return self.recording["search-bad-limit"]
            found = self._search(query, question, newest=bool(hint))
        except ValueError:
            return self.recording["search-bad-limit"]
        except NotUnderstoodError:
            return self.recording["search-bad-query"]
        shown = int(_first(query, "spss") or 3)
        written = [dumped(tempo_summary(document, question, shown)) for document in found]
        return Response(
            _joined(b'{"traces":[', written, b'],"metrics":{"totalBlocks":1,"completedJobs":1,"totalJobs":1}}')
        )

    def trace(self, query: Query, version: str | None, trace_id: str) -> Response:
        if not re.fullmatch("[0-9a-fA-F]{1,32}", trace_id):
            return self.recording["trace-bad-id"]
        document = self.by_id(trace_id)
        if not document:
            return self.recording["trace-missing-v2" if version else "trace-missing"]
        groups = to_tempo_json(document.body)
        return _json({"trace": {"resourceSpans": groups}, "metrics": {}} if version else {"batches": groups})

    def values(self, query: Query, version: str | None, name: str) -> Response:
        question = _first(query, "q") or "{}"
        spans = [span for document in self.visible() for span in matching(question, document)]
        plain = re.sub(r"^(resource|span)?\.", "", name)
        known = {"name": lambda span: span.name, "status": lambda span: span.status, "kind": lambda span: span.kind}
        read = known.get(name) or (lambda span: span.tags.get(plain))
        found = sorted({value for value in map(read, spans) if value is not None})
        return _json({"tagValues": [{"type": "string", "value": value} for value in found] if version else found})

    def _search(self, query: Query, question: str, *, newest: bool) -> list[Document]:
        since, until = window(query) or (0, 1 << 63)
        found = [d for d in self.visible() if since <= d.start_ns <= until and matching(question, d)]
        if not newest:
            # without the hint Tempo may return any of them
            found.sort(key=lambda document: document.id)
        return found[: self.limit(query)]


def _first(query: Query, *keys: str) -> str:
    return next((query[key][0] for key in keys if key in query), "")


def _json(value: Json) -> Response:
    return Response((dumped(value),))


def _joined(begin: bytes, items: Sequence[bytes], end: bytes) -> list[bytes]:
    """Join items to a body, in pieces that each end with a whole item."""
    return [begin, *(b"," * bool(number) + item for number, item in enumerate(items)), end]


def _duration_limits(query: Query, least: str, most: str) -> tuple[int, int]:
    """Read the limits of a duration. Raises ValueError."""
    return nanoseconds(_first(query, least) or "0s"), nanoseconds(_first(query, most) or "10000h")


def _matches(service: str, name: str, tags: Iterable[tuple[str, str]], least: int, most: int) -> Matcher:
    """Return a test for spans that meet all conditions; an empty text is no condition."""
    limit = list(tags)

    def matches(span: SpanFacts) -> bool:
        return (
            service in ("", span.service)
            and name in ("", span.name)
            and least <= span.duration_ns <= most
            and all(span.tags.get(key) == value for key, value in limit)
        )

    return matches


def _operations(backend: Backend, service: str, kind: str) -> list[Json]:
    found = {(span.name, span.kind) for span in backend.spans() if span.service == service and kind in ("", span.kind)}
    return [{"name": name, "spanKind": span_kind} for name, span_kind in sorted(found)]


def _has_annotation(span: SpanFacts, key: str, equals: str, value: str) -> bool:
    if equals:
        return span.tags.get(key) == value
    return key in span.tags or key in span.annotations


def _as_traceql(query: Query) -> str:
    """Convert the older parameters of Tempo's search to TraceQL."""
    pairs = [tag.partition("=") for tag in _first(query, "tags").split()]
    conditions = [f".{key}={json.dumps(value.strip(chr(34)))}" for key, _, value in pairs]
    for key, sign in (("minDuration", ">="), ("maxDuration", "<=")):
        conditions += [f"duration{sign}{value}" for value in query.get(key, ())]
    return "{" + " && ".join(conditions) + "}"

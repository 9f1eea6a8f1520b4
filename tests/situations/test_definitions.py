"""Situations of errors, calls, times and formats, with the figures that the definitions give for them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.compare import program_json
from tests.oracle.generate import MS, START, otlp_document
from tests.support.program import Program

KINDS = {"s": "SERVER", "c": "CLIENT", "i": "INTERNAL", "p": "PRODUCER", "o": "CONSUMER", "": None}
Attributes = dict[str, Any]


def span(
    service: str,
    number: int,
    parent: int | None,
    name: str,
    kind: str,
    begin: float,
    end: float | None,
    attributes: Attributes | None = None,
    failed: str | None = None,
    trace: int = 1,
) -> dict[str, Any]:
    """Make a span from `begin` to `end` ms; with `failed`, which may be '', its status is an error."""
    return {
        "trace": f"{trace:032x}",
        "id": f"{number:016x}",
        "parent": f"{parent:016x}" if parent else None,
        "service": service,
        "host": "",
        "name": name,
        "kind": KINDS[kind],
        "start": START + round(begin * MS),
        "end": START + round(end * MS) if end is not None else None,
        "attrs": attributes or {},
        "events": [],
        "links": [],
        "code": None if failed is None else "error",
        "message": failed or "",
    }


def analysed(spans: Sequence[dict[str, Any]], folder: Path) -> dict[str, Any]:
    file = folder / "spans.json"
    file.write_text(json.dumps(otlp_document(list(spans))))
    return program_json("analyze", str(file))


def patterns_of(found: dict[str, Any]) -> dict[str, str]:
    """Return the outcomes of each error pattern, by `service: message`."""
    names = ("failed_request_count", "unknown_count", "background_count", "retried_count", "swallowed_count")
    return {
        f"{one['service']}: {one['message']}": next(name for name in names if one[name])
        for one in found["errors"]["patterns"]
    }


FAILED, UNKNOWN, BACKGROUND = "failed_request_count", "unknown_count", "background_count"
RETRIED, HANDLED = "retried_count", "swallowed_count"
ROOT = span("web", 1, None, "GET /", "s", 0, 300)
OUTCOMES: dict[str, tuple[list[dict[str, Any]], dict[str, str]]] = {
    "work went on after a cache failed": (
        [
            {**ROOT, "code": "error", "message": "card declined"},
            span("web", 2, 1, "GET k", "c", 5, 20, {"db.system": "redis"}, "connection reset"),
            span("web", 3, 1, "charge", "c", 100, 280, {"peer.service": "bank"}),
        ],
        {"web: card declined": FAILED, "web: connection reset": HANDLED},
    ),
    "a span without a service is a layer of its caller": (
        [
            {**ROOT, "code": "error", "message": "card declined"},
            span("web", 2, 1, "GET k", "c", 5, 20, {"db.system": "redis"}, "connection reset"),
            span("", 3, 1, "flush", "i", 100, 280),
        ],
        {"web: connection reset": FAILED},
    ),
    "the same database is called by a span without a service": (
        [
            {**ROOT, "code": "error", "message": "card declined"},
            span("web", 2, 1, "GET k", "c", 5, 20, {"db.system": "redis"}, "connection reset"),
            span("", 3, 1, "GET k", "", 100, 280, {"db.system": "redis"}),
        ],
        {"web: connection reset": FAILED},
    ),
    "an address on a span that is no client names no call": (
        [
            {**ROOT, "code": "error", "message": "card declined"},
            span("web", 2, 1, "GET k", "c", 5, 20, {"db.system": "redis"}, "connection reset"),
            span("web", 3, 1, "render", "", 100, 280, {"net.peer.name": "10.0.0.9"}),
        ],
        {"web: connection reset": FAILED},
    ),
    "third attempt on another host succeeds": (
        [
            ROOT,
            span("web", 2, 1, "GET", "c", 5, 50, {"url.full": "http://a:1/x?y=1"}, "refused"),
            span("web", 3, 1, "GET", "c", 60, 100, {"url.full": "http://b:2/x?y=2"}, "refused"),
            span("web", 4, 1, "GET", "c", 110, 150, {"url.full": "http://c:3/x?y=3"}),
        ],
        {"web: refused": RETRIED},
    ),
    "a loop over items is no retry": (
        [
            {**ROOT, "code": "error", "message": "import failed: bad sku"},
            span("web", 2, 1, "PUT item", "c", 5, 50, {"url.full": "http://a/x"}, "bad sku"),
            span("web", 3, 1, "PUT item", "c", 60, 100, {"url.full": "http://a/x"}),
        ],
        {"web: bad sku": FAILED},
    ),
    "one of several calls fails and the others are cancelled": (
        [
            {**ROOT, "code": "error", "message": "pricing failed"},
            span("web", 2, 1, "price", "c", 5, 50, {"rpc.grpc.status_code": 13}),
            span("price", 3, 2, "price", "s", 6, 49, {"rpc.grpc.status_code": 13}, "pricing failed"),
            span("web", 4, 1, "stock", "c", 5, 52, {"rpc.grpc.status_code": 1}),
            span("stock", 5, 4, "stock", "s", 6, 60, {"rpc.grpc.status_code": 1}, "context canceled"),
        ],
        {"price: pricing failed": FAILED},
    ),
    "a browser says nothing and its only server fails": (
        [
            span("browser", 1, None, "click", "i", 0, 100),
            span("browser", 2, 1, "fetch", "c", 5, 90),
            span("api", 3, 2, "GET /", "s", 10, 80, {"http.status_code": 500}, "NPE"),
        ],
        {"api: NPE": FAILED},
    ),
    "work that outlives its request": (
        [
            ROOT,
            span("web", 2, 1, "flush", "i", 290, 900, {}, "disk full"),
            span("audit", 3, 2, "write", "s", 300, 850, {}, "disk full"),
        ],
        {"audit: disk full": BACKGROUND},
    ),
    "a caller that is missing": (
        [ROOT, span("audit", 3, 99, "write", "s", 10, 50, {}, "disk full"), span("audit", 4, 99, "write", "s", 60, 80)],
        {"audit: disk full": UNKNOWN},
    ),
    "a gateway's timeout above a closed connection": (
        [
            span("gw", 1, None, "GET /", "s", 0, 100, {"http.status_code": 504}, ""),
            span("gw", 2, 1, "up", "c", 0, 100, {}, "upstream request timeout"),
            span("api", 3, 2, "GET /", "s", 1, 140, {"http.status_code": 499}, "client closed"),
        ],
        {"gw: upstream request timeout": FAILED},
    ),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_outcomes(name: str, tmp_path: Path) -> None:
    spans, expected = OUTCOMES[name]
    found = analysed(spans, tmp_path)
    assert patterns_of(found) == expected
    assert found["summary"]["failed_request_count"] == int(FAILED in expected.values())
    # in any order
    for order in itertools.islice(itertools.permutations(spans), 1, 6):
        assert patterns_of(analysed(order, tmp_path)) == expected


STATUSES: list[tuple[str, Attributes, str | None]] = [
    ("c", {"grpc-status": "5"}, "NOT_FOUND"),
    ("s", {"rpc.grpc.status_code": 5}, None),
    ("c", {"grpc.status_code": "UNAVAILABLE", "http.status_code": 200}, "UNAVAILABLE"),
    ("s", {"rpc.response.status_code": "DEADLINE_EXCEEDED"}, "DEADLINE_EXCEEDED"),
    ("c", {"rpc.grpc.status_code": 0, "http.status_code": 503}, None),
    ("c", {"http.status_code": 404, "error.type": "404"}, None),
    ("s", {"http.status_code": "503"}, "HTTP 503"),
    ("i", {"error": False, "http.status_code": 500}, None),
    ("i", {"error": "null pointer"}, "null pointer"),
    ("i", {"otel.status_code": "Error", "otel.status_description": "x"}, "x"),
    ("i", {"error.type": "timeout"}, "timeout"),
    ("s", {"rpc.status_code": "1"}, None),
]


def test_statuses(tmp_path: Path) -> None:
    spans = [
        span(f"s{number}", 1, None, "op", kind, 0, 10, attributes, trace=number + 1)
        for number, (kind, attributes, _) in enumerate(STATUSES)
    ]
    found = analysed(spans, tmp_path)
    messages = {one["service"]: one["message"] for one in found["errors"]["patterns"]}
    assert messages == {f"s{number}": text for number, (_, _, text) in enumerate(STATUSES) if text}


def test_spans_of_three_formats_form_one_trace(tmp_path: Path) -> None:
    """Nanoseconds and microseconds, padded and short ids, names in lower case."""
    long, short = 0xAABBCCDDEEFF0011, "aabbccddeeff0011"
    otlp = otlp_document(
        [
            span("Web", 1, None, "GET /Cart", "s", 0, 100.0007, {"http.route": "/Cart"}, trace=long),
            span("Web", 2, 1, "call", "c", 10.0003, 90.0004, {"peer.service": "Cart"}, trace=long),
            span("Cart", 3, 2, "GET /items", "s", 20, 80, {}, "no stock", trace=long),
        ]
    )

    def ui(number: int, name: str, process: str, kind: str, begin: int, length: int) -> dict[str, Any]:
        above = [{"refType": "CHILD_OF", "traceID": short, "spanID": str(number - 1)}] if number > 1 else []
        tags = [{"key": "span.kind", "type": "string", "value": kind}]
        return {
            "traceID": short,
            "spanID": str(number),
            "operationName": name,
            "processID": process,
            "tags": tags,
            "references": above,
            "startTime": START // 1_000 + begin * 1_000,
            "duration": length * 1_000,
        }

    spans = [
        ui(1, "GET /Cart", "p1", "server", 0, 100),
        ui(2, "call", "p1", "client", 10, 80),
        ui(3, "GET /items", "p2", "server", 20, 60),
    ]
    processes = {"p1": {"serviceName": "Web"}, "p2": {"serviceName": "Cart"}}
    jaeger = {"data": [{"traceID": short, "spans": spans, "processes": processes}]}
    zipkin = [
        {
            "traceId": short.upper(),
            "id": one["spanID"],
            "name": one["operationName"].lower(),
            **({"parentId": one["references"][0]["spanID"]} if one["references"] else {}),
            "kind": one["tags"][0]["value"].upper(),
            "timestamp": one["startTime"],
            "duration": one["duration"],
            "localEndpoint": {"serviceName": processes[one["processID"]]["serviceName"].lower()},
        }
        for one in spans
    ]
    files = []
    for name, body in (("o", otlp), ("j", jaeger), ("z", zipkin)):
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(body))
    for count in (2, 3):
        for some in itertools.permutations(files, count):
            found = program_json("analyze", *map(str, some))
            counts = (found["summary"]["span_count"], found["summary"]["duplicate_span_count"])
            assert counts == (3, 3 * (count - 1))
            assert found["dependencies"]["dependencies"] == {"Web": {"Cart": 1}}
            assert (found["summary"]["warning_count"], found["warnings"]) == (0, [])


def test_overlapping_roots_share_the_critical_path(tmp_path: Path) -> None:
    found = analysed(
        [
            span("a", 1, None, "main", "s", 0, 100),
            span("b", 2, 77, "late", "s", 50, 150),
            span("c", 3, 78, "early", "i", -50, 20),
            span("q", 4, None, "consume", "o", 200, 300),
        ],
        tmp_path,
    )
    shares = {one["operation"]: one["share_percent"] for one in found["bottlenecks"]}
    assert shares == {"main": 50, "late": 25, "early": 25}
    summary = found["summary"]
    assert (summary["duration_stats"]["max_ms"], summary["response_time_stats"]["max_ms"]) == (350, 100)
    assert [one["operation"] for one in found["async_work"]] == ["consume"]


def test_calls_below_an_answered_message_keep_their_own_peer(tmp_path: Path) -> None:
    found = analysed(
        [
            span("pay", 1, None, "send mails", "p", 0, 10, {"messaging.system": "kafka"}),
            span("", 2, 1, "process mails", "i", 10, 90),
            span("stock", 3, 2, "GET /stock", "s", 20, 40),
            span("pay", 4, 2, "SELECT items", "c", 50, 70, {"db.system": "postgresql", "db.name": "shop"}),
        ],
        tmp_path,
    )
    calls = {(one["caller"], one["callee"]): one["call_count"] for one in found["dependencies"]["edges"]}
    assert calls == {("pay", "stock"): 1, ("pay", "postgresql:shop"): 1}


UNFINISHED = [
    span("web", 1, None, "GET /", "s", 0, 100),
    span("lazy", 2, 1, "x", "s", 10, None),
    span("lazy", 3, 1, "x", "s", 20, None),
]


def test_latency_of_calls_without_an_end_is_unknown(tmp_path: Path, program: Program) -> None:
    found = analysed(UNFINISHED, tmp_path)
    (edge,) = found["dependencies"]["edges"]
    lazy = found["dependencies"]["services"]["lazy"]
    assert (edge["call_count"], lazy["call_count"]) == (2, 2)
    names = ("p50_ms", "p95_ms", "p99_ms")
    assert [one[name] for one in (edge, lazy) for name in names] == [None] * 6
    assert lazy["avg_duration_ms"] is None
    file = str(tmp_path / "spans.json")
    report = program("analyze", file).out
    assert [line.split()[:5] for line in report.splitlines() if line.strip().startswith("lazy ")] == [
        ["lazy", "2", "-", "unknown", "unknown"]
    ]
    for question in (["services"], ["overview", "lazy"], ["callees", "web"]):
        answer = program("graph", file, *question)
        assert "unknown" in answer.out
        assert " 0 s" not in answer.out
        assert "null" in program("graph", file, *question, "--json").out


def test_percentiles_of_few_calls_are_their_range(tmp_path: Path, program: Program) -> None:
    spans = [span("web", 1, None, "GET /", "s", 0, 1000)]
    spans += [span("api", at + 2, 1, "get", "s", 10 * at, 10 * at + 5 + at) for at in range(3)]
    analysed(spans, tmp_path)
    file = str(tmp_path / "spans.json")
    for question in (["services"], ["overview", "web"], ["overview", "api"], ["callees", "web"], ["callers", "api"]):
        found = program("graph", file, *question).out
        assert "5.00 ms–7.00 ms" in found
        assert "p95 or range" in found

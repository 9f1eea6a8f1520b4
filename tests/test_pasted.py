"""Texts that name a trace: ids, headers, addresses of pages, lines of logs."""

from __future__ import annotations

import pytest

from tests.program import Program
from tests.servers import KINDS, LiveServer
from tracetui.analysis.query.pasted import meant
from tracetui.model.pasted import trace_id_in

ID, SHORT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TEXTS = {
    ID: ID,
    ID.upper(): ID.upper(),
    SHORT: SHORT,
    f"00-{ID}-{SHORT}-01": ID,
    f"traceparent: 00-{ID}-{SHORT}-01": ID,
    f"b3: {ID}-{SHORT}-1": ID,
    f"{SHORT}-{SHORT}-1-05e3ac9a4f6e3b90": SHORT,
    f"uber-trace-id: {SHORT}:1a2b:0:1": SHORT,
    "Root=1-581cf771-a006649127e371903a2de979": "581cf771a006649127e371903a2de979",
    f"http://h:16686/trace/{SHORT}?uiFind=cart": SHORT,
    f"http://h:9411/zipkin/traces/{ID}": ID,
    f"http://h:3200/api/v2/traces/{ID}": ID,
    "https://g/explore?schemaVersion=1&panes=%7B%22a%22%3A%7B%22queries%22%3A%5B%7B%22query%22%3A%22"
    f"{ID}%22%7D%5D%7D%7D": ID,
    f"2026-11-20 10:00:00 ERROR [payment] charge failed trace_id={ID} span_id={SHORT}": ID,
    f'{{"level":"error","traceId":"{SHORT}","spanId":"1111111111111111"}}': SHORT,
    f"ERROR [cart,{ID},{SHORT}] boom": ID,
    "trace.id: " + SHORT: SHORT,
}
NO_TRACE = [
    "",
    "service = cart",
    "duration > 5s AND error",
    "order 1234567890123456 failed",
    "0" * 32 + " ",
    "commit 8c3f3a1b2e4d5f6a7b8c9d0e1f2a3b4c5d6e7f80",
    "12:30:45:99 cart",
    "2026-11-20T10:00:00Z",
]


@pytest.mark.parametrize(("text", "trace_id"), TEXTS.items(), ids=[text[:40] for text in TEXTS])
def test_texts_that_name_a_trace(text: str, trace_id: str) -> None:
    assert trace_id_in(text) == trace_id
    assert meant(text) == f'trace.id = "{trace_id}"'


@pytest.mark.parametrize("text", NO_TRACE)
def test_texts_that_name_none(text: str) -> None:
    assert trace_id_in(text) in ("", text.strip())
    assert meant("service = cart") == "service = cart"


def test_a_query_with_an_id_is_a_query() -> None:
    query = f'attr.parent = "{ID}" AND error'
    assert meant(query) == query


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "pasted", ["{}", "00-{}-00f067aa0ba902b7-01", "ERROR boom trace_id={} x", "https://g.example/explore?left=%22{}%22"]
)
def test_a_trace_named_beside_a_server_is_fetched_alone(kind: str, pasted: str, program: Program) -> None:
    with LiveServer(kind) as server:
        wanted = next(one for one in server.trace_ids if not server.document(one).broken)
        report = program.analyze(server.url, pasted.format(wanted))
        searches = [path for path in server.paths() if path.endswith(("/traces", "/search"))]
    assert report.code == 0, report.err
    assert report.out.count('"trace_count": 1,') >= 1
    assert searches == []


def test_a_query_may_be_a_pasted_header(program: Program) -> None:
    with LiveServer("jaeger-v3") as server:
        report = program.analyze(server.url, "--query", f"00-{server.trace_ids[3]}-00f067aa0ba902b7-01")
    assert '"trace_count": 1,' in report.out

"""References to traces in text: ids, headers, addresses of pages, log lines."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from tests.support.paths import SAMPLES
from tests.support.program import Program
from tests.support.servers import KINDS, LiveServer
from tracetui.ingest.servers.resolve import parse_sources
from tracetui.model.errors import UsageError
from tracetui.model.grafana_page import grafana_page
from tracetui.model.search import Search
from tracetui.model.times import UNITS
from tracetui.model.trace_reference import trace_ids_in
from tracetui.query import parse
from tracetui.query.edit import resolve_reference
from tracetui.query.pushdown import pushdown

ID, SHORT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
OTHER = "a" * 31 + "1"
HOUR = UNITS["h"]
IN_BASE64 = base64.b64encode(bytes.fromhex(ID)).decode()


def explore_url(query: object, source: str = "e58c2f51-20f8-4f4b-ad48-2968782ca7d6", begin: str = "now-1h") -> str:
    """Return the address of a page of Grafana's Explore, since 10.0."""
    pane = {"datasource": source, "queries": [query], "range": {"from": begin, "to": "now"}}
    return f"https://g.example/explore?schemaVersion=1&panes={quote(json.dumps({'m95': pane}))}&orgId=1"


def old_explore_url(query: object) -> str:
    """Return the address of the same page in Grafana 8 and 9."""
    left = {"datasource": "tempo", "queries": [query], "range": {"from": "now-6h", "to": "now"}}
    return f"https://g.example/grafana/explore?orgId=1&left={quote(json.dumps(left))}"


TEXTS = {
    ID: ID,
    ID.upper(): ID.upper(),
    SHORT: SHORT,
    "0x" + ID: ID,
    "0X" + SHORT: SHORT,
    "4bf92f35-77b3-4da6-a3ce-929d0e0e4736": ID,
    IN_BASE64: ID,
    f"00-{ID}-{SHORT}-01": ID,
    f"traceparent: 00-{ID}-{SHORT}-01": ID,
    f"b3: {ID}-{SHORT}-1": ID,
    f"X-B3-TraceId: {SHORT}": SHORT,
    f"{SHORT}-{SHORT}-1-05e3ac9a4f6e3b90": SHORT,
    f"uber-trace-id: {SHORT}:1a2b:0:1": SHORT,
    f"sentry-trace: {ID}-{SHORT}-1": ID,
    f"X-Cloud-Trace-Context: {ID}/1;o=1": ID,
    "Root=1-581cf771-a006649127e371903a2de979": "581cf771a006649127e371903a2de979",
    "X-Amzn-Trace-Id: Self=1-67891234-12456789abcdef0123456789;Root=1-581cf771-a006649127e371903a2de979;Sampled=1": (
        "581cf771a006649127e371903a2de979"
    ),
    f"http://h:16686/trace/{SHORT}?uiFind=cart": SHORT,
    f"http://h:9411/zipkin/traces/{ID}": ID,
    f"http://h:3200/api/v2/traces/{ID}": ID,
    explore_url({"refId": "A", "queryType": "traceql", "query": ID}): ID,
    explore_url({"refId": "A", "queryType": "traceqlSearch", "query": ID}): ID,
    explore_url({"refId": "A", "query": SHORT, "datasource": {"type": "jaeger", "uid": "P8E80F9AEF21F6940"}}): SHORT,
    explore_url({"refId": "A", "expr": f'{{app="cart"}} |= "trace_id={ID}"'}): ID,
    explore_url({"refId": "A", "query": f'{{ trace:id = "{ID}" }}'}): ID,
    old_explore_url({"queryType": "traceql", "query": ID}): ID,
    "https://g.example/explore?left=" + quote(json.dumps(["now-1h", "now", "Tempo", {"query": ID}])): ID,
    f'https://g.example/explore?left=["now-1h","now","Tempo",{{"query":"{ID}"}},{{"ui":[true,true,true,"none"]}}]': ID,
    # truncated
    explore_url({"query": ID})[:-20]: ID,
    f"https://g.example/a/grafana-exploretraces-app/explore?traceId={ID}&spanId={SHORT}&from=now-15m&to=now": ID,
    f"https://g.example/d/abc/traces?orgId=1&var-traceId={ID}&from=1795176000000&to=1795176060000": ID,
    f"2026-11-20 10:00:00 ERROR [payment] charge failed trace_id={ID} span_id={SHORT}": ID,
    f'{{"level":"error","traceId":"{SHORT}","spanId":"1111111111111111"}}': SHORT,
    f'{{"traceId":"{IN_BASE64}","spanId":"APBnqgupArc="}}': ID,
    "trace.id=4bf92f35-77b3-4da6-a3ce-929d0e0e4736 failed": ID,
    f"ERROR [cart,{ID},{SHORT}] boom": ID,
    f"trace_id={ID}": ID,
    f"traceparent=00-{ID}-{SHORT}-01": ID,
    f"INFO [cart,{SHORT},1111111111111111] boom": SHORT,
    "trace.id: " + SHORT: SHORT,
}
NO_TRACE = [
    "",
    "service = cart",
    "duration > 5s AND error",
    "order 1234567890123456 failed",
    "0" * 32 + " ",
    "commit 8c3f3a1b2e4d5f6a7b8c9d0e1f2a3b4c5d6e7f80",
    "request e58c2f51-20f8-4f4b-ad48-2968782ca7d6 failed",
    "12:30:45:99 cart",
    "2026-11-20T10:00:00Z",
    explore_url({"refId": "A", "query": f'{{ .commit = "{ID}" }}'}),
    explore_url({"refId": "A", "expr": 'rate(calls_total{job="cart"}[5m])'}, source=ID),
    "https://g.example/d/abc/traces?orgId=1&var-service=cart",
]


@pytest.mark.parametrize(("text", "trace_id"), TEXTS.items(), ids=[text[:40] for text in TEXTS])
def test_texts_that_name_a_trace(text: str, trace_id: str) -> None:
    assert trace_ids_in(text) == (trace_id,)
    assert trace_ids_in(f"  {text}\n") == (trace_id,)
    assert resolve_reference(text) == f'trace.id = "{trace_id}"'


@pytest.mark.parametrize("text", NO_TRACE, ids=[text[:40] for text in NO_TRACE])
def test_texts_that_name_no_trace(text: str) -> None:
    assert trace_ids_in(text) == ()


def test_a_page_that_compares_two_traces_names_both() -> None:
    page = f"http://h:16686/jaeger/trace/{ID}...{OTHER}?cohort={ID}&cohort={OTHER}"
    assert trace_ids_in(page) == (ID, OTHER)
    query = resolve_reference(page)
    assert query == f'trace.id = "{ID}" OR trace.id = "{OTHER}"'
    assert pushdown(query) == (Search(trace_ids=(ID, OTHER)), [])


def test_query_with_an_id_stays_a_query() -> None:
    query = f'attr.parent = "{ID}" AND error'
    assert resolve_reference(query) == query
    assert resolve_reference("service = cart") == "service = cart"
    other = f'trace.id = "{ID}" OR error'
    assert pushdown(other) == (Search(), [other])


SEARCHES = {
    explore_url(
        {"queryType": "traceql", "query": '{ resource.service.name = "cart" && status = error }', "limit": 5}
    ): Search(expression='{ resource.service.name = "cart" && status = error }', limit=5, lookback_ns=HOUR),
    explore_url({"queryType": "traceql", "query": "({a} >> {b})"}, begin="1795176000000"): Search(
        expression="({a} >> {b})", start_ns=1_795_176_000_000_000_000
    ),
    old_explore_url(
        {
            "queryType": "traceqlSearch",
            "filters": [
                {"id": "s", "tag": "service.name", "operator": "=", "value": ["cart", "pay"], "scope": "resource"},
                {"id": "t", "tag": "status", "operator": "=", "value": "error", "scope": "intrinsic"},
                {"id": "d", "tag": "duration", "operator": ">", "value": "100ms", "scope": "intrinsic"},
                {"id": "e", "tag": "", "operator": "=", "value": []},
            ],
        }
    ): Search(
        expression='{(resource.service.name="cart" || resource.service.name="pay") && status=error && duration>100ms}',
        lookback_ns=6 * HOUR,
    ),
    old_explore_url({"queryType": "search", "service": "cart", "operation": "All", "minDuration": "1s"}): Search(
        service="cart", least_ns=UNITS["s"], lookback_ns=6 * HOUR
    ),
    "https://g.example/a/grafana-exploretraces-app/explore?"
    + urlencode({"from": "now-2d/d", "to": "now", "var-filters": "resource.service.name|=|cart"}): Search(
        expression='{resource.service.name="cart"}', lookback_ns=48 * HOUR
    ),
}


@pytest.mark.parametrize(("address", "search"), SEARCHES.items(), ids=map(str, range(len(SEARCHES))))
def test_searches_of_grafana(address: str, search: Search) -> None:
    page = grafana_page(address)
    assert page is not None
    assert page.search == search
    named = parse_sources(["http://tempo:3200", address])
    assert named.servers[0].address.search == search
    assert named.trace_ids == ()


@pytest.mark.parametrize(
    "address",
    [
        "http://jaeger:16686/explore",
        "http://h/d/traces.json",
        "http://h/d/jaeger",
        "http://h/goto/x",
        "http://u:p@h/explore?panes={}",
        "http://[::1/explore?left=1",
        f"http://jaeger:16686/trace/{ID}",
        "traces.json",
    ],
)
def test_other_addresses_are_not_grafana_pages(address: str) -> None:
    assert grafana_page(address) is None


@pytest.mark.parametrize("panes", ["", "[]", "7", "{}", '{"a":7}', '{"a":{"queries":7}}', '{"a":{"queries":[7]}}', "{"])
def test_damaged_pages_of_grafana(panes: str) -> None:
    for key in ("panes", "left"):
        page = grafana_page(f"https://g.example/explore?{key}={quote(panes)}&right=x")
        assert page is not None
        assert page.search is None


def test_supported_search_of_grafana_becomes_a_filter() -> None:
    page = explore_url({"query": "{ duration > 1s && status = error }"})
    assert resolve_reference(page) == "{ duration > 1s && status = error }"
    assert parse(resolve_reference(page))
    unknown = explore_url({"query": "{ nestedSetParent < 0 } | rate()"})
    assert resolve_reference(unknown) == unknown


NOWHERE = {
    ID: f"{ID}: a trace ID without a source; add a server or a file",
    f"ERROR trace_id={ID} " + "x" * 500: "xxx...: a trace ID without a source",
    explore_url({"query": ID}, source="abc"): (
        f"g.example: a Grafana page with trace {ID}; Grafana itself stores no traces: add the address of its Jaeger,"
        " Zipkin or Tempo, such as tracetui http://tempo:3200 'ADDRESS'; or use"
        " https://g.example/api/datasources/proxy/uid/abc"
    ),
    explore_url({"query": "{}"}): "a Grafana page with a search; Grafana itself stores no traces",
    "https://g.example/d/abc/x?orgId=1": "a Grafana page without a trace or a trace search",
    "https://g.example/goto/abc?orgId=1": "a Grafana page (short link); open it in a browser",
}


@pytest.mark.parametrize(("source", "message"), NOWHERE.items(), ids=map(str, range(len(NOWHERE))))
def test_incomplete_source_gives_a_hint(source: str, message: str, program: Program) -> None:
    with pytest.raises(UsageError) as raised:
        parse_sources([source])
    assert message in str(raised.value)
    report = program.analyze(source)
    assert report.code == 2
    assert message in " ".join(report.err.split())


def test_traceql_search_is_rejected_for_files() -> None:
    with pytest.raises(UsageError, match="which files do not support; add the address of its Tempo"):
        parse_sources([str(SAMPLES), explore_url({"query": "{}"})])


@pytest.mark.parametrize("path", [f"runs/{ID}", f"./{ID}", f"/tmp/{ID}", f"{ID}.json", f"trace-{ID}.jsonl.gz"])
def test_path_that_contains_an_id_is_a_path(path: str) -> None:
    assert parse_sources(["http://h:1", path]).paths == [path]


def test_file_named_like_an_id_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ID).write_bytes(b"")
    assert parse_sources([ID]).paths == [ID]


PASTED = ["{}", "00-{}-00f067aa0ba902b7-01", "ERROR boom trace_id={} x", "https://g.example/explore?left=%22{}%22"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pasted", PASTED)
def test_only_the_named_trace_is_fetched_from_a_server(kind: str, pasted: str, program: Program) -> None:
    with LiveServer(kind) as server:
        wanted = next(one for one in server.trace_ids if not server.document(one).broken)
        report = program.analyze(server.url, pasted.format(wanted))
        searches = [path for path in server.paths() if path.endswith(("/traces", "/search"))]
    assert report.code == 0, report.err
    assert report.out.count('"trace_count": 1,') >= 1
    assert searches == []


@pytest.mark.parametrize("pasted", PASTED)
def test_named_trace_is_found_in_files(pasted: str, program: Program) -> None:
    file = SAMPLES / "incident" / "before.json"
    wanted = json.loads(file.read_bytes())["data"][7]["traceID"]
    report = program.analyze(str(file), pasted.format(wanted))
    assert report.code == 0, report.err
    assert json.loads(report.out)["summary"]["trace_count"] == 1
    missing = program.analyze(str(file), pasted.format(ID))
    assert (missing.code, missing.out) == (2, "")
    assert f"no trace {ID} among 100 traces" in missing.err


def test_traceql_of_grafana_is_sent_only_to_tempo(program: Program) -> None:
    page = explore_url({"query": '{ resource.service.name = "cart" }'}, begin="now-30d")
    with LiveServer("tempo") as server:
        program.analyze(server.url, page)
        assert any('{ resource.service.name = "cart" }' in one.query.get("q", [""])[0] for one in server.requests)
    with LiveServer("zipkin") as server:
        report = program.analyze(server.url, page)
    assert "the server does not support TraceQL; ignored { resource.service.name" in " ".join(report.err.split())


def test_pasted_header_is_a_query(program: Program) -> None:
    with LiveServer("jaeger-v3") as server:
        report = program.analyze(server.url, "--query", f"00-{server.trace_ids[3]}-00f067aa0ba902b7-01")
    assert '"trace_count": 1,' in report.out


def test_show_accepts_a_pasted_reference(program: Program) -> None:
    with LiveServer("jaeger-v3") as server:
        wanted = server.trace_ids[3]
        for arguments in (["--trace", f"00-{wanted}-{SHORT}-01"], [f"traceparent: 00-{wanted}-{SHORT}-01"]):
            report = program("show", server.url, *arguments)
            assert report.code == 0, report.err
            assert f"trace {wanted}" in report.out

"""VictoriaTraces, Quickwit and GreptimeDB, whose deviations from Jaeger's API are handled or reported."""

from __future__ import annotations

import time
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.support.client import client_of
from tests.support.documents import padded
from tests.support.format_losses import by_ids, spans_of
from tests.support.jaeger_compatible import JAEGER_COMPATIBLE, MOST, Quickwit
from tests.support.many_traces import MS, SECOND, trace
from tests.support.program import Program
from tests.support.recordings import FIRST_NS, LAST_NS
from tests.support.servers import LiveServer
from tracetui.config import Overrides
from tracetui.ingest.loader import Loader, load
from tracetui.ingest.servers import jaeger_dialects
from tracetui.ingest.servers.access import access_to
from tracetui.ingest.servers.address import parse_address
from tracetui.ingest.servers.back_end import NotSupportedError
from tracetui.ingest.servers.pool import SearchReport
from tracetui.ingest.servers.resolve import documents, open_back_end, server_at
from tracetui.model.search import Search
from tracetui.model.span import Span

KINDS = tuple(JAEGER_COMPATIBLE)
V1 = [kind for kind in KINDS if not kind.endswith("v3")]
ALL = Search(start_ns=FIRST_NS, end_ns=LAST_NS + SECOND, limit=1000)
changed = msgspec.structs.replace


def equivalent_jaeger(kind: str) -> str:
    """Return the kind of Jaeger with the same traces."""
    return "jaeger-v3" if kind.endswith("v3") else "jaeger-v1"


def found_in(kind: str, search: Search) -> tuple[dict[tuple[str, str], Span], list[str]]:
    """Return the spans that a server sends for a search, and the warnings."""
    with client_of(LiveServer(kind)) as client:
        spans = by_ids(spans_of(*documents(client.back_end, search)))
        return spans, client.warnings


def comparable_spans(spans: dict[tuple[str, str], Span]) -> dict[tuple[str, str], tuple[Any, ...]]:
    return {
        ids: (span.name, span.service, span.kind, span.parent_id, span.start_ns, span.duration_ns, span.error)
        for ids, span in spans.items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_spans_equal_those_of_jaeger(kind: str) -> None:
    right, _ = found_in(equivalent_jaeger(kind), changed(ALL, service="payment"))
    got, _ = found_in(kind, changed(ALL, service="payment"))
    assert len(right) > 100
    assert comparable_spans(got) == comparable_spans(right)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "wanted",
    [
        Search(),
        Search(service="payment", operation="payments.Charge/Run"),
        Search(service="payment", errors=True),
        Search(service="payment", failed=True),
        Search(service="payment", slower_ns=400 * MS),
        Search(service="web-frontend", attributes={"customer.tier": "gold"}),
        Search(service="payment", attributes={"service.version": "1.4.2"}),
        Search(service="payment", attributes={"service.version": "no such"}),
        Search(service="payment", end_ns=FIRST_NS - 1),
    ],
    ids=["all", "operation", "errors", "failed", "slow", "attribute", "of resource", "of none", "before"],
)
def test_searches_find_the_same_traces_as_in_jaeger(kind: str, wanted: Search) -> None:
    end = wanted.end_ns or ALL.end_ns
    search = changed(wanted, start_ns=FIRST_NS - SECOND, end_ns=end, limit=1000)
    right, _ = found_in(equivalent_jaeger(kind), search)
    got, _ = found_in(kind, search)
    assert {ids[0] for ids in got} == {ids[0] for ids in right}


@pytest.mark.parametrize("kind", KINDS)
def test_duration_limits_are_inclusive(kind: str) -> None:
    server = LiveServer(kind, empty=True)
    server.add(trace(equivalent_jaeger(kind), 1, FIRST_NS, [7 * MS], ["front"]))
    with client_of(server) as client:
        exact = changed(ALL, service="front", least_ns=7 * MS, most_ns=7 * MS)
        assert client.found(exact) == {f"{1:032x}"}
        assert client.found(changed(exact, least_ns=8 * MS, most_ns=None)) == set()


@pytest.mark.parametrize("kind", KINDS)
def test_trace_of_the_last_second_is_found(kind: str) -> None:
    server = LiveServer(kind, empty=True)
    last = LAST_NS // SECOND * SECOND + 900 * MS
    server.add(trace(equivalent_jaeger(kind), 1, last, [MS], ["front"]))
    with client_of(server) as client:
        assert client.found(changed(ALL, service="front", end_ns=last + MS)) == {f"{1:032x}"}


@pytest.mark.parametrize("kind", KINDS)
def test_traces_by_id(kind: str) -> None:
    server = LiveServer(kind)
    with client_of(server) as client:
        short = next(text for text in server.trace_ids if text.startswith("0" * 16))
        whole = next(text for text in server.trace_ids if text.strip("0123456789"))
        for given in (short, short.lstrip("0"), whole, whole.upper()):
            got = client.back_end.trace(given)
            assert got is not None
            assert {padded(span.trace_id) for span in spans_of(got)} == {padded(given.lower())}
        assert client.back_end.trace("deadbeef" * 4) is None
        assert client.back_end.trace("dead") is None


@pytest.mark.parametrize("kind", KINDS)
def test_services_and_operations(kind: str) -> None:
    with client_of(LiveServer(equivalent_jaeger(kind))) as client:
        services = client.back_end.services()
        operations = {name: client.back_end.operations(name) for name in ("payment", "größe-サービス", "nobody")}
    with client_of(LiveServer(kind)) as client:
        assert client.back_end.services() == services
        assert {name: client.back_end.operations(name) for name in operations} == operations
    assert len(services) > 10
    assert operations["payment"]


@pytest.mark.parametrize("kind", V1)
def test_missing_features_are_reported(kind: str) -> None:
    with client_of(LiveServer(kind)) as client:
        with pytest.raises(NotSupportedError, match="no dependency graph"):
            client.back_end.dependencies(FIRST_NS, LAST_NS)
        before = len(client.server.requests)
        with pytest.raises(NotSupportedError, match="has no service metrics"):
            client.back_end.metrics("payment", FIRST_NS, LAST_NS)
        assert len(client.server.requests) == before


@pytest.mark.parametrize("kind", ["victoriatraces", "victoriatraces-v3"])
def test_limit_that_is_too_high_is_lowered_with_a_warning(kind: str) -> None:
    told: list[SearchReport] = []
    server = LiveServer(kind, empty=True)
    server.add_all(
        trace(equivalent_jaeger(kind), number + 1, FIRST_NS + number * MS, [MS], ["front"])
        for number in range(MOST + 5)
    )
    with server:
        traces = load([server.url], search=changed(ALL, service="front", limit=5 * MOST), on_report=told.append)
    assert traces.trace_count == MOST
    assert told[0].may_have_more
    assert f"at most {MOST:,}" in told[0].text
    assert [warning.message for warning in traces.load_warnings] == [
        "the server's limit is 1,000 traces per search, not 5,000"
    ]


def test_summaries_are_requested_within_the_limit() -> None:
    """For errors, 20 times as many summaries are requested, which may exceed the limit."""
    server = LiveServer("victoriatraces-v3", empty=True)
    failed = trace("jaeger-v3", 1, FIRST_NS, tags={"http.response.status_code": "503"})
    server.add_all([failed, *(trace("jaeger-v3", number, FIRST_NS + number * MS) for number in range(2, 300))])
    with client_of(server) as client:
        client.found(changed(ALL, service="front", failed=True, limit=100))
        depths = [request.query["query.searchDepth"] for request in client.server.requests[-2:]]
    assert depths == [["2000"], ["1000"]]


def test_quickwit_fetches_each_trace_that_its_search_finds() -> None:
    with client_of(LiveServer("quickwit")) as client:
        count = len(client.found(changed(ALL, service="payment")))
        paths = [path.rpartition("/jaeger")[2] for path in client.server.paths()]
        searches = [path for path in paths if path == "/api/traces"]
        fetched = [path for path in paths if path.startswith("/api/traces/")]
    assert len(searches) == 1
    assert len(fetched) == len(set(fetched)) == count > 10


def test_quickwit_fetches_no_trace_twice() -> None:
    with client_of(LiveServer("quickwit")) as client:
        client.found(changed(ALL, failed=True))
        fetched = [path for path in client.server.paths() if "/api/traces/" in path]
    assert len(fetched) == len(set(fetched)) > 10


def test_losses_of_quickwit_are_reported() -> None:
    server = LiveServer("quickwit")
    with client_of(server) as client:
        whole = client.spans(changed(ALL, service="payment"))
        old = min(ids[0] for ids in whole)
        cast(Quickwit, server.backends[0]).forgotten = frozenset((old,))
        got = client.spans(changed(ALL, service="payment"))
    assert {ids[0] for ids in got} == {ids[0] for ids in whole}
    assert 0 < sum(ids[0] == old for ids in got) < sum(ids[0] == old for ids in whole)
    assert any("1 traces have only their root span" in text for text in client.warnings)


def test_losses_of_greptimedb_are_reported() -> None:
    _, warnings = found_in("greptimedb", changed(ALL, service="payment"))
    assert len(warnings) == 1
    assert "numbers with a fraction as 0" in warnings[0]
    told: list[SearchReport] = []
    with LiveServer("greptimedb-v3") as server:
        load([server.url], search=changed(ALL, limit=5), on_report=told.append)
    assert told[0].text.startswith("5 traces from GreptimeDB (Jaeger's v3 API)")
    assert told[0].text.endswith("there may be more, also newer ones: the server does not send the newest first")


def test_attributes_searched_by_victoriatraces_are_reported() -> None:
    told: list[SearchReport] = []
    search = changed(ALL, service="payment", attributes={"service.version": "1.4.2", "x": "~y"})
    with LiveServer("victoriatraces") as server:
        load([server.url], search=search, on_report=told.append)
        tags = [request.query.get("tags") for request in server.requests]
    assert tags[-1] == ['{"resource_attr:service.version":"1.4.2"}']
    assert "names such as service.x, host.x or k8s.x in resources only" in told[0].text
    assert "filtered locally: x = ~y" in told[0].text


@pytest.mark.parametrize("kind", KINDS)
def test_host_is_sufficient_on_the_usual_port(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with LiveServer(kind) as server:
        address = urlsplit(server.url)
        assert address.port
        monkeypatch.setitem(jaeger_dialects.PATHS, address.port, address.path)
        at = server_at(f"http://{address.netloc}")
        assert at
        back_end = open_back_end(at, Overrides(), lambda _: None)
        assert back_end.capabilities.name.startswith(kind.partition("-")[0].replace("traces", "Traces").title()[:4])
        assert "payment" in back_end.services()
        back_end.close()


def test_usual_ports() -> None:
    assert jaeger_dialects.PATHS[10428] == "/select/jaeger"
    assert jaeger_dialects.PATHS[4000] == "/v1/jaeger"
    assert jaeger_dialects.PATHS[7280].endswith("/jaeger")


@pytest.mark.parametrize(("kind", "name"), [("victoriatraces", "VictoriaTraces"), ("quickwit", "Quickwit")])
def test_servers_are_distinguished_below_another_path(kind: str, name: str) -> None:
    server = LiveServer(kind)
    server._base = "/traces"
    with client_of(server) as client:
        assert client.back_end.capabilities.name.startswith(name)


def test_error_for_an_unknown_port_lists_the_base_paths(program: Program) -> None:
    with LiveServer("victoriatraces") as server:
        warnings = program("analyze", server.url.removesuffix("/select/jaeger"))
    assert warnings.code == 4
    assert "VictoriaTraces /select/jaeger" in warnings.err


@pytest.mark.parametrize(
    ("tenant", "sent"),
    [("12", ("12", "0")), ("12:7", ("12", "7")), ("acme", (None, None))],
)
def test_numeric_tenant_is_sent_as_one_of_victoriatraces(tenant: str, sent: tuple[str | None, str | None]) -> None:
    from tracetui.config import Profile

    headers = access_to(parse_address("http://h:10428"), Profile(), Overrides(tenant=tenant)).headers
    assert (headers.get("AccountID"), headers.get("ProjectID")) == sent
    assert headers["X-Scope-OrgID"] == tenant
    assert headers["x-greptime-db-name"] == tenant


@pytest.mark.parametrize("kind", KINDS)
def test_report_of_the_last_hour(kind: str, program: Program) -> None:
    with LiveServer(kind, ends_ns=time.time_ns()) as server:
        report = program("analyze", server.url, "--service", "payment", "--errors-only")
    with LiveServer(equivalent_jaeger(kind), ends_ns=time.time_ns()) as server:
        right = program("analyze", server.url, "--service", "payment", "--errors-only")
    assert report.code == 0, report.err
    assert report.out.splitlines()[0].split("  ")[0] == right.out.splitlines()[0].split("  ")[0]


def test_help_names_compatible_servers(program: Program) -> None:
    warnings = program("--help").out
    assert all(name in warnings for name in ("VictoriaTraces", "Quickwit", "GreptimeDB"))


@pytest.mark.parametrize("kind", KINDS)
def test_poll_reads_all_new_traces_whichever_the_server_sends_first(kind: str) -> None:
    server = LiveServer(kind, empty=True)
    bodies = [
        trace(equivalent_jaeger(kind), number + 1, FIRST_NS + number * MS, [MS], ["front"]) for number in range(500)
    ]
    server.add_all(bodies[:50])
    reports: list[SearchReport] = []
    with server:
        loading = Loader([server.url])
        loading.read(search=changed(ALL, limit=100))
        server.add_all(bodies[50:])
        found = loading.search_again(
            changed(ALL, limit=100), lambda _: None, reports.append, known_ns=FIRST_NS + 49 * MS
        )
        loading.servers.close()
    assert found is not None
    assert found.trace_count == 500
    assert not any(report.unread_beyond for report in reports)

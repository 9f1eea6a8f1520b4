"""Commands over servers with more traces than one response contains: conditions are sent to the server."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.loopback import Request, Response
from tests.support.many_traces import MS, NEWER, SECOND, server_with_services, trace
from tests.support.program import Program
from tests.support.servers import KINDS, LiveServer
from tracetui.model.search_offers import MAX_SEARCHED

FAILED_COUNT = 8


def server_with_traces(kind: str, newer: int = NEWER) -> LiveServer:
    """Serve the recorded traces, then newer ones of the services front and back, up to some seconds ago."""
    now = time.time_ns()
    server = LiveServer(kind, ends_ns=now - (newer + 60) * SECOND)
    for number in range(newer):
        server.add(trace(kind, number + 1, now - (newer - number) * SECOND))
    return server


@pytest.mark.parametrize("kind", KINDS)
def test_errors_only_finds_all_older_traces(kind: str, program: Program) -> None:
    with server_with_traces(kind) as server:
        report = program.analyze(server.url, "--errors-only", "--limit", "20", "--time-range", "1h")
    assert _summary(report)["trace_count"] == FAILED_COUNT, report.err


@pytest.mark.parametrize("kind", KINDS)
def test_latency_threshold_finds_all_older_traces(kind: str, program: Program) -> None:
    with server_with_traces(kind) as server:
        report = program.analyze(server.url, "--latency-threshold", "400", "--limit", "20", "--time-range", "1h")
    assert _summary(report)["trace_count"] == 7, report.err


def test_calls_of_named_services_only(program: Program) -> None:
    with LiveServer("jaeger-v1") as server:
        every, some = program("server", server.url), program("server", server.url, "payment")
    rows = [line for line in every.out.splitlines() if "→" in line]
    named = [line for line in some.out.splitlines() if "→" in line]
    assert named == [line for line in rows if "payment" in line]
    assert 0 < len(named) < len(rows)


@pytest.mark.parametrize("kind", ["zipkin", "tempo", "jaeger-v3"])
def test_full_response_without_matches_is_reported(kind: str, program: Program) -> None:
    # of attributes that servers compare differently
    unlike = "{ duration > 4500us AND duration < 4600us } OR operation =~ checkout"
    with server_with_traces(kind) as server:
        report = program("analyze", server.url, "--query", unlike, "--limit", "20")
    assert "No trace matches" not in report.out
    assert re.search(r"No match among the newest 20 \(\d\d:\d\d:\d\dZ to \d\d:\d\d:\d\dZ\)", report.out)
    assert "no match among the newest 20" in report.err


@pytest.mark.parametrize("kind", KINDS)
def test_alerts_search_by_service(kind: str, program: Program) -> None:
    with server_with_traces(kind) as server:
        for number in range(30):
            at = time.time_ns() - (2000 + number) * SECOND
            server.add(trace(kind, 1000 + number, at, [9 * MS], ["Rare" if kind != "zipkin" else "rare"]))
        rules = program("alerts", server.url, "--service", "Rare", "--limit", "50")
    assert rules.code == 0, rules.err
    assert f"tracetui {'rare' if kind == 'zipkin' else 'Rare'}" in rules.out
    assert ("these rules never fire" in rules.err) == (kind == "zipkin")


@pytest.mark.parametrize("kind", KINDS)
def test_alerts_suggest_services_of_the_server(kind: str, program: Program) -> None:
    with server_with_traces(kind) as server:
        result = program("alerts", server.url, "--service", "paymnt", "--limit", "20")
    assert result.code == 2
    assert "no service named 'paymnt'; did you mean payment?" in result.err


@pytest.mark.parametrize("kind", KINDS)
def test_slowest_of_all_traces_is_shown(kind: str, program: Program) -> None:
    with server_with_traces(kind) as server:
        server.add(trace(kind, 5000, time.time_ns() - 1800 * SECOND, [60 * SECOND, MS]))
        shown = program("show", server.url, "--trace", "slowest", "--limit", "20", "--width", "120")
    assert shown.code == 0, shown.err
    assert f"{5000:x}" in shown.out
    assert "1 min" in shown.out


def test_slowest_trace_is_found_on_a_server_that_truncates_durations(program: Program) -> None:
    """Durations in microseconds, as Jaeger has with badger, Cassandra and Elasticsearch."""
    with server_with_traces("jaeger-v3") as server:
        server.add(trace("jaeger-v3", 5000, time.time_ns() - 1800 * SECOND, [60 * SECOND, MS]))

        def fault(handler: Any) -> None:
            request: Request = handler.request_read
            least = request.query.get("query.durationMin", [""])[0]
            cut = {"query.durationMin": [f"{int(least[:-2]) // 1_000}us"]} if least.endswith("ns") else {}
            server.send(handler, server.respond(request._replace(query={**request.query, **cut})))

        server.fault, server.fault_on = fault, "/(traces|trace-summaries)$"
        # the newest traces are equally slow: a limit full of them would end the search
        for more in ((), ("--service", "front")):
            shown = program("show", server.url, "--trace", "slowest", "--limit", "20", *more)
            assert f"trace {5000:032x}" in shown.out, shown.err


@pytest.mark.parametrize("kind", KINDS)
def test_failed_trace_is_shown(kind: str, program: Program) -> None:
    with server_with_traces(kind) as server:
        shown = program("show", server.url, "--trace", "failed", "--limit", "20", "--time-range", "1h")
    assert shown.code == 0, shown.err


@pytest.mark.parametrize("kind", KINDS)
def test_show_searches_by_service_and_window(kind: str, program: Program) -> None:
    with server_with_traces(kind) as server:
        shown = program("show", server.url, "--trace", "newest", "--service", "payment", "--time-range", "1h")
        none = program("show", server.url, "--trace", "newest", "--service", "payment", "--time-range", "1m")
    assert shown.code == 0, shown.err
    assert "payment" in shown.out
    assert none.code == 2


def test_beginning_of_an_id_is_searched_in_loaded_traces_only(program: Program) -> None:
    with server_with_traces("zipkin") as server:
        result = program("show", server.url, "--trace", "36b96d7a", "--limit", "20")
    assert result.code == 2
    assert "among the newest 20" in result.err
    assert "servers need the full id" in result.err


@pytest.mark.parametrize("kind", ["zipkin", "jaeger-v3"])
def test_contrast_of_failed_traces_only_counts_these(kind: str, program: Program) -> None:
    """The newest traces, which were searched for failed ones, have no errors."""
    with server_with_traces(kind) as server:
        result = program("contrast", server.url, "--errors-only", "--limit", "20", "--time-range", "1h")
    assert result.code == 2
    every = f"every trace of {FAILED_COUNT} is in the selection (traces with errors)"
    assert f"nothing to contrast: {every}; omit --errors-only" in " ".join(result.err.split())


@pytest.mark.parametrize("kind", KINDS)
def test_contrast_compares_failed_traces_with_the_others(kind: str, program: Program) -> None:
    with server_with_traces(kind) as server:
        result = program("contrast", server.url, "--json", "--limit", "20", "--time-range", "1h")
    assert result.code == 0, result.err
    assert _json(result)["selected_sample"] >= 1


@pytest.mark.parametrize(
    "options",
    [
        ["--operation", "POST /Checkout"],
        ["--query", 'operation = "POST /Checkout"'],
        ["--service", "PAYMENT"],
        ["--query", "service = PAYMENT AND duration > 1us"],
        ["--query", 'root.operation = "POST /Checkout"'],
        ["--query", 'operation =~ "^POST /Check"'],
        ["--query", 'trace.name =~ "POST /Check" AND NOT caller !~ "^Web"'],
        ["--query", "caller = Web-Frontend"],
    ],
    ids=" ".join,
)
def test_capitals_match_lower_case_names_in_zipkin(options: list[str], program: Program) -> None:
    with LiveServer("zipkin", ends_ns=time.time_ns()) as server:
        right = program.analyze(server.url, *[option.lower() for option in options])
        found = program.analyze(server.url, *options)
    assert _summary(right)["trace_count"] > 5
    assert _summary(found)["trace_count"] == _summary(right)["trace_count"]
    assert "nearest" not in found.err


@pytest.mark.parametrize("kind", ["zipkin", "jaeger-v3", "tempo"])
@pytest.mark.parametrize("command", [["graph", "services"], ["contrast"], ["compare"]], ids=lambda c: c[0])
def test_selections_are_pushed_down(kind: str, command: list[str], program: Program) -> None:
    name, *question = command
    options = ["--service", "payment", "--operation", "payments.Charge/Run", "--time-range", "30m", "--limit", "7"]
    with server_with_traces(kind) as server:
        sources = [server.url] * (2 if name == "compare" else 1)
        program(name, *sources, *question, *options)
        queries = [request.query for request in server.requests if _is_search(request.path)]
    assert queries
    for query in queries:
        text = " ".join(value for values in query.values() for value in values)
        assert "payment" in text
        assert "payments.charge/run" in text.lower()
        assert any(value == "7" for key, values in query.items() if "imit" in key or "Depth" in key for value in values)


@pytest.mark.parametrize("kind", KINDS)
def test_services_are_listed_if_there_are_no_recent_traces(kind: str, program: Program) -> None:
    with LiveServer(kind, ends_ns=time.time_ns() - 7200 * SECOND) as server:
        result = program("analyze", server.url)
        searches = [one for one in server.requests if _is_of_service(one.query)]
        services = len({span.service for one in server.trace_ids for span in server.document(one).spans})
    newest = result.err.partition("newest traces by service: ")[2].partition("\n")[0].split(", ")
    assert "payment 2 h ago" in newest
    assert len(newest) == services
    assert "--time-range 3h looks further back and reaches the newest" in result.err
    # Jaeger's v1 API cannot search all services at once
    assert len(searches) == (2 if kind == "jaeger-v1" else 1) * services


def test_newest_traces_are_searched_for_some_of_many_services(program: Program) -> None:
    with server_with_services("zipkin", 100, begun_ns=time.time_ns() - 26 * 3600 * SECOND) as server:
        result = program("analyze", server.url)
        searches = [path for path in server.paths() if path.endswith("/traces")]
        assert len(searches) == 1 + MAX_SEARCHED
        assert "and 76 more" in result.err
        assert "--time-range 7d looks further back and reaches the newest" in result.err
        named = program("analyze", server.url, "--service", "svc-099", "--service", "svc-001")
        assert "newest traces by service: svc-099 1 d ago, svc-001 1 d ago\n" in named.err
        assert "no service" not in named.err
        other = program("analyze", server.url, "--service", "svc-0999")
        assert (other.code, "no service named 'svc-0999'; did you mean svc-099?" in other.err) == (2, True)


def test_services_are_listed_without_ages_if_the_server_sends_no_newest_traces(program: Program) -> None:
    with LiveServer("zipkin", ends_ns=time.time_ns() - 7200 * SECOND) as server:
        refused = Response((b"no",), 400)

        def fault(handler: Any) -> None:
            is_for_one = "serviceName" in handler.request_read.query
            server.send(handler, refused if is_for_one else server.respond(handler.request_read))

        server.fault, server.fault_on = fault, "/traces$"
        result = program("analyze", server.url)
    assert (result.code, result.out) == (0, "No trace matches in the last 1h\n")
    assert "services: " in result.err
    assert "--time-range 7d looks further back\n" in result.err


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_operation_is_bad_usage(kind: str, program: Program) -> None:
    with LiveServer(kind, ends_ns=time.time_ns() - 60 * SECOND) as server:
        result = program("analyze", server.url, "--service", "payment", "--operation", "payments.charge/rum")
        assert (result.code, result.out) == (2, "")
        assert "no operation named 'payments.charge/rum'; did you mean payments.charge/run?" in result.err.lower()
        anywhere = program("analyze", server.url, "--operation", "payments.charge/rum")
        assert (anywhere.code, anywhere.out) == (2, "")
        # a shape: the server lists names only
        shape = program("analyze", server.url, "--operation", "GET /{id}")
        assert (shape.code, shape.out.splitlines()[0]) == (0, "No trace matches in the last 1h")


def test_known_operation_without_traces_is_no_typo(program: Program) -> None:
    with LiveServer("zipkin", ends_ns=time.time_ns() - 7200 * SECOND) as server:
        result = program("analyze", server.url, "--service", "payment", "--operation", "payments.Charge/Run")
    assert result.code == 0
    assert result.out == "No trace matches in the last 1h\nfilter: service payment, operation payments.Charge/Run\n"


def test_operations_of_many_services_are_not_checked(program: Program) -> None:
    with server_with_services("zipkin", MAX_SEARCHED + 1, begun_ns=time.time_ns() - 60 * SECOND) as server:
        result = program("analyze", server.url, "--operation", "none-such")
        assert result.code == 0
        assert not [path for path in server.paths() if path.endswith("/spans")]


@pytest.mark.parametrize(
    ("time_range", "wider"), [("1s", "3h"), ("1h", "3h"), ("3h", "12h"), ("12h", "1d"), ("7d", "30d"), ("30d", "120d")]
)
def test_empty_result_names_its_window_and_suggests_a_wider_one(time_range: str, wider: str, program: Program) -> None:
    with server_with_services("zipkin", 2, begun_ns=time.time_ns() - 600 * SECOND) as server:
        tags = ("--query", "customer.tier = none", "--service", "svc-001")
        result = program("analyze", server.url, *tags, "--time-range", time_range)
    assert (result.code, result.out.splitlines()[0]) == (0, f"No trace matches in the last {time_range}")
    reaches = " and reaches the newest" if time_range == "1s" else ""
    assert result.err.splitlines()[-1] == f"tracetui: --time-range {wider} looks further back{reaches}"


def test_a_long_filter_is_wrapped(program: Program) -> None:
    with server_with_services("zipkin", 2, begun_ns=time.time_ns() - 600 * SECOND) as server:
        services = [option for number in range(2) for option in ("--service", f"svc-{number:03}")]
        result = program(
            "analyze", server.url, *services, "--query", f"user.name = {'b' * 30} AND user.role = d", "--errors-only"
        )
    lines = result.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "with errors" in result.out
    assert "user.role = d" in result.out


def _is_of_service(query: Mapping[str, list[str]]) -> bool:
    """Test for a search for traces of a single service."""
    named = query.keys() & {"service", "serviceName", "query.serviceName"}
    is_of_names = not query.keys() & {"limit", "query.searchDepth"}
    return not is_of_names and (bool(named) or "resource.service.name" in query.get("q", [""])[0])


def _is_search(path: str) -> bool:
    return path.endswith(("/api/v2/traces", "/api/v3/traces", "/api/search"))


def _json(result: Any) -> Any:
    import json

    return json.loads(result.out)


def _summary(result: Any) -> Any:
    return _json(result)["summary"]

"""Operations by shape: in groups, queries, filters and options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import GivenSpan, build, span
from tests.support.paths import CASES
from tests.support.strategies import unhurried
from tracetui.analysis.alerts import baselines
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.compare_traces import compare_traces
from tracetui.analysis.contrast import contrast
from tracetui.analysis.merged_calls import merge_calls
from tracetui.analysis.name_matching import name_pattern
from tracetui.analysis.service_overview import overview
from tracetui.cli.main import run
from tracetui.ingest.processes.background_load import BackgroundLoad
from tracetui.model.operation_shape import shape
from tracetui.model.search import Search
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet
from tracetui.query import parse
from tracetui.query.complete import vocabulary
from tracetui.query.pushdown import pushdown
from tracetui.query.trace_filters import Filters, apply, search_of, unknown_names
from tracetui.render.report.alert_rules import alert_rules
from tracetui.session import BackgroundSessions, FilteredSession
from tracetui.tui.views.services.queries import operation_query


def requests(*names: str, **rest: Any) -> TraceSet:
    """Build a trace with one span of `api` for each name."""
    return build(
        *(
            span("1", i * 100, i * 100 + 50, trace=str(i + 1), name=name, kind=Kind.SERVER, **rest)
            for i, name in enumerate(names)
        )
    )


def labels(traces: TraceSet) -> list[str]:
    return [traces.operation_label(number)[1] for number in traces.operation.tolist()]


def test_spans_group_by_shape_and_keep_their_names() -> None:
    traces = requests("GET /orders/17", "GET /orders/18", "GET /orders")
    assert labels(traces) == ["GET /orders/{id}", "GET /orders/{id}", "GET /orders"]
    assert len(np.unique(traces.operation)) == 2
    assert [traces.operation_name(i) for i in range(3)] == ["GET /orders/17", "GET /orders/18", "GET /orders"]
    assert traces.trace_name(0) == "api GET /orders/17"


def test_exact_names_are_operations_of_their_own() -> None:
    traces = replace(requests("GET /orders/17", "GET /orders/18"), exact_names=True)
    assert labels(traces) == ["GET /orders/17", "GET /orders/18"]
    assert labels(traces.select(np.array([1]))) == ["GET /orders/18"]
    assert traces.shapes == traces.names


@unhurried
@given(st.lists(st.sampled_from(["a/1", "GET /b/7", "GET /b/8", "c_123", "c_456", "d"]), min_size=1), st.data())
def test_operation_number_is_the_same_in_every_selection(names: list[str], data: st.DataObject) -> None:
    traces = requests(*names)
    chosen = np.array(sorted(data.draw(st.sets(st.sampled_from(range(len(names)))))), np.int64)
    selected = traces.select(chosen)
    assert selected.operation.tolist() == traces.operation[chosen].tolist()
    assert labels(selected) == [shape(names[at]) for at in chosen.tolist()]


# --- routes ----------------------------------------------------------------------------------------------------------


def traces_with_routes(*spans: tuple[str, str, str]) -> TraceSet:
    """Build a trace with one server span for each (service, name, route)."""
    return build(
        *(
            span(
                "1",
                0,
                9,
                trace=str(i + 1),
                service=service,
                name=name,
                kind=Kind.SERVER,
                attributes={"a": 1, **({"http.route": route} if route else {})},
            )
            for i, (service, name, route) in enumerate(spans)
        )
    )


def test_raw_path_is_replaced_by_its_route() -> None:
    traces = traces_with_routes(
        ("api", "GET /users/bob", "/users/{name}"),
        ("api", "GET /users/eve", "/users/{name}"),
        ("api", "/users/17", "/users/{name}"),
        ("api", "GET /health", ""),
        ("web", "GET /users/bob", ""),
        ("web", "list users", "/users"),
        ("web", "GET /a/{b}", "/a/{c}"),
    )
    assert labels(traces) == [
        "GET /users/{name}",
        "GET /users/{name}",
        "/users/{name}",
        "GET /health",
        "GET /users/bob",
        "list users",
        "GET /a/{b}",
    ]


def test_route_equal_to_a_name_is_its_operation() -> None:
    traces = traces_with_routes(
        ("api", "GET /users/bob", "/users/{name}"), ("api", "GET /users/{name}", ""), ("web", "GET /users/bob", "")
    )
    assert labels(traces) == ["GET /users/{name}", "GET /users/{name}", "GET /users/bob"]
    assert len(set(traces.shape.tolist())) == 2


def test_route_is_found_in_any_of_a_few_spans() -> None:
    traces = traces_with_routes(("api", "GET /users/bob", ""), ("api", "GET /users/bob", "/users/{name}"))
    assert labels(traces) == ["GET /users/{name}"] * 2
    # also in a selection that lacks the span with the route
    assert labels(traces.select(np.array([0]))) == ["GET /users/{name}"]


def test_ids_in_a_route_are_replaced() -> None:
    assert labels(traces_with_routes(("api", "GET /users/17", "/users/17/"))) == ["GET /users/{id}/"]


# --- queries ---------------------------------------------------------------------------------------------------------

MIXED = ("GET /orders/17", "GET /orders/18", "GET /orders/{id}", "GET /orders", "GET /orders/17")


@pytest.mark.parametrize(
    ("query", "kept_ids"),
    [
        ('operation = "GET /orders/{id}"', [0, 1, 2, 4]),
        ('operation = "GET /orders/17"', [0, 4]),
        ('operation != "GET /orders/{id}"', [3]),
        ('operation != "GET /orders/17"', [1, 2, 3]),
        ('{ operation != "GET /orders/{id}" }', [3]),
        ('{ operation != "GET /orders/17" }', [1, 2, 3]),
        ('NOT { operation = "GET /orders/17" }', [1, 2, 3]),
        (r'operation =~ "/1\d$"', [0, 1, 4]),
        (r'operation =~ "{id}$"', [0, 1, 2, 4]),
        (r'operation !~ "{id}$"', [3]),
        (r'operation !~ "/17$"', [1, 2, 3]),
        ('root.operation = "GET /orders/{id}"', [0, 1, 2, 4]),
        ('root.operation = "GET /orders/18"', [1]),
        ('trace.name = "api GET /orders/{id}"', [0, 1, 2, 4]),
        ('trace.name = "api GET /orders/18"', [1]),
        ('name = "GET /orders/{id}"', [0, 1, 2, 4]),
    ],
)
def test_a_query_matches_shape_and_name(query: str, kept_ids: list[int]) -> None:
    traces = requests(*MIXED)
    assert np.flatnonzero(parse(query).matches(traces)).tolist() == kept_ids


def test_query_matches_only_names_if_they_are_exact() -> None:
    traces = replace(requests(*MIXED), exact_names=True)
    assert np.flatnonzero(parse('operation = "GET /orders/{id}"').matches(traces)).tolist() == [2]
    assert np.flatnonzero(parse('trace.name =~ "{id}"').matches(traces)).tolist() == [2]


def test_the_option_matches_shape_and_name() -> None:
    traces = requests(*MIXED)
    for operation, kept_ids in (("GET /orders/{id}", 4), ("GET /orders/18", 1), ("GET /orders", 1), ("GET /", 0)):
        filters = Filters(operations=(operation,))
        assert apply(traces, filters).trace_count == kept_ids
        assert bool(unknown_names(traces, filters)) == (kept_ids == 0)


def test_shape_is_not_sent_to_a_server() -> None:
    query = '{ service = api AND operation = "GET /orders/{id}" }'
    assert pushdown(query) == (Search(service="api"), [query])
    assert pushdown(query, exact_names=True) == (Search(service="api", operation="GET /orders/{id}"), [])
    assert pushdown("operation = list") == (Search(operation="list"), [])
    filters = Filters(services=("api",), operations=("GET /orders/{id}",))
    assert search_of(filters) == (Search(service="api"), ["operation GET /orders/{id}"])
    assert search_of(filters, exact_names=True)[0] == Search(service="api", operation="GET /orders/{id}")


def test_completion_offers_shapes() -> None:
    words = vocabulary(requests("GET /orders/17", "GET /orders/18", "GET /orders"))
    assert words.operations == ("GET /orders/{id}", "GET /orders")
    assert words.root_operations == ("GET /orders/{id}", "GET /orders")
    assert words.trace_names == ("api GET /orders/{id}", "api GET /orders")


_NAMES = st.sampled_from(
    ["GET /orders/17", "GET /orders/18", "GET /orders/{id}", "GET /orders", "load_123", "load_456", "load", "SELECT 1"]
)


@unhurried
@given(st.lists(st.tuples(st.sampled_from(["api", "db"]), _NAMES), min_size=1, max_size=12), st.booleans())
def test_the_query_of_a_row_selects_exactly_its_traces(spans: list[tuple[str, str]], exact: bool) -> None:
    given_spans = [
        span("1", 0, 9, trace=str(i + 1), service=service, name=name) for i, (service, name) in enumerate(spans)
    ]
    traces = replace(build(*given_spans), exact_names=exact)
    for number in np.unique(traces.operation).tolist():
        found = parse(operation_query(*traces.operation_label(number))).matches(traces)
        assert np.flatnonzero(found).tolist() == traces.trace[traces.operation == number].tolist()


# --- grouping --------------------------------------------------------------------------------------------------------


def test_every_table_has_one_row_per_shape() -> None:
    spans: list[GivenSpan] = []
    for i in range(40):
        trace, begin = str(i + 1), 1_000 * i
        failed = i % 2 == 0
        name, key = f"GET /orders/{i}", f"GET user:{i}"
        spans += [
            span("1", begin, begin + 100, trace=trace, name=name, kind=Kind.SERVER, error=failed),
            span("2", begin + 10, begin + 60, trace=trace, parent="1", service="cache", name=key, kind=Kind.SERVER),
        ]
    traces = build(*spans)
    analysis = Analysis(traces)
    assert [(one.service, one.operation, one.occurrences) for one in analysis.bottlenecks()] == [
        ("api", "GET /orders/{id}", 40),
        ("cache", "GET user:{id}", 40),
    ]
    (operation,) = overview(analysis.graph, analysis.graph.target("api")).operations
    assert (operation.operation, operation.call_count) == ("GET /orders/{id}", 40)
    assert analysis.graph.target("api:GET /orders/{id}") == analysis.graph.target("api:GET /orders/3")
    (baseline,), few = baselines(traces, "api")
    assert (baseline.operation, baseline.call_count, few) == ("GET /orders/{id}", 40, 0)
    found = contrast(traces, traces.trace_errors > 0)
    assert not [one for one in found.differences if one.what == "operation"]
    path, below = compare_traces(analysis.paths, 0, analysis.paths, 1)
    assert (path.operation, path.counts, below.operation) == ("GET /orders/{id}", (1, 1), "GET user:{id}")
    merged = merge_calls(traces, 0, 2).traces
    assert merged.names[int(merged.name[1])] == "GET user:{id}"


def test_reads_named_by_key_are_n_plus_one_calls() -> None:
    calls = [span(f"{i + 2:x}", 10 * i, 10 * i + 9, parent="1", name=f"GET user:{i}") for i in range(20)]
    analysis = Analysis(build(span("1", 0, 300, name="GET /cart"), *calls))
    (one,) = [found for found in analysis.suggestions if found.kind.name == "n_plus_one"]
    assert (one.calls, one.most_calls) == ((("api", "GET user:{id}"),), 20)
    exact = Analysis(replace(analysis.traces, exact_names=True))
    assert not [found for found in exact.suggestions if found.kind.name == "n_plus_one"]


# --- alerts ----------------------------------------------------------------------------------------------------------


def test_alert_rule_selects_exactly_the_names_of_a_shape() -> None:
    names = [f"GET /orders/{i}" for i in range(30)] + ["GET /orders/search"] * 25
    found, _ = baselines(requests(*names), "api")
    assert [(one.operation, one.pattern) for one in found] == [
        ("GET /orders/{id}", "GET /orders/[^/]+"),
        ("GET /orders/search", ""),
    ]
    text = alert_rules("api", found, sources=["my traces.json"])
    rules = yaml.safe_load(text)["groups"][0]["rules"]
    assert 'span_name=~"GET /orders/[^/]+",span_name!="GET /orders/search",' in rules[0]["expr"]
    assert 'span_name="GET /orders/search",' in rules[2]["expr"]
    command = rules[0]["annotations"]["command"]
    assert command == (
        "tracetui 'my traces.json' --query "
        """'{ service = api AND operation = "GET /orders/{id}" AND duration >= 50us }'"""
    )
    assert rules[1]["annotations"]["command"].endswith("AND status = error }'")


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["GET /orders/17", "GET /orders/18"], "GET /orders/[^/]+"),
        (["GET /a.b/17"], r"GET /a\.b/[^/]+"),
        (["GET /a/17?b=1", "GET /a/18?b=2"], r"GET /a/[^/]+\?b=[^/]+"),
        (["SET user:1 a", "SET user:2 b/c"], "SET user:[^/]+ (?s:.*)"),
        (["SELECT * FROM items WHERE a = 1"], r"(?is:.*\bSELECT\b.*\bitems\b.*)"),
        (['insert into "a"."b" values (1)'], r"(?is:.*\bINSERT\b.*\ba\W+b\b.*)"),
        (["load"], ""),
    ],
)
def test_patterns_of_names(names: Sequence[str], pattern: str) -> None:
    (operation,) = {shape(name) for name in names}
    assert name_pattern(operation, names) == pattern


def test_patterns_of_routes() -> None:
    assert name_pattern("GET /users/{name}", ["GET /users/bob", "GET /users/eve"]) == "GET /users/[^/]+"
    assert name_pattern("GET /users/:name", ["GET /users/bob"]) == "GET /users/[^/]+"
    assert name_pattern("/files/*", ["/files/a/b", "/files/c"]) == "/files/(?s:.*)"


@unhurried
@given(st.text(), st.lists(st.text(min_size=1), min_size=1, max_size=5, unique=True))
def test_a_pattern_matches_every_name(operation: str, names: list[str]) -> None:
    pattern = name_pattern(operation, names)
    assert pattern or names == [operation]
    assert not pattern or all(re.fullmatch(pattern, name) for name in names)


def test_the_command_of_an_alert_opens_the_traces_behind_it(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = tmp_path / "my traces.json"
    file.write_bytes((CASES / "ids-in-names.json").read_bytes())
    assert run(["alerts", str(file), "--service", "api"]) == 0
    slow, _ = yaml.safe_load(capfdbinary.readouterr().out)["groups"][0]["rules"]
    program, *arguments = shlex.split(slow["annotations"]["command"])
    assert program == "tracetui"
    assert run(arguments) == 0
    assert capfdbinary.readouterr().out.partition(b"\n\n")[2].startswith(b"20 traces")


# --- the screen ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exact", [False, True])
def test_screen_groups_by_the_requested_names(exact: bool) -> None:
    arrived: list[FilteredSession] = []
    sessions = BackgroundSessions(BackgroundLoad([str(CASES / "ids-in-names.json")]), lambda: "", exact_names=exact)
    arrived.append(sessions.load(lambda _: None, arrived.append, lambda _: None))
    for selected in arrived:
        assert selected.session.loaded.exact_names is exact
        assert selected.analysis.traces.exact_names is exact


# --- size ------------------------------------------------------------------------------------------------------------


def test_each_name_is_examined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def counted(name: str) -> str:
        seen.append(name)
        return shape(name)

    monkeypatch.setattr("tracetui.model.operation_shape.shape", counted)
    traces = requests(*["GET /a/1", "GET /a/2"] * 50)
    for _ in range(3):
        _ = (traces.operation, traces.select(np.array([0, 2])).operation, Analysis(traces).bottlenecks())
    assert seen == ["GET /a/1", "GET /a/2"]


def test_commands_accept_exact_names(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    file = str(CASES / "ids-in-names.json")
    for command in (["analyze", file], ["contrast", file, "--slow", "50"], ["compare", file, file]):
        run([*command, "--json", "--exact-names"])
    out = capfdbinary.readouterr().out
    assert b"/orders/{id}" not in out
    assert run(["graph", file, "overview", "api", "--json", "--exact-names"]) == 0
    operations = orjson.loads(capfdbinary.readouterr().out)["operations"]
    assert len(operations) == 20
    assert run(["graph", file, "overview", "api", "--json"]) == 0
    (operation,) = orjson.loads(capfdbinary.readouterr().out)["operations"]
    assert operation["operation"] == "GET /orders/{id}"
    assert run(["alerts", file, "--service", "api", "--exact-names"]) == 2

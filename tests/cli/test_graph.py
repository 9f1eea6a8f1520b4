"""`tracetui graph`: results for the shop in every format, and errors in queries."""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import GOLDEN, INCIDENT, ROOT, SAMPLES, SHOP
from tests.support.program import code_of_command, imported_modules
from tracetui import session
from tracetui.cli.graph_questions import QUESTIONS
from tracetui.cli.main import run
from tracetui.ingest.loader import load
from tracetui.model.traces import TraceSet
from tracetui.render.text.cells import cell_width

UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))

CALLERS_OF_NOTIFICATION = set(
    "account-service invoice-service loyalty-service order-confirmation price-alert-job promotion-service "
    "returns-service review-service shipping-service subscription-service support-desk warehouse-service".split()
)
CALLEES_OF_NOTIFICATION = {"email-gateway", "sms-provider", "push-notification-service", "user-preferences-api"}
CALLERS_OF_LEGACY_AUTH = {"invoice-service", "partner-api", "warehouse-service", "support-desk", "user-service"}
FURTHER_CALLERS_OF_LEGACY_AUTH = set(
    "account-service admin-console api-gateway mobile-app web-app inventory-sync-job mobile-bff order-confirmation "
    "partner-portal subscription-service".split()
)


@functools.cache
def loaded(source: str) -> TraceSet:
    return load([source])


@pytest.fixture(autouse=True)
def samples_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_once(sources: Sequence[str], *args: Any, **options: Any) -> TraceSet:
        if len(sources) == 1 and Path(sources[0]).is_relative_to(SAMPLES):
            return replace(loaded(sources[0]))
        return load(sources, *args, **options)

    monkeypatch.setattr(session, "load", load_once)


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def graph(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command. -> its output; exit code and stderr are asserted"""

    def call(*args: str, source: str = SHOP, code: int = 0, message: str = "") -> str:
        ended = run(["graph", source, *args])
        printed = capsys.readouterr()
        assert "internal error" not in printed.err
        assert (ended, bool(printed.err)) == (code, bool(message)), printed.err
        assert message in printed.err
        return printed.out

    return call


@pytest.fixture
def query(graph: Any) -> Any:
    return lambda *args, **rest: json.loads(graph(*args, "--json", **rest))


# --- results for the shop ---------------------------------------------------------------------------------------------


def test_dependencies_of_checkout_api(query: Any, graph: Any) -> None:
    found = query("callees", "checkout-api")
    assert set(found["direct"]) == {
        "auth-service",
        "inventory-service",
        "payment-processor",
        "order-service",
        "redis-cache",
    }
    assert found["indirect"] == ["postgres-main"]
    by_name = {one["service"]: one for one in found["services"]}
    assert (by_name["postgres-main"]["hops"], by_name["postgres-main"]["inferred"]) == (2, True)
    text = graph("callees", "checkout-api")
    assert text.startswith("checkout-api calls 5 services (1 inferred), 1 more indirectly\n")
    assert "redis-cache (inferred)" in text


def test_blast_radius_of_slow_inventory_service(query: Any, graph: Any) -> None:
    found = query("blast-radius", "inventory-service")
    exposed = {one["service"]: one for one in found["services"] if one["exposure_percent"]}
    direct = {name for name, one in exposed.items() if one["hops"] == 1}
    assert direct == {"checkout-api", "order-confirmation", "inventory-sync-job"}
    assert set(exposed) - direct == {"api-gateway", "web-app"}
    assert all(one["latency_share_percent"] > 0 and one["sync"] for one in exposed.values())
    assert exposed["api-gateway"]["exposure_percent"] == pytest.approx(100 * 50 / 226, abs=0.001)
    assert {one["service"] for one in found["services"]} - set(exposed) == {"mobile-bff", "mobile-app"}
    assert {(one["service"], one["operation"]) for one in found["entries"]} == {
        ("web-app", "place order"),
        ("order-confirmation", "POST /webhooks/payment"),
        ("inventory-sync-job", "sync stock"),
    }
    assert found["downstream"] == []
    affected, possible = graph("blast-radius", "inventory-service").split("Possible, but not seen in these traces")
    assert "3 entry points and 5\nservices are affected" in affected
    assert "if it is SLOW  up to 15 % of the critical path: order-confirmation" in affected
    assert "if it FAILS    no request failed because of it" in affected
    assert "mobile-bff" not in affected
    assert "mobile-bff" in possible


def test_path_from_checkout_api_to_postgres_main(query: Any, graph: Any) -> None:
    found = query("path", "checkout-api", "postgres-main")
    (way,) = found["observed"]
    assert way["services"] == ["checkout-api", "order-service", "postgres-main"]
    assert (way["trace_count"], found["possible"]) == (50, [])
    assert "●checkout-api → ●order-service → ●postgres-main (inferred)" in graph(
        "path", "checkout-api", "postgres-main"
    )


def test_callers_and_dependencies_of_notification_service(query: Any) -> None:
    callers, callees = query("callers", "notification-service"), query("callees", "notification-service")
    assert set(callers["direct"]) == CALLERS_OF_NOTIFICATION
    assert set(callees["direct"]) == CALLEES_OF_NOTIFICATION
    assert callees["indirect"] == ["preferences-db"]
    by_queue = {one["service"] for one in callers["services"] if one["async"] and one["hops"] == 1}
    assert by_queue == {"promotion-service"}


def test_criticality_of_notification_service(query: Any, graph: Any) -> None:
    everything = query("critical")["services"]
    (one,) = (one for one in everything if one["service"] == "notification-service")
    assert query("critical", "notification-service")["services"] == [one]
    assert (one["rank"], one["direct_callers"], one["single_point"]) == (6, 12, True)
    assert one["trace_share_percent"] == pytest.approx(100 * 94 / 304, abs=0.001)
    assert "web-app return parcel" in one["entry_operations"]
    assert [one["rank"] for one in everything] == list(range(1, 48))
    assert everything[0]["service"] == "redis-cache"
    text = " ".join(graph("critical", "notification-service").split())
    assert "ranks 6 of 47: 94 of 304 traces (31 %) pass through it, 12 direct and 7 indirect callers" in text


def test_most_connected_services(query: Any) -> None:
    found = query("services")
    most = [(one["service"], one["callers"], one["callees"]) for one in found["services"][:3]]
    assert most == [("notification-service", 12, 4), ("api-gateway", 2, 10), ("user-service", 2, 5)]
    assert len(found["services"]) == 47
    assert sum(one["inferred"] for one in found["services"]) == 10
    assert found["cycles"] == []


def test_services_that_match_payment_and_user(query: Any, graph: Any) -> None:
    payment = query("find", "payment")["services"]
    assert payment[0]["service"] == "payment-processor"
    assert {one["service"] for one in payment} == {
        "payment-processor",
        "checkout-api",
        "order-confirmation",
        "returns-service",
        "subscription-service",
    }
    users = query("find", "USER")["services"]
    named = {one["service"] for one in users if one["matched"][0]["what"] == "service"}
    assert named == {"user-service", "user-db", "user-preferences-api"}
    (by_operation,) = (one for one in users if one["service"] == "account-service")
    assert by_operation["matched"][0] == {"what": "operation", "value": "PUT user-service", "count": 8}
    names, attributes = graph("find", "user").split("In attributes only")
    assert ("●account-service" in names, "●web-app" in names, "●web-app" in attributes) == (True, False, True)


def test_services_are_grouped(query: Any, graph: Any) -> None:
    groups = query("services")["groups"]
    together = sorted(name for group in groups for name in group)
    assert together == sorted(one["service"] for one in query("services")["services"])
    # the catalogue and its search index belong together, the mail service does not
    of = {name: number for number, group in enumerate(groups) for name in group}
    assert of["search-service"] == of["search-index"] != of["notification-service"]
    assert of["notification-service"] == of["email-gateway"] == of["sms-provider"]
    assert "Groups of closely connected services" in graph("services")


def test_phrase_without_a_match_is_searched_word_by_word(query: Any, graph: Any) -> None:
    assert query("find", "user management", message="no match for 'user management'; showing 'user'") == query(
        "find", "user"
    )
    assert query("find", "payments service", message="no match for")["services"]
    assert query("find", "xyzzy plugh")["services"] == []
    graph("find", " ", code=2, message="empty search word")


def test_databases_of_the_profile_endpoint(query: Any, graph: Any) -> None:
    found = query("callees", "user-service:GET /users/{id}/profile")
    assert {one["service"] for one in found["services"] if one["inferred"]} == {"user-db", "profile-db", "redis-cache"}
    assert found["name"] == "user-service:GET /users/{id}/profile"
    assert query("callees", "user-service")["direct"] != found["direct"]
    assert "user-db (inferred)" in graph("callees", "user-service:GET /users/{id}/profile")


def test_overview_of_legacy_auth(query: Any, graph: Any) -> None:
    found = query("overview", "legacy-auth")
    assert set(found["direct_callers"]) == CALLERS_OF_LEGACY_AUTH
    assert set(found["indirect_callers"]) == FURTHER_CALLERS_OF_LEGACY_AUTH
    assert (found["direct_callees"], found["indirect_callees"]) == ([], [])
    assert (found["call_count"], found["trace_share_percent"]) == (76, 25.0)
    assert found["operations"] == [
        {
            "operation": "POST /session/check",
            "call_count": 76,
            "error_rate": found["error_rate"],
            "p95_ms": found["p95_ms"],
        }
    ]
    assert found["error_rate"] == pytest.approx(100 / 76, abs=0.001)
    assert "5 services call it, 10 more indirectly; it has no callees" in graph("overview", "legacy-auth")


def test_figures_of_operations_add_up_to_the_service(query: Any) -> None:
    found = query("overview", "user-service")
    assert len(found["operations"]) > 1
    assert sum(one["call_count"] for one in found["operations"]) == found["call_count"]
    assert query("overview", "redis-cache")["operations"] == []


def test_path_from_mobile_app_to_order_db(query: Any) -> None:
    (way,) = query("path", "mobile-app", "order-db")["observed"]
    assert way["services"] == ["mobile-app", "mobile-bff", "api-gateway", "order-history-service", "order-db"]
    assert way["trace_count"] == 24
    assert way["p50_ms"] > 0


def test_callers_of_legacy_auth(query: Any) -> None:
    found = query("callers", "legacy-auth")
    assert (set(found["direct"]), set(found["indirect"])) == (CALLERS_OF_LEGACY_AUTH, FURTHER_CALLERS_OF_LEGACY_AUTH)
    hops = {one["service"]: one["hops"] for one in found["services"]}
    assert (hops["user-service"], hops["api-gateway"], hops["mobile-app"]) == (1, 2, 4)


def test_difference_of_callers(query: Any, graph: Any) -> None:
    assert query("diff-callers", "legacy-auth", "new-auth-service") == {
        "a": "legacy-auth",
        "b": "new-auth-service",
        "only_a": ["invoice-service", "partner-api", "warehouse-service"],
        "both": ["support-desk", "user-service"],
        "only_b": ["cart-service", "mobile-bff", "review-service", "subscription-service"],
        "indirect_only_a": [
            "inventory-sync-job",
            "mobile-bff",
            "order-confirmation",
            "partner-portal",
            "subscription-service",
        ],
        "indirect_both": ["account-service", "admin-console", "api-gateway", "mobile-app", "web-app"],
        "indirect_only_b": [],
    }
    first = graph("diff-callers", "legacy-auth", "new-auth-service").splitlines()[0]
    assert first == "Direct callers: 3 of legacy-auth only, 4 of new-auth-service only, 2 of both"


def test_dependencies_shared_by_three_services(query: Any, graph: Any) -> None:
    names = ("api-gateway", "user-service", "order-service")
    assert query("shared", *names) == {
        "names": list(names),
        "shared": [{"service": "redis-cache", "hops": dict.fromkeys(names, 1)}],
    }
    assert graph("shared", *names).startswith("api-gateway, user-service and order-service all depend on 1 service\n")
    assert "share no dependency" in graph("shared", "legacy-auth", "order-db")
    assert "●legacy-auth  named in the question  1 hop from user-service" in graph(
        "shared", "legacy-auth", "user-service"
    )


def test_blast_radius_of_slow_redis_cache(query: Any) -> None:
    found = query("blast-radius", "redis-cache")
    direct = {one["service"] for one in found["services"] if one["hops"] == 1}
    assert direct == {"api-gateway", "user-service", "order-service", "checkout-api"}
    (checkout,) = (one for one in found["services"] if one["service"] == "checkout-api")
    assert (checkout["exposure_percent"], checkout["trace_count"]) == (100.0, 50)
    assert 0 < checkout["latency_share_percent"] < 5
    assert found["trace_share_percent"] == pytest.approx(100 * 226 / 304, abs=0.001)


def test_blast_radius_of_a_call(query: Any) -> None:
    found = query("blast-radius", "checkout-api -> inventory-service")
    assert [one["operation"] for one in found["entries"]] == ["place order"]
    assert {one["service"] for one in found["services"] if one["hops"] == 1} == {"checkout-api"}


def test_earlier_failures_are_reported(graph: Any) -> None:
    text = graph("blast-radius", "payment-processor")
    assert "if it FAILS    up to 4.0 % of requests failed: web-app place order" in text


def test_peers_of_a_type(query: Any, graph: Any) -> None:
    (database,) = query("databases", "order-service")["services"]
    assert (database["service"], database["type"], database["hops"], database["calls"]) == (
        "postgres-main",
        "database",
        1,
        58,
    )
    assert database["callers"] == ["order-service"]
    # dependencies of its dependencies are further away
    found = query("databases", "checkout-api")
    assert [(one["service"], one["hops"]) for one in found["services"]] == [("postgres-main", 2)]
    assert graph("databases", "checkout-api").startswith("checkout-api calls 0 databases, 1 more indirectly\n")
    every = {one["service"]: one["hops"] for one in query("databases")["services"]}
    assert every.keys() == {
        *("catalog-db", "order-db", "postgres-main", "preferences-db", "profile-db", "search-index", "user-db")
    }
    assert set(every.values()) == {0}
    assert [one["service"] for one in query("caches")["services"]] == ["redis-cache"]
    assert {one["service"] for one in query("external")["services"]} == {"email-gateway", "sms-provider"}
    assert query("queues")["services"] == []
    assert graph("queues", "order-service").startswith("order-service has no queue\n")
    assert {one["service"] for one in query("find", "database")["services"]} == every.keys()
    assert [one["service"] for one in query("find", "Caches")["services"]] == ["redis-cache"]
    assert [m["what"] for m in query("find", "cache")["services"][0]["matched"]] == ["service", "type"]


def test_possible_paths_are_listed_separately(query: Any, graph: Any) -> None:
    found = query("path", "account-service", "redis-cache")
    assert found["observed"] == []
    assert found["possible"] == [{"services": ["account-service", "user-service", "redis-cache"]}]
    text = graph("path", "account-service", "redis-cache")
    assert text.index("No observed path from account-service to redis-cache") < text.index("Possible, but not seen")
    assert "calls lead from mobile-app to order-db" in graph("path", "order-db", "mobile-app")


# --- formats ----------------------------------------------------------------------------------------------------------

ASKED = {
    "map": ["inventory-service"],
    "overview": ["legacy-auth"],
    "services": [],
    "callers": ["notification-service"],
    "callees": ["user-service:GET /users/{id}/profile"],
    "blast-radius": ["inventory-service"],
    "path": ["mobile-app", "order-db"],
    "shared": ["api-gateway", "user-service", "order-service"],
    "diff-callers": ["legacy-auth", "new-auth-service"],
    "critical": [],
    "databases": ["order-service"],
    "caches": ["user-service"],
    "queues": [],
    "external": [],
    "find": ["payment"],
}
_CALLS = "services.0: service hops calls error_rate p95_ms async inferred type"
_PEERS = [": type name services", "services.0: service type hops calls error_rate p95_ms callers"]
_IMPACT_COLUMNS = "exposure_percent failing_percent latency_share_percent"
KEYS = {
    "map": ["services.0: service type is_focus", "edges.0: caller callee async call_count error_rate"],
    "overview": [
        ": service call_count error_rate p95_ms trace_share_percent direct_callers indirect_callers direct_callees "
        "indirect_callees operations",
        "operations.0: operation call_count error_rate p95_ms",
    ],
    "services": [
        ": services cycles left_out",
        "services.0: service call_count error_rate p50_ms p95_ms callers callees inferred type",
    ],
    "callers": [": name direct indirect services", _CALLS],
    "callees": [": name direct indirect services", _CALLS],
    "blast-radius": [
        ": name services entries downstream",
        f"services.0: service hops {_IMPACT_COLUMNS} sync",
        f"entries.0: service operation {_IMPACT_COLUMNS}",
    ],
    "path": [": from to observed possible", "observed.0: services trace_count p50_ms"],
    "shared": [": names shared", "shared.0: service hops"],
    "diff-callers": [": a b only_a both only_b indirect_only_a indirect_both indirect_only_b"],
    "critical": [
        ": services",
        "services.0: service rank trace_share_percent direct_callers indirect_callers entry_operations betweenness "
        "single_point",
    ],
    "databases": _PEERS,
    "caches": _PEERS,
    "queues": _PEERS[:1],
    "external": _PEERS,
    "find": [": word services", "services.0: service matched", "services.0.matched.0: what value count"],
}


def test_every_question_has_a_test() -> None:
    assert set(ASKED) == set(KEYS) == set(QUESTIONS)


@pytest.mark.parametrize("question", ASKED)
def test_the_json_has_every_promised_key(question: str, query: Any) -> None:
    found = query(question, *ASKED[question])
    for promised in KEYS[question]:
        path, _, keys = promised.partition(": ") if not promised.startswith(": ") else ("", "", promised[2:])
        part = found
        for step in filter(None, path.split(".")):
            part = part[int(step) if step.isdecimal() else step]
        assert set(keys.split()) <= set(part), path


@pytest.mark.parametrize("question", ASKED)
def test_text_is_unchanged(question: str, graph: Any) -> None:
    golden = GOLDEN / f"graph-{question}.txt"
    printed = graph(question, *ASKED[question], "--width", "80")
    if UPDATE:
        golden.write_text(printed, "utf-8")
    assert printed == golden.read_text("utf-8")


def test_every_golden_file_is_used() -> None:
    assert {path.name for path in GOLDEN.glob("graph-*")} == {f"graph-{question}.txt" for question in ASKED}


@pytest.mark.parametrize("question", ASKED)
@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_is_wider_than_requested(question: str, width: int, graph: Any) -> None:
    for look in ([], ["--ascii"]):
        printed = graph(question, *ASKED[question], "--width", str(width), *look)
        assert max(map(cell_width, printed.splitlines())) <= width
        assert not any(line != line.rstrip() for line in printed.splitlines())
        assert printed.isascii() or not look


def test_columns_are_dropped_as_a_whole(graph: Any) -> None:
    narrow, wide = (
        next(line.split() for line in graph("services", "--width", width).splitlines() if "callers" in line)
        for width in ("44", "80")
    )
    assert narrow == wide[: len(narrow)]
    assert len(narrow) < len(wide)
    row = next(line for line in graph("services", "--width", "44").splitlines() if "notif" in line)
    assert row.split()[1:] == ["12", "4", "147", "-"][: len(narrow) - 1]


@pytest.mark.parametrize("question", ASKED)
def test_drawings_contain_the_queried_services(question: str, graph: Any) -> None:
    dot, mermaid = (graph(question, *ASKED[question], "--format", form) for form in ("dot", "mermaid"))
    assert dot.startswith("digraph tracetui {")
    assert mermaid.startswith("flowchart LR\n")
    for name in ASKED[question]:
        service = {"payment": "payment-processor"}.get(name, name.partition(":")[0])
        assert f'label="{service}' in dot
        assert f'"{service}' in mermaid
    arrows = dot.count(" -> ")
    assert arrows == len(re.findall(r"--?>\||-o\|", mermaid))
    # the shop has no queue without a reader
    assert (arrows > 0) == (question != "queues")


def test_drawings_distinguish_kinds_of_calls(graph: Any) -> None:
    dot = graph("callers", "notification-service", "--format", "dot")
    numbers = {label: node for node, label in re.findall(r'(n\d+) \[label="([^"\\]+)', dot)}
    edges = dict(re.findall(r"(n\d+ -> n\d+) \[(.+)\];", dot))
    target = numbers["notification-service"]
    assert edges[f"{numbers['promotion-service']} -> {target}"] == 'label="12 calls", style=dashed'
    assert "style" not in edges[f"{numbers['support-desk']} -> {target}"]
    mermaid = graph("path", "account-service", "redis-cache", "--format", "mermaid")
    assert '"user-service"' in mermaid
    assert mermaid.count('-.-o|"possible, ') == 2
    assert re.search(r'\[\("redis-cache"\)\]:::focus', mermaid)


def test_colour_and_files(tmp_path: Path, graph: Any) -> None:
    assert "\x1b[" in graph("services", "--color", "always")
    for flags, name in (([], "a.txt"), (["--json"], "a.json"), (["--format", "dot"], "a.dot")):
        assert graph("callers", "legacy-auth", *flags, "--output", str(tmp_path / name)) == ""
        assert (tmp_path / name).read_text() == graph("callers", "legacy-auth", *flags)


# --- filters and invalid queries --------------------------------------------------------------------------------------


def test_filters_work_as_in_analyze(query: Any, graph: Any) -> None:
    failed = query("callers", "legacy-auth", "--errors-only")
    assert (failed["direct"], failed["indirect"]) == (["partner-api"], ["partner-portal"])
    assert graph("callers", "legacy-auth", "--errors-only").rstrip().endswith("filter: with errors")
    assert "based on 6 traces" in graph("services", "--errors-only")
    assert "based on 5 traces" in graph("services", "--limit", "5")
    gateway = query("services", "--query", "trace.services = 1")
    assert [one["callers"] for one in gateway["services"]] == [0] * len(gateway["services"])


def test_filter_that_matches_no_trace(query: Any, graph: Any) -> None:
    nothing = ["--query", "duration > 1h"]
    assert graph("callers", "legacy-auth", *nothing) == "No trace matches\nfilter: duration > 1h\n"
    assert query("services", *nothing) == {"services": [], "cycles": [], "groups": [], "left_out": []}
    assert query("critical", *nothing) == {"services": [], "left_out": []}
    assert query("find", "x", *nothing) == {"word": "x", "services": []}
    assert graph("services", *nothing, "--format", "mermaid") == "flowchart LR\n"
    left_out = "legacy-auth is not in the selected traces: duration > 1h"
    graph("callers", "legacy-auth", *nothing, "--json", code=2, message=left_out)
    graph("callers", "legcy-auth", *nothing, "--json", code=2, message="did you mean legacy-auth")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["callers", "chekout-api"], "no service named 'chekout-api'; did you mean checkout-api"),
        (["callees", "user-service:GET /user"], "no operation of user-service named 'GET /user'; did you mean"),
        (["path", "mobile-app", "ordr-db"], "did you mean order-db"),
        (["blast-radius", "legacy-auth -> web-app"], "legacy-auth does not call web-app"),
        (["callers", "checkout-api -> inventory-service"], "is a call; this question takes a service"),
        (["overview", "user-service:GET /users/{id}/profile"], "no service named"),
        (["calers", "x"], "unknown question 'calers'; did you mean callers?\nquestions:\n  overview S "),
        (["callers"], "callers: wrong number of names (0 names); write `callers S`"),
        (["path", "mobile-app"], "path: wrong number of names (1 name); write `path A B`; a name is a service"),
        (["shared", "mobile-app"], "write `shared A B [C...]`"),
        (["services", "mobile-app"], "write `services`"),
        (["find", "user", "management"], "put a word with blanks in quotes\nquestions:"),
        (["services", "--json", "--format", "dot"], "use either --json or --format dot, not both"),
        (["services", "--latency-threshold", "inf"], "is not a number of milliseconds"),
    ],
)
def test_invalid_queries_are_bad_usage(args: list[str], message: str, graph: Any) -> None:
    assert graph(*args, code=2, message=message) == ""


def test_names_ignore_case(query: Any) -> None:
    assert query("callers", "LEGACY-AUTH")["name"] == "legacy-auth"
    found = query("callees", "User-Service:get /users/{id}/profile")
    assert found["name"] == "user-service:GET /users/{id}/profile"


def test_unreadable_input(tmp_path: Path, graph: Any) -> None:
    empty = tmp_path / "empty.json"
    empty.write_text("")
    graph("services", source=str(empty), code=3, message="empty.json")
    graph("services", source="/nowhere", code=3, message="no such file")


# --- untrusted input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((SAMPLES / "hostile").glob("*.json")), ids=lambda path: path.stem)
def test_hostile_files(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def printed(*args: str) -> str:
        assert run(["graph", str(path), *args]) == 0
        message = capsys.readouterr()
        assert "\x1b" not in message.out + message.err
        return message.out

    services = [one["service"] for one in json.loads(printed("services", "--json"))["services"]]
    for args in (["services"], ["critical"], ["find", "a"]):
        for form in ([], ["--ascii"], ["--json"], ["--format", "dot"], ["--format", "mermaid"]):
            assert printed(*args, *form)
        assert max(map(cell_width, printed(*args, "--width", "80").splitlines())) <= 80
    for name in services[:2]:
        for question in ("overview", "callers", "callees", "blast-radius"):
            for form in ([], ["--json"], ["--format", "dot"], ["--format", "mermaid"]):
                assert printed(question, *form, "--", name)
        for question in ("path", "shared", "diff-callers"):
            assert printed(question, "--width", "60", "--", name, services[-1])


def test_word_that_is_not_utf8(graph: Any) -> None:
    assert json.loads(graph("find", os.fsdecode(b"\xff"), "--json"))["word"] == "?"
    assert "\udcff" not in graph("find", os.fsdecode(b"\xff"))


# --- other tests ------------------------------------------------------------------------------------------------------


def test_graph_library_is_imported_only_for_a_graph() -> None:
    assert "networkx" in imported_modules(code_of_command("graph", SHOP, "services"))
    modules = imported_modules(code_of_command("graph", "--help"))
    assert "tracetui" in modules
    assert not modules & {"networkx", "textual"}


def test_help_lists_the_questions(graph: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", "--help"]) == 0
    printed = capsys.readouterr().out
    for question in QUESTIONS.values():
        assert re.search(rf"^ +{re.escape(question.form)}  +{re.escape(question.what)}$", printed, re.MULTILINE)


def test_queries_in_the_docs_succeed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAMPLES)
    page = (ROOT / "docs" / "services.md").read_text("utf-8")
    commands = [line.partition("#")[0] for line in re.findall(r"^    tracetui (graph .+)$", page, re.MULTILINE)]
    assert {shlex.split(command)[2] for command in commands} == set(QUESTIONS)
    for command in commands:
        assert run(shlex.split(command)) == 0
        assert capsys.readouterr().out


def test_map_shows_changes_since_a_baseline(graph: Any) -> None:
    after = INCIDENT.replace("before.json", "after.json")
    printed = graph("map", "--baseline", after, "--width", "100", source=INCIDENT)
    assert "85 ▲p95─▶▐●recommendation-service▌" in printed
    edges = json.loads(graph("map", "--baseline", after, "--json", source=INCIDENT))["edges"]
    worse = {edge["callee"]: edge["change"]["worse"] for edge in edges if edge["change"]}
    assert worse == {"recommendation-service": ["p95"]}
    assert "change" not in graph("map", "--json", source=INCIDENT)
    around = graph("map", "--focus", "user-service", "--baseline", SHOP, "--format", "mermaid", source=INCIDENT)
    assert "gone" in around
    graph("services", "--baseline", after, source=INCIDENT, code=2, message="--baseline is an option of map")

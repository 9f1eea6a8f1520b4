"""Figures stated in sample_traces/README.md, computed from the files without the program, except in one test."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.paths import SAMPLES


def load(name: str) -> list[Any]:
    data: list[Any] = json.loads((SAMPLES / name).read_bytes())["data"]
    return data


def tags(span: Any) -> dict[str, Any]:
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def service(trace: Any, span: Any) -> str:
    return str(trace["processes"][span["processID"]]["serviceName"])


def duration_ms(trace: Any) -> float:
    spans = trace["spans"]
    took: int = max(s["startTime"] + s["duration"] for s in spans) - min(s["startTime"] for s in spans)
    return took / 1000


def calls(traces: list[Any]) -> Counter[tuple[str, str]]:
    """Yield the calls: parent and child of different services, and the peers that client spans name."""
    counted: Counter[tuple[str, str]] = Counter()
    for trace in traces:
        owner = {span["spanID"]: service(trace, span) for span in trace["spans"]}
        for span in trace["spans"]:
            own = owner[span["spanID"]]
            callers = {owner[ref["spanID"]] for ref in span["references"]} - {own}
            counted.update((caller, own) for caller in callers)
            if peer := tags(span).get("peer.service"):
                counted[own, peer] += 1
    return counted


def shares(traces: list[Any], operation: str) -> list[float]:
    """Compute the percentage of the time of all traces, and of those in which the operation occurs."""
    took = {
        i: span["duration"] / 1000
        for i, trace in enumerate(traces)
        for span in trace["spans"]
        if span["operationName"] == operation
    }
    return [100 * sum(took.values()) / sum(map(duration_ms, of)) for of in (traces, [traces[i] for i in took])]


def failed(traces: list[Any]) -> list[Any]:
    return [trace for trace in traces if any("error" in tags(span) for span in trace["spans"])]


def messages(traces: list[Any]) -> Counter[tuple[str, str]]:
    return Counter(
        (service(trace, span), message)
        for trace in traces
        for span in trace["spans"]
        if (message := tags(span).get("otel.status_description"))
    )


def test_generator_makes_exactly_these_files() -> None:
    command = [sys.executable, str(SAMPLES / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_check_reports_a_different_file(tmp_path: Path) -> None:
    command = [sys.executable, str(SAMPLES / "generate.py"), "--check", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "differs: incident/before.json" in done.stderr


def test_all_samples_are_under_five_megabytes() -> None:
    data = [path for path in SAMPLES.rglob("*") if path.suffix in {".json", ".jsonl", ".pb"}]
    assert len(data) > 20
    assert sum(path.stat().st_size for path in data) < 5_000_000


@pytest.mark.parametrize(
    ("name", "count", "mean", "p95", "p99", "failures"),
    [("before", 100, 1250, 2100, 3500, 8), ("after", 200, 250, 380, 450, 1)],
)
def test_durations_of_the_incident(name: str, count: int, mean: float, p95: float, p99: float, failures: int) -> None:
    traces = load(f"incident/{name}.json")
    durations = [duration_ms(trace) for trace in traces]
    assert len(durations) == count
    assert np.mean(durations) == pytest.approx(mean, rel=0.001)
    assert np.quantile(durations, [0.95, 0.99]) == pytest.approx([p95, p99], rel=0.001)
    assert len(failed(traces)) == failures


def test_calls_and_shares_of_the_incident() -> None:
    traces = load("incident/before.json")
    assert calls(traces) == {
        ("api-gateway", "user-service"): 100,
        ("api-gateway", "recommendation-service"): 85,
        ("user-service", "database"): 100,
    }
    assert shares(traces, "database_query") == pytest.approx([74, 74], abs=0.5)
    assert shares(traces, "fetch_recommendations") == pytest.approx([26, 26], abs=0.5)
    assert max(len(trace["spans"]) for trace in traces) <= 11


def test_program_computes_the_same_shares() -> None:
    command = [sys.executable, "-m", "tracetui", "analyze", str(SAMPLES / "incident/before.json"), "--bottlenecks"]
    done = subprocess.run([*command, "--json"], capture_output=True, check=True, cwd=SAMPLES.parent)
    found = json.loads(done.stdout)["bottlenecks"]
    assert [bottleneck["operation"] for bottleneck in found] == ["database_query", "fetch_recommendations"]
    assert [bottleneck["share_percent"] for bottleneck in found] == pytest.approx([74, 26], abs=0.5)
    assert [bottleneck["total_share_percent"] for bottleneck in found] == pytest.approx([74, 26], abs=0.5)


@pytest.mark.parametrize(("name", "count"), [("before", 15), ("after", 30)])
def test_guests_have_the_shortest_traces_and_no_recommendations(name: str, count: int) -> None:
    traces = sorted(load(f"incident/{name}.json"), key=duration_ms)
    users = [tags(trace["spans"][0])["user.id"] for trace in traces]
    assert [user == "guest" for user in users] == [True] * count + [False] * (len(traces) - count)
    has_recommendations = [
        any(span["operationName"] == "fetch_recommendations" for span in trace["spans"]) for trace in traces
    ]
    assert has_recommendations == [user != "guest" for user in users]
    of_guests = sum(map(duration_ms, traces[:count])) / sum(map(duration_ms, traces))
    assert of_guests == pytest.approx(0.02, abs=0.001)


def test_errors_of_the_incident() -> None:
    traces = load("incident/before.json")
    assert messages(traces) == {
        ("recommendation-service", "Connection timeout"): 6,
        ("user-service", "Database query timeout"): 2,
    }
    ready = {("recommendation-service", "Recommendation model is not loaded yet"): 1}
    assert messages(load("incident/after.json")) == ready
    roots = [tags(trace["spans"][0]) for trace in failed(traces)]
    assert all(root["error"] is True for root in roots)
    assert [root["region"] for root in roots if root["http.response.status_code"] == 502] == ["eu"] * 6
    assert sum(tags(trace["spans"][0])["region"] == "eu" for trace in traces) == 37


def test_fix_keeps_the_operations_and_makes_the_calls_parallel() -> None:
    before, after = load("incident/before.json"), load("incident/after.json")
    operations = [
        {(service(t, span), span["operationName"]) for t in traces for span in t["spans"]} for traces in (before, after)
    ]
    assert operations[0] == operations[1]
    for trace in after:
        both = [span for span in trace["spans"] if span["operationName"].endswith("-service")]
        assert len(both) == 1 or abs(both[0]["startTime"] - both[1]["startTime"]) < 1000


@pytest.fixture(scope="module")
def shop() -> list[Any]:
    return load("shop/shop.json")


@pytest.fixture(scope="module")
def callees(shop: list[Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for caller, callee in calls(shop):
        found[caller].add(callee)
    return found


def reached(callees: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        new = callees.get(ahead.pop(), set()) - seen
        seen |= new
        ahead += new
    return seen


def test_size_of_the_shop(shop: list[Any]) -> None:
    instrumented = {process["serviceName"] for trace in shop for process in trace["processes"].values()}
    assert len(shop) == 304
    assert len(instrumented) == 37
    assert len({callee for _, callee in calls(shop)} - instrumented) == 10
    assert len(failed(shop)) == 6


def test_dependencies_of_checkout(callees: dict[str, set[str]]) -> None:
    direct = {"auth-service", "inventory-service", "payment-processor", "redis-cache", "order-service"}
    assert callees["checkout-api"] == direct
    assert reached(callees, "checkout-api") == direct | {"postgres-main"}


def test_calls_of_the_shop(callees: dict[str, set[str]]) -> None:
    def callers(name: str) -> set[str]:
        return {caller for caller, called in callees.items() if name in called}

    assert callers("inventory-service") == {"checkout-api", "order-confirmation", "inventory-sync-job"}
    assert len(callers("notification-service")) == 12
    assert callees["notification-service"] == {
        "email-gateway",
        "sms-provider",
        "push-notification-service",
        "user-preferences-api",
    }
    legacy, new = callers("legacy-auth"), callers("new-auth-service")
    assert legacy - new == {"invoice-service", "partner-api", "warehouse-service"}
    assert legacy & new == {"support-desk", "user-service"}
    assert new - legacy == {"cart-service", "mobile-bff", "review-service", "subscription-service"}
    assert {"api-gateway", "user-service", "order-service"} <= callers("redis-cache")


def test_paths_and_shared_dependencies_of_the_shop(shop: list[Any], callees: dict[str, set[str]]) -> None:
    chain = ["mobile-app", "mobile-bff", "api-gateway", "order-history-service", "order-db"]
    assert all(callee in callees[caller] for caller, callee in pairwise(chain))
    sharing = [reached(callees, name) for name in ("api-gateway", "user-service", "order-service")]
    assert set.intersection(*sharing) == {"redis-cache"}
    profiles = [trace for trace in shop if trace["spans"][0]["operationName"] == "open profile"]
    databases = {callee for caller, callee in calls(profiles) if caller == "user-service"} - {"redis-cache"}
    assert databases == {"user-db", "profile-db"}


def test_traces_are_equal_in_every_format(shop: list[Any]) -> None:
    zipkin = {(span["traceId"], span["id"]) for span in json.loads((SAMPLES / "zipkin/traces.json").read_bytes())}
    otlp = {
        (span["traceId"], span["spanId"])
        for line in (SAMPLES / "otlp/traces.jsonl").read_bytes().splitlines()
        for resource in json.loads(line)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    }
    jaeger = {(span["traceID"], span["spanID"]) for trace in shop[80:100] for span in trace["spans"]}
    assert jaeger == zipkin == otlp
    protobuf = (SAMPLES / "otlp/traces.pb").read_bytes()
    assert all(bytes.fromhex(span_id) in protobuf for _, span_id in jaeger)


def test_broken_and_hostile_files_have_their_faults() -> None:
    with pytest.raises(json.JSONDecodeError):
        load("broken/cut.json")
    for path in (SAMPLES / "hostile").iterdir():
        assert load(f"hostile/{path.name}")
    (deep,) = load("hostile/deep.json")
    assert len(deep["spans"]) == 3000
    assert (SAMPLES / "hostile/deep.json").stat().st_size < 300_000

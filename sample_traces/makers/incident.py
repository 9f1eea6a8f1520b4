"""A profile page that is slow and sometimes fails, and the same page after the fix."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracetui.ingest.formats.encode import jaeger_json
from tracetui.model.span import Kind, Span

from .building import Trace

if TYPE_CHECKING:
    from collections.abc import Callable

GATEWAY, USERS, RECOMMENDATIONS = "api-gateway", "user-service", "recommendation-service"

QUERY = "SELECT u.*, o.* FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id = $1"

WINDOW_MS = 16 * 60 * 1000

CONNECTION_TIMEOUT = "Connection timeout"
QUERY_TIMEOUT = "Database query timeout"

OVERHEAD_MS = 4.0
"""What the gateway and the frame of user-service add to a trace of the first set."""


@dataclass
class Request:
    """One visit of the page: what it is to take and how it is to end."""

    total: float
    query: float
    recommendation: float | None = None
    """None where the page is shown without recommendations."""
    error: str = ""
    region: str = "us"


def files() -> dict[str, bytes]:
    return {"incident/before.json": jaeger_json(before()), "incident/after.json": jaeger_json(after())}


def before() -> list[Span]:
    chance = random.Random(74)
    # Sorted, the last of these are what the 95th and the 99th percentile fall on.
    totals = durations(100, mean=1250, least=560, knee=2060, tail=[2080, 2480, 3006, 3011, 3496, 3870])
    requests = [Request(total, query=total - OVERHEAD_MS) for total in totals]
    for request in requests[96:98]:
        request.error = QUERY_TIMEOUT
    without = set(chance.sample(range(75), 13)) | {96, 97}
    timed_out = set(chance.sample([i for i in range(76, 94) if i not in without], 6))
    asked = [i for i in range(100) if i not in without]
    weights = {i: totals[i] * chance.uniform(0.6, 1.4) for i in asked if i not in timed_out}
    wanted = 0.256 * sum(totals) - 1000.0 * len(timed_out)
    for i in asked:
        took = 1000.0 if i in timed_out else wanted * weights[i] / sum(weights.values())
        requests[i].recommendation = took
        requests[i].query -= took
    for i in timed_out:
        requests[i].error = CONNECTION_TIMEOUT
    for i, request in enumerate(requests):
        request.region = "eu" if i in timed_out or chance.random() < 0.33 else chance.choice(["us", "us", "ap"])
    requests[96].region, requests[97].region = "us", "ap"
    return in_time(chance, requests, "2.4.0", one_page_sequential)


def after() -> list[Span]:
    chance = random.Random(26)
    tail = [379.6, 388, 396, 404, 412, 421, 430, 440, 449.9, 462, 512]
    totals = durations(200, mean=250, least=75, knee=378, tail=tail)
    requests = []
    for i, total in enumerate(totals):
        request = Request(total, query=chance.uniform(14, 46), region=chance.choice(["eu", "us", "us", "ap"]))
        if i >= 30:
            request.recommendation = total - 5
        else:
            request.query = total - 5
        requests.append(request)
    requests[-1].error = CONNECTION_TIMEOUT
    return in_time(chance, requests, "2.5.0", one_page_parallel)


def durations(count: int, mean: float, least: float, knee: float, tail: list[float]) -> list[float]:
    """Durations in order, from `least` to `knee` and then the `tail`, with just this mean.

    They rise as a power of their rank, and the power follows from the mean.
    """
    body = count - len(tail)
    power = (knee - least) / ((mean * count - sum(tail)) / body - least) - 1
    rising = [least + (knee - least) * ((i + 0.5) / body) ** power for i in range(body)]
    # Sums of powers are a hair off the integral that the power came from.
    off = (mean * count - sum(tail) - sum(rising)) / body
    return [round(value + off, 3) for value in rising] + tail


def in_time(
    chance: random.Random, requests: list[Request], version: str, page: Callable[[Trace, Request], None]
) -> list[Span]:
    """The requests as traces, in an order of their own, spread over the window."""
    chance.shuffle(requests)
    step = WINDOW_MS / len(requests)
    spans = []
    for i, request in enumerate(requests):
        trace = Trace(chance, at=i * step + chance.uniform(0, step * 0.8))
        trace.resources = {
            service: {"host.name": f"{service}-{request.region}-{chance.randint(1, 2)}", "service.version": version}
            for service in (GATEWAY, USERS, RECOMMENDATIONS)
        }
        page(trace, request)
        spans += trace.spans
    return spans


def one_page_sequential(trace: Trace, request: Request) -> None:
    root = open_page(trace, request)
    trace.span(root, GATEWAY, "authorize", 0.2, 0.9)
    user = ask_users(trace, root, request, 1.3)
    at = 1.3 + request.query + 1.4
    if request.error == QUERY_TIMEOUT:
        return
    if request.recommendation is not None:
        ask_recommendations(trace, root, request, at, user)
        at += request.recommendation + 0.4
    trace.span(root, GATEWAY, "render_profile", at + 0.1, request.total - at - 0.2)


def one_page_parallel(trace: Trace, request: Request) -> None:
    root = open_page(trace, request)
    trace.span(root, GATEWAY, "authorize", 0.2, 0.9)
    user = ask_users(trace, root, request, 1.3)
    if request.recommendation is not None:
        ask_recommendations(trace, root, request, 1.4, user)
    trace.span(root, GATEWAY, "render_profile", request.total - 2.2, 2.0)


def open_page(trace: Trace, request: Request) -> Span:
    failed = bool(request.error)
    chance = trace.chance
    return trace.span(
        None,
        GATEWAY,
        "GET /profile",
        0,
        request.total,
        Kind.SERVER,
        {
            "http.request.method": "GET",
            "http.route": "/profile",
            "url.path": "/profile",
            "http.response.status_code": (504 if request.error == QUERY_TIMEOUT else 502) if failed else 200,
            "user.id": f"u-{chance.randint(1000, 1399)}",
            "customer.tier": chance.choice(["free", "free", "free", "pro", "pro", "enterprise"]),
            "region": request.region,
        },
    )


def ask_users(trace: Trace, root: Span, request: Request, at: float) -> int:
    """The call to user-service and its query; gives back the number of the user."""
    user = int(str(root.attributes["user.id"])[2:])
    failed = request.error == QUERY_TIMEOUT
    status = 504 if failed else 200
    path = f"/users/{user}"
    call = trace.span(
        root,
        GATEWAY,
        "GET user-service",
        at,
        request.query + 1.3,
        Kind.CLIENT,
        {"http.request.method": "GET", "url.path": path, "http.response.status_code": status},
    )
    served = trace.span(
        call,
        USERS,
        "get_user",
        at + 0.3,
        request.query + 0.7,
        Kind.SERVER,
        {
            "http.request.method": "GET",
            "http.route": "/users/{id}",
            "http.response.status_code": status,
            "region": request.region,
        },
    )
    query = trace.span(
        served,
        USERS,
        "database_query",
        at + 0.6,
        request.query,
        Kind.CLIENT,
        {
            "db.system.name": "postgresql",
            "db.namespace": "accounts",
            "db.query.text": QUERY,
            "peer.service": "database",
        },
    )
    if failed:
        trace.fail(query, QUERY_TIMEOUT, "psycopg.errors.QueryCanceled")
        for span in (served, call, root):
            trace.fail(span)
    return user


def ask_recommendations(trace: Trace, root: Span, request: Request, at: float, user: int) -> None:
    assert request.recommendation is not None
    took = request.recommendation
    failed = request.error == CONNECTION_TIMEOUT
    status = 503 if failed else 200
    call = trace.span(
        root,
        GATEWAY,
        "GET recommendation-service",
        at,
        took + 0.4,
        Kind.CLIENT,
        {
            "http.request.method": "GET",
            "url.path": f"/recommendations/{user}",
            "http.response.status_code": status,
        },
    )
    served = trace.span(
        call,
        RECOMMENDATIONS,
        "fetch_recommendations",
        at + 0.2,
        took,
        Kind.SERVER,
        {
            "http.request.method": "GET",
            "http.route": "/recommendations/{user}",
            "http.response.status_code": status,
            "region": request.region,
        },
    )
    if failed:
        trace.fail(served, CONNECTION_TIMEOUT, "TimeoutError")
        trace.fail(call)
        trace.fail(root)
    else:
        trace.span(served, RECOMMENDATIONS, "rank_items", at + took - 1.1, 1.0, Kind.INTERNAL, {"items.count": 24})

"""A profile page that is slow and sometimes fails, and the same page after the fix."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracetui.export import jaeger_json
from tracetui.model.span import Kind, Span

from .building import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GATEWAY, USERS, RECOMMENDATIONS = "api-gateway", "user-service", "recommendation-service"

QUERY = "SELECT u.*, o.* FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id = $1"

WINDOW_MS = 16 * 60 * 1000

CONNECTION_TIMEOUT = "Connection timeout"
QUERY_TIMEOUT = "Database query timeout"
NOT_READY = "Recommendation model is not loaded yet"

OVERHEAD_MS = 4.0
"""What the gateway and the frame of user-service add to a trace of the first set."""

RECOMMENDATIONS_SHARE = 0.258
"""Of all the time of the first set."""


@dataclass
class Request:
    """One visit of the page: what it is to take and how it is to end."""

    total: float
    query: float
    recommendation: float | None = None
    """None where the page is shown without recommendations, as it is to guests."""
    error: str = ""
    region: str = "us"


def files() -> dict[str, bytes]:
    return {"incident/before.json": jaeger_json(before()), "incident/after.json": jaeger_json(after())}


def before() -> list[Span]:
    chance = random.Random(74)
    # Of the whole, the last of these are what the 95th and the 99th percentile fall on.
    tail = [2080, 2480, 3290, 3412, 3496, 3870]
    guests = durations(15, mean=166, least=90, knee=280)
    totals = durations(85, mean=(100 * 1250 - sum(guests)) / 85, least=620, knee=2060, tail=tail)
    slow_queries, timed_out = {81, 82}, set(chance.sample(range(58, 79), 6))
    usual = [i for i in range(85) if i not in slow_queries | timed_out]
    took = dict.fromkeys(timed_out, 1000.0) | {i: totals[i] - OVERHEAD_MS - 3000.0 for i in slow_queries}
    weights = {i: totals[i] * chance.uniform(0.6, 1.4) for i in usual}
    left = RECOMMENDATIONS_SHARE * (sum(totals) + sum(guests)) - sum(took.values())
    took |= {i: left * weight / sum(weights.values()) for i, weight in weights.items()}
    requests = [Request(total, total - OVERHEAD_MS - took[i], took[i]) for i, total in enumerate(totals)]
    for i in timed_out:
        requests[i].error = CONNECTION_TIMEOUT
    for i in slow_queries:
        requests[i].error = QUERY_TIMEOUT
    requests += [Request(total, total - OVERHEAD_MS) for total in guests]
    european = timed_out | set(chance.sample([i for i in range(100) if i not in slow_queries | timed_out], 31))
    for i, request in enumerate(requests):
        request.region = "eu" if i in european else chance.choice(["us", "us", "ap"])
    return in_time(chance, requests, "2.4.0", one_page_sequential)


def after() -> list[Span]:
    chance = random.Random(26)
    tail = [379.6, 388, 396, 404, 412, 421, 430, 440, 449.9, 462, 512]
    guests = durations(30, mean=33, least=19, knee=53)
    totals = durations(170, mean=(200 * 250 - sum(guests)) / 170, least=180, knee=378, tail=tail)
    requests = [Request(total, query=total - 5) for total in guests]
    requests += [Request(total, query=chance.uniform(14, 46), recommendation=total - 5) for total in totals]
    for request in requests:
        request.region = chance.choice(["eu", "us", "us", "ap"])
    requests[-1].error = NOT_READY
    # the fix is deployed where the first window ends, so that a set of both files can be split there
    return in_time(chance, requests, "2.5.0", one_page_parallel, start=WINDOW_MS)


def durations(count: int, mean: float, least: float, knee: float, tail: Sequence[float] = ()) -> list[float]:
    """Durations in order, from `least` to `knee` and then the `tail`, with just this mean.

    They rise as a power of their rank, and the power follows from the mean.
    """
    body = count - len(tail)
    power = (knee - least) / ((mean * count - sum(tail)) / body - least) - 1
    rising = [least + (knee - least) * ((i + 0.5) / body) ** power for i in range(body)]
    # Sums of powers are a hair off the integral that the power came from.
    off = (mean * count - sum(tail) - sum(rising)) / body
    return [round(value + off, 3) for value in rising] + [*tail]


def in_time(
    chance: random.Random,
    requests: list[Request],
    version: str,
    page: Callable[[Trace, Request], None],
    *,
    start: float = 0.0,
) -> list[Span]:
    """Make traces of the requests, shuffled and spread over a window that begins at `start` (ms)."""
    chance.shuffle(requests)
    step = WINDOW_MS / len(requests)
    spans = []
    for i, request in enumerate(requests):
        trace = Trace(chance, at=start + i * step + chance.uniform(0, step * 0.8))
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
    guest = request.recommendation is None
    tiers = ["guest"] if guest else ["free", "free", "free", "pro", "pro", "enterprise"]
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
            "user.id": "guest" if guest else f"u-{chance.randint(1000, 1399)}",
            "customer.tier": chance.choice(tiers),
            "region": request.region,
        },
    )


def ask_users(trace: Trace, root: Span, request: Request, at: float) -> str:
    """The call to user-service and its query; gives back the user."""
    user = str(root.attributes["user.id"]).removeprefix("u-")
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


def ask_recommendations(trace: Trace, root: Span, request: Request, at: float, user: str) -> None:
    assert request.recommendation is not None
    took = request.recommendation
    failed = request.error in (CONNECTION_TIMEOUT, NOT_READY)
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
        trace.fail(served, request.error, "RuntimeError" if request.error == NOT_READY else "TimeoutError")
        trace.fail(call)
        trace.fail(root)
    else:
        trace.span(served, RECOMMENDATIONS, "rank_items", at + took - 1.1, 1.0, Kind.INTERNAL, {"items.count": 24})

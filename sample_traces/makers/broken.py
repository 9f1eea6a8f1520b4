"""Traces as they come when something is wrong with the tracing: lost context, wrong clocks, cut files."""

from __future__ import annotations

import random
from dataclasses import replace

from tracetui.export import jaeger_json
from tracetui.model.span import Kind, Span

from .building import Trace, database, http, ns


def files() -> dict[str, bytes]:
    whole = jaeger_json(span for i in range(6) for span in request(random.Random(60 + i), i * 700).spans)
    return {
        "broken/lost-context.json": jaeger_json([*dropped_in_the_middle(), *several_roots()]),
        "broken/clock-skew.json": jaeger_json([*on_wrong_clocks()]),
        "broken/missing-root.json": jaeger_json(without_root()),
        # In the middle of the fifth trace, within a tag: a download that broke off.
        "broken/cut.json": whole[: whole.index(b'"db.query.text"', len(whole) * 3 // 5) + 30],
    }


def request(chance: random.Random, at: float = 0) -> Trace:
    """A request through four services, each on a host of its own."""
    trace = Trace(chance, at)
    root = trace.span(None, "storefront", "GET /basket", 0, 300, Kind.SERVER, http("GET", "/basket"))
    call = trace.span(root, "storefront", "GET basket-service", 10, 280, Kind.CLIENT, http("GET", "/baskets/{id}"))
    basket = trace.span(call, "basket-service", "GET /baskets/{id}", 15, 270, Kind.SERVER, http("GET", "/baskets/{id}"))
    select = database("basket-db", "postgresql", "SELECT * FROM baskets WHERE id = $1")
    trace.span(basket, "basket-service", "SELECT baskets", 20, 40, Kind.CLIENT, select)
    for service, offset in (("price-service", 70), ("stock-service", 170)):
        asked = trace.span(basket, "basket-service", f"POST {service}", offset, 95, Kind.CLIENT, http("POST", "/batch"))
        served = trace.span(asked, service, "POST /batch", offset + 5, 85, Kind.SERVER, http("POST", "/batch"))
        trace.span(served, service, "compute", offset + 12, 70, attributes={"items.count": 7})
    return trace


def dropped_in_the_middle() -> list[Span]:
    """The client spans of basket-service were dropped: price-service and stock-service are orphans."""
    lost = {"POST price-service", "POST stock-service"}
    return [span for span in request(random.Random(40)).spans if span.name not in lost]


def several_roots() -> list[Span]:
    """Three roots in one trace: two services took the trace id on, but not the parent."""
    forgotten = {"price-service", "stock-service"}
    return [
        replace(span, parent_id=None) if span.service in forgotten and span.kind is Kind.SERVER else span
        for span in request(random.Random(41), 1000).spans
    ]


def on_wrong_clocks() -> list[Span]:
    """price-service's clock is 140 ms behind, so that it answers before it is asked; stock-service's 2 s ahead."""
    off = {"price-service": -140, "stock-service": 2000}
    return [
        replace(span, start_ns=span.start_ns + ns(off.get(span.service, 0)))
        for span in request(random.Random(42)).spans
    ]


def without_root() -> list[Span]:
    """The root never arrived: its only child is an orphan, and so the trace's main root."""
    return request(random.Random(43)).spans[1:]

"""Lists of orders whose items are read one by one: N+1 queries."""

from __future__ import annotations

import random

from tracetui.export import jaeger_json
from tracetui.model.span import Kind, Span

from .building import Trace, database, http

SERVICE = "order-list"
PAUSE_MS = 0.05
"""Time between two queries."""
QUERY = "SELECT * FROM order_items WHERE order_id = $1"


def files() -> dict[str, bytes]:
    return {"n-plus-one/orders.json": jaeger_json(requests())}


def requests() -> list[Span]:
    chance = random.Random(7)
    return [span for number in range(8) for span in request(chance, number * 20_000, 6 + number % 4)]


def request(chance: random.Random, at: float, orders: int) -> list[Span]:
    """One query for the orders, then one for the items of each; the longer the list, the slower the page."""
    trace = Trace(chance, at)
    queries = [round(4 + 2 * chance.random(), 3) for _ in range(orders)]
    took = 14 + sum(queries) + PAUSE_MS * orders
    root = trace.span(None, "web-shop", "GET /orders", 0, took, Kind.SERVER, http("GET", "/orders"))
    call = trace.span(root, "web-shop", "GET order-list", 2, took - 4, Kind.CLIENT, http("GET", "/orders"))
    served = trace.span(call, SERVICE, "GET /orders", 3, took - 6, Kind.SERVER, {"orders.count": orders})
    statement = database("orders-db", "postgresql", "SELECT * FROM orders WHERE user_id = $1")
    trace.span(served, SERVICE, "SELECT orders", 4, 5, Kind.CLIENT, statement)
    offset = 9.5
    for duration in queries:
        statement = database("orders-db", "postgresql", QUERY)
        trace.span(served, SERVICE, "SELECT order_items", offset, duration, Kind.CLIENT, statement)
        offset += duration + PAUSE_MS
    return trace.spans

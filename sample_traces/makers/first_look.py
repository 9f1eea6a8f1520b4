"""Three small stories to learn reading traces with: a checkout, a search, and a checkout that times out."""

from __future__ import annotations

import random

from tracetui.export import jaeger_json
from tracetui.model.span import Kind, Span

from .building import Trace, database, http, queue

SHOP = "checkout-service"


def files() -> dict[str, bytes]:
    return {
        "first-look/checkout.json": jaeger_json(checkout()),
        "first-look/search.json": jaeger_json(search()),
        "first-look/timeout.json": jaeger_json(timeout()),
    }


def checkout() -> list[Span]:
    """Payment, fraud and inventory are asked side by side; inventory keeps the page waiting."""
    trace = Trace(random.Random(1))
    root = trace.span(
        None, "web-frontend", "POST /checkout", 0, 980, Kind.SERVER, http("POST", "/checkout", user__id="u-1042")
    )
    order = trace.span(
        root, SHOP, "place_order", 12, 955, Kind.SERVER, {"order.id": "o-7731", "customer.tier": "pro", "cart.items": 3}
    )
    trace.span(order, SHOP, "validate_cart", 14, 18, attributes={"cart.items": 3})
    pay_for(trace, order, 36, 120)
    check_fraud(trace, order, 36, 340)
    stock = trace.span(
        order, SHOP, "reserve_stock", 36, 880, Kind.CLIENT, {"rpc.system": "grpc", "rpc.method": "Inventory/Reserve"}
    )
    inventory = trace.span(stock, "inventory-service", "Inventory/Reserve", 40, 872, Kind.SERVER, {"cart.items": 3})
    for i, item in enumerate(("sku-114", "sku-871", "sku-902")):
        query = database("stock-db", "postgresql", "SELECT quantity FROM stock WHERE sku = $1 FOR UPDATE")
        lock = trace.span(inventory, "inventory-service", "lock_stock_row", 46 + i * 284, 280, Kind.CLIENT, query)
        trace.annotate(lock, {"item.sku": item})
        trace.log(lock, 4, "waiting for row lock", {"lock.holder": "nightly-recount"})
    message = queue("order-placed", "send") | {"order.id": "o-7731"}
    sent = trace.span(order, SHOP, "order-placed publish", 930, 6, Kind.PRODUCER, message)
    notify = trace.span(
        sent, "notification-service", "order-placed process", 1010, 160, Kind.CONSUMER, queue("order-placed", "process")
    )
    trace.span(notify, "notification-service", "send_email", 1020, 140, Kind.CLIENT, {"peer.service": "email-provider"})
    return trace.spans


def pay_for(trace: Trace, order: Span, offset: float, took: float) -> None:
    call = trace.span(order, SHOP, "charge_card", offset, took, Kind.CLIENT, http("POST", "/charges"))
    served = trace.span(
        call, "payment-service", "POST /charges", offset + 3, took - 6, Kind.SERVER, http("POST", "/charges")
    )
    trace.span(
        served, "payment-service", "authorize_with_bank", offset + 10, took - 22, Kind.CLIENT, {"peer.service": "bank"}
    )


def check_fraud(trace: Trace, order: Span, offset: float, took: float) -> Span:
    call = trace.span(order, SHOP, "check_fraud", offset, took, Kind.CLIENT, http("POST", "/score"))
    served = trace.span(call, "fraud-service", "POST /score", offset + 3, took - 6, Kind.SERVER, http("POST", "/score"))
    trace.span(served, "fraud-service", "load_customer_history", offset + 8, 60, attributes={"history.orders": 41})
    trace.span(served, "fraud-service", "score_order", offset + 70, took - 80, attributes={"model.name": "risk-v3"})
    return call


def search() -> list[Span]:
    """Two searches: the model that ranks the hits takes most of the time, the second time from a warm cache less."""
    return [*one_search(random.Random(2), 0, 1240, "running shoes"), *one_search(random.Random(3), 4000, 430, "shoes")]


def one_search(chance: random.Random, at: float, model_ms: float, words: str) -> list[Span]:
    trace = Trace(chance, at)
    root = trace.span(
        None,
        "web-frontend",
        "GET /search",
        0,
        model_ms + 130,
        Kind.SERVER,
        http("GET", "/search", search__words=words, user__id="u-2310"),
    )
    found = trace.span(root, "search-service", "find_products", 6, model_ms + 116, Kind.SERVER, {"search.words": words})
    trace.span(
        found,
        "search-service",
        "query_index",
        12,
        48,
        Kind.CLIENT,
        database("product-index", "elasticsearch", "match(title, ?)"),
    )
    call = trace.span(found, "search-service", "rank_results", 64, model_ms + 40, Kind.CLIENT, http("POST", "/rank"))
    ranked = trace.span(call, "ranking-service", "POST /rank", 68, model_ms + 30, Kind.SERVER, http("POST", "/rank"))
    trace.span(ranked, "ranking-service", "load_features", 72, 18, attributes={"cache.hit": model_ms < 500})
    model = trace.span(ranked, "ranking-service", "run_model", 92, model_ms, attributes={"model.name": "rank-large"})
    trace.annotate(model, {"model.batch": 200, "device": "cpu"})
    trace.span(found, "search-service", "render_results", model_ms + 106, 12, attributes={"results.count": 20})
    return trace.spans


def timeout() -> list[Span]:
    """The fraud check never answers; after three seconds the checkout gives up."""
    trace = Trace(random.Random(4))
    root = trace.span(
        None, "web-frontend", "POST /checkout", 0, 3080, Kind.SERVER, http("POST", "/checkout", 504, user__id="u-1077")
    )
    order = trace.span(
        root, SHOP, "place_order", 10, 3060, Kind.SERVER, {"order.id": "o-7740", "customer.tier": "enterprise"}
    )
    trace.span(order, SHOP, "validate_cart", 14, 16, attributes={"cart.items": 1})
    pay_for(trace, order, 34, 140)
    call = trace.span(
        order, SHOP, "check_fraud", 34, 3000, Kind.CLIENT, http("POST", "/score") | {"server.address": "fraud-service"}
    )
    served = trace.span(call, "fraud-service", "POST /score", 38, 2994, Kind.SERVER, http("POST", "/score", 503))
    history = trace.span(
        served,
        "fraud-service",
        "load_customer_history",
        44,
        2986,
        Kind.CLIENT,
        database("history-db", "postgresql", "SELECT * FROM orders WHERE customer_id = $1"),
    )
    trace.log(history, 2, "connection pool exhausted", {"pool.size": 10, "pool.waiting": 37})
    trace.fail(history, "Timed out after 2986 ms waiting for a connection", "PoolTimeout")
    trace.fail(served, "fraud score unavailable")
    trace.annotate(call, {"http.response.status_code": 503})
    for span in (call, order, root):
        trace.fail(span)
    trace.span(order, SHOP, "refund_card", 3040, 24, Kind.CLIENT, http("POST", "/refunds") | {"peer.service": "bank"})
    return trace.spans

"""Orders whose calls to the stock service become slow on the way, not in the service."""

from __future__ import annotations

import random

from tracetui.export import jaeger_json
from tracetui.model.span import Kind, Span

from .building import Trace
from .calls import Call, Flow, Peer, Publish, play

ORDERS, STOCK, PRICES, PAYMENTS, MAILS = (
    "order-service",
    "stock-service",
    "price-service",
    "payment-service",
    "mail-worker",
)
TRACES = 60
WINDOW_MS = 16 * 60 * 1000
SLOW_FROM = TRACES // 2
"""Number of the first trace with a slow link."""
SLOW_LINK_MS = (80.0, 130.0)
"""Time on the way to the stock service, and the same on the way back, once it answers from another zone."""


def files() -> dict[str, bytes]:
    return {"network/slow-link.json": jaeger_json(orders())}


def orders() -> list[Span]:
    chance = random.Random(61)
    spans = []
    for number in range(TRACES):
        is_slow = number >= SLOW_FROM
        trace = Trace(chance, at=(number + chance.uniform(0, 0.8)) * WINDOW_MS / TRACES)
        zone = "b" if is_slow else "a"
        trace.resources = {STOCK: {"host.name": f"{STOCK}-{zone}-1", "cloud.availability_zone": zone}}
        play(trace, one_order(f"o-{number + 1}", chance.uniform(*SLOW_LINK_MS) if is_slow else 0.4))
        spans += trace.spans
    return spans


def one_order(order: str, stock_network_ms: float) -> Flow:
    prices = Call(PRICES, "GET /prices", 6, [Peer("price-cache", "GET", 1, {"db.system.name": "redis"})])
    statement = "SELECT quantity FROM stock WHERE sku = $1"
    query = Peer("stock-db", "SELECT stock", 14, {"db.system.name": "postgresql", "db.query.text": statement})
    stock = Call(STOCK, "GET /stock", 5, [query], network_ms=stock_network_ms)
    payment = Call(PAYMENTS, "POST /charges", 25)
    mail = Publish("order-placed", Call(MAILS, "order-placed process", 8))
    return Flow(Call(ORDERS, "POST /orders", 12, [prices, stock, payment, mail]), Kind.SERVER, {"order.id": order})

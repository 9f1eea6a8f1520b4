"""Work that nobody waits for: through a queue, after the answer, and in traces of its own."""

from __future__ import annotations

import random

from tracetui.export import jaeger_json, otlp_json_lines
from tracetui.model.span import Flag, Kind, Span

from .building import Trace, database, http, link_to, queue


def files() -> dict[str, bytes]:
    return {
        "async/queue.json": jaeger_json(through_a_queue()),
        "async/follows-from.json": jaeger_json(after_the_answer()),
        "async/links.jsonl": otlp_json_lines([*single_messages(), *one_batch()], spans_per_line=4),
    }


def through_a_queue() -> list[Span]:
    """One trace: both consumers of a message begin after the request has been answered."""
    trace = Trace(random.Random(11))
    root = trace.span(None, "order-service", "POST /orders", 0, 64, Kind.SERVER, http("POST", "/orders", 202))
    insert = database("order-db", "postgresql", "INSERT INTO orders (id) VALUES ($1)")
    trace.span(root, "order-service", "INSERT orders", 4, 38, Kind.CLIENT, insert)
    sent = trace.span(root, "order-service", "orders publish", 50, 8, Kind.PRODUCER, queue("orders", "send"))
    mail = trace.span(sent, "mail-worker", "orders process", 190, 240, Kind.CONSUMER, queue("orders", "process"))
    trace.span(mail, "mail-worker", "render_mail", 194, 30)
    trace.span(mail, "mail-worker", "send_mail", 228, 196, Kind.CLIENT, {"peer.service": "mail-provider"})
    parcel = trace.span(sent, "parcel-worker", "orders process", 82, 520, Kind.CONSUMER, queue("orders", "process"))
    again = trace.span(parcel, "parcel-worker", "labels publish", 590, 6, Kind.PRODUCER, queue("labels", "send"))
    trace.span(again, "label-printer", "labels process", 900, 75, Kind.CONSUMER, queue("labels", "process"))
    return trace.spans


def after_the_answer() -> list[Span]:
    """Parents by FOLLOWS_FROM: a cache is filled and usage is counted once the caller has its answer."""
    trace = Trace(random.Random(12))
    root = trace.span(None, "article-service", "GET /articles/{id}", 0, 42, Kind.SERVER, http("GET", "/articles/{id}"))
    select = database("article-db", "postgresql", "SELECT * FROM articles WHERE id = $1")
    trace.span(root, "article-service", "SELECT articles", 3, 33, Kind.CLIENT, select)
    filled = trace.span(root, "article-service", "fill_cache", 44, 21, flags=Flag.FOLLOWS_FROM)
    trace.span(filled, "article-service", "SET article", 46, 17, Kind.CLIENT, {"peer.service": "article-cache"})
    count = trace.span(root, "usage-service", "count_view", 51, 130, Kind.CONSUMER, flags=Flag.FOLLOWS_FROM)
    trace.span(count, "usage-service", "write_counter", 60, 115, Kind.CLIENT, {"peer.service": "usage-db"})
    return trace.spans


def single_messages() -> list[Span]:
    """Two producers, and for each a consumer in a trace of its own that links back."""
    spans = []
    for i in range(2):
        chance = random.Random(20 + i)
        sender, taker = Trace(chance, at=i * 900), Trace(chance, at=i * 900 + 310)
        sent = publish(sender, f"inv-{i + 1}")
        message = queue("invoices", "process") | {"invoice.id": f"inv-{i + 1}"}
        took = taker.span(
            None, "archive-service", "invoices process", 0, 85, Kind.CONSUMER, message, links=(link_to(sent),)
        )
        taker.span(took, "archive-service", "store_document", 6, 74, Kind.CLIENT, {"peer.service": "document-store"})
        spans += [*sender.spans, *taker.spans]
    return spans


def one_batch() -> list[Span]:
    """Three producers, whose messages one consumer takes together; the second was sent badly and it fails."""
    chance = random.Random(30)
    senders = [Trace(chance, at=3000 + i * 40) for i in range(3)]
    links = tuple(link_to(publish(sender, f"inv-{i + 10}")) for i, sender in enumerate(senders))
    batch = Trace(chance, at=4000)
    message = queue("invoices", "process") | {"messaging.batch.message_count": 3}
    took = batch.span(None, "ledger-service", "invoices process", 0, 210, Kind.CONSUMER, message, links=links)
    for i in range(3):
        entry = batch.span(
            took, "ledger-service", "post_entry", 5 + i * 66, 60, attributes={"invoice.id": f"inv-{i + 10}"}
        )
        if i == 1:
            batch.fail(entry, "invoice has no currency", "ValueError")
    batch.fail(took, "1 of 3 entries failed")
    return [*(span for sender in senders for span in sender.spans), *batch.spans]


def publish(trace: Trace, invoice: str) -> Span:
    root = trace.span(None, "billing-service", "POST /invoices", 0, 31, Kind.SERVER, http("POST", "/invoices", 202))
    message = queue("invoices", "send") | {"invoice.id": invoice}
    return trace.span(root, "billing-service", "invoices publish", 22, 5, Kind.PRODUCER, message)

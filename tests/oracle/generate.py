"""Random trace sets as documents: OTLP JSON, or Jaeger's UI JSON for what OTLP cannot express.

A set depends on its seed only. A trace begins as a valid tree of requests; then records are lost, duplicated, moved and
damaged as by exporters, collectors and clocks.
"""

from __future__ import annotations

import random
import uuid
from typing import Any

Draft = dict[str, Any]
US, MS = 1_000, 1_000_000
START = 1_774_000_000_000 * MS

SERVICES = ["web", "api", "orders", "pay", "stock", "mail-worker", "audit"]
STEPS = ["validate", "load_profile", "render", "price", "step-100", "flush batch", "compute@1b2c3d4e"]
ROUTES = ["/orders/{id}", "/stock/{id}", "/pay", "/users/{id}/profile", "/carts/{id}"]
TABLES = ["items", "orders", "users"]
TOPICS = ["order-events", "mails"]
HOSTS = ["api.stripe.com", "maps.example.com", "stock.default.svc", "pay.internal", "orders"]
MESSAGES = [
    "card declined",
    "key not found",
    "disk full",
    "connection refused",
    "lookup of order {id} failed",
    "no row for user {n}",
    "lock is held by Job@{hash}",
    "deadlock detected",
    "HTTP 502 from upstream",
    "answered 503",
]
CANCELLED = ["context canceled", "request was cancelled by the client"]
LATE = ["context deadline exceeded", "read timed out", "timeout of 500 ms reached"]
STATUSES = ["message", "code", "http", "grpc", "error.type", "tag", "tag text", "exception", "otel"]


def trace_set(seed: int, damage: bool = True) -> list[Draft]:
    """Generate the documents of one set; without damage all records are whole and occur once, with agreeing clocks."""
    generator = Generator(random.Random(seed))
    generator.damage &= damage
    return generator.documents()


class Generator:
    """Generator of one set."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.jaeger = rng.random() < 0.35
        self.grid = US if self.jaeger else rng.choice([MS, MS, US, 1])
        if self.jaeger and rng.random() < 0.5:
            self.grid = MS
        self.failing = rng.choice([0.0, 0.08, 0.2, 0.45])
        self.damage = rng.random() < 0.7
        self.hosts = {name: rng.choice([f"{name}-1", "node-a", ""]) for name in SERVICES}
        self.trace = ""
        self.spans: list[Draft] = []
        self.producers: list[Draft] = []

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    # Documents

    def documents(self) -> list[Draft]:
        traces = [self.one_trace(number) for number in range(self.rng.randint(1, 6))]
        records = [record for trace in traces for record in trace]
        if self.damage and self.chance(0.25):
            return self.two_files(records)
        if self.chance(0.3):
            self.rng.shuffle(records)
        return [self.document(records)]

    def two_files(self, records: list[Draft]) -> list[Draft]:
        """Divide the spans among two files, some of them in both."""
        files: list[list[Draft]] = [[], []]
        for record in records:
            for number in self.rng.choice([[0], [1], [0, 1]]):
                files[number].append(record)
        return [self.document(file) for file in files if file]

    def document(self, records: list[Draft]) -> Draft:
        return jaeger_document(records) if self.jaeger else otlp_document(records)

    # Valid traces

    def one_trace(self, number: int) -> list[Draft]:
        self.trace = f"{self.rng.getrandbits(120):032x}"
        self.spans = []
        start = START + number * 60_000 * MS + self.rng.randrange(1000) * MS
        length = self.rng.choice([20, 100, 400, 1500]) * MS
        service = self.rng.choice(SERVICES)
        shape = self.rng.choice(["server", "server", "server", "client", "internal", "consumer", "none"])
        if shape == "server":
            root = self.server(service, None, start, start + length)
        elif shape == "client":
            root = self.span(service, "HTTP GET", "CLIENT", None, start, start + length)
            inner = self.server(self.other(service), root, *self.interval_within(root, 0.8))
            self.add_work(inner, 1)
        elif shape == "consumer":
            root = self.span(service, "process orders", "CONSUMER", None, start, start + length)
        else:
            kind = "INTERNAL" if shape == "internal" else None
            root = self.span(service, self.name_of_step(), kind, None, start, start + length)
        if shape != "client":
            self.add_work(root, 0)
        self.set_statuses(root)
        if self.damage:
            self.add_damage()
        records = self.spans
        if self.damage:
            records = self.duplicated(records)
        if self.chance(0.2):
            self.rng.shuffle(records)
        return records

    def span(self, service: str, name: str, kind: str | None, parent: Draft | None, start: int, end: int) -> Draft:
        start -= start % self.grid
        end -= end % self.grid
        made: Draft = {
            "trace": self.trace,
            "id": f"{self.rng.getrandbits(60) + 1:016x}",
            "parent": parent["id"] if parent else None,
            "up": parent,
            "follows": False,
            "service": service,
            "host": self.hosts.get(service, ""),
            "name": name,
            "kind": kind,
            "start": start,
            "end": max(start, end),
            "attrs": {},
            "events": [],
            "links": [],
            "code": None,
            "message": "",
        }
        self.spans.append(made)
        return made

    def interval_within(self, parent: Draft, part: float) -> tuple[int, int]:
        """Choose a random interval of about that share of the parent; sometimes it overruns the parent."""
        length = parent["end"] - parent["start"]
        size = int(length * part * self.rng.uniform(0.5, 1.0))
        start = parent["start"] + int((length - size) * self.rng.random())
        if self.chance(0.04):
            size = int(size * self.rng.choice([1.02, 1.5, 3]))
        return start, start + size

    def other(self, service: str) -> str:
        return self.rng.choice([name for name in SERVICES if name != service])

    def add_work(self, span: Draft, depth: int) -> None:
        """Add work below a span, sequential or parallel."""
        if depth > 4 or len(self.spans) > 40:
            return
        count = self.rng.choice([0, 1, 1, 2, 2, 3]) if depth else self.rng.randint(1, 4)
        at, length = span["start"], span["end"] - span["start"]
        for _ in range(count):
            size = int(length / (count + 1) * self.rng.uniform(0.4, 1.2))
            start = at if self.chance(0.5) else at + int(length * 0.05 * self.rng.random())
            if self.chance(0.15):
                start = span["start"] + int(length * self.rng.random() * 0.8)
            self.add_step(span, start, start + size, depth)
            at = start + size

    def add_step(self, span: Draft, start: int, end: int, depth: int) -> None:
        service = span["service"]
        what = self.rng.choice(
            ["call", "call", "call", "step", "step", "database", "peer", "send", "retry", "loop", "late"]
        )
        if what == "step":
            kind = self.rng.choice(["INTERNAL", "INTERNAL", None])
            self.add_work(self.span(service, self.name_of_step(), kind, span, start, end), depth + 1)
        elif what == "call":
            self.call(span, start, end, depth, self.other(service))
        elif what == "database":
            self.database(span, start, end)
        elif what == "peer":
            self.peer(span, start, end)
        elif what == "send":
            self.send(span, start, end, depth)
        elif what == "late":
            self.add_deadline(span, start, end)
        else:
            self.repeated(span, start, end, depth, what)

    def name_of_step(self) -> str:
        return self.rng.choice(STEPS)

    def path(self) -> tuple[str, str]:
        """Make a path with ids, and its route."""
        route = self.rng.choice(ROUTES)
        return route.replace("{id}", self.rng.choice([str(self.rng.randrange(10, 99999)), self.uuid()])), route

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def server(self, service: str, parent: Draft | None, start: int, end: int) -> Draft:
        path, route = self.path()
        made = self.span(service, f"GET {route}", "SERVER", parent, start, end)
        form = self.rng.choice(["route", "raw", "raw with route"])
        if form != "route":
            made["name"] = f"GET {path}"
        if form == "raw with route":
            made["attrs"]["http.route"] = route.replace("{id}", "{key}")
        return made

    def call(self, span: Draft, start: int, end: int, depth: int, callee: str) -> Draft:
        """Add a client span, sometimes with layers below it, and the server span."""
        client = self.span(span["service"], f"call {callee}", "CLIENT", span, start, end)
        client["attrs"].update(self.rng.choice([{}, {"server.address": callee}, {"peer.service": callee}]))
        top = client
        if self.chance(0.15):
            top = self.span(span["service"], "attempt", "INTERNAL", top, *self.interval_within(top, 0.98))
        if self.chance(0.12):
            top = self.span(span["service"], "HTTP GET", "CLIENT", top, *self.interval_within(top, 0.98))
            top["attrs"]["server.address"] = self.rng.choice([callee, f"{callee}.default.svc", "10.0.0.7"])
        if self.chance(0.85):
            server = self.server(callee, top, *self.interval_within(top, 0.9))
            self.add_work(server, depth + 1)
        return client

    def database(self, span: Draft, start: int, end: int) -> Draft:
        system = self.rng.choice(["postgresql", "mysql", "redis"])
        table = self.rng.choice(TABLES)
        kind = "CLIENT" if self.chance(0.9) else None
        made = self.span(span["service"], f"SELECT {table}", kind, span, start, end)
        key = self.rng.choice(["db.system", "db.system.name"])
        made["attrs"] = {key: system, "db.query.text": f"SELECT name FROM {table} WHERE id = {self.rng.randrange(3)}"}
        if system != "redis":
            made["attrs"][self.rng.choice(["db.namespace", "db.name"])] = self.rng.choice(["shop", "main"])
        else:
            made["name"] = f"GET user:{self.rng.randrange(1000)}"
        return made

    def peer(self, span: Draft, start: int, end: int) -> Draft:
        made = self.span(span["service"], "POST", "CLIENT", span, start, end)
        host = self.rng.choice(HOSTS)
        made["attrs"] = self.rng.choice(
            [
                {"server.address": host},
                {"url.full": f"https://{host}/v1/charges?x=1"},
                {"peer.service": "legacy-billing"},
                {"rpc.system": "grpc", "rpc.service": "billing.Billing", "server.address": "10.9.9.9"},
                {"rpc.system": "grpc", "rpc.service": "orders.Orders", "server.address": "orders"},
                {},
            ]
        ).copy()
        if self.chance(0.2):
            inner = self.span(span["service"], "HTTP POST", "CLIENT", made, *self.interval_within(made, 0.95))
            inner["attrs"] = {"server.address": "10.1.2.3"}
        return made

    def send(self, span: Draft, start: int, end: int, depth: int) -> None:
        """Add a message and its later processing: a child, a root with a link, a FOLLOWS_FROM step, or none."""
        topic = self.rng.choice(TOPICS)
        producer = self.span(span["service"], f"send {topic}", "PRODUCER", span, start, end)
        producer["attrs"] = {"messaging.system": "kafka", "messaging.destination.name": topic}
        self.producers.append(producer)
        form = self.rng.choice(["child", "child", "link", "follows", "receive", "nothing"])
        if form == "nothing":
            return
        later = producer["end"] + self.rng.choice([0, 5 * MS, 300 * MS, 3_600_000 * MS])
        later_end = later + self.rng.randrange(1, 80) * MS
        worker = self.rng.choice([self.other(span["service"]), self.other(span["service"]), span["service"]])
        if form == "receive":
            self.receive(producer, worker, topic, later, later_end)
            return
        parent = None if form == "link" else producer
        consumer = self.span(worker, f"process {topic}", "CONSUMER", parent, later, later_end)
        consumer["attrs"] = {"messaging.system": "kafka", "messaging.operation.type": "process"}
        if form == "link":
            consumer["links"] = [(producer["trace"], producer["id"])]
            if self.chance(0.4):
                consumer["trace"] = f"{self.rng.getrandbits(120):032x}"
                return
        if form == "follows" and self.jaeger:
            consumer["follows"] = True
            if self.chance(0.5):
                producer["kind"] = consumer["kind"] = "INTERNAL"
                producer["attrs"], consumer["attrs"] = {}, {}
        self.add_work(consumer, max(depth + 1, 3))

    def add_deadline(self, span: Draft, start: int, end: int) -> None:
        """Add a deadline that passes, or several calls of which one fails: the remaining work is cancelled."""
        if not self.failing:
            return
        callee = self.other(span["service"])
        top = self.span(span["service"], f"fetch {callee}", self.rng.choice(["CLIENT", "INTERNAL"]), span, start, end)
        passes = self.chance(0.5)
        if passes:
            top["plan"] = self.rng.choice(LATE)
        for number in range(self.rng.randint(1, 3)):
            stop = end + self.rng.choice([-20, -1, 0, 1, 5, 40]) * MS
            begin = start + number * MS
            below = self.server(callee, top, begin, max(begin, stop))
            fails = number == 0 and not passes
            below["plan"] = self.rng.choice(MESSAGES[:4] if fails else CANCELLED)
            if self.chance(0.3):
                deeper = self.database(below, below["start"], below["end"])
                deeper["plan"] = self.rng.choice(CANCELLED)

    def receive(self, producer: Draft, worker: str, topic: str, start: int, end: int) -> None:
        """Add a poll of kind CLIENT, in a trace of its own, with the work on the message below it."""
        poll = self.span(worker, f"poll {topic}", "CLIENT", None, start, end)
        poll["attrs"] = {"messaging.system": "kafka", "messaging.operation.type": "receive"}
        poll["links"] = [(producer["trace"], producer["id"])]
        poll["trace"] = f"{self.rng.getrandbits(120):032x}"
        if self.chance(0.5):
            step = self.span(worker, "store", "INTERNAL", poll, *self.interval_within(poll, 0.8))
            step["trace"] = poll["trace"]

    def repeated(self, span: Draft, start: int, end: int, depth: int, what: str) -> None:
        """Add attempts of one call, or a loop over items."""
        count = self.rng.randint(2, 3)
        callee, statement = self.other(span["service"]), self.rng.randrange(9)
        form = self.rng.choice(["database", "call", "peer"])
        size = (end - start) // count
        for number in range(count):
            begin = start + number * size
            stop = begin + int(size * self.rng.choice([0.5, 0.9, 1.0]))
            if form == "database":
                made = self.database(span, begin, stop)
                made["name"] = "SELECT items"
                made["attrs"] = {"db.system": "postgresql", "db.name": "shop", "db.statement": "SELECT name"}
                if what == "loop":
                    made["attrs"]["db.statement"] = f"SELECT name FROM items WHERE id = {statement + number}"
            elif form == "call":
                made = self.call(span, begin, stop, depth + 2, callee)
                made["attrs"] = {"peer.service": callee}
            else:
                made = self.span(span["service"], "GET", "CLIENT", span, begin, stop)
                path = number if what == "loop" else statement
                made["attrs"] = {"url.full": f"https://10.0.0.{number}/items/{path}"}
            if what == "retry" and number < count - 1 and self.failing and self.chance(0.8):
                made["plan"] = "fail"
            elif what == "retry":
                made["plan"] = "fine"

    # Failures

    def set_statuses(self, root: Draft) -> None:
        """Decide bottom-up which spans fail, and how that is recorded."""
        children: dict[int, list[Draft]] = {}
        for span in self.spans:
            children.setdefault(id(span["up"]), []).append(span)

        def decide_status(span: Draft) -> str | None:
            below = [text for child in children.get(id(span), []) if (text := decide_status(child)) is not None]
            plan = span.pop("plan", None)
            if plan not in (None, "fail", "fine"):
                return self.fail(span, plan)
            fails = plan == "fail" or (plan is None and self.chance(self.failing * (0.3 if below else 0.5)))
            if below and plan is None and self.chance(0.6):
                text = self.rng.choice(below)
                text = self.rng.choice([text, text, f"call failed: {text}", self.message()])
                return self.fail(span, text)
            if fails:
                return self.fail(span, self.message())
            self.record_success(span, bool(below))
            return None

        for span in [span for span in self.spans if span["up"] is None]:
            decide_status(span)

    def message(self) -> str:
        texts = self.rng.choices([MESSAGES, CANCELLED, LATE], [6, 2, 2])[0]
        text = self.rng.choice(texts)
        return text.format(id=self.uuid(), n=self.rng.randrange(10000), hash=f"{self.rng.getrandbits(24):06x}")

    def fail(self, span: Draft, text: str) -> str:
        """Make a span an error in one of the ways of the error rule. -> its message"""
        server = span["kind"] == "SERVER"
        way = self.rng.choice(STATUSES)
        attrs = span["attrs"]
        if way in ("http", "grpc") and span["kind"] not in ("CLIENT", "SERVER"):
            way = "message"
        if way == "http":
            code = self.rng.choice([500, 503, 504])
            attrs[self.rng.choice(["http.response.status_code", "http.status_code"])] = self.rng.choice(
                [code, str(code)]
            )
            return f"HTTP {code}"
        if way == "grpc":
            number, name = self.rng.choice([(14, "UNAVAILABLE"), (4, "DEADLINE_EXCEEDED"), (13, "INTERNAL")])
            if not server and self.chance(0.4):
                number, name = self.rng.choice([(1, "CANCELLED"), (5, "NOT_FOUND")])
            key = self.rng.choice(["rpc.grpc.status_code", "grpc.status_code", "rpc.response.status_code"])
            attrs[key] = name if key == "rpc.response.status_code" else self.rng.choice([number, str(number)])
            if self.chance(0.5):
                attrs["http.status_code"] = 200
            return name
        if way == "error.type":
            attrs["error.type"] = text = self.rng.choice(["TimeoutError", "KeyError", "io.Broken"])
            return text
        if way == "tag":
            attrs["error"] = self.rng.choice([True, "true"])
            attrs["error.message"] = text
        elif way == "tag text":
            attrs["error"] = text
        elif way == "exception":
            span["code"] = "error"
            span["events"] = [("exception", {"exception.type": "E", "exception.message": text})]
            return f"E: {text}"
        elif way == "otel":
            attrs["otel.status_code"] = self.rng.choice(["ERROR", "Error"])
            attrs["otel.status_description"] = text
        elif way == "code":
            span["code"] = "error"
            attrs["error.type"] = text = "KeyError"
        else:
            span["code"], span["message"] = "error", text
        if way == "message" and self.chance(0.1):
            attrs["http.status_code"] = self.rng.choice([499, 408, 500])
        return text

    def record_success(self, span: Draft, handled: bool) -> None:
        """Record a success; more often explicitly if an error below was handled."""
        attrs = span["attrs"]
        if self.chance(0.4 if handled else 0.08):
            span["code"] = "ok"
        elif span["kind"] in ("CLIENT", "SERVER") and self.chance(0.3):
            attrs["http.status_code"] = self.rng.choice([200, 200, 404, 302, "200"])
        elif span["kind"] in ("CLIENT", "SERVER") and self.chance(0.1):
            attrs["rpc.grpc.status_code"] = self.rng.choice([0, 5]) if span["kind"] == "SERVER" else 0
        elif self.chance(0.05):
            attrs["error"] = self.rng.choice([False, "false"])
        elif self.chance(0.05):
            span["events"] = [("exception", {"exception.type": "Handled", "exception.message": "never mind"})]

    # Damage

    def add_damage(self) -> None:
        spans, rng = self.spans, self.rng
        if self.chance(0.25):  # a wrong clock
            service, off = rng.choice(SERVICES), rng.choice([-300_000, -40, 15, 5_000]) * MS
            for span in spans:
                if span["service"] == service:
                    span["start"] += off
                    span["end"] += off
                    span["host"] = f"{service}-1"
                    self.hosts[service] = f"{service}-1"
        if self.chance(0.2) and len(spans) > 2:  # lost spans
            for span in rng.sample(spans, rng.choice([1, 1, 2])):
                spans.remove(span)
        if self.chance(0.06) and len(spans) > 2:  # the root was lost
            spans.pop(0)
        if self.chance(0.15):  # ids shared by the halves of a call
            for span in spans:
                client = span["up"]
                if span["kind"] == "SERVER" and client and client["kind"] == "CLIENT" and client in spans:
                    self.share_id(client, span)
        if self.chance(0.12):
            span = rng.choice(spans)
            span["end"] = span["start"] - rng.choice([1, 50]) * MS if self.chance(0.3) and not self.jaeger else None
        if self.chance(0.1):
            span = rng.choice(spans)
            if span["end"] is not None:
                span["length"] = span["end"] - span["start"]
            span["start"] = None
            if self.chance(0.5):
                span["end"] = None
        if self.chance(0.06):  # a span without a service name
            rng.choice(spans).update(service="", host="")
        if self.chance(0.05) and len(spans) > 3:  # two spans with one id
            one, other = rng.sample(spans, 2)
            if {one["kind"], other["kind"]} <= {"INTERNAL", None} and one["name"] != other["name"]:
                other["id"] = one["id"]
        if self.chance(0.05):  # ids in the spelling of another exporter
            for span in rng.sample(spans, len(spans) // 2):
                span["id"] = span["id"].upper()
        if self.chance(0.03):  # a cycle
            top, low = rng.sample(spans, 2) if len(spans) > 1 else (spans[0], spans[0])
            if len({span["start"] for span in spans}) == len(spans):
                top["parent"] = low["id"]

    def share_id(self, client: Draft, server: Draft) -> None:
        old = server["id"]
        if any(span["id"] == client["id"] and span is not client for span in self.spans):
            return
        server["id"] = client["id"]
        server["parent"] = client["parent"]
        for span in self.spans:
            if span["parent"] == old:
                span["parent"] = server["id"]
            span["links"] = [(t, server["id"] if i == old else i) for t, i in span["links"]]

    def duplicated(self, records: list[Draft]) -> list[Draft]:
        """Repeat some spans in further records."""
        if not self.chance(0.4):
            return records
        found = []
        for record in records:
            found.append(record)
            if self.chance(0.25) and record["start"] is not None and record["end"] is not None:
                found.insert(self.rng.randint(0, len(found)), self.copy_of(record))
        return found

    def copy_of(self, record: Draft) -> Draft:
        copy = {**record, "attrs": dict(record["attrs"])}
        form = self.rng.choice(["whole", "start", "rounded", "lower", "kindless", "poor", "fragment", "late"])
        if form == "start":
            copy.update(end=None, code=None, message="", attrs={}, events=[])
        elif form == "rounded":
            copy["start"] -= copy["start"] % MS
            copy["end"] = max(copy["start"], copy["end"] - copy["end"] % MS)
        elif form == "lower":
            copy.update(service=copy["service"].lower(), name=copy["name"].lower())
            record["attrs"] = {**record["attrs"], "thread.id": 7}
        elif form == "kindless":
            copy["kind"] = None
        elif form == "poor":
            copy["attrs"] = {}
        elif form == "fragment":
            copy.update(start=None, end=None, name="", kind=None, code=None, message="", events=[])
            copy["attrs"] = {"net.peer.name": "10.0.0.9"} if self.chance(0.3) else {}
        elif form == "late" and copy["end"] > copy["start"]:
            copy["end"] += self.rng.choice([1, 500]) * MS
        return copy


# Documents


def otlp_document(records: list[Draft]) -> Draft:
    groups: dict[tuple[str, str], list[Draft]] = {}
    for record in records:
        groups.setdefault((record["service"], record["host"]), []).append(record)
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": attributes(resource(service, host))},
                "scopeSpans": [{"scope": {"name": "made"}, "spans": [otlp_span(record) for record in found]}],
            }
            for (service, host), found in groups.items()
        ]
    }


def resource(service: str, host: str) -> Draft:
    return {key: value for key, value in (("service.name", service), ("host.name", host)) if value}


def otlp_span(record: Draft) -> Draft:
    kinds = [None, "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
    span: Draft = {
        "traceId": record["trace"],
        "spanId": record["id"],
        "name": record["name"],
        "kind": kinds.index(record["kind"]),
        "startTimeUnixNano": str(record["start"] or 0),
        "endTimeUnixNano": str(record["end"] or 0),
        "attributes": attributes(record["attrs"]),
    }
    if record["parent"]:
        span["parentSpanId"] = record["parent"]
    if record["events"]:
        moment = str(record["start"] or START)
        span["events"] = [
            {"timeUnixNano": moment, "name": name, "attributes": attributes(attrs)} for name, attrs in record["events"]
        ]
    if record["links"]:
        span["links"] = [{"traceId": trace, "spanId": span_id} for trace, span_id in record["links"]]
    if record["code"] or record["message"]:
        span["status"] = {"code": {None: 0, "ok": 1, "error": 2}[record["code"]], "message": record["message"]}
    return span


def attributes(found: Draft) -> list[Draft]:
    def value(raw: Any) -> Draft:
        if isinstance(raw, bool):
            return {"boolValue": raw}
        return {"intValue": str(raw)} if isinstance(raw, int) else {"stringValue": raw}

    return [{"key": key, "value": value(raw)} for key, raw in found.items()]


def jaeger_document(records: list[Draft]) -> Draft:
    traces: dict[str, list[Draft]] = {}
    for record in records:
        traces.setdefault(record["trace"], []).append(record)
    return {"data": [jaeger_trace(trace, found) for trace, found in traces.items()]}


def jaeger_trace(trace: str, records: list[Draft]) -> Draft:
    keys = list(dict.fromkeys((record["service"], record["host"]) for record in records))
    processes = {
        f"p{number}": {"serviceName": service, "tags": tags({"hostname": host, "host.name": host} if host else {})}
        for number, (service, host) in enumerate(keys)
    }
    spans = [jaeger_span(record, f"p{keys.index((record['service'], record['host']))}") for record in records]
    return {"traceID": trace, "spans": spans, "processes": processes}


def jaeger_span(record: Draft, process: str) -> Draft:
    references = []
    if record["parent"]:
        kind = "FOLLOWS_FROM" if record["follows"] else "CHILD_OF"
        references.append({"refType": kind, "traceID": record["trace"], "spanID": record["parent"]})
    for trace, span_id in record["links"]:
        references.append({"refType": "FOLLOWS_FROM", "traceID": trace, "spanID": span_id})
    attributes_with_kind = dict(record["attrs"])
    if record["kind"]:
        attributes_with_kind["span.kind"] = record["kind"].lower()
    if record["code"]:
        attributes_with_kind["otel.status_code"] = record["code"].upper()
    if record["message"]:
        attributes_with_kind["otel.status_description"] = record["message"]
    span: Draft = {
        "traceID": record["trace"],
        "spanID": record["id"],
        "operationName": record["name"],
        "references": references,
        "tags": tags(attributes_with_kind),
        "logs": [
            {"timestamp": (record["start"] or START) // US, "fields": tags({"event": name, **attrs})}
            for name, attrs in record["events"]
        ],
        "processID": process,
    }
    if record["start"] is not None:
        span["startTime"] = record["start"] // US
        if record["end"] is not None:
            span["duration"] = (record["end"] - record["start"]) // US
    elif record["end"] is not None:
        span["duration"] = record["length"] // US
    return span


def tags(found: Draft) -> list[Draft]:
    types = {bool: "bool", int: "int64", str: "string"}
    return [{"key": key, "type": types[type(value)], "value": value} for key, value in found.items()]

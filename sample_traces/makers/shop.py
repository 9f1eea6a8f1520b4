"""The landscape of a shop: 37 services and ten databases, caches and providers that send no spans themselves."""

from __future__ import annotations

import random
from collections.abc import Callable

from tracetui.export import jaeger_json
from tracetui.model.span import Kind, Span, Value

from .building import Trace, database
from .calls import Call, Flow, Peer, Publish, Step, play

WINDOW_MS = 30 * 60 * 1000


def files() -> dict[str, bytes]:
    return {"shop/shop.json": jaeger_json(span for trace in traces() for span in trace)}


def traces() -> list[list[Span]]:
    """Every trace, in the order of time."""
    chance = random.Random(37)
    kinds = [make for make, count in FLOWS.items() for _ in range(count)]
    chance.shuffle(kinds)
    seen = dict.fromkeys(FLOWS, 0)
    made = []
    for i, make in enumerate(kinds):
        flow = make(chance)
        seen[make] += 1
        flow.fails_at, flow.message, flow.exception = FAILURES.get((make, seen[make]), ("", "", ""))
        trace = Trace(chance, at=(i + chance.random() * 0.8) * WINDOW_MS / len(kinds))
        play(trace, flow)
        made.append(trace.spans)
    return made


# --- What services are made of --------------------------------------------------------------------------------------


def cached(key: str) -> Peer:
    return Peer("redis-cache", f"GET {key}", 0.7, {"db.system.name": "redis"})


def sql(peer: str, query: str, took_ms: float = 4) -> Peer:
    return Peer(peer, query.partition(" ")[0], took_ms, database(peer, "postgresql", query))


def api(behind: Call) -> Call:
    """Through the gateway, which counts the requests of a client in the cache."""
    return Call("api-gateway", behind.name, 1.5, [cached("rate-limit"), behind])


def notify(chance: random.Random) -> Call:
    """The one way to reach a customer; where, the customer's preferences say."""
    preferences = Call(
        "user-preferences-api",
        "GET /preferences",
        1.5,
        [sql("preferences-db", "SELECT channel FROM preferences WHERE user_id = $1", 2)],
    )
    channels: list[Step] = [
        Peer("email-gateway", "send_email", 45, {"server.address": "mail.example.com"}),
        Peer("sms-provider", "send_sms", 80, {"server.address": "sms.example.com"}),
        Call("push-notification-service", "POST /push", 12),
    ]
    channel = chance.choices(channels, weights=[5, 2, 3])[0]
    return Call("notification-service", "POST /notifications", 3, [preferences, channel])


def legacy_auth() -> Call:
    return Call("legacy-auth", "POST /session/check", 14)


def new_auth() -> Call:
    return Call("new-auth-service", "POST /token/verify", 2.5)


def inventory(path: str = "POST /reservations") -> Call:
    return Call("inventory-service", path, 9)


def invoice(chance: random.Random) -> Publish:
    return Publish("invoices", Call("invoice-service", "", 12, [legacy_auth(), notify(chance)]))


def order(path: str, query: str) -> Call:
    return Call("order-service", path, 5, [cached("order"), sql("postgres-main", query, 8)])


def user(chance: random.Random, *, both: bool = False) -> dict[str, Value]:
    about: dict[str, Value] = {
        "user.id": f"u-{chance.randint(1, 400)}",
        "customer.tier": chance.choice(["free", "free", "pro", "enterprise"]),
    }
    return about | {"order.id": f"o-{chance.randint(50000, 59999)}"} if both else about


# --- The requests ---------------------------------------------------------------------------------------------------


def web(name: str, chance: random.Random, behind: Call, *, order_too: bool = False) -> Flow:
    return Flow(Call("web-app", name, 2, [api(behind)]), Kind.INTERNAL, user(chance, both=order_too))


def mobile(name: str, chance: random.Random, behind: Call) -> Flow:
    front = Call("mobile-bff", behind.name, 2, [new_auth(), api(behind)])
    return Flow(Call("mobile-app", name, 3, [front]), Kind.INTERNAL, user(chance))


def job(service: str, name: str, *steps: Step) -> Flow:
    return Flow(Call(service, name, 5, list(steps)), Kind.INTERNAL, {})


def checkout(chance: random.Random) -> Flow:
    steps: list[Step] = [
        cached("cart"),
        Call("auth-service", "POST /verify", 4),
        inventory(),
        Call("payment-processor", "POST /payments", 60),
        order("POST /orders", "INSERT INTO orders (id, user_id, total) VALUES ($1, $2, $3)"),
    ]
    return web("place order", chance, Call("checkout-api", "POST /checkout", 4, steps), order_too=True)


def confirmation(chance: random.Random) -> Flow:
    points = Call("loyalty-service", "", 6, [notify(chance)] if chance.random() < 0.5 else [])
    steps: list[Step] = [inventory("POST /commitments"), Publish("loyalty-points", points), invoice(chance)]
    start = Call("order-confirmation", "POST /webhooks/payment", 6, [*steps, notify(chance)])
    return Flow(start, Kind.SERVER, user(chance, both=True))


def order_history(chance: random.Random) -> Flow:
    rows = sql("order-db", "SELECT * FROM orders WHERE user_id = $1 ORDER BY placed_at DESC LIMIT 20", 18)
    return mobile("open order history", chance, Call("order-history-service", "GET /orders", 4, [rows]))


def profile(chance: random.Random) -> Flow:
    steps = [
        cached("profile"),
        sql("user-db", "SELECT * FROM users WHERE id = $1", 5),
        sql("profile-db", "SELECT * FROM profiles WHERE user_id = $1", 9),
    ]
    return web("open profile", chance, Call("user-service", "GET /users/{id}/profile", 3, steps))


def login(chance: random.Random) -> Flow:
    check = legacy_auth() if chance.random() < 0.4 else new_auth()
    steps: list[Step] = [sql("user-db", "SELECT id, password_hash FROM users WHERE email = $1", 3), check]
    return mobile("log in", chance, Call("user-service", "POST /login", 20, steps))


def browse(chance: random.Random) -> Flow:
    prices = Call("pricing-service", "GET /prices", 3)
    page: list[Step] = [sql("catalog-db", "SELECT * FROM products WHERE category_id = $1 LIMIT 40", 11), prices]
    return web("open category", chance, Call("catalog-service", "GET /categories/{id}", 5, page))


def search(chance: random.Random) -> Flow:
    hits: Step = Peer("search-index", "search products", 22, {"db.system.name": "elasticsearch"})
    ranking = Call("ranking-service", "POST /rank", 35)
    return web("search", chance, Call("search-service", "GET /search", 4, [hits, ranking]))


def cart(chance: random.Random) -> Flow:
    asked = [new_auth(), Call("pricing-service", "POST /quote", 4), Call("promotion-service", "GET /active", 3)]
    return web("open cart", chance, Call("cart-service", "GET /cart", 3, asked, together=True))


def stock_sync(chance: random.Random) -> Flow:
    count = Call("warehouse-service", "GET /counts", 8, [legacy_auth()])
    steps: list[Step] = [count, inventory("PUT /stock")]
    if chance.random() < 0.7:
        count.steps = [legacy_auth(), notify(chance)]
    return job("inventory-sync-job", "sync stock", *steps)


def shipping(chance: random.Random) -> Flow:
    sent = Publish("shipments", Call("shipping-service", "", 10, [notify(chance)]))
    start = Call("warehouse-service", "POST /parcels/{id}/packed", 5, [legacy_auth(), sent])
    return Flow(start, Kind.SERVER, user(chance, both=True))


def returns(chance: random.Random) -> Flow:
    steps: list[Step] = [
        order("GET /orders/{id}", "SELECT * FROM orders WHERE id = $1"),
        Call("payment-processor", "POST /refunds", 50),
        notify(chance),
    ]
    return web("return parcel", chance, Call("returns-service", "POST /returns", 5, steps), order_too=True)


def support(chance: random.Random) -> Flow:
    check = legacy_auth() if chance.random() < 0.5 else new_auth()
    desk = Call("support-desk", "POST /tickets/{id}/reply", 6, [check, notify(chance)])
    return Flow(Call("admin-console", "answer ticket", 2, [desk]), Kind.INTERNAL, user(chance))


def renewal(chance: random.Random) -> Flow:
    steps: list[Step] = [new_auth(), Call("payment-processor", "POST /payments", 60), invoice(chance), notify(chance)]
    return job("subscription-service", "renew subscriptions", *steps)


def review(chance: random.Random) -> Flow:
    return web("write review", chance, Call("review-service", "POST /reviews", 5, [new_auth(), notify(chance)]))


def campaign(chance: random.Random) -> Flow:
    return job("promotion-service", "send campaign", *(Publish("notifications", notify(chance)) for _ in range(3)))


def account(chance: random.Random) -> Flow:
    users = Call("user-service", "PUT /users/{id}", 4, [sql("user-db", "UPDATE users SET email = $2 WHERE id = $1")])
    return web("change address", chance, Call("account-service", "PUT /account", 4, [users, notify(chance)]))


def price_alert(chance: random.Random) -> Flow:
    return job("price-alert-job", "find lower prices", Call("pricing-service", "GET /changes", 6), notify(chance))


def partner(chance: random.Random) -> Flow:
    listing = Call("catalog-service", "GET /export", 9, [sql("catalog-db", "SELECT * FROM products", 30)])
    steps = [Call("partner-api", "GET /listing", 4, [legacy_auth(), listing])]
    return Flow(Call("partner-portal", "download listing", 2, steps), Kind.INTERNAL, user(chance))


Make = Callable[[random.Random], Flow]

FLOWS: dict[Make, int] = {
    checkout: 50,
    confirmation: 26,
    order_history: 24,
    profile: 30,
    login: 26,
    browse: 30,
    search: 22,
    cart: 20,
    stock_sync: 8,
    shipping: 12,
    returns: 8,
    support: 10,
    renewal: 6,
    review: 8,
    campaign: 4,
    account: 8,
    price_alert: 4,
    partner: 8,
}
"""How many requests of each kind there are."""

FAILURES: dict[tuple[Make, int], tuple[str, str, str]] = {
    (checkout, 9): ("payment-processor", "Card declined by issuer", "CardDeclined"),
    (checkout, 31): ("payment-processor", "Card declined by issuer", "CardDeclined"),
    (checkout, 40): ("postgres-main", "deadlock detected", "DeadlockDetected"),
    (login, 12): ("new-auth-service", "signing key not found", "KeyNotFound"),
    (partner, 5): ("legacy-auth", "LDAP bind failed", "LdapError"),
    (search, 17): ("search-index", "Circuit breaker open", "CircuitOpen"),
}
"""Which request of a kind fails, counted in the order of time, and where and why."""

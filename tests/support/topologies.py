"""Published topologies of demonstration systems: names of services and who calls whom, and traces with these calls.

Only the facts are from the sources named at each; the traces are made here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.support.building import GivenSpan, span
from tracetui.model.span import Kind

_MS = 1_000
_TRACES = 24
"""Traces of each entry point, enough for percentiles."""


@dataclass(frozen=True, slots=True)
class Topology:
    """Services by caller, each a text of names; `~` before a callee marks an asynchronous call."""

    entry: str
    callees: Mapping[str, str]
    focus: str
    """Service with many neighbours."""

    @property
    def calls(self) -> dict[tuple[str, str], bool]:
        """Pairs of caller and callee, and whether they call asynchronously."""
        return {
            (caller, name.removeprefix("~")): name.startswith("~")
            for caller, names in self.callees.items()
            for name in names.split()
        }

    def spans(self) -> list[GivenSpan]:
        """Return traces in which each service that is reached makes all its calls once."""
        entries = [self.entry, *(name for name in self.callees if name not in self._reached())]
        found: list[GivenSpan] = []
        for number in range(_TRACES * len(entries)):
            found += self._trace(entries[number % len(entries)], f"{number + 1:x}")
        return found

    def _reached(self) -> set[str]:
        reached = {self.entry}
        waiting = [self.entry]
        while waiting:
            for name in self.callees.get(waiting.pop(), "").split():
                name = name.removeprefix("~")
                if name not in reached:
                    reached.add(name)
                    waiting.append(name)
        return reached

    def _trace(self, entry: str, trace: str) -> list[GivenSpan]:
        spans: list[GivenSpan] = []
        seen = {entry}

        def add(service: str, parent: str, begin: int, end: int, kind: Kind) -> str:
            number = f"{len(spans) + 1:x}"
            spans.append(span(number, begin, end, service=service, name="call", parent=parent, kind=kind, trace=trace))
            return number

        waiting = [(entry, add(entry, "", 0, 900 * _MS, Kind.SERVER), 0, 900 * _MS)]
        while waiting:
            service, parent, begin, end = waiting.pop(0)
            callees = self.callees.get(service, "").split()
            step = (end - begin) // (len(callees) + 1)
            for at, callee in enumerate(callees):
                name = callee.removeprefix("~")
                first = begin + at * step
                half = Kind.PRODUCER if callee.startswith("~") else Kind.CLIENT
                client = add(service, parent, first, first + step - 1, half)
                entered = Kind.CONSUMER if half is Kind.PRODUCER else Kind.SERVER
                number = add(name, client, first + step // 20, first + step - step // 20 - 1, entered)
                if name not in seen:
                    seen.add(name)
                    waiting.append((name, number, first + step // 20, first + step - step // 20 - 1))
        return spans


ONLINE_BOUTIQUE = Topology(
    "loadgenerator",
    {
        "loadgenerator": "frontend",
        "frontend": "adservice recommendationservice productcatalogservice cartservice shippingservice currencyservice "
        "checkoutservice",
        "recommendationservice": "productcatalogservice",
        "checkoutservice": "productcatalogservice cartservice shippingservice currencyservice paymentservice "
        "emailservice",
        "cartservice": "redis-cart",
    },
    focus="checkoutservice",
)
"""github.com/GoogleCloudPlatform/microservices-demo, architecture in the README."""

OTEL_DEMO = Topology(
    "load-generator",
    {
        "load-generator": "frontend-proxy flagd",
        "frontend-proxy": "frontend image-provider flagd-ui",
        "frontend": "ad cart checkout currency product-catalog recommendation shipping",
        "ad": "flagd",
        "cart": "valkey-cart flagd",
        "checkout": "cart currency email payment product-catalog shipping ~accounting ~fraud-detection flagd",
        "fraud-detection": "flagd",
        "accounting": "postgresql",
        "payment": "flagd",
        "product-catalog": "flagd",
        "recommendation": "product-catalog flagd",
        "shipping": "quote",
    },
    focus="checkout",
)
"""opentelemetry.io/docs/demo/architecture; messages of the queue are drawn from producer to consumer."""

SOCIAL_NETWORK = Topology(
    "nginx-web-server",
    {
        "nginx-web-server": "compose-post-service home-timeline-service user-timeline-service social-graph-service "
        "user-service",
        "compose-post-service": "text-service media-service unique-id-service user-service post-storage-service "
        "user-timeline-service ~home-timeline-service",
        "text-service": "url-shorten-service user-mention-service",
        "url-shorten-service": "url-shorten-mongodb url-shorten-memcached",
        "user-mention-service": "user-mongodb user-memcached",
        "user-service": "user-mongodb user-memcached social-graph-service",
        "social-graph-service": "social-graph-mongodb social-graph-redis user-service",
        "home-timeline-service": "home-timeline-redis post-storage-service social-graph-service",
        "user-timeline-service": "user-timeline-mongodb user-timeline-redis post-storage-service",
        "post-storage-service": "post-storage-mongodb post-storage-memcached",
        "media-service": "media-mongodb media-memcached",
    },
    focus="compose-post-service",
)
"""github.com/delimitrou/DeathStarBench, socialNetwork; Gan et al., "An Open-Source Benchmark Suite", ASPLOS 2019."""

_BOOKING = "ts-basic-service ts-seat-service ts-station-service ts-food-service ts-consign-service ts-user-service"
TRAIN_TICKET = Topology(
    "ts-ui-dashboard",
    {
        "ts-ui-dashboard": "ts-preserve-service ts-preserve-other-service ts-cancel-service ts-rebook-service "
        "ts-execute-service ts-travel-plan-service ts-admin-order-service ts-admin-route-service "
        "ts-admin-travel-service ts-admin-user-service ts-admin-basic-info-service ts-auth-service ts-voucher-service",
        "ts-preserve-service": f"ts-assurance-service ts-security-service ts-contacts-service ts-travel-service "
        f"ts-order-service {_BOOKING} ~ts-notification-service",
        "ts-preserve-other-service": f"ts-assurance-service ts-security-service ts-contacts-service "
        f"ts-travel2-service ts-order-other-service {_BOOKING} ~ts-notification-service",
        "ts-cancel-service": "ts-order-service ts-order-other-service ts-inside-payment-service ts-user-service "
        "~ts-notification-service",
        "ts-rebook-service": "ts-seat-service ts-order-service ts-order-other-service ts-travel-service "
        "ts-travel2-service ts-inside-payment-service",
        "ts-execute-service": "ts-order-service ts-order-other-service",
        "ts-travel-plan-service": "ts-route-plan-service ts-travel-service ts-travel2-service ts-train-service "
        "ts-seat-service",
        "ts-route-plan-service": "ts-route-service ts-travel-service ts-travel2-service",
        "ts-travel-service": "ts-basic-service ts-seat-service ts-route-service ts-train-service ts-order-service",
        "ts-travel2-service": "ts-basic-service ts-seat-service ts-route-service ts-train-service "
        "ts-order-other-service",
        "ts-basic-service": "ts-station-service ts-train-service ts-route-service ts-price-service",
        "ts-seat-service": "ts-order-service ts-order-other-service ts-travel-service ts-travel2-service "
        "ts-config-service",
        "ts-order-service": "ts-station-service",
        "ts-order-other-service": "ts-station-service",
        "ts-security-service": "ts-order-service ts-order-other-service",
        "ts-inside-payment-service": "ts-order-service ts-order-other-service ts-payment-service",
        "ts-food-service": "ts-food-map-service ts-travel-service",
        "ts-consign-service": "ts-consign-price-service",
        "ts-admin-order-service": "ts-order-service ts-order-other-service",
        "ts-admin-route-service": "ts-route-service",
        "ts-admin-travel-service": "ts-travel-service ts-travel2-service",
        "ts-admin-user-service": "ts-user-service",
        "ts-admin-basic-info-service": "ts-station-service ts-train-service ts-config-service ts-price-service "
        "ts-contacts-service",
        "ts-user-service": "ts-auth-service",
        "ts-auth-service": "ts-verification-code-service",
        "ts-voucher-service": "ts-order-service",
    },
    focus="ts-inside-payment-service",
)
"""github.com/FudanSELab/train-ticket; Zhou et al., "Fault Analysis and Debugging of Microservice Systems", 2018."""

TOPOLOGIES: Mapping[str, Topology] = {
    "online-boutique": ONLINE_BOUTIQUE,
    "opentelemetry-demo": OTEL_DEMO,
    "social-network": SOCIAL_NETWORK,
    "train-ticket": TRAIN_TICKET,
}


def names_of(calls: Sequence[tuple[str, str]]) -> set[str]:
    return {name for pair in calls for name in pair}

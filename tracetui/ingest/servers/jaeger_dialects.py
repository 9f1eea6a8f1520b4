"""Other servers that implement Jaeger's API, and their deviations from it.

The sources are their request handlers: VictoriaTraces `app/vtselect/traces/jaeger`, Quickwit
`quickwit-serve/src/jaeger_api` and `quickwit-jaeger`, GreptimeDB `src/servers/src/http/jaeger.rs` and
`src/frontend/src/instance/jaeger.rs`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from tracetui.model.search import Search
from tracetui.model.times import SECOND_NS

_RESOURCE_KEY: Final = re.compile(
    r"(?:service|deployment|host|k8s|container|cloud|os|process|telemetry|faas|device|webengine|aws\.ecs)\.",
)
"""Attributes that OpenTelemetry's conventions assign to resources."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """Deviations of a server from Jaeger."""

    name: str = "Jaeger"
    searches_all_services: bool = False
    """True if its v1 search does not require a service."""
    sends_roots: bool = False
    """True if its search sends only the root span of each trace."""
    sends_newest: bool = True
    has_dependencies: bool = True
    has_metrics: bool = True
    excludes_bounds: bool = False
    """True if minimum and maximum durations are exclusive."""
    cuts_seconds: bool = False
    """True if it truncates the end of a window to whole seconds."""
    resource_prefix: str = ""
    """Prefix that it requires before the key of a resource attribute."""
    finds_attributes: str = ""
    """Description of the attributes that it finds, if not all of spans and resources."""
    pattern_prefix: str = ""
    """Prefix that makes it read a value as a regular expression."""
    v1_losses: str = ""
    """Description of the data that its v1 API omits."""

    def adapt(self, search: Search) -> Search:
        """Adapt a search to this server. The result may match slightly more."""
        changes: dict[str, object] = {}
        if self.excludes_bounds:
            if search.least_ns is not None:
                changes["least_ns"] = max(search.least_ns - 1, 0)
            if search.most_ns is not None:
                changes["most_ns"] = search.most_ns + 1
        if self.cuts_seconds:
            start, end = search.window()
            changes |= {"start_ns": start, "end_ns": -(-end // SECOND_NS) * SECOND_NS}
        if search.attributes and (self.resource_prefix or self.pattern_prefix):
            changes["attributes"] = {
                (self.resource_prefix if _RESOURCE_KEY.match(key) else "") + key: value
                for key, value in search.attributes.items()
                if not (self.pattern_prefix and value.startswith(self.pattern_prefix))
            }
        return msgspec.structs.replace(search, **changes) if changes else search

    def supported_search(self, search: Search) -> Search:
        """Remove conditions that this server does not support."""
        if not self.pattern_prefix:
            return search
        kept = {key: value for key, value in search.attributes.items() if not value.startswith(self.pattern_prefix)}
        return search if kept == search.attributes else msgspec.structs.replace(search, attributes=kept)


JAEGER: Final = Dialect()
VICTORIA_TRACES: Final = Dialect(
    "VictoriaTraces",
    has_metrics=False,
    excludes_bounds=True,
    resource_prefix="resource_attr:",
    finds_attributes="names such as service.x, host.x or k8s.x in resources only, all others in spans only",
    pattern_prefix="~",
)
QUICKWIT: Final = Dialect(
    "Quickwit",
    searches_all_services=True,
    sends_roots=True,
    has_dependencies=False,
    has_metrics=False,
    cuts_seconds=True,
)
GREPTIMEDB: Final = Dialect(
    "GreptimeDB",
    sends_newest=False,
    has_dependencies=False,
    has_metrics=False,
    v1_losses=(
        "GreptimeDB's v1 API sends no links, numbers with a fraction as 0, resource attributes with one trace of a"
        " service only, and no spans outside the search window"
    ),
)
PATHS: Final = {
    10428: "/select/jaeger",
    10471: "/select/jaeger",
    4000: "/v1/jaeger",
    7280: "/api/v1/otel-traces-v0_*/jaeger",
}
"""Paths of Jaeger's API by port: single-node VictoriaTraces and its cluster's vtselect, GreptimeDB, and Quickwit with
its usual indexes of traces.
"""
_BY_PATH: Final = (
    (re.compile(r"/select/jaeger$"), VICTORIA_TRACES),
    (re.compile(r"/v1/jaeger$"), GREPTIMEDB),
    (re.compile(r"/api/v1/[^/]+/jaeger$"), QUICKWIT),
)


def dialect_of(path: str, services: Mapping[str, msgspec.Raw] | None) -> Dialect:
    """Identify the server by the path of its API, else by the fields of its v1 list of services.

    services: the fields of that response in order; None if there is none.
    """
    for pattern, dialect in _BY_PATH:
        if pattern.search(path):
            return dialect
    keys = list(services or ())
    if keys == ["data"]:
        return QUICKWIT
    if keys == ["data", "errors", "limit", "offset", "total"]:
        return VICTORIA_TRACES
    if services and bytes(services.get("errors", b"")) == b"[]":
        return GREPTIMEDB
    return JAEGER

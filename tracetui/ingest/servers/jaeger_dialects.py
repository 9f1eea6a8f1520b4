"""Servers that answer Jaeger's API without being Jaeger, and what each of them does otherwise.

By their request handlers: VictoriaTraces `app/vtselect/traces/jaeger`, Quickwit `quickwit-serve/src/jaeger_api` and
`quickwit-jaeger`, GreptimeDB `src/servers/src/http/jaeger.rs` and `src/frontend/src/instance/jaeger.rs`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from tracetui.model.search import Search

_SECOND: Final = 1_000_000_000
_RESOURCE_KEY: Final = re.compile(
    r"(?:service|deployment|host|k8s|container|cloud|os|process|telemetry|faas|device|webengine|aws\.ecs)\.",
)
"""Attributes that OpenTelemetry's conventions give to resources."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server does otherwise than Jaeger."""

    name: str = "Jaeger"
    searches_all_services: bool = False
    """Whether its v1 search takes no service as any."""
    sends_roots: bool = False
    """Whether its search sends the root span of each trace alone."""
    sends_newest: bool = True
    has_dependencies: bool = True
    has_metrics: bool = True
    excludes_bounds: bool = False
    """Whether a least and a greatest duration leave out spans of that very duration."""
    cuts_seconds: bool = False
    """Whether it cuts the end of a window to whole seconds."""
    resource_prefix: str = ""
    """What it wants before the key of a resource's attribute."""
    finds_attributes: str = ""
    """Which attributes its search finds, in words, where that is not all of spans and resources."""
    pattern_prefix: str = ""
    """What makes it take a value for a regular expression."""
    v1_losses: str = ""
    """What its v1 API leaves out of traces, in words."""

    def adapted(self, search: Search) -> Search:
        """A search as this server has to be asked it: for everything that is wanted, perhaps for a little more."""
        changes: dict[str, object] = {}
        if self.excludes_bounds:
            if search.least_ns is not None:
                changes["least_ns"] = max(search.least_ns - 1, 0)
            if search.most_ns is not None:
                changes["most_ns"] = search.most_ns + 1
        if self.cuts_seconds:
            start, end = search.window()
            changes |= {"start_ns": start, "end_ns": -(-end // _SECOND) * _SECOND}
        if search.attributes and (self.resource_prefix or self.pattern_prefix):
            changes["attributes"] = {
                (self.resource_prefix if _RESOURCE_KEY.match(key) else "") + key: value
                for key, value in search.attributes.items()
                if not (self.pattern_prefix and value.startswith(self.pattern_prefix))
            }
        return msgspec.structs.replace(search, **changes) if changes else search

    def takes(self, search: Search) -> Search:
        """A search without what this server cannot be asked for."""
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
"""Where servers that listen on these ports have Jaeger's API: VictoriaTraces alone and its cluster's vtselect,
GreptimeDB, and Quickwit with its usual indexes of traces."""
_BY_PATH: Final = (
    (re.compile(r"/select/jaeger$"), VICTORIA_TRACES),
    (re.compile(r"/v1/jaeger$"), GREPTIMEDB),
    (re.compile(r"/api/v1/[^/]+/jaeger$"), QUICKWIT),
)


def dialect_of(path: str, services: Mapping[str, msgspec.Raw] | None) -> Dialect:
    """Tell which server answers, by where its API is, else by how it writes its v1 list of services.

    `services`: the fields of that list in their order, None where it has none.
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

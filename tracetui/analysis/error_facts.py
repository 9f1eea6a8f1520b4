"""Facts about single error spans: messages, cancellations, timeouts, successful responses and call targets.

Attributes are decoded span by span, so callers should pass few spans: errors and spans close to them.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from urllib.parse import urlsplit

import numpy as np

from tracetui.analysis.error_messages import NO_MESSAGE, message_among
from tracetui.analysis.message_templates import template
from tracetui.model import conventions
from tracetui.model.conventions import GRPC_STATUS, HTTP_STATUS
from tracetui.model.peers import called_peer
from tracetui.model.span import Attributes
from tracetui.model.traces import TraceSet

_NOTHING: Attributes = {}
_CODES = frozenset((*HTTP_STATUS, *GRPC_STATUS))
_CANCELLED, _DEADLINE_EXCEEDED = 1, 4
_TIMEOUT_WORDS = ("deadline exceeded", "deadline_exceeded", "timed out", "timeout")


class ErrorFacts:
    """Facts about all error spans of a set. Error `i` is span `spans[i]`, in ascending order."""

    def __init__(self, traces: TraceSet) -> None:
        self.traces = traces
        self.spans = np.flatnonzero(traces.error)
        count = len(self.spans)
        self.messages: list[str] = [""] * count
        """Messages of the errors, '' for none."""
        self.cancellation = bytearray(count)
        self.timeout = bytearray(count)
        read, resources = traces.span_bytes.read, traces.resources
        columns = (traces.resource, traces.raw_at, traces.attribute_bytes)
        rows = zip(self.spans.tolist(), *(column[self.spans].tolist() for column in columns), strict=True)
        for i, (span, resource, at, size) in enumerate(rows):
            attributes: Attributes = resources[resource].codec.attributes(read(at, size)) if size else _NOTHING
            text = self.messages[i] = message_among(traces, span, attributes)
            kind = _kind_of_text(text)
            if _CODES.isdisjoint(attributes):
                self.timeout[i], self.cancellation[i] = kind == _TIMEOUT, kind == _CANCELLATION
                continue
            http, grpc = http_code(attributes), grpc_code(attributes)
            self.timeout[i] = kind == _TIMEOUT or grpc == _DEADLINE_EXCEEDED or http in (504, 408)
            # a message that names a timeout takes precedence over a code
            self.cancellation[i] = kind == _CANCELLATION or (kind == 0 and (grpc == _CANCELLED or http == 499))

    @cached_property
    def _templates(self) -> dict[int, str]:
        return {}

    def template(self, i: int) -> str:
        """Return the template of an error's message; '' for none."""
        known = self._templates.get(i)
        if known is None:
            known = self._templates[i] = template(self.messages[i])
        return known

    def shown_message(self, i: int) -> str:
        """Return the message, or a placeholder if there is none."""
        return self.messages[i] or NO_MESSAGE


_CANCELLATION, _TIMEOUT = 1, 2


@lru_cache(maxsize=50_000)
def _kind_of_text(text: str) -> int:
    """Classify a message as a timeout, a cancellation or neither (0)."""
    lowered = text.lower()
    if any(word in lowered for word in _TIMEOUT_WORDS):
        return _TIMEOUT
    return _CANCELLATION if "canceled" in lowered or "cancelled" in lowered else 0


def shares_template(one: str, other: str) -> bool:
    """Test whether two templates are equal or one contains the other. An empty template matches none."""
    return bool(one and other) and (one in other or other in one)


def http_code(attributes: Attributes) -> int | None:
    """Return the HTTP status code; None for none."""
    for key in HTTP_STATUS:
        if key in attributes and (code := conventions.status_number(attributes[key])) is not None:
            return code
    return None


def grpc_code(attributes: Attributes) -> int | None:
    """Return the gRPC status as a number; None for none."""
    for key in GRPC_STATUS:
        if key in attributes and (code := conventions.grpc_code(attributes[key])) is not None:
            return code
    return None


def has_success_code(traces: TraceSet, span: int) -> bool:
    """Test whether a span itself has a code that means success: HTTP below 400, or gRPC 0."""
    if not traces.attribute_bytes[span]:
        return False
    attributes = traces.attributes(span)
    if _CODES.isdisjoint(attributes):
        return False
    http = http_code(attributes)
    return (http is not None and http < 400) or grpc_code(attributes) == 0


def logical_target(traces: TraceSet, span: int) -> tuple[str, str, str, str]:
    """Return the target of a call: peer, database namespace, statement and URL path, without host and port.

    Host and port are omitted because another attempt may go to another replica.
    """
    attributes = traces.attributes(span)
    path = _first(attributes, "url.path")
    if not path:
        url = _first(attributes, "url.full", "http.url", "http.target")
        try:
            path = urlsplit(url).path
        except ValueError:
            path = url
    return (
        _first(attributes, "service.peer.name", "peer.service"),
        _first(attributes, "db.namespace", "db.name"),
        _first(attributes, "db.query.text", "db.statement"),
        path,
    )


def _first(attributes: Attributes, *keys: str) -> str:
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def peer_of(traces: TraceSet, owner: np.ndarray, span: int) -> str:
    """Name the service, database, queue or host at the other end of a call; '' if the span is not a call.

    A span whose parent is in another service answers for its own service.
    owner: int32[n], `calls.owners`, as a span that names no service answers nothing.
    """
    peer = called_peer(int(traces.kind[span]), traces.attributes(span)) if traces.attribute_bytes[span] else None
    if peer is not None:
        return peer.name
    parent = int(traces.parent[span])
    if parent >= 0 and owner[parent] != owner[span]:
        return traces.service_name(span)
    return ""

"""Values of resource attributes by trace, from one decoding of each resource."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tracetui.model.traces import TraceSet
from tracetui.query.complete import value_texts


@dataclass(frozen=True, slots=True)
class TraceValues:
    """Values of an attribute, as pairs of a trace and a value."""

    service: str
    """Service whose resources have it; '' for any."""
    texts: tuple[str, ...]
    trace: np.ndarray
    """int64[k]"""
    value: np.ndarray
    """int64[k] into `texts`."""

    def having(self, value: int, trace_count: int) -> np.ndarray:
        """Find the traces that have a value: bool[traces]."""
        found = np.zeros(trace_count, bool)
        found[self.trace[self.value == value]] = True
        return found


@dataclass(slots=True)
class KeyCodes:
    """Values of a key in the resources that have it."""

    resources: list[int] = field(default_factory=list)
    """Positions in the resources of the set, ascending."""
    codes: list[int] = field(default_factory=list)
    """Values of these resources, into `numbers`."""
    numbers: dict[str, int] = field(default_factory=dict)
    """Codes by text."""

    def add(self, resource: int, text: str) -> None:
        self.resources.append(resource)
        self.codes.append(self.numbers.setdefault(text, len(self.numbers)))


class ResourceValues:
    """Attributes of the resources of a set, each of which is decoded once."""

    def __init__(self, traces: TraceSet, key: str | None = None) -> None:
        """`key`: the only attribute that is wanted; None for all."""
        self._traces = traces
        self.by_key: dict[str, KeyCodes] = {}
        for number, resource in enumerate(traces.resources):
            attributes = resource.codec.attributes(resource.raw)
            for name in attributes if key is None else attributes.keys() & {key}:
                texts = value_texts(attributes[name])
                if texts:
                    self.by_key.setdefault(name, KeyCodes()).add(number, texts[0])
        self._services = np.array([resource.service for resource in traces.resources], np.int64)
        # the spans, reduced to distinct pairs of a resource and a trace, by resource
        pairs = np.unique(traces.resource.astype(np.int64) * traces.trace_count + traces.trace)
        resource_of, self._trace = np.divmod(pairs, max(traces.trace_count, 1))
        self._first = np.searchsorted(resource_of, np.arange(len(traces.resources) + 1))

    def of_set(self, key: str) -> TraceValues:
        """Collect the values of a key in the whole set."""
        found = self.by_key.get(key, KeyCodes())
        _, trace, value = self._pairs(found)
        return distinct("", list(found.numbers), trace, value)

    def by_service(self, key: str) -> list[TraceValues]:
        """Collect the values of a key for each service that has spans with it."""
        found = self.by_key.get(key, KeyCodes())
        service, trace, value = self._pairs(found)
        if not len(trace):
            return []
        texts = list(found.numbers)
        order = np.argsort(service, kind="stable")
        numbers, first = np.unique(service[order], return_index=True)
        return [
            distinct(self._traces.services[number], texts, trace[of], value[of])
            for number, of in zip(numbers.tolist(), np.split(order, first[1:]), strict=True)
        ]

    def _pairs(self, found: KeyCodes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """List the traces that have spans of the resources with a key. -> service, trace, code: int64[k] each"""
        resources, codes = np.array(found.resources, np.int64), np.array(found.codes, np.int64)
        first = self._first[resources]
        counts = self._first[resources + 1] - first
        # positions of the pairs of each resource, one resource after another
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        at = np.repeat(first, counts) + within
        return np.repeat(self._services[resources], counts), self._trace[at], np.repeat(codes, counts)


def distinct(service: str, texts: Sequence[str], trace: np.ndarray, value: np.ndarray) -> TraceValues:
    """Remove repeated pairs, and values that do not occur."""
    width = max(len(texts), 1)
    traces, values = np.divmod(np.unique(trace * width + value), width)
    kept, codes = np.unique(values, return_inverse=True)
    return TraceValues(service, tuple(texts[number] for number in kept.tolist()), traces, codes)

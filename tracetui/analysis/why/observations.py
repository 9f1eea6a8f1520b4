"""Spans of two trace sets, before and after, as columns with common numbers for services and operations."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np

from tracetui.analysis.calls import Calls, find_calls
from tracetui.analysis.self_time import self_times
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet

_T = TypeVar("_T", bound=Hashable)


class Numbered(Generic[_T]):
    """Numbers of distinct values, given in the order of their appearance."""

    def __init__(self) -> None:
        self.numbers: dict[_T, int] = {}

    def number(self, value: _T) -> int:
        return self.numbers.setdefault(value, len(self.numbers))

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def values(self) -> list[_T]:
        """All values; to be read when all are known."""
        return list(self.numbers)


@dataclass(frozen=True, eq=False, slots=True)
class ObservedSpans:
    """Spans of one set. Numbers of services and operations are common to both sets.

    A *caller's span* is the span of a call whose only child answers it in another service, or that calls a target
    without spans; its self time is network time, or the target's.
    """

    traces: TraceSet
    calls: Calls
    service: np.ndarray
    """int32[n]"""
    operation: np.ndarray
    """int32[n]"""
    self_time: np.ndarray
    """int64[n] ns."""
    answered: np.ndarray
    """int32[n], operation that answers a caller's span; -1 for other spans."""
    target: np.ndarray
    """int32[n], for a caller's span the service or target that it calls; -1 for other spans."""

    def __len__(self) -> int:
        return len(self.traces)


class Observations:
    """Two sets with common numbers."""

    def __init__(self, before: TraceSet, after: TraceSet) -> None:
        self.services = Numbered[str]()
        self.operations = Numbered[tuple[str, str]]()
        self._peers: set[int] = set()
        self.before, self.after = (self._observed(traces) for traces in (before, after))

    def is_peer(self, service: int) -> bool:
        """Test whether a service is a target without spans of its own."""
        return service in self._peers

    def service_name(self, service: int) -> str:
        return self.services.values[service]

    def operation_name(self, operation: int) -> tuple[str, str]:
        """Return service and operation."""
        return self.operations.values[operation]

    def _observed(self, traces: TraceSet) -> ObservedSpans:
        calls = find_calls(traces)
        services = np.array([self.services.number(name) for name in calls.nodes] or [0], np.int32)
        self._peers.update(services[calls.first_peer :].tolist() if len(calls.nodes) else ())
        operation = self._operations(traces)
        answered, target = _calls_out(traces, calls, operation)
        return ObservedSpans(
            traces,
            calls,
            services[traces.service],
            operation,
            self_times(traces),
            answered,
            np.where(target >= 0, services[target], np.int32(-1)),
        )

    def _operations(self, traces: TraceSet) -> np.ndarray:
        """Number the operations: int32[n]."""
        distinct, codes = np.unique(traces.operation, return_inverse=True)
        numbers = [self.operations.number(traces.operation_label(one)) for one in distinct.tolist()]
        return np.array(numbers or [0], np.int32)[codes]


def _calls_out(traces: TraceSet, calls: Calls, operation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the caller's spans. -> int32[n] operation that answers, int32[n] node that is called; -1 for none"""
    count = len(traces)
    answered, target = np.full(count, -1, np.int32), np.full(count, -1, np.int32)
    parent = traces.parent
    child = np.flatnonzero(parent >= 0)
    children = np.bincount(parent[child], minlength=count)
    only = child[(children[parent[child]] == 1) & (traces.kind[child] != Kind.CONSUMER)]
    across = only[traces.service[only] != traces.service[parent[only]]]
    answered[parent[across]] = operation[across]
    target[parent[across]] = traces.service[across]
    # the innermost span of a call that no span answers
    outward = np.flatnonzero(calls.outward & ~calls.is_async)
    span = calls.span[outward]
    leaf = children[span] == 0
    target[span[leaf]] = calls.callee[outward[leaf]]
    return answered, target

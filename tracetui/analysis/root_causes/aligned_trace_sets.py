"""Spans of a baseline and of an incident, with the same numbers for services and operations in both."""

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


class Numbering(Generic[_T]):
    """Consecutive numbers of distinct values, in the order of their first use."""

    def __init__(self) -> None:
        self.numbers: dict[_T, int] = {}

    def number(self, value: _T) -> int:
        """Look up the number of a value, or give it the next one."""
        return self.numbers.setdefault(value, len(self.numbers))

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def values(self) -> list[_T]:
        """All values by number; to be read when all are numbered."""
        return list(self.numbers)


@dataclass(frozen=True, eq=False, slots=True)
class AlignedSpans:
    """Spans of one trace set, with numbers that hold for both sets.

    A *call span* is the caller's span of a call: its only child is the span of another service, or it calls an external
    target. Its self time is spent on the network, or in the target.
    """

    traces: TraceSet
    service: np.ndarray
    """int32[n]"""
    operation: np.ndarray
    """int32[n]"""
    self_time: np.ndarray
    """int64[n] ns."""
    callee: np.ndarray
    """int32[n], for a call span the operation that it calls; -1 for other spans and external targets."""
    target: np.ndarray
    """int32[n], for a call span the service or external target that it calls; -1 for other spans."""
    step: np.ndarray
    """int32[n] into `AlignedSets.steps`: what the span does for its parent."""

    def __len__(self) -> int:
        return len(self.traces)


class AlignedSets:
    """A baseline and an incident with common numbers for services and operations."""

    def __init__(self, baseline: TraceSet, incident: TraceSet) -> None:
        self.services = Numbering[str]()
        self.operations = Numbering[tuple[str, str]]()
        self.steps = Numbering[tuple[int, int]]()
        """Operation, and the operation that it calls or -1: generic names, such as "HTTP GET", call several."""
        self._external: set[int] = set()
        self.baseline, self.incident = (self._aligned(traces) for traces in (baseline, incident))

    def is_external(self, service: int) -> bool:
        """Test for a call target without spans of its own."""
        return service in self._external

    def service_name(self, service: int) -> str:
        return self.services.values[service]

    def operation_name(self, operation: int) -> tuple[str, str]:
        """Return service and operation."""
        return self.operations.values[operation]

    def step_name(self, step: int) -> str:
        """Name the operation of a step, and the operation that it calls."""
        operation, callee = self.steps.values[step]
        name = " ".join(self.operation_name(operation))
        return name if callee < 0 else f"{name} to {' '.join(self.operation_name(callee))}"

    def services_of(self, operation: np.ndarray) -> np.ndarray:
        """Look up the service of each operation: int64[m]."""
        numbers = self.services.numbers
        service = np.array([numbers[name] for name, _ in self.operations.values] or [0], np.int64)
        found: np.ndarray = service[operation]
        return found

    def _aligned(self, traces: TraceSet) -> AlignedSpans:
        calls = find_calls(traces)
        services = np.array([self.services.number(name) for name in calls.nodes] or [0], np.int32)
        self._external.update(services[calls.first_peer :].tolist() if len(calls.nodes) else ())
        operation = self._operations(traces)
        callee, target = call_spans(traces, calls, operation)
        return AlignedSpans(
            traces,
            services[traces.service],
            operation,
            self_times(traces),
            callee,
            np.where(target >= 0, services[target], np.int32(-1)),
            self._steps(operation, callee),
        )

    def _operations(self, traces: TraceSet) -> np.ndarray:
        """Number the operations: int32[n]."""
        distinct, codes = np.unique(traces.operation, return_inverse=True)
        numbers = [self.operations.number(traces.operation_label(operation)) for operation in distinct.tolist()]
        return np.array(numbers or [0], np.int32)[codes]

    def _steps(self, operation: np.ndarray, callee: np.ndarray) -> np.ndarray:
        """Number the pairs of operation and called operation: int32[n]."""
        distinct, codes = np.unique((operation.astype(np.int64) << 32) + callee + 1, return_inverse=True)
        pairs = [(pair >> 32, (pair & 0xFFFFFFFF) - 1) for pair in distinct.tolist()]
        return np.array([self.steps.number(pair) for pair in pairs] or [0], np.int32)[codes]


def call_spans(traces: TraceSet, calls: Calls, operation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the call spans. -> int32[n] operation, int32[n] node of `calls` that each span calls; -1 for none

    operation: int32[n], number of each span's operation.
    """
    count = len(traces)
    callee, target = np.full(count, -1, np.int32), np.full(count, -1, np.int32)
    parent = traces.parent
    child = np.flatnonzero(parent >= 0)
    child_count = np.bincount(parent[child], minlength=count)
    only = child[(child_count[parent[child]] == 1) & (traces.kind[child] != Kind.CONSUMER)]
    remote = only[traces.service[only] != traces.service[parent[only]]]
    callee[parent[remote]] = operation[remote]
    target[parent[remote]] = traces.service[remote]
    # of nested spans of a call to an external target, the innermost is the call span
    outward = np.flatnonzero(calls.outward & ~calls.is_async)
    span = calls.span[outward]
    is_leaf = child_count[span] == 0
    target[span[is_leaf]] = calls.callee[outward[is_leaf]]
    return callee, target

"""Errors: which span a failure began at, which it spread to, and the patterns that failures follow."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.groups import group_slices
from tracetui.analysis.messages import error_message, template
from tracetui.model.traces import TraceSet

EXAMPLES = 5


class Role(enum.IntEnum):
    """The part an error span has in a failure."""

    NONE = 0
    ORIGIN = 1
    """No error span among its descendants."""
    PROPAGATED = 2
    """An error span among its descendants."""


def roles(traces: TraceSet) -> np.ndarray:
    """uint8[n] of `Role`."""
    errors_before = np.zeros(len(traces) + 1, np.int64)
    np.cumsum(traces.error, out=errors_before[1:])
    below = errors_before[traces.subtree_end] - errors_before[1:]
    result: np.ndarray = np.where(traces.error, np.where(below > 0, Role.PROPAGATED, Role.ORIGIN), Role.NONE)
    return result.astype(np.uint8)


def first_origin(traces: TraceSet, trace: int) -> int | None:
    """The first span of a trace that an error began in, None of a trace that did not fail."""
    begin, end = int(traces.first[trace]), int(traces.first[trace + 1])
    errors = begin + np.flatnonzero(traces.error[begin:end])
    if not len(errors):
        return None
    # none of the errors after it is within its subtree
    last = np.searchsorted(errors, traces.subtree_end[errors]) == np.arange(len(errors)) + 1
    return int(errors[np.argmax(last)])


def swallowed(traces: TraceSet) -> np.ndarray:
    """bool[n]: errors whose parent exists and is no error."""
    answer: np.ndarray = traces.error & (traces.parent >= 0) & ~traces.error[traces.parent]
    return answer


def retried(traces: TraceSet) -> np.ndarray:
    """bool[n]: errors with a later-starting sibling of the same service and operation that succeeded."""
    spans = np.flatnonzero(traces.parent >= 0)
    order = spans[np.lexsort((traces.start[spans], traces.exact_operation[spans], traces.parent[spans]))]
    answer = np.zeros(len(traces), bool)
    if not len(order):
        return answer
    alike = (traces.parent[order[1:]] == traces.parent[order[:-1]]) & (
        traces.exact_operation[order[1:]] == traces.exact_operation[order[:-1]]
    )
    group = np.concatenate(([0], np.cumsum(~alike)))
    latest_success = np.full(int(group[-1]) + 1, np.iinfo(np.int64).min)
    fine = ~traces.error[order]
    np.maximum.at(latest_success, group[fine], traces.start[order[fine]])
    answer[order] = traces.error[order] & (latest_success[group] > traces.start[order])
    return answer


@dataclass(frozen=True, slots=True)
class ErrorPattern:
    """Error origins of one service with the same message template. Times are nanoseconds since the epoch."""

    service: str
    message: str
    """The message if all have the same, else the template."""
    template: str
    operations: tuple[str, ...]
    """Commonest first."""
    count: int
    """Origins of this pattern; propagated spans are not among them."""
    percent: float
    """Of all origins of the set."""
    propagated_count: int
    propagated_to: tuple[tuple[str, int], ...]
    """Services with the number of their spans that became errors because of it: nearest first, then most."""
    swallowed_count: int
    retried_count: int
    trace_count: int
    first_seen: int
    last_seen: int
    example_traces: tuple[int, ...]
    """Worst first: the traces with the most error spans, then the longest."""
    spans: np.ndarray
    """The origins, int64[count]."""

    @property
    def is_cut_off(self) -> bool:
        """Whether every one was swallowed, though spans further up are errors."""
        return self.propagated_count > 0 and self.swallowed_count == self.count


@dataclass(frozen=True, slots=True)
class Errors:
    """The errors of a trace set."""

    error_trace_count: int
    trace_count: int
    error_rate: float
    """Failed traces of all traces, in percent."""
    patterns: tuple[ErrorPattern, ...]
    """Commonest first."""


def find_errors(traces: TraceSet) -> Errors:
    """Find the failed traces and the patterns of their errors."""
    failed = int((traces.trace_errors > 0).sum())
    return Errors(
        error_trace_count=failed,
        trace_count=traces.trace_count,
        error_rate=100 * failed / traces.trace_count if traces.trace_count else 0.0,
        patterns=tuple(_patterns(traces)),
    )


def _patterns(traces: TraceSet) -> list[ErrorPattern]:
    role = roles(traces)
    origins = np.flatnonzero(role == Role.ORIGIN)
    if not len(origins):
        return []
    messages = [error_message(traces, span) for span in origins.tolist()]
    numbers: dict[tuple[int, str], int] = {}
    services = traces.service[origins].tolist()
    number = np.array(
        [
            numbers.setdefault((service, template(text)), len(numbers))
            for service, text in zip(services, messages, strict=True)
        ]
    )
    propagated = np.flatnonzero(role == Role.PROPAGATED)
    was_swallowed, was_retried = swallowed(traces), retried(traces)
    order, distinct, first = group_slices(number)
    keys = list(numbers)
    patterns = []
    for pattern, begin, end in zip(distinct.tolist(), first[:-1].tolist(), first[1:].tolist(), strict=True):
        members = order[begin:end]
        spans = origins[members]
        texts = {messages[i] for i in members.tolist()}
        service, pattern_template = keys[pattern]
        touched = np.unique(traces.trace[spans])
        spread = _reached(traces, spans, touched, propagated)
        became = Counter(traces.service[spread].tolist())
        hops = _hops(traces, spans, spread)
        operations = Counter(traces.shape[spans].tolist())
        worst = touched[np.lexsort((-traces.trace_duration[touched], -traces.trace_errors[touched]))]
        patterns.append(
            ErrorPattern(
                service=traces.services[service],
                message=texts.pop() if len(texts) == 1 else pattern_template,
                template=pattern_template,
                operations=tuple(traces.shapes[shape] for shape, _ in operations.most_common()),
                count=len(spans),
                percent=100 * len(spans) / len(origins),
                propagated_count=len(spread),
                propagated_to=tuple(
                    (traces.services[s], times)
                    for s, times in sorted(
                        became.items(), key=lambda one: (hops[one[0]], -one[1], traces.services[one[0]])
                    )
                ),
                swallowed_count=int(was_swallowed[spans].sum()),
                retried_count=int(was_retried[spans].sum()),
                trace_count=len(touched),
                first_seen=int(traces.start[spans].min()),
                last_seen=int(traces.start[spans].max()),
                example_traces=tuple(worst[:EXAMPLES].tolist()),
                spans=spans,
            )
        )
    return sorted(patterns, key=lambda p: (-p.count, p.service, p.message))


def _reached(traces: TraceSet, origins: np.ndarray, touched: np.ndarray, propagated: np.ndarray) -> np.ndarray:
    """The propagated errors with one of these origins below them."""
    begin = np.searchsorted(propagated, traces.first[touched])
    end = np.searchsorted(propagated, traces.first[touched + 1])
    sizes = end - begin
    near = propagated[np.repeat(begin - np.cumsum(sizes) + sizes, sizes) + np.arange(int(sizes.sum()))]
    inside = np.searchsorted(origins, traces.subtree_end[near]) - np.searchsorted(origins, near)
    reached: np.ndarray = near[inside > 0]
    return reached


def _hops(traces: TraceSet, origins: np.ndarray, spread: np.ndarray) -> dict[int, int]:
    """How many spans up each service is first reached, from origins to the propagated errors above them."""
    first, last = np.searchsorted(origins, spread), np.searchsorted(origins, traces.subtree_end[spread])
    up = _least_between(traces.depth[origins], first, last) - traces.depth[spread]
    # the last one that is set stays
    order = np.argsort(-up, kind="stable")
    return dict(zip(traces.service[spread[order]].tolist(), up[order].tolist(), strict=True))


def _least_between(values: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The least of `values[first:last]` of each pair, none of which is empty: int64[pairs].

    Of two neighbouring stretches of one size the lesser is that of a stretch of twice the size; two of those, which
    may overlap, cover any stretch.
    """
    result = np.zeros(len(first), np.int64)
    lengths = last - first
    size, least = 1, values
    while len(lengths) and size <= lengths.max():
        now = (lengths >= size) & (lengths < 2 * size)
        result[now] = np.minimum(least[first[now]], least[last[now] - size])
        least = np.minimum(least[:-size], least[size:])
        size *= 2
    return result

"""Errors: where failures began, where they propagated to, and their patterns."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.error_causes import ErrorCauses, find_causes
from tracetui.analysis.message_templates import template
from tracetui.analysis.outcomes import Outcome, outcomes
from tracetui.analysis.requests import failed_requests
from tracetui.analysis.stats.groups import group_slices
from tracetui.model.traces import TraceSet

EXAMPLES = 5


class ErrorRole(enum.IntEnum):
    """Role of an error span in a failure (see `analysis.error_causes`)."""

    NONE = 0
    ORIGIN = 1
    """No error below caused it."""
    PROPAGATED = 2
    """Some error below caused it."""
    CANCELLED = 3
    """A cancellation that something else explains. It may have causes, but causes nothing."""


def roles(traces: TraceSet) -> np.ndarray:
    """uint8[n] of `ErrorRole`."""
    found = find_causes(traces)
    result = np.zeros(len(traces), np.uint8)
    propagated = np.array(found.propagated, np.uint8)
    role = np.where(propagated > 0, ErrorRole.PROPAGATED, ErrorRole.ORIGIN)
    result[found.spans] = np.where(np.array(found.explained, np.uint8) > 0, ErrorRole.CANCELLED, role)
    return result


def first_origin(traces: TraceSet, trace: int) -> int | None:
    """Return the first origin of a trace; its first error if all were cancelled, None for a trace without errors."""
    found = find_causes(traces)
    begin, end = np.searchsorted(found.spans, traces.first[trace : trace + 2]).tolist()
    for i in range(begin, end):
        if not found.propagated[i] and not found.explained[i]:
            return int(found.spans[i])
    return int(found.spans[begin]) if begin < end else None


def retried(traces: TraceSet) -> np.ndarray:
    """bool[n]: error spans after which a later attempt succeeded (see `analysis.attempts`)."""
    result = np.zeros(len(traces), bool)
    result[find_causes(traces).superseded] = True
    result &= traces.error
    return result


def timed_out(traces: TraceSet) -> np.ndarray:
    """bool[n]: error spans whose message or status is that of a timeout."""
    facts = find_causes(traces).facts
    result = np.zeros(len(traces), bool)
    result[facts.spans] = np.frombuffer(facts.timeout, np.uint8) > 0
    return result


def causes_of(traces: TraceSet, span: int) -> list[int]:
    """List the error spans that caused this one: cancellations last, otherwise the latest end first."""
    found = find_causes(traces)
    own = int(np.searchsorted(found.spans, span))
    until = int(np.searchsorted(found.spans, traces.subtree_end[span]))
    if own == until or found.spans[own] != span:
        return []
    below = [i for i in range(own + 1, until) if found.is_cause(i, own)]
    below.sort(key=lambda i: (found.facts.cancellation[i], -int(traces.end[found.spans[i]]), i))
    return [int(found.spans[i]) for i in below]


@dataclass(frozen=True, slots=True)
class ErrorPattern:
    """Error origins of one service with the same message template. Times are nanoseconds since the epoch."""

    service: str
    message: str
    """The message if it is the same in all, else the template."""
    template: str
    operations: tuple[str, ...]
    """Commonest first."""
    count: int
    """Number of origins with this pattern, without propagated errors."""
    percent: float
    """Share of all origins in the set, in percent."""
    propagated_count: int
    propagated_to: tuple[tuple[str, int], ...]
    """Services that it propagated to, with the number of error spans there: nearest first, then most."""
    failed_request_count: int
    """Number of requests that its origins failed; the other counts are of origins."""
    unknown_count: int
    background_count: int
    swallowed_count: int
    """Number of origins that were handled, including retried ones."""
    retried_count: int
    """Number of those that a later attempt handled."""
    first_seen: int
    last_seen: int
    traces: np.ndarray
    """Its traces, int64[trace_count], worst first: failed requests, then most error spans, then longest response."""
    spans: np.ndarray
    """The origins, int64[count]."""

    @property
    def trace_count(self) -> int:
        return len(self.traces)

    @property
    def example_traces(self) -> tuple[int, ...]:
        """The worst traces, at most `EXAMPLES`."""
        return tuple(self.traces[:EXAMPLES].tolist())


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of a trace set."""

    error_trace_count: int
    """Traces with at least one error span."""
    trace_count: int
    error_rate: float
    """Traces with errors, in percent of all traces."""
    failed_request_count: int
    failed_request_rate: float
    """Failed requests, in percent of all traces."""
    cancelled_count: int
    """Number of explained cancellations, which belong to no pattern."""
    patterns: tuple[ErrorPattern, ...]
    """Commonest first."""

    def by_service(self) -> dict[str, list[ErrorPattern]]:
        """Group the patterns by service: the service with most origins first, the commonest pattern first."""
        found: dict[str, list[ErrorPattern]] = {}
        for pattern in self.patterns:
            found.setdefault(pattern.service, []).append(pattern)
        counts = {service: sum(pattern.count for pattern in patterns) for service, patterns in found.items()}
        return dict(sorted(found.items(), key=lambda one: (-counts[one[0]], one[0])))


def find_errors(traces: TraceSet) -> Errors:
    """Find the traces with errors, the failed requests, and the patterns of the errors."""
    with_errors, failed = int((traces.trace_errors > 0).sum()), int(failed_requests(traces).sum())
    count = traces.trace_count
    found = find_causes(traces)
    return Errors(
        error_trace_count=with_errors,
        trace_count=count,
        error_rate=100 * with_errors / count if count else 0.0,
        failed_request_count=failed,
        failed_request_rate=100 * failed / count if count else 0.0,
        cancelled_count=sum(found.explained),
        patterns=tuple(_patterns(traces, found)),
    )


def _patterns(traces: TraceSet, found: ErrorCauses) -> list[ErrorPattern]:
    pairs = zip(found.propagated, found.explained, strict=True)
    origins = np.array([i for i, either in enumerate(pairs) if either == (0, 0)], np.int64)
    if not len(origins):
        return []
    messages = [found.facts.shown_message(i) for i in origins.tolist()]
    spans_of = found.spans[origins]
    numbers: dict[tuple[int, str], int] = {}
    services = traces.service[spans_of].tolist()
    number = np.array(
        [
            numbers.setdefault((service, template(text)), len(numbers))
            for service, text in zip(services, messages, strict=True)
        ]
    )
    outcome = outcomes(traces)
    order, distinct, first = group_slices(number)
    keys = list(numbers)
    patterns = []
    for pattern, begin, end in zip(distinct.tolist(), first[:-1].tolist(), first[1:].tolist(), strict=True):
        members = order[begin:end]
        spans = spans_of[members]
        texts = {messages[i] for i in members.tolist()}
        service, pattern_template = keys[pattern]
        touched = np.unique(traces.trace[spans])
        propagated_spans = _propagated_to(found, origins[members])
        by_service = Counter(traces.service[propagated_spans].tolist())
        hops = _hops(traces, spans, propagated_spans)
        operations = Counter(traces.shape[spans].tolist())
        of_outcome = Counter(outcome[spans].tolist())
        failed = np.unique(traces.trace[spans[outcome[spans] == Outcome.FAILED]])
        order_of_traces = (-traces.response_time[touched], -traces.trace_errors[touched], ~np.isin(touched, failed))
        patterns.append(
            ErrorPattern(
                service=traces.services[service],
                message=texts.pop() if len(texts) == 1 else pattern_template,
                template=pattern_template,
                operations=tuple(traces.shapes[shape] for shape, _ in operations.most_common()),
                count=len(spans),
                percent=100 * len(spans) / len(origins),
                propagated_count=len(propagated_spans),
                propagated_to=tuple(
                    (traces.services[s], times)
                    for s, times in sorted(
                        by_service.items(), key=lambda one: (hops[one[0]], -one[1], traces.services[one[0]])
                    )
                ),
                failed_request_count=len(failed),
                unknown_count=of_outcome[Outcome.UNKNOWN],
                background_count=of_outcome[Outcome.BACKGROUND],
                swallowed_count=of_outcome[Outcome.HANDLED] + of_outcome[Outcome.RETRIED],
                retried_count=of_outcome[Outcome.RETRIED],
                first_seen=int(traces.start[spans].min()),
                last_seen=int(traces.start[spans].max()),
                traces=touched[np.lexsort(order_of_traces)],
                spans=spans,
            )
        )
    return sorted(patterns, key=lambda p: (-p.count, p.service, p.message))


def _propagated_to(found: ErrorCauses, origins: np.ndarray) -> np.ndarray:
    """List the distinct error spans that these origins propagated to, ascending: int64[m]."""
    passed: set[int] = set()
    others: set[int] = set()
    for i in origins.tolist():
        top = found.topmost(i)
        if top is None:
            others.update(found.propagated_to(i))
            continue
        # where two paths meet they continue to the same end
        while i != top and (i := found.above[i]) not in passed:
            passed.add(i)
    propagated, explained = found.propagated, found.explained
    errors = [i for i in passed | others if propagated[i] and not explained[i]]
    spans: np.ndarray = found.spans[np.array(sorted(errors), np.int64)]
    return spans


def _hops(traces: TraceSet, origins: np.ndarray, propagated_spans: np.ndarray) -> dict[int, int]:
    """Compute for each service the least number of spans between an origin and a propagated error above it."""
    first, last = (
        np.searchsorted(origins, propagated_spans),
        np.searchsorted(origins, traces.subtree_end[propagated_spans]),
    )
    up = _least_between(traces.depth[origins], first, last) - traces.depth[propagated_spans]
    # of repeated indices the last assignment stays
    order = np.argsort(-up, kind="stable")
    return dict(zip(traces.service[propagated_spans[order]].tolist(), up[order].tolist(), strict=True))


def _least_between(values: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Compute the minimum of `values[first:last]` for each pair, none empty: int64[pairs].

    Minima of ranges of length 2**k are combined from two of half that length; any range is covered by two of these,
    which may overlap.
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

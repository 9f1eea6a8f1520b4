"""Bottlenecks: the operations with the largest shares of the critical paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter

import numpy as np

from tracetui.analysis.critical_path import CriticalPaths
from tracetui.analysis.error_messages import stated_message
from tracetui.analysis.message_templates import template
from tracetui.analysis.network import MOSTLY_PERCENT, NetworkTimes, network_by_operation
from tracetui.analysis.stats.groups import Groups, group_positions, group_slices
from tracetui.model.span import Value
from tracetui.model.sql import is_sql, normalised
from tracetui.model.traces import TraceSet

BOTTLENECK_PERCENT = 20.0
"""Share of the critical paths, in percent, above which an operation is a bottleneck."""

_SAMPLED_SPANS = 2_000
_SAMPLED_TOTAL = 400_000
"""Largest number of spans read for all bottlenecks together; at least `_MIN_SAMPLED` are read for each."""
_MIN_SAMPLED = 2
_MIN_SAMPLE_SHARE = 0.1
_LONGEST_PATTERN = 300


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """Operation on the critical path, over the traces in which it occurs."""

    service: str
    operation: str
    mean_critical_ns: float
    """Time on the critical path, per trace in which it occurs."""
    share_percent: float
    """Share of the critical path time of those traces."""
    total_share_percent: float
    """The same time as a share of all critical path time in the set."""
    occurrences: int
    """Number of traces in which it occurs, without asynchronous work."""
    trace_count: int
    span_count: int
    pattern: str
    """Commonest normalised detail of its spans; '' if they have none."""
    network_ns: float = 0.0
    """Network time on the critical path, per trace in which it occurs."""
    network_to: str = ""
    """Service that it waits for the network to, if that is most of its critical time; else ''."""


@dataclass(frozen=True, slots=True, eq=False)
class CriticalOperations:
    """Operations with spans that requests wait for, as columns, by total time on the critical path."""

    operation: np.ndarray
    """int64[n], `TraceSet.operation`."""
    critical_ns: np.ndarray
    """float64[n], total over all traces."""
    share_percent: np.ndarray
    """float64[n], share of the critical path time of its traces."""
    total_share_percent: np.ndarray
    """float64[n], share of all critical path time."""
    trace_count: np.ndarray
    """int64[n], traces in which it occurs."""

    def __iter__(self) -> Iterator[tuple[int, float, float, float, int]]:
        """Yield the rows."""
        shares = (self.share_percent.tolist(), self.total_share_percent.tolist())
        rows = (self.operation.tolist(), self.critical_ns.tolist(), *shares, self.trace_count.tolist())
        return zip(*rows, strict=True)


def critical_operations(paths: CriticalPaths) -> CriticalOperations:
    """Rank the operations by total time on the critical path, without asynchronous work."""
    traces = paths.traces
    spans = np.flatnonzero(~paths.asynchronous)
    if not len(spans):
        none, nothing = np.zeros(0, np.int64), np.zeros(0)
        return CriticalOperations(none, nothing, nothing, nothing, none)
    order, distinct, first = group_slices(traces.operation[spans])
    order = spans[order]
    begins = first[:-1]
    critical = np.add.reduceat(paths.critical[order], begins, dtype=np.float64)
    # spans are sorted by trace, so the first span of each operation in a trace represents the pair
    trace = traces.trace[order]
    is_first = np.append(True, trace[1:] != trace[:-1])
    is_first[begins] = True
    occurs = np.add.reduceat(is_first.astype(np.int64), begins)
    time = np.add.reduceat(np.where(is_first, paths.trace_critical[trace], 0), begins, dtype=np.float64)
    whole = float(paths.trace_critical.sum(dtype=np.float64))
    share = np.divide(100 * critical, time, out=np.zeros_like(critical), where=time > 0)
    total = 100 * critical / whole if whole else np.zeros_like(critical)
    # of equal ones the first in the traces, not the one with the lowest number: numbers differ between sources
    order = np.lexsort((order[begins], -critical))
    return CriticalOperations(distinct[order], critical[order], share[order], total[order], occurs[order])


@dataclass(frozen=True, slots=True, eq=False)
class BottleneckColumns:
    """Bottlenecks as columns, by total time in the set. There may be as many as spans, and few are shown."""

    traces: TraceSet
    operation: np.ndarray
    """int64[n], `TraceSet.operation`."""
    mean_critical_ns: np.ndarray
    share_percent: np.ndarray
    total_share_percent: np.ndarray
    """float64[n], as in `Bottleneck`."""
    occurrences: np.ndarray
    """int64[n], as in `Bottleneck`."""
    network_ns: np.ndarray
    """float64[n], as in `Bottleneck`."""
    network_to: np.ndarray
    """int64[n] into the services, -1 for none: as in `Bottleneck`."""
    spans: Groups
    """Spans of each operation, without asynchronous work."""
    group: np.ndarray
    """int64[n] into `spans`."""

    def __len__(self) -> int:
        return len(self.operation)

    @property
    def span_count(self) -> np.ndarray:
        """int64[n], number of spans."""
        sizes: np.ndarray = np.diff(self.spans.first)[self.group]
        return sizes

    def names(self, rows: np.ndarray) -> tuple[list[str], list[str]]:
        """Return the services and the operations of these rows. rows: int64[m]"""
        services, shapes = self.traces.services, self.traces.shapes
        service, shape = np.divmod(self.operation[rows], len(shapes))
        return [services[number] for number in service.tolist()], [shapes[number] for number in shape.tolist()]

    def patterns(self, rows: np.ndarray) -> list[str]:
        """Find the commonest detail of the spans of these rows, which reads their attributes. rows: int64[m]"""
        most = min(max(_SAMPLED_TOTAL // max(len(self), 1), _MIN_SAMPLED), _SAMPLED_SPANS)
        first = self.spans.first
        groups = self.group[rows]
        return common_details(self.traces, self.spans.order, first[groups], first[groups + 1], most)

    def networks(self, rows: np.ndarray) -> list[str | None]:
        """Return the services that these rows wait for the network to, None for none. rows: int64[m]"""
        services = self.traces.services
        return [services[service] if service >= 0 else None for service in self.network_to[rows].tolist()]

    def bottlenecks(self, rows: np.ndarray | None = None) -> list[Bottleneck]:
        """Return the bottlenecks of these rows, or all. rows: int64[m]"""
        if rows is None:
            rows = np.arange(len(self))
        figures = (self.mean_critical_ns, self.share_percent, self.total_share_percent, self.occurrences)
        columns = (*figures, self.span_count, self.network_ns)
        listed = zip(
            *self.names(rows),
            *(column[rows].tolist() for column in columns),
            self.patterns(rows),
            self.networks(rows),
            strict=True,
        )
        return [
            Bottleneck(
                service=service,
                operation=operation,
                mean_critical_ns=critical,
                share_percent=share,
                total_share_percent=total_share,
                occurrences=occurrences,
                trace_count=self.traces.trace_count,
                span_count=span_count,
                pattern=pattern,
                network_ns=network,
                network_to=network_to or "",
            )
            for (
                service,
                operation,
                critical,
                share,
                total_share,
                occurrences,
                span_count,
                network,
                pattern,
                network_to,
            ) in listed
        ]


def find_bottlenecks(
    paths: CriticalPaths, min_share: float = BOTTLENECK_PERCENT, network: NetworkTimes | None = None
) -> BottleneckColumns:
    """Find operations with more than `min_share` percent of their traces' path time, by total time in the set.

    network: the network times of the set; None to report none.
    """
    traces = paths.traces
    found = critical_operations(paths)
    costly = np.flatnonzero(found.share_percent > min_share)
    operation, critical, occurs = (c[costly] for c in (found.operation, found.critical_ns, found.trace_count))
    waited = np.flatnonzero(~paths.asynchronous)
    groups = group_positions(traces.operation[waited])
    network_ns, network_to = np.zeros(len(costly)), np.full(len(costly), -1)
    if network is not None:
        callers = network_by_operation(paths, network)
        at, calls = callers.find(operation)
        network_ns[calls] = callers.critical_ns[at]
        mostly = 100 * network_ns[calls] >= MOSTLY_PERCENT * critical[calls]
        network_to[calls] = np.where(mostly, callers.callee[at], -1)
    return BottleneckColumns(
        traces,
        operation,
        critical / occurs,
        found.share_percent[costly],
        found.total_share_percent[costly],
        occurs,
        network_ns / occurs,
        network_to,
        Groups(waited[groups.order], groups.distinct, groups.first),
        np.searchsorted(groups.distinct, operation),
    )


def common_detail(traces: TraceSet, spans: np.ndarray, most: int = _SAMPLED_SPANS) -> str:
    """Find the commonest normalised detail of spans: query, error template, HTTP method and route, or destination.

    '' if few spans have one, as two failures in a hundred calls are not typical. Of more than `most` spans an even
    sample is read.
    """
    (detail,) = common_details(traces, spans, np.zeros(1, np.int64), np.full(1, len(spans)), most)
    return detail


def common_details(traces: TraceSet, spans: np.ndarray, begins: np.ndarray, ends: np.ndarray, most: int) -> list[str]:
    """Find the `common_detail` of many groups of spans, which are read together.

    Group g is `spans[begins[g]:ends[g]]`, int64[groups].
    """
    # rounded up: with many names each sample of three instead of two would cost half as much again
    steps = np.maximum(-(-(ends - begins) // most), 1)
    sizes = -(-(ends - begins) // steps)
    first = np.concatenate(([0], np.cumsum(sizes)))
    within = np.arange(first[-1]) - np.repeat(first[:-1], sizes)
    details = _details(traces, spans[np.repeat(begins, sizes) + within * np.repeat(steps, sizes)])
    bounds = first.tolist()
    return [_commonest(details[begin:end]) for begin, end in pairwise(bounds)]


def _commonest(details: list[str]) -> str:
    """Return the commonest detail, of equally common ones the first; '' if few spans have one."""
    if details and details.count(details[0]) == len(details):
        return details[0]
    counts = Counter(details)
    del counts[""]
    commonest, times = max(counts.items(), key=itemgetter(1), default=("", 0))
    return commonest if times >= _MIN_SAMPLE_SHARE * len(details) else ""


def _details(traces: TraceSet, spans: np.ndarray) -> list[str]:
    """Describe each span by its attributes, '' for none."""
    # read in the order of the bytes
    order = np.argsort(traces.raw_at[spans], kind="stable")
    ordered = spans[order]
    raw = traces.span_bytes.read_each(traces.raw_at[ordered], traces.attribute_bytes[ordered])
    codecs = [resource.codec for resource in traces.resources]
    columns = (order.tolist(), ordered.tolist(), traces.resource[ordered].tolist(), raw)
    details = [""] * len(spans)
    for at, span, resource, own in zip(*columns, strict=True):
        details[at] = _detail(traces, span, codecs[resource].attributes(own))
    return details


def _detail(traces: TraceSet, span: int, attributes: dict[str, Value]) -> str:
    for key in ("db.query.text", "db.statement"):
        value = attributes.get(key)
        if isinstance(value, str) and value.strip():
            return (normalised(value) if is_sql(value) else template(value))[:_LONGEST_PATTERN]
    # a status code does not describe the call
    if traces.error[span] and (message := stated_message(traces, span)):
        return template(message)[:_LONGEST_PATTERN]
    method = _first_text(attributes, ("http.request.method", "http.method"))
    if method:
        route = _first_text(attributes, ("http.route", "url.path", "http.target"))
        return template(f"{method} {route}".strip())[:_LONGEST_PATTERN]
    return _first_text(attributes, ("messaging.destination.name", "messaging.destination"))[:_LONGEST_PATTERN]


def _first_text(attributes: dict[str, Value], keys: tuple[str, ...]) -> str:
    return next((text for key in keys if isinstance(text := attributes.get(key), str) and text), "")

"""Bottlenecks: the operations with the largest shares of the critical paths."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from tracetui.analysis.critical_path import CriticalPaths
from tracetui.analysis.error_messages import stated_message
from tracetui.analysis.message_templates import template
from tracetui.analysis.network import MOSTLY_PERCENT, NO_NETWORK, NetworkTimes, network_by_operation
from tracetui.analysis.stats.groups import group_positions, group_slices
from tracetui.model.span import Value
from tracetui.model.sql import is_sql, normalised
from tracetui.model.traces import TraceSet

BOTTLENECK_PERCENT = 20.0
"""Share of the critical paths, in percent, above which an operation is a bottleneck."""

_SAMPLED_SPANS = 2_000
_SAMPLED_IN_ALL = 400_000
"""Most spans read for all bottlenecks together; at least `_LEAST_SAMPLED` are read for each."""
_LEAST_SAMPLED = 2
_LEAST_OF_SAMPLE = 0.1
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


def critical_operations(paths: CriticalPaths) -> list[tuple[int, float, float, float, int]]:
    """Rank the operations by total time on the critical path, without asynchronous work.

    -> (operation number, total critical ns, share of its traces' path time, share of all path time, traces); shares in
    percent.
    """
    traces = paths.traces
    spans = np.flatnonzero(~paths.asynchronous)
    if not len(spans):
        return []
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
    return [
        (int(distinct[i]), float(critical[i]), float(share[i]), float(total[i]), int(occurs[i])) for i in order.tolist()
    ]


def find_bottlenecks(
    paths: CriticalPaths, min_share: float = BOTTLENECK_PERCENT, network: NetworkTimes | None = None
) -> list[Bottleneck]:
    """Find operations with more than `min_share` percent of their traces' path time, by total time in the set.

    network: the network times of the set; None to report none.
    """
    traces = paths.traces
    costly = [one for one in critical_operations(paths) if one[2] > min_share]
    waited = np.flatnonzero(~paths.asynchronous)
    groups = group_positions(traces.operation[waited])
    at = np.searchsorted(groups.distinct, [one[0] for one in costly])
    # there may be as many operations as spans, so the cost per operation matters
    begins, ends = groups.first[at].tolist(), groups.first[at + 1].tolist()
    services, shapes = traces.services, traces.shapes
    most = min(max(_SAMPLED_IN_ALL // max(len(costly), 1), _LEAST_SAMPLED), _SAMPLED_SPANS)
    networks = network_by_operation(paths, network) if network is not None else {}
    found = []
    for (operation, critical, share, total_share, occurrences), begin, end in zip(costly, begins, ends, strict=True):
        spans = waited[groups.order[begin:end]]
        service, shape = divmod(operation, len(shapes))
        on_network = networks.get(operation, NO_NETWORK)
        mostly = 100 * on_network.critical_ns >= MOSTLY_PERCENT * critical
        found.append(
            Bottleneck(
                service=services[service],
                operation=shapes[shape],
                mean_critical_ns=critical / occurrences,
                share_percent=share,
                total_share_percent=total_share,
                occurrences=occurrences,
                trace_count=traces.trace_count,
                span_count=len(spans),
                pattern=common_detail(traces, spans, most),
                network_ns=on_network.critical_ns / occurrences,
                network_to=on_network.callee if mostly else "",
            )
        )
    return found


def common_detail(traces: TraceSet, spans: np.ndarray, most: int = _SAMPLED_SPANS) -> str:
    """Find the commonest normalised detail of spans: query, error template, HTTP method and route, or destination.

    '' if few spans have one, as two failures in a hundred calls are not typical. Of more than `most` spans an even
    sample is read.
    """
    # rounded up: with many names each sample of three instead of two would cost half as much again
    step = max(1, -(-len(spans) // most))
    sample = spans[::step].tolist()
    details: dict[str, int] = {}
    for span in sample:
        detail = _detail(traces, span, traces.attributes(span))
        details[detail] = details.get(detail, 0) + 1
    details.pop("", None)
    # of equally common ones the first
    commonest, times = max(details.items(), key=itemgetter(1), default=("", 0))
    return commonest if times >= _LEAST_OF_SAMPLE * len(sample) else ""


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

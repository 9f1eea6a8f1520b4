"""Dependencies: services, peers inferred from their calls, and the calls between them."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from functools import cached_property
from itertools import compress

import numpy as np

from tracetui.analysis.calls import Calls, find_calls
from tracetui.analysis.latency import STATISTICS, Latency, group_latencies, latencies
from tracetui.analysis.network import NetworkTimes, network_times
from tracetui.analysis.stats.groups import count_in_groups, group_slices, known_quantiles
from tracetui.model.peers import PeerType
from tracetui.model.sorted_texts import sorted_texts
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """Figures of a service by its entry spans, which begin its part of a trace, or of a peer by its client spans."""

    service: str
    inferred: bool
    call_count: int
    error_count: int
    latency: Latency
    peer_type: PeerType | None = None
    """Type of an inferred peer; None for a service."""

    @property
    def error_rate(self) -> float:
        """In percent of the calls."""
        return 100 * self.error_count / self.call_count if self.call_count else 0.0


@dataclass(frozen=True, slots=True)
class EdgeNetwork:
    """Network time of synchronous calls, in nanoseconds, and its share of the callers' durations."""

    p50_ns: float
    p95_ns: float
    share_percent: float


@dataclass(frozen=True, slots=True)
class Edge:
    """Calls from one service to another. Latency is the callee's; for an inferred peer the client span's."""

    caller: str
    callee: str
    is_async: bool
    inferred: bool
    call_count: int
    error_count: int
    """Number of calls of which either half is an error."""
    latency: Latency
    caller_p50_ns: float | None
    """Median duration of the caller's spans of the calls; None if no call has one."""
    network_p50_ns: float | None
    """Median network time (`analysis.network`); for asynchronous calls the queue time. None if no call has both
    halves.
    """
    network_p95_ns: float | None
    network_share_percent: float | None
    """Share of network time in the caller's durations; None for asynchronous calls, for which no caller waits."""

    @property
    def error_rate(self) -> float:
        """In percent of the calls."""
        return 100 * self.error_count / self.call_count if self.call_count else 0.0

    @property
    def network(self) -> EdgeNetwork | None:
        """The network figures of synchronous calls; None if they are unknown."""
        if self.network_p50_ns is None or self.network_p95_ns is None or self.network_share_percent is None:
            return None
        return EdgeNetwork(self.network_p50_ns, self.network_p95_ns, self.network_share_percent)


@dataclass(frozen=True, slots=True, eq=False)
class ServiceColumns:
    """`ServiceFigures` of n services and inferred peers as columns, by name."""

    names: list[str]
    """Distinct names of all services and peers, sorted."""
    name: np.ndarray
    """int64[n] into `names`, ascending; those of a service and a peer may be equal."""
    types: list[PeerType | None]
    inferred: np.ndarray
    """bool[n]"""
    call_count: np.ndarray
    error_count: np.ndarray
    timed_count: np.ndarray
    """int64[n], the calls whose duration is known."""
    durations: np.ndarray
    """float64[6, n] nanoseconds: mean, minimum, p50, p95, p99 and maximum; NaN where none is known."""

    def __len__(self) -> int:
        return len(self.name)

    def figures(self, rows: np.ndarray | None = None) -> list[ServiceFigures]:
        """Return the figures of these rows, or of all. rows: int64[m]"""
        if rows is None:
            rows = np.arange(len(self))
        columns = (rows, self.name[rows], self.inferred[rows], self.call_count[rows], self.error_count[rows])
        found = zip(*(c.tolist() for c in columns), latencies(self.timed_count, self.durations, rows), strict=True)
        return [
            ServiceFigures(self.names[name], inferred, count, failed, latency, self.types[row])
            for row, name, inferred, count, failed, latency in found
        ]


@dataclass(frozen=True, slots=True, eq=False)
class EdgeColumns:
    """`Edge` figures of n edges as columns, by caller, callee, sync before async."""

    names: list[str]
    """Distinct names of all services and peers, sorted."""
    caller: np.ndarray
    callee: np.ndarray
    """int64[n] into `names`."""
    is_async: np.ndarray
    inferred: np.ndarray
    """bool[n]"""
    call_count: np.ndarray
    error_count: np.ndarray
    timed_count: np.ndarray
    """int64[n], the calls whose duration is known."""
    durations: np.ndarray
    """float64[6, n] nanoseconds: mean, minimum, p50, p95, p99 and maximum; NaN where none is known."""
    caller_p50: np.ndarray
    """float64[n] nanoseconds, medians of the callers' spans; NaN for none."""
    network: np.ndarray
    """float64[2, n] nanoseconds, p50 and p95 of the network or queue time; NaN for none."""
    network_share: np.ndarray
    """float64[n], share of network time in the callers' durations, in percent; NaN for none."""

    def __len__(self) -> int:
        return len(self.caller)

    def keys(self) -> set[tuple[str, str, bool]]:
        """Return caller, callee and whether the calls are asynchronous, of each edge."""
        ends = ([self.names[number] for number in column.tolist()] for column in (self.caller, self.callee))
        return set(zip(*ends, self.is_async.tolist(), strict=True))

    def edges(self, rows: np.ndarray | None = None) -> list[Edge]:
        """Return the figures of these rows, or of all. rows: int64[m]"""
        if rows is None:
            rows = np.arange(len(self))
        columns = (self.caller, self.callee, self.is_async, self.inferred, self.call_count, self.error_count)
        optional = (one[rows] for one in (self.caller_p50, *self.network, self.network_share))
        found = zip(
            *(c.tolist() for c in (*(one[rows] for one in columns), *optional)),
            latencies(self.timed_count, self.durations, rows),
            strict=True,
        )
        return [
            Edge(
                self.names[caller],
                self.names[callee],
                is_async,
                inferred,
                count,
                failed,
                latency,
                *map(_known, figures),
            )
            for caller, callee, is_async, inferred, count, failed, *figures, latency in found
        ]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


@dataclass(frozen=True)
class Dependencies:
    """Figures of services and edges as columns, as only few of very many are read as objects."""

    service_columns: ServiceColumns
    edge_columns: EdgeColumns

    @cached_property
    def services(self) -> tuple[ServiceFigures, ...]:
        """Services by name."""
        return tuple(self.service_columns.figures())

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Edges by caller, callee, sync before async."""
        return tuple(self.edge_columns.edges())


def self_calls(traces: TraceSet) -> np.ndarray:
    """Count the calls of each service to itself, int64[services]: a CLIENT or PRODUCER span above a SERVER or CONSUMER
    span of the same service. These are not edges.
    """
    kind, caller = traces.kind, traces.parent
    served = (caller >= 0) & ((kind == Kind.SERVER) | (kind == Kind.CONSUMER))
    served &= (kind[caller] == Kind.CLIENT) | (kind[caller] == Kind.PRODUCER)
    served &= traces.service == traces.service[caller]
    counts: np.ndarray = np.bincount(traces.service[served], minlength=len(traces.services))
    return counts


def find_dependencies(
    traces: TraceSet, calls: Calls | None = None, network: NetworkTimes | None = None
) -> Dependencies:
    """Compute the figures of all services and of all edges between them."""
    calls = calls or find_calls(traces)
    network = network or network_times(traces, calls)
    names, name_of_node = _sorted_names(calls.nodes)
    return Dependencies(
        _services(traces, calls, names, name_of_node), _edges(traces, calls, network, names, name_of_node)
    )


def _sorted_names(nodes: list[str]) -> tuple[list[str], np.ndarray]:
    """Sort the distinct names of nodes. -> these; int64[nodes], the name of each node"""
    texts, position = sorted_texts(nodes)
    # a service and a peer may have equal names
    is_new = list(map(operator.ne, texts, ["", *texts]))
    is_new[:1] = [True]
    name_of_node: np.ndarray = (np.cumsum(is_new) - 1)[position]
    return list(compress(texts, is_new)), name_of_node


def _services(traces: TraceSet, calls: Calls, names: list[str], name_of_node: np.ndarray) -> ServiceColumns:
    """Compute the figures of services. name_of_node: int64[nodes] into `names`"""
    to_peer = calls.callee >= calls.first_peer
    spans = np.concatenate((calls.entries, calls.span[to_peer]))
    nodes = np.concatenate((traces.service[calls.entries], calls.callee[to_peer]))
    order, distinct, first = group_slices(nodes)
    # a peer that is only a caller receives no calls
    seen = np.zeros(len(calls.nodes), bool)
    seen[calls.caller] = True
    seen[distinct] = False
    unseen = np.flatnonzero(seen)
    counts, errors, timed = np.zeros((3, len(unseen) + len(distinct)), np.int64)
    durations = np.full((STATISTICS, len(counts)), np.nan)
    if len(distinct):
        errors[len(unseen) :] = count_in_groups(distinct, nodes[traces.error[spans]])
        counts[len(unseen) :] = np.diff(first)
        spans = spans[order]
        timed[len(unseen) :], durations[:, len(unseen) :] = group_latencies(
            traces.duration[spans], ~traces.no_duration[spans], first
        )
    found = np.concatenate((unseen, distinct)).astype(np.int64)
    inferred = np.concatenate((np.ones(len(unseen), bool), distinct >= calls.first_peer))
    by_name = np.argsort(name_of_node[found], kind="stable")
    shown = found[by_name]
    types: list[PeerType | None] = [None] * len(shown)
    for row in np.flatnonzero(shown >= calls.first_peer).tolist():
        types[row] = calls.peer_type(int(shown[row]))
    return ServiceColumns(
        names,
        name_of_node[shown],
        types,
        inferred[by_name],
        counts[by_name],
        errors[by_name],
        timed[by_name],
        durations[:, by_name],
    )


def _edges(
    traces: TraceSet, calls: Calls, network: NetworkTimes, names: list[str], name_of_node: np.ndarray
) -> EdgeColumns:
    """Compute the figures of edges. name_of_node: int64[nodes] into `names`"""
    number = (calls.caller.astype(np.int64) * len(calls.nodes) + calls.callee) * 2 + calls.is_async
    order, distinct, first = group_slices(number)
    if not len(distinct):
        none = np.zeros(0, np.int64)
        nothing = np.zeros((STATISTICS, 0))
        figures = (nothing, nothing[0], nothing[:2], nothing[0])
        return EdgeColumns(names, none, none, none > 0, none > 0, none, none, none, *figures)
    span, caller_half = calls.span[order], calls.caller_half[order]
    duration, timed_spans = traces.duration[span], ~traces.no_duration[span]
    failed = count_in_groups(distinct, number[calls.error])
    timed, durations = group_latencies(duration, timed_spans, first)
    waited = known_quantiles(
        traces.duration[caller_half], (caller_half >= 0) & ~traces.no_duration[caller_half], first, (0.5,)
    )
    network_figures, network_share = _network(traces, calls, network, number, distinct)
    pair, is_async = np.divmod(distinct, 2)
    caller, callee = np.divmod(pair, len(calls.nodes))
    by_name = np.lexsort((is_async, name_of_node[callee], name_of_node[caller]))
    return EdgeColumns(
        names,
        name_of_node[caller[by_name]],
        name_of_node[callee[by_name]],
        is_async[by_name] > 0,
        callee[by_name] >= calls.first_peer,
        np.diff(first)[by_name],
        failed[by_name],
        timed[by_name],
        durations[:, by_name],
        waited[0, by_name],
        network_figures[:, by_name],
        network_share[by_name],
    )


def _network(
    traces: TraceSet, calls: Calls, found: NetworkTimes, number: np.ndarray, distinct: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the network figures of edges: float64[2, edges] p50 and p95, float64[edges] share; NaN for none.

    number: int64[calls], the edge of each; distinct: ascending, has every number.
    """
    edge = np.searchsorted(distinct, number[calls.answered_rows[found.call]])
    order = np.argsort(edge, kind="stable")
    first = np.searchsorted(edge[order], np.arange(len(distinct) + 1))
    figures = known_quantiles(found.total[order], np.ones(len(order), bool), first, (0.5, 0.95))
    spent = np.bincount(edge, weights=found.total, minlength=len(distinct))
    whole = np.bincount(edge, weights=traces.duration[found.caller], minlength=len(distinct))
    # a message waits for its consumer, but no caller waits for the message
    whole[distinct % 2 == 1] = 0
    share = np.divide(100 * spent, whole, out=np.full(len(distinct), np.nan), where=whole > 0)
    return figures, share

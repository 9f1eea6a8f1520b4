"""Dependencies as JSON: services, calls by caller and callee, and edges, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain, pairwise, repeat

import numpy as np

from tracetui.analysis.dependencies import Dependencies, EdgeColumns, ServiceColumns
from tracetui.render.report.json_columns import ObjectRows, texts_of, texts_of_numbers
from tracetui.render.report.json_stream import BATCH, Batches
from tracetui.render.report.json_values import all_in_ms, percentages, rates

_SERVICE_KEYS = ("call_count", "avg_duration_ms", "p50_ms", "p95_ms", "p99_ms", "error_rate", "inferred", "type")
_EDGE_KEYS = (
    "caller",
    "callee",
    "call_count",
    "error_count",
    "error_rate",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "caller_p50_ms",
    "network_p50_ms",
    "network_p95_ms",
    "network_share_percent",
    "queue_p50_ms",
    "queue_p95_ms",
    "async",
    "inferred",
)


def dependencies_json(dependencies: Dependencies) -> dict[str, Batches]:
    """Return the members of the section, which are written some rows at a time."""
    services, edges = dependencies.service_columns, dependencies.edge_columns
    # texts of all names, which numpy looks up several times faster than a loop over a list
    names = np.array(texts_of(services.names), object)
    return {
        "services": Batches(partial(_services, services, names), b"{}"),
        "dependencies": Batches(partial(_calls, edges, names), b"{}"),
        "edges": Batches(partial(_edges, edges, names)),
    }


def _services(services: ServiceColumns, names: np.ndarray, depth: int) -> Iterator[bytes]:
    # if a service and a peer have the same name, the peer, which comes last, is listed
    listed = np.flatnonzero(_differs_from_next(services.name))
    objects = ObjectRows(_SERVICE_KEYS, depth, named=True)
    for begin in range(0, len(listed), BATCH):
        rows = listed[begin : begin + BATCH]
        columns = [
            services.call_count[rows],
            *map(all_in_ms, services.durations[[0, 2, 3, 4]][:, rows]),
            rates(services.error_count[rows], services.call_count[rows]),
            services.inferred[rows],
        ]
        types = texts_of([services.types[row] for row in rows.tolist()])
        yield objects.text([names[services.name[rows]].tolist(), *map(texts_of_numbers, columns), types])


def _differs_from_next(column: np.ndarray) -> np.ndarray:
    """bool[n], true for the last of equal neighbours."""
    return np.append(column[1:] != column[:-1], True)[: len(column)]


def _calls(edges: EdgeColumns, names: np.ndarray, depth: int) -> Iterator[bytes]:
    """Yield the calls of each caller by callee, and thus all edges of a caller together."""
    if not len(edges):
        return
    # edges are sorted by caller and callee; synchronous and asynchronous calls are added up
    ends_caller = _differs_from_next(edges.caller)
    last = np.flatnonzero(ends_caller | _differs_from_next(edges.callee))
    counts = np.add.reduceat(edges.call_count, np.append(0, last[:-1] + 1))
    begins_caller = np.append(True, ends_caller[last][:-1])
    first = np.flatnonzero(begins_caller)
    # batches begin with a caller
    begins = np.unique(first[np.searchsorted(first, np.arange(0, len(last), BATCH), "right") - 1])
    outer, inner = b"\n" + b"  " * (depth + 1), b"\n" + b"  " * (depth + 2)
    between = outer + b"},"
    for begin, end in pairwise([*begins.tolist(), len(last)]):
        rows = last[begin:end]
        heads = [
            b"%b%b%b: {%b" % (between, outer, caller, inner) if is_first else b"," + inner
            for caller, is_first in zip(
                names[edges.caller[rows]].tolist(), begins_caller[begin:end].tolist(), strict=True
            )
        ]
        callees = names[edges.callee[rows]].tolist()
        pieces = zip(heads, callees, repeat(b": "), texts_of_numbers(counts[begin:end]), strict=False)
        yield b"".join(chain.from_iterable(pieces))[len(between) :] + outer + b"}"


def _edges(edges: EdgeColumns, names: np.ndarray, depth: int) -> Iterator[bytes]:
    objects = ObjectRows(_EDGE_KEYS, depth)
    for begin in range(0, len(edges), BATCH):
        part = slice(begin, begin + BATCH)
        is_async, network = edges.is_async[part], edges.network[:, part]
        columns = [
            edges.call_count[part],
            edges.error_count[part],
            rates(edges.error_count[part], edges.call_count[part]),
            *map(all_in_ms, edges.durations[2:5, part]),
            all_in_ms(edges.caller_p50[part]),
            *map(all_in_ms, np.where(is_async, np.nan, network)),
            percentages(edges.network_share[part]),
            *map(all_in_ms, np.where(is_async, network, np.nan)),
            is_async,
            edges.inferred[part],
        ]
        calls = (names[edges.caller[part]].tolist(), names[edges.callee[part]].tolist())
        yield objects.text([*calls, *map(texts_of_numbers, columns)])

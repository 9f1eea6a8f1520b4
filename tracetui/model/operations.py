"""Operations of a trace set: the shapes of names, and the routes of raw paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tracetui.model.operation_shape import is_raw_path, routed, shape, shapes
from tracetui.model.span import Kind
from tracetui.model.tables import Interner

if TYPE_CHECKING:
    from tracetui.model.traces import TraceSet

_ROUTE = "http.route"
_READ_OF_EACH = 4
"""Spans of a raw path that are examined for its route; some, such as those with status 404, have none."""
_MAX_READ = 100_000
"""Spans after which only one of each raw path is examined."""


@dataclass(frozen=True, slots=True, eq=False)
class Operations:
    """Operations of the spans of a set."""

    texts: list[str]
    """Names of the operations: shapes of names, and routes."""
    of_name: np.ndarray
    """int32[names] into `texts`."""
    routes: np.ndarray
    """int64[m], ascending: each `service * names + name` with a route."""
    of_route: np.ndarray
    """int32[m] into `texts`: operation of each entry of `routes`."""

    def column(self, traces: TraceSet) -> np.ndarray:
        """Compute the operation of each span, for a set with the same tables: int32[n] into `texts`."""
        column: np.ndarray = self.of_name[traces.name]
        if len(self.routes):
            pair = traces.exact_operation
            at = np.minimum(np.searchsorted(self.routes, pair), len(self.routes) - 1)
            column = np.where(self.routes[at] == pair, self.of_route[at], column)
        return column


def exact_operations(traces: TraceSet) -> Operations:
    """Use every name as a separate operation."""
    none = np.zeros(0, np.int64)
    return Operations(traces.names, np.arange(len(traces.names), dtype=np.int32), none, none)


def operations_by_shape(traces: TraceSet) -> Operations:
    """Derive the shape of every name, and the routes of raw paths from a few spans of each."""
    shaped = shapes(traces.names)
    if shaped == traces.names:
        # distinct, so that no text needs to be looked up
        texts, of_name = Interner(shaped, distinct=True), np.arange(len(shaped), dtype=np.int32)
    else:
        texts = Interner()
        of_name = texts.array(shaped)
    found = _routes(traces)
    pairs = np.array(sorted(found), np.int64)
    of_route = np.array([texts(found[pair]) for pair in pairs.tolist()], np.int32)
    return Operations(texts.texts, of_name, pairs, of_route)


def _routes(traces: TraceSet) -> dict[int, str]:
    """Find the names with routes. -> by `service * names + name`, the name with its raw path replaced by the route"""
    raw = np.zeros(len(traces.names), bool)
    raw[[number for number, name in enumerate(traces.names) if "/" in name and is_raw_path(name)]] = True
    if not raw.any():
        return {}
    # client spans have no route
    spans = np.flatnonzero(raw[traces.name] & (traces.kind != Kind.CLIENT) & (traces.attribute_bytes > 0))
    pair = traces.exact_operation[spans]
    order = np.argsort(pair, kind="stable")
    spans, pair = spans[order], pair[order]
    first = np.flatnonzero(np.append(True, pair[1:] != pair[:-1])) if len(pair) else np.zeros(0, np.int64)
    sizes = np.diff(np.append(first, len(pair)))
    found: dict[int, str] = {}
    read = 0
    for turn in range(_READ_OF_EACH):
        at = first[sizes > turn] + turn
        at = at[[number not in found for number in pair[at].tolist()]] if found else at
        if turn and read + len(at) > _MAX_READ:
            break
        read += len(at)
        for number, span in zip(pair[at].tolist(), spans[at].tolist(), strict=True):
            operation = _routed(traces, span)
            if operation:
                found[number] = operation
    return found


def _routed(traces: TraceSet, span: int) -> str:
    if _ROUTE.encode() not in traces.raw_attributes(span):
        return ""
    route = traces.attributes(span).get(_ROUTE)
    name = traces.operation_name(span)
    operation = routed(name, route) if isinstance(route, str) else ""
    return shape(operation) if operation and operation != name else ""

"""Trace filters of the command line and the screens."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.name_matching import missing_names, spelled_as_in
from tracetui.model.errors import UsageError
from tracetui.model.operation_shape import may_be_shape
from tracetui.model.search import Search, combined
from tracetui.model.times import format_duration
from tracetui.model.traces import TraceSet
from tracetui.query import Query
from tracetui.query.errors import nearest
from tracetui.query.fields import Field
from tracetui.query.lexer import quoted
from tracetui.query.literals import Literal
from tracetui.query.predicates import And, AnySpan, Descendants, Or, Predicate, Test
from tracetui.query.pushdown import SpanConditions, conjuncts, pushdown

_SERVICE_FIELDS: Final = ("service", "caller", "root.service")
"""Fields whose values are services."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on traces. A trace must meet all of them; without arguments every trace does.

    Raises UsageError for a negative threshold or time range, or a limit below 1.
    """

    services: tuple[str, ...] = ()
    """At least one of these takes part in the trace."""
    operations: tuple[str, ...] = ()
    """A span of the trace has one of these names or shapes, and also one of the services if both are given."""
    latency_threshold_ns: int | None = None
    """The response time is above this."""
    errors_only: bool = False
    """A span of the trace is an error."""
    time_range_ns: int | None = None
    """The trace started at most this long before the newest one."""
    query: Query | None = None
    limit: int | None = None
    """Number of newest traces (by start) to keep of those that meet all other conditions."""
    trace_ids: tuple[str, ...] = ()
    """The trace is one of these, if any are given."""

    def __post_init__(self) -> None:
        for name, value in (("latency threshold", self.latency_threshold_ns), ("time range", self.time_range_ns)):
            if value is not None and value < 0:
                raise UsageError(f"the {name} must not be negative")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"the limit must be at least 1, not {self.limit}")


def search_of(filters: Filters, *, exact_names: bool = False) -> tuple[Search, list[str]]:
    """Build the search that a server can do for the filters. -> the search, and descriptions of the other conditions

    A server knows names of spans but not their shapes, which are used here unless `exact_names` is set.
    """
    one_service = len(filters.services) == 1
    alternatives = {"services": filters.services} if len(filters.services) > 1 else {}
    one_operation = len(filters.operations) == 1 and (exact_names or not may_be_shape(filters.operations[0]))
    named = {"service": filters.services[0]} if one_service else {}
    if one_operation and (one_service or not filters.services):
        # both conditions hold for one span, as they do here; of several services any may have the operation
        named["operation"] = filters.operations[0]
    words = [f"{what} {name}" for what, name in named.items()] or [f"service {' or '.join(filters.services)}"]
    search, rest = pushdown(
        filters.query.text if filters.query is not None else "",
        [SpanConditions(", ".join(words), named or alternatives)] if named or alternatives else (),
        exact_names=exact_names,
    )
    search = combined(
        search,
        Search(
            failed=filters.errors_only,
            slower_ns=filters.latency_threshold_ns,
            lookback_ns=filters.time_range_ns,
            limit=filters.limit,
        ),
    )
    if filters.operations and "operation" not in named:
        rest.append(f"operation {' or '.join(filters.operations)}")
    return search, rest


def apply(traces: TraceSet, filters: Filters) -> TraceSet:
    """Select the traces that meet the filters, in their order."""
    keep = np.ones(traces.trace_count, bool)
    if filters.services or filters.operations:
        keep &= _takes_part(traces, filters)
    if filters.latency_threshold_ns is not None:
        keep &= traces.response_time > filters.latency_threshold_ns
    if filters.errors_only:
        keep &= traces.trace_errors > 0
    if filters.time_range_ns is not None and traces.trace_count:
        keep &= traces.trace_start >= int(traces.trace_start.max()) - filters.time_range_ns
    if filters.trace_ids:
        named = [traces.find_trace(trace_id) for trace_id in filters.trace_ids]
        keep &= np.isin(np.arange(traces.trace_count), [trace for trace in named if trace is not None])
    if filters.query is not None:
        keep = filters.query.matches(traces, among=keep)
    if filters.limit is not None and filters.limit < np.count_nonzero(keep):
        kept = np.flatnonzero(keep)
        newest = np.argsort(-traces.trace_start[kept], kind="stable")[: filters.limit]
        keep[:] = False
        keep[kept[newest]] = True
    return traces.select(keep)


def _takes_part(traces: TraceSet, filters: Filters) -> np.ndarray:
    """Test which traces have a span of the services and operations of the filters: bool[traces]."""
    spans = np.ones(len(traces), bool)
    for wanted, columns_of in ((filters.services, _service_columns), (filters.operations, _operation_columns)):
        if wanted:
            columns = columns_of(traces)
            wanted = tuple(spelled_as_in(name, *(texts for texts, _ in columns)) for name in wanted)
            named = [np.array([text in wanted for text in texts], bool)[column] for texts, column in columns]
            spans &= np.logical_or.reduce(named)
    found = np.zeros(traces.trace_count, bool)
    found[traces.trace[spans]] = True
    return found


def _service_columns(traces: TraceSet) -> list[tuple[list[str], np.ndarray]]:
    return [(traces.services, traces.service)]


def _operation_columns(traces: TraceSet) -> list[tuple[list[str], np.ndarray]]:
    """Return both names of an operation, shapes and names, each with int[n] into it."""
    return [(traces.shapes, traces.shape), (traces.names, traces.name)]


def missing_services(filters: Filters, known: Collection[str]) -> list[str]:
    """List the unknown services in the filters. Those in the query count only if no trace can match without them."""
    named = missing_names(filters.services, known)
    return named + (_unmatched_services(filters.query.root, known) if filters.query is not None else [])


def _unmatched_services(node: Predicate, known: Collection[str]) -> list[str]:
    """List the unknown services because of which no trace can meet a predicate; [] if one may."""
    match node:
        case Test(field=Field(name=name), operation="=", value=Literal(text=text)) if name in _SERVICE_FIELDS:
            # an empty text stands for no caller
            return missing_names([text], known) if text else []
        case AnySpan(part=part):
            return _unmatched_services(part, known)
        case And(parts=parts) | Descendants(parts=parts):
            return [service for part in parts for service in _unmatched_services(part, known)]
        case Or(parts=parts):
            unmatched = [_unmatched_services(part, known) for part in parts]
            return [service for services in unmatched for service in services] if all(unmatched) else []
        case _:
            return []


def unknown_names(traces: TraceSet, filters: Filters) -> list[str]:
    """Describe each service and operation in the filters that no span has, one per line."""
    lines = []
    for what, wanted, columns_of in (
        ("service", filters.services, _service_columns),
        ("operation", filters.operations, _operation_columns),
    ):
        if not wanted:
            continue
        # a selection shares the tables of the original set
        present = {texts[code] for texts, column in columns_of(traces) for code in np.unique(column).tolist()}
        for name in dict.fromkeys(wanted):
            kept = spelled_as_in(name, present)
            if kept != name:
                lines.append(f"no {what} named {name!r}; used {kept} instead")
            elif name not in present:
                suggestion = nearest(name, sorted(present))
                lines.append(f"no {what} named {name!r}" + (f"; did you mean {suggestion}?" if suggestion else ""))
    return lines


def as_query(filters: Filters) -> str:
    """Return the query that selects the same traces, except for the limit and names in another case; '' for all."""
    of_spans = [
        alternatives[0] if len(alternatives) == 1 else f"({' OR '.join(alternatives)})"
        for field, names in (("service", filters.services), ("operation", filters.operations))
        if (alternatives := [f"{field} = {quoted(name)}" for name in names])
    ]
    parts = of_spans if len(of_spans) < 2 else ["{ " + " AND ".join(of_spans) + " }"]
    if filters.latency_threshold_ns is not None:
        parts.append(f"trace.response > {_duration(filters.latency_threshold_ns)}")
    if filters.errors_only:
        parts.append("error")
    if filters.time_range_ns is not None:
        parts.append(f"trace.age <= {_duration(filters.time_range_ns)}")
    if filters.query is not None:
        text = filters.query.text.strip()
        parts.append(text if not parts or conjuncts(text) is not None else f"({text})")
    return " AND ".join(parts)


def _duration(duration_ns: int) -> str:
    """Write a duration for a query, which requires a unit."""
    return format_duration(duration_ns) if duration_ns else "0ms"


def describe(filters: Filters) -> str:
    """Describe the filters on one line: "service api or web, slower than 500ms, the newest 20"."""
    words = []
    if filters.services:
        words.append(f"service {' or '.join(filters.services)}")
    if filters.operations:
        words.append(f"operation {' or '.join(filters.operations)}")
    if filters.latency_threshold_ns is not None:
        words.append(f"slower than {format_duration(filters.latency_threshold_ns)}")
    if filters.errors_only:
        words.append("with errors")
    if filters.time_range_ns is not None:
        words.append(f"from the last {format_duration(filters.time_range_ns)}")
    if filters.trace_ids:
        words.append(f"trace {' and '.join(filters.trace_ids)}")
    if filters.query is not None:
        text = " ".join(filters.query.text.split())
        words.append(f"where {text}" if words else text)
    if filters.limit is not None:
        words.append(f"the newest {filters.limit}")
    return ", ".join(words) or "all traces"

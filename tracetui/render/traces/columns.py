"""Columns of the trace list, computed once per set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from tracetui.analysis.errors import ErrorRole, roles
from tracetui.analysis.requests import failed_requests
from tracetui.analysis.summary import DIFFERING_TRACES, differing
from tracetui.model.span import Flag
from tracetui.model.traces import TraceSet
from tracetui.query.attribute_column import AttributeColumn, attribute_column
from tracetui.render.text.safe_text import safe
from tracetui.render.text.short_names import short_names

_NAME_LIMIT = 200


class SortKey(StrEnum):
    """Sort keys of the list; the value is the column's heading."""

    START = "start"
    NAME = "trace"
    SERVICES = "services"
    SPANS = "spans"
    ERRORS = "errors"
    DURATION = "duration"


@dataclass(frozen=True, eq=False, kw_only=True)
class TraceColumns:
    """Columns of the trace list."""

    traces: TraceSet
    spans: np.ndarray
    origins: np.ndarray
    """int64[traces], number of error origins."""
    propagated: np.ndarray
    """int64[traces], number of propagated or cancelled error spans."""
    service_first: np.ndarray
    """int64[traces + 1], boundaries in `service` and `service_role`."""
    service: np.ndarray
    """int32[pairs], the services of each trace in order of first occurrence."""
    service_role: np.ndarray
    """uint8[pairs] of `ErrorRole`: origin if an error began in the service, propagated if one propagated to it."""
    label: np.ndarray
    """int64[traces] into `labels`."""
    labels: list[tuple[int, str, str]]
    """Service number, service name and operation name, safe to show."""
    values: dict[SortKey, np.ndarray]
    """int64[traces], sort values of each column."""
    services: list[str]
    """Service names, safe to show."""
    short: list[str]
    """Distinct two-letter abbreviations of the services."""
    slots: list[int]
    failed_request: np.ndarray
    """bool[traces], failed requests."""
    orphans: np.ndarray
    """int64[traces], number of spans whose parent is missing."""
    roots: np.ndarray
    """int64[traces], number of spans that never had a parent."""
    shows_whole: bool
    """True if both response time and duration are shown, because they often differ."""
    attributes: dict[str, AttributeColumn] = field(default_factory=dict)
    """Columns of attributes, by their sort keys."""

    def with_attributes(self, keys: Sequence[str]) -> TraceColumns:
        """Return the columns with those of the attributes `keys`, and no others."""
        columns = {
            attribute_sort(key): self.attributes.get(attribute_sort(key)) or attribute_column(self.traces, key)
            for key in keys
        }
        return replace(self, attributes=columns)

    def sorted(self, traces: np.ndarray, key: str, descending: bool) -> np.ndarray:
        """Sort traces (int64[m]) by a column; ties by response time, slowest first."""
        column = self.attributes[key].ranks if key in self.attributes else self.values[SortKey(key)]
        values = column[traces]
        order = np.lexsort((-self.traces.response_time[traces], -values if descending else values))
        result: np.ndarray = traces[order]
        return result


def attribute_sort(key: str) -> str:
    """Return the sort key of an attribute's column, which differs from those of other columns."""
    return f"attr.{key}"


def trace_columns(traces: TraceSet) -> TraceColumns:
    """Compute the columns of a set."""
    role = roles(traces)
    count, width = traces.trace_count, max(len(traces.services), 1)
    pairs = traces.trace.astype(np.int64) * width + traces.service
    distinct, first, number = np.unique(pairs, return_index=True, return_inverse=True)
    pair_role = np.zeros(len(distinct), np.uint8)
    propagated = (role == ErrorRole.PROPAGATED) | (role == ErrorRole.CANCELLED)
    pair_role[number[propagated]] = ErrorRole.PROPAGATED
    pair_role[number[role == ErrorRole.ORIGIN]] = ErrorRole.ORIGIN
    order = np.lexsort((first, distinct // width))
    operations, label = np.unique(traces.exact_operation[traces.main_root], return_inverse=True)
    labels = []
    services = [safe(name, _NAME_LIMIT) for name in traces.services]
    for operation in operations.tolist():
        service, name = divmod(operation, len(traces.names))
        labels.append((service, services[service], safe(traces.names[name], _NAME_LIMIT)))
    rank = np.zeros(len(labels), np.int64)
    rank[sorted(range(len(labels)), key=lambda i: labels[i][1:])] = np.arange(len(labels))
    service_first = np.searchsorted(distinct // width, np.arange(count + 1))
    spans = np.diff(traces.first)
    is_orphan = (traces.flags & int(Flag.ORPHAN)) > 0
    values = (
        traces.trace_start,
        rank[label],
        np.diff(service_first),
        spans,
        traces.trace_errors,
        traces.response_time,
    )
    return TraceColumns(
        traces=traces,
        spans=spans,
        origins=np.bincount(traces.trace[role == ErrorRole.ORIGIN], minlength=count),
        propagated=np.bincount(traces.trace[propagated], minlength=count),
        service_first=service_first,
        service=(distinct % width).astype(np.int32)[order],
        service_role=pair_role[order],
        label=label.astype(np.int64),
        labels=labels,
        values=dict(zip(SortKey, values, strict=True)),
        services=services,
        short=short_names(services),
        slots=traces.service_slots,
        failed_request=failed_requests(traces),
        orphans=np.bincount(traces.trace[is_orphan], minlength=count),
        roots=np.bincount(traces.trace[(traces.parent < 0) & ~is_orphan], minlength=count),
        shows_whole=int(differing(traces).sum()) > DIFFERING_TRACES * count,
    )

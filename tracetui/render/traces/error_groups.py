"""Traces with errors, grouped by the services where the errors began."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection

import numpy as np

from tracetui.analysis.error_messages import NO_MESSAGE, error_message
from tracetui.analysis.errors import ErrorRole
from tracetui.analysis.stats.groups import group_positions
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.percentiles import typical
from tracetui.render.text.safe_text import safe
from tracetui.render.traces.columns import TraceColumns
from tracetui.render.traces.table import TraceGroup

_SAMPLED = 20
"""Largest number of traces of a service whose messages are read."""
_MESSAGE_LIMIT = 120


def errors_by_service(
    columns: TraceColumns, shown: np.ndarray, key: str, descending: bool, folded: Collection[int], glyphs: Glyphs
) -> list[TraceGroup]:
    """Group the traces `shown` (int64[m]) with errors by the services where errors began, most first.

    A trace is listed under each service where an error began. `folded` are services whose traces are not listed.
    """
    total = columns.traces.trace_count
    wanted = np.zeros(total, bool)
    wanted[shown] = True
    trace = np.repeat(np.arange(total), np.diff(columns.service_first))
    at = np.flatnonzero((columns.service_role == ErrorRole.ORIGIN) & wanted[trace])
    with_errors = len(np.unique(trace[at]))
    groups = []
    for service, own in group_positions(columns.service[at]):
        members = columns.sorted(trace[at[own]], key, descending)
        heading = _heading(columns, service, members, with_errors, glyphs)
        groups.append(TraceGroup(service, _of_any_width(heading), members, service in folded))
    return sorted(groups, key=lambda group: (-len(group.traces), columns.services[group.key]))


def _of_any_width(heading: Line) -> Callable[[int], Line]:
    return lambda _: heading


def _heading(columns: TraceColumns, service: int, traces: np.ndarray, with_errors: int, glyphs: Glyphs) -> Line:
    line = Line([(f"{glyphs.service}{columns.services[service]}", Role.service(columns.slots[service]))])
    line.add(f"   {glyphs.origin} {numbers.counted(len(traces), 'trace')}", Role.ERROR)
    share = numbers.percent(100 * len(traces) / max(with_errors, 1))
    line.add(f"   {share} of {with_errors:,} with errors", Role.DIM)
    failed = numbers.requests_failed(len(traces), int(columns.failed_request[traces].sum()))
    line.add(f"   {failed}" if failed else "", Role.ERROR)
    message = _message(columns, service, traces)
    if message:
        line.add(f"   {message}", Role.STRONG)
    return line.add(f"   {typical(columns.traces.response_time[traces], glyphs)}", Role.DIM)


def _message(columns: TraceColumns, service: int, traces: np.ndarray) -> str:
    """Find the most frequent message of the errors that began in a service."""
    messages: Counter[str] = Counter()
    for trace in traces[:_SAMPLED].tolist():
        spans = columns.traces.spans_of(trace)
        errors = spans.start + np.flatnonzero(columns.traces.error[spans.start : spans.stop])
        errors = errors[columns.traces.service[errors] == service]
        if len(errors):
            # in pre-order the last error of a chain is the origin
            messages[error_message(columns.traces, int(errors[-1]))] += 1
    message, _ = next(iter(messages.most_common(1)), ("", 0))
    return "" if message == NO_MESSAGE else safe(message, _MESSAGE_LIMIT)

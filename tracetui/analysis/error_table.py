"""Error patterns as a table: their order, traces, entry points and counts over time."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal, get_args

import numpy as np

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.errors import ErrorPattern, ErrorRole, roles
from tracetui.analysis.requests import failed_requests
from tracetui.analysis.stats.groups import group_positions

_BUCKETS = 48

ErrorGrouping = Literal["pattern", "service", "entry"]
"""Order of error patterns: by frequency, by service, or by the entry point of their traces."""
GROUPINGS: Final[tuple[ErrorGrouping, ...]] = get_args(ErrorGrouping)


class ErrorTable:
    """The error patterns of a set with their traces, services and counts over time."""

    def __init__(self, analysis: Analysis) -> None:
        self.traces = traces = analysis.traces
        self.errors = analysis.errors
        self.patterns = self.errors.patterns
        self._failed = failed_requests(traces)
        origins = roles(traces) == ErrorRole.ORIGIN
        self.trace_origins = np.bincount(traces.trace[origins], minlength=traces.trace_count)
        start = int(traces.trace_start.min()) if traces.trace_count else 0
        length = (int(traces.end.max()) - start + 1) if traces.trace_count else 1
        self.over_time = [
            np.bincount(
                np.minimum((traces.start[p.spans] - start) / length * _BUCKETS, _BUCKETS - 1).astype(np.int64),
                minlength=_BUCKETS,
            )
            for p in self.patterns
        ]
        """Errors of each pattern over the time range of the set, in 48 buckets: int64[48]."""
        nothing = np.zeros(0, np.int64)
        spans = np.concatenate([nothing, *(p.spans for p in self.patterns)])
        owners = np.repeat(np.arange(len(self.patterns)), [p.count for p in self.patterns])
        order = np.argsort(spans)
        self._spans, self._owners = spans[order], owners[order]
        self.entry_points = [self.entries(pattern)[0][:2] for pattern in self.patterns]
        """Service and operation of the commonest entry point of each pattern's traces."""

    def pattern_of(self, span: int) -> int | None:
        """Return the pattern of the error that began at this span, or None."""
        at = int(np.searchsorted(self._spans, span))
        return int(self._owners[at]) if at < len(self._spans) and self._spans[at] == span else None

    def patterns_in(self, service: str, *, is_origin: bool = True) -> list[int]:
        """Return the patterns of errors that began in a service, or else propagated to it."""
        return [
            number
            for number, pattern in enumerate(self.patterns)
            if (pattern.service == service if is_origin else service in dict(pattern.propagated_to))
        ]

    def entries(self, pattern: ErrorPattern) -> list[tuple[str, str, int, int]]:
        """Return the entry points of a pattern's traces, commonest first: service, operation, failures, traces."""
        traces = self.traces
        affected = pattern.traces
        entry_operations = traces.operation[traces.main_root[affected]]
        entries = []
        for operation, at in group_positions(entry_operations):
            entered = affected[at]
            entries.append((*traces.operation_label(operation), int(self._failed[entered].sum()), len(entered)))
        return sorted(entries, key=lambda one: (-one[3], one[:2]))

    def stack_of(self, pattern: ErrorPattern, trace: int) -> str:
        """Return the stack trace of a pattern's first error in a trace, '' for none."""
        span = self.origin_in(pattern, trace)
        stacks = (event.attributes.get("exception.stacktrace") for event in self.traces.events(span))
        return next((stack for stack in stacks if isinstance(stack, str) and stack.strip()), "")

    def order(self, grouping: ErrorGrouping) -> np.ndarray:
        """Return the order of the patterns, int64[patterns]: commonest first, or grouped, most errors first."""
        if grouping == "pattern":
            return np.arange(len(self.patterns))
        groups = self.entry_points if grouping == "entry" else [(one.service, "") for one in self.patterns]
        total: Counter[tuple[str, str]] = Counter()
        for group, pattern in zip(groups, self.patterns, strict=True):
            total[group] += pattern.count
        ranked = sorted(range(len(self.patterns)), key=lambda i: (-total[groups[i]], groups[i], i))
        return np.array(ranked, np.int64)

    def origin_in(self, pattern: ErrorPattern, trace: int) -> int:
        """Return the first span of a trace at which an error of the pattern began."""
        return int(pattern.spans[np.searchsorted(pattern.spans, int(self.traces.first[trace]))])

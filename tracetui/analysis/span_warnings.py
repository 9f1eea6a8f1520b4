"""Warnings of spans by kind: lost parents, clock skew, damaged or missing values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.model.skewed_spans import skewed_spans
from tracetui.model.span import Flag
from tracetui.model.traces import TraceSet


@dataclass(frozen=True, slots=True)
class WarningKind:
    """Kind of warning.

    name: word for queries and JSON.
    title: noun phrase for users.
    spans: returns the spans concerned, bool[n].
    """

    name: str
    title: str
    spans: Callable[[TraceSet], np.ndarray]


def _flagged(flags: Flag) -> Callable[[TraceSet], np.ndarray]:
    def spans(traces: TraceSet) -> np.ndarray:
        flagged: np.ndarray = (traces.flags & int(flags)) > 0
        return flagged

    return spans


def _skewed(traces: TraceSet) -> np.ndarray:
    found = _flagged(Flag.SKEW_ADJUSTED)(traces)
    found[skewed_spans(traces)] = True
    return found


def _further_roots(traces: TraceSet) -> np.ndarray:
    roots = traces.parent < 0
    roots[traces.main_root] = False
    return roots


def _merged(traces: TraceSet) -> np.ndarray:
    found = np.zeros(len(traces), bool)
    found[traces.main_root[list(traces.duplicates)]] = True
    return found


WARNING_KINDS: Final = (
    WarningKind("orphan", "spans whose parent is missing", _flagged(Flag.ORPHAN)),
    WarningKind("roots", "more than one root", _further_roots),
    WarningKind("skew", "spans outside their caller, or moved into it (clock skew)", _skewed),
    WarningKind("same-id", "different spans with one id", _flagged(Flag.SAME_ID)),
    WarningKind("duplicates", "traces with spans received several times", _merged),
    WarningKind("cycle", "parent cycles, cut at the earliest span", _flagged(Flag.CYCLE_CUT)),
    WarningKind("unfinished", "spans without a duration or an end", _flagged(Flag.NO_DURATION)),
    WarningKind(
        "time",
        "start or duration missing or invalid",
        _flagged(Flag.START_REPAIRED | Flag.NEGATIVE_DURATION | Flag.OUT_OF_RANGE),
    ),
    WarningKind("shortened", "spans with values above the size limit", _flagged(Flag.SHORTENED)),
    WarningKind("source", "spans with a warning of their source", _flagged(Flag.SOURCE_WARNING)),
)
"""All kinds, the most important ones first."""


@dataclass(frozen=True, slots=True)
class WarningCount:
    """Number of spans and traces with one kind of warning."""

    kind: WarningKind
    spans: int
    traces: int
    example: int
    """Position of the first span concerned."""


def count_warnings(traces: TraceSet) -> list[WarningCount]:
    """Count the warnings of each kind that occurs, the most important kinds first."""
    found = []
    for kind in WARNING_KINDS:
        spans = np.flatnonzero(kind.spans(traces))
        if len(spans):
            found.append(WarningCount(kind, len(spans), len(np.unique(traces.trace[spans])), int(spans[0])))
    return found


def warned_traces(traces: TraceSet) -> np.ndarray:
    """Find the traces with warnings of any kind: bool[traces]."""
    warned = np.zeros(traces.trace_count, bool)
    for kind in WARNING_KINDS:
        warned[traces.trace[np.flatnonzero(kind.spans(traces))]] = True
    return warned


def warning_masks(traces: TraceSet) -> dict[str, np.ndarray]:
    """Find the spans with each kind of warning: bool[n] by name."""
    return {kind.name: kind.spans(traces) for kind in WARNING_KINDS}

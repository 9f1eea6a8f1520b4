"""Contrast: attributes, services, operations and durations that are over-represented in a selection of traces.

All counts are of traces, in the selection and among the others. As some of hundreds of values differ by chance, the
false discovery rate is controlled (Y. Benjamini and Y. Hochberg, "Controlling the False Discovery Rate", 1995). Only
values that occur often enough to be significant count as candidates (P. B. Gilbert, "A Modified False Discovery Rate
Multiple-Comparisons Procedure for Discrete Data", 2005). Few traces seldom reach that level, so differences that are
significant in a single test are also reported, as hints.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from tracetui.analysis.stats.bootstrap import hypergeometric_p_value
from tracetui.analysis.stats.groups import FEW_SAMPLES
from tracetui.model.conventions import GRPC_STATUS, HTTP_STATUS
from tracetui.model.traces import TraceSet

MAX_SPANS = 40_000
"""Largest number of spans per side whose attributes are read; with more, whole traces are sampled evenly."""
_FALSE_DISCOVERY_RATE = 0.05
"""Largest share of the reported differences that may be chance."""
_MIN_TRACES = 2
"""Smallest count in a selection of several traces, as every trace has unique ids."""
_MIN_STANDARD_ERRORS = 1.5
"""Smallest difference of two shares, in standard errors."""
_LONGEST_VALUE = 200
"""Largest number of characters of a value."""
_OUTCOMES = frozenset(
    (
        "error",
        "error.type",
        "error.message",
        "otel.status_code",
        "otel.status_description",
        "status.code",
        *HTTP_STATUS,
        *GRPC_STATUS,
    )
)
"""Attributes that mark a failure without giving the reason."""


_Name = tuple[str, str, str]
"""`what`, `key` and `value` of an `OverRepresented`."""


@dataclass(frozen=True, slots=True)
class OverRepresented:
    """Feature that is more frequent in the selection than among the others."""

    what: str
    """`attribute`, `service`, `operation` or `duration`"""
    key: str
    """Key of an attribute, or service of an operation; '' otherwise."""
    value: str
    """For a duration, the shortest in the selection, in nanoseconds."""
    selected: int
    """Number of traces of the selection that have it."""
    rest: int
    selected_percent: float
    rest_percent: float
    p_value: float
    """Probability of such a difference by chance, in a single test."""
    is_hint: bool = False
    """True if it is significant in a single test only, not among all candidates."""

    @property
    def lift(self) -> float:
        """Ratio of its frequency in the selection to that in the others; infinite if the others have none."""
        return self.selected_percent / self.rest_percent if self.rest_percent else math.inf


@dataclass(frozen=True, slots=True)
class Contrast:
    """Features over-represented in a selection: largest difference first, hints last."""

    selected: int
    """Number of traces of the selection that were examined."""
    rest: int
    selected_of: int
    """Number of traces in the selection."""
    rest_of: int
    differences: tuple[OverRepresented, ...]

    @property
    def is_weak(self) -> bool:
        """True if a side has too few traces for firm conclusions."""
        return min(self.selected, self.rest) < FEW_SAMPLES


def contrast(
    traces: TraceSet,
    selection: np.ndarray,
    *,
    outcomes: bool = False,
    durations: bool = True,
    most_spans: int | None = None,
) -> Contrast:
    """Compare the traces of `selection`, bool[traces], with all others.

    `outcomes`: include attributes that merely mark a failure. `durations`: include response times; False for selections
    by response time. `most_spans`: most spans per side whose attributes are read (default MAX_SPANS); with more,
    whole traces are sampled evenly.
    """
    sides = [np.flatnonzero(selection), np.flatnonzero(~selection)]
    examined = [_sampled(traces, side, most_spans or MAX_SPANS) for side in sides]
    trace_digests: dict[_Name, int] = {}
    found = [_counted(traces, side, outcomes, trace_digests) for side in examined]
    sizes = (len(examined[0]), len(examined[1]))
    counts = {name: (found[0][name], found[1][name]) for name in dict.fromkeys((*found[0], *found[1]))}
    if durations and all(sizes):
        counts.update(_by_duration(traces, examined))
    differences = [one for name, pair in counts.items() if (one := _difference(name, pair, sizes))]
    # features of exactly the same traces are one candidate
    candidates = {trace_digests.get(name, name): sum(pair) for name, pair in counts.items()}
    beyond = _significant(differences, candidates.values(), sizes)
    shown = [
        replace(one, is_hint=one not in beyond) for one in differences if one in beyond or min(sizes) < FEW_SAMPLES
    ]
    shown.sort(key=lambda one: (one.is_hint, one.rest_percent - one.selected_percent, one.what, one.key, one.value))
    return Contrast(*sizes, len(sides[0]), len(sides[1]), tuple(_distinct(shown)))


def _significant(
    found: list[OverRepresented], occurrences: Iterable[int], sizes: tuple[int, int]
) -> set[OverRepresented]:
    """Select the differences that are significant among all candidates."""

    @cache
    def least(occurs: int) -> float:
        """Return the least possible probability, if as many of the selection as possible have it."""
        selected = min(occurs, sizes[0])
        return (
            hypergeometric_p_value(selected, occurs - selected, sizes)
            if selected >= min(_MIN_TRACES, sizes[0])
            else 1.0
        )

    attainable = sorted(map(least, occurrences))
    count = 1
    while bisect_right(attainable, _FALSE_DISCOVERY_RATE / count) > count:
        count += 1
    eligible = [one for one in found if least(one.selected + one.rest) <= _FALSE_DISCOVERY_RATE / count]
    eligible.sort(key=lambda one: one.p_value)
    shown = max(
        (rank for rank, one in enumerate(eligible, 1) if one.p_value <= _FALSE_DISCOVERY_RATE * rank / count), default=0
    )
    return set(eligible[:shown])


def _sampled(traces: TraceSet, side: np.ndarray, most_spans: int) -> np.ndarray:
    spans = int(np.diff(traces.first)[side].sum()) if len(side) else 0
    step = -(-spans // most_spans) if spans else 1
    return side[::step]


def _counted(traces: TraceSet, side: np.ndarray, outcomes: bool, trace_digests: dict[_Name, int]) -> Counter[_Name]:
    """Count these traces by feature, and build digests that are equal for features of the same traces."""
    counts: Counter[_Name] = Counter()
    for trace in side.tolist():
        has: set[_Name] = set()
        resources = set()
        for span in traces.spans_of(trace):
            service = traces.service_name(span)
            has.add(("service", "", service))
            has.add(("operation", service, traces.shape_name(span)))
            resource = int(traces.resource[span])
            attributes = traces.attributes(span)
            if resource not in resources:
                resources.add(resource)
                attributes = {**traces.resource_attributes(span), **attributes}
            for key, value in attributes.items():
                if key != "service.name" and (outcomes or key not in _OUTCOMES):
                    has.add(("attribute", key, _text(value)))
        counts.update(has)
        # the hash of a tuple of integers is well mixed and equal in every run
        token = hash((trace, trace))
        for name in has:
            trace_digests[name] = trace_digests.get(name, 0) ^ token
    return counts


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)[:_LONGEST_VALUE]


def _difference(name: _Name, counts: tuple[int, int], sizes: tuple[int, int]) -> OverRepresented | None:
    """Build the difference; None if it may be chance, or the others have the feature as often."""
    selected, rest = counts
    if not sizes[0] or not sizes[1] or selected * sizes[1] <= rest * sizes[0]:
        return None
    shares = selected / sizes[0], rest / sizes[1]
    pooled = (selected + rest) / (sizes[0] + sizes[1])
    error = math.sqrt(pooled * (1 - pooled) * (1 / sizes[0] + 1 / sizes[1]))
    # the quick test first, as most features hardly differ
    if selected < min(_MIN_TRACES, sizes[0]) or shares[0] - shares[1] < _MIN_STANDARD_ERRORS * error:
        return None
    p_value = hypergeometric_p_value(selected, rest, sizes)
    return (
        OverRepresented(*name, selected, rest, 100 * shares[0], 100 * shares[1], p_value)
        if p_value <= _FALSE_DISCOVERY_RATE
        else None
    )


def _by_duration(traces: TraceSet, sides: list[np.ndarray]) -> dict[_Name, tuple[int, int]]:
    """Find the duration, to two digits, that the whole selection reaches, and count the others that reach it."""
    least = int(traces.response_time[sides[0]].min())
    step = 10 ** max(len(str(least)) - 2, 0)
    least -= least % step
    counts = [int((traces.response_time[side] >= least).sum()) for side in sides]
    return {("duration", "", str(least)): (counts[0], counts[1])}


def _distinct(differences: list[OverRepresented]) -> list[OverRepresented]:
    """Drop operations of a service that is already listed with the same counts."""
    services = {(one.value, one.selected, one.rest) for one in differences if one.what == "service"}
    return [one for one in differences if one.what != "operation" or (one.key, one.selected, one.rest) not in services]

"""Why these? What sets a selection of traces apart from the rest: attributes, services, operations, how long they take.

Everything is counted in traces: how many of the selection have it, and how many of the rest.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.chance import chance_of_so_many
from tracetui.model.conventions import GRPC_STATUS, HTTP_STATUS
from tracetui.model.traces import TraceSet

FEW = 20
"""Traces a side below which what is found may well be chance."""
MOST_SPANS = 40_000
"""Spans a side whose attributes are read at most; of more, whole traces are taken evenly."""
_MOST_CHANCE = 0.05
_BEYOND_CHANCE = 1.5
"""Standard errors by which two shares differ at least."""
_LONGEST = 200
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
"""Attributes that say that something failed, not why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the selection has more often than the rest."""

    what: str
    """`attribute`, `service`, `operation` or `duration`"""
    key: str
    """The attribute's, or the service of an operation; '' otherwise."""
    value: str
    """Of a duration the least of the selection, in nanoseconds."""
    selected: int
    """Traces of the selection that have it."""
    rest: int
    selected_percent: float
    rest_percent: float

    @property
    def lift(self) -> float:
        """How many times as often it occurs in the selection; infinite where the rest has none."""
        return self.selected_percent / self.rest_percent if self.rest_percent else math.inf


@dataclass(frozen=True, slots=True)
class Contrast:
    """What sets a selection apart, what differs most first."""

    selected: int
    """Traces of the selection that were looked at."""
    rest: int
    selected_of: int
    """Traces of the selection in all."""
    rest_of: int
    differences: tuple[Difference, ...]

    @property
    def is_weak(self) -> bool:
        """Whether there are too few traces on a side for this to say much."""
        return min(self.selected, self.rest) < FEW


def contrast(traces: TraceSet, selection: np.ndarray, *, outcomes: bool = False, durations: bool = True) -> Contrast:
    """Compare the traces of `selection`, bool[traces], with all others.

    With `outcomes`, attributes that merely say that something failed count too; without `durations`, how long traces
    take does not, as where they were selected by that.
    """
    sides = [np.flatnonzero(selection), np.flatnonzero(~selection)]
    looked_at = [_sampled(traces, side) for side in sides]
    found = [_counted(traces, side, outcomes) for side in looked_at]
    of = (len(looked_at[0]), len(looked_at[1]))
    differences = [
        one
        for what, key, value in found[0]
        if (one := _difference((what, key, value), (found[0][what, key, value], found[1][what, key, value]), of))
    ]
    if durations:
        differences += _by_duration(traces, looked_at, of)
    differences.sort(key=lambda one: (one.rest_percent - one.selected_percent, one.what, one.key, one.value))
    return Contrast(*of, len(sides[0]), len(sides[1]), tuple(_distinct(differences)))


def _sampled(traces: TraceSet, side: np.ndarray) -> np.ndarray:
    spans = int(np.diff(traces.first)[side].sum()) if len(side) else 0
    step = -(-spans // MOST_SPANS) if spans else 1
    return side[::step]


def _counted(traces: TraceSet, side: np.ndarray, outcomes: bool) -> Counter[tuple[str, str, str]]:
    """How many of these traces have each (what, key, value)."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for trace in side.tolist():
        has: set[tuple[str, str, str]] = set()
        resources = set()
        for span in traces.spans_of(trace):
            service = traces.service_name(span)
            has.add(("service", "", service))
            has.add(("operation", service, traces.operation_name(span)))
            resource = int(traces.resource[span])
            attributes = traces.attributes(span)
            if resource not in resources:
                resources.add(resource)
                attributes = {**traces.resource_attributes(span), **attributes}
            for key, value in attributes.items():
                if key != "service.name" and (outcomes or key not in _OUTCOMES):
                    has.add(("attribute", key, _text(value)))
        counts.update(has)
    return counts


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)[:_LONGEST]


def _difference(name: tuple[str, str, str], counts: tuple[int, int], of: tuple[int, int]) -> Difference | None:
    """The difference, or None where chance explains it or the rest has it as often."""
    selected, rest = counts
    if not of[0] or not of[1] or selected * of[1] <= rest * of[0]:
        return None
    shares = selected / of[0], rest / of[1]
    pooled = (selected + rest) / (of[0] + of[1])
    error = math.sqrt(pooled * (1 - pooled) * (1 / of[0] + 1 / of[1]))
    # the quick test first: most things differ by little
    if shares[0] - shares[1] < _BEYOND_CHANCE * error or chance_of_so_many(selected, rest, of) > _MOST_CHANCE:
        return None
    return Difference(*name, selected, rest, 100 * shares[0], 100 * shares[1])


def _by_duration(traces: TraceSet, sides: list[np.ndarray], of: tuple[int, int]) -> list[Difference]:
    """That all of the selection take at least so long, to two digits."""
    if not of[0] or not of[1]:
        return []
    least = int(traces.trace_duration[sides[0]].min())
    step = 10 ** max(len(str(least)) - 2, 0)
    least -= least % step
    counts = tuple(int((traces.trace_duration[side] >= least).sum()) for side in sides)
    found = _difference(("duration", "", str(least)), (counts[0], counts[1]), of)
    return [found] if found is not None else []


def _distinct(differences: list[Difference]) -> list[Difference]:
    """Without operations of a service that is named with the same counts already."""
    services = {(one.value, one.selected, one.rest) for one in differences if one.what == "service"}
    return [one for one in differences if one.what != "operation" or (one.key, one.selected, one.rest) not in services]

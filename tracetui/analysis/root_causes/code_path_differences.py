"""Steps that the abnormal spans of an operation lack, or have in addition."""

from __future__ import annotations

from typing import Final

import numpy as np

from tracetui.analysis.root_causes.aligned_trace_sets import AlignedSets, AlignedSpans
from tracetui.analysis.root_causes.code_path_evidence import StepChanges

_USUAL: Final = 0.7
"""Smallest share of the baseline's spans that have a usual step."""
_RARE: Final = 0.05
_MIN_FALL: Final = 0.5
_MIN_RISE: Final = 0.3
_MIN_DIFFERENCE: Final = 0.2
"""Smallest difference of the shares that is named if no step differs by more."""
_MAX_STEPS: Final = 3


def missing_and_new_steps(
    sets: AlignedSets, changes: StepChanges, operation: int, abnormal: np.ndarray
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """List the names of the steps that most abnormal spans lack, and of those that only they have.

    abnormal: int64[k], spans of the operation in the incident.
    """
    span_steps = len(sets.steps)
    count = span_steps + len(changes.statements)
    normal = np.flatnonzero(sets.baseline.operation == operation)
    before = _step_rates(sets.baseline, changes.log_lines[0], normal, span_steps, count)
    after = _step_rates(sets.incident, changes.log_lines[1], abnormal, span_steps, count)
    rise = after - before
    missing = np.flatnonzero((before >= _USUAL) & (rise <= -_MIN_FALL))
    new = np.flatnonzero((before <= _RARE) & (rise >= _MIN_RISE))
    missing = missing[np.argsort(rise[missing], kind="stable")]
    new = new[np.argsort(-rise[new], kind="stable")]
    if not len(missing) and not len(new):
        # of steps that not all spans have, those that differ most
        missing = np.array([rise.argmin()]) if rise.min() <= -_MIN_DIFFERENCE else missing
        new = np.array([rise.argmax()]) if rise.max() >= _MIN_DIFFERENCE else new
    return _names(sets, changes, missing[:_MAX_STEPS]), _names(sets, changes, new[:_MAX_STEPS])


def _step_rates(side: AlignedSpans, lines: np.ndarray, spans: np.ndarray, span_steps: int, count: int) -> np.ndarray:
    """Compute the share of the spans that have each step: float64[count]."""
    traces = side.traces
    is_selected = np.zeros(len(traces), bool)
    is_selected[spans] = True
    child = np.flatnonzero(traces.parent >= 0)
    child = child[is_selected[traces.parent[child]]]
    pairs = [traces.parent[child].astype(np.int64) * count + side.step[child]]
    if len(lines):
        rows = np.flatnonzero(is_selected[traces.log_lines.span])
        pairs.append(traces.log_lines.span[rows].astype(np.int64) * count + span_steps + lines[rows])
    distinct = np.unique(np.concatenate(pairs))
    rates: np.ndarray = np.bincount(distinct % count, minlength=count) / max(len(spans), 1)
    return rates


def _names(sets: AlignedSets, changes: StepChanges, steps: np.ndarray) -> tuple[str, ...]:
    span_steps = len(sets.steps)
    return tuple(
        f"log {changes.statements.values[step - span_steps]}" if step >= span_steps else sets.step_name(step)
        for step in steps.tolist()
    )

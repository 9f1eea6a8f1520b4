"""The steps by which odd spans differ from the usual ones of their operation."""

from __future__ import annotations

from typing import Final

import numpy as np

from tracetui.analysis.why.observations import Observations, ObservedSpans
from tracetui.analysis.why.steps import Steps

_USUAL: Final = 0.7
_RARE: Final = 0.05
_MOST: Final = 3


def differing_steps(
    both: Observations, steps: Steps, operation: int, odd: np.ndarray
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """List the steps that most odd spans lack or add. -> missing, new

    operation: of the spans; odd: int64[k], odd spans after.
    """
    usual = np.flatnonzero(both.before.operation == operation)
    count = len(both.operations) + len(steps.statements)
    before = _rates(both.before, steps.lines[0], usual, len(both.operations), count)
    after = _rates(both.after, steps.lines[1], odd, len(both.operations), count)
    difference = after - before
    lost = np.flatnonzero((before >= _USUAL) & (difference <= -0.5))
    added = np.flatnonzero((before <= _RARE) & (difference >= 0.3))
    lost, added = (
        lost[np.argsort(difference[lost], kind="stable")],
        added[np.argsort(-difference[added], kind="stable")],
    )
    return tuple(_name(both, steps, one) for one in lost[:_MOST].tolist()), tuple(
        _name(both, steps, one) for one in added[:_MOST].tolist()
    )


def _rates(side: ObservedSpans, lines: np.ndarray, spans: np.ndarray, operations: int, count: int) -> np.ndarray:
    """Compute the share of the spans that have each step: float64[count]."""
    traces = side.traces
    wanted = np.zeros(len(traces), bool)
    wanted[spans] = True
    child = np.flatnonzero(traces.parent >= 0)
    child = child[wanted[traces.parent[child]]]
    pairs = [traces.parent[child].astype(np.int64) * count + side.operation[child]]
    if len(lines):
        rows = np.flatnonzero(wanted[traces.log_lines.span])
        pairs.append(traces.log_lines.span[rows].astype(np.int64) * count + operations + lines[rows])
    distinct = np.unique(np.concatenate(pairs))
    rates: np.ndarray = np.bincount(distinct % count, minlength=count) / max(len(spans), 1)
    return rates


def _name(both: Observations, steps: Steps, step: int) -> str:
    operations = len(both.operations)
    if step >= operations:
        return f"log {steps.statements.values[step - operations]}"
    return " ".join(both.operation_name(step))

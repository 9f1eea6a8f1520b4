"""Changes of the calls between services from one trace set to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.compare import Comparison
from tracetui.analysis.service_graph import ServiceGraph
from tracetui.analysis.stats.change import Verdict
from tracetui.analysis.stats.groups import FEW_SAMPLES

_DEVIATIONS = 4.0
"""Standard errors beyond which a change of the number of calls per trace is not chance, for all edges together."""
_FIGURES = {"error_rate": "errors", "p95": "p95", "network": "network"}
"""Names of the compared figures of an edge besides its calls."""
EdgeKey = tuple[str, str, bool]
"""Caller, callee, and whether the calls are asynchronous."""


@dataclass(frozen=True, slots=True)
class EdgeChange:
    """Change of the calls between two services: of `calls` per trace, `errors`, `p95` and `network`."""

    worse: tuple[str, ...] = ()
    better: tuple[str, ...] = ()
    is_new: bool = False
    is_gone: bool = False

    @classmethod
    def of_all(cls, changes: Iterable[EdgeChange | None]) -> EdgeChange | None:
        """Combine the changes of several edges, of which some are unchanged; None if all are."""
        every = list(changes)
        found = [one for one in every if one is not None]
        if not found:
            return None
        worse = dict.fromkeys(figure for one in found for figure in one.worse)
        better = dict.fromkeys(figure for one in found for figure in one.better)
        return cls(
            tuple(worse),
            tuple(figure for figure in better if figure not in worse),
            is_new=len(found) == len(every) and all(one.is_new for one in found),
            is_gone=len(found) == len(every) and all(one.is_gone for one in found),
        )


@dataclass(frozen=True, eq=False, slots=True)
class GraphChanges:
    """Changed edges of a service graph, and the graph before."""

    edges: dict[EdgeKey, EdgeChange]
    before: ServiceGraph


def graph_changes(found: Comparison) -> GraphChanges:
    """Find the edges of which a figure became better or worse beyond chance, and those that are new or gone."""
    by_key: dict[EdgeKey, EdgeChange] = {}
    calls = dict(_call_changes(found.before, found.after, found.threshold))
    for one in found.edges:
        key = (one.name[0], one.name[1], one.name[2] == "async")
        if one.verdict in (Verdict.NEW, Verdict.GONE):
            by_key[key] = EdgeChange(is_new=one.verdict is Verdict.NEW, is_gone=one.verdict is Verdict.GONE)
            continue
        compared = {change.figure: change.verdict for change in one.changes}
        verdicts = {"calls": calls.get(key, Verdict.SMALL)}
        verdicts |= {name: compared[figure] for figure, name in _FIGURES.items()}
        worse = tuple(figure for figure, verdict in verdicts.items() if verdict is Verdict.WORSE)
        better = tuple(figure for figure, verdict in verdicts.items() if verdict is Verdict.BETTER)
        if worse or better:
            by_key[key] = EdgeChange(worse, better)
    return GraphChanges(by_key, found.before.graph)


def _call_changes(before: Analysis, after: Analysis, threshold: float) -> Iterator[tuple[EdgeKey, Verdict]]:
    """Yield the edges whose number of calls per trace changed by `threshold` percent or more, and not by chance."""
    if min(before.traces.trace_count, after.traces.trace_count) < FEW_SAMPLES:
        return
    first, second = (_calls_per_trace(analysis) for analysis in (before, after))
    for key, (mean, error) in first.items():
        other = second.get(key)
        if other is None:
            continue
        change = other[0] - mean
        if 100 * abs(change) >= threshold * mean and abs(change) > _DEVIATIONS * float(np.hypot(error, other[1])):
            yield key, Verdict.WORSE if change > 0 else Verdict.BETTER


def _calls_per_trace(analysis: Analysis) -> dict[EdgeKey, tuple[float, float]]:
    """Compute the mean number of calls per trace of each edge, and its standard error."""
    calls, traces = analysis.calls, analysis.traces
    count = max(traces.trace_count, 1)
    edge = (calls.caller.astype(np.int64) * len(calls.nodes) + calls.callee) * 2 + calls.is_async
    pairs, number = np.unique(np.stack((edge, traces.trace[calls.span])), axis=1, return_counts=True)
    edges, begins = np.unique(pairs[0], return_index=True)
    sums = np.add.reduceat(number, begins) if len(begins) else np.zeros(0)
    squares = np.add.reduceat(number**2, begins) if len(begins) else np.zeros(0)
    means = sums / count
    errors = np.sqrt(np.maximum(squares / count - means**2, 0) / count)
    found = {}
    for key, mean, error in zip(edges.tolist(), means.tolist(), errors.tolist(), strict=True):
        pair, is_async = divmod(key, 2)
        caller, callee = divmod(pair, len(calls.nodes))
        found[calls.nodes[caller], calls.nodes[callee], bool(is_async)] = (mean, error)
    return found

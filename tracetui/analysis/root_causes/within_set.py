"""Root causes within one trace set, with a baseline chosen among its traces."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tracetui.analysis.root_causes.baseline_choice import choose_baseline
from tracetui.analysis.root_causes.confidence import halve_confidence
from tracetui.analysis.root_causes.results import Cause, RootCauses
from tracetui.analysis.root_causes.with_baseline import MAX_CAUSES, find_root_causes
from tracetui.analysis.root_causes.without_baseline import causes_by_time, find_causes_without_baseline
from tracetui.model.traces import TraceSet


@dataclass(frozen=True, slots=True)
class CausesAndBaseline:
    """Root causes, and what they were compared with."""

    found: RootCauses
    baseline: str
    """Description of the baseline, or its source; '' for none."""
    is_by_outcome: bool = False
    """True if the traces were chosen because they failed or are slow, so that this is no finding."""


def find_causes_within(traces: TraceSet) -> CausesAndBaseline:
    """Rank the causes of what is worse in some traces of a set than in the others; without a baseline if few differ."""
    choice = choose_baseline(traces)
    if choice is None:
        return CausesAndBaseline(find_causes_without_baseline(traces), "")
    found = find_root_causes(traces.select(choice.baseline), traces.select(choice.incident))
    if choice.is_weak:
        found = halve_confidence(_with_causes_by_time(found, traces))
    return CausesAndBaseline(found, choice.description, choice.is_by_outcome)


def _with_causes_by_time(found: RootCauses, traces: TraceSet) -> RootCauses:
    """Add the services that take most of the time of all requests, which may be slow because of the same problem."""
    causes: dict[str, Cause] = {}
    for cause in sorted((*found.causes, *causes_by_time(traces, shares_calls=True)), key=lambda one: -one.confidence):
        causes.setdefault(cause.service, cause)
    ranked = [replace(cause, rank=rank) for rank, cause in enumerate(list(causes.values())[:MAX_CAUSES], 1)]
    return replace(found, causes=tuple(ranked))

"""Root causes within one trace set, with a baseline chosen among its traces."""

from __future__ import annotations

from dataclasses import dataclass

from tracetui.analysis.root_causes.baseline_choice import choose_baseline
from tracetui.analysis.root_causes.confidence import halve_confidence
from tracetui.analysis.root_causes.results import RootCauses
from tracetui.analysis.root_causes.with_baseline import find_root_causes
from tracetui.analysis.root_causes.without_baseline import find_causes_without_baseline
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
    found = halve_confidence(found) if choice.is_weak else found
    return CausesAndBaseline(found, choice.description, choice.is_by_outcome)

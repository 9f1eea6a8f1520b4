"""Ranked root causes of the failures or slowness in a trace set."""

from tracetui.analysis.root_causes.baseline_choice import BaselineChoice, choose_baseline
from tracetui.analysis.root_causes.confidence import halve_confidence
from tracetui.analysis.root_causes.results import AffectedEntryPoint, Cause, EvidenceDetail, ExampleSpan, RootCauses
from tracetui.analysis.root_causes.with_baseline import find_root_causes
from tracetui.analysis.root_causes.within_set import CausesAndBaseline, find_causes_within
from tracetui.analysis.root_causes.without_baseline import find_causes_without_baseline

__all__ = [
    "AffectedEntryPoint",
    "BaselineChoice",
    "Cause",
    "CausesAndBaseline",
    "EvidenceDetail",
    "ExampleSpan",
    "RootCauses",
    "choose_baseline",
    "find_causes_within",
    "find_causes_without_baseline",
    "find_root_causes",
    "halve_confidence",
]

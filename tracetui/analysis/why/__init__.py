"""Ranked root causes of what is wrong in a trace set."""

from tracetui.analysis.why.alone import explain_alone
from tracetui.analysis.why.cause import AffectedEntryPoint, Cause, Finding, Why
from tracetui.analysis.why.confidence import without_baseline
from tracetui.analysis.why.explain import explain
from tracetui.analysis.why.quiet import QuietPart, quiet_part

__all__ = [
    "AffectedEntryPoint",
    "Cause",
    "Finding",
    "QuietPart",
    "Why",
    "explain",
    "explain_alone",
    "quiet_part",
    "without_baseline",
]

"""Ranked root causes of what is wrong in a trace set."""

from tracetui.analysis.why.cause import AffectedEntryPoint, Cause, Finding, Why
from tracetui.analysis.why.explain import explain
from tracetui.analysis.why.quiet import QuietPart, quiet_part
from tracetui.analysis.why.without_baseline import explain_alone

__all__ = ["AffectedEntryPoint", "Cause", "Finding", "QuietPart", "Why", "explain", "explain_alone", "quiet_part"]

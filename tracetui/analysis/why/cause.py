"""Results: ranked causes with their evidence."""

from __future__ import annotations

from dataclasses import dataclass

from tracetui.analysis.why.evidence import EvidenceKind


@dataclass(frozen=True, slots=True)
class Finding:
    """Piece of evidence for people.

    The figures before and after are mean times in ns for time, shares of the spans between 0 and 1 for errors and
    steps, and calls per span for calls. `before` is None without a baseline.
    """

    kind: EvidenceKind
    service: str
    operation: str
    target: str
    """Service, or target without spans, that is called; '' for none."""
    before: float | None
    after: float
    span_count: int
    """Number of spans after that the figure is of."""
    weight: float
    missing: tuple[str, ...] = ()
    """Steps that the odd spans lack."""
    new: tuple[str, ...] = ()
    """Steps that they have and others had not."""


@dataclass(frozen=True, slots=True)
class AffectedEntryPoint:
    """Entry point whose traces show the evidence."""

    service: str
    operation: str
    trace_count: int


@dataclass(frozen=True, slots=True)
class Cause:
    """Candidate for the root cause."""

    rank: int
    service: str
    host: str
    """Pod or host that shows the evidence; '' if no single one does."""
    is_external: bool
    """True for a target without spans of its own."""
    operation: str
    """Operation with the strongest evidence."""
    kind: EvidenceKind
    """EvidenceKind of the strongest evidence."""
    confidence: float
    """0 to 1."""
    score: float
    """Part of the weight of all evidence that this cause explains, 0 to 1."""
    findings: tuple[Finding, ...]
    example_trace_ids: tuple[str, ...]
    way: tuple[str, ...]
    """Services from the entry point to the cause, in the first example."""
    entry_points: tuple[AffectedEntryPoint, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """Ranked causes of what is wrong in a trace set."""

    causes: tuple[Cause, ...]
    trace_count: int
    baseline_count: int
    """Traces of the baseline; 0 for none."""
    missing: tuple[str, ...]
    """Data that would make the result more certain."""

    @property
    def is_sure(self) -> bool:
        """True if the first cause is more likely than all others together."""
        return bool(self.causes) and self.causes[0].confidence >= ENOUGH


ENOUGH = 0.5
"""Least confidence of a first cause that is named without reserve."""

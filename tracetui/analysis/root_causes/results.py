"""Results of the root cause analysis: ranked causes with their evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tracetui.analysis.root_causes.evidence import EvidenceKind
from tracetui.analysis.root_causes.symptoms import Symptoms

CONFIDENT: Final = 0.5
"""Lowest confidence of a first cause that is reported as the cause."""


@dataclass(frozen=True, slots=True)
class ExampleSpan:
    """Span that shows a piece of evidence."""

    trace_id: str
    offset: int
    """Position of the span within its trace, which is the same in every set that holds the trace."""
    span_id: str
    figure: float | None
    """Figure of this span: its time in ns, or its number of calls; None if the evidence is a share of spans."""


@dataclass(frozen=True, slots=True)
class EvidenceDetail:
    """Piece of evidence with names and figures, for reports.

    The unit of the figures depends on the kind: mean times in ns; for errors and steps the share of the spans, 0 to 1;
    for more calls the calls per span. `before` is None without a baseline.
    """

    kind: EvidenceKind
    service: str
    operation: str
    target: str
    """Service or external target of the call; '' for none."""
    before: float | None
    after: float
    span_count: int
    """Number of spans in the incident that the figure is calculated from."""
    weight: float
    missing_steps: tuple[str, ...] = ()
    """Steps that the abnormal spans lack, or have less often."""
    new_steps: tuple[str, ...] = ()
    """Steps that occur in the abnormal spans only, or more often there."""
    examples: tuple[ExampleSpan, ...] = ()
    """Spans of different traces, the clearest first."""


@dataclass(frozen=True, slots=True)
class AffectedEntryPoint:
    """Entry point whose traces contain the evidence."""

    service: str
    operation: str
    trace_count: int


@dataclass(frozen=True, slots=True)
class Cause:
    """Candidate for the root cause: a service, or an external target."""

    rank: int
    service: str
    host: str
    """Pod or host on which the problem occurs; '' if it is not limited to one."""
    is_external: bool
    """True for a target without spans of its own."""
    operation: str
    """Operation with the strongest evidence."""
    kind: EvidenceKind
    """Kind of the strongest evidence."""
    confidence: float
    """0 to 1."""
    score: float
    """Share of the total weight of evidence that is attributed to this cause, 0 to 1."""
    evidence: tuple[EvidenceDetail, ...]
    """Strongest first."""
    example_trace_ids: tuple[str, ...]
    propagation_path: tuple[str, ...]
    """Services from the entry point to the cause, in the first example."""
    entry_points: tuple[AffectedEntryPoint, ...]


@dataclass(frozen=True, slots=True)
class RootCauses:
    """Ranked causes of the failures or slowness in a trace set."""

    causes: tuple[Cause, ...]
    trace_count: int
    baseline_count: int
    """Number of traces in the baseline; 0 for none."""
    missing_data: tuple[str, ...]
    """Data that would raise the confidence."""
    symptoms: Symptoms | None = None
    """Changes of the requests; None without a baseline, or without common entry points."""

    @property
    def is_confident(self) -> bool:
        """True if the first cause is more likely than all others together."""
        return bool(self.causes) and self.causes[0].confidence >= CONFIDENT

"""Root causes as text."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from tracetui.analysis.root_causes.evidence import EvidenceKind
from tracetui.analysis.root_causes.results import Cause, EvidenceDetail, RootCauses
from tracetui.render.report.text_blocks import Page, ReportOptions
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe

_SHOWN: Final = 3
_LIKELY: Final = 0.05
"""Least confidence of a cause after the first that is described; the others are listed by name."""
_NOT_ENOUGH: Final = "Not enough evidence to name a cause."
_KIND_LABELS: Final = {
    EvidenceKind.SELF_TIME: "self time",
    EvidenceKind.NETWORK: "network",
    EvidenceKind.DEPENDENCY: "dependency",
    EvidenceKind.ERRORS: "error origin",
    EvidenceKind.MORE_CALLS: "more calls",
    EvidenceKind.STEPS: "unusual steps",
}
_TIME_LABELS: Final = {
    EvidenceKind.SELF_TIME: "self time",
    EvidenceKind.NETWORK: "network to {}",
    EvidenceKind.DEPENDENCY: "calls to {}",
}


def why_text(found: RootCauses, baseline: str, source: str, options: ReportOptions) -> Iterator[Line]:
    """Yield the lines of the report. baseline: its description, '' for none; source: of the traces, for commands."""
    return _WhyReport(found, baseline, source, options).lines()


class _WhyReport(Page):
    def __init__(self, found: RootCauses, baseline: str, source: str, options: ReportOptions) -> None:
        super().__init__(options)
        self.found, self.baseline, self.source = found, baseline, source
        self._arrow = f" {self.glyphs.sync_call} "

    def lines(self) -> Iterator[Line]:
        yield from self._head()
        causes = self.found.causes
        if not self.found.is_confident:
            yield Line()
            yield self.line((_NOT_ENOUGH, Role.STRONG), (" Candidates follow." if causes else "", Role.PLAIN))
            for text in self.found.missing_data:
                yield self.line((f"  missing: {safe(text)}", Role.DIM))
        likely = [cause for cause in causes if cause.rank == 1 or cause.confidence >= _LIKELY]
        shown = causes if self.options.verbose else likely[:_SHOWN]
        for cause in shown:
            yield Line()
            yield from self._cause(cause)
        if len(causes) > len(shown):
            rest = ", ".join(f"{safe(one.service)} {_percent(one.confidence)}" for one in causes[len(shown) :])
            yield Line()
            yield self.line((f"Further candidates: {rest}", Role.DIM))
        if self.found.is_confident:
            for text in self.found.missing_data:
                yield Line()
                yield self.line((f"To raise the confidence, add {safe(text)}", Role.DIM))

    def _head(self) -> Iterator[Line]:
        traces = numbers.counted(self.found.trace_count, "trace")
        line = [("Causes ", Role.TITLE), (f"in {traces}", Role.DIM)]
        if self.baseline:
            counted = numbers.counted(self.found.baseline_count, "trace")
            line.append((f", compared with {counted}: {safe(self.baseline)}", Role.DIM))
        else:
            line.append((", without a baseline", Role.DIM))
        yield self.line(*line)
        if self.options.filtered:
            yield self.line((f"filter: {safe(self.options.filtered)}", Role.DIM))

    def _cause(self, cause: Cause) -> Iterator[Line]:
        role = Role.ERROR if cause.rank == 1 and self.found.is_confident else Role.STRONG
        name = safe(cause.service) + (" (external)" if cause.is_external else "")
        yield self.line(
            (f"{cause.rank}  ", Role.DIM),
            (name, role),
            (f"  {_KIND_LABELS[cause.kind]}", Role.PLAIN),
            (f"  confidence {_percent(cause.confidence)}", Role.STRONG),
        )
        if cause.host:
            yield self.line((f"   on {safe(cause.host)}", Role.DIM))
        for detail in cause.evidence:
            yield from self._evidence(detail, cause.service)
        if len(cause.propagation_path) > 1:
            path = self._arrow.join(map(safe, cause.propagation_path))
            yield self.line(("   path     ", Role.DIM), (path, Role.PLAIN))
        for number, entry in enumerate(cause.entry_points):
            label = "   affects  " if not number else " " * 12
            counted = numbers.counted(entry.trace_count, "trace")
            yield self.line(
                (label, Role.DIM),
                (f"{safe(entry.service)} {safe(entry.operation)}", Role.PLAIN),
                (f"  {counted}", Role.DIM),
            )
        for number, trace_id in enumerate(cause.example_trace_ids):
            label = "   example  " if not number else " " * 12
            command = f"tracetui show {safe(shlex.quote(self.source))} --trace {safe(shlex.quote(trace_id))}"
            # a command that is cut cannot be pasted
            yield Line([(label, Role.DIM), (command, Role.PLAIN)])

    def _evidence(self, detail: EvidenceDetail, cause: str) -> Iterator[Line]:
        service = f"{safe(detail.service)} " if detail.service != cause else ""
        name = service + safe(detail.operation)
        before = "" if detail.before is None else self._figure(detail.kind, detail.before) + self._arrow
        figures = f"{before}{self._figure(detail.kind, detail.after)}"
        if detail.kind is EvidenceKind.STEPS:
            text = f"{figures} of {detail.span_count:,} spans have steps that are rare in the baseline"
        elif detail.kind is EvidenceKind.ERRORS:
            text = f"errors originate in {figures} of {detail.span_count:,} spans"
        elif detail.kind is EvidenceKind.MORE_CALLS:
            text = f"{figures} calls of {safe(detail.target)} per span"
        else:
            time = _TIME_LABELS[detail.kind].format(safe(detail.target))
            text = f"{time} {figures}, {numbers.counted(detail.span_count, 'span')}"
        yield self.line(("   ", Role.PLAIN), (name, Role.PLAIN), (f"  {text}", Role.STRONG))
        for word, steps in (("missing", detail.missing_steps), ("new    ", detail.new_steps)):
            for step in steps:
                yield self.line((f"     {word}  {safe(step)}", Role.DIM))

    def _figure(self, kind: EvidenceKind, value: float) -> str:
        if kind in (EvidenceKind.ERRORS, EvidenceKind.STEPS):
            return numbers.percent(100 * value)
        if kind is EvidenceKind.MORE_CALLS:
            return f"{value:.1f}"
        return self.duration(value)


def _percent(confidence: float) -> str:
    return f"{100 * confidence:.0f} %"

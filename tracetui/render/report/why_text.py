"""Root causes as text."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from tracetui.analysis.root_causes.evidence import EvidenceKind
from tracetui.analysis.root_causes.results import Cause, EvidenceDetail
from tracetui.analysis.root_causes.symptoms import EntryPointChange, Symptoms
from tracetui.analysis.root_causes.within_set import CausesAndBaseline
from tracetui.render.report.text_blocks import Page, ReportOptions
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe

_SHOWN: Final = 3
_MIN_CONFIDENCE: Final = 0.05
"""Lowest confidence of a cause after the first that is described; the others are listed by name."""
_SHOWN_SYMPTOMS: Final = 3
_WORSE: Final = "Got worse  "
_NOT_ENOUGH: Final = "Not enough evidence to name a cause."
_MIN_SHOWN_FACTOR: Final = 1.02
"""Factor from which a change of the median shows that requests became slower."""
_KIND_LABELS: Final = {
    EvidenceKind.SELF_TIME: "self time",
    EvidenceKind.NETWORK: "network",
    EvidenceKind.DEPENDENCY: "dependency",
    EvidenceKind.ERRORS: "error origin",
    EvidenceKind.MORE_CALLS: "more calls",
    EvidenceKind.STEPS: "unusual steps",
    EvidenceKind.INTERRUPTED: "interrupted calls",
}
_TIME_LABELS: Final = {
    EvidenceKind.SELF_TIME: "self time",
    EvidenceKind.NETWORK: "network to {}",
    EvidenceKind.DEPENDENCY: "calls to {}",
}


def why_text(causes: CausesAndBaseline, source: str, options: ReportOptions) -> Iterator[Line]:
    """Yield the lines of the report. source: of the traces, for commands"""
    return _WhyReport(causes, source, options).lines()


class _WhyReport(Page):
    def __init__(self, causes: CausesAndBaseline, source: str, options: ReportOptions) -> None:
        super().__init__(options)
        self.found, self.baseline, self.source = causes.found, causes.baseline, source
        self._is_by_outcome = causes.is_by_outcome
        self._arrow = f" {self.glyphs.sync_call} "

    def lines(self) -> Iterator[Line]:
        yield from self._head()
        causes, symptoms = self.found.causes, self.found.symptoms
        if symptoms is not None and not self._is_by_outcome:
            yield Line()
            yield from self._symptoms(symptoms)
        if symptoms is not None and symptoms.is_better and not self.found.is_confident:
            if causes:
                yield self.line(("Differences from the baseline follow; they caused no problem.", Role.PLAIN))
        elif not self.found.is_confident:
            yield Line()
            yield self.line((_NOT_ENOUGH, Role.STRONG), (" Candidates follow." if causes else "", Role.PLAIN))
            for text in self.found.missing_data:
                yield self.line((f"  missing: {safe(text)}", Role.DIM))
        likely = [
            cause for cause in causes if cause.rank == 1 or cause.confidence >= _MIN_CONFIDENCE or self._fails(cause)
        ]
        shown = causes if self.options.verbose else likely[:_SHOWN]
        for cause in shown:
            yield Line()
            yield from self._cause(cause)
        others = [cause for cause in causes if cause not in shown]
        if others:
            rest = ", ".join(f"{safe(one.service)} {_percent(one.confidence)}" for one in others)
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

    def _symptoms(self, symptoms: Symptoms) -> Iterator[Line]:
        """State what became worse, or that nothing did."""
        if not symptoms.is_worse:
            word = "Nothing got worse" if symptoms.is_better else "Nothing got worse beyond chance"
            yield from self.wrapped(f"{word}: {self._change(symptoms.overall, is_whole=True)}.", Role.STRONG)
            return
        # of a single entry point, the figures of all requests would say the same
        has_sum = symptoms.overall.is_worse and len(symptoms.worse) != 1
        worse = [symptoms.overall, *symptoms.worse] if has_sum else [*symptoms.worse]
        shown = worse if self.options.verbose else worse[: 1 + _SHOWN_SYMPTOMS]
        for number, one in enumerate(shown):
            name = f"{safe(one.service)} {safe(one.operation)}" if one.service else "all requests"
            yield self.line((_WORSE if not number else " " * len(_WORSE), Role.STRONG), (name, Role.PLAIN))
            yield self.line((" " * len(_WORSE), Role.PLAIN), (self._change(one), Role.STRONG))
        yield from self.more(len(worse) - len(shown), "entry point")

    def _change(self, one: EntryPointChange, *, is_whole: bool = False) -> str:
        """Describe the figures of requests that became worse; all of them if `is_whole`."""
        texts = []
        if is_whole or one.is_slower:
            before, after = one.medians
            if is_whole or after > _MIN_SHOWN_FACTOR * before:
                texts.append(f"p50 {self.duration(before)}{self._arrow}{self.duration(after)}")
            else:
                texts.append(f"slower than the baseline's p90: {self._shares(one.slow, one.counts)}")
        if is_whole or one.fails_more:
            texts.append(f"failed requests {self._shares(one.failed, one.counts)}")
        return ", ".join(texts)

    def _shares(self, numbers_of: tuple[int, int], counts: tuple[int, int]) -> str:
        shares = [numbers.percent(100 * number / count) for number, count in zip(numbers_of, counts, strict=True)]
        return self._arrow.join(shares)

    def _fails(self, cause: Cause) -> bool:
        """Test if a cause explains that requests fail more often, however little it explains of their time."""
        symptoms = self.found.symptoms
        return (
            symptoms is not None
            and symptoms.fails_more
            and any(detail.kind is EvidenceKind.ERRORS for detail in cause.evidence)
        )

    def _cause(self, cause: Cause) -> Iterator[Line]:
        role = Role.ERROR if cause.rank == 1 and self.found.is_confident else Role.STRONG
        name = safe(cause.service) + (" (external)" if cause.is_external else "")
        symptoms = self.found.symptoms
        # a difference that caused no problem is no cause, of any confidence
        is_cause = symptoms is None or not symptoms.is_better or cause.kind is EvidenceKind.STEPS
        weight = f"confidence {_percent(cause.confidence)}"
        if cause.rank > 1 and cause.confidence < _MIN_CONFIDENCE and self._fails(cause):
            weight = "explains some failures"
        yield self.line(
            (f"{cause.rank}  ", Role.DIM),
            (name, role),
            (f"  {_KIND_LABELS[cause.kind]}", Role.PLAIN),
            (f"  {weight}" if is_cause else "", Role.STRONG),
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
        elif detail.kind is EvidenceKind.INTERRUPTED:
            text = f"stops next to a call of {safe(detail.target)} in {figures} of {detail.span_count:,} spans"
        elif detail.kind is EvidenceKind.ERRORS:
            text = f"errors begin in {self._figure(detail.kind, detail.after)} of {detail.span_count:,} spans"
            text += "" if detail.before is None else f", in {self._figure(detail.kind, detail.before)} before"
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
        if kind in (EvidenceKind.ERRORS, EvidenceKind.STEPS, EvidenceKind.INTERRUPTED):
            return numbers.percent(100 * value)
        if kind is EvidenceKind.MORE_CALLS:
            return f"{value:.1f}"
        return self.duration(value)


def _percent(confidence: float) -> str:
    return numbers.whole_percent(100 * confidence)

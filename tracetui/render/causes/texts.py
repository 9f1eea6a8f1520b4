"""Texts about root causes: what got worse, the evidence with its figures, and the confidence."""

from __future__ import annotations

import re
from typing import Final

from tracetui.analysis.root_causes.evidence import EvidenceKind
from tracetui.analysis.root_causes.results import Cause, EvidenceDetail, RootCauses
from tracetui.analysis.root_causes.symptoms import EntryPointChange, Symptoms
from tracetui.analysis.root_causes.within_set import CausesAndBaseline
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe

NOT_ENOUGH: Final = "Not enough evidence to name a cause."
MIN_CONFIDENCE: Final = 0.05
"""Lowest confidence of a cause after the first that the report describes; it lists the others by name."""
_OPTIONS: Final = re.compile(r" \(--[^)]*\)")
_MIN_SHOWN_FACTOR: Final = 1.02
"""Factor from which a change of the median shows that requests became slower."""
_SHARES: Final = (EvidenceKind.ERRORS, EvidenceKind.STEPS, EvidenceKind.INTERRUPTED)
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


class CauseTexts:
    """Texts for one set of glyphs; all safe to show."""

    def __init__(self, glyphs: Glyphs) -> None:
        self.glyphs = glyphs
        self.arrow = f" {glyphs.sync_call} "

    def head(self, causes: CausesAndBaseline) -> Line:
        """Return `Causes in 8 traces, compared with 92 traces: requests that did not fail`."""
        found = causes.found
        line = Line([("Causes ", Role.TITLE), (f"in {numbers.counted(found.trace_count, 'trace')}", Role.DIM)])
        if not causes.baseline:
            return line.add(", without a baseline", Role.DIM)
        counted = numbers.counted(found.baseline_count, "trace")
        return line.add(f", compared with {counted}: {safe(causes.baseline)}", Role.DIM)

    def nothing_worse(self, symptoms: Symptoms) -> str:
        """Say that nothing got worse; '' if something did."""
        if symptoms.is_worse:
            return ""
        words = "Nothing got worse" if symptoms.is_better else "Nothing got worse beyond chance"
        return f"{words}: {self.change(symptoms.overall, is_whole=True)}."

    def worse(self, symptoms: Symptoms) -> list[tuple[str, str]]:
        """List what got worse: (requests, change)."""
        # of a single entry point, the figures of all requests would say the same
        has_sum = symptoms.overall.is_worse and len(symptoms.worse) != 1
        worse = [symptoms.overall, *symptoms.worse] if has_sum else [*symptoms.worse]
        return [
            (f"{safe(one.service)} {safe(one.operation)}" if one.service else "all requests", self.change(one))
            for one in worse
        ]

    def change(self, one: EntryPointChange, *, is_whole: bool = False) -> str:
        """Describe the figures of requests that became worse; all of them if `is_whole`."""
        texts = []
        if is_whole or one.is_slower:
            before, after = one.medians
            if is_whole or after > _MIN_SHOWN_FACTOR * before:
                texts.append(f"p50 {self.duration(before)}{self.arrow}{self.duration(after)}")
            else:
                texts.append(f"slower than the baseline's p90: {self._change_of_share(one.slow, one.counts)}")
        if is_whole or one.fails_more:
            texts.append(f"failed requests {self._change_of_share(one.failed, one.counts)}")
        return ", ".join(texts)

    def _change_of_share(self, numbers_of: tuple[int, int], counts: tuple[int, int]) -> str:
        shares = [numbers.percent(100 * number / count) for number, count in zip(numbers_of, counts, strict=True)]
        return self.arrow.join(shares)

    def name(self, cause: Cause) -> str:
        return safe(cause.service) + (" (external)" if cause.is_external else "")

    def kind(self, cause: Cause) -> str:
        return _KIND_LABELS[cause.kind]

    def weight(self, cause: Cause, found: RootCauses) -> str:
        """Describe the confidence in a cause; '' for a difference that caused no problem."""
        symptoms = found.symptoms
        if symptoms is not None and symptoms.is_better and cause.kind is not EvidenceKind.STEPS:
            return ""
        if cause.rank > 1 and cause.confidence < MIN_CONFIDENCE and explains_failures(cause, found):
            return "explains some failures"
        return f"confidence {confidence_text(cause)}"

    def evidence(self, detail: EvidenceDetail, service: str) -> tuple[str, str]:
        """Describe evidence against a service. -> operation, with its service if that is another one; figures"""
        owner = f"{safe(detail.service)} " if detail.service != service else ""
        name = owner + safe(detail.operation)
        before = "" if detail.before is None else self.figure(detail.kind, detail.before) + self.arrow
        figures = f"{before}{self.figure(detail.kind, detail.after)}"
        target = safe(detail.target)
        if detail.kind is EvidenceKind.STEPS:
            return name, f"{figures} of {detail.span_count:,} spans have steps that are rare in the baseline"
        if detail.kind is EvidenceKind.INTERRUPTED:
            return name, f"stops next to a call of {target} in {figures} of {detail.span_count:,} spans"
        if detail.kind is EvidenceKind.ERRORS:
            text = f"errors begin in {self.figure(detail.kind, detail.after)} of {detail.span_count:,} spans"
            return name, text + (
                "" if detail.before is None else f", in {self.figure(detail.kind, detail.before)} before"
            )
        if detail.kind is EvidenceKind.MORE_CALLS:
            return name, f"{figures} calls of {target} per span"
        return name, f"{self._time(detail, figures)}, {numbers.counted(detail.span_count, 'span')}"

    def example(self, detail: EvidenceDetail, figure: float | None) -> str:
        """Describe the figure of an example span; '' where the evidence is a share of spans."""
        if figure is None:
            return ""
        if detail.kind is EvidenceKind.MORE_CALLS:
            return f"{numbers.counted(round(figure), 'call')} of {safe(detail.target)}"
        return self._time(detail, self.duration(figure))

    def steps(self, detail: EvidenceDetail) -> list[str]:
        """List the steps that the spans lack, or have in addition."""
        missing = [f"missing  {safe(step)}" for step in detail.missing_steps]
        return [*missing, *(f"new      {safe(step)}" for step in detail.new_steps)]

    def figure(self, kind: EvidenceKind, value: float) -> str:
        if kind in _SHARES:
            return numbers.percent(100 * value)
        return f"{value:.1f}" if kind is EvidenceKind.MORE_CALLS else self.duration(value)

    def duration(self, ns: float) -> str:
        return numbers.duration(round(ns), self.glyphs.ascii_only)

    def missing(self, found: RootCauses) -> str:
        """List the data that would raise the confidence, without the options of the command; '' for none."""
        return safe("; ".join(_OPTIONS.sub("", text) for text in found.missing_data))

    def _time(self, detail: EvidenceDetail, figures: str) -> str:
        target = safe(detail.target)
        if detail.before is None:
            # without a baseline, only time on the critical path counts
            return f"critical {figures}" + (f" in calls to {target}" if target else "")
        return f"{_TIME_LABELS[detail.kind].format(target)} {figures}"


def confidence_text(cause: Cause) -> str:
    return numbers.whole_percent(100 * cause.confidence)


def explains_failures(cause: Cause, found: RootCauses) -> bool:
    """Test if a cause explains that requests fail more often, however little it explains of their time."""
    symptoms = found.symptoms
    is_origin = any(detail.kind is EvidenceKind.ERRORS for detail in cause.evidence)
    return symptoms is not None and symptoms.fails_more and is_origin

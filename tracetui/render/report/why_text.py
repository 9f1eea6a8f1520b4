"""Root causes as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tracetui.analysis.root_causes.results import Cause
from tracetui.analysis.root_causes.symptoms import Symptoms
from tracetui.analysis.root_causes.within_set import CausesAndBaseline
from tracetui.render.causes.texts import MIN_CONFIDENCE, NOT_ENOUGH, CauseTexts, confidence_text, explains_failures
from tracetui.render.report.text_blocks import Page, ReportOptions
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.shell import shell_command

_SHOWN: Final = 3
_SHOWN_SYMPTOMS: Final = 3
_WORSE: Final = "Got worse  "
_LONGEST_COMMAND: Final = 10_000


def why_text(causes: CausesAndBaseline, source: str, options: ReportOptions) -> Iterator[Line]:
    """Yield the lines of the report. source: of the traces, for commands"""
    return _WhyReport(causes, source, options).lines()


class _WhyReport(Page):
    def __init__(self, causes: CausesAndBaseline, source: str, options: ReportOptions) -> None:
        super().__init__(options)
        self.causes, self.found, self.source = causes, causes.found, source
        self._texts = CauseTexts(self.glyphs)

    def lines(self) -> Iterator[Line]:
        yield from self._head()
        causes, symptoms = self.found.causes, self.found.symptoms
        if symptoms is not None and not self.causes.is_by_outcome:
            yield Line()
            yield from self._symptoms(symptoms)
        if symptoms is not None and symptoms.is_better and not self.found.is_confident:
            if causes:
                yield self.line(("Differences from the baseline follow; they caused no problem.", Role.PLAIN))
        elif not self.found.is_confident:
            yield Line()
            yield self.line((NOT_ENOUGH, Role.STRONG), (" Candidates follow." if causes else "", Role.PLAIN))
            for text in self.found.missing_data:
                yield self.line((f"  missing: {safe(text)}", Role.DIM))
        likely = [
            cause
            for cause in causes
            if cause.rank == 1 or cause.confidence >= MIN_CONFIDENCE or explains_failures(cause, self.found)
        ]
        shown = causes if self.options.verbose else likely[:_SHOWN]
        for cause in shown:
            yield Line()
            yield from self._cause(cause)
        others = [cause for cause in causes if cause not in shown]
        if others:
            rest = ", ".join(f"{safe(one.service)} {confidence_text(one)}" for one in others)
            yield Line()
            yield self.line((f"Further candidates: {rest}", Role.DIM))
        if self.found.is_confident:
            for text in self.found.missing_data:
                yield Line()
                yield self.line((f"To raise the confidence, add {safe(text)}", Role.DIM))

    def _head(self) -> Iterator[Line]:
        yield self.line(*self._texts.head(self.causes).runs)
        if self.options.filtered:
            yield self.line((f"filter: {safe(self.options.filtered)}", Role.DIM))

    def _symptoms(self, symptoms: Symptoms) -> Iterator[Line]:
        """State what became worse, or that nothing did."""
        nothing = self._texts.nothing_worse(symptoms)
        if nothing:
            yield from self.wrapped(nothing, Role.STRONG)
            return
        worse = self._texts.worse(symptoms)
        shown = worse if self.options.verbose else worse[: 1 + _SHOWN_SYMPTOMS]
        for number, (name, change) in enumerate(shown):
            yield self.line((_WORSE if not number else " " * len(_WORSE), Role.STRONG), (name, Role.PLAIN))
            yield self.line((" " * len(_WORSE), Role.PLAIN), (change, Role.STRONG))
        yield from self.more(len(worse) - len(shown), "entry point")

    def _cause(self, cause: Cause) -> Iterator[Line]:
        texts = self._texts
        weight = texts.weight(cause, self.found)
        yield self.line(
            (f"{cause.rank}  ", Role.DIM),
            (texts.name(cause), Role.ERROR if cause.rank == 1 and self.found.is_confident else Role.STRONG),
            (f"  {texts.kind(cause)}", Role.PLAIN),
            (f"  {weight}" if weight else "", Role.STRONG),
        )
        if cause.host:
            yield self.line((f"   on {safe(cause.host)}", Role.DIM))
        for detail in cause.evidence:
            name, text = texts.evidence(detail, cause.service)
            yield self.line(("   ", Role.PLAIN), (name, Role.PLAIN), (f"  {text}", Role.STRONG))
            for step in texts.steps(detail):
                yield self.line((f"     {step}", Role.DIM))
        if len(cause.propagation_path) > 1:
            path = texts.arrow.join(map(safe, cause.propagation_path))
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
            # a command that is cut cannot be pasted
            command = safe(shell_command(["tracetui", "show"], [self.source], ["--trace", trace_id]), _LONGEST_COMMAND)
            yield Line([(label, Role.DIM), (command, Role.PLAIN)])

"""Root causes as text."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from tracetui.analysis.why.cause import Cause, Finding, Why
from tracetui.analysis.why.evidence import EvidenceKind
from tracetui.render.report.text import ReportOptions
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import ASCII, UNICODE
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe

_SHOWN: Final = 3
_LIKELY: Final = 0.05
"""Least confidence of a further cause that is described; the others are listed by name."""
_NOT_ENOUGH: Final = "Not enough to name a cause."
_WORDS: Final = {
    EvidenceKind.SELF_TIME: "self time",
    EvidenceKind.NETWORK: "network",
    EvidenceKind.DEPENDENCY: "dependency",
    EvidenceKind.ERRORS: "errors began here",
    EvidenceKind.MORE_CALLS: "more calls",
    EvidenceKind.STEPS: "different steps",
}


def why_text(found: Why, baseline: str, source: str, options: ReportOptions) -> Iterator[Line]:
    """Yield the lines of the report. baseline: its description, '' for none; source: of the traces, for commands."""
    return _WhyReport(found, baseline, source, options).lines()


class _WhyReport:
    def __init__(self, found: Why, baseline: str, source: str, options: ReportOptions) -> None:
        self.found, self.baseline, self.source, self.options = found, baseline, source, options
        self.glyphs = ASCII if options.ascii_only else UNICODE
        self._arrow = " -> " if options.ascii_only else " → "

    def lines(self) -> Iterator[Line]:
        yield from self._head()
        causes = self.found.causes
        if not self.found.is_sure:
            yield Line()
            yield self._line((_NOT_ENOUGH, Role.STRONG), (" Candidates follow." if causes else "", Role.PLAIN))
            for text in self.found.missing:
                yield self._line((f"  missing: {safe(text)}", Role.DIM))
        likely = [cause for cause in causes if cause.rank == 1 or cause.confidence >= _LIKELY]
        shown = causes if self.options.verbose else likely[:_SHOWN]
        for cause in shown:
            yield Line()
            yield from self._cause(cause)
        if len(causes) > len(shown):
            rest = ", ".join(f"{safe(one.service)} {_percent(one.confidence)}" for one in causes[len(shown) :])
            yield Line()
            yield self._line((f"then {rest}", Role.DIM))
        if self.found.is_sure:
            for text in self.found.missing:
                yield Line()
                yield self._line((f"would be surer with {safe(text)}", Role.DIM))

    def _head(self) -> Iterator[Line]:
        traces = numbers.counted(self.found.trace_count, "trace")
        line = [("Causes ", Role.TITLE), (f"in {traces}", Role.DIM)]
        if self.baseline:
            counted = numbers.counted(self.found.baseline_count, "trace")
            line.append((f", compared with {counted}: {safe(self.baseline)}", Role.DIM))
        else:
            line.append((", without a baseline", Role.DIM))
        yield self._line(*line)
        if self.options.filtered:
            yield self._line((f"filter: {safe(self.options.filtered)}", Role.DIM))

    def _cause(self, cause: Cause) -> Iterator[Line]:
        role = Role.ERROR if cause.rank == 1 and self.found.is_sure else Role.STRONG
        name = safe(cause.service) + (" (external)" if cause.is_external else "")
        yield self._line(
            (f"{cause.rank}  ", Role.DIM),
            (name, role),
            (f"  {_WORDS[cause.kind]}", Role.PLAIN),
            (f"  {_percent(cause.confidence)} sure", Role.STRONG),
        )
        if cause.host:
            yield self._line((f"   on {safe(cause.host)}", Role.DIM))
        for one in cause.findings:
            yield from self._finding(one)
        if len(cause.way) > 1:
            yield self._line(("   way      ", Role.DIM), (self._arrow.join(map(safe, cause.way)), Role.PLAIN))
        for number, entry in enumerate(cause.entry_points):
            label = "   affects  " if not number else " " * 12
            counted = numbers.counted(entry.trace_count, "trace")
            yield self._line(
                (label, Role.DIM),
                (f"{safe(entry.service)} {safe(entry.operation)}", Role.PLAIN),
                (f"  {counted}", Role.DIM),
            )
        for number, trace_id in enumerate(cause.example_trace_ids):
            label = "   example  " if not number else " " * 12
            command = f"tracetui show {safe(shlex.quote(self.source))} --trace {safe(shlex.quote(trace_id))}"
            # a command that is cut cannot be pasted
            yield Line([(label, Role.DIM), (command, Role.PLAIN)])

    def _finding(self, one: Finding) -> Iterator[Line]:
        name = f"{safe(one.service)} {safe(one.operation)}"
        before = "" if one.before is None else self._figure(one.kind, one.before) + self._arrow
        figures = f"{before}{self._figure(one.kind, one.after)}"
        if one.kind is EvidenceKind.STEPS:
            text = f"{figures} of {one.span_count:,} took steps that were rare before"
        elif one.kind is EvidenceKind.ERRORS:
            text = f"errors began in {figures} of {one.span_count:,}"
        elif one.kind is EvidenceKind.MORE_CALLS:
            text = f"{figures} calls of {safe(one.target)} each"
        else:
            what = "self time" if one.kind is EvidenceKind.SELF_TIME else f"{_WORDS[one.kind]} to {safe(one.target)}"
            text = f"{what} {figures}, {numbers.counted(one.span_count, 'span')}"
        yield self._line(("   ", Role.PLAIN), (name, Role.PLAIN), (f"  {text}", Role.STRONG))
        for word, steps in (("without", one.missing), ("with", one.new)):
            for step in steps:
                yield self._line((f"     {word} {safe(step)}", Role.DIM))

    def _figure(self, kind: EvidenceKind, value: float) -> str:
        if kind in (EvidenceKind.ERRORS, EvidenceKind.STEPS):
            return numbers.percent(100 * value)
        if kind is EvidenceKind.MORE_CALLS:
            return f"{value:.1f}"
        return numbers.duration(round(value), self.options.ascii_only)

    def _line(self, *runs: tuple[str, str]) -> Line:
        return Line(runs).cropped(self.options.width, self.glyphs.ellipsis)


def _percent(confidence: float) -> str:
    return f"{100 * confidence:.0f} %"

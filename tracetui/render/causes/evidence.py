"""Page of ranked causes: for each its way to the symptom, its evidence with figures, and spans that show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tracetui.analysis.error_messages import error_message
from tracetui.analysis.root_causes.results import AffectedEntryPoint, Cause, EvidenceDetail, ExampleSpan
from tracetui.analysis.root_causes.within_set import CausesAndBaseline
from tracetui.model.traces import TraceSet
from tracetui.render.causes.chain import chain_lines
from tracetui.render.causes.texts import NOT_ENOUGH, CauseTexts
from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width, fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import figure

_INDENT: Final = "   "
_EXAMPLE: Final = _INDENT * 2
_MAX_SYMPTOMS: Final = 2
_MAX_NAME: Final = 40
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class _PageRow:
    """Row of the page, and the span that it opens."""

    line: Line
    span: int | None
    """Position in the loaded set; None if the set holds no example."""
    chain: tuple[Cause, int] | None = None
    """Instead of `line`, a line of the drawing of a cause, which depends on the width."""


def page_title(causes: CausesAndBaseline, glyphs: Glyphs) -> list[Line]:
    """Lines above the causes: what was compared, what got worse, and what is missing for a sure answer."""
    texts, found = CauseTexts(glyphs), causes.found
    lines = [texts.head(causes)]
    symptoms = found.symptoms
    if symptoms is not None and not causes.is_by_outcome:
        nothing = texts.nothing_worse(symptoms)
        worse = texts.worse(symptoms)
        lines += [Line([(nothing, Role.STRONG)])] if nothing else []
        lines += [
            Line([("Got worse  ", Role.STRONG), (name, Role.PLAIN), (f"  {change}", Role.STRONG)])
            for name, change in worse[:_MAX_SYMPTOMS]
        ]
        if len(worse) > _MAX_SYMPTOMS:
            lines.append(Line([(f"and {numbers.counted(len(worse) - _MAX_SYMPTOMS, 'more entry point')}", Role.DIM)]))
    if not found.is_confident and (symptoms is None or not symptoms.is_better):
        missing = texts.missing(found)
        lines.append(Line([(NOT_ENOUGH, Role.WARNING), (f" Missing: {missing}" if missing else "", Role.DIM)]))
    return lines


class CausesPage:
    """Rows of the page: a `HeadedSource`."""

    def __init__(self, causes: CausesAndBaseline, loaded: TraceSet, glyphs: Glyphs, *, local: bool = False) -> None:
        self._found, self._loaded, self._glyphs, self._local = causes.found, loaded, glyphs, local
        self._texts = CauseTexts(glyphs)
        examples = [one for cause in self._found.causes for detail in cause.evidence for one in detail.examples]
        traces = {one.trace_id: loaded.find_trace(one.trace_id) for one in examples}
        self._traces = {trace_id: trace for trace_id, trace in traces.items() if trace is not None}
        self._name_width = min(
            max((cell_width(safe(loaded.trace_name(trace))) for trace in self._traces.values()), default=0), _MAX_NAME
        )
        self._duration_width = numbers.duration_width(int(loaded.response_time.max(initial=0)))
        self._rows: list[_PageRow] = []
        for cause in self._found.causes:
            if self._rows:
                self._rows.append(_PageRow(Line(), self._rows[-1].span))
            self._rows += self._rows_of(cause)

    def __len__(self) -> int:
        return len(self._rows)

    def heading(self, width: int) -> Line:
        text = "cause, evidence before and after, spans that show it"
        return Line([(text, Role.DIM)]).cropped(width, self._glyphs.ellipsis)

    def line(self, row: int, width: int) -> Line:
        shown = self._rows[row]
        line = shown.line if shown.chain is None else self._chain(*shown.chain, width)
        return line.cropped(width, self._glyphs.ellipsis)

    def span(self, row: int) -> int | None:
        """Return the span that a row opens: a position of the loaded set, None for none."""
        return self._rows[row].span

    def _rows_of(self, cause: Cause) -> Iterator[_PageRow]:
        spans = [self._span(one) for detail in cause.evidence for one in detail.examples]
        first = next((span for span in spans if span is not None), None)
        yield _PageRow(self._head(cause), first)
        if len(cause.propagation_path) > 1:
            for number in (0, 1):
                yield _PageRow(Line(), first, (cause, number))
        if cause.entry_points:
            yield _PageRow(self._affects(cause.entry_points), first)
        for detail in cause.evidence:
            yield from self._evidence(cause, detail)

    def _head(self, cause: Cause) -> Line:
        is_named = cause.rank == 1 and self._found.is_confident
        line = Line([(f"{cause.rank}  ".rjust(len(_INDENT)), Role.DIM)])
        line.add(self._texts.name(cause), Role.ERROR if is_named else Role.STRONG)
        line.add(f"  {self._texts.kind(cause)}")
        weight = self._texts.weight(cause, self._found)
        line.add(f"  {weight}" if weight else "", Role.STRONG)
        return line.add(f"  on {safe(cause.host)}" if cause.host else "", Role.DIM)

    def _chain(self, cause: Cause, number: int, width: int) -> Line:
        line = chain_lines(cause, width - len(_INDENT), self._glyphs)[number]
        return Line([(_INDENT, Role.PLAIN)]).extend(line)

    def _affects(self, entry_points: tuple[AffectedEntryPoint, ...]) -> Line:
        line = Line([(f"{_INDENT}affects  ", Role.DIM)])
        for number, entry in enumerate(entry_points):
            line.add(", " if number else "").add(f"{safe(entry.service)} {safe(entry.operation)}")
            line.add(f" {numbers.counted(entry.trace_count, 'trace')}", Role.DIM)
        return line

    def _evidence(self, cause: Cause, detail: EvidenceDetail) -> Iterator[_PageRow]:
        name, text = self._texts.evidence(detail, cause.service)
        line = Line([(f"{_INDENT}{name}  ", Role.PLAIN), (text, Role.STRONG)])
        first = next((span for span in map(self._span, detail.examples) if span is not None), None)
        yield _PageRow(line, first)
        for step in self._texts.steps(detail):
            yield _PageRow(Line([(f"{_EXAMPLE}{step}", Role.DIM)]), first)
        for example in detail.examples:
            span = self._span(example)
            if span is not None:
                yield _PageRow(self._example(detail, example, span), span)

    def _example(self, detail: EvidenceDetail, example: ExampleSpan, span: int) -> Line:
        loaded, trace = self._loaded, int(self._loaded.trace[span])
        line = Line([(f"{_EXAMPLE}{numbers.clock(int(loaded.trace_start[trace]), self._local)}  ", Role.DIM)])
        line.add(fit(safe(loaded.trace_name(trace)), self._name_width, ellipsis=self._glyphs.ellipsis))
        response = self._texts.duration(int(loaded.response_time[trace]))
        line.add("  ").extend(figure(response, self._duration_width, Role.DIM))
        text = self._texts.example(detail, example.figure)
        line.add(f"  {text}" if text else "", Role.STRONG)
        if loaded.error[span]:
            message = safe(error_message(loaded, span), _LONGEST)
            line.add(f"  {self._glyphs.origin} {message}", Role.ERROR)
        return line

    def _span(self, example: ExampleSpan) -> int | None:
        trace = self._traces.get(example.trace_id)
        return None if trace is None else int(self._loaded.first[trace]) + example.offset

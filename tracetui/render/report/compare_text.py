"""Comparison of two trace sets as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracetui.analysis.compare import REPORTED, BottleneckChange, Comparison, PatternChange
from tracetui.analysis.grouped_changes import GroupChange
from tracetui.analysis.stats.change import ERROR_RATE, FAILED_REQUEST_RATE, RATES, Change, Verdict
from tracetui.analysis.trace_difference import trace_difference
from tracetui.render.report.text_blocks import INDENT, Page, ReportOptions
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.percentiles import are_few
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import Cell, Column, duration_range, service_roles, text_cell
from tracetui.render.waterfall.path_diff import MARKED, PathDiff

_SHOWN = 10
_MIN_WIDTH = 40
_BOTH_MIN_WIDTH = 100
"""Width from which on both absolute changes and percentages are shown."""
_PERCENT = len("-99.5 %")
_WORDS = {
    Verdict.BETTER: "better",
    Verdict.WORSE: "worse",
    Verdict.SMALL: "",
    Verdict.CHANCE: "may be chance",
    Verdict.FEW: "too few to tell",
    Verdict.NEW: "new",
    Verdict.GONE: "gone",
}
_NEW_ERROR = "new error"
_WORDS_OF_VALUES = {**_WORDS, Verdict.NEW: "only after", Verdict.GONE: "only before"}
"""Verdicts if the sides are values of an attribute, of which neither is the earlier one."""
_FIGURES = {ERROR_RATE: "errors", FAILED_REQUEST_RATE: "requests failed", "self": "self time", "critical": "critical"}
_OF_TRACES = {**_FIGURES, ERROR_RATE: "with errors"}
NOTHING_IN_COMMON = "the two sets have no operation in common and cannot be compared"


def compare_text(
    found: Comparison, names: tuple[str, str], options: ReportOptions, *, by_value: bool = False
) -> Iterator[Line]:
    """Yield the lines of the report; `names` are the sources of the two sets; `by_value`: the sides are values of an
    attribute, not of an earlier and a later time.
    """
    report = _ComparisonReport(found, options, by_value=by_value)
    yield from report.head(names)
    for part in (
        report.overall,
        report.call_paths,
        report.bottlenecks,
        report.errors,
        report.operations,
        report.edges,
        report.verdict,
    ):
        lines = list(part())
        yield from [Line(), *lines] if lines else []


class ComparisonLines:
    """Rows of the report for any width: a `LineSource`."""

    def __init__(self, found: Comparison, names: tuple[str, str], ascii_only: bool) -> None:
        self._found, self._names, self._ascii_only = found, names, ascii_only
        self._width = 0
        self._lines: list[Line] = []

    def _lines_for(self, width: int) -> list[Line]:
        if width != self._width:
            options = ReportOptions(width=max(width, _MIN_WIDTH), ascii_only=self._ascii_only)
            self._width, self._lines = width, list(compare_text(self._found, self._names, options))
        return self._lines

    def __len__(self) -> int:
        return len(self._lines_for(self._width or _MIN_WIDTH))

    def heading(self, width: int) -> Line:  # noqa: ARG002 - required by the protocol
        return Line()

    def line(self, row: int, width: int) -> Line:
        return self._lines_for(width)[row].cropped(width)


class _ComparisonReport(Page):
    def __init__(self, found: Comparison, options: ReportOptions, *, by_value: bool) -> None:
        super().__init__(options)
        self.found = found
        self._words = _WORDS_OF_VALUES if by_value else _WORDS
        self._arrow = f" {self.glyphs.sync_call} "

    def head(self, names: tuple[str, str]) -> Iterator[Line]:
        for word, name, side in zip(("before", "after "), names, (self.found.before, self.found.after), strict=True):
            summary = side.summary
            counts = f"  {numbers.counted(summary.trace_count, 'trace')}, {numbers.counted(summary.span_count, 'span')}"
            yield self.line((f"{word}  ", Role.DIM), (safe(name), Role.TITLE), (counts, Role.PLAIN))
        if self.options.filtered:
            yield self.line((f"filter: {safe(self.options.filtered)}", Role.DIM))
        if not self.found.has_common:
            yield self.line((f"{self.glyphs.warning} {NOTHING_IN_COMMON}", Role.WARNING))
        elif not self.found.has_common_requests:
            text = "no common entry point: whole traces and bottlenecks cannot be compared"
            yield self.line((f"{self.glyphs.warning} {text}", Role.WARNING))

    def overall(self) -> Iterator[Line]:
        yield self.line(("Traces", Role.TITLE), (", response time before and after", Role.DIM))
        rows = [[_OF_TRACES.get(change.figure, change.figure), *self._cells(change)] for change in self.found.distinct]
        durations = [side.traces.response_time for side in (self.found.before, self.found.after)]
        if any(are_few(len(times)) for times in durations):
            rows = [row for row in rows if row[0] != "p99"]
            ranges = [
                duration_range(int(times.min()), int(times.max()), self.glyphs) if len(times) else "-"
                for times in durations
            ]
            rows.append(["range", *ranges, "", ""])
        yield from self._verdicts([Column(""), *_COLUMNS], rows)

    def call_paths(self) -> Iterator[Line]:
        paths = self.found.call_paths
        if not paths:
            return
        before, after = self.found.before, self.found.after
        roles = {**service_roles(before.traces), **service_roles(after.traces)}
        diff = PathDiff(trace_difference(paths), roles, MARKED, self.glyphs)
        yield self.line(("Call paths", Role.TITLE), (", one trace before and one after", Role.DIM))
        for line in diff.lines(self.options.width - len(INDENT)):
            yield Line([(INDENT, Role.PLAIN)]).extend(line)

    def bottlenecks(self) -> Iterator[Line]:
        found = self.found.bottlenecks
        yield self.line(("Bottlenecks", Role.TITLE), (", critical per trace", Role.DIM))
        if not found:
            yield self.line((f"{INDENT}none before or after", Role.PLAIN))
            return
        yield from self._verdicts([Column("", grows=True), *_COLUMNS], [self._bottleneck(one) for one in found])

    def _bottleneck(self, one: BottleneckChange) -> list[str]:
        change = Change("mean", *one.mean_critical_ns, one.verdict)
        before, after, difference, word = self._cells(change)
        shares = ["" if share is None else f" ({numbers.whole_percent(share)})" for share in one.shares]
        return [f"{safe(one.service)} {safe(one.operation)}", before + shares[0], after + shares[1], difference, word]

    def errors(self) -> Iterator[Line]:
        patterns = self.found.patterns
        yield self.line(("Errors", Role.TITLE), (", traces with each", Role.DIM))
        if not patterns:
            yield self.line((f"{INDENT}none before or after", Role.PLAIN))
            return
        shown = patterns if self.options.verbose else patterns[:_SHOWN]
        yield from self._verdicts([Column("", grows=True), *_COLUMNS], [self._pattern(one) for one in shown])
        yield from self.more(len(patterns) - len(shown), "pattern")

    def _pattern(self, one: PatternChange) -> list[str]:
        counts = [
            f"{number:,} ({numbers.percent(share)})" if number else "-"
            for number, share in zip(one.traces, one.shares, strict=True)
        ]
        word = self._words[one.verdict]
        if one.is_worse:
            word = _NEW_ERROR if one.verdict is Verdict.NEW else self._words[Verdict.WORSE]
        return [f"{self.glyphs.origin} {safe(one.message)} {safe(one.service)}", *counts, "", word]

    def operations(self) -> Iterator[Line]:
        yield from self._compared("Operations", self.found.operations, lambda name: " ".join(map(safe, name)))

    def edges(self) -> Iterator[Line]:
        def named(name: Sequence[str]) -> str:
            arrow = f" {self.glyphs.async_call} " if name[2] else self._arrow
            return arrow.join(map(safe, name[:2]))

        yield from self._compared("Calls between services", self.found.edges, named)

    def _compared(self, title: str, all_of: Sequence[GroupChange], named: object) -> Iterator[Line]:
        assert callable(named)
        changed = [one for one in all_of if one.verdict in REPORTED]
        yield self.line((title, Role.TITLE), (f", {len(changed):,} of {len(all_of):,} changed", Role.DIM))
        shown = changed if self.options.verbose else changed[:_SHOWN]
        rows = []
        for one in shown:
            significant = [change for change in one.changes if change.verdict in (Verdict.WORSE, Verdict.BETTER)]
            if one.verdict in (Verdict.NEW, Verdict.GONE):
                calls = [numbers.counted(number, "call") if number else "-" for number in one.counts]
                rows.append([named(one.name), "", *calls, "", self._words[one.verdict]])
            for at, change in enumerate(significant):
                figure = _FIGURES.get(change.figure, change.figure)
                rows.append([named(one.name) if not at else "", figure, *self._cells(change)])
        if rows:
            yield from self._verdicts([Column("", grows=True), Column(""), *_COLUMNS], rows)
        yield from self.more(len(changed) - len(shown))

    def verdict(self) -> Iterator[Line]:
        worse = self.found.regressions
        if not self.found.has_common:
            yield self.line(("Regressions cannot be determined.", Role.STRONG))
            return
        if not worse:
            change = f"{self.found.threshold:g} % or more beyond chance"
            if self.found.has_changes:
                yield self.line((f"No regression of {change}.", Role.STRONG))
            else:
                counts = " and ".join(f"{side.summary.trace_count:,}" for side in (self.found.before, self.found.after))
                yield self.line(("The sides do not differ.", Role.STRONG))
                # the number of lines must not depend on the width
                yield self.line((f"With {counts} traces, no figure changed by {change}.", Role.PLAIN))
            few = self.found.undecided
            if few:
                text = f"{numbers.counted(few, 'figure')} changed this much, but with too few samples to tell."
                yield self.line((text, Role.WARNING))
            return
        yield self.line((f"{numbers.counted(len(worse), 'figure')} became worse", Role.ERROR))

    def _cells(self, change: Change) -> list[str]:
        """Return the cells before, after, change and verdict."""
        if change.figure in RATES:
            texts = ["-" if value is None else numbers.percent(value) for value in (change.before, change.after)]
        else:
            texts = ["-" if value is None else self.duration(value) for value in (change.before, change.after)]
        percent = change.percent
        differences = [] if percent is None else [numbers.signed_percent(percent)]
        if self.options.width >= _BOTH_MIN_WIDTH and change.difference:
            differences.insert(0, self._absolute(change.figure, change.difference))
        return [*texts, "  ".join(text.rjust(_PERCENT) for text in differences), self._words[change.verdict]]

    def _absolute(self, figure: str, difference: float) -> str:
        sign, size = "-" if difference < 0 else "+", abs(difference)
        return f"{sign}{size:.1f} points" if figure in RATES else f"{sign}{self.duration(size)}"

    def _verdicts(self, columns: list[Column], rows: list[list[str]]) -> Iterator[Line]:
        """Yield a table whose last column is the verdict."""
        coloured: list[list[Cell | str]] = [
            [*cells, text_cell(word, role=_ROLES.get(word, Role.PLAIN))] for *cells, word in rows
        ]
        return self.table(columns, coloured)


_ROLES = {"worse": Role.ERROR, _NEW_ERROR: Role.ERROR, "better": Role.STRONG}
_COLUMNS = [Column("before", "right"), Column("after", "right"), Column("change", "right"), Column("")]

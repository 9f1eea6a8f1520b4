"""Comparison of a trace with a normal one: which ones they are, and where the time was added."""

from __future__ import annotations

from collections.abc import Iterator

from tracetui.analysis.normal_trace import NormalComparison, compare_with_normal
from tracetui.analysis.span_facts import trace_rank
from tracetui.model.trace_page import page_of
from tracetui.model.traces import TraceSet
from tracetui.render.rank import rank_words
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.percentiles import are_few
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import service_roles
from tracetui.render.waterfall.path_diff import LABEL, NORMAL, PathDiff


class NormalDiff:
    """Titles and rows of a comparison with a normal trace."""

    def __init__(self, found: NormalComparison, traces: TraceSet, glyphs: Glyphs) -> None:
        self.found, self._traces, self._glyphs = found, traces, glyphs
        self.rows = PathDiff(found.difference, service_roles(traces), NORMAL, glyphs)

    @classmethod
    def of(cls, traces: TraceSet, trace: int, glyphs: Glyphs, normal: int | None = None) -> NormalDiff | None:
        """Compare a trace with `normal`, by default the median one; None if there is no other trace."""
        found = compare_with_normal(traces, trace, normal)
        return None if found is None else cls(found, traces, glyphs)

    def with_normal(self, normal: int) -> NormalDiff | None:
        """Compare the trace with another normal one."""
        return self.of(self._traces, self.found.trace, self._glyphs, normal)

    def titles(self, local: bool = False, page: str = "") -> list[Line]:
        """Return a line for each of the two traces, and one for a slow network. `page`: address of a trace's web page,
        as in `model.trace_page`.
        """
        found, traces = self.found, self._traces
        lines = []
        for trace, word in ((found.trace, NORMAL.after), (found.normal, NORMAL.before)):
            line = Line([(word.ljust(LABEL), Role.DIM), (numbers.clock(int(traces.trace_start[trace]), local), "")])
            line.add(f"  {self._duration(int(traces.response_time[trace]))}", Role.STRONG)
            if trace == found.trace:
                difference = found.difference_ns
                line.add(f"  {'+' if difference > 0 else ''}{self._duration(difference)}", Role.STRONG)
                line.add(f"  {rank_words(trace_rank(traces, trace), '').rstrip()}", Role.PLAIN)
                line.add(f"  {safe(traces.trace_name(trace))}", Role.TITLE)
            else:
                line.add(f"  {self._choice()}", Role.PLAIN)
                trace_id = traces.trace_ids[trace]
                line.add("  ").add(safe(trace_id), Role.link(page_of(page, trace_id), Role.DIM))
            lines.append(line)
        network = self.rows.network_title()
        return [*lines, *([network] if network is not None else [])]

    def _choice(self) -> str:
        """Describe which of the other traces of the entry point is the normal one: `median of 99 others`."""
        normals, normal = self.found.normals, self.found.normal
        percentile = normals.percentile(normal)
        if percentile is None:
            return "failed"
        count = len(normals.ranked)
        if count == 1:
            return "the only other that did not fail" if normals.are_successful else "the only other"
        of = f"of {count:,} others{' that did not fail' if normals.are_successful else ''}"
        if normal == normals.median:
            return f"median {of}"
        return (
            f"{numbers.ordinal(normals.longer(normal) + 1)} slowest {of}" if are_few(count) else f"p{percentile} {of}"
        )

    def lines(self, width: int, *, local: bool = False, page: str = "") -> Iterator[Line]:
        """Yield the whole comparison as text; `page` as for the titles."""
        for line in self.titles(local, page):
            yield line.cropped(width, self._glyphs.ellipsis)
        yield Line()
        yield from self.rows.lines(width)

    def _duration(self, ns: int) -> str:
        return numbers.duration(ns, self._glyphs.ascii_only)

"""Comparison of two traces that the user chose: which ones they are, and where their times differ."""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.analysis.trace_difference import TraceDifference
from tracetui.model.traces import TraceSet
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import service_roles
from tracetui.render.traces.table import errors_text
from tracetui.render.waterfall.path_diff import LABEL, MARKED, PathDiff


def whole_change(durations: Sequence[int], glyphs: Glyphs) -> str:
    """Format the change of the response time as `900 ms longer (+900 %)`."""
    before, after = durations
    if before == after:
        return "no change"
    percent = f" ({numbers.signed_percent(100 * (after - before) / before)})" if before else ""
    word = "longer" if after > before else "shorter"
    return f"{numbers.duration(abs(after - before), glyphs.ascii_only)} {word}{percent}"


class MarkedDiff:
    """Titles and rows of a comparison of two traces of a set, the earlier one first."""

    def __init__(self, found: TraceDifference, traces: TraceSet, pair: tuple[int, int], glyphs: Glyphs) -> None:
        self.found, self._traces, self.pair, self._glyphs = found, traces, pair, glyphs
        self.rows = PathDiff(found, service_roles(traces), MARKED, glyphs)

    def titles(self, local: bool = False) -> list[Line]:
        """Return a line for each of the two traces, one for a slow network, and one if their entry points differ."""
        traces, glyphs = self._traces, self._glyphs
        lines = []
        for side, trace in enumerate(self.pair):
            word = (MARKED.before, MARKED.after)[side]
            line = Line([(word.ljust(LABEL), Role.DIM), (numbers.clock(int(traces.trace_start[trace]), local), "")])
            took = numbers.duration(int(traces.response_time[trace]), glyphs.ascii_only)
            line.add(f"  {took}", Role.STRONG)
            if side:
                line.add(f"  {whole_change(traces.response_time[list(self.pair)].tolist(), glyphs)}", Role.STRONG)
            errors, origins = (
                sum(counts[side] for counts in column)
                for column in zip(*((one.path.errors, one.path.origins) for one in self.found.paths), strict=True)
            )
            line.add(f"  {errors_text(origins, errors - origins, glyphs)}" if errors else "", Role.ERROR)
            # the name goes last, as it is cut where the line is too short
            lines.append(line.add(f"  {safe(traces.trace_name(trace))}", Role.TITLE))
        network = self.rows.network_title()
        lines += [network] if network is not None else []
        if len({traces.trace_name(trace) for trace in self.pair}) > 1:
            text = f"{glyphs.warning} different entry points: call paths of only one trace are removed or added"
            lines.append(Line([(text, Role.WARNING)]))
        return lines

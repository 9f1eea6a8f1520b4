"""What a server itself says of the services, beside what the traces that are here say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tracetui.model.opinion import Metrics, Opinion
from tracetui.model.times import format_duration
from tracetui.render import numbers
from tracetui.render.cells import fit
from tracetui.render.line import Line, Role
from tracetui.render.marks import Marks
from tracetui.render.safe_text import safe
from tracetui.render.service_list import figure, side_by_side

_CALLS = 14
_LEAST_NAME = 24


def metrics_line(found: Metrics) -> Line:
    """How a service does, in one line; safe to show."""
    line = Line([(safe(found.service), Role.TITLE)])
    if found.calls_per_second is None:
        return line.add("  no metrics of it", Role.DIM)
    line.add(f"  {found.calls_per_second:.3g} calls/s")
    if found.error_percent is not None:
        line.add(
            f"  {numbers.percent(found.error_percent)} of them fail", Role.ERROR if found.error_percent else Role.DIM
        )
    if found.p95_ms is not None:
        line.add(f"  p95 {numbers.duration(round(found.p95_ms * 1e6))}")
    return line.add("  by its metrics", Role.DIM)


def opinion_title(opinion: Opinion) -> Iterator[Line]:
    """What stands above the rows: how far back, metrics, and what could not be had."""
    back = format_duration(opinion.lookback_ns)
    yield Line([(f"What the server itself says of the last {back}", Role.TITLE)])
    for one in opinion.metrics:
        yield metrics_line(one)
    for text in opinion.missing:
        yield Line([(safe(text, 400), Role.DIM)])


class OpinionList:
    """A row for each pair of services that call one another, those that no trace here shows first."""

    def __init__(self, opinion: Opinion, here: Mapping[tuple[str, str], int] | None, marks: Marks) -> None:
        """`here`: calls by caller and callee in the traces that are here, None where there are no traces."""
        self._marks = marks
        self._here = here
        known = here or {}
        self.rows = sorted(
            opinion.dependencies,
            key=lambda one: (
                one.caller == one.callee,
                (one.caller, one.callee) in known,
                -one.call_count,
                one.caller,
                one.callee,
            ),
        )

    def __len__(self) -> int:
        return len(self.rows)

    def heading(self, width: int) -> Line:
        title = fit("calls by the server's own graph", self._room(width), ellipsis=self._marks.ellipsis)
        cells = [Line([(title, Role.DIM)]), figure("it counts", _CALLS, Role.DIM)]
        if self._here is not None:
            cells.append(figure("in traces here", _CALLS, Role.DIM))
        return side_by_side(cells).cropped(width, self._marks.ellipsis)

    def line(self, row: int, width: int) -> Line:
        one, marks = self.rows[row], self._marks
        arrow = "->" if marks.ascii_only else "→"
        within = one.caller == one.callee
        seen = self._here.get((one.caller, one.callee)) if self._here is not None else None
        role = Role.DIM if within else Role.ACCENT if self._here is not None and not seen else Role.PLAIN
        name = fit(f"{safe(one.caller)} {arrow} {safe(one.callee)}", self._room(width), ellipsis=marks.ellipsis)
        cells = [Line([(name, role)]), figure(f"{one.call_count:,}", _CALLS)]
        if self._here is not None:
            # Jaeger counts what a service does within itself, too
            cells.append(figure("within it" if within else f"{seen:,}" if seen else "none", _CALLS, role))
        return side_by_side(cells).cropped(width, marks.ellipsis)

    def _room(self, width: int) -> int:
        return max(width - 2 * _CALLS - 4, _LEAST_NAME)

"""Server statistics next to the figures of the loaded traces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tracetui.model.server_stats import Metrics, ServerStats
from tracetui.model.times import format_duration
from tracetui.render.text import numbers
from tracetui.render.text.cells import fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import figure, side_by_side

_CALLS = 14
_MIN_NAME = 24


def metrics_line(found: Metrics) -> Line:
    """Return the metrics of a service in one line, safe to show."""
    line = Line([(safe(found.service), Role.TITLE)])
    if found.calls_per_second is None:
        return line.add("  no metrics", Role.DIM)
    line.add(f"  {numbers.per_minute(60 * found.calls_per_second)} calls/min")
    if found.error_percent is not None:
        line.add(f"  {numbers.percent(found.error_percent)} failed", Role.ERROR if found.error_percent else Role.DIM)
    if found.p95_ms is not None:
        line.add(f"  p95 {numbers.duration(round(found.p95_ms * 1e6))}")
    return line.add("  (server metrics)", Role.DIM)


def server_stats_title(server_stats: ServerStats) -> Iterator[Line]:
    """Yield the lines above the rows: time range, metrics, and missing parts."""
    back = format_duration(server_stats.lookback_ns)
    yield Line([(f"Server statistics, last {back}", Role.TITLE)])
    for one in server_stats.metrics:
        yield metrics_line(one)
    for text in server_stats.missing:
        yield Line([(safe(text, 400), Role.DIM)])


class ServerStatsList:
    """Rows of callers and callees, those missing from the loaded traces first."""

    def __init__(self, server_stats: ServerStats, loaded: Mapping[tuple[str, str], int] | None, glyphs: Glyphs) -> None:
        """`loaded`: call counts of the loaded traces by caller and callee; None without traces."""
        self._glyphs = glyphs
        self._loaded = loaded
        known = loaded or {}
        self.rows = sorted(
            server_stats.dependencies,
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
        title = fit("calls in the server's graph", self._room(width), ellipsis=self._glyphs.ellipsis)
        cells = [Line([(title, Role.DIM)]), figure("server", _CALLS, Role.DIM)]
        if self._loaded is not None:
            cells.append(figure("loaded traces", _CALLS, Role.DIM))
        return side_by_side(cells).cropped(width, self._glyphs.ellipsis)

    def line(self, row: int, width: int) -> Line:
        one, glyphs = self.rows[row], self._glyphs
        within = one.caller == one.callee
        seen = self._loaded.get((one.caller, one.callee)) if self._loaded is not None else None
        role = Role.DIM if within else Role.ACCENT if self._loaded is not None and not seen else Role.PLAIN
        call = f"{safe(one.caller)} {glyphs.sync_call} {safe(one.callee)}"
        name = fit(call, self._room(width), ellipsis=glyphs.ellipsis)
        cells = [Line([(name, role)]), figure(f"{one.call_count:,}", _CALLS)]
        if self._loaded is not None:
            # Jaeger also counts calls of a service to itself
            cells.append(figure("internal" if within else f"{seen:,}" if seen else "none", _CALLS, role))
        return side_by_side(cells).cropped(width, glyphs.ellipsis)

    def _room(self, width: int) -> int:
        return max(width - 2 * _CALLS - 4, _MIN_NAME)

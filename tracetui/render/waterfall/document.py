"""Waterfall as text: header, rows, number of omitted spans, and legend."""

from __future__ import annotations

from collections.abc import Iterator

from tracetui.analysis.errors import ErrorRole
from tracetui.render.span.log_lines import headline, more_lines, placement, severity_role
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role, flowed
from tracetui.render.waterfall.header import header
from tracetui.render.waterfall.waterfall import Waterfall

MAX_ROWS = 500
_MAX_INDENT = 24


def waterfall_text(
    view: Waterfall,
    width: int,
    *,
    max_rows: int | None = MAX_ROWS,
    local_time: bool = False,
    hint: str = "--all shows every span",
    log_lines: bool = False,
    page: str = "",
) -> Iterator[Line]:
    """Yield the lines of a whole waterfall, at most `width` cells each.

    `max_rows`: limit on rows, with errors and the critical path preferred; None for no limit. `hint`: way to see the
    rest. `log_lines`: list the log records of a span below it. `page`: address of a trace's web page, as in
    `model.trace_page`.
    """
    if max_rows is not None:
        view.limit(max(max_rows, 1))
    yield from header(view, width, local_time, page=page)
    yield Line()
    yield view.scale(width)
    for row in range(len(view.rows)):
        yield view.row(row, width)
        if log_lines:
            yield from _log_lines(view, row, width)
    omitted = view.rows.omitted_count()
    if omitted:
        whole = numbers.counted(view.stop - view.first, "span")
        text = f"{view.glyphs.ellipsis} {omitted:,} of {whole} not shown: {hint}"
        yield Line([(text, Role.WARNING)]).cropped(width, view.glyphs.ellipsis)
    yield Line()
    yield from legend(view, width)


def _log_lines(view: Waterfall, row: int, width: int) -> Iterator[Line]:
    """Yield the log records of a row's spans: time since the start of the trace, and message."""
    traces, glyphs = view.traces, view.glyphs
    begin = int(traces.trace_start[int(traces.trace[view.first])])
    spans = view.rows.spans(row)
    repeats = view.rows.repeats(row)
    own = spans if repeats or view.rows.is_folded(row) else spans[:1]
    indent = " " * min(2 + 2 * view.rows.depth_of(spans.start), _MAX_INDENT)
    for span in own:
        for event in traces.log_events(span):
            # with clock skew a log record may precede the trace
            offset = event.time_ns - begin
            when = f"{'-' if offset < 0 else '+'}{view.duration(abs(offset))}"
            line = Line([(f"{indent}{glyphs.event} {when}  ", Role.EVENT)]).add(headline(event), severity_role(event))
            if note := more_lines(event):
                line.add(f"  {note}", Role.DIM)
            yield line.add(placement(event), Role.DIM).cropped(width, glyphs.ellipsis)


def legend(view: Waterfall, width: int) -> list[Line]:
    """Explain the bars and glyphs that occur."""
    glyphs = view.glyphs
    words = []
    if view.has_path:
        words += [(glyphs.solid, "on the critical path"), (glyphs.rest, "off it")]
        if view.marks_network(width):
            words.append((glyphs.network, "network"))
    if (view.roles == ErrorRole.ORIGIN).any():
        words.append((glyphs.origin, "error began here"))
    if (view.roles == ErrorRole.PROPAGATED).any():
        words.append((glyphs.propagated, "propagated"))
    own = range(view.first, view.stop)
    kinds = {
        "event": bool(view.traces.event_bytes[view.first : view.stop].any()),
        "log record": bool(view.traces.log_lines.rows(own.start, own.stop)),
    }
    if any(kinds.values()):
        words.append((glyphs.event, " or ".join(kind for kind, occurs in kinds.items() if occurs)))
    return flowed(
        (Line([(f"{glyph} {text}", Role.DIM)]) for glyph, text in words), width, ellipsis=view.glyphs.ellipsis
    )

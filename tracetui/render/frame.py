"""Lines around every view: status, tabs, breadcrumbs and key hints."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width, cut
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe

if TYPE_CHECKING:
    # the frame is painted before the analysis modules are imported
    from tracetui.analysis.summary import Summary

_SEPARATOR = " │ "
_SOURCE_CHARACTERS = 60
_FILTER_CHARACTERS = 200
_DROP_ORDER = ("noun", "others", "spans", "name", "services", "clock", "source", "filter", "dates", "loading")
"""Parts of the status in the order in which they are dropped. The date is late: without it, the traces of an earlier
day look like those of today. Failures are never dropped.
"""
_MIN_CELLS = {"source": 16, "filter": 14, "loading": 10}
"""Smallest widths of the parts that can be shortened; others are dropped as a whole."""
_MIN_CRUMBS = 20
"""Width below which the breadcrumbs are not shown."""
_MIN_CRUMB = 6
"""Width of a breadcrumb below which an ellipsis replaces it."""
_NOTHING = ("", Role.PLAIN)


@dataclass(slots=True, kw_only=True)
class _Parts:
    """Parts of the status line as (text, role), from left to right; empty ones are not shown."""

    name: tuple[str, str] = ("tracetui", Role.STRONG)
    source: tuple[str, str]
    unsafe: tuple[str, str] = _NOTHING
    loading: tuple[str, str]
    traces: tuple[str, str] = _NOTHING
    spans: tuple[str, str] = _NOTHING
    services: tuple[str, str] = _NOTHING
    filter: tuple[str, str] = _NOTHING
    failed: tuple[str, str] = _NOTHING
    """Number of failed requests, or of traces with errors if none failed."""
    noun: tuple[str, str] = _NOTHING
    others: tuple[str, str] = _NOTHING
    """Remaining counts of failed requests and traces with errors."""
    dates: tuple[str, str] = _NOTHING
    """Day of the traces, or first and last day."""
    clock: tuple[str, str] = _NOTHING
    """Time window with its date, which replaces `dates`."""
    warnings: tuple[str, str] = _NOTHING

    def line(self, glyphs: Glyphs) -> Line:
        separator = " | " if glyphs.ascii_only else _SEPARATOR
        counts = (self.traces[0] + self.spans[0] + self.services[0], Role.PLAIN)
        line = Line()
        about = (self.name, self.source, self.unsafe, self.loading)
        number, _, ending = self.failed[0].partition("|")
        failed = (number + self.noun[0] + ending + self.others[0], self.failed[1])
        window = self.clock if self.clock[0] else self.dates
        for text, role in (*about, counts, self.filter, failed, window, self.warnings):
            if text:
                line.add(separator if line.runs else "", Role.GUIDE).add(text, role)
        return line


def source_name(sources: Sequence[str]) -> str:
    """Name the sources in short: `incident/before.json`, `before.json and 2 more`, `jaeger:16686`."""
    if not sources:
        return "nothing loaded"
    if sources[0] == "-":
        return "standard input" if len(sources) == 1 else f"standard input and {len(sources) - 1} more"
    scheme, is_address, rest = sources[0].partition(":")
    if is_address and scheme.lower() in ("http", "https", "unix"):
        # omit path and query of a URL, which are not useful as a name and may contain a secret
        rest = re.split("[?#]" if scheme.lower() == "unix" else "[/?#]", rest.removeprefix("//"), maxsplit=1)[0]
        host = safe(rest.rpartition("@")[2], _SOURCE_CHARACTERS)
        return host if len(sources) == 1 else f"{host} and {len(sources) - 1} more"
    parts = [part for part in sources[0].split("/") if part]
    first = safe("/".join(parts[-2:]) if len(sources) == 1 else (parts or [sources[0]])[-1], _SOURCE_CHARACTERS)
    return first if len(sources) == 1 else f"{first} and {len(sources) - 1} more"


def status_line(
    width: int,
    glyphs: Glyphs,
    *,
    source: str,
    summary: Summary | None = None,
    total: int = 0,
    query: str = "",
    loading: str = "",
    local_time: bool = False,
    unsafe: bool = False,
    colour: str = "",
    names_filter: bool = False,
) -> Line:
    """Draw the status: sources, size, time window and failures.

    `unsafe`: a server's certificate is not verified. `colour`: that of the sources' name, '' for none. `names_filter`:
    show the filter, because there is no query bar. The time window is dropped as a whole, as a part would lack the
    zone; the date stays.
    """
    name = (f" {source} ", Role.badge(colour)) if colour else (source, Role.PLAIN)
    parts = _Parts(source=name, loading=(loading, Role.ACCENT))
    if unsafe:
        parts.unsafe = (f"{glyphs.warning} insecure", Role.WARNING)
    if summary is not None:
        count = f"{summary.trace_count:,} of " if query else ""
        parts.traces = (count + numbers.counted(total if query else summary.trace_count, "trace"), Role.PLAIN)
        parts.spans = (f"  {numbers.counted(summary.span_count, 'span')}", Role.PLAIN)
        parts.services = (f"  {numbers.counted(summary.service_count, 'service')}", Role.PLAIN)
        if query and names_filter:
            parts.filter = (f"filter {safe(query, _FILTER_CHARACTERS)}", Role.WARNING)
        if summary.error_trace_count:
            _add_failures(parts, summary, glyphs)
        if summary.start_ns is not None and summary.end_ns is not None:
            ends = summary.start_ns, summary.end_ns
            parts.dates = (numbers.dates(*ends, local_time, glyphs.ascii_only), Role.DIM)
            parts.clock = (numbers.time_range(*ends, local_time, glyphs.ascii_only, with_date=True), Role.DIM)
        if summary.warned_trace_count:
            parts.warnings = (f"{glyphs.warning} {summary.warned_trace_count:,}", Role.WARNING)
    for part in _DROP_ORDER:
        too_much = parts.line(glyphs).width - width
        if too_much <= 0:
            break
        text, role = getattr(parts, part)
        room = max(cell_width(text) - too_much, _MIN_CELLS[part]) if part in _MIN_CELLS else 0
        setattr(parts, part, (cut(text, room, glyphs.ellipsis) if room else "", role))
    return parts.line(glyphs).cropped(width, glyphs.ellipsis)


def _add_failures(parts: _Parts, summary: Summary, glyphs: Glyphs) -> None:
    """Add the count of failed requests, and that of traces with errors if it differs."""
    with_errors, failed = summary.error_trace_count, summary.failed_request_count
    if not failed:
        parts.failed = (f"{glyphs.origin} {with_errors:,} with errors", Role.ERROR)
        parts.others = (", no request failed", Role.ERROR)
        return
    # the noun is a separate part, as it is dropped first
    parts.failed = (f"{glyphs.origin} {failed:,}| failed", Role.ERROR)
    parts.noun = (" request" if failed == 1 else " requests", Role.ERROR)
    if failed < with_errors:
        parts.others = (f", {with_errors:,} with errors", Role.ERROR)


def tabs_line(width: int, views: Sequence[tuple[str, str]], active: str, glyphs: Glyphs) -> Line:
    """Draw the views with their keys; `views` are (id, title). Brackets show the active one without colour."""
    line = Line([(" ", Role.PLAIN)])
    for number, (view, title) in enumerate(views, 1):
        role = Role.ACCENT if view == active else Role.DIM
        label = f"[{number} {title}]" if view == active else f" {number} {title} "
        line.add(label, role).add(" ")
    return line.cropped(width, glyphs.ellipsis)


@dataclass(frozen=True, slots=True)
class CrumbLine:
    """Line with breadcrumbs and key hints, and the cells that each of these covers, by number.

    Texts of breadcrumbs are untrusted and may look like a hint or a separator, so they are not found by their text.
    """

    line: Line
    crumbs: Mapping[int, range] = field(default_factory=dict)
    hints: Mapping[int, range] = field(default_factory=dict)

    def crumb_at(self, cell: int) -> int | None:
        """Return the breadcrumb at a cell; None for none."""
        return _number_at(self.crumbs, cell)

    def hint_at(self, cell: int) -> int | None:
        """Return the key hint at a cell; None for none."""
        return _number_at(self.hints, cell)


def _number_at(cells: Mapping[int, range], cell: int) -> int | None:
    return next((number for number, covered in cells.items() if cell in covered), None)


def _within(cells: Mapping[int, range], begin: int, end: int) -> dict[int, range]:
    """Move the ranges of cells to the right by `begin`, and cut them off at `end`."""
    moved = {number: range(begin + one.start, min(begin + one.stop, end)) for number, one in cells.items()}
    return {number: one for number, one in moved.items() if one}


def crumb_line(
    width: int, crumbs: Sequence[str], hints: Sequence[tuple[str, str]], glyphs: Glyphs, notice: tuple[str, bool] | None
) -> CrumbLine:
    """Draw breadcrumbs and the current notice at the left, and key hints at the right.

    The last breadcrumb, which names the selection, takes precedence over hints. But hints keep a third of the width if
    dropping all but the last of them would not make enough room. A notice, which is brief, replaces hints and then
    breadcrumbs.
    """
    last = _keys(hints[-1:], width).line
    if notice is None:
        most, whole = width * 2 // 3, _breadcrumbs(crumbs, glyphs, Role.STRONG).line
        least = _least_width(crumbs, glyphs, width - last.width - 2) or min(whole.width, most)
        keys = _keys(hints, max(min(most, width - least - 2), width - whole.width - 2))
        drawn = _breadcrumbs(crumbs, glyphs, Role.STRONG, width - keys.line.width - 2)
        left = drawn.line
    else:
        message = Line([(safe(notice[0]), Role.ERROR if notice[1] else Role.STRONG)])
        # the last breadcrumb may be the notice
        crumbs = crumbs[:-1] if len(crumbs) > 1 and crumbs[-1] == notice[0] else crumbs
        separator = " | " if glyphs.ascii_only else _SEPARATOR
        room = width - message.width - len(separator) - last.width - 2
        whole = _breadcrumbs(crumbs, glyphs, Role.PLAIN).line
        has_room = room >= min(whole.width, _MIN_CRUMBS)
        drawn = _breadcrumbs(crumbs, glyphs, Role.PLAIN, room) if has_room else CrumbLine(Line())
        left = drawn.line.cropped(max(room, 0), glyphs.ellipsis)
        drawn = CrumbLine(left, _within(drawn.crumbs, 0, left.width))
        left.add(separator if left.runs else "", Role.GUIDE).extend(message)
        keys = _keys(hints, max(last.width, width - left.width - 2))
    left = left.cropped(max(width - keys.line.width - 2, 0), glyphs.ellipsis)
    shown = _within(drawn.crumbs, 0, left.width)
    left = left.pad(width - keys.line.width)
    shown_hints = _within(keys.hints, left.width, width)
    return CrumbLine(left.extend(keys.line).cropped(width, glyphs.ellipsis), shown, shown_hints)


def _arrow(glyphs: Glyphs) -> str:
    return " > " if glyphs.ascii_only else " › "


def _least_width(crumbs: Sequence[str], glyphs: Glyphs, room: int) -> int:
    """Return the width of the breadcrumbs with as few ellipses in the middle as fit; 0 if none fits."""
    texts = list(crumbs)
    for at in range(1, len(texts) - 1):
        texts[at] = glyphs.ellipsis
        if _breadcrumbs(texts, glyphs, Role.STRONG).line.width <= room:
            break
    width = _breadcrumbs(texts, glyphs, Role.STRONG).line.width
    return width if width <= room else 0


def _breadcrumbs(crumbs: Sequence[str], glyphs: Glyphs, last: str, room: int | None = None) -> CrumbLine:
    """Draw the breadcrumbs. To fit, the middle ones are shortened, outermost first."""
    arrow = _arrow(glyphs)
    texts = [safe(crumb) for crumb in crumbs]
    too_much = 0 if room is None else sum(map(cell_width, texts)) + len(arrow) * (len(texts) - 1) - room
    for at in range(1, len(texts) - 1):
        if too_much <= 0:
            break
        whole = cell_width(texts[at])
        left = whole - too_much
        texts[at] = cut(texts[at], left if left >= _MIN_CRUMB else 1, glyphs.ellipsis)
        too_much -= whole - cell_width(texts[at])
    line, cells = Line(), {}
    for i, text in enumerate(texts):
        begin = line.add(arrow if i else "", Role.GUIDE).width
        cells[i] = range(begin, line.add(text, last if i == len(texts) - 1 else Role.PLAIN).width)
    return CrumbLine(line, cells)


def _keys(hints: Sequence[tuple[str, str]], room: int) -> CrumbLine:
    """Draw the first hints that fit, and always the last one, which opens the list of all keys."""
    line, cells = Line(), dict[int, range]()
    for shown in range(len(hints), 0, -1):
        line, cells = Line(), {}
        for number in (*range(shown - 1), len(hints) - 1):
            key, action = hints[number]
            begin = line.add("  " if line.runs else "").width
            cells[number] = range(begin, line.add(key, Role.ACCENT).add(f" {action}", Role.DIM).width)
        if line.width <= room:
            break
    return CrumbLine(line, hints=cells)

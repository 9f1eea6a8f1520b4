"""The lines around every view: what is loaded, the views, where one is and the keys that matter now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tracetui.render import numbers
from tracetui.render.cells import cell_width
from tracetui.render.line import Line, Role
from tracetui.render.marks import Marks
from tracetui.render.safe_text import safe

if TYPE_CHECKING:
    # painted before anything that analyses is imported
    from tracetui.analysis.summary import Summary

_SEPARATOR = " │ "
_SOURCE_CHARACTERS = 60


def source_name(sources: Sequence[str]) -> str:
    """The sources in few words: `incident/before.json`, `before.json and 2 more`."""
    if not sources:
        return "nothing loaded"
    parts = [part for part in sources[0].split("/") if part]
    first = safe("/".join(parts[-2:]) if len(sources) == 1 else (parts or [sources[0]])[-1], _SOURCE_CHARACTERS)
    return first if len(sources) == 1 else f"{first} and {len(sources) - 1} more"


def status_line(
    width: int,
    marks: Marks,
    *,
    source: str,
    summary: Summary | None = None,
    total: int = 0,
    query: str = "",
    loading: str = "",
    local_time: bool = False,
) -> Line:
    """What is loaded, how much of it, when, and how much failed. What there is no room for falls off at the right."""
    separator = _SEPARATOR if not marks.ascii_only else " | "
    parts: list[tuple[str, str]] = [("tracetui", Role.STRONG), (source, Role.PLAIN)]
    if loading:
        parts.append((loading, Role.ACCENT))
    if summary is not None:
        count = f"{summary.trace_count:,} of " if query else ""
        count += numbers.counted(total if query else summary.trace_count, "trace")
        spans = numbers.counted(summary.span_count, "span")
        parts.append((f"{count}  {spans}  {numbers.counted(summary.service_count, 'service')}", Role.PLAIN))
        if summary.error_trace_count:
            parts.append((f"{marks.origin} {summary.error_trace_count:,} failed", Role.ERROR))
        if summary.start_ns is not None and summary.end_ns is not None:
            window = numbers.time_range(summary.start_ns, summary.end_ns, local_time, marks.ascii_only)
            parts.append((window, Role.DIM))
        if summary.warning_count:
            parts.append((f"{marks.warning} {summary.warning_count:,}", Role.WARNING))
    line = Line()
    for text, role in parts:
        piece = Line([(separator if line.runs else "", Role.GUIDE), (text, role)])
        if line.runs and line.width + piece.width > width:
            if line.width + cell_width(separator) + 8 < width:
                line.extend(piece)
            break
        line.extend(piece)
    return line.cropped(width, marks.ellipsis)


def tabs_line(width: int, views: Sequence[tuple[str, str]], active: str, marks: Marks) -> Line:
    """The views with their keys; `views` are (id, title)."""
    line = Line([(" ", Role.PLAIN)])
    for number, (view, title) in enumerate(views, 1):
        role = Role.ACCENT if view == active else Role.DIM
        label = f"[{number} {title}]" if view == active and marks.ascii_only else f" {number} {title} "
        line.add(label, role).add(" ")
    return line.cropped(width, marks.ellipsis)


def crumb_line(
    width: int, crumbs: Sequence[str], hints: Sequence[tuple[str, str]], marks: Marks, notice: tuple[str, bool] | None
) -> Line:
    """Where one is at the left, or what was just said; at the right the keys that matter now."""
    arrow = " > " if marks.ascii_only else " › "
    keys = Line()
    for key, what in hints:
        keys.add("  " if keys.runs else "").add(key, Role.ACCENT).add(f" {what}", Role.DIM)
    if keys.width > width * 2 // 3:
        keys = keys.cropped(width * 2 // 3, marks.ellipsis)
    room = max(width - keys.width - 2, 0)
    if notice:
        left = Line([(safe(notice[0]), Role.ERROR if notice[1] else Role.STRONG)])
    else:
        left = Line()
        for i, crumb in enumerate(crumbs):
            left.add(arrow if i else "", Role.GUIDE).add(
                safe(crumb), Role.STRONG if i == len(crumbs) - 1 else Role.PLAIN
            )
    left = left.cropped(room, marks.ellipsis)
    return left.pad(width - keys.width).extend(keys)

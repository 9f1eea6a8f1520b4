"""Minimap: a whole trace on one line with activity, critical path, errors and the visible part.

Many errors have a line of their own above it, as they would hide the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.errors import ErrorRole
from tracetui.analysis.self_time import max_working
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.waterfall.waterfall import Waterfall

_BINS = 2_048
_MAX_SERVICES = 32
_MAX_ERROR_SHARE = 1 / 8
"""Largest share of the cells that errors replace."""
_ASCII_HEIGHTS = ".coO@"
"""Heights in ASCII; the glyphs of `trend` have other meanings in the rows below."""


@dataclass(frozen=True, eq=False)
class MinimapData:
    """Data for minimaps of any width, computed once per trace or subtree."""

    whole: tuple[int, int]
    """Start and length, ns."""
    running: np.ndarray
    """float64[bins + 1], total span time before the edge of each bin, in units of a bin."""
    slots: tuple[int, ...]
    """Colour slots of the services on the critical path."""
    critical: np.ndarray
    """float64[slots, bins + 1], critical time of each service before the edge of each bin."""
    max_concurrency: int
    """Largest number of spans that work at the same time, without callers that wait."""
    failed: np.ndarray
    """float64[k], ends of error origins, as fractions of the whole."""

    @classmethod
    def of(cls, view: Waterfall) -> MinimapData:
        traces, within = view.traces, slice(view.first, view.stop)
        begin, length = view.whole
        scale = _BINS / max(length, 1)
        starts = (traces.start[within] - begin) * scale
        ends = (traces.end[within] - begin) * scale
        spans, from_ns, to_ns = view.sections
        owners = np.array(view.slots, np.int64)[traces.service[spans]]
        by_slot = np.bincount(owners, to_ns - from_ns) if len(owners) else np.zeros(0)
        slots = np.argsort(-by_slot, kind="stable")[:_MAX_SERVICES]
        slots = slots[by_slot[slots] > 0]
        critical = [
            _before((from_ns[owners == slot] - begin) * scale, (to_ns[owners == slot] - begin) * scale)
            for slot in slots.tolist()
        ]
        origins = np.flatnonzero(view.roles == ErrorRole.ORIGIN) + view.first
        failed = np.unique(np.floor((traces.end[origins] - begin) * scale)) / _BINS
        return cls(
            view.whole,
            _before(starts, ends),
            tuple(slots.tolist()),
            np.array(critical).reshape(len(critical), _BINS + 1),
            max_working(traces, within),
            failed,
        )


def _before(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the total length of intervals before the edge of each bin, float64[bins + 1]."""
    before: np.ndarray = _past(starts) - _past(ends)
    return before


def _past(times: np.ndarray) -> np.ndarray:
    """Return at the edge of each bin the sum of the time passed since each of the times."""
    at = np.clip(np.ceil(times).astype(np.int64), 0, _BINS)
    edges = np.arange(_BINS + 1)
    number = np.cumsum(np.bincount(at, minlength=_BINS + 1))
    total = np.cumsum(np.bincount(at, times, minlength=_BINS + 1))
    past: np.ndarray = edges * number - total
    return past


def _error_cells(overview: MinimapData, cells: int) -> list[int]:
    """Return the cells in which error origins end, ascending."""
    at: list[int] = np.unique(np.minimum((overview.failed * cells).astype(np.int64), cells - 1)).tolist()
    return at


def _are_many(failed: list[int], cells: int) -> bool:
    return len(failed) > max(_MAX_ERROR_SHARE * cells, 1)


def error_line(overview: MinimapData, width: int, glyphs: Glyphs) -> Line | None:
    """Draw the error origins on a line of their own, if they are many for a minimap of `width` cells; else None."""
    cells = width - 2
    failed = _error_cells(overview, cells) if cells >= 4 else []
    if not _are_many(failed, cells):
        return None
    marked = set(failed)
    text = "".join(glyphs.origin if cell in marked else " " for cell in range(cells))
    return Line([(f" {text} ", Role.ERROR)])


def minimap(
    overview: MinimapData,
    width: int,
    glyphs: Glyphs,
    window: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
) -> Line:
    """Draw a minimap of `width` cells.

    Heights show the number of running spans, colours the services on the critical path, crosses the error origins,
    unless these are many and `error_line` shows them.
    Intervals are start and length in ns: `[ ]` enclose `window`, the visible part (None for all), and `{ }` enclose
    `selected`, the span under the cursor.
    """
    left, right = ("|", "|") if glyphs.ascii_only else ("▕", "▏")
    cells = width - 2
    if cells < 4:
        return Line()
    edges = np.linspace(0, _BINS, cells + 1)
    at = np.arange(_BINS + 1)
    trend = _ASCII_HEIGHTS if glyphs.ascii_only else glyphs.trend
    running = np.diff(np.interp(edges, at, overview.running))
    most = float(running.max()) or 1.0
    heights = np.clip(np.ceil(running / most * len(trend) - 1e-6).astype(np.int64), 0, len(trend))
    owners = np.full(cells, -1)
    if len(overview.slots):
        critical = np.diff(np.array([np.interp(edges, at, row) for row in overview.critical]))
        owners = np.where(critical.max(axis=0) > 1e-9, critical.argmax(axis=0), -1)
    failed = _error_cells(overview, cells)
    overlays = {} if _are_many(failed, cells) else dict.fromkeys(failed, (glyphs.origin, Role.ERROR))
    first, last = _cells_of(overview.whole, window, cells)
    if window is not None and window != overview.whole:
        _enclose(overlays, first, last, "[]", cells)
    if selected is not None:
        _enclose(overlays, *_cells_of(overview.whole, selected, cells), "{}", cells)
    line = Line([(left, Role.GUIDE)])
    for cell, (height, owner) in enumerate(zip(heights.tolist(), owners.tolist(), strict=True)):
        if cell in overlays:
            line.add(*overlays[cell])
        elif not height:
            line.add(" ")
        else:
            inside = first <= cell <= last
            role = Role.service(overview.slots[owner]) if owner >= 0 and inside else Role.DIM
            line.add(trend[height - 1], role)
    return line.add(right, Role.GUIDE)


def _cells_of(whole: tuple[int, int], part: tuple[int, int] | None, cells: int) -> tuple[int, int]:
    """Return the first and the last cell of a part; they always differ."""
    if part is None:
        return 0, cells - 1
    scale = cells / max(whole[1], 1)
    first = min(max(int((part[0] - whole[0]) * scale), 0), cells - 2)
    last = min(max(int((part[0] + part[1] - whole[0]) * scale), first + 1), cells - 1)
    return first, last


def _enclose(overlays: dict[int, tuple[str, str]], first: int, last: int, ends: str, cells: int) -> None:
    """Put brackets at both ends of a part, or next to them if a cell is taken."""
    for bracket, cell, outward in ((ends[0], first, -1), (ends[1], last, 1)):
        free = (at for at in (cell, cell + outward, cell - outward) if 0 <= at < cells and at not in overlays)
        position = next(free, None)
        if position is not None:
            overlays[position] = (bracket, Role.ACCENT)

"""A whole trace on one line: how much ran when, whom the request waited for, where it broke, what is in sight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.render.line import Line, Role
from tracetui.render.marks import Marks
from tracetui.render.waterfall import ORIGIN, Waterfall

_BINS = 2_048
_MOST_SERVICES = 32


@dataclass(frozen=True, eq=False)
class Overview:
    """What a minimap of any width is drawn from. It is made once for a trace or subtree."""

    whole: tuple[int, int]
    """Start and length, ns."""
    running: np.ndarray
    """float64[bins + 1], how much span time there was before the edge of each bin, in bins."""
    slots: tuple[int, ...]
    """The colours of the services that the request waited for."""
    waited: np.ndarray
    """float64[slots, bins + 1], how much of the critical path each of them had before the edge of each bin."""
    failed: np.ndarray
    """float64[k], when error origins ended, in shares of the whole."""

    @classmethod
    def of(cls, view: Waterfall) -> Overview:
        traces, within = view.traces, slice(view.first, view.stop)
        begin, length = view.whole
        scale = _BINS / max(length, 1)
        starts = (traces.start[within] - begin) * scale
        ends = (traces.end[within] - begin) * scale
        spans, from_ns, to_ns = view.sections
        owners = np.array(view.slots, np.int64)[traces.service[spans]]
        by_slot = np.bincount(owners, to_ns - from_ns) if len(owners) else np.zeros(0)
        slots = np.argsort(-by_slot, kind="stable")[:_MOST_SERVICES]
        slots = slots[by_slot[slots] > 0]
        waited = [
            _before((from_ns[owners == slot] - begin) * scale, (to_ns[owners == slot] - begin) * scale)
            for slot in slots.tolist()
        ]
        origins = np.flatnonzero(view.roles == ORIGIN) + view.first
        failed = np.unique(np.floor((traces.end[origins] - begin) * scale)) / _BINS
        return cls(
            view.whole,
            _before(starts, ends),
            tuple(slots.tolist()),
            np.array(waited).reshape(len(waited), _BINS + 1),
            failed,
        )


def _before(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """float64[bins + 1], how much of the stretches lies before the edge of each bin."""
    before: np.ndarray = _past(starts) - _past(ends)
    return before


def _past(times: np.ndarray) -> np.ndarray:
    """The sum of what has passed since each of the times, at the edge of each bin."""
    at = np.clip(np.ceil(times).astype(np.int64), 0, _BINS)
    edges = np.arange(_BINS + 1)
    number = np.cumsum(np.bincount(at, minlength=_BINS + 1))
    total = np.cumsum(np.bincount(at, times, minlength=_BINS + 1))
    past: np.ndarray = edges * number - total
    return past


def minimap(overview: Overview, width: int, marks: Marks, window: tuple[int, int] | None = None) -> Line:
    """A line of `width` cells. Heights say how many spans ran, colours whom the request waited for, crosses where it
    broke; `window` (start and length, ns) is what the rows show, and all if it is None.
    """
    left, right = ("|", "|") if marks.ascii_only else ("▕", "▏")
    cells = width - 2
    if cells < 4:
        return Line()
    edges = np.linspace(0, _BINS, cells + 1)
    at = np.arange(_BINS + 1)
    running = np.diff(np.interp(edges, at, overview.running))
    most = float(running.max()) or 1.0
    heights = np.clip(np.ceil(running / most * len(marks.trend) - 1e-6).astype(np.int64), 0, len(marks.trend))
    owners = np.full(cells, -1)
    if len(overview.slots):
        waited = np.diff(np.array([np.interp(edges, at, row) for row in overview.waited]))
        owners = np.where(waited.max(axis=0) > 1e-9, waited.argmax(axis=0), -1)
    failed = set(np.minimum((overview.failed * cells).astype(np.int64), cells - 1).tolist())
    first, last = _in_sight(overview.whole, window, cells)
    zoomed = window is not None and window != overview.whole
    line = Line([(left, Role.GUIDE)])
    for cell, (height, owner) in enumerate(zip(heights.tolist(), owners.tolist(), strict=True)):
        if zoomed and cell in (first, last):
            line.add("[" if cell == first else "]", Role.ACCENT)
        elif cell in failed:
            line.add(marks.origin, Role.ERROR)
        elif not height:
            line.add(" ")
        else:
            inside = first <= cell <= last
            role = Role.service(overview.slots[owner]) if owner >= 0 and inside else Role.DIM
            line.add(marks.trend[height - 1], role)
    return line.add(right, Role.GUIDE)


def _in_sight(whole: tuple[int, int], window: tuple[int, int] | None, cells: int) -> tuple[int, int]:
    """-> the first and the last cell of the window, which are not the same."""
    if window is None:
        return 0, cells - 1
    scale = cells / max(whole[1], 1)
    first = min(max(int((window[0] - whole[0]) * scale), 0), cells - 2)
    last = min(max(int((window[0] + window[1] - whole[0]) * scale), first + 1), cells - 1)
    return first, last

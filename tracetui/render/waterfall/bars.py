"""Draw spans on a time scale, to an eighth of a cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import numpy as np

from tracetui.render.text import numbers
from tracetui.render.text.cells import fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.numbers import SHORT_UNITS

_NONE = np.zeros(0)
# tolerance for gaps between sections clipped at cell edges, so that rounding does not split a section
_TOUCHING = 1 / 16


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Mapping of `span_ns` nanoseconds from `start_ns` on to `cells` cells."""

    start_ns: int
    span_ns: int
    cells: int

    def position(self, times_ns: np.ndarray) -> np.ndarray:
        """Convert int64[n] ns to positions in cells, float64[n]. Equal times have equal positions in every row."""
        positions: np.ndarray = (times_ns - self.start_ns).astype(np.float64) * (self.cells / max(self.span_ns, 1))
        return positions

    def position_of(self, time_ns: int) -> float:
        """Return the position of one time."""
        return float(time_ns - self.start_ns) * (self.cells / max(self.span_ns, 1))


def axis(start_ns: int, span_ns: int, cells: int, ascii_only: bool = False) -> str:
    """Draw an axis of `cells` cells, labelled from `start_ns` to `start_ns + span_ns`."""
    if cells <= 0:
        return ""
    for steps, least_cells in ((4, 44), (2, 24), (1, 0)):
        labels = _axis_labels(start_ns, span_ns, steps, ascii_only)
        drawn, are_all_drawn = labels[0], True
        for i, text in enumerate(labels[1:], 1):
            at = cells * i // steps - (len(text) if i == steps else len(text) // 2)
            if at > len(drawn):
                drawn = drawn.ljust(at) + text
            else:
                are_all_drawn = False
        if cells >= least_cells and are_all_drawn:
            break
    return fit(drawn, cells)


def _axis_labels(start_ns: int, span_ns: int, steps: int, ascii_only: bool) -> list[str]:
    if not span_ns:
        return [numbers.duration(start_ns, ascii_only)]
    if not start_ns:
        return numbers.scale(span_ns, steps, ascii_only)
    unit, size = next(unit for unit in SHORT_UNITS if start_ns + span_ns >= unit[1])
    # about three digits per step
    decimals = min(len(str(size * steps * 1_000 // span_ns)) - 1, len(str(size)) - 1)
    unit = "us" if ascii_only and unit == "µs" else unit
    return [f"{(start_ns + span_ns * i / steps) / size:,.{decimals}f} {unit}" for i in range(steps + 1)]


def bar(
    scale: TimeScale,
    starts: np.ndarray,
    ends: np.ndarray,
    critical_starts: np.ndarray = _NONE,
    critical_ends: np.ndarray = _NONE,
    events: np.ndarray = _NONE,
    errors: np.ndarray = _NONE,
    *,
    network: Sequence[tuple[int, int]] = (),
    glyphs: Glyphs,
    solid_role: str = Role.CRITICAL,
) -> Line:
    """Draw spans as a line of `scale.cells` cells.

    `starts`, `ends`: int64[spans] ns, drawn light. `critical_starts`, `critical_ends`: int64[sections] ns, drawn solid;
    even the shortest section is visible. `events`: int64 ns; `errors`: the events that are errors. `network`: starts
    and ends, ns, of the parts in which a call is on the network.
    """
    cells = scale.cells
    if cells <= 0:
        return Line()
    drawn = [" "] * cells
    roles = [Role.PLAIN] * cells
    # nearly every row is one span with at most one section, and scalars are faster than one-element arrays
    if len(starts) == 1:
        _draw_one(drawn, roles, scale.position_of(int(starts[0])), scale.position_of(int(ends[0])), glyphs)
    else:
        _draw_rest(drawn, roles, scale.position(starts), scale.position(ends), glyphs)
    if len(critical_starts) == 1:
        section = scale.position_of(int(critical_starts[0])), scale.position_of(int(critical_ends[0]))
        _draw_section(drawn, roles, *section, glyphs, solid_role)
    elif len(critical_starts):
        _draw_solid(drawn, roles, scale.position(critical_starts), scale.position(critical_ends), glyphs, solid_role)
    for begin, end in network:
        _draw_network(drawn, scale.position_of(begin), scale.position_of(end), glyphs)
    for times, role in ((events, Role.EVENT), (errors, Role.ERROR)):
        if not len(times):
            continue
        ticks = scale.position(times)
        ticks = np.minimum(ticks[(ticks >= 0) & (ticks <= cells)].astype(np.int64), cells - 1)
        for cell in np.unique(ticks).tolist():
            drawn[cell], roles[cell] = glyphs.event, role
    line = Line()
    text, at = "".join(drawn), 0
    for role, cells_of_role in groupby(roles):
        stop = at + len(list(cells_of_role))
        line.add(text[at:stop], role)
        at = stop
    return line


def _draw_rest(drawn: list[str], roles: list[str], starts: np.ndarray, ends: np.ndarray, glyphs: Glyphs) -> None:
    cells = len(drawn)
    shown = (starts <= cells) & (ends >= 0) & ((ends > 0) | (starts == ends))
    shown &= (starts < cells) | (starts == ends)
    starts, ends = np.clip(starts[shown], 0, cells), np.clip(ends[shown], 0, cells)
    first = np.minimum(starts.astype(np.int64), cells - 1)
    stop = np.maximum(np.ceil(ends).astype(np.int64), first + 1)
    step = np.bincount(first, minlength=cells + 1) - np.bincount(stop, minlength=cells + 1)
    for cell in np.flatnonzero(np.cumsum(step[:cells])).tolist():
        drawn[cell], roles[cell] = glyphs.rest, Role.REST


def _draw_one(drawn: list[str], roles: list[str], start: float, end: float, glyphs: Glyphs) -> None:
    cells = len(drawn)
    if start > cells or end < 0 or (start != end and (start == cells or end == 0)):
        return
    start, end = min(max(start, 0.0), cells), min(max(end, 0.0), cells)
    first = min(int(start), cells - 1)
    stop = max(math.ceil(end), first + 1)
    drawn[first:stop] = glyphs.rest * (stop - first)
    roles[first:stop] = [Role.REST] * (stop - first)
    if end - (stop - 1) < 0.5:
        drawn[stop - 1] = glyphs.rest_end
    if start - first >= 0.5:
        drawn[first] = glyphs.rest_start


def _draw_network(drawn: list[str], start: float, end: float, glyphs: Glyphs) -> None:
    """Draw the cells that lie wholly within a network time as such; shorter times are not visible."""
    for cell in range(max(math.ceil(start), 0), min(math.floor(end), len(drawn))):
        if drawn[cell] == glyphs.rest:
            drawn[cell] = glyphs.network_rest
        elif drawn[cell] == glyphs.solid:
            drawn[cell] = glyphs.network


def _draw_section(drawn: list[str], roles: list[str], start: float, end: float, glyphs: Glyphs, role: str) -> None:
    cells = len(drawn)
    if end <= start or end <= 0 or start >= cells:
        return
    start, end = max(start, 0.0), min(end, float(cells))
    first, last = int(start), math.ceil(end) - 1
    drawn[first : last + 1] = _block(0, 8, glyphs) * (last + 1 - first)
    roles[first : last + 1] = [role] * (last + 1 - first)
    for cell in (first, last):
        low, high = max(start - cell, 0.0), min(end - cell, 1.0)
        drawn[cell] = _block(round(low * 8), round(high * 8), glyphs)


def _draw_solid(
    drawn: list[str], roles: list[str], starts: np.ndarray, ends: np.ndarray, glyphs: Glyphs, role: str
) -> None:
    cells = len(drawn)
    shown = (ends > starts) & (ends > 0) & (starts < cells)
    starts, ends = np.clip(starts[shown], 0, cells), np.clip(ends[shown], 0, cells)
    if not len(starts):
        return
    starts, ends = _merged(starts, ends)
    edges = np.arange(cells + 1)
    # covered time before each cell edge; the differences are the covered time of each cell
    points = np.column_stack((starts, ends)).ravel()
    lengths = np.cumsum(ends - starts)
    covered = np.column_stack((lengths - (ends - starts), lengths)).ravel()
    cover = np.diff(np.interp(edges, points, covered))
    first = np.searchsorted(ends, edges[:-1], "right")
    last = np.searchsorted(starts, edges[1:], "left") - 1
    for cell in np.flatnonzero(first <= last).tolist():
        low = max(float(starts[first[cell]]) - cell, 0.0)
        high = min(float(ends[last[cell]]) - cell, 1.0)
        amount = float(cover[cell])
        if high - low - amount > _TOUCHING:
            # several sections with gaps: show their total
            low, high = 0.0, amount
        drawn[cell] = _block(round(low * 8), round(high * 8), glyphs)
        roles[cell] = role


def _merged(starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort intervals by start and merge overlaps. Sections of one critical path need neither."""
    if (starts[1:] >= ends[:-1]).all():
        return starts, ends
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    new = np.flatnonzero(np.append(True, starts[1:] > ends[:-1]))
    return starts[new], ends[np.append(new[1:] - 1, len(starts) - 1)]


@lru_cache(maxsize=256)
def _block(low: int, high: int, glyphs: Glyphs) -> str:
    """Return the block glyph closest to a cell filled from `low` to `high` eighths."""
    if high <= low:
        low, high = (low, low + 1) if low < 8 else (7, 8)
    if glyphs.ascii_only:
        # wherever it is in the cell
        return glyphs.solid_left[high - low - 1]
    fillings = [(0, eighths, glyph) for eighths, glyph in enumerate(glyphs.solid_left, 1)]
    fillings += [(8 - eighths, 8, glyph) for eighths, glyph in glyphs.solid_right]
    return min(fillings, key=lambda filling: abs(filling[0] - low) + abs(filling[1] - high))[2]

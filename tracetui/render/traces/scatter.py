"""Scatter plot of durations over time, and statistics of the distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor, log10

import numpy as np

from tracetui.model.times import MINUTE_NS
from tracetui.query.edit import Window
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.percentiles import spread
from tracetui.render.text.timestamps import TimestampFormat

_DAY = 1440 * MINUTE_NS
_WIDE_RANGE = 20
"""Ratio of longest to median above which a linear scale would squeeze nearly all points onto the axis."""
_CROWD = 20
"""Number of points above which a cell shows errors only if their rate exceeds `_OFTEN` or twice the overall rate."""
_OFTEN = 0.25
_SEVERAL = 4
STATS_WIDTH = 34
_BINS = 16


@dataclass(frozen=True, eq=False, slots=True)
class Points:
    """Traces as points: start and response time, int64[n] ns each."""

    start: np.ndarray
    duration: np.ndarray
    with_errors: np.ndarray
    """bool[n], traces with errors."""
    failed: np.ndarray | None = None
    """bool[n], failed requests; None if all traces with errors failed."""

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True)
class Region:
    """Rectangle of plot cells, bounds inclusive; row 0 is the lowest."""

    left: int
    right: int
    bottom: int
    top: int


_ROUND = (60 * MINUTE_NS, 10 * MINUTE_NS, MINUTE_NS, *(10**digits for digits in range(10, -1, -1)))
"""Units of time (ns) whose multiples have a short notation."""


def _roundest(after: int, until: int) -> int:
    """Return the time in (after, until] with the shortest notation."""
    times = (until // unit * unit for unit in _ROUND)
    return next((time for time in times if time > after), until)


class Plot:
    """Points laid out on a grid of cells."""

    def __init__(self, points: Points, width: int, height: int, glyphs: Glyphs, local: bool = False) -> None:
        self.points, self.width, self.height, self.glyphs, self.local = points, width, height, glyphs, local
        self.rows = max(height - 1, 1)
        self._scale_durations()
        labels = self._labels()
        self.left = max(map(len, labels.values())) + 2
        """Cells left of the plot."""
        self.columns = max(width - self.left, 1)
        self._first = int(points.start.min()) if len(points) else 0
        self._span = max(int(points.start.max()) - self._first, 1) if len(points) else 1
        """Nanoseconds from the first time to the last, at least 1."""
        self.moments = TimestampFormat.between(self._first, self._first + self._span, local)
        self._column, self._row = self.columns_of(points.start), self.rows_of(points.duration)
        self._made = self._lines(labels)

    def _scale_durations(self) -> None:
        durations = self.points.duration
        longest = max(int(durations.max(initial=0)), 1)
        median = float(np.median(durations)) if len(durations) else 0.0
        self.logarithmic = longest > _WIDE_RANGE * max(median, 1.0) and len(durations) > 2
        self._low, self._high = 0.0, float(_round_up(longest))
        if self.logarithmic:
            positive = durations[durations > 0]
            least = max(float(np.quantile(positive, 0.01)), 1.0)
            self._low, self._high = float(floor(log10(least))), float(ceil(log10(longest + 1)))

    def _labels(self) -> dict[int, str]:
        """Return the durations that label rows."""
        values = [(0, self._low), (self.rows - 1, self._high)]
        if self.rows >= 5:
            values.insert(1, (self.rows // 2, (self._low + self._high) / 2))
        labels = {}
        for row, value in values:
            ns = 10**value if self.logarithmic else value
            labels[row] = numbers.duration(round(ns), self.glyphs.ascii_only)
        return labels

    def columns_of(self, start: np.ndarray) -> np.ndarray:
        """Return the column of each time, int64[n]."""
        share = (start - self._first).astype(np.float64) / self._span
        return np.clip((share * self.columns).astype(np.int64), 0, self.columns - 1)

    def rows_of(self, duration: np.ndarray) -> np.ndarray:
        """Return the row of each duration, int64[n]."""
        height = np.log10(np.maximum(duration, 1)) if self.logarithmic else duration.astype(np.float64)
        share = (height - self._low) / max(self._high - self._low, 1e-9)
        return np.clip((share * self.rows).astype(np.int64), 0, self.rows - 1)

    def cell(self, start: int, duration: int) -> tuple[int, int]:
        """Return the column and row of one point."""
        return int(self.columns_of(np.array([start]))[0]), int(self.rows_of(np.array([duration]))[0])

    def window(self, region: Region) -> Window:
        """Return the times and durations that a region covers."""
        per_column = self._span / self.columns
        per_row = (self._high - self._low) / self.rows

        def duration(row: int) -> int:
            value = self._low + per_row * row
            return round(10**value if self.logarithmic else value)

        def time(column: int) -> int:
            edge, starts, is_before = self._first + ceil(column * per_column), self.points.start, self._column < column
            # any time between the two points nearest to the edge selects the same points
            last = int(starts[is_before].max(initial=self._first))
            first = int(starts[~is_before].min(initial=self._first + self._span))
            return _roundest(max(last, edge - ceil(per_column)), min(first, edge + ceil(per_column)))

        return Window(
            start_ns=time(region.left) if region.left > 0 else None,
            end_ns=time(region.right + 1) if region.right < self.columns - 1 else None,
            least_ns=duration(region.bottom) if region.bottom > 0 else None,
            most_ns=duration(region.top + 1) if region.top < self.rows - 1 else None,
        )

    def inside(self, region: Region) -> np.ndarray:
        """Test which points are in a region, bool[n]."""
        found: np.ndarray = (
            (self._column >= region.left)
            & (self._column <= region.right)
            & (self._row >= region.bottom)
            & (self._row <= region.top)
        )
        return found

    @property
    def lines(self) -> list[Line]:
        """Lines from the top row down to the time axis, each `width` cells."""
        return self._made

    def _lines(self, labels: dict[int, str]) -> list[Line]:
        size = self.rows * self.columns
        at = self._row * self.columns + self._column
        counts = np.bincount(at, minlength=size)
        errors = np.bincount(at[self.points.with_errors], minlength=size)
        rate = self.points.with_errors.sum() / max(len(self.points), 1)
        many = errors > np.minimum(2 * rate, _OFTEN) * counts
        marked = (errors > 0) & ((counts <= _CROWD) | many)
        several = max(_SEVERAL, int(np.quantile(counts[counts > 0], 0.75)) if len(self.points) else 0)
        # 0: none, 1: few, 2: several, 3: with errors
        kinds = np.where(marked, 3, np.where(counts >= several, 2, np.minimum(counts, 1)))
        kinds = kinds.reshape(self.rows, self.columns)
        return [self._plot_line(row, kinds[row].tolist(), labels) for row in reversed(range(self.rows))] + [
            self._axis()
        ]

    def _plot_line(self, row: int, kinds: list[int], labels: dict[int, str]) -> Line:
        glyphs = self.glyphs
        tick = ("+" if row in labels else "|") if glyphs.ascii_only else "┤" if row in labels else "│"
        line = Line([(f"{labels.get(row, ''):>{self.left - 2}} {tick}", Role.GUIDE)])
        shapes = (" ", ".", "o", glyphs.origin) if glyphs.ascii_only else (" ", "·", "•", glyphs.origin)
        for kind, cells in groupby(kinds):
            number = sum(1 for _ in cells)
            line.add(shapes[kind] * number, Role.ERROR if kind == 3 else Role.PLAIN)
        return line.pad(self.width).cropped(self.width, "")

    def _axis(self) -> Line:
        glyphs = self.glyphs
        rule, corner = ("-", "+") if glyphs.ascii_only else ("─", "└")
        name = "log" if self.logarithmic else ""
        drawn = [rule] * self.columns
        texts = self._times() if len(self.points) else []
        for i, text in enumerate(texts):
            middle = round(i * (self.columns - 1) / max(len(texts) - 1, 1)) - len(text) // 2
            begin = min(max(middle, 1), self.columns - len(text))
            drawn[begin : begin + len(text)] = text
        line = Line([(f"{name:>{self.left - 2}} {corner}", Role.GUIDE)])
        return line.add("".join(drawn), Role.GUIDE).cropped(self.width, "")

    def _times(self) -> list[str]:
        last = self._first + self._span
        dates = [numbers.date_clock(t, self.local) for t in (self._first, last)]
        if self.moments.has_year:
            texts = [text[: 16 if self._span < 2 * _DAY else 10] for text in dates]
        elif self._span >= 2 * _DAY:
            texts = [text[5:16] for text in dates]
        elif self._span >= 4 * MINUTE_NS:
            texts = [numbers.clock(t, self.local)[:5] for t in self._steps()]
        else:
            steps = self._steps()
            digits = numbers.digits_between(self._span // (len(steps) - 1))
            texts = [numbers.clock(t, self.local, digits if self._span > 1 else 3) for t in steps]
            if len(set(texts)) < len(texts):
                texts = list(dict.fromkeys((texts[0], texts[-1])))
        texts = [f" {text} " for text in texts]
        fewer = (texts, [texts[0], texts[-1]], texts[:1])
        return next((some for some in fewer if sum(map(len, some)) + 4 * (len(some) > 1) <= self.columns), [])

    def _steps(self) -> Sequence[int]:
        steps = 4 if self.columns >= 80 else 2
        return [self._first + self._span * i // steps for i in range(steps + 1)]


def _round_up(number: int) -> int:
    """Round up to 1, 1.5, 2, 3, 4, 5, 6, 8 or 10 times a power of ten."""
    size = int(10 ** (len(str(number)) - 1))
    return next(size * tenths // 10 for tenths in (10, 15, 20, 30, 40, 50, 60, 80, 100) if size * tenths >= 10 * number)


def trend(counts: Sequence[int], glyphs: Glyphs) -> str:
    """Draw counts as one-cell bars; every count above 0 is visible."""
    most = max([*counts, 1])
    steps = len(glyphs.trend)
    return "".join(glyphs.trend[min(count * steps // most, steps - 1)] if count else " " for count in counts)


def stats_lines(points: Points, glyphs: Glyphs) -> list[Line]:
    """Return percentiles, distribution and error counts of the points in `STATS_WIDTH` cells."""
    if not len(points):
        return []
    ascii_only = glyphs.ascii_only
    least, most = int(points.duration.min()), int(points.duration.max())
    high = max(most, least + 1)
    if high > _WIDE_RANGE * max(float(np.median(points.duration)), 1):
        edges = np.geomspace(max(least, 1), high + 1, _BINS + 1)
    else:
        edges = np.linspace(least, high, _BINS + 1)
    counts = np.histogram(points.duration, edges)[0].tolist()
    found = spread(points.duration, glyphs)
    lines = [Line([(f"{name} ", Role.DIM), (f"{text:>9}", Role.STRONG)]) for name, text in found]
    lines[0].add("   ").add(trend(counts, glyphs))
    total = f"of {numbers.counted(len(points), 'trace')}"
    if len(found) > 2:
        ends = [numbers.duration(end, ascii_only) for end in (least, most)]
        lines[1].add(f"   {('..' if ascii_only else '–').join(ends)}", Role.DIM)
        lines[2].add(f"   {total}", Role.DIM)
    else:
        lines[1].add(f"   {total}", Role.DIM)
        lines.append(Line([("too few traces for percentiles", Role.DIM)]))
    lines.append(_errors_line(points, np.ones(len(points), bool), glyphs) or Line([("no errors", Role.DIM)]))
    return [line.cropped(STATS_WIDTH, glyphs.ellipsis) for line in lines]


def _errors_line(points: Points, inside: np.ndarray, glyphs: Glyphs) -> Line | None:
    """Count traces with errors and failed requests among the points `inside` (bool[n]); None without errors."""
    errors, of = int(points.with_errors[inside].sum()), int(inside.sum())
    if not errors:
        return None
    failed = errors if points.failed is None else int(points.failed[inside].sum())
    if failed == errors:
        share = numbers.percent(100 * errors / of)
        texts = [f" of {of:,} requests failed  {share}", f" of {of:,} failed  {share}", " requests failed"]
    else:
        texts = [f" with errors, {numbers.requests_failed(errors, failed)}", f" with errors, {failed:,} failed"]
    number = f"{glyphs.origin} {errors:,}"
    text = next((text for text in texts if len(number + text) <= STATS_WIDTH), texts[-1])
    return Line([(number, Role.ERROR), (text, Role.PLAIN)])


def region_lines(plot: Plot, region: Region, glyphs: Glyphs, keys: str) -> list[Line]:
    """Summarise a region instead of showing the statistics, with the keys that apply to it."""
    inside = plot.inside(region)
    window = plot.window(region)
    count, errors = int(inside.sum()), _errors_line(plot.points, inside, glyphs)
    dash = "-" if glyphs.ascii_only else "–"
    begin = "" if window.start_ns is None else plot.moments.day(window.start_ns)
    end = "" if window.end_ns is None else plot.moments.day(window.end_ns)
    least = "0 s" if window.least_ns is None else numbers.duration(window.least_ns, glyphs.ascii_only)
    most = "" if window.most_ns is None else numbers.duration(window.most_ns, glyphs.ascii_only)
    times = f"{begin}{dash}{end}" if begin or end else "all times"
    lines = [
        Line([(numbers.counted(count, "trace"), Role.STRONG)]),
        *([errors] if errors is not None else []),
        Line([(times, Role.PLAIN)]),
        Line(
            [(f"{least} to {most}" if most else f"from {least} on" if window.least_ns else "all durations", Role.PLAIN)]
        ),
        Line([(keys, Role.DIM)]),
    ]
    return [line.cropped(STATS_WIDTH, glyphs.ellipsis) for line in lines]

"""Scatter plot of durations over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from tracetui.analysis.stats.groups import quantiles
from tracetui.model.times import MINUTE_NS
from tracetui.query.edit import Window
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.percentiles import are_few
from tracetui.render.text.timestamps import TimestampFormat
from tracetui.render.traces.scatter_cells import DOTS_ACROSS, DOTS_UP, EMPTY, Cells, plot_cells

_DAY = 1440 * MINUTE_NS
WIDE_RANGE = 20
"""Ratio of longest to median above which a linear scale would squeeze nearly all points onto the axis."""
_MIN_SHARES_HEIGHT = 5
"""Smallest height of a plot with a line for the failing share."""
_POINTS_PER_SHARE = 8
"""Smallest mean number of points of which the failing share is drawn as one bar."""
_MIN_SHARE_POINTS = 2 * _POINTS_PER_SHARE
"""Smallest number of points with failing shares: of fewer, one bar over all times would say nothing about when."""
_SHARE_SCALES = (0.05, 0.1, 0.25, 0.5, 1.0)
_P95 = "p95"
_NEAR = 2
"""Largest distance between a click and its point, in cells."""


@dataclass(frozen=True, slots=True)
class MarkedTime:
    """Time that is marked in the plot."""

    at_ns: int
    text: str
    """Safe to show."""


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


_ROUND_UNITS = (60 * MINUTE_NS, 10 * MINUTE_NS, MINUTE_NS, *(10**digits for digits in range(10, -1, -1)))
"""Units of time (ns) whose multiples have a short notation."""


def _roundest(after: int, until: int) -> int:
    """Return the time in (after, until] with the shortest notation."""
    times = (until // unit * unit for unit in _ROUND_UNITS)
    return next((time for time in times if time > after), until)


class Plot:
    """Points laid out on a grid of cells."""

    def __init__(
        self,
        points: Points,
        width: int,
        height: int,
        glyphs: Glyphs,
        local: bool = False,
        moments: Sequence[MarkedTime] = (),
    ) -> None:
        self.points, self.width, self.height, self.glyphs, self.local = points, width, height, glyphs, local
        failed = points.with_errors if points.failed is None or not points.failed.any() else points.failed
        self._failed = failed
        self.share_label = "errors" if failed is points.with_errors and points.failed is not None else "failed"
        """Name of the failing share."""
        self.has_shares = height >= _MIN_SHARES_HEIGHT and bool(failed.any()) and len(points) >= _MIN_SHARE_POINTS
        """True if the last line is the failing share."""
        self.rows = max(height - 1 - self.has_shares, 1)
        self._scale_durations()
        labels = self._labels()
        texts = [*labels.values(), *([self.share_label] if self.has_shares else [])]
        self.left = max(map(len, texts)) + 2
        """Cells left of the plot."""
        self.columns = max(width - self.left, 1)
        self._first = int(points.start.min()) if len(points) else 0
        self._span = max(int(points.start.max()) - self._first, 1) if len(points) else 1
        """Nanoseconds from the first time to the last, at least 1."""
        self.moments = TimestampFormat.between(self._first, self._first + self._span, local)
        self._across, self._up = self._dots_across(points.start), self._dots_up(points.duration)
        self._column, self._row = self._across // DOTS_ACROSS, self._up // DOTS_UP
        inside = [one for one in moments if self._first <= one.at_ns <= self._first + self._span]
        at = self.columns_of(np.array([one.at_ns for one in inside], np.int64)).tolist()
        self.moment_columns = dict(zip(at, inside, strict=True))
        """Moments by column."""
        self._share = self._failing_share() if self.has_shares else np.zeros(self.columns)
        most = float(self._share.max())
        self.share_scale = next(scale for scale in _SHARE_SCALES if scale >= min(most, 1))
        """Share of failed requests that is drawn as a full bar, 0 to 1."""
        self._drawn = self._lines(labels)

    @property
    def is_long(self) -> bool:
        """True if times are shown without seconds."""
        return self._span >= 4 * MINUTE_NS

    def _scale_durations(self) -> None:
        durations = self.points.duration
        longest = max(int(durations.max(initial=0)), 1)
        median = float(np.median(durations)) if len(durations) else 0.0
        self.logarithmic = longest > WIDE_RANGE * max(median, 1.0) and len(durations) > 2
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

    def _dots_across(self, start: np.ndarray) -> np.ndarray:
        """Return the dot of each time from the left, int64[n]."""
        share, dots = (start - self._first).astype(np.float64) / self._span, DOTS_ACROSS * self.columns
        return np.clip(share * dots, 0, dots - 1).astype(np.int64)

    def _dots_up(self, duration: np.ndarray) -> np.ndarray:
        """Return the dot of each duration from below, int64[n]."""
        height = np.log10(np.maximum(duration, 1)) if self.logarithmic else duration.astype(np.float64)
        share, dots = (height - self._low) / max(self._high - self._low, 1e-9), DOTS_UP * self.rows
        return np.clip(share * dots, 0, dots - 1).astype(np.int64)

    def columns_of(self, start: np.ndarray) -> np.ndarray:
        """Return the column of each time, int64[n]."""
        columns: np.ndarray = self._dots_across(start) // DOTS_ACROSS
        return columns

    def rows_of(self, duration: np.ndarray) -> np.ndarray:
        """Return the row of each duration, int64[n]."""
        rows: np.ndarray = self._dots_up(duration) // DOTS_UP
        return rows

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

    def nearest(self, column: int, row: int) -> int | None:
        """Return the point nearest to a cell, of equal ones the slowest; None for none within two cells."""
        distance = np.maximum(np.abs(self._column - column), np.abs(self._row - row))
        near = np.flatnonzero(distance <= _NEAR)
        if not len(near):
            return None
        return int(near[np.lexsort((-self.points.duration[near], distance[near]))[0]])

    @property
    def lines(self) -> list[Line]:
        """Lines from the top row down to the time axis, then the failing share if there is one: `width` cells each."""
        return self._drawn

    def _lines(self, labels: dict[int, str]) -> list[Line]:
        cells = plot_cells(self._across, self._up, self.points.with_errors, self.rows, self.columns, self.glyphs)
        self._draw_moments(cells)
        self._draw_p95(cells, labels)
        rows = [self._plot_line(row, cells[row], labels) for row in reversed(range(self.rows))]
        return [*rows, self._axis(), *([self._share_line()] if self.has_shares else [])]

    def _draw_moments(self, cells: Cells) -> None:
        """Draw a vertical line at each moment, behind the points."""
        for row in cells:
            for column in self.moment_columns:
                if row[column] == EMPTY:
                    row[column] = self.glyphs.moment_line, Role.ACCENT

    def _draw_p95(self, cells: Cells, labels: dict[int, str]) -> None:
        """Draw a line at the 95th percentile, behind the points, with its name as a label or in the last wide gap."""
        durations = self.points.duration
        if are_few(len(durations)):
            return
        level = round(quantiles(durations, (0.95,))[0])
        number = int(self.rows_of(np.array([level]))[0])
        row = cells[number]
        free = [cell == EMPTY for cell in row]
        for column in np.flatnonzero(free).tolist():
            # every other cell, to leave the dots visible
            if column % 2 == 0:
                row[column] = self.glyphs.percentile, Role.GUIDE
        if number not in labels:
            labels[number] = _P95
            return
        size = len(_P95) + 2
        end = next((end for end in range(self.columns, size - 1, -1) if all(free[end - size : end])), 0)
        if end:
            row[end - size : end] = [(character, Role.GUIDE) for character in f" {_P95} "]

    def _plot_line(self, row: int, cells: list[tuple[str, str]], labels: dict[int, str]) -> Line:
        ascii_only = self.glyphs.ascii_only
        tick = ("+" if row in labels else "|") if ascii_only else "┤" if row in labels else "│"
        line = Line([(f"{labels.get(row, ''):>{self.left - 2}} {tick}", Role.GUIDE)])
        for character, role in cells:
            line.add(character, role)
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
            if not any(begin <= column < begin + len(text) for column in self.moment_columns):
                drawn[begin : begin + len(text)] = text
        line = Line([(f"{name:>{self.left - 2}} {corner}", Role.GUIDE)])
        for column, character in enumerate(drawn):
            is_moment = column in self.moment_columns
            line.add(glyphs.moment if is_moment else character, Role.ACCENT if is_moment else Role.GUIDE)
        return line.cropped(self.width, "")

    def _share_line(self) -> Line:
        """Draw the share of failed requests over time, as bars on a scale up to `share_scale`."""
        trend, share = self.glyphs.trend, self._share
        heights = np.ceil(share / self.share_scale * len(trend) - 1e-9).astype(np.int64)
        drawn = "".join(trend[height - 1] if height else " " for height in heights.tolist())
        line = Line([(f"{self.share_label:>{self.left - 2}}  ", Role.GUIDE)])
        return line.add(drawn, Role.ERROR).pad(self.width).cropped(self.width, "")

    def _failing_share(self) -> np.ndarray:
        """Share of failed requests by column, 0 to 1: the mean of several neighbouring columns if points are few."""
        points, failed = self.points, self._failed
        width = min(max(ceil(_POINTS_PER_SHARE * self.columns / len(points)), 1), self.columns)
        at = self._column // width
        count = ceil(self.columns / width)
        share = np.bincount(at[failed], minlength=count) / np.maximum(np.bincount(at, minlength=count), 1)
        return np.repeat(share, width)[: self.columns]

    def _times(self) -> list[str]:
        last = self._first + self._span
        dates = [numbers.date_clock(t, self.local) for t in (self._first, last)]
        if self.moments.has_year:
            texts = [text[: 16 if self._span < 2 * _DAY else 10] for text in dates]
        elif self._span >= 2 * _DAY:
            texts = [text[5:16] for text in dates]
        elif self.is_long:
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

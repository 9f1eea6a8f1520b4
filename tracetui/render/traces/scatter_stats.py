"""Statistics beside the plot: percentiles, distribution, failures, and the selected region."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.percentiles import spread
from tracetui.render.traces.scatter import WIDE_RANGE, Plot, Points, Region

STATS_WIDTH = 34
_BINS = 16


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
    if high > WIDE_RANGE * max(float(np.median(points.duration)), 1):
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


def explained(stats: Sequence[Line], plot: Plot) -> list[Line]:
    """Add the moments and the scale of the failing share to the statistics, as far as the plot has lines."""
    glyphs, lines = plot.glyphs, list(stats)
    room = plot.height - len(lines) - plot.has_shares
    for column in sorted(plot.moment_columns, reverse=True)[: max(room, 0)]:
        moment = plot.moment_columns[column]
        time = numbers.clock(moment.at_ns, plot.local, 0)[: 5 if plot.is_long else None]
        lines.append(Line([(f"{glyphs.moment} ", Role.ACCENT), (f"{time} {moment.text}", Role.PLAIN)]))
    if plot.has_shares and len(lines) < plot.height:
        lines += [Line()] * (plot.height - 1 - len(lines))
        lines.append(Line([(f"{plot.share_label}, 0 to {100 * plot.share_scale:.0f} %", Role.DIM)]))
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
    begin = "" if window.start_ns is None else plot.moments.day(window.start_ns)
    end = "" if window.end_ns is None else plot.moments.day(window.end_ns)
    least = "0 s" if window.least_ns is None else numbers.duration(window.least_ns, glyphs.ascii_only)
    most = "" if window.most_ns is None else numbers.duration(window.most_ns, glyphs.ascii_only)
    if begin and end:
        times = f"{begin}{glyphs.dash}{end}"
    else:
        times = f"from {begin} on" if begin else f"until {end}" if end else "all times"
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

"""Summarise durations: percentiles, or the range for few samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tracetui.analysis.stats.groups import FEW_SAMPLES, quantiles
from tracetui.analysis.summary import DurationStats
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.tables import duration_range


def are_few(count: int) -> bool:
    """Test whether there are too few samples for percentiles."""
    return count < FEW_SAMPLES


def spread(durations: np.ndarray, glyphs: Glyphs) -> list[tuple[str, str]]:
    """Return (name, duration) pairs for int64[n >= 1] ns: `p50`, `p95`, `p99`, or `min` and `max` for few."""
    levels = {"min": 0.0, "max": 1.0} if are_few(len(durations)) else {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    values = quantiles(durations, tuple(levels.values()))
    return [
        (name, numbers.duration(round(value), glyphs.ascii_only)) for name, value in zip(levels, values, strict=True)
    ]


def spread_words(found: DurationStats, duration: Callable[[float], str]) -> str:
    """Format as `p50 1.2 s, max 3.4 s`, for few samples as `800 ms to 1.4 s`."""
    if not are_few(found.count):
        return f"p50 {duration(found.p50_ns)}, max {duration(found.max_ns)}"
    ends = dict.fromkeys((duration(found.min_ns), duration(found.max_ns)))
    return " to ".join(ends)


def typical(durations: np.ndarray, glyphs: Glyphs) -> str:
    """Format as `p50 1.2 s`, for few samples as `800 ms–1.4 s`."""
    if are_few(len(durations)):
        return duration_range(int(durations.min()), int(durations.max()), glyphs)
    name, text = spread(durations, glyphs)[0]
    return f"{name} {text}"

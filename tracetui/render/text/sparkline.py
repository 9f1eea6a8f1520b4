"""Draw values as one-cell bars in a line of text: a histogram or a sparkline."""

from __future__ import annotations

import math

import numpy as np

from tracetui.render.text.glyphs import Glyphs


def heights(values: np.ndarray, glyphs: Glyphs) -> list[int]:
    """Return the index in `glyphs.trend` of each non-negative value: 0 only for 0, the last for the maximum."""
    highest, top = max(values.tolist(), default=0), len(glyphs.trend) - 1
    return [min(math.ceil(value / highest * top), top) if value else 0 for value in values.tolist()]


def sparkline(values: np.ndarray, glyphs: Glyphs) -> str:
    """Draw the bars; 0 is a blank."""
    return "".join(glyphs.trend[height] if height else " " for height in heights(values, glyphs))

"""Values as bars of a cell each, in a line of text: a histogram, or a course of time."""

from __future__ import annotations

import math

import numpy as np

from tracetui.render.text.glyphs import Glyphs


def heights(values: np.ndarray, marks: Glyphs) -> list[int]:
    """Per value, none of which is negative, its place in `marks.trend`: 0 for nothing alone, the last for the most."""
    highest, top = max(values.tolist(), default=0), len(marks.trend) - 1
    return [min(math.ceil(value / highest * top), top) if value else 0 for value in values.tolist()]


def small_bars(values: np.ndarray, marks: Glyphs) -> str:
    """The bars; nothing is a blank."""
    return "".join(marks.trend[height] if height else " " for height in heights(values, marks))

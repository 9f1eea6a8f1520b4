"""Cells of the scatter plot: dots, density where they are crowded, and errors."""

from __future__ import annotations

from typing import Final

import numpy as np

from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Role

DOTS_ACROSS: Final = 2
DOTS_UP: Final = 4
"""Dots of a braille cell."""
EMPTY: Final = (" ", Role.PLAIN)
_BITS: Final = np.array((0x40, 0x04, 0x02, 0x01, 0x80, 0x20, 0x10, 0x08))
"""Bits of the braille dots: the left column from below, then the right one."""
_BRAILLE: Final = 0x2800
_CROWD: Final = 16
"""Points of a cell above which the plot shows density instead of dots."""
_DENSE: Final = 4
"""Smallest number of points of a cell that is drawn as density."""
_FEW_ERRORS: Final = 60
"""Traces with errors up to which each one is visible; with more, a cell shows errors if half of its traces do."""

Cells = list[list[tuple[str, str]]]
"""Rows of the plot, the lowest first, as (character, role)."""


def plot_cells(
    across: np.ndarray, up: np.ndarray, with_errors: np.ndarray, rows: int, columns: int, glyphs: Glyphs
) -> Cells:
    """Draw points, given as dots from the left and from below (int64[n] each); with_errors: bool[n]."""
    size = rows * columns
    at = up // DOTS_UP * columns + across // DOTS_ACROSS
    counts = np.bincount(at, minlength=size)
    errors = np.bincount(at[with_errors], minlength=size)
    shows_errors = errors > 0 if int(with_errors.sum()) <= _FEW_ERRORS else (errors > 0) & (2 * errors >= counts)
    shapes = _ascii_dots(counts, glyphs) if glyphs.ascii_only else _braille(at, across, up, size)
    _shade(shapes, counts, glyphs.density)
    drawn = [
        (glyphs.origin, Role.ERROR) if is_error else (shape, Role.PLAIN)
        for shape, is_error in zip(shapes, shows_errors.tolist(), strict=True)
    ]
    return [drawn[row * columns : (row + 1) * columns] for row in range(rows)]


def _braille(at: np.ndarray, across: np.ndarray, up: np.ndarray, size: int) -> list[str]:
    dots = len(_BITS)
    dot = up % DOTS_UP + DOTS_UP * (across % DOTS_ACROSS)
    present = np.bincount(at * dots + dot, minlength=size * dots).reshape(size, dots) > 0
    return [chr(_BRAILLE + pattern) if pattern else " " for pattern in (present @ _BITS).tolist()]


def _ascii_dots(counts: np.ndarray, glyphs: Glyphs) -> list[str]:
    return [" .::"[count] if count < _DENSE else glyphs.density[0] for count in counts.tolist()]


def _shade(shapes: list[str], counts: np.ndarray, densities: str) -> None:
    """Replace the dots of dense cells by shades in thirds of the largest count, if some cell has too many for dots."""
    most = int(counts.max(initial=0))
    if most <= _CROWD:
        return
    dense = np.flatnonzero(counts >= _DENSE)
    level = counts[dense] * len(densities) // (most + 1)
    for cell, number in zip(dense.tolist(), level.tolist(), strict=True):
        shapes[cell] = densities[number]

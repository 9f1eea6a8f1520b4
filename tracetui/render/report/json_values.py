"""Values in JSON: milliseconds, percentages, times and warnings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import overload

import numpy as np

from tracetui.model.errors import LoadWarning
from tracetui.render.text.numbers import EPOCH

_PRODUCT_ERROR = 2.0**-51
"""Relative error of a product or quotient of two numbers, with a margin."""


@overload
def in_ms(ns: float) -> float: ...
@overload
def in_ms(ns: float | None) -> float | None: ...
def in_ms(ns: float | None) -> float | None:
    """Convert nanoseconds to milliseconds, to the nanosecond; None stays None."""
    return None if ns is None else round(ns / 1e6, 6)


def all_in_ms(ns: np.ndarray) -> np.ndarray:
    """Convert float64[n] nanoseconds to milliseconds, to the nanosecond; NaN stays NaN."""
    return _rounded(ns / 1e6, 6)


def in_percent(value: float) -> float:
    """Round a percentage to four decimals."""
    return round(value, 4)


def iso_time(ns: int) -> str:
    """Format a time as `2026-03-10T10:00:00.000000Z`."""
    return f"{(EPOCH + timedelta(microseconds=ns // 1000)):%Y-%m-%dT%H:%M:%S.%fZ}"


def percentages(values: np.ndarray) -> np.ndarray:
    """Round float64[n] percentages; NaN stays NaN."""
    return _rounded(values, 4)


def _rounded(values: np.ndarray, digits: int) -> np.ndarray:
    """Round float64[n] as `round` does; NaN stays NaN."""
    scale = 10.0**digits
    scaled = values * scale
    nearest = np.rint(scaled)
    rounded: np.ndarray = nearest / scale
    # near the middle of two results, or beyond the exact whole numbers, the error of the product may decide
    is_sure = np.abs(scaled - nearest) < 0.5 - np.abs(scaled) * _PRODUCT_ERROR
    for at in np.flatnonzero(~is_sure & ~np.isnan(values)).tolist():
        rounded[at] = round(float(values[at]), digits)
    return rounded


def rates(errors: np.ndarray, calls: np.ndarray) -> np.ndarray:
    """Return error rates in percent, float64[n]; 0 without calls."""
    return percentages(np.divide(100 * errors, calls, out=np.zeros(len(calls)), where=calls > 0))


def warnings_json(warnings: Sequence[LoadWarning]) -> list[dict[str, str]]:
    return [
        # a file name may contain bytes that are not UTF-8
        {
            "file": warning.file.encode("utf-8", "replace").decode(),
            "position": warning.position,
            "message": warning.message,
        }
        for warning in warnings
    ]

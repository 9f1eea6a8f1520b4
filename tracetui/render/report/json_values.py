"""Values in JSON: milliseconds, percentages, times and warnings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import overload

import numpy as np

from tracetui.model.errors import LoadWarning
from tracetui.render.text.numbers import EPOCH

_EXACT = 1e15


@overload
def in_ms(ns: float) -> float: ...
@overload
def in_ms(ns: float | None) -> float | None: ...
def in_ms(ns: float | None) -> float | None:
    """Convert nanoseconds to milliseconds, to the nanosecond; None stays None."""
    return None if ns is None else round(ns / 1e6, 6)


def all_in_ms(ns: np.ndarray) -> list[float | None]:
    """Convert float64[n] nanoseconds to milliseconds; NaN becomes None."""
    # for whole nanoseconds below 10**15 the quotient is already the float nearest to its six decimals
    whole = (ns == np.floor(ns)) & (np.abs(ns) < _EXACT)
    found: list[float | None] = (ns / 1e6).tolist()
    missing = np.isnan(ns)
    for at in np.flatnonzero(missing).tolist():
        found[at] = None
    others = np.flatnonzero(~whole & ~missing)
    for at, value in zip(others.tolist(), ns[others].tolist(), strict=True):
        found[at] = in_ms(value)
    return found


def in_percent(value: float) -> float:
    """Round a percentage to four decimals."""
    return round(value, 4)


def iso_time(ns: int) -> str:
    """Format a time as `2026-03-10T10:00:00.000000Z`."""
    return f"{(EPOCH + timedelta(microseconds=ns // 1000)):%Y-%m-%dT%H:%M:%S.%fZ}"


def percentages(values: np.ndarray) -> list[float | None]:
    """Round float64[n] percentages; NaN becomes None."""
    return [None if math.isnan(value) else in_percent(value) for value in values.tolist()]


def rates(errors: np.ndarray, calls: np.ndarray) -> list[float]:
    """Return error rates in percent, float[n]; 0 without calls."""
    found = np.divide(100 * errors, calls, out=np.zeros(len(calls)), where=calls > 0)
    return [in_percent(rate) if rate else 0.0 for rate in found.tolist()]


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

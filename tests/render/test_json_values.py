"""Values in JSON: columns are rounded exactly as single values."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tracetui.render.report.json_values import all_in_ms, in_ms, in_percent, percentages

_HALVES = st.integers(-(10**16), 10**16).map(lambda twice: twice / 2)
_FLOATS = st.floats(-1e18, 1e18) | _HALVES


def or_none(column: np.ndarray) -> list[float | None]:
    return [None if math.isnan(value) else value for value in column.tolist()]


@given(st.lists(_FLOATS | st.none()))
def test_nanoseconds_in_columns_are_converted_as_single_ones(values: list[float | None]) -> None:
    column = np.array([np.nan if ns is None else ns for ns in values])
    assert or_none(all_in_ms(column)) == [in_ms(ns) for ns in values]


@given(st.lists(st.floats(-1e9, 1e9) | _HALVES.map(lambda half: half / 1e4) | st.none()))
def test_percentages_in_columns_are_rounded_as_single_ones(values: list[float | None]) -> None:
    column = np.array([np.nan if value is None else value for value in values])
    assert or_none(percentages(column)) == [None if value is None else in_percent(value) for value in values]

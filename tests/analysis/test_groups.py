"""Grouped sorting: the same result as sorting each group alone, for numbers of any size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.analysis.stats.groups import group_quantiles, group_slices

# numbers sorted as 16 bits, as twice 16 bits, and unchanged
numbers = st.sampled_from((9, 70_000, 1 << 40)).flatmap(lambda most: st.lists(st.integers(0, most)))
# durations with and without room for the group in the same number
groups = st.sampled_from((1_000, 1 << 62)).flatmap(
    lambda most: st.lists(st.lists(st.integers(0, most), min_size=1), min_size=1, max_size=8)
)


@given(numbers)
def test_sort_is_stable(values: list[int]) -> None:
    order, distinct, first = group_slices(np.array(values, np.int64))
    assert order.tolist() == sorted(range(len(values)), key=lambda i: values[i])
    assert distinct.tolist() == sorted(set(values))
    ordered = [values[i] for i in order.tolist()]
    slices = [ordered[begin:end] for begin, end in zip(first[:-1].tolist(), first[1:].tolist(), strict=True)]
    assert slices == [[value] * values.count(value) for value in distinct.tolist()]


@given(groups)
def test_quantiles_of_groups(values: list[list[int]]) -> None:
    first = np.cumsum([0, *map(len, values)])
    found = group_quantiles(np.concatenate(values).astype(np.int64), first, (0.0, 0.5, 0.95, 1.0))
    for at, group in enumerate(values):
        assert found[:, at].tolist() == pytest.approx(np.quantile(group, (0.0, 0.5, 0.95, 1.0)).tolist())

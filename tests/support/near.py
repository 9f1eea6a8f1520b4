"""Comparison of numbers with a tolerance."""

from __future__ import annotations

from typing import cast

import pytest


def near(value: float, rel: float | None = None, abs: float | None = None) -> float:  # noqa: A002 - as in `pytest.approx`
    """Return `pytest.approx(value)`, typed as the number that it equals: type checkers compare it within tuples."""
    return cast(float, pytest.approx(value, rel=rel, abs=abs))

"""Numbers as wire formats spell them."""

from __future__ import annotations

import math
from typing import Any


def whole_number(value: Any) -> int | None:
    """An integer from a number or its text, cut towards zero; None if it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, float) and math.isfinite(value):
        return int(value)
    return None

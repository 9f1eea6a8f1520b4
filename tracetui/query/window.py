"""Window over start and response time, as a region of the plot selects it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """Bounds that a region stands for; None where it reaches the plot's edge and so does not limit."""

    start_ns: int | None
    end_ns: int | None
    least_ns: int | None
    most_ns: int | None

"""The views, in the order of their keys."""

from __future__ import annotations

VIEWS = (
    ("traces", "Traces"),
    ("waterfall", "Waterfall"),
    ("services", "Services"),
    ("errors", "Errors"),
    ("hot-spots", "Hot spots"),
)
"""Id and title of each."""

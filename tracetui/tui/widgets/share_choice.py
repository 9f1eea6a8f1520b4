"""Dialog for the share of the current duration in a what-if."""

from __future__ import annotations

import re

from tracetui.analysis.what_if import MOST_PERCENT
from tracetui.tui.state import Look
from tracetui.tui.widgets.choice import Choice, Option

# labels have no digits, so that a typed number does not match one
_SHARES = (
    ("50", "half its duration"),
    ("0", "no duration"),
    ("10", "a tenth of its duration"),
    ("200", "twice its duration"),
)


def share_choice(look: Look, title: str) -> Choice:
    """Make the dialog; its result is a percentage as text. `title` must be safe to show."""
    options = [Option(percent, words) for percent, words in _SHARES]
    return Choice(look, title, options, free="or any percentage, such as 75")


def percent_of(text: str | None) -> float | None:
    """Parse a percentage from 0 to `MOST_PERCENT`; None for anything else."""
    match = re.fullmatch(r"\s*(\d{1,4}(?:\.\d{1,6})?)\s*%?\s*", text or "")
    percent = float(match[1]) if match else None
    return percent if percent is not None and percent <= MOST_PERCENT else None

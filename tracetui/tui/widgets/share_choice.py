"""Dialog for the share of the current duration in a what-if analysis."""

from __future__ import annotations

import re

from tracetui.analysis.what_if import MOST_PERCENT
from tracetui.tui.state import Look
from tracetui.tui.widgets.choice import Choice, Option

# without digits, so that a typed number is not matched with one of these
_SHARES = (("50", "half the time"), ("0", "no time"), ("10", "a tenth of the time"), ("200", "twice the time"))


def share_choice(look: Look, title: str) -> Choice:
    """Make the dialog; its result is a percentage as text. `title` must be safe to show."""
    options = [Option(percent, words) for percent, words in _SHARES]
    return Choice(look, title, options, free="or any percentage, such as 75")


def percent_of(text: str | None) -> float | None:
    """Parse a percentage from 0 to `MOST_PERCENT`; None for anything else."""
    match = re.fullmatch(r"\s*(\d{1,4}(?:\.\d{1,6})?)\s*%?\s*", text or "")
    percent = float(match[1]) if match else None
    return percent if percent is not None and percent <= MOST_PERCENT else None

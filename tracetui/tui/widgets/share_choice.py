"""Asking for the share of its time that something is to take."""

from __future__ import annotations

import re

from tracetui.analysis.what_if import MOST_PERCENT
from tracetui.tui.state import Look
from tracetui.tui.widgets.choice import Choice, Option

# in words: digits that are typed are a share and not a part of one of these
_SHARES = (("50", "half its time"), ("0", "no time at all"), ("10", "a tenth of its time"), ("200", "twice its time"))


def share_choice(look: Look, title: str) -> Choice:
    """A dialog that ends with the text of a share; `title` is safe to show."""
    options = [Option(percent, words) for percent, words in _SHARES]
    return Choice(look, title, options, free="or any share, such as 75")


def percent_of(text: str | None) -> float | None:
    """The percentage that a text names; None where it names none from 0 to `MOST_PERCENT`."""
    found = re.fullmatch(r"\s*(\d{1,4}(?:\.\d{1,6})?)\s*%?\s*", text or "")
    percent = float(found[1]) if found else None
    return percent if percent is not None and percent <= MOST_PERCENT else None

"""Log statements: the line of code that wrote a log record, told by its text."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from tracetui.analysis.message_templates import template
from tracetui.analysis.why.observations import Numbered
from tracetui.model.traces import TraceSet

_HEAD: Final = 240
_WORDS: Final = 12
"""Words by which messages without a call site are told apart; what follows is mostly data."""
_SITE: Final = re.compile(
    r"\b[A-Za-z_][\w.$\[\]]*#\d{1,6}\b"
    r"|\b[\w./-]+\.(?:py|go|java|js|ts|rb|rs|cc?|cpp|cs|kt|scala|php|exs?):\d{1,6}\b"
)
"""Call site in a message, such as `OrderService#57` or `order.go:57`."""
_ID: Final = re.compile(r"[0-9a-fA-F-]*\d[0-9a-fA-F-]*")


def number_statements(traces: TraceSet, statements: Numbered[str], seen: dict[str, int]) -> np.ndarray:
    """Number the statement of each log record: int64[records]. `seen` remembers texts for the next set."""
    lines = traces.log_lines
    numbers = np.empty(len(lines), np.int64)
    for row in range(len(lines)):
        numbers[row] = _number(lines.message(row), statements, seen)
    return numbers


def _number(message: str, statements: Numbered[str], seen: dict[str, int]) -> int:
    head = message[:_HEAD]
    site = _SITE.search(head)
    if site is not None:
        return statements.number(site[0])
    text = _ID.sub("0", " ".join(head.split()[:_WORDS]))
    number = seen.get(text)
    if number is None:
        number = seen[text] = statements.number(template(text))
    return number

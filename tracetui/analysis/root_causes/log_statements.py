"""Log statements: the line of code that wrote a log record, recognised by the record's text."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from tracetui.analysis.message_templates import template
from tracetui.analysis.root_causes.aligned_trace_sets import Numbering
from tracetui.model.traces import TraceSet

_HEAD: Final = 240
"""Characters of a message that are read."""
_WORDS: Final = 12
"""Words that identify a message without a call site; what follows is mostly data."""
_CALL_SITE: Final = re.compile(
    r"\b[A-Za-z_][\w.$\[\]]*#\d{1,6}\b"
    r"|\b[\w./-]+\.(?:py|go|java|js|ts|rb|rs|cc?|cpp|cs|kt|scala|php|exs?):\d{1,6}\b"
)
"""Call site in a message, such as `OrderService#57` or `order.go:57`."""
_ID: Final = re.compile(r"[0-9a-fA-F-]*\d[0-9a-fA-F-]*")


def number_log_statements(traces: TraceSet, statements: Numbering[str], cache: dict[str, int]) -> np.ndarray:
    """Number the statement of each log record: int64[records]. cache: texts with known numbers, shared between sets."""
    lines = traces.log_lines
    numbers = np.empty(len(lines), np.int64)
    for row in range(len(lines)):
        numbers[row] = _number(lines.message(row), statements, cache)
    return numbers


def _number(message: str, statements: Numbering[str], cache: dict[str, int]) -> int:
    head = message[:_HEAD]
    call_site = _CALL_SITE.search(head)
    if call_site is not None:
        return statements.number(call_site[0])
    text = _ID.sub("0", " ".join(head.split()[:_WORDS]))
    number = cache.get(text)
    if number is None:
        number = cache[text] = statements.number(template(text))
    return number

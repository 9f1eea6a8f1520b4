"""Retries: calls that failed and were made again. The saving is the time of the failed ones."""

from __future__ import annotations

import numpy as np

from tracetui.analysis.suggestions.kind import SuggestionKind
from tracetui.analysis.suggestions.siblings import Instances, Siblings, reduced, run_starts


def find(siblings: Siblings) -> Instances:
    """Find failed attempts that were repeated."""
    traces = siblings.traces
    failed = np.flatnonzero(siblings.retried[siblings.span])
    order = failed[
        np.lexsort((siblings.start[failed], traces.operation[siblings.span[failed]], siblings.parent[failed]))
    ]
    parent, operation = siblings.parent[order], traces.operation[siblings.span[order]]
    first = run_starts(parent, operation)
    count = np.diff(np.append(first, len(order)))
    spans, ends = siblings.span[order[first]], siblings.span[order[first + count - 1]]
    group, members = siblings.named_by(spans)
    time = reduced(np.add, siblings.time[order], first)
    saving = np.minimum(time, siblings.bound.of_calls(spans, ends))
    return Instances(group, spans, saving, count, time, members)


KIND = SuggestionKind(
    name="retries",
    label="retries",
    sentence=("{call}", "fails up to {times} and is retried", "{parent}"),
    explanation=(
        "These calls failed and then succeeded on a retry.",
        "Without failures, the time of the failed calls would be saved.",
    ),
    find=find,
    words="retry",
    repeats=True,
)

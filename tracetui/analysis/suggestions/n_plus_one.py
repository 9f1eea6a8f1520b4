"""N+1 calls: many calls of one operation under one parent, one after the other.

The saving assumes a single call that takes as long as the longest of them.
"""

from __future__ import annotations

import numpy as np

from tracetui.analysis.suggestions.kind import SuggestionKind
from tracetui.analysis.suggestions.siblings import Instances, Siblings, reduced, run_starts

MIN_CALLS = 5
"""Fewest calls of one operation that count as N+1."""


def find(siblings: Siblings) -> Instances:
    """Find at least `MIN_CALLS` sequential calls of one operation under one parent."""
    traces = siblings.traces
    # attempts of one call are one call, and parallel calls are not sequential
    at = np.flatnonzero(~(siblings.retried | siblings.overlapping())[siblings.span])
    order = at[np.lexsort((siblings.start[at], traces.operation[siblings.span[at]], siblings.parent[at]))]
    first = run_starts(siblings.parent[order], traces.operation[siblings.span[order]])
    count = np.diff(np.append(first, len(order)))
    time = reduced(np.add, siblings.time[order], first)
    saving = time - reduced(np.maximum, siblings.time[order], first)
    many = count >= MIN_CALLS
    begin, count, time, saving = first[many], count[many], time[many], saving[many]
    spans, ends = siblings.span[order[begin]], siblings.span[order[begin + count - 1]]
    group, members = siblings.named_by(spans)
    saving = np.minimum(saving, siblings.bound.of_calls(spans, ends))
    return Instances(group, spans, saving, count, time, members)


KIND = SuggestionKind(
    name="n_plus_one",
    label="N+1",
    sentence=("{call}", "N+1: up to {count} sequential calls that could be one", "{parent}"),
    explanation=(
        "These calls run one after another on the critical path.",
        "One call (a batch, a join, a cache) would save all but the longest.",
    ),
    find=find,
    words="batch loop",
    repeats=True,
)

"""Sequential calls that could run in parallel: calls to different services under one parent, one right after the other.

The saving assumes that the services are called in parallel, each with its own calls still in sequence: only the
service that takes longest remains.
"""

from __future__ import annotations

import numpy as np

from tracetui.analysis.suggestions.kind import SuggestionKind
from tracetui.analysis.suggestions.siblings import Instances, Siblings, reduced, run_starts


def find(siblings: Siblings) -> Instances:
    """Find calls to different services that follow each other directly."""
    target = siblings.target[siblings.span]
    is_call = target >= 0
    begins = is_call.copy()
    begins[1:] &= ~(is_call[:-1] & siblings.follows[1:])
    sequence = np.cumsum(begins) - 1
    at = np.flatnonzero(is_call)
    sequence, target, time = sequence[at], target[at], siblings.time[at]
    # the calls to one service within a sequence stay sequential
    order = np.lexsort((target, sequence))
    first = run_starts(sequence[order], target[order])
    per_service = reduced(np.add, time[order], first)
    of_service = sequence[order[first]]
    begin = run_starts(of_service)
    whole = reduced(np.add, per_service, begin)
    saving = whole - reduced(np.maximum, per_service, begin)
    services = np.diff(np.append(begin, len(of_service)))
    some = services > 1
    starts = run_starts(sequence)
    sizes = np.diff(np.append(starts, len(at)))
    starts, sizes, saving, whole = starts[some], sizes[some], saving[some], whole[some]
    spans = siblings.span[at]
    saving = np.minimum(saving, siblings.bound.of_calls(spans[starts], spans[starts + sizes - 1]))
    group, members = siblings.named_by_all(spans, starts, sizes)
    return Instances(group, spans[starts], saving, sizes, whole, members)


KIND = SuggestionKind(
    name="side_by_side",
    label="sequential",
    sentence=("{calls}", "are sequential", "{parent}; could run in parallel"),
    explanation=(
        "These calls run one after another. In parallel only the longest would",
        "count. Check first that none needs another's result.",
    ),
    find=find,
    words="parallel concurrent",
)

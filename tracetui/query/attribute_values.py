"""Values of an attribute, with the number of traces that have them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tracetui.model.traces import TraceSet
from tracetui.query.complete import sample, value_texts

_MAX_SPANS = 20_000
_IDENTITIES = ("user", "customer", "account", "tenant", "session", "order", "request")


@dataclass(frozen=True, slots=True)
class ValueCount:
    """Value and the number of searched traces that have it."""

    text: str
    traces: int
    failed: int


@dataclass(frozen=True, slots=True)
class AttributeValues:
    """Values of one attribute, by number of traces."""

    found: tuple[ValueCount, ...]
    sampled: bool
    """True if only a sample of the spans was read."""


def likely_first(keys: Iterable[str]) -> list[str]:
    """Sort attribute keys: those that identify users first."""

    def rank(key: str) -> int:
        lowered = key.lower()
        for number, word in enumerate(_IDENTITIES):
            if word in lowered:
                return number
        return len(_IDENTITIES)

    return sorted(keys, key=rank)


def values_of(traces: TraceSet, key: str, among: np.ndarray) -> AttributeValues:
    """Collect the values of a key in spans of the traces `among` (int64[m]) and in their resources."""
    wanted = np.zeros(traces.trace_count, bool)
    wanted[among] = True
    pairs: set[tuple[str, int]] = set()
    every = sample(traces, len(traces) + 1)
    every = every[wanted[traces.trace[every]]]
    step = -(-len(every) // _MAX_SPANS) if len(every) else 1
    trace_of = traces.trace
    word = key.encode("utf-8", "surrogatepass")
    # other characters in a key may be escaped
    plain = key.isascii() and key.isprintable() and not set(key) & set('"\\/')
    for span in every[::step].tolist():
        raw = traces.raw_attributes(span)
        if plain and word not in raw and b"\\" not in raw:
            continue
        for text in value_texts(traces.attributes(span).get(key)):
            pairs.add((text, int(trace_of[span])))
    _add_resources(traces, key, wanted, pairs)
    failed = traces.trace_errors > 0
    counts: dict[str, list[int]] = {}
    for text, trace in pairs:
        counter = counts.setdefault(text, [0, 0])
        counter[0] += 1
        counter[1] += bool(failed[trace])
    found = sorted((ValueCount(text, *counter) for text, counter in counts.items()), key=lambda f: (-f.traces, f.text))
    return AttributeValues(tuple(found), step > 1)


def _add_resources(traces: TraceSet, key: str, wanted: np.ndarray, pairs: set[tuple[str, int]]) -> None:
    texts = [value_texts(r.codec.attributes(r.raw).get(key)) for r in traces.resources]
    having = np.array([bool(text) for text in texts], bool)
    if not having.any():
        return
    spans = np.flatnonzero(having[traces.resource] & wanted[traces.trace])
    made = np.unique(np.stack((traces.trace[spans], traces.resource[spans])), axis=1)
    for trace, resource in made.T.tolist():
        pairs.update((text, trace) for text in texts[resource])

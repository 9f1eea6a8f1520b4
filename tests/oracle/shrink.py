"""Reduction of documents to the smallest that still show a difference."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

Documents = list[Any]


def signature(line: str) -> tuple[str, str]:
    """Return topic and figure of a line of `compare.differences`, without its names and values."""
    before = line.split(": expected")[0].split(": not expected")[0]
    figure = before.split()[-1]
    return before.split(":")[0], figure if figure.isidentifier() else "row"


def shrink(documents: Documents, differs: Callable[[Documents], bool]) -> Documents:
    """Remove spans, then their parts, as long as the documents still differ."""
    best = documents
    changed = True
    while changed:
        changed = False
        for cut in cuts(best):
            smaller = copy.deepcopy(best)
            if not cut(smaller):
                continue
            smaller = tidy(smaller)
            if differs(smaller):
                best, changed = smaller, True
                break
    return best


Cut = Callable[[Documents], bool]


def cuts(documents: Documents) -> Iterator[Cut]:
    """Yield every possible removal, the largest first."""
    for number in range(len(documents) if len(documents) > 1 else 0):
        yield lambda found, number=number: bool(found.pop(number))
    spans = list(all_spans(documents))
    for trace in dict.fromkeys(trace_of(span) for span in spans):
        yield lambda found, trace=trace: without(found, lambda _, gone: trace_of(gone) == trace)
    size = len(spans) // 2
    while size >= 1:
        for start in range(0, len(spans), size):
            inside = range(start, start + size)
            yield lambda found, inside=inside: without(found, lambda place, _: place in inside)
        size //= 2
    for number, span in enumerate(spans):
        for key in ("events", "links", "logs", "status", "kind"):
            if span.get(key):
                yield lambda found, number=number, key=key: bool(nth(found, number).pop(key))
        for key in ("attributes", "tags", "references"):
            for place in range(len(span.get(key) or [])):
                yield lambda found, number=number, key=key, place=place: bool(nth(found, number)[key].pop(place))


def all_spans(documents: Documents) -> Iterator[Any]:
    for spans in span_lists(documents):
        yield from spans


def span_lists(documents: Documents) -> Iterator[list[Any]]:
    for document in documents:
        for group in document.get("resourceSpans", []):
            for scope in group["scopeSpans"]:
                yield scope["spans"]
        for trace in document.get("data", []):
            yield trace["spans"]


def nth(documents: Documents, number: int) -> Any:
    return list(all_spans(documents))[number]


def trace_of(span: Any) -> str:
    return str(span.get("traceId") or span.get("traceID"))


def without(documents: Documents, drop: Callable[[int, Any], bool]) -> bool:
    """Remove spans in place. -> True if some were removed and some are left"""
    number = gone = 0
    for spans in span_lists(documents):
        kept = []
        for span in spans:
            if drop(number, span):
                gone += 1
            else:
                kept.append(span)
            number += 1
        spans[:] = kept
    return 0 < gone < number


def tidy(documents: Documents) -> Documents:
    """Remove groups without spans."""
    for document in documents:
        if "resourceSpans" in document:
            document["resourceSpans"] = [
                group for group in document["resourceSpans"] if any(scope["spans"] for scope in group["scopeSpans"])
            ]
        else:
            document["data"] = [trace for trace in document["data"] if trace["spans"]]
    return [document for document in documents if any(document.values())]

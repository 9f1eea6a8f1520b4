"""Reduction of documents to the smallest that still show a difference."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
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
        yield partial(remove_document, number)
    spans = list(all_spans(documents))
    for trace in dict.fromkeys(trace_of(span) for span in spans):
        yield partial(without, drop=partial(is_of_trace, trace))
    size = len(spans) // 2
    while size >= 1:
        for start in range(0, len(spans), size):
            yield partial(without, drop=partial(is_within, range(start, start + size)))
        size //= 2
    for number, span in enumerate(spans):
        for key in ("events", "links", "logs", "status", "kind"):
            if span.get(key):
                yield partial(remove_field, number, key)
        for key in ("attributes", "tags", "references"):
            for position in range(len(span.get(key) or [])):
                yield partial(remove_element, number, key, position)


def remove_document(number: int, documents: Documents) -> bool:
    return bool(documents.pop(number))


def remove_field(number: int, key: str, documents: Documents) -> bool:
    return bool(nth(documents, number).pop(key))


def remove_element(number: int, key: str, position: int, documents: Documents) -> bool:
    return bool(nth(documents, number)[key].pop(position))


def is_of_trace(trace: str, _: int, span: Any) -> bool:
    return trace_of(span) == trace


def is_within(positions: range, position: int, _: Any) -> bool:
    return position in positions


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

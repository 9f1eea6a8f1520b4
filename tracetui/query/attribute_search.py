"""Search for spans whose attribute meets a condition, decoding as few spans as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tracetui.model.span import Value
from tracetui.model.span_bytes import SpanBytes
from tracetui.model.traces import TraceSet
from tracetui.query.fields import Attribute, Scope
from tracetui.query.literals import Literal, value_test

_BYTES_PER_READ = 1024
"""Bytes that can be searched in the time of reading one span."""

_TO_THE_END = 1 << 62


@dataclass(slots=True)
class _AttributeTest:
    """Test of an attribute's value, with the results for resources.

    of_resource: bool[resources], those that meet it. examined: bool[resources], those tested so far.
    """

    test: Callable[[Value], bool]
    of_resource: np.ndarray
    examined: np.ndarray


class AttributeScan:
    """Searches the spans of one trace set by attributes, and caches the positions of texts."""

    def __init__(self, traces: TraceSet) -> None:
        self._traces = traces
        self._decoders = [resource.codec.attributes for resource in traces.resources]
        self._bytes = sum(map(len, _pieces(traces.span_bytes)))
        self._decoded_count = 0
        self._positions: dict[bytes, np.ndarray] = {}
        self._tests: dict[tuple[str, str, Literal | None], _AttributeTest] = {}

    def holds(self, attribute: Attribute, operation: str, value: Literal | None, spans: np.ndarray) -> np.ndarray:
        """Test which spans have the attribute with a value that meets the test: int64[m], ascending -> bool[m].

        A codec can only read keys that occur in the raw bytes of a span, literally or with backslash escapes.
        """
        traces, key = self._traces, attribute.key
        attribute_test = self._attribute_test(key, operation, value)
        test = attribute_test.test
        held: np.ndarray = np.zeros(len(spans), bool)
        words = [key]
        if attribute.scope in (Scope.ANY, Scope.RESOURCE):
            of_resource = self._resources_hold(key, attribute_test, spans)
            held = of_resource[traces.resource[spans]]
            if attribute.scope is Scope.RESOURCE:
                return held
        if value is not None and _has_single_spelling(operation, value) and not held.any():
            words.append(value.text)
        decoders = self._decoders
        if attribute.scope is not Scope.EVENT:
            for i, resource, raw in self._raws(words, spans, traces.raw_at, traces.attribute_bytes):
                attributes = decoders[resource](raw)
                if key in attributes:
                    held[i] = test(attributes[key])
        if attribute.scope is not Scope.SPAN:
            for i, resource, raw in self._raws(
                words, spans, traces.raw_at + traces.attribute_bytes, traces.event_bytes
            ):
                events = traces.resources[resource].codec.events(raw)
                held[i] |= any(test(event.attributes[key]) for event in events if key in event.attributes)
        return held

    def values(self, key: str, spans: np.ndarray) -> Iterator[tuple[int, Value]]:
        """Yield position within `spans` (int64[m], ascending) and value of the spans that have an attribute."""
        traces = self._traces
        for i, resource, raw in self._raws([key], spans, traces.raw_at, traces.attribute_bytes):
            attributes = self._decoders[resource](raw)
            if key in attributes:
                yield i, attributes[key]

    def _raws(
        self, words: list[str], spans: np.ndarray, at: np.ndarray, sizes: np.ndarray
    ) -> Iterator[tuple[int, int, bytes]]:
        """Yield position within `spans`, resource and raw part of the spans whose part may contain all the texts.

        at, sizes: position and size in bytes of the parts of all spans.
        """
        traces = self._traces
        candidates = self._candidates(words, at[spans], sizes[spans])
        chosen = spans[candidates]
        columns = (candidates, traces.resource[chosen], at[chosen], sizes[chosen])
        for i, resource, begin, size in zip(*(column.tolist() for column in columns), strict=True):
            yield i, resource, traces.span_bytes.read(begin, size)

    def _attribute_test(self, key: str, operation: str, value: Literal | None) -> _AttributeTest:
        attribute_test = self._tests.get((key, operation, value))
        if attribute_test is None:
            test = _cached(value_test(operation, value))
            attribute_test = _AttributeTest(test, *np.zeros((2, len(self._traces.resources)), bool))
            self._tests[key, operation, value] = attribute_test
        return attribute_test

    def _resources_hold(self, key: str, attribute_test: _AttributeTest, spans: np.ndarray) -> np.ndarray:
        """Test the resources: bool[resources]. Resources of none of the spans may be skipped, and are False."""
        traces = self._traces
        needed = np.bincount(traces.resource[spans], minlength=len(traces.resources)) > 0
        for number in np.flatnonzero(needed & ~attribute_test.examined).tolist():
            attributes = self._decoders[number](traces.resources[number].raw)
            attribute_test.of_resource[number] = key in attributes and attribute_test.test(attributes[key])
        attribute_test.examined |= needed
        return attribute_test.of_resource

    def _candidates(self, texts: list[str], at: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Find the raw parts that may contain all the texts. -> int64, positions, ascending"""
        candidates: np.ndarray = np.flatnonzero(sizes > 0)
        # other text can be encoded in several ways without a backslash, or may be repaired when it is decoded
        words = [text.encode() for text in texts if text and text.isascii() and text.isprintable() and "\\" not in text]
        if not words:
            return candidates
        self._decoded_count += len(candidates)
        if self._decoded_count * _BYTES_PER_READ < self._bytes:
            raws = map(self._traces.span_bytes.read, at[candidates].tolist(), sizes[candidates].tolist())
            kept = [all(word in raw for word in words) or b"\\" in raw for raw in raws]
            candidates = candidates[np.array(kept, bool)]
        else:
            begin = at[candidates]
            end = begin + sizes[candidates]
            maybe = np.ones(len(candidates), bool)
            for word in words:
                maybe &= _any_between(self._positions_of(word), begin, end - len(word))
            if not maybe.all():
                maybe |= _any_between(self._positions_of(b"\\"), begin, end - 1)
            candidates = candidates[maybe]
        return candidates

    def _positions_of(self, word: bytes) -> np.ndarray:
        positions = self._positions.get(word)
        if positions is None:
            positions = self._positions[word] = _positions(self._traces.span_bytes, word)
        return positions


def _cached(test: Callable[[Value], bool]) -> Callable[[Value], bool]:
    """Wrap a test in a cache of its results for texts."""
    results: dict[str, bool] = {}

    def cached(value: Value) -> bool:
        if not isinstance(value, str):
            return test(value)
        result = results.get(value)
        if result is None:
            result = results[value] = test(value)
        return result

    return cached


def _has_single_spelling(operation: str, value: Literal) -> bool:
    """Test whether equal values always have the same text; numbers and booleans have several spellings."""
    return operation == "=" and value.number is None and not value.is_truth


def _any_between(positions: np.ndarray, begin: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Test whether any of these positions is within `begin` to `last`, inclusive: int64[k], ascending -> bool[m]."""
    found: np.ndarray = np.searchsorted(positions, last, "right") > np.searchsorted(positions, begin, "left")
    return found


def _pieces(span_bytes: SpanBytes) -> Iterator[bytes]:
    return (span_bytes.read(start, _TO_THE_END) for start in span_bytes.starts)


def _positions(span_bytes: SpanBytes, word: bytes) -> np.ndarray:
    """Find the positions of a word in the bytes of all spans: int64[k], ascending."""
    found = [np.zeros(0, np.int64)]
    for start, piece in zip(span_bytes.starts, _pieces(span_bytes), strict=True):
        if len(word) == 1 and word in piece:
            found.append(np.flatnonzero(np.frombuffer(piece, np.uint8) == word[0]) + start)
            continue
        positions: list[int] = []
        at = piece.find(word)
        while at >= 0:
            positions.append(at)
            at = piece.find(word, at + 1)
        found.append(np.array(positions, np.int64) + start)
    return np.concatenate(found)

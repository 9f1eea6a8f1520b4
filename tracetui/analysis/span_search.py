"""Full-text search of spans, without decoding those that cannot match.

A word is searched, ignoring case, in service, operation, status message, the attributes of span and resource as
`key=value`, events, log records and links with their attributes, and in ids: a full span id, or the beginning of a span
or trace id of at least `ID_PREFIX` hex digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from tracetui.analysis.raw_needles import ESCAPE, ESCAPED, binary_needles, capitals, needles, raw_test
from tracetui.model.ids import SPAN_DIGITS, canonical_trace_id, is_hex
from tracetui.model.span import Attributes, Value
from tracetui.model.traces import TraceSet

SEARCHED: Final = "services, operations, status messages, attributes, events, logs, links and ids"
"""Description of what is searched, for messages."""
ID_PREFIX: Final = 6
"""Smallest number of hex digits of a word to search as the beginning of an id; shorter ones are found by chance."""
_SPANS_PER_CHECK: Final = 2_048
"""Spans decoded between two checks of `stopped`."""
_SPANS_AT_ONCE: Final = 1 << 17
"""Spans whose bytes are searched between two checks of `stopped`."""
_MAX_PARTS: Final = 10_000
"""Largest number of parts of one value that are searched."""


class SearchStoppedError(Exception):
    """The search was stopped."""


class WordSearch:
    """Search of one trace set for a word.

    Methods raise SearchStoppedError as soon as `stopped` returns true.
    """

    def __init__(self, traces: TraceSet, word: str, stopped: Callable[[], bool] = lambda: False) -> None:
        self._traces = traces
        self._word = word.lower()
        self._stopped = stopped
        self._examined_resources = np.zeros(len(traces.resources), bool)
        self._of_resource = np.zeros(len(traces.resources), bool)

    @cached_property
    def by_trace_id(self) -> np.ndarray:
        """bool[traces], true for traces whose id begins with the word."""
        sought, ids = self._word, self._traces.trace_ids
        if not self._may_be_id:
            return np.zeros(len(ids), bool)
        # an id of 64 bits may be written with leading zeros
        return np.array(
            [
                text.lower().startswith(sought) or canonical_trace_id(text).lstrip("0").startswith(sought)
                for text in ids
            ],
            bool,
        )

    def matches(self, spans: np.ndarray) -> np.ndarray:
        """Test which spans contain the word: int64[m], ascending -> bool[m]."""
        found = self._without_decoding(spans)
        for i in self._candidates(spans, found):
            found[i] = self._decoded_contains(int(spans[i]))
        return found

    def traces_of(self, spans: np.ndarray) -> np.ndarray:
        """Find the traces of which one of these spans contains the word: int64[m], ascending -> bool[traces].

        Of each trace only as many spans are decoded as are needed to find the first match.
        """
        trace = self._traces.trace
        found = np.zeros(self._traces.trace_count, bool)
        without = self._without_decoding(spans)
        found[trace[spans[without]]] = True
        for i in self._candidates(spans, found[trace[spans]]):
            span = int(spans[i])
            number = trace[span]
            if not found[number]:
                found[number] = self._decoded_contains(span)
        return found

    def first_match(self, spans: np.ndarray) -> int | None:
        """Find the first of these spans that contains the word, decoding only as many as needed; None for none."""
        without = np.flatnonzero(self._without_decoding(spans))
        if len(without):
            return int(spans[without[0]])
        nothing = np.zeros(len(spans), bool)
        return next(
            (int(spans[i]) for i in self._candidates(spans, nothing) if self._decoded_contains(int(spans[i]))), None
        )

    @property
    def _may_be_id(self) -> bool:
        return len(self._word) >= ID_PREFIX and is_hex(self._word)

    def _without_decoding(self, spans: np.ndarray) -> np.ndarray:
        """Test what is in columns and tables, resources and log records: bool[m]."""
        traces, sought = self._traces, self._word
        if not sought:
            return np.zeros(len(spans), bool)
        names, services, messages = self._of_tables
        found: np.ndarray = names[traces.name[spans]]
        found |= services[traces.service[spans]]
        found |= messages[traces.message[spans]]
        found |= self._resources_hold(spans)[traces.resource[spans]]
        if self._may_be_id and len(sought) <= SPAN_DIGITS:
            key = traces.key[spans]
            found |= (key >= np.uint64(int(sought.ljust(SPAN_DIGITS, "0"), 16))) & (
                key <= np.uint64(int(sought.ljust(SPAN_DIGITS, "f"), 16))
            )
            unusual = [span for span, text in traces.odd_ids.items() if text.lower().startswith(sought)]
            found |= np.isin(spans, unusual)
        self._find_logs(spans, found)
        return found

    @cached_property
    def _of_tables(self) -> tuple[np.ndarray, ...]:
        """bool[names], bool[services], bool[messages], true for texts that contain the word."""
        traces = self._traces
        return tuple(_holding(texts, self._word) for texts in (traces.names, traces.services, traces.messages))

    def _resources_hold(self, spans: np.ndarray) -> np.ndarray:
        """Test the resources: bool[resources]. Resources of none of the spans may be skipped, and are False."""
        traces = self._traces
        needed = np.bincount(traces.resource[spans], minlength=len(traces.resources)) > 0
        for number in np.flatnonzero(needed & ~self._examined_resources).tolist():
            resource = traces.resources[number]
            self._of_resource[number] = _contains(resource.codec.attributes(resource.raw), self._word)
        self._examined_resources |= needed
        return self._of_resource

    def _find_logs(self, spans: np.ndarray, found: np.ndarray) -> None:
        """Mark the spans that have a log record containing the word."""
        lines = self._traces.log_lines
        if not len(lines) or not len(spans):
            return
        may_hold = raw_test(self._word)
        rows = lines.rows(int(spans[0]), int(spans[-1]) + 1)
        at = np.searchsorted(spans, lines.span[rows.start : rows.stop])
        for number, (row, i, span) in enumerate(
            zip(rows, at.tolist(), lines.span[rows.start : rows.stop].tolist(), strict=True)
        ):
            if number % _SPANS_PER_CHECK == 0:
                self._check_stopped()
            if i < len(spans) and spans[i] == span and not found[i] and may_hold(lines.content(row)):
                line = lines.event(row)
                found[i] = self._word in line.name.lower() or _contains(line.attributes, self._word)

    def _candidates(self, spans: np.ndarray, found: np.ndarray) -> Iterator[int]:
        """Yield the positions in `spans` that may match and are not in the mask `found`, ascending."""
        self._check_stopped()
        if not self._word:
            return
        examined = 0
        for first in range(0, len(spans), _SPANS_AT_ONCE):
            for i in self._with_bytes(spans, np.flatnonzero(~found[first : first + _SPANS_AT_ONCE]) + first):
                if examined % _SPANS_PER_CHECK == 0:
                    self._check_stopped()
                examined += 1
                yield i
            self._check_stopped()

    def _with_bytes(self, spans: np.ndarray, among: np.ndarray) -> list[int]:
        """Select the positions in `spans` whose raw bytes may contain the word: int64[k] -> positions, ascending."""
        traces = self._traces
        chosen = spans[among]
        at = traces.raw_at[chosen]
        links = traces.link_bytes[chosen]
        sizes = traces.attribute_bytes[chosen] + traces.event_bytes[chosen] + links
        maybe = sizes > 0
        sought = needles(self._word)
        if sought:
            span_bytes = traces.span_bytes
            literal = np.zeros(len(chosen), bool)
            for needle in sought:
                literal |= self._holding(needle, at, sizes)
            if self._word.isascii():
                escapes = np.flatnonzero(span_bytes.holding(ESCAPE, at, sizes) & ~literal)
                escaped = span_bytes.read_each(at[escapes], sizes[escapes])
                literal[escapes] = [ESCAPED.search(raw) is not None for raw in escaped]
            literal |= self._with_binary_numbers(chosen, at, sizes)
            if self._may_be_id:
                # ids may be binary
                literal |= links > 0
            maybe &= literal
        candidates: list[int] = among[maybe].tolist()
        return candidates

    def _with_binary_numbers(self, spans: np.ndarray, at: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Test for raw bytes that may contain the word with a number that is not text: int64[k] -> bool[k]."""
        sought = binary_needles(self._word)
        if sought is None or self._is_text.all():
            return np.zeros(len(spans), bool)
        found: np.ndarray = ~self._is_text[self._traces.resource[spans]]
        for needle in sought:
            found &= self._holding(needle, at, sizes)
        return found

    def _holding(self, needle: bytes, at: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Test which sections of bytes contain a needle, whatever the case: int64[k] -> bool[k]."""
        span_bytes = self._traces.span_bytes
        found = span_bytes.holding(needle, at, sizes, ignore_case=True)
        if needle.isascii() and b"\\" not in needle:
            for capital in capitals(needle):
                found |= span_bytes.holding(capital, at, sizes)
        return found

    @cached_property
    def _is_text(self) -> np.ndarray:
        """bool[resources], true if the raw bytes contain numbers as text."""
        return np.array([resource.codec.is_text for resource in self._traces.resources], bool)

    def _decoded_contains(self, span: int) -> bool:
        traces, sought = self._traces, self._word
        if _contains(traces.attributes(span), sought):
            return True
        if traces.event_bytes[span] and any(
            sought in event.name.lower() or _contains(event.attributes, sought) for event in traces.own_events(span)
        ):
            return True
        return bool(traces.link_bytes[span]) and any(
            _contains(link.attributes, sought)
            or (self._may_be_id and any(text.lower().startswith(sought) for text in (link.trace_id, link.span_id)))
            for link in traces.links(span)
        )

    def _check_stopped(self) -> None:
        if self._stopped():
            raise SearchStoppedError


def find_spans(
    traces: TraceSet, first: int, stop: int, word: str, stopped: Callable[[], bool] = lambda: False
) -> np.ndarray | None:
    """Search the spans `first:stop` for a word, as the module describes: bool[stop - first].

    None if `stopped` becomes true meanwhile.
    """
    try:
        return WordSearch(traces, word, stopped).matches(np.arange(first, stop))
    except SearchStoppedError:
        return None


def _holding(texts: list[str], sought: str) -> np.ndarray:
    """bool[texts]"""
    return np.array([sought in text.lower() for text in texts], bool)


def _contains(attributes: Attributes, sought: str) -> bool:
    for key, value in attributes.items():
        name = f"{key}="
        if sought in name.lower() or any(sought in (name + text).lower() for text in value_parts(value)):
            return True
    return False


def value_parts(value: Value) -> Iterable[str]:
    """Yield the texts of a value and of all values within it."""
    waiting: list[Value] = [value]
    for _ in range(_MAX_PARTS):
        if not waiting:
            return
        part = waiting.pop()
        if isinstance(part, dict):
            for key, inner in part.items():
                yield str(key)
                waiting.append(inner)
        elif isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, bool):
            yield "true" if part else "false"
        elif part is not None and not isinstance(part, bytes):
            yield str(part)


class MatchingField(NamedTuple):
    """Field that contains a word, its value, and the span that has it; for the trace id the main root."""

    field: str
    value: str
    span: int


def find_match(traces: TraceSet, trace: int, word: str) -> MatchingField | None:
    """Find a part of a trace that contains a word, as `span_search` defines it; None for none."""
    sought, trace_id = word.lower(), traces.trace_ids[trace]
    search = WordSearch(traces, word)
    span = search.first_match(np.asarray(traces.spans_of(trace)))
    if span is None:
        is_id = any(text.startswith(sought) for text in (trace_id.lower(), canonical_trace_id(trace_id).lstrip("0")))
        return MatchingField("trace id", trace_id, int(traces.main_root[trace])) if is_id else None
    for field, value in _parts(traces, span):
        if sought in value.lower() or sought in f"{field}={value}".lower():
            return MatchingField(field, value, span)
    return MatchingField("span id", traces.span_id(span), span)


def _parts(traces: TraceSet, span: int) -> Iterator[tuple[str, str]]:
    """Yield the searched parts of a span as field and value, those that are read first."""
    one = traces.span(span)
    yield "service", one.service
    yield "operation", one.name
    yield "status message", one.status_message
    yield from _attributes(one.attributes)
    yield from _attributes(one.resource)
    for event in one.events:
        yield "log" if event.is_log else "event", event.name
        yield from _attributes(event.attributes)
    for link in one.links:
        yield from _attributes(link.attributes)
        yield "link", link.trace_id
        yield "link", link.span_id


def _attributes(attributes: Attributes) -> Iterator[tuple[str, str]]:
    for key, value in attributes.items():
        # the name of an empty value counts, too
        yield from ((key, part) for part in [*value_parts(value)] or [""])

"""Evaluation of a query over whole columns.

Cheap conditions are tested first, and each only on the traces or spans that the others left undecided. Everywhere `at`
stands for the positions to test, int64[m], ascending, and the result is bool[m].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tracetui.analysis.name_matching import spelled_as_in
from tracetui.analysis.span_search import WordSearch
from tracetui.model.ids import span_key
from tracetui.model.times import find_clock, find_duration, find_time, latest_at_clock
from tracetui.model.traces import TraceSet
from tracetui.query.attribute_search import AttributeScan
from tracetui.query.fields import Attribute, Field, FieldColumn, SpanValues, TextColumn, Type
from tracetui.query.literals import Literal, find_number, text_test
from tracetui.query.predicates import And, AnySpan, Descendants, Not, Or, Predicate, Test, Word, decodes

_NAMES: Final = ("service", "operation", "caller", "root.service", "root.operation", "trace.name")
"""Fields whose values Zipkin stores in lower case."""
_WAVES = ((0, 1), (1, 4), (4, 16))
"""Order in which 16 successive spans are sampled."""
_MANY_SPANS = 10_000
_MIN_DIVIDED_SPANS = 1 << 17
"""Number of spans from which a set is searched in parts; smaller sets take no noticeable time."""
_FIRST_PART, _LARGEST_PART = 1 << 13, 1 << 18
"""Numbers of spans in the first and in the largest part; each part is twice as large as the one before."""


def matching_traces(root: Predicate, traces: TraceSet, among: np.ndarray | None = None) -> np.ndarray:
    """Find the traces that meet the query, within the mask `among` if given: bool[traces]."""
    candidates = np.arange(traces.trace_count) if among is None else np.flatnonzero(among)
    matched = np.zeros(traces.trace_count, bool)
    matched[candidates] = _Evaluation(traces).of_traces(root, candidates)
    return matched


def matching_traces_in_parts(
    root: Predicate, traces: TraceSet, stopped: Callable[[], bool] = lambda: False
) -> Iterator[tuple[int, np.ndarray]]:
    """Search the traces in order, in parts that grow, if spans have to be decoded.

    Yields the number of traces searched so far, and the positions of those of the last part that meet the query:
    int64[k], ascending. Raises SearchStoppedError once `stopped` returns true.
    """
    evaluation, first, size = _Evaluation(traces, stopped), 0, _FIRST_PART
    if not decodes(root) or len(traces) < _MIN_DIVIDED_SPANS:
        size = max(len(traces), 1)
    while first < traces.trace_count:
        until = int(np.searchsorted(traces.first, traces.first[first] + size, "right")) - 1
        part = np.arange(first, max(until, first + 1))
        yield first + len(part), part[evaluation.of_traces(root, part)]
        first, size = first + len(part), min(2 * size, _LARGEST_PART)


def matching_spans(root: Predicate, traces: TraceSet) -> np.ndarray:
    """Find the spans of matching traces that meet a condition on spans which is not negated: bool[n]."""
    matched = np.zeros(len(traces), bool)
    spans = np.flatnonzero(matching_traces(root, traces)[traces.trace])
    evaluation = _Evaluation(traces)
    for part in _span_conditions(root):
        matched[spans] |= evaluation.of_spans(part, spans)
    return matched


def _span_conditions(node: Predicate) -> list[Predicate]:
    match node:
        case AnySpan(part=part):
            return [part]
        case Descendants() | Word():
            return [node]
        case And(parts=parts) | Or(parts=parts):
            return [shown for part in parts for shown in _span_conditions(part)]
        case _:
            return []


class _Evaluation:
    """Evaluation of predicates on one trace set, with a cache of columns."""

    def __init__(self, traces: TraceSet, stopped: Callable[[], bool] = lambda: False) -> None:
        self.traces = traces
        self._stopped = stopped
        self._columns: dict[str, FieldColumn] = {}
        self._other_columns: dict[str, TextColumn] = {}
        self._attributes = AttributeScan(traces)
        self._words: dict[str, WordSearch] = {}

    def of_traces(self, node: Predicate, at: np.ndarray) -> np.ndarray:
        """Test which traces meet a predicate."""
        match node:
            case AnySpan(part=part):
                met: np.ndarray = self.with_a_span(part, self.spans_of(at))[at]
                return met
            case Descendants():
                spans = self.spans_of(at)
                found = np.zeros(self.traces.trace_count, bool)
                found[self.traces.trace[spans[self.of_spans(node, spans)]]] = True
                below: np.ndarray = found[at]
                return below
            case Word(text=text):
                word = self.word(text)
                left = at[~word.by_trace_id[at]]
                of_word: np.ndarray = (word.by_trace_id | word.traces_of(self.spans_of(left)))[at]
                return of_word
            case Test():
                return self.test(node, at)
            case _:
                return _combine(node, at, self.of_traces)

    def with_a_span(self, part: Predicate, spans: np.ndarray) -> np.ndarray:
        """Find the traces in which one of these spans meets the part: bool[traces]."""
        trace = self.traces.trace
        found = np.zeros(self.traces.trace_count, bool)
        # one matching span decides a trace, so decode only a few spans per trace at a time
        turn = np.arange(len(spans)) % 16
        for low, high in _WAVES if decodes(part) and len(spans) > _MANY_SPANS else [(0, 16)]:
            candidates = spans[(turn >= low) & (turn < high)]
            candidates = candidates[~found[trace[candidates]]]
            found[trace[candidates[self.of_spans(part, candidates)]]] = True
        return found

    def of_spans(self, node: Predicate, at: np.ndarray) -> np.ndarray:
        """Test which spans meet a predicate."""
        match node:
            case Test(field=Field(of_traces=True)):
                of_traces = self.test(node, np.arange(self.traces.trace_count))
                of_spans: np.ndarray = of_traces[self.traces.trace[at]]
                return of_spans
            case Test():
                return self.test(node, at)
            case Word(text=text):
                return self.word(text).matches(at)
            case Descendants(parts=parts):
                return self.below(parts, at)
            case _:
                return _combine(node, at, self.of_spans)

    def word(self, text: str) -> WordSearch:
        search = self._words.get(text)
        if search is None:
            search = self._words[text] = WordSearch(self.traces, text, self._stopped)
        return search

    def below(self, parts: Sequence[Predicate], at: np.ndarray) -> np.ndarray:
        """Find the spans that meet the last part, below one that meets the previous part, and so on: bool[m]."""
        left = np.arange(len(at))
        for number, part in enumerate(parts):
            left = left[self.of_spans(part, at[left])]
            if number < len(parts) - 1:
                # add one at the start of each subtree, and subtract it at the end
                step = np.zeros(len(self.traces) + 1, np.int32)
                above = at[left]
                step[above + 1] += 1
                np.subtract.at(step, self.traces.subtree_end[above], 1)
                left = np.flatnonzero(np.cumsum(step)[at] > 0)
        met = np.zeros(len(at), bool)
        met[left] = True
        return met

    def spans_of(self, at: np.ndarray) -> np.ndarray:
        """List the positions of the spans of these traces: int64."""
        traces = self.traces
        if not len(at):
            return np.zeros(0, np.int64)
        if len(at) == at[-1] - at[0] + 1:
            return np.arange(traces.first[at[0]], traces.first[at[-1] + 1])
        candidates = np.zeros(traces.trace_count, bool)
        candidates[at] = True
        return np.flatnonzero(candidates[traces.trace])

    def test(self, test: Test, at: np.ndarray) -> np.ndarray:
        field, operation, value = test.field, test.operation, test.value
        if isinstance(field, Attribute):
            return self._attributes.holds(field, operation, value, at)
        if field.type is Type.ID and value is not None:
            return self.trace_id(operation, value, at) if field.of_traces else self.span_id(operation, value, at)
        column = self.column(field)
        if isinstance(column, TextColumn):
            if value is not None and field.name in _NAMES and value.text != value.text.lower():
                tables = [column.texts, *([self.other_column(field).texts] if field.read_also is not None else [])]
                test = replace(test, value=_spelled_as_in(value, tables))
            met = _texts_hold(column, test, at)
            if field.read_also is None or self.traces.exact_names:
                return met
            also = _texts_hold(self.other_column(field), test, at)
            either: np.ndarray = met & also if operation in ("!=", "!~") else met | also
            return either
        if isinstance(column, SpanValues):
            return _values_hold(column, test, at)
        if value is None:
            present: np.ndarray = column[at].astype(bool)
            return present
        read = {Type.DURATION: find_duration, Type.TIME: self.moment}.get(field.type, find_number)
        number = read(value.text)
        assert number is not None
        compare = {"=": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater}
        found: np.ndarray = compare.get(operation, np.greater_equal)(column[at], number)
        return found

    def moment(self, text: str) -> int | None:
        """Read a time; a time of day belongs to the day of the traces."""
        clock = find_clock(text)
        if clock is None:
            return find_time(text)
        starts = self.traces.trace_start
        return latest_at_clock(
            clock, int(starts.min(initial=0 if not len(starts) else starts[0])), int(starts.max(initial=0))
        )

    def column(self, field: Field) -> FieldColumn:
        column = self._columns.get(field.name)
        if column is None:
            assert field.read is not None
            column = self._columns[field.name] = field.read(self.traces)
        return column

    def other_column(self, field: Field) -> TextColumn:
        column = self._other_columns.get(field.name)
        if column is None:
            assert field.read_also is not None
            column = self._other_columns[field.name] = field.read_also(self.traces)
        return column

    def trace_id(self, operation: str, value: Literal, at: np.ndarray) -> np.ndarray:
        if value.pattern is not None:
            holds = text_test(operation, value)
            return np.array([holds(self.traces.trace_ids[trace]) for trace in at.tolist()], bool)
        found = self.traces.find_trace(value.text)
        equal: np.ndarray = at == (-1 if found is None else found)
        return ~equal if operation == "!=" else equal

    def span_id(self, operation: str, value: Literal, at: np.ndarray) -> np.ndarray:
        if value.pattern is not None:
            holds = text_test(operation, value)
            return np.array([holds(self.traces.span_id(span)) for span in at.tolist()], bool)
        equal: np.ndarray = self.traces.key[at] == np.uint64(span_key(value.text))
        return ~equal if operation == "!=" else equal


def _combine(node: Predicate, at: np.ndarray, evaluate: Callable[[Predicate, np.ndarray], np.ndarray]) -> np.ndarray:
    match node:
        case Not(part=part):
            return ~evaluate(part, at)
        case And(parts=parts):
            return _all_hold(parts, at, evaluate)
        case Or(parts=parts):
            # a disjunction holds unless all parts fail
            return ~_all_hold(parts, at, lambda part, left: ~evaluate(part, left))
        case _:
            raise TypeError(node)


def _all_hold(
    parts: Sequence[Predicate], at: np.ndarray, evaluate: Callable[[Predicate, np.ndarray], np.ndarray]
) -> np.ndarray:
    left = np.arange(len(at))
    for part in parts:
        if not len(left):
            break
        left = left[evaluate(part, at[left])]
    met = np.zeros(len(at), bool)
    met[left] = True
    return met


def _spelled_as_in(value: Literal, tables: Sequence[Sequence[str]]) -> Literal:
    """Return the value, in lower case if the tables are."""
    if value.pattern is None:
        return replace(value, text=spelled_as_in(value.text, *tables))
    if any(text != text.lower() for table in tables for text in table):
        return value
    return replace(value, pattern=value.pattern.ignoring_case())


def _values_hold(column: SpanValues, test: Test, at: np.ndarray) -> np.ndarray:
    holds = text_test(test.operation, test.value) if test.value is not None else lambda _: True
    found: np.ndarray = column.present[at]
    for i in np.flatnonzero(found).tolist():
        found[i] = any(map(holds, column.texts(int(at[i]))))
    return found


def _texts_hold(column: TextColumn, test: Test, at: np.ndarray) -> np.ndarray:
    holds = text_test(test.operation, test.value) if test.value is not None else lambda _: True
    of_codes = np.fromiter(map(holds, column.texts), bool, len(column.texts))
    named = isinstance(test.field, Field) and test.field.type is Type.CHOICE
    if column.absent is not None and not (named and test.value is not None):
        of_codes[column.absent] = False
    found: np.ndarray = of_codes[column.codes[at]]
    return found

"""One value of an attribute for each trace, as a column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tracetui.model.span import Value
from tracetui.model.traces import TraceSet
from tracetui.query.attribute_search import AttributeScan
from tracetui.query.complete import value_texts
from tracetui.query.literals import find_number


@dataclass(frozen=True, eq=False)
class AttributeColumn:
    """Values of an attribute by trace: that of the main root, else of the first span or resource that has one."""

    key: str
    code: np.ndarray
    """int32[traces] into `texts`; -1 for none."""
    texts: list[str]
    """Distinct values, from outside."""

    @cached_property
    def ranks(self) -> np.ndarray:
        """int64[traces], in the order of the values: numbers before texts, and 0 for none."""
        numbers = [find_number(text) for text in self.texts]
        order = sorted(
            range(len(self.texts)),
            key=lambda i: (numbers[i] is None, numbers[i] or 0, self.texts[i].casefold(), self.texts[i]),
        )
        rank = np.zeros(len(self.texts) + 1, np.int64)
        rank[order] = np.arange(1, len(order) + 1)
        ranks: np.ndarray = rank[self.code]
        return ranks


def attribute_column(traces: TraceSet, key: str) -> AttributeColumn:
    """Collect the value of a key for each trace."""
    column = _Collector(traces)
    scan = AttributeScan(traces)
    column.take(scan.values(key, traces.main_root), traces.main_root)
    of_resource = [column.number_of(resource.codec.attributes(resource.raw).get(key)) for resource in traces.resources]
    resources = np.array(of_resource, np.int32)
    roots = resources[traces.resource[traces.main_root]] if len(resources) else column.code
    column.code = np.where(column.code < 0, roots, column.code).astype(np.int32)
    left = np.flatnonzero(column.code[traces.trace] < 0)
    column.take(scan.values(key, left), left)
    if (resources >= 0).any():
        having = np.flatnonzero(resources[traces.resource] >= 0)[::-1]
        first = np.full(traces.trace_count, -1, np.int32)
        # of several spans, the first is written last
        first[traces.trace[having]] = resources[traces.resource[having]]
        column.code = np.where(column.code < 0, first, column.code).astype(np.int32)
    return AttributeColumn(key, column.code, list(column.numbers))


class _Collector:
    def __init__(self, traces: TraceSet) -> None:
        self._trace = traces.trace
        self.code = np.full(traces.trace_count, -1, np.int32)
        self.numbers: dict[str, int] = {}

    def number_of(self, value: Value) -> int:
        """Return the number of a value's text; -1 for none."""
        texts = value_texts(value)
        return self.numbers.setdefault(texts[0], len(self.numbers)) if texts else -1

    def take(self, values: Iterator[tuple[int, Value]], spans: np.ndarray) -> None:
        """Set the codes of traces that have none yet. values: by position in `spans`, ascending."""
        trace = self._trace[spans]
        for i, value in values:
            if self.code[trace[i]] < 0:
                self.code[trace[i]] = self.number_of(value)

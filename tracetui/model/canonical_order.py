"""Order of records that is independent of the order in which sources were read.

Within one source, the order of records decides between spans with equal starts. As several sources have no order among
themselves, a trace from several is ordered by span id, and all traces by start.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tracetui.model.ids import canonical_trace_id
from tracetui.model.records import NEVER, Records
from tracetui.model.span import Flag


def in_canonical_order(records: Records, input_trace: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Order the records of several sources, after those of one span were merged.

    trace_of_each, source: int32[records of the intake]
    -> int64[n], the positions of the records in order; the intake's numbers of the traces with records, in order
    """
    count = len(records.intake.traces.ids)
    trace = records.trace
    first = np.full(count, NEVER)
    known = (records.flags & int(Flag.START_REPAIRED)) == 0
    np.minimum.at(first, trace[known], records.start[known])
    ids = [canonical_trace_id(text) for text in records.intake.traces.ids]
    present = np.unique(trace).tolist()
    present.sort(key=lambda number: (first[number], ids[number]))
    rank = np.zeros(count, np.int64)
    rank[present] = np.arange(len(present))
    shared = _has_several_sources(input_trace, source, count)[trace]
    keys = [np.where(shared, column, 0) for column in (records.duration, records.kind, records.start, records.key)]
    return np.lexsort((records.input_order, *keys, rank[trace])), present


def _has_several_sources(trace: np.ndarray, source: np.ndarray, count: int) -> np.ndarray:
    """Find the traces with records from several sources: bool[count]. trace, source: int32[n]"""
    lowest, highest = np.full(count, NEVER), np.full(count, -1)
    np.minimum.at(lowest, trace, source)
    np.maximum.at(highest, trace, source)
    several: np.ndarray = lowest < highest
    return several


def one_spelling(odd: Mapping[int, str], row: np.ndarray, records: np.ndarray) -> dict[int, str]:
    """Choose the spelling of span ids independently of the order of records.

    odd: ids in unusual spellings, by record; row: int64[records of the intake], the span of each; records:
    bool[records of the intake], those whose id is that of their span. -> ids by span, for spans without a record in the
    usual spelling: the alphabetically first
    """
    texts: dict[int, list[str]] = {}
    for record, text in odd.items():
        if records[record]:
            texts.setdefault(int(row[record]), []).append(text)
    if not texts:
        return {}
    sizes = np.bincount(row[records])
    return {span: min(found) for span, found in texts.items() if len(found) == sizes[span]}

"""An order of records that does not depend on the order in which their sources were read.

Of one source the order of its records tells which of two equally early spans comes first. Several sources have no
order among each other: a trace that they tell of together is put in order by span id, and all traces by start.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tracetui.model.ids import canonical_trace_id
from tracetui.model.records import Records
from tracetui.model.span import Flag

_NEVER = np.iinfo(np.int64).max


def in_canonical_order(records: Records, trace_of_each: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Order records of several sources, after those of one span were made one.

    trace_of_each, source: int32[records of the intake]
    -> int64[n], the positions of the records in order; the intake's numbers of the traces that have any, in order
    """
    count = len(records.intake.trace_ids)
    trace = records.trace
    first = np.full(count, _NEVER)
    known = (records.flags & int(Flag.START_REPAIRED)) == 0
    np.minimum.at(first, trace[known], records.start[known])
    ids = [canonical_trace_id(text) for text in records.intake.trace_ids]
    present = np.unique(trace).tolist()
    present.sort(key=lambda number: (first[number], ids[number]))
    rank = np.zeros(count, np.int64)
    rank[present] = np.arange(len(present))
    shared = _of_several(trace_of_each, source, count)[trace]
    keys = [np.where(shared, column, 0) for column in (records.duration, records.kind, records.start, records.key)]
    return np.lexsort((records.came_as, *keys, rank[trace])), present


def _of_several(trace: np.ndarray, source: np.ndarray, count: int) -> np.ndarray:
    """bool[count], the traces that have records from several sources. trace, source: int32[n]"""
    least, most = np.full(count, _NEVER), np.full(count, -1)
    np.minimum.at(least, trace, source)
    np.maximum.at(most, trace, source)
    several: np.ndarray = least < most
    return several


def sorted_texts(texts: list[str]) -> tuple[list[str], np.ndarray]:
    """-> the texts by alphabet, and int32[texts], the place of each of them there"""
    order = sorted(range(len(texts)), key=texts.__getitem__)
    moved = np.empty(len(texts), np.int32)
    moved[order] = np.arange(len(texts))
    return [texts[i] for i in order], moved


def one_spelling(odd: Mapping[int, str], row: np.ndarray, records: np.ndarray) -> dict[int, str]:
    """Choose how the ids of spans are spelled, whichever of their records comes first.

    odd: by record, the ids that are spelled in another way than usual; row: int64[records of the intake], the span of
    each; records: bool[records of the intake], those whose id is that of their span. -> by span its id, of those that
    no record spells as usual: the first by alphabet
    """
    texts: dict[int, list[str]] = {}
    for record, text in odd.items():
        if records[record]:
            texts.setdefault(int(row[record]), []).append(text)
    if not texts:
        return {}
    sizes = np.bincount(row[records])
    return {span: min(found) for span, found in texts.items() if len(found) == sizes[span]}

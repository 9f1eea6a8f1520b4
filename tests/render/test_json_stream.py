from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import build, span
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.async_work import AsyncWork
from tracetui.analysis.critical_path import CriticalPaths, critical_paths
from tracetui.render.report import critical_paths_json as module
from tracetui.render.report.critical_paths_json import critical_paths_json
from tracetui.render.report.json import report_json
from tracetui.render.report.json_columns import ObjectRows, texts_of, texts_of_numbers
from tracetui.render.report.json_stream import Batch, Batches, items_text, json_pieces, list_text

VALUES = st.recursive(
    st.none() | st.integers(-(2**53), 2**53) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
LISTS = st.lists(st.lists(VALUES, max_size=3), max_size=4)
OBJECTS = st.dictionaries(st.text(max_size=3), VALUES, max_size=6)


def batches_of(batches: Iterable[Batch], brackets: bytes = b"[]") -> Batches:
    return Batches(lambda depth: (items_text(batch, depth) for batch in batches), brackets)


def whole(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


@given(plain=OBJECTS, lists=LISTS, members=OBJECTS, size=st.integers(1, 4))
def test_pieces_are_what_is_written_at_once(
    plain: dict[str, Any], lists: list[list[Any]], members: dict[str, Any], size: int
) -> None:
    names = list(members)
    parts = [{name: members[name] for name in names[at : at + size]} for at in range(0, len(names), size)]
    streamed = {
        "list": batches_of(lists),
        "object": batches_of(parts, b"{}"),
        "deeper": {"list": batches_of(lists)},
    }
    usual = {"list": [item for part in lists for item in part], "object": members}
    document = {**plain, "streamed": {"first": 1, **streamed}, **streamed, "last": plain}
    expected = {**plain, "streamed": {"first": 1, **usual, "deeper": {"list": usual["list"]}}}
    expected |= {**usual, "deeper": {"list": usual["list"]}, "last": plain}
    assert b"".join(json_pieces(document)) == whole(expected)


def test_an_empty_object_and_empty_batches_keep_their_brackets() -> None:
    assert b"".join(json_pieces({})) == whole({})
    document = {"a": batches_of([]), "b": batches_of([[], []]), "c": batches_of([], b"{}")}
    assert b"".join(json_pieces(document)) == whole({"a": [], "b": [], "c": {}})


def test_batches_are_made_when_their_piece_is_asked_for() -> None:
    made = []

    def batches() -> Iterator[list[int]]:
        for number in range(3):
            made.append(number)
            yield [number]

    pieces = json_pieces({"numbers": batches_of(batches())})
    assert made == []
    while b"0" not in next(pieces):
        pass
    assert made == [0]


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text() | st.none()
ROWS = st.lists(st.tuples(TEXTS, st.integers(-(2**63), 2**63 - 1), FLOATS | st.none(), st.booleans()), max_size=6)
KEYS = ("text", 'a "number"', "share", "is it")


def columns_of(rows: list[tuple[Any, ...]]) -> list[list[bytes]]:
    texts, numbers, shares, bools = zip(*rows, strict=True) if rows else ((), (), (), ())
    optional = np.array([np.nan if share is None else share for share in shares], float)
    numeric = (np.array(numbers, np.int64), optional, np.array(bools, bool))
    return [texts_of(texts), *map(texts_of_numbers, numeric)]


@given(rows=ROWS, names=st.lists(st.text(), unique=True, min_size=6, max_size=6), depth=st.integers(0, 3))
def test_columns_are_written_as_dictionaries(rows: list[tuple[Any, ...]], names: list[str], depth: int) -> None:
    items = [dict(zip(KEYS, row, strict=True)) for row in rows]
    columns = columns_of(rows)
    assert ObjectRows(KEYS, depth).text(columns) == items_text(items, depth)
    members = dict(zip(names, items, strict=False))
    named = ObjectRows(KEYS, depth, named=True).text([texts_of(names[: len(items)]), *columns])
    assert named == items_text(members, depth)


@given(rows=ROWS, cuts=st.lists(st.integers(0, 6)), depth=st.integers(0, 3))
def test_lists_of_rows_are_written_as_lists_of_dictionaries(
    rows: list[tuple[Any, ...]], cuts: list[int], depth: int
) -> None:
    bounds = sorted(min(cut, len(rows)) for cut in cuts)
    items = [dict(zip(KEYS, row, strict=True)) for row in rows]
    expected = [list_text(items[begin:end], depth) for begin, end in pairwise(bounds)]
    assert ObjectRows(KEYS, depth).lists(columns_of(rows), bounds) == expected


def critical_path_entries(paths: CriticalPaths, work: AsyncWork) -> list[dict[str, Any]]:
    """Read the entries, whose text must be indented as `orjson` does it."""
    text = b"".join(json_pieces({"paths": Batches(partial(critical_paths_json, paths, work))}))
    document = orjson.loads(text)
    assert text == whole(document)
    entries: list[dict[str, Any]] = document["paths"]
    return entries


def test_critical_paths_do_not_depend_on_the_size_of_batches(monkeypatch: Any) -> None:
    traces = build(
        *(
            span(f"{i:x}", 10 * i, 10 * i + 9, parent="1" if i % 4 != 1 else "", trace=f"{i // 4 + 1}")
            for i in range(1, 30)
        ),
        span("ff", 5, 5, trace="99"),
        span("odd id", 3, 90, trace="98"),
    )
    paths, work = critical_paths(traces), AsyncWork(traces)
    at_once = critical_path_entries(paths, work)
    monkeypatch.setattr(module, "_SECTIONS", 1)
    assert len(list(critical_paths_json(paths, work, 1))) == traces.trace_count
    assert critical_path_entries(paths, work) == at_once
    assert {entry["spans"][0]["span_id"] for entry in at_once if entry["spans"]} >= {"odd id"}
    for entry in at_once:
        assert sum(one["critical_ms"] for one in entry["spans"]) * 1e6 == entry["critical_path_duration_ms"] * 1e6


def test_a_report_is_computed_before_its_first_piece() -> None:
    analysis = Analysis(build(span("1", 0, 100)))
    report_json(analysis)
    assert {"paths", "bottleneck_columns", "errors", "dependencies"} <= vars(analysis).keys()

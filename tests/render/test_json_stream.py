from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import build, span
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.async_work import AsyncWork
from tracetui.analysis.critical_path import critical_paths
from tracetui.render.report import critical_paths_json as module
from tracetui.render.report.critical_paths_json import critical_paths_json
from tracetui.render.report.json import report_json
from tracetui.render.report.json_stream import Batches, json_pieces

VALUES = st.recursive(
    st.none() | st.integers(-(2**53), 2**53) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
LISTS = st.lists(st.lists(VALUES, max_size=3), max_size=4)
OBJECTS = st.dictionaries(st.text(max_size=3), VALUES, max_size=6)


def whole(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


@given(plain=OBJECTS, lists=LISTS, members=OBJECTS, size=st.integers(1, 4))
def test_pieces_are_what_is_written_at_once(
    plain: dict[str, Any], lists: list[list[Any]], members: dict[str, Any], size: int
) -> None:
    names = list(members)
    parts = [{name: members[name] for name in names[at : at + size]} for at in range(0, len(names), size)]
    streamed = {"list": Batches(lists), "object": Batches(parts, b"{}"), "deeper": {"list": Batches(lists)}}
    usual = {"list": [item for part in lists for item in part], "object": members}
    document = {**plain, "streamed": {"first": 1, **streamed}, **streamed, "last": plain}
    expected = {**plain, "streamed": {"first": 1, **usual, "deeper": {"list": usual["list"]}}}
    expected |= {**usual, "deeper": {"list": usual["list"]}, "last": plain}
    assert b"".join(json_pieces(document)) == whole(expected)


def test_an_empty_object_and_empty_batches_keep_their_brackets() -> None:
    assert b"".join(json_pieces({})) == whole({})
    document = {"a": Batches([]), "b": Batches([[], []]), "c": Batches([], b"{}")}
    assert b"".join(json_pieces(document)) == whole({"a": [], "b": [], "c": {}})


def test_batches_are_made_when_their_piece_is_asked_for() -> None:
    made = []

    def batches() -> Iterator[list[int]]:
        for number in range(3):
            made.append(number)
            yield [number]

    pieces = json_pieces({"numbers": Batches(batches())})
    assert made == []
    while b"0" not in next(pieces):
        pass
    assert made == [0]


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
    at_once = [entry for batch in critical_paths_json(paths, work) for entry in batch]
    monkeypatch.setattr(module, "_SECTIONS", 1)
    batches = list(critical_paths_json(paths, work))
    assert len(batches) == traces.trace_count
    assert [entry for batch in batches for entry in batch] == at_once
    assert {entry["spans"][0]["span_id"] for entry in at_once if entry["spans"]} >= {"odd id"}
    for entry in at_once:
        assert sum(one["critical_ms"] for one in entry["spans"]) * 1e6 == entry["critical_path_duration_ms"] * 1e6


def test_a_report_is_computed_before_its_first_piece() -> None:
    analysis = Analysis(build(span("1", 0, 100)))
    report_json(analysis)
    assert {"paths", "bottleneck_columns", "errors", "dependencies"} <= vars(analysis).keys()

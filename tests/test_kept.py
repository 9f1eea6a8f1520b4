"""What is kept of answers that come again and again: the newest of each trace, within bounds; and written to a file."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given

from tests.building import GivenSpan, build, collect, span
from tests.strategies import rough_sets, unhurried
from tracetui.ingest.load import load
from tracetui.ingest.save import save
from tracetui.model.assemble import assemble
from tracetui.model.ids import canonical_trace_id
from tracetui.model.intake import Intake
from tracetui.model.problems import UsageError
from tracetui.model.traces import TraceSet

SAMPLES = Path(__file__).parents[1] / "sample_traces"


def spans_by_trace(traces: TraceSet) -> dict[str, list[str]]:
    """Everything of every span, by its trace, but how the trace's id is spelt: as it was at first."""
    return {
        canonical_trace_id(traces.trace_ids[trace]): sorted(
            str(replace(traces.span(at), trace_id="")) for at in traces.spans_of(trace)
        )
        for trace in range(traces.trace_count)
    }


@unhurried
@given(rough_sets(), rough_sets())
def test_a_trace_that_comes_again_takes_the_place_of_what_was_here(
    first: list[GivenSpan], second: list[GivenSpan]
) -> None:
    again = Counter(canonical_trace_id(one.trace) for one in second)
    before = Counter(canonical_trace_id(one.trace) for one in first)
    # as many spans as were here are taken for the same, and fewer for a part of them
    assume(any(count > before[trace] for trace, count in again.items()))
    kept = collect(first)
    assert kept.replace(collect(second))
    taken = {trace for trace, count in again.items() if count >= before[trace]}
    stays = [one for one in first if canonical_trace_id(one.trace) not in taken]
    comes = [one for one in second if canonical_trace_id(one.trace) in taken]
    found = spans_by_trace(assemble(kept))
    assert found == {**spans_by_trace(build(*stays)), **spans_by_trace(build(*comes))}
    assert not kept.replace(collect(second))
    assert spans_by_trace(assemble(kept)) == found


def test_of_an_answer_that_broke_off_within_a_trace_nothing_is_lost() -> None:
    kept = collect([span(str(at), at, 10, trace=trace) for trace in "ab" for at in range(1, 4)])
    cut = collect([span("1", 1, 10, trace="a"), *(span(str(at), at, 10, trace="c") for at in range(1, 3))])
    cut.trace("b")
    assert kept.replace(cut)
    found = assemble(kept)
    sizes = {text: len(found.spans_of(found.find_trace(text) or 0)) for text in found.trace_ids}
    assert sizes == {"a": 3, "b": 3, "c": 2}
    assert not kept.replace(collect([span("1", 1, 10, trace="a")]))


def test_traces_are_counted_from_where_a_source_began() -> None:
    kept = collect([span("1", 1, 10, trace="a"), span("1", 1, 10, trace="b")])
    assert kept.traces_behind(0) == 2
    kept.absorb(collect([span("2", 1, 10, trace="b"), span("3", 1, 10, trace="b")]))
    assert (kept.traces_behind(2), kept.traces_behind(4)) == (1, 0)


def test_what_stands_beside_spans_moves_with_them() -> None:
    odd = [
        span("odd-1", 0, 10, trace="a", message="lost", warnings=["late"]),
        span("odd-2", 0, 10, trace="b", parent="nobody", message="kept", warnings=["too"], attributes={"k": 1}),
        span("odd-3", 0, 10, trace="c", message="replaced"),
    ]
    kept = collect(odd)
    assert kept.replace(collect([span("odd-4", 5, 10, trace="c"), span("odd-5", 5, 10, trace="c", parent="odd-4")]))
    kept.drop([kept.trace("a")])
    found = assemble(kept)
    assert sorted(found.trace_ids) == ["b", "c"]
    (b,) = found.spans_of(found.find_trace("b") or 0)
    assert found.span(b).status_message == "kept"
    assert "too" in found.warnings_of(b)
    assert found.span_id(b) == "odd-2"
    assert found.parent_id(b) == "nobody"
    assert found.attributes(b) == {"k": 1}
    names = [found.span_id(at) for at in found.spans_of(found.find_trace("c") or 0)]
    assert names == ["odd-4", "odd-5"]


def test_the_oldest_go_where_there_is_no_room() -> None:
    kept = collect([span("1", at, at + 5, trace=str(at), attributes={"text": "x" * 100}) for at in range(1, 11)])
    assert kept.keep_within(1 << 20) == 0
    each = sum(len(chunk.raw) for chunk in kept.chunks) // 10
    assert kept.keep_within(4 * each) == 6
    assert sorted(map(int, assemble(kept).trace_ids)) == [7, 8, 9, 10]
    assert kept.keep_within(0) == 4
    assert len(kept) == 0
    # and it goes on
    kept.replace(collect([span("1", 0, 5, trace="9")]))
    assert assemble(kept).trace_ids == ["9"]


def test_an_empty_answer_changes_nothing() -> None:
    kept = collect([span("1", 0, 5)])
    assert not kept.replace(Intake())
    assert len(assemble(kept)) == 1


@pytest.mark.parametrize("name", ["traces.jsonl", "traces.json.gz"])
def test_what_was_saved_opens_again(name: str, tmp_path: Path) -> None:
    traces = load([str(SAMPLES / "shop")])
    save(traces, tmp_path / name)
    again = load([str(tmp_path / name)])
    assert again.trace_ids == traces.trace_ids
    for column in ("start", "duration", "depth", "error", "kind"):
        assert np.array_equal(getattr(again, column), getattr(traces, column)), column
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="is there already"):
        save(traces, tmp_path / name)
    with pytest.raises(UsageError, match="cannot write"):
        save(traces, tmp_path / "nowhere" / name)

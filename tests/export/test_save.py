"""Repeated responses: the newest version of each trace is stored, within bounds, and written to a file."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given

from tests.support.building import GivenSpan, build, collect, span
from tests.support.paths import SAMPLES
from tests.support.strategies import rough_sets, unhurried
from tracetui.export.save import save
from tracetui.ingest.loader import load
from tracetui.model.assemble import assemble
from tracetui.model.chunks import SPAN_BYTES
from tracetui.model.errors import UsageError
from tracetui.model.ids import canonical_trace_id, span_key
from tracetui.model.intake import Intake
from tracetui.model.span import Flag
from tracetui.model.traces import TraceSet


def spans_by_trace(traces: TraceSet) -> dict[str, list[str]]:
    """Everything of every span, by its trace, but how the trace's id is spelt: as it was at first."""
    return {
        canonical_trace_id(traces.trace_ids[trace]): sorted(
            str(replace(traces.span(at), trace_id="")) for at in traces.spans_of(trace)
        )
        for trace in range(traces.trace_count)
    }


def _identity(one: GivenSpan) -> tuple[object, ...]:
    return canonical_trace_id(one.trace), span_key(one.id), one.service, one.name, one.kind


@unhurried
@given(rough_sets(), rough_sets())
def test_a_span_that_comes_again_takes_the_place_of_what_was_here(
    first: list[GivenSpan], second: list[GivenSpan]
) -> None:
    again, before = (Counter(map(_identity, spans)) for spans in (second, first))
    # fewer than were here are part of an answer that broke off
    taken = {identity for identity, count in again.items() if count >= before[identity]}
    stays = [one for one in first if _identity(one) not in taken]
    comes = [one for one in second if _identity(one) in taken]
    kept = collect(first)
    kept.replace(collect(second))
    found = spans_by_trace(assemble(kept))
    assert not kept.replace(collect(second))
    assert spans_by_trace(assemble(kept)) == found
    assume([one for one in first if _identity(one) in taken] != comes)
    assert found == spans_by_trace(build(*stays, *comes))


def test_records_of_other_sources_stay_when_one_is_searched_again() -> None:
    of_file = [span(str(at), at, 10, name="GET", attributes={"from": "file"}) for at in range(1, 4)]
    of_server = [span(str(at), at, 10, name="get", attributes={"more": at}) for at in range(1, 4)]
    kept = collect([*of_file, *of_server])
    assert not kept.replace(collect(of_server))
    assert kept.replace(collect([*of_server, span("4", 4, 10, name="get")]))
    found = assemble(kept)
    assert (len(found), found.duplicates) == (4, {0: 3})
    assert all(found.attributes(at).keys() == {"from", "more"} for at in range(3))


def test_a_span_that_has_ended_takes_the_place_of_its_beginning() -> None:
    begun = span("1", 1, 1, flags=Flag.NO_DURATION)
    kept = collect([begun])
    assert kept.replace(collect([span("1", 1, 9)]))
    found = assemble(kept)
    assert (found.duration.tolist(), found.duplicates, found.flags.tolist()) == ([8_000], {}, [Flag.NONE])


def test_of_an_answer_that_broke_off_within_a_trace_nothing_is_lost() -> None:
    kept = collect([span(str(at), at, 10, trace=trace) for trace in "ab" for at in range(1, 4)])
    cut = collect([span("1", 1, 10, trace="a"), *(span(str(at), at, 10, trace="c") for at in range(1, 3))])
    cut.traces("b")
    assert kept.replace(cut)
    found = assemble(kept)
    sizes = {text: len(found.spans_of(found.find_trace(text) or 0)) for text in found.trace_ids}
    assert sizes == {"a": 3, "b": 3, "c": 2}
    assert not kept.replace(collect([span("1", 1, 10, trace="a")]))


def test_data_about_spans_moves_with_them() -> None:
    odd = [
        span("odd-1", 0, 10, trace="a", message="lost", warnings=["late"]),
        span("odd-2", 0, 10, trace="b", parent="nobody", message="kept", warnings=["too"], attributes={"k": 1}),
        span("odd-3", 0, 10, trace="c", message="replaced"),
    ]
    kept = collect(odd)
    assert kept.replace(collect([span("odd-4", 5, 10, trace="c"), span("odd-5", 5, 10, trace="c", parent="odd-4")]))
    kept.drop([kept.traces("a")])
    found = assemble(kept)
    assert sorted(found.trace_ids) == ["b", "c"]
    (b,) = found.spans_of(found.find_trace("b") or 0)
    assert found.span(b).status_message == "kept"
    assert "too" in found.warnings_of(b)
    assert found.span_id(b) == "odd-2"
    assert found.parent_id(b) == "nobody"
    assert found.attributes(b) == {"k": 1}
    names = [found.span_id(at) for at in found.spans_of(found.find_trace("c") or 0)]
    assert names == ["odd-3", "odd-4", "odd-5"]


def test_the_oldest_go_where_there_is_no_room() -> None:
    kept = collect([span("1", at, at + 5, trace=str(at), attributes={"text": "x" * 100}) for at in range(1, 11)])
    assert kept.keep_within(1 << 20) == 0
    each = kept.chunks.raw_bytes // 10 + SPAN_BYTES
    assert kept.keep_within(4 * each) == 6
    assert sorted(map(int, assemble(kept).trace_ids)) == [7, 8, 9, 10]
    assert kept.keep_within(0) == 4
    assert len(kept) == 0
    # and it goes on
    kept.replace(collect([span("1", 0, 5, trace="9")]))
    assert assemble(kept).trace_ids == ["9"]


def poll(number: int, traces: int = 50) -> Intake:
    """An answer of traces that nobody has seen before, with names of their own."""
    new = Intake()
    for trace in range(traces):
        own = f"{number}-{trace}"
        start = 1_000 * number + trace
        given = span("1", start, start + 5, trace=own, service=f"s-{own}", name=f"n-{own}", resource={"pod": own})
        collect([given], new)
        new.traces.warn(new.traces(own), ["late"])
        collect([given.but(trace=f"{own}-b", name="the same", attributes={"at": own})], new)
    return new


def test_following_for_ever_remembers_no_more_than_is_here() -> None:
    kept = Intake()
    for number in range(200):
        kept.replace(poll(number))
        kept.keep_within(100 * SPAN_BYTES)
        assert len(kept) <= 100
        # what was looked through last, twice over, and the answer that has just come
        assert sum(kept.table_sizes.values()) <= 4_000, number
        assert len(kept.traces.warnings) <= 1_000
        assert len(kept.chunks) <= 100
    found = assemble(kept)
    assert len(found) > 50
    for at in range(len(found)):
        own = found.trace_ids[int(found.trace[at])].removesuffix("-b")
        assert (found.service_name(at), found.resource_attributes(at)) == (f"s-{own}", {"pod": own})
        assert found.operation_name(at) in (f"n-{own}", "the same")
    # what is here is known again
    kept.replace(poll(199))
    kept.keep_within(100 * SPAN_BYTES)
    again = assemble(kept)
    assert sorted(again.trace_ids) == sorted(found.trace_ids)
    assert len(again) == len(found)


def test_generated_ids_of_dropped_traces_are_not_reused() -> None:
    kept = Intake()
    for number in range(40):
        new = Intake()
        for at in range(50):
            collect([span(str(at), number, number + 1, service=f"{number}-{at}", name=f"{number}-{at}")], new)
            new.rows.trace[-1] = new.traces.add_unnamed()
        kept.absorb(new)
        kept.keep_within(120 * SPAN_BYTES)
    found = assemble(kept)
    assert len(set(found.trace_ids)) == found.trace_count == len(found) > 100


_FOLLOWING = """
from pathlib import Path
from tests.export.test_save import poll
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

kept, seen = Intake(), []
for number in range(100):
    kept.replace(poll(number, 300))
    kept.keep_within(1 << 18)
    assemble(kept)
    seen.append(resident())
print(max(seen[30:]) - max(seen[:30]))
"""
_MOST_GROWTH = 6 << 20
"""Bytes; 42,000 traces with names of their own leave several times as much behind in tables that keep all."""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell")
def test_following_for_ever_takes_no_more_memory() -> None:
    done = subprocess.run([sys.executable, "-c", _FOLLOWING], capture_output=True, text=True, check=True)
    assert int(done.stdout) < _MOST_GROWTH


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
    with pytest.raises(UsageError, match="already exists"):
        save(traces, tmp_path / name)
    with pytest.raises(UsageError, match="cannot write"):
        save(traces, tmp_path / "nowhere" / name)

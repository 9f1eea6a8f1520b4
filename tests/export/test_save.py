"""Repeated responses: the newest version of each trace is stored, within limits, and written to a file."""

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
from tests.support.many_traces import poll
from tests.support.paths import SAMPLES
from tests.support.strategies import rough_sets, unhurried
from tracetui.export.save import save
from tracetui.ingest.loader import load
from tracetui.model.assemble import assemble
from tracetui.model.errors import UsageError
from tracetui.model.ids import canonical_trace_id, span_key
from tracetui.model.intake import Intake
from tracetui.model.span import Flag
from tracetui.model.span_chunks import SPAN_BYTES
from tracetui.model.traces import TraceSet


def spans_by_trace(traces: TraceSet) -> dict[str, list[str]]:
    """Collect all facts about every span, by trace, except the spelling of the trace's id."""
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
def test_repeated_span_replaces_the_stored_one(first: list[GivenSpan], second: list[GivenSpan]) -> None:
    reloaded, before = (Counter(map(_identity, spans)) for spans in (second, first))
    # fewer records than before belong to a cut-off response
    taken = {identity for identity, count in reloaded.items() if count >= before[identity]}
    stays = [one for one in first if _identity(one) not in taken]
    comes = [one for one in second if _identity(one) in taken]
    kept = collect(first)
    kept.replace(collect(second))
    found = spans_by_trace(assemble(kept))
    assert not kept.replace(collect(second))
    assert spans_by_trace(assemble(kept)) == found
    assume([one for one in first if _identity(one) in taken] != comes)
    assert found == spans_by_trace(build(*stays, *comes))


def test_records_of_other_sources_stay() -> None:
    of_file = [span(str(at), at, 10, name="GET", attributes={"from": "file"}) for at in range(1, 4)]
    of_server = [span(str(at), at, 10, name="get", attributes={"more": at}) for at in range(1, 4)]
    kept = collect([*of_file, *of_server])
    assert not kept.replace(collect(of_server))
    assert kept.replace(collect([*of_server, span("4", 4, 10, name="get")]))
    found = assemble(kept)
    assert (len(found), found.duplicates) == (4, {0: 3})
    assert all(found.attributes(at).keys() == {"from", "more"} for at in range(3))


def test_ended_span_replaces_its_beginning() -> None:
    begun = span("1", 1, 1, flags=Flag.NO_DURATION)
    kept = collect([begun])
    assert kept.replace(collect([span("1", 1, 9)]))
    found = assemble(kept)
    assert (found.duration.tolist(), found.duplicates, found.flags.tolist()) == ([8_000], {}, [Flag.NONE])


def test_cut_off_response_loses_no_stored_span() -> None:
    kept = collect([span(str(at), at, 10, trace=trace) for trace in "ab" for at in range(1, 4)])
    cut = collect([span("1", 1, 10, trace="a"), *(span(str(at), at, 10, trace="c") for at in range(1, 3))])
    cut.traces("b")
    assert kept.replace(cut)
    found = assemble(kept)
    sizes = {text: len(found.spans_of(found.find_trace(text) or 0)) for text in found.trace_ids}
    assert sizes == {"a": 3, "b": 3, "c": 2}
    assert not kept.replace(collect([span("1", 1, 10, trace="a")]))


def test_texts_of_spans_move_with_them() -> None:
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


def test_oldest_traces_are_dropped_at_the_limit() -> None:
    kept = collect([span("1", at, at + 5, trace=str(at), attributes={"text": "x" * 100}) for at in range(1, 11)])
    assert kept.keep_within(1 << 20) == 0
    each = kept.chunks.raw_bytes // 10 + SPAN_BYTES
    assert kept.keep_within(4 * each) == 6
    assert sorted(map(int, assemble(kept).trace_ids)) == [7, 8, 9, 10]
    assert kept.keep_within(0) == 4
    assert len(kept) == 0
    # and again
    kept.replace(collect([span("1", 0, 5, trace="9")]))
    assert assemble(kept).trace_ids == ["9"]


def test_following_keeps_only_names_of_loaded_traces() -> None:
    kept = Intake()
    for number in range(200):
        kept.replace(poll(number))
        kept.keep_within(100 * SPAN_BYTES)
        assert len(kept) <= 100
        # at most twice the last cleaned size, and the latest response
        assert sum(kept.table_sizes.values()) <= 4_000, number
        assert len(kept.traces.warnings) <= 1_000
        assert len(kept.chunks) <= 100
    found = assemble(kept)
    assert len(found) > 50
    for at in range(len(found)):
        own = found.trace_ids[int(found.trace[at])].removesuffix("-b")
        assert (found.service_name(at), found.resource_attributes(at)) == (f"s-{own}", {"pod": own})
        assert found.operation_name(at) in (f"n-{own}", "the same")
    # loaded names are found again
    kept.replace(poll(199))
    kept.keep_within(100 * SPAN_BYTES)
    reloaded = assemble(kept)
    assert sorted(reloaded.trace_ids) == sorted(found.trace_ids)
    assert len(reloaded) == len(found)


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
from tests.support.many_traces import poll
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
_MAX_GROWTH = 6 << 20
"""Bytes; tables that keep everything grow several times as much with 42,000 traces of unique names."""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no figures of memory on this system")
def test_memory_does_not_grow_while_following() -> None:
    done = subprocess.run([sys.executable, "-c", _FOLLOWING], capture_output=True, text=True, check=True)
    assert int(done.stdout) < _MAX_GROWTH


def test_empty_response_changes_nothing() -> None:
    kept = collect([span("1", 0, 5)])
    assert not kept.replace(Intake())
    assert len(assemble(kept)) == 1


@pytest.mark.parametrize("name", ["traces.jsonl", "traces.json.gz"])
def test_saved_traces_can_be_opened(name: str, tmp_path: Path) -> None:
    traces = load([str(SAMPLES / "shop")])
    save(traces, tmp_path / name)
    reloaded = load([str(tmp_path / name)])
    assert reloaded.trace_ids == traces.trace_ids
    for column in ("start", "duration", "depth", "error", "kind"):
        assert np.array_equal(getattr(reloaded, column), getattr(traces, column)), column
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="already exists"):
        save(traces, tmp_path / name)
    with pytest.raises(UsageError, match="cannot write"):
        save(traces, tmp_path / "nowhere" / name)

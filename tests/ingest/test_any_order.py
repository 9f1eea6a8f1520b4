"""Independence of results from the order of files, and from the file of a span."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.compare import program_json
from tests.oracle.generate import otlp_document, trace_set
from tests.oracle.shrink import all_spans, span_lists
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import decode
from tracetui.ingest.loader import load
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.record_notes import SourceRuns
from tracetui.model.traces import TraceSet

FILES = 3
START = 1_774_000_000_000_000_000


def split_document(document: Any, rng: random.Random) -> list[Any]:
    """Divide the document into several, with each span in one or more of them."""
    parts = [json.loads(json.dumps(document)) for _ in range(FILES)]
    places = [rng.sample(range(FILES), rng.choice([1, 1, 2, FILES])) for _ in all_spans([document])]
    for number, part in enumerate(parts):
        at = iter(places)
        for spans in span_lists([part]):
            spans[:] = [span for span in spans if number in next(at)]
        rng.shuffle(part.get("resourceSpans") or part["data"])
    return [part for part in parts if any(all_spans([part]))]


def answers(files: list[Path]) -> dict[str, Any]:
    found = program_json("analyze", *map(str, files))
    # warnings name their file
    found["warnings"] = sorted(map(str, found["warnings"]))
    return found


@pytest.mark.parametrize("seed", range(24))
def test_report_is_the_same_in_any_order_of_files(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    parts = split_document(trace_set(seed)[0], rng)
    files = [tmp_path / f"{number}.json" for number in range(len(parts))]
    for file, part in zip(files, parts, strict=True):
        file.write_text(json.dumps(part))
    expected = answers(files)
    for order in itertools.permutations(files):
        assert answers(list(order)) == expected


@pytest.mark.parametrize("seed", range(8))
def test_counts_and_calls_are_the_same_in_any_order_of_lines(seed: int, tmp_path: Path) -> None:
    """The order within a source decides between spans that end together, so shares may differ."""
    rng = random.Random(seed)
    lines = [json.dumps(part) for part in split_document(trace_set(seed)[0], rng)]
    found = []
    for number, order in enumerate(itertools.permutations(lines)):
        file = tmp_path / f"{number}.jsonl"
        file.write_text("\n".join(order))
        answer = program_json("analyze", str(file))
        patterns = [
            {name: value for name, value in one.items() if name not in ("example_trace_ids", "operations")}
            for one in answer["errors"]["patterns"]
        ]
        found.append((answer["summary"], answer["dependencies"], patterns))
    assert all(one == found[0] for one in found)


def with_tied_children(ids: tuple[str, str]) -> list[bytes]:
    """Make a root and two children that end together, each a request of its own."""
    ends: dict[str, Any] = {
        "service": "web",
        "host": "",
        "trace": "c" * 32,
        "attrs": {},
        "events": [],
        "links": [],
        "code": None,
    }
    spans = [
        {**ends, "id": one, "parent": parent, "name": name, "kind": "INTERNAL", "start": START, "end": START + end}
        for one, parent, name, end in (
            ("f" * 16, None, "root", 100_000),
            (ids[0], "f" * 16, "first", 50_000),
            (ids[1], "f" * 16, "second", 50_000),
        )
    ]
    return [json.dumps(otlp_document([{**span, "message": ""}])).encode() for span in spans]


def read(*bodies: tuple[bytes, str]) -> TraceSet:
    intake = Intake()
    for body, name in bodies:
        decode(body, DecodeContext(intake, name))
    return assemble(intake)


def children(traces: TraceSet) -> list[str]:
    return [traces.operation_name(i) for i in range(1, len(traces))]


def test_ties_are_broken_by_order_within_a_source_and_by_id_across_sources() -> None:
    root, first, second = with_tied_children(("b" * 16, "a" * 16))
    one_source = read((root, "a"), (first, "a"), (second, "a"))
    assert children(one_source) == ["first", "second"]
    for order in itertools.permutations([(root, "a"), (first, "b"), (second, "c")]):
        assert children(read(*order)) == ["second", "first"]


def test_id_spelling_does_not_depend_on_the_order() -> None:
    root, first, second = with_tied_children(("b" * 16, "a" * 16))
    for order in itertools.permutations([(root, "1"), (first, "2"), (first.replace(b"b" * 16, b"B" * 16), "3")]):
        assert read(*order).span(1).span_id == "b" * 16
    upper = first.replace(b"b" * 16, b"B" * 16)
    short = second.replace(b"c" * 32, b"c" * 16).replace(b"f" * 16, b"F" * 16)
    for order in itertools.permutations([(upper, "1"), (short, "2")]):
        found = read(*order)
        assert sorted(found.trace_ids) == ["c" * 16, "c" * 32]
        assert {found.span(i).span_id for i in range(2)} == {"B" * 16, "a" * 16}
        assert {found.span(i).parent_id for i in range(2)} == {"f" * 16, "F" * 16}


def test_traces_of_files_are_ordered_by_start(tmp_path: Path) -> None:
    parts = trace_set(1)[0]
    files = []
    for number in range(2):
        file = tmp_path / f"{number}.json"
        text = json.dumps(parts)
        file.write_text(text)
        files.append(str(file))
    assert load(files).trace_ids == load(files[::-1]).trace_ids


def test_runs_of_sources_follow_the_records() -> None:
    runs = SourceRuns()
    assert runs.of_each(3) is None
    runs.begin(0, "a")
    runs.begin(2, "a")
    assert runs.of_each(4) is None
    runs.begin(4, "b")
    runs.begin(4, "c")
    runs.begin(6, "a")
    numbers = runs.of_each(7)
    assert numbers is not None
    assert numbers.tolist() == [0, 0, 0, 0, 1, 1, 0]
    # a source that is not read yet has no records
    assert runs.of_each(4) is None
    runs.keep(numbers == 1)
    assert runs.of_each(2) is None
    other = SourceRuns()
    other.begin(0, "d")
    runs.extend(other, 2)
    again = runs.of_each(3)
    assert again is not None
    assert again.tolist() == [0, 0, 1]

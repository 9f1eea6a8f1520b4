"""Text search of many traces: first matches are shown during the search, which can be stopped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.building import build, span
from tests.support.trace_app import opened
from tracetui.export.save import save
from tracetui.model.traces import TraceSet
from tracetui.query import evaluate, parse
from tracetui.query.parser import Query
from tracetui.tui.messages import FilterTraces

COUNT = 40


class Gate:
    """Lets a search continue part by part."""

    def __init__(self) -> None:
        self._allowed = threading.Semaphore(0)

    def allow(self, parts: int) -> None:
        self._allowed.release(parts)

    def wait(self) -> None:
        assert self._allowed.acquire(timeout=300)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Divide searches of any set into parts of ten spans."""
    for name, spans in (("_MIN_DIVIDED_SPANS", 0), ("_FIRST_PART", 10), ("_LARGEST_PART", 10)):
        monkeypatch.setattr(evaluate, name, spans)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, small_parts: None) -> Gate:
    """Hold each part of a text search until the test allows it."""
    gate, matches_in_parts = Gate(), Query.matches_in_parts

    def held(query: Query, *args: Any) -> Iterator[tuple[int, np.ndarray]]:
        for part in matches_in_parts(query, *args):
            if query.words:
                gate.wait()
            yield part

    monkeypatch.setattr(Query, "matches_in_parts", held)
    return gate


def with_word(*traces: int) -> TraceSet:
    """Return traces of one span each. These contain the word "needle"."""
    return build(
        *(
            span(
                f"a{i}",
                i * 1_000,
                i * 1_000 + 100 + i,
                trace=str(i + 1),
                name="GET /cart",
                attributes={"note": "a needle" if i in traces else "hay", "number": i},
            )
            for i in range(COUNT)
        )
    )


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "words.json"
    save(with_word(2, 3, 11, 35), path)
    return str(path)


def test_search_in_parts_equals_a_whole_search(small_parts: None) -> None:
    traces = with_word(2, 3, 11, 35)
    for text in (
        "needle",
        "NOT needle",
        "needle AND duration > 0s",
        "{ needle }",
        "attr.note = hay OR needle",
        "attr.number > 20",
    ):
        query = parse(text)
        parts = list(query.matches_in_parts(traces))
        assert [searched for searched, _ in parts] == [10, 20, 30, 40]
        assert np.concatenate([found for _, found in parts]).tolist() == np.flatnonzero(query.matches(traces)).tolist()


def test_trace_larger_than_a_part_is_searched_whole(small_parts: None) -> None:
    traces = build(
        *(span(f"a{i}", 0, 10, attributes={"note": "needle"}) for i in range(25)), span("b", 0, 1, trace="2")
    )
    assert [searched for searched, _ in parse("needle").matches_in_parts(traces)] == [1, 2]


def test_cheap_conditions_are_not_divided(small_parts: None) -> None:
    assert len(list(parse("duration > 0s").matches_in_parts(with_word()))) == 1


def test_empty_set_has_no_parts(small_parts: None) -> None:
    assert list(parse("needle").matches_in_parts(build())) == []


async def test_first_matches_are_shown_while_the_search_goes_on(source: str, gate: Gate) -> None:
    async with opened(source) as (app, pilot):
        await pilot.press("slash", *"needle")
        await pilot.send("enter")
        gate.allow(1)
        await pilot.until("2 of 40 traces")
        assert "searching  25 %" in pilot.text
        assert "25 % of the traces searched" in pilot.text
        assert "Esc stops" in pilot.text
        gate.allow(1)
        await pilot.until("3 of 40 traces", "searching  50 %")
        gate.allow(2)
        await pilot.settle()
        assert "4 of 40 traces" in pilot.text
        assert "searching" not in pilot.text
        assert "searched" not in pilot.text
        assert app.state.shown.tolist() == [2, 3, 11, 35]


async def test_esc_stops_the_search_and_keeps_its_matches(source: str, gate: Gate) -> None:
    async with opened(source) as (app, pilot):
        await pilot.press("slash", *"needle")
        await pilot.send("enter")
        gate.allow(2)
        await pilot.until("3 of 40 traces", "searching  50 %")
        await pilot.send("escape")
        gate.allow(2)
        await pilot.settle()
        assert "search stopped after 50 % of the traces: 3 matches" in pilot.text
        assert "50 % of the traces searched" in pilot.text
        assert app.state.query == "needle"
        assert app.state.shown.tolist() == [2, 3, 11]
        # the same filter starts the search again
        await pilot.press("slash")
        gate.allow(4)
        await pilot.press("enter")
        assert "4 of 40 traces" in pilot.text
        assert "searched" not in pilot.text


async def test_search_stopped_before_the_first_match_keeps_the_former_filter(source: str, gate: Gate) -> None:
    async with opened(source) as (app, pilot):
        await pilot.press("slash", *"nowhere")
        await pilot.send("enter")
        gate.allow(1)
        await pilot.until("searching  25 %")
        await pilot.send("escape")
        gate.allow(3)
        await pilot.settle()
        assert "search stopped before the first match" in pilot.text
        assert app.state.query == ""
        assert len(app.state.shown) == COUNT
        assert "nowhere" not in pilot.text


async def test_another_filter_replaces_a_running_search(source: str, gate: Gate) -> None:
    async with opened(source) as (app, pilot):
        await pilot.press("slash", *"needle")
        await pilot.send("enter")
        gate.allow(1)
        await pilot.until("2 of 40 traces")
        app.post_message(FilterTraces("attr.number = 7"))
        gate.allow(3)
        await pilot.settle()
        assert app.state.query == "attr.number = 7"
        assert "searching" not in pilot.text


async def test_no_match_is_reported_after_the_whole_search(source: str, gate: Gate) -> None:
    async with opened(source) as (_, pilot):
        await pilot.press("slash", *"nowhere")
        gate.allow(4)
        await pilot.press("enter")
        assert "No trace matches this filter." in pilot.text

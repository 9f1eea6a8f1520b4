"""Comparison of a trace with the median trace of its entry point."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from tests.support.building import GivenSpan, build, span
from tests.support.paths import INCIDENT, SAMPLES, SHOP
from tests.support.strategies import service_sets, unhurried
from tests.support.trace_app import opened
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.normal_trace import compare_with_normal, find_normals
from tracetui.cli.main import run
from tracetui.export.save import save
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet
from tracetui.render.text.glyphs import ASCII, UNICODE
from tracetui.render.text.line import Line
from tracetui.render.waterfall.normal_diff import NormalDiff
from tracetui.render.waterfall.path_diff import PathDiff
from tracetui.session import Session

MS = 1_000


def requests(*queries: int, calls: int = 1, failed: int = -1) -> TraceSet:
    """Build one request a second with a query of each duration in ms; the last one has `calls` queries of that
    duration.
    """
    spans: list[GivenSpan] = []
    for number, duration in enumerate(queries):
        start, trace = number * 1_000_000, str(number)
        count = calls if number == len(queries) - 1 else 1
        end = start + (20 + duration * count) * MS
        spans.append(
            span(f"a{number}", start, end, trace=trace, kind=Kind.SERVER, name="GET /", error=number == failed,
                 attributes={"tier": "gold" if number == len(queries) - 1 else "free"})
        )  # fmt: skip
        for call in range(count):
            begin = start + (10 + duration * call) * MS
            spans.append(
                span(f"b{number}.{call}", begin, begin + duration * MS, trace=trace, parent=f"a{number}", service="db",
                     name="query")
            )  # fmt: skip
    return build(*spans)


def test_normal_trace_is_the_median_of_successful_ones() -> None:
    def median(traces: TraceSet, trace: int) -> int:
        normals = find_normals(traces, trace)
        assert normals is not None
        return normals.median

    assert median(requests(10, 20, 30, 40, 500), 4) == 1
    assert median(requests(10, 20, 30, 40, 500, failed=1), 4) == 2
    assert median(requests(10, 20, failed=0), 1) == 0, "all others failed"
    assert find_normals(requests(10), 0) is None
    assert compare_with_normal(requests(10), 0) is None


def test_further_normal_traces_are_those_nearest_to_the_median() -> None:
    normals = find_normals(requests(10, 20, 30, 34, 80, 500), 5)
    assert normals is not None
    assert normals.nearest.tolist() == [2, 3, 1, 0, 4]
    assert [normals.percentile(one) for one in normals.nearest.tolist()] == [50, 61, 40, 20, 81]
    assert [normals.longer(one) for one in normals.nearest.tolist()] == [2, 1, 3, 4, 0]
    assert normals.percentile(5) is None


@pytest.mark.parametrize("count", [1, 2, 3, 21, 92, 99, 100, 101, 250])
def test_percentile_of_a_trace_names_it_by_nearest_rank(count: int) -> None:
    normals = find_normals(requests(*range(10, 10 + count), 5_000), count)
    assert normals is not None
    percentiles = [normals.percentile(one) or 0 for one in normals.ranked.tolist()]
    assert normals.percentile(normals.median) == 50
    assert percentiles == sorted(percentiles)
    named = [int(normals.ranked[-(-percent * count // 100) - 1]) for percent in percentiles]
    if count <= 100:
        assert named == normals.ranked.tolist()
    assert all(abs(one - trace) <= count // 100 for one, trace in zip(named, normals.ranked.tolist(), strict=True))


def test_chosen_normal_trace_is_described() -> None:
    def second_title(traces: TraceSet, trace: int, normal: int | None = None) -> str:
        found = compare_with_normal(traces, trace, normal)
        assert found is not None
        return NormalDiff(found, traces, UNICODE).titles()[1].text

    many = requests(*range(10, 110), 500)
    assert "median of 100 others" in second_title(many, 100)
    assert "p55 of 100 others" in second_title(many, 100, 54)
    few = requests(10, 20, 30, 40, 500)
    assert "2nd slowest of 4 others" in second_title(few, 4, 2)
    assert "the only other  " in second_title(requests(10, 20), 1)
    failed = requests(10, 20, 30, 500, failed=1)
    assert "median of 2 others that did not fail" in second_title(failed, 3)
    assert "ms  failed  " in second_title(failed, 3, 1)


def test_share_above_the_whole_is_explained() -> None:
    def one(trace: int, first_ms: int, second_ms: int) -> list[GivenSpan]:
        start, a = trace * 10_000_000, f"a{trace}"
        ends = start + first_ms * MS, start + (first_ms + second_ms) * MS
        rows = ((a, start, ends[1], "", "web"), (f"b{trace}", start, ends[0], a, "db"), (f"c{trace}", *ends, a, "mail"))
        return [
            span(key, begin, end, trace=str(trace), parent=parent, service=service)
            for key, begin, end, parent, service in rows
        ]

    traces = build(*one(1, 50, 50), *one(2, 50, 50), *one(3, 120, 20))
    found = compare_with_normal(traces, 2)
    assert found is not None
    assert max(row.share for row in found.difference.listed) > 100
    text = "\n".join(line.text for line in NormalDiff(found, traces, UNICODE).rows.remarks(80))
    assert "a share above 100 %: other call paths changed in the other direction" in text


def test_added_time_by_call_path() -> None:
    traces = requests(10, 20, 30, 40, 500)
    found = compare_with_normal(traces, 4)
    assert found is not None
    assert (found.normal, found.population, found.rank, found.difference_ns) == (1, 5, 4, 480_000_000)
    _, query = found.difference.listed
    assert (query.path.service, query.added_ns, query.share) == ("db", 480_000_000, 100.0)
    assert not query.is_called_more
    assert [traces.span_id(one) for one in query.spans] == [traces.span_id(s) for s in (3, 9)]
    assert [(one.key, one.before, one.after) for one in found.difference.attributes] == [("tier", "free", "gold")]


def test_more_calls_and_slower_calls_are_distinguished() -> None:
    traces = requests(10, 10, 10, calls=8)
    found = compare_with_normal(traces, 2)
    assert found is not None
    _, query = found.difference.listed
    assert query.is_called_more
    text = "\n".join(line.text for line in NormalDiff(found, traces, UNICODE).lines(100))
    assert "×1 → 8" in text
    assert "called more often" in text


def calls_over_the_network(*networks: int, work: int = 10) -> TraceSet:
    """Build one request a second whose call is on the network for each time in ms; the callee of the last one works 30
    ms longer than `work`.
    """
    spans: list[GivenSpan] = []
    for number, network in enumerate(networks):
        start, trace = number * 1_000_000, str(number)
        busy = (work + 30 * (number == len(networks) - 1)) * MS
        end = start + 2 * MS + network * MS + busy
        begin = start + MS + network * MS // 2
        spans += [
            span(f"a{number}", start, end, trace=trace, kind=Kind.SERVER, name="GET /"),
            span(f"b{number}", start + MS, end - MS, trace=trace, parent=f"a{number}", kind=Kind.CLIENT, name="GET"),
            span(f"c{number}", begin, begin + busy, trace=trace, parent=f"b{number}", service="stock",
                 kind=Kind.SERVER, name="GET /stock"),
        ]  # fmt: skip
    return build(*spans)


def test_added_network_time_is_named() -> None:
    traces = calls_over_the_network(4, 4, 4, 104)
    found = compare_with_normal(traces, 3)
    assert found is not None
    _, client, _ = found.difference.paths
    assert client.path.network is not None
    assert (client.path.network.callee, client.path.network.total_ns) == ("stock", (4_000_000, 104_000_000))
    assert [one.network_added_ns for one in found.difference.paths] == [0, 100_000_000, 0]
    assert found.difference.slow_network is client
    text = "\n".join(line.text for line in NormalDiff(found, traces, UNICODE).lines(80))
    assert "mostly network time to stock: 104 ms, normally 4.00 ms" in text
    assert "api GET network  " in text
    faster = compare_with_normal(traces, 0, normal=3)
    assert faster is not None
    assert faster.difference.slow_network is None, "nothing was added"


def test_network_time_that_did_not_change_takes_no_room() -> None:
    traces = calls_over_the_network(4, 4, 4, 4)
    found = compare_with_normal(traces, 3)
    assert found is not None
    assert found.difference.slow_network is None
    assert "network" not in "\n".join(line.text for line in NormalDiff(found, traces, UNICODE).lines(120))


def test_the_slow_link_of_the_sample_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    sample = str(SAMPLES / "network")
    assert run(["compare", sample, "--trace", "slowest", "--width", "80"]) == 0
    assert "mostly network time to stock-service" in capsys.readouterr().out
    assert run(["compare", sample, "--trace", "slowest", "--json"]) == 0
    paths = json.loads(capsys.readouterr().out)["call_paths"]
    (slow,) = (one for one in paths if one.get("network_added_ms", 0) > 10)
    assert slow["network_to"] == "stock-service"
    assert slow["network_ms"] - slow["normal_network_ms"] == pytest.approx(slow["network_added_ms"], abs=0.01)
    assert [one["normal_queue_ms"] > 0 for one in paths if "queue_ms" in one] == [True]
    assert not any("network_ms" in one for one in paths if one["operation"].startswith("SELECT"))


@unhurried
@given(service_sets())
def test_added_times_sum_to_the_difference_of_the_critical_paths(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    paths = critical_paths(traces)
    for trace in range(traces.trace_count):
        found = compare_with_normal(traces, trace)
        if found is None:
            continue
        whole = int(paths.trace_critical[trace] - paths.trace_critical[found.normal])
        asynchronous = sum(
            int(paths.critical[s]) * sign
            for sign, one in ((1, trace), (-1, found.normal))
            for s in np.flatnonzero((traces.trace == one) & paths.asynchronous)
        )
        assert sum(one.added_ns for one in found.difference.paths) == whole + asynchronous
        for width in (40, 80, 160):
            for glyphs in (UNICODE, ASCII):
                for line in NormalDiff(found, traces, glyphs).lines(width):
                    assert line.width <= width
                    assert line.text.isascii() or glyphs is UNICODE


def test_names_take_the_room_of_bars_on_a_narrow_screen() -> None:
    traces = Session.open([INCIDENT]).loaded
    found = compare_with_normal(traces, int(np.argmax(traces.response_time)))
    assert found is not None
    diff = NormalDiff(found, traces, UNICODE).rows
    lines = [diff.line(row, 78).text for row in range(len(diff))]
    assert any("user-service database_query" in line for line in lines)
    assert any("recommendation-service" in line for line in lines)


def test_comparison_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", INCIDENT, "--trace", "slowest", "--width", "120"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("this    10:05:42.528  3.87 s  +2.73 s  slowest of 100")
    assert "67 %" in printed
    assert run(["compare", INCIDENT, "--trace", "slowest", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["population"] == 100
    assert round(sum(one["added_ms"] for one in found["call_paths"]), 3) == round(found["difference_ms"], 3)
    assert run(["compare", INCIDENT, "--trace", "nope"]) == 2
    assert run(["compare", INCIDENT, "--trace", "slowest", "--at", "10:05"]) == 2
    assert "use only one of --at, --by and --trace" in capsys.readouterr().err


def test_another_normal_trace_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    traces = Session.open([INCIDENT]).loaded
    normals = find_normals(traces, int(np.argmax(traces.response_time)))
    assert normals is not None
    other = traces.trace_ids[int(normals.ranked[49])]
    assert run(["compare", INCIDENT, "--trace", "slowest", "--normal", other, "--width", "120"]) == 0
    assert f"p54 of 91 others that did not fail  {other}" in capsys.readouterr().out
    assert run(["compare", INCIDENT, "--trace", "slowest", "--normal", other[:8], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["normal"] == other
    assert (found["normal_percentile"], found["normal_population"]) == (54, 91)
    for arguments, reason in (
        (["--trace", "slowest", "--normal", "slowest"], "--normal is the trace of --trace itself"),
        (["--normal", "slowest"], "--normal needs --trace"),
    ):
        assert run(["compare", INCIDENT, *arguments]) == 2
        assert reason in capsys.readouterr().err
    shop = Session.open([SHOP]).loaded
    entries = shop.operation[shop.main_root]
    trace, other = shop.trace_ids[0], shop.trace_ids[int(np.flatnonzero(entries != entries[0])[0])]
    assert run(["compare", str(SHOP), "--trace", trace, "--normal", other]) == 2
    assert "--normal has another entry point" in capsys.readouterr().err


async def test_comparison_by_a_key_in_the_waterfall() -> None:
    async with opened(INCIDENT, size=(120, 30)) as (app, pilot):
        await pilot.press("enter", "equals_sign")
        assert "slowest of 100" in pilot.text
        assert "░" in pilot.text
        await pilot.press("enter")
        assert pilot.lines[-2 if "database_query" not in pilot.lines[-1] else -1]
        assert "database_query" in pilot.text
        await pilot.press("escape")
        assert "slowest of 100" in pilot.text
        assert app.is_running


async def test_keys_choose_another_normal_trace() -> None:
    async with opened(INCIDENT, size=(120, 30)) as (app, pilot):
        await pilot.press("enter", "equals_sign")
        first = pilot.text
        assert "median of 91 others that did not fail" in first
        assert "> < another normal" in pilot.lines[-1]
        await pilot.press("greater_than_sign")
        assert re.search(r"p(49|51) of 91 others", pilot.text)
        assert pilot.lines[2:] != first.splitlines()[2:]
        await pilot.press("greater_than_sign", "less_than_sign", "less_than_sign")
        assert pilot.text == first
        await pilot.press("less_than_sign")
        assert re.search(r"p(\d|\d\d|100) of 91 others", pilot.text), "the furthest from the median"
        await pilot.press("enter")
        assert app.view == "waterfall"
        await pilot.press("escape", "greater_than_sign")
        assert pilot.text == first, "the next one after that it was left at"


async def test_keys_for_another_normal_trace_need_one(tmp_path: Path) -> None:
    path = tmp_path / "two.json"
    save(requests(10, 20), path)
    async with opened(str(path)) as (_, pilot):
        await pilot.press("enter", "equals_sign")
        first = pilot.text
        assert "the only other" in first
        assert "another normal" not in first
        await pilot.press("greater_than_sign")
        assert pilot.text == first


async def test_comparison_of_many_call_paths_draws_only_what_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def calls(trace: int, slower_us: int) -> list[GivenSpan]:
        spans, begin = [], trace * 10_000_000
        for number in range(3_000):
            end = begin + 100 + slower_us
            spans.append(
                span(f"{trace}.{number}", begin, end, trace=str(trace), parent=f"{trace}", name=f"op {number}x")
            )
            begin = end
        return [span(f"{trace}", trace * 10_000_000, begin, trace=str(trace), name="root"), *spans]

    path = tmp_path / "many.json"
    save(build(*calls(1, 0), *calls(2, 100)), path)
    drawn: list[int] = []
    line = PathDiff.line

    def counted(self: PathDiff, row: int, width: int) -> Line:
        drawn.append(row)
        return line(self, row, width)

    monkeypatch.setattr(PathDiff, "line", counted)
    monkeypatch.setattr("tracetui.analysis.trace_difference._MIN_PERCENT", 0.0)
    async with opened(str(path), size=(120, 30)) as (app, pilot):
        await pilot.press("equals_sign")
        assert "3,000" not in pilot.text
        assert 20 <= len(set(drawn)) <= 30
        drawn.clear()
        app.sent = 0
        await pilot.press("j")
        assert len(set(drawn)) <= 2
        assert app.sent < 1_500
        drawn.clear()
        await pilot.press("G")
        assert len(set(drawn)) <= 30
        assert 3_000 in drawn

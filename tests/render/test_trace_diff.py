"""Comparison of two traces by call path."""

from __future__ import annotations

from hypothesis import given

from tests.support.building import US, GivenSpan, build, span
from tests.support.strategies import span_sets, unhurried
from tracetui.analysis.compare_traces import CallPath, PathChange, compare_traces
from tracetui.analysis.critical_path import critical_paths
from tracetui.model.span import Flag
from tracetui.render.text.glyphs import UNICODE
from tracetui.render.text.tables import service_roles
from tracetui.render.waterfall.trace_diff import TraceDiff, whole_change


def both(before: list[GivenSpan], after: list[GivenSpan]) -> list[CallPath]:
    first, second = critical_paths(build(*before)), critical_paths(build(*after))
    return compare_traces(first, 0, second, 0)


BEFORE = [
    span("1", 0, 100, name="page"),
    span("2", 0, 40, parent="1", name="query", service="db"),
    span("3", 40, 50, parent="1", name="old", service="cache"),
]
AFTER = [
    span("1", 0, 80, name="page"),
    span("2", 0, 10, parent="1", name="query", service="db"),
    span("3", 10, 20, parent="1", name="query", service="db"),
    span("4", 20, 30, parent="1", name="new", service="cache"),
    span("5", 22, 28, parent="4", name="query", service="db", error=True),
]


def test_call_paths_are_added_removed_slower_and_faster() -> None:
    found = both(BEFORE, AFTER)
    assert [(one.depth, one.service, one.operation, one.counts, one.change) for one in found] == [
        (0, "api", "page", (1, 1), PathChange.FASTER),
        (1, "db", "query", (1, 2), PathChange.FASTER),
        (1, "cache", "old", (1, 0), PathChange.REMOVED),
        (1, "cache", "new", (0, 1), PathChange.ADDED),
        (2, "db", "query", (0, 1), PathChange.ADDED),
    ]
    page, query, *_, below = found
    # page: 50 of 100 us is self time, then 50 of 80
    assert (page.self_ns, page.critical_ns, page.total_ns) == ((50 * US, 50 * US),) * 2 + ((100 * US, 80 * US),)
    assert (query.self_ns, query.total_ns) == ((40 * US, 20 * US), (40 * US, 20 * US))
    assert (below.errors, below.spans) == ((0, 1), (-1, 4))
    # of several spans the first
    assert query.spans == (1, 1)
    assert {one.operation: one.change for one in both(AFTER, BEFORE) if one.depth < 2 and one.service == "db"} == {
        "query": PathChange.SLOWER
    }


def test_work_that_left_the_critical_path_is_faster() -> None:
    page, work = span("1", 0, 100, name="page"), span("2", 0, 50, parent="1", name="work")
    before = [page, work, span("3", 50, 100, parent="1", name="rest")]
    after = [page, work, span("3", 2, 100, parent="1", name="rest")]
    found = {one.operation: one for one in both(before, after)}["work"]
    assert (found.self_ns, found.critical_ns) == ((50 * US, 50 * US), (50 * US, 0))
    assert (found.change, found.own_change) == (PathChange.SAME, PathChange.FASTER)


def test_negligible_change_is_no_change() -> None:
    def trace(tiny: int) -> list[GivenSpan]:
        return [span("1", 0, 1_000, name="page"), span("2", 0, tiny, parent="1", name="tiny")]

    assert {one.change for one in both(trace(5), trace(12))} == {PathChange.SAME}
    assert PathChange.SLOWER in {one.change for one in both(trace(5), trace(60))}


def test_self_time_is_shown_if_there_is_room() -> None:
    rows = TraceDiff(both(BEFORE, AFTER), service_roles(build(*AFTER)), UNICODE)
    # total 100 us, self time 50 and critical 50; 20 less total, and the others unchanged
    wide, narrow = (" ".join(rows.line(0, width).text.split()) for width in (120, 80))
    assert wide.startswith("●api page 100 µs 80.0 µs 50.0 µs 50.0 µs 50.0 µs 50.0 µs faster")
    assert narrow.startswith("●api page 100 µs 80.0 µs 50.0 µs 50.0 µs faster")
    words = ["duration", "after", "self", "after", "critical", "after", "change"]
    assert rows.heading(120).text.split()[2:] == words
    assert rows.heading(80).text.split()[2:] == [*words[:2], *words[4:]]


def test_long_names_take_the_room_of_critical_times() -> None:
    long = "a-service-with-a-long-name"
    before = [span("1", 0, 100, name="page"), span("2", 10, 40, parent="1", service=long, name="fetch")]
    rows = TraceDiff(both(before, before), service_roles(build(*before)), UNICODE)
    assert f"{long} fetch" in rows.line(1, 78).text
    assert rows.heading(78).text.split()[2:] == ["duration", "after", "change"]
    for width in range(20, 160):
        assert rows.line(1, width).width <= width


def test_rows_show_counts_and_failures() -> None:
    rows = TraceDiff(both(BEFORE, AFTER), service_roles(build(*AFTER)), UNICODE)
    texts = [" ".join(line.text.split()) for line in rows.lines(90)]
    assert texts == [
        "call path duration after critical after change",
        "●api page 100 µs 80.0 µs 50.0 µs 50.0 µs faster",
        "●db query ×1 → 2 40.0 µs 20.0 µs 40.0 µs 20.0 µs faster here",
        "●cache old 10.0 µs - 10.0 µs - removed",
        "●cache new - 10.0 µs - 4.00 µs added",
        "●db query ✖ after - 6.00 µs - 6.00 µs added",
    ]


def test_duration_of_a_call_without_an_end_is_unknown() -> None:
    def trace(*flags: Flag) -> list[GivenSpan]:
        calls = (span(f"{i}", 10, 10, parent="1", name="lazy", flags=mark) for i, mark in enumerate(flags, 2))
        return [span("1", 0, 100, name="page"), *calls]

    finished = [span("1", 0, 100, name="page"), span("2", 10, 40, parent="1", name="lazy")]
    for before, after, expected in (
        (finished, trace(Flag.NO_DURATION), "●api lazy 30.0 µs unknown 30.0 µs 0 unknown"),
        (trace(Flag.NO_DURATION), finished, "●api lazy unknown 30.0 µs 0 30.0 µs unknown"),
        (trace(Flag.NO_DURATION), trace(Flag(0)), "●api lazy unknown 0 0 0 unknown"),
    ):
        found = both(before, after)
        rows = TraceDiff(found, service_roles(build(*after)), UNICODE)
        assert " ".join(rows.line(1, 80).text.split()) == expected
        assert None in found[1].self_ns
    (_, lazy) = both(finished, trace(Flag(0), Flag.NO_DURATION))
    assert lazy.total_ns == (30 * US, None)


def words(found: list[CallPath]) -> dict[str, str]:
    """Return the last column of each row."""
    rows = TraceDiff(found, {}, UNICODE)
    start = rows.heading(100).text.index("change")
    return {one.operation: rows.line(at, 100).text[start:].strip() for at, one in enumerate(found)}


def test_slower_span_is_marked_at_the_row_that_explains_it() -> None:
    def trace(middle: int, query: int) -> list[GivenSpan]:
        """Build a trace; `middle`: self time of the span that makes the query."""
        return [
            span("1", 0, middle + query + 20, name="page"),
            span("2", 10, 10 + middle + query, parent="1", name="find"),
            span("3", 10, 10 + query, parent="2", name="query", service="db"),
        ]

    # the query took 20 and takes 970; the self time of find was 80 and is 30
    assert words(both(trace(80, 20), trace(30, 970))) == {
        "page": "slower",
        "find": "slower below",
        "query": "slower here",
    }
    assert words(both(trace(30, 970), trace(80, 20))) == {
        "page": "faster",
        "find": "faster below",
        "query": "faster here",
    }
    # the total is unchanged, 50 moved from one to the other
    assert words(both(trace(80, 20), trace(30, 70))) == {"page": "", "find": "less here", "query": "slower here"}


def test_glyphs_distinguish_origins_from_propagated_errors() -> None:
    def trace(passed: bool, begun: bool) -> list[GivenSpan]:
        return [
            span("1", 0, 100, name="page", error=passed),
            span("2", 0, 50, parent="1", name="find", error=passed or begun),
            span("3", 0, 50, parent="2", name="query", service="db", error=begun),
        ]

    found = both(trace(True, True), trace(True, False))
    assert [(one.errors, one.origins) for one in found] == [((1, 1), (0, 0)), ((1, 1), (0, 1)), ((1, 0), (1, 0))]
    texts = [" ".join(line.text.split()) for line in TraceDiff(found, {}, UNICODE).lines(100)][1:]
    assert [text.split(" 1")[0].split(" 5")[0] for text in texts] == [
        "●api page ✗",
        "●api find ✗ before ✖ after",
        "●db query ✖ before",
    ]


def test_change_of_the_whole_trace() -> None:
    assert whole_change((100 * US, 1_000 * US), UNICODE) == "900 µs longer (+900 %)"
    assert whole_change((1_000 * US, 100 * US), UNICODE) == "900 µs shorter (-90 %)"
    assert whole_change((5, 5), UNICODE) == "no change"
    assert whole_change((0, 1_000), UNICODE) == "1.00 µs longer"


@unhurried
@given(span_sets())
def test_trace_does_not_differ_from_itself(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    paths = critical_paths(traces)
    for trace in range(traces.trace_count):
        found = compare_traces(paths, trace, paths, trace)
        assert {change for one in found for change in (one.change, one.own_change)} == {PathChange.SAME}
        own = traces.spans_of(trace)
        critical, total = (int(column[own.start : own.stop].sum()) for column in (paths.critical, traces.duration))
        for side in (0, 1):
            assert sum(one.counts[side] for one in found) == len(own)
            assert sum(one.critical_ns[side] or 0 for one in found) == critical
            assert sum(one.total_ns[side] or 0 for one in found) == total
        assert all(one.spans[0] in own for one in found)

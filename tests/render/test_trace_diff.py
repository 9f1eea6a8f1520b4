"""Comparison of two traces by call path."""

from __future__ import annotations

import re

from hypothesis import given

from tests.support.building import US, GivenSpan, build, span
from tests.support.strategies import span_sets, unhurried
from tracetui.analysis.compare_traces import CallPath, PathChange, compare_traces
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.trace_difference import trace_difference
from tracetui.model.span import Flag, Kind
from tracetui.render.text.glyphs import UNICODE
from tracetui.render.waterfall.marked_diff import whole_change
from tracetui.render.waterfall.path_diff import MARKED, NORMAL, DiffWords, PathDiff


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


_BAR = re.compile(r" [░█·]+(?= \d| -)")


def rows_of(found: list[CallPath], width: int = 100, words: DiffWords = MARKED) -> list[str]:
    """Return the texts of the heading and the rows with single blanks."""
    rows = PathDiff(trace_difference(found), {}, words, UNICODE)
    lines = [rows.heading(width), *(rows.line(row, width) for row in range(len(rows)))]
    assert all(line.width <= width for line in lines)
    return [" ".join(line.text.split()) for line in lines]


def test_rows_show_times_counts_and_failures() -> None:
    # page: 50 us of self time in both
    assert [_BAR.sub("", row) for row in rows_of(both(BEFORE, AFTER), 80)] == [
        "call path ░ both █ more · less before after difference share",
        "●api page 50.0 µs 50.0 µs 0",
        "●db query ×1 → 2 40.0 µs 20.0 µs -20.0 µs 100 %",
        "●cache old 10.0 µs - -10.0 µs 50 %",
        "●cache new - 4.00 µs +4.00 µs",
        "●db query ✖ after - 6.00 µs +6.00 µs",
    ]


def test_bars_and_remarks_have_room_on_a_wide_screen() -> None:
    heading, _, query, old, *_ = rows_of(both(BEFORE, AFTER), 120)
    assert "░ both █ more · less" in heading
    assert re.match(r"●db query ×1 → 2 ░+·+ 40.0 µs", query)
    assert old.endswith("50 % removed")


def test_share_of_the_whole_difference() -> None:
    def trace(first: int, second: int) -> list[GivenSpan]:
        calls = (span("2", 0, first, parent="1", name="a"), span("3", first, first + second, parent="1", name="b"))
        return [span("1", 0, first + second, name="page"), *calls]

    assert rows_of(both(trace(100, 100), trace(300, 200)), 63)[2:] == [
        "●api a ░░░░█████████ 100 µs 300 µs +200 µs 67 %",
        "●api b ░░░░█████ 100 µs 200 µs +100 µs 33 %",
    ]
    cancelled = trace_difference(both(trace(100, 100), trace(180, 21)))
    assert not cancelled.has_shares
    text = "\n".join(line.text for line in PathDiff(cancelled, {}, MARKED, UNICODE).lines(100))
    assert "%" not in text.replace("1 %", "")
    assert "no shares: longer and shorter call paths cancel out" in text


def test_callers_of_what_differs_are_listed() -> None:
    def trace(slow: int) -> list[GivenSpan]:
        return [
            span("1", 0, 1_000 + slow, name="page"),
            span("2", 0, 100, parent="1", name="same"),
            span("3", 10, 90, parent="2", name="below the same"),
            span("4", 100, 900 + slow, parent="1", name="caller"),
            span("5", 110, 200, parent="4", name="fast"),
            span("6", 200, 800 + slow, parent="4", name="slow"),
        ]

    found = trace_difference(both(trace(0), trace(500)))
    assert [one.path.operation for one in found.listed] == ["page", "caller", "slow"]
    text = "\n".join(line.text for line in PathDiff(found, {}, MARKED, UNICODE).lines(100))
    assert "3 more call paths differ by less than 1 % of the whole" in text


def test_equal_traces_have_no_rows() -> None:
    found = both(BEFORE, BEFORE)
    assert [line.text for line in PathDiff(trace_difference(found), {}, MARKED, UNICODE).lines(80)] == [
        "no difference in 3 call paths"
    ]


def test_network_and_queue_time_of_both_traces_are_shown() -> None:
    def trace(network: int, queue: int) -> list[GivenSpan]:
        answered = 10 + network + 20
        return [
            span("1", 0, answered + 30, name="page", kind=Kind.SERVER),
            span("2", 10, answered, parent="1", name="GET", kind=Kind.CLIENT),
            span("3", 10 + network // 2, 30 + network // 2, parent="2", service="stock", kind=Kind.SERVER),
            span("4", answered + 10, answered + 20, parent="1", name="send", kind=Kind.PRODUCER),
            span("5", answered + 20 + queue, answered + 25 + queue, parent="4", service="mail", kind=Kind.CONSUMER),
        ]

    found = both(trace(10, 5), trace(210, 105))
    wide = rows_of(found, 140)
    assert any("GET" in text and text.endswith("network 10.0 µs → 210 µs") for text in wide)
    assert any("send" in text and text.endswith("queue 5.00 µs → 105 µs") for text in wide)
    narrow = rows_of(found, 70)
    assert any(text.startswith("●api GET network 10.0 µs 210 µs") for text in narrow)
    assert any(text.startswith("●api send queue +100 µs") for text in narrow)
    (title,) = (line for line in [PathDiff(trace_difference(found), {}, MARKED, UNICODE).network_title()] if line)
    assert title.text == "added   mostly network time to stock: 210 µs, before 10.0 µs"
    assert not any("queue" in text or "network" in text for text in rows_of(both(trace(1, 0), trace(1, 0))))


def test_duration_of_a_call_without_an_end_is_unknown() -> None:
    def trace(*flags: Flag) -> list[GivenSpan]:
        calls = (span(f"{i}", 10, 10, parent="1", name="lazy", flags=mark) for i, mark in enumerate(flags, 2))
        return [span("1", 0, 100, name="page"), *calls]

    finished = [span("1", 0, 100, name="page"), span("2", 10, 40, parent="1", name="lazy")]
    for before, after in (
        (finished, trace(Flag.NO_DURATION)),
        (trace(Flag.NO_DURATION), finished),
        (trace(Flag.NO_DURATION), trace(Flag(0))),
    ):
        lazy = both(before, after)[1]
        assert None in lazy.total_ns
        assert None in lazy.self_ns
        assert lazy.change is PathChange.UNKNOWN
    (_, lazy) = both(finished, trace(Flag(0), Flag.NO_DURATION))
    assert lazy.total_ns == (30 * US, None)


def test_slower_span_is_marked_at_the_row_that_explains_it() -> None:
    def trace(middle: int, query: int) -> list[GivenSpan]:
        """Build a trace; `middle`: self time of the span that makes the query."""
        return [
            span("1", 0, middle + query + 20, name="page"),
            span("2", 10, 10 + middle + query, parent="1", name="find"),
            span("3", 10, 10 + query, parent="2", name="query", service="db"),
        ]

    def changes(found: list[CallPath]) -> list[tuple[PathChange, PathChange]]:
        return [(one.change, one.own_change) for one in found]

    same, slower, faster = PathChange.SAME, PathChange.SLOWER, PathChange.FASTER
    # the query took 20 and takes 970; the self time of find was 80 and is 30
    assert changes(both(trace(80, 20), trace(30, 970))) == [(slower, same), (slower, faster), (slower, slower)]
    assert changes(both(trace(30, 970), trace(80, 20))) == [(faster, same), (faster, slower), (faster, faster)]
    # the total is unchanged, 50 moved from one to the other
    assert changes(both(trace(80, 20), trace(30, 70))) == [(same, same), (same, faster), (slower, slower)]


def test_glyphs_distinguish_origins_from_propagated_errors() -> None:
    def trace(passed: bool, begun: bool) -> list[GivenSpan]:
        return [
            span("1", 0, 100, name="page", error=passed),
            span("2", 0, 50, parent="1", name="find", error=passed or begun),
            span("3", 0, 50, parent="2", name="query", service="db", error=begun),
        ]

    found = both(trace(True, True), trace(True, False))
    assert [(one.errors, one.origins) for one in found] == [((1, 1), (0, 0)), ((1, 1), (0, 1)), ((1, 0), (1, 0))]
    assert [_BAR.sub("", row) for row in rows_of(found, 80)[1:]] == [
        "●api page ✗ 50.0 µs 50.0 µs 0",
        "●api find ✗ before ✖ after 0 0 0",
        "●db query ✖ before 50.0 µs 50.0 µs 0",
    ]
    assert "✖ only here" in rows_of(found, 80, NORMAL)[2]


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

"""Trace list and plot as lines, for any width and any names."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import EPOCH, GivenSpan, build, span
from tests.support.strategies import span_sets, unhurried
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet
from tracetui.render.text.cells import cell_width
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.percentiles import typical
from tracetui.render.text.short_names import short_names
from tracetui.render.traces.columns import SortKey, trace_columns
from tracetui.render.traces.layout import ColumnWidths, lay_out
from tracetui.render.traces.scatter import Plot, Points, Region
from tracetui.render.traces.scatter_stats import STATS_WIDTH, region_lines, stats_lines, trend
from tracetui.render.traces.table import TraceGroup, TraceRows, bar

MS = 1_000_000
SECOND = 1_000_000


def failing() -> TraceSet:
    """Build traces: trace 1 fails in `db`, propagated to `api`; trace 2 is slower, without errors."""
    return build(
        span("1", 0, SECOND, trace="1", service="api-gateway", name="GET /cart", error=True),
        span("2", 10, 500, parent="1", trace="1", service="user-service", name="find"),
        span("3", 600, 900, parent="1", trace="1", service="redis", name="get", error=True),
        span("4", 60 * SECOND, 62 * SECOND, trace="2", service="api-gateway", name="GET /user"),
    )


def rows(traces: TraceSet, glyphs: Glyphs = UNICODE, **more: Any) -> TraceRows:
    columns = trace_columns(traces)
    every = columns.sorted(np.arange(traces.trace_count), SortKey.DURATION, True)
    return TraceRows(columns, every, glyphs=glyphs, **more)


def roles_of(line: Line, text: str) -> set[str]:
    return {run.role for run in line.runs if text in run.text}


def is_safe(text: str) -> bool:
    return all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text)


def mailing() -> TraceSet:
    """Build a request of 200 ms with a mail processed an hour later, and a trace without its root."""
    return build(
        span("1", 0, 200_000, trace="1", service="shop", name="POST"),
        span("2", 1, 2, trace="1", parent="1", service="shop", name="send", kind=Kind.PRODUCER),
        span("3", 3600 * SECOND, 3601 * SECOND, trace="1", parent="2", service="mail", kind=Kind.CONSUMER),
        span("4", 0, 100_000, trace="2", parent="gone", service="shop", name="GET"),
    )


def test_response_times_are_shown_with_durations_if_they_differ() -> None:
    listed = rows(mailing())
    heading = listed.header(140, SortKey.DURATION, True)
    assert "whole trace" in heading.text
    assert "▼ response" in heading.text
    first, second = (listed.line(row, 140).text for row in range(2))
    assert re.search(r"shop POST .* 1 h .* 200 ms", first)
    assert re.search(r"shop GET ⚠ root missing .* 100 ms .* 100 ms", second)
    assert listed.heading_at(140, heading.text.index("whole") + 3) is None
    assert listed.heading_at(140, heading.text.index("response") + 3) is SortKey.DURATION
    assert first.count("█") > second.count("█") > 0
    for width in range(20, 140):
        assert listed.header(width, None, False).width <= width
        assert listed.line(0, width).width == width


def test_names_come_before_durations_of_whole_traces() -> None:
    listed = rows(mailing())
    assert "whole trace" not in listed.header(60, None, False).text
    assert all(listed.line(row, 60).text.split()[-2:] in (["200", "ms"], ["100", "ms"]) for row in range(2))
    assert "shop GET ⚠ root missing" in listed.line(1, 60).text


def test_only_durations_are_shown_if_response_times_are_equal() -> None:
    assert "whole trace" not in rows(failing()).header(200, None, False).text


def test_row_has_a_remark_about_clock_skew() -> None:
    traces = build(
        span("1", 0, 100, service="web", name="GET"),
        span("2", -900, -800, parent="1", service="api", name="GET"),
    )
    assert "web GET ⚠ skew?" in rows(traces).line(0, 120).text
    assert int(traces.skewed.sum()) == 1


def test_row_names_the_service_where_the_error_began() -> None:
    line = rows(failing()).line(1, 138)
    assert line.text.startswith("  22:13:20.000  api-gateway GET /cart")
    assert "✖redis" in line.text
    assert "✗api-gateway" in line.text
    assert "✖1 ✗1" in line.text
    assert re.search(r"1(\.00)? s ██", line.text)
    assert roles_of(line, "██") == {Role.DIM}
    assert roles_of(line, "✖redis") == {Role.ERROR}
    assert roles_of(line, "✗api-gateway") == {Role.PROPAGATED}
    assert not roles_of(line, "●user") & {Role.ERROR, Role.PROPAGATED}


def test_services_are_letters_without_colour() -> None:
    line = rows(failing(), ASCII).line(1, 78)
    assert "xag  us Xre" in line.text
    assert line.text.isascii()


def test_header_aligns_with_its_columns() -> None:
    listed = rows(failing())
    for width in (60, 78, 118, 198):
        header = listed.header(width, SortKey.DURATION, True).text
        line = listed.line(0, width).text
        assert "▼ duration" in header
        assert len(header.rstrip()) <= width
        if "trace" in header:
            assert header.index("trace") == line.index("api-gateway")
        end = header.index("duration") + len("duration")
        assert line[:end].endswith(" s")
        assert len(line) == end or line[end] == " "
    assert "start UTC ▲" in listed.header(118, SortKey.START, False).text
    assert "^spans" in rows(failing(), ASCII).header(198, SortKey.SPANS, False).text


def test_least_important_columns_are_dropped_first() -> None:
    listed = rows(failing())
    shown = [[bool(cells) for cells in _cells(listed, width)] for width in (198, 76, 60, 40, 20)]
    assert shown[0] == [True] * 7
    assert all(sum(wide) >= sum(narrow) for wide, narrow in pairwise(shown))
    assert listed.layout(20).name
    assert listed.layout(198).full_services


needs_of_any_set = st.builds(
    ColumnWidths,
    start=st.integers(12, 23),
    short_start=st.integers(8, 12),
    name=st.integers(1, 90),
    services=st.integers(9, 24),
    full_services=st.integers(40, 110),
    some_services=st.integers(24, 40),
    spans=st.integers(6, 9),
    errors=st.integers(7, 11),
    duration=st.integers(4, 10),
    whole=st.sampled_from((0, 11)),
    verdict=st.sampled_from((0, 60)),
)


@unhurried
@given(needs_of_any_set)
def test_wider_line_contains_all_columns_of_a_narrower_one(needs: ColumnWidths) -> None:
    def shown(width: int) -> tuple[int, ...]:
        layout = lay_out(needs, width)
        columns = (layout.start, layout.services, layout.spans, layout.errors, layout.duration, layout.bar)
        # a name is never cut for a duration that mostly repeats the one beside it
        assert not layout.whole or layout.name >= needs.name
        return (*map(bool, columns), layout.whole > 0, layout.exact_start, layout.full_services, layout.verdict)

    for narrow, wide in pairwise(map(shown, range(60, 251))):
        assert all(after >= before for before, after in zip(narrow, wide, strict=True))


def test_error_message_precedes_full_service_names() -> None:
    needs = ColumnWidths(
        start=12,
        short_start=10,
        name=24,
        services=11,
        full_services=50,
        some_services=50,
        spans=6,
        errors=7,
        duration=7,
        whole=0,
        verdict=60,
    )
    found = {width: (lay_out(needs, width).verdict, lay_out(needs, width).full_services) for width in (106, 107, 130)}
    # 2 + 14 + 26 + 13 + 8 + 9 + 10 + 9 of a useful bar, and 2 + 14
    assert found == {106: (0, False), 107: (14, False), 130: (24, False)}
    # 39 more for the names, then the error message in full
    assert [(lay_out(needs, width).verdict, lay_out(needs, width).full_services) for width in (155, 156, 192)] == [
        (24, False),
        (24, True),
        (60, True),
    ]


def _cells(listed: TraceRows, width: int) -> list[int]:
    layout = listed.layout(width)
    return [layout.name, layout.duration, layout.errors, layout.start, layout.bar, layout.services, layout.spans]


def test_services_with_errors_are_shown_first() -> None:
    spans = [span("0", 0, 100, service="web", error=True)]
    spans += [span(str(i), i, 90, parent="0", service=f"service-{i}", error=i == 8) for i in range(1, 10)]
    text = rows(build(*spans)).line(0, 76).text
    assert "✖s8" in text
    assert "+" in text


def test_sorting_by_every_column() -> None:
    columns = trace_columns(failing())
    every = np.arange(2)
    assert {key: columns.sorted(every, key, True).tolist() for key in SortKey} == {
        SortKey.START: [1, 0],
        SortKey.NAME: [1, 0],
        SortKey.SERVICES: [0, 1],
        SortKey.SPANS: [0, 1],
        SortKey.ERRORS: [0, 1],
        SortKey.DURATION: [1, 0],
    }
    assert columns.sorted(every, SortKey.START, False).tolist() == [0, 1]


def test_groups_have_headings() -> None:
    columns = trace_columns(failing())
    groups = [
        TraceGroup(7, lambda _: Line([("first", "")]), np.array([1, 0]), False),
        TraceGroup(8, lambda _: Line([("next", "")]), np.array([0]), True),
    ]
    listed = TraceRows(columns, np.arange(2), glyphs=UNICODE, groups=groups)
    assert len(listed) == 4
    assert [listed.trace(row) for row in range(5)] == [None, 1, 0, None, None]
    assert listed.line(0, 40).text == "▾ first"
    assert listed.line(3, 40).text == "▸ next"
    group = listed.group(3)
    assert group is not None
    assert group.key == 8
    assert listed.row_of(0) == 2
    assert listed.row_of(5) is None


def test_dates_are_shown_for_several_days() -> None:
    day = 86_400 * SECOND
    listed = rows(build(span("1", 0, 10), span("2", 2 * day, 2 * day + 5, trace="2")))
    assert "11-14 22:13:20.000" in listed.line(0, 118).text


def test_years_are_shown_for_several_years() -> None:
    year = 366 * 86_400 * SECOND
    traces = build(
        span("1", 0, 10), span("2", year, year + 5, trace="2"), span("3", 60 * SECOND, 61 * SECOND, trace="3")
    )
    columns = trace_columns(traces)
    listed = TraceRows(columns, np.arange(3), glyphs=UNICODE)
    assert [listed.line(row, 118).text[2:21] for row in (0, 1)] == ["2023-11-14 22:13:20", "2024-11-14 22:13:20"]
    # the shown traces decide, not the loaded ones
    assert TraceRows(columns, np.array([0, 2]), glyphs=UNICODE).line(0, 118).text.startswith("  22:13:20.000")
    plot = Plot(Points(traces.trace_start, traces.trace_duration, traces.trace_errors > 0), 60, 6, UNICODE)
    assert "2023-11-14" in plot.lines[-1].text
    assert "2024-11-14" in plot.lines[-1].text
    text = "\n".join(line.text for line in region_lines(plot, Region(2, plot.columns - 3, 0, 1), UNICODE, ""))
    assert re.search(r"2023-1\d-\d\d–2024-1\d-\d\d", text)
    # an open end is named
    text = "\n".join(line.text for line in region_lines(plot, Region(2, plot.columns - 1, 0, 1), UNICODE, ""))
    assert re.search(r"from 2023-1\d-\d\d on", text)
    text = "\n".join(line.text for line in region_lines(plot, Region(0, plot.columns - 3, 0, 1), UNICODE, ""))
    assert re.search(r"until 2024-1\d-\d\d", text)


def test_narrow_list_drops_milliseconds_before_names() -> None:
    name = "api-gateway GET /profile"
    spans = [span("1", 0, SECOND, service="api-gateway", name="GET /profile", error=True)]
    spans += [span(str(i), 1, 9, parent="1", service=f"service-{i}", error=True) for i in range(2, 5)]
    listed = rows(build(*spans))
    narrow, wide = listed.line(0, 77).text, listed.line(0, 118).text
    assert name in narrow
    assert "22:13:20  " in narrow
    assert "22:13:20.000" in wide
    assert "█" in narrow


@pytest.mark.parametrize("width", [118, 138, 198])
def test_bars_reach_the_end_of_the_line(width: int) -> None:
    line = rows(build(span("1", 0, SECOND, name="GET /"))).line(0, width)
    assert line.width == width
    assert line.text.endswith("█")
    for traces in (failing(), wide_trace()):
        assert rows(traces).line(0, width).width == width


def test_error_message_follows_the_bar_of_a_trace() -> None:
    traces = build(
        span("1", 0, SECOND, trace="1", service="web", error=True),
        span("2", 0, 9, trace="1", service="db", parent="1", error=True, message="row 7 \x1b[31mis locked"),
        span("1", 0, 9, trace="2", service="web"),
    )
    listed = rows(traces)
    assert listed.line(0, 118).text.rstrip().endswith("█  ✖ row 7 ␛[31mis locked")
    assert "✖ row" not in listed.line(1, 118).text
    assert "row 7" not in listed.line(0, 77).text
    # the bars of both have one scale
    assert listed.layout(118).bar == rows(traces).layout(118).bar


def wide_trace() -> TraceSet:
    """Build a trace through twelve services, with an error that began in the last."""
    names = [
        f"{word}-service" for word in "account auth cart order loyalty invoice inventory mail stock tax web".split()
    ]
    spans = [span("a0", 0, 100, service="shop-front", name="GET /", error=True)]
    spans += [span(str(i), i, 90, parent="a0", service=name, error=i == 11) for i, name in enumerate(names, 1)]
    return build(*spans)


@pytest.mark.parametrize("width", [77, 118, 138, 198])
def test_services_have_their_colours_in_any_number(width: int) -> None:
    line = rows(wide_trace()).line(0, width)
    coloured = [run for run in line.runs if run.role.startswith("service:")]
    # two full names are those of services with errors, which are red
    assert coloured or width == 138
    # services with errors are among the few shown, followed by the number of the others
    assert roles_of(line, "✖") >= {Role.ERROR}
    assert "+" in line.text
    # each change of colour costs bytes at each move of the cursor
    assert len([run for run in line.runs if run.role]) <= 6


def test_services_have_full_names_if_they_fit() -> None:
    listed = rows(wide_trace())
    assert "✖web-service" in listed.line(0, 198).text
    assert "✖ws" in listed.line(0, 77).text
    shown = listed.line(0, 198).text
    (count,) = re.findall(r"\+(\d+)", shown)
    hidden = int(count)
    assert hidden + len(re.findall("[●✖✗][a-z]", shown)) == 12


def test_two_letters_identify_one_service() -> None:
    names = ["invoice-service", "inventory-service", "inventory-sync", "redis", "redis-cache", "日本", "日中", "?", "!"]
    short = short_names(names)
    assert len(set(short)) == len(names)
    assert short[names.index("inventory-service")] == "is"
    assert short[names.index("redis")] == "re"
    # the same names in another order have the same letters
    assert short_names(names[::-1]) == short[::-1]


@unhurried
@given(st.lists(st.text(st.characters(), max_size=12), unique=True, max_size=60))
def test_any_names_have_distinct_letters(names: list[str]) -> None:
    short = short_names(names)
    assert len(set(short)) == len(names)
    assert all(0 < cell_width(word) <= 2 for word in short)


def test_more_names_than_pairs_of_letters() -> None:
    names = [f"s{i}" for i in range(2_000)]
    assert all(short_names(names))


def test_heading_at_a_cell() -> None:
    listed = rows(failing())
    for width in (60, 77, 118, 198):
        header = listed.header(width, None, True).text
        assert listed.heading_at(width, 0) is None
        for key in SortKey:
            if key in header:
                assert listed.heading_at(width, header.index(key) + 1) is key
        assert listed.heading_at(width, width - 1) is SortKey.DURATION


def test_marked_traces_have_a_mark() -> None:
    assert rows(failing(), marked={1}).line(0, 78).text.startswith("✓ ")
    assert rows(failing(), ASCII, marked={1}).line(0, 78).text.startswith("+ ")


NAMES = st.text(st.characters(), max_size=60)


@unhurried
@given(NAMES, NAMES, st.integers(1, 220), st.booleans(), st.sampled_from((UNICODE, ASCII)))
def test_any_names_at_any_width(service: str, name: str, width: int, error: bool, glyphs: Glyphs) -> None:
    traces = build(
        span("1", 0, 100, service=service, name=name, error=error),
        span("2", 0, 100, parent="1", service=name, name=service, error=error),
    )
    listed = rows(traces, glyphs)
    for line in (listed.line(0, width), listed.header(width, SortKey.NAME, True)):
        assert line.width <= width
        assert is_safe(line.text)


@unhurried
@given(span_sets(), st.integers(1, 220))
def test_any_set_at_any_width(spans: list[GivenSpan], width: int) -> None:
    traces = build(*spans)
    listed = rows(traces)
    assert len(listed) == traces.trace_count
    for row in range(len(listed)):
        assert listed.line(row, width).width == width
    points = Points(traces.trace_start, traces.trace_duration, traces.trace_errors > 0)
    plot = Plot(points, width, 1 + width % 9, UNICODE)
    assert len(plot.lines) == plot.rows + 1 + plot.has_shares
    assert all(line.width <= width for line in plot.lines)
    assert all(line.width <= STATS_WIDTH for line in stats_lines(points, UNICODE))


def test_bar_shows_every_section() -> None:
    assert bar(0, 10, UNICODE) == ""
    assert bar(1e-9, 10, UNICODE) == "▏"
    assert bar(1, 10, UNICODE) == "█" * 10
    assert bar(2, 3, ASCII) == "###"
    assert bar(0.5, 3, UNICODE) == "█▌"


# --- the plot --------------------------------------------------------------------------------------------------------


def points(*given_points: tuple[int, int, bool]) -> Points:
    """Build points of (seconds, milliseconds, failed)."""
    start, duration, failed = zip(*given_points, strict=True)
    return Points(EPOCH + np.array(start) * 1_000 * MS, np.array(duration) * MS, np.array(failed))


def test_plot_axes_and_error_glyphs() -> None:
    plot = Plot(points((0, 10, False), (600, 3_900, True), (300, 2_100, False)), 46, 5, UNICODE)
    lines = [line.text for line in plot.lines]
    assert re.match(r"4(\.00)? s ┤", lines[0])
    assert lines[0].rstrip().endswith("✖")
    assert lines[1][plot.left + plot.columns // 2] == "⡀"
    assert re.match(r" *0 s ┤⡀", lines[3])
    assert "22:13" in lines[4]
    assert "22:23" in lines[4]


def test_enough_traces_have_a_row_for_the_share_of_failed_ones() -> None:
    few = Plot(points(*((i, 10, i == 3) for i in range(15))), 46, 6, UNICODE)
    many = Plot(points(*((i, 10, i == 3) for i in range(16))), 46, 6, UNICODE)
    assert not any("failed" in line.text for line in few.lines)
    assert many.lines[-1].text.lstrip().startswith("failed")


@pytest.mark.parametrize("width", [50, 80, 160])
@pytest.mark.parametrize("span_ns", [1, 900, 20_000, 3_000_000, 900_000_000, 3_999_000_000, 100_000_000_000])
def test_times_on_the_axis_differ(span_ns: int, width: int) -> None:
    of_points = Points(EPOCH + np.array([0, span_ns]), np.array([MS, MS]), np.array([False, False]))
    plot = Plot(of_points, width, 6, UNICODE)
    shown = re.findall(r"[0-9:.]+[0-9]", plot.lines[-1].text)
    assert shown
    assert len(set(shown)) == len(shown)
    assert len(shown) > 1 or span_ns < 1_000
    text = "\n".join(line.text for line in region_lines(plot, Region(5, plot.columns - 6, 0, 1), UNICODE, ""))
    begin, _, end = text.splitlines()[1].partition("–")
    assert begin != end or span_ns < 1_000


def test_each_time_occurs_once_on_the_axis() -> None:
    plot = Plot(points((0, 10, False)), 80, 6, UNICODE)
    assert plot.lines[-1].text.count("22:13:20") == 1


def test_long_tail_has_a_logarithmic_scale() -> None:
    plot = Plot(points(*((i, 1, False) for i in range(20)), (30, 5_000, False)), 60, 6, UNICODE)
    assert plot.logarithmic
    assert "log" in plot.lines[-1].text
    assert plot.cell(EPOCH, MS)[1] < plot.cell(EPOCH, 5_000 * MS)[1]


def test_region_covers_a_window() -> None:
    plot = Plot(points(*((i, 10 * i, i == 9) for i in range(100))), 60, 6, UNICODE)
    whole = plot.window(Region(0, plot.columns - 1, 0, plot.rows - 1))
    assert (whole.start_ns, whole.end_ns, whole.least_ns, whole.most_ns) == (None, None, None, None)
    region = Region(5, 20, 1, 2)
    window = plot.window(region)
    inside = plot.inside(region)
    assert inside.any()
    start, duration = plot.points.start[inside], plot.points.duration[inside]
    assert window.start_ns is not None
    assert window.end_ns is not None
    assert window.least_ns is not None
    assert window.most_ns is not None
    assert window.start_ns <= start.min() <= start.max() < window.end_ns
    assert window.least_ns <= duration.min() <= duration.max() <= window.most_ns
    text = "\n".join(line.text for line in region_lines(plot, region, UNICODE, ""))
    assert f"{inside.sum()} traces" in text


@unhurried
@given(st.lists(st.integers(0, 900_000_000_000), min_size=2, unique=True), st.data())
def test_window_selects_the_points_of_its_region_in_short_notation(starts: list[int], data: st.DataObject) -> None:
    given_points = Points(EPOCH + np.array(sorted(starts)), np.full(len(starts), MS), np.zeros(len(starts), bool))
    plot = Plot(given_points, 60, 6, UNICODE)
    left = data.draw(st.integers(1, plot.columns - 2))
    region = Region(left, data.draw(st.integers(left, plot.columns - 2)), 0, plot.rows - 1)
    window = plot.window(region)
    assert window.start_ns is not None
    assert window.end_ns is not None
    start = plot.points.start
    assert ((start >= window.start_ns) & (start < window.end_ns)).tolist() == plot.inside(region).tolist()
    per_column = (int(start.max()) - int(start.min())) / plot.columns
    for time, column in ((window.start_ns, left), (window.end_ns, region.right + 1)):
        assert abs(time - int(start.min()) - column * per_column) <= per_column + 2


def test_a_window_is_written_with_few_digits() -> None:
    plot = Plot(points(*((7 * i, 10, False) for i in range(130))), 80, 6, UNICODE)
    window = plot.window(Region(10, 30, 0, plot.rows - 1))
    assert window.start_ns is not None
    assert window.end_ns is not None
    assert window.start_ns % 1_000_000_000 == window.end_ns % 1_000_000_000 == 0


def test_percentiles_distribution_and_failures() -> None:
    text = "\n".join(line.text for line in stats_lines(points(*((i, 10 * i + 10, i < 3) for i in range(100))), UNICODE))
    assert "p50    505 ms" in text
    assert "of 100 traces" in text
    assert "✖ 3 of 100 requests failed  3" in text
    assert re.search(r"10(\.0)? ms–1(\.00)? s", text)
    none = Points(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, bool))
    assert stats_lines(none, UNICODE) == []
    assert "no errors" in stats_lines(points((0, 5, False)), ASCII)[-1].text


def test_few_traces_have_a_range_and_no_percentiles() -> None:
    few, enough = (points(*((i, i + 1, False) for i in range(count))) for count in (19, 20))
    text = "\n".join(line.text for line in stats_lines(few, UNICODE))
    assert "p50" not in text
    assert "p95" not in text
    assert re.search(r"min +1(\.00)? ms", text)
    assert re.search(r"max +19(\.0)? ms +of 19 traces", text)
    assert "p95" in "\n".join(line.text for line in stats_lines(enough, UNICODE))
    assert re.fullmatch(r"1(\.00)? ms–19(\.0)? ms", typical(few.duration, UNICODE))
    assert typical(enough.duration, UNICODE).startswith("p50 10.5 ms")


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_trends_show_minimum_and_maximum(glyphs: Glyphs) -> None:
    assert trend([0, 1, 100], glyphs) == f" {glyphs.trend[0]}{glyphs.trend[-1]}"


def test_a_hundred_thousand_points() -> None:
    rng = np.random.default_rng(1)
    count = 100_000
    start = EPOCH + np.sort(rng.integers(0, 3_600 * 1_000 * MS, count))
    many = Points(start, rng.exponential(50 * MS, count).astype(np.int64), rng.random(count) < 0.01)
    plot = Plot(many, 100, 8, UNICODE)
    assert all(line.width <= 100 for line in plot.lines)
    assert not all("✖" in line.text for line in plot.lines)

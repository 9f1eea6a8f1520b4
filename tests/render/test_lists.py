from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import GivenSpan, build, span
from tests.support.paths import SAMPLES
from tests.support.stack_traces import STACKS
from tests.support.strategies import unhurried
from tests.support.texts import ANY_TEXT, ODD_TEXT, is_harmless
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.compare import compare
from tracetui.analysis.compare_traces import compare_traces
from tracetui.analysis.contrast import contrast
from tracetui.analysis.dependencies import find_dependencies
from tracetui.analysis.error_table import GROUPINGS, ErrorTable
from tracetui.analysis.operation_table import OperationTable
from tracetui.analysis.service_table import ServiceTable
from tracetui.analysis.trace_difference import trace_difference
from tracetui.cli.output import MIN_WIDTH
from tracetui.model.span import Kind, Status
from tracetui.model.traces import TraceSet
from tracetui.render.errors.detail import ErrorDetail
from tracetui.render.errors.example import ExampleLines
from tracetui.render.errors.table import ErrorList, ErrorListColumns, trend
from tracetui.render.hot_spots.detail import HotSpotDetail
from tracetui.render.hot_spots.suggestions import SuggestionDetail, SuggestionList
from tracetui.render.hot_spots.table import HotSpotList, HotSpotListColumns
from tracetui.render.report.compare_text import ComparisonLines
from tracetui.render.services.table import SORTINGS, ServiceList, ServiceListColumns
from tracetui.render.text.cells import cell_width
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.stack_trace import read_stack_trace
from tracetui.render.text.tables import service_name, service_roles, share_bar
from tracetui.render.traces.contrast import ContrastList
from tracetui.render.waterfall.path_diff import MARKED, NORMAL, PathDiff
from tracetui.session import Session
from tracetui.tui.views.services.modes import DIFFERENCE, FAILS, PATH, SHARED, SLOW, Mode, mode_columns, title

NAMES = ANY_TEXT | ODD_TEXT
WIDTHS = (1, 20, 54, 78, 118, 198)


def every_line(traces: TraceSet, glyphs: Glyphs, width: int) -> list[Line]:
    """Return all lines that the three views draw of a set, at this width."""
    analysis = Analysis(traces)
    services = ServiceListColumns(ServiceTable(analysis))
    listed = ServiceList(services, glyphs, "calls", True)
    lines = [listed.heading(width), *(listed.line(row, width) for row in range(len(listed)))]
    for row in range(len(listed)):
        focus = listed.service(row).service
        for mode in (
            Mode(hops=9),
            Mode(SLOW),
            Mode(FAILS),
            *(Mode(what, (focus,)) for what in (PATH, SHARED, DIFFERENCE)),
        ):
            found = mode_columns(services, analysis, mode, focus, glyphs)
            lines.append(title(services, mode, focus, found, width, glyphs).cropped(width, glyphs.ellipsis))
            for column in (found.left, found.right):
                lines += [column.line(at, width) for at in range(len(column))] if column else []
    errors = ErrorListColumns(ErrorTable(analysis))
    for grouping in GROUPINGS:
        patterns = ErrorList(errors, glyphs, grouping)
        lines += [patterns.heading(width), *(patterns.line(row, width) for row in range(len(patterns)))]
    for pattern in errors.table.patterns:
        selected = np.isin(np.arange(traces.trace_count), pattern.traces)
        example = ExampleLines(
            analysis, errors.table, pattern, int(pattern.traces[-1]), contrast(traces, selected), glyphs
        )
        for source in (
            ErrorDetail(errors, pattern, glyphs),
            ErrorDetail(errors, pattern, glyphs, is_short=True),
            example,
        ):
            lines += [source.line(at, width) for at in range(len(source))]
    table = OperationTable(analysis)
    columns = HotSpotListColumns(table)
    details = {table.number(row): table.pattern(table.number(row)) for row in range(len(table))}
    spots = HotSpotList(columns, details, glyphs)
    lines += [spots.heading(width), *(spots.line(row, width) for row in range(len(spots)))]
    for trace in range(min(traces.trace_count, 3)):
        paths = compare_traces(analysis.paths, trace, analysis.paths, 0)
        for words in (NORMAL, MARKED):
            lines += PathDiff(trace_difference(paths), service_roles(traces), words, glyphs).lines(width)
    selection = np.arange(traces.trace_count) % 2 == 0
    contrasted = ContrastList(contrast(traces, selection, outcomes=True), glyphs)
    lines += [contrasted.heading(width), *(contrasted.line(row, width) for row in range(len(contrasted)))]
    compared = ComparisonLines(compare(analysis, analysis), ("[red]one", "[/red]two"), glyphs.ascii_only)
    if width >= MIN_WIDTH:
        lines += [compared.line(row, width) for row in range(len(compared))] if traces.trace_count else []
    possible = SuggestionList(analysis.suggestions, traces, glyphs)
    lines += [possible.heading(width), *(possible.line(row, width) for row in range(len(possible)))]
    for one in analysis.suggestions:
        what = SuggestionDetail(one, traces, glyphs)
        lines += [what.line(at, width) for at in range(len(what))]
    for row in range(len(table)):
        spot = table.hot_spot(row)
        hot = HotSpotDetail(columns, spot, details[spot.number], glyphs)
        lines += [hot.line(at, width) for at in range(len(hot))]
    return lines


@st.composite
def _trees(draw: st.DrawFn) -> list[GivenSpan]:
    spans = []
    for i in range(draw(st.integers(1, 5))):
        parent = draw(st.integers(0, i))
        spans.append(
            span(
                str(i + 1),
                10 * i,
                10 * i + draw(st.sampled_from((0, 5, 4_000_000_000))),
                parent=str(parent) if parent else "",
                service=draw(NAMES),
                name=draw(NAMES),
                kind=draw(st.sampled_from((Kind.CLIENT, Kind.PRODUCER, Kind.CONSUMER))),
                error=draw(st.booleans()),
                message=draw(NAMES),
                attributes=draw(st.dictionaries(st.sampled_from(("peer.service", "db.statement")), ANY_TEXT)),
            )
        )
    return spans


@unhurried
@given(_trees(), st.sampled_from(WIDTHS), st.sampled_from((UNICODE, ASCII)))
def test_names_are_harmless_and_fit_the_width(spans: list[GivenSpan], width: int, glyphs: Glyphs) -> None:
    for line in every_line(build(*spans), glyphs, width):
        assert is_harmless(line.text)
        assert line.width <= width


@pytest.mark.parametrize("source", ["hostile", "broken", "async", "shop"])
def test_samples_are_harmless_and_fit_the_width(source: str) -> None:
    traces = Session.open([str(SAMPLES / source)]).loaded
    for width in WIDTHS:
        for line in every_line(traces, UNICODE, width):
            assert is_harmless(line.text)
            assert line.width <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_empty_set_has_headings_only(width: int) -> None:
    assert all(line.width <= width for line in every_line(build(), UNICODE, width))


def test_ascii_glyphs_draw_ascii() -> None:
    traces = Session.open([str(SAMPLES / "shop")]).loaded
    assert all(line.text.isascii() for width in WIDTHS for line in every_line(traces, ASCII, width))


def shop() -> TraceSet:
    """Build 30 orders: web calls cart, cart calls a database and, by a queue, mail."""
    spans = []
    for i in range(30):
        details = {"db.system": "redis", "db.statement": f"GET {i}"}
        trace = [
            span("1", 0, 100, service="web", name="order", error=i < 3),
            span("2", 10, 80 + i, parent="1", service="cart", name="add", error=i < 3, message=f"row {i}"),
            span("3", 20, 60, parent="2", service="cart", name="query", kind=Kind.CLIENT, attributes=details),
            span("4", 61, 62, parent="2", service="cart", name="send", kind=Kind.PRODUCER),
            span("5", 200, 300, parent="4", service="mail", name="send", kind=Kind.CONSUMER),
        ]
        spans += [given.but(trace=str(i + 1)) for given in trace[: 5 if i < 5 else 4]]
    return build(*spans)


def texts(source: ServiceList | ErrorList | ErrorDetail | HotSpotList | HotSpotDetail) -> list[str]:
    return [" ".join(source.line(row, 98).text.split()) for row in range(len(source))]


def test_services_by_calls_with_the_longest_of_few_calls() -> None:
    services = ServiceList(ServiceListColumns(ServiceTable(Analysis(shop()))), UNICODE, "calls", True)
    assert texts(services) == [
        "●cart 100 % 1 30 10 % 97.6 µs",
        "●redis (inferred) 100 % 1 30 - 40.0 µs",
        "●web 100 % - 30 10 % 100 µs",
        "●mail 17 % 1 5 - ≤100 µs",
    ]
    assert services.row_of("mail") == 3
    assert services.row_of("nobody") is None


def test_services_by_part_of_the_name() -> None:
    table = ServiceTable(Analysis(shop()))
    listed = ServiceList(ServiceListColumns(table), UNICODE, "name", False, "A")
    assert [listed.service(row).service for row in range(len(listed))] == ["cart", "mail"]
    assert listed.row_of("web") is None


def test_figures_are_those_of_the_analysis() -> None:
    traces = Session.open([str(SAMPLES / "shop")]).loaded
    assert ServiceTable(Analysis(traces)).services == find_dependencies(traces).services


@pytest.mark.parametrize("sorting", SORTINGS)
def test_sorting_follows_the_column(sorting: str) -> None:
    table = ServiceTable(Analysis(Session.open([str(SAMPLES / "shop")]).loaded))
    up, down = table.order(sorting, False), table.order(sorting, True)
    assert sorted(up.tolist()) == sorted(down.tolist()) == list(range(len(table.services)))
    columns = ServiceListColumns(table)
    heading = ServiceList(columns, UNICODE, sorting, True).heading(198).text
    assert f"▼ {SORTINGS[sorting].heading}" in heading
    shown = {"rank", "entries", "errors", "p95", sorting} - {"name"}
    assert set(columns.shown(100, sorting)) == shown
    assert set(columns.shown(60, sorting)) == shown - ({"entries"} - {sorting})


def test_error_patterns_with_propagation() -> None:
    table = ErrorTable(Analysis(shop()))
    line = ErrorList(ErrorListColumns(table), UNICODE).line(0, 118)
    assert line.text.split()[:7] == ["row", "{id}", "●cart", "3", "3", "3", "100"]
    assert line.text.endswith("✗ web")
    assert (line.runs[-2].text, line.runs[-2].role) == ("✗ ", Role.PROPAGATED)
    detail = ErrorDetail(ErrorListColumns(table), table.patterns[0], UNICODE)
    assert texts(detail)[:9] == [
        "✖ row {id}",
        "origin ●cart add",
        "propagated ✖3 ●cart → ✗3 ●web",
        "entries ✗3 ●web order",
        "outcome failed 3 requests",
        "seen 22:13:20.000 UTC",
        "contrast reading traces…",
        "start 3 traces, worst first errors response",
        "22:13:20.000 ●web order ✖1 ✗1 100 µs",
    ]
    detail.show_contrast(contrast(table.traces, np.zeros(table.traces.trace_count, bool)))
    assert texts(detail)[6] == "contrast needs more than one trace"
    assert detail.example(detail.first_example) == table.patterns[0].example_traces[0]
    assert detail.example(0) is None


def test_errors_are_grouped_by_service_and_by_entry_point() -> None:
    spans = []
    for trace, (entry, service, message) in enumerate(
        [("GET /a", "db", "lost"), ("GET /b", "db", "late"), ("GET /b", "cart", "late"), ("GET /b", "cart", "late")]
    ):
        spans.append(span("1", 0, 100, trace=str(trace + 1), service="web", name=entry))
        failed = span("2", 10, 90, trace=str(trace + 1), parent="1", service=service, error=True, message=message)
        spans.append(failed)
    columns = ErrorListColumns(ErrorTable(Analysis(build(*spans))))
    found = {grouping: ErrorList(columns, UNICODE, grouping) for grouping in GROUPINGS}
    rows = {
        grouping: [" ".join(rows.line(row, 78).text.split()[:3]) for row in range(3)]
        for grouping, rows in found.items()
    }
    assert rows == {
        "pattern": ["late ●cart 2", "late ●db 1", "lost ●db 1"],
        "service": ["late ●cart 2", "late ●db 1", "lost ●db 1"],
        "entry": ["late ●web GET", "late ●web GET", "lost ●web GET"],
    }
    assert found["entry"].heading(118).text.split()[:4] == ["pattern", "entry", "point", "✖"]
    assert found["entry"].line(2, 118).text.rstrip().endswith("●db")


def test_entry_points_are_found_before_the_list_is_grouped(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = ErrorListColumns(ErrorTable(Analysis(shop())))
    # a key that groups draws the list on the UI loop
    monkeypatch.delattr(ErrorTable, "entries")
    assert "●web order" in ErrorList(columns, UNICODE, "entry").line(0, 118).text


def failing_with_stack(stack: str) -> ExampleLines:
    event = (5, "exception", {"exception.stacktrace": stack})
    failed = span("2", 10, 90, parent="1", service="db", error=True, message="lost", events=[event])
    calls = [span(str(10 + i), 2 * i, 2 * i + 1, parent="1", service="db", name=f"read {i}") for i in range(20)]
    analysis = Analysis(build(span("1", 0, 100, service="web"), failed, *calls))
    table = ErrorTable(analysis)
    return ExampleLines(analysis, table, table.patterns[0], 0, None, UNICODE)


def test_example_shows_what_matters_of_the_trace_and_own_frames() -> None:
    example = failing_with_stack(STACKS["python"])
    shown = [" ".join(example.line(row, 60).text.split()) for row in range(len(example))]
    assert shown[0] == "22:13:20.000 100 µs 22 spans"
    failed = next(row for row, text in enumerate(shown) if "✖" in text)
    assert example.part(failed) == "span"
    assert example.span(failed) is not None
    assert "… 8 more spans" in shown
    stack = shown.index("stack trace")
    assert [example.part(row) for row in range(stack + 1, len(shown))] == ["stack"] * (len(shown) - stack - 1)
    found = read_stack_trace(STACKS["python"])
    assert found is not None
    assert shown[stack + 1] == " ".join(str(found.own[0]).split())
    libraries = len(found.frames) - len(found.own)
    assert shown[-1] == f"… {libraries} more frame" + ("s" if libraries > 1 else "")


def test_example_shows_the_first_lines_of_other_stack_traces() -> None:
    lines = [f"step {number}" for number in range(1_000)]
    example = failing_with_stack("\n".join(lines))
    shown = [example.line(row, 60).text.strip() for row in range(len(example))]
    assert shown[shown.index("stack trace") + 1 :] == [*lines[:8], "… 992 more lines"]


def test_handled_and_retried_errors_are_labelled() -> None:
    failed = span("2", 10, 20, parent="1", error=True, message="no")
    table = ErrorTable(
        Analysis(build(span("1", 0, 100), failed, failed.but(id="3", start=failed.start + 10_000, error=False)))
    )
    lines = texts(ErrorDetail(ErrorListColumns(table), table.patterns[0], UNICODE))
    assert "propagated to none: no error above it" in lines
    assert "outcome 1 handled (1 retried)" in lines


def test_outcomes_of_one_pattern_are_in_one_line() -> None:
    failed = span("1", 0, 100, service="db", error=True, message="no")
    spans = [failed, span("1", 0, 100, trace="2", status=Status.OK), failed.but(id="2", trace="2", parent="1")]
    spans += [span("1", 0, 100, trace="3"), failed.but(id="2", trace="3", parent="gone")]
    table = ErrorTable(Analysis(build(*spans)))
    lines = texts(ErrorDetail(ErrorListColumns(table), table.patterns[0], UNICODE))
    assert "outcome failed 1 request, 1 handled, 1 with unknown outcome" in lines


def test_shortened_contrast_names_the_key_for_all_rows() -> None:
    attributes = {f"key {number}": "a long value of this attribute" for number in range(3)}
    spans = [
        span("1", 0, 10, trace=str(i + 1), error=i < 20, attributes=attributes if i < 20 else {}) for i in range(60)
    ]
    traces = build(*spans)
    table = ErrorTable(Analysis(traces))
    detail = ErrorDetail(
        ErrorListColumns(table),
        table.patterns[0],
        UNICODE,
        contrast=contrast(traces, traces.trace_errors > 0),
        contrast_key="c",
    )
    assert detail.line(detail.contrast_row, 78).text.endswith("…  c shows all")
    assert detail.line(detail.contrast_row, 78).width == 78
    assert "c shows all" not in detail.line(detail.contrast_row, 400).text


def test_hot_spots_show_all_figures_in_80_cells() -> None:
    spans = [
        span("1", 0, 1_234_567 + i, trace=str(i + 1), service="web", name="order", error=i % 9 == 0) for i in range(900)
    ]
    table = OperationTable(Analysis(build(*spans)))
    heading = HotSpotList(HotSpotListColumns(table), {}, UNICODE, "p95").heading(120).text.split()
    assert heading.index("critical") == heading.index("p95") + 1
    assert "mean" not in heading
    assert (
        "traces" in HotSpotList(HotSpotListColumns(OperationTable(Analysis(shop()))), {}, UNICODE).heading(120).text
    ), "of few traces too"
    spot = table.hot_spot(0)
    detail = HotSpotDetail(HotSpotListColumns(table), spot, "", UNICODE)
    shown = "\n".join(detail.line(row, 78).text for row in range(len(detail)))
    assert "✖ 100 (11 %)  p50 1.24 s  p95 1.24 s  p99 1.24 s\n" in shown
    assert "  self time 1.24 s" in shown
    assert "  total 18 min 32 s" in shown


def test_operations_with_too_few_calls_for_percentiles_are_ranked_last() -> None:
    many = [span("1", 0, 100 + i, trace=str(i), name="many") for i in range(20)]
    few = [span("1", 0, 900, trace=f"f{i}", name="few") for i in range(6)]
    table = OperationTable(Analysis(build(*many, *few)))
    columns = HotSpotListColumns(table)
    for descending in (True, False):
        rows = HotSpotList(columns, {}, UNICODE, "p95", descending)
        assert ["many" in rows.line(row, 120).text for row in range(2)] == [True, False]
    assert HotSpotList(columns, {}, UNICODE, "total").line(0, 120).text.split()[2] == "few"


def test_calls_with_one_timeout_are_the_slow_ones() -> None:
    # of 20 calls three take 90 us, which is the p95: no call is longer
    calls = [span("1", 0, 90 if i < 3 else 10 + i, trace=str(i), name="call") for i in range(20)]
    traces, slow = OperationTable(Analysis(build(*calls))).slow_traces(0)
    assert [traces.trace_ids[trace] for trace in slow.nonzero()[0]] == ["0", "1", "2"]


def test_an_error_is_found_by_its_span() -> None:
    traces = shop()
    table = ErrorTable(Analysis(traces))
    for i in range(len(traces)):
        begins = traces.error[i] and traces.service_name(i) == "cart"
        assert table.pattern_of(i) == (0 if begins else None)
    assert table.origin_in(table.patterns[0], 2) == int(traces.first[2]) + 1


@given(st.lists(st.integers(0, 10**6), min_size=48, max_size=48), st.sampled_from((8, 12, 24, 48)))
def test_trend_draws_any_count_above_zero(counts: list[int], width: int) -> None:
    for glyphs in (UNICODE, ASCII):
        text = trend(np.array(counts), width, glyphs).text
        assert len(text) == width
        sums = np.array(counts).reshape(width, -1).sum(axis=1)
        assert [mark == glyphs.trend[0] for mark in text] == (sums == 0).tolist()
        if max(counts):
            assert text[int(np.argmax(sums))] == glyphs.trend[-1]


def test_divider_follows_the_bottlenecks() -> None:
    table = OperationTable(Analysis(shop()))
    spots = HotSpotList(HotSpotListColumns(table), {}, UNICODE)
    lines = texts(spots)
    divider = next(i for i, line in enumerate(lines) if line.startswith("below: no bottlenecks"))
    assert divider == spots.divider == table.bottlenecks > 0
    assert all(table.hot_spot(row).is_bottleneck is (row < divider) for row in range(len(table)))
    positions = [spots.position(row) for row in range(len(spots))]
    assert positions.pop(divider) is None
    assert positions == list(range(len(table)))
    assert [spots.row_of(place) for place in range(len(table))] == [row for row in range(len(spots)) if row != divider]


@pytest.mark.parametrize("source", ["incident", "shop", "async"])
def test_hot_spots_have_the_figures_of_their_spans(source: str) -> None:
    analysis = Analysis(Session.open([str(SAMPLES / source)]).loaded)
    traces, table = analysis.traces, OperationTable(analysis)
    bottlenecks = analysis.bottlenecks()
    assert table.bottlenecks == len(bottlenecks)
    for row in range(len(table)):
        spot = table.hot_spot(row)
        spans = np.flatnonzero(traces.operation == spot.number)
        durations = traces.duration[spans]
        assert (spot.calls, spot.errors) == (len(spans), traces.error[spans].sum())
        latency = spot.latency
        assert latency.p50_ns is not None
        assert latency.p95_ns is not None
        assert np.allclose((latency.p50_ns, latency.p95_ns), np.quantile(durations, (0.5, 0.95)))
        if spot.latency.small_sample_range is not None:
            assert spot.latency.small_sample_range == (durations.min(), durations.max())
        worst = table.worst_traces(spot.number)
        waits = {
            trace: int(analysis.paths.critical[spans[traces.trace[spans] == trace]].sum())
            for trace in np.unique(traces.trace[spans]).tolist()
        }
        assert [wait for _, wait in worst] == sorted(waits.values(), reverse=True)[: len(worst)]
        assert all(waits[trace] == wait for trace, wait in worst)
        chosen = table.slowest_span(spot.number, worst[0][0])
        assert traces.duration[chosen] == durations[traces.trace[spans] == worst[0][0]].max()
        if row < len(bottlenecks):
            found = bottlenecks[row]
            assert (found.service, found.operation, found.pattern) == (
                spot.service,
                spot.operation,
                table.pattern(spot.number),
            )
            assert (found.share_percent, found.occurrences) == (spot.share, spot.traces)


@given(st.floats(0, 100), st.integers(1, 40))
def test_a_share_is_drawn_to_an_eighth(percent: float, width: int) -> None:
    bar = share_bar(percent, width, UNICODE)
    eighths = sum(8 if mark == "█" else UNICODE.solid_left.index(mark) + 1 for mark in bar.strip())
    assert cell_width(bar) == width
    assert abs(eighths - percent / 100 * width * 8) <= (1 if percent else 0)
    assert (eighths > 0) is (percent > 0)
    assert len(share_bar(percent, width, ASCII)) == width


def test_long_service_leaves_room_for_its_operation() -> None:
    line = service_name("recommendation-service", Role.service(1), 24, UNICODE, operation="fetch_items")
    assert line.text == "●recommenda… fetch_items"
    assert service_name("db", Role.DIM, 30, UNICODE, True).text == "●db (inferred)".ljust(30)
    assert service_name("database", Role.DIM, 12, UNICODE, True).text == "●database ? "


def test_asynchronous_work_is_listed_after_requests() -> None:
    calls = [
        span("1", 0, 200, service="shop", name="POST"),
        span("2", 1, 2, parent="1", service="shop", name="send", kind=Kind.PRODUCER),
        span("3", 5_000, 5_500, parent="2", service="mail", name="process", kind=Kind.CONSUMER),
        span("4", 5_100, 5_500, parent="3", service="mail", name="render"),
    ]
    table = OperationTable(Analysis(build(*calls)))
    assert [table.label(row) for row in range(4)] == [
        ("shop", "POST"),
        ("shop", "send"),
        ("mail", "process"),
        ("mail", "render"),
    ]
    spots = HotSpotList(HotSpotListColumns(table), {}, UNICODE)
    listed = [spots.line(row, 120).text for row in range(len(spots))]
    assert ["⇝ async" in text for text in listed] == [False, False, False, True, True]
    detail = HotSpotDetail(HotSpotListColumns(table), table.hot_spot(2), "", UNICODE)
    text = "\n".join(detail.line(row, 120).text.rstrip() for row in range(len(detail)))
    assert "critical  asynchronous, in 1 trace" in text
    assert "⇝ 1 time in 1 trace, each with its own critical path; 500 µs" in text
    assert " 80 % 400 µs mail render" in text
    assert table.worst_traces(table.number(2)) == [(0, 0)]

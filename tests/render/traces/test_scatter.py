"""The plot of response times: dots, density, failing share, 95th percentile, moments and the cursor's trace."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pytest

from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs
from tracetui.render.text.line import Role
from tracetui.render.traces.scatter import MarkedTime, Plot, Points
from tracetui.render.traces.scatter_stats import explained, stats_lines

EPOCH = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
MS = 1_000_000


def points(start: list[int], duration: list[int], failed: Collection[int] = ()) -> Points:
    """Points at seconds, of milliseconds; those with these positions have errors."""
    with_errors = np.isin(np.arange(len(start)), sorted(failed))
    return Points(EPOCH + np.array(start) * SECOND, np.array(duration) * MS, with_errors)


def drawn(plot: Plot) -> list[str]:
    """Lines of the plot without the labels."""
    return [line.text[plot.left :] for line in plot.lines]


def dots(lines: list[str]) -> int:
    return sum((ord(character) - 0x2800).bit_count() for line in lines for character in line if "⠀" < character <= "⣿")


def test_each_point_is_a_dot_of_its_own() -> None:
    plot = Plot(points([0, 40, 80, 120, 160], [1, 25, 50, 75, 100]), 60, 6, UNICODE)
    assert dots(drawn(plot)) == 5


def test_dots_within_a_cell_show_order_and_height() -> None:
    lines = drawn(Plot(points([0, 1_000], [0, 100]), 20, 5, UNICODE))
    assert lines[-2][0] == "⡀"
    assert lines[0].rstrip()[-1] == "⠈"


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_crowded_cells_are_shaded_the_darker_the_more(glyphs: Glyphs) -> None:
    start = [0] * 5 + [500] * 60 + [1_000] * 100
    plot = Plot(points(start, [10] * 165), 40, 5, glyphs)
    row = drawn(plot)[0]
    shades = "o%#" if glyphs.ascii_only else "░▒▓"
    assert [character for character in row if character in shades] == list(shades)


def test_every_error_is_marked_while_there_are_few() -> None:
    crowd = points([0] * 100 + [500], [10] * 101, {50})
    assert "✖" in "".join(drawn(Plot(crowd, 40, 5, UNICODE)))


def test_of_many_errors_cells_are_marked_where_half_of_the_traces_have_some() -> None:
    start = [0] * 100 + [1_000] * 100
    many = points(start, [10] * 200, {*range(10), *range(100, 160)})
    row = drawn(Plot(many, 40, 5, UNICODE))[0]
    assert row[0] == "▓"
    assert row.rstrip()[-1] == "✖"


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_the_failing_share_is_below_the_axis(glyphs: Glyphs) -> None:
    traces = points(list(range(200)), [10] * 200, {*range(100, 120), 180})
    plot = Plot(traces, 60, 6, glyphs)
    share = drawn(plot)[-1]
    assert plot.lines[-1].text.lstrip().startswith("failed")
    assert share[plot.columns * 11 // 20] == glyphs.trend[-1]
    assert share[plot.columns * 18 // 20] == glyphs.trend[0]
    assert share[: plot.columns // 4].strip() == ""
    texts = [line.text for line in explained(stats_lines(traces, glyphs), plot)]
    assert texts[-1].strip() == "failed, 0 to 100 %"
    assert len(texts) == 6


def test_without_errors_there_is_no_failing_share() -> None:
    plot = Plot(points([0, 1], [1, 2]), 60, 6, UNICODE)
    assert not plot.has_shares
    assert plot.rows == 5


def test_few_points_have_no_failing_share() -> None:
    few = points([0, *range(10, 17)], [1] * 8, {7})
    assert not Plot(few, 60, 6, UNICODE).has_shares


def test_the_share_is_of_errors_if_no_request_failed() -> None:
    start, duration = EPOCH + np.arange(20) * SECOND, np.full(20, MS)
    with_errors = np.arange(20) < 5
    recovered = Points(start, duration, with_errors, np.zeros(20, bool))
    assert Plot(recovered, 60, 6, UNICODE).lines[-1].text.lstrip().startswith("errors")


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_the_95th_percentile_is_a_line_with_its_name(glyphs: Glyphs) -> None:
    durations = [10] * 90 + [60] * 10
    plot = Plot(points(list(range(100)), durations), 60, 6, glyphs)
    row = plot.rows_of(np.array([60 * MS]))[0]
    line = plot.lines[plot.rows - 1 - row]
    assert "p95" in line.text
    assert ("-" if glyphs.ascii_only else "┈") in line.text
    assert all("p95" not in other.text for other in plot.lines if other is not line)


def test_few_traces_have_no_95th_percentile() -> None:
    assert "p95" not in "".join(drawn(Plot(points([0, 1, 2], [1, 2, 3]), 60, 6, UNICODE)))


@pytest.mark.parametrize(("glyphs", "mark", "bar"), [(UNICODE, "▲", "╎"), (ASCII, "^", "|")])
def test_moments_are_marked_and_explained(glyphs: Glyphs, mark: str, bar: str) -> None:
    traces = points(list(range(100)), [10] * 99 + [100])
    moments = [MarkedTime(EPOCH + 50 * SECOND, "service.version 1 to 2"), MarkedTime(EPOCH - SECOND, "long before")]
    plot = Plot(traces, 60, 8, glyphs, moments=moments)
    lines = drawn(plot)
    column = int(plot.columns_of(np.array([moments[0].at_ns]))[0])
    assert lines[plot.rows][column] == mark
    assert lines[1][column] == bar
    assert "".join(lines).count(mark) == 1
    text = "\n".join(line.text for line in explained(stats_lines(traces, glyphs), plot))
    assert f"{mark} 22:14:10 service.version 1 to 2" in text
    assert "long before" not in text


def test_a_time_on_the_axis_is_not_cut_by_a_moment() -> None:
    traces = points(list(range(1_000)), [10] * 1_000)
    plot = Plot(traces, 60, 6, UNICODE, moments=[MarkedTime(EPOCH, "start")])
    axis = drawn(plot)[-1]
    assert axis[0] == "▲"
    for word in axis.replace("▲", " ").replace("─", " ").split():
        assert len(word) == len("22:13")


def test_errors_have_a_role_and_a_shape() -> None:
    plot = Plot(points([0, 1_000], [10, 10], {1}), 40, 5, ASCII)
    runs = [run for line in plot.lines[: plot.rows] for run in line.runs if "X" in run.text]
    assert [run.role for run in runs] == [Role.ERROR]


def test_a_point_of_other_traces_is_at_the_edge() -> None:
    plot = Plot(points([0, 0], [0, 0]), 40, 5, UNICODE)
    assert plot.cell(2**62, 2**62) == (plot.columns - 1, plot.rows - 1)
    assert plot.cell(0, 0) == (0, 0)

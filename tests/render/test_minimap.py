"""Minimap: a trace on one line."""

import numpy as np
import pytest

from tests.support.building import EPOCH, US, at, build, span
from tracetui.analysis.critical_path import critical_paths
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs
from tracetui.render.text.line import Role
from tracetui.render.waterfall.minimap import MinimapData, error_line, minimap
from tracetui.render.waterfall.waterfall import Waterfall

SHOP = build(
    span("a", 0, 1_000),
    span("b", 0, 500, parent="a", service="db"),
    span("c", 250, 500, parent="a", service="db"),
    span("d", 600, 800, parent="a", service="mail", error=True),
)


def overview(traces: TraceSet) -> MinimapData:
    return MinimapData.of(Waterfall(traces, 0, sections=critical_paths(traces).sections_of(0)))


def drawn(traces: TraceSet, cells: int, window: tuple[int, int] | None = None, glyphs: Glyphs = UNICODE) -> str:
    return minimap(overview(traces), cells + 2, glyphs, window).text


def test_heights_show_the_number_of_running_spans() -> None:
    # two spans in the first quarter, three in the second, then one or two
    assert drawn(SHOP, 4) == "▕▆█▅✖▏"
    assert drawn(SHOP, 4, glyphs=ASCII) == "|O@oX|"
    rows = {
        ASCII.solid,
        ASCII.rest,
        ASCII.event,
        ASCII.propagated,
        ASCII.async_call,
        ASCII.guide,
        ASCII.link,
        ASCII.warning,
    }
    assert not rows & set(drawn(SHOP, 40, glyphs=ASCII)[1:-1]), "a height is no glyph of a row"


def test_colours_show_the_critical_path() -> None:
    view = Waterfall(SHOP, 0, sections=critical_paths(SHOP).sections_of(0))
    line = minimap(MinimapData.of(view), 12, UNICODE)
    db, api = (Role.service(view.slots[SHOP.services.index(name)]) for name in ("db", "api"))
    roles = [run.role for run in line.runs]
    assert roles == [
        Role.GUIDE,
        db,
        api,
        Role.service(view.slots[SHOP.services.index("mail")]),
        Role.ERROR,
        api,
        Role.GUIDE,
    ]


def test_window_is_enclosed_in_brackets() -> None:
    window = (EPOCH + 250 * US, 500 * US)
    line = minimap(overview(SHOP), 22, UNICODE, window)
    assert line.text[6] == "["
    assert line.text[16:18] == "✖]", "where it broke is seen before the end of the window"
    assert [run.role for run in line.runs][1] == Role.DIM
    tiny = minimap(overview(SHOP), 22, UNICODE, (EPOCH + 999 * US, 1)).text
    assert tiny.endswith("[]▏")


def test_cell_with_an_error_shows_it() -> None:
    made = overview(SHOP)
    for start in range(0, 1_000, 50):
        for length in (1, 200, 800):
            part = (EPOCH + start * US, length * US)
            for cells in (6, 20, 41):
                assert minimap(made, cells, UNICODE, part, part).text.count("✖") == 1, part


def test_many_errors_are_on_a_line_of_their_own() -> None:
    failed = [span(f"{i + 2:x}", 100 * i, 100 * i + 50, parent="1", error=True) for i in range(10)]
    traces = build(span("1", 0, 1_000), *failed)
    above = error_line(overview(traces), 42, UNICODE)
    assert above is not None
    assert (above.text.count("✖"), above.width) == (10, 42)
    assert drawn(traces, 40) == "▕" + "██▅▅██▅▅██▄▅██▅▅██▅▄" * 2 + "▏", "load is in sight"
    assert drawn(traces, 200).count("✖") == 10
    assert error_line(overview(traces), 202, UNICODE) is None
    assert error_line(overview(SHOP), 6, UNICODE) is None


def test_span_under_the_cursor_is_enclosed_in_braces() -> None:
    made = overview(SHOP)
    selected = (EPOCH + 250 * US, 250 * US)
    assert minimap(made, 22, UNICODE, None, selected).text[6:12] == "{████}"
    assert minimap(made, 22, ASCII, None, selected).text[6:12] == "{@@@@}"
    both = minimap(made, 22, UNICODE, selected, selected).text
    assert both[5:7] == "{["
    assert both[11:13] == "]}"
    assert "{}" in minimap(made, 22, UNICODE, None, (EPOCH + 300 * US, 0)).text


def test_max_concurrency() -> None:
    # nested callers wait: they are not concurrent
    sequence = build(
        span("a", 0, 10), span("b", 0, 5, parent="a"), span("c", 5, 10, parent="a"), span("d", 6, 8, parent="c")
    )
    assert overview(sequence).max_concurrency == 1
    parallel = build(span("a", 0, 10), span("b", 0, 6, parent="a"), span("c", 5, 10, parent="a"))
    assert overview(parallel).max_concurrency == 2
    # what a message leads to runs beside its sender
    asynchronous = build(
        span("a", 0, 10, kind=Kind.PRODUCER), span("b", 5, 20, parent="a", kind=Kind.CONSUMER, service="other")
    )
    assert overview(asynchronous).max_concurrency == 2
    assert overview(build(span("a", 0, 0))).max_concurrency == 1


def test_minimap_of_any_width() -> None:
    made = overview(SHOP)
    for width in range(200):
        assert minimap(made, width, UNICODE, (EPOCH, US), (EPOCH + US, US)).width in (width, 0)


@pytest.mark.parametrize("length", [0, 1])
def test_trace_of_zero_duration(length: int) -> None:
    traces = build(span("a", 0, length), span("b", 0, 0, parent="a", error=True))
    assert len(drawn(traces, 10)) == 12


def test_running_time_adds_up() -> None:
    rng = np.random.default_rng(5)
    starts = rng.integers(0, 900, 50)
    spans = [span(f"{i + 2:x}", int(s), int(s) + 50, parent="1") for i, s in enumerate(starts)]
    made = overview(build(span("1", 0, 1_000), *spans))
    assert made.running[-1] == pytest.approx((1_000 + 50 * 50) / 1_000 * (len(made.running) - 1))
    assert (np.diff(made.running) >= -1e-6).all()


def test_single_subtree() -> None:
    view = Waterfall(SHOP, 0, sections=critical_paths(SHOP).sections_of(0), root=at(SHOP, "b"))
    assert minimap(MinimapData.of(view), 6, UNICODE).text == "▕████▏"

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs, initials
from tracetui.render.text.line import Role
from tracetui.render.waterfall.bars import TimeScale, axis, bar

SCALE = TimeScale(0, 1_000, 10)
SOLID = set(UNICODE.solid_left) | {mark for _, mark in UNICODE.solid_right}


Pairs = Sequence[tuple[int, int]]


def drawn(
    spans: Pairs, critical: Pairs = (), events: Sequence[int] = (), scale: TimeScale = SCALE, glyphs: Glyphs = UNICODE
) -> str:
    starts, ends, critical_starts, critical_ends = (
        np.array([pair[i] for pair in pairs], np.int64) for pairs in (spans, critical) for i in (0, 1)
    )
    at = np.array(events, np.int64)
    return bar(scale, starts, ends, critical_starts, critical_ends, at, glyphs=glyphs).text


@pytest.mark.parametrize(
    ("spans", "critical", "shown"),
    [
        ([(0, 1_000)], [(0, 1_000)], "██████████"),
        ([(0, 1_000)], [], "──────────"),
        ([(150, 850)], [], " ╶─────── "),
        ([(150, 840)], [], " ╶──────╴ "),
        ([(150, 160)], [], " ╶        "),
        ([(500, 500)], [], "     ╴    "),
        ([(1_000, 1_000)], [], "         ╶"),
        ([(0, 1_000)], [(0, 237)], "██▍───────"),
        ([(0, 1_000)], [(750, 1_000)], "───────▐██"),
        ([(0, 1_000)], [(290, 300)], "──▕───────"),
        ([(0, 1_000)], [(500, 501)], "─────▏────"),
        ([(0, 1_000)], [(0, 25), (50, 75), (100, 125), (200, 300)], "▌▎█───────"),
        ([(0, 100), (400, 500), (420, 700)], [(400, 500)], "─   █──   "),
        ([(-500, 2_000)], [(-500, -1), (700, 2_000)], "───────███"),
        ([(-500, 0), (1_000, 1_200)], [(-500, 0), (1_000, 1_200)], "          "),
    ],
)
def test_bars(spans: Pairs, critical: Pairs, shown: str) -> None:
    assert drawn(spans, critical) == shown


def test_events_are_drawn_on_the_bar() -> None:
    assert drawn([(0, 1_000)], [(0, 500)], [-1, 120, 130, 1_000, 1_001]) == "█◆███────◆"


def test_bars_in_ascii() -> None:
    assert drawn([(150, 840)], [(200, 290)], [700], glyphs=ASCII) == " -#----*- "
    # slivers are thinner than a whole cell, at either end and in the middle
    slivers = [(150, 180), (340, 360), (700, 730)]
    assert drawn([(150, 840)], slivers, glyphs=ASCII) == " |-|---|- "


def test_overlapping_sections_count_once() -> None:
    assert drawn([(0, 1_000)], [(0, 300), (100, 200), (250, 400)]) == "████──────"


@given(st.integers(-200, 1_200), st.integers(0, 1_200), st.integers(0, 100), st.integers(1, 40))
def test_section_is_drawn_like_its_pieces(start: int, length: int, share: int, cells: int) -> None:
    cut, scale = start + length * share // 100, TimeScale(0, 1_000, cells)
    pieces = [(start, cut), (cut, start + length)]
    assert drawn([(0, 0)], [(start, start + length)], scale=scale) == drawn([(0, 0)], pieces, scale=scale)


def test_bar_without_time_or_room() -> None:
    assert drawn([(0, 0)], scale=TimeScale(0, 0, 4)) == "╴   "
    assert drawn([(0, 9)], scale=TimeScale(0, 9, 0)) == ""


def test_solid_cells_have_the_requested_role() -> None:
    whole = np.array([0]), np.array([1_000])
    line = bar(SCALE, *whole, np.array([0]), np.array([500]), glyphs=UNICODE, solid_role="service:3")
    assert [tuple(run) for run in line.runs] == [("█████", "service:3"), ("─────", Role.REST)]


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 10**12)), min_size=1, max_size=60),
    st.integers(0, 1 << 61),
    st.integers(1, 120),
)
def test_solid_cells_of_all_rows_have_no_gap(sections: Pairs, start: int, cells: int) -> None:
    """Sections that follow one another, dealt out to five rows."""
    edges = start + np.cumsum([0, *(length for _, length in sections)])
    owner = np.array([row for row, _ in sections])
    scale = TimeScale(start, int(edges[-1] - start), cells)
    covered = set()
    for row in range(5):
        own = np.flatnonzero(owner == row)
        text = bar(scale, edges[:1], edges[-1:], edges[own], edges[own + 1], glyphs=UNICODE).text
        assert len(text) == cells
        covered |= {cell for cell, mark in enumerate(text) if mark in SOLID}
    assert covered == set(range(cells))


@given(
    st.lists(st.tuples(st.integers(-(1 << 62), 1 << 62), st.integers(0, 1 << 61)), max_size=8),
    st.lists(st.tuples(st.integers(-(1 << 62), 1 << 62), st.integers(0, 1 << 61)), max_size=8),
    st.integers(0, 1 << 61),
    st.integers(1, 100),
)
def test_any_times_can_be_drawn(spans: Pairs, critical: Pairs, length: int, cells: int) -> None:
    drawn_spans, drawn_critical = ([(start, start + took) for start, took in some] for some in (spans, critical))
    events = [time for pair in drawn_spans for time in pair]
    assert len(drawn(drawn_spans, drawn_critical, events, TimeScale(0, length, cells))) == cells


@pytest.mark.parametrize(
    ("name", "letters"),
    [("user-service", "us"), ("redis", "re"), ("OrderAPI", "or"), ("x", "x"), ("--", "?"), ("注文 サービス", "注")],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_every_ascii_glyph_is_ascii() -> None:
    for field in ASCII.__slots__:
        assert str(getattr(ASCII, field)).isascii(), field


@pytest.mark.parametrize(
    ("network", "shown"),
    [
        (((0, 300), (900, 1_000)), "▒▒▒██────┄"),
        (((0, 299), (901, 1_000)), "▒▒███─────"),
        (((50, 150),), "█████─────"),
        (((-400, 100), (950, 1_400)), "▒████─────"),
    ],
)
def test_whole_cells_of_network_time_are_marked(network: tuple[tuple[int, int], ...], shown: str) -> None:
    columns = [np.array([value], np.int64) for value in (0, 1_000, 0, 500)]
    assert bar(SCALE, *columns, network=network, glyphs=UNICODE).text == shown


@given(st.integers(1, 10**15), st.integers(0, 10**12), st.integers(10, 120))
def test_both_ends_of_an_axis_are_labelled(length: int, start: int, cells: int) -> None:
    drawn = axis(start, length, cells)
    assert len(drawn) == cells
    words = drawn.split()
    if cells >= 44:
        assert not drawn.startswith(" ")
        assert not drawn.endswith(" ")
        assert len(words) >= 4, "a number and a unit at each end"

"""Selection of the widgets to paint when parts of a screen change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Region
from textual.widget import Widget

from tracetui.tui.terminal.screen import painting

_REGIONS = st.builds(Region, st.integers(0, 9), st.integers(0, 9), st.integers(1, 10), st.integers(1, 10))


@given(st.lists(st.tuples(_REGIONS, _REGIONS), min_size=1, max_size=6), st.lists(_REGIONS, max_size=3))
def test_visible_widgets_in_dirty_regions_are_painted(boxes: list[tuple[Region, Region]], dirty: list[Region]) -> None:
    placed = {Widget(): box for box in boxes}
    painted = painting(placed, dirty)
    visible = {widget: region.intersection(clip) for widget, (region, clip) in placed.items()}
    for part in dirty:
        for x, y in ((x, y) for x in range(part.x, part.right) for y in range(part.y, part.bottom)):
            front = next((widget for widget, region in visible.items() if region.contains(x, y)), None)
            assert front is None or front in painted
    assert all(any(map(visible[widget].overlaps, dirty)) for widget in painted)
    assert [*painted] == [widget for widget in placed if widget in painted]


def test_covered_widgets_are_not_painted() -> None:
    screen, front, right = Region(0, 0, 20, 20), Region(0, 0, 10, 20), Region(10, 0, 10, 20)
    placed = {Widget(id=name): (region, screen) for name, region in (("a", front), ("b", right), ("c", screen))}
    row = Region(0, 4, 10, 1)
    assert [widget.id for widget in painting(placed, [row])] == ["a"]
    assert [widget.id for widget in painting(placed, [row, Region(5, 0, 10, 1)])] == ["a", "b", "c"]

"""Which widgets are asked for lines when parts of a screen change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Region
from textual.widget import Widget

from tracetui.tui.terminal.screen import painting

_REGIONS = st.builds(Region, st.integers(0, 9), st.integers(0, 9), st.integers(1, 10), st.integers(1, 10))


@given(st.lists(st.tuples(_REGIONS, _REGIONS), min_size=1, max_size=6), st.lists(_REGIONS, max_size=3))
def test_what_is_seen_in_a_region_is_painted(boxes: list[tuple[Region, Region]], dirty: list[Region]) -> None:
    placed = {Widget(): box for box in boxes}
    asked = painting(placed, dirty)
    seen = {widget: region.intersection(clip) for widget, (region, clip) in placed.items()}
    for part in dirty:
        for x, y in ((x, y) for x in range(part.x, part.right) for y in range(part.y, part.bottom)):
            front = next((widget for widget, region in seen.items() if region.contains(x, y)), None)
            assert front is None or front in asked
    assert all(any(map(seen[widget].overlaps, dirty)) for widget in asked)
    assert [*asked] == [widget for widget in placed if widget in asked]


def test_what_lies_wholly_behind_is_not_asked() -> None:
    screen, front, beside = Region(0, 0, 20, 20), Region(0, 0, 10, 20), Region(10, 0, 10, 20)
    placed = {Widget(id=name): (region, screen) for name, region in (("a", front), ("b", beside), ("c", screen))}
    row = Region(0, 4, 10, 1)
    assert [widget.id for widget in painting(placed, [row])] == ["a"]
    assert [widget.id for widget in painting(placed, [row, Region(5, 0, 10, 1)])] == ["a", "b", "c"]

"""Lines that change a little with every key: only the cells that differ from those on the screen are sent."""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip

from tracetui.render.theme import Theme
from tracetui.tui.widgets.line_bar import LineBar, Maker


class ChangingBar(LineBar):
    """A `LineBar` that paints no more than what became another."""

    def __init__(self, theme: Theme, make: Maker | None = None, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(theme, make, id=id)
        self._painted: dict[int, Strip] = {}

    def show(self, make: Maker) -> None:
        self._make = make
        self._made = None
        width = self.size.width
        regions = []
        for y, before in self._painted.items():
            if y < self.size.height:
                stretches = changed(before, super().render_line(y), width)
                regions += [Region(first, y, stop - first, 1) for first, stop in stretches]
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        strip = self._painted[y] = super().render_line(y)
        return strip


def changed(before: Strip, after: Strip, width: int) -> list[tuple[int, int]]:
    """The stretches of cells in which two lines of `width` cells differ: where each begins and stops."""
    if before == after:
        return []
    cells = [
        [(character, segment.style) for segment in strip for character in segment.text] for strip in (before, after)
    ]
    if any(len(of_line) != width for of_line in cells):
        # with wide characters a cell is not a character
        return [(0, width)]
    stretches: list[tuple[int, int]] = []
    for cell, (old, new) in enumerate(zip(*cells, strict=True)):
        if old == new:
            continue
        if stretches and stretches[-1][1] == cell:
            stretches[-1] = (stretches[-1][0], cell + 1)
        else:
            stretches.append((cell, cell + 1))
    return stretches


def cells_to_send(before: Strip, after: Strip) -> int:
    """Cells up to the last that differs. Those before the first that does are sent in any case."""
    if before == after:
        return 0
    width = max(before.cell_length, after.cell_length)
    if before.cell_length != after.cell_length or not (before.text.isascii() and after.text.isascii()):
        return width
    alike = 0
    for part, other in zip(reversed(list(before)), reversed(list(after)), strict=False):
        if part.style != other.style:
            break
        shorter = min(len(part.text), len(other.text))
        pairs = enumerate(zip(reversed(part.text), reversed(other.text), strict=False))
        common = next((i for i, (one, another) in pairs if one != another), shorter)
        alike += common
        if common < max(len(part.text), len(other.text)):
            break
    return width - alike

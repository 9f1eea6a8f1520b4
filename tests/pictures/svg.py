"""Pictures of the screen (SVG) from the painted cells: text, without scripts, fonts or other resources."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape, unescape
from itertools import groupby

from rich.cells import cell_len
from rich.segment import Segment
from textual.app import App
from textual.geometry import Size

WIDTH, HEIGHT = 8.4, 17
"""Size of a cell, in pixels."""
_SIZE = 14
_BASELINE = 13
_MARGIN = 10
_FONT = "DejaVu Sans Mono,Menlo,Consolas,monospace"
_LABEL_FONT = "DejaVu Sans,Helvetica,Arial,sans-serif"
_EIGHTHS = "▏▎▍▌▋▊▉█"
_LOWER = "▁▂▃▄▅▆▇█"
_CAPTION = 40
"""Height of the caption of a frame, in pixels."""
_SECONDS = 4.0
"""Time for which a frame is shown."""


@dataclass(frozen=True, slots=True)
class Look:
    """Style of cells."""

    colour: str
    ground: str
    bold: bool
    italic: bool


Run = tuple[str, Look]


@dataclass(frozen=True, slots=True)
class Frame:
    """The cells of a screen, in rows of runs."""

    rows: Sequence[Sequence[Run]]
    columns: int
    colour: str
    ground: str

    @property
    def lines(self) -> list[str]:
        return ["".join(text for text, _ in row).rstrip() for row in self.rows]


@dataclass(frozen=True, slots=True)
class Scene:
    """Frame of an animation, with the key pressed and a caption."""

    frame: Frame
    key: str
    caption: str


def painted_frame(app: App[None]) -> Frame:
    """Take the cells that an app shows."""
    size = Size(*app.size)
    # themes with the terminal's colours do not define these two
    usual = ("#ffffff", "#000000") if app.current_theme.dark else ("#000000", "#ffffff")
    named = app.theme_variables["foreground"], app.theme_variables["background"]
    colour, ground = (one if one.startswith("#") else other for one, other in zip(named, usual, strict=True))
    rows = [_runs(strip, colour, ground) for strip in app.screen._compositor.render_strips(size)]
    grounds: Counter[str] = Counter()
    for text, look in (run for row in rows for run in row):
        grounds[look.ground] += cell_len(text)
    return Frame(rows, size.width, colour, grounds.most_common(1)[0][0])


def _runs(cells: Iterable[Segment], colour: str, ground: str) -> list[Run]:
    looks = ((cell.text, _look(cell, colour, ground)) for cell in cells if cell.text)
    return [("".join(text for text, _ in run), look) for look, run in groupby(looks, lambda pair: pair[1])]


def _look(cell: Segment, colour: str, ground: str) -> Look:
    style = cell.style
    if style is None:
        return Look(colour, ground, bold=False, italic=False)
    ink = style.color.get_truecolor().hex if style.color and not style.color.is_default else colour
    paper = style.bgcolor.get_truecolor().hex if style.bgcolor and not style.bgcolor.is_default else ground
    if style.reverse:
        ink, paper = paper, ink
    if style.dim:
        ink = _mixed(ink, paper)
    return Look(ink, paper, bool(style.bold), bool(style.italic))


def _mixed(one: str, other: str) -> str:
    pairs = zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]), strict=True)
    return "#" + bytes((a + b) // 2 for a, b in pairs).hex()


def picture(frame: Frame, title: str) -> str:
    """Return one frame as a picture."""
    width, height = _size(frame)
    return "\n".join([*_head(width, height, title, frame), *_cells(frame), "</svg>", ""])


def animation(scenes: Sequence[Scene], title: str) -> str:
    """Return frames as a picture that shows them in turn; the last one where animations are not played."""
    first = scenes[0].frame
    width, height = _size(first)
    share = 100 / len(scenes)
    rules = [
        # a frame is replaced at once, as on a terminal
        f"@keyframes turn{{0%{{opacity:1}}{share:.2f}%,100%{{opacity:0}}}}",
        f".s{{opacity:0;animation:turn {len(scenes) * _SECONDS:g}s step-end infinite}}",
        # negative, as a frame shows its opacity without animation until a positive delay is over
        *(f".s{i}{{animation-delay:{(i - len(scenes)) * _SECONDS:g}s}}" for i in range(len(scenes))),
        f".s{len(scenes) - 1}{{opacity:1}}",
        f"@media (prefers-reduced-motion:reduce){{.s{{animation:none}}.s{len(scenes) - 1}{{opacity:1}}}}",
    ]
    parts = _head(width, height + _CAPTION, title, first)
    parts.append(f"<style>{''.join(rules)}</style>")
    for i, scene in enumerate(scenes):
        parts.append(f'<g class="s s{i}">')
        parts += _cells(scene.frame)
        parts += _caption(scene, i, len(scenes), width, height)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def texts(svg: str) -> list[str]:
    """Return the texts of the cells in a picture."""
    return [unescape(text) for text in re.findall(r"<text [^>]*textLength[^>]*>([^<]*)</text>", svg)]


def _size(frame: Frame) -> tuple[int, int]:
    return round(frame.columns * WIDTH) + 2 * _MARGIN, len(frame.rows) * HEIGHT + 2 * _MARGIN


def _head(width: int, height: int, title: str, frame: Frame) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' font-family="{_FONT}" font-size="{_SIZE}" xml:space="preserve">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{frame.ground}"/>',
    ]


def _cells(frame: Frame) -> Iterator[str]:
    for number, row in enumerate(frame.rows):
        x, y = 0, _MARGIN + number * HEIGHT
        for text, look in row:
            width = cell_len(text)
            if look.ground != frame.ground:
                yield _box(x * WIDTH, y, width * WIDTH, HEIGHT, look.ground)
            at = x
            for part, is_bar in _split(text):
                if is_bar:
                    yield from _bars(part, at, y, look.colour)
                elif part.strip():
                    lead = len(part) - len(part.lstrip())
                    yield _text(part.strip(), at + lead, y, look, frame.colour)
                at += cell_len(part)
            x += width


def _split(text: str) -> Iterator[tuple[str, bool]]:
    """Separate blocks, which fonts draw with gaps, from text; far-apart texts stay in their columns."""
    for part in re.findall(f"[{_EIGHTHS}{_LOWER}▐▕]+|(?:(?!  )[^{_EIGHTHS}{_LOWER}▐▕])+| {{2,}}", text):
        yield part, part[0] in _EIGHTHS + _LOWER + "▐▕"


def _bars(text: str, column: int, y: float, colour: str) -> Iterator[str]:
    for character, run in groupby(text):
        count = len(list(run))
        x, width = column * WIDTH, count * WIDTH
        if character == "█":
            yield _box(x, y, width, HEIGHT, colour)
        elif character in _LOWER:
            part = HEIGHT * (_LOWER.index(character) + 1) / 8
            yield _box(x, y + HEIGHT - part, width, part, colour)
        else:
            part = WIDTH / 2 if character == "▐" else WIDTH / 8
            part = WIDTH * (_EIGHTHS.index(character) + 1) / 8 if character in _EIGHTHS else part
            for i in range(count):
                left = x + i * WIDTH + (WIDTH - part if character in "▐▕" else 0)
                yield _box(left, y, part, HEIGHT, colour)
        column += count


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    # edges at pixels, so that neighbours meet without a seam
    return (
        f'<rect x="{_number(_MARGIN + x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
        f' fill="{colour}" shape-rendering="crispEdges"/>'
    )


def _text(text: str, column: int, y: float, look: Look, colour: str) -> str:
    style = f' fill="{look.colour}"'
    style += ' font-weight="bold"' if look.bold else ""
    style += ' font-style="italic"' if look.italic else ""
    return (
        f'<text x="{_number(_MARGIN + column * WIDTH)}" y="{_number(y + _BASELINE)}"{style}'
        f' textLength="{_number(cell_len(text) * WIDTH)}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
    )


def _caption(scene: Scene, number: int, count: int, width: int, top: int) -> Iterator[str]:
    """Draw the key that leads here, the caption, and the progress."""
    frame, y, x = scene.frame, top - _MARGIN, float(_MARGIN)
    yield _box(-_MARGIN, y, width, 1, _mixed(frame.colour, frame.ground))
    label = f'<text y="{y + 32}" font-family="{_LABEL_FONT}" font-size="16" fill="{frame.colour}"'
    if scene.key:
        cap = len(scene.key) * 10 + 20
        yield (
            f'<rect x="{x:g}" y="{y + 11}" width="{cap}" height="30" rx="5" fill="none" stroke="{frame.colour}"/>'
            f'{label} x="{x + cap / 2:g}" text-anchor="middle" font-weight="bold">{escape(scene.key)}</text>'
        )
        x += cap + 14
    yield f'{label} x="{x:g}">{escape(scene.caption)}</text>'
    for i in range(count):
        yield (
            f'<circle cx="{width - _MARGIN - (count - i) * 14}" cy="{y + 26}" r="4" fill="{frame.colour}"'
            f' opacity="{1 if i == number else 0.3}"/>'
        )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")

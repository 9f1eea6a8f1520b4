"""Legibility: contrast, distinct colours, and the row under the cursor."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

import pytest
import rich.color
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from textual.theme import BUILTIN_THEMES
from textual.theme import Theme as AppTheme

from tests.pictures.svg import painted_frame
from tests.support.paths import SHOP
from tests.support.pilot import driven
from tests.support.trace_app import CountingApp, opened
from tracetui.model.service_slots import SLOTS
from tracetui.render.text.glyphs import UNICODE
from tracetui.render.text.line import Line, Role
from tracetui.render.text.theme import (
    ANSI,
    DARK,
    HIGH_CONTRAST,
    LIGHT,
    MONO,
    Theme,
)
from tracetui.render.text.theme_contrast import adapted
from tracetui.tui import themes
from tracetui.tui.state import State
from tracetui.tui.terminal.background import BackgroundReported
from tracetui.tui.themes import THEME_NOTES, THEMES, next_theme, render_theme

LEAST_CONTRASTS: list[tuple[Theme, AppTheme, float]] = [
    (DARK, BUILTIN_THEMES["textual-dark"], 4.5),
    (LIGHT, BUILTIN_THEMES["textual-light"], 4.5),
    (HIGH_CONTRAST, themes.HIGH_CONTRAST, 7.0),
]
NAMES = [theme.name for theme, _, _ in LEAST_CONTRASTS]
ROLES = [value for name, value in vars(Role).items() if name.isupper()]
SERVICES = [Role.service(slot) for slot in range(SLOTS)]
Colour = tuple[int, int, int]


def colour_of(style: Style, otherwise: str) -> Colour:
    if style.color is not None:
        return rgb(style.color)
    return parsed(otherwise)


def rgb(colour: rich.color.Color) -> Colour:
    red, green, blue = colour.get_truecolor()
    return red, green, blue


def parsed(text: str) -> Colour:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def linear(colour: Colour) -> tuple[float, ...]:
    return tuple(c / 12.92 if (c := v / 255) <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for v in colour)


def contrast(one: Colour, other: Colour) -> float:
    """Contrast ratio as defined by WCAG 2."""
    red, green, blue = 0.2126, 0.7152, 0.0722
    low, high = sorted(red * c[0] + green * c[1] + blue * c[2] for c in map(linear, (one, other)))
    return (high + 0.05) / (low + 0.05)


def colour_distance(one: Colour, other: Colour) -> float:
    """Perceived difference of two colours; hue weighs more than lightness."""

    def lab(colour: Colour) -> tuple[float, float, float]:
        r, g, b = linear(colour)
        x, y, z = (
            value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116
            for value in (
                (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047,
                0.2126 * r + 0.7152 * g + 0.0722 * b,
                (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883,
            )
        )
        return (116 * y - 16) / 2, 500 * (x - y), 200 * (y - z)

    return math.dist(lab(one), lab(other))


def test_contrast_matches_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast(parsed("#6c6c6c"), parsed("#e0e0e0")) == pytest.approx(3.98, abs=0.01)


@pytest.mark.parametrize(("theme", "app", "least"), LEAST_CONTRASTS, ids=NAMES)
@pytest.mark.parametrize("ground", ["background", "surface"])
def test_every_role_has_enough_contrast(theme: Theme, app: AppTheme, least: float, ground: str) -> None:
    colours = app.to_color_system().generate()
    for role in [*ROLES, *SERVICES]:
        shown = colour_of(theme.style(role), colours["foreground"])
        assert contrast(shown, parsed(colours[ground])) >= least, role


@pytest.mark.parametrize(("theme", "app", "least"), LEAST_CONTRASTS, ids=NAMES)
def test_every_role_has_enough_contrast_under_the_cursor(theme: Theme, app: AppTheme, least: float) -> None:
    for role in ROLES:
        style = theme.cursor_style(role)
        assert style.bgcolor is not None
        band = rgb(style.bgcolor)
        assert contrast(colour_of(style, ""), band) >= least, role


@pytest.mark.parametrize("theme", [DARK, LIGHT, HIGH_CONTRAST], ids=NAMES)
def test_services_keep_their_colours_under_the_cursor(theme: Theme) -> None:
    for role in SERVICES:
        style = theme.cursor_style(role)
        assert style.bgcolor is not None
        assert style.color == theme.style(role).color
        # they are drawn as glyphs and bars: WCAG 2 asks for 3 between graphics and their background
        assert contrast(colour_of(style, ""), rgb(style.bgcolor)) >= 3, role


@pytest.mark.parametrize(("theme", "app", "least"), LEAST_CONTRASTS, ids=NAMES)
def test_cursor_row_differs_from_the_background(theme: Theme, app: AppTheme, least: float) -> None:
    colours = app.to_color_system().generate()
    band = theme.cursor_style(Role.PLAIN).bgcolor
    assert band is not None
    for ground in ("background", "surface"):
        # the cursor has a glyph as well
        assert contrast(rgb(band), parsed(colours[ground])) >= 1.3


@pytest.mark.parametrize("theme", [DARK, LIGHT, HIGH_CONTRAST], ids=NAMES)
def test_service_colours_differ_from_other_roles(theme: Theme) -> None:
    services = [colour_of(theme.style(role), "") for role in SERVICES]
    taken = [colour_of(theme.style(role), "") for role in (Role.ACCENT, Role.WARNING, Role.ERROR)]
    assert min(colour_distance(*pair) for pair in itertools.product(services, taken)) >= 24
    assert min(colour_distance(*pair) for pair in itertools.combinations(services, 2)) >= 20


@pytest.mark.parametrize("name", [name for name in THEMES if name not in ("ansi-dark", themes.HIGH_CONTRAST.name)])
def test_adapted_themes_are_legible_and_keep_services_apart(name: str) -> None:
    app = BUILTIN_THEMES[name]
    colours = app.to_color_system().generate()
    theme = adapted(
        DARK if app.dark else LIGHT, name, [colours["background"], colours["surface"]], colours["foreground"]
    )
    for role in [*ROLES, *SERVICES]:
        shown = colour_of(theme.style(role), colours["foreground"])
        assert all(contrast(shown, parsed(colours[ground])) >= 4.5 for ground in ("background", "surface")), role
    band = theme.cursor_style(Role.PLAIN).bgcolor
    assert band is not None
    assert contrast(rgb(band), parsed(colours["background"])) >= 1.2
    for role in ROLES:
        assert contrast(colour_of(theme.cursor_style(role), ""), rgb(band)) >= 4.5, role
    for role in SERVICES:
        assert theme.cursor_style(role).color == theme.style(role).color
        assert contrast(colour_of(theme.cursor_style(role), ""), rgb(band)) >= 3, role
    services = [colour_of(theme.style(role), "") for role in SERVICES]
    taken = [colour_of(theme.style(role), "") for role in (Role.ACCENT, Role.WARNING, Role.ERROR)]
    assert min(colour_distance(*pair) for pair in itertools.product(services, taken)) >= 20
    assert min(colour_distance(*pair) for pair in itertools.combinations(services, 2)) >= 10


def test_service_colours_of_the_terminal_differ_from_other_roles() -> None:
    def names(styles: Iterable[Style]) -> set[str]:
        return {style.color.name.removeprefix("bright_") for style in styles if style.color}

    taken = names(ANSI.style(role) for role in (Role.ACCENT, Role.WARNING, Role.ERROR))
    assert taken == {"cyan", "yellow", "red"}
    assert all(style.color for style in ANSI.services)
    assert not names(ANSI.services) & taken


ROW = Line(
    [
        ("├▾ ", Role.GUIDE),
        ("●", Role.service(1)),
        ("database ", Role.service(1)),
        ("query ", Role.PLAIN),
        ("✖ timeout", Role.ERROR),
        ("      ", ""),
        ("████▌   ", Role.service(1)),
        ("──", Role.REST),
        ("◆    ", Role.EVENT),
        ("3.00 s", Role.STRONG),
    ]
)


def test_cursor_reverses_the_whole_row_and_bars_keep_their_colour() -> None:
    runs = ANSI.cursor_runs(ROW)
    assert "".join(run.text for run in runs) == ROW.text
    assert all(ANSI.cursor_style(run.role).reverse for run in runs)
    # in one style
    bars = set("█▌─◆")
    texts = [run for run in runs if not bars & set(run.text)]
    assert {str(ANSI.cursor_style(run.role)) for run in texts} == {"reverse"}
    bar = next(run for run in runs if "█" in run.text)
    # the background of reversed text is painted as its foreground
    assert ANSI.cursor_style(bar.role).bgcolor == ANSI.style(bar.role).color


def test_grey_bars_are_no_holes_in_a_reversed_row() -> None:
    line = Line([("checkout  ", Role.PLAIN), ("███▌", Role.DIM), ("  3.00 s", Role.PLAIN)])
    runs = ANSI.cursor_runs(line)
    assert [run.text for run in runs if not ANSI.cursor_style(run.role).reverse] == ["███▌"]


def test_cursor_without_colours_underlines_the_whole_row() -> None:
    runs = MONO.cursor_runs(ROW)
    assert all(MONO.cursor_style(run.role).underline and not MONO.cursor_style(run.role).reverse for run in runs)
    # including the rest of the line
    assert MONO.cursor_style("").underline


@pytest.mark.parametrize("theme", [DARK, LIGHT, HIGH_CONTRAST], ids=NAMES)
def test_cursor_band_keeps_the_runs(theme: Theme) -> None:
    assert theme.cursor_runs(ROW) == ROW.runs


RUNS = st.lists(st.tuples(st.text(st.sampled_from(f"ab 12{UNICODE.trend}─●✖"), max_size=6), st.sampled_from(ROLES)))


@given(RUNS)
def test_no_text_is_lost_under_the_cursor(runs: list[tuple[str, str]]) -> None:
    line = Line(runs)
    for theme in (MONO, ANSI):
        shown = theme.cursor_runs(line)
        assert "".join(run.text for run in shown) == line.text
        assert all(run.text for run in shown)


def test_render_theme_of_each_app_theme() -> None:
    known = {**BUILTIN_THEMES, themes.HIGH_CONTRAST.name: themes.HIGH_CONTRAST}
    own = {"textual-dark": "dark", "textual-light": "light", "ansi-dark": "ansi"}
    assert [render_theme(known[name], {}).name for name in THEMES] == [own.get(name, name) for name in THEMES]
    assert render_theme(known["textual-dark"], {"NO_COLOR": "1"}) is MONO
    assert [next_theme(name) for name in THEMES] == [*THEMES[1:], THEMES[0]]
    assert set(THEME_NOTES) == set(THEMES)


@pytest.mark.usefixtures("own_state")
async def test_theme_follows_the_terminal_until_the_user_chooses_one() -> None:
    async def themes_after(*steps: bool | str, follows: bool = True, first: str = "textual-dark") -> list[str]:
        app = CountingApp(State(), theme=first, follows_terminal=follows)
        async with driven(app, (80, 24)) as pilot:
            seen = []
            for step in steps:
                if isinstance(step, str):
                    await pilot.press(step)
                else:
                    app.post_message(BackgroundReported(step))
                    await pilot.settle()
                seen.append(app.theme)
            return seen

    assert await themes_after(False) == ["textual-light"]
    # the environment may be wrong about the terminal
    assert await themes_after(True, first="textual-light") == ["textual-dark"]
    # only the first answer counts
    assert await themes_after(True, False) == ["textual-dark", "textual-dark"]
    assert await themes_after("T", False) == [next_theme("textual-dark")] * 2
    assert await themes_after(False, follows=False) == ["textual-dark"]


async def test_service_has_one_colour_in_all_views() -> None:
    async with opened(SHOP) as (app, pilot):
        seen: dict[str, set[str]] = {}
        for key in ("1", "enter", "3", "4", "5"):
            await pilot.press(key)
            await pilot.settle()
            for row in painted_frame(app).rows:
                texts = [text for text, _ in row]
                for at, (text, look) in enumerate(row):
                    if (glyph := text.rfind("●")) >= 0:
                        name = "".join([text[glyph + 1 :], *texts[at + 1 : at + 2]]).split(" ")[0]
                        seen.setdefault(name, set()).add(look.colour)
        whole = {name: colours for name, colours in seen.items() if name and not name.endswith("…")}
        assert {name for name, colours in whole.items() if len(colours) > 1} == set()
        assert {"subscription-service", "notification-service"} <= set(whole)

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hostile import ALL, KINDS
from tests.support.texts import is_harmless
from tracetui.model.service_slots import SLOTS
from tracetui.render.text.ansi import Colour, ColourChoice, ansi_text, colour_of, encodable, theme_for, write_lines
from tracetui.render.text.cells import cell_width
from tracetui.render.text.line import Line, Role, flowed, wrapped
from tracetui.render.text.theme import ANSI, DARK, LIGHT, MONO, Theme

_STYLE = re.compile(r"\x1b\[[0-9;]*m")
LINE = Line([("✖ ", Role.ERROR), ("redis", Role.service(3)), (" get   ", Role.PLAIN)])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "choice", "colour"),
    [
        ({"TERM": "xterm"}, ColourChoice.AUTO, Colour.ANSI),
        ({"TERM": "xterm-256color"}, ColourChoice.AUTO, Colour.EIGHT_BIT),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, ColourChoice.AUTO, Colour.TRUE),
        ({"TERM": "xterm", "NO_COLOR": "1"}, ColourChoice.AUTO, Colour.MONO),
        ({"TERM": "xterm", "NO_COLOR": ""}, ColourChoice.AUTO, Colour.ANSI),
        ({"TERM": "xterm", "NO_COLOR": "1"}, ColourChoice.ALWAYS, Colour.ANSI),
        ({"TERM": "dumb"}, ColourChoice.AUTO, Colour.NONE),
        ({"TERM": "xterm"}, ColourChoice.NEVER, Colour.NONE),
    ],
)
def test_colour_of_a_terminal(environ: dict[str, str], choice: ColourChoice, colour: Colour) -> None:
    assert colour_of(Terminal(), choice, environ) is colour


def test_pipe_has_no_colour_unless_requested() -> None:
    assert colour_of(io.StringIO(), ColourChoice.AUTO, {"TERM": "xterm"}) is Colour.NONE
    assert colour_of(io.StringIO(), ColourChoice.AUTO, {"TERM": "xterm", "FORCE_COLOR": "1"}) is Colour.ANSI
    assert colour_of(io.StringIO(), ColourChoice.AUTO, {"FORCE_COLOR": "1", "NO_COLOR": "1"}) is Colour.NONE
    assert colour_of(io.StringIO(), ColourChoice.ALWAYS, {"TERM": "xterm"}) is Colour.ANSI


def test_theme_for() -> None:
    assert theme_for(Colour.NONE, {}) is MONO
    assert theme_for(Colour.ANSI, {}) is ANSI
    assert theme_for(Colour.TRUE, {}) is DARK
    assert theme_for(Colour.TRUE, {"COLORFGBG": "0;15"}) is LIGHT


def test_style_in_every_colour_depth() -> None:
    assert ansi_text(LINE, DARK, Colour.NONE) == "✖ redis get"
    assert ansi_text(LINE, MONO, Colour.MONO) == "\x1b[1m✖ \x1b[0mredis get"
    assert ansi_text(LINE, ANSI, Colour.ANSI) == "\x1b[1;31m✖ \x1b[0m\x1b[92mredis\x1b[0m get"
    assert ansi_text(LINE, DARK, Colour.TRUE).startswith("\x1b[1;38;2;255;95;95m✖ ")
    assert ansi_text(LINE, DARK, Colour.EIGHT_BIT) == "\x1b[1;38;5;203m✖ \x1b[0m\x1b[38;5;208mredis\x1b[0m get"


@given(
    st.lists(st.tuples(st.text(max_size=8), st.sampled_from(["", "dim", "error", "nonsense", "service:99"]))),
    st.sampled_from(list(Colour)),
)
def test_only_styles_are_emitted(runs: list[tuple[str, str]], colour: Colour) -> None:
    text = re.sub(r"\x1b\[[0-9;]+m", "", ansi_text(Line(runs), theme_for(colour, {}), colour))
    assert text == "" or text.isprintable() or not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text)


def test_characters_missing_in_the_encoding_are_replaced() -> None:
    assert encodable("✖ 注文 ok", "ascii") == "? ???? ok"
    assert encodable("é✖", "latin-1") == "é?"
    assert encodable("✖", None) == "✖"
    assert encodable("é✖", "no such encoding") == "??"
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    write_lines([LINE, Line()], stream)
    stream.seek(0)
    assert stream.read() == "? redis get\n\n"


def test_rich_text() -> None:
    text = DARK.text(Line([("[red]x", Role.ERROR), (" y", Role.PLAIN)]))
    assert text.plain == "[red]x y"
    assert text.spans[0].style == DARK.style(Role.ERROR)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("theme", "background"), [(DARK, "#1e1e1e"), (LIGHT, "#ffffff")])
def test_every_colour_is_legible(theme: Theme, background: str) -> None:
    for style in (*theme.services, *theme.styles.values()):
        if style.color is not None and style.color.triplet is not None:
            high, low = sorted((luminance(style.color.triplet.hex), luminance(background)), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 4.5, (theme.name, style)


@pytest.mark.parametrize(("theme", "hues"), [(DARK, SLOTS), (LIGHT, SLOTS), (ANSI, 6)])
def test_service_colours_differ_and_none_is_red(theme: Theme, hues: int) -> None:
    colours = [style.color.name for style in theme.services if style.color]
    assert len(set(colours)) == hues
    reds = {theme.style(role).color for role in (Role.ERROR, Role.PROPAGATED)}
    assert not reds & {style.color for style in theme.services}


def test_operations_on_a_line() -> None:
    line = Line([("ab", "x"), ("c", "x"), ("", "y"), ("注文", "y")])
    assert [tuple(run) for run in line.runs] == [("abc", "x"), ("注文", "y")]
    assert (line.text, line.width) == ("abc注文", 7)
    assert line.cropped(7) is line
    assert line.cropped(6).text == "abc注…"
    assert line.cropped(3).text == "ab…"
    assert line.cropped(0).text == ""
    assert line.pad(9).text == "abc注文  "


def test_lines_are_wrapped_between_words() -> None:
    line = Line([("  no match ", Role.STRONG), ("among the newest", Role.DIM), (" 20", Role.PLAIN)])
    lines = wrapped(line, 14)
    assert [one.text for one in lines] == ["  no match", "  among the", "  newest 20"]
    assert {run.role for run in lines[1].runs if run.text.strip()} == {Role.DIM}
    assert [one.text for one in wrapped(line, 80)] == [line.text]
    assert [one.text for one in wrapped(Line([("日本語 日本語", Role.PLAIN)]), 7)] == ["日本語", "日本語"]
    assert [one.text for one in wrapped(Line([("unbreakable", Role.PLAIN)]), 6)] == ["unbre…"]
    assert [one.text for one in wrapped(Line(), 5)] == [""]


def test_flowed() -> None:
    items = [Line([(text, "")]) for text in ("one", "two", "three", "much too long")]
    assert [line.text for line in flowed(items, 9)] == ["one   two", "three", "much too…"]
    assert items[0].text == "one"


@given(
    st.lists(st.tuples(st.text("aBb .注", max_size=6), st.sampled_from(["x", "y"])), max_size=6),
    st.text("abB.注", max_size=3),
)
def test_marking_changes_only_the_roles_of_a_word(runs: list[tuple[str, str]], word: str) -> None:
    line = Line(runs)
    marked = line.highlighted(word, "found")
    assert (marked.text, marked.width) == (line.text, line.width)
    pieces = [role for text, role in marked.runs for _ in text]
    before = [role for text, role in line.runs for _ in text]
    inside = [False] * len(pieces)
    for match in re.finditer(re.escape(word), line.text, re.IGNORECASE):
        inside[match.start() : match.end()] = [True] * len(match[0])
    assert pieces == ["found" if found else role for found, role in zip(inside, before, strict=True)]


@pytest.mark.parametrize("kind", KINDS)
def test_lines_clean_what_their_callers_do_not(kind: str) -> None:
    line = Line([("a", Role.PLAIN), (KINDS[kind], Role.PLAIN), (KINDS[kind], Role.DIM)])
    assert is_harmless(line.extend(Line([(KINDS[kind], Role.DIM)])).text)
    assert line.width == cell_width(line.text)


@pytest.mark.parametrize("colour", Colour)
def test_lines_that_were_not_cleaned_are_printed_harmlessly(colour: Colour) -> None:
    stream = io.StringIO()
    write_lines([Line([(text, Role.PLAIN)]) for text in (ALL, *KINDS.values())], stream, colour)
    assert all(map(is_harmless, _STYLE.sub("", stream.getvalue()).split("\n")))

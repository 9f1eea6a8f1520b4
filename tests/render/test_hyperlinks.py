"""Hyperlinks: safe addresses, terminals that know them, and their sequences in text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.render.text.ansi import Colour, ansi_text
from tracetui.render.text.hyperlinks import are_known, are_wanted, linkable
from tracetui.render.text.line import Line, Role
from tracetui.render.text.theme import ANSI, DARK, MONO, Theme


def with_links(theme: Theme) -> Theme:
    return replace(theme, has_links=True)


PAGE = "https://jaeger.example.com:16686/trace/4ce7f52ffe3770398f43f1a60084043d?x=1&y=%20#a"


@pytest.mark.parametrize("address", [PAGE, "http://h", "HTTP://[::1]:80/", "http://10.0.0.1:16686/trace/1"])
def test_web_addresses_are_linked(address: str) -> None:
    assert linkable(address) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ssh://host",
        " https://example.com",
        "https://example.com/a b",
        "https://example.com/\x1b]8;;x",
        "https://example.com/\x07",
        "https://example.com/\n",
        "https://exämple.com/",
        "https://example.com/‮",
        "https://bank.example@evil.example/",
        'https://example.com/"',
        "see https://example.com",
        "https://example.com/" + "x" * 2_000,
    ],
)
def test_anything_else_is_not(text: str) -> None:
    assert linkable(text) == ""
    assert Role.link(text, Role.DIM) == Role.DIM


@given(st.text(), st.sampled_from((Role.PLAIN, Role.DIM, Role.service(3))))
def test_no_text_brings_its_own_escapes(text: str, role: str) -> None:
    for address in (text, f"https://example.com/{text}"):
        linked = Role.link(address, role)
        assert Role.without_link(linked) == (role, linkable(address))
        written = ansi_text(Line([("trace", linked)]), with_links(DARK), Colour.TRUE)
        assert not re.search(r"[\x00-\x1a\x1c-\x1f\x7f-\x9f]", written)
        assert re.sub(r"\x1b\[[\d;]*m|\x1b\]8;;[!-~]*\x1b\\", "", written) == "trace"


@pytest.mark.parametrize(
    ("environ", "known"),
    [
        ({}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "linux", "KITTY_WINDOW_ID": "1"}, False),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "tmux-256color"}, True),
        ({"TERM": "screen-256color"}, False),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "4900"}, False),
        ({"TERM": "xterm-256color", "WT_SESSION": "1"}, True),
        ({"TERM": "xterm-256color", "FORCE_HYPERLINK": "1"}, True),
        ({"TERM": "xterm-kitty", "FORCE_HYPERLINK": "0"}, False),
    ],
)
def test_terminals_that_know_hyperlinks(environ: dict[str, str], known: bool) -> None:
    assert are_known(environ) is known


def test_choice_of_hyperlinks() -> None:
    kitty, other = {"TERM": "xterm-kitty"}, {"TERM": "xterm"}
    assert [are_wanted(choice, kitty) for choice in ("auto", "always", "never")] == [True, True, False]
    assert [are_wanted(choice, other) for choice in ("auto", "always", "never")] == [False, True, False]
    assert not any(are_wanted(choice, {**kitty, "NO_COLOR": "1"}) for choice in ("auto", "always", "never"))


@pytest.mark.parametrize("theme", [DARK, ANSI, MONO])
def test_style_is_that_of_the_role_without_the_link(theme: Theme) -> None:
    linked = Role.link(PAGE, Role.DIM)
    assert theme.style(linked) == theme.style(Role.DIM)
    assert theme.cursor_style(linked) == theme.cursor_style(Role.DIM)
    linking = with_links(theme)
    assert linking.style(linked).link == linking.cursor_style(linked).link == PAGE
    runs = linking.cursor_runs(Line([("id", linked)]))
    assert [linking.cursor_style(role).link for _, role in runs] == [PAGE]


def test_text_has_links_only_where_they_are_known() -> None:
    line = Line([("trace ", Role.DIM), ("4ce7", Role.link(PAGE)), (" ok", Role.PLAIN)])
    assert ansi_text(line, ANSI, Colour.NONE) == "trace 4ce7 ok"
    assert ansi_text(line, with_links(MONO), Colour.NONE) == f"trace \x1b]8;;{PAGE}\x1b\\4ce7\x1b]8;;\x1b\\ ok"
    assert line.cropped(8).runs[-1] == ("4…", Role.link(PAGE))

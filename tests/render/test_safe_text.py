import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.texts import ANY_TEXT, ODD_TEXT, is_harmless
from tracetui.render.report import alert_rules
from tracetui.render.text.cells import Align, cell_width, cut, fit
from tracetui.render.text.safe_text import ascii_text, escaped_json, in_ascii, safe, safe_lines


@given(ANY_TEXT | ODD_TEXT, st.integers(0, 80))
def test_output_is_harmless(text: str, limit: int) -> None:
    shown = safe(text, limit)
    assert is_harmless(shown)
    assert len(shown) <= limit
    assert safe(shown, limit) == shown
    shown.encode()


@given(ODD_TEXT)
def test_lines_are_harmless(text: str) -> None:
    assert all(map(is_harmless, safe_lines(text)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /profile", "GET /profile"),
        ("ünïcode 注文", "ünïcode 注文"),
        ("a\x1b[31mb", "a␛[31mb"),
        ("\x00\x07\x7f", "␀␇␡"),
        ("a\tb\nc\r\nd\re", "a b␤c␤d␍e"),
        ("\x9b31m", "<U+009B>31m"),
        ("\u202egpj.exe", "<U+202E>gpj.exe"),
        ("pay\u200bments", "pay<U+200B>ments"),
        ("soft\u00adhyphen\ufeff", "soft<U+00AD>hyphen<U+FEFF>"),
        ("a\u2028b", "a<U+2028>b"),
        ("\ud800", "<U+D800>"),
        ("\U000e0041\ue000\u3164", "<U+E0041><U+E000><U+3164>"),
        ("\uffff\ufdd0", "<U+FFFF><U+FDD0>"),
        ("a\u00a0b\u3000c", "a b c"),
        ("👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 ✔\ufe0f 1\ufe0f\u20e3", "👨👩👧 ❤🔥 ✔ 1\u20e3"),
        ("a\u200db\ufe0f", "a<U+200D>b<U+FE0F>"),
        ("\u0301x", "◌\u0301x"),
        ("z" + "\u0301" * 6, "z" + "\u0301" * 4 + "<U+0301>" * 2),
    ],
)
def test_visible_replacements(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_long_text_is_truncated() -> None:
    assert safe("x" * 20_000, 10) == "xxxxxxxxx…"
    assert safe("x" * 10, 10) == "x" * 10
    assert len(safe("\x9b" * 20_000, 50)) == 50


def test_a_block_keeps_its_lines() -> None:
    assert safe_lines("a\n\tb\x1b\r\nc\nd", limit=3) == ["a", "    b␛", "c", "… 1 more lines"]


@given(ANY_TEXT | ODD_TEXT, st.integers(-1, 30), st.sampled_from(["left", "right", "centre"]))
def test_fit_is_exact(text: str, width: int, align: Align) -> None:
    shown = safe(text)
    assert cell_width(fit(shown, width, align)) == max(0, width)
    assert cell_width(cut(text, width)) <= max(0, width)


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("checkout", 8, "checkout"),
        ("checkout", 5, "chec…"),
        ("注文サービス", 12, "注文サービス"),
        ("注文サービス", 6, "注文…"),
        ("注文サービス", 7, "注文サ…"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
        ("ab", 0, ""),
    ],
)
def test_cut(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown


def test_fit_aligns() -> None:
    assert (fit("ab", 5), fit("ab", 5, "right"), fit("ab", 5, "centre")) == ("ab   ", "   ab", " ab  ")
    assert fit("checkout", 5, ellipsis="~") == "chec~"


@given(st.text(st.characters(max_codepoint=0x7F), max_size=60), st.integers(1, 80))
def test_replacements_can_be_ascii(text: str, limit: int) -> None:
    shown = ascii_text(safe(text, limit))
    assert shown.isascii()
    assert is_harmless(shown)


def test_wider_replacements_use_the_following_padding() -> None:
    runs = [("a␛␛ b", "x"), ("  ", "y"), ("c    ", "x"), ("3 s", "z")]
    assert in_ascii(runs) == [("a^[^[ b", "x"), (" ", "y"), ("c   ", "x"), ("3 s", "z")]
    assert in_ascii([("注 ␇", "x"), ("y", "")]) == [("注 ^G", "x"), ("y", "")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u0301\u0301\u0301\u0301b", "a\u0301\u0301\u0301\u0301b"),
        ("a" + "\u0301" * 6 + "b", "a\u0301\u0301\u0301\u0301\\u0301\\u0301b"),
        ("\u3164x\u115fy\uffa0", "\\u3164x\\u115fy\\uffa0"),
        ("a\ufe0f\U000e0100\U000e0041", "a\\ufe0f\\udb40\\udd00\\udb40\\udc41"),
        ("注文\u202e\x9b\u200b", "注文\\u202e\\u009b\\u200b"),
    ],
)
def test_invisible_and_overflowing_characters_are_escaped_in_json_and_rules(text: str, shown: str) -> None:
    data = json.dumps(text, ensure_ascii=False).encode()
    assert escaped_json(data).decode() == f'"{shown}"'
    assert json.loads(escaped_json(data)) == text
    rule = alert_rules._quoted(text)
    assert yaml.safe_load(rule) == text
    assert escaped_json(rule.encode()) == rule.encode()

"""Themes of the app, and the styles of lines for each."""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import Theme as AppTheme

from tracetui.render.text import theme as looks
from tracetui.render.text.theme import ANSI, DARK, LIGHT, MONO, Theme
from tracetui.render.text.theme_contrast import adapted

HIGH_CONTRAST = AppTheme(
    name="high-contrast",
    primary="#ffff00",
    accent="#00ffff",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    error="#ff6e6e",
    warning="#ffff00",
    success="#00ff5f",
    dark=True,
)
THEME_NOTES = {
    "textual-dark": "light on dark",
    "textual-light": "dark on light",
    "ansi-dark": "the terminal's own colours",
    "high-contrast": "pure colours on black",
    "nord": "light on dark",
    "gruvbox": "light on dark",
    "catppuccin-mocha": "light on dark",
    "catppuccin-latte": "dark on light",
    "solarized-dark": "light on dark",
    "solarized-light": "dark on light",
    "tokyo-night": "light on dark",
}
THEMES = tuple(THEME_NOTES)
DARK_THEME, LIGHT_THEME = "textual-dark", "textual-light"
"""Themes that are chosen for the background of the terminal."""
_OWN_STYLES = {DARK_THEME: DARK, LIGHT_THEME: LIGHT, HIGH_CONTRAST.name: looks.HIGH_CONTRAST}
"""Themes of the app with styles made for their background; others get adapted ones."""


def next_theme(current: str) -> str:
    """Return the next theme in the cycle."""
    return THEMES[(THEMES.index(current) + 1) % len(THEMES)] if current in THEMES else THEMES[0]


def render_theme(theme: AppTheme, environ: Mapping[str, str]) -> Theme:
    """Return the styles of lines for an app theme."""
    if environ.get("NO_COLOR"):
        return MONO
    if theme.name.startswith("ansi") or theme.name == "textual-ansi":
        return ANSI
    if theme.name in _OWN_STYLES:
        return _OWN_STYLES[theme.name]
    colours = theme.to_color_system().generate()
    grounds = [colours["background"], colours["surface"]]
    return adapted(DARK if theme.dark else LIGHT, theme.name, grounds, colours["foreground"])


def first_theme(environ: Mapping[str, str]) -> str:
    """Return the default theme for the terminal."""
    if environ.get("NO_COLOR") or environ.get("TERM", "") in ("linux", "xterm", "screen", "vt100", "ansi"):
        return "ansi-dark"
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT_THEME if background in ("7", "15") else DARK_THEME

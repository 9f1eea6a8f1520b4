"""Themes adapted to a background: colours are moved towards white or black until they are legible there."""

from __future__ import annotations

from collections.abc import Sequence

from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.style import Style

from tracetui.render.text.line import Role
from tracetui.render.text.theme import Theme, luminance

_TEXT, _GRAPHICS = 4.5, 3.0
"""Least contrast of text and of graphics, from WCAG 2.2, success criteria 1.4.3 and 1.4.11."""
_BAND = 0.17
"""Share of the foreground in the background of the cursor row."""
_STEP = 0.04
_WHITE, _BLACK = ColorTriplet(255, 255, 255), ColorTriplet(0, 0, 0)


def contrast_ratio(one: ColorTriplet, other: ColorTriplet) -> float:
    """Return the contrast of two colours as defined by WCAG 2: 1 for equal ones to 21 for black on white."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def adapted(theme: Theme, name: str, grounds: Sequence[str], foreground: str) -> Theme:
    """Adapt a theme to an app theme, with a cursor row in which services keep their colours.

    grounds: the backgrounds of its text, first that of the rows; foreground: its plain text. Both `#rrggbb`.
    """
    behind = [Color.parse(ground).get_truecolor() for ground in grounds]
    text = Color.parse(foreground).get_truecolor()
    towards = _WHITE if luminance(behind[0]) < luminance(text) else _BLACK
    band = _mixed(behind[0], text, _BAND)
    everywhere = [(ground, _TEXT) for ground in behind]
    services = tuple(_legible(style, towards, [*everywhere, (band, _GRAPHICS)]) for style in theme.services)
    uncoloured = Style(color=Color.from_triplet(text))
    plain = _legible(uncoloured, towards, everywhere)
    # some themes have plain text of too little contrast
    own = Style.null() if plain == uncoloured else plain
    styles = {role: own + _legible(style, towards, everywhere) for role, style in theme.styles.items()}
    on_band = {role: _legible(style, towards, [(band, _TEXT)]) for role, style in theme.styles.items()}
    on_band[Role.PLAIN] = _legible(uncoloured, towards, [(band, _TEXT)]) + Style(bgcolor=Color.from_triplet(band))
    return Theme(name, styles, services, Theme(f"{name} band", on_band, services))


def _legible(style: Style, towards: ColorTriplet, grounds: Sequence[tuple[ColorTriplet, float]]) -> Style:
    """Return the style with a colour that has these contrasts with these backgrounds."""
    if style.color is None or style.color.is_default:
        return style
    colour = style.color.get_truecolor()
    share = 0.0
    shown = colour
    while share < 1 and any(contrast_ratio(shown, ground) < least for ground, least in grounds):
        share = min(share + _STEP, 1.0)
        shown = _mixed(colour, towards, share)
    return style + Style(color=Color.from_triplet(shown))


def _mixed(one: ColorTriplet, other: ColorTriplet, share: float) -> ColorTriplet:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return ColorTriplet(red, green, blue)
